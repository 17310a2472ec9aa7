"""Drawings, in both languages: what is written in them lies inside and covers no other text; they show what they are given."""

import itertools

import pytest
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.patches import FancyBboxPatch

from diffusion_lab import diagrams

FRAMES = torch.linspace(-1, 1, 5)[:, None, None, None].expand(5, 3, 16, 16)
LAYERS = ("init_conv", "down1", "down2", "to_vec", "up0", "up1", "up2", "out")
DRAWN = {
    "chain": lambda: diagrams.chain(FRAMES, [0, 50, 150, 300, 500]),
    "unet": lambda: diagrams.unet(64),
    "guidance": lambda: diagrams.guidance(2.0, FRAMES[:4], "fox"),
    "distillation": lambda: diagrams.distillation(torch.zeros(6, 3, 16, 16)),
    "four_ways": lambda: diagrams.four_ways(torch.zeros(6, 3, 16, 16)),
}


@pytest.fixture(params=itertools.product(DRAWN, ("en", "es")), ids="-".join, scope="module")
def drawn(request):
    """A drawing, its one axis, and the places of its texts in pixels."""
    name, language = request.param
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DIFFUSION_LAB_LANGUAGE", language)
        fig = DRAWN[name]()
    canvas = FigureCanvasAgg(fig)
    canvas.draw()
    (axis,) = fig.axes
    texts = [text for text in axis.texts if text.get_text()]
    return request.param, fig, axis, texts, [text.get_window_extent(canvas.get_renderer()) for text in texts]


def test_all_texts_lie_inside_and_none_on_another(drawn):
    _, fig, _, texts, places = drawn
    assert len(texts) >= 3
    for text, place in zip(texts, places, strict=True):
        assert place.x0 >= 0 and place.y0 >= 0 and place.x1 <= fig.bbox.width and place.y1 <= fig.bbox.height, text
    for (a, at_a), (b, at_b) in itertools.combinations(zip(texts, places, strict=True), 2):
        assert not at_a.overlaps(at_b), (a.get_text(), b.get_text())


def test_what_stands_in_a_box_fits_into_it(drawn):
    (name, _), _, axis, texts, places = drawn
    boxes = [patch.get_window_extent() for patch in axis.patches if isinstance(patch, FancyBboxPatch) and patch.get_fill()]
    assert len(boxes) == {"chain": 0, "unet": 10, "guidance": 2, "distillation": 3, "four_ways": 7}[name]
    for box in boxes:
        within = [k for k, place in enumerate(places) if box.contains((place.x0 + place.x1) / 2, (place.y0 + place.y1) / 2)]
        assert within
        for place, text in ((places[k], texts[k].get_text()) for k in within):
            assert box.x0 < place.x0 and place.x1 < box.x1 and box.y0 < place.y0 and place.y1 < box.y1, text


def test_they_name_what_they_show(drawn):
    name, *_, texts, _ = drawn
    said = " ".join(text.get_text() for text in texts)
    words = {
        ("chain", "en"): ("$x_{0}$", "$x_{500}$", "added", "removed"),
        ("chain", "es"): ("$x_{0}$", "$x_{500}$", "añade", "quita"),
        ("unet", "en"): (*LAYERS, "time", "words", "skip", "64 × 16×16", "128 numbers"),
        ("unet", "es"): (*LAYERS, "+ tiempo 1", "× palabras 2", "conexiones de salto", "64 × 16×16", "128 números"),
        ("guidance", "en"): ("u", "c", "s = 2", "no words", "fox"),
        ("guidance", "es"): ("u", "c", "s = 2", "nada", "fox"),
        ("distillation", "en"): ("student", "teacher", "critic", "difference", "noise"),
        ("distillation", "es"): ("alumna", "maestra", "crítica", "diferencia", "ruido"),
        ("four_ways", "en"): (
            "GAN",
            "VAE",
            "flow",
            "diffusion",
            "generator",
            "both ways",
            "encoder",
            "decoder",
            "real or made?",
        ),
        ("four_ways", "es"): (
            "GAN",
            "VAE",
            "flujo",
            "difusión",
            "generador",
            "ida y vuelta",
            "decodificador",
            "¿real o generada?",
        ),
    }[name]
    assert all(word in said for word in words), said


def test_the_chain_shows_its_frames_and_guidance_goes_s_times_as_far():
    fig = DRAWN["chain"]()
    assert [int(image.get_array()[0, 0, 0]) for image in fig.axes[0].images] == [0, 64, 128, 191, 255]
    u, c, guided = (line.get_xydata()[0] for line in diagrams.guidance(2.5, FRAMES[:4], "fox").axes[0].lines)
    assert guided == pytest.approx(u + 2.5 * (c - u))


def test_another_number_of_pictures_is_refused_in_a_sentence():
    with pytest.raises(ValueError, match="guidance takes four pictures, not 5"):
        diagrams.guidance(2.0, FRAMES, "fox")
    with pytest.raises(ValueError, match="distillation takes six pictures, not 5"):
        diagrams.distillation(FRAMES)
