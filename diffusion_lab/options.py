"""The options of the command line: their names, ranges and help."""

import argparse
import os
import re
import sys
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

import torch

from .config import TrainConfig
from .cutting import Cut
from .metrics import FEATURES, MOST, PER_FEATURE
from .samplers import SAMPLERS
from .schedules import SCHEDULES
from .steps import PREDICTIONS
from .viz import rgba

MOST_SPRITES = 2048  # in one picture: the network draws all at once, which takes 0.8 MB a sprite, with guidance twice that
ABOUT = {"shift": "move each sprite by up to so many pixels; ", "hue": "turn its colours by up to so many degrees; "}
FRAMES = 32  # of a film, where --steps does not say otherwise

EXAMPLES = """examples:
  python -m diffusion_lab sample "red potion" -n 32 --out potions.gif
  python -m diffusion_lab sample "slime, not green" --columns 16 --background transparent --out slimes.png
  python -m diffusion_lab sample "hero + 0.6 food" --frames both --columns 4 --seconds 5 --out heroes.gif

A .png is drawn by few_steps, which needs 4 steps; by context_unet where a word is excluded ("not"), where --steps is more, and
where --guidance, --sampler or --eta is given. A .gif is a film by context_unet: 32 frames, noise first, from 31 steps."""


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors are one sentence, like all others."""

    def error(self, message: str):
        """Print the sentence and leave with status 2."""
        excluded = re.fullmatch(r"unrecognized arguments: -([^\W\d_]{2}\S*).*", message)
        if excluded:
            word = f'if it is a word that you do not want, write "not {excluded[1]}"'
            message = f"-{excluded[1]} is no option of this command; {word}."
        elif re.search(r"argument -n: .* not '[^\W\d_]+'", message):  # "-navy" is read as -n avy
            message = f'{message.rstrip(".")}; if it is a word that you do not want, write "not" before it.'
        print(f"diffusion_lab: {message.removeprefix('argument ')}", file=sys.stderr)
        sys.exit(2)


def whole(low: int, high: int | None = None, reason: str = "") -> Callable[[str], int]:
    """The type of an option that takes a whole number from `low`, and at most `high`."""
    return _checked(int, "a whole number", low, high, reason)


def number(low: float, high: float | None = None) -> Callable[[str], float]:
    """The type of an option that takes a number from `low`, and at most `high`."""
    return _checked(float, "a number", low, high, "")


def _checked(kind: type, name: str, low: float, high: float | None, reason: str) -> Callable:
    upto = "" if high is None else f" to {high:,}"

    def read(text: str):
        try:
            value = kind(text)
            if low <= value <= (sys.maxsize if high is None else high):
                return value
        except (ValueError, OverflowError):  # no number
            pass
        raise argparse.ArgumentTypeError(f"must be {name} from {low:,}{upto}{reason}, not {text!r}.")

    return read


def colour(text: str) -> str:
    """The type of an option that takes a colour, or "transparent"."""
    try:
        rgba(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    return text


def tile(text: str) -> tuple[int, int]:
    """The type of an option that takes the size of a tile: "16", or width and height, "16x28"."""
    found = re.fullmatch(r"(\d{1,4})(?:[x×](\d{1,4}))?", text.strip().lower())
    if not found:
        raise argparse.ArgumentTypeError(f"must be a side in pixels, as 16, or width and height, as 16x28, not {text!r}.")
    return int(found[1]), int(found[2] or found[1])


def cut(options: argparse.Namespace) -> Cut:
    """What the options say of how pictures are cut. ValueError for what cannot be."""
    return Cut(options.tile, options.pad, options.spacing, options.margin, options.paper)


def check_about_data(options: argparse.Namespace):
    """ValueError for an option about your own sprites where there are none."""
    values = {name: getattr(options, name) for name in ("tile", "pad", "spacing", "margin", "names")}
    values["background"] = None if options.paper == "white" else options.paper
    given = [name for name, value in values.items() if value not in (None, ())]
    if options.data is None and given:
        raise ValueError(f"--{given[0]} is about your own sprites: give them with --data, or leave it out.")


def word_list(text: str) -> tuple[str, ...]:
    """The type of an option that takes names, parted by commas."""
    return tuple(name.strip() for name in text.split(",") if name.strip())


def file(text: str) -> Path:
    """The type of an option that takes the name of a file to write."""
    if not text.strip() or text.endswith(("/", os.sep)):
        raise argparse.ArgumentTypeError(f"must be the name of a file, not {text!r}.")
    return Path(text)


def picture(text: str) -> Path:
    """The type of an option that takes the name of a .gif or .png."""
    if Path(text).suffix.lower() not in (".gif", ".png"):
        raise argparse.ArgumentTypeError(f"must end in .gif (the film) or .png (the result), not {text!r}.")
    return Path(text)


def processor(text: str) -> str:
    """The type of an option that takes the kind of device to work on; it must be there."""
    there = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if not there.get(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not available here; leave it out, or use cpu.")
    return text


def parser(commands: dict[str, Callable]) -> Parser:
    """The parser of all commands. commands: the function of each; the options that are read have it as `run`."""
    parser = Parser(prog="python -m diffusion_lab", description="Diffusion models on small sprites.")
    parsers = parser.add_subparsers(required=True, metavar="sample | train | evaluate | words | doctor")
    device = Parser(add_help=False)
    device.add_argument("--device", type=processor, metavar="{cpu,cuda,mps}", help="default: a GPU where there is one")
    weights = Parser(add_help=False)
    own = "context_unet, few_steps, or a file that train wrote"
    weights.add_argument("--weights", metavar="NAME", help=own)
    sampling = Parser(add_help=False)
    sampling.add_argument("--sampler", choices=SAMPLERS, help="default: what suits the weights")
    sampling.add_argument("--steps", type=whole(1), help="evaluations of the network; default: what suits the weights")
    sampling.add_argument(
        "--guidance", type=number(0, 100), help="1 is none, more is stricter; default: what suits the weights"
    )
    sampling.add_argument("--eta", type=number(0, 1), help="ddim only: noise put back, 0 to 1; default: 0")
    sampling.add_argument("--seed", type=whole(0, 2**63 - 1), default=0, help="default: %(default)s")

    data = Parser(add_help=False)
    own = data.add_argument_group("your own sprites")
    about = "a picture, a folder (names of folders are words), a CSV or JSON of files and words, an .npy or .npz"
    own.add_argument("--data", type=Path, help=f"{about}; default: the sprite set")
    about = "size of a tile or figure in pixels, as 16, 32 or 16x28; default: 16, or what the pictures say"
    own.add_argument("--tile", type=tile, metavar="SIZE", help=about)
    about = "put each figure into a square of so many pixels, a multiple of 4 from 8 to 64; default: none"
    own.add_argument("--pad", type=whole(1), metavar="PIXELS", help=about)
    own.add_argument("--spacing", type=whole(0), metavar="PIXELS", help="between tiles; default: 0, or 1 where that is seen")
    own.add_argument("--margin", type=whole(0), metavar="PIXELS", help="around the tiles; default: 0, or 1 where that is seen")
    about = "for what is transparent: a name or #rrggbb; default: %(default)s"
    own.add_argument("--background", dest="paper", default="white", metavar="COLOUR", help=about)
    about = "names of the classes, parted by commas, where the labels of an array are whole numbers"
    own.add_argument("--names", type=word_list, default=(), metavar="A,B,...", help=about)

    def command(name: str, about: str, *parents: Parser) -> Parser:
        p = parsers.add_parser(name, help=about, description=f"{about[0].upper()}{about[1:]}.", parents=parents)
        p.set_defaults(run=commands[name])
        return p

    p = command("sample", "draw sprites into a .gif or .png", device, weights, sampling)
    p.epilog, p.formatter_class = EXAMPLES, argparse.RawDescriptionHelpFormatter
    p.add_argument("prompt", nargs="*", help='words, as "red potion"; see the command words; default: all kinds by chance')
    p.add_argument("--out", type=picture, required=True, help="a .gif for the film, a .png for the result")
    most = whole(1, MOST_SPRITES, " (all are drawn at once, in memory)")
    p.add_argument("-n", type=most, default=32, help="how many; default: %(default)s")
    p.add_argument("--columns", type=whole(1, MOST_SPRITES), default=8, help="sprites in a row; default: %(default)s")
    p.add_argument("--scale", type=whole(1, 64), default=4, help="size of a sprite's pixel in pixels; default: %(default)s")
    about = 'a colour ("navy", "#d1495b") or transparent, in place of the white around the figures; default: white'
    p.add_argument("--background", type=colour, default="white", metavar="COLOUR", help=about)
    film = p.add_argument_group("for a .gif")
    about = "what to show: the noisy sprite, what the network believes it will become, or both side by side; default: noisy"
    film.add_argument("--frames", choices=("noisy", "believed", "both"), help=about)
    film.add_argument("--seconds", type=number(0.1, 600), help="of movement; default: 3")
    film.add_argument("--hold", type=number(0, 600), help="seconds on the last frame; default: 1.5")

    about = "compare samples with the sprite set, or with yours: a table, and all figures in a file"
    p = command("evaluate", about, device, weights, sampling, data)
    few = PER_FEATURE * FEATURES
    about = f"how many, {few} to {MOST}, with --data from 2; default: %(default)s"
    p.add_argument("-n", type=whole(2, MOST), default=MOST, help=about)
    p.add_argument("--no-words", dest="asked", action="store_false", help="ask for nothing; default: for full descriptions")
    p.add_argument("--batch", type=whole(1, MOST), default=100, help="how many at a time; default: %(default)s")
    p.add_argument("--out", type=file, default=Path("scores.json"), help="where all figures go; default: %(default)s")

    command("words", "list the words that a network knows, and how many training sprites have each", weights)

    p = command("train", "train a network on the sprite set, or on yours", device, data)
    p.add_argument("--preview", type=Path, metavar="FILE.png", help="draw the first of your sprites with their words, and stop")
    about = "where the weights go; OUT.ckpt stands beside it; default: %(default)s"
    p.add_argument("--out", type=file, default=Path("sprites.pt"), help=about)
    p.add_argument("--resume", action="store_true", help="go on from OUT.ckpt")
    p.add_argument("--from", dest="weights", metavar="NAME", help="begin with these weights: context_unet, or a file")
    p.add_argument("--checkpoint-every", type=whole(1), default=200, metavar="UPDATES", help="default: %(default)s")
    about = "keep what the network draws in OUT.film.png, a row each time; default: %(default)s, none"
    p.add_argument("--film-every", type=whole(0), default=0, metavar="UPDATES", help=about)
    p.add_argument("--log", type=Path, metavar="DIR", help="write loss, learning rate and the film's pictures for TensorBoard")
    p.add_argument("--compile", action="store_true", help="translate the network first: pays in long runs on a GPU")
    settings = p.add_argument_group("what decides the result (with --from, what the weights say, where it is about them)")
    choices = {"prediction": PREDICTIONS, "schedule": SCHEDULES, "precision": ("auto", "bf16", "fp32")}
    for field in fields(TrainConfig):
        name, known = f"--{field.name.replace('_', '-')}", choices.get(field.name)
        one = f"{', '.join(known)}; " if known else ""
        if field.type is bool:
            settings.add_argument(name, action="store_true", default=None, help="mirror every other sprite, left and right")
            continue
        settings.add_argument(
            name, type=field.type, metavar="", help=f"{one}{ABOUT.get(field.name, '')}default: {field.default}"
        )

    parsers.add_parser("doctor", help="check this machine")  # __main__ runs it, without importing what may be broken
    return parser
