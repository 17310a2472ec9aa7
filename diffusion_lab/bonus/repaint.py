"""RePaint: inpainting that goes back and forth (Lugmayr et al. 2022), so that the drawn part and the known part agree."""

from collections.abc import Callable

import torch
from torch import Tensor

from ..samplers import believe
from ..schedules import Schedule, step_grid
from ..steps import clip_x0, ddpm_step, perturb


def forward_again(x: Tensor, t: int, t_up: int, alpha_bar: Tensor, z: Tensor) -> Tensor:
    """From time t up to t_up, with fresh noise z: q(x_t_up | x_t) (Lugmayr et al. 2022, algorithm 1, line 9).

    x, z: pictures of one shape. t may be 0. alpha = alpha_bar[t_up] / alpha_bar[t] of the variance is left on the way.
    """
    alpha = alpha_bar[t_up] / alpha_bar[t]
    return alpha.sqrt() * x + (1 - alpha).sqrt() * z


def jumps(T: int, steps: int, length: int, times: int) -> list[tuple[int, int]]:
    """The pairs (from, to) of a walk from T to 0 in `steps` steps that goes each stretch of `length` steps `times` times.

    After each stretch it jumps back up, in one go, until the stretch was walked `times` times. times = 1 is the plain walk.
    """
    pairs, down = [], step_grid(T, steps)
    for first in range(0, steps, length):
        stretch = down[first : first + length]
        again = [*stretch, (stretch[-1][1], stretch[0][0])]
        pairs += again * (times - 1) + stretch
    return pairs


@torch.no_grad()
def inpaint(
    model: torch.nn.Module,
    schedule: Schedule,
    known: Tensor,
    mask: Tensor,
    pairs: list[tuple[int, int]],
    generator: torch.Generator,
    forward: Callable = forward_again,
) -> Tensor:
    """Pictures that are `known` (B, C, H, H) where mask (H, H) is True, and drawn elsewhere. pairs: as `jumps` gives them.

    Before each step down the known pixels are put in, as noisy as the time asks. A pair that leads up is a jump.
    """
    alpha_bar = schedule.alpha_bar
    x = torch.randn(known.shape, generator=generator)
    for t, t_next in pairs:
        z = torch.randn(known.shape, generator=generator)
        if t_next > t:
            x = forward(x, t, t_next, alpha_bar, z)
            continue
        x = torch.where(mask, perturb(known, t, torch.randn(known.shape, generator=generator), alpha_bar), x)
        x0, _ = believe(model, schedule, x, t)
        _, eps = clip_x0(x0, x, t, alpha_bar)
        x = ddpm_step(x, eps, t, t_next, alpha_bar, z)
    return torch.where(mask, known, x)
