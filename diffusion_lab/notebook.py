"""What notebooks show: pictures with alternative text, plots, and views that are drawn again when a control is moved.

    show(grid(images), alt="Eight red potions")
    prompt_box(*load_model("few_steps"))                 # a text field, and the sprites that it asks for

Each view also leaves a still picture, for those who read the notebook without running it.
"""

import base64
import html
import io
from collections.abc import Callable, Sequence
from functools import reduce

import ipywidgets
import numpy as np
import torch
from IPython.display import HTML, display
from matplotlib.figure import Figure
from PIL import Image
from torch import Tensor

from .controls import SEEDS, STRONGEST, STYLE, Drawing, panel, seed_slider, slider
from .language import gettext
from .samplers import SAMPLERS, State, believe, collect, sample_ddim, sample_ddpm, sample_dpmpp_2m
from .schedules import Schedule
from .sprites import CLASSES
from .steps import clip_x0, perturb
from .unet import for_drawing
from .viz import INK, PAPER, grid, png, strip, to_uint8
from .weights import Sampling
from .words import Vocabulary


def show(picture, *, alt: str, width: int | None = None):
    """Display a Pillow image, GIF or PNG bytes, or a matplotlib figure, in a notebook, with alternative text.

    alt: what the picture shows, for readers who cannot see it; ValueError if it is empty. width: on the page, in pixels. The
    picture is embedded, so it stays visible in JupyterLab, Colab, VS Code and nbconvert's pages.
    """
    if not alt.strip():
        raise ValueError(gettext("alt must say what the picture shows."))
    style = "max-width:100%"
    if isinstance(picture, Figure):
        file = io.BytesIO()
        picture.savefig(file, format="png", dpi=110, bbox_inches="tight", facecolor=PAPER)
        data = png(Image.open(file).convert("RGB").quantize(256))  # a third of the bytes, to the eye the same
    else:
        data = picture if isinstance(picture, bytes) else png(picture)
        style += ";image-rendering:pixelated"  # sprites stay sharp where the page enlarges them; text would be jagged
    kind = "gif" if data[:3] == b"GIF" else "png"
    size = f' width="{width}"' if width else ""
    source = f"data:image/{kind};base64,{base64.b64encode(data).decode()}"
    display(HTML(f'<img alt="{html.escape(alt)}"{size} style="{style}" src="{source}">'))


def figure(width: float = 7.0, height: float = 3.0, columns: int = 1):
    """A matplotlib figure and its axes in the course's style, kept out of pyplot so that it is shown once only.

    width, height: in inches. Returns the figure and one axis, or an array of `columns` axes where there are several.
    """
    fig = Figure(figsize=(width, height), layout="constrained")
    axes = fig.subplots(1, columns)
    for axis in np.atleast_1d(axes):
        axis.spines[["top", "right"]].set_visible(False)
        axis.grid(alpha=0.25)
        axis.tick_params(colors=INK)
    return fig, axes


def trajectory_slider(states: Sequence[State], count: int = 8, scale: int = 6, most: int = 60):
    """A slider through a finished run: above the sprites as they are at time t, below what the network believes.

    states: what a sampler yielded, as a list. count: how many sprites to show. most: how many moments the slider has.
    Displays the slider and, for readers without a running notebook, a still picture. ValueError if there are no states.
    """
    if not states:
        raise ValueError(gettext("there are no states to look at: give list(sampler)."))
    picks = np.unique(np.linspace(0, len(states) - 1, min(most, len(states))).round().astype(int))
    count = min(count, len(states[0].x))
    frames = [png(_in_rows([states[i].x[:count], states[i].x0[:count]], scale)) for i in picks]
    last = len(frames) - 1
    name = gettext("moment")
    moment = ipywidgets.IntSlider(last, 0, last, description=name, style=STYLE, continuous_update=False, readout=False)

    def draw() -> Drawing:
        text = gettext("t = {t}: above x_t, below the believed x0")
        return Drawing(frames[moment.value], text.format(t=states[picks[moment.value]].t))

    some = min(count, 3)  # of the sprites, for the still picture
    rows = [torch.stack([states[i].x[:some], states[i].x0[:some]], 1).flatten(0, 1).cpu() for i in picks]
    labels = [gettext("picture"), gettext("belief")] * some
    still = strip(torch.stack(rows), [states[i].t for i in picks], 10, max(1, scale // 2), labels)
    alt = gettext("{n} sprites at moments from t = {first} to {last}; under each what the network believes.")
    _show_with_controls([moment], draw, alt.format(n=some, first=states[0].t, last=states[-1].t), png(still))


def noise_slider(model: torch.nn.Module, schedule: Schedule, sprites: Tensor, scale: int = 8):
    """Two sliders, which sprite and how much noise: the sprite, the sprite at time t, and what the network believes.

    sprites: (N, 3, 16, 16) in [-1, 1]. The noise is always the same, and nothing is said to the network. Displays the sliders
    and a still picture.
    """
    device = next(model.parameters()).device
    noise = torch.randn(sprites.shape, generator=torch.Generator().manual_seed(0))
    levels = np.linspace(0, schedule.T, 26).round().astype(int).tolist()
    noisy, believed = [sprites], [sprites]
    for t in levels[1:]:
        x_t = perturb(sprites, t, noise, schedule.alpha_bar)
        with torch.no_grad():
            x0 = believe(model, schedule, x_t.to(device), t)[0].cpu()
        noisy.append(x_t)
        believed.append(clip_x0(x0, x_t, t, schedule.alpha_bar)[0])
    which = ipywidgets.IntSlider(1, 1, len(sprites), description=gettext("sprite"), style=STYLE, continuous_update=False)
    level = ipywidgets.SelectionSlider(
        options=levels, value=levels[10], description=gettext("time t"), style=STYLE, continuous_update=False
    )

    def draw() -> Drawing:
        k, i = which.value - 1, levels.index(level.value)
        return Drawing(png(grid(torch.stack([sprites[k], noisy[i][k], believed[i][k]]), columns=3, scale=scale)))

    alt = gettext("A sprite, the same with noise at t = {t}, and the sprite that the network believes in.")
    _show_with_controls([which, level], draw, alt.format(t=levels[10]))


def context_mixer(model: torch.nn.Module, schedule: Schedule, n: int = 8, steps: int = 12, scale: int = 6):
    """One slider for each class, one for guidance, one for the seed; n sprites are drawn when a slider is let go.

    The class sliders set the classes' places in the context and nothing else. steps: of 2M, at most the schedule's T.
    Displays the sliders and, for readers without a running notebook, a still picture of the first setting.
    """
    model, steps = for_drawing(model), min(steps, schedule.T)
    classes = _class_sliders(model, live=False)
    guidance = slider(gettext("guidance"), _sampling(model).guidance, STRONGEST)
    seed = seed_slider()

    def draw() -> Drawing:
        generator = torch.Generator().manual_seed(seed.value)
        walk = sample_dpmpp_2m(model, schedule, n, _mixed(model, classes), guidance.value, generator, steps=steps)
        return Drawing(png(grid(collect(walk, every=steps).images, columns=4, scale=scale)))

    alt = gettext("{n} sprites for the context {word}, guidance {s:g}, seed 0: the first setting of the sliders.")
    alt = alt.format(n=n, word=next(iter(classes.values())).description, s=guidance.value)
    _show_with_controls([*classes.values(), guidance, seed], draw, alt)


def live_mixer(model: torch.nn.Module, schedule: Schedule, n: int = 32, scale: int = 3):
    """One slider for each class and one for the seed; n sprites are drawn while a slider moves.

    For a network of few steps: all T steps of its schedule are taken, without guidance, which is in its weights. Displays the
    sliders and, for readers without a running notebook, a still picture of the first setting.
    """
    model = for_drawing(model)
    classes = _class_sliders(model, live=True)
    seed = seed_slider(live=True)

    def draw() -> Drawing:
        generator = torch.Generator().manual_seed(seed.value)
        walk = sample_ddim(model, schedule, n, _mixed(model, classes), 1.0, generator, steps=schedule.T)
        return Drawing(png(grid(collect(walk, every=schedule.T).images, scale=scale)))

    alt = gettext("{n} sprites for the context {word}, seed 0: the first setting of the sliders.")
    alt = alt.format(n=n, word=next(iter(classes.values())).description)
    _show_with_controls([*classes.values(), seed], draw, alt)


def sampler_comparison(
    model: torch.nn.Module, schedule: Schedule, n: int = 6, scale: int = 5, prompts: Sequence[str] = CLASSES
):
    """Sliders for the number of steps and the seed: a row each for DDPM, DDIM and DPM-Solver++(2M), from the same noise.

    n: sprites in a row. prompts: what they show, in turn; each is asked for with a full description of the data, always the
    same. Guidance is the network's own. Displays the sliders and a still picture of the first setting.
    Raises ValueError if a prompt has a word that the network does not know.
    """
    model = for_drawing(model)
    words, guidance, chance = _vocabulary(model), _sampling(model).guidance, torch.Generator().manual_seed(0)
    wishes = torch.cat([words.contexts(prompts[k % len(prompts)], 1, chance)[0] for k in range(n)])
    counts = [count for count in (3, 5, 8, 12, 20) if count <= schedule.T] or [schedule.T]
    steps = ipywidgets.SelectionSlider(
        options=counts,
        value=counts[min(1, len(counts) - 1)],
        description=gettext("steps"),
        style=STYLE,
        continuous_update=False,
    )
    seed = seed_slider()

    def draw() -> Drawing:
        rows = []
        for sampler in (sample_ddpm, sample_ddim, sample_dpmpp_2m):
            generator = torch.Generator().manual_seed(seed.value)
            walk = sampler(model, schedule, n, wishes, guidance, generator, steps=steps.value)
            rows.append(collect(walk, every=steps.value).images)
        return Drawing(png(_in_rows(rows, scale, ["DDPM", "DDIM", "2M"])))

    alt = gettext("Three rows of {n} sprites made in {steps} steps: DDPM grainy, DDIM and 2M smooth.")
    _show_with_controls([steps, seed], draw, alt.format(n=n, steps=steps.value))


def prompt_box(model: torch.nn.Module, schedule: Schedule, prompt: str | None = None, n: int = 8):
    """A text field: Enter draws n sprites of what it asks for, and beside them stands what the network was told.

    prompt: what it asks for at first, a red potion if None.

    Below it are sliders for the seed and for the strength (guidance), and a button that goes on to the next seed. A network
    that has its guidance in its weights (few_steps) has no strength, and refuses "not". What cannot be read or drawn is said
    in the page, and the old picture stays. The sprites are those of the sampler that `model.sampling` names, with one
    generator for the descriptions and then for the noise.

    Displays the box and, for readers without a running notebook, a still picture of the first prompt.
    Raises ValueError if that prompt cannot be read, or if n is not a whole number from 1.
    """
    model = for_drawing(model)
    words, sampling = _vocabulary(model), _sampling(model)
    guided = sampling.guidance != 1  # 1 is how a network is sampled that learnt its guidance
    sampler, steps = SAMPLERS[sampling.sampler], min(sampling.steps, schedule.T)
    prompt = gettext("red potion") if prompt is None else prompt
    # continuous_update=False: Enter draws
    field = ipywidgets.Text(prompt, description=gettext("prompt"), style=STYLE, continuous_update=False)
    field.layout.width, field.layout.max_width = "480px", "99%"
    seed, strength = seed_slider(), slider(gettext("strength"), sampling.guidance, STRONGEST)
    tip = gettext("Draw this prompt again, with the next seed")
    button = ipywidgets.Button(description=gettext("Draw others"), tooltip=tip)
    button.layout.margin = "2px 2px 2px 98px"  # under the field and the sliders, not under their names
    button.on_click(lambda _: seed.set_trait("value", (seed.value + 1) % SEEDS))

    def draw() -> Drawing:
        guidance, generator = strength.value if guided else 1.0, torch.Generator().manual_seed(seed.value)
        contexts, negative = words.contexts(field.value, n, generator)
        if negative is not None and guidance <= 1:  # below 1 it would lead to what is excluded
            why = gettext('"not {words}" needs guidance, and this network has its own in its weights: leave it out.')
            if guided:
                why = gettext('"not {words}" needs a strength above 1: leave it out or move the slider.')
            raise ValueError(why.format(words=_excluded(words, negative)))
        walk = sampler(model, schedule, n, contexts, guidance, generator, negative=negative, steps=steps)
        picture = png(grid(collect(walk, every=steps).images, columns=4, scale=6))
        return Drawing(picture, *_told(words, words.prompt(field.value).wanted, contexts, negative))

    controls = [field, seed, strength, button] if guided else [field, seed, button]
    alt = gettext('{n} sprites for the prompt "{prompt}", seed 0.')
    _show_with_controls(controls, draw, alt.format(n=n, prompt=prompt), beside=True)


def _told(words: Vocabulary, wanted: Tensor, contexts: Tensor, negative: Tensor | None) -> tuple[str, list[str]]:
    """What a prompt was understood as: a line about it, and the descriptions, one for each sprite or one for all.

    wanted: (V,) what the prompt says. contexts: (n, V), negative: (V,) what `Vocabulary.contexts` made of it.
    """
    without = "" if negative is None else gettext(", without {words}").format(words=_excluded(words, negative))
    stands = bool((contexts == wanted).all()) and not bool((words.descriptions == wanted).all(1).any())
    if stands:
        why = gettext(", because no sprite of the data is this") if len(words.descriptions) else ""
        told = gettext("As it stands{without}{why}:").format(without=without, why=why)
        return told, [words.describe(wanted) or gettext("anything")]
    descriptions = [words.describe(context) for context in contexts]
    if len(set(descriptions)) == 1:
        return gettext("A description from the data{without}, for all:").format(without=without), descriptions[:1]
    return gettext("Descriptions from the data{without}, in reading order:").format(without=without), descriptions


def _excluded(words: Vocabulary, negative: Tensor) -> str:
    """A negative context (V,) in words: "green or red"."""
    names = [words.describe(one) for one in torch.diag(negative)[negative > 0]]
    return reduce(lambda before, word: gettext("{before} or {word}").format(before=before, word=word), names)


def _vocabulary(model: torch.nn.Module) -> Vocabulary:
    """The network's words. One that came from no file has none: five numbers are then the classes."""
    words = getattr(model, "words", None)
    if words is None and model.n_cfeat != len(CLASSES):
        raise ValueError(gettext("the network has no words: take one from load_model, or set model.words to a Vocabulary."))
    return words or Vocabulary.of(CLASSES, torch.zeros(0, len(CLASSES)))


def _sampling(model: torch.nn.Module) -> Sampling:
    """How the network is meant to be sampled. One that came from no file does not say so."""
    return getattr(model, "sampling", None) or Sampling("dpmpp_2m", 12, 2.0)


def _class_sliders(model: torch.nn.Module, live: bool) -> dict[str, ipywidgets.FloatSlider]:
    """A slider for each class that the network knows, the first at 1; for its first words if it knows none. By the words."""
    words = _vocabulary(model)
    names = [name for name in CLASSES if name in words.words] or words.words[: len(CLASSES)]
    labels = {name: words.describe(words.context(name)) for name in names}  # in the language that was asked for
    return {name: slider(label, float(name == names[0]), 1.5, live) for name, label in labels.items()}


def _mixed(model: torch.nn.Module, sliders: dict[str, ipywidgets.FloatSlider]) -> Tensor:
    """(V,) the sliders' values at the places of their words, 0 elsewhere."""
    words = _vocabulary(model)
    return sum(one.value * words.context(name) for name, one in sliders.items())


def _in_rows(rows: Sequence[Tensor], scale: int, labels: Sequence[str] = ()) -> Image.Image:
    return grid(np.concatenate([to_uint8(row) for row in rows]), columns=len(rows[0]), scale=scale, labels=labels)


def _show_with_controls(
    controls: Sequence[ipywidgets.Widget],
    draw: Callable[[], Drawing],
    alt: str,
    still: bytes | None = None,
    beside: bool = False,
):
    """Display controls and what draw() gives for their values (see `panel`); then a still picture for those who only read.

    alt, still: its text and PNG; the PNG is the first drawing if None, and what stands in that drawing's list is added to the
    text.
    """
    view, first = panel(controls, draw, beside)
    display(view)
    told = f" {first.text} {'; '.join(first.items)}." if first.items else ""
    show(still or first.picture, alt=alt + told)
