"""Checks of the exercises of B1: two pixels, and other ideas."""

from collections.abc import Callable

import torch
from torch import Tensor

from ..bonus.exact import weights
from ..schedules import cosine, linear, quadratic, sigmoid
from .b1_steps import B1_3, B1_5
from .exercise import Exercise, noise


def variances(var: float, beta: Tensor) -> Tensor:
    """(2, N): the variance after each step if noise is added, and if it is mixed in."""
    kept = (1 - beta).cumprod(0)
    return torch.stack([var + beta.cumsum(0), kept * var + 1 - kept])


def two_rows(added: Callable | None = None, mixed: Callable | None = None) -> Callable:
    """An answer with another row for adding, or for mixing."""

    def answer(var: float, beta: Tensor) -> Tensor:
        right = variances(var, beta)
        return torch.stack([added(var, beta) if added else right[0], mixed(var, beta) if mixed else right[1]])

    return answer


def kept(beta: Tensor) -> Tensor:
    """The product of the factors 1 - beta up to each step."""
    return (1 - beta).cumprod(0)


def before(row: Tensor, start: float) -> Tensor:
    """A row that begins one step too early, with the start."""
    return torch.cat([torch.full((1,), start), row[:-1]])


B1_1 = Exercise(
    "B1.1",
    "the variances after each of the N steps, (2, N): first of adding, then of mixing.",
    variances,
    lambda: [
        (0.3, 0.2 * noise(0, 12).abs()),
        (2.5, 0.3 * torch.rand(29, generator=torch.Generator().manual_seed(1))),
        (1.0, torch.tensor([0.1, 0.4, 0.2])),
    ],
    {
        "The two rows are exchanged: adding is the first.": lambda var, beta: variances(var, beta).flip(0),
        "In the first row the steps do not add up: each adds to what is there already.": two_rows(lambda var, beta: var + beta),
        "The variance at the start is missing in the first row.": two_rows(lambda var, beta: beta.cumsum(0)),
        "The first row adds standard deviations: variances add up, so no root is taken.": two_rows(
            lambda var, beta: var + beta.sqrt().cumsum(0)
        ),
        "The first row adds standard deviations, and the start is missing: var + beta.cumsum(0).": two_rows(
            lambda var, beta: beta.sqrt().cumsum(0)
        ),
        "The first row squares beta: it is a variance already.": two_rows(lambda var, beta: var + beta.square().cumsum(0)),
        "The first row is a standard deviation: the variance is asked for, without the root.": two_rows(
            lambda var, beta: (var + beta.cumsum(0)).sqrt()
        ),
        "Both rows are standard deviations: the variances are asked for, without the root.": (
            lambda var, beta: variances(var, beta).sqrt()
        ),
        "The first row is one step behind: its first number is that after the first step.": two_rows(
            lambda var, beta: var + beta.cumsum(0) - beta
        ),
        "The second row is one step behind: its first number is that after the first step.": two_rows(
            mixed=lambda var, beta: before(variances(var, beta)[1], var)
        ),
        "Both rows begin before the first step: their first numbers are those after it.": (
            lambda var, beta: torch.stack([before(row, var) for row in variances(var, beta)])
        ),
        "Both rows know one step only: what the steps before it did is missing (cumsum, cumprod).": (
            lambda var, beta: torch.stack([var + beta, (1 - beta) * var + beta])
        ),
        "The first row takes all steps at once in each place: sum up to that step only (cumsum).": two_rows(
            lambda var, beta: (var + beta.sum()).expand(len(beta))
        ),
        "The first row adds the last beta only: sum all of them up to each step (cumsum).": two_rows(
            lambda var, beta: (var + beta[-1]).expand(len(beta))
        ),
        "The second row takes the last beta only: multiply the factors of all steps so far (cumprod).": two_rows(
            mixed=lambda var, beta: ((1 - beta[-1]) * var + beta[-1]).expand(len(beta))
        ),
        "The first row shrinks the data: adding leaves them as they are.": two_rows(
            lambda var, beta: kept(beta) * var + beta.cumsum(0)
        ),
        "In the second row the noise is missing: it adds 1 minus the factor of var.": two_rows(
            mixed=lambda var, beta: kept(beta) * var
        ),
        "In the second row the data are not made weaker: var has the product of all 1 - beta so far as its factor.": two_rows(
            mixed=lambda var, beta: var + 1 - kept(beta)
        ),
        "In the second row var has the root of its factor: a factor of the values is squared in the variance.": two_rows(
            mixed=lambda var, beta: kept(beta).sqrt() * var + 1 - kept(beta)
        ),
        "In the second row all betas add up: what comes early is made weaker later, too.": two_rows(
            mixed=lambda var, beta: kept(beta) * var + beta.cumsum(0)
        ),
        "In the second row the factor is that of one step: multiply the factors of all steps so far (cumprod).": two_rows(
            mixed=lambda var, beta: (1 - beta) * var + beta
        ),
        "In the second row the factor is 1 minus the sum of the betas: multiply the factors 1 - beta.": two_rows(
            mixed=lambda var, beta: (1 - beta.cumsum(0)) * var + beta.cumsum(0)
        ),
        "The second row is 1 throughout: so it is only for var = 1.": two_rows(mixed=lambda var, beta: torch.ones_like(beta)),
        "The second row is a standard deviation: the variance is asked for, without the root.": two_rows(
            mixed=lambda var, beta: (kept(beta) * var + 1 - kept(beta)).sqrt()
        ),
        "The factors of the second row are exchanged: var has the product of the 1 - beta, and the noise the rest.": two_rows(
            mixed=lambda var, beta: (1 - kept(beta)) * var + kept(beta)
        ),
    },
    "First row: var + beta.cumsum(0). Second: var has the factor (1 - beta).cumprod(0), and noise the rest: 1 minus that.",
)


def likely(x_t: Tensor, data: Tensor, t: int, alpha_bar: Tensor) -> Tensor:
    """(B, N): the exact shares."""
    return weights(x_t, data, alpha_bar[t].expand(len(x_t)))


def sharing(
    squared: Callable = lambda apart: apart.square().sum(2),
    data_factor: Callable = lambda ab: ab.sqrt(),
    below: Callable = lambda ab: 2 * (1 - ab),
    finish: Callable = lambda far: (-far).softmax(1),
) -> Callable:
    """The softmax with another distance, another factor of the data, another divisor, or another end."""

    def answer(x_t: Tensor, data: Tensor, t: int, alpha_bar: Tensor) -> Tensor:
        ab = alpha_bar[t]
        apart = x_t.double()[:, None] - data_factor(ab) * data.double()
        return finish(squared(apart) / below(ab))

    return answer


B1_2 = Exercise(
    "B1.2",
    "the share of each data point, (B, N): a softmax over the data, each row with the sum 1.",
    likely,
    lambda: [
        (noise(0, 5, 2), noise(1, 7, 2), 60, cosine(140).alpha_bar),
        (noise(2, 3, 4), noise(3, 9, 4), 200, linear(300).alpha_bar),
        (30 * noise(4, 4, 6), noise(5, 4, 6), 3, sigmoid(90).alpha_bar),
    ],
    {
        "The data are not made weaker: at time t they have the factor sqrt(alpha_bar[t]).": sharing(
            data_factor=lambda ab: torch.ones_like(ab)
        ),
        "The data have the factor alpha_bar[t]: a square root is missing.": sharing(data_factor=lambda ab: ab),
        "A 2 is missing below: the exponent is the squared distance over 2 (1 - alpha_bar[t]).": sharing(
            below=lambda ab: 1 - ab
        ),
        "The distance is divided by 2 alpha_bar[t]: the noise has the variance 1 - alpha_bar[t].": sharing(
            below=lambda ab: 2 * ab
        ),
        "The squared distance is not divided by twice the noise's variance.": sharing(below=lambda ab: torch.ones_like(ab)),
        "You divide by twice the noise's standard deviation: its variance, 1 - alpha_bar[t], stands below.": sharing(
            below=lambda ab: 2 * (1 - ab).sqrt()
        ),
        "You divide by twice the square of the variance: 1 - alpha_bar[t] is the variance already.": sharing(
            below=lambda ab: 2 * (1 - ab) ** 2
        ),
        "The parentheses: / 2 * (1 - alpha_bar[t]) multiplies by it; write / (2 * (1 - alpha_bar[t])).": sharing(
            below=lambda ab: 2 / (1 - ab)
        ),
        "You divided x_t by sqrt(alpha_bar[t]) first: its noise then has the variance (1 - alpha_bar) / alpha_bar.": sharing(
            below=lambda ab: 2 * (1 - ab) * ab
        ),
        "alpha_bar of t - 1 was taken: it is that of t.": (lambda x_t, data, t, alpha_bar: likely(x_t, data, t - 1, alpha_bar)),
        "These are the exponents, not the shares: softmax over the data comes last.": sharing(finish=lambda far: -far),
        "These are the d of the equation, not the shares: softmax of -d over the data comes last.": sharing(
            finish=lambda far: far
        ),
        "The distance is not squared.": sharing(lambda apart: apart.square().sum(2).sqrt()),
        "These are sums of differences without signs: square each difference, then add up.": sharing(
            lambda apart: apart.abs().sum(2)
        ),
        "You took the mean over the values of a point: the squares are added up.": sharing(
            lambda apart: apart.square().mean(2)
        ),
        "The sign of the exponent is missing: far data must have a small share.": sharing(finish=lambda far: far.softmax(1)),
        "The softmax goes over the noisy points: it goes over the data, dim=1.": sharing(finish=lambda far: (-far).softmax(0)),
        "The shares do not have the sum 1: divide by their sum over the data (softmax).": sharing(
            finish=lambda far: (-far).exp()
        ),
        "These are logarithms of the shares: softmax, not log_softmax.": sharing(finish=lambda far: (-far).log_softmax(1)),
        "All goes to the nearest: the softmax gives each point its share.": sharing(
            finish=lambda far: torch.nn.functional.one_hot(far.argmin(1), far.shape[1]).double()
        ),
        "0 / 0: exp of a number far below 0 is 0. Let softmax do it, which takes away the largest exponent first.": sharing(
            finish=lambda far: (-far).exp() / (-far).exp().sum(1, keepdim=True)
        ),
        "The table is turned round: a row for each noisy point, a column for each of the data.": sharing(
            finish=lambda far: (-far).softmax(1).T
        ),
    },
    "x_t[:, None] - data, the data made weaker, is (B, N, D). Square, sum, divide by 2 (1 - alpha_bar[t]), minus, softmax(1).",
)


def errors(size: Tensor, t: Tensor, alpha_bar: Tensor) -> Tensor:
    """(2, B): of x0 by an error of eps, of eps by an error of x0."""
    ratio = ((1 - alpha_bar[t]) / alpha_bar[t]).sqrt()
    return torch.stack([size * ratio, size / ratio])


def by_ratio(ratio: Callable, first: bool = True, second: bool = True) -> Callable:
    """An answer with another ratio of noise to picture, in the first row, the second, or both."""

    def answer(size: Tensor, t: Tensor, alpha_bar: Tensor) -> Tensor:
        right, wrong = errors(size, t, alpha_bar), ratio(alpha_bar[t])
        return torch.stack([size * wrong if first else right[0], size / wrong if second else right[1]])

    return answer


def solved_for_one(size: Tensor, ab: Tensor) -> Tensor:
    """Both rows if x_t is 1 and the other part is `size`."""
    return torch.stack([(1 - (1 - ab).sqrt() * size) / ab.sqrt(), (1 - ab.sqrt() * size) / (1 - ab).sqrt()])


B1_4 = Exercise(
    "B1.4",
    "two rows: the error of x0 that follows from an error of eps, and the error of eps that follows from one of x0.",
    errors,
    lambda: [
        (noise(0, 6).abs() + 0.1, torch.tensor([1, 20, 77, 140, 180, 199]), cosine(200).alpha_bar),
        (noise(1, 3).abs() + 0.1, torch.tensor([300, 5, 41]), linear(300).alpha_bar),
        (noise(2, 4).abs() + 0.1, torch.tensor([2, 33, 60, 89]), quadratic(90).alpha_bar),
    ],
    {
        "The rows are exchanged: the first is the error of x0.": lambda size, t, alpha_bar: errors(size, t, alpha_bar).flip(0),
        "Square roots are missing: the equation has sqrt(1 - alpha_bar) and sqrt(alpha_bar).": by_ratio(
            lambda ab: (1 - ab) / ab
        ),
        "The root of alpha_bar is missing.": by_ratio(lambda ab: (1 - ab).sqrt() / ab),
        "The root of 1 - alpha_bar is missing.": by_ratio(lambda ab: (1 - ab) / ab.sqrt()),
        "The noise's factor is the root of 1 - alpha_bar, not 1 minus the root.": by_ratio(
            lambda ab: (1 - ab.sqrt()) / ab.sqrt()
        ),
        "You divide by nothing: x0 is x_t without the noise, divided by sqrt(alpha_bar).": by_ratio(lambda ab: (1 - ab).sqrt()),
        "The factor of eps is missing: the error of eps enters with sqrt(1 - alpha_bar).": by_ratio(lambda ab: 1 / ab.sqrt()),
        "In the first row the quotient is upside down.": by_ratio(lambda ab: (ab / (1 - ab)).sqrt(), second=False),
        "In the second row the quotient is upside down.": by_ratio(lambda ab: (ab / (1 - ab)).sqrt(), first=False),
        "In the first row square roots are missing.": by_ratio(lambda ab: (1 - ab) / ab, second=False),
        "In the second row square roots are missing.": by_ratio(lambda ab: (1 - ab) / ab, first=False),
        "In the first row the factor of eps is missing: its error enters with sqrt(1 - alpha_bar).": by_ratio(
            lambda ab: 1 / ab.sqrt(), second=False
        ),
        "In the first row the factor of x0 is missing: divide by sqrt(alpha_bar).": by_ratio(
            lambda ab: (1 - ab).sqrt(), second=False
        ),
        "In the second row the factor of x0 is missing: its error enters with sqrt(alpha_bar).": by_ratio(
            lambda ab: (1 - ab).sqrt(), first=False
        ),
        "In the second row the factor of eps is missing: divide by sqrt(1 - alpha_bar).": by_ratio(
            lambda ab: 1 / ab.sqrt(), first=False
        ),
        "You solved the equation with 1 for x_t: x_t does not change, so it is no part of the errors.": (
            lambda size, t, alpha_bar: solved_for_one(size, alpha_bar[t])
        ),
        "The first row is the error of eps itself: it has a factor.": by_ratio(lambda ab: torch.ones_like(ab), second=False),
        "The second row is the error of x0 itself: it has a factor.": by_ratio(lambda ab: torch.ones_like(ab), first=False),
        "The sign: these are sizes of errors, so both rows are positive.": lambda size, t, alpha_bar: (
            -errors(size, t, alpha_bar)
        ),
        "Only the first row has a minus: these are sizes of errors, so both rows are positive.": (
            lambda size, t, alpha_bar: errors(size, t, alpha_bar) * torch.tensor([[-1.0], [1.0]])
        ),
        "The size is squared: errors are passed on by a factor.": lambda size, t, alpha_bar: errors(size**2, t, alpha_bar),
        "The size is left out: multiply by it.": lambda size, t, alpha_bar: errors(torch.ones_like(size), t, alpha_bar),
        "alpha_bar of t - 1 was taken: it is that of t.": lambda size, t, alpha_bar: errors(size, t - 1, alpha_bar),
    },
    "x_t stays as it is, so sqrt(alpha_bar) times the error of x0 is as large as sqrt(1 - alpha_bar) times the error of eps.",
)

EXERCISES = (B1_1, B1_2, B1_3, B1_4, B1_5)
