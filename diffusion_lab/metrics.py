"""How good are the samples? Distances between sets of sprites, agreement with what was asked, and a search for copies.

    model, schedule = load_model()
    evaluate(model, schedule).samples.ratio   # 1 is as good as real sprites that the network never saw

The features are the last hidden layer of a classifier of the sprites' kinds: Inception's, made for photographs, say
nothing about 16×16 pixels.
"""

import time
from collections.abc import Callable
from numbers import Integral
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from .distances import PER_FEATURE, density_coverage, frechet_distance, kernel_distance, nearest_two, precision_recall
from .likeness import SAME, draw
from .samplers import State
from .schedules import Schedule
from .sprites import (
    CLASSES,
    SIZE,
    colours,
    load_kinds,
    load_sprites,
    load_words,
    packaged_file,
    to_tensors,
    to_uint8,
    unseen_pairs,
)

FEATURES = 32  # numbers that describe a sprite: a few, so that some hundred samples suffice
DRAWS = 5  # sets of training sprites to compare with, and of held-out ones for the floor: means are less noisy
MOST = 1000  # sprites that a judge compares; for more of them the held-out set is too small


class SpriteClassifier(nn.Module):
    """A small convolutional network: (B, channels, H, W) in [-1, 1] to `features` (B, F) and to logits (B, outputs)."""

    def __init__(self, outputs: int, features: int = FEATURES, width: int = 24, channels: int = 3):
        super().__init__()

        def block(inside: int, outside: int, stride: int) -> nn.Sequential:
            convolution = nn.Conv2d(inside, outside, 3, stride, 1, bias=False)
            return nn.Sequential(convolution, nn.BatchNorm2d(outside), nn.GELU())

        self.body = nn.Sequential(
            block(channels, width, 1),
            block(width, 2 * width, 2),  # 8×8 of 16×16
            block(2 * width, 2 * width, 1),
            block(2 * width, 4 * width, 2),  # 4×4
            block(4 * width, features, 1),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
        )
        self.head = nn.Linear(features, outputs)

    def features(self, x: Tensor) -> Tensor:
        """The last hidden layer, (B, F)."""
        return self.body(x)

    def forward(self, x: Tensor) -> Tensor:
        """Logits (B, outputs)."""
        return self.head(self.body(x))


def load_classifier(name: str) -> SpriteClassifier:
    """A classifier that comes with the package: "sprite_classifier" (108 kinds; its features), "label_classifier" (5), or
    "fashion_classifier" (ten garments)."""
    state = torch.load(packaged_file("weights", f"{name}.pt"), map_location="cpu", weights_only=True)
    outputs, features = state["model"]["head.weight"].shape
    model = SpriteClassifier(outputs, features, *state["model"]["body.0.0.weight"].shape[:2])
    model.load_state_dict(state["model"])
    return model.eval().requires_grad_(False)


class Scores(NamedTuple):
    """What `Judge.scores` finds; distances: lower is better, shares: 0 to 1."""

    frechet: float
    ratio: float  # frechet / that of held-out real sprites; 1 is as good as real
    kid: float
    precision: float
    recall: float
    density: float
    coverage: float
    agreement: tuple[float, ...] | None  # by class: the share that the label classifier names as asked
    kind: float | None  # the share that the sprite classifier names as the kind that was asked for
    colour: float | None  # the share of the colours asked for that the rule on pixels finds
    copies: float  # the share with nearest / second-nearest training sprite below 1/3
    near: float  # the share nearer to a training sprite than 99 % of the held-out sprites


class Judge:
    """The real sprites that n samples are compared with: five draws of n for training, five of held-out ones.

    A draw has as many sprites of each class, and within a class kinds by chance, as a perfect model would. `real` holds the
    mean scores of the held-out draws: what such a model would get. The same n gives the same sprites; scores of different n
    cannot be compared. ValueError if n is too small for the features or too large for the held-out set.
    """

    def __init__(self, n: int = 1000):
        least = PER_FEATURE * FEATURES
        if isinstance(n, bool) or not isinstance(n, Integral) or not least <= n <= MOST:
            raise ValueError(f"n must be a whole number from {least} to {MOST}, not {n!r}.")
        self.n = n
        self._kinds, self._labels = load_classifier("sprite_classifier"), load_classifier("label_classifier")
        (train, _), (held_out, _) = (to_tensors(load_sprites(split)) for split in ("train", "held_out"))
        contexts, self.words = load_words("held_out")
        self.train = torch.from_numpy(np.unique(train.flatten(1).numpy(), axis=0))
        self._near = nearest_two(held_out, self.train)[:, 0].quantile(0.01)
        generator = torch.Generator().manual_seed(0)
        self._references = [self.features(train[draw_rows("train", n, generator)]) for _ in range(DRAWS)]
        draws = [draw_rows("held_out", n, generator) for _ in range(DRAWS)]
        self._floor = float(np.mean([self._frechet(self.features(held_out[rows])) for rows in draws]))
        self.real = _mean([self.scores(held_out[rows], torch.from_numpy(contexts[rows])) for rows in draws])

    def features(self, images: Tensor) -> Tensor:
        """(B, 32) for images (B, 3, 16, 16) in [-1, 1]."""
        with torch.no_grad():
            return torch.cat([self._kinds.features(part) for part in images.split(500)])

    def agreement(self, images: Tensor, contexts: Tensor) -> tuple[float, ...]:
        """By class, the share of images that the label classifier names as their context says.

        contexts: (B, 5), one-hot. ValueError if one is not, or if a class was not asked for at all.
        """
        asked = contexts.argmax(1)
        if not torch.equal(contexts, torch.eye(len(CLASSES))[asked]) or len(asked.unique()) < len(CLASSES):
            raise ValueError("label agreement needs contexts that are one-hot, and each class among them.")
        with torch.no_grad():
            named = torch.cat([self._labels(part).argmax(1) for part in images.split(500)])
        return tuple((named[asked == k] == k).double().mean().item() for k in range(len(CLASSES)))

    def kinds_right(self, images: Tensor, contexts: Tensor) -> Tensor:
        """(B,) bool: does the sprite classifier name each image's kind as its words (B, V) say? A kind's name is enough."""
        names = [name.split(": ") for name in load_kinds()[1]]
        with torch.no_grad():
            named = torch.cat([self._kinds(part).argmax(1) for part in images.split(500)])
        column = torch.tensor([self.words.index(kind) for _, kind in names])
        owner = torch.tensor([CLASSES.index(of) for of, _ in names])
        asked = contexts[torch.arange(len(images)), column[named]] > 0
        classes = contexts[:, : len(CLASSES)]
        return asked & ((classes[torch.arange(len(images)), owner[named]] > 0) | (classes == 0).all(1))

    def colours_right(self, images: Tensor, contexts: Tensor) -> Tensor:
        """(B, 11) bool, and which colours were asked for: those that the rule on pixels finds among them, (2, B, 11)."""
        found, words = colours(to_uint8(images))
        asked = contexts[:, [self.words.index(word) for word in words]] > 0
        return torch.stack([torch.from_numpy(found) & asked, asked])

    def scores(self, images: Tensor, contexts: Tensor | None = None) -> Scores:
        """All figures for n samples. images: (n, 3, 16, 16). contexts: what was asked for, (n, 5) one-hot classes or (n, V)
        words of the sprite set; None if nothing was.

        ValueError for another number of samples or contexts, or samples that are not finite numbers.
        """
        images = images.detach().cpu().float()
        if images.shape != (self.n, 3, SIZE, SIZE):
            raise ValueError(f"this judge compares {self.n} sprites, ({self.n}, 3, 16, 16), not {tuple(images.shape)}.")
        if contexts is not None and contexts.shape not in ((self.n, len(CLASSES)), (self.n, len(self.words))):
            raise ValueError(
                f"there must be {self.n} contexts, ({self.n}, {len(CLASSES)}) or ({self.n}, {len(self.words)}), "
                f"not {tuple(contexts.shape)}."
            )
        if not images.isfinite().all():
            raise ValueError("some samples are not finite numbers: look at the sampler or the weights.")
        images = images.clamp(-1, 1).contiguous()
        made = self.features(images)
        frechet = self._frechet(made)
        kid = float(np.mean([kernel_distance(made, real) for real in self._references]))
        shares = [precision_recall(real, made) + density_coverage(real, made) for real in self._references]
        two = nearest_two(images, self.train)
        agreement = kind = colour = None
        if contexts is not None:
            contexts = contexts.detach().cpu().float()
            agreement = self.agreement(images, contexts[:, : len(CLASSES)])
            if contexts.shape[1] > len(CLASSES):
                kind = self.kinds_right(images, contexts).double().mean().item()
                right, asked = self.colours_right(images, contexts)
                colour = (right.sum() / asked.sum()).item()
        return Scores(
            frechet,
            frechet / self._floor,
            kid,
            *(float(share) for share in np.mean(shares, axis=0)),
            agreement,
            kind,
            colour,
            (two[:, 0] < SAME * two[:, 1]).double().mean().item(),
            (two[:, 0] < self._near).double().mean().item(),
        )

    def _frechet(self, made: Tensor) -> float:
        return float(np.mean([frechet_distance(made, real) for real in self._references]))


class Evaluation(NamedTuple):
    """What `evaluate` finds. samples: the network's scores; held_out: those of real sprites; unseen: of the pairs of kind and
    colour kept out of training, the share with both right, None if it was not asked for them; seconds: for the samples."""

    samples: Scores
    held_out: Scores
    unseen: float | None
    seconds: float

    def table(self) -> str:
        """All figures, a line each: the samples beside held-out real sprites."""
        a, b = self.samples, self.held_out
        rows = [("Fréchet distance", a.frechet, b.frechet, 2), ("  ratio to real sprites", a.ratio, b.ratio, 2)]
        for name in ("kid", "precision", "recall", "density", "coverage"):
            rows.append((name.replace("kid", "KID"), getattr(a, name), getattr(b, name), 3))
        if a.agreement:
            rows.append(("class as asked", np.mean(a.agreement), np.mean(b.agreement), 3))
            rows += [(f"  {name}", *pair, 3) for name, *pair in zip(CLASSES, a.agreement, b.agreement, strict=True)]
        if a.kind is not None:
            rows += [("kind as asked", a.kind, b.kind, 3), ("colours as asked", a.colour, b.colour, 3)]
        if self.unseen is not None:
            rows.append(("kind and colours, pairs never seen", self.unseen, None, 3))
        rows.append((f"copies (nearest / second < {SAME:.2f})", a.copies, b.copies, 3))
        rows.append(("nearer than 99 % of real sprites", a.near, b.near, 3))
        lines = [f"{'':36}{'samples':>10}{'held-out real sprites':>24}"]
        for name, made, real, digits in rows:
            lines.append(f"{name:36}{made:10.{digits}f}" + ("" if real is None else f"{real:24.{digits}f}"))
        return "\n".join(lines)


def evaluate(
    model: nn.Module,
    schedule: Schedule,
    n: int = 1000,
    *,
    sampler: str = "ddim",
    steps: int | None = None,
    eta: float | None = None,
    guidance: float = 1.0,
    asked: bool = True,
    pairs: bool = True,
    seed: int = 0,
    batch: int = 100,
    judge: Judge | None = None,
    progress: Callable[[State, int], None] = lambda state, n: None,
) -> Evaluation:
    """Draw n sprites and compare them with real ones.

    A network with the words of the sprite set is asked for full descriptions, as often as they occur in training sprites; one
    of five classes for the classes in turn; with asked=False for nothing. sampler: a name in `SAMPLERS`, with its steps, eta
    and guidance. pairs: also draw n sprites of the pairs never seen, if it knows words. judge: one of n, to use again; a new
    one if None. progress: called with each state and its batch's size.
    ValueError for a network of other pictures or words.
    """
    words = model.words.words
    if (model.in_channels, model.height) != (3, SIZE) or words not in (CLASSES, load_words()[1]):
        raise ValueError("These weights draw other pictures than the sprite set's; evaluate compares with that set only.")
    generator = torch.Generator().manual_seed(seed)

    def samples(contexts: Tensor | None, n: int) -> Tensor:
        how = {"sampler": sampler, "steps": steps, "eta": eta, "guidance": guidance, "batch": batch, "progress": progress}
        return draw(model, schedule, n, contexts, generator, **how)

    contexts = None
    if asked and words == CLASSES:
        contexts = torch.eye(len(CLASSES))[torch.arange(n) % len(CLASSES)]
    elif asked:
        contexts = torch.from_numpy(load_words()[0][draw_rows("train", n, generator)])
    judge = judge or Judge(n)
    begin = time.perf_counter()
    images = samples(contexts, n)
    seconds = time.perf_counter() - begin
    unseen = None
    if pairs and contexts is not None and words != CLASSES:
        pairs = unseen_pairs()
        wishes = torch.stack([model.words.context(*pairs[k % len(pairs)]) for k in range(n)])
        made = samples(wishes, n)
        right, asked_for = judge.colours_right(made, wishes)
        unseen = (judge.kinds_right(made, wishes) & (right == asked_for).all(1)).double().mean().item()
    return Evaluation(judge.scores(images, contexts), judge.real, unseen, seconds)


def _mean(scores: list[Scores]) -> Scores:
    """The mean of each figure."""
    return Scores(
        *(
            tuple(np.mean(column, axis=0).tolist()) if np.ndim(column) == 2 else float(np.mean(column))
            for column in zip(*scores, strict=True)
        )
    )


def draw_rows(split: str, n: int, generator: torch.Generator) -> Tensor:
    """Rows of `load_sprites(split)`, (n,): the classes in turn, within a class the kinds by chance, each sprite once.

    (Once, unless chance asks for more sprites of a kind than there are.) A split itself has exactly as many of each kind;
    a plain draw from it would be more even than chance, and the floor too low.
    """
    kinds, names = load_kinds(split)
    kinds = torch.from_numpy(kinds)
    each, columns = -(-n // len(CLASSES)), []
    for name in CLASSES:
        own = torch.tensor([k for k, kind in enumerate(names) if kind.startswith(f"{name}: ")])
        wanted = own[torch.randint(len(own), (each,), generator=generator)]
        column = torch.empty_like(wanted)
        for kind in own:
            pool = torch.where(kinds == kind)[0]
            pool = pool[torch.randperm(len(pool), generator=generator)]
            places = torch.where(wanted == kind)[0]
            column[places] = pool[torch.arange(len(places)) % len(pool)]
        columns.append(column)
    return torch.stack(columns, 1).flatten()[:n]
