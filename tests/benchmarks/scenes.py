"""How long 32 scenes of the bonus notebook B4 take: DDPM in 50 steps, guidance 3, without and with the guide.

python tests/benchmarks/scenes.py        medians of three, after one to warm up; all threads that torch takes
"""

import sys
import time
from pathlib import Path
from statistics import median

import torch

from diffusion_lab import collect, load_model, sample_ddpm
from diffusion_lab.bonus.scene_judge import ClassifierGuided, load_scene_classifier
from diffusion_lab.unet import for_drawing

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "weights"))  # the program that made the card's figures
from make_scenes import label_lists  # noqa: E402

RUNS, STEPS = 3, 50


def main():
    """See the top of this file."""
    network, schedule = load_model(ROOT / "weights" / "scene_unet.pt")
    plain, asked = for_drawing(network), label_lists()["test"]
    guided = ClassifierGuided(plain, load_scene_classifier("scene_guide"), schedule.alpha_bar, 1 / 3, True).eval()
    for name, model in (("without the guide", plain), ("with the guide", guided)):
        times = []
        for _ in range(RUNS + 1):
            begin = time.perf_counter()
            generator = torch.Generator().manual_seed(0)
            collect(sample_ddpm(model, schedule, len(asked), asked, 3.0, generator, steps=STEPS), every=STEPS)
            times.append(time.perf_counter() - begin)
        print(f"{len(asked)} scenes {name}: {median(times[1:]):.1f} s, {torch.get_num_threads()} threads")


if __name__ == "__main__":
    main()
