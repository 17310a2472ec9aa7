"""Controls of a notebook's view: sliders, what is drawn for their values, and how a page shows both."""

import html
from collections.abc import Callable, Sequence
from typing import NamedTuple

import ipywidgets

from .language import gettext
from .viz import ACCENT

STYLE = {"description_width": "90px"}  # room for the longest label
SEEDS = 100
STRONGEST = 8.0  # guidance
# role: a screen reader says it when it appears
TROUBLE = f"<div role='alert' style='line-height:1.5;border-left:4px solid {ACCENT};padding-left:8px'>{{}}</div>"


class Drawing(NamedTuple):
    """What a view shows for the values of its controls: a PNG, a line of text, and a list, which may be empty."""

    picture: bytes
    text: str = ""
    items: Sequence[str] = ()

    def html(self) -> str:
        """Text and list, as a widget shows them; line-height: ipywidgets has the height of a button."""
        text, items = html.escape(self.text), [html.escape(item) for item in self.items]
        if len(items) > 1:
            text += "<ol style='margin:0;padding-left:2.2em'>" + "".join(f"<li>{item}</li>" for item in items) + "</ol>"
        elif items:
            text += f" <b>{items[0]}</b>"
        return f"<div style='line-height:1.5'>{text}</div>"


def slider(name: str, value: float, most: float, live: bool = False) -> ipywidgets.FloatSlider:
    """From 0 to `most`. live: it reports while it moves, not only when it is let go."""
    return ipywidgets.FloatSlider(value, min=0.0, max=most, step=0.1, description=name, style=STYLE, continuous_update=live)


def seed_slider(live: bool = False) -> ipywidgets.IntSlider:
    """Whole numbers from 0 to SEEDS - 1. live: as in `slider`."""
    return ipywidgets.IntSlider(0, 0, SEEDS - 1, description=gettext("seed"), style=STYLE, continuous_update=live)


def panel(controls: Sequence[ipywidgets.Widget], draw: Callable[[], Drawing], beside: bool) -> tuple[ipywidgets.VBox, Drawing]:
    """Controls over what draw() gives for their values, again at each change; and the first drawing.

    beside: the text stands at the right of the picture, not above it.
    An error in the first drawing is the caller's and is raised; later ones are shown in the page.
    """
    first = draw()
    picture = ipywidgets.Image(value=first.picture, format="png")
    text = ipywidgets.HTML(first.html())
    trouble = ipywidgets.HTML()  # JupyterLab hides what a callback prints or raises; this shows it

    def redraw(_):
        try:
            drawing = draw()
        except Exception as error:  # whatever it is, it must be seen
            known = isinstance(error, ValueError)  # this package's are a sentence that says what to do
            other = gettext("This could not be drawn. {kind}: {error}").format(kind=type(error).__name__, error=error)
            trouble.value = TROUBLE.format(html.escape(str(error) if known else other))
        else:
            picture.value, text.value, trouble.value = drawing.picture, drawing.html(), ""

    for control in controls:
        if not isinstance(control, ipywidgets.Button):  # a button moves another control
            control.observe(redraw, names="value")
    column = ipywidgets.VBox(list(controls))
    if beside:
        text.layout.margin, text.layout.flex = "0 0 0 16px", "1 1 160px"  # below the picture only where 160 are not left
        both = [ipywidgets.HBox([picture, text], layout=ipywidgets.Layout(flex_flow="row wrap", align_items="flex-start"))]
    else:
        both = [text, picture] if first.text else [picture]
    note = ipywidgets.HTML(f"<small>{gettext('Below, for those who only read: the first picture.')}</small>")
    return ipywidgets.VBox([column, trouble, *both, note]), first
