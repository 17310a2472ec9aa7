"""More sprites from few: mirrored, shifted and turned in colour, anew each time that they are shown."""

import math

import torch
from torch import Tensor


def augment(x0: Tensor, flip: bool, shift: int, degrees: float, generator: torch.Generator) -> Tensor:
    """Sprites (B, 3, H, W) in [-1, 1], each changed by chance; as they are where nothing is asked for.

    flip: every other one is mirrored, left and right. shift: each is moved by up to so many pixels; what comes in at the border
    has the colour of the sprite's upper left corner. degrees: each one's hues are turned by up to so much, grays stay.
    generator: on the device of x0, or on the CPU.
    """
    where, n = generator.device, len(x0)
    if flip:
        mirrored = torch.rand(n, 1, 1, 1, generator=generator, device=where).to(x0.device) < 0.5
        x0 = torch.where(mirrored, x0.flip(3), x0)
    if shift:
        by = torch.randint(-shift, shift + 1, (2, n, 1), generator=generator, device=where).to(x0.device)
        x0 = _moved(x0, by[0], by[1])
    if degrees:
        turns = (2 * torch.rand(n, generator=generator, device=where).to(x0.device) - 1) * math.radians(degrees)
        x0 = _turned(x0, turns)
    return x0


def _moved(x0: Tensor, down: Tensor, right: Tensor) -> Tensor:
    """Sprites moved by (B, 1) pixels down and to the right."""
    n, _, height, width = x0.shape
    rows = torch.arange(height, device=x0.device) - down
    columns = torch.arange(width, device=x0.device) - right
    inside = ((rows >= 0) & (rows < height))[:, None, :, None] & ((columns >= 0) & (columns < width))[:, None, None, :]
    one = torch.arange(n, device=x0.device)[:, None, None]
    moved = x0.permute(0, 2, 3, 1)[one, rows.clamp(0, height - 1)[:, :, None], columns.clamp(0, width - 1)[:, None, :]]
    return torch.where(inside, moved.permute(0, 3, 1, 2), x0[:, :, :1, :1])


def _turned(x0: Tensor, angle: Tensor) -> Tensor:
    """Colours turned about the axis of grays by (B,) radians (Rodrigues' formula), and clipped."""
    cos, sin = angle.cos()[:, None, None], angle.sin()[:, None, None]
    axis = torch.full((3, 3), 1 / 3, device=x0.device)  # k kᵀ with k = (1, 1, 1) / √3
    cross = torch.tensor([[0.0, -1, 1], [1, 0, -1], [-1, 1, 0]], device=x0.device) / math.sqrt(3)
    matrix = cos * torch.eye(3, device=x0.device) + sin * cross + (1 - cos) * axis
    return torch.einsum("bij,bjhw->bihw", matrix, x0).clamp(-1, 1)
