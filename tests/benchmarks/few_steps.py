"""Where weights/few_steps.pt loses against its teacher. One command, two tables, about five minutes on one core:

    python tests/benchmarks/few_steps.py

First its loss at each time, on 500 walks that it was taught and on 1,000 new ones. Then the Fréchet ratio of 320 of the new
walks if the teacher goes the first part of the way and the student the rest.
"""

import sys
from pathlib import Path

import torch
from torch import Tensor

sys.path.insert(0, str(Path(__file__).parents[2] / "weights"))

from make import FEW_STEPS, wishes

from diffusion_lab import collect, load_model, sample_ddim
from diffusion_lab.distillation import teach
from diffusion_lab.metrics import Judge
from diffusion_lab.sprites import find
from diffusion_lab.steps import clip_x0, ddim_step, ddim_target, to_x0_eps
from diffusion_lab.training import diffusion_loss

SEEN, NEW = (0,), (80, 82)  # seeds of 500 walks each; the network was taught those of 0 to 79


def walks(seeds: tuple[int, ...]) -> tuple[Tensor, Tensor]:
    """As weights/make.py makes them: frames (N, 5, 3, 16, 16) and contexts (N, 5)."""
    teacher, schedule = load_model()
    frames, contexts = [], []
    for seed in seeds:
        generator = torch.Generator().manual_seed(seed)
        contexts.append(wishes(500, generator))
        frames += [teach(teacher, schedule, some, FEW_STEPS.T, 12, 2.0, generator) for some in contexts[-1].split(50)]
    return torch.cat(frames), torch.cat(contexts)


@torch.no_grad()
def main():
    """See the top of this file."""
    student, few = load_model(find("weights", "few_steps.pt"))
    times = range(few.T, 0, -1)
    for name, seeds in (("taught", SEEN), ("new", NEW)):
        frames, contexts = walks(seeds)
        losses = []
        for t in times:
            x_t, x_prev = frames[:, few.T - t], frames[:, few.T - t + 1]
            x0 = ddim_target(x_t, x_prev, t, t - 1, few.alpha_bar)
            _, eps = to_x0_eps("x0", x0, x_t, t, few.alpha_bar)
            losses.append(diffusion_loss(student, x0, contexts, torch.full((len(x0),), t), eps, few).item())
        each = ", ".join(f"{loss:.4f}" for loss in losses)
        print(f"loss on walks that are {name:6} at t = {list(times)}: {each}; mean {sum(losses) / few.T:.4f}", flush=True)

    judge = Judge(320)
    classes = contexts.sum(1).eq(1) & contexts.amax(1).eq(1)  # no mixtures: real sprites are none
    frames, contexts = frames[classes][:320], contexts[classes][:320]
    for first in times:
        x = frames[:, few.T - first]
        for t in range(first, 0, -1):
            output = student(x, torch.full((len(x),), t / few.T), contexts)
            x0, _ = to_x0_eps(student.prediction, output, x, t, few.alpha_bar)
            x0, eps = clip_x0(x0, x, t, few.alpha_bar)
            x = ddim_step(x0, eps, t, t - 1, few.alpha_bar, 0.0, torch.zeros_like(x))
        if first == few.T:  # this is what the sampler does
            assert torch.allclose(
                x, collect(sample_ddim(student, few, 320, contexts, start=frames[:, 0], steps=4)).images, atol=1e-4
            )
        print(f"the student from t = {first}: ratio {judge.scores(x, contexts).ratio:.2f}", flush=True)
    print(f"the teacher alone: ratio {judge.scores(frames[:, -1], contexts).ratio:.2f}")


if __name__ == "__main__":
    main()
