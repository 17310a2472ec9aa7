"""The stored figures of B1's question "when does a network copy?", and the program that found them."""

import json

import numpy as np
import pytest
import tomllib
import torch
from common import ROOT, load_script

from diffusion_lab.schedules import cosine
from diffusion_lab.sprites import load_sprites, to_tensors, to_uint8
from diffusion_lab.unet import ContextUnet

pytestmark = pytest.mark.bonus

make = load_script(ROOT / "weights" / "make_copies.py")
STORED = json.loads((ROOT / "weights" / "copies.json").read_text())
LINES = {line["name"]: line for line in STORED["lines"]}
NAMES = ["16", "128", "1024", "all", "shipped"]


def test_the_figures_are_of_this_program():
    assert list(LINES) == NAMES and STORED["n"] == make.N == 1000
    assert {**vars(make.CONFIG)} == STORED["config"]
    assert {LINES[name]["seen"] for name in NAMES[:4]} == {make.CONFIG.updates * make.CONFIG.batch}
    network = ContextUnet(n_feat=make.CONFIG.n_feat, prediction=make.CONFIG.prediction)
    assert STORED["parameters"] == sum(p.numel() for p in network.parameters())


def test_the_sets_lie_one_in_the_other_and_no_sprite_comes_twice():
    own = make.sets(to_tensors(load_sprites())[0])
    assert [len(own[name]) for name in own] == [LINES[name]["sprites"] for name in NAMES[:4]]
    rows = [{tuple(row) for row in images.flatten(1)[:, :90].tolist()} for images in list(own.values())[:3]]
    assert rows[0] <= rows[1] <= rows[2]


def test_pictures_of_the_set_are_copies_and_others_are_not():
    own = torch.rand(30, 3, 16, 16, generator=torch.Generator().manual_seed(0)) * 2 - 1
    noise = 0.01 * torch.randn(30, 3, 16, 16, generator=torch.Generator().manual_seed(1))
    found = make.figures(torch.cat([own + noise, -own]), own, torch.tensor(1.0))
    assert found["copies"] == found["near"] == 0.5


def test_the_loss_is_the_same_at_each_call_and_that_of_the_training():
    model, images = ContextUnet(n_feat=8, prediction="v").eval(), torch.ones(4, 3, 16, 16)
    with torch.no_grad():
        for p in model.out[-1].parameters():
            p.zero_()  # it answers 0, so the loss is the mean square of v
    found = make.loss(model, cosine(40), images)
    assert found == make.loss(model, cosine(40), images)
    g = torch.Generator().manual_seed(0)
    torch.randint(4, (1000,), generator=g)
    t = torch.randint(1, 41, (1000,), generator=g)
    eps = torch.randn(1000, 3, 16, 16, generator=g)
    ab = cosine(40).alpha_bar[t].float()[:, None, None, None]
    assert found == pytest.approx((ab.sqrt() * eps - (1 - ab).sqrt()).square().mean().item(), rel=1e-4)


def test_the_pictures_are_samples_over_sprites_of_their_own_sets():
    own = make.sets(to_tensors(load_sprites())[0])
    with np.load(ROOT / "weights" / "copies.npz", allow_pickle=False) as pictures:
        assert list(pictures) == NAMES
        for name in NAMES:
            assert pictures[name].shape == (2, 8, 16, 16, 3) and pictures[name].dtype == np.uint8
            known = {one.tobytes() for one in to_uint8(own["all" if name == "shipped" else name])}
            assert all(one.tobytes() in known for one in pictures[name][1])
    assert (ROOT / "weights" / "copies.npz").stat().st_size < 300_000


def test_what_the_notebook_says_of_the_table_is_so():
    copies = [LINES[name]["samples"]["copies"] for name in NAMES]
    gaps = [LINES[name]["loss on held-out sprites"] / LINES[name]["loss on its own set"] for name in NAMES]
    near = [LINES[name]["samples"]["near"] / LINES[name]["held out"]["near"] for name in NAMES]
    assert copies[0] > 0.9 > 0.05 > max(copies[1:]) and near[1] > 4
    assert gaps[0] > 5 and gaps[1] > 2 and all(0.9 < gap < 1.1 for gap in gaps[2:])
    assert all(line["held out"]["copies"] < 0.02 and line["held out"]["near"] < 0.02 for line in LINES.values())


def test_the_wheel_carries_the_figures():
    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert {"weights/copies.json", "weights/copies.npz"} <= set(wheel["only-include"])
