"""Distillation: a network that draws in a few evaluations, taught by one that needs many.

    teacher, schedule = load_model(device=best_device())
    config = TrainConfig(T=4, schedule=schedule.name, prediction=teacher.prediction, updates=1500, lr=1e-3, warmup=50)
    run = Run(config, words=teacher.words.words)
    run.start_from(teacher)
    for progress in distil(run, teacher, schedule, images, contexts, guidance=1.5):
        ...
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
from contextlib import nullcontext

import torch
from torch import Tensor

from .devices import Recorded, best_memory_format
from .samplers import believe
from .schedules import Schedule, step_grid
from .steps import perturb, target, to_x0_eps
from .training import Progress, Run, check_pairs, train_step
from .words import drop_words


def distil(
    run: Run,
    teacher: torch.nn.Module,
    schedule: Schedule,
    images: Tensor,
    contexts: Tensor,
    guidance: float,
    grids: tuple[int, ...] = (),
) -> Iterator[Progress]:
    """Make the network of `run`, which begins as a copy of `teacher`, one of config.T steps; reports after each update how
    far the beliefs differ.

    teacher: in eval mode, on the run's device. schedule: the teacher's. The run's config gives steps, batch, lr, warmup, seed,
    the dropping of words, and the student's schedule. images: (N, C, H, W) in [-1, 1], what x_t is made of. contexts: (N, V),
    what is asked of each, not always what it is. Both on the CPU. grids: the numbers of steps that the student is to serve,
    each drawn as often; config.T steps if empty.
    At the first `next`: ValueError if there are not as many contexts as images, if config.T does not divide the teacher's T,
    and for schedules that are no function of t / T, as "linear" is not: at its times the student would expect another noise.
    FloatingPointError if the beliefs become no numbers.
    """
    check_pairs(images, contexts)
    config, few, stride = run.config, run.schedule, schedule.T // run.config.T
    if schedule.T % few.T:
        raise ValueError(f"{few.T} steps must divide the teacher's T = {schedule.T}: choose another T.")
    # at the end both are nearly 0, but for a clipped beta
    same = torch.allclose(few.alpha_bar[:-1].cpu(), schedule.alpha_bar[::stride][:-1].cpu())
    if not same or few.alpha_bar[-1] > 0.01:
        wrong = f"A {few.name} schedule of {few.T} steps has other noise than the teacher's {schedule.name} one"
        raise ValueError(f"{wrong}: both must be cosine, or both sigmoid.")
    run.note_data(images, contexts)
    device, g = run.device, run.draws
    schedule = Schedule(schedule.name, schedule.alpha_bar.to(few.alpha_bar.device))
    images, contexts = images.to(device, memory_format=best_memory_format(device)), contexts.to(device)
    pairs = torch.tensor([pair for n in grids or (few.T,) for pair in step_grid(few.T, n)], device=g.device)
    student, critic = run.model, copy.deepcopy(teacher)
    for network in (student, critic):
        network.eval().requires_grad_(True)  # eval: BatchNorm keeps the teacher's statistics, so that only the weights differ
    # betas: a short memory, because each of the two chases the other
    on_gpu = {"capturable": True} if device.type == "cuda" else {}
    for_student, for_critic = (
        torch.optim.Adam(network.parameters(), run.lr if on_gpu else config.lr, betas=(0.5, 0.99), **on_gpu)
        for network in (student, critic)
    )

    # what answers: as they are, or translated where the run is
    student_says, critic_says, teacher_says = map(run.translate, (student, critic, teacher))
    teacher_says.prediction = teacher.prediction

    def belief(answer: Tensor, x: Tensor, t: Tensor, alpha_bar: Tensor) -> Tensor:
        return to_x0_eps(teacher.prediction, answer.float(), x, t, alpha_bar)[0]

    def draw(like: Tensor) -> Tensor:
        return torch.randn(like.shape, generator=g, device=g.device).to(device)

    def number(low: int, high: int, size: tuple) -> Tensor:
        return torch.randint(low, high, size, generator=g, device=g.device)

    def learn() -> Tensor:
        index = number(0, len(images), (config.batch,)).to(device)
        x0 = images[index]
        c = drop_words(contexts[index].to(g.device), config.context_dropout, config.word_dropout, g).to(device)
        t, t_prev = pairs[number(0, len(pairs), (config.batch,))].unbind(1)
        x_t = perturb(x0, t, draw(x0), few.alpha_bar)
        with autocast():
            answer = student_says(x_t, (t / few.T).to(x_t), c)
        made = belief(answer, x_t, t, few.alpha_bar)

        # noise as strong as between this step and the next: what comes after is not this step's to settle
        low, high = stride * t_prev, stride * t
        share = torch.rand(t.shape, generator=g, device=g.device)
        s = (high - (share * (high - low)).long()).clamp(min=1)
        eps = draw(x0)
        x_s, time = perturb(made.detach(), s, eps, schedule.alpha_bar), (s / schedule.T).to(x0)
        with autocast():
            with torch.no_grad():
                real = believe(teacher_says, schedule, x_s, s, c, guidance)[0]
            answer = critic_says(x_s, time, c)
        false = belief(answer.detach(), x_s, s, schedule.alpha_bar)
        wanted = target(teacher.prediction, made.detach(), s, eps, schedule.alpha_bar)
        train_step((answer.float() - wanted).square().mean(), for_critic, 2 * run.lr)  # ahead of the student

        gap = false - real
        size = (made.detach() - real).abs().mean((1, 2, 3), keepdim=True)  # else strong noise would outweigh all
        train_step((gap / (size + 0.01) * made).mean(), for_student, run.lr)  # its slope in `made` is the gap
        run.ema.move(student)
        return gap.square().mean()

    def autocast():
        return torch.autocast(device.type, torch.bfloat16) if config.precision == "bf16" else nullcontext()

    work = Recorded(learn, g) if device.type == "cuda" else learn
    while run.step < run.config.updates:
        yield run.after(work)
