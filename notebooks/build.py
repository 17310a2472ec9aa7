"""Make the labs from their masters in solutions/: execute, clean and write both; or check that the committed ones are so.

    python notebooks/build.py [L1_Sampling ...]    all labs, or these
    python notebooks/build.py --check              say what is wrong with the committed notebooks; exit 1 if anything is

Edit the masters only. In a student's notebook each solution, what stands between ### BEGIN SOLUTION and ### END SOLUTION, is
a line that raises NotImplementedError. The solutions also go to diffusion_lab/checks/solutions.json.

Each notebook is executed whole, in order, in a fresh kernel; the master strictly, so that it stops at a wrong solution.
What is stripped: time stamps, kernel details, progress bars, and widget views, which show nothing without a running kernel
(beside each stands a plain picture).
"""

import argparse
import hashlib
import json
import os
import re
import sys
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient

from diffusion_lab.checks.exercise import SOLUTIONS
from diffusion_lab.files import write_safely

HERE = Path(__file__).parent
MASTERS = HERE / "solutions"
BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"

# What Colab installs from: any source that `pip install` takes. Set here and nowhere else; empty until there is a public one.
ADDRESS = ""
SETUP = f"""\
# Is the package there? In Colab it is installed here, and the PyTorch that Colab brings stays untouched.
import subprocess
import sys
from importlib import invalidate_caches
from importlib.util import find_spec
from pathlib import Path

if find_spec("diffusion_lab") is None:
    if "google.colab" not in sys.modules:
        raise ModuleNotFoundError("diffusion_lab is missing: set it up as the README says, and choose that kernel.")
    source = "{ADDRESS}" or next(map(str, Path().glob("diffusion_lab-*.whl")), None)
    if source is None:
        raise ModuleNotFoundError("Upload diffusion_lab-...-any.whl (the folder sign at the left), then run this cell again.")
    subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", source], check=True)
    invalidate_caches()
"""
ORDER = ("L1_Sampling", "L2_Training", "L3_Context", "L4_FastSampling")
LIMIT = 1_000_000  # bytes; GitHub does not draw larger notebooks well
KERNEL = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
WIDGET = "application/vnd.jupyter.widget-view+json"


def clean(notebook: dict) -> dict:
    """The notebook without what differs from run to run. Changes it in place and returns it."""
    built_from = notebook["metadata"].get("built_from")
    notebook["metadata"] = dict(KERNEL) | ({"built_from": built_from} if built_from else {})
    for cell in notebook["cells"]:
        cell["metadata"] = {"tags": cell["metadata"]["tags"]} if cell["metadata"].get("tags") else {}
        if cell["cell_type"] == "code":
            cell["outputs"] = [output for output in cell["outputs"] if not _passing(output)]
    return notebook


def _passing(output: dict) -> bool:
    """Progress bars (written to stderr) and widget views."""
    return output.get("name") == "stderr" or WIDGET in output.get("data", {})


def source_sum(notebook: dict) -> str:
    """A checksum of the code, so that `--check` sees a cell that was edited after it ran."""
    code = ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code"]
    return hashlib.sha256("\0".join(code).encode()).hexdigest()


def to_text(notebook: dict) -> str:
    """A notebook as it is written to disk."""
    return json.dumps(notebook, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def problems(path: Path) -> list[str]:
    """What is wrong with a committed notebook, one sentence each; an empty list if nothing is."""
    text = path.read_text(encoding="utf-8")
    notebook = json.loads(text)
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    ids = [cell.get("id") for cell in notebook["cells"]]
    found = []
    if len(text.encode()) > LIMIT:
        found.append(f"it has {len(text.encode()):,} bytes, more than {LIMIT:,}")
    if [cell["execution_count"] for cell in code] != list(range(1, len(code) + 1)):
        found.append("its cells were not executed once each, in order: nbval would compare nothing")
    if any(output["output_type"] == "error" for cell in code for output in cell["outputs"]):
        found.append("it holds an error output")
    if "widgets" in notebook["metadata"]:
        found.append("it holds widget state, which breaks GitHub's view")
    if None in ids or len(set(ids)) != len(ids):
        found.append("its cells have no unique ids")
    if any(not re.search(r'alt="[^"]{10,}"', img) for img in re.findall(r"<img[^>]*>", _html(code))):
        found.append("a picture has no alternative text")
    if notebook["metadata"].get("built_from") != source_sum(notebook):
        found.append("its code was changed after it was executed: run notebooks/build.py")
    if any(kind.startswith("image/") for cell in code for output in cell["outputs"] for kind in output.get("data", {})):
        found.append("a picture was displayed without diffusion_lab.viz.show, so it has no alternative text")
    if to_text(clean(json.loads(text))) != text:
        found.append("it is not as build.py writes it")
    return found


def _html(code: list[dict]) -> str:
    return "".join("".join(output.get("data", {}).get("text/html", "")) for cell in code for output in cell["outputs"])


def with_setup(notebook: dict) -> dict:
    """The notebook with the set-up cell, as it is now, before its first code cell."""
    cells = [cell for cell in notebook["cells"] if cell["id"] != "setup"]
    first = next(i for i, cell in enumerate(cells) if cell["cell_type"] == "code")
    setup = {"cell_type": "code", "id": "setup", "metadata": {}, "outputs": [], "execution_count": None}
    setup["source"] = SETUP.rstrip().splitlines(keepends=True)
    return notebook | {"cells": [*cells[:first], setup, *cells[first:]]}


def for_students(cell: dict) -> dict:
    """A cell of a master without its solution, its outputs and its count; cells without a solution stay as they are."""
    source = "".join(cell["source"])
    if cell["cell_type"] == "code":
        cell = cell | {"outputs": [], "execution_count": None}
        name = exercise(source)
        if name:
            stub = f'\\g<1>raise NotImplementedError("Exercise {name}: write this function.")\n'
            source = re.sub(rf"^( *){BEGIN}\n.*?^ *{END}\n", stub, source, flags=re.MULTILINE | re.DOTALL)
    return cell | {"source": source.splitlines(keepends=True)}


def exercise(source: str) -> str | None:
    """The name of the exercise that a cell holds, "L1.2"; None for all other cells."""
    found = re.search(r"^(?:verdict = )?checks\.(L\d)_(\d)\.check\(", source, flags=re.MULTILINE)
    return f"{found[1]}.{found[2]}" if found else None


def solutions(masters: list[dict]) -> str:
    """The functions of all exercises, with their solutions, as the text of solutions.json."""
    found = {}
    for master in masters:
        for cell in master["cells"]:
            source = "".join(cell["source"])
            if cell["cell_type"] == "code" and exercise(source):
                code = re.sub(rf"^ *{BEGIN}\n", "", source[: source.index(END)], flags=re.MULTILINE)
                found[exercise(source)] = code.rstrip() + "\n"
    return json.dumps(found, indent=1, ensure_ascii=False) + "\n"


def stale() -> list[str]:
    """Which committed files do not follow from the masters, one sentence each."""
    found = []
    masters = {name: _read(MASTERS / f"{name}.ipynb") for name in ORDER}
    for name, master in masters.items():
        if [cell["source"] for cell in master["cells"]] != [cell["source"] for cell in with_setup(master)["cells"]]:
            found.append(f"solutions/{name}.ipynb has another set-up cell: run notebooks/build.py")
        wanted = [_fixed(for_students(cell)) for cell in master["cells"]]
        if [_fixed(cell) for cell in _read(HERE / f"{name}.ipynb")["cells"]] != wanted:
            found.append(f"{name}.ipynb does not follow from its master in solutions/: run notebooks/build.py")
    if not SOLUTIONS.exists() or SOLUTIONS.read_text(encoding="utf-8") != solutions(list(masters.values())):
        found.append(f"{SOLUTIONS.name} does not follow from the masters: run notebooks/build.py")
    return found


def _fixed(cell: dict) -> tuple:
    """What executing a cell leaves as it is."""
    return cell["id"], cell["cell_type"], cell["metadata"], "".join(cell["source"])


def _read(path: Path) -> dict:
    return json.loads(path.read_text(encoding="utf-8"))


def build(name: str):
    """Execute a master, derive the student's notebook, execute that, and write both."""
    master = with_setup(_read(MASTERS / f"{name}.ipynb"))
    student = master | {"cells": [for_students(cell) for cell in master["cells"]]}
    execute(master, MASTERS / f"{name}.ipynb", strict=True)
    execute(student, HERE / f"{name}.ipynb", strict=False)


def execute(notebook: dict, path: Path, strict: bool):
    """Execute a notebook and write it to `path`. strict: a wrong answer to an exercise is an error."""
    os.environ["DIFFUSION_LAB_STRICT"] = str(int(strict))
    notebook = nbformat.reads(json.dumps(notebook), as_version=4)
    begin = time.perf_counter()
    NotebookClient(notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(path.parent)}}).execute()
    notebook = clean(json.loads(nbformat.writes(notebook)))
    notebook["metadata"]["built_from"] = source_sum(notebook)
    write_safely(path, lambda file: file.write(to_text(notebook).encode()))
    print(f"{path.relative_to(HERE)}: {time.perf_counter() - begin:.0f} s, {path.stat().st_size / 1000:.0f} kB")


def main() -> int:
    """See the top of this file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("notebooks", nargs="*", default=ORDER)
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    if not options.check:
        masters = [_read(MASTERS / f"{name}.ipynb") for name in ORDER]
        write_safely(SOLUTIONS, lambda file: file.write(solutions(masters).encode()))
        for name in options.notebooks:
            build(name)
    found = stale() if options.check else []
    for name in options.notebooks:
        for path in (MASTERS / f"{name}.ipynb", HERE / f"{name}.ipynb"):
            found += [f"{path.relative_to(HERE)}: {problem}" for problem in problems(path)]
    for problem in found:
        print(problem)
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
