"""Draw the sprite set.

    python data/draw.py                                    write the sheets, sprites.json and contact_sheet.png here
    python data/draw.py --check                            draw everything again and compare it with what is there
    python data/draw.py --preview hero --out heroes.png    look at one class, a row for each kind
                        [--kind knight] [-n 16] [--scale 4]

Every sprite is drawn by a function kind(canvas, r) from its own random.Random, seeded by class, kind and number, so that
a change to one kind leaves the others as they are. A sprite that equals an earlier one is left out and the next number
takes its place. Nothing else is filtered or picked by hand.
"""

import argparse
import hashlib
import importlib
import io
import json
import random
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np
from PIL import Image

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent)]  # so that `drawing` is found from a test, diffusion_lab from here

from drawing.canvas import SIZE, Canvas  # noqa: E402
from drawing.palette import named_tones  # noqa: E402

from diffusion_lab.sprites import colours  # noqa: E402
from diffusion_lab.viz import png  # noqa: E402

# The classes, in the order of the context vector, and the modules that draw them.
CLASSES = {
    "hero": ("heroes",),
    "non_hero": ("monsters", "creatures"),
    "food": ("produce", "meals"),
    "spell": ("weapons", "magic"),
    "side_facing": ("walkers",),
}
# Pairs that are kept out of training: does the network put words together that it never saw together?
UNSEEN = {
    "slime": "purple", "butterfly": "green", "octopus": "blue", "crab": "purple", "fish": "pink", "robot": "red",
    "mushroom monster": "purple", "bat": "red", "potion": "pink", "gem": "orange", "crystals": "green", "open book": "purple",
    "doughnut": "blue", "coffee": "green", "wizard": "red", "traveller": "pink", "mage": "red", "ninja": "green",
}  # fmt: skip
LETTERS = {"r": "red", "o": "orange", "y": "yellow", "g": "green", "b": "blue", "p": "purple", "i": "pink", "n": "brown",
           "k": "black", "a": "gray", "w": "white"}  # fmt: skip
COLUMNS, ROWS = 60, 72  # of a class's sheet; each kind gets an equal number of whole rows


def kinds(cls: str) -> dict:
    """{kind: its drawing function} of a class, in the order of the sheet."""
    found = {}
    for module in CLASSES[cls]:
        found |= importlib.import_module(f"drawing.{module}").KINDS
    return found


def sprites(cls: str, kind: str, number: int = 0) -> Iterator[np.ndarray]:
    """The endless sequence of a kind's sprites, uint8 (16, 16, 3), from the given number on."""
    draw = kinds(cls)[kind]
    while True:
        canvas = Canvas()
        draw(canvas, random.Random(f"diffusion-lab/{cls}/{kind}/{number}"))
        yield canvas.rgb()
        number += 1


def draw_class(cls: str, seen: set) -> np.ndarray:
    """All sprites of a class, kind after kind: uint8 (4320, 16, 16, 3). `seen` collects them, so that none comes twice."""
    per_kind, rest = divmod(ROWS, len(kinds(cls)))
    if rest:
        raise SystemExit(f"{cls} has {len(kinds(cls))} kinds; the {ROWS} rows of a sheet cannot be shared equally.")
    out = []
    for kind in kinds(cls):
        wanted = len(out) + per_kind * COLUMNS
        for number, image in enumerate(sprites(cls, kind)):
            if image.tobytes() not in seen:
                seen.add(image.tobytes())
                out.append(image)
            if len(out) == wanted:
                break
            if number > 20 * per_kind * COLUMNS:
                raise SystemExit(f"{cls}/{kind} does not vary enough: it repeats itself.")
    return np.stack(out)


def sheet(images: np.ndarray, columns: int, gap: int = 0, scale: int = 1) -> Image.Image:
    """The sprites in rows of `columns`, on white; each with its own gap around it, unlike viz.grid's shared ones."""
    rows = len(images) // columns
    tiles = np.pad(images, ((0, 0), (gap, gap), (gap, gap), (0, 0)), constant_values=255)
    size = SIZE + 2 * gap
    a = tiles.reshape(rows, columns, size, size, 3).swapaxes(1, 2).reshape(rows * size, columns * size, 3)
    return Image.fromarray(a.repeat(scale, 0).repeat(scale, 1))


def silhouettes(images: np.ndarray) -> int:
    """How many distinct silhouettes: the sets of pixels that are not white."""
    return len({mask.tobytes() for mask in (images != 255).any(axis=3)})


def everything() -> dict[str, bytes]:
    """{file name: its bytes} of the whole set."""
    seen, files, entries, contact, all_images = set(), {}, {}, [], []
    palette = {word: " ".join(bytes(tone).hex() for tone in tones) for word, tones in named_tones().items()}
    for cls in CLASSES:
        images = draw_class(cls, seen)
        all_images.append(images)
        files[f"{cls}.png"] = png(sheet(images, COLUMNS))
        per_kind = len(images) // len(kinds(cls))
        entries[cls] = {
            "sprites": len(images),
            "silhouettes": silhouettes(images),
            "sha256": hashlib.sha256(files[f"{cls}.png"]).hexdigest(),
            "pixels_sha256": hashlib.sha256(images.tobytes()).hexdigest(),
            "kinds": list(kinds(cls)),
            "colours": " ".join("".join(np.array(list(LETTERS))[row]) or "-" for row in colours(images, palette)[0]),
        }
        contact.append(np.concatenate([images[k * per_kind :: 7][:3] for k in range(len(kinds(cls)))]))
        contact[-1] = contact[-1][: len(contact[-1]) // 18 * 18]
        print(f"{cls}: {len(kinds(cls))} kinds, {len(images)} sprites, {entries[cls]['silhouettes']} silhouettes")
    total = silhouettes(np.concatenate(all_images))
    print(f"all: {sum(map(len, all_images))} sprites, {total} silhouettes")
    about = {
        "silhouettes": total,
        "classes": entries,
        "unseen": [*map(list, UNSEEN.items())],
        "colours": LETTERS,
        "palette": palette,
    }
    files["sprites.json"] = (json.dumps(about, indent=1) + "\n").encode()
    files["contact_sheet.png"] = png(sheet(np.concatenate(contact), 18, gap=1, scale=3))
    return files


def check() -> int:
    """Compare what is drawn now with what lies here: the pixels, and the numbers about them."""
    bad = []
    for name, data in everything().items():
        old = HERE / name
        if name.endswith(".json"):  # PNG files may be packed differently by another Pillow: the pixels decide
            same = old.exists() and _without_file_sums(old.read_bytes()) == _without_file_sums(data)
        else:
            same = old.exists() and np.array_equal(np.asarray(Image.open(old)), np.asarray(Image.open(io.BytesIO(data))))
        if not same:
            bad.append(name)
    print("differs: " + ", ".join(bad) if bad else "the sheets are what the program draws")
    return 1 if bad else 0


def _without_file_sums(text: bytes) -> dict:
    content = json.loads(text)
    for entry in content["classes"].values():
        del entry["sha256"]
    return content


def main() -> int:
    """See the top of this file."""
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--check", action="store_true")
    p.add_argument("--preview", choices=CLASSES)
    p.add_argument("--kind", action="append")
    p.add_argument("-n", type=int, default=16)
    p.add_argument("--scale", type=int, default=4)
    p.add_argument("--out", type=Path)
    a = p.parse_args()
    if a.check:
        return check()
    if a.preview:
        rows = [image for kind in a.kind or kinds(a.preview) for image in islice(sprites(a.preview, kind), a.n)]
        sheet(np.stack(rows), a.n, gap=1, scale=a.scale).save(a.out or f"{a.preview}.png")
        return 0
    for name, data in everything().items():
        (HERE / name).write_bytes(data)
    return 0


if __name__ == "__main__":
    sys.exit(main())
