"""Files of weights that describe themselves: the network, its schedule, its words, and how it is meant to be sampled.

model, schedule = load_model("context_unet")     # one that comes with the package, or the path of a file
model.words.context("red", "potion")             # the words that it knows
model.sampling                                   # Sampling(sampler="ddim", steps=25, guidance=1.5)
"""

import re
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

import torch
from torch import nn

from .devices import layout
from .files import read_state, write_safely
from .schedules import Schedule, linear
from .sprites import CLASSES, find
from .unet import ContextUnet
from .words import Vocabulary

FORMAT = 2
WEIGHTS, CHECKPOINT = "diffusion_lab weights", "diffusion_lab checkpoint"
SHIPPED = ("context_unet", "few_steps")
NETWORKS = {"ContextUnet": ".unet"}  # where each class is: nothing else that a file names is imported
WRAPPERS = ("state_dict", "model_state_dict", "model")  # under which other programs keep a state_dict


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
        "words": {"words": list(words.words), "descriptions": words.descriptions, "counts": words.counts},
        "sampling": sampling._asdict(),
    }


def build(state: dict, path: str | Path) -> tuple[nn.Module, Schedule]:
    """The network that a file describes, still without its weights, and its schedule; errors as `load_model`."""
    if state.get("format") != FORMAT:
        raise VersionError(f"{path} was written by another version of diffusion_lab; update the package or train again.")
    try:
        home = NETWORKS[state["network"]["class"]]
        model = getattr(import_module(home, __package__), state["network"]["class"])(**state["network"]["settings"])
        model.words, model.sampling = Vocabulary(tuple(state["words"]["words"]), *_table(state)), Sampling(**state["sampling"])
        return model, Schedule(**state["schedule"])
    except (KeyError, TypeError, AttributeError, ValueError, RuntimeError) as error:
        raise ValueError(f"{path} describes no network that this package knows; train again or take a fresh copy.") from error


def _table(state: dict) -> tuple:
    return state["words"]["descriptions"], state["words"]["counts"]


def save(path: str | Path, model: nn.Module, schedule: Schedule, words: Vocabulary, sampling: Sampling, history: dict):
    """Write a network as `load_model` reads it. history: plain values that say how it was trained.

    OSError, in one sentence, if it cannot be written.
    """
    weights = {name: tensor.cpu().contiguous() for name, tensor in model.state_dict().items()}
    state = {"kind": WEIGHTS} | describe(model, schedule, words, sampling) | {"history": history, "model": weights}
    write_safely(path, lambda file: torch.save(state, file))


def load_model(name: str | Path | None = None, device: torch.device | str = "cpu") -> tuple[nn.Module, Schedule]:
    """A trained network, in eval mode, and the schedule that it was trained with.

    name: "context_unet" or "few_steps", which come with the package (None is the first), or a path: weights or a checkpoint
    written by `train`, or a state_dict saved with the short course (eps, linear, T = 500).
    The network has `words` (a Vocabulary) and `sampling` (how it is meant to be sampled).
    Raises FileNotFoundError or ValueError, one sentence each.
    """
    path = weights_path(name)
    state = read_state(path)
    try:
        if state.get("kind") in (WEIGHTS, CHECKPOINT):
            model, schedule = build(state, path)
            model.load_state_dict(state["ema"] if "ema" in state else state["model"])
        else:
            model, schedule = _foreign(state)
    except VersionError:
        raise
    except (KeyError, RuntimeError, AttributeError, IndexError, TypeError) as error:
        raise ValueError(f"{path} holds weights of another network; give weights of a ContextUnet.") from error
    return model.to(device, memory_format=layout(torch.device(device))).eval().requires_grad_(False), schedule


def weights_path(name: str | Path | None = None) -> Path:
    """Where the weights of `load_model(name)` are."""
    if name is None or str(name) in SHIPPED:
        return find("weights", f"{name or SHIPPED[0]}.pt")
    return Path(name)


def is_distilled(model: nn.Module, schedule: Schedule) -> bool:
    """Was this network taught to need few steps? Then guidance is in its weights, and more of it would spoil the sprites."""
    return model.sampling.guidance == 1 and schedule.T < Sampling().steps


def history(path: str | Path) -> dict:
    """How the weights at `path` were trained, as `save` wrote it: plain values. Errors as `load_model`."""
    return read_state(path).get("history", {})


def _foreign(state: dict) -> tuple[ContextUnet, Schedule]:
    """A network of the short course from its bare state_dict; other programs wrap it, or put a word before each name."""
    for wrapper in WRAPPERS:
        if isinstance(state.get(wrapper), dict):
            state = state[wrapper]
    state = {re.sub(r"^(module\.|_orig_mod\.)+", "", name): tensor for name, tensor in state.items()}
    out, context = state["out.3.weight"], state["contextembed1.model.0.weight"]
    model = ContextUnet(out.shape[0], out.shape[1], context.shape[1], 4 * state["up0.0.weight"].shape[-1], "eps")
    model.load_state_dict(state)
    names = CLASSES if model.n_cfeat == len(CLASSES) else tuple(f"word {k + 1}" for k in range(model.n_cfeat))
    model.words, model.sampling = Vocabulary.of(names, torch.zeros(0, len(names))), Sampling()
    return model, linear(500)
