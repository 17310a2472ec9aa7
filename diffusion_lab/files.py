"""Files that are whole or not there: safe writing, and reading that says what is wrong."""

import os
import tempfile
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

    Raises FileNotFoundError or ValueError, one sentence each.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"{path} does not exist, or is no file: give one that `train` wrote.")
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch.load raises some eight kinds of errors for broken and foreign files
        raise ValueError(f"{path} is truncated or no weights file; train again or take a fresh copy.") from error
    if not isinstance(state, dict):
        raise ValueError(f"{path} holds no network's weights; give a file that `train` wrote.")
    return state
