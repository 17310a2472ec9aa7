"""Checks of the exercises of L1: sampling."""

from collections.abc import Callable

import torch
from torch import Tensor

from ..schedules import cosine, linear
from ..steps import at, ddpm_step, perturb, to_x0_eps
from .exercise import Exercise, noise
from .l1_loop import L1_4


def roots(alpha_bar: Tensor, t: int) -> tuple[Tensor, Tensor]:
    """The factors of sprite and noise at time t."""
    return alpha_bar[t].sqrt(), (1 - alpha_bar[t]).sqrt()


def by_factors(formula: Callable) -> Callable:
    """An answer, of x0 or x_t, t, eps and alpha_bar, from its formula with the factors a and b of sprite and noise."""
    return lambda x, t, eps, alpha_bar: formula(at(alpha_bar.sqrt(), t, x), at((1 - alpha_bar).sqrt(), t, x), x, eps)


def at_times(first: int, second: int) -> Callable:
    """Cases of pictures, a time, noise and a schedule, of three sizes; the last is one picture alone."""
    return lambda: [
        (noise(0, 2, 3, 16, 16), first, noise(1, 2, 3, 16, 16), cosine(300).alpha_bar),
        (noise(2, 5, 3, 16, 16), second, noise(3, 5, 3, 16, 16), linear(140).alpha_bar),
        (noise(4, 3, 16, 16), 431, noise(5, 3, 16, 16), cosine(600).alpha_bar),
    ]


L1_1 = Exercise(
    "L1.1",
    "x_t, the sprites x0 with the noise eps at time t.",
    perturb,
    at_times(37, 92),
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
        "You clipped the result: x_t may lie outside -1..1.": by_factors(lambda a, b, x0, eps: (a * x0 + b * eps).clamp(-1, 1)),
        "This is x at time t - 1: alpha_bar[0] belongs to t = 0, so use alpha_bar[t].": (
            lambda x0, t, eps, alpha_bar: perturb(x0, t - 1, eps, alpha_bar)
        ),
    },
    "The equation above, with alpha_bar[t] and .sqrt(). The squares of the two factors add up to 1.",
)


def believed_sprite(x_t: Tensor, t: int, eps: Tensor, alpha_bar: Tensor) -> Tensor:
    """The equation of adding noise, solved for x0."""
    return to_x0_eps("eps", eps, x_t, t, alpha_bar)[0]


L1_2 = Exercise(
    "L1.2",
    "the sprites that are left when x_t is freed from the noise eps.",
    believed_sprite,
    at_times(137, 88),
    {
        "You took the noise away, but the sprite is still weak: divide by its factor.": by_factors(
            lambda a, b, x_t, eps: x_t - b * eps
        ),
        "You multiply by the sprite's factor: to undo it, divide.": by_factors(lambda a, b, x_t, eps: (x_t - b * eps) * a),
        "Only the noise is divided: first take it away, then divide the whole, in brackets.": by_factors(
            lambda a, b, x_t, eps: x_t - b * eps / a
        ),
        "Only x_t is divided: first take the noise away, then divide the whole, in brackets.": by_factors(
            lambda a, b, x_t, eps: x_t / a - b * eps
        ),
        "The noise has the factor of the sprite: it is sqrt(1 - alpha_bar[t]).": by_factors(
            lambda a, b, x_t, eps: (x_t - a * eps) / a
        ),
        "The two factors are swapped.": by_factors(lambda a, b, x_t, eps: (x_t - a * eps) / b),
        "The noise must be taken away with its factor, not whole.": by_factors(lambda a, b, x_t, eps: (x_t - eps) / a),
        "Two square roots are missing.": by_factors(lambda a, b, x_t, eps: (x_t - b**2 * eps) / a**2),
        "The square root of the noise's factor is missing.": by_factors(lambda a, b, x_t, eps: (x_t - b**2 * eps) / a),
        "The square root of the sprite's factor is missing.": by_factors(lambda a, b, x_t, eps: (x_t - b * eps) / a**2),
        "You added the noise once more: it must be taken away.": by_factors(lambda a, b, x_t, eps: (x_t + b * eps) / a),
        "You clipped the result: here the equation alone is asked for.": by_factors(
            lambda a, b, x_t, eps: ((x_t - b * eps) / a).clamp(-1, 1)
        ),
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
    quiet: int = 0,
) -> Callable:
    """ddpm_step with another variance of z, another weight of eps or another divisor. No noise where t_prev <= quiet."""

    def answer(x_t: Tensor, eps: Tensor, t: int, t_prev: int, alpha_bar: Tensor, z: Tensor) -> Tensor:
        ab, ab_prev = alpha_bar[t], alpha_bar[t_prev]
        sigma = variance(ab / ab_prev, ab, ab_prev) ** 0.5 if t_prev > quiet else 0
        return (x_t - weight(ab / ab_prev, ab) * eps) / scale(ab / ab_prev) + sigma * z

    return answer


L1_3 = Exercise(
    "L1.3",
    "the picture at t_prev, from x_t, the guessed noise eps and fresh noise z.",
    ddpm_step,
    lambda: [
        (*(noise(seed, 2, 3, 16, 16) for seed in (0, 1)), 210, 209, cosine(300).alpha_bar, noise(2, 2, 3, 16, 16)),
        (*(noise(seed, 5, 3, 16, 16) for seed in (3, 4)), 93, 61, linear(140).alpha_bar, noise(5, 5, 3, 16, 16)),
        (*(noise(seed, 1, 3, 16, 16) for seed in (6, 7)), 9, 0, cosine(300).alpha_bar, noise(8, 1, 3, 16, 16)),
        (*(noise(seed, 1, 3, 16, 16) for seed in (9, 10)), 2, 1, linear(140).alpha_bar, noise(11, 1, 3, 16, 16)),
    ],
    {
        "The last step, to t_prev = 0, must add no noise.": jump(quiet=-1),
        "Fresh noise is missing where t_prev is small: only the step to t_prev = 0 has none.": jump(quiet=1),
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
        "The mean divides beta by sqrt(1 - alpha_bar[t_prev]): it is alpha_bar[t] there.": jump(
            weight=lambda alpha, ab: (1 - alpha) / (1 - ab / alpha).sqrt()
        ),
        "The mean divides beta by sqrt(1 - alpha), of this step: it is sqrt(1 - alpha_bar[t]) there.": jump(
            weight=lambda alpha, ab: (1 - alpha).sqrt()
        ),
        "Only x_t is divided by sqrt(alpha): divide the whole mean, in brackets.": jump(
            weight=lambda alpha, ab: (1 - alpha) / (1 - ab).sqrt() * alpha.sqrt()
        ),
        "eps and z are exchanged: the guessed noise is taken away, fresh noise is added.": (
            lambda x_t, eps, t, t_prev, alpha_bar, z: ddpm_step(x_t, z, t, t_prev, alpha_bar, eps)
        ),
        "sigma is 1 - sqrt(alpha) here: it is the square root of 1 - alpha.": (
            jump(lambda alpha, ab, ab_prev: (1 - alpha.sqrt()) ** 2)
        ),
        "sigma is sqrt(1 - alpha_bar[t_prev]) here, all the noise of t_prev: it is sqrt(beta), with beta = 1 - alpha.": (
            jump(lambda alpha, ab, ab_prev: 1 - ab_prev)
        ),
        "The mean is multiplied by sqrt(alpha): divide by it.": jump(scale=lambda alpha: 1 / alpha.sqrt()),
        "Only the noise is divided by sqrt(alpha): divide the whole mean, in brackets.": jump(
            weight=lambda alpha, ab: (1 - alpha) / (1 - ab).sqrt() / alpha.sqrt(), scale=lambda alpha: 1
        ),
        "The fresh noise is divided by sqrt(alpha), too: only the mean is.": jump(
            lambda alpha, ab, ab_prev: (1 - alpha) / alpha
        ),
        "The fresh noise is taken away: sigma * z is added.": (
            lambda x_t, eps, t, t_prev, alpha_bar, z: ddpm_step(x_t, eps, t, t_prev, alpha_bar, -z)
        ),
        "This is the belief with fresh noise for t_prev: a step keeps most of x_t.": (
            lambda x_t, eps, t, t_prev, alpha_bar, z: perturb(believed_sprite(x_t, t, eps, alpha_bar), t_prev, z, alpha_bar)
        ),
        "This is DDIM's step, without fresh noise: take the mean of section 3, and add sigma * z.": (
            lambda x_t, eps, t, t_prev, alpha_bar, z: perturb(believed_sprite(x_t, t, eps, alpha_bar), t_prev, eps, alpha_bar)
        ),
        "The mean adds the guessed noise: it has a minus.": jump(weight=lambda alpha, ab: (alpha - 1) / (1 - ab).sqrt()),
        "alpha is alpha_bar[t] here: it is a ratio, alpha_bar[t] / alpha_bar[t_prev].": (
            lambda x_t, eps, t, t_prev, alpha_bar, z: (
                ddpm_step(x_t, eps, t, 0, alpha_bar, z) + (t_prev > 0) * (1 - alpha_bar[t]).sqrt() * z
            )
        ),
        "alpha is that of one step, but t_prev may be further away: alpha = alpha_bar[t] / alpha_bar[t_prev].": (
            lambda x_t, eps, t, t_prev, alpha_bar, z: ddpm_step(x_t, eps, t, t - 1, alpha_bar, (t_prev > 0) * z)
        ),
    },
    "First the mean, as in the formula. Then sigma: it is sqrt(beta), but 0 if t_prev is 0.",
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
        (*(noise(s, 1, 3, 16, 16) for s in (8, 9)), noise(10, 16, 16) > 0, 0, noise(11, 1, 3, 16, 16), cosine(300).alpha_bar),
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
        "At t = 0 nothing was replaced: there the known pixels go in as they are.": (
            lambda x, known, mask, t, eps, alpha_bar: keep_known(x, known, mask, t, eps, alpha_bar) if t else x
        ),
        "The known pixels are noisy as at t - 1: x is at t.": (
            lambda x, known, mask, t, eps, alpha_bar: keep_known(x, known, mask, max(t - 1, 0), eps, alpha_bar)
        ),
        "The known sprite and the noise are exchanged: it is perturb(known, t, eps, alpha_bar).": (
            lambda x, known, mask, t, eps, alpha_bar: keep_known(x, eps, mask, t, known, alpha_bar)
        ),
        "Outside the mask the picture is 0: x must stay there.": pasted(lambda x, known, mask, noisy: noisy * mask),
        "The known pixels were added to those of x: they must take their place.": pasted(
            lambda x, known, mask, noisy: x + noisy * mask
        ),
        "The known pixels are pure noise here: the known sprite is in them, too.": (
            lambda x, known, mask, t, eps, alpha_bar: torch.where(mask, eps, x)
        ),
        "The known sprite got the noise whole: perturb also makes it weaker.": (
            lambda x, known, mask, t, eps, alpha_bar: torch.where(mask, known + eps, x)
        ),
        "You made x noisy, not the known sprite.": (
            lambda x, known, mask, t, eps, alpha_bar: torch.where(mask, perturb(x, t, eps, alpha_bar), x)
        ),
        "Where the mask is True stands the known sprite without noise, and x got noise: it is known that needs it.": (
            lambda x, known, mask, t, eps, alpha_bar: torch.where(mask, known, perturb(x, t, eps, alpha_bar))
        ),
        "Outside the mask stands the known sprite: x must stay there.": pasted(
            lambda x, known, mask, noisy: torch.where(mask, noisy, known)
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
