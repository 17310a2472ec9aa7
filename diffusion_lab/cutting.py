"""What the user says of how pictures are cut, and what becomes of a figure: a square of 8 to 64 pixels on a background."""

from dataclasses import dataclass

import numpy as np
from PIL import ImageColor

from .language import gettext

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
            wrong = gettext("--pad must be a multiple of 4 from {low} to {high}, not {pad}.")
            raise ValueError(wrong.format(low=SIDES[0], high=SIDES[-1], pad=self.pad))
        if self.tile is not None:
            square_of(self.tile, self.pad)
        for name in ("spacing", "margin"):
            value = getattr(self, name)
            if value is not None and not 0 <= value <= 256:
                raise ValueError(gettext("--{name} must be from 0 to 256 pixels, not {value}.").format(name=name, value=value))
        self.paper  # noqa: B018, an unknown colour is refused now

    @property
    def paper(self) -> tuple[int, int, int]:
        """The background as RGB. ValueError for another text than a colour."""
        if self.background == "transparent":
            wrong = gettext(
                "--background: the network draws colours and no transparency: give a colour that the sprites lack; "
                "sample --background transparent then clears what is around them."
            )
            raise ValueError(wrong)
        try:
            return ImageColor.getrgb(self.background)[:3]
        except ValueError as error:
            wrong = gettext('--background: {colour!r} is no colour: give a name ("navy") or "#rrggbb".')
            raise ValueError(wrong.format(colour=self.background)) from error


def square_of(tile: tuple[int, int], pad: int | None) -> int:
    """The side of the square that a figure becomes. ValueError, with the option that helps, if it becomes none."""
    width, height = tile
    if width < 1 or height < 1:
        wrong = gettext("--tile must be at least 1 pixel wide and high, not {width}×{height}.")
        raise ValueError(wrong.format(width=width, height=height))
    if pad is None:
        if width == height and width in SIDES:
            return width
        side = -(-max(width, height) // 4) * 4
        what = gettext("have no side that is a multiple of 4 from 8 to 64")
        if width != height:
            what = gettext("are no squares")
        cure = gettext("make them smaller first")
        if side <= SIDES[-1]:
            cure = gettext("add --pad {side}").format(side=max(side, SIDES[0]))
        wrong = gettext("Figures of {width}×{height} pixels {what}: {cure}.")
        raise ValueError(wrong.format(width=width, height=height, what=what, cure=cure))
    if max(width, height) > pad:
        wrong = gettext("Figures of {width}×{height} pixels do not fit into --pad {pad}: give a larger one.")
        raise ValueError(wrong.format(width=width, height=height, pad=pad))
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
