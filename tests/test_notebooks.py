"""Notebooks as software: hygiene, and mirrors: what students read is what runs. nbval runs the notebooks themselves."""

import ast
import importlib
import json
import sys

import nbformat
import pytest
from common import ROOT, load_script
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

build = load_script(ROOT / "notebooks" / "build.py")
STUDENTS = sorted((ROOT / "notebooks").glob("*.ipynb"))
MASTERS = sorted((ROOT / "notebooks" / "solutions").glob("*.ipynb"))
NOTEBOOKS = STUDENTS + MASTERS


def label(path):
    return path.relative_to(ROOT / "notebooks").with_suffix("").as_posix()


def cells(path):
    return json.loads(path.read_text(encoding="utf-8"))["cells"]


def mirrors(path):
    """(tag's target, source) of the cells that show the package's own code."""
    for cell in cells(path):
        for tag in cell["metadata"].get("tags", []):
            if tag.startswith("mirrors: "):
                yield tag.removeprefix("mirrors: "), "".join(cell["source"])


def definition(source, name):
    """The syntax tree of a function without its docstring, as text."""
    found = next(node for node in ast.parse(source).body if isinstance(node, ast.FunctionDef) and node.name == name)
    if ast.get_docstring(found):
        found.body = found.body[1:]
    return ast.unparse(found)


def test_all_notebooks_are_known_to_build():
    assert [path.stem for path in STUDENTS] == [path.stem for path in MASTERS] == list(build.ORDER)


def test_students_notebooks_and_solutions_follow_from_the_masters():
    assert build.stale() == []


@pytest.mark.parametrize("path", NOTEBOOKS, ids=label)
def test_committed_notebooks_are_clean(path):
    assert build.problems(path) == []


@pytest.mark.parametrize("path", NOTEBOOKS, ids=label)
def test_what_students_read_is_what_runs(path):
    found = list(mirrors(path))
    assert found
    for target, source in found:
        module, name = target.rsplit(".", 1)
        package = importlib.import_module(module)
        assert definition(source, name) == definition(open(package.__file__, encoding="utf-8").read(), name), target


@pytest.mark.parametrize("path", NOTEBOOKS, ids=label)
def test_some_outputs_are_checked(path):
    checked = [c for c in cells(path) if "nbval-check-output" in c["metadata"].get("tags", [])]
    assert checked and all(c["outputs"] for c in checked)


def exercises(path):
    """(name, what the check said) for each exercise of a notebook, in order."""
    for cell in cells(path):
        name = build.exercise("".join(cell["source"])) if cell["cell_type"] == "code" else None
        if name:
            assert "nbval-check-output" in cell["metadata"]["tags"], name
            yield name, "".join(cell["outputs"][0]["data"]["text/plain"])


@pytest.mark.parametrize("path", STUDENTS, ids=label)
def test_students_are_told_what_is_not_done_yet_and_masters_are_right(path):
    names = [f"{path.stem[:2]}.{i}" for i in range(1, 6)]
    todo = "not done yet. Write the function, then run this cell again."
    assert list(exercises(path)) == [(name, f"Exercise {name}: {todo}") for name in names]
    master = path.parent / "solutions" / path.name
    assert list(exercises(master)) == [(name, f"Exercise {name}: right.") for name in names]


@pytest.mark.parametrize("path", STUDENTS, ids=label)
def test_no_solution_is_left_in_a_students_notebook(path):
    text = path.read_text(encoding="utf-8")
    assert "SOLUTION" not in text and text.count("raise NotImplementedError(") == 5


@pytest.mark.parametrize("path", STUDENTS, ids=label)
def test_strictly_a_students_notebook_stops_at_its_first_exercise(path, monkeypatch):
    monkeypatch.setenv("DIFFUSION_LAB_STRICT", "1")
    notebook = nbformat.read(path, as_version=4)
    with pytest.raises(CellExecutionError) as stopped:
        NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(path.parent)}}).execute()
    todo = f"Exercise {path.stem[:2]}.1: not done yet. Write the function, then run this cell again."
    assert (stopped.value.ename, stopped.value.evalue) == ("AssertionError", todo)  # (IPython colours the message itself)


def test_a_stub_takes_the_place_of_the_solution_and_nothing_else():
    solution = "    if x:\n        return y\n"
    begin, end = "def f(x):\n    y = 1\n", "\n\nchecks.L1_2.check(f)"
    code = f"{begin}    ### BEGIN SOLUTION\n{solution}    ### END SOLUTION\n{end}"
    cell = {"cell_type": "code", "source": code, "outputs": [1], "execution_count": 3}
    stub = (
        'def f(x):\n    y = 1\n    raise NotImplementedError("Exercise L1.2: write this function.")\n\n\nchecks.L1_2.check(f)'
    )
    made = build.for_students(cell)
    assert "".join(made["source"]) == stub and made["outputs"] == [] and made["execution_count"] is None
    assert json.loads(build.solutions([{"cells": [cell]}])) == {"L1.2": begin + solution}


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
def test_the_check_sees_each_fault(spoil, message, tmp_path):
    code = {"cell_type": "code", "execution_count": 1, "id": "b", "metadata": {}, "outputs": [], "source": "1"}
    nb = {"cells": [{"cell_type": "markdown", "id": "a", "metadata": {}, "source": "hello"}, code]}
    nb |= {"metadata": dict(build.KERNEL), "nbformat": 4, "nbformat_minor": 5}
    nb["metadata"]["built_from"] = build.source_sum(nb)
    path = tmp_path / "n.ipynb"
    path.write_text(build.to_text(nb), encoding="utf-8")
    assert build.problems(path) == []
    spoil(nb)
    path.write_text(build.to_text(nb), encoding="utf-8")
    assert any(message in problem for problem in build.problems(path)), build.problems(path)


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
