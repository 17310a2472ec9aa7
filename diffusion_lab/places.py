"""Where a command may write: not over what it reads, not over what something else wrote, and alone."""

import argparse
import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from PIL import Image

from .distributed import is_writer
from .files import check_place, read_state
from .locks import Lock
from .pictures import SUFFIXES
from .viz import MADE_BY
from .weights import CHECKPOINT, SHIPPED, WEIGHTS

MOST_SCORES = 1 << 20  # bytes of a file of figures


def check_apart(out: Path, inputs: Sequence[Path | None]):
    """ValueError if `out` is one of the inputs, or is a picture in a folder that is one: it would be read the next time."""
    for path in inputs:
        if path is None or not path.exists():
            continue
        place = Path(os.path.realpath(out))
        if (place.exists() and place.samefile(path)) or (path.is_file() and place == Path(os.path.realpath(path))):
            raise ValueError(f"{out} is also what is read, and would be replaced: give another place to write to.")
        if path.is_dir() and out.suffix.lower() in SUFFIXES and Path(os.path.realpath(path)) in place.parents:
            raise ValueError(f"{out} lies in {path}, which is read as sprites: give a place outside of it.")


def check_training_places(options: argparse.Namespace):
    """OSError or ValueError, in one sentence, if a training could not write what it leaves, or would replace other files."""
    suffixes = ("", ".ckpt", ".lock", *([".film.png"] if options.film_every else []))
    outs = [Path(f"{options.out}{suffix}") for suffix in suffixes]
    inputs = [options.data]
    if options.data is not None and options.data.suffix.lower() == ".npy":
        inputs.append(options.data.with_name(f"{options.data.stem}_labels.npy"))
    if options.weights is not None and options.weights not in SHIPPED:
        inputs.append(Path(options.weights))
    for out in outs:
        check_place(out)
        check_apart(out, inputs)
    if options.log is not None:
        check_folder(options.log)
    checkpoint, film = Path(f"{options.out}.ckpt"), Path(f"{options.out}.film.png")
    if (kind := _kind(options.out)) != WEIGHTS and _filled(options.out):
        what = "the checkpoint of another run" if kind == CHECKPOINT else "no file of weights"
        raise ValueError(f"{options.out} is there and is {what}: give another --out, or move it away.")
    if not options.resume and _filled(checkpoint) and _kind(checkpoint) != CHECKPOINT:
        raise ValueError(f"{checkpoint} is there and is no checkpoint, or is damaged: move it away, or give another --out.")
    if options.film_every and _filled(film) and not is_picture(film):
        raise ValueError(f"{film} is there and is no film: move it away, or give another --out.")


def check_ours(path: Path, is_ours: Callable[[Path], bool]):
    """ValueError if a file is at `path` that this program did not make: it would be replaced."""
    if _filled(path) and not is_ours(path):
        raise ValueError(f"{path} is there and was not made by this program: give another name, or move it away.")


def is_picture(path: Path) -> bool:
    """Is this a PNG or GIF that `viz` made?"""
    try:
        with Image.open(path, formats=("PNG", "GIF")) as picture:
            return MADE_BY in (picture.info.get("Software"), picture.info.get("comment", b"").decode(errors="replace"))
    except Exception:  # Pillow raises a dozen kinds of errors for broken and foreign files
        return False


def is_scores(path: Path) -> bool:
    """Are these the figures of `evaluate`?"""
    try:
        told = json.loads(path.read_text("utf-8")) if path.stat().st_size <= MOST_SCORES else None
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(told, dict) and {"command", "samples"} <= set(told)


def check_folder(path: Path):
    """OSError, in one sentence, if there is no folder at `path` that can be written to, and none can be made."""
    near = next(folder for folder in (path, *path.parents) if os.path.lexists(folder))
    reason = "it may only be read" if near.is_dir() else "it is no folder"
    if not near.is_dir() or not os.access(near, os.W_OK | os.X_OK):
        wrong = reason if near == path else f"{near}: {reason}"
        raise OSError(f"{path} could not be written ({wrong}); choose another place.")


def _filled(path: Path) -> bool:
    return path.exists() and path.stat().st_size > 0


def _kind(path: Path) -> str | None:
    """What a file of ours says that it is; None for any other."""
    try:
        return read_state(path).get("kind")
    except (ValueError, OSError):
        return None


@contextmanager
def one_writer(out: Path) -> Iterator[None]:
    """Keep other trainings away from `out`; of several processes of one training the one that writes holds the lock."""
    if not is_writer():
        yield
        return
    with Lock(out):
        yield
