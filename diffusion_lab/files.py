"""Files that are whole or not there: safe writing, and reading that says what is wrong."""

import os
import re
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import torch


def write_safely(path: str | Path, write: Callable):
    """Call write(file) on a temporary file beside `path`, then put it in its place: never half a file, never a lost one.

    Raises OSError with one sentence if that fails; what stood at `path` is then still there.
    """
    path = Path(path)
    temporary = None
    try:
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
            temporary = file.name
            write(file)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, path.stat().st_mode & 0o777 if path.exists() else 0o644)
        os.replace(temporary, path)
        temporary = None
    except (OSError, RuntimeError) as error:  # torch.save turns a full disk into a RuntimeError
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "the disk may be full"
        raise OSError(f"{path} could not be written ({reason}); free some space or choose another place.") from error
    finally:  # also after Ctrl-C
        if temporary and os.path.exists(temporary):
            os.unlink(temporary)


def check_place(path: str | Path):
    """OSError, in one sentence, if `write_safely` could not write at `path`: to be called before the work."""
    path = Path(path)
    if path.is_dir() or not path.parent.is_dir() or not os.access(path.parent, os.W_OK):
        reason = "it is a folder" if path.is_dir() else f"{path.parent} is no folder that can be written to"
        raise OSError(f"{path} could not be written ({reason}); choose another place.")


def read_state(path: str | Path) -> dict:
    """What `torch.save` wrote at `path`: a dictionary of tensors and plain values; nothing in the file is executed.

    Raises FileNotFoundError, another OSError or ValueError, one sentence each, that says what the file is instead.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"{path} does not exist, or is no file: give one that `train` wrote.")
    try:
        with open(path, "rb") as file:
            head = file.read(512)
    except OSError as error:
        raise OSError(f"{path} could not be read ({error.strerror}); change its permissions, or copy it.") from error
    wrong = _what_else(path, head)
    if wrong:
        raise ValueError(f"{path} {wrong}.")
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch.load raises some eight kinds of errors for broken and foreign files
        if re.search("unsupported global|TorchScript", str(error), re.IGNORECASE):
            wrong = "holds Python code, as torch.save(model) writes it, and is not opened: save its state_dict() instead"
        elif head.startswith(b"PK") and not zipfile.is_zipfile(path):
            wrong = "is truncated: its end is missing; take a fresh copy"
        else:
            wrong = "is truncated or no weights file; train again or take a fresh copy"
        raise ValueError(f"{path} {wrong}.") from error
    if not isinstance(state, dict):
        raise ValueError(f"{path} holds no network's weights; give a file that `train` wrote.")
    return state


def _what_else(path: Path, head: bytes) -> str:
    """What a file is that `torch.save` did not write, told by its first bytes, and what to do; "" for others."""
    if not head:
        return "is empty; take a fresh copy"
    if head.startswith(b"version https://git-lfs"):
        return "is only a pointer of Git LFS to the weights: run `git lfs pull`"
    if head.lstrip(b"\xef\xbb\xbf \t\r\n").lower().startswith((b"<!doctype html", b"<html")):
        return "is a web page, not the file that was to be downloaded: download the file itself"
    if path.suffix == ".safetensors" or head[8:10] == b'{"':  # a length, then the table of contents
        return "is a safetensors file: read it with safetensors.torch.load_file, and torch.save what that gives"
    return ""
