"""What others would do with the same sprites: the short course's recipe, diffusers, denoising-diffusion-pytorch.

Each is written from its description or documentation. All get the same sprites, contexts and cores.
"""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from diffusion_lab import ContextUnet
from diffusion_lab.schedules import Schedule, linear
from diffusion_lab.sprites import Sprites
from diffusion_lab.steps import perturb


class SpriteFiles(Dataset):
    """The course's data set: uint8 arrays, each sprite transformed when it is asked for."""

    def __init__(self, sprites: Sprites):
        from torchvision import transforms

        self.images, self.contexts = sprites.images, sprites.contexts
        self.transform = transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.5,), (0.5,))])

    def __len__(self):
        return len(self.images)

    def __getitem__(self, i: int):
        return self.transform(self.images[i]), torch.tensor(self.contexts[i], dtype=torch.float32)


class Course:
    """(a) The short course: eps, linear schedule, fp32, batch 100, Adam 1e-3 falling by epoch, contexts dropped in one of ten.

    (Its mistakes are left out: the noise has its square root, the residual blocks are trained.)
    """

    name, batch, epochs, lr = "short course", 100, 32, 1e-3

    def __init__(self, sprites: Sprites):
        torch.manual_seed(0)
        self.schedule = linear()
        self.model = self.network()
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=self.lr)
        self.loader = DataLoader(SpriteFiles(sprites), batch_size=self.batch, shuffle=True)
        self.epoch, self._left = 0, iter(())

    def network(self) -> torch.nn.Module:
        """The network, called as ContextUnet."""
        return ContextUnet(prediction="eps")

    def update(self):
        """One update of the weights."""
        batch = next(self._left, None)
        if batch is None:
            self.optimizer.param_groups[0]["lr"] = self.lr * (1 - self.epoch / self.epochs)
            self.epoch, self._left = self.epoch + 1, iter(self.loader)
            batch = next(self._left)
        x0, c = batch
        c = c * torch.bernoulli(torch.full((len(c), 1), 0.9))
        t, eps = torch.randint(1, 501, (len(x0),)), torch.randn_like(x0)
        x_t = perturb(x0, t, eps, self.schedule.alpha_bar)
        self.optimizer.zero_grad()
        torch.nn.functional.mse_loss(self.model.train()(x_t, t / 500, c), eps).backward()
        self.optimizer.step()

    def trained(self) -> torch.nn.Module:
        """The network for sampling."""
        return self.model.eval()


class _Wrapped(torch.nn.Module):
    """A network of another library, called as ContextUnet: time in 0..1, the context as the number of its class, 0 for none."""

    in_channels, height, n_cfeat, prediction = 3, 16, 5, "eps"

    def __init__(self, inside: torch.nn.Module, ask: Callable[[torch.nn.Module, Tensor, Tensor, Tensor], Tensor]):
        super().__init__()
        self.inside, self.ask = inside, ask

    def forward(self, x: Tensor, t: Tensor, c: Tensor | None = None) -> Tensor:
        """As ContextUnet.forward."""
        label = torch.zeros(len(x), dtype=torch.long) if c is None else torch.where(c.any(1), c.argmax(1) + 1, 0)
        return self.ask(self.inside, x, (t * 500).round().long() - 1, label)


class Diffusers(Course):
    """(b) The same recipe with diffusers' UNet2DModel, of about as many operations (0.27 GFLOP a sprite; ours 0.30)."""

    name = "diffusers"

    def network(self) -> torch.nn.Module:
        """A small UNet2DModel without attention."""
        from diffusers import UNet2DModel

        unet = UNet2DModel(
            sample_size=16,
            block_out_channels=(48, 96, 96),
            layers_per_block=1,
            down_block_types=("DownBlock2D",) * 3,
            up_block_types=("UpBlock2D",) * 3,
            norm_num_groups=8,
            num_class_embeds=6,
            add_attention=False,
        )
        return _Wrapped(unet, lambda inside, x, t, label: inside(x, t, class_labels=label).sample)


class Lucidrains(Course):
    """(c) The same recipe with the Unet of denoising-diffusion-pytorch (0.31 GFLOP a sprite). It knows no classes."""

    name = "denoising-diffusion-pytorch"

    def network(self) -> torch.nn.Module:
        """Its Unet with its usual attention."""
        from denoising_diffusion_pytorch import Unet

        return _Wrapped(Unet(dim=40, dim_mults=(1, 2, 4)), lambda inside, x, t, label: inside(x, t))


def sample_diffusers(
    name: str, model: torch.nn.Module, schedule: Schedule, context: Tensor, steps: int, generator: torch.Generator
) -> Tensor:
    """Our network with a scheduler of diffusers, "DDPM", "DDIM" or "DPMSolverMultistep" (DPM-Solver++ 2M), as its documentation
    says. context: (n, 5). Returns (n, 3, 16, 16)."""
    import diffusers

    alpha_bar = schedule.alpha_bar
    known = {"num_train_timesteps": schedule.T, "trained_betas": (1 - alpha_bar[1:] / alpha_bar[:-1]).numpy()}
    known |= {"prediction_type": {"v": "v_prediction", "eps": "epsilon", "x0": "sample"}[model.prediction]}
    known |= {"timestep_spacing": "trailing"}  # it starts at T, as ours does
    scheduler = getattr(diffusers, f"{name}Scheduler")(**known)
    scheduler.set_timesteps(steps)
    x = torch.randn(len(context), model.in_channels, model.height, model.height, generator=generator)
    with torch.no_grad():
        for t in scheduler.timesteps:  # T - 1 to 0: theirs counts from 0
            output = model(x, torch.full((len(x),), (t.item() + 1) / schedule.T), context)
            more = {} if name != "DDPM" else {"generator": generator}
            x = scheduler.step(output, t, x, **more).prev_sample
    return x
