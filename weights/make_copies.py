"""When does a network copy? Train the same narrow network on 16, 128, 1,024 and all training sprites (bonus notebook B1).

    python weights/make_copies.py                 writes copies.json (figures) and copies.npz (pictures) beside this file
    python weights/make_copies.py --updates 200 --out FOLDER      a quick try

The sets lie one in the other: the first sprites of one shuffled row (seed 0). All networks have the same settings, the same
first weights and the same number of updates; nothing is asked for (null context). Each then draws N sprites, and so does the
shipped network, which has seen the whole set far more often. Beside them stand N held-out sprites, measured against the same
sets. copies.npz: for each line the first eight samples, and the nearest sprites of its set; nothing is picked.
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from diffusion_lab import Run, Schedule, TrainConfig, load_model, load_sprites
from diffusion_lab.distances import nearest_two
from diffusion_lab.files import write_safely
from diffusion_lab.likeness import SAME, draw
from diffusion_lab.sprites import to_tensors, to_uint8
from diffusion_lab.training import diffusion_loss

HERE = Path(__file__).parent
SIZES = (16, 128, 1024, None)  # None: all
N, SHOWN, STEPS = 1000, 8, 12
CONFIG = TrainConfig(updates=3000, batch=32, warmup=100, ema=0.995, schedule="cosine", T=500, n_feat=32)


def sets(train: Tensor) -> dict[str, Tensor]:
    """The training sets, one in the other, each without equal sprites."""
    order = torch.randperm(len(train), generator=torch.Generator().manual_seed(0))
    found = {}
    for size in SIZES:
        part = train[order[:size]]
        found["all" if size is None else str(size)] = torch.from_numpy(np.unique(part.flatten(1).numpy(), axis=0)).view(
            -1, *train.shape[1:]
        )
    return found


def figures(images: Tensor, own: Tensor, limit: Tensor) -> dict[str, float]:
    """The share of copies of `own`, the share nearer to it than `limit`, and the mean distance to it (0 to 2)."""
    two = nearest_two(images, own.flatten(1))
    return {
        "copies": (two[:, 0] < SAME * two[:, 1]).double().mean().item(),
        "near": (two[:, 0] < limit).double().mean().item(),
        "distance": two[:, 0].mean().item() / own[0].numel() ** 0.5,
    }


@torch.no_grad()
def loss(model: nn.Module, schedule: Schedule, images: Tensor) -> float:
    """The loss on N sprites drawn from `images`, each at a time and with a noise of its own, the same at each call."""
    g = torch.Generator().manual_seed(0)
    x0 = images[torch.randint(len(images), (N,), generator=g)]
    t = torch.randint(1, schedule.T + 1, (N,), generator=g)
    eps = torch.randn(x0.shape, generator=g)
    c = torch.zeros(N, model.n_cfeat)
    return diffusion_loss(model, x0, c, t, eps, schedule).item()


def line(name: str, model: nn.Module, schedule: Schedule, own: Tensor, held_out: Tensor) -> tuple[dict, np.ndarray]:
    """The figures of one network, and (2, SHOWN, 16, 16, 3): its first samples over their nearest sprites of `own`."""
    limit = nearest_two(held_out, own.flatten(1))[:, 0].quantile(0.01)
    generator = torch.Generator().manual_seed(0)
    images = draw(model, schedule, N, None, generator, sampler="dpmpp_2m", steps=STEPS, batch=100).clamp(-1, 1)
    nearest = torch.cdist(images[:SHOWN].flatten(1), own.flatten(1)).argmin(1)
    found = {
        "name": name,
        "sprites": len(own),
        "loss on its own set": loss(model, schedule, own),
        "loss on held-out sprites": loss(model, schedule, held_out),
        "samples": figures(images, own, limit),
        "held out": figures(held_out[:N], own, limit),
    }
    return found, np.stack([to_uint8(images[:SHOWN]), to_uint8(own[nearest])])


def train(images: Tensor, config: TrainConfig, name: str) -> tuple[nn.Module, Schedule, float]:
    """The averaged network after all updates, its schedule, and the seconds that it took."""
    begin, run = time.monotonic(), Run(config, "cpu")
    for progress in run.advance(images, torch.zeros(len(images), run.model.n_cfeat)):
        if progress.step % 500 == 0:
            print(f"{name}: update {progress.step:,}, {time.monotonic() - begin:.0f} s, loss {run.losses[-1]:.4f}", flush=True)
    return run.ema.model, run.schedule, time.monotonic() - begin


def keep(out: Path, about: dict, pictures: dict[str, np.ndarray]):
    """Write what was found so far: the whole takes half an hour."""
    print(about["lines"][-1], flush=True)
    text = json.dumps(about, indent=1)
    write_safely(out / "copies.json", lambda file: file.write(f"{text}\n".encode()))
    write_safely(out / "copies.npz", lambda file: np.savez_compressed(file, **pictures))


def main():
    """See the top of this file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--updates", type=int, default=CONFIG.updates)
    parser.add_argument("--out", type=Path, default=HERE)
    options = parser.parse_args()
    config = TrainConfig(**{**vars(CONFIG), "updates": options.updates})
    (train_set, _), (held_out, _) = (to_tensors(load_sprites(split)) for split in ("train", "held_out"))
    held_out = held_out[torch.randperm(len(held_out), generator=torch.Generator().manual_seed(1))]
    lines, pictures, own = [], {}, sets(train_set)
    about = {"n": N, "sampler": f"dpmpp_2m, {STEPS} steps", "config": vars(config), "lines": lines}
    for name, images in own.items():
        model, schedule, seconds = train(images, config, name)
        found, pictures[name] = line(name, model, schedule, images, held_out)
        about["parameters"] = sum(p.numel() for p in model.parameters())
        lines.append(found | {"seen": options.updates * config.batch, "seconds": round(seconds)})
        keep(options.out, about, pictures)
    shipped, schedule = load_model()
    found, pictures["shipped"] = line("shipped", shipped, schedule, own["all"], held_out)
    lines.append(found)
    keep(options.out, about, pictures)


if __name__ == "__main__":
    main()
