"""Make the labs from their masters, the texts in masters/; or check that the committed labs follow from them.

    python notebooks/build.py [L1_Sampling ...]           the students' notebooks: all, or these
    python notebooks/build.py --solutions FOLDER [...]    executed masters, for teachers, into FOLDER
    python notebooks/build.py --check [...]               say what is wrong with masters and notebooks; exit 1 if anything is

Edit the masters only; labs.toml lists labs and bonus shelf. The Spanish notebooks, es/L1_Sampling and so on, follow from the
same masters and from their translations in masters/es/: see translation.py.

A master is Markdown as jupytext reads it. Text stands between <!-- #region id="..." --> and <!-- #endregion -->, code between
```python id="..." and ```; a cell keeps its id for ever. In a student's notebook each solution, what stands between
### BEGIN SOLUTION and ### END SOLUTION, is a line that raises NotImplementedError. The solutions also go to
diffusion_lab/checks/solutions.json, the Spanish ones to solutions_es.json.

Each notebook is executed whole, in order, in a fresh kernel: first the master, strictly, so that a wrong solution stops
everything, then the student's. What is stripped: time stamps, kernel details, progress bars, and widget views, which show
nothing without a running kernel (beside each stands a plain picture).
"""

import argparse
import hashlib
import json
import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path

import drift
import jupytext
import nbformat
import tomllib
import translation
from nbclient import NotebookClient

from diffusion_lab.checks.exercise import SOLUTIONS
from diffusion_lab.files import write_safely

HERE = Path(__file__).resolve().parent
MASTERS = HERE / "masters"
BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"

# What Colab installs from: any source that `pip install` takes. Set here and nowhere else; empty until there is a public one.
ADDRESS = ""
SETUP = f"""\
# @title Set-up: is the package there?
# In Colab it is installed here, and the PyTorch that Colab brings stays untouched.
import os
import subprocess
import sys
from importlib import import_module, invalidate_caches
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

os.environ["DIFFUSION_LAB_LANGUAGE"] = "en"  # what answers in this notebook speaks this language
package = import_module("diffusion_lab")  # before torch: it says how torch's threads wait on a busy machine
"""
# By language: what stands in place of a solution, and what a check says of a right one.
STUBS = {"en": "Exercise {}: write this function.", "es": "Ejercicio {}: escribe esta función."}
RIGHT = {"en": "Exercise {}: right.", "es": "Ejercicio {}: correcto."}
QUICK = {"DIFFUSION_LAB_SECONDS": "15"}  # the environment of tests: L2's live training need not reach its quality there
LIMIT = 1_000_000  # bytes; GitHub does not draw larger notebooks well
KERNEL = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
WIDGET = "application/vnd.jupyter.widget-view+json"
FOLDED = {"cellView": "form", "jupyter": {"source_hidden": True}}  # how Colab and JupyterLab write that a cell's code is hidden


@dataclass(frozen=True)
class Lab:
    """An entry of labs.toml, which says what the fields mean: a lab, or a notebook of the bonus shelf."""

    name: str
    title: str
    title_es: str
    exercises: int
    views: int
    sliders: int
    seconds: int

    @property
    def master(self) -> Path:
        """The text that people edit."""
        return MASTERS / f"{self.name}.md"

    @property
    def notebook(self) -> Path:
        """The student's notebook."""
        return HERE / f"{self.name}.ipynb"

    @property
    def language(self) -> str:
        """ "es" for a translated notebook."""
        return "es" if self.name.startswith("es/") else "en"

    @property
    def exercise_names(self) -> list[str]:
        """L1.1, L1.2, ..."""
        return [f"{self.master.stem.partition('_')[0]}.{i + 1}" for i in range(self.exercises)]


class Fault(ValueError):
    """What is wrong with a master, in one sentence."""


LISTED = tomllib.loads((HERE / "labs.toml").read_text(encoding="utf-8"))
LABS, SHELF = (tuple(Lab(**entry) for entry in LISTED[kind]) for kind in ("lab", "bonus"))
NOTEBOOKS = (*LABS, *SHELF)
SPANISH = tuple(replace(lab, name=f"es/{lab.name}") for lab in NOTEBOOKS)


def clean(notebook: dict) -> dict:
    """The notebook without what differs from run to run. Changes it in place and returns it."""
    built_from = notebook["metadata"].get("built_from")
    notebook["metadata"] = dict(KERNEL) | ({"built_from": built_from} if built_from else {})
    for cell in notebook["cells"]:
        cell["metadata"] = tagged(cell["metadata"].get("tags", []))
        if cell["cell_type"] == "code":
            cell["outputs"] = [output for output in cell["outputs"] if not _passing(output)]
    return notebook


def tagged(tags: list[str]) -> dict:
    """The metadata of a cell with these tags. What a reader need not see is tagged "folded": its code is hidden."""
    return ({"tags": tags} if tags else {}) | (FOLDED if "folded" in tags else {})


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


def problems(text: str) -> list[str]:
    """What is wrong with an executed notebook, one sentence each; an empty list if nothing is."""
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
        found.append("a picture was displayed without diffusion_lab.notebook.show, so it has no alternative text")
    if to_text(clean(json.loads(text))) != text:
        found.append("it is not as build.py writes it")
    return found


def _html(code: list[dict]) -> str:
    return "".join("".join(output.get("data", {}).get("text/html", "")) for cell in code for output in cell["outputs"])


def read_master(path: Path) -> dict:
    """A master as a notebook without outputs, with the set-up cell, as it is now, before its first code cell.

    Fault: a cell has no id, another's id, or more to it than an id and tags, which would be lost on the way.
    """
    cells, ids = [], {"setup"}
    for cell in jupytext.reads(path.read_text(encoding="utf-8"), fmt="md").cells:
        id, begins = cell.metadata.get("id"), cell.source.strip()[:60]
        more = set(cell.metadata) - {"id", "tags", "lines_to_next_cell"}  # jupytext notes the last where lines are not 1
        if id is None:
            how = 'text stands between <!-- #region id="..." --> and <!-- #endregion -->, code begins with ```python id="..."'
            raise Fault(f"{_short(path)}: the cell {begins!r} has no id: {how}; between two cells is one empty line")
        if id in ids:
            raise Fault(f"{_short(path)}: two cells have the id {id}")
        if more:
            raise Fault(f"{_short(path)}: the cell {id} has {', '.join(sorted(more))}; only id and tags are known")
        ids.add(id)
        about = tagged(cell.metadata.get("tags", []))
        made = {"cell_type": cell.cell_type, "id": id, "metadata": about, "source": cell.source.splitlines(keepends=True)}
        cells.append(made | ({"outputs": [], "execution_count": None} if cell.cell_type == "code" else {}))
    first = next(i for i, cell in enumerate(cells) if cell["cell_type"] == "code")
    setup = {"cell_type": "code", "id": "setup", "metadata": tagged(["folded"]), "outputs": [], "execution_count": None}
    setup["source"] = SETUP.rstrip().splitlines(keepends=True)
    return {"cells": [*cells[:first], setup, *cells[first:]], "metadata": dict(KERNEL), "nbformat": 4, "nbformat_minor": 5}


def named(name: str) -> Lab:
    """The notebook of this name."""
    return next(lab for lab in (*NOTEBOOKS, *SPANISH) if lab.name == name)


def pieces_of(lab: Lab) -> list[tuple[Path, dict]]:
    """A Spanish notebook's translations, each with the English cells that it translates: the set-up cell's is one for all."""
    master = read_master(named(lab.name.removeprefix("es/")).master)
    setup, cells = [], []
    for cell in master["cells"]:
        (setup if cell["id"] == "setup" else cells).append(cell)
    return [(MASTERS / "es" / "setup.md", {"cells": setup}), (lab.master, {"cells": cells})]


def master_of(lab: Lab) -> dict:
    """A notebook's master, read; for a Spanish one the English master with its translation."""
    if lab.language == "en":
        return read_master(lab.master)
    whole = translation.Translation()
    for path, _ in pieces_of(lab):
        one = translation.read(path)
        whole.texts |= one.texts
        whole.strings |= one.strings
        whole.added += one.added
    return translation.translate(read_master(named(lab.name.removeprefix("es/")).master), whole)


def out_of_step(lab: Lab) -> list[str]:
    """What in a Spanish notebook's translations is out of step, one sentence each."""
    found = []
    for path, cells in pieces_of(lab):
        found += [f"{_short(path)}: {problem}" for problem in drift.problems(cells, translation.read(path))]
    return found


def for_students(cell: dict, language: str = "en") -> dict:
    """A cell of a master without its solution, its outputs and its count; cells without a solution stay as they are."""
    source = "".join(cell["source"])
    if cell["cell_type"] == "code":
        cell = cell | {"outputs": [], "execution_count": None}
        name = exercise(source)
        if name:
            stub = f'\\g<1>raise NotImplementedError("{STUBS[language].format(name)}")\n'
            source = re.sub(rf"^( *){BEGIN}\n.*?^ *{END}\n", stub, source, flags=re.MULTILINE | re.DOTALL)
    return cell | {"source": source.splitlines(keepends=True)}


def exercise(source: str) -> str | None:
    """The name of the exercise that a cell holds, "L1.2"; None for all other cells."""
    found = re.search(r"^(?:\w*verdict = )?checks\.([LB]\d)_(\d)\.check\(", source, flags=re.MULTILINE)
    return f"{found[1]}.{found[2]}" if found else None


def solutions(masters: list[dict]) -> str:
    """The functions of all exercises, with their solutions, as the text of solutions.json."""
    found = {}
    for master in masters:
        for cell in master["cells"]:
            source = "".join(cell["source"])
            if cell["cell_type"] == "code" and exercise(source):
                code = source[: source.index("\n\n\n", source.index(END))] + "\n"  # two empty lines end a function
                found[exercise(source)] = re.sub(rf"^ *({BEGIN}|{END})\n", "", code, flags=re.MULTILINE)
    return json.dumps(found, indent=1, ensure_ascii=False) + "\n"


def verdicts(notebook: dict) -> list[tuple[str, str]]:
    """(exercise's name, what its check said) of an executed notebook, in order."""
    said = []
    for cell in notebook["cells"]:
        name = exercise("".join(cell["source"])) if cell["cell_type"] == "code" else None
        if name:
            said.append((name, "".join(cell["outputs"][0]["data"]["text/plain"])))
    return said


def stale(labs: list[Lab]) -> list[str]:
    """Which committed files do not follow from the masters, one sentence each."""
    found = []
    for lab in labs:
        wanted = [_fixed(for_students(cell, lab.language)) for cell in master_of(lab)["cells"]]
        made = json.loads(lab.notebook.read_text(encoding="utf-8"))["cells"] if lab.notebook.exists() else []
        if [_fixed(cell) for cell in made] != wanted:
            found.append(f"{lab.name}.ipynb does not follow from masters/{lab.name}.md: run notebooks/build.py {lab.name}")
    for path, text in all_solutions().items():
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            found.append(f"{path.name} does not follow from the masters: run notebooks/build.py")
    return found


def all_solutions() -> dict[Path, str]:
    """solutions.json and solutions_es.json as they should be."""
    labs = {SOLUTIONS: NOTEBOOKS, SOLUTIONS.with_name("solutions_es.json"): SPANISH}
    return {path: solutions([master_of(lab) for lab in some]) for path, some in labs.items()}


def _fixed(cell: dict) -> tuple:
    """What executing a cell leaves as it is."""
    return cell["id"], cell["cell_type"], cell["metadata"], "".join(cell["source"])


def lint(path: Path, notebook: dict) -> list[str]:
    """What ruff finds in a master's code, solutions included, one sentence each, with the line in the master's file.

    notebook: the master, read.
    ruff formats code in Markdown by itself (`ruff format`), but looks for mistakes in Python and notebooks only. So it is given
    the master as a notebook, for which pyproject.toml also has the rules.
    """
    command = [sys.executable, "-m", "ruff", "check", "--quiet", "--output-format=json", "-"]
    command += [f"--config={HERE.parent / 'pyproject.toml'}", f"--stdin-filename={path.with_suffix('.ipynb')}"]
    text = json.dumps(notebook)
    done = subprocess.run(command, input=text, capture_output=True, encoding="utf-8", cwd=HERE.parent)
    if not done.stdout:
        raise RuntimeError(done.stderr)
    found = []
    for complaint in json.loads(done.stdout):
        cell = notebook["cells"][complaint["cell"] - 1]
        where = _line(path, cell["id"], complaint["location"]["row"])
        found.append(f"{where}: {complaint['code']} {complaint['message']}")
    return found


def _line(path: Path, id: str, row: int) -> str:
    """Where the row of a cell (from 1) stands: "notebooks/masters/L1_Sampling.md:57"."""
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if line.startswith("```python") and f'id="{id}"' in line:
            return f"{_short(path)}:{number + row}"
    return f"SETUP in notebooks/build.py, line {row}"  # the only cell that no master holds


def _short(path: Path) -> str:
    """A path as one says it in the repository's folder."""
    return (path.relative_to(HERE.parent) if path.is_relative_to(HERE.parent) else path).as_posix()


def solve(lab: Lab, more: dict[str, str] = QUICK) -> dict:
    """The master, executed strictly: a wrong solution stops it. Fault: an exercise is missing, or the notebook is not clean.

    more: what its environment has besides.
    """
    notebook = execute(master_of(lab), lab, {"DIFFUSION_LAB_STRICT": "1"} | more)
    found = problems(to_text(notebook))
    said, wanted = verdicts(notebook), [(name, RIGHT[lab.language].format(name)) for name in lab.exercise_names]
    if said != wanted:
        found.append(f"its checks should say {wanted}, as labs.toml counts them, and said {said}")
    if found:
        raise Fault(f"{_short(lab.master)}: {'; '.join(found)}")
    return notebook


def build(lab: Lab):
    """Execute a master, derive the student's notebook, execute that, and write it."""
    master = solve(lab)
    student = master | {"cells": [for_students(cell, lab.language) for cell in master["cells"]]}
    lab.notebook.parent.mkdir(parents=True, exist_ok=True)
    write(execute(student, lab, {"DIFFUSION_LAB_STRICT": "0"}), lab.notebook)


def execute(notebook: dict, lab: Lab, environment: dict[str, str]) -> dict:
    """The notebook with what a fresh kernel put out, clean. environment: what the kernel's has besides."""
    notebook = nbformat.reads(json.dumps(notebook), as_version=4)
    begin = time.perf_counter()
    folder = str(lab.notebook.parent)  # where students run it
    client = NotebookClient(notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": folder}})
    client.execute(env=os.environ | environment)
    which = "with solutions" if environment["DIFFUSION_LAB_STRICT"] == "1" else "for students"
    print(f"{lab.name}, {which}: {time.perf_counter() - begin:.0f} s")
    notebook = clean(json.loads(nbformat.writes(notebook)))
    notebook["metadata"]["built_from"] = source_sum(notebook)
    return notebook


def write(notebook: dict, path: Path):
    """Write a notebook to disk, whole or not at all."""
    write_safely(path, lambda file: file.write(to_text(notebook).encode()))
    print(f"{_short(path)}: {path.stat().st_size / 1000:.0f} kB")


def check(labs: list[Lab]) -> list[str]:
    """What is wrong with masters and committed notebooks, one sentence each."""
    found = [problem for lab in labs if lab.language != "en" for problem in out_of_step(lab)]
    found += stale(labs)
    for lab in labs:
        found += lint(lab.master, master_of(lab))
        if lab.notebook.exists():
            found += [f"{lab.name}.ipynb: {problem}" for problem in problems(lab.notebook.read_text(encoding="utf-8"))]
    return found


def main() -> int:
    """See the top of this file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("notebooks", nargs="*", default=[lab.name for lab in (*NOTEBOOKS, *SPANISH)])
    parser.add_argument("--solutions", type=Path, metavar="FOLDER")
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    unknown = set(options.notebooks) - {lab.name for lab in (*NOTEBOOKS, *SPANISH)}
    if unknown:
        parser.error(f"labs.toml has no {', '.join(sorted(unknown))}")
    labs = [lab for lab in (*NOTEBOOKS, *SPANISH) if lab.name in options.notebooks]
    try:
        found = run(labs, options.solutions, options.check)
    except (Fault, translation.Drift) as fault:
        found = [str(fault)]
    for problem in found:
        print(problem)
    return int(bool(found))


def run(labs: list[Lab], folder: Path | None, only_check: bool) -> list[str]:
    """Do what was asked for; returns what is wrong."""
    if folder:
        for lab in labs:
            path = folder / f"{lab.name}.ipynb"
            path.parent.mkdir(parents=True, exist_ok=True)
            write(solve(lab, {}), path)
        return []
    if not only_check:
        for path, text in all_solutions().items():
            write_safely(path, lambda file, text=text: file.write(text.encode()))
        for lab in labs:
            build(lab)
    return check(labs)


if __name__ == "__main__":
    sys.exit(main())
