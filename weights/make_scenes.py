"""Train the networks of the bonus notebook B4 on the scenes that data/scenes/draw.py draws, and judge them.

    python weights/make_scenes.py [--seconds 300]         train all networks, then the evaluation
    python weights/make_scenes.py --more [--seconds 300]  train scene_unet further
    python weights/make_scenes.py --evaluate              scenes.json: the figures of the card; its pictures
    python weights/make_scenes.py --ablation 600          train each recipe of the ablation for so many seconds

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
from collections.abc import Callable
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from types import ModuleType

import numpy as np
import torch
import torch.nn.functional as F
from make import fit
from torch import Tensor, nn

from diffusion_lab import ContextUnet, Run, Schedule, TrainConfig, collect, load_model, training
from diffusion_lab.bonus.scene_judge import COUNTS, ClassifierGuided, SceneClassifier, hits, load_scene_classifier
from diffusion_lab.bonus.scene_unet import SceneUnet
from diffusion_lab.devices import best_device
from diffusion_lab.distances import nearest_two
from diffusion_lab.files import write_safely
from diffusion_lab.metrics import SAME
from diffusion_lab.samplers import SAMPLERS
from diffusion_lab.steps import at, perturb
from diffusion_lab.unet import for_drawing
from diffusion_lab.viz import grid, png
from diffusion_lab.weights import Sampling, history, save

HERE = Path(__file__).parent
UNET = TrainConfig(
    updates=30_000, batch=64, lr=1e-2, warmup=300, ema=0.9998, word_dropout=0.0, context_dropout=0.1, schedule="cosine", T=500
)
ON_GPU = {"batch": 512}
GUIDANCE = 3.0  # of the card's pictures
WALKS = ((20, 3.0), (50, 3.0), (20, 1.0), (20, 2.0), (20, 4.0))  # steps of 2M, guidance
SCALES = (1.0, 3.0)  # of the classifier's gradient
SEEDS = 3
EXTRA = 6000  # scenes of 0 to 5 objects, any labels, twice the same too: for the judge only


def drawer() -> ModuleType:
    """data/scenes/draw.py."""
    spec = importlib.util.spec_from_file_location("draw_scenes", HERE.parent / "data" / "scenes" / "draw.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def vectors(sets: list[tuple[int, ...]]) -> Tensor:
    """Label sets as (N, 24)."""
    out = torch.zeros(len(sets), 24)
    for row, labels in zip(out, sets, strict=True):
        row[list(labels)] = 1
    return out


def scenes(draw: ModuleType, sets: list[tuple[int, ...]], seeds: list[int]) -> tuple[Tensor, Tensor, Tensor]:
    """Rendered: uint8 (N, 3, 64, 64), labels (N, 24), and the numbers of objects (N,)."""
    images = torch.from_numpy(draw.render_many(sets, seeds)).permute(0, 3, 1, 2).contiguous()
    return images, vectors(sets), torch.tensor([len(labels) for labels in sets])


def floats(images: Tensor) -> Tensor:
    """uint8 to [-1, 1]."""
    return images.float() / 127.5 - 1


def train_classifier(
    name: str, data: list[Tensor], held_out: list[Tensor], schedule: Schedule | None, seed: int, out: Path, updates: int = 3000
):
    """One of the two classifiers. schedule: the noise that the guide sees; None for the judge, which sees little of it."""
    device = best_device()
    images, labels, counts = (part.to(device) for part in data)
    torch.manual_seed(seed)
    model = SceneClassifier(noisy=schedule is not None).to(device)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=0.05)
    plan = torch.optim.lr_scheduler.OneCycleLR(optimizer, 3e-3, updates, pct_start=0.1)
    bf16 = device.type == "cuda"
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
        with torch.autocast(device.type, torch.bfloat16, enabled=bf16):
            named, counted = model(x, t)
        loss = F.binary_cross_entropy_with_logits(named.float(), labels[index]) * 10
        loss = loss + F.cross_entropy(counted.float(), counts[index])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        plan.step()
    model.eval().requires_grad_(False)
    half = copy.deepcopy(model).half()
    model.load_state_dict(half.state_dict())
    card = {}
    if schedule is None:
        real = floats(held_out[0]).to(device)
        with torch.no_grad():
            named = torch.cat([model(part)[0] for part in real.split(250)]).cpu() > 0
        found = hits(model, real, held_out[1])
        card = {"label": (named == (held_out[1] > 0)).double().mean().item(), **found._asdict()}
    print(name, card, flush=True)
    weights = {name: tensor.cpu() for name, tensor in half.state_dict().items()}
    state = {"kind": "diffusion_lab classifier", "accuracy": card, "model": weights}
    write_safely(out / f"{name}.pt", lambda file: torch.save(state, file))


def train(
    network: nn.Module,
    config: TrainConfig,
    words: tuple,
    images: Tensor,
    labels: Tensor,
    seconds: float | None,
    begin_with: Path | None = None,
) -> Run:
    """A network, from nothing."""
    begin = time.monotonic()
    run = Run(config, best_device(), words=words, sampling=Sampling("dpmpp_2m", 20, GUIDANCE), network=network)
    if begin_with:
        run.start_from(load_model(begin_with)[0])
    if run.device.type == "cuda":
        run.compile()
    steps = run.advance(images, labels)
    if seconds:
        for _ in range(10):  # what is translated now is not counted, so that the recipes of the ablation get equal time
            next(steps).loss.item()
        fit(run, steps, time.monotonic() + seconds)
    for progress in steps:
        if progress.step % max(50, run.config.updates // 10 // 50 * 50) == 0:
            print(f"update {progress.step:,}, {time.monotonic() - begin:.0f} s, loss {run.losses[-1]:.4f}", flush=True)
    return run


def draw_samples(model: nn.Module, schedule: Schedule, asked: Tensor, seed: int, guidance: float, steps: int = 20) -> Tensor:
    """Samples on the model's device, one for each row of `asked`."""
    generator, images = torch.Generator().manual_seed(seed), []
    for part in asked.split(256):
        walk = SAMPLERS["dpmpp_2m"](model, schedule, len(part), part, guidance, generator, steps=steps)
        images.append(collect(walk).images)
    return torch.cat(images)


def judged(sample: Callable[[int], Tensor], judge: SceneClassifier, asked: Tensor) -> dict:
    """Mean and spread over SEEDS seeds. sample: from a seed to images, one for each row of asked."""
    found = np.array([hits(judge, sample(seed), asked) for seed in range(SEEDS)])
    return dict(zip(("top_k", "exact", "count"), found.mean(0).round(4).tolist(), strict=True)) | {
        "top_k_spread": round(float(found[:, 0].max() - found[:, 0].min()), 4)
    }


def printed(x0: Tensor, t: Tensor, eps: Tensor, alpha_bar: Tensor) -> Tensor:
    """x_t with the noise multiplied by the picture's factor, as the exercise prints it."""
    return at(alpha_bar.sqrt(), t, x0) * (x0 + eps)


def without_attention(network: SceneUnet) -> SceneUnet:
    """The same network, each point of which sees its neighbours only."""
    for level in (*network.downs, *network.ups):
        level.attention = nn.Identity()
    return network


def recipes() -> dict[str, tuple[Callable[[], nn.Module], dict, float]]:
    """{name: the network, what differs in the configuration, the guidance} of the ablation."""
    return {
        "as here": (SceneUnet, {}, GUIDANCE),
        "context never dropped": (SceneUnet, {"context_dropout": 0.0}, 1.0),
        "linear, T = 300": (SceneUnet, {"schedule": "linear", "T": 300}, GUIDANCE),
        "no attention": (lambda: without_attention(SceneUnet()), {}, GUIDANCE),
        "the course's network": (lambda: ContextUnet(3, 64, 24, 64, "v"), {"batch": 16}, GUIDANCE),
        "noise by the picture's factor": (SceneUnet, {}, GUIDANCE),
    }


def load_classifier(name: str, out: Path) -> SceneClassifier:
    """scene_judge or scene_guide, on the best device."""
    return load_scene_classifier(out / f"{name}.pt").to(best_device())


def train_classifiers(draw: ModuleType, data: list[Tensor], held_out: list[Tensor], out: Path):
    """The judge, which sees scenes of any labels, and the guide, which sees the training scenes only."""
    r = random.Random("extra")
    extra = [tuple(r.choices(range(24), k=k % COUNTS)) for k in range(EXTRA)]
    more = scenes(draw, extra, list(range(10**6, 10**6 + EXTRA)))
    everything = [torch.cat(pair) for pair in zip(data, more, strict=True)]
    train_classifier("scene_judge", everything, held_out, None, 0, out)
    train_classifier("scene_guide", data, held_out, training.SCHEDULES[UNET.schedule](UNET.T), 1, out)


def train_unet(words: tuple, data: list[Tensor], seconds: float | None, more: bool, out: Path):
    """scene_unet, from nothing, or from the weights that lie there."""
    path = out / "scene_unet.pt"
    run = train(new(SceneUnet), configuration(), words, floats(data[0]), data[1], seconds, path if more else None)
    before = history(path)["images"] if more else 0
    about = {"config": asdict(run.config), "images": before + run.step * run.config.batch, "losses": run.losses}
    save(path, copy.deepcopy(run.ema.model).half(), run.schedule, run.vocabulary, run.sampling, about)
    print(f"scene_unet: {about['images']:,} scenes", flush=True)


def new(make: Callable[[], nn.Module]) -> nn.Module:
    """A network with the random weights of seed 0."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return make()


def configuration() -> TrainConfig:
    """A GPU is fed with more scenes at a time."""
    return replace(UNET, **(ON_GPU if best_device().type == "cuda" else {}))


def label_lists(draw: ModuleType) -> dict[str, Tensor]:
    """The three lists that are asked for."""
    return {name: vectors(list(getattr(draw, name)())) for name in ("test", "new_test", "unseen")}


class Notes:
    """scenes.json: lines under names of parts; what these same weights were asked already is kept."""

    def __init__(self, out: Path):
        self.path, sha256 = out / "scenes.json", hashlib.sha256((out / "scene_unet.pt").read_bytes()).hexdigest()
        known = json.loads(self.path.read_text()) if self.path.exists() else {}
        self.content = known if known.get("sha256") == sha256 else {"sha256": sha256, "lines": []}
        self.content.setdefault("ablation", known.get("ablation", []))

    def has(self, part: str, **asked) -> bool:
        return any(asked.items() <= line.items() for line in self.content[part])

    def add(self, part: str, **line):
        print(part, line, flush=True)
        self.content[part].append(line)
        text = json.dumps(self.content, indent=1)
        write_safely(self.path, lambda file: file.write(f"{text}\n".encode()))


def evaluate(draw: ModuleType, data: list[Tensor], held_out: list[Tensor], out: Path):
    """The figures of the card, and its pictures."""
    model, schedule = load_model(out / "scene_unet.pt", best_device())
    plain, model, judge = model, for_drawing(model), load_classifier("scene_judge", out)
    notes, lists = Notes(out), label_lists(draw)
    for name, asked in lists.items():
        picture = grid(draw_samples(model, schedule, asked[:96], 0, GUIDANCE), 8, 1)
        write_safely(out / "cards" / f"scenes_{name}.png", lambda file, picture=picture: file.write(png(picture)))
    for steps, guidance in WALKS:
        for name, asked in lists.items():
            how = {"list": name, "steps": steps, "guidance": guidance}
            if not notes.has("lines", **how):
                begin = time.monotonic()
                found = judged(partial(draw_samples, model, schedule, asked, guidance=guidance, steps=steps), judge, asked)
                each = (time.monotonic() - begin) / SEEDS / len(asked)
                notes.add("lines", **how, **found, device=best_device().type, seconds_each=round(each, 3))
    guide = load_classifier("scene_guide", out)
    for scale in SCALES:
        how = {"list": "test", "steps": 50, "classifier guidance": scale}
        if not notes.has("lines", **how):
            guided = ClassifierGuided(plain, guide, schedule.alpha_bar.to(best_device()), scale).eval()
            sample = partial(draw_samples, guided, schedule, lists["test"], guidance=1.0, steps=50)
            notes.add("lines", **how, **judged(sample, judge, lists["test"]))
    if not notes.has("lines", what="copies"):
        asked = data[1][torch.randperm(len(data[1]), generator=torch.Generator().manual_seed(0))[:200]]
        made = draw_samples(model, schedule, asked, 0, GUIDANCE).clamp(-1, 1).cpu()
        for name, images in (("samples", made), ("held out", floats(held_out[0][:200]))):
            two = nearest_two(images, floats(data[0]))
            share = (two[:, 0] < SAME * two[:, 1]).double().mean().item()
            notes.add("lines", what="copies", of=name, share=share, median=round(two[:, 0].median().item(), 2))


def ablation(draw: ModuleType, words: tuple, data: list[Tensor], seconds: float, out: Path):
    """The recipe here and weaker ones, each trained for the same time and judged."""
    judge, notes, lists = load_classifier("scene_judge", out), Notes(out), label_lists(draw)
    images = floats(data[0])
    for name, (make, changes, guidance) in recipes().items():
        if notes.has("ablation", name=name, seconds=seconds):
            continue
        training.perturb = printed if name.startswith("noise") else perturb
        config = replace(configuration(), **({"ema": 0.998} | changes))
        run = train(new(make), config, words, images, data[1], seconds)
        training.perturb = perturb
        found = {}
        for which in ("test", "new_test"):
            sample = partial(draw_samples, run.ema.model, run.schedule, lists[which], guidance=guidance)
            found[which] = judged(sample, judge, lists[which])
        notes.add("ablation", name=name, seconds=seconds, images=run.step * run.config.batch, guidance=guidance, **found)


def main():
    """See the top of this file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float)
    parser.add_argument("--more", action="store_true", help="train scene_unet further, not from nothing")
    parser.add_argument("--evaluate", action="store_true", help="only the evaluation")
    parser.add_argument("--ablation", type=float, metavar="SECONDS", help="only the ablation, so many seconds a recipe")
    parser.add_argument("--out", type=Path, default=HERE)
    options = parser.parse_args()
    begin, out, draw = time.monotonic(), options.out, drawer()
    (out / "cards").mkdir(parents=True, exist_ok=True)
    data, held_out = (scenes(draw, *draw.label_sets(split)) for split in ("train", "held_out"))
    print(f"{len(data[0]) + len(held_out[0])} scenes in {time.monotonic() - begin:.0f} s", flush=True)
    if options.ablation:
        ablation(draw, tuple(draw.NAMES), data, options.ablation, out)
        return
    if not (options.evaluate or options.more):
        train_classifiers(draw, data, held_out, out)
    if not options.evaluate:
        train_unet(tuple(draw.NAMES), data, options.seconds, options.more, out)
    evaluate(draw, data, held_out, out)


if __name__ == "__main__":
    main()
