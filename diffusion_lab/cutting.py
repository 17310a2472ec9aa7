"""What the user says of how pictures are cut, and what becomes of a figure: a square of 8 to 64 pixels on a background."""

from dataclasses import dataclass

import numpy as np
from PIL import ImageColor

TILE = 16
SIDES = range(8, 65, 4)  # of the squares that a ContextUnet draws


@dataclass(frozen=True)
class Cut:
    """How the user wants pictures cut; None is what the picture says. ValueError, in one sentence, for what cannot be.

    tile: (width, height) of a figure in pixels. pad: the side of the square that each figure is put into the middle of.
    spacing: pixels between tiles. margin: pixels around them. background: the colour that transparent pixels get.
    """

    tile: tuple[int, int] | None = None
    pad: int | None = None
    spacing: int | None = None
    margin: int | None = None
    background: str = "white"

    def __post_init__(self):
        if self.pad is not None and self.pad not in SIDES:
            raise ValueError(f"--pad must be a multiple of 4 from {SIDES[0]} to {SIDES[-1]}, not {self.pad}.")
        if self.tile is not None:
            square_of(self.tile, self.pad)
        for name in ("spacing", "margin"):
            value = getattr(self, name)
            if value is not None and not 0 <= value <= 256:
                raise ValueError(f"--{name} must be from 0 to 256 pixels, not {value}.")
        self.paper  # noqa: B018, an unknown colour is refused now

    @property
    def paper(self) -> tuple[int, int, int]:
        """The background as RGB. ValueError for another text than a colour."""
        if self.background == "transparent":
            cure = "give a colour that the sprites lack; sample --background transparent then clears what is around them"
            raise ValueError(f"--background: the network draws colours and no transparency: {cure}.")
        try:
            return ImageColor.getrgb(self.background)[:3]
        except ValueError as error:
            raise ValueError(f'--background: {self.background!r} is no colour: give a name ("navy") or "#rrggbb".') from error


def square_of(tile: tuple[int, int], pad: int | None) -> int:
    """The side of the square that a figure becomes. ValueError, with the option that helps, if it becomes none."""
    width, height = tile
    if width < 1 or height < 1:
        raise ValueError(f"--tile must be at least 1 pixel wide and high, not {width}×{height}.")
    if pad is None:
        if width == height and width in SIDES:
            return width
        side = -(-max(width, height) // 4) * 4
        what = "are no squares" if width != height else "have no side that is a multiple of 4 from 8 to 64"
        cure = f"add --pad {max(side, SIDES[0])}" if side <= SIDES[-1] else "make them smaller first"
        raise ValueError(f"Figures of {width}×{height} pixels {what}: {cure}.")
    if max(width, height) > pad:
        raise ValueError(f"Figures of {width}×{height} pixels do not fit into --pad {pad}: give a larger one.")
    return pad


def composed(tiles: np.ndarray, cut: Cut) -> np.ndarray:
    """Figures (N, h, w, 4) on the background, in the middle of squares where they are padded: (N, side, side, 3) uint8."""
    n, height, width = tiles.shape[:3]
    side = square_of((width, height), cut.pad)
    square = np.zeros((n, side, side, 4), np.uint8)
    top, left = (side - height) // 2, (side - width) // 2
    square[:, top : top + height, left : left + width] = tiles
    opacity = square[..., 3:].astype(np.float64) / 255
    return (square[..., :3] * opacity + np.array(cut.paper) * (1 - opacity) + 0.5).astype(np.uint8)
