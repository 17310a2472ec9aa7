"""The measures of samples: against closed forms, and each on the fault that it is made for."""

import pytest
import torch
from worlds import lively

from diffusion_lab import ContextUnet, load_kinds, load_sprites, load_words, to_tensors
from diffusion_lab.distances import density_coverage, frechet_distance, kernel_distance, nearest_two, precision_recall
from diffusion_lab.metrics import Judge, draw_rows, evaluate, load_classifier
from diffusion_lab.schedules import cosine
from diffusion_lab.sprites import CLASSES, unseen_pairs
from diffusion_lab.words import Vocabulary

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
    assert judge.real.ratio == pytest.approx(1) and judge.real.frechet > 0
    assert judge.real.precision > 0.8 and judge.real.recall > 0.8 and judge.real.density > 0.85 and judge.real.coverage > 0.9
    rows = draw_rows("held_out", 320, torch.Generator().manual_seed(9))  # another draw than the judge's own
    scores = judge.scores(held_out[0][rows], held_out[1][rows])
    assert min(scores.agreement) > 0.98 and scores.copies < 0.02 and scores.near < 0.05
    assert scores.kind is None and scores.colour is None  # classes alone were asked for
    draws = [draw_rows("held_out", 320, torch.Generator().manual_seed(seed)) for seed in (10, 11, 12)]
    ratios = [scores.ratio, *(judge.scores(held_out[0][rows]).ratio for rows in draws)]
    assert abs(sum(ratios) / 4 - 1) < 0.1  # one draw differs from another by about a tenth


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
    index = torch.arange(0, 19010, 59)[:320]
    scores = judge.scores(train[0][index], train[1][index])
    assert scores.copies == 1 and scores.near == 1
    assert scores.ratio < 1.4  # all other figures find them excellent


def test_slightly_changed_copies_are_seen_too(judge, train):
    noisy = train[0][torch.arange(0, 19010, 59)[:320]] + 0.01 * gaussian(320, f=768).view(320, 3, 16, 16)
    scores = judge.scores(noisy)
    assert scores.near > 0.95 and scores.copies > 0.9


def test_a_model_that_knows_ten_sprites_is_seen_by_coverage_and_recall(judge, held_out):
    few = torch.arange(0, 2107, 211).repeat(32)
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


@pytest.fixture(scope="module")
def described(held_out):
    """320 held-out sprites and their words (320, V)."""
    rows = draw_rows("held_out", 320, torch.Generator().manual_seed(1))
    return held_out[0][rows], torch.from_numpy(load_words("held_out")[0])[rows]


def test_real_sprites_agree_with_their_own_words(judge, described):
    scores = judge.scores(*described)
    assert scores.kind > 0.99 and scores.colour == 1 and min(scores.agreement) > 0.98  # the colours are the rule's own
    assert judge.real.kind > 0.99 and judge.real.colour == 1
    classes = judge.scores(described[0], described[1][:, :5])
    assert classes.kind is None and classes.colour is None and classes.agreement == scores.agreement


def word(judge, *words):
    return [judge.words.index(one) for one in words]


def test_a_wrong_kind_is_seen(judge, described):
    """A tenth of the sprites are said to be asked for as another kind of their class."""
    images, contexts = described[0], described[1].clone()
    right = judge.kinds_right(images, contexts)
    contexts[::10, 5:-11] = contexts[::10, 5:-11].roll(1, 1)
    now = judge.kinds_right(images, contexts)
    assert not now[::10].any() and torch.equal(now.reshape(32, 10)[:, 1:], right.reshape(32, 10)[:, 1:])
    assert judge.scores(images, contexts).kind == pytest.approx(0.9, abs=0.01)


def test_a_knight_of_the_other_class_is_seen_where_a_class_is_asked_for(judge, held_out):
    kinds, names = load_kinds("held_out")
    contexts = torch.from_numpy(load_words("held_out")[0])
    for one, other in (("hero", "side_facing"), ("side_facing", "hero")):
        rows = kinds == names.index(f"{one}: knight")
        images, asked = held_out[0][rows], contexts[rows].clone()
        assert len(images) > 5 and judge.kinds_right(images, asked).all()
        asked[:, :5] = 0  # no class at all: either knight will do
        assert judge.kinds_right(images, asked).all()
        asked[:, word(judge, other)] = 1
        assert not judge.kinds_right(images, asked).any()


def test_a_sprite_of_which_no_kind_was_asked_is_not_right(judge, described):
    contexts = described[1].clone()
    contexts[:, 5:-11] = 0
    assert not judge.kinds_right(described[0], contexts).any()


def test_colours_are_counted_by_the_word(judge, described):
    """Of what was asked for, the share that is there: more colours than asked for do not matter, and none asked for is none."""
    images, contexts = described[0], described[1].clone()
    own = contexts[:, -11:].clone()
    contexts[:, -11:] = torch.nn.functional.one_hot(own.argmax(1), 11)  # only the first of two is asked for
    right, asked = judge.colours_right(images, contexts)
    assert torch.equal(right, asked) and asked.sum() == 320
    contexts[:160, -11:] = 0
    right, asked = judge.colours_right(images, contexts)
    assert asked[:160].sum() == 0 and asked.sum() == right.sum() == 160
    contexts[:, -11:] = 1  # all eleven
    assert judge.scores(images, contexts).colour == pytest.approx((own.sum() / (320 * 11)).item())
    contexts[:, -11:] = 1 - own  # none of those that it has
    assert judge.scores(images, contexts).colour == 0


def test_a_draw_repeats_none_and_depends_on_its_generator():
    def draw(seed, n=320, split="train"):
        return draw_rows(split, n, torch.Generator().manual_seed(seed))

    assert torch.equal(draw(3), draw(3)) and not torch.equal(draw(3), draw(4))
    held_out = draw(0, 1000, "held_out")
    assert held_out.shape == (1000,) and held_out.max() < 2107
    assert load_sprites("held_out").contexts[held_out].argmax(1).tolist() == [0, 1, 2, 3, 4] * 200
    assert draw(0, 7).shape == (7,) and load_sprites().contexts[draw(0, 7)].argmax(1).tolist() == [0, 1, 2, 3, 4, 0, 1]


# ------------------------------------------------------------------ evaluate


class Copier(torch.nn.Module):
    """A stand-in for a network: believes in the sprite of the set whose words are nearest to what it is asked, or, asked for
    nothing, in one sprite always."""

    in_channels, height, prediction = 3, 16, "x0"

    def __init__(self, words, wrong=False):
        super().__init__()
        self.n_cfeat, self.wrong = len(words), wrong
        self.words = Vocabulary.of(words, torch.zeros(0, len(words)))
        self.unused = torch.nn.Parameter(torch.zeros(()))
        parts = [(to_tensors(load_sprites(s))[0], torch.from_numpy(load_words(s)[0])) for s in ("held_out", "unseen")]
        self.images, self.known = (torch.cat(part) for part in zip(*parts, strict=True))
        self.eval()

    def forward(self, x, t, c=None):
        c = torch.zeros(len(x), self.n_cfeat) if c is None else c
        nearest = (c @ self.known[:, : self.n_cfeat].T - 0.01 * self.known.sum(1)).argmax(1)
        return self.images[nearest.roll(1) if self.wrong else nearest]


ALL_WORDS = load_words()[1]


def evaluated(model, judge, n=320, **more):
    return evaluate(model, cosine(20), n, **{"judge": judge, "steps": 1, "batch": 100} | more)


class Listener:
    """A stand-in for a judge: its scores are what it was given, so that samples can be few."""

    real = "real"

    def scores(self, images, contexts):
        return images, contexts

    def kinds_right(self, images, contexts):
        return images[:, 0, 0, 0] > -2

    def colours_right(self, images, contexts):
        self.wishes = images, contexts
        return torch.ones(2, len(images), 11).bool()


def test_evaluate_asks_a_network_of_words_for_descriptions_and_unseen_pairs(judge):
    seen = []
    e = evaluated(Copier(ALL_WORDS), judge, progress=lambda state, n: seen.append((state.t, n)))
    assert e.samples.kind > 0.99 and e.samples.colour > 0.95 and e.unseen > 0.95 and min(e.samples.agreement) > 0.95
    assert e.held_out == judge.real and e.seconds > 0
    once = [(t, n) for n in (100, 100, 100, 20) for t in (20, 0)]
    assert seen == 2 * once  # the samples, then the unseen pairs
    wrong = evaluated(Copier(ALL_WORDS, wrong=True), judge)
    assert wrong.samples.kind < 0.1 and wrong.unseen < 0.1


def test_the_unseen_pairs_are_asked_for_in_turn_and_nothing_else_with_them():
    listener = Listener()
    e = evaluated(Copier(ALL_WORDS), listener, n=40, batch=9)
    pairs = [{ALL_WORDS[i] for i in row.nonzero().flatten().tolist()} for row in listener.wishes[1]]
    assert pairs == [set(unseen_pairs()[k % 18]) for k in range(40)] and e.unseen == 1 and e.held_out == "real"
    known = {row.tobytes() for row in load_words()[0]}
    images, contexts = e.samples
    assert images.shape == (40, 3, 16, 16)
    assert all(row.numpy().tobytes() in known for row in contexts)  # full descriptions of training sprites
    assert contexts[:, :5].argmax(1).tolist() == [0, 1, 2, 3, 4] * 8


def test_an_unseen_pair_needs_both_the_kind_and_the_colour(judge, monkeypatch):
    """A sprite that has one of the two only counts nothing."""
    model = Copier(ALL_WORDS)
    monkeypatch.setattr("diffusion_lab.likeness.for_drawing", lambda network: network)
    for column in (slice(5, -11), slice(-11, None)):  # it listens to the kind only, and then to the colour only

        def deaf(x, t, c=None, column=column):
            colours = model.known[:, -11:] @ c[:, -11:].T > 0
            kinds = model.known[:, 5:-11] @ c[:, 5:-11].T > 0
            fits = (kinds & ~colours) if column.start == 5 else (colours & ~kinds)
            return model.images[fits.T.double().argmax(1)]

        monkeypatch.setattr(model, "forward", deaf)
        real = Listener()
        real.kinds_right, real.colours_right = judge.kinds_right, judge.colours_right
        assert evaluated(model, real, n=90).unseen < 0.03


def test_evaluate_asks_a_network_of_classes_for_the_classes_in_turn(judge):
    e = evaluated(Copier(CLASSES), judge)
    assert e.unseen is None and e.samples.kind is None and e.samples.colour is None and min(e.samples.agreement) > 0.95
    assert torch.equal(evaluated(Copier(CLASSES), Listener(), n=12).samples[1], torch.eye(5).repeat(3, 1)[:12])


@pytest.mark.parametrize("words", [CLASSES, ALL_WORDS])
def test_a_network_may_be_asked_for_nothing(words):
    e = evaluated(Copier(words), Listener(), n=12, asked=False)
    assert e.samples[1] is None and e.unseen is None and e.samples[0].unique(dim=0).shape[0] == 1


@pytest.mark.parametrize("words", [("dragon", "red"), CLASSES[::-1], ALL_WORDS[:-1]])
def test_a_network_of_other_words_or_pictures_is_refused(words):
    model = Copier(words)
    with pytest.raises(ValueError, match="These weights draw other pictures than the sprite set's"):
        evaluate(model, cosine(20), 320)
    model.words, model.height = Vocabulary.of(CLASSES, torch.zeros(0, 5)), 32
    with pytest.raises(ValueError, match="These weights draw other pictures"):
        evaluate(model, cosine(20), 320)


@pytest.mark.parametrize("words", [CLASSES, ALL_WORDS])
def test_the_same_seed_gives_the_same_samples_and_all_options_are_used(words):
    model = lively(ContextUnet(n_feat=8, n_cfeat=len(words), prediction="v"))
    model.words = Vocabulary.of(words, torch.zeros(0, len(words)))

    def samples(**changes):
        options = {"sampler": "ddim", "steps": 3, "eta": 0.5, "guidance": 2.0, "seed": 0} | changes
        return evaluated(model, Listener(), n=12, **options).samples[0]

    first = samples()
    assert torch.equal(first, samples())
    changes = [{"seed": 1}, {"steps": 4}, {"eta": 0.0}, {"guidance": 1.0}, {"sampler": "ddpm", "eta": None}]
    assert not any(torch.equal(first, samples(**change)) for change in changes)
    asked = [evaluated(model, Listener(), n=12, seed=seed).samples[1] for seed in (0, 0, 1)]
    assert torch.equal(asked[0], asked[1]) and torch.equal(asked[0], asked[2]) == (words == CLASSES)


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
    with pytest.raises(ValueError, match=r"320 contexts, \(320, 5\) or \(320, 123\), not \(320, 6\)"):
        judge.scores(torch.zeros(320, 3, 16, 16), torch.zeros(320, 6))
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
    assert logits.shape == (2107, outputs)
    assert (logits.argmax(1) == truth).double().mean() >= 0.98
