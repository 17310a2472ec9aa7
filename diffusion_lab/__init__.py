"""Diffusion Lab: diffusion models from the ground up, on 16×16 sprites.

from diffusion_lab import collect, load_model, sample_dpmpp_2m
model, schedule = load_model()
contexts, _ = model.words.contexts("red potion", 32)
trajectory = collect(sample_dpmpp_2m(model, schedule, 32, contexts, guidance=1.5, steps=12))
"""

import os
from importlib import import_module

# On a machine whose cores are busy, torch's threads wait for each other, each in a loop that keeps a core from those who have
# work: training is then ten times slower. Bounded, the loop costs nothing on a quiet machine. OpenMP reads this when torch is
# imported, so import this package first. GNU's OpenMP (Linux) counts turns of the loop, the other one (macOS, Windows) ms.
for _name, _value in (("GOMP_SPINCOUNT", "3000"), ("KMP_BLOCKTIME", "1")):
    os.environ.setdefault(_name, _value)

__version__ = "0.1.0"

# Where each public name lives. It is imported when it is first used, so that `doctor` can run where torch cannot.
_HOME = {
    "CLASSES": "sprites",
    "SCHEDULES": "schedules",
    "ContextUnet": "unet",
    "Cut": "cutting",
    "Run": "training",
    "Schedule": "schedules",
    "Sprites": "sprites",
    "State": "samplers",
    "TrainConfig": "training",
    "Trajectory": "samplers",
    "Vocabulary": "words",
    "collect": "samplers",
    "load_kinds": "sprites",
    "load_model": "weights",
    "load_path": "reading",
    "load_sprites": "sprites",
    "load_words": "sprites",
    "sample_ddim": "samplers",
    "sample_ddpm": "samplers",
    "sample_dpmpp_2m": "samplers",
    "step_grid": "schedules",
    "to_tensors": "sprites",
}
__all__ = list(_HOME)


def __getattr__(name: str):
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_HOME[name]}", __name__), name)


def __dir__():
    return sorted([*globals(), *_HOME])
