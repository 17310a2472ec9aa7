"""Diffusion Lab: diffusion models from the ground up, on 16×16 sprites.

from diffusion_lab import load_model, sample_ddim, collect
model, schedule = load_model()
trajectory = collect(sample_ddim(model, schedule, 32, steps=25))
"""

from importlib import import_module

__version__ = "0.1.0"

# Where each public name lives. It is imported when it is first used, so that `doctor` can run where torch cannot.
_HOME = {
    "CLASSES": "sprites",
    "SCHEDULES": "schedules",
    "ContextUnet": "unet",
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
    "load_path": "sprites",
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
