"""What a command may write over, and what it says when it may not: finished trainings, pictures, figures."""

import os
import signal
from pathlib import Path

import numpy as np
import pytest
import torch
from common import ROOT
from PIL import Image

from diffusion_lab import Run, TrainConfig, viz
from diffusion_lab.__main__ import main
from diffusion_lab.weights import history

INPUTS = ROOT / "tests" / "inputs"
QUICK = ["--batch", "4", "--warmup", "1", "--n-feat", "8", "--device", "cpu", "--precision", "fp32"]


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.save("a.npy", np.random.default_rng(0).integers(0, 256, (8, 16, 16, 3), dtype=np.uint8))


def train(updates, *more, data="a.npy"):
    return main(["train", "--data", str(data), *QUICK, "--updates", str(updates), "--out", "w.pt", *more])


def last_line(capsys):
    return capsys.readouterr().err.split("\r")[-1].strip().splitlines()[-1]


def numbers(path):
    return torch.load(path, weights_only=True)["model"]


# ------------------------------------------------------------------ finished trainings


def test_the_same_training_twice_keeps_the_first_and_says_what_can_be_done(capsys):
    assert train(6) == 0
    first = Path("w.pt").read_bytes()
    for again in (6, 12):
        assert train(again) == 2
        ways = "to train it longer, add --resume and a larger number, as --updates 12; to begin another, give another --out"
        assert last_line(capsys) == f"diffusion_lab: w.pt is a finished training, after 6 updates: {ways}, or delete it."
    assert Path("w.pt").read_bytes() == first and sorted(os.listdir()) == ["a.npy", "w.pt"]
    assert train(12, "--resume") == 0  # each of the three ways works
    assert train(2, "--out", "other.pt") == 0
    os.remove("w.pt")
    assert train(6) == 0 and Path("w.pt").read_bytes() == first


def test_trained_weights_that_do_not_say_how_long_are_not_replaced(capsys):
    run = Run(TrainConfig(updates=1, n_feat=8), "cpu")
    run.export("w.pt")  # after no update
    before = Path("w.pt").read_bytes()
    assert train(2) == 2
    assert last_line(capsys) == "diffusion_lab: w.pt holds trained weights: to begin another, give another --out, or delete it."
    assert Path("w.pt").read_bytes() == before
    Path("w.pt").write_bytes(b"")  # as mktemp leaves it
    assert train(2) == 0


def test_a_training_that_is_made_longer_counts_all_its_updates(monkeypatch, capsys):
    assert train(6) == 0 and train(9, "--resume") == 0
    assert capsys.readouterr().out.splitlines()[-1] == "w.pt: 36 images seen"
    assert (history("w.pt")["updates"], history("w.pt")["images"]) == (9, 36)
    assert train(9, "--resume") == 2
    assert "w.pt is finished, after 9 updates" in last_line(capsys)


def test_a_longer_training_that_was_stopped_goes_on_with_the_same_command(monkeypatch, capsys):
    assert train(6) == 0 and train(10, "--resume", "--out", "w.pt") == 0
    whole = numbers("w.pt")
    os.remove("w.pt")
    assert train(6) == 0
    learn = Run._learn

    def stopped(run, *batch):
        if run.step == 2:
            os.kill(os.getpid(), signal.SIGINT)
        return learn(run, *batch)

    monkeypatch.setattr(Run, "_learn", stopped)
    assert train(10, "--resume") == 130
    assert torch.load("w.pt.ckpt", weights_only=True)["before"] == [6, 24] and history("w.pt")["updates"] == 6
    monkeypatch.setattr(Run, "_learn", learn)
    assert train(10) == 2
    assert "w.pt.ckpt is an unfinished run: add --resume" in last_line(capsys)
    assert train(10, "--resume") == 0
    assert all(torch.equal(a, b) for a, b in zip(whole.values(), numbers("w.pt").values(), strict=True))
    assert history("w.pt")["updates"] == 10


def test_a_finished_training_is_made_longer_with_its_own_sprites(capsys):
    assert train(2) == 0
    before = Path("w.pt").read_bytes()
    assert train(4, "--resume", data=INPUTS / "plain.png") == 2
    assert last_line(capsys).endswith("These are not the sprites that the run began with: give the same ones to resume.")
    assert Path("w.pt").read_bytes() == before and not Path("w.pt.ckpt").exists()


@pytest.mark.parametrize("before", [[-1, 0], [1.5, 0], [1], "no", None, [True, 1]])
def test_a_damaged_count_in_a_checkpoint_is_refused(before):
    run = Run(TrainConfig(updates=2, n_feat=8), "cpu")
    run.save("c.ckpt")
    state = torch.load("c.ckpt", weights_only=True)
    torch.save(state | {"before": before}, "c.ckpt")
    with pytest.raises(ValueError, match="damaged checkpoint"):
        Run.load("c.ckpt", "cpu")


# ------------------------------------------------------------------ pictures and figures


def test_pictures_and_films_that_the_package_made_are_known_as_its_own():
    from diffusion_lab.places import is_picture

    frames = torch.rand(3, 2, 3, 16, 16)
    for name, data in (("a.png", viz.png(viz.grid(frames[0]))), ("a.gif", viz.gif(frames))):
        Path(name).write_bytes(data)
        assert is_picture(Path(name))
        Image.open(name).save(f"other.{name}", **({"comment": b"mine"} if name == "a.gif" else {}))
        assert not is_picture(Path(f"other.{name}"))


OTHERS = "is there and was not made by this program: give another name, or move it away."


@pytest.mark.parametrize("name", ["mine.png", "mine.gif", "text.png"])
def test_another_picture_is_not_drawn_over(name, capsys):
    Run(TrainConfig(updates=1, n_feat=8, T=2), "cpu").export("w.pt")
    Image.new("RGB", (64, 64), "red").save("mine.png")
    Image.new("RGB", (64, 64), "red").save("mine.gif")
    Path("text.png").write_text("precious")
    Path("t.csv").write_text("mine.png,cat\n")
    before = Path(name).read_bytes()
    assert main(["sample", "--weights", "w.pt", "--out", name, "--device", "cpu"]) == 2
    assert last_line(capsys) == f"diffusion_lab: {name} {OTHERS}"
    if name.endswith(".png"):
        for data in ("a.npy", "t.csv"):  # also where it is one of the pictures that are read
            assert main(["train", "--data", data, "--preview", name]) == 2
            assert last_line(capsys) == f"diffusion_lab: {name} {OTHERS}"
    assert Path(name).read_bytes() == before


def test_what_a_command_made_it_makes_anew(capsys):
    Run(TrainConfig(updates=1, n_feat=8, T=2), "cpu").export("w.pt")
    draw = ["--weights", "w.pt", "--device", "cpu", "--steps", "1", "-n", "2"]
    for command in (
        ["sample", *draw, "--out", "p.png"],
        ["sample", *draw, "--out", "p.gif"],
        ["train", "--data", "a.npy", "--preview", "look.png"],
        ["evaluate", *draw, "--data", "a.npy", "--out", "s.json"],
    ):
        assert main(command) == 0 and main(command) == 0


@pytest.mark.parametrize("text", ["{}", '{"command": 1}', "[]", "precious", '{"name": "package", "version": "1"}'])
def test_another_json_is_not_replaced_by_figures(text, capsys):
    Run(TrainConfig(updates=1, n_feat=8, T=2), "cpu").export("w.pt")
    Path("s.json").write_text(text)
    assert main(["evaluate", "--weights", "w.pt", "--data", "a.npy", "-n", "2", "--out", "s.json", "--device", "cpu"]) == 2
    assert last_line(capsys) == f"diffusion_lab: s.json {OTHERS}" and Path("s.json").read_text() == text
