"""What is said, and to whom: a terminal that knows few letters, a closed one, a reader that left; and faults of our own."""

import errno
import os
import sys
import tempfile
import traceback
from collections.abc import Iterator
from contextlib import contextmanager


class Steady:
    """A text stream that never fails: letters that it does not know become "?", and after it is closed all goes nowhere.

    lost: why something was not written that somebody waits for, as "No space left on device"; "" for a reader that left.
    """

    def __init__(self, stream):
        self.stream, self.lost = stream, ""
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")

    def write(self, text: str) -> int:
        try:
            self.stream.write(text)
            if "\n" in text:
                self.stream.flush()
        except (OSError, ValueError, AttributeError) as error:
            self._give_up(error)
        return len(text)

    def flush(self):
        self.write("")
        try:
            if self.stream is not None:
                self.stream.flush()
        except (OSError, ValueError) as error:
            self._give_up(error)

    def _give_up(self, error: Exception):
        """The reader left, the stream is closed, or there is none; else something is lost."""
        self.stream = None
        if isinstance(error, OSError) and error.errno not in (errno.EPIPE, errno.EBADF, errno.EINVAL):
            self.lost = error.strerror

    def isatty(self) -> bool:
        try:
            return self.stream is not None and self.stream.isatty()
        except ValueError:
            return False

    def fileno(self) -> int:
        if self.stream is None:
            raise OSError("closed")
        return self.stream.fileno()

    @property
    def encoding(self) -> str:
        return getattr(self.stream, "encoding", None) or "utf-8"


@contextmanager
def steady_streams() -> Iterator[Steady]:
    """stdout and stderr that never fail, for as long as it is entered; gives stdout."""
    before = sys.stdout, sys.stderr
    out, sys.stderr = Steady(sys.stdout), Steady(sys.stderr)
    sys.stdout = out
    try:
        yield out
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        sys.stdout, sys.stderr = before


def let_go():
    """At the very end of the process: what cannot be written any more is dropped, where Python would complain of it."""
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:
                stream.flush()
        except (OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def report(error: BaseException) -> str:
    """The sentence for an error that nobody foresaw; its trace goes into a file."""
    first = f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}".rstrip(": ")
    trace = "".join(traceback.format_exception(error))
    try:
        descriptor, path = tempfile.mkstemp(prefix="diffusion_lab-", suffix=".txt")
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="replace") as file:
            file.write(f"{' '.join(sys.argv)}\n\n{trace}")
        where = f"send {path} and what `python -m diffusion_lab doctor` prints to where you have the package from"
    except OSError:
        where = "send this line and what `python -m diffusion_lab doctor` prints to where you have the package from"
    return f"this is a fault of ours ({first}): {where}"
