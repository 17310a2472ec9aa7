"""The check of the exercise of B3 that writes attention."""

import torch
from torch import Tensor

from .exercise import Exercise, noise


def attention(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """softmax(q k / sqrt(d)) v."""
    return weights(q, k) @ v


def weights(q: Tensor, k: Tensor, axis: int = -1, scale: float | None = None) -> Tensor:
    """(..., pixels that ask, pixels that are asked), softmax over `axis`."""
    return (q @ k.mT * (q.shape[-1] ** -0.5 if scale is None else scale)).softmax(axis)


B3_3 = Exercise(
    "B3.3",
    "what each pixel gathers from all pixels, softmax(q k / sqrt(d)) v.",
    attention,
    lambda: [
        tuple(noise(s, 2, 4, 9, 32) for s in (0, 1, 2)),
        (noise(3, 1, 2, 16, 8), noise(4, 1, 2, 16, 8), noise(5, 1, 2, 16, 8)),
        (2 * noise(6, 5, 5), 2 * noise(7, 5, 5), noise(8, 5, 5)),
    ],
    {
        "The scale is missing: divide q k by sqrt(d), else the softmax takes one pixel only.": (
            lambda q, k, v: weights(q, k, scale=1.0) @ v
        ),
        "You divide by d: it is the square root of d.": lambda q, k, v: weights(q, k, scale=1 / q.shape[-1]) @ v,
        "You multiply by sqrt(d): divide by it.": lambda q, k, v: weights(q, k, scale=q.shape[-1] ** 0.5) @ v,
        "You divide by the root of the number of pixels: d is the length of a key, q.shape[-1].": (
            lambda q, k, v: weights(q, k, scale=q.shape[-2] ** -0.5) @ v
        ),
        "The softmax goes along the wrong axis: the weights of one pixel that asks must add up to 1, so dim=-1.": (
            lambda q, k, v: weights(q, k, axis=-2) @ v
        ),
        "dim=1 is the last axis in one of these shapes only: write dim=-1.": lambda q, k, v: weights(q, k, axis=1) @ v,
        "32 is the d of one network only: it is q.shape[-1].": lambda q, k, v: weights(q, k, scale=32**-0.5) @ v,
        "The softmax is missing.": lambda q, k, v: q @ k.mT / q.shape[-1] ** 0.5 @ v,
        "The scale comes after the softmax: divide before it.": (
            lambda q, k, v: weights(q, k, scale=1.0) / q.shape[-1] ** 0.5 @ v
        ),
        "Questions and keys are exchanged: it is q @ k.mT.": lambda q, k, v: weights(k, q) @ v,
        "The weights are turned round: row i belongs to the pixel that asks, so it is weights @ v.": (
            lambda q, k, v: weights(q, k).mT @ v
        ),
        "You gather the keys: the values v are gathered.": lambda q, k, v: weights(q, k) @ k,
        "You gather the questions: the values v are gathered.": lambda q, k, v: weights(q, k) @ q,
        "The values take the place of the keys.": lambda q, k, v: weights(q, v) @ k,
        "You return the weights: gather the values with them.": lambda q, k, v: weights(q, k),
        "The exponentials are not divided by their sum: use softmax.": (
            lambda q, k, v: (q @ k.mT / q.shape[-1] ** 0.5).exp() @ v
        ),
        "A sigmoid weighs each pixel by itself: softmax shares 1 among all.": (
            lambda q, k, v: (q @ k.mT / q.shape[-1] ** 0.5).sigmoid() @ v
        ),
        "This takes the value of the best key only: softmax mixes all.": (
            lambda q, k, v: torch.nn.functional.one_hot((q @ k.mT).argmax(-1), k.shape[-2]).to(v) @ v
        ),
        "This is linear attention: here the softmax is of q k, not of q and k alone.": (
            lambda q, k, v: q.softmax(-1) / q.shape[-1] ** 0.5 @ (k.softmax(-2).mT @ v)
        ),
        "Keys and pixels are mixed up: q.mT @ k compares the channels, and q @ k.mT the pixels.": (
            lambda q, k, v: v @ (q.mT @ k / q.shape[-1] ** 0.5).softmax(-1)
        ),
    },
    "Three steps: scores = q @ k.mT / d ** 0.5, their softmax over dim=-1, and that @ v.",
)
