"""Samplers: generators that walk from noise to sprites and let you look at every step.

    for state in sample_ddim(model, schedule, 32, steps=25):
        state.t, state.x, state.x0      # the time, the pictures now, what the network believes they will become

n steps give n + 1 states, the last with t = 0, and exactly n evaluations of the network. `collect` runs one to its end.
"""

import math
from collections.abc import Callable, Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from .schedules import Schedule, step_grid
from .steps import clip_x0, ddim_step, ddpm_step, dpmpp_2m_step, guide, to_x0_eps


class State(NamedTuple):
    """One moment of sampling: t, x (B, C, H, W) at time t, and x0, the network's belief at x; at t = 0 it is x."""

    t: int
    x: Tensor
    x0: Tensor


class Trajectory(NamedTuple):
    """A finished run: images (B, C, H, W); frames (F, B, C, H, W), noise first; times, F whole numbers from T to 0."""

    images: Tensor
    frames: Tensor
    times: list[int]


def collect(sampler: Iterator[State], every: int = 1) -> Trajectory:
    """Run a sampler to its end, keeping every `every`-th state, and always the first and the last.

    ValueError if `every` is not a whole number from 1, or if the sampler yields nothing.
    """
    if not isinstance(every, int) or every < 1:
        raise ValueError(f"every must be a whole number from 1, not {every!r}.")
    kept = [state for i, state in enumerate(sampler) if i % every == 0 or state.t == 0]
    if not kept:
        raise ValueError("the sampler has nothing left: make a new one for each collect.")
    return Trajectory(kept[-1].x, torch.stack([s.x for s in kept]), [s.t for s in kept])


def sample_ddpm(
    model: torch.nn.Module,
    schedule: Schedule,
    n: int,
    context: Tensor | None = None,
    guidance: float = 1.0,
    generator: torch.Generator | None = None,
    *,
    negative: Tensor | None = None,
    steps: int | None = None,
    start: Tensor | None = None,
    clip: bool = True,
) -> Iterator[State]:
    """Draw n pictures with DDPM (Ho et al. 2020, algorithm 2): fresh noise at every step but the last.

    model: as ContextUnet: called with (x, t / T, c); has in_channels, height and prediction; in eval mode.
    context: (V,) for all or (n, V); None is the null context. guidance: u + s (c - u); other than 1 it needs a context.
    negative: (V,) or (n, V), what the sprites are led away from, see `believe`.
    generator: a CPU torch.Generator; the same seed gives the same pictures on every device, but for rounding.
    steps: 1..T, all T if None. start: (n, C, H, W) noise to begin with, drawn if None.
    clip: keep the believed x0 in [-1, 1] at each step.
    Raises ValueError for anything else.
    """
    steps = schedule.T if steps is None else steps

    def step(x, x0, eps, t, t_prev, alpha_bar, z):
        return ddpm_step(x, eps, t, t_prev, alpha_bar, z)

    return _sample(step, True, model, schedule, n, context, guidance, generator, negative, steps, start, clip)


def sample_ddim(
    model: torch.nn.Module,
    schedule: Schedule,
    n: int,
    context: Tensor | None = None,
    guidance: float = 1.0,
    generator: torch.Generator | None = None,
    *,
    negative: Tensor | None = None,
    steps: int = 25,
    eta: float = 0.0,
    start: Tensor | None = None,
    clip: bool = True,
) -> Iterator[State]:
    """Draw n pictures with DDIM (Song et al. 2021) in any number of steps. Arguments as `sample_ddpm`.

    eta: how much noise is put back, 0 (none: the start noise decides everything) to 1 (as much as DDPM's posterior).
    """
    if not 0 <= eta <= 1:
        raise ValueError(f"eta must be from 0 to 1, not {eta!r}.")

    def step(x, x0, eps, t, t_prev, alpha_bar, z):
        return ddim_step(x0, eps, t, t_prev, alpha_bar, eta, z)

    return _sample(step, eta > 0, model, schedule, n, context, guidance, generator, negative, steps, start, clip)


def sample_dpmpp_2m(
    model: torch.nn.Module,
    schedule: Schedule,
    n: int,
    context: Tensor | None = None,
    guidance: float = 1.0,
    generator: torch.Generator | None = None,
    *,
    negative: Tensor | None = None,
    steps: int = 10,
    start: Tensor | None = None,
    clip: bool = True,
) -> Iterator[State]:
    """Draw n pictures with DPM-Solver++(2M) (Lu et al. 2022b, algorithm 2). Arguments as `sample_ddpm`.

    No noise is put back. It remembers the last belief, which makes it a method of second order. The first step has none to
    remember, and in the last one lambda is infinite: both are steps of DDIM.
    """
    last = None

    def step(x, x0, eps, t, t_prev, alpha_bar, z):
        nonlocal last
        if last is None or t_prev == 0:
            x = ddim_step(x0, eps, t, t_prev, alpha_bar, 0.0, z)
        else:
            x = dpmpp_2m_step(x, x0, last[0], t, t_prev, last[1], alpha_bar)
        last = x0, t
        return x

    return _sample(step, False, model, schedule, n, context, guidance, generator, negative, steps, start, clip)


SAMPLERS = {"ddim": sample_ddim, "ddpm": sample_ddpm, "dpmpp_2m": sample_dpmpp_2m}


def believe(
    model: torch.nn.Module,
    schedule: Schedule,
    x_t: Tensor,
    t: int | Tensor,
    context: Tensor | None = None,
    guidance: float = 1.0,
    *,
    negative: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """What the network believes at x_t, with classifier-free guidance: the pair (x0, eps), each shaped like x_t, not clipped.

    x_t: (B, C, H, W). t: one whole number in 1..T, or (B,) of them. context: (B, V), or None for the null context.
    guidance s: the answers u without and c with context are joined to u + s (c - u). negative: (B, V) or (V,), a context that
    takes the null context's place in u, so that the sprite is led away from it; ValueError if s is 1, where u counts nothing.
    Where both are needed they run in one batch of 2B; s = 1 and s = 0 need only one.
    """
    if negative is not None and (context is None or guidance == 1):
        raise ValueError(
            "negative needs a context and a guidance other than 1: with 1 the answer without context counts nothing."
        )
    alpha_bar = schedule.alpha_bar.float() if x_t.device.type == "mps" else schedule.alpha_bar  # MPS knows no float64
    time = torch.as_tensor(t, device=x_t.device).expand(len(x_t)) / schedule.T
    time = time.to(x_t.dtype)
    nothing = None if context is None else torch.zeros_like(context) if negative is None else negative.expand_as(context)
    if context is None or guidance == 0:
        output = model(x_t, time, nothing)
    elif guidance == 1:
        output = model(x_t, time, context)
    else:
        u, c = model(x_t.repeat(2, 1, 1, 1), time.repeat(2), torch.cat([nothing, context])).chunk(2)
        output = guide(u, c, guidance)
    return to_x0_eps(model.prediction, output.to(x_t.dtype), x_t, t, alpha_bar)


def _sample(
    step: Callable,
    noisy: bool,
    model: torch.nn.Module,
    schedule: Schedule,
    n: int,
    context: Tensor | None,
    guidance: float,
    generator: torch.Generator | None,
    negative: Tensor | None,
    steps: int,
    start: Tensor | None,
    clip: bool,
) -> Iterator[State]:
    """Check the arguments at once, at the call; the walk itself begins with the first `next`."""
    pairs = step_grid(schedule.T, steps)
    shape = (n, model.in_channels, model.height, model.height)
    device = next((p.device for p in model.parameters()), torch.device("cpu"))
    if model.training:
        raise ValueError("The network is in training mode, where a sprite depends on its batch-mates: call model.eval().")
    if isinstance(n, bool) or not isinstance(n, int) or n < 1:
        raise ValueError(f"n must be a whole number from 1, not {n!r}.")
    if not math.isfinite(guidance):
        raise ValueError(f"guidance must be a number, not {guidance!r}.")
    if context is None and guidance != 1:
        raise ValueError("guidance needs a context to be guided to: give context=, or leave guidance at 1.")
    if negative is not None and (context is None or guidance == 1):
        raise ValueError(
            "negative needs a context and a guidance other than 1: with 1 the answer without context counts nothing."
        )
    context, negative = (_contexts(name, c, n, model, device) for name, c in (("context", context), ("negative", negative)))
    if start is None:
        start = torch.randn(shape, generator=generator)
    elif tuple(start.shape) != shape:
        raise ValueError(f"start must have shape {shape}, not {tuple(start.shape)}.")

    alpha_bar = schedule.alpha_bar.float() if device.type == "mps" else schedule.alpha_bar  # MPS knows no float64

    @torch.no_grad()
    def walk():
        x = start.to(device)
        for t, t_prev in pairs:
            x0, eps = believe(model, schedule, x, t, context, guidance, negative=negative)
            if clip:
                x0, eps = clip_x0(x0, x, t, alpha_bar)
            yield State(t, x, x0)
            z = torch.zeros_like(x)
            if noisy and t_prev > 0:
                z = torch.randn(shape, generator=generator, dtype=start.dtype).to(device)
            x = step(x, x0, eps, t, t_prev, alpha_bar, z)
        yield State(0, x, x)

    return walk()


def _contexts(name: str, c: Tensor | None, n: int, model: torch.nn.Module, device: torch.device) -> Tensor | None:
    """A context as (n, V) on the device; ValueError for another shape."""
    if c is None:
        return None
    c = torch.as_tensor(c, dtype=torch.float32, device=device)
    if c.shape not in ((model.n_cfeat,), (n, model.n_cfeat)):
        raise ValueError(f"{name} must have shape ({model.n_cfeat},) or ({n}, {model.n_cfeat}), not {tuple(c.shape)}.")
    return c.expand(n, -1)
