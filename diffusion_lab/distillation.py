"""Distillation: a network that needs a few evaluations, taught by one that needs many.

The teacher walks from noise to sprites in small steps, with guidance. The student learns to make each long stretch of that walk
in one step of DDIM. Noise decides the whole walk, so there is one right answer for each x_t, and plain regression finds it.

    frames = teach(teacher, schedule, contexts, T=4, steps=12, guidance=2.0, generator=generator)
    run = Run(TrainConfig(T=4, schedule=schedule.name, prediction=teacher.prediction))
    run.start_from(teacher)
    for progress in distil(run, frames, contexts):
        ...

Progressive distillation (Salimans & Ho 2022) halves the steps again and again. Here the few steps are learned at once, from
walks that were drawn before; guidance goes into the student's weights (Meng et al. 2023), so it needs one evaluation a step
and no unconditional half. Its schedule has T = 4: the student knows no other times.
"""

from collections.abc import Iterator

import torch
from torch import Tensor

from .samplers import sample_dpmpp_2m
from .schedules import SCHEDULES, Schedule
from .steps import ddim_target, to_x0_eps
from .training import Progress, Run


def teach(
    teacher: torch.nn.Module,
    schedule: Schedule,
    contexts: Tensor,
    T: int,
    steps: int,
    guidance: float,
    generator: torch.Generator,
) -> Tensor:
    """Walks of the teacher by DPM-Solver++(2M): (n, T + 1, C, H, W), noise first, at T + 1 equally spaced times.

    contexts: (n, 5), what each walk is asked for. T: steps that the student will take; it must divide `steps`, the teacher's,
    and that the teacher's T. ValueError otherwise, and for schedules that are no function of t / T, as "linear" is not: at
    its times the student would expect another noise.
    """
    if steps % T or schedule.T % T:
        raise ValueError(f"{T} steps must divide the teacher's {steps} and its T = {schedule.T}: choose other numbers.")
    few, many = SCHEDULES[schedule.name](T).alpha_bar, schedule.alpha_bar[:: schedule.T // T]
    if not torch.allclose(few[:-1], many[:-1]) or few[-1] > 0.01:  # at the end both are nearly 0, but for a clipped beta
        raise ValueError(f"A {schedule.name} schedule of {T} steps has other noise than the teacher's: it must be cosine.")
    walk = sample_dpmpp_2m(teacher, schedule, len(contexts), contexts, guidance, generator, steps=steps)
    return torch.stack([state.x for i, state in enumerate(walk) if i % (steps // T) == 0], dim=1)


def distil(run: Run, frames: Tensor, contexts: Tensor) -> Iterator[Progress]:
    """Train up to the end of the run on walks of a teacher, reporting after each update.

    frames: (N, T + 1, C, H, W) from `teach`, of any float type, on the CPU. contexts: (N, 5). ValueError if the frames are not
    those of the run's T, if the numbers differ, or if the run began with other walks.
    """
    T, alpha_bar = run.schedule.T, run.schedule.alpha_bar
    if frames.ndim != 5 or frames.shape[1] != T + 1 or len(frames) != len(contexts):
        wanted = f"frames must be (N, {T + 1}, C, H, W) and contexts (N, 5)"
        raise ValueError(f"{wanted}, not {tuple(frames.shape)} and {tuple(contexts.shape)}.")
    run.remember(frames, contexts)
    for _ in range(run.step, run.config.steps):
        index = torch.randint(len(frames), (run.config.batch,), generator=run.generator)
        t = torch.randint(1, T + 1, (run.config.batch,), generator=run.generator)
        x_t, x_prev = (frames[index, T - time].float().to(run.device) for time in (t, t - 1))
        x0 = ddim_target(x_t, x_prev, t, t - 1, alpha_bar)
        _, eps = to_x0_eps("x0", x0, x_t, t, alpha_bar)  # then perturb(x0, t, eps) is x_t: the loss is that of all training
        yield run.learn(x0, contexts[index].to(run.device), t, eps)
