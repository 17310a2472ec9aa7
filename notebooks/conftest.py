"""For `pytest notebooks`: the masters run strictly (a wrong solution is an error), the students' notebooks do not.

Notebooks that run side by side share the cores: threads of two kernels on one core wait for each other all the time.
"""

import os

import pytest


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_setup(item):
    """A notebook's kernel is started here and inherits the environment; what comes afterwards does not."""
    item.output_timeout = 60  # nbval waits 5 s for a finished cell's last output, too little on a busy machine
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DIFFUSION_LAB_STRICT", str(int("solutions" in item.path.parts)))
        workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", 1))
        if workers > 1:
            cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
            patch.setenv("OMP_NUM_THREADS", str(max(1, cores // workers)))
        return (yield)
