"""Training: the loss, the moving average, resuming bit for bit, and files that are never half-written."""

import errno
import math
import os
from dataclasses import replace

import numpy as np
import pytest
import torch

from diffusion_lab import ContextUnet, Run, TrainConfig, collect, load_model, sample_ddim
from diffusion_lab.devices import gains_from_bf16
from diffusion_lab.files import write_safely
from diffusion_lab.schedules import linear
from diffusion_lab.steps import to_x0_eps
from diffusion_lab.training import EMA, diffusion_loss, drop_words, learning_rate
from diffusion_lab.weights import NETWORKS, Sampling, VersionError, history

SMALL = TrainConfig(updates=8, batch=4, warmup=2, ema=0.9, n_feat=8)
WORDS = ("hero", "food", "red", "blue", "fried egg")


@pytest.fixture(scope="module")
def sprites():
    g = torch.Generator().manual_seed(0)
    described = torch.eye(5)[torch.arange(10) % 2] + torch.eye(5)[2 + torch.arange(10) % 3]  # two words each
    return torch.rand(10, 3, 16, 16, generator=g) * 2 - 1, described


def everything(run):
    return [*run.model.state_dict().values(), *run.ema.model.state_dict().values(), torch.tensor(run.losses), run.order]


def advance(run, sprites, until=None):
    return [progress.loss for progress in run.advance(*sprites, until=until)]


def test_2k_updates_equal_k_updates_a_killed_process_and_k_more(sprites, tmp_path, monkeypatch):
    monkeypatch.setattr("diffusion_lab.training.LOSS_EVERY", 2)  # so that the cut lies within a mean of losses, too
    config, sampling = replace(SMALL, context_dropout=0.3, word_dropout=0.5), Sampling("dpmpp_2m", 5, 1.25)
    whole = Run(config, words=WORDS, sampling=sampling)
    losses = advance(whole, sprites)
    first = Run(config, words=WORDS, sampling=sampling)
    half = advance(first, sprites, until=3)  # the third batch of 4 begins a new pass over the 10 sprites: the cut is within it
    first.save(tmp_path / "run.ckpt")
    del first
    torch.manual_seed(1234)  # the global random state is not part of a run
    second = Run.load(tmp_path / "run.ckpt")
    assert second.step == 3 and len(second.order) == 6 and len(whole.losses) == 4
    assert second.sampling == sampling and second.vocabulary.words == WORDS and second.config == whole.config
    for part in ("descriptions", "counts"):
        assert torch.equal(getattr(second.vocabulary, part), getattr(whole.vocabulary, part))
    half += advance(second, sprites)
    assert torch.equal(torch.stack(half), torch.stack(losses))
    assert all(torch.equal(a, b) for a, b in zip(everything(whole), everything(second), strict=True))


def test_a_run_that_was_resumed_leaves_the_same_bytes(sprites, tmp_path):
    options = {"schedule": "".join(["co", "sine"]), "precision": "fp32"}  # a text of its own, as from a command line
    whole = Run(replace(SMALL, **options), "cpu", words=WORDS)
    advance(whole, sprites, until=3)
    whole.save(tmp_path / "a.ckpt")
    again = Run.load(tmp_path / "a.ckpt", "cpu")
    again.save(tmp_path / "b.ckpt")
    for name, run in (("a", whole), ("b", again)):
        advance(run, sprites)
        run.export(tmp_path / f"{name}.pt")
    for kind in ("ckpt", "pt"):
        assert (tmp_path / f"a.{kind}").read_bytes() == (tmp_path / f"b.{kind}").read_bytes()


def test_resume_with_other_sprites_is_refused(sprites, tmp_path):
    run = Run(SMALL)
    advance(run, sprites, until=2)
    run.save(tmp_path / "run.ckpt")
    with pytest.raises(ValueError, match="not the sprites that the run began with"):
        Run.load(tmp_path / "run.ckpt").advance(sprites[0].flip(0), sprites[1])


def test_a_run_that_diverges_stops_at_that_update_and_saves_nothing(sprites, tmp_path, monkeypatch):
    run, path = Run(SMALL, "cpu"), tmp_path / "w.ckpt"
    advance(run, sprites, until=2)
    run.save(path)
    good = path.read_bytes()
    monkeypatch.setattr("diffusion_lab.training.diffusion_loss", lambda model, *_: model.out[3].bias.sum() * math.nan)
    with pytest.raises(FloatingPointError, match="no number after 3 updates: begin again with a lower lr"):
        advance(run, sprites)
    for write in (run.save, run.export):
        with pytest.raises(FloatingPointError, match="no number after 3 updates"):
            write(path)
    assert path.read_bytes() == good


@pytest.mark.parametrize("where", ["model", "ema"])
def test_weights_that_are_no_numbers_are_not_saved_and_not_begun_with(where, sprites, tmp_path):
    run = Run(SMALL, "cpu")
    with torch.no_grad():
        (run.model if where == "model" else run.ema.model).out[3].bias[1] = math.inf
    for write in (run.save, run.export):
        with pytest.raises(FloatingPointError, match="weights are no numbers after 0 updates"):
            write(tmp_path / "w.pt")
    assert not list(tmp_path.iterdir())
    if where == "model":
        with pytest.raises(ValueError, match="hold numbers that are not finite"):
            Run(SMALL, "cpu").start_from(run.model)


@pytest.mark.parametrize("part", [0, 1])
def test_images_and_contexts_that_are_no_numbers_are_refused_at_the_start(part, sprites):
    data = [tensor.clone() for tensor in sprites]
    data[part][3] = math.nan
    with pytest.raises(ValueError, match="not finite numbers"):
        Run(SMALL).advance(*data)


def test_another_seed_gives_another_run(sprites):
    a, b = Run(SMALL), Run(replace(SMALL, seed=1))
    assert advance(a, sprites, until=1) != advance(b, sprites, until=1)


class Perfect(torch.nn.Module):
    """Knows x0 = 0, so that x_t = sqrt(1 - ab) eps."""

    def __init__(self, prediction, schedule):
        super().__init__()
        self.prediction, self.schedule, self.times = prediction, schedule, []

    def forward(self, x, t, c):
        step = (t * self.schedule.T).round().long()
        self.times += step.tolist()
        ab = self.schedule.alpha_bar[step].reshape(-1, 1, 1, 1).to(x)
        eps = x / (1 - ab).sqrt()
        return {"eps": eps, "v": ab.sqrt() * eps, "x0": torch.zeros_like(x)}[self.prediction]


@pytest.mark.parametrize("prediction", ["eps", "v", "x0"])
def test_a_perfect_network_has_no_loss(prediction):
    schedule, t = linear(), torch.tensor([1, 20, 300, 500])
    model = Perfect(prediction, schedule)
    x0, eps = torch.zeros(4, 3, 2, 2), torch.randn(4, 3, 2, 2)
    assert diffusion_loss(model, x0, torch.zeros(4, 5), t, eps, schedule).item() < 1e-7
    assert model.times == t.tolist()  # it is told t / T
    worse = diffusion_loss(model, x0 + 0.5, torch.zeros(4, 5), t, eps, schedule)
    assert worse > 0.05


def test_training_draws_every_time_from_1_to_T(sprites, monkeypatch):
    seen = []
    monkeypatch.setattr(
        "diffusion_lab.training.diffusion_loss",
        lambda model, x0, c, t, eps, schedule: seen.append(t) or model.out[3].bias.sum() * 0,
    )
    advance(Run(replace(SMALL, updates=200, batch=10, T=20)), sprites)
    assert torch.cat(seen).unique().tolist() == list(range(1, 21))


def test_context_is_dropped_as_often_as_asked_and_images_keep_their_contexts(monkeypatch):
    images = torch.arange(5.0).reshape(5, 1, 1, 1).expand(5, 3, 16, 16).repeat(8, 1, 1, 1)
    contexts, seen = torch.eye(5).repeat(8, 1), []
    monkeypatch.setattr(
        "diffusion_lab.training.diffusion_loss",
        lambda model, x0, c, t, eps, schedule: seen.append((x0[:, 0, 0, 0], c)) or model.out[3].bias.sum() * 0,
    )
    advance(Run(replace(SMALL, updates=100, batch=40, context_dropout=0.25)), (images, contexts))
    values, c = torch.cat([a for a, _ in seen]).long(), torch.cat([b for _, b in seen])
    kept = c.sum(1) == 1
    assert kept.float().mean().item() == pytest.approx(0.75, abs=0.02)
    assert (c[~kept] == 0).all() and torch.equal(c[kept].argmax(1), values[kept])


def test_a_run_drops_words_as_its_config_says(sprites, monkeypatch):
    asked = []
    monkeypatch.setattr(
        "diffusion_lab.training.drop_words", lambda c, whole, single, generator: asked.append((c, whole, single)) or c
    )
    advance(Run(replace(SMALL, updates=1, batch=10, context_dropout=0.2, word_dropout=0.7)), sprites)
    (c, whole, single), *others = asked
    assert (whole, single) == (0.2, 0.7) and not others
    assert sorted(c.tolist()) == sorted(sprites[1].tolist())


# ------------------------------------------------------------------ words

N = 40_000


def dropped(row, whole, single, seed=0):
    """(N, V): one description, N times, as training shows it."""
    return drop_words(torch.tensor(row).repeat(N, 1), whole, single, torch.Generator().manual_seed(seed))


@pytest.mark.parametrize(("whole", "single"), [(0.12, 0.4), (0.0, 1.0), (0.5, 0.0), (0.3, 0.7)])
def test_words_are_dropped_as_often_as_asked(whole, single):
    """Of a row with three words, none stays in a share `whole`; in a share `single` of the others each falls by a coin. Of the
    eight ways that three coins fall, three leave one word, three leave two, and one all; where none would stay, one does."""
    c = dropped([1.0, 0, 1, 1], whole, single)
    kept = c.sum(1)
    rest = 1 - whole
    expected = {0: whole, 1: rest * single * 4 / 8, 2: rest * single * 3 / 8, 3: rest * (1 - single * 7 / 8)}
    for words, share in expected.items():
        assert abs((kept == words).double().mean().item() - share) < 4 * math.sqrt(share * (1 - share) / N) + 1e-12, words
    for one in (0, 2, 3):  # each word alike, and none by itself more than others
        alone = ((kept == 1) & (c[:, one] == 1)).double().mean().item()
        share = expected[1] / 3
        assert abs(alone - share) < 4 * math.sqrt(share * (1 - share) / N) + 1e-12
    assert (c[:, 1] == 0).all() and set(c.unique().tolist()) <= {0.0, 1.0}


def test_the_two_drops_are_independent_of_each_other_and_of_the_row_before():
    c = dropped([1.0, 1], 0.3, 0.6)
    gone, single = c.sum(1) == 0, c.sum(1) == 1
    assert abs((single & ~gone).double().mean().item() - 0.7 * 0.6 * 0.75) < 0.01
    for a in (gone, single):
        both = (a[1:] & a[:-1]).double().mean() - a.double().mean() ** 2
        assert abs(both) < 0.01


def test_one_word_always_stays_unless_all_are_dropped():
    assert (dropped([1.0, 1, 1], 0.0, 1.0).sum(1) >= 1).all()
    assert (dropped([0.0, 1, 0], 0.0, 1.0) == torch.tensor([0.0, 1, 0])).all()
    assert (dropped([1.0, 1, 1], 1.0, 0.5) == 0).all()
    assert (dropped([1.0, 1, 1], 0.0, 0.0) == 1).all()


def test_rows_without_words_stay_without_and_other_weights_are_kept():
    assert (dropped([0.0, 0, 0], 0.1, 0.5) == 0).all()
    c = dropped([0.6, 0, 1.5], 0.1, 0.8)
    assert set(c[:, 0].unique().tolist()) == {0.0, torch.tensor(0.6).item()} and set(c[:, 2].unique().tolist()) == {0.0, 1.5}
    assert abs((c[:, 0] == 0).double().mean().item() - (0.1 + 0.9 * 0.8 * 0.375)) < 0.01  # a coin, whatever the weight


def test_what_is_dropped_depends_on_the_generator_alone():
    before = torch.ones(50, 4)
    first, again, other = (drop_words(before, 0.2, 0.5, torch.Generator().manual_seed(seed)) for seed in (1, 1, 2))
    assert torch.equal(first, again) and not torch.equal(first, other) and (before == 1).all()


def test_a_run_counts_the_descriptions_of_its_data(sprites):
    run = Run(SMALL, words=WORDS)
    assert len(run.vocabulary.counts) == 0
    advance(run, sprites, until=1)
    assert int(run.vocabulary.counts.sum()) == 10 and len(run.vocabulary.counts) == 6  # lcm(2, 3) descriptions
    c, _ = run.vocabulary.contexts("food red", 3)
    assert c.tolist() == [[0, 1, 1, 0, 0]] * 3
    mixed = sprites[0], sprites[1] * 0.6  # as some labels of the course's array
    run = Run(SMALL, words=WORDS)
    advance(run, mixed, until=1)
    assert len(run.vocabulary.counts) == 0 and run.vocabulary.words == WORDS


def test_a_run_without_more_has_the_classes_as_words_and_steps_that_fit():
    run = Run(replace(SMALL, T=10))
    assert run.vocabulary.words == ("hero", "non_hero", "food", "spell", "side_facing") and run.sampling == Sampling(steps=10)
    assert Run(SMALL).sampling.steps == 25 and Run(SMALL, words=("a dog", "cat")).model.n_cfeat == 2


class Plain(torch.nn.Module):
    """A network of another class, with words of its own."""

    in_channels, height = 3, 16

    def __init__(self, n_cfeat, prediction="v"):
        super().__init__()
        self.n_cfeat, self.prediction = n_cfeat, prediction
        self.look, self.words_in = torch.nn.Conv2d(3, 3, 3, padding=1), torch.nn.Linear(n_cfeat, 3)

    @property
    def settings(self):
        return {"n_cfeat": self.n_cfeat, "prediction": self.prediction}

    def forward(self, x, t, c=None):
        c = x.new_zeros(len(x), self.n_cfeat) if c is None else c
        return self.look(x) + self.words_in(c)[:, :, None, None] * t[:, None, None, None]


def test_a_network_of_another_class_is_trained_saved_resumed_and_exported(sprites, tmp_path, monkeypatch):
    torch.manual_seed(0)
    network = Plain(5)
    before = {name: p.detach().clone() for name, p in network.named_parameters()}
    run = Run(SMALL, "cpu", words=WORDS, network=network)
    assert run.model is network
    losses = advance(run, sprites, until=4)
    assert all(not torch.equal(p, before[name]) for name, p in network.named_parameters())
    monkeypatch.setitem(NETWORKS, "Plain", __name__)
    run.save(tmp_path / "w.ckpt")
    again = Run.load(tmp_path / "w.ckpt", "cpu")
    assert type(again.model) is Plain and len(losses) == 4
    assert torch.equal(torch.stack(advance(again, sprites)), torch.stack(advance(run, sprites)))
    run.export(tmp_path / "w.pt")
    loaded, _ = load_model(tmp_path / "w.pt")
    assert type(loaded) is Plain and torch.equal(loaded.look.weight, run.ema.model.look.weight)


@pytest.mark.parametrize("network", [Plain(4), Plain(5, "eps")])
def test_a_network_that_does_not_fit_the_run_is_refused(network):
    with pytest.raises(ValueError, match="agree on the prediction, and on the number of words"):
        Run(SMALL, words=WORDS, network=network)


def test_the_device_may_be_a_string():
    assert Run(SMALL, "cpu").device == torch.device("cpu") == Run(SMALL).device


def test_every_sprite_comes_once_in_a_pass(sprites, monkeypatch):
    seen = []
    monkeypatch.setattr(
        "diffusion_lab.training.diffusion_loss",
        lambda model, x0, c, t, eps, schedule: seen.append(x0[:, 0, 0, 0]) or model.out[3].bias.sum() * 0,
    )
    advance(Run(replace(SMALL, batch=5, updates=2)), sprites)
    assert torch.equal(torch.cat(seen).sort().values, sprites[0][:, 0, 0, 0].sort().values)


def test_training_lowers_the_loss(sprites):
    losses = torch.stack(advance(Run(TrainConfig(updates=30, batch=8, warmup=5, n_feat=16)), sprites))
    assert losses[-5:].mean() < 0.8 * losses[:5].mean()


def test_the_average_covers_parameters_and_batchnorms_statistics():
    torch.manual_seed(0)
    model = ContextUnet(n_feat=8)
    ema = EMA(model, decay=0.5)
    before = {k: v.clone() for k, v in ema.model.state_dict().items()}
    with torch.no_grad():
        for tensor in model.state_dict().values():
            tensor.add_(2)
    ema.update(model, step=1000)
    for name, value in ema.model.state_dict().items():
        expected = before[name] + (2 if name.endswith("num_batches_tracked") else 1)
        torch.testing.assert_close(value, expected, msg=name)


def test_the_average_forgets_the_start_quickly():
    model = ContextUnet(n_feat=8)
    ema = EMA(model, decay=0.999)
    with torch.no_grad():
        for p in model.parameters():
            p.fill_(1)
    for step in range(1, 101):
        ema.update(model, step)
    assert all(torch.allclose(p, torch.ones_like(p), atol=1e-3) for p in ema.model.parameters())


@pytest.mark.parametrize(("batch", "expected"), [(64, 0.9), (32, 0.9**0.5), (128, 0.81), (2, 0.9 ** (1 / 32))])
def test_the_average_is_as_long_in_sprites_whatever_the_batch(batch, expected):
    run = Run(replace(SMALL, batch=batch))
    assert run.ema.decay == pytest.approx(expected, rel=1e-12)
    run.start_from(run.model)
    assert run.ema.decay == pytest.approx(expected, rel=1e-12)


def test_each_update_moves_the_average_by_its_share(sprites):
    """After update k the share that stays is k / (k + 10), but never more than the decay."""
    run = Run(replace(SMALL, ema=0.3, batch=5))  # per update 0.3 ** (5 / 64) = 0.91, so the early shares are the smaller ones
    bias = run.ema.model.out[3].bias
    expected = bias.clone()
    for k, _ in enumerate(run.advance(*sprites, until=4), 1):
        expected += (1 - k / (k + 10)) * (run.model.out[3].bias.detach() - expected)
        torch.testing.assert_close(bias, expected, rtol=1e-5, atol=1e-7)


def test_prepare_and_move_are_update():
    torch.manual_seed(0)
    model = ContextUnet(n_feat=8)
    one, two = EMA(model, 0.9), EMA(model, 0.9)
    with torch.no_grad():
        for p in model.parameters():
            p.add_(1)
    for step in (1, 500):
        one.update(model, step)
        two.prepare(step)
        assert two.share.item() == pytest.approx(1 - min(0.9, step / (step + 10)))
        two.move(model)
    assert all(torch.equal(a, b) for a, b in zip(one.model.state_dict().values(), two.model.state_dict().values(), strict=True))


def test_updates_take_the_planned_learning_rate(sprites):
    run = Run(SMALL)
    for progress in run.advance(*sprites):
        expected = learning_rate(progress.step - 1, SMALL)
        assert progress.lr == expected
        assert [float(group["lr"]) for group in run.optimizer.param_groups] == pytest.approx([expected] * 2, rel=1e-6)


def test_learn_does_what_advance_does(sprites):
    """One update from a batch given by hand: `advance` with the same batch, times, noise and dropped words does the same."""
    config = replace(SMALL, batch=10)
    a, b = Run(config, words=WORDS), Run(config, words=WORDS)
    caught = []
    a._noised, noised = (lambda *batch: caught.append(noised(*batch)) or caught[-1]), a._noised
    (first,) = list(a.advance(*sprites, until=1))
    second = b.learn(*caught[0])
    assert first.step == second.step == 1 and first.lr == second.lr and torch.equal(first.loss, second.loss)
    assert all(torch.equal(p, q) for p, q in zip(everything(a), everything(b), strict=True))


def test_the_learning_rate_warms_up_and_falls_to_zero():
    config = TrainConfig(updates=100, warmup=10, lr=1.0)
    rates = [learning_rate(step, config) for step in range(101)]
    assert rates[0] == pytest.approx(0.1) and rates[9] == pytest.approx(1) and rates[55] == pytest.approx(0.5)
    assert rates[100] == pytest.approx(0, abs=1e-12) and max(rates) == pytest.approx(1)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"updates": 0}, "updates must be"),
        ({"batch": 1}, "batch must be a whole number from 2 to 65,536, not 1: BatchNorm needs"),
        ({"ema": 1.0}, "ema must be"),
        ({"context_dropout": 1.5}, "context_dropout"),
        ({"word_dropout": -0.1}, "word_dropout"),
        ({"word_dropout": math.nan}, "word_dropout"),
        ({"lr": 0}, "lr must be above 0"),
        ({"prediction": "noise"}, "prediction must be one of eps, v, x0"),
        ({"schedule": "cubic"}, "schedule must be one of linear"),
        ({"precision": "fp16"}, "precision must be one of"),
        ({"weight_decay": math.nan}, "weight_decay must be a finite number"),
        ({"weight_decay": -1000.0}, "weight_decay must be from 0 to 10"),
        ({"weight_decay": 1e30}, "weight_decay must be from 0 to 10"),
        ({"lr": 1000.0}, "lr must be above 0 and at most 10"),
        ({"lr": math.inf}, "lr must be a finite number"),
        ({"T": True}, "T must be a whole number"),
        ({"T": 10**12}, "T must be a whole number from 1 to 10,000"),
        ({"n_feat": 0}, "n_feat must be a whole number from 8 to 1,024"),
        ({"n_feat": -8}, "n_feat must be a whole number from 8"),
        ({"n_feat": 10**8}, "n_feat must be a whole number from 8"),
        ({"n_feat": 20}, "n_feat must be a multiple of 8.*: take 16, not 20"),
        ({"seed": -1}, "seed must be a whole number from 0"),
        ({"batch": 10**9}, "batch must be a whole number from 2 to 65,536"),
        ({"shift": 33}, "shift must be a whole number from 0 to 32"),
        ({"hue": 181.0}, "hue must be from 0 to 180 degrees"),
        ({"flip": 1}, "flip must be True or False"),
    ],
)
def test_a_config_out_of_range_is_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        TrainConfig(**changes)


def test_numpys_integers_are_whole_numbers():
    config = replace(SMALL, updates=np.int64(3), batch=np.int32(4), seed=np.uint8(1))
    assert config == replace(SMALL, updates=3, batch=4, seed=1) and type(config.updates) is int


@pytest.mark.parametrize("n", [1, 3])
def test_sprites_that_are_fewer_than_a_batch_are_repeated_evenly(n, sprites, monkeypatch):
    seen = []
    monkeypatch.setattr(
        "diffusion_lab.training.diffusion_loss",
        lambda model, x0, c, t, eps, schedule: seen.append(x0[:, 0, 0, 0]) or model.out[3].bias.sum() * 0,
    )
    advance(Run(replace(SMALL, batch=10, updates=2)), (sprites[0][:n], sprites[1][:n]))
    for batch in seen:
        counts = batch.unique(return_counts=True)[1]
        assert len(batch) == 10 and len(counts) == n and counts.max() - counts.min() <= 1


def test_pictures_of_another_size_train_a_network_of_that_size(tmp_path):
    images, contexts = torch.rand(4, 3, 32, 32) * 2 - 1, torch.zeros(4, 5)
    run = Run(SMALL, "cpu", height=32)
    advance(run, (images, contexts), until=1)
    run.save(tmp_path / "w.ckpt")
    again = Run.load(tmp_path / "w.ckpt", "cpu")
    advance(again, (images, contexts), until=2)
    again.export(tmp_path / "w.pt")
    model, schedule = load_model(tmp_path / "w.pt")
    assert model.height == 32 and collect(sample_ddim(model, schedule, 2, steps=2)).images.shape == (2, 3, 32, 32)
    with pytest.raises(ValueError, match=r"wants images of \(3, 16, 16\) and contexts of \(5,\), not \(3, 32, 32\) and \(5,\)"):
        Run(SMALL).advance(images, contexts)


def test_too_few_sprites_and_unequal_numbers_are_refused(sprites):
    images, contexts = sprites
    with pytest.raises(ValueError, match="There are no images"):
        Run(SMALL).advance(images[:0], contexts[:0])
    with pytest.raises(ValueError, match="10 images and 9 contexts"):
        next(Run(SMALL).advance(images, contexts[:9]))


def test_bf16_is_chosen_only_where_the_processor_has_units_for_it(monkeypatch):
    for amx, avx, expected in ((True, False, True), (False, True, True), (False, False, False)):
        monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda amx=amx: amx, raising=False)
        monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda avx=avx: avx, raising=False)
        assert gains_from_bf16(torch.device("cpu")) is expected
        assert Run(SMALL, torch.device("cpu")).config.precision == ("bf16" if expected else "fp32")


def test_bf16_training_stays_close_to_fp32(sprites):
    losses = [advance(Run(replace(SMALL, precision=p, updates=2)), sprites)[0].item() for p in ("fp32", "bf16")]
    assert losses[0] == pytest.approx(losses[1], rel=0.02) and losses[0] != losses[1]


# ------------------------------------------------------------------ files


def test_exported_weights_are_the_average_and_load(sprites, tmp_path):
    run = Run(SMALL, words=WORDS)
    advance(run, sprites)
    run.export(tmp_path / "w.pt")
    run.save(tmp_path / "w.ckpt")
    told = history(tmp_path / "w.pt")
    assert told["updates"] == 8 and told["images"] == 32 and told["config"]["n_feat"] == 8 and told["data"] == run.data
    for name in ("w.pt", "w.ckpt"):
        model, schedule = load_model(tmp_path / name)
        assert not model.training and model.prediction == "v" and schedule.T == 500 and len(model.words.counts) == 6
        assert all(
            torch.equal(a, b) for a, b in zip(model.state_dict().values(), run.ema.model.state_dict().values(), strict=True)
        )


def test_the_answer_of_a_loaded_network_is_read_as_it_was_trained(sprites, tmp_path):
    """A file remembers its prediction: reading v as eps would break this identity."""
    run = Run(SMALL)
    run.export(tmp_path / "w.pt")
    model, schedule = load_model(tmp_path / "w.pt")
    x = torch.randn(1, 3, 16, 16)
    v = model(x, torch.ones(1))
    x0, eps = to_x0_eps(model.prediction, v, x, 500, schedule.alpha_bar)
    a, b = schedule.alpha_bar[500].sqrt(), (1 - schedule.alpha_bar[500]).sqrt()
    torch.testing.assert_close(a * eps - b * x0, v, rtol=1e-4, atol=1e-4)


def test_a_truncated_checkpoint_is_refused(tmp_path):
    Run(SMALL).save(tmp_path / "run.ckpt")
    whole = (tmp_path / "run.ckpt").read_bytes()
    (tmp_path / "run.ckpt").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match="truncated"):
        Run.load(tmp_path / "run.ckpt")


def test_a_damaged_checkpoint_is_refused(tmp_path):
    Run(SMALL).save(tmp_path / "run.ckpt")
    state = torch.load(tmp_path / "run.ckpt", weights_only=True)
    nan = {name: tensor * math.nan if tensor.is_floating_point() else tensor for name, tensor in state["model"].items()}
    for damage in (
        {"model": {}},
        {"step": None, "order": 1, "recent": 3},
        {"config": state["config"] | {"T": "many"}},
        {"config": state["config"] | {"T": True}},
        {"config": state["config"] | {"T": 10**12}},
        {"config": state["config"] | {"T": 400}},  # the schedule's table has another length
        {"step": -5},
        {"step": 9},
        {"step": True},
        {"order": torch.tensor([-1])},
        {"order": torch.tensor([0.5])},
        {"losses": ["low"]},
        {"recent": [torch.tensor(math.nan)]},
        {"data": "unknown"},
        {"model": nan},
        {"ema": nan},
        {"generator": torch.zeros(3, dtype=torch.uint8)},
    ):
        torch.save(state | damage, tmp_path / "bad.ckpt")
        with pytest.raises(ValueError, match=r"bad\.ckpt is a damaged checkpoint"):
            Run.load(tmp_path / "bad.ckpt")


def test_an_order_beyond_the_data_is_refused_before_the_work(sprites, tmp_path):
    Run(SMALL).save(tmp_path / "run.ckpt")
    state = torch.load(tmp_path / "run.ckpt", weights_only=True) | {"order": torch.tensor([3, 10])}
    torch.save(state, tmp_path / "bad.ckpt")
    with pytest.raises(ValueError, match="speaks of more sprites than these"):
        Run.load(tmp_path / "bad.ckpt").advance(*sprites)


def test_a_checkpoint_with_other_settings_is_of_another_version(tmp_path):
    Run(SMALL).save(tmp_path / "run.ckpt")
    state = torch.load(tmp_path / "run.ckpt", weights_only=True)
    state["config"]["steps"] = state["config"].pop("updates")
    torch.save(state, tmp_path / "old.ckpt")
    with pytest.raises(
        VersionError, match=r"old\.ckpt was written by another version of diffusion_lab; begin the training again"
    ):
        Run.load(tmp_path / "old.ckpt")


def test_weights_are_no_checkpoint(tmp_path):
    Run(SMALL).export(tmp_path / "w.pt")
    with pytest.raises(ValueError, match="no checkpoint of a training run"):
        Run.load(tmp_path / "w.pt")


def test_a_full_disk_leaves_what_was_there(tmp_path, monkeypatch):
    path = tmp_path / "run.ckpt"
    path.write_text("precious")

    def full(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match=r"run\.ckpt could not be written \(No space left on device\)"):
        Run(SMALL).save(path)
    assert path.read_text() == "precious" and list(tmp_path.iterdir()) == [path]


def test_an_error_of_torch_save_is_no_full_disk(tmp_path):
    path = tmp_path / "w.pt"
    path.write_text("precious")

    def write(file):
        file.write(b"half")
        raise RuntimeError("[enforce fail at inline_container.cc:603] . unexpected pos 64 vs 0")

    with pytest.raises(RuntimeError, match="unexpected pos"):
        write_safely(path, write)
    assert path.read_text() == "precious" and list(tmp_path.iterdir()) == [path]


def test_ctrl_c_while_writing_leaves_nothing_behind(tmp_path):
    def write(file):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_safely(tmp_path / "w.pt", write)
    assert not list(tmp_path.iterdir())


def test_a_missing_folder_is_one_sentence(tmp_path):
    with pytest.raises(OSError, match="could not be written"):
        write_safely(tmp_path / "nowhere" / "w.pt", lambda file: None)


def test_a_run_from_trained_weights_begins_with_them_and_with_their_average():
    trained = Run(TrainConfig(n_feat=8, prediction="eps", seed=5), torch.device("cpu")).model
    run = Run(TrainConfig(n_feat=8, prediction="eps"), torch.device("cpu"))
    run.start_from(trained)
    assert {id(p) for group in run.optimizer.param_groups for p in group["params"]} == {id(p) for p in run.model.parameters()}
    for model in (run.model, run.ema.model):
        for mine, theirs in zip(model.state_dict().values(), trained.state_dict().values(), strict=True):
            assert torch.equal(mine, theirs)
    with pytest.raises(ValueError, match="These weights predict eps, and the run is to learn v: set prediction to eps"):
        Run(SMALL).start_from(trained)
    with pytest.raises(ValueError, match="give weights of a ContextUnet of the same size"):
        Run(replace(SMALL, prediction="eps"), words=("dragon", "red")).start_from(trained)


def test_by_default_training_ends_at_pure_noise_as_sampling_begins():
    assert Run(TrainConfig(n_feat=8), "cpu").schedule.alpha_bar[-1].sqrt() < 0.01  # 0.08 with the linear schedule
