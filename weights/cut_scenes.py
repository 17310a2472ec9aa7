"""What does the trained scene network use? Cut one part of it, or of the way that it is sampled, and let the judge count.

    python weights/cut_scenes.py [--steps 25] [--seeds 1]      the part "cuts" of scenes.json

The network is not trained anew, so this is no ablation: it says what this network leans on, not what another one would reach
without that part. List: new_test; guidance 3, DDPM.
"""

import argparse
import copy
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import torch
from make_scenes import Notes, label_lists
from torch import Tensor, nn

from diffusion_lab import collect, load_model, sample_ddpm
from diffusion_lab.bonus.attention_unet import Residual
from diffusion_lab.bonus.scene_judge import Hits, hits, load_scene_classifier
from diffusion_lab.bonus.scene_unet import SceneUnet
from diffusion_lab.samplers import believe
from diffusion_lab.schedules import Schedule, linear
from diffusion_lab.steps import clip_x0, ddim_step
from diffusion_lab.unet import for_drawing

HERE = Path(__file__).parent
GUIDANCE = 3.0


class Mean(nn.Module):
    """The block's answer, averaged over all places: what `to_vec` does in the course's network."""

    def __init__(self, block: nn.Module):
        super().__init__()
        self.block = block

    def forward(self, x: Tensor, emb: Tensor) -> Tensor:
        """As the block."""
        return self.block(x, emb).mean((2, 3), keepdim=True).expand_as(x)


def without_attention(model: SceneUnet, levels: tuple[int, ...]) -> SceneUnet:
    """The network without attention at these levels, 0 for 16×16 points."""
    model = copy.deepcopy(model)
    for level in levels:
        for part in (model.downs[level], model.ups[-1 - level]):
            assert isinstance(part.attention, Residual)
            part.attention = nn.Identity()
    return model.eval()


def averaged(model: SceneUnet) -> SceneUnet:
    """The network whose middle knows no places."""
    model = copy.deepcopy(model)
    model.middle = Mean(model.middle)
    return model.eval()


def walk(model: SceneUnet, schedule: Schedule, asked: Tensor, guidance: float, seed: int, steps: int) -> Tensor:
    """Samples as everywhere: from noise at t = T."""
    generator = torch.Generator().manual_seed(seed)
    return collect(sample_ddpm(model, schedule, len(asked), asked, guidance, generator, steps=steps), every=steps).images


@torch.no_grad()
def late(model: SceneUnet, schedule: Schedule, asked: Tensor, guidance: float, seed: int, steps: int) -> Tensor:
    """Samples that begin with pure noise where 22 % of the picture should be left, as linear with T = 300 has it."""
    left = linear(300).alpha_bar[-1]
    first = int((schedule.alpha_bar - left).abs().argmin())
    times = torch.linspace(first, 0, steps + 1).round().long().tolist()
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(len(asked), model.in_channels, model.height, model.height, generator=generator)
    for t, t_prev in pairwise(times):
        x0, _ = believe(model, schedule, x, t, asked, guidance)
        x0, eps = clip_x0(x0, x, t, schedule.alpha_bar)
        x = ddim_step(x0, eps, t, t_prev, schedule.alpha_bar, 1.0, torch.randn(x.shape, generator=generator))
    return x


def cuts(model: SceneUnet) -> dict[str, tuple[SceneUnet, Callable, float]]:
    """{name: the network, the way to sample, the guidance}."""
    return {
        "whole": (model, walk, GUIDANCE),
        "no guidance": (model, walk, 1.0),
        "noise where 22 % should be left": (model, late, GUIDANCE),
        "the middle averaged over places": (averaged(model), walk, GUIDANCE),
        "no attention at all": (without_attention(model, (0, 1, 2)), walk, GUIDANCE),
        "no attention at 4×4": (without_attention(model, (2,)), walk, GUIDANCE),
        "no attention at 8×8": (without_attention(model, (1,)), walk, GUIDANCE),
        "no attention at 16×16": (without_attention(model, (0,)), walk, GUIDANCE),
    }


def main():
    """See the top of this file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=25)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--out", type=Path, default=HERE)
    options = parser.parse_args()
    notes, asked, judge = Notes(options.out), label_lists()["new_test"], load_scene_classifier("scene_judge")
    model, schedule = load_model(options.out / "scene_unet.pt")
    for name, (network, way, guidance) in cuts(model).items():
        about = {"name": name, "steps": options.steps, "seeds": options.seeds}
        if notes.has("cuts", about):
            continue
        network = for_drawing(network)
        drawn = [way(network, schedule, asked, guidance, seed, options.steps) for seed in range(options.seeds)]
        means = torch.tensor([hits(judge, images, asked) for images in drawn]).mean(dim=0).tolist()
        notes.add("cuts", about | {part: round(mean, 3) for part, mean in zip(Hits._fields, means, strict=True)})


if __name__ == "__main__":
    main()
