"""What people write beside their pictures: tables of files and words (CSV, JSON), and the frames that Aseprite exports."""

import csv
import json
import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from .language import gettext
from .lexicon import JOINS, NOTS, parts_of
from .pictures import MOST_PIXELS

MOST_WORDS = 4096  # a network has a column of weights for each
SEPARATORS = ",;|/"
TITLES = {"file", "files", "filename", "file_name", "name", "path", "image", "picture", "sprite"}  # of a table's first column


class Row(NamedTuple):
    """One line of a table: a picture and its words."""

    file: Path
    words: tuple[str, ...]


def as_word(name: str) -> str:
    """The word that a name stands for, as prompts can be read: "Red_Dragon" stays, "3" becomes "class 3", commas go.

    ValueError, in one sentence, if nothing is left.
    """
    word = re.sub(r"[\s,;!?+&()\[\]{}\"“”„«»|/]+", " ", name).strip(" .-")
    if re.fullmatch(r"[\d.]+", word):
        return f"class {word}"
    if not any(character.isalnum() for character in word):
        raise ValueError(gettext("The name {name!r} holds no letter and cannot be a word: rename it.").format(name=name))
    if all(token in JOINS | NOTS for token in parts_of(word)):
        wrong = gettext('The name {name!r} cannot be a word: prompts read "a", "and", "not" and the like otherwise: rename it.')
        raise ValueError(wrong.format(name=name))
    return word


def as_words(text: str) -> tuple[str, ...]:
    """The words of a cell: parted at commas, semicolons, | and / where there are any, else at spaces ("fried_egg" is one)."""
    parts = re.split(f"[{SEPARATORS}]", text) if any(mark in text for mark in SEPARATORS) else text.split()
    return tuple(as_word(part) for part in parts if part.strip())


def read_table(path: Path) -> list[Row]:
    """The rows of a CSV (file, words; a first line with titles is passed over) or of a JSON.

    The JSON is an object {file: words}, or a list of objects with "file" and "words"; words are a text or a list. Files are
    looked for beside the table. ValueError, in one sentence, if it is no such table or names pictures that are not there.
    """
    text = _text(path)
    pairs = _json_pairs(path, text) if path.suffix.lower() == ".json" else _csv_pairs(path, text)
    web = [file for file, _ in pairs if "://" in file]
    if web:
        wrong = gettext("{path} names web addresses ({names}), and nothing is fetched: save the pictures beside it.")
        raise ValueError(wrong.format(path=path, names=named(web, 2)))
    rows = [Row(path.parent / file, words) for file, words in pairs]
    said = {}
    for row in rows:
        words = {parts_of(word) for word in row.words}
        if said.setdefault(os.path.normpath(row.file), words) != words:
            name = row.file.relative_to(path.parent)
            wrong = gettext("{path} names {name} twice, with other words: write it once, with all its words.")
            raise ValueError(wrong.format(path=path, name=name))
    missing = [str(row.file) for row in rows if not row.file.is_file()]
    if missing:
        wrong = gettext("{path} names files that are not there: {names}; give them as seen from the table's folder.")
        raise ValueError(wrong.format(path=path, names=named(missing)))
    if not rows:
        wrong = gettext("{path} names no pictures: write a line for each, as knight.png,red knight.")
        raise ValueError(wrong.format(path=path))
    return rows


def aseprite_frames(path: Path) -> list[dict] | None:
    """The frames that a JSON of Aseprite describes, each with its place and size; None if the file is no such JSON."""
    try:
        told = json.loads(_text(path))
        frames = told["frames"]
        frames = list(frames.values()) if isinstance(frames, dict) else frames
        return frames if frames and all("frame" in frame for frame in frames) else None
    except (ValueError, KeyError, TypeError, AttributeError, OSError, RecursionError):
        return None


def aseprite_image(path: Path) -> Path:
    """The picture that Aseprite's JSON belongs to. ValueError if it is not there."""
    named_by = json.loads(_text(path)).get("meta", {}).get("image", "")
    for name in (Path(str(named_by)).name, f"{path.stem}.png"):
        if name and (path.parent / name).is_file():
            return path.parent / name
    wrong = gettext("{path} is a JSON of Aseprite whose picture {name!r} does not lie beside it: put it there.")
    raise ValueError(wrong.format(path=path, name=named_by))


def cut_frames(sheet: np.ndarray, frames: list[dict], path: Path) -> list[np.ndarray]:
    """Each frame (h, w, 4) of an Aseprite sheet, with the transparent border back that "trim" cut away."""
    cut = []
    for entry in frames:
        try:
            x, y, w, h = (int(entry["frame"][name]) for name in "xywh")
            part = sheet[y : y + h, x : x + w]
            if min(x, y) < 0 or part.shape[:2] != (h, w) or not part.size:
                raise ValueError
            if entry.get("rotated"):
                part = np.rot90(part)
            full = entry.get("sourceSize") or {"w": part.shape[1], "h": part.shape[0]}
            at = entry.get("spriteSourceSize") or {"x": 0, "y": 0}
            if not 0 < int(full["w"]) * int(full["h"]) <= MOST_PIXELS // max(len(frames), 1):
                raise ValueError
            whole = np.zeros((int(full["h"]), int(full["w"]), 4), np.uint8)
            whole[int(at["y"]) : int(at["y"]) + part.shape[0], int(at["x"]) : int(at["x"]) + part.shape[1]] = part
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            wrong = gettext("{path} describes a frame that its picture does not have: export both again.")
            raise ValueError(wrong.format(path=path)) from error
        cut.append(whole)
    return cut


def merged(found: Iterable[Sequence[str]]) -> list[str]:
    """All words that occur, sorted; those that prompts cannot tell apart ("Red dragon", "red_dragon") are one, the first.

    ValueError if there are more than a network can have.
    """
    words = sorted({word for words in found for word in words})
    if len(words) > MOST_WORDS:
        wrong = gettext("{n:,} different words are more than a network can learn ({most:,}): use fewer.")
        raise ValueError(wrong.format(n=len(words), most=MOST_WORDS))
    return words


def named(names: Sequence[str], most: int = 5) -> str:
    """Names in a row, and how many more there are."""
    more = gettext(" and {n:,} more").format(n=len(names) - most) if len(names) > most else ""
    return ", ".join(names[:most]) + more


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(gettext("{path} is no text in UTF-8: save it so.").format(path=path)) from error
    except OSError as error:
        raise OSError(gettext("{path} could not be opened ({reason}).").format(path=path, reason=error.strerror)) from error


def _csv_pairs(path: Path, text: str) -> list[tuple[str, tuple[str, ...]]]:
    first = text.split("\n", 1)[0]
    mark = max(",;\t", key=first.count)
    try:
        reader = csv.reader(text.splitlines(), delimiter=mark, strict=True)  # a quote that is never closed is an error
        lines = [line for line in reader if any(cell.strip() for cell in line)]
    except csv.Error as error:
        wrong = gettext("{path} cannot be read as a table ({error}): write file,words in each line.")
        raise ValueError(wrong.format(path=path, error=error)) from error
    if lines and lines[0][0].strip().lower() in TITLES:
        lines = lines[1:]  # the titles of the columns
    return [(line[0].strip(), tuple(word for cell in line[1:] for word in as_words(cell))) for line in lines]


def _json_pairs(path: Path, text: str) -> list[tuple[str, tuple[str, ...]]]:
    wrong = gettext(
        '{path} is no table: write {{"knight.png": "red knight"}}, or a list of {{"file": ..., "words": ...}}.'
    ).format(path=path)

    def once(pairs: list[tuple[str, object]]) -> dict:
        names = [name for name, _ in pairs]
        if len(set(names)) < len(names):
            twice = max(names, key=names.count)
            same = gettext("{path} names {name} twice: write each picture once, with all its words.")
            raise ValueError(same.format(path=path, name=twice))
        return dict(pairs)

    try:
        told = json.loads(text, object_pairs_hook=once)
    except json.JSONDecodeError as error:
        raise ValueError(gettext("{path} is no JSON ({error}): correct it there.").format(path=path, error=error)) from error
    except RecursionError as error:
        raise ValueError(wrong) from error
    if isinstance(told, dict):
        told = [{"file": file, "words": words} for file, words in told.items()]
    pairs = []
    for entry in told if isinstance(told, list) else [None]:
        file, words = (entry.get("file"), entry.get("words", "")) if isinstance(entry, dict) else (None, None)
        if isinstance(words, list) and all(isinstance(word, str) for word in words):
            words = tuple(as_word(word) for word in words)
        elif isinstance(words, str):
            words = as_words(words)
        if not isinstance(file, str) or not isinstance(words, tuple):
            raise ValueError(wrong)
        pairs.append((file, words))
    return pairs
