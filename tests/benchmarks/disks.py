"""Disks that are full and places that can only be read: one sentence each, nothing lost, and trainings go on bit for bit.

    python tests/benchmarks/disks.py full         # as root: disks in memory, full from the start or at each write in turn
    python tests/benchmarks/disks.py readonly     # as root: disks and single files that can only be read
    python tests/benchmarks/disks.py calls        # each call that writes fails once, or from then on

A minute or two each, on one core.
"""

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from diffusion_lab import Run, TrainConfig

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parent.parent)]
from kills import COMMAND, arguments_for, child, ended, result, undisturbed  # noqa: E402
from test_disks import Disk  # noqa: E402

LOGGED = [*COMMAND, "--log", "runs"]
DRAW = ["--weights", "v.pt", "--device", "cpu", "--steps", "1"]
OTHERS = {
    "sample png": ["sample", *DRAW, "-n", "64", "--out", "a.png"],
    "sample gif": ["sample", *DRAW, "-n", "64", "--out", "a.gif"],
    "evaluate": ["evaluate", *DRAW, "--data", "a.npy", "-n", "4", "--out", "a.json"],
    "preview": ["train", "--data", "a.npy", "--preview", "look.png"],
}


class Tally:
    """Counts outcomes of one kind of disturbance, and prints those that are wrong."""

    def __init__(self, name: str):
        self.name, self.outcomes, self.wrong = name, Counter(), 0

    def note(self, outcome: str, fine: bool, about: str):
        """Count one outcome; print it if it is not fine."""
        self.outcomes[outcome] += 1
        if not fine:
            self.wrong += 1
            print(f"WRONG: {self.name}: {about}", flush=True)

    def end(self):
        """Print the line of the table."""
        print(f"{self.name}: {sum(self.outcomes.values())} tried, {self.wrong} wrong: {dict(self.outcomes)}", flush=True)


@contextlib.contextmanager
def disk(size: str = "20m") -> Iterator[Path]:
    """A disk in memory, mounted in a new folder; what commands say goes into said.txt beside it."""
    folder = Path(tempfile.mkdtemp(prefix="disks-")) / "disk"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-R", folder], check=True)


def run(folder: Path, arguments: list[str], prepare: Callable = lambda: None) -> tuple[int, list[str]]:
    """The status of a command in a folder, and its sentences."""
    log = folder.parent / "said.txt"
    log.unlink(missing_ok=True)
    status = ended(child(folder, arguments, prepare, str(log)))
    text = log.read_text(errors="replace")
    bad = [word for word in ("Traceback", "Exception ignored", "fault of ours", "Exception in thread") if word in text]
    return status, bad + [line.split("\r")[-1] for line in text.splitlines() if "diffusion_lab: " in line]


def contents(folder: Path) -> dict[str, bytes]:
    """All files in a folder."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def fill(folder: Path, free: int = 0):
    """Fill a disk with a file, ballast, and leave so many bytes free."""
    with contextlib.suppress(OSError), open(folder / "ballast", "wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))
    os.truncate(folder / "ballast", (folder / "ballast").stat().st_size - free)


def full_after(count: int):
    """Let the disk be full as soon as so many files have been put in their places."""
    real, seen = os.replace, [0]

    def replace(source, target):
        real(source, target)
        seen[0] += 1
        if seen[0] == count:
            fill(Path())

    os.replace = replace
    if count == 0:
        fill(Path())


def prepared(folder: Path):
    """Weights and sprites for the commands that are no trainings."""
    Run(TrainConfig(updates=1, n_feat=8, T=10), "cpu").export(folder / "v.pt")
    np.save(folder / "a.npy", np.random.default_rng(0).integers(0, 256, (64, 16, 16, 3), dtype=np.uint8))


def full():
    """Disks that are too small from the start, and such as are full at each write in turn."""
    whole = undisturbed()
    small, turn, log, others = (Tally(f"full disk, {name}") for name in ("small", "at each write", "with a log", "others"))
    for size in range(8, 800, 48):
        with disk(f"{size}k") as place:
            status, said = run(place, COMMAND)
            subprocess.run(["mount", "-o", "remount,size=20m", place], check=True)
            after, _ = run(place, arguments_for(place)) if status else (0, [])
            fine = (status, len(said)) in ((0, 0), (2, 1)) and after == 0 and result(place) == result(whole)
            small.note(f"ended {status}", fine, f"{size} kB, status {status}, {said}, then {after}")
    for count in range(11):  # 5 checkpoints, 3 pictures, and the weights; then all is written
        for arguments, tally in ((COMMAND, turn), (LOGGED, log)):
            with disk() as place:
                status, said = run(place, arguments, lambda count=count: full_after(count))
                (place / "ballast").unlink(missing_ok=True)
                after, _ = run(place, arguments_for(place)) if status else (0, [])
                expected = [0] if status == 0 else [1]
                ends = sum("the log ends here" in line for line in said)
                fine = len(said) - ends in expected and ends <= 1 and after == 0 and result(place) == result(whole)
                what = said[-1].split("diffusion_lab: ")[1].split(" could")[0] if said else "finished"
                tally.note(f"{status}, {what}", fine, f"after {count} writes, status {status}, {said}, then {after}")
    for name, arguments in OTHERS.items():
        for there in (False, True):
            for free in (0, 4096):
                with disk() as place:
                    prepared(place)
                    if there:
                        run(place, arguments)
                    fill(place, free)
                    before = contents(place)
                    status, said = run(place, arguments)
                    fine = (status, len(said)) == (2, 1) and contents(place) == before
                    fine = fine or (status == 0 and not said and free)
                    others.note(f"{name} {status}", bool(fine), f"{name}, {free} bytes free, status {status}, {said}")
    for tally in (small, turn, log, others):
        tally.end()


def readonly():
    """A whole disk that can only be read, and single files on one that can be written to."""
    tally = Tally("read-only disk")
    unfinished = [*COMMAND, "--resume"]
    cases = {"train": COMMAND, "train with a log": LOGGED, "resume": unfinished, **OTHERS}
    for name, arguments in cases.items():
        with disk() as place:
            prepared(place)
            if name == "resume":
                run(place, COMMAND, lambda: full_after(3))
                (place / "ballast").unlink()
            before = contents(place)
            subprocess.run(["mount", "-o", "remount,ro", place], check=True)
            status, said = run(place, arguments)
            fine = (status, len(said)) == (2, 1) and contents(place) == before and "could not be written" in said[0]
            tally.note(f"{name} {status}", fine, f"{name}, status {status}, {said}")
    tally.end()
    tally = Tally("read-only file")
    single = {"w.pt": COMMAND, "w.pt.ckpt": unfinished, "w.pt.film.png": unfinished, "w.pt.lock": unfinished}
    single |= {"runs": [*unfinished, "--log", "runs"], "a.png": OTHERS["sample png"], "a.json": OTHERS["evaluate"]}
    for name, arguments in single.items():
        with disk() as place:
            prepared(place)
            if "train" in arguments:
                run(place, COMMAND, lambda: full_after(4))
                (place / "ballast").unlink()
            else:
                run(place, arguments)
            (place / name).mkdir() if name == "runs" else (place / name).touch()
            subprocess.run(["mount", "--bind", place / name, place / name], check=True)
            subprocess.run(["mount", "-o", "remount,bind,ro", place / name], check=True)
            before = contents(place)
            status, said = run(place, arguments)
            fine = (status, len(said)) == (2, 1) and contents(place) == before and f"{name} could not be written" in said[0]
            tally.note(f"{name} {status}", fine, f"{name}, status {status}, {said}")
    tally.end()


def calls():
    """Let each call that writes fail, once or from then on, and go on after it."""
    whole, tally = undisturbed(), Tally("failing calls")
    seen = Path(tempfile.mkdtemp(prefix="disks-")) / "disk"
    seen.mkdir()

    def counting():
        counter = Disk(pytest.MonkeyPatch())
        real = os._exit

        def leave(status):
            (seen / "count").write_text(str(counter.calls))
            real(status)

        os._exit = leave

    run(seen, COMMAND, counting)
    with contextlib.suppress(KeyboardInterrupt):  # what was found until then is printed
        for fails in range(1, int((seen / "count").read_text()) + 1):
            for stays in (False, True):
                place = Path(tempfile.mkdtemp(prefix="disks-")) / "disk"
                place.mkdir()
                prepare = lambda fails=fails, stays=stays: Disk(pytest.MonkeyPatch(), fails, stays)  # noqa: E731
                status, said = run(place, COMMAND, prepare)
                after, _ = run(place, arguments_for(place)) if status else (0, [])
                left = set(contents(place)) - {"w.pt", "w.pt.film.png", "w.pt.lock"}
                fine = (status, len(said)) in ((0, 0), (2, 1)) and after == 0 and result(place) == result(whole) and not left
                how = f"{fails}, {'from then on' if stays else 'once'}"
                tally.note(f"ended {status}", fine, f"call {how}, status {status}, {said}, then {after}, left {left}")
    tally.end()


if __name__ == "__main__":
    torch.set_num_threads(1)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    {"full": full, "readonly": readonly, "calls": calls}[sys.argv[1]]()
