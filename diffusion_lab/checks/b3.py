"""Checks of the exercises of B3: the annotated DDPM."""

from collections.abc import Callable

import torch
from torch import Tensor

from ..language import gettext
from ..schedules import cosine, linear, sigmoid
from ..steps import perturb
from .b3_attention import B3_3
from .b3_sampler import B3_4
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


def walked(x0: Tensor, beta: Tensor, t: int, eps: Tensor) -> Tensor:
    """All t steps with the same noise: what nobody who jumps wants."""
    for b in beta[:t]:
        x0 = (1 - b).sqrt() * x0 + b.sqrt() * eps
    return x0


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
        "These are the steps after t: the product goes from beta[0] to beta[t - 1], beta[:t].": with_share(
            lambda beta, t: (1 - beta[t:]).prod()
        ),
        "Every step had the same noise here: in one jump, multiply eps by the root of 1 - alpha_bar.": walked,
        "This is the noise of the last step alone: its factor is the root of 1 - alpha_bar.": (
            lambda x0, beta, t, eps: alpha_bar_of(beta)[t].sqrt() * x0 + beta[t - 1].sqrt() * eps
        ),
        "This takes the last beta for all steps: each step has its own.": with_share(lambda beta, t: (1 - beta[t - 1]) ** t),
        "exp(-sum of the betas) is near alpha_bar, but not equal: multiply 1 - beta.": with_share(
            lambda beta, t: (-beta[:t].sum()).exp()
        ),
        "You took the mean of 1 - beta: multiply them.": with_share(lambda beta, t: (1 - beta[:t]).mean()),
        "Picture and noise have the same factor: that of the noise is the root of 1 - alpha_bar.": jumping(
            lambda a, b, x0, eps: a * (x0 + eps)
        ),
        "The noise's factor is the root of 1 minus alpha_bar, not of 1 plus it.": jumping(
            lambda a, b, x0, eps: a * x0 + (1 + a**2).sqrt() * eps
        ),
        "The noise's factor has a root too many inside: it is the root of 1 - alpha_bar.": jumping(
            lambda a, b, x0, eps: a * x0 + (1 - a).sqrt() * eps
        ),
        "The result is clipped: a noisy picture may leave -1 to 1.": (
            lambda x0, beta, t, eps: jump(x0, beta, t, eps).clamp(-1, 1)
        ),
        "The picture is clipped first: it need not be, the formula takes it as it is.": (
            lambda x0, beta, t, eps: jump(x0.clamp(-1, 1), beta, t, eps)
        ),
    },
    "First alpha_bar: (1 - beta[:t]).prod(). Then the formula with its two square roots.",
)


def kl(m1: Tensor, var1: Tensor, m2: Tensor, var2: Tensor) -> Tensor:
    """KL(N(m1, var1) || N(m2, var2)) of each value."""
    return 0.5 * ((var2 / var1).log() + (var1 + (m1 - m2) ** 2) / var2 - 1)


B3_2 = Exercise(
    "B3.2",
    "the KL divergence from N(m2, var2) to N(m1, var1), one number for each value.",
    kl,
    lambda: [
        (noise(0, 7), noise(1, 7).exp(), noise(2, 7), noise(3, 7).exp()),
        (noise(4, 2, 3, 5), noise(5, 2, 3, 5).exp(), noise(6, 2, 3, 5), noise(7, 2, 3, 5).exp()),
    ],
    {
        "The two are exchanged: KL(1 || 2) weighs with the first, and divides by the variance of the second.": (
            lambda m1, var1, m2, var2: kl(m2, var2, m1, var1)
        ),
        "The factor 1/2 is missing.": lambda m1, var1, m2, var2: 2 * kl(m1, var1, m2, var2),
        "The 1/2 stands before the logarithm only: it belongs to the whole bracket.": (
            lambda m1, var1, m2, var2: 0.5 * (var2 / var1).log() + (var1 + (m1 - m2) ** 2) / var2 - 1
        ),
        "The -1 is missing: two equal Gaussians must give 0.": lambda m1, var1, m2, var2: kl(m1, var1, m2, var2) + 0.5,
        "The logarithm is missing.": lambda m1, var1, m2, var2: 0.5 * ((var1 + (m1 - m2) ** 2) / var2 - 1),
        "The logarithm has the wrong sign: it is log(var2 / var1).": (
            lambda m1, var1, m2, var2: 0.5 * ((var1 / var2).log() + (var1 + (m1 - m2) ** 2) / var2 - 1)
        ),
        "The means' difference must be squared.": lambda m1, var1, m2, var2: (
            0.5 * ((var2 / var1).log() + (var1 + m1 - m2) / var2 - 1)
        ),
        "The means take no part: the square of their difference belongs in the bracket.": (
            lambda m1, var1, m2, var2: 0.5 * ((var2 / var1).log() + var1 / var2 - 1)
        ),
        "The quotient var1 / var2 is missing.": (
            lambda m1, var1, m2, var2: 0.5 * ((var2 / var1).log() + (m1 - m2) ** 2 / var2 - 1)
        ),
        "You took var1 and var2 as standard deviations: they are variances already.": (
            lambda m1, var1, m2, var2: kl(m1, var1**2, m2, var2**2)
        ),
        "You took the roots of var1 and var2: the formula has the variances themselves.": (
            lambda m1, var1, m2, var2: kl(m1, var1.sqrt(), m2, var2.sqrt())
        ),
        "The square is not divided: all of var1 + (m1 - m2)^2 stands over var2, in brackets.": (
            lambda m1, var1, m2, var2: 0.5 * ((var2 / var1).log() + var1 / var2 + (m1 - m2) ** 2 - 1)
        ),
        "var1 is not divided: all of var1 + (m1 - m2)^2 stands over var2, in brackets.": (
            lambda m1, var1, m2, var2: 0.5 * ((var2 / var1).log() + var1 + (m1 - m2) ** 2 / var2 - 1)
        ),
        "You divide by var1: the second variance stands below.": (
            lambda m1, var1, m2, var2: 0.5 * ((var2 / var1).log() + (var1 + (m1 - m2) ** 2) / var1 - 1)
        ),
        "This is the formula for equal variances, the square over 2 var2: here they differ.": (
            lambda m1, var1, m2, var2: (m1 - m2) ** 2 / (2 * var2)
        ),
        "You added all values up: one number for each is asked for.": lambda m1, var1, m2, var2: kl(m1, var1, m2, var2).sum(),
        "You took the mean of all values: one number for each is asked for.": lambda m1, var1, m2, var2: kl(
            m1, var1, m2, var2
        ).mean(),
        "The sign is wrong: a KL divergence is never below 0.": lambda m1, var1, m2, var2: -kl(m1, var1, m2, var2),
        "The -1 stands outside the bracket: the 1/2 belongs to it, too. Two equal Gaussians must give 0.": (
            lambda m1, var1, m2, var2: kl(m1, var1, m2, var2) - 0.5
        ),
        "It is -1 in the bracket, not +1: two equal Gaussians must give 0.": lambda m1, var1, m2, var2: (
            kl(m1, var1, m2, var2) + 1
        ),
        "The 1/2 stands before the quotients only: it belongs to the whole bracket.": (
            lambda m1, var1, m2, var2: kl(m1, var1, m2, var2) + 0.5 * (var2 / var1).log()
        ),
        "The brackets are missing: the 1/2 is for all terms, and var2 stands below var1, too.": (
            lambda m1, var1, m2, var2: 0.5 * (var2 / var1).log() + var1 + (m1 - m2) ** 2 / var2 - 1
        ),
        "var2 is squared below: it is a variance already.": (
            lambda m1, var1, m2, var2: 0.5 * ((var2 / var1).log() + (var1 + (m1 - m2) ** 2) / var2**2 - 1)
        ),
        "The means are subtracted, not added.": lambda m1, var1, m2, var2: kl(m1, var1, -m2, var2),
        "First the difference of the means, then its square: not the difference of two squares.": (
            lambda m1, var1, m2, var2: 0.5 * ((var2 / var1).log() + (var1 + m1**2 - m2**2) / var2 - 1)
        ),
        "The means' difference must be squared; here it is its size.": (
            lambda m1, var1, m2, var2: 0.5 * ((var2 / var1).log() + (var1 + (m1 - m2).abs()) / var2 - 1)
        ),
        "The square is of m1 - m2 only, not of var1: var1 + (m1 - m2)**2.": (
            lambda m1, var1, m2, var2: 0.5 * ((var2 / var1).log() + (var1 + m1 - m2) ** 2 / var2 - 1)
        ),
        "Only the quotient is exchanged: it is var1 + (m1 - m2)^2 over var2, as the logarithm is of var2 / var1.": (
            lambda m1, var1, m2, var2: 0.5 * ((var2 / var1).log() + (var2 + (m1 - m2) ** 2) / var1 - 1)
        ),
        "The logarithm is the natural one: .log(), not .log2().": (
            lambda m1, var1, m2, var2: 0.5 * ((var2 / var1).log2() + (var1 + (m1 - m2) ** 2) / var2 - 1)
        ),
        "The logarithm is the natural one: .log(), not .log10().": (
            lambda m1, var1, m2, var2: 0.5 * ((var2 / var1).log10() + (var1 + (m1 - m2) ** 2) / var2 - 1)
        ),
        "It is the logarithm of var2 / var1, not a quotient of two logarithms.": (
            lambda m1, var1, m2, var2: 0.5 * (var2.log() / var1.log() + (var1 + (m1 - m2) ** 2) / var2 - 1)
        ),
        "This is the mean of both directions: only KL(1 || 2) is asked for.": (
            lambda m1, var1, m2, var2: (kl(m1, var1, m2, var2) + kl(m2, var2, m1, var1)) / 2
        ),
    },
    "Four terms, 0.5 * (log(var2 / var1) + var1 / var2 + (m1 - m2)**2 / var2 - 1). Try it with two equal Gaussians: 0.",
)


def cosine_table(T: int) -> Tensor:
    """A right answer among many."""
    return cosine(T).alpha_bar


def properties(answer: Callable, T: int) -> dict[str, object]:
    """What a schedule's table must have."""
    table = answer(T)
    try:
        table = torch.as_tensor(table)
    except (TypeError, ValueError, RuntimeError) as error:
        told = gettext("It should return the numbers alpha_bar, but returned {kind}.").format(kind=type(table).__name__)
        raise Refused(told) from error
    if table.is_complex():
        raise Refused(gettext("It should return real numbers, but returned complex ones."))
    table = table.double().cpu()
    if table.ndim != 1 or len(table) < 2:
        told = gettext("It should return one row of T + 1 numbers, but returned the shape {shape}.")
        raise Refused(told.format(shape=tuple(table.shape)))
    return {
        gettext("there are T + 1 numbers"): len(table) == T + 1,
        gettext("the first number is 1"): bool(table[0] == 1),
        gettext("each number is below the one before"): bool((table[1:] < table[:-1]).all()),
        gettext("all numbers are above 0"): bool((table > 0).all()),
        gettext("at t = T less than 1 % of the picture's variance is left"): bool(table[-1] < 0.01),
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
