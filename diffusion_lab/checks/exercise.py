"""What an exercise is: its check, its typical mistakes, its hint and its solution.

The modules of checks say all in English. A task, a hint and a mistake are translated here, where they are shown; what `run`
says, its labels and refusals, is translated where it is made.
"""

import html
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from inspect import signature
from pathlib import Path
from typing import NamedTuple

import torch

from ..language import gettext, language, later
from .compare import Parts, Refused, agreeing, another, describe, kind_of_difference, numbers, parts, scaled, unchanged

SOLUTIONS = Path(__file__).with_name("solutions.json")  # written by notebooks/build.py from notebooks/masters/
STUBS = ("Exercise", "Ejercicio")  # how a stub's error begins: a notebook in one language may run in the other
SHOWN = {  # for each status its colour and its words
    "right": ("#2e7d32", later("Exercise {name}: right.")),
    "not yet": ("#b3501e", later("Exercise {name}: not yet.")),
    "not done yet": ("#666666", later("Exercise {name}: not done yet.")),
}


class Verdict(NamedTuple):
    """What a check found. status: "right", "not yet" or "not done yet", in any language; only "right" counts as true."""

    name: str
    status: str
    message: str

    def __bool__(self):
        return self.status == "right"

    def __str__(self):
        return f"{self.head()} {self.message}".strip()

    __repr__ = __str__

    def head(self) -> str:
        """The exercise and the status, in the language that was asked for."""
        return gettext(SHOWN[self.status][1]).format(name=self.name)

    def _repr_html_(self):
        return (
            f'<div style="border-left: 4px solid {SHOWN[self.status][0]}; padding: 2px 10px"><b>{self.head()}</b> '
            f"{html.escape(self.message)}</div>"
        )


class Text(str):
    """A text that a notebook shows as it is, without quotes."""

    __repr__ = str.__str__


class _NotDone(Exception):
    """The function is still the stub."""


def call(answer: Callable, *inputs: object) -> object:
    """What most exercises compare: what the function returns."""
    return answer(*inputs)


@dataclass(frozen=True)
class Exercise:
    """One exercise.

    task: what is asked for, in words that go on after "Asked:".
    right: a right answer, with the parameters of the notebook's function. More than one way to write it may be right.
    cases: makes the inputs, a tuple for each case, anew at each call: an answer that changes its inputs harms nobody. At
        least two, of different sizes and with different numbers, so that a number written into an answer is seen.
    mistakes: typical mistakes as wrong answers, each under the hint that names it.
    run: calls an answer on the inputs of a case and returns what counts: a tensor, a number, or a dictionary of these,
        of which the first wrong one is spoken about. Refused (in words) for what cannot be compared.
    """

    name: str
    task: str
    right: Callable
    cases: Callable[[], list[tuple]]
    mistakes: dict[str, Callable]
    nudge: str
    run: Callable = call

    def check(self, answer: Callable) -> Verdict:
        """Try `answer` on small inputs. AssertionError for all but a right answer if DIFFUSION_LAB_STRICT is 1."""
        try:
            with torch.random.fork_rng(devices=[]):  # what is drawn here leaves the notebook's random numbers alone
                wrong = self.examine(answer)
            verdict = Verdict(self.name, "not yet" if wrong else "right", wrong or "")
        except _NotDone:
            verdict = Verdict(self.name, "not done yet", gettext("Write the function, then run this cell again."))
        if not verdict and os.environ.get("DIFFUSION_LAB_STRICT") == "1":
            raise AssertionError(str(verdict))
        return verdict

    def hint(self) -> Text:
        """A nudge in the right direction."""
        return Text(gettext(self.nudge))

    def solution(self) -> Text:
        """The code of a solution; there may be others."""
        return Text(solutions()[self.name])

    def results(self, answer: Callable, cases: list[tuple]) -> list[Parts]:
        """What `answer` gives in each case. An exception is a result, too: it may be the mark of a mistake."""
        return [self._result(answer, case) for case in cases]

    def _result(self, answer: Callable, case: tuple) -> Parts:
        try:
            return parts(self.run(answer, *case))
        except NotImplementedError as error:  # torch raises it, too
            if str(error).startswith(STUBS):
                raise _NotDone from error
            return parts(error)
        except Exception as error:  # whatever a student's code raises is a finding, not a crash
            return parts(error)

    def examine(self, answer: Callable) -> str | None:
        """What is wrong with `answer`, in words; None if nothing is."""
        inputs = self.cases()
        got, right = self.results(answer, inputs), self.results(self.right, self.cases())
        good = [agreeing(g, r) for g, r in zip(got, right, strict=True)]
        failed = [i for i, r in enumerate(right) if good[i] < len(r)]
        names = list(signature(self.right).parameters)
        changed = [
            name
            for used, fresh in zip(inputs, self.cases(), strict=True)
            for name, a, b in zip(names, used, fresh, strict=True)
            if not unchanged(a, b)
        ]
        if not failed:
            only_changed = gettext("The values are right, but you changed {name} itself: make a new one.")
            return only_changed.format(name=changed[0]) if changed else None
        first = failed[0]
        place, (label, expected) = good[first], right[first][good[first]]
        value = got[first][place][1] if len(got[first]) > place else None
        fine = next((describe(names, case) for i, case in enumerate(self.cases()) if i not in failed), "")
        fine = fine and " " + gettext("(It is right for {inputs}.)").format(inputs=fine)
        return (
            self._mistake(got, good, sorted(range(len(got)), key=lambda i: i not in failed))
            or self._not_comparable(value, expected, describe(names, self.cases()[first]))
            or self._random(answer, got)
            or self._ignored(answer, got, right, names)
            or ((here := self._mistake(got, good, [first])) and here + fine)
            or scaled(label, value, expected)
            or self._in_numbers(numbers(label, value, expected), describe(names, self.cases()[first]), fine, changed)
        )

    def _mistake(self, got: list[Parts], good: list[int], cases: list[int]) -> str | None:
        """The hint of the first mistake that gives in `cases` what was got, up to the first wrong part."""
        for hint, mistake in self.mistakes.items():
            fresh = self.cases()  # most mistakes differ in the first case that is looked at: no other is run then
            if all(agreeing(got[i], self._result(mistake, fresh[i])) >= min(good[i] + 1, len(got[i])) for i in cases):
                return gettext(hint)
        return None

    @staticmethod
    def _not_comparable(value: object, expected: object, inputs: str) -> str | None:
        if isinstance(value, Refused):
            return str(value)
        if isinstance(value, Exception):
            said = [gettext("Your function stopped with {error}: {text}."), gettext("(The input was {inputs}.)")]
            if "not callable" in str(value):
                said.insert(1, gettext("Is a * missing before a bracket?"))
            return " ".join(said).format(error=type(value).__name__, text=str(value).rstrip("."), inputs=inputs)
        return kind_of_difference(value, expected)

    def _random(self, answer: Callable, got: list[Parts]) -> str | None:
        again = self.results(answer, self.cases())
        if all(agreeing(a, g) == len(g) for a, g in zip(again, got, strict=True)):
            return None
        return gettext(
            "Twice the same input, but two different results: draw no noise of your own, all of it comes as an argument."
        )

    def _ignored(self, answer: Callable, got: list[Parts], right: list[Parts], names: list[str]) -> str | None:
        """Names an argument that should make a difference and makes none."""
        for k, name in enumerate(names):

            def moved(function: Callable, before: list[Parts], k: int = k) -> list[bool]:
                cases = [(*case[:k], another(case[k]), *case[k + 1 :]) for case in self.cases()]
                return [agreeing(a, b) < len(b) for a, b in zip(self.results(function, cases), before, strict=True)]

            should = moved(self.right, right)
            if any(should) and not any(moved(answer, got)):
                return gettext(
                    "Your result stays the same when {name} changes: use the argument {name}, not a fixed value."
                ).format(name=name)
        return None

    def _in_numbers(self, difference: str, inputs: str, fine: str, changed: list[str]) -> str:
        """The last resort: what was asked for, on which input, what came out and what was expected."""
        said = gettext("Asked: {task} For {inputs}: {difference}").format(
            task=gettext(self.task), inputs=inputs, difference=difference
        )
        if changed:
            fine += " " + gettext("Besides, you changed {name} itself: make a new one.").format(name=changed[0])
        return said + fine


def solutions() -> dict[str, str]:
    """The code that solves each exercise. Its comments are in the language that was asked for, where such a file has it."""
    own = SOLUTIONS.with_name(f"solutions_{language()}.json")
    found = [json.loads(path.read_text(encoding="utf-8")) for path in (SOLUTIONS, own) if path.exists()]
    return {name: code for texts in found for name, code in texts.items()}


def noise(seed: int, *shape: int) -> torch.Tensor:
    """Normal random numbers, the same for the same seed and shape."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))
