"""Checks of L2.3 and L2.4: the loss and the training loop."""

import copy
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ..language import gettext
from ..schedules import Schedule, cosine, linear
from ..steps import perturb, target, to_x0_eps
from ..training import diffusion_loss
from .compare import Refused
from .exercise import Exercise, noise
from .l1 import by_factors


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
        raise Refused(gettext("You put the network that is trained into eval mode: leave its mode as it is."))
    if not all(weight.requires_grad for weight in model.parameters()):
        raise Refused(gettext("You switched requires_grad off in the network that is trained: leave it as it is."))


def with_slope(answer: Callable, model: Probe, *batch: object) -> dict[str, object]:
    """The loss, and what a training needs of it: the slopes of the network's weights."""
    got = answer(model, *batch)
    if isinstance(got, Tensor) and got.ndim:
        message = gettext("The loss is one number, and this has the shape {shape}: take the mean of all squares.")
        raise Refused(message.format(shape=tuple(got.shape)))
    trains_on(model)
    if model.weight.grad is not None:
        raise Refused(
            gettext("You called backward() in the loss: return it only, for backward() belongs to the training loop.")
        )
    if isinstance(got, Tensor) and got.requires_grad:
        got.backward()
    return {
        gettext("backward() from the loss reaches the weights"): model.weight.grad is not None,
        gettext("the loss"): got.item() if isinstance(got, Tensor) else got,
        gettext("the slope of the loss"): model.weight.grad,
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
        "alpha_bar is that of this notebook's schedule: the target needs schedule.alpha_bar, of the schedule that is given.": (
            squared(wanted=lambda model, x0, x_t, c, t, eps, s: target(model.prediction, x0, t, eps, cosine(500).alpha_bar))
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
    "The model's answer at x_t and t / schedule.T, the target for model.prediction, and the mean of the squared differences.",
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
            raise Refused(
                gettext("loss takes the network `model` itself, no copy of it, and then the batch: loss(model, batch).")
            )
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
        message = gettext("It should return the list of all losses, but returned {kind}.")
        raise Refused(message.format(kind=type(losses).__name__))
    if not losses:
        raise Refused(gettext("The list of losses is empty: append value.item() in each turn of the loop."))
    if any(isinstance(value, Tensor) for value in losses):
        raise Refused(
            gettext("The losses are tensors, which keep the whole network's memory alive: note value.item(), a number.")
        )
    if not all(isinstance(value, int | float) for value in losses):
        raise Refused(gettext("The list should hold the losses as numbers: note value.item()."))
    weight = gettext("the weight {name} after the training")
    return {weight.format(name=name): value for name, value in copy_.state_dict().items()} | {
        gettext("the list of losses"): torch.tensor(losses),
        gettext("batches are taken one by one"): max(ahead, default=0) < 2,
    }


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
        "The losses are tensors, which keep the whole network's memory alive: note value.item(), a number.": updates(
            note=lambda value, again: value
        ),
        "The losses are rounded: note value.item() as it is.": updates(note=lambda value, again: round(value.item(), 3)),
        "It should return the list of all losses, but returned NoneType.": updates(back=lambda losses: None),
        "Two steps are taken for each batch.": updates("zero_grad", "backward", "step", "step"),
        "The optimiser takes no part: let optimizer.step() move the weights.": by_hand,
    },
    "Four lines: optimizer.zero_grad(); value.backward(); optimizer.step(); and losses.append with value.item().",
    trained,
)


def filled(network: nn.Module, seed: int) -> nn.Module:
    """The network with random numbers that depend on the seed only."""
    for k, value in enumerate(network.state_dict().values()):
        value.copy_(noise(100 * seed + k, *value.shape))
    return network
