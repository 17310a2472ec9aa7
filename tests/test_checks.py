"""The checks of the exercises: each passes what is right, names typical mistakes, and never stops a lab unless it is strict."""

import copy
from functools import partial
from inspect import signature
from itertools import accumulate, pairwise

import numpy as np
import pytest
import torch
from common import ROOT, load_script, refused, solved

from diffusion_lab import CLASSES, State, checks, step_grid
from diffusion_lab.checks.compare import another, numbers, unchanged
from diffusion_lab.schedules import cosine
from diffusion_lab.steps import ddim_step, ddpm_step, guide, perturb, target

LABS = load_script(ROOT / "notebooks" / "build.py").LABS
BY_NAME = {exercise.name: exercise for exercise in checks.EXERCISES}
WRONG = [(name, mistake, hint) for name, exercise in BY_NAME.items() for hint, mistake in exercise.mistakes.items()]


IMPORTED = {"torch": torch, "np": np, "CLASSES": CLASSES, "perturb": perturb, "target": target, "pairwise": pairwise}
IMPORTED |= {"State": State, "step": ddpm_step, "copy": copy, "cosine": cosine}
solution = partial(solved, IMPORTED)

# Right answers, written differently from the solutions and from the checks


def scatter_contexts(names):
    contexts = torch.zeros(len(names), 5)
    for row, name in zip(contexts, names, strict=True):
        row[CLASSES.index(name)] = 1
    return contexts


def load_average(average, model, decay):
    theirs = model.state_dict()
    average.load_state_dict({k: decay * v + (1 - decay) * theirs[k] for k, v in average.state_dict().items()})


def parameters_and_buffers(average, model, decay):
    for ours, theirs in ((average.parameters(), model.parameters()), (average.buffers(), model.buffers())):
        for mine, other in zip(ours, theirs, strict=True):
            mine.data = (decay * mine.data.double() + (1 - decay) * other.data.double()).to(mine.dtype)


def mse_of_all(model, x0, c, t, eps, schedule):
    answer = model(perturb(x0, t, eps, schedule.alpha_bar), t / schedule.T, c)
    return torch.nn.functional.mse_loss(answer, target(model.prediction, x0, t, eps, schedule.alpha_bar))


def by_hand(model, x0, c, t, eps, schedule):
    ab = schedule.alpha_bar[t].float().view(-1, 1, 1, 1)
    wanted = {"x0": x0, "eps": eps, "v": ab.sqrt() * eps - (1 - ab).sqrt() * x0}[model.prediction]
    error = model(ab.sqrt() * x0 + (1 - ab).sqrt() * eps, t.float() / schedule.T, c) - wanted
    return error.pow(2).sum() / error.numel()


def with_enumerate(model, optimizer, batches, loss):
    losses = []
    for k, batch in enumerate(batches):
        optimizer.zero_grad(set_to_none=k % 2 == 0)
        losses.append(loss(model, batch))
        losses[k].backward()
        optimizer.step()
        losses[k] = losses[k].item()
    return losses


def slopes_cleared_last(model, optimizer, batches, loss):
    losses = []
    for batch in batches:
        value = loss(model, batch)
        value.backward()
        optimizer.step()
        optimizer.zero_grad()
        losses += [value.item()]
    return losses


def pasted(x, known, mask, t, eps, alpha_bar):
    x = x.clone()
    x[..., mask] = perturb(known, t, eps, alpha_bar)[..., mask]
    return x


def wish_first(model, x, t, c, s):
    answers = model(x.repeat(2, 1, 1, 1), t.repeat(2), torch.cat([c, 0 * c]))
    return s * answers[: len(x)] + (1 - s) * answers[len(x) :]


def null_from_the_network(model, x, t, c, s):
    both = model(torch.cat([x] * 2), torch.cat([t] * 2), torch.cat([torch.zeros(c.shape), c]))
    return torch.lerp(both[: len(x)], both[len(x) :], s)


def hide_by_bernoulli(c, p, generator):
    return torch.where(torch.bernoulli(torch.full((len(c),), p), generator=generator).bool()[:, None], 0.0, c)


def ddpm_by_x0(x_t, eps, t, t_prev, alpha_bar, z):
    ab, ab_prev = alpha_bar[t].item(), alpha_bar[t_prev].item()
    mean = (ab_prev / ab) ** 0.5 * (x_t - (1 - ab / ab_prev) / (1 - ab) ** 0.5 * eps)
    return mean if t_prev == 0 else mean + (1 - ab / ab_prev) ** 0.5 * z


def by_index(believe, x, pairs, noises, alpha_bar):
    kept = [x]
    beliefs = []
    for i in range(len(pairs)):
        answer = believe(kept[-1], pairs[i][0])
        beliefs.append(answer[0])
        kept.append(ddpm_by_x0(kept[-1], answer[1], *pairs[i], alpha_bar, noises[i]))
    return [State(*three) for three in zip([t for t, _ in pairs] + [0], kept, [*beliefs, kept[-1]], strict=True)]


def carried(T, n):
    steps, t = [], T
    for left in range(n, 0, -1):
        steps.append((t, t - t // left))
        t -= t // left
    return np.array(steps)


def by_recursion(answer, step, start, pairs, alpha_bar):
    if not pairs:
        return [start]
    t, t_prev = pairs[0]
    x = step(*answer(start, t), t, t_prev, alpha_bar)
    return [start, *by_recursion(answer, step, x, pairs[1:], alpha_bar)]


def slerp_by_lengths(a, b, w):
    u, v = a.double().flatten(), b.double().flatten()
    theta = torch.acos(u @ v / u.norm() / v.norm())
    return a * (torch.sin(theta - w * theta) / torch.sin(theta)) + b * (torch.sin(w * theta) / torch.sin(theta))


# The rest of the right answers is from someone who had not seen the checks


def by_generator(believe, x, pairs, noises, alpha_bar):
    def go():
        y = x
        for i, (t, t_prev) in enumerate(pairs):
            guess = believe(y, t)
            yield State(t, y, guess[0])
            y = ddpm_step(y, guess[1], t, t_prev, alpha_bar, noises[i])
        yield State(0, y, y)

    return list(go())


def by_closure(model, optimizer, batches, loss):
    def closure(batch):
        optimizer.zero_grad()
        value = loss(model, batch)
        value.backward()
        return value

    return [optimizer.step(lambda batch=batch: closure(batch)).item() for batch in batches]


def slopes_by_autograd(model, optimizer, batches, loss):
    weights, losses = list(model.parameters()), []
    for batch in batches:
        value = loss(model, batch)
        for weight, slope in zip(weights, torch.autograd.grad(value, weights), strict=True):
            weight.grad = slope
        optimizer.step()
        losses.append(value.tolist())
    return losses


def bresenham(T, n):
    s, rest = divmod(T, n)
    steps, t = [], T
    for k in range(n):
        t_prev = t - s - ((k + 1) * rest // n - k * rest // n)
        steps.append([t, t_prev])
        t = t_prev
    return steps


def slerp_by_gram_schmidt(a, b, w):
    A, B = a.double().flatten().numpy(), b.double().flatten().numpy()
    c = A @ B / np.sqrt((A @ A) * (B @ B))
    share = np.sin(w * np.arccos(c)) / np.sin(np.arccos(c))
    return torch.tensor((np.cos(w * np.arccos(c)) - c * share) * A + share * B).reshape(a.shape).to(a)


def covariance_over_variance(steps, errors):
    c = np.cov(np.log10(steps), np.log10(errors))
    return -c[0, 1] / c[0, 0]


RIGHT = [
    ("L1.1", lambda x0, t, eps, alpha_bar: alpha_bar[t].item() ** 0.5 * x0 + (1 - alpha_bar[t].item()) ** 0.5 * eps),
    ("L1.2", lambda x_t, t, eps, alpha_bar: x_t / alpha_bar[t].sqrt() - (1 / alpha_bar[t] - 1).sqrt() * eps),
    ("L1.3", ddpm_by_x0),
    ("L1.4", by_index),
    ("L1.5", pasted),
    ("L1.5", lambda x, known, mask, t, eps, alpha_bar: x * ~mask + perturb(known, t, eps, alpha_bar) * mask),
    ("L2.1", lambda x0, t, eps, ab: torch.stack([perturb(x, int(i), e, ab) for x, i, e in zip(x0, t, eps, strict=True)])),
    (
        "L2.2",
        lambda v, x_t, t, ab: (
            (x0 := ab[t] ** 0.5 * x_t - (1 - ab[t]) ** 0.5 * v),
            (v + (1 - ab[t]) ** 0.5 * x0) / ab[t] ** 0.5,
        ),
    ),
    ("L2.3", mse_of_all),
    ("L2.3", by_hand),
    ("L2.4", with_enumerate),
    ("L2.4", slopes_cleared_last),
    ("L2.5", load_average),
    ("L2.5", parameters_and_buffers),
    ("L3.1", scatter_contexts),
    ("L3.2", hide_by_bernoulli),
    ("L3.3", lambda u, c, s: torch.lerp(u, c, s)),
    ("L3.3", lambda u, c, s: (1 - s) * u + s * c),
    ("L3.4", wish_first),
    ("L3.4", null_from_the_network),
    ("L3.5", lambda a, b, n: torch.stack([torch.lerp(a, b, i / (n - 1)) for i in range(n)])),
    ("L4.1", lambda x0, eps, t, t_prev, alpha_bar: ddim_step(x0, eps, t, t_prev, alpha_bar, 0.0, eps)),
    ("L4.2", carried),
    ("L4.3", by_recursion),
    ("L4.4", slerp_by_lengths),
    ("L1.2", lambda x_t, t, eps, ab: (x_t - perturb(0 * eps, t, eps, ab)).div(ab[t].item() ** 0.5)),
    ("L1.4", by_generator),
    ("L1.5", lambda x, known, mask, t, eps, ab: torch.lerp(x, perturb(known, t, eps, ab), mask.to(x))),
    (
        "L2.1",
        lambda x0, t, eps, ab: (x0.movedim(0, -1) * ab[t] ** 0.5 + eps.movedim(0, -1) * (1 - ab[t]) ** 0.5).movedim(-1, 0),
    ),
    ("L2.2", solution("L2.2", {"return a * x_t - b * v, b * x_t + a * v": "return [a * x_t - b * v, b * x_t + a * v]"})),
    ("L2.3", solution("L2.3", {"t / schedule.T, c": "t.double().div(schedule.T).float(), c=c"})),
    ("L2.4", by_closure),
    ("L2.4", slopes_by_autograd),
    ("L2.5", solution("L2.5", {"mul_(decay).add_((1 - decay) * theirs)": "add_((1 - decay) * (theirs - mine))"})),
    ("L2.5", solution("L2.5", {"mul_(decay).add_((1 - decay) * theirs)": "lerp_(theirs, 1 - decay)"})),
    ("L4.2", bresenham),
    ("L4.2", solution("L4.2", {"list(pairwise(times))": "tuple(zip(times, times[1:]))"})),
    (
        "L4.3",
        lambda answer, step, x, pairs, ab: list(accumulate(pairs, lambda x, p: step(*answer(x, p[0]), *p, ab), initial=x)),
    ),
    ("L4.4", slerp_by_gram_schmidt),
    ("L4.5", covariance_over_variance),
    ("L4.5", solution("L4.5", {"float(-slope)": "torch.tensor(-slope)"})),
]

# Wrong answers that the checks do not list: what was accepted, or not named, in earlier versions, and some of no known kind


def in_place_scale(x0, t, eps, alpha_bar):
    return x0.mul_(alpha_bar[t].sqrt()).add_((1 - alpha_bar[t]).sqrt() * eps)


def known_in_place(x, known, mask, t, eps, alpha_bar):
    known.mul_(alpha_bar[t].sqrt()).add_((1 - alpha_bar[t]).sqrt() * eps)
    return torch.where(mask, known, x)


def left_half(x, known, mask, t, eps, alpha_bar):
    return torch.cat([perturb(known, t, eps, alpha_bar)[..., :8], x[..., 8:]], dim=-1)


def own_noise_in_loss(model, x0, c, t, eps, schedule):
    return mse_of_all(model, x0, c, t, torch.randn_like(eps), schedule)


def mean_of_each(model, x0, c, t, eps, schedule):
    return (model(perturb(x0, t, eps, schedule.alpha_bar), t / schedule.T, c) - eps).square().flatten(1).mean(1)


def one_batch_again(model, optimizer, batches, loss):
    batches = list(batches)
    return with_enumerate(model, optimizer, [batches[1]] * len(batches), loss)


def twice_over(model, optimizer, batches, loss):
    return with_enumerate(model, optimizer, [*(kept := list(batches)), *kept], loss)


def returns_inside(model, optimizer, batches, loss):
    for batch in batches:
        return with_enumerate(model, optimizer, [batch], loss)


def lerp_all(average, model, decay):
    with torch.no_grad():
        for k, v in average.state_dict().items():
            v.lerp_(model.state_dict()[k], 1 - decay)


def forgets(words):
    def answer(average, model, decay):
        for (name, mine), theirs in zip(average.state_dict().items(), model.state_dict().values(), strict=True):
            if mine.is_floating_point() and not any(word in name for word in words):
                mine.lerp_(theirs, 1 - decay)

    return answer


def own_noise(answer, step, start, pairs, alpha_bar):
    return by_recursion(answer, step, torch.randn_like(start), pairs, alpha_bar)


def asks_twice(answer, step, start, pairs, alpha_bar):
    pictures = [start]
    for t, t_prev in pairs:
        x0, eps = answer(pictures[-1], t)[0], answer(pictures[-1], t)[1]
        pictures.append(step(x0, eps, t, t_prev, alpha_bar))
    return pictures


def stops_before_the_last_step(answer, step, start, pairs, alpha_bar):
    x, pictures = start, []
    for t, t_prev in pairs:
        pictures.append(x)
        x0, eps = answer(x, t)
        x = step(x0, eps, t, t_prev, alpha_bar)
    return pictures


def own_schedule(answer, step, start, pairs, alpha_bar):
    return by_recursion(answer, step, start, pairs, torch.linspace(1, 0.001, len(alpha_bar), dtype=torch.float64))


def changes_start(answer, step, start, pairs, alpha_bar):
    pictures = [start.clone()]
    for t, t_prev in pairs:
        start.copy_(step(*answer(start, t), t, t_prev, alpha_bar))
        pictures.append(start.clone())
    return pictures


def own_seed(x_t, eps, t, t_prev, alpha_bar, z):
    return ddpm_step(x_t, eps, t, t_prev, alpha_bar, torch.randn(x_t.shape, generator=torch.Generator().manual_seed(0)))


def own_noises(believe, x, pairs, noises, alpha_bar):
    return by_index(believe, x, pairs, torch.randn_like(noises), alpha_bar)


def course_schedule(believe, x, pairs, noises, alpha_bar):
    return by_index(believe, x, pairs, noises, cosine(500).alpha_bar)


def backwards_noise(believe, x, pairs, noises, alpha_bar):
    return by_index(believe, x, pairs, noises.flip(0), alpha_bar)


def own_pairs(believe, x, pairs, noises, alpha_bar):
    return by_index(believe, x, step_grid(60, 3), noises, alpha_bar)


def hides_in_place(c, p, generator):
    c[torch.rand(len(c), generator=generator) < p] = 0
    return c


def hides_the_first(c, p, generator):
    hidden = c.clone()
    hidden[: int(p * len(c))] = 0
    return hidden


def hides_by_its_own_seed(c, p, generator):
    return c * (torch.rand((len(c), 1), generator=torch.Generator().manual_seed(42)) >= p)


def hides_more_of_the_first(c, p, generator):
    share = torch.linspace(2 * p, 0, len(c))[:, None]
    return c * (torch.rand((len(c), 1), generator=generator) >= share)


def loop_over_sprites(model, x, t, c, s):
    each = [(model(x[i : i + 1], t[i : i + 1]), model(x[i : i + 1], t[i : i + 1], c[i : i + 1])) for i in range(len(x))]
    return torch.cat([guide(u, wished, s) for u, wished in each])


def three_calls(model, x, t, c, s):
    model(x, t)
    return guide(model(x, t), model(x, t, c), s)


def grid_500(T, n):
    times = [round(500 * k / n) for k in range(n, -1, -1)]
    return list(pairwise(times))


OTHERS = [  # exercise, a wrong answer, words of its message; "" where the check does not know the mistake and gives numbers
    ("L1.1", in_place_scale, "The values are right, but you changed x0 itself"),
    (
        "L1.1",
        lambda x0, t, eps, alpha_bar: perturb(x0, 50, eps, alpha_bar),
        "stays the same when t changes: use the argument t",
    ),
    ("L1.1", lambda x0, t, eps, alpha_bar: -perturb(x0, t, eps, alpha_bar), "The sign is wrong"),
    ("L1.1", lambda x0, t, eps, alpha_bar: 2 * perturb(x0, t, eps, alpha_bar), "the expected one times 2"),
    ("L1.1", lambda x0, t, eps, alpha_bar: perturb(x0, t, eps, torch.linspace(1, 0, 501) ** 2), "the argument alpha_bar"),
    ("L1.2", lambda x_t, t, eps, alpha_bar: (x_t - eps) / (1 - alpha_bar[t]), ""),
    ("L1.3", own_seed, "stays the same when z changes"),
    ("L1.3", lambda x_t, eps, t, t_prev, alpha_bar, z: x_t - eps + z, "stays the same when t changes"),
    ("L1.3", lambda x_t, eps, t, t_prev, alpha_bar, z: ddpm_step(x_t, -z, t, t_prev, alpha_bar, z), "when eps changes"),
    ("L1.3", lambda x_t, eps, t, t_prev, alpha_bar, z: ddpm_step(x_t, eps, t, max(t_prev, 1), alpha_bar, z), ""),
    (
        "L1.3",
        lambda x_t, eps, t, t_prev, alpha_bar, z: ddpm_step(x_t, eps, t, t_prev, alpha_bar, (t > 10) * z),
        "Fresh noise is missing",
    ),
    ("L1.4", own_noises, "draw no noise of your own"),
    ("L1.4", course_schedule, "stays the same when alpha_bar changes"),
    ("L1.4", backwards_noise, ""),
    ("L1.4", own_pairs, "Asked: .* the list of the states' times is .*60, 40, 20.*, expected"),
    ("L1.4", lambda *inputs: [tuple(state) for state in by_index(*inputs)], "a list of states"),
    ("L1.4", lambda *inputs: by_index(*inputs)[-1].x, "the list of all states, and not the last picture"),
    ("L1.4", lambda *inputs: by_index(*inputs)[-1], "the list of all states, and not the last picture"),
    ("L1.4", lambda *inputs: (state for state in by_index(*inputs)), "a list of states"),
    ("L1.5", known_in_place, "you changed known itself"),
    ("L1.5", left_half, "stays the same when mask changes"),
    ("L2.1", lambda x0, t, eps, alpha_bar: perturb(x0, t.flip(0), eps, alpha_bar), ""),
    ("L2.2", lambda v, x_t, t, alpha_bar: None, "two things"),
    ("L2.2", lambda v, x_t, t, alpha_bar: (-x_t, v), "stays the same when t changes"),
    (
        "L2.1",
        lambda x0, t, eps, ab: torch.stack([perturb(x, 150, e, ab) for x, e in zip(x0, eps, strict=True)]),
        "use the argument t",
    ),
    ("L2.2", lambda v, x_t, t, alpha_bar: (v, v), "You took v as the sprite"),
    ("L2.3", own_noise_in_loss, "draw no noise of your own"),
    ("L2.3", lambda model, x0, c, t, eps, schedule: mse_of_all(model, x0, c, t, eps, schedule) + 1, ""),
    ("L2.3", lambda *batch: (lambda error: error)(batch[1] - batch[4]), "The loss is one number"),
    ("L2.3", lambda model, x0, c, t, eps, schedule: 0.25, "backward"),
    ("L2.3", mean_of_each, "The loss is one number"),
    ("L2.4", one_batch_again, ""),
    ("L2.4", twice_over, ""),
    (
        "L2.4",
        lambda model, optimizer, batches, loss: [loss(model, batch).item() for batch in batches],
        "The weights never move",
    ),
    ("L2.4", returns_inside, "Only the first batch was used"),
    ("L2.5", lerp_all, "a whole number, num_batches_tracked"),
    ("L2.5", forgets(["0.bias", "1.bias"]), "The biases stayed behind"),
    ("L2.5", forgets(["1.weight"]), "BatchNorm's scale stayed behind"),
    (
        "L2.5",
        forgets(["running_var"]),
        "Asked: .* what moved is 0.weight, 0.bias, 1.weight, 1.bias, 1.running_mean, expected",
    ),
    ("L3.1", lambda names: torch.eye(5)[: len(names)], "stays the same when names changes"),
    ("L3.1", lambda names: [[float(name == of) for of in CLASSES] for name in names], "should return a tensor"),
    ("L3.1", lambda names: torch.nn.functional.one_hot(torch.tensor([CLASSES.index(n) for n in names]), 5), "whole numbers"),
    ("L3.1", lambda names: torch.eye(5)[CLASSES.index(names[0])].expand(len(names), 5), "stays the same"),
    ("L3.2", hides_in_place, "changed c itself"),
    ("L3.2", hides_the_first, "hides the same rows"),
    ("L3.2", hides_by_its_own_seed, "hides the same rows"),
    ("L3.2", hides_more_of_the_first, "Asked: .* it is not so that each row is hidden as often as the others"),
    (
        "L3.2",
        lambda c, p, generator: c * (torch.rand((len(c), 1), generator=generator) >= 0.12),
        "stays the same when p changes",
    ),
    ("L3.2", lambda c, p, generator: c[torch.rand(len(c), generator=generator) >= p], "the shape of c"),
    ("L3.3", lambda u, c, s: u + 3 * (c - u), "stays the same when s changes"),
    ("L3.3", lambda u, c, s: u.add_(s * (c - u)), "you changed u itself"),
    ("L3.3", lambda u, c, s: u + s**2 * (c - u), ""),
    ("L3.4", three_calls, "Asked: .* the number of the model's calls is 3, expected 1"),
    ("L3.4", loop_over_sprites, "Asked: .* the number of the model's calls is 6, expected 1"),
    ("L3.4", lambda model, x, t, c, s: guide(model(x, t), model(x, t, c), 3.0), "stays the same when s changes"),
    ("L3.4", lambda model, x, t, c, s: guide(model(x, 0 * t), model(x, 0 * t, c), s), "stays the same when t changes"),
    ("L3.5", lambda a, b, n: torch.stack([a] + [b] * (n - 1)), ""),
    ("L3.5", lambda a, b, n: [a + (b - a) * k / (n - 1) for k in range(n)], "should return a tensor, but returned list"),
    ("L3.5", lambda a, b, n: torch.stack([a + (b - a) * k / 7 for k in range(8)]), "shape"),
    ("L4.1", lambda x0, eps, t, t_prev, alpha_bar: perturb(x0, t_prev // 2, eps, alpha_bar), ""),
    ("L4.2", grid_500, "stays the same when T changes"),
    ("L4.2", lambda T, n: [(float(t), float(u)) for t, u in carried(T, n)], "Times are whole numbers"),
    ("L4.2", lambda T, n: torch.linspace(T, 0, n + 1).round().int(), "These are the times: pair"),
    ("L4.2", lambda T, n: [(T, 0)] * n, "Asked: .* it is not so that each step begins where"),
    ("L4.3", own_noise, "draw no noise of your own"),
    ("L4.3", asks_twice, "Asked: .* the number of the network's answers is 14, expected 7"),
    ("L4.3", own_schedule, "stays the same when alpha_bar changes"),
    ("L4.3", stops_before_the_last_step, "The end is missing"),
    ("L4.3", lambda answer, step, start, pairs, alpha_bar: [answer(start, pair) for pair in pairs], "takes the time t alone"),
    (
        "L4.3",
        lambda answer, step, start, pairs, alpha_bar: [answer(start, t / 300) for t, _ in pairs],
        "Times are whole numbers",
    ),
    ("L4.3", lambda answer, step, start, pairs, alpha_bar: [answer(start, t) for _, t in pairs], "asked at t = 0"),
    ("L4.3", changes_start, "you changed start itself"),
    (
        "L4.3",
        lambda answer, step, start, pairs, alpha_bar: by_recursion(answer, step, start, pairs, alpha_bar)[-1],
        "a list of",
    ),
    ("L4.4", lambda a, b, w: slerp_by_lengths(a, b, 0.5), "stays the same when w changes"),
    ("L4.4", lambda a, b, w: a, "stays the same when b changes"),
    ("L4.5", lambda steps, errors: 1.5, "stays the same when steps changes"),
    ("L4.5", lambda steps, errors: None, "should return a number, but returned NoneType"),
]


# Wrong answers of someone who had not seen the checks, as what differs from the solution

IN_BOTH = "average.state_dict().values(), model.state_dict().values()"
FIT = "slope, _ = np.polyfit(np.log(steps), np.log(errors), 1)"

BLIND = [  # exercise, what is written for what, words of its message; "" where it gives numbers
    ("L1.1", {"(1 - alpha_bar[t]).sqrt()": "(1 - alpha_bar[t])"}, "The noise is too weak"),
    ("L1.1", {"(1 - alpha_bar[t]).sqrt()": "(1 - alpha_bar[t].sqrt())"}, "not 1 minus the root"),
    ("L1.1", {"return": "t = min(t, 299)\n    return"}, ""),
    ("L1.2", {"(x_t -": "(x_t.reshape(-1, 3, 16, 16) -"}, "should return the shape"),
    ("L1.2", {"(x_t - (1 - alpha_bar[t]).sqrt() * eps)": "x_t - (1 - alpha_bar[t]).sqrt() * eps"}, "Only the noise is divided"),
    ("L1.2", {"/ alpha_bar[t].sqrt()": "/ alpha_bar[t].sqrt(), eps"}, "returned tuple"),
    ("L1.3", {"t_prev > 0": "t_prev > 1"}, "missing where t_prev is small"),
    ("L1.3", {"t_prev > 0": "t > 1"}, "The last step, to t_prev = 0"),
    ("L1.3", {"beta.sqrt() if": "1 - alpha.sqrt() if"}, "the square root of 1 - alpha"),
    ("L1.3", {"    alpha =": "    if t_prev == 0:\n        return x_t\n    alpha ="}, ""),
    (
        "L1.4",
        {"    states.append(State(0, x, x))\n    r": "        states.append(State(0, x, x))\n        r"},
        "The return stands in",
    ),
    ("L1.4", {"append(State(t, x, x0))": "append(State(t, x0, x))"}, "the wrong way round"),
    ("L1.4", {"step(x, eps": "step(x0, eps"}, "The step begins at the belief"),
    ("L1.4", {"    states.append(State(0": "        states.append(State(0"}, "The last state stands in the loop"),
    ("L1.4", {"believe(x, t)": "believe(x, t / (len(alpha_bar) - 1))"}, "takes t itself, not t / T"),
    ("L1.4", {"alpha_bar, z)": "alpha_bar, noises[t])"}, "one noise for each step"),
    ("L1.4", {"append(State(0, x, x))": "append(State(0, x, x0))"}, "The last state holds the old belief"),
    ("L1.5", {"perturb(known, t": "perturb(known, max(t - 1, 0)"}, "noisy as at t - 1"),
    ("L1.5", {"return": "return x if t == 0 else"}, "At t = 0 nothing was replaced"),
    ("L1.5", {"perturb(known, t, eps": "perturb(eps, t, known"}, "The known sprite and the noise are exchanged"),
    ("L1.5", {"where(mask": "where(mask.T"}, ""),
    ("L2.1", {"reshape(-1, 1, 1, 1)": "reshape(1, -1, 1, 1)"}, "one for each colour"),
    (
        "L2.1",
        {"alpha_bar[t].reshape(-1, 1, 1, 1)": "0\n    for k in t:\n        ab = alpha_bar[k]"},
        "the time of the last one",
    ),
    ("L2.2", {"a, b =": "t = t - 1\n    a, b ="}, "This is at time t - 1"),
    ("L2.2", {"a * x_t - b * v, b * x_t + a * v": "a * v - b * x_t, b * v + a * x_t"}, "x_t and v are exchanged"),
    ("L2.3", {".mean()": ".mean() / 2"}, "half of the mean square"),
    ("L2.3", {"t / schedule.T": "1 - t / schedule.T"}, "is told 1 - t / schedule.T"),
    ("L2.3", {"x_t =": "model.eval()\n    x_t ="}, "into eval mode"),
    ("L2.3", {"return (": "loss = (", ".mean()": ".mean()\n    loss.backward()\n    return loss"}, "You called backward"),
    ("L2.3", {".mean()": ".mean().detach().requires_grad_()"}, "does not reach the weights"),
    (
        "L2.3",
        {"answer = model": "with torch.no_grad():\n        answer = model", ".mean()": ".mean().requires_grad_()"},
        "does not reach the weights",
    ),
    ("L2.3", {"prediction, x0": "prediction, x_t"}, "The target is made from the noisy x_t"),
    ("L2.3", {"schedule.alpha_bar": "cosine().alpha_bar"}, "stays the same when schedule changes"),
    ("L2.4", {"in batches": "in list(batches)"}, "All batches were taken before the first update"),
    ("L2.4", {"losses = []": "model.eval()\n    losses = []"}, "into eval mode"),
    ("L2.4", {"value.item()": "round(value.item(), 3)"}, "The losses are rounded"),
    ("L2.4", {"losses = []": "model = copy.deepcopy(model)\n    losses = []"}, "no copy of it"),
    (
        "L2.4",
        {"(value.item())": "(value.item())\n        if len(losses) > 1 and losses[-1] > losses[-2]:\n            break"},
        "The training stops where the loss rises",
    ),
    ("L2.4", {"= loss(model, batch)": "= loss(batch, model)"}, "loss takes the network"),
    ("L2.5", {"with torch": "model.eval()\n    with torch"}, "into eval mode"),
    ("L2.5", {"with torch": "model.requires_grad_(False)\n    with torch"}, "You switched requires_grad off"),
    (
        "L2.5",
        {IN_BOTH: "*([v for k, v in n.state_dict().items() if k.count('.') < 2] for n in (average, model))"},
        "in another",
    ),
    (
        "L2.5",
        {
            IN_BOTH: "*([*net.parameters(), *net.buffers()] for net in (average, model))",
            "if mine.is_floating_point()": "if isinstance(mine, torch.nn.Parameter)",
        },
        "mean and variance were copied",
    ),
    ("L2.5", {"add_((1 - decay) * theirs)": "add_(theirs)"}, "its share is 1 - decay"),
    ("L2.5", {"with torch.no_grad()": "if decay", "state_dict().values()": "parameters()"}, "do it under .with torch"),
    ("L4.1", {"alpha_bar[t_prev]": "(alpha_bar[t] / alpha_bar[t_prev])"}, "the factor of a step from x_t"),
    ("L4.1", {"alpha_bar[t_prev]": "alpha_bar[max(t_prev, 1)]"}, "there is no noise any more"),
    ("L4.1", {"return": "return x0 if t_prev < 5 else"}, ""),
    ("L4.2", {"list(pairwise(times))": "pairwise(times)"}, "around the pairwise"),
    (
        "L4.2",
        {
            "times = [round(T * k / n) for k in range(n, -1, -1)]": "s = -(-T // n)",
            "list(pairwise(times))": "[(t, max(t - s, 0)) for t in range(T, 0, -s)]",
        },
        "T // n, rounded up, takes too large steps",
    ),
    ("L4.2", {"pairwise(times)": "zip(times[::2], times[1::2])"}, "without steps of 2"),
    ("L4.2", {"list(pairwise(times))": "[t for pair in pairwise(times) for t in pair]"}, "lie flat in one list"),
    (
        "L4.2",
        {
            "round(T * k / n) for k in range(n, -1, -1)": "max(T - k * round(T / n), 0) for k in range(n)",
            "(times))": "([*times, 0]))",
        },
        "rounded once for all steps",
    ),
    ("L4.3", {"step(x0, eps, t, t_prev, alpha_bar)": "perturb(x0, t_prev, eps, alpha_bar)"}, "The given step is not used"),
    ("L4.3", {"append(x)": "append(x0)"}, "The list holds the start and the beliefs"),
    ("L4.3", {"return pictures": "return torch.stack(pictures)"}, "should return a list of pictures"),
    ("L4.3", {"answer(x, t)": "answer(x, t / (len(alpha_bar) - 1))"}, "takes t itself, not t / T"),
    ("L4.3", {"return pictures": "return [*pictures, answer(x, 0)[0]]"}, "ask it at the t of each pair only"),
    ("L4.4", {"(a.norm() * b.norm())": "(a.norm() * b.norm()) ** 2"}, "The norm is the root of the sum of squares"),
    ("L4.4", {"theta = ": "if w in (0, 1):\n        return a if w else b\n    theta = "}, "at w = 0 it must be a"),
    ("L4.4", {"theta = ": "w = min(max(w, 0.1), 0.9)\n    theta = "}, "w is kept away from 0 and 1"),
    ("L4.4", {"(torch.sin((1 - w)": "torch.sin((1 - w)", "theta) * b)": "theta) * b"}, "not only its second part"),
    (
        "L4.5",
        {FIT: "slope = np.log(errors[-1] / errors[0]) / np.log(steps[-1] / steps[0])"},
        "Only the first and the last error",
    ),
    ("L4.5", {FIT: "slope = np.mean(np.diff(np.log(errors)) / np.diff(np.log(steps)))"}, "the mean of the slopes"),
    ("L4.5", {"slope, _": "_, slope"}, "minus the line's height"),
    ("L4.5", {"np.log(errors)": "np.log2(errors)"}, "different bases"),
    ("L4.5", {"np.log(errors)": "np.log(np.square(errors))"}, "The errors are squared"),
    ("L4.5", {"np.log(errors)": "np.log(sorted(errors, reverse=True))"}, ""),
    ("L4.5", {"(steps)": "(steps[:-1])", "(errors)": "(errors[:-1])"}, "The last error is left out"),
]
CLOCKED = [  # natural tries of two readers who went through the labs with a clock
    ("L1.3", {"(1 - alpha_bar[t]).sqrt()": "(1 - alpha).sqrt()"}, "of this step: it is"),
    ("L1.3", {"(x_t - beta": "x_t / alpha.sqrt() - (beta", "* eps) / alpha.sqrt()": "* eps)"}, "Only x_t is divided"),
    ("L1.3", {"* eps)": "* z)", "sigma * z": "sigma * eps"}, "eps and z are exchanged"),
    ("L1.4", {"        states.append(State(t, x, x0))\n": ""}, "No state is kept in the loop"),
    ("L1.5", {"perturb(known, t, eps, alpha_bar), x": "known, perturb(x, t, eps, alpha_bar)"}, "it is known that needs it"),
    ("L2.1", {"(1 - ab).sqrt()": "(1 - ab.sqrt())"}, "not 1 minus the root"),
    ("L2.3", {"eps, schedule.alpha_bar))": "eps, cosine(500).alpha_bar))"}, "needs schedule.alpha_bar"),
    ("L2.4", {"        losses.append(value.item())\n": ""}, "The list of losses is empty"),
    ("L2.4", {"value.item()": "value"}, "keep the whole network's memory alive"),
    ("L2.5", {"mine.mul_(decay).add_((1 - decay) * theirs)": "mine.add_((1 - decay) * theirs).mul_(decay)"}, "first mine.mul_"),
    ("L3.1", {"[CLASSES.index(name) for name in names]": "names"}, "is indexed by numbers"),
    ("L3.3", {"s * (c": "s(c"}, "missing before a bracket"),
    ("L3.4", {"[x, x]": "[x, x], 1", "[nothing, c]": "[nothing, c], 1"}, "leave dim out of torch.cat"),
    (
        "L4.3",
        {
            "step(x0, eps, t, t_prev, alpha_bar)\n        pictures.append(x)": "(pictures.append(x), step(x0, eps, t, t_prev, "
            "alpha_bar))[1]"
        },
        "appended before the step",
    ),
]
OTHERS += [(name, solution(name, edits), words) for name, edits, words in BLIND + CLOCKED]


@pytest.mark.parametrize("name", BY_NAME)
def test_the_solution_is_right_and_has_a_hint(name):
    exercise = BY_NAME[name]
    verdict = exercise.check(solution(name))
    assert verdict and verdict.status == "right" and str(verdict) == f"Exercise {name}: right."
    assert len(exercise.hint()) > 20 and str(exercise.solution()).startswith("def ")


@pytest.mark.parametrize(("name", "answer"), RIGHT, ids=[f"{name} {i}" for i, (name, _) in enumerate(RIGHT)])
def test_what_is_right_may_be_written_differently(name, answer):
    assert str(BY_NAME[name].check(answer)) == f"Exercise {name}: right."


@pytest.mark.parametrize(("name", "mistake", "hint"), WRONG, ids=[f"{name} {hint[:40]}" for name, _, hint in WRONG])
def test_a_listed_mistake_is_named_by_its_own_hint(name, mistake, hint):
    assert str(BY_NAME[name].check(mistake)) == f"Exercise {name}: not yet. {hint}"


@pytest.mark.parametrize(("name", "answer", "words"), OTHERS, ids=[f"{o[0]} {i}" for i, o in enumerate(OTHERS)])
def test_a_mistake_that_is_not_listed_is_refused_with_its_name_or_in_numbers(name, answer, words):
    refused(BY_NAME[name], answer, words)


def test_the_package_has_the_exercises_that_labs_toml_counts():
    names = [name for lab in LABS for name in lab.exercise_names]
    assert list(BY_NAME) == names
    assert all(getattr(checks, name.replace(".", "_")) is BY_NAME[name] for name in names)


def frozen(exercise, k):
    """A right answer in which argument k of the first case stands as a fixed value."""
    first = exercise.cases()[0][k]
    return lambda *inputs: exercise.right(*inputs[:k], first, *inputs[k + 1 :])


NUMBERS = [  # exercise and place of an argument that is a number
    (exercise.name, k)
    for exercise in checks.EXERCISES
    for k, value in enumerate(exercise.cases()[0])
    if isinstance(value, int | float) and (exercise.name, k) != ("L4.1", 2)  # quiet_step needs no t
]


@pytest.mark.parametrize(("name", "k"), NUMBERS)
def test_a_number_of_the_first_case_written_into_an_answer_is_refused(name, k):
    assert BY_NAME[name].check(frozen(BY_NAME[name], k)).status == "not yet"


CHANGEABLE = [
    (exercise.name, k)
    for exercise in checks.EXERCISES
    for k, value in enumerate(exercise.cases()[0])
    if isinstance(value, torch.Tensor | list) and (exercise.name, k) != ("L2.4", 2)  # batches come one by one
]


@pytest.mark.parametrize(("name", "k"), CHANGEABLE)
def test_right_values_are_refused_where_an_argument_was_changed_and_the_message_names_it(name, k):
    def careless(*inputs):
        got = BY_NAME[name].right(*inputs)
        inputs[k].reverse() if isinstance(inputs[k], list) else inputs[k].copy_(another(inputs[k]))
        return got

    argument = list(signature(BY_NAME[name].right).parameters)[k]
    assert f"The values are right, but you changed {argument} itself" in BY_NAME[name].check(careless).message


@pytest.mark.parametrize("name", BY_NAME)
def test_each_exercise_has_two_cases_of_different_sizes_and_makes_them_anew(name):
    cases, again = BY_NAME[name].cases(), BY_NAME[name].cases()
    shapes = {str([getattr(v, "shape", len(v) if isinstance(v, list) else v) for v in case]) for case in cases}
    assert len(shapes) >= 2 and all(
        unchanged(a, b) and (a is not b or isinstance(a, int | float | str) or callable(a))
        for case, other in zip(cases, again, strict=True)
        for a, b in zip(case, other, strict=True)
    )


def test_at_least_110_wrong_answers_are_tried_and_nine_in_ten_are_named():
    unnamed = sum(not words or words.startswith("Asked: ") for _, _, words in OTHERS)
    assert len(WRONG) + len(OTHERS) >= 110 and unnamed <= (len(WRONG) + len(OTHERS)) / 10
    assert all(any(name == wrong[0] for wrong in OTHERS) and any(name == right[0] for right in RIGHT) for name in BY_NAME)


def test_at_least_40_wrong_answers_are_from_someone_who_had_not_seen_the_checks_and_nine_in_ten_are_named():
    assert len(BLIND) >= 40 and sum(not words for _, _, words in BLIND) <= len(BLIND) / 10


def test_two_numbers_that_differ_late_are_told_with_more_digits():
    assert numbers("the loss", 1.23456, 1.23461) == "the loss is 1.23456, expected 1.23461."
    assert "has 1.0003 at [0], expected 1" in numbers("", torch.tensor([1.0003]), torch.ones(1))


def test_each_exercise_knows_three_mistakes():
    assert all(sum(wrong[0] == name for wrong in WRONG) >= 3 for name in BY_NAME)


@pytest.mark.parametrize("name", BY_NAME)
def test_what_is_not_done_or_returns_nothing_or_fails_stops_no_lab(name):
    def stub(*inputs):
        raise NotImplementedError(f"Exercise {name}: write this function.")

    def fails(*inputs):
        raise KeyError("oh")

    def lacks(*inputs):
        raise NotImplementedError("'lerp' not implemented for 'Long'")

    assert BY_NAME[name].check(stub).status == "not done yet"
    assert BY_NAME[name].check(lambda *inputs: None).status == "not yet"
    assert "KeyError" in BY_NAME[name].check(fails).message
    assert "NotImplementedError: 'lerp' not implemented for 'Long'" in BY_NAME[name].check(lacks).message


@pytest.mark.parametrize("name", sorted(set(BY_NAME) - {"L2.5"}))  # (update_average returns nothing that counts)
def test_whatever_comes_back_is_a_verdict(name):
    odd = ["", "3", {}, {"x0": None}, [torch.ones(2)], (torch.ones(2), "a"), np.ones(3), torch.ones(0), 1j, float("inf"), True]
    odd += [torch.full((2, 3, 16, 16), torch.inf), torch.ones(2, 3, 16, 16, dtype=torch.complex64), {1}, [(1, 2, 3)], [(1,)]]
    assert all(BY_NAME[name].check(lambda *inputs, thing=thing: thing).message for thing in odd)


def test_strictly_all_but_a_right_answer_raises(monkeypatch):
    monkeypatch.setenv("DIFFUSION_LAB_STRICT", "1")
    assert checks.L1_1.check(perturb)
    with pytest.raises(AssertionError, match=r"Exercise L1\.1: not yet\. The noise is taken away"):
        checks.L1_1.check(lambda x0, t, eps, alpha_bar: perturb(x0, t, -eps, alpha_bar))
    with pytest.raises(AssertionError, match="not done yet"):
        checks.L1_1.check(lambda *inputs: (_ for _ in ()).throw(NotImplementedError("Exercise L1.1: write this.")))


def test_a_check_leaves_the_random_numbers_of_the_notebook_alone():
    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    checks.L4_3.check(own_noise)
    assert torch.equal(torch.rand(3), expected)


def test_a_verdict_is_words_not_only_colour_and_shows_no_markup_of_others():
    verdict = checks.L1_1.check(lambda *inputs: int("<b>"))
    assert "<b>Exercise L1.1: not yet.</b>" in verdict._repr_html_() and "&lt;b&gt;" in verdict._repr_html_()
