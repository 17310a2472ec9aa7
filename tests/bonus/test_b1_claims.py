"""What B1's text says of the sprites is so: their pairs, spectra and places, and how varied cold diffusion is."""

import pytest
import torch

from diffusion_lab import collect, sample_ddim
from diffusion_lab.bonus.cold import STEPS, Restorer, mask, pixelate, restore_1, restore_2
from diffusion_lab.bonus.exact import Exact
from diffusion_lab.bonus.pixels import grey, neighbours, semivariogram, spectrum
from diffusion_lab.schedules import cosine
from diffusion_lab.sprites import load_sprites, to_tensors

pytestmark = pytest.mark.bonus


@pytest.fixture(scope="module")
def train():
    return to_tensors(load_sprites())[0]


@pytest.fixture(scope="module")
def held_out():
    return to_tensors(load_sprites("held_out"))[0]


def test_many_pairs_lie_near_the_diagonal_and_many_have_one_white_pixel(train):
    left, right = neighbours(train, 4000, torch.Generator().manual_seed(0)).flatten(1).T
    assert ((left - right).abs() < 0.1).float().mean() > 0.2
    assert ((left > 0.99) ^ (right > 0.99)).float().mean() > 0.1


def test_sprites_have_most_of_their_variance_in_large_waves(train):
    power = spectrum(grey(train[::5]))
    assert (power.diff() < 0).all() and power[0] > 8 * power[-1]
    hidden = [int((power < sigma**2).sum()) for sigma in (0.5, 0.75, 1.0)]
    assert 0 < hidden[0] < hidden[1] < hidden[2] < 8  # stronger noise hides more, and never the largest


def test_places_are_not_alike_and_near_ones_are_more_alike_than_far_ones(train):
    levels = grey(train[::5])
    mean, spread = levels.mean(0), levels.std(0)
    assert mean[0, 0] > 0.99 and mean[8, 8] < 0 and spread[0, 0] < 0.1 < 0.3 < spread[8, 8]
    for dim in (1, 2):
        gamma = semivariogram(levels, 8, dim)
        assert (gamma.diff() > 0).all() and gamma[0] < 0.6 * gamma[-1]


def test_the_middle_is_darkest_and_the_ring_where_figures_end_varies_most(train):
    levels = grey(train[::5])
    mean, spread = levels.mean(0), levels.std(0)
    middle, corners = spread[6:10, 6:10], spread[[0, 0, -1, -1], [0, -1, 0, -1]]
    ring = torch.stack([spread[5:11, 1], spread[5:11, -2], spread[1, 5:11], spread[-1, 5:11]])
    assert corners.max() < 0.1 < middle.max() < ring.min() and mean[6:10, 6:10].max() < 0.1
    assert mean[[0, 0, -1, -1], [0, -1, 0, -1]].min() > 0.99


def test_means_over_larger_squares_of_the_broccoli_lose_more_noise_than_contrast(held_out):
    broccoli, noise = held_out[1047:1048], torch.randn(200, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    ratios = []
    for k in (1, 2, 4):
        clean, dirty = (torch.nn.functional.avg_pool2d(x, k) for x in (broccoli, noise))
        assert dirty.square().mean().sqrt() == pytest.approx(1 / k, rel=0.02)
        ratios.append((dirty.square().mean().sqrt() / clean.std(dim=(2, 3)).mean()).item())
    assert ratios[0] > 1 > 0.8 > ratios[1] > 0.6 > ratios[2]


def test_only_noise_gives_another_sprite_for_nearly_every_start(train, held_out):
    shelf, many, schedule = train[::20], held_out[::25][:60], cosine(100)

    def reached(ends):
        return len(torch.cdist(ends.flatten(1), shelf.flatten(1)).argmin(dim=1).unique())

    def walked(way, damage):
        return way(Restorer(shelf, damage), damage, damage(many, STEPS), STEPS)[-1]

    by_mask, first, second = walked(restore_2, mask), walked(restore_1, pixelate), walked(restore_2, pixelate)
    noise = collect(sample_ddim(Exact(shelf, schedule), schedule, 60, generator=torch.Generator().manual_seed(0), steps=16))
    assert torch.allclose(by_mask, by_mask[:1].expand_as(by_mask), atol=1e-4)
    assert 1 < reached(first) <= reached(second) + 5 < reached(noise.images) > 50


def test_algorithm_2_keeps_the_jesters_hat_and_algorithm_1_does_not(train, held_out):
    jester, shelf = held_out[2 * (len(held_out) // 10)][None], train[::5]
    seen = mask(torch.ones(1, 3, 16, 16), 8).bool() & (mask(-torch.ones(1, 3, 16, 16), 8) != 0)
    ends = [way(Restorer(shelf, mask), mask, mask(jester, 8), 8)[-1] for way in (restore_1, restore_2)]
    assert (ends[0] - jester)[seen].abs().max() > 0.5 and torch.allclose(ends[1][seen], jester[seen], atol=1e-5)
