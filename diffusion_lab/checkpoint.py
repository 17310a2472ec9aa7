"""What a checkpoint of a training holds, and how a run is made from it again; and the weights that are left at the end.

Reading checks every field: a run that goes on from a damaged file would be wrong without a word.
"""

import re
from dataclasses import asdict, fields
from pathlib import Path

import torch
from torch import Tensor

from .config import TrainConfig
from .files import plain, read_state, write_safely
from .weights import BAD_VALUES, CHECKPOINT, VersionError, all_finite, build, describe, save

OTHER_VERSION = "{} was written by another version of diffusion_lab; begin the training again."


def write(path: str | Path, run):
    """Write everything that `read` needs to go on with a run, bit for bit. OSError, in one sentence, if it cannot."""
    state = {
        "kind": CHECKPOINT,
        **describe(run.model, run.schedule, run.vocabulary, run.sampling),
        "config": asdict(run.config),
        "step": run.step,
        "before": list(run.before),
        "model": run.model.state_dict(),
        "ema": run.ema.model.state_dict(),
        "optimizer": run.optimizer.state_dict(),
        "generator": run.generator.get_state(),
        "draws": run.draws.get_state(),
        "order": run.order.clone(),
        "data": run.data,
        "losses": run.losses,
        "recent": run.recent,
    }
    write_safely(path, lambda file: torch.save(plain(state), file))


def read(path: str | Path, device: torch.device | str | None, kind: type):
    """The run, of class `kind`, that `write` wrote. FileNotFoundError or ValueError, one sentence each, if there is none."""
    state = read_state(path)
    if state.get("kind") != CHECKPOINT:
        raise ValueError(f"{path} is no checkpoint of a training run: give the .ckpt file that `train` wrote.")
    network, schedule = build(state, path)
    try:
        if set(state["config"]) != {field.name for field in fields(TrainConfig)}:
            raise VersionError(OTHER_VERSION.format(path))
        config = TrainConfig(**state["config"])
        run = kind(config, device, words=network.words.words, sampling=network.sampling, network=network)
        _require(torch.equal(run.schedule.alpha_bar.cpu(), schedule.alpha_bar))
        step, order, losses, recent, data = (state[name] for name in ("step", "order", "losses", "recent", "data"))
        updates, images = state.get("before", (0, 0))
        _require(type(step) is int and 0 <= step <= config.updates)
        _require(type(updates) is type(images) is int and updates >= 0 and images >= 0)
        _require(order.dtype == torch.int64 and order.ndim == 1 and not (order < 0).any())
        _require(isinstance(losses, list) and all(isinstance(loss, float) for loss in losses))
        _require(
            isinstance(recent, list)
            and all(isinstance(loss, Tensor) and loss.shape == () and loss.isfinite() for loss in recent)
        )
        _require(data is None or (isinstance(data, str) and re.fullmatch("[0-9a-f]{64}", data)))
        _require(all(all_finite(state[name]) for name in ("model", "ema")))
        run.step, run.order, run.losses, run.data, run.vocabulary = step, order, losses, data, network.words
        run.before = (updates, images)
        run.recent = [loss.to(run.device) for loss in recent]
        run.model.load_state_dict(state["model"])
        run.ema.model.load_state_dict(state["ema"])
        _take_up(run.optimizer, state["optimizer"], path)
        run.generator.set_state(state["generator"])
        if len(run.draws.get_state()) == len(state["draws"]):  # else it goes on elsewhere, with other draws
            run.draws.set_state(state["draws"])
    except VersionError:
        raise
    except BAD_VALUES as error:
        raise ValueError(f"{path} is a damaged checkpoint; begin again, or take a copy of it.") from error
    return run


def export(path: str | Path, run):
    """Write the averaged weights alone, as `load_model` reads them. OSError, in one sentence, if it cannot."""
    history = {
        "config": asdict(run.config),
        "updates": run.before[0] + run.step,
        "images": run.before[1] + run.step * run.config.batch,
        "losses": run.losses,
        "data": run.data,
    }
    save(path, run.ema.model, run.schedule, run.vocabulary, run.sampling, history)


def _take_up(optimizer: torch.optim.Optimizer, state: dict, path: str | Path):
    try:
        optimizer.load_state_dict(state)
    except ValueError as error:  # its groups are others
        raise VersionError(OTHER_VERSION.format(path)) from error
    for group in optimizer.state.values():
        for part in group.values():
            _require(not isinstance(part, Tensor) or bool(part.isfinite().all()))


def _require(fine):
    if not fine:
        raise ValueError
