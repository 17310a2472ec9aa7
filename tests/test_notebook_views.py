"""What notebooks show: alternative text, views with controls, and the box that draws what a prompt asks for."""

import base64
import html
import io

import ipywidgets
import numpy as np
import pytest
import torch
from PIL import Image

from diffusion_lab import CLASSES, ContextUnet, Vocabulary, collect, load_model, notebook, sample_ddim, sample_dpmpp_2m
from diffusion_lab.notebook import (
    context_mixer,
    figure,
    live_mixer,
    noise_slider,
    prompt_box,
    sampler_comparison,
    show,
    trajectory_slider,
)
from diffusion_lab.samplers import State
from diffusion_lab.schedules import cosine
from diffusion_lab.unet import for_drawing
from diffusion_lab.viz import gif, grid, png, strip
from diffusion_lab.weights import Sampling

WORDS = ("food", "hero", "knight", "red", "blue", "spell", "non_hero", "side_facing")  # the classes are not in front
DESCRIPTIONS = torch.tensor([[0, 1, 1, 1, 0, 0, 0, 0], [0, 1, 1, 0, 1, 0, 0, 0], [1, 0, 0, 1, 0, 0, 0, 0]])


@pytest.fixture
def shown(monkeypatch):
    """What is displayed, in order."""
    things = []
    monkeypatch.setattr(notebook, "display", things.append)
    return things


def flat(value, b=1):
    return torch.full((b, 3, 16, 16), float(value))


def network(n_cfeat=5, prediction="v"):
    """A new network that hears the context."""
    torch.manual_seed(0)
    model = ContextUnet(n_feat=8, n_cfeat=n_cfeat, prediction=prediction).eval().requires_grad_(False)
    torch.nn.init.normal_(model.contextembed2.model[2].weight)
    return model


def network_of_words(sampling=None):
    """One that knows WORDS, and knights and food of the data."""
    model = network(len(WORDS))
    model.words = Vocabulary.of(WORDS, DESCRIPTIONS)
    model.sampling = sampling or Sampling("dpmpp_2m", 3, 2.0)
    return model


def spied(model):
    """The calls of a network: a list of (x, time, context)."""
    calls = []
    model.register_forward_pre_hook(lambda _, inputs: calls.append([None if a is None else a.clone() for a in inputs]))
    return calls


def widgets_in(thing):
    return [thing, *(widget for child in getattr(thing, "children", ()) for widget in widgets_in(child))]


class View:
    """A displayed view: its controls by name, its picture, and what it says."""

    def __init__(self, box):
        column, self.trouble, *_ = box.children
        self.all = widgets_in(box)
        self.controls = {control.description: control for control in column.children}
        (self.image,) = (widget for widget in self.all if isinstance(widget, ipywidgets.Image))
        self.texts = [w for w in self.all if type(w) is ipywidgets.HTML and w is not self.trouble]

    @property
    def picture(self):
        return bytes(self.image.value)

    @property
    def pixels(self):
        return np.asarray(Image.open(io.BytesIO(self.picture)))

    @property
    def said(self):
        return html.unescape(self.texts[0].value)

    @property
    def complaint(self):
        return html.unescape(self.trouble.value)


def still(shown):
    """The still picture that was displayed last, as bytes."""
    return base64.b64decode(shown[-1].data.split("base64,")[1].split('"')[0])


def test_show_embeds_the_picture_with_its_alternative_text(shown):
    fig, axis = figure()
    axis.plot([0, 1])
    sprites = grid(flat(0))
    for picture, kind in ((sprites, "png"), (png(sprites), "png"), (gif([flat(0)]), "gif"), (fig, "png")):
        show(picture, alt='a "grey" square', width=50)
        source = shown[-1].data
        assert '<img alt="a &quot;grey&quot; square" width="50" style' in source and f"data:image/{kind};base64," in source
        assert Image.open(io.BytesIO(still(shown))).format == kind.upper()
        assert ("pixelated" in source) == (picture is not fig)  # the text of a plot would be jagged


def test_show_wants_alternative_text():
    with pytest.raises(ValueError, match="alt must say"):
        show(grid(flat(0)), alt=" ")


def test_the_slider_chooses_among_ready_pictures_and_leaves_a_still(shown):
    states = [State(t, flat(t / 10 - 1, b=3), flat(0, b=3)) for t in range(9, -1, -1)]
    trajectory_slider(states, count=2, scale=2)
    view = View(shown[0])
    slider = view.controls["moment"]
    assert (slider.min, slider.max) == (0, 9) and not slider.continuous_update
    last = view.picture
    assert "t = 0:" in view.said
    slider.value = 0
    assert view.picture != last and "t = 9:" in view.said
    assert Image.open(io.BytesIO(view.picture)).size == (70, 70)
    assert "2 sprites at moments from t = 9 to 0; under each" in shown[1].data
    size = strip(torch.zeros(10, 4, 3, 16, 16), range(10), scale=1, labels=["picture", "belief"] * 2).size
    assert Image.open(io.BytesIO(still(shown))).size == size


def test_the_slider_wants_states():
    with pytest.raises(ValueError, match=r"give list\(sampler\)"):
        trajectory_slider([])


@pytest.mark.parametrize("words", [CLASSES, WORDS], ids=["five numbers", "words"])
def test_the_mixer_puts_each_slider_at_its_word_and_draws_when_it_is_let_go(shown, words):
    model = network() if words == CLASSES else network_of_words()
    calls = spied(model)
    context_mixer(model, cosine(), n=2, steps=3)
    view = View(shown[0])
    assert list(view.controls) == [*CLASSES, "guidance", "seed"]
    assert not any(control.continuous_update for control in view.controls.values())
    assert "2 sprites for the context hero, guidance 2, seed 0" in shown[1].data and still(shown) == view.picture
    first, pictures = view.picture, {view.picture}
    for name, value in (("food", 0.7), ("hero", 0.0), ("guidance", 5.0), ("seed", 3)):
        view.controls[name].value = value
        pictures.add(view.picture)
    assert len(pictures) == 5 and len(calls) == 5 * 3
    wanted = torch.zeros(len(words))
    wanted[words.index("food")] = 0.7
    assert torch.equal(calls[-1][2], torch.stack([0 * wanted, 0 * wanted, wanted, wanted]))
    for name, value in (("seed", 0), ("guidance", 2.0), ("hero", 1.0), ("food", 0.0)):
        view.controls[name].value = value
    assert view.picture == first


def test_guidance_begins_where_the_network_says(shown):
    context_mixer(network_of_words(Sampling("ddim", 25, 3.5)), cosine(), n=1, steps=1)
    assert View(shown[0]).controls["guidance"].value == 3.5


def test_networks_of_other_words_have_sliders_for_what_they_know(shown):
    model = network(3)
    model.words = Vocabulary.of(("dragon", "hero", "tree"), torch.zeros(0, 3))
    context_mixer(model, cosine(), n=1, steps=1)
    assert list(View(shown[0]).controls) == ["hero", "guidance", "seed"]
    model.words = Vocabulary.of(("dragon", "rock", "tree"), torch.zeros(0, 3))
    context_mixer(model, cosine(), n=1, steps=1)
    assert list(View(shown[2]).controls) == ["dragon", "rock", "tree", "guidance", "seed"]
    with pytest.raises(ValueError, match="the network has no words"):
        context_mixer(network(3), cosine())


def test_the_live_mixer_takes_all_steps_of_its_network_and_draws_while_sliders_move(shown):
    model = network_of_words()
    calls = spied(model)
    live_mixer(model, cosine(4), n=3)
    # one batch of three: no second half for guidance
    assert [(len(x), t[0].item()) for x, t, _ in calls] == [(3, 1.0), (3, 0.75), (3, 0.5), (3, 0.25)]
    assert torch.equal(calls[0][2], model.words.context("hero").expand(3, -1))
    view = View(shown[0])
    assert list(view.controls) == [*CLASSES, "seed"] and all(c.continuous_update for c in view.controls.values())
    assert "3 sprites for the context hero, seed 0" in shown[1].data
    first = view.picture
    view.controls["food"].value = 1.0
    second = view.picture
    view.controls["food"].value = 0.0
    assert second != first == view.picture
    view.controls["seed"].value = 1
    assert view.picture not in (first, second)


def test_the_noise_slider_shows_sprite_noise_and_belief(shown):
    model = network(prediction="x0")
    calls = spied(model)
    noise_slider(model, cosine(), torch.cat([flat(-1), flat(1)]), scale=1)
    assert [t.tolist() for _, t, _ in calls] == [pytest.approx([20 * i / 500] * 2) for i in range(1, 26)]
    view = View(shown[0])
    which, level = view.controls["sprite"], view.controls["time t"]
    assert level.options[0] == 0 and level.options[-1] == 500

    def seen():
        return view.pixels[1:17].reshape(16, -1, 3)

    level.value = 0
    assert (seen()[:, 1:17] == 0).all() and (seen()[:, 18:34] == 0).all() and (seen()[:, 35:51] == 0).all()
    which.value = 2
    assert (seen()[:, 1:17] == 255).all() and (seen()[:, 35:51] == 255).all()
    level.value = 500
    assert seen()[:, 18:34].std() > 50 and (seen()[:, 1:17] == 255).all()
    assert 0 < seen()[:, 35:51].std() < 50  # what a new network believes: neither the noise nor the sprite
    assert "with noise at t = 200" in shown[1].data


def test_the_comparison_draws_three_samplers_from_one_noise(shown):
    model = network_of_words()
    calls = spied(model)
    sampler_comparison(model, cosine(), n=3, scale=1, prompts=("knight", "food"))
    view = View(shown[0])
    assert len(calls) == 3 * 5 and torch.equal(calls[0][0], calls[5][0]) and torch.equal(calls[5][0], calls[10][0])
    asked = calls[0][2][3:]  # after the three without context
    for context, word in zip(asked, ("knight", "food", "knight"), strict=True):
        assert context[WORDS.index(word)] == 1 and (context == DESCRIPTIONS).all(1).any()  # full descriptions
    pictures = {view.picture}
    for name, value in (("steps", 3), ("seed", 1)):
        view.controls[name].value = value
        pictures.add(view.picture)
    assert len(pictures) == 3 and len(calls) == 3 * (5 + 3 + 3)
    assert torch.equal(calls[-1][2], calls[0][2])  # the same wishes for every seed


def test_the_comparison_asks_for_the_classes_in_turn_also_where_there_are_only_five(shown):
    model = network()
    calls = spied(model)
    sampler_comparison(model, cosine(), n=6, scale=1)
    assert torch.equal(calls[0][2][6:], torch.eye(5)[[0, 1, 2, 3, 4, 0]])


def test_an_error_in_a_callback_is_shown_in_the_page(shown, monkeypatch):
    context_mixer(network(), cosine(), n=2, steps=3)
    view = View(shown[0])
    before = view.picture
    with monkeypatch.context() as broken:
        broken.setattr(notebook, "png", lambda picture: {}["<b>"])  # the next drawing fails
        view.controls["seed"].value = 5
    assert view.picture == before and "could not be drawn. KeyError: '<b>'" in view.complaint
    assert "<b>" not in view.trouble.value and "role='alert'" in view.trouble.value
    view.controls["seed"].value = 6
    assert view.picture != before and view.complaint == ""


def sprites_by_hand(sampler, model, schedule, prompt, n, guidance, seed, steps):
    generator = torch.Generator().manual_seed(seed)
    contexts, negative = model.words.contexts(prompt, n, generator)
    walk = sampler(for_drawing(model), schedule, n, contexts, guidance, generator, negative=negative, steps=steps)
    return png(grid(collect(walk).images, columns=4, scale=6))


def test_the_prompt_box_draws_what_the_sampler_draws_by_hand(shown):
    model, schedule = network_of_words(), cosine()
    prompt_box(model, schedule, "knight", n=6)
    view = View(shown[0])
    assert list(view.controls) == ["prompt", "seed", "strength", "Draw others"]
    assert isinstance(view.controls["prompt"], ipywidgets.Text) and not view.controls["prompt"].continuous_update
    assert view.controls["strength"].value == 2.0
    assert view.picture == sprites_by_hand(sample_dpmpp_2m, model, schedule, "knight", 6, 2.0, 0, 3) == still(shown)
    view.controls["prompt"].value = "food"
    view.controls["strength"].value = 3.0
    view.controls["seed"].value = 7
    assert view.picture == sprites_by_hand(sample_dpmpp_2m, model, schedule, "food", 6, 3.0, 7, 3)
    view.controls["prompt"].value = "knight, not red"
    assert view.picture == sprites_by_hand(sample_dpmpp_2m, model, schedule, "knight, not red", 6, 3.0, 7, 3)
    assert view.picture != sprites_by_hand(sample_dpmpp_2m, model, schedule, "blue knight", 6, 3.0, 7, 3)  # led away


def test_the_button_draws_others_and_ends_at_the_first_seed(shown):
    prompt_box(network_of_words(), cosine(), "knight", n=2)
    view = View(shown[0])
    first = view.picture
    view.controls["Draw others"].click()
    second = view.picture
    assert second != first and view.controls["seed"].value == 1
    view.controls["seed"].value = view.controls["seed"].max
    view.controls["Draw others"].click()
    assert view.controls["seed"].value == 0 and view.picture == first and view.complaint == ""


def test_the_prompt_box_says_what_it_understood(shown):
    model = network_of_words()
    prompt_box(model, cosine(), "knight", n=8)
    view = View(shown[0])
    said = view.said.split("<li>")
    contexts = model.words.contexts("knight", 8, torch.Generator().manual_seed(0))[0]
    assert "Descriptions from the data, in reading order" in said[0]
    assert [item.split("</li>")[0] for item in said[1:]] == [model.words.describe(c) for c in contexts]
    assert len(set(said[1:-1])) == 2  # both knights
    names = "; ".join(model.words.describe(c) for c in contexts)
    assert f'8 sprites for the prompt "knight", seed 0. Descriptions from the data, in reading order: {names}.' in (
        html.unescape(shown[1].data)
    )
    for prompt, text in (
        ("blue food", "As it stands, because no sprite of the data is this: <b>blue food</b>"),
        ("hero + 0.6 food", "As it stands, because no sprite of the data is this: <b>0.6 food + hero</b>"),
        ("red food", "A description from the data, for all: <b>red food</b>"),  # is one, though the words are all that it has
        ("knights, not red", "A description from the data, without red, for all: <b>blue knight hero</b>"),
        ("blue food, not knights", "As it stands, without knight, because no sprite of the data is this: <b>blue food</b>"),
        ("food, not blue hero", "A description from the data, without hero or blue, for all: <b>red food</b>"),
        ("", "Descriptions from the data, in reading order:"),
    ):
        view.controls["prompt"].value = prompt
        assert text in view.said and view.complaint == "", prompt


@pytest.mark.parametrize("prompt", ["a purple knight", "3 knights", "knight, not knight"])
def test_what_cannot_be_read_is_said_in_the_page_and_the_old_picture_stays(shown, prompt):
    model = network_of_words()
    prompt_box(model, cosine(), "knight", n=2)
    view = View(shown[0])
    picture, said = view.picture, view.said
    view.controls["prompt"].value = prompt
    with pytest.raises(ValueError) as error:
        model.words.prompt(prompt)
    assert view.complaint.endswith(f">{error.value}</div>")  # the sentence, and no name of a class of errors
    assert view.picture == picture and view.said == said
    view.controls["prompt"].value = "red"
    assert view.complaint == "" and view.picture != picture and view.said != said


def test_a_first_prompt_that_cannot_be_read_is_the_callers_error(shown):
    with pytest.raises(ValueError, match='"potion" is not a word'):
        prompt_box(network_of_words(), cosine())
    with pytest.raises(ValueError, match="n must be a whole number"):
        prompt_box(network_of_words(), cosine(), "knight", n=0)
    assert shown == []


def test_not_needs_a_strength_above_1(shown):
    prompt_box(network_of_words(), cosine(), "knight, not red", n=2)
    view = View(shown[0])
    picture = view.picture
    for strength in (1.0, 0.5):
        view.controls["strength"].value = strength
        assert view.picture == picture and '"not red" needs a strength above 1' in view.complaint
    view.controls["prompt"].value = "knight"
    assert view.picture != picture and view.complaint == ""


def test_a_network_of_few_steps_takes_them_and_refuses_not(shown):
    model, schedule = network_of_words(Sampling("ddim", 4, 1.0)), cosine(4)
    calls = spied(model)
    prompt_box(model, schedule, "knight", n=2)
    view = View(shown[0])
    assert list(view.controls) == ["prompt", "seed", "Draw others"]
    assert [(len(x), t[0].item()) for x, t, _ in calls] == [(2, 1.0), (2, 0.75), (2, 0.5), (2, 0.25)]
    picture = view.picture
    assert picture == sprites_by_hand(sample_ddim, model, schedule, "knight", 2, 1.0, 0, 4)
    view.controls["prompt"].value = "knight, not red"
    assert '"not red" needs guidance, and this network has its own in its weights: leave it out.' in view.complaint
    assert view.picture == picture
    view.controls["prompt"].value = "blue knight"
    assert view.complaint == "" and view.picture != picture


def test_a_network_of_five_classes_has_a_prompt_box_too(shown):
    model = network()
    calls = spied(model)
    prompt_box(model, cosine(), "hero + 0.6 food", n=2)
    view = View(shown[0])
    assert "As it stands: <b>hero + 0.6 food</b>" in view.said  # nothing is known of its data
    assert torch.allclose(calls[0][2][2:], torch.tensor([1, 0, 0.6, 0, 0]))
    view.controls["prompt"].value = "red"
    assert '"red" is not a word of this network' in view.complaint
    view.controls["prompt"].value = ""
    assert "As it stands: <b>anything</b>" in view.said and (calls[-1][2] == 0).all()


def test_what_people_write_is_no_html(shown):
    prompt_box(network_of_words(), cosine(), "knight", n=1)
    view = View(shown[0])
    view.controls["prompt"].value = "<img>"
    assert "<img>" in view.complaint and "<img>" not in view.trouble.value


def test_the_box_of_the_networks_that_come_with_the_package(shown):
    model, schedule = load_model("few_steps")
    prompt_box(model, schedule, "red potion", n=2)
    view = View(shown[0])
    assert list(view.controls) == ["prompt", "seed", "Draw others"] and "red potion spell" in view.said
    red, green, blue = view.pixels[6:-6].reshape(-1, 3).astype(int).T
    assert ((red > 140) & (green < 110) & (blue < 110)).mean() > 0.05  # there is red paint in it


def test_every_control_says_what_it_is(shown):
    model = network_of_words()
    for make in (
        lambda: trajectory_slider([State(0, flat(0), flat(0))]),
        lambda: noise_slider(model, cosine(), flat(0)),
        lambda: context_mixer(model, cosine(), n=1, steps=1),
        lambda: live_mixer(model, cosine(2), n=1),
        lambda: sampler_comparison(model, cosine(), n=1, prompts=("food",)),
        lambda: prompt_box(model, cosine(), "food", n=1),
    ):
        shown.clear()
        make()
        box, picture = shown
        known = {"VBox", "HBox", "HTML", "Image", "IntSlider", "FloatSlider", "SelectionSlider", "Text", "Button"}
        for widget in widgets_in(box):
            assert type(widget).__name__ in known  # what ipywidgets 7.7 has
            assert type(widget).__name__ in {"VBox", "HBox", "HTML", "Image"} or widget.description
        assert '<img alt="' in picture.data
