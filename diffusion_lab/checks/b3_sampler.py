"""The check of the exercise of B3 that takes one step of the sampler."""

from collections.abc import Callable

import torch
from torch import Tensor

from ..schedules import cosine, linear
from ..steps import ddim_step, perturb, to_x0_eps
from .exercise import Exercise, noise


def posterior_step(x_t: Tensor, x0: Tensor, t: int, alpha_bar: Tensor, z: Tensor) -> Tensor:
    """DDIM's step with eta = 1 to t - 1, x0 clipped."""
    x0, eps = to_x0_eps("x0", x0.clamp(-1, 1), x_t, t, alpha_bar)
    return ddim_step(x0, eps, t, t - 1, alpha_bar, 1.0, z)


def by_posterior(
    variance: Callable = lambda ab, ab_prev, beta: (1 - ab_prev) / (1 - ab) * beta,
    of_x0: Callable = lambda ab, ab_prev, beta: ab_prev.sqrt() * beta / (1 - ab),
    of_x_t: Callable = lambda ab, ab_prev, beta: (1 - beta).sqrt() * (1 - ab_prev) / (1 - ab),
    clip: Callable = lambda x0: x0.clamp(-1, 1),
    quiet: bool = True,
) -> Callable:
    """posterior_step with another variance or another factor of x0 or x_t. quiet: no noise to t = 0, whatever the variance."""

    def answer(x_t: Tensor, x0: Tensor, t: int, alpha_bar: Tensor, z: Tensor) -> Tensor:
        ab, ab_prev = alpha_bar[t], alpha_bar[t - 1]
        given = ab, ab_prev, 1 - ab / ab_prev
        sigma = 0 if quiet and t == 1 else variance(*given) ** 0.5
        return of_x0(*given) * clip(x0) + of_x_t(*given) * x_t + sigma * z

    return answer


B3_4 = Exercise(
    "B3.4",
    "the picture at t - 1: the posterior's mean, with x0 clipped, and the root of its variance times z.",
    posterior_step,
    lambda: [
        (*(noise(s, 2, 1, 28, 28) for s in (0, 1)), 210, cosine(300).alpha_bar, noise(2, 2, 1, 28, 28)),
        (*(noise(s, 3, 3, 16, 16) for s in (3, 4)), 61, linear(140).alpha_bar, noise(5, 3, 3, 16, 16)),
        (*(noise(s, 1, 1, 28, 28) for s in (6, 7)), 2, cosine(300).alpha_bar, noise(8, 1, 1, 28, 28)),
        (*(noise(s, 1, 1, 28, 28) for s in (9, 10)), 1, cosine(300).alpha_bar, noise(11, 1, 1, 28, 28)),
    ],
    {
        "x0 is not clipped: first x0.clamp(-1, 1).": by_posterior(clip=lambda x0: x0),
        "x0 is clipped to 0..1 here: pictures go from -1 to 1.": by_posterior(clip=lambda x0: x0.clamp(0, 1)),
        "The result is clipped, too: x at t - 1 may lie outside -1..1. Only x0 is clipped.": (
            lambda x_t, x0, t, alpha_bar, z: posterior_step(x_t, x0, t, alpha_bar, z).clamp(-1, 1)
        ),
        "The result is clipped: it is x0 that must stay in -1..1.": (
            lambda x_t, x0, t, alpha_bar, z: by_posterior(clip=lambda x0: x0)(x_t, x0, t, alpha_bar, z).clamp(-1, 1)
        ),
        "The variance is beta here: the posterior's is (1 - alpha_bar[t - 1]) / (1 - alpha_bar[t]) times beta.": by_posterior(
            lambda ab, ab_prev, beta: beta
        ),
        "The variance is beta here, also in the last step: the posterior's has one more factor, there 0.": by_posterior(
            lambda ab, ab_prev, beta: beta, quiet=False
        ),
        "z is multiplied by the variance: take its square root.": by_posterior(
            lambda ab, ab_prev, beta: ((1 - ab_prev) / (1 - ab) * beta) ** 2
        ),
        "Fresh noise is missing: add the root of the variance times z.": by_posterior(lambda ab, ab_prev, beta: 0),
        "Fresh noise is added whole: it has a factor.": by_posterior(lambda ab, ab_prev, beta: 1, quiet=False),
        "The variance has its quotient upside down.": by_posterior(lambda ab, ab_prev, beta: (1 - ab) / (1 - ab_prev) * beta),
        "The variance lacks beta.": by_posterior(lambda ab, ab_prev, beta: (1 - ab_prev) / (1 - ab)),
        "The fresh noise is taken away: it is added.": (
            lambda x_t, x0, t, alpha_bar, z: posterior_step(x_t, x0, t, alpha_bar, -z)
        ),
        "The factors of x0 and x_t are exchanged.": by_posterior(
            of_x0=lambda ab, ab_prev, beta: (1 - beta).sqrt() * (1 - ab_prev) / (1 - ab),
            of_x_t=lambda ab, ab_prev, beta: ab_prev.sqrt() * beta / (1 - ab),
        ),
        "A square root is missing in the factor of x0: it has sqrt(alpha_bar[t - 1]).": by_posterior(
            of_x0=lambda ab, ab_prev, beta: ab_prev * beta / (1 - ab)
        ),
        "The factor of x0 has alpha_bar[t]: it is the one of t - 1.": by_posterior(
            of_x0=lambda ab, ab_prev, beta: ab.sqrt() * beta / (1 - ab)
        ),
        "A square root is missing in the factor of x_t: it has sqrt(alpha).": by_posterior(
            of_x_t=lambda ab, ab_prev, beta: (1 - beta) * (1 - ab_prev) / (1 - ab)
        ),
        "The factor of x_t has sqrt(alpha_bar[t]): it is sqrt(alpha), with alpha = 1 - beta.": by_posterior(
            of_x_t=lambda ab, ab_prev, beta: ab.sqrt() * (1 - ab_prev) / (1 - ab)
        ),
        "Only x0 counts here: x_t has a factor, too.": by_posterior(of_x_t=lambda ab, ab_prev, beta: 0),
        "Only x_t counts here: x0 has a factor, too.": by_posterior(of_x0=lambda ab, ab_prev, beta: 0),
        "This is x0 with the noise of t - 1: a step keeps most of x_t.": (
            lambda x_t, x0, t, alpha_bar, z: perturb(x0.clamp(-1, 1), t - 1, z, alpha_bar)
        ),
        "This is DDIM's step with eta = 0: the posterior adds fresh noise.": (
            lambda x_t, x0, t, alpha_bar, z: ddim_step(
                *to_x0_eps("x0", x0.clamp(-1, 1), x_t, t, alpha_bar), t, t - 1, alpha_bar, 0.0, z
            )
        ),
        "x_t is clipped, too: it is noisy, and may lie outside -1..1. Only x0 is clipped.": (
            lambda x_t, x0, t, alpha_bar, z: posterior_step(x_t.clamp(-1, 1), x0, t, alpha_bar, z)
        ),
        "x0 is clipped at one end only: clamp(-1, 1).": by_posterior(clip=lambda x0: x0.clamp(max=1)),
        "tanh bends x0 everywhere: clip it, clamp(-1, 1).": by_posterior(clip=torch.tanh),
        "x0 is divided by its largest value: clip it, so that what lies inside stays: clamp(-1, 1).": by_posterior(
            clip=lambda x0: x0 / x0.abs().max()
        ),
        "x0 and x_t are exchanged.": lambda x_t, x0, t, alpha_bar, z: posterior_step(x0, x_t, t, alpha_bar, z),
        "Both factors are to be divided by 1 - alpha_bar[t].": by_posterior(
            of_x0=lambda ab, ab_prev, beta: ab_prev.sqrt() * beta,
            of_x_t=lambda ab, ab_prev, beta: (1 - beta).sqrt() * (1 - ab_prev),
        ),
        "The factor of x0 is to be divided by 1 - alpha_bar[t].": by_posterior(
            of_x0=lambda ab, ab_prev, beta: ab_prev.sqrt() * beta
        ),
        "The factor of x_t is to be divided by 1 - alpha_bar[t].": by_posterior(
            of_x_t=lambda ab, ab_prev, beta: (1 - beta).sqrt() * (1 - ab_prev)
        ),
        "The factor of x_t lacks (1 - alpha_bar[t - 1]) / (1 - alpha_bar[t]).": by_posterior(
            of_x_t=lambda ab, ab_prev, beta: (1 - beta).sqrt()
        ),
        "The factor of x_t has its quotient upside down.": by_posterior(
            of_x_t=lambda ab, ab_prev, beta: (1 - beta).sqrt() * (1 - ab) / (1 - ab_prev)
        ),
        "The factor of x_t lacks sqrt(alpha), with alpha = 1 - beta.": by_posterior(
            of_x_t=lambda ab, ab_prev, beta: (1 - ab_prev) / (1 - ab)
        ),
        "The factor of x_t has sqrt(beta): it is sqrt(alpha), with alpha = 1 - beta.": by_posterior(
            of_x_t=lambda ab, ab_prev, beta: beta.sqrt() * (1 - ab_prev) / (1 - ab)
        ),
        "The factor of x0 lacks sqrt(alpha_bar[t - 1]).": by_posterior(of_x0=lambda ab, ab_prev, beta: beta / (1 - ab)),
        "The factor of x0 lacks beta.": by_posterior(of_x0=lambda ab, ab_prev, beta: ab_prev.sqrt() / (1 - ab)),
        "The factor of x0 is divided by 1 - alpha_bar[t - 1]: below stands 1 - alpha_bar[t].": by_posterior(
            of_x0=lambda ab, ab_prev, beta: ab_prev.sqrt() * beta / (1 - ab_prev)
        ),
        "The fresh noise is as strong as all noise at t - 1: its variance is the posterior's, which is smaller.": by_posterior(
            lambda ab, ab_prev, beta: 1 - ab_prev
        ),
        "The variance has alpha where beta belongs.": by_posterior(
            lambda ab, ab_prev, beta: (1 - ab_prev) / (1 - ab) * (1 - beta)
        ),
        "The root is taken twice: z has the root of the variance.": by_posterior(
            lambda ab, ab_prev, beta: ((1 - ab_prev) / (1 - ab) * beta).sqrt()
        ),
        "alpha_bar[t - 2] is used: the step goes from t to t - 1.": (
            lambda x_t, x0, t, alpha_bar, z: by_posterior(quiet=False)(x_t, x0, 1, alpha_bar[[max(t - 2, 0), t]], z)
        ),
        "The last step returned x_t as it was: to t = 0 it gives x0, clipped.": (
            lambda x_t, x0, t, alpha_bar, z: x_t if t == 1 else posterior_step(x_t, x0, t, alpha_bar, z)
        ),
    },
    "x0 = x0.clamp(-1, 1) first. Then beta = 1 - alpha_bar[t] / alpha_bar[t - 1], the factors, the root of the variance.",
)
