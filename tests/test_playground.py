"""What the playground is made of: its texts, its networks, its packages. tests/playground/ tries the page in a browser."""

import json
import re

import numpy as np
import onnx
import pytest
import tomllib
from common import ROOT, load_script

from diffusion_lab.unet import ContextUnet

playground = load_script(ROOT / "notebooks" / "pages.py").playground
SITE = playground.SITE
TEXTS = tomllib.loads((SITE / "texts.toml").read_text(encoding="utf-8"))
SAME = {"prompt", "number", "dpmpp_2m", "ddim", "ddpm", "done"}  # what is the same word in both languages


def gaps_and_links(text):
    """What a text and its translation share: gaps, where links lead (up to the language), and marks of HTML."""
    marks = re.findall(r"<[^>]*>", text.replace("notebooks/es/", "notebooks/"))
    return sorted(re.findall(r"\{\w+\}", text)), marks, sorted(re.findall(r"\d+(?:[.,]\d+)?", re.sub("<.*?>", "", text)))


def test_each_text_that_the_page_names_is_in_the_table_and_each_in_the_table_is_named():
    sources = {path.name: path.read_text(encoding="utf-8") for path in SITE.iterdir() if path.suffix in playground.SOURCES}
    named = set(re.findall(r"\$\{(\w+)\}", sources["playground.html"])) - {"language", "navigation", "texts"}
    code = " ".join(text for name, text in sources.items() if name.endswith(".js"))
    colours = set(re.findall(r'(\w+): "#', re.search(r"COLOURS = \{(.*?)\}", sources["editor.js"], re.DOTALL)[1]))
    named |= colours | {row for row in TEXTS if re.search(rf'"{row}"', code)}
    assert named == set(TEXTS)


@pytest.mark.parametrize("name", TEXTS)
def test_a_text_says_the_same_in_both_languages(name):
    row = TEXTS[name]
    assert list(row) == list(playground.PAGES) and all(row.values())
    assert gaps_and_links(row["en"]) == gaps_and_links(row["es"])
    assert (row["en"] == row["es"]) == (name in SAME)
    assert "notebooks/es/" not in row["en"] and not re.search(r"notebooks/(?!es/)", row["es"])
    assert '"' not in re.sub("<.*?>", "", row["es"])  # Spanish quotes


@pytest.mark.parametrize("language", playground.PAGES)
def test_a_page_holds_the_texts_of_its_language(language):
    text = playground.page(language, "<nav></nav>")
    assert f'<html lang="{language}">' in text and "$" not in text and text.count("<nav></nav>") == 1
    held = re.search(r'<script id="texts" type="application/json">(.*?)</script>', text, flags=re.DOTALL)[1]
    assert json.loads(held) == {name: row[language] for name, row in TEXTS.items()}


def test_the_pages_source_says_nothing_by_itself():
    source = (SITE / playground.PAGE).read_text(encoding="utf-8")
    spoken = re.findall(r'(?:aria-label|placeholder|title|alt|name="description" content)="([^"]*)"', source)
    spoken += re.sub(r"<[^>]*>", "\n", source).split()
    assert len(spoken) > 50 and [word for word in spoken if not re.fullmatch(r"\$\{\w+\}|\d+", word)] == []


def test_a_text_cannot_end_the_script_that_holds_it(monkeypatch, tmp_path):
    for name in (playground.PAGE, "texts.toml"):
        (tmp_path / name).write_text((SITE / name).read_text(encoding="utf-8"), encoding="utf-8")
    table = tmp_path / "texts.toml"
    table.write_text(table.read_text(encoding="utf-8").replace('es = "Dibujar"', 'es = "</script>"'), encoding="utf-8")
    monkeypatch.setattr(playground, "SITE", tmp_path)
    held = re.search(r'<script id="texts" type="application/json">(.*?)</script>', playground.page("es", ""), flags=re.DOTALL)[
        1
    ]
    assert json.loads(held)["draw"] == "</script>"


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
        playground.make(tmp_path, {})


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
