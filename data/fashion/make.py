"""Choose the part of Fashion-MNIST that comes with the package; or cut the cat's head out of its photograph.

    python data/fashion/make.py FOLDER     FOLDER holds the whole set's idx files
    python data/fashion/make.py --cat chelsea.png     the picture in scikit-image's wheel, skimage/data/chelsea.png

Of each garment the first 200 pictures for training and the first 50 for testing, in the order of the set.
In contact_sheet.png are the first 16 of each.
"""

import argparse
import gzip
import struct
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from diffusion_lab.bonus.fashion import FILES, GARMENTS, IMAGES, LABELS, load_fashion
from diffusion_lab.files import write_safely
from diffusion_lab.sprites import to_uint8
from diffusion_lab.viz import grid, png

HERE = Path(__file__).parent
EACH, SHOWN = {"train": 200, "test": 50}, 16


def idx(values: np.ndarray, kind: int) -> bytes:
    """An idx file of uint8, packed; always the same bytes for the same values."""
    header = struct.pack(f">{1 + values.ndim}I", kind, *values.shape)
    return gzip.compress(header + values.tobytes(), 9, mtime=0)


def main():
    """See the top of this file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("folder", type=Path, nargs="?")
    what.add_argument("--cat", type=Path)
    options = parser.parse_args()
    if options.cat:
        write_safely(HERE / "chelsea.png", lambda file: file.write(png(head(options.cat))))
    else:
        choose(options.folder)


def head(path: Path) -> Image.Image:
    """The cat's head, 128×128, out of its photograph of 451×300."""
    return Image.open(path).convert("RGB").crop((90, 0, 390, 300)).resize((128, 128), Image.Resampling.LANCZOS)


def choose(folder: Path):
    """Write the four files beside this program."""
    for split, each in EACH.items():
        images, labels = load_fashion(split, folder)
        rows = np.sort(np.concatenate([np.flatnonzero(labels.numpy() == k)[:each] for k in range(len(GARMENTS))]))
        parts = {"images-idx3-ubyte": (to_uint8(images[rows])[..., 0], IMAGES), "labels-idx1-ubyte": (labels[rows], LABELS)}
        for name, (values, kind) in parts.items():
            data = idx(np.asarray(values, np.uint8), kind)
            path = HERE / f"{FILES[split]}-{name}.gz"
            write_safely(path, lambda file, data=data: file.write(data))
            print(f"{path.name}: {len(rows)} of {len(labels)}, {len(data):,} bytes")
    images, labels = load_fashion("train")
    first = torch.cat([images[labels == k][:SHOWN] for k in range(len(GARMENTS))])
    sheet = png(grid(first, columns=SHOWN, scale=2, labels=GARMENTS))
    write_safely(HERE / "contact_sheet.png", lambda file: file.write(sheet))


if __name__ == "__main__":
    main()
