"""Trainings that are killed and resumed: are weights and film those of the undisturbed run, byte for byte?

    python tests/benchmarks/kills.py 200          # some 10 minutes on one core; a line for each way to die

Each training is a process of its own, forked from this one. It is killed by SIGKILL, SIGTERM or SIGINT: at a random moment of
its work, or aimed at its writes, just before or after one of the calls that put a file in its place; by SIGINT also twice, as
impatient people do. Then it is resumed to its end. Ctrl-C ends the campaign, and prints what was found until then.
"""

import os
import random
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

import torch

from diffusion_lab import Run
from diffusion_lab.commands import main

DATA = Path(__file__).parent.parent / "inputs" / "plain.png"
RECIPE = ["--updates", "9", "--batch", "4", "--warmup", "2", "--n-feat", "8", "--schedule", "cosine", "--T", "10"]
PLACE = ["--device", "cpu", "--precision", "fp32"]
COMMAND = ["train", "--data", str(DATA), *RECIPE, *PLACE, "--checkpoint-every", "2", "--film-every", "3", "--out", "w.pt"]
CALLS = ("fsync", "replace", "unlink")
WAYS = [(number, aim) for number in (signal.SIGKILL, signal.SIGTERM, signal.SIGINT) for aim in ("random", "writes")]
WAYS.append((signal.SIGINT, "twice"))


def child(folder: Path, arguments: list[str], prepare=lambda: None, log: str = "log.txt") -> int:
    """Fork a process that runs one command in a folder, with its output in a file there; its number."""
    process = os.fork()
    if process:
        return process
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # what a shell starts in the background ignores it
    os.chdir(folder)
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
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

    for name in CALLS:
        setattr(os, name, wrapped(getattr(os, name)))


def alarm(number: int, step: int, seconds: float, times: int):
    """Send this process a signal so many seconds after an update of its training began, once or twice."""
    learn = Run._learn

    def strike():
        for _ in range(times):
            os.kill(os.getpid(), number)
            time.sleep(0.02)  # of two at the same time Python sees one

    def changed(run, *batch):
        if run.step == step:
            timer = threading.Timer(seconds, strike)
            timer.daemon = True
            timer.start()
        return learn(run, *batch)

    Run._learn = changed


def result(folder: Path) -> tuple[bytes, bytes]:
    """What a training left: the bytes of the weights and of the film."""
    return tuple((folder / name).read_bytes() for name in ("w.pt", "w.pt.film.png"))


def arguments_for(folder: Path) -> list[str]:
    """How to go on in a folder."""
    return [*COMMAND, "--resume"] if (folder / "w.pt.ckpt").exists() else COMMAND


def undisturbed() -> Path:
    """The folder of a training to its end."""
    torch.set_num_threads(1)
    whole = Path(tempfile.mkdtemp(prefix="kills-whole-"))
    assert ended(child(whole, COMMAND)) == 0, (whole / "log.txt").read_text()
    return whole


def kill_one(way: tuple[int, str], seconds: float, chance: random.Random) -> tuple[int, Path]:
    """Start a training, kill it, and resume it to its end; the status of the killed one, and the folder."""
    number, how = way
    folder = Path(tempfile.mkdtemp(prefix="kills-"))
    count, after, step, moment = chance.randrange(1, 28), chance.random() < 0.5, chance.randrange(1, 9), chance.random()
    times = 2 if how == "twice" else 1
    prepare = lambda: aim(number, count, after) if how == "writes" else alarm(number, step, moment * seconds / 9, times)  # noqa: E731
    status = ended(child(folder, COMMAND, prepare))
    for _ in range(3):
        if (folder / "w.pt").exists() and not any((folder / f"w.pt.{end}").exists() for end in ("ckpt", "lock")):
            break
        ended(child(folder, arguments_for(folder)))  # of a finished training: it says so, and clears the lock
    return status, folder


def campaign(kills: int):
    """Kill so many trainings, in all ways in turn; print what is wrong at once, and a table at the end, also after Ctrl-C."""
    chance, outcomes, wrong = random.Random(0), {way: Counter() for way in WAYS}, 0
    whole = undisturbed()
    begin = time.perf_counter()
    ended(child(Path(tempfile.mkdtemp(prefix="kills-")), COMMAND))
    seconds = time.perf_counter() - begin
    try:
        for k in range(kills):
            way = WAYS[k % len(WAYS)]
            status, folder = kill_one(way, seconds, chance)
            same = (folder / "w.pt").exists() and result(folder) == result(whole)
            left = sorted(p.name for p in folder.iterdir() if p.name not in ("w.pt", "w.pt.film.png", "log.txt"))
            text = (folder / "log.txt").read_text()
            silent = not any(bad in text for bad in ("Traceback", "fault of ours", "may be full", "Exception ignored"))
            outcomes[way][f"ended {status}"] += 1
            if not (same and silent and not left):
                wrong += 1
                name = signal.Signals(way[0]).name
                print(f"WRONG: {name} {way[1]}, status {status}, same {same}, left {left}: {folder}", flush=True)
    except KeyboardInterrupt:
        print("stopped")
    for (number, how), counts in outcomes.items():
        print(f"{signal.Signals(number).name:8} {how:7} {sum(counts.values()):4} kills: {dict(counts)}")
    done = sum(sum(counts.values()) for counts in outcomes.values())
    print(f"{done} kills, {wrong} wrong; one training takes {seconds:.1f} s")


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    campaign(int(sys.argv[1]) if len(sys.argv) > 1 else 200)
