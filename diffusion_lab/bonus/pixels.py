"""Sprites as numbers on a grid: pairs of neighbours, spectra, and how alike pixels are at a distance."""

import torch
from torch import Tensor


def grey(images: Tensor) -> Tensor:
    """(B, H, W), the mean of the three colours of (B, 3, H, W)."""
    return images.mean(1)


def neighbours(images: Tensor, n: int, generator: torch.Generator) -> Tensor:
    """n pairs of grey pixels that stand side by side, as pictures of one pixel with two values: (n, 2, 1, 1).

    images: (B, 3, H, W). Pairs of two white pixels, the paper around the figures, are left out.
    """
    levels = grey(images)
    pairs = torch.stack([levels[..., :-1], levels[..., 1:]], -1).reshape(-1, 2)
    pairs = pairs[(pairs < 0.99).any(1)]
    return pairs[torch.randint(len(pairs), (n,), generator=generator)].reshape(n, 2, 1, 1)


def spectrum(images: Tensor) -> Tensor:
    """How much of the variance of grey squares (B, H, H) belongs to waves of each size: (H // 2,), for 1, 2, ... waves a side.

    The squared size of the two-dimensional Fourier transform, orthonormal, after the mean picture is taken away; its mean over
    all pictures and over the ring of waves of about that number. Noise of variance 1 has 1 in each.
    """
    side = images.shape[-1]
    power = torch.fft.fft2(images - images.mean(0), norm="ortho").abs().square().mean(0)
    waves = torch.fft.fftfreq(side, 1 / side)
    ring = (waves[:, None].square() + waves.square()).sqrt().round().long()
    return torch.stack([power[ring == k].mean() for k in range(1, side // 2 + 1)])


def semivariogram(images: Tensor, lags: int, dim: int) -> Tensor:
    """Half the mean squared difference of pixels that are 1, 2, ... `lags` apart: (lags,) (Matheron 1963).

    images: (B, H, W). dim: 1 down, 2 to the right. For noise of variance 1 it is 1 at every distance; where
    neighbours are alike it begins low, and rises.
    """
    length = images.shape[dim]
    return torch.stack(
        [
            (images.narrow(dim, h, length - h) - images.narrow(dim, 0, length - h)).square().mean() / 2
            for h in range(1, lags + 1)
        ]
    )
