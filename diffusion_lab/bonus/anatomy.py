"""Drawings of what a layer does, found by asking autograd: which inputs does an output depend on?

Nothing here knows the layers. A drawing of a layer that PyTorch changes would change with it.
"""

from collections.abc import Callable, Mapping

import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Polygon, Rectangle
from torch import Tensor, fx, nn
from torch.fx.passes.shape_prop import ShapeProp

from ..diagrams import GREY, PALE, arrow, box, canvas, write
from ..language import gettext
from ..viz import ACCENT, INK


def depends(function: Callable[[Tensor], Tensor], x: Tensor, place: tuple[int, ...]) -> Tensor:
    """Which numbers of x does the output at `place` depend on? bool, shaped like x: where the slope there is not 0."""
    x = x.detach().clone().requires_grad_()
    function(x)[place].backward()
    return x.grad.abs() > 1e-9


def sees(layer: Callable[[Tensor], Tensor], length: int = 8, width: int = 8) -> Tensor:
    """Who sees whom, (length, length): row i has a 1 for each place j of the input that place i of the output depends on.

    layer: from (1, length, width) to (1, length, any).
    """
    x = torch.randn(1, length, width, generator=torch.Generator().manual_seed(0)).requires_grad_()
    answer = layer(x)
    rows = []
    for i in range(length):
        (slope,) = torch.autograd.grad(answer[0, i].square().sum(), x, retain_graph=True)
        rows.append(slope[0].abs().amax(dim=1) > 1e-9)
    return torch.stack(rows).float()


def footprints(layers: Mapping[str, nn.Module], size: int = 7, place: tuple[int, int] = (1, 1)) -> Figure:
    """For each layer two grids: below a map of size×size, above what the layer makes of it.

    Red above is the number at `place`; red below are the numbers that it is made of. Where the output is larger, the other
    way: red below is the number at `place`, and red above are those that are made of it.
    """
    fig = Figure(figsize=(1.75 * len(layers), 3.6), layout="constrained")
    axes = fig.subplots(2, len(layers), squeeze=False)
    for (above, below), (name, layer) in zip(axes.T, layers.items(), strict=True):
        torch.manual_seed(0)
        x = torch.rand(1, 1, size, size)
        made = layer(x)
        biggest = max(size, *made.shape[2:])
        if biggest > size:
            changed = x.clone()
            changed[0, 0][place] += 1
            reached, source = (layer(changed) != made)[0, 0], x != changed
            _grid(above, reached, biggest)
            _grid(below, source[0, 0], biggest)
        else:
            chosen = torch.zeros(made.shape[2:], dtype=torch.bool)
            chosen[place] = True
            _grid(above, chosen, biggest)
            _grid(below, depends(lambda x, layer=layer: layer(x), x, (0, 0, *place))[0, 0], biggest)
        sizes = gettext("{before} to {after}").format(before=f"{size}×{size}", after=f"{made.shape[2]}×{made.shape[3]}")
        above.set_title(f"{name}\n{sizes}", size=9, color=INK)
    axes[0, 0].set_ylabel(gettext("output"), size=9, color=INK)
    axes[1, 0].set_ylabel(gettext("input"), size=9, color=INK)
    return fig


def _grid(axis: Axes, marked: Tensor, biggest: int):
    """Squares, the marked ones red, all grids of a figure to the same scale."""
    height, width = marked.shape
    for i in range(height):
        for j in range(width):
            colour = ACCENT if marked[i, j] else PALE
            axis.add_patch(Rectangle((j, i), 1, 1, facecolor=colour, edgecolor="white", linewidth=1))
    middle = width / 2, height / 2
    axis.set(xlim=(middle[0] - biggest / 2, middle[0] + biggest / 2), ylim=(middle[1] + biggest / 2, middle[1] - biggest / 2))
    axis.set(aspect="equal", xticks=[], yticks=[])
    axis.spines[:].set_visible(False)


def cubes(layers: Mapping[str, nn.Module], pictures: int = 4, channels: int = 6, places: int = 6) -> Figure:
    """A cube for each normalisation: which numbers does it use together for the number in the corner?

    To the right the channels, up the places of a picture (H×W), to the back the pictures of the batch. The layers take
    (pictures, channels, places). Red is what the corner in front, at the right, above depends on, in training.
    """
    fig = Figure(figsize=(1.95 * len(layers), 2.3), layout="constrained")
    for axis, (name, layer) in zip(fig.subplots(1, len(layers), squeeze=False)[0], layers.items(), strict=True):
        x = torch.randn(pictures, channels, places, generator=torch.Generator().manual_seed(1))
        _cube(axis, depends(layer.train(), x, (0, channels - 1, places - 1)))
        axis.set_title(name, size=10, color=INK)
    return fig


def _cube(axis: Axes, marked: Tensor):
    """The three faces that one sees of a block of marked and other cells, (N, C, S)."""
    pictures, channels, places = marked.shape
    back = 0.55, 0.4  # where one picture further goes on the page

    def cell(corners: list[tuple[float, float, float]], on: bool):
        points = [(c + n * back[0], s + n * back[1]) for n, c, s in corners]
        axis.add_patch(Polygon(points, facecolor=ACCENT if on else PALE, edgecolor=GREY, linewidth=0.6))

    for c in range(channels):
        for s in range(places):
            cell([(0, c, s), (0, c + 1, s), (0, c + 1, s + 1), (0, c, s + 1)], marked[0, c, s])
        for n in range(pictures):
            top = places
            cell([(n, c, top), (n, c + 1, top), (n + 1, c + 1, top), (n + 1, c, top)], marked[n, c, -1])
    for n in range(pictures):
        for s in range(places):
            side = channels
            cell([(n, side, s), (n + 1, side, s), (n + 1, side, s + 1), (n, side, s + 1)], marked[n, -1, s])
    axis.text(channels / 2, -0.7, gettext("channels"), ha="center", va="top", size=8, color=INK)
    axis.text(-0.4, places / 2, gettext("places"), ha="right", va="center", rotation=90, size=8, color=INK)
    beside = channels + pictures * back[0] / 2 + 0.5, pictures * back[1] / 2 - 0.3
    axis.text(*beside, gettext("batch"), ha="left", va="top", size=8, color=INK)
    axis.set(xlim=(-1.6, channels + pictures * back[0] + 1.2), ylim=(-2, places + pictures * back[1] + 0.3), aspect="equal")
    axis.set_axis_off()


def graph(module: nn.Module, x: Tensor) -> Figure:
    """The steps of a module in their order, with the shape that each gives, found by torch.fx; x: an input, (1, ...).

    An arrow for each tensor that goes from one step to another; those that jump over steps are bent.
    """
    traced = fx.symbolic_trace(module)
    ShapeProp(traced).propagate(x)
    steps = [node for node in traced.graph.nodes if node.op != "get_attr"]
    pitch, middle = 1.5, 0.9
    fig, axis = canvas(pitch * len(steps), 2.5)
    where = {node: pitch * (k + 0.5) for k, node in enumerate(steps)}
    for node, at in where.items():
        inside = node.op == "call_module"
        name = type(traced.get_submodule(node.target)).__name__ if inside else _said(node)
        colour = ACCENT if inside else INK
        box(axis, at, middle, 1.28, 0.62, "", colour, "#fdf1f2" if inside else PALE)
        write(axis, at, middle, name, colour, 10)
        if inside:
            write(axis, at, middle + 0.5, str(node.target), GREY, 9)
        shape = node.meta["tensor_meta"].shape if "tensor_meta" in node.meta else ()
        write(axis, at, middle - 0.5, "×".join(map(str, shape[1:])), INK, 9)
        for before in node.all_input_nodes:
            if at - where[before] < 1.5 * pitch:
                arrow(axis, (where[before] + 0.64, middle), (at - 0.64, middle))
            else:
                arrow(axis, (where[before], middle + 0.34), (at, middle + 0.34), GREY, -0.14, dashed=True)
    return fig


def _said(node: fx.Node) -> str:
    if node.op in ("placeholder", "output"):
        return gettext("input") if node.op == "placeholder" else gettext("output")
    sign = {"add": "+", "truediv": "÷", "mul": "×"}.get(node.target.__name__, node.target.__name__)
    return " ".join([sign, *(f"{value:g}" for value in node.args if isinstance(value, int | float))])
