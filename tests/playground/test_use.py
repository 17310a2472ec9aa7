"""The playground in headless Chromium, as people use it: by mouse, keyboard and finger, without the network, and wrongly.

    pip install playwright; apt install chromium nodejs npm; pytest -n 0 -m browser tests/playground

The photographs lie in pytest's temporary folder (`--basetemp=photos` puts them where you say).
"""

import re
import shutil
from urllib.parse import parse_qs

import numpy as np
import pytest
import torch
from PIL import Image
from visiting import DRAWN, LAST, draw, drawn, pages, playground

from diffusion_lab.sprites import to_uint8

pytestmark = pytest.mark.browser


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


def test_the_spanish_page_speaks_spanish(visit, tmp_path):
    page = visit(language="es", viewport={"width": 1280, "height": 1000})
    assert page.inner_text("#done").startswith("poción roja · semilla 0 · Red rápida, 4 pasos")
    assert page.inner_text("#said") == "Entendido: poción roja."
    assert page.inner_text("nav [aria-current=page]") == "Zona de pruebas" and page.title().startswith("Zona de pruebas:")
    assert page.locator("#ideas button").all_inner_texts()[2:5] == ["slime, no verde", "huevo frito", "héroe + 0.6 comida"]
    assert page.text_content("#all-words").startswith("héroe, no héroe, comida, hechizo, de perfil, caballero,")
    page.fill("#prompt", "un slime, no verde")
    assert page.inner_text("#said").startswith("Entendido: slime; lejos de: verde. “no” necesita guía")
    for prompt, sentence in {
        "cebra": "“cebra” no es una palabra de esta red. Las más parecidas son “pera” y “gema”.",
        "rojo no": "“no” no tiene ninguna palabra detrás: di cuál, como en “no blanco”.",
        "3 caballeros": "3 no sirve de peso: el número que va delante de una palabra debe ser mayor que 0 y como mucho 2.",
        "rojo, no roja": "“rojo” se pide y se excluye a la vez: quita una de las dos cosas.",
    }.items():
        page.fill("#prompt", prompt)
        page.click("#draw")
        assert page.inner_text("#said.wrong") == sentence
    page.screenshot(path=tmp_path / "spanish.png", full_page=True)


def test_spanish_words_are_suggested(visit):
    page = visit("#n=1", language="es")
    for written, offered, chosen in [
        ("una poción roj", ["roja"], "una poción roja"),  # a colour agrees with the noun before it
        ("un gato roj", ["rojo"], "un gato rojo"),
        ("pinguin", ["pingüino"], "pingüino"),
        ("ARAN", ["araña"], "araña"),
    ]:
        page.fill("#prompt", "")
        page.focus("#prompt")
        page.keyboard.type(written)
        assert page.locator("#suggestions li").all_inner_texts() == offered
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Enter")
        assert page.input_value("#prompt") == chosen


def test_the_switch_leads_to_the_drawing_that_is_seen_in_the_words_of_the_other_language(visit):
    for language, name, other in (("en", "Español", "es"), ("es", "English", "en")):
        page = visit(language=language)
        for link in [
            {"en": "prompt=red+potion&seed=5&n=1", "es": "prompt=poción+roja&seed=5&n=1"},
            {"en": "prompt=hero+%2B+0.6+food,+not+red,+not+green", "es": "prompt=héroe+%2B+0.6+comida,+no+rojo,+no+verde"},
            {"en": "prompt=knight,+not+hero", "es": "prompt=caballero,+sin+héroe"},  # "no héroe" is a word
            {"en": "prompt=&own=a+b", "es": "prompt=&own=a+b"},
            {"en": "prompt=knight&mix=fried+egg&share=25", "es": "prompt=caballero&mix=huevo+frito&share=25"},
            {"en": "prompt=zebra&seed=-1", "es": "prompt=zebra&seed=-1"},  # it cannot be read
            {"en": "", "es": ""},
        ]:
            page.evaluate("link => history.replaceState(null, '', `#${link}`)", link[language])
            page.dispatch_event(f".languages >> text={name}", "pointerdown")
            address, _, after = page.get_attribute(f".languages >> text={name}", "href").partition("#")
            assert address == f"/{playground.PAGES[other]}"
            assert parse_qs(after, True) == parse_qs(link[other], True)


def test_a_drawing_stays_when_the_language_changes_also_without_the_network(visit):
    page = visit("#prompt=slime,+not+green&seed=5&n=1")
    drawn(page, "seed 5")
    first = page.evaluate(LAST)
    page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    page.context.set_offline(True)
    page.click(".languages >> text=Español")
    drawn(page, "slime, no verde · semilla 5")
    assert page.evaluate(LAST) == first
    page.locator(".languages >> text=English").press("Enter")
    drawn(page, "slime, not green · seed 5")
    assert page.evaluate(LAST) == first


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


def test_it_fits_a_phone_and_works_without_the_network_afterwards(visit, tmp_path):
    page = visit(viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True)
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    page.screenshot(path=tmp_path / "phone.png", full_page=True)
    page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    page.context.set_offline(True)
    page.reload()
    drawn(page)
    draw(page, "slime, not green")


def test_texts_fit_a_phone(chromium, address):
    context = chromium.new_context(viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True)
    page, wide = context.new_page(), []
    for name in (*map(pages.page_of, pages.TEXTS), *(language.glossary for language in pages.LANGUAGES)):
        page.goto(address + name)
        if page.evaluate("document.documentElement.scrollWidth") > 360:
            wide.append(name)
    assert wide == []
    context.close()


def test_from_the_disk_it_says_what_to_do(chromium, address, tmp_path):
    (tmp_path / playground.FOLDER).mkdir()
    shutil.copy(playground.SITE / "unstarted.js", tmp_path / playground.FOLDER)
    page = chromium.new_page()
    said = {"en": "This page must come from a web server.", "es": "Esta página tiene que venir de un servidor web."}
    for language, name in playground.PAGES.items():
        (tmp_path / name).write_text(playground.page(language, ""), encoding="utf-8")
        page.goto((tmp_path / name).as_uri())
        assert page.inner_text("#unstarted").startswith(said[language])
        assert "python -m http.server" in page.inner_text("#unstarted")
    page.goto(address + playground.PAGE)
    drawn(page)
    assert not page.locator("#unstarted").is_visible()
    page.close()


def test_no_page_of_the_site_asks_another_host_and_formulas_are_drawn(chromium, address):
    page, asked = chromium.new_page(), []
    page.on("request", lambda request: asked.append(request.url))
    for name in (*map(pages.page_of, pages.LABS), *(language.glossary for language in pages.LANGUAGES)):
        page.goto(address + name)
        page.wait_for_selector("mjx-container", timeout=DRAWN)
        assert page.locator("mjx-merror").count() == 0
    assert [url for url in asked if not url.startswith((address, "data:"))] == []
    page.close()
