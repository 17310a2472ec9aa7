"""The equations (DESIGN's identities 2, 7, 9 to 12, 14, 15)."""

import math
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from worlds import betas

from diffusion_lab.schedules import SCHEDULES, linear
from diffusion_lab.steps import (
    PREDICTIONS,
    clip_x0,
    ddim_step,
    ddpm_step,
    dpmpp_2m_step,
    guide,
    perturb,
    target,
    to_x0_eps,
)

GOLDEN = np.load(Path(__file__).parent / "golden" / "golden.npz")
AB = linear().alpha_bar


def randn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize("name", SCHEDULES)
def test_perturb_keeps_unit_variance_at_every_t(name):
    """x_t = a x0 + b eps with a^2 + b^2 = 1: reading a and b off unit inputs sees a missing square root."""
    ab = SCHEDULES[name]().alpha_bar
    t = torch.arange(0, 501)
    one, zero = torch.ones(501, 1, 1, 1, dtype=torch.float64), torch.zeros(501, 1, 1, 1, dtype=torch.float64)
    signal, noise = perturb(one, t, zero, ab).flatten(), perturb(zero, t, one, ab).flatten()
    torch.testing.assert_close(signal**2 + noise**2, torch.ones(501, dtype=torch.float64), rtol=1e-12, atol=0)
    torch.testing.assert_close(signal**2, ab, rtol=1e-12, atol=0)


def test_perturb_at_t_50_has_the_known_noise():
    noise = perturb(torch.zeros(1, 1, dtype=torch.float64), 50, torch.ones(1, 1, dtype=torch.float64), AB).item()
    assert noise == pytest.approx(0.2290, abs=1e-4)  # 0.052 without the square root


def test_perturb_takes_one_time_or_one_for_each_picture():
    x0, eps, t = randn(3, 2, 4, 4), randn(3, 2, 4, 4, seed=1), torch.tensor([1, 250, 500])
    many = perturb(x0, t, eps, AB)
    for i in range(3):
        torch.testing.assert_close(many[i], perturb(x0[i], int(t[i]), eps[i], AB))


@pytest.mark.parametrize("prediction", PREDICTIONS)
@pytest.mark.parametrize("name", SCHEDULES)
def test_every_prediction_leads_back_to_x0_and_eps(prediction, name):
    ab = SCHEDULES[name]().alpha_bar
    x0, eps = randn(4, 3, 2, 2), randn(4, 3, 2, 2, seed=1)
    t = torch.tensor([1, 60, 250, 500])
    x_t = perturb(x0, t, eps, ab)
    back = to_x0_eps(prediction, target(prediction, x0, t, eps, ab), x_t, t, ab)
    # eps-prediction divides by sqrt(alpha_bar), which is 1e-4 at the end of the cosine schedule
    torch.testing.assert_close(back[0], x0, rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(back[1], eps, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("function", [lambda w: target(w, AB, 1, AB, AB), lambda w: to_x0_eps(w, AB, AB, 1, AB)])
def test_an_unknown_prediction_is_refused(function):
    with pytest.raises(ValueError, match=r"one of eps, v, x0, not 'noise'"):
        function("noise")


def test_clipping_makes_eps_again():
    x_t, x0 = randn(5, 3, 2, 2), 3 * randn(5, 3, 2, 2, seed=1)
    clipped, eps = clip_x0(x0, x_t, 300, AB)
    assert clipped.abs().max() <= 1 and (x0.abs() > 1).any()
    torch.testing.assert_close(AB[300].sqrt() * clipped + (1 - AB[300]).sqrt() * eps, x_t, rtol=1e-12, atol=1e-12)


def test_guidance_is_linear_between_and_beyond():
    u, c = randn(2, 3), randn(2, 3, seed=1)
    torch.testing.assert_close(guide(u, c, 0), u)
    torch.testing.assert_close(guide(u, c, 1), c)
    torch.testing.assert_close(guide(u, c, 2.5), 2.5 * c - 1.5 * u)


@pytest.mark.parametrize(("t", "t_prev"), [(500, 499), (250, 249), (2, 1)])
def test_ddim_with_eta_1_is_ddpm_with_the_posterior_variance(t, t_prev):
    x_t, eps, z = (randn(2, 3, seed=s) for s in range(3))
    x0, _ = to_x0_eps("eps", eps, x_t, t, AB)
    zero = torch.zeros_like(z)
    torch.testing.assert_close(
        ddim_step(x0, eps, t, t_prev, AB, 1.0, zero), ddpm_step(x_t, eps, t, t_prev, AB, zero), rtol=1e-9, atol=1e-9
    )
    noise = (ddim_step(x0, eps, t, t_prev, AB, 1.0, z) - ddim_step(x0, eps, t, t_prev, AB, 1.0, zero)) / z
    posterior = (1 - AB[t_prev]) / (1 - AB[t]) * (1 - AB[t] / AB[t_prev])  # Ho et al. 2020, eq. 7
    torch.testing.assert_close(noise, posterior.sqrt().expand_as(noise), rtol=1e-9, atol=0)


def test_ddpm_adds_sqrt_beta_and_nothing_at_the_end():
    x, zero, one = torch.zeros(1, dtype=torch.float64), torch.zeros(1, dtype=torch.float64), torch.ones(1, dtype=torch.float64)
    beta = betas(linear().alpha_bar)
    for t in (500, 250, 2):
        assert ddpm_step(x, zero, t, t - 1, AB, one).item() == pytest.approx(beta[t].sqrt().item(), rel=1e-12)
    assert ddpm_step(x, zero, 1, 0, AB, one).item() == 0


def test_2m_extends_the_belief_in_a_straight_line_over_lambda():
    """With the belief lambda itself, and unequal steps, D is lambda half way: an order test would not see a swapped ratio."""
    log_snr = (AB / (1 - AB)).log() / 2
    t_last, t, t_prev = 400, 250, 190
    found = dpmpp_2m_step(torch.zeros(1).double(), log_snr[t], log_snr[t_last], t, t_prev, t_last, AB)
    h = log_snr[t_prev] - log_snr[t]
    D = found / (-AB[t_prev].sqrt() * torch.expm1(-h))
    assert D.item() == pytest.approx(((log_snr[t] + log_snr[t_prev]) / 2).item(), abs=1e-12)


def test_2m_without_news_is_ddim():
    x_t, x0 = randn(2, 3, 4, 4), randn(2, 3, 4, 4, seed=1)
    eps = (x_t - AB[250].sqrt() * x0) / (1 - AB[250]).sqrt()
    expected = ddim_step(x0, eps, 250, 190, AB, 0.0, torch.zeros_like(x0))
    torch.testing.assert_close(dpmpp_2m_step(x_t, x0, x0, 250, 190, 400, AB), expected, rtol=0, atol=1e-12)


def test_2m_converges_with_order_two():
    """Gaussian data N(0.3, 0.5^2), equal steps of lambda from -3 to 3, against the exact flow."""
    mean, std, start, errors = 0.3, 0.5, torch.tensor([-1.0, 0.4, 2.0]).double(), []
    for n in (40, 80, 160):
        ab = torch.sigmoid(2 * torch.linspace(3, -3, n + 1).double())
        x, last = start, None
        for t in range(n, 0, -1):
            x0 = mean + ab[t].sqrt() * std**2 / (ab[t] * std**2 + 1 - ab[t]) * (x - ab[t].sqrt() * mean)
            before = (x0, 0) if last is None else (last, t + 1)  # without news the time before does not matter
            x, last = dpmpp_2m_step(x, x0, before[0], t, t - 1, before[1], ab), x0
        spread = (ab * std**2 + 1 - ab).sqrt()
        exact = ab[0].sqrt() * mean + spread[0] / spread[n] * (start - ab[n].sqrt() * mean)
        errors.append((x - exact).abs().max().item())
    slopes = [math.log2(a / b) for a, b in pairwise(errors)]
    assert all(1.8 < s < 2.2 for s in slopes), (errors, slopes)


def golden(prefix):
    return [name for name in GOLDEN.files if name.startswith(prefix)]


@pytest.mark.parametrize("name", golden("ddpm_"))
def test_ddpm_agrees_with_diffusers(name):
    _, prediction, t = name.split("_")
    t, x_t, output, z = int(t), *(torch.from_numpy(GOLDEN[k]) for k in ("x_t", "output", "z"))
    x0, _ = to_x0_eps(prediction, output, x_t, t, AB)
    _, eps = clip_x0(x0, x_t, t, AB)
    np.testing.assert_allclose(ddpm_step(x_t, eps, t, t - 1, AB, z).numpy(), GOLDEN[name], rtol=1e-3, atol=2e-4)


@pytest.mark.parametrize("name", golden("ddim_"))
def test_ddim_agrees_with_diffusers(name):
    _, prediction, t, t_prev, eta = name.split("_")
    t, t_prev = int(t), int(t_prev)
    x_t, output, z = (torch.from_numpy(GOLDEN[k]) for k in ("x_t", "output", "z"))
    x0, eps = clip_x0(to_x0_eps(prediction, output, x_t, t, AB)[0], x_t, t, AB)
    np.testing.assert_allclose(ddim_step(x0, eps, t, t_prev, AB, float(eta), z).numpy(), GOLDEN[name], rtol=1e-4, atol=1e-4)
