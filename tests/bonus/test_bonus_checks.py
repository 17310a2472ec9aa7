"""The checks of the bonus shelf: each passes what is right, names typical mistakes, and is not fooled by a number that was
looked up. Its own answers, right and wrong, each notebook has in test_b1_checks.py and its neighbours; they are tried here."""

from functools import partial
from inspect import signature

import numpy as np
import pytest
import test_b1_checks
import test_b2_checks
import test_b3_checks
import test_b4_checks
import torch
from common import ROOT, load_script, refused, solved

from diffusion_lab import checks
from diffusion_lab.checks.compare import another

pytestmark = pytest.mark.bonus

SHELF = load_script(ROOT / "notebooks" / "build.py").SHELF
BY_NAME = {exercise.name: exercise for exercise in checks.BONUS}
WRONG = [(name, mistake, hint) for name, exercise in BY_NAME.items() for hint, mistake in exercise.mistakes.items()]
TRIED = (test_b1_checks, test_b2_checks, test_b3_checks, test_b4_checks)
RIGHT = [right for notebook in TRIED for right in notebook.RIGHT]
OTHERS = [wrong for notebook in TRIED for wrong in notebook.OTHERS]
solution = partial(solved, {"torch": torch, "F": torch.nn.functional, "nn": torch.nn})


def test_the_package_has_the_exercises_that_labs_toml_counts():
    names = [name for notebook in SHELF for name in notebook.exercise_names]
    assert [exercise.name for exercise in checks.BONUS] == names
    assert all(getattr(checks, exercise.name.replace(".", "_")) is exercise for exercise in checks.BONUS)


@pytest.mark.parametrize("name", BY_NAME)
def test_the_solution_is_right_and_has_a_hint(name):
    exercise = BY_NAME[name]
    assert str(exercise.check(solution(name))) == f"Exercise {name}: right."
    assert len(exercise.hint()) > 20 and str(exercise.solution()).startswith("def ")


@pytest.mark.parametrize(("name", "answer"), RIGHT, ids=[f"{name} {i}" for i, (name, _) in enumerate(RIGHT)])
def test_what_is_right_may_be_written_differently(name, answer):
    assert str(BY_NAME[name].check(answer)) == f"Exercise {name}: right."


@pytest.mark.parametrize(("name", "answer", "words"), OTHERS, ids=[f"{wrong[0]} {i}" for i, wrong in enumerate(OTHERS)])
def test_a_mistake_that_is_not_listed_is_refused_with_its_name_or_in_numbers(name, answer, words):
    refused(BY_NAME[name], answer, words)


@pytest.mark.parametrize(("name", "mistake", "hint"), WRONG, ids=[f"{name} {hint[:40]}" for name, _, hint in WRONG])
def test_a_listed_mistake_is_named_by_its_own_hint(name, mistake, hint):
    assert str(BY_NAME[name].check(mistake)) == f"Exercise {name}: not yet. {hint}"


NUMBERS = [(e.name, k) for e in BY_NAME.values() for k, value in enumerate(e.cases()[0]) if isinstance(value, int | float)]


@pytest.mark.parametrize(("name", "k"), NUMBERS)
def test_a_number_of_the_first_case_written_into_an_answer_is_refused(name, k):
    first = BY_NAME[name].cases()[0][k]
    frozen = BY_NAME[name].check(lambda *inputs: BY_NAME[name].right(*inputs[:k], first, *inputs[k + 1 :]))
    assert frozen.status == "not yet"


TENSORS = [(e.name, k) for e in BY_NAME.values() for k, value in enumerate(e.cases()[0]) if isinstance(value, torch.Tensor)]


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
