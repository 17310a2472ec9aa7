"""Prompts in Spanish: each word of the project's network, and what Spanish-speaking students write."""

import random
from functools import cache

import pytest
import torch
from common import read_or_refused

from diffusion_lab import lexicon, load_model, spanish
from diffusion_lab.sprites import load_words
from diffusion_lab.words import Vocabulary, in_words, joined

OURS = load_model("context_unet")[0].words

# Each noun of the network, one and many, with the article that agrees.
NOUNS = """
hero: un héroe, unos héroes
non_hero: un no héroe, unos no héroes
food: una comida, unas comidas
spell: un hechizo, unos hechizos
knight: un caballero, unos caballeros
mage: un mago, unos magos
ranger: un explorador, unos exploradores
king: un rey, unos reyes
ninja: un ninja, unos ninjas
farmer: un granjero, unos granjeros
viking: un vikingo, unos vikingos
pirate: un pirata, unos piratas
priest: un sacerdote, unos sacerdotes
princess: una princesa, unas princesas
chef: un cocinero, unos cocineros
miner: un minero, unos mineros
samurai: un samurái, unos samuráis
barbarian: un bárbaro, unos bárbaros
bard: un bardo, unos bardos
astronaut: un astronauta, unos astronautas
witch: una bruja, unas brujas
jester: un bufón, unos bufones
slime: un slime, unos slimes
ghost: un fantasma, unos fantasmas
skeleton: un esqueleto, unos esqueletos
goblin: un goblin, unos goblins
golem: un gólem, unos gólems
eyeball monster: un monstruo ojo, unos monstruos ojo
devil: un diablo, unos diablos
robot: un robot, unos robots
mummy: una momia, unas momias
mushroom monster: un monstruo seta, unos monstruos seta
snowman: un muñeco de nieve, unos muñecos de nieve
bat: un murciélago, unos murciélagos
spider: una araña, unas arañas
bee: una abeja, unas abejas
butterfly: una mariposa, unas mariposas
ladybird: una mariquita, unas mariquitas
turtle: una tortuga, unas tortugas
fish: un pez, unos peces
crab: un cangrejo, unos cangrejos
octopus: un pulpo, unos pulpos
jellyfish: una medusa, unas medusas
owl: un búho, unos búhos
frog: una rana, unas ranas
bear: un oso, unos osos
apple: una manzana, unas manzanas
pear: una pera, unas peras
cherries: una cereza, unas cerezas
grapes: una uva, unas uvas
banana: una banana, unas bananas
strawberry: una fresa, unas fresas
watermelon slice: una rodaja de sandía, unas rodajas de sandía
pineapple: una piña, unas piñas
carrot: una zanahoria, unas zanahorias
aubergine: una berenjena, unas berenjenas
corn: un maíz, unos maíces
broccoli: un brócoli, unos brócolis
bread: un pan, unos panes
cheese: un queso, unos quesos
drumstick: un muslo de pollo, unos muslos de pollo
fried egg: un huevo frito, unos huevos fritos
cake slice: un trozo de tarta, unos trozos de tarta
doughnut: una rosquilla, unas rosquillas
ice cream: un helado, unos helados
pizza: una pizza, unas pizzas
hamburger: una hamburguesa, unas hamburguesas
beer: una cerveza, unas cervezas
coffee: un café, unos cafés
sushi: un sushi, unos sushis
sword: una espada, unas espadas
sabre: un sable, unos sables
battle axe: un hacha de batalla, unas hachas de batalla
war hammer: un martillo de guerra, unos martillos de guerra
mace: una maza, unas mazas
flail: un mangual, unos manguales
bow: un arco, unos arcos
arrow: una flecha, unas flechas
shield: un escudo, unos escudos
helmet: un casco, unos cascos
bomb: una bomba, unas bombas
potion: una poción, unas pociones
staff: un báculo, unos báculos
wand: una varita, unas varitas
scroll: un pergamino, unos pergaminos
open book: un libro abierto, unos libros abiertos
ring: un anillo, unos anillos
gem: una gema, unas gemas
crystals: un cristal, unos cristales
flame: una llama, unas llamas
snowflake: un copo de nieve, unos copos de nieve
lightning: un rayo, unos rayos
heart: un corazón, unos corazones
whirlwind: un torbellino, unos torbellinos
traveller: un viajero, unos viajeros
wizard: un hechicero, unos hechiceros
soldier: un soldado, unos soldados
archer: un arquero, unos arqueros
boy: un niño, unos niños
woman: una mujer, unas mujeres
cat: un gato, unos gatos
dog: un perro, unos perros
chicken: una gallina, unas gallinas
duck: un pato, unos patos
dinosaur: un dinosaurio, unos dinosaurios
elephant: un elefante, unos elefantes
pig: un cerdo, unos cerdos
sheep: una oveja, unas ovejas
camel: un camello, unos camellos
fox: un zorro, unos zorros
penguin: un pingüino, unos pingüinos
"""
NOUNS = [line.replace(": ", ", ").split(", ") for line in NOUNS.strip().splitlines()]
COLOURS = {
    "red": ("rojo", "roja", "rojos", "rojas"),
    "orange": ("naranja", "naranja", "naranjas", "naranjas"),
    "yellow": ("amarillo", "amarilla", "amarillos", "amarillas"),
    "green": ("verde", "verde", "verdes", "verdes"),
    "blue": ("azul", "azul", "azules", "azules"),
    "purple": ("morado", "morada", "morados", "moradas"),
    "pink": ("rosa", "rosa", "rosas", "rosas"),
    "brown": ("marrón", "marrón", "marrones", "marrones"),
    "black": ("negro", "negra", "negros", "negras"),
    "gray": ("gris", "gris", "grises", "grises"),
    "white": ("blanco", "blanca", "blancos", "blancas"),
}
WITH_ARTICLES = {"un": "el", "una": "la", "unos": "los", "unas": "las"}
FEMININE = ("una", "unas")

# As students would write them, and what they would have written in English.
PROMPTS = """
una poción roja = a red potion
Una pocion roja. = red potion
pociones rojas = red potions
un caballero, no azul = knight, not blue
caballero pero no azul = knight but not blue
un caballero que no sea azul = knight not blue
un héroe = hero
heroe = hero
HÉROE AZUL = blue hero
una princesa rosa = pink princess
la princesa rosada = pink princess
el mago azul con una varita = blue mage with a wand
un mago azul y morado = blue and purple mage
una maga violeta = purple mage
brujo verde = green wizard
una bruja con un sombrero negro pero = ERROR sombrero
un slime verde = green slime
slime sin verde = slime without green
slime sin verde ni rojo = slime without green or red
un slime que no sea verde o rojo = slime not green or red
ni verde ni rojo, un slime = not green or red, a slime
un slime, no verde, no rojo = slime, not green, not red
un slime no verde sino azul = slime not green, blue
todo menos comida = ERROR todo
sin comida = no food
héroe -rojo = hero -red
héroe + 0.6 comida = hero + 0.6 food
héroe + 0,6 comida = hero + 0.6 food
heroe, 0,5 hechizo = hero, 0.5 spell
1,5 rojo, slime = 1.5 red, slime
héroe con un poco de comida = hero with a bit of food
medio héroe, media comida = half a hero, half food
la mitad de un héroe y la mitad de un fantasma = half a hero and half a ghost
un huevo frito = a fried egg
huevos fritos = fried eggs
un huevo = an egg
un trozo de tarta = a cake slice
un trozo de la tarta roja = a red cake slice
pastel rosa = pink cake
una manzana roja y verde = a red and green apple
unas cerezas rojas = red cherries
una cereza = cherry
uvas moradas = purple grapes
una uva verde = a green grape
arana negra = black spider
una araña negra y roja = a black and red spider
un muneco de nieve blanco = a white snowman
niño = boy
pingüinos = penguins
un pinguino = penguin
una espada de color azul = a blue sword
un perro café = a brown dog
perros cafés = brown dogs
un perro blanco y café = white and brown dog
un oso cafe y blanco = brown and white bear
un perro y un café = dog and coffee
un café = a coffee
una comida, un café = food, coffee
caballero con café = knight with coffee
el búho marrón = brown owl
un zorro naranja de perfil = an orange fox, side_facing
gato negro de lado = black cat sideways
¡un dinosaurio verde! = a green dinosaur!
¿un robot gris? = a gray robot?
un monstruo rosa = a pink monster
un no héroe rojo = red non_hero
varita mágica = wand
un martillo = war hammer
un arma amarilla, excepto arco = yellow weapon, except bow
libros abiertos azules = blue open books
un hacha = battle axe
un pez naranja, salvo blanco = orange fish, not white
piña amarilla = yellow pineapple
una copa de helado = ERROR copa
helado de color rosa e hongo = pink ice cream and mushroom
a red caballero = a red knight
rey with crown = ERROR crown
king azul, not rojo = blue king, not red
donut rosa = pink donut
poción rojo = red potion
una rayo amarillos = yellow lightning
"""
PROMPTS = [line.split(" = ") for line in PROMPTS.strip().splitlines()]


pytestmark = pytest.mark.usefixtures("spanish")


@cache
def english(text, vocabulary=OURS):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DIFFUSION_LAB_LANGUAGE", "en")
        return vocabulary.prompt(text)


def same(text, in_english, vocabulary=OURS):
    read, right = vocabulary.prompt(text), english(in_english, vocabulary)
    assert torch.equal(read.wanted, right.wanted), f"{text}: {vocabulary.describe(read.wanted)}"
    assert (read.unwanted is None) == (right.unwanted is None), text
    assert read.unwanted is None or torch.equal(read.unwanted, right.unwanted), text


def vocabulary(*names):
    return Vocabulary.of(names, torch.zeros(0, len(names)))


def test_the_tables_have_each_word_of_the_network():
    assert sorted([*(noun for noun, _, _ in NOUNS), "side_facing", *COLOURS]) == sorted(OURS.words)
    named = [(word, name) for word, name, _ in spanish.names()]
    assert {word for word, _ in named} == set(OURS.words)
    assert len({name for _, name in named}) == len(named)  # no name means two words


@pytest.mark.parametrize(("noun", "one", "many"), NOUNS, ids=[noun for noun, _, _ in NOUNS])
def test_each_noun_is_read_with_its_articles_and_with_each_colour(noun, one, many):
    for text in (one, many):
        article, _, name = text.partition(" ")
        feminine = article in FEMININE or name.startswith("hacha")
        for written in (name, text, f"{WITH_ARTICLES[article]} {name}", text.upper(), spanish.unaccented(text)):
            same(written, noun)
            assert torch.equal(OURS.prompt(f"sin {written}").unwanted, english(noun).wanted)
            same(f"0.5 {written}", f"0.5 {noun}")
        for colour, forms in COLOURS.items():
            same(f"{text} {forms[feminine + 2 * (text is many)]}", f"{colour} {noun}")
            for form in set(forms) if text is one else ():  # also where it does not agree
                same(f"{form}, {name}", f"{colour} {noun}")
                same(f"{name} {form}", f"{colour} {noun}")
                same(f"{text}, no {form}", f"{noun}, not {colour}")


@pytest.mark.parametrize(("noun", "one", "many"), NOUNS, ids=[noun for noun, _, _ in NOUNS])
def test_each_noun_is_described_with_colours_that_agree(noun, one, many):
    is_many = noun in ("cherries", "grapes", "crystals")
    article, _, name = (many if is_many else one).partition(" ")
    feminine = article in FEMININE or name.startswith("hacha")
    for colour, forms in COLOURS.items():
        assert OURS.describe(OURS.context(noun, colour)) == f"{name} {forms[feminine + 2 * is_many]}"


@pytest.mark.parametrize(("word", "name", "how"), [*spanish.names()])
def test_each_name_is_read_one_and_many(word, name, how):
    for form in spanish.forms(name):
        for text in (form, f"unos {form}", form.upper(), spanish.unaccented(form), spanish.unaccented(form).replace("ñ", "n")):
            same(text, word)
    assert how.agrees is None or len(how.forms) == 1


def test_english_is_still_read():
    """Each form of the network's words means the same; "no heroes" alone is "no héroes" here, which is a word."""
    for tokens in OURS.reading("en").forms:
        same(" ".join(tokens), " ".join(tokens))
        same(f"a bit of {' '.join(tokens)}", f"a bit of {' '.join(tokens)}")
    same("no heroes", "non_hero")


@pytest.mark.parametrize(("text", "in_english"), PROMPTS, ids=[text for text, _ in PROMPTS])
def test_what_students_write_means_what_it_means_in_english(text, in_english):
    if in_english.startswith("ERROR "):
        with pytest.raises(ValueError, match=f"“{in_english.removeprefix('ERROR ')}” no es una palabra de esta red"):
            OURS.prompt(text)
    else:
        same(text, in_english)


def test_a_prompt_in_spanish_draws_the_same_contexts():
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DIFFUSION_LAB_LANGUAGE", "en")
        right = OURS.contexts("slime, not green", 20, torch.Generator().manual_seed(3))
    read = OURS.contexts("un slime, no verde", 20, torch.Generator().manual_seed(3))
    assert torch.equal(read[0], right[0]) and torch.equal(read[1], right[1])
    assert torch.equal(OURS.context("rojo", "Pociones"), OURS.context("red", "potion"))


def test_in_english_no_spanish_is_read(monkeypatch):
    monkeypatch.setenv("DIFFUSION_LAB_LANGUAGE", "en")
    for text in ("poción", "un knight", "knight y red", "rojo", "sin red", "¡knight", "knïght", "0,6 food"):
        with pytest.raises(ValueError, match=r"is not a word|is no weight"):
            OURS.prompt(text)


@pytest.mark.parametrize(
    ("context", "text"),
    [
        (("spell", "potion", "red"), "poción roja, hechizo"),
        (("spell", "battle axe", "gray", "brown"), "hacha de batalla marrón y gris, hechizo"),
        (("food", "cherries", "red", "green"), "cerezas rojas y verdes, comida"),
        (("spell", "crystals", "purple", "white"), "cristales morados y blancos, hechizo"),
        (("food", "coffee", "brown", "white"), "café marrón y blanco, comida"),
        (("non_hero", "slime", "green"), "slime verde, no héroe"),
        (("side_facing", "knight", "yellow"), "caballero amarillo, de perfil"),
        (("hero", "side_facing", "knight"), "caballero, héroe, de perfil"),
        (("red", "blue", "white"), "rojo, azul y blanco"),
        (("side_facing",), "de perfil"),
        ((), ""),
    ],
)
def test_descriptions_agree(context, text):
    assert OURS.describe(OURS.context(*context)) == text


def test_descriptions_with_weights():
    context = OURS.context("hero", "red") + 0.6 * OURS.context("food")
    assert OURS.describe(context) == "héroe + 0.6 comida + rojo"
    assert torch.equal(OURS.prompt("héroe + 0.6 comida + rojo").wanted, context)


def test_each_description_of_the_set_is_read_back():
    contexts, names = load_words("all")
    everything = Vocabulary.of(names, torch.from_numpy(contexts))
    for known, sprites in ((OURS, 19_010), (everything, 21_600)):
        assert known.counts.sum() == sprites
        told = [known.describe(description) for description in known.descriptions.float()]
        assert len(set(told)) == len(told)
        for text, description in zip(told, known.descriptions.float(), strict=True):
            assert torch.equal(known.prompt(text).wanted, description), text


def test_any_context_is_read_back():
    chance = random.Random(7)
    for _ in range(300):
        context = OURS.context(*chance.sample(OURS.words, chance.randint(0, 6)))
        for weight in (1, chance.choice([0.3, 0.5, 1.5])):
            text = OURS.describe(context * weight)
            assert torch.allclose(OURS.prompt(text).wanted, context * weight), text


def test_any_text_is_read_or_refused():
    bits = [*(name for _, name, _ in spanish.names()), *spanish.FILLERS, *spanish.JOINS, *spanish.NOTS, *spanish.ORS]
    bits += [
        *spanish.AMOUNTS,
        *OURS.words,
        *" ,;.!?¡¿+&-_()0123456789",
        "0,5",
        "1,",
        ",5",
        "1,2,3",
        "ñ",
        "á",
        "\u0301",
        "\u0303",
    ]
    own = vocabulary("sin", "la", "casa de campo", "pan", "bread", "año", "ano")
    read_or_refused((OURS, own), bits, 150)


# Own words that Spanish uses otherwise: each is read as itself, as in English, and beside a filler, a join, a colour.
@pytest.mark.parametrize(
    "word", "pan sable llama limo pastel casco pie once sea color media sin con el un de que rosa café".split()
)
def test_a_vocabularys_own_word_wins(word):
    own = vocabulary(word, "bread", "red")
    assert own.place(word) == 0
    for text in (word, f"red {word}", f"{word}, rojo", f"rojo y {word}", f"roja {word}"):
        wanted = own.prompt(text).wanted
        assert wanted[0] == 1 and wanted[1] == 0 and wanted[2] == (text != word), text
    assert own.prompt(f"no {word}").unwanted.tolist() == [1, 0, 0]
    assert own.prompt("panes rojos" if word != "pan" else "bread rojos").wanted.tolist() == [0, 1, 1]
    for context in torch.tensor([[1.0, 0, 0], [1, 1, 0], [0, 1, 1], [1, 0, 1]]):
        assert torch.equal(own.prompt(own.describe(context)).wanted, context)


def test_fillers_swallow_no_word_and_stay_fillers_elsewhere():
    own = vocabulary("casa de campo", "la", "watermelon slice", "red")
    for text, wanted in {
        "la casa de campo": [1, 1, 0, 0],
        "una casa de campo roja": [1, 0, 0, 1],
        "un poco de rojo": [0, 0, 0, 0.3],
        "rodaja de sandía": [0, 0, 1, 0],
        "de la": [0, 1, 0, 0],
        "las": [0, 0, 0, 0],
    }.items():
        assert torch.allclose(own.prompt(text).wanted, torch.tensor(wanted, dtype=torch.float32)), text
    assert own.place("las") is None and own.place("") is None  # fillers only


def test_a_vocabulary_may_be_spanish():
    own = vocabulary("dragón", "rojo", "luz", "brujo", "piña", "pina", "Chica")
    assert own.describe(torch.ones(7)) == "Chica rojo, pina, piña, brujo, luz, dragón"
    assert torch.equal(own.prompt(own.describe(torch.ones(7))).wanted, torch.ones(7))
    for text, word in {
        "dragones": "dragón",
        "dragon": "dragón",
        "las luces": "luz",
        "rojas": "rojo",
        "escarlata": "rojo",
        "hechicero": "brujo",
        "piñas": "piña",
        "pinas": "pina",
        "pina": "pina",
        "la chica": "Chica",
    }.items():
        assert own.place(text) == own.words.index(word), text
    assert own.describe(own.context("dragón", "rojo")) == "dragón rojo"
    assert own.describe(own.context("brujo")) == "brujo"
    assert own.describe(own.context("Chica", "rojo")) == "Chica rojo"


def test_ñ_is_a_letter_of_its_own():
    own = vocabulary("spider", "arana", "red")
    assert own.place("araña") == 0 and own.place("arana") == 1
    assert vocabulary("spider").place("arana") == 0
    assert vocabulary("mano").place("maño") is None


def test_café_is_coffee_and_a_brown_that_follows():
    assert vocabulary("brown", "dog").prompt("café").wanted.tolist() == [1, 0]  # no coffee there
    assert vocabulary("coffee", "dog").prompt("perro café").wanted.tolist() == [1, 1]  # no brown there
    assert vocabulary("cafe", "brown", "dog").prompt("perro café").wanted.tolist() == [1, 0, 1]
    same("perro, café", "dog, coffee")
    same("perro sin café", "dog without coffee")
    same("cafe cafe", "coffee brown")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            "caballo",
            "“caballo” no es una palabra de esta red; las más parecidas son “caballero” y “camello”: "
            "python -m diffusion_lab words, con los mismos --weights, las muestra todas.",
        ),
        ("rojo o verde", "“o” no es una palabra de esta red; "),
        ("héroe, no", "“no” no tiene ninguna palabra detrás: di cuál, como en “no blanco”."),
        ("medio", "“medio” no tiene ninguna palabra detrás"),
        ("0,6", "“0.6” no tiene ninguna palabra detrás"),
        ("3 caballeros", "3 no sirve de peso: el número que va delante de una palabra debe ser mayor que 0 y como mucho 2."),
        ("2,5 rojo", "2.5 no sirve de peso"),
        ("gato rojo, sin rojo", "“rojo” se pide y se excluye a la vez: quita una de las dos cosas."),
        (None, "un prompt debe ser texto, no None."),
    ],
)
def test_prompts_that_cannot_be_read_say_why(text, sentence):
    with pytest.raises(ValueError) as error:
        OURS.prompt(text)
    assert str(error.value).startswith(sentence) and str(error.value).endswith(".")


def test_other_errors_are_spanish_too():
    red = vocabulary("red")
    for call, sentence in {
        lambda: vocabulary("moon").context("luna"): "“luna” no es una palabra de esta red; la más parecida es “moon”: ",
        lambda: OURS.contexts("rojo", 0): "n debe ser un número entero a partir de 1, no 0.",
        lambda: OURS.contexts(red.prompt("rojo"), 1): "el prompt tiene 1 palabras y el vocabulario 123: léelo con este vocab",
        lambda: red.describe(torch.zeros(2)): "context debe tener forma (1,), no (2,).",
        lambda: vocabulary("a, b"): "la palabra 'a, b' lleva una coma, y en los prompts la coma separa palabras: cámbiale el",
        lambda: vocabulary("12"): "'12' no puede ser una palabra: en un prompt se lee como un número, o como nada: cámbiale",
        lambda: vocabulary("egg", "an egg"): "las palabras 'egg' y 'an egg' se leerían como la misma: cambia el nombre de una.",
    }.items():
        with pytest.raises(ValueError) as error:
            call()
        assert str(error.value).startswith(sentence), error.value


def test_the_nearest_words_are_spanish():
    offered = {name for _, name, _ in spanish.names()}
    for text in ("unicorn", "knigth", "sword1", "caballo", "gat", "x"):
        with pytest.raises(ValueError) as error:
            OURS.context(text)
        _, _, near = str(error.value).partition("; las más parecidas son ")
        first, second = near.partition(": python")[0].strip("“”").split("” y “")
        assert first in offered and second in offered and first != second


def test_what_is_learnt_does_not_depend_on_the_language():
    assert joined(("red",), ["rojo", "scarlet"]) == ("red", "rojo")
    with pytest.raises(ValueError, match="“grean” no es una palabra de esta red; las más parecidas son “green” y "):
        in_words(torch.ones(1, 1), ["grean"], ("red", "green"))
    assert in_words(torch.zeros(1, 1), ["rojo"], ("red",)).tolist() == [[0]]
    with pytest.raises(ValueError, match="“rojo” no es una palabra"):
        in_words(torch.ones(1, 1), ["rojo"], ("red",))


def test_small_words_are_no_names_and_no_small_word_has_two_uses():
    reading = OURS.reading("es")
    small = [reading.fillers, reading.joins, reading.nots, set(reading.amounts)]
    assert sum(map(len, small)) == len(set().union(*small))
    clash = {tokens for tokens in reading.forms if set(tokens) & set().union(*small, reading.ors)}
    plain = {("no", "héroe"), ("no", "héroes"), ("no", "heroe"), ("no", "heroes")}
    assert clash == plain | {("non", "hero"), ("non", "heros"), ("non", "heroes")}
    assert OURS.reading("en").fillers == lexicon.FILLERS and OURS.reading("en").forms.keys() <= reading.forms.keys()
