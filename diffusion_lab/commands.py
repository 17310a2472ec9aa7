"""The commands sample, train, evaluate and words. Their options are in options.py."""

import argparse
import hashlib
import json
import shutil
import sys
from dataclasses import asdict, fields
from pathlib import Path

import torch
from tqdm import tqdm

from .devices import best_device, gains_from_bf16
from .diary import Diary
from .distributed import is_writer, join_processes
from .files import check_place, write_safely
from .metrics import evaluate as compare
from .options import FRAMES, parser
from .samplers import SAMPLERS, State
from .schedules import Schedule
from .sprites import CLASSES, Sprites, load_path, load_sprites, load_words, to_tensors
from .training import Run, TrainConfig
from .unet import for_drawing
from .viz import gif, grid, png, sheet_size
from .weights import Sampling, is_distilled, load_model, weights_path
from .words import in_words

STEPS = {"ddim": 25, "dpmpp_2m": 12}  # where --sampler is not the weights' own; ddpm takes all T


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns the exit status. Errors are one sentence on stderr and status 2."""
    options = parser({"sample": sample, "train": train, "evaluate": evaluate, "words": words}).parse_args(arguments)
    try:
        if "device" in options:
            options.device = options.device or best_device().type
        return options.run(options)
    except (ValueError, OSError, FloatingPointError) as error:
        print(f"diffusion_lab: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("diffusion_lab: stopped", file=sys.stderr)
        return 130


def sample(options: argparse.Namespace) -> int:
    """Draw sprites into a .gif (the film) or a .png (the result)."""
    out, n, film = options.out, options.n, options.out.suffix.lower() == ".gif"
    for name in ("frames", "seconds", "hold"):
        if not film and getattr(options, name) is not None:
            raise ValueError(f"--{name} is for a film: leave it out, or give an --out that ends in .gif.")
    check_place(out)
    text = " ".join(options.prompt)
    name, model, schedule = _weights(options, text)
    sheet_size(n, options.columns, options.scale, model.height, 2 if options.frames == "both" else 1)
    how = _sampling(options, model, schedule, film)
    seed = torch.Generator().manual_seed(options.seed)
    context, negative = model.words.contexts(text, n, seed)
    if negative is not None and how.guidance == 1:
        cure = "give --weights context_unet" if is_distilled(model, schedule) else "give another --guidance"
        raise ValueError(f'"not" needs a guidance other than 1: {cure}, or leave out what is excluded.')
    if negative is None and not context.any():
        context, how = None, how._replace(guidance=1.0)  # the network knows nothing that it could be guided to
    more = {} if options.eta is None else {"eta": options.eta}
    draw = SAMPLERS[how.sampler]
    walk = draw(for_drawing(model), schedule, n, context, how.guidance, seed, negative=negative, steps=how.steps, **more)
    bar = tqdm(walk, total=how.steps + 1, desc=how.sampler, disable=not sys.stderr.isatty())
    last = min(FRAMES - 1, how.steps) if film else 1
    kept = {round(k / last * how.steps) for k in range(last + 1)}
    picture = _picture([state for k, state in enumerate(bar) if k in kept], options, film)
    write_safely(out, lambda file: file.write(picture))
    asked = f' of "{text}"' if text else ""
    print(f"{out}: {n} sprites{asked} by {name}, {how}, seed {options.seed}")
    return 0


def _weights(options: argparse.Namespace, text: str) -> tuple[str, torch.nn.Module, Schedule]:
    """The network to sample, and its name: that of --weights, or the one that suits what is asked."""
    if options.weights is not None:
        return Path(options.weights).name, *load_model(options.weights, options.device)
    chosen = (options.guidance, options.sampler, options.eta) != (None, None, None)
    if options.out.suffix.lower() == ".png" and not chosen:
        model, schedule = load_model("few_steps", options.device)
        if model.words.prompt(text).unwanted is None and (options.steps or 1) <= model.sampling.steps:
            return "few_steps", model, schedule
    return "context_unet", *load_model("context_unet", options.device)


def _sampling(options: argparse.Namespace, model: torch.nn.Module, schedule: Schedule, film: bool = False) -> Sampling:
    """How to sample: as the options say, and else as the weights. ValueError for options that do not fit them."""
    own, T = model.sampling, schedule.T
    sampler = options.sampler or own.sampler
    steps = own.steps if sampler == own.sampler else min(STEPS.get(sampler, T), T)
    if film:
        steps = max(steps, min(FRAMES - 1, T))
    if options.steps is not None and options.steps > T:
        raise ValueError(f"--steps: these weights have a schedule of {T} steps: take a number from 1 to {T}.")
    if options.eta is not None and sampler != "ddim":
        raise ValueError(f"--eta belongs to --sampler ddim: {sampler} has no such choice.")
    if options.guidance not in (None, 1) and is_distilled(model, schedule):
        raise ValueError("--guidance is already in these weights: leave it out, or give --weights context_unet.")
    return Sampling(sampler, options.steps or steps, own.guidance if options.guidance is None else options.guidance)


def _picture(states: list[State], options: argparse.Namespace, film: bool) -> bytes:
    columns, scale, background = options.columns, options.scale, options.background
    if not film:
        return png(grid(states[-1].x, columns, scale, background=background))
    noisy, believed = [state.x for state in states], [state.x0 for state in states]
    left, right = {"believed": (believed, ()), "both": (noisy, believed)}.get(options.frames, (noisy, ()))
    seconds, hold = 3.0 if options.seconds is None else options.seconds, 1.5 if options.hold is None else options.hold
    return gif(left, columns, scale, seconds, hold, background, right)


def evaluate(options: argparse.Namespace) -> int:
    """Compare samples with the sprite set: a table, and all figures in a JSON file."""
    check_place(options.out)
    path = weights_path(options.weights)
    model, schedule = load_model(options.weights, options.device)
    how = _sampling(options, model, schedule)
    if not options.asked:
        if options.guidance not in (None, 1):
            raise ValueError("--guidance needs words to be guided to: leave out --no-words.")
        how = how._replace(guidance=1.0)
    settings = how._asdict() | {name: getattr(options, name) for name in ("n", "eta", "asked", "seed", "batch")}
    with tqdm(unit="evaluation", unit_scale=True, disable=not sys.stderr.isatty()) as bar:
        found = compare(model, schedule, **settings, progress=lambda state, n: bar.update(n if state.t else 0))
    command = {"weights": path.name, "sha256": hashlib.sha256(path.read_bytes()).hexdigest(), **settings}
    command["precision"] = "bf16" if gains_from_bf16(torch.device(options.device)) else "fp32"  # of for_drawing
    scores = {"samples": found.samples._asdict(), "unseen": found.unseen, "held_out": found.held_out._asdict()}
    text = json.dumps({"command": command, "seconds": round(found.seconds, 1), **scores}, indent=1)
    write_safely(options.out, lambda file: file.write(f"{text}\n".encode()))
    print(f"{path.name}: {how}, {options.n} sprites in {found.seconds:.0f} s\n{found.table()}\nall figures: {options.out}")
    return 0


def words(options: argparse.Namespace) -> int:
    """List the words of a network, each with the number of training sprites that have it, in columns."""
    known = load_model(options.weights)[0].words
    counts = (known.descriptions * known.counts[:, None]).sum(0).tolist()
    told = [f"{word} {count:,}" if len(known.counts) else word for word, count in zip(known.words, counts, strict=True)]
    width = max(map(len, told)) + 2
    columns = max(1, shutil.get_terminal_size().columns // width)
    rows = -(-len(told) // columns)
    for row in range(rows):
        print("".join(entry.ljust(width) for entry in told[row::rows]).rstrip())
    return 0


def train(options: argparse.Namespace) -> int:
    """Train a network; writes OUT, and while it goes on OUT.ckpt and, if asked, OUT.film.png.

    Under torchrun all processes train together, and the first one writes.
    """
    check_place(options.out)
    sprites, names = (load_sprites() if options.data is None else load_path(options.data)), CLASSES
    if options.data is None:
        words, names = load_words()
        sprites = Sprites(sprites.images, words)
    images, contexts = to_tensors(sprites)
    with join_processes(torch.device(options.device)) as device:
        run = _run(options, names, device)
        if options.compile:
            run.compile()
        updates = run.advance(images, in_words(contexts, names, run.vocabulary.words))
        if is_writer():
            work = f"{run.config.updates} updates of {run.config.batch}"
            print(f"{len(images)} sprites, {work}, {device.type}, {run.config.precision}")
        with Diary(run, options.out, options.checkpoint_every, options.film_every, options.log) as diary:
            for progress in updates:
                diary.write(progress)
    return 0


def _run(options: argparse.Namespace, names: tuple[str, ...], device: torch.device) -> Run:
    """The run to go on with: that of OUT.ckpt, one that begins with trained weights, or a new one for these words."""
    checkpoint = Path(f"{options.out}.ckpt")
    asked = {field.name: getattr(options, field.name) for field in fields(TrainConfig)}
    asked = {name: value for name, value in asked.items() if value is not None}
    if options.resume and options.weights is not None:
        raise ValueError("--from is for starting a run; leave it out to resume.")
    if options.resume:
        run = Run.load(checkpoint, device)
        changed = [name for name, value in asked.items() if value not in (asdict(run.config)[name], "auto")]
        if changed:
            raise ValueError(f"--{changed[0].replace('_', '-')} differs from that of {checkpoint}; leave it out to resume.")
        return run
    if checkpoint.exists():
        raise ValueError(f"{checkpoint} is an unfinished run: add --resume to go on with it, or delete it to begin again.")
    if options.weights is None:
        return Run(TrainConfig(**asked), device, words=names)
    model, schedule = load_model(options.weights)
    if is_distilled(model, schedule):
        raise ValueError(f"--from {options.weights}: what needs {schedule.T} steps cannot be trained so; take context_unet.")
    own = {"n_feat": model.n_feat, "prediction": model.prediction, "schedule": schedule.name, "T": schedule.T}
    run = Run(TrainConfig(**(own | asked)), device, words=model.words.words, sampling=model.sampling)
    run.start_from(model)
    return run
