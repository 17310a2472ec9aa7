"""Checks of the exercises of L2: training."""

import copy
import re
from collections.abc import Callable

import torch
from torch import Tensor, nn

from ..language import gettext
from ..schedules import cosine, linear
from ..steps import perturb
from .compare import Refused, unchanged
from .exercise import Exercise, noise
from .l1 import by_factors, roots
from .l2_training import L2_3, L2_4, trains_on

L2_1 = Exercise(
    "L2.1",
    "x_t, the sprites x0 with the noise eps, each at its own time of t.",
    perturb,
    lambda: [
        (noise(0, 3, 3, 16, 16), torch.tensor([37, 150, 260]), noise(1, 3, 3, 16, 16), cosine(300).alpha_bar),
        (noise(2, 5, 3, 16, 16), torch.tensor([92, 7, 133, 61, 60]), noise(3, 5, 3, 16, 16), linear(140).alpha_bar),
    ],
    {
        "The factors have the shape (B,) and the sprites (B, 3, 16, 16): reshape the factors to (B, 1, 1, 1).": (
            lambda x0, t, eps, alpha_bar: roots(alpha_bar, t)[0] * x0 + roots(alpha_bar, t)[1] * eps
        ),
        "The noise is too weak: a square root is missing in its factor.": by_factors(lambda a, b, x0, eps: a * x0 + b**2 * eps),
        "The sprite is too weak: a square root is missing in its factor.": by_factors(
            lambda a, b, x0, eps: a**2 * x0 + b * eps
        ),
        "Both square roots are missing.": by_factors(lambda a, b, x0, eps: a**2 * x0 + b**2 * eps),
        "The noise's factor is the root of 1 - alpha_bar[t], not 1 minus the root.": by_factors(
            lambda a, b, x0, eps: a * x0 + (1 - a) * eps
        ),
        "All sprites got the time of the first one: each has its own.": by_factors(
            lambda a, b, x0, eps: a[:1] * x0 + b[:1] * eps
        ),
        "All sprites got the time of the last one: a loop that writes over x_t keeps its last turn only.": by_factors(
            lambda a, b, x0, eps: a[-1:] * x0 + b[-1:] * eps
        ),
        "The factors have the shape (1, B, 1, 1), one for each colour: reshape them to (B, 1, 1, 1), one for each sprite.": (
            lambda x0, t, eps, alpha_bar: by_factors(lambda a, b, x0, eps: a.movedim(0, 1) * x0 + b.movedim(0, 1) * eps)(
                x0, t, eps, alpha_bar
            )
        ),
        "The sprite has the factor of the noise, and the noise that of the sprite.": by_factors(
            lambda a, b, x0, eps: b * x0 + a * eps
        ),
        "The noise is taken away: it must be added.": by_factors(lambda a, b, x0, eps: a * x0 - b * eps),
        "This is x at time t - 1: alpha_bar[0] belongs to t = 0, so use alpha_bar[t].": (
            lambda x0, t, eps, alpha_bar: perturb(x0, t - 1, eps, alpha_bar)
        ),
    },
    "Look up alpha_bar[t] first, shape (B,). Reshape it to (B, 1, 1, 1), then take the roots of it and of 1 minus it.",
)


def from_v(v: Tensor, x_t: Tensor, t: int, alpha_bar: Tensor) -> tuple[Tensor, Tensor]:
    """x_t and v, turned back by the angle of t."""
    a, b = roots(alpha_bar, t)
    return a * x_t - b * v, b * x_t + a * v


def mixed(left: Callable, right: Callable) -> Callable:
    """An answer (x0, eps) from two functions of the factors a and b, x_t and v."""

    def answer(v: Tensor, x_t: Tensor, t: int, alpha_bar: Tensor) -> tuple[Tensor, Tensor]:
        a, b = roots(alpha_bar, t)
        return left(a, b, x_t, v), right(a, b, x_t, v)

    return answer


def pair(answer: Callable, v: Tensor, x_t: Tensor, t: int, alpha_bar: Tensor) -> dict[str, object]:
    """x0 and eps, each to be compared."""
    got = answer(v, x_t, t, alpha_bar)
    if not isinstance(got, tuple | list) or len(got) != 2:
        raise Refused(gettext("It should return two things, (x0, eps)."))
    return {"x0": got[0], "eps": got[1]}


L2_2 = Exercise(
    "L2.2",
    "(x0, eps) from the network's answer v at x_t.",
    from_v,
    lambda: [
        (noise(0, 2, 3, 16, 16), noise(1, 2, 3, 16, 16), 87, cosine(300).alpha_bar),
        (noise(2, 5, 3, 16, 16), noise(3, 5, 3, 16, 16), 120, linear(140).alpha_bar),
    ],
    {
        "x0 has the wrong sign before v: look where v has its minus.": mixed(
            lambda a, b, x_t, v: a * x_t + b * v, lambda a, b, x_t, v: b * x_t + a * v
        ),
        "eps has the wrong sign before v.": mixed(lambda a, b, x_t, v: a * x_t - b * v, lambda a, b, x_t, v: b * x_t - a * v),
        "Square roots are missing: the factors are sqrt(alpha_bar[t]) and sqrt(1 - alpha_bar[t]).": mixed(
            lambda a, b, x_t, v: a * a * x_t - b * b * v, lambda a, b, x_t, v: b * b * x_t + a * a * v
        ),
        "The two factors are swapped.": mixed(lambda a, b, x_t, v: b * x_t - a * v, lambda a, b, x_t, v: a * x_t + b * v),
        "The two factors are swapped in eps.": mixed(
            lambda a, b, x_t, v: a * x_t - b * v, lambda a, b, x_t, v: a * x_t + b * v
        ),
        "You returned eps first: the order is (x0, eps).": lambda v, x_t, t, alpha_bar: from_v(v, x_t, t, alpha_bar)[::-1],
        "You took v as the noise: v mixes noise and sprite, so eps is not v.": mixed(
            lambda a, b, x_t, v: (x_t - b * v) / a, lambda a, b, x_t, v: v
        ),
        "You took v as the noise in eps: v mixes noise and sprite.": mixed(
            lambda a, b, x_t, v: a * x_t - b * v, lambda a, b, x_t, v: v
        ),
        "You took v as the sprite: v mixes noise and sprite, so x0 is not v.": mixed(
            lambda a, b, x_t, v: v, lambda a, b, x_t, v: (x_t - a * v) / b
        ),
        "This is at time t - 1: alpha_bar[0] belongs to t = 0, so use alpha_bar[t].": (
            lambda v, x_t, t, alpha_bar: from_v(v, x_t, t - 1, alpha_bar)
        ),
        "x_t and v are exchanged.": lambda v, x_t, t, alpha_bar: from_v(x_t, v, t, alpha_bar),
        "It should return two things, (x0, eps).": lambda v, x_t, t, alpha_bar: from_v(v, x_t, t, alpha_bar)[0],
    },
    "x_t and v are x0 and eps turned by an angle. Compute a x_t - b v: what becomes of eps?",
    pair,
)


def networks(seed: int) -> list[nn.Module]:
    """An average and a model with BatchNorm, one in another if seed is not 0, filled with random numbers."""
    layers = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))
    if seed:
        layers = nn.Sequential(nn.Conv2d(3, 5, 3), nn.BatchNorm2d(5), layers)
    pair = [layers, copy.deepcopy(layers)]
    for k, network in enumerate(pair):
        for value in network.state_dict().values():
            value.copy_(noise(2 * seed + k, *value.shape) if value.is_floating_point() else torch.tensor(5 * k + 2))
    return pair


def update_average(average: nn.Module, model: nn.Module, decay: float) -> None:
    """Moves all entries that are floats."""
    only_named("")(average, model, decay)


def only_named(pattern: str) -> Callable:
    """An answer that moves the entries whose names hold a regular expression."""

    def answer(average: nn.Module, model: nn.Module, decay: float) -> None:
        for (name, mine), theirs in zip(average.state_dict().items(), model.state_dict().values(), strict=True):
            if mine.is_floating_point() and re.search(pattern, name):
                mine.lerp_(theirs, 1 - decay)

    return answer


def each_entry(change: Callable) -> Callable:
    """An answer that does `change(mine, theirs, decay)` to every entry, whole numbers included."""

    def answer(average: nn.Module, model: nn.Module, decay: float) -> None:
        for mine, theirs in zip(average.state_dict().values(), model.state_dict().values(), strict=True):
            change(mine, theirs, decay)

    return answer


def after(answer: Callable, average: nn.Module, model: nn.Module, decay: float) -> dict[str, object]:
    """The average's entries after the call. How often BatchNorm was used is of no weight: whole numbers are left out."""
    mine, theirs = copy.deepcopy(average), copy.deepcopy(model)
    answer(mine, theirs, decay)
    trains_on(theirs)
    old = average.state_dict()
    new = {name: value for name, value in mine.state_dict().items() if value.is_floating_point()}
    return {
        gettext("the trained network stays as it is"): unchanged(theirs, model),
        gettext("the list of what moved"): ", ".join(k for k, value in new.items() if not torch.equal(value, old[k])),
    } | {gettext("the average's {name}").format(name=name): value for name, value in new.items()}


L2_5 = Exercise(
    "L2.5",
    "the average moved, in place, to decay * average + (1 - decay) * model.",
    update_average,
    lambda: [(*networks(0), 0.7), (*networks(1), 0.95)],
    {
        "You changed the trained network: only the average may move.": (
            lambda average, model, decay: update_average(model, average, decay)
        ),
        "The average did not move: change its values in place, under torch.no_grad().": lambda average, model, decay: None,
        "The shares are swapped: decay is the share of the average that stays.": (
            lambda average, model, decay: update_average(average, model, 1 - decay)
        ),
        "You copied the network: the average must remember its past.": (
            lambda average, model, decay: average.load_state_dict(model.state_dict())
        ),
        "You added the network's share, but left the average whole: it keeps only the share decay.": (
            each_entry(lambda mine, theirs, decay: mine.is_floating_point() and mine.add_((1 - decay) * theirs))
        ),
        "BatchNorm's running mean and variance stayed behind: go through state_dict(), not parameters().": only_named(
            "weight|bias"
        ),
        "Only BatchNorm's running mean and variance moved: go through state_dict(), not buffers().": only_named("running"),
        "The biases stayed behind: go through all of state_dict().": only_named("weight|running"),
        "BatchNorm's scale stayed behind, its `weight` of shape (C,): go through all of state_dict().": only_named(
            r"0\.weight|bias|running"
        ),
        "BatchNorm stayed behind: go through all of state_dict().": only_named(r"0\.[wb]"),
        "Only the first layer moved: go through all of state_dict().": only_named(r"^0"),
        "A Sequential may stand in another, and what is in there stayed behind: go through all of state_dict().": only_named(
            r"^.\.\D"
        ),
        "BatchNorm's statistics deeper in the network stayed behind: go through all of state_dict().": only_named(
            r"weight|bias|^1\.running"
        ),
        "The network's share was made smaller by decay, too: first mine.mul_(decay), then add.": each_entry(
            lambda mine, theirs, decay: mine.is_floating_point() and mine.add_((1 - decay) * theirs).mul_(decay)
        ),
        "The network counts whole here: its share is 1 - decay.": each_entry(
            lambda mine, theirs, decay: mine.is_floating_point() and mine.mul_(decay).add_(theirs)
        ),
        "BatchNorm's running mean and variance were copied: they are averaged, too.": (
            lambda average, model, decay: (
                only_named("weight|bias")(average, model, decay),
                only_named("running")(average, model, 0.0),
            )
        ),
        "Weights that are trained cannot change in place like this: do it under `with torch.no_grad():`.": (
            lambda average, model, decay: next(average.parameters()).mul_(decay)
        ),
        "state_dict() also holds a whole number, num_batches_tracked, and lerp_ knows only floats: ask is_floating_point(), "
        "and copy the others.": each_entry(lambda mine, theirs, decay: mine.lerp_(theirs, 1 - decay)),
        "state_dict() also holds a whole number, num_batches_tracked, which cannot become a float in place: ask "
        "is_floating_point(), and copy the others.": (
            each_entry(lambda mine, theirs, decay: mine.mul_(decay).add_((1 - decay) * theirs))
        ),
    },
    "Two steps, both in place: mine.mul_ takes the share that stays, mine.add_ adds the share of theirs.",
    after,
)


EXERCISES = (L2_1, L2_2, L2_3, L2_4, L2_5)
