"""How a training begins: anew, with trained weights, or where a checkpoint left it."""

import argparse
import os
import shutil
import sys
from dataclasses import asdict, fields, replace
from pathlib import Path

import torch
from torch import Tensor

from .config import TrainConfig
from .distributed import is_writer
from .schedules import SCHEDULES, Schedule
from .tables import named
from .training import Run
from .unet import ContextUnet, with_height, with_more_words
from .weights import history, is_distilled, load_model
from .words import joined

NO_MEMORY = "the memory is not enough for this: lower --batch, --n-feat or -n"
SAME_NOISE = ("cosine", "sigmoid")  # functions of t / T: another T has the same noise at the same time
MUCH_LEFT = 0.2  # of the sprite at the end, sqrt(alpha_bar): a sampler begins with noise alone, which is then elsewhere


def starting_run(
    options: argparse.Namespace, names: tuple[str, ...], contexts: Tensor, height: int, device: torch.device
) -> Run:
    """The run to go on with: that of OUT.ckpt, one that begins with trained weights, or a new one.

    names, contexts (N, V), height: of the sprites that it is to learn. ValueError, in one sentence, for what does not fit.
    """
    checkpoint = Path(f"{options.out}.ckpt")
    asked = {field.name: getattr(options, field.name) for field in fields(TrainConfig)}
    asked = {name: value for name, value in asked.items() if value is not None}
    if options.resume and options.weights is not None:
        raise ValueError("--from is for starting a run; leave it out to resume.")
    if options.resume and not checkpoint.exists() and options.out.exists():
        return _longer(options.out, asked, names, contexts, height, device)
    if options.resume and not checkpoint.exists():
        raise ValueError(f"{checkpoint} is not there, so there is nothing to go on with: leave --resume out.")
    if options.resume:
        run = Run.load(checkpoint, device)
        if run.before[0] and "updates" in asked:  # --updates says all of them, also those of the training before
            asked["updates"] = max(1, asked["updates"] - run.before[0])
        changed = [name for name, value in asked.items() if value not in (asdict(run.config)[name], "auto")]
        if changed == ["updates"] and asked["updates"] > run.step:
            longer = f"{run.before[0] + asked['updates']:,} updates instead of {run.before[0] + run.config.updates:,}"
            _say(f"{longer}: the learning rate follows the new plan from here")
            run.config = replace(run.config, updates=asked["updates"])
        elif changed:
            raise ValueError(f"--{changed[0].replace('_', '-')} differs from that of {checkpoint}; leave it out to resume.")
        return run
    if checkpoint.exists():
        raise ValueError(f"{checkpoint} is an unfinished run: add --resume to go on with it, or delete it to begin again.")
    if options.out.exists() and options.out.stat().st_size:
        done = _done(options.out)[0]
        longer = f"to train it longer, add --resume and a larger number, as --updates {2 * done};"
        what = f"is a finished training, after {done:,} updates: {longer}" if done else "holds trained weights:"
        raise ValueError(f"{options.out} {what} to begin another, give another --out, or delete it.")
    if options.weights is None:
        run = Run(TrainConfig(**asked), device, words=names, height=height)
    else:
        run = _from_weights(options.weights, asked, names, contexts, height, device)
    check_memory("--batch", run.config.batch, run.model, 50)
    _say_what_is_left(run.schedule)
    return run


def _longer(out: Path, asked: dict, names: tuple[str, ...], contexts: Tensor, height: int, device: torch.device) -> Run:
    """A finished run that is to go on: with its weights, for the updates that are missing."""
    done, images = _done(out)
    if asked.get("updates", 0) <= done:
        more = f"to train longer, add --resume and a larger number, as --updates {2 * done}"
        raise ValueError(f"{out} is finished, after {done:,} updates: {more}, which begins with its weights.")
    rest = asked["updates"] - done
    what = f"is finished, after {done:,} updates" if done else "does not say how long it was trained"
    _say(f"{out} {what}: {rest:,} more, from its weights, with a learning rate that begins anew")
    run = _from_weights(str(out), asked | {"updates": rest}, names, contexts, height, device)
    run.before, run.data = (done, images), history(out).get("data")
    return run


def _done(out: Path) -> tuple[int, int]:
    """The updates and the images of a finished training; 0 where the file does not say it."""
    told = history(out)
    return tuple(told[name] if type(told.get(name)) is int else 0 for name in ("updates", "images"))


def _from_weights(name: str, asked: dict, names: tuple[str, ...], contexts: Tensor, height: int, device: torch.device) -> Run:
    model, schedule = load_model(name)
    if is_distilled(model, schedule):
        raise ValueError(f"--from {name}: what needs {schedule.T} steps cannot be trained so; take context_unet.")
    if not isinstance(model, ContextUnet):
        raise ValueError(f"--from {name}: only a ContextUnet can be trained here, not a {type(model).__name__}.")
    if asked.get("n_feat", model.n_feat) != model.n_feat:
        wrong = f"--n-feat {asked['n_feat']} does not fit --from {name}, whose n_feat is {model.n_feat}"
        raise ValueError(f"{wrong}: leave --n-feat out, or begin without --from.")
    if asked.get("prediction", model.prediction) != model.prediction:
        wrong = f"--prediction {asked['prediction']} does not fit --from {name}, which predicts {model.prediction}"
        raise ValueError(f"{wrong}: leave --prediction out, or begin without --from.")
    own = {"n_feat": model.n_feat, "prediction": model.prediction, "schedule": schedule.name, "T": schedule.T}
    if schedule.name not in SCHEDULES and "schedule" not in asked:
        raise ValueError(f"--from {name}: its schedule {schedule.name!r} is none of these: add --schedule cosine.")
    config = TrainConfig(**(own | asked))
    known, sampling = model.words.words, model.sampling if config.T == schedule.T else None
    if model.height != height:
        _say(
            f"{name} draws {model.height}×{model.height}: its weights begin a network of {height}×{height}, as your sprites are"
        )
        model = with_height(model, height)
    used = [word for word, column in zip(names, contexts.T, strict=True) if column.any()]
    words = joined(known, used)
    new = words[len(known) :]
    if new:
        _say(f"{name} does not know {len(new)} of these words ({named(new)}): it learns them")
        model = with_more_words(model, len(words))
    run = Run(config, device, words=words, height=height, sampling=sampling)
    same = schedule.name == config.schedule and (schedule.T == config.T or config.schedule in SAME_NOISE)
    if not same or (schedule.T == config.T and not torch.allclose(run.schedule.alpha_bar.cpu(), schedule.alpha_bar)):
        was, will = f"{schedule.name} with T = {schedule.T}", f"{config.schedule} with T = {config.T}"
        _say(f"{name} was trained with the schedule {was}, and goes on with {will}: it must learn other noise first")
    run.start_from(model)
    return run


def _say_what_is_left(schedule: Schedule):
    left = schedule.alpha_bar[-1].sqrt().item()
    if schedule.T == 1:
        _say("with T = 1 there is one step from noise to sprite, which can only draw the mean of all: take more, as --T 500")
    elif left > MUCH_LEFT:
        wrong = f"the {schedule.name} schedule with T = {schedule.T} leaves {left:.0%} of the sprite at the end"
        _say(f"{wrong}, and sampling begins with none of it: take --schedule cosine")


def has_compiler() -> bool:
    """Is there a C++ compiler, which torch.compile needs?"""
    names = (os.environ.get("CXX"), "g++", "c++", "clang++", "cl")
    return any(name and shutil.which(name) for name in names)


def check_memory(option: str, count: int, model: torch.nn.Module, maps: int):
    """ValueError if so many pictures at once need more memory than the machine has; GPUs say it themselves.

    maps: how many layers' outputs of full size are kept at a time: some 50 in training, 20 with guidance in drawing.
    """
    if next(model.parameters()).device.type != "cpu":
        return
    needed, there = count * model.height**2 * getattr(model, "n_feat", 64) * 4 * maps, _memory()
    if needed > there:
        wrong = f"{option} {count:,} needs about {needed / 1e9:,.0f} GB of memory, and this machine has {there / 1e9:.0f}"
        raise ValueError(f"{wrong}: take a lower number.")


def is_no_memory(error: BaseException) -> bool:
    """Did something ask for more memory than there is?"""
    texts = ("out of memory", "can't allocate memory", "not enough memory")
    return isinstance(error, MemoryError) or (isinstance(error, RuntimeError) and any(text in str(error) for text in texts))


def _memory() -> int:
    """The machine's memory in bytes, or what its container may use."""
    found = []
    if hasattr(os, "sysconf"):
        found.append(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    limit = Path("/sys/fs/cgroup/memory.max")
    if limit.is_file() and limit.read_text().strip().isdigit():
        found.append(int(limit.read_text()))
    return min(found, default=sys.maxsize)


def _say(text: str):
    if is_writer():
        print(text)
