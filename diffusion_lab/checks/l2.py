"""Checks of the exercises of L2: training."""

import copy
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ..schedules import Schedule, cosine, linear
from ..steps import perturb, target, to_x0_eps
from ..training import diffusion_loss
from .compare import Refused, unchanged
from .exercise import Exercise, noise
from .l1 import by_factors, roots

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
        raise Refused("It should return two things, (x0, eps).")
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


class Probe(nn.Module):
    """A tiny network that uses all that it is given. prediction: what its answer means."""

    def __init__(self, seed: int, prediction: str):
        super().__init__()
        self.prediction = prediction
        self.weight = nn.Parameter(noise(seed, 4))

    def forward(self, x: Tensor, t: Tensor, c: Tensor | None = None) -> Tensor:
        """Shaped like x (B, 3, H, W)."""
        a, b, d, e = self.weight
        said = 0 if c is None else c.sum(1)
        return a * x + b * x.roll(1, -1) + (d * t + e * said)[:, None, None, None]


def squared(
    answer_of: Callable = lambda model, x0, x_t, c, t, eps, s: model(x_t, (t / s.T).to(x_t), c),
    wanted: Callable = lambda model, x0, x_t, c, t, eps, s: target(model.prediction, x0, t, eps, s.alpha_bar),
    size: Callable = lambda error: error.square().mean(),
    noisy: Callable = lambda x0, t, eps, s: perturb(x0, t, eps, s.alpha_bar),
) -> Callable:
    """A loss from its four parts: the network's answer, what it should be, the size of the error, and x_t."""

    def loss(model: nn.Module, x0: Tensor, c: Tensor, t: Tensor, eps: Tensor, schedule: Schedule) -> Tensor:
        x_t = noisy(x0, t, eps, schedule)
        parts = model, x0, x_t, c, t, eps, schedule
        return size(answer_of(*parts) - wanted(*parts))

    return loss


def trains_on(model: nn.Module) -> None:
    """Refuses, in words, what leaves a network that is trained no longer fit for it."""
    if not all(part.training for part in model.modules()):
        raise Refused("You put the network that is trained into eval mode: leave its mode as it is.")
    if not all(weight.requires_grad for weight in model.parameters()):
        raise Refused("You switched requires_grad off in the network that is trained: leave it as it is.")


def with_slope(answer: Callable, model: Probe, *batch: object) -> dict[str, object]:
    """The loss, and what a training needs of it: the slopes of the network's weights."""
    got = answer(model, *batch)
    if isinstance(got, Tensor) and got.ndim:
        raise Refused(f"The loss is one number, and this has the shape {tuple(got.shape)}: take the mean of all squares.")
    trains_on(model)
    if model.weight.grad is not None:
        raise Refused("You called backward() in the loss: return it only, for backward() belongs to the training loop.")
    if isinstance(got, Tensor) and got.requires_grad:
        got.backward()
    return {
        "backward() from the loss reaches the weights": model.weight.grad is not None,
        "the loss": got.item() if isinstance(got, Tensor) else got,
        "the slope of the loss": model.weight.grad,
    }


L2_3 = Exercise(
    "L2.3",
    "the mean of the squared differences between the network's answer at x_t and what it should have answered.",
    diffusion_loss,
    lambda: [
        (Probe(0, "v"), noise(1, 3, 3, 8, 8), noise(2, 3, 4), torch.tensor([37, 150, 260]), noise(3, 3, 3, 8, 8), cosine(300)),
        (
            Probe(4, "x0"),
            noise(5, 5, 3, 4, 4),
            noise(6, 5, 2),
            torch.tensor([9, 70, 133, 61, 2]),
            noise(7, 5, 3, 4, 4),
            linear(140),
        ),
        (Probe(8, "eps"), noise(9, 2, 3, 4, 4), noise(10, 2, 3), torch.tensor([99, 12]), noise(11, 2, 3, 4, 4), linear(140)),
    ],
    {
        "backward() does not reach the weights from this loss: return its tensor, without item(), detach() or no_grad().": (
            lambda *batch: diffusion_loss(*batch).item()
        ),
        "The network is told t, and it knows t / schedule.T, a number from 0 to 1.": squared(
            lambda model, x0, x_t, c, t, eps, s: model(x_t, t.to(x_t), c)
        ),
        "The network is told 1 - t / schedule.T: it knows t / schedule.T, which is 1 at the noise.": squared(
            lambda model, x0, x_t, c, t, eps, s: model(x_t, 1 - t / s.T, c)
        ),
        "t // schedule.T leaves out what is behind the point: write t / schedule.T.": squared(
            lambda model, x0, x_t, c, t, eps, s: model(x_t, (t // s.T).to(x_t), c)
        ),
        "The network takes x_t, then the time, then the context: model(x_t, t / schedule.T, c).": squared(
            lambda model, x0, x_t, c, t, eps, s: model(x_t, c, t / s.T)
        ),
        "500 is the T of one schedule only: divide by schedule.T.": squared(
            lambda model, x0, x_t, c, t, eps, s: model(x_t, t / 500, c)
        ),
        "The context does not reach the network: its third argument is c.": squared(
            lambda model, x0, x_t, c, t, eps, s: model(x_t, t / s.T)
        ),
        "The network sees the clean sprites: give it x_t.": squared(lambda model, x0, x_t, c, t, eps, s: model(x0, t / s.T, c)),
        "The network sees pure noise: give it x_t.": squared(lambda model, x0, x_t, c, t, eps, s: model(eps, t / s.T, c)),
        "You compare with the noise, whatever the network is to answer: target(model.prediction, ...) says it.": squared(
            wanted=lambda model, x0, x_t, c, t, eps, s: eps
        ),
        "You compare with the sprite, whatever the network is to answer: target(model.prediction, ...) says it.": squared(
            wanted=lambda model, x0, x_t, c, t, eps, s: x0
        ),
        "You compare with v, whatever the network is to answer: target(model.prediction, ...) says it.": squared(
            wanted=lambda model, x0, x_t, c, t, eps, s: target("v", x0, t, eps, s.alpha_bar)
        ),
        "You compare with x_t: the answer should be target(model.prediction, ...).": squared(
            wanted=lambda model, x0, x_t, c, t, eps, s: x_t
        ),
        "The target is made from the noisy x_t: make it from the clean sprites x0.": squared(
            wanted=lambda model, x0, x_t, c, t, eps, s: target(model.prediction, x_t, t, eps, s.alpha_bar)
        ),
        "This is the error of the believed sprite: compare the answer itself with target(model.prediction, ...).": squared(
            lambda model, x0, x_t, c, t, eps, s: to_x0_eps(model.prediction, model(x_t, t / s.T, c), x_t, t, s.alpha_bar)[0],
            wanted=lambda model, x0, x_t, c, t, eps, s: x0,
        ),
        "All sprites got the time of the first one: each has its own.": squared(
            wanted=lambda model, x0, x_t, c, t, eps, s: target(model.prediction, x0, t[:1], eps, s.alpha_bar),
            noisy=lambda x0, t, eps, s: perturb(x0, t[:1], eps, s.alpha_bar),
        ),
        "This is half of the mean square: leave the factor out.": squared(size=lambda error: error.square().mean() / 2),
        "This is the mean of the absolute differences: square them.": squared(size=lambda error: error.abs().mean()),
        "This is the sum of the squares: take their mean.": squared(size=lambda error: error.square().sum()),
        "This is the root of the mean square: leave the root out.": squared(size=lambda error: error.square().mean().sqrt()),
        "This is the square of the mean: square first, then take the mean.": squared(size=lambda error: error.mean().square()),
        "The differences are not squared.": squared(size=lambda error: error.mean()),
        "A square root is missing in the factor of the noise: perturb makes x_t.": squared(
            noisy=lambda x0, t, eps, s: by_factors(lambda a, b, x0, eps: a * x0 + b**2 * eps)(
                x0, t[:, None, None, None], eps, s.alpha_bar
            )
        ),
    },
    "Four lines: x_t with perturb, the model's answer at t / schedule.T, the target for model.prediction, the mean square.",
    with_slope,
)


@dataclass(frozen=True)
class Descent:
    """Stands for an optimiser in a case, which must be made anew for each network."""

    lr: float


def line_error(model: nn.Module, batch: Tensor) -> Tensor:
    """A loss for `training`: the first column of a batch is to be told from the others."""
    return (model(batch[:, 1:]) - batch[:, :1]).square().mean()


def curve_error(model: nn.Module, batch: Tensor) -> Tensor:
    """Another one."""
    return (model(batch[:, :-1]) - batch[:, -1:].sin()).abs().mean()


def training(model: nn.Module, optimizer: torch.optim.Optimizer, batches: Iterable, loss: Callable) -> list[float]:
    """One update for each batch."""
    return updates()(model, optimizer, batches, loss)


def updates(
    *order: str,
    note: Callable = lambda value, again: value.item(),
    only: Callable = iter,
    back: Callable = lambda losses: losses,
) -> Callable:
    """An answer that takes the steps of each update in this order, and notes each loss in this way."""

    def answer(model: nn.Module, optimizer: torch.optim.Optimizer, batches: Iterable, loss: Callable) -> object:
        losses = []
        for batch in only(batches):
            value = loss(model, batch)
            for step in order or ("zero_grad", "backward", "step"):
                value.backward() if step == "backward" else getattr(optimizer, step)()
            losses.append(note(value, lambda batch=batch: loss(model, batch)))
        return back(losses)

    return answer


def until_it_rises(model: nn.Module, optimizer: torch.optim.Optimizer, batches: Iterable, loss: Callable) -> list[float]:
    """Wrong: stops where the loss rises."""
    losses: list[float] = []
    while losses == sorted(losses, reverse=True) and (batch := next(batches, None)) is not None:
        losses += training(model, optimizer, [batch], loss)
    return losses


def by_hand(model: nn.Module, optimizer: torch.optim.Optimizer, batches: Iterable, loss: Callable) -> list[float]:
    """Plain steps down the slope, past the optimiser."""
    losses = []
    for batch in batches:
        value = loss(model, batch)
        slopes = torch.autograd.grad(value, list(model.parameters()))
        with torch.no_grad():
            for weight, slope in zip(model.parameters(), slopes, strict=True):
                weight -= optimizer.param_groups[0]["lr"] * slope
        losses.append(value.item())
    return losses


def trained(answer: Callable, model: nn.Module, optimizer: Descent, batches: Tensor, loss: Callable) -> dict[str, object]:
    """What a training of a copy leaves behind: the losses and the weights."""
    copy_, seen, ahead = copy.deepcopy(model), [], []

    def watched(network: nn.Module, batch: Tensor) -> Tensor:
        if network is not copy_:
            raise Refused("loss takes the network `model` itself, no copy of it, and then the batch: loss(model, batch).")
        trains_on(network)
        seen.append(batch)
        return loss(network, batch)

    def one_by_one() -> Iterator[Tensor]:
        for k, batch in enumerate(batches.clone()):
            ahead.append(k - len(seen))
            yield batch

    losses = answer(copy_, torch.optim.SGD(copy_.parameters(), optimizer.lr, momentum=0.9), one_by_one(), watched)
    trains_on(copy_)
    if not isinstance(losses, list):
        raise Refused(f"It should return the list of all losses, but returned {type(losses).__name__}.")
    if any(isinstance(value, Tensor) for value in losses):
        raise Refused("The losses are tensors, which keep the whole network's memory alive: note loss.item(), a number.")
    if not all(isinstance(value, int | float) for value in losses):
        raise Refused("The list should hold the losses as numbers: note loss.item().")
    weights = {f"the weight {name} after the training": value for name, value in copy_.state_dict().items()}
    return weights | {"the list of losses": torch.tensor(losses), "batches are taken one by one": max(ahead, default=0) < 2}


L2_4 = Exercise(
    "L2.4",
    "for each batch one update of the weights; returned, the list of the losses.",
    training,
    lambda: [
        (filled(nn.Linear(3, 1), 0), Descent(0.1), noise(1, 5, 8, 4), line_error),
        (filled(nn.Linear(4, 1), 2), Descent(0.03), noise(3, 7, 6, 5), curve_error),
    ],
    {
        "The slopes of all batches pile up: call optimizer.zero_grad() before each backward().": updates("backward", "step"),
        "The weights never move. backward() finds the slopes, optimizer.step() moves the weights, and zero_grad() comes before "
        "backward(), not between the two.": updates("zero_grad", "backward"),
        "The step comes before backward(): so each step goes down the slope of an older batch.": updates(
            "step", "zero_grad", "backward"
        ),
        "Only the first batch was used: is a return inside the loop?": updates(only=lambda batches: list(batches)[:1]),
        "The training stops where the loss rises: go through all batches.": until_it_rises,
        "The last batch was left out.": updates(only=lambda batches: list(batches)[:-1]),
        "The first batch was left out.": updates(only=lambda batches: list(batches)[1:]),
        "All batches were taken before the first update, as by list(batches), but they may be endless: for batch in batches.": (
            updates(only=list)
        ),
        "The loss is asked for again after the step: note the one before it.": updates(
            note=lambda value, again: again().item()
        ),
        "It should return the list of all losses, but returned float.": updates(back=lambda losses: losses[-1]),
        "The losses are tensors, which keep the whole network's memory alive: note loss.item(), a number.": updates(
            note=lambda value, again: value
        ),
        "The losses are rounded: note loss.item() as it is.": updates(note=lambda value, again: round(value.item(), 3)),
        "It should return the list of all losses, but returned NoneType.": updates(back=lambda losses: None),
        "Two steps are taken for each batch.": updates("zero_grad", "backward", "step", "step"),
        "The optimiser takes no part: let optimizer.step() move the weights.": by_hand,
    },
    "In the loop: value = loss(model, batch); optimizer.zero_grad(); value.backward(); optimizer.step(); note value.item().",
    trained,
)


def filled(network: nn.Module, seed: int) -> nn.Module:
    """The network with random numbers that depend on the seed only."""
    for k, value in enumerate(network.state_dict().values()):
        value.copy_(noise(100 * seed + k, *value.shape))
    return network


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
        "the trained network stays as it is": unchanged(theirs, model),
        "the list of what moved": ", ".join(name for name, value in new.items() if not torch.equal(value, old[name])),
    } | {f"the average's {name}": value for name, value in new.items()}


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
    "Go through both state_dict().values() with zip. mine.lerp_(theirs, share) moves by a share; copy whole numbers.",
    after,
)


EXERCISES = (L2_1, L2_2, L2_3, L2_4, L2_5)
