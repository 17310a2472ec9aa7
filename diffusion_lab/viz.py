"""Pictures: grids, strips and GIFs.

Pictures are float arrays or tensors (B, 3, H, W) in [-1, 1], or uint8 arrays (B, H, W, 3). [-1, 1] maps to [0, 255] and
clips; nothing is rescaled by its own minimum and maximum, which would hide errors.
"""

import io
from collections.abc import Sequence

import numpy as np
from PIL import GifImagePlugin, Image, ImageDraw, ImageFont

from .sprites import to_uint8

INK, PAPER, ACCENT = "#26324a", "#ffffff", "#d1495b"


def grid(images, columns: int = 8, scale: int = 4, labels: Sequence[str] = ()) -> Image.Image:
    """The pictures in rows of `columns`, each pixel `scale` pixels wide, on white with a gap of one sprite pixel.

    labels: a text for each row, to stand at its left; ValueError if there are not as many texts as rows.
    """
    pictures = to_uint8(images)
    picture = _enlarge(_tile(pictures, columns), scale)
    if not labels:
        return picture
    rows = -(-len(pictures) // columns)
    if len(labels) != rows:
        raise ValueError(f"There are {rows} rows and {len(labels)} labels; the numbers must be equal.")
    font = ImageFont.load_default(13)
    margin = 8 + max(int(font.getlength(text)) for text in labels)
    out = Image.new("RGB", (margin + picture.width, picture.height), PAPER)
    out.paste(picture, (margin, 0))
    pitch = (picture.height - scale) // rows
    for i, text in enumerate(labels):
        ImageDraw.Draw(out).text((margin - 6, scale + i * pitch + pitch // 2), text, fill=INK, font=font, anchor="rm")
    return out


def strip(frames, times: Sequence[int], count: int = 10, scale: int = 4) -> Image.Image:
    """`count` moments of a trajectory, from left to right, one row for each picture, the times above.

    frames: (F, B, 3, H, W); times: F numbers. The moments are equally spaced and include the first and the last.
    ValueError if there are not as many times as frames.
    """
    if len(times) != len(frames):
        raise ValueError(f"There are {len(frames)} frames and {len(times)} times; the numbers must be equal.")
    picks = np.linspace(0, len(frames) - 1, min(count, len(frames))).round().astype(int)
    moments = np.stack([to_uint8(frames[i]) for i in picks], axis=1)  # (B, count, H, W, 3)
    rows = _enlarge(_tile(moments.reshape(-1, *moments.shape[2:]), len(picks)), scale)
    pitch = (moments.shape[3] + 1) * scale
    return _titled(rows, [(scale + i * pitch, f"t = {times[k]}" if pitch > 60 else f"{times[k]}") for i, k in enumerate(picks)])


def side_by_side(left: Image.Image, right: Image.Image, titles: tuple[str, str]) -> Image.Image:
    """Two pictures with a title above each."""
    gap = 40
    both = Image.new("RGB", (left.width + gap + right.width, max(left.height, right.height)), PAPER)
    both.paste(left, (0, 0))
    both.paste(right, (left.width + gap, 0))
    return _titled(both, [(4, titles[0]), (left.width + gap + 4, titles[1])])


def gif(frames, columns: int = 8, scale: int = 4, seconds: float = 3.0, hold: float = 1.5) -> bytes:
    """An animated GIF that loops for ever. frames: (F, B, 3, H, W). seconds: of movement; hold: on the last frame.

    Each frame has its own palette of 256 colours: one for all would be spent on the noise. Colours are not dithered. The
    last frame, which is looked at longest, is quantised more carefully.
    """
    pictures = []
    for i, frame in enumerate(frames):
        method = Image.Quantize.MEDIANCUT if i == len(frames) - 1 else Image.Quantize.FASTOCTREE
        small = Image.fromarray(_tile(to_uint8(frame), columns)).quantize(256, method, dither=Image.Dither.NONE)
        pictures.append(small.resize((small.width * scale, small.height * scale), Image.Resampling.NEAREST))
    pause = max(20, round(1000 * seconds / len(pictures) / 10) * 10)  # GIF counts in hundredths of a second
    durations = [pause] * (len(pictures) - 1) + [pause + round(1000 * hold)]
    # Image.save would compare each frame with the one before, a third of its time, to leave out what stays: here nothing does
    parts = GifImagePlugin.getheader(pictures[0], info={"loop": 0, "optimize": False})[0]
    for i, (picture, duration) in enumerate(zip(pictures, durations, strict=True)):
        parts += GifImagePlugin.getdata(picture, duration=duration, include_color_table=i > 0)  # the header has the first one
    return b"".join(parts) + b";"


def png(picture: Image.Image) -> bytes:
    """A Pillow image as PNG bytes."""
    file = io.BytesIO()
    picture.save(file, "PNG", optimize=True)
    return file.getvalue()


def _tile(images: np.ndarray, columns: int, gap: int = 1) -> np.ndarray:
    """(B, H, W, 3) to one picture, sprites in reading order, `gap` white pixels between and around them."""
    b, h, w, _ = images.shape
    columns = max(1, min(columns, b))
    rows = -(-b // columns)
    tiles = np.full((rows * columns, h + gap, w + gap, 3), 255, np.uint8)
    tiles[:b, gap:, gap:] = images
    sheet = tiles.reshape(rows, columns, h + gap, w + gap, 3).swapaxes(1, 2).reshape(rows * (h + gap), columns * (w + gap), 3)
    return np.pad(sheet, ((0, gap), (0, gap), (0, 0)), constant_values=255)


def _titled(picture: Image.Image, titles: list[tuple[int, str]]) -> Image.Image:
    """The picture with a line of text above it, each title at its x."""
    out = Image.new("RGB", (picture.width, picture.height + 20), PAPER)
    out.paste(picture, (0, 20))
    for x, text in titles:
        ImageDraw.Draw(out).text((x, 3), text, fill=INK, font=ImageFont.load_default(13))
    return out


def _enlarge(a: np.ndarray, scale: int) -> Image.Image:
    return Image.fromarray(a.repeat(scale, 0).repeat(scale, 1))
