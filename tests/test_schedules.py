"""Schedules and the grid of steps (DESIGN's identities 1 and 3)."""

import math
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from worlds import betas

from diffusion_lab.schedules import MAX_BETA, SCHEDULES, Schedule, linear, step_grid

GOLDEN = np.load(Path(__file__).parent / "golden" / "golden.npz")


@pytest.mark.parametrize("name", SCHEDULES)
@pytest.mark.parametrize("T", [1, 10, 500, 1000])
def test_alpha_bar_starts_at_one_and_falls(name, T):
    schedule = SCHEDULES[name](T)
    ab, beta = schedule.alpha_bar, betas(schedule.alpha_bar)
    assert (schedule.T, ab.shape, ab.dtype, ab[0].item()) == (T, (T + 1,), torch.float64, 1.0)
    assert (ab[1:] < ab[:-1]).all() and ab[-1] > 0
    torch.testing.assert_close(torch.cumprod(1 - beta, 0), ab, rtol=1e-12, atol=0)  # alpha_bar is the product of 1 - beta
    assert beta[0] == 0 and beta.max() <= MAX_BETA + 1e-12


def test_the_linear_schedule_is_the_papers():
    beta = betas(linear().alpha_bar)
    assert beta[1].item() == pytest.approx(1e-4, rel=1e-9)
    assert beta[500].item() == pytest.approx(0.02, rel=1e-9)
    torch.testing.assert_close(beta[2:] - beta[1:-1], torch.full((499,), (0.02 - 1e-4) / 499, dtype=torch.float64))


@pytest.mark.parametrize("name", ["linear", "quadratic", "cosine"])
def test_alpha_bar_agrees_with_diffusers(name):
    np.testing.assert_allclose(SCHEDULES[name](500).alpha_bar[1:].numpy(), GOLDEN[f"alpha_bar_{name}"], rtol=2e-4, atol=1e-8)


def test_cosine_is_a_squared_cosine():
    ab = SCHEDULES["cosine"](500).alpha_bar
    assert ab[250].item() == pytest.approx(0.4938, abs=1e-4)  # cos^2 of half way; without the square it would be 0.70


def test_sigmoid_is_half_way_in_the_middle():
    ab = SCHEDULES["sigmoid"](500).alpha_bar
    assert ab[250].item() == pytest.approx(0.5, abs=1e-9)
    rise = [1 / (1 + math.exp(-v)) for v in (3, 1.5, -3)]  # Jabri et al. 2022: (s(end) - s(v)) / (s(end) - s(start))
    assert ab[125].item() == pytest.approx((rise[1] - rise[2]) / (rise[0] - rise[2]), abs=1e-9)


@pytest.mark.parametrize("T", [1, 7, 500])
def test_any_number_of_steps_goes_from_T_to_0(T):
    for n in range(1, T + 1):
        pairs = step_grid(T, n)
        times = [t for t, _ in pairs] + [pairs[-1][1]]
        assert len(pairs) == n and times[0] == T and times[-1] == 0
        assert all(isinstance(t, int) and a > b for (a, b), t in zip(pairwise(times), times, strict=False))
        assert all(a[1] == b[0] for a, b in pairwise(pairs))
        assert max(a - b for a, b in pairs) - min(a - b for a, b in pairs) <= 1  # equal, up to rounding


@pytest.mark.parametrize("n", [0, -1, 501, 2.0, True, "3"])
def test_other_numbers_of_steps_are_refused(n):
    with pytest.raises(ValueError, match=r"whole number from 1 to 500"):
        step_grid(500, n)


@pytest.mark.parametrize(
    "table", [[1.0, 0.5, 0.6], [0.9, 0.5], [1.0, 0.5, 0.0], [1.0], [[1.0, 0.5]]], ids=["rises", "start", "zero", "short", "2d"]
)
def test_a_table_that_is_no_schedule_is_refused(table):
    with pytest.raises(ValueError, match="alpha_bar must"):
        Schedule("mine", torch.tensor(table, dtype=torch.float64))


def test_a_float32_table_is_refused():
    with pytest.raises(ValueError, match="float64"):
        Schedule("mine", torch.tensor([1.0, 0.5]))
