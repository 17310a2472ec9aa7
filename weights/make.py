"""Train the networks in this folder, and make what their cards show.

    python weights/make.py            train each network (going on from its checkpoint, if there is one), then the rest
    python weights/make.py --cards    only the rest: weights.json (checksums) and the pictures of the cards

Nothing is picked: every grid is the first sprites of seed 0.
"""

import argparse
import hashlib
import json
import subprocess
import sys
from pathlib import Path

import torch

from diffusion_lab import CLASSES, collect, load_model, sample_ddim, sample_ddpm
from diffusion_lab.training import write_safely
from diffusion_lab.viz import ACCENT, INK, figure, gif, grid, png

HERE = Path(__file__).parent
RECIPES = {"context_unet.pt": ["--film-every", "400", "--checkpoint-every", "400"]}  # all else is TrainConfig's default


def train(name: str, options: list[str]):
    """Run the command that the card names."""
    resume = ["--resume"] if Path(f"{HERE / name}.ckpt").exists() else []
    subprocess.run([sys.executable, "-m", "diffusion_lab", "train", "--out", str(HERE / name), *options, *resume], check=True)


def card(name: str):
    """The pictures: the loss, grids by DDPM-500 and DDIM-25 with and without class, and the film of a sampling."""
    model, schedule = load_model(HERE / name)
    stem = name.removesuffix(".pt")
    classes = torch.eye(len(CLASSES)).repeat_interleave(8, 0)

    def seed():
        return torch.Generator().manual_seed(0)

    pictures = {
        "ddpm_500": grid(collect(sample_ddpm(model, schedule, 40, classes, generator=seed()), every=500).images),
        "ddim_25": grid(collect(sample_ddim(model, schedule, 40, classes, generator=seed())).images),
        "ddim_25_guidance_2": grid(collect(sample_ddim(model, schedule, 40, classes, 2.0, seed())).images),
        "ddim_25_no_class": grid(collect(sample_ddim(model, schedule, 40, generator=seed())).images),
    }
    for what, picture in pictures.items():
        write_safely(HERE / f"{stem}_{what}.png", lambda file, picture=picture: file.write(png(picture)))

    losses = torch.load(HERE / name, weights_only=True)["losses"]
    fig, axis = figure(7, 2.6)
    steps = [50 * (i + 1) for i in range(len(losses))]
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
    parser.add_argument("--cards", action="store_true")
    options = parser.parse_args()
    sums = {}
    for name, recipe in RECIPES.items():
        if not options.cards:
            train(name, recipe)
        card(name)
        sums[name] = {"sha256": hashlib.sha256((HERE / name).read_bytes()).hexdigest()}
    write_safely(HERE / "weights.json", lambda file: file.write((json.dumps(sums, indent=1) + "\n").encode()))


if __name__ == "__main__":
    main()
