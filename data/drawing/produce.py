"""Food that grows: fruit, vegetables, nuts and mushrooms."""

import math

import numpy as np

from . import palette as p
from .canvas import Canvas
from .parts import arc

# ---------------------------------------------------------------- helpers


def _pixel_at(c, x, y, ramp, tone, clip=None):
    """One pixel at a point of the present frame, if it is within clip."""
    col, row = map(math.floor, c.point(x, y))
    if clip is None or (0 <= col < 16 and 0 <= row < 16 and clip[row, c.column(col)]):
        c.pixel(col, row, ramp, tone)


def _glint(c, x, y, ramp):
    """A highlight of two pixels downwards from a point, or from its mirror image: where the body is better lit."""

    def lit(px):
        col, row = map(math.floor, c.point(px, y))
        col = c.column(col)
        return c.tone[row, col] if 0 <= col < 16 and 0 <= row < 16 and c.material[row, col] >= 0 else -1

    best = max((16 - x, x) if c.flip else (x, 16 - x), key=lit)
    if lit(best) >= 2:
        for k in range(2):
            _pixel_at(c, best, y + k, ramp, 4)


def _stroke(c, x0, y0, x1, y1, ramp, tone, clip):
    """A thin line between two points of the present frame, within clip."""
    n = max(1, math.ceil(math.hypot(x1 - x0, y1 - y0)))
    for k in range(n + 1):
        _pixel_at(c, x0 + (x1 - x0) * k / n, y0 + (y1 - y0) * k / n, ramp, tone, clip)


def _leaf(c, x, y, length, angle, ramp, width=1.3, rim=0):
    """A pointed leaf from (x, y); angle in degrees, 0 to the right, -90 up."""
    a = math.radians(angle)
    ux, uy = math.cos(a), math.sin(a)
    right, left = [], []
    for k in range(7):
        s = k / 6
        w = width * math.sin(math.pi * s**0.8)
        px, py = x + ux * length * s, y + uy * length * s
        right.append((px - uy * w, py + ux * w))
        left.append((px + uy * w, py - ux * w))
    c.polygon(right + left[::-1], ramp, bevel=1.2, rim=rim)


def _bite(c, x, y, size, body, flesh):
    """Bite a piece out of the body and show its flesh at the edge."""
    c.ellipse(x, y, size + 1.5, size + 1.5, flesh, tone=2, clip=body)
    c.cut_ellipse(x, y, size, size)


def _recolour(c, mask, ramp, tone):
    """Give these pixels one material and tone."""
    c.shape(np.ones((64, 64), bool), 0.0, ramp, tone=tone, clip=mask)


def _trim_centre_and_outline(c):
    """Drop lone pixels that stick out of a flat edge, move the figure to the middle, outline it."""
    full = np.pad(c.filled(), 1)
    for axis in (0, 1):
        for step in (-1, 1):
            other = 1 - axis
            behind = np.roll(full, step, axis)
            wide = behind & np.roll(behind, 1, other) & np.roll(behind, -1, other)
            beside = np.roll(full, 1, other) | np.roll(full, -1, other)
            bump = full & wide & ~beside & ~np.roll(full, -step, axis)
            c.material[bump[1:-1, 1:-1]] = -1
    rows, cols = np.nonzero(c.filled())
    dy, dx = (15 - rows.min() - rows.max()) // 2, (15 - cols.min() - cols.max()) // 2
    for plane in (c.material, c.tone):
        plane[:] = np.roll(plane, (dy, dx), (0, 1))
    c.outline()


# ---------------------------------------------------------------- fruit


def apple(c: Canvas, r):
    """A round apple with a stem and a leaf, whole or bitten."""
    skin = r.choice((p.RED, p.RED, p.RED, p.CRIMSON, p.LIME))
    rx, base = r.uniform(5.4, 6.6), r.uniform(3.2, 4.4)
    top, bottom = r.uniform(4.0, 4.8), r.uniform(14.4, 15.0)
    with c.frame(angle=r.uniform(-10, 10)):
        mid = top + (bottom - top) * 0.38
        points = [(top, 0.58 * rx), (top + 1, 0.86 * rx), (mid, rx), (mid + 3, 0.93 * rx), (bottom - 1.2, base), (bottom, 2.2)]
        body = c.lathe(8, points, skin)
        c.cut_ellipse(8, bottom + 0.4, 1.1, 1.0)
        c.cut_ellipse(8, top - 0.3, 1.7, 1.4)
        _glint(c, 8 - rx * 0.5, top + 2.6, skin)
        bites = r.choice((0, 0, 0, 1, 1, 1, 2))
        if bites:
            _bite(c, 8 + rx, r.uniform(7.5, 10), r.uniform(2.4, 3.4), body, p.CREAM)
        if bites == 2:
            _bite(c, 8 - rx - 0.6, r.uniform(8, 10), r.uniform(2.4, 3.2), body, p.CREAM)
        c.limb(8.5, top + 1.3, 0.55, 8.5 + r.uniform(-1.6, 0.6), 1.2, 0.55, p.WOOD, tone=1)
        if r.random() < 0.85:
            _leaf(c, 8.8, top - 0.2, r.uniform(4.0, 5.4), r.uniform(-32, -4), p.GREEN)


def pear(c: Canvas, r):
    """A pear: narrow above, wide below."""
    skin = r.choice((p.LIME, p.LIME, p.YELLOW))
    wide, narrow = r.uniform(4.9, 6.1), r.uniform(2.0, 2.6)
    waist = r.uniform(6.2, 7.4)
    with c.frame(angle=r.uniform(-18, 18), cy=9):
        points = [
            (2.6, 0),
            (3.6, narrow),
            (waist - 1, narrow + 0.1),
            (waist + 1.4, wide - 0.8),
            (10.6, wide),
            (13, wide * 0.8),
            (14.8, 0),
        ]
        body = c.lathe(8, points, skin, bend=r.uniform(-0.8, 0.8))
        if r.random() < 0.4:
            for dx, dy in ((0.5, 9), (2.5, 10.5), (0, 12), (-1.5, 10.5), (2.5, 7.5)):
                _pixel_at(c, 8 + dx, dy, skin, 1, body)
        _glint(c, 8 - wide * 0.5, 9.5, skin)
        c.limb(8.3, 3.2, 0.55, 8.3 + r.uniform(-1.4, 1.2), 0.8, 0.55, p.WOOD, tone=1)
        if r.random() < 0.75:
            _leaf(c, 8.6, 2.4, r.uniform(3.2, 5), r.uniform(-30, 15), p.FOREST)


def cherries(c: Canvas, r):
    """Two cherries hanging from one point."""
    skin = r.choice((p.RED, p.RED, p.CRIMSON))
    size = r.uniform(2.9, 3.5)
    xs = (r.uniform(4.0, 4.8), r.uniform(11.2, 12.0))
    ys = (r.uniform(10.4, 11.6), r.uniform(9.6, 11.4))
    knot = r.uniform(7.0, 10.0)
    for x, y in zip(xs, ys, strict=True):
        c.limb(knot, 1.8, 0.55, (knot + x) / 2 + (x - knot) * 0.22, 5, 0.55, p.GREEN, tone=1)
        c.limb((knot + x) / 2 + (x - knot) * 0.22, 5, 0.55, x, y - 2, 0.55, p.GREEN, tone=1)
    if r.random() < 0.75:
        _leaf(c, knot, 2.0, r.uniform(4.5, 6), r.uniform(-5, 25), p.GREEN, 1.6)
    for x, y in zip(xs, ys, strict=True):
        c.ellipse(x, y, size, size, skin, rim=0)
        c.pixel(math.floor(x - 1.2), math.floor(y - 1.3), p.WHITE, 3)


def grapes(c: Canvas, r):
    """A hanging bunch of grapes, each of 3x3 pixels with its own light; the outline darkens the gaps between them."""
    rows, pitch = r.choice((((3, 2, 1), 4), ((3, 2, 1), 4), ((2, 3, 2), 4), ((2, 3, 2, 1), 3)))
    # a round red bunch would be a raspberry
    skin = r.choice((p.VIOLET, p.VIOLET, p.PURPLE, p.LIME, p.CRIMSON if rows[0] == 3 else p.VIOLET))
    top = 12 - pitch * (len(rows) - 1)
    c.limb(8.4, top, 0.55, 8.4 + r.uniform(-2, 2), 1.3, 0.55, p.WOOD, tone=1)
    for j, n in enumerate(rows):
        lean = r.choice((-1, 0, 0, 0, 1)) if n < 3 else r.choice((0, 0, 0, 1))
        for i in range(n):
            c.bitmap(
                ["cad", "abc", "dcd"],
                6 + lean + 4 * i - 2 * (n - 1),
                top + pitch * j,
                {"a": (skin, 3), "b": (skin, 4), "c": (skin, 2), "d": (skin, 1)},
                rim=0,
            )
    for angle in r.choice(((-20,), (200,), (-20, 200), (10,), (170, 5))):
        _leaf(c, 8, top - 0.9, r.uniform(4.4, 6.2), angle + r.uniform(-12, 12), p.GREEN, 1.7)


def banana(c: Canvas, r):
    """A banana, or a bunch of two or three that share their stem."""
    count = r.choice((1, 1, 1, 2, 2, 3))
    thick, bow = r.uniform(2.1, 2.7) - 0.2 * (count - 1), r.uniform(4.2, 5.6)
    start = r.uniform(-72, -48) if count == 1 else r.uniform(-80, -66)
    long = 14.6 if count == 1 else 12.8
    for k in range(count):
        with c.frame(angle=start + r.uniform(19, 25) * k, cx=3, cy=4, dy=2.5 if count == 1 else 0):
            points = [
                (2.5, 0.9),
                (4, 0.9),
                (6, thick - 0.4),
                (9, thick),
                (long, thick - 0.5),
                (long + 2, 0.9),
                (long + 2.6, 0.7),
            ]
            body = c.lathe(3 + bow * 0.5, points, p.YELLOW, bend=-bow, rim=0)
            ends = c.where(lambda x, y: (y < 4) | (y > long + 1.9))
            _recolour(c, body & ends, p.BROWN, 1)


def strawberry(c: Canvas, r):
    """A strawberry: pointed below, with seeds and a green cap."""
    skin = r.choice((p.RED, p.RED, p.CRIMSON))
    wide, shoulder = r.uniform(4.8, 6.3), r.uniform(5.2, 7.0)
    with c.frame(angle=r.uniform(-16, 16)):
        points = [(3.2, 2.5), (4.2, wide * 0.85), (shoulder, wide), (shoulder + 2.6, wide * 0.86), (12, wide * 0.5), (14.9, 0)]
        body = c.lathe(8, points, skin)
        shift = r.choice((0, 1))
        inner = body & np.roll(body, 1, 0) & np.roll(body, 1, 1) & np.roll(body, -1, 1)
        for j in range(4):
            for i in range(-3, 4):
                _pixel_at(c, 8 + 3 * i + 1.5 * ((j + shift) % 2), 6.5 + 2 * j, p.YELLOW, 3, inner)
        reach = [r.uniform(3.4, 4.2) + 0.7 * abs(k - 2) for k in range(5)]
        for rim in (0, None):
            for k in range(5):
                _leaf(c, 8, 3.2, reach[k], 90 - (k - 2) * 42, p.GREEN, 1.0, rim)
        c.limb(8, 3.4, 0.7, 8 + r.uniform(-1, 1), 1.2, 0.6, p.GREEN, tone=2)


def watermelon_slice(c: Canvas, r):
    """A slice of watermelon: red flesh, seeds, a pale line and a green rind."""
    half = r.random() < 0.55
    flesh = p.RED
    rind = r.choice((p.GREEN, p.FOREST))
    if half:
        radius, ry, a0, a1 = r.uniform(6.6, 7.6), r.uniform(8.0, 9.6), 0, 180
        cy, angle = 11.4 - ry / 2, r.uniform(-22, 22)
    else:
        spread = r.uniform(26, 38)
        radius = ry = r.uniform(12.0, 13.6)
        a0, a1, cy, angle = 90 - spread, 90 + spread, 1.2, r.uniform(-14, 14)
    with c.frame(angle=angle):
        tip = [] if half else [(8, cy)]
        body = c.polygon(arc(8, cy, radius, ry, a0, a1) + tip, rind, tone=2)
        c.polygon(arc(8, cy, radius - 1.3, ry - 1.3, 0, 180), p.CREAM, tone=3, clip=body)
        c.polygon(arc(8, cy, radius - 2.2, ry - 2.2, 0, 180), flesh, tone=2, clip=body)
        inner = c.polygon(arc(8, cy, radius - 3.3, ry - 3.3, 0, 180), flesh, tone=2, clip=body)
        if r.random() < 0.45:
            c.cut_ellipse(8 + r.uniform(-3, 3), cy - 0.5, r.uniform(1.8, 2.8), r.uniform(1.8, 2.8))
        inner &= c.filled()
        shift = r.uniform(0, 2)
        for j in range(5):
            for i in range(-3, 4):
                _pixel_at(c, 8.5 + 3.2 * i + 1.6 * (j % 2), cy + 1.5 + shift * 0.5 + 2.2 * j, p.BLACK, 1, inner)


def pineapple(c: Canvas, r):
    """A pineapple: a barrel with a lattice under a crown of leaves."""
    skin, line = r.choice(((p.YELLOW, p.ORANGE), (p.YELLOW, p.ORANGE), (p.GOLD, p.ORANGE), (p.GOLD, p.OLIVE)))
    wide, top = r.uniform(3.6, 4.6), r.uniform(6.2, 7.2)
    with c.frame(angle=r.uniform(-16, 16), cy=9):
        outer = r.uniform(58, 78)
        for spread in r.choice(((-1, 1, -0.5, 0.5, 0), (-1, 1, -0.45, 0.45), (-1, 1, 0))):
            length = r.uniform(6.0, 7.2) - abs(spread) * r.uniform(0.8, 1.6)
            _leaf(c, 8 + spread * 1.0, top + 0.8, length, -90 + spread * outer * 0.8, p.GREEN, 1.15)
        points = [(top, wide * 0.6), (top + 1.4, wide * 0.92), (top + 4, wide), (13.2, wide * 0.88), (15, wide * 0.5)]
        body = c.lathe(8, points, skin, rim=0)
    shift = r.choice((0, 1, 2, 3))
    rows, cols = np.indices((16, 16))
    lattice = ((rows + cols + shift) % 4 == 0) | ((rows - cols) % 4 == 0)
    dark = c.tone == 1
    _recolour(c, body & lattice & ~dark, line, 2)
    _recolour(c, body & lattice & dark, line, 1)


# ---------------------------------------------------------------- vegetables


def carrot(c: Canvas, r):
    """A carrot lying aslant with its green top."""
    wide, length = r.uniform(2.7, 3.6), r.uniform(10.8, 12.2)
    with c.frame(angle=r.uniform(30, 52), dx=0.6, dy=-0.6):
        for angle in (-90 - r.uniform(28, 50), -90 + r.uniform(28, 50), -90 + r.uniform(-10, 10)):
            _leaf(c, 8, 5.4, r.uniform(5.2, 6.6), angle, p.GREEN, r.uniform(1.1, 1.6))
        points = [(4.4, wide * 0.6), (5.4, wide), (8, wide * 0.86), (4.4 + length * 0.75, wide * 0.42), (4.4 + length, 0)]
        body = c.lathe(8, points, p.ORANGE, bend=r.uniform(-1, 1), rim=0)
        for k in range(r.choice((2, 3, 3))):
            y = 7 + 2.6 * k + r.uniform(-0.4, 0.4)
            side = 1 if k % 2 else -1
            _stroke(c, 8 + side * (wide - 0.6 - 0.5 * k), y, 8 + side * 0.5, y, p.ORANGE, 1, body)


def aubergine(c: Canvas, r):
    """An aubergine: a dark club with a green cap."""
    skin = r.choice((p.PURPLE, p.PURPLE, p.VIOLET))
    wide, narrow = r.uniform(3.5, 4.6), r.uniform(1.9, 2.5)
    with c.frame(angle=r.uniform(28, 52), dx=0.2, dy=-0.2):
        bend = r.uniform(-1.5, 1.5)
        points = [(1.0, narrow * 0.7), (3, narrow), (6.5, narrow + 0.6), (11.4, wide), (14.4, wide * 0.8), (16.4, 0)]
        c.lathe(8, points, skin, bend=bend)
        x = 8 - bend * 0.3
        for k in range(3):
            _pixel_at(c, x + bend * 0.4 - narrow * 0.5 - 0.3 * k, 8 + k, skin, 4)
        c.limb(x - bend * 0.5, -1.8, 0.9, x, 1.5, 0.9, p.GREEN)
        reach = r.uniform(2.6, 4.0)
        for rim in (0, None):  # again without rims, which would leave nothing of such small leaves
            for side in (-1, 1, 0):
                _leaf(c, x, 1.0, reach + 0.6 * (side == 0), 90 - side * 42, p.GREEN, 1.1, rim)
            c.ellipse(x, 1.3, narrow + 0.3, 1.1, p.GREEN, rim=rim)


def corn(c: Canvas, r):
    """A corn cob with its husk drawn down."""
    wide, husk = r.uniform(3.0, 4.0), r.choice((p.GREEN, p.LIME, p.GREEN))
    with c.frame(angle=r.uniform(-32, 32)):
        points = [(0.4, 0), (2, wide * 0.7), (4.5, wide * 0.95), (8, wide), (14, wide * 0.7)]
        body = c.lathe(8, points, p.YELLOW)
        rows, cols = np.indices((16, 16))
        kernels = body & ((rows + cols) % 2 == 0)
        tones = c.tone.copy()
        for tone, (ramp, darker) in {3: (p.YELLOW, 2), 2: (p.YELLOW, 1), 1: (p.ORANGE, 1)}.items():
            _recolour(c, kernels & (tones == tone), ramp, darker)
        spread = r.uniform(24, 46)
        for side in (-1, 1):
            _leaf(c, 8, 15.6, r.uniform(8, 10), -90 + side * spread, husk, r.uniform(1.7, 2.1))
        if r.random() < 0.5:
            _leaf(c, 8, 15.8, r.uniform(5, 6.5), -90 + r.uniform(-6, 6), husk, 1.8)


def broccoli(c: Canvas, r):
    """Broccoli: a bumpy dark green crown on a pale trunk."""
    crown = r.choice((p.GREEN, p.FOREST, p.GREEN))
    w = r.uniform(1.6, 2.4)
    with c.frame(angle=r.uniform(-14, 14), cy=9):
        c.limb(8, 9, w, 8, 14, w * r.uniform(0.9, 1.15), p.LIME)
        for side in (-1, 1):
            c.limb(8, 12, 1.0, 8 + side * 3.6, 8.6, 1.0, p.LIME)
        spots = [
            (3.8, 7.6, 2.6),
            (12.2, 7.6, 2.6),
            (8, 8.2, 2.4),
            (5.2, 4.6, 2.6),
            (10.8, 4.6, 2.6),
            (8, 3.6, 2.5),
            (8, 6.2, 2.3),
        ]
        for x, y, size in spots:
            c.ellipse(
                x + r.uniform(-0.6, 0.6),
                y + r.uniform(-0.5, 0.5),
                size + r.uniform(-0.3, 0.4),
                size + r.uniform(-0.3, 0.3),
                crown,
                rim=1,
            )


def _finished(draw):
    """The kind: what this function draws, mirrored in one half of the cases (the light stays), finished."""

    def kind(c: Canvas, r):
        c.flip = r.random() < 0.5
        draw(c, r)
        _trim_centre_and_outline(c)

    return kind


_ALL = (apple, pear, cherries, grapes, banana, strawberry, watermelon_slice, pineapple, carrot, aubergine, corn, broccoli)
KINDS = {f.__name__.replace("_", " "): _finished(f) for f in _ALL}
