"""Checks of the exercises of B1 that take a step: B1.3 of cold diffusion, B1.5 of RePaint."""

from collections.abc import Callable

import torch
from torch import Tensor

from ..bonus.cold import cold_step, mask, pixelate
from ..bonus.repaint import forward_again
from ..schedules import cosine, linear, sigmoid
from .exercise import Exercise, noise


def bent(belief: Tensor, t: int) -> Tensor:
    """A damage that is no straight line in anything."""
    return torch.tanh(belief * (1 - t / 20)) + 0.01 * t * t


def stepped(formula: Callable) -> Callable:
    """An answer from a formula with x, the belief, and its damages at t and at t_prev."""
    return lambda x, belief, t, t_prev, damage: formula(x, belief, damage(belief, t), damage(belief, t_prev))


B1_3 = Exercise(
    "B1.3",
    "one step of algorithm 2: x without the belief's damage of t, and with its damage of t_prev.",
    cold_step,
    lambda: [
        (noise(0, 2, 3, 16, 16), noise(1, 2, 3, 16, 16), 11, 9, pixelate),
        (noise(2, 5, 1, 16, 16), noise(3, 5, 1, 16, 16), 7, 6, mask),
        (noise(4, 3, 3, 8, 8), noise(5, 3, 3, 8, 8), 13, 10, bent),
    ],
    {
        "This is algorithm 1: the damage of t_prev alone. Algorithm 2 begins at x.": stepped(lambda x, b, now, prev: prev),
        "The two damages have each other's sign: that of t is taken away, that of t_prev is put in.": stepped(
            lambda x, b, now, prev: x + now - prev
        ),
        "The damage of t is missing: it is taken away.": stepped(lambda x, b, now, prev: x + prev),
        "The damage of t_prev is missing: it is put in.": stepped(lambda x, b, now, prev: x - now),
        "Both damages are added: that of t is taken away.": stepped(lambda x, b, now, prev: x + now + prev),
        "Both damages are taken away: that of t_prev is put in.": stepped(lambda x, b, now, prev: x - now - prev),
        "Here the belief itself stands where its damage of t belongs.": stepped(lambda x, b, now, prev: x - b + prev),
        "Here the belief itself stands where its damage of t_prev belongs.": stepped(lambda x, b, now, prev: x - now + b),
        "This damages x: it is the belief that is damaged.": (
            lambda x, belief, t, t_prev, damage: x - damage(x, t) + damage(x, t_prev)
        ),
        "This damages x at t, and the belief at t_prev: the belief is damaged at both.": (
            lambda x, belief, t, t_prev, damage: x - damage(x, t) + damage(belief, t_prev)
        ),
        "This damages the belief at t, and x at t_prev: the belief is damaged at both.": (
            lambda x, belief, t, t_prev, damage: x - damage(belief, t) + damage(x, t_prev)
        ),
        "It starts from the belief: it starts from x.": stepped(lambda x, b, now, prev: b - now + prev),
        "The belief stands among what is damaged at t_prev: it is damaged alone, and the rest of x is kept as it is.": (
            lambda x, belief, t, t_prev, damage: damage(x - damage(belief, t) + belief, t_prev)
        ),
        "The x of before is missing: x - damage at t + damage at t_prev.": stepped(lambda x, b, now, prev: prev - now),
        "t_prev is not always t - 1: use the argument.": (
            lambda x, belief, t, t_prev, damage: x - damage(belief, t) + damage(belief, t - 1)
        ),
        "This is the mean of x and algorithm 1's answer.": stepped(lambda x, b, now, prev: (x + prev) / 2),
        "The result is clipped: errors can cancel only if nothing is cut off.": stepped(
            lambda x, b, now, prev: (x - now + prev).clamp(-1, 1)
        ),
        "The damage of the damage: give damage the belief itself, both times.": (
            lambda x, belief, t, t_prev, damage: x - damage(belief, t) + damage(damage(belief, t), t_prev)
        ),
    },
    "Three terms: x, minus damage(belief, t), plus damage(belief, t_prev).",
)


def rising(formula: Callable) -> Callable:
    """An answer from a formula with x, z, and alpha_bar at t and at t_up."""
    return lambda x, t, t_up, alpha_bar, z: formula(x, z, alpha_bar[t], alpha_bar[t_up])


B1_5 = Exercise(
    "B1.5",
    "x at the later time t_up: the share of x that is left, and fresh noise for the rest.",
    forward_again,
    lambda: [
        (noise(0, 2, 3, 16, 16), 90, 130, cosine(200).alpha_bar, noise(1, 2, 3, 16, 16)),
        (noise(2, 5, 1, 8, 8), 3, 40, linear(70).alpha_bar, noise(3, 5, 1, 8, 8)),
        (noise(4, 4, 2), 0, 25, sigmoid(60).alpha_bar, noise(5, 4, 2)),
    ],
    {
        "x is no x0, it has noise already: alpha = alpha_bar[t_up] / alpha_bar[t] counts.": rising(
            lambda x, z, ab, up: up.sqrt() * x + (1 - up).sqrt() * z
        ),
        "Square roots are missing: sqrt(alpha) and sqrt(1 - alpha).": rising(
            lambda x, z, ab, up: up / ab * x + (1 - up / ab) * z
        ),
        "The noise is too weak: a square root is missing in its factor.": rising(
            lambda x, z, ab, up: (up / ab).sqrt() * x + (1 - up / ab) * z
        ),
        "x is too weak: a square root is missing in its factor.": rising(
            lambda x, z, ab, up: up / ab * x + (1 - up / ab).sqrt() * z
        ),
        "The noise's factor is the root of 1 - alpha, not 1 minus the root.": rising(
            lambda x, z, ab, up: (up / ab).sqrt() * x + (1 - (up / ab).sqrt()) * z
        ),
        "x is not made weaker: it has the factor sqrt(alpha), else the variance grows.": rising(
            lambda x, z, ab, up: x + (1 - up / ab).sqrt() * z
        ),
        "The noise is added whole: it has the factor sqrt(1 - alpha).": rising(lambda x, z, ab, up: (up / ab).sqrt() * x + z),
        "Fresh noise is missing.": rising(lambda x, z, ab, up: (up / ab).sqrt() * x),
        "The noise is taken away: it is added.": rising(lambda x, z, ab, up: (up / ab).sqrt() * x - (1 - up / ab).sqrt() * z),
        "The two factors are exchanged.": rising(lambda x, z, ab, up: (1 - up / ab).sqrt() * x + (up / ab).sqrt() * z),
        "alpha is upside down, above 1: it is alpha_bar[t_up] / alpha_bar[t].": rising(
            lambda x, z, ab, up: (ab / up).sqrt() * x + (ab / up - 1).sqrt() * z
        ),
        "alpha is upside down, so 1 - alpha has no root: it is alpha_bar[t_up] / alpha_bar[t].": rising(
            lambda x, z, ab, up: (ab / up).sqrt() * x + (1 - ab / up).sqrt() * z
        ),
        "This adds the missing noise to x as it is: x must be made weaker, by sqrt(alpha).": rising(
            lambda x, z, ab, up: x + (ab - up).sqrt() * z
        ),
        "The noise has the factor of one who starts from x0, sqrt(1 - alpha_bar[t_up]): some noise is there already.": rising(
            lambda x, z, ab, up: (up / ab).sqrt() * x + (1 - up).sqrt() * z
        ),
        "The noise's variance is the difference of the alpha_bars: it is 1 - alpha.": rising(
            lambda x, z, ab, up: (up / ab).sqrt() * x + (ab - up).sqrt() * z
        ),
        "alpha is the difference of the alpha_bars: it is their quotient.": rising(
            lambda x, z, ab, up: (ab - up).sqrt() * x + (1 - (ab - up)).sqrt() * z
        ),
        "The times are exchanged in the noise: this is the noise of t, and x has that already.": rising(
            lambda x, z, ab, up: (up / ab).sqrt() * x + (1 - ab).sqrt() * z
        ),
        "x is returned as it was: going up adds noise.": rising(lambda x, z, ab, up: x + 0 * z),
        "This is pure noise: what is left of x has a factor above 0.": rising(lambda x, z, ab, up: z + 0 * x),
    },
    "alpha = alpha_bar[t_up] / alpha_bar[t], then as in L1: sqrt(alpha) * x + sqrt(1 - alpha) * z.",
)
