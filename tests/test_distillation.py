"""Distillation: the student answers with one of the pictures, not with their mean, and as its teacher would choose."""

import copy
import shutil
from dataclasses import replace

import pytest
import torch
from common import ROOT, load_script

from diffusion_lab import CLASSES, ContextUnet, Run, TrainConfig, collect, distillation, load_model, sample_ddim
from diffusion_lab.distillation import distil
from diffusion_lab.files import read_state
from diffusion_lab.schedules import cosine, linear, step_grid
from diffusion_lab.steps import at, perturb
from diffusion_lab.training import LOSS_EVERY, diffusion_loss, learning_rate
from diffusion_lab.weights import NETWORKS, Sampling, history, save
from diffusion_lab.words import Vocabulary

TEACHER = cosine(40)
CONFIG = TrainConfig(
    T=4, schedule="cosine", batch=16, updates=1, lr=0.02, warmup=10, prediction="x0", context_dropout=0, word_dropout=0
)
NONE = torch.zeros(64, 5)


class Signs(torch.nn.Module):
    """What is exactly right to believe of pictures whose numbers are -1 or 1 by chance, if `sharp` is 0; with a context, it
    leans to one of the two."""

    in_channels, height, n_cfeat, prediction = 3, 16, 5, "x0"

    def __init__(self):
        super().__init__()
        self.sharp = torch.nn.Parameter(torch.zeros(41))  # one for each time
        self.settings = {}

    def forward(self, x, t, c=None):
        """The mean of -1 and 1, weighted by their probabilities."""
        times = (t * 40).round().long()
        a, variance = at(TEACHER.alpha_bar.sqrt(), times, x), at(1 - TEACHER.alpha_bar, times, x)
        lean = 0 if c is None else c[:, :1, None, None]
        return torch.tanh(at(self.sharp.exp(), times, x) * a / variance * x + lean)


@pytest.fixture
def images():
    return torch.randint(0, 2, (64, 3, 16, 16), generator=torch.Generator().manual_seed(0)) * 2.0 - 1


@pytest.fixture
def teacher():
    return Signs().requires_grad_(False).eval()


def start(teacher, **changes):
    """A run whose network begins as a copy of the teacher."""
    config = replace(CONFIG, prediction=teacher.prediction, **changes)
    return Run(config, "cpu", network=copy.deepcopy(teacher).requires_grad_(True))


def taught(teacher, images, contexts=NONE, guidance=1.0, updates=400, grids=(), **changes):
    run = start(teacher, updates=updates, **changes)
    return run.model, list(distil(run, teacher, TEACHER, images, contexts, guidance, grids))


def test_the_student_answers_with_a_picture_where_the_teacher_answers_with_a_mean(teacher, images):
    student, _ = taught(teacher, images)
    generator = torch.Generator().manual_seed(1)
    for t, mean in ((3, 0.32), (2, 0.68)):
        x_t = perturb(images, t, torch.randn(images.shape, generator=generator), cosine(4).alpha_bar)
        blurred, sharp = (network(x_t, torch.full((64,), t / 4)).abs().mean().item() for network in (teacher, student))
        assert blurred == pytest.approx(mean, abs=0.02)
        assert sharp > 0.9  # the pictures are -1 and 1


def test_the_teacher_stays_as_it_is_and_the_student_draws_with_the_samplers(teacher, images):
    student, reports = taught(teacher, images, updates=3)
    assert [report.step for report in reports] == [1, 2, 3]
    assert teacher.sharp.eq(0).all() and student.sharp.ne(0).any()
    assert collect(sample_ddim(student, cosine(4), 2, steps=4)).times == [4, 3, 2, 1, 0]


def test_batchnorm_keeps_the_teachers_statistics(images):
    """In training mode they would be those of a batch, and beliefs would differ for that alone."""
    torch.manual_seed(0)
    unet = ContextUnet(n_feat=8, prediction="v").eval().requires_grad_(False)
    student, reports = taught(unet, images, updates=2)
    kept, now = unet.state_dict(), student.state_dict()
    assert all(torch.equal(now[name], kept[name]) for name in kept if "running" in name or "tracked" in name)
    assert any(not torch.equal(now[name], kept[name]) for name in kept) and reports[0].loss == 0


def test_the_same_seed_teaches_the_same(teacher, images):
    first, second = (taught(teacher, images, updates=3)[0] for _ in range(2))
    assert torch.equal(first.sharp, second.sharp)


def test_at_first_teacher_and_critic_differ_by_the_guidance_only(teacher, images):
    """The critic begins as a copy of the teacher. u + s (c - u) - c is (s - 1) (c - u)."""
    contexts = torch.eye(5)[:1].repeat(64, 1)
    assert taught(teacher, images, contexts, 1.0, updates=1)[1][0].loss == 0
    twice, thrice = (taught(teacher, images, contexts, s, updates=1)[1][0].loss for s in (2.0, 3.0))
    assert thrice == pytest.approx(4 * twice.item(), rel=1e-4) and twice > 0


def test_guidance_goes_into_the_student(teacher, images):
    """A teacher with guidance 3 leans further to 1, and so do the answers of its student; at first both are the same."""
    contexts = torch.eye(5)[:1].repeat(64, 1) * 0.3
    x_t = torch.zeros(1, 3, 16, 16)

    class Leaning(Signs):
        def __init__(self):
            super().__init__()
            self.push = torch.nn.Parameter(torch.zeros(1))

        def forward(self, x, t, c=None):
            return (
                super().forward(x, t, c) + self.push * c.sum(1)[:, None, None, None] if c is not None else super().forward(x, t)
            )

    leaning = Leaning().requires_grad_(False).eval()
    for guidance, above in ((1.0, False), (3.0, True)):
        student, _ = taught(leaning, images, contexts, guidance, updates=60)
        moved = (student(x_t, torch.tensor([0.25]), contexts[:1]) - leaning(x_t, torch.tensor([0.25]), contexts[:1])).mean()
        assert (moved > 0.1) == above


def test_the_run_counts_plans_averages_and_records(teacher, images, monkeypatch, tmp_path):
    run = start(teacher, updates=2 * LOSS_EVERY, ema=0.5)
    average, losses = run.ema.model.sharp.clone(), []
    for k, progress in enumerate(distil(run, teacher, TEACHER, images, NONE, 1.0), 1):
        assert progress.step == run.step == k and progress.lr == learning_rate(k - 1, run.config) == pytest.approx(
            run.lr.item()
        )
        average += (1 - min(0.5 ** (16 / 64), k / (k + 10))) * (run.model.sharp.detach() - average)
        torch.testing.assert_close(run.ema.model.sharp, average)
        losses.append(progress.loss)
        if k == 3:
            before = run.model.sharp.detach().clone()
    assert run.step == 2 * LOSS_EVERY and not torch.equal(before, run.model.sharp)
    assert run.losses == pytest.approx(
        [torch.stack(losses[:LOSS_EVERY]).mean().item(), torch.stack(losses[-50:]).mean().item()]
    )
    assert not list(distil(run, teacher, TEACHER, images, NONE, 1.0))  # it is at its end
    monkeypatch.setitem(NETWORKS, "Signs", __name__)
    run.export(tmp_path / "few.pt")
    model, schedule = load_model(tmp_path / "few.pt")
    assert torch.equal(model.sharp, run.ema.model.sharp) and schedule.T == 4
    assert model.words.counts.tolist() == [] or int(model.words.counts.sum()) == 64


def test_the_first_update_takes_the_learning_rate_of_the_warm_up(teacher, images):
    """Adam's first step is its learning rate, whatever the slope: the student's is the run's."""
    student, (report,) = taught(teacher, images, torch.eye(5)[:1].repeat(64, 1), 3.0, updates=1, warmup=10)
    assert report.lr == pytest.approx(0.002) and student.sharp.abs().max().item() == pytest.approx(0.002, rel=1e-3)


def test_a_grid_says_which_steps_are_served(teacher, images, monkeypatch):
    """Which t the student is shown, how often, and under what noise its answer is judged: between this step and the next."""
    noised = []

    def spy(x0, t, eps, alpha_bar):
        noised.append(t)
        return perturb(x0, t, eps, alpha_bar)

    monkeypatch.setattr(distillation, "perturb", spy)
    monkeypatch.setattr(distillation, "train_step", lambda loss, optimizer, lr: None)
    for grids in ((1,), (2,), (4, 2, 1), (2, 2, 1)):
        noised.clear()
        taught(teacher, images, updates=60, batch=64, grids=grids)
        t, s = (torch.cat(noised[side::2]) for side in (0, 1))
        pairs = [pair for n in grids for pair in step_grid(4, n)]
        for step in range(1, 5):
            share = sum(pair[0] == step for pair in pairs) / len(pairs)
            assert abs((t == step).double().mean().item() - share) < 0.035, (grids, step)
            mine = {time for begin, end in pairs if begin == step for time in range(max(1, 10 * end + 1), 10 * begin + 1)}
            assert set(s[t == step].tolist()) == mine, (grids, step)


def test_words_are_dropped_as_the_config_says(teacher, images, monkeypatch):
    """One and the same question goes to the student, the teacher and the critic."""
    asked = []
    monkeypatch.setattr(
        distillation, "drop_words", lambda c, whole, single, g: asked.append((whole, single, len(c))) or torch.zeros_like(c)
    )
    contexts = torch.eye(5)[:1].repeat(64, 1)
    _, reports = taught(teacher, images, contexts, 3.0, updates=2, context_dropout=0.3, word_dropout=0.6)
    assert asked == [(0.3, 0.6, 16)] * 2
    assert reports[0].loss == 0  # without words guidance changes nothing, and critic and teacher are still the same


def test_what_critic_and_student_learn_from(teacher, images, monkeypatch):
    """The critic: the student's pictures, under the noise between two steps. The student: the gap, as a share of its size."""
    noised, losses = [], []

    def spy(x0, t, eps, alpha_bar):
        noised.append((x0, t, eps))
        return perturb(x0, t, eps, alpha_bar)

    monkeypatch.setattr(distillation, "perturb", spy)
    monkeypatch.setattr(distillation, "train_step", lambda loss, optimizer, lr: losses.append((loss.item(), float(lr))))
    contexts = torch.rand(64, 5, generator=torch.Generator().manual_seed(3))
    _, reports = taught(teacher, images, contexts, 2.0, updates=40)
    pairs = set()
    for i, report in enumerate(reports):  # nobody learned: all three are as at first
        (x0, t, _), (made, s, eps) = noised[2 * i : 2 * i + 2]
        pairs |= set(zip(t.tolist(), s.tolist(), strict=True))
        c = contexts[[(images == one).flatten(1).all(1).nonzero().item() for one in x0]]
        usual = diffusion_loss(teacher, made, c, s, eps, TEACHER)
        assert losses[2 * i] == (pytest.approx(usual.item(), rel=1e-5), pytest.approx(2 * report.lr))
        x_s = perturb(made, s, eps, TEACHER.alpha_bar)
        with_class, without = teacher(x_s, s / 40, c), teacher(x_s, s / 40)
        real = 2 * with_class - without
        share = (with_class - real) / ((made - real).abs().mean((1, 2, 3), keepdim=True) + 0.01)
        assert losses[2 * i + 1] == (pytest.approx((share * made).mean().item(), rel=1e-4, abs=1e-7), pytest.approx(report.lr))
    assert pairs == {(t, s) for t in (1, 2, 3, 4) for s in range(10 * t - 9, 10 * t + 1)}


def test_a_distillation_that_diverges_says_so(teacher, images, monkeypatch):
    with pytest.raises(ValueError, match="not finite numbers"):
        taught(teacher, images * torch.nan, updates=1)
    monkeypatch.setattr("diffusion_lab.distillation.believe", lambda teacher, schedule, x, *_: (x * torch.nan, x))
    with pytest.raises(FloatingPointError, match="no number after 1 updates: begin again with a lower lr"):
        taught(teacher, images, updates=50)


def test_make_writes_a_network_of_four_steps(tmp_path, monkeypatch):
    make = load_script(ROOT / "weights" / "make.py")
    shutil.copy(ROOT / "weights" / "context_unet.pt", tmp_path)
    monkeypatch.setattr(make, "best_device", lambda: torch.device("cpu"))
    monkeypatch.setattr(make, "FEW_STEPS", replace(make.FEW_STEPS, updates=2, batch=2))
    make.train_few_steps(tmp_path, None)
    student, schedule = load_model(tmp_path / "few_steps.pt")
    teacher, _ = load_model(tmp_path / "context_unet.pt")
    changed = [not torch.equal(a, b) for a, b in zip(student.parameters(), teacher.parameters(), strict=True)]
    assert schedule.T == 4 and schedule.name == "cosine" and any(changed)
    assert history(tmp_path / "few_steps.pt")["updates"] == 2
    assert student.sampling == ("ddim", 4, 1.0) and student.words.words == teacher.words.words
    assert torch.equal(student.words.counts, teacher.words.counts)


def test_make_halves_the_parameters_and_leaves_the_statistics(tmp_path):
    make = load_script(ROOT / "weights" / "make.py")
    path = tmp_path / "one.pt"
    torch.manual_seed(0)
    model = ContextUnet(3, 8, len(CLASSES)).eval()
    large = next(norm for norm in model.modules() if isinstance(norm, torch.nn.BatchNorm2d))
    large.running_var.fill_(161_564.9)  # no half precision number is so large
    save(path, model, cosine(4), Vocabulary.of(CLASSES, torch.zeros(0, 5)), Sampling("ddim", 4, 1.0), {"updates": 2})
    make.halve(path)
    written, again = read_state(path)["model"], load_model(path)[0]
    for name, tensor in model.named_parameters():
        assert written[name].dtype == torch.half and torch.equal(again.state_dict()[name], tensor.half().float())
    for name, tensor in model.named_buffers():
        assert written[name].dtype == tensor.dtype and torch.equal(again.state_dict()[name], tensor)
    assert history(path) == {"updates": 2} and again.words.words == CLASSES


def test_bad_numbers_are_refused_in_one_sentence(teacher, images):
    def attempt(of_teacher, contexts=NONE, **changes):
        next(distil(start(teacher, **changes), teacher, of_teacher, images, contexts, 1.0))

    with pytest.raises(ValueError, match="There are 64 images and 65 contexts"):
        attempt(TEACHER, contexts=torch.zeros(65, 5))
    with pytest.raises(ValueError, match="4 steps must divide the teacher's T = 499: choose another T"):
        attempt(cosine(499))
    for T in (4, 1):
        with pytest.raises(ValueError, match=f"A linear schedule of {T} steps has other noise than the teacher's linear one"):
            attempt(linear(40), T=T, schedule="linear")
    with pytest.raises(ValueError, match="A cosine schedule of 4 steps has other noise than the teacher's linear one"):
        attempt(linear(40))
