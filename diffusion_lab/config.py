"""What decides the result of a training: its settings, their defaults and their ranges."""

import math
from dataclasses import dataclass, fields
from operator import index

from .language import gettext, later
from .schedules import SCHEDULES
from .steps import PREDICTIONS

MOST_T = 10_000  # a table of alpha_bar is made of it; the papers' T are 500 to 4,000
MOST_FEATURES = 1024  # 64 are 1.5 million parameters, 1024 are 380 million
MOST_BATCH = 65_536


@dataclass(frozen=True)
class TrainConfig:
    """Everything that decides the result of a training run, one choice a line. ValueError for values out of range."""

    updates: int = 10000  # of the weights
    batch: int = 64  # sprites per update
    lr: float = 1e-2  # the highest learning rate; Muon and BatchNorm let it be large
    warmup: int = 300  # updates until the learning rate is reached; then it falls as a half cosine to 0
    weight_decay: float = 1e-2
    ema: float = 0.999  # share of the average of the weights that stays while 64 sprites are seen
    context_dropout: float = 0.12  # how often all words are dropped: the network learns to do without
    word_dropout: float = 0.4  # how often each word is dropped by a coin, but one: it learns what single words mean
    flip: bool = False  # mirror every other sprite
    shift: int = 0  # move each sprite by up to so many pixels
    hue: float = 0.0  # turn the colours of each sprite by up to so many degrees
    prediction: str = "v"  # what the network answers
    schedule: str = "cosine"  # it ends at pure noise, where sampling begins
    T: int = 500
    n_feat: int = 64  # the width of the network: half of it is four times as fast
    seed: int = 0
    precision: str = "auto"  # "bf16", "fp32", or "auto": bf16 where the processor gains from it

    def __post_init__(self):
        for field in fields(self):
            object.__setattr__(self, field.name, _as(field.type, field.name, getattr(self, field.name)))
        for name, low, high in (
            ("updates", 1, 10**12),
            ("batch", 2, MOST_BATCH),
            ("T", 1, MOST_T),
            ("n_feat", 8, MOST_FEATURES),
            ("warmup", 0, 10**12),
            ("seed", 0, 2**63 - 1),
            ("shift", 0, 32),
        ):
            value = getattr(self, name)
            if not low <= value <= high:
                wrong = gettext("{name} must be a whole number from {low} to {high:,}, not {value!r}.")
                if high >= 10**12:
                    wrong = gettext("{name} must be a whole number from {low}, not {value!r}.")
                elif name == "batch" and value == 1:
                    wrong = gettext(
                        "{name} must be a whole number from {low} to {high:,}, not {value!r}: "
                        "BatchNorm needs something to average over."
                    )
                raise ValueError(wrong.format(name=name, low=low, high=high, value=value))
        if self.n_feat % 8:
            near = 8 * max(1, round(self.n_feat / 8))
            wrong = gettext("n_feat must be a multiple of 8, as GroupNorm makes 8 groups of it: take {near}, not {n}.")
            raise ValueError(wrong.format(near=near, n=self.n_feat))
        for name, fits, range_ in (
            ("lr", 0 < self.lr <= 10, later("above 0 and at most 10")),
            ("weight_decay", 0 <= self.weight_decay <= 10, later("from 0 to 10")),
            ("ema", 0 <= self.ema < 1, later("from 0 to below 1")),
            ("context_dropout", 0 <= self.context_dropout <= 1, later("from 0 to 1")),
            ("word_dropout", 0 <= self.word_dropout <= 1, later("from 0 to 1")),
            ("hue", 0 <= self.hue <= 180, later("from 0 to 180 degrees")),
        ):
            if not fits:
                wrong = gettext("{name} must be {wanted}, not {value!r}.")
                raise ValueError(wrong.format(name=name, wanted=gettext(range_), value=getattr(self, name)))
        for name, known in (("prediction", PREDICTIONS), ("schedule", SCHEDULES), ("precision", ("auto", "bf16", "fp32"))):
            if getattr(self, name) not in known:
                wrong = gettext("{name} must be one of {known}, not {value!r}.")
                raise ValueError(wrong.format(name=name, known=", ".join(known), value=getattr(self, name)))


def _as(kind: type, name: str, value):
    """A setting as Python's own int, float, bool or str: a NumPy integer is a whole number. ValueError for another kind."""
    try:
        if kind is int and not isinstance(value, bool):
            return index(value)
        if kind is float and not isinstance(value, (bool, str)) and math.isfinite(float(value)):
            return float(value)
        if kind in (bool, str) and isinstance(value, kind):
            return value
    except (TypeError, ValueError, OverflowError):
        pass
    wanted = {
        int: gettext("a whole number"),
        float: gettext("a finite number"),
        bool: gettext("True or False"),
        str: gettext("a text"),
    }
    raise ValueError(gettext("{name} must be {wanted}, not {value!r}.").format(name=name, wanted=wanted[kind], value=value))
