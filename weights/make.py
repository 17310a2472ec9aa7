"""Train the networks in this folder, and make what their cards show.

    python weights/make.py [NAME ...]     train all networks, or these; then weights.json (checksums) and the cards' pictures
    python weights/make.py --cards        only the checksums and the pictures
    python weights/make.py --evaluate     evaluation.json: the figures of the card, by `python -m diffusion_lab evaluate`

The long training goes on from its checkpoint, if there is one. Nothing is picked: every grid is the first sprites of seed 0.
"""

import argparse
import hashlib
import json
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

import torch
from tqdm import tqdm

from diffusion_lab import (
    CLASSES,
    Run,
    TrainConfig,
    collect,
    load_kinds,
    load_model,
    load_sprites,
    sample_ddim,
    sample_ddpm,
    to_tensors,
)
from diffusion_lab.devices import best_device
from diffusion_lab.distillation import distil
from diffusion_lab.files import write_safely
from diffusion_lab.metrics import SpriteClassifier
from diffusion_lab.training import LOSS_EVERY
from diffusion_lab.viz import ACCENT, INK, figure, gif, grid, png

HERE = Path(__file__).parent
CLASSIFIERS = {  # what it names, the strongest noise that it sees, seed
    "sprite_classifier.pt": ("kinds", 0.0, 0),
    "label_classifier.pt": ("classes", 0.1, 1),
}
FEW_STEPS = TrainConfig(
    T=4, schedule="cosine", steps=1500, lr=1e-3, warmup=50, weight_decay=0.0, ema=0.99, context_dropout=0.0, precision="fp32"
)
GUIDANCE = 1.5  # that goes into it
EVALUATIONS = (  # of which network; sampler, steps, guidance, number of sprites; the slow one last
    *(("few_steps.pt", f"ddim {steps} 1 {n}") for n in (320, 1000) for steps in (1, 2, 4)),
    *(("context_unet.pt", f"dpmpp_2m {steps} 1 {n}") for n in (320, 1000) for steps in (5, 10, 20)),
    *(("context_unet.pt", f"ddim {steps} 1 {n}") for n in (320, 1000) for steps in (10, 25, 50)),
    *(("context_unet.pt", f"dpmpp_2m 12 {guidance} {n}") for n in (320, 1000) for guidance in (1.5, 2)),
    *(("context_unet.pt", f"ddim 25 2 {n}") for n in (320, 1000)),
    *(("context_unet.pt", f"ddpm {steps} 1 320") for steps in (20, 50, 500)),
)


def train_classifier(name: str, target: str, noise: float, seed: int, epochs: int = 6, batch: int = 128):
    """Train one of the two classifiers of metrics.py, print what it confuses, and write it with its held-out accuracy.

    noise: each sprite is seen with noise of a random strength up to this. Shifts by a pixel stand for more sprites.
    """
    parts = {}
    for split in ("train", "held_out"):
        images, contexts = to_tensors(load_sprites(split))
        kinds, names = load_kinds(split)
        parts[split] = images, torch.from_numpy(kinds) if target == "kinds" else contexts.argmax(1)
    names = names if target == "kinds" else list(CLASSES)
    (images, labels), (held_out, truth) = parts["train"], parts["held_out"]
    torch.manual_seed(seed)
    model = SpriteClassifier(len(names))
    steps = epochs * (len(images) // batch)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=0.05)
    plan = torch.optim.lr_scheduler.OneCycleLR(optimizer, 3e-3, steps, pct_start=0.1)
    for _ in tqdm(range(steps), desc=name):
        index = torch.randint(len(images), (batch,))
        x = torch.nn.functional.pad(images[index], (1, 1, 1, 1), value=1.0)  # white around
        dy, dx = torch.randint(0, 3, (2,)).tolist()
        x = x[:, :, dy : dy + 16, dx : dx + 16]
        x = x + noise * torch.rand(batch, 1, 1, 1) * torch.randn_like(x)
        loss = torch.nn.functional.cross_entropy(model(x), labels[index])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        plan.step()
    model.eval()
    with torch.no_grad():
        named = torch.cat([model(part).argmax(1) for part in held_out.split(500)])
    accuracy = (named == truth).double().mean().item()
    wrong = Counter((names[t], names[n]) for t, n in zip(truth.tolist(), named.tolist(), strict=True) if t != n)
    print(f"{name}: {accuracy:.4f} of {len(truth)} held-out sprites; confused: {wrong.most_common(8)}")
    state = {"kind": "diffusion_lab classifier", "names": names, "accuracy": accuracy, "model": model.state_dict()}
    write_safely(HERE / name, lambda file: torch.save(state, file))


def train_unet():
    """One run that sees as many sprites as the shipped network did. (That one has a longer history: see its card.)"""
    out = HERE / "context_unet.pt"
    new = ["--resume"] if Path(f"{out}.ckpt").exists() else ["--schedule", "cosine", "--steps", "28000"]
    command = [sys.executable, "-m", "diffusion_lab", "train", "--out", str(out), "--film-every", "800", *new]
    subprocess.run(command, check=True)


def train_few_steps():
    """The network of few steps, taught by context_unet.pt. Stopped, it begins again."""
    teacher, schedule = load_model(HERE / "context_unet.pt", best_device())
    images, contexts = to_tensors(load_sprites())
    contexts = wishes(contexts, torch.Generator().manual_seed(0))
    run = Run(FEW_STEPS)
    run.start_from(teacher)
    run.remember(images, contexts)
    for progress in tqdm(distil(run.model, teacher, schedule, FEW_STEPS, images, contexts, GUIDANCE), total=FEW_STEPS.steps):
        run.step = progress.step
        run.ema.update(run.model, run.step)
    run.export(HERE / "few_steps.pt")


def wishes(contexts: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """(N, 5) contexts to ask for: four in five as they are, of the others some mixtures and one in four none."""
    n = len(contexts)
    mixed = torch.rand(n, 5, generator=generator) * (torch.rand(n, 5, generator=generator) < 0.45)
    which = torch.rand(n, 1, generator=generator)
    return torch.where(which < 0.8, contexts, torch.where(which < 0.95, mixed, 0.0))


def evaluate():
    """Each line of EVALUATIONS into one file; what these same weights were asked already is kept."""
    path = HERE / "evaluation.json"
    results = json.loads(path.read_text()) if path.exists() else []
    sums = {weights: hashlib.sha256((HERE / weights).read_bytes()).hexdigest() for weights, _ in EVALUATIONS}
    results = [result for result in results if result["command"]["sha256"] in sums.values()]
    for weights, line in EVALUATIONS:
        sampler, steps, guidance, n = line.split()
        asked = {"sampler": sampler, "steps": int(steps), "guidance": float(guidance), "n": int(n)}
        if any((asked | {"sha256": sums[weights]}).items() <= result["command"].items() for result in results):
            continue
        options = [f"--{name}={value}" for name, value in asked.items() if name != "n"]
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder) / "one.json"
            command = [sys.executable, "-m", "diffusion_lab", "evaluate", str(HERE / weights), "-n", n]
            subprocess.run([*command, *options, "--out", str(out)], check=True)
            results.append(json.loads(out.read_text()))
        write_safely(path, lambda file: file.write((json.dumps(results, indent=1) + "\n").encode()))


def card():
    """The pictures: the loss, grids by DDPM-500, DDIM-25 with and without class and by the few-step network, and a film."""
    name, stem = "context_unet.pt", "context_unet"
    model, schedule = load_model(HERE / name)
    classes = torch.eye(len(CLASSES)).repeat_interleave(8, 0)

    def seed():
        return torch.Generator().manual_seed(0)

    pictures = {
        "ddpm_500": grid(collect(sample_ddpm(model, schedule, 40, classes, generator=seed()), every=500).images),
        "ddim_25": grid(collect(sample_ddim(model, schedule, 40, classes, generator=seed())).images),
        "ddim_25_guidance_2": grid(collect(sample_ddim(model, schedule, 40, classes, 2.0, seed())).images),
        "ddim_25_no_class": grid(collect(sample_ddim(model, schedule, 40, generator=seed())).images),
    }
    student, few = load_model(HERE / "few_steps.pt")
    pictures = {f"{stem}_{what}.png": picture for what, picture in pictures.items()}
    for steps in (1, 2, 4):
        walk = sample_ddim(student, few, 40, classes, generator=seed(), steps=steps)
        pictures[f"few_steps_{steps}.png"] = grid(collect(walk).images)
    for file_name, picture in pictures.items():
        write_safely(HERE / file_name, lambda file, picture=picture: file.write(png(picture)))

    losses = torch.load(HERE / name, weights_only=True)["losses"]
    fig, axis = figure(7, 2.6)
    steps = [LOSS_EVERY * (i + 1) for i in range(len(losses))]
    axis.plot(steps, losses, color=INK, alpha=0.35, linewidth=0.8, label="mean of 50 updates")
    smooth = torch.tensor(losses).unfold(0, 9, 1).mean(1)
    axis.plot(steps[4:-4], smooth, color=ACCENT, label="mean of 450 updates")
    axis.set(xlabel="updates", ylabel="loss (v)", ylim=(min(losses) * 0.9, sorted(losses)[-3]))
    axis.legend(frameon=False)
    fig.savefig(HERE / f"{stem}_loss.png", dpi=110)

    film = collect(sample_ddim(model, schedule, 40, torch.eye(5).repeat(8, 1), 1.5, seed(), steps=50), every=2)
    write_safely(HERE / f"{stem}.gif", lambda file: file.write(gif(film.frames, columns=10)))


def main():
    """See the top of this file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", choices=[[], *CLASSIFIERS, "context_unet.pt", "few_steps.pt"])
    parser.add_argument("--cards", action="store_true")
    parser.add_argument("--evaluate", action="store_true")
    options = parser.parse_args()
    if options.names and (options.cards or options.evaluate):
        parser.error("give names, or --cards, or --evaluate")
    if options.evaluate:
        return evaluate()
    every = ["context_unet.pt", "few_steps.pt", *CLASSIFIERS]
    for name in [] if options.cards else options.names or every:
        if name in CLASSIFIERS:
            train_classifier(name, *CLASSIFIERS[name])
        elif name == "few_steps.pt":
            train_few_steps()
        else:
            train_unet()
    card()
    sums = {name: {"sha256": hashlib.sha256((HERE / name).read_bytes()).hexdigest()} for name in every}
    write_safely(HERE / "weights.json", lambda file: file.write((json.dumps(sums, indent=1) + "\n").encode()))


if __name__ == "__main__":
    main()
