"""Heroes: people who stand and face the viewer, one function per kind.

All share one body plan, `Figure`: a big head above a small body, drawn in whole pixels so that faces are crisp. Its
measures (head and shoulder width, height of head and legs, stance, hands) vary with r; each kind adds headgear, clothes
and a thing to hold. The right hand (of the picture) holds the thing in column 12 or 13, beside the head.
"""

from . import palette as p
from .canvas import Canvas
from .parts import pixel_pair

BOOTS = (p.LEATHER, p.BROWN, p.SLATE, p.BLACK, p.DARK_WOOD)
PLAIN_HAIRS = p.HAIRS[:6]
VISORS = (("mses", "mses", ".mss"), ("mses", "mses", "mmss"), ("mdwd", "mmmd", ".mmd"), ("mddd", "mmmd", ".mmd"))
POSES = ("down", "down", "hip", "up", "out")
BEARDS = (p.HAIRS[3], p.HAIRS[3], p.HAIRS[4])


def _spans(c, y, spans, ramp, rim=None):
    """Fill columns x0 <= x < x1 of each row from y down."""
    rows = ["." * max(x0, 0) + "a" * (x1 - max(x0, 0)) for x0, x1 in spans]
    c.bitmap(rows, 0, y, {"a": ramp}, rim=rim)


class Figure:
    """The measures of one person, and the parts that everybody has."""

    def __init__(self, c, r, cx=7, chin=(7, 8), face=(3, 3, 4), legs=(2, 2, 3)):
        """cx: the middle lies between columns cx-1 and cx. chin: rows of the head. face: half widths of the face."""
        c.flip = r.random() < 0.5
        self.c, self.r, self.cx = c, r, cx
        self.chin = r.choice(chin)
        self.neck, self.eye = self.chin + 1, self.chin - 2
        self.hip = 14 - (r.choice(legs) if self.chin < 9 else 2)  # last row of the torso
        self.face_w = r.choice(face)
        self.torso_w = r.choice((2, 3)) if self.face_w == 3 else 3
        self.skin, self.hair = r.choice(p.SKINS[:1] * 2 + p.SKINS[:3] + p.SKINS), r.choice(PLAIN_HAIRS)
        self.hand = self.neck + r.choice((1, 2))  # row of the hand that holds the thing
        self.hx = r.choice((12, 13)) if cx + self.face_w < 11 else 13  # its column

    def sym(self, y, halves, ramp, rim=None):
        """Rows from y down that reach halves[i] columns to each side of the middle."""
        _spans(self.c, y, [(self.cx - h, self.cx + h) for h in halves], ramp, rim)

    def pair(self, offset, y, ramp, tone):
        """A pixel at this offset to the right of the middle, and its mirror image."""
        pixel_pair(self.c, self.cx + offset, y, ramp, tone, self.cx)

    def legs(self, cloth, boots):
        """Two legs, apart or together."""
        a = self.r.choice((1, 1, 2)) if self.torso_w == 3 else 1
        toe = self.r.choice((0, 0, 1))
        for left in (True, False):
            for y in range(self.hip + 1, 15):
                wide = toe if y == 14 else 0
                span = (self.cx - a - 2 - wide, self.cx - a) if left else (self.cx + a, self.cx + a + 2 + wide)
                _spans(self.c, y, [span], boots if y == 14 else cloth)
        self.c.line(self.cx - 1, self.hip + 1, self.cx, self.hip + 1, cloth, 0 if self.hip > 11 else 1)

    def body(self, trousers, boots, top, belt=None):
        """Legs, and a torso from the shoulders to the hips, with an optional belt."""
        self.legs(trousers, boots)
        self.sym(self.neck, [self.torso_w] * (self.hip - self.neck + 1), top)
        if belt:
            self.sym(self.hip, [self.torso_w], belt)

    def dungarees(self, jeans, boots, shirt):
        """Trousers with a bib and braces over a shirt; then the arms."""
        self.body(jeans, boots, shirt)
        self.sym(self.neck + 2, [self.torso_w] * (self.hip - self.neck - 1), jeans)
        self.pair(1, self.neck + 1, jeans, 2)
        self.pair(1, self.neck + 2, p.YELLOW, 3)
        self.arms(shirt)

    def arms(self, sleeve, poses=POSES):
        """The free arm, then the one that is held out."""
        self.arm_left(sleeve, poses=poses)
        self.arm_out(sleeve)

    def robe(self, cloth, flare=None, trim=None):
        """A gown from the neck to the ground, wider below, with an optional hem."""
        flare = self.r.choice((1, 2, 2)) if flare is None else flare
        n = 14 - self.neck
        halves = [self.torso_w + round(flare * max(k - 1, 0) / (n - 1)) for k in range(n + 1)]
        self.sym(self.neck, halves, cloth)
        if trim:
            self.sym(14, halves[-1:], trim)

    def arm_out(self, sleeve):
        """The right arm, held out to the thing; paint the fist after the thing with `fist`."""
        y, x0 = self.hand, self.cx + self.torso_w
        _spans(self.c, y - 1, [(x0 - 1, self.hx - 1), (x0 - 1, self.hx)], sleeve, 1)

    def fist(self, hand=None):
        """The fist around the thing."""
        self.c.pixel(self.hx, self.hand, hand or self.skin, 3)
        self.c.pixel(self.hx - 1, self.hand, hand or self.skin, 2)

    def finish(self, hand=None):
        """The fist, then the outline."""
        self.fist(hand)
        self.c.outline()

    def arm_left(self, sleeve, hand=None, poses=POSES):
        """The free arm."""
        pose, x, y, hand = self.r.choice(poses), self.cx - self.torso_w, self.neck, hand or self.skin
        if pose == "down":
            n = self.hip - y
            _spans(self.c, y, [(x - 1, x)] + [(x - 2, x)] * (n - 1), sleeve, 1)
            _spans(self.c, y + n, [(x - 2, x)], hand)
        elif pose == "hip":
            _spans(self.c, y, [(x - 1, x), (x - 3, x), (x - 3, x - 1)], sleeve, 1)
            _spans(self.c, y + 3, [(x - 2, x)], hand)
        elif pose == "up":
            _spans(self.c, y - 1, [(x - 4, x - 2), (x - 3, x), (x - 2, x)], sleeve, 1)
            _spans(self.c, y - 3, [(x - 4, x - 2)] * 2, hand)
        else:
            _spans(self.c, y, [(x - 2, x), (x - 3, x)], sleeve, 1)
            _spans(self.c, y + 1, [(x - 4, x - 2)], hand)

    def head(self, mouth=None):
        """The face: skin, two eyes, and a mouth of this ramp."""
        w, y = self.face_w, self.eye
        self.sym(y - 2, [w - 1, w, w, w, w - 1], self.skin, 0)
        self.sym(y, [w], self.skin)
        self.eyes()
        if mouth:
            self.c.line(self.cx - 1, y + 2, self.cx, y + 2, mouth, 2)

    def eyes(self):
        """Two dark eyes, one pixel wide and two high; on dark skin with their whites, to be seen at all."""
        at = self.face_w - 2
        for y in (self.eye, self.eye + 1):
            if self.skin in p.SKINS[3:]:
                self.pair(at + 1, y, p.WHITE, 2)
            self.pair(at, y, p.BLACK, 0)

    def hair_sides(self, length, ramp=None):
        """Hair that falls from the temples: `length` rows from the brow down. Draw it after the head."""
        for x0 in (self.cx - self.face_w - 1, self.cx + self.face_w):
            _spans(self.c, self.eye - 1, [(x0, x0 + 1)] * length, ramp or self.hair)

    def beard(self, ramp, length):
        """A full beard below the eyes, `length` rows beyond the chin, over the chest."""
        w = self.face_w
        self.sym(self.chin, [w] + [max(w - k, 1) for k in range(length)], ramp, 0)
        self.sym(self.eye, [w, w], self.skin)
        self.eyes()
        self.pair(w - 1, self.chin - 1, ramp, 2)

    def cape(self, ramp, flare=1):
        """A cape behind the body; draw it first."""
        n = 14 - self.neck
        w = self.torso_w + 1
        self.sym(self.neck, [w + round(flare * k / n) for k in range(n)], ramp)


# ------------------------------------------------------------------------------------------------- things to hold


def _blade(f, length, metal, hilt, lean=0, wide=False):
    """A sword, point up."""
    c, x, y = f.c, f.hx, f.hand
    for k in range(length):
        px, py = x + round(lean * k / length), y - 2 - k
        c.pixel(px, py, metal, 4 if k % 3 else 3)
        if k < length - 1:
            c.pixel(px + 1, py, metal, 2)
            if wide:
                c.pixel(px - 1, py, metal, 3)
    c.line(x - 1, y - 1, x + 2, y - 1, hilt, 2)
    c.pixel(x, y + 1, hilt, 2)


def _pole(f, top, bottom, ramp):
    """A straight pole through the fist."""
    f.c.line(f.hx, top, f.hx, bottom, ramp, 2)


# ------------------------------------------------------------------------------------------------- kinds


def knight(c: Canvas, r):
    """Steel helmet, open or closed, with a plume; shield and sword."""
    f = Figure(c, r, cx=8, face=(3,))
    f.hx = 13
    metal = r.choice((p.STEEL, p.STEEL, p.STEEL, p.IRON))
    cloth = r.choice((p.RED, p.BLUE, p.CRIMSON, p.NAVY, p.GREEN, p.PURPLE))
    f.body(metal, p.IRON, r.choice((cloth, metal)), p.LEATHER)
    f.arm_out(metal)
    top = f.eye - 3
    f.sym(top, [3, 4, 4, 4, 4, 3], metal, 0)
    key = {"m": metal, "s": f.skin, "e": (p.BLACK, 0), "d": (p.BLACK, 0), "w": (p.WHITE, 3)}
    rows = [".mmm", "mmmm", r.choice(("mmmm", "gggg")), *r.choice(VISORS)]
    c.bitmap(rows, f.cx - 4, top, key | {"g": p.GOLD}, mirror=True)
    plume = r.choice((1, 2, 3))
    f.sym(max(1, top - plume), [1] * min(plume + 1, top), cloth)
    if r.random() < 0.6:
        _spans(c, max(1, top - plume), [(f.cx, f.cx + 3), (f.cx + 1, f.cx + 4)], cloth)
    _blade(f, r.randint(5, f.hand - 3), p.STEEL, p.GOLD)
    f.fist(metal)
    sy, sw, sh = f.neck + r.choice((0, 1)), r.choice((2, 2.5, 2.5, 3)), r.choice((5, 5.5, 6))
    x = 1 + sw
    if r.random() < 0.3:
        c.ellipse(x, sy + 2.5, sw, 2.8, cloth, rim=0)
    else:
        low = sy + sh * 0.6
        c.polygon([(1, sy), (x + sw, sy), (x + sw, low), (x, sy + sh), (1, low)], cloth, rim=0)
    c.line(2, sy + 2, int(2 * sw), sy + 2, r.choice((p.GOLD, p.WHITE)), 3)
    c.line(int(x), sy + 1, int(x), sy + 3, r.choice((p.GOLD, p.WHITE)), 3)
    c.outline()


def mage(c: Canvas, r):
    """Pointed hat, long beard, robe, and a staff with a glowing orb."""
    f = Figure(c, r, chin=(9, 9, 10))
    cloth = r.choice((p.BLUE, p.VIOLET, p.PURPLE, p.NAVY, p.TEAL, p.CRIMSON))
    orb = r.choice((p.CYAN, p.LIME, p.ORANGE, p.PINK, p.YELLOW))
    f.robe(cloth, trim=r.choice((p.GOLD, None)))
    f.arms(cloth)
    f.head()
    w = f.face_w
    f.beard(r.choice((p.HAIRS[5], p.HAIRS[5], p.GREY, p.BROWN)), r.choice((1, 2, 3)))
    band = r.choice((p.GOLD, p.YELLOW, orb))
    _hat_cone(f, cloth, band, w + r.choice((1, 2)), r.choice((-1, 0, 1, 2)), f.eye - r.choice((1, 2)))
    _pole(f, f.eye - 1, 14, r.choice(p.WOODS))
    size = r.choice((1.0, 1.5, 1.5))
    c.ellipse(f.hx + 0.5, f.eye - 2, size, size, orb, rim=None)
    c.pixel(f.hx, f.eye - 3, orb, 4)
    f.finish()


def _hat_cone(f, cloth, band, brim, lean, y1):
    """A pointed hat down to row y1, its tip leaning to one side."""
    n = y1 - 1
    spans = []
    for k in range(n):
        t = k / max(n - 1, 1)
        half, shift = 1 + round((f.face_w - 1) * t), round(lean * (1 - t) ** 2)
        spans.append((f.cx - half + shift, f.cx + half + shift))
    _spans(f.c, 1, spans, cloth)
    f.sym(y1 - 1, [f.face_w], band)
    f.sym(y1, [brim], cloth)


def ranger(c: Canvas, r):
    """Green hood and cape, a bow in the outstretched hand."""
    f = Figure(c, r, cx=6, face=(3,))
    cloth, under = r.choice((p.GREEN, p.FOREST, p.FOREST, p.OLIVE)), r.choice((p.CREAM, p.TAN, p.LEATHER))
    f.hx, f.skin = 14, r.choice(p.SKINS[:3])
    f.cape(cloth, r.choice((0, 1)))
    f.body(under, r.choice(BOOTS), under, r.choice((p.LEATHER, p.BLACK)))
    up, down, wood = r.randint(5, 7), r.randint(4, 5), r.choice(p.WOODS)
    top, bottom = max(f.hand - up, 1), min(f.hand + down, 14)
    for y in range(top, bottom + 1):
        x = 14 - round(3 * (abs(y - f.hand) / max(f.hand - top if y < f.hand else bottom - f.hand, 1)) ** 2.2)
        c.line(11, y, x, y, p.WHITE, 4)  # near-white, so that the bow stays open
        c.pixel(11, y, p.GREY, 1)
        c.pixel(x, y, wood, 2)
    f.arms(cloth)
    f.head()
    w = f.face_w
    tip = r.choice((0, 1))
    f.sym(f.eye - 4 + tip, [1, w - 1, w + 1, w + 1][tip:], cloth)
    f.hair_sides(4, cloth)
    f.sym(f.eye - 1, [w], cloth)
    f.sym(f.eye - 1, [w - 1], r.choice((f.skin, f.hair)))
    f.pair(w - 1, f.chin, cloth, 2)
    f.pair(0, f.neck, r.choice((p.GOLD, cloth, p.WHITE)), 2)  # the clasp of the cape
    f.finish()


def king(c: Canvas, r):
    """Gold crown, red cape with white fur, sceptre."""
    f = Figure(c, r)
    cloth = r.choice((p.RED, p.RED, p.CRIMSON, p.PURPLE, p.BLUE))
    f.robe(cloth, flare=r.choice((1, 2)), trim=p.WHITE)
    f.sym(f.neck, [1] * (14 - f.neck), r.choice((p.WHITE, p.GOLD)))
    f.arms(cloth)
    f.sym(f.neck + 1, [f.torso_w], p.WHITE)
    f.head()
    f.hair_sides(3)
    if r.random() < 0.7:
        f.hair = r.choice((p.HAIRS[1], p.HAIRS[5], p.HAIRS[5], p.GREY))
        f.hair_sides(3)
        f.beard(f.hair, r.choice((0, 1, 2)))
    _crown(f, r)
    top = r.randint(max(f.hand - 6, 3), f.hand - 4)
    _pole(f, top, min(f.hand + r.choice((2, 3, 4)), 14), p.GOLD)
    gem = r.choice((p.RED, p.CYAN, p.LIME, p.VIOLET))
    _spans(c, top - 2, [(f.hx - 1, f.hx + 2)] * 2, gem)
    c.pixel(f.hx, top - 2, gem, 4)
    f.finish()


def _crown(f, r):
    """A gold crown with three points, down to the brow."""
    w, y = f.face_w, f.eye - 1
    f.sym(y - 2, [w + 1, w + 1], p.GOLD)
    f.sym(y, [w], f.hair)
    for x in (f.cx - w - 1, f.cx + w):
        f.c.line(x, y - 4, x, y - 3, p.GOLD, 3)
    f.sym(y - 4, [1, 1 + (w > 3)], p.GOLD)
    f.c.line(f.cx - 1, y - 2, f.cx, y - 2, r.choice((p.RED, p.CYAN, p.LIME)), 2)
    f.pair(w - 1, y - 2, r.choice((p.RED, p.BLUE, p.GOLD)), 2)


def ninja(c: Canvas, r):
    """Wrapped in black but for the eyes, a knotted headband, a katana."""
    f = Figure(c, r)
    cloth, band = r.choice((p.BLACK, p.BLACK, p.NAVY, p.SLATE)), r.choice((p.RED, p.RED, p.CRIMSON, p.BLUE, p.LIME))
    f.body(cloth, p.BLACK, cloth, band)
    c.line(f.cx - 1, f.neck + 1, f.cx, f.neck + 2, cloth, 3)
    f.arms(cloth)
    w, top = f.face_w, f.eye - 4
    n = f.chin - top
    f.sym(top, [w - 1, w] + [w + 1] * (n - 2) + [w], cloth, 0)
    f.sym(f.chin, [w], cloth, 0)
    f.sym(f.eye, [w, w], f.skin)
    f.eyes()
    f.sym(f.eye - 2, [w + 1], band)
    tail = r.choice((1, 2))
    x = f.cx - w - 1
    _spans(c, f.eye - 3 + r.choice((0, 1)), [(x - tail, x), (x - 2, x - 1)], band)
    _blade(f, r.randint(6, f.hand - 3), p.STEEL, r.choice((p.GOLD, p.RED)))
    f.finish()


def farmer(c: Canvas, r):
    """Straw hat, dungarees, pitchfork."""
    f = Figure(c, r, cx=6, face=(3,))
    f.hx = 12
    jeans, shirt = r.choice((p.BLUE, p.NAVY, p.SKY)), r.choice((p.RED, p.ORANGE, p.WHITE, p.GREEN, p.YELLOW))
    f.dungarees(jeans, r.choice(BOOTS), shirt)
    f.head()
    f.hair_sides(r.choice((2, 2, 3)))
    w = f.face_w
    tall = r.choice((2, 3))
    f.sym(f.eye - 2 - tall, [w - 1] + [w] * tall, p.YELLOW, 0)
    f.sym(f.eye - 2, [w], r.choice((p.RED, p.BROWN, p.BLUE)))
    f.sym(f.eye - 1, [w + 2], p.YELLOW, 1)
    top = r.choice((3, 4, 5))
    _pole(f, top, 14, r.choice(p.WOODS))
    c.line(10, top, 14, top, p.IRON, 2)
    for x in (10, 12, 14):
        c.line(x, max(top - r.choice((2, 3)), 1), x, top - 1, p.STEEL, 3)
    f.finish()


def viking(c: Canvas, r):
    """Horned helmet, big beard, axe."""
    f = Figure(c, r, chin=(8,), face=(3,))
    f.hx, f.skin = 12, r.choice(p.SKINS[:3])
    cloth, beard = r.choice((p.SLATE, p.FOREST, p.NAVY, p.CRIMSON, p.TEAL)), r.choice(BEARDS)
    f.body(r.choice((p.BROWN, p.SLATE, p.TAN)), r.choice(BOOTS), cloth, r.choice((p.LEATHER, p.GOLD)))
    f.arms(r.choice((cloth, f.skin)))
    f.head()
    f.hair_sides(r.choice((3, 4)), beard)
    f.beard(beard, r.choice((1, 2, 3)))
    w, y = f.face_w, f.eye - 2
    f.sym(y - 3, [w - 2, w, w, w], r.choice((p.IRON, p.STEEL, p.STEEL)))
    f.sym(y, [w + 1], r.choice((p.GOLD, p.BROWN)))
    horn = r.choice(((".b.", "b..", "bb.", ".bb"), ("b..", "b..", "bbb"), ("b..", "bb.", ".bb")))
    for left in (True, False):
        rows = [row if left else row[::-1] for row in horn]
        c.bitmap(rows, f.cx - 6 if left else f.cx + 3, y - len(rows), {"b": (p.BONE, 3)})
    _axe(f, r)
    f.finish()


def _axe(f, r):
    """An axe on a pole, the blade away from the body."""
    top = r.choice((f.eye, f.eye + 1))
    _pole(f, top - 1, min(f.hand + r.choice((2, 3)), 14), p.WOOD)
    blade = r.choice(([(13, 15)] * 4, [(13, 14), (13, 15), (13, 15)], [(13, 15), (13, 15), (14, 15)]))
    _spans(f.c, top, blade, p.STEEL, 0)


def pirate(c: Canvas, r):
    """Black hat with a skull or a bandana, eye patch, cutlass."""
    f = Figure(c, r, chin=(8,))
    f.skin, f.hair = r.choice(p.SKINS[:3]), r.choice(p.HAIRS[1:5])
    coat = r.choice((p.CRIMSON, p.RED, p.NAVY, p.PURPLE, p.FOREST))
    f.body(r.choice((p.BROWN, p.SLATE, p.WHITE)), p.BLACK, coat, r.choice((p.LEATHER, p.GOLD)))
    f.sym(f.neck, [1] * (f.hip - f.neck), p.WHITE)
    f.arms(coat)
    f.head()
    f.hair_sides(r.choice((3, 4, 5)))
    if r.random() < 0.5:
        f.beard(f.hair, r.choice((0, 1)))
    w, y = f.face_w, f.eye - 2
    if r.random() < 0.6:
        hat, trim = r.choice((p.BLACK, p.BLACK, p.NAVY, p.BROWN)), r.choice((p.GOLD, p.WHITE, p.YELLOW))
        shape = r.choice(((w - 2, w + 1, w + 2, w + 1), (w - 1, w, w + 2, w + 2), (w - 1, w + 1, w + 2, w)))
        f.sym(y - 3, shape, hat)
        f.pair(shape[1] - 1, y - 2, trim, 2)
        f.pair(w + 1, y - 1, trim, 2)
        f.pair(0, y - 2, p.WHITE, 3)
        f.pair(0, y - 1, p.WHITE, 3)
        f.pair(1, y - 2, p.WHITE, 2)
    else:
        band = r.choice((p.RED, p.RED, p.BLUE, p.BLACK))
        f.sym(y - 2, [w - 1, w, w + 1, w + 1], band)
        _spans(c, y + r.choice((0, 1)), [(f.cx - w - 3, f.cx - w), (f.cx - w - 2, f.cx - w - 1)], band)
    x = f.cx - w + 1
    for px, py in ((x - 1, 0), (x, 0), (x - 1, 1), (x, 1), (x + 1, -1)):  # the eye patch and its band
        c.pixel(px, f.eye + py, p.BLACK, 0)
    _blade(f, r.randint(4, f.hand - 3), p.STEEL, p.GOLD, lean=r.choice((0, 1)))
    f.finish()


def priest(c: Canvas, r):
    """White and gold robe, mitre with a cross, crozier."""
    f = Figure(c, r, chin=(8, 9))
    f.hx = 13
    f.robe(p.WHITE, trim=p.GOLD)
    f.arms(p.WHITE)
    f.sym(f.neck, [1] * (14 - f.neck), p.GOLD)
    f.head()
    f.hair_sides(2)
    w, y = f.face_w, f.eye - 1
    bulge = r.choice((0, 1))
    f.sym(1, [1] + [min(w + bulge, 2 + k) for k in range(y - 1)], p.WHITE)
    f.sym(y, [w], p.GOLD)
    for x in (f.cx - 1, f.cx):
        c.line(x, 2, x, y - 1, p.GOLD, 2)
    if w > 3:
        f.sym(3, [2], p.GOLD)
    top = r.choice((1, 2, 3))
    _pole(f, top, 14, p.GOLD)
    c.line(12, top + 1, 14, top + 1, p.GOLD, 3)
    f.finish()


def princess(c: Canvas, r):
    """Tiara, long hair, wide dress, a wand or a flower."""
    f = Figure(c, r)
    cloth, gem = r.choice((p.PINK, p.PINK, p.MAGENTA, p.SKY, p.VIOLET, p.YELLOW, p.TEAL)), r.choice((p.RED, p.CYAN, p.LIME))
    f.torso_w, f.hair = 2, r.choice(p.HAIRS[1:5])
    w = f.face_w
    long = r.choice((2, 3, 4))
    f.sym(f.chin, [w + 1] * long + [w], f.hair)
    n = 14 - f.neck
    wide = r.choice((5, 6))
    f.sym(f.neck, [2, 2] + [2 + round((wide - 2) * (k + 1) / (n - 1)) for k in range(n - 1)], cloth, 0)
    f.sym(14, [wide], r.choice((p.WHITE, cloth, p.GOLD)))
    f.sym(f.neck + 2, [2], r.choice((p.WHITE, p.GOLD, gem)))
    f.arm_left(cloth, poses=("hip", "out", "up"))
    f.arm_out(f.skin)
    f.head(p.RED)
    f.sym(f.eye - 3, [w - 1, w + 1], f.hair)
    f.pair(w - 1, f.eye - 1, f.hair, 2)
    f.hair_sides(5)
    top = f.eye - 4
    f.sym(top, [w - 1, w], p.GOLD)
    for x in r.choice(((1,), (1, 2))):
        f.pair(x - 1 + (x > 1) * (w - 3), top - 1, p.GOLD, 3)
    f.pair(0, top, gem, 2)
    f.pair(w - 2, top, p.GOLD, 0)
    _wand(f, r, gem)
    f.finish()


def _wand(f, r, ramp):
    """A short stick with a star, a flower or a heart on top."""
    top = f.hand - r.choice((3, 4))
    _pole(f, top, f.hand + 1, r.choice((p.GOLD, p.GREEN)))
    f.c.bitmap(
        r.choice(((".a.", "aba", ".a."), ("aba", "aaa", ".a."))),
        f.hx - 1,
        top - 2,
        {"a": (r.choice((p.YELLOW, ramp)), 2), "b": (p.YELLOW, 4)},
    )


def chef(c: Canvas, r):
    """Tall white hat, white coat with a scarf, moustache, frying pan."""
    f = Figure(c, r, cx=6, chin=(9,), face=(3,))
    f.hx, scarf = 12, r.choice((p.RED, p.RED, p.BLUE, p.GREEN, p.ORANGE))
    f.body(r.choice((p.SLATE, p.NAVY, p.BLACK)), p.BLACK, p.WHITE)
    f.arms(p.WHITE)
    f.sym(f.neck + 1, [1], scarf)
    f.pair(1, f.neck + 2, p.SLATE, 1)
    f.head()
    f.hair_sides(r.choice((2, 3)))
    w, y = f.face_w, f.eye - 2
    if r.random() < 0.6:
        f.sym(f.chin, [r.choice((1, 2, 2))], f.hair)
    puff = r.choice((w + 1, w + 1, w + 2))
    f.sym(1, [w - 1 + r.choice((0, 1))] + [puff] * (y - 3) + [w, w], p.WHITE)
    for x in (f.cx - 2, f.cx + 1):
        c.line(x, 3, x, y - 1, p.WHITE, 1)
    f.sym(y, [w], p.WHITE)
    top = f.hand - r.choice((2, 3))
    _pole(f, top, f.hand + 1, p.DARK_WOOD)
    if r.random() < 0.7:
        c.ellipse(12.5, top - 1.5, 2.5, r.choice((2.5, 3)), p.BLACK, rim=0)
        c.bitmap([".w.", "wyw", "ww."], 11, top - 3, {"w": (p.WHITE, 3), "y": (p.YELLOW, 2)})  # a fried egg
    else:
        _spans(c, top - 4, [(12, 15)] * r.choice((4, 5)), p.STEEL, 0)
    f.finish()


def miner(c: Canvas, r):
    """Yellow helmet with a lamp, pickaxe."""
    f = Figure(c, r, cx=6, face=(3,))
    f.hx, jeans, shirt = 12, r.choice((p.BLUE, p.NAVY, p.BROWN, p.SLATE)), r.choice((p.ORANGE, p.RED, p.GREY, p.OLIVE, p.TEAL))
    f.dungarees(jeans, r.choice(BOOTS), shirt)
    f.head()
    f.hair_sides(2)
    if r.random() < 0.4:
        f.beard(f.hair, r.choice((0, 1, 2)))
    helmet, y = r.choice((p.YELLOW, p.YELLOW, p.ORANGE)), f.eye - 1
    f.sym(y - 3, [2, 3, 4, 4], helmet, 1)
    if r.random() < 0.5:
        f.sym(y, [5], helmet)
    f.sym(y - 2, [1, 1], p.WHITE, 0)
    f.pair(0, y - 2, p.YELLOW, 4)
    top = r.choice((2, 3, 4))
    _pole(f, top, r.choice((13, 14)), r.choice(p.WOODS))
    for dx, dy in ((0, 0), (1, 0), (-1, 0), (2, 1), (-2, 1), (2, 2), (-2, 2)):
        c.pixel(12 + dx, top + dy - 1, p.STEEL, 3 if dy == 0 else 2)
    f.finish()


def samurai(c: Canvas, r):
    """Helmet with a golden crest and neck guard, laced armour, katana."""
    f = Figure(c, r, face=(3,))
    f.hx, f.torso_w = 13, 3
    armour, lace = r.choice((p.CRIMSON, p.RED, p.NAVY, p.BLACK, p.FOREST)), r.choice((p.GOLD, p.ORANGE, p.WHITE))
    f.body(r.choice((p.SLATE, p.BLACK)), p.BLACK, armour, lace)
    f.sym(f.neck + 2, [3], lace)
    f.arms(armour, poses=("down", "hip"))
    f.head()
    if r.random() < 0.5:
        f.sym(f.chin, [3], r.choice((p.BLACK, p.CRIMSON)))
    y = f.eye - 1
    f.sym(y - 2, [3, 4, 4], armour, 1)
    out = r.choice((0, 1))
    for s in (-1, 1):
        x = f.cx + 3 if s > 0 else f.cx - 4 - out
        _spans(c, y + 1, [(x, x + 1 + out)] * 3, armour)
    f.sym(y, [4], lace)
    tall = r.choice((1, 2))
    for k, off in enumerate((0, 1, 2, 2 + out)[: 3 + (tall > 1)]):
        f.pair(off, max(y - 1 - k, 1), p.GOLD, 3)
        f.pair(off + 1, max(y - 2 - k, 1), p.GOLD, 2)
    _blade(f, r.randint(6, f.hand - 3), p.STEEL, p.GOLD)
    f.finish()


def barbarian(c: Canvas, r):
    """Bare chest with a strap, wild hair, fur and a huge sword."""
    f = Figure(c, r, chin=(7,), legs=(2, 3))
    fur = r.choice((p.LEATHER, p.DARK_WOOD, p.SLATE, p.CRIMSON))
    f.hx, f.torso_w, f.skin = 13, 3, r.choice(p.SKINS[:3])
    f.hair = r.choice((p.HAIRS[0], p.HAIRS[1], p.HAIRS[3], p.HAIRS[4]))
    f.sym(f.chin - 1, [f.face_w + 1] * r.choice((2, 3, 4)), f.hair)
    f.body(f.skin, fur, f.skin)
    f.sym(f.hip - 1, [3, 3, r.choice((1, 3))], fur)
    c.line(f.cx - 3, f.neck, f.cx, f.neck + 3, fur, 1)
    f.arm_left(f.skin)
    f.arm_out(f.skin)
    f.head()
    w = f.face_w
    f.sym(f.eye - 4, [w - 1, w + 1, w + 1], f.hair)
    for x in range(f.cx - w, f.cx + w - 1, 2):
        if r.random() < 0.4:
            c.pixel(x, f.eye - 5 + (f.eye < 6), f.hair, 2)
    f.hair_sides(5)
    f.sym(f.eye - 2, [w + r.choice((0, 1))], r.choice((p.RED, p.RED, p.BLUE, p.WHITE)))
    if r.random() < 0.4:
        f.sym(f.chin, [w], f.hair)
    _blade(f, f.hand - r.choice((3, 4)), r.choice((p.STEEL, p.IRON)), r.choice((p.GOLD, p.LEATHER)), wide=True)
    f.finish()


def bard(c: Canvas, r):
    """Cap with a long feather, bright clothes, a lute."""
    f = Figure(c, r)
    cloth, cap = r.choice((p.MAGENTA, p.RED, p.TEAL, p.VIOLET, p.GREEN, p.BLUE)), r.choice((p.RED, p.GREEN, p.BLUE, p.PURPLE))
    f.torso_w = 3
    f.body(r.choice((p.WHITE, p.NAVY, p.SLATE)), r.choice(BOOTS), cloth)
    f.arm_left(cloth, poses=("hip",))
    _spans(c, f.neck, [(f.cx + 3, f.cx + 4), (f.cx + 3, f.cx + 5)], cloth, 1)
    f.head()
    f.hair_sides(r.choice((3, 4, 5)))
    w, y = f.face_w, f.eye - 1
    f.sym(y - 3, [w - 1, w, w + 1], cap)
    f.sym(y, [w + 1], r.choice((p.GOLD, cap)))
    feather, n = r.choice((p.WHITE, p.YELLOW, p.RED, p.SKY)), r.choice((0, 1, 2))
    for k in range(5):
        c.pixel(f.cx + w - 1 + k, y - 1 - min(k, 2 + (n > 1)), feather, 3)
        c.pixel(f.cx + w - 1 + k, y - 2 - min(k, 2 + (n > 0)), feather, 2)
    x, y, up = f.cx - 1, f.neck + 3, r.choice((2, 3, 4))
    rx = r.choice((2, 2.5, 3))
    for k in range(3):  # the neck, then its pegs
        _spans(c, y - k * up // 3, [(x + 2 * k, x + 2 * k + 3)], p.WOOD, 0 if k == 0 else None)
    _spans(c, y - up, [(x + 6, x + 8)] * 2, p.DARK_WOOD)
    with c.frame(angle=-25, cx=x, cy=y):
        c.ellipse(x - 0.5, y, rx, 2, r.choice((p.ORANGE, p.LIGHT_WOOD, p.TAN)), rim=0)
    c.pixel(x - 1, y - 1, p.BLACK, 0)
    c.pixel(x, y - 1, p.BLACK, 0)
    c.pixel(x - 2, y, f.skin, 3)
    c.pixel(f.cx + 4, y - 2, f.skin, 3)
    c.outline()


def astronaut(c: Canvas, r):
    """White suit, round helmet with a shining visor, a flag."""
    f = Figure(c, r, cx=5, face=(3,))
    suit, visor = r.choice((p.WHITE, p.WHITE, p.WHITE, p.ORANGE)), r.choice((p.NAVY, p.BLUE, p.TEAL))
    hint = r.choice((p.RED, p.BLUE, p.ORANGE))
    f.hx, f.torso_w = 10, r.choice((2, 3))
    if r.random() < 0.6:
        f.sym(f.neck, [4] * r.choice((3, 4)), p.GREY)
    f.body(suit, r.choice((suit, p.GREY, hint)), suit, r.choice((p.GREY, hint)))
    f.arm_left(suit, suit, poses=("down", "hip") if f.torso_w == 3 else ("down", "hip", "out"))
    c.pixel(f.cx - 1, f.neck + 2, p.RED, 2)
    c.pixel(f.cx, f.neck + 2, p.BLUE, 2)
    top = r.choice((1, 1, 2)) + (f.chin > 7)
    ry = (f.chin + 1 - top) / 2
    c.ellipse(f.cx, top + ry, 4, ry, suit, power=r.choice((2.2, 2.6)), rim=0)
    f.sym(top + 2, [3] * (f.chin - top - 2), visor)
    f.pair(2, f.chin - 1, visor, 0)
    c.line(f.cx - 2, top + 3, f.cx - 2, top + 4, p.WHITE, 4)
    c.pixel(f.cx - 1, top + 3, p.WHITE, 4)
    f.arm_out(suit)
    _pole(f, 1, r.choice((12, 13, 14)), p.GREY)
    key = {"b": (p.BLUE, 2), "w": (p.WHITE, 3), "a": (r.choice((p.RED, p.RED, p.GREEN, p.ORANGE)), 2)}
    flags = (("bbaa", "bbww", "aaaa", "wwww"), ("aaaa", "wwww", "aaaa"), ("awaa", "wwww", "awaa"), ("awwb",) * 3)
    c.bitmap(r.choice(flags) + r.choice(((), ("..aa",), ("aa..",))), 11, 1, key)
    f.finish(suit)


def witch(c: Canvas, r):
    """Bent black hat with a wide brim, long hair, black dress, broom."""
    f = Figure(c, r, chin=(8, 9))
    band, cloth = r.choice((p.ORANGE, p.LIME, p.VIOLET, p.MAGENTA)), r.choice((p.BLACK, p.BLACK, p.PURPLE))
    f.skin, f.hair = (
        r.choice((p.LIME, p.GREEN, p.SKINS[0], p.SKINS[1])),
        r.choice((p.ORANGE, p.HAIRS[3], p.VIOLET, p.GREY, p.HAIRS[4])),
    )
    f.sym(f.chin, [f.face_w + 1] * r.choice((2, 3)), f.hair)
    f.robe(cloth, trim=r.choice((None, band)))
    f.sym(f.hip - 1, [f.torso_w], band)
    f.arms(cloth)
    f.head()
    f.hair_sides(4)
    _hat_cone(f, cloth, band, f.face_w + 2, r.choice((-3, -2, 2, 3)), f.eye - r.choice((1, 2)))
    top = r.choice((f.eye - 3, f.eye - 2))
    _pole(f, top, 14, p.WOOD)
    _spans(c, top - 1, [(f.hx - 1, f.hx + 2)] * 3 + [(f.hx, 14)], p.YELLOW, 0)
    f.finish()


def jester(c: Canvas, r):
    """Cap with two drooping points and bells, clothes in two colours, a ball."""
    f = Figure(c, r, cx=8, face=(3,))
    a, b = r.choice(
        ((p.RED, p.BLUE), (p.RED, p.YELLOW), (p.GREEN, p.VIOLET), (p.MAGENTA, p.LIME), (p.PURPLE, p.YELLOW), (p.BLUE, p.YELLOW))
    )
    f.body(b, a, a)
    _spans(c, f.neck, [(8, 8 + f.torso_w)] * (f.hip - f.neck + 1), b)
    f.arm_left(b, poses=("out", "up", "down", "hip"))
    x = f.cx + f.torso_w
    _spans(c, f.neck, [(x, x + 2), (x, x + 3)], a, 1)
    _spans(c, f.neck + 1, [(x + 2, x + 4)], f.skin)
    _spans(c, f.neck - 1, [(x + 2, x + 4)] * 2, r.choice((p.YELLOW, p.RED, p.CYAN)))
    f.head(p.RED)
    f.sym(f.neck, [r.choice((2, 3, 4))], r.choice((p.WHITE, p.YELLOW)))
    y = f.eye - 1
    out, droop, tall = r.choice((6, 6, 7)), r.choice((0, 1)), r.choice((0, 1))
    for s, ramp in ((-1, a), (1, b)):
        rows = [(2, 4)] * tall + [(1, out - 1), (0, out), (0, out)]
        _spans(c, y - 2 - tall, [(8 + x0, 8 + x1) if s > 0 else (8 - x1, 8 - x0) for x0, x1 in rows], ramp)
        _spans(c, y, [(8, 11) if s > 0 else (5, 8)], ramp)
        tip = (8 + out - 2, 8 + out) if s > 0 else (8 - out, 8 - out + 2)
        _spans(c, y + 1, [tip] * droop, ramp)
        _spans(c, y + 1 + droop, [tip], p.GOLD)
    c.outline()


KINDS = {
    "knight": knight,
    "mage": mage,
    "ranger": ranger,
    "king": king,
    "ninja": ninja,
    "farmer": farmer,
    "viking": viking,
    "pirate": pirate,
    "priest": priest,
    "princess": princess,
    "chef": chef,
    "miner": miner,
    "samurai": samurai,
    "barbarian": barbarian,
    "bard": bard,
    "astronaut": astronaut,
    "witch": witch,
    "jester": jester,
}
