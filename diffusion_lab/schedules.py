"""Noise schedules: how much of the picture is left at each time t.

    x_t = sqrt(alpha_bar_t) x_0 + sqrt(1 - alpha_bar_t) eps          (Ho et al. 2020, eq. 4)

Time is an integer t in 0..T: t = 0 is the clean sprite, t = T is noise. A schedule is its table `alpha_bar`.
"""

from dataclasses import dataclass
from itertools import pairwise
from numbers import Integral

import torch
from torch import Tensor

from .language import gettext

MAX_BETA = 0.999  # Nichol & Dhariwal 2021, section 3.2: keeps the last steps from dividing by nothing


@dataclass(frozen=True, eq=False)
class Schedule:
    """A noise schedule.

    name: how it was made ("linear", "cosine", ...).
    alpha_bar: (T + 1,) float64; alpha_bar[0] == 1, strictly decreasing, above 0. alpha_bar[t] is the share of the
        picture's variance that is left at time t.

    Raises ValueError if the table is not such a table.
    """

    name: str
    alpha_bar: Tensor

    def __post_init__(self):
        ab = self.alpha_bar
        if ab.ndim != 1 or len(ab) < 2 or ab.dtype != torch.float64:
            raise ValueError(gettext("alpha_bar must be a float64 tensor of shape (T + 1,) with T at least 1."))
        if ab[0] != 1 or not (ab[1:] < ab[:-1]).all() or ab[-1] <= 0:
            raise ValueError(gettext("alpha_bar must start at 1, decrease strictly and stay above 0."))

    @property
    def T(self) -> int:
        """The number of steps from clean to noise."""
        return len(self.alpha_bar) - 1


def linear(T: int = 500, beta_1: float = 1e-4, beta_T: float = 0.02) -> Schedule:
    """beta rises in equal steps from beta_1 to beta_T (Ho et al. 2020, section 4). The course's schedule."""
    return _from_beta("linear", torch.linspace(beta_1, beta_T, T, dtype=torch.float64))


def quadratic(T: int = 500, beta_1: float = 1e-4, beta_T: float = 0.02) -> Schedule:
    """sqrt(beta) rises in equal steps: the "quadratic" of the code of Song et al. 2021 (DDIM)."""
    return _from_beta("quadratic", torch.linspace(beta_1**0.5, beta_T**0.5, T, dtype=torch.float64) ** 2)


def cosine(T: int = 500, s: float = 0.008) -> Schedule:
    """alpha_bar is a squared cosine (Nichol & Dhariwal 2021, eq. 17); s keeps the first steps from being too small."""
    u = torch.arange(T + 1, dtype=torch.float64) / T
    return _from_curve("cosine", torch.cos((u + s) / (1 + s) * torch.pi / 2) ** 2)


def sigmoid(T: int = 500, start: float = -3.0, end: float = 3.0) -> Schedule:
    """alpha_bar is a falling logistic curve (Jabri et al. 2022, "sigmoid", temperature 1)."""
    u = torch.arange(T + 1, dtype=torch.float64) / T
    curve = torch.sigmoid(-(start + u * (end - start)))
    return _from_curve("sigmoid", curve - torch.sigmoid(torch.tensor(-end, dtype=torch.float64)))


SCHEDULES = {"linear": linear, "cosine": cosine, "quadratic": quadratic, "sigmoid": sigmoid}


def step_grid(T: int, n: int) -> list[tuple[int, int]]:
    """The n pairs (t, t_prev) that lead from T to 0 in n nearly equal steps; n may be any number in 1..T.

    Raises ValueError for another n.
    """
    if isinstance(n, bool) or not isinstance(n, Integral) or not 1 <= n <= T:
        raise ValueError(gettext("steps must be a whole number from 1 to {T}, not {n!r}.").format(T=T, n=n))
    n = int(n)
    times = [(2 * T * k + n) // (2 * n) for k in range(n, -1, -1)]  # T k / n, rounded; whole numbers only
    return list(pairwise(times))


def _from_beta(name: str, beta: Tensor) -> Schedule:
    """beta: (T,) for t = 1..T."""
    return Schedule(name, torch.cat([torch.ones(1, dtype=torch.float64), torch.cumprod(1 - beta, 0)]))


def _from_curve(name: str, curve: Tensor) -> Schedule:
    """curve: (T + 1,), falling. Where a step would remove more than MAX_BETA, beta is clipped, and alpha_bar is made
    again from the clipped betas: keeping the unclipped alpha_bar would let the two disagree."""
    return _from_beta(name, (1 - curve[1:] / curve[:-1]).clamp(max=MAX_BETA))
