"""What B3's live minute gives: ways to train its small network, each for the same processor time of one thread.

    OMP_NUM_THREADS=1 python tests/benchmarks/live_minute.py [--seconds 90] [WAY ...]

Processor time, for the machine may be busy. 90 s of one thread are about what two quiet cores do in a minute. 500 samples are
named by the classifier of garments, without guidance and with guidance 2.
"""

import argparse
import time
from dataclasses import replace

import torch
from torch import nn
from torch.utils.data import DataLoader

from diffusion_lab import Run, TrainConfig, collect, sample_dpmpp_2m
from diffusion_lab.bonus.annotated import Garments, endless, fold, unfold
from diffusion_lab.bonus.attention_unet import AttentionUnet
from diffusion_lab.bonus.fashion import GARMENTS, load_fashion
from diffusion_lab.metrics import load_classifier
from diffusion_lab.weights import Sampling

NOTEBOOK = TrainConfig(batch=32, lr=0.02, warmup=30, ema=0.98, context_dropout=0.1, prediction="x0", schedule="cosine", T=300)
WAYS = {  # settings, the width of the network, folded
    "28x28": (NOTEBOOK, 16, False),  # without attention at the widest level
    "folded": (NOTEBOOK, 16, True),
    "folded, v": (replace(NOTEBOOK, prediction="v"), 16, True),
    "folded, lr 0.04": (replace(NOTEBOOK, lr=0.04), 16, True),
    "folded, width 24": (NOTEBOOK, 24, True),
}
N = 500


def network_for(config: TrainConfig, width: int, folded: bool) -> AttentionUnet:
    """The network of a way, with the first weights of seed 0."""
    torch.manual_seed(0)
    if folded:
        network = AttentionUnet(in_channels=4, n_feat=width, height=16, prediction=config.prediction)
    else:
        network = AttentionUnet(n_feat=width, prediction=config.prediction)
    for wide in (network.downs[0], network.ups[-1]):
        wide.attention = nn.Identity()
    return network


def train(config: TrainConfig, width: int, folded: bool, seconds: float) -> Run:
    """The run after so many seconds of processor time; the learning rate follows the clock, as in the notebook."""
    run = Run(config, "cpu", words=GARMENTS, sampling=Sampling("dpmpp_2m", 8, 1.0), network=network_for(config, width, folded))
    draws, order = (torch.Generator().manual_seed(0) for _ in range(2))
    loader = DataLoader(Garments(*load_fashion("train")), config.batch, shuffle=True, drop_last=True, generator=order)
    begin = time.process_time()
    for number, (x0, c) in endless(loader):
        x0 = fold(x0) if folded else x0
        t = torch.randint(1, config.T + 1, (len(x0),), generator=draws)
        c = c * (torch.rand(len(c), 1, generator=draws) >= config.context_dropout)
        run.learn(x0, c, t, torch.randn(x0.shape, generator=draws))
        done = min(1.0, (time.process_time() - begin) / seconds)
        run.config = replace(run.config, updates=max(number + 1, round(number / done)))
        if done == 1:
            return run


@torch.no_grad()
def named_as_asked(run: Run, guidance: float, folded: bool) -> float:
    """The share of N samples that the classifier calls what was asked for; 2M in 8 steps."""
    judge, generator, right = load_classifier("fashion_classifier"), torch.Generator().manual_seed(1), 0
    for part in (torch.arange(N) % len(GARMENTS)).split(100):
        context = torch.eye(len(GARMENTS))[part]
        walk = sample_dpmpp_2m(run.ema.model.eval(), run.schedule, len(part), context, guidance, generator, steps=8)
        images = collect(walk, every=8).images
        images = unfold(images) if folded else images
        right += (judge(images.clamp(-1, 1)).argmax(dim=1) == part).sum().item()
    return right / N


def main():
    """See the top of this file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("ways", nargs="*", metavar="WAY", help=", ".join(WAYS))
    parser.add_argument("--seconds", type=float, default=90)
    options = parser.parse_args()
    torch.set_num_threads(1)
    for name in options.ways or WAYS:
        config, width, folded = WAYS[name]
        run = train(config, width, folded, options.seconds)
        shares = [named_as_asked(run, guidance, folded) for guidance in (1.0, 2.0)]
        print(f"{name:18} {run.step:5} updates; named as asked: {shares[0]:.3f}, with guidance 2 {shares[1]:.3f}", flush=True)


if __name__ == "__main__":
    main()
