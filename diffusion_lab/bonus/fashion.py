"""Fashion-MNIST: 70,000 grey pictures of ten garments, 28×28 pixels (Xiao et al. 2017, MIT licence).

2,500 of them come with the package. `load_fashion(folder=...)` reads the whole set where you have it: the idx files, packed
or not, in that folder, in `FashionMNIST/raw` below it (torchvision), or in DEBIAN.
"""

import gzip
import struct
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ..language import gettext, later
from ..sprites import packaged_file

GARMENTS = (
    later("T-shirt"), later("trousers"), later("pullover"), later("dress"), later("coat"),
    later("sandal"), later("shirt"), later("sneaker"), later("bag"), later("ankle boot"),
)  # fmt: skip
DEBIAN = Path("/usr/share/datasets/fashion-mnist")  # where dataset-fashion-mnist puts the whole set
FILES = {"train": "train", "test": "t10k"}  # of a split, the beginning of its files' names
IMAGES, LABELS = 0x803, 0x801  # the first number of an idx file: bytes, in three dimensions or one


def load_fashion(split: str = "train", folder: str | Path | None = None) -> tuple[Tensor, Tensor]:
    """Pictures (N, 1, 28, 28) float32 in [-1, 1] and their garments (N,) int64, numbers into GARMENTS.

    split: "train" or "test". folder: where the idx files are; None is the part that comes with the package.
    FileNotFoundError or ValueError, one sentence each, if there are none, or if they are damaged.
    """
    if split not in FILES:
        raise ValueError(gettext("split must be train or test, not {split!r}.").format(split=split))
    images = read_idx(_file(split, "images-idx3-ubyte", folder), IMAGES)
    labels = read_idx(_file(split, "labels-idx1-ubyte", folder), LABELS)
    if images.shape[1:] != (28, 28) or len(images) != len(labels) or labels.max(initial=0) >= len(GARMENTS):
        told = gettext("The {split} files do not belong together: give the folder with Fashion-MNIST's four files.")
        raise ValueError(told.format(split=split))
    return torch.from_numpy(images[:, None] / np.float32(127.5) - 1), torch.from_numpy(labels.astype(np.int64))


def read_idx(path: Path, kind: int) -> np.ndarray:
    """The numbers of an idx file, uint8: four bytes that say what it is, the sizes, the values. ValueError if it is none."""
    data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    dimensions = kind & 0xFF
    header = 4 + 4 * dimensions
    magic, *sizes = struct.unpack(f">{1 + dimensions}I", data[:header]) if len(data) >= header else (0,)
    if magic != kind or len(data) != header + int(np.prod(sizes, dtype=np.int64)):
        raise ValueError(gettext("{path} is no whole idx file: take a fresh copy.").format(path=path))
    return np.frombuffer(data, np.uint8, offset=header).reshape(sizes)


def _file(split: str, name: str, folder: str | Path | None) -> Path:
    name = f"{FILES[split]}-{name}"
    if folder is None:
        return packaged_file("data", f"fashion/{name}.gz")
    places = [Path(folder), Path(folder) / "FashionMNIST" / "raw"]
    for path in (place / f"{name}{end}" for place in places for end in ("", ".gz")):
        if path.exists():
            return path
    told = gettext("{folder} holds no {name}: give the folder with Fashion-MNIST's files, packed or not.")
    raise FileNotFoundError(told.format(folder=folder, name=name))
