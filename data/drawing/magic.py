"""Spell effects and the tools of the wizard, alone on white."""

import math

from . import palette as p
from .canvas import Canvas
from .parts import star_corners, symmetric

COLD, JEWELS = (p.SKY, p.CYAN, p.BLUE), (p.RED, p.GREEN, p.BLUE, p.VIOLET, p.CYAN, p.MAGENTA)
COVERS = (p.CRIMSON, p.VIOLET, p.NAVY, p.FOREST, p.LEATHER, p.TEAL)
FIRE, BLUE_FIRE, GREEN_FIRE = (p.RED, p.ORANGE, p.YELLOW), (p.BLUE, p.SKY, p.CYAN), (p.FOREST, p.GREEN, p.LIME)


def heart_corners(cx, cy, w, h):
    """The corners of a heart with half width w and half height h."""
    corners = []
    for k in range(48):
        t = 2 * math.pi * k / 48
        y = 13 * math.cos(t) - 5 * math.cos(2 * t) - 2 * math.cos(3 * t) - math.cos(4 * t)
        corners.append((cx + w * math.sin(t) ** 3, cy - h * (y + 2.5) / 14.5))
    return corners


def _sparkle(c, x, y, ramp):
    """A plus of five pixels."""
    for dx, dy in ((0, 0), (1, 0), (-1, 0), (0, 1), (0, -1)):
        c.pixel(x + dx, y + dy, ramp, 3 if (dx, dy) == (0, 0) else 2)


def _shard(c, x, y, length, w, angle, ramp):
    """A pointed crystal that grows from (x, y): the left facet is light, the right one dark."""
    with c.frame(angle=angle, cx=x, cy=y):
        top, neck = y - length, y - length + w * 1.3
        c.polygon([(x - w, y), (x - w, neck), (x, top), (x + w, neck), (x + w, y)], ramp, tone=2, rim=0)
        c.polygon([(x - w, y), (x - w, neck), (x, top), (x, y)], ramp, tone=3)
        c.box(x + w * 0.45, neck, x + w, y, ramp, tone=1)


def potion(c: Canvas, r):
    """A glass bottle with a cork, half full of something bright: round, square or a cone."""
    liquid, form = r.choice(p.BRIGHTS), r.choice(("round", "round", "cone", "square"))
    neck = r.uniform(1.2, 2.1)
    rx, ry = r.uniform(3.8, 6.2), r.uniform(3.6, 5.2)
    cy = 14.9 - ry
    with c.frame(angle=r.uniform(-14, 14), cy=10):
        c.box(8 - neck, 3, 8 + neck, cy, p.GLASS)
        level = r.uniform(cy - ry * 0.45, cy + ry * 0.15)
        if form == "cone":
            top = r.uniform(4.5, 7)
            body = c.polygon(symmetric((neck, top), (rx, 13.5), (rx - 1, 14.9)), p.GLASS)
            level = max(level, top + 2.2)
            wet = c.polygon(symmetric((neck - 0.8, top), (rx - 0.9, 13.8)), liquid, clip=body)
        else:
            power = r.uniform(1.8, 2.4) if form == "round" else r.uniform(4, 7)
            body = c.ellipse(8, cy, rx, ry, p.GLASS, power=power)
            wet = c.ellipse(8, cy, rx - 0.9, ry - 0.8, liquid, power=power, clip=body)
        c.box(0, 0, 16, level, p.GLASS, tone=3, clip=wet)
        c.box(8 - neck - 0.3, 1, 8 + neck + 0.3, r.uniform(3.0, 3.8), p.LIGHT_WOOD, rim=0)
        c.ellipse(8 - rx * 0.4, cy + ry * 0.1, 0.8, 1.3, p.GLASS, tone=4, clip=body)
    c.outline()


def staff(c: Canvas, r):
    """A gnarled wooden staff that holds a glowing orb or a crystal."""
    c.flip = r.random() < 0.5
    wood, glow = r.choice(p.WOODS), r.choice(p.BRIGHTS)
    with c.frame(angle=r.uniform(34, 46)):
        y, x = 17.5, 8.0
        for k in range(4):  # four crooked pieces from the foot to the head
            nx, ny = 8 + r.uniform(-0.9, 0.9), 17.5 - (k + 1) * 3.1
            c.limb(x, y, 0.7, nx, ny, 0.75 + k * 0.05, wood)
            x, y = nx, ny
        size = r.uniform(1.9, 2.5)
        cy = y - size * 0.7
        if r.random() < 0.7:
            for s in (-1, 1):
                c.limb(x, y + 1.2, 0.8, x + s * (size + 0.6), cy + 0.6, 0.75, wood)
                c.limb(x + s * (size + 0.6), cy + 0.6, 0.75, x + s * (size + 0.3), cy - size * 0.8, 0.45, wood)
        else:
            c.ring(x, cy, size + 1.3, size + 1.3, 1.3, wood)
        if r.random() < 0.6:
            c.ellipse(x, cy, size, size, glow, rim=0)
            c.ellipse(x - size * 0.3, cy - size * 0.3, 0.7, 0.7, p.WHITE, tone=4)
        else:
            c.ellipse(x, cy - 0.3, size * 0.95, size * 1.45, glow, power=1.1, rim=0)
    c.outline()


def wand(c: Canvas, r):
    """A thin stick with a star on its tip and sparkles around."""
    c.flip = r.random() < 0.5
    stick = r.choice((p.WOOD, p.DARK_WOOD, p.BLACK, p.VIOLET, p.RED))
    star_ramp = r.choice((p.YELLOW, p.YELLOW, p.PINK, p.CYAN, p.GOLD))
    angle, size = math.radians(r.uniform(40, 52)), r.uniform(4.2, 5.0)
    sx, sy = r.uniform(9.4, 10.2), r.uniform(5.6, 6.2)
    length = r.uniform(10, 12)
    c.limb(sx - math.sin(angle) * length, sy + math.cos(angle) * length, 0.75, sx, sy, 0.6, stick)
    c.polygon(star_corners(sx, sy, size, size * 0.45, turn=r.uniform(-6, 14)), star_ramp, bevel=1.6, rim=0)
    c.ellipse(sx, sy, 1.0, 1.0, star_ramp, tone=3)
    for x, y in r.sample(((2, 3), (12, 12), (2, 8)), r.randint(1, 3)):
        if r.random() < 0.6:
            _sparkle(c, x, y, star_ramp)
        else:
            c.pixel(x, y, star_ramp, 2)
    c.outline()


def scroll(c: Canvas, r):
    """Parchment between two rolls, with lines of writing and perhaps a seal."""
    paper, ink = r.choice((p.CREAM, p.BONE, p.CREAM)), r.choice((p.BROWN, p.BROWN, p.NAVY, p.CRIMSON))
    w, top, bottom = r.uniform(3.6, 5.2), r.uniform(2.0, 3.4), r.uniform(12.6, 14.0)
    over, thick = r.uniform(0.4, 1.1), r.uniform(1.2, 1.7)
    with c.frame(angle=r.choice((0, 0, 90, r.uniform(-20, 20)))):
        page = c.box(8 - w, top, 8 + w, bottom, paper, bevel=0.8)
        for y in (top, bottom):
            c.limb(8 - w - over, y, thick, 8 + w + over, y, thick, paper, rim=0)
            if w < 4.6:
                for s in (-1, 1):
                    c.ellipse(8 + s * (w + over + 1.2), y, 0.9, 1.0, p.WOOD, rim=0)
        y = math.ceil(top + thick + 0.6)
        while y < bottom - thick - 1.2:  # whole rows: lines at half a pixel would run into one another
            c.box(8 - w + 1, y, 8 + w - r.uniform(1, 3.5), y + 1, ink, tone=2, clip=page)
            y += 2
        if r.random() < 0.4:
            c.ellipse(8 + w * 0.5, bottom - 2.2, 1.4, 1.4, r.choice((p.RED, p.CRIMSON)), rim=0)
    c.outline()


def open_book(c: Canvas, r):
    """An open book: two bulging pages with lines, the cover showing around them, perhaps sparks rising from it."""
    cover, ink = r.choice(COVERS), r.choice((p.SLATE, p.BROWN, p.NAVY))
    spark = r.choice((None, p.YELLOW, p.YELLOW, p.CYAN, p.LIME, p.MAGENTA))
    top, bottom, w = r.randint(5, 6) if spark else r.randint(2, 4), r.randint(12, 13), r.choice((6, 7, 7))
    dip, edge = r.choice((1, 1, 2)), r.choice((0, 1))
    c.box(8 - w, top + 1, 8 + w, bottom + r.choice((1, 2)), cover, tone=2)
    c.box(7, bottom, 9, bottom + 2, cover, tone=1)
    for s in (-1, 1):
        c.polygon(
            [
                (8, top + dip),
                (8 + s * 2, top),
                (8 + s * (w - 1 - edge), top),
                (8 + s * (w - 1), top + edge),
                (8 + s * (w - 1), bottom - 1),
                (8 + s * 2, bottom - 1),
                (8, bottom),
            ],
            p.CREAM,
            tone=3,
        )
    for y in range(top + 2, bottom - 2, 2):
        for s in (-1, 1):
            for k in range(2, r.randint(4, w - 2) + 1):
                c.pixel(8 + k if s > 0 else 7 - w + k, y, ink, 3)
    c.line(7, top + dip, 7, bottom - 1, p.CREAM, 2)
    c.line(8, top + dip, 8, bottom - 1, p.CREAM, 1)
    if r.random() < 0.5:
        c.line(11, bottom - 1, 11, bottom + r.randint(1, 2), r.choice((p.RED, p.BLUE, p.GOLD)), 2)
    if spark:
        for x in r.sample((4, 8, 12), r.randint(1, 3)):
            if r.random() < 0.5:
                c.pixel(x - r.randint(0, 1), r.randint(1, top - 3), spark, 2)
            else:
                _sparkle(c, x - r.randint(0, 1), 2, spark)
    c.outline()


def ring(c: Canvas, r):
    """A gold band that carries a large gem."""
    band, jewel = r.choice((p.GOLD, p.GOLD, p.GOLD, p.STEEL)), r.choice(JEWELS)
    rad, size, form = r.uniform(4.6, 5.5), r.uniform(2.2, 3.0), r.choice((1.0, 2.0, 5.0))
    with c.frame(angle=r.uniform(-14, 14), cy=9):
        cy = 14.9 - rad
        c.ring(8, cy, rad, rad, r.uniform(1.5, 2.0), band)
        gy = max(cy - rad - 0.2, 1.2 + size)
        c.limb(8 - size * 0.8, gy + size * 0.7, 0.9, 8 + size * 0.8, gy + size * 0.7, 0.9, band, rim=0)
        wide, high = (1.35, 1.2) if form == 1 else (1, 0.9)
        c.ellipse(8, gy, size * wide, size * high, jewel, power=form, rim=0)
        c.ellipse(8 - size * 0.3, gy - size * 0.3, 0.7, 0.7, p.WHITE, tone=4)
    c.outline()


def gem(c: Canvas, r):
    """A cut stone seen from the side: flat top, facets in different tones, a point below."""
    ramp = r.choice((*JEWELS, p.SKY, p.ORANGE, p.LIME))
    w, top, girdle, tip = r.uniform(5.6, 6.9), r.uniform(1.6, 3.0), r.uniform(5.6, 6.6), r.uniform(13.2, 14.9)
    table, inner = w * r.uniform(0.5, 0.72), w * r.uniform(0.36, 0.5)
    with c.frame(angle=r.choice((0, 0, 0, r.uniform(-22, 22)))):
        c.polygon(symmetric((table, top), (w, girdle), (0, tip)), ramp, tone=2)
        c.polygon(symmetric((table, top), (w, girdle)), ramp, tone=3)
        c.polygon([(8 - table, top), (8 + inner * 0.2, top), (8 - inner, girdle)], ramp, tone=4)
        c.polygon([(8 + inner, girdle), (8 + table, top), (8 + w, girdle)], ramp, tone=2)
        c.box(8 - w + 1, girdle - 0.5, 7 + w, girdle + 0.5, ramp, tone=1, clip=c.filled())
        c.polygon([(8 - inner, girdle + 0.5), (8 + inner * 0.6, girdle + 0.5), (8, tip)], ramp, tone=3)
        c.polygon([(8 + inner, girdle + 0.5), (8 + w, girdle + 0.5), (8, tip)], ramp, tone=1)
    c.outline()


def crystals(c: Canvas, r):
    """A cluster of pointed crystals on a rock."""
    ramp, rock = r.choice((p.VIOLET, p.CYAN, p.SKY, p.MAGENTA, p.LIME, p.PINK)), r.choice((p.SLATE, p.STONE, p.SLATE))
    spread = r.uniform(24, 40)
    for s in r.sample((-1, 1), 2):
        _shard(c, 8 + s * 2, 13.5, r.uniform(6, 8.5), r.uniform(1.6, 2.1), s * (spread + r.uniform(-5, 5)), ramp)
    _shard(c, 8 + r.uniform(-0.6, 0.6), 14, r.uniform(11, 12.8), r.uniform(2.0, 2.8), r.uniform(-8, 8), ramp)
    for s in r.sample((-1, 0, 1), 2):
        c.ellipse(8 + s * 3.2, 13.9, r.uniform(2.0, 3.0), r.uniform(1.3, 1.9), rock, rim=0)
    c.outline()


def flame(c: Canvas, r):
    """A fire with tongues: three nested tears, dark outside, bright inside, each a little lower."""
    ramps = r.choice((FIRE, FIRE, FIRE, FIRE, BLUE_FIRE, GREEN_FIRE))
    lean = r.uniform(-2, 2)
    cx, w, h = 8 - lean * 0.2, r.uniform(4.8, 6.0), r.uniform(11.8, 13.6)
    sides = [(s, r.uniform(0.45, 0.75), r.uniform(0.5, 0.78)) for s in (-1, 1)]
    for ramp, k, tone in zip(ramps, (1.0, 0.70, 0.40), (2, 2, 3), strict=True):
        b = 14.9 - (1 - k) * w * 0.35
        c.limb(cx, b - w * k * 0.9, w * k * 0.9, cx + lean * k, b - h * k, 0.25, ramp, tone=tone)
        for s, out, up in sides if k > 0.5 else ():
            x, y = cx + s * w * 0.45 * k, b - w * k * 0.7
            c.limb(x, y, w * 0.52 * k, cx + s * w * (out + 0.35) * k, b - h * up * k, 0.2, ramp, tone=tone)
    c.outline()


def snowflake(c: Canvas, r):
    """Eight arms with branches, the same in every direction; thin, so it has no outline around it."""
    arms, core, middle, reach = r.choice(COLD), r.choice(COLD), r.randint(0, 6), r.choice((6, 6, 6, 5))
    cells = {(k, 0) for k in range(reach + 1)} | {(k, k) for k in range(r.randint(4, reach))}
    for at in r.choice(((3,), (4,), (2, 4), (2, 5), (3, 5), (5,), (4, 6), (3, 6), (2, 6))):
        cells |= {(at + k, k) for k in range((1 if at < 4 else r.randint(1, 2)) + 1)}
    for x, y in cells:
        for u, v in ((x, y), (y, x)):
            for a in (-1, 1):
                for b in (-1, 1):
                    c.pixel(7 + a * u, 7 + b * v, *((core, 2) if max(x, y) < middle else (arms, 1)))


def lightning(c: Canvas, r):
    """A zigzag bolt with a sharp point."""
    c.flip = r.random() < 0.5
    ramp = r.choice((p.YELLOW, p.YELLOW, p.YELLOW, p.GOLD, p.CYAN, p.VIOLET))
    thick, j = r.uniform(-0.5, 0.6), lambda: r.uniform(-0.5, 0.5)
    low, high = 9.2 + j(), 6.2 + j()
    top = [(8.0 + j(), 1), (12.6 + thick + j(), 1), (9.4 + thick + j(), high), (13.6 + j(), high)]
    c.polygon([*top, (4.0 + j(), 15.2), (6.8 - thick + j(), low), (2.6 + j(), low)], ramp, bevel=1.2)
    c.outline()


def heart(c: Canvas, r):
    """A red heart with a glint, sometimes cracked."""
    ramp = r.choice((p.RED, p.RED, p.CRIMSON, p.PINK, p.MAGENTA))
    w, h = r.uniform(5.4, 7.0), r.uniform(5.4, 6.8)
    with c.frame(angle=r.choice((0, r.uniform(-24, 24)))):
        c.polygon(heart_corners(8, 8, w, h), ramp, bevel=r.uniform(2, 4))
        c.ellipse(8 - w * 0.52, 8 - h * 0.5, r.uniform(0.9, 1.3), 0.9, p.WHITE, tone=4)
    if r.random() < 0.2:
        x, y = 8, 4
        while c.filled()[y, x]:  # down to the edge and no further
            c.pixel(x, y, ramp, 0)
            x, y = x + r.choice((-1, 0, 1)), y + 1
    c.outline()


def whirlwind(c: Canvas, r):
    """A tornado: swaying rings, wide above and narrow below, a dark mouth on top and flying dust."""
    ramp, n, phase = r.choice((p.SKY, p.GREY, p.GREY, p.CYAN, p.STEEL)), r.choice((5, 6)), r.uniform(0, 6)
    sway, wide = r.uniform(0.7, 1.7), r.uniform(5.4, 6.4)
    for k in range(n):
        share = k / (n - 1)
        y, w = 14.2 - share * 11.2, 0.9 + (wide - 0.9) * share**1.2
        x = 8 + sway * math.sin(phase + k * 1.3) * (1.2 - share)
        c.ellipse(x, y, w, 1.3 + share * 0.6, ramp, tone=2, rim=0)
        c.limb(x - w * 0.7, y + 0.2, 0.6, x - w * 0.1, y + 0.6, 0.6, ramp, tone=3)
    c.ellipse(x, y - 0.2, w - 1.3, 0.9, ramp, tone=1)
    for x in r.sample((2, 3, 12, 13), r.randint(0, 2)):
        c.pixel(x, r.randint(9, 13), ramp, 2)
    c.outline()


KINDS = {
    "potion": potion,
    "staff": staff,
    "wand": wand,
    "scroll": scroll,
    "open book": open_book,
    "ring": ring,
    "gem": gem,
    "crystals": crystals,
    "flame": flame,
    "snowflake": snowflake,
    "lightning": lightning,
    "heart": heart,
    "whirlwind": whirlwind,
}
