"""Checks of the exercises of L3: context."""

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

from ..sprites import CLASSES
from ..steps import guide
from .exercise import Exercise, compare, noise


def _contexts_for(answer: Callable) -> str | None:
    names = ["food", "hero", "side_facing", "food"]
    index = [CLASSES.index(name) for name in names]
    got = answer(names)
    if isinstance(got, Tensor) and not got.is_floating_point():
        return "The network computes with floats: your tensor holds whole numbers."
    alphabet = torch.eye(5)[[sorted(CLASSES).index(name) for name in names]]
    mistakes = {f"The order is {', '.join(CLASSES)}; yours is the alphabet's.": alphabet}
    return compare(got, torch.eye(5)[index], mistakes)


def _guide(answer: Callable) -> str | None:
    u, c = noise(0, 2, 3, 4, 4), noise(1, 2, 3, 4, 4)
    for s in (3.0, 0.0):
        mistakes = {
            "u and c are swapped: s = 0 must give u, the answer without a wish.": c + s * (u - c),
            "This is the paper's w, which is s - 1: here s = 1 is the plain answer c.": (1 + s) * c - s * u,
            "Add s times the difference c - u, not s times c.": u + s * c,
            "The difference has the wrong sign: it leads away from the wish.": u - s * (c - u),
        }
        wrong = compare(answer(u, c, s), guide(u, c, s), mistakes)
        if wrong:
            return wrong
    return None


class _Spy(nn.Module):
    """A stand-in for a network: its answer depends on everything that it is given, and it counts its calls."""

    def __init__(self):
        super().__init__()
        self.calls: list[int] = []

    def forward(self, x: Tensor, t: Tensor, c: Tensor | None = None) -> Tensor:
        self.calls.append(len(x))
        if len(t) != len(x) or (c is not None and len(c) != len(x)):
            raise ValueError(
                f"x has {len(x)} entries, t has {len(t)}, c has {'none' if c is None else len(c)}: all must be equal."
            )
        wish = 0 if c is None else (c * torch.arange(1.0, 6)).sum(dim=1).reshape(-1, 1, 1, 1)
        return x + t.reshape(-1, 1, 1, 1) + wish


def _guided_answer(answer: Callable) -> str | None:
    spy, x, t, c, s = _Spy(), noise(0, 3, 3, 4, 4), torch.tensor([0.1, 0.5, 0.9]), torch.eye(5)[:3], 2.5
    got = answer(spy, x, t, c, s)
    calls = list(spy.calls)
    u, wish, ones = spy(x, t), spy(x, t, c), spy(x, t, torch.ones_like(c))
    mistakes = {
        "The two halves are swapped: s = 0 must give the answer without a wish.": guide(wish, u, s),
        "No wish is a context of zeros; ones mean all classes at once.": guide(ones, wish, s),
        "The answer is still that of s = 1: the half without a wish is not used.": wish,
        "The context never reached the network.": u,
        "t is divided by T already: give it to the network as it is.": guide(spy(x, t / 500), spy(x, t / 500, c), s),
    }
    wrong = compare(got, guide(u, wish, s), mistakes)
    if wrong is None and calls != [6]:
        return (
            f"Right values, but the network was called {len(calls)} times: put both halves into one batch of 2B, it is faster."
        )
    return wrong


def _walk(answer: Callable) -> str | None:
    a, b, n = torch.eye(5)[0], torch.eye(5)[2], 5
    got = answer(a, b, n)
    w = torch.linspace(0, 1, n)[:, None]
    if isinstance(got, Tensor) and got.shape == (n + 1, 5):
        return f"{n} contexts were asked for, and {n + 1} came: both ends count."
    short = torch.arange(n)[:, None] / n
    mistakes = {
        "The last context is not b: n points have n - 1 gaps between them.": (1 - short) * a + short * b,
        "The walk runs from b to a.": w * a + (1 - w) * b,
    }
    return compare(got, (1 - w) * a + w * b, mistakes)


def _variety(answer: Callable) -> str | None:
    images = noise(0, 6, 3, 4, 4)
    distances = torch.cdist(images.flatten(1), images.flatten(1)).double()
    right = (distances.sum() / 30).item()
    got = float(answer(images))
    if math.isclose(got, right, rel_tol=1e-3):
        return None
    if math.isclose(got, distances.mean().item(), rel_tol=1e-3):
        return "You counted the distance of each sprite to itself, which is 0: leave these pairs out."
    if math.isclose(got, (distances.square().sum() / 30).item(), rel_tol=1e-3):
        return "These are squared distances: the square root is missing."
    if math.isclose(got, (images.std()).item(), rel_tol=1e-2):
        return "This is the spread of all values in one heap: a set of equal sprites has that, too. Compare sprite with sprite."
    if math.isclose(got, 15 * right, rel_tol=1e-3) or math.isclose(got, 30 * right, rel_tol=1e-3):
        return "This is the sum over all pairs: divide by their number."
    return f"For the check's six pictures the answer is {right:.3f}, but yours is {got:.3f}. See the hint."


EXERCISES = (
    Exercise(
        "L3.1", _contexts_for, "CLASSES.index(name) is the place of the 1, and torch.eye(5) has all five contexts as rows."
    ),
    Exercise("L3.2", _guide, "Start at u. Go s times the way from u to c."),
    Exercise("L3.3", _guided_answer, "torch.cat([x, x]), torch.cat([t, t]), torch.cat([zeros, c]); one call; then .chunk(2)."),
    Exercise(
        "L3.4",
        _variety,
        "torch.cdist(flat, flat) has all distances, B zeros among them. There are B (B - 1) pairs of different sprites.",
    ),
    Exercise(
        "L3.5", _walk, "torch.linspace(0, 1, n) has both ends. Reshape it to (n, 1), so that it multiplies a whole context."
    ),
)
