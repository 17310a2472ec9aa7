"""Samplers: generators that walk from noise to sprites and let you look at every step.

    for state in sample_ddim(model, schedule, 32, steps=25):
        state.t, state.x, state.x0      # the time, the pictures now, what the network believes they will become

n steps give n + 1 states, the last with t = 0, and exactly n evaluations of the network. `collect` runs one to its end.
"""

from collections.abc import Callable, Iterator
from numbers import Integral
from typing import NamedTuple

import torch
from torch import Tensor

from .language import gettext, later
from .schedules import Schedule, step_grid
from .steps import clip_x0, ddim_step, ddpm_step, dpmpp_2m_step, guide, to_x0_eps

MOST_GUIDANCE = 1000  # 1 to 4 are usual; 1e39 is infinite in float32
NO_NEGATIVE = later("negative needs a context and a guidance other than 1: with 1 the answer without context counts nothing.")


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
    if isinstance(every, bool) or not isinstance(every, Integral) or every < 1:
        wrong = gettext("{name} must be a whole number from 1, not {value!r}.")
        raise ValueError(wrong.format(name="every", value=every))
    kept = [state for i, state in enumerate(sampler) if i % every == 0 or state.t == 0]
    if not kept:
        raise ValueError(gettext("the sampler has nothing left: make a new one for each collect."))
    return Trajectory(kept[-1].x, torch.stack([s.x for s in kept]), [s.t for s in kept])


class Sampler:
    """Draws pictures from noise: called, it gives a generator of `State`s. All samplers take the same arguments.

    model: as ContextUnet: called with (x, t / T, c); has in_channels, height, n_cfeat and prediction; in eval mode.
    schedule: the one that it was trained with. n: how many pictures.
    context: (V,) for all or (n, V); None is the null context. guidance: u + s (c - u); other than 1 it needs a context.
    generator: a CPU torch.Generator; the same seed gives the same pictures on every device, but for rounding.
    negative: (V,) or (n, V), what the pictures are led away from, see `believe`.
    steps: 1..T; if None, `default`, and all T where that is None or too many. start: (n, C, H, W) noise, drawn if None.
    eta: for DDIM only, how much noise is put back, 0 (none: the start noise decides everything) to 1 (DDPM's posterior).
    clip: keep the believed x0 in [-1, 1] at each step.
    Raises ValueError for anything else, at the call; the walk itself begins with the first `next`.
    """

    def __init__(self, rule: Callable[[float], tuple[Callable, bool]], default: int | None, about: str):
        """rule: from eta to the step of one walk, and whether it puts noise back. default: the number of steps."""
        self.rule, self.default, self.__doc__ = rule, default, f"{about}\n\n{type(self).__doc__}"

    def __call__(
        self,
        model: torch.nn.Module,
        schedule: Schedule,
        n: int,
        context: Tensor | None = None,
        guidance: float = 1.0,
        generator: torch.Generator | None = None,
        *,
        negative: Tensor | None = None,
        steps: int | None = None,
        eta: float = 0.0,
        start: Tensor | None = None,
        clip: bool = True,
    ) -> Iterator[State]:
        steps = min(self.default or schedule.T, schedule.T) if steps is None else steps
        pairs = step_grid(schedule.T, steps)
        shape = (n, model.in_channels, model.height, model.height)
        device = next((p.device for p in model.parameters()), torch.device("cpu"))
        if any(part.training for part in model.modules()):
            wrong = gettext("The network is in training mode, where a sprite depends on its batch-mates: call model.eval().")
            raise ValueError(wrong)
        if any(p.dtype in (torch.float16, torch.bfloat16) for p in model.parameters()):
            raise ValueError(gettext("The network is of half precision, in which sprites go wrong: call model.float()."))
        if isinstance(n, bool) or not isinstance(n, Integral) or n < 1:
            raise ValueError(gettext("{name} must be a whole number from 1, not {value!r}.").format(name="n", value=n))
        if not abs(guidance) <= MOST_GUIDANCE:
            wrong = gettext("guidance must be a number of at most {most}, not {guidance!r}.")
            raise ValueError(wrong.format(most=MOST_GUIDANCE, guidance=guidance))
        if not 0 <= eta <= 1 or (eta and self.rule is not _ddim):
            wrong = gettext("eta must be from 0 to 1, and 0 for all samplers but DDIM, not {eta!r}.")
            raise ValueError(wrong.format(eta=eta))
        if context is None and guidance != 1:
            wrong = gettext("guidance needs a context to be guided to: give context=, or leave guidance at 1.")
            raise ValueError(wrong)
        if negative is not None and (context is None or guidance == 1):
            raise ValueError(gettext(NO_NEGATIVE))
        context, negative = (_contexts(name, c, n, model, device) for name, c in (("context", context), ("negative", negative)))
        if start is None:
            start = torch.randn(shape, generator=generator)
        elif tuple(start.shape) != shape:
            wrong = gettext("{name} must have shape {shape}, not {got}.")
            raise ValueError(wrong.format(name="start", shape=shape, got=tuple(start.shape)))
        elif not start.isfinite().all():
            raise ValueError(gettext("start holds numbers that are not finite: give noise."))
        alpha_bar = schedule.alpha_bar.float() if device.type == "mps" else schedule.alpha_bar  # MPS knows no float64
        step, noisy = self.rule(eta)

        @torch.no_grad()
        def walk() -> Iterator[State]:
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


def _ddpm(eta: float) -> tuple[Callable, bool]:
    def step(x, x0, eps, t, t_prev, alpha_bar, z):
        return ddpm_step(x, eps, t, t_prev, alpha_bar, z)

    return step, True


def _ddim(eta: float) -> tuple[Callable, bool]:
    def step(x, x0, eps, t, t_prev, alpha_bar, z):
        return ddim_step(x0, eps, t, t_prev, alpha_bar, eta, z)

    return step, eta > 0


def _dpmpp_2m(eta: float) -> tuple[Callable, bool]:
    last = None

    def step(x, x0, eps, t, t_prev, alpha_bar, z):
        nonlocal last
        if last is None or t_prev == 0:
            x = ddim_step(x0, eps, t, t_prev, alpha_bar, 0.0, z)
        else:
            x = dpmpp_2m_step(x, x0, last[0], t, t_prev, last[1], alpha_bar)
        last = x0, t
        return x

    return step, False


sample_ddpm = Sampler(_ddpm, None, "DDPM (Ho et al. 2020, algorithm 2): fresh noise at every step but the last.")
sample_ddim = Sampler(
    _ddim, 25, "DDIM (Song et al. 2021): any number of steps; with eta = 0 the start noise decides everything."
)
sample_dpmpp_2m = Sampler(
    _dpmpp_2m,
    10,
    "DPM-Solver++(2M) (Lu et al. 2022b, algorithm 2): it remembers the last belief, which makes it a method of second order. "
    "The first step has none to remember, and in the last one lambda is infinite: both are steps of DDIM.",
)
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
        raise ValueError(gettext(NO_NEGATIVE))
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


def _contexts(name: str, c: Tensor | None, n: int, model: torch.nn.Module, device: torch.device) -> Tensor | None:
    """A context as (n, V) on the device; ValueError for another shape."""
    if c is None:
        return None
    c = torch.as_tensor(c, dtype=torch.float32, device=device)
    if c.shape not in ((model.n_cfeat,), (n, model.n_cfeat)):
        wrong = gettext("{name} must have shape ({words},) or ({n}, {words}), not {got}.")
        raise ValueError(wrong.format(name=name, words=model.n_cfeat, n=n, got=tuple(c.shape)))
    if not c.isfinite().all():
        wrong = gettext("{name} holds numbers that are not finite: give weights of words, as 0 and 1.")
        raise ValueError(wrong.format(name=name))
    return c.expand(n, -1)
