"""Muon, the optimiser of `train`: the kernels of the convolutions take steps in all directions alike."""

import torch
from torch import Tensor


def orthogonalise(matrices: Tensor, iterations: int = 5) -> Tensor:
    """Matrices with the same singular vectors and all singular values near 1 (0.7 to 1.2): (B, rows, columns) -> the same.

    Newton-Schulz iteration with the polynomial of Jordan et al. 2024, "Muon: an optimizer for hidden layers in neural
    networks". It needs matrix products only. The values are not exactly 1: for a step that is near enough, and faster.
    """
    tall = matrices.shape[-2] > matrices.shape[-1]
    x = matrices.mT if tall else matrices  # the smaller of the two squares
    x = x / (torch.linalg.matrix_norm(x, keepdim=True) + 1e-7)  # no singular value above 1
    for _ in range(iterations):
        square = x @ x.mT
        x = 3.4445 * x + (-4.7750 * square + 2.0315 * square @ square) @ x
    return x.mT if tall else x


class Muon(torch.optim.Optimizer):
    """Muon (Jordan et al. 2024) for the kernels inside a network, AdamW (Loshchilov & Hutter 2019) for all other weights.

    A kernel counts as a matrix with a row for each of its first channels. Its gradient has a few strong directions and many
    weak ones, and Adam, which scales each number by itself, leaves it so. Muon makes all directions equally strong. The root
    mean square of a step is 0.2 lr, about Adam's (Liu et al. 2025, "Muon is scalable for LLM training", eq. 4): one learning
    rate serves both. The first and the last convolution, which touch the picture, are AdamW's.
    """

    def __init__(self, model: torch.nn.Module, lr: float, weight_decay: float = 0.01):
        kernels, others = [], []
        for p in model.parameters():
            (kernels if p.ndim == 4 and min(p.shape[:2]) >= 8 else others).append(p)
        groups = [{"params": kernels, "muon": True}, {"params": others, "muon": False}]
        super().__init__(groups, {"lr": lr, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self):
        """One step against the gradients that the last `backward` left."""
        for group in self.param_groups:
            params = [p for p in group["params"] if p.grad is not None]
            steps = self._muon(params) if group["muon"] else [self._adam(p) for p in params]
            for p, step in zip(params, steps, strict=True):
                p.mul_(1 - group["lr"] * group["weight_decay"]).add_(step, alpha=-group["lr"])

    def _muon(self, params: list[Tensor], momentum: float = 0.95) -> list[Tensor]:
        matrices = []
        for p in params:
            state = self.state[p]
            if not state:
                state["mean"] = torch.zeros_like(p)
            mean = state["mean"].lerp_(p.grad, 1 - momentum)
            matrices.append(p.grad.lerp(mean, momentum).flatten(1))  # Nesterov's momentum
        for shape in {m.shape for m in matrices}:  # equal shapes go through the products together: faster
            alike = [i for i, m in enumerate(matrices) if m.shape == shape]
            straight = orthogonalise(torch.stack([matrices[i] for i in alike])) * 0.2 * max(shape) ** 0.5
            for i, step in zip(alike, straight, strict=True):
                matrices[i] = step
        return [m.view_as(p) for m, p in zip(matrices, params, strict=True)]

    def _adam(self, p: Tensor, beta1: float = 0.9, beta2: float = 0.999) -> Tensor:
        state = self.state[p]
        if not state:
            state.update(step=0, mean=torch.zeros_like(p), square=torch.zeros_like(p))
        state["step"] += 1
        mean = state["mean"].lerp_(p.grad, 1 - beta1)
        square = state["square"].lerp_(p.grad.square(), 1 - beta2)
        root = (square / (1 - beta2 ** state["step"])).sqrt_().add_(1e-8)
        return mean / (1 - beta1 ** state["step"]) / root
