"""The commands sample, train, evaluate and words. Their options are in options.py."""

import argparse
import hashlib
import json
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch
from tqdm import tqdm

from . import likeness
from .devices import best_device, gains_from_bf16
from .diary import Diary
from .distributed import is_writer, join_processes, largest_of_all, world
from .files import check_place, write_safely
from .interrupts import Stop, Stopped
from .likeness import draw
from .metrics import FEATURES, MOST, PER_FEATURE
from .metrics import evaluate as compare
from .options import FRAMES, check_about_data, cut, parser
from .places import check_apart, check_ours, check_training_places, is_picture, is_scores, one_writer
from .reading import Read, load_path
from .samplers import SAMPLERS, State
from .schedules import Schedule
from .sprites import SIZE, Sprites, load_sprites, load_words, to_tensors
from .starting import NO_MEMORY, check_memory, has_compiler, is_no_memory, starting_run
from .terminal import report
from .training import checksum
from .unet import for_drawing
from .viz import captioned, gif, grid, png, sheet_size
from .weights import Sampling, history, is_distilled, load_model, weights_path
from .words import in_words

SHOWN = 64  # sprites in a preview
STEPS = {"ddim": 25, "dpmpp_2m": 12}  # where --sampler is not the weights' own; ddpm takes all T


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns the exit status. Errors are one sentence on stderr and status 2."""
    options = parser({"sample": sample, "train": train, "evaluate": evaluate, "words": words}).parse_args(arguments)
    try:
        if "device" in options:
            options.device = options.device or best_device().type
        return options.run(options)
    except (ValueError, OSError, FloatingPointError) as error:
        print(f"diffusion_lab: {' '.join(str(error).splitlines())}", file=sys.stderr)  # a file's name may have lines
        return 2
    except Stopped as stopped:
        if str(stopped):
            print(f"diffusion_lab: {stopped}", file=sys.stderr)
        return stopped.status
    except KeyboardInterrupt:
        print("diffusion_lab: stopped", file=sys.stderr)
        return 130
    except Exception as error:  # whatever is left: never a bare traceback
        print(f"diffusion_lab: {NO_MEMORY if is_no_memory(error) else report(error)}", file=sys.stderr)
        return 2 if is_no_memory(error) else 70


def sample(options: argparse.Namespace) -> int:
    """Draw sprites into a .gif (the film) or a .png (the result)."""
    out, n, film = options.out, options.n, options.out.suffix.lower() == ".gif"
    for name in ("frames", "seconds", "hold"):
        if not film and getattr(options, name) is not None:
            raise ValueError(f"--{name} is for a film: leave it out, or give an --out that ends in .gif.")
    check_place(out)
    check_apart(out, [weights_path(options.weights)])
    check_ours(out, is_picture)
    text = " ".join(options.prompt)
    name, model, schedule = _weights(options, text)
    check_memory("-n", n, model, 20)
    sheet_size(n, options.columns, options.scale, model.height, 2 if options.frames == "both" else 1)
    how = _sampling(options, model, schedule, film)
    seed = torch.Generator().manual_seed(options.seed)
    context, negative = model.words.contexts(text, n, seed)
    if negative is not None and how.guidance <= 1:  # below 1 it would lead to what is excluded
        cure = "give --weights context_unet" if is_distilled(model, schedule) else "give a larger --guidance"
        raise ValueError(f'"not" needs a guidance above 1: {cure}, or leave out what is excluded.')
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
    print(f"{out}: {n} sprite{'s' * (n > 1)}{asked} by {name}, {how}, seed {options.seed}")
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
    check_about_data(options)
    check_place(options.out)
    path = weights_path(options.weights)
    check_apart(options.out, [path, options.data])
    check_ours(options.out, is_scores)
    model, schedule = load_model(options.weights, options.device)
    how = _sampling(options, model, schedule)
    if not options.asked:
        if options.guidance not in (None, 1):
            raise ValueError("--guidance needs words to be guided to: leave out --no-words.")
        how = how._replace(guidance=1.0)
    settings = how._asdict() | {name: getattr(options, name) for name in ("n", "eta", "asked", "seed", "batch")}
    command = {"weights": path.name, "sha256": hashlib.sha256(path.read_bytes()).hexdigest(), **settings}
    command["precision"] = "bf16" if gains_from_bf16(torch.device(options.device)) else "fp32"  # of for_drawing
    with tqdm(unit="evaluation", unit_scale=True, disable=not sys.stderr.isatty()) as bar:

        def progress(state: State, n: int):
            bar.update(n if state.t else 0)

        if options.data is None:
            _check_same_set(model, path, options.n)
            found = compare(model, schedule, **settings, progress=progress)
            scores = {"samples": found.samples._asdict(), "unseen": found.unseen, "held_out": found.held_out._asdict()}
            seconds, table = found.seconds, found.table()
        else:
            begin = time.perf_counter()
            samples, data = _beside_own(options, model, schedule, how, progress)
            scores, seconds = {"samples": samples._asdict(), "data": data._asdict()}, time.perf_counter() - begin
            table = f"{likeness.table(samples, data)}\nno Fréchet distance: its features know only the package's own sprites"
    text = json.dumps({"command": command, "seconds": round(seconds, 1), **scores}, indent=1)
    print(f"{path.name}: {how}, {options.n} sprites in {seconds:.0f} s\n{table}")
    # After the table: it is not lost where the file cannot be written any more.
    write_safely(options.out, lambda file: file.write(f"{text}\n".encode()))
    print(f"all figures: {options.out}")
    return 0


def _beside_own(
    options: argparse.Namespace, model: torch.nn.Module, schedule: Schedule, how: Sampling, progress: Callable
) -> tuple[likeness.Likeness, likeness.Likeness]:
    """The figures of samples, and those of the sprites of --data. ValueError if the network draws another size."""
    data, seed = to_tensors(read_own(options))[0], torch.Generator().manual_seed(options.seed)
    if data.shape[-1] != model.height:
        sizes = f"{model.height}×{model.height} and the sprites are {data.shape[-1]}×{data.shape[-1]}"
        raise ValueError(f"These weights draw {sizes}: give --tile or --pad as in the training.")
    contexts = model.words.random(options.n, seed) if options.asked else None
    if contexts is None or not contexts.any():
        contexts, how = None, how._replace(guidance=1.0)
    more = how._asdict() | {"eta": options.eta, "batch": options.batch}
    return likeness.compare(draw(model, schedule, options.n, contexts, seed, **more, progress=progress), data)


def _check_same_set(model: torch.nn.Module, path: Path, n: int):
    """ValueError if the network was trained on other sprites than the package's, or if n is too small to compare with these."""
    few, data = PER_FEATURE * FEATURES, history(path).get("data")
    ours = to_tensors(load_sprites())
    known = {checksum(ours[0], contexts) for contexts in (ours[1], torch.from_numpy(load_words()[0]))}
    if (model.in_channels, model.height) != (3, SIZE) or (data is not None and data not in known):
        wrong = f"{path.name} was trained on other sprites than the package's, and these are no measure for it"
        raise ValueError(f"{wrong}: add --data with the sprites that it was trained on.")
    if n < few:
        raise ValueError(f"-n: must be a whole number from {few} to {MOST:,}, not {str(n)!r}.")
    if data is None and is_writer():
        print(f"{path.name} does not say what it was trained on; it is compared with the package's sprites")


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
    check_about_data(options)
    if options.preview is not None:
        return preview(options)
    check_training_places(options)
    with join_processes(torch.device(options.device)) as device, one_writer(options.out):
        if options.data is None:
            (images, _), (words, names) = load_sprites(), load_words()
            images, contexts = to_tensors(Sprites(images, words))
        else:
            read = read_own(options)
            (images, contexts), names = to_tensors(read), read.words
        run = starting_run(options, names, contexts, images.shape[-1], device)
        if options.compile and not has_compiler():
            print("--compile needs a C++ compiler, and there is none here: the training goes on without it")
        elif options.compile:
            run.compile()
        contexts = in_words(contexts, names, run.vocabulary.words)
        updates = run.advance(images, contexts)
        if is_writer():
            work = f"{run.config.updates} update{'s' * (run.config.updates > 1)} of {run.config.batch}"
            print(f"{len(images)} sprites, {work}, {device.type}, {run.config.precision}")
        own = None if options.data is None else (images, contexts)
        diary = Diary(run, options.out, options.checkpoint_every, options.film_every, options.log, own)
        with Stop(patient=world() > 1) as stop, diary:
            for progress in updates:
                diary.write(progress)
                asked = largest_of_all(stop.asked)  # several processes must stop at the same update
                if asked and progress.step < run.config.updates:
                    diary.stop(asked)
    return 0


def read_own(options: argparse.Namespace) -> Read:
    """The sprites of --data; what was read is said on stdout, and warnings on stderr. Errors as `load_path`."""
    read = load_path(options.data, cut(options), options.names)
    if is_writer():
        print("\n".join(read.notes))
        for warning in read.warnings:
            print(f"diffusion_lab: warning: {warning}", file=sys.stderr)
    return read


def preview(options: argparse.Namespace) -> int:
    """Draw the first sprites of --data with their words into a PNG."""
    if options.data is None:
        raise ValueError("--preview shows your own sprites: give them with --data.")
    if options.preview.suffix.lower() != ".png":
        raise ValueError(f"--preview must end in .png, not {str(options.preview)!r}.")
    check_place(options.preview)
    check_apart(options.preview, [options.data])
    check_ours(options.preview, is_picture)
    read = read_own(options)
    picture = png(captioned(read.images[:SHOWN], read.texts(SHOWN)))
    write_safely(options.preview, lambda file: file.write(picture))
    shown = f"the first {SHOWN} of" if len(read.images) > SHOWN else "all"
    print(f"{options.preview}: {shown} {len(read.images)}; nothing was trained")
    return 0
