"""The checks of B1 with answers of its own, right and wrong. What all bonus checks must do is in test_bonus_checks.py."""

from functools import partial

import pytest
import torch
from common import solved

from diffusion_lab import checks
from diffusion_lab.checks import b1

pytestmark = pytest.mark.bonus

BY_NAME = {exercise.name: exercise for exercise in b1.EXERCISES}
solution = partial(solved, {"torch": torch})
WRONG = [(name, mistake, hint) for name, exercise in BY_NAME.items() for hint, mistake in exercise.mistakes.items()]


def step_by_step(var, beta):
    """Both variances, followed through the steps."""
    rows, added, mixed = [], var, var
    for b in beta.tolist():
        added, mixed = added + b, (1 - b) * mixed + b
        rows.append((added, mixed))
    return torch.tensor(rows).T


def by_logsumexp(x_t, data, t, alpha_bar):
    a, b = alpha_bar[t].item() ** 0.5, 1 - alpha_bar[t].item()
    exponents = -torch.cdist(x_t.double(), a * data.double()).square() / b / 2
    return (exponents - exponents.logsumexp(1, keepdim=True)).exp()


def by_logarithms(size, t, alpha_bar):
    shift = 0.5 * (torch.log1p(-alpha_bar[t]) - alpha_bar[t].log())
    return torch.stack([(size.double().log() + s * shift).exp() for s in (1, -1)])


def by_variances(x, t, t_up, alpha_bar, z):
    left = alpha_bar[t_up].item() / alpha_bar[t].item()
    return x * left**0.5 + z * (1 - left) ** 0.5


RIGHT = [
    ("B1.1", step_by_step),
    ("B1.2", by_logsumexp),
    ("B1.3", lambda x, belief, t, t_prev, damage: damage(belief, t_prev) + (x - damage(belief, t))),
    ("B1.4", by_logarithms),
    ("B1.5", by_variances),
]


def own_noise(x, t, t_up, alpha_bar, z):
    return checks.B1_5.right(x, t, t_up, alpha_bar, torch.randn_like(z))


def in_place(x, belief, t, t_prev, damage):
    return x.sub_(damage(belief, t)).add_(damage(belief, t_prev))


def last_only(var, beta):
    right = checks.B1_1.right(var, beta)
    return torch.stack([torch.full_like(right[0], var + beta[-1].item()), right[1]])


def begins_early(var, beta):
    rows, now = [], [var, var]
    for b in beta.tolist():
        rows.append(now)
        now = [now[0] + b, (1 - b) * now[1] + b]
    return torch.tensor(rows).T


def with_one(size, t, alpha_bar):
    a, b = alpha_bar[t].sqrt(), (1 - alpha_bar[t]).sqrt()
    return torch.stack([(1 - b * size) / a, (1 - a * size) / b])


# Wrong answers that no check lists, most of them as edits of the solutions, with words of the verdict
OTHERS = [
    ("B1.1", solution("B1.1", {"cumsum(0)": "cumprod(0)"}), ""),
    ("B1.1", solution("B1.1", {"+ 1 - kept": "+ (1 - kept).sqrt()"}), ""),
    ("B1.1", solution("B1.1", {"(1 - beta).cumprod(0)": "1 - beta.cumprod(0)"}), ""),
    ("B1.1", solution("B1.1", {"var + beta.cumsum(0), ": "beta.cumsum(0), "}), "variance at the start is missing"),
    ("B1.1", solution("B1.1", {"kept * var + 1 - kept": "kept * var"}), "the noise is missing"),
    ("B1.1", solution("B1.1", {"torch.stack(": "torch.cat("}), "It should return the shape"),
    ("B1.1", lambda var, beta: checks.B1_1.right(1.0, beta), "stays the same when var changes"),
    ("B1.1", lambda var, beta: checks.B1_1.right(var, beta)[:, -1], "It should return the shape"),
    ("B1.1", lambda var, beta: tuple(checks.B1_1.right(var, beta)), "should return a tensor, but returned tuple"),
    ("B1.1", last_only, "adds the last beta only"),
    ("B1.1", lambda var, beta: torch.stack([beta.sqrt().cumsum(0), checks.B1_1.right(var, beta)[1]]), "start is missing"),
    ("B1.1", begins_early, "Both rows begin before the first step"),
    ("B1.2", solution("B1.2", {"softmax(1)": "softmax(0)"}), "goes over the noisy points"),
    ("B1.2", solution("B1.2", {"(2 * (1 - alpha_bar[t]))": "2 * (1 - alpha_bar[t])"}), "The parentheses"),
    ("B1.2", solution("B1.2", {"alpha_bar[t].sqrt() * data": "data", "x_t[": "(x_t / alpha_bar[t].sqrt())["}), "x_t by sqrt"),
    ("B1.2", solution("B1.2", {"alpha_bar[t]": "alpha_bar[t - 1]"}), "alpha_bar of t - 1"),
    ("B1.2", solution("B1.2", {".softmax(1)": ""}), "These are the exponents"),
    ("B1.2", solution("B1.2", {"alpha_bar[t].sqrt() * data": "data"}), "The data are not made weaker"),
    ("B1.2", solution("B1.2", {"x_t[:, None]": "x_t"}), "stopped with RuntimeError"),
    ("B1.2", solution("B1.2", {"square()": "pow(4)"}), ""),
    ("B1.2", lambda x_t, data, t, alpha_bar: checks.B1_2.right(x_t, data, t, alpha_bar) @ data.double(), "return the shape"),
    ("B1.2", lambda x_t, data, t, alpha_bar: checks.B1_2.right(x_t, data, 50, alpha_bar), "stays the same when t changes"),
    ("B1.2", lambda x_t, data, t, alpha_bar: checks.B1_2.right(x_t.float(), data, t, alpha_bar) ** 0.5, ""),
    ("B1.3", in_place, "you changed x itself"),
    ("B1.3", solution("B1.3", {"x - ": ""}), "stays the same when x changes"),
    ("B1.3", solution("B1.3", {"x - damage(belief, t) + ": ""}), "This is algorithm 1"),
    ("B1.3", solution("B1.3", {"damage(belief, t)": "damage(x, t)"}), "damages x at t"),
    ("B1.3", solution("B1.3", {"damage(belief, t_prev)": "damage(belief, t - 1)"}), "t_prev is not always t - 1"),
    ("B1.3", lambda x, belief, t, t_prev, damage: checks.B1_3.right(x, x, t, t_prev, damage), "it is the belief"),
    ("B1.3", lambda x, belief, t, t_prev, damage: damage(x - damage(belief, t) + belief, t_prev), "damaged alone"),
    ("B1.3", lambda x, belief, t, t_prev, damage: x, "stays the same when belief changes"),
    ("B1.4", solution("B1.4", {".sqrt()": ""}), "Square roots are missing"),
    ("B1.4", solution("B1.4", {"size / ratio": "size * ratio"}), "In the second row the quotient is upside down"),
    ("B1.4", solution("B1.4", {"(1 - alpha_bar[t]) / alpha_bar[t]": "1 - alpha_bar[t] / alpha_bar[t]"}), "when size changes"),
    ("B1.4", solution("B1.4", {"torch.stack([size * ratio, size / ratio])": "size * ratio"}), "It should return the shape"),
    ("B1.4", solution("B1.4", {"size * ratio, size / ratio": "ratio, 1 / ratio"}), "The size is left out"),
    ("B1.4", solution("B1.4", {"size * ratio": "size / alpha_bar[t].sqrt()"}), "first row the factor of eps is missing"),
    ("B1.4", solution("B1.4", {"size * ratio": "size * (1 - alpha_bar[t]).sqrt()"}), "first row the factor of x0 is missing"),
    ("B1.4", solution("B1.4", {"size / ratio": "size * alpha_bar[t].sqrt()"}), "second row the factor of eps is missing"),
    ("B1.4", solution("B1.4", {"size / ratio": "size / (1 - alpha_bar[t]).sqrt()"}), "second row the factor of x0 is missing"),
    ("B1.4", with_one, "with 1 for x_t"),
    ("B1.4", lambda size, t, alpha_bar: checks.B1_4.right(size, 0 * t + 30, alpha_bar), "stays the same when t changes"),
    ("B1.5", own_noise, "Twice the same input, but two different results"),
    ("B1.5", solution("B1.5", {" / alpha_bar[t]": ""}), "x is no x0"),
    ("B1.5", solution("B1.5", {"(1 - alpha).sqrt()": "(1 - alpha)"}), "The noise is too weak"),
    ("B1.5", solution("B1.5", {"alpha.sqrt() * x": "x"}), "x is not made weaker"),
    ("B1.5", solution("B1.5", {"alpha_bar[t_up] / alpha_bar[t]": "alpha_bar[t] / alpha_bar[t_up]"}), "alpha is upside down"),
    ("B1.5", lambda x, t, t_up, alpha_bar, z: x + (alpha_bar[t] - alpha_bar[t_up]).sqrt() * z, "x must be made weaker"),
    ("B1.5", solution("B1.5", {"* z": "* x"}), "stays the same when z changes"),
    ("B1.5", lambda x, t, t_up, alpha_bar, z: checks.B1_5.right(x, 0, t_up, alpha_bar, z), "x is no x0"),
]


def test_at_least_30_wrong_answers_are_tried_and_nine_in_ten_are_named():
    unnamed = sum(not words for _, _, words in OTHERS)
    assert len(OTHERS) >= 30 and unnamed <= (len(WRONG) + len(OTHERS)) / 10
    assert all(any(name == wrong[0] for wrong in OTHERS) and any(name == right[0] for right in RIGHT) for name in BY_NAME)
