"""Checks of the exercises of B2: PyTorch, taken apart."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from ..language import gettext
from .b2_scores import B2_4, B2_5
from .compare import Refused
from .exercise import Exercise, noise


def silu_backward(x: Tensor, slope: Tensor) -> Tensor:
    """The slope at x, from the slope at y = x sigmoid(x)."""
    s = x.sigmoid()
    return slope * (s + x * s * (1 - s))


def sloping(formula: Callable) -> Callable:
    """An answer from its formula with x, s = sigmoid(x) and the slope from above."""
    return lambda x, slope: formula(x, x.sigmoid(), slope)


B2_1 = Exercise(
    "B2.1",
    "the slope at x, from the slope at y, for y = x sigmoid(x).",
    silu_backward,
    lambda: [(noise(0, 7), noise(1, 7)), (2 * noise(2, 3, 5), noise(3, 3, 5)), (noise(4, 2, 3, 4, 4), noise(5, 2, 3, 4, 4))],
    {
        "The slope from above is missing: the chain rule multiplies by it.": sloping(lambda x, s, g: s + x * s * (1 - s)),
        "The slope from above is added: the chain rule multiplies by it.": sloping(lambda x, s, g: g + s + x * s * (1 - s)),
        "This is the forward pass times the slope: the derivative of x sigmoid(x) is asked for.": sloping(
            lambda x, s, g: g * x * s
        ),
        "This is the forward pass: the derivative of x sigmoid(x) is asked for.": sloping(lambda x, s, g: x * s),
        "Half of the product rule: sigmoid(x) depends on x, too.": sloping(lambda x, s, g: g * s),
        "Half of the product rule: the first factor, x, has the derivative 1, which leaves sigmoid(x).": sloping(
            lambda x, s, g: g * x * s * (1 - s)
        ),
        "This is the slope of the sigmoid alone: y is x times the sigmoid.": sloping(lambda x, s, g: g * s * (1 - s)),
        "A factor x is missing: the second half of the product rule is x times the sigmoid's derivative.": sloping(
            lambda x, s, g: g * (s + s * (1 - s))
        ),
        "The sigmoid's derivative is s (1 - s): here 1 - s is missing.": sloping(lambda x, s, g: g * (s + x * s)),
        "The sigmoid's derivative is s (1 - s): here s is missing.": sloping(lambda x, s, g: g * (s + x * (1 - s))),
        "The sign of the second half is wrong: both halves of the product rule are added.": sloping(
            lambda x, s, g: g * (s - x * s * (1 - s))
        ),
        "The slope belongs to both halves: brackets are missing.": sloping(lambda x, s, g: g * s + x * s * (1 - s)),
        "The slope belongs to both halves: the first one lacks it.": sloping(lambda x, s, g: s + g * x * s * (1 - s)),
        "The two arguments are exchanged: x is where the sigmoid is taken.": lambda x, slope: silu_backward(slope, x),
        "This is ReLU's slope: 1 where x is above 0, else 0.": lambda x, slope: slope * (x > 0),
        "You added all values up: one slope for each x is asked for.": lambda x, slope: silu_backward(x, slope).sum(),
    },
    "The product rule first: (x s)' = s + x s', with s = sigmoid(x) and s' = s (1 - s). Then the chain rule: times the slope.",
)


def hinge(scores: Tensor, target: Tensor) -> Tensor:
    """The mean hinge loss of pictures with one class each."""
    margins = gaps(scores, target)
    return (margins.sum(dim=1) / scores.shape[1]).mean()


def gaps(scores: Tensor, target: Tensor, margin: float = 1.0, own: bool = False, cut: bool = True) -> Tensor:
    """(N, C): by how much each class's score comes too near to the right one's. own: also at the right class itself."""
    right = scores[torch.arange(len(scores)), target][:, None]
    found = margin - right + scores
    found = found.clamp(min=0) if cut else found
    return found if own else found * (1 - F.one_hot(target % scores.shape[1], scores.shape[1]))


def labels(seed: int, count: int, classes: int) -> Tensor:
    """Classes by chance, (count,)."""
    return torch.randint(classes, (count,), generator=torch.Generator().manual_seed(seed))


B2_2 = Exercise(
    "B2.2",
    "the mean over the pictures of the sum over the wrong classes, divided by the number of classes.",
    hinge,
    lambda: [
        (2 * noise(0, 6, 5), labels(1, 6, 5)),
        (noise(2, 9, 3), labels(3, 9, 3)),
        (3 * noise(4, 2, 8), labels(5, 2, 8)),
    ],
    {
        "The right class is in the sum: there the margin is 1 against itself, so it adds 1.": (
            lambda scores, target: gaps(scores, target, own=True).mean()
        ),
        "The sum is not divided by the number of classes.": lambda scores, target: gaps(scores, target).sum(dim=1).mean(),
        "You divide by the number of wrong classes: PyTorch divides by that of all classes.": (
            lambda scores, target: gaps(scores, target).sum(dim=1).mean() / (scores.shape[1] - 1)
        ),
        "You divide by the number of pictures: each sum is divided by the number of classes.": (
            lambda scores, target: gaps(scores, target).sum(dim=1).mean() / len(scores)
        ),
        "One right score for each row is needed, as a column: scores[torch.arange(len(scores)), target][:, None].": (
            lambda scores, target: (1 - scores[:, target] + scores).clamp(min=0).mean()  # without [:, None]: the same error
        ),
        "scores[target] takes whole rows: scores[torch.arange(len(scores)), target] takes one number of each.": (
            lambda scores, target: (((1 - scores[target] + scores).clamp(min=0).sum(dim=1) - 1) / scores.shape[1]).mean()
        ),
        "Only the worst wrong class counts here (max): all wrong classes are added.": (
            lambda scores, target: (gaps(scores, target).amax(dim=1) / scores.shape[1]).mean()
        ),
        "This is the mean of the worst wrong class: add all wrong classes, and divide by the number of classes.": (
            lambda scores, target: gaps(scores, target).amax(dim=1).mean()
        ),
        "Nothing is cut at 0: a class far below gives 0, not a reward.": (
            lambda scores, target: gaps(scores, target, cut=False).sum(dim=1).mean() / scores.shape[1]
        ),
        "The sum is cut at 0, not each class: max(0, ...) stands inside the sum.": (
            lambda scores, target: gaps(scores, target, cut=False).sum(dim=1).clamp(min=0).mean() / scores.shape[1]
        ),
        "The margin 1 is missing: a wrong class must stay 1 below the right one.": (
            lambda scores, target: gaps(scores, target, margin=0.0).sum(dim=1).mean() / scores.shape[1]
        ),
        "The signs are exchanged: the right score is taken away, the wrong one is added.": (
            lambda scores, target: gaps(-scores, target).sum(dim=1).mean() / scores.shape[1]
        ),
        "The pictures are added up: take their mean.": lambda scores, target: hinge(scores, target) * len(scores),
        "One loss for each picture: take their mean.": lambda scores, target: gaps(scores, target).sum(dim=1) / scores.shape[1],
        "The gaps are squared: the hinge loss is straight.": (
            lambda scores, target: gaps(scores, target).square().sum(dim=1).mean() / scores.shape[1]
        ),
        "This is the cross entropy.": F.cross_entropy,
        "Scores are not turned into probabilities: no softmax.": lambda scores, target: hinge(scores.softmax(dim=1), target),
    },
    "scores[torch.arange(len(scores)), target] are the right scores; clamp(min=0) cuts. The right class adds 1: take it out.",
)


def adam_step(w: Tensor, grad: Tensor, m: Tensor, v: Tensor, k: int, lr: float) -> tuple[Tensor, Tensor, Tensor]:
    """Step k of Adam."""
    m = 0.9 * m + 0.1 * grad
    v = 0.999 * v + 0.001 * grad.square()
    return w - lr * (m / (1 - 0.9**k)) / ((v / (1 - 0.999**k)).sqrt() + 1e-8), m, v


def adam(
    mean: Callable = lambda m, g: 0.9 * m + 0.1 * g,
    square: Callable = lambda v, g: 0.999 * v + 0.001 * g * g,
    way: Callable = lambda m, v, k: m / (1 - 0.9**k) / ((v / (1 - 0.999**k)).sqrt() + 1e-8),
    sign: int = -1,
) -> Callable:
    """adam_step with another average or another way."""

    def answer(w: Tensor, grad: Tensor, m: Tensor, v: Tensor, k: int, lr: float) -> tuple[Tensor, Tensor, Tensor]:
        m, v = mean(m, grad), square(v, grad)
        return w + sign * lr * way(m, v, k), m, v

    return answer


def three_tensors(answer: Callable, *inputs: object) -> dict[str, Tensor]:
    """What adam_step gives, the averages first. Refused if it is something else."""
    given = answer(*inputs)
    if not isinstance(given, tuple | list) or len(given) != 3:
        raise Refused(gettext("It should return three tensors: w, m, v."))
    return dict(zip(("m", "v", "w"), (given[1], given[2], given[0]), strict=True))


def in_order(order: tuple[int, ...]) -> Callable:
    """adam_step, its three results handed back in another order."""
    return lambda *inputs: tuple(adam_step(*inputs)[k] for k in order)


RARE = torch.tensor([1.0, -1.0, 1.0, 1e-7, -1e-7, 0.0, 0.0])  # slopes of 0, and so small that eps is seen


B2_3 = Exercise(
    "B2.3",
    "the new w, m and v of Adam's step k.",
    adam_step,
    lambda: [
        (noise(0, 4, 3), noise(1, 4, 3), noise(2, 4, 3), noise(3, 4, 3).square(), 3, 0.1),
        (noise(4, 7), noise(5, 7) * RARE, torch.zeros(7), torch.zeros(7), 1, 0.2),
        (noise(6, 2, 3, 3, 3), *(0.1 * noise(s, 2, 3, 3, 3) for s in (7, 8)), noise(9, 2, 3, 3, 3).square(), 40, 0.003),
    ],
    {
        "Both averages begin at 0 and are too small at first: divide them by 1 - 0.9**k and 1 - 0.999**k.": adam(
            way=lambda m, v, k: m / (v.sqrt() + 1e-8)
        ),
        "m is not corrected: divide it by 1 - 0.9**k.": adam(way=lambda m, v, k: m / ((v / (1 - 0.999**k)).sqrt() + 1e-8)),
        "v is not corrected: divide it by 1 - 0.999**k.": adam(way=lambda m, v, k: m / (1 - 0.9**k) / (v.sqrt() + 1e-8)),
        "The correction of v belongs under the root.": adam(
            way=lambda m, v, k: m / (1 - 0.9**k) / (v.sqrt() / (1 - 0.999**k) + 1e-8)
        ),
        "The root is missing: v is a mean of squares.": adam(
            way=lambda m, v, k: m / (1 - 0.9**k) / (v / (1 - 0.999**k) + 1e-8)
        ),
        "The corrections are exchanged: 0.9 belongs to m, 0.999 to v.": adam(
            way=lambda m, v, k: m / (1 - 0.999**k) / ((v / (1 - 0.9**k)).sqrt() + 1e-8)
        ),
        "m is multiplied by its correction: divide by it.": adam(
            way=lambda m, v, k: m * (1 - 0.9**k) / ((v / (1 - 0.999**k)).sqrt() + 1e-8)
        ),
        "The corrected averages are handed back: keep m and v as they are, or they are corrected twice.": (
            lambda w, grad, m, v, k, lr: (lambda made: (made[0], made[1] / (1 - 0.9**k), made[2] / (1 - 0.999**k)))(
                adam_step(w, grad, m, v, k, lr)
            )
        ),
        "1e-8 is missing below: a weight that has had no slope yet gets 0 / 0, which is nan.": adam(
            way=lambda m, v, k: m / (1 - 0.9**k) / (v / (1 - 0.999**k)).sqrt()
        ),
        "1e-8 stands under the root: it is added to the root.": adam(
            way=lambda m, v, k: m / (1 - 0.9**k) / (v / (1 - 0.999**k) + 1e-8).sqrt()
        ),
        "1e-8 is added before the correction: it is added to the root of the corrected v.": adam(
            way=lambda m, v, k: m / (1 - 0.9**k) / ((v.sqrt() + 1e-8) / (1 - 0.999**k) ** 0.5)
        ),
        "v averages the gradient itself: it averages its square.": adam(square=lambda v, g: 0.999 * v + 0.001 * g),
        "v averages the square of m: it averages the square of the gradient.": (
            lambda w, grad, m, v, k, lr: (lambda m: (*adam_step(w, grad, m, v, k, lr)[:1], m, 0.999 * v + 0.001 * m * m))(
                0.9 * m + 0.1 * grad
            )
        ),
        "The old m and v are handed back: return the new ones.": (
            lambda w, grad, m, v, k, lr: (adam_step(w, grad, m, v, k, lr)[0], m, v)
        ),
        "The shares of m are exchanged: 0.9 of the old, 0.1 of the new.": adam(mean=lambda m, g: 0.1 * m + 0.9 * g),
        "The shares of v are exchanged: 0.999 of the old, 0.001 of the new.": adam(
            square=lambda v, g: 0.001 * v + 0.999 * g * g
        ),
        "m forgets by 0.999 here: its share is 0.9, that of v is 0.999.": adam(mean=lambda m, g: 0.999 * m + 0.001 * g),
        "v forgets by 0.9 here: its share is 0.999, that of m is 0.9.": adam(square=lambda v, g: 0.9 * v + 0.1 * g * g),
        "m adds the gradient whole: its share is 0.1.": adam(mean=lambda m, g: 0.9 * m + g),
        "m is the gradient itself: keep 0.9 of the old m.": adam(mean=lambda m, g: g),
        "The step goes uphill: it is taken away from w.": adam(sign=1),
        "The old m moves w: use the new one.": (
            lambda w, grad, m, v, k, lr: (
                w - lr * m / (1 - 0.9**k) / ((adam_step(w, grad, m, v, k, lr)[2] / (1 - 0.999**k)).sqrt() + 1e-8),
                *adam_step(w, grad, m, v, k, lr)[1:],
            )
        ),
        "The gradient moves w, not its average m.": (
            lambda w, grad, m, v, k, lr: (
                w - lr * grad / ((adam_step(w, grad, m, v, k, lr)[2] / (1 - 0.999**k)).sqrt() + 1e-8),
                *adam_step(w, grad, m, v, k, lr)[1:],
            )
        ),
        "Steps count from 1: k - 1 is one too few.": adam(
            way=lambda m, v, k: m / (1 - 0.9 ** (k - 1)) / ((v / (1 - 0.999 ** (k - 1))).sqrt() + 1e-8)
        ),
        "k is the number of this step already: k + 1 is one too many.": adam(
            way=lambda m, v, k: m / (1 - 0.9 ** (k + 1)) / ((v / (1 - 0.999 ** (k + 1))).sqrt() + 1e-8)
        ),
        "The learning rate is missing.": lambda w, grad, m, v, k, lr: adam_step(w, grad, m, v, k, 1.0),
        "You returned the step: take it away from w.": (
            lambda w, grad, m, v, k, lr: (w - adam_step(w, grad, m, v, k, lr)[0], *adam_step(w, grad, m, v, k, lr)[1:])
        ),
    }
    | {
        f"The {place} result is {what}: return w, m, v in this order.": in_order(order)
        for place, what, order in (("second", "v", (0, 2, 1)), ("second", "w", (1, 0, 2)), ("third", "w", (2, 1, 0)))
    },
    "Four lines: the new m, the new v, both divided by 1 - share**k under other names, and w minus lr times their quotient.",
    three_tensors,
)

EXERCISES = (B2_1, B2_2, B2_3, B2_4, B2_5)
