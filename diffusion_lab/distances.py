"""Distances between sets of features, and shares of one set that lie among the other: formulas, which know nothing of sprites.

torchmetrics and scipy have the Fréchet distance too. It is a line of `eigvalsh` here, without the complex numbers that scipy's
sqrtm leaves; the rest is shorter than the code that would adapt torchmetrics.
"""

import torch
from torch import Tensor

from .language import gettext

PER_FEATURE = 10  # samples for each feature, at least: a covariance from fewer means little


def frechet_distance(a: Tensor, b: Tensor) -> float:
    """The Fréchet distance between two Gaussians fitted to features a (N, F) and b (M, F), in float64.

    |mean_a - mean_b|^2 + tr(A + B - 2 (A B)^(1/2)), A and B the covariances (Heusel et al. 2017, eq. 6). It is biased
    upwards for small sets, so compare only distances of sets of one size. ValueError for fewer than 10 F rows.
    """
    for x in (a, b):
        if len(x) < PER_FEATURE * x.shape[1]:
            needed = PER_FEATURE * x.shape[1]
            wrong = gettext("{n} sprites are too few for {features} features: take {needed} or more.")
            raise ValueError(wrong.format(n=len(x), features=x.shape[1], needed=needed))
    a, b = a.double(), b.double()
    A, B = a.T.cov(), b.T.cov()
    # (A B)^(1/2) has the trace of (S B S)^(1/2), S the root of A; that matrix is symmetric, so its roots are real.
    values, vectors = torch.linalg.eigh(A)
    S = vectors * values.clamp(min=0).sqrt() @ vectors.T
    cross = torch.linalg.eigvalsh(S @ B @ S).clamp(min=0).sqrt().sum()
    return ((a.mean(0) - b.mean(0)).square().sum() + A.trace() + B.trace() - 2 * cross).item()


def kernel_distance(a: Tensor, b: Tensor) -> float:
    """KID: the squared maximum mean discrepancy with the kernel (x.y / F + 1)^3, unbiased (Bińkowski et al. 2018).

    a: (N, F), b: (M, F). About 0 for two sets of one distribution; it can be below.
    """
    a, b = a.double(), b.double()

    def kernel(x, y):
        return (x @ y.T / x.shape[1] + 1) ** 3

    def within(x):
        k = kernel(x, x)
        return (k.sum() - k.trace()) / (len(x) * (len(x) - 1))

    return (within(a) + within(b) - 2 * kernel(a, b).mean()).item()


def precision_recall(real: Tensor, made: Tensor, k: int = 3) -> tuple[float, float]:
    """Precision: the share of `made` that lies among the real sprites. Recall: the share of `real` among the made ones.

    real: (N, F), made: (M, F). "Among" is nearer to one of them than its k-th neighbour (Kynkäänniemi et al. 2019, eq. 2).
    """
    distance = torch.cdist(real, made)
    precision = (distance <= _radii(real, k)[:, None]).any(0).double().mean()
    recall = (distance <= _radii(made, k)[None]).any(1).double().mean()
    return precision.item(), recall.item()


def density_coverage(real: Tensor, made: Tensor, k: int = 5) -> tuple[float, float]:
    """Density: how many neighbourhoods of real sprites a made one lies in, over k. Coverage: the share of them that are hit.

    real: (N, F), made: (M, F) (Naeem et al. 2020, section 3.2). Two sets of one distribution have density 1 and, with N = M and
    k = 5, coverage 0.97. Density can exceed 1; it sees outliers better than precision, coverage better than recall.
    """
    inside = torch.cdist(real, made) <= _radii(real, k)[:, None]
    return (inside.double().sum() / (k * len(made))).item(), inside.any(1).double().mean().item()


def nearest_two(images: Tensor, others: Tensor) -> Tensor:
    """(B, 2): how far each of `images` is from its nearest and second-nearest of `others`, over all 768 values."""
    return torch.cdist(images.flatten(1), others.flatten(1)).topk(2, largest=False).values


def _radii(x: Tensor, k: int) -> Tensor:
    """(N,): the distance of each row to its k-th neighbour, itself not counted."""
    return torch.cdist(x, x).kthvalue(k + 1).values
