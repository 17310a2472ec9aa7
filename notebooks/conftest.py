"""For `pytest notebooks`: nbval runs the students' notebooks; the masters run here, strictly: a wrong solution is an error.

Notebooks that run side by side share the cores: threads of two kernels on one core wait for each other all the time.
"""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager

import build
import pytest

MASTERS = {lab.master: lab for lab in (*build.NOTEBOOKS, *build.SPANISH)}
SHELF = {path for lab in build.SHELF for path in (lab.master, lab.notebook)}
SPANISH = (build.HERE / "es", build.MASTERS / "es")


def pytest_ignore_collect(collection_path, config):
    """The Spanish notebooks wait for `pytest -m spanish`."""
    wanted = re.search(r"(?<!not )\bspanish\b", config.option.markexpr)
    return True if collection_path.resolve() in SPANISH and not wanted else None


def pytest_collect_file(file_path, parent):
    """Each master is a file of its own for pytest-xdist too, so that masters run side by side."""
    if file_path.resolve() in MASTERS:
        return Master.from_parent(parent, path=file_path)


class Master(pytest.File):
    """A master: one test, for no outputs are stored that its cells could be compared with."""

    def collect(self):
        """Called by pytest."""
        yield StrictRun.from_parent(self, name="strictly")


class StrictRun(pytest.Item):
    """The master runs to its end, all its solutions are right, and what it shows is as it should be."""

    def runtest(self):
        """Called by pytest."""
        with environment():
            build.solve(MASTERS[self.path.resolve()])

    def repr_failure(self, excinfo):
        """What was wrong, without pytest's and nbclient's own code."""
        return f"{excinfo.typename}: {excinfo.value}"


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """The notebooks of the bonus shelf wait for `pytest -m bonus`, the Spanish ones for `pytest -m spanish`."""
    for item in items:
        if item.path.resolve() in SHELF:
            item.add_marker("bonus")
        if not set(SPANISH).isdisjoint(item.path.resolve().parents):
            item.add_marker("spanish")


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_setup(item):
    """nbval starts a notebook's kernel here; it inherits the environment."""
    item.output_timeout = 60  # nbval waits 5 s for a finished cell's last output, too little on a busy machine
    with environment():
        return (yield)


@contextmanager
def environment() -> Iterator[None]:
    """What a kernel that is started now inherits: students' checks stop nothing, the live training is short, and each has its
    share of the cores."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {"DIFFUSION_LAB_STRICT": "0", **build.QUICK}.items():
            patch.setenv(name, value)
        workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", 1))
        if workers > 1:
            cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
            patch.setenv("OMP_NUM_THREADS", str(max(1, cores // workers)))
        yield
