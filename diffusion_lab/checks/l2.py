"""Checks of the exercises of L2: training."""

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

from ..steps import perturb
from .exercise import ALPHA_BAR, Exercise, compare, noise


def _perturb(answer: Callable) -> str | None:
    x0, eps, t = noise(0, 3, 3, 4, 4), noise(1, 3, 3, 4, 4), torch.tensor([50, 200, 400])
    a, b = ((f).reshape(3, 1, 1, 1).float() for f in (ALPHA_BAR[t].sqrt(), (1 - ALPHA_BAR[t]).sqrt()))
    std = b[0].item()
    missing = f"Your noise at t = 50 has standard deviation {std**2:.2f}, expected {std:.2f}: is a square root missing?"
    mistakes = {
        missing: a * x0 + b**2 * eps,
        "Both square roots are missing.": a**2 * x0 + b**2 * eps,
        "All sprites got the time of the first one: each has its own.": a[:1] * x0 + b[:1] * eps,
        "The sprite has the factor of the noise, and the noise that of the sprite.": b * x0 + a * eps,
    }
    try:
        got = answer(x0, t, eps, ALPHA_BAR)
    except RuntimeError as error:
        if "must match" in str(error):
            return "The factors have the shape (B,) and the sprites (B, 3, 16, 16): reshape the factors to (B, 1, 1, 1)."
        raise
    return compare(got, perturb(x0, t, eps, ALPHA_BAR), mistakes)


def _hide_contexts(answer: Callable) -> str | None:
    c, p = torch.ones(4000, 5), 0.15
    got = answer(c, p, torch.Generator().manual_seed(0))
    if (c != 1).any():
        return "You changed c itself: make a new tensor, the contexts are needed again."
    if not isinstance(got, Tensor) or got.shape != c.shape:
        return "It should return contexts of the same shape, (B, 5)."
    values, rows = got.unique(), got.sum(dim=1)
    if ((values != 0) & (values != 1)).any():
        return f"Values became {values.max().item():.2f}: what is kept stays as it is. (Scaling up is for dropout of features.)"
    if ((rows != 0) & (rows != 5)).any():
        return "Single numbers are hidden: hide all five of a sprite together, with one coin for each sprite, shape (B, 1)."
    if not torch.equal(got, answer(c, p, torch.Generator().manual_seed(0))):
        return "The same generator gave other coins the second time: draw with torch.rand(..., generator=generator)."
    hidden = (rows == 0).double().mean().item()
    if hidden in (0.0, 1.0):
        return "All sprites share one coin, or none is hidden: draw one coin for each sprite, shape (B, 1)."
    if abs(hidden - (1 - p)) < 0.03:
        return f"{hidden:.0%} are hidden, expected {p:.0%}: the comparison is the wrong way round."
    return None if abs(hidden - p) < 0.03 else f"{hidden:.0%} are hidden, expected {p:.0%}."


def _from_v(answer: Callable) -> str | None:
    x0, eps, t = noise(0, 2, 3, 4, 4), noise(1, 2, 3, 4, 4), 150
    a, b = ALPHA_BAR[t].sqrt().item(), (1 - ALPHA_BAR[t]).sqrt().item()
    x_t, v = a * x0 + b * eps, a * eps - b * x0
    got = answer(v, x_t, t, ALPHA_BAR)
    if not isinstance(got, tuple) or len(got) != 2:
        return "It should return two things, (x0, eps)."
    signs = "x0 has the wrong sign before v: look where v has its minus."
    mistakes = {
        signs: a * x_t + b * v,
        "Square roots are missing.": a * a * x_t - b * b * v,
        "The two factors are swapped.": b * x_t - a * v,
        "You returned eps first: the order is (x0, eps).": eps,
    }
    return compare(got[0], x0, mistakes) or compare(got[1], eps, {"eps has the wrong sign before v.": b * x_t - a * v})


def _update_average(answer: Callable) -> str | None:
    average, model = (nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4)) for _ in range(2))
    before = {name: value.clone() for name, value in average.state_dict().items()}
    with torch.no_grad():
        for value in model.state_dict().values():
            value.add_(1)
    theirs = {name: value.clone() for name, value in model.state_dict().items()}
    answer(average, model, 0.75)
    after = average.state_dict()
    if any(not torch.equal(value, theirs[name]) for name, value in model.state_dict().items()):
        return "You changed the trained network: only the average may move."
    weight = "0.weight"
    if torch.equal(after[weight], before[weight]):
        return "The average did not move: change its values in place, under torch.no_grad()."
    mistakes = {
        "The shares are swapped: decay is the share of the average that stays.": torch.lerp(
            before[weight], theirs[weight], 0.75
        ),
        "You copied the network: the average must remember its past.": theirs[weight],
    }
    wrong = compare(after[weight], torch.lerp(before[weight], theirs[weight], 0.25), mistakes)
    if wrong:
        return wrong
    for name in ("1.running_mean", "1.running_var"):
        if torch.equal(after[name], before[name]):
            return "BatchNorm's running mean and variance stayed behind: go through state_dict(), not parameters()."
        wrong = compare(after[name], torch.lerp(before[name], theirs[name], 0.25))
        if wrong:
            return f"{name}: {wrong}"
    return None


def _updates_until(answer: Callable) -> str | None:
    updates = [100, 200, 400, 800]
    losses = [2 * n**-0.25 for n in updates]
    goal = 2 * 3200**-0.25
    got = float(answer(updates, losses, goal))
    n, loss = (torch.tensor(values, dtype=torch.float64) for values in (updates, losses))

    def line(x: Tensor, y: Tensor, at: float) -> float:
        slope = ((x - x.mean()) * (y - y.mean())).sum() / ((x - x.mean()) ** 2).sum()
        return (y.mean() + slope * (at - x.mean())).item()

    if math.isclose(got, 3200, rel_tol=0.02):
        return None
    if math.isclose(got, line(loss, n, goal), rel_tol=0.02):
        return "You drew a straight line through updates and losses; they lie on one only after taking the logarithm of both."
    if any(math.isclose(got, value, rel_tol=0.02) for value in (math.log(3200), math.log10(3200), math.log2(3200))):
        return "This is the logarithm of the answer: undo it at the end."
    if math.isclose(got, math.exp(line(loss, n.log(), goal)), rel_tol=0.02):
        return "The losses need a logarithm, too."
    return f"For losses that follow 2 n^(-1/4) exactly, the answer is 3200, but yours is {got:.4g}. See the hint."


EXERCISES = (
    Exercise(
        "L2.1",
        _perturb,
        "Look up alpha_bar[t] first, shape (B,). Reshape it to (B, 1, 1, 1), then take the roots of it and of 1 minus it.",
    ),
    Exercise("L2.2", _from_v, "x_t and v are x0 and eps turned by an angle. Compute a x_t - b v: what becomes of eps?"),
    Exercise(
        "L2.3",
        _hide_contexts,
        "torch.rand((B, 1), generator=generator) < p is True for the share p. Multiply c by its opposite.",
    ),
    Exercise(
        "L2.4",
        _update_average,
        "Go through both state_dict().values() with zip. mine.lerp_(theirs, share) moves by a share; copy whole numbers.",
    ),
    Exercise(
        "L2.5",
        _updates_until,
        "slope, height = np.polyfit(np.log(updates), np.log(losses), 1). Where is height + slope * x equal to np.log(goal)?",
    ),
)
