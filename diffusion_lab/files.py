"""Files that are whole or not there: safe writing, and reading that says what is wrong."""

import hashlib
import io
import os
import re
import sys
import threading
import zipfile
import zlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import torch

from .interrupts import held_back
from .language import gettext


def write_safely(path: str | Path, write: Callable):
    """Call write(file), then put what it wrote in its place: never half a file, never a lost one.

    It is written to memory first, since an interrupt inside torch's own writer ends in anything; then to a temporary file
    beside `path`, where signals wait; then renamed. A link stays, and what it leads to is replaced.
    Raises OSError with one sentence if that fails; what stood at `path` is then still there.
    """
    path, memory = Path(path), io.BytesIO()
    write(memory)
    check_place(path)
    place = Path(os.path.realpath(path))
    temporary = place.parent / f"{_prefix(place)}{os.getpid()}.{threading.get_ident()}.part"
    with held_back():
        try:
            with open(temporary, "wb") as file:  # the umask counts, as for any new file
                file.write(memory.getbuffer())
                file.flush()
                os.fsync(file.fileno())
            if place.exists():
                os.chmod(temporary, place.stat().st_mode & 0o777)
            os.replace(temporary, place)
        except OSError as error:
            reason = error.strerror or "the disk may be full"
            raise OSError(f"{path} could not be written ({reason}); free some space or choose another place.") from error
        finally:
            with suppress(OSError):  # as a rule it is not there any more
                os.unlink(temporary)


def remove(path: str | Path):
    """Delete a file of ours, if it is there. OSError, in one sentence, if that fails."""
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass
    except OSError as error:
        raise OSError(f"{path} could not be deleted ({error.strerror}): delete it yourself.") from error


def plain(state):
    """The same dictionaries, lists, tuples and texts, with equal texts as one object: equal states then are equal bytes.

    (pickle writes an object that comes twice only once. In a run that was resumed equal texts are other objects than in one
    that was not.)
    """
    if type(state) is dict:
        return {plain(name): plain(value) for name, value in state.items()}
    if type(state) in (list, tuple):
        return type(state)(plain(value) for value in state)
    return sys.intern(state) if type(state) is str else state


def check_place(path: str | Path):
    """OSError, in one sentence, if `write_safely` could not write at `path`: to be called before the work."""
    path, reason = Path(path), ""
    try:
        place = Path(os.path.realpath(path))
        there = os.path.lexists(place)
        if place.is_dir():
            reason = "it is a folder"
        elif there and not place.is_file():
            reason = "it is no regular file"
        elif there and (not os.access(place, os.W_OK) or not place.stat().st_mode & 0o222):
            reason = "it may only be read"
        elif not place.parent.is_dir() or not os.access(place.parent, os.W_OK):
            reason = f"{place.parent if place.parent != Path() else '.'} is no folder that can be written to"
        elif not there:
            os.lstat(f"{place}.part"[: len(str(place))])  # raises for a name that is too long
    except FileNotFoundError:
        pass
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is no name of a file"
    if reason:
        raise OSError(f"{path} could not be written ({reason}); choose another place.")


def clear_leftovers(path: str | Path):
    """Delete the temporary files that killed processes left beside `path`."""
    place = Path(os.path.realpath(path))
    for left in place.parent.glob(f"{_prefix(place)}*.part"):
        process = left.name.removeprefix(_prefix(place)).split(".")[0]
        if process.isdigit() and not _alive(int(process)):
            with suppress(OSError):  # it is in nobody's way
                os.unlink(left)


def _prefix(place: Path) -> str:
    """How the names of temporary files begin: short, since the name itself may be as long as a name can be."""
    return f".{hashlib.sha256(place.name.encode(errors='replace')).hexdigest()[:12]}."


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True  # another user's
    return True


def read_state(path: str | Path) -> dict:
    """What `torch.save` wrote at `path`: a dictionary of tensors and plain values; nothing in the file is executed.

    Raises FileNotFoundError, another OSError or ValueError, one sentence each, that says what the file is instead.
    """
    path = Path(path)
    if not path.is_file():
        wrong = gettext("{path} {what}: give a file that `train` wrote.")
        raise FileNotFoundError(wrong.format(path=path, what=absent(path)))
    try:
        with open(path, "rb") as file:
            head = file.read(512)
    except OSError as error:
        wrong = gettext("{path} could not be read ({reason}); change its permissions, or copy it.")
        raise OSError(wrong.format(path=path, reason=error.strerror)) from error
    wrong = _what_else(path, head)
    if wrong:
        raise ValueError(f"{path} {wrong}.")
    try:
        if head.startswith(b"PK") and zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                if archive.testzip():  # torch does not look at the archive's checksums
                    raise zipfile.BadZipFile
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch.load raises some eight kinds of errors for broken and foreign files
        if re.search("unsupported global|TorchScript", str(error), re.IGNORECASE):
            wrong = gettext(
                "holds Python code, as torch.save(model) writes it, and is not opened: save its state_dict() instead"
            )
        elif isinstance(error, (zipfile.BadZipFile, zlib.error)) and zipfile.is_zipfile(path):
            wrong = gettext("is damaged: its checksums do not fit; take a fresh copy")
        elif head.startswith(b"PK") and not zipfile.is_zipfile(path):
            wrong = gettext("is truncated: its end is missing; take a fresh copy")
        else:
            wrong = gettext("is truncated or no weights file; train again or take a fresh copy")
        raise ValueError(f"{path} {wrong}.") from error
    if not isinstance(state, dict):
        raise ValueError(gettext("{path} holds no network's weights; give a file that `train` wrote.").format(path=path))
    return state


def absent(path: Path) -> str:
    """What there is where a file was looked for: a folder, nothing, ..."""
    if path.is_dir():
        return gettext("is a folder")
    if path.is_symlink() and not path.exists():
        return gettext("is a link that leads to nothing ({target})").format(target=os.readlink(path))
    return gettext("is no regular file") if path.exists() else gettext("does not exist")


def _what_else(path: Path, head: bytes) -> str:
    """What a file is that `torch.save` did not write, told by its first bytes, and what to do; "" for others."""
    if not head:
        return gettext("is empty; take a fresh copy")
    if head.startswith(b"version https://git-lfs"):
        return gettext("is only a pointer of Git LFS to the weights: run `git lfs pull`")
    if head.lstrip(b"\xef\xbb\xbf \t\r\n").lower().startswith((b"<!doctype html", b"<html")):
        return gettext("is a web page, not the file that was to be downloaded: download the file itself")
    if path.suffix == ".safetensors" or head[8:10] == b'{"':  # a length, then the table of contents
        return gettext("is a safetensors file: read it with safetensors.torch.load_file, and torch.save what that gives")
    return ""
