"""The playground in headless Chromium: it reads words as Python does, and draws what Python draws. How to run: test_use.py."""

import numpy as np
import pytest
import torch
from PIL import Image
from visiting import LAST, drawn, playground

from diffusion_lab import collect, load_model, sample_ddim, sample_dpmpp_2m
from diffusion_lab.sprites import to_uint8

MOST = 3  # of 255: how far a pixel of the page may be from Python's
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
WRONG = ["zebra", "red not", "0.5", "3 knights", "red, not red"]
SPANISH = [
    "una poción roja",
    "Un CABALLERO, no azul",
    "pocion morada",
    "pociones rojas y moradas",
    "héroe + 0,6 comida",
    "héroe + 0.6 comida, 1.5 rojo",
    "un slime que no sea verde",
    "un monstruo sin rojo ni verde",
    "no rojo o azul, slime",
    "un perro café",
    "un café",
    "perro, café",
    "medio caballero y un poco de comida",
    "Huevos-fritos, con un rey",
    "no héroe",
    "no no héroe",
    "un gato de perfil, marrón",
    "arana",
    "PINGÜINO",
    "pin\u0303a",
    "red potion, no verde",
    "rosas, grises",
    "salvo slime",
    "comida de color naranja",
]
SPANISH_WRONG = ["cebra", "rojo no", "0,5", "3 caballeros", "rojo, no roja", "slime o rojo"]
DESCRIBED = """async () => {
    const { Vocabulary } = await import('./playground/words.js'), { vocabulary } = await playground;
    const knowledge = await (await fetch('playground/knowledge.json')).json();
    const language = document.documentElement.lang, other = new Vocabulary(knowledge, language === 'en' ? 'es' : 'en');
    return vocabulary.descriptions.map(places => {
        const context = vocabulary.words.map((_, i) => Number(places.includes(i)));
        const wanted = other.prompt(other.say({ wanted: context, unwanted: null })).wanted;
        return [vocabulary.describe(context), String(wanted) === String(context)];
    });
}"""

pytestmark = pytest.mark.browser


@pytest.mark.parametrize(
    ("language", "prompts", "wrong", "least"), [("en", PROMPTS, WRONG, 500), ("es", PROMPTS + SPANISH, SPANISH_WRONG, 1000)]
)
def test_words_mean_what_they_mean_in_python(visit, monkeypatch, language, prompts, wrong, least):
    monkeypatch.setenv("DIFFUSION_LAB_LANGUAGE", language)
    vocabulary = load_model("context_unet")[0].words
    page = visit(language=language)
    texts = [" ".join(tokens) for tokens in vocabulary.forms] + prompts
    read = page.evaluate(
        """async texts => {
            const { vocabulary } = await playground;
            return texts.map(text => {
                const { wanted, unwanted } = vocabulary.prompt(text);
                return [wanted, unwanted, vocabulary.describe(wanted)];
            });
        }""",
        texts,
    )
    assert len(texts) > least
    for text, (wanted, unwanted, said) in zip(texts, read, strict=True):
        right = vocabulary.prompt(text)
        assert torch.equal(torch.tensor(wanted, dtype=torch.float32), right.wanted), text
        assert (unwanted is None) == (right.unwanted is None), text
        assert unwanted is None or torch.equal(torch.tensor(unwanted, dtype=torch.float32), right.unwanted), text
        assert said == vocabulary.describe(right.wanted), text
    for text in wrong:
        with pytest.raises(ValueError):
            vocabulary.prompt(text)
        page.fill("#prompt", text)
        page.click("#draw")
        assert page.locator("#said.wrong").inner_text().endswith(".")


@pytest.mark.parametrize("language", playground.PAGES)
def test_descriptions_are_those_of_python_and_the_other_language_means_the_same(visit, monkeypatch, language):
    monkeypatch.setenv("DIFFUSION_LAB_LANGUAGE", language)
    vocabulary = load_model("context_unet")[0].words
    described = visit(language=language).evaluate(DESCRIBED)
    right = [vocabulary.describe(row.float()) for row in vocabulary.descriptions]
    assert [said for said, _ in described] == right
    assert [said for said, same in described if not same] == []


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
