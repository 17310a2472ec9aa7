"""What several tests share."""

import importlib.util
import sys
from pathlib import Path

import pytest
import torch

from diffusion_lab import commands, training

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="session", autouse=True)
def _on_the_cpu():
    """Tests compare bit for bit and on the CPU, also on a machine with a GPU."""
    with pytest.MonkeyPatch.context() as patch:
        for module in (training, commands):
            patch.setattr(module, "best_device", lambda: torch.device("cpu"))
        yield


@pytest.fixture(scope="session")
def draw():
    """The program data/draw.py, as a module."""
    return load_script(ROOT / "data" / "draw.py")


def load_script(path):
    """Import a program that is not part of the package."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module
