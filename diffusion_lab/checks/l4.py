"""Checks of the exercises of L4: fast sampling."""

from collections.abc import Callable
from itertools import pairwise
from operator import index

import numpy as np
import torch
from torch import Tensor

from ..schedules import cosine, linear, step_grid
from ..steps import ddim_step, perturb
from .compare import Refused
from .exercise import Exercise, noise
from .l1 import roots


def quiet_step(x0: Tensor, eps: Tensor, t: int, t_prev: int, alpha_bar: Tensor) -> Tensor:
    """DDIM with eta = 0."""
    return perturb(x0, t_prev, eps, alpha_bar)


L4_1 = Exercise(
    "L4.1",
    "the picture at t_prev, from the believed sprite x0 and the guessed noise eps.",
    quiet_step,
    lambda: [
        (noise(0, 2, 3, 16, 16), noise(1, 2, 3, 16, 16), 210, 150, cosine(300).alpha_bar),
        (noise(2, 5, 3, 16, 16), noise(3, 5, 3, 16, 16), 93, 61, linear(140).alpha_bar),
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
    },
    "It is the equation of adding noise, with the believed sprite, the guessed noise, and the time t_prev.",
)


def step_with(sigma: Callable, taken: Callable = lambda sigma: sigma**2, fresh: float = 1.0) -> Callable:
    """DDIM with another sigma, a function of eta and the two factors first and second under its roots, or with something
    else than sigma squared taken away from the guessed noise, or with another share of fresh noise."""

    def answer(x0: Tensor, eps: Tensor, t: int, t_prev: int, alpha_bar: Tensor, eta: float, z: Tensor) -> Tensor:
        ab, ab_prev = alpha_bar[t], alpha_bar[t_prev]
        s = sigma(eta, (1 - ab_prev) / (1 - ab), 1 - ab / ab_prev)
        return ab_prev.sqrt() * x0 + (1 - ab_prev - taken(s)).sqrt() * eps + fresh * s * z

    return answer


def right_sigma(eta: float, first: Tensor, second: Tensor) -> Tensor:
    """sigma as the paper has it."""
    return eta * (first * second).sqrt()


L4_2 = Exercise(
    "L4.2",
    "the picture at t_prev, with fresh noise z as eta says.",
    ddim_step,
    lambda: [
        (noise(0, 2, 3, 16, 16), noise(1, 2, 3, 16, 16), 210, 190, cosine(300).alpha_bar, 0.6, noise(2, 2, 3, 16, 16)),
        (noise(3, 5, 3, 16, 16), noise(4, 5, 3, 16, 16), 93, 80, linear(140).alpha_bar, 0.8, noise(5, 5, 3, 16, 16)),
        (noise(6, 1, 3, 16, 16), noise(7, 1, 3, 16, 16), 40, 31, cosine(300).alpha_bar, 0.0, noise(8, 1, 3, 16, 16)),
        (noise(6, 1, 3, 16, 16), noise(7, 1, 3, 16, 16), 41, 40, cosine(300).alpha_bar, 1.0, noise(8, 1, 3, 16, 16)),
    ],
    {
        "Noise was added, but the guessed noise was not made smaller: there is too much noise now.": step_with(
            right_sigma, lambda sigma: 0
        ),
        "Under the root sigma must be squared: variances add up, not standard deviations.": step_with(
            right_sigma, lambda sigma: sigma
        ),
        "Under the root sigma squared must be taken away: you added it.": step_with(right_sigma, lambda sigma: -(sigma**2)),
        "sigma lacks its first root, sqrt((1 - alpha_bar_prev) / (1 - alpha_bar)).": step_with(
            lambda eta, first, second: eta * second.sqrt()
        ),
        "sigma lacks its second root, sqrt(1 - alpha_bar / alpha_bar_prev).": step_with(
            lambda eta, first, second: eta * first.sqrt()
        ),
        "sigma lacks its square roots.": step_with(lambda eta, first, second: eta * first * second),
        "eta is squared, or stands under the root, in sigma: sigma is eta times the roots.": step_with(
            lambda eta, first, second: eta**2 * (first * second).sqrt()
        ),
        "The root of eta is in sigma: eta stands before the roots.": step_with(
            lambda eta, first, second: (eta * first * second).sqrt()
        ),
        "The first root of sigma is upside down: it is (1 - alpha_bar_prev) / (1 - alpha_bar).": step_with(
            lambda eta, first, second: eta * (second / first).sqrt()
        ),
        "z was never added: eta changes nothing but the guessed noise.": step_with(right_sigma, fresh=0.0),
        "z is taken away: it is added.": step_with(right_sigma, fresh=-1.0),
        "eta changes nothing: sigma is missing.": step_with(lambda eta, first, second: 0),
        "eta is missing in sigma: it is always that of eta = 1.": step_with(
            lambda eta, first, second: right_sigma(1.0, first, second)
        ),
    },
    "The total variance of noise must stay 1 - alpha_bar[t_prev]: sigma squared of it is fresh, the rest guessed.",
)


def whole(time: object) -> int:
    """A time as an int; NumPy's and PyTorch's whole numbers are welcome."""
    try:
        return index(time)
    except TypeError:
        raise Refused(f"Times are whole numbers, an index into alpha_bar, but {time!r} is not one: use round().") from None


def grid(answer: Callable, T: int, n: int) -> dict[str, object]:
    """What a grid must be. Where it rounds up and where down is free."""
    pairs = [tuple(map(whole, pair)) for pair in answer(T, n)]
    if not pairs or any(len(pair) != 2 for pair in pairs):
        raise Refused("It should return a list of n pairs (t, t_prev).")
    sizes = [t - t_prev for t, t_prev in pairs]
    return {
        "the first step's beginning": pairs[0][0],
        "the last step's end": pairs[-1][1],
        "the number of steps": len(pairs),
        "each step begins where the one before ended, and goes down": all(a[1] == b[0] for a, b in pairwise(pairs))
        and min(sizes) > 0,
        "all steps are equally long, but for 1": max(sizes) - min(sizes) <= 1,
    }


def between(times: Callable) -> Callable:
    """An answer that pairs neighbours of the times that `times` gives for T and n."""
    return lambda T, n: list(pairwise(np.asarray(times(T, n)).round().astype(int).tolist()))


L4_3 = Exercise(
    "L4.3",
    "n pairs (t, t_prev) in equal steps from T down to 0.",
    step_grid,
    lambda: [(300, 10), (97, 10), (300, 300), (140, 1), *((113, n) for n in range(2, 114)), (500, 270), (500, 333)],
    {
        "T // n rounds down: for some n the last step ends below 0, an index from the noisy end. Round T * k / n instead.": (
            lambda T, n: [(t, t - T // n) for t in range(T, 0, -(T // n))]
        ),
        "T // n rounds down: for some n there are more than n steps, of which the last is short. Round T * k / n instead.": (
            lambda T, n: [(t, max(t - T // n, 0)) for t in range(T, 0, -(T // n))]
        ),
        "T // n rounds down: the last step has to make up for all that is left. Round T * k / n instead.": (
            lambda T, n: [(T - k * (T // n), T - (k + 1) * (T // n) if k < n - 1 else 0) for k in range(n)]
        ),
        "The last step ends at 1, expected 0: the sprite would stay noisy.": between(lambda T, n: np.linspace(T, 1, n + 1)),
        "The first step begins at T - 1, expected T: times go from T to 0.": between(lambda T, n: np.linspace(T - 1, 0, n + 1)),
        "There is one step less than n: n steps need n + 1 times.": between(lambda T, n: np.linspace(T, 0, max(n, 2))),
        "There is one step more than n: n steps need n + 1 times.": between(lambda T, n: np.linspace(T, 0, n + 2)),
        "The times go up: sampling begins at T, the noise.": between(lambda T, n: np.linspace(0, T, n + 1)),
        "The pairs are turned round: (t, t_prev), from the noisier to the cleaner time.": (
            lambda T, n: [(t_prev, t) for t, t_prev in step_grid(T, n)]
        ),
        "These are the times: pair each with the next.": lambda T, n: [t for t, _ in step_grid(T, n)],
        "Times are whole numbers, an index into alpha_bar: round T * k / n.": (
            lambda T, n: list(pairwise(T * k / n for k in range(n, -1, -1)))
        ),
        "The steps have different sizes: spread them evenly.": between(lambda T, n: T * np.linspace(1, 0, n + 1) ** 2),
        "All steps are one long: n says how many there are from T down to 0.": lambda T, n: [
            (t, t - 1) for t in range(T, 0, -1)
        ],
    },
    "T * k / n for k = n, n - 1, ..., 0, rounded, are n + 1 times. Pair each with the next.",
    grid,
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


def a_pair(seed: int, height: int) -> tuple[Tensor, Tensor]:
    """Two noises of different strength with something in common, so that the angle is no right one."""
    a, b = noise(seed, 3, height, 16), noise(seed + 1, 3, height, 16)
    return a, 1.5 * b + 0.6 * a


L4_4 = Exercise(
    "L4.4",
    "the noise at w on the arc from a to b.",
    slerp,
    lambda: [(*a_pair(0, 16), 0.3), (*a_pair(2, 12), 0.8)],
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
        "The cosine must be divided by both norms.": lambda a, b, w: arc(a, b, w, torch.arccos((a * b).sum())),
        "theta must be the angle between a and b, and not simply a right angle.": (
            lambda a, b, w: arc(a, b, w, torch.tensor(torch.pi / 2))
        ),
        "The ends lost their length: a and b are divided by their norms for the angle only.": (
            lambda a, b, w: arc(a / a.norm(), b / b.norm(), w, angle(a, b))
        ),
        "There is a cosine where sines belong: sin((1 - w) theta) and sin(w theta).": (
            lambda a, b, w: (torch.cos(w * angle(a, b)) * a + torch.sin(w * angle(a, b)) * b) / torch.sin(angle(a, b))
        ),
    },
    "The cosine of the angle is the sum of a * b, divided by both norms.",
)


def order(steps: list[int], errors: list[float]) -> float:
    """Minus the slope of the line through both logarithms."""
    return -float(np.polyfit(np.log(steps), np.log(errors), 1)[0])


L4_5 = Exercise(
    "L4.5",
    "the order p, where errors fall like steps to the power of -p.",
    order,
    lambda: [  # errors that follow 3 n^(-1.5) and 7 n^(-2.2) exactly
        ([10, 20, 40, 80], [3 * n**-1.5 for n in (10, 20, 40, 80)]),
        ([5, 15, 25, 60, 90], [7 * n**-2.2 for n in (5, 15, 25, 60, 90)]),
    ],
    {
        "The sign: errors fall, and the order is given as a positive number.": lambda steps, errors: -order(steps, errors),
        "This is the slope without logarithms: take the logarithm of steps and of errors.": (
            lambda steps, errors: np.polyfit(steps, errors, 1)[0]
        ),
        "This is minus the slope without logarithms: take the logarithm of steps and of errors.": (
            lambda steps, errors: -np.polyfit(steps, errors, 1)[0]
        ),
        "This is the factor that more steps gain; the order is its logarithm, divided by that of the steps' ratio.": (
            lambda steps, errors: errors[0] / errors[1]
        ),
        "The steps need a logarithm, too.": lambda steps, errors: -np.polyfit(steps, np.log(errors), 1)[0],
        "The errors need a logarithm, too.": lambda steps, errors: -np.polyfit(np.log(steps), errors, 1)[0],
        "This is the line's height: np.polyfit returns the slope first.": (
            lambda steps, errors: np.polyfit(np.log(steps), np.log(errors), 1)[1]
        ),
        "Steps and errors are exchanged: this is 1 / p.": lambda steps, errors: 1 / order(steps, errors),
    },
    "np.polyfit(np.log(steps), np.log(errors), 1) returns (slope, height). The order is minus the slope.",
)

EXERCISES = (L4_1, L4_2, L4_3, L4_4, L4_5)
