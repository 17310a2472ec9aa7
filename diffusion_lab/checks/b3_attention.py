"""The check of the exercise of B3 that writes attention."""

import torch
from torch import Tensor
from torch.nn.functional import normalize

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
        "Some pixels are hidden from others, as in a text that is read forward: in a picture all ask all.": (
            lambda q, k, v: (q @ k.mT / q.shape[-1] ** 0.5 + torch.full((q.shape[-2],) * 2, -1e9).triu(1)).softmax(-1) @ v
        ),
        "You added the values: that is for the wrapper around the layer, return what is gathered.": (
            lambda q, k, v: attention(q, k, v) + v
        ),
        "You added the questions: return what is gathered.": lambda q, k, v: attention(q, k, v) + q,
        "The softmax is taken of all pairs at once: the weights of each pixel that asks must add up to 1, so dim=-1.": (
            lambda q, k, v: (q @ k.mT / q.shape[-1] ** 0.5).flatten(-2).softmax(-1).view(*q.shape[:-1], -1) @ v
        ),
        "dim=0 shares among pictures: the weights of one pixel that asks must add up to 1, so dim=-1.": (
            lambda q, k, v: weights(q, k, axis=0) @ v
        ),
        "The softmax is taken twice.": lambda q, k, v: weights(q, k).softmax(-1) @ v,
        "These are logarithms of weights: softmax, not log_softmax.": lambda q, k, v: weights(q, k).log() @ v,
        "A relu is no softmax: weights must add up to 1 for each pixel that asks.": (
            lambda q, k, v: (q @ k.mT / q.shape[-1] ** 0.5).relu() @ v
        ),
        "The scores are divided by their sum without exponentials: use softmax.": (
            lambda q, k, v: (q @ k.mT) / (q @ k.mT).sum(-1, keepdim=True) @ v
        ),
        "Questions and keys are brought to length 1: take them as they are, and divide by sqrt(d).": (
            lambda q, k, v: weights(normalize(q, dim=-1), normalize(k, dim=-1), scale=1.0) @ v
        ),
        "The questions are compared with themselves: it is q @ k.mT.": lambda q, k, v: weights(q, q) @ v,
        "The keys are compared with themselves: it is q @ k.mT.": lambda q, k, v: weights(k, k) @ v,
        "The scores have the wrong sign: what fits best should count most.": lambda q, k, v: weights(-q, k) @ v,
        "Distances take the place of products: the scores are q @ k.mT.": (
            lambda q, k, v: (-torch.cdist(q, k).square() / q.shape[-1] ** 0.5).softmax(-1) @ v
        ),
        "Every pixel takes the same of all: weigh them by how well keys fit questions.": (
            lambda q, k, v: v.mean(dim=-2, keepdim=True).expand(v.shape)
        ),
    },
    "Three steps: scores = q @ k.mT / d ** 0.5, their softmax over dim=-1, and that @ v.",
)
