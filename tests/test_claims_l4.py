"""What L4 says is so: each claim in numbers, in the exact small world or on a few sprites."""

import json

import numpy as np
import pytest
import torch

from diffusion_lab import (
    collect,
    load_model,
    load_sprites,
    load_words,
    sample_ddim,
    sample_ddpm,
    sample_dpmpp_2m,
    step_grid,
    to_tensors,
)
from diffusion_lab.points import Cloud, moons
from diffusion_lab.samplers import believe
from diffusion_lab.schedules import cosine
from diffusion_lab.sprites import packaged_file
from diffusion_lab.steps import clip_x0, ddim_step, ddpm_step, perturb
from diffusion_lab.training import diffusion_loss, train_step
from diffusion_lab.unet import for_drawing

S = cosine()
PLAIN = ("apple", "hamburger", "flame")  # their upper corners are white


@pytest.fixture(scope="module")
def artist():
    return for_drawing(load_model()[0])


@pytest.fixture(scope="module")
def held_out():
    images, _ = to_tensors(load_sprites("held_out"))
    rows = torch.linspace(20, len(images) - 20, 8).long()
    return images[rows], torch.from_numpy(load_words("held_out")[0])[rows]


def variances(t, t_prev):
    """beta and the posterior's."""
    ab = S.alpha_bar
    beta = 1 - ab[t] / ab[t_prev]
    return beta, beta * (1 - ab[t_prev]) / (1 - ab[t])


def right_variance(t, t_prev, error):
    """What fresh noise must stand for, if the belief's mean squared error is `error`."""
    beta, posterior = variances(t, t_prev)
    return posterior + S.alpha_bar[t_prev] * (beta / (1 - S.alpha_bar[t])) ** 2 * error


def test_grain_comes_from_beta_and_not_from_fresh_noise(artist):
    g = torch.Generator().manual_seed(0)
    wishes = torch.cat([load_model()[0].words.contexts(prompt, 1, g)[0] for prompt in PLAIN])
    start = torch.randn(len(PLAIN), 3, 16, 16, generator=g)

    def grain(sampler, n, **options):
        """How far the upper corners are from white."""
        fresh = torch.Generator().manual_seed(0)
        images = collect(sampler(artist, S, len(PLAIN), wishes, 1.0, fresh, steps=n, start=start, **options)).images
        return (1 - images[:, :, :3][..., [0, 1, 2, 13, 14, 15]]).abs().mean().item()

    of_beta = [grain(sample_ddpm, n) for n in (5, 10, 20)]
    of_posterior = [grain(sample_ddim, n, eta=1.0) for n in (5, 10)]
    assert all(b > 4 * p and p < 0.02 for b, p in zip(of_beta, of_posterior, strict=False)), (of_beta, of_posterior)
    assert of_beta[0] > 1.5 * of_beta[1] > 3 * of_beta[2], of_beta


def test_the_two_choices_share_the_mean_and_every_z():
    x, x0, z = torch.randn(3, 2, 3, 8, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).unbind(0)
    t, t_prev = 200, 100
    eps = (x - S.alpha_bar[t].sqrt() * x0) / (1 - S.alpha_bar[t]).sqrt()
    beta, posterior = variances(t, t_prev)
    ours = ddpm_step(x, eps, t, t_prev, S.alpha_bar, z)
    theirs = ddim_step(x0, eps, t, t_prev, S.alpha_bar, 1.0, z)
    assert torch.allclose(ours - beta.sqrt() * z, theirs - posterior.sqrt() * z)


def test_the_right_sigma_is_beta_where_nothing_can_be_believed_and_the_posteriors_where_all_can():
    for t, t_prev in step_grid(500, 10)[:-1]:
        beta, posterior = variances(t, t_prev)
        assert torch.isclose(right_variance(t, t_prev, 1 - S.alpha_bar[t]), beta)  # data N(0, 1): what x_t leaves open
        assert right_variance(t, t_prev, 0.0) == posterior < beta


def test_the_right_sigma_is_the_spread_of_x_prev_in_the_exact_world():
    t, t_prev, g = 250, 150, torch.Generator().manual_seed(0)
    cloud = Cloud(moons()[0], S, spread=0.25)
    x0 = moons()[0].repeat(15, 1) + 0.25 * torch.randn(6_000, 2, generator=g, dtype=torch.float64)
    x_prev = perturb(x0, t_prev, torch.randn(x0.shape, generator=g, dtype=torch.float64), S.alpha_bar)
    beta, _ = variances(t, t_prev)
    x_t = (1 - beta).sqrt() * x_prev + beta.sqrt() * torch.randn(x0.shape, generator=g, dtype=torch.float64)
    belief, eps = (part.flatten(1) for part in believe(cloud, S, x_t.view(-1, 2, 1, 1), t))
    mean = ddpm_step(x_t, eps, t, t_prev, S.alpha_bar, torch.zeros_like(x_t))
    found = (x_prev - mean).square().mean()
    assert torch.isclose(found, right_variance(t, t_prev, (x0 - belief).square().mean()), rtol=0.05)
    assert variances(t, t_prev)[1] < found < beta


def test_on_sprites_the_right_sigma_is_near_the_posteriors_and_ddpms_is_above_all_noise_in_the_last_two_rows(artist, held_out):
    real, words = held_out
    noise = torch.randn(real.shape, generator=torch.Generator().manual_seed(2))
    above = []
    for t, t_prev in step_grid(500, 10)[:-1]:
        with torch.no_grad():
            x0, _ = believe(artist, S, perturb(real, t, noise, S.alpha_bar), t, words)
        right = right_variance(t, t_prev, (x0.clamp(-1, 1) - real).square().mean()).sqrt()
        beta, posterior = (v.sqrt() for v in variances(t, t_prev))
        assert abs(right - posterior) < abs(beta - right)
        above.append(bool(beta**2 > 1 - S.alpha_bar[t_prev]))
        assert posterior**2 < 1 - S.alpha_bar[t_prev]
    assert above[-2:] == [True, True] and not any(above[1:-2])


def test_in_small_steps_beta_and_the_posteriors_are_nearly_equal():
    ratios = [(lambda b, p: (p / b).sqrt().item())(*variances(t, t - 1)) for t in range(20, 500)]
    assert min(ratios) > 0.95
    assert variances(100, 50)[1] < 0.3 * variances(100, 50)[0]


def test_whatever_eta_is_the_noises_add_up():
    one, zero = torch.ones(1, dtype=torch.float64), torch.zeros(1, dtype=torch.float64)
    for eta in (0.0, 0.4, 1.0):
        guessed, fresh = (ddim_step(zero, e, 300, 200, S.alpha_bar, eta, z) for e, z in ((one, zero), (zero, one)))
        assert torch.isclose(guessed**2 + fresh**2, 1 - S.alpha_bar[200:201])


def test_in_the_exact_world_ddim_has_order_1_and_2m_order_2():
    cloud, counts = Cloud(moons()[0], S, spread=0.25), (5, 10, 20, 40)
    start = torch.randn(30, 2, 1, 1, generator=torch.Generator().manual_seed(0), dtype=torch.float64)

    def ends(sampler, n):
        return collect(sampler(cloud, S, 30, start=start, steps=n, clip=False), every=n).images

    exact = ends(sample_dpmpp_2m, 500)
    for sampler, order in ((sample_ddim, 1), (sample_dpmpp_2m, 2)):
        errors = [(ends(sampler, n) - exact).norm(dim=1).mean().item() for n in counts]
        assert -np.polyfit(np.log(counts), np.log(errors), 1)[0] == pytest.approx(order, abs=0.1)


def test_in_the_exact_world_ddim_and_2m_go_one_way_and_ddpm_another():
    cloud = Cloud(moons()[0], S)
    start = torch.randn(30, 2, 1, 1, generator=torch.Generator().manual_seed(1), dtype=torch.float64)

    def walk(sampler, n):
        return collect(sampler(cloud, S, 30, generator=torch.Generator().manual_seed(0), start=start, steps=n))

    def length(frames):
        return frames.diff(dim=0).norm(dim=2).sum(0).median().item()

    ddpm, ddim, fast = walk(sample_ddpm, 100), walk(sample_ddim, 100), walk(sample_dpmpp_2m, 8)
    assert length(ddpm.frames) > 5 * length(ddim.frames)
    assert (fast.images - ddim.images).norm(dim=1).median() < 0.1 < (ddpm.images - ddim.images).norm(dim=1).median()


def test_the_error_of_an_inversion_differs_much_between_sprites_and_falls_with_smaller_steps(artist, held_out):
    real, words = (part[:5] for part in held_out)  # a hero, a hero, a creature, grapes, a burger

    def errors(n):
        x = real
        for t, t_prev in reversed(step_grid(500, n)):
            with torch.no_grad():
                x0, eps = believe(artist, S, x, max(t_prev, 1), words)
            x = perturb(x0, t, eps, S.alpha_bar)
        back = collect(sample_ddim(artist, S, len(x), words, start=x, steps=n), every=n).images
        return (back - real).abs().mean(dim=(1, 2, 3)), x

    (coarse, _), (fine, noise) = errors(5), errors(12)
    assert coarse.max() > 2 * coarse.min() and fine.median() < 0.6 * coarse.median()
    ground = (real > 0.95).all(1, keepdim=True).expand_as(real)
    assert noise[ground].std() < 0.5 * noise[~ground].std()  # the sprite can be seen in it: its ground is flat


def test_the_score_is_minus_the_guessed_noise_and_points_to_where_noisy_data_are_denser():
    points, t = moons()[0], 80
    ab = S.alpha_bar[t]
    x = torch.randn(40, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64).requires_grad_(True)
    apart = x[:, None] - ab.sqrt() * points
    (-apart.square().sum(2) / (2 * (1 - ab))).logsumexp(1).sum().backward()  # log p_t, but for a constant
    _, eps = believe(Cloud(points, S), S, x.detach().view(-1, 2, 1, 1), t)
    assert torch.allclose(x.grad, -eps.flatten(1) / (1 - ab).sqrt())


def test_eulers_steps_of_flow_matching_are_ddims():
    cloud, ab = Cloud(moons()[0], S), S.alpha_bar
    a, b = ab.sqrt(), (1 - ab).sqrt()
    s = b / (a + b)
    start = torch.randn(20, 2, 1, 1, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    x, y = start / (a[500] + b[500]), start
    for t, t_prev in step_grid(500, 10):
        x0, eps = believe(cloud, S, (a[t] + b[t]) * x, t)
        v = a[t] * eps - b[t] * x0
        assert torch.allclose((a[t] + b[t]) * v + (b[t] - a[t]) * (a[t] + b[t]) * x, eps - x0)  # u from the network's v
        x = x + (s[t_prev] - s[t]) * (eps - x0)
        y = ddim_step(*believe(cloud, S, y, t), t, t_prev, ab, 0.0, torch.zeros_like(y))
        assert torch.allclose((a[t_prev] + b[t_prev]) * x, y)


def test_the_first_belief_of_the_teacher_is_a_blur_and_that_of_the_student_a_sprite(artist):
    teacher, _ = load_model()
    student, few = load_model("few_steps")
    wishes = torch.cat([teacher.words.contexts(p, 1, torch.Generator().manual_seed(0))[0] for p in PLAIN])
    start = torch.randn(len(PLAIN), 3, 16, 16, generator=torch.Generator().manual_seed(1))

    def edges(network, schedule, guidance):
        with torch.no_grad():
            x0, _ = believe(network, schedule, start, schedule.T, wishes, guidance)
        x0, _ = clip_x0(x0, start, schedule.T, schedule.alpha_bar)
        return x0.diff(dim=3).square().mean().item()

    assert edges(student, few, 1.0) > 1.5 * edges(artist, S, teacher.sampling.guidance)


def test_a_critic_of_few_updates_believes_in_more_blurred_sprites_than_the_teacher_does_even_without_guidance(artist, held_out):
    real, words = held_out
    g = torch.Generator().manual_seed(0)
    images, contexts = to_tensors(load_sprites())[0], torch.from_numpy(load_words()[0])
    critic = load_model()[0].requires_grad_(True)
    optimizer = torch.optim.AdamW(critic.parameters())

    def belief(network, x, t, c):
        with torch.no_grad():
            return believe(network, S, x, t, c)[0]

    for _ in range(3):
        pick = torch.randint(len(images), (8,), generator=g)
        x_t = perturb(images[pick], 375, torch.randn(8, 3, 16, 16, generator=g), S.alpha_bar)
        answers, s = belief(artist, x_t, 375, contexts[pick]), torch.randint(250, 375, (8,), generator=g)
        eps = torch.randn(8, 3, 16, 16, generator=g)
        train_step(diffusion_loss(critic, answers, contexts[pick], s, eps, S), optimizer, 2e-3)
    answers = belief(artist, perturb(real, 375, torch.randn(real.shape, generator=g), S.alpha_bar), 375, words)
    x_s = perturb(answers, 312, torch.randn(real.shape, generator=g), S.alpha_bar)
    of_teacher, of_critic = (belief(n, x_s, 312, words).diff(dim=3).square().mean() for n in (artist, critic))
    assert of_critic < 0.85 * of_teacher


def test_in_the_stored_measurements_2m_needs_fewer_evaluations_than_ddim_and_more_steps_gain_less():
    lines = json.loads(packaged_file("weights", "evaluation.json").read_text())

    def curve(sampler):
        chosen = [
            e for e in lines if (e["weights"], e["sampler"], e["guidance"], e["n"]) == ("context_unet", sampler, 1.5, 1000)
        ]
        return tuple(zip(*sorted((e["steps"], e["samples"]["ratio"]) for e in chosen), strict=True))

    (steps, ratios), (steps_2m, ratios_2m) = curve("ddim"), curve("dpmpp_2m")
    inside = [(n, r) for n, r in zip(steps_2m, ratios_2m, strict=True) if min(steps) <= n <= max(steps)]
    assert inside and all(r < np.interp(np.log(n), np.log(steps), ratios) - 0.05 for n, r in inside)
    gains = -np.diff(ratios) / np.diff(np.log(steps))
    assert (np.diff(gains) < 0).all()
