"""Checks of the exercises of L2: training."""

import copy
import re
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

from ..schedules import cosine, linear
from ..steps import perturb
from .compare import Refused, unchanged
from .exercise import Exercise, noise
from .l1 import by_factors, roots

L2_1 = Exercise(
    "L2.1",
    "x_t, the sprites x0 with the noise eps, each at its own time of t.",
    perturb,
    lambda: [
        (noise(0, 3, 3, 16, 16), torch.tensor([37, 150, 260]), noise(1, 3, 3, 16, 16), cosine(300).alpha_bar),
        (noise(2, 5, 3, 16, 16), torch.tensor([92, 7, 133, 61, 60]), noise(3, 5, 3, 16, 16), linear(140).alpha_bar),
    ],
    {
        "The factors have the shape (B,) and the sprites (B, 3, 16, 16): reshape the factors to (B, 1, 1, 1).": (
            lambda x0, t, eps, alpha_bar: roots(alpha_bar, t)[0] * x0 + roots(alpha_bar, t)[1] * eps
        ),
        "The noise is too weak: a square root is missing in its factor.": by_factors(lambda a, b, x0, eps: a * x0 + b**2 * eps),
        "The sprite is too weak: a square root is missing in its factor.": by_factors(
            lambda a, b, x0, eps: a**2 * x0 + b * eps
        ),
        "Both square roots are missing.": by_factors(lambda a, b, x0, eps: a**2 * x0 + b**2 * eps),
        "All sprites got the time of the first one: each has its own.": by_factors(
            lambda a, b, x0, eps: a[:1] * x0 + b[:1] * eps
        ),
        "The sprite has the factor of the noise, and the noise that of the sprite.": by_factors(
            lambda a, b, x0, eps: b * x0 + a * eps
        ),
        "The noise is taken away: it must be added.": by_factors(lambda a, b, x0, eps: a * x0 - b * eps),
        "This is x at time t - 1: alpha_bar[0] belongs to t = 0, so use alpha_bar[t].": (
            lambda x0, t, eps, alpha_bar: perturb(x0, t - 1, eps, alpha_bar)
        ),
    },
    "Look up alpha_bar[t] first, shape (B,). Reshape it to (B, 1, 1, 1), then take the roots of it and of 1 minus it.",
)


def from_v(v: Tensor, x_t: Tensor, t: int, alpha_bar: Tensor) -> tuple[Tensor, Tensor]:
    """x_t and v, turned back by the angle of t."""
    a, b = roots(alpha_bar, t)
    return a * x_t - b * v, b * x_t + a * v


def mixed(left: Callable, right: Callable) -> Callable:
    """An answer (x0, eps) from two functions of the factors a and b, x_t and v."""

    def answer(v: Tensor, x_t: Tensor, t: int, alpha_bar: Tensor) -> tuple[Tensor, Tensor]:
        a, b = roots(alpha_bar, t)
        return left(a, b, x_t, v), right(a, b, x_t, v)

    return answer


def pair(answer: Callable, v: Tensor, x_t: Tensor, t: int, alpha_bar: Tensor) -> dict[str, object]:
    """x0 and eps, each to be compared."""
    got = answer(v, x_t, t, alpha_bar)
    if not isinstance(got, tuple | list) or len(got) != 2:
        raise Refused("It should return two things, (x0, eps).")
    return {"x0": got[0], "eps": got[1]}


L2_2 = Exercise(
    "L2.2",
    "(x0, eps) from the network's answer v at x_t.",
    from_v,
    lambda: [
        (noise(0, 2, 3, 16, 16), noise(1, 2, 3, 16, 16), 87, cosine(300).alpha_bar),
        (noise(2, 5, 3, 16, 16), noise(3, 5, 3, 16, 16), 120, linear(140).alpha_bar),
    ],
    {
        "x0 has the wrong sign before v: look where v has its minus.": mixed(
            lambda a, b, x_t, v: a * x_t + b * v, lambda a, b, x_t, v: b * x_t + a * v
        ),
        "eps has the wrong sign before v.": mixed(lambda a, b, x_t, v: a * x_t - b * v, lambda a, b, x_t, v: b * x_t - a * v),
        "Square roots are missing: the factors are sqrt(alpha_bar[t]) and sqrt(1 - alpha_bar[t]).": mixed(
            lambda a, b, x_t, v: a * a * x_t - b * b * v, lambda a, b, x_t, v: b * b * x_t + a * a * v
        ),
        "The two factors are swapped.": mixed(lambda a, b, x_t, v: b * x_t - a * v, lambda a, b, x_t, v: a * x_t + b * v),
        "The two factors are swapped in eps.": mixed(
            lambda a, b, x_t, v: a * x_t - b * v, lambda a, b, x_t, v: a * x_t + b * v
        ),
        "You returned eps first: the order is (x0, eps).": lambda v, x_t, t, alpha_bar: from_v(v, x_t, t, alpha_bar)[::-1],
        "You took v as the noise: v mixes noise and sprite, so eps is not v.": mixed(
            lambda a, b, x_t, v: (x_t - b * v) / a, lambda a, b, x_t, v: v
        ),
        "You took v as the noise in eps: v mixes noise and sprite.": mixed(
            lambda a, b, x_t, v: a * x_t - b * v, lambda a, b, x_t, v: v
        ),
        "You took v as the sprite: v mixes noise and sprite, so x0 is not v.": mixed(
            lambda a, b, x_t, v: v, lambda a, b, x_t, v: (x_t - a * v) / b
        ),
        "It should return two things, (x0, eps).": lambda v, x_t, t, alpha_bar: from_v(v, x_t, t, alpha_bar)[0],
    },
    "x_t and v are x0 and eps turned by an angle. Compute a x_t - b v: what becomes of eps?",
    pair,
)


def hide_contexts(c: Tensor, p: float, generator: torch.Generator) -> Tensor:
    """One coin for each row."""
    return c * (torch.rand((len(c), 1), generator=generator) >= p)


def coins(answer: Callable, c: Tensor, p: float, generator: torch.Generator) -> dict[str, object]:
    """What 300 draws show. Two right answers may draw different coins, so the coins themselves are not compared."""
    before = c.clone()
    first = answer(c, p, generator)
    if not isinstance(first, Tensor) or first.shape != c.shape:
        raise Refused("It should return contexts of the same shape, (B, 5).")

    def draws(seed: int, count: int) -> Tensor:
        source = torch.Generator().manual_seed(seed)
        return torch.stack([answer(before.clone(), p, source) for _ in range(count)])

    many = draws(1, 300)
    hidden = (many == 0).all(dim=2)
    rows = hidden.double().mean(dim=0)  # how often each row was hidden
    return {
        "the largest factor of what is kept": (many / before).max().item(),
        "what is kept stays as it is": bool(((many == 0) | (many == before)).all()),
        "each row is hidden or kept as a whole": bool(((many == 0).any(dim=2) == hidden).all()),
        "some rows are hidden": bool(hidden.any()),
        "the same generator gives the same coins": torch.equal(draws(1, 20), many[:20]),
        "another generator, or the next draw, gives other coins": not (
            torch.equal(draws(2, 20), many[:20]) or torch.equal(many[:20], many[20:40])
        ),
        "each sprite has its own coin": bool((hidden.any(dim=1) & ~hidden.all(dim=1)).any()),
        "each row is hidden as often as the others": (rows.max() - rows.min()).item() < 0.25,
        "the share of hidden rows": round(20 * rows.mean().item()) / 20,  # chance is under 0.01
    }


L2_3 = Exercise(
    "L2.3",
    "the contexts c, with a share p of the rows set to zero, drawn from generator.",
    hide_contexts,
    lambda: [
        (noise(0, 20, 5).abs() + 0.1, 0.15, torch.Generator().manual_seed(0)),
        (noise(1, 31, 5).abs() + 0.1, 0.4, torch.Generator().manual_seed(1)),
    ],
    {
        "Single numbers are hidden: hide all five of a sprite together, with one coin for each sprite, shape (B, 1).": (
            lambda c, p, generator: c * (torch.rand(c.shape, generator=generator) >= p)
        ),
        "The comparison is the wrong way round: 1 - p are hidden, and p are kept.": (
            lambda c, p, generator: c * (torch.rand((len(c), 1), generator=generator) < p)
        ),
        "What is kept stays as it is. (Scaling up is for dropout of features.)": (
            lambda c, p, generator: hide_contexts(c, p, generator) / (1 - p)
        ),
        "The same generator gave other coins the second time: draw with torch.rand(..., generator=generator).": (
            lambda c, p, generator: c * (torch.rand((len(c), 1)) >= p)
        ),
        "All sprites share one coin: draw one for each sprite, shape (B, 1).": (
            lambda c, p, generator: c * (torch.rand(1, generator=generator) >= p)
        ),
        "These are the coins alone: multiply the contexts by them.": (
            lambda c, p, generator: (torch.rand((len(c), 1), generator=generator) >= p).float().expand_as(c).clone()
        ),
        "Every call hides the same rows: draw coins, from the generator as it comes, with no seed of your own.": (
            lambda c, p, generator: hide_contexts(c, p, torch.Generator().manual_seed(0))
        ),
        "No row is ever hidden.": lambda c, p, generator: c.clone(),
        "torch.randn draws normal numbers, of which another share lies below p: use torch.rand.": (
            lambda c, p, generator: c * (torch.randn((len(c), 1), generator=generator) >= p)
        ),
    },
    "torch.rand((B, 1), generator=generator) < p is True for the share p. Multiply c by its opposite.",
    coins,
)


def networks(seed: int) -> list[nn.Module]:
    """An average and a model with BatchNorm, of a shape that depends on the seed, filled with random numbers."""
    layers = (nn.Linear(3, 4), nn.BatchNorm1d(4)) if seed == 0 else (nn.Conv2d(3, 5, 3), nn.BatchNorm2d(5), nn.Linear(2, 6))
    pair = [nn.Sequential(*layers), copy.deepcopy(nn.Sequential(*layers))]
    for k, network in enumerate(pair):
        for value in network.state_dict().values():
            value.copy_(noise(2 * seed + k, *value.shape) if value.is_floating_point() else torch.tensor(5 * k + 2))
    return pair


def update_average(average: nn.Module, model: nn.Module, decay: float) -> None:
    """Moves all entries that are floats."""
    only("")(average, model, decay)


def only(pattern: str) -> Callable:
    """An answer that moves the entries whose names hold a regular expression."""

    def answer(average: nn.Module, model: nn.Module, decay: float) -> None:
        for (name, mine), theirs in zip(average.state_dict().items(), model.state_dict().values(), strict=True):
            if mine.is_floating_point() and re.search(pattern, name):
                mine.lerp_(theirs, 1 - decay)

    return answer


def each_entry(change: Callable) -> Callable:
    """An answer that does `change(mine, theirs, decay)` to every entry, whole numbers included."""

    def answer(average: nn.Module, model: nn.Module, decay: float) -> None:
        for mine, theirs in zip(average.state_dict().values(), model.state_dict().values(), strict=True):
            change(mine, theirs, decay)

    return answer


def after(answer: Callable, average: nn.Module, model: nn.Module, decay: float) -> dict[str, object]:
    """The average's entries after the call. How often BatchNorm was used is of no weight: whole numbers are left out."""
    mine, theirs = copy.deepcopy(average), copy.deepcopy(model)
    answer(mine, theirs, decay)
    old = average.state_dict()
    new = {name: value for name, value in mine.state_dict().items() if value.is_floating_point()}
    return {
        "the trained network stays as it is": unchanged(theirs, model),
        "the list of what moved": ", ".join(name for name, value in new.items() if not torch.equal(value, old[name])),
    } | {f"the average's {name}": value for name, value in new.items()}


L2_4 = Exercise(
    "L2.4",
    "the average moved, in place, to decay * average + (1 - decay) * model.",
    update_average,
    lambda: [(*networks(0), 0.7), (*networks(1), 0.95)],
    {
        "You changed the trained network: only the average may move.": (
            lambda average, model, decay: update_average(model, average, decay)
        ),
        "The average did not move: change its values in place, under torch.no_grad().": lambda average, model, decay: None,
        "The shares are swapped: decay is the share of the average that stays.": (
            lambda average, model, decay: update_average(average, model, 1 - decay)
        ),
        "You copied the network: the average must remember its past.": (
            lambda average, model, decay: average.load_state_dict(model.state_dict())
        ),
        "You added the network's share, but left the average whole: it keeps only the share decay.": (
            each_entry(lambda mine, theirs, decay: mine.is_floating_point() and mine.add_((1 - decay) * theirs))
        ),
        "BatchNorm's running mean and variance stayed behind: go through state_dict(), not parameters().": only("weight|bias"),
        "Only BatchNorm's running mean and variance moved: go through state_dict(), not buffers().": only("running"),
        "The biases stayed behind: go through all of state_dict().": only("weight|running"),
        "BatchNorm's scale stayed behind, its `weight` of shape (C,): go through all of state_dict().": only(
            r"0\.weight|2\.weight|bias|running"
        ),
        "BatchNorm stayed behind: go through all of state_dict().": only(r"0\.|2\."),
        "Only the first layer moved: go through all of state_dict().": only(r"0\."),
        "state_dict() also holds a whole number, num_batches_tracked, and lerp_ knows only floats: ask is_floating_point(), "
        "and copy the others.": each_entry(lambda mine, theirs, decay: mine.lerp_(theirs, 1 - decay)),
        "state_dict() also holds a whole number, num_batches_tracked, which cannot become a float in place: ask "
        "is_floating_point(), and copy the others.": (
            each_entry(lambda mine, theirs, decay: mine.mul_(decay).add_((1 - decay) * theirs))
        ),
    },
    "Go through both state_dict().values() with zip. mine.lerp_(theirs, share) moves by a share; copy whole numbers.",
    after,
)


def updates_until(updates: list[int], losses: list[float], goal: float) -> float:
    """The line through both logarithms."""
    slope, height = np.polyfit(np.log(updates), np.log(losses), 1)
    return float(np.exp((np.log(goal) - height) / slope))


L2_5 = Exercise(
    "L2.5",
    "the number of updates at which the line through log(updates) and log(losses) reaches log(goal).",
    updates_until,
    lambda: [  # losses that follow 2 n^(-1/4) and 5 n^(-0.4) exactly
        ([100, 200, 400, 800], [2 * n**-0.25 for n in (100, 200, 400, 800)], 2 * 3200**-0.25),
        ([50, 150, 300, 500, 900], [5 * n**-0.4 for n in (50, 150, 300, 500, 900)], 5 * 7000**-0.4),
    ],
    {
        "You drew a straight line through updates and losses; they lie on one only after taking the logarithm of both.": (
            lambda n, losses, goal: np.polyval(np.polyfit(losses, n, 1), goal)
        ),
        "You drew a straight line through losses over updates; they lie on one only after taking the logarithm of both.": (
            lambda n, losses, goal: np.roots(np.polyfit(n, losses, 1) - [0, goal])[0]
        ),
        "This is the logarithm of the answer: undo it at the end, with np.exp.": (
            lambda n, losses, goal: np.log(updates_until(n, losses, goal))
        ),
        "This is the logarithm of the answer to base 10: undo it at the end, with 10 ** x.": (
            lambda n, losses, goal: np.log10(updates_until(n, losses, goal))
        ),
        "This is the logarithm of the answer to base 2: undo it at the end, with 2 ** x.": (
            lambda n, losses, goal: np.log2(updates_until(n, losses, goal))
        ),
        "The losses need a logarithm, too.": (
            lambda n, losses, goal: np.exp(np.polyval(np.polyfit(losses, np.log(n), 1), goal))
        ),
        "The updates need a logarithm, too.": (
            lambda n, losses, goal: np.polyval(np.polyfit(np.log(losses), n, 1), np.log(goal))
        ),
        "The goal needs a logarithm, too.": (
            lambda n, losses, goal: np.exp(np.polyval(np.polyfit(np.log(losses), np.log(n), 1), goal))
        ),
        "The line is read backwards: this is the loss at goal updates, not the updates at which the loss is goal.": (
            lambda n, losses, goal: np.exp(np.polyval(np.polyfit(np.log(n), np.log(losses), 1), np.log(goal)))
        ),
        "This is how many updates more are needed: the whole number is asked for.": (
            lambda n, losses, goal: updates_until(n, losses, goal) - n[-1]
        ),
        "This is how many times as many updates are needed: the whole number is asked for.": (
            lambda n, losses, goal: updates_until(n, losses, goal) / n[-1]
        ),
    },
    "slope, height = np.polyfit(np.log(updates), np.log(losses), 1). Where is height + slope * x equal to np.log(goal)?",
)

EXERCISES = (L2_1, L2_2, L2_3, L2_4, L2_5)
