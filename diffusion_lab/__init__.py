"""Diffusion Lab: diffusion models from the ground up, on 16×16 sprites.

from diffusion_lab import load_model, sample_ddim, collect
model, schedule = load_model()
trajectory = collect(sample_ddim(model, schedule, 32, steps=25))
"""

from .samplers import State, Trajectory, collect, sample_ddim, sample_ddpm
from .schedules import SCHEDULES, Schedule, step_grid
from .sprites import CLASSES, Sprites, load_path, load_sprites, to_tensors
from .training import Run, TrainConfig, load_model
from .unet import ContextUnet

__version__ = "0.1.0"
__all__ = [
    "CLASSES",
    "SCHEDULES",
    "ContextUnet",
    "Run",
    "Schedule",
    "Sprites",
    "State",
    "TrainConfig",
    "Trajectory",
    "collect",
    "load_model",
    "load_path",
    "load_sprites",
    "sample_ddim",
    "sample_ddpm",
    "step_grid",
    "to_tensors",
]
