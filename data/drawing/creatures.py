"""Animals seen from the front or from above (and one fish), sixteen pixels square."""

import itertools
import math

from . import palette as p
from .canvas import Canvas
from .parts import eyes, glints, pixel_pair, row_mask

# ---------------------------------------------------------------- helpers


def _ellipses(c, x, y, rx, ry, ramp, rim=None, tone=None, clip=None):
    """An ellipse at x and its mirror image."""
    a = c.ellipse(x, y, rx, ry, ramp, rim=rim, tone=tone, clip=clip)
    return a | c.ellipse(16 - x, y, rx, ry, ramp, rim=rim, tone=tone, clip=clip)


def _limbs(c, x0, y0, r0, x1, y1, r1, ramp, rim=None):
    """A limb and its mirror image."""
    a = c.limb(x0, y0, r0, x1, y1, r1, ramp, rim=rim)
    return a | c.limb(16 - x0, y0, r0, 16 - x1, y1, r1, ramp, rim=rim)


def _polygons(c, points, ramp, rim=None, bevel=1.5):
    """A polygon and its mirror image."""
    a = c.polygon(points, ramp, rim=rim, bevel=bevel)
    return a | c.polygon([(16 - x, y) for x, y in points], ramp, rim=rim, bevel=bevel)


def _dot_pairs(c, columns, row, ramp, tone):
    """Pixels at these distances (0 is the column right of the middle) on both sides of the middle."""
    for k in columns:
        pixel_pair(c, 8 + k, row, ramp, tone)


def _tall_or_big_eyes(c, r, k, row):
    """Two dark eyes, inner column at distance k: one pixel wide, two wide, or two wide with a glint at the top left."""
    style = r.choice(("tall", "big", "glint"))
    eyes(c, k, row, 1 if style == "tall" else 2, 2)
    if style == "glint":
        glints(c, k, row, 2)


def _wire(c, points, ramp, mirror=False):
    """A one-pixel line through points, where nothing has been painted: thin legs and feelers, after the outline."""
    for (x0, y0), (x1, y1) in itertools.pairwise(c.point(x, y) for x, y in points):
        n = max(1, math.ceil(max(abs(x1 - x0), abs(y1 - y0))))
        for k in range(n + 1):
            x, y = math.floor(x0 + (x1 - x0) * k / n), math.floor(y0 + (y1 - y0) * k / n)
            x = 15 - x if mirror else x
            if 0 <= x < 16 and 0 <= y < 16 and c.material[y, c.column(x)] < 0:
                c.pixel(x, y, ramp, 0)


def _wires(c, points, ramp):
    """A wire left of the middle and its mirror image."""
    _wire(c, points, ramp)
    _wire(c, points, ramp, mirror=True)


# ---------------------------------------------------------------- crawling and flying, from above


def bat(c: Canvas, r):
    """Bright scalloped wings, spread; a dark body with big ears, eyes and fangs."""
    fur, skin = r.choice(
        (
            (p.BLACK, p.PURPLE),
            (p.BLACK, p.CRIMSON),
            (p.BLACK, p.SLATE),
            (p.BROWN, p.TAN),
            (p.NAVY, p.VIOLET),
            (p.PURPLE, p.MAGENTA),
            (p.BROWN, p.COPPER),
            (p.SLATE, p.GREY),
            (p.BLACK, p.VIOLET),
        )
    )
    lift, drop = r.uniform(-1.0, 3.0), r.uniform(-0.6, 1.8)
    y, tip, middle = 8.4, r.uniform(0.6, 2.2), r.uniform(3.4, 4.2)
    _polygons(
        c,
        [
            (7, y - 1),
            (5, y - 0.8),
            (3, y - 2.2 - lift),
            (tip, y - 4 - lift),
            (1, y - lift * 0.5 + drop + 2.4),
            (middle - 1.2, y - lift * 0.3 + 0.8),
            (middle, y + 4.4 + drop * 0.5),
            (5.2, y + 1.8),
            (7, y + 4.5),
        ],
        skin,
        bevel=0.8,
    )
    rx, ear, lean = r.uniform(2.4, 3.1), r.uniform(3.2, 4.8), r.uniform(-0.8, 0.6)
    _polygons(c, [(8 - rx, y), (8 - rx - lean, y - 1.4 - ear), (7.7, y - 2)], fur)
    c.ellipse(8, y + 0.6, rx, r.uniform(3.6, 4.6), fur)
    eye = r.choice((p.YELLOW, p.RED, p.WHITE, p.LIME))
    for row in (6, 7) if r.random() < 0.4 else (7,):
        _dot_pairs(c, (1,), row, eye, 3)
    _dot_pairs(c, (0, 1), 9, fur, 0)
    _dot_pairs(c, (1,), 10, p.WHITE, 4)
    c.outline()


def spider(c: Canvas, r):
    """A round body with eight thin jointed legs."""
    ramp = r.choice((p.BLACK, p.BLACK, p.PURPLE, p.BROWN, p.SLATE, p.CRIMSON))
    mark = r.choice((p.RED, p.YELLOW, p.ORANGE, p.LIME, p.WHITE))
    rx, ry = r.uniform(3.4, 4.4), r.uniform(3.0, 4.0)
    hx, hy, top = r.uniform(1.9, 2.7), r.uniform(1.7, 2.3), r.uniform(5.6, 6.8)
    c.ellipse(8, top, rx, ry, ramp)
    head = top + ry + hy * 0.5
    hourglass, dots = (((0, 1), (0,), (0, 1)), ((1,), (), (1,)))
    for row, columns in enumerate(r.choice(((), hourglass, hourglass, dots))):
        _dot_pairs(c, columns, int(top) - 1 + row, mark, 2)
    c.ellipse(8, head, hx, hy, ramp, rim=0)
    h = int(head)
    _dot_pairs(c, (0,) if r.random() < 0.4 else (1,), h - 1, r.choice((p.RED, p.WHITE, p.LIME, p.YELLOW)), 3)
    if r.random() < 0.5:
        _dot_pairs(c, (0,), h + 1, p.WHITE, 3)
    c.outline()
    middle = (top + head) / 2
    for k in range(4):
        knee = middle + (-4.6, -2.0, 0.8, 2.6)[k] + r.uniform(-0.9, 0.6)
        foot = (1.5, 6.0, 10.0, 14.0)[k] + r.uniform(-0.6, 0.8)
        out = (2.0, 1.0, 1.0, 2.6)[k] + r.uniform(-0.3, 1.0)
        _wires(c, [(6, middle - 1 + k * 0.8), (3.4 + r.uniform(-0.5, 0.7), knee), (out, min(foot, 14))], ramp)


def bee(c: Canvas, r):
    """A striped yellow body from above, with two pairs of clear wings and a sting."""
    angle = r.choice((0, 0, 0, 40, -40)) + r.uniform(-8, 8)
    yellow = r.choice((p.YELLOW, p.YELLOW, p.ORANGE))
    rx, ry = r.uniform(2.8, 3.9), r.uniform(4.0, 4.8)
    spread, wl = r.uniform(0.5, 2.5), r.uniform(2.6, 3.4)
    with c.frame(angle=angle):
        c.polygon([(7.2, 12), (8, 15.6), (8.8, 12)], p.BLACK, tone=1)
        _limbs(c, 6.5, 6.5, 1.0, 3.6, 9.0 + spread * 0.3, wl * 0.5, p.GLASS)
        _limbs(c, 6.5, 6.0, 1.2, 2.6, 5.6 - spread * 0.5, wl * 0.62, p.GLASS, rim=1)
        body = c.ellipse(8, 9.3, rx, ry, yellow, rim=0)
        for k in range(3):
            y = 7.6 + k * 2.4
            c.box(0, y, 16, y + 1.2, p.BLACK, tone=1, clip=body)
        c.ellipse(8, 4.0, rx * 0.72, 2.2, r.choice((p.BLACK, p.BROWN)), rim=0)
        _ellipses(c, 8 - rx * 0.6, 3.8, 0.95, 1.1, p.WHITE, tone=3, clip=c.filled())
    c.outline()
    with c.frame(angle=angle):
        for side in (-1, 1):
            _wire(c, [(8 + side, 3), (8 + side * r.uniform(2, 3.4), 0.4)], p.BLACK)


def butterfly(c: Canvas, r):
    """Four patterned wings, mirrored, with a thin body and feelers."""
    edge, wing, spot = r.choice(
        (
            (p.BLACK, p.ORANGE, p.YELLOW),
            (p.NAVY, p.SKY, p.WHITE),
            (p.BLACK, p.YELLOW, p.RED),
            (p.PURPLE, p.PINK, p.WHITE),
            (p.NAVY, p.BLUE, p.CYAN),
            (p.BLACK, p.ORANGE, p.CREAM),
            (p.FOREST, p.LIME, p.YELLOW),
            (p.CRIMSON, p.RED, p.YELLOW),
            (p.PURPLE, p.VIOLET, p.PINK),
        )
    )
    up, out, low = r.uniform(1.2, 3), r.uniform(1.0, 2.0), r.uniform(12.5, 14.8)
    lower = [(8, 8), (4, 8.2), (r.uniform(1.6, 3), 10), (r.uniform(2.4, 3.6), low - 0.6), (5, low), (7, 11)]
    upper = [(8, 9), (7, 5), (4.5, up + 0.4), (out + 0.6, up), (out, up + 2.5), (r.uniform(1.6, 2.6), 7.8), (5, 9.4)]
    pattern = r.choice(("edge", "edge", "eye", "plain"))
    for points in (lower, upper):
        _polygons(c, points, edge if pattern != "eye" else wing, rim=0)
        x, y = (sum(values) / len(points) for values in zip(*points, strict=True))
        if pattern == "eye":
            _ellipses(c, x - 0.3, y, 1.6, 1.6, edge, tone=1)
            _ellipses(c, x - 0.3, y, 0.8, 0.8, spot, tone=3)
            continue
        inner = [(x + 0.4 + (px - x) * 0.74, y + (py - y) * 0.74) for px, py in points]
        filled = _polygons(c, inner, wing, bevel=0.8)
        if pattern == "edge":
            _ellipses(c, x + 0.2, y, 0.8, 0.8, spot, tone=3, clip=filled)
    c.limb(8, 4.5, 0.7, 8, r.uniform(10.5, 12.5), 0.6, p.BLACK if edge is not p.BLACK else p.BROWN)
    c.outline()
    _wires(c, [(6, 3), (5 - r.randint(0, 1), r.choice((0, 1)))], p.BLACK)


def ladybird(c: Canvas, r):
    """A red dome with black spots, from above, on six thin legs."""
    angle = r.choice((0, 0, 35, -35, 20, -20)) + r.uniform(-6, 6)
    ramp = r.choice((p.RED, p.RED, p.RED, p.CRIMSON, p.ORANGE, p.YELLOW))
    rx, ry = r.uniform(4.7, 5.5), r.uniform(4.6, 5.3)
    with c.frame(angle=angle):
        c.ellipse(8, 4.2, rx * r.uniform(0.6, 0.72), 2.8, p.BLACK)
        body = c.ellipse(8, 9.2, rx, ry, ramp, rim=0)
        _ellipses(c, 8 - rx * 0.38, 3.3, 0.75, 0.75, p.WHITE, tone=3)
        c.box(7.5, 4, 8.5, 16, p.BLACK, tone=0, clip=body)
        spots = r.choice((((2.7, -1.8), (2.6, 2.2)), ((2.8, 0.2),), ((2.4, -2.4), (3.2, 1.2)), ((3.1, -1.2), (2.4, 2.6))))
        for x, y in spots:
            _ellipses(c, 8 - x, 9.2 + y, 1.05, 1.05, p.BLACK, tone=0, clip=body)
    c.outline()
    with c.frame(angle=angle):
        for side in (-1, 1):
            for k in range(3):
                y = 6.0 + k * 2.6
                out = r.uniform(1.6, 2.4)
                _wire(c, [(8 + side * (rx - 0.5), y), (8 + side * (rx + out), y - 1.6 + k * 1.6)], p.BLACK)
            _wire(c, [(8 + side, 3), (8 + side * r.uniform(2, 3.5), 0.4)], p.BLACK)


def turtle(c: Canvas, r):
    """A domed shell with plates, from above, with head, tail and four feet."""
    angle = r.choice((0, 0, 30, -30, 45, -45)) + r.uniform(-8, 8)
    skin, shell = r.choice(
        (
            (p.LIME, p.FOREST),
            (p.GREEN, p.BROWN),
            (p.LIME, p.BROWN),
            (p.OLIVE, p.BROWN),
            (p.TEAL, p.GREEN),
            (p.TAN, p.OLIVE),
            (p.GREEN, p.OLIVE),
        )
    )
    rx, ry = r.uniform(4.0, 4.9), r.uniform(4.2, 5.0)
    reach, swing = r.uniform(1.0, 1.35), r.uniform(-1.2, 1.2)
    foot = r.uniform(1.1, 1.6)
    with c.frame(angle=angle):
        c.limb(8, 13, 0.9, 8, 15, 0.4, skin)
        _limbs(c, 5.5, 6.5, 1.2, 8 - 5.2 * reach, 4.6 + swing, foot, skin)
        _limbs(c, 5.5, 11, 1.2, 8 - 4.6 * reach, 13.4 + swing * 0.3, foot * 0.9, skin)
        c.limb(8, 5, 1.3, 8, r.uniform(2.3, 3.2), r.uniform(1.6, 2.1), skin)
        _ellipses(c, 7.0, 2.2, 0.55, 0.7, p.BLACK, tone=0, clip=c.filled())
        body = c.ellipse(8, 9, rx, ry, shell, rim=0)
        w = r.uniform(1.5, 2.0)
        for side in (-1, 1):  # seams between the plates
            for y in (9 - w, 9 + w):
                c.limb(8 + side * w, y, 0.4, 8 + side * rx, y + (y - 9) * 1.1, 0.4, shell, tone=0, clip=body)
        plate = [(8 - w, 9 - w), (8, 9 - w * 1.5), (8 + w, 9 - w), (8 + w, 9 + w), (8, 9 + w * 1.5), (8 - w, 9 + w)]
        c.polygon(plate, shell, tone=3, rim=0)
    c.outline()


# ---------------------------------------------------------------- water


def fish(c: Canvas, r):
    """A bright fish from the side, with fins, a tail and stripes, spots or a pale belly."""
    c.flip = r.random() < 0.5
    ramp, other = r.choice(
        (
            (p.ORANGE, p.WHITE),
            (p.YELLOW, p.BLACK),
            (p.SKY, p.YELLOW),
            (p.BLUE, p.YELLOW),
            (p.RED, p.WHITE),
            (p.TEAL, p.ORANGE),
            (p.VIOLET, p.YELLOW),
            (p.LIME, p.TEAL),
            (p.PINK, p.MAGENTA),
            (p.CYAN, p.BLUE),
        )
    )
    fin = r.choice((other, ramp)) if other is not p.BLACK else ramp
    rx, ry = r.uniform(4.6, 5.3), r.uniform(3.6, 5.2)
    top, tail = r.uniform(2.0, 3.6), r.uniform(2.6, 4.4)
    y = 8.5
    c.polygon([(4, y - ry + 1), (r.uniform(5, 7), y - ry - top + 1), (9.5, y - ry - top + 1.6), (10, y)], fin, bevel=0.7)
    c.polygon([(5, y + ry - 1), (7, y + ry + top * 0.6), (9, y)], fin, bevel=0.7)
    c.polygon([(9.5, y), (15, y - tail), (r.uniform(12.6, 14.2), y), (15, y + tail)], fin, bevel=1.2)
    body = c.ellipse(6.4, y, rx, ry, ramp, rim=0)
    pattern = r.choice(("stripes", "stripes", "belly", "spots"))
    if pattern == "stripes":
        w = r.uniform(0.7, 1.1)
        for x in (7.2, 10) if r.random() < 0.7 else (8,):
            c.ellipse(x - 0.8, y, w, ry, other, clip=body, rim=1 if other is p.WHITE else None)
    elif pattern == "belly":
        c.ellipse(6.5, y + ry, rx, ry * 0.75, p.CREAM, clip=body)
    else:
        for _ in range(4):
            c.pixel(r.randint(6, 10), int(y + r.uniform(-ry, ry) * 0.6), other, 2)
    c.limb(7.4, y + 1.2, 0.6, 8.8, y + 1.8, 0.9, fin, rim=1)
    c.ellipse(4.5, 7.5, 1.6, 1.6, p.WHITE, tone=4, clip=body)
    c.pixel(4, 7, p.BLACK, 0)
    c.pixel(2, 10, p.BLACK, 0)
    c.outline()


def crab(c: Canvas, r):
    """A wide shell, two raised claws, eyes on stalks, legs at the sides."""
    ramp = r.choice((p.RED, p.RED, p.RED, p.ORANGE, p.ORANGE, p.CRIMSON, p.BLUE, p.VIOLET))
    rx, ry = r.uniform(4.6, 5.6), r.uniform(2.8, 3.6)
    cy = 10.2
    claw, lift = r.uniform(1.9, 2.5), r.uniform(3.2, 5.2)
    x = r.uniform(2.7, 3.5)
    _limbs(c, 4, 9.5, 0.8, x - 0.5, lift + 2, 0.8, ramp)
    _ellipses(c, x, lift, claw, claw * r.uniform(0.95, 1.2), ramp)
    notch = x + r.uniform(0, 1.1)
    for x in (notch, 16 - notch):
        c.cut_ellipse(x, lift - claw, 0.75, 1.7)
    for k in range(2):
        _limbs(c, 5 + k, 11.5 + k, 0.7, r.uniform(1.4, 2.4) + k * 2, r.uniform(12.4, 13.8) + k * 0.9, 0.6, ramp)
    c.ellipse(8, cy, rx, ry, ramp, rim=0, power=r.choice((2, 2.4)))
    stalk = r.choice((6, 7, 8))  # eyes above the shell or on it
    for row in (stalk, stalk + 1):
        _dot_pairs(c, (1, 2), row, p.WHITE, 4)
        _dot_pairs(c, (1,), row, p.BLACK, 0)
    smile = r.choice(("smile", "line", "none"))
    if smile != "none":
        _dot_pairs(c, (0, 1), 11, p.BLACK, 0)
        if smile == "smile":
            _dot_pairs(c, (2,), 10, p.BLACK, 0)
    else:
        _dot_pairs(c, (1, 3), 11, ramp, 1)
    c.outline()


def octopus(c: Canvas, r):
    """A big round head with two eyes over curling arms."""
    ramp = r.choice((p.RED, p.ORANGE, p.PINK, p.MAGENTA, p.VIOLET, p.PURPLE, p.BLUE, p.TEAL))
    rx, ry = r.uniform(4.2, 5.4), r.uniform(4.2, 5.0)
    cy = 1 + ry
    for x1, y1, x2, y2 in (
        (3 + r.uniform(-0.5, 0.5), 10.5, 1.6, 9 + r.uniform(-2, 1)),
        (3.4 + r.uniform(-0.4, 0.4), 13, 1.6 + r.uniform(0, 0.8), 13.6 - r.uniform(-0.6, 1.6)),
        (6.4, 13, 5.6 + r.uniform(-0.9, 0.9), 14.2),
    ):
        _limbs(c, 6.8, 9, 1.5, x1, y1, 1.05, ramp, rim=0)
        _limbs(c, x1, y1, 1.05, x2, y2, 0.7, ramp)
    c.ellipse(8, cy, rx, ry, ramp, power=r.uniform(2, 2.5))
    c.ellipse(8, 9, rx * 0.75, 2.2, ramp)
    row = int(cy) + r.choice((0, 1))
    _ellipses(c, 5.5, row + 1, 1.6, 1.6, p.WHITE, tone=4)
    pupil = r.choice(((1, 2), (2,), (1,)))
    _dot_pairs(c, pupil, row, p.BLACK, 0)
    _dot_pairs(c, pupil, row + 1, p.BLACK, 0)
    mouth = r.choice(("o", "smile", "none"))
    if mouth != "none":
        _dot_pairs(c, (0,), row + 3, p.BLACK, 0)
        if mouth == "smile":
            _dot_pairs(c, (1,), row + 2, p.BLACK, 0)
    for k in range(3):
        if r.random() < 0.6:
            _dot_pairs(c, (5 - k,), 11 + k, p.PINK if ramp is not p.PINK else p.WHITE, 3)
    c.outline()


def jellyfish(c: Canvas, r):
    """A glowing bell over long wavy tentacles."""
    ramp, other = r.choice(
        (
            (p.PINK, p.MAGENTA),
            (p.SKY, p.BLUE),
            (p.VIOLET, p.PINK),
            (p.CYAN, p.TEAL),
            (p.MAGENTA, p.VIOLET),
            (p.CYAN, p.VIOLET),
            (p.PINK, p.VIOLET),
        )
    )
    rx, ry = r.uniform(5.4, 6.7), r.uniform(4.4, 5.4)
    base = 1 + ry
    n = r.choice((3, 4))
    wave, phase, speed = r.uniform(0.5, 0.9), r.choice((0, math.pi)), r.uniform(1.1, 1.7)
    for k in range(n):
        x = 8 + (k - (n - 1) / 2) * (4.2 if n == 3 else 3.1)
        end = r.uniform(12.6, 14.6)
        points = [(x + wave * math.sin(phase + j * speed), base + j * (end - base) / 6) for j in range(7)]
        for (x0, y0), (x1, y1) in itertools.pairwise(points):
            c.limb(x0, y0, 0.65, x1, y1, 0.6, other)
    above = c.ellipse(8, base, rx, ry, ramp, power=2.2, clip=row_mask(0, int(base) + 1))
    for k in range(4):  # a scalloped hem
        c.ellipse(8 + (k - 1.5) * rx * 0.5, base + 0.6, rx * 0.25, r.uniform(1.0, 1.6), ramp)
    c.ellipse(8 - rx * 0.45, base - ry * 0.55, 1.3, 0.9, p.WHITE, tone=4, clip=above)
    if r.random() < 0.7:
        _tall_or_big_eyes(c, r, 1, int(base) - 2)
        _dot_pairs(c, (0,), int(base), p.BLACK, 0)
    c.outline()


# ---------------------------------------------------------------- whole animals from the front


def owl(c: Canvas, r):
    """Two huge eyes, ear tufts, folded wings, a speckled belly."""
    ramp, light = r.choice(
        (
            (p.BROWN, p.TAN),
            (p.TAN, p.CREAM),
            (p.GREY, p.WHITE),
            (p.SLATE, p.GREY),
            (p.WHITE, p.CREAM),
            (p.COPPER, p.CREAM),
            (p.BROWN, p.CREAM),
        )
    )
    rx = r.uniform(5.0, 6.3)
    tuft = r.uniform(1.0, 2.2)
    body = c.ellipse(8, 8.9, rx, 5.8, ramp, power=r.uniform(2.3, 3.2))
    _polygons(c, [(2.6, 5.5), (r.uniform(1.4, 3), tuft), (7, 3.4)], ramp)
    c.ellipse(8, 12, rx - 2, 3.4, light, clip=body)
    for row, columns in ((10, (1,)), (11, (0, 2)), (12, (1,)), (13, (0,))):
        _dot_pairs(c, columns, row, ramp, 1)
    _ellipses(c, 8.5 - rx, 10 + r.uniform(-0.5, 0.8), r.uniform(1.2, 2.0), r.uniform(3.0, 4.0), ramp, rim=0)
    _ellipses(c, 5, 6, 2.6, 2.6, light if light is not ramp else p.WHITE, rim=0)
    _ellipses(c, 5, 6, 1.8, 1.8, r.choice((p.YELLOW, p.YELLOW, p.ORANGE, p.LIME)), tone=2)
    for row in (5, 6):
        _dot_pairs(c, (2, 3), row, p.BLACK, 0)
    c.pixel(4, 5, p.WHITE, 4)
    c.pixel(10, 5, p.WHITE, 4)
    _dot_pairs(c, (0,), 7, p.ORANGE, 3)
    _dot_pairs(c, (0,), 8, p.ORANGE, 1)
    _dot_pairs(c, (1, 3) if r.random() < 0.5 else (1, 2), 14, p.ORANGE, 2)
    c.outline()


def frog(c: Canvas, r):
    """Eyes on top, a wide mouth, bent legs at the sides."""
    ramp = r.choice((p.GREEN, p.GREEN, p.LIME, p.LIME, p.FOREST, p.OLIVE, p.TEAL))
    rx, ry = r.uniform(5.6, 6.7), r.uniform(3.2, 4.0)
    cy = r.uniform(7.4, 8.2)
    bulge = r.uniform(2.7, 3.2)
    _ellipses(c, r.uniform(3.0, 4.2), r.uniform(11.4, 12.6), r.uniform(2.0, 2.6), r.uniform(2, 2.6), ramp)
    c.ellipse(8, 11.5, 4.2, 3.4, ramp, rim=0)
    c.ellipse(8, 12, 2.8, 2.8, r.choice((p.CREAM, p.YELLOW)), tone=3)
    _limbs(c, 5.4, 11, 0.8, 5.0, 13.6, 0.9, ramp, rim=0)
    _ellipses(c, r.uniform(2.0, 3.8), 14.2, r.uniform(1.2, 1.8), 0.9, ramp, rim=0)
    _ellipses(c, 4, 4, bulge, bulge, ramp)
    c.ellipse(8, cy, rx, ry, ramp, rim=0)
    _ellipses(c, 4, 4, bulge - 0.1, bulge - 0.1, ramp)
    _ellipses(c, 4, 4, 1.9, 1.9, r.choice((p.WHITE, p.WHITE, p.YELLOW)), tone=3)
    for row in (3, 4):
        _dot_pairs(c, (3, 4) if r.random() < 0.6 else (3,), row, p.BLACK, 0)
    row = int(cy) + 1
    wide = int(rx) - 2
    _dot_pairs(c, range(wide), row, p.BLACK, 0)
    _dot_pairs(c, (wide,), row - 1, p.BLACK, 0)
    _dot_pairs(c, (0,), row - 2, ramp, 1)
    if r.random() < 0.3:
        c.box(7, row, 9, row + r.choice((3, 4)), p.PINK, rim=0)
    if r.random() < 0.4:
        _dot_pairs(c, (4,), row + 1, p.PINK, 2)
    c.outline()


# ---------------------------------------------------------------- faces


def bear(c: Canvas, r):
    """A round head with small round ears and a pale muzzle; also the panda and the polar bear."""
    ramp, ear, patch = r.choice(
        (
            (p.BROWN, p.BROWN, None),
            (p.COPPER, p.COPPER, None),
            (p.TAN, p.TAN, None),
            (p.WHITE, p.BLACK, p.BLACK),
            (p.WHITE, p.BLACK, p.BLACK),
            (p.WHITE, p.WHITE, None),
            (p.SLATE, p.SLATE, None),
        )
    )
    rx, ry = r.uniform(5.6, 6.7), r.uniform(4.8, 5.6)
    size, x = r.uniform(1.9, 2.7), r.uniform(3.0, 4.0)
    _ellipses(c, x, 3.6, size, size, ear)
    if patch is None:
        _ellipses(c, x, 3.8, size - 1.1, size - 1.1, p.PINK if ramp is p.WHITE else p.CREAM, tone=2)
    head = c.ellipse(8, 9.2, rx, ry, ramp, power=r.uniform(2, 2.6), rim=0 if patch else None)
    light = p.CREAM if ramp is not p.WHITE else p.WHITE
    if patch:
        _ellipses(c, 4.6, 8.4, r.uniform(1.4, 1.8), r.uniform(1.8, 2.2), p.BLACK, tone=1, clip=head)
        _dot_pairs(c, (2,), 8, p.WHITE, 4)
    else:
        c.ellipse(8, 11.6, r.uniform(2.6, 3.4), r.uniform(2.2, 2.7), light, clip=head, rim=1)
        _tall_or_big_eyes(c, r, 2, 7)
    _dot_pairs(c, (0, 1), 10, p.BLACK, 0)
    _dot_pairs(c, (0,), 11, p.BLACK, 0)
    smile = r.random() < 0.6
    _dot_pairs(c, (1,) if smile else (0,), 12, p.BLACK, 0)
    if not smile:
        _dot_pairs(c, (0,), 13, p.RED, 2)
    c.outline()


KINDS = {
    "bat": bat,
    "spider": spider,
    "bee": bee,
    "butterfly": butterfly,
    "ladybird": ladybird,
    "turtle": turtle,
    "fish": fish,
    "crab": crab,
    "octopus": octopus,
    "jellyfish": jellyfish,
    "owl": owl,
    "frog": frog,
    "bear": bear,
}
