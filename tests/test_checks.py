"""The checks of the exercises: each passes its solution, names typical mistakes, and never stops a lab unless it is strict."""

import json
from itertools import pairwise

import numpy as np
import pytest
import torch
from common import ROOT, load_script

from diffusion_lab import CLASSES, checks
from diffusion_lab.checks.exercise import SOLUTIONS
from diffusion_lab.steps import ddim_step, ddpm_step, guide, perturb

LABS = load_script(ROOT / "notebooks" / "build.py").LABS
BY_NAME = {exercise.name: exercise for exercise in checks.EXERCISES}


def solution(name):
    """The function in solutions.json, defined with what the labs import."""
    space = {"torch": torch, "np": np, "CLASSES": CLASSES, "perturb": perturb, "pairwise": pairwise}
    before = set(space)
    exec(json.loads(SOLUTIONS.read_text(encoding="utf-8"))[name], space)
    return space[next(key for key in space if key not in before and key != "__builtins__")]


def roots(alpha_bar, t):
    return alpha_bar[t].sqrt(), (1 - alpha_bar[t]).sqrt()


# L1


def stretched(x):
    return ((x - x.min()) / (x.max() - x.min()) * 255).round().to(torch.uint8)


def not_moved(x):
    return (x.clamp(0, 1) * 255).round().to(torch.uint8)


def not_clipped(x):
    return ((x + 1) * 127.5).round().long().remainder(256).to(torch.uint8)


def floats(x):
    return (x.clamp(-1, 1) + 1) * 127.5


def noise_without_root(x0, t, eps, alpha_bar):
    return alpha_bar[t].sqrt() * x0 + (1 - alpha_bar[t]) * eps


def no_roots(x0, t, eps, alpha_bar):
    return alpha_bar[t] * x0 + (1 - alpha_bar[t]) * eps


def factors_swapped(x0, t, eps, alpha_bar):
    a, b = roots(alpha_bar, t)
    return b * x0 + a * eps


def one_early(x0, t, eps, alpha_bar):
    return perturb(x0, t - 1, eps, alpha_bar)


def not_divided(x_t, t, eps, alpha_bar):
    return x_t - roots(alpha_bar, t)[1] * eps


def whole_noise(x_t, t, eps, alpha_bar):
    return (x_t - eps) / roots(alpha_bar, t)[0]


def plus(x_t, t, eps, alpha_bar):
    a, b = roots(alpha_bar, t)
    return (x_t + b * eps) / a


def divided_by_noise(x_t, t, eps, alpha_bar):
    b = roots(alpha_bar, t)[1]
    return (x_t - b * eps) / b


def noise_at_the_end(x, eps, t, t_prev, alpha_bar, z):
    alpha = alpha_bar[t] / alpha_bar[t_prev]
    return (x - (1 - alpha) / (1 - alpha_bar[t]).sqrt() * eps) / alpha.sqrt() + (1 - alpha).sqrt() * z


def beta_for_its_root(x, eps, t, t_prev, alpha_bar, z):
    beta = 1 - alpha_bar[t] / alpha_bar[t_prev]
    return ddpm_step(x, eps, t, t_prev, alpha_bar, 0 * z) + (t_prev > 0) * beta * z


def no_fresh_noise(x, eps, t, t_prev, alpha_bar, z):
    return ddpm_step(x, eps, t, t_prev, alpha_bar, 0 * z)


def always_one_step(x, eps, t, t_prev, alpha_bar, z):
    return ddpm_step(x, eps, t, t - 1, alpha_bar, z)


def clean_paste(x, known, mask, t, eps, alpha_bar):
    return torch.where(mask, known, x)


def other_half(x, known, mask, t, eps, alpha_bar):
    return torch.where(mask, x, perturb(known, t, eps, alpha_bar))


def everything(x, known, mask, t, eps, alpha_bar):
    return perturb(known, t, eps, alpha_bar)


def in_place(x, known, mask, t, eps, alpha_bar):
    x[..., mask] = perturb(known, t, eps, alpha_bar)[..., mask]
    return x


# L2


def batch_without_root(x0, t, eps, alpha_bar):
    ab = alpha_bar[t].reshape(-1, 1, 1, 1).float()
    return ab.sqrt() * x0 + (1 - ab) * eps


def not_reshaped(x0, t, eps, alpha_bar):
    ab = alpha_bar[t].float()
    return ab.sqrt() * x0 + (1 - ab).sqrt() * eps


def first_time(x0, t, eps, alpha_bar):
    return perturb(x0, int(t[0]), eps, alpha_bar)


def wrong_sign(v, x_t, t, alpha_bar):
    a, b = roots(alpha_bar, t)
    return a * x_t + b * v, b * x_t + a * v


def swapped_pair(v, x_t, t, alpha_bar):
    a, b = roots(alpha_bar, t)
    return b * x_t + a * v, a * x_t - b * v


def swapped_roots(v, x_t, t, alpha_bar):
    a, b = roots(alpha_bar, t)
    return b * x_t - a * v, a * x_t + b * v


def only_x0(v, x_t, t, alpha_bar):
    a, b = roots(alpha_bar, t)
    return a * x_t - b * v


def single_numbers(c, p, generator):
    return c * (torch.rand(c.shape, generator=generator) >= p)


def the_other_share(c, p, generator):
    return c * (torch.rand((len(c), 1), generator=generator) < p)


def like_dropout(c, p, generator):
    return c * (torch.rand((len(c), 1), generator=generator) >= p) / (1 - p)


def own_coins(c, p, generator):
    return c * (torch.rand((len(c), 1)) >= p)


def one_coin(c, p, generator):
    return c * (torch.rand(1, generator=generator) >= p)


def changes_c(c, p, generator):
    c *= torch.rand((len(c), 1), generator=generator) >= p
    return c


def move(average, model, share, names=lambda module: module.state_dict()):
    with torch.no_grad():
        for mine, theirs in zip(names(average).values(), names(model).values(), strict=True):
            if mine.is_floating_point():
                mine.lerp_(theirs, share)


def shares_swapped(average, model, decay):
    move(average, model, decay)


def a_copy(average, model, decay):
    average.load_state_dict(model.state_dict())


def parameters_only(average, model, decay):
    move(average, model, 1 - decay, lambda module: dict(module.named_parameters()))


def moves_the_network(average, model, decay):
    move(model, average, decay)


def straight_line(updates, losses, goal):
    return np.polyval(np.polyfit(losses, updates, 1), goal)


def still_a_logarithm(updates, losses, goal):
    return np.polyval(np.polyfit(np.log(losses), np.log(updates), 1), np.log(goal))


def half_logarithmic(updates, losses, goal):
    return np.exp(np.polyval(np.polyfit(losses, np.log(updates), 1), goal))


# L3


def alphabetical(names):
    return torch.eye(5)[[sorted(CLASSES).index(name) for name in names]]


def whole_numbers(names):
    return torch.eye(5)[[CLASSES.index(name) for name in names]].long()


def lying(names):
    return torch.eye(5)[[CLASSES.index(name) for name in names]].T


def half_swapped(model, x, t, c, s):
    c_answer, u = model(torch.cat([x, x]), torch.cat([t, t]), torch.cat([torch.zeros_like(c), c])).chunk(2)
    return guide(u, c_answer, s)


def ones_for_null(model, x, t, c, s):
    u, c_answer = model(torch.cat([x, x]), torch.cat([t, t]), torch.cat([torch.ones_like(c), c])).chunk(2)
    return guide(u, c_answer, s)


def times_divided(model, x, t, c, s):
    u, w = model(torch.cat([x, x]), torch.cat([t, t]) / 500, torch.cat([torch.zeros_like(c), c])).chunk(2)
    return u + s * (w - u)


def two_calls(model, x, t, c, s):
    return guide(model(x, t), model(x, t, c), s)


def times_once(model, x, t, c, s):
    return model(torch.cat([x, x]), t, torch.cat([torch.zeros_like(c), c]))[: len(x)]


def with_itself(images):
    return torch.cdist(images.flatten(1), images.flatten(1)).mean()


def squared(images):
    flat = images.flatten(1)
    return torch.cdist(flat, flat).square().sum() / (len(flat) * (len(flat) - 1))


def one_heap(images):
    return images.std()


def without_the_end(a, b, n):
    w = torch.arange(n)[:, None] / n
    return (1 - w) * a + w * b


def backwards(a, b, n):
    w = torch.linspace(0, 1, n)[:, None]
    return w * a + (1 - w) * b


def one_too_many(a, b, n):
    w = torch.linspace(0, 1, n + 1)[:, None]
    return (1 - w) * a + w * b


# L4


def careless(T, n):
    return [(t, t - T // n) for t in range(T, 0, -(T // n))]


def until_1(T, n):
    times = np.linspace(T, 1, n + 1).round().astype(int).tolist()
    return list(pairwise(times))


def from_T_minus_1(T, n):
    times = np.linspace(T - 1, 0, n + 1).round().astype(int).tolist()
    return list(pairwise(times))


def one_step_less(T, n):
    times = np.linspace(T, 0, max(n, 2)).round().astype(int).tolist()
    return list(pairwise(times))


def stays(x0, eps, t, t_prev, alpha_bar):
    return perturb(x0, t, eps, alpha_bar)


def noise_of_t(x0, eps, t, t_prev, alpha_bar):
    return alpha_bar[t_prev].sqrt() * x0 + (1 - alpha_bar[t]).sqrt() * eps


def quiet_without_root(x0, eps, t, t_prev, alpha_bar):
    return alpha_bar[t_prev].sqrt() * x0 + (1 - alpha_bar[t_prev]) * eps


def sigma_of(eta, t, t_prev, alpha_bar):
    return eta * ((1 - alpha_bar[t_prev]) / (1 - alpha_bar[t])).sqrt() * (1 - alpha_bar[t] / alpha_bar[t_prev]).sqrt()


def too_much_noise(x0, eps, t, t_prev, alpha_bar, eta, z):
    return perturb(x0, t_prev, eps, alpha_bar) + sigma_of(eta, t, t_prev, alpha_bar) * z


def not_squared(x0, eps, t, t_prev, alpha_bar, eta, z):
    s = sigma_of(eta, t, t_prev, alpha_bar)
    return alpha_bar[t_prev].sqrt() * x0 + (1 - alpha_bar[t_prev] - s).clamp(min=0).sqrt() * eps + s * z


def half_a_sigma(x0, eps, t, t_prev, alpha_bar, eta, z):
    s = eta * (1 - alpha_bar[t] / alpha_bar[t_prev]).sqrt()
    return alpha_bar[t_prev].sqrt() * x0 + (1 - alpha_bar[t_prev] - s**2).clamp(min=0).sqrt() * eps + s * z


def no_z(x0, eps, t, t_prev, alpha_bar, eta, z):
    return ddim_step(x0, eps, t, t_prev, alpha_bar, eta, 0 * z)


def no_eta(x0, eps, t, t_prev, alpha_bar, eta, z):
    return perturb(x0, t_prev, eps, alpha_bar)


def arc(a, b, w, theta):
    return (torch.sin((1 - w) * theta) * a + torch.sin(w * theta) * b) / torch.sin(theta)


def cosine_of(a, b):
    return (a * b).sum() / (a.norm() * b.norm())


WRONG = [  # exercise, a wrong answer, words of its message
    ("L1.1", stretched, "its own minimum and maximum"),
    ("L1.1", not_moved, "move the range first"),
    ("L1.1", not_clipped, "must be clipped first"),
    ("L1.1", floats, r"end with \.to\(torch\.uint8\)"),
    ("L1.2", noise_without_root, r"standard deviation 0\.03, expected 0\.17: is a square root missing\?"),
    ("L1.2", no_roots, "Both square roots"),
    ("L1.2", factors_swapped, "the factor of the noise, and the noise that of the sprite"),
    ("L1.2", one_early, "time t - 1"),
    ("L1.3", not_divided, "divide by its factor"),
    ("L1.3", whole_noise, "with its factor, not whole"),
    ("L1.3", plus, "it must be taken away"),
    ("L1.3", divided_by_noise, "divide by that of the sprite"),
    ("L1.4", noise_at_the_end, "must add no noise"),
    ("L1.4", beta_for_its_root, "the square root of beta"),
    ("L1.4", no_fresh_noise, "Fresh noise is missing"),
    ("L1.4", always_one_step, "t_prev may be further away"),
    ("L1.5", clean_paste, "clean pixels into a noisy picture"),
    ("L1.5", other_half, "You replaced the unknown half"),
    ("L1.5", everything, "outside the mask x must stay"),
    ("L1.5", in_place, "you changed x itself"),
    ("L2.1", batch_without_root, "is a square root missing"),
    ("L2.1", not_reshaped, r"reshape the factors to \(B, 1, 1, 1\)"),
    ("L2.1", first_time, "each has its own"),
    ("L2.2", wrong_sign, "where v has its minus"),
    ("L2.2", swapped_pair, r"the order is \(x0, eps\)"),
    ("L2.2", swapped_roots, "two factors are swapped"),
    ("L2.2", only_x0, "two things"),
    ("L2.3", single_numbers, "hide all five of a sprite together"),
    ("L2.3", the_other_share, "wrong way round"),
    ("L2.3", like_dropout, "what is kept stays as it is"),
    ("L2.3", one_coin, "share one coin"),
    ("L2.3", changes_c, "changed c itself"),
    ("L2.3", own_coins, "same generator gave other coins"),
    ("L2.4", shares_swapped, "decay is the share of the average that stays"),
    ("L2.4", a_copy, "must remember its past"),
    ("L2.4", parameters_only, r"go through state_dict\(\)"),
    ("L2.4", moves_the_network, "only the average may move"),
    ("L2.5", straight_line, "logarithm of both"),
    ("L2.5", still_a_logarithm, "undo it at the end"),
    ("L2.5", half_logarithmic, "losses need a logarithm"),
    ("L3.1", alphabetical, "yours is the alphabet's"),
    ("L3.1", whole_numbers, "whole numbers"),
    ("L3.1", lying, r"shape \(4, 5\), but returned \(5, 4\)"),
    ("L3.2", lambda u, c, s: c + s * (u - c), "u and c are swapped"),
    ("L3.2", lambda u, c, s: (1 + s) * c - s * u, "the paper's w"),
    ("L3.2", lambda u, c, s: u + s * c, "not s times c"),
    ("L3.3", half_swapped, "halves are swapped"),
    ("L3.3", ones_for_null, "a context of zeros"),
    ("L3.3", times_divided, "t is divided by T already"),
    ("L3.3", two_calls, "called 2 times: put both halves into one batch"),
    ("L3.3", times_once, "x has 6 entries, t has 3"),
    ("L3.4", with_itself, "distance of each sprite to itself"),
    ("L3.4", squared, "the square root is missing"),
    ("L3.4", one_heap, "in one heap"),
    ("L3.5", without_the_end, "The last context is not b"),
    ("L3.5", backwards, "from b to a"),
    ("L3.5", one_too_many, "both ends count"),
    ("L4.1", stays, "the time to go to"),
    ("L4.1", noise_of_t, "must have that of t_prev"),
    ("L4.1", quiet_without_root, "square root of the noise's factor"),
    ("L4.2", too_much_noise, "too much noise now"),
    ("L4.2", not_squared, "sigma must be squared"),
    ("L4.2", half_a_sigma, "lacks its first root"),
    ("L4.2", no_z, "z was never added"),
    ("L4.2", no_eta, "sigma is missing"),
    ("L4.3", careless, "T // n rounds down"),
    ("L4.3", until_1, "expected 0: the sprite would stay noisy"),
    ("L4.3", from_T_minus_1, "begins at 499, expected 500"),
    ("L4.3", one_step_less, "there are 9 steps, expected 10"),
    ("L4.4", lambda a, b, w: (1 - w) * a + w * b, "straight line"),
    ("L4.4", lambda a, b, w: arc(b, a, w, torch.arccos(cosine_of(a, b))), "from b to a"),
    ("L4.4", lambda a, b, w: arc(a, b, w, cosine_of(a, b)), "take arccos"),
    ("L4.5", lambda steps, errors: np.polyfit(np.log(steps), np.log(errors), 1)[0], "The sign"),
    ("L4.5", lambda steps, errors: np.polyfit(steps, errors, 1)[0], "without logarithms"),
    ("L4.5", lambda steps, errors: errors[0] / errors[1], "its logarithm to base 2"),
]


@pytest.mark.parametrize("name", BY_NAME)
def test_the_solution_is_right_and_has_a_hint(name):
    exercise = BY_NAME[name]
    verdict = exercise.check(solution(name))
    assert verdict and verdict.status == "right" and str(verdict) == f"Exercise {name}: right."
    assert len(exercise.hint()) > 20 and str(exercise.solution()).startswith("def ")


@pytest.mark.parametrize(("name", "answer", "words"), WRONG, ids=[f"{w[0]} {w[1].__name__} {i}" for i, w in enumerate(WRONG)])
def test_a_typical_mistake_is_named(name, answer, words):
    verdict = BY_NAME[name].check(answer)
    assert not verdict and verdict.status == "not yet"
    with pytest.raises(AssertionError, match=words):
        raise AssertionError(verdict.message)


def test_the_package_has_the_exercises_that_labs_toml_counts():
    names = [name for lab in LABS for name in lab.exercise_names]
    assert list(BY_NAME) == names
    assert all(getattr(checks, name.replace(".", "_")) is BY_NAME[name] for name in names)


def test_each_exercise_knows_three_mistakes():
    assert all(sum(wrong[0] == name for wrong in WRONG) >= 3 for name in BY_NAME)


@pytest.mark.parametrize("name", BY_NAME)
def test_what_is_not_done_or_returns_nothing_or_fails_stops_no_lab(name):
    def stub(*inputs):
        raise NotImplementedError(f"Exercise {name}: write this function.")

    def fails(*inputs):
        raise KeyError("oh")

    assert BY_NAME[name].check(stub).status == "not done yet"
    assert BY_NAME[name].check(lambda *inputs: None).status == "not yet"
    assert "KeyError" in BY_NAME[name].check(fails).message


def test_strictly_all_but_a_right_answer_raises(monkeypatch):
    monkeypatch.setenv("DIFFUSION_LAB_STRICT", "1")
    assert checks.L1_2.check(perturb)
    with pytest.raises(AssertionError, match=r"Exercise L1\.2: not yet\. Both square roots"):
        checks.L1_2.check(no_roots)
    with pytest.raises(AssertionError, match="not done yet"):
        checks.L1_2.check(lambda *inputs: (_ for _ in ()).throw(NotImplementedError))


def test_a_verdict_is_words_not_only_colour_and_shows_no_markup_of_others():
    verdict = checks.L1_2.check(lambda *inputs: int("<b>"))
    assert "<b>Exercise L1.2: not yet.</b>" in verdict._repr_html_() and "&lt;b&gt;" in verdict._repr_html_()
