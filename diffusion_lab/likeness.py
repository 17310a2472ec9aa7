"""How near are samples to the sprites that a network was trained on? Figures that need no features, for any pictures.

The measure of memorisation is that of metrics.py, in pixels: a sample much nearer to one training sprite than to all others is
a copy of it.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn

from .samplers import SAMPLERS, State
from .schedules import Schedule
from .unet import for_drawing

SAME = 1 / 3  # nearer than this part of the second-nearest distance is a copy (Yoon et al. 2023)
COMPARED = 1000  # training sprites whose own distances are the measure; more would only take longer


class Likeness(NamedTuple):
    """How near pictures are to training sprites.

    copies: the share with nearest / second-nearest < 1/3, None for fewer than two different training sprites. near: the share
    nearer to a training sprite than 99 % of these are to each other, None for fewer than three. nearest: mean distance to the
    nearest one, a root mean square over all values, 0 to 2. mean, spread: of red, green and blue, 0 to 255.
    """

    copies: float | None
    near: float | None
    nearest: float
    mean: tuple[float, float, float]
    spread: tuple[float, float, float]


def compare(images: Tensor, data: Tensor) -> tuple[Likeness, Likeness]:
    """The figures of samples, and those of the training sprites among themselves, each without itself.

    images: (B, 3, H, W), data: (N, 3, H, W), in [-1, 1]. ValueError for samples that are no finite numbers or of another size.
    """
    if images.shape[1:] != data.shape[1:]:
        raise ValueError(f"The samples are {tuple(images.shape[1:])} and the sprites {tuple(data.shape[1:])}: give --tile.")
    if not images.isfinite().all():
        raise ValueError("some samples are not finite numbers: look at the sampler or the weights.")
    images, different = images.clamp(-1, 1), torch.unique(data.flatten(1), dim=0).unflatten(1, data.shape[1:])
    own = different[torch.randperm(len(different), generator=torch.Generator().manual_seed(0))[:COMPARED]]
    among = _distances(own, different, 3)[:, 1:]  # the first is itself
    made = _distances(images, different, 2)
    limit = among[:, 0].quantile(0.01) if len(different) > 2 else None
    return _figures(made, limit, images), _figures(among, limit, data)


def copies_while_training(model: nn.Module, schedule: Schedule, data: Tensor, contexts: Tensor, steps: int, n: int) -> float:
    """The share of copies among n sprites of a network, drawn for the descriptions of the first training sprites."""
    context = contexts[torch.arange(n) % len(contexts)].to(next(model.parameters()).device)
    images = draw(model, schedule, n, context, torch.Generator().manual_seed(0), steps=steps, batch=n)
    return compare(images, data)[0].copies


def draw(
    model: nn.Module,
    schedule: Schedule,
    n: int,
    contexts: Tensor | None,
    generator: torch.Generator,
    *,
    sampler: str = "ddim",
    steps: int | None = None,
    eta: float | None = None,
    guidance: float = 1.0,
    batch: int = 100,
    progress: Callable[[State, int], None] = lambda state, n: None,
) -> Tensor:
    """n sprites, `batch` at a time, on the CPU: (n, 3, H, W). contexts: (n, V), or None. progress: as in metrics.evaluate."""
    quick, device, images = for_drawing(model), next(model.parameters()).device, []
    options = {"steps": steps} | ({} if eta is None else {"eta": eta})
    for first in range(0, n, batch):
        part = None if contexts is None else contexts[first : first + batch].to(device)
        few = min(batch, n - first)
        for state in SAMPLERS[sampler](quick, schedule, few, part, guidance, generator, **options):
            progress(state, few)
        images.append(state.x.cpu())
    return torch.cat(images)


def table(samples: Likeness, data: Likeness) -> str:
    """All figures, a line each: the samples beside the training sprites."""
    rows = [
        (f"copies (nearest / second < {SAME:.2f})", samples.copies, data.copies, 3),
        ("nearer than 99 % of your sprites are", samples.near, data.near, 3),
        ("distance to the nearest, 0 to 2", samples.nearest, data.nearest, 3),
    ]
    for name, value in (("mean", "mean"), ("spread", "spread")):
        for colour, a, b in zip(("red", "green", "blue"), getattr(samples, value), getattr(data, value), strict=True):
            rows.append((f"{name} of {colour}, 0 to 255", a, b, 1))
    lines = [f"{'':38}{'samples':>10}{'your sprites':>16}"]
    for name, made, real, digits in rows:
        cells = [
            f"{'-' if value is None else format(value, f'.{digits}f'):>{width}}" for value, width in ((made, 10), (real, 16))
        ]
        lines.append(f"{name:38}{''.join(cells)}")
    return "\n".join(lines)


def _distances(images: Tensor, others: Tensor, k: int) -> Tensor:
    """(B, k): the distances of each picture to its nearest of `others`, infinite where there are fewer than k."""
    parts = [torch.cdist(part.flatten(1), others.flatten(1)) for part in images.split(200)]
    nearest = torch.cat([part.topk(min(k, len(others)), largest=False).values for part in parts])
    return torch.nn.functional.pad(nearest, (0, k - nearest.shape[1]), value=torch.inf)


def _figures(two: Tensor, limit: Tensor | None, images: Tensor) -> Likeness:
    known, several = two[:, 0].isfinite().all(), two[:, 1].isfinite().all()
    colours = (images.transpose(0, 1).flatten(1) + 1) * 127.5
    return Likeness(
        (two[:, 0] < SAME * two[:, 1]).double().mean().item() if several else None,
        (two[:, 0] < limit).double().mean().item() if limit is not None else None,
        (two[:, 0].mean() / images[0].numel() ** 0.5).item() if known else 0.0,
        tuple(colours.mean(1).tolist()),
        tuple(colours.std(1).tolist()),
    )
