"""Drawings that explain: the chain of noise, the U-Net, guidance, teacher, student and critic, and four kinds of models.

Each returns a matplotlib figure for `show`. Colours mean the same in all: dark for what is given, red for what is asked or
done by the network, grey for what is only carried along.
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch
from torch import Tensor

from .language import gettext
from .sprites import to_uint8
from .viz import ACCENT, INK

PALE, GREY = "#eef1f6", "#8a94a6"
FONT = 11


def canvas(width: float, height: float) -> tuple[Figure, Axes]:
    """An empty drawing of width × height units, 0.8 inches each, with (0, 0) at the lower left."""
    fig = Figure(figsize=(0.8 * width, 0.8 * height))
    axis = fig.add_axes((0, 0, 1, 1))
    axis.set(xlim=(0, width), ylim=(0, height), aspect="equal")
    axis.set_axis_off()
    return fig, axis


def box(axis: Axes, x: float, y: float, width: float, height: float, text: str = "", colour: str = INK, fill: str = PALE):
    """A rounded box with its centre at (x, y)."""
    corner = x - width / 2, y - height / 2
    style = "round,pad=0,rounding_size=0.08"
    axis.add_patch(FancyBboxPatch(corner, width, height, boxstyle=style, edgecolor=colour, facecolor=fill, linewidth=1.5))
    write(axis, x, y, text, colour)


def write(axis: Axes, x: float, y: float, text: str, colour: str = INK, size: float = FONT):
    """Text with its centre at (x, y)."""
    axis.text(x, y, text, color=colour, size=size, ha="center", va="center", linespacing=1.3)


def arrow(
    axis: Axes, start: tuple[float, float], end: tuple[float, float], colour: str = INK, bend: float = 0.0, dashed: bool = False
):
    """An arrow; bend: how far it leaves the straight line, to the right of its direction, as a share of its length."""
    style = {"arrowstyle": "-|>", "mutation_scale": 14, "linewidth": 1.6, "shrinkA": 0, "shrinkB": 0}
    curve = f"arc3,rad={bend}"
    axis.add_patch(FancyArrowPatch(start, end, color=colour, connectionstyle=curve, linestyle="--" if dashed else "-", **style))


def picture(axis: Axes, x: float, y: float, size: float, image: Tensor | np.ndarray):
    """A sprite (3, H, W) in [-1, 1] with its centre at (x, y), `size` units wide, in a thin frame."""
    corners = x - size / 2, x + size / 2, y - size / 2, y + size / 2
    axis.imshow(to_uint8(image[None])[0], extent=corners, interpolation="nearest", zorder=2)
    axis.add_patch(
        FancyBboxPatch((corners[0], corners[2]), size, size, boxstyle="square,pad=0", fill=False, edgecolor=GREY, zorder=3)
    )
    axis.set(xlim=axis.get_xlim(), ylim=axis.get_ylim())


def chain(frames: Sequence[Tensor] | Tensor, times: Sequence[int]) -> Figure:
    """The chain: sprites from clean to noise, (F, 3, H, W), their times below; above noise is added, below it is removed."""
    count = len(frames)
    fig, axis = canvas(2.2 * count, 3.7)
    for k, (frame, t) in enumerate(zip(frames, times, strict=True)):
        x = 1.1 + 2.2 * k
        picture(axis, x, 1.85, 1.5, frame)
        write(axis, x, 0.9, f"$x_{{{t}}}$", size=13)
        if k:
            arrow(axis, (x - 1.9, 2.75), (x - 0.3, 2.75), INK, -0.25)
            arrow(axis, (x - 0.3, 0.62), (x - 1.9, 0.62), ACCENT, -0.25)
    middle = 1.1 * count
    write(axis, middle, 3.45, gettext("noise is added: anyone can do this"))
    write(axis, middle, 0.15, gettext("noise is removed: this takes a network"), ACCENT)
    axis.set(xlim=(0, 2.2 * count), ylim=(0, 3.7))
    return fig


def unet(features: int) -> Figure:
    """The ContextUnet: three sizes down, three up, the skips between them, and where time and words enter."""
    fig, axis = canvas(14.6, 6.1)
    rows = {16: 4.6, 8: 3.2, 4: 1.8, 1: 0.5}
    f = features
    left = (("init_conv", 16, 2.0, 1.5), ("down1", 8, 3.4, 1.15), ("down2", 4, 4.8, 0.9), ("to_vec", 1, 6.1, 0.75))
    right = (("up0", 4, 7.9, 0.9), ("up1", 8, 9.4, 1.15), ("up2", 16, 11.0, 1.5))
    sizes = {"init_conv": f, "down1": f, "down2": 2 * f, "to_vec": 2 * f, "up0": 2 * f, "up1": f, "up2": f}
    for name, side, x, height in (*left, *right):
        box(axis, x, rows[side], 1.05, height)
        write(axis, x, rows[side] + 0.13, name, size=10)
        what = f"{sizes[name]} × {side}×{side}" if side > 1 else gettext("{n} numbers").format(n=sizes[name])
        write(axis, x, rows[side] - 0.15, what, GREY, 8)
    box(axis, 12.6, rows[16], 0.9, 1.5, "out")
    write(axis, 0.55, rows[16], "$x_t$\n3 × 16×16", size=10)
    write(axis, 14.0, rows[16], gettext("answer\n3 × 16×16"), ACCENT, 10)
    arrow(axis, (1.05, rows[16]), (1.45, rows[16]))
    path = [*left, *right]
    for (_, s1, x1, _), (_, s2, x2, _) in pairwise(path):
        arrow(axis, (x1 + 0.55, rows[s1] - 0.1), (x2 - 0.55, rows[s2] + 0.1))
    arrow(axis, (11.55, rows[16]), (12.12, rows[16]))
    arrow(axis, (13.05, rows[16]), (13.4, rows[16]), ACCENT)
    for start, end, y in ((5.4, 8.85, rows[4] + 0.28), (4.0, 10.45, rows[8] + 0.4)):
        arrow(axis, (start, y), (end, y + 0.5), GREY, dashed=True)
    axis.plot((2.0, 2.0, 12.6), (5.38, 5.64, 5.64), "--", color=GREY, linewidth=1.4)
    arrow(axis, (12.6, 5.66), (12.6, 5.37), GREY)
    write(axis, 6.6, 5.84, gettext("skip connections: where things are"), GREY, 10)
    for x, y, name in ((9.4, 0.5, "1"), (11.6, 1.8, "2")):
        box(axis, x, y, 2.1, 0.7, gettext("time {k} adds\nwords {k} multiply").format(k=name), ACCENT, "#fdf1f2")
    arrow(axis, (9.4, 0.87), (9.4, 2.58), ACCENT)
    arrow(axis, (11.6, 2.17), (11.15, 3.8), ACCENT)
    return fig


def guidance(s: float, pictures: Sequence[Tensor], wish: str) -> Figure:
    """Classifier-free guidance as two arrows: from u to c, and on in the same direction, s times as far in all.

    pictures: x_t, and the beliefs of u, of c and of the guided answer, (3, H, W) each. wish: the words.
    ValueError for another number of pictures.
    """
    if len(pictures) != 4:
        raise ValueError(gettext("guidance takes four pictures, not {n}.").format(n=len(pictures)))
    u, way = np.array([6.6, 2.5]), np.array([2.3, 0.5])
    c, guided = u + way, u + s * way
    width, height = guided[0] + 1.5, guided[1] + 0.75
    fig, axis = canvas(width, height)
    middle = height / 2
    picture(axis, 0.95, middle, 1.6, pictures[0])
    write(axis, 0.95, middle - 1.1, gettext("noisy, $x_t$"))
    for y, words, end in ((middle + 1.1, gettext("no words"), "u"), (middle - 1.1, f"“{wish}”", "c")):
        box(axis, 3.4, y, 2.1, 0.9, gettext("network, told\n{words}").format(words=words), ACCENT, "#fdf1f2")
        arrow(axis, (1.85, middle + 0.35 * (y - middle)), (2.3, y))
        arrow(axis, (4.5, y), (5.05, y))
        write(axis, 5.3, y, end, size=14)
    for (x, y), image in zip((u, c, guided), pictures[1:], strict=True):
        picture(axis, x, y - 1.1, 1.7, image)
    arrow(axis, tuple(u), tuple(c), INK)
    arrow(axis, tuple(c), tuple(guided), ACCENT)
    for point, text, colour in ((u, "u", INK), (c, "c", INK), (guided, f"u + s (c − u),  s = {s:g}", ACCENT)):
        axis.plot(*point, "o", color=colour, zorder=3)
        write(axis, point[0] - 0.1, point[1] + 0.35, text, colour, 13)
    axis.set(xlim=(0, width), ylim=(0, height))
    return fig


def distillation(pictures: Sequence[Tensor] | Tensor) -> Figure:
    """Teacher, student and critic: what each is given, and how their difference changes the student.

    pictures: x_t, the student's answer, x_s, the teacher's belief, the critic's, their difference, each (3, H, W).
    ValueError for another number of pictures.
    """
    if len(pictures) != 6:
        raise ValueError(gettext("distillation takes six pictures, not {n}.").format(n=len(pictures)))
    fig, axis = canvas(15.2, 5.7)
    places = (
        (0.9, 2.5, gettext("noisy $x_t$"), INK),
        (5.0, 2.5, gettext("answer") + " $\\tilde{x}$", INK),
        (7.9, 2.5, "$x_s$", INK),
        (12.1, 4.0, gettext("its belief"), INK),
        (12.1, 1.0, gettext("its belief"), INK),
        (14.2, 2.5, gettext("difference"), ACCENT),
    )
    for k, (x, y, text, colour) in enumerate(places):
        picture(axis, x, y, 1.5, pictures[k])
        write(axis, x, y + 0.93 if x == 12.1 else y - 0.95, text, colour, 10)
    box(axis, 2.95, 2.5, 1.4, 0.9, gettext("student"), ACCENT, "#fdf1f2")
    box(axis, 10.1, 4.0, 1.5, 0.9, gettext("teacher\n(fixed)"))
    box(axis, 10.1, 1.0, 1.5, 0.9, gettext("critic"))
    for start, end in (
        ((1.75, 2.5), (2.2, 2.5)),
        ((3.7, 2.5), (4.2, 2.5)),
        ((5.8, 2.5), (7.1, 2.5)),
        ((8.7, 2.8), (9.3, 3.7)),
        ((8.7, 2.2), (9.3, 1.3)),
        ((10.9, 4.0), (11.3, 4.0)),
        ((10.9, 1.0), (11.3, 1.0)),
        ((12.9, 3.8), (13.4, 3.1)),
        ((12.9, 1.2), (13.4, 1.9)),
    ):
        arrow(axis, start, end)
    write(axis, 6.45, 2.85, gettext("add noise\nagain"), GREY, 10)
    axis.plot((14.2, 14.2, 2.95, 2.95), (3.35, 5.2, 5.2, 3.3), color=ACCENT, linewidth=1.6, linestyle="--")
    arrow(axis, (2.95, 3.3), (2.95, 3.0), ACCENT)
    write(axis, 8.5, 5.45, gettext("changes the student's weights"), ACCENT, 10)
    arrow(axis, (5.3, 1.35), (9.3, 0.75), GREY, 0.15, dashed=True)
    write(axis, 6.7, 0.55, gettext("is trained on the student's answers"), GREY, 10)
    axis.set(xlim=(0, 15.2), ylim=(0, 5.7))
    return fig


def four_ways(pictures: Sequence[Tensor] | Tensor) -> Figure:
    """GAN, VAE, flow and diffusion, a row each: what goes in, what is trained (red), what comes out.

    pictures: a sprite, another one, the first blurred, and the first at three times, the last pure noise; (3, H, W) each.
    ValueError for another number of pictures.
    """
    if len(pictures) != 6:
        raise ValueError(gettext("four_ways takes six pictures, not {n}.").format(n=len(pictures)))
    sprite, other, blurred, little, much, noise = pictures
    fig, axis = canvas(13.6, 8.2)

    def network(x: float, y: float, text: str):
        box(axis, x, y, 1.9, 0.85, text, ACCENT, "#fdf1f2")

    for y, name in ((7.2, "GAN"), (5.2, "VAE"), (3.2, gettext("flow")), (1.2, gettext("diffusion"))):
        write(axis, 0.85, y, name, size=14)
    for x, y, image in (
        *((7.0, 7.65, sprite), (7.0, 6.65, other), (2.6, 5.2, sprite), (11.2, 5.2, blurred)),
        *((2.6, 3.2, sprite), (11.2, 3.2, noise)),
        *((2.6, 1.2, sprite), (5.4, 1.2, little), (8.3, 1.2, much), (11.2, 1.2, noise)),
    ):
        picture(axis, x, y, 0.85 if y > 6 and x == 7.0 else 1.2, image)
    box(axis, 2.6, 7.2, 1.2, 0.85, gettext("random\nnumbers"))
    network(4.75, 7.2, gettext("generator"))
    network(9.4, 7.2, gettext("discriminator"))
    write(axis, 11.9, 7.2, gettext("real or made?"))
    write(axis, 6.1, 6.4, gettext("real"), GREY, 10)
    write(axis, 6.1, 8.0, gettext("made"), GREY, 10)
    network(4.75, 5.2, gettext("encoder"))
    box(axis, 6.9, 5.2, 1.2, 0.85, gettext("a few\nnumbers"))
    network(9.05, 5.2, gettext("decoder"))
    write(axis, 6.9, 4.5, gettext("to draw, begin here with random ones"), GREY, 10)
    network(6.9, 3.2, gettext("the same network\nboth ways"))
    for start, end, colour in (
        *(((3.25, 7.2), (3.75, 7.2), INK), ((5.75, 7.35), (6.5, 7.6), INK)),
        *(((7.5, 7.6), (8.4, 7.35), INK), ((7.5, 6.7), (8.4, 7.05), INK), ((10.4, 7.2), (10.85, 7.2), INK)),
        *(((3.25, 5.2), (3.75, 5.2), INK), ((5.75, 5.2), (6.25, 5.2), INK), ((7.55, 5.2), (8.05, 5.2), INK)),
        *(((10.05, 5.2), (10.55, 5.2), INK), ((3.25, 3.35), (5.9, 3.35), INK), ((7.9, 3.35), (10.55, 3.35), INK)),
        *(((10.55, 3.05), (7.9, 3.05), INK), ((5.9, 3.05), (3.25, 3.05), INK)),
        *(((3.25, 1.5), (4.75, 1.5), INK), ((6.05, 1.5), (7.65, 1.5), INK), ((8.95, 1.5), (10.55, 1.5), INK)),
        *(((10.55, 0.9), (8.95, 0.9), ACCENT), ((7.65, 0.9), (6.05, 0.9), ACCENT), ((4.75, 0.9), (3.25, 0.9), ACCENT)),
    ):
        arrow(axis, start, end, colour)
    write(axis, 6.9, 2.12, gettext("noise is added: nothing to learn"), INK, 10)
    write(axis, 6.9, 0.28, gettext("one network, asked at every step"), ACCENT, 10)
    axis.set(xlim=(0, 13.6), ylim=(0, 8.2))
    return fig
