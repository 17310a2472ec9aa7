"""Choose the part of Fashion-MNIST that comes with the package.

    python data/fashion/make.py FOLDER     FOLDER holds the whole set's idx files

Of each garment the first 200 pictures for training and the first 50 for testing, in the order of the set.
"""

import argparse
import gzip
import struct
from pathlib import Path

import numpy as np

from diffusion_lab.bonus.fashion import FILES, GARMENTS, IMAGES, LABELS, load_fashion
from diffusion_lab.files import write_safely
from diffusion_lab.sprites import to_uint8

EACH = {"train": 200, "test": 50}


def idx(values: np.ndarray, kind: int) -> bytes:
    """An idx file of uint8, packed; always the same bytes for the same values."""
    header = struct.pack(f">{1 + values.ndim}I", kind, *values.shape)
    return gzip.compress(header + values.tobytes(), 9, mtime=0)


def main():
    """See the top of this file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    for split, each in EACH.items():
        images, labels = load_fashion(split, folder)
        rows = np.sort(np.concatenate([np.flatnonzero(labels.numpy() == k)[:each] for k in range(len(GARMENTS))]))
        parts = {"images-idx3-ubyte": (to_uint8(images[rows])[..., 0], IMAGES), "labels-idx1-ubyte": (labels[rows], LABELS)}
        for name, (values, kind) in parts.items():
            data = idx(np.asarray(values, np.uint8), kind)
            path = Path(__file__).parent / f"{FILES[split]}-{name}.gz"
            write_safely(path, lambda file, data=data: file.write(data))
            print(f"{path.name}: {len(rows)} of {len(labels)}, {len(data):,} bytes")


if __name__ == "__main__":
    main()
