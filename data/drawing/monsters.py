"""Monsters, seen from the front. Sizes, poses, parts and colours vary; faces stay symmetric about x = 8."""

import math

from . import palette as p
from .canvas import Canvas
from .parts import block, eyes, glints, pixel_pair, symmetric, tube

# ---------------------------------------------------------------- parts


def _mouth(c: Canvas, y, style):
    """A dark mouth in the middle at row y."""
    if style == "line":
        block(c, 7, y, 2, 1, p.BLACK, 0)
    elif style == "smile":
        block(c, 7, y + 1, 2, 1, p.BLACK, 0)
        pixel_pair(c, 6, y, p.BLACK, 0)
    elif style == "open":
        block(c, 7, y, 2, 2, p.BLACK, 0)
    elif style == "laugh":
        block(c, 6, y, 4, 1, p.BLACK, 0)
        block(c, 7, y + 1, 2, 1, p.CRIMSON, 2)
    elif style == "fangs":
        block(c, 6, y, 4, 1, p.BLACK, 0)
        pixel_pair(c, 6, y + 1, p.WHITE, 4)


def _side_tube(c: Canvas, side, points, ramp, rim=None):
    """A chain of tubes through points (distance from the middle, y, radius), on one side (-1 left, 1 right)."""
    tube(c, [(8 + side * x, y) for x, y, _ in points], [radius for _, _, radius in points], ramp, rim=rim)


def _wing(c: Canvas, side, x, y, span, rise, drop, ramp):
    """A bat's wing rooted at distance x from the middle, with a scalloped lower edge."""
    points = [
        (0, 0),
        (0.55, -rise),
        (1.0, -rise * 0.75),
        (1.05, drop),
        (0.78, drop * 0.3),
        (0.55, drop * 0.9),
        (0.3, drop * 0.3),
        (0, drop * 0.6),
    ]
    c.polygon([(8 + side * (x + px * span), y + py) for px, py in points], ramp, bevel=0.9)


# ---------------------------------------------------------------- kinds


def slime(c: Canvas, r):
    """A jelly blob with a face: squashed, tall, dripping, bumpy or with a tip."""
    jelly = r.choice((p.LIME, p.GREEN, p.CYAN, p.SKY, p.BLUE, p.VIOLET, p.MAGENTA, p.PINK, p.ORANGE, p.RED, p.LIME, p.GREEN))
    rx, ry = r.uniform(4.8, 6.6), r.uniform(4.6, 6.6)
    style = r.choice(("tip", "puddle", "drips", "drips", "bumps", "plain"))
    below = 1.0 if style == "drips" else r.uniform(0.5, 0.8)  # the ground cuts the lower part off
    height = ry * (1 + below) + (2.5 if style in ("tip", "drips") else 0)
    lift = int(max(14 - height, 0) / 2)
    foot = r.uniform(12.2, 13.2) if style == "drips" else 15 - lift
    cy = foot - ry * below
    if style == "tip":
        lean = r.uniform(-2.5, 2.5)
        c.limb(8 + lean * 0.3, cy - ry * 0.5, 3.0, 8 + lean, max(cy - ry - r.uniform(1.5, 3.5), 1.5), 0.6, jelly)
    elif style == "bumps":
        for _ in range(3):
            a, size = r.uniform(-2.8, -0.3), r.uniform(1.2, 2.3)
            c.ellipse(8 + math.cos(a) * rx * 0.9, cy + math.sin(a) * ry * 0.9, size, size, jelly)
    if style in ("puddle", "tip", "bumps"):
        for side in (-1, 1):
            c.ellipse(8 + side * rx * 0.85, foot - 0.2, r.uniform(1.2, 3.0), r.uniform(0.8, 2.2), jelly)
    elif style == "drips":
        for k in range(4):
            x = 8 + (k - 1.5) * rx * 0.5 + r.uniform(-0.5, 0.5)
            c.limb(x, cy, 1.2, x, foot + r.uniform(-1.5, 1.8), r.uniform(0.7, 1.2), jelly)
    body = c.ellipse(8, cy, rx, ry, jelly, power=r.uniform(1.9, 2.6))
    c.ellipse(8 - rx * 0.5, cy - ry * 0.52, 1.5, 0.8, jelly, tone=4, clip=body)
    if style != "drips":
        for row in range(15 - lift, 15):
            for col in range(1, 15):
                c.cut_pixel(col, row)
    gap, w, h = r.choice(((1, 1, 2), (2, 1, 2), (1, 2, 2), (2, 2, 2)))
    y = round((cy - ry + foot) / 2 - 0.4)
    eyes(c, gap, y, w, h)
    if w == 2:
        glints(c, gap, y, w)
    low = y + h + (gap == 1)  # with close eyes, one row of skin in between
    _mouth(c, low, r.choice(("line", "smile", "open", "laugh", "fangs") if low + 2 < foot else ("line",)))
    c.outline()


def ghost(c: Canvas, r):
    """A pale sheet with a round top and a wavy hem, dark eyes and mouth."""
    sheet = r.choice((p.WHITE, p.WHITE, p.WHITE, p.GLASS))
    w, top, flare = r.uniform(3.8, 5.2), r.uniform(1.0, 2.4), r.uniform(0.0, 1.6)
    points = [(8 - w * math.cos(math.pi * k / 12), top + w - w * math.sin(math.pi * k / 12)) for k in range(13)]
    hem, depth = r.uniform(13.2, 14.0), r.uniform(0.9, 1.6)
    half = w + flare
    if r.random() < 0.3:  # a tail to one side in place of the hem
        side = r.choice((-1, 1))
        points += [(8 + w, 9), (8 + side * 2 + 2.4, 12.3), (8 + side * (w + 1.5), 15), (8 + side * 1 - 2.6, 13.2), (8 - w, 9.5)]
    else:
        waves, phase = r.choice((2, 3, 3, 4)), r.choice((0.0, math.pi))
        for k in range(25):
            x = 8 + half * (1 - k / 12)
            points.append((x, hem + depth * math.cos(phase + waves * 2 * math.pi * k / 24)))
    reach, lift = r.uniform(0.8, 2.2), r.uniform(-3.0, 2.0)
    lift2 = r.choice((lift, lift, -lift))
    with c.frame(angle=r.uniform(-7, 7)):
        for side, up in ((-1, lift), (1, lift2)):
            c.limb(8 + side * w * 0.6, 9.5, 1.6, 8 + side * (w + reach), 9.5 + up, 0.9, sheet)
        c.polygon(points, sheet, bevel=3.0)
    y = round(top + w * 0.7)
    gap, ew, eh = r.choice(((1, 2, 3), (1, 2, 2), (2, 1, 3), (1, 1, 3)))
    eyes(c, gap, y, ew, eh)
    if ew == 2 and r.random() < 0.5:
        glints(c, gap, y, ew)
    mouth = r.choice(("open", "tall", "smile"))
    if mouth == "tall":
        block(c, 7, y + eh + 1, 2, 3, p.BLACK, 0)
    else:
        _mouth(c, y + eh + (mouth == "open" or gap == 1), mouth)
    if r.random() < 0.3:
        pixel_pair(c, 8 - gap - ew - 1, y + eh, p.PINK, 2)
    c.outline()


def skeleton(c: Canvas, r):
    """A big skull on ribs, with bone arms and legs; some carry a weapon."""
    bone = r.choice((p.BONE, p.BONE, p.WHITE, p.CREAM))
    y = r.choice((1, 1, 2))
    ribs = {"B": (bone, 2), "L": (bone, 3), "D": (p.BLACK, 0)}
    cage = r.choice((["LBB", "DDB", "LBB", "DDB", ".BB"], ["LBB", "DDB", ".LB", ".DB", "LBB"]))
    c.bitmap(cage, 5, 9, ribs, mirror=True)
    stance = r.choice((5, 6, 4))
    for side in (-1, 1):
        _side_tube(c, side, [(1.5, 13.5, 0.6), (7.5 - stance, 15, 0.6)], bone)
        pose = r.choice(
            ((5, 11.5, 5.5, 14), (5.5, 11.5, 3.5, 13), (5.5, 10, 6.2, 7.5), (5.5, 10.5, 6.5, 10), (5, 12, 6.3, 12.5))
        )
        _side_tube(c, side, [(3, 9.6, 0.62), (pose[0], pose[1], 0.6), (pose[2], pose[3], 0.7)], bone)
    if r.random() < 0.4:
        x = r.choice((1, 14))
        c.line(x, 12, x, r.choice((4, 5)), r.choice((p.STEEL, p.IRON)), 3)
        c.line(x - 1, 10, x + 1, 10, r.choice(p.METALS), 1)
    key = {"B": bone, "D": (p.BLACK, 0), "E": (r.choice((p.BLACK, p.BLACK, p.BLACK, p.CRIMSON, p.RED)), 0), "S": (bone, 1)}
    skull = r.choice(
        (
            ["..BBB", ".BBBB", "BBBBB", "BEEBB", "BEEBB", "SBBBD", ".BBBB", ".SDBD"],
            [".BBBB", "BBBBB", "BBBBB", "BEEBB", "BEEBB", "BBBBD", ".SBBB", "..BDB"],
            [".BBB", "BBBB", "BEEB", "BEEB", "BBBD", "SBBB", ".BDB"],
            ["..BBBB", ".BBBBB", "BBBBBB", "BBEEBB", "BBEEBB", "SBBBBD", ".SBBBB", "..BDBD"],
        )
    )
    c.bitmap(skull, 8 - len(skull[0]), y, key, mirror=True, rim=0)
    if r.random() < 0.3:
        row = next(i for i, line in enumerate(skull) if "E" in line)
        column = 8 - len(skull[0]) + skull[row].rfind("E")
        pixel_pair(c, column, y + row + r.choice((0, 1)), r.choice((p.RED, p.CYAN, p.YELLOW)), 3)
    c.outline()


def goblin(c: Canvas, r):
    """A green head with long pointed ears and a toothy grin on a small body."""
    skin = r.choice((p.GREEN, p.LIME, p.GREEN, p.MOSS))
    cloth = r.choice((p.BROWN, p.LEATHER, p.PURPLE, p.CRIMSON, p.TAN))
    top, w = r.choice((2, 2, 3)), r.choice((3, 4, 4))
    wide = r.uniform(2.0, 3.0)
    armed = r.choice((-1, 0, 0, 1))
    for side in (-1, 1):
        c.limb(8 + side * 1.6, 13, 1.0, 8 + side * r.uniform(1.6, 2.6), 14.4, 0.9, skin)
        hand = (5.4, 11.5) if side == armed else r.choice(((4.8, 13), (5.6, 11.2), (4.2, 13.6), (5.4, 12.2)))
        _side_tube(c, side, [(2.2, 11.2, 0.9), (*hand, 0.9)], skin)
        if side == armed:
            c.limb(8 + side * 5.5, 12, 0.6, 8 + side * 6, 8.2, r.uniform(0.7, 1.4), r.choice((p.WOOD, p.IRON)), rim=0)
    c.polygon(symmetric((wide * 0.8, 9), (wide, 13.6)), cloth, rim=0)
    if r.random() < 0.7:
        block(c, 6, 12, 4, 1, p.DARK_WOOD, 0)
    droop, thick = r.uniform(-2.4, 2.0), r.uniform(1.3, 2.3)
    ear = top + 3 + r.uniform(-0.5, 0.5)
    for side in (-1, 1):
        c.polygon(
            [
                (8 + side * (w - 1), ear - thick),
                (8 + side * r.uniform(6.6, 7.4), ear + droop),
                (8 + side * (w - 1), ear + thick),
            ],
            skin,
            bevel=0.8,
        )
        c.limb(8 + side * w, ear, 0.6, 8 + side * (w + 1.6), ear + droop * 0.5, 0.4, p.PINK, tone=1)
    c.ellipse(8, top + 3.6, w + 0.1, 4.0, skin, power=r.uniform(2.2, 3.0), rim=0)
    eye = r.choice((p.YELLOW, p.YELLOW, p.RED, p.WHITE))
    eyes(c, 1, top + 2, w - 2, 2, eye, 3)
    if w == 4:
        eyes(c, 1, top + 2 + r.choice((0, 1)), 1, 1)
    pixel_pair(c, 5, top + 1, skin, 0)
    pixel_pair(c, 6, top + 1 + (w == 4), skin, 0)
    block(c, 7, top + 3, 2, 1, skin, 3)
    block(c, 7, top + 4, 2, 1, skin, 1)
    grin = r.choice((["D..", "DWD"], ["D..", "DDW"], ["DDD", ".WD"], ["D..", "DWW"], ["DWD", ".DD"]))
    c.bitmap(grin, 5, top + 5, {"D": (p.BLACK, 0), "W": (p.WHITE, 3)}, mirror=True)
    c.outline()


def golem(c: Canvas, r):
    """A giant of stone blocks with heavy fists and glowing eyes."""
    rock = r.choice((p.STONE, p.GREY, p.SLATE, p.TAN, p.STONE, p.BROWN))
    glow = r.choice((p.CYAN, p.YELLOW, p.ORANGE, p.LIME))
    w, hw = r.uniform(2.6, 3.5), r.choice((3, 3, 4))
    top = r.choice((1, 1, 2))
    for side in (-1, 1):
        x = 8 + side * r.uniform(1.6, 2.4)
        c.box(x - 1.4, 11, x + 1.4, r.choice((14, 15)), rock, bevel=1)
        fist = r.uniform(1.3, 1.9)
        ax = 8 + side * min(w + fist + 0.8, 7 - fist)
        low = r.choice((9.5, 11, 12, 13.2))
        high = r.uniform(4.5, 6)
        if r.random() < 0.2:  # a raised fist
            low, high = r.uniform(2.6, 4.5), 8.5
        c.limb(8 + side * (w - 0.3), 6.5, 1.2, ax, high + 1.2, 1.2, rock)
        c.box(ax - 1.1, min(high, low), ax + 1.1, max(high, low), rock, bevel=1, rim=0)
        c.polygon(
            [(ax - fist, low - 1.6), (ax + fist, low - 1.9), (ax + fist, low + 1.4), (ax - fist, low + 1.2)],
            rock,
            bevel=1.2,
            rim=0,
        )
    waist = w * r.uniform(0.65, 1.0)
    c.polygon(symmetric((w + 0.6, 6), (waist, 12.3)), rock, bevel=1.3, rim=0)
    c.polygon(
        [
            (8 - hw, top + r.uniform(0, 1.2)),
            (8 - hw + 1, top),
            (8 + hw - 1, top),
            (8 + hw, top + r.uniform(0, 1.2)),
            (8 + hw, top + 6),
            (8 - hw, top + 6),
        ],
        rock,
        bevel=1.2,
        rim=0,
    )
    block(c, 6, top + 2, 4, 2, rock, 1)
    eyes(c, 1, top + 2, hw - 2 if hw == 4 else 1, 2, glow, 3)
    block(c, 9 - hw, top + 1, 2 * hw - 2, 1, rock, 0)
    block(c, 7, top + 5, 2, 1, rock, 0)
    if r.random() < 0.5:
        block(c, 7, 9, 2, 2, glow, 3)
    else:
        x = r.choice((6, 8))
        c.line(x, 8, x + 1, 9, rock, 0)
        c.line(x + 1, 10, x, 11, rock, 0)
    if r.random() < 0.4:
        x = r.choice((9 - hw, 5 + hw))
        block(c, x, top, 2, 1, p.MOSS, 3)
    c.outline()


def eyeball(c: Canvas, r):
    """One huge floating eye: with wings, tentacles or eye stalks."""
    iris = r.choice((p.RED, p.GREEN, p.BLUE, p.VIOLET, p.ORANGE, p.TEAL))
    flesh = r.choice((p.CRIMSON, p.PURPLE, p.PINK, p.GREEN, p.VIOLET))
    style = r.choice(("wings", "tentacles", "stalks"))
    size = {"wings": r.uniform(3.7, 4.5), "tentacles": r.uniform(4.4, 5.6), "stalks": r.uniform(4.6, 5.2)}[style]
    cy = {"wings": r.choice((8, 9, 10)), "tentacles": 7 if size > 5 else 6, "stalks": 10}[style]
    if style == "wings":
        wing = r.choice(
            (
                ["W....", "WW...", "WWW..", "WWWWW", "WWWWW", "W.WWW", "..W.W"],
                ["..WW.", ".WWW.", "WWWWW", "WWWWW", "WWWWW", "W.W.W", "W...."],
                [".W...", "WWW..", "WWWW.", "WWWWW", "W.WWW", "W..WW", "...W."],
                ["WW...", "WWW..", "WWWWW", "WWWWW", ".W.WW", ".W..W"],
                ["W....", "WWW..", "WWWWW", "WWWWW", "W.W.W", "W...W"],
            )
        )
        flesh = r.choice((p.CRIMSON, p.PURPLE, p.VIOLET, p.MAGENTA))
        c.bitmap([row + ".." for row in wing], 1, cy - r.choice((3, 4, 5, 6)), {"W": flesh}, mirror=True)
    elif style == "tentacles":
        for k in range(4):
            x, bend = 8 + (k - 1.5) * 2.5, r.uniform(-1.2, 1.2)
            c.limb(x, cy + size * 0.6, 1.0, x + bend * 0.5, 12.2, 0.8, flesh)
            c.limb(x + bend * 0.5, 12.2, 0.8, x + bend, r.uniform(13, 15), 0.6, flesh)
    else:
        for k in (-1.5, -0.5, 0.5, 1.5):
            x, y = 8 + k * r.uniform(3.2, 3.8), r.uniform(1.6, 3.4) + abs(k)
            c.limb(8 + k * 2, cy - size * 0.5, 0.7, x, y, 0.7, flesh)
            c.ellipse(x, y, 1.1, 1.1, iris, tone=3)
    ball = c.ellipse(8, cy, size, size, flesh if style == "stalks" else p.WHITE, rim=0, power=2.12)
    if style == "stalks":
        ball = c.ellipse(8, cy - 0.5, size * 0.8, size * 0.6, p.WHITE, clip=ball, rim=0)
        block(c, 6, cy + 3, 4, 1, p.BLACK, 0)
        pixel_pair(c, r.choice((6, 7)), cy + 3, p.WHITE, 4)
    look = 0 if style == "stalks" else r.choice((-1, 0, 0, 1))
    for side in (-1, 1) if style == "tentacles" else ():  # veins run in from the edge
        y, x = round(cy + r.uniform(-3, 2)), 7 if side < 0 else 8
        while 0 < x < 15 and ball[y, x + side]:
            x += side
        c.pixel(x, y, p.RED, 3)
        c.pixel(x - side, y + r.choice((-1, 0)), p.RED, 3)
    cy -= style == "stalks"
    c.ellipse(8 + look, cy, r.choice((2.1, 2.6)), 2.6 if style != "stalks" else 2.2, iris, clip=ball)
    pupil = r.choice((2, 2, 4))
    block(c, 7 + look, cy - pupil // 2, 2, pupil, p.BLACK, 0)
    c.pixel(6 + look, cy - 2 + (style == "stalks"), p.WHITE, 4)
    if style == "tentacles" and r.random() < 0.3:  # a heavy lid
        lid = ball.copy()
        lid[cy - r.choice((2, 3)) :] = False
        c.ellipse(8, cy, size, size, flesh, clip=lid, rim=0)
    c.outline()


def devil(c: Canvas, r):
    """A red imp with horns, a fanged grin, an arrow-tipped tail, and wings or a trident."""
    c.flip = r.random() < 0.5
    skin, horn = r.choice((p.RED, p.RED, p.CRIMSON)), r.choice((p.BONE, p.BLACK, p.CREAM, p.GOLD))
    armed = r.random() < 0.6
    mid, hw = (6, r.choice((3, 4))) if armed else (8, r.choice((4, 4, 5)))
    if not armed:
        web, rise, drop = r.choice((p.CRIMSON, p.PURPLE, p.BLACK)), r.uniform(2.5, 6), r.uniform(2, 4)
        for side in (-1, 1):
            _wing(c, side, 2, 10, 4.9, rise, drop, web)
    y, x = r.uniform(8.6, 12), mid - r.uniform(4.2, 5) if armed else r.choice((2.2, 2.8))
    c.limb(mid - 1, 13.5, 0.6, x + 1, 14.2, 0.6, skin)
    c.limb(x + 1, 14.2, 0.6, x + 0.3, y + 2, 0.6, skin)
    c.polygon([(x, y - 0.6), (x + 1.8, y + 1.8), (x - 1.6, y + 1.8)], skin, bevel=0.8)
    for side in (-1, 1):
        c.limb(mid + side * 1.3, 13, 1.0, mid + side * r.uniform(1.2, 2.0), 14.5, 0.9, skin)
    c.ellipse(mid, 11.4, r.uniform(2.0, 2.7), 2.9, skin, rim=0)
    for side in (-1, 1):
        hand = (5.2, 10.6) if armed and side == 1 else r.choice(((3.6, 12.4), (3.2, 13), (3.8, 10)))
        c.limb(mid + side * 2, 10.4, 0.8, mid + side * hand[0], hand[1], 0.8, skin, rim=1)
    spread, tall = r.uniform(-0.6, 1.2 if armed else 2.2), r.uniform(1.0, 2.4)
    for side in (-1, 1):
        bend = mid + side * (2.6 + spread)
        c.limb(mid + side * 2.2, 4, 1.1, bend, 3.2, 0.9, horn)
        c.limb(bend, 3.2, 0.9, bend + side * r.choice((-0.8, 0.2)), tall, 0.5, horn)
    c.ellipse(mid, 6.2, hw - 0.1, r.uniform(3.1, 3.7), skin, power=2.3, rim=0)
    eyes(c, 1, 5, 2 if hw > 3 else 1, 2, p.YELLOW, 3, mid)
    pixel_pair(c, mid - 2, 5, skin, 0, mid)
    if hw > 3:
        pixel_pair(c, mid - 2, 6, p.BLACK, 0, mid)
    block(c, mid - 2, 8, 4, 1, p.BLACK, 0)
    pixel_pair(c, mid - 2, 8, p.WHITE, 4, mid)
    if armed:
        metal, top = r.choice((p.GOLD, p.IRON, p.STEEL)), r.choice((1, 2, 3))
        c.line(12, 14, 12, top, metal, 2)
        c.line(10, top + 3, 14, top + 3, metal, 2)
        for column in (10, 12, 14):
            c.line(column, top, column, top + 2, metal, 3)
        c.ellipse(12, 10.6, 1, 1, skin)
    c.outline()


def robot(c: Canvas, r):
    """A box head with lamps for eyes and an antenna, a box body with a panel, arms and legs or wheels."""
    metal = r.choice((p.STEEL, p.STEEL, p.IRON, p.COPPER, p.TEAL, p.YELLOW, p.RED, p.SKY))
    trim = r.choice((p.IRON, p.SLATE, p.STEEL))
    lamp = r.choice([lamp for lamp in (p.CYAN, p.LIME, p.RED, p.YELLOW) if lamp is not metal])
    hw, hh, bw = r.choice((3, 4, 5)), r.choice((4, 5)), r.choice((2, 3, 4))
    top = r.choice((3, 4)) - (hh == 5)
    neck = top + hh
    if r.random() < 0.6:
        block(c, 7, 1, 2, top, trim, 2)
        block(c, 7, 1, 2, 1, r.choice((p.RED, p.YELLOW, p.LIME)), 3)
    else:
        for side in (-1, 1):
            _side_tube(c, side, [(1.5, top, 0.6), (r.uniform(1.5, 3.5), 1.5, 0.6)], trim)
    legs = r.choice(("legs", "legs", "tracks", "wheel"))
    if legs == "legs":
        for side in (-1, 1):
            gap = r.choice((1.5, 2.0)) if bw > 2 else 1.5
            c.box(8 + side * gap - 0.6, 12, 8 + side * gap + 0.6, 14, trim, rim=0)
            c.box(8 + side * gap - 1.0, 13.6, 8 + side * (gap + 0.6) + 1.0, 15, metal, bevel=0.8)
    elif legs == "tracks":
        c.ellipse(8, 13.6, bw + 1.4, 1.5, p.SLATE, power=4)
        for x in range(8 - bw, 8 + bw, 2):
            c.pixel(x, 13, p.GREY, 3)
    else:
        c.ellipse(8, 13.2, 1.9, 1.9, p.SLATE)
        block(c, 7, 13, 2, 1, p.GREY, 4)
    c.box(8 - bw, neck, 8 + bw, 12.6, metal, bevel=1, rim=0)
    for side in (-1, 1):
        bend, hand = r.uniform(bw + 1.2, 5.8), r.choice((8.5, 11.5, 12.5))
        _side_tube(c, side, [(bw, neck + 1, 0.7), (bend, neck + 1.8, 0.7), (min(bend + 0.8, 6.2), hand, 0.7)], trim)
        c.ellipse(8 + side * min(bend + 0.8, 5.9), hand, 1.2, 1.2, metal, rim=0)
    c.box(8 - hw, top, 8 + hw, neck, metal, bevel=1, rim=0)
    if r.random() < 0.5:
        pixel_pair(c, 7 - hw, top + 2, trim, 2)
        pixel_pair(c, 7 - hw, top + 1, trim, 3)
    if r.random() < 0.5 or metal in (p.YELLOW, p.SKY):  # a visor in place of two eyes
        block(c, 9 - hw, top + 1, 2 * hw - 2, 2, p.BLACK, 0)
        eyes(c, 1, top + 1, 1, 2, lamp, 3)
    else:
        eyes(c, 1, top + 1, min(hw - 1, 2), 2, lamp, 3)
    if hh == 5:
        block(c, 6, top + 4, 4, 1, p.BLACK, 0)
    panel = r.choice(("button", "screen", "bolts"))
    if panel == "button":
        block(c, 7, neck + 2, 2, 2, r.choice((p.RED, p.YELLOW, p.CYAN)), 3)
    elif panel == "screen" and bw > 2:
        block(c, 6, neck + 1, 4, 2, p.BLACK, 0)
        c.line(6, neck + 1, 8, neck + 1, lamp, 3)
    else:
        pixel_pair(c, 9 - bw, neck + 1, p.BLACK, 0)
        block(c, 7, 11, 2, 1, p.BLACK, 0)
    c.outline()


def mummy(c: Canvas, r):
    """A bandaged figure with its arms held out, eyes glowing from a dark slit."""
    cloth = r.choice((p.BONE, p.CREAM, p.BONE, p.WHITE))
    line = p.GREY if cloth is p.WHITE else p.TAN
    glow = r.choice((p.YELLOW, p.RED, p.LIME, p.CYAN))
    hx, hy, bw = r.uniform(3.3, 4.2), r.uniform(3.3, 3.9), r.uniform(2.4, 3.3)
    top = r.choice((1, 1, 2))
    stride = r.uniform(1.4, 2.2)
    for side in (-1, 1):
        _side_tube(c, side, [(1.4, 11.5, 1.2), (stride, r.choice((13.4, 14, 14)), 1.2)], cloth)
    c.ellipse(8, 10.2, bw, 3.2, cloth, power=3)
    for side in (-1, 1):
        reach, lift = r.uniform(4.6, 6.0), r.uniform(6.8, 12)
        _side_tube(c, side, [(bw - 0.2, 9, 1.2), (reach, lift, 1.1)], cloth, rim=0)
        if r.random() < 0.6:  # a loose end
            x = 8 + side * (reach + 0.2)
            c.limb(x, lift, 0.6, x + side * 0.4, lift + r.uniform(2, 4), 0.6, cloth)
    head = c.ellipse(8, top + hy, hx, hy, cloth, power=2.4, rim=0)
    wrapped = c.filled() & (c.tone > 0)
    slope, gap = r.choice((-1, 1)), 3
    for row in range(16):
        for col in range(16):
            if wrapped[row, col]:
                band = row + (slope if head[row, col] else -slope) * (col // 3)
                if band % gap == 0:
                    c.pixel(col, row, line, 1)
                else:
                    c.pixel(col, row, cloth, 2 + (col < 8 and band % gap == 1))
    block(c, 5, top + 3, 6, 2, p.BLACK, 0)
    eyes(c, 1, top + 3 + r.choice((0, 1)), 1, 1, glow, 3)
    c.outline()


def mushroom(c: Canvas, r):
    """A walking toadstool: a spotted cap over a pale stalk with a face."""
    cap = r.choice((p.RED, p.RED, p.RED, p.CRIMSON, p.ORANGE, p.VIOLET))
    rx, top, rim = r.uniform(5.2, 6.9), r.uniform(1.0, 2.2), r.uniform(7.2, 8.4)
    sx, curve = r.uniform(2.9, 4.0), r.uniform(0.7, 1.25)
    for side in (-1, 1):
        c.ellipse(8 + side * r.uniform(1.6, 2.6), 14.2, 1.5, 1.0, r.choice((p.TAN, p.TAN, p.CREAM)))
        if r.random() < 0.6:
            _side_tube(c, side, [(sx - 0.4, 11, 0.7), (sx + 1.6, r.uniform(9.5, 13), 0.8)], p.CREAM)
    c.ellipse(8, 10.6, sx, 3.7, p.CREAM, power=r.uniform(2.2, 3.2))
    lean, points = r.uniform(-1.5, 1.5), []
    for k in range(17):
        a = math.pi * k / 16
        high = math.sin(a) ** curve
        points.append((8 - rx * math.cos(a) + lean * high * high, rim - (rim - top) * high))
    points += [(8 + rx * 0.85, rim + 1), (8, rim + 0.4), (8 - rx * 0.85, rim + 1)]
    dome = c.polygon(points, cap, bevel=3.5, rim=0)
    size = r.uniform(1.1, 1.7)
    y = (top + rim) / 2
    for dx, dy, part in ((r.uniform(-0.2, 0.2), -1.2, 1.1), (-0.58, 1.2, 0.9), (0.56, 0.9, 0.85), (0.0, 2.4, 0.6)):
        c.ellipse(8 + rx * dx + lean * 0.5, y + dy, size * part, size * part, p.WHITE, tone=3, clip=dome)
    eyes(c, r.choice((1, 1, 2)) if sx > 3.4 else 1, 10, 1, 2)
    mouth = r.choice(("low", "low", "wide", "tongue"))
    block(c, 6 if mouth == "wide" else 7, 13, 4 if mouth == "wide" else 2, 1, p.BLACK, 0)
    if mouth == "tongue":
        block(c, 7, 14, 2, 1, p.RED, 3)
    c.outline()


def snowman(c: Canvas, r):
    """Two balls of snow, a carrot nose, a hat, a scarf and stick arms."""
    rx, ry, hx = r.uniform(3.9, 5.4), r.uniform(3.0, 3.6), r.uniform(2.9, 3.7)
    scarf = r.choice((p.RED, p.GREEN, p.BLUE, p.VIOLET, p.ORANGE, p.TEAL))
    hat = r.choice((p.BLACK, p.BLACK, p.NAVY, p.BROWN, p.CRIMSON))
    for side in (-1, 1):
        x0, x1, y = (4, 1, r.randrange(6, 14)) if side < 0 else (11, 14, r.randrange(6, 14))
        c.line(x0, 11, x1, y, p.WOOD, 1)
        c.pixel(x1, y, p.WOOD, 2)
        if r.random() < 0.4 and y > 7:  # a second twig
            c.line(x1 - side, y, x1 - side, y - 1, p.WOOD, 1)
    c.ellipse(8, 15 - ry, rx, ry, p.WHITE)
    c.ellipse(8, 6.6, hx, 2.9, p.WHITE, rim=1)
    style = r.choice(("top", "top", "cap", "bucket"))
    if style == "top":
        w, tall = r.choice((2, 3)), r.choice((1, 2))
        c.box(8 - w, tall, 8 + w, 4, hat, bevel=1)
        block(c, 7 - w, 4, 2 * w + 2, 1, hat, 2)
        block(c, 8 - w, 3, 2 * w, 1, scarf, 2)
    elif style == "cap":
        c.ellipse(8, 4.2, hx, 2.4, scarf)
        block(c, 5, 4, 6, 1, scarf, 3)
        c.ellipse(8 + r.choice((0, 0, -2, 2)), 1.6, 1, 1, p.WHITE, tone=3)
    else:
        lean = r.uniform(-1, 1)
        c.polygon([(6 + lean, 1), (10 + lean, 1), (11, 4.6), (5, 4.6)], r.choice((p.STEEL, p.RED, p.BLUE)), bevel=1)
    for x in range(5, 11):
        c.pixel(x, 5, p.WHITE, 3)  # no shadow from the hat on the face
    eyes(c, 1, 5, 1, r.choice((1, 1, 2)))
    if r.random() < 0.5:
        c.pixel(7, 6, p.ORANGE, 3)
        c.pixel(8, 6, p.ORANGE, 2)
        c.pixel(r.choice((7, 8)), 7, p.ORANGE, 2)
    else:
        side = r.choice((-1, 1))
        x = 7 if side < 0 else 8
        c.line(x - side, 6, x + side * 2, 6, p.ORANGE, 3)
        c.pixel(x + side * 2, 6, p.ORANGE, 2)
    if r.random() < 0.4:
        for x, y in ((6, 7), (7, 8), (8, 8), (9, 7)):
            c.pixel(x, y, p.BLACK, 0)
    block(c, 5, 9, 6, 1, scarf, 2)
    c.pixel(5, 9, scarf, 3)
    tail = r.choice((5, 6, 9, 10))
    block(c, tail, 10, 1, r.choice((1, 2)), scarf, 2)
    for y in (11, 13)[: r.choice((1, 2, 2))]:
        c.pixel(7 if tail > 7 else 8, y, p.BLACK, 0)
    c.outline()


KINDS = {
    "slime": slime,
    "ghost": ghost,
    "skeleton": skeleton,
    "goblin": goblin,
    "golem": golem,
    "eyeball monster": eyeball,
    "devil": devil,
    "robot": robot,
    "mummy": mummy,
    "mushroom monster": mushroom,
    "snowman": snowman,
}
