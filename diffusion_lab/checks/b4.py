"""Checks of the exercises of B4: scenes with many labels. Those of the network and its guidance are in b4_network.py."""

from collections.abc import Callable

import torch
from torch import Tensor

from ..language import gettext
from .b4_network import B4_3, B4_4, B4_5
from .compare import Refused
from .exercise import Exercise, noise


def ranks(scores: Tensor) -> Tensor:
    """(B, L): 0 for the likeliest label of its row, 1 for the next."""
    return scores.argsort(dim=1, descending=True).argsort(dim=1)


def hits_at_k(scores: Tensor, asked: Tensor) -> float:
    """The share of all labels asked for that are among the k likeliest of their row."""
    found = (ranks(scores) < asked.sum(dim=1, keepdim=True)) & (asked > 0)
    return (found.sum() / asked.sum()).item()


def counting(found: Callable, of: Callable = lambda scores, asked: asked.sum()) -> Callable:
    """An answer from what it counts, and what it divides by."""
    return lambda scores, asked: float(found(scores, asked).sum() / of(scores, asked))


def with_k(k: Callable) -> Callable:
    """An answer whose number of likeliest labels is `k(asked)`."""
    return counting(lambda scores, asked: (ranks(scores) < k(asked)) & (asked > 0))


def by_rows(scores: Tensor, asked: Tensor) -> Tensor:
    """(B,) the share of each row."""
    found = (ranks(scores) < asked.sum(dim=1, keepdim=True)) & (asked > 0)
    return found.sum(dim=1) / asked.sum(dim=1)


def wishes(seed: int, rows: int, labels: int, most: int) -> Tensor:
    """(rows, labels) of 0 and 1: 1 to `most` ones in a row, the first row with one and the last with `most`."""
    order = noise(seed, rows, labels).argsort(dim=1).argsort(dim=1)
    k = torch.arange(rows) * most // rows + 1
    return (order < k[:, None]).float()


def likely(seed: int, asked: Tensor) -> Tensor:
    """Logits that favour what was asked for, not always enough; half of the rows all far below 0."""
    rows = torch.arange(len(asked))[:, None]
    return noise(seed, *asked.shape) + 1.4 * asked - 6 * (rows % 2)


def scored(seed: int, rows: int, labels: int, most: int) -> tuple[Tensor, Tensor]:
    """A case."""
    asked = wishes(seed, rows, labels, most)
    return likely(seed + 100, asked), asked


B4_1 = Exercise(
    "B4.1",
    "the share of all labels asked for that are among the k likeliest of their row, k the number asked for there.",
    hits_at_k,
    lambda: [scored(0, 13, 40, 3), scored(1, 14, 31, 4), scored(2, 11, 29, 2)],
    {
        "k is 3 for all rows here: it is the number that each row asks for.": with_k(lambda asked: 3),
        "k is 1 for all rows here: it is the number that each row asks for.": with_k(lambda asked: 1),
        "One k for the whole batch, the greatest: each row has its own.": with_k(lambda asked: asked.sum(dim=1).max()),
        "k is the number asked for in all rows together: each row has its own.": with_k(lambda asked: asked.sum()),
        "One too many is looked at in each row: ranks from 0 must be below k.": with_k(
            lambda asked: asked.sum(dim=1, keepdim=True) + 1
        ),
        "One too few is looked at in each row: topk(k) has k places.": with_k(lambda asked: asked.sum(dim=1, keepdim=True) - 1),
        "This is the mean of the rows' shares: count all labels of all rows, then divide once.": (
            lambda scores, asked: by_rows(scores, asked).mean().item()
        ),
        "This is the share of rows with all labels found: count labels, not rows.": (
            lambda scores, asked: (by_rows(scores, asked) == 1).float().mean().item()
        ),
        "This is the share of rows with any label found: count labels, not rows.": (
            lambda scores, asked: (by_rows(scores, asked) > 0).float().mean().item()
        ),
        "The k least likely were taken: sort from the greatest to the smallest.": (
            lambda scores, asked: hits_at_k(-scores, asked)
        ),
        "A label counts here when its score is above 0: top k looks at the order, whatever the scores are.": counting(
            lambda scores, asked: (scores > 0) & (asked > 0)
        ),
        "A label counts here when its score is above 0.5: top k looks at the order, whatever the scores are.": counting(
            lambda scores, asked: (scores > 0.5) & (asked > 0)
        ),
        "This is the share of all labels whose score is on the right side of one half: count hits among those asked for.": (
            lambda scores, asked: ((scores > 0) == (asked > 0)).float().mean().item()
        ),
        "The likeliest of the whole batch were taken: each row has its own k likeliest.": (
            lambda scores, asked: (asked.flatten()[scores.flatten().topk(int(asked.sum())).indices].sum() / asked.sum()).item()
        ),
        "This counts right answers over all labels, also the many that nobody asked for.": (
            lambda scores, asked: ((ranks(scores) < asked.sum(dim=1, keepdim=True)) == (asked > 0)).float().mean().item()
        ),
        "You divided by the number of rows: divide by the number of labels asked for.": counting(
            lambda scores, asked: (ranks(scores) < asked.sum(dim=1, keepdim=True)) & (asked > 0),
            lambda scores, asked: len(asked),
        ),
        "You divided by all labels there are: divide by the number asked for.": counting(
            lambda scores, asked: (ranks(scores) < asked.sum(dim=1, keepdim=True)) & (asked > 0),
            lambda scores, asked: asked.numel(),
        ),
        "This is the number of hits: divide it by the number asked for.": counting(
            lambda scores, asked: (ranks(scores) < asked.sum(dim=1, keepdim=True)) & (asked > 0), lambda scores, asked: 1
        ),
        "This is the share of misses: 1 minus it is asked for.": lambda scores, asked: 1 - hits_at_k(scores, asked),
        "argsort alone gives labels in the order of their scores, not the rank of each label: sort its answer once more.": (
            counting(
                lambda scores, asked: (scores.argsort(dim=1, descending=True) < asked.sum(dim=1, keepdim=True)) & (asked > 0)
            )
        ),
        "The rows are ranked against each other: sort along dim=1, the labels.": counting(
            lambda scores, asked: (
                (scores.argsort(dim=0, descending=True).argsort(dim=0) < asked.sum(dim=1, keepdim=True)) & (asked > 0)
            )
        ),
    },
    "For each row: k = int(asked[i].sum()), the labels scores[i].topk(k).indices, and how many of these are asked for.",
)


def meet(origin: Tensor, rays: Tensor, centre: Tensor, radius: float) -> Tensor:
    """The distance, in lengths of the ray, at which rays enter a sphere before the eye, inf where they miss it."""
    return roots()(origin, rays, centre, radius)


def roots(
    a: Callable = lambda o, d: (d * d).sum(0),
    b: Callable = lambda o, d: (o[:, None] * d).sum(0),
    c: Callable = lambda o, r: (o * o).sum() - r**2,
    inside: Callable = lambda a, b, c: b * b - a * c,
    first: Callable = lambda a, b, root: (-b - root) / a,
    ahead: bool = True,
    off: Callable = lambda origin, centre: origin - centre,
) -> Callable:
    """An answer that solves a t² + 2 b t + c = 0, in parts. ahead: what lies behind the eye is no hit."""

    def answer(origin: Tensor, rays: Tensor, centre: Tensor, radius: float) -> Tensor:
        o = off(origin, centre)
        parts = a(o, rays), b(o, rays), c(o, radius)
        under = inside(*parts)
        t = first(*parts[:2], under.clamp(min=0).sqrt())
        return torch.where((under > 0) & ((t > 0) | (not ahead)), t, torch.inf)

    return answer


def where_and_how_far(answer: Callable, origin: Tensor, rays: Tensor, centre: Tensor, radius: float) -> dict[str, Tensor]:
    """Which rays hit, and how far those go that should: an endless number cannot be compared with a distance."""
    should = meet(origin, rays, centre, radius).isfinite()  # before the answer, which may change its inputs
    t = answer(origin, rays, centre, radius)
    if not isinstance(t, Tensor) or not t.is_floating_point() or t.shape != rays.shape[1:]:
        told = gettext("It should return a tensor of {count} distances, one for each ray, but returned {what}.")
        of_floats = isinstance(t, Tensor) and t.is_floating_point()
        what = gettext("the shape {shape}").format(shape=tuple(t.shape)) if of_floats else type(t).__name__
        raise Refused(told.format(count=rays.shape[1], what=what))
    if t.isnan().any():
        told = gettext("The result holds nan: where a ray misses there is no root. Write torch.inf there, with torch.where.")
        raise Refused(told)
    return {
        gettext("the table of rays that hit"): t.isfinite(),
        gettext("the row of distances"): t[should].nan_to_num(posinf=1e9),
    }


def aimed(seed: int, n: int, radius: float, behind: bool) -> tuple[Tensor, Tensor, Tensor, float]:
    """Some rays at a sphere, not of length 1, of which some miss it; behind: another few that look away from it."""
    origin, centre = 4 * noise(seed, 3), 0.3 * noise(seed + 1, 3)
    towards = centre - origin
    rays = towards[:, None] / towards.norm() + 0.1 * radius * noise(seed + 2, 3, n)
    rays = rays * (0.5 + noise(seed + 3, n).abs())
    if behind:
        rays = torch.cat([rays, -rays[:, : n // 3]], dim=1)
    return origin, rays, centre, radius


B4_2 = Exercise(
    "B4.2",
    "how far each ray goes until it enters the sphere, in lengths of the ray, torch.inf where it does not.",
    meet,
    lambda: [aimed(0, 30, 0.9, False), aimed(20, 41, 1.4, True), aimed(40, 12, 0.5, True)],
    {
        "This is where the ray leaves the sphere: the eye sees the nearer of the two points.": roots(
            first=lambda a, b, root: (-b + root) / a
        ),
        "A sphere behind the eye is seen here: a distance must be above 0.": roots(ahead=False),
        "The rays' length is taken for 1, and theirs is not: a is the sum of squares of the ray.": roots(
            a=lambda o, d: torch.ones(d.shape[1])
        ),
        "a is the length of the ray here, not its square.": roots(a=lambda o, d: d.norm(dim=0)),
        "The radius must be squared.": roots(c=lambda o, r: (o * o).sum() - r),
        "No ray hits here: c is |o|² - radius², and b² - a c stands under the root, without a 4.": roots(
            inside=lambda a, b, c: torch.full_like(b, -1.0)
        ),
        "The sphere stands at 0 here: take centre away from origin first.": roots(off=lambda origin, centre: origin),
        "The direction is turned round: o is origin - centre, and before the root stands -b.": roots(
            off=lambda origin, centre: centre - origin
        ),
        "You mixed both forms of the equation: where the middle term is 2 b, it is b² - a c, and a below; 4 a c and 2 a "
        "belong to a middle term b.": roots(first=lambda a, b, root: (-b - root) / (2 * a)),
        "The square root of b² - a c is missing.": roots(first=lambda a, b, root: (-b - root**2) / a),
        "You forgot to divide by a.": roots(first=lambda a, b, root: -b - root),
        "This is the point of the ray that is nearest to the centre, not that where it enters.": roots(
            first=lambda a, b, root: -b / a
        ),
        "These are lengths of the world: divide by the length of each ray, or do not normalise it.": (
            lambda origin, rays, centre, radius: meet(origin, rays, centre, radius) * rays.norm(dim=0)
        ),
        "A ray that misses gets a number here: write torch.inf where b² - a c is not above 0.": (
            lambda origin, rays, centre, radius: meet(origin, rays, centre, radius).nan_to_num(posinf=0.0)
        ),
    },
    "o = origin - centre; a = (rays * rays).sum(0); b = (o[:, None] * rays).sum(0); c = (o * o).sum() - radius**2. "
    "Then the smaller root, and torch.where(b * b > a * c, root, torch.inf).",
    where_and_how_far,
)

EXERCISES = (B4_1, B4_2, B4_3, B4_4, B4_5)
