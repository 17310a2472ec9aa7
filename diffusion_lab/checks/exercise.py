"""What an exercise is: its check, its hint and its solution."""

import html
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from ..schedules import cosine

ALPHA_BAR = cosine().alpha_bar
SOLUTIONS = Path(__file__).with_name("solutions.json")  # written by notebooks/build.py from notebooks/masters/


class Verdict(NamedTuple):
    """What a check found. status: "right", "not yet" or "not done yet"; only "right" counts as true."""

    name: str
    status: str
    message: str

    def __bool__(self):
        return self.status == "right"

    def __str__(self):
        return f"Exercise {self.name}: {self.status}. {self.message}".strip()

    __repr__ = __str__

    def _repr_html_(self):
        colour = {"right": "#2e7d32", "not yet": "#b3501e", "not done yet": "#666666"}[self.status]
        return (
            f'<div style="border-left: 4px solid {colour}; padding: 2px 10px"><b>Exercise {self.name}: {self.status}.</b> '
            f"{html.escape(self.message)}</div>"
        )


class Text(str):
    """A text that a notebook shows as it is, without quotes."""

    __repr__ = str.__str__


@dataclass(frozen=True)
class Exercise:
    """One exercise. examine: takes the student's function and returns what is wrong with it in words, or None."""

    name: str
    examine: Callable[[Callable], str | None]
    nudge: str

    def check(self, answer: Callable) -> Verdict:
        """Try `answer` on small inputs. AssertionError for all but a right answer if DIFFUSION_LAB_STRICT is 1."""
        try:
            wrong = self.examine(answer)
            verdict = Verdict(self.name, "not yet" if wrong else "right", wrong or "")
        except NotImplementedError:
            verdict = Verdict(self.name, "not done yet", "Write the function, then run this cell again.")
        except Exception as error:  # whatever a student's code raises is a finding, not a crash
            verdict = Verdict(self.name, "not yet", f"Your function stopped with {type(error).__name__}: {error}")
        if not verdict and os.environ.get("DIFFUSION_LAB_STRICT") == "1":
            raise AssertionError(str(verdict))
        return verdict

    def hint(self) -> Text:
        """A nudge in the right direction."""
        return Text(self.nudge)

    def solution(self) -> Text:
        """The code of a solution; there may be others."""
        return Text(json.loads(SOLUTIONS.read_text(encoding="utf-8"))[self.name])


def noise(seed: int, *shape: int) -> Tensor:
    """Normal random numbers, the same for the same seed and shape."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def compare(got: object, right: Tensor, mistakes: dict[str, Tensor] | None = None) -> str | None:
    """None if `got` is `right`; else the text of the mistake that gives `got`, or how far off it is."""
    if not isinstance(got, Tensor):
        return f"It should return a tensor, but returned {type(got).__name__}."
    if got.shape != right.shape:
        return f"It should return the shape {tuple(right.shape)}, but returned {tuple(got.shape)}."
    got = got.detach().double()
    if got.isnan().any():
        return "The result holds nan: is there 0 / 0, or the root of a negative number?"

    def same(a: Tensor) -> bool:
        return torch.allclose(got, a.double(), atol=1e-4, rtol=1e-4)

    if same(right):
        return None
    for text, wrong in (mistakes or {}).items():
        if same(wrong):
            return text
    return f"The values are not right: the largest difference is {(got - right).abs().max():.2g}. See the hint."
