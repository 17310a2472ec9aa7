"""Sprites of other people: what is read, what is left out, what is said. tests/inputs/ holds inputs that went wrong once."""

import errno
import json
import os
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from diffusion_lab import Cut, load_path
from diffusion_lab.sprites import CLASSES

INPUTS = Path(__file__).parent / "inputs"


def tiles(n, side=16, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (n, side, side, 3), dtype=np.uint8)


def sheet(images, columns, spacing=0, margin=0, between=0, after=None):
    """One picture of tiles (N, h, w, C); `after` is what follows the last tile, if it is not the margin."""
    n, h, w, c = images.shape
    rows, after = -(-n // columns), margin if after is None else after
    a = np.full(
        (margin + rows * (h + spacing) - spacing + after, margin + columns * (w + spacing) - spacing + after, c), between
    )
    for k, image in enumerate(images):
        y, x = margin + k // columns * (h + spacing), margin + k % columns * (w + spacing)
        a[y : y + h, x : x + w] = image
    return Image.fromarray(a.astype(np.uint8))


def save(path, images, columns=1, **layout):
    path.parent.mkdir(parents=True, exist_ok=True)
    sheet(images, columns, **layout).save(path)


def said(read):
    return "\n".join(read.notes)


# ------------------------------------------------------------------ sheets


def test_the_inputs_that_went_wrong_are_read_as_they_are():
    plain = load_path(INPUTS / "plain.png")
    assert plain.images.shape == (12, 16, 16, 3) and plain.contexts.shape == (12, 5) and not plain.contexts.any()
    assert "12 sprites of 16×16 from 1 picture" in said(plain) and "4 × 3" in said(plain)
    spaced = load_path(INPUTS / "spaced_1px.png")
    assert np.array_equal(spaced.images, plain.images) and "1 px between them" in said(spaced)
    assert np.array_equal(load_path(INPUTS / "spaced_1px.png", Cut(spacing=1)).images, plain.images)
    blank = load_path(INPUTS / "blank_tiles.png")
    assert np.array_equal(blank.images, plain.images)
    assert "left out of 25 tiles: 11 white, 1 of one colour (#828282), 1 repeated" in said(blank)


def test_white_art_on_transparent_is_warned_of_and_stands_on_another_background():
    lost = load_path(INPUTS / "white_on_transparent.png")
    assert len(lost.images) == 8 and "all 8 sprites vanish in the background (white)" in lost.warnings[0]
    assert "--background navy" in lost.warnings[0]
    seen = load_path(INPUTS / "white_on_transparent.png", Cut(background="navy"))
    assert seen.images.shape == (8, 16, 16, 3) and not seen.warnings
    assert {tuple(colour) for colour in seen.images.reshape(-1, 3)} == {(255, 255, 255), (0, 0, 128)}
    with pytest.raises(ValueError, match="'no colour' is no colour"):
        Cut(background="no colour")
    with pytest.raises(ValueError, match="no transparency: give a colour that the sprites lack"):
        Cut(background="transparent")


def test_a_few_that_vanish_are_left_out_and_said(tmp_path):
    art = np.concatenate([tiles(3), np.full((3, 16, 16, 1), 255, np.uint8)], 3)
    art[1, ..., :3], art[1, :8, :, 3] = 255, 0
    save(tmp_path / "a.png", art, 3)
    read = load_path(tmp_path / "a.png")
    assert np.array_equal(read.images, art[[0, 2], ..., :3]) and "1 that vanish in the background (white" in said(read)


def test_transparency_is_mixed_with_the_background(tmp_path):
    rgba = np.zeros((1, 16, 16, 4), np.uint8)
    rgba[0, :8], rgba[0, 8, 0] = (10, 20, 30, 255), (0, 0, 0, 51)
    save(tmp_path / "a.png", rgba)
    image = load_path(tmp_path / "a.png", Cut(background="#c80000")).images[0]
    assert (
        image[0, 0].tolist() == [10, 20, 30] and image[15, 15].tolist() == [200, 0, 0] and image[8, 0].tolist() == [160, 0, 0]
    )


@pytest.mark.parametrize(
    ("layout", "text"),
    [
        ({"spacing": 1}, "1 px between them"),
        ({"spacing": 1, "margin": 1}, "1 px between and around them"),
        ({"spacing": 1, "after": 1}, "1 px between them"),
    ],
)
@pytest.mark.parametrize("between", [0, 255])
def test_common_layouts_are_recognised_and_named(layout, text, between, tmp_path):
    save(tmp_path / "a.png", tiles(15), 5, between=between, **layout)
    read = load_path(tmp_path / "a.png")
    assert np.array_equal(read.images, tiles(15)) and f"16×16, 5 × 3, {text}" in said(read)


@pytest.mark.parametrize("side", [8, 24, 32])
@pytest.mark.parametrize(("spacing", "margin"), [(0, 0), (1, 0), (3, 0), (2, 5), (0, 2)])
def test_tiles_of_other_sizes_with_any_space(side, spacing, margin, tmp_path):
    save(tmp_path / "a.png", tiles(6, side), 3, spacing=spacing, margin=margin)
    read = load_path(tmp_path / "a.png", Cut(tile=(side, side), spacing=spacing, margin=margin))
    assert np.array_equal(read.images, tiles(6, side))


def test_a_sheet_that_fits_two_ways_is_refused_with_both(tmp_path):
    a = np.full((1, 256, 256, 3), 200, np.uint8)  # 16 tiles of 16, or 15 with 1 px between and around: the lines are empty
    for k in range(15):
        a[0, 1 + 17 * k : 17 + 17 * k, 1:17] = tiles(15)[k]
    save(tmp_path / "a.png", a)
    with pytest.raises(ValueError, match="fits 2 ways") as caught:
        load_path(tmp_path / "a.png")
    assert "256 tiles of 16×16, 16 × 16 (--tile 16 --spacing 0 --margin 0)" in str(caught.value)
    assert "225 tiles of 16×16, 15 × 15, 1 px between and around them (--tile 16 --spacing 1 --margin 1)" in str(caught.value)
    read = load_path(tmp_path / "a.png", Cut(tile=(16, 16), spacing=1, margin=1))
    assert np.array_equal(read.images, tiles(15))
    assert len(load_path(tmp_path / "a.png", Cut(tile=(16, 16), spacing=0, margin=0)).images) > 15


def test_a_full_sheet_of_256_is_not_taken_for_a_spaced_one(tmp_path):
    save(tmp_path / "a.png", tiles(256), 16)
    assert np.array_equal(load_path(tmp_path / "a.png").images, tiles(256))


def test_figures_that_are_no_squares_are_padded_and_never_cut_in_two(tmp_path):
    with pytest.raises(ValueError, match="64×28 pixels, which are no tiles of 16×16; if its figures are 16×28, add --pad 28"):
        load_path(INPUTS / "figures_16x28.png")
    sheet = np.asarray(Image.open(INPUTS / "figures_16x28.png").convert("RGB"))
    for cut in (Cut(pad=28), Cut(tile=(16, 28), pad=28)):
        read = load_path(INPUTS / "figures_16x28.png", cut)
        assert read.images.shape == (4, 28, 28, 3) and "16×28, 4 × 1" in said(read)
        assert np.array_equal(np.concatenate(read.images[:, :, 6:22], 1), sheet)
        assert (read.images[:, :, :6] == 255).all() and (read.images[:, :, 22:] == 255).all()
    for wrong, message in (
        ({"tile": (16, 28)}, "are no squares: add --pad 28"),
        ({"tile": (16, 28), "pad": 24}, "a larger one"),
    ):
        with pytest.raises(ValueError, match=message):
            Cut(**wrong)
    save(tmp_path / "b.png", tiles(4, 32), 2)  # 16×32, or 32×16, or all
    with pytest.raises(ValueError, match=r"fits \d ways"):
        load_path(tmp_path / "b.png", Cut(pad=32))


def figures(n, height, seed=0):
    """Figures of 16 × `height` on white, with a pixel of white around each."""
    a = np.full((n, height, 16, 3), 255, np.uint8)
    a[:, 1:-1, 1:-1] = np.random.default_rng(seed).integers(0, 256, (n, height - 2, 14, 3))
    return a


@pytest.mark.parametrize("height", [20, 24, 28, 36])
def test_the_height_of_figures_is_told_by_where_they_end(height, tmp_path):
    save(tmp_path / "a.png", figures(5 * 9, height), 5)  # many other heights divide the sheet's
    with pytest.raises(ValueError, match=f"if its figures are 16×{height}, add --pad {height}"):
        load_path(tmp_path / "a.png")


@pytest.mark.parametrize("rows", [1, 2, 3])
@pytest.mark.parametrize("turned", [False, True])
def test_figures_that_16_would_cut_in_two_are_warned_of(rows, turned, tmp_path):
    save(tmp_path / "a.png", figures(5 * rows, 32), 5)
    save(tmp_path / "b.png", figures(5 * rows * 2, 16), 5)
    if turned:
        for name in ("a.png", "b.png"):
            picture = Image.open(tmp_path / name)
            picture.transpose(Image.Transpose.TRANSPOSE).save(tmp_path / name)
    other = "32x16" if turned else "16x32"
    (warning,) = load_path(tmp_path / "a.png").warnings
    assert f"its figures look like {other}, and 16×16 cuts them in two: add --tile {other} --pad 32" in warning
    assert not load_path(tmp_path / "b.png").warnings
    tile = (32, 16) if turned else (16, 32)
    assert not load_path(tmp_path / "a.png", Cut(tile=tile, pad=32)).warnings
    ground = np.random.default_rng(3).integers(0, 256, (1, 64, 64, 3), dtype=np.uint8)  # goes on everywhere
    save(tmp_path / "c.png", np.concatenate([ground, ground], 2))
    assert not load_path(tmp_path / "c.png").warnings


def test_pictures_of_32_are_one_sprite_each_or_four_and_the_user_says_which(tmp_path):
    with pytest.raises(ValueError) as caught:
        load_path(INPUTS / "size32")
    assert "one sprite of 32×32 (--tile 32), or 4 tiles of 16×16 (--tile 16): say which" in str(caught.value)
    whole = load_path(INPUTS / "size32", Cut(tile=(32, 32)))
    assert whole.images.shape == (8, 32, 32, 3)
    first = np.asarray(Image.open(INPUTS / "size32" / "0.png").convert("RGB"))
    assert np.array_equal(whole.images[0], first)
    for k in range(3):  # tall figures are not cut without a word, either
        save(tmp_path / "tall" / f"{k}.png", tiles(1, 32, seed=k)[:, :, :16])
    with pytest.raises(ValueError, match=r"one sprite of 16×32 \(--tile 16x32 --pad 32\), or 2 tiles of 16×16"):
        load_path(tmp_path / "tall")
    save(tmp_path / "mixed" / "a.png", tiles(1))
    save(tmp_path / "mixed" / "b.png", tiles(4, seed=1), 2)  # beside a sprite of 16×16 one reading is left
    assert load_path(tmp_path / "mixed").images.shape == (5, 16, 16, 3)


@pytest.mark.parametrize("side", [8, 12, 20, 24, 28, 40, 60])
def test_pictures_that_are_no_tiles_of_16_are_taken_whole(side, tmp_path):
    for k in range(3):
        save(tmp_path / f"{k}.png", tiles(1, side, seed=k))
    read = load_path(tmp_path)
    assert read.images.shape == (3, side, side, 3) and f"3 sprites of {side}×{side}" in said(read)


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((40, 96), "40×96 pixels, which are no tiles of 16×16; if its figures are 40×16, add --pad 40"),
        ((72, 96), "if its figures are 18×16, add --pad 20"),
        ((120, 200), "if its tiles are 8×8, add --tile 8"),
        ((33, 50), "what lies between is not of one colour"),
        ((37, 41), "give the size of its tiles with --tile"),
    ],
)
def test_a_sheet_that_fits_no_way_is_told_what_may_help(shape, message, tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (1, shape[1], shape[0], 3), dtype=np.uint8)
    save(tmp_path / "a.png", noise)
    with pytest.raises(ValueError) as caught:
        load_path(tmp_path / "a.png")
    assert message in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"tile": (10, 10)}, "multiple of 4 from 8 to 64: add --pad 12"),
        ({"tile": (80, 80)}, "make them smaller first"),
        ({"tile": (0, 16)}, "--tile must be at least 1 pixel"),
        ({"pad": 30}, "--pad must be a multiple of 4 from 8 to 64"),
        ({"spacing": -1}, "--spacing must be from 0"),
        ({"margin": 10**9}, "--margin must be from 0"),
    ],
)
def test_a_cut_that_cannot_be_is_refused(wrong, message):
    with pytest.raises(ValueError, match=message):
        Cut(**wrong)


def test_sprites_of_different_sizes_need_one_square(tmp_path):
    save(tmp_path / "a.png", tiles(1, 20))
    save(tmp_path / "b.png", tiles(1, 24))
    read = load_path(tmp_path, Cut(pad=24))
    assert read.images.shape == (2, 24, 24, 3) and np.array_equal(read.images[0, 2:22, 2:22], tiles(1, 20)[0])


def test_all_pictures_that_do_not_fit_are_named(tmp_path):
    for name in ("a", "b", "c"):
        save(tmp_path / f"{name}.png", tiles(1, 18))
    save(tmp_path / "d.png", tiles(1))
    with pytest.raises(ValueError) as caught:
        load_path(tmp_path)
    assert all(f"{name}.png" in str(caught.value) for name in "abc") and "d.png" not in str(caught.value)


# ------------------------------------------------------------------ pictures


def test_every_kind_of_picture_in_a_folder_and_one_line_for_what_is_left_out():
    read = load_path(INPUTS / "mixed")
    assert read.images.shape == (7, 16, 16, 3)
    line = next(note for note in read.notes if note.startswith("left out: "))
    assert "1 that cannot be read (broken.png is damaged" in line and "(notes.txt), __MACOSX" in line
    assert "e.gif: 3 frames" in said(read)


def test_frames_of_a_gif_are_sprites_in_their_order(tmp_path):
    frames = [Image.fromarray(tile).quantize(200) for tile in tiles(3)]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:], duration=50, optimize=False)
    read = load_path(tmp_path / "a.gif")
    assert read.images.shape == (3, 16, 16, 3)
    for tile, frame in zip(read.images, frames, strict=True):
        assert np.abs(tile.astype(int) - np.asarray(frame.convert("RGB")).astype(int)).max() <= 8


def test_modes_of_pictures():
    for name in ("indexed.png", "rgba.png", "grey16.png"):
        assert load_path(INPUTS / name).images.shape == (1, 16, 16, 3)
    raw = np.asarray(Image.open(INPUTS / "grey16.png")).astype(float)
    read = load_path(INPUTS / "grey16.png")
    assert np.abs(read.images[0, ..., 0] - raw / 257).max() <= 0.5 and "16 bits a pixel, read as 8" in said(read)


def test_an_indexed_palette_with_transparency(tmp_path):
    picture = Image.fromarray((np.arange(256).reshape(16, 16) % 4).astype(np.uint8), "P")
    picture.putpalette([255, 0, 0, 0, 255, 0, 0, 0, 255, 9, 9, 9])
    picture.save(tmp_path / "a.png", transparency=3)
    image = load_path(tmp_path / "a.png", Cut(background="yellow")).images[0]
    assert image[0, :4].tolist() == [[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 0]]


def write(name, data):
    def make(path):
        (path / name).write_bytes(data)
        return name

    return make


def half(path):
    save(path / "a.png", tiles(16), 4)
    data = (path / "a.png").read_bytes()
    (path / "a.png").write_bytes(data[: len(data) // 2])
    return "a.png"


def huge(path):
    Image.new("1", (20_000, 20_000)).save(path / "a.png")
    return "a.png"


def large(path):
    Image.new("1", (6_000, 6_000)).save(path / "a.png")
    return "a.png"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: "nothing.png", "does not exist: give a picture, a folder, a table"),
        (write("a.png", b""), "is empty"),
        (write("a.png", b"hello"), "is no PNG, JPG, WebP, BMP or GIF"),
        (write("a.aseprite", b"\x00\x00\x00\x00\xe0\xa5" + bytes(99)), "export it as PNG, with its JSON"),
        (half, "is damaged, or its end is missing"),
        (huge, "too large to hold sprites"),
        (large, "6,000×6,000 pixels, which is too large to hold sprites"),
        (lambda path: "", "holds no pictures that can be read"),
    ],
)
def test_each_fault_of_a_picture_has_its_own_sentence(make, message, tmp_path):
    name = make(tmp_path)
    with pytest.raises((ValueError, OSError)) as caught:
        load_path(tmp_path / name)
    assert message in str(caught.value) and str(tmp_path) in str(caught.value) and "\n" not in str(caught.value)


def test_a_file_that_may_not_be_read_is_not_called_damaged(tmp_path, monkeypatch):
    def closed(*_):  # for root no file is closed
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    save(tmp_path / "a.png", tiles(1))
    monkeypatch.setattr("builtins.open", closed)
    with pytest.raises(OSError, match=r"a\.png could not be opened \(Permission denied\)"):
        load_path(tmp_path / "a.png")


def test_a_folder_of_bad_files_alone_names_them_all(tmp_path):
    for name in ("a.png", "b.jpg", "c.gif"):
        (tmp_path / name).write_bytes(b"\x89PNG\r\n")
    with pytest.raises(ValueError) as caught:
        load_path(tmp_path)
    assert all(name in str(caught.value) for name in ("a.png", "b.jpg", "c.gif"))


def test_blank_sheets_teach_nothing(tmp_path):
    save(tmp_path / "a.png", np.full((4, 16, 16, 3), 255, np.uint8), 4)
    with pytest.raises(ValueError, match=r"holds 4 tiles, all blank \(4 white\): there is nothing to learn from"):
        load_path(tmp_path / "a.png")


def aseprite(path, frames, as_list=False, **meta):
    entries = [
        {"filename": f"f {k}.ase", "frame": dict(zip("xywh", box, strict=True)), "rotated": False, "trimmed": bool(full)}
        | ({"spriteSourceSize": {"x": full[0], "y": full[1]}, "sourceSize": {"w": full[2], "h": full[3]}} if full else {})
        for k, (box, full) in enumerate(frames)
    ]
    told = entries if as_list else {entry["filename"]: entry for entry in entries}
    path.write_text(json.dumps({"frames": told, "meta": {"app": "Aseprite", **meta}}))


@pytest.mark.parametrize("as_list", [True, False])
@pytest.mark.parametrize("given", ["walk.png", "walk.json"])
def test_aseprites_json_says_where_the_frames_are(as_list, given, tmp_path):
    a = np.zeros((1, 40, 60, 4), np.uint8)
    first, second = tiles(2, 24, seed=5)
    a[0, :24, 1:25, :3], a[0, :24, 1:25, 3] = first, 255
    a[0, 25:35, 30:42, :3], a[0, 25:35, 30:42, 3] = second[4:14, 6:18], 255  # trimmed
    save(tmp_path / "walk.png", a)
    aseprite(tmp_path / "walk.json", [((1, 0, 24, 24), None), ((30, 25, 12, 10), (6, 4, 24, 24))], as_list, image="walk.png")
    read = load_path(tmp_path / given)
    assert read.images.shape == (2, 24, 24, 3) and "2 frames as walk.json says" in said(read)
    assert np.array_equal(read.images[0], first) and np.array_equal(read.images[1, 4:14, 6:18], second[4:14, 6:18])
    assert (read.images[1, :4] == 255).all() and (read.images[1, 14:] == 255).all()
    assert np.array_equal(load_path(tmp_path).images, read.images)
    aseprite(tmp_path / "walk.json", [((1, 0, 24, 99), None)])
    with pytest.raises(ValueError, match=r"walk\.json describes a frame that its picture does not have"):
        load_path(tmp_path / given)


# ------------------------------------------------------------------ words


def words_of(read):
    return [set(text.split(", ")) for text in read.texts(len(read.images))]


def test_folders_are_words_and_a_loose_file_is_said():
    read = load_path(INPUTS / "words")
    assert read.words == ("dragon", "green", "red", "wizard") and len(read.images) == 12
    assert words_of(read) == [{"dragon", "green"}] * 4 + [{"dragon", "red"}] * 4 + [{"wizard"}] * 4
    assert "loose.png, which lies beside the folders" in said(
        read
    ) and "4 words: dragon (8), green (4), red (4), wizard (4)" in said(read)
    assert read.contexts.dtype == np.float32 and set(np.unique(read.contexts)) == {0, 1}


def test_the_courses_classes_keep_their_places(tmp_path):
    for name, n in (("food", 2), ("hero", 3)):
        for i, image in enumerate(tiles(n, seed=n)):
            save(tmp_path / name / f"{i}.png", image[None])
    read = load_path(tmp_path)
    assert read.words == CLASSES and read.contexts.argmax(1).tolist() == [2, 2, 0, 0, 0]
    assert np.array_equal(read.images, np.concatenate([tiles(2, seed=2), tiles(3, seed=3)]))


def test_names_of_folders_become_words_that_prompts_can_say(tmp_path):
    for k, name in enumerate(("Red_Dragon", "sub/red dragon", "3", "cats, dogs")):
        save(tmp_path / name / "a.png", tiles(1, seed=k))
    read = load_path(tmp_path)
    assert read.words == ("Red_Dragon", "cats dogs", "class 3", "sub")
    assert sorted(map(sorted, words_of(read))) == [["Red_Dragon"], ["Red_Dragon", "sub"], ["cats dogs"], ["class 3"]]
    save(tmp_path / "---" / "a.png", tiles(1))
    with pytest.raises(ValueError, match="The name '---' holds no letter"):
        load_path(tmp_path)


def test_what_is_no_file_is_left_out_and_not_waited_for(tmp_path):
    save(tmp_path / "a.png", tiles(1))
    os.mkfifo(tmp_path / "b.png")
    (tmp_path / "c.png").symlink_to(tmp_path / "nowhere")
    left = f"left out: b.png is no regular file, c.png is a link that leads to nothing ({tmp_path / 'nowhere'})"
    assert left in said(load_path(tmp_path))
    with pytest.raises(ValueError, match="is no file and no folder"):
        load_path(tmp_path / "b.png")


def test_a_link_that_leads_back_is_followed_once(tmp_path):
    save(tmp_path / "cat" / "a.png", tiles(1))
    (tmp_path / "cat" / "back").symlink_to(tmp_path)
    assert len(load_path(tmp_path).images) == 1


def test_the_same_picture_with_other_words_is_another_sprite(tmp_path):
    for name in ("cat/a.png", "cat/b.png", "dog/a.png"):
        save(tmp_path / name, tiles(1))
    read = load_path(tmp_path)
    assert words_of(read) == [{"cat"}, {"dog"}] and "1 repeated" in said(read)


TABLE = {"red apple": {"red", "apple"}, "fried_egg": {"fried egg"}, "fried egg; red": {"fried egg", "red"}, "": {""}}


@pytest.mark.parametrize("kind", ["comma", "mark", "semicolon", "titles", "object", "list", "lists"])
def test_tables_of_files_and_words(kind, tmp_path):
    rows = [(f"pictures/{k}.png", text) for k, text in enumerate(TABLE)]
    for k, (file, _) in enumerate(rows):
        save(tmp_path / file, tiles(1, seed=k))
    table = tmp_path / ("t.json" if kind in ("object", "list", "lists") else "t.csv")
    if kind in ("comma", "mark"):  # Excel begins UTF-8 with a mark
        text = "\ufeff" * (kind == "mark") + "\n".join(f"{file},{words}" for file, words in rows)
    elif kind == "semicolon":
        text = "\n".join(f'{file};"{words}"' for file, words in rows)
    elif kind == "titles":
        text = "file,words\r\n" + "\r\n".join(f"{file},{words}" for file, words in rows)
    elif kind == "object":
        text = json.dumps(dict(rows))
    elif kind == "list":
        text = json.dumps([{"file": file, "words": words} for file, words in rows])
    else:
        text = json.dumps([{"file": file, "words": sorted(TABLE[words] - {""})} for file, words in rows])
    table.write_text(text, "utf-8")
    assert words_of(load_path(table)) == list(TABLE.values())


def test_the_table_of_the_inputs_has_eight_sprites_and_a_folder_points_to_it(tmp_path):
    read = load_path(INPUTS / "table.csv")
    assert read.images.shape == (8, 32, 32, 3)
    assert words_of(read)[:2] == [{"red", "apple"}, {"pizza"}] and len(read.words) == 12
    assert load_path(INPUTS / "table.csv", Cut(tile=(16, 16))).images.shape == (32, 16, 16, 3)
    save(tmp_path / "a.png", tiles(1))
    (tmp_path / "words.csv").write_text("a.png,cat")
    assert f"--data {tmp_path / 'words.csv'}" in said(load_path(tmp_path))


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("t.csv", "a.png,cat\nb.png,dog\nc.png,dog", r"names files that are not there: .*b\.png, .*c\.png"),
        ("t.csv", "file,words\n", "names no pictures"),
        ("t.csv", '0.png,"red\n1.png,blue\n', "unexpected end of data"),  # a quote that is never closed
        ("t.csv", "0,red dragon\n", "files that are not there: "),  # no title, so no line to pass over
        ("t.json", '{"0.png": "red", "0.png": "blue"}', "names 0.png twice"),
        ("t.json", '{"0.png": "red"', "line 1 column"),
        ("t.csv", "", "names no pictures"),
        ("t.json", "{", "is no JSON"),
        ("t.json", "[1, 2]", "is no table: write"),
        ("t.json", '{"a.png": 3}', "is no table: write"),
        ("t.json", "[" * 100_000, "is no table: write"),
    ],
)
def test_a_table_that_is_none_is_refused(name, text, message, tmp_path):
    save(tmp_path / "a.png", tiles(1))
    (tmp_path / name).write_text(text)
    with pytest.raises(ValueError, match=message):
        load_path(tmp_path / name)


# ------------------------------------------------------------------ arrays


def npz(path, **arrays):
    np.savez(path / "a.npz", **arrays)
    return path / "a.npz"


def test_what_is_no_array_in_an_npz_is_passed_over(tmp_path):
    path = npz(tmp_path, images=tiles(3))
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("readme.txt", "by me")
    assert np.array_equal(load_path(path).images, tiles(3))


def test_the_courses_arrays(tmp_path):
    labels = np.eye(5)[[1, 0, 4]]
    np.save(tmp_path / "sprites_1788_16x16.npy", tiles(3)[[0, 1, 0]])
    np.save(tmp_path / "sprite_labels_nc_1788_16x16.npy", labels)
    loaded = load_path(tmp_path / "sprites_1788_16x16.npy")
    assert np.array_equal(loaded.images, tiles(3)[[0, 1, 0]]) and np.array_equal(loaded.contexts, labels)
    assert loaded.contexts.dtype == np.float32 and loaded.words == CLASSES and "1 of 3 are repeated" in said(loaded)


def test_arrays_of_ones_own_with_and_without_labels(tmp_path):
    np.save(tmp_path / "mine.npy", tiles(3))
    assert not load_path(tmp_path / "mine.npy").contexts.any()
    assert "no labels: there is no mine_labels.npy" in said(load_path(tmp_path / "mine.npy"))
    np.save(tmp_path / "labels_mine.npy", np.eye(5)[[2, 2, 3]])
    near = said(load_path(tmp_path / "mine.npy"))
    assert "labels_mine.npy lies there; if it has the labels, rename it mine_labels.npy" in near
    (tmp_path / "labels_mine.npy").rename(tmp_path / "mine_labels.npy")
    assert load_path(tmp_path / "mine.npy").contexts.argmax(1).tolist() == [2, 2, 3]
    assert "labels from mine_labels.npy" in said(load_path(tmp_path / "mine.npy"))
    np.save(tmp_path / "other.npy", tiles(3))
    assert "no labels: there is no other_labels.npy" in said(
        load_path(tmp_path / "other.npy")
    )  # those of mine.npy are not meant


def test_whole_numbers_are_classes_named_by_the_user_or_by_their_number():
    for name in ("named.npz", "ints.npy"):
        read = load_path(INPUTS / name)
        assert read.words == ("class 0", "class 1", "class 2", "class 3") and (read.contexts.sum(1) == 1).all()
        labels = np.load(INPUTS / "ints_labels.npy") if name == "ints.npy" else np.load(INPUTS / name)["labels"]
        assert read.contexts.argmax(1).tolist() == labels.tolist()
        named = load_path(INPUTS / name, names=("a knight", "slime", "apple", "egg"))
        assert named.words == ("a knight", "slime", "apple", "egg") and np.array_equal(named.contexts, read.contexts)
        with pytest.raises(ValueError, match="has the class 3 and there are 2 names"):
            load_path(INPUTS / name, names=("x", "y"))


def test_labels_of_other_kinds(tmp_path):
    hot = load_path(npz(tmp_path, images=tiles(3), labels=np.eye(3)[[2, 0, 1]], names=np.array(["cat", "dog", "2"])))
    assert hot.words == ("cat", "dog", "class 2") and hot.contexts.argmax(1).tolist() == [2, 0, 1]
    texts = load_path(npz(tmp_path, x=tiles(3), y=np.array(["red dragon", "wizard", ""])))
    assert words_of(texts) == [{"red", "dragon"}, {"wizard"}, {""}]
    column = load_path(npz(tmp_path, images=tiles(3), y=np.array([[7], [9], [7]])))
    assert column.words == ("class 7", "class 9") and column.contexts.argmax(1).tolist() == [0, 1, 0]


def test_other_orders_and_ranges_are_converted_and_said():
    expected = load_path(INPUTS / "ints.npy").images
    for name, text in (("chw.npy", "read as (N, channels, height, width)"), ("float01.npy", "numbers from 0 to 1 read as")):
        read = load_path(INPUTS / name)
        assert text in said(read) and np.array_equal(read.images, expected), name


@pytest.mark.parametrize(
    ("convert", "text"),
    [
        (lambda a: a / 127.5 - 1, "numbers from -1 to 1 read as"),
        (lambda a: a.astype(np.float32), "numbers from 0 to 255 read as they are"),
        (lambda a: a.astype(np.int64), "numbers from 0 to 255 read as they are"),
        (lambda a: np.concatenate([a, np.full_like(a[..., :1], 255)], 3), "2 sprites"),
    ],
)
def test_arrays_that_can_mean_one_thing_are_converted(convert, text, tmp_path):
    np.save(tmp_path / "a.npy", convert(tiles(2)))
    read = load_path(tmp_path / "a.npy")
    assert np.array_equal(read.images, tiles(2)) and text in said(read)


def test_gray_arrays_and_other_sides(tmp_path):
    np.save(tmp_path / "a.npy", tiles(3)[..., 0])
    assert np.array_equal(load_path(tmp_path / "a.npy").images, tiles(3)[..., :1].repeat(3, 3))
    np.save(tmp_path / "a.npy", tiles(3, 24)[:, :, :16])
    with pytest.raises(ValueError, match="pictures of 16×24; add --pad"):
        load_path(tmp_path / "a.npy")
    assert load_path(tmp_path / "a.npy", Cut(pad=24)).images.shape == (3, 24, 24, 3)


def test_an_array_keeps_its_blank_sprites_and_they_are_warned_of(tmp_path):
    images = tiles(4)
    images[1] = 255
    read = load_path(npz(tmp_path, images=images, labels=np.array([0, 1, 2, 0])))
    assert np.array_equal(read.images, images) and len(words_of(read)) == 4
    assert read.warnings == ["1 of 4 sprites are of one colour and are learned, too: take them out if they are blank."]
    assert not load_path(npz(tmp_path, images=tiles(4))).warnings


def npy(array, labels=None):
    def make(path):
        np.save(path / "a.npy", array, allow_pickle=True)
        if labels is not None:
            np.save(path / "a_labels.npy", labels, allow_pickle=True)
        return "a.npy"

    return make


def archive(path):
    with open(path / "a.npy", "wb") as file:
        np.savez(file, a=tiles(1))
    return "a.npy"


def damaged_header(path):
    np.save(path / "a.npy", tiles(1))
    data = bytearray((path / "a.npy").read_bytes())
    data[12:20] = b"(" * 8
    (path / "a.npy").write_bytes(data)
    return "a.npy"


def half_an_array(path):
    np.save(path / "a.npy", tiles(9))
    data = (path / "a.npy").read_bytes()
    (path / "a.npy").write_bytes(data[: len(data) // 2])
    return "a.npy"


def objects(path):
    np.savez(path / "a.npz", images=np.array([{"a": 1}], dtype=object))
    return "a.npz"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (npy(tiles(2)[:, :8]), "pictures of 16×8; add --pad"),
        (npy(tiles(2)[..., :2]), r"holds uint8 \(2, 16, 16, 2\); sprites are uint8"),
        (npy(np.zeros((0, 16, 16, 3), np.uint8)), "sprites are uint8"),
        (npy(np.full((2, 16, 16, 3), np.nan)), "no finite numbers"),
        (npy(tiles(2).astype(int) * 9), "numbers up to 2295; colours go to 255"),
        (npy(tiles(2).astype(int) - 128), "numbers from -128 to 127, whose range is not clear"),
        (npy(tiles(2) % 2), "range is not clear"),
        (npy(tiles(2) + 1j), "which are no colours"),
        (npy(np.array([{"a": 1}], dtype=object)), "holds Python objects"),
        (half_an_array, "truncated"),
        (archive, r"is no \.npy file"),
        (damaged_header, "truncated"),
        (objects, "holds Python objects"),
        (npy(tiles(3), np.eye(5)[:2]), "has 2 labels for 3 sprites"),
        (npy(tiles(3), np.array(1)), "holds one number; labels are"),
        (npy(tiles(3), np.full((3, 5), np.nan)), "not finite"),
        (npy(tiles(3), np.full((3, 5), 1e300)), r"from 1e\+300 to 1e\+300, which are no weights of words"),
        (npy(tiles(3), -np.eye(5)[:3]), "from -1 to 0, which are no weights of words: give a 1 for each word"),
        (npy(tiles(3), np.array([0, 1, -1])), "no whole numbers from 0"),
        (npy(tiles(3), np.array([0, 0.5, 1])), "no whole numbers from 0"),
        (npy(tiles(3), np.zeros((3, 5000))), "5,000 classes; a network can learn from 1 to 4,096"),
        (npy(tiles(3), np.array([{"a": 1}], dtype=object)), "holds Python objects"),
    ],
)
def test_a_bad_array_is_refused_in_one_sentence(make, message, tmp_path):
    name = make(tmp_path)
    with pytest.raises((ValueError, FileNotFoundError), match=message) as caught:
        load_path(tmp_path / name)
    assert str(tmp_path) in str(caught.value) and "\n" not in str(caught.value)


def test_options_that_say_nothing_to_what_is_read_are_refused(tmp_path):
    with pytest.raises(ValueError, match="is an array, which has its tiles already"):
        load_path(INPUTS / "ints.npy", Cut(tile=(16, 16)))
    with pytest.raises(ValueError, match="--names belongs to arrays"):
        load_path(INPUTS / "plain.png", names=("a",))
    with pytest.raises(ValueError, match="call the pictures images"):
        load_path(npz(tmp_path, a=np.arange(3), b=np.arange(3)))
