"""Training: the loss, the loop, and what a checkpoint holds."""

import hashlib
import math
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn

from .devices import Recorded, best_device, best_memory_format, gains_from_bf16
from .distributed import mean_of_all, share, world, wrap
from .ema import EMA
from .files import read_state, write_safely
from .muon import Muon
from .schedules import SCHEDULES, Schedule
from .sprites import CLASSES
from .steps import PREDICTIONS, perturb, target
from .unet import ContextUnet
from .weights import CHECKPOINT, Sampling, VersionError, build, describe, save
from .words import Vocabulary, drop_words

LOSS_EVERY = 50  # updates that one recorded loss is the mean of
OTHER_VERSION = "{} was written by another version of diffusion_lab; begin the training again."


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
    prediction: str = "v"  # what the network answers
    schedule: str = "linear"
    T: int = 500
    n_feat: int = 64  # the width of the network: half of it is four times as fast
    seed: int = 0
    precision: str = "auto"  # "bf16", "fp32", or "auto": bf16 where the processor gains from it

    def __post_init__(self):
        for name in ("updates", "batch", "T"):
            if not isinstance(getattr(self, name), int) or getattr(self, name) < 1:
                raise ValueError(f"{name} must be a whole number from 1, not {getattr(self, name)!r}.")
        if self.batch < 2:
            raise ValueError("batch must be at least 2: BatchNorm needs something to average over.")
        for name, fits, range_ in (
            ("lr", 0 < self.lr < math.inf, "above 0"),
            ("warmup", self.warmup >= 0, "0 or more"),
            ("ema", 0 <= self.ema < 1, "from 0 to below 1"),
            ("context_dropout", 0 <= self.context_dropout <= 1, "from 0 to 1"),
            ("word_dropout", 0 <= self.word_dropout <= 1, "from 0 to 1"),
        ):
            if not fits:
                raise ValueError(f"{name} must be {range_}, not {getattr(self, name)!r}.")
        for name, known in (("prediction", PREDICTIONS), ("schedule", SCHEDULES), ("precision", ("auto", "bf16", "fp32"))):
            if getattr(self, name) not in known:
                raise ValueError(f"{name} must be one of {', '.join(known)}, not {getattr(self, name)!r}.")


class Progress(NamedTuple):
    """What `Run.advance` and `distil` report after each update: the step (from 1), its loss and its learning rate."""

    step: int
    loss: Tensor
    lr: float


def diffusion_loss(model: ContextUnet, x0: Tensor, c: Tensor, t: Tensor, eps: Tensor, schedule: Schedule) -> Tensor:
    """Mean squared error of the network's prediction at x_t (Ho et al. 2020, eq. 14, for any prediction).

    x0, eps: (B, C, H, W). c: (B, V), zeros where words were dropped. t: (B,) whole numbers in 1..T, on the CPU.
    """
    x_t = perturb(x0, t, eps, schedule.alpha_bar)
    output = model(x_t, (t / schedule.T).to(x_t), c)
    return (output.float() - target(model.prediction, x0, t, eps, schedule.alpha_bar)).square().mean()


def check_pairs(images: Tensor, contexts: Tensor):
    """ValueError if there are not as many contexts as images."""
    if len(images) != len(contexts):
        raise ValueError(f"There are {len(images)} images and {len(contexts)} contexts; the numbers must be equal.")


def learning_rate(step: int, config: TrainConfig) -> float:
    """The learning rate of update `step` (from 0): a straight warm-up, then a half cosine down to 0."""
    if step < config.warmup:
        return config.lr * (step + 1) / config.warmup
    done = (step - config.warmup) / max(config.updates - config.warmup, 1)
    return config.lr * 0.5 * (1 + math.cos(math.pi * min(done, 1.0)))


def train_step(loss: Tensor, optimizer: torch.optim.Optimizer, lr: float | Tensor):
    """One update of the weights: a step of size `lr` down the slope of `loss`."""
    for group in optimizer.param_groups:
        group["lr"] = lr
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()


class Run:
    """A training run: all that changes while it goes on. `advance` does the work; `save` and `Run.load` keep it."""

    def __init__(
        self,
        config: TrainConfig,
        device: torch.device | str | None = None,
        *,
        words: tuple[str, ...] = CLASSES,
        sampling: Sampling | None = None,
        network: nn.Module | None = None,
    ):
        """A new run. device: `best_device()` if None. words: the names of the context's numbers. sampling: how the network is
        meant to be sampled. network: what to train; a new ContextUnet for these words if None."""
        self.device = torch.device(device or best_device())
        if config.precision == "auto":
            config = replace(config, precision="bf16" if gains_from_bf16(self.device) else "fp32")
        self.config, self.step = config, 0
        self.schedule = SCHEDULES[config.schedule](config.T)
        if self.device.type == "cuda":
            self.schedule = Schedule(config.schedule, self.schedule.alpha_bar.to(self.device))
        self.vocabulary = Vocabulary.of(words, torch.zeros(0, len(words)))  # `advance` counts the descriptions of its data
        self.sampling = sampling or Sampling(steps=min(25, config.T))
        self.generator = torch.Generator().manual_seed(config.seed)  # on the CPU: the same order on every device
        on_gpu = self.device.type == "cuda"  # where all other draws are made on the GPU, so that it need not wait for them
        self.draws = torch.Generator(self.device).manual_seed(config.seed) if on_gpu else self.generator
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(config.seed)
            new = ContextUnet(n_feat=config.n_feat, n_cfeat=len(words), prediction=config.prediction)
        model = new if network is None else network
        if model.prediction != config.prediction or model.n_cfeat != len(words):
            raise ValueError("The network and the run must agree on the prediction, and on the number of words.")
        self.model = model.to(self.device, memory_format=best_memory_format(self.device))
        self._shared = wrap(self.model)
        self._shared.prediction = self.model.prediction
        self.translate = lambda network: network
        self._begin()
        self.order = torch.empty(0, dtype=torch.int64)  # what is left of this pass over the sprites
        self.losses: list[float] = []  # the mean loss of every LOSS_EVERY updates
        self.data: str | None = None  # the checksum of the sprites and contexts that it is trained on
        self._recent: list[Tensor] = []

    def _begin(self):
        config = self.config
        self.lr = torch.tensor(config.lr, device=self.device)
        self.ema = EMA(self.model, config.ema ** (config.batch / 64))
        self.optimizer = Muon(self.model, self.lr, config.weight_decay)

    def compile(self):
        """Translate the network for this machine (torch.compile). It takes up to minutes, and pays in long runs on GPUs."""
        self.translate = torch.compile
        self._shared = torch.compile(self._shared)

    def start_from(self, model: nn.Module):
        """Begin with the weights of a trained network instead of random ones.

        ValueError if its shapes differ, or if it predicts something else than the run is to learn.
        """
        if model.prediction != self.config.prediction:
            wrong = f"These weights predict {model.prediction}, and the run is to learn {self.config.prediction}"
            raise ValueError(f"{wrong}: set prediction to {model.prediction}.")
        try:
            self.model.load_state_dict(model.state_dict())
        except RuntimeError as error:
            raise ValueError("These weights are of another network: give weights of a ContextUnet of the same size.") from error
        self._begin()

    def advance(self, images: Tensor, contexts: Tensor, until: int | None = None) -> Iterator[Progress]:
        """Train up to update `until` (default: the end), reporting after each one.

        images: (N, C, H, W) float32 in [-1, 1], on the CPU. contexts: (N, V). ValueError if there are fewer sprites than a
        batch, or if these are not the sprites that the run began with; FloatingPointError if the loss is no number any more.
        """
        check_pairs(images, contexts)
        if len(images) < self.config.batch:
            raise ValueError(f"{len(images)} sprites are fewer than a batch of {self.config.batch}: give more or lower batch.")
        if self.config.batch % world() or self.config.batch < 2 * world():
            wrong = f"A batch of {self.config.batch} cannot be shared by {world()} processes"
            raise ValueError(f"{wrong}: make it a multiple of {world()}, and at least {2 * world()}.")
        self.note_data(images, contexts)
        images = images.to(self.device, memory_format=best_memory_format(self.device))
        contexts = contexts.to(self.device)
        index = torch.empty(self.config.batch, dtype=torch.int64, device=self.device)

        def work() -> Tensor:
            return self._learn(*self._noised(images[index], contexts[index]))

        if self.device.type == "cuda" and world() == 1:
            work = Recorded(work, self.draws)

        def updates() -> Iterator[Progress]:
            while self.step < (self.config.updates if until is None else until):
                yield self._update(index, len(images), work)

        return updates()

    def note_data(self, images: Tensor, contexts: Tensor):
        """Note what the run is trained on, both on the CPU. ValueError if it began with others."""
        parts = (part.contiguous().view(torch.uint8).numpy().tobytes() for part in (images, contexts))
        checksum = hashlib.sha256(b"".join(parts)).hexdigest()
        if self.data not in (None, checksum):
            raise ValueError("These are not the sprites that the run began with: give the same ones to resume.")
        self.data = checksum
        known = (contexts == 0) | (contexts == 1)  # other numbers, as some labels of the course's array, describe nothing
        self.vocabulary = Vocabulary.of(self.vocabulary.words, contexts if known.all() else contexts[:0])

    def _update(self, index: Tensor, n: int, work: Callable[[], Tensor]) -> Progress:
        """One update: choose a batch of the n sprites, each of them once in a pass, and learn from it."""
        batch = self.config.batch
        if len(self.order) < batch:
            self.order = torch.randperm(n, generator=self.generator)
        index.copy_(self.order[:batch])
        self.order = self.order[batch:]
        return self.after(work)

    def _noised(self, x0: Tensor, c: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """What a batch is learned from: x0, its contexts with words dropped, times and noise."""
        config, g = self.config, self.draws
        t = torch.randint(1, config.T + 1, (len(x0),), generator=g, device=g.device)
        eps = torch.randn(x0.shape, generator=g, device=g.device).to(x0.device)
        c = drop_words(c.to(g.device), config.context_dropout, config.word_dropout, g).to(x0.device)
        return x0, c, t, eps

    def learn(self, x0: Tensor, c: Tensor, t: Tensor, eps: Tensor) -> Progress:
        """One update from one batch, arguments as `diffusion_loss`; t on the CPU, the others on the run's device.

        With several processes all give the same batch, each learns from its share, and the reported loss is of that share.
        """
        return self.after(lambda: self._learn(x0, c, t, eps))

    def _learn(self, x0: Tensor, c: Tensor, t: Tensor, eps: Tensor) -> Tensor:
        x0, c, t, eps = (share(part) for part in (x0, c, t, eps))
        bf16 = self.config.precision == "bf16"  # torch 2.4 knows no autocast on MPS, not even a disabled one
        with torch.autocast(self.device.type, torch.bfloat16) if bf16 else nullcontext():
            loss = diffusion_loss(self._shared.train(), x0, c, t, eps, self.schedule)
        train_step(loss, self.optimizer, self.lr)
        self.ema.move(self.model)
        return loss.detach()

    def after(self, work: Callable[[], Tensor]) -> Progress:
        """Do the work of one update, and keep count of updates and losses."""
        lr = learning_rate(self.step, self.config)
        self.lr.fill_(lr)
        self.step += 1
        self.ema.prepare(self.step)
        loss = work()
        self._recent.append(loss)
        if self.step % LOSS_EVERY == 0:
            self.losses.append(mean_of_all(torch.stack(self._recent).mean().item()))
            self._recent = []
            if not math.isfinite(self.losses[-1]):
                raise FloatingPointError(f"The loss is no number after {self.step} updates: begin again with a lower lr.")
        return Progress(self.step, loss, lr)

    def save(self, path: str | Path):
        """Write a checkpoint: everything that `load` needs to go on bit for bit. OSError, in one sentence, if it cannot."""
        state = {
            "kind": CHECKPOINT,
            **describe(self.model, self.schedule, self.vocabulary, self.sampling),
            "config": asdict(self.config),
            "step": self.step,
            "model": self.model.state_dict(),
            "ema": self.ema.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "generator": self.generator.get_state(),
            "draws": self.draws.get_state(),
            "order": self.order.clone(),
            "data": self.data,
            "losses": self.losses,
            "recent": self._recent,
        }
        write_safely(path, lambda file: torch.save(state, file))

    @classmethod
    def load(cls, path: str | Path, device: torch.device | str | None = None) -> "Run":
        """The run that `save` wrote. FileNotFoundError or ValueError if there is none."""
        state = read_state(path)
        if state.get("kind") != CHECKPOINT:
            raise ValueError(f"{path} is no checkpoint of a training run: give the .ckpt file that `train` wrote.")
        network, _ = build(state, path)
        try:
            if set(state["config"]) != set(TrainConfig.__dataclass_fields__):
                raise VersionError(OTHER_VERSION.format(path))
            config = TrainConfig(**state["config"])
            run = cls(config, device, words=network.words.words, sampling=network.sampling, network=network)
            run.step, run.data, run.vocabulary = state["step"], state["data"], network.words
            run.model.load_state_dict(state["model"])
            run.ema.model.load_state_dict(state["ema"])
            run._take_up(state["optimizer"], path)
            run.generator.set_state(state["generator"])
            if len(run.draws.get_state()) == len(state["draws"]):  # else it goes on elsewhere, with other draws
                run.draws.set_state(state["draws"])
            run.order, run.losses = state["order"], state["losses"]
            run._recent = [loss.to(run.device) for loss in state["recent"]]
        except VersionError:
            raise
        except (KeyError, TypeError, AttributeError, ValueError, RuntimeError) as error:
            raise ValueError(f"{path} is a damaged checkpoint; begin again, or take a copy of it.") from error
        return run

    def _take_up(self, state: dict, path: str | Path):
        try:
            self.optimizer.load_state_dict(state)
        except ValueError as error:  # its groups are others
            raise VersionError(OTHER_VERSION.format(path)) from error

    def export(self, path: str | Path):
        """Write the averaged weights alone, as `load_model` reads them. OSError, in one sentence, if it cannot."""
        history = {
            "config": asdict(self.config),
            "updates": self.step,
            "images": self.step * self.config.batch,
            "losses": self.losses,
            "data": self.data,
        }
        save(path, self.ema.model, self.schedule, self.vocabulary, self.sampling, history)
