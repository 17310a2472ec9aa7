"""Where a command may write: not over what it reads, not over what something else wrote, and alone."""

import argparse
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from .distributed import is_writer
from .files import check_place, read_state
from .locks import Lock
from .pictures import SUFFIXES
from .weights import CHECKPOINT, SHIPPED, WEIGHTS

PNG = b"\x89PNG"


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
    if options.data is not None:
        inputs.append(options.data.with_name(f"{options.data.stem}_labels.npy"))
    if options.weights is not None and options.weights not in SHIPPED:
        inputs.append(Path(options.weights))
    for out in outs:
        check_place(out)
        check_apart(out, inputs)
    checkpoint, film = Path(f"{options.out}.ckpt"), Path(f"{options.out}.film.png")
    if (kind := _kind(options.out)) != WEIGHTS and _filled(options.out):
        what = "the checkpoint of another run" if kind == CHECKPOINT else "no file of weights"
        raise ValueError(f"{options.out} is there and is {what}: give another --out, or move it away.")
    if not options.resume and _filled(checkpoint) and _kind(checkpoint) != CHECKPOINT:
        raise ValueError(f"{checkpoint} is there and is no checkpoint, or is damaged: move it away, or give another --out.")
    if options.film_every and _filled(film) and not film.read_bytes().startswith(PNG):
        raise ValueError(f"{film} is there and is no film: move it away, or give another --out.")


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
