"""What can go wrong on a fresh machine, looked at and said in one line each.

Nothing that may be broken is imported before it is checked, so imports stand inside the checks.
"""

import hashlib
import importlib
import json
import os
import platform
import tempfile
from collections.abc import Callable
from importlib import metadata

PACKAGES = {  # name: what is imported
    "numpy": "numpy",
    "Pillow": "PIL",
    "matplotlib": "matplotlib",
    "tqdm": "tqdm",
    "ipywidgets": "ipywidgets",
    "jupyterlab": "jupyterlab",
}
INSTALL = "run: pip install -r requirements.txt"


def import_torchvision():
    """torchvision, or RuntimeError with one sentence if it is missing or was built for another torch."""
    import torch

    try:
        return importlib.import_module("torchvision")
    except ModuleNotFoundError as error:
        raise RuntimeError(f"torchvision is not installed; {INSTALL}") from error
    except (RuntimeError, ImportError, OSError, AttributeError) as error:  # "operator torchvision::nms does not exist"
        raise RuntimeError(
            f"torchvision does not fit torch {torch.__version__} (it says: {str(error).splitlines()[0]}); install the two "
            "together, in one command, from one place: pip install torch==2.15.0 torchvision==0.29.2"
        ) from error


def checks() -> list[tuple[str, Callable[[], str]]]:
    """The checks, in order: a name and a function that returns what it found or raises with what to do."""
    return [
        ("python", _python),
        ("packages", _packages),
        ("torch and torchvision", _torch),
        ("device", _device),
        ("data", _data),
        ("weights", _weights),
        ("write access", _write),
        ("this moment", _load),
    ]


def doctor() -> bool:
    """Print one [OK] or [FAIL] line for each check; True if all are OK."""
    healthy = True
    for name, check in checks():
        try:
            print(f"[OK]   {name}: {check()}")
        except Exception as error:  # a broken installation raises anything; the point is to show it and go on
            healthy = False
            print(f"[FAIL] {name}: {str(error).splitlines()[0] if str(error) else type(error).__name__}")
    return healthy


def _python() -> str:
    return f"{platform.python_version()} on {platform.system()} {platform.machine()}"


def _packages() -> str:
    found = []
    for name, module in PACKAGES.items():
        try:
            found.append(f"{name} {metadata.version(name)}")
            importlib.import_module(module)
        except metadata.PackageNotFoundError as error:
            raise RuntimeError(f"{name} is not installed; {INSTALL}") from error
        except Exception as error:  # half-installed packages raise anything
            raise RuntimeError(f"{name} is installed but cannot be imported ({error}); {INSTALL}") from error
    return ", ".join(found)


def _torch() -> str:
    import torch

    return f"torch {torch.__version__}, torchvision {import_torchvision().__version__}"


def _device() -> str:
    import torch

    from .devices import best_device, gains_from_bf16

    device = best_device()
    precision = "bf16" if gains_from_bf16(device) else "fp32"
    return f"{device.type}, {torch.get_num_threads()} threads, trains in {precision}"


def _checksum(folder: str, name: str, expected: str):
    from .sprites import packaged_file

    if hashlib.sha256(packaged_file(folder, name).read_bytes()).hexdigest() != expected:
        raise RuntimeError(f"{folder}/{name} is not the file that was published; take a fresh copy of the repository")


def _data() -> str:
    from .sprites import load_sprites, packaged_file

    classes = json.loads(packaged_file("data", "sprites.json").read_text())["classes"]
    for name, entry in classes.items():
        _checksum("data", f"{name}.png", entry["sha256"])
    return f"{len(load_sprites('all').images)} sprites in {len(classes)} classes, checksums match"


def _weights() -> str:
    from .sprites import packaged_file
    from .weights import SHIPPED, load_model

    expected = json.loads(packaged_file("weights", "weights.json").read_text())
    if not {f"{name}.pt" for name in SHIPPED} <= set(expected):
        raise RuntimeError("weights/weights.json does not name the weights; take a fresh copy of the repository")
    for name, entry in expected.items():
        _checksum("weights", name, entry["sha256"])
    found = []
    for name in SHIPPED:
        model, schedule = load_model(name)
        count = sum(p.numel() for p in model.parameters())
        about = f"predicts {model.prediction}, T = {schedule.T}, knows {len(model.words.words)} words"
        found.append(f"{name} with {count:,} parameters {about}")
    return "; ".join(found) + "; checksums match"


def _write() -> str:
    with tempfile.NamedTemporaryFile(dir="."):
        return "files can be written in this folder"


def _load() -> str:
    if not hasattr(os, "getloadavg"):
        return "how busy the machine is cannot be seen on this system"
    load, cores = os.getloadavg()[0], os.cpu_count()
    if load > cores:
        return f"busy: {load:.1f} programs want {cores} cores, so everything takes longer than the labs say"
    return f"quiet: {load:.1f} programs on {cores} cores"
