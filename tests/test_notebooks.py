"""Notebooks as software: hygiene, and mirrors: what students read is what runs.

nbval runs the students' notebooks themselves; notebooks/conftest.py runs the masters, strictly.
"""

import ast
import importlib
import json
import re
import subprocess
import sys

import pytest
from common import ROOT, load_script
from nbclient.exceptions import CellExecutionError

build = load_script(ROOT / "notebooks" / "build.py")
drift = load_script(ROOT / "notebooks" / "drift.py")
SHELF = [pytest.param(lab, marks=pytest.mark.bonus) for lab in build.SHELF]
by_lab = pytest.mark.parametrize("lab", [*build.LABS, *SHELF], ids=lambda lab: lab.name)
by_notebook = pytest.mark.parametrize("lab", [*build.LABS, *SHELF, *build.SPANISH], ids=lambda lab: lab.name)
TODO = {
    "en": "Exercise {}: not done yet. Write the function, then run this cell again.",
    "es": "Ejercicio {}: sin hacer todavía. Escribe la función y vuelve a ejecutar esta celda.",
}


def read(lab):
    """The student's notebook."""
    return json.loads(lab.notebook.read_text(encoding="utf-8"))


def mirrors(notebook):
    """(tag's target, source) of the cells that show the package's own code."""
    for cell in notebook["cells"]:
        for tag in cell["metadata"].get("tags", []):
            if tag.startswith("mirrors: "):
                yield tag.removeprefix("mirrors: "), "".join(cell["source"])


def definition(source, name):
    """The syntax tree of a function or class without docstrings, as text."""
    kinds = ast.FunctionDef | ast.ClassDef
    found = next(node for node in ast.parse(source).body if isinstance(node, kinds) and node.name == name)
    for node in filter(lambda node: isinstance(node, kinds) and ast.get_docstring(node), list(ast.walk(found))):
        node.body = node.body[1:]
    return ast.unparse(found)


def test_all_notebooks_and_masters_are_in_labs_toml():
    names = sorted(lab.name for lab in (*build.NOTEBOOKS, *build.SPANISH))
    for folder, kind, more in ((build.HERE, ".ipynb", []), (build.MASTERS, ".md", ["es/setup"])):
        found = [path.relative_to(folder).with_suffix("").as_posix() for path in folder.rglob(f"*{kind}")]
        found = [name for name in found if not name.endswith("README") and ".ipynb_checkpoints" not in name]
        assert sorted(found) == sorted([*names, *more])


def test_students_notebooks_and_solutions_follow_from_the_masters():
    assert build.stale([*build.NOTEBOOKS, *build.SPANISH]) == []


@by_notebook
def test_students_notebooks_differ_from_the_masters_in_the_exercises_only(lab):
    pairs = list(zip(build.master_of(lab)["cells"], read(lab)["cells"], strict=True))
    exercises = [build.exercise("".join(master["source"])) for master, _ in pairs]
    differ = [name for name, (master, student) in zip(exercises, pairs, strict=True) if master["source"] != student["source"]]
    assert differ == lab.exercise_names == list(filter(None, exercises))


@pytest.mark.parametrize("lab", build.SPANISH, ids=lambda lab: lab.name)
def test_translations_are_in_step_with_the_masters(lab):
    assert build.out_of_step(lab) == []


@by_notebook
def test_ruff_finds_nothing_in_the_masters_code(lab):
    assert build.lint(lab.master, build.master_of(lab)) == []


@by_notebook
def test_committed_notebooks_are_clean(lab):
    assert build.problems(lab.notebook.read_text(encoding="utf-8")) == []


@by_notebook
@pytest.mark.parametrize("of", ["student", "master"])
def test_what_students_read_is_what_runs(lab, of):
    found = list(mirrors(read(lab) if of == "student" else build.master_of(lab)))
    assert found or lab.name.endswith("L3_Context")  # there it is the exercises that show what runs
    for target, source in found:
        module, name = target.rsplit(".", 1)
        package = importlib.import_module(module)
        shown, runs = definition(source, name), definition(open(package.__file__, encoding="utf-8").read(), name)
        if lab.language != "en":  # what its strings say is translated
            shown, runs = drift.skeleton(shown), drift.skeleton(runs)
        assert shown == runs, target


@by_notebook
def test_some_outputs_are_checked(lab):
    checked = [c for c in read(lab)["cells"] if "nbval-check-output" in c["metadata"].get("tags", [])]
    assert checked and all(c["outputs"] for c in checked)
    exercises = [c for c in read(lab)["cells"] if c["cell_type"] == "code" and build.exercise("".join(c["source"]))]
    assert all("nbval-check-output" in c["metadata"].get("tags", []) for c in exercises)


@by_notebook
def test_students_are_told_what_is_not_done_yet(lab):
    assert build.verdicts(read(lab)) == [(name, TODO[lab.language].format(name)) for name in lab.exercise_names]


@by_notebook
def test_no_solution_is_left_in_a_students_notebook(lab):
    text = lab.notebook.read_text(encoding="utf-8")
    assert "SOLUTION" not in text and text.count("raise NotImplementedError(") == lab.exercises


@by_lab
def test_strictly_a_students_notebook_stops_at_its_first_exercise(lab):
    notebook = read(lab)
    first = next(i for i, cell in enumerate(notebook["cells"]) if build.exercise("".join(cell["source"])))
    folded = [cell for cell in notebook["cells"][:first] if "folded" in cell["metadata"].get("tags", [])]
    before = folded[:2]  # the set-up, and what the lab imports
    with pytest.raises(CellExecutionError) as stopped:
        build.execute(notebook | {"cells": [*before, notebook["cells"][first]]}, lab, {"DIFFUSION_LAB_STRICT": "1"})
    todo = TODO["en"].format(lab.exercise_names[0])
    assert (stopped.value.ename, stopped.value.evalue) == ("AssertionError", todo)  # (IPython colours the message itself)


@by_lab
def test_graded_strictly_an_open_exercise_spoils_no_other(lab, monkeypatch):
    """With --allow-errors, as the guide says: all solved but one, and only that one is an error."""
    monkeypatch.setenv("DIFFUSION_LAB_STRICT", "1")
    cells = [cell for cell in build.read_master(lab.master)["cells"] if cell["cell_type"] == "code" and cell["id"] != "setup"]
    imports, imported = cells[0], {}
    exec("".join(imports["source"]), imported)
    for open_ in lab.exercise_names:
        space, failed = dict(imported), []
        for cell in cells[1:]:
            name, tags = build.exercise("".join(cell["source"])), cell["metadata"].get("tags", [])
            if name or any(tag.startswith("mirrors: ") for tag in tags):
                try:
                    exec("".join((build.for_students(cell) if name == open_ else cell)["source"]), space)
                except AssertionError:
                    failed.append(name)
        assert failed == [open_]


MASTER = """\
<!-- #region id="a-text" -->
# Title

```python
shown, not run
```
<!-- #endregion -->

```python id="imports"
import torch
```

```python id="of-torch" tags=["nbval-check-output", "mirrors: a.b"]
x = torch.zeros(2)

x
```
"""


@pytest.fixture
def master(tmp_path):
    """Writes a master and returns its path."""

    def write(text):
        path = tmp_path / "L9_Test.md"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def test_a_master_is_read_with_ids_and_tags_and_gets_the_setup_cell(master):
    cells = build.read_master(master(MASTER))["cells"]
    assert [cell["id"] for cell in cells] == ["a-text", "setup", "imports", "of-torch"]
    assert [cell["cell_type"] for cell in cells] == ["markdown", "code", "code", "code"]
    assert "".join(cells[0]["source"]) == "# Title\n\n```python\nshown, not run\n```"
    assert "".join(cells[1]["source"]) == build.SETUP.rstrip()
    assert cells[3]["source"] == ["x = torch.zeros(2)\n", "\n", "x"]
    assert cells[1]["metadata"] == {"tags": ["folded"], "cellView": "form", "jupyter": {"source_hidden": True}}
    assert [cell["metadata"] for cell in cells[2:]] == [{}, {"tags": ["nbval-check-output", "mirrors: a.b"]}]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (' id="imports"', "", "the cell 'import torch' has no id"),
        ("<!-- #endregion -->", "<!-- #endregion -->\n\nstray", "the cell 'stray' has no id"),
        ('id="of-torch"', 'id="imports"', "two cells have the id imports"),
        ('id="imports"', 'id="setup"', "two cells have the id setup"),
        ("tags=", "tag=", "the cell of-torch has tag; only id and tags are known"),
    ],
)
def test_nothing_of_a_master_is_lost_silently(master, old, new, message):
    assert old in MASTER
    with pytest.raises(build.Fault, match=re.escape(message)):
        build.read_master(master(MASTER.replace(old, new)))


@pytest.mark.parametrize(
    ("old", "new", "row", "message"),
    [
        ("import torch\n", "import torch\nimport re\n", 11, "F401 `re` imported but unused"),
        ("x\n```", "y\n```", 16, "F821 Undefined name `y`"),
        ("zeros(2)", "zeros(2", 16, "invalid-syntax"),
    ],
)
def test_ruffs_complaints_lead_to_the_masters_line(master, old, new, row, message):
    path = master(MASTER)
    assert build.lint(path, build.read_master(path)) == []
    assert MASTER.count(old) == 1
    path.write_text(MASTER.replace(old, new), encoding="utf-8")
    complaints = build.lint(path, build.read_master(path))
    assert any(f"{path}:{row}: " in found and message in found for found in complaints), complaints


def test_a_master_must_hold_the_exercises_that_labs_toml_counts(master, monkeypatch):
    monkeypatch.setattr(build, "MASTERS", master(MASTER).parent)
    lab = build.Lab("L9_Test", "L9 Test", "L9 Prueba", exercises=1, views=0, sliders=0, seconds=1)
    with pytest.raises(build.Fault, match=r"L9_Test\.md: its checks should say .*Exercise L9\.1: right.* and said \[\]"):
        build.solve(lab)


def readme_time(seconds):
    return f"{seconds} s" if seconds < 60 else f"{seconds / 60:.0f} min"


@by_lab
def test_a_lab_is_called_as_labs_toml_says(lab):
    assert "".join(read(lab)["cells"][0]["source"]).startswith(f"# {lab.title}:")


def test_the_readmes_tables_are_those_of_labs_toml():
    home = (ROOT / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| \[(.*)\]\(notebooks/(.*)\.ipynb\) \|.*\| (.*) \|$", home, flags=re.MULTILINE)
    assert rows == [(lab.title, lab.name, readme_time(lab.seconds)) for lab in build.NOTEBOOKS]
    guide = (ROOT / "notebooks" / "README.md").read_text(encoding="utf-8")
    times = re.search(r'^"Run All" on .*?: (L1 .*?)\.$', guide, flags=re.MULTILINE | re.DOTALL)[1]
    assert re.findall(r"(L\d) (\d+) s", times) == [(lab.name[:2], str(lab.seconds)) for lab in build.LABS]
    plan = " | ".join(["| ", *(lab.title for lab in build.LABS)]).replace("|  |", "| |", 1) + " |"
    assert plan in guide.splitlines()


def test_a_stub_takes_the_place_of_the_solution_and_nothing_else():
    solution = "    if x:\n        return y\n"
    begin, rest, end = "def f(x):\n    y = 1\n", "    return 0\n", "\n\nchecks.L1_2.check(f)"
    code = f"{begin}    ### BEGIN SOLUTION\n{solution}    ### END SOLUTION\n{rest}{end}"
    cell = {"cell_type": "code", "source": code, "outputs": [1], "execution_count": 3}
    stub = f'{begin}    raise NotImplementedError("Exercise L1.2: write this function.")\n{rest}{end}'
    made = build.for_students(cell)
    assert "".join(made["source"]) == stub and made["outputs"] == [] and made["execution_count"] is None
    assert json.loads(build.solutions([{"cells": [cell]}])) == {"L1.2": begin + solution + rest}


def run_setup(monkeypatch, folder, colab):
    """Execute the set-up cell where the package is missing; returns pip's commands."""
    commands = []
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    monkeypatch.setattr("subprocess.run", lambda command, check: commands.append(command))
    monkeypatch.chdir(folder)
    if colab:
        monkeypatch.setitem(sys.modules, "google.colab", object())
    exec(build.SETUP, {})
    return commands


def test_the_setup_cell_installs_an_uploaded_wheel_in_colab_and_leaves_torch_alone(monkeypatch, tmp_path):
    (tmp_path / "diffusion_lab-1.0-py3-none-any.whl").touch()
    assert run_setup(monkeypatch, tmp_path, colab=True) == [
        [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "diffusion_lab-1.0-py3-none-any.whl"]
    ]


def test_the_setup_cell_says_what_to_do(monkeypatch, tmp_path):
    with pytest.raises(ModuleNotFoundError, match="set it up as the README says"):
        run_setup(monkeypatch, tmp_path, colab=False)
    with pytest.raises(ModuleNotFoundError, match="Upload diffusion_lab"):
        run_setup(monkeypatch, tmp_path, colab=True)


def test_the_setup_cell_does_nothing_where_the_package_is():
    exec(build.SETUP, {})
    assert build.SETUP.count(f'"{build.ADDRESS}"') == 1


def spoil_order(nb):
    nb["cells"][1]["execution_count"] = 9


def spoil_execution(nb):
    nb["cells"][1]["execution_count"] = None


def spoil_error(nb):
    nb["cells"][1]["outputs"] = [{"output_type": "error", "ename": "E", "evalue": "", "traceback": []}]


def spoil_widgets(nb):
    nb["metadata"]["widgets"] = {}


def spoil_size(nb):
    nb["cells"][0]["source"] = "x" * 1_000_001


def spoil_ids(nb):
    nb["cells"][1]["id"] = nb["cells"][0]["id"]


def html(source):
    return [{"output_type": "display_data", "metadata": {}, "data": {"text/html": source}}]


def spoil_alt(nb):
    nb["cells"][1]["outputs"] = html('<img src="data:...">')


def spoil_picture(nb):
    nb["cells"][1]["outputs"] = [{"output_type": "display_data", "metadata": {}, "data": {"image/png": "iVBO"}}]


def spoil_gif(nb):
    nb["cells"][1]["outputs"] = [{"output_type": "display_data", "metadata": {}, "data": {"image/gif": "R0lG"}}]


def spoil_source(nb):
    nb["cells"][1]["source"] = "2"


def spoil_metadata(nb):
    nb["cells"][0]["metadata"] = {"time": 1}


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (spoil_order, "in order"),
        (spoil_execution, "in order"),
        (spoil_error, "error output"),
        (spoil_widgets, "widget state"),
        (spoil_size, "more than 1,000,000"),
        (spoil_ids, "unique ids"),
        (spoil_alt, "no alternative text"),
        (spoil_picture, "no alternative text"),
        (spoil_gif, "no alternative text"),
        (spoil_source, "changed after it was executed"),
        (spoil_metadata, "not as build.py writes it"),
    ],
)
def test_the_check_sees_each_fault(spoil, message):
    code = {"cell_type": "code", "execution_count": 1, "id": "b", "metadata": {}, "outputs": [], "source": "1"}
    nb = {"cells": [{"cell_type": "markdown", "id": "a", "metadata": {}, "source": "hello"}, code]}
    nb |= {"metadata": dict(build.KERNEL), "nbformat": 4, "nbformat_minor": 5}
    nb["metadata"]["built_from"] = build.source_sum(nb)
    assert build.problems(build.to_text(nb)) == []
    spoil(nb)
    found = build.problems(build.to_text(nb))
    assert any(message in problem for problem in found), found


def test_build_strips_progress_bars_and_widget_views():
    outputs = [
        {"output_type": "stream", "name": "stderr", "text": "50%|"},
        {"output_type": "display_data", "metadata": {}, "data": {build.WIDGET: {}, "text/plain": "VBox()"}},
        {"output_type": "stream", "name": "stdout", "text": "kept"},
    ]
    cell = {"cell_type": "code", "metadata": {"tags": ["x"], "execution": {"t": 1}}, "outputs": outputs}
    cleaned = build.clean({"metadata": {"widgets": {}}, "cells": [cell]})
    assert cleaned["cells"][0]["outputs"] == [outputs[2]] and cleaned["cells"][0]["metadata"] == {"tags": ["x"]}
    assert cleaned["metadata"] == build.KERNEL


@pytest.mark.parametrize(("marker", "collected"), [([], False), (["-m", ""], False), (["-m", "spanish"], True)])
def test_the_spanish_notebooks_wait_for_their_marker(marker, collected):
    command = [sys.executable, "-m", "pytest", "-n", "0", "--collect-only", "-q", *marker, "notebooks"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0
    assert ("notebooks/es/L1_Sampling.ipynb::" in done.stdout) == collected
    assert ("notebooks/masters/es/L1_Sampling.md::" in done.stdout) == collected
