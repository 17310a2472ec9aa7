"""Train the networks of the bonus notebook B3 on the whole Fashion-MNIST, and judge them.

    python weights/make_fashion.py FOLDER [--seconds 200]     train both networks, then the evaluation
    python weights/make_fashion.py FOLDER --evaluate          fashion.json: the figures of the card; cards/fashion.png

FOLDER holds the set's idx files (`load_fashion`). Two networks are written in half precision: fashion_unet.pt, and
fashion_classifier.pt, which judges. --seconds: for the training of fashion_unet; else its number of updates decides.
cards/fashion.png shows the first 100 samples of seed 0: nothing is picked.
"""

import argparse
import copy
import hashlib
import json
import time
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import torch
from make import fit
from torch import Tensor, nn

from diffusion_lab import Run, Schedule, TrainConfig, collect, load_model
from diffusion_lab.bonus.attention_unet import AttentionUnet
from diffusion_lab.bonus.fashion import GARMENTS, load_fashion
from diffusion_lab.devices import best_device
from diffusion_lab.distances import density_coverage, frechet_distance, nearest_two, precision_recall
from diffusion_lab.files import write_safely
from diffusion_lab.metrics import SAME, SpriteClassifier, load_classifier
from diffusion_lab.samplers import SAMPLERS
from diffusion_lab.unet import for_drawing
from diffusion_lab.viz import grid, png
from diffusion_lab.weights import Sampling, save

HERE = Path(__file__).parent
UNET = TrainConfig(
    updates=40_000, batch=256, lr=1e-2, warmup=300, ema=0.9998, word_dropout=0.0, context_dropout=0.2, schedule="cosine", T=300
)
ON_GPU = {"batch": 512}
EVALUATIONS = (  # sampler, steps, eta, guidance (None: nothing is asked for)
    ("dpmpp_2m", 20, 0.0, None),
    ("dpmpp_2m", 20, 0.0, 1.0),
    ("dpmpp_2m", 20, 0.0, 1.5),
)
N, DRAWS = 1000, 5
NAMES = ("fashion_unet", "fashion_classifier")


def train_classifier(folder: Path, out: Path, epochs: int = 12, batch: int = 256):
    """The classifier of ten garments: the judge. Shifts by a pixel and mirrored pictures stand for more of them."""
    device = best_device()
    (images, labels), (held_out, truth) = (load_fashion(split, folder) for split in ("train", "test"))
    images, labels = images.to(device), labels.to(device)
    torch.manual_seed(0)
    model = SpriteClassifier(len(GARMENTS), width=48, channels=1).to(device)
    steps = epochs * (len(images) // batch)
    optimizer = torch.optim.AdamW(model.parameters(), lr=4e-3, weight_decay=0.05)
    plan = torch.optim.lr_scheduler.OneCycleLR(optimizer, 4e-3, steps, pct_start=0.1)
    for _ in range(steps):
        index = torch.randint(len(images), (batch,), device=device)
        x = torch.nn.functional.pad(images[index], (1, 1, 1, 1), value=-1.0)  # black around
        dy, dx = torch.randint(0, 3, (2,)).tolist()
        x = x[:, :, dy : dy + 28, dx : dx + 28]
        mirrored = torch.rand(batch, 1, 1, 1, device=device) < 0.5
        loss = torch.nn.functional.cross_entropy(model(torch.where(mirrored, x.flip(3), x)), labels[index])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        plan.step()
    model.eval().requires_grad_(False).half().float()  # what is judged is what is written
    right = answers(model, held_out).argmax(1) == truth
    accuracy = right.double().mean().item()
    each = [right[truth == k].double().mean().item() for k in range(len(GARMENTS))]
    print(f"fashion_classifier: {accuracy:.4f}; " + ", ".join(f"{n} {a:.3f}" for n, a in zip(GARMENTS, each, strict=True)))
    weights = {name: tensor.cpu() for name, tensor in model.half().state_dict().items()}
    state = {"kind": "diffusion_lab classifier", "names": list(GARMENTS), "accuracy": accuracy, "model": weights}
    write_safely(out / "fashion_classifier.pt", lambda file: torch.save(state, file))


@torch.no_grad()
def answers(model: SpriteClassifier, images: Tensor) -> Tensor:
    """(N, 10) probabilities, on the CPU."""
    device = next(model.parameters()).device
    return torch.cat([model(part.to(device)).softmax(1).cpu() for part in images.split(1000)])


@torch.no_grad()
def features(model: SpriteClassifier, images: Tensor) -> Tensor:
    """(N, 32), on the CPU."""
    device = next(model.parameters()).device
    return torch.cat([model.features(part.to(device)).cpu() for part in images.split(1000)])


class Judge:
    """The real pictures that 1,000 samples are compared with: five draws for training, five held out for the floor."""

    def __init__(self, model: SpriteClassifier, folder: Path):
        self.model = model
        (self.train, _), (held_out, truth) = (load_fashion(split, folder) for split in ("train", "test"))
        self.flat = self.train.flatten(1).to(next(model.parameters()).device)
        generator = torch.Generator().manual_seed(0)
        rows = [torch.randperm(len(self.train), generator=generator)[:N] for _ in range(DRAWS)]
        self.references = [features(model, self.train[part]) for part in rows]
        rows = [torch.randperm(len(held_out), generator=generator)[:N] for _ in range(DRAWS)]
        self.floor = float(np.mean([self.frechet(features(model, held_out[part])) for part in rows]))
        self.near = self.nearest(held_out[rows[0]])[:, 0].quantile(0.01)
        scores = [self.scores(held_out[part], truth[part]) for part in rows]
        self.real = {name: float(np.mean([score[name] for score in scores])) for name in scores[0]}

    def frechet(self, made: Tensor) -> float:
        """The mean distance to the five draws of training pictures."""
        return float(np.mean([frechet_distance(made, real) for real in self.references]))

    def nearest(self, images: Tensor) -> Tensor:
        """(B, 2): how far each picture is from its nearest and second-nearest of all training pictures."""
        device = self.flat.device
        return torch.cat([nearest_two(part.to(device), self.flat).cpu() for part in images.split(100)])

    def scores(self, images: Tensor, asked: Tensor | None) -> dict[str, float]:
        """All figures of 1,000 pictures (1000, 1, 28, 28). asked: (1000,) their garments, or None."""
        images = images.clamp(-1, 1)
        made, named, two = features(self.model, images), answers(self.model, images), self.nearest(images)
        frechet = self.frechet(made)
        shares = [precision_recall(real, made) + density_coverage(real, made) for real in self.references]
        found = {"frechet": frechet, "ratio": frechet / self.floor}
        found |= dict(zip(("precision", "recall", "density", "coverage"), np.mean(shares, axis=0).tolist(), strict=True))
        found["confidence"] = named.amax(1).mean().item()
        if asked is not None:
            found["as asked"] = (named.argmax(1) == asked).double().mean().item()
        found["copies"] = (two[:, 0] < SAME * two[:, 1]).double().mean().item()
        found["near"] = (two[:, 0] < self.near).double().mean().item()
        return found


def train_unet(folder: Path, out: Path, seconds: float | None):
    """The network, from nothing, on all pictures and their mirror images."""
    begin, device = time.monotonic(), best_device()
    images, labels = load_fashion("train", folder)
    images, contexts = torch.cat([images, images.flip(3)]), torch.eye(len(GARMENTS))[labels.repeat(2)]
    config = replace(UNET, **(ON_GPU if device.type == "cuda" else {}))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        network = AttentionUnet(n_cfeat=len(GARMENTS), prediction=config.prediction)
    run = Run(config, device, words=GARMENTS, sampling=Sampling("dpmpp_2m", 20, 1.0), network=network)
    steps = run.advance(images, contexts)
    if seconds:
        fit(run, steps, begin + seconds)
    for progress in steps:
        if progress.step % max(50, run.config.updates // 12 // 50 * 50) == 0:
            print(f"update {progress.step:,}, {time.monotonic() - begin:.0f} s, loss {run.losses[-1]:.4f}", flush=True)
    print(f"fashion_unet: {run.step * run.config.batch:,} pictures, {time.monotonic() - begin:.0f} s", flush=True)
    half = copy.deepcopy(run.ema.model).half()
    history = {"config": asdict(run.config), "updates": run.step, "images": run.step * run.config.batch, "losses": run.losses}
    save(out / "fashion_unet.pt", half, run.schedule, run.vocabulary, run.sampling, history)


def draw(
    model: nn.Module, schedule: Schedule, asked: Tensor | None, sampler: str, steps: int, eta: float, guidance: float
) -> Tensor:
    """Samples on the CPU, N or as many as are asked for; the same noise whatever is asked."""
    images, n, generator = [], N if asked is None else len(asked), torch.Generator().manual_seed(0)
    for first in range(0, n, 250):
        few = min(250, n - first)
        context = None if asked is None else torch.eye(len(GARMENTS))[asked[first : first + few]]
        walk = SAMPLERS[sampler](model, schedule, few, context, guidance, generator, steps=steps, eta=eta)
        images.append(collect(walk).images.cpu())
    return torch.cat(images)


def evaluate(folder: Path, out: Path):
    """Each line of EVALUATIONS into fashion.json; what these same weights were asked already is kept."""
    path, device = out / "fashion.json", best_device()
    weights = {name: hashlib.sha256((out / f"{name}.pt").read_bytes()).hexdigest() for name in NAMES}
    known = json.loads(path.read_text()) if path.exists() else {}
    lines = known["samples"] if known.get("sha256") == weights else []
    model, schedule = load_model(out / "fashion_unet.pt", device)
    model, asked = for_drawing(model), torch.arange(N) % len(GARMENTS)
    pictures = draw(model, schedule, asked[:100], "dpmpp_2m", 20, 0.0, 1.0)
    write_safely(out / "cards" / "fashion.png", lambda file: file.write(png(grid(pictures, 10, 3))))
    judge = Judge(load_classifier("fashion_classifier").to(device), folder)
    for sampler, steps, eta, guidance in EVALUATIONS:
        how = {"sampler": sampler, "steps": steps, "eta": eta, "guidance": guidance}
        if any(how.items() <= line.items() for line in lines):
            continue
        wishes = None if guidance is None else asked
        begin = time.monotonic()
        images = draw(model, schedule, wishes, sampler, steps, eta, guidance or 1.0)
        line = how | {"device": device.type, "seconds": round(time.monotonic() - begin, 1)} | judge.scores(images, wishes)
        print({name: round(value, 4) if isinstance(value, float) else value for name, value in line.items()}, flush=True)
        lines.append(line)
        text = json.dumps({"sha256": weights, "n": N, "real": judge.real, "samples": lines}, indent=1)
        write_safely(path, lambda file, text=text: file.write(f"{text}\n".encode()))


def main():
    """See the top of this file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seconds", type=float)
    parser.add_argument("--evaluate", action="store_true", help="only the evaluation")
    parser.add_argument("--out", type=Path, default=HERE)
    options = parser.parse_args()
    if not options.evaluate:
        train_unet(options.folder, options.out, options.seconds)
        train_classifier(options.folder, options.out)
    evaluate(options.folder, options.out)


if __name__ == "__main__":
    main()
