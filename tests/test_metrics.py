"""The measures of samples: against closed forms, and each on the fault that it is made for."""

import pytest
import torch

from diffusion_lab import load_kinds, load_sprites, to_tensors
from diffusion_lab.metrics import (
    Judge,
    density_coverage,
    draw_rows,
    frechet_distance,
    kernel_distance,
    load_classifier,
    nearest_two,
    precision_recall,
)

N, F = 1000, 4


def gaussian(n=N, seed=0, f=F):
    return torch.randn(n, f, generator=torch.Generator().manual_seed(seed))


def with_moments(mean, covariance, seed=0):
    """(N, F) float64 rows whose mean and covariance are exactly these."""
    x = gaussian(seed=seed, f=len(mean)).double()
    x = x - x.mean(0)
    white = torch.linalg.solve_triangular(torch.linalg.cholesky(x.T.cov()), x.T, upper=False).T
    return white @ torch.linalg.cholesky(covariance).T + mean


@pytest.fixture(scope="module")
def judge():
    return Judge(320)


@pytest.fixture(scope="module")
def train():
    return to_tensors(load_sprites())


@pytest.fixture(scope="module")
def held_out():
    return to_tensors(load_sprites("held_out"))


# ------------------------------------------------------------------ the formulas


def test_frechet_of_gaussians_that_share_their_axes_is_known():
    a = with_moments(torch.zeros(F).double(), torch.diag(torch.tensor([1.0, 4.0, 9.0, 16.0])).double())
    b = with_moments(torch.tensor([1.0, 0, 0, 2]).double(), torch.diag(torch.tensor([4.0, 4, 4, 1])).double(), seed=1)
    assert frechet_distance(a, b) == pytest.approx(1 + 4 + 1 + 0 + 1 + 9, abs=1e-9)
    assert frechet_distance(a, a) == pytest.approx(0, abs=1e-9)


def test_frechet_of_tilted_gaussians_is_the_formula():
    """The trace of the root of A B from its own eigenvalues: A B is not symmetric, but they are real and positive."""
    roots = [gaussian(F, seed).double() for seed in (2, 3)]
    A, B = (r @ r.T + 0.1 * torch.eye(F).double() for r in roots)
    zero = torch.zeros(F).double()
    cross = torch.linalg.eigvals(A @ B).real.sqrt().sum()
    expected = (A.trace() + B.trace() - 2 * cross).item()
    assert frechet_distance(with_moments(zero, A), with_moments(zero, B, seed=1)) == pytest.approx(expected, rel=1e-8)


def test_kid_is_its_definition():
    a, b = gaussian(7).double(), gaussian(5, seed=1).double() + 1

    def k(x, y):
        return ((x * y).sum() / F + 1) ** 3

    aa = sum(k(x, y) for i, x in enumerate(a) for j, y in enumerate(a) if i != j) / (7 * 6)
    bb = sum(k(x, y) for i, x in enumerate(b) for j, y in enumerate(b) if i != j) / (5 * 4)
    ab = sum(k(x, y) for x in a for y in b) / 35
    assert kernel_distance(a, b) == pytest.approx((aa + bb - 2 * ab).item(), rel=1e-9)


def test_neighbourhoods_are_counted_right():
    """On a line, by hand, k = 1. Real 0, 1, 3, 10 have the radii 1, 1, 2, 7; made 1.2, 1.5, 20 have 0.3, 0.3, 18.5."""
    real, made = torch.tensor([[0.0], [1], [3], [10]]), torch.tensor([[1.2], [1.5], [20]])
    assert precision_recall(real, made, k=1) == pytest.approx((2 / 3, 3 / 4))
    assert density_coverage(real, made, k=1) == pytest.approx((4 / 3, 1 / 2))


def test_two_sets_of_one_distribution_have_density_1_and_coverage_097():
    """Means over ten pairs, tight enough to tell k = 5 from 4 and 6, and k = 3 from 2 and 4."""
    pairs = [(gaussian(seed=2 * i), gaussian(seed=2 * i + 1)) for i in range(10)]
    shares = torch.tensor([precision_recall(a, b) + density_coverage(a, b) for a, b in pairs]).mean(0)
    precision, recall, density, coverage = shares.tolist()
    assert abs(density - 1) < 0.02 and abs(coverage - (1 - 2**-5)) < 0.006
    assert abs(precision - 0.955) < 0.012 and abs(recall - 0.955) < 0.012
    assert abs(kernel_distance(*pairs[0])) < 0.02


def test_a_shift_is_seen_by_both_distances():
    floor = frechet_distance(gaussian(), gaussian(seed=1))
    assert frechet_distance(gaussian(), gaussian(seed=1) + 0.3) > 10 * floor
    assert kernel_distance(gaussian(), gaussian(seed=1) + 0.3) > 0.05


def test_a_collapse_is_seen_by_recall_and_coverage_but_not_by_precision():
    collapsed = 0.05 * gaussian(seed=1)
    precision, recall = precision_recall(gaussian(), collapsed)
    assert precision > 0.99 and recall < 0.05
    assert density_coverage(gaussian(), collapsed)[1] < 0.2


def test_outliers_inflate_precision_more_than_density():
    """One real outlier far away makes precision call everything around it real; density hardly moves (Naeem et al. 2020)."""
    real = torch.cat([gaussian(), torch.tensor([[40.0] * F])])
    far = 20 + gaussian(seed=1)
    assert precision_recall(real, far)[0] > 0.9 and density_coverage(real, far)[0] < 0.3


def test_nearest_two_measures_in_pixels():
    others = torch.zeros(3, 3, 16, 16)
    others[1, 0, 0, 0], others[2] = 0.5, 1.0
    assert nearest_two(torch.zeros(1, 3, 16, 16), others)[0].tolist() == pytest.approx([0.0, 0.5], abs=1e-4)


# ------------------------------------------------------------------ the judge, on real sprites


def test_real_sprites_score_as_real(judge, held_out):
    assert judge.real.ratio == 1 and judge.real.frechet > 0
    assert judge.real.precision > 0.8 and judge.real.recall > 0.8 and judge.real.density > 0.85 and judge.real.coverage > 0.9
    rows = draw_rows("held_out", 320, torch.Generator().manual_seed(9))  # another draw than the judge's own
    scores = judge.scores(held_out[0][rows], held_out[1][rows])
    assert 0.85 < scores.ratio < 1.15 and min(scores.agreement) > 0.98
    assert scores.copies < 0.02 and scores.near < 0.05


def test_the_floor_is_what_new_training_sprites_would_score(judge, train):
    """A perfect model draws kinds by chance; a floor from a split that has equally many of each would be too low."""
    generator = torch.Generator().manual_seed(5)
    draws = [draw_rows("train", 320, generator) for _ in range(4)]
    ratios = [judge.scores(train[0][rows], train[1][rows]).ratio for rows in draws]
    assert abs(sum(ratios) / 4 - 1) < 0.1


def test_a_draw_has_the_classes_in_turn_and_kinds_by_chance():
    rows = draw_rows("train", 1000, torch.Generator().manual_seed(0))
    assert load_sprites().contexts[rows].argmax(1).tolist() == [0, 1, 2, 3, 4] * 200 and len(rows.unique()) == 1000
    kinds = torch.bincount(torch.from_numpy(load_kinds()[0])[rows])
    chance = kinds[:18].double().var().item() / (200 / 18)  # of counts by chance: about 1; of equal counts: 0
    assert 0.4 < chance < 2


def test_copies_of_training_sprites_are_seen_by_the_search_for_copies_alone(judge, train):
    index = torch.arange(0, 19440, 60)[:320]
    scores = judge.scores(train[0][index], train[1][index])
    assert scores.copies == 1 and scores.near == 1
    assert scores.ratio < 1.4  # all other figures find them excellent


def test_slightly_changed_copies_are_seen_too(judge, train):
    noisy = train[0][torch.arange(0, 19440, 60)[:320]] + 0.01 * gaussian(320, f=768).view(320, 3, 16, 16)
    scores = judge.scores(noisy)
    assert scores.near > 0.95 and scores.copies > 0.9


def test_a_model_that_knows_ten_sprites_is_seen_by_coverage_and_recall(judge, held_out):
    few = torch.arange(0, 2160, 216).repeat(32)
    scores = judge.scores(held_out[0][few], held_out[1][few])
    assert scores.coverage < 0.3 and scores.recall < 0.3 and scores.precision > 0.7 and scores.ratio > 2


def test_noise_is_seen_by_coverage_recall_and_distance(judge):
    scores = judge.scores(torch.randn(320, 3, 16, 16, generator=torch.Generator().manual_seed(0)))
    assert scores.coverage < 0.1 and scores.recall < 0.05 and scores.ratio > 20
    assert scores.agreement is None and scores.near == 0


def test_agreement_is_by_class(judge, held_out):
    rows = draw_rows("held_out", 320, torch.Generator().manual_seed(1))
    images, contexts = held_out[0][rows], held_out[1][rows].clone()
    wrong = torch.where(contexts[:, 2] == 1)[0][:16]
    contexts[wrong] = torch.eye(5)[3]  # sixteen foods, said to be asked for as spells
    assert judge.agreement(images, contexts) == pytest.approx((1, 1, 1, 64 / 80, 1), abs=0.03)


@pytest.mark.parametrize("n", [0, 319, 1001, 500.0, True])
def test_a_judge_of_too_few_or_too_many_is_refused(n):
    with pytest.raises(ValueError, match="from 320 to 1000"):
        Judge(n)


def test_bad_samples_are_refused(judge):
    with pytest.raises(ValueError, match="compares 320 sprites"):
        judge.scores(torch.zeros(10, 3, 16, 16))
    for value in ("nan", "inf", "-inf"):
        with pytest.raises(ValueError, match="not finite"):
            judge.scores(torch.full((320, 3, 16, 16), float(value)))
    with pytest.raises(ValueError, match="must be 320 contexts"):
        judge.scores(torch.zeros(320, 3, 16, 16), torch.eye(5))
    for contexts in (torch.zeros(320, 5), torch.eye(5)[:1].expand(320, -1)):
        with pytest.raises(ValueError, match="one-hot"):
            judge.scores(torch.zeros(320, 3, 16, 16), contexts)
    with pytest.raises(ValueError, match="too few"):
        frechet_distance(gaussian(39), gaussian())


@pytest.mark.parametrize(("name", "outputs"), [("sprite_classifier", 108), ("label_classifier", 5)])
def test_the_classifiers_know_held_out_sprites(name, outputs, held_out):
    images, contexts = held_out
    truth = torch.from_numpy(load_kinds("held_out")[0]) if outputs == 108 else contexts.argmax(1)
    with torch.no_grad():
        logits = load_classifier(name)(images)
    assert logits.shape == (2160, outputs)
    assert (logits.argmax(1) == truth).double().mean() >= 0.98
