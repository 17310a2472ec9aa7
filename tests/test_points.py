"""The small world: what the exact denoiser says, against sums over all points, and samplers that bring it back."""

import math

import pytest
import torch

from diffusion_lab import collect, sample_ddim
from diffusion_lab.points import Cloud, moons, spiral
from diffusion_lab.samplers import believe
from diffusion_lab.schedules import cosine, linear

SCHEDULE = cosine(200)


def noise(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_the_clouds_lie_in_the_square_and_are_what_they_say():
    points, (both, which) = spiral(300), moons(300)
    assert points.shape == both.shape == (300, 2) and points.abs().max() <= 1 and both.abs().max() <= 1
    radius = points.norm(dim=1)
    assert (radius.diff() > 0).all() and radius[-1].item() == pytest.approx(1)
    angle = torch.atan2(points[:, 1], points[:, 0])
    assert ((4 * math.pi * radius - angle) / (2 * math.pi)).sub(0.5).round().unique().numel() <= 3  # two turns
    assert which.bincount().tolist() == [150, 150] and both[which == 0][:, 1].mean() > both[which == 1][:, 1].mean()


@pytest.mark.parametrize(("schedule", "t", "spread"), [(SCHEDULE, 60, 0.0), (linear(150), 90, 0.3), (SCHEDULE, 200, 0.1)])
def test_the_belief_is_the_mean_over_all_points_by_bayes(schedule, t, spread):
    points, x = noise(7, 2, seed=1), noise(3, 2, seed=2)
    ab = schedule.alpha_bar[t].item()
    expected = []
    for one in x:
        total, weight = torch.zeros(2, dtype=torch.float64), 0.0
        for m in points:  # p(m) p(x | m), and the mean of x0 given x and m, of Gaussians
            variance = ab * spread**2 + 1 - ab
            p = math.exp(-((one - ab**0.5 * m) ** 2).sum().item() / (2 * variance)) / variance
            total += p * (m * (1 - ab) / variance + ab**0.5 * spread**2 / variance * one)
            weight += p
        expected.append(total / weight)
    got, _ = believe(Cloud(points, schedule, spread=spread), schedule, x[..., None, None], t)
    torch.testing.assert_close(got.flatten(1), torch.stack(expected), rtol=1e-9, atol=1e-9)


def test_a_context_wants_one_label_or_a_mixture_and_zeros_want_all():
    points, which = moons(60)
    x = noise(4, 2, 1, 1)
    cloud = Cloud(points, SCHEDULE, which)
    ask = lambda c: believe(cloud, SCHEDULE, x, 120, None if c is None else torch.tensor([c] * 4))[0]  # noqa: E731
    alone = believe(Cloud(points[which == 1], SCHEDULE), SCHEDULE, x, 120)[0]
    torch.testing.assert_close(ask([0.0, 1.0]), alone)
    torch.testing.assert_close(ask([0.0, 0.0]), ask(None))
    torch.testing.assert_close(ask([1.0, 1.0]), ask(None))
    assert (ask([1.0, 3.0]) - ask(None)).abs().max() > 1e-3 and cloud.n_cfeat == 2


def test_ddim_ends_on_the_spiral_and_a_wish_on_its_moon():
    points = spiral()
    made = collect(sample_ddim(Cloud(points, SCHEDULE), SCHEDULE, 100, start=noise(100, 2, 1, 1), steps=50)).images.flatten(1)
    assert torch.cdist(made, points).amin(1).max() < 0.03
    both, which = moons()
    walk = sample_ddim(Cloud(both, SCHEDULE, which), SCHEDULE, 50, torch.tensor([1.0, 0.0]), start=noise(50, 2, 1, 1), steps=50)
    assert (which[torch.cdist(collect(walk).images.flatten(1), both).argmin(1)] == 0).all()
