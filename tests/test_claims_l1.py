"""What the text of L1 claims: in the small world exactly, and with a few sprites of the shipped network."""

import pytest
import torch

from diffusion_lab import load_model, load_sprites, step_grid, to_tensors
from diffusion_lab.points import Cloud, spiral
from diffusion_lab.samplers import believe, collect, sample_ddpm
from diffusion_lab.schedules import cosine
from diffusion_lab.steps import clip_x0, ddpm_step, perturb
from diffusion_lab.unet import for_drawing

SCHEDULE = cosine()
ALPHA_BAR = SCHEDULE.alpha_bar
DATA = spiral()
CLOUD = Cloud(DATA, SCHEDULE)
ZERO, ONE = torch.zeros(1), torch.ones(1)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def small_sigma(t, t_prev):
    """The product's sigma (section 3) as a share of sqrt(beta)."""
    return ((1 - ALPHA_BAR[t_prev]) / (1 - ALPHA_BAR[t])).sqrt().item()


def noise_after(t, t_prev, strength):
    """The factor of the noise after a step with a perfect guess, with fresh noise of so many sigma."""
    left = ddpm_step((1 - ALPHA_BAR[t]).sqrt() * ONE, ONE, t, t_prev, ALPHA_BAR, ZERO)
    fresh = strength * ddpm_step(ZERO, ZERO, t, t_prev, ALPHA_BAR, ONE)
    return (left**2 + fresh**2).sqrt().item()


def walk(model, x, pairs, noises):
    """The pictures and the beliefs of a walk with DDPM's steps: noises[i] in step i."""
    pictures, beliefs = [x], []
    for (t, t_prev), z in zip(pairs, noises, strict=True):
        with torch.no_grad():
            x0, eps = clip_x0(believe(model, SCHEDULE, x, t)[0], x, t, ALPHA_BAR)
        x = ddpm_step(x, eps, t, t_prev, ALPHA_BAR, z)
        pictures.append(x)
        beliefs.append(x0)
    return pictures, beliefs


@pytest.fixture(scope="module")
def network():
    model, schedule = load_model()
    assert torch.allclose(schedule.alpha_bar, ALPHA_BAR)
    return for_drawing(model)


@pytest.fixture(scope="module")
def sprites():
    return to_tensors(load_sprites())[0]


def away(a, b):
    return (a - b).square().mean().sqrt().item()


@pytest.mark.parametrize(("t", "t_prev"), [(500, 499), (200, 170), (200, 100), (2, 1)])
def test_the_product_of_two_gaussians_has_the_mean_of_ddpms_step_and_a_smaller_sigma(t, t_prev):
    x_t, eps = torch.tensor(0.9, dtype=torch.float64), torch.tensor(0.8, dtype=torch.float64)
    alpha = ALPHA_BAR[t] / ALPHA_BAR[t_prev]
    x0 = (x_t - (1 - ALPHA_BAR[t]).sqrt() * eps) / ALPHA_BAR[t].sqrt()
    weights = 1 / (1 - ALPHA_BAR[t_prev]), alpha / (1 - alpha)
    mean = (weights[0] * ALPHA_BAR[t_prev].sqrt() * x0 + weights[1] * x_t / alpha.sqrt()) / sum(weights)
    assert torch.isclose(mean, ddpm_step(x_t, eps, t, t_prev, ALPHA_BAR, torch.zeros(())))
    product = (1 / sum(weights)).sqrt()
    assert product < (1 - alpha).sqrt() and torch.isclose(product, small_sigma(t, t_prev) * (1 - alpha).sqrt())


def test_in_small_steps_the_two_sigmas_are_nearly_equal():
    assert all(small_sigma(t, t - 1) > 0.99 for t in range(100, 501))


def test_the_belief_is_near_the_nearest_data_at_small_t_and_near_the_mean_of_all_at_large_t():
    places = torch.cartesian_prod(*[torch.linspace(-1.2, 1.2, 9)] * 2).reshape(-1, 2, 1, 1)
    beliefs = {t: CLOUD(places, torch.full((81,), t / 500)).flatten(1).double() for t in (10, 400)}
    nearest = DATA[torch.cdist(places.flatten(1).double(), ALPHA_BAR[10].sqrt() * DATA).argmin(dim=1)]
    assert (beliefs[10] - nearest).norm(dim=1).median() < 0.05
    assert (beliefs[400] - DATA.mean(dim=0)).norm(dim=1).max() < 0.2 < (beliefs[10] - DATA.mean(dim=0)).norm(dim=1).median() / 3


def test_no_other_answer_has_a_smaller_mean_squared_error_than_the_belief():
    x0 = DATA.float()[torch.randint(0, 400, (20_000,), generator=generator())].reshape(-1, 2, 1, 1)
    x_t = perturb(x0, 100, torch.randn(x0.shape, generator=generator(1)), ALPHA_BAR)
    belief = CLOUD(x_t[:4000], torch.full((4000,), 0.2))
    x0, x_t = x0[:4000], x_t[:4000]
    nearest = DATA.float()[torch.cdist(x_t.flatten(1), ALPHA_BAR[100].sqrt().float() * DATA.float()).argmin(dim=1)]
    error = (belief - x0).square().mean()
    assert all(error < (other - x0).square().mean() for other in (nearest.reshape(x0.shape), 0.9 * belief, 1.1 * belief, x_t))


def test_ddpm_covers_all_of_the_spiral():
    points = collect(sample_ddpm(CLOUD, SCHEDULE, 400, generator=generator(1), steps=100), every=100).images.flatten(1)
    apart, which = torch.cdist(points.double(), DATA).min(dim=1)
    quarters = torch.bincount(which // 100, minlength=4)
    assert apart.max() < 0.05 and quarters.min() > 60


def test_without_fresh_noise_the_differences_of_the_starts_are_gone_at_once():
    left = (1 - ALPHA_BAR[500]).sqrt()
    for t, t_prev in [pair for pair in step_grid(500, 100) if pair[1] >= 450]:
        left = left * noise_after(t, t_prev, 0) / (1 - ALPHA_BAR[t]).sqrt()
    assert left < 0.002 < 0.98 < (1 - ALPHA_BAR[450]).sqrt()
    assert all(noise_after(t, t_prev, 0) < (1 - ALPHA_BAR[t_prev]).sqrt() for t, t_prev in step_grid(500, 100)[:-1])


def test_fresh_noise_makes_small_steps_right_and_large_ones_too_noisy_and_the_small_sigma_all_of_them_right():
    for t, t_prev in ((500, 495), (250, 245), (200, 100)):
        right = (1 - ALPHA_BAR[t_prev]).sqrt().item()
        assert noise_after(t, t_prev, small_sigma(t, t_prev)) == pytest.approx(right, rel=1e-4)
        assert noise_after(t, t_prev, 1) > 1.5 * right if t - t_prev > 5 else noise_after(t, t_prev, 1) < 1.01 * right


def test_without_fresh_noise_all_points_end_on_one_part_of_the_spiral_near_the_average_which_is_not_the_average():
    start = torch.randn(100, 2, 1, 1, generator=generator())
    pictures, beliefs = walk(CLOUD, start, step_grid(500, 100), torch.zeros(100, 100, 2, 1, 1))
    end, average = pictures[-1].flatten(1).double(), DATA.mean(dim=0)
    assert end.std(dim=0).max() < 1e-3 and (beliefs[0].flatten(1) - average).norm(dim=1).max() < 0.01
    assert torch.cdist(end, DATA).min(dim=1).values.max() < 0.02
    nearest = DATA[(DATA - average).norm(dim=1).argmin()]
    assert (end - nearest).norm(dim=1).max() < 0.1 < 0.15 < (end - average).norm(dim=1).min()


def test_without_fresh_noise_all_sprites_become_one_which_is_not_the_average(network, sprites):
    start = torch.randn(2, 3, 16, 16, generator=generator(1))
    pictures, beliefs = walk(network, start, step_grid(500, 25), torch.zeros(25, 2, 3, 16, 16))
    average = sprites.mean(dim=0)
    assert away(start[0], start[1]) > 1 and away(pictures[3][0], pictures[3][1]) < 0.01
    assert away(pictures[-1][0], pictures[-1][1]) < 0.01
    assert away(beliefs[0], average) < 0.1 < 0.3 < away(pictures[-1], average) < 1.2 * away(sprites, average)


def test_the_belief_is_nearly_the_sprite_at_200_and_not_at_400(network, sprites):
    some, noise = sprites[::4000], torch.randn(5, 3, 16, 16, generator=generator())
    with torch.no_grad():
        errors = {t: away(believe(network, SCHEDULE, perturb(some, t, noise, ALPHA_BAR), t)[0], some) for t in (200, 400)}
    assert errors[200] < 0.2 < errors[400]


def test_large_shapes_are_seen_through_more_noise_than_details(network, sprites):
    some, noise = sprites[500::1600], torch.randn(12, 3, 16, 16, generator=generator())
    coarse = torch.nn.AvgPool2d(4)

    def missing(x0, part):
        return (part(x0) - part(some)).square().mean() / (part(sprites.mean(dim=0, keepdim=True)) - part(some)).square().mean()

    with torch.no_grad():
        for t in (300, 400):
            x0 = believe(network, SCHEDULE, perturb(some, t, noise, ALPHA_BAR), t)[0]
            details = missing(x0, lambda x: x - torch.kron(coarse(x), torch.ones(4, 4)))
            assert missing(x0, coarse) < 0.7 * details


def test_ten_steps_are_grainy_with_sigma_root_beta_and_not_with_the_small_sigma(network):
    pairs = step_grid(500, 10)
    start, noises = torch.randn(4, 3, 16, 16, generator=generator(1)), torch.randn(10, 4, 3, 16, 16, generator=generator(2))
    small = noises * torch.tensor([small_sigma(*pair) for pair in pairs]).reshape(-1, 1, 1, 1, 1)

    def grain(noises):  # how far from white the white around the figures is
        corners = walk(network, start, pairs, noises)[0][-1][..., [0, 0, 1, -1, -1], [0, 1, 0, 0, -1]]
        return away(corners.clamp(-1, 1), torch.ones(()))

    assert grain(small) < 0.03 < 0.06 < grain(noises)


def test_the_fresh_noise_decides_and_not_the_start(network):
    pairs = step_grid(500, 15)
    starts, fresh = torch.randn(3, 3, 16, 16, generator=generator(6)), torch.randn(15, 3, 3, 16, 16, generator=generator(7))
    same_start = walk(network, starts[:1].expand_as(starts), pairs, fresh)[0][-1]
    same_fresh = walk(network, starts, pairs, fresh[:, :1].expand_as(fresh))[0][-1]
    assert same_fresh.std(dim=0).mean() < 0.05 < 0.3 < same_start.std(dim=0).mean()
