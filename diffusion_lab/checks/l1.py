"""Checks of the exercises of L1: sampling."""

from collections.abc import Callable

import torch
from torch import Tensor

from ..schedules import cosine, linear
from ..steps import at, ddpm_step, perturb, to_x0_eps
from .exercise import Exercise, noise


def roots(alpha_bar: Tensor, t: int) -> tuple[Tensor, Tensor]:
    """The factors of sprite and noise at time t."""
    return alpha_bar[t].sqrt(), (1 - alpha_bar[t]).sqrt()


def by_factors(formula: Callable) -> Callable:
    """An answer, of x0 or x_t, t, eps and alpha_bar, from its formula with the factors a and b of sprite and noise."""
    return lambda x, t, eps, alpha_bar: formula(at(alpha_bar.sqrt(), t, x), at((1 - alpha_bar).sqrt(), t, x), x, eps)


def levels(first: int, last: int, *shape: int) -> Tensor:
    """Values whose pixels lie a quarter above first..last: rounding and cutting off give the same whole numbers."""
    whole = torch.randint(first, last + 1, shape, generator=torch.Generator().manual_seed(0))
    return ((whole + 0.25) / 127.5 - 1).float()


def to_pixels(x: Tensor) -> Tensor:
    """(x + 1) * 127.5, clipped first."""
    return ((x.clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8)


def stretched(last: int | None) -> Callable:
    """An answer that maps the minimum over the last so many dimensions, or over all, to 0, and the maximum to 255."""

    def answer(x: Tensor) -> Tensor:
        over = tuple(range(-(last or x.ndim), 0))
        low, high = x.amin(over, keepdim=True), x.amax(over, keepdim=True)
        return ((x - low) / (high - low) * 255).round().to(torch.uint8)

    return answer


L1_1 = Exercise(
    "L1.1",
    "whole numbers (torch.uint8) from 0, for -1 and below, to 255, for 1 and above.",
    to_pixels,
    lambda: [
        (torch.cat([levels(10, 180, 1, 3, 16, 16), levels(60, 230, 1, 3, 16, 16)]),),
        (levels(-40, 300, 3, 3, 16, 16),),
        (levels(0, 254, 3, 16, 16),),
    ],
    {
        "You stretch between the smallest and the largest value of all: -1 is always black, and 1 white.": stretched(None),
        "You stretch each picture between its own minimum and maximum: -1 is always black, and 1 white.": stretched(3),
        "You stretch each channel between its own minimum and maximum, which makes false colours: -1 is black.": stretched(2),
        "0 became black, but it is the middle grey, 127 or 128: move the range first, from -1..1 to 0..2.": (
            lambda x: (x.clamp(-1, 1).clamp(min=0) * 255).to(torch.uint8)
        ),
        "Values below -1 and above 1 wrap around, from white to black: they must be clipped first.": (
            lambda x: ((x + 1) * 127.5).to(torch.uint8)
        ),
        "It should return a tensor of whole numbers from 0 to 255: end with .to(torch.uint8).": (
            lambda x: (x.clamp(-1, 1) + 1) * 127.5
        ),
        "The whole numbers are right, but they are kept as floats: end with .to(torch.uint8).": (
            lambda x: to_pixels(x).float()
        ),
        "Multiply by 127.5, half of 255: with 127 the brightest value is 254.": (
            lambda x: ((x.clamp(-1, 1) + 1) * 127).to(torch.uint8)
        ),
        "Multiply by 127.5, half of 255: with 128 the brightest value would be 256.": (
            lambda x: ((x.clamp(-1, 1) + 1) * 128).clamp(max=255).to(torch.uint8)
        ),
        "Black and white are exchanged: -1 is black, 0, and 1 is white, 255.": lambda x: 255 - to_pixels(x),
        "1 became a grey of 127: the range 0..2 must be stretched to 0..255, with 127.5.": (
            lambda x: to_pixels(x).double().div(2).to(torch.uint8)
        ),
    },
    "Three steps: clip to -1..1; add 1 and multiply by 127.5; round, and convert to torch.uint8.",
)


L1_2 = Exercise(
    "L1.2",
    "x_t, the sprites x0 with the noise eps at time t.",
    perturb,
    lambda: [
        (noise(0, 2, 3, 16, 16), 37, noise(1, 2, 3, 16, 16), cosine(300).alpha_bar),
        (noise(2, 5, 3, 16, 16), 92, noise(3, 5, 3, 16, 16), linear(140).alpha_bar),
    ],
    {
        "The noise is too weak: a square root is missing in its factor, sqrt(1 - alpha_bar[t]).": by_factors(
            lambda a, b, x0, eps: a * x0 + b**2 * eps
        ),
        "The sprite is too weak: a square root is missing in its factor, sqrt(alpha_bar[t]).": by_factors(
            lambda a, b, x0, eps: a**2 * x0 + b * eps
        ),
        "Both square roots are missing.": by_factors(lambda a, b, x0, eps: a**2 * x0 + b**2 * eps),
        "The noise's factor is the root of 1 - alpha_bar[t], not 1 minus the root.": by_factors(
            lambda a, b, x0, eps: a * x0 + (1 - a) * eps
        ),
        "The sprite has the factor of the noise, and the noise that of the sprite.": by_factors(
            lambda a, b, x0, eps: b * x0 + a * eps
        ),
        "The sprite must become weaker, too: it has a factor.": by_factors(lambda a, b, x0, eps: x0 + b * eps),
        "The noise has a factor, too: sqrt(1 - alpha_bar[t]).": by_factors(lambda a, b, x0, eps: a * x0 + eps),
        "The noise is taken away: it must be added.": by_factors(lambda a, b, x0, eps: a * x0 - b * eps),
        "This is x at time t - 1: alpha_bar[0] belongs to t = 0, so use alpha_bar[t].": (
            lambda x0, t, eps, alpha_bar: perturb(x0, t - 1, eps, alpha_bar)
        ),
    },
    "The equation of section 2, with alpha_bar[t] and .sqrt(). The squares of the two factors add up to 1.",
)


def believed_sprite(x_t: Tensor, t: int, eps: Tensor, alpha_bar: Tensor) -> Tensor:
    """The equation of adding noise, solved for x0."""
    return to_x0_eps("eps", eps, x_t, t, alpha_bar)[0]


L1_3 = Exercise(
    "L1.3",
    "the sprites that are left when x_t is freed from the noise eps.",
    believed_sprite,
    lambda: [
        (noise(0, 2, 3, 16, 16), 137, noise(1, 2, 3, 16, 16), cosine(300).alpha_bar),
        (noise(2, 5, 3, 16, 16), 88, noise(3, 5, 3, 16, 16), linear(140).alpha_bar),
    ],
    {
        "You took the noise away, but the sprite is still weak: divide by its factor.": by_factors(
            lambda a, b, x_t, eps: x_t - b * eps
        ),
        "You multiply by the sprite's factor: to undo it, divide.": by_factors(lambda a, b, x_t, eps: (x_t - b * eps) * a),
        "Only the noise is divided: first take it away, then divide the whole, in brackets.": by_factors(
            lambda a, b, x_t, eps: x_t - b * eps / a
        ),
        "The noise must be taken away with its factor, not whole.": by_factors(lambda a, b, x_t, eps: (x_t - eps) / a),
        "Two square roots are missing.": by_factors(lambda a, b, x_t, eps: (x_t - b**2 * eps) / a**2),
        "The square root of the noise's factor is missing.": by_factors(lambda a, b, x_t, eps: (x_t - b**2 * eps) / a),
        "The square root of the sprite's factor is missing.": by_factors(lambda a, b, x_t, eps: (x_t - b * eps) / a**2),
        "You added the noise once more: it must be taken away.": by_factors(lambda a, b, x_t, eps: (x_t + b * eps) / a),
        "You divide by the factor of the noise: divide by that of the sprite.": by_factors(
            lambda a, b, x_t, eps: (x_t - b * eps) / b
        ),
    },
    "Solve x_t = a x0 + b eps for x0. First take b eps away, then divide by a.",
)


def jump(
    variance: Callable = lambda alpha, ab, ab_prev: 1 - alpha,
    weight: Callable = lambda alpha, ab: (1 - alpha) / (1 - ab).sqrt(),
    scale: Callable = lambda alpha: alpha.sqrt(),
    last: bool = False,
) -> Callable:
    """ddpm_step with another variance of z, another weight of eps or another divisor, or with noise in the last step, too."""

    def answer(x_t: Tensor, eps: Tensor, t: int, t_prev: int, alpha_bar: Tensor, z: Tensor) -> Tensor:
        ab, ab_prev = alpha_bar[t], alpha_bar[t_prev]
        sigma = variance(ab / ab_prev, ab, ab_prev) ** 0.5 if t_prev > 0 or last else 0
        return (x_t - weight(ab / ab_prev, ab) * eps) / scale(ab / ab_prev) + sigma * z

    return answer


L1_4 = Exercise(
    "L1.4",
    "the picture at t_prev, from x_t, the guessed noise eps and fresh noise z.",
    ddpm_step,
    lambda: [
        (*(noise(seed, 2, 3, 16, 16) for seed in (0, 1)), 210, 209, cosine(300).alpha_bar, noise(2, 2, 3, 16, 16)),
        (*(noise(seed, 5, 3, 16, 16) for seed in (3, 4)), 93, 61, linear(140).alpha_bar, noise(5, 5, 3, 16, 16)),
        (*(noise(seed, 1, 3, 16, 16) for seed in (6, 7)), 9, 0, cosine(300).alpha_bar, noise(8, 1, 3, 16, 16)),
    ],
    {
        "The last step, to t_prev = 0, must add no noise.": jump(last=True),
        "Fresh noise is missing: add sigma * z.": jump(lambda alpha, ab, ab_prev: 0),
        "Fresh noise is added whole: it has the factor sigma.": jump(lambda alpha, ab, ab_prev: 1),
        "sigma is beta here, so the noise is too weak: it is the square root of beta.": jump(
            lambda alpha, ab, ab_prev: (1 - alpha) ** 2
        ),
        "sigma squared is the posterior variance here, (1 - alpha_bar[t_prev]) / (1 - alpha_bar[t]) * beta. The paper allows "
        "that, too, but this exercise asks for beta itself.": jump(
            lambda alpha, ab, ab_prev: (1 - ab_prev) / (1 - ab) * (1 - alpha)
        ),
        "sigma comes from alpha_bar here: it is sqrt(beta), with beta = 1 - alpha.": jump(lambda alpha, ab, ab_prev: 1 - ab),
        "The factor 1 / sqrt(alpha) is missing.": jump(scale=lambda alpha: 1),
        "The mean is divided by alpha: its square root is missing.": jump(scale=lambda alpha: alpha),
        "The mean takes away beta * eps: divide beta by sqrt(1 - alpha_bar[t]).": jump(weight=lambda alpha, ab: 1 - alpha),
        "The mean divides beta by 1 - alpha_bar[t]: its square root is missing.": jump(
            weight=lambda alpha, ab: (1 - alpha) / (1 - ab)
        ),
        "The mean adds the guessed noise: it has a minus.": jump(weight=lambda alpha, ab: (alpha - 1) / (1 - ab).sqrt()),
        "alpha is that of one step, but t_prev may be further away: alpha = alpha_bar[t] / alpha_bar[t_prev].": (
            lambda x_t, eps, t, t_prev, alpha_bar, z: ddpm_step(x_t, eps, t, t - 1, alpha_bar, (t_prev > 0) * z)
        ),
    },
    "Compute alpha, beta and the mean in three lines. sigma is sqrt(beta), but 0 if t_prev is 0.",
)


def keep_known(x: Tensor, known: Tensor, mask: Tensor, t: int, eps: Tensor, alpha_bar: Tensor) -> Tensor:
    """x with the known pixels, noisy as t asks."""
    return torch.where(mask, perturb(known, t, eps, alpha_bar), x)


def pasted(formula: Callable) -> Callable:
    """An answer from its formula with x, the known sprites, the mask, and the known sprites as noisy as t asks."""
    return lambda x, known, mask, t, eps, alpha_bar: formula(x, known, mask, perturb(known, t, eps, alpha_bar))


L1_5 = Exercise(
    "L1.5",
    "x, with the pixels of known, noisy as t asks, where mask is True.",
    keep_known,
    lambda: [  # masks of single pixels: no half, no rectangle, another one in each case
        (*(noise(s, 2, 3, 16, 16) for s in (0, 1)), noise(2, 16, 16) > 0, 137, noise(3, 2, 3, 16, 16), cosine(300).alpha_bar),
        (*(noise(s, 5, 3, 16, 16) for s in (4, 5)), noise(6, 16, 16) > 1, 88, noise(7, 5, 3, 16, 16), linear(140).alpha_bar),
    ],
    {
        "You pasted clean pixels into a noisy picture: bring the known sprite to the noise level of t first.": pasted(
            lambda x, known, mask, noisy: torch.where(mask, known, x)
        ),
        "You replaced the unknown part: mask is True where the sprite is known.": pasted(
            lambda x, known, mask, noisy: torch.where(mask, x, noisy)
        ),
        "You replaced everything: outside the mask x must stay.": pasted(lambda x, known, mask, noisy: noisy),
        "Nothing was replaced.": pasted(lambda x, known, mask, noisy: x),
        "Outside the mask the picture is 0: x must stay there.": pasted(lambda x, known, mask, noisy: noisy * mask),
        "The known pixels were added to those of x: they must take their place.": pasted(
            lambda x, known, mask, noisy: x + noisy * mask
        ),
        "x got noise, too: it is at time t already, only the known pixels are clean.": (
            lambda x, known, mask, t, eps, alpha_bar: perturb(torch.where(mask, known, x), t, eps, alpha_bar)
        ),
        "The known pixels became weaker, but got no noise: eps is missing.": (
            lambda x, known, mask, t, eps, alpha_bar: torch.where(mask, perturb(known, t, 0 * eps, alpha_bar), x)
        ),
    },
    "perturb(known, t, eps, alpha_bar) has the right noise. torch.where(mask, a, b) takes a where mask is True.",
)

EXERCISES = (L1_1, L1_2, L1_3, L1_4, L1_5)
