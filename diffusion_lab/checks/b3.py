"""Checks of the exercises of B3: the annotated DDPM."""

from collections.abc import Callable

import torch
from torch import Tensor

from ..schedules import cosine, linear, sigmoid
from ..steps import ddim_step, perturb, to_x0_eps
from .b3_attention import B3_3
from .compare import Refused
from .exercise import Exercise, noise


def alpha_bar_of(beta: Tensor) -> Tensor:
    """(T + 1,) from the betas (T,)."""
    return torch.cat([beta.new_ones(1), torch.cumprod(1 - beta, 0)])


def betas(schedule: object) -> Tensor:
    """(T,) of a schedule."""
    return 1 - schedule.alpha_bar[1:] / schedule.alpha_bar[:-1]


def jump(x0: Tensor, beta: Tensor, t: int, eps: Tensor) -> Tensor:
    """x_t from x0 in one jump."""
    return perturb(x0, t, eps, alpha_bar_of(beta))


def jumping(formula: Callable) -> Callable:
    """An answer from its formula with the factors a and b of picture and noise, x0 and eps."""
    return lambda x0, beta, t, eps: formula(alpha_bar_of(beta)[t].sqrt(), (1 - alpha_bar_of(beta)[t]).sqrt(), x0, eps)


def with_share(share: Callable) -> Callable:
    """An answer whose alpha_bar is `share(beta, t)`."""

    def answer(x0: Tensor, beta: Tensor, t: int, eps: Tensor) -> Tensor:
        ab = share(beta, t)
        return ab.sqrt() * x0 + (1 - ab).sqrt() * eps

    return answer


B3_1 = Exercise(
    "B3.1",
    "x_t from x0 in one jump, with alpha_bar made from the betas.",
    jump,
    lambda: [
        (noise(0, 2, 1, 28, 28), betas(cosine(300)), 137, noise(1, 2, 1, 28, 28)),
        (noise(2, 3, 3, 16, 16), betas(linear(140)), 88, noise(3, 3, 3, 16, 16)),
        (noise(4, 5), betas(sigmoid(60)), 60, noise(5, 5)),
        (noise(6, 5), betas(sigmoid(60)), 1, noise(7, 5)),
    ],
    {
        "The noise is too weak: a square root is missing in its factor.": jumping(lambda a, b, x0, eps: a * x0 + b**2 * eps),
        "The picture is too weak: a square root is missing in its factor.": jumping(lambda a, b, x0, eps: a**2 * x0 + b * eps),
        "Both square roots are missing.": jumping(lambda a, b, x0, eps: a**2 * x0 + b**2 * eps),
        "The noise's factor is the root of 1 - alpha_bar, not 1 minus the root.": jumping(
            lambda a, b, x0, eps: a * x0 + (1 - a) * eps
        ),
        "Picture and noise have each other's factor.": jumping(lambda a, b, x0, eps: b * x0 + a * eps),
        "The noise is taken away: it must be added.": jumping(lambda a, b, x0, eps: a * x0 - b * eps),
        "The picture must become weaker, too: it has a factor.": jumping(lambda a, b, x0, eps: x0 + b * eps),
        "The noise has a factor, too: the root of 1 - alpha_bar.": jumping(lambda a, b, x0, eps: a * x0 + eps),
        "One factor too few: alpha_bar has t of them, 1 - beta[0] to 1 - beta[t - 1].": with_share(
            lambda beta, t: alpha_bar_of(beta)[t - 1]
        ),
        "One factor too many: beta[0] belongs to t = 1, so the last one is beta[t - 1].": with_share(
            lambda beta, t: (1 - beta[: t + 1]).prod()
        ),
        "This is a single step, the last one: multiply the factors of all t steps.": with_share(
            lambda beta, t: 1 - beta[t - 1]
        ),
        "You multiplied all T factors: only the first t of them count.": with_share(lambda beta, t: (1 - beta).prod()),
        "You added the betas: the factors 1 - beta are multiplied.": with_share(lambda beta, t: 1 - beta[:t].sum()),
        "You multiplied the betas: multiply 1 - beta.": with_share(lambda beta, t: beta[:t].prod()),
        "Here 1 minus the product of the betas takes alpha_bar's place: multiply 1 - beta.": with_share(
            lambda beta, t: 1 - beta[:t].prod()
        ),
        "The first step is left out: the product begins with beta[0].": with_share(lambda beta, t: (1 - beta[1:t]).prod()),
        "The roots are taken twice: alpha_bar is the product of 1 - beta, without roots.": with_share(
            lambda beta, t: (1 - beta[:t]).prod().sqrt()
        ),
    },
    "First alpha_bar: (1 - beta[:t]).prod(). Then the formula with its two square roots.",
)


def kl(m1: Tensor, v1: Tensor, m2: Tensor, v2: Tensor) -> Tensor:
    """KL(N(m1, v1) || N(m2, v2)) of each value."""
    return 0.5 * ((v2 / v1).log() + (v1 + (m1 - m2) ** 2) / v2 - 1)


B3_2 = Exercise(
    "B3.2",
    "the KL divergence from N(m2, v2) to N(m1, v1), one number for each value.",
    kl,
    lambda: [
        (noise(0, 7), noise(1, 7).exp(), noise(2, 7), noise(3, 7).exp()),
        (noise(4, 2, 3, 5), noise(5, 2, 3, 5).exp(), noise(6, 2, 3, 5), noise(7, 2, 3, 5).exp()),
    ],
    {
        "The two are exchanged: KL(1 || 2) weighs with the first, and divides by the variance of the second.": (
            lambda m1, v1, m2, v2: kl(m2, v2, m1, v1)
        ),
        "The factor 1/2 is missing.": lambda m1, v1, m2, v2: 2 * kl(m1, v1, m2, v2),
        "The 1/2 stands before the logarithm only: it belongs to the whole bracket.": (
            lambda m1, v1, m2, v2: 0.5 * (v2 / v1).log() + (v1 + (m1 - m2) ** 2) / v2 - 1
        ),
        "The -1 is missing: two equal Gaussians must give 0.": lambda m1, v1, m2, v2: kl(m1, v1, m2, v2) + 0.5,
        "The logarithm is missing.": lambda m1, v1, m2, v2: 0.5 * ((v1 + (m1 - m2) ** 2) / v2 - 1),
        "The logarithm has the wrong sign: it is log(v2 / v1).": (
            lambda m1, v1, m2, v2: 0.5 * ((v1 / v2).log() + (v1 + (m1 - m2) ** 2) / v2 - 1)
        ),
        "The means' difference must be squared.": lambda m1, v1, m2, v2: 0.5 * ((v2 / v1).log() + (v1 + m1 - m2) / v2 - 1),
        "The means take no part: the square of their difference belongs in the bracket.": (
            lambda m1, v1, m2, v2: 0.5 * ((v2 / v1).log() + v1 / v2 - 1)
        ),
        "The quotient v1 / v2 is missing.": (lambda m1, v1, m2, v2: 0.5 * ((v2 / v1).log() + (m1 - m2) ** 2 / v2 - 1)),
        "You took v1 and v2 as standard deviations: they are variances already.": (
            lambda m1, v1, m2, v2: kl(m1, v1**2, m2, v2**2)
        ),
        "You took the roots of v1 and v2: the formula has the variances themselves.": (
            lambda m1, v1, m2, v2: kl(m1, v1.sqrt(), m2, v2.sqrt())
        ),
        "The square is not divided: all of v1 + (m1 - m2)^2 stands over v2, in brackets.": (
            lambda m1, v1, m2, v2: 0.5 * ((v2 / v1).log() + v1 / v2 + (m1 - m2) ** 2 - 1)
        ),
        "v1 is not divided: all of v1 + (m1 - m2)^2 stands over v2, in brackets.": (
            lambda m1, v1, m2, v2: 0.5 * ((v2 / v1).log() + v1 + (m1 - m2) ** 2 / v2 - 1)
        ),
        "You divide by v1: the second variance stands below.": (
            lambda m1, v1, m2, v2: 0.5 * ((v2 / v1).log() + (v1 + (m1 - m2) ** 2) / v1 - 1)
        ),
        "This is the formula for equal variances, the square over 2 v2: here they differ.": (
            lambda m1, v1, m2, v2: (m1 - m2) ** 2 / (2 * v2)
        ),
        "You added all values up: one number for each is asked for.": lambda m1, v1, m2, v2: kl(m1, v1, m2, v2).sum(),
        "You took the mean of all values: one number for each is asked for.": lambda m1, v1, m2, v2: kl(m1, v1, m2, v2).mean(),
        "The sign is wrong: a KL divergence is never below 0.": lambda m1, v1, m2, v2: -kl(m1, v1, m2, v2),
    },
    "Four terms, 0.5 * (log(v2 / v1) + v1 / v2 + (m1 - m2)**2 / v2 - 1). Try it with two equal Gaussians: 0.",
)


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
        "The last step returned x_t as it was: to t = 0 it gives x0, clipped.": (
            lambda x_t, x0, t, alpha_bar, z: x_t if t == 1 else posterior_step(x_t, x0, t, alpha_bar, z)
        ),
    },
    "x0 = x0.clamp(-1, 1) first. Then beta = 1 - alpha_bar[t] / alpha_bar[t - 1], the factors, the root of the variance.",
)


def cosine_table(T: int) -> Tensor:
    """A right answer among many."""
    return cosine(T).alpha_bar


LEFT = "at t = T less than 1 % of the picture's variance is left"


def properties(answer: Callable, T: int) -> dict[str, object]:
    """What a schedule's table must have."""
    table = answer(T)
    try:
        table = torch.as_tensor(table)
    except (TypeError, ValueError, RuntimeError) as error:
        raise Refused(f"It should return the numbers alpha_bar, but returned {type(table).__name__}.") from error
    if table.is_complex():
        raise Refused("It should return real numbers, but returned complex ones.")
    table = table.double().cpu()
    if table.ndim != 1 or len(table) < 2:
        raise Refused(f"It should return one row of T + 1 numbers, but returned the shape {tuple(table.shape)}.")
    return {
        "there are T + 1 numbers": len(table) == T + 1,
        "the first number is 1": bool(table[0] == 1),
        "each number is below the one before": bool((table[1:] < table[:-1]).all()),
        "all numbers are above 0": bool((table > 0).all()),
        LEFT: bool(table[-1] < 0.01),
    }


B3_5 = Exercise(
    "B3.5",
    "alpha_bar for t = 0 to T, a falling row of T + 1 numbers from 1 to nearly 0.",
    cosine_table,
    lambda: [(300,), (37,)],
    {
        "The row has not T + 1 numbers: one for each t from 0 to T, for every T.": lambda T: cosine(T).alpha_bar[1:],
        "The row has 301 numbers whatever T is: use T.": lambda T: cosine(300).alpha_bar,
        "The first number must be 1: at t = 0 the picture is whole.": lambda T: 0.999 * cosine(T).alpha_bar,
        "Each number must be below the one before: each step takes a little of the picture away.": (
            lambda T: cosine(T).alpha_bar.clamp(min=0.5)
        ),
        "No number may be 0 or below: at the start of sampling one divides by the root of alpha_bar[T].": (
            lambda T: torch.linspace(1, 0, T + 1)
        ),
        "Too much of the picture is left at t = T, so pure noise is no right start: let alpha_bar end below 0.01.": (
            lambda T: linear(T).alpha_bar
        ),
        "Too much is left at t = T where T is small: do the betas not depend on T?": (
            lambda T: torch.tensor([0.98]).double().pow(torch.arange(T + 1))
        ),
    },
    "Take a falling curve f with f(0) = 1, and put in torch.arange(T + 1) / T. Divide by its first number, so that it is 1.",
    properties,
)

EXERCISES = (B3_1, B3_2, B3_3, B3_4, B3_5)
