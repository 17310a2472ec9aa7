"""Trainings that are killed and resumed: are weights and film those of the undisturbed run, byte for byte?

    python tests/benchmarks/kills.py 200          # some 10 minutes on one core; a line for each way to die
    python tests/benchmarks/kills.py full         # disks that are too small, as root: they are mounted in memory

Each training is a process of its own, forked from this one. It is killed by SIGKILL, SIGTERM or SIGINT: at a random moment, or
aimed at its writes, just before or after one of the calls that put a file in its place. Then it is resumed to its end.
"""

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import torch

from diffusion_lab.commands import main

DATA = Path(__file__).parent.parent / "inputs" / "plain.png"
RECIPE = ["--updates", "9", "--batch", "4", "--warmup", "2", "--n-feat", "8", "--schedule", "cosine", "--T", "10"]
PLACE = ["--device", "cpu", "--precision", "fp32"]
COMMAND = ["train", "--data", str(DATA), *RECIPE, *PLACE, "--checkpoint-every", "2", "--film-every", "3", "--out", "w.pt"]
CALLS = ("open", "fsync", "replace", "unlink")
WAYS = [(number, aim) for number in (signal.SIGKILL, signal.SIGTERM, signal.SIGINT) for aim in ("random", "writes")]


def child(folder: Path, arguments: list[str], prepare=lambda: None) -> int:
    """Fork a process that runs one command in a folder, with its output in a file there; its number."""
    process = os.fork()
    if process:
        return process
    os.chdir(folder)
    log = os.open("log.txt", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(log, 1)
    os.dup2(log, 2)
    prepare()
    status = 99
    try:
        status = main(arguments)
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(status)


def ended(process: int) -> int:
    """The status of a process: as a shell gives it, negative for a signal that ended it."""
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


def aim(number: int, count: int, after: bool):
    """Send this process a signal at its `count`-th call of those that write, before or after it."""
    seen = [0]

    def wrapped(real):
        def call(*arguments, **settings):
            seen[0] += 1
            hit = seen[0] == count
            if hit and not after:
                os.kill(os.getpid(), number)
            result = real(*arguments, **settings)
            if hit and after:
                os.kill(os.getpid(), number)
            return result

        return call

    for name in CALLS[1:]:
        setattr(os, name, wrapped(getattr(os, name)))


def result(folder: Path) -> tuple[bytes, bytes]:
    return tuple((folder / name).read_bytes() for name in ("w.pt", "w.pt.film.png"))


def arguments_for(folder: Path) -> list[str]:
    return [*COMMAND, "--resume"] if (folder / "w.pt.ckpt").exists() else COMMAND


def kill_one(way: tuple[int, str], seconds: float, chance: random.Random) -> tuple[int, Path]:
    """Start a training, kill it, and resume it to its end; the status of the killed one, and the folder."""
    number, how = way
    folder = Path(tempfile.mkdtemp(prefix="kills-"))
    if how == "writes":
        count, after = chance.randrange(1, 28), chance.random() < 0.5
        status = ended(child(folder, COMMAND, lambda: aim(number, count, after)))
    else:
        process = child(folder, COMMAND)
        time.sleep(chance.uniform(0.02, seconds))
        os.kill(process, number)
        status = ended(process)
    for _ in range(3):
        if (folder / "w.pt").exists() and not (folder / "w.pt.ckpt").exists():
            break
        ended(child(folder, arguments_for(folder)))
    return status, folder


def campaign(kills: int):
    torch.set_num_threads(1)
    chance, outcomes, wrong = random.Random(0), {way: Counter() for way in WAYS}, 0
    whole = Path(tempfile.mkdtemp(prefix="kills-whole-"))
    begin = time.perf_counter()
    assert ended(child(whole, COMMAND)) == 0, (whole / "log.txt").read_text()
    seconds = time.perf_counter() - begin
    for k in range(kills):
        way = WAYS[k % len(WAYS)]
        status, folder = kill_one(way, seconds, chance)
        same = (folder / "w.pt").exists() and result(folder) == result(whole)
        left = sorted(p.name for p in folder.iterdir() if p.name not in ("w.pt", "w.pt.film.png", "log.txt"))
        text = (folder / "log.txt").read_text()
        fine = same and not left and "Traceback" not in text and "fault of ours" not in text and "may be full" not in text
        outcomes[way][f"ended {status}"] += 1
        if not fine:
            wrong += 1
            print(
                f"WRONG: {signal.Signals(way[0]).name} {way[1]}, status {status}, same {same}, left {left}: {folder}",
                flush=True,
            )
    for (number, how), counts in outcomes.items():
        print(f"{signal.Signals(number).name:8} {how:7} {sum(counts.values()):4} kills: {dict(counts)}")
    print(f"{kills} kills, {wrong} wrong; one training takes {seconds:.1f} s")


def full_disks():
    """Train on disks of many sizes that end too soon, then make each larger and resume."""
    torch.set_num_threads(1)
    whole, outcomes, wrong = Path(tempfile.mkdtemp(prefix="kills-whole-")), Counter(), 0
    assert ended(child(whole, COMMAND)) == 0, (whole / "log.txt").read_text()
    for size in range(8, 800, 48):
        folder = Path(tempfile.mkdtemp(prefix="kills-full-"))
        disk = folder / "disk"
        disk.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}k", "tmpfs", disk], check=True)
        try:
            log = folder / "said.txt"
            status = ended(child(disk, COMMAND, lambda log=log: redirect(log)))
            said = [line for line in log.read_text().split("\n") if line.startswith("diffusion_lab: ")]
            subprocess.run(["mount", "-o", "remount,size=20m", disk], check=True)
            if status:
                ended(child(disk, arguments_for(disk), lambda log=log: redirect(log)))
            fine = result(disk) == result(whole) and (status == 0 or (status == 2 and len(said) == 1))
            outcomes[f"ended {status}: {said[0].split('(')[-1].split(')')[0] if said else 'finished'}"] += 1
            if not fine:
                wrong += 1
                print(f"WRONG: {size} kB, status {status}, {said}, {sorted(os.listdir(disk))}", flush=True)
        finally:
            subprocess.run(["umount", disk], check=True)
    print(f"{sum(outcomes.values())} disks of 8 to 800 kB, {wrong} wrong: {dict(outcomes)}")


def redirect(log: Path):
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)


if __name__ == "__main__" and sys.argv[1:] == ["full"]:
    full_disks()
elif __name__ == "__main__":
    campaign(int(sys.argv[1]) if len(sys.argv) > 1 else 200)
