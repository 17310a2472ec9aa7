"""A 16×16 canvas that keeps, for each pixel, a material (Ramp) and a tone 0..4, and turns them into colours at the end.

Coordinates are in pixels, x to the right, y down; the middle of the pixel in column i is x = i + 0.5, the middle of the
canvas (8, 8). Drawing is clipped to columns and rows 1..14, so that `outline` always finds room around a figure.

Shapes are formulas: they are sampled at 4×4 points per pixel, a pixel is painted when at least half of them are inside,
and its tone comes from the surface's normal and one light, at the top left. Bitmaps are letters. The outline is last.
"""

import math
from contextlib import contextmanager

import numpy as np

SIZE, SUB = 16, 4
LIGHT = (-0.48, -0.62, 0.62)  # towards the light: left, up, out of the screen
THRESHOLDS = (0.22, 0.70, 0.90)  # of the normal times LIGHT: shadow | base | light | highlight
_AXIS = (np.arange(SIZE * SUB) + 0.5) / SUB
_X, _Y = np.meshgrid(_AXIS, _AXIS)


def _pool(a):
    """Mean over each pixel's samples: (64, 64) -> (16, 16)."""
    return a.reshape(SIZE, SUB, SIZE, SUB).mean(axis=(1, 3))


def _dilate(m):
    """The mask and the four neighbours of each of its pixels."""
    p = np.pad(m, 1)
    return p[1:-1, 1:-1] | p[:-2, 1:-1] | p[2:, 1:-1] | p[1:-1, :-2] | p[1:-1, 2:]


class Canvas:
    """Paint shapes in order, back to front; call `outline()` last; `rgb()` gives the uint8 (16, 16, 3) picture on white."""

    def __init__(self):
        self.flip = False  # True mirrors everything left to right while the light stays where it is
        self.ramps = []
        self.material = np.full((SIZE, SIZE), -1)  # index into ramps; -1 is empty
        self.tone = np.zeros((SIZE, SIZE), int)
        self._frame = (1.0, 0.0, 1.0, 1.0, 8.0, 8.0, 0.0, 0.0)

    # ---------------------------------------------------------------- where

    @contextmanager
    def frame(self, angle=0.0, cx=8.0, cy=8.0, sx=1.0, sy=1.0, dx=0.0, dy=0.0):
        """Within this block formulas are turned by `angle` degrees (clockwise on screen) and stretched by (sx, sy) about
        (cx, cy), then moved by (dx, dy). Bitmaps and single pixels are not affected. Blocks do not nest."""
        a = math.radians(angle)
        before = self._frame
        self._frame = (math.cos(a), math.sin(a), sx, sy, cx, cy, dx, dy)
        yield self
        self._frame = before

    def _local(self):
        cos, sin, sx, sy, cx, cy, dx, dy = self._frame
        x = (SIZE - _X if self.flip else _X) - cx - dx
        y = _Y - cy - dy
        return (x * cos + y * sin) / sx + cx, (-x * sin + y * cos) / sy + cy

    def point(self, x, y):
        """Where a point of the present frame lies on the canvas."""
        cos, sin, sx, sy, cx, cy, dx, dy = self._frame
        u, v = (x - cx) * sx, (y - cy) * sy
        return u * cos - v * sin + cx + dx, u * sin + v * cos + cy + dy

    def column(self, x):
        """The column of the arrays that holds column x: `flip` is in it."""
        return SIZE - 1 - x if self.flip else x

    def _lit(self, nx, ny, nz):
        """Brightness in -1..1 of a surface with this local normal."""
        cos, sin = self._frame[:2]
        wx, wy = nx * cos - ny * sin, nx * sin + ny * cos
        if self.flip:
            wx = -wx
        return wx * LIGHT[0] + wy * LIGHT[1] + nz * LIGHT[2]

    # ---------------------------------------------------------------- how

    def _index(self, ramp):
        if ramp not in self.ramps:
            self.ramps.append(ramp)
        return self.ramps.index(ramp)

    @staticmethod
    def _clip(mask):
        mask = mask.copy()
        mask[[0, -1], :] = False
        mask[:, [0, -1]] = False
        return mask

    def _darken_around(self, mask, tone):
        """A dark line where this part lies on top of another one."""
        edge = _dilate(mask) & ~mask & (self.material >= 0)
        self.tone[edge] = np.minimum(self.tone[edge], tone)

    def _put(self, mask, tone, ramp, rim, inside=None):
        mask = self._clip(mask)
        if inside is not None:
            mask &= inside
        if rim is not None:
            self._darken_around(mask, rim)
        self.material[mask] = self._index(ramp)
        self.tone[mask] = tone if np.isscalar(tone) else tone[mask]
        return mask

    def shape(self, inside, brightness, ramp, *, tone=None, rim=None, clip=None):
        """Paint the (64, 64) bool samples `inside`, toned by `brightness` or by one fixed `tone`. The others end here.

        ramp: the material. rim: None, or the tone (0 or 1) to which the parts below are darkened along the edge.
        clip: a (16, 16) bool mask to stay within. Returns the (16, 16) mask of what was painted.
        """
        mask = _pool(inside) >= 0.5
        if tone is None:
            weight = np.maximum(_pool(inside), 1e-9)
            bright = np.round(_pool(np.where(inside, brightness, 0.0)) / weight, 6)
            tone = 1 + (bright > THRESHOLDS[0]) + (bright > THRESHOLDS[1]) + ((bright > THRESHOLDS[2]) & ramp.gloss)
        return self._put(mask, tone, ramp, rim, clip)

    def ellipse(self, cx, cy, rx, ry, ramp, *, power=2.0, tone=None, rim=None, clip=None):
        """|x/rx|^power + |y/ry|^power <= 1: power 2 an ellipse, 1 a diamond, 4 a rounded box. Shaded as a dome."""
        x, y = self._local()
        u, v = (x - cx) / rx, (y - cy) / ry
        level = np.abs(u) ** power + np.abs(v) ** power
        z = np.sqrt(np.maximum(1 - u * u - v * v, 0.0)) + 0.05
        n = np.sqrt(u * u + v * v + z * z)
        return self.shape(level <= 1, self._lit(u / n, v / n, z / n), ramp, tone=tone, rim=rim, clip=clip)

    def ring(self, cx, cy, rx, ry, width, ramp, *, tone=None, rim=None, clip=None):
        """An elliptic ring of this width (measured inwards), shaded as a torus."""
        x, y = self._local()
        d = np.sqrt(((x - cx) / rx) ** 2 + ((y - cy) / ry) ** 2)
        w = width / min(rx, ry)
        s = (d - (1 - w / 2)) / (w / 2)  # -1 at the inner edge, 1 at the outer
        z = np.sqrt(np.maximum(1 - s * s, 0.0)) + 0.05
        nx, ny = s * (x - cx) / rx / np.maximum(d, 1e-9), s * (y - cy) / ry / np.maximum(d, 1e-9)
        n = np.sqrt(nx * nx + ny * ny + z * z)
        inside = np.abs(s) <= 1
        return self.shape(inside, self._lit(nx / n, ny / n, z / n), ramp, tone=tone, rim=rim, clip=clip)

    def limb(self, x0, y0, r0, x1, y1, r1, ramp, *, tone=None, rim=None, clip=None):
        """A line from (x0, y0) to (x1, y1) with round ends, radius r0 tapering to r1. Shaded as a tube."""
        x, y = self._local()
        ex, ey = x1 - x0, y1 - y0
        length2 = max(ex * ex + ey * ey, 1e-9)
        s = np.clip(((x - x0) * ex + (y - y0) * ey) / length2, 0, 1)
        px, py = x - x0 - s * ex, y - y0 - s * ey
        r = np.maximum(r0 + s * (r1 - r0), 1e-6)
        u, v = px / r, py / r
        z = np.sqrt(np.maximum(1 - u * u - v * v, 0.0)) + 0.05
        n = np.sqrt(u * u + v * v + z * z)
        return self.shape(u * u + v * v <= 1, self._lit(u / n, v / n, z / n), ramp, tone=tone, rim=rim, clip=clip)

    def polygon(self, points, ramp, *, bevel=1.5, tone=None, rim=None, clip=None):
        """A polygon (list of (x, y), any winding, may be concave) whose outer `bevel` pixels slope down to its edges."""
        x, y = self._local()
        inside = np.zeros(x.shape, bool)
        nearest = np.full(x.shape, 1e9)
        nx, ny = np.zeros(x.shape), np.zeros(x.shape)
        for (ax, ay), (bx, by) in zip(points, points[1:] + points[:1], strict=True):
            if ay != by:
                inside ^= ((ay > y) != (by > y)) & (x < (bx - ax) * (y - ay) / (by - ay) + ax)
            ex, ey = bx - ax, by - ay
            s = np.clip(((x - ax) * ex + (y - ay) * ey) / max(ex * ex + ey * ey, 1e-9), 0, 1)
            px, py = ax + s * ex - x, ay + s * ey - y  # from the sample to the edge: outwards
            d = np.sqrt(px * px + py * py)
            closer = d < nearest
            nearest = np.where(closer, d, nearest)
            nx, ny = np.where(closer, px, nx), np.where(closer, py, ny)
        slope = np.clip(1 - nearest / max(bevel, 1e-6), 0, 1)
        n = np.maximum(nearest, 1e-9)
        nx, ny = nx / n * slope, ny / n * slope
        z = np.sqrt(np.maximum(1 - nx * nx - ny * ny, 0.0))
        return self.shape(inside, self._lit(nx, ny, z), ramp, tone=tone, rim=rim, clip=clip)

    def lathe(self, cx, points, ramp, *, bend=0.0, rim=None):
        """A body turned on a lathe: points are (y, half width), top to bottom; `bend` bows its axis to the right by pixels.

        Squares of the widths are interpolated, which rounds the ends where the width is 0.
        """
        x, y = self._local()
        fine = np.linspace(points[0][0], points[-1][0], 60)
        square = np.interp(fine, [y for y, _ in points], [half**2 for _, half in points])
        soft = np.convolve(np.pad(square, 3, mode="edge"), np.full(7, 1 / 7), "valid")  # no kinks where two pieces meet
        square[3:-3] = soft[3:-3]
        middle, half = (points[0][0] + points[-1][0]) / 2, (points[-1][0] - points[0][0]) / 2
        dx = x - cx - bend * (0.5 - ((y - middle) / half) ** 2)
        here = np.interp(y, fine, square, left=0, right=0)
        slope = np.interp(y + 0.5, fine, square, left=0, right=0) - np.interp(y - 0.5, fine, square, left=0, right=0)
        z = np.sqrt(np.maximum(here - dx * dx, 0.0)) + 0.05
        ny = -slope / 2
        n = np.sqrt(dx * dx + ny * ny + z * z)
        return self.shape((dx * dx <= here) & (here > 0), self._lit(dx / n, ny / n, z / n), ramp, rim=rim)

    def box(self, x0, y0, x1, y1, ramp, *, bevel=1.5, tone=None, rim=None, clip=None):
        """The rectangle from corner (x0, y0) to corner (x1, y1), as `polygon`."""
        corners = [(x0, y0), (x1, y0), (x1, y1), (x0, y1)]
        return self.polygon(corners, ramp, bevel=bevel, tone=tone, rim=rim, clip=clip)

    def bitmap(self, rows, x, y, key, *, mirror=False, rim=None):
        """Paste letters with the top left one at column x, row y. key: {letter: (ramp, tone) or ramp}; '.' and ' ' are
        left alone; '#' is the outline tone of what lies below or of the key's first ramp. A letter with a bare ramp is
        shaded by its place: light where its upper left neighbour is outside the part, shadow where the lower right is.
        mirror: rows are the left half, the right half is their mirror image."""
        if mirror:
            rows = [row + row[::-1] for row in rows]
        first = next(iter(key.values()))
        first = first[0] if isinstance(first, tuple) else first
        cells = {(i, j): ch for j, row in enumerate(rows) for i, ch in enumerate(row) if ch not in ". "}
        mask = np.zeros((SIZE, SIZE), bool)
        placed = []
        for (i, j), ch in cells.items():
            col, row = self.column(x + i), y + j
            if not (1 <= col < SIZE - 1 and 1 <= row < SIZE - 1):
                continue
            mask[row, col] = True
            placed.append((col, row, ch))
        where = {(col, row): ch for col, row, ch in placed}
        if rim is not None:
            self._darken_around(mask, rim)
        for col, row, ch in placed:
            if ch == "#":
                material, tone = first, 0
                if self.material[row, col] >= 0:
                    material = self.ramps[self.material[row, col]]
            elif isinstance(key[ch], tuple):
                material, tone = key[ch]
            else:
                material = key[ch]
                lit = where.get((col - 1, row)) != ch or where.get((col, row - 1)) != ch
                dark = where.get((col + 1, row)) != ch or where.get((col, row + 1)) != ch
                tone = 2 + (lit and not dark) - (dark and not lit)
            self.material[row, col], self.tone[row, col] = self._index(material), tone
        return mask

    def pixel(self, x, y, ramp, tone=2):
        """One pixel at column x, row y."""
        x = self.column(x)
        if 1 <= x < SIZE - 1 and 1 <= y < SIZE - 1:
            self.material[y, x], self.tone[y, x] = self._index(ramp), tone

    def line(self, x0, y0, x1, y1, ramp, tone=2):
        """A one-pixel line between two pixels, ends included."""
        n = max(abs(x1 - x0), abs(y1 - y0), 1)
        for k in range(n + 1):
            self.pixel(math.floor(x0 + (x1 - x0) * k / n + 0.5), math.floor(y0 + (y1 - y0) * k / n + 0.5), ramp, tone)

    def cut_ellipse(self, cx, cy, rx, ry):
        """Remove what lies in this ellipse: a bite, a notch, a hole."""
        x, y = self._local()
        mask = _pool(((x - cx) / rx) ** 2 + ((y - cy) / ry) ** 2 <= 1) >= 0.5
        self.material[mask] = -1

    def cut_pixel(self, x, y):
        """Remove one pixel."""
        self.material[y, self.column(x)] = -1

    def shade(self, mask, by=-1):
        """Make the painted pixels of a (16, 16) mask darker (by=-1) or lighter (by=1), within tones 1..4."""
        mask = mask & (self.material >= 0) & (self.tone > 0)
        self.tone[mask] = np.clip(self.tone[mask] + by, 1, 4)

    def where(self, condition):
        """The (16, 16) mask of the pixels that lie, in the present frame, where a condition on (x, y) holds."""
        return _pool(condition(*self._local())) > 0.5

    def filled(self):
        """(16, 16) bool: what has been painted so far."""
        return self.material >= 0

    def outline(self):
        """Surround the figure, outside, by one pixel of its own materials' darkest tone. Call it last."""
        filled = self.filled()
        border = _dilate(filled) & ~filled
        for row, col in zip(*np.nonzero(border), strict=True):
            for dr, dc in ((-1, 0), (0, -1), (0, 1), (1, 0)):
                r, c = row + dr, col + dc
                if 0 <= r < SIZE and 0 <= c < SIZE and filled[r, c]:
                    self.material[row, col], self.tone[row, col] = self.material[r, c], 0
                    break

    # ---------------------------------------------------------------- what

    def rgb(self):
        """The picture: uint8 (16, 16, 3), white where nothing was painted."""
        tones = np.array([r.tones for r in self.ramps] + [((255, 255, 255),) * 5], np.uint8)
        return tones[self.material, self.tone]
