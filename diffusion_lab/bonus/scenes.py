"""Scenes of one to three objects out of 24, as a laboratory exercise on i-CLEVR has them: labels, lists, folders of pictures.

The project's own scenes are drawn by data/scenes/draw.py; `--folder` writes them in the same form.
"""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from ..language import gettext

SHAPES = ("cube", "sphere", "cylinder")
COLOURS = ("gray", "red", "blue", "green", "brown", "purple", "cyan", "yellow")
LABELS = tuple(f"{colour} {shape}" for shape in SHAPES for colour in COLOURS)  # the order of the exercise's objects.json
SIZE = 64


class Scenes(NamedTuple):
    """images: (N, 64, 64, 3) uint8. labels: (N, 24) float32, ones and zeros in the order of LABELS. names: the N files."""

    images: np.ndarray
    labels: np.ndarray
    names: list[str]


def label_vector(names: Iterable[str]) -> np.ndarray:
    """(24,) float32: one for each object that is named ("red sphere"), zero for the others. ValueError for another name."""
    vector = np.zeros(len(LABELS), np.float32)
    for name in _checked(names, gettext("the names")):
        vector[LABELS.index(name)] = 1
    return vector


def load_lists(path: str | Path) -> list[list[str]]:
    """The lists of names in a file such as test.json: [["red sphere", "gray cube"], ...].

    Raises FileNotFoundError, or ValueError if it holds anything else; one sentence each.
    """
    content = _load_json(Path(path))
    if not isinstance(content, list):
        told = gettext("{path} holds no list: it must hold lists of names, such as [['red sphere', 'gray cube']].")
        raise ValueError(told.format(path=path))
    return [_checked(names, path) for names in content]


def load_scenes(folder: str | Path, split: str = "train") -> Scenes:
    """The pictures that a folder's SPLIT.json names, {file name: [names of objects]}, in its order.

    folder: what holds the pictures, or what holds them in a folder `iclevr`; the JSON files lie with the pictures or one folder
    above. Pictures of any size are squashed to 64×64, not cropped, as the exercise does it: its 320×240 become square.
    Transparent pixels become white. 18,009 pictures of 320×240 take a minute or two.
    Raises FileNotFoundError if a file is missing; ValueError if one cannot be read, names another object, or if objects.json
    numbers the objects in another order than LABELS.
    """
    folder = Path(folder)
    pictures = folder / "iclevr" if (folder / "iclevr").is_dir() else folder
    places = (pictures, pictures.parent)
    objects = next((place / "objects.json" for place in places if (place / "objects.json").is_file()), None)
    if objects and _load_json(objects) != {name: index for index, name in enumerate(LABELS)}:
        told = gettext("{objects} numbers the objects otherwise than LABELS: take the exercise's file, or leave it out.")
        raise ValueError(told.format(objects=objects))
    listing = next((place / f"{split}.json" for place in places if (place / f"{split}.json").is_file()), None)
    if listing is None:
        told = gettext("{pictures} has no {split}.json, nor has the folder above: put the exercise's file there.")
        raise FileNotFoundError(told.format(pictures=pictures, split=split))
    content = _load_json(listing)
    if not isinstance(content, dict) or not content:
        told = gettext("{listing} names no pictures: it must hold {{file name: [names of objects]}}.")
        raise ValueError(told.format(listing=listing))
    labels = np.stack([label_vector(_checked(names, listing)) for names in content.values()])
    missing = [name for name in content if not (pictures / name).is_file()]
    if missing:
        told = gettext("{pictures} lacks {count} of {all} pictures, the first is {first}: unpack it again.")
        raise FileNotFoundError(told.format(pictures=pictures, count=len(missing), all=len(content), first=missing[0]))
    images = np.empty((len(content), SIZE, SIZE, 3), np.uint8)
    for image, name in zip(images, content, strict=True):
        image[:] = _load_picture(pictures / name)
    return Scenes(images, labels, list(content))


def _load_picture(path: Path) -> Image.Image:
    try:
        with Image.open(path) as picture:
            rgba = picture.convert("RGBA")
    except Exception as error:  # Pillow raises a dozen kinds of errors for broken, huge and foreign files
        raise ValueError(gettext("{path} cannot be read as a picture; save it again as PNG.").format(path=path)) from error
    white = Image.new("RGBA", rgba.size, (255, 255, 255, 255))
    flat = Image.alpha_composite(white, rgba).convert("RGB")
    return flat.resize((SIZE, SIZE), Image.Resampling.HAMMING)  # no halos, unlike Lanczos


def _load_json(path: Path):
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        told = gettext("{path} does not exist: give a JSON file of the exercise's form.")
        raise FileNotFoundError(told.format(path=path)) from error
    except ValueError as error:
        raise ValueError(gettext("{path} is no JSON: take a fresh copy.").format(path=path)) from error


def _checked(names, source: str | Path) -> list[str]:
    """The names as a list. ValueError, which names their source, if it is no list of names of objects."""
    if isinstance(names, str) or not isinstance(names, Iterable):
        told = gettext("{source} should be lists of names, but hold {names!r}: write ['red sphere'].")
        raise ValueError(told.format(source=source, names=names))
    names = list(names)
    unknown = [name for name in names if name not in LABELS]
    if unknown:
        told = gettext("{source} hold {name!r}, which is none of the 24 objects: write a colour and a shape, 'red sphere'.")
        raise ValueError(told.format(source=source, name=unknown[0]))
    return names
