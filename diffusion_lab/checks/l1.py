"""Checks of the exercises of L1: sampling."""

from collections.abc import Callable

import torch
from torch import Tensor

from ..steps import ddpm_step, perturb
from .exercise import ALPHA_BAR, Exercise, compare, noise


def _to_pixels(answer: Callable) -> str | None:
    x = torch.tensor([[-0.5, 0.0, 0.5], [-0.25, 0.1, 0.75]])
    got = answer(x)
    right = ((x + 1) * 127.5).round()
    if not isinstance(got, Tensor) or got.dtype != torch.uint8:
        return "It should return a tensor of whole numbers from 0 to 255: end with .to(torch.uint8)."
    if got.shape == x.shape and (got.double() - right).abs().max() > 1:
        stretched = (x - x.min()) / (x.max() - x.min()) * 255
        if (got.double() - stretched).abs().max() <= 1:
            return "You stretch each picture between its own minimum and maximum: this makes false colours. -1 is always black."
        if got.double()[0, 1] < 2:
            return "0 became black, but it is the middle grey, 127 or 128: move the range first, from -1..1 to 0..2."
    wrong = compare(got, right) if got.shape != x.shape or (got.double() - right).abs().max() > 1 else None
    if wrong:
        return wrong
    outside = answer(torch.tensor([[-1.2, 1.2]])).tolist()
    if outside != [[0, 255]]:
        return f"-1.2 and 1.2 became {outside[0]}, not [0, 255]: values outside the range must be clipped first."
    return None


def _add_noise(answer: Callable) -> str | None:
    x0, eps, t = noise(0, 2, 3, 4, 4), noise(1, 2, 3, 4, 4), 50
    a, b = ALPHA_BAR[t].item(), 1 - ALPHA_BAR[t].item()
    missing = f"Your noise at t = {t} has standard deviation {b:.2f}, expected {b**0.5:.2f}: is a square root missing?"
    mistakes = {
        missing: a**0.5 * x0 + b * eps,
        "Both square roots are missing.": a * x0 + b * eps,
        "The sprite has the factor of the noise, and the noise that of the sprite.": b**0.5 * x0 + a**0.5 * eps,
        "The sprite must become weaker, too: it has a factor.": x0 + b**0.5 * eps,
        "This is x at time t - 1: alpha_bar[0] belongs to t = 0, so use alpha_bar[t].": perturb(x0, t - 1, eps, ALPHA_BAR),
    }
    return compare(answer(x0, t, eps, ALPHA_BAR), perturb(x0, t, eps, ALPHA_BAR), mistakes)


def _believed_sprite(answer: Callable) -> str | None:
    x0, eps, t = noise(0, 2, 3, 4, 4), noise(1, 2, 3, 4, 4), 200
    a, b = ALPHA_BAR[t].sqrt().item(), (1 - ALPHA_BAR[t]).sqrt().item()
    x_t = a * x0 + b * eps
    mistakes = {
        "You took the noise away, but the sprite is still weak: divide by its factor.": x_t - b * eps,
        "The noise must be taken away with its factor, not whole.": (x_t - eps) / a,
        "Two square roots are missing.": (x_t - b * b * eps) / (a * a),
        "The square root of the noise's factor is missing.": (x_t - b * b * eps) / a,
        "The square root of the sprite's factor is missing.": (x_t - b * eps) / (a * a),
        "You added the noise once more: it must be taken away.": (x_t + b * eps) / a,
        "You divide by the factor of the noise: divide by that of the sprite.": (x_t - b * eps) / b,
    }
    return compare(answer(x_t, t, eps, ALPHA_BAR), x0, mistakes)


def _ddpm_step(answer: Callable) -> str | None:
    x, eps, z = (noise(seed, 2, 3, 4, 4) for seed in range(3))
    for t, t_prev in ((250, 249), (400, 360), (1, 0)):
        alpha = (ALPHA_BAR[t] / ALPHA_BAR[t_prev]).item()
        beta, b = 1 - alpha, (1 - ALPHA_BAR[t]).sqrt().item()
        mean = (x - beta / b * eps) / alpha**0.5
        near = (ALPHA_BAR[t] / ALPHA_BAR[t - 1]).item()
        mistakes = {
            "The last step, to t_prev = 0, must add no noise.": mean + beta**0.5 * z,
            "Fresh noise is missing: add sigma * z.": mean,
            f"sigma is {beta:.4f} at t = {t}, expected {beta**0.5:.3f}: it is the square root of beta.": mean + beta * z,
            "The factor 1 / sqrt(alpha) is missing.": mean * alpha**0.5 + beta**0.5 * z,
            "The mean takes away beta * eps: divide beta by sqrt(1 - alpha_bar[t]).": (x - beta * eps) / alpha**0.5
            + beta**0.5 * z,
            "alpha is that of one step, but t_prev may be further away: alpha = alpha_bar[t] / alpha_bar[t_prev].": (
                x - (1 - near) / b * eps
            )
            / near**0.5
            + (1 - near) ** 0.5 * z,
        }
        if t_prev > 0:
            mistakes.pop("The last step, to t_prev = 0, must add no noise.")
        wrong = compare(answer(x, eps, t, t_prev, ALPHA_BAR, z), ddpm_step(x, eps, t, t_prev, ALPHA_BAR, z), mistakes)
        if wrong:
            return wrong
    return None


def _keep_known(answer: Callable) -> str | None:
    x, known, eps = (noise(seed, 2, 3, 4, 4) for seed in range(3))
    mask, t = torch.zeros(4, 4, dtype=torch.bool), 200
    mask[:, :2] = True
    before = x.clone()
    noisy = perturb(known, t, eps, ALPHA_BAR)
    mistakes = {
        "You pasted clean pixels into a noisy picture: bring the known sprite to the noise level of t first.": torch.where(
            mask, known, x
        ),
        "You replaced the unknown half: mask is True where the sprite is known.": torch.where(mask, x, noisy),
        "You replaced everything: outside the mask x must stay.": noisy,
        "Nothing was replaced.": x,
    }
    wrong = compare(answer(x, known, mask, t, eps, ALPHA_BAR), torch.where(mask, noisy, x), mistakes)
    if wrong is None and not torch.equal(x, before):
        return "Right values, but you changed x itself: make a new tensor, with torch.where."
    return wrong


EXERCISES = (
    Exercise("L1.1", _to_pixels, "Three steps: clip to -1..1; add 1 and multiply by 127.5; round, and convert to torch.uint8."),
    Exercise(
        "L1.2",
        _add_noise,
        "The equation of section 2, with alpha_bar[t] and .sqrt(). The squares of the two factors add up to 1.",
    ),
    Exercise("L1.3", _believed_sprite, "Solve x_t = a x0 + b eps for x0. First take b eps away, then divide by a."),
    Exercise("L1.4", _ddpm_step, "Compute alpha, beta and the mean in three lines. sigma is sqrt(beta), but 0 if t_prev is 0."),
    Exercise(
        "L1.5",
        _keep_known,
        "perturb(known, t, eps, alpha_bar) has the right noise. torch.where(mask, a, b) takes a where mask is True.",
    ),
)
