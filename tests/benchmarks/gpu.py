"""On one GPU: how fast the updates are, and what networks of several widths, batches and rates draw after equal time.

    python tests/benchmarks/gpu.py --seconds 30 64:1024:0.02 80:1024:0.02 [--few 10] [--out FOLDER]

Each recipe is width:batch:learning rate; it trains for that long once its updates are translated and recorded. --few then
teaches the network of few steps from the last one, for so many seconds. One line for each; n = 1000, 2M-12, guidance 1.5.
"""

import argparse
import sys
import time
from dataclasses import replace
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).parents[2] / "weights"))
import make

from diffusion_lab import Run
from diffusion_lab.distillation import distil
from diffusion_lab.metrics import Judge, evaluate
from diffusion_lab.weights import Sampling


def score(run: Run, judge: Judge, **how) -> str:
    """The figures of a run's averaged network."""
    run.ema.model.words = run.vocabulary
    e = evaluate(run.ema.model, run.schedule, judge.n, batch=250, judge=judge, **how)
    s = e.samples
    shares = f"precision {s.precision:.3f} coverage {s.coverage:.3f} kind {s.kind:.3f} colour {s.colour:.3f}"
    return f"ratio {s.ratio:.3f} {shares} unseen {e.unseen:.3f} near {s.near:.3f} ({e.seconds:.1f} s)"


def main():
    """See the top of this file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipes", nargs="+", metavar="WIDTH:BATCH:RATE")
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--few", type=float, default=0)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--n", type=int, default=1000)
    options = parser.parse_args()
    images, contexts, words = make.sprites()
    judge = Judge(options.n)
    for recipe in options.recipes:
        width, batch, rate = recipe.split(":")
        config = replace(make.UNET, n_feat=int(width), batch=int(batch), lr=float(rate), updates=10**9)
        run = Run(config, words=words, sampling=Sampling("dpmpp_2m", 12, 1.5))
        begin = time.monotonic()
        if run.device.type == "cuda":
            run.compile()
        updates = run.advance(images, contexts)
        for _ in range(10):
            next(updates).loss.item()
        ready = time.monotonic()
        make.fit(run, updates, ready + options.seconds)
        for progress in updates:
            last = progress
        last.loss.item()
        seconds = time.monotonic() - ready
        memory = torch.cuda.max_memory_allocated() / 2**30 if run.device.type == "cuda" else 0
        speed = f"{run.step:,} updates in {seconds:.0f} s, {run.step * config.batch / seconds:,.0f} images/s"
        print(f"{recipe}: ready in {ready - begin:.0f} s, {speed}, loss {run.losses[-1]:.4f}, {memory:.1f} GiB", flush=True)
        for guidance in (1.0, 1.5):
            print(f"  guidance {guidance}: {score(run, judge, sampler='dpmpp_2m', steps=12, guidance=guidance)}", flush=True)
        if options.out:
            run.export(options.out / f"width_{width}_{batch}_{rate}.pt")
    if options.few:
        teacher, schedule = run.ema.model, run.schedule
        config = replace(make.config_of("few_steps", make.FEW_STEPS), n_feat=teacher.n_feat)
        few = Run(config, words=words, sampling=Sampling("ddim", 4, 1.0))
        few.start_from(teacher)
        if few.device.type == "cuda":
            few.compile()
        begin = time.monotonic()
        updates = distil(few, teacher, schedule, images, contexts, 1.5, make.GRIDS)
        for _ in range(10):
            next(updates).loss.item()
        ready = time.monotonic()
        make.fit(few, updates, ready + options.few)
        for _ in updates:
            pass
        print(
            f"few steps: ready in {ready - begin:.0f} s, {few.step:,} updates of {config.batch} in {options.few:.0f} s",
            flush=True,
        )
        for steps in (1, 2, 4):
            print(f"  {steps}: {score(few, judge, sampler='ddim', steps=steps)}", flush=True)


if __name__ == "__main__":
    main()
