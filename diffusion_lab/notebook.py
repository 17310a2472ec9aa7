"""What notebooks show: pictures with alternative text, plots, and views with sliders."""

import base64
import html
import io
from collections.abc import Callable, Sequence

import ipywidgets
import numpy as np
import torch
from IPython.display import HTML, display
from matplotlib.figure import Figure
from PIL import Image
from torch import Tensor

from .samplers import State, collect, sample_ddim, sample_ddpm, sample_dpmpp_2m
from .schedules import Schedule
from .sprites import CLASSES
from .steps import clip_x0, perturb, to_x0_eps
from .unet import for_drawing
from .viz import INK, PAPER, grid, png, to_uint8

WIDE = {"description_width": "90px"}  # room for the longest label


def show(picture, *, alt: str, width: int | None = None):
    """Display a Pillow image, GIF or PNG bytes, or a matplotlib figure, in a notebook, with alternative text.

    alt: what the picture shows, for readers who cannot see it; ValueError if it is empty. The picture is embedded, so
    it stays visible in JupyterLab, Colab, VS Code and nbconvert's pages.
    """
    if not alt.strip():
        raise ValueError("alt must say what the picture shows.")
    if isinstance(picture, Image.Image):
        data = png(picture)
    elif isinstance(picture, bytes):
        data = picture
    else:
        file = io.BytesIO()
        picture.savefig(file, format="png", dpi=110, bbox_inches="tight", facecolor=PAPER)
        data = file.getvalue()
    kind = "gif" if data[:3] == b"GIF" else "png"
    size = f' width="{width}"' if width else ""
    source = f"data:image/{kind};base64,{base64.b64encode(data).decode()}"
    display(HTML(f'<img alt="{html.escape(alt)}"{size} style="max-width:100%;image-rendering:pixelated" src="{source}">'))


def figure(width: float = 7.0, height: float = 3.0, columns: int = 1):
    """A matplotlib figure and its axes in the course's style, kept out of pyplot so that it is shown once only."""
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
        raise ValueError("there are no states to look at: give list(sampler).")
    picks = np.unique(np.linspace(0, len(states) - 1, min(most, len(states))).round().astype(int))
    count = min(count, len(states[0].x))
    frames = [png(_rows([states[i].x[:count], states[i].x0[:count]], scale)) for i in picks]
    last = len(frames) - 1
    slider = ipywidgets.IntSlider(last, 0, last, description="moment", style=WIDE, continuous_update=False, readout=False)
    label = ipywidgets.Label()

    def draw() -> bytes:
        label.value = f"t = {states[picks[slider.value]].t}: above x_t, below the believed x0"
        return frames[slider.value]

    thirds = [states[i] for i in picks[[0, len(picks) // 2, 3 * len(picks) // 4, len(picks) - 1]]]
    still = _rows([picture for s in thirds for picture in (s.x[:count], s.x0[:count])], max(1, scale // 2))
    times = ", ".join(str(s.t) for s in thirds)
    alt = f"{count} sprites at the times {times}; under each row what the network believes."
    _interactive([slider], draw, alt, label, png(still))


def noise_slider(model: torch.nn.Module, schedule: Schedule, sprites: Tensor, scale: int = 8):
    """Two sliders, which sprite and how much noise: the sprite, the sprite at time t, and what the network believes.

    sprites: (N, 3, 16, 16) in [-1, 1]. The noise is always the same. Displays the sliders and a still picture.
    """
    noise = torch.randn(sprites.shape, generator=torch.Generator().manual_seed(0))
    levels = np.linspace(0, schedule.T, 26).round().astype(int).tolist()
    noisy, believed = [sprites], [sprites]
    for t in levels[1:]:
        x_t = perturb(sprites, t, noise, schedule.alpha_bar)
        with torch.no_grad():
            output = model(x_t, torch.full((len(x_t),), t / schedule.T))
        x0, _ = to_x0_eps(model.prediction, output, x_t, t, schedule.alpha_bar)
        noisy.append(x_t)
        believed.append(clip_x0(x0, x_t, t, schedule.alpha_bar)[0])
    which = ipywidgets.IntSlider(1, 1, len(sprites), description="sprite", style=WIDE, continuous_update=False)
    level = ipywidgets.SelectionSlider(
        options=levels, value=levels[10], description="time t", style=WIDE, continuous_update=False
    )

    def draw() -> bytes:
        k, i = which.value - 1, levels.index(level.value)
        return png(grid(torch.stack([sprites[k], noisy[i][k], believed[i][k]]), columns=3, scale=scale))

    alt = f"A sprite, the same with noise at t = {levels[10]}, and the sprite that the network believes in."
    _interactive([which, level], draw, alt)


def context_mixer(model: torch.nn.Module, schedule: Schedule, n: int = 8, steps: int = 12, scale: int = 6):
    """One slider for each class, one for guidance, one for the seed; n sprites are drawn when a slider is let go.

    Displays the sliders and, for readers without a running notebook, a still picture of the first setting.
    """
    model = for_drawing(model)
    classes = _class_sliders(live=False)
    guidance = _slider("guidance", 2.0, 8.0, live=False)
    seed = ipywidgets.IntSlider(0, 0, 99, description="seed", style=WIDE, continuous_update=False)

    def draw() -> bytes:
        context = torch.tensor([s.value for s in classes])
        generator = torch.Generator().manual_seed(seed.value)
        walk = sample_dpmpp_2m(model, schedule, n, context, guidance.value, generator, steps=steps)
        return png(grid(collect(walk, every=steps).images, columns=4, scale=scale))

    alt = f"{n} sprites for the context hero, guidance 2, seed 0: the first setting of the sliders."
    _interactive([*classes, guidance, seed], draw, alt)


def live_mixer(model: torch.nn.Module, schedule: Schedule, n: int = 32, scale: int = 3):
    """One slider for each class and one for the seed; n sprites are drawn while a slider moves.

    For a network of few steps: all T steps of its schedule are taken, without guidance, which is in its weights. Displays the
    sliders and, for readers without a running notebook, a still picture of the first setting.
    """
    model = for_drawing(model)
    classes = _class_sliders(live=True)
    seed = ipywidgets.IntSlider(0, 0, 99, description="seed", style=WIDE)

    def draw() -> bytes:
        context, generator = torch.tensor([s.value for s in classes]), torch.Generator().manual_seed(seed.value)
        walk = sample_ddim(model, schedule, n, context, 1.0, generator, steps=schedule.T)
        return png(grid(collect(walk, every=schedule.T).images, scale=scale))

    _interactive([*classes, seed], draw, f"{n} sprites for the context hero, seed 0: the first setting of the sliders.")


def sampler_comparison(model: torch.nn.Module, schedule: Schedule, n: int = 6, scale: int = 5):
    """Sliders for the number of steps and the seed: a row each for DDPM, DDIM and DPM-Solver++(2M), from the same noise.

    n: sprites in a row, the classes in turn. Displays the sliders and a still picture of the first setting.
    """
    model = for_drawing(model)
    counts = [3, 5, 8, 12, 20]
    steps = ipywidgets.SelectionSlider(options=counts, value=5, description="steps", style=WIDE, continuous_update=False)
    seed = ipywidgets.IntSlider(0, 0, 99, description="seed", style=WIDE, continuous_update=False)
    wishes = torch.eye(len(CLASSES))[torch.arange(n) % len(CLASSES)]

    def draw() -> bytes:
        rows = []
        for sampler in (sample_ddpm, sample_ddim, sample_dpmpp_2m):
            generator = torch.Generator().manual_seed(seed.value)
            walk = sampler(model, schedule, n, wishes, 2.0, generator, steps=steps.value)
            rows.append(collect(walk, every=steps.value).images)
        return png(_rows(rows, scale, ["DDPM", "DDIM", "2M"]))

    _interactive([steps, seed], draw, f"Three rows of {n} sprites made in 5 steps: DDPM grainy, DDIM smooth, 2M sharper.")


def prompt_box(model: torch.nn.Module, schedule: Schedule, prompt: str = "red potion", n: int = 8):
    """A text field, a seed and a button: n sprites of what a prompt asks for."""
    text = ipywidgets.Text(prompt, description="prompt", style=WIDE, continuous_update=False)
    seed = ipywidgets.IntSlider(0, 0, 99, description="seed", style=WIDE, continuous_update=False)

    def draw() -> bytes:
        generator = torch.Generator().manual_seed(seed.value)
        context, negative = model.words.contexts(text.value, n, generator)
        steps = min(schedule.T, 12)
        guidance = 1.0 if schedule.T < 20 else 2.0
        walk = sample_dpmpp_2m(model, schedule, n, context, guidance, generator, negative=negative, steps=steps)
        return png(grid(collect(walk, every=steps).images, columns=4, scale=6))

    _interactive([text, seed], draw, f"{n} sprites of the prompt {prompt}.")


def _class_sliders(live: bool) -> list[ipywidgets.FloatSlider]:
    """A slider for each class, hero at 1."""
    return [_slider(name, float(name == "hero"), 1.5, live) for name in CLASSES]


def _slider(name: str, value: float, most: float, live: bool) -> ipywidgets.FloatSlider:
    """live: it reports while it moves, not only when it is let go."""
    return ipywidgets.FloatSlider(value, min=0.0, max=most, step=0.1, description=name, style=WIDE, continuous_update=live)


def _rows(rows: Sequence[Tensor], scale: int, labels: Sequence[str] = ()) -> Image.Image:
    return grid(np.concatenate([to_uint8(row) for row in rows]), columns=len(rows[0]), scale=scale, labels=labels)


def _interactive(
    controls: Sequence[ipywidgets.Widget],
    draw: Callable[[], bytes],
    alt: str,
    label: ipywidgets.Label | None = None,
    still: bytes | None = None,
):
    """Display controls and the PNG that draw() gives for their values, again at each change; then a still picture."""
    first = draw()
    picture = ipywidgets.Image(value=first, format="png")
    trouble = ipywidgets.Label()  # JupyterLab hides what a callback prints or raises; this shows it

    def redraw(change):
        try:
            picture.value, trouble.value = draw(), ""
        except Exception as error:  # whatever it is, it must be seen
            trouble.value = f"This could not be drawn. {type(error).__name__}: {error}"

    for control in controls:
        control.observe(redraw, names="value")
    column = ipywidgets.VBox([*controls, label] if label else [*controls])
    display(ipywidgets.VBox([column, picture, trouble]))
    show(still or first, alt=alt)
