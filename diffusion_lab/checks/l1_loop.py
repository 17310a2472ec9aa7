"""Check of L1.4: the loop of sampling."""

from collections.abc import Callable
from itertools import pairwise
from operator import index

import torch
from torch import Tensor, nn

from ..language import gettext, later
from ..samplers import State
from ..schedules import cosine, linear
from ..steps import ddpm_step, to_x0_eps
from .compare import Refused
from .exercise import Exercise, noise


def whole(time: object, advice: str) -> int:
    """A time as an int; NumPy's and PyTorch's whole numbers are welcome. advice: a message, translated if it is shown."""
    try:
        return index(time)
    except TypeError:
        message = gettext("Times are whole numbers, an index into alpha_bar, but {time!r} is not one: {advice}")
        raise Refused(message.format(time=time, advice=gettext(advice))) from None


class Believer(nn.Module):
    """Stands in for the network: an answer that depends on the picture and on the time. It writes down the times.

    Its beliefs are clipped: so the last picture is not the last belief.
    """

    def __init__(self, alpha_bar: Tensor):
        super().__init__()
        self.alpha_bar, self.asked = alpha_bar, []

    def forward(self, x: Tensor, t: int) -> tuple[Tensor, Tensor]:
        self.asked.append(whole(t, later("the network takes t itself, not t / T.")))
        x0 = torch.tanh(1.3 * x + t / len(self.alpha_bar))
        return x0.clamp(-0.8, 0.8), to_x0_eps("x0", x0, x, t, self.alpha_bar)[1]


def walk_with(
    step: Callable = ddpm_step,
    ask: Callable = lambda believe, x, t, t_prev: believe(x, t),
    kept: Callable = lambda t, t_prev, x, new, x0, eps: (t, x, x0),
    order: Callable = list,
    end: Callable = lambda x, x0: [State(0, x, x)],
    begin: Callable = lambda x, x0: x,
) -> Callable:
    """The loop with another step, question, state, order of the pairs, end, or picture at which a step begins."""

    def answer(believe: nn.Module, x: Tensor, pairs: list, noises: Tensor, alpha_bar: Tensor) -> list[State]:
        states = []
        for (t, t_prev), z in order(list(zip(pairs, noises, strict=True))):
            x0, eps = ask(believe, x, t, t_prev)
            new = step(begin(x, x0), eps, t, t_prev, alpha_bar, z)
            states.append(State(*kept(t, t_prev, x, new, x0, eps)))
            x = new
        return states + end(x, x0)

    return answer


def walk_back(believe: nn.Module, x: Tensor, pairs: list, noises: Tensor, alpha_bar: Tensor) -> list[State]:
    """Ask, keep the state, step; and the last state."""
    return walk_with()(believe, x.clone(), pairs, noises, alpha_bar)


def from_start(believe: nn.Module, x: Tensor, pairs: list, noises: Tensor, alpha_bar: Tensor) -> list[State]:
    """Wrong: each step begins at x as it was given."""
    states = []
    for (t, t_prev), z in zip(pairs, noises, strict=True):
        x0, eps = believe(x, t)
        states.append(State(t, x, x0))
        new = ddpm_step(x, eps, t, t_prev, alpha_bar, z)
    return [*states, State(0, new, new)]


def in_place(believe: nn.Module, x: Tensor, pairs: list, noises: Tensor, alpha_bar: Tensor) -> list[State]:
    """Wrong: x is one tensor, which all states share."""

    def step(x: Tensor, eps: Tensor, t: int, t_prev: int, alpha_bar: Tensor, z: Tensor) -> Tensor:
        return x.copy_(ddpm_step(x, eps, t, t_prev, alpha_bar, z))

    return walk_with(step)(believe, x, pairs, noises, alpha_bar)


def asked_once(believe: nn.Module, x: Tensor, pairs: list, noises: Tensor, alpha_bar: Tensor) -> list[State]:
    """Wrong: the first answer serves for all steps."""
    first = believe(x, pairs[0][0])
    return walk_with(ask=lambda believe, x, t, t_prev: first)(believe, x, pairs, noises, alpha_bar)


def end_in_each_turn(*inputs: object) -> list[State]:
    """Wrong: the last state is kept in each turn of the loop."""
    return [state for a, b in pairwise(walk_back(*inputs)) for state in (a, State(0, b.x, b.x))]


def nothing_kept(believe: nn.Module, x: Tensor, pairs: list, noises: Tensor, alpha_bar: Tensor) -> list[State]:
    """Wrong: only the last state is there."""
    return walk_back(believe, x, pairs, noises, alpha_bar)[-1:]


def one_noise(believe: nn.Module, x: Tensor, pairs: list, noises: Tensor, alpha_bar: Tensor) -> list[State]:
    """Wrong: the same noise in each step."""
    return walk_back(believe, x, pairs, noises[:1].expand_as(noises), alpha_bar)


def walked(answer: Callable, believe: Believer, x: Tensor, pairs: list, noises: Tensor, alpha_bar: Tensor) -> dict[str, object]:
    """The states, and what the network was asked."""
    states = answer(believe, x, pairs, noises, alpha_bar)
    if isinstance(states, State | Tensor):
        raise Refused(gettext("It should return the list of all states, and not the last picture alone."))
    if not isinstance(states, list | tuple) or not states or not all(isinstance(state, State) for state in states):
        raise Refused(
            gettext("It should return a list of states: State(t, x, x0) before each step, and State(0, x, x) at the end.")
        )
    found: dict[str, object] = {
        gettext("the list of the states' times"): [state.t for state in states],
        gettext("the list of times that the network was asked about"): believe.asked,
    }
    found |= {gettext("x of state {i}").format(i=i): state.x for i, state in enumerate(states)}
    return found | {gettext("x0 of state {i}").format(i=i): state.x0 for i, state in enumerate(states)}


L1_4 = Exercise(
    "L1.4",
    "the states of a walk from the noise x: for each pair ask, keep State(t, x, x0), step; at the end keep State(0, x, x).",
    walk_back,
    lambda: [
        (
            Believer(cosine(60).alpha_bar),
            noise(0, 2, 3, 16, 16),
            [(60, 44), (44, 43), (43, 20), (20, 6), (6, 0)],
            noise(1, 5, 2, 3, 16, 16),
            cosine(60).alpha_bar,
        ),
        (
            Believer(linear(140).alpha_bar),
            noise(2, 5, 3, 16, 16),
            [(140, 91), (91, 30), (30, 0)],
            noise(3, 3, 5, 3, 16, 16),
            linear(140).alpha_bar,
        ),
    ],
    {
        "Each step begins at the first noise again: give the result of a step back to x.": from_start,
        "The return stands in the loop: it ends after the first step.": walk_with(order=lambda turns: turns[:1]),
        "The return stands in the loop: it ends after the first step. The last state comes after the loop.": (
            walk_with(order=lambda turns: turns[:1], end=lambda x, x0: [])
        ),
        "The last state stands in the loop: append State(0, x, x) once, after it.": end_in_each_turn,
        "The network is asked only once: ask it in each turn of the loop, about x as it is now.": asked_once,
        "The network is never asked: call believe(x, t) in each turn of the loop.": (
            walk_with(ask=lambda believe, x, t, t_prev: (x, x))
        ),
        "The network is asked about t_prev: the picture is still at time t.": (
            walk_with(ask=lambda believe, x, t, t_prev: believe(x, t_prev))
        ),
        "The network is asked twice in each turn: believe(x, t) gives x0 and eps at once.": (
            walk_with(ask=lambda believe, x, t, t_prev: (believe(x, t)[0], believe(x, t)[1]))
        ),
        "This walks from the last pair to the first: begin at the noise, with the largest t.": walk_with(order=reversed),
        "No state is kept in the loop: append State(t, x, x0) in each turn.": nothing_kept,
        "The last pair is left out: the walk must reach t = 0.": walk_with(order=lambda turns: turns[:-1]),
        "The step got x0 in the place of eps: believe gives (x0, eps), in this order.": (
            walk_with(ask=lambda believe, x, t, t_prev: believe(x, t)[::-1])
        ),
        "No fresh noise is added: step i gets noises[i].": (
            walk_with(lambda x, eps, t, t_prev, alpha_bar, z: ddpm_step(x, eps, t, t_prev, alpha_bar, 0 * z))
        ),
        "Each step gets the same noise, the first: step i gets noises[i].": one_noise,
        "t and t_prev are swapped in the step.": (
            walk_with(lambda x, eps, t, t_prev, alpha_bar, z: ddpm_step(x, eps, t_prev, t, alpha_bar, z))
        ),
        "Each step goes to t - 1: it must go to the t_prev of its pair.": (
            walk_with(lambda x, eps, t, t_prev, alpha_bar, z: ddpm_step(x, eps, t, t - 1, alpha_bar, z))
        ),
        "A state holds the picture after its step: keep State(t, x, x0) before the step, while x is still at t.": (
            walk_with(kept=lambda t, t_prev, x, new, x0, eps: (t, new, x0))
        ),
        "A state has the time t_prev: keep State(t, x, x0) before the step, while x is still at t.": (
            walk_with(kept=lambda t, t_prev, x, new, x0, eps: (t_prev, new, x0))
        ),
        "A state holds the noise in the place of the belief: keep State(t, x, x0).": (
            walk_with(kept=lambda t, t_prev, x, new, x0, eps: (t, x, eps))
        ),
        "A state holds the picture and the belief the wrong way round: it is State(t, x, x0).": (
            walk_with(kept=lambda t, t_prev, x, new, x0, eps: (t, x0, x))
        ),
        "The next picture is the belief itself: take a step from x.": walk_with(
            lambda x, eps, t, t_prev, alpha_bar, z: x, begin=lambda x, x0: x0
        ),
        "The step begins at the belief x0: it begins at x, as noisy as t says.": walk_with(begin=lambda x, x0: x0),
        "noises holds one noise for each step: step i gets noises[i], not noises[t].": (
            lambda believe, x, pairs, noises, alpha_bar: noises[pairs[0][0]]
        ),
        "You clipped x: a noisy picture may lie outside -1..1.": walk_with(
            lambda x, eps, t, t_prev, alpha_bar, z: ddpm_step(x, eps, t, t_prev, alpha_bar, z).clamp(-1, 1)
        ),
        "One loop stands in another: go through pairs and noises together, with zip(pairs, noises).": (
            walk_with(order=lambda turns: [(pair, z) for pair, _ in turns for _, z in turns])
        ),
        "The last state is missing: after the loop, append State(0, x, x).": walk_with(end=lambda x, x0: []),
        "The last state holds the old belief: at t = 0 the picture itself is the sprite, State(0, x, x).": walk_with(
            end=lambda x, x0: [State(0, x, x0)]
        ),
        "The last picture is the old belief: keep what the last step gave, State(0, x, x).": walk_with(
            end=lambda x, x0: [State(0, x0, x0)]
        ),
        "All states hold one and the same tensor, which was changed in place: a step makes a new one.": in_place,
    },
    "In each turn, for (t, t_prev), z in zip(pairs, noises): ask, keep the state, and give the step's result back to x.",
    walked,
)
