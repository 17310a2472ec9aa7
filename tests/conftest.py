"""What several tests share."""

import os
import signal

import diffusion_lab  # noqa: F401, before torch: it says how torch's threads wait on a busy machine

# isort: split
import pytest
import torch
from common import ROOT, load_script

from diffusion_lab import commands, training


@pytest.fixture(scope="session", autouse=True)
def _on_the_cpu():
    """Tests compare bit for bit and on the CPU, also on a machine with a GPU. Side by side they share its cores."""
    torch.set_num_threads(max(1, torch.get_num_threads() // int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", 1))))
    with pytest.MonkeyPatch.context() as patch:
        for module in (training, commands):
            patch.setattr(module, "best_device", lambda: torch.device("cpu"))
        yield


@pytest.fixture(scope="session", autouse=True)
def _in_english():
    """Whatever language the shell asks for."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("DIFFUSION_LAB_LANGUAGE", raising=False)
        yield


@pytest.fixture
def spanish(monkeypatch):
    """The package answers in Spanish."""
    monkeypatch.setenv("DIFFUSION_LAB_LANGUAGE", "es")


# A shell that starts pytest in the background has it, and all that it starts, ignore Ctrl-C: the tests of Ctrl-C need it.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def draw():
    """The program data/draw.py, as a module."""
    return load_script(ROOT / "data" / "draw.py")
