"""What each part of the training recipe is worth: L2's recipe without one part, and the short course's with one part of ours.

    python tests/benchmarks/ablation.py --out FOLDER [--seconds 40] [--seeds 2]

Each line is whole runs of about the same number of seconds, on the cores that this process may use, so that what makes an
update dearer pays for it. Their number of updates is estimated from the first 20; the table says how long they really took.
The quality is that of compare.py. Prints a table and writes ablation.json.
"""

import argparse
import json
import statistics
import time
from dataclasses import replace
from pathlib import Path

import torch
from compare import CPU, OURS, quality
from torch import Tensor

from diffusion_lab import Run, TrainConfig, load_sprites, to_tensors
from diffusion_lab.metrics import Judge
from diffusion_lab.steps import at, perturb, target
from diffusion_lab.training import train_step

COURSE = TrainConfig(
    batch=100, lr=1e-3, warmup=0, weight_decay=0.0, ema=0.0, context_dropout=0.1, prediction="eps", schedule="linear"
)
GAMMA = 5.0  # of the min-SNR weights (Hang et al. 2023)


class Trial(Run):
    """A run with what `Run` does not offer. adam: instead of Muon. constant: the learning rate never falls after the warm-up.

    stratified: one time from each of B equal parts of 1..T. min_snr: errors weighted by min(SNR, 5), as errors of x0.
    """

    def __init__(self, config: TrainConfig, adam=False, constant=False, stratified=False, min_snr=False):
        super().__init__(config, CPU)
        self.constant, self.stratified, self.min_snr = constant, stratified, min_snr
        if adam:
            self.optimizer = torch.optim.AdamW(self.model.parameters(), config.lr, weight_decay=config.weight_decay)

    def _learn(self, x0: Tensor, c: Tensor, t: Tensor, eps: Tensor) -> Tensor:
        """One update, as `Run` makes it in fp32 and one process; the loss."""
        config, alpha_bar = self.config, self.schedule.alpha_bar
        if self.stratified:
            parts = (torch.arange(len(t)) + torch.rand(len(t), generator=self.generator)) / len(t)
            t = 1 + (parts * config.T).long().clamp(max=config.T - 1)
        x_t = perturb(x0, t, eps, alpha_bar)
        answer = self.model.train()(x_t, (t / config.T).to(x_t), c)
        error = (answer - target(config.prediction, x0, t, eps, alpha_bar)).square()
        if self.min_snr:
            signal = at(alpha_bar, t, x0)
            snr = signal / (1 - signal)
            as_x0 = {"x0": 1.0, "v": 1 / (snr + 1), "eps": 1 / snr}[config.prediction]  # from this error to that of x0
            error = snr.clamp(max=GAMMA) * as_x0 * error
        if self.constant and self.step > config.warmup:
            self.lr.fill_(config.lr)
        loss = error.mean()
        train_step(loss, self.optimizer, self.lr)
        self.ema.move(self.model)
        return loss.detach()


def lines() -> dict[str, tuple[TrainConfig, dict]]:
    """Name of the line -> configuration and what `Trial` takes besides."""
    simple = {"adam": True, "constant": True}
    return {
        "ours (as L2 trained live, on all kinds)": (OURS, {}),
        "ours, AdamW 1e-3 for Muon": (replace(OURS, lr=1e-3), {"adam": True}),
        "ours, AdamW 4e-3 for Muon": (replace(OURS, lr=4e-3), {"adam": True}),
        "ours, v for x0": (replace(OURS, prediction="v"), {}),
        "ours, eps for x0": (replace(OURS, prediction="eps"), {}),
        "ours, linear for cosine": (replace(OURS, schedule="linear"), {}),
        "ours, no average": (replace(OURS, ema=0.0), {}),
        "ours, constant learning rate": (OURS, {"constant": True}),
        "ours, width 64 for 32": (replace(OURS, n_feat=64), {}),
        "ours, batch 100 for 32": (replace(OURS, batch=100), {}),
        "ours + stratified times": (OURS, {"stratified": True}),
        "ours + min-SNR weights": (OURS, {"min_snr": True}),
        "course": (COURSE, simple),
        "course + Muon 2e-2": (replace(COURSE, lr=2e-2), {"constant": True}),
        "course + v": (replace(COURSE, prediction="v"), simple),
        "course + x0": (replace(COURSE, prediction="x0"), simple),
        "course + cosine": (replace(COURSE, schedule="cosine"), simple),
        "course + average": (replace(COURSE, ema=OURS.ema), simple),
        "course + falling learning rate": (COURSE, {"adam": True}),
        "course + width 32": (replace(COURSE, n_feat=32), simple),
        "course + batch 32": (replace(COURSE, batch=32), simple),
        "course + min-SNR weights": (COURSE, simple | {"min_snr": True}),
    }


def trial(judge: Judge, seconds: float, config: TrainConfig, parts: dict) -> dict:
    """One run of about so many seconds; their number of updates comes from a measurement of 20."""
    images, contexts = to_tensors(load_sprites())
    times = []
    for _ in Trial(replace(config, updates=24), **parts).advance(images, contexts):
        times.append(time.perf_counter())
    updates = round(seconds / ((times[-1] - times[3]) / 20))
    run = Trial(replace(config, updates=max(20, updates)), **parts)
    begin = time.perf_counter()
    for _ in run.advance(images, contexts):
        pass
    found = {"seconds": time.perf_counter() - begin, "images": run.step * config.batch}
    try:
        return found | quality(judge, run.ema.model, run.schedule)
    except ValueError as error:  # the network answers nan: the training diverged
        return found | {"ratio": 999.0, "agreement": 0.0, "error": str(error)}


def main():
    """See the top of this file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seconds", type=float, default=40)
    parser.add_argument("--seeds", type=int, default=2)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    judge, found = Judge(320), {}
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads; {options.seconds:.0f} s a run", flush=True)
    print(f"{'':32} {'seconds':>8} {'sprites':>8} {'ratio':>7}  of each seed      agreement", flush=True)
    for name, (config, parts) in lines().items():
        runs = [trial(judge, options.seconds, replace(config, seed=seed), parts) for seed in range(options.seeds)]
        found[name] = runs
        ratios = [run["ratio"] for run in runs]
        spent, seen = statistics.mean(run["seconds"] for run in runs), statistics.mean(run["images"] for run in runs)
        agreement = statistics.mean(run["agreement"] for run in runs)
        each = ", ".join(f"{ratio:.1f}" for ratio in ratios)
        print(f"{name:32} {spent:8.0f} {seen:8,.0f} {statistics.mean(ratios):7.2f}  {each:16}  {agreement:.2f}", flush=True)
        (options.out / "ablation.json").write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
