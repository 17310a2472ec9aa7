"""Make golden.npz: what diffusers computes for some schedules and steps. Run once, with diffusers installed beside torch:

    python tests/golden/make.py

Index i of diffusers' tables is our time t = i + 1. Float32 there, so the tests compare to 1e-3 or 1e-4.
"""

from pathlib import Path

import diffusers
import numpy as np
import torch
from diffusers import DDIMScheduler, DDPMScheduler

T, BETAS = 500, {"num_train_timesteps": 500, "beta_start": 1e-4, "beta_end": 0.02}
g = torch.Generator().manual_seed(0)
x_t, output, z = (torch.randn(2, 3, 4, 4, generator=g) for _ in range(3))
out = {"x_t": x_t, "output": output, "z": z}


def fixed_noise(*args, **kwargs):
    """Stands in for diffusers' own draw, so that both sides add the same noise."""
    return z


for name, kind in (("linear", "linear"), ("quadratic", "scaled_linear"), ("cosine", "squaredcos_cap_v2")):
    scheduler = DDPMScheduler(**BETAS, beta_schedule=kind)
    out[f"alpha_bar_{name}"] = scheduler.alphas_cumprod.double()

for prediction, word in (("eps", "epsilon"), ("v", "v_prediction"), ("x0", "sample")):
    common = BETAS | {"prediction_type": word, "clip_sample": True}
    diffusers.schedulers.scheduling_ddpm.randn_tensor = fixed_noise
    ddpm = DDPMScheduler(**common, variance_type="fixed_large")
    for t in (500, 250, 2, 1):
        out[f"ddpm_{prediction}_{t}"] = ddpm.step(output, t - 1, x_t).prev_sample
    ddim = DDIMScheduler(**common, set_alpha_to_one=True)
    ddim.set_timesteps(25)  # times 480, 460, ... 0: our t = 481, 461, ... 1
    for t in (481, 241, 21):
        for eta in (0.0, 0.5, 1.0):
            step = ddim.step(output, t - 1, x_t, eta=eta, variance_noise=z, use_clipped_model_output=True)
            out[f"ddim_{prediction}_{t}_{t - 20}_{eta}"] = step.prev_sample

np.savez_compressed(Path(__file__).with_name("golden.npz"), **{k: v.numpy() for k, v in out.items()})
print(diffusers.__version__, len(out), "arrays")
