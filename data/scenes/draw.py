"""Draw the scenes, and say which labels each of them has.

    python data/scenes/draw.py                      write objects.json, test.json, new_test.json, unseen.json,
                                                    contact_sheet.png
    python data/scenes/draw.py --check              make everything again and compare it with what is there
    python data/scenes/draw.py --preview out.png    look at the first scenes of a split
                               [--split held_out] [-n 96] [--scale 3]
    python data/scenes/draw.py --folder scenes      render train and held_out as the exercise has its data: scenes/iclevr/*.png,
                                                    and all JSON files beside it

A scene is a number: its labels and its picture follow from it, whatever else is drawn. Scenes 0 to 18,008 are for training,
the next 2,000 are held out. In Python:

    sets, seeds = label_sets("train")
    images = render_many(sets, seeds)               # uint8 (18009, 64, 64, 3)
"""

import argparse
import io
import json
import random
import sys
from collections import Counter
from functools import cache
from itertools import combinations
from pathlib import Path

import numpy as np
from PIL import Image

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))  # so that `tracer` is found from a test

from tracer import NAMES, SIZE, render_many  # noqa: E402

TRAIN, HELD_OUT = 18_009, 2_000
SPLITS = {"train": range(TRAIN), "held_out": range(TRAIN, TRAIN + HELD_OUT)}
TEST_SIZES = (1,) * 8 + (2,) * 12 + (3,) * 12


@cache
def unseen() -> tuple[tuple[int, ...], ...]:
    """The label sets kept out of training: 60 pairs, then 60 triples, each of one of the pairs and a third label.

    Each label is in five of the pairs. No scene of training or held out holds both labels of a pair.
    """
    r = random.Random("diffusion-lab/scenes/unseen")
    pairs: list[tuple[int, ...]] = []
    while len(pairs) < 60:
        deck = [*range(len(NAMES))]
        r.shuffle(deck)
        new = [tuple(sorted(deck[k : k + 2])) for k in range(0, len(deck), 2)]
        if not set(new) & set(pairs):
            pairs += new
    triples: list[tuple[int, ...]] = []
    while len(triples) < len(pairs):
        pair = pairs[len(triples)]
        triple = tuple(sorted({*pair, r.randrange(len(NAMES))}))
        if len(triple) == 3 and len(set(combinations(triple, 2)) & set(pairs)) == 1 and triple not in triples:
            triples.append(triple)
    return (*pairs, *triples)


@cache
def new_test() -> tuple[tuple[int, ...], ...]:
    """32 triples that no scene of training has, though it has each of their pairs. Each label is in four of them."""
    r = random.Random("diffusion-lab/scenes/new_test")
    deck = [*range(len(NAMES))] * 4
    r.shuffle(deck)
    while True:
        triples = [tuple(sorted(deck[k : k + 3])) for k in range(0, len(deck), 3)]
        bad = [k for k, one in enumerate(triples) if len(set(one)) < 3 or _has_unseen_pair(one) or one in triples[:k]]
        if not bad:
            return tuple(triples)
        for k in bad:  # swap one of its labels for another of the deck
            a, b = 3 * k + r.randrange(3), r.randrange(len(deck))
            deck[a], deck[b] = deck[b], deck[a]


@cache
def test() -> tuple[tuple[int, ...], ...]:
    """32 label sets that training has: 8 of one label, 12 of two, 12 of three. Each label is in two to four of them."""
    r = random.Random("diffusion-lab/scenes/test")
    known = {tuple(sorted(_labels(k))) for k in range(TRAIN)}
    used = Counter()
    chosen: list[tuple[int, ...]] = []
    for size in TEST_SIZES:
        labels = ()
        while labels in chosen or labels not in known:
            labels = tuple(sorted(sorted(range(len(NAMES)), key=lambda k: used[k] + 1.5 * r.random())[:size]))
        used.update(labels)
        chosen.append(labels)
    return tuple(chosen)


def label_sets(split: str) -> tuple[list[tuple[int, ...]], list[int]]:
    """The label sets of a split, "train" or "held_out", and the seeds of its scenes: what `render_many` takes."""
    return [_labels(k) for k in SPLITS[split]], list(SPLITS[split])


@cache
def _labels(number: int) -> tuple[int, ...]:
    """The labels of a scene: one, two or three in turn; neither an unseen pair nor a triple of new_test."""
    r = random.Random(f"diffusion-lab/scenes/labels/{number}")
    while True:
        labels = tuple(r.sample(range(len(NAMES)), 1 + number % 3))
        if not _has_unseen_pair(labels) and tuple(sorted(labels)) not in new_test():
            return labels


def _has_unseen_pair(labels: tuple[int, ...]) -> bool:
    return any(pair in unseen() for pair in combinations(sorted(labels), 2))


def names(labels: tuple[int, ...]) -> list[str]:
    """The names of labels: (9, 3) are "red sphere" and "green cube"."""
    return [NAMES[label] for label in labels]


def file_name(number: int) -> str:
    """The file of a scene, named as the exercise names its files."""
    return f"CLEVR_{'train' if number < TRAIN else 'held_out'}_{number:06d}.png"


def split_json(split: str) -> bytes:
    """train.json or held_out.json in the exercise's form: {file name: [names]}. About a megabyte: made when asked for."""
    return _dump({file_name(k): names(labels) for labels, k in zip(*label_sets(split), strict=True)})


def lists_json() -> dict[str, bytes]:
    """{file name: its bytes} of the JSON files that lie in this folder."""
    lists = {"test.json": test(), "new_test.json": new_test(), "unseen.json": unseen()}
    files = {"objects.json": _dump({name: k for k, name in enumerate(NAMES)})}
    return files | {name: _dump([names(labels) for labels in sets]) for name, sets in lists.items()}


def everything() -> dict[str, bytes]:
    """{file name: its bytes} of what lies in this folder."""
    return {**lists_json(), "contact_sheet.png": preview("train", 160, 20, 1)}


def _dump(content: dict | list) -> bytes:
    """JSON with one entry a line."""
    if isinstance(content, dict):
        lines = [f"{json.dumps(key)}: {json.dumps(value)}" for key, value in content.items()]
        return ("{\n" + ",\n".join(lines) + "\n}\n").encode()
    return ("[\n" + ",\n".join(json.dumps(entry) for entry in content) + "\n]\n").encode()


def preview(split: str, n: int, columns: int, scale: int) -> bytes:
    """A PNG of the first n scenes of a split, in rows, with white lines between them."""
    sets, seeds = label_sets(split)
    tiles = np.pad(render_many(sets[:n], seeds[:n]), ((0, 0), (1, 1), (1, 1), (0, 0)), constant_values=255)
    rows, size = n // columns, SIZE + 2
    a = tiles[: rows * columns].reshape(rows, columns, size, size, 3).swapaxes(1, 2).reshape(rows * size, columns * size, 3)
    file = io.BytesIO()
    Image.fromarray(a.repeat(scale, 0).repeat(scale, 1)).save(file, "PNG", optimize=True)
    return file.getvalue()


def check() -> int:
    """Compare what is made now with what lies here. Another processor may round a pixel up where this one rounds it down."""
    bad = [name for name, data in everything().items() if not _same(HERE / name, data)]
    print("differs: " + ", ".join(bad) if bad else "the files are what the program makes")
    return 1 if bad else 0


def _same(old: Path, data: bytes) -> bool:
    if not old.exists():
        return False
    if old.suffix == ".json":
        return json.loads(old.read_bytes()) == json.loads(data)
    one, two = (np.asarray(Image.open(file), np.int16) for file in (old, io.BytesIO(data)))
    return one.shape == two.shape and bool(np.abs(one - two).max() <= 1)


def write_folder(folder: Path) -> None:
    """The scenes as files, in the exercise's form."""
    (folder / "iclevr").mkdir(parents=True, exist_ok=True)
    for name, data in lists_json().items():
        (folder / name).write_bytes(data)
    for split in SPLITS:
        (folder / f"{split}.json").write_bytes(split_json(split))
        sets, seeds = label_sets(split)
        for seed, image in zip(seeds, render_many(sets, seeds), strict=True):
            Image.fromarray(image).save(folder / "iclevr" / file_name(seed))


def main() -> int:
    """See the top of this file."""
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--check", action="store_true")
    p.add_argument("--preview", type=Path)
    p.add_argument("--folder", type=Path)
    p.add_argument("--split", choices=SPLITS, default="train")
    p.add_argument("-n", type=int, default=96)
    p.add_argument("--scale", type=int, default=3)
    a = p.parse_args()
    if a.check:
        return check()
    if a.preview:
        a.preview.write_bytes(preview(a.split, a.n, min(12, a.n), a.scale))
    elif a.folder:
        write_folder(a.folder)
    else:
        for name, data in everything().items():
            (HERE / name).write_bytes(data)
    return 0


if __name__ == "__main__":
    sys.exit(main())
