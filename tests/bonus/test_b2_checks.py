"""The checks of B2 with answers of its own, right and wrong. What all bonus checks must do is in test_bonus_checks.py."""

import math
from functools import partial

import numpy as np
import pytest
import torch
import torch.nn.functional as F
import torchmetrics
from common import solved
from torch import nn

from diffusion_lab import checks
from diffusion_lab.checks import b2

pytestmark = pytest.mark.bonus

BY_NAME = {exercise.name: exercise for exercise in b2.EXERCISES}
solution = partial(solved, {"torch": torch})


def by_autograd(x, slope):
    x = x.detach().requires_grad_()
    return torch.autograd.grad(F.silu(x), x, slope)[0]


def loop_hinge(scores, target):
    total = 0.0
    for row, y in zip(scores.tolist(), target.tolist(), strict=True):
        total += sum(max(0.0, 1 - row[y] + s) for j, s in enumerate(row) if j != y) / len(row)
    return total / len(scores)


def by_torch(w, grad, m, v, k, lr):
    """torch.optim.Adam, with its state put in."""
    p = nn.Parameter(w.clone())
    optimiser = torch.optim.Adam([p], lr=lr)
    optimiser.state[p] = {"step": torch.tensor(float(k - 1)), "exp_avg": m.clone(), "exp_avg_sq": v.clone()}
    p.grad = grad
    optimiser.step()
    return p.detach(), optimiser.state[p]["exp_avg"], optimiser.state[p]["exp_avg_sq"]


def by_torchmetrics(table):
    truth, said = [], []
    for (i, j), count in np.ndenumerate(table.clamp(min=0).numpy()):
        truth += [i] * int(count)
        said += [j] * int(count)
    score = torchmetrics.F1Score(task="multiclass", num_classes=len(table), average="macro")
    return score(torch.tensor(said), torch.tensor(truth))


def by_weights(values, weight):
    """The closed form: each value with the weight that is left of it, divided by their sum."""
    rows = []
    for n in range(1, len(values) + 1):
        shares = torch.tensor([weight ** (n - 1 - k) for k in range(n)])
        rows.append((shares * values[:n]).sum() / shares.sum())
    return torch.stack(rows)


RIGHT = [
    ("B2.1", by_autograd),
    ("B2.1", lambda x, slope: slope * torch.sigmoid(x) * (1 + x * torch.sigmoid(-x))),
    ("B2.2", loop_hinge),
    ("B2.2", lambda scores, target: F.multi_margin_loss(scores, target % scores.shape[1])),
    ("B2.3", by_torch),
    ("B2.4", by_torchmetrics),
    ("B2.4", lambda table: float(checks.B2_4.right(table))),
    ("B2.5", by_weights),
]


def in_place(w, grad, m, v, k, lr):
    new, m_new, v_new = checks.B2_3.right(w, grad, m, v, k, lr)
    m.copy_(m_new)
    return new, m, v_new


def precise(table):
    precision, recall = table.diagonal() / table.sum(0), table.diagonal() / table.sum(1)
    return (2 * precision * recall / (precision + recall)).mean()


def occurring(table):
    """By precision and recall, 0 for 0 / 0, over the classes that occur."""
    precision, recall = table.diagonal() / table.sum(0), table.diagonal() / table.sum(1)
    each = (2 * precision * recall / (precision + recall)).nan_to_num()
    return each[table.sum(1) > 0].mean()


def with_hits_inside(table):
    """False alarms and misses counted with the hits."""
    hits, alarms, misses = table.diagonal(), table.sum(0), table.sum(1)
    return (2 * hits / (2 * hits + alarms + misses).clamp(min=1))[alarms + misses > 0].mean()


# Wrong answers that no check lists, with words of the verdict; "" is a refusal in numbers
OTHERS = [
    ("B2.1", solution("B2.1", {"slope * (s + x * s * (1 - s))": "s * (1 + x * (1 - s))"}), "slope from above is missing"),
    ("B2.1", solution("B2.1", {"slope * (s": "slope + (s"}), "slope from above is added"),
    ("B2.1", solution("B2.1", {"x * s * (1 - s)": "s * (1 - s)"}), "factor x is missing"),
    ("B2.1", solution("B2.1", {"x.sigmoid()": "x.tanh()"}), ""),
    ("B2.1", solution("B2.1", {"(1 - s)": "(s - 1)"}), "sign of the second half"),
    ("B2.1", solution("B2.1", {"x.sigmoid()": "slope.sigmoid()"}), ""),
    ("B2.1", lambda x, slope: checks.B2_1.right(x, slope).mean(), "a tensor, but returned a single number, without a shape"),
    ("B2.1", lambda x, slope: (x > 0).all(), "a tensor, but returned a single yes or no"),
    ("B2.1", solution("B2.1", {"slope * (s + x * s * (1 - s))": "s + x * s * (1 - s) * slope"}), "first one lacks it"),
    ("B2.1", solution("B2.1", {"slope * (s + x * s * (1 - s))": "slope * s + x * s * (1 - s)"}), "brackets are missing"),
    ("B2.1", lambda x, slope: 2 * checks.B2_1.right(x, slope), "expected one times 2"),
    ("B2.1", lambda x, slope: -checks.B2_1.right(x, slope), "sign is wrong"),
    ("B2.1", lambda x, slope: checks.B2_1.right(x, torch.ones_like(x)), "slope from above is missing"),
    ("B2.2", solution("B2.2", {"gaps.sum(dim=1) - 1": "gaps.sum(dim=1)"}), "right class is in the sum"),
    ("B2.2", solution("B2.2", {" / scores.shape[1]": ""}), "not divided by the number of classes"),
    ("B2.2", solution("B2.2", {" / scores.shape[1]": " / 5"}), r"Asked: .* is .*\d.*, expected .*\d.*\(It is right for scores"),
    ("B2.2", solution("B2.2", {" / scores.shape[1]": " / scores.shape[0]"}), "divide by the number of pictures"),
    ("B2.2", solution("B2.2", {"[torch.arange(len(scores)), target][:, None]": "[:, target]"}), "One right score for each row"),
    ("B2.2", solution("B2.2", {"[:, None]": ""}), "One right score for each row"),
    ("B2.2", solution("B2.2", {"[torch.arange(len(scores)), target][:, None]": "[target]"}), "takes whole rows"),
    ("B2.2", solution("B2.2", {".clamp(min=0)": ""}), "Nothing is cut at 0"),
    ("B2.2", solution("B2.2", {"1 - right + scores": "1 + right - scores"}), "signs are exchanged"),
    ("B2.2", solution("B2.2", {"gaps.sum(dim=1)": "gaps.sum(dim=0)"}), ""),
    ("B2.2", lambda scores, target: F.multi_margin_loss(scores, target, p=2), "gaps are squared"),
    ("B2.2", lambda scores, target: nn.CrossEntropyLoss()(scores, target), "This is the cross entropy"),
    ("B2.2", lambda scores, target: nn.MultiLabelMarginLoss()(scores, F.one_hot(target, scores.shape[1])), ""),
    ("B2.2", lambda scores, target: F.multi_margin_loss(scores, target, reduction="none"), "One loss for each picture"),
    ("B2.2", lambda scores, target: F.multi_margin_loss(scores, torch.zeros_like(target)), "stays the same when target"),
    ("B2.3", solution("B2.3", {"grad**2": "grad.abs()"}), ""),
    ("B2.3", solution("B2.3", {"square.sqrt() + 1e-8": "(square + 1e-8).sqrt() + 1.0"}), ""),
    ("B2.3", solution("B2.3", {"0.999**k": "0.999"}), ""),
    ("B2.3", solution("B2.3", {"m / (1 - 0.9**k), v / (1 - 0.999**k)": "m, v"}), "Both averages begin at 0"),
    ("B2.3", solution("B2.3", {"w - lr": "w + lr"}), "goes uphill"),
    ("B2.3", solution("B2.3", {"square.sqrt()": "square"}), "The root is missing"),
    ("B2.3", solution("B2.3", {", m, v\n": ", mean, square\n"}), "corrected averages are handed back"),
    ("B2.3", lambda w, grad, m, v, k, lr: checks.B2_3.right(w, grad, m, v, k, lr)[0], "three tensors: w, m, v"),
    ("B2.3", lambda w, grad, m, v, k, lr: checks.B2_3.right(w, grad, m, v, k, 0.1), "stays the same when lr changes"),
    ("B2.3", lambda w, grad, m, v, k, lr: checks.B2_3.right(w, grad, m, v, 3, lr), "stays the same when k changes"),
    ("B2.3", in_place, "you changed m itself"),
    (
        "B2.3",
        lambda w, grad, m, v, k, lr: tuple(reversed(checks.B2_3.right(w, grad, m, v, k, lr))),
        "third result is w: return w, m, v",
    ),
    (
        "B2.3",
        solution("B2.3", {"lr * mean / (square.sqrt() + 1e-8), m, v": "lr * mean / (square.sqrt() + 1e-8), v, m"}),
        "second result is v: return w, m, v",
    ),
    ("B2.3", solution("B2.3", {" + 1e-8": ""}), "1e-8 is missing below"),
    ("B2.3", solution("B2.3", {"square.sqrt() + 1e-8": "(square + 1e-8).sqrt()"}), "1e-8 stands under the root"),
    (
        "B2.3",
        solution("B2.3", {"square.sqrt() + 1e-8": "square.sqrt() + 1e-8 / (1 - 0.999**k) ** 0.5"}),
        "before the correction",
    ),
    ("B2.3", solution("B2.3", {"1e-8": "1e-6"}), ""),
    ("B2.3", solution("B2.3", {"0.9**k": "0.9 ** (k + 1)", "0.999**k": "0.999 ** (k + 1)"}), "k \\+ 1 is one too many"),
    ("B2.3", solution("B2.3", {"0.9**k": "0.9 ** (k - 1)", "0.999**k": "0.999 ** (k - 1)"}), "k - 1 is one too few"),
    ("B2.3", solution("B2.3", {"grad**2": "m**2"}), "v averages the square of m"),
    ("B2.3", lambda w, grad, m, v, k, lr: (checks.B2_3.right(w, grad, m, v, k, lr)[0], m, v), "old m and v are handed back"),
    ("B2.4", precise, "The result is nan"),
    ("B2.4", occurring, "never occurs is left out, although it is named"),
    ("B2.4", solution("B2.4", {"each.mean()": "each[table.sum(dim=1)[both > 0] > 0].mean()"}), "never occurs is left out"),
    ("B2.4", solution("B2.4", {"each.mean()": "each[each > 0].mean()"}), "All classes without a hit are left out"),
    ("B2.4", solution("B2.4", {"each.mean()": "each[table.sum(dim=0)[both > 0] > 0].mean()"}), "never named is left out"),
    ("B2.4", with_hits_inside, "hold the hits already"),
    ("B2.4", solution("B2.4", {"dim=0) + table.sum(dim=1)": "dim=0) + table.sum(dim=0)"}), "mean precision"),
    ("B2.4", solution("B2.4", {"dim=0) + table.sum(dim=1)": "dim=1) + table.sum(dim=1)"}), "mean recall|nan"),
    ("B2.4", solution("B2.4", {"2 * table": "table"}), "factor 2 is missing"),
    ("B2.4", solution("B2.4", {"each.mean()": "each.max()"}), ""),
    ("B2.4", solution("B2.4", {"each.mean()": "each"}), "take their mean"),
    ("B2.4", lambda table: table.diagonal().sum() / table.sum(), "This is the accuracy"),
    ("B2.4", lambda table: checks.B2_4.right(table[:3, :3]), r"Asked: .*\d.*, expected .*\d.*It is right for table"),
    ("B2.4", lambda table: 100 * checks.B2_4.right(table), ""),
    ("B2.5", solution("B2.5", {"kept / (1 - weight**n)": "kept"}), "correction is missing"),
    ("B2.5", solution("B2.5", {"weight**n": "weight ** (n - 1)"}), "The first value is number 1: with n from 0"),
    ("B2.5", solution("B2.5", {"start=1": "start=0"}), "The first value is number 1: with n from 0"),
    ("B2.5", solution("B2.5", {"values, start=1": "values.tolist()", "0.0, []": "0.0, []"}), "divide by 0: n is 0"),
    ("B2.5", solution("B2.5", {"weight**n": "weight ** len(values)"}), "not of all values"),
    ("B2.5", solution("B2.5", {"1 - weight**n": "(1 - weight) ** n"}), "another number: divide by 1 - weight"),
    ("B2.5", solution("B2.5", {"torch.stack(shown)": "shown[-1]"}), "Only the last smoothed value"),
    ("B2.5", lambda values, weight: values.sum(), "should return a tensor, but returned a single number"),
    ("B2.5", solution("B2.5", {"start=1": "start=2"}), "n is one too large"),
    (
        "B2.5",
        solution("B2.5", {"weight * kept + (1 - weight) * value": "(1 - weight) * kept + weight * value"}),
        "shares of old",
    ),
    ("B2.5", solution("B2.5", {"0.0, []": "values[0], []"}), ""),
    ("B2.5", lambda values, weight: checks.B2_5.right(values, 0.6), "stays the same when weight changes"),
    ("B2.5", lambda values, weight: checks.B2_5.right(values, weight).tolist(), "should return a tensor"),
    ("B2.5", lambda values, weight: checks.B2_5.right(values, weight)[1:], "should return the shape"),
    ("B2.5", lambda values, weight: values.cumsum(0) / (torch.arange(len(values)) + 1), "mean of all values so far"),
]


def test_each_exercise_has_right_and_wrong_answers_and_names_at_least_ten_mistakes():
    assert {name for name, _, _ in OTHERS} == {name for name, _ in RIGHT} == set(BY_NAME)
    assert len(OTHERS) >= 60 and all(len(exercise.mistakes) >= 10 for exercise in BY_NAME.values())


def test_right_answers_are_those_of_pytorch_and_torchmetrics():
    x = torch.linspace(-5, 5, 11, dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(F.silu(x).sum(), x)
    assert torch.allclose(checks.B2_1.right(x, torch.ones_like(x)), slope)
    scores, target = torch.tensor([[3.2, 5.1, -1.7]]), torch.tensor([0])
    assert math.isclose(checks.B2_2.right(scores, target), 2.9 / 3, rel_tol=1e-6)
    assert math.isclose(checks.B2_4.right(torch.tensor([[9, 0], [1, 0]])), 9 / 19, rel_tol=1e-6)
    named_only = torch.tensor([[5, 0, 1], [1, 3, 2], [0, 0, 0]])  # class 2 is named and never occurs: its F1 is 0
    assert math.isclose(checks.B2_4.right(named_only), by_torchmetrics(named_only), rel_tol=1e-6)
    assert math.isclose(checks.B2_4.right(named_only), (10 / 12 + 6 / 9 + 0) / 3, rel_tol=1e-6)
    assert checks.B2_5.right(torch.full((6,), 4.0), 0.9).tolist() == pytest.approx([4.0] * 6)  # a constant stays itself
