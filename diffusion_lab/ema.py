"""The moving average of a network's weights: what is shown, kept and judged is the average."""

import copy

import torch
from torch import nn


class EMA:
    """An exponential moving average of a network: its parameters and BatchNorm's running statistics."""

    def __init__(self, model: nn.Module, decay: float):
        """decay: the share of the average that stays at each update."""
        self.model = copy.deepcopy(model).eval().requires_grad_(False)
        self.decay, self.share = decay, torch.zeros((), device=next(model.parameters()).device)

    def update(self, model: nn.Module, step: int):
        """Move towards `model` after update `step` (from 1). Early on the average is shorter, so that it forgets the start."""
        self.prepare(step)
        self.move(model)

    def prepare(self, step: int):
        """Note how far `move` is to go after update `step`."""
        self.share.fill_(1 - min(self.decay, step / (step + 10)))

    @torch.no_grad()
    def move(self, model: nn.Module):
        """Move by the share that `prepare` noted; a recorded graph of a GPU can do it, since it reads that share there."""
        pairs = list(zip(self.model.state_dict().values(), model.state_dict().values(), strict=True))
        for count, now in pairs:
            if not count.is_floating_point():  # BatchNorm's count of batches
                count.copy_(now)
        averages, values = map(list, zip(*(pair for pair in pairs if pair[0].is_floating_point()), strict=True))
        away = torch._foreach_sub(values, averages)
        torch._foreach_mul_(away, self.share)
        torch._foreach_add_(averages, away)
