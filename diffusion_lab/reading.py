"""Sprites of other people, as they come: a picture, a folder of them, a table of files and words, or arrays.

    read = load_path("my_sprites/")        # or load_path("sheet.png", Cut(tile=(16, 28), pad=28))
    print("\\n".join(read.notes))           # what was read, what was left out and why, the words

Whatever is converted, left out or doubtful is said in `notes` and `warnings`; what cannot be read is refused in one sentence.
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from .arrays import read_arrays
from .cutting import SIDES, Cut
from .files import absent
from .language import gettext
from .pictures import SUFFIXES, Picture, open_picture
from .sprites import CLASSES
from .tables import Row, as_word, aseprite_frames, aseprite_image, cut_frames, named, read_table
from .tiles import Frame, Read, how_many, said_words, sifted

LEFT_OUT = ("__macosx", "thumbs.db", "desktop.ini")  # what systems leave in folders; hidden files start with a dot
MOST_FILES = 100_000


def load_path(path: str | Path, cut: Cut | None = None, names: tuple[str, ...] = ()) -> Read:
    """Sprites from a PNG, JPG, WebP, BMP or GIF, a folder of them, a CSV or JSON of files and words, an .npy or an .npz.

    A sheet is cut as `cut` says, else into tiles of 16×16, with 1 px of space where that is seen. In folders the names of the
    folders are words; an Aseprite JSON beside a sheet gives its frames. The course's array `sprites_1788_16x16.npy` finds its
    labels in `sprite_labels_nc_1788_16x16.npy`; another array NAME.npy in NAME_labels.npy. names: of the classes, where labels
    are whole numbers. Tiles of one colour and repeated ones are left out of pictures.
    Raises OSError (FileNotFoundError) or ValueError, one sentence each.
    """
    path, cut = Path(path), cut or Cut()
    if not path.exists():
        if re.match(r"[a-z]{2,}:/", str(path)):
            wrong = gettext(
                "{path} is a web address, and nothing is fetched: save it here, "
                "and give a picture, a folder, a table (CSV, JSON), an .npy or an .npz."
            )
            raise ValueError(wrong.format(path=path))
        wrong = gettext("{path} {what}: give a picture, a folder, a table (CSV, JSON), an .npy or an .npz.")
        raise FileNotFoundError(wrong.format(path=path, what=absent(path)))
    suffix = path.suffix.lower()
    if path.is_file() and suffix in (".npy", ".npz"):
        return _of_arrays(path, cut, names)
    if names:
        wrong = gettext("--names belongs to arrays with whole numbers as labels: leave it out, or give an .npy or .npz.")
        raise ValueError(wrong)
    left, bad, notes = [], [], []
    if path.is_dir():
        frames = _of_rows(_walk(path, notes, left, bad), bad, notes)
    elif suffix in (".csv", ".json", ".tsv") and (suffix != ".json" or aseprite_frames(path) is None):
        frames = _of_rows(read_table(path), bad, notes)
        if cut == Cut(background=cut.background):  # a row of a table speaks of one sprite
            frames = [frame._replace(whole=_is_square(frame)) for frame in frames]
    elif path.is_file():
        frames = list(_open(Row(aseprite_image(path) if suffix == ".json" else path, ()), notes))
    else:
        wrong = gettext("{path} is no file and no folder: give a picture, a folder, a table, an .npy or an .npz.")
        raise ValueError(wrong.format(path=path))
    if bad:
        names = named([_short(path, sentence) for sentence in bad], 20)
        left.insert(0, gettext("{n} that cannot be read ({names})").format(n=len(bad), names=names))
    if left:
        notes.insert(0, gettext("left out: {names}").format(names=", ".join(left)))
    if not frames:
        why = f" ({'; '.join(notes)})" if notes else ""
        wrong = gettext("{path} holds no pictures that can be read{why}: put PNG, JPG, WebP, BMP or GIF files there.")
        raise ValueError(wrong.format(path=path, why=why))
    return sifted(path, frames, cut, notes)


def _walk(root: Path, notes: list[str], left: list[str], bad: list[str]) -> list[Row]:
    """The pictures in a folder and its folders, in order; their folders' names are their words."""
    rows, others, hidden, folders, seen = [], [], [], False, set()

    def visit(folder: Path, words: tuple[str, ...]):
        nonlocal folders
        real = folder.resolve()
        if real in seen:  # a link that leads back
            return
        seen.add(real)
        try:
            entries = sorted(folder.iterdir())
        except OSError as error:
            bad.append(gettext("{path} could not be opened ({reason}).").format(path=folder, reason=error.strerror))
            return
        for entry in entries:
            if entry.name.startswith(".") or entry.name.lower() in LEFT_OUT:
                hidden.append(entry.name)
            elif entry.is_dir():
                folders = True
                visit(entry, (*words, as_word(entry.name)))
            elif entry.suffix.lower() in SUFFIXES and entry.is_file():  # opening a pipe would wait for ever
                rows.append(Row(entry, words))
            else:
                others.append(entry)
            if len(rows) > MOST_FILES:
                wrong = gettext("{path} holds more than {most:,} pictures: give a smaller folder.")
                raise ValueError(wrong.format(path=root, most=MOST_FILES))

    visit(root, ())
    described = [p for p in others if p.suffix.lower() == ".json" and p.with_suffix(".png") in {row.file for row in rows}]
    others = [p for p in others if p not in described or aseprite_frames(p) is None]
    odd = [f"{p.relative_to(root)} {absent(p)}" for p in others if not p.is_file()]
    left += [named(odd)] if odd else []
    others = [p for p in others if p.is_file()]
    if others:
        names = named([str(p.relative_to(root)) for p in others])
        left.append(gettext("{n} of another kind ({names})").format(n=len(others), names=names))
    left += [named(sorted(set(hidden)))] if hidden else []
    tables = [p for p in others if p.suffix.lower() in (".csv", ".json", ".tsv")]
    if tables:
        notes.append(gettext("to use the words of a table, give the table itself: --data {path}").format(path=tables[0]))
    arrays = [p for p in others if p.suffix.lower() in (".npy", ".npz")]
    if arrays:
        notes.append(gettext("to read an array, give the array itself: --data {path}").format(path=arrays[0]))
    if folders and any(row.words for row in rows):
        loose = [row.file.name for row in rows if not row.words]
        rows = [row for row in rows if row.words]
        if loose:
            told = gettext("{names}, which lie beside the folders and so without words: move it into one")
            if len(loose) == 1:
                told = gettext("{names}, which lies beside the folders and so without words: move it into one")
            left.append(told.format(names=named(loose)))
    return rows


def _of_rows(rows: list[Row], bad: list[str], notes: list[str]) -> list[Frame]:
    """The frames of all pictures that can be opened; sentences about the others go to `bad`."""
    frames = []
    for row in rows:
        try:
            frames += _open(row, notes)
        except (ValueError, OSError) as error:
            bad.append(str(error))
    return frames


def _open(row: Row, notes: list[str]) -> Iterator[Frame]:
    picture: Picture = open_picture(row.file)
    name = str(row.file)
    if picture.note:
        notes.append(f"{name}: {picture.note}")
    beside = row.file.with_suffix(".json")
    entries = aseprite_frames(beside) if len(picture.frames) == 1 and beside.is_file() else None
    if entries:
        parts = cut_frames(picture.frames[0], entries, beside)
        notes.append(gettext("{path}: {n} frames as {name} says").format(path=name, n=len(parts), name=beside.name))
        return iter([Frame(name, part, row.words, True) for part in parts])
    if len(picture.frames) > 1:
        notes.append(gettext("{path}: {n} frames").format(path=name, n=len(picture.frames)))
    return iter([Frame(name, pixels, row.words) for pixels in picture.frames])


def _is_square(frame: Frame) -> bool:
    height, width = frame.pixels.shape[:2]
    return frame.whole or (height == width and height in SIDES)


def _short(root: Path, sentence: str) -> str:
    """A sentence about a file in a folder, without the folder and the full stop."""
    return sentence.replace(f"{root}{os.sep}", "").rstrip(".")


def _of_arrays(path: Path, cut: Cut, names: tuple[str, ...]) -> Read:
    found = read_arrays(path, cut, names)
    n = len(found.images)
    blank = (found.images == found.images[:, :1, :1]).all((1, 2, 3))
    repeated = n - len({image.tobytes() for image in found.images})
    contexts, words = found.contexts, found.words
    if contexts is None:
        contexts, words = np.zeros((n, len(CLASSES)), np.float32), CLASSES
    side = found.images.shape[1]
    notes = [gettext("{path}: {sprites} of {side}×{side}").format(path=path, sprites=how_many(n), side=side), *found.notes]
    if repeated:
        notes.append(gettext("{repeated} of {n} are repeated: an array keeps them").format(repeated=repeated, n=n))
    if contexts.any():
        notes.append(said_words(contexts, words))
    many = gettext("{blank} of {n} sprites are of one colour and are learned, too: take them out if they are blank.")
    many = many.format(blank=blank.sum(), n=n)
    warnings = found.warnings + ([many] if blank.any() and not blank.all() else [])
    return Read(found.images, contexts, words, notes, warnings)
