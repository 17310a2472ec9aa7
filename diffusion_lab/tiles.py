"""From opened pictures to sprites: cut into tiles, without those that are blank or repeated, and what there is to say."""

from collections import Counter
from pathlib import Path
from typing import NamedTuple

import numpy as np

from .cutting import Cut, composed
from .language import gettext
from .layouts import cut_in_two, each_is_one, layout_of
from .lexicon import parts_of
from .sprites import CLASSES
from .tables import merged, named

MOST_TILES = 1 << 20


class Read(NamedTuple):
    """Sprites that were read, and what there is to say.

    images: (N, S, S, 3) uint8. contexts: (N, V) float32, ones and zeros, for the V `words`; where no words are known, zeros
    for CLASSES. notes: lines that say what was read. warnings: what to look at.
    """

    images: np.ndarray
    contexts: np.ndarray
    words: tuple[str, ...]
    notes: list[str]
    warnings: list[str]

    def texts(self, count: int) -> list[str]:
        """The words of the first `count` sprites, each as one text."""
        rows = self.contexts[:count]
        return [", ".join(word for word, value in zip(self.words, row, strict=True) if value) for row in rows]


class Frame(NamedTuple):
    """One picture that was opened: where it is from, its pixels (H, W, 4), its words, and whether its size is certain."""

    name: str
    pixels: np.ndarray
    words: tuple[str, ...]
    whole: bool = False


def sifted(path: Path, frames: list[Frame], cut: Cut, notes: list[str]) -> Read:
    """All tiles of all frames, on the background, without blank and repeated ones."""
    certain = each_is_one(path, [(frame.pixels, frame.whole) for frame in frames], cut)
    tiles, words, wrong, grids, warnings = [], [], {}, Counter(), []
    for frame in frames:
        try:
            layout = layout_of(frame.name, frame.pixels, cut, certain or frame.whole)
        except ValueError as error:
            wrong[frame.name] = str(error)
            continue
        grids[layout.told()] += 1
        other = cut_in_two(frame.pixels, layout) if cut.tile is None and cut.pad is None else ""
        if other:
            doubt = gettext("{path}: its figures look like {size}, and 16×16 cuts them in two: add --tile {size} --pad 32.")
            warnings.append(doubt.format(path=frame.name, size=other))
        tiles += list(layout.tiles(frame.pixels))
        words += [frame.words] * layout.count
        if len(tiles) > MOST_TILES:
            raise ValueError(
                gettext("{path} holds more than {most:,} tiles: give fewer files.").format(path=path, most=MOST_TILES)
            )
    if wrong:
        first, *others = wrong.values()
        also = gettext(" The same holds for {names}.").format(names=named(list(wrong)[1:])) if others else ""
        raise ValueError(first + also)
    sides = sorted({tile.shape[:2] for tile in tiles})
    if len(sides) > 1 and cut.pad is None:
        sizes = named([f"{w}×{h}" for h, w in sides])
        different = gettext("{path} holds sprites of different sizes ({sizes}): add --pad with a side that holds all of them.")
        raise ValueError(different.format(path=path, sizes=sizes))
    found = [composed(tile[None], cut)[0] for tile in tiles] if len(sides) > 1 else list(composed(np.stack(tiles), cut))
    kept, left, vanished, repeated, seen = [], Counter(), [], 0, set()
    for k, tile in enumerate(tiles):
        key = (found[k].tobytes(), frozenset(map(parts_of, words[k])))
        blank = _blank(tile)
        if blank:
            left[blank] += 1
        elif (found[k] == found[k][0, 0]).all():
            vanished.append(k)
        elif key in seen:
            repeated += 1
        else:
            seen.add(key)
            kept.append(k)
    if vanished and not kept:
        doubt = gettext(
            "all {n} sprites vanish in the background ({colour}): choose another with --background, as --background navy."
        )
        warnings.append(doubt.format(n=len(vanished), colour=cut.background))
        kept, vanished = vanished, []
    if not kept:
        empty = gettext("{path} holds {n} tiles, all blank ({left}): there is nothing to learn from.")
        raise ValueError(empty.format(path=path, n=len(tiles), left=_counted(left)))
    gone = [f"{_counted(left)}"] if left else []
    if vanished:
        told = gettext("{n} that vanish in the background ({colour}; see --background)")
        gone.append(told.format(n=len(vanished), colour=cut.background))
    gone += [gettext("{n} repeated").format(n=repeated)] if repeated else []
    side = found[kept[0]].shape[0]
    files = len({frame.name for frame in frames})
    what = [f"{count} × {told}" if count > 1 else told for told, count in grids.items()]
    pictures = gettext("1 picture") if files == 1 else gettext("{n} pictures").format(n=files)
    head = gettext("{path}: {sprites} of {side}×{side} from {pictures} (tiles: {layouts})")
    told = [head.format(path=path, sprites=how_many(len(kept)), side=side, pictures=pictures, layouts=named(what, 3))]
    if gone:
        told.append(gettext("left out of {n} tiles: {names}").format(n=len(tiles), names=", ".join(gone)))
    contexts, known = _contexts([words[k] for k in kept])
    silent = gettext("no words; folders' names, a table or labels give them")
    told += [*notes, said_words(contexts, known) if contexts.any() else silent]
    return Read(np.stack([found[k] for k in kept]), contexts, known, told, warnings)


def _blank(tile: np.ndarray) -> str:
    """What to call a tile (h, w, 4) on which nothing is; "" if something is."""
    if not tile[..., 3].any():
        return gettext("transparent")
    if not (tile == tile[0, 0]).all():
        return ""
    colour = "#{:02x}{:02x}{:02x}".format(*tile[0, 0, :3])
    other = gettext("of one colour ({colour})").format(colour=colour)
    return {"#ffffff": gettext("white"), "#000000": gettext("black")}.get(colour, other)


def _counted(left: Counter) -> str:
    return named([f"{count} {name}" for name, count in left.most_common()], 4)


def _contexts(rows: list[tuple[str, ...]]) -> tuple[np.ndarray, tuple[str, ...]]:
    """Contexts (N, V) of the words of each sprite, and the words; CLASSES where there are none, or none but these."""
    spelled = {}
    for word in merged(rows):
        spelled.setdefault(parts_of(word), word)
    words = tuple(sorted(spelled.values()))
    if set(words) <= set(CLASSES):
        words = CLASSES
    column = {parts_of(word): k for k, word in enumerate(words)}
    contexts = np.zeros((len(rows), len(words)), np.float32)
    for k, row in enumerate(rows):
        contexts[k, [column[parts_of(word)] for word in row]] = 1
    return contexts, words


def how_many(n: int) -> str:
    """A number of sprites in words."""
    return gettext("1 sprite") if n == 1 else gettext("{n:,} sprites").format(n=n)


def said_words(contexts: np.ndarray, words: tuple[str, ...]) -> str:
    """A line about the words: each with the number of its sprites. contexts: (N, V), for the V words."""
    counts = (contexts != 0).sum(0)
    used = [f"{word} ({count})" for word, count in zip(words, counts, strict=True) if count]
    without = int((contexts == 0).all(1).sum())
    told = gettext("1 word: {names}") if len(used) == 1 else gettext("{n} words: {names}")
    rest = gettext("; {n} sprites without").format(n=without) if without else ""
    return told.format(n=len(used), names=named(used, 12)) + rest
