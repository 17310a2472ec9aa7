"""Results of answers: are two the same, and how do they differ, in words and numbers?"""

import math
import reprlib

import numpy as np
import torch
from torch import Tensor, nn

from ..language import gettext
from ..schedules import Schedule

Parts = list[tuple[str, object]]  # what an answer gave, in the order in which it is looked at; a lone value has the label ""


class Refused(Exception):
    """What is wrong with an answer, in words: it cannot be compared with a right one."""


def parts(result: object) -> Parts:
    """A result as its parts."""
    found = result.items() if isinstance(result, dict) else [("", result)]
    return [(label, value.item() if isinstance(value, np.generic) or _is_scalar(value) else value) for label, value in found]


def _is_scalar(value: object) -> bool:
    return isinstance(value, Tensor) and value.ndim == 0


def agreeing(got: Parts, right: Parts) -> int:
    """How many parts are the same, counted up to the first that is not."""
    count = 0
    for (label, a), (expected, b) in zip(got, right, strict=False):  # an exception is one part only
        if label != expected or not same(a, b):
            break
        count += 1
    return count


def same(a: object, b: object) -> bool:
    """Are two values the same, up to rounding? float32 and float64 are; whole numbers and floats are not."""
    if isinstance(a, Exception):  # a message's words in any order: "a (3) must match b (16)", "a (16) must match b (3)"
        return type(a) is type(b) and sorted(str(a).split()) == sorted(str(b).split())
    if isinstance(a, Tensor) and isinstance(b, Tensor):
        return kind_of_difference(a, b, nan=True) is None and torch.allclose(
            a.detach().double(), b.detach().double(), rtol=1e-4, atol=1e-4, equal_nan=True
        )
    if _is_number(a) and _is_number(b):
        return math.isclose(a, b, rel_tol=1e-3, abs_tol=1e-9)
    return type(a) is type(b) and not isinstance(a, Tensor) and a == b


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def kind_of_difference(got: object, right: object, nan: bool = False) -> str | None:
    """None if `got` is the kind of thing that `right` is, else what differs. nan: may it hold nan?"""
    if isinstance(right, Tensor):
        if not isinstance(got, Tensor):
            return gettext("It should return a tensor, but returned {kind}.").format(kind=_kind(got))
        if got.shape != right.shape:
            message = gettext("It should return the shape {expected}, but returned {shape}.")
            return message.format(expected=tuple(right.shape), shape=tuple(got.shape))
        if got.dtype != right.dtype and not (got.is_floating_point() and right.is_floating_point()):
            message = gettext("It should return {expected}, but returned {dtype}.")
            return message.format(expected=right.dtype, dtype=got.dtype)
        if not nan and got.isnan().any():
            return gettext("The result holds nan: is there 0 / 0, or the root of a negative number?")
    elif _is_number(right) and not _is_number(got):
        return gettext("It should return a number, but returned {kind}.").format(kind=_kind(got))
    return None


def _kind(value: object) -> str:
    """What a value is, in words. `parts` has made one number of a tensor without dimensions: it must not be called a float."""
    if isinstance(value, bool):
        return gettext("a single yes or no")
    return gettext("a single number, without a shape") if _is_number(value) else type(value).__name__


def scaled(label: str, got: object, right: object) -> str | None:
    """Names a wrong sign or a factor: `got` is `right` times a number."""
    if not (isinstance(right, Tensor) and right.is_floating_point()) and not isinstance(right, float):
        return None
    a, b = (torch.as_tensor(value).detach().double() for value in (got, right))
    factor = ((a * b).sum() / b.square().sum()).item()
    if abs(factor) < 1e-3 or not torch.allclose(a, factor * b, rtol=1e-4, atol=1e-4 * abs(factor)):
        return None
    if math.isclose(factor, -1, rel_tol=1e-3):
        message = gettext("The sign is wrong: {label} is minus the expected one.")
        return message.format(label=label or gettext("your result"))
    if not isinstance(right, Tensor):
        return None  # every number is another one times something
    message = gettext("{label} is the expected one times {factor:.4g}.")
    return message.format(label=label or gettext("Your result"), factor=factor)


def numbers(label: str, got: object, right: object) -> str:
    """What came out and what was expected, in numbers."""
    if isinstance(right, bool):
        return gettext("it is not so that {label}.").format(label=label)
    label = label or gettext("your result")
    if not isinstance(right, Tensor):
        return gettext("{label} is {values}.").format(label=label, values=_told_apart(got, right))
    difference = (got.detach().double() - right.double()).abs()
    place = tuple(int(i) for i in np.unravel_index(int(difference.argmax()), tuple(right.shape)))
    count = int((difference > 1e-4 + 1e-4 * right.double().abs()).sum())
    values = _told_apart(got[place].item(), right[place].item(), list(place))
    message = gettext("{label} has {values}; {count} of {total} values differ.")
    return message.format(label=label, values=values, count=count, total=right.numel())


def _told_apart(got: object, right: object, place: list[int] | None = None) -> str:
    """Both values, with as many digits as tell them apart."""
    digits = next((n for n in range(4, 17) if _short(got, n) != _short(right, n)), 17)
    message = gettext("{value}, expected {expected}") if place is None else gettext("{value} at {place}, expected {expected}")
    return message.format(value=_short(got, digits), place=place, expected=_short(right, digits))


def _short(value: object, digits: int = 4) -> str:
    return f"{value:.{digits}g}" if isinstance(value, float) else str(value)


def describe(names: list[str], case: tuple) -> str:
    """The inputs of a case in words."""
    words = []
    for name, value in zip(names, case, strict=True):
        if name == "alpha_bar":
            words.append(gettext("a schedule with T = {T}").format(T=len(value) - 1))
        elif isinstance(value, Tensor) and value.numel() > 4:
            words.append(gettext("{name} of shape {shape}").format(name=name, shape=tuple(value.shape)))
        elif isinstance(value, Tensor):
            words.append(f"{name} = {_list(value.tolist())}")
        elif isinstance(value, int | float):
            words.append(f"{name} = {value:g}")
        elif isinstance(value, list):
            words.append(f"{name} = {_list(value)}")
        elif isinstance(value, Schedule):
            words.append(gettext("a {name} with T = {T}").format(name=name, T=value.T))
        elif hasattr(value, "prediction"):
            words.append(f"{name}.prediction = {value.prediction!r}")
    return ", ".join(words)


def _list(values: list) -> str:
    return reprlib.repr([float(_short(value)) if isinstance(value, float) else value for value in values])


def another(value: object) -> object:
    """Another value of the same kind, for an argument; networks and generators stay as they are."""
    if isinstance(value, list):
        return value[::-1] if isinstance(value[0], str) else [another(v) for v in value]
    if isinstance(value, Tensor) and value.dtype == torch.bool:
        return ~value
    if isinstance(value, float) or (isinstance(value, Tensor) and value.is_floating_point()):
        return 0.9 * value
    if isinstance(value, Schedule):
        return Schedule(value.name, value.alpha_bar**1.1)
    return value - 1 if isinstance(value, int | Tensor) else value  # a time: still inside its table


def unchanged(used: object, fresh: object) -> bool:
    """Is an input, after the call, as it was made?"""
    if isinstance(used, Tensor):
        return used.shape == fresh.shape and used.dtype == fresh.dtype and torch.equal(used, fresh)
    if isinstance(used, nn.Module):
        pairs = zip(used.state_dict().values(), fresh.state_dict().values(), strict=True)
        return all(torch.equal(a, b) for a, b in pairs)
    if isinstance(used, Schedule):
        return torch.equal(used.alpha_bar, fresh.alpha_bar)
    return isinstance(used, torch.Generator) or used == fresh  # a generator is there to move on
