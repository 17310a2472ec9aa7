"""The commands sample, train and evaluate, and the options of all."""

import argparse
import hashlib
import json
import os
import sys
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import asdict, fields
from functools import partial
from pathlib import Path
from statistics import mean

import numpy as np
import torch
from PIL import Image
from tqdm import tqdm

from .devices import best_device, gains_from_bf16
from .distributed import is_writer, together, wait_for_all
from .files import write_safely
from .metrics import Judge, Scores
from .samplers import collect, sample_ddim, sample_ddpm, sample_dpmpp_2m
from .schedules import Schedule
from .sprites import CLASSES, SIZE, find, load_path, load_sprites, to_tensors
from .training import LOSS_EVERY, Run, TrainConfig
from .unet import for_drawing
from .viz import gif, grid, png
from .weights import load_model

SAMPLERS = {"ddim": (sample_ddim, 25), "ddpm": (sample_ddpm, None), "dpmpp_2m": (sample_dpmpp_2m, 10)}  # None: all T steps
MIXED, NONE = "mixed", "none"  # for --class: the five classes in turn; no context at all


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors are one sentence, like all others."""

    def error(self, message: str):
        """Print the sentence and leave with status 2."""
        print(f"diffusion_lab: {message}", file=sys.stderr)
        sys.exit(2)


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns the exit status. Errors are one sentence on stderr and status 2."""
    options = _parser().parse_args(arguments)
    try:
        if "device" in options:
            _check_device(options.device)
        return options.run(options)
    except (ValueError, OSError, FloatingPointError) as error:
        print(f"diffusion_lab: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("diffusion_lab: stopped", file=sys.stderr)
        return 130


def sample(options: argparse.Namespace) -> int:
    """Draw sprites into a .gif (the film) or a .png (the sheet)."""
    out: Path = options.out
    if out.suffix.lower() not in (".gif", ".png"):
        raise ValueError(f"--out must end in .gif or .png, not {out.name!r}.")
    if options.n < 1:
        raise ValueError(f"-n must be at least 1, not {options.n}.")
    model, schedule = load_model(options.weights, options.device)
    context, guidance = contexts_of(options.cls, options.n), options.guidance
    if context is None:
        guidance = 1.0  # nothing to be guided to
    sampler, steps = _sampler(options, schedule)
    walk = sampler(for_drawing(model), schedule, options.n, context, guidance, torch.Generator().manual_seed(options.seed))
    bar = tqdm(walk, total=steps + 1, desc=options.sampler, disable=not sys.stderr.isatty())
    trajectory = collect(bar, every=max(1, steps // 32))
    picture = gif(trajectory.frames) if out.suffix.lower() == ".gif" else png(grid(trajectory.images))
    write_safely(out, lambda file: file.write(picture))
    print(f"{out}: {options.n} sprites, {options.sampler}, {steps} steps, seed {options.seed}")
    return 0


def train(options: argparse.Namespace) -> int:
    """Train a network; writes OUT, and while it goes on OUT.ckpt and, if asked, pictures in OUT.film/.

    Under torchrun all processes train together, and the first one writes.
    """
    with together(torch.device(options.device)) as device:
        return _train(options, device)


def _train(options: argparse.Namespace, device: torch.device) -> int:
    out: Path = options.out
    if options.checkpoint_every < 1 or options.film_every < 0:
        raise ValueError("--checkpoint-every must be at least 1, and --film-every not below 0.")
    if out.is_dir():
        raise ValueError(f"--out must name a file, not the folder {out}.")
    checkpoint = Path(f"{out}.ckpt")
    settings = {name: getattr(options, name) for name in _settings() if getattr(options, name) is not None}
    if options.resume:
        if options.weights is not None:
            raise ValueError("--from is for starting a run; leave it out to resume.")
        run = Run.load(checkpoint, device)
        changed = [name for name, value in settings.items() if value not in (asdict(run.config)[name], "auto")]
        if changed:
            raise ValueError(f"--{changed[0].replace('_', '-')} differs from that of {checkpoint}; leave it out to resume.")
    elif checkpoint.exists():
        raise ValueError(f"{checkpoint} is an unfinished run: add --resume to go on with it, or delete it to begin again.")
    else:
        run = Run(TrainConfig(**settings), device)
        if options.weights is not None:
            run.start_from(load_model(options.weights)[0])
    if options.compile:
        run.compile()
    images, contexts = to_tensors(load_sprites() if options.data is None else load_path(options.data))
    writer = _tensorboard(options.log if is_writer() else None)
    updates = run.advance(images, contexts)
    wait_for_all()  # until all have looked whether there is a checkpoint
    if is_writer():
        what = f"{run.config.steps} updates of {run.config.batch}, {run.device.type}, {run.config.precision}"
        print(f"{len(images)} sprites, {what}")
        run.save(checkpoint)  # now, so that a place where nothing can be written is found before the work and not after it
    smooth = None
    bar = tqdm(total=run.config.steps, initial=run.step, unit="step", mininterval=1.0, disable=not is_writer())
    with bar, writer(options.log) if writer else nullcontext() as log:  # both are closed, also after Ctrl-C
        for progress in updates:
            if not is_writer():
                continue
            smooth = progress.loss if smooth is None else torch.lerp(smooth, progress.loss, 0.02)
            bar.update()
            if progress.step % LOSS_EVERY == 0:
                bar.set_postfix(loss=f"{smooth.item():.4f}")
                if log:
                    log.add_scalar("loss", run.losses[-1], progress.step)
                    log.add_scalar("learning rate", progress.lr, progress.step)
            if progress.step % options.checkpoint_every == 0:
                run.save(checkpoint)
            if options.film_every and progress.step % options.film_every == 0:
                picture = _film(run)
                folder = Path(f"{out}.film")
                folder.mkdir(exist_ok=True)
                data = png(picture)
                write_safely(folder / f"{progress.step:07d}.png", lambda file, data=data: file.write(data))
                if log:
                    log.add_image("sprites", np.asarray(picture), progress.step, dataformats="HWC")
    if is_writer():
        run.export(out)
        checkpoint.unlink()
        print(f"{out}: {run.step * run.config.batch:,} images seen")
    return 0


def evaluate(options: argparse.Namespace) -> int:
    """Compare samples with the sprite set: a table, and all figures in a JSON file."""
    if not 1 <= options.batch:
        raise ValueError(f"--batch must be at least 1, not {options.batch}.")
    model, schedule = load_model(options.weights, options.device)
    sampler, steps = _sampler(options, schedule)
    if (model.in_channels, model.height, model.n_cfeat) != (3, SIZE, len(CLASSES)):
        raise ValueError("These weights draw other pictures than the sprite set's; evaluate compares with that set only.")
    contexts, guidance = None if options.cls == NONE else contexts_of(MIXED, options.n), options.guidance
    if contexts is None and guidance != 1:
        raise ValueError("--guidance needs a class to be guided to; leave out --class none.")
    sampler(
        model, schedule, 1, None if contexts is None else contexts[0], guidance
    )  # checks its arguments now and not after the judge is ready
    if options.out.is_dir() or not os.access(options.out.absolute().parent, os.W_OK):
        raise ValueError(f"{options.out} could not be written: choose another --out.")
    judge, model = Judge(options.n), for_drawing(model)
    generator, images, begin = torch.Generator().manual_seed(options.seed), [], time.perf_counter()
    with tqdm(total=options.n * steps, unit="evaluation", unit_scale=True, disable=not sys.stderr.isatty()) as bar:
        for first in range(0, options.n, options.batch):
            n = min(options.batch, options.n - first)
            for state in sampler(
                model, schedule, n, None if contexts is None else contexts[first : first + n], guidance, generator
            ):
                bar.update(n if state.t else 0)
            images.append(state.x.cpu())
    seconds = time.perf_counter() - begin
    scores, real = judge.scores(torch.cat(images), contexts), judge.real
    weights = find("weights", "context_unet.pt") if options.weights is None else options.weights
    command = {"weights": weights.name, "sha256": hashlib.sha256(weights.read_bytes()).hexdigest(), "class": options.cls}
    command |= {name: getattr(options, name) for name in ("n", "sampler", "eta", "guidance", "seed", "batch")} | {
        "steps": steps
    }
    command["precision"] = "bf16" if gains_from_bf16(torch.device(options.device)) else "fp32"  # of for_drawing
    result = {"command": command, "seconds": round(seconds, 1), "samples": scores._asdict(), "held_out": real._asdict()}
    print(f"{options.sampler}, {steps} steps, guidance {guidance:g}, {options.n} sprites in {seconds:.0f} s")
    print(f"{'':34}{'samples':>10}{'held-out real sprites':>24}")
    for label, a, b in _rows(scores, real):
        print(f"{label:34}{a:>10}{b:>24}")
    text = json.dumps(result, indent=1)
    write_safely(options.out, lambda file: file.write(f"{text}\n".encode()))
    print(f"all figures: {options.out}")
    return 0


def _rows(scores: Scores, real: Scores) -> list[tuple[str, str, str]]:
    """The lines of the table."""
    rows = [
        ("Fréchet distance", f"{scores.frechet:.2f}", f"{real.frechet:.2f}"),
        ("  ratio to real sprites", f"{scores.ratio:.2f}", "1"),
        ("KID", f"{scores.kid:.3f}", f"{real.kid:.3f}"),
    ]
    for name in ("precision", "recall", "density", "coverage"):
        rows.append((name, f"{getattr(scores, name):.3f}", f"{getattr(real, name):.3f}"))
    if scores.agreement:
        rows.append(("label agreement", f"{mean(scores.agreement):.3f}", f"{mean(real.agreement):.3f}"))
        for name, a, b in zip(CLASSES, scores.agreement, real.agreement, strict=True):
            rows.append((f"  {name}", f"{a:.3f}", f"{b:.3f}"))
    rows.append(("copies (nearest / second < 1/3)", f"{scores.copies:.3f}", f"{real.copies:.3f}"))
    rows.append(("nearer than 99 % of real sprites", f"{scores.near:.3f}", f"{real.near:.3f}"))
    return rows


def contexts_of(cls: str, n: int) -> torch.Tensor | None:
    """The (n, 5) contexts for a class name, for MIXED (the classes in turn), or None for NONE."""
    if cls == NONE:
        return None
    if cls == MIXED:
        return torch.eye(len(CLASSES))[torch.arange(n) % len(CLASSES)]
    return torch.eye(len(CLASSES))[CLASSES.index(cls)].expand(n, -1)


def _sampler(options: argparse.Namespace, schedule: Schedule) -> tuple[Callable, int]:
    """The chosen sampler, which still wants (model, schedule, n, context, guidance, generator), and its number of steps."""
    if not 0 <= options.seed < 2**63:
        raise ValueError(f"--seed must be a whole number from 0 to 2^63 - 1, not {options.seed}.")
    if options.eta is not None and options.sampler != "ddim":
        raise ValueError("--eta belongs to --sampler ddim; the others have no such choice.")
    sampler, steps = SAMPLERS[options.sampler]
    steps = options.steps if options.steps is not None else steps or schedule.T
    more = {} if options.eta is None else {"eta": options.eta}
    return partial(sampler, steps=steps, **more), steps


def _check_device(name: str):
    available = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if not available[name]:
        raise ValueError(f"--device {name} is not available here; leave it out, or use cpu.")


def _film(run: Run) -> Image.Image:
    """One picture of the film of a training: 40 sprites of the averaged network, always from the same noise."""
    seed = torch.Generator().manual_seed(0)
    walk = sample_ddim(run.ema.model, run.schedule, 40, contexts_of(MIXED, 40), 1.5, seed, steps=min(25, run.schedule.T))
    return grid(collect(walk).images, columns=10, scale=1)


def _tensorboard(folder: Path | None) -> Callable | None:
    """TensorBoard's class of writers, or None if none was asked for. It is an optional extra, so it is imported here."""
    if folder is None:
        return None
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise ValueError("--log needs TensorBoard: pip install tensorboard, or leave --log out.") from error
    return SummaryWriter


def _settings() -> dict:
    return {field.name: field.type for field in fields(TrainConfig)}


def _parser() -> argparse.ArgumentParser:
    parser = Parser(prog="python -m diffusion_lab", description="Diffusion models on 16×16 sprites.")
    commands = parser.add_subparsers(required=True, metavar="sample | train | evaluate | doctor")
    device = {"choices": ("cpu", "cuda", "mps"), "default": best_device().type, "help": "default: %(default)s"}
    sampling = argparse.ArgumentParser(add_help=False)  # what sample and evaluate share
    sampling.add_argument("--sampler", choices=SAMPLERS, default="ddim", help="default: %(default)s")
    sampling.add_argument("--steps", type=int, help="evaluations of the network; default: ddim 25, dpmpp_2m 10, ddpm all T")
    sampling.add_argument("--eta", type=float, help="ddim only: noise put back, 0 to 1; default: 0")
    sampling.add_argument("--seed", type=int, default=0, help="default: %(default)s")
    sampling.add_argument("--device", **device)

    p = commands.add_parser("sample", help="draw sprites into a .gif or .png", parents=[sampling])
    p.add_argument("--class", dest="cls", choices=(*CLASSES, MIXED, NONE), default=MIXED, help="default: %(default)s")
    p.add_argument("-n", type=int, default=32, help="how many; default: %(default)s")
    p.add_argument("--guidance", type=float, default=1.5, help="1 is none, more is stricter; default: %(default)s")
    p.add_argument("--weights", type=Path, help="a file written by train; the package's own if left out")
    p.add_argument("--out", type=Path, required=True, help="a .gif for the film, a .png for the result")
    p.set_defaults(run=sample)

    p = commands.add_parser("evaluate", help="compare samples with the sprite set", parents=[sampling])
    p.add_argument("weights", type=Path, nargs="?", help="a file written by train; the package's own if left out")
    p.add_argument("--class", dest="cls", choices=(MIXED, NONE), default=MIXED, help="ask for all classes in turn, or for none")
    p.add_argument("-n", type=int, default=1000, help="how many, 320 to 1000; default: %(default)s")
    p.add_argument("--guidance", type=float, default=1.0, help="1 is none; default: %(default)s")
    p.add_argument("--batch", type=int, default=100, help="how many at a time; default: %(default)s")
    p.add_argument("--out", type=Path, default=Path("scores.json"), help="where all figures go; default: %(default)s")
    p.set_defaults(run=evaluate)

    p = commands.add_parser("train", help="train a network on the sprite set, or on yours")
    p.add_argument("--data", type=Path, help="a PNG sheet, a folder (with a subfolder per class), or an .npy array")
    p.add_argument("--out", type=Path, default=Path("sprites.pt"), help="where the weights go; OUT.ckpt stands beside it")
    p.add_argument("--resume", action="store_true", help="go on from OUT.ckpt")
    p.add_argument("--from", dest="weights", type=Path, help="begin with the weights of this file, not with random ones")
    p.add_argument("--checkpoint-every", type=int, default=200, metavar="STEPS")
    p.add_argument("--film-every", type=int, default=0, metavar="STEPS", help="keep pictures of the training in OUT.film/")
    p.add_argument("--log", type=Path, metavar="DIR", help="write loss, learning rate and the film's pictures for TensorBoard")
    p.add_argument("--compile", action="store_true", help="translate the network first: pays in long runs on a GPU")
    p.add_argument("--device", **device)
    defaults = TrainConfig()
    for name, kind in _settings().items():
        p.add_argument(f"--{name.replace('_', '-')}", type=kind, help=f"default: {getattr(defaults, name)}")
    p.set_defaults(run=train)

    commands.add_parser("doctor", help="check this machine")  # __main__ runs it, without importing what may be broken
    return parser
