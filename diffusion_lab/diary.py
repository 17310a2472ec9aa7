"""What a training from the command line leaves behind: a bar, checkpoints, pictures, TensorBoard's curves, the weights."""

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from tqdm import tqdm

from .distributed import is_writer, wait_for_all
from .files import write_safely
from .samplers import SAMPLERS
from .training import LOSS_EVERY, Progress, Run
from .viz import grid, png

FILM = 20  # sprites in a row of the film


class Diary:
    """Follows a run: `write` after each update. Of several processes only the one that writes does anything.

    At the beginning it writes a checkpoint, so that a place where nothing can be written is found before the work. While the
    run goes on there are OUT.ckpt, every `checkpoint_every` updates, and, if `film_every` is not 0, OUT.film.png: a row of
    sprites each time, the first at the top.
    (A run that goes on keeps its rows; `film_every` must then be what it was.)
    At a good end there are the weights, OUT, and no checkpoint any more. log: a folder for TensorBoard, or None.
    OSError, in one sentence, if something cannot be written; ValueError if TensorBoard is not there.
    """

    def __init__(self, run: Run, out: Path, checkpoint_every: int, film_every: int, log: Path | None):
        self.run, self.out, self.checkpoint, self.film = run, out, Path(f"{out}.ckpt"), Path(f"{out}.film.png")
        self.checkpoint_every, self.film_every, self.folder = checkpoint_every, film_every, log
        self.smooth, self.open = None, ExitStack()
        self.writer = _tensorboard() if log is not None and is_writer() else None

    def __enter__(self) -> "Diary":
        wait_for_all()  # until all have looked whether there is a checkpoint
        if is_writer():
            self.run.save(self.checkpoint)
            if self.film_every and self.run.step == 0:
                self.film.unlink(missing_ok=True)  # another run's
        bar = tqdm(
            total=self.run.config.updates, initial=self.run.step, unit="update", mininterval=1.0, disable=not is_writer()
        )
        self.bar = self.open.enter_context(bar)
        self.log = self.open.enter_context(self.writer(self.folder)) if self.writer else None
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace):
        self.open.close()  # the bar and the log, also after Ctrl-C
        if is_writer() and error is None:
            self.run.export(self.out)
            self.checkpoint.unlink()
            print(f"{self.out}: {self.run.step * self.run.config.batch:,} images seen")

    def write(self, progress: Progress):
        """Note one update."""
        if not is_writer():
            return
        self.smooth = progress.loss if self.smooth is None else torch.lerp(self.smooth, progress.loss, 0.02)
        self.bar.update()
        if progress.step % LOSS_EVERY == 0:
            self.bar.set_postfix(loss=f"{self.smooth.item():.4f}")
            if self.log:
                self.log.add_scalar("loss", self.run.losses[-1], progress.step)
                self.log.add_scalar("learning rate", progress.lr, progress.step)
        if progress.step % self.checkpoint_every == 0:
            self.run.save(self.checkpoint)
        if self.film_every and progress.step % self.film_every == 0:
            row = film(self.run)
            data = png(below(self.film, progress.step // self.film_every - 1, row))
            write_safely(self.film, lambda file: file.write(data))
            if self.log:
                self.log.add_image("sprites", np.asarray(row), progress.step, dataformats="HWC")


def film(run: Run) -> Image.Image:
    """One row of the film: sprites of the averaged network, always of the same descriptions, from the same noise."""
    how, seed = run.sampling, torch.Generator().manual_seed(0)
    context, guidance = run.vocabulary.random(FILM, seed), how.guidance
    if not context.any():
        context, guidance = None, 1.0  # the network knows nothing that it could be guided to
    walk = SAMPLERS[how.sampler](
        run.ema.model, run.schedule, FILM, context, guidance, seed, steps=min(how.steps, run.schedule.T)
    )
    for state in walk:
        end = state.x
    return grid(end, columns=FILM, scale=2)


def below(path: Path, count: int, row: Image.Image) -> Image.Image:
    """The first `count` rows of the film at `path` with another one below; a run that goes on has earlier rows there."""
    longer = Image.new("RGB", row.size)
    if count and path.exists():
        with Image.open(path) as before:
            kept = min(count, before.height // row.height) * row.height
            longer = Image.new("RGB", (row.width, kept + row.height))
            longer.paste(before.crop((0, 0, row.width, kept)))
    longer.paste(row, (0, longer.height - row.height))
    return longer


def _tensorboard() -> Callable:
    """TensorBoard's class of writers. It is an optional extra, so it is imported here."""
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise ValueError("--log needs TensorBoard: pip install tensorboard, or leave --log out.") from error
    return SummaryWriter
