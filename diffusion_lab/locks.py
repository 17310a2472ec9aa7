"""One writer for one place: a lock that ends with its process, however that ends."""

import os
from contextlib import suppress
from pathlib import Path

from .interrupts import held_back

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None
    import msvcrt


class Lock:
    """While it is entered, no other process can enter a lock of this path. ValueError, in one sentence, if one has.

    The system holds the lock of a file, PATH.lock, for this process and frees it when the process ends; the file itself says
    nothing, and one that a crash left is taken over.
    """

    def __init__(self, path: Path):
        self.path, self.file = Path(f"{path}.lock"), None

    def __enter__(self) -> "Lock":
        while True:
            try:
                descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o666)
            except OSError as error:
                raise OSError(f"{self.path} could not be written ({error.strerror}); choose another place.") from error
            self.file = os.fdopen(descriptor, "r+b")
            try:
                if fcntl:
                    fcntl.flock(self.file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                else:
                    msvcrt.locking(self.file.fileno(), msvcrt.LK_NBLCK, 1)
            except OSError as error:
                self.file.close()
                what = self.path.name.removesuffix(".lock")
                raise ValueError(f"Another training writes {what} now: wait for it, or give another --out.") from error
            if not fcntl or self._is_mine():
                return self
            self.file.close()  # the one before removed this file between our opening and locking it

    def __exit__(self, *error):
        with held_back():
            if fcntl:
                with suppress(OSError):  # while it is locked: who opened it meanwhile sees that it is gone
                    os.unlink(self.path)
            self.file.close()

    def _is_mine(self) -> bool:
        try:
            return os.path.samestat(os.fstat(self.file.fileno()), os.stat(self.path))
        except FileNotFoundError:
            return False
