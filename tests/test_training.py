"""Training: the loss, the moving average, resuming bit for bit, and files that are never half-written."""

import errno
import os
from dataclasses import replace

import pytest
import torch

from diffusion_lab import ContextUnet, Run, TrainConfig, load_model
from diffusion_lab.devices import gains_from_bf16
from diffusion_lab.files import write_safely
from diffusion_lab.schedules import linear
from diffusion_lab.steps import to_x0_eps
from diffusion_lab.training import EMA, diffusion_loss, learning_rate

SMALL = TrainConfig(steps=8, batch=4, warmup=2, ema=0.9)


@pytest.fixture(scope="module")
def sprites():
    g = torch.Generator().manual_seed(0)
    return torch.rand(10, 3, 16, 16, generator=g) * 2 - 1, torch.eye(5)[torch.arange(10) % 5]


def everything(run):
    return [*run.model.state_dict().values(), *run.ema.model.state_dict().values(), torch.tensor(run.losses), run.order]


def advance(run, sprites, until=None):
    return [progress.loss for progress in run.advance(*sprites, until=until)]


def test_2k_steps_equal_k_steps_a_killed_process_and_k_more(sprites, tmp_path, monkeypatch):
    monkeypatch.setattr("diffusion_lab.training.LOSS_EVERY", 2)  # so that the cut lies within a mean of losses, too
    whole = Run(SMALL)
    losses = advance(whole, sprites)
    first = Run(SMALL)
    half = advance(
        first, sprites, until=3
    )  # the third batch of 4 begins a new pass over the 10 sprites: the cut lies within it
    first.save(tmp_path / "run.ckpt")
    del first
    torch.manual_seed(1234)  # the global random state is not part of a run
    second = Run.load(tmp_path / "run.ckpt")
    assert second.step == 3 and len(second.order) == 6 and len(whole.losses) == 4
    half += advance(second, sprites)
    assert torch.equal(torch.stack(half), torch.stack(losses))
    assert all(torch.equal(a, b) for a, b in zip(everything(whole), everything(second), strict=True))


def test_resume_with_other_sprites_is_refused(sprites, tmp_path):
    run = Run(SMALL)
    advance(run, sprites, until=2)
    run.save(tmp_path / "run.ckpt")
    with pytest.raises(ValueError, match="not the sprites that the run began with"):
        Run.load(tmp_path / "run.ckpt").advance(sprites[0].flip(0), sprites[1])


def test_a_run_that_diverges_stops_in_one_sentence(sprites, monkeypatch):
    monkeypatch.setattr("diffusion_lab.training.LOSS_EVERY", 2)
    with pytest.raises(FloatingPointError, match="no number after 2 updates: begin again with a lower lr"):
        advance(Run(SMALL), (sprites[0] * torch.nan, sprites[1]))


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
    advance(Run(replace(SMALL, steps=200, batch=10, T=20)), sprites)
    assert torch.cat(seen).unique().tolist() == list(range(1, 21))


def test_context_is_dropped_as_often_as_asked_and_images_keep_their_contexts(monkeypatch):
    images = torch.arange(5.0).reshape(5, 1, 1, 1).expand(5, 3, 16, 16).repeat(8, 1, 1, 1)
    contexts, seen = torch.eye(5).repeat(8, 1), []
    monkeypatch.setattr(
        "diffusion_lab.training.diffusion_loss",
        lambda model, x0, c, t, eps, schedule: seen.append((x0[:, 0, 0, 0], c)) or model.out[3].bias.sum() * 0,
    )
    advance(Run(replace(SMALL, steps=50, batch=40, context_dropout=0.25)), (images, contexts))
    values, c = torch.cat([a for a, _ in seen]).long(), torch.cat([b for _, b in seen])
    kept = c.sum(1) == 1
    assert kept.float().mean().item() == pytest.approx(0.75, abs=0.03)
    assert (c[~kept] == 0).all() and torch.equal(c[kept].argmax(1), values[kept])


def test_every_sprite_comes_once_in_a_pass(sprites, monkeypatch):
    seen = []
    monkeypatch.setattr(
        "diffusion_lab.training.diffusion_loss",
        lambda model, x0, c, t, eps, schedule: seen.append(x0[:, 0, 0, 0]) or model.out[3].bias.sum() * 0,
    )
    advance(Run(replace(SMALL, batch=5, steps=2)), sprites)
    assert torch.equal(torch.cat(seen).sort().values, sprites[0][:, 0, 0, 0].sort().values)


def test_training_lowers_the_loss(sprites):
    losses = torch.stack(advance(Run(TrainConfig(steps=30, batch=8, warmup=5)), sprites))
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


def test_the_learning_rate_warms_up_and_falls_to_zero():
    config = TrainConfig(steps=100, warmup=10, lr=1.0)
    rates = [learning_rate(step, config) for step in range(101)]
    assert rates[0] == pytest.approx(0.1) and rates[9] == pytest.approx(1) and rates[55] == pytest.approx(0.5)
    assert rates[100] == pytest.approx(0, abs=1e-12) and max(rates) == pytest.approx(1)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"steps": 0}, "steps must be"),
        ({"batch": 1}, "batch must be at least 2"),
        ({"ema": 1.0}, "ema must be"),
        ({"context_dropout": 1.5}, "context_dropout"),
        ({"lr": 0}, "lr above 0"),
        ({"prediction": "noise"}, "prediction must be one of eps, v, x0"),
        ({"schedule": "cubic"}, "schedule must be one of linear"),
        ({"precision": "fp16"}, "precision must be one of"),
    ],
)
def test_a_config_out_of_range_is_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        TrainConfig(**changes)


def test_too_few_sprites_and_unequal_numbers_are_refused(sprites):
    images, contexts = sprites
    with pytest.raises(ValueError, match="10 sprites are fewer than a batch of 16"):
        next(Run(replace(SMALL, batch=16)).advance(images, contexts))
    with pytest.raises(ValueError, match="10 images and 9 contexts"):
        next(Run(SMALL).advance(images, contexts[:9]))


def test_bf16_is_chosen_only_where_the_processor_has_units_for_it(monkeypatch):
    for amx, avx, expected in ((True, False, True), (False, True, True), (False, False, False)):
        monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda amx=amx: amx, raising=False)
        monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda avx=avx: avx, raising=False)
        assert gains_from_bf16(torch.device("cpu")) is expected
        assert Run(SMALL, torch.device("cpu")).config.precision == ("bf16" if expected else "fp32")


def test_bf16_training_stays_close_to_fp32(sprites):
    losses = [advance(Run(replace(SMALL, precision=p, steps=2)), sprites)[0].item() for p in ("fp32", "bf16")]
    assert losses[0] == pytest.approx(losses[1], rel=0.02) and losses[0] != losses[1]


# ------------------------------------------------------------------ files


def test_exported_weights_are_the_average_and_load(sprites, tmp_path):
    run = Run(SMALL)
    advance(run, sprites)
    run.export(tmp_path / "w.pt")
    run.save(tmp_path / "w.ckpt")
    for name in ("w.pt", "w.ckpt"):
        model, schedule = load_model(tmp_path / name)
        assert not model.training and model.prediction == "v" and schedule.T == 500
        assert all(
            torch.equal(a, b) for a, b in zip(model.state_dict().values(), run.ema.model.state_dict().values(), strict=True)
        )


def test_weights_saved_with_the_course_load_unchanged(tmp_path):
    torch.manual_seed(3)
    theirs = ContextUnet()
    torch.save(theirs.state_dict(), tmp_path / "model_31.pth")
    model, schedule = load_model(tmp_path / "model_31.pth")
    assert model.prediction == "eps" and schedule.name == "linear" and schedule.T == 500
    x = torch.randn(2, 3, 16, 16)
    torch.testing.assert_close(model(x, torch.ones(2)), theirs.eval()(x, torch.ones(2)), rtol=1e-3, atol=1e-4)


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


class Unsafe:
    """What a weights file must not be able to run."""

    def __reduce__(self):
        return (os.system, ("echo harm",))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: None, "does not exist"),
        (lambda path: path.write_bytes(b""), "truncated or no weights file"),
        (lambda path: path.write_text("hello"), "truncated or no weights file"),
        (lambda path: torch.save({"a": Unsafe()}, path), "truncated or no weights file"),
        (lambda path: torch.save([1, 2], path), "holds no network's weights"),
        (lambda path: torch.save({"w": torch.ones(3)}, path), "weights of another network"),
        (lambda path: torch.save(torch.nn.Linear(2, 2).state_dict(), path), "weights of another network"),
        (lambda path: torch.save({"kind": "x", "config": {"colour": 1}, "model": {}}, path), "another version"),
        (lambda path: torch.save({"kind": "x"}, path), "weights of another network"),
        (lambda path: torch.save({"kind": "x", "config": {"T": "many"}, "model": {}}, path), "weights of another network"),
    ],
    ids=["missing", "empty", "text", "pickled", "list", "foreign", "linear", "newer", "bare", "odd"],
)
def test_other_files_are_refused_in_one_sentence(make, message, tmp_path):
    path = tmp_path / "weights.pt"
    make(path)
    with pytest.raises((ValueError, FileNotFoundError), match=message) as caught:
        load_model(path)
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)


def test_a_truncated_checkpoint_is_refused(tmp_path):
    Run(SMALL).save(tmp_path / "run.ckpt")
    whole = (tmp_path / "run.ckpt").read_bytes()
    (tmp_path / "run.ckpt").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match="truncated"):
        Run.load(tmp_path / "run.ckpt")


def test_a_damaged_checkpoint_is_refused(tmp_path):
    Run(SMALL).save(tmp_path / "run.ckpt")
    state = torch.load(tmp_path / "run.ckpt", weights_only=True)
    for damage in ({"model": {}}, {"step": None, "order": 1, "recent": 3}):
        torch.save(state | damage, tmp_path / "bad.ckpt")
        with pytest.raises(ValueError, match=r"bad\.ckpt is a damaged checkpoint"):
            Run.load(tmp_path / "bad.ckpt")


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


def test_a_full_disk_within_torch_save_is_one_sentence_too(tmp_path):
    path = tmp_path / "w.pt"
    path.write_text("precious")

    def write(file):
        file.write(b"half")
        raise RuntimeError("[enforce fail at inline_container.cc:603] . unexpected pos 64 vs 0")

    with pytest.raises(OSError, match="the disk may be full") as caught:
        write_safely(path, write)
    assert "\n" not in str(caught.value) and path.read_text() == "precious" and list(tmp_path.iterdir()) == [path]


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
    for model in (run.model, run.ema.model):
        for mine, theirs in zip(model.state_dict().values(), trained.state_dict().values(), strict=True):
            assert torch.equal(mine, theirs)
