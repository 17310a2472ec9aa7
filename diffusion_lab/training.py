"""Training: the loss, the loop, and what a checkpoint holds."""

import hashlib
import math
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn

from . import checkpoint
from .augment import augment
from .config import TrainConfig
from .devices import Recorded, best_device, best_memory_format, gains_from_bf16
from .distributed import mean_of_all, share, world, wrap
from .ema import EMA
from .language import gettext
from .muon import Muon
from .schedules import SCHEDULES, Schedule
from .sprites import CLASSES
from .steps import perturb, target
from .unet import ContextUnet
from .weights import Sampling, all_finite
from .words import Vocabulary, drop_words

LOSS_EVERY = 50  # updates that one recorded loss is the mean of


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
    """ValueError if there are not as many contexts as images, none at all, or numbers among them that are not finite."""
    if len(images) != len(contexts):
        wrong = gettext("There are {images} images and {contexts} contexts; the numbers must be equal.")
        raise ValueError(wrong.format(images=len(images), contexts=len(contexts)))
    if not len(images):
        raise ValueError(gettext("There are no images: give at least one."))
    if not (images.isfinite().all() and contexts.isfinite().all()):
        raise ValueError(gettext("Some images or contexts are not finite numbers: look at where they come from."))


def checksum(images: Tensor, contexts: Tensor) -> str:
    """What a run remembers of its data: the SHA-256 of both, on the CPU."""
    parts = (part.contiguous().view(torch.uint8).numpy().tobytes() for part in (images, contexts))
    return hashlib.sha256(b"".join(parts)).hexdigest()


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
        height: int = 16,
        sampling: Sampling | None = None,
        network: nn.Module | None = None,
    ):
        """A new run. device: `best_device()` if None. words: the names of the context's numbers. height: of the pictures.
        sampling: how the network is meant to be sampled. network: what to train; a new ContextUnet for these words if None."""
        self.device = torch.device(device or best_device())
        if config.precision == "auto":
            config = replace(config, precision="bf16" if gains_from_bf16(self.device) else "fp32")
        self.config, self.step = config, 0
        self.before = (0, 0)  # updates and images of the training that this one makes longer
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
            new = ContextUnet(n_feat=config.n_feat, n_cfeat=len(words), height=height, prediction=config.prediction)
        model = new if network is None else network
        if model.prediction != config.prediction or model.n_cfeat != len(words):
            wrong = gettext("The network and the run must agree on the prediction, and on the number of words.")
            raise ValueError(wrong)
        self.model = model.to(self.device, memory_format=best_memory_format(self.device))
        self._shared = wrap(self.model)
        self._shared.prediction = self.model.prediction
        self.translate = lambda network: network
        self._begin()
        self.order = torch.empty(0, dtype=torch.int64)  # what is left of this pass over the sprites
        self.losses: list[float] = []  # the mean loss of every LOSS_EVERY updates
        self.data: str | None = None  # the checksum of the sprites and contexts that it is trained on
        self.recent: list[Tensor] = []  # the losses since the last mean

    def _begin(self):
        config = self.config
        self.lr = torch.tensor(config.lr, device=self.device)
        self.ema = EMA(self.model, config.ema ** (config.batch / 64))
        self.optimizer = Muon(self.model, self.lr, config.weight_decay)

    def compile(self):
        """Translate the network for this machine (torch.compile). It takes up to minutes, and pays in long runs on GPUs."""
        torch._dynamo.config.suppress_errors = True  # what cannot be translated runs as it is
        self.translate = torch.compile
        self._shared = torch.compile(self._shared)

    def start_from(self, model: nn.Module):
        """Begin with the weights of a trained network instead of random ones.

        ValueError if its shapes differ, or if it predicts something else than the run is to learn.
        """
        if model.prediction != self.config.prediction:
            wrong = gettext("These weights predict {has}, and the run is to learn {wanted}: set prediction to {has}.")
            raise ValueError(wrong.format(has=model.prediction, wanted=self.config.prediction))
        if not all_finite(model.state_dict()):
            wrong = gettext("These weights hold numbers that are not finite: a training went wrong; give others.")
            raise ValueError(wrong)
        try:
            self.model.load_state_dict(model.state_dict())
        except RuntimeError as error:
            wrong = gettext("These weights are of another network: give weights of a ContextUnet of the same size.")
            raise ValueError(wrong) from error
        self._begin()

    def advance(self, images: Tensor, contexts: Tensor, until: int | None = None) -> Iterator[Progress]:
        """Train up to update `until` (default: the end), reporting after each one.

        images: (N, C, H, W) float32 in [-1, 1], on the CPU; where they are fewer than a batch, they are repeated. contexts:
        (N, V). ValueError if they do not fit the network, or if these are not the sprites that the run began with;
        FloatingPointError, at the update where it happens, if the loss is no number any more (on a GPU: soon after it).
        """
        check_pairs(images, contexts)
        wanted = (self.model.in_channels, self.model.height, self.model.height)
        if images.shape[1:] != wanted or contexts.shape[1:] != (self.model.n_cfeat,):
            wrong = gettext("The network wants images of {shape} and contexts of ({words},), not {images} and {contexts}.")
            got = {"images": tuple(images.shape[1:]), "contexts": tuple(contexts.shape[1:])}
            raise ValueError(wrong.format(shape=wanted, words=self.model.n_cfeat, **got))
        if len(self.order) and self.order.max() >= len(images):
            wrong = gettext("The checkpoint speaks of more sprites than these: it is damaged, or of others; begin again.")
            raise ValueError(wrong)
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
        found = checksum(images, contexts)
        if self.data not in (None, found):
            raise ValueError(gettext("These are not the sprites that the run began with: give the same ones to resume."))
        self.data = found
        known = (contexts == 0) | (contexts == 1)  # other numbers, as some labels of the course's array, describe nothing
        self.vocabulary = Vocabulary.of(self.vocabulary.words, contexts if known.all() else contexts[:0])

    def _update(self, index: Tensor, n: int, work: Callable[[], Tensor]) -> Progress:
        """One update: choose a batch of the n sprites, each of them once in a pass, and learn from it."""
        batch = self.config.batch
        if len(self.order) < batch:
            passes = -(-batch // n)  # more than one where the sprites are fewer than a batch
            self.order = torch.cat([torch.randperm(n, generator=self.generator) for _ in range(passes)])
        index.copy_(self.order[:batch])
        self.order = self.order[batch:]
        return self.after(work)

    def _noised(self, x0: Tensor, c: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """What a batch is learned from: x0, changed where that was asked for, contexts with words dropped, times and noise."""
        config, g = self.config, self.draws
        x0 = augment(x0, config.flip, config.shift, config.hue, g)
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
        self.recent.append(loss)
        if self.device.type == "cpu":
            self._check_losses()  # elsewhere that would wait for the device
        if self.step % LOSS_EVERY == 0:
            self._check_losses()
            self.losses.append(mean_of_all(torch.stack(self.recent).mean().item()))
            self.recent = []
        return Progress(self.step, loss, lr)

    def check(self):
        """FloatingPointError, in one sentence, if the loss or the weights are no finite numbers any more."""
        self._check_losses()
        if not (all_finite(self.model.state_dict()) and all_finite(self.ema.model.state_dict())):
            wrong = gettext("The weights are no numbers after {n} updates: begin again with a lower lr.")
            raise FloatingPointError(wrong.format(n=self.step))

    def _check_losses(self):
        values = torch.stack(self.recent).tolist() if self.recent else []
        bad = [k for k, value in enumerate(values) if not math.isfinite(value)]
        if bad:
            at = self.step - len(values) + bad[0] + 1
            wrong = gettext("The loss is no number after {n} updates: begin again with a lower lr.")
            raise FloatingPointError(wrong.format(n=at))

    def save(self, path: str | Path):
        """Write a checkpoint: everything that `load` needs to go on bit for bit. OSError, in one sentence, if it cannot;
        FloatingPointError if the loss or the weights are no numbers: what stood at `path` then stays."""
        self.check()
        checkpoint.write(path, self)

    @classmethod
    def load(cls, path: str | Path, device: torch.device | str | None = None) -> "Run":
        """The run that `save` wrote. FileNotFoundError or ValueError if there is none."""
        return checkpoint.read(path, device, cls)

    def export(self, path: str | Path):
        """Write the averaged weights alone, as `load_model` reads them. Errors as `save`."""
        self.check()
        checkpoint.export(path, self)
