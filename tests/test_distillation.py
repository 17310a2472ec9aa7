"""Distillation: the student answers with one of the pictures, not with their mean, and as its teacher would choose."""

import copy
import shutil
from dataclasses import replace

import pytest
import torch
from common import ROOT, load_script

from diffusion_lab import ContextUnet, TrainConfig, collect, distillation, load_model, sample_ddim
from diffusion_lab.distillation import distil
from diffusion_lab.schedules import cosine, linear
from diffusion_lab.steps import at, perturb
from diffusion_lab.training import diffusion_loss

TEACHER = cosine(40)
CONFIG = TrainConfig(T=4, schedule="cosine", batch=16, steps=1, lr=0.02, warmup=10)
NONE = torch.zeros(64, 5)


class Signs(torch.nn.Module):
    """What is exactly right to believe of pictures whose numbers are -1 or 1 by chance, if `sharp` is 0; with a context, it
    leans to one of the two."""

    in_channels, height, n_cfeat, prediction = 3, 16, 5, "x0"

    def __init__(self):
        super().__init__()
        self.sharp = torch.nn.Parameter(torch.zeros(41))  # one for each time

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


def taught(teacher, images, contexts=NONE, guidance=1.0, steps=400):
    student = copy.deepcopy(teacher)
    return student, list(distil(student, teacher, TEACHER, replace(CONFIG, steps=steps), images, contexts, guidance))


def test_the_student_answers_with_a_picture_where_the_teacher_answers_with_a_mean(teacher, images):
    student, _ = taught(teacher, images)
    generator = torch.Generator().manual_seed(1)
    for t, mean in ((3, 0.32), (2, 0.68)):
        x_t = perturb(images, t, torch.randn(images.shape, generator=generator), cosine(4).alpha_bar)
        blurred, sharp = (network(x_t, torch.full((64,), t / 4)).abs().mean().item() for network in (teacher, student))
        assert blurred == pytest.approx(mean, abs=0.02)
        assert sharp > 0.9  # the pictures are -1 and 1


def test_the_teacher_stays_as_it_is_and_the_student_draws_with_the_samplers(teacher, images):
    student, reports = taught(teacher, images, steps=3)
    assert [report.step for report in reports] == [1, 2, 3]
    assert teacher.sharp.eq(0).all() and student.sharp.ne(0).any()
    assert collect(sample_ddim(student, cosine(4), 2, steps=4)).times == [4, 3, 2, 1, 0]


def test_batchnorm_keeps_the_teachers_statistics(images):
    """In training mode they would be those of a batch, and beliefs would differ for that alone."""
    torch.manual_seed(0)
    unet = ContextUnet(n_feat=8, prediction="v").eval().requires_grad_(False)
    student, reports = taught(unet, images, steps=2)
    kept, now = unet.state_dict(), student.state_dict()
    assert all(torch.equal(now[name], kept[name]) for name in kept if "running" in name)
    assert any(not torch.equal(now[name], kept[name]) for name in kept) and reports[0].loss == 0


def test_the_same_seed_teaches_the_same(teacher, images):
    first, second = (taught(teacher, images, steps=3)[0] for _ in range(2))
    assert torch.equal(first.sharp, second.sharp)


def test_at_first_teacher_and_critic_differ_by_the_guidance_only(teacher, images):
    """The critic begins as a copy of the teacher. u + s (c - u) - c is (s - 1) (c - u)."""
    contexts = torch.eye(5)[:1].repeat(64, 1)
    assert taught(teacher, images, contexts, 1.0, steps=1)[1][0].loss == 0
    twice, thrice = (taught(teacher, images, contexts, s, steps=1)[1][0].loss for s in (2.0, 3.0))
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
        student, _ = taught(leaning, images, contexts, guidance, steps=60)
        moved = (student(x_t, torch.tensor([0.25]), contexts[:1]) - leaning(x_t, torch.tensor([0.25]), contexts[:1])).mean()
        assert (moved > 0.1) == above


def test_what_critic_and_student_learn_from(teacher, images, monkeypatch):
    """The critic: the student's pictures, under the noise between two steps. The student: the gap, as a share of its size."""
    noised, losses = [], []

    def spy(x0, t, eps, alpha_bar):
        noised.append((x0, t, eps))
        return perturb(x0, t, eps, alpha_bar)

    monkeypatch.setattr(distillation, "perturb", spy)
    monkeypatch.setattr(distillation, "train_step", lambda loss, optimizer, lr: losses.append((loss.item(), lr)))
    contexts = torch.rand(64, 5, generator=torch.Generator().manual_seed(3))
    _, reports = taught(teacher, images, contexts, 2.0, steps=40)
    pairs = set()
    for i, report in enumerate(reports):  # nobody learned: all three are as at first
        (x0, t, _), (made, s, eps) = noised[2 * i : 2 * i + 2]
        pairs |= set(zip(t.tolist(), s.tolist(), strict=True))
        c = contexts[[(images == one).flatten(1).all(1).nonzero().item() for one in x0]]
        usual = diffusion_loss(teacher, made, c, s, eps, TEACHER)
        assert losses[2 * i] == (pytest.approx(usual.item(), rel=1e-5), 2 * 0.02)
        x_s = perturb(made, s, eps, TEACHER.alpha_bar)
        with_class, without = teacher(x_s, s / 40, c), teacher(x_s, s / 40)
        real = 2 * with_class - without
        share = (with_class - real) / ((made - real).abs().mean((1, 2, 3), keepdim=True) + 0.01)
        assert losses[2 * i + 1] == (pytest.approx((share * made).mean().item(), rel=1e-4, abs=1e-7), report.lr)
    assert pairs == {(t, s) for t in (1, 2, 3, 4) for s in range(max(1, 10 * t - 10), 10 * t)}


def test_a_distillation_that_diverges_says_so(teacher, images):
    with pytest.raises(FloatingPointError, match="The beliefs are no numbers after 50 updates: begin again with a lower lr"):
        taught(teacher, images * torch.nan, steps=50)


def test_make_writes_a_network_of_four_steps(tmp_path, monkeypatch):
    make = load_script(ROOT / "weights" / "make.py")
    shutil.copy(ROOT / "weights" / "context_unet.pt", tmp_path)
    monkeypatch.setattr(make, "HERE", tmp_path)
    monkeypatch.setattr(make, "FEW_STEPS", replace(make.FEW_STEPS, steps=2, batch=2))
    make.train_few_steps()
    student, schedule = load_model(tmp_path / "few_steps.pt")
    teacher, _ = load_model(tmp_path / "context_unet.pt")
    changed = [not torch.equal(a, b) for a, b in zip(student.parameters(), teacher.parameters(), strict=True)]
    assert schedule.T == 4 and schedule.name == "cosine" and any(changed)
    assert torch.load(tmp_path / "few_steps.pt", weights_only=True)["step"] == 2


def test_bad_numbers_are_refused_in_one_sentence(teacher, images):
    def attempt(schedule, config=CONFIG, contexts=NONE):
        next(distil(copy.deepcopy(teacher), teacher, schedule, config, images, contexts, 1.0))

    with pytest.raises(ValueError, match="There are 64 images and 65 contexts"):
        attempt(TEACHER, contexts=torch.zeros(65, 5))
    with pytest.raises(ValueError, match="4 steps must divide the teacher's T = 499: choose another T"):
        attempt(cosine(499))
    for T in (4, 1):
        with pytest.raises(ValueError, match=f"A linear schedule of {T} steps has other noise than the teacher's linear one"):
            attempt(linear(40), replace(CONFIG, T=T, schedule="linear"))
    with pytest.raises(ValueError, match="A cosine schedule of 4 steps has other noise than the teacher's linear one"):
        attempt(linear(40))
