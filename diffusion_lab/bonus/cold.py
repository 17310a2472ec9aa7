"""Diffusion without noise (Bansal et al. 2022): what breaks a picture, and two ways back.

A damage D(x0, t) grows with t: D(x0, 0) is x0, D(x0, STEPS) the worst. A restorer R(x, t) guesses x0.

    restore_1(R, D, x, STEPS)      algorithm 1: guess, and break the guess a little less
    restore_2(R, D, x, STEPS)      algorithm 2: take the guess's damage of t away, and put its damage of t - 1 in

D is given whatever R returns. For noise that is the pair (x0, eps), D is `perturb`, and algorithm 2 is DDIM with eta = 0.
Where D is linear, and the worst damage hides all that smaller ones do (pixelate, mask), algorithm 2 never loses what was given.
"""

from collections.abc import Callable

import torch
from torch import Tensor

STEPS = 16  # of each damage, from a whole picture to the worst
GREY = 0.0  # what stands where a pixel is masked


def pixelate(x0: Tensor, t: int) -> Tensor:
    """Coarser and coarser squares: from 16×16 over 8×8, 4×4 and 2×2 to one colour, blended over four steps each.

    x0: (B, C, 16, 16); t: 0 to STEPS.
    """
    level, share = divmod(t, 4)
    coarse = _squares(x0, 2**level)
    return coarse if share == 0 else torch.lerp(coarse, _squares(x0, 2 ** (level + 1)), share / 4)


def _squares(x0: Tensor, size: int) -> Tensor:
    """x0 (B, C, H, W), each square of size × size pixels in its mean colour."""
    means = torch.nn.functional.avg_pool2d(x0, size)
    return means.repeat_interleave(size, 2).repeat_interleave(size, 3)


def mask(x0: Tensor, t: int) -> Tensor:
    """A grey disc that grows from the middle until it covers all. x0: (B, C, H, H); t: 0 to STEPS."""
    side = x0.shape[-1]
    away = torch.arange(side) - (side - 1) / 2
    distance = (away[:, None].square() + away.square()).sqrt()
    hidden = distance < distance.max() * 1.01 * t / STEPS
    return torch.where(hidden, torch.full_like(x0, GREY), x0)


def morph(x0: Tensor, other: Tensor, t: int) -> Tensor:
    """x0 becomes `other`, by a straight blend. Both (B, C, H, W); t: 0 to STEPS."""
    return torch.lerp(x0, other, t / STEPS)


class Restorer:
    """The exact restorer of a set of pictures: the mean of those whose damaged selves look like x.

    It asks which picture, damaged alike, may be seen as x if each damaged picture is uncertain by `tolerance`: a softmax of
    -distance^2 / (2 tolerance^2). A trained network would guess as softly, and would also know what lies between the pictures.
    """

    def __init__(self, data: Tensor, damage: Callable[[Tensor, int], Tensor], tolerance: float = 1.0):
        """data: (N, C, H, H). damage(data, t): all of them, damaged."""
        self.data, self.damage, self.tolerance = data, damage, tolerance

    def __call__(self, x: Tensor, t: int) -> Tensor:
        """The believed pictures behind x (B, C, H, H), of damage t."""
        apart = torch.cdist(x.flatten(1), self.damage(self.data, t).flatten(1))
        return ((-apart.square() / (2 * self.tolerance**2)).softmax(1) @ self.data.flatten(1)).reshape(x.shape)


def restore_1(restore: Callable, damage: Callable, x: Tensor, steps: int) -> list[Tensor]:
    """Algorithm 1, from the time `steps` down to 0: all steps + 1 pictures, the worst first.

    restore(x, t): what is believed to be behind x. damage(belief, t): the belief, damaged.
    """
    pictures = [x]
    for t in range(steps, 0, -1):
        pictures.append(damage(restore(pictures[-1], t), t - 1))
    return pictures


def restore_2(restore: Callable, damage: Callable, x: Tensor, steps: int) -> list[Tensor]:
    """Algorithm 2, arguments and result as `restore_1`. If the damage is a straight line in t, errors of the belief cancel."""
    pictures = [x]
    for t in range(steps, 0, -1):
        belief = restore(pictures[-1], t)
        pictures.append(cold_step(pictures[-1], belief, t, t - 1, damage))
    return pictures


def cold_step(x: Tensor, belief: object, t: int, t_prev: int, damage: Callable) -> Tensor:
    """One step of algorithm 2 from t to t_prev. belief: what the restorer returned at x."""
    return x - damage(belief, t) + damage(belief, t_prev)
