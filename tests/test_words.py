"""Words: vocabularies, what people may write, and the contexts that come of it."""

import dataclasses
import json

import numpy as np
import pytest
import torch
from common import ROOT, read_or_refused

from diffusion_lab.lexicon import SYNONYMS
from diffusion_lab.words import Prompt, Vocabulary, in_words, joined

CLASSES = json.loads((ROOT / "data" / "sprites.json").read_text(encoding="utf-8"))["classes"]
COLOURS = ("red", "orange", "yellow", "green", "blue", "purple", "pink", "brown", "black", "gray", "white")
KINDS = tuple(dict.fromkeys(kind for about in CLASSES.values() for kind in about["kinds"]))  # "knight" is in two classes
WORDS = (*CLASSES, *KINDS, *COLOURS)

# A small world of the project's words: what occurs, and how often.
WORLD = {
    "hero, knight, red": 30,
    "hero, knight, blue, gray": 10,
    "hero, king, red": 50,
    "hero, king, yellow": 10,
    "non_hero, slime, green": 60,
    "non_hero, slime, red": 5,
    "non_hero, slime, blue": 15,
    "side_facing, knight, red": 20,
    "spell, potion, red": 40,
    "food, strawberry, red, green": 60,
}


def weights(text, words=WORDS):
    """ "hero, food=0.6" as a vector."""
    context = torch.zeros(len(words))
    for part in filter(None, text.split(", ")):
        word, _, weight = part.partition("=")
        context[words.index(word)] = float(weight or 1)
    return context


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


OURS = Vocabulary.of(WORDS, torch.stack([weights(text) for text, count in WORLD.items() for _ in range(count)]))
UNKNOWN = torch.zeros(0, 11)  # the contexts of data that nobody knows
THEIRS = Vocabulary.of(
    ("dragon", "Wizard", "red", "green", "mark 2", "mark", "drächen", "sword and shield", "wolves", "egg", "mr. fox"), UNKNOWN
)


@pytest.mark.parametrize(
    ("text", "wanted", "unwanted"),
    [
        ("", "", ""),
        ("  ,, and + ", "", ""),
        ("hero", "hero", ""),
        ("HERO", "hero", ""),
        ("non_hero", "non_hero", ""),
        ("Non-Heroes", "non_hero", ""),
        ("non hero", "non_hero", ""),
        ("side-facing knights", "side_facing, knight", ""),
        ("red knight", "knight, red", ""),
        ("a red knight.", "knight, red", ""),
        ("The knight in some red", "knight, red", ""),
        ("knight with red", "knight, red", ""),
        ("red, knight", "knight, red", ""),
        ("red+knight", "knight, red", ""),
        ("red and blue knight", "knight, red, blue", ""),
        ("red red knight", "knight, red", ""),
        ('"red" (knight)', "knight, red", ""),
        ("viking", "viking", ""),  # not king
        ("orange fish", "fish, orange", ""),
        ("ring, bow, arrow and corn", "corn, bow, arrow, ring", ""),
        ("fried egg", "fried egg", ""),
        ("ice creams", "ice cream", ""),
        ("red war_hammers", "war hammer, red", ""),
        ("cake slices", "cake slice", ""),
        ("potions", "potion", ""),
        ("princesses", "princess", ""),
        ("foxes", "fox", ""),
        ("heros", "hero", ""),
        ("women", "woman", ""),
        ("butterflies", "butterfly", ""),
        ("a cherry", "cherries", ""),
        ("grape", "grapes", ""),
        ("crystal", "crystals", ""),
        ("bees and beers", "bee, beer", ""),
        ("eggplant", "aubergine", ""),
        ("Donuts", "doughnut", ""),
        ("eggs", "fried egg", ""),
        ("grey axe", "battle axe, gray", ""),
        ("golden monsters", "non_hero, yellow", ""),
        ("mushroom monster", "mushroom monster", ""),
        ("sideways", "side_facing", ""),
        ("slime, not green", "slime", "green"),
        ("slime but not green", "slime", "green"),
        ("slime without green", "slime", "green"),
        ("slime with no green", "slime", "green"),
        ("slime -green", "slime", "green"),
        ("slime - green", "slime", "green"),
        ("-green,-red slime", "", "slime, red, green"),
        ("not green slime", "", "slime, green"),
        ("not green, slime", "slime", "green"),
        ("not green and slime", "slime", "green"),
        ("no red or green", "", "red, green"),
        ("not not red", "", "red"),
        ("slime not 0.5 green red", "slime", "red, green=0.5"),
        ("hero + 0.6 food", "hero, food=0.6", ""),
        ("0.6 food hero", "hero, food=0.6", ""),
        (".5 hero", "hero=0.5", ""),
        ("2 red", "red=2", ""),
        ("1 red knight", "knight, red", ""),
        ("hero, a bit of food", "hero, food=0.3", ""),
        ("hero with a little food", "hero, food=0.3", ""),
        ("half a hero, half food", "hero=0.5, food=0.5", ""),
        ("red, 0.5 red", "red=0.5", ""),
    ],
)
def test_prompts_are_read(text, wanted, unwanted):
    check_prompt(OURS, text, wanted, unwanted)


@pytest.mark.parametrize(
    ("text", "wanted", "unwanted"),
    [
        ("dragons and wizards", "dragon, Wizard", ""),
        ("green mark 2", "green, mark 2", ""),
        ("2 mark 2", "mark 2=2", ""),
        ("mark, 2 red", "mark, red=2", ""),
        ("DRA\u0308CHEN", "drächen", ""),  # the other way of writing ä
        ("sword and shield and dragon", "dragon, sword and shield", ""),
        ("a wolf", "wolves", ""),
        ("egg", "egg", ""),  # here it is a word of its own
        ("a mr. fox. not red.", "mr. fox", "red"),
        ("crimson", "red", ""),
    ],
)
def test_prompts_of_strangers_words_are_read(text, wanted, unwanted):
    check_prompt(THEIRS, text, wanted, unwanted)


def check_prompt(vocabulary, text, wanted, unwanted):
    prompt, expected = vocabulary.prompt(text), weights(wanted, vocabulary.words)
    assert vocabulary.describe(prompt.wanted) == vocabulary.describe(expected)  # the same, as words: for the message
    torch.testing.assert_close(prompt.wanted, expected, rtol=0, atol=0)
    assert (prompt.unwanted is None) == (not unwanted)
    if unwanted:
        torch.testing.assert_close(prompt.unwanted, weights(unwanted, vocabulary.words), rtol=0, atol=0)
    assert prompt.whole is ("=" not in wanted)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("unicorn", '"unicorn" is not a word of this network; the nearest are "corn" and "'),
        ("unicorn", ": python -m diffusion_lab words, with the same --weights, lists all."),
        ("red knigth", '"knigth" is not a word of this network; the nearest are "knight"'),
        ("egplant", 'the nearest are "eggplant"'),
        ("0.5 dragon", '"dragon" is not a word'),
        ("food*0.6", '"food*0.6" is not a word of this network; the nearest are "food"'),
        ("red or green", '"or" is not a word'),
        ("princes", '"princes" is not a word'),
        ("nan red", '"nan" is not a word'),
        ("3 knights", "3 is no weight: a number before a word must be above 0 and at most 2."),
        ("0 red", "0 is no weight"),
        ("2.01 red", "2.01 is no weight"),
        ("9" * 400 + " red", "is no weight"),
        ("hero 0.6", '"0.6" has no word after it: say which, as in "0.6 hero".'),
        ("0,6 food", "0 is no weight"),
        ("0.5 0.5 red", '"0.5" has no word after it'),
        ("half not red", '"half" has no word after it'),
        ("hero, not", '"not" has no word after it'),
        ("hero, not, red", '"not" has no word after it'),
        ("not 0.5 and red", '"0.5" has no word after it'),
        ("red knight, no red", '"red" is both wanted and excluded: leave one of the two out.'),
        (None, "a prompt must be text, not None."),
    ],
)
def test_prompts_that_cannot_be_read_say_why(text, sentence):
    with pytest.raises(ValueError) as error:
        OURS.prompt(text)
    assert sentence in str(error.value) and str(error.value).endswith(".")


def test_any_text_is_read_or_refused():
    bits = [
        *WORDS,
        *SYNONYMS,
        *" ,;.!?+&-_()*/0123456789'\"",
        "and",
        "not",
        "no",
        "or",
        "half",
        "a bit of",
        "0.5",
        "1e3",
        "inf",
        "²",
    ]
    bits += ["ß", "ä", "İ", "🔥", "\n", "\x00", "́", "٣", "½", "--", "non-", "s", "ss", "x" * 50]
    read_or_refused((OURS, THEIRS), bits, 300)


def test_synonyms_lead_to_our_words_and_hide_none_of_them():
    assert set(SYNONYMS.values()) <= set(WORDS) and not set(SYNONYMS) & set(WORDS)
    for name, word in SYNONYMS.items():
        assert OURS.describe(OURS.prompt(name).wanted) == word


def test_every_word_is_read_as_itself_and_every_description_too():
    for vocabulary in (OURS, THEIRS):
        for i, word in enumerate(vocabulary.words):
            one = torch.eye(len(vocabulary.words))[i]
            assert torch.equal(vocabulary.prompt(word).wanted, one) and torch.equal(vocabulary.context(word), one)
    for description in OURS.descriptions.float():
        assert torch.equal(OURS.prompt(OURS.describe(description)).wanted, description)


def test_context_takes_single_words():
    assert torch.equal(OURS.context("red", "Potions"), weights("potion, red")) and OURS.context().sum() == 0
    for text in ("red potion", "not red", "", "unicorn"):
        with pytest.raises(ValueError, match="is not a word of this network"):
            OURS.context(text)


def test_describe():
    assert OURS.describe(weights("spell, potion, red")) == "red potion spell"
    assert OURS.describe(weights("hero, food=0.6")) == "hero + 0.6 food"
    assert OURS.describe(weights("")) == ""
    torch.testing.assert_close(OURS.prompt("hero + 0.6 food").wanted, weights("hero, food=0.6"))
    with pytest.raises(ValueError, match=r"context must have shape \(123,\), not \(5,\)"):
        OURS.describe(torch.zeros(5))


@pytest.mark.parametrize(
    ("prompt", "fits"),
    [
        ("", lambda words: True),
        ("hero", lambda words: "hero" in words),
        ("red knight", lambda words: {"red", "knight"} <= words),
        ("slime, not green", lambda words: "slime" in words and "green" not in words),
        ("red, not 0.5 food, not hero", lambda words: "red" in words and not words & {"food", "hero"}),
        ("not red", lambda words: "red" not in words),
    ],
)
def test_contexts_are_drawn_as_often_as_they_occur(prompt, fits):
    """Each share within 5 standard deviations: with equal shares for all descriptions, this fails."""
    n = 20_000
    drawn, _ = OURS.contexts(prompt, n, generator())
    assert drawn.shape == (n, len(WORDS)) and drawn.dtype == torch.float32
    found = {OURS.describe(row): int(count) for row, count in zip(*torch.unique(drawn, dim=0, return_counts=True), strict=True)}
    expected = {OURS.describe(weights(text)): count for text, count in WORLD.items() if fits(set(text.split(", ")))}
    assert found.keys() == expected.keys()
    for description, count in expected.items():
        share = count / sum(expected.values())
        assert abs(found[description] / n - share) <= 5 * (share * (1 - share) / n) ** 0.5


@pytest.mark.parametrize(
    "prompt", ["blue strawberry", "hero and food", "hero + 0.6 food", "0.5 hero", "slime, not red, not blue or green"]
)
def test_what_does_not_occur_stands_as_it_is(prompt):
    contexts, _ = OURS.contexts(prompt, 4, generator())
    assert torch.equal(contexts, OURS.prompt(prompt).wanted.expand(4, -1))
    contexts[0] = 7  # each sprite has its own row
    assert contexts[1].max() <= 1


def test_of_unknown_data_words_stand_as_they_are():
    assert torch.equal(THEIRS.contexts("red dragon", 3)[0], THEIRS.context("red", "dragon").expand(3, -1))
    assert torch.equal(THEIRS.random(3), torch.zeros(3, 11)) and torch.equal(THEIRS.contexts("", 3)[0], torch.zeros(3, 11))


def test_the_negative_context_has_the_excluded_words():
    assert OURS.contexts("slime", 2)[1] is None
    assert torch.equal(OURS.contexts("slime, not green", 2)[1], weights("green"))
    assert torch.equal(OURS.contexts("hero, 0.6 food, not 0.5 green, no red", 2)[1], weights("green=0.5, red"))


def test_a_seed_means_the_same_contexts_and_the_first_do_not_depend_on_n():
    many, one = OURS.contexts("red", 50, generator(3))[0], OURS.contexts(OURS.prompt("red"), np.int64(1), generator(3))[0]
    assert torch.equal(many, OURS.contexts("red", 50, generator(3))[0]) and torch.equal(many[:1], one)
    assert not torch.equal(many, OURS.contexts("red", 50, generator(4))[0])
    assert torch.equal(OURS.random(50, generator(3)), OURS.contexts("", 50, generator(3))[0])


@pytest.mark.parametrize("n", [0, -1, 1.0, True, "3", None])
def test_n_is_a_whole_number(n):
    with pytest.raises(ValueError, match=r"n must be a whole number from 1, not "):
        OURS.contexts("hero", n)


def test_a_prompt_belongs_to_its_vocabulary():
    with pytest.raises(ValueError, match="the prompt has 11 words and the vocabulary 123"):
        OURS.contexts(THEIRS.prompt("red"), 2)
    assert Prompt(weights("hero"), None).whole and not Prompt(weights("hero=0.5"), None).whole


def test_of_counts_distinct_descriptions():
    contexts = torch.tensor([[1, 0, 1], [0, 1, 0], [1, 0, 1], [0, 0, 0]], dtype=torch.float64)
    vocabulary = Vocabulary.of(["a hero", "food", "red"], contexts)
    assert vocabulary.words == ("a hero", "food", "red")
    table = {tuple(row): count for row, count in zip(vocabulary.descriptions.tolist(), vocabulary.counts.tolist(), strict=True)}
    assert table == {(True, False, True): 2, (False, True, False): 1, (False, False, False): 1}
    assert OURS.counts.sum() == sum(WORLD.values()) and len(OURS.counts) == len(WORLD)
    for wrong in (contexts[:, :2], contexts[0], contexts * 0.5, contexts * torch.nan):
        with pytest.raises(ValueError, match=r"contexts must have shape \(N, 3\) and hold 0 and 1"):
            Vocabulary.of(["hero", "food", "red"], wrong)


def test_a_vocabulary_is_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        OURS.words = ("hero",)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ((), "words must be a tuple of texts"),
        (["hero"], "words must be a tuple of texts"),
        ("hero", "words must be a tuple of texts"),
        (("hero", 5), "words must be a tuple of texts"),
        (("hero", "hero"), "the words 'hero' and 'hero' would be read as the same"),
        (("ice cream", "Ice_Cream"), "the words 'ice cream' and 'Ice_Cream' would be read as the same"),
        (("hero", "the hero"), "the words 'hero' and 'the hero' would be read as the same"),
        (("red, green",), "the word 'red, green' holds a comma"),
        *[((word,), f"{word!r} cannot be a word") for word in ("", " ", "the", "12", "0.5", "and", "not", "-", "_", "1 2")],
    ],
)
def test_words_that_no_prompt_could_say_are_refused(words, sentence):
    with pytest.raises(ValueError, match=r"at least one\.$|: rename (it|one)\.$") as error:
        Vocabulary(words, torch.zeros(0, len(words), dtype=torch.bool), torch.zeros(0, dtype=torch.int64))
    assert sentence in str(error.value)


@pytest.mark.parametrize(
    ("descriptions", "counts", "sentence"),
    [
        (torch.ones(2, 3).bool(), torch.ones(2).long(), "descriptions must be a bool tensor (D, 2)"),
        (torch.ones(2).bool(), torch.ones(2).long(), "descriptions must be a bool tensor (D, 2)"),
        (torch.ones(2, 2), torch.ones(2).long(), "not torch.float32 (2, 2)."),
        (torch.ones(2, 2).bool(), torch.ones(3).long(), "counts must be 2 whole numbers"),
        (torch.ones(2, 2).bool(), torch.ones(2), "counts must be 2 whole numbers"),
        (torch.ones(2, 2).bool(), torch.tensor([1, 0]), "counts must be 2 whole numbers"),
    ],
)
def test_tables_that_do_not_fit_are_refused(descriptions, counts, sentence):
    with pytest.raises(ValueError) as error:
        Vocabulary(("hero", "red"), descriptions, counts)
    assert sentence in str(error.value)


def test_words_of_data_are_found_in_a_network_also_in_another_form():
    words = ("dragon", "red", "fried egg")
    assert joined(words, ["Dragons", "scarlet", "fried_egg", "wizard", "moon"]) == (*words, "wizard", "moon")
    contexts = torch.tensor([[1.0, 0, 1, 0], [0, 1, 0, 0], [1, 1, 0, 0]])
    translated = in_words(contexts, ["wizard", "dragon", "scarlet", "dragons"], (*words, "wizard"))
    assert translated.tolist() == [[0, 1, 0, 1], [1, 0, 0, 0], [1, 0, 0, 1]]
    assert in_words(torch.zeros(2, 1), ["moon"], words).tolist() == [[0, 0, 0]] * 2  # nothing is said
    with pytest.raises(ValueError, match='"moon" is not a word of this network'):
        in_words(torch.ones(2, 1), ["moon"], words)
