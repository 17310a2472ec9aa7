"""Pictures of other people, opened: PNG, JPG, WebP, BMP and GIF as pixels with transparency, frame by frame.

What cannot be read is told apart, each in a sentence of its own: empty, damaged, no picture at all, too large.
"""

import warnings
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, UnidentifiedImageError

from .language import gettext

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif")
FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "GIF")  # no other decoder is started: a few are a danger with unknown files
MOST_PIXELS = 1 << 25  # of one file, all frames together: 130,000 tiles of 16×16
BEGINNINGS = (b"\x89PNG", b"\xff\xd8\xff", b"RIFF", b"BM", b"GIF8")


class Picture(NamedTuple):
    """One file that was opened. frames: arrays (H, W, 4) uint8, colour and opacity, at least one. note: what was converted."""

    frames: list[np.ndarray]
    note: str


def open_picture(path: Path) -> Picture:
    """All frames of a picture file. ValueError or OSError, in one sentence that names the file, if it cannot be read."""
    try:
        with open(path, "rb") as file:
            head = file.read(16)
    except OSError as error:
        raise OSError(gettext("{path} could not be opened ({reason}).").format(path=path, reason=error.strerror)) from error
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns of large pictures; sizes are looked at here
            with Image.open(path, formats=FORMATS) as picture:
                count = 1 if picture.format == "MPO" else getattr(picture, "n_frames", 1)
                _check_size(path, picture.size, count)
                wide = picture.mode[0] == "I"
                note = gettext("16 bits a pixel, read as 8") if wide else ""
                return Picture([_pixels(picture, k) for k in range(count)], note)
    except TooLarge:
        raise
    except Image.DecompressionBombError as error:
        wrong = gettext("{path} is too large to hold sprites: cut it into several files.")
        raise TooLarge(wrong.format(path=path)) from error
    except Exception as error:  # Pillow raises a dozen kinds of errors for broken and foreign files
        raise ValueError(f"{path} {_what_is_wrong(head, error)}.") from error


class TooLarge(ValueError):
    """A picture has more pixels than sheets of sprites have."""


def _check_size(path: Path, size: tuple[int, int], frames: int):
    width, height = size
    if width * height * frames > MOST_PIXELS:
        wrong = gettext(
            "{path} is {width:,}×{height:,} pixels{frames}, which is too large to hold sprites; "
            "at most {most} million pixels: cut it into several files."
        )
        of = gettext(" in {n} frames").format(n=frames) if frames > 1 else ""
        raise TooLarge(wrong.format(path=path, width=width, height=height, frames=of, most=MOST_PIXELS // 10**6))


def _pixels(picture: Image.Image, frame: int) -> np.ndarray:
    if frame:
        picture.seek(frame)
    if picture.mode[0] == "I":  # 16 bits of gray
        gray = (np.asarray(picture).astype(np.int64).clip(0, 65535) / 257).round().astype(np.uint8)
        return np.dstack([gray, gray, gray, np.full_like(gray, 255)])
    if picture.mode in ("CMYK", "YCbCr", "LAB", "HSV"):
        return np.array(picture.convert("RGB").convert("RGBA"))
    return np.array(picture.convert("RGBA"))


def _what_is_wrong(head: bytes, error: Exception) -> str:
    if not head:
        return gettext("is empty")
    if head[4:6] == b"\xe0\xa5":
        return gettext("is a file of Aseprite's own: export it as PNG, with its JSON")
    if isinstance(error, UnidentifiedImageError) and not head.startswith(BEGINNINGS):
        return gettext("is no PNG, JPG, WebP, BMP or GIF")
    return gettext("is damaged, or its end is missing")
