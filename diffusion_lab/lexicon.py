"""Small words, plurals and other names: how prompts are read, in English and in Spanish. words.py reads them."""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from . import spanish

FILLERS = {"a", "an", "the", "some", "of", "in"}  # mean nothing in a prompt
JOINS = {",", ";", ".", "!", "?", "+", "&", "and", "with", "but", "plus"}  # end a part of a prompt
NOTS = {"-", "not", "no", "non", "without", "except"}  # exclude what follows, up to the next of JOINS
ORS = {"or", "nor"}  # mean nothing within what is excluded, and are unknown elsewhere
AMOUNTS = {"bit": 0.3, "little": 0.3, "half": 0.5}  # "a bit of food": they stand before a word, as numbers do

# fmt: off
# The ending of one, the ending of many. This accepts more than English has ("heros"), which does no harm.
PLURALS = (("", "s"), ("", "es"), ("y", "ies"), ("f", "ves"), ("fe", "ves"), ("man", "men"), ("mouse", "mice"),
           ("goose", "geese"))

# Another name: the word. It is used where the vocabulary has the word, and does not have the other name itself.
# Colours are called what data/drawing/palette.py calls them.
SYNONYMS = {
    "monster": "non_hero", "creature": "non_hero", "enemy": "non_hero", "weapon": "spell", "sideways": "side_facing",
    "eyeball": "eyeball monster", "mushroom": "mushroom monster", "ladybug": "ladybird", "toad": "frog", "kitten": "cat",
    "puppy": "dog", "hen": "chicken", "magician": "mage", "sorcerer": "wizard", "traveler": "traveller",
    "eggplant": "aubergine", "maize": "corn", "watermelon": "watermelon slice", "egg": "fried egg", "cake": "cake slice",
    "donut": "doughnut", "burger": "hamburger", "icecream": "ice cream", "saber": "sabre", "axe": "battle axe",
    "hammer": "war hammer", "book": "open book", "fire": "flame", "tornado": "whirlwind", "jewel": "gem",
    "scarlet": "red", "crimson": "red", "gold": "yellow", "golden": "yellow", "teal": "green", "cyan": "blue",
    "turquoise": "blue", "navy": "blue", "violet": "purple", "magenta": "pink", "grey": "gray", "silver": "gray",
}
# fmt: on


class Reading(NamedTuple):
    """How prompts are read in one language, with one vocabulary. `Vocabulary.reading` gives it.

    forms: what prompts may hold, as tokens -> the word's place in the context. The longest match wins.
    after: the same for what means another word right after a word: "café" is coffee, "un perro café" a brown dog. A colour
        and "y" before it do not part it from the word ("un perro blanco y café").
    fillers, joins, nots, ors, amounts: the small words, as FILLERS to AMOUNTS are for English.
    own: the parts of the vocabulary's own words, which are never left out as fillers.
    names: for each word of the vocabulary, what descriptions call it.
    """

    language: str
    forms: dict[tuple[str, ...], int]
    after: dict[tuple[str, ...], int]
    fillers: set[str]
    joins: set[str]
    nots: set[str]
    ors: set[str]
    amounts: dict[str, float]
    own: set[str]
    names: tuple[spanish.Name, ...]

    def tokens(self, text: str) -> tuple[str, ...]:
        """Text as the parts that are compared: `parts_of`, and in Spanish without more fillers."""
        if self.language == "es":
            text = spanish.tidy(text)
        return tuple(token for token in parts_of(text) if token not in self.fillers or token in self.own)

    def place(self, tokens: tuple[str, ...]) -> int | None:
        """Where the word that these tokens mean stands in the context; None if they mean none. Spanish may lack its accents."""
        place = self.forms.get(tokens)
        if place is None and self.language == "es":
            place = self.forms.get(_unaccented(tokens))
        return place

    def match(self, text: str) -> Iterator[tuple[str, int | None]]:
        """Each word of the vocabulary in a text with its place, the longest first; other tokens, one by one, with None."""
        tokens, longest = self.tokens(text), max(map(len, self.forms))
        start, before = 0, None
        while start < len(tokens):
            ends = range(min(start + longest, len(tokens)), start, -1)
            end = next((end for end in ends if self.place(tokens[start:end]) is not None), start + 1)
            place = self.place(tokens[start:end])
            if before is not None:
                place = self.after.get(tokens[start:end], place)
            yield tokens[start], place
            if tokens[start] != "y" or before is None or len(self.names[before].forms) == 1:  # "blanco y café" goes on
                before = place
            start = end


def in_english(words: Sequence[str]) -> Reading:
    """How a vocabulary is read in English: its words first, then their plurals, then synonyms."""
    index = {parts_of(word): i for i, word in enumerate(words)}
    for tokens, i in list(index.items()):
        for form in _forms(tokens):
            index.setdefault(form, i)
    for name, word in SYNONYMS.items():
        if parts_of(word) in index:
            for form in _forms(parts_of(name)):
                index.setdefault(form, index[parts_of(word)])
    names = tuple(spanish.Name((word,), None) for word in words)
    return Reading("en", index, {}, FILLERS, JOINS, NOTS, ORS, AMOUNTS, set(), names)


def in_spanish(words: Sequence[str]) -> Reading:
    """How a vocabulary is read in Spanish: its own words, their plurals and English synonyms, then the names of spanish.py."""
    reading = Reading(
        language="es",
        forms={},
        after={},
        fillers=FILLERS | spanish.FILLERS,
        joins=JOINS | spanish.JOINS,
        nots=NOTS | spanish.NOTS,
        ors=ORS | spanish.ORS,
        amounts=AMOUNTS | spanish.AMOUNTS,
        own={token for word in words for token in parts_of(word)},
        names=(),
    )
    english = in_english(words).forms
    own, places = dict(english), dict(english)  # places: where the English words of spanish.py stand
    meaning = {name: word for word, name, _ in spanish.names()}
    for i, word in enumerate(words):
        for form in map(reading.tokens, spanish.forms(word.casefold())):
            own.setdefault(form, i)
        if word.casefold() in meaning:  # the vocabulary itself is Spanish: it calls red "rojo"
            places.setdefault(parts_of(meaning[word.casefold()]), i)
    own.pop((), None)  # "las", where "la" is a word

    def translated(names: Iterable[tuple[str, str]]) -> dict[tuple[str, ...], int]:
        known = [(places[parts_of(word)], name) for word, name in names if parts_of(word) in places]
        forms = [(form, i) for i, name in known for form in map(reading.tokens, spanish.forms(name))]
        return {form: i for form, i in forms if form not in own and _unaccented(form) not in own}

    after = translated(spanish.COLOURS_AFTER.items())
    forms = after | translated((word, name) for word, name, _ in spanish.names()) | own
    reading = reading._replace(forms=_as_typed(forms), after=_as_typed(after))
    names = [spanish.Name((word,), 0) for word in words]
    for word, name, how in reversed([*spanish.names()]):  # the first name of a word stays
        i = places.get(parts_of(word))
        if i is None or (words[i].casefold() in meaning and words[i].casefold() != name):
            continue  # the network lacks the word, or has another Spanish name for it
        if all(reading.place(reading.tokens(form)) == i for form in how.forms):  # it is read as it is said
            names[i] = how
    return reading._replace(names=tuple(names))


def parts_of(text: str) -> tuple[str, ...]:
    """Text as the parts that are compared: "Side-facing, not a Knight" -> ("side", "facing", ",", "not", "knight")."""
    text = unicodedata.normalize("NFKC", text.casefold())  # "ä" may be written in two ways
    text = re.sub(r'[_()\[\]{}"“”„«»]', " ", text)
    text = re.sub(r"[,;!?+&]|\.(?!\S)", r" \g<0> ", text)  # a full stop, but not the point in 0.6
    text = re.sub(r"(?<=\S)-", " ", text).replace("-", " - ")  # side-facing, but hero -red
    return tuple(token for token in text.split() if token not in FILLERS)


def _forms(tokens: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """A word, and its plurals and singulars: only the last token changes ("fried eggs")."""
    *first, last = tokens
    yield tokens
    for one, many in PLURALS:
        if last.endswith(one):
            yield (*first, last.removesuffix(one) + many)
        if last.endswith(many) and not last.endswith("ss"):  # a princess is not one of the princes
            yield (*first, last.removesuffix(many) + one)


def _as_typed(forms: dict[tuple[str, ...], int]) -> dict[tuple[str, ...], int]:
    """The forms, and the same without accents; and last, where nothing else is meant, with n for ñ."""
    plain = {_unaccented(tokens): place for tokens, place in forms.items()}
    return {tuple(token.replace("ñ", "n") for token in tokens): place for tokens, place in plain.items()} | plain | forms


def _unaccented(tokens: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(map(spanish.unaccented, tokens))
