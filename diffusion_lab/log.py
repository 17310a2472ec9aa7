"""TensorBoard's curves and pictures of a training. A log that cannot be written is given up; the training goes on."""

import sys
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image
from tqdm import tqdm


class Log:
    """Scalars and pictures for TensorBoard, in a folder.

    ValueError if TensorBoard is not there, OSError if the folder cannot be written to, one sentence each. What cannot be
    written later ends the log, with a sentence on stderr.
    """

    def __init__(self, folder: Path):
        self.folder, self.writer = folder, None
        self.kind = _tensorboard()

    def __enter__(self) -> "Log":
        self.before = threading.excepthook
        threading.excepthook = self._in_a_thread  # TensorBoard writes in a thread of its own, whose errors come again in ours
        try:
            self.writer = self.kind(self.folder)
        except OSError as error:
            threading.excepthook = self.before
            raise OSError(f"--log: {self.folder} could not be written ({error.strerror}); choose another place.") from error
        return self

    def __exit__(self, *error):
        self._try(lambda writer: writer.close())
        threading.excepthook = self.before

    def numbers(self, step: int, loss: float, learning_rate: float):
        """Note the loss and the learning rate of an update."""
        self._try(lambda writer: writer.add_scalar("loss", loss, step))
        self._try(lambda writer: writer.add_scalar("learning rate", learning_rate, step))

    def picture(self, step: int, picture: Image.Image):
        """Note a row of sprites."""
        self._try(lambda writer: writer.add_image("sprites", np.asarray(picture), step, dataformats="HWC"))

    def _try(self, note: Callable):
        try:
            if self.writer is not None:
                note(self.writer)
        except OSError as error:
            self.writer = None
            reason = error.strerror or error
            wrong = f"diffusion_lab: {self.folder} could not be written ({reason}): the log ends here, the training goes on"
            tqdm.write(wrong, file=sys.stderr)

    def _in_a_thread(self, raised):
        if not isinstance(raised.exc_value, OSError):
            self.before(raised)


def _tensorboard() -> Callable:
    """TensorBoard's class of writers. It is an optional extra, so it is imported here."""
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise ValueError("--log needs TensorBoard: pip install tensorboard, or leave --log out.") from error
    return SummaryWriter
