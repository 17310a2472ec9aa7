"""Ctrl-C and SIGTERM: held back while a file is written, and in a training answered with a checkpoint."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def held_back() -> Iterator[None]:
    """Let no signal end what stands inside; those that came meanwhile count at its end. Only the main thread gets signals."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came, before = [], {number: signal.getsignal(number) for number in SIGNALS}
    for number in SIGNALS:
        signal.signal(number, lambda number, frame: came.append((number, frame)))
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler if handler is not None else signal.SIG_DFL)
        for number, frame in came:
            if callable(before[number]):
                before[number](number, frame)
            elif before[number] != signal.SIG_IGN:
                os.kill(os.getpid(), number)


def once(number: int, frame):
    """A handler of signals: the first one raises KeyboardInterrupt, and a second one ends the process, without a trace."""
    signal.signal(number, signal.SIG_DFL)
    raise KeyboardInterrupt


class Stop:
    """While it is entered, the first Ctrl-C or SIGTERM is noted in `asked`, 0 before, and a second one leaves at once.

    patient: a second one changes nothing. (Of several processes all must come to the end together; torchrun hands on what it
    gets, and kills them after 30 s.)
    """

    def __init__(self, patient: bool = False):
        self.asked, self.patient = 0, patient

    def __enter__(self) -> "Stop":
        self.before = None
        if threading.current_thread() is threading.main_thread():
            heard = [number for number in SIGNALS if signal.getsignal(number) != signal.SIG_IGN]  # nohup
            self.before = {number: signal.signal(number, self._note) for number in heard}
        return self

    def __exit__(self, *error):
        for number, handler in (self.before or {}).items():
            signal.signal(number, handler if handler is not None else signal.SIG_DFL)

    def _note(self, number: int, frame):
        if self.asked and not self.patient:
            _say("stopped at once: add --resume to the same command to go on from the last checkpoint")
            os._exit(128 + number)
        if number == signal.SIGINT and not (self.asked or self.patient):
            _say("stopping after this update; Ctrl-C again leaves at once, without it")
        self.asked = number


def _say(text: str):
    with suppress(OSError):
        os.write(2, f"\ndiffusion_lab: {text}\n".encode())  # print may be just at work, and is not to be entered again


class Stopped(Exception):
    """A training was stopped by a signal, after its checkpoint was written; `status` is the process's exit status.

    Of several processes only the one that writes has something to say.
    """

    def __init__(self, message: str, number: int):
        super().__init__(message)
        self.status = 128 + number
