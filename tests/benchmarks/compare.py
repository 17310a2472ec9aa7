"""Ours beside others: training to a quality, GIFs, imports. One command; a table, and all figures as JSON and a plot:

    pip install -r tests/benchmarks/requirements.txt
    python tests/benchmarks/compare.py --out FOLDER [--seconds 600] [--rivals 1] [--only PART]

Everything runs on the cores that this process may use (`taskset -c 0` for one). Quality is the Fréchet ratio of 320 sprites,
the classes in turn, by DDIM with 25 steps and no guidance, as `python -m diffusion_lab evaluate -n 320`. The time that this
takes is not counted. Each point of ours is a whole run of its own, of a budget set beforehand, because its learning rate
falls to 0 at the end. The others are looked at on the way.
"""

import argparse
import json
import math
import statistics
import subprocess
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path

import torch
from rivals import Course, Diffusers, Lucidrains, sample_diffusers
from speed import in_turns
from torch.utils.flop_counter import FlopCounterMode

from diffusion_lab import (
    Run,
    TrainConfig,
    collect,
    load_model,
    load_sprites,
    sample_ddim,
    to_tensors,
)
from diffusion_lab.metrics import Judge
from diffusion_lab.notebook import figure
from diffusion_lab.samplers import SAMPLERS
from diffusion_lab.sprites import packaged_file
from diffusion_lab.unet import for_drawing
from diffusion_lab.viz import ACCENT, INK, gif

OURS = TrainConfig(
    n_feat=32, batch=32, lr=0.03, ema=0.96, warmup=50, schedule="cosine", prediction="x0"
)  # as L2 trained live, on all kinds
BUDGETS = (10, 15, 20, 30, 60, 120)  # seconds
CPU = torch.device("cpu")  # where the rivals are, too
TITLES = {"ddim": "DDIM", "ddpm": "DDPM", "dpmpp_2m": "2M"}
RIVALS = (Course, Diffusers, Lucidrains)


def quality(judge: Judge, model: torch.nn.Module, schedule) -> dict:
    """The Fréchet ratio and the mean label agreement of 320 sprites."""
    contexts = torch.eye(5)[torch.arange(320) % 5]
    generator = torch.Generator().manual_seed(0)
    parts = [
        collect(sample_ddim(model, schedule, 80, part, generator=generator), every=25).images for part in contexts.split(80)
    ]
    scores = judge.scores(torch.cat(parts), contexts)
    return {"ratio": scores.ratio, "agreement": statistics.mean(scores.agreement)}


def ours(judge: Judge, seconds: float) -> dict:
    """One whole run of about so many seconds. Its number of updates comes from a measurement of 20."""
    images, contexts = to_tensors(load_sprites())
    trial = Run(TrainConfig(**vars(OURS) | {"updates": 25}), CPU)
    times = []
    for _ in trial.advance(images, contexts):
        times.append(time.perf_counter())
    each = (times[-1] - times[4]) / 20
    run = Run(TrainConfig(**vars(OURS) | {"updates": max(60, round(seconds / each))}), CPU)
    begin = time.perf_counter()
    for _ in run.advance(images, contexts):
        pass
    spent = time.perf_counter() - begin
    return {"seconds": spent, "images": run.step * OURS.batch} | quality(judge, run.ema.model, run.schedule)


def theirs(judge: Judge, rival: Course, seconds: float, looks: int = 6) -> list[dict]:
    """The quality of a rival at equal distances on the way."""
    found, spent, updates = [], 0.0, 0
    for k in range(1, looks + 1):
        while spent < seconds * k / looks:
            begin = time.perf_counter()
            rival.update()
            spent += time.perf_counter() - begin
            updates += 1
        found.append({"seconds": spent, "images": updates * rival.batch} | quality(judge, rival.trained(), rival.schedule))
        print(f"{rival.name}: {found[-1]}", flush=True)
    return found


def training(options: argparse.Namespace) -> dict:
    """Seconds to quality, for each recipe."""
    judge, sprites = Judge(320), load_sprites()
    result = {"ours": []}
    for budget in BUDGETS:
        result["ours"].append(ours(judge, budget))
        print(f"ours: {result['ours'][-1]}", flush=True)
    for rival in RIVALS[: options.rivals]:
        result[rival.name] = theirs(judge, rival(sprites), options.seconds)
    for point in result[Course.name]:
        needed = seconds_to(point["ratio"], result["ours"])
        if needed is not None:
            point["times_faster"] = point["seconds"] / needed
            took = f"the short course's recipe reaches {point['ratio']:.1f} in {point['seconds']:.0f} s"
            print(f"{took}, ours in {needed:.0f} s: {point['times_faster']:.1f} times faster")
    plot_training(result, options.out / "training.png")
    return result


def seconds_to(ratio: float, points: list[dict]) -> float | None:
    """When the points reach a ratio, straight between two of them in logarithms; the first one's time if that is better
    already, None if none is."""
    if points[0]["ratio"] <= ratio:
        return points[0]["seconds"]
    for before, after in pairwise(points):
        if before["ratio"] > ratio >= after["ratio"]:
            share = math.log(before["ratio"] / ratio) / math.log(before["ratio"] / after["ratio"])
            return before["seconds"] * (after["seconds"] / before["seconds"]) ** share
    return None


def plot_training(result: dict, path: Path):
    """Quality against seconds."""
    fig, axis = figure(7, 3.4)
    colours = {"ours": ACCENT, Course.name: INK, Diffusers.name: "#6c8ebf", Lucidrains.name: "#9a9a9a"}
    for name, points in result.items():
        colour = colours[name]
        axis.plot([p["seconds"] for p in points], [p["ratio"] for p in points], "o-", color=colour, label=name)
    axis.set(xscale="log", yscale="log", xlabel="seconds of training", ylabel="Fréchet ratio (1 is real)")
    axis.set_xticks([10, 30, 100, 300], ["10", "30", "100", "300"], minor=False)
    axis.set_yticks([5, 10, 20, 50], ["5", "10", "20", "50"], minor=False)
    axis.minorticks_off()
    axis.legend(frameon=False)
    fig.savefig(path, dpi=110)


def sampling(options: argparse.Namespace) -> dict:
    """Seconds for a sheet of 32 sprites, in turns, beside the quality of 1,000 of them (DDPM-500: 320).

    The quality of ours is read from weights/evaluation.json (`python weights/make.py --evaluate`), which these weights made;
    that of diffusers' schedulers over our network is measured here.
    """
    judge, plain, student = Judge(1000), load_model(), load_model("few_steps")
    teacher, student = (for_drawing(plain[0]), plain[1]), (for_drawing(student[0]), student[1])
    evaluations = json.loads(packaged_file("weights", "evaluation.json").read_text())
    if not any(one["steps"] == 500 for one in evaluations):  # it takes an hour: its time is measured all the same
        none = {"ratio": math.nan, "precision": math.nan}
        slow = {"weights": "context_unet", "sampler": "ddpm", "steps": 500, "guidance": 1.0, "n": 0, "samples": none}
        evaluations.append(slow)
    words = plain[0].words
    contexts = words.random(1000, torch.Generator().manual_seed(0))
    variants, result = {}, {}
    for one in evaluations:
        network, schedule = {"context_unet": teacher, "few_steps": student}[one["weights"]]
        title = f"{TITLES[one['sampler']]} {one['steps']}" + (f", guidance {one['guidance']:g}" if one["guidance"] > 1 else "")
        title = f"few steps, {one['steps']}" if one["weights"] == "few_steps" else title
        draw, steps, guidance = SAMPLERS[one["sampler"]], one["steps"], one["guidance"]
        network = plain[0] if steps == 500 else network  # the longest walk as the course does it, to compare with
        variants[title] = lambda draw=draw, network=network, schedule=schedule, steps=steps, guidance=guidance: collect(
            draw(network, schedule, 32, contexts[:32], guidance, steps=steps), every=steps
        )
        result[title] = {"ratio": one["samples"]["ratio"], "precision": one["samples"]["precision"], "n": one["n"]}
    for name, steps in (("DDPM", 50), ("DDIM", 25), ("DPMSolverMultistep", 10)):
        title = f"diffusers {name} {steps}"
        g = torch.Generator().manual_seed(0)
        variants[title] = lambda name=name, steps=steps, g=g: sample_diffusers(name, *teacher, contexts[:32], steps, g)
        made = torch.cat([sample_diffusers(name, *teacher, part, steps, g) for part in contexts.split(100)])
        scores = judge.scores(made)
        result[title] = {"ratio": scores.ratio, "precision": scores.precision, "n": 1000}
    for title, seconds in in_turns(variants, rounds=2).items():
        result[title]["seconds"] = seconds
        faster = result["DDPM 500"]["seconds"] / seconds
        quality = f"ratio {result[title]['ratio']:6.2f}, precision {result[title]['precision']:.2f} (n = {result[title]['n']})"
        print(f"{title:32} {seconds:7.3f} s, {faster:6.1f} times DDPM-500's speed, {quality}", flush=True)
    plot_sampling(result, options.out / "sampling.png")
    return result


PLACES = {}  # of names that would lie on each other: x, y and alignment; all others stand at the right
RIGHT = (7, 0, "left", "center")


def plot_sampling(result: dict, path: Path):
    """Quality against seconds, a mark for each sampler."""
    fig, axis = figure(7.5, 5)
    for name, point in result.items():
        kind = next((kind for kind in ("few steps", "diffusers") if name.startswith(kind)), "")
        colour, mark = {"few steps": (ACCENT, "D"), "diffusers": ("#6c8ebf", "s"), "": (INK, "o")}[kind]
        axis.plot(point["seconds"], point["ratio"], mark, color=colour, markersize=5)
        x, y, ha, va = PLACES.get(name, RIGHT)
        there = point["seconds"], point["ratio"]
        axis.annotate(name, there, (x, y), textcoords="offset points", ha=ha, va=va, fontsize=7.5, color=colour)
    axis.set(xscale="log", yscale="log", xlabel="seconds for 32 sprites", ylabel="Fréchet ratio (1 is real)")
    axis.set_xticks([0.1, 1, 10, 100], ["0.1", "1", "10", "100"], minor=False)
    axis.set_yticks([1, 2, 4, 8], ["1", "2", "4", "8"], minor=False)
    axis.minorticks_off()
    axis.set_xlim(0.07, 200)
    fig.savefig(path, dpi=110)


def speed(options: argparse.Namespace) -> dict:
    """Training: images a second, and operations a second as a share of those of a large matrix product, in turns."""
    sprites = load_sprites()
    images, contexts = to_tensors(sprites)
    run, rivals = Run(TrainConfig(), CPU), [rival(sprites) for rival in RIVALS]
    advance, square = run.advance(images, contexts), torch.randn(2048, 2048)
    updates = {"ours": lambda: next(advance)} | {rival.name: rival.update for rival in rivals}
    sizes = {"ours": run.config.batch} | {rival.name: rival.batch for rival in rivals}
    work = updates | {"matrix product": lambda: square @ square}
    operations = {}
    for name, do in work.items():
        with FlopCounterMode(display=False) as counter:
            do()
        operations[name] = counter.get_total_flops()
    medians = in_turns(work, rounds=7, warmup=2)
    per_second = {name: operations[name] / seconds for name, seconds in medians.items()}
    peak = per_second.pop("matrix product")
    print(f"matrix product 2048^3: {peak / 1e9:.0f} GFLOP/s")
    result = {}
    for name in updates:
        result[name] = {"images": sizes[name] / medians[name], "share": per_second[name] / peak}
        print(f"training, {name:28} {result[name]['images']:6.0f} images/s, {result[name]['share']:.2f} of the matrix product")
    return result


def film(options: argparse.Namespace) -> dict:
    """A GIF of 32 frames and 32 sprites: ours, and matplotlib's FuncAnimation with its PillowWriter."""
    from matplotlib import pyplot
    from matplotlib.animation import FuncAnimation, PillowWriter

    model, schedule = load_model()
    frames = collect(sample_ddim(model, schedule, 32, steps=31)).frames
    pixels = ((frames + 1) / 2).clamp(0, 1).permute(0, 1, 3, 4, 2).numpy()

    def animation(folder: str):
        fig, axes = pyplot.subplots(4, 8, figsize=(8, 4))

        def draw(i: int):
            for axis, picture in zip(axes.flat, pixels[i], strict=True):
                axis.clear()
                axis.set(xticks=[], yticks=[])
                axis.imshow(picture)

        FuncAnimation(fig, draw, frames=len(frames), blit=False).save(Path(folder) / "a.gif", writer=PillowWriter(fps=5))
        pyplot.close(fig)

    with tempfile.TemporaryDirectory() as folder:
        variants = {"FuncAnimation": lambda: animation(folder), "ours": lambda: gif(frames)}
        medians = in_turns(variants, rounds=3)
    ratio = medians["FuncAnimation"] / medians["ours"]
    print(f"GIF: FuncAnimation {medians['FuncAnimation']:.1f} s, ours {medians['ours']:.3f} s, {ratio:.0f} times faster")
    return medians


def imports(options: argparse.Namespace) -> dict:
    """Seconds that a fresh Python takes to import torch, and to import torch and the package with its samplers."""
    programs = {
        "torch": "import torch",
        "torch and the package": "import torch; from diffusion_lab import load_model, sample_ddim, collect",
    }
    variants = {
        name: (lambda code=code: subprocess.run([sys.executable, "-c", code], check=True)) for name, code in programs.items()
    }
    medians = in_turns(variants, rounds=7)
    more = medians["torch and the package"] - medians["torch"]
    print(f"import: torch {medians['torch']:.2f} s, the package {more:.2f} s more")
    return medians


PARTS = {"speed": speed, "gif": film, "import": imports, "sampling": sampling, "training": training}


def main():
    """See the top of this file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--rivals", type=int, default=len(RIVALS), help="for the training: the first of them only")
    parser.add_argument("--only", choices=PARTS)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(0)
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads", flush=True)
    for name in [options.only] if options.only else PARTS:
        result = PARTS[name](options)
        (options.out / f"{name}.json").write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
