"""The language in which a lab answers: its checks, its widgets, and the errors that students meet there.

A notebook's first cell sets the environment variable DIFFUSION_LAB_LANGUAGE: "en", or "es" for Spanish. English texts stand in
the code; their translations are in locale/, as catalogues of gettext. Names, commands and docstrings are English.
"""

import gettext as catalogues
import os
from functools import cache
from pathlib import Path

LOCALE = Path(__file__).with_name("locale")


def language() -> str:
    """The language that was asked for: "en", or one that has a catalogue in locale/. ValueError for any other."""
    asked = os.environ.get("DIFFUSION_LAB_LANGUAGE") or "en"
    if asked not in _known():
        known = ", ".join(_known())
        raise ValueError(f"DIFFUSION_LAB_LANGUAGE is {asked!r}, and there is no such language here: choose one of {known}.")
    return asked


@cache
def _known() -> list[str]:
    return ["en", *sorted(path.name for path in LOCALE.iterdir() if path.is_dir())]


def gettext(message: str) -> str:
    """A message in the language that was asked for; as it is, where the catalogue lacks it. "" stays "".

    What varies is filled in afterwards, so that every message is found as it stands in the code:
    gettext("{name} must have shape {shape}.").format(name=name, shape=shape)
    """
    return _catalogue(language()).gettext(message) if message else ""


@cache
def _catalogue(asked: str) -> catalogues.NullTranslations:
    return catalogues.translation("diffusion_lab", LOCALE, [asked], fallback=asked == "en")


def later(message: str) -> str:
    """The message itself: it is put into the catalogues, and given to `gettext` when it is shown."""
    return message
