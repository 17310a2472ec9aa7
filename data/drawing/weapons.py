"""Weapons and armour, each one an item alone."""

import itertools
import math

from . import palette as p
from .canvas import Canvas
from .parts import arc, star_corners, symmetric, tube

BLADES = (p.STEEL, p.STEEL, p.STEEL, p.IRON, p.GOLD)
PLATES = (p.STEEL, p.STEEL, p.IRON, p.GOLD, p.BRONZE)
GRIPS = (p.WOOD, p.DARK_WOOD, p.LEATHER, p.CRIMSON, p.NAVY, p.BLACK)
HERALDIC = (p.RED, p.BLUE, p.FOREST, p.PURPLE, p.GREEN, p.ORANGE, p.CRIMSON, p.NAVY)


def _tilt(r, spread):
    """An angle near 45 degrees to the left or to the right: the diagonal is the longest line in a tile."""
    return r.choice((45, -45)) + r.uniform(-spread, spread)


def _reach(angle):
    """How far a line at this angle goes from the middle to the edge of the tile."""
    a = math.radians(angle)
    return 7 / max(abs(math.cos(a)), abs(math.sin(a)))


def _shaft(c, top, bottom, width, ramp, wraps):
    """A handle along x = 8 with a few dark bands near its lower end."""
    c.limb(8, top, width, 8, bottom, width, ramp)
    for k in range(wraps):
        c.box(6, bottom - 1.2 - 2 * k, 10, bottom - 0.3 - 2 * k, ramp, tone=1, clip=c.filled())


def _hilt(c, r, y, grip_end, guard):
    """Grip, crossguard at height y and pommel of a blade that points up."""
    metal, grip = r.choice(p.METALS), r.choice(GRIPS)
    c.limb(8, y + 0.5, 0.9, 8, grip_end, 0.9, grip, rim=0)
    droop = r.choice((0, 0, -1.2, 1.2))
    c.limb(8 - guard, y + droop, 0.85, 8, y, 0.95, metal, rim=0)
    c.limb(8, y, 0.95, 8 + guard, y + droop, 0.85, metal, rim=0)
    c.ellipse(8, grip_end + 0.6, 1.25, 1.25, metal, rim=0)


def sword(c: Canvas, r):
    """A straight blade, point up, turned to one side; one half of it lies in shadow, as on a ridged blade."""
    metal = r.choice(BLADES)
    w = r.uniform(1.2, 1.5 if metal is p.GOLD else 2.2)
    angle = _tilt(r, 6)
    far = _reach(angle)
    tip, end = 8 - far + 0.1, 8 + far - 1.3
    y = end - r.uniform(3.6, 5.0)
    with c.frame(angle=angle):
        flare, point = r.choice((0, 0, 0.4, -0.3)), w * r.uniform(1.6, 2.8)
        side = [(8 + w + flare, tip + point), (8 + w, y)]
        other = [(16 - px, py) for px, py in side[::-1]]
        blade = c.polygon([(8, tip), *side, *other], metal, tone=3)
        dark = side if angle > 0 else other[::-1]
        c.polygon([(8, tip), *dark, (8, y)], metal, tone=r.choice((1, 2)), clip=blade)
        if metal.gloss and r.random() < 0.5:
            light = other[::-1] if angle > 0 else side
            c.limb(*light[0], 0.6, *light[1], 0.6, metal, tone=4, clip=blade)
        _hilt(c, r, y, end, r.uniform(2.6, 4.2))
    c.outline()


def sabre(c: Canvas, r):
    """A broad curved blade, widest before its point."""
    metal = r.choice(BLADES)
    wide = r.uniform(1.6, 2.4)
    gold = r.choice((p.GOLD, p.GOLD, p.BRONZE, p.COPPER))
    radius, spot = r.uniform(9.6, 12.0), r.uniform(0.5, 0.75)
    start, end = r.uniform(80, 90), r.uniform(2, 12)
    c.flip = r.random() < 0.5
    a0 = math.radians(start)
    ox, oy = 4.6 - radius * math.cos(a0), 11.2 - radius * math.sin(a0)
    sides = ([], [])
    for k in range(13):
        t = k / 12
        a = math.radians(start + (end - start) * t)
        half = 0.9 + (wide - 0.9) * t / spot if t < spot else wide * math.sqrt(max(1 - t, 0) / (1 - spot))
        for side, rad in zip(sides, (radius - half * 0.7, radius + half * 0.9), strict=True):
            side.append((ox + rad * math.cos(a), oy + rad * math.sin(a)))
    with c.frame(angle=r.uniform(-8, 8)):
        blade = c.polygon(sides[0] + sides[1][::-1], metal, tone=2)
        tube(c, sides[0], 0.8, metal, tone=4, clip=blade)
        tube(c, sides[1], 0.6, metal, tone=1, clip=blade)
        c.limb(4.2, 11.4, 0.9, 2.4, 13.4, 0.9, r.choice(GRIPS), rim=0)
        g = r.uniform(1.6, 2.3)
        c.limb(4.6 - g, 11.2 - g, 0.85, 4.6 + g, 11.2 + g, 0.85, gold, rim=0)
        c.ellipse(2.2, 13.6, 1.2, 1.2, gold, rim=0)
    c.outline()


def battle_axe(c: Canvas, r):
    """A big blade, or two, on a long handle."""
    metal, wood = r.choice((p.STEEL, p.STEEL, p.STEEL, p.IRON, p.GOLD)), r.choice(p.WOODS)
    double = r.random() < 0.5
    angle = r.choice((0, r.uniform(36, 48))) if double else r.uniform(26, 46)
    hy = r.uniform(5.0, 5.6) if angle == 0 else r.uniform(3.8, 4.6)
    reach = r.uniform(5.4, 6.6) if double else r.uniform(5.6, 6.8)
    up, down = r.uniform(3.0, 4.0), r.uniform(3.4, 4.6)
    waist = r.uniform(0.9, 1.5)
    c.flip = r.random() < 0.5
    with c.frame(angle=angle, dx=0 if double else -1.2, dy=0.2):
        _shaft(c, hy - 2.6, 8 + _reach(angle) - 0.9, 0.95, wood, r.choice((0, 1, 2)))
        for side in (1, -1) if double else (1,):
            edge = [
                (8 + side * (reach * 0.7 + reach * 0.3 * math.cos(t * 1.4)), hy + (down if t > 0 else up) * math.sin(t * 1.5))
                for t in (-1, -0.6, -0.3, 0, 0.3, 0.6, 1)
            ]
            inner, mid = 8 + side * 0.4, 8 + side * reach * 0.4
            c.polygon(
                [(inner, hy - waist), (mid, hy - waist), *edge, (mid, hy + waist), (inner, hy + waist)], metal, tone=2, rim=0
            )
            tube(c, edge, 0.7, metal, tone=4)
            lower = [(inner, hy + waist), (mid, hy + waist), edge[-1], edge[-2], (mid, hy + waist * 0.3)]
            c.polygon(lower, metal, tone=1)
        if not double and r.random() < 0.6:
            c.polygon([(7.5, hy - 1.1), (4.4, hy - 0.2), (7.5, hy + 1.1)], metal, bevel=1, rim=0)
        c.box(7, hy - waist - 0.3, 9, hy + waist + 0.3, r.choice((metal, p.GOLD, p.BRONZE)), bevel=0.9, rim=0)
    c.outline()


def war_hammer(c: Canvas, r):
    """A huge block of metal or stone on a handle."""
    metal = r.choice((p.STEEL, p.IRON, p.STONE, p.GOLD, p.STEEL))
    band = r.choice([x for x in (p.GOLD, p.BRONZE, p.IRON, p.CRIMSON, p.NAVY) if x is not metal])
    half, high = r.uniform(4.6, 6.0), r.uniform(2.3, 3.2)
    angle = r.choice((0, r.uniform(22, 50), r.uniform(41, 49), r.uniform(41, 49)))
    hy = r.uniform(4.2, 4.8)
    c.flip = r.random() < 0.5
    with c.frame(angle=angle, dy=0.3, dx=-0.2 if angle else 0):
        _shaft(c, hy, 8 + _reach(angle) - 1, 1.0, r.choice(p.WOODS), r.choice((1, 2, 2)))
        c.box(8 - half, hy - high, 8 + half, hy + high, metal, bevel=1.5, rim=0)
        lip = r.choice((0, 1.1, 1.6))
        if lip:
            for x in (8 - half, 8 + half - lip):
                c.box(x, hy - high, x + lip, hy + high, metal, tone=3 if x < 8 else 1)
        c.box(7, hy - high, 9, hy + high, band, bevel=0.9)
    c.outline()


def _spiked_ball(c, r, x, y, radius, metal, n, length):
    """An iron ball with n spikes all round."""
    turn = r.uniform(0, 360 / n)
    for k in range(n):
        a = math.radians(turn + 360 * k / n)
        ux, uy = math.cos(a), math.sin(a)
        base, far = radius * 0.7, radius + length
        c.polygon(
            [
                (x + ux * base - uy * 1.1, y + uy * base + ux * 1.1),
                (x + ux * far, y + uy * far),
                (x + ux * base + uy * 1.1, y + uy * base - ux * 1.1),
            ],
            metal,
            tone=3,
        )
    c.ellipse(x, y, radius, radius, metal, rim=1)


def mace(c: Canvas, r):
    """A spiked ball on a stick."""
    metal = r.choice((p.STEEL, p.IRON, p.IRON, p.SLATE, p.GOLD))
    radius = r.uniform(2.7, 3.5)
    c.flip = r.random() < 0.5
    with c.frame(angle=r.uniform(36, 54)):
        _shaft(c, 4, r.uniform(15.6, 17), 0.95, r.choice(p.WOODS), r.choice((1, 2, 2)))
        _spiked_ball(c, r, 8, 3.9, radius, metal, r.choice((7, 8, 8, 9)), r.uniform(1.4, 2.2))
        c.box(6.4, 3.9 + radius, 9.6, 5.2 + radius, r.choice((p.GOLD, p.BRONZE, metal)), bevel=0.8, rim=0)
    c.outline()


def flail(c: Canvas, r):
    """A handle, a chain that hangs over, and a spiked ball."""
    metal = r.choice((p.IRON, p.STEEL, p.SLATE))
    radius = r.uniform(2.4, 3.1)
    c.flip = r.random() < 0.5
    bx, by = r.uniform(10.2, 10.9), r.uniform(9.6, 10.6)
    top, foot = r.uniform(3.8, 5.0), r.uniform(13.6, 14.3)
    hx, lean = r.uniform(2.6, 3.6), r.uniform(0, 2.2)
    c.limb(hx, foot, 1.0, hx + lean, top + 1, 1.0, r.choice(p.WOODS))
    c.limb(hx + lean, top, 1.15, hx + lean, top + 0.8, 1.15, metal, rim=0)
    _spiked_ball(c, r, bx, by, radius, metal, r.choice((6, 7, 8)), r.uniform(1.2, 1.8))
    c.outline()
    # The chain is single links with gaps, drawn without an outline so that it stays a chain.
    x0, x1, height = hx + lean + 0.5, bx, by - radius - top + 1.5
    links = arc((x0 + x1) / 2, top - 0.2, (x1 - x0) / 2, 2.6, 200, 360, 8)[1:] + [
        (x1, top + k) for k in range(1, max(int(height), 2))
    ]
    for k, (x, y) in enumerate(links):
        c.pixel(math.floor(x), math.floor(y), metal, 0 if k % 2 else 2)


def _string(c, points, ramp, tone):
    """A bow string: thin, without an outline, behind everything that is there."""
    for (x0, y0), (x1, y1) in itertools.pairwise(points):
        (ax, ay), (bx, by) = c.point(x0, y0), c.point(x1, y1)
        n = max(abs(ax - bx), abs(ay - by), 1)
        for k in range(int(n) + 1):
            px, py = math.floor(ax + (bx - ax) * k / n), math.floor(ay + (by - ay) * k / n)
            if 0 < px < 15 and 0 < py < 15 and not c.filled()[py, c.column(px)]:
                c.pixel(px, py, ramp, tone)


def arrow(c: Canvas, r):
    """One arrow: a big head, a shaft, and feathers. Half a right angle makes the crispest head on a diagonal."""
    feather = r.choice((p.RED, p.WHITE, p.BLUE, p.GREEN, p.YELLOW, p.PURPLE))
    size, head = r.uniform(2.2, 3.0), r.uniform(2.8, 4.0)
    long, notch = r.uniform(2.6, 4.2), r.uniform(-0.2, 1.6)
    angle = _tilt(r, 4)
    top, foot = 8 - _reach(angle), 8 + _reach(angle) - size - 0.6
    with c.frame(angle=angle):
        for side in (-1, 1):
            x = 8 + side * size
            c.polygon([(8, foot - long), (x, foot + size - long), (x, foot + size), (8, foot)], feather, bevel=1)
        c.limb(8, 3, 0.6, 8, foot + 0.8, 0.6, r.choice(p.WOODS))
        back = top + head * r.uniform(1.0, 1.25)
        c.polygon(
            [(8, top), (8 + head, back), (8, back - notch), (8 - head, back)],
            r.choice((p.STEEL, p.IRON, p.STEEL, p.GOLD)),
            bevel=1.4,
            rim=0,
        )
    c.outline()


def bow(c: Canvas, r):
    """A bent bow with its string, sometimes drawn with an arrow."""
    wood = r.choice((*p.WOODS, p.LIGHT_WOOD, p.BRONZE, p.CRIMSON))
    upright = r.random() < 0.25
    bulge, half = (r.uniform(5.2, 6.6), 6.3) if upright else (r.uniform(5.0, 6.2), r.uniform(7.0, 7.8))
    thick = r.uniform(0.75, 1.05)
    recurve = r.choice((0, 0, 1.0, 1.5))
    drawn = r.random() < 0.4
    c.flip = r.random() < 0.5
    with c.frame(angle=r.uniform(-4, 4) if upright else -45 + r.uniform(-8, 12), dx=-0.4):
        x0 = 8 - bulge * (0.45 if upright else 0.25)
        n = 12
        points = []
        for k in range(n + 1):
            t = 2 * k / n - 1
            points.append((x0 + bulge * (1 - t * t) + recurve * max(abs(t) - 0.75, 0) * 4, 8 + half * t))
        tube(c, points, [thick * (1.15 - 0.45 * abs(2 * k / n - 1)) for k in range(n + 1)], wood)
        if not drawn:
            grip = r.choice((p.LEATHER, p.CRIMSON, p.NAVY, p.DARK_WOOD))
            c.limb(x0 + bulge, 7, thick * 1.2, x0 + bulge, 9, thick * 1.2, grip, rim=0)
        pull = r.uniform(1.5, 3.5) if drawn else 0
        if drawn:
            tip = min(x0 + bulge + 3.6, 15.4 if upright else 17)
            y = 7.5 if upright else 8
            c.limb(x0 - pull, y, 0.55, tip - 1, y, 0.55, p.BONE, rim=0)
            c.polygon([(tip, y), (tip - 2.6, y + 1.8), (tip - 2.6, y - 1.8)], p.STEEL, rim=0)
        c.outline()
        _string(c, [points[0], (x0 - pull, 8), points[-1]], p.SLATE, 1)


def _emblem(c, r, clip, cy, reach, other):
    """Paint a heraldic figure inside a shield."""
    kind = r.choice(("cross", "half", "stripe", "chevron", "boss", "quarters", "saltire", "star"))
    w = r.uniform(0.9, 1.5)
    if kind == "cross":
        c.box(8 - w, 0, 8 + w, 16, other, bevel=1, clip=clip)
        c.box(0, cy - 1 - w, 16, cy - 1 + w, other, bevel=1, clip=clip)
    elif kind == "half":
        c.box(8, 0, 16, 16, other, tone=2, clip=clip)
    elif kind == "stripe":
        c.limb(2, cy - 6, w, 14, cy + 6, w, other, clip=clip)
    elif kind == "chevron":
        upper = [(0, cy + 5), (8, cy - 2), (16, cy + 5)]
        c.polygon([*upper, *[(x, y + 3.5) for x, y in upper[::-1]]], other, clip=clip)
    elif kind == "quarters":
        c.box(8, 0, 16, cy, other, tone=2, clip=clip)
        c.box(0, cy, 8, 16, other, tone=1, clip=clip)
    elif kind == "saltire":
        c.limb(2, cy - 6, w, 14, cy + 6, w, other, clip=clip)
        c.limb(14, cy - 6, w, 2, cy + 6, w, other, clip=clip)
    elif kind == "star":
        c.polygon(star_corners(8, cy, reach * 0.62, reach * 0.27), other, tone=3, clip=clip)
    else:
        c.ellipse(8, cy, w + 1.2, w + 1.2, other, rim=0, clip=clip)


def shield(c: Canvas, r):
    """A heater, a kite or a round shield with a rim and an emblem."""
    rim, field = r.choice(PLATES), r.choice(HERALDIC)
    other = r.choice((p.WHITE, p.NAVY) if field is p.ORANGE else (p.WHITE, p.WHITE, p.YELLOW, p.GOLD))
    w = r.uniform(4.8, 6.6)
    top = r.uniform(1.2, 2.2)
    foot = r.uniform(13.6, 14.9)
    dip = r.choice((0, 0, 0.9, -0.9, -1.4))
    belly = r.uniform(0.35, 0.6)
    angle = r.choice((0, 0, 0, r.uniform(-14, 14)))

    def outline_at(inset):
        half, waist = w - inset, top + (foot - top) * belly
        drop = (foot - top) * (1 - belly) - inset * 1.3
        curve = [(half * math.cos(t), waist + drop * math.sin(t) ** 0.9) for t in (0.35, 0.7, 1.0, 1.3)]
        return symmetric((0, top + inset + dip), (half, top + inset), (half, waist), *curve, (0, foot - inset * 1.3))

    with c.frame(angle=angle):
        c.polygon(outline_at(0), rim, bevel=2)
        inner = c.polygon(outline_at(1.4), field, bevel=1.6, rim=1)
        _emblem(c, r, inner, (top + foot) / 2 - 1, w, other)
    c.outline()


def helmet(c: Canvas, r):
    """A knight's helmet from the front, with a dark visor and a plume."""
    metal, trim = r.choice((p.STEEL, p.STEEL, p.IRON, p.GOLD)), r.choice((p.GOLD, p.BRONZE, p.GOLD, p.COPPER))
    trim = p.IRON if metal is p.GOLD else trim
    plume = r.choice((p.RED, p.RED, p.BLUE, p.PURPLE, p.GREEN, p.WHITE, p.CRIMSON))
    w, top = r.choice((4, 4.5, 5)), r.choice((3.6, 4.2, 4.8))
    foot, fat = r.choice((13.5, 14, 14.8)), r.uniform(1.3, 1.9)
    side, lean = r.choice((-1, 1)), r.uniform(2.2, 3.6)
    style = r.choice(("sweep", "sweep", "crest", "none"))
    w = 5 if style == "none" else w
    if style == "sweep":
        tube(
            c,
            [(8, top), (8 + side, 2.6), (8 + side * lean, 2.2), (8 + side * (lean + 2.2), 4 + fat)],
            [0.8, fat, fat, 0.6],
            plume,
        )
    c.ellipse(8, top + 5, w, 5, metal, power=r.choice((2.0, 2.5)), rim=0)
    taper = r.choice((0, 0, 1, 1.5))
    c.polygon(symmetric((w, top + 4.5), (w - taper, foot), (0, foot + 0.6)), metal, bevel=2)
    if style == "crest":
        c.box(7, 1, 9, top + r.uniform(2, 4), plume, bevel=0.9, rim=0)
        c.ellipse(8, top - 0.5, r.choice((1.5, 2)), 2.5, plume, rim=0)
    eye = round(top + 5)
    c.box(8 - w + 1, eye, 8 + w - 1, eye + r.choice((1, 2)), p.BLACK, tone=0)
    front = r.choice(("slit", "bars", "nose"))
    if front == "slit":
        c.box(7, eye, 9, foot, p.BLACK, tone=0)
        c.box(8 - w + 1, eye - 1, 8 + w - 1, eye, trim, tone=3)
    elif front == "nose":
        c.box(7, eye - 2, 9, foot, trim, bevel=1)
        for k in (0, 2):
            for x in (5, 10):
                c.pixel(x, min(eye + 3 + k, 13), p.BLACK, 0)
    else:
        for x in range(round(8 - w + 1.5), round(8 + w - 1), 2):
            c.box(x, eye + 3, x + 1, 13, p.BLACK, tone=0)
        c.box(8 - w, eye - 1, 8 + w, eye, trim, tone=2)
    c.outline()


def bomb(c: Canvas, r):
    """A black ball with a burning fuse."""
    ball = r.choice((p.BLACK, p.BLACK, p.BLACK, p.NAVY, p.SLATE))
    radius = r.uniform(4.6, 5.8)
    c.flip = r.random() < 0.5
    x, y = r.uniform(6.8, 7.6), 14.8 - radius
    a = math.radians(r.uniform(-65, -35))
    ux, uy = math.cos(a), math.sin(a)
    nx, ny = x + ux * (radius + 0.3), y + uy * (radius + 0.3)
    c.limb(nx, ny, 0.5, nx + ux * 1.8, ny + uy * 1.8, 0.5, p.TAN)
    c.ellipse(x, y, radius, radius, ball)
    c.limb(nx - uy * 1.2, ny + ux * 1.2, 0.9, nx + uy * 1.2, ny - ux * 1.2, 0.9, r.choice((p.IRON, p.SLATE, p.GOLD)), rim=0)
    c.ellipse(x - radius * 0.4, y - radius * 0.45, 1.2, 1.0, p.WHITE, tone=3)
    end_x, end_y = min(nx + ux * 2 + 0.4, 12.6), max(ny + uy * 2 - 0.2, 2.8)
    size = r.uniform(1.5, 2.4)
    star = star_corners(end_x, end_y, size, size * 0.5, points=4, turn=45 + math.degrees(0.4))
    c.polygon(star, r.choice((p.ORANGE, p.RED)), tone=2)
    c.ellipse(end_x, end_y, size * 0.5, size * 0.5, p.YELLOW, tone=3)
    c.outline()


KINDS = {
    "sword": sword,
    "sabre": sabre,
    "battle axe": battle_axe,
    "war hammer": war_hammer,
    "mace": mace,
    "flail": flail,
    "bow": bow,
    "arrow": arrow,
    "shield": shield,
    "helmet": helmet,
    "bomb": bomb,
}
