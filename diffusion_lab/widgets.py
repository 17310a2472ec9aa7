"""Interactive views for notebooks. Where it is possible all pictures are made first, and controls choose among PNG bytes."""

from collections.abc import Sequence

import numpy as np
import torch

from .samplers import State, collect, sample_dpmpp_2m
from .schedules import Schedule
from .sprites import CLASSES
from .viz import grid, png, show, to_uint8


def trajectory_slider(states: Sequence[State], count: int = 8, scale: int = 6, most: int = 60):
    """A slider through a finished run: above the sprites as they are at time t, below what the network believes.

    states: what a sampler yielded, as a list. count: how many sprites to show. most: how many moments the slider has.
    Displays the slider and, for readers without a running notebook, a still picture. ValueError if there are no states.
    """
    import ipywidgets  # only notebooks need it
    from IPython.display import display

    if not states:
        raise ValueError("there are no states to look at: give list(sampler).")
    picks = np.unique(np.linspace(0, len(states) - 1, min(most, len(states))).round().astype(int))
    count = min(count, len(states[0].x))
    frames = [_pair(states[i], count, scale) for i in picks]
    times = [states[i].t for i in picks]

    picture = ipywidgets.Image(value=frames[-1], format="png")
    label = ipywidgets.Label(value=_caption(times[-1]))
    slider = ipywidgets.IntSlider(
        value=len(frames) - 1,
        min=0,
        max=len(frames) - 1,
        description="moment",
        continuous_update=False,
        readout=False,
    )
    trouble = ipywidgets.Output()  # JupyterLab hides what a callback prints or raises; this shows it

    @trouble.capture(clear_output=True)
    def choose(change):
        picture.value = frames[change["new"]]
        label.value = _caption(times[change["new"]])

    slider.observe(choose, names="value")
    display(ipywidgets.VBox([ipywidgets.HBox([slider, label]), picture, trouble]))
    thirds = [states[i] for i in picks[[0, len(picks) // 2, 3 * len(picks) // 4, len(picks) - 1]]]
    still = np.concatenate([np.concatenate([to_uint8(s.x[:count]), to_uint8(s.x0[:count])]) for s in thirds])
    show(
        grid(still, columns=count, scale=max(1, scale // 2)),
        alt=f"{count} sprites at the times {', '.join(str(s.t) for s in thirds)}; under each row what the network believes.",
    )


def _pair(state: State, count: int, scale: int) -> bytes:
    return png(grid(np.concatenate([to_uint8(state.x[:count]), to_uint8(state.x0[:count])]), columns=count, scale=scale))


def _caption(t: int) -> str:
    return f"t = {t}: above x_t, below the believed x0"


def context_mixer(model: torch.nn.Module, schedule: Schedule, n: int = 8, steps: int = 12, scale: int = 6):
    """One slider for each class, one for guidance, one for the seed; n sprites are drawn when a slider is let go.

    Displays the sliders and, for readers without a running notebook, a still picture of the first setting.
    """
    import ipywidgets  # only notebooks need it
    from IPython.display import display

    style = {"description_width": "90px"}

    def slider(name: str, value: float, most: float) -> ipywidgets.FloatSlider:
        options = {"min": 0.0, "max": most, "step": 0.1, "continuous_update": False, "style": style}
        return ipywidgets.FloatSlider(value=value, description=name, **options)

    classes = [slider(name, float(name == "hero"), 1.5) for name in CLASSES]
    guidance = slider("guidance", 2.0, 8.0)
    seed = ipywidgets.IntSlider(value=0, min=0, max=99, description="seed", continuous_update=False, style=style)

    def draw() -> bytes:
        context = torch.tensor([s.value for s in classes])
        generator = torch.Generator().manual_seed(seed.value)
        walk = sample_dpmpp_2m(model, schedule, n, context, guidance.value, generator, steps=steps)
        return png(grid(collect(walk, every=steps).images, columns=4, scale=scale))

    still = draw()
    picture = ipywidgets.Image(value=still, format="png")
    trouble = ipywidgets.Output()  # JupyterLab hides what a callback prints or raises; this shows it

    @trouble.capture(clear_output=True)
    def redraw(change):
        picture.value = draw()

    for control in (*classes, guidance, seed):
        control.observe(redraw, names="value")
    controls = ipywidgets.VBox([*classes, guidance, seed])
    display(ipywidgets.VBox([ipywidgets.HBox([controls, picture]), trouble]))
    show(still, alt=f"{n} sprites for the context hero, guidance 2, seed 0: the first setting of the sliders.")
