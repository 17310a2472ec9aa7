"""Checks of the exercises of L4: fast sampling."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from ..schedules import cosine, linear
from ..steps import ddim_step, perturb
from .exercise import Exercise, noise
from .l1 import roots
from .l4_loop import L4_2, L4_3, quiet_step

L4_1 = Exercise(
    "L4.1",
    "the picture at t_prev, from the believed sprite x0 and the guessed noise eps.",
    quiet_step,
    lambda: [
        (noise(0, 2, 3, 16, 16), noise(1, 2, 3, 16, 16), 210, 150, cosine(300).alpha_bar),
        (noise(2, 5, 3, 16, 16), noise(3, 5, 3, 16, 16), 93, 61, linear(140).alpha_bar),
        (noise(4, 1, 3, 16, 16), noise(5, 1, 3, 16, 16), 40, 0, cosine(600).alpha_bar),
        (noise(6, 1, 3, 16, 16), noise(7, 1, 3, 16, 16), 5, 3, linear(140).alpha_bar),
    ],
    {
        "This stays at time t: use alpha_bar[t_prev], the time to go to.": (
            lambda x0, eps, t, t_prev, alpha_bar: perturb(x0, t, eps, alpha_bar)
        ),
        "The noise still has the factor of t: it must have that of t_prev.": (
            lambda x0, eps, t, t_prev, alpha_bar: roots(alpha_bar, t_prev)[0] * x0 + roots(alpha_bar, t)[1] * eps
        ),
        "The sprite still has the factor of t: it must have that of t_prev.": (
            lambda x0, eps, t, t_prev, alpha_bar: roots(alpha_bar, t)[0] * x0 + roots(alpha_bar, t_prev)[1] * eps
        ),
        "The square root of the noise's factor is missing.": (
            lambda x0, eps, t, t_prev, alpha_bar: alpha_bar[t_prev].sqrt() * x0 + (1 - alpha_bar[t_prev]) * eps
        ),
        "Both square roots are missing.": (
            lambda x0, eps, t, t_prev, alpha_bar: alpha_bar[t_prev] * x0 + (1 - alpha_bar[t_prev]) * eps
        ),
        "The two factors are swapped.": lambda x0, eps, t, t_prev, alpha_bar: perturb(eps, t_prev, x0, alpha_bar),
        "The noise is taken away: the picture at t_prev still has its noise, so it is added.": (
            lambda x0, eps, t, t_prev, alpha_bar: perturb(x0, t_prev, -eps, alpha_bar)
        ),
        "The sprite has a factor, too: sqrt(alpha_bar[t_prev]).": (
            lambda x0, eps, t, t_prev, alpha_bar: x0 + (1 - alpha_bar[t_prev]).sqrt() * eps
        ),
        "This is t - 1, but t_prev may be further away.": (
            lambda x0, eps, t, t_prev, alpha_bar: perturb(x0, t - 1, eps, alpha_bar)
        ),
        "alpha_bar[t_prev] belongs to t_prev: add nothing to the index.": (
            lambda x0, eps, t, t_prev, alpha_bar: perturb(x0, t_prev + 1, eps, alpha_bar)
        ),
        "alpha_bar[t_prev] belongs to t_prev: take nothing from the index.": (
            lambda x0, eps, t, t_prev, alpha_bar: perturb(x0, t_prev - 1, eps, alpha_bar)
        ),
        "At t_prev = 0 there is no noise any more: use alpha_bar[t_prev] there, too.": (
            lambda x0, eps, t, t_prev, alpha_bar: perturb(x0, max(t_prev, 1), eps, alpha_bar)
        ),
        "This is alpha_bar[t] / alpha_bar[t_prev], the factor of a step from x_t: x0 is clean, so use alpha_bar[t_prev].": (
            lambda x0, eps, t, t_prev, alpha_bar: (
                (alpha_bar[t] / alpha_bar[t_prev]).sqrt() * x0 + (1 - alpha_bar[t] / alpha_bar[t_prev]).sqrt() * eps
            )
        ),
        "The noise's factor is the root of 1 - alpha_bar[t_prev], not 1 minus the root.": (
            lambda x0, eps, t, t_prev, alpha_bar: alpha_bar[t_prev].sqrt() * x0 + (1 - alpha_bar[t_prev].sqrt()) * eps
        ),
        "The noise has a factor, too: sqrt(1 - alpha_bar[t_prev]).": (
            lambda x0, eps, t, t_prev, alpha_bar: alpha_bar[t_prev].sqrt() * x0 + eps
        ),
        "The guessed noise is missing: at t_prev there is still noise.": (
            lambda x0, eps, t, t_prev, alpha_bar: alpha_bar[t_prev].sqrt() * x0
        ),
        "This is the ratio of two alpha_bar, as for a step from x_t: x0 is clean, so its factor is that of t_prev alone.": (
            lambda x0, eps, t, t_prev, alpha_bar: (
                (alpha_bar[t_prev] / alpha_bar[t]).sqrt() * x0 + (1 - alpha_bar[t_prev] / alpha_bar[t]).abs().sqrt() * eps
            )
        ),
        "This is eta = 1 without its fresh noise: with eta = 0, sigma is 0, and all noise is the guessed one.": (
            lambda x0, eps, t, t_prev, alpha_bar: ddim_step(x0, eps, t, t_prev, alpha_bar, 1.0, torch.zeros_like(x0))
        ),
        "x0 is clipped here: take it as it comes, for eps belongs to it.": (
            lambda x0, eps, t, t_prev, alpha_bar: perturb(x0.clamp(-1, 1), t_prev, eps, alpha_bar)
        ),
    },
    "It is the equation of adding noise, with the believed sprite, the guessed noise, and the time t_prev.",
)


def angle(a: Tensor, b: Tensor) -> Tensor:
    """The angle between two noises, in radians."""
    return torch.arccos((a * b).sum() / (a.norm() * b.norm()))


def arc(a: Tensor, b: Tensor, w: float, theta: Tensor) -> Tensor:
    """The point at w, if theta is the angle between a and b."""
    return (torch.sin((1 - w) * theta) * a + torch.sin(w * theta) * b) / torch.sin(theta)


def slerp(a: Tensor, b: Tensor, w: float) -> Tensor:
    """Shoemake 1985."""
    return arc(a, b, w, angle(a, b))


def a_pair(seed: int, height: int, strength: float = 1) -> tuple[Tensor, Tensor]:
    """Two noises of different strength with something in common, so that the angle is no right one."""
    a, b = strength * noise(seed, 3, height, 16), strength * noise(seed + 1, 3, height, 16)
    return a, 1.5 * b + 0.6 * a


L4_4 = Exercise(
    "L4.4",
    "the noise at w on the arc from a to b.",
    slerp,
    lambda: [(*a_pair(0, 16), 0.3), (*a_pair(2, 12, 0.1), 0.8), *((*a_pair(4, 16), w) for w in (0.0, 1.0, 0.02, 0.97))],
    {
        "This is the straight line: half way the noise is too weak. Or is theta in the wrong unit?": lambda a, b, w: (
            (1 - w) * a + w * b
        ),
        "The walk runs from b to a: at w = 0 it must be a.": lambda a, b, w: slerp(b, a, w),
        "The division by sin(theta) is missing.": lambda a, b, w: slerp(a, b, w) * torch.sin(angle(a, b)),
        "Divide by sin(theta), not by theta.": lambda a, b, w: slerp(a, b, w) * torch.sin(angle(a, b)) / angle(a, b),
        "theta is the cosine here: take arccos of it.": lambda a, b, w: arc(a, b, w, torch.cos(angle(a, b))),
        "theta is in degrees here, but torch.sin wants radians: arccos gives radians already.": (
            lambda a, b, w: arc(a, b, w, torch.rad2deg(angle(a, b)))
        ),
        "The norm is the root of the sum of squares: divide by a.norm() * b.norm().": lambda a, b, w: arc(
            a, b, w, torch.arccos((a * b).sum() / (a.norm() * b.norm()) ** 2)
        ),
        "The cosine is divided by the norm of a twice: divide by both norms.": lambda a, b, w: arc(
            a, b, w, torch.arccos((a * b).sum() / a.square().sum())
        ),
        "The cosine must be divided by both norms, not by the number of values.": lambda a, b, w: arc(
            a, b, w, torch.arccos((a * b).mean())
        ),
        "w is kept away from 0 and 1 here: the ends belong to the arc.": lambda a, b, w: slerp(a, b, min(max(w, 0.1), 0.9)),
        "The whole sum is divided by sin(theta), not only its second part: put it in brackets.": lambda a, b, w: (
            torch.sin((1 - w) * angle(a, b)) * a + torch.sin(w * angle(a, b)) * b / torch.sin(angle(a, b))
        ),
        "theta is the arcsin of the cosine here: take arccos.": lambda a, b, w: arc(a, b, w, torch.pi / 2 - angle(a, b)),
        "The cosine must be divided by both norms.": lambda a, b, w: arc(a, b, w, torch.arccos((a * b).sum())),
        "theta must be the angle between a and b, and not simply a right angle.": (
            lambda a, b, w: arc(a, b, w, torch.tensor(torch.pi / 2))
        ),
        "The ends lost their length: a and b are divided by their norms for the angle only.": (
            lambda a, b, w: arc(a / a.norm(), b / b.norm(), w, angle(a, b))
        ),
        "Take the sum of a * b, not the mean.": lambda a, b, w: arc(
            a, b, w, torch.arccos((a * b).mean() / (a.norm() * b.norm()))
        ),
        "There must be one angle for all: sum a * b over everything, and take the norms of everything.": lambda a, b, w: arc(
            a, b, w, torch.arccos((a * b).sum(0) / (a.norm(dim=0) * b.norm(dim=0)))
        ),
        "Both parts are divided by sin(theta), not only one of them.": lambda a, b, w: (
            (torch.sin((1 - w) * angle(a, b)) / torch.sin(angle(a, b))) * a + torch.sin(w * angle(a, b)) * b
        ),
        "Square roots of the shares are no arc: the factors are sines.": lambda a, b, w: (1 - w) ** 0.5 * a + w**0.5 * b,
        "This is the straight line, made as strong as noise afterwards: walk along the arc itself.": lambda a, b, w: (
            ((1 - w) * a + w * b) / ((1 - w) * a + w * b).std()
        ),
        "There is a cosine where sines belong: sin((1 - w) theta) and sin(w theta).": (
            lambda a, b, w: (torch.cos(w * angle(a, b)) * a + torch.sin(w * angle(a, b)) * b) / torch.sin(angle(a, b))
        ),
    },
    "a takes sin((1 - w) theta), b takes sin(w theta); both together are divided by sin(theta).",
)


def order(steps: list[int], errors: list[float]) -> float:
    """Minus the slope of the line through both logarithms."""
    return -float(np.polyfit(np.log(steps), np.log(errors), 1)[0])


def ends(first: int, last: int) -> Callable:
    """An answer from two of the errors."""
    return lambda steps, errors: np.log(errors[first] / errors[last]) / np.log(steps[last] / steps[first])


L4_5 = Exercise(
    "L4.5",
    "the order p, where errors fall like steps to the power of -p.",
    order,
    lambda: [  # no exact power laws, and one error that rises: a line must be fitted
        ([10, 20, 40, 80, 160], [0.095, 0.041, 0.011, 0.0052, 0.0013]),
        ([5, 15, 25, 90], [0.21, 0.013, 0.016, 0.0003]),
    ],
    {
        "The sign: errors fall, and the order is given as a positive number.": lambda steps, errors: -order(steps, errors),
        "This is the slope without logarithms: take the logarithm of steps and of errors.": (
            lambda steps, errors: np.polyfit(steps, errors, 1)[0]
        ),
        "This is minus the slope without logarithms: take the logarithm of steps and of errors.": (
            lambda steps, errors: -np.polyfit(steps, errors, 1)[0]
        ),
        "The errors are squared here: take them as they are.": lambda steps, errors: 2 * order(steps, errors),
        "The two logarithms have different bases: take the same one twice.": lambda steps, errors: (
            order(steps, errors) / np.log(2)
        ),
        "The two logarithms have different bases: take the same one for both.": (
            lambda steps, errors: order(steps, errors) * np.log(2)
        ),
        "This is minus the line's height: np.polyfit returns the slope first.": (
            lambda steps, errors: -np.polyfit(np.log(steps), np.log(errors), 1)[1]
        ),
        "Only the first and the last error are used: fit a line through all.": ends(0, -1),
        "Only the first two errors are used: fit a line through all.": ends(0, 1),
        "Only the last two errors are used: fit a line through all.": ends(-2, -1),
        "The last error is left out: fit a line through all.": lambda steps, errors: order(steps[:-1], errors[:-1]),
        "This is the mean of the slopes between neighbours: fit one line through all.": lambda steps, errors: (
            -np.mean(np.diff(np.log(errors)) / np.diff(np.log(steps)))
        ),
        "This is the factor that more steps gain; the order is its logarithm, divided by that of the steps' ratio.": (
            lambda steps, errors: errors[0] / errors[1]
        ),
        "This holds only where the steps double: divide by the logarithm of the steps' ratio, or take np.polyfit.": (
            lambda steps, errors: np.log2(errors[0] / errors[1])
        ),
        "Do not round: the order of a measurement need not be whole.": lambda steps, errors: round(order(steps, errors)),
        "This is the height of the line, the c: the order is minus the slope.": lambda steps, errors: float(
            np.exp(np.polyfit(np.log(steps), np.log(errors), 1)[1])
        ),
        "Divide by the difference of the logarithms of the steps, not of the steps.": lambda steps, errors: (
            -(np.log(errors[-1]) - np.log(errors[0])) / (steps[-1] - steps[0])
        ),
        "The steps need a logarithm, too.": lambda steps, errors: -np.polyfit(steps, np.log(errors), 1)[0],
        "The errors need a logarithm, too.": lambda steps, errors: -np.polyfit(np.log(steps), errors, 1)[0],
        "This is the line's height: np.polyfit returns the slope first.": (
            lambda steps, errors: np.polyfit(np.log(steps), np.log(errors), 1)[1]
        ),
        "Steps and errors are exchanged: np.polyfit takes the steps first.": lambda steps, errors: order(errors, steps),
        "This is the factor that twice as many steps gain: the order is its exponent, as in 2 ** order.": (
            lambda steps, errors: 2 ** order(steps, errors)
        ),
    },
    "np.polyfit(np.log(steps), np.log(errors), 1) returns (slope, height). The order is minus the slope.",
)

EXERCISES = (L4_1, L4_2, L4_3, L4_4, L4_5)
