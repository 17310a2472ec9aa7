"""Pictures: the fixed mapping of values to colours, layout, GIFs, alternative text."""

import io
import itertools

import numpy as np
import pytest
import torch
from PIL import Image

from diffusion_lab import load_sprites, viz


def flat(value, b=1):
    return torch.full((b, 3, 16, 16), float(value))


def test_minus_one_to_one_becomes_0_to_255_and_clips():
    for value, byte in ((-1, 0), (0, 128), (1, 255), (-7, 0), (7, 255), (0.5, 191)):
        assert (viz.to_uint8(flat(value)) == byte).all()


def test_pictures_are_not_rescaled_by_their_own_range():
    faint = flat(0.0)
    faint[:, :, 0, 0] = 0.1
    assert viz.to_uint8(faint).max() == 140 and viz.to_uint8(faint).min() == 128


def test_bytes_and_tensors_make_the_same_picture():
    images = np.random.default_rng(0).integers(0, 256, (5, 16, 16, 3), dtype=np.uint8)
    tensor = torch.from_numpy(images).permute(0, 3, 1, 2) / 127.5 - 1
    assert np.array_equal(viz.to_uint8(tensor), images)
    assert np.array_equal(np.asarray(viz.grid(tensor)), np.asarray(viz.grid(images)))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_pictures_of_any_floating_type_are_drawn(dtype):
    x = torch.tensor([-1.0, 0.5, 1.0]).reshape(1, 3, 1, 1).expand(1, 3, 4, 4).to(dtype)
    assert viz.to_uint8(x)[0, 0, 0].tolist() == [0, 191, 255]


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (torch.zeros(2, 3, 16, 16, dtype=torch.uint8), r"uint8 \(B, H, W, 3\), not uint8 \(2, 3, 16, 16\)"),
        (torch.zeros(2, 3, 16, 16, dtype=torch.int64), "pictures must be"),
        (torch.zeros(0, 3, 16, 16), "pictures must be"),
        (torch.full((1, 3, 4, 4), torch.nan), "some pixels are not finite numbers"),
    ],
)
def test_what_would_be_drawn_white_or_not_at_all_is_refused(images, message):
    with pytest.raises(ValueError, match=message):
        viz.grid(images)


@pytest.mark.parametrize("wrong", [{"columns": 0}, {"columns": -2}, {"scale": 0}, {"scale": 1.5}, {"columns": True}])
def test_columns_and_scale_are_whole_numbers_from_1(wrong):
    for draw in (lambda: viz.grid(flat(0), **wrong), lambda: viz.gif([flat(0)], **wrong)):
        with pytest.raises(ValueError, match=f"{next(iter(wrong))} must be a whole number from 1"):
            draw()
    assert viz.grid(flat(0), columns=np.int64(3), scale=np.int32(2)).size == (36, 36)


@pytest.mark.parametrize("wrong", [{"hold": -1}, {"hold": 1e9}, {"seconds": 0}, {"seconds": np.nan}, {"hold": np.inf}])
def test_times_of_a_gif_are_usable(wrong):
    with pytest.raises(ValueError, match="seconds must be above 0 and hold from 0, both at most 600"):
        viz.gif([flat(0)], **wrong)


def test_a_film_has_frames():
    for draw in (lambda: viz.gif([]), lambda: viz.gif([flat(0)], beside=[flat(0)] * 2)):
        with pytest.raises(ValueError, match=r"There are \d frames and \d beside"):
            draw()
    with pytest.raises(ValueError, match="There are 0 frames"):
        viz.strip([], [])


def test_captions_stand_below_their_pictures_and_are_cut_off():
    picture = np.asarray(viz.captioned(torch.cat([flat(-1), flat(0)]), ["", "a very long description of a sprite"], columns=2))
    assert (picture[8:104, 8:104] == 0).all() and (picture[8:104, 112:208] == 128).all()
    paper = picture[0, 0]
    assert (picture[105:, :108] == paper).all() and (picture[105:, 112:208] != paper).any()
    assert (picture[105:, 209:] == paper).all()
    with pytest.raises(ValueError, match="2 pictures and 1 texts"):
        viz.captioned(torch.cat([flat(-1), flat(0)]), ["one"])


def test_grey_pictures_get_three_equal_colours():
    grey = viz.to_uint8(torch.linspace(-1, 1, 32).reshape(2, 1, 4, 4))
    assert grey.shape == (2, 4, 4, 3) and (grey == grey[..., :1]).all() and grey[0, 0, 0, 0] == 0 and grey[1, 3, 3, 0] == 255


@pytest.mark.parametrize("shape", [(3, 16, 16), (2, 2, 16, 16), (2, 16, 16, 3)])
def test_other_shapes_are_refused(shape):
    with pytest.raises(ValueError, match="pictures must be"):
        viz.to_uint8(torch.zeros(shape))


def test_grid_places_sprites_in_reading_order_with_a_white_gap():
    picture = np.asarray(viz.grid(torch.cat([flat(-1), flat(0), flat(-0.5)]), columns=2, scale=3))
    assert picture.shape == (3 * 35, 3 * 35, 3)
    assert (picture[3:51, 3:51] == 0).all() and (picture[3:51, 54:102] == 128).all() and (picture[54:102, 3:51] == 64).all()
    assert (picture[:3] == 255).all() and (picture[54:, 54:] == 255).all()


def test_strip_shows_equally_spaced_moments_in_rows_under_their_times():
    frames = torch.stack([flat(i / 10 - 1, b=2) for i in range(21)])
    picture = np.asarray(viz.strip(frames, range(21), count=5, scale=1))
    assert picture.shape == (20 + 35, 5 * 17 + 1, 3)
    assert [picture[21, 1 + 17 * i, 0] for i in range(5)] == [0, 64, 128, 191, 255]
    other = np.asarray(viz.strip(frames, range(1, 22), count=5, scale=1))
    assert (picture[20:] == other[20:]).all() and (picture[:20] != other[:20]).any()


def test_grid_has_labels_at_the_left_of_its_rows():
    plain = np.asarray(viz.grid(flat(0, b=4), columns=2, scale=2))
    labelled = np.asarray(viz.grid(flat(0, b=4), columns=2, scale=2, labels=["one", ""]))
    margin = labelled.shape[1] - plain.shape[1]
    assert (labelled[:, margin:] == plain).all() and margin > 20
    assert (labelled[:35, :margin] != 255).any() and (labelled[36:, :margin] == 255).all()
    with pytest.raises(ValueError, match="2 rows and 3 labels"):
        viz.grid(flat(0, b=4), columns=2, labels=["a", "b", "c"])


def test_grid_has_titles_above_its_columns_also_beside_labels():
    plain = np.asarray(viz.grid(flat(0, b=4), columns=2, scale=4))
    titled = np.asarray(viz.grid(flat(0, b=4), columns=2, scale=4, titles=["", "two"]))
    assert np.array_equal(titled[20:], plain)
    ink = (titled[:20] < 128).all(-1).any(0)
    assert not ink[: 4 + 17 * 4].any() and ink[4 + 17 * 4 :].any()
    both = np.asarray(viz.grid(flat(0, b=4), columns=2, scale=4, labels=["a", "b"], titles=["one", ""]))
    ink = (both[:20] < 128).all(-1).any(0)
    left = both.shape[1] - plain.shape[1]
    assert left > 0 and not ink[:left].any() and ink[left : left + 17 * 4].any() and not ink[left + 17 * 4 :].any()
    with pytest.raises(ValueError, match="2 columns and 1 titles"):
        viz.grid(flat(0, b=4), columns=2, titles=["a"])


def test_strip_has_labels_at_the_left_of_its_rows_and_the_times_stay_over_their_moments():
    frames = torch.stack([torch.cat([flat(v), flat(-v)]) for v in (-1.0, 0.0, 1.0)])
    plain, labelled = viz.strip(frames, range(3)), viz.strip(frames, range(3), labels=["above", "below"])
    margin = labelled.width - plain.width
    assert margin > 20 and np.array_equal(np.asarray(labelled)[:, margin:], np.asarray(plain))
    assert (np.asarray(labelled)[20:, :margin] < 255).any()
    with pytest.raises(ValueError, match="There are 2 rows and 1 labels"):
        viz.strip(frames, range(3), labels=["above"])


@pytest.mark.parametrize(
    "drawn",
    [
        lambda text: viz.grid(flat(0), labels=[text]),
        lambda text: viz.grid(flat(0), titles=[text]),
        lambda text: viz.strip(flat(0)[None], [0], labels=[text]),
        lambda text: viz.side_by_side(viz.grid(flat(0)), viz.grid(flat(0)), (text, "b")),
        lambda text: viz.captioned(flat(0), [text]),
    ],
    ids=["label", "title", "label of a strip", "side by side", "caption"],
)
def test_letters_that_pillows_own_font_lacks_are_drawn(drawn):
    pictures = {drawn(text).tobytes() for text in ("estimación", "estimaciún", "estimaci\uffffn")}
    assert len(pictures) == 3  # what stands for missing letters would make them equal


def test_other_texts_keep_pillows_own_font_also_on_two_lines():
    own = viz.ImageFont.load_default(13).getname()
    assert viz.font_for([], 13).getname() == viz.font_for(["side_facing", "two\nlines …"], 13).getname() == own
    assert viz.font_for(["belief", "ñ"], 13).getname() == ("DejaVu Sans", "Book")


def test_strip_wants_a_time_for_each_frame():
    with pytest.raises(ValueError, match="2 frames and 3 times"):
        viz.strip(torch.zeros(2, 1, 3, 16, 16), [1, 2, 3])


def test_side_by_side_has_both_pictures_under_their_titles():
    left, right = viz.grid(flat(-1), scale=3), viz.grid(flat(0), scale=3)
    both = np.asarray(viz.side_by_side(left, right, ("a", "b")))
    assert both.shape == (20 + 54, 54 + 40 + 54, 3)
    assert (both[20:, :54] == np.asarray(left)).all() and (both[20:, 94:] == np.asarray(right)).all()
    assert (both[:20, :54] != 255).any() and (both[:20, 94:] != 255).any() and (both[:, 60:90] == 255).all()


def test_gif_has_every_frame_true_colours_and_loops():
    frames = torch.stack([flat(v, b=4) for v in (-1, -0.5, 0, 0.5)])
    data = viz.gif(frames, columns=2, scale=2, seconds=2, hold=1)
    with Image.open(io.BytesIO(data)) as film:
        assert film.n_frames == 4 and film.info["loop"] == 0 and film.size == (70, 70)
        for i, byte in enumerate((0, 64, 128, 191)):
            film.seek(i)
            assert np.asarray(film.convert("RGB"))[10, 10].tolist() == [byte] * 3
            assert film.info["duration"] == (1500 if i == 3 else 500)
    assert data == viz.gif(frames, columns=2, scale=2, seconds=2, hold=1)


def some_sprites():
    """32 drawn sprites as a network makes them: every value a little off."""
    sprites = torch.from_numpy(load_sprites("held_out").images[::60][:32]).permute(0, 3, 1, 2) / 127.5 - 1
    return (sprites + 0.02 * torch.randn(sprites.shape, generator=torch.Generator().manual_seed(1))).clamp(-1, 1)


def film_of(sprites, count=8):
    """Noise that becomes the sprites."""
    noise = torch.randn(sprites.shape, generator=torch.Generator().manual_seed(0))
    return torch.stack([s * sprites + (1 - s) * noise for s in torch.linspace(0, 1, count)])


def seen(data, frame, mode="RGB"):
    """A frame as a viewer shows it, as numbers."""
    with Image.open(io.BytesIO(data)) as film:
        film.seek(frame)
        return np.asarray(film.convert(mode)).astype(int)


def test_gif_keeps_the_sprites_colours_beside_frames_of_noise():
    sprites = some_sprites()
    last = seen(viz.gif(film_of(sprites), columns=8, scale=1), 7)
    wanted = np.asarray(viz.grid(sprites, columns=8, scale=1)).astype(int)
    assert (last[:, 0] == 255).all() and abs(last - wanted).mean() < 2


def test_gif_has_one_palette_so_that_what_rests_does_not_flicker():
    """The second sprite rests in all frames, the first is noise."""
    sprites = some_sprites()[:2]
    frames = film_of(sprites)
    frames[:, 1] = sprites[1]
    data = viz.gif(frames, columns=2, scale=1)
    rests = [seen(data, k)[:, 18:] for k in range(8)]
    assert all((picture == rests[0]).all() for picture in rests)
    moves = [seen(data, k)[:, :18] for k in range(8)]
    assert all((a != b).any() for a, b in itertools.pairwise(moves))


def test_gif_is_written_without_warnings_and_does_not_change_its_frames(recwarn):
    frames = film_of(some_sprites())
    before = frames.clone()
    viz.gif(frames, background="transparent")
    assert not recwarn.list and torch.equal(frames, before)


def test_white_around_the_figures_is_told_from_white_in_them():
    image = np.full((1, 16, 16, 3), 250, np.uint8)
    image[0, 4:9, 4:9] = 0
    image[0, 5:8, 5:8] = 255  # an eye
    image[0, 0, 0] = (255, 231, 255)
    outside = viz.figures_outside(image)[0]
    assert not outside[4:9, 4:9].any() and not outside[0, 0] and outside.sum() == 256 - 25 - 1
    assert not viz.figures_outside(np.zeros((2, 16, 16, 3), np.uint8)).any()


@pytest.mark.parametrize(("background", "shown"), [("navy", (0, 0, 128, 255)), ("transparent", None)])
def test_gif_has_the_background_around_its_figures_at_the_end(background, shown):
    sprites = some_sprites()[:4]
    outside = viz.figures_outside(viz.to_uint8(sprites))
    data = viz.gif(film_of(sprites), columns=4, scale=1, background=background)
    shares = []
    for k in range(8):
        picture = seen(data, k, "RGBA")
        is_back = picture[..., 3] == 0 if shown is None else (picture == shown).all(-1)
        assert is_back[0].all() and is_back[:, 0].all() and is_back[:, 17].all()
        tiles = np.stack([is_back[1:17, 1 + 17 * i : 17 + 17 * i] for i in range(4)])
        assert not (tiles & ~outside).any()  # nothing in a figure, also not its white
        shares.append(tiles[outside].mean())
    assert shares[0] < 0.1 and shares == sorted(shares) and 0.4 < shares[4] < 1 and shares[7] == 1


def test_gif_shows_two_sets_of_frames_side_by_side():
    left, right = torch.stack([flat(-1, 2), flat(-0.5, 2)]), torch.stack([flat(0, 2), flat(0.5, 2)])
    data = viz.gif(left, columns=1, scale=2, beside=right)
    for k, (a, b) in enumerate(((0, 128), (64, 191))):
        picture = seen(data, k)
        assert picture.shape == (70, 2 * (18 + viz.PANEL_GAP + 18), 3)
        assert (picture[2:34, 2:34] == a).all() and (picture[36:68, -34:-2] == b).all() and (picture[:, 36:50] == 255).all()
    with pytest.raises(ValueError):
        viz.gif(left, beside=right[:1])


def test_pictures_that_are_too_large_are_refused():
    assert viz.sheet_size(5, columns=2, scale=3) == (3 * 35, 3 * 52)
    assert viz.sheet_size(5, columns=8, scale=1, side=32, panels=2) == (2 * 166 + viz.PANEL_GAP, 34)
    for n, columns, scale in ((3856, 1, 1), (3856, 3856, 1), (4096, 64, 8)):
        with pytest.raises(ValueError, match="is too large"):
            viz.sheet_size(n, columns, scale)
    assert viz.sheet_size(3854, 1, 1)[1] == 65_519
    with pytest.raises(ValueError, match="'nocolour' is no colour"):
        viz.gif([flat(0)], background="nocolour")


def test_grid_may_stand_on_another_background():
    sprites = some_sprites()[:4]
    plain, clear = np.asarray(viz.grid(sprites, scale=1)), np.asarray(viz.grid(sprites, scale=1, background="transparent"))
    assert clear.shape == (*plain.shape[:2], 4) and (clear[0, :, 3] == 0).all()
    figure = clear[..., 3] > 0
    outside = viz.figures_outside(viz.to_uint8(sprites))
    assert figure.sum() == (~outside).sum() and (clear[figure][:, :3] == plain[figure]).all()


def test_a_title_that_is_too_wide_is_written_smaller_and_does_not_run_into_the_next():
    pictures = torch.ones(2, 3, 16, 16)
    texts = {"short": ("fox", "cat"), "long": ("muñeco de nieve", "cat")}
    line = {name: np.asarray(viz.grid(pictures, columns=2, scale=5, titles=titles))[:20] for name, titles in texts.items()}
    height, gap = {}, slice(85, 88)  # the second column begins at 90
    for name, pixels in line.items():
        ink = (pixels < 128).any(axis=2)
        assert ink[:, 90:].any() and not ink[:, gap].any()
        height[name] = ink[:, 90:].any(axis=1).sum()
    assert height["long"] < height["short"]
