"""A small ray tracer for scenes of cubes, spheres and cylinders on a grey ground, after CLEVR (Johnson et al. 2017).

World: x to the right, y away from the camera, z up; lengths in units of about a tenth of the picture; the ground is z = 0.
All solids are convex: a ray is inside one of them for a single interval of distances. `interval` is the whole geometry.
Vectors are arrays (3, ...), float32: plain arithmetic on 128×128 rays, no matrix library, which may round otherwise elsewhere.
"""

import multiprocessing
import operator
import os
import random
from collections.abc import Sequence
from math import cos, radians, sin, sqrt
from typing import NamedTuple

import numpy as np

SHAPES = ("cube", "sphere", "cylinder")
# The names are the exercise's, the tones chosen here: told apart at 64×64 in light and in shadow.
COLOURS = {
    "gray": (84, 84, 84), "red": (205, 26, 32), "blue": (36, 72, 220), "green": (30, 130, 36), "brown": (118, 66, 26),
    "purple": (142, 40, 190), "cyan": (40, 200, 205), "yellow": (246, 216, 36),
}  # fmt: skip
NAMES = tuple(f"{colour} {shape}" for shape in SHAPES for colour in COLOURS)  # "gray cube" is 0, "yellow cylinder" is 23

SIZE = 64
FINE = 2 * SIZE  # traced at twice the size, then averaged 2×2
HALF = {"cube": 0.72, "sphere": 0.9, "cylinder": 0.8}  # half the edge; the radius; the radius and half the height
GAP = 0.25  # between two objects, on the ground
MOST = 5  # objects in a scene
VISIBLE = 0.4  # each object shows at least this part of itself
MARGIN = 3  # fine pixels between an object and the edge of the picture
GROUND = (168, 168, 166)
SAMPLES = 4  # shadow rays of a fine pixel; its three neighbours have others: 16 for a pixel


class Solid(NamedTuple):
    """An object: its shape, the colour's name, where it stands on the ground, and its angle in radians (cubes only)."""

    shape: str
    colour: str
    x: float
    y: float
    angle: float


class View(NamedTuple):
    """origin: the camera (3,). rays: unit vectors (3, FINE, FINE), row by row from the top left. light: key light (3,)."""

    origin: np.ndarray
    rays: np.ndarray
    light: np.ndarray


def render(labels: Sequence[int], seed: int) -> np.ndarray:
    """A picture of the objects with these labels: (64, 64, 3) uint8.

    labels: up to five numbers in 0..23 (see NAMES), in any order, one for each object; none at all gives the bare ground. seed:
    the scene's number. Labels and seed alone decide the picture. Raises ValueError for other labels.
    """
    view, solids, distances = scene(labels, seed)
    return shade(view, solids, distances)


def render_many(label_sets: Sequence[Sequence[int]], seeds: Sequence[int], processes: int | None = None) -> np.ndarray:
    """The pictures of many scenes: (N, 64, 64, 3) uint8. The same for any number of processes; None: one for each core."""
    if len(label_sets) != len(seeds):
        raise ValueError(f"There are {len(label_sets)} label sets but {len(seeds)} seeds: give one seed for each set.")
    jobs = [(tuple(labels), seed) for labels, seed in zip(label_sets, seeds, strict=True)]
    processes = min(processes or os.cpu_count() or 1, max(1, len(jobs) // 8))
    pictures = np.empty((len(jobs), SIZE, SIZE, 3), np.uint8)
    if processes == 1:
        for k, job in enumerate(jobs):
            pictures[k] = render(*job)
        return pictures
    # A forked process needs no main module to import, so this also works from a notebook and from standard input.
    method = "fork" if "fork" in multiprocessing.get_all_start_methods() else "spawn"
    with multiprocessing.get_context(method).Pool(processes) as pool:
        for k, picture in enumerate(pool.imap(_render, jobs, chunksize=max(1, min(64, len(jobs) // (4 * processes))))):
            pictures[k] = picture
    return pictures


def _render(job: tuple) -> np.ndarray:
    return render(*job)


# ------------------------------------------------------------------ the scene


def scene(labels: Sequence[int], seed: int) -> tuple[View, list[Solid], np.ndarray]:
    """The view, the objects, and the distance to each of them alone along each ray (n, FINE, FINE), inf where it is missed.

    The objects do not touch, each shows VISIBLE of itself or more, and none is cut by the picture's edge. Errors as `render`.
    """
    labels = sorted(operator.index(label) for label in labels)
    if not set(labels) <= set(range(len(NAMES))):
        raise ValueError(f"The labels {labels} are not all in 0..{len(NAMES) - 1}: take the numbers of NAMES.")
    if len(labels) > MOST:
        raise ValueError(f"There is no room for {len(labels)} objects: ask for {MOST} or fewer.")
    r = random.Random(f"diffusion-lab/scenes/{seed}")
    r.shuffle(labels)  # else the first labels would stand where they like, and the last where there is room
    view = _view(r)
    while True:  # when the last object finds no place, all are placed again
        solids, distances = [], np.empty((0, FINE, FINE), np.float32)
        for _ in range(60 * len(labels)):
            if len(solids) == len(labels):
                break
            colour, shape = NAMES[labels[len(solids)]].split()
            ray = view.rays[:, r.randrange(12, FINE - 12), r.randrange(12, FINE - 12)]  # its centre; nearer the edge none fits
            x, y, _ = view.origin + (np.float32(HALF[shape]) - view.origin[2]) / ray[2] * ray
            new = Solid(shape, colour, float(x), float(y), r.uniform(0, np.pi / 2))
            if any(sqrt((new.x - s.x) ** 2 + (new.y - s.y) ** 2) < _reach(new) + _reach(s) + GAP for s in solids):
                continue
            alone = distance(new, view)
            if not _inside(alone):
                continue
            together = np.concatenate([distances, alone[None]])
            if min(visible(together)) >= VISIBLE:
                solids.append(new)
                distances = together
        if len(solids) == len(labels):
            return view, solids, distances


def _view(r: random.Random) -> View:
    """A camera and a key light near their usual places."""
    azimuth, elevation, far = radians(r.uniform(-4, 4)), radians(r.uniform(36, 40)), r.uniform(18.6, 19.4)
    origin = np.array([far * cos(elevation) * sin(azimuth), -far * cos(elevation) * cos(azimuth), far * sin(elevation)])
    forward = -origin / far
    right = np.array([cos(azimuth), sin(azimuth), 0])
    up = np.cross(right, forward)
    centre = forward + up * r.uniform(-0.01, 0.01) + right * r.uniform(-0.01, 0.01)
    at = ((np.arange(FINE) + 0.5) / FINE - 0.5) * 0.405
    rays = centre[:, None, None] + right[:, None, None] * at[None, None, :] - up[:, None, None] * at[None, :, None]
    rays /= np.sqrt((rays**2).sum(0))
    light = np.array([-8.5 + r.uniform(-1.6, 1.6), -7 + r.uniform(-1.6, 1.6), 14.5 + r.uniform(-1, 1)])
    return View(origin.astype(np.float32), rays.astype(np.float32), light.astype(np.float32))


def _reach(solid: Solid) -> float:
    """The radius of the upright cylinder around a solid."""
    return HALF[solid.shape] * (sqrt(2) if solid.shape == "cube" else 1)


def _inside(alone: np.ndarray) -> bool:
    hit = np.isfinite(alone)
    return bool(hit.any()) and not (
        hit[:MARGIN].any() or hit[-MARGIN:].any() or hit[:, :MARGIN].any() or hit[:, -MARGIN:].any()
    )


def visible(distances: np.ndarray) -> list[float]:
    """The part of each object that shows: its pixels in the scene over its pixels alone. distances: (n, H, W), inf: no hit."""
    nearest = distances.min(0, initial=np.inf)
    return [float(((d == nearest) & np.isfinite(d)).sum() / np.isfinite(d).sum()) for d in distances]


# ------------------------------------------------------------------ geometry


def interval(solid: Solid, origin: np.ndarray, ray: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where rays enter and leave a solid, in lengths of the ray: two arrays (...); a ray that enters after it leaves misses.

    origin: (3,) or (3, ...). ray: (3, ...), nowhere zero in z. Errors: none.
    """
    half = HALF[solid.shape]
    ox, oy, oz = origin[0] - np.float32(solid.x), origin[1] - np.float32(solid.y), origin[2] - np.float32(half)
    dx, dy, dz = ray
    if solid.shape == "sphere":
        return _roots(dx * dx + dy * dy + dz * dz, ox * dx + oy * dy + oz * dz, ox * ox + oy * oy + oz * oz - half * half)
    enter, leave = _slab(oz, dz, half)
    if solid.shape == "cylinder":
        sides = [_roots(dx * dx + dy * dy, ox * dx + oy * dy, ox * ox + oy * oy - half * half)]
    else:
        c, s = np.float32(cos(solid.angle)), np.float32(sin(solid.angle))
        sides = [_slab(c * ox + s * oy, c * dx + s * dy, half), _slab(c * oy - s * ox, c * dy - s * dx, half)]
    for first, last in sides:
        enter, leave = np.maximum(enter, first), np.minimum(leave, last)
    return enter, leave


def _roots(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The roots of a t² + 2 b t + c; (inf, -inf) where there are none."""
    inside = b * b - a * c
    root = np.sqrt(np.maximum(inside, 0))
    return np.where(inside > 0, (-b - root) / a, np.inf), np.where(inside > 0, (root - b) / a, -np.inf)


def _slab(o: np.ndarray, d: np.ndarray, half: float) -> tuple[np.ndarray, np.ndarray]:
    d = np.where(np.abs(d) < 1e-7, np.float32(1e-7), d)
    one, two = (-half - o) / d, (half - o) / d
    return np.minimum(one, two), np.maximum(one, two)


def distance(solid: Solid, view: View) -> np.ndarray:
    """The distance along each ray of the camera to a solid alone: (FINE, FINE), inf where it is missed."""
    enter, leave = interval(solid, view.origin, view.rays)
    return np.where(enter < leave, enter, np.inf).astype(np.float32)


def normal(solid: Solid, point: np.ndarray) -> np.ndarray:
    """The unit normal (3, N) of a solid at points (3, N) of its surface."""
    half = HALF[solid.shape]
    x, y, z = point[0] - solid.x, point[1] - solid.y, point[2] - half
    if solid.shape == "sphere":
        return np.stack([x, y, z]).astype(np.float32) / np.float32(half)
    up = z > half * 0.999
    if solid.shape == "cylinder":
        out = np.stack([x, y, 0 * z]) / np.sqrt(x * x + y * y + 1e-12)
    else:
        c, s = cos(solid.angle), sin(solid.angle)
        u, v = c * x + s * y, c * y - s * x
        first = np.abs(u) > np.abs(v)
        u, v = np.where(first, np.sign(u), 0), np.where(first, 0, np.sign(v))
        out = np.stack([c * u - s * v, s * u + c * v, 0 * z])
    return np.where(up, np.array([[0], [0], [1]]), out).astype(np.float32)


# ------------------------------------------------------------------ light


def shade(view: View, solids: list[Solid], distances: np.ndarray) -> np.ndarray:
    """The picture (64, 64, 3) uint8: key light with soft shadows, fill light, sky; a small highlight; sRGB."""
    rays = view.rays.reshape(3, -1)
    which = np.full(rays.shape[1], -1)
    depth = -view.origin[2] / rays[2]  # to the ground
    for k, alone in enumerate(distances.reshape(len(solids), FINE * FINE)):
        nearer = alone < depth
        which[nearer], depth[nearer] = k, alone[nearer]
    point = view.origin[:, None] + depth * rays
    normals = np.zeros_like(point)
    normals[2] = 1
    albedo = np.empty_like(point)
    albedo[:] = _linear(GROUND)
    for k, solid in enumerate(solids):
        mine = which == k
        normals[:, mine] = normal(solid, point[:, mine])
        albedo[:, mine] = _linear(COLOURS[solid.colour])

    light = view.light[:, None] - point
    away = np.sqrt((light**2).sum(0))
    light /= away
    facing = np.maximum((normals * light).sum(0), 0)
    lit, open_sky = _shadows(view.light, solids, point, normals, which)
    key = 1.1 * facing * lit * (18 / away) ** 2
    fill = np.maximum(0.80 * normals[0] - 0.53 * normals[1] + 0.28 * normals[2], 0)
    colour = albedo * (key + 0.22 * fill + 0.30 * open_sky * (0.62 + 0.38 * normals[2]))
    middle = light - rays
    middle /= np.sqrt((middle**2).sum(0))
    shine = np.maximum((normals * middle).sum(0), 0) ** 40 * lit * (which >= 0)
    colour = np.minimum(colour + 0.28 * shine, 1).reshape(3, SIZE, 2, SIZE, 2).mean((2, 4))
    return np.rint(255 * colour ** (1 / 2.2)).astype(np.uint8).transpose(1, 2, 0)


def _linear(tone: tuple[int, int, int]) -> np.ndarray:
    return ((np.array(tone, np.float32) / 255) ** np.float32(2.2))[:, None]


def _shadows(
    light: np.ndarray, solids: list[Solid], point: np.ndarray, normals: np.ndarray, which: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The part of the key light, a square, that each point sees, and the part of the sky: (N,), (N,), in 0..1."""
    lit, sky = np.zeros(point.shape[1], np.float32), np.ones(point.shape[1], np.float32)
    row, column = np.divmod(np.arange(point.shape[1]), FINE)
    corner = np.stack([row % 2, column % 2])  # where in its pixel
    for k in range(SAMPLES):
        a, b = (2 * np.array(divmod(k, 2))[:, None] + corner + 0.5) / 4 - 0.5
        towards = light[:, None] + np.stack([3 * a, 3 * b, 0 * a]).astype(np.float32) - point
        free = np.ones(point.shape[1], bool)
        for index, solid in enumerate(solids):
            enter, leave = interval(solid, point, towards)
            free &= ~((enter < leave) & (leave > 0) & (which != index))  # a convex solid hides no light from its lit side
        lit += free / np.float32(SAMPLES)
    for index, solid in enumerate(solids):  # the sky that a ball of the object's size would hide (Quilez, "sphere occlusion")
        half = HALF[solid.shape]
        off = np.array([[solid.x], [solid.y], [half]], np.float32) - point
        square = (off**2).sum(0)
        hidden = np.maximum((normals * off).sum(0), 0) * half * half / np.maximum(square, half * half) ** 1.5
        sky *= 1 - np.where(which == index, 0, np.minimum(hidden, 1))
    return lit, sky
