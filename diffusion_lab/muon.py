"""Muon, the optimiser of `train`: the matrices inside a network take steps in all directions alike."""

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


def matrices(model: torch.nn.Module) -> list[torch.nn.Parameter]:
    """The weights that take Muon's steps: those that the network's own `matrices()` names, else the kernels of convolutions
    but for the first and the last, which touch the picture."""
    if hasattr(model, "matrices"):
        return model.matrices()
    return [p for p in model.parameters() if p.ndim == 4 and min(p.shape[:2]) >= 8]


class Muon(torch.optim.Optimizer):
    """Muon (Jordan et al. 2024) for the matrices inside a network, AdamW (Loshchilov & Hutter 2019) for all other weights.

    `matrices` says which weights are Muon's. A kernel counts as a matrix with a row for each of its first channels. Its
    gradient has a few strong directions and many weak ones, and Adam, which scales each number by itself, leaves it so. Muon
    makes all directions equally strong. The root mean square of a step is 0.2 lr, about Adam's (Liu et al. 2025, "Muon is
    scalable for LLM training", eq. 4): one learning rate serves both. lr: a number, or a tensor () on the
    network's device, which a recorded graph of a GPU can read.
    """

    def __init__(self, model: torch.nn.Module, lr: float | Tensor, weight_decay: float = 0.01):
        mine = set(matrices(model))
        others = [p for p in model.parameters() if p not in mine]
        kernels = [p for p in model.parameters() if p in mine]
        groups = [{"params": kernels, "muon": True}, {"params": others, "muon": False}]
        super().__init__(groups, {"lr": lr, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self):
        """One step against the gradients that the last `backward` left."""
        for group in self.param_groups:
            params = [p for p in group["params"] if p.grad is not None]
            if not params:
                continue
            lr, steps = group["lr"], self._muon(params) if group["muon"] else self._adam(params)
            torch._foreach_mul_(steps, -lr)  # all tensors in one call: on a GPU a hundred small ones would take longer
            torch._foreach_mul_(params, 1 - lr * group["weight_decay"])
            torch._foreach_add_(params, steps)

    def _muon(self, params: list[Tensor], momentum: float = 0.95) -> list[Tensor]:
        grads = [p.grad for p in params]
        for p in params:
            if not self.state[p]:
                self.state[p]["mean"] = torch.zeros_like(p)
        means = [self.state[p]["mean"] for p in params]
        torch._foreach_lerp_(means, grads, 1 - momentum)
        nesterov = torch._foreach_lerp(grads, means, momentum)
        matrices = [m.flatten(1) for m in nesterov]
        for shape in sorted({m.shape for m in matrices}):  # equal shapes go through the products together: faster
            alike = [i for i, m in enumerate(matrices) if m.shape == shape]
            straight = orthogonalise(torch.stack([matrices[i] for i in alike])) * 0.2 * max(shape) ** 0.5
            for i, step in zip(alike, straight, strict=True):
                matrices[i] = step
        return [m.reshape(p.shape) for m, p in zip(matrices, params, strict=True)]

    def _adam(self, params: list[Tensor], beta1: float = 0.9, beta2: float = 0.999) -> list[Tensor]:
        grads = [p.grad for p in params]
        for p in params:
            if not self.state[p]:
                zero = torch.zeros((), device=p.device)
                self.state[p].update(count=zero, mean=torch.zeros_like(p), square=torch.zeros_like(p))
        states = [self.state[p] for p in params]
        counts, means, squares = ([state[name] for state in states] for name in ("count", "mean", "square"))
        torch._foreach_add_(counts, 1)
        torch._foreach_lerp_(means, grads, 1 - beta1)
        torch._foreach_mul_(squares, beta2)
        torch._foreach_addcmul_(squares, grads, grads, 1 - beta2)
        count = counts[0]  # equal for all: each update gives each weight a gradient
        roots = torch._foreach_mul(squares, 1 / (1 - beta2**count))
        torch._foreach_sqrt_(roots)
        torch._foreach_add_(roots, 1e-8)
        steps = torch._foreach_mul(means, 1 / (1 - beta1**count))
        torch._foreach_div_(steps, roots)
        return steps
