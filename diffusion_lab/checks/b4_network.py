"""Checks of B4.3 to B4.5: the stem, the labels that the network is told, and the gradient that leads it."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from ..language import gettext
from ..schedules import cosine, linear, sigmoid
from ..steps import to_x0_eps
from .compare import Refused
from .exercise import Exercise, noise


def fold(x: Tensor, patch: int) -> Tensor:
    """(B, C, H, W) -> (B, C patch², H / patch, W / patch), as torch orders it."""
    return F.pixel_unshuffle(x, patch)


def permuted(*order: int, forced: bool = False) -> Callable:
    """An answer that puts the six axes (B, C, row, inner row, column, inner column) in this order: three stay channels.

    forced: the shape is then made the one that is asked for, whatever the order.
    """

    def answer(x: Tensor, patch: int) -> Tensor:
        b, c, h, w = x.shape
        parts = x.reshape(b, c, h // patch, patch, w // patch, patch).permute(0, *order)
        return parts.reshape(b, c * patch**2, *((h // patch, w // patch) if forced else parts.shape[-2:]))

    return answer


def far_apart(x: Tensor, patch: int) -> Tensor:
    """The picture cut into patch × patch large parts, laid upon each other."""
    b, c, h, w = x.shape
    parts = x.reshape(b, c, patch, h // patch, patch, w // patch).permute(0, 1, 2, 4, 3, 5)
    return parts.reshape(b, c * patch**2, h // patch, w // patch)


B4_3 = Exercise(
    "B4.3",
    "each square of patch × patch pixels as the channels of one point: channel by channel, row by row inside the square.",
    fold,
    lambda: [(noise(0, 2, 3, 8, 12), 4), (noise(1, 3, 2, 6, 6), 2), (noise(2, 1, 1, 9, 6), 3)],
    {
        "The numbers are only cut anew: reshape alone mixes pixels of different squares. Give the square axes of its own.": (
            lambda x, patch: x.reshape(len(x), -1, x.shape[2] // patch, x.shape[3] // patch)
        ),
        "The places in the square come first here, then the colours: put the axis of C before both of them.": (
            permuted(3, 5, 1, 2, 4)
        ),
        "Rows and columns inside a square are exchanged.": permuted(1, 5, 3, 2, 4),
        "The places come first here, and their rows and columns are exchanged.": permuted(5, 3, 1, 2, 4),
        "The rows inside a square come before the colours: put the axis of C before both axes of the square.": permuted(
            3, 1, 5, 2, 4
        ),
        "The rows and columns of the points are exchanged in permute: axis 2 comes before axis 4.": permuted(
            1, 3, 5, 4, 2, forced=True
        ),
        "The points' rows and columns come before those inside a square: the channels' axes must stand first, so permute.": (
            permuted(1, 2, 4, 3, 5, forced=True)
        ),
        "The picture is cut into a few large parts, laid upon each other: a point's channels must be neighbours.": far_apart,
        "Only one pixel of each square is kept, and repeated: all of them become channels.": (
            lambda x, patch: x[:, :, ::patch, ::patch].repeat_interleave(patch**2, dim=1)
        ),
        "Only one pixel of each square is kept: all of them become channels.": lambda x, patch: x[:, :, ::patch, ::patch],
        "The square's mean is taken: nothing may be lost, each pixel becomes a channel.": F.avg_pool2d,
        "The square's mean is taken, and repeated: each pixel becomes a channel of its own.": (
            lambda x, patch: F.avg_pool2d(x, patch).repeat_interleave(patch**2, dim=1)
        ),
        "The patch is 4 here whatever the argument says: use patch.": lambda x, patch: F.pixel_unshuffle(x, 4),
        "The patch is 2 here whatever the argument says: use patch.": lambda x, patch: F.pixel_unshuffle(x, 2),
        "This unfolds: channels become pixels. The other way is asked for.": lambda x, patch: F.pixel_shuffle(x, patch),
        "The points are transposed: the row of squares comes before the column.": permuted(1, 3, 5, 4, 2),
        "The squares overlap: move by patch, not by 1 (F.unfold needs stride=patch).": (
            lambda x, patch: F.unfold(x, patch).unflatten(2, (x.shape[2] - patch + 1, x.shape[3] - patch + 1))
        ),
        "The points stand in one row: give them their height and width back.": lambda x, patch: F.unfold(
            x, patch, stride=patch
        ),
        "The colours are lost: each colour has its own patch² channels.": (
            lambda x, patch: F.pixel_unshuffle(x.mean(dim=1, keepdim=True), patch)
        ),
    },
    "x.reshape(B, C, H // patch, patch, W // patch, patch) gives the inner rows and columns axes 3 and 5. "
    "permute them behind C, then reshape to (B, C * patch**2, H // patch, W // patch).",
)


def contexts(lists: list[list[str]], names: list[str], u: Tensor, p: float) -> Tensor:
    """(B, L): 1 for each object of its list; all zeros where u < p."""
    table = torch.zeros(len(lists), len(names))
    for row, objects in zip(table, lists, strict=True):
        row[[names.index(name) for name in objects]] = 1
    return table * (u >= p)[:, None]


def telling(keep: Callable) -> Callable:
    """An answer that multiplies the full table by `keep(table, u, p)`."""

    def answer(lists: list[list[str]], names: list[str], u: Tensor, p: float) -> Tensor:
        table = contexts(lists, names, u, -1.0)
        return keep(table, u, p)

    return answer


def of_numbers(number: Callable) -> Callable:
    """An answer that marks the places `number(k, n)` for the labels' numbers k of n."""

    def answer(lists: list[list[str]], names: list[str], u: Tensor, p: float) -> Tensor:
        table = torch.zeros(len(lists), len(names))
        for row, objects in zip(table, lists, strict=True):
            row[[number(names.index(name), len(names)) for name in objects]] = 1
        return table * (u >= p)[:, None]

    return answer


COLOURS, SOLIDS = ("red", "blue", "grey", "pink"), ("cube", "ball", "cone")


def asked_for(seed: int, rows: int, colours: int, p: float, again: bool) -> tuple[list[list[str]], list[str], Tensor, float]:
    """A case: lists of one to three names. again: the last list names an object twice. One u is p, one a little less."""
    names = [f"{colour} {solid}" for solid in SOLIDS for colour in COLOURS[:colours]]
    order = noise(seed, rows, len(names)).argsort(dim=1).tolist()
    lists = [[names[k] for k in row[: 1 + i % 3]] for i, row in enumerate(order)]
    u = torch.rand(rows, generator=torch.Generator().manual_seed(seed))
    u[seed % 2], u[1 - seed % 2], u[2], u[3], u[-1] = 0.95 * p, 0.5 + 0.5 * p, p, p + 0.04, 0.9  # one is dropped, others not
    u[4:-1] = torch.tensor([0.1, 0.2, 0.3, 0.4, 0.5, 0.6])[: rows - 5] + 0.01  # each passes a usual number when u changes
    return lists[:-1] + ([lists[-1] + lists[-1][:1]] if again else lists[-1:]), names, u, p


B4_4 = Exercise(
    "B4.4",
    "for each list a row with 1 at the numbers of its objects and 0 elsewhere, and all 0 where u is below p.",
    contexts,
    lambda: [  # p as float32 has it, too: u may be p; with p = 0 nothing is dropped
        asked_for(0, 8, 4, 0.25, False),
        asked_for(1, 5, 2, 0.375, True),
        asked_for(2, 11, 3, 0.125, False),
        asked_for(3, 6, 2, 0.0, False),
    ],
    {
        "Nothing is dropped: where u is below p the whole row is 0.": telling(lambda table, u, p: table),
        "The others are dropped: a row is dropped where u is below p, kept where it is not.": telling(
            lambda table, u, p: table * (u < p)[:, None]
        ),
        "A row whose u is just p is dropped here: only those below p are.": telling(
            lambda table, u, p: table * (u > p)[:, None]
        ),
        "The whole batch is dropped as soon as one row is: each row has its own number in u.": telling(
            lambda table, u, p: table * (u >= p).all()
        ),
        "The sign is turned round: a row is dropped where u is below p, not where it is above.": telling(
            lambda table, u, p: table * (u <= p)[:, None]
        ),
        "Dropped and kept are exchanged by taking 1 - p: a row is dropped where u is below p.": telling(
            lambda table, u, p: table * (u >= 1 - p)[:, None]
        ),
        "What is kept is divided by 1 - p, as nn.Dropout does it: a label is 1 or 0, nothing else.": telling(
            lambda table, u, p: table * (u >= p)[:, None] / (1 - p)
        ),
        "The rows are multiplied by u: u only decides which are dropped.": telling(lambda table, u, p: table * u[:, None]),
        "The rows are multiplied by 1 - p: each is kept whole, or dropped whole.": telling(lambda table, u, p: table * (1 - p)),
        "One coin for the whole batch: each row has its own number in u.": telling(lambda table, u, p: table * (u[0] >= p)),
        "A dropped row is all 1 here: that asks for everything. Nothing asked for is all 0.": telling(
            lambda table, u, p: torch.where((u >= p)[:, None], table, 1.0)
        ),
        "A dropped row is all -1 here: the null context is all 0.": telling(
            lambda table, u, p: torch.where((u >= p)[:, None], table, -1.0)
        ),
        "Dropped rows are left out: they stay, as rows of 0.": telling(lambda table, u, p: table[u >= p]),
        "Each row must add up to the number of its objects: you divided by it.": telling(
            lambda table, u, p: table * (u >= p)[:, None] / table.sum(dim=1, keepdim=True)
        ),
        "An object named twice gives 2: a label is 1 or 0. Set it, do not add.": (
            lambda lists, names, u, p: (
                torch.stack([torch.tensor([float(row.count(name)) for name in names]) for row in lists]) * (u >= p)[:, None]
            )
        ),
        "Every number is one too large: the first name has the number 0.": of_numbers(lambda k, n: (k + 1) % n),
        "The row is turned round: the first name stands first.": of_numbers(lambda k, n: n - 1 - k),
        "Only the first object of each list is marked: mark all of them.": (
            lambda lists, names, u, p: contexts([row[:1] for row in lists], names, u, p)
        ),
        "Only the last object of each list is marked: is the row made anew for each object?": (
            lambda lists, names, u, p: contexts([row[-1:] for row in lists], names, u, p)
        ),
        "All lists are marked in the first row: mark each in its own.": telling(
            lambda table, u, p: torch.cat((table.amax(dim=0, keepdim=True), 0 * table[1:])) * (u >= p)[:, None]
        ),
        "All rows hold the objects of all lists: begin each row with zeros of its own.": telling(
            lambda table, u, p: table.amax(dim=0, keepdim=True).expand(len(table), -1) * (u >= p)[:, None]
        ),
        "Names were compared by their first word only: red cube and red ball are two objects.": (
            lambda lists, names, u, p: (
                torch.tensor([[float(any(n.split()[0] == o.split()[0] for o in row)) for n in names] for row in lists])
                * (u >= p)[:, None]
            )
        ),
    },
    "A table of zeros (len(lists), len(names)); for each object of a row table[row, names.index(name)] = 1. "
    "Then table[u < p] = 0.",
)


def lead(x_t: Tensor, eps: Tensor, gradient: Tensor, t: int, alpha_bar: Tensor, scale: float) -> tuple[Tensor, Tensor]:
    """(x0, eps) after the classifier's gradient."""
    led = eps - scale * (1 - alpha_bar[t]).sqrt() * gradient
    return to_x0_eps("eps", led, x_t, t, alpha_bar)


def leading(of_gradient: Callable, stale: bool = False) -> Callable:
    """An answer whose change of eps is the gradient times `of_gradient(alpha_bar[t], scale)`. stale: x0 by the old eps."""

    def answer(x_t: Tensor, eps: Tensor, gradient: Tensor, t: int, alpha_bar: Tensor, scale: float) -> tuple[Tensor, Tensor]:
        led = eps + of_gradient(alpha_bar[t], scale) * gradient
        return to_x0_eps("eps", eps if stale else led, x_t, t, alpha_bar)[0], led

    return answer


def as_pair(answer: Callable, *inputs: object) -> dict[str, Tensor]:
    """The two results by their names, eps first: x0 follows from it."""
    got = answer(*inputs)
    if not isinstance(got, tuple) or len(got) != 2:
        what = gettext("{count} of them").format(count=len(got)) if isinstance(got, tuple) else type(got).__name__
        raise Refused(gettext("It should return two tensors, x0 and eps, but returned {what}.").format(what=what))
    x0, eps = got
    return {"eps": eps, "x0": x0}


def guided_by(seed: int, shape: tuple[int, ...], t: int, alpha_bar: Tensor, scale: float) -> tuple:
    """A case."""
    return *(noise(seed + k, *shape) for k in range(3)), t, alpha_bar, scale


B4_5 = Exercise(
    "B4.5",
    "the pair (x0, eps): eps moved by the gradient, and the x0 that belongs to it.",
    lead,
    lambda: [
        guided_by(0, (2, 3, 8, 8), 137, cosine(300).alpha_bar, 3.0),
        guided_by(3, (3, 1, 5, 5), 22, linear(140).alpha_bar, 0.5),
        guided_by(6, (1, 3, 4, 4), 41, sigmoid(60).alpha_bar, 1.7),
    ],
    {
        "The sign is wrong: eps points to more noise, the gradient to likelier pictures. It is taken away.": leading(
            lambda ab, s: s * (1 - ab).sqrt()
        ),
        "A square root is missing: the factor is sqrt(1 - alpha_bar[t]).": leading(lambda ab, s: -s * (1 - ab)),
        "The factor sqrt(1 - alpha_bar[t]) is missing.": leading(lambda ab, s: -s),
        "The factor is sqrt(alpha_bar[t]) here: it is the noise's, sqrt(1 - alpha_bar[t]).": leading(
            lambda ab, s: -s * ab.sqrt()
        ),
        "You divided by sqrt(1 - alpha_bar[t]): multiply. (Divided, eps becomes a score.)": leading(
            lambda ab, s: -s / (1 - ab).sqrt()
        ),
        "scale is missing.": leading(lambda ab, s: -((1 - ab).sqrt())),
        "scale is squared.": leading(lambda ab, s: -(s**2) * (1 - ab).sqrt()),
        "scale plus 1 is taken: here scale = 1 is the gradient itself.": leading(lambda ab, s: -(s + 1) * (1 - ab).sqrt()),
        "x0 is still that of the old eps: make it from the new one.": leading(lambda ab, s: -s * (1 - ab).sqrt(), stale=True),
        "This is the step of v, with its sqrt(alpha_bar[t]) below: eps has no such factor.": leading(
            lambda ab, s: -s * (1 - ab).sqrt() / ab.sqrt()
        ),
        "eps stays as it was: take the gradient away from it, times scale and sqrt(1 - alpha_bar[t]).": leading(
            lambda ab, s: 0
        ),
        "The pair is turned round: x0 comes first, then eps.": (
            lambda x_t, eps, gradient, t, alpha_bar, scale: lead(x_t, eps, gradient, t, alpha_bar, scale)[::-1]
        ),
        "alpha_bar of t - 1 was taken: the network looked at x_t, at t.": (
            lambda x_t, eps, gradient, t, alpha_bar, scale: lead(x_t, eps, gradient, t - 1, alpha_bar, scale)
        ),
        "x_t was moved, too: only eps and the x0 that follows from it change.": (
            lambda x_t, eps, gradient, t, alpha_bar, scale: lead(x_t + scale * gradient, eps, gradient, t, alpha_bar, scale)
        ),
        "eps is right. In x0 the division by sqrt(alpha_bar[t]) is missing.": (
            lambda x_t, eps, gradient, t, alpha_bar, scale: (
                lead(x_t, eps, gradient, t, alpha_bar, scale)[0] * alpha_bar[t].sqrt(),
                lead(x_t, eps, gradient, t, alpha_bar, scale)[1],
            )
        ),
        "eps is right. In x0 you divided by alpha_bar[t]: its root is missing.": (
            lambda x_t, eps, gradient, t, alpha_bar, scale: (
                lead(x_t, eps, gradient, t, alpha_bar, scale)[0] / alpha_bar[t].sqrt(),
                lead(x_t, eps, gradient, t, alpha_bar, scale)[1],
            )
        ),
        "eps is right. x0 is clipped here: return it as it is, a sampler clips it where that is wanted.": (
            lambda x_t, eps, gradient, t, alpha_bar, scale: (
                lead(x_t, eps, gradient, t, alpha_bar, scale)[0].clamp(-1, 1),
                lead(x_t, eps, gradient, t, alpha_bar, scale)[1],
            )
        ),
        "eps is right. In x0 the roots are missing: (x_t - sqrt(1 - alpha_bar[t]) eps) / sqrt(alpha_bar[t]).": (
            lambda x_t, eps, gradient, t, alpha_bar, scale: (
                (x_t - (1 - alpha_bar[t]) * lead(x_t, eps, gradient, t, alpha_bar, scale)[1]) / alpha_bar[t],
                lead(x_t, eps, gradient, t, alpha_bar, scale)[1],
            )
        ),
    },
    "First eps - scale * sqrt(1 - alpha_bar[t]) * gradient. Then x0 from x_t and this new eps, as in L1.",
    as_pair,
)
