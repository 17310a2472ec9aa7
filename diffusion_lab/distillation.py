"""Distillation: a network that draws in a few evaluations, taught by one that needs many.

    teacher, schedule = load_model(device=best_device())
    run = Run(TrainConfig(T=4, schedule=schedule.name, prediction=teacher.prediction, steps=1500, lr=1e-3, warmup=50))
    run.start_from(teacher)
    for progress in distil(run.model, teacher, schedule, run.config, images, contexts, guidance=1.5):
        run.step = progress.step
        run.ema.update(run.model, run.step)
    run.export("few_steps.pt")

The student starts as a copy of the teacher. Asked what is behind x_t, a network trained as usual answers with the mean of
all pictures that may be: a blur. A student of few steps must answer with one of them. So its answer is not compared with a
picture. It gets noise again, and two networks say what they believe is behind: the teacher, who knows real pictures, and a
critic, who knows the student's, because it is trained on them by the usual loss. Where the two believe the same, the
student's pictures are distributed as the teacher's. Where not, the difference says how to change them.

That is distribution matching (Yin et al. 2024, "One-step diffusion with distribution matching distillation", section 3.2),
with a few steps and for each of them only the noise between it and the next, as in Salimans et al. 2024, "Multistep
distillation of diffusion models via moment matching" (algorithm 2). The teacher's guidance goes into the student's weights.
"""

import copy
from collections.abc import Iterator

import torch
from torch import Tensor

from .samplers import guided
from .schedules import SCHEDULES, Schedule
from .steps import perturb, target, to_x0_eps
from .training import LOSS_EVERY, Progress, TrainConfig, check_pairs, learning_rate, train_step


def distil(
    student: torch.nn.Module,
    teacher: torch.nn.Module,
    schedule: Schedule,
    config: TrainConfig,
    images: Tensor,
    contexts: Tensor,
    guidance: float,
) -> Iterator[Progress]:
    """Make `student`, a copy of `teacher`, one of config.T steps, reporting after each update how far the beliefs differ.

    teacher: in eval mode, on the student's device. schedule: the teacher's. config: steps, batch, lr, warmup, seed and the
    student's schedule; all is computed in fp32. images: (N, C, H, W) in [-1, 1], what x_t is made of. contexts: (N, 5), what
    is asked of each, not always what it is. Both on the CPU. At the first `next`: ValueError if there are not as many
    contexts as images, if config.T does not divide the teacher's T, and for schedules that are no function of t / T, as
    "linear" is not: at its times the student would expect another noise. FloatingPointError if the beliefs become no numbers.
    """
    check_pairs(images, contexts)
    few, alpha_bar, stride = SCHEDULES[config.schedule](config.T), schedule.alpha_bar, schedule.T // config.T
    if schedule.T % few.T:
        raise ValueError(f"{few.T} steps must divide the teacher's T = {schedule.T}: choose another T.")
    # at the end both are nearly 0, but for a clipped beta
    if not torch.allclose(few.alpha_bar[:-1], alpha_bar[::stride][:-1]) or few.alpha_bar[-1] > 0.01:
        wrong = f"A {few.name} schedule of {few.T} steps has other noise than the teacher's {schedule.name} one"
        raise ValueError(f"{wrong}: both must be cosine, or both sigmoid.")
    generator = torch.Generator().manual_seed(config.seed)
    device = next(teacher.parameters()).device
    critic = copy.deepcopy(teacher)
    for network in (student, critic):
        network.eval().requires_grad_(True)  # eval: BatchNorm keeps the teacher's statistics, so that only the weights differ
    # betas: a short memory, because each of the two chases the other
    for_student, for_critic = (torch.optim.Adam(network.parameters(), betas=(0.5, 0.99)) for network in (student, critic))

    def belief(answer: Tensor, x: Tensor, t: Tensor, alpha_bar: Tensor) -> Tensor:
        return to_x0_eps(teacher.prediction, answer, x, t, alpha_bar)[0]

    def draw(like: Tensor) -> Tensor:
        return torch.randn(like.shape, generator=generator).to(device)

    for step in range(config.steps):
        index = torch.randint(len(images), (config.batch,), generator=generator)
        x0, c = images[index].to(device), contexts[index].to(device)
        t = torch.randint(1, few.T + 1, (config.batch,), generator=generator)
        x_t = perturb(x0, t, draw(x0), few.alpha_bar)
        made = belief(student(x_t, (t / few.T).to(x_t), c), x_t, t, few.alpha_bar)

        # noise as strong as between this step and the next: what comes after is not this step's to settle
        s = (stride * t - torch.randint(1, stride + 1, t.shape, generator=generator)).clamp(min=1)
        eps = draw(x0)
        x_s, time = perturb(made.detach(), s, eps, alpha_bar), (s / schedule.T).to(x0)
        with torch.no_grad():
            real = belief(guided(teacher, x_s, time, c, guidance), x_s, s, alpha_bar)
        answer = critic(x_s, time, c)
        false = belief(answer.detach(), x_s, s, alpha_bar)
        critic_loss = (answer - target(teacher.prediction, made.detach(), s, eps, alpha_bar)).square().mean()
        train_step(critic_loss, for_critic, 2 * config.lr)  # ahead of the student

        gap = false - real
        size = (made.detach() - real).abs().mean((1, 2, 3), keepdim=True)  # else strong noise would outweigh all
        lr = learning_rate(step, config)
        train_step((gap / (size + 0.01) * made).mean(), for_student, lr)  # its slope in `made` is the gap
        loss = gap.square().mean()
        if (step + 1) % LOSS_EVERY == 0 and not loss.isfinite():
            raise FloatingPointError(f"The beliefs are no numbers after {step + 1} updates: begin again with a lower lr.")
        yield Progress(step + 1, loss, lr)
