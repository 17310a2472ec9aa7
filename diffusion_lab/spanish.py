"""Spanish for prompts: what the words of the project's networks are called, their plurals and genders, and the small words.

words.py reads prompts with these tables where `language()` is "es". The first name of a word is the one that descriptions use.
"""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

FILLERS = set("un una unos unas el la los las de del a al en que sea sean color".split())  # "un slime que no sea de color rojo"
JOINS = {"y", "e", "con", "pero", "sino", "más", "mas"}
NOTS = {"no", "sin", "excepto", "menos", "salvo", "ni"}  # "sin rojo ni verde"
ORS = {"o", "u"}
AMOUNTS = {"poco": 0.3, "poca": 0.3, "medio": 0.5, "media": 0.5, "mitad": 0.5}

# fmt: off
# English: what it is called, with m or f for the gender of a noun, mm or ff for one that is a plural itself.
NOUNS = {
    "hero": "m héroe, f heroína", "non_hero": "m no héroe, m monstruo, m enemigo, f criatura", "food": "f comida",
    "spell": "m hechizo, m conjuro, f arma", "knight": "m caballero", "mage": "m mago, f maga",
    "ranger": "m explorador, m guardabosques, m montaraz, f exploradora", "king": "m rey", "ninja": "m ninja",
    "farmer": "m granjero, m campesino, m agricultor, f granjera, f campesina, f agricultora",
    "viking": "m vikingo, f vikinga", "pirate": "m pirata", "priest": "m sacerdote", "princess": "f princesa",
    "chef": "m cocinero, f cocinera", "miner": "m minero, f minera", "samurai": "m samurái",
    "barbarian": "m bárbaro, f bárbara", "bard": "m bardo, m juglar, m trovador", "astronaut": "m astronauta, m cosmonauta",
    "witch": "f bruja", "jester": "m bufón, m payaso, m arlequín, f payasa", "slime": "m slime, m limo",
    "ghost": "m fantasma, m espectro", "skeleton": "m esqueleto", "goblin": "m goblin, m duende, m trasgo",
    "golem": "m gólem", "eyeball monster": "m monstruo ojo, m ojo, m globo ocular", "devil": "m diablo, m demonio",
    "robot": "m robot", "mummy": "f momia",
    "mushroom monster": "m monstruo seta, m monstruo hongo, m hongo, m champiñón, f seta",
    "snowman": "m muñeco de nieve, m hombre de nieve", "bat": "m murciélago", "spider": "f araña", "bee": "f abeja",
    "butterfly": "f mariposa", "ladybird": "f mariquita, f catarina", "turtle": "f tortuga", "fish": "m pez, m pescado",
    "crab": "m cangrejo", "octopus": "m pulpo", "jellyfish": "f medusa", "owl": "m búho, f lechuza", "frog": "f rana, m sapo",
    "bear": "m oso, f osa", "apple": "f manzana", "pear": "f pera", "cherries": "ff cerezas, f cereza",
    "grapes": "ff uvas, f uva", "banana": "m plátano, m banano, f banana", "strawberry": "f fresa, f frutilla",
    "watermelon slice": "f rodaja de sandía, f sandía", "pineapple": "f piña, m ananás, m ananá", "carrot": "f zanahoria",
    "aubergine": "f berenjena", "corn": "m maíz, m choclo, m elote, f mazorca, f mazorca de maíz",
    "broccoli": "m brócoli, m brécol", "bread": "m pan", "cheese": "m queso",
    "drumstick": "m muslo de pollo, m muslo, f pata de pollo", "fried egg": "m huevo frito, m huevo",
    "cake slice": "m trozo de tarta, m trozo de pastel, m pastel, f tarta, f torta, f porción de tarta, f rebanada de pastel",
    "doughnut": "f rosquilla, m dónut, f dona", "ice cream": "m helado", "pizza": "f pizza", "hamburger": "f hamburguesa",
    "beer": "f cerveza", "coffee": "m café", "sushi": "m sushi", "sword": "f espada", "sabre": "m sable",
    "battle axe": "f hacha de batalla, f hacha de guerra, f hacha", "war hammer": "m martillo de guerra, m martillo",
    "mace": "f maza", "flail": "m mangual, m mayal", "bow": "m arco", "arrow": "f flecha", "shield": "m escudo",
    "helmet": "m casco, m yelmo", "bomb": "f bomba", "potion": "f poción, m brebaje, f pócima",
    "staff": "m báculo, m bastón, m cayado", "wand": "f varita, f varita mágica", "scroll": "m pergamino",
    "open book": "m libro abierto, m libro", "ring": "m anillo, f sortija", "gem": "f gema, f joya",
    "crystals": "mm cristales, m cristal", "flame": "f llama, m fuego", "snowflake": "m copo de nieve, m copo",
    "lightning": "m rayo, m relámpago", "heart": "m corazón", "whirlwind": "m torbellino, m remolino, m tornado",
    "traveller": "m viajero, f viajera", "wizard": "m hechicero, m brujo, f hechicera", "soldier": "m soldado",
    "archer": "m arquero, f arquera", "boy": "m niño, m chico, m muchacho", "woman": "f mujer, f señora",
    "cat": "m gato, m gatito, f gata", "dog": "m perro, m perrito, m cachorro", "chicken": "f gallina, m pollo",
    "duck": "m pato", "dinosaur": "m dinosaurio", "elephant": "m elefante", "pig": "m cerdo, m puerco, m chancho",
    "sheep": "f oveja", "camel": "m camello", "fox": "m zorro", "penguin": "m pingüino",
}
# Masculine, one. "naranja" is the colour, as "orange" is: no network here knows the fruit.
COLOURS = {
    "red": "rojo, escarlata, carmesí", "orange": "naranja, anaranjado", "yellow": "amarillo, dorado", "green": "verde",
    "blue": "azul, celeste, cian, turquesa", "purple": "morado, violeta, púrpura, lila",
    "pink": "rosa, rosado, magenta, fucsia", "brown": "marrón, castaño, pardo", "black": "negro", "gray": "gris, plateado",
    "white": "blanco",
}
PHRASES = {"side_facing": "de perfil, de lado"}  # without gender or plural
COLOURS_AFTER = {"brown": "café"}  # a colour right after a word ("un perro café"); coffee where it stands alone ("un café")
PLURALS = {  # where the rules of `plural` fail
    "no héroe": "no héroes", "monstruo ojo": "monstruos ojo", "monstruo seta": "monstruos seta",
    "monstruo hongo": "monstruos hongo", "gris": "grises",
    "de perfil": "de perfil", "de lado": "de lado",
}
# fmt: on


class Name(NamedTuple):
    """What a word is called in descriptions.

    forms: one for a noun or a phrase; four for a colour: masculine, feminine, and both in the plural ("rojo", "roja", ...).
    agrees: for a noun, which of these four a colour takes beside it; else None.
    """

    forms: tuple[str, ...]
    agrees: int | None


def names() -> Iterator[tuple[str, str, Name]]:
    """All names of the tables: the English word, the Spanish name, and how descriptions use it."""
    for word, nouns in NOUNS.items():
        for noun in nouns.split(", "):
            gender, _, name = noun.partition(" ")
            yield word, name, Name((name,), ("m", "f", "mm", "ff").index(gender))
    for word, colours in COLOURS.items():
        for name in colours.split(", "):
            yield word, name, Name(agreeing(name), None)
    for word, phrases in PHRASES.items():
        for name in phrases.split(", "):
            yield word, name, Name((name,), None)


def forms(name: str) -> tuple[str, ...]:
    """A word as prompts may hold it: one and many, and in both genders if it is a colour of the tables."""
    is_colour = any(name in colours.split(", ") for colours in COLOURS.values())
    return agreeing(name) if is_colour else (name, plural(name))


def plural(name: str) -> str:
    """More than one: "pociones", "peces", "huevos fritos", "trozos de tarta"."""
    if name in PLURALS:
        return PLURALS[name]
    head, of, rest = name.partition(" de ")
    return " ".join(map(_plural, head.split())) + of + rest


def agreeing(colour: str) -> tuple[str, str, str, str]:
    """A colour beside a masculine and a feminine noun, and beside several: "rojo", "roja", "rojos", "rojas"."""
    feminine = colour.removesuffix("o") + "a" if colour.endswith("o") else colour
    return colour, feminine, plural(colour), plural(feminine)


def _plural(word: str) -> str:
    if word in PLURALS:
        return PLURALS[word]
    if word.endswith("z"):
        return word[:-1] + "ces"
    if re.search("[áéíóú][ns]$", word):
        return unaccented(word) + "es"
    if word.endswith("s"):
        return word  # "cerezas", "guardabosques"
    return word + ("es" if word[-1:] in set("lrndjyíú") else "s")


def unaccented(text: str) -> str:
    """Without accents, as many people type: "pocion". ñ stays: it is a letter of its own."""
    return text.translate(str.maketrans("áéíóúàèìòùü", "aeiouaeiouu"))


def tidy(text: str) -> str:
    """Text without ¡ and ¿, and with points for decimal commas: "0,6 comida". Other commas have no digit on one side."""
    text = re.sub("[¡¿]", " ", text)
    return re.sub(r"(?<![\d.,])(\d+),(\d+)(?!\d|[.,]\d)", r"\1.\2", text)


def phrase(said: Sequence[Name]) -> str:
    """Words as a description, the last noun first: "poción roja y azul, hechizo". Colours agree with the noun before them."""
    nouns = [name for name in reversed(said) if name.agrees is not None]
    agrees = nouns[0].agrees if nouns else 0
    *others, last = [name.forms[agrees] for name in said if len(name.forms) > 1] or [""]
    colours = f"{', '.join(others)} y {last}" if others else last
    first = " ".join(filter(None, [*(name.forms[0] for name in nouns[:1]), colours]))
    rest = [name.forms[0] for name in nouns[1:]]
    phrases = [name.forms[0] for name in said if name.agrees is None and len(name.forms) == 1]
    return ", ".join(filter(None, [first, *rest, *phrases]))
