"""Execute the notebooks and write them back clean; or check that the committed ones are so.

    python notebooks/build.py [L1_Sampling ...]    execute (all, or these), strip what changes from run to run, write
    python notebooks/build.py --check              say what is wrong with the committed notebooks; exit 1 if anything is

A notebook is executed whole, in order, in a fresh kernel. What is stripped: time stamps, kernel details, progress bars, and
widget views, which show nothing without a running kernel (beside each stands a plain picture).
"""

import argparse
import hashlib
import json
import re
import sys
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient

from diffusion_lab.training import write_safely

HERE = Path(__file__).parent
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


def build(path: Path):
    """Execute a notebook and write it back."""
    notebook = nbformat.read(path, as_version=4)
    begin = time.perf_counter()
    NotebookClient(notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(path.parent)}}).execute()
    notebook = clean(json.loads(nbformat.writes(notebook)))
    notebook["metadata"]["built_from"] = source_sum(notebook)
    write_safely(path, lambda file: file.write(to_text(notebook).encode()))
    print(f"{path.name}: {time.perf_counter() - begin:.0f} s, {path.stat().st_size / 1000:.0f} kB")


def main() -> int:
    """See the top of this file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("notebooks", nargs="*", default=ORDER)
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    wrong = False
    for name in options.notebooks:
        path = HERE / f"{name}.ipynb"
        if not options.check:
            build(path)
        for problem in problems(path):
            wrong = True
            print(f"{path.name}: {problem}")
    return int(wrong)


if __name__ == "__main__":
    sys.exit(main())
