"""Figures that walk past, seen from the side: people and animals in profile.

Everything is drawn facing right (larger x is further forward) and mirrored half of the time by `c.flip`.
"""

from . import palette as p
from .canvas import Canvas
from .parts import row_mask, tube

# Two legs from the hip down: F, f the near leg and its boot, B, b the far one. One entry is one moment of a step.
STRIDES = (
    ("..BBBFFF..", ".BBB..FFF.", "bBB...FFf.", "bb....ffff"),
    ("..BBBFFF..", "..BB.FFF..", ".BBB..FF..", ".bbb..fff."),
    ("..BBFFFF..", ".BBBFFF...", "bbB.FFF...", "b...ffff.."),
    ("..BBFFFFF.", "..BBB.FFF.", "..BBB..fff", "..bbbb...."),
    ("..BBBFFF..", ".BBB..FFF.", ".BB....FF.", ".bbb...fff"),
    ("..FFFFBBB.", "..FFF..BB.", ".FFF...bbb", ".ffff..b.."),
)
# Heads in profile. H hair, s skin, e and E the eye, n nose, m mouth, a ear.
HEADS = {
    "short": ("..HHHHH..", ".HHHHHHH.", ".HHHHsss.", ".HHHsses.", ".HHassEsn", "..Hsssss.", "...sssm.."),
    "bowl": ("..HHHHH..", ".HHHHHHH.", ".HHHHHHH.", ".HHHHses.", ".HHassEsn", "..Hsssss.", "...sssm.."),
    "spiky": ("H.HH.HH..", ".HHHHHHHH", "HHHHHsss.", ".HHHsses.", "HHHassEsn", "..Hsssss.", "...sssm.."),
    "bald": ("...ssss..", "..ssssss.", ".sssssss.", ".ssssses.", ".HsassEsn", "..Hsssss.", "...sssm.."),
    "tied": ("..HHHHH..", ".HHHHHHH.", "HHHHHsss.", "HHHHsses.", "HHHassEsn", "HH.sssss.", "H..sssm.."),
}
# Heads of animals. A coat, B ear or mane, e and E the eye, W white part, N nose, P muzzle, L light, R red, H horn.
BEASTS = {
    "horse": ("...A....", ".BAAA...", "BBAAAA..", "BBAAeAA.", "BBAAEAAA", ".BAAAAAP", ".BAAA.PP"),
    "cat": ("A...B..", "AA.BB..", "AAAAAA.", "AAAAeA.", "AAAAEAW", "AAAAWWN", ".AAAWW."),
    "dog": ("..AAA...", ".AAAAA..", "BBAAeA..", "BBBAEAAN", "BBBAAAAA", "BBBAAAA.", ".BB....."),
    "pig": (".BB.....", "BBAAAA..", "BBAAeA..", "AAAAEALP", "AAAAALPP", "AAAAALPN", "AAAAALPP", ".AAAAA.."),
    "cow": ("...H...", "..HH...", "BAAAAA.", "BBAAeA.", ".AAAEAPP", ".AAAAPPN", "..AAAPPP"),
    "sheep": (".WWWW..", "WWWWAA.", "BAAAAA.", "BBAAeAA", ".AAAEAN", "..AAAA."),
    "camel": ("BA...", "AAAA.", "AAeAA", "AAEAP", ".AAAP"),
    "fox": ("B...B...", "AA.AB...", "AAAAAA..", "AAAAeA..", "AAAAEAA.", "AAWWWAAN", ".AWWWW.."),
    "roar": (".AAAAAA.", "AAAeAAAA", "AAAEAAAA", "AAAAAAAA", "AAAWRWRW", "AAARRRR.", ".AAAAAAA", "..AAAAA."),
    "snap": (".AAAAAA.", "AAAeAAAA", "AAAEAAAA", "AAAAAAAA", "AAAWBWBW", ".AAAAAAA", "..AAAA.."),
}


def _eye_key(ramp):
    """Key entries for an eye in this skin: dark, with a white upper half on dark skin."""
    return {"e": (p.WHITE, 4) if sum(ramp.tones[2]) < 340 else (p.BLACK, 0), "E": (p.BLACK, 0)}


def _eye(c, x, y):
    """A dark eye, one pixel wide and two high."""
    c.line(x, y, x, y + 1, p.BLACK, 0)


def _human_head(c, style, skin, hair, x=3, y=1):
    """A big human head in profile, its left top corner at (x, y)."""
    key = {"s": skin, "H": hair, "n": (skin, 3), "m": (skin, 1), "a": (skin, 1)} | _eye_key(skin)
    return c.bitmap(HEADS[style], x, y, key, rim=0)


def _animal_head(c, kind, x, y, coat, other=None, muzzle=None, white=p.WHITE, rim=1):
    """The head of an animal; other: ear, mane or horn side colour, muzzle: its snout."""
    key = {"A": coat, "B": other or (coat, 1), "P": (muzzle or coat, 3 if muzzle is p.MAGENTA else 2), "L": (coat, 3)}
    key |= _eye_key(coat) | {"W": (white, 3), "N": (p.BLACK, 1), "R": (p.RED, 2), "H": (p.BONE, 2)}
    return c.bitmap(BEASTS[kind], x, y, key, rim=rim)


def _human_legs(c, r, trousers, boots, x):
    """Two striding legs; half of the time near and far one change roles."""
    rows = r.choice(STRIDES)
    if r.random() < 0.5:
        rows = [row.translate(str.maketrans("FBfb", "BFbf")) for row in rows]
    c.bitmap(rows, x, 11, {"F": (trousers, 2), "B": (trousers, 1), "f": (boots, 2), "b": (boots, 1)})


def _arm(c, sleeve, skin, hand, shoulder=(7.0, 9.0), far=False):
    """An arm from the shoulder to the hand at whole coordinates; the far one is in shadow."""
    x, y = hand
    tone, rim = (1, None) if far else (None, 1)
    c.limb(*shoulder, 1.0, x, y, 0.9, sleeve, tone=tone, rim=rim)
    c.ellipse(x, y, 1.0, 1.0, skin, tone=1 if far else 2)


def _torso(c, r, cloth, belt, dx):
    """The trunk from the side: narrow, sometimes with a wider hem."""
    back, front, hem = dx + r.choice((4.9, 5.0, 4.0)), dx + r.choice((9.0, 9.6, 10.0)), r.choice((0.0, 0.0, 1.0))
    c.polygon([(back + 0.6, 7.6), (front - 0.6, 7.6), (front + hem, 11.8), (back - hem, 11.8)], cloth)
    if belt:
        c.box(back - hem, 11, front + hem, 12, belt, tone=2, clip=c.filled())


def _person(c, r, cloth, trousers, boots, skin, belt=p.LEATHER, far=None, dx=0):
    """Far arm, legs and trunk, moved by dx; the caller adds head, near arm and load."""
    c.flip = r.random() < 0.5
    if far:
        _arm(c, cloth, skin, far, far=True)
    _human_legs(c, r, trousers, boots, x=3 + dx)
    _torso(c, r, cloth, belt, dx)


def _swing(r):
    """Near and far hand, swung opposite ways."""
    front, back = (r.choice((10, 11, 12)), r.choice((10, 11))), (r.choice((3, 4)), r.choice((10, 11)))
    return (front, back) if r.random() < 0.6 else (back, front)


# -------------------------------------------------------------------------------------------------- people


def knight(c: Canvas, r):
    """Armour, a helmet with visor slit and plume, a sword held out in front."""
    metal, plume, cloth = r.choice((p.STEEL, p.STEEL, p.IRON, p.GOLD)), r.choice(p.CLOTHS[:13]), r.choice(p.CLOTHS[:13])
    _person(c, r, cloth, metal, p.SLATE, metal, belt=p.LEATHER, dx=-2)
    rows = ["..AAAAA..", ".AAAAAAA.", ".AAAAAAA.", ".AAAKKKK.", ".AAALLLLL", ".AAALKLL.", "..AALLL.."]
    if r.random() < 0.5:
        rows[3:6] = [".AAAALLL.", ".AAAKKKLL", ".AAALLLL."]
    c.bitmap(rows, 1, 2, {"A": metal, "L": (metal, 3), "K": (p.BLACK, 0)}, rim=0)
    length = r.choice((0, 1, 2, 3))
    c.limb(6, 1.9, 0.9, 3.4, 2.2, 1.2, plume)
    c.limb(3.4, 2.2, 1.2, 1.8, 3.6 + length, 0.8, plume)
    hy = r.choice((9, 10, 11))
    tip = hy - r.choice((6, 7, 8))
    c.line(13, max(tip, 1), 13, hy - 1, p.STEEL, 3)
    c.line(12, hy, 14, hy, p.GOLD, 2)
    c.pixel(13, hy + 1, p.LEATHER, 2)
    _arm(c, metal, p.SLATE, (12, hy + 1), shoulder=(5.4, 9))
    c.outline()


def traveller(c: Canvas, r):
    """A hooded cloak, a face in its shadow, a walking staff."""
    cloth, skin = r.choice(p.CLOTHS), r.choice(p.SKINS[:4])
    c.flip = r.random() < 0.5
    _human_legs(c, r, r.choice((p.BROWN, p.SLATE)), p.LEATHER, x=1)
    hem, back = r.choice((11.6, 12.4, 13.2)), r.uniform(0.8, 2.2)
    c.polygon([(3, 6.5), (7.5, 6.5), (8.6, hem - 0.6), (5, hem), (back, hem + 0.8), (2.4, 9)], cloth)
    key = {"A": cloth, "s": skin, "d": (cloth, 0), "n": (skin, 3)} | _eye_key(skin)
    rows = ["...AAAA..", "..AAAAAA.", ".AAAAAAAA", ".AAAdsss.", "AAAAdses.", "AAAAdsEsn", ".AAAAsss.", "..AAAAA.."]
    if r.random() < 0.5:
        rows[:3] = ["..AAAA...", ".AAAAAAA.", "AAAAAAAA."]
    c.bitmap(rows, 1, r.choice((1, 1, 2)), key, rim=0)
    sx = 13
    c.line(sx, r.choice((2, 3, 4, 5)), sx - r.choice((0, 0, 1)), 14, r.choice(p.WOODS), 2)
    _arm(c, cloth, skin, (sx, r.choice((9, 10))), shoulder=(6, 9.5))
    c.outline()


def wizard(c: Canvas, r):
    """A pointed hat, a long white beard, a robe and a staff with an orb."""
    cloth = r.choice((p.BLUE, p.VIOLET, p.PURPLE, p.NAVY, p.TEAL, p.CRIMSON, p.FOREST))
    skin = r.choice(p.SKINS[:3])
    beard = r.choice((p.WHITE, p.WHITE, p.GREY, p.CREAM))
    orb = r.choice((p.CYAN, p.YELLOW, p.RED, p.LIME))
    c.flip = r.random() < 0.5
    step = r.choice((0, 1, 2))
    c.box(3 - step, 13.4, 6 - step, 15, p.LEATHER, tone=1)
    c.box(7 + step, 13.4, 10 + step, 15, p.LEATHER, tone=2)
    c.polygon([(3.4, 7), (7.4, 7), (8.6 + step * 0.6, 14), (2 - step * 0.5, 14)], cloth)
    bend = r.choice((0.6, 2.0, 3.0, 4.0))
    c.polygon([(2.6, 5.4), (bend, 0.8 + r.choice((0, 0, 1, 2))), (bend + 1.8, 0.8), (8.4, 5.4)], cloth)
    c.box(1, 5, 11, 6, cloth, tone=3)
    c.box(3, 4, 9, 5, r.choice((p.GOLD, p.RED, p.WHITE)), tone=2, clip=c.filled())
    _arm(c, cloth, skin, (13, 11), shoulder=(5, 9.8))
    rows = [".WWsses..", ".WWssEsn.", ".WWWWWWW.", "...WWWWW.", "....WWWW.", ".....WWW.", ".....WW.."]
    c.bitmap(rows[: r.choice((5, 6, 7))], 1, 6, {"s": skin, "n": (skin, 3), "W": beard} | _eye_key(skin), rim=0)
    top = r.choice((3, 4, 5, 6))
    c.line(13, top, 13, 14, p.WOOD, 2)
    c.ellipse(r.choice((13.0, 13.5)), top - 1, r.choice((1.0, 1.5)), 1.5, orb)
    c.ellipse(13, 11, 1, 1, skin, tone=2)
    c.outline()


def soldier(c: Canvas, r):
    """A brimmed or a crested helmet, a spear, sometimes a round shield."""
    metal, cloth, skin = r.choice((p.STEEL, p.IRON, p.STEEL)), r.choice(p.CLOTHS[:13]), r.choice(p.SKINS[:4])
    _person(c, r, cloth, r.choice((skin, p.BROWN, p.SLATE)), p.LEATHER, skin, dx=-2)
    _human_head(c, "short", skin, metal, x=1, y=2)
    if r.random() < 0.5:
        c.box(1, 4, 11, 5, metal, tone=3)
        c.ellipse(6, 3.4, 3.5, r.choice((2.0, 2.6)), metal, clip=row_mask(1, 4))
    else:
        c.polygon([(1, r.choice((6, 7, 8))), (1, 2.6), (3, 1), (8.4, 1), (8.4, 2), (3.6, 2.4), (2.4, 4)], cloth)
        c.box(2, 4, 9, 5, metal, tone=3)
    top = r.choice((2, 3, 4))
    c.line(13, top, 13, 14, r.choice(p.WOODS), 2)
    c.line(13, top - 1, 13, top + 1, p.STEEL, 3)
    c.pixel(12, top + 1, p.STEEL, 2)
    c.pixel(14, top + 1, p.STEEL, 2)
    _arm(c, cloth, skin, (13, r.choice((9, 10, 11))), shoulder=(5.4, 9))
    if r.random() < 0.5:
        radius = r.choice((2.5, 3.0))
        c.ellipse(4, 10.5, radius, radius, r.choice((cloth, metal)), rim=0)
        c.ellipse(4, 10.5, 1.0, 1.0, p.GOLD)
    c.outline()


def archer(c: Canvas, r):
    """A feathered cap and a bow held out in front."""
    cloth, skin = r.choice((p.GREEN, p.FOREST, p.OLIVE, p.TEAL, p.CRIMSON, p.BLUE)), r.choice(p.SKINS[:4])
    _person(c, r, cloth, r.choice((p.BROWN, p.OLIVE, p.SLATE)), p.LEATHER, skin, dx=-2)
    _human_head(c, r.choice(("short", "bowl", "tied")), skin, r.choice(p.HAIRS[1:5]), x=0, y=2)
    c.polygon([(1, 4), (2, 1.4), (5.4, 1), (7, 3), (9.6, 3.4), (9.6, 4)], cloth, rim=0)
    c.box(1, 4, 9, 5, cloth, tone=1)
    c.line(4, 3, r.choice((1, 2)), r.choice((1, 2)), r.choice((p.RED, p.WHITE, p.YELLOW)), 3)
    y, half, wood = r.choice((8, 9)), r.choice((4, 5, 6)), r.choice(p.WOODS)
    for k in range(-half, half + 1):
        bulge = 2 if abs(k) < half / 2 else 1 if abs(k) < half * 0.85 else 0
        c.pixel(12 + bulge, y + k, wood, 2 + (k < 0))
        if bulge:
            c.pixel(11, y + k, p.WHITE, 3)
    _arm(c, cloth, skin, (13, y + 1), shoulder=(5.4, 9))
    if r.random() < 0.5:
        c.line(8, y, 13, y, p.LIGHT_WOOD, 3)
        c.pixel(14, y, p.STEEL, 4)
    c.outline()


def boy(c: Canvas, r):
    """A villager with a big backpack and swinging arms."""
    cloth = r.choice(p.CLOTHS[:13])
    pack = r.choice((p.LEATHER, p.RED, p.FOREST, p.ORANGE, p.NAVY, p.TAN))
    skin = r.choice(p.SKINS)
    near, far = _swing(r)
    near = (max(near[0], 8), near[1])
    _person(c, r, cloth, r.choice((p.BLUE, p.BROWN, p.SLATE, p.TAN)), r.choice((p.LEATHER, p.RED, p.BLACK)), skin, None, far)
    tall = r.choice((4, 5, 6))
    c.ellipse(3.2, 12 - tall / 2, r.choice((2.0, 2.5)), tall / 2 + 0.4, pack, power=4, rim=0)
    c.box(1, 9, 5, 10, pack, tone=1, clip=c.filled())
    if r.random() < 0.4:
        c.limb(1.9, 12 - tall, 1.0, 4, 12 - tall, 1.0, r.choice((p.CREAM, p.TAN)))
    _human_head(c, r.choice(("short", "bowl", "spiky", "short")), skin, r.choice(p.HAIRS[:5]), x=4)
    c.line(5, 8, 5, 10, pack, 1)
    _arm(c, cloth, skin, near)
    c.outline()


def woman(c: Canvas, r):
    """Long hair flowing behind, a long bell dress."""
    cloth, skin, hair = r.choice((*p.CLOTHS[:5], p.PINK, *p.CLOTHS[6:13], p.WHITE)), r.choice(p.SKINS), r.choice(p.HAIRS)
    c.flip = r.random() < 0.5
    near, far = _swing(r)
    _arm(c, cloth, skin, far, far=True)
    step, hem = r.choice((0, 1, 2)), r.choice((13, 13.6, 14))
    c.box(4 - step, 13, 7 - step, 15, r.choice((p.LEATHER, p.CRIMSON)), tone=1)
    c.box(9 + step, 13, 12 + step, 15, p.LEATHER, tone=2)
    sweep = r.choice((0.4, 1.0, 1.8))
    front, back = 10.4 + step * 0.5, 4.2 - sweep - step * 0.3
    c.polygon([(5.6, 7.5), (8.8, 7.5), (9.2, 9.6), (front, hem), (back, hem), (5.2, 9.6)], cloth)
    c.limb(4.6, 4, 1.6, r.uniform(2.0, 4), r.uniform(8, 11), r.uniform(1.0, 1.6), hair, rim=0)
    _human_head(c, r.choice(("short", "bowl")), skin, hair)
    if r.random() < 0.5:
        c.box(0, 3, 8, 4, r.choice((p.RED, p.GOLD, p.WHITE, p.PINK)), tone=2, clip=c.filled())
    _arm(c, cloth, skin, near, shoulder=(7.2, 8.8))
    c.outline()


# -------------------------------------------------------------------------------------------------- animals


def _four_legs(c, r, hind, fore, top, ramp, w=1.0, hoof=None, reach=2.0):
    """Four legs in a walk: near and far leg of each pair swing opposite ways, sometimes a fore foot is lifted."""
    swing = [r.choice((-1, 1)) * r.choice((0.5, 0.75, 1.0)) * reach for _ in range(2)]
    lifted = r.choice((None, None, "near", "far"))
    for side, sign, tone in (("far", -1, 1), ("near", 1, None)):
        for x, d in ((hind, swing[0] * sign), (fore, swing[1] * sign)):
            foot, bottom = round(x + d + w) - w, 15
            if side == lifted and x == fore:
                foot, bottom = x + 1.5, 13.6
            points = [(x - w * 1.15, top), (x + w * 1.15, top), (foot + w, bottom), (foot - w, bottom)]
            leg = c.polygon(points, ramp, tone=tone)
            c.box(foot - w, bottom - 1, foot + w, bottom, hoof or ramp, tone=2 if side == "near" else 1, clip=leg)


def cat(c: Canvas, r):
    """A round head with pointed ears, a tail held up."""
    c.flip = r.random() < 0.5
    coat = r.choice((p.ORANGE, p.ORANGE, p.GREY, p.SLATE, p.WHITE, p.TAN, p.CREAM))
    y = r.choice((9.0, 9.5))
    tube(c, [(3.6, y), (r.uniform(1.6, 2.4), y - 2.5), (r.uniform(1.6, 3), 4), (r.uniform(1.6, 4.4), 2.2)], 0.9, coat)
    _four_legs(c, r, 3.6, 9, 9.5, coat, 0.9, reach=1.6)
    c.limb(4.5, y, 2.0, 9, y, 2.0, coat)
    for x in (4, 6)[: r.choice((0, 2))]:
        c.line(x, int(y) - 2, x, int(y), coat, 1)
    white = p.CREAM if coat is p.WHITE else p.WHITE
    c.bitmap(
        BEASTS["cat"],
        r.choice((7, 8)),
        r.choice((1, 2, 3)),
        {
            "A": coat,
            "B": (coat, 1),
            "W": (white, 3),
            "N": (p.PINK, 1),
            "e": (r.choice((p.LIME, p.YELLOW, p.CYAN)), 2),
            "E": (p.BLACK, 0),
        },
        rim=1,
    )
    c.outline()


def dog(c: Canvas, r):
    """A floppy ear, a long snout with a black nose, a collar."""
    c.flip = r.random() < 0.5
    coat, ear = r.choice(
        (
            (p.TAN, p.BROWN),
            (p.WHITE, p.BROWN),
            (p.BROWN, p.DARK_WOOD),
            (p.CREAM, p.LIGHT_WOOD),
            (p.GREY, p.SLATE),
            (p.WHITE, p.BLACK),
        )
    )
    y = r.choice((9.0, 9.5))
    tube(c, [(3, y - 1), (r.uniform(1.4, 2.2), y - r.uniform(2.5, 4)), (r.uniform(1.6, 3), y - 5)], 0.8, coat)
    _four_legs(c, r, 3.6, 8.8, 9.5, coat, 0.95, reach=1.8)
    c.limb(4.5, y, 2.0, 8.6, y - 0.2, 2.2, coat)
    if r.random() < 0.5:
        c.ellipse(5, y - 0.8, 1.9, 1.5, ear, clip=c.filled())
    x, hy = r.choice((6, 7)), r.choice((1, 1, 2))
    collar = r.choice((p.RED, p.BLUE, p.GREEN))
    _animal_head(c, "dog", x, hy, coat, ear)
    c.line(x + 2, hy + 6, x + 4, hy + 6, collar, 2)
    if r.random() < 0.4:
        c.line(x + 6, hy + 6, x + 6, hy + 6 + r.choice((0, 1)), p.RED, 3)
    c.outline()


def _bird_legs(c, r, hip, top, ramp, thick=False):
    """Two thin bird legs in stride, toes to the front."""
    swing = r.choice((0.4, 0.7, 1.0)) * 2.5
    for d, tone in ((-swing, 1), (swing, 2)):
        x, y = round(hip + d), 14 if d > 0 or r.random() < 0.6 else 13
        c.line(round(hip + d * 0.4), top, x, y, ramp, tone)
        c.pixel(x + 1, y, ramp, tone)
        if thick:
            c.pixel(x + 2, y, ramp, tone)


def chicken(c: Canvas, r):
    """A red comb and wattle, a beak, a tail of feathers held up."""
    c.flip = r.random() < 0.5
    coat, tail = r.choice(
        (
            (p.WHITE, p.GREY),
            (p.WHITE, p.WHITE),
            (p.BROWN, p.FOREST),
            (p.COPPER, p.TEAL),
            (p.ORANGE, p.BLACK),
            (p.BLACK, p.SLATE),
        )
    )
    _bird_legs(c, r, 6.5, 11, p.ORANGE)
    for k in range(r.choice((2, 3))):
        c.limb(4, 8, 1.4, 1.8 + k * 0.9, 4.2 - k * 0.4 + r.uniform(0, 1.5), 0.9, tail, rim=1)
    c.ellipse(6.6, 8.6, r.uniform(4.2, 4.8), r.uniform(3.1, 3.6), coat)
    c.limb(8.8, 8, 2.4, 10.2, 4.6, 1.9, coat)
    c.ellipse(5.6, 8.8, 2.3, 1.6, tail if tail is not p.FOREST else coat, rim=0)
    hy = 4
    for x in (9, 10, 11, 9, 11)[: r.choice((3, 4, 5))]:
        c.pixel(x, hy - 2, p.RED, 2)
    c.pixel(r.choice((9, 10)), hy - 3, p.RED, 3)
    c.pixel(11, hy - 3, p.RED, 3)
    c.polygon([(11.6, 3.6), (14.6, 5.2), (11.6, 6)], p.YELLOW, tone=2)
    c.box(11, 6, 13, 8 + r.choice((0, 0.6)), p.RED, tone=2)
    _eye(c, 10, hy)
    c.outline()


def duck(c: Canvas, r):
    """A flat orange bill, a boat of a body, webbed feet."""
    c.flip = r.random() < 0.5
    head, body = r.choice(
        (
            (p.GREEN, p.GREY),
            (p.FOREST, p.TAN),
            (p.YELLOW, p.YELLOW),
            (p.WHITE, p.WHITE),
            (p.TEAL, p.BROWN),
            (p.YELLOW, p.YELLOW),
        )
    )
    _bird_legs(c, r, 6.5, 12, p.ORANGE, thick=True)
    by = r.uniform(9.2, 9.8)
    c.polygon([(1, by - r.uniform(2, 3.5)), (6, by - 1.4), (5, by + 2.6), (2.4, by + 1)], body)
    c.ellipse(6.6, by, r.uniform(4.4, 5.0), r.uniform(2.6, 3.2), body)
    hy = r.choice((4.2, 4.8))
    c.limb(9.4, by - 1, 1.8, 9.6, hy + 1, 1.5, head)
    c.ellipse(9.6, hy, 2.6, 2.5, head)
    if head is not body:
        c.box(7, 7, 12, 8, p.WHITE, tone=3, clip=c.filled())
    c.ellipse(5.4, by, 2.6, 1.6, body, rim=0)
    c.polygon([(11.6, hy - 0.2), (15, hy + 1), (15, hy + 2), (11.6, hy + 2)], p.ORANGE, tone=2)
    _eye(c, 10, int(hy) - 1)
    c.outline()


def dinosaur(c: Canvas, r):
    """A tyrannosaur: huge jaws, tiny arms, a tail stretched out behind."""
    c.flip = r.random() < 0.5
    coat = r.choice((p.GREEN, p.FOREST, p.LIME, p.OLIVE, p.TEAL, p.ORANGE, p.VIOLET))
    ty = r.uniform(4.5, 9)
    _strong_leg(c, 5 + r.choice((-0.6, 0)), r.choice((-2.4, -1.6, -1)), coat, 1)
    c.limb(6, 9.4, 2.0, 3.4, ty / 2 + 4.8, 1.4, coat)
    c.limb(3.4, ty / 2 + 4.8, 1.3, 1.5, ty, 0.8, coat)
    c.limb(6.4, 9.4, 2.4, 8.6, 6.4, 2.2, coat)
    c.limb(8.6, 10.4, 1.1, 9.8, 7, 1.1, p.CREAM, tone=3, clip=c.filled())
    _animal_head(c, r.choice(("roar", "snap")), r.choice((6, 7)), r.choice((1, 1, 2)), coat, p.RED)
    c.line(10, 9, 12, 9 + r.choice((0, 1)), coat, 2)
    _strong_leg(c, 6.6, r.choice((0.4, 1.4, 2.4)), coat, None)
    for x in (5, 4, 3, 2)[: r.choice((0, 4))][::2]:
        _spike(c, x, coat)
    c.outline()


def _strong_leg(c, x, d, ramp, tone):
    """A strong thigh and a long foot."""
    c.ellipse(x, 10.4, 1.9, 2.2, ramp, tone=tone, rim=0)
    c.limb(x + d * 0.3, 11, 1.1, x + d, 13.4, 1.0, ramp, tone=tone)
    c.box(round(x + d) - 1, 13.4, round(x + d) + 3, 15, ramp, tone=tone or 2)


def _spike(c, x, ramp):
    """One light pixel on top of the figure's back in this column."""
    column = c.filled()[:, c.column(x)]
    if column.any():
        c.pixel(x, int(column.argmax()) - 1, ramp, 3)


def elephant(c: Canvas, r):
    """A huge body, a big ear, a trunk and a tusk."""
    c.flip = r.random() < 0.5
    skin = r.choice((p.GREY, p.STONE, p.STEEL, p.GREY))
    c.line(1, 6, 1, r.choice((8, 9, 10)), skin, 1)
    _four_legs(c, r, 3, 7.4, 9, skin, 1.2, p.CREAM, reach=1.0)
    c.ellipse(5, r.uniform(6.4, 6.8), 4.2, r.uniform(3.8, 4.2), skin)
    hy = r.choice((4.6, 5.2))
    c.ellipse(9.8, hy, 2.9, 3.2, skin)
    tip = r.choice(((13.4, 11.4), (13, 12), (14.2, 10.4), (14.4, 4), (14.6, 8)))
    c.limb(11.4, hy + 0.8, 1.5, 13.2, hy + 3, 1.1, skin)
    c.limb(13.2, hy + 3, 1.1, *tip, 0.8, skin)
    c.line(10, int(hy) + 3, 11, int(hy) + 4, p.WHITE, 4)
    c.ellipse(6.8, hy, r.uniform(2.0, 2.6), r.uniform(2.6, 3.2), skin, rim=0)
    _eye(c, 11, int(hy) - 1)
    c.outline()


def pig(c: Canvas, r):
    """Pink and round, a flat snout, a curly tail."""
    c.flip = r.random() < 0.5
    skin = p.PINK
    y = r.uniform(7.4, 8.2)
    tube(c, [(3, y - 1), (1.6, y - 2), (r.uniform(1.6, 3), y - r.uniform(3, 4.4))], 0.6, skin)
    _four_legs(c, r, 3.4, 9.2, 10, skin, 1.0, r.choice((p.BROWN, p.SLATE, skin)), reach=1.4)
    c.ellipse(6.4, y, r.uniform(4.2, 4.8), r.uniform(3.4, 4.4), skin, power=2.3)
    if r.random() < 0.4:
        c.ellipse(r.uniform(3, 5), y, 1.6, 1.4, p.BROWN, tone=2, clip=c.filled())
    _animal_head(c, "pig", 7, r.choice((2, 3, 4)), skin, (skin, 1), p.MAGENTA)
    c.outline()


def sheep(c: Canvas, r):
    """A cloud of wool, a dark face and dark legs."""
    c.flip = r.random() < 0.5
    wool, face = r.choice((p.WHITE, p.WHITE, p.CREAM)), r.choice((p.SLATE, p.SLATE, p.BROWN, p.TAN))
    _four_legs(c, r, 3.6, 8.8, 9.5, face, 0.9, reach=1.4)
    y = r.uniform(6.4, 7)
    c.ellipse(6.2, y, 4.4, 3.0, wool)
    for dx, dy in ((-3.8, 0), (-2.6, -2.2), (0, -3), (2.6, -2), (-2.4, 1.8), (0.4, 2.0), (2.8, 1.8)):
        k = r.uniform(1.4, 1.9)
        c.ellipse(6.2 + dx + r.uniform(-0.4, 0.4), y + dy, k, k, wool)
    _animal_head(c, "sheep", 8, r.choice((2, 3, 4)), face, (face, 1), white=wool, rim=0)
    c.outline()


def camel(c: Canvas, r):
    """One or two humps, a long curved neck, long legs."""
    c.flip = r.random() < 0.5
    coat = r.choice((p.TAN, p.LIGHT_WOOD, p.CREAM, p.TAN))
    _four_legs(c, r, 2.9, 8, 8.5, coat, 0.8, p.BROWN, reach=1.4)
    c.line(1, 7, 1, r.choice((9, 10, 11)), coat, 1)
    c.limb(3.2, 8.2, 1.8, 7.6, 8.2, 1.8, coat)
    if r.random() < 0.5:
        c.limb(4.6, 7, 2.0, 4.6, r.uniform(2.8, 4.4), 1.1, coat)
    else:
        for x in (2.6, 6.2):
            c.limb(x, 7, 1.3, x, r.uniform(2.8, 4.8), 0.8, coat)
    dy = r.choice((0, 0, 1, 2))
    tube(c, [(8.4, 8.8), (10.2, 8.4), (11.0, 4 + dy)], 1.0, coat)
    _animal_head(c, "camel", 10, 1 + dy, coat, (coat, 2), p.BROWN if coat is p.CREAM else p.CREAM, rim=None)
    if r.random() < 0.5:
        c.box(3, 6, 6, 9.6, r.choice((p.RED, p.BLUE, p.VIOLET)), clip=c.filled())
    c.outline()


def fox(c: Canvas, r):
    """Orange, a bushy tail with a white tip, a pointed snout."""
    c.flip = r.random() < 0.5
    coat = r.choice((p.ORANGE, p.ORANGE, p.COPPER))
    ty = r.uniform(4.6, 10)
    c.limb(4, 8.6, 1.2, 2.8, (ty + 8.6) / 2, 2.0, coat)
    c.limb(2.8, (ty + 8.6) / 2, 2.0, 2.2, ty, 1.0, coat)
    c.ellipse(1.8, ty - 0.4, 1.6, 1.4, p.WHITE, tone=3)
    _four_legs(c, r, 4.6, 9, 9.5, coat, 0.85, p.DARK_WOOD, reach=1.6)
    c.limb(5.2, 9.2, 1.7, 9, 9.2, 1.8, coat)
    _animal_head(c, "fox", r.choice((6, 7)), r.choice((2, 3)), coat, (p.DARK_WOOD, 1))
    c.outline()


def penguin(c: Canvas, r):
    """Black back, white belly in front, an orange beak, waddling feet."""
    c.flip = r.random() < 0.5
    back = r.choice((p.BLACK, p.BLACK, p.NAVY, p.SLATE))
    step = r.choice((0, 1, 2))
    c.box(4 - step, 13, 7 - step, 15 - r.choice((0, 1)), p.ORANGE, tone=1)
    c.box(8 + step, 13, 12 + step, 15, p.ORANGE, tone=2)
    c.polygon([(4, 11), (2, 14), (6, 13.6)], back, tone=1)
    rx = r.uniform(3.4, 4.2)
    body = c.ellipse(7.4, 9.2, rx, 4.9, back)
    c.ellipse(9.8, 9.8, rx - 1, 4.2, p.WHITE, clip=body)
    hy = r.choice((3.8, 4.2))
    head = c.ellipse(8, hy, 3.1, 2.9, back)
    c.ellipse(10, hy + 1.2, 1.9, 1.6, p.WHITE, clip=head)
    c.polygon([(10.6, hy - 0.2), (14.4, hy + 1), (10.6, hy + 1.9)], p.ORANGE, tone=2)
    c.pixel(9, int(hy) - 1, p.WHITE, 4)
    c.pixel(9, int(hy), p.BLACK, 0)
    c.limb(6, 7.6, 1.2, r.choice((2.4, 3.4, 9.6, 5.4)), 11.4, 0.8, back, rim=0)
    c.outline()


KINDS = {
    "knight": knight,
    "traveller": traveller,
    "wizard": wizard,
    "soldier": soldier,
    "archer": archer,
    "boy": boy,
    "woman": woman,
    "cat": cat,
    "dog": dog,
    "chicken": chicken,
    "duck": duck,
    "dinosaur": dinosaur,
    "elephant": elephant,
    "pig": pig,
    "sheep": sheep,
    "camel": camel,
    "fox": fox,
    "penguin": penguin,
}
