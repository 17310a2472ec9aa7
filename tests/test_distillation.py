"""Distillation: what the student is taught is where the teacher went."""

import pytest
import torch

from diffusion_lab import ContextUnet, Run, TrainConfig, sample_ddim, sample_dpmpp_2m
from diffusion_lab.distillation import distil, teach
from diffusion_lab.schedules import cosine, linear
from diffusion_lab.steps import ddim_step, perturb

CONFIG = TrainConfig(T=4, schedule="cosine", n_feat=8, batch=16, steps=30, lr=5e-3, warmup=5, ema=0.9, precision="fp32")


@pytest.fixture(scope="module")
def teacher():
    torch.manual_seed(0)
    return ContextUnet(n_feat=8, prediction="v").eval().requires_grad_(False)


@pytest.fixture(scope="module")
def lessons(teacher):
    """40 walks, and what each was asked for."""
    contexts = torch.eye(5).repeat(8, 1)
    return teach(teacher, cosine(), contexts, 4, 8, 2.0, torch.Generator().manual_seed(1)), contexts


def a_run(teacher):
    run = Run(CONFIG, torch.device("cpu"))
    run.start_from(teacher)
    return run


def test_the_frames_are_the_teachers_states_at_the_students_times(teacher, lessons):
    frames, contexts = lessons
    states = list(sample_dpmpp_2m(teacher, cosine(), 40, contexts, 2.0, torch.Generator().manual_seed(1), steps=8))
    wanted = {state.t: state.x for state in states}
    assert frames.shape == (40, 5, 3, 16, 16)
    for i, t in enumerate((500, 375, 250, 125, 0)):
        torch.testing.assert_close(frames[:, i], wanted[t], rtol=0, atol=0)


def test_each_lesson_leads_from_one_frame_of_a_walk_to_the_next(teacher, lessons, monkeypatch):
    frames, contexts = lessons
    run, seen = a_run(teacher), []
    monkeypatch.setattr(run, "learn", lambda x0, c, t, eps: seen.append((x0, c, t, eps)))
    list(distil(run, frames, contexts))
    assert len(seen) == CONFIG.steps
    alpha_bar, walks, times = run.schedule.alpha_bar, set(), set()
    for x0, c, t, eps in seen:
        x_t = perturb(x0, t, eps, alpha_bar)
        for i in range(len(t)):
            time = t[i].item()
            distance = (frames[:, 4 - time] - x_t[i]).flatten(1).abs().amax(1)
            walk = distance.argmin().item()
            assert distance[walk] < 1e-4  # it starts at a frame of this walk
            assert torch.equal(contexts[walk], c[i])
            landed = ddim_step(x0[i], eps[i], time, time - 1, alpha_bar, 0.0, torch.zeros(3, 16, 16))
            torch.testing.assert_close(landed.float(), frames[walk, 5 - time], rtol=0, atol=1e-3)
            walks.add(walk)
            times.add(time)
    assert times == {1, 2, 3, 4} and len(walks) == 40


class Flags(torch.nn.Module):
    """A teacher whose sprites are of one colour, another one for each class."""

    in_channels, height, n_cfeat, prediction = 3, 16, 5, "x0"
    colours = torch.tensor([[0.4, -0.4, 0.0], [-0.4, 0.4, 0.2], [0.0, 0.0, -0.4], [0.4, 0.4, 0.4], [-0.3, 0.0, 0.4]])

    def forward(self, x, t, c=None):
        """0 without a context; with one, its colour."""
        return torch.zeros_like(x) if c is None else (c @ self.colours)[:, :, None, None].expand_as(x)


def test_guidance_is_in_the_walks():
    contexts = torch.eye(5)
    frames = teach(Flags().eval(), cosine(), contexts, 4, 12, 2.0, torch.Generator().manual_seed(1))
    torch.testing.assert_close(frames[:, 4, :, 0, 0], 2 * contexts @ Flags.colours)  # the answer without context is 0


def test_a_stopped_distillation_goes_on_bit_for_bit(teacher, lessons, tmp_path):
    whole, stopped = a_run(teacher), a_run(teacher)
    list(distil(whole, *lessons))
    for progress in distil(stopped, *lessons):
        if progress.step == 12:
            break
    stopped.save(tmp_path / "c")
    resumed = Run.load(tmp_path / "c", torch.device("cpu"))
    assert [progress.step for progress in distil(resumed, *lessons)] == list(range(13, 31))
    for a, b in zip(whole.ema.model.state_dict().values(), resumed.ema.model.state_dict().values(), strict=True):
        assert torch.equal(a, b)


def test_other_walks_than_at_the_beginning_are_refused(teacher, lessons):
    run, (frames, contexts) = a_run(teacher), lessons
    next(distil(run, frames.half(), contexts))
    with pytest.raises(ValueError, match="not the sprites that the run began with"):
        next(distil(run, -frames.half(), contexts))


def test_a_student_knows_its_own_times_only(teacher):
    run = a_run(teacher)
    with pytest.raises(ValueError, match="steps must be a whole number from 1 to 4, not 25"):
        sample_ddim(run.ema.model, run.schedule, 2)


def test_bad_numbers_are_refused_in_one_sentence(teacher, lessons):
    frames, contexts = lessons
    generator = torch.Generator()
    for steps, schedule in ((10, cosine()), (8, cosine(499))):
        with pytest.raises(ValueError, match=f"4 steps must divide the teacher's {steps} and its T = {schedule.T}"):
            teach(teacher, schedule, contexts, 4, steps, 2.0, generator)
    with pytest.raises(ValueError, match="A linear schedule of 4 steps has other noise than the teacher's: it must be cosine"):
        teach(teacher, linear(), contexts, 4, 8, 2.0, generator)
    for wrong in ((frames[:, 1:], contexts), (frames, contexts[1:]), (frames[0], contexts)):
        with pytest.raises(ValueError, match=r"frames must be \(N, 5, C, H, W\)"):
            next(distil(a_run(teacher), *wrong))
