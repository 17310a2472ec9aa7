"""Train the networks of the bonus notebook B4 on the scenes that data/scenes/draw.py draws, and judge them.

    python weights/make_scenes.py [--seconds 300]         train all networks, then the evaluation
    python weights/make_scenes.py --more [--seconds 300]  train scene_unet further
    python weights/make_scenes.py --evaluate              scenes.json: the figures of the card; its pictures

Written in half precision are scene_judge.pt and scene_guide.pt, two classifiers that learn apart, and scene_unet.pt.
--seconds: for the training of scene_unet, once its updates are translated; else its number of updates decides.
"""

import argparse
import copy
import hashlib
import importlib.util
import json
import random
import time
from dataclasses import asdict, replace
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import torch
import torch.nn.functional as F
from make import fit
from torch import Tensor, nn

from diffusion_lab import Run, Schedule, TrainConfig, collect, load_model, training
from diffusion_lab.bonus.scene_judge import COUNTS, ClassifierGuided, Hits, SceneClassifier, hits, load_scene_classifier
from diffusion_lab.bonus.scene_unet import SceneUnet
from diffusion_lab.devices import best_device
from diffusion_lab.distances import nearest_two
from diffusion_lab.files import write_safely
from diffusion_lab.metrics import SAME
from diffusion_lab.samplers import SAMPLERS
from diffusion_lab.steps import perturb
from diffusion_lab.unet import for_drawing
from diffusion_lab.viz import grid, png
from diffusion_lab.weights import Sampling, history, save

HERE = Path(__file__).parent
UNET = TrainConfig(
    updates=30_000, batch=64, lr=1e-2, warmup=300, ema=0.9998, word_dropout=0.0, context_dropout=0.1, schedule="cosine", T=500
)
UNET = replace(UNET, batch=512) if best_device().type == "cuda" else UNET  # a GPU is fed with more scenes at a time


class Walk(NamedTuple):
    """A way to sample; scale: of the classifier's gradient, which guidance multiplies; told: the network is told the labels."""

    sampling: Sampling
    scale: float = 0.0
    told: bool = True


BEST = Sampling("ddpm", 50, 3.0)
ALL = (Walk(BEST), Walk(BEST, 1 / 3))  # on all lists; the others on new_test alone
OTHERS = (
    *(Walk(Sampling("dpmpp_2m", 20, guidance)) for guidance in (2.0, 3.0, 6.0)),
    *(Walk(Sampling("ddpm", 50, 1.0), 3.0, told) for told in (False, True)),
)
SEEDS = 3
EXTRA = 6000  # scenes of 0 to 5 objects, any labels, twice the same too: for the judge only


@cache
def drawer() -> ModuleType:
    """data/scenes/draw.py."""
    spec = importlib.util.spec_from_file_location("draw_scenes", HERE.parent / "data" / "scenes" / "draw.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def vectors(sets: list[tuple[int, ...]]) -> Tensor:
    """Label sets as (N, 24)."""
    return torch.stack([torch.zeros(24).index_fill(0, torch.tensor(labels, dtype=torch.int64), 1) for labels in sets])


def render(sets: list[tuple[int, ...]], seeds: list[int]) -> tuple[Tensor, Tensor, Tensor]:
    """uint8 images (N, 3, 64, 64), labels (N, 24), and the numbers of objects (N,)."""
    images = torch.from_numpy(drawer().render_many(sets, seeds)).permute(0, 3, 1, 2).contiguous()
    return images, vectors(sets), torch.tensor([len(labels) for labels in sets])


@cache
def scenes(split: str, sets: frozenset[tuple[int, ...]] | None = None) -> tuple[Tensor, Tensor, Tensor]:
    """The scenes of "train" or "held_out", all or those of some label sets, as `render` gives them."""
    pairs = zip(*drawer().label_sets(split), strict=True)
    return render(*zip(*(pair for pair in pairs if sets is None or tuple(sorted(pair[0])) in sets), strict=True))


def floats(images: Tensor) -> Tensor:
    """uint8 to [-1, 1]."""
    return images.float() / 127.5 - 1


def train_classifier(name: str, data: tuple[Tensor, ...], schedule: Schedule | None, seed: int, out: Path, updates: int = 3000):
    """One of the two classifiers. schedule: the noise that the guide sees; None for the judge, which sees little of it."""
    device = best_device()
    images, labels, counts = (part.to(device) for part in data)
    torch.manual_seed(seed)
    model = SceneClassifier(noisy=schedule is not None).to(device)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=0.05)
    plan = torch.optim.lr_scheduler.OneCycleLR(optimizer, 3e-3, updates, pct_start=0.1)
    for _ in range(updates):
        index = torch.randint(len(images), (256,), device=device)
        x, t = floats(images[index]), None
        if schedule is None:
            dy, dx = torch.randint(-3, 4, (2,)).tolist()
            x = F.pad(x, (3, 3, 3, 3), mode="replicate")[:, :, 3 + dy : 67 + dy, 3 + dx : 67 + dx]
            x = torch.where(torch.rand(256, 1, 1, 1, device=device) < 0.5, x.flip(3), x)
            x = x + 0.1 * torch.rand(256, 1, 1, 1, device=device) * torch.randn_like(x)
        else:
            step = torch.randint(schedule.T + 1, (256,), device=device)
            t = step / schedule.T
            x = perturb(x, step, torch.randn_like(x), schedule.alpha_bar.to(device))
        with torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda"):
            named, counted = model(x, t)
        loss = F.binary_cross_entropy_with_logits(named.float(), labels[index]) * 10
        loss = loss + F.cross_entropy(counted.float(), counts[index])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        plan.step()
    model.eval().requires_grad_(False).half().float()  # what is judged is what is written
    card = {}
    if schedule is None:
        real, truth = floats(scenes("held_out")[0]).to(device), scenes("held_out")[1]
        with torch.no_grad():
            named = torch.cat([model(part)[0] for part in real.split(250)]).cpu() > 0
        card = {"label": (named == (truth > 0)).double().mean().item(), **hits(model, real, truth)._asdict()}
    print(name, card, flush=True)
    weights = {name: tensor.cpu() for name, tensor in model.half().state_dict().items()}
    state = {"kind": "diffusion_lab classifier", "accuracy": card, "model": weights}
    write_safely(out / f"{name}.pt", lambda file: torch.save(state, file))


def train(config: TrainConfig, data: tuple[Tensor, ...], seconds: float | None, more: Path | None = None) -> Run:
    """A network, from the random weights of seed 0, or from the weights at `more`. data: as `render` gives it."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = SceneUnet()
    run = Run(config, best_device(), words=tuple(drawer().NAMES), sampling=BEST, network=network)
    if more:
        run.start_from(load_model(more)[0])
    if run.device.type == "cuda":
        run.compile()
    steps = run.advance(floats(data[0]), data[1])
    if seconds:
        for _ in range(10):  # what is translated now is not counted
            next(steps).loss.item()
        fit(run, steps, time.monotonic() + seconds)
    for progress in steps:
        if progress.step % max(50, run.config.updates // 10 // 50 * 50) == 0:
            print(f"update {progress.step:,}, loss {run.losses[-1]:.4f}", flush=True)
    return run


def draw_samples(model: nn.Module, schedule: Schedule, asked: Tensor, how: Sampling) -> list[Tensor]:
    """For each of SEEDS seeds: samples on the model's device, one for each row of `asked`."""
    drawn = []
    for seed in range(SEEDS):
        generator = torch.Generator().manual_seed(seed)
        walk = SAMPLERS[how.sampler](model, schedule, len(asked), asked, how.guidance, generator, steps=how.steps)
        drawn.append(collect(walk, every=how.steps).images)
    return drawn


def judged(judge: SceneClassifier, drawn: list[Tensor], asked: Tensor) -> dict:
    """The means over the seeds, and of top_k the least and the greatest."""
    found = [hits(judge, images, asked) for images in drawn]
    means = {
        name: round(sum(values) / len(found), 4) for name, values in zip(Hits._fields, zip(*found, strict=True), strict=True)
    }
    return means | {"top_k_range": [round(end(one.top_k for one in found), 4) for end in (min, max)]}


def train_classifiers(out: Path):
    """The judge, which sees scenes of any labels, and the guide, which sees the training scenes only."""
    r = random.Random("extra")
    extra = [tuple(r.choices(range(24), k=k % COUNTS)) for k in range(EXTRA)]
    more = render(extra, list(range(10**6, 10**6 + EXTRA)))
    everything = tuple(torch.cat(pair) for pair in zip(scenes("train"), more, strict=True))
    train_classifier("scene_judge", everything, None, 0, out)
    train_classifier("scene_guide", scenes("train"), training.SCHEDULES[UNET.schedule](UNET.T), 1, out)


def train_unet(seconds: float | None, more: bool, out: Path):
    """scene_unet, from nothing, or from the weights that lie there."""
    path = out / "scene_unet.pt"
    run = train(UNET, scenes("train"), seconds, path if more else None)
    before = history(path)["images"] if more else 0
    about = {"config": asdict(run.config), "images": before + run.step * run.config.batch, "losses": run.losses}
    save(path, copy.deepcopy(run.ema.model).half(), run.schedule, run.vocabulary, run.sampling, about)
    print(f"scene_unet: {about['images']:,} scenes", flush=True)


def label_lists() -> dict[str, Tensor]:
    """The three lists that are asked for."""
    return {name: vectors(list(getattr(drawer(), name)())) for name in ("new_test", "test", "unseen")}


class Notes:
    """scenes.json: lines under names of parts; what these same weights were asked already is kept."""

    def __init__(self, out: Path):
        self.path, sha256 = out / "scenes.json", hashlib.sha256((out / "scene_unet.pt").read_bytes()).hexdigest()
        known = json.loads(self.path.read_text()) if self.path.exists() else {}
        self.content = known if known.get("sha256") == sha256 else {"sha256": sha256, "lines": []}
        self.content.setdefault("cuts", [])
        self.content.setdefault("ablation", known.get("ablation", []))

    def has(self, part: str, asked: dict) -> bool:
        """Is there a line that says all of this?"""
        return any(asked.items() <= line.items() for line in self.content[part])

    def add(self, part: str, line: dict):
        """Keep a line, and print it."""
        print(part, line, flush=True)
        self.content[part].append(line)
        write_safely(self.path, lambda file: file.write(f"{json.dumps(self.content, indent=1)}\n".encode()))


def evaluate(out: Path):
    """The figures of the card, and its pictures."""
    device, lists, notes = best_device(), label_lists(), Notes(out)
    network, schedule = load_model(out / "scene_unet.pt", device)
    network, alpha_bar = for_drawing(network), schedule.alpha_bar.to(device)
    judge, guide = (load_scene_classifier(out / f"scene_{part}.pt").to(device) for part in ("judge", "guide"))
    for walk, name in [(walk, name) for walk in ALL for name in lists] + [(walk, "new_test") for walk in OTHERS]:
        line = {"list": name, **walk.sampling._asdict(), "scale": walk.scale, "told": walk.told}
        if notes.has("lines", line):
            continue
        model = ClassifierGuided(network, guide, alpha_bar, walk.scale, walk.told).eval() if walk.scale else network
        drawn = draw_samples(model, schedule, lists[name], walk.sampling)
        near = nearness(torch.cat(drawn)) if name == "test" and walk in ALL else {}
        notes.add("lines", line | judged(judge, drawn, lists[name]) | near)
        if walk == ALL[-1]:
            picture = png(grid(drawn[0][:: len(drawn[0]) // 32][:32], 8, 2))
            write_safely(out / "cards" / f"scenes_{name}.png", lambda file, picture=picture: file.write(picture))
    if not notes.has("lines", {"list": "held out"}):
        real = nearness(floats(scenes("held_out", frozenset(drawer().test()))[0]))
        notes.add("lines", {"list": "held out"} | real)


def nearness(images: Tensor) -> dict:
    """Of pictures of test's label sets: the share of copies of training scenes (of these sets too), and the median distance."""
    two = nearest_two(images.clamp(-1, 1).cpu(), floats(scenes("train", frozenset(drawer().test()))[0]))
    return {"copies": (two[:, 0] < SAME * two[:, 1]).double().mean().item(), "nearest": round(two[:, 0].median().item(), 2)}


def main():
    """See the top of this file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float)
    parser.add_argument("--more", action="store_true", help="train scene_unet further, not from nothing")
    parser.add_argument("--evaluate", action="store_true", help="only the evaluation")
    parser.add_argument("--out", type=Path, default=HERE)
    options = parser.parse_args()
    out = options.out
    (out / "cards").mkdir(parents=True, exist_ok=True)
    if not (options.evaluate or options.more):
        train_classifiers(out)
    if not options.evaluate:
        train_unet(options.seconds, options.more, out)
    evaluate(out)


if __name__ == "__main__":
    main()
