"""Where the tiles of a sheet are: side by side, with space between them, with a border.

A layout is recognised where only one fits. A sheet that fits two ways is refused with both, and the options for each.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from .cutting import SIDES, TILE, Cut, composed
from .language import gettext


class Layout(NamedTuple):
    """Where the tiles of a sheet are: `columns` × `rows` of them, the first one `margin` pixels from the left and the top."""

    tile: tuple[int, int]
    columns: int
    rows: int
    spacing: int
    margin: int

    @property
    def count(self) -> int:
        return self.columns * self.rows

    def told(self) -> str:
        """The layout in words: "tiles of 16×16, 4 × 3, 1 px between them"."""
        (width, height), s, m = self.tile, self.spacing, self.margin
        space = gettext(", {n} px between them").format(n=s) if s else ""
        space += gettext(", {n} px around them").format(n=m) if m else ""
        if s and s == m:
            space = gettext(", {n} px between and around them").format(n=s)
        return f"{width}×{height}, {self.columns} × {self.rows}{space}"

    def options(self) -> str:
        """What to type for this layout."""
        width, height = self.tile
        tile = f"{width}" if width == height else f"{width}x{height}"
        return f"--tile {tile} --spacing {self.spacing} --margin {self.margin}"

    def places(self) -> list[tuple[int, int]]:
        """The top left corner (y, x) of each tile, row by row."""
        (width, height), s, m = self.tile, self.spacing, self.margin
        return [(m + r * (height + s), m + c * (width + s)) for r in range(self.rows) for c in range(self.columns)]

    def tiles(self, sheet: np.ndarray) -> np.ndarray:
        """(N, h, w, C) of a sheet (H, W, C)."""
        width, height = self.tile
        return np.stack([sheet[y : y + height, x : x + width] for y, x in self.places()])


def layouts(sheet: np.ndarray, tile: tuple[int, int], cut: Cut) -> list[Layout]:
    """The ways in which a sheet (H, W, 4) can be read as tiles of this size: none, one, or several.

    Where the user gave neither spacing nor margin: tiles side by side, and tiles with 1 px between them, without or with a
    border, or after each of them; a spaced way counts only where all that lies between the tiles is of one colour.
    """
    if cut.spacing is None and cut.margin is None:
        ways = [(0, 0), (1, 0), (1, 1)]
    elif cut.margin is None:
        ways = [(cut.spacing, 0), (cut.spacing, cut.spacing)]
    else:
        ways = [(s, cut.margin) for s in ((0, 1) if cut.spacing is None else (cut.spacing,))]
    found = []
    for spacing, margin in ways:
        for end in {margin, spacing + margin}:  # a border, or as much as after every other tile
            rows, columns = (_count(n, t, spacing, margin, end) for n, t in zip(sheet.shape[:2], tile[::-1], strict=True))
            layout = Layout(tile, columns, rows, spacing, margin)
            known = [other.places() for other in found]
            guessed = cut.spacing is None and (spacing or (margin and cut.margin is None))
            if layout.count and layout.places() not in known and not (guessed and not _even_between(sheet, layout)):
                found.append(layout)
    return found


def each_is_one(path: Path, frames: list[tuple[np.ndarray, bool]], cut: Cut) -> bool:
    """Is each picture one sprite? ValueError where both that and a reading as tiles of 16×16 fit.

    frames: the pixels (H, W, 4) of each, and whether its size is that of a sprite for certain.
    """
    if all(whole for _, whole in frames):
        return True
    sizes = {pixels.shape[:2] for pixels, _ in frames}
    if cut.tile is not None or cut.pad is not None or cut.spacing is not None or cut.margin is not None or len(sizes) > 1:
        return False
    ((height, width),) = sizes
    square = height == width and height in SIDES
    if max(height, width) > SIDES[-1] or (height, width) == (TILE, TILE) or not (square or len(frames) > 1):
        return False
    ways = layouts(frames[0][0], (TILE, TILE), cut)
    if square and not ways:
        return True
    if not ways:
        return False  # refused later, with what fits
    tile, pad = (f"{width}", "") if square else (f"{width}x{height}", f" --pad {-(-max(width, height) // 4) * 4}")
    each = gettext("It fits") if len(frames) == 1 else gettext("All {n} pictures fit").format(n=len(frames))
    wrong = gettext(
        "{path}: {each} two ways: one sprite of {width}×{height} (--tile {one}), or {count} tiles of {tile}×{tile} "
        "(--tile {tile}): say which."
    )
    one = f"{tile}{pad}"
    raise ValueError(wrong.format(path=path, each=each, width=width, height=height, one=one, count=ways[0].count, tile=TILE))


def layout_of(name: str, pixels: np.ndarray, cut: Cut, whole: bool) -> Layout:
    """The one layout of a picture (H, W, 4); all of it where it is one sprite.

    ValueError, with the options that help, if there is none or more than one.
    """
    height, width = pixels.shape[:2]
    one = Layout((width, height), 1, 1, 0, 0)
    if whole:
        composed(pixels[None], cut)  # refuses what becomes no square
        return one
    if cut.tile is not None:
        sizes = [cut.tile]
    elif cut.pad is not None:
        sizes = [(TILE, cut.pad), (cut.pad, TILE), (TILE, TILE)]
    else:
        sizes = [(TILE, TILE)]
    ways = []
    for size in sizes:
        if cut.pad is None or max(size) <= cut.pad:
            ways += [way for way in layouts(pixels, size, cut) if way not in ways]
    fits_whole = cut.tile is None and cut.pad is not None and max(width, height) <= cut.pad
    if fits_whole and one.tile not in [way.tile for way in ways]:
        ways.append(one)
    if len(ways) == 1:
        return ways[0]
    if ways:
        reading = gettext("{n} tiles of {layout} ({options})")
        readings = [reading.format(n=way.count, layout=way.told(), options=way.options()) for way in ways[:3]]
        wrong = gettext("{name} ({width}×{height} pixels) fits {n} ways: {readings}: say which.")
        told = gettext(" or ").join(readings)
        raise ValueError(wrong.format(name=name, width=width, height=height, n=len(ways), readings=told))
    wrong = gettext("{name} is {width}×{height} pixels, which are no tiles of {wanted}{advice}.")
    wanted = gettext(" or ").join(f"{w}×{h}" for w, h in sizes)
    raise ValueError(wrong.format(name=name, width=width, height=height, wanted=wanted, advice=_advice(pixels, cut)))


def _advice(pixels: np.ndarray, cut: Cut) -> str:
    """What may help a picture that no layout fits: "; if its figures are 16×28, add --pad 28"."""
    height, width = pixels.shape[:2]
    all_three = gettext(
        ": give the size of its tiles with --tile, the space between them with --spacing, the border with --margin"
    )
    if cut.tile is not None or cut.pad is not None:
        return all_three
    for spacing in (1, 2):
        for margin in (0, spacing):
            trial = Cut(spacing=spacing, margin=margin)
            if layouts(pixels, (TILE, TILE), trial):
                nearly = gettext(
                    "; with {n} px between them they would be (--spacing {n} --margin {margin}), "
                    "but what lies between is not of one colour"
                )
                return nearly.format(n=spacing, margin=margin)
    for w, h in ((TILE, _figure(pixels)), (_figure(pixels.swapaxes(0, 1)), TILE)):
        if w and h and width % w == 0 and height % h == 0:
            pad = -(-max(w, h) // 4) * 4
            return gettext("; if its figures are {width}×{height}, add --pad {pad}").format(width=w, height=h, pad=pad)
    fitting = [side for side in (32, 24, 8, *SIDES) if width % side == 0 and height % side == 0]
    if fitting:
        return gettext("; if its tiles are {side}×{side}, add --tile {side}").format(side=fitting[0])
    return all_three


def _figure(pixels: np.ndarray) -> int:
    """The height of figures, 17 to 64, that fills a picture (H, W, 4) and cuts the fewest in two; 0 if there is none."""
    fitting = [side for side in range(TILE + 1, SIDES[-1] + 1) if len(pixels) % side == 0]
    return min(fitting, key=lambda side: _crossed(pixels, range(side, len(pixels), side)), default=0)


def cut_in_two(pixels: np.ndarray, layout: Layout) -> str:
    """The figures that a sheet of 16×16 seems to hold instead, as "16x32", where they go on across every other cut; or ""."""
    if layout.tile != (TILE, TILE) or layout.spacing or layout.margin:
        return ""
    for sheet, figure in ((pixels, f"{TILE}x{2 * TILE}"), (pixels.swapaxes(0, 1), f"{2 * TILE}x{TILE}")):
        within, between = range(TILE, len(sheet), 2 * TILE), range(2 * TILE, len(sheet), 2 * TILE)
        if len(sheet) % (2 * TILE) == 0 and _crossed(sheet, within) > 0.25 and _crossed(sheet, between) < 0.05:
            across = sheet.swapaxes(0, 1)
            if len(between) or _crossed(across, range(TILE, len(across), TILE)) < 0.05:
                return figure
    return ""


def _crossed(pixels: np.ndarray, cuts: range) -> float:
    """How much of the cuts before these rows goes through figures, 0 to 1: pixels on both sides that are no background."""
    if not len(cuts):
        return 0.0
    packed = np.ascontiguousarray(pixels).view(np.uint32)[..., 0]
    values, counts = np.unique(packed, return_counts=True)
    figure = (packed != values[counts.argmax()]) & (pixels[..., 3] > 0)
    return float(np.mean([(figure[row - 1] & figure[row]).mean() for row in cuts]))


def _count(length: int, tile: int, spacing: int, margin: int, end: int) -> int:
    """How many tiles fill a length exactly; 0 if none do."""
    inner = length - margin - end + spacing
    return inner // (tile + spacing) if inner > 0 and inner % (tile + spacing) == 0 else 0


def _even_between(sheet: np.ndarray, layout: Layout) -> bool:
    between = np.ones(sheet.shape[:2], bool)
    width, height = layout.tile
    for y, x in layout.places():
        between[y : y + height, x : x + width] = False
    rest = sheet[between]
    return bool(len(rest)) and bool((rest == rest[0]).all() or (rest[:, 3] == 0).all())
