"""The sprite set: its pictures, classes, kinds and words, and the rule that names colours."""

import json
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from .language import gettext

CLASSES = ("hero", "non_hero", "food", "spell", "side_facing")  # the order of the context vector
SIZE = 16
HELD_OUT = 10  # every tenth sprite of a sheet (9, 19, 29, ...) is held out of training
SPLITS = ("train", "held_out", "unseen", "all")
# How much a pixel counts for a sprite's colour: outside, wood, steel, linen and bare skin are noticed less than paint.
ATTENTION = {"brown": 0.6, "black": 0.5, "gray": 0.45, "white": 0.45}
SECOND = 0.42  # a second colour is named where it counts this part of the first
# fmt: off
_TO_CONES = np.array([[0.4122214708, 0.5363325363, 0.0514459929],
                      [0.2119034982, 0.6806995451, 0.1073969566],
                      [0.0883024619, 0.2817188376, 0.6299787005]])
_TO_LAB = np.array([[0.2104542553, 0.7936177850, -0.0040720468],
                    [1.9779984951, -2.4285922050, 0.4505937099],
                    [0.0259040371, 0.7827717662, -0.8086757660]])
# fmt: on


class Sprites(NamedTuple):
    """images: (N, 16, 16, 3) uint8. contexts: (N, 5) float32, one-hot in the order of CLASSES, or zeros if unknown."""

    images: np.ndarray
    contexts: np.ndarray


def packaged_file(folder: str, name: str) -> Path:
    """The path of a file that comes with the package: folder is "data" or "weights".

    In a wheel both folders lie inside the package, in a checkout beside it. FileNotFoundError if it is in neither.
    """
    here = Path(__file__).parent
    for base in (here, here.parent):
        if (base / folder / name).is_file():
            return base / folder / name
    wrong = gettext("{path} is missing: install the package again, or take a fresh copy of the repository.")
    raise FileNotFoundError(wrong.format(path=f"{folder}/{name}"))


def load_sprites(split: str = "train") -> Sprites:
    """The project's own sprites, class by class, with one-hot classes as contexts.

    split: "train" and "held_out" (every tenth), both without "unseen", the sprites of a few pairs of kind and colour that are
    kept out of training, so that one can measure whether words combine; or "all".
    Raises ValueError for another split, FileNotFoundError if a sheet is missing.
    """
    about = _about()
    images = np.concatenate([_sheet(name, about["classes"][name]["sprites"]) for name in CLASSES])
    classes = np.repeat(np.arange(len(CLASSES)), [about["classes"][name]["sprites"] for name in CLASSES])
    rows = _part(split, about)
    return Sprites(images[rows], np.eye(len(CLASSES), dtype=np.float32)[classes[rows]])


def load_kinds(split: str = "train") -> tuple[np.ndarray, list[str]]:
    """The kind of each sprite of `load_sprites(split)`: (N,) int64, and the kinds' names ("hero: knight", ...).

    A sheet shows its kinds one after the other, the same number of each. Errors as `load_sprites`.
    """
    about = _about()
    kinds, names = _kinds(about)
    return kinds[_part(split, about)], names


def load_words(split: str = "train") -> tuple[np.ndarray, tuple[str, ...]]:
    """The words of each sprite of `load_sprites(split)`: (N, V) float32, ones and zeros, and the V words.

    The words are the classes, then the kinds, then the colours. A sprite has its class, its kind, and one or two colours;
    some pale ghosts have none. A kind's name that stands in two classes ("knight") is one word. Errors as `load_sprites`.
    """
    about = _about()
    contexts, words = _words_of_all()
    return contexts[_part(split, about)], words


def unseen_pairs() -> list[tuple[str, str]]:
    """The pairs of kind and colour that are kept out of training."""
    return [tuple(pair) for pair in _about()["unseen"]]


def colours(images: np.ndarray, palette: dict[str, str] | None = None) -> tuple[np.ndarray, tuple[str, ...]]:
    """Which colours a person would name: (N, 11) bool, at most two true in each row, and the eleven words.

    images: (N, H, W, 3) uint8, figures on white. Each pixel takes the word of the nearest tone of the set's palette in OKLab
    (Ottosson 2020); those that name none, as outlines, are passed over. A second colour is named where there is enough of it.
    palette: {word: its tones as hexadecimal RGB}, "" for those that name none; None for the set's own.
    """
    palette = _about()["palette"] if palette is None else palette
    words = tuple(word for word in palette if word)
    tones = [(words.index(word) if word else -1, bytes.fromhex(tone)) for word in palette for tone in palette[word].split()]
    owner = np.array([word for word, _ in tones])
    weight = np.array([ATTENTION.get(word, 1.0) for word in words])
    packed = images.reshape(-1, 3).astype(np.int64) @ (1 << 16, 1 << 8, 1)
    packed, index = np.unique(packed, return_inverse=True)  # each colour once: a palette has few
    values = np.stack([packed >> 16, packed >> 8 & 255, packed & 255], 1)
    parts = np.array_split(values, 1 + len(values) // 10_000)  # all at once would want much memory
    nearest = np.concatenate([_nearest(part, np.array([list(tone) for _, tone in tones])) for part in parts])
    word = np.where((values > 250).all(1), -1, owner[nearest])
    counts = weight * (word[:, None] == np.arange(len(words)))
    counts = counts[index.reshape(-1)].reshape(len(images), -1, len(words)).sum(1)
    order = np.argsort(-counts, axis=1, kind="stable")
    first, second = np.take_along_axis(counts, order[:, :2], 1).T
    found = np.zeros(counts.shape, bool)
    found[np.arange(len(images)), order[:, 0]] = first > 0
    found[np.arange(len(images)), order[:, 1]] = second > SECOND * first
    return found, words


def to_tensors(sprites: Sprites) -> tuple[Tensor, Tensor]:
    """What networks take: images (N, 3, 16, 16) float32 in [-1, 1], contexts (N, 5) float32."""
    images = torch.from_numpy(np.ascontiguousarray(sprites.images)).permute(0, 3, 1, 2).contiguous()
    return images.float() / 127.5 - 1, torch.from_numpy(np.ascontiguousarray(sprites.contexts))


def to_uint8(images) -> np.ndarray:
    """(B, 3, H, W) in [-1, 1], or grey (B, 1, H, W), of any floating type, to (B, H, W, 3) uint8; uint8 (B, H, W, 3) passes.

    ValueError for other shapes and types, for no pictures, and for numbers that are not finite.
    """
    if isinstance(images, Tensor):
        images = images.detach().cpu()
        images = images.float() if images.is_floating_point() else images  # NumPy knows no bfloat16
        a = images.numpy()
    else:
        a = np.asarray(images)
    if a.dtype == np.uint8 and a.ndim == 4 and a.shape[-1] == 3 and a.size:
        return a
    if a.ndim != 4 or a.shape[1] not in (1, 3) or a.dtype.kind != "f" or not a.size:
        wrong = gettext("pictures must be (B, 3, H, W) in [-1, 1] or uint8 (B, H, W, 3), not {kind} {shape}.")
        raise ValueError(wrong.format(kind=a.dtype, shape=a.shape))
    if not np.isfinite(a).all():
        raise ValueError(gettext("some pixels are not finite numbers: look at the network or the sampler that made them."))
    levels = np.floor(np.clip((a.astype(np.float64) + 1) * 127.5, 0, 255) + 0.5).astype(np.uint8).transpose(0, 2, 3, 1)
    return levels if a.shape[1] == 3 else levels.repeat(3, axis=3)


def _sheet(name: str, sprites: int) -> np.ndarray:
    """The first tiles of one of the set's own sheets, row by row: (N, 16, 16, 3) uint8."""
    with Image.open(packaged_file("data", f"{name}.png")) as picture:
        a = np.asarray(picture.convert("RGB"))
    tiles = a.reshape(a.shape[0] // SIZE, SIZE, a.shape[1] // SIZE, SIZE, 3).swapaxes(1, 2)
    return tiles.reshape(-1, SIZE, SIZE, 3)[:sprites].copy()


@cache
def _about() -> dict:
    """What sprites.json says of the set."""
    return json.loads(packaged_file("data", "sprites.json").read_text())


def _kinds(about: dict) -> tuple[np.ndarray, list[str]]:
    """The kind of each sprite of the whole set, (N,) int64, and the kinds' names."""
    labels, names = [], []
    for name in CLASSES:
        kinds, sprites = about["classes"][name]["kinds"], about["classes"][name]["sprites"]
        labels.append(np.arange(sprites) * len(kinds) // sprites + len(names))
        names += [f"{name}: {kind}" for kind in kinds]
    return np.concatenate(labels), names


@cache
def _words_of_all() -> tuple[np.ndarray, tuple[str, ...]]:
    """The words of each sprite of the whole set, (N, V), and the words."""
    about = _about()
    kinds, names = _kinds(about)
    words = (*CLASSES, *dict.fromkeys(name.split(": ")[1] for name in names), *about["colours"].values())
    contexts = np.zeros((len(kinds), len(words)), np.float32)
    for k, name in enumerate(names):
        contexts[np.ix_(kinds == k, [words.index(word) for word in name.split(": ")])] = 1
    letters = " ".join(about["classes"][name]["colours"] for name in CLASSES).split()
    for letter, word in about["colours"].items():
        contexts[:, words.index(word)] = [letter in of_one for of_one in letters]
    return contexts, words


def _part(split: str, about: dict) -> np.ndarray:
    """Which of all sprites belong to a split: (N,) bool."""
    if split not in SPLITS:
        wrong = gettext("{name} must be one of {known}, not {value!r}.")
        raise ValueError(wrong.format(name="split", known=", ".join(SPLITS), value=split))
    n = sum(about["classes"][name]["sprites"] for name in CLASSES)
    if split == "all":
        return np.ones(n, bool)
    contexts, words = _words_of_all()
    unseen = np.zeros(n, bool)
    for pair in unseen_pairs():
        unseen |= contexts[:, [words.index(word) for word in pair]].all(1)
    # every sheet has a multiple of ten sprites, so that counting over all is counting in each
    held_out = np.arange(n) % HELD_OUT == HELD_OUT - 1
    return unseen if split == "unseen" else ~unseen & (held_out == (split == "held_out"))


def _nearest(rgb: np.ndarray, tones: np.ndarray) -> np.ndarray:
    """Which of `tones` (T, 3) looks nearest to each of `rgb` (N, 3), both 8-bit: (N,)."""
    a, b = _oklab(rgb), _oklab(tones)
    return ((a[:, None] - b) ** 2).sum(2).argmin(1)


def _oklab(rgb: np.ndarray) -> np.ndarray:
    """8-bit sRGB (N, 3) in OKLab (Ottosson 2020), where equal distances look equal."""
    c = rgb / 255
    linear = np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)
    cones = np.cbrt(linear @ _TO_CONES.T)
    return cones @ _TO_LAB.T
