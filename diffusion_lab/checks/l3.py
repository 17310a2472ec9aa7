"""Checks of the exercises of L3: context."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from ..language import gettext
from ..sprites import CLASSES
from ..steps import guide
from .compare import Refused
from .exercise import Exercise, noise


def contexts_for(names: list[str]) -> Tensor:
    """A row of the unit matrix for each name."""
    return torch.eye(5)[[CLASSES.index(name) for name in names]]


L3_1 = Exercise(
    "L3.1",
    "a row for each name, with a 1 at the place of its class and 0 elsewhere.",
    contexts_for,
    lambda: [(["food", "hero", "side_facing", "food"],), (["spell", "non_hero", "hero", "food", "side_facing", "spell"],)],
    {
        f"The order is {', '.join(CLASSES)}; yours is the alphabet's.": (
            lambda names: torch.eye(5)[[sorted(CLASSES).index(name) for name in names]]
        ),
        "The network computes with floats: your tensor holds whole numbers.": lambda names: contexts_for(names).long(),
        "These are the numbers of the classes: make a row of five numbers from each, with torch.eye(5).": (
            lambda names: torch.tensor([CLASSES.index(name) for name in names])
        ),
        "torch.eye(5) is indexed by numbers: CLASSES.index(name) is the number of a name.": lambda names: torch.eye(5)[names],
        "Rows and columns are exchanged: each name has a row.": lambda names: contexts_for(names).T,
        "The 1 stands one place too far: the first class is number 0.": lambda names: contexts_for(names).roll(1, dims=1),
        "The 1 stands one place too early: the first class is number 0.": lambda names: contexts_for(names).roll(-1, dims=1),
        "The rows are in the opposite order: the first row is that of the first name.": lambda names: contexts_for(names).flip(
            0
        ),
        "All names ended up in one context: each has a row of its own.": lambda names: contexts_for(names).amax(dim=0),
        "Each name appears once, in the order of the classes: keep the order and the repetitions of names.": (
            lambda names: contexts_for(sorted(set(names), key=CLASSES.index))
        ),
    },
    "CLASSES.index(name) is the place of the 1, and torch.eye(5) has all five contexts as rows.",
)


def hide_contexts(c: Tensor, p: float, generator: torch.Generator) -> Tensor:
    """One coin for each row."""
    return c * (torch.rand((len(c), 1), generator=generator) >= p)


def coins(answer: Callable, c: Tensor, p: float, generator: torch.Generator) -> dict[str, object]:
    """What 300 draws show. Two right answers may draw different coins, so the coins themselves are not compared."""
    before = c.clone()
    first = answer(c, p, generator)
    if not isinstance(first, Tensor) or first.shape != c.shape:
        raise Refused(gettext("It should return contexts of the shape of c, (B, V)."))

    def draws(seed: int, count: int) -> Tensor:
        source = torch.Generator().manual_seed(seed)
        return torch.stack([answer(before.clone(), p, source) for _ in range(count)])

    many = draws(1, 300)
    hidden = (many == 0).all(dim=2)
    rows = hidden.double().mean(dim=0)  # how often each row was hidden
    return {
        gettext("the share of rows of ones"): round(20 * (many == 1).all(dim=2).double().mean().item()) / 20,
        gettext("the largest factor of what is kept"): (many / before).max().item(),
        gettext("what is kept stays as it is"): bool(((many == 0) | (many == before)).all()),
        gettext("each row is hidden or kept as a whole"): bool(((many == 0).any(dim=2) == hidden).all()),
        gettext("some rows are hidden"): bool(hidden.any()),
        gettext("the same generator gives the same coins"): torch.equal(draws(1, 20), many[:20]),
        gettext("another generator, or the next draw, gives other coins"): not (
            torch.equal(draws(2, 20), many[:20]) or torch.equal(many[:20], many[20:40])
        ),
        gettext("each sprite has its own coin"): bool((hidden.any(dim=1) & ~hidden.all(dim=1)).any()),
        gettext("each row is hidden as often as the others"): (rows.max() - rows.min()).item() < 0.25,
        gettext("the share of hidden rows"): round(20 * rows.mean().item()) / 20,  # chance is under 0.01
    }


L3_2 = Exercise(
    "L3.2",
    "the contexts c, with a share p of the rows set to zero, drawn from generator.",
    hide_contexts,
    lambda: [
        (noise(0, 20, 5).abs() + 0.1, 0.15, torch.Generator().manual_seed(0)),
        (noise(1, 31, 9).abs() + 0.1, 0.7, torch.Generator().manual_seed(1)),
    ],
    {
        "Single numbers are hidden: hide all those of a sprite together, with one coin for each sprite, shape (B, 1).": (
            lambda c, p, generator: c * (torch.rand(c.shape, generator=generator) >= p)
        ),
        "The comparison is the wrong way round: 1 - p are hidden, and p are kept.": (
            lambda c, p, generator: c * (torch.rand((len(c), 1), generator=generator) < p)
        ),
        "What is kept stays as it is. (Scaling up is for dropout of features.)": (
            lambda c, p, generator: hide_contexts(c, p, generator) / (1 - p)
        ),
        "The same generator gave other coins the second time: draw with torch.rand(..., generator=generator).": (
            lambda c, p, generator: c * (torch.rand((len(c), 1)) >= p)
        ),
        "All sprites share one coin: draw one for each sprite, shape (B, 1).": (
            lambda c, p, generator: c * (torch.rand(1, generator=generator) >= p)
        ),
        "These are the coins alone: multiply the contexts by them.": (
            lambda c, p, generator: (torch.rand((len(c), 1), generator=generator) >= p).float().expand_as(c).clone()
        ),
        "Every call hides the same rows: draw coins, from the generator as it comes, with no seed of your own.": (
            lambda c, p, generator: hide_contexts(c, p, torch.Generator().manual_seed(0))
        ),
        "The context of no wish is all zeros, not ones.": (
            lambda c, p, generator: torch.where(torch.rand((len(c), 1), generator=generator) < p, 1.0, c)
        ),
        "All contexts became weaker by the factor 1 - p: hide whole rows, and leave the others as they are.": (
            lambda c, p, generator: c * (1 - p)
        ),
        "All contexts became weaker by the factor p: hide whole rows, and leave the others as they are.": (
            lambda c, p, generator: c * p
        ),
        "The coins have the shape (B,); (B, 1) multiplies whole rows: torch.rand((len(c), 1), generator=generator).": (
            lambda c, p, generator: c * (torch.rand(len(c), generator=generator) >= p)
        ),
        "No row is ever hidden.": lambda c, p, generator: c.clone(),
        "torch.randn draws normal numbers, of which another share lies below p: use torch.rand.": (
            lambda c, p, generator: c * (torch.randn((len(c), 1), generator=generator) >= p)
        ),
    },
    "torch.rand((len(c), 1), generator=generator) < p is True for the share p. Multiply c by its opposite.",
    coins,
)


L3_3 = Exercise(
    "L3.3",
    "the guided answer from u, without a wish, and c, with it.",
    guide,
    lambda: [
        (noise(0, 2, 3, 16, 16), noise(1, 2, 3, 16, 16), 2.5),
        (noise(2, 5, 3, 16, 16), noise(3, 5, 3, 16, 16), 0.3),
    ],
    {
        "u and c are swapped: s = 0 must give u, the answer without a wish.": lambda u, c, s: guide(c, u, s),
        "This is the paper's w, which is s - 1: here s = 1 is the plain answer c.": lambda u, c, s: guide(u, c, 1 + s),
        "Add s times the difference c - u, not s times c.": lambda u, c, s: u + s * c,
        "The difference has the wrong sign: it leads away from the wish.": lambda u, c, s: guide(u, c, -s),
        "s = 1 must give c, the answer with the wish; yours gives u.": lambda u, c, s: guide(u, c, s - 1),
        "Multiply the difference by s; you divided by it.": lambda u, c, s: guide(u, c, 1 / s),
        "This is a mean of u and c: it never goes beyond c.": lambda u, c, s: (u + s * c) / (1 + s),
        "The weights s of c and 1 - s of u are right: add the two parts.": lambda u, c, s: s * c - (1 - s) * u,
        "The difference c - u keeps its sign: no absolute value.": lambda u, c, s: u + s * (c - u).abs(),
        "Do not clip: the guided answer may leave the range, the sampler takes care of it.": (
            lambda u, c, s: guide(u, c, s).clamp(-1, 1)
        ),
        "This is only the difference, s times: start at u.": lambda u, c, s: s * (c - u),
        "The difference is taken whole: multiply it by s.": lambda u, c, s: c.clone(),
        "Without brackets s reaches c alone: u + s * (c - u).": lambda u, c, s: s * c,
    },
    "Start at u. Go s times the way from u to c.",
)


class Spy(nn.Module):
    """A stand-in for a network: its answer depends on everything that it is given, and it counts its calls."""

    def __init__(self):
        super().__init__()
        self.calls: list[int] = []

    def forward(self, x: Tensor, t: Tensor, c: Tensor | None = None) -> Tensor:
        self.calls.append(len(x))
        if len(t) != len(x) or (c is not None and len(c) != len(x)):
            if c is None:
                message = gettext("x has {x} entries, t has {t}, c has none: all must be equal.")
                raise ValueError(message.format(x=len(x), t=len(t)))
            message = gettext("x has {x} entries, t has {t}, c has {c}: all must be equal.")
            raise ValueError(message.format(x=len(x), t=len(t), c=len(c)))
        wish = x.new_zeros(1) if c is None else c @ torch.arange(1.0, c.shape[1] + 1)
        wish = wish.reshape(-1, 1, 1, 1)
        return (1 + wish) * x + t.reshape(-1, 1, 1, 1) + wish**2  # not linear: s (c - u) is not what the context s c gives


def halves(model: nn.Module, x: Tensor, t: Tensor, c: Tensor, null: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """The answers without and with a wish, from one call."""
    null = torch.zeros_like(c) if null is None else null
    return model(torch.cat([x, x]), torch.cat([t, t]), torch.cat([null, c])).chunk(2)


def guided_answer(model: nn.Module, x: Tensor, t: Tensor, c: Tensor, s: float) -> Tensor:
    """Both halves in one batch."""
    return guide(*halves(model, x, t, c), s)


def interleaved(model: nn.Module, x: Tensor, t: Tensor, c: Tensor, s: float) -> Tensor:
    """The halves, taken apart as if they alternated."""
    both = torch.cat(halves(model, x, t, c))
    return guide(both[::2], both[1::2], s)


def woven(model: nn.Module, x: Tensor, t: Tensor, c: Tensor, s: float) -> Tensor:
    """Entries that alternate, taken apart as if they were halves."""
    contexts = torch.stack([torch.zeros_like(c), c], dim=1).flatten(0, 1)
    return guide(*model(x.repeat_interleave(2, dim=0), t.repeat_interleave(2), contexts).chunk(2), s)


def asked(answer: Callable, model: Spy, x: Tensor, t: Tensor, c: Tensor, s: float) -> dict[str, object]:
    """The answer, and how often the network was called for it."""
    got = answer(model, x, t, c, s)
    return {gettext("the guided answer"): got, gettext("the number of the model's calls"): len(model.calls)}


L3_4 = Exercise(
    "L3.4",
    "the guided answer u + s (c - u), where c is the network's answer with the contexts and u that without, from one call.",
    guided_answer,
    lambda: [
        (Spy(), noise(0, 3, 3, 16, 16), torch.tensor([0.1, 0.5, 0.9]), torch.eye(5)[:3], 2.5),
        (Spy(), noise(1, 4, 3, 16, 16), torch.tensor([0.7, 0.2, 0.4, 0.3]), torch.eye(7)[[4, 3, 6, 2]], 0.3),
    ],
    {
        "The two halves are swapped: s = 0 must give the answer without a wish.": (
            lambda model, x, t, c, s: guide(*halves(model, x, t, c)[::-1], s)
        ),
        "No wish is a context of zeros; ones mean all classes at once.": (
            lambda model, x, t, c, s: guide(*halves(model, x, t, c, torch.ones_like(c)), s)
        ),
        "The answer is still that of s = 1: the half without a wish is not used.": lambda model, x, t, c, s: model(x, t, c),
        "You multiplied the contexts by s: guide the network's answers.": lambda model, x, t, c, s: model(x, t, s * c),
        "This is the paper's w, which is s - 1: here s = 1 is the plain answer c.": (
            lambda model, x, t, c, s: guided_answer(model, x, t, c, 1 + s)
        ),
        "No wish is a context of zeros, not the opposite of the wish.": (
            lambda model, x, t, c, s: guide(*halves(model, x, t, c, -c), s)
        ),
        "The contexts stay as they are: s multiplies the difference of the answers only.": (
            lambda model, x, t, c, s: guide(*halves(model, x, t, s * c, torch.zeros_like(c)), s)
        ),
        "A context has as many numbers as there are words, not always 5: torch.zeros_like(c).": (
            lambda model, x, t, c, s: guide(*halves(model, x, t, c, torch.zeros(len(c), 5)), s)
        ),
        "The context never reached the network.": lambda model, x, t, c, s: model(x, t),
        "t is divided by T already: give it to the network as it is.": (
            lambda model, x, t, c, s: guided_answer(model, x, t / 500, c, s)
        ),
        "t is given as t / T, which is what the network wants: do not multiply by T.": (
            lambda model, x, t, c, s: guided_answer(model, x, t * 500, c, s)
        ),
        "The halves lie one after the other, but you took every second entry: use .chunk(2).": interleaved,
        "The entries alternate, u and c by turns, but .chunk(2) cuts in the middle: use torch.cat([x, x]).": woven,
        "t has to be doubled like x: torch.cat([t, t]).": (
            lambda model, x, t, c, s: model(torch.cat([x, x]), t, torch.cat([torch.zeros_like(c), c]))
        ),
        "With dim=1 channels and words are joined, not batches: leave dim out of torch.cat.": (
            lambda model, x, t, c, s: model(torch.cat([x, x], 1), torch.cat([t, t]), torch.cat([torch.zeros_like(c), c], 1))
        ),
        "x has to be doubled like t and c: torch.cat([x, x]).": (
            lambda model, x, t, c, s: model(x, torch.cat([t, t]), torch.cat([torch.zeros_like(c), c]))
        ),
        "Half of the contexts is missing: torch.cat([zeros, c]).": (
            lambda model, x, t, c, s: model(torch.cat([x, x]), torch.cat([t, t]), c)
        ),
        "Both answers came back, in one batch of 2B: guide from the one half to the other.": (
            lambda model, x, t, c, s: torch.cat(halves(model, x, t, c))
        ),
        "Right values, but the network was called 2 times: put both halves into one batch of 2B, it is faster.": (
            lambda model, x, t, c, s: guide(model(x, t), model(x, t, c), s)
        ),
    },
    "torch.cat([x, x]), torch.cat([t, t]), torch.cat([zeros, c]); one call; then .chunk(2).",
    asked,
)


def mixtures(a: Tensor, b: Tensor, n: int) -> Tensor:
    """n points with n - 1 gaps."""
    w = torch.linspace(0, 1, n)[:, None]
    return (1 - w) * a + w * b


L3_5 = Exercise(
    "L3.5",
    "n contexts in equal steps, the first is a and the last is b.",
    mixtures,
    lambda: [(noise(0, 5), noise(1, 5), 6), (noise(2, 8), noise(3, 8), 9)],
    {
        "The last context is not b: n points have n - 1 gaps between them.": lambda a, b, n: mixtures(a, b, n + 1)[:-1],
        "The first context is not a: n points have n - 1 gaps between them.": lambda a, b, n: mixtures(a, b, n + 1)[1:],
        "Neither a nor b is there: both ends count.": lambda a, b, n: mixtures(a, b, n + 2)[1:-1],
        "The walk runs from b to a.": lambda a, b, n: mixtures(b, a, n),
        "One context too many: both ends count, so n points have n - 1 gaps.": lambda a, b, n: mixtures(a, b, n + 1),
        "Rows and columns are exchanged: each context is a row.": lambda a, b, n: mixtures(a, b, n).T,
        "a must become weaker while b becomes stronger: (1 - w) * a + w * b.": (
            lambda a, b, n: a + torch.linspace(0, 1, n)[:, None] * b
        ),
        "The steps are not equal: use torch.linspace(0, 1, n) as it is.": (
            lambda a, b, n: a + torch.linspace(0, 1, n)[:, None] ** 2 * (b - a)
        ),
        "The path begins at a: add a to the steps.": lambda a, b, n: mixtures(torch.zeros_like(a), b - a, n),
        "The path jumps from a to b in the middle: it goes in equal steps.": (
            lambda a, b, n: torch.stack([a if k < n / 2 else b for k in range(n)])
        ),
        "The first context is not a, and the last lies beyond b: count from 0 to n - 1.": (
            lambda a, b, n: a + torch.arange(1, n + 1)[:, None] / (n - 1) * (b - a)
        ),
        "Do not clip: a context may hold any numbers.": lambda a, b, n: mixtures(a, b, n).clamp(0, 1),
        "w has the shape (n,) and a context (V,): reshape w to (n, 1).": (
            lambda a, b, n: (1 - torch.linspace(0, 1, n)) * a + torch.linspace(0, 1, n) * b
        ),
    },
    "Where w is 0, the context is a alone; where w is 1, b alone. As the one grows, the other shrinks.",
)

EXERCISES = (L3_1, L3_2, L3_3, L3_4, L3_5)
