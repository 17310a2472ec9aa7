"""Checks of the exercises of L3: context."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from ..sprites import CLASSES
from ..steps import guide
from .exercise import Exercise, noise


def contexts_for(names: list[str]) -> Tensor:
    """A row of the unit matrix for each name."""
    return torch.eye(5)[[CLASSES.index(name) for name in names]]


L3_1 = Exercise(
    "L3.1",
    "a row for each name, with a 1 at the place of its class and 0 elsewhere.",
    contexts_for,
    lambda: [(["food", "hero", "side_facing", "food"],), (["spell", "non_hero", "hero", "food", "side_facing", "spell"],)],
    {
        f"The order is {', '.join(CLASSES)}; yours is the alphabet's.": (
            lambda names: torch.eye(5)[[sorted(CLASSES).index(name) for name in names]]
        ),
        "The network computes with floats: your tensor holds whole numbers.": lambda names: contexts_for(names).long(),
        "These are the numbers of the classes: make a row of five numbers from each, with torch.eye(5).": (
            lambda names: torch.tensor([CLASSES.index(name) for name in names])
        ),
        "Rows and columns are exchanged: each name has a row.": lambda names: contexts_for(names).T,
        "The 1 stands one place too far: the first class is number 0.": lambda names: contexts_for(names).roll(1, dims=1),
        "All names ended up in one context: each has a row of its own.": lambda names: contexts_for(names).amax(dim=0),
        "Each name appears once, in the order of the classes: keep the order and the repetitions of names.": (
            lambda names: contexts_for(sorted(set(names), key=CLASSES.index))
        ),
    },
    "CLASSES.index(name) is the place of the 1, and torch.eye(5) has all five contexts as rows.",
)


L3_2 = Exercise(
    "L3.2",
    "the guided answer from u, without a wish, and c, with it.",
    guide,
    lambda: [
        (noise(0, 2, 3, 16, 16), noise(1, 2, 3, 16, 16), 2.5),
        (noise(2, 5, 3, 16, 16), noise(3, 5, 3, 16, 16), 0.3),
    ],
    {
        "u and c are swapped: s = 0 must give u, the answer without a wish.": lambda u, c, s: guide(c, u, s),
        "This is the paper's w, which is s - 1: here s = 1 is the plain answer c.": lambda u, c, s: guide(u, c, 1 + s),
        "Add s times the difference c - u, not s times c.": lambda u, c, s: u + s * c,
        "The difference has the wrong sign: it leads away from the wish.": lambda u, c, s: guide(u, c, -s),
        "This is only the difference, s times: start at u.": lambda u, c, s: s * (c - u),
        "The difference is taken whole: multiply it by s.": lambda u, c, s: c.clone(),
        "Without brackets s reaches c alone: u + s * (c - u).": lambda u, c, s: s * c,
    },
    "Start at u. Go s times the way from u to c.",
)


class Spy(nn.Module):
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


def halves(model: nn.Module, x: Tensor, t: Tensor, c: Tensor, null: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """The answers without and with a wish, from one call."""
    null = torch.zeros_like(c) if null is None else null
    return model(torch.cat([x, x]), torch.cat([t, t]), torch.cat([null, c])).chunk(2)


def guided_answer(model: nn.Module, x: Tensor, t: Tensor, c: Tensor, s: float) -> Tensor:
    """Both halves in one batch."""
    return guide(*halves(model, x, t, c), s)


def interleaved(model: nn.Module, x: Tensor, t: Tensor, c: Tensor, s: float) -> Tensor:
    """The halves, taken apart as if they alternated."""
    both = torch.cat(halves(model, x, t, c))
    return guide(both[::2], both[1::2], s)


def woven(model: nn.Module, x: Tensor, t: Tensor, c: Tensor, s: float) -> Tensor:
    """Entries that alternate, taken apart as if they were halves."""
    contexts = torch.stack([torch.zeros_like(c), c], dim=1).flatten(0, 1)
    return guide(*model(x.repeat_interleave(2, dim=0), t.repeat_interleave(2), contexts).chunk(2), s)


def asked(answer: Callable, model: Spy, x: Tensor, t: Tensor, c: Tensor, s: float) -> dict[str, object]:
    """The answer, and how often the network was called for it."""
    got = answer(model, x, t, c, s)
    return {"the guided answer": got, "the number of the model's calls": len(model.calls)}


L3_3 = Exercise(
    "L3.3",
    "the guided answer u + s (c - u), where c is the network's answer with the contexts and u that without, from one call.",
    guided_answer,
    lambda: [
        (Spy(), noise(0, 3, 3, 16, 16), torch.tensor([0.1, 0.5, 0.9]), torch.eye(5)[:3], 2.5),
        (Spy(), noise(1, 4, 3, 16, 16), torch.tensor([0.7, 0.2, 0.4, 0.3]), torch.eye(5)[[4, 3, 0, 2]], 0.3),
    ],
    {
        "The two halves are swapped: s = 0 must give the answer without a wish.": (
            lambda model, x, t, c, s: guide(*halves(model, x, t, c)[::-1], s)
        ),
        "No wish is a context of zeros; ones mean all classes at once.": (
            lambda model, x, t, c, s: guide(*halves(model, x, t, c, torch.ones_like(c)), s)
        ),
        "The answer is still that of s = 1: the half without a wish is not used.": lambda model, x, t, c, s: model(x, t, c),
        "The context never reached the network.": lambda model, x, t, c, s: model(x, t),
        "t is divided by T already: give it to the network as it is.": (
            lambda model, x, t, c, s: guided_answer(model, x, t / 500, c, s)
        ),
        "t is given as t / T, which is what the network wants: do not multiply by T.": (
            lambda model, x, t, c, s: guided_answer(model, x, t * 500, c, s)
        ),
        "The halves lie one after the other, but you took every second entry: use .chunk(2).": interleaved,
        "The entries alternate, u and c by turns, but .chunk(2) cuts in the middle: use torch.cat([x, x]).": woven,
        "t has to be doubled like x: torch.cat([t, t]).": (
            lambda model, x, t, c, s: model(torch.cat([x, x]), t, torch.cat([torch.zeros_like(c), c]))
        ),
        "x has to be doubled like t and c: torch.cat([x, x]).": (
            lambda model, x, t, c, s: model(x, torch.cat([t, t]), torch.cat([torch.zeros_like(c), c]))
        ),
        "Half of the contexts is missing: torch.cat([zeros, c]).": (
            lambda model, x, t, c, s: model(torch.cat([x, x]), torch.cat([t, t]), c)
        ),
        "Both answers came back, in one batch of 2B: guide from the one half to the other.": (
            lambda model, x, t, c, s: torch.cat(halves(model, x, t, c))
        ),
        "Right values, but the network was called 2 times: put both halves into one batch of 2B, it is faster.": (
            lambda model, x, t, c, s: guide(model(x, t), model(x, t, c), s)
        ),
    },
    "torch.cat([x, x]), torch.cat([t, t]), torch.cat([zeros, c]); one call; then .chunk(2).",
    asked,
)


def distances(images: Tensor, p: float = 2.0) -> Tensor:
    """(B, B): the distance of each picture to each."""
    return torch.cdist(images.flatten(1), images.flatten(1), p=p)


def variety(images: Tensor) -> float:
    """The mean over all pairs of different pictures."""
    return (distances(images).sum() / (len(images) * (len(images) - 1))).item()


L3_4 = Exercise(
    "L3.4",
    "the mean distance between two different pictures, a number.",
    variety,
    lambda: [(noise(0, 6, 3, 16, 16),), (0.3 * noise(1, 9, 3, 16, 16),)],
    {
        "You counted the distance of each sprite to itself, which is 0: leave these pairs out.": (
            lambda images: distances(images).mean()
        ),
        "These are squared distances: the square root is missing.": (
            lambda images: distances(images).square().sum() / (len(images) * (len(images) - 1))
        ),
        "This is the spread of all values in one heap: a set of equal sprites has that, too. Compare sprite with sprite.": (
            lambda images: images.std()
        ),
        "This is the sum over all pairs, each of them twice: divide by their number.": lambda images: distances(images).sum(),
        "This is the sum over all pairs: divide by their number.": lambda images: distances(images).sum() / 2,
        "This is half of the answer: each pair is counted once in the sum, but twice in the number.": (
            lambda images: variety(images) / 2
        ),
        "This is twice the answer: each pair is counted twice in the sum, but once in the number.": (
            lambda images: variety(images) * 2
        ),
        "You added up absolute differences: the Euclidean distance is the root of the sum of squares.": (
            lambda images: distances(images, 1.0).sum() / (len(images) * (len(images) - 1))
        ),
        "You divided by the number of values, too: the distance is the root of the sum of squares, not of their mean.": (
            lambda images: variety(images) / images[0].numel() ** 0.5
        ),
        "This is the distance to the mean picture: compare sprite with sprite.": (
            lambda images: (images - images.mean(dim=0)).flatten(1).norm(dim=1).mean()
        ),
        "This is the largest distance, not the mean.": lambda images: distances(images).max(),
        "Each sprite is compared with the next one only: take all pairs.": (
            lambda images: (images[1:] - images[:-1]).flatten(1).norm(dim=1).mean()
        ),
    },
    "torch.cdist(flat, flat) has all distances, B zeros among them. There are B (B - 1) pairs of different sprites.",
)


def walk_between(a: Tensor, b: Tensor, n: int) -> Tensor:
    """n points with n - 1 gaps."""
    w = torch.linspace(0, 1, n)[:, None]
    return (1 - w) * a + w * b


L3_5 = Exercise(
    "L3.5",
    "n contexts in equal steps, the first is a and the last is b.",
    walk_between,
    lambda: [(noise(0, 5), noise(1, 5), 6), (noise(2, 5), noise(3, 5), 9)],
    {
        "The last context is not b: n points have n - 1 gaps between them.": lambda a, b, n: walk_between(a, b, n + 1)[:-1],
        "The first context is not a: n points have n - 1 gaps between them.": lambda a, b, n: walk_between(a, b, n + 1)[1:],
        "Neither a nor b is there: both ends count.": lambda a, b, n: walk_between(a, b, n + 2)[1:-1],
        "The walk runs from b to a.": lambda a, b, n: walk_between(b, a, n),
        "One context too many: both ends count, so n points have n - 1 gaps.": lambda a, b, n: walk_between(a, b, n + 1),
        "Rows and columns are exchanged: each context is a row.": lambda a, b, n: walk_between(a, b, n).T,
        "a must become weaker while b becomes stronger: (1 - w) * a + w * b.": (
            lambda a, b, n: a + torch.linspace(0, 1, n)[:, None] * b
        ),
        "The steps are not equal: use torch.linspace(0, 1, n) as it is.": (
            lambda a, b, n: a + torch.linspace(0, 1, n)[:, None] ** 2 * (b - a)
        ),
        "w has the shape (n,) and a context (5,): reshape w to (n, 1).": (
            lambda a, b, n: (1 - torch.linspace(0, 1, n)) * a + torch.linspace(0, 1, n) * b
        ),
    },
    "torch.linspace(0, 1, n) has both ends. Reshape it to (n, 1), so that it multiplies a whole context.",
)

EXERCISES = (L3_1, L3_2, L3_3, L3_4, L3_5)
