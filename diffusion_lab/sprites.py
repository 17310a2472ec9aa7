"""The sprite set, and loaders for other people's sprites: PNG sheets, folders of PNGs, the course's .npy arrays."""

import json
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image
from torch import Tensor

CLASSES = ("hero", "non_hero", "food", "spell", "side_facing")  # the order of the context vector
SIZE = 16
HELD_OUT = 10  # every tenth sprite of a sheet (9, 19, 29, ...) is held out of training


class Sprites(NamedTuple):
    """images: (N, 16, 16, 3) uint8. contexts: (N, 5) float32, one-hot in the order of CLASSES, or zeros if unknown."""

    images: np.ndarray
    contexts: np.ndarray


def find(folder: str, name: str) -> Path:
    """The path of a file that comes with the package: folder is "data" or "weights".

    In a wheel both folders lie inside the package, in a checkout beside it. FileNotFoundError if it is in neither.
    """
    here = Path(__file__).parent
    for base in (here, here.parent):
        if (base / folder / name).is_file():
            return base / folder / name
    raise FileNotFoundError(f"{folder}/{name} is missing: install the package again, or take a fresh copy of the repository.")


def load_sprites(split: str = "train") -> Sprites:
    """The project's own sprites. split: "train" (nine in ten), "held_out" (every tenth), or "all".

    Raises ValueError for another split, FileNotFoundError if a sheet is missing.
    """
    counts = json.loads(find("data", "sprites.json").read_text())["classes"]
    images, contexts = [], []
    for index, name in enumerate(CLASSES):
        sheet = load_sheet(find("data", f"{name}.png"))[: counts[name]["sprites"]]
        images.append(sheet[_part(split, len(sheet))])
        contexts.append(_one_hot(index, len(images[-1])))
    return Sprites(np.concatenate(images), np.concatenate(contexts))


def load_kinds(split: str = "train") -> tuple[np.ndarray, list[str]]:
    """The kind of each sprite of `load_sprites(split)`: (N,) int64, and the kinds' names ("hero: knight", ...).

    A sheet shows its kinds one after the other, the same number of each. Errors as `load_sprites`.
    """
    labels, names = [], []
    for name, about in json.loads(find("data", "sprites.json").read_text())["classes"].items():
        kinds, sprites = about["kinds"], about["sprites"]
        of_sheet = np.arange(sprites) * len(kinds) // sprites + len(names)
        labels.append(of_sheet[_part(split, sprites)])
        names += [f"{name}: {kind}" for kind in kinds]
    return np.concatenate(labels), names


def load_path(path: str | Path) -> Sprites:
    """Sprites from a PNG sheet of 16×16 tiles, a folder of PNGs, a folder with a subfolder per class, or an .npy array.

    Subfolders are named as CLASSES. Contexts are zeros where the source has no classes. The course's array
    `sprites_1788_16x16.npy` finds its labels in `sprite_labels_nc_1788_16x16.npy` beside it; another array NAME.npy in
    NAME_labels.npy. Raises FileNotFoundError or ValueError, one sentence each.
    """
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"{path} does not exist: give a PNG sheet, a folder of PNGs or an .npy array.")
    if path.is_dir():
        return _load_folder(path)
    if path.suffix.lower() == ".npy":
        return _load_arrays(path)
    images = load_sheet(path)
    return Sprites(images, _unlabelled(len(images)))


def load_sheet(path: str | Path) -> np.ndarray:
    """The tiles of a PNG sheet, row by row: (N, 16, 16, 3) uint8. Transparent pixels become white.

    ValueError if it is not a picture, or its width or height is no multiple of 16.
    """
    path = Path(path)
    try:
        with Image.open(path) as picture:
            if picture.mode[0] in "IF":
                raise ValueError(f"mode {picture.mode}: more than 8 bits a colour")
            rgba = picture.convert("RGBA")
    except Exception as error:  # Pillow raises a dozen kinds of errors for broken, huge and foreign files
        raise ValueError(f"{path} cannot be read as a picture of 8 bits a colour; save it again as PNG.") from error
    width, height = rgba.size
    if width % SIZE or height % SIZE:
        raise ValueError(f"{path} is {width}×{height} pixels; both must be multiples of {SIZE}, the size of a tile.")
    white = Image.new("RGBA", rgba.size, (255, 255, 255, 255))
    a = np.asarray(Image.alpha_composite(white, rgba).convert("RGB"))
    tiles = a.reshape(height // SIZE, SIZE, width // SIZE, SIZE, 3).swapaxes(1, 2)
    return tiles.reshape(-1, SIZE, SIZE, 3).copy()


def to_tensors(sprites: Sprites) -> tuple[Tensor, Tensor]:
    """What networks take: images (N, 3, 16, 16) float32 in [-1, 1], contexts (N, 5) float32."""
    images = torch.from_numpy(np.ascontiguousarray(sprites.images)).permute(0, 3, 1, 2).contiguous()
    return images.float() / 127.5 - 1, torch.from_numpy(np.ascontiguousarray(sprites.contexts))


def _load_folder(path: Path) -> Sprites:
    folders = sorted(p for p in path.iterdir() if p.is_dir() and not p.name.startswith("."))
    unknown = [p.name for p in folders if p.name not in CLASSES]
    if unknown:
        raise ValueError(f"{path} has a folder {unknown[0]!r}; folders must be named {', '.join(CLASSES)}.")
    groups = [(CLASSES.index(p.name), p) for p in folders] or [(None, path)]
    images, contexts = [], []
    for index, folder in groups:
        for file in sorted(p for p in folder.iterdir() if p.suffix.lower() == ".png" and not p.name.startswith(".")):
            images.append(load_sheet(file))
            contexts.append(_unlabelled(len(images[-1])) if index is None else _one_hot(index, len(images[-1])))
    if not images:
        raise ValueError(f"{path} holds no PNG files; put sprites of {SIZE}×{SIZE} pixels there.")
    return Sprites(np.concatenate(images), np.concatenate(contexts))


def _load_arrays(path: Path) -> Sprites:
    images = _load_npy(path)
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[1:] != (SIZE, SIZE, 3) or not len(images):
        raise ValueError(f"{path} holds {images.dtype} {images.shape}; sprites are uint8 (N, {SIZE}, {SIZE}, 3).")
    beside = (path.with_name(path.name.replace("sprites_", "sprite_labels_nc_", 1)), path.with_name(f"{path.stem}_labels.npy"))
    labels_path = next((p for p in beside if p != path and p.exists()), None)
    if labels_path is None:
        return Sprites(images, _unlabelled(len(images)))
    labels = _load_npy(labels_path)
    if labels.ndim != 2 or labels.shape[1] != len(CLASSES) or labels.dtype.kind not in "fiub":
        raise ValueError(f"{labels_path} holds {labels.dtype} {labels.shape}; labels are numbers (N, {len(CLASSES)}).")
    if len(labels) != len(images):
        raise ValueError(f"{labels_path} has {len(labels)} labels for {len(images)} sprites; the numbers must be equal.")
    if not np.isfinite(labels).all():
        raise ValueError(f"{labels_path} holds labels that are not finite numbers; make it again.")
    return Sprites(images, labels.astype(np.float32))


def _load_npy(path: Path) -> np.ndarray:
    try:
        with open(path, "rb") as file:
            return np.lib.format.read_array(file, allow_pickle=False)
    except Exception as error:  # a damaged header is read as Python text and raises anything
        raise ValueError(f"{path} is truncated, holds Python objects, or is no .npy file; save a plain array.") from error


def _part(split: str, n: int) -> np.ndarray:
    """Which of a sheet's n sprites belong to a split: (n,) bool."""
    if split not in ("train", "held_out", "all"):
        raise ValueError(f'split must be "train", "held_out" or "all", not {split!r}.')
    held_out = np.arange(n) % HELD_OUT == HELD_OUT - 1
    return np.ones(n, bool) if split == "all" else held_out == (split == "held_out")


def _one_hot(index: int, n: int) -> np.ndarray:
    contexts = np.zeros((n, len(CLASSES)), np.float32)
    contexts[:, index] = 1
    return contexts


def _unlabelled(n: int) -> np.ndarray:
    return np.zeros((n, len(CLASSES)), np.float32)
