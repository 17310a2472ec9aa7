"""Words: how people say what they want, and the vectors that a network understands.

A context is a vector with one number for each word of the network's vocabulary: 1 is "has it", 0 is "not said".
All zeros is the null context: nothing is said.

    vocabulary.contexts("red potion", 8)                 # 8 full descriptions of the data that have both words
    vocabulary.contexts("hero + 0.6 food", 8)            # no sprite is that: the words stand as they are
    vocabulary.contexts("slime, not green", 8)           # no green ones, and a negative context that leads away from green

Where `language()` is "es", a prompt may also be Spanish ("un slime, no verde"), and descriptions are Spanish: see spanish.py.
"""

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from numbers import Integral
from typing import NamedTuple

import torch
from torch import Tensor

from . import spanish
from .language import gettext, language
from .lexicon import JOINS, NOTS, SYNONYMS, Reading, in_english, in_spanish, parts_of

MAX_WEIGHT = 2.0  # training shows 0 and 1; a larger number is rather a count, as in "3 knights"


class Prompt(NamedTuple):
    """A prompt that was read. wanted: (V,) float32, the weights. unwanted: (V,) the weights of excluded words, or None."""

    wanted: Tensor
    unwanted: Tensor | None

    @property
    def whole(self) -> bool:
        """Is every wanted word wanted with weight 1? Only then can a sprite of the data be what is wanted."""
        return bool(((self.wanted == 0) | (self.wanted == 1)).all())


@dataclass(frozen=True, eq=False)
class Vocabulary:
    """The words that a network understands, and the descriptions that its training data had.

    words: V of them, in the order of the context vector ("hero", "non_hero", "fried egg", "red", ...).
    descriptions: (D, V) bool, the distinct descriptions of the training data: which words each of them has.
    counts: (D,) int64, how many sprites have each. D is 0 where the data are not known.

    Raises ValueError if the shapes do not fit, or if a word could not be read in a prompt.
    """

    words: tuple[str, ...]
    descriptions: Tensor
    counts: Tensor

    def __post_init__(self):
        if not isinstance(self.words, tuple) or not self.words or not all(isinstance(word, str) for word in self.words):
            raise ValueError("words must be a tuple of texts, with at least one.")
        seen = {}
        for word in self.words:
            tokens = parts_of(word)
            if "," in word:
                wrong = gettext("the word {word!r} holds a comma, which separates words in prompts: rename it.")
                raise ValueError(wrong.format(word=word))
            if all(token in JOINS | NOTS or _is_number(token) for token in tokens):
                wrong = gettext("{word!r} cannot be a word: prompts read it as a number, or as nothing: rename it.")
                raise ValueError(wrong.format(word=word))
            if tokens in seen:
                wrong = gettext("the words {first!r} and {second!r} would be read as the same: rename one.")
                raise ValueError(wrong.format(first=seen[tokens], second=word))
            seen[tokens] = word
        descriptions, counts = self.descriptions, self.counts
        if descriptions.dtype != torch.bool or descriptions.ndim != 2 or descriptions.shape[1] != len(self.words):
            got = f"{descriptions.dtype} {tuple(descriptions.shape)}"
            raise ValueError(f"descriptions must be a bool tensor (D, {len(self.words)}), one column a word, not {got}.")
        if counts.dtype != torch.int64 or counts.shape != descriptions.shape[:1] or (counts < 1).any():
            raise ValueError(f"counts must be {len(descriptions)} whole numbers from 1 (int64), one for each description.")

    @classmethod
    def of(cls, words: Sequence[str], contexts: Tensor) -> "Vocabulary":
        """The vocabulary of training data. contexts: (N, V), of 0 and 1; (0, V) where the data are not known."""
        if contexts.ndim != 2 or contexts.shape[1] != len(words) or not ((contexts == 0) | (contexts == 1)).all():
            raise ValueError(f"contexts must have shape (N, {len(words)}) and hold 0 and 1, one column for each word.")
        return cls(tuple(words), *torch.unique(contexts.cpu().bool(), dim=0, return_counts=True))

    def context(self, *words: str) -> Tensor:
        """(V,) float32: 1 at each of these words, 0 elsewhere. ValueError, with the nearest ones, for an unknown word."""
        context = torch.zeros(len(self.words))
        for word in words:
            index = self.place(word)
            if index is None:
                raise self.unknown(word)
            context[index] = 1
        return context

    def place(self, word: str) -> int | None:
        """Where a word, or another form or name of it, stands in the context; None if it is unknown."""
        reading = self.reading(language())
        return reading.place(reading.tokens(word))

    def prompt(self, text: str) -> Prompt:
        """Read what a person wrote.

        - The longest match wins: "fried egg" is one word. Case, articles, plurals, hyphens and underscores do not matter.
        - Words stand side by side or are joined: "red knight", "red, knight", "red + knight", "a knight with red".
        - "not", "no", "without" or "-" before a word exclude it and what follows, up to the next comma, "and", "with"
          or "+": "not green slime" excludes both words, "not green, slime" only green. "not red or green" excludes both.
        - A number gives the one word after it a weight: "hero + 0.6 food". "A bit of" and "a little" are 0.3, "half" 0.5.
        - A word that is said twice counts once, with its last weight.

        Raises ValueError for an unknown word, for a number that is not above 0 and at most 2, for a number or a "not" without
        a word after it, and where a word is both wanted and excluded.
        """
        if not isinstance(text, str):
            raise ValueError(gettext("a prompt must be text, not {text!r}.").format(text=text))
        reading = self.reading(language())
        wanted, unwanted = torch.zeros(2, len(self.words))
        side, weight = wanted, 1.0
        waiting = ""  # the number or the "not" that has no word yet
        for token, index in [*reading.match(text), (".", None)]:  # the full stop ends the last part
            if index is not None:
                side[index], weight, waiting = weight, 1.0, ""
                continue
            amount = reading.amounts.get(token) or (float(token) if _is_number(token) else None)
            if token in reading.fillers or (token in reading.ors and side is unwanted):
                continue
            if amount is None and token not in reading.joins | reading.nots:
                raise self.unknown(token)
            if waiting and (token in reading.joins or waiting not in reading.nots):
                wrong = gettext('"{waiting}" has no word after it: say which, as in "{waiting} {example}".')
                example = reading.names[-1 if reading.language == "es" else 0]  # not "no héroe": that is a word in Spanish
                raise ValueError(wrong.format(waiting=waiting, example=example.forms[0]))
            if token in reading.joins:
                side = wanted
            elif token in reading.nots:
                side, waiting = unwanted, token
            elif 0 < amount <= MAX_WEIGHT:
                weight, waiting = amount, token
            else:
                wrong = gettext("{token} is no weight: a number before a word must be above 0 and at most {most:g}.")
                raise ValueError(wrong.format(token=token, most=MAX_WEIGHT))
        both = ((wanted > 0) & (unwanted > 0)).nonzero()
        if len(both):
            wrong = gettext('"{word}" is both wanted and excluded: leave one of the two out.')
            raise ValueError(wrong.format(word=reading.names[both[0]].forms[0]))
        return Prompt(wanted, unwanted if unwanted.any() else None)

    def contexts(self, prompt: str | Prompt, n: int, generator: torch.Generator | None = None) -> tuple[Tensor, Tensor | None]:
        """(n, V) contexts for n sprites, and the negative context (V,), None where nothing is excluded.

        Descriptions of the data that have all wanted words and no excluded one are drawn by chance, as often as they occur:
        the sprites are then samples of p(x | words), as far as the network can. "" draws from all. Where the data have no
        such description ("blue strawberry"), and where a weight is not 1, the words stand as they are.

        The negative context takes the null context's place in guidance: u + s (c - u) with u = net(x, t, negative).
        generator: a CPU torch.Generator. The first sprites do not depend on n.
        Raises ValueError if the prompt cannot be read or n is not a whole number from 1.
        """
        wanted, unwanted = prompt = self.prompt(prompt) if isinstance(prompt, str) else prompt
        if isinstance(n, bool) or not isinstance(n, Integral) or n < 1:
            raise ValueError(gettext("n must be a whole number from 1, not {n!r}.").format(n=n))
        if wanted.shape != (len(self.words),):
            wrong = gettext("the prompt has {has} words and the vocabulary {words}: read it with this one.")
            raise ValueError(wrong.format(has=len(wanted), words=len(self.words)))
        fits = (self.descriptions | (wanted == 0)).all(1)
        if unwanted is not None:
            fits &= ~(self.descriptions & (unwanted > 0)).any(1)
        if not prompt.whole or not fits.any():
            return wanted.repeat(n, 1), unwanted
        upto = self.counts[fits].cumsum(0)  # number the sprites that fit: upto[0] have the first description, and so on
        sprites = torch.randint(int(upto[-1]), (n,), generator=generator)  # drawn among sprites, so as often as they occur
        return self.descriptions[fits][torch.searchsorted(upto, sprites, right=True)].float(), unwanted

    def random(self, n: int, generator: torch.Generator | None = None) -> Tensor:
        """(n, V) descriptions of the data by chance, as often as they occur; zeros where the data are not known."""
        return self.contexts("", n, generator)[0]

    def describe(self, context: Tensor) -> str:
        """A context (V,) as words, the last first: "red potion spell". With weights: "hero + 0.6 food". "" for null.

        In Spanish: "poción roja, hechizo", "héroe + 0.6 comida". `prompt` reads it as the same context.
        """
        if context.shape != (len(self.words),):
            wrong = gettext("context must have shape ({words},), not {shape}.")
            raise ValueError(wrong.format(words=len(self.words), shape=tuple(context.shape)))
        names = self.reading(language()).names
        said = [(name, value) for name, value in zip(names, context.tolist(), strict=True) if value]
        if any(value != 1 for _, value in said):
            return " + ".join(name.forms[0] if value == 1 else f"{value:.3g} {name.forms[0]}" for name, value in said)
        if language() == "es":
            return spanish.phrase([name for name, _ in said])
        return " ".join(name.forms[0] for name, _ in reversed(said))

    @property
    def forms(self) -> dict[tuple[str, ...], int]:
        """What prompts may hold, as tokens -> the word's place in the context, in the language that was asked for."""
        return self.reading(language()).forms

    def reading(self, language: str) -> Reading:
        """How prompts are read in a language, "en" or "es". It is made once for each."""
        if language not in self._readings:
            self._readings[language] = (in_spanish if language == "es" else in_english)(self.words)
        return self._readings[language]

    @cached_property
    def _readings(self) -> dict[str, Reading]:
        return {}

    def unknown(self, word: str, spoken: str | None = None) -> ValueError:
        """The error for a word that the network does not know; it names the nearest ones.

        spoken: the language of these, "en" or "es"; None for the one that was asked for.
        """
        reading = self.reading(spoken or language())
        known = [name.forms[0] for name in reading.names]
        others = [name for _, name, _ in spanish.names() if name not in known] if reading.language == "es" else SYNONYMS
        known += [name for name in others if reading.place(reading.tokens(name)) is not None]
        first, *second = difflib.get_close_matches(word.lower(), known, 2, cutoff=0)
        if not second:
            wrong = gettext(
                '"{word}" is not a word of this network; the nearest is "{first}": '
                "python -m diffusion_lab words, with the same --weights, lists all."
            )
            return ValueError(wrong.format(word=word, first=first))
        wrong = gettext(
            '"{word}" is not a word of this network; the nearest are "{first}" and "{second}": '
            "python -m diffusion_lab words, with the same --weights, lists all."
        )
        return ValueError(wrong.format(word=word, first=first, second=second[0]))


def drop_words(c: Tensor, whole: float, single: float, generator: torch.Generator) -> Tensor:
    """Contexts as a training batch shows them, so that every part of a description comes to mean something alone.

    c: (B, V), 1 for each word that a sprite has. In a share `whole` of the rows all words are dropped. In a share `single` of
    the others each word stays by the fall of a coin, and one word always. generator: on the device of c.
    """
    keep_all, keep_none = torch.rand((2, len(c), 1), generator=generator, device=c.device)
    coins = torch.rand(c.shape, generator=generator, device=c.device) * (c > 0)
    some = (coins > 0.5) | (coins == coins.amax(1, keepdim=True))
    return c * (some | (keep_all >= single)) * (keep_none >= whole)


def joined(words: Sequence[str], names: Sequence[str]) -> tuple[str, ...]:
    """The words of a network, and after them those of `names` that it lacks, also as a plural or another name.

    In English only, here and in `in_words`: what a training run learns must not depend on the language of its errors.
    """
    known = Vocabulary.of(words, torch.zeros(0, len(words))).reading("en")
    return (*words, *(name for name in names if known.place(parts_of(name)) is None))


def in_words(contexts: Tensor, names: Sequence[str], words: Sequence[str]) -> Tensor:
    """Contexts (N, V) of the words `names` as contexts of a network that knows `words`, (N, len(words)).

    ValueError if something is said with a word that the network does not know.
    """
    known, translated = Vocabulary.of(words, torch.zeros(0, len(words))), torch.zeros(len(contexts), len(words))
    for name, column in zip(names, contexts.T, strict=True):
        place = known.reading("en").place(parts_of(name))
        if place is not None:
            translated[:, place] = torch.maximum(translated[:, place], column)
        elif column.any():
            raise known.unknown(name, "en")
    return translated


def _is_number(token: str) -> bool:
    return re.fullmatch(r"\d*\.?\d+", token) is not None
