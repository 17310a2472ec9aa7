"""Nothing lost, nothing silent: trainings that go wrong, are stopped, or would write over something; any terminal."""

import math
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from common import ROOT
from PIL import Image

from diffusion_lab import Run, TrainConfig, commands, starting, training
from diffusion_lab.__main__ import main
from diffusion_lab.locks import Lock

INPUTS = ROOT / "tests" / "inputs"
QUICK = ["--batch", "4", "--warmup", "1", "--n-feat", "8", "--device", "cpu", "--precision", "fp32"]


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def train(*more, updates=6):
    return main(["train", "--data", str(INPUTS / "plain.png"), *QUICK, "--updates", str(updates), *more])


def weights(path):
    return torch.load(path, weights_only=True)["model"]


def refused(capsys, *arguments):
    """The sentence with which a command line is refused; the bar of the training may stand before it."""
    try:
        status = main(list(arguments))
    except SystemExit as left:
        status = left.code
    line = capsys.readouterr().err.strip().splitlines()[-1]
    assert status == 2, line
    return line


def at(step, act, monkeypatch):
    """Let `act` happen within update `step` of any run."""
    learn = Run._learn

    def changed(run, *batch):
        loss = learn(run, *batch)
        return (act(run, loss) if run.step == step else None) or loss

    monkeypatch.setattr(Run, "_learn", changed)
    return learn


# ------------------------------------------------------------------ nan


def test_a_training_that_diverges_keeps_what_was_good_and_says_how_to_go_on(monkeypatch, capsys):
    assert train("--out", "w.pt") == 0
    good = Path("w.pt").read_bytes()
    capsys.readouterr()
    learn = at(5, lambda run, loss: loss * math.nan, monkeypatch)
    longer = ["--out", "w.pt", "--resume", "--updates", "12", "--checkpoint-every", "2"]
    said = refused(capsys, "train", "--data", str(INPUTS / "plain.png"), *QUICK, *longer)
    assert "The loss is no number after 5 updates: go on from update 4, which is kept" in said
    assert Path("w.pt").read_bytes() == good and torch.load("w.pt.ckpt", weights_only=True)["step"] == 4
    monkeypatch.setattr(Run, "_learn", learn)
    source, lr = re.search(r"--from (\S+) --lr (\S+) and another --out", said).groups()
    assert train("--from", source, "--lr", lr, "--out", "other.pt") == 0  # the way that is named works
    os.remove(re.search(r"or delete (\S+) and begin again", said)[1])
    assert train("--lr", lr, *longer) == 0


def test_a_training_that_diverges_before_its_first_checkpoint_leaves_nothing_in_the_way(monkeypatch, capsys):
    learn = at(3, lambda run, loss: loss * math.inf, monkeypatch)
    said = refused(capsys, "train", "--data", str(INPUTS / "plain.png"), *QUICK, "--out", "w.pt")
    assert said.endswith("The loss is no number after 3 updates: begin again with --lr 0.001.") and os.listdir() == []
    monkeypatch.setattr(Run, "_learn", learn)
    assert train("--lr", "0.001", "--out", "w.pt") == 0


def test_weights_that_become_infinite_in_the_last_update_are_no_success(monkeypatch, capsys):
    def spoil(run, loss):
        with torch.no_grad():
            run.ema.model.out[3].bias[0] = math.inf

    at(6, spoil, monkeypatch)
    said = refused(capsys, "train", "--data", str(INPUTS / "plain.png"), *QUICK, "--updates", "6", "--out", "w.pt")
    assert "weights are no numbers after 6 updates" in said and not Path("w.pt").exists()


# ------------------------------------------------------------------ signals and deaths


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_writes_a_checkpoint_and_says_how_to_resume(number, status, monkeypatch, capsys):
    assert train("--out", "whole.pt") == 0
    learn = at(3, lambda run, loss: os.kill(os.getpid(), number), monkeypatch)
    capsys.readouterr()
    assert train("--out", "cut.pt") == status
    said = capsys.readouterr().err.splitlines()[-1]
    assert said == "diffusion_lab: stopped after update 3 of 6; add --resume to the same command to go on from there"
    assert torch.load("cut.pt.ckpt", weights_only=True)["step"] == 3 and not Path("cut.pt").exists()
    monkeypatch.setattr(Run, "_learn", learn)
    assert train("--out", "cut.pt", "--resume") == 0
    assert all(torch.equal(a, b) for a, b in zip(weights("whole.pt").values(), weights("cut.pt").values(), strict=True))


def test_a_signal_in_the_last_update_comes_too_late(monkeypatch):
    at(6, lambda run, loss: os.kill(os.getpid(), signal.SIGINT), monkeypatch)
    assert train("--out", "w.pt") == 0 and sorted(os.listdir()) == ["w.pt"]


DIES = """
import os, sys
from diffusion_lab import diary, files
from diffusion_lab.__main__ import main
replace, count = os.replace, [0]
def die(source, target):
    count[0] += 1
    before = sys.argv[2] == "before"
    if not before:
        replace(source, target)
    if count[0] == int(sys.argv[1]):
        os._exit(9)  # as suddenly as SIGKILL
    if before:
        replace(source, target)
os.replace = die
main(sys.argv[3:])
"""


@pytest.mark.parametrize("when", ["before", "after"])
def test_film_and_weights_are_those_of_an_undisturbed_run_wherever_it_died(when, monkeypatch):
    """Killed at each of its writes in turn, before and after the file is in its place, and resumed after each."""
    options = ["--film-every", "1", "--checkpoint-every", "2", "--data", str(INPUTS / "plain.png"), *QUICK, "--updates", "4"]
    environment = os.environ | {"OMP_NUM_THREADS": str(torch.get_num_threads()), "PYTHONPATH": str(ROOT)}
    assert main(["train", *options, "--out", "whole.pt"]) == 0
    deaths = 0
    for turn in (2, 3, 5):
        resume = ["--resume"] if Path("cut.pt.ckpt").exists() else []
        command = [sys.executable, "-c", DIES, str(turn), when, "train", *options, "--out", "cut.pt", *resume]
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
        deaths += done.returncode == 9
        assert done.returncode == 9, done.stderr
    assert deaths == 3 and main(["train", *options, "--out", "cut.pt", "--resume"]) == 0
    assert all(torch.equal(a, b) for a, b in zip(weights("whole.pt").values(), weights("cut.pt").values(), strict=True))
    films = [np.asarray(Image.open(f"{name}.pt.film.png")) for name in ("whole", "cut")]
    assert np.array_equal(*films)
    assert sorted(os.listdir()) == ["cut.pt", "cut.pt.film.png", "whole.pt", "whole.pt.film.png"]  # and nothing else is left


# ------------------------------------------------------------------ one out, one writer


def test_two_trainings_into_one_out_are_refused_also_with_resume(capsys):
    with Lock(Path("w.pt")):
        for more in ([], ["--resume"]):
            assert train("--out", "w.pt", *more) == 2
            assert "Another training writes w.pt now" in capsys.readouterr().err
    assert train("--out", "w.pt") == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train", "--data", "mine.npy", "--out", "mine.npy"], "mine.npy is also what is read"),
        (["train", "--data", "mine.npy", "--out", "mine_labels.npy"], "mine_labels.npy is also what is read"),
        (["train", "--data", "mine.npy", "--out", "link.npy"], "link.npy is also what is read"),
        (["train", "--data", "art", "--out", "art/w.pt", "--film-every", "1"], "art/w.pt.film.png lies in art, which is read"),
        (["train", "--data", "sheet.pt.film.png", "--out", "sheet.pt", "--film-every", "1"], "is also what is read"),
        (["train", "--data", "art", "--preview", "art/look.png"], "art/look.png lies in art"),
        (["train", "--from", "w.pt", "--data", "mine.npy", "--out", "w.pt"], "w.pt is also what is read"),
        (["train", "--data", "mine.npy", "--out", "notes.txt"], "notes.txt is there and is no file of weights"),
        (["train", "--data", "mine.npy", "--out", "other.ckpt"], "other.ckpt is there and is the checkpoint of another run"),
        (["train", "--data", "mine.npy", "--out", "text.pt"], "text.pt.ckpt is there and is no checkpoint"),
        (["train", "--data", "mine.npy", "--out", "shot.pt", "--film-every", "1"], "shot.pt.film.png is there and is no film"),
        (["train", "--data", "mine.npy", "--out", "new.pt", "--resume"], "nothing to go on with: leave --resume out"),
        (["train", "--data", "mine.npy", "--out", "folder.pt"], "folder.pt.ckpt could not be written (it is a folder)"),
        (["train", "--data", "mine.npy", "--out", "lost.pt"], "lost.pt.ckpt could not be written"),
        (["train", "--data", "mine.npy", "--out", "n" * 252], ".ckpt could not be written (File name too long)"),
        (["train", "--data", "mine.npy", "--out", "/dev/null"], "/dev/null could not be written (it is no regular file)"),
        (["sample", "--weights", "w.png", "--out", "w.png"], "w.png is also what is read"),
        (["evaluate", "--weights", "w.pt", "--out", "w.pt"], "w.pt is also what is read"),
        (["evaluate", "--weights", "w.pt", "--data", "mine.npy", "--out", "mine.npy"], "mine.npy is also what is read"),
    ],
)
def test_nothing_is_written_over_what_is_read_or_is_anothers(arguments, message, capsys):
    np.save("mine.npy", np.random.default_rng(0).integers(0, 256, (4, 16, 16, 3), dtype=np.uint8))
    np.save("mine_labels.npy", np.arange(4))
    Path("link.npy").symlink_to("mine.npy")
    Path("art").mkdir()
    for name in ("art/a.png", "sheet.pt.film.png"):
        Image.open(INPUTS / "plain.png").save(name)
    for name in ("notes.txt", "text.pt.ckpt", "shot.pt.film.png"):
        Path(name).write_text("precious")
    Path("folder.pt.ckpt").mkdir()
    Path("lost.pt.ckpt").symlink_to("nowhere/else")
    run = Run(TrainConfig(updates=1, n_feat=8), "cpu")
    run.export("w.pt")
    run.export("w.png")
    run.save("other.ckpt")
    before = {path: path.read_bytes() for path in Path().rglob("*") if path.is_file()}
    assert message in refused(capsys, *arguments)
    assert {path: path.read_bytes() for path in Path().rglob("*") if path.is_file()} == before


def test_a_finished_run_says_so_and_goes_on_with_more_updates(capsys):
    assert train("--out", "w.pt") == 0
    capsys.readouterr()
    first = weights("w.pt")
    data = ["train", "--data", str(INPUTS / "plain.png"), *QUICK, "--out", "w.pt", "--resume"]
    assert "w.pt is finished, after 6 updates: to train longer, add --resume and a larger number, as --updates 12" in refused(
        capsys, *data
    )
    assert "is finished" in refused(capsys, *data, "--updates", "6")
    assert train("--out", "w.pt", "--resume", updates=9) == 0
    assert "3 more, from its weights" in capsys.readouterr().out
    assert any(not torch.equal(a, b) for a, b in zip(first.values(), weights("w.pt").values(), strict=True))


def test_a_resumed_run_may_get_more_updates(monkeypatch, capsys):
    learn = at(3, lambda run, loss: os.kill(os.getpid(), signal.SIGINT), monkeypatch)
    assert train("--out", "w.pt") == 130
    monkeypatch.setattr(Run, "_learn", learn)
    assert train("--out", "w.pt", "--resume", updates=8) == 0
    assert "8 updates instead of 6" in capsys.readouterr().out
    assert torch.load("w.pt", weights_only=True)["history"]["updates"] == 8


# ------------------------------------------------------------------ memory, compilers, faults


def test_what_needs_more_memory_than_there_is_is_refused_before_the_work(monkeypatch, capsys):
    monkeypatch.setattr(starting, "_memory", lambda: 10**9)
    data = ["train", "--data", str(INPUTS / "plain.png"), "--n-feat", "64", "--device", "cpu", "--out", "w.pt"]
    said = refused(capsys, *data, "--batch", "60000")
    assert "--batch 60,000 needs about 197 GB of memory, and this machine has 1: take a lower number" in said
    assert os.listdir() == []
    monkeypatch.setattr(starting, "_memory", lambda: 10**7)
    assert "-n 2,000 needs about" in refused(capsys, "sample", "-n", "2000", "--out", "a.png", "--device", "cpu")


def test_memory_that_runs_out_in_the_work_is_one_sentence_and_leaves_nothing_in_the_way(monkeypatch, capsys):
    def run_out(run, loss):
        raise RuntimeError("[enforce fail at alloc_cpu.cpp:121] . DefaultCPUAllocator: can't allocate memory: you tried")

    at(1, run_out, monkeypatch)
    said = refused(capsys, "train", "--data", str(INPUTS / "plain.png"), *QUICK, "--out", "w.pt")
    assert said == f"diffusion_lab: {starting.NO_MEMORY}" and os.listdir() == []


def test_without_a_compiler_the_training_goes_on(monkeypatch, capsys):
    monkeypatch.setattr(starting.shutil, "which", lambda name: None)
    monkeypatch.setattr(training.torch, "compile", lambda network: pytest.fail("there is no compiler"))
    assert train("--out", "w.pt", "--compile") == 0
    assert "--compile needs a C++ compiler, and there is none here: the training goes on without it" in capsys.readouterr().out


def test_a_fault_of_ours_is_one_sentence_with_the_trace_in_a_file(monkeypatch, capsys):
    def broken(name):
        raise ZeroDivisionError("nobody\nforesaw this")

    monkeypatch.setattr(commands, "load_model", broken)
    assert main(["words"]) == 70
    said = capsys.readouterr().err.strip()
    path = Path(re.search(r"send (\S+\.txt) and what", said)[1])
    assert said.startswith("diffusion_lab: this is a fault of ours (ZeroDivisionError: nobody): send") and "\n" not in said
    assert "in broken" in path.read_text()
    path.unlink()


# ------------------------------------------------------------------ any terminal


def in_a_shell(line, **more):
    """What a line of a shell gives: `lab` stands for python -m diffusion_lab."""
    lab = f"{sys.executable} -m diffusion_lab"
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"} | more
    line = f"set -o pipefail; {line.replace('lab ', lab + ' ', 1)}"
    return subprocess.run(["bash", "-c", line], env=environment, capture_output=True)


@pytest.mark.parametrize(
    ("line", "status"),
    [
        ("lab words | head -1", 0),
        ("lab words >&-", 0),
        ("lab words --weights none.pt 2>&-", 2),
        ("lab train --help | head -1", 0),
    ],
)
def test_a_closed_or_leaving_reader_is_no_error(line, status):
    done = in_a_shell(line)
    assert done.returncode == status and done.stderr == b"", done


def test_what_a_full_disk_does_not_take_is_said_though_the_work_is_done():
    sentence = b"diffusion_lab: what was to be printed could not be written (No space left on device)\n"
    Run(TrainConfig(updates=1, n_feat=8, T=2), "cpu").export("w.pt")
    for command in ("words", "sample -n 1 --steps 1 --device cpu --out a.png", "train --help"):
        weights = "" if "help" in command else "--weights w.pt"
        done = in_a_shell(f"lab {command} {weights} >/dev/full")
        assert (done.returncode, done.stderr) == (2, sentence), command
    assert Image.open("a.png").size == (72, 72)


def test_a_terminal_that_knows_few_letters_gets_all_but_these():
    done = in_a_shell("lab train --help", PYTHONIOENCODING="ascii", LC_ALL="C", PYTHONUTF8="0")
    assert done.returncode == 0 and b"usage: " in done.stdout and not done.stderr
    done = in_a_shell("lab train --data ü.png", PYTHONIOENCODING="ascii")
    assert done.returncode == 2 and done.stderr.startswith(b"diffusion_lab: ?.png does not exist")


INTERRUPTED = """
import builtins, os, runpy, signal, sys
real = __import__
def hook(name, globals=None, locals=None, fromlist=(), level=0):
    if name == "torch":
        os.kill(os.getpid(), signal.SIGINT)
    return real(name, globals, locals, fromlist, level)
builtins.__import__ = hook
runpy.run_module("diffusion_lab", run_name="__main__")
"""


@pytest.mark.parametrize("command", ["words", "doctor"])
def test_ctrl_c_while_importing_leaves_no_trace(command):
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", INTERRUPTED, command], env=environment, capture_output=True)
    assert done.returncode == -signal.SIGINT and done.stderr == b"", done
