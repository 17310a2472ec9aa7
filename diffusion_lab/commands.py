"""The commands sample and train, and the options of all."""

import argparse
import sys
from dataclasses import asdict, fields
from pathlib import Path

import torch
from tqdm import tqdm

from .samplers import collect, sample_ddim, sample_ddpm
from .sprites import CLASSES, load_path, load_sprites, to_tensors
from .training import Run, TrainConfig, best_device, load_model, write_safely
from .viz import gif, grid, png

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
    if not 0 <= options.seed < 2**63:
        raise ValueError(f"--seed must be a whole number from 0 to 2^63 - 1, not {options.seed}.")
    model, schedule = load_model(options.weights, options.device)
    context, guidance = contexts_of(options.cls, options.n), options.guidance
    if context is None:
        guidance = 1.0  # nothing to be guided to
    generator = torch.Generator().manual_seed(options.seed)
    if options.sampler == "ddim":
        eta = 0.0 if options.eta is None else options.eta
        steps = 25 if options.steps is None else options.steps
        walk = sample_ddim(model, schedule, options.n, context, guidance, generator, steps=steps, eta=eta)
    else:
        if options.eta is not None:
            raise ValueError("--eta belongs to --sampler ddim; DDPM has no such choice.")
        steps = schedule.T if options.steps is None else options.steps
        walk = sample_ddpm(model, schedule, options.n, context, guidance, generator, steps=steps)
    bar = tqdm(walk, total=steps + 1, desc=options.sampler, disable=not sys.stderr.isatty())
    trajectory = collect(bar, every=max(1, steps // 32))
    picture = gif(trajectory.frames) if out.suffix.lower() == ".gif" else png(grid(trajectory.images))
    write_safely(out, lambda file: file.write(picture))
    print(f"{out}: {options.n} sprites, {options.sampler}, {steps} steps, seed {options.seed}")
    return 0


def train(options: argparse.Namespace) -> int:
    """Train a network; writes OUT, and while it goes on OUT.ckpt and, if asked, pictures in OUT.film/."""
    out: Path = options.out
    if options.checkpoint_every < 1 or options.film_every < 0:
        raise ValueError("--checkpoint-every must be at least 1, and --film-every not below 0.")
    if out.is_dir():
        raise ValueError(f"--out must name a file, not the folder {out}.")
    checkpoint = Path(f"{out}.ckpt")
    settings = {name: getattr(options, name) for name in _settings() if getattr(options, name) is not None}
    if options.resume:
        run = Run.load(checkpoint, torch.device(options.device))
        changed = [name for name, value in settings.items() if value not in (asdict(run.config)[name], "auto")]
        if changed:
            raise ValueError(f"--{changed[0].replace('_', '-')} differs from that of {checkpoint}; leave it out to resume.")
    elif checkpoint.exists():
        raise ValueError(f"{checkpoint} is an unfinished run: add --resume to go on with it, or delete it to begin again.")
    else:
        run = Run(TrainConfig(**settings), torch.device(options.device))
    images, contexts = to_tensors(load_sprites() if options.data is None else load_path(options.data))
    print(f"{len(images)} sprites, {run.config.steps} updates of {run.config.batch}, {run.device.type}, {run.config.precision}")
    updates = run.advance(images, contexts)
    run.save(checkpoint)  # now, so that a place where nothing can be written is found before the work and not after it
    mean = None
    bar = tqdm(total=run.config.steps, initial=run.step, unit="step", mininterval=1.0)
    for progress in updates:
        mean = progress.loss if mean is None else torch.lerp(mean, progress.loss, 0.02)
        bar.update()
        if progress.step % 50 == 0:
            bar.set_postfix(loss=f"{mean.item():.4f}")
        if progress.step % options.checkpoint_every == 0:
            run.save(checkpoint)
        if options.film_every and progress.step % options.film_every == 0:
            _film(run, Path(f"{out}.film") / f"{progress.step:07d}.png")
    bar.close()
    run.export(out)
    checkpoint.unlink()
    print(f"{out}: {run.step * run.config.batch:,} images seen")
    return 0


def contexts_of(cls: str, n: int) -> torch.Tensor | None:
    """The (n, 5) contexts for a class name, for MIXED (the classes in turn), or None for NONE."""
    if cls == NONE:
        return None
    if cls == MIXED:
        return torch.eye(len(CLASSES))[torch.arange(n) % len(CLASSES)]
    return torch.eye(len(CLASSES))[CLASSES.index(cls)].expand(n, -1)


def _check_device(name: str):
    available = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if not available[name]:
        raise ValueError(f"--device {name} is not available here; leave it out, or use cpu.")


def _film(run: Run, path: Path):
    """One picture of the film of a training: 40 sprites of the averaged network, always from the same noise."""
    path.parent.mkdir(exist_ok=True)
    model, seed = run.ema.model, torch.Generator().manual_seed(0)
    walk = sample_ddim(model, run.schedule, 40, contexts_of(MIXED, 40), 1.5, seed, steps=25)
    picture = png(grid(collect(walk).images, columns=10, scale=1))
    write_safely(path, lambda file: file.write(picture))


def _settings() -> dict:
    return {field.name: field.type for field in fields(TrainConfig)}


def _parser() -> argparse.ArgumentParser:
    parser = Parser(prog="python -m diffusion_lab", description="Diffusion models on 16×16 sprites.")
    commands = parser.add_subparsers(required=True, metavar="sample | train | doctor")
    device = {"choices": ("cpu", "cuda", "mps"), "default": best_device().type, "help": "default: %(default)s"}

    p = commands.add_parser(
        "sample", help="draw sprites into a .gif or .png", formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    p.add_argument("--class", dest="cls", choices=(*CLASSES, MIXED, NONE), default=MIXED, help="what to draw")
    p.add_argument("-n", type=int, default=32, help="how many")
    p.add_argument("--sampler", choices=("ddim", "ddpm"), default="ddim")
    p.add_argument("--steps", type=int, help="evaluations of the network; 25 for ddim, all T for ddpm if left out")
    p.add_argument("--eta", type=float, help="ddim only: noise put back, 0 to 1; 0 if left out")
    p.add_argument("--guidance", type=float, default=1.5, help="1 is none; more follows the class more strictly")
    p.add_argument("--seed", type=int, default=0)
    p.add_argument("--weights", type=Path, help="a file written by train; the package's own if left out")
    p.add_argument("--device", **device)
    p.add_argument("--out", type=Path, required=True, help="a .gif for the film, a .png for the result")
    p.set_defaults(run=sample)

    p = commands.add_parser("train", help="train a network on the sprite set, or on yours")
    p.add_argument("--data", type=Path, help="a PNG sheet, a folder (with a subfolder per class), or an .npy array")
    p.add_argument("--out", type=Path, default=Path("sprites.pt"), help="where the weights go; OUT.ckpt stands beside it")
    p.add_argument("--resume", action="store_true", help="go on from OUT.ckpt")
    p.add_argument("--checkpoint-every", type=int, default=200, metavar="STEPS")
    p.add_argument("--film-every", type=int, default=0, metavar="STEPS", help="keep pictures of the training in OUT.film/")
    p.add_argument("--device", **device)
    defaults = TrainConfig()
    for name, kind in _settings().items():
        p.add_argument(f"--{name.replace('_', '-')}", type=kind, help=f"default: {getattr(defaults, name)}")
    p.set_defaults(run=train)

    commands.add_parser("doctor", help="check this machine")  # __main__ runs it, without importing what may be broken
    return parser
