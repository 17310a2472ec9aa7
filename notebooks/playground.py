"""The playground: a page that draws sprites in the browser. pages.py calls `make`; the page's own sources are in site/.

The site has it in English and in Spanish; both pages load the same files. The networks are written as ONNX, with weights of
half precision: the browser reads them and computes in single. What else the pages must know (words, schedules) is one JSON
file. Their texts are in site/texts.toml. The rest is copied: the sources, and from npm the runtime that computes networks in
WebAssembly, the encoder of GIFs, and MathJax for the labs.
"""

import hashlib
import io
import json
import shutil
import subprocess
import warnings
from pathlib import Path
from string import Template

import onnx
import tomllib
import torch
from onnx import TensorProto, helper, numpy_helper

from diffusion_lab import load_model, words
from diffusion_lab.unet import ContextUnet

SITE = Path(__file__).resolve().parent / "site"
SOURCES = (".html", ".css", ".js", ".svg")
NETWORKS = ("few_steps", "context_unet")  # the first one is loaded at once
RUNTIME = "ort-wasm-simd-threaded.wasm"
MATHJAX = "mathjax/es5/tex-svg-full.js"  # one file, which loads no others
FROM_NPM = (
    "onnxruntime-web/dist/ort.wasm.bundle.min.mjs",
    f"onnxruntime-web/dist/{RUNTIME}",
    "gifenc/dist/gifenc.esm.js",
)
FORMULAS = "mathjax.js"  # what MathJax is called in the site
PAGE, FOLDER = "playground.html", "playground"  # the page's source, and the folder of all that the pages load
PAGES = {"en": PAGE, "es": "playground.es.html"}  # what it is called in the site, in each language
WORKER = "offline.js"  # a service worker: it lies beside the pages, since it sees only what lies beside and below it
OPSET = 20  # the first with GELU as one operation


def fetch_packages() -> str:
    """Install what package.json names, in site/; returns "" or, in one sentence, what is missing."""
    npm = shutil.which("npm")
    if npm is None:
        return "npm is missing, so the site has no playground and no formulas: install Node.js from 18 on, and call this again."
    done = subprocess.run([npm, "ci", "--silent"], cwd=SITE, capture_output=True, text=True)
    if done.returncode:
        why = (done.stderr or done.stdout).strip().splitlines()
        return (
            f"npm could not install the packages of notebooks/site ({why[-1] if why else done.returncode}): is there a network?"
        )
    return ""


def to_onnx(model: ContextUnet) -> bytes:
    """The network as an ONNX file: inputs x (n, 3, H, W), t (n,), c (n, V), output y. Weights are stored in half precision."""
    inputs = (torch.zeros(2, model.in_channels, model.height, model.height), torch.zeros(2), torch.zeros(2, model.n_cfeat))
    file = io.BytesIO()
    with warnings.catch_warnings():
        # It warns that a newer exporter exists, which needs another large package and writes the same for this network; and
        # that sizes are fixed, as they are meant to be.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            model,
            inputs,
            file,
            input_names=["x", "t", "c"],
            output_names=["y"],
            dynamic_axes={name: {0: "n"} for name in "xtcy"},
            opset_version=OPSET,
            dynamo=False,
            do_constant_folding=False,
            training=torch.onnx.TrainingMode.PRESERVE,  # else BatchNorm goes into weights that half precision does not hold
        )
    graph = onnx.load_from_string(file.getvalue())
    casts = []
    for weight in graph.graph.initializer:
        if weight.data_type == TensorProto.FLOAT and len(weight.dims) > 1:  # the others are small
            values, name = numpy_helper.to_array(weight), weight.name
            weight.CopyFrom(numpy_helper.from_array(values.astype("float16"), f"{name}.half"))
            casts.append(helper.make_node("Cast", [f"{name}.half"], [name], to=TensorProto.FLOAT))
    nodes = [*casts, *graph.graph.node]
    del graph.graph.node[:]
    graph.graph.node.extend(nodes)
    onnx.checker.check_model(graph)
    return graph.SerializeToString()


def knowledge(folder: Path) -> dict:
    """What the page must know besides the networks, which lie in `folder`: their schedules, and their words."""
    known = {}
    for name in NETWORKS:
        model, schedule = load_model(name)
        known[name] = {
            "file": f"{name}.onnx",
            "bytes": (folder / f"{name}.onnx").stat().st_size,
            "height": model.height,
            "alpha_bar": schedule.alpha_bar.tolist(),
        }
    vocabulary = model.words
    return {
        "networks": known,
        "runtime_bytes": (folder / RUNTIME).stat().st_size,
        "words": vocabulary.words,
        "languages": {language: spoken(vocabulary, language) for language in PAGES},
        "descriptions": [row.nonzero().flatten().tolist() for row in vocabulary.descriptions],
        "counts": vocabulary.counts.tolist(),
        "max_weight": words.MAX_WEIGHT,
    }


def spoken(vocabulary: words.Vocabulary, language: str) -> dict:
    """How prompts are read and said in a language: words.Reading, as words.js wants it."""
    reading = vocabulary.reading(language)
    return {
        "forms": [[" ".join(tokens), place] for tokens, place in reading.forms.items()],
        "after": [[" ".join(tokens), place] for tokens, place in reading.after.items()],
        "longest": max(map(len, reading.forms)),
        **{name: sorted(getattr(reading, name)) for name in ("fillers", "joins", "nots", "ors", "own")},
        "amounts": reading.amounts,
        "names": [{"forms": name.forms, "agrees": name.agrees} for name in reading.names],
    }


def page(language: str, navigation: str) -> str:
    """The page in a language, as HTML. navigation: the menu of the site, as HTML."""
    rows = tomllib.loads((SITE / "texts.toml").read_text(encoding="utf-8"))
    texts = {name: row[language] for name, row in rows.items()}
    for_script = json.dumps(texts, ensure_ascii=False).replace("</", "<\\/")  # "</script>" would end the script that holds it
    source = Template((SITE / PAGE).read_text(encoding="utf-8"))
    return source.substitute(texts, language=language, navigation=navigation, texts=for_script)


def make(folder: Path, navigation: dict[str, str]):
    """Write the pages and what they load into the site's folder. navigation: the site's menu in each language, as HTML."""
    inside = folder / FOLDER
    inside.mkdir(parents=True, exist_ok=True)
    for name in NETWORKS:
        model, _ = load_model(name)
        if model.prediction != "v":
            raise ValueError(f"{name} predicts {model.prediction}, and the page's sampler.js reads v: teach it the other.")
        (inside / f"{name}.onnx").write_bytes(to_onnx(model))
    for source in sorted(SITE.iterdir()):
        if source.suffix in SOURCES and source.name not in (PAGE, WORKER):
            shutil.copyfile(source, inside / source.name)
    for name in FROM_NPM:
        shutil.copyfile(SITE / "node_modules" / name, inside / Path(name).name)
    shutil.copyfile(SITE / "node_modules" / MATHJAX, folder / FORMULAS)
    (inside / "knowledge.json").write_text(json.dumps(knowledge(inside)), encoding="utf-8")
    for language, name in PAGES.items():
        (folder / name).write_text(page(language, navigation[language]), encoding="utf-8")
    files = [*PAGES.values(), *(f"{FOLDER}/{path.name}" for path in sorted(inside.iterdir()))]
    version = hashlib.sha256(b"".join((folder / name).read_bytes() for name in files)).hexdigest()[:12]
    worker = (SITE / WORKER).read_text(encoding="utf-8")
    worker = worker.replace('"VERSION"', json.dumps(version)).replace('["FILES"]', json.dumps(files))
    (folder / WORKER).write_text(worker, encoding="utf-8")
