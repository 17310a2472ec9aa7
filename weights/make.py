"""Train the networks in this folder, and make what their cards show.

    python weights/make.py [NAME ...]             train all networks, or these; then the evaluation, pictures, checksums
    python weights/make.py context_unet few_steps --seconds 400 --out FOLDER     in this time, into another folder
    python weights/make.py --evaluate             evaluation.json: the figures of the cards
    python weights/make.py --cards                the pictures of the cards, and weights.json (checksums)

Each network comes from one run, from nothing. A stopped training of context_unet goes on from its checkpoint; few_steps
begins again. On a GPU batches are larger, the draws are made there, and the updates are translated and recorded.
With --seconds the program trains for 20 s, sees how fast it is, and chooses the number of updates that fit.
Nothing is picked: every grid is the first sprites of seed 0.
"""

import argparse
import hashlib
import json
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from diffusion_lab import CLASSES, Run, TrainConfig, collect, load_kinds, load_model, load_sprites, load_words, to_tensors
from diffusion_lab.devices import best_device
from diffusion_lab.distillation import distil
from diffusion_lab.files import read_state, write_safely
from diffusion_lab.metrics import Judge, SpriteClassifier, evaluate
from diffusion_lab.samplers import SAMPLERS
from diffusion_lab.sprites import to_uint8, unseen_pairs
from diffusion_lab.training import LOSS_EVERY, Progress
from diffusion_lab.unet import for_drawing
from diffusion_lab.viz import ACCENT, gif, grid, png
from diffusion_lab.weights import Sampling, history

HERE = Path(__file__).parent
CLASSIFIERS = {  # what it names, the strongest noise that it sees, seed
    "sprite_classifier": ("kinds", 0.0, 0),
    "label_classifier": ("classes", 0.1, 1),
}
UNET = TrainConfig(n_feat=80, updates=60_000, batch=64, lr=2e-2, warmup=500, ema=0.9995, schedule="cosine")
FEW_STEPS = TrainConfig(T=4, schedule="cosine", updates=3000, batch=64, lr=1e-3, warmup=100, weight_decay=0.0, ema=0.995)
GRIDS = (4, 4, 2, 2, 1)  # the numbers of steps that it is to serve, and how often each is trained
ON_GPU = {"context_unet": {"batch": 1024, "updates": 20_000}, "few_steps": {"batch": 512, "updates": 6000}}
LOOK, FILM = 20.0, 40  # seconds until the speed is known; pictures in the film of a training
GUIDANCES = (1.25, 1.5, 1.75, 2.0)  # of these the judge chooses
SHARE = 0.62  # of --seconds is context_unet's, the rest few_steps'
EVALUATIONS = {  # sampler, steps, guidance, number of sprites
    "context_unet": (
        *(("dpmpp_2m", 12, guidance, 1000) for guidance in (1.0, *GUIDANCES)),
        ("dpmpp_2m", 12, 8.0, 1000),  # too much
        *(("ddim", 25, guidance, 1000) for guidance in (1.0, 1.5, 2.0)),
        *(("ddim", steps, 1.5, 1000) for steps in (10, 50)),
        *(("dpmpp_2m", steps, 1.5, 1000) for steps in (5, 20)),
        ("ddpm", 50, 1.0, 1000),
        ("ddpm", 500, 1.0, 1000),
    ),
    "few_steps": tuple(("ddim", steps, 1.0, 1000) for steps in (1, 2, 4)),
}
PROMPTS = (
    "knight",
    "red slime",
    "blue potion",
    "king",
    "black cat",
    "pizza",
    "purple dinosaur",
    "hero",
    "green",
    "blue strawberry",
)


def train_classifier(name: str, target: str, noise: float, seed: int, out: Path, epochs: int = 6, batch: int = 128):
    """Train one of the two classifiers of metrics.py, print what it confuses, and write it with its held-out accuracy.

    noise: each sprite is seen with noise of a random strength up to this. Shifts by a pixel stand for more sprites. The pairs
    kept out of the networks' training are seen: the judge must know them.
    """
    parts = {}
    for part, splits in {"train": ("train", "unseen"), "held_out": ("held_out",)}.items():
        images, contexts = map(torch.cat, zip(*(to_tensors(load_sprites(split)) for split in splits), strict=True))
        kinds = np.concatenate([load_kinds(split)[0] for split in splits])
        parts[part] = images, torch.from_numpy(kinds) if target == "kinds" else contexts.argmax(1)
    names = load_kinds()[1] if target == "kinds" else list(CLASSES)
    (images, labels), (held_out, truth) = parts["train"], parts["held_out"]
    torch.manual_seed(seed)
    model = SpriteClassifier(len(names))
    steps = epochs * (len(images) // batch)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=0.05)
    plan = torch.optim.lr_scheduler.OneCycleLR(optimizer, 3e-3, steps, pct_start=0.1)
    for _ in range(steps):
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
    print(f"{name}: {accuracy:.4f} of {len(truth)} held-out sprites; confused: {wrong.most_common(8)}", flush=True)
    state = {"kind": "diffusion_lab classifier", "names": names, "accuracy": accuracy, "model": model.state_dict()}
    write_safely(out / f"{name}.pt", lambda file: torch.save(state, file))


def sprites() -> tuple[torch.Tensor, torch.Tensor, tuple[str, ...]]:
    """What both networks learn from: images (N, 3, 16, 16), their words (N, V), and the words."""
    contexts, words = load_words()
    return to_tensors(load_sprites())[0], torch.from_numpy(contexts), words


def config_of(name: str, base: TrainConfig) -> TrainConfig:
    """The configuration of a network here: a GPU is fed with more sprites at a time."""
    return replace(base, **ON_GPU[name]) if best_device().type == "cuda" else base


def fit(run: Run, updates: Iterator[Progress], until: float):
    """Train for a while, and set the run's number of updates to what can be done until this moment (time.monotonic)."""
    run.config = replace(run.config, updates=10**9)  # so that the learning rate does not fall yet
    for _ in range(10):  # then all is translated and recorded
        next(updates).loss.item()
    begin, first = time.monotonic(), run.step
    look = min(LOOK, (until - begin) / 5)
    for progress in updates:
        if progress.step % 20 == 0:
            progress.loss.item()  # wait for the GPU
            if time.monotonic() - begin > look:
                break
    each = (time.monotonic() - begin) / (run.step - first)
    run.config = replace(run.config, updates=run.step + max(1, int((until - time.monotonic()) / each)))
    print(f"{run.config.batch / each:,.0f} images a second: {run.config.updates:,} updates", flush=True)


def train_unet(out: Path, seconds: float | None):
    """context_unet: words to sprites. Writes its film too: what the same noise became while it was trained."""
    begin = time.monotonic()
    images, contexts, words = sprites()
    path, checkpoint, so_far = (out / f"context_unet.pt{end}" for end in ("", ".ckpt", ".film.npz"))
    frames, seen = [], []
    if checkpoint.exists():
        run = Run.load(checkpoint)
        frames, seen = (list(part) for part in np.load(so_far).values())
    else:
        run = Run(config_of("context_unet", UNET), words=words, sampling=Sampling("dpmpp_2m", 12, 1.5))
    on_gpu = run.device.type == "cuda"
    if on_gpu:
        run.compile()
    judge = Judge(1000) if on_gpu else None  # elsewhere a look takes minutes
    updates = run.advance(images, contexts)
    if seconds:
        fit(run, updates, begin + seconds)
    wishes, noise = forty(contexts)
    moments = set(np.geomspace(max(100, run.step + 1), run.config.updates, FILM).astype(int).tolist())
    for progress in updates:
        if progress.step in moments:
            walk = SAMPLERS["dpmpp_2m"](run.ema.model, run.schedule, 40, wishes, 1.5, start=noise, steps=12)
            frames.append(to_uint8(collect(walk).images))
            seen.append(progress.step * run.config.batch)
        if progress.step % (max(1, run.config.updates // 8) if on_gpu else 500) == 0:
            loss = float(np.mean(run.losses[-20:]))
            print(f"update {progress.step:,}, {time.monotonic() - begin:.0f} s, loss {loss:.4f}", flush=True)
            if on_gpu:
                run.ema.model.words = run.vocabulary
                s = evaluate(run.ema.model, run.schedule, sampler="dpmpp_2m", steps=12, guidance=1.5, batch=500, judge=judge)[0]
                print(
                    f"  ratio {s.ratio:.2f}, precision {s.precision:.2f}, coverage {s.coverage:.2f}, near {s.near:.3f}",
                    flush=True,
                )
            else:
                run.save(checkpoint)
                np.savez_compressed(so_far, frames=frames, seen=seen)
    run.sampling = run.sampling._replace(guidance=best_guidance(run, judge or Judge(1000)))
    run.export(path)
    np.savez_compressed(out / "film.npz", frames=np.stack(frames), seen=np.array(seen))
    for file in (checkpoint, so_far):
        file.unlink(missing_ok=True)
    print(f"context_unet: {run.step * run.config.batch:,} images, {time.monotonic() - begin:.0f} s", flush=True)


def forty(contexts: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """What the film shows: the descriptions (40, V) of sprites of forty kinds, evenly chosen, and the noise to begin with."""
    kinds, names = load_kinds()
    chosen = np.linspace(0, len(names) - 1, 40).round().astype(int)
    rows = [int(np.flatnonzero(kinds == kind)[0]) for kind in chosen]
    return contexts[rows], torch.randn(40, 3, 16, 16, generator=torch.Generator().manual_seed(0))


def best_guidance(run: Run, judge: Judge) -> float:
    """The guidance with which the run's averaged network is nearest to real sprites."""
    run.ema.model.words = run.vocabulary
    ratios = {}
    for guidance in GUIDANCES:
        result = evaluate(run.ema.model, run.schedule, sampler="dpmpp_2m", steps=12, guidance=guidance, batch=250, judge=judge)
        ratios[guidance] = result.samples.ratio
    print("guidance: " + ", ".join(f"{guidance}: ratio {ratio:.3f}" for guidance, ratio in ratios.items()), flush=True)
    return min(ratios, key=ratios.get)


def train_few_steps(out: Path, seconds: float | None):
    """few_steps: taught by context_unet with guidance. Stopped, it begins again."""
    begin = time.monotonic()
    teacher, schedule = load_model(out / "context_unet.pt", best_device())
    images, contexts, words = sprites()
    config = replace(config_of("few_steps", FEW_STEPS), n_feat=teacher.n_feat, prediction=teacher.prediction)
    run = Run(config, words=words, sampling=Sampling("ddim", 4, 1.0))
    run.start_from(teacher)
    updates = distil(run, teacher, schedule, images, contexts, teacher.sampling.guidance, GRIDS)
    if seconds:
        fit(run, updates, begin + seconds)
    for progress in updates:
        if progress.step % max(1, run.config.updates // 8) == 0:
            gap = float(np.mean(run.losses[-4:] or [progress.loss.item()]))
            print(f"update {progress.step:,}, {time.monotonic() - begin:.0f} s, gap {gap:.5f}", flush=True)
    run.export(out / "few_steps.pt")
    halve(out / "few_steps.pt")
    print(f"few_steps: {run.step:,} updates of {run.config.batch}, {time.monotonic() - begin:.0f} s", flush=True)


def halve(path: Path):
    """Write the parameters of a file of weights in half precision. The statistics of BatchNorm stay: some exceed its range."""
    state = read_state(path)
    buffers = {name for name, _ in load_model(path)[0].named_buffers()}
    state["model"] = {name: tensor if name in buffers else tensor.half() for name, tensor in state["model"].items()}
    write_safely(path, lambda file: torch.save(state, file))


def checksum(out: Path, name: str) -> str:
    """SHA-256 of a file of weights."""
    return hashlib.sha256((out / f"{name}.pt").read_bytes()).hexdigest()


def evaluate_all(out: Path, until: float | None = None):
    """Each line of EVALUATIONS into evaluation.json; what these same weights were asked already is kept.

    until: the moment (time.monotonic) after which no new line is begun.
    """
    path = out / "evaluation.json"
    results = json.loads(path.read_text()) if path.exists() else []
    judges = {}
    for name, lines in reversed(EVALUATIONS.items()):
        sha256 = checksum(out, name)
        model, schedule = load_model(out / f"{name}.pt", best_device())
        results = [result for result in results if result["weights"] != name or result["sha256"] == sha256]
        for sampler, steps, guidance, n in lines:
            asked = {"weights": name, "sha256": sha256, "sampler": sampler, "steps": steps, "guidance": guidance, "n": n}
            if any(asked.items() <= result.items() for result in results) or (until and time.monotonic() > until):
                continue
            judge = judges[n] = judges.get(n) or Judge(n)
            how = {
                "sampler": sampler,
                "steps": steps,
                "guidance": guidance,
                "pairs": sampler != "ddpm",
            }  # it takes hours on a CPU
            e = evaluate(model, schedule, n, batch=250, judge=judge, **how)
            s = e.samples
            shares = f"precision {s.precision:.3f} coverage {s.coverage:.3f} kind {s.kind:.3f} colour {s.colour:.3f}"
            seen = f"unseen {e.unseen} copies {s.copies} near {s.near} {e.seconds:.1f} s"
            print(f"{name} {sampler} {steps} guidance {guidance} n {n}: ratio {s.ratio:.3f} {shares} {seen}", flush=True)
            more = {"device": best_device().type, "seconds": round(e.seconds, 2), "unseen": e.unseen}
            results.append(asked | more | {"samples": e.samples._asdict(), "held_out": e.held_out._asdict()})
            write_safely(path, lambda file, results=results: file.write((json.dumps(results, indent=1) + "\n").encode()))


def cards(out: Path):
    """The pictures of the cards and the README: sheets of prompts, pairs never seen, one, two and four evaluations, a film,
    the loss."""
    from diffusion_lab.notebook import figure  # wants ipywidgets, which a machine for training need not have

    folder = out / "cards"
    folder.mkdir(exist_ok=True)
    (model, schedule), (student, few) = load_model(out / "context_unet.pt"), load_model(out / "few_steps.pt")
    draw, quick = for_drawing(model), for_drawing(student)

    def sheet(prompts: Sequence[str], n: int, network=draw, schedule=schedule, steps: int | None = None) -> torch.Tensor:
        """The first n sprites of seed 0 for each prompt, sampled as the network is meant to be."""
        rows, how = [], network.sampling
        for prompt in prompts:
            generator = torch.Generator().manual_seed(0)
            context, _ = network.words.contexts(prompt, n, generator)
            walk = SAMPLERS[how.sampler](network, schedule, n, context, how.guidance, generator, steps=steps or how.steps)
            rows.append(collect(walk, every=schedule.T).images)
        return torch.cat(rows)

    def two_rows(prompts: Sequence[str]) -> list[str]:
        return [label for prompt in prompts for label in (prompt, "")]

    pairs = [f"{colour} {kind}" for kind, colour in unseen_pairs()]
    pictures = {
        "context_unet_prompts": grid(sheet(PROMPTS, 40), 20, 3, two_rows(PROMPTS)),
        "few_steps_prompts": grid(sheet(PROMPTS, 40, quick, few), 20, 3, two_rows(PROMPTS)),
        "context_unet_unseen_pairs": grid(sheet(pairs, 12), 12, 3, pairs),
        "few_steps_1_2_4": grid(
            torch.cat([sheet([""], 20, quick, few, steps) for steps in (1, 2, 4)]), 20, 3, ["1 evaluation", "2", "4"]
        ),
    }
    for name, picture in pictures.items():
        write_safely(folder / f"{name}.png", lambda file, picture=picture: file.write(png(picture)))

    losses = np.array(history(out / "context_unet.pt")["losses"])
    batch = history(out / "context_unet.pt")["config"]["batch"]
    fig, axis = figure(7, 2.6)
    axis.plot(LOSS_EVERY * batch * (1 + np.arange(len(losses))) / 1e6, losses, color=ACCENT)
    axis.set(xlabel="million sprites seen", ylabel="loss (v)", ylim=(0.9 * losses.min(), losses[4]))
    fig.savefig(folder / "context_unet_loss.png", dpi=110)

    generator = torch.Generator().manual_seed(0)
    contexts = model.words.random(40, generator)
    film = collect(SAMPLERS["ddim"](draw, schedule, 40, contexts, model.sampling.guidance, generator, steps=32))
    write_safely(folder / "context_unet.gif", lambda file: file.write(gif(film.frames, columns=10, scale=4)))


def main():
    """See the top of this file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    every = ("context_unet", "few_steps", *CLASSIFIERS)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(every))
    parser.add_argument("--seconds", type=float, help="for context_unet and few_steps together")
    parser.add_argument("--until", type=float, metavar="SECONDS", help="no line of the evaluation is begun later than this")
    parser.add_argument("--out", type=Path, default=HERE)
    parser.add_argument("--cards", action="store_true", help="only the pictures and the checksums")
    parser.add_argument("--evaluate", action="store_true", help="only the evaluation")
    options = parser.parse_args()
    unknown = set(options.names) - set(every)
    if unknown:
        parser.error(f"{unknown.pop()} is none of {', '.join(every)}")
    begin = time.monotonic()
    share = {"context_unet": SHARE, "few_steps": 1 - SHARE} if len(options.names) == 2 else dict.fromkeys(every, 1.0)
    for name in [] if options.cards or options.evaluate else options.names or every:
        if name in CLASSIFIERS:
            train_classifier(name, *CLASSIFIERS[name], options.out)
        else:
            train = {"context_unet": train_unet, "few_steps": train_few_steps}[name]
            train(options.out, options.seconds and options.seconds * share[name])
    if not options.cards:
        evaluate_all(options.out, options.until and begin + options.until)
    if options.cards or not (options.names or options.evaluate):
        cards(options.out)
        sums = {f"{name}.pt": {"sha256": checksum(options.out, name)} for name in every}
        write_safely(options.out / "weights.json", lambda file: file.write((json.dumps(sums, indent=1) + "\n").encode()))


if __name__ == "__main__":
    main()
