"""Helpers of several tests."""

import importlib.util
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent


def load_script(path):
    """Import a program that is not part of the package."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module
