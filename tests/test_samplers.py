"""Samplers in worlds whose answer is known (DESIGN's identities 3 to 8, 13, 14)."""

import itertools
import math
from itertools import pairwise

import numpy as np
import pytest
import torch
from worlds import Gaussian, OneImage, lively

from diffusion_lab import ContextUnet, collect, sample_ddim, sample_ddpm, sample_dpmpp_2m
from diffusion_lab.samplers import SAMPLERS, believe
from diffusion_lab.schedules import SCHEDULES, linear, step_grid

SCHEDULE = linear()
IMAGE = torch.linspace(-0.9, 0.9, 12, dtype=torch.float64).reshape(3, 2, 2)


def noise(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize("prediction", ["eps", "v", "x0"])
@pytest.mark.parametrize("n", [1, 2, 3, 7, 25, 334, 499, 500])
@pytest.mark.parametrize("eta", [0.0, 0.3, 1.0])
def test_with_one_image_ddim_returns_it(prediction, n, eta):
    world = OneImage(SCHEDULE, IMAGE, prediction)
    run = collect(sample_ddim(world, SCHEDULE, 3, steps=n, eta=eta, start=noise(3, 3, 2, 2)), every=n)
    torch.testing.assert_close(run.images, IMAGE.expand(3, -1, -1, -1), rtol=0, atol=1e-9)


@pytest.mark.parametrize("n", [1, 7, 25, 500])
def test_with_one_image_ddpm_returns_it(n):
    run = collect(sample_ddpm(OneImage(SCHEDULE, IMAGE), SCHEDULE, 3, steps=n, start=noise(3, 3, 2, 2)))
    torch.testing.assert_close(run.images, IMAGE.expand(3, -1, -1, -1), rtol=0, atol=1e-9)


@pytest.mark.parametrize("eta", [0.0, 0.7, 1.0])
def test_with_one_image_every_state_is_distributed_as_q(eta):
    """x_t = sqrt(ab) image + sqrt(1 - ab) noise with unit noise: DDIM keeps that marginal at every step, for every eta."""
    walk = sample_ddim(OneImage(SCHEDULE, IMAGE), SCHEDULE, 4000, steps=10, eta=eta, start=noise(4000, 3, 2, 2))
    for state in walk:
        if state.t:
            ab = SCHEDULE.alpha_bar[state.t]
            rest = (state.x - ab.sqrt() * IMAGE) / (1 - ab).sqrt()
            assert abs(rest.mean().item()) < 0.02 and abs(rest.std().item() - 1) < 0.02, state.t


def variances(sampler, count, **options):
    """Exact variance at each state of a sampler that is linear in its start and its fresh noises: one of them is 1 and
    the others 0, one batch entry for each; the squares are summed over the entries. No Monte Carlo."""
    world = Gaussian(SCHEDULE)
    world.height = 1
    start = torch.zeros(count + 1, 1, 1, 1, dtype=torch.float64)
    start[0] = 1
    drawn = iter(range(1, count + 1))
    original = torch.randn

    def one_hot(shape, generator=None, dtype=None):
        z = torch.zeros(shape, dtype=dtype)
        z[next(drawn)] = 1
        return z

    torch.randn = one_hot
    try:
        states = list(sampler(world, SCHEDULE, count + 1, start=start, clip=False, **options))
    finally:
        torch.randn = original
    return [s.x.square().sum().item() for s in states], next(drawn, None)


@pytest.mark.parametrize("n", [500, 50])
def test_unit_data_keep_unit_variance_under_ddpm(n):
    """With N(0, 1) data and sigma^2 = beta the variance is exactly 1 until the last step, which adds no noise."""
    found, unused = variances(sample_ddpm, n, steps=n)
    assert all(v == pytest.approx(1, abs=1e-10) for v in found[:-1])
    t = step_grid(500, n)[-1][0]
    assert found[-1] == pytest.approx(SCHEDULE.alpha_bar[t].item(), abs=1e-10)
    assert unused == n  # n steps draw n - 1 noises


def test_ddim_without_eta_draws_nothing():
    """With alpha_bar = cos^2(phi), a step on N(0, 1) data multiplies by cos(phi_t - phi_t_prev)."""
    found, unused = variances(sample_ddim, 20, steps=20)
    phi = SCHEDULE.alpha_bar.sqrt().arccos()
    gain = math.prod((phi[t] - phi[t_prev]).cos().item() for t, t_prev in step_grid(500, 20))
    assert unused == 1 and found[-1] == pytest.approx(gain**2, abs=1e-10)


@pytest.mark.parametrize("name", ["linear", "cosine", "sigmoid"])
def test_ddim_converges_to_the_probability_flow_with_order_one(name):
    schedule = SCHEDULES[name](4000)
    world = Gaussian(schedule, mean=0.4, std=0.3)
    start = noise(6, 1, 2, 2)
    errors = []
    for n in (100, 200, 400):
        end = collect(sample_ddim(world, schedule, 6, steps=n, start=start, clip=False), every=n).images
        errors.append((end - world.flow(start)).abs().max().item())
    slopes = [math.log2(a / b) for a, b in itertools.pairwise(errors)]
    assert all(0.8 < s < 1.25 for s in slopes), (errors, slopes)


@pytest.mark.parametrize("sampler", [sample_ddpm, sample_ddim, sample_dpmpp_2m])
@pytest.mark.parametrize("n", [1, 3, 7, 25])
def test_n_steps_see_the_right_times_and_evaluate_n_times(sampler, n):
    world = OneImage(SCHEDULE, IMAGE)
    states = list(sampler(world, SCHEDULE, 2, steps=n, start=noise(2, 3, 2, 2)))
    assert world.seen == [t for t, _ in step_grid(500, n)]
    assert [s.t for s in states] == [*world.seen, 0]
    assert torch.equal(states[-1].x, states[-1].x0)


@pytest.mark.parametrize("prediction", ["eps", "v", "x0"])
@pytest.mark.parametrize("n", [1, 2, 3, 25, 500])
def test_with_one_image_2m_stays_on_the_line_to_it(prediction, n):
    """Every state is sqrt(ab) image + sqrt(1 - ab) eps with the eps of the start; the last is the image."""
    ab, start = SCHEDULE.alpha_bar, noise(3, 3, 2, 2)
    eps = (start - ab[-1].sqrt() * IMAGE) / (1 - ab[-1]).sqrt()
    for state in sample_dpmpp_2m(OneImage(SCHEDULE, IMAGE, prediction), SCHEDULE, 3, steps=n, start=start):
        expected = ab[state.t].sqrt() * IMAGE + (1 - ab[state.t]).sqrt() * eps
        torch.testing.assert_close(state.x, expected, rtol=0, atol=1e-9)


@pytest.mark.parametrize("name", ["linear", "cosine"])
def test_2m_is_nearer_to_the_probability_flow_than_ddim(name):
    """With 20 and 40 steps more than five times nearer: a 2M whose memory is stale, or never used, is not."""
    schedule = SCHEDULES[name]()
    world, start = Gaussian(schedule, mean=0.3, std=0.5), noise(5, 1, 2, 2)
    for n in (20, 40):
        ends = [collect(s(world, schedule, 5, steps=n, start=start, clip=False)).images for s in (sample_ddim, sample_dpmpp_2m)]
        ddim, two_m = ((end - world.flow(start)).abs().max().item() for end in ends)
        assert two_m < ddim / 5


def test_2m_of_two_walks_at_once_keep_their_own_memory():
    def walk(mean):
        return sample_dpmpp_2m(Gaussian(SCHEDULE, mean, 0.5), SCHEDULE, 1, steps=5, start=noise(1, 1, 2, 2), clip=False)

    alone = list(walk(0.3)), list(walk(-0.3))
    for pair in zip(walk(0.3), walk(-0.3), *alone, strict=True):
        assert torch.equal(pair[0].x, pair[2].x) and torch.equal(pair[1].x, pair[3].x)


def test_a_state_is_x_t_with_the_belief_at_x_t():
    first = next(sample_ddim(OneImage(SCHEDULE, IMAGE), SCHEDULE, 2, start=noise(2, 3, 2, 2)))
    assert first.t == 500 and torch.equal(first.x, noise(2, 3, 2, 2))
    torch.testing.assert_close(first.x0, IMAGE.expand(2, -1, -1, -1), rtol=0, atol=1e-9)


def test_clipping_holds_the_belief_within_the_picture_range():
    world = OneImage(SCHEDULE, 3 * IMAGE)
    for clip, most in ((True, 1.0), (False, 2.7)):
        states = list(sample_ddim(world, SCHEDULE, 2, steps=5, start=noise(2, 3, 2, 2), clip=clip))
        assert max(s.x0.abs().max().item() for s in states[:-1]) == pytest.approx(most, abs=1e-9)


def test_after_clipping_the_step_uses_the_eps_that_belongs_to_the_clipped_belief():
    """For eta = 0 the next state is a_prev x0 + b_prev eps with x_t = a x0 + b eps: both sides known from the states."""
    states = list(sample_ddim(OneImage(SCHEDULE, 3 * IMAGE), SCHEDULE, 2, steps=5, start=noise(2, 3, 2, 2)))
    ab = SCHEDULE.alpha_bar
    for now, after in pairwise(states):
        eps = (now.x - ab[now.t].sqrt() * now.x0) / (1 - ab[now.t]).sqrt()
        expected = ab[after.t].sqrt() * now.x0 + (1 - ab[after.t]).sqrt() * eps
        torch.testing.assert_close(after.x, expected, rtol=0, atol=1e-9)


def test_no_step_of_ddim_takes_the_root_of_a_negative_number():
    """With eta = 1 and few steps, 1 - ab_prev - sigma^2 may be rounded below 0."""
    schedule = SCHEDULES["quadratic"](8000)
    walk = sample_ddim(OneImage(schedule, IMAGE), schedule, 2, steps=2, eta=1.0, start=noise(2, 3, 2, 2))
    assert all(state.x.isfinite().all() for state in walk)


@pytest.fixture(scope="module")
def unet():
    return lively(ContextUnet(n_feat=8))


def answers(unet, x, t, c=None):
    """What it believes, by hand: one call of the network, its eps turned into the pair."""
    eps = unet(x, torch.full((len(x),), t / SCHEDULE.T), c)
    ab = SCHEDULE.alpha_bar[t].float()
    return (x - (1 - ab).sqrt() * eps) / ab.sqrt(), eps


@torch.no_grad()
@pytest.mark.parametrize("negative", [None, torch.tensor([0.0, 0, 0, 1, 0]), torch.eye(5)[2:]], ids=["null", "one", "each"])
def test_guidance_evaluates_both_halves_in_one_batch(unet, negative):
    """s = 0 is u, s = 1 is c, and it is linear in s; a negative context takes the null context's place in u."""
    x, c = torch.randn(3, 3, 16, 16, generator=torch.Generator().manual_seed(0)), torch.eye(5)[:3]
    u, with_c = answers(unet, x, 250, None if negative is None else negative.expand(3, 5)), answers(unet, x, 250, c)
    calls = []
    handle = unet.register_forward_pre_hook(lambda module, inputs: calls.append(len(inputs[0])))
    for s in (0, 1, 2.5, -0.5):
        if s == 1 and negative is not None:
            continue
        found = believe(unet, SCHEDULE, x, 250, c, s, negative=negative)
        for half, one, other in zip(found, u, with_c, strict=True):
            torch.testing.assert_close(half, one + s * (other - one), rtol=1e-4, atol=2e-5)
    handle.remove()
    assert calls == ([3, 3, 6, 6] if negative is None else [3, 6, 6])


@torch.no_grad()
def test_without_a_context_it_is_the_null_contexts_belief(unet):
    x = torch.randn(2, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    for found, expected in zip(believe(unet, SCHEDULE, x, 100), answers(unet, x, 100, torch.zeros(2, 5)), strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=2e-5)


@torch.no_grad()
@pytest.mark.parametrize("prediction", ["eps", "v", "x0"])
def test_times_of_their_own_equal_one_call_each(unet, prediction):
    x, c = torch.randn(3, 3, 16, 16, generator=torch.Generator().manual_seed(0)), torch.eye(5)[:3]
    unet.prediction = prediction
    times = (20, 250, 497)
    together = believe(unet, SCHEDULE, x, torch.tensor(times), c, 2.0, negative=c.flip(0))
    alone = [
        believe(unet, SCHEDULE, x[i : i + 1], t, c[i : i + 1], 2.0, negative=c[2 - i]) for i, t in enumerate((20, 250, 497))
    ]
    unet.prediction = "eps"
    for found, expected in zip(together, map(torch.cat, zip(*alone, strict=True)), strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-4)
    x0, eps = together
    ab = SCHEDULE.alpha_bar[list(times)].float().reshape(3, 1, 1, 1)
    torch.testing.assert_close(ab.sqrt() * x0 + (1 - ab).sqrt() * eps, x, rtol=1e-4, atol=1e-4)


@torch.no_grad()
def test_each_row_has_its_own_negative_context(unet):
    x = torch.randn(1, 3, 16, 16, generator=torch.Generator().manual_seed(0)).expand(2, -1, -1, -1)
    c, negative = torch.eye(5)[[0, 0]], torch.eye(5)[[1, 2]]
    both = believe(unet, SCHEDULE, x, 250, c, 2.0, negative=negative)[0]
    for i in (0, 1):
        alone = believe(unet, SCHEDULE, x[:1], 250, c[:1], 2.0, negative=negative[i])[0]
        torch.testing.assert_close(both[i : i + 1], alone, rtol=1e-4, atol=2e-5)
    assert (both[0] - both[1]).abs().max() > 1e-3


@pytest.mark.parametrize(("context", "guidance"), [(torch.eye(5)[:2], 1), (torch.eye(5)[:2], 1.0), (None, 2.0), (None, 0)])
def test_a_negative_context_that_counts_nothing_is_refused(unet, context, guidance):
    with pytest.raises(ValueError, match="negative needs a context and a guidance other than 1"):
        believe(unet, SCHEDULE, torch.zeros(2, 3, 16, 16), 250, context, guidance, negative=torch.eye(5)[0])


@torch.no_grad()
@pytest.mark.parametrize("name", [*SAMPLERS])
def test_every_sampler_asks_believe_with_all_that_it_was_given(unet, name):
    """Each state's x0 is the belief at its x and t; with s = 0 only the negative context is left of the question."""
    start = torch.randn(2, 3, 16, 16, generator=torch.Generator().manual_seed(1))
    c, negative = torch.eye(5)[:2], torch.eye(5)[3]
    for guidance in (0, 2.5):
        walk = SAMPLERS[name](unet, SCHEDULE, 2, c, guidance, negative=negative, steps=3, start=start, clip=False)
        for state in list(walk)[:-1]:
            expected = believe(unet, SCHEDULE, state.x, state.t, c, guidance, negative=negative)[0]
            torch.testing.assert_close(state.x0, expected, rtol=1e-4, atol=1e-4)
    end = collect(SAMPLERS[name](unet, SCHEDULE, 2, c, 0, negative=negative, steps=1, start=start)).images
    torch.testing.assert_close(end, collect(SAMPLERS[name](unet, SCHEDULE, 2, negative, steps=1, start=start)).images)


def test_a_sprite_does_not_depend_on_its_batch_mates(unet):
    start, c = torch.randn(6, 3, 16, 16, generator=torch.Generator().manual_seed(1)), torch.eye(5)[[0, 1, 2, 3, 4, 0]]
    many = collect(sample_ddim(unet, SCHEDULE, 6, c, 2.0, steps=4, start=start)).images
    alone = collect(sample_ddim(unet, SCHEDULE, 1, c[2], 2.0, steps=4, start=start[2:3])).images
    torch.testing.assert_close(many[2:3], alone, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("sampler", [sample_ddpm, sample_ddim, sample_dpmpp_2m])
def test_the_same_seed_gives_the_same_sprites(unet, sampler):
    def draw(seed):
        return collect(sampler(unet, SCHEDULE, 2, generator=torch.Generator().manual_seed(seed), steps=3)).images

    assert torch.equal(draw(5), draw(5)) and not torch.equal(draw(5), draw(6))


def test_collect_keeps_first_last_and_every_kth():
    run = collect(sample_ddim(OneImage(SCHEDULE, IMAGE), SCHEDULE, 2, steps=10), every=4)
    assert run.times == [500, 300, 100, 0]
    assert run.frames.shape == (4, 2, 3, 2, 2) and torch.equal(run.frames[-1], run.images)


@pytest.mark.parametrize("every", [0, -1, 1.5])
def test_collect_refuses_other_intervals(every):
    with pytest.raises(ValueError, match="every must be"):
        collect(iter(()), every=every)


def test_collect_refuses_a_sampler_that_has_ended():
    sampler = sample_ddim(OneImage(SCHEDULE, IMAGE), SCHEDULE, 2, steps=2, start=noise(2, 3, 2, 2))
    collect(sampler)
    with pytest.raises(ValueError, match="nothing left"):
        collect(sampler)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"steps": 0}, "steps must be"),
        ({"steps": 501}, "steps must be"),
        ({"eta": 1.1}, "eta must be"),
        ({"n": 0}, "n must be"),
        ({"guidance": 2.0}, "guidance needs a context"),
        ({"guidance": math.inf}, "guidance must be a number"),
        ({"context": torch.zeros(4)}, r"context must have shape \(5,\)"),
        ({"context": torch.zeros(3, 5)}, r"context must have shape"),
        ({"negative": torch.zeros(5)}, "negative needs a context"),
        ({"negative": torch.zeros(5), "context": torch.zeros(5)}, "and a guidance other than 1"),
        ({"negative": torch.zeros(4), "context": torch.zeros(5), "guidance": 2}, r"negative must have shape \(5,\)"),
        ({"negative": torch.zeros(1, 5), "context": torch.zeros(5), "guidance": 2}, r"negative must have shape \(5,\)"),
        ({"start": torch.zeros(2, 3, 8, 8)}, "start must have shape"),
        ({"start": torch.full((2, 3, 16, 16), math.nan)}, "start holds numbers that are not finite"),
        ({"context": torch.tensor([1, math.nan, 0, 0, 0])}, "context holds numbers that are not finite"),
        ({"guidance": math.nan}, "guidance must be a number"),
        ({"guidance": 1e39, "context": torch.zeros(5)}, "guidance must be a number of at most 1000, not 1e"),
    ],
)
def test_bad_arguments_are_refused_at_the_call(unet, changes, message):
    arguments = {"n": 2} | changes
    with pytest.raises(ValueError, match=message):
        sample_ddim(unet, SCHEDULE, **arguments)


def test_a_network_in_training_mode_is_refused():
    with pytest.raises(ValueError, match=r"model\.eval\(\)"):
        sample_ddpm(ContextUnet(n_feat=8), SCHEDULE, 2)
    partly = ContextUnet(n_feat=8).eval()
    partly.down1.train()
    with pytest.raises(ValueError, match=r"model\.eval\(\)"):
        sample_ddpm(partly, SCHEDULE, 2)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_a_network_of_half_precision_is_refused(dtype):
    with pytest.raises(ValueError, match=r"of half precision.*model\.float\(\)"):
        sample_ddim(ContextUnet(n_feat=8).eval().to(dtype), SCHEDULE, 2)


def test_numpys_integers_are_whole_numbers(unet):
    g = torch.Generator().manual_seed(0)
    trajectory = collect(sample_ddim(unet, SCHEDULE, np.int64(2), steps=np.int32(3), generator=g), every=np.int64(2))
    assert trajectory.images.shape == (2, 3, 16, 16) and trajectory.times == [500, 167, 0]
