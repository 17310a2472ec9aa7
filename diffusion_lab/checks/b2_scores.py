"""Checks of the last two exercises of B2: a score from counts, and TensorBoard's smoothing."""

import math
from collections.abc import Callable
from itertools import accumulate

import torch
from torch import Tensor

from ..language import gettext
from .compare import Refused
from .exercise import Exercise, noise


def macro_f1(table: Tensor) -> Tensor:
    """The mean F1 of the classes that occur or are named."""
    hits, doubles = table.diagonal(), table.sum(dim=0) + table.sum(dim=1)
    known = doubles > 0
    return (2 * hits[known] / doubles[known]).mean()


def from_counts(formula: Callable) -> Callable:
    """An answer from its formula with hits, false alarms and misses of each class that occurs or is named."""

    def answer(table: Tensor) -> Tensor:
        hits = table.diagonal().double()
        alarms, misses = table.sum(dim=0) - hits, table.sum(dim=1) - hits
        known = hits + alarms + misses > 0
        return formula(hits[known], alarms[known], misses[known])

    return answer


def safe(above: Tensor, below: Tensor) -> Tensor:
    """A quotient that is 0 for 0 / 0."""
    return above / below.clamp(min=1e-12)


def weighted(hits: Tensor, alarms: Tensor, misses: Tensor) -> Tensor:
    """The mean by how often each class occurs."""
    return (2 * hits / (2 * hits + alarms + misses) * (hits + misses)).sum() / (hits + misses).sum()


def of_means(hits: Tensor, alarms: Tensor, misses: Tensor) -> Tensor:
    """F1 of mean precision and mean recall."""
    precision, recall = safe(hits, hits + alarms).mean(), safe(hits, hits + misses).mean()
    return 2 * precision * recall / (precision + recall)


def all_classes(table: Tensor) -> Tensor:
    """A class that is nowhere counts as 0."""
    return safe(2.0 * table.diagonal(), table.sum(dim=0) + table.sum(dim=1)).mean()


def counts(seed: int, classes: int, unnamed: tuple[int, ...] = (), absent: tuple[int, ...] = ()) -> Tensor:
    """A confusion matrix by chance, its diagonal larger. unnamed: classes that are never named. absent: that never occur."""
    generator = torch.Generator().manual_seed(seed)
    table = torch.randint(1, 9, (classes, classes), generator=generator)
    table += torch.randint(5, 40, (classes,), generator=generator).diag()
    table *= torch.arange(1, classes + 1)[:, None]  # some classes occur more often: precision and recall differ
    for k in unnamed:
        table[:, k] = 0
    for k in absent:
        table[k] = 0
    return table


def a_number(answer: Callable, table: Tensor) -> object:
    """What macro_f1 gives. Refused if it is nan."""
    given = answer(table)
    if isinstance(given, float | Tensor) and torch.as_tensor(given).isnan().any():
        raise Refused(gettext("The result is nan: a class that is never named, never occurs, or is nowhere, gives 0 / 0."))
    return given


B2_4 = Exercise(
    "B2.4",
    "the mean of the classes' F1, over those that occur or are named.",
    macro_f1,
    lambda: [
        (counts(0, 5),),
        (counts(1, 3, unnamed=(2,)),),
        (counts(2, 7, unnamed=(1, 3, 4), absent=(1, 4)),),  # 1 and 4 are nowhere
        (counts(3, 4, absent=(1,)),),
    ],
    {
        "This is the accuracy, which is micro F1: take each class's F1 first, then the mean.": from_counts(
            lambda hits, alarms, misses: hits.sum() / (hits + misses).sum()
        ),
        "The classes are weighted by how often they occur: macro counts each once.": from_counts(weighted),
        "This is the F1 of the mean precision and the mean recall: take each class's F1, then the mean.": from_counts(of_means),
        "This is the mean precision: F1 has the misses, too.": from_counts(lambda h, a, m: safe(h, h + a).mean()),
        "This is the mean recall: F1 has the false alarms, too.": from_counts(lambda h, a, m: safe(h, h + m).mean()),
        "This is the arithmetic mean of precision and recall: F1 is the harmonic one.": from_counts(
            lambda h, a, m: ((safe(h, h + a) + safe(h, h + m)) / 2).mean()
        ),
        "This is the root of precision times recall: F1 is the harmonic mean.": from_counts(
            lambda h, a, m: (safe(h, h + a) * safe(h, h + m)).sqrt().mean()
        ),
        "The factor 2 is missing above: F1 = 2 hits / (2 hits + false alarms + misses).": from_counts(
            lambda h, a, m: (h / (2 * h + a + m)).mean()
        ),
        "Below, the hits stand twice: F1 = 2 hits / (2 hits + false alarms + misses).": from_counts(
            lambda h, a, m: (2 * h / (h + a + m)).mean()
        ),
        "A column's sum and a row's hold the hits already: both together are 2 hits + false alarms + misses.": from_counts(
            lambda h, a, m: (2 * h / (4 * h + a + m)).mean()
        ),
        "This is the mean of hits / (hits + false alarms + misses), the Jaccard index.": from_counts(
            lambda h, a, m: (h / (h + a + m)).mean()
        ),
        "Each class's F1 is right; take their mean.": from_counts(lambda h, a, m: 2 * h / (2 * h + a + m)),
        "The F1 are added up: take their mean.": from_counts(lambda h, a, m: (2 * h / (2 * h + a + m)).sum()),
        "A class that is nowhere counts as 0 here: leave it out of the mean.": all_classes,
        "A class that is never named is left out: it occurs, so its F1 is 0 and counts.": from_counts(
            lambda h, a, m: (2 * h / (2 * h + a + m))[h + a > 0].mean()
        ),
        "A class that never occurs is left out, although it is named: its F1 is 0 and counts.": from_counts(
            lambda h, a, m: (2 * h / (2 * h + a + m))[h + m > 0].mean()
        ),
        "All classes without a hit are left out: only one that neither occurs nor is named is.": from_counts(
            lambda h, a, m: (2 * h / (2 * h + a + m))[h > 0].mean()
        ),
        "The median is taken: macro is the mean.": from_counts(lambda h, a, m: (2 * h / (2 * h + a + m)).median()),
    },
    "The diagonal holds the hits; a column's sum is how often a class was named, a row's how often it occurs. "
    "2 hits / (named + occurs) for each class where that sum is not 0; then the mean.",
    a_number,
)


def smooth(values: Tensor, weight: float) -> Tensor:
    """TensorBoard's smoothing."""
    kept, out = 0.0, []
    for n, value in enumerate(values, start=1):
        kept = weight * kept + (1 - weight) * value
        out.append(kept / (1 - weight**n))
    return torch.stack(out)


def walked(step: Callable, start: Callable = lambda values: 0.0) -> Callable:
    """An answer from its step: (kept, value, weight, n) to (kept, shown)."""

    def answer(values: Tensor, weight: float) -> Tensor:
        kept, out = start(values), []
        for n, value in enumerate(values, start=1):
            kept, shown = step(kept, value, weight, n)
            out.append(shown)
        return torch.stack(out)

    return answer


def moved(kept: float | Tensor, value: Tensor, weight: float) -> Tensor:
    """The average after one more value."""
    return weight * kept + (1 - weight) * value


def twice(kept: float | Tensor, value: Tensor, weight: float, n: int) -> tuple[Tensor, Tensor]:
    """The corrected average goes on."""
    made = moved(kept, value, weight) / (1 - weight**n)
    return made, made


def corrections(values: Tensor, weight: float) -> Tensor:
    """1 - weight^n for each value."""
    return 1 - weight ** torch.arange(1, len(values) + 1)


def last_few(values: Tensor, weight: float) -> Tensor:
    """The mean of as many values as the average remembers."""
    few = max(1, math.ceil(1 / (1 - weight) - 1e-9))
    return torch.stack([values[max(0, n - few) : n].mean() for n in range(1, len(values) + 1)])


B2_5 = Exercise(
    "B2.5",
    "the smoothed values, as many as there are values.",
    smooth,
    lambda: [(noise(0, 9) + 2, 0.6), (3 * noise(1, 30), 0.95), (noise(2, 4) - 5, 0.8)],
    {
        "The correction is missing: the average begins at 0, so divide what you show by 1 - weight**n.": walked(
            lambda kept, value, w, n: (moved(kept, value, w),) * 2
        ),
        "The average begins at the first value here: TensorBoard begins at 0 and divides by 1 - weight**n.": walked(
            lambda kept, value, w, n: (moved(kept, value, w),) * 2, lambda values: values[0]
        ),
        "The corrected value is carried on: correct only what you show.": walked(twice),
        "The shares are exchanged: weight of the old, 1 - weight of the new.": walked(
            lambda kept, value, w, n: (moved(kept, value, 1 - w), moved(kept, value, 1 - w) / (1 - (1 - w) ** n))
        ),
        "The shares of old and new are exchanged; the correction is right for neither.": walked(
            lambda kept, value, w, n: (moved(kept, value, 1 - w), moved(kept, value, 1 - w) / (1 - w**n))
        ),
        "The first value is number 1: n is one too large.": walked(
            lambda kept, value, w, n: (moved(kept, value, w), moved(kept, value, w) / (1 - w ** (n + 1)))
        ),
        "The first value is number 1: with n from 0 the first is divided by 1 - weight**0, which is 0.": walked(
            lambda kept, value, w, n: (moved(kept, value, w), moved(kept, value, w) / (1 - w ** (n - 1)))
        ),
        "You divide by 0: n is 0 for the first value, and weight**0 is 1. Count from 1.": (
            lambda values, weight: values[0].item() / (1 - weight**0)
        ),
        "n is the number of the value that is shown, not of all values.": (
            lambda values, weight: smooth(values, weight) * corrections(values, weight) / (1 - weight ** len(values))
        ),
        "(1 - weight)**n is another number: divide by 1 - weight**n.": walked(
            lambda kept, value, w, n: (moved(kept, value, w), moved(kept, value, w) / (1 - w) ** n)
        ),
        "Always divided by 1 - weight: the power n is missing.": walked(
            lambda kept, value, w, n: (moved(kept, value, w), moved(kept, value, w) / (1 - w))
        ),
        "You multiply by the correction: divide by it.": walked(
            lambda kept, value, w, n: (moved(kept, value, w), moved(kept, value, w) * (1 - w**n))
        ),
        "The new value comes in whole: its share is 1 - weight.": walked(
            lambda kept, value, w, n: (w * kept + value, (w * kept + value) / (1 - w**n))
        ),
        "This is the mean of all values so far: older ones must fade.": (
            lambda values, weight: values.cumsum(0) / torch.arange(1, len(values) + 1)
        ),
        "This is a mean over a window: TensorBoard's average fades.": last_few,
        "Only the last smoothed value is returned: one for each value is asked for.": (
            lambda values, weight: smooth(values, weight)[-1]
        ),
        "The values run backwards: begin with the first.": lambda values, weight: smooth(values.flip(0), weight).flip(0),
        "Nothing is smoothed: these are the values.": lambda values, weight: values.clone(),
        "The largest values so far are no average.": (
            lambda values, weight: torch.tensor(list(accumulate(values.tolist(), max)))
        ),
    },
    "Keep one number, at first 0. For value n: kept = weight * kept + (1 - weight) * value. Show kept / (1 - weight**n).",
)
