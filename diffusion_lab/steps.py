"""The equations of diffusion, one function each. They know nothing of networks, devices or loops.

x0: clean pictures. x_t: pictures at time t. eps: the noise in x_t. z: fresh noise. All (B, 3, 16, 16) or any other shape.
alpha_bar: a schedule's table, (T + 1,) float64. t and t_prev: whole numbers, t > t_prev >= 0.
"""

import torch
from torch import Tensor

from .language import gettext

PREDICTIONS = ("eps", "v", "x0")


def at(table: Tensor, t: int | Tensor, like: Tensor) -> Tensor:
    """table[t], shaped and typed to multiply `like`. t: one int, or (B,) whole numbers, one for each picture."""
    values = table[t].to(like.dtype).to(like.device)  # in this order: MPS knows no float64
    return values.reshape(-1, *[1] * (like.ndim - 1)) if values.ndim else values


def perturb(x0: Tensor, t: int | Tensor, eps: Tensor, alpha_bar: Tensor) -> Tensor:
    """x_t from x0 in one go (Ho et al. 2020, eq. 4). t: one int, or (B,) whole numbers on the CPU."""
    return at(alpha_bar.sqrt(), t, x0) * x0 + at((1 - alpha_bar).sqrt(), t, x0) * eps


def target(prediction: str, x0: Tensor, t: int | Tensor, eps: Tensor, alpha_bar: Tensor) -> Tensor:
    """What a network with this `prediction` ("eps", "v" or "x0") should answer at x_t.

    v = sqrt(alpha_bar) eps - sqrt(1 - alpha_bar) x0 (Salimans & Ho 2022, appendix D). ValueError for another word.
    """
    if prediction == "eps":
        return eps
    if prediction == "x0":
        return x0
    if prediction == "v":
        return at(alpha_bar.sqrt(), t, x0) * eps - at((1 - alpha_bar).sqrt(), t, x0) * x0
    raise ValueError(f"prediction must be one of {', '.join(PREDICTIONS)}, not {prediction!r}.")


def to_x0_eps(prediction: str, output: Tensor, x_t: Tensor, t: int | Tensor, alpha_bar: Tensor) -> tuple[Tensor, Tensor]:
    """The network's answer as a pair (x0, eps) with x_t = sqrt(alpha_bar) x0 + sqrt(1 - alpha_bar) eps.

    output: what the network answered at x_t, t >= 1. ValueError for an unknown prediction.
    """
    a, b = at(alpha_bar.sqrt(), t, x_t), at((1 - alpha_bar).sqrt(), t, x_t)
    if prediction == "eps":
        return (x_t - b * output) / a, output
    if prediction == "x0":
        return output, (x_t - a * output) / b
    if prediction == "v":
        return a * x_t - b * output, b * x_t + a * output
    wrong = gettext("{name} must be one of {known}, not {value!r}.")
    raise ValueError(wrong.format(name="prediction", known=", ".join(PREDICTIONS), value=prediction))


def clip_x0(x0: Tensor, x_t: Tensor, t: int | Tensor, alpha_bar: Tensor) -> tuple[Tensor, Tensor]:
    """x0 clipped to [-1, 1], and the eps that then belongs to x_t: the old one would no longer fit."""
    return to_x0_eps("x0", x0.clamp(-1, 1), x_t, t, alpha_bar)


def guide(u: Tensor, c: Tensor, s: float) -> Tensor:
    """Classifier-free guidance (Ho & Salimans 2022, eq. 6, written as u + s (c - u)).

    u, c: the network's answers without and with context. s = 0 gives u, s = 1 gives c, s > 1 goes beyond c.
    """
    return u + s * (c - u)


def ddpm_step(x_t: Tensor, eps: Tensor, t: int, t_prev: int, alpha_bar: Tensor, z: Tensor) -> Tensor:
    """One step of DDPM from t down to t_prev (Ho et al. 2020, algorithm 2, with sigma^2 = beta).

    t_prev is t - 1 in the paper; further apart, alpha and beta are those of the whole jump. The last step, to
    t_prev = 0, adds no noise.
    """
    alpha = alpha_bar[t] / alpha_bar[t_prev]
    beta = 1 - alpha
    mean = (x_t - beta / (1 - alpha_bar[t]).sqrt() * eps) / alpha.sqrt()
    sigma = beta.sqrt() if t_prev > 0 else 0
    return mean + sigma * z


def ddim_step(x0: Tensor, eps: Tensor, t: int, t_prev: int, alpha_bar: Tensor, eta: float, z: Tensor) -> Tensor:
    """One step of DDIM from t down to t_prev (Song et al. 2021, eq. 12 and 16).

    eta = 0 adds no noise: the picture depends on the first noise alone. eta = 1 over consecutive steps is DDPM with
    the posterior variance. (The clamp stops rounding from making a root's argument negative.)
    """
    ab, ab_prev = alpha_bar[t], alpha_bar[t_prev]
    sigma = eta * ((1 - ab_prev) / (1 - ab)).sqrt() * (1 - ab / ab_prev).sqrt()
    return ab_prev.sqrt() * x0 + (1 - ab_prev - sigma**2).clamp(min=0).sqrt() * eps + sigma * z


def dpmpp_2m_step(x_t: Tensor, x0: Tensor, x0_last: Tensor, t: int, t_prev: int, t_last: int, alpha_bar: Tensor) -> Tensor:
    """One step of DPM-Solver++(2M) from t down to t_prev >= 1 (Lu et al. 2022b, algorithm 2).

    x0: the believed pictures at t; x0_last: those of the step before, at t_last > t. The two are extended in a straight line
    over lambda = log(sqrt(alpha_bar) / sqrt(1 - alpha_bar)), the time in which the exact solution is simple. With
    x0_last = x0 the step is DDIM's with eta = 0.
    """
    a, sigma = alpha_bar.sqrt(), (1 - alpha_bar).sqrt()
    lambda_last, lambda_t, lambda_prev = ((a[i] / sigma[i]).log() for i in (t_last, t, t_prev))
    h = lambda_prev - lambda_t
    r = (lambda_t - lambda_last) / h
    D = x0 + (x0 - x0_last) / (2 * r)
    return sigma[t_prev] / sigma[t] * x_t - a[t_prev] * torch.expm1(-h) * D
