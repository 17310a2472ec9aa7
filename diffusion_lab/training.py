"""Training: the loss, the loop, the moving average of the weights, and what a checkpoint holds."""

import copy
import hashlib
import math
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from .devices import best_device, gains_from_bf16, layout
from .distributed import mean_of_all, share, world, wrap
from .files import read_state, write_safely
from .muon import Muon
from .schedules import SCHEDULES, Schedule
from .sprites import find
from .steps import PREDICTIONS, perturb, target
from .unet import ContextUnet

DEFAULT_WEIGHTS = "context_unet.pt"
LOSS_EVERY = 50  # updates that one recorded loss is the mean of


@dataclass(frozen=True)
class TrainConfig:
    """Everything that decides the result of a training run, one choice a line. ValueError for values out of range."""

    steps: int = 10000  # updates of the weights
    batch: int = 64  # sprites per update
    lr: float = 1e-2  # the highest learning rate; Muon and BatchNorm let it be large
    warmup: int = 300  # updates until the learning rate is reached; then it falls as a half cosine to 0
    weight_decay: float = 1e-2
    ema: float = 0.999  # share of the average that stays at each update
    context_dropout: float = 0.15  # how often the context is replaced by zeros: the network learns to do without
    prediction: str = "v"  # what the network answers
    schedule: str = "linear"
    T: int = 500
    n_feat: int = 64  # the width of the network: half of it is four times as fast
    seed: int = 0
    precision: str = "auto"  # "bf16", "fp32", or "auto": bf16 where the processor gains from it

    def __post_init__(self):
        for name in ("steps", "batch", "T"):
            if not isinstance(getattr(self, name), int) or getattr(self, name) < 1:
                raise ValueError(f"{name} must be a whole number from 1, not {getattr(self, name)!r}.")
        if self.batch < 2:
            raise ValueError("batch must be at least 2: BatchNorm needs something to average over.")
        if not 0 <= self.ema < 1 or not 0 <= self.context_dropout <= 1 or not 0 < self.lr < math.inf or self.warmup < 0:
            raise ValueError("ema must be in [0, 1), context_dropout in [0, 1], lr above 0 and warmup not below 0.")
        for name, known in (("prediction", PREDICTIONS), ("schedule", SCHEDULES), ("precision", ("auto", "bf16", "fp32"))):
            if getattr(self, name) not in known:
                raise ValueError(f"{name} must be one of {', '.join(known)}, not {getattr(self, name)!r}.")


class VersionError(ValueError):
    """A file was written by another version of the package."""


class Progress(NamedTuple):
    """What `Run.advance` and `distil` report after each update: the step (from 1), its loss and its learning rate."""

    step: int
    loss: Tensor
    lr: float


def diffusion_loss(model: ContextUnet, x0: Tensor, c: Tensor, t: Tensor, eps: Tensor, schedule: Schedule) -> Tensor:
    """Mean squared error of the network's prediction at x_t (Ho et al. 2020, eq. 14, for any prediction).

    x0, eps: (B, C, H, W). c: (B, 5), zeros where the context was dropped. t: (B,) whole numbers in 1..T, on the CPU.
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
    done = (step - config.warmup) / max(config.steps - config.warmup, 1)
    return config.lr * 0.5 * (1 + torch.cos(torch.tensor(torch.pi * min(done, 1.0))).item())


def train_step(loss: Tensor, optimizer: torch.optim.Optimizer, lr: float):
    """One update of the weights: a step of size `lr` down the slope of `loss`."""
    for group in optimizer.param_groups:
        group["lr"] = lr
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()


class EMA:
    """An exponential moving average of a network: its parameters and BatchNorm's running statistics."""

    def __init__(self, model: torch.nn.Module, decay: float):
        self.model = copy.deepcopy(model).eval().requires_grad_(False)
        self.decay = decay

    @torch.no_grad()
    def update(self, model: torch.nn.Module, step: int):
        """Move towards `model` after update `step` (from 1). Early on the average is shorter, so that it forgets the start."""
        share = 1 - min(self.decay, step / (step + 10))
        for mine, theirs in zip(self.model.state_dict().values(), model.state_dict().values(), strict=True):
            if mine.is_floating_point():
                mine.lerp_(theirs, share)
            else:  # BatchNorm's count of batches
                mine.copy_(theirs)


class Run:
    """A training run: all that changes while it goes on. `advance` does the work; `save` and `Run.load` keep it."""

    def __init__(self, config: TrainConfig, device: torch.device | None = None):
        """A new run. device: `best_device()` if None."""
        self.device = device or best_device()
        if config.precision == "auto":
            config = replace(config, precision="bf16" if gains_from_bf16(self.device) else "fp32")
        self.config, self.step = config, 0
        self.schedule = SCHEDULES[config.schedule](config.T)
        self.generator = torch.Generator().manual_seed(config.seed)  # on the CPU: the same draws on every device
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(config.seed)
            model = ContextUnet(n_feat=config.n_feat, prediction=config.prediction)
        self.model = model.to(self.device, memory_format=layout(self.device))
        self._shared = wrap(self.model)
        self._shared.prediction = self.model.prediction
        self.ema = EMA(self.model, config.ema)
        self.optimizer = Muon(self.model, config.lr, config.weight_decay)
        self.order = torch.empty(0, dtype=torch.int64)  # what is left of this pass over the sprites
        self.losses: list[float] = []  # the mean loss of every LOSS_EVERY updates
        self.data: str | None = None  # the checksum of the sprites and contexts that it is trained on
        self._recent: list[Tensor] = []

    def compile(self):
        """Translate the network for this machine (torch.compile). It takes up to minutes, and pays in long runs on GPUs."""
        self._shared = torch.compile(self._shared)

    def start_from(self, model: ContextUnet):
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
        self.ema = EMA(self.model, self.config.ema)

    def advance(self, images: Tensor, contexts: Tensor, until: int | None = None) -> Iterator[Progress]:
        """Train up to update `until` (default: the end), reporting after each one.

        images: (N, C, H, W) float32 in [-1, 1], on the CPU. contexts: (N, 5). ValueError if there are fewer sprites than a
        batch, or if these are not the sprites that the run began with; FloatingPointError if the loss is no number any more.
        """
        check_pairs(images, contexts)
        if len(images) < self.config.batch:
            raise ValueError(f"{len(images)} sprites are fewer than a batch of {self.config.batch}: give more or lower batch.")
        if self.config.batch % world() or self.config.batch < 2 * world():
            wrong = f"A batch of {self.config.batch} cannot be shared by {world()} processes"
            raise ValueError(f"{wrong}: make it a multiple of {world()}, and at least {2 * world()}.")
        self.remember(images, contexts)
        images = images.to(self.device, memory_format=layout(self.device))
        contexts = contexts.to(self.device)
        left = range(self.step, self.config.steps if until is None else until)
        return (self._update(images, contexts) for _ in left)

    def remember(self, *data: Tensor):
        """Note what the run is trained on, tensors on the CPU. ValueError if it began with others."""
        checksum = hashlib.sha256(b"".join(part.contiguous().view(torch.uint8).numpy().tobytes() for part in data)).hexdigest()
        if self.data not in (None, checksum):
            raise ValueError("These are not the sprites that the run began with: give the same ones to resume.")
        self.data = checksum

    def _update(self, images: Tensor, contexts: Tensor) -> Progress:
        config, g = self.config, self.generator
        if len(self.order) < config.batch:
            self.order = torch.randperm(len(images), generator=g)
        index, self.order = self.order[: config.batch], self.order[config.batch :]
        t = torch.randint(1, config.T + 1, (config.batch,), generator=g)
        eps = torch.randn((config.batch, *images.shape[1:]), generator=g).to(self.device)
        kept = torch.rand((config.batch, 1), generator=g) >= config.context_dropout
        x0, c = images[index.to(self.device)], contexts[index.to(self.device)] * kept.to(self.device)
        return self.learn(x0, c, t, eps)

    def learn(self, x0: Tensor, c: Tensor, t: Tensor, eps: Tensor) -> Progress:
        """One update from one batch, arguments as `diffusion_loss`; t on the CPU, the others on the run's device.

        With several processes all give the same batch, each learns from its share, and the reported loss is of that share.
        """
        config, lr = self.config, learning_rate(self.step, self.config)
        x0, c, t, eps = (share(part) for part in (x0, c, t, eps))
        bf16 = config.precision == "bf16"  # torch 2.4 knows no autocast on MPS, not even a disabled one
        with torch.autocast(self.device.type, torch.bfloat16) if bf16 else nullcontext():
            loss = diffusion_loss(self._shared.train(), x0, c, t, eps, self.schedule)
        train_step(loss, self.optimizer, lr)
        self.step += 1
        self.ema.update(self.model, self.step)
        self._recent.append(loss.detach())
        if self.step % LOSS_EVERY == 0:
            self.losses.append(mean_of_all(torch.stack(self._recent).mean().item()))
            self._recent = []
            if not math.isfinite(self.losses[-1]):
                raise FloatingPointError(f"The loss is no number after {self.step} updates: begin again with a lower lr.")
        return Progress(self.step, loss.detach(), lr)

    def save(self, path: str | Path):
        """Write a checkpoint: everything that `load` needs to go on bit for bit. OSError, in one sentence, if it cannot."""
        state = {
            "kind": "diffusion_lab checkpoint",
            "config": asdict(self.config),
            "step": self.step,
            "model": self.model.state_dict(),
            "ema": self.ema.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "generator": self.generator.get_state(),
            "order": self.order.clone(),
            "data": self.data,
            "losses": self.losses,
            "recent": self._recent,
        }
        write_safely(path, lambda file: torch.save(state, file))

    @classmethod
    def load(cls, path: str | Path, device: torch.device | None = None) -> "Run":
        """The run that `save` wrote. FileNotFoundError or ValueError if there is none."""
        state = read_state(path)
        if state.get("kind") != "diffusion_lab checkpoint":
            raise ValueError(f"{path} is no checkpoint of a training run: give the .ckpt file that `train` wrote.")
        try:
            run = cls(_config(state["config"], path), device)
            run.step, run.data = state["step"], state["data"]
            run.model.load_state_dict(state["model"])
            run.ema.model.load_state_dict(state["ema"])
            run.optimizer.load_state_dict(state["optimizer"])
            run.generator.set_state(state["generator"])
            run.order, run.losses = state["order"], state["losses"]
            run._recent = [loss.to(run.device) for loss in state["recent"]]
        except (KeyError, TypeError, AttributeError, RuntimeError) as error:
            raise ValueError(f"{path} is a damaged checkpoint; begin again, or take a copy of it.") from error
        except ValueError as error:  # the optimiser's groups differ
            raise VersionError(f"{path} was written by another version of diffusion_lab; begin the training again.") from error
        return run

    def export(self, path: str | Path):
        """Write the averaged weights alone, as `load_model` reads them. OSError, in one sentence, if it cannot."""
        weights = {k: v.cpu().contiguous() for k, v in self.ema.model.state_dict().items()}
        state = {
            "kind": "diffusion_lab weights",
            "config": asdict(self.config),
            "step": self.step,
            "losses": self.losses,
            "data": self.data,
        }
        state["model"] = weights
        write_safely(path, lambda file: torch.save(state, file))


def load_model(path: str | Path | None = None, device: torch.device | str = "cpu") -> tuple[ContextUnet, Schedule]:
    """A trained network, in eval mode, and the schedule that it was trained with.

    path: weights or a checkpoint written by `train`, or a state_dict saved with the short course (eps, linear, T = 500);
    None for the weights that come with the package. Raises FileNotFoundError or ValueError, one sentence each.
    """
    path = find("weights", DEFAULT_WEIGHTS) if path is None else Path(path)
    state = read_state(path)
    try:
        if "kind" in state:
            config = _config(state["config"], path)
            weights = state["ema"] if "ema" in state else state["model"]
        else:
            config, weights = TrainConfig(prediction="eps"), state
        out, context = weights["out.3.weight"], weights["contextembed1.model.0.weight"]
        height = 4 * weights["up0.0.weight"].shape[-1]
        model = ContextUnet(out.shape[0], out.shape[1], context.shape[1], height, config.prediction)
        model.load_state_dict(weights)
    except VersionError:
        raise
    except (KeyError, RuntimeError, AttributeError, IndexError, ValueError, TypeError) as error:
        raise ValueError(f"{path} holds weights of another network; give weights of a ContextUnet.") from error
    model = model.to(device, memory_format=layout(torch.device(device))).eval().requires_grad_(False)
    return model, SCHEDULES[config.schedule](config.T)


def _config(saved: dict, path: str | Path) -> TrainConfig:
    known = {f.name for f in fields(TrainConfig)}
    if not isinstance(saved, dict) or not set(saved) <= known:
        raise VersionError(f"{path} was written by another version of diffusion_lab; update the package or train again.")
    return TrainConfig(**saved)
