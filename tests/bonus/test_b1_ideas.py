"""What B1 shows: the exact denoiser, damages and their two ways back, RePaint's jumps, and sprites as numbers on a grid."""

from itertools import pairwise

import numpy as np
import pytest
import torch

from diffusion_lab import collect, sample_ddim
from diffusion_lab.bonus.cold import STEPS, Restorer, cold_step, mask, morph, pixelate, restore_1, restore_2
from diffusion_lab.bonus.exact import AT_ONCE, Exact, weights
from diffusion_lab.bonus.pixels import grey, neighbours, semivariogram, spectrum
from diffusion_lab.bonus.repaint import forward_again, inpaint, jumps
from diffusion_lab.diagrams import four_ways
from diffusion_lab.points import Cloud, spiral
from diffusion_lab.samplers import believe
from diffusion_lab.schedules import cosine, linear, step_grid
from diffusion_lab.steps import clip_x0, perturb
from diffusion_lab.unet import ContextUnet

pytestmark = pytest.mark.bonus


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def pictures(n, seed=0, side=16, channels=3):
    return torch.rand(n, channels, side, side, generator=seeded(seed)) * 2 - 1


# ------------------------------------------------------------------ the exact denoiser


def test_the_shares_are_bayes_rule_written_out():
    alpha_bar, x, data = cosine(50).alpha_bar, pictures(3, 1, 2, 1), pictures(5, 2, 2, 1)
    got = weights(x, data, alpha_bar[[40, 20, 45]])
    for row, one, ab in zip(got, x, alpha_bar[[40, 20, 45]], strict=True):
        density = torch.tensor([(-((one - ab.sqrt() * m).double() ** 2).sum() / (2 * (1 - ab))).exp() for m in data])
        assert torch.allclose(row, density / density.sum(), atol=1e-6)


def test_the_shares_sum_to_1_where_exp_of_each_would_be_0():
    far = weights(50 + pictures(4, 1), pictures(6, 2), cosine(500).alpha_bar[[1, 1, 2, 3]])
    assert far.isfinite().all() and torch.allclose(far.sum(1), torch.ones(4).double())


@pytest.mark.parametrize("t", [1, 13, 40])
def test_it_is_the_exact_denoiser_of_the_plane(t):
    schedule, data = linear(40), spiral(30)
    x = torch.randn(9, 2, 1, 1, generator=seeded())
    time = torch.full((9,), t / 40)
    assert torch.allclose(Exact(data.reshape(30, 2, 1, 1), schedule)(x, time), Cloud(data, schedule)(x, time), atol=1e-5)


def test_a_picture_gets_the_same_answer_in_a_large_batch_and_at_its_own_time():
    model, x = Exact(pictures(7), cosine(30)), torch.randn(AT_ONCE + 5, 3, 16, 16, generator=seeded())
    t = torch.arange(1, AT_ONCE + 6) % 30 + 1
    together = model(x, t / 30)
    for k in (0, AT_ONCE - 1, AT_ONCE, AT_ONCE + 4):
        assert torch.allclose(together[k], model(x[k : k + 1], t[k : k + 1] / 30)[0], atol=1e-6)


def test_it_draws_pictures_of_the_set_and_no_others():
    data = pictures(12)
    made = collect(sample_ddim(Exact(data, cosine(200)), cosine(200), 20, generator=seeded(), steps=40)).images
    nearest = torch.cdist(made.flatten(1), data.flatten(1)).min(dim=1)
    assert nearest.values.max() < 0.01 and len(nearest.indices.unique()) > 3


# ------------------------------------------------------------------ cold diffusion

DAMAGES = [pixelate, mask]


@pytest.mark.parametrize("damage", [*DAMAGES, lambda x0, t: morph(x0, pictures(4, 9), t)])
def test_a_damage_begins_with_the_picture_and_grows(damage):
    x0 = pictures(4)
    lost = [(damage(x0, t) - x0).square().mean().item() for t in range(STEPS + 1)]
    assert lost[0] == 0 < lost[4] < lost[8] < lost[12] < lost[16] and all(a <= b for a, b in pairwise(lost))


def test_at_the_end_one_colour_nothing_and_the_other_picture_are_left():
    x0, other = pictures(4), pictures(4, 9)
    assert torch.allclose(pixelate(x0, STEPS), x0.mean((2, 3), keepdim=True).expand_as(x0), atol=1e-6)
    assert torch.equal(mask(x0, STEPS), torch.zeros_like(x0))
    assert torch.equal(morph(x0, other, STEPS), other)


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("way", [restore_1, restore_2])
def test_who_knows_the_picture_gets_it_back_either_way(damage, way):
    x0 = pictures(3)
    back = way(lambda x, t: x0, damage, damage(x0, STEPS), STEPS)
    assert len(back) == STEPS + 1 and torch.allclose(back[-1], x0, atol=1e-5)


def test_algorithm_2_forgives_any_guess_where_the_damage_is_a_straight_line_and_algorithm_1_does_not():
    """Bansal et al. 2022, section 3.3: D(x, t) = x + t e."""
    x0, e = pictures(3).double(), pictures(1, 5).double()
    guess, damage = lambda x, t: torch.sin(9 * x + t), lambda x, t: x + t * e
    assert torch.allclose(restore_2(guess, damage, damage(x0, 7), 7)[-1], x0)
    assert not torch.allclose(restore_1(guess, damage, damage(x0, 7), 7)[-1], x0, atol=0.5)


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("start", [8, 12, STEPS])
def test_algorithm_2_never_loses_what_was_given_whatever_is_guessed(damage, start):
    given, fine = damage(pictures(3), start), pictures(1, 8)
    first, second = (way(lambda x, t: torch.sin(x + t * fine), damage, given, start)[-1] for way in (restore_1, restore_2))
    assert torch.allclose(damage(second, start), given, atol=1e-5)
    assert (second - given).abs().max() > 0.1  # it is no standing still
    if damage is mask and start == STEPS:
        return  # nothing was given
    assert not torch.allclose(damage(first, start), given, atol=0.05)


@pytest.mark.parametrize("clip", [True, False])
def test_with_noise_as_the_damage_algorithm_2_is_ddim_with_eta_0(clip):
    torch.manual_seed(0)
    schedule = linear(14)
    model = ContextUnet(n_feat=8, prediction="v").eval()
    start = torch.randn(3, 3, 16, 16, generator=seeded())

    @torch.no_grad()
    def restore(x, t):
        x0, eps = believe(model, schedule, x, t)
        return clip_x0(x0, x, t, schedule.alpha_bar) if clip else (x0, eps)

    walked = restore_2(restore, lambda belief, t: perturb(belief[0], t, belief[1], schedule.alpha_bar), start, 14)
    frames = collect(sample_ddim(model, schedule, 3, steps=14, eta=0.0, start=start, clip=clip)).frames
    assert torch.allclose(torch.stack(walked), frames, atol=1e-4)
    other = collect(sample_ddim(model, schedule, 3, generator=seeded(1), steps=14, eta=0.5, start=start, clip=clip)).frames
    assert not torch.allclose(torch.stack(walked), other, atol=1e-2)


def test_a_morph_walked_back_by_algorithm_2_ends_at_the_mean_of_all_guesses():
    plates, guesses = pictures(3).double(), []

    def guess(x, t):
        guesses.append(torch.sin(9 * x + t))
        return guesses[-1]

    end = restore_2(guess, lambda belief, t: morph(belief, plates, t), plates, STEPS)[-1]
    assert len(guesses) == STEPS and torch.allclose(end, torch.stack(guesses).mean(0))


def test_a_step_may_be_longer_than_one():
    x, belief = pictures(2), pictures(2, 3)
    assert torch.equal(cold_step(x, belief, 12, 4, pixelate), x - pixelate(belief, 12) + pixelate(belief, 4))


def test_the_restorer_is_the_nearest_if_it_is_strict_and_the_mean_if_it_is_not():
    data = pictures(6)
    seen = pixelate(data[2:4], 4)
    assert torch.allclose(Restorer(data, pixelate, 0.01)(seen, 4), data[2:4], atol=1e-4)
    assert torch.allclose(Restorer(data, pixelate, 1e4)(seen, 4), data.mean(0).expand(2, -1, -1, -1), atol=1e-4)


# ------------------------------------------------------------------ RePaint


@pytest.mark.parametrize(("t", "t_up"), [(0, 9), (3, 30), (20, 40)])
def test_a_jump_up_leads_to_q_of_x_t_given_x0(t, t_up):
    """Feed one-hot numbers: the share of x0, and the shares of both noises, read exactly."""
    alpha_bar, one, zero = cosine(40).alpha_bar, torch.ones(1).double(), torch.zeros(1).double()
    of_x0 = forward_again(perturb(one, t, zero, alpha_bar), t, t_up, alpha_bar, zero)
    of_eps = forward_again(perturb(zero, t, one, alpha_bar), t, t_up, alpha_bar, zero)
    of_z = forward_again(zero, t, t_up, alpha_bar, one)
    assert torch.allclose(of_x0, alpha_bar[t_up].sqrt()) and torch.allclose(of_eps**2 + of_z**2, 1 - alpha_bar[t_up])


@pytest.mark.parametrize(("steps", "length", "times"), [(10, 3, 1), (10, 3, 4), (24, 4, 5), (7, 9, 2)])
def test_jumps_lead_from_T_to_0_and_walk_each_stretch_so_many_times(steps, length, times):
    pairs = jumps(100, steps, length, times)
    down = [pair for pair in pairs if pair[0] > pair[1]]
    assert pairs[0][0] == 100 and pairs[-1][1] == 0
    assert all(a[1] == b[0] for a, b in pairwise(pairs))
    assert sorted(down) == sorted(step_grid(100, steps) * times)
    assert len(pairs) - len(down) == -(-steps // length) * (times - 1)


class Counts(Exact):
    """The exact denoiser of one picture; it writes down how often it was asked."""

    def forward(self, x, t, c=None):
        self.asked = [*getattr(self, "asked", []), round(t[0].item() * 60)]
        return super().forward(x, t, c)


def test_what_is_known_stays_and_the_rest_is_drawn_from_the_belief():
    data, schedule = pictures(1), cosine(60)
    known, left = pictures(4, 3), torch.zeros(16, 16, dtype=torch.bool)
    left[:, :8] = True
    model, pairs = Counts(data, schedule), jumps(60, 10, 2, 3)
    drawn = inpaint(model, schedule, known, left, pairs, seeded())
    assert torch.equal(drawn[..., :8], known[..., :8])
    assert torch.allclose(drawn[..., 8:], data.expand(4, -1, -1, -1)[..., 8:], atol=1e-4)
    assert model.asked == [t for t, t_next in pairs if t > t_next]


class Sees(Exact):
    """It notes the mean of the known half at each time."""

    def forward(self, x, t, c=None):
        self.means = {**getattr(self, "means", {}), round(t[0].item() * 60): x[..., :8].mean().item()}
        return super().forward(x, t, c)


def test_the_known_pixels_are_put_in_as_noisy_as_the_time_asks():
    known, schedule, left = torch.ones(60, 3, 16, 16), cosine(60), torch.zeros(16, 16, dtype=torch.bool)
    left[:, :8] = True
    model = Sees(known[:1], schedule)
    inpaint(model, schedule, known, left, jumps(60, 12, 12, 1), seeded())
    wanted = [schedule.alpha_bar[t].sqrt().item() for t in model.means]
    assert len(wanted) == 12 and np.allclose(list(model.means.values()), wanted, atol=0.02)


def test_the_jump_that_is_handed_in_is_the_one_that_is_used():
    known, schedule, seen = pictures(2), cosine(60), []

    def up(x, t, t_up, alpha_bar, z):
        seen.append((t, t_up))
        return forward_again(x, t, t_up, alpha_bar, z)

    pairs = jumps(60, 6, 2, 2)
    inpaint(Exact(known, schedule), schedule, known, torch.zeros(16, 16, dtype=torch.bool), pairs, seeded(), up)
    assert seen == [pair for pair in pairs if pair[0] < pair[1]] != []


# ------------------------------------------------------------------ sprites as numbers


def test_neighbours_stand_side_by_side_and_are_never_both_white():
    images = torch.linspace(-1, 0.9, 2 * 256).reshape(2, 1, 16, 16).repeat(1, 3, 1, 1)
    images[0, :, 4:9] = 1.0
    pairs = neighbours(images, 500, seeded()).flatten(1)
    step = grey(images)[1, 0, 1] - grey(images)[1, 0, 0]
    assert pairs.shape == (500, 2) and not (pairs > 0.99).any()
    assert torch.allclose(pairs[:, 1] - pairs[:, 0], step.expand(500), atol=1e-5)  # to the right, not down


@pytest.mark.parametrize("k", [1, 3, 8])
def test_a_wave_is_found_in_its_own_place_of_the_spectrum(k):
    wave = torch.cos(2 * torch.pi * k * torch.arange(16) / 16).expand(16, 16)
    power = spectrum(torch.stack([wave, -wave]))
    assert power.argmax() == k - 1 and power[torch.arange(8) != k - 1].abs().max() < 1e-8


def test_a_slanting_wave_is_counted_by_its_own_length_and_what_all_pictures_share_is_not():
    angle = 2 * torch.pi * 2 * torch.arange(16) / 16
    wave = torch.cos(angle[:, None] + angle)  # 2 down and 2 to the right: 2.8 a side
    shared = torch.cos(4 * angle).expand(16, 16)
    power = spectrum(torch.stack([wave + shared, shared - wave]))
    assert power.argmax() == 2 and power[torch.arange(8) != 2].abs().max() < 1e-8


def test_noise_has_its_variance_in_waves_of_every_size():
    power = spectrum(0.5 * torch.randn(3000, 16, 16, generator=seeded()))
    assert torch.allclose(power, torch.full((8,), 0.25), rtol=0.05)


def test_the_semivariogram_of_a_slope_is_half_its_square_and_knows_its_direction():
    slope = (0.3 * torch.arange(16.0)).expand(2, 16, 16)
    assert torch.allclose(semivariogram(slope, 5, 2), (0.3 * torch.arange(1, 6)) ** 2 / 2)
    assert torch.equal(semivariogram(slope, 5, 1), torch.zeros(5))


def test_four_ways_are_drawn_from_six_pictures():
    assert len(four_ways(pictures(6)).axes) == 1
    with pytest.raises(ValueError, match="four_ways takes six pictures, not 4"):
        four_ways(pictures(4))
