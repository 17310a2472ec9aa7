"""Colour ramps, made in OKLCH (Ottosson 2020), a space in which equal steps look equal.

A ramp is one material in five tones: 0 outline, 1 shadow, 2 base, 3 light, 4 highlight. Shadows are not only darker:
their hue moves towards blue-violet. Lights move towards yellow. That is what keeps small pictures lively.
"""

import math
from dataclasses import dataclass

SHADOW_HUE, LIGHT_HUE = 285.0, 95.0
#            outline shadow base light highlight
LIGHTNESS = (-0.40, -0.17, 0.00, 0.12, 0.22)
HUE_SHIFT = (0.35, 0.18, 0.00, 0.14, 0.26)  # share of the way to SHADOW_HUE or LIGHT_HUE
CHROMA = (0.60, 0.95, 1.00, 0.92, 0.60)


@dataclass(frozen=True)
class Ramp:
    """Five RGB tones of one material, dark to light; `gloss` materials show the highlight, the others stop at light."""

    tones: tuple
    gloss: bool = False


def oklch_to_rgb(lightness: float, chroma: float, hue: float) -> tuple:
    """OKLCH (lightness 0..1, chroma 0..0.4, hue in degrees) to 8-bit sRGB; chroma is reduced until the colour exists."""
    while True:
        a, b = chroma * math.cos(math.radians(hue)), chroma * math.sin(math.radians(hue))
        l_ = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
        m_ = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
        s_ = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
        linear = (
            4.0767416621 * l_ - 3.3077115913 * m_ + 0.2309699292 * s_,
            -1.2684380046 * l_ + 2.6097574011 * m_ - 0.3413193965 * s_,
            -0.0041960863 * l_ - 0.7034186147 * m_ + 1.7076147010 * s_,
        )
        if chroma < 0.002 or all(-0.0005 <= v <= 1.0005 for v in linear):
            break
        chroma *= 0.95
    rgb = []
    for v in linear:
        v = min(max(v, 0.0), 1.0)
        v = 12.92 * v if v <= 0.0031308 else 1.055 * v ** (1 / 2.4) - 0.055
        rgb.append(round(255 * v))
    return tuple(rgb)


def _towards(hue: float, target: float, share: float) -> float:
    return hue + ((target - hue + 180) % 360 - 180) * share


def ramp(lightness: float, chroma: float, hue: float, gloss: bool = False, contrast: float = 1.0) -> Ramp:
    """The ramp around one base colour. `contrast` scales the distance of the other tones from the base."""
    tones = []
    for i in range(5):
        target = SHADOW_HUE if i < 2 else LIGHT_HUE
        light = lightness + LIGHTNESS[i] * contrast
        if i == 0:  # every outline is dark, whatever the material
            light = min(max(light, 0.17), 0.30)
        light = min(max(light, 0.17), 0.97)
        tones.append(oklch_to_rgb(light, chroma * CHROMA[i], _towards(hue, target, HUE_SHIFT[i])))
    return Ramp(tuple(tones), gloss)


# One shared palette keeps the set harmonious: drawing functions choose from these, they do not invent colours.
RED = ramp(0.58, 0.20, 25)
CRIMSON = ramp(0.48, 0.18, 15)
ORANGE = ramp(0.70, 0.17, 55)
YELLOW = ramp(0.84, 0.16, 92)
LIME = ramp(0.76, 0.18, 128)
GREEN = ramp(0.60, 0.15, 145)
FOREST = ramp(0.47, 0.10, 150)
OLIVE = ramp(0.58, 0.10, 115)
TEAL = ramp(0.60, 0.10, 190)
CYAN = ramp(0.78, 0.11, 210)
SKY = ramp(0.72, 0.12, 235)
BLUE = ramp(0.55, 0.17, 260)
NAVY = ramp(0.42, 0.12, 268)
VIOLET = ramp(0.52, 0.19, 298)
PURPLE = ramp(0.46, 0.15, 312)
MAGENTA = ramp(0.62, 0.20, 340)
PINK = ramp(0.78, 0.12, 0)
BROWN = ramp(0.48, 0.08, 55)
TAN = ramp(0.68, 0.08, 70)
CREAM = ramp(0.88, 0.05, 90)
WHITE = ramp(0.90, 0.012, 250)
GREY = ramp(0.66, 0.015, 260)
SLATE = ramp(0.50, 0.03, 260)
BLACK = ramp(0.32, 0.02, 280)

STEEL = ramp(0.74, 0.025, 245, gloss=True)
IRON = ramp(0.56, 0.025, 255, gloss=True)
GOLD = ramp(0.78, 0.15, 85, gloss=True)
COPPER = ramp(0.62, 0.12, 50, gloss=True)
BRONZE = ramp(0.58, 0.10, 75, gloss=True)
WOOD = ramp(0.50, 0.085, 58)
DARK_WOOD = ramp(0.40, 0.065, 50)
LIGHT_WOOD = ramp(0.64, 0.09, 68)
LEATHER = ramp(0.46, 0.085, 48)
BONE = ramp(0.87, 0.045, 92)
STONE = ramp(0.62, 0.02, 90)
MOSS = ramp(0.56, 0.11, 125)
GLASS = ramp(0.86, 0.035, 220, gloss=True)

SKINS = (
    ramp(0.84, 0.065, 60, contrast=0.8),
    ramp(0.77, 0.08, 58, contrast=0.8),
    ramp(0.67, 0.085, 55, contrast=0.8),
    ramp(0.56, 0.08, 52, contrast=0.8),
    ramp(0.46, 0.065, 48, contrast=0.8),
)
HAIRS = (
    ramp(0.33, 0.02, 280),
    ramp(0.40, 0.06, 50),
    ramp(0.52, 0.10, 52),
    ramp(0.62, 0.16, 45),
    ramp(0.82, 0.12, 88),
    ramp(0.86, 0.01, 250),
    ramp(0.56, 0.15, 300),
    ramp(0.66, 0.11, 200),
)
CLOTHS = (RED, CRIMSON, ORANGE, YELLOW, GREEN, FOREST, TEAL, SKY, BLUE, NAVY, VIOLET, PURPLE, MAGENTA, BROWN, WHITE, SLATE)
METALS = (STEEL, IRON, GOLD, COPPER, BRONZE)
WOODS = (WOOD, DARK_WOOD, LIGHT_WOOD)
BRIGHTS = (RED, ORANGE, YELLOW, LIME, GREEN, CYAN, SKY, BLUE, VIOLET, MAGENTA, PINK)

# What a person would call a sprite that is mostly of one of these. Skins, glass, outlines and highlights name no colour.
WORDS = {
    "red": (RED, CRIMSON),
    "orange": (ORANGE, HAIRS[3]),
    "yellow": (YELLOW, GOLD, HAIRS[4]),
    "green": (LIME, GREEN, FOREST, OLIVE, TEAL, MOSS),
    "blue": (CYAN, SKY, BLUE, NAVY, HAIRS[7]),
    "purple": (VIOLET, PURPLE, HAIRS[6]),
    "pink": (MAGENTA, PINK),
    "brown": (BROWN, TAN, COPPER, BRONZE, WOOD, DARK_WOOD, LIGHT_WOOD, LEATHER, HAIRS[1], HAIRS[2]),
    "black": (BLACK, HAIRS[0]),
    "gray": (GREY, SLATE, STEEL, IRON, STONE),
    "white": (CREAM, WHITE, BONE, HAIRS[5]),
}


def named_tones() -> dict[str, list]:
    """{colour word: its RGB tones}, and under "" the tones that name none: `diffusion_lab.sprites` reads sprites by it."""
    named = {word: [tone for ramp in ramps for tone in ramp.tones[1:4]] for word, ramps in WORDS.items()}
    taken = {tone for tones in named.values() for tone in tones}
    ramps = [*(ramp for ramps in WORDS.values() for ramp in ramps), *SKINS, GLASS]
    return named | {"": sorted({tone for ramp in ramps for tone in ramp.tones} - taken)}
