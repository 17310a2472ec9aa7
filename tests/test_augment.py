"""Mirrored, shifted and turned sprites."""

import math

import pytest
import torch

from diffusion_lab import Run, TrainConfig
from diffusion_lab.augment import augment


def images(n=400, side=12):
    return torch.rand(n, 3, side, side, generator=torch.Generator().manual_seed(1)) * 2 - 1


def changed(x, flip=False, shift=0, degrees=0.0, seed=0):
    return augment(x, flip, shift, degrees, torch.Generator().manual_seed(seed))


def test_nothing_asked_for_changes_nothing_and_draws_nothing():
    g = torch.Generator().manual_seed(3)
    state = g.get_state()
    assert augment(images(), False, 0, 0.0, g) is not None and torch.equal(augment(images(), False, 0, 0.0, g), images())
    assert torch.equal(g.get_state(), state)


def test_every_other_sprite_is_mirrored_left_and_right():
    x, before = changed(images(), flip=True), images()
    mirrored = (x == before.flip(3)).flatten(1).all(1)
    assert (mirrored | (x == before).flatten(1).all(1)).all() and 0.4 < mirrored.double().mean() < 0.6


def test_a_shift_moves_by_up_to_so_many_pixels_each_way_and_fills_with_the_corner():
    before, side = images(), 12
    x, seen = changed(before, shift=2), set()
    for one, old in zip(x, before, strict=True):
        found = []
        for dy in range(-2, 3):
            for dx in range(-2, 3):
                expected = old[:, :1, :1].expand_as(old).clone()
                ys, xs = slice(max(dy, 0), side + min(dy, 0)), slice(max(dx, 0), side + min(dx, 0))
                from_y, from_x = slice(max(-dy, 0), side + min(-dy, 0)), slice(max(-dx, 0), side + min(-dx, 0))
                expected[:, ys, xs] = old[:, from_y, from_x]
                found += [(dy, dx)] if torch.equal(one, expected) else []
        assert len(found) == 1
        seen.add(found[0])
    assert len(seen) == 25


def test_a_turn_of_the_hue_keeps_grays_and_moves_red_towards_green_or_blue():
    gray = torch.linspace(-1, 1, 144).reshape(1, 1, 12, 12).expand(50, 3, 12, 12)
    torch.testing.assert_close(changed(gray, degrees=180.0), gray, rtol=0, atol=1e-5)
    small = 0.2 * torch.tensor([1.0, 0, 0]).reshape(1, 3, 1, 1).expand(300, 3, 4, 4)
    turned = changed(small, degrees=120.0)[:, :, 0, 0]
    torch.testing.assert_close(turned.sum(1), small[:, :, 0, 0].sum(1), rtol=0, atol=1e-5)  # as light as before
    torch.testing.assert_close(turned.norm(dim=1), small[:, :, 0, 0].norm(dim=1), rtol=0, atol=1e-5)
    angle = torch.arccos(((turned @ torch.tensor([1.0, 0, 0])) / 0.2 - 1 / 3) * 1.5)
    assert angle.max() > math.radians(100) and angle.max() <= math.radians(120) + 1e-3 and angle.min() < math.radians(10)
    assert (turned[:, 1] > 0.05).any() and (turned[:, 2] > 0.05).any()


@pytest.mark.parametrize("more", [{"flip": True}, {"shift": 3}, {"hue": 90.0}])
def test_a_run_shows_changed_sprites_where_that_was_asked_for(more, monkeypatch):
    seen = []
    monkeypatch.setattr(
        "diffusion_lab.training.diffusion_loss",
        lambda model, x0, c, t, eps, schedule: seen.append(x0) or model.out[3].bias.sum() * 0,
    )
    sprite, known = images(1, 16), torch.zeros(1, 5)
    for settings in ({}, more):
        list(Run(TrainConfig(updates=1, batch=16, n_feat=8, **settings), "cpu").advance(sprite, known))
    plain, other = seen
    assert (plain == sprite).all() and len(other.flatten(1).unique(dim=0)) > 1
