"""Disks that are full, and places that can only be read: one sentence, nothing lost, and the training goes on from there."""

import errno
import os
import types
from pathlib import Path

import numpy as np
import pytest
from common import ROOT
from PIL import Image

from diffusion_lab import Run, TrainConfig, commands, files
from diffusion_lab.__main__ import main

INPUTS = ROOT / "tests" / "inputs"
QUICK = ["--batch", "4", "--warmup", "1", "--n-feat", "8", "--T", "3", "--schedule", "cosine", "--device", "cpu"]
TRAIN = ["train", "--data", str(INPUTS / "plain.png"), *QUICK, "--precision", "fp32", "--updates", "2", "--out", "w.pt"]
FILMED = [*TRAIN, "--checkpoint-every", "1", "--film-every", "1"]
CALLS = ("open", "write", "fsync", "replace", "unlink", "chmod")


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def said(capsys):
    """The sentences on stderr; the bar of a training may stand before them."""
    return [line.split("\r")[-1] for line in capsys.readouterr().err.splitlines() if "diffusion_lab: " in line]


def contents():
    return {str(path): path.read_bytes() for path in sorted(Path().rglob("*")) if path.is_file()}


class Disk:
    """Counts the calls that write, and lets the `fails`-th of them fail, and all after it if it stays full.

    What is deleted on a full disk is deleted: then only the `fails`-th call may be one that deletes.
    """

    def __init__(self, patch, fails=0, stays=False, number=errno.ENOSPC):
        self.calls, self.fails, self.stays, self.number = 0, fails, stays, number
        for name in ("open", "fsync", "replace", "unlink", "chmod"):
            patch.setattr(os, name, self.counted(getattr(os, name), name))
        patch.setattr(files, "open", self.opened, raising=False)

    def counted(self, real, name):
        def call(*arguments, **settings):
            if name != "open" or (len(arguments) > 1 and arguments[1] & os.O_CREAT):
                self.meet(name)
            return real(*arguments, **settings)

        return call

    def opened(self, path, mode="r"):
        if "w" not in mode:
            return open(path, mode)
        self.meet("open")
        file = open(path, mode)
        write = file.write
        proxy = types.SimpleNamespace(write=self.counted(write, "write"), flush=file.flush, fileno=file.fileno)
        return Entered(file, proxy)

    def meet(self, name):
        self.calls += 1
        if self.calls == self.fails or (self.stays and 0 < self.fails < self.calls and name != "unlink"):
            raise OSError(self.number, os.strerror(self.number))


class Entered:
    """A file in a with statement, seen through a proxy."""

    def __init__(self, file, proxy):
        self.file, self.proxy = file, proxy

    def __enter__(self):
        return self.proxy

    def __exit__(self, *error):
        self.file.close()


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """What an undisturbed training leaves, and how many calls write in it."""
    folder = tmp_path_factory.mktemp("whole")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        disk = Disk(patch)
        assert main(FILMED) == 0
    return {path.name: path.read_bytes() for path in folder.iterdir()}, disk.calls


def test_a_training_survives_a_failure_of_each_of_its_writes(whole, monkeypatch, capsys):
    """Every other disk stays full; `tests/benchmarks/kills.py calls` tries all of them both ways."""
    undisturbed, calls = whole
    assert sorted(undisturbed) == ["w.pt", "w.pt.film.png"] and calls > 30
    for fails in range(1, calls + 1):
        folder = Path(f"{fails}")
        folder.mkdir()
        with monkeypatch.context() as patch:
            patch.chdir(folder)
            Disk(patch, fails, stays=fails % 2 == 0)
            status = main(FILMED)
        sentences = said(capsys)
        assert (status, len(sentences)) in ((0, 0), (2, 1)), (fails, status, sentences)
        assert status == 0 or "No space left on device" in sentences[0], (fails, sentences)
        with monkeypatch.context() as patch:
            patch.chdir(folder)
            kept = status == 2 and any(way in sentences[0] for way in ("--resume", "w.pt.ckpt could not be deleted"))
            assert Path("w.pt.ckpt").exists() == kept, (fails, sentences)  # what is promised is there
            if kept:
                assert main([*FILMED, "--resume"]) == 0, fails
            elif not Path("w.pt").exists():
                assert main(FILMED) == 0, fails
        capsys.readouterr()
        left = {path.name: path.read_bytes() for path in folder.iterdir()}
        assert (left.pop("w.pt.lock", None) is None) == (fails < calls), fails  # its deletion is the last; it locks nothing
        assert left == undisturbed, fails


def test_each_other_command_leaves_what_was_there(monkeypatch, capsys):
    Run(TrainConfig(updates=1, n_feat=8, T=10), "cpu").export("v.pt")
    np.save("a.npy", np.random.default_rng(0).integers(0, 256, (8, 16, 16, 3), dtype=np.uint8))
    drawn = ["--weights", "v.pt", "--device", "cpu", "--steps", "1"]
    commands = [
        ["sample", *drawn, "-n", "2", "--out", "a.png"],
        ["sample", *drawn, "-n", "2", "--out", "a.gif"],
        ["evaluate", *drawn, "--data", "a.npy", "-n", "4", "--out", "a.json"],
        ["train", "--data", "a.npy", "--preview", "look.png"],
    ]
    for command in commands:
        for existing in (False, True):
            before, fails = contents(), 0
            while True:
                fails += 1
                with monkeypatch.context() as patch:
                    disk = Disk(patch, fails)
                    status = main(command)
                told = capsys.readouterr()
                if disk.calls < fails:
                    break
                name = command[-1]
                if status:
                    wrong = f"diffusion_lab: {name} could not be written (No space left on device); "
                    assert told.err == f"{wrong}free some space or choose another place.\n" and contents() == before
                    assert command[0] != "evaluate" or "nearest" in told.out  # the figures are not lost
                else:  # only a temporary file, already renamed, could not be deleted
                    assert (fails, told.err) == (disk.calls, "")
                    if not existing:
                        os.remove(name)
            assert status == 0 and fails > 4 and set(contents()) - set(before) <= {command[-1]}


def test_a_log_that_cannot_be_written_any_more_ends_and_the_training_goes_on(whole, monkeypatch, capsys):
    class Full:
        def __init__(self, folder):
            self.left = 2

        def add_scalar(self, *_):
            self.left -= 1
            if not self.left:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        def add_image(self, *_, **__):
            self.add_scalar()

        def close(self):
            raise AssertionError("it is given up")

    monkeypatch.setattr("diffusion_lab.log._tensorboard", lambda: Full)
    assert main([*FILMED, "--log", "runs"]) == 0
    wrong = "diffusion_lab: runs could not be written (No space left on device): the log ends here, the training goes on"
    assert said(capsys) == [wrong]
    assert contents() == whole[0]


# ------------------------------------------------------------------ places that can only be read


def readable(monkeypatch, *names):
    """Let these files and folders be such that can only be read, as the system says it; other rights do not bind root."""
    real = os.access

    def access(path, mode, **more):
        return real(path, mode, **more) and not (mode & os.W_OK and os.path.realpath(path) in map(os.path.realpath, names))

    monkeypatch.setattr(os, "access", access)


@pytest.mark.parametrize(
    ("place", "arguments", "message"),
    [
        (".", FILMED, "w.pt could not be written ("),
        ("w.pt.ckpt", [*FILMED, "--resume"], "w.pt.ckpt could not be written (it may only be read); choose another place."),
        ("w.pt.film.png", FILMED, "w.pt.film.png could not be written (it may only be read); choose another place."),
        ("w.pt.lock", FILMED, "w.pt.lock could not be written (it may only be read); choose another place."),
        ("runs", [*TRAIN, "--log", "runs"], "runs could not be written (it may only be read); choose another place."),
        ("runs", [*TRAIN, "--log", "runs/1/2"], "runs/1/2 could not be written (runs: it may only be read); choose another"),
        ("look.png", ["train", "--data", "a.npy", "--preview", "look.png"], "look.png could not be written (it may only be r"),
        (".", ["train", "--data", "a.npy", "--preview", "new.png"], "new.png could not be written ("),
        (".", ["sample", "--weights", "w.pt", "--out", "new.png"], "new.png could not be written ("),
        (".", ["evaluate", "--weights", "w.pt", "--data", "a.npy", "--out", "new.json"], "new.json could not be written ("),
    ],
)
def test_a_place_that_can_only_be_read_is_said_before_the_work(place, arguments, message, monkeypatch, capsys):
    Path("runs").mkdir()
    Path("w.pt.lock").touch()
    for name in ("w.pt.film.png", "look.png"):
        Image.new("RGB", (4, 4)).save(name)
    np.save("a.npy", np.random.default_rng(0).integers(0, 256, (8, 16, 16, 3), dtype=np.uint8))
    Run(TrainConfig(updates=1, n_feat=8), "cpu").save("w.pt.ckpt")
    before = contents()
    readable(monkeypatch, place)
    for name in ("load_path", "load_sprites", "load_model"):
        monkeypatch.setattr(commands, name, lambda *_: pytest.fail("the work has begun"))
    assert main(arguments) == 2
    assert [line.startswith(f"diffusion_lab: {message}") for line in said(capsys)] == [True]
    assert contents() == before


@pytest.mark.parametrize("number", [errno.EROFS, errno.EACCES])
def test_a_place_that_refuses_only_when_it_is_written_to(number, monkeypatch, capsys):
    """Some network drives say that they can be written to. The first write is before the work."""
    with monkeypatch.context() as patch:
        Disk(patch, fails=1, stays=True, number=number)
        assert main(FILMED) == 2
    assert said(capsys) == [f"diffusion_lab: w.pt.lock could not be written ({os.strerror(number)}); choose another place."]
    with monkeypatch.context() as patch:
        Disk(patch, fails=2, stays=True, number=number)
        patch.setattr(Run, "_learn", lambda *_: pytest.fail("the work has begun"))
        assert main(FILMED) == 2
    sentence = f"w.pt.ckpt could not be written ({os.strerror(number)}); free some space or choose another place."
    assert said(capsys) == [f"diffusion_lab: {sentence}"]
    assert contents() == {}
