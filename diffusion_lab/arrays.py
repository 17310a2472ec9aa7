"""Arrays of other people: .npy and .npz with pictures and labels, the short course's arrays among them.

Other orders, ranges and kinds of numbers are converted where they can mean one thing only, and that is said.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from .cutting import SIDES, Cut, composed
from .language import gettext
from .sprites import CLASSES
from .tables import MOST_WORDS, as_word, as_words, named
from .words import Vocabulary

MOST_WEIGHT = 2.0  # of a word, as in prompts
IMAGES = ("images", "image", "x", "sprites", "data", "arr_0")
LABELS = ("labels", "label", "y", "classes", "targets", "words", "arr_1")
NAMES = ("names", "label_names", "class_names")


class Arrays(NamedTuple):
    """images: (N, S, S, 3) uint8. contexts: (N, V) float32 for `words`, or None without labels. notes: what was converted.
    warnings: what to look at."""

    images: np.ndarray
    contexts: np.ndarray | None
    words: tuple[str, ...]
    notes: list[str]
    warnings: list[str]


def read_arrays(path: Path, cut: Cut, names: tuple[str, ...]) -> Arrays:
    """The pictures and labels of an .npy (its labels in another one beside it) or of an .npz.

    names: of the classes, where labels are whole numbers. ValueError, in one sentence, if they cannot be understood.
    """
    notes = []
    if path.suffix.lower() == ".npz":
        images, labels, own, where = _from_npz(path)
    else:
        images, labels, own, where = _load(path), None, (), _labels_beside(path)
        if where is None:
            notes.append(_about_missing_labels(path))
        else:
            labels = _load(where)
            notes.append(gettext("labels from {name}").format(name=where.name))
    images = _as_images(path, images, cut, notes)
    if labels is None:
        return Arrays(images, None, (), notes, [])
    if labels.ndim == 0:
        wrong = gettext("{path} holds one number; labels are whole numbers (N,), or numbers (N, words).")
        raise ValueError(wrong.format(path=where))
    if len(labels) != len(images):
        wrong = gettext("{path} has {labels} labels for {sprites} sprites; the numbers must be equal.")
        raise ValueError(wrong.format(path=where, labels=len(labels), sprites=len(images)))
    contexts, words = _as_contexts(where, labels, tuple(as_word(name) for name in names) or own)
    Vocabulary.of(words, torch.zeros(0, len(words)))  # refuses names that prompts cannot say
    if not contexts.any():
        notes.append(gettext("all labels are 0, and say nothing"))
    return Arrays(images, contexts, words, notes, _about_weights(where, contexts, words))


def _labels_beside(path: Path) -> Path | None:
    beside = (path.with_name(path.name.replace("sprites_", "sprite_labels_nc_", 1)), path.with_name(f"{path.stem}_labels.npy"))
    return next((p for p in beside if p != path and p.exists()), None)


def _about_missing_labels(path: Path) -> str:
    """That there are no labels, and which file there may be meant: one named after labels that is no other array's."""
    near = []
    for other in sorted(path.parent.iterdir()):
        owner = other.with_name(f"{other.name.rsplit('_labels', 1)[0]}.npy")
        if other != path and "label" in other.name.lower() and (owner == other or not owner.exists()):
            near.append(other.name)
    wanted = f"{path.stem}_labels.npy"
    if not near:
        return gettext("no labels: there is no {name}").format(name=wanted)
    told = gettext("no labels: {names} lies there; if it has the labels, rename it {name}")
    return told.format(names=named(near), name=wanted)


def _load(path: Path) -> np.ndarray:
    try:
        with open(path, "rb") as file:
            a = np.lib.format.read_array(file, allow_pickle=False)
    except PermissionError as error:
        raise OSError(gettext("{path} could not be opened ({reason}).").format(path=path, reason=error.strerror)) from error
    except Exception as error:  # a damaged header is read as Python text and raises anything
        wrong = gettext("{path} is truncated, holds Python objects, or is no .npy file; save a plain array.")
        raise ValueError(wrong.format(path=path)) from error
    return a


def _from_npz(path: Path) -> tuple[np.ndarray, np.ndarray | None, tuple[str, ...], str]:
    """The pictures, the labels or None, the names or (), and what to call the labels in a sentence."""
    try:
        with np.load(path, allow_pickle=False) as archive:
            held = {name: archive[name] for name in archive.files}
            held = {name: a for name, a in held.items() if isinstance(a, np.ndarray)}  # other files are bytes
    except PermissionError as error:
        raise OSError(gettext("{path} could not be opened ({reason}).").format(path=path, reason=error.strerror)) from error
    except Exception as error:  # zipfile, zlib and numpy raise a dozen kinds of errors
        wrong = gettext("{path} is truncated, holds Python objects, or is no .npz file; save plain arrays.")
        raise ValueError(wrong.format(path=path)) from error
    lower = {name.lower(): a for name, a in held.items()}
    pictures = [name for name, a in lower.items() if a.ndim >= 3]
    image = next((name for name in IMAGES if name in pictures), pictures[0] if len(pictures) == 1 else None)
    if image is None:
        what = named([f"{name} {a.shape}" for name, a in held.items()]) or gettext("nothing")
        wrong = gettext("{path} holds {what}: call the pictures images, and what they show labels.")
        raise ValueError(wrong.format(path=path, what=what))
    texts = [name for name, a in lower.items() if a.dtype.kind == "U" and a.ndim == 1]
    others = [name for name in lower if name != image and name not in texts]
    names = next((name for name in NAMES if name in texts), texts[0] if len(texts) == 1 and others else None)
    rest = [name for name in lower if name not in (image, names)]
    label = next((name for name in LABELS if name in rest), rest[0] if len(rest) == 1 else None)
    own = tuple(as_word(str(name)) for name in lower[names]) if names else ()
    return lower[image], lower.get(label), own, f"{path} ({label})"


def _as_images(path: Path, a: np.ndarray, cut: Cut, notes: list[str]) -> np.ndarray:
    """(N, S, S, 3) uint8 of an array of pictures in any usual order and range."""
    if cut.tile is not None or cut.spacing is not None or cut.margin is not None:
        already = gettext("{path} is an array, which has its tiles already: leave out --tile, --spacing and --margin.")
        raise ValueError(already.format(path=path))
    shape = f"{a.dtype} {a.shape}"
    wrong = gettext("{path} holds {shape}; sprites are uint8 (N, 16, 16, 3), or of another side from 8 to 64.")
    wrong = ValueError(wrong.format(path=path, shape=shape))
    if a.ndim == 3 and a.shape[-1] in (3, 4) and a.shape[0] == a.shape[1]:
        a = a[None]
        notes.append(gettext("{shape} read as one sprite").format(shape=shape))
    if a.ndim == 3:
        a = a[..., None]
    if a.ndim != 4 or not a.size:
        raise wrong
    last, second = a.shape[3] in (1, 3, 4), a.shape[1] in (1, 3, 4)
    if second and not last:
        a = a.transpose(0, 2, 3, 1)
        notes.append(gettext("{shape} read as (N, channels, height, width)").format(shape=shape))
    elif not last:
        raise wrong
    a = _as_bytes(path, a, notes)
    if a.shape[3] == 1:
        a = a.repeat(3, 3)
        notes.append(gettext("gray read as colour"))
    if a.shape[3] == 3:
        a = np.concatenate([a, np.full_like(a[..., :1], 255)], 3)
    width, height = a.shape[2], a.shape[1]
    if cut.pad is None and (width != height or width not in SIDES):
        odd = gettext("{path} holds {shape}: pictures of {width}×{height}; add --pad with a side that is a multiple of 4.")
        raise ValueError(odd.format(path=path, shape=shape, width=width, height=height))
    return composed(a, cut)


def _as_bytes(path: Path, a: np.ndarray, notes: list[str]) -> np.ndarray:
    """The numbers of pictures as 0 to 255."""
    if a.dtype == np.uint8 and a.max() > 1:
        return a
    if a.dtype == bool:
        notes.append(gettext("true and false read as white and black"))
        return a.astype(np.uint8) * 255
    if a.dtype.kind not in "fiu":
        wrong = gettext("{path} holds {kind}, which are no colours; save uint8 from 0 to 255.")
        raise ValueError(wrong.format(path=path, kind=a.dtype))
    if not np.isfinite(a).all():
        raise ValueError(gettext("{path} holds colours that are no finite numbers; make it again.").format(path=path))
    low, high = float(a.min()), float(a.max())
    a = a.astype(np.float64)
    if low < 0 or (high <= 1 and a.size):
        if -1 <= low and high <= 1 and (a != np.round(a)).any():
            a = (a + 1) * 127.5 if low < 0 else a * 255
            told = gettext("numbers from {low} to 1 read as colours from 0 to 255")
            notes.append(told.format(low=-1 if low < 0 else 0))
            return (a + 0.5).astype(np.uint8)
        wrong = gettext(
            "{path} holds numbers from {low:g} to {high:g}, whose range is not clear: "
            "scale them to 0 to 255 and save them as uint8."
        )
        raise ValueError(wrong.format(path=path, low=low, high=high))
    if high > 255:
        wrong = gettext("{path} holds numbers up to {high:g}; colours go to 255: scale them and save them as uint8.")
        raise ValueError(wrong.format(path=path, high=high))
    notes.append(gettext("numbers from 0 to 255 read as they are"))
    return (a + 0.5).astype(np.uint8)


def _as_contexts(where: str | Path, labels: np.ndarray, names: tuple[str, ...]) -> tuple[np.ndarray, tuple[str, ...]]:
    """Labels as contexts (N, V), and the V words."""
    if labels.dtype.kind == "U" and labels.ndim == 1:
        rows = [as_words(str(text)) for text in labels]
        words = tuple(sorted({word for row in rows for word in row}))
        _check_count(where, len(words))
        return np.array([[word in row for word in words] for row in rows], np.float32).reshape(len(rows), -1), words
    if labels.dtype.kind not in "fiub" or labels.ndim not in (1, 2):
        wrong = gettext("{path} holds {kind} {shape}; labels are whole numbers (N,), or numbers (N, words).")
        raise ValueError(wrong.format(path=where, kind=labels.dtype, shape=labels.shape))
    if not np.isfinite(labels).all():
        raise ValueError(gettext("{path} holds labels that are not finite numbers; make it again.").format(path=where))
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.ndim == 1:
        whole = labels.astype(np.float64)
        if (whole < 0).any() or (whole != np.floor(whole)).any() or (whole >= 2**31).any():
            wrong = gettext("{path} holds labels that are no whole numbers from 0: one for each class, as 0, 1, 2.")
            raise ValueError(wrong.format(path=where))
        present = np.unique(whole.astype(np.int64))
        if names and present.max() >= len(names):
            wrong = gettext("{path} has the class {last} and there are {names} names: name each class.")
            raise ValueError(wrong.format(path=where, last=present.max(), names=len(names)))
        words = names or tuple(f"class {value}" for value in present)
        _check_count(where, len(words))
        columns = np.arange(len(names)) if names else present
        return (whole[:, None] == columns).astype(np.float32), words
    if labels.min() < 0 or labels.max() > MOST_WEIGHT:
        wrong = gettext(
            "{path} holds labels from {low:g} to {high:g}, which are no weights of words: "
            "give a 1 for each word that a sprite has, 0 for the others, and at most {most:g}."
        )
        raise ValueError(wrong.format(path=where, low=labels.min(), high=labels.max() + 0, most=MOST_WEIGHT))
    _check_count(where, labels.shape[1])
    if names and len(names) != labels.shape[1]:
        wrong = gettext("{path} has {columns} columns and there are {names} names: give one for each column.")
        raise ValueError(wrong.format(path=where, columns=labels.shape[1], names=len(names)))
    own = CLASSES if labels.shape[1] == len(CLASSES) else tuple(f"class {k}" for k in range(labels.shape[1]))
    return labels.astype(np.float32), names or own


def _about_weights(where: str | Path, contexts: np.ndarray, words: tuple[str, ...]) -> list[str]:
    """A warning if labels are no zeros and ones: mixtures look so, but also what is no label."""
    other = contexts[(contexts != 0) & (contexts != 1)]
    if not other.size:
        return []
    rows = int(((contexts != 0) & (contexts != 1)).any(1).sum())
    told = gettext(
        "{path} holds labels other than 0 and 1 ({low:.2g} to {high:.2g}), for {n} of its sprites: they are learned as "
        'weights of words, as in "{example}"; if they are something else, leave them out.'
    )
    example = f"{other[0]:.2g} {words[int(np.argwhere(contexts == other[0])[0][1])]}"
    return [told.format(path=where, low=other.min(), high=other.max(), n=rows, example=example)]


def _check_count(where: str | Path, count: int):
    if not 1 <= count <= MOST_WORDS:
        wrong = gettext("{path} has {n:,} classes; a network can learn from 1 to {most:,}.")
        raise ValueError(wrong.format(path=where, n=count, most=MOST_WORDS))
