"""The checks of B4: each passes what is right in another form, and refuses more mistakes than it lists. What all checks of the
shelf have in common is tested in test_bonus_checks.py."""

from functools import partial

import pytest
import torch
import torch.nn.functional as F
from common import solved

from diffusion_lab import checks
from diffusion_lab.checks import b4

pytestmark = pytest.mark.bonus

BY_NAME = {exercise.name: exercise for exercise in b4.EXERCISES}
solution = partial(solved, {"torch": torch, "F": F})


def by_sets(scores, asked):
    """Hits as the exercise's program counts them."""
    right = total = 0
    for row, wish in zip(scores, asked, strict=True):
        k = int(wish.sum())
        right += len({*row.topk(k).indices.tolist()} & {*wish.topk(k).indices.tolist()})
        total += k
    return right / total


def by_thresholds(scores, asked):
    """A tensor, not a number: the k-th score of a row is the threshold."""
    k = asked.sum(1).long()
    last = scores.sort(dim=1, descending=True).values.gather(1, k[:, None] - 1)
    return ((scores >= last) * asked).sum() / asked.sum()


def by_textbook(origin, rays, centre, radius):
    """The equation with b, not 2 b, on rays of length 1."""
    length = (rays**2).sum(0) ** 0.5
    d, o = rays / length, origin - centre
    b, c = 2 * (o[:, None] * d).sum(0), (o**2).sum() - radius**2
    under = b**2 - 4 * c
    s = (-b - under.abs() ** 0.5) / 2 / length
    s[(under < 0) | (s < 0)] = float("inf")
    return s


def by_geometry(origin, rays, centre, radius):
    """Half a chord before the point that is nearest to the centre; in double precision."""
    d, o = rays.double(), (centre - origin).double()
    nearest = (o @ d) / (d * d).sum(0)
    aside = (o[:, None] - nearest * d).square().sum(0)
    half = (radius**2 - aside).clamp(min=0).sqrt() / d.norm(dim=0)
    return torch.where((aside < radius**2) & (nearest > 0), nearest - half, torch.inf)


def by_slices(x, patch):
    parts = [x[:, :, i::patch, j::patch] for i in range(patch) for j in range(patch)]
    return torch.stack(parts, dim=2).flatten(1, 2)


def by_unfold(x, patch):
    return F.unfold(x, patch, stride=patch).unflatten(2, (x.shape[2] // patch, x.shape[3] // patch))


def by_unfolding(x, patch):
    """Not permuted: wrong."""
    b, c, h, w = x.shape
    return x.unfold(2, patch, patch).unfold(3, patch, patch).reshape(b, c * patch**2, h // patch, w // patch)


def by_rows(lists, names, u, p):
    return torch.tensor([[float(name in row and v >= p) for name in names] for row, v in zip(lists, u.tolist(), strict=True)])


def by_v(x_t, eps, gradient, t, alpha_bar, scale):
    """x0 moves against eps."""
    a, b = alpha_bar[t] ** 0.5, (1 - alpha_bar[t]) ** 0.5
    return (x_t - b * eps) / a + scale * b * b / a * gradient, eps - scale * b * gradient


RIGHT = [
    ("B4.1", by_sets),
    ("B4.1", by_thresholds),
    ("B4.2", by_textbook),
    ("B4.2", by_geometry),
    ("B4.3", by_slices),
    ("B4.3", by_unfold),
    ("B4.3", lambda x, patch: F.pixel_unshuffle(x, patch)),
    ("B4.4", by_rows),
    ("B4.4", lambda lists, names, u, p: by_rows(lists, names, u, p).double()),
    ("B4.5", by_v),
]


def own_coin(lists, names, u, p):
    return checks.B4_4.right(lists, names, torch.rand(len(lists)), p)


def in_place(x_t, eps, gradient, t, alpha_bar, scale):
    eps -= scale * (1 - alpha_bar[t]).sqrt() * gradient
    return (x_t - (1 - alpha_bar[t]).sqrt() * eps) / alpha_bar[t].sqrt(), eps


# Wrong answers that no check lists, most of them written as edits of the solutions, with words of the verdict
OTHERS = [
    ("B4.1", solution("B4.1", {"return right / int(asked.sum())": "return right"}), "divide it by the number asked for"),
    ("B4.1", solution("B4.1", {"int(asked.sum())": "len(asked)"}), "divided by the number of rows"),
    ("B4.1", solution("B4.1", {"k = int(wanted.sum())": "k = 2"}), ""),
    ("B4.1", solution("B4.1", {"topk(k)": "topk(k, largest=False)"}), "least likely"),
    ("B4.1", solution("B4.1", {"row.topk": "row.abs().topk"}), ""),
    ("B4.1", solution("B4.1", {"row.topk": "wanted.topk"}), ""),
    ("B4.1", lambda scores, asked: checks.B4_1.right(scores, asked) * 100, ""),
    ("B4.1", lambda scores, asked: checks.B4_1.right(scores[:5], asked[:5]), ""),
    ("B4.1", lambda scores, asked: (scores.sigmoid().round() * asked).sum().div(asked.sum()).item(), "above 0"),
    ("B4.1", lambda scores, asked: ((scores.sigmoid() > 0.5) == asked).float().mean().item(), "right side of one half"),
    ("B4.1", lambda scores, asked: asked.flatten()[scores.flatten().topk(int(asked.sum()))[1]].mean(), "whole batch"),
    ("B4.1", lambda scores, asked: str(by_sets(scores, asked)), "should return a number"),
    ("B4.2", solution("B4.2", {"origin - centre": "centre - origin"}), "turned round"),
    ("B4.2", solution("B4.2", {"(inside > 0) & (length > 0)": "inside > 0"}), "behind the eye"),
    ("B4.2", solution("B4.2", {"torch.where((inside > 0) & (length > 0), length, torch.inf)": "length"}), "gets a number here"),
    (
        "B4.2",
        solution("B4.2", {"inside.clamp(min=0).sqrt()": "inside.sqrt()", "(inside > 0) & (length > 0)": "length != 0"}),
        "nan",
    ),
    ("B4.2", solution("B4.2", {"(-b - ": "(-b + "}), "leaves the sphere"),
    ("B4.2", solution("B4.2", {"radius**2": "2 * radius"}), ""),
    ("B4.2", solution("B4.2", {"radius**2": "0.81"}), ""),
    ("B4.2", solution("B4.2", {"torch.inf": "-1.0"}), "gets a number here"),
    ("B4.2", lambda o, d, c, r: checks.B4_2.right(o, d, c, r) * d + o[:, None], "distances, one for each ray"),
    ("B4.2", lambda o, d, c, r: checks.B4_2.right(o, d, c, r).isfinite(), "distances, one for each ray"),
    ("B4.2", lambda o, d, c, r: checks.B4_2.right(c, d, o, r), "turned round"),
    ("B4.3", solution("B4.3", {"0, 1, 3, 5, 2, 4": "0, 3, 5, 1, 2, 4"}), "come first here"),
    ("B4.3", solution("B4.3", {"0, 1, 3, 5, 2, 4": "0, 1, 5, 3, 2, 4"}), "exchanged"),
    ("B4.3", solution("B4.3", {"0, 1, 3, 5, 2, 4": "0, 1, 2, 4, 3, 5"}), "come before those inside"),
    ("B4.3", solution("B4.3", {"0, 1, 3, 5, 2, 4": "0, 1, 3, 5, 4, 2"}), "axis 2 comes before axis 4"),
    ("B4.3", solution("B4.3", {"0, 1, 3, 5, 2, 4": "0, 3, 1, 5, 2, 4"}), "come before the colours"),
    ("B4.3", by_unfolding, "so permute"),
    ("B4.3", solution("B4.3", {".permute(0, 1, 3, 5, 2, 4)": ""}), "only cut anew"),
    ("B4.3", solution("B4.3", {"patch**2": "patch"}), "stopped with RuntimeError"),
    ("B4.3", lambda x, patch: F.pixel_unshuffle(x, patch).flip(1), ""),
    ("B4.3", lambda x, patch: F.max_pool2d(x, patch), "It should return the shape"),
    ("B4.3", lambda x, patch: F.pixel_unshuffle(x.flip(3), patch), ""),
    ("B4.4", own_coin, "Twice the same input"),
    ("B4.4", solution("B4.4", {"u < p": "u > p"}), "The sign is turned round"),
    ("B4.4", solution("B4.4", {"u < p": "u >= p"}), "The others are dropped"),
    ("B4.4", solution("B4.4", {"    table[u < p] = 0\n": ""}), "Nothing is dropped"),
    (
        "B4.4",
        solution("B4.4", {"table[u < p] = 0": "table[:, : len(u)][:, u[: len(names)] < p] = 0"}),
        "",
    ),
    ("B4.4", solution("B4.4", {"u < p": "u < 0.3"}), "stays the same when p changes"),
    ("B4.4", solution("B4.4", {"u < p": "u < 0.5"}), "stays the same when p changes"),
    ("B4.4", solution("B4.4", {"u < p": "u < 0.1"}), "stays the same when p changes"),
    ("B4.4", solution("B4.4", {"u < p": "u <= p"}), "whose u is just p"),
    ("B4.4", solution("B4.4", {"table[u < p] = 0": "table = table * 0 if (u < p).any() else table"}), "as soon as one row is"),
    ("B4.4", solution("B4.4", {"= 1\n": "+= 1\n"}), "named twice gives 2"),
    ("B4.4", solution("B4.4", {"table[row,": "table[0,"}), "in the first row"),
    ("B4.4", lambda lists, names, u, p: F.dropout(checks.B4_4.right(lists, names, u, 0.0), 0.5), "Twice the same input"),
    ("B4.4", lambda lists, names, u, p: checks.B4_4.right(lists, names, u, p).bool(), "should return torch.float32"),
    ("B4.5", in_place, "you changed eps itself"),
    ("B4.5", solution("B4.5", {"eps - scale": "eps + scale"}), "The sign is wrong"),
    ("B4.5", solution("B4.5", {"scale * (1 - alpha_bar[t]).sqrt()": "scale * (1 - alpha_bar[t])"}), "A square root is missing"),
    ("B4.5", solution("B4.5", {"return x0, eps": "return x0.clamp(-1, 1), eps"}), "x0 is clipped"),
    ("B4.5", solution("B4.5", {"/ alpha_bar[t].sqrt()": "/ alpha_bar[t]"}), "its root is missing"),
    ("B4.5", solution("B4.5", {"return x0, eps": "return 2 * x0, eps"}), "x0 is the expected one times 2"),
    ("B4.5", solution("B4.5", {"return x0, eps": "return x0"}), "two tensors, x0 and eps"),
    ("B4.5", solution("B4.5", {"return x0, eps": "return eps, x0"}), "The pair is turned round"),
    (
        "B4.5",
        solution("B4.5", {"eps = eps - ": "gradient = gradient / gradient.norm()\n    eps = eps - "}),
        "when gradient changes",
    ),
    ("B4.5", solution("B4.5", {"scale *": "3.0 *"}), "stays the same when scale changes"),
    ("B4.5", solution("B4.5", {"alpha_bar[t]": "alpha_bar[137]"}), "stopped with IndexError|stays the same when t changes"),
]


def test_at_least_40_wrong_answers_are_tried_and_each_exercise_names_many():
    assert len(OTHERS) >= 40 and all(len(exercise.mistakes) >= 12 for exercise in b4.EXERCISES)
    assert all(sum(one[0] == name for one in OTHERS) >= 8 and any(one[0] == name for one in RIGHT) for name in BY_NAME)


def test_a_ray_that_only_touches_or_starts_beyond_sees_nothing():
    origin, centre = torch.tensor([0.0, 0.0, -5.0]), torch.zeros(3)
    rays = torch.tensor([[0.0, 0.0, 1.0], [0.0, 0.0, -1.0], [0.3, 0.0, 1.0], [0.0, 0.0, 2.0]]).T
    assert checks.B4_2.right(origin, rays, centre, 1.0).tolist() == [4.0, float("inf"), float("inf"), 2.0]
