"""Measure what was weak in the exercise that the bonus notebook B4 comes from, on a toy of it that a CPU learns in minutes.

    python weights/ablate_scenes.py --tera 6 [--seeds 1]   the part "ablation" of scenes.json, a line for each recipe, seed

The toy: one or two objects out of six (red, cyan, yellow; cubes and spheres), 32×32. All recipes get the same number of
operations, whatever the machine's load; a recipe differs from the first in one point. What is drawn is judged by scene_judge,
which is shown the pictures at twice their size.
"""

import argparse
import json
import random
import time
from collections.abc import Callable
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from make_scenes import Notes, drawer
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from diffusion_lab import ContextUnet, Run, TrainConfig, collect, sample_ddpm, training
from diffusion_lab.bonus.scene_judge import hits, load_scene_classifier
from diffusion_lab.bonus.scene_unet import PATCH, SceneUnet
from diffusion_lab.bonus.scenes import LABELS
from diffusion_lab.steps import at, perturb
from diffusion_lab.unet import for_drawing
from diffusion_lab.weights import Sampling

HERE = Path(__file__).parent
NAMES = ("red cube", "cyan cube", "yellow cube", "red sphere", "cyan sphere", "yellow sphere")
PLACES = [LABELS.index(name) for name in NAMES]
SIDE, SCENES, WIDTH = 32, 8000, 64
CONFIG = TrainConfig(batch=64, lr=1e-2, warmup=50, ema=0.99, word_dropout=0.0, context_dropout=0.1, schedule="cosine", T=500)
GUIDANCES, STEPS, REPEATS = (1.0, 3.0), 50, 4


class Course(nn.Module):
    """The course's network behind the same stem: its lowest level is one vector (to_vec), and it has no attention."""

    def __init__(self):
        super().__init__()
        self.inner = ContextUnet(3 * PATCH**2, 72, len(NAMES), SIDE // PATCH, "v")
        self.in_channels, self.height, self.n_cfeat, self.prediction = 3, SIDE, len(NAMES), "v"

    def forward(self, x: Tensor, t: Tensor, c: Tensor | None = None) -> Tensor:
        """As SceneUnet."""
        return F.pixel_shuffle(self.inner(F.pixel_unshuffle(x, PATCH), t, c), PATCH)


def printed(x0: Tensor, t: Tensor, eps: Tensor, alpha_bar: Tensor) -> Tensor:
    """x_t with the noise multiplied by the picture's factor, as the exercise prints it."""
    return at(alpha_bar.sqrt(), t, x0) * (x0 + eps)


def network(width: int = WIDTH) -> SceneUnet:
    """The toy's."""
    return SceneUnet(3, width, len(NAMES), SIDE)


def without_attention() -> SceneUnet:
    """The same network, each point of which sees its neighbours only."""
    model = network()
    for level in (*model.downs, *model.ups):
        level.attention = nn.Identity()
    return model


def recipes() -> dict[str, tuple[Callable[[], nn.Module], dict]]:
    """{name: the network, what differs in the configuration}."""
    return {
        "as here": (network, {}),
        "labels never dropped": (network, {"context_dropout": 0.0}),
        "linear, T = 300": (network, {"schedule": "linear", "T": 300}),
        "noise by the picture's factor": (network, {}),
        "no attention": (without_attention, {}),
        "the course's network": (Course, {}),
        "four times the numbers": (lambda: network(2 * WIDTH), {}),
    }


def toy() -> tuple[Tensor, Tensor]:
    """The toy's scenes (N, 3, 32, 32) in [-1, 1], and their labels (N, 6)."""
    r = random.Random(0)
    sets = [tuple(r.sample(range(len(NAMES)), 1 + k % 2)) for k in range(SCENES)]
    drawn = drawer().render_many([[PLACES[k] for k in labels] for labels in sets], list(range(10**7, 10**7 + SCENES)))
    small = drawn.reshape(SCENES, SIDE, 2, SIDE, 2, 3).mean((2, 4)).round().astype(np.float32)
    labels = torch.stack([torch.zeros(len(NAMES)).index_fill(0, torch.tensor(one), 1) for one in sets])
    return torch.from_numpy(small).permute(0, 3, 1, 2) / 127.5 - 1, labels


def operations(model: nn.Module) -> int:
    """Of one update with one picture: forward, and twice that backward."""
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model.eval()(torch.zeros(1, 3, SIDE, SIDE), torch.zeros(1), torch.zeros(1, len(NAMES)))
    model.train()
    return 3 * counter.get_total_flops()


def judged(model: nn.Module, schedule: training.Schedule) -> dict:
    """{guidance: scores} for each set of one or two objects, each asked for so many times."""
    sets = [one for k in (1, 2) for one in combinations(range(len(NAMES)), k)] * REPEATS
    asked = torch.stack([torch.zeros(len(NAMES)).index_fill(0, torch.tensor(one), 1) for one in sets])
    full = torch.zeros(len(sets), len(LABELS))
    full[:, PLACES] = asked
    judge, found = load_scene_classifier("scene_judge"), {}
    for guidance in GUIDANCES:
        generator = torch.Generator().manual_seed(0)
        walk = sample_ddpm(for_drawing(model), schedule, len(sets), asked, guidance, generator, steps=STEPS)
        images = collect(walk, every=STEPS).images
        scores = hits(judge, F.interpolate(images, scale_factor=2), full)
        found[f"{guidance:g}"] = {name: round(value, 3) for name, value in scores._asdict().items()}
    return found


def train(name: str, seed: int, tera: float, data: tuple[Tensor, Tensor]) -> dict:
    """One line of the table."""
    make, changes = recipes()[name]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = make()
    updates = int(tera * 1e12 / operations(model) / CONFIG.batch)
    config = replace(CONFIG, updates=updates, seed=seed, **changes)
    run = Run(config, "cpu", words=NAMES, height=SIDE, sampling=Sampling("ddpm", STEPS, 3.0), network=model)
    training.perturb = printed if name.startswith("noise") else perturb
    begin = time.process_time()
    for _ in run.advance(*data):
        pass
    training.perturb = perturb
    line = {"name": name, "seed": seed, "tera": tera, "numbers": sum(p.numel() for p in model.parameters())}
    line |= {"scenes": updates * CONFIG.batch, "seconds": round(time.process_time() - begin)}
    return line | {"guidance": judged(run.ema.model.eval(), run.schedule)}


def main():
    """See the top of this file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tera", type=float, required=True, help="10^12 operations for each recipe")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--out", type=Path, default=HERE)
    options = parser.parse_args()
    data = toy()
    for seed in range(options.seeds):
        for name in recipes():
            notes = Notes(options.out)
            if not notes.has("ablation", {"name": name, "seed": seed, "tera": options.tera}):
                notes.add("ablation", train(name, seed, options.tera, data))
    print(json.dumps(Notes(options.out).content["ablation"]))


if __name__ == "__main__":
    main()
