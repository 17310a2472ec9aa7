"""The checks of B1: each passes what is right, names typical mistakes, and is not fooled by a number that was looked up."""

import json
from inspect import signature

import numpy as np
import pytest
import torch
from common import refused

from diffusion_lab import checks
from diffusion_lab.checks import b1
from diffusion_lab.checks.compare import another
from diffusion_lab.checks.exercise import SOLUTIONS

pytestmark = pytest.mark.bonus

BY_NAME = {exercise.name: exercise for exercise in b1.EXERCISES}
WRONG = [(name, mistake, hint) for name, exercise in BY_NAME.items() for hint, mistake in exercise.mistakes.items()]


def solution(name, edits=None):
    """The function in solutions.json. edits: what is written in it in another way."""
    space = {"torch": torch}
    code = json.loads(SOLUTIONS.read_text(encoding="utf-8"))[name]
    for old, new in (edits or {}).items():
        assert old in code
        code = code.replace(old, new)
    exec(code, space)
    return space[next(key for key in space if key not in ("torch", "__builtins__"))]


def step_by_step(v, beta):
    """Both variances, followed through the steps."""
    rows, added, mixed = [], v, v
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


# Wrong answers that no check lists, most of them as edits of the solutions, with words of the verdict
OTHERS = [
    ("B1.1", solution("B1.1", {"cumsum(0)": "cumprod(0)"}), ""),
    ("B1.1", solution("B1.1", {"+ 1 - kept": "+ (1 - kept).sqrt()"}), ""),
    ("B1.1", solution("B1.1", {"(1 - beta).cumprod(0)": "1 - beta.cumprod(0)"}), ""),
    ("B1.1", solution("B1.1", {"v + beta.cumsum(0), ": "beta.cumsum(0), "}), "variance at the start is missing"),
    ("B1.1", solution("B1.1", {"kept * v + 1 - kept": "kept * v"}), "the noise is missing"),
    ("B1.1", solution("B1.1", {"torch.stack(": "torch.cat("}), "It should return the shape"),
    ("B1.1", lambda v, beta: checks.B1_1.right(1.0, beta), "stays the same when v changes"),
    ("B1.1", lambda v, beta: checks.B1_1.right(v, beta)[:, -1], "It should return the shape"),
    ("B1.2", solution("B1.2", {"softmax(1)": "softmax(0)"}), "goes over the noisy points"),
    ("B1.2", solution("B1.2", {"(2 * (1 - alpha_bar[t]))": "2 * (1 - alpha_bar[t])"}), ""),
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
    ("B1.3", lambda x, belief, t, t_prev, damage: x, "stays the same when belief changes"),
    ("B1.4", solution("B1.4", {".sqrt()": ""}), "Square roots are missing"),
    ("B1.4", solution("B1.4", {"size / ratio": "size * ratio"}), "In the second row the quotient is upside down"),
    ("B1.4", solution("B1.4", {"(1 - alpha_bar[t]) / alpha_bar[t]": "1 - alpha_bar[t] / alpha_bar[t]"}), "when size changes"),
    ("B1.4", solution("B1.4", {"torch.stack([size * ratio, size / ratio])": "size * ratio"}), "It should return the shape"),
    ("B1.4", solution("B1.4", {"size * ratio, size / ratio": "ratio, 1 / ratio"}), "The size is left out"),
    ("B1.4", lambda size, t, alpha_bar: checks.B1_4.right(size, 0 * t + 30, alpha_bar), "stays the same when t changes"),
    ("B1.5", own_noise, "Twice the same input, but two different results"),
    ("B1.5", solution("B1.5", {" / alpha_bar[t]": ""}), "x is no x0"),
    ("B1.5", solution("B1.5", {"(1 - alpha).sqrt()": "(1 - alpha)"}), "The noise is too weak"),
    ("B1.5", solution("B1.5", {"alpha.sqrt() * x": "x"}), "x is not made weaker"),
    ("B1.5", solution("B1.5", {"alpha_bar[t_up] / alpha_bar[t]": "alpha_bar[t] / alpha_bar[t_up]"}), "nan"),
    ("B1.5", solution("B1.5", {"* z": "* x"}), "stays the same when z changes"),
    ("B1.5", lambda x, t, t_up, alpha_bar, z: checks.B1_5.right(x, 0, t_up, alpha_bar, z), "x is no x0"),
]


@pytest.mark.parametrize("name", BY_NAME)
def test_the_solution_is_right_and_has_a_hint(name):
    exercise = BY_NAME[name]
    assert str(exercise.check(solution(name))) == f"Exercise {name}: right."
    assert len(exercise.hint()) > 20 and str(exercise.solution()).startswith("def ")
    assert getattr(checks, name.replace(".", "_")) is exercise and exercise in checks.BONUS


@pytest.mark.parametrize(("name", "answer"), RIGHT, ids=[name for name, _ in RIGHT])
def test_what_is_right_may_be_written_differently(name, answer):
    assert str(BY_NAME[name].check(answer)) == f"Exercise {name}: right."


@pytest.mark.parametrize(("name", "mistake", "hint"), WRONG, ids=[f"{name} {hint[:40]}" for name, _, hint in WRONG])
def test_a_listed_mistake_is_named_by_its_own_hint(name, mistake, hint):
    assert str(BY_NAME[name].check(mistake)) == f"Exercise {name}: not yet. {hint}"


@pytest.mark.parametrize(("name", "answer", "words"), OTHERS, ids=[f"{o[0]} {i}" for i, o in enumerate(OTHERS)])
def test_a_mistake_that_is_not_listed_is_refused_with_its_name_or_in_numbers(name, answer, words):
    refused(BY_NAME[name], answer, words)


def test_at_least_30_wrong_answers_are_tried_and_nine_in_ten_are_named():
    unnamed = sum(not words for _, _, words in OTHERS)
    assert len(OTHERS) >= 30 and unnamed <= (len(WRONG) + len(OTHERS)) / 10
    assert all(any(name == wrong[0] for wrong in OTHERS) and any(name == right[0] for right in RIGHT) for name in BY_NAME)


NUMBERS = [(e.name, k) for e in b1.EXERCISES for k, value in enumerate(e.cases()[0]) if isinstance(value, int | float)]


@pytest.mark.parametrize(("name", "k"), NUMBERS)
def test_a_number_of_the_first_case_written_into_an_answer_is_refused(name, k):
    first = BY_NAME[name].cases()[0][k]
    frozen = BY_NAME[name].check(lambda *inputs: BY_NAME[name].right(*inputs[:k], first, *inputs[k + 1 :]))
    assert frozen.status == "not yet"


TENSORS = [(e.name, k) for e in b1.EXERCISES for k, value in enumerate(e.cases()[0]) if isinstance(value, torch.Tensor)]


@pytest.mark.parametrize(("name", "k"), TENSORS)
def test_right_values_are_refused_where_an_argument_was_changed_and_the_message_names_it(name, k):
    def careless(*inputs):
        got = BY_NAME[name].right(*inputs)
        inputs[k].copy_(another(inputs[k]))
        return got

    argument = list(signature(BY_NAME[name].right).parameters)[k]
    assert f"The values are right, but you changed {argument} itself" in BY_NAME[name].check(careless).message


@pytest.mark.parametrize("name", BY_NAME)
def test_what_is_not_done_or_fails_or_returns_odd_things_stops_no_notebook(name):
    def stub(*inputs):
        raise NotImplementedError(f"Exercise {name}: write this function.")

    def fails(*inputs):
        raise KeyError("oh")

    assert BY_NAME[name].check(stub).status == "not done yet"
    assert "KeyError" in BY_NAME[name].check(fails).message
    odd = ["", "3", {}, {"x0": None}, [torch.ones(2)], (torch.ones(2), "a"), np.ones(3), torch.ones(0), 1j, float("inf"), True]
    assert all(BY_NAME[name].check(lambda *inputs, thing=thing: thing).status == "not yet" for thing in odd)
