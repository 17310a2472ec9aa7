"""For `pytest notebooks`: the masters run strictly (a wrong solution is an error), the students' notebooks do not."""

import os

import pytest


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item):
    """Before a notebook's kernel is started: it inherits the environment."""
    os.environ["DIFFUSION_LAB_STRICT"] = str(int("solutions" in item.path.parts))
