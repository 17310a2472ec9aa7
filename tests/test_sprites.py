"""The sprite set: what its datasheet says, its splits, its words, the rule that names colours."""

import json
import math
import random

import numpy as np
import pytest
import torch

from diffusion_lab import sprites
from diffusion_lab.sprites import (
    CLASSES,
    SPLITS,
    colours,
    load_kinds,
    load_sprites,
    load_words,
    to_tensors,
    unseen_pairs,
)


@pytest.fixture(scope="module")
def whole():
    return load_sprites("all")


# ------------------------------------------------------------------ the set


def test_the_set_is_as_large_and_varied_as_its_datasheet_says(whole):
    images, contexts = whole
    entries = json.loads(sprites.packaged_file("data", "sprites.json").read_text())
    assert images.shape == (21600, 16, 16, 3) and images.dtype == np.uint8
    assert contexts.sum(0).tolist() == [4320] * 5 and (contexts.sum(1) == 1).all()
    assert len({image.tobytes() for image in images}) == 21600
    masks = (images != 255).any(3)
    assert len({m.tobytes() for m in masks}) == entries["silhouettes"] > 4000
    for index, name in enumerate(CLASSES):
        mine = masks[contexts[:, index] == 1]
        assert len({m.tobytes() for m in mine}) == entries["classes"][name]["silhouettes"] > 500


def test_sprites_stand_on_white_and_fill_their_tile(whole):
    masks = (whole.images != 255).any(3)
    extent = np.maximum(masks.any(1).sum(1), masks.any(2).sum(1))
    assert (extent >= 11).mean() > 0.99
    border = np.ones((16, 16), bool)
    border[1:-1, 1:-1] = False
    assert (~masks[:, border]).mean() > 0.5


def test_the_splits_are_fixed_and_share_nothing(whole):
    parts = {split: load_sprites(split) for split in SPLITS}
    counts = {split: len(part.images) for split, part in parts.items()}
    assert counts == {"train": 19_010, "held_out": 2_107, "unseen": 483, "all": 21_600}
    train, held_out, unseen, everything = ({image.tobytes() for image in part.images} for part in parts.values())
    assert train | held_out | unseen == everything and len(train) + len(held_out) + len(unseen) == len(everything)
    tenth = {image.tobytes() for image in whole.images[9::10]}
    assert held_out <= tenth and not train & tenth and tenth <= held_out | unseen
    assert parts["held_out"].images[0].tobytes() == whole.images[9].tobytes()


@pytest.mark.parametrize("load", [load_sprites, load_kinds, load_words])
def test_an_unknown_split_is_refused(load):
    with pytest.raises(ValueError, match="split must be one of train, held_out, unseen, all, not 'test'"):
        load("test")


def test_a_missing_file_of_the_package_is_one_sentence():
    with pytest.raises(FileNotFoundError, match=r"weights/none\.pt is missing: install the package again"):
        sprites.packaged_file("weights", "none.pt")


def test_to_tensors_maps_bytes_to_minus_one_to_one(whole):
    x, c = to_tensors(load_sprites("held_out"))
    assert x.shape == (2107, 3, 16, 16) and x.dtype == c.dtype == torch.float32
    assert x.min() >= -1 and x.max() == 1
    red = np.zeros((1, 16, 16, 3), np.uint8)
    red[..., 0] = 255
    x, _ = to_tensors(sprites.Sprites(red, np.zeros((1, 5), np.float32)))
    assert x[0, :, 0, 0].tolist() == [1, -1, -1]


# ------------------------------------------------------------------ the drawing program


def test_the_program_draws_the_same_sprites_again(draw, whole):
    """A few of each kind (all of them: `python data/draw.py --check`, 100 s). Numbers that were left out as repeats
    shift those after them, so the sprite is looked for among its kind."""
    for index, cls in enumerate(draw.CLASSES):
        kinds = draw.kinds(cls)
        per_kind = 4320 // len(kinds)
        for k, kind in enumerate(kinds):
            first = whole.images[index * 4320 + k * per_kind]
            known = {image.tobytes() for image in whole.images[index * 4320 + k * per_kind :][:per_kind]}
            again = next(draw.sprites(cls, kind))
            assert again.tobytes() == first.tobytes(), kind
            later = next(draw.sprites(cls, kind, random.Random(kind).randrange(1, per_kind)))
            assert later.tobytes() in known, kind


def test_the_classes_are_in_the_order_of_the_context(draw):
    assert tuple(draw.CLASSES) == CLASSES


# ------------------------------------------------------------------ kinds, words, colours


def test_kinds_name_every_sprite_in_the_order_of_the_sheets():
    labels, names = load_kinds("all")
    assert len(names) == len(set(names)) == 108 and names[0] == "hero: knight" and names[18] == "non_hero: slime"
    assert len(labels) == 21600 and (np.diff(labels) >= 0).all()
    assert sorted(set(np.bincount(labels).tolist())) == [180, 240]  # 24 or 18 kinds on a sheet of 4320
    for split in SPLITS:
        kinds, contexts = load_kinds(split)[0], load_sprites(split).contexts
        assert [names[k].split(":")[0] for k in kinds] == [CLASSES[c] for c in contexts.argmax(1)]
    parts = sum(np.bincount(load_kinds(split)[0], minlength=108) for split in ("train", "held_out", "unseen"))
    assert (parts == np.bincount(labels)).all()


def test_words_are_the_classes_then_the_kinds_then_the_colours():
    words, names = load_words()[1], load_kinds()[1]
    kinds = list(dict.fromkeys(name.split(": ")[1] for name in names))
    basic = ("red", "orange", "yellow", "green", "blue", "purple", "pink", "brown", "black", "gray", "white")
    assert words == (*CLASSES, *kinds, *basic) and len(set(words)) == len(words)
    assert [name for name in names if name.endswith(": knight")] == ["hero: knight", "side_facing: knight"]
    assert words.count("knight") == 1 and all(load_words(split)[1] == words for split in SPLITS)


@pytest.mark.parametrize("split", SPLITS)
def test_a_sprites_words_are_its_class_its_kind_and_one_or_two_colours(split):
    contexts, words = load_words(split)
    kinds, names = load_kinds(split)
    assert contexts.dtype == np.float32 and set(np.unique(contexts)) == {0, 1}
    assert np.array_equal(contexts[:, :5], load_sprites(split).contexts)
    assert (contexts[:, 5:-11].sum(1) == 1).all()
    coloured = contexts[:, -11:].sum(1)
    assert coloured.max() == 2 and {names[k] for k in kinds[coloured == 0]} <= {"non_hero: ghost"}  # a few are as pale as light
    assert [words[5 + k] for k in contexts[:, 5:-11].argmax(1)] == [names[k].split(": ")[1] for k in kinds]


def test_every_word_occurs_in_training_and_no_unseen_pair_does():
    contexts, words = load_words("train")
    assert contexts.sum(0).min() >= 20
    pairs = [[words.index(word) for word in pair] for pair in unseen_pairs()]
    assert len(pairs) == 18 and all(5 <= kind < len(words) - 11 <= colour for kind, colour in pairs)
    for split in ("train", "held_out", "unseen"):
        has = np.stack([load_words(split)[0][:, pair].all(1) for pair in pairs], 1)
        if split == "unseen":
            assert has.any(1).all() and (has.sum(0) >= 5).all()  # each of the 18 pairs occurs there
        else:
            assert not has.any()
    for kind, colour in pairs:  # each half is learned, the kind in other colours and the colour on other kinds
        assert contexts[:, kind].sum() > 50 and contexts[:, colour].sum() > 50


def test_the_stored_colours_are_those_that_the_rule_finds_on_the_sheets(whole):
    found, names = colours(whole.images)
    contexts, words = load_words("all")
    assert names == words[-11:] and np.array_equal(found, contexts[:, -11:] > 0)


PAINTS = {
    "red": (215, 51, 55),
    "orange": (236, 124, 14),
    "yellow": (240, 198, 48),
    "green": (58, 151, 66),
    "blue": (42, 119, 175),
    "purple": (121, 69, 197),
    "pink": (246, 150, 180),
    "brown": (128, 81, 47),
    "black": (49, 50, 61),
    "gray": (141, 147, 156),
    "white": (228, 215, 179),
}


def figure(*parts, outline=None):
    """A sprite (16, 16, 3) on white of coloured rectangles (word, top, left, height, width), with an outline around all."""
    image = np.full((16, 16, 3), 255, np.uint8)
    if outline is not None:
        image[2:14, 2:14] = outline
    for word, top, left, height, width in parts:
        image[top : top + height, left : left + width] = PAINTS[word]
    return image


def named(*images):
    """The colours of figures as sets of words."""
    found, words = colours(np.stack(images))
    assert found.shape == (len(images), 11) and found.dtype == bool
    return [{word for word, yes in zip(words, row, strict=True) if yes} for row in found]


def test_a_plain_figure_has_the_word_of_its_paint():
    assert named(*(figure((word, 4, 4, 8, 8)) for word in PAINTS)) == [{word} for word in PAINTS]


def test_outlines_and_the_background_count_nothing():
    for outline in ((0, 0x13, 0x14), (0x0C, 0x0F, 0x16)):  # tones of the palette that name no colour
        images = [figure((word, 4, 4, 8, 8), outline=outline) for word in PAINTS]  # more outline than paint
        assert named(*images) == [{word} for word in PAINTS]
    speck = figure(("pink", 8, 8, 1, 1))  # all but one pixel is background
    nothing = np.full((16, 16, 3), 255, np.uint8)
    assert named(speck, nothing, nothing - 4) == [{"pink"}, set(), set()]


def test_two_colours_are_named_where_there_is_enough_of_the_second():
    halves = figure(("red", 4, 4, 4, 8), ("blue", 8, 4, 4, 8))
    enough = figure(("green", 2, 2, 10, 10), ("pink", 12, 2, 4, 11))  # 44 of 100 pixels
    little = figure(("green", 2, 2, 10, 10), ("pink", 12, 2, 4, 10))  # 40
    three = figure(("red", 2, 2, 4, 10), ("blue", 6, 2, 4, 9), ("yellow", 10, 2, 4, 8))
    assert named(halves, enough, little, three) == [{"red", "blue"}, {"green", "pink"}, {"green"}, {"red", "blue"}]


@pytest.mark.parametrize(("other", "weight"), [("brown", 0.6), ("black", 0.5), ("gray", 0.45), ("white", 0.45), ("blue", 1.0)])
def test_paint_counts_more_than_wood_steel_and_linen(other, weight):
    """Beside 100 pixels of the other, red is named from 42 of what they count, and alone from where they are 42 % of it."""

    def with_red(pixels, others=100):
        image = np.full((256, 3), 255, np.uint8)
        image[:others] = PAINTS[other]
        image[others : others + pixels] = PAINTS["red"]
        return image.reshape(16, 16, 3)

    few, enough = math.floor(42 * weight - 0.1), math.ceil(42 * weight + 0.1)
    assert named(with_red(few), with_red(enough)) == [{other}, {other, "red"}]
    few, enough = math.floor(42 / weight - 0.1), math.ceil(42 / weight + 0.1)  # of the other, beside 100 of red
    assert named(with_red(100, few), with_red(100, enough)) == [{"red"}, {other, "red"}]


def test_colours_of_another_palette_and_of_larger_pictures():
    image = np.full((1, 32, 24, 3), 255, np.uint8)
    image[:, 8:20, 8:20] = (10, 200, 190)
    found, words = colours(image, {"red": "ff0000", "teal": "00c8b4 008080", "": "000000"})
    assert words == ("red", "teal") and found.tolist() == [[False, True]]


def test_the_background_counts_nothing_in_any_palette():
    """White is nearest to one of the named tones here, and there is twenty times as much of it as of the figure."""
    image = figure(("red", 4, 4, 3, 4))[None]
    for other in ("ffffff", "9adbd0"):
        for shade in (0, 4):  # nearly white counts as white
            found, words = colours(
                np.where(image == 255, 255 - shade, image).astype(np.uint8), {"other": other, "red": "d73337"}
            )
            assert words == ("other", "red") and found.tolist() == [[False, True]]
