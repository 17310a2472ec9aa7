"""What the playground is made of: its texts, its networks, its packages. tests/playground/ tries the page in a browser."""

import json
import re
import sys

import numpy as np
import onnx
import pytest
from common import ROOT, load_script

from diffusion_lab.unet import ContextUnet

sys.path.insert(0, str(ROOT / "notebooks"))  # pages.py imports its neighbours
playground = load_script(ROOT / "notebooks" / "pages.py").playground
SITE = playground.SITE


def test_each_text_that_the_page_names_is_in_the_table_and_each_in_the_table_is_named():
    sources = {path.name: path.read_text(encoding="utf-8") for path in SITE.iterdir() if path.suffix in playground.SOURCES}
    table = sources.pop("texts.js")
    rows = set(re.findall(r"^  (\w+): \{", table, re.MULTILINE))
    named = set(re.findall(r'data-text="(\w+)"', sources["playground.html"]))
    code = " ".join(text for name, text in sources.items() if name.endswith(".js"))
    colours = set(re.findall(r'(\w+): "#', re.search(r"COLOURS = \{(.*?)\}", sources["editor.js"], re.DOTALL)[1]))
    named |= colours | {row for row in rows if re.search(rf'"{row}"', code)}
    assert named == rows
    languages = re.search(r"LANGUAGES = \[(.*)\]", table)[1].replace('"', "").split(", ")
    for row in re.findall(r"^  \w+: \{(.*?)\},?$", table, re.MULTILINE | re.DOTALL):
        assert re.findall(r"(?:^|[\s,])([a-z]{2}): [\"']", row) == languages, row


def test_weights_are_stored_in_half_precision_and_computed_in_single():
    model = ContextUnet(n_feat=8, n_cfeat=3, prediction="v").eval()
    graph = onnx.load_from_string(playground.to_onnx(model)).graph
    weights = {weight.name: weight.data_type for weight in graph.initializer if len(weight.dims) > 1}
    assert weights and set(weights.values()) == {onnx.TensorProto.FLOAT16}
    widened = [node for node in graph.node if node.op_type == "Cast" and node.input[0] in weights]
    assert len(widened) == len(weights) and all(node.attribute[0].i == onnx.TensorProto.FLOAT for node in widened)
    half = sum(np.prod(weight.dims) for weight in graph.initializer if weight.name in weights)
    assert half > 0.95 * sum(p.numel() for p in model.parameters() if p.ndim > 1)


def test_a_network_that_the_pages_sampler_does_not_know_is_refused(monkeypatch, tmp_path):
    network = ContextUnet(n_feat=8, n_cfeat=3, prediction="eps").eval()
    monkeypatch.setattr(playground, "load_model", lambda name: (network, None))
    with pytest.raises(ValueError, match=r"few_steps predicts eps, and the page's sampler.js reads v"):
        playground.make(tmp_path, "")


def test_without_npm_it_is_said_what_is_missing(monkeypatch):
    monkeypatch.setattr(playground.shutil, "which", lambda name: None)
    assert playground.fetch_packages() == (
        "npm is missing, so the site has no playground and no formulas: install Node.js from 18 on, and call this again."
    )


def test_the_packages_have_one_version_each():
    wanted = json.loads((SITE / "package.json").read_text(encoding="utf-8"))["dependencies"]
    locked = json.loads((SITE / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in wanted.values())
    assert {name: locked[f"node_modules/{name}"]["version"] for name in wanted} == wanted
    assert "resolved" not in (SITE / "package-lock.json").read_text(encoding="utf-8")
