"""Checks of the exercises of L4: fast sampling."""

import math
from collections.abc import Callable
from itertools import pairwise

import torch
from torch import Tensor

from ..steps import ddim_step, perturb
from .exercise import ALPHA_BAR, Exercise, compare, noise


def _step_grid(answer: Callable) -> str | None:
    T = 500
    for n in (10, 500, 1, 7, *range(2, 500)):
        pairs = [tuple(map(int, pair)) for pair in answer(T, n)]
        if not pairs or pairs[0][0] != T:
            return f"For n = {n} the first step begins at {pairs[0][0] if pairs else 'nothing'}, expected {T}."
        if pairs[-1][1] < 0:
            return f"For n = {n} the last step ends at {pairs[-1][1]}, an index from the noisy end: T // n rounds down."
        if pairs[-1][1] > 0:
            return f"For n = {n} the last step ends at {pairs[-1][1]}, expected 0: the sprite would stay noisy."
        if len(pairs) != n:
            return f"For n = {n} there are {len(pairs)} steps, expected {n}."
        if any(a[1] != b[0] for a, b in pairwise(pairs)) or any(t <= t_prev for t, t_prev in pairs):
            return f"For n = {n} the steps do not join: each must begin where the one before ended, and go down."
        sizes = [t - t_prev for t, t_prev in pairs]
        if max(sizes) - min(sizes) > 1:
            return f"For n = {n} the steps have sizes from {min(sizes)} to {max(sizes)}: spread them evenly."
    return None


def _ddim_step(answer: Callable) -> str | None:
    x0, eps, t, t_prev = noise(0, 2, 3, 4, 4), noise(1, 2, 3, 4, 4), 400, 300
    here, there = ALPHA_BAR[t].item(), ALPHA_BAR[t_prev].item()
    mistakes = {
        "This stays at time t: use alpha_bar[t_prev], the time to go to.": perturb(x0, t, eps, ALPHA_BAR),
        "The noise still has the factor of t: it must have that of t_prev.": there**0.5 * x0 + (1 - here) ** 0.5 * eps,
        "The square root of the noise's factor is missing.": there**0.5 * x0 + (1 - there) * eps,
        "Both square roots are missing.": there * x0 + (1 - there) * eps,
        "The two factors are swapped.": (1 - there) ** 0.5 * x0 + there**0.5 * eps,
    }
    return compare(answer(x0, eps, t, t_prev, ALPHA_BAR), perturb(x0, t_prev, eps, ALPHA_BAR), mistakes)


def _ddim_step_eta(answer: Callable) -> str | None:
    (x0, eps, z), t, t_prev = (noise(seed, 2, 3, 4, 4) for seed in range(3)), 400, 300
    here, there = ALPHA_BAR[t].item(), ALPHA_BAR[t_prev].item()
    first, second = (1 - there) / (1 - here), 1 - here / there
    for eta in (0.0, 0.6, 1.0):
        sigma = eta * (first * second) ** 0.5

        def with_sigma(s: float, taken: float) -> Tensor:
            return there**0.5 * x0 + max(1 - there - taken, 0) ** 0.5 * eps + s * z

        mistakes = {
            "Noise was added, but the guessed noise was not made smaller: there is too much noise now.": with_sigma(sigma, 0),
            "Under the root sigma must be squared: variances add up, not standard deviations.": with_sigma(sigma, sigma),
            "sigma lacks its first root, sqrt((1 - alpha_bar_prev) / (1 - alpha_bar)).": with_sigma(
                eta * second**0.5, eta**2 * second
            ),
            "sigma lacks its square roots.": with_sigma(eta * first * second, (eta * first * second) ** 2),
            "z was never added: eta changes nothing but the guessed noise.": with_sigma(0, sigma**2),
            "eta changes nothing: sigma is missing.": with_sigma(0, 0),
        }
        wrong = compare(
            answer(x0, eps, t, t_prev, ALPHA_BAR, eta, z), ddim_step(x0, eps, t, t_prev, ALPHA_BAR, eta, z), mistakes
        )
        if wrong:
            return wrong
    return None


def _slerp(answer: Callable) -> str | None:
    a, b, w = noise(0, 3, 4, 4), 1.5 * noise(1, 3, 4, 4), 0.3
    theta = torch.arccos((a * b).sum() / (a.norm() * b.norm()))
    right = (torch.sin((1 - w) * theta) * a + torch.sin(w * theta) * b) / torch.sin(theta)
    cosine_theta = torch.cos(theta)
    mistakes = {
        "This is the straight line: half way the noise is too weak.": (1 - w) * a + w * b,
        "The walk runs from b to a: at w = 0 it must be a.": (torch.sin(w * theta) * a + torch.sin((1 - w) * theta) * b)
        / torch.sin(theta),
        "The division by sin(theta) is missing.": right * torch.sin(theta),
        "theta is the cosine here: take arccos of it.": (
            torch.sin((1 - w) * cosine_theta) * a + torch.sin(w * cosine_theta) * b
        )
        / torch.sin(cosine_theta),
    }
    return compare(answer(a, b, w), right, mistakes)


def _order(answer: Callable) -> str | None:
    steps, errors = [10, 20, 40, 80], [3 * n**-1.5 for n in (10, 20, 40, 80)]
    got = float(answer(steps, errors))
    if math.isclose(got, 1.5, abs_tol=0.02):
        return None
    if math.isclose(got, -1.5, abs_tol=0.02):
        return "The sign: errors fall, and the order is given as a positive number."
    if abs(got) < 0.01:
        return "This is the slope without logarithms: take the logarithm of steps and of errors."
    if math.isclose(abs(got), 2**1.5, rel_tol=0.02):
        return "This is the factor that twice as many steps gain; the order is its logarithm to base 2."
    return f"For errors that follow 3 n^(-1.5) exactly, the answer is 1.5, but yours is {got:.3g}. See the hint."


EXERCISES = (
    Exercise(
        "L4.1",
        _ddim_step,
        "It is the equation of adding noise, with the believed sprite, the guessed noise, and the time t_prev.",
    ),
    Exercise(
        "L4.2",
        _ddim_step_eta,
        "The total variance of noise must stay 1 - alpha_bar[t_prev]: sigma squared of it is fresh, the rest guessed.",
    ),
    Exercise("L4.3", _step_grid, "T * k / n for k = n, n - 1, ..., 0, rounded, are n + 1 times. Pair each with the next."),
    Exercise("L4.4", _slerp, "The cosine of the angle is the sum of a * b, divided by both norms."),
    Exercise(
        "L4.5", _order, "np.polyfit(np.log(steps), np.log(errors), 1) returns (slope, height). The order is minus the slope."
    ),
)
