"""The notebooks under the versions that Colab brings, in an environment of its own that borrows torch from this one.

pytest -n 0 -m colab tests/test_colab.py        downloads a few small packages
"""

import json
import os
import subprocess
import sys
import venv
from pathlib import Path

import pytest
import torch
from common import ROOT, load_script

BUILD = load_script(ROOT / "notebooks" / "build.py")
LABS = [lab.notebook for lab in BUILD.NOTEBOOKS]
VERSIONS = ROOT / "tests" / "colab.txt"

pytestmark = pytest.mark.colab


@pytest.fixture(scope="module")
def colab(tmp_path_factory):
    """A Python with Colab's packages; what they do not replace, torch first of all, is this environment's."""
    folder = tmp_path_factory.mktemp("colab")
    venv.create(folder, with_pip=True)
    python = folder / "bin" / "python"
    own = next(folder.glob("lib/python3*/site-packages"))
    (own / "borrowed.pth").write_text(f"{Path(torch.__file__).parents[1]}\n{ROOT}\n")  # searched after its own packages
    subprocess.run([python, "-m", "pip", "install", "--quiet", "-r", VERSIONS], check=True)
    assert not (own / "torch").exists()
    kernel = folder / "share" / "jupyter" / "kernels" / "colab"
    kernel.mkdir(parents=True)
    command = [str(python), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    (kernel / "kernel.json").write_text(json.dumps({"argv": command, "display_name": "Colab", "language": "python"}))
    return python


def test_the_environment_is_colabs(colab):
    code = "import json, torch, importlib.metadata as m; print(json.dumps({d.name.lower(): d.version for d in m.distributions()"
    code += " if 'colab' in str(d.locate_file(''))} | {'torch': torch.__version__}))"
    found = json.loads(subprocess.run([colab, "-c", code], check=True, capture_output=True, text=True).stdout)
    wanted = [line.strip().lower().split("==") for line in VERSIONS.read_text().splitlines() if "==" in line]
    assert len(wanted) == 6 and all(found[name] == version for name, version in wanted)
    assert found["torch"] == torch.__version__


@pytest.mark.parametrize("path", LABS, ids=lambda path: path.stem)
def test_a_lab_runs_with_colabs_packages(colab, path):
    options = ["-q", "-p", "no:cacheprovider", "-o", "addopts=", "--nbval-lax", "--nbval-kernel-name=colab"]
    command = [sys.executable, "-m", "pytest", *options, "--nbval-cell-timeout=300", str(path)]
    environment = os.environ | BUILD.QUICK | {"JUPYTER_PATH": str(colab.parent.parent / "share" / "jupyter")}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-4000:]
    cells = sum(cell["cell_type"] == "code" for cell in json.loads(path.read_text(encoding="utf-8"))["cells"])
    assert f"{cells} passed" in done.stdout
