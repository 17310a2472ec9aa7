"""Files of weights that describe themselves: the network, its schedule, its words, and how it is meant to be sampled.

model, schedule = load_model("context_unet")     # one that comes with the package, or the path of a file
model.words.context("red", "potion")             # the words that it knows
model.sampling                                   # Sampling(sampler="ddim", steps=25, guidance=1.5)

A file is a dictionary that `torch.save` wrote: "kind" and "format" say that it is one of ours, `describe` gives "network",
"schedule", "words" and "sampling", and "model" is the state_dict. Reading it executes nothing.
"""

import math
import re
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

import torch
from torch import nn

from .config import MOST_T
from .devices import best_memory_format
from .files import absent, plain, read_state, write_safely
from .language import gettext
from .samplers import SAMPLERS
from .schedules import Schedule, linear, step_grid
from .sprites import CLASSES, packaged_file
from .steps import PREDICTIONS
from .unet import ContextUnet
from .words import Vocabulary

FORMAT = 2
WEIGHTS, CHECKPOINT = "diffusion_lab weights", "diffusion_lab checkpoint"
ALWAYS_FITS = 10**8  # parameters that a network may have whatever its file's size
SHIPPED = ("context_unet", "few_steps")
NETWORKS = {  # where each class is: nothing else that a file names is imported
    "ContextUnet": ".unet",
    "AttentionUnet": ".bonus.attention_unet",
    "SceneUnet": ".bonus.scene_unet",
}
WRAPPERS = ("state_dict", "model_state_dict", "model")  # under which other programs keep a state_dict
# What values of a wrong type or shape raise, when a network, a schedule or a vocabulary is made of them.
BAD_VALUES = (KeyError, IndexError, TypeError, AttributeError, ValueError, RuntimeError, ArithmeticError)


class VersionError(ValueError):
    """A file was written by another version of the package."""


class Sampling(NamedTuple):
    """How a network is meant to be sampled: "ddim", "ddpm" or "dpmpp_2m", the number of steps, the guidance."""

    sampler: str = "ddim"
    steps: int = 25
    guidance: float = 1.5

    def __str__(self) -> str:
        return f"{self.sampler}, {self.steps} step{'s' * (self.steps > 1)}, guidance {self.guidance:g}"


def describe(model: nn.Module, schedule: Schedule, words: Vocabulary, sampling: Sampling) -> dict:
    """What a file says of a network, besides its weights: plain values and tensors. `build` reads it."""
    return {
        "format": FORMAT,
        "network": {"class": type(model).__name__, "settings": model.settings},
        "schedule": {"name": schedule.name, "alpha_bar": schedule.alpha_bar.cpu()},
        # Clones: torch.save writes all of the memory that a view is a part of.
        "words": {"words": list(words.words), "descriptions": words.descriptions.clone(), "counts": words.counts.clone()},
        "sampling": sampling._asdict(),
    }


def build(state: dict, path: str | Path) -> tuple[nn.Module, Schedule]:
    """The network that a file describes, still without its weights, and its schedule.

    state: what the file at `path` holds. Raises VersionError or ValueError, one sentence each, if this package cannot use it.
    """
    if not isinstance(state.get("format"), int) or state["format"] != FORMAT:
        wrong = gettext(
            "{path} was written by another version of diffusion_lab: train again, take a fresh copy, or update the package."
        )
        raise VersionError(wrong.format(path=path))
    part = "network"
    try:
        name, settings = state["network"]["class"], state["network"]["settings"]
        network = getattr(import_module(NETWORKS[name], __package__), name)
        with torch.device("meta"):  # without memory: a damaged number may ask for more than there is
            size = sum(p.numel() for p in network(**settings).parameters())
        _require(size <= ALWAYS_FITS or size <= Path(path).stat().st_size)
        model = network(**settings)
        _require(model.prediction in PREDICTIONS)
        part = "schedule"
        schedule = Schedule(**state["schedule"])
        _require(isinstance(schedule.name, str))
        part = "words"
        table = state["words"]
        model.words = Vocabulary(tuple(table["words"]), table["descriptions"], table["counts"])
        _require(len(model.words.words) == model.n_cfeat)
        part = "sampling"
        model.sampling = Sampling(**state["sampling"])
        _require(schedule.T <= MOST_T and not isinstance(model.sampling.guidance, bool))
        step_grid(schedule.T, model.sampling.steps)  # raises ValueError for an impossible number
        _require(model.sampling.sampler in SAMPLERS and math.isfinite(model.sampling.guidance))
    except BAD_VALUES as error:
        wrong = gettext(
            'What {path} says under "{part}" is damaged, or unknown to this package: take a fresh copy, or update the package.'
        )
        raise ValueError(wrong.format(path=path, part=part)) from error
    return model, schedule


def save(path: str | Path, model: nn.Module, schedule: Schedule, words: Vocabulary, sampling: Sampling, history: dict):
    """Write a network as `load_model` reads it. history: plain values that say how it was trained.

    OSError, in one sentence, if it cannot be written.
    """
    weights = {name: tensor.cpu().contiguous() for name, tensor in model.state_dict().items()}
    state = {"kind": WEIGHTS} | describe(model, schedule, words, sampling) | {"history": history, "model": weights}
    write_safely(path, lambda file: torch.save(plain(state), file))


def load_model(name: str | Path | None = None, device: torch.device | str = "cpu") -> tuple[nn.Module, Schedule]:
    """A trained network, in eval mode, and the schedule that it was trained with.

    name: "context_unet" or "few_steps", which come with the package (None is the first), or a path: weights or a checkpoint
    written by `train`, or a state_dict saved with the short course (eps, linear, T = 500).
    The network has `words` (a Vocabulary) and `sampling` (how it is meant to be sampled).
    Raises OSError (FileNotFoundError) or ValueError, one sentence each.
    """
    path = weights_path(name)
    state = read_state(path)
    kind = state.get("kind")
    if kind in (WEIGHTS, CHECKPOINT):
        model, schedule = build(state, path)
        weights = state.get("ema", state.get("model"))
    elif isinstance(kind, str) and kind.startswith("diffusion_lab "):
        wrong = gettext("{path} holds a {kind}, which cannot draw: give weights of a network.")
        raise ValueError(wrong.format(path=path, kind=kind.removeprefix("diffusion_lab ")))
    else:
        model, schedule, weights = _foreign(state, path)
    try:
        model.load_state_dict(weights)
    except BAD_VALUES as error:
        wrong = gettext("{path} holds weights of another network: give weights of a ContextUnet.")
        raise ValueError(wrong.format(path=path)) from error
    if not all_finite(model.state_dict()):
        wrong = gettext(
            "{path} holds weights that are no finite numbers: its training went wrong; train again, or give others."
        )
        raise ValueError(wrong.format(path=path))
    return model.to(device, memory_format=best_memory_format(torch.device(device))).eval().requires_grad_(False), schedule


def weights_path(name: str | Path | None = None) -> Path:
    """Where the weights of `load_model(name)` are. FileNotFoundError, in one sentence, for a folder."""
    if name is None or str(name) in SHIPPED:
        return packaged_file("weights", f"{name or SHIPPED[0]}.pt")
    if Path(name).is_dir():
        wrong = gettext("{path} {what}: give a file that `train` wrote.")
        raise FileNotFoundError(wrong.format(path=Path(name), what=absent(Path(name))))
    return Path(name)


def is_distilled(model: nn.Module, schedule: Schedule) -> bool:
    """Was this network taught to need few steps? Then guidance is in its weights, and more of it would spoil the sprites."""
    return model.sampling.guidance == 1 and schedule.T < Sampling().steps


def history(path: str | Path) -> dict:
    """How the weights at `path` were trained, as `save` wrote it: plain values. Errors as `load_model`."""
    told = read_state(path).get("history")
    return told if isinstance(told, dict) else {}


def all_finite(state: dict) -> bool:
    """Are all numbers of a state_dict finite?"""
    return all(bool(tensor.isfinite().all()) for tensor in state.values())


def _require(fine: bool):
    if not fine:
        raise ValueError


def _foreign(state: dict, path: Path) -> tuple[ContextUnet, Schedule, dict]:
    """A network of the short course for its bare state_dict; other programs wrap that, or put a word before each name."""
    for wrapper in WRAPPERS:
        if isinstance(state.get(wrapper), dict):
            state = state[wrapper]
    try:
        state = {re.sub(r"^(module\.|_orig_mod\.)+", "", name): tensor for name, tensor in state.items()}
        out, context = state["out.3.weight"], state["contextembed1.model.0.weight"]
        model = ContextUnet(out.shape[0], out.shape[1], context.shape[1], 4 * state["up0.0.weight"].shape[-1], "eps")
    except BAD_VALUES as error:
        wrong = gettext("{path} holds weights of another network: give weights of a ContextUnet.")
        raise ValueError(wrong.format(path=path)) from error
    names = CLASSES if model.n_cfeat == len(CLASSES) else tuple(f"word {k + 1}" for k in range(model.n_cfeat))
    model.words, model.sampling = Vocabulary.of(names, torch.zeros(0, len(names))), Sampling()
    return model, linear(500), state
