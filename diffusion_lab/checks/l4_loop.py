"""Checks of L4.2 and L4.3: the times that a sampler visits, and the loop of DDIM over them."""

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor, nn

from ..language import gettext, later
from ..schedules import Schedule, cosine, linear, step_grid
from ..steps import perturb
from .compare import Refused
from .exercise import Exercise, noise
from .l1_loop import whole

NOT_PAIRED = later("These are the times: pair each with the next.")


def two(pair: object) -> object:
    """A pair, or in words that it is none."""
    try:
        return tuple(pair)
    except TypeError:
        raise Refused(gettext(NOT_PAIRED)) from None


def grid(answer: Callable, T: int, n: int) -> dict[str, object]:
    """What a grid must be. Where it rounds up and where down is free."""
    got = answer(T, n)
    if hasattr(got, "__next__"):
        message = gettext("It should return a list, which can be used twice and turned round: put list() around the {kind}.")
        raise Refused(message.format(kind=type(got).__name__))
    if isinstance(got, list) and len(got) == 2 * n and not any(hasattr(time, "__len__") for time in got):
        raise Refused(gettext("The pairs lie flat in one list: make each a tuple, (t, t_prev)."))
    pairs = [tuple(whole(time, later("use round().")) for time in two(pair)) for pair in got]
    if not pairs or any(len(pair) != 2 for pair in pairs):
        raise Refused(gettext("It should return a list of n pairs (t, t_prev)."))
    sizes = [t - t_prev for t, t_prev in pairs]
    return {
        gettext("the list of the first time, the last time and the number of steps"): [pairs[0][0], pairs[-1][1], len(pairs)],
        gettext("each step begins where the one before ended, and goes down"): all(a[1] == b[0] for a, b in pairwise(pairs))
        and min(sizes) > 0,
        gettext("the list of the shortest and the longest step"): [min(sizes), max(sizes)],
    }


def between(times: Callable) -> Callable:
    """An answer that pairs neighbours of the times that `times` gives for T and n."""
    return lambda T, n: list(pairwise(np.asarray(times(T, n)).round().astype(int).tolist()))


L4_2 = Exercise(
    "L4.2",
    "n pairs (t, t_prev) in equal steps from T down to 0.",
    step_grid,
    lambda: [(300, 10), (97, 10), (300, 300), (140, 1), *((113, n) for n in range(2, 114)), (500, 270), (500, 333)],
    {
        "T // n rounds down: for some n the last step ends below 0, an index from the noisy end. Round T * k / n instead.": (
            lambda T, n: [(t, t - T // n) for t in range(T, 0, -(T // n))]
        ),
        "T // n rounds down: for some n there are more than n steps, of which the last is short. Round T * k / n instead.": (
            lambda T, n: [(t, max(t - T // n, 0)) for t in range(T, 0, -(T // n))]
        ),
        "T // n, rounded up, takes too large steps: the end comes too early. Round T * k / n instead.": (
            lambda T, n: [(t, max(t + -T // n, 0)) for t in range(T, 0, -T // n)]
        ),
        "round(T / n) is rounded once for all steps: the last has to make up for it. Round T * k / n instead.": (
            lambda T, n: list(pairwise([*(max(T - k * round(T / n), 0) for k in range(n)), 0]))
        ),
        "Each time but the ends is in two pairs: zip(times, times[1:]), without steps of 2.": (
            lambda T, n: list(zip((times := [round(T * k / n) for k in range(n, -1, -1)])[::2], times[1::2], strict=False))
        ),
        "T // n rounds down: one step has to make up for all that is left. Round T * k / n instead.": (
            lambda T, n: [(T - k * (T // n), T - (k + 1) * (T // n) if k < n - 1 else 0) for k in range(n)]
        ),
        "The last step ends at 1, expected 0: the sprite would stay noisy.": between(lambda T, n: np.linspace(T, 1, n + 1)),
        "The first step begins at T - 1, expected T: times go from T to 0.": between(lambda T, n: np.linspace(T - 1, 0, n + 1)),
        "The times end above 0: T * k / n for k down to 0, so range(n, -1, -1).": (
            lambda T, n: list(pairwise([round(T * k / n) for k in range(n, 0, -1)]))
        ),
        "T // n rounds down: for some n the times end above 0. Round T * k / n instead.": (
            lambda T, n: list(pairwise(range(T, -1, -(T // n))))
        ),
        "Each step goes to t - 1: it must go to the next time in the list.": (
            lambda T, n: [(t, t - 1) for t, _ in step_grid(T, n)]
        ),
        "There is one step less than n: n steps need n + 1 times.": between(lambda T, n: np.linspace(T, 0, max(n, 2))),
        "There is one step more than n: n steps need n + 1 times.": between(lambda T, n: np.linspace(T, 0, n + 2)),
        "The times go up: sampling begins at T, the noise.": between(lambda T, n: np.linspace(0, T, n + 1)),
        "The pairs are turned round: (t, t_prev), from the noisier to the cleaner time.": (
            lambda T, n: [(t_prev, t) for t, t_prev in step_grid(T, n)]
        ),
        NOT_PAIRED: lambda T, n: [t for t, _ in step_grid(T, n)],
        "Times are whole numbers, an index into alpha_bar: round T * k / n.": (
            lambda T, n: list(pairwise(T * k / n for k in range(n, -1, -1)))
        ),
        "The steps have different sizes: spread them evenly.": between(lambda T, n: T * np.linspace(1, 0, n + 1) ** 2),
        "All steps are one long: n says how many there are from T down to 0.": lambda T, n: [
            (t, t - 1) for t in range(T, 0, -1)
        ],
    },
    "T * k / n for k = n, n - 1, ..., 0, rounded, are n + 1 times. Pair each with the next.",
    grid,
)


def quiet_step(x0: Tensor, eps: Tensor, t: int, t_prev: int, alpha_bar: Tensor) -> Tensor:
    """DDIM with eta = 0."""
    return perturb(x0, t_prev, eps, alpha_bar)


class Believer(nn.Module):
    """A stand-in for the network: what it answers depends on the picture and on the time, and it writes down the times."""

    def __init__(self, seed: int, channels: int):
        super().__init__()
        self.register_buffer("colour", noise(seed, 1, channels, 1, 1))
        self.seen: list[object] = []

    def forward(self, x: Tensor, t: int) -> tuple[Tensor, Tensor]:
        """The pair (believed sprite, guessed noise)."""
        if isinstance(t, tuple | list):
            raise Refused(gettext("answer was given a pair, and takes the time t alone: write for t, t_prev in pairs."))
        if whole(t, later("the network takes t itself, not t / T.")) < 1:
            message = gettext("The network was asked at t = {t}, where there is no noise: ask it at the t of each pair only.")
            raise Refused(message.format(t=t))
        self.seen.append(t)
        x0 = torch.tanh(0.5 * x + self.colour + 0.004 * t)
        return x0, x - (0.5 + 0.001 * t) * x0


class Step(nn.Module):
    """Stands in for quiet_step in the loop, each time a new object. A loop with a formula of its own gets other pictures."""

    def forward(self, x0: Tensor, eps: Tensor, t: int, t_prev: int, alpha_bar: Tensor) -> Tensor:
        """Like x0."""
        return 0.9 * quiet_step(x0, eps, t, t_prev, alpha_bar)


def ddim_loop(answer: Callable, step: Callable, start: Tensor, pairs: list, alpha_bar: Tensor) -> list[Tensor]:
    """The pictures at all times, start first."""
    pictures = [start.clone()]
    for t, t_prev in pairs:
        x0, eps = answer(pictures[-1], t)
        pictures.append(step(x0, eps, t, t_prev, alpha_bar))
    return pictures


def walk(
    loop: Callable, answer: Believer, step: Callable, start: Tensor, pairs: list, alpha_bar: Tensor
) -> dict[str, int | Tensor]:
    """What a walk must be: the pictures, and how often the network was asked."""
    pictures = loop(answer, step, start, pairs, alpha_bar)
    if not isinstance(pictures, list | tuple) or not all(isinstance(picture, Tensor) for picture in pictures):
        raise Refused(
            gettext(
                "It should return a list of pictures, one for each time: start the list with the start noise, append each x."
            )
        )
    if not pictures:
        raise Refused(gettext("The list is empty: append each picture to it, and return it after the loop."))
    return {
        gettext("the list of pictures, start first,"): torch.stack(list(pictures)),
        gettext("the number of the network's answers"): len(answer.seen),
    }


def looped(
    ask: Callable = lambda answer, x, start, t, t_prev: answer(x, t),
    go: Callable = lambda step, x, x0, eps, t, t_prev, alpha_bar: step(x0, eps, t, t_prev, alpha_bar),
    over: Callable = lambda pairs: pairs,
    keep: Callable = lambda pictures, beliefs: pictures,
) -> Callable:
    """A loop with something else asked, another way to go on, other pairs, or something else returned."""

    def loop(answer: Callable, step: Callable, start: Tensor, pairs: list, alpha_bar: Tensor) -> list[Tensor]:
        pictures, beliefs = [start], []
        for t, t_prev in over(pairs):
            x0, eps = ask(answer, pictures[-1], start, t, t_prev)
            beliefs.append(x0)
            pictures.append(go(step, pictures[-1], x0, eps, t, t_prev, alpha_bar))
        return keep(pictures, beliefs)

    return loop


def asked_once(answer: Callable, step: Callable, start: Tensor, pairs: list, alpha_bar: Tensor) -> list[Tensor]:
    """The answer stands before the loop."""
    x0, eps = answer(start, pairs[0][0])
    return [start, *(step(x0, eps, t, t_prev, alpha_bar) for t, t_prev in pairs)]


def one_picture(answer: Callable, step: Callable, start: Tensor, pairs: list, alpha_bar: Tensor) -> list[Tensor]:
    """One tensor is written over and appended again and again."""
    x = start.clone()
    pictures = [x]
    for t, t_prev in pairs:
        x.copy_(step(*answer(x, t), t, t_prev, alpha_bar))
        pictures.append(x)
    return pictures


def one_after_the_other(pairs: list) -> list:
    """All times from the first down to 0."""
    return [(t, t - 1) for t in range(pairs[0][0], 0, -1)]


def case(seed: int, size: tuple, n: int, schedule: Schedule) -> tuple:
    """A case of the loop: n steps for `size` noises."""
    pairs = step_grid(schedule.T, n)
    return Believer(seed, size[1]), Step(), noise(seed + 1, *size), pairs, schedule.alpha_bar.clone()


L4_3 = Exercise(
    "L4.3",
    "the list of pictures at all times, the start first, each made by `step` from the network's answer to the one before.",
    ddim_loop,
    lambda: [case(0, (2, 3, 16, 16), 7, cosine(300)), case(2, (5, 2, 1, 1), 4, linear(140))],
    {
        "The network is asked about t_prev: x is the picture at t, so ask about t.": looped(
            lambda answer, x, start, t, t_prev: answer(x, max(t_prev, 1))
        ),
        "The network is asked about the start noise each time: ask about x, the picture as it is now.": looped(
            lambda answer, x, start, t, t_prev: answer(start, t)
        ),
        "The network is asked once, before the loop: ask it again in each step.": asked_once,
        "The network is asked at the first time in each step: the time goes down with the picture.": lambda *inputs: looped(
            lambda answer, x, start, t, t_prev: answer(x, inputs[3][0][0])
        )(*inputs),
        "The belief and the guessed noise are exchanged: the answer is the pair (x0, eps).": looped(
            go=lambda step, x, x0, eps, t, t_prev, alpha_bar: step(eps, x0, t, t_prev, alpha_bar)
        ),
        "step was given t_prev before t: it goes from t to t_prev.": looped(
            go=lambda step, x, x0, eps, t, t_prev, alpha_bar: step(x0, eps, t_prev, t, alpha_bar)
        ),
        "The picture itself was given to step: it takes the belief x0.": looped(
            go=lambda step, x, x0, eps, t, t_prev, alpha_bar: step(x, eps, t, t_prev, alpha_bar)
        ),
        "What step returned was not kept: write x = step(...).": looped(go=lambda step, x, x0, eps, t, t_prev, alpha_bar: x),
        "The given step is not used: call step(x0, eps, t, t_prev, alpha_bar).": looped(
            go=lambda step, x, x0, eps, t, t_prev, alpha_bar: quiet_step(x0, eps, t, t_prev, alpha_bar)
        ),
        "You clipped x: a noisy picture may lie outside -1..1.": looped(
            go=lambda step, x, x0, eps, t, t_prev, alpha_bar: step(x0, eps, t, t_prev, alpha_bar).clamp(-1, 1)
        ),
        "step goes to t - 1 here: give it t_prev.": looped(
            go=lambda step, x, x0, eps, t, t_prev, alpha_bar: step(x0, eps, t, t - 1, alpha_bar)
        ),
        "Only the first and the last picture are in the list: append x in the loop.": looped(
            keep=lambda pictures, beliefs: [pictures[0], pictures[-1]]
        ),
        "The belief was taken as the next picture: call step with it.": looped(
            go=lambda step, x, x0, eps, t, t_prev, alpha_bar: x0
        ),
        "The pairs are walked backwards: take them in their order, from the noise to 0.": looped(
            over=lambda pairs: pairs[::-1]
        ),
        "The end is missing: walk over all pairs, and append x after the step, not before.": looped(
            over=lambda pairs: pairs[:-1]
        ),
        "The first pair is missing: the walk begins at its t.": looped(over=lambda pairs: pairs[1:]),
        "This takes every time from T to 0: walk over the pairs only.": looped(over=one_after_the_other),
        "The return stands in the loop: it ends after the first step.": looped(over=lambda pairs: pairs[:1]),
        "x was appended before the step: the start is there twice, and the last picture is missing.": looped(
            keep=lambda pictures, beliefs: [pictures[0], *pictures[:-1]]
        ),
        "The start is missing in the list: n steps give n + 1 pictures.": looped(keep=lambda pictures, beliefs: pictures[1:]),
        "The last picture alone came back: return the list of all of them.": looped(
            keep=lambda pictures, beliefs: [pictures[-1]]
        ),
        "The list holds the beliefs: append x, what step returned.": looped(keep=lambda pictures, beliefs: beliefs),
        "The list holds the start and the beliefs: append x, what step returned.": looped(
            keep=lambda pictures, beliefs: [pictures[0], *beliefs]
        ),
        "All pictures in the list are one tensor that was written over: make a new x in each step.": one_picture,
        "The list runs from the end to the start: the start noise comes first.": looped(
            keep=lambda pictures, beliefs: pictures[::-1]
        ),
    },
    "Three lines: ask about x at t; x = step(...), with what was answered; append x.",
    walk,
)
