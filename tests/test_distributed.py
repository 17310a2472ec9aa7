"""Two processes train as one does: equal weights, averaged gradients, one writer, and a resume with another number."""

import os
import subprocess
import sys

import numpy as np
import pytest
import torch
from common import ROOT

from diffusion_lab import Run, TrainConfig, training
from diffusion_lab.__main__ import main
from diffusion_lab.weights import history

CONFIG = TrainConfig(updates=6, batch=16, n_feat=8, warmup=2, lr=5e-3, schedule="cosine", precision="fp32")
PROGRAM = """
import sys, torch
sys.path.insert(0, "{tests}")
from diffusion_lab.distributed import is_writer, join_processes, mean_of_all, share
from diffusion_lab import Run
from test_distributed import CONFIG, twins
with join_processes(torch.device("cpu")) as device:
    rank = torch.distributed.get_rank()
    for name, alike in (("other", False), ("alike", True)):
        run = Run(CONFIG, device)
        for k in range(CONFIG.updates):
            run.learn(*twins(k, alike))
        if is_writer():
            run.save(name + ".ckpt")
        torch.save([run.model.state_dict(), run.ema.model.state_dict()], f"{{name}}{{rank}}.pt")
    torch.save([share(torch.arange(16)), mean_of_all(float(rank))], f"share{{rank}}.pt")
"""


def twins(k, alike):
    """A batch in which rows 2 i and 2 i + 1, those of the two processes, are alike or not."""
    g = torch.Generator().manual_seed(k)
    rows = torch.arange(16) // 2 if alike else torch.arange(16)
    x0, eps = (torch.randn(16, 3, 16, 16, generator=g)[rows] for _ in range(2))
    return x0, torch.eye(5)[rows % 5], torch.randint(1, 501, (16,), generator=g)[rows], eps


def torchrun(folder, *program):
    """Run a program in two processes that know each other; its standard error and output as text."""
    command = [
        sys.executable,
        "-m",
        "torch.distributed.run",
        "--standalone",
        "--local-addr=127.0.0.1",
        "--nproc-per-node=2",
        *program,
    ]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT), "CUDA_VISIBLE_DEVICES": ""}
    done = subprocess.run(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=300
    )
    return done.returncode, done.stdout


@pytest.fixture(scope="module")
def together(tmp_path_factory):
    """The folder where two processes have learned together, from shares that differ and from shares alike."""
    folder = tmp_path_factory.mktemp("together")
    (folder / "program.py").write_text(PROGRAM.format(tests=ROOT / "tests"))
    status, said = torchrun(folder, "program.py")
    assert status == 0, said
    return folder


def apart(a, b):
    """The largest difference between two state_dicts, counts aside."""
    pairs = zip(a.values(), b.values(), strict=True)
    return max((x - y).abs().max().item() for x, y in pairs if x.is_floating_point())


def parameters(state):
    """What is trained, but for biases before a normalisation: their gradients are rounding, which Adam makes large."""
    idle = ("running_mean", "running_var", "conv1.0.bias", "conv2.0.bias", "up0.0.bias", "out.0.bias")
    return {name: value for name, value in state.items() if not name.endswith(idle)}


def test_both_have_the_same_weights_after_learning_from_different_shares(together):
    (one, one_ema), (other, other_ema) = (torch.load(together / f"other{rank}.pt") for rank in (0, 1))
    for a, b in ((one, other), (one_ema, other_ema)):
        assert apart(*({name: value for name, value in state.items() if "running" not in name} for state in (a, b))) == 0
    (rows, mean), (other_rows, other_mean) = (torch.load(together / f"share{rank}.pt") for rank in (0, 1))
    assert sorted([*rows.tolist(), *other_rows.tolist()]) == list(range(16)) and mean == other_mean == 0.5
    alone = Run.load(together / "other.ckpt", torch.device("cpu"))  # goes on with another number of processes
    assert apart(alone.model.state_dict(), one) == apart(alone.ema.model.state_dict(), one_ema) == 0
    alone.learn(*twins(CONFIG.updates, alike=False))
    assert apart(alone.model.state_dict(), one) > 1e-4


def test_with_shares_alike_two_processes_do_what_one_does(together):
    """Then BatchNorm sees the same in each share as in the whole batch, and nothing else may differ."""
    model, average = torch.load(together / "alike0.pt")
    alone = Run(CONFIG, torch.device("cpu"))
    for k in range(CONFIG.updates):
        alone.learn(*twins(k, alike=True))
    assert apart(parameters(model), parameters(alone.model.state_dict())) < 1e-4
    assert apart(parameters(average), parameters(alone.ema.model.state_dict())) < 1e-4


@pytest.fixture
def data(tmp_path):
    """64 sprites of plain colours."""
    colours = np.random.default_rng(0).integers(0, 256, (64, 1, 1, 3), dtype=np.uint8)
    np.save(tmp_path / "colours.npy", np.broadcast_to(colours, (64, 16, 16, 3)))
    return tmp_path


def command(*more):
    settings = ["--updates", "100", "--batch", "16", "--n-feat", "8", "--warmup", "10", "--lr", "0.02", "--precision", "fp32"]
    return ["train", "--data", "colours.npy", "--device", "cpu", *settings, *more]


def test_the_same_command_line_gives_the_same_loss_curve_and_one_file(data, monkeypatch):
    status, said = torchrun(data, "-m", "diffusion_lab", *command("--out", "two.pt", "--film-every", "50"))
    assert status == 0, said
    assert said.count("64 sprites, 100 updates of 16") == said.count("two.pt: 1,600 images seen") == 1
    assert sorted(path.name for path in data.iterdir()) == ["colours.npy", "two.pt", "two.pt.film.png"]
    monkeypatch.chdir(data)
    assert main(command("--out", "one.pt")) == 0
    one, two = (history(data / name)["losses"] for name in ("one.pt", "two.pt"))
    assert len(one) == len(two) == 2 and one[1] < 0.8 * one[0]
    assert two == pytest.approx(one, rel=0.1)


SIGNALLED = """
import os, signal, sys
from diffusion_lab import Run
from diffusion_lab.__main__ import main
learn = Run._learn
def told(run, *batch):
    if run.step == 5 and os.environ["RANK"] == sys.argv[1]:
        os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGTERM)  # torchrun may send it again: that must not keep the checkpoint from being written
    return learn(run, *batch)
Run._learn = told
sys.exit(main(sys.argv[2:]))
"""


def test_a_signal_to_one_of_them_stops_all_at_the_same_update_with_one_checkpoint(data):
    """It comes to the process that does not write: the other one writes the checkpoint, and says how to go on."""
    (data / "program.py").write_text(SIGNALLED)
    short = ["--updates", "8"]
    status, said = torchrun(data, "-m", "diffusion_lab", *command("--out", "whole.pt", *short))
    assert status == 0, said
    status, said = torchrun(data, "program.py", "1", *command("--out", "cut.pt", *short))
    sentence = "diffusion_lab: stopped after update 5 of 8; add --resume to the same command to go on from there"
    assert status and said.count(sentence) == 1 and "fault of ours" not in said, said
    assert torch.load(data / "cut.pt.ckpt", weights_only=True)["step"] == 5
    assert sorted(path.name for path in data.glob("*.pt*")) == ["cut.pt.ckpt", "whole.pt"]
    status, said = torchrun(data, "-m", "diffusion_lab", *command("--out", "cut.pt", *short, "--resume"))
    assert status == 0, said
    assert (data / "cut.pt").read_bytes() == (data / "whole.pt").read_bytes()
    assert sorted(path.name for path in data.glob("*.pt*")) == ["cut.pt", "whole.pt"]


def test_a_batch_that_cannot_be_shared_is_refused_in_one_sentence(data, monkeypatch, capsys):
    monkeypatch.chdir(data)
    monkeypatch.setattr(training, "world", lambda: 2)
    assert main([*command("--out", "w.pt"), "--batch", "15"]) == 2
    sentence = "A batch of 15 cannot be shared by 2 processes: make it a multiple of 2, and at least 4.\n"
    assert capsys.readouterr().err == f"diffusion_lab: {sentence}"
    assert not list(data.glob("w.pt*"))
