"""Small pictures of tensors side by side, for the notebook on PyTorch: what goes into a layer, and what comes out."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from torch import Tensor

from ..sprites import to_uint8
from ..viz import INK

SIGNED = LinearSegmentedColormap.from_list("signed", ["#6c8ebf", "#ffffff", "#d1495b"])  # below 0, 0, above 0


def panels(pictures: Mapping[str, Tensor], columns: int = 8, size: float = 1.5, numbers: bool = False) -> Figure:
    """One panel for each tensor, its name above, in rows of `columns`, each `size` inches wide.

    (3, H, W) is a picture in [-1, 1] and shown as one; (H, W) is a table of numbers: blue below 0, white at 0, red above, by
    the largest size in that panel; (N,) is one column. numbers: also write the numbers of tables.
    """
    rows = -(-len(pictures) // columns)
    fig = Figure(figsize=(size * min(columns, len(pictures)), (size + 0.35) * rows), layout="constrained")
    for k, (name, values) in enumerate(pictures.items()):
        axis = fig.add_subplot(rows, min(columns, len(pictures)), k + 1)
        draw(axis, values.detach().float(), numbers)
        axis.set_title(name, size=9, color=INK)
    return fig


def draw(axis: Axes, values: Tensor, numbers: bool = False):
    """One tensor on an axis; see `panels`."""
    if values.ndim == 3:
        axis.imshow(to_uint8(values[None])[0], interpolation="nearest")
    else:
        table = (values[:, None] if values.ndim == 1 else values).numpy()
        most = max(np.abs(table).max(), 1e-12)
        axis.imshow(table, cmap=SIGNED, vmin=-most, vmax=most, interpolation="nearest")
        if numbers:
            for (i, j), value in np.ndenumerate(table):
                axis.text(j, i, f"{value:.3g}", ha="center", va="center", size=8, color=INK)
    frame(axis)


def frame(axis: Axes):
    """A thin frame, no ticks, no grid."""
    axis.set(xticks=[], yticks=[])
    axis.grid(visible=False)
    for side in axis.spines.values():
        side.set(visible=True, linewidth=0.6, color=INK)


def curves(drawn: Mapping[str, tuple], columns: int = 6, width: float = 1.9, height: float = 1.55, label: str = "") -> Figure:
    """One small plot for each name, its name above: of (x, y), or of (x, y, colour). All have the same axes.

    label: what x is, below the last row.
    """
    rows = -(-len(drawn) // columns)
    fig = Figure(figsize=(width * min(columns, len(drawn)), height * rows))
    axes = fig.subplots(rows, min(columns, len(drawn)), sharex=True, sharey=True, squeeze=False).flatten()
    fig.subplots_adjust(wspace=0.15, hspace=0.65)  # a constrained layout of so many axes takes seconds
    for axis, (name, (x, y, *colour)) in zip(axes, drawn.items(), strict=False):
        axis.plot(x, y, color=colour[0] if colour else INK)
        axis.set_title(name, size=9, color=INK)
        axis.grid(alpha=0.25)
        axis.spines[["top", "right"]].set_visible(False)
        axis.tick_params(labelsize=7)
    for axis in axes[len(drawn) :]:
        axis.set_axis_off()
    if label:
        fig.supxlabel(label, size=9, color=INK, y=0)
    return fig


def table_of(rows: Sequence[Sequence[object]], widths: Sequence[int]) -> str:
    """Rows as aligned text: the first entry to the left, the others to the right of their columns."""
    lines = []
    for first, *others in rows:
        right = [f"{other:.3g}" if isinstance(other, float) else str(other) for other in others]
        cells = [f"{text:>{width}}" for text, width in zip(right, widths[1:], strict=True)]
        lines.append(f"{first!s:{widths[0]}}" + "".join(cells))
    return "\n".join(lines)
