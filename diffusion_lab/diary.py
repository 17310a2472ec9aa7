"""What a training from the command line leaves behind: a bar, checkpoints, pictures, the weights."""

import sys
from contextlib import ExitStack, suppress
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor
from tqdm import tqdm

from .distributed import is_writer, wait_for_all
from .files import clear_leftovers, remove, write_safely
from .interrupts import Stopped
from .likeness import copies_while_training
from .log import Log
from .samplers import SAMPLERS
from .training import LOSS_EVERY, Progress, Run
from .viz import grid, png

FILM = 20  # sprites in a row of the film
LOOK_EVERY = 500  # updates between two looks at whether the network copies; a look is at most 25 evaluations of 32 sprites
LOOKED_AT = 32  # sprites that are drawn for it
MANY = 0.25  # copies among them that are said; held-out sprites of the package's set have 0.006 (n = 320)


class Diary:
    """Follows a run: `write` after each update. Of several processes only the one that writes does anything.

    At the beginning it writes a checkpoint, so that a place where nothing can be written is found before the work. While the
    run goes on there are OUT.ckpt, every `checkpoint_every` updates, and, if `film_every` is not 0, OUT.film.png: a row of
    sprites each time, the first at the top.
    (A run that goes on keeps its rows; `film_every` must then be what it was.)
    At a good end there are the weights, OUT, and no checkpoint any more. log: a folder for TensorBoard, or None. own: the
    user's sprites and contexts, if it is they that are learned: it is then said once when the network begins to copy them.
    OSError, in one sentence, if something cannot be written: it says what is kept. ValueError if TensorBoard is not there.
    """

    def __init__(
        self,
        run: Run,
        out: Path,
        checkpoint_every: int,
        film_every: int,
        log: Path | None,
        own: tuple[Tensor, Tensor] | None = None,
    ):
        self.own = own if own is not None and len(own[0].unique(dim=0)) > 1 else None  # of one sprite all are copies
        self.run, self.out, self.checkpoint, self.film = run, out, Path(f"{out}.ckpt"), Path(f"{out}.film.png")
        self.checkpoint_every, self.film_every = checkpoint_every, film_every
        self.smooth, self.open, self.saved = None, ExitStack(), None
        self.log = Log(log) if log is not None and is_writer() else None

    def __enter__(self) -> "Diary":
        wait_for_all()  # until all have looked whether there is a checkpoint
        if is_writer():
            try:
                self._begin()
            except BaseException as error:
                self.__exit__(type(error), error, error.__traceback__)
                raise
        bar = tqdm(
            total=self.run.config.updates, initial=self.run.step, unit="update", mininterval=1.0, disable=not is_writer()
        )
        self.bar = self.open.enter_context(bar)
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace):
        self.open.close()  # the bar and the log, also after Ctrl-C
        if not is_writer():
            return
        if error is None:
            self._finish()
        elif self.saved == 0 and not isinstance(error, Stopped):
            with suppress(OSError):  # it holds no work, and would only be in the way of the next start
                remove(self.checkpoint)
        if isinstance(error, FloatingPointError):
            lower = f"--lr {self.run.config.lr / 10:g}"
            on = f"go on from update {self.saved}, which is kept, with --from {self.checkpoint} {lower} and another --out"
            anew = f"delete {self.checkpoint} and begin again with {lower}"
            how = f"{on}, or {anew}" if self.saved else f"begin again with {lower}"
            raise FloatingPointError(f"{str(error).split(': ')[0]}: {how}.") from error
        if isinstance(error, OSError):
            raise self._kept(error) from error

    def _begin(self):
        for path in (self.out, self.checkpoint, self.film):
            clear_leftovers(path)
        self._save()
        if self.film_every and self.run.step == 0:
            remove(self.film)  # another run's
        if self.log:
            self.open.enter_context(self.log)

    def _finish(self):
        """Write the weights; after that the checkpoint is not needed any more."""
        try:
            self.run.export(self.out)
        except OSError as error:
            raise self._kept(error) from error
        print(f"{self.out}: {self.run.before[1] + self.run.step * self.run.config.batch:,} images seen")
        remove(self.checkpoint)

    def _kept(self, error: OSError) -> OSError:
        """The same error, with what there is to go on from."""
        if not self.saved:
            return error
        wrong = str(error).split("; free ")[0].rstrip(".")
        return OSError(f"{wrong}: mend that, then add --resume to the same command, which goes on from update {self.saved}.")

    def write(self, progress: Progress):
        """Note one update."""
        if not is_writer():
            return
        self.smooth = progress.loss if self.smooth is None else torch.lerp(self.smooth, progress.loss, 0.02)
        self.bar.update()
        if progress.step % LOSS_EVERY == 0:
            self.bar.set_postfix(loss=f"{self.smooth.item():.4f}")
            if self.log:
                self.log.numbers(progress.step, loss=self.run.losses[-1], learning_rate=progress.lr)
        if self.own and progress.step % LOOK_EVERY == 0:
            self._look_for_copies(progress.step)
        if self.film_every and progress.step % self.film_every == 0:
            row = film(self.run)
            data = png(below(self.film, progress.step // self.film_every - 1, row))
            write_safely(self.film, lambda file: file.write(data))
            if self.log:
                self.log.picture(progress.step, row)
        if progress.step % self.checkpoint_every == 0:  # after the film: a run that goes on from here has its rows
            self._save()

    def stop(self, number: int):
        """Write a checkpoint and raise `Stopped`: a signal came."""
        if is_writer():
            self._save()
        at = f"stopped after update {self.run.step:,} of {self.run.config.updates:,}"
        how = f"{at}; add --resume to the same command to go on from there"
        raise Stopped(how if is_writer() else "", number)

    def _save(self):
        self.run.save(self.checkpoint)
        self.saved = self.run.step

    def _look_for_copies(self, step: int):
        """Say it, once, when the averaged network draws copies of training sprites."""
        steps = min(self.run.sampling.steps, self.run.schedule.T)
        share = copies_while_training(self.run.ema.model, self.run.schedule, *self.own, steps, LOOKED_AT)
        if share >= MANY:
            found = f"after {step:,} updates {share:.0%} of {LOOKED_AT} drawn sprites are copies of one of yours"
            self.bar.write(f"{found}: more sprites, --flip, --shift, --hue or fewer updates make others", file=sys.stderr)
            self.own = None


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
