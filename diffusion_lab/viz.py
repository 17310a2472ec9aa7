"""Pictures: grids, strips, GIFs.

Pictures are float arrays or tensors (B, 3, H, W) in [-1, 1], or uint8 arrays (B, H, W, 3). [-1, 1] maps to [0, 255] and
clips; nothing is rescaled by its own minimum and maximum, which would hide errors.
"""

import io
from collections.abc import Sequence
from numbers import Integral
from pathlib import Path

import numpy as np
from matplotlib import get_data_path
from PIL import Image, ImageColor, ImageDraw, ImageFont
from PIL.PngImagePlugin import PngInfo

from .language import gettext
from .sprites import to_uint8

INK, PAPER, ACCENT = "#26324a", "#ffffff", "#d1495b"
MADE_BY = "diffusion_lab"  # in every PNG and GIF: other people's are not written over
BACKGROUND = 255  # the place in a GIF's palette of what lies around the figures
NEAR_WHITE = 232  # from here on, in all three channels, a made pixel passes for the white that sprites stand on
PANEL_GAP = 6  # sprite pixels between the two halves of a GIF
MOST_A_SIDE = 65_535  # a GIF counts its width and height with two bytes
MOST_PIXELS = 32_000_000  # a GIF of 32 such frames takes a gigabyte while it is made


def grid(
    images,
    columns: int = 8,
    scale: int = 4,
    labels: Sequence[str] = (),
    background: str = "white",
    titles: Sequence[str] = (),
) -> Image.Image:
    """The pictures in rows of `columns`, each pixel `scale` pixels wide, on white with a gap of one sprite pixel.

    labels: a text for each row, to stand at its left. titles: a text for each column, to stand above it.
    ValueError if there are not as many texts as rows or columns.
    background: as in `gif`, for what lies between the pictures, and for the white around their figures.
    """
    _check_sizes(columns, scale)
    pictures, paper = to_uint8(images), rgba(background)
    if background != "white":
        pictures = np.concatenate([pictures, np.full_like(pictures[..., :1], 255)], -1)
        pictures[figures_outside(pictures[..., :3])] = paper
    picture = _enlarge(_tile(pictures, columns, paper=paper[: pictures.shape[-1]]), scale)
    rows, columns = -(-len(pictures) // columns), min(columns, len(pictures))
    if titles and len(titles) != columns:
        wrong = gettext("There are {columns} columns and {titles} titles; the numbers must be equal.")
        raise ValueError(wrong.format(columns=columns, titles=len(titles)))
    picture = _labelled(picture, rows, labels, scale, font_for(labels, 13))
    if not titles:
        return picture
    pitch = (pictures.shape[2] + 1) * scale
    left = picture.width - columns * pitch  # the last column ends at the right border
    return _titled(picture, [(left + k * pitch, text) for k, text in enumerate(titles)])


def captioned(images, texts: Sequence[str], columns: int = 8, side: int = 96) -> Image.Image:
    """Pictures with a text below each, which is cut off where it is too long. ValueError if the numbers are not equal."""
    pictures = to_uint8(images)
    if len(pictures) != len(texts):
        raise ValueError(f"There are {len(pictures)} pictures and {len(texts)} texts; the numbers must be equal.")
    scale, font, gap, line = max(1, side // pictures.shape[1]), font_for(texts, 11), 8, 16
    width, height = max(side, scale * pictures.shape[2]) + gap, scale * pictures.shape[1] + line + gap
    columns = min(columns, len(pictures))
    out = Image.new("RGB", (gap + columns * width, gap + -(-len(pictures) // columns) * height), "#dde1e7")
    for k, (picture, text) in enumerate(zip(pictures, texts, strict=True)):
        x, y = gap + k % columns * width, gap + k // columns * height
        out.paste(_enlarge(picture, scale), (x, y))
        while text and font.getlength(text) > width - 4:
            text = text.removesuffix("…")[:-1] + "…" if len(text) > 2 else ""
        ImageDraw.Draw(out).text((x, y + height - line - gap + 2), text, fill=INK, font=font)
    return out


def strip(frames, times: Sequence[int], count: int = 10, scale: int = 4, labels: Sequence[str] = ()) -> Image.Image:
    """`count` moments of a trajectory, from left to right, one row for each picture, the times above.

    frames: (F, B, 3, H, W); times: F numbers. The moments are equally spaced and include the first and the last.
    labels: as in `grid`. ValueError if there are not as many times as frames.
    """
    _check_sizes(count, scale)
    if not len(frames) or len(times) != len(frames):
        wrong = gettext("There are {frames} frames and {times} times; the numbers must be equal.")
        raise ValueError(wrong.format(frames=len(frames), times=len(times)))
    picks = np.linspace(0, len(frames) - 1, min(count, len(frames))).round().astype(int)
    moments = np.stack([to_uint8(frames[i]) for i in picks], axis=1)  # (B, count, H, W, 3)
    rows = _enlarge(_tile(moments.reshape(-1, *moments.shape[2:]), len(picks)), scale)
    pitch = (moments.shape[3] + 1) * scale
    labelled = _labelled(rows, len(moments), labels, scale, font_for(labels, 13))
    left = labelled.width - rows.width + scale
    titles = [(left + i * pitch, f"t = {times[k]}" if pitch > 60 else f"{times[k]}") for i, k in enumerate(picks)]
    return _titled(labelled, titles)


def side_by_side(left: Image.Image, right: Image.Image, titles: tuple[str, str]) -> Image.Image:
    """Two pictures with a title above each."""
    gap = 40
    both = Image.new("RGB", (left.width + gap + right.width, max(left.height, right.height)), PAPER)
    both.paste(left, (0, 0))
    both.paste(right, (left.width + gap, 0))
    return _titled(both, [(4, titles[0]), (left.width + gap + 4, titles[1])])


def gif(
    frames,
    columns: int = 8,
    scale: int = 4,
    seconds: float = 3.0,
    hold: float = 1.5,
    background: str = "white",
    beside=(),
) -> bytes:
    """An animated GIF that loops for ever. frames: (F, B, 3, H, W). seconds: of movement; hold: on the last frame.

    beside: nothing, or as many frames of as many pictures, which are shown at the right of the others.
    background: a colour (a name or "#rrggbb") or "transparent", for what lies between the sprites, and for what will be white
    around the figures of the last frame: the noise there dissolves into it pixel by pixel, and white from the border at once.

    All frames share one palette, so that no colour flickers. Four fifths of it are the last frame's colours, which are
    looked at longest; the noise shares the rest. Nothing is dithered. Equal frames in a row become one that lasts longer.
    ValueError for an unknown colour, and for more pixels than a GIF can hold.
    """
    _check_sizes(columns, scale)
    if not len(frames) or (len(beside) and len(beside) != len(frames)):
        wrong = gettext("There are {frames} frames and {beside} beside them: give at least one, and as many beside.")
        raise ValueError(wrong.format(frames=len(frames), beside=len(beside)))
    if not 0 < seconds <= 600 or not 0 <= hold <= 600:
        wrong = gettext("seconds must be above 0 and hold from 0, both at most 600, not {seconds!r} and {hold!r}.")
        raise ValueError(wrong.format(seconds=seconds, hold=hold))
    panels = (frames, beside) if len(beside) else (frames,)
    pictures = [np.concatenate([to_uint8(panel) for panel in moment]) for moment in zip(*panels, strict=True)]
    sheet_size(len(frames[-1]), columns, scale, pictures[-1].shape[1], len(panels))
    colours = _shared_palette(pictures)
    palette = Image.new("P", (1, 1))
    # Pillow drops two bits of what it looks up: without the 1 white would become the nearest gray. The last colour is the
    # background's, with which nothing may be drawn, so it stands there as white a second time.
    palette.putpalette(bytes(max(value - 1, 0) for value in colours + colours[:3]))
    outside = figures_outside(pictures[-1]) if background != "white" else np.zeros(pictures[-1].shape[:3], bool)
    turn = np.random.default_rng(0).random(outside.shape) ** 2  # when, from 0 to 1, each pixel dissolves: most of them early
    sheets = []
    for i, picture in enumerate(pictures):
        flat = Image.fromarray(picture.reshape(-1, *picture.shape[2:]))
        index = np.asarray(flat.quantize(palette=palette, dither=Image.Dither.NONE)).reshape(outside.shape).copy()
        if outside.any():
            share = 1 if i == len(pictures) - 1 else i / len(pictures)
            index[outside & ((turn < share) | figures_outside(picture))] = BACKGROUND
        tiles = [_tile(part, columns, paper=(BACKGROUND,)) for part in np.split(index[..., None], len(panels))]
        gap = np.full((len(tiles[0]), PANEL_GAP, 1), BACKGROUND, np.uint8)
        row = [tiles[0], *(part for tile in tiles[1:] for part in (gap, tile))]
        sheet = _enlarge(np.concatenate(row, 1)[..., 0], scale)
        sheet.putpalette(colours + bytes(rgba(background)[:3]))
        sheets.append(sheet)
    pause = max(20, round(1000 * seconds / len(sheets) / 10) * 10)  # GIF counts in hundredths of a second
    file = io.BytesIO()
    sheets[0].save(
        file,
        "GIF",
        save_all=True,
        append_images=sheets[1:],
        duration=[pause] * (len(sheets) - 1) + [pause + round(1000 * hold)],
        loop=0,
        comment=MADE_BY.encode(),
        optimize=False,  # it would look for colours that no pixel has, in each frame
        **({"transparency": BACKGROUND, "disposal": 2} if background == "transparent" else {}),
    )
    return file.getvalue()


def sheet_size(n: int, columns: int, scale: int, side: int = 16, panels: int = 1) -> tuple[int, int]:
    """Width and height in pixels of a grid of n sprites of `side` pixels, or of `panels` of them side by side.

    ValueError if that is more than a GIF or PNG should have.
    """
    columns = min(columns, n)
    width, height = (scale * (count * (side + 1) + 1) for count in (columns, -(-n // columns)))
    width = panels * width + (panels - 1) * scale * PANEL_GAP
    if max(width, height) > MOST_A_SIDE or width * height > MOST_PIXELS:
        wrong = gettext(
            "A picture of {width:,}×{height:,} pixels is too large (at most {side:,} a side and {millions} million in all): "
            "ask for fewer sprites, a smaller scale, or other columns."
        )
        raise ValueError(wrong.format(width=width, height=height, side=MOST_A_SIDE, millions=MOST_PIXELS // 10**6))
    return width, height


def figures_outside(images: np.ndarray) -> np.ndarray:
    """The white around the figures, not the white in them: (B, H, W) bool for uint8 images (B, H, W, 3).

    It is what a flood of near-white pixels reaches from the border.
    """
    white = (images >= NEAR_WHITE).all(-1)
    border = np.zeros_like(white)
    border[:, [0, -1]] = border[:, :, [0, -1]] = True
    found, reached = None, white & border
    while not np.array_equal(found, reached):
        found = reached.copy()
        reached[:, 1:] |= found[:, :-1]
        reached[:, :-1] |= found[:, 1:]
        reached[:, :, 1:] |= found[:, :, :-1]
        reached[:, :, :-1] |= found[:, :, 1:]
        reached &= white
    return reached


def rgba(colour: str) -> tuple[int, int, int, int]:
    """A colour's name, "#rrggbb" or "transparent" as four numbers from 0 to 255. ValueError for others."""
    if colour == "transparent":
        return 255, 255, 255, 0
    try:
        return (*ImageColor.getrgb(colour)[:3], 255)
    except ValueError as error:
        wrong = gettext('{colour!r} is no colour: give a name ("navy"), "#rrggbb" or "transparent".')
        raise ValueError(wrong.format(colour=colour)) from error


def png(picture: Image.Image) -> bytes:
    """A Pillow image as PNG bytes."""
    file = io.BytesIO()
    info = PngInfo()
    info.add_text("Software", MADE_BY)
    picture.save(file, "PNG", optimize=True, pnginfo=info)
    return file.getvalue()


def _check_sizes(columns: int, scale: int):
    """ValueError if one is not a whole number from 1."""
    for name, value in (("columns", columns), ("scale", scale)):
        if isinstance(value, bool) or not isinstance(value, Integral) or value < 1:
            raise ValueError(gettext("{name} must be a whole number from 1, not {value!r}.").format(name=name, value=value))


def _tile(images: np.ndarray, columns: int, gap: int = 1, paper: tuple[int, ...] = (255, 255, 255)) -> np.ndarray:
    """(B, H, W, C) to one picture, sprites in reading order, `gap` pixels of `paper` between and around them."""
    b, h, w, channels = images.shape
    columns = max(1, min(columns, b))
    sheet = np.empty((gap + -(-b // columns) * (h + gap), gap + columns * (w + gap), channels), np.uint8)
    sheet[:] = paper
    for k, image in enumerate(images):
        y, x = gap + k // columns * (h + gap), gap + k % columns * (w + gap)
        sheet[y : y + h, x : x + w] = image
    return sheet


def _shared_palette(pictures: list[np.ndarray]) -> bytes:
    """255 colours for all frames: white, 200 of the last one, and 54 of the others, of which some ten are asked."""
    others = pictures[-2 :: -max(1, len(pictures) // 10)]
    colours = b"\xff\xff\xff"
    for part, count, method, rounds in (
        (pictures[-1:], 200, Image.Quantize.MAXCOVERAGE, 1),
        (others, 54, Image.Quantize.FASTOCTREE, 0),
    ):
        if part:
            pixels = np.concatenate(part)
            flat = Image.fromarray(pixels.reshape(-1, *pixels.shape[2:]))
            colours += bytes(flat.quantize(count, method, kmeans=rounds).getpalette("RGB")[: 3 * count])
    return colours.ljust(3 * BACKGROUND, b"\xff")


def font_for(texts: Sequence[str], size: int) -> ImageFont.FreeTypeFont:
    """The font to write all these texts in: Pillow's own, or matplotlib's, as wide, where that lacks a letter, as "ó"."""
    own = ImageFont.load_default(size)
    lacking = bytes(own.getmask("\uffff"))  # never a letter: what stands for those that a font lacks
    if not any(bytes(own.getmask(letter)) == lacking for letter in set("".join(texts)) if not letter.isspace()):
        return own
    return ImageFont.truetype(str(Path(get_data_path(), "fonts", "ttf", "DejaVuSans.ttf")), size - 1)


def _labelled(picture: Image.Image, rows: int, labels: Sequence[str], scale: int, font: ImageFont.FreeTypeFont) -> Image.Image:
    """The picture of so many rows with a text at the left of each; as it is without texts. ValueError if they do not match."""
    if not labels:
        return picture
    if len(labels) != rows:
        wrong = gettext("There are {rows} rows and {labels} labels; the numbers must be equal.")
        raise ValueError(wrong.format(rows=rows, labels=len(labels)))
    margin = 8 + max(int(font.getlength(text)) for text in labels)
    out = Image.new("RGB", (margin + picture.width, picture.height), PAPER)
    out.paste(picture, (margin, 0))
    pitch = (picture.height - scale) // rows
    for i, text in enumerate(labels):
        ImageDraw.Draw(out).text((margin - 6, scale + i * pitch + pitch // 2), text, fill=INK, font=font, anchor="rm")
    return out


def _titled(picture: Image.Image, titles: list[tuple[int, str]]) -> Image.Image:
    """The picture with a line of text above it, each title at its x: smaller, where one would run into the next."""
    ends = [*(x - 4 for x, _ in titles[1:]), picture.width]
    for size in range(13, 7, -1):
        font = font_for([text for _, text in titles], size)
        if all(x + font.getlength(text) <= end for (x, text), end in zip(titles, ends, strict=True)):
            break
    out = Image.new("RGB", (picture.width, picture.height + 20), PAPER)
    out.paste(picture, (0, 20))
    for x, text in titles:
        ImageDraw.Draw(out).text((x, 16), text, fill=INK, font=font, anchor="ls")
    return out


def _enlarge(a: np.ndarray, scale: int) -> Image.Image:
    return Image.fromarray(a.repeat(scale, 0).repeat(scale, 1))
