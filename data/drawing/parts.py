"""Parts, and lists of points, that several kinds are drawn with."""

import itertools
import math

import numpy as np

from . import palette as p
from .canvas import SIZE

# ---------------------------------------------------------------- masks and points


def row_mask(first, end):
    """A (16, 16) mask of the rows from first to the one before end."""
    mask = np.zeros((SIZE, SIZE), bool)
    mask[first:end] = True
    return mask


def symmetric(*right):
    """A polygon symmetric about x = 8, from its right half: (distance from the middle, y), downwards."""
    return [(8 + d, y) for d, y in right] + [(8 - d, y) for d, y in reversed(right)]


def arc(cx, cy, rx, ry, start, end, n=24):
    """n + 1 points on an ellipse, from angle `start` to `end` in degrees (0 is right, 90 is down)."""
    angles = [math.radians(start + (end - start) * k / n) for k in range(n + 1)]
    return [(cx + rx * math.cos(a), cy + ry * math.sin(a)) for a in angles]


def star_corners(cx, cy, outer, inner, points=5, turn=0.0):
    """The corners of a star, first point up, turned by `turn` degrees."""
    corners = []
    for k in range(2 * points):
        a, radius = math.radians(180 * k / points + turn), (outer, inner)[k % 2]
        corners.append((cx + radius * math.sin(a), cy - radius * math.cos(a)))
    return corners


# ---------------------------------------------------------------- parts


def tube(c, points, radii, ramp, **how):
    """A bent limb through points; radii: one for all points or one for each; how: see `Canvas.limb`."""
    radii = [radii] * len(points) if np.isscalar(radii) else radii
    for (start, r0), (end, r1) in itertools.pairwise(zip(points, radii, strict=True)):
        c.limb(*start, r0, *end, r1, ramp, **how)


def block(c, x, y, w, h, ramp, tone):
    """A rectangle of pixels with its top left one at column x, row y."""
    for j in range(h):
        for i in range(w):
            c.pixel(x + i, y + j, ramp, tone)


def pixel_pair(c, x, y, ramp, tone, mid=8):
    """Pixel (x, y) and its mirror image about `mid`."""
    c.pixel(x, y, ramp, tone)
    c.pixel(2 * mid - 1 - x, y, ramp, tone)


def eyes(c, gap, y, w, h, ramp=p.BLACK, tone=0, mid=8):
    """Two eyes of w x h pixels, `gap` pixels to either side of the middle."""
    block(c, mid - gap - w, y, w, h, ramp, tone)
    block(c, mid + gap, y, w, h, ramp, tone)


def glints(c, gap, y, w):
    """One light pixel at the top left of either eye."""
    c.pixel(8 - gap - w, y, p.WHITE, 4)
    c.pixel(8 + gap, y, p.WHITE, 4)
