"""The checks of B3 with answers of its own, right and wrong. What all bonus checks must do is in test_bonus_checks.py."""

from functools import partial

import numpy as np
import pytest
import torch
from common import solved
from torch.nn.functional import scaled_dot_product_attention

from diffusion_lab import checks
from diffusion_lab.checks import b3
from diffusion_lab.schedules import cosine, linear, sigmoid

pytestmark = pytest.mark.bonus

BY_NAME = {exercise.name: exercise for exercise in b3.EXERCISES}
solution = partial(solved, {"torch": torch, "F": torch.nn.functional})


def walked(x0, beta, t, eps):
    """The chain's share, one step after the other."""
    share = 1.0
    for b in beta[:t].tolist():
        share *= 1 - b
    return x0 * share**0.5 + eps * (1 - share) ** 0.5


def by_logarithms(m1, var1, m2, var2):
    s1, s2 = var1.double().sqrt(), var2.double().sqrt()
    return s2.log() - s1.log() + (s1.square() + (m1 - m2).double().square()) / (2 * s2.square()) - 0.5


def by_einsum(q, k, v):
    shares = torch.einsum("...id,...jd->...ij", q, k).div(np.sqrt(q.shape[-1])).exp()
    return torch.einsum("...ij,...jd->...id", shares / shares.sum(-1, keepdim=True), v)


def by_precisions(x_t, x0, t, alpha_bar, z):
    """Bayes' rule as two Gaussian clues."""
    x0 = torch.clip(x0, -1, 1)
    ab, ab_prev = alpha_bar[t].item(), alpha_bar[t - 1].item()
    if t == 1:
        return x0
    alpha = ab / ab_prev
    first, second = 1 / (1 - ab_prev), alpha / (1 - alpha)
    return (first * ab_prev**0.5 * x0 + second * x_t / alpha**0.5) / (first + second) + (first + second) ** -0.5 * z


RIGHT = [
    ("B3.1", walked),
    ("B3.2", by_logarithms),
    ("B3.3", by_einsum),
    ("B3.3", lambda q, k, v: scaled_dot_product_attention(q, k, v)),
    ("B3.4", by_precisions),
    ("B3.5", lambda T: cosine(T).alpha_bar.float()),
    ("B3.5", lambda T: sigmoid(T).alpha_bar.tolist()),
    ("B3.5", lambda T: np.exp(-5 * np.arange(T + 1) / T)),
]


def own_noise(x0, beta, t, eps):
    return checks.B3_1.right(x0, beta, t, torch.randn_like(x0))


def in_place(x_t, x0, t, alpha_bar, z):
    return checks.B3_4.right(x_t, x0.clamp_(-1, 1), t, alpha_bar, z)


# Wrong answers that no check lists, written as edits of the solutions, with words of the verdict
OTHERS = [
    ("B3.1", own_noise, "Twice the same input, but two different results"),
    ("B3.1", solution("B3.1", {"beta[:t]": "beta[:150]"}), "stays the same when t changes"),
    ("B3.1", solution("B3.1", {"share.sqrt() * x0": "share.sqrt() * x0.clamp(-1, 1)"}), "picture is clipped first"),
    ("B3.1", solution("B3.1", {"* eps": "* x0"}), "stays the same when eps changes"),
    ("B3.1", solution("B3.1", {"(1 - share).sqrt()": "(1 - share.sqrt())"}), "not 1 minus the root"),
    ("B3.1", solution("B3.1", {"prod()": "cumprod(0)[t]"}), "stopped with IndexError"),
    ("B3.1", solution("B3.1", {"prod()": "mean()"}), "took the mean"),
    ("B3.1", solution("B3.1", {"beta[:t]": "beta[t:]"}), "steps after t"),
    ("B3.1", solution("B3.1", {"(1 - beta[:t]).prod()": "(1 - beta[t - 1]) ** t"}), "last beta for all steps"),
    ("B3.1", solution("B3.1", {"(1 - beta[:t]).prod()": "(-beta[:t].sum()).exp()"}), "not equal: multiply"),
    ("B3.1", solution("B3.1", {"(1 - share).sqrt() * eps": "beta[t - 1].sqrt() * eps"}), "noise of the last step alone"),
    ("B3.1", solution("B3.1", {"(1 - share).sqrt() * eps": "share.sqrt() * eps"}), "have the same factor"),
    ("B3.2", solution("B3.2", {".log()": ".log2()"}), "natural one"),
    ("B3.2", solution("B3.2", {"(var2 / var1)": "(var1 / var2)"}), "wrong sign"),
    ("B3.2", solution("B3.2", {"** 2": "** 1"}), "must be squared"),
    ("B3.2", solution("B3.2", {"0.5 *": "0.5 + 0 *"}), "stays the same when m1 changes"),
    ("B3.2", solution("B3.2", {"(m1 - m2) ** 2": "(m1 - m2).abs()"}), "must be squared; here it is its size"),
    ("B3.2", solution("B3.2", {"- 1)": ") - 1"}), "outside the bracket"),
    ("B3.2", solution("B3.2", {"- 1)": "+ 1)"}), "not [+]1"),
    ("B3.2", solution("B3.2", {"(m1 - m2) ** 2": "m1**2 - m2**2"}), "not the difference of two squares"),
    ("B3.2", solution("B3.2", {"/ var2 - 1": "/ var2**2 - 1"}), "a variance already"),
    ("B3.2", solution("B3.2", {"(var2 / var1).log()": "var2.log() / var1.log()"}), "not a quotient of two logarithms"),
    (
        "B3.2",
        lambda m1, var1, m2, var2: float(checks.B3_2.right(m1, var1, m2, var2).sum()),
        "added all values up",
    ),
    ("B3.2", lambda m1, var1, m2, var2: checks.B3_2.right(m1, var1.sqrt(), m2, var2.sqrt()), "took the roots"),
    ("B3.3", solution("B3.3", {"dim=-1": "dim=1"}), "write dim=-1"),
    ("B3.3", solution("B3.3", {" / d**0.5": ""}), "The scale is missing"),
    ("B3.3", solution("B3.3", {"d**0.5": "32**0.5"}), "d of one network only"),
    ("B3.3", solution("B3.3", {"k.mT": "k"}), "stopped with RuntimeError"),
    ("B3.3", solution("B3.3", {"shares @ v": "shares.mT @ v"}), "turned round"),
    ("B3.3", solution("B3.3", {"shares @ v": "shares * v"}), "stopped with RuntimeError"),
    ("B3.3", lambda q, k, v: checks.B3_3.right(q, k, v).mT, "It should return the shape"),
    ("B3.3", lambda q, k, v: checks.B3_3.right(q, k, v) + q, "You added the questions"),
    ("B3.3", solution("B3.3", {"softmax(dim=-1)": "log_softmax(dim=-1)"}), "not log_softmax"),
    ("B3.3", solution("B3.3", {"softmax(dim=-1)": "relu()"}), "A relu is no softmax"),
    ("B3.3", solution("B3.3", {"softmax(dim=-1)": "tril().softmax(dim=-1)"}), ""),
    ("B3.3", solution("B3.3", {"dim=-1": "dim=0"}), "shares among pictures"),
    ("B3.3", solution("B3.3", {"q @ k.mT": "q @ q.mT"}), "compared with themselves"),
    ("B3.3", solution("B3.3", {"d**0.5": "q.shape[0] ** 0.5"}), ""),
    ("B3.4", in_place, "you changed x0 itself"),
    ("B3.4", solution("B3.4", {"clamp(-1, 1)": "clamp(-1, 0.9)"}), ""),
    ("B3.4", solution("B3.4", {"    x0 = x0.clamp(-1, 1)\n": ""}), "x0 is not clipped"),
    ("B3.4", solution("B3.4", {"variance.sqrt()": "variance"}), "take its square root"),
    ("B3.4", solution("B3.4", {"(1 - ab_prev) / (1 - ab) * beta_t\n": "beta_t\n"}), "beta here"),
    ("B3.4", solution("B3.4", {"alpha_bar[t - 1]": "alpha_bar[max(t - 2, 0)]"}), "goes from t to t - 1"),
    ("B3.4", solution("B3.4", {"+ variance.sqrt() * z": "- variance.sqrt() * z"}), "fresh noise is taken away"),
    ("B3.4", lambda x_t, x0, t, alpha_bar, z: checks.B3_4.right(x0, x_t, t, alpha_bar, z), "x0 and x_t are exchanged"),
    ("B3.4", solution("B3.4", {"x0.clamp(-1, 1)": "x0.tanh()"}), "tanh bends x0"),
    (
        "B3.4",
        solution("B3.4", {"(1 - beta_t).sqrt() * (1 - ab_prev) / (1 - ab) * x_t": "(1 - beta_t).sqrt() * x_t"}),
        "x_t lacks",
    ),
    ("B3.4", solution("B3.4", {"(1 - beta_t).sqrt() * (1": "(1"}), "lacks sqrt.alpha., with"),
    ("B3.4", solution("B3.4", {"* beta_t / (1 - ab) * x0": "* beta_t * x0"}), "x0 is to be divided"),
    ("B3.4", solution("B3.4", {"variance.sqrt()": "(1 - ab_prev).sqrt()"}), "as strong as all noise at t - 1"),
    ("B3.5", lambda T: cosine(T), "should return the numbers alpha_bar, but returned Schedule"),
    ("B3.5", lambda T: None, "should return the numbers"),
    ("B3.5", lambda T: cosine(T).alpha_bar[None], "one row of T . 1 numbers, but returned the shape"),
    ("B3.5", lambda T: torch.linspace(1e-4, 0.02, T), "not T . 1 numbers"),
    ("B3.5", lambda T: 1 - cosine(T).alpha_bar, "The first number must be 1"),
    ("B3.5", lambda T: torch.ones(T + 1), "must be below the one before"),
    ("B3.5", lambda T: torch.linspace(1, -0.1, T + 1), "No number may be 0 or below"),
    ("B3.5", lambda T: cosine(T).alpha_bar.sqrt() * 0.9 + 0.1, "Too much of the picture is left"),
    ("B3.5", lambda T: torch.full((T + 1,), torch.nan), "The first number must be 1"),
    ("B3.5", lambda T: torch.cat([cosine(T).alpha_bar[:-1], torch.tensor([torch.nan])]), "must be below the one before"),
    ("B3.5", lambda T: (1 - torch.arange(T + 1) / T).sqrt(), "No number may be 0 or below"),
    ("B3.5", lambda T: (-torch.arange(T + 1) / T).exp(), "Too much of the picture is left"),
    ("B3.5", lambda T: torch.linspace(0.001, 1, T + 1), "The first number must be 1"),
    ("B3.5", lambda T: "cosine", "should return the numbers alpha_bar, but returned str"),
]


def test_at_least_30_wrong_answers_are_tried_and_nine_in_ten_are_named():
    unnamed, listed = sum(not words for _, _, words in OTHERS), sum(len(exercise.mistakes) for exercise in b3.EXERCISES)
    assert len(OTHERS) >= 30 and unnamed <= (listed + len(OTHERS)) / 10
    names = {exercise.name for exercise in b3.EXERCISES}
    assert {name for name, _, _ in OTHERS} == {name for name, _ in RIGHT} == names


def test_a_linear_schedule_of_300_steps_is_refused_for_what_it_leaves():
    assert "Too much of the picture is left" in checks.B3_5.check(lambda T: linear(T).alpha_bar).message
