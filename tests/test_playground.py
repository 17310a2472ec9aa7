"""The playground: it knows what the package knows; in headless Chromium it draws what Python draws, and asks nobody else.

    pip install playwright; apt install chromium nodejs npm; pytest -n 0 -m browser tests/test_playground.py

The photographs lie in pytest's temporary folder (`--basetemp=photos` puts them where you say).
"""

import json
import re
import shutil
import sys
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import onnx
import pytest
import torch
from common import ROOT, load_script
from PIL import Image

from diffusion_lab import collect, load_model, sample_ddim, sample_dpmpp_2m
from diffusion_lab.sprites import to_uint8
from diffusion_lab.unet import ContextUnet

sys.path.insert(0, str(ROOT / "notebooks"))  # pages.py imports its neighbours
pages = load_script(ROOT / "notebooks" / "pages.py")
playground = pages.playground
SITE = playground.SITE
MOST = 3  # of 255: how far a pixel of the page may be from Python's
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
DRAWN = 120_000  # milliseconds, on a busy machine
PROMPTS = [
    "",
    "red potion",
    "Fried-Eggs, and a BIT of knight",
    "hero + 0.6 food",
    "slime, not green",
    "not red or green slime",
    "hero -red",
    "half a knight",
    "women",
    "side_facing (red)",
]
LAST = "async () => [...(await playground).stage.states.at(-1).x]"  # the pictures that the page shows
WRONG = ["zebra", "red not", "0.5", "3 knights", "red, not red"]


def test_each_text_that_the_page_names_is_in_the_table_and_each_in_the_table_is_named():
    sources = {path.name: path.read_text(encoding="utf-8") for path in SITE.iterdir() if path.suffix in playground.SOURCES}
    table = sources.pop("texts.js")
    rows = set(re.findall(r"^  (\w+): \{", table, re.MULTILINE))
    named = set(re.findall(r'data-text="(\w+)"', sources["playground.html"]))
    code = " ".join(text for name, text in sources.items() if name.endswith(".js"))
    colours = set(re.findall(r"(\w+): \"#[0-9a-f]{6}\"", sources["editor.js"]))
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


def test_without_npm_it_is_said_what_is_missing(monkeypatch):
    monkeypatch.setattr(playground.shutil, "which", lambda name: None)
    assert playground.fetch_packages() == (
        "npm is missing, so the site has no playground and no formulas: install Node.js from 18 on, and call this again."
    )


class Quiet(SimpleHTTPRequestHandler):
    """Serves a folder, and says nothing."""

    def log_message(self, *arguments):
        """Called for each request."""


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """The site on a free port of this machine, as any web server shows it."""
    folder = tmp_path_factory.mktemp("site")
    assert playground.fetch_packages() == ""
    pages.make(folder, True)
    assert pages.problems(folder) == []
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=folder))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    thread.join()


@pytest.fixture(scope="module")
def chromium():
    """Headless Chromium."""
    from playwright.sync_api import sync_playwright

    assert CHROMIUM, "Chromium is missing: install Debian's package chromium."
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


@pytest.fixture
def visit(chromium, address):
    """visit(hash, ...) opens the page, waits for the first drawing, and gives it. At the end: no error, no other host."""
    contexts, said, asked = [], [], []

    def open_page(link="", **settings):
        context = chromium.new_context(**settings)
        contexts.append(context)
        context.set_default_timeout(DRAWN)
        page = context.new_page()
        page.on("console", lambda message: said.append(message.text) if message.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: said.append(str(error)))
        context.on("request", lambda request: asked.append(request.url))
        page.goto(address + playground.PAGE + link)
        drawn(page)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert said == []
    assert asked and [url for url in asked if not url.startswith((address, "blob:" + address))] == []


def drawn(page, words="·"):
    """Wait until a drawing is done."""
    from playwright.sync_api import expect

    expect(page.locator("#done")).to_contain_text(words, timeout=DRAWN)


def draw(page, prompt, words="·"):
    """Write a prompt, draw it, and wait until it is done and these words are said of it."""
    page.fill("#prompt", prompt)
    page.click("#draw")
    drawn(page, words)


@pytest.mark.browser
def test_words_mean_what_they_mean_in_python(visit):
    vocabulary = load_model("context_unet")[0].words
    page = visit()
    texts = [" ".join(tokens) for tokens in vocabulary.forms] + PROMPTS
    read = page.evaluate(
        """async texts => {
            const { vocabulary } = await playground;
            return texts.map(text => { const { wanted, unwanted } = vocabulary.prompt(text); return [wanted, unwanted]; });
        }""",
        texts,
    )
    assert len(texts) > 300
    for text, (wanted, unwanted) in zip(texts, read, strict=True):
        right = vocabulary.prompt(text)
        assert torch.equal(torch.tensor(wanted, dtype=torch.float32), right.wanted), text
        assert (unwanted is None) == (right.unwanted is None), text
        assert unwanted is None or torch.equal(torch.tensor(unwanted, dtype=torch.float32), right.unwanted), text
    for text in WRONG:
        with pytest.raises(ValueError):
            vocabulary.prompt(text)
        page.fill("#prompt", text)
        page.click("#draw")
        assert page.locator("#said.wrong").inner_text().endswith(".")


@pytest.mark.browser
def test_a_seed_means_the_same_numbers_as_in_python(visit):
    values, whole, contexts = visit().evaluate("""async () => {
        const { Generator } = await import('./playground/random.js'), { vocabulary } = await playground;
        const generator = new Generator(4_000_000_000);
        const [whole, values] = [generator.integers(19010, 700), generator.normal(1536)];
        return [[...values], whole, vocabulary.contexts(vocabulary.prompt('hero, not red'), 20, new Generator(3))];
    }""")
    generator = torch.Generator().manual_seed(4_000_000_000)
    assert whole == torch.randint(19010, (700,), generator=generator).tolist()
    assert torch.allclose(torch.tensor(values), torch.randn(1536, generator=generator), atol=1e-6)
    right = load_model("context_unet")[0].words.contexts("hero, not red", 20, torch.Generator().manual_seed(3))[0]
    assert torch.equal(torch.tensor(contexts, dtype=torch.float32), right)


@pytest.mark.browser
@pytest.mark.parametrize("prompt", ["red potion", "slime, not green"])
@pytest.mark.parametrize(
    ("name", "sampler", "steps", "guidance"),
    [
        ("few_steps", "ddim", 4, 1),
        ("few_steps", "ddim", 2, 1),
        ("few_steps", "ddim", 1, 1),
        ("context_unet", "dpmpp_2m", 10, 2),
        ("context_unet", "ddim", 10, 4.5),
    ],
)
def test_it_draws_what_python_draws(visit, name, sampler, steps, guidance, prompt):
    if guidance == 1 and "not" in prompt:
        prompt = "knight"
    page = visit(f"#prompt={prompt}&seed=7&n=4&guidance={guidance}&way={name} {sampler} {steps}")
    made = page.evaluate("""async () => { const { stage } = await playground; return stage.states.map(({ x }) => [...x]); }""")
    model, schedule = load_model(name)
    generator = torch.Generator().manual_seed(7)
    context, negative = model.words.contexts(prompt, 4, generator)
    walk = {"ddim": sample_ddim, "dpmpp_2m": sample_dpmpp_2m}[sampler]
    frames = collect(walk(model, schedule, 4, context, guidance, generator, negative=negative, steps=steps)).frames
    assert len(made) == steps + 1
    for x, right in zip(made, frames, strict=True):
        difference = to_uint8(torch.tensor(x).reshape(right.shape)).astype(int) - to_uint8(right)
        assert abs(difference).max() <= MOST


@pytest.mark.browser
def test_files_hold_what_is_seen_and_a_link_brings_it_back(visit, tmp_path):
    page = visit("#prompt=fried egg&seed=11&n=4")
    for ending in ("png", "gif"):
        with page.expect_download() as download:
            page.click(f"#{ending}")
        download.value.save_as(tmp_path / f"eggs.{ending}")
    last = torch.tensor(page.evaluate(LAST)).reshape(4, 3, 16, 16)
    picture = np.asarray(Image.open(tmp_path / "eggs.png").convert("RGB"))
    tiles = picture[::16, ::16]
    assert picture.shape == (35 * 16, 35 * 16, 3)
    assert np.array_equal(tiles[1:17, 18:34], to_uint8(last)[1])
    with Image.open(tmp_path / "eggs.gif") as film:
        assert film.n_frames == 5 and film.size == (350, 350) and film.info["loop"] == 0
    page.click("#link")
    drawn(page, "link")
    page.fill("#moment", "1")
    with page.expect_download() as download:
        page.click("#png")
    download.value.save_as(tmp_path / "second.png")
    assert not np.array_equal(np.asarray(Image.open(tmp_path / "second.png").convert("RGB")), picture)  # what the slider shows
    link = page.evaluate("location.hash")
    assert link == "#prompt=fried+egg&seed=11&n=4&way=few_steps+ddim+4&guidance=2"
    again = visit(link)
    assert torch.equal(
        last.flatten(), torch.tensor(again.evaluate("async () => [...(await playground).stage.states.at(-1).x]"))
    )


@pytest.mark.browser
def test_a_sprite_of_ones_own_is_redrawn_and_its_half_is_kept(visit, tmp_path):
    page = visit("#prompt=knight&seed=1&n=1&way=context_unet+ddim+10", viewport={"width": 1280, "height": 1100})
    right = np.full((16, 16, 3), 255, np.uint8)
    right[4:12, 3:9] = (200, 30, 60)
    Image.fromarray(right).resize((64, 64), Image.Resampling.NEAREST).save(tmp_path / "own.png")
    page.select_option("#start", "own")
    assert page.inner_text("#said.wrong").startswith("Your sprite is empty")
    page.set_input_files("#file", tmp_path / "own.png")
    page.fill("#strength", "25")
    draw(page, "knight", "my sprite at t = 25")
    redrawn = to_uint8(torch.tensor(page.evaluate(LAST)).reshape(1, 3, 16, 16))[0].astype(int)
    assert abs(redrawn - right).mean() < 12  # at t = 25 nearly all of it is left
    page.select_option("#start", "half")
    page.select_option("#half", "left")
    draw(page, "knight", "the left half of my sprite kept")
    half = to_uint8(torch.tensor(page.evaluate(LAST)).reshape(1, 3, 16, 16))[0]
    assert np.array_equal(half[:, :8], right[:, :8]) and not np.array_equal(half[:, 8:], right[:, 8:])
    page.screenshot(path=tmp_path / "own.page.png", full_page=True)
    again = visit(page.evaluate("location.hash"))  # the address brings all of it back
    drawn(again, "the left half of my sprite kept")
    assert np.array_equal(to_uint8(torch.tensor(again.evaluate(LAST)).reshape(1, 3, 16, 16))[0], half)


@pytest.mark.browser
def test_painting_by_mouse_and_by_keyboard_and_undo(visit):
    pixels = "() => [...document.getElementById('editor').getContext('2d').getImageData(0, 0, 16, 16).data]"

    def ink(page):
        return np.argwhere(np.array(page.evaluate(pixels)).reshape(16, 16, 4)[:, :, 0] == 0x26).tolist()

    page = visit("#n=1", viewport={"width": 1280, "height": 1400})
    page.select_option("#start", "own")
    page.locator("#editor").press("ArrowLeft")
    page.locator("#editor").press(" ")
    assert ink(page) == [[8, 7]] and page.locator("#editor").get_attribute("aria-label").endswith("Pixel 8, 9.")
    page.click("#undo")
    assert ink(page) == []
    box = page.locator("#editor").bounding_box()
    corner = box["x"] + box["width"] / 32, box["y"] + box["height"] / 32
    page.mouse.move(*corner)
    page.mouse.down()
    page.mouse.move(corner[0] + box["width"] * 12 / 16, corner[1] + box["height"] * 12 / 16)  # one fast stroke
    page.mouse.up()
    assert ink(page) == [[k, k] for k in range(13)]
    page.click("#clear")
    assert ink(page) == []


@pytest.mark.browser
def test_names_and_links_are_those_of_the_drawing_that_is_seen(visit):
    page = visit("#prompt=fried egg&n=1")
    for idea in page.locator("#ideas button").all_inner_texts():
        assert page.evaluate("async text => Boolean((await playground).vocabulary.prompt(text))", idea)
    page.fill("#prompt", "heart")
    page.press("#prompt", "Enter")
    page.fill("#prompt", "ghost")  # written while it draws, or after it
    drawn(page, "heart · seed 0")
    assert page.locator("#drawings a").all_inner_texts()[0].startswith("heart")
    page.click("#link")
    drawn(page, "link")
    assert "prompt=heart" in page.evaluate("location.hash")
    page.click("#drawings figure:nth-child(2) a")
    drawn(page, "fried egg")
    page.go_back()
    drawn(page, "heart")
    assert page.input_value("#prompt") == "heart"


@pytest.mark.browser
def test_a_drawing_that_was_stopped_can_be_kept(visit):
    from playwright.sync_api import expect

    page = visit("#prompt=knight&n=16&way=context_unet+ddim+50")
    page.click("#draw")
    expect(page.locator("#time")).to_have_text(re.compile("t = 4[0-8]"), timeout=DRAWN)  # of 500: it has begun
    page.click("#stop")
    drawn(page, "Stopped")
    assert page.evaluate("document.activeElement.id") == "draw" and 1 < int(page.get_attribute("#moment", "max")) < 50
    with page.expect_download() as download:
        page.click("#png")
    assert download.value.suggested_filename == "knight_0.png"


@pytest.mark.browser
def test_what_cannot_be_drawn_is_said(visit):
    page = visit("#prompt=knight, not blue&n=1&guidance=1.5&way=context_unet+ddim+10&seed=7&share=9")
    said = page.locator("#said.wrong")
    assert said.inner_text() == "Some values of the link are not known here and were left out: share."
    for guidance in ("1", "0.5", "0"):  # they would lead to what is excluded
        page.fill("#guidance", guidance)
        page.click("#draw")
        assert said.inner_text() == '"not" needs a guidance above 1: move the slider.'
    page.fill("#prompt", "knight")
    for seed in ("-1", "1.5", "4294967296", ""):
        page.fill("#seed", seed)
        page.click("#draw")
        assert said.inner_text() == "The seed must be a whole number from 0 to 4294967295."
    page.fill("#seed", "1")
    page.click("#mix summary")
    page.fill("#second", "unicorn")
    page.click("#draw")
    assert page.locator("#second-said.wrong").inner_text().startswith('Second prompt: "unicorn" is not a word')


@pytest.mark.browser
def test_a_page_whose_files_do_not_come_says_so(chromium, address):
    from playwright.sync_api import expect

    for lost in ("knowledge.json", "few_steps.onnx", "ort-wasm-simd-threaded.wasm"):
        context = chromium.new_context(service_workers="block")
        context.route(f"**/{lost}", lambda route: route.abort())
        page = context.new_page()
        page.goto(address + playground.PAGE)
        expect(page.locator("#said.wrong")).to_contain_text("could not be loaded", timeout=DRAWN)
        expect(page.locator("#load")).to_be_hidden()
        context.close()


@pytest.mark.browser
def test_it_can_be_used_by_keyboard_alone(visit, tmp_path):
    page = visit(reduced_motion="reduce")
    page.focus("#prompt")
    page.keyboard.press("Control+A")
    page.keyboard.type("blue pot")
    page.wait_for_selector("#suggestions li")
    page.screenshot(path=tmp_path / "suggestions.png")
    page.keyboard.press("ArrowDown")
    chosen = page.locator("#suggestions [aria-selected=true]")
    assert page.get_attribute("#prompt", "aria-activedescendant") == chosen.get_attribute("id")
    page.keyboard.press("Enter")
    drawn(page, "potion")
    assert page.input_value("#prompt") == "blue potion"
    page.focus("#moment")
    page.keyboard.press("Home")
    assert page.inner_text("#time") == "t = 4 of 4" and page.locator("#picture").get_attribute("aria-label").endswith(
        "at t = 4"
    )
    named = page.evaluate("""() => [...document.querySelectorAll('input, select, button, canvas, progress')]
        .filter(element => element.checkVisibility())
        .filter(element => !(element.ariaLabel || element.textContent.trim() || element.labels?.[0]?.textContent.trim()))
        .map(element => element.outerHTML)""")
    assert named == []


@pytest.mark.browser
def test_it_fits_a_phone_and_works_without_the_network_afterwards(visit, tmp_path):
    page = visit(viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True)
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    page.screenshot(path=tmp_path / "phone.png", full_page=True)
    page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    page.context.set_offline(True)
    page.reload()
    drawn(page)
    draw(page, "slime, not green")


@pytest.mark.browser
def test_from_the_disk_it_says_what_to_do(chromium, address, tmp_path):
    shutil.copy(SITE / playground.PAGE, tmp_path)
    (tmp_path / playground.FOLDER).mkdir()
    shutil.copy(SITE / "unstarted.js", tmp_path / playground.FOLDER)
    page = chromium.new_page()
    page.goto((tmp_path / playground.PAGE).as_uri())
    assert "python -m http.server" in page.inner_text("#unstarted")
    page.goto(address + playground.PAGE)
    drawn(page)
    assert not page.locator("#unstarted").is_visible()
    page.close()


@pytest.mark.browser
def test_no_page_of_the_site_asks_another_host_and_formulas_are_drawn(chromium, address):
    page, asked = chromium.new_page(), []
    page.on("request", lambda request: asked.append(request.url))
    for name in (*(pages.page_of(lab) for lab in pages.LABS), pages.GLOSSARY):
        page.goto(address + name)
        page.wait_for_selector("mjx-container", timeout=DRAWN)
        assert page.locator("mjx-merror").count() == 0
    assert [url for url in asked if not url.startswith((address, "data:"))] == []
    page.close()


def test_the_packages_have_one_version_each():
    wanted = json.loads((SITE / "package.json").read_text(encoding="utf-8"))["dependencies"]
    locked = json.loads((SITE / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in wanted.values())
    assert {name: locked[f"node_modules/{name}"]["version"] for name in wanted} == wanted
    assert "resolved" not in (SITE / "package-lock.json").read_text(encoding="utf-8")
