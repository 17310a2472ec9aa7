"""Notebooks as software: hygiene, and mirrors: what students read is what runs. nbval runs the notebooks themselves."""

import ast
import importlib
import json

import pytest
from conftest import ROOT, load_script

build = load_script(ROOT / "notebooks" / "build.py")
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


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
    assert [path.stem for path in NOTEBOOKS] == list(build.ORDER)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_committed_notebooks_are_clean(path):
    assert build.problems(path) == []


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_what_students_read_is_what_runs(path):
    found = list(mirrors(path))
    assert found
    for target, source in found:
        module, name = target.rsplit(".", 1)
        package = importlib.import_module(module)
        assert definition(source, name) == definition(open(package.__file__, encoding="utf-8").read(), name), target


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_some_outputs_are_checked(path):
    checked = [c for c in cells(path) if "nbval-check-output" in c["metadata"].get("tags", [])]
    assert checked and all(c["outputs"] for c in checked)


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
