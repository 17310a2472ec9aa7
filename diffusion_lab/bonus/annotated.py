"""The functions of the annotated DDPM under the names that they have there: thin views of the package's own.

    pictures = p_sample_loop(model, schedule, x, context, generator)      # from the noise x down to t = 0, all T steps
    images = sample(model, schedule, 10, torch.eye(10), generator)        # (10, 1, 28, 28)

Time, schedules and equations are those of `schedules` and `steps`; `sample` is `sample_ddim` with eta = 1 and T steps.
"""

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms

from ..samplers import believe
from ..schedules import Schedule
from ..sprites import to_uint8
from ..steps import clip_x0, ddim_step, perturb, target

LOSSES = {"l2": F.mse_loss, "l1": F.l1_loss, "huber": F.smooth_l1_loss}

to_tensor = transforms.Compose([transforms.ToTensor(), transforms.Lambda(lambda x: 2 * x - 1)])  # 0..255 to [0, 1] to [-1, 1]


def to_picture(x: Tensor) -> Image.Image:
    """A tensor (1 or 3, H, W) in [-1, 1] as a picture. What lies outside is clipped before it becomes a byte."""
    levels = ((x + 1) * 127.5).clamp(0, 255).round().byte().movedim(0, -1)
    return Image.fromarray(levels.squeeze(-1).numpy())


def fold(x: Tensor) -> Tensor:
    """Pictures (B, 1, 28, 28) as (B, 4, 16, 16): a black frame of two pixels, then each 2×2 square is one pixel of four
    numbers. No number changes, but a network has a third of the places to look at."""
    return F.pixel_unshuffle(F.pad(x, (2, 2, 2, 2), value=-1.0), 2)


def unfold(x: Tensor) -> Tensor:
    """(B, 4, 16, 16) as pictures (B, 1, 28, 28): `fold` undone, the frame cut off."""
    return F.pixel_shuffle(x, 2)[..., 2:-2, 2:-2]


class Garments(Dataset):
    """Pictures with their contexts, each drawn by chance as it is or as in a mirror.

    images: (N, 1, 28, 28) in [-1, 1]. labels: (N,) whole numbers below `names`. An item is a tensor (1, 28, 28) and its
    one-hot context (names,).
    """

    def __init__(self, images: Tensor, labels: Tensor, names: int = 10):
        self.pictures = [Image.fromarray(levels) for levels in to_uint8(images)[..., 0]]
        self.contexts = F.one_hot(labels, names).float()
        self.transform = transforms.Compose([transforms.RandomHorizontalFlip(), to_tensor])

    def __len__(self) -> int:
        return len(self.pictures)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        return self.transform(self.pictures[index]), self.contexts[index]


def endless(loader: DataLoader) -> Iterator[tuple[int, list[Tensor]]]:
    """Numbered batches for ever: the number goes on from 1 over all passes, so "every 1,000" means what it says."""
    step = 0
    while True:
        for batch in loader:
            step += 1
            yield step, batch


def p_losses(model: nn.Module, x0: Tensor, c: Tensor, t: Tensor, eps: Tensor, schedule: Schedule, kind: str = "l2") -> Tensor:
    """The loss of a batch: "l2", "l1" or "huber" of the network's answer. Arguments as `training.diffusion_loss`.

    KeyError for another kind.
    """
    x_t = perturb(x0, t, eps, schedule.alpha_bar)
    wanted = target(model.prediction, x0, t, eps, schedule.alpha_bar)
    return LOSSES[kind](model(x_t, (t / schedule.T).to(x_t), c), wanted)


@torch.no_grad()
def p_sample(model: nn.Module, schedule: Schedule, x: Tensor, t: int, context: Tensor | None, z: Tensor) -> Tensor:
    """One step from t to t - 1 with the posterior's variance (Ho et al. 2020, eq. 7). x, z: (B, C, H, W)."""
    x0, _ = believe(model, schedule, x, t, context)
    x0, eps = clip_x0(x0, x, t, schedule.alpha_bar)
    return ddim_step(x0, eps, t, t - 1, schedule.alpha_bar, 1.0, z)


def p_sample_loop(
    model: nn.Module, schedule: Schedule, x: Tensor, context: Tensor | None, generator: torch.Generator
) -> list[Tensor]:
    """All T steps from the noise x (B, C, H, W): the T + 1 pictures, noise first."""
    pictures = [x]
    for t in range(schedule.T, 0, -1):
        z = torch.randn(x.shape, generator=generator) if t > 1 else torch.zeros_like(x)
        pictures.append(p_sample(model, schedule, pictures[-1], t, context, z))
    return pictures


def sample(model: nn.Module, schedule: Schedule, n: int, context: Tensor | None, generator: torch.Generator) -> Tensor:
    """n new pictures (n, C, H, W). context: (n, V), or None."""
    x = torch.randn(n, model.in_channels, model.height, model.height, generator=generator)
    return p_sample_loop(model, schedule, x, context, generator)[-1]
