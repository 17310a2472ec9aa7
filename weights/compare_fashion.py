"""Train small networks that differ in one thing only, and judge them: figures and pictures of B3.

    OMP_NUM_THREADS=1 python weights/compare_fashion.py FOLDER [--updates 300]

One with each loss, and one with the mistake of standardisation that multiplies by the root. FOLDER holds the whole
Fashion-MNIST, for the judge; the networks learn from the 2,000 pictures that come with the package, all with the same first
weights, batches, times and noises. Two seeds of each: what they differ in is chance. Muon's steps do not depend on the size
of a loss (muon.py), so one learning rate serves all. It writes fashion_compared.json, and fashion_compared.png: a row of
ten samples of each, the first of seed 0, one for each garment, without gaps.
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np
import torch
from make_fashion import GARMENTS, Judge, N
from PIL import Image
from torch import Tensor, nn
from torch.utils.data import DataLoader

from diffusion_lab import Run, TrainConfig, collect, sample_dpmpp_2m
from diffusion_lab.bonus import attention_unet
from diffusion_lab.bonus.annotated import LOSSES, Garments, endless, fold, p_losses, unfold
from diffusion_lab.bonus.fashion import load_fashion
from diffusion_lab.files import write_safely
from diffusion_lab.metrics import load_classifier
from diffusion_lab.sprites import to_uint8
from diffusion_lab.training import train_step
from diffusion_lab.viz import png
from diffusion_lab.weights import Sampling

HERE = Path(__file__).parent
SEEDS, STEPS = (0, 1), 10
MISTAKE = "times the root"  # with the loss l2
RIGHT = attention_unet.standardize


def times_root(weight: Tensor, eps: float = 1e-5) -> Tensor:
    """Filters (out, in, h, w), minus their mean and multiplied by their standard deviation: the mistake."""
    variance, mean = torch.var_mean(weight, (1, 2, 3), correction=0, keepdim=True)
    return (weight - mean) * (variance + eps).sqrt()


def train(kind: str, seed: int, updates: int) -> Run:
    """A small network after so many updates. kind: of the loss, or MISTAKE."""
    config = TrainConfig(updates=updates, batch=32, lr=0.02, warmup=30, ema=0.98, prediction="x0", schedule="cosine", T=300)
    torch.manual_seed(seed)
    network = attention_unet.AttentionUnet(in_channels=4, n_feat=16, height=16, prediction="x0")
    for wide in (network.downs[0], network.ups[-1]):  # as B3's live network
        wide.attention = nn.Identity()
    run = Run(config, "cpu", words=GARMENTS, sampling=Sampling("dpmpp_2m", STEPS, 1.0), network=network)
    draws = torch.Generator().manual_seed(seed)
    loader = DataLoader(Garments(*load_fashion("train")), config.batch, shuffle=True, drop_last=True, generator=draws)
    loss_of = "l2" if kind == MISTAKE else kind

    def work() -> Tensor:
        loss = p_losses(run.model.train(), fold(x0), c, t, eps, run.schedule, loss_of)
        train_step(loss, run.optimizer, run.lr)
        run.ema.move(run.model)
        return loss.detach()

    for number, (x0, c) in endless(loader):
        t = torch.randint(1, config.T + 1, (len(x0),), generator=draws)
        c = c * (torch.rand(len(c), 1, generator=draws) >= config.context_dropout)
        eps = torch.randn(fold(x0).shape, generator=draws)
        run.after(work)
        if number == updates:
            return run


def draw(run: Run) -> Tensor:
    """(N, 1, 28, 28), ten garments in turn, without guidance; the same noise for all."""
    generator, images = torch.Generator().manual_seed(0), []
    for part in (torch.arange(N) % len(GARMENTS)).split(250):
        context = torch.eye(len(GARMENTS))[part]
        walk = sample_dpmpp_2m(run.ema.model.eval(), run.schedule, len(part), context, 1.0, generator, steps=STEPS)
        images.append(unfold(collect(walk, every=STEPS).images))
    return torch.cat(images).clamp(-1, 1)


def main():
    """See the top of this file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--updates", type=int, default=300)
    options = parser.parse_args()
    judge, asked = Judge(load_classifier("fashion_classifier"), options.folder), torch.arange(N) % len(GARMENTS)
    lines, rows = [], []
    for seed in SEEDS:
        for kind in (*LOSSES, MISTAKE):
            begin = time.process_time()
            attention_unet.standardize = times_root if kind == MISTAKE else RIGHT
            images = draw(train(kind, seed, options.updates))
            if seed == SEEDS[0]:
                rows.append(np.concatenate(to_uint8(images[: len(GARMENTS)])[..., 0], axis=1))
            seconds = time.process_time() - begin
            line = {"kind": kind, "seed": seed, "cpu_seconds": round(seconds)} | judge.scores(images, asked)
            print({name: round(value, 3) if isinstance(value, float) else value for name, value in line.items()}, flush=True)
            lines.append(line)
    found = {"n": N, "updates": options.updates, "steps": STEPS, "real": judge.real, "samples": lines}
    write_safely(HERE / "fashion_compared.json", lambda file: file.write(f"{json.dumps(found, indent=1)}\n".encode()))
    write_safely(HERE / "fashion_compared.png", lambda file: file.write(png(Image.fromarray(np.concatenate(rows)))))


if __name__ == "__main__":
    main()
