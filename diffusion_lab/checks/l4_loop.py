"""Check of L4.3: the loop of DDIM."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from ..schedules import Schedule, cosine, linear, step_grid
from ..steps import perturb
from .compare import Refused
from .exercise import Exercise, noise
from .l1_loop import whole


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
            raise Refused("answer was given a pair, and takes the time t alone: write for t, t_prev in pairs.")
        if whole(t, "the network takes t itself, not t / T.") < 1:
            raise Refused(f"The network was asked at t = {t}, where there is no noise: ask it at the t of each pair only.")
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
            "It should return a list of pictures, one for each time: start the list with the start noise, append each x."
        )
    if not pictures:
        raise Refused("The list is empty: append each picture to it, and return it after the loop.")
    return {
        "the list of pictures, start first,": torch.stack(list(pictures)),
        "the number of the network's answers": len(answer.seen),
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
