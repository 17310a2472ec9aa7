"""Prepared food and drinks: baked, cooked, sweet, and in cups and glasses."""

import math

import numpy as np

from . import palette as p
from .canvas import Canvas
from .parts import row_mask

SPRINKLES = (p.RED, p.YELLOW, p.CYAN, p.LIME, p.WHITE, p.BLUE, p.ORANGE)
ICE_CREAMS = (p.PINK, p.CREAM, p.BROWN, p.LIME, p.WHITE, p.MAGENTA, p.CYAN, p.ORANGE)
CERAMICS = (p.WHITE, p.RED, p.BLUE, p.SKY, p.TEAL, p.GREEN, p.ORANGE, p.VIOLET, p.PINK, p.YELLOW)


def _cherry(c, r, x, y):
    """A cherry of 2 to 3 pixels with a glint and perhaps a stem."""
    size = r.choice((1.0, 1.5))
    c.ellipse(x, y, size + 0.1, size + 0.1, p.RED, rim=0)
    c.pixel(math.floor(x - size), math.floor(y - size + 0.5), p.PINK, 3)
    if r.random() < 0.5:
        c.line(math.floor(x), math.floor(y - size - 1), math.floor(x + 1), math.floor(y - size - 2), p.FOREST, 1)


def _scatter(c, r, mask, ramps, n, tone=2):
    """Scatter up to n single pixels within a mask, no two of them touching; the border of the mask stays free."""
    cells = [(x, y) for y in range(1, 15) for x in range(1, 15) if mask[y, x]]
    cells = [(x, y) for x, y in cells if all(mask[y + j, x + i] for i, j in ((0, 1), (1, 0), (0, -1), (-1, 0)))]
    r.shuffle(cells)
    used = []
    for x, y in cells:
        if len(used) < n and all(max(abs(x - a), abs(y - b)) > 1 for a, b in used):
            used.append((x, y))
            c.pixel(c.column(x), y, r.choice(ramps), tone)


def _trim_and_outline(c):
    """Remove single pixels that stick out of a round form, then outline it."""
    m = c.filled()
    padded = np.pad(m, 1).astype(int)
    beside = padded[:-2, 1:-1] + padded[2:, 1:-1] + padded[1:-1, :-2] + padded[1:-1, 2:]
    c.material[m & (beside <= 1)] = -1
    c.outline()


def _steam(c, r, xs, y0, y1):
    """Thin waves of steam; drawn after the outline, because they have none."""
    for x in xs:
        phase = r.randint(0, 3)
        for y in range(y0, y1 + 1):
            c.pixel(x + ((y + phase) // 2) % 2, y, p.GREY, 3)


def bread(c: Canvas, r):
    """A loaf with pale slashes: round, long, or a baguette."""
    c.flip = r.random() < 0.5
    long = r.random() < 0.4
    rx, ry = (r.uniform(7.8, 9.0), r.uniform(2.2, 3.2)) if long else (r.uniform(6.2, 7.2), r.uniform(3.8, 5.2))
    with c.frame(angle=r.uniform(-48, -30) if long else r.uniform(-28, 0)):
        body = c.ellipse(8, 8, rx, ry, p.GOLD, power=r.uniform(2.0, 2.8))
        n = r.choice((3, 4)) if long else r.choice((2, 3, 3))
        for k in range(n):
            x = 8 + (k - (n - 1) / 2) * rx * 1.3 / n
            c.limb(x + 1.0, 8 - ry * 0.7, 0.7, x - 0.7, 8 + ry * 0.15, 0.7, p.CREAM, tone=3, rim=1, clip=body)
    _trim_and_outline(c)


def cheese(c: Canvas, r):
    """A yellow wedge with holes, its tip to one side."""
    c.flip = r.random() < 0.5
    paste, left, right = r.choice((p.YELLOW, p.YELLOW, p.YELLOW, p.GOLD, p.ORANGE)), r.uniform(6, 8.5), r.uniform(5.5, 7.5)
    bottom, hole = r.uniform(12.8, 14.8), p.BROWN if paste is p.ORANGE else p.ORANGE
    front = c.polygon([(1, left), (15, right), (15, bottom), (1, bottom)], paste, tone=2)
    c.polygon([(1, left), (r.uniform(8.5, 12), r.uniform(1.5, 3.5)), (15, right)], paste, tone=3)
    for x, y in ((3.7, 11.2), (7.8, 10.6), (12.1, 10.6)):
        size = r.uniform(0.8, 1.7)
        c.ellipse(x + r.uniform(-0.8, 0.8), y + r.uniform(-1, 1), size, size, hole, tone=1, clip=front)
    c.ellipse(r.uniform(8, 11), r.uniform(5, 5.6), r.uniform(0.8, 1.4), 0.7, paste, tone=1)
    if r.random() < 0.6:
        c.cut_ellipse(r.uniform(4, 12), bottom + 0.4, r.uniform(1.2, 1.8), r.uniform(1.2, 1.8))
    if r.random() < 0.4:
        c.cut_ellipse(15.4, r.uniform(9, 12), r.uniform(1.2, 1.9), 1.5)
    c.outline()


def drumstick(c: Canvas, r):
    """Roast chicken leg, with a bone that ends in two knobs."""
    c.flip = r.random() < 0.5
    meat, w, h = r.choice((p.COPPER, p.COPPER, p.LIGHT_WOOD, p.LEATHER)), r.uniform(3.9, 5.0), r.uniform(3.8, 4.8)
    with c.frame(angle=r.uniform(32, 58)):
        end = r.uniform(14.6, 15.6)
        c.limb(8, 10, 1.0, 8, end, 1.0, p.BONE)
        for side in (-1, 1):
            c.ellipse(8 + side * 1.2, end + 0.5, 1.3, 1.3, p.BONE)
        c.ellipse(8, 4.2, w, h, meat, rim=0)
        c.limb(8, 5, w - 0.3, 8, r.uniform(10, 11), 1.3, meat, rim=0)
        leg, style = c.ellipse(8, 4.2, w, h, meat), r.random()
        if style < 0.3:  # a bite
            c.cut_ellipse(8 - w - 0.4, 2.6, 2.2, 2.2)
        elif style < 0.6:  # marks of the grill
            for k in (0, 2.6):
                c.limb(8 - w * 0.6, 3 + k, 0.45, 8 + w * 0.5, 4.5 + k, 0.45, meat, tone=1, clip=leg)
    _trim_and_outline(c)


def fried_egg(c: Canvas, r):
    """A wavy white with a bright yolk."""
    n, turn, yolk, size = r.choice((5, 6, 7)), r.uniform(0, 6), r.choice((p.YELLOW, p.GOLD, p.ORANGE)), r.uniform(2.4, 3.2)
    with c.frame(sy=r.uniform(0.75, 1.0)):
        white = c.ellipse(8, 8, 4.8, 4.8, p.WHITE, tone=3)
        for k in range(n):
            a, d, bulge = turn + k * 6.28 / n + r.uniform(-0.2, 0.2), r.uniform(3.6, 4.6), r.uniform(1.8, 2.8)
            white = white | c.ellipse(8 + d * math.cos(a), 8 + d * math.sin(a), bulge, bulge, p.WHITE, tone=3)
    c.shade(white & ~np.roll(white, -1, axis=0))  # the lower edge
    x, y = 8 + r.uniform(-1.4, 1.4), 8 + r.uniform(-1, 0.8)
    c.ellipse(x, y, size, size * 0.95, yolk, rim=2, clip=white)
    c.pixel(math.floor(x - size * 0.4), math.floor(y - size * 0.4), p.WHITE, 3)
    _trim_and_outline(c)


def cake_slice(c: Canvas, r):
    """A wedge of layer cake, its tip to one side, with something red on top."""
    c.flip = r.random() < 0.5
    sponge, icing = r.choice(
        (
            (p.TAN, p.PINK),
            (p.TAN, p.WHITE),
            (p.BROWN, p.PINK),
            (p.BROWN, p.WHITE),
            (p.TAN, p.BROWN),
            (p.CRIMSON, p.CREAM),
            (p.YELLOW, p.WHITE),
            (p.YELLOW, p.PINK),
            (p.BROWN, p.CREAM),
        )
    )
    top, back, bottom = r.uniform(6.5, 8), r.uniform(3, 4.2), r.uniform(13.5, 14.8)
    front = c.box(1, top, 15, bottom, sponge, tone=2)
    mid = (top + 1 + bottom) / 2
    c.box(1, mid, 15, mid + 1.1, r.choice((icing, p.RED if sponge is p.YELLOW else p.CREAM)), tone=3, clip=front)
    c.polygon([(1, top), (r.uniform(9, 12), back), (15, top)], icing, tone=3)
    c.box(1, top, 15, top + 1.2, icing, tone=2)
    for x in range(1, 15, r.choice((2, 3))):
        if r.random() < 0.6:
            c.box(x, top, x + 1, top + 2.3, icing, tone=2)
    c.box(14, top, 15, bottom, icing, tone=1 if icing is not p.WHITE else 2)
    x = r.choice((10, 11, 12))
    if r.random() < 0.7:
        c.ellipse(x + 0.5, top - 1.5, 2.4, 1.3, r.choice((icing, p.WHITE)), rim=1)
        _cherry(c, r, x + 0.5, back - 0.4)
    else:  # a strawberry
        c.polygon([(x - 1.6, back - 1), (x + 1.6, back - 1), (x, back + 3)], p.RED, rim=0)
        c.box(x - 1.2, back - 2, x + 1.2, back - 1, p.GREEN)
    c.outline()


def doughnut(c: Canvas, r):
    """A ring with icing and sprinkles, seen from above."""
    icing, dough = r.choice((p.PINK, p.PINK, p.BROWN, p.WHITE, p.MAGENTA, p.CYAN, p.YELLOW)), r.choice((p.TAN, p.LIGHT_WOOD))
    rx, ry, hole = r.uniform(6.2, 7.0), r.uniform(5.6, 6.9), r.choice((1.9, 1.9, 2.7))
    c.ellipse(8, 8.2, rx, ry, dough)
    top = c.ellipse(8, 7.7, rx - 0.9, ry - 1.1, icing)
    turn, n = r.uniform(0, 6), r.choice((6, 7, 8, 9))
    for k in range(n):  # the wavy edge of the icing
        a = turn + k * 2 * math.pi / n
        top = top | c.ellipse(8 + (rx - 1.7) * math.cos(a), 7.9 + (ry - 1.7) * math.sin(a), 1.25, 1.25, icing, tone=2)
    top = top & ~c.ellipse(8, 8, hole + 0.9, hole + 0.7, icing, tone=1)
    if r.random() < 0.7:
        _scatter(c, r, top, [s for s in SPRINKLES if s is not icing], r.choice((8, 10, 12)))
    else:
        for x in (4.5, 7.5, 10.5):
            c.limb(x - 1, 13, 0.5, x + 2.2, 3, 0.5, p.WHITE if icing is not p.WHITE else p.BROWN, tone=2, clip=top)
    c.cut_ellipse(8, 8, hole, hole * 0.95)
    if r.random() < 0.3:
        a = r.uniform(-2.0, 0.3)
        c.cut_ellipse(8 + 6.4 * math.cos(a), 8 + 6 * math.sin(a), 2.2, 2.2)
    _trim_and_outline(c)


def ice_cream(c: Canvas, r):
    """A waffle cone with one to three scoops or a whirl."""
    c.flip = r.random() < 0.5
    a, b, d = r.sample(ICE_CREAMS, 3)
    split, w, phase = r.uniform(8.0, 9.0), r.uniform(3.6, 4.8), r.choice((0, 2))
    waffle, soft = r.choice((p.TAN, p.GOLD, p.LIGHT_WOOD)), r.choice((p.CREAM, p.PINK, p.BROWN))
    scoops = r.choice(
        (  # x, height above the cone, radii, flavour
            [(8, 2.4, w + 1.2, r.uniform(4.2, 5), a)],
            [(8, 2.4, w + 1.2, r.uniform(4.2, 5), a)],
            [(8, 1.4, w + 0.9, 2.9, a), (8, 4.8, w * 0.82, 2.9, b)],
            [(5.2, 2.2, 3.3, 3.3, a), (10.8, 2.4, 3.3, 3.3, b)],
            [(5.2, 1.6, 3.2, 2.8, a), (10.8, 1.6, 3.2, 2.8, b), (8, 4.6, 3.3, 3.1, d)],
            [(8, 0.6 + 1.9 * k, (w + 0.9) * 0.72**k, 1.8, soft) for k in range(4)],
        )
    )
    above = row_mask(1, math.floor(split) + 1)
    with c.frame(angle=r.uniform(-10, 10), cy=10):
        cone = c.polygon([(8 - w, split), (8 + w, split), (8.8, 15.5), (7.2, 15.5)], waffle, tone=3)
        lattice = [[(x + y) % 4 == 0 or (x - y) % 4 == phase for x in range(16)] for y in range(16)]
        c.shade(cone & lattice, -2)
        for x, up, rx, ry, flavour in scoops:
            top = c.ellipse(x, split - up, rx, ry, flavour, rim=len(scoops) // 4, clip=above)
        c.box(7.6 - w, split - 0.4, 8.4 + w, split + 0.8, waffle, tone=2, rim=0)
    if r.random() < 0.4 and len(scoops) < 4:
        _scatter(c, r, top & row_mask(1, math.floor(split) - 1), SPRINKLES, 4)
    elif r.random() < 0.5 and x == 8:
        _cherry(c, r, 8, max(split - up - ry + 0.3, 2.2))
    c.outline()


def pizza(c: Canvas, r):
    """A slice, tip down, with crust, cheese and toppings."""
    w, tip, bend = r.uniform(5.6, 6.9), r.uniform(13.8, 15.4), r.uniform(-1.5, 1.5)
    meat, greens = r.choice(
        ((p.RED, ()), (p.RED, (p.GREEN, p.BLACK, p.WHITE)), (p.RED, (p.GREEN,)), (p.CRIMSON, (p.GREEN, p.FOREST)))
    )
    with c.frame(angle=r.uniform(-22, 22)):
        top = c.polygon([(8 - w + 0.6, 3), (8 + w - 0.6, 3), (8 + bend, tip)], p.YELLOW, bevel=1.0)
        for x, y in ((8 - w * 0.42, 5.6), (8 + w * 0.38, r.uniform(5.7, 7)), (8 + bend * 0.4, r.uniform(8.6, 10.2))):
            if r.random() < 0.3:  # melting over the edge
                c.limb(x, 6, 0.7, x, r.uniform(9, 11), 0.7, p.YELLOW, tone=2)
            size = r.uniform(1.2, 1.9)
            c.ellipse(x + r.uniform(-0.5, 0.5), y, size, size, meat, clip=top, rim=2)
        c.limb(8 - w, 3, 1.4, 8 + w, 3, 1.4, p.COPPER, rim=0)
    if greens:
        _scatter(c, r, top, greens, 4)
    _trim_and_outline(c)


def hamburger(c: Canvas, r):
    """Two halves of a bun with layers between them."""
    bun, w = r.choice((p.COPPER, p.TAN, p.GOLD)), r.choice((5.5, 6.0, 6.5, 7.0))
    layers = ["patty", "lettuce", *r.choice(([], ["tomato"], ["cheese"], ["cheese", "patty"], ["cheese", "tomato"]))]
    r.shuffle(layers)
    height = len(layers) + layers.count("patty")
    y = 13 - max(0, (6 - height) // 2)
    c.limb(8 - w + 1.4, y + 0.6, 1.4, 8 + w - 1.4, y + 0.6, 1.4, bun)
    for k in layers:
        y -= 1 + (k == "patty")
        if k == "patty":
            c.box(8 - w, y, 8 + w, y + 2, p.DARK_WOOD, bevel=1)
        elif k == "tomato":
            c.box(8.5 - w, y, 7.5 + w, y + 1, p.RED, tone=2)
        else:
            colour = p.LIME if k == "lettuce" else p.YELLOW
            c.box(7.5 - w, y, 8.5 + w, y + 1, colour, tone=2)
            for x in range(r.randint(2, 4), 14, 3 if k == "lettuce" else 5):  # the edge that hangs over
                c.line(x, y + 1, x + (k != "lettuce"), y + 1, colour, 2)
                c.pixel(x + 1, y, p.GREEN if k == "lettuce" else p.YELLOW, 2)
    below = c.filled()
    c.ellipse(8, y, w, min(y - 1, r.uniform(4.2, 6.0)), bun, rim=0, clip=row_mask(0, y))
    if r.random() < 0.75:
        _scatter(c, r, c.filled() & ~below, (p.CREAM,), r.choice((3, 4, 5)), 3)
    _trim_and_outline(c)


def beer(c: Canvas, r):
    """A mug with a handle, full of gold, with foam running over."""
    c.flip = r.random() < 0.5
    drink, w, top = r.choice((p.GOLD, p.GOLD, p.YELLOW, p.BROWN)), r.choice((3.5, 4.0, 4.5)), r.choice((4, 5))
    left, right, n = 6.5 - w, 6.5 + w, r.choice((3, 4))
    c.ring(right, 9.5, r.uniform(3.0, 3.6), r.uniform(3.0, 4.0), 1.4, p.GLASS)
    c.box(left, top, right, 15, p.GLASS, tone=2, rim=0)
    c.box(left + 1, top, right - 1, 14, drink, tone=2)
    for x in range(math.ceil(left + 1), int(right), r.choice((2, 3))):
        c.line(x, top + 3, x, 12, drink, 3)
    c.box(right - 2, top, right - 1, 14, drink, tone=1)
    for k in range(n):
        size = r.uniform(1.6, 2.3)
        c.ellipse(left + (2 * k + 1) * w / n, top - r.uniform(-0.1, 0.7), size, size, p.WHITE)
    c.box(left - 0.4, top - 1, right + 0.4, top + 1.2, p.WHITE, tone=3)
    for _ in range(2):
        x = r.uniform(left + 0.5, right - 0.5)
        c.limb(x, top, 0.8, x, top + r.uniform(1.5, 3.5), 0.8, p.WHITE, tone=3)
    _trim_and_outline(c)


def coffee(c: Canvas, r):
    """A steaming cup on a saucer."""
    c.flip = r.random() < 0.5
    cup, drink = r.choice(CERAMICS), r.choice((p.DARK_WOOD, p.BROWN, p.COPPER, p.FOREST))
    w, top, deep = r.uniform(4.2, 5.2), r.choice((6, 7)), r.uniform(5.6, 7.0)
    cx = 7
    if r.random() < 0.75:
        c.ellipse(cx + 0.5, 13.6, 6.6, 1.4, r.choice((cup, p.WHITE)))
    c.ring(cx + w + 0.4, top + 2.8, 2.6, 2.4, 1.1, cup)
    c.ellipse(cx, top, w, deep, cup, power=r.choice((2.4, 3.0, 4.0)), rim=0, clip=row_mask(top, 14))
    c.ellipse(cx, top + 0.4, w, 1.5, cup, tone=3)
    c.ellipse(cx, top + 0.6, w - 0.9, 0.9, drink, tone=1)
    if r.random() < 0.3:
        c.box(cx - w, top + 4, cx + w, top + 5, r.choice((p.WHITE, p.YELLOW, p.BLUE)), tone=2, clip=c.filled())
    c.outline()
    _steam(c, r, r.choice(((5, 8), (4, 7, 10), (6, 9))), 1, top - 2)


def sushi(c: Canvas, r):
    """Salmon or tuna on a pillow of rice, perhaps tied with seaweed."""
    c.flip = r.random() < 0.5
    fish = r.choice((p.ORANGE, p.ORANGE, p.RED))
    w, h = r.uniform(5.4, 6.4), r.uniform(3.2, 4.0)
    with c.frame(angle=r.uniform(-24, 0)):
        rice = c.ellipse(8, 10.6, w, h, p.WHITE, tone=3, power=2.6)
        for _ in range(7):
            c.ellipse(8 + r.uniform(-w, w), 11 + r.uniform(0.2, h - 0.6), 0.6, 0.6, p.WHITE, tone=2, clip=rice)
        c.shade(rice & ~np.roll(rice, -1, axis=0))
        lift = r.uniform(3.0, 4.0)
        top = c.ellipse(8, 7.4, w + 0.9, lift, fish, power=2.4, rim=0)
        n = r.choice((3, 4, 5))
        for k in range(n):
            x = 8 + (k - (n - 1) / 2) * 2 * w / n
            c.limb(x + 1.2, 5, 0.5, x - 1.2, 12, 0.5, p.WHITE, tone=2, clip=top)
        if r.random() < 0.4:
            band = r.uniform(1.2, 1.8)
            c.box(8 - band, 4, 8 + band, 15, p.BLACK, tone=2, clip=c.filled())
    _trim_and_outline(c)


KINDS = {
    "bread": bread,
    "cheese": cheese,
    "drumstick": drumstick,
    "fried egg": fried_egg,
    "cake slice": cake_slice,
    "doughnut": doughnut,
    "ice cream": ice_cream,
    "pizza": pizza,
    "hamburger": hamburger,
    "beer": beer,
    "coffee": coffee,
    "sushi": sushi,
}
