"""A small world of points in the plane, in which the best answer is known: what a perfect network would believe.

    model = Cloud(spiral(), schedule)
    walk = collect(sample_ddim(model, schedule, 200, steps=50))        # the samplers, as for sprites
    walk.images.flatten(1)                                             # (200, 2): back on the spiral

A point is a picture of one pixel with two values, (2, 1, 1), so all that works for sprites works for points.
"""

import math

import torch
from torch import Tensor, nn

from .schedules import Schedule


def spiral(n: int = 400) -> Tensor:
    """n points on a spiral of two turns, (n, 2) in [-1, 1], equally spaced along it."""
    turns = 2 * math.pi * torch.linspace(0.06, 1, n, dtype=torch.float64).sqrt() * 2
    return torch.stack([turns * turns.cos(), turns * turns.sin()], 1) / (4 * math.pi)


def moons(n: int = 400) -> tuple[Tensor, Tensor]:
    """Two half circles that reach into each other: points (n, 2) in [-1, 1], n even, and which of the two, (n,) 0 or 1."""
    angle = math.pi * torch.linspace(0, 1, n // 2, dtype=torch.float64)
    upper = torch.stack([angle.cos() - 0.5, angle.sin() - 0.25], 1)
    return torch.cat([upper, -upper]) / 1.6, torch.arange(2).repeat_interleave(n // 2)


class Cloud(nn.Module):
    """The exact denoiser of a cloud: for x_t it gives the mean of all x0 that may be behind it. It learns nothing.

    Each point of the data is a Gaussian of the standard deviation `spread` (0: the point itself). Behind x_t stands point k
    with a probability proportional to N(x_t; sqrt(alpha_bar) m_k, (alpha_bar spread^2 + 1 - alpha_bar) I), by Bayes: a softmax
    over the points.
    """

    def __init__(self, points: Tensor, schedule: Schedule, labels: Tensor | None = None, spread: float = 0.0):
        """points: (N, 2). labels: (N,) whole numbers from 0, or None: a context says how much of each label is wanted."""
        super().__init__()
        self.in_channels, self.height, self.prediction = 2, 1, "x0"
        self.points, self.alpha_bar, self.spread = points.double(), schedule.alpha_bar, spread
        one = torch.zeros(len(points), dtype=torch.int64)
        self.labels = nn.functional.one_hot(one if labels is None else labels).double()
        self.n_cfeat = self.labels.shape[1]
        self.eval()

    def forward(self, x: Tensor, t: Tensor, c: Tensor | None = None) -> Tensor:
        """The mean x0 at x (B, 2, 1, 1), t (B,) in (0, 1], c (B, labels): zeros, as None, want any point."""
        ab = self.alpha_bar[(t * (len(self.alpha_bar) - 1)).round().long()].double()[:, None, None]
        centre = ab.sqrt() * self.points  # (B, N, 2)
        variance = ab * self.spread**2 + 1 - ab
        apart = x.double().flatten(1)[:, None] - centre
        logits = -apart.square().sum(2) / (2 * variance[..., 0])
        if c is not None:
            wanted = torch.where(c.any(1, keepdim=True), c, torch.ones_like(c)).double()
            logits = logits + (wanted @ self.labels.T).log()
        mean = self.points + ab.sqrt() * self.spread**2 / variance * apart
        return (logits.softmax(1)[..., None] * mean).sum(1).to(x.dtype).reshape(x.shape)
