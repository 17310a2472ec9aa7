"""How fast: training steps, sampling, GIFs. One command, a table, no file:

    python tests/benchmarks/speed.py [--quick]

Variants are measured in turns, round after round, after a warm-up, so that a noisy neighbour disturbs all of them alike.
The table gives medians, and ratios to the first variant of a group. --quick leaves out the 500-step sampling.
"""

import argparse
import statistics
import time
from dataclasses import replace

import torch

from diffusion_lab import Run, TrainConfig, collect, load_model, load_sprites, sample_ddim, sample_ddpm, to_tensors
from diffusion_lab.devices import best_device, gains_from_bf16
from diffusion_lab.viz import gif

BATCH = 64


def in_turns(variants: dict, rounds: int, warmup: int = 1) -> dict:
    """Median seconds of each variant, a function without arguments."""
    times = {name: [] for name in variants}
    for i in range(rounds + warmup):
        for name, work in variants.items():
            begin = time.perf_counter()
            work()
            if i >= warmup:
                times[name].append(time.perf_counter() - begin)
    return {name: statistics.median(values) for name, values in times.items()}


def training_variants() -> dict:
    """One update of 64 sprites, in four ways."""
    images, contexts = to_tensors(load_sprites())
    variants = {}
    for precision in ("fp32", "bf16"):
        for layout, memory_format in (("contiguous", torch.contiguous_format), ("channels_last", torch.channels_last)):
            run = Run(replace(TrainConfig(), precision=precision), torch.device("cpu"))
            run.model.to(memory_format=memory_format)
            updates = run.advance(images, contexts)
            variants[f"{precision}, {layout}"] = lambda updates=updates: next(updates)
    return variants


def main():
    """See the top of this file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    device = best_device()
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads; bf16 pays on {device}: {gains_from_bf16(device)}")

    medians = in_turns(training_variants(), rounds=7, warmup=2)
    slowest = next(iter(medians.values()))
    for name, seconds in medians.items():
        print(f"train  {name:22} {BATCH / seconds:7.0f} images/s   {slowest / seconds:5.2f} times the first")

    model, schedule = load_model()
    seconds = in_turns({"ddim": lambda: collect(sample_ddim(model, schedule, 32, steps=25))}, rounds=3)["ddim"]
    print(f"sample 32 sprites, DDIM-25    {seconds:6.2f} s")
    if not options.quick:
        seconds = in_turns({"ddpm": lambda: collect(sample_ddpm(model, schedule, 32), every=500)}, rounds=1, warmup=0)["ddpm"]
        print(f"sample 32 sprites, DDPM-500   {seconds:6.2f} s")

    frames = collect(sample_ddim(model, schedule, 32, steps=31)).frames
    seconds = in_turns({"gif": lambda: gif(frames)}, rounds=5)["gif"]
    print(f"GIF of {len(frames)} frames of 32 sprites at 4x  {seconds:6.3f} s")


if __name__ == "__main__":
    main()
