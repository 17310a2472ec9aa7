"""The command line, as a user calls it: in a process of its own where that matters, else through main()."""

import hashlib
import json
import os
import subprocess
import sys
import types
from pathlib import Path

import numpy as np
import pytest
import torch
from common import ROOT
from PIL import Image

from diffusion_lab import ContextUnet, Run, State, TrainConfig, commands, doctor, load_model, sprites
from diffusion_lab.__main__ import main
from diffusion_lab.commands import contexts_of
from diffusion_lab.devices import gains_from_bf16


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    path = tmp_path_factory.mktemp("weights") / "w.pt"
    run = Run(TrainConfig(steps=1))
    with torch.no_grad():  # a new network hardly hears the context; this one does
        for name, p in run.ema.model.named_parameters():
            if "contextembed" in name:
                p.mul_(30)
    run.export(path)
    return path


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def sample(weights, *more):
    return main(["sample", "--weights", str(weights), "-n", "4", "--steps", "3", *more])


def test_the_same_seed_writes_the_same_bytes(weights, tmp_path):
    for name in ("a.gif", "a.png"):
        assert sample(weights, "--out", name, "--class", "hero") == 0
        first = (tmp_path / name).read_bytes()
        assert sample(weights, "--out", name, "--class", "hero") == 0
        assert (tmp_path / name).read_bytes() == first
        assert sample(weights, "--out", name, "--class", "hero", "--seed", "1") == 0
        assert (tmp_path / name).read_bytes() != first


def test_a_png_is_the_sheet_and_a_gif_the_film(weights, tmp_path):
    assert sample(weights, "--out", "a.png") == 0 and sample(weights, "--out", "a.gif") == 0
    assert Image.open(tmp_path / "a.png").size == (4 * 69, 4 * 18)
    assert Image.open(tmp_path / "a.gif").n_frames == 4


def test_sampler_guidance_class_and_eta_change_the_result(weights, tmp_path):
    pictures = set()
    variants = [
        [],
        ["--class", "food"],
        ["--class", "none"],
        ["--guidance", "4"],
        ["--eta", "1"],
        ["--sampler", "ddpm"],
        ["--sampler", "dpmpp_2m"],
    ]
    for options in variants:
        assert sample(weights, "--out", "a.png", *options) == 0
        pictures.add((tmp_path / "a.png").read_bytes())
    assert len(pictures) == len(variants)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--out", "a.jpg"], "--out must end in .gif or .png"),
        (["--out", "a.png", "--steps", "0"], "steps must be a whole number from 1 to 500"),
        (["--out", "a.png", "--steps", "501"], "steps must be a whole number from 1 to 500"),
        (["--out", "a.png", "-n", "0"], "-n must be at least 1"),
        (["--out", "a.png", "--eta", "2"], "eta must be from 0 to 1"),
        (["--out", "a.png", "--eta", "1", "--sampler", "ddpm"], "--eta belongs to --sampler ddim"),
        (["--out", "a.png", "--weights", "none.pt"], "none.pt does not exist"),
        (["--out", "a.png", "--guidance", "nan"], "guidance must be a number"),
        (["--out", "a.png", "--seed", "-1"], "--seed must be a whole number from 0"),
        (["--out", "nowhere/a.png"], "could not be written"),
    ],
)
def test_bad_input_is_one_sentence_and_a_non_zero_exit(weights, options, message, capsys):
    assert sample(weights, *options) == 2
    error = capsys.readouterr().err.strip()
    assert message in error and len(error.splitlines()) == 1


def test_an_unknown_class_is_one_sentence_that_names_the_known_ones(weights, capsys):
    with pytest.raises(SystemExit) as caught:
        sample(weights, "--out", "a.png", "--class", "dragon")
    error = capsys.readouterr().err.strip()
    assert caught.value.code == 2 and len(error.splitlines()) == 1 and "'dragon'" in error and "side_facing" in error


def test_a_class_is_its_place_in_the_context():
    assert contexts_of("food", 2).tolist() == [[0, 0, 1, 0, 0]] * 2
    assert contexts_of("mixed", 6).argmax(1).tolist() == [0, 1, 2, 3, 4, 0]
    assert contexts_of("none", 1) is None


def test_a_failed_write_keeps_the_old_file(weights, tmp_path, monkeypatch, capsys):
    (tmp_path / "a.png").write_text("precious")

    def read_only(source, target):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "replace", read_only)
    assert sample(weights, "--out", "a.png") == 2
    assert "a.png could not be written (Permission denied)" in capsys.readouterr().err
    assert (tmp_path / "a.png").read_text() == "precious" and os.listdir(tmp_path) == ["a.png"]


# ------------------------------------------------------------------ evaluate


def test_evaluate_prints_a_table_and_writes_all_figures(weights, tmp_path, capsys):
    assert main(["evaluate", str(weights), "-n", "320", "--sampler", "dpmpp_2m", "--steps", "1", "--out", "e.json"]) == 0
    table = capsys.readouterr().out
    figures = json.loads((tmp_path / "e.json").read_text())
    command = figures["command"]
    assert command.pop("sha256") == hashlib.sha256(weights.read_bytes()).hexdigest() and command.pop("eta") is None
    assert command.pop("weights") == "w.pt" and command.pop("class") == "mixed" and command.pop("sampler") == "dpmpp_2m"
    assert command.pop("precision") == ("bf16" if gains_from_bf16(torch.device("cpu")) else "fp32")
    assert command == {"n": 320, "steps": 1, "guidance": 1.0, "seed": 0, "batch": 100}
    assert f"{figures['samples']['ratio']:.2f}" in table and "held-out real sprites" in table and "side_facing" in table
    assert figures["samples"]["ratio"] > 5 and figures["held_out"]["ratio"] == 1 and figures["samples"]["near"] == 0


def test_evaluate_asks_for_the_classes_in_turn_through_all_batches_with_the_guidance(weights, monkeypatch):
    asked = []

    def spy(model, schedule, n, context, guidance, generator=None, *, steps):
        asked.append((context, guidance))
        assert not any(isinstance(part, torch.nn.BatchNorm2d) for part in model.modules())  # the copy for drawing
        yield State(0, torch.randn(n, 3, 16, 16, generator=generator), None)

    monkeypatch.setitem(commands.SAMPLERS, "ddim", (spy, 25))
    assert main(["evaluate", str(weights), "-n", "320", "--batch", "7", "--guidance", "2.5"]) == 0
    assert {guidance for _, guidance in asked} == {2.5} and len(asked) == 46
    assert torch.equal(torch.cat([context for context, _ in asked]).argmax(1), torch.arange(320) % 5)


def test_evaluate_refuses_a_network_for_other_pictures(tmp_path, capsys):
    torch.save(ContextUnet(height=32).state_dict(), tmp_path / "large.pt")
    assert main(["evaluate", "large.pt", "-n", "320"]) == 2
    assert "other pictures than the sprite set's" in capsys.readouterr().err


def test_evaluate_without_class_has_no_agreement(weights, tmp_path):
    assert main(["evaluate", str(weights), "-n", "320", "--steps", "1", "--class", "none", "--batch", "7"]) == 0
    assert json.loads((tmp_path / "scores.json").read_text())["samples"]["agreement"] is None


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["-n", "100"], "n must be a whole number from 320 to 1000"),
        (["--batch", "0"], "--batch must be at least 1"),
        (["--sampler", "ddpm", "--eta", "1"], "--eta belongs to --sampler ddim"),
        (["--steps", "501"], "steps must be a whole number from 1 to 500"),
        (["--guidance", "nan"], "guidance must be a number"),
        (["--class", "none", "--guidance", "2"], "--guidance needs a class"),
        (["--out", "nowhere/a.json"], "could not be written"),
        (["--out", "."], "could not be written"),
    ],
)
def test_bad_evaluations_are_one_sentence_before_any_work(weights, options, message, capsys, monkeypatch):
    monkeypatch.setattr("diffusion_lab.samplers.guided", None)  # the network is not asked
    assert main(["evaluate", str(weights), "-n", "320", *options]) == 2
    error = capsys.readouterr().err.strip()
    assert message in error and len(error.splitlines()) == 1


# ------------------------------------------------------------------ train


@pytest.fixture
def data(tmp_path):
    np.save(tmp_path / "mine.npy", np.random.default_rng(0).integers(0, 256, (8, 16, 16, 3), dtype=np.uint8))
    return str(tmp_path / "mine.npy")


def train(data, *more):
    return main(["train", "--data", data, "--batch", "4", "--warmup", "1", "--device", "cpu", *more])


def test_train_writes_weights_that_sample(data, tmp_path):
    assert train(data, "--steps", "2", "--out", "w.pt", "--film-every", "2") == 0
    assert sample(tmp_path / "w.pt", "--out", "a.png") == 0
    assert sorted(os.listdir(tmp_path)) == ["a.png", "mine.npy", "w.pt", "w.pt.film"]
    assert Image.open(tmp_path / "w.pt.film" / "0000002.png").size == (10 * 17 + 1, 4 * 17 + 1)


def test_train_from_begins_with_the_given_weights(data, tmp_path):
    """With a learning rate that is next to nothing they hardly move; a new network is elsewhere."""
    assert train(data, "--steps", "1", "--out", "a.pt", "--seed", "7") == 0
    assert train(data, "--steps", "1", "--out", "b.pt", "--lr", "1e-12", "--from", "a.pt") == 0
    assert train(data, "--steps", "1", "--out", "c.pt", "--lr", "1e-12") == 0
    a, b, c = (load_model(tmp_path / name)[0].init_conv.conv1[0].weight for name in ("a.pt", "b.pt", "c.pt"))
    torch.testing.assert_close(a, b, rtol=0, atol=1e-6)
    assert (a - c).abs().max() > 0.01


def test_train_compiles_the_network_when_asked(data, tmp_path, monkeypatch):
    compiled = []

    def stand_in(network):  # the real one takes a minute
        calls = []
        network.register_forward_hook(lambda *_: calls.append(1))
        compiled.append((network, calls))
        return network

    monkeypatch.setattr(torch, "compile", stand_in)
    assert train(data, "--steps", "2", "--out", "a.pt") == 0
    assert compiled == []
    assert train(data, "--steps", "2", "--out", "b.pt", "--compile") == 0
    ((network, calls),) = compiled
    assert network.n_feat == 64 and len(calls) == 2
    a, b = (load_model(tmp_path / name)[0].state_dict() for name in ("a.pt", "b.pt"))
    assert all(torch.equal(a[name], b[name]) for name in a)


def test_train_from_weights_with_another_prediction_is_refused(data, capsys):
    assert train(data, "--steps", "1", "--out", "a.pt", "--prediction", "eps") == 0
    assert train(data, "--steps", "1", "--out", "b.pt", "--from", "a.pt") == 2
    assert "predict eps" in capsys.readouterr().err
    assert train(data, "--steps", "2", "--out", "b.pt", "--from", "a.pt", "--resume") == 2
    assert "--from is for starting a run" in capsys.readouterr().err


class Writer:
    """Stands in for TensorBoard's SummaryWriter, and keeps what it is given."""

    def __init__(self, folder):
        Writer.last = self
        self.folder, self.scalars, self.images, self.closed = folder, [], [], False

    def add_scalar(self, name, value, step):
        self.scalars.append((name, step, value))

    def add_image(self, name, image, step, dataformats):
        self.images.append((name, step, image.shape, dataformats))

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.closed = True


def test_train_logs_for_tensorboard(data, monkeypatch):
    module = types.ModuleType("torch.utils.tensorboard")
    module.SummaryWriter = Writer
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", module)
    assert train(data, "--steps", "50", "--out", "w.pt", "--film-every", "50", "--log", "runs") == 0
    names = [(name, step) for name, step, _ in Writer.last.scalars]
    assert names == [("loss", 50), ("learning rate", 50)] and all(value > 0 for *_, value in Writer.last.scalars)
    assert Writer.last.folder == Path("runs")
    assert Writer.last.images == [("sprites", 50, (69, 171, 3), "HWC")] and Writer.last.closed


def test_the_log_is_closed_when_the_training_is_stopped(data, monkeypatch):
    class Stopped(Writer):
        def add_scalar(self, *_):
            raise KeyboardInterrupt

    module = types.ModuleType("torch.utils.tensorboard")
    module.SummaryWriter = Stopped
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", module)
    assert train(data, "--steps", "50", "--out", "w.pt", "--log", "runs") == 130
    assert Writer.last.closed


def test_logging_without_tensorboard_says_what_to_install(data, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    assert train(data, "--steps", "1", "--out", "w.pt", "--log", "runs") == 2
    assert "pip install tensorboard" in capsys.readouterr().err


KILLED = """
import os, sys
from diffusion_lab import Run
from diffusion_lab import sprites
from diffusion_lab.__main__ import main
from diffusion_lab.commands import contexts_of
save = Run.save
def save_and_die(run, path):
    save(run, path)
    if run.step == 5:
        os._exit(9)  # as suddenly as SIGKILL: no handler, no finally
Run.save = save_and_die
main(["train", "--data", sys.argv[1], "--out", "cut.pt", "--batch", "4", "--warmup", "1", "--device", "cpu",
      "--steps", "9", "--checkpoint-every", "5"])
"""


def test_a_killed_training_goes_on_where_it_stopped(data, tmp_path):
    """A sudden death after the first checkpoint, then --resume: the weights are those of an undisturbed run, bit for bit."""
    assert train(data, "--steps", "9", "--out", "whole.pt") == 0
    environment = os.environ | {"OMP_NUM_THREADS": str(torch.get_num_threads())}  # sums depend on how many threads add
    killed = subprocess.run([sys.executable, "-c", KILLED, data], cwd=tmp_path, env=environment, capture_output=True)
    assert killed.returncode == 9, killed.stderr.decode()
    assert (tmp_path / "cut.pt.ckpt").exists() and not (tmp_path / "cut.pt").exists()
    assert main(["train", "--data", data, "--out", "cut.pt", "--resume", "--device", "cpu"]) == 0
    assert not (tmp_path / "cut.pt.ckpt").exists()
    whole, cut = (torch.load(tmp_path / name, weights_only=True)["model"] for name in ("whole.pt", "cut.pt"))
    assert all(torch.equal(whole[name], cut[name]) for name in whole)


def test_an_unfinished_run_is_not_overwritten(data, tmp_path, capsys):
    (tmp_path / "w.pt.ckpt").write_text("precious")
    assert train(data, "--steps", "2", "--out", "w.pt") == 2
    assert "w.pt.ckpt is an unfinished run: add --resume" in capsys.readouterr().err
    assert (tmp_path / "w.pt.ckpt").read_text() == "precious"


def test_resume_refuses_other_settings(data, tmp_path, capsys):
    Run(TrainConfig(steps=4, batch=4)).save(tmp_path / "w.pt.ckpt")
    assert main(["train", "--data", data, "--out", "w.pt", "--resume", "--lr", "0.1"]) == 2
    assert "--lr differs from that of w.pt.ckpt" in capsys.readouterr().err


def test_resume_refuses_other_data(data, tmp_path, capsys):
    run = Run(TrainConfig(steps=4, batch=4), torch.device("cpu"))
    next(run.advance(torch.zeros(8, 3, 16, 16), torch.zeros(8, 5)))
    run.save(tmp_path / "w.pt.ckpt")
    assert main(["train", "--data", data, "--out", "w.pt", "--resume", "--device", "cpu"]) == 2
    assert "not the sprites that the run began with" in capsys.readouterr().err
    assert (tmp_path / "w.pt.ckpt").exists()


def test_any_name_of_the_weights_is_kept(data, tmp_path):
    assert train(data, "--steps", "1", "--out", "w.ckpt") == 0
    assert sorted(os.listdir(tmp_path)) == ["mine.npy", "w.ckpt"]


def test_a_missing_device_is_one_sentence(data, capsys, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert main(["train", "--data", data, "--device", "cuda"]) == 2
    assert "--device cuda is not available here" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--steps", "0"], "steps must be a whole number from 1"),
        (["--batch", "16"], "8 sprites are fewer than a batch of 16"),
        (["--prediction", "noise"], "prediction must be one of eps, v, x0"),
        (["--out", "nowhere/w.pt"], "could not be written"),
        (["--out", "."], "--out must name a file"),
        (["--checkpoint-every", "0"], "--checkpoint-every must be at least 1"),
        (["--lr", "inf"], "lr above 0"),
        (["--data", "nothing"], "nothing does not exist"),
        (["--resume"], "sprites.pt.ckpt does not exist"),
    ],
)
def test_bad_training_input_is_one_sentence_and_a_non_zero_exit(data, options, message, capsys):
    assert train(data, *options) == 2
    error = capsys.readouterr().err.strip()
    assert message in error and len(error.splitlines()) == 1


# ------------------------------------------------------------------ doctor


def lines(capsys):
    return {line.split(": ")[0][7:]: line for line in capsys.readouterr().out.strip().splitlines()}


def test_doctor_is_content_here(capsys):
    assert main(["doctor"]) == 0
    found = lines(capsys)
    assert list(found) == ["python", "packages", "torch and torchvision", "device", "data", "weights", "write access"]
    assert all(line.startswith("[OK]   ") for line in found.values())
    assert "21600 sprites in 5 classes" in found["data"] and "1,480,771 parameters" in found["weights"]


def test_doctor_turns_a_mismatched_torchvision_into_what_to_do(capsys, monkeypatch):
    def mismatched(name):
        raise RuntimeError("operator torchvision::nms does not exist\nmore lines")

    monkeypatch.setattr(doctor.importlib, "import_module", mismatched)
    assert main(["doctor"]) == 1
    line = lines(capsys)["torch and torchvision"]
    assert line.startswith("[FAIL] ") and "does not fit torch" in line and "operator torchvision::nms does not exist" in line
    assert "pip install torch==" in line


def test_doctor_sees_changed_files_a_missing_package_and_a_read_only_folder(capsys, monkeypatch, tmp_path):
    changed = {"hero.png", "context_unet.pt"}
    for name in changed:
        (tmp_path / name).write_bytes(b"other")
    real = sprites.find
    monkeypatch.setattr(sprites, "find", lambda folder, name: tmp_path / name if name in changed else real(folder, name))
    monkeypatch.setattr(doctor, "PACKAGES", {"numpy": "numpy", "no-such-package": "nothing"})

    def read_only(dir):
        raise PermissionError(13, "Permission denied", dir)

    monkeypatch.setattr(doctor.tempfile, "NamedTemporaryFile", read_only)
    assert main(["doctor"]) == 1
    found = lines(capsys)
    failed = {name for name, line in found.items() if line.startswith("[FAIL] ")}
    assert failed == {"packages", "data", "weights", "write access"}
    assert "data/hero.png is not the file that was published" in found["data"]
    assert "weights/context_unet.pt is not the file that was published" in found["weights"]
    assert "no-such-package is not installed; run: pip install -r requirements.txt" in found["packages"]


@pytest.mark.parametrize("broken", ["torch", "numpy", "tqdm"])
def test_doctor_runs_where_a_package_cannot_be_imported(broken, tmp_path):
    """A module of that name that fails, first on the path, in a process of its own."""
    (tmp_path / f"{broken}.py").write_text("raise ImportError('broken on purpose')")
    paths = os.pathsep.join([str(tmp_path), str(ROOT)])
    done = subprocess.run(
        [sys.executable, "-m", "diffusion_lab", "doctor"],
        env=os.environ | {"PYTHONPATH": paths},
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    assert done.returncode == 1 and "Traceback" not in done.stderr, done.stderr
    assert len(done.stdout.strip().splitlines()) == 7 and "broken on purpose" in done.stdout
