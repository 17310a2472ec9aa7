"""Small worlds in which the right answer of a sampler is known exactly: the tests' ground truth."""

import torch
from torch import Tensor, nn


def betas(alpha_bar: Tensor) -> Tensor:
    """(T + 1,): the variance of the noise added from t - 1 to t; 0 at t = 0."""
    return torch.cat([torch.zeros(1, dtype=torch.float64), 1 - alpha_bar[1:] / alpha_bar[:-1]])


def lively(model: nn.Module) -> nn.Module:
    """A new ContextUnet in eval mode with weights such that time and context change the answer by about as much as the picture
    does: with weights as they begin a test could not tell one context from another."""
    g = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for name, p in model.named_parameters():
            strength = 1.0 if p.ndim == 1 else 1.5 / p[0].numel() ** 0.5
            p.copy_(strength * torch.randn(p.shape, generator=g) + ("1.weight" in name and p.ndim == 1))
        for name, part in model.named_children():
            if "embed" in name:
                for p in part.parameters():
                    p.mul_(2)
        model.train()
        for _ in range(30):  # BatchNorm's statistics
            size = 16, model.in_channels, model.height, model.height
            c = torch.rand(16, model.n_cfeat, generator=g).round()
            model(torch.randn(size, generator=g), torch.rand(16, generator=g), c)
    return model.eval()


class World(nn.Module):
    """A stand-in for the network: answers with what a perfect denoiser would answer, and writes down the times it saw."""

    def __init__(self, schedule, prediction="eps", height=2, n_cfeat=5):
        super().__init__()
        self.schedule, self.prediction = schedule, prediction
        self.in_channels, self.height, self.n_cfeat = 1, height, n_cfeat
        self.seen = []
        self.eval()

    def x0(self, x: Tensor, t: int) -> Tensor:
        """E[x0 | x_t = x]."""
        raise NotImplementedError

    def forward(self, x, t, c=None):
        assert (t == t[0]).all()
        step = round(t[0].item() * self.schedule.T)
        self.seen.append(step)
        ab = self.schedule.alpha_bar[step].to(x.dtype)
        x0 = self.x0(x, step)
        eps = (x - ab.sqrt() * x0) / (1 - ab).sqrt()
        return {"x0": x0, "eps": eps, "v": ab.sqrt() * eps - (1 - ab).sqrt() * x0}[self.prediction]


class OneImage(World):
    """All data are this one image."""

    def __init__(self, schedule, image, prediction="eps"):
        super().__init__(schedule, prediction, height=image.shape[-1])
        self.image = image
        self.in_channels = image.shape[0]

    def x0(self, x, t):
        return self.image.to(x).expand_as(x)


class Gaussian(World):
    """Each pixel of the data is N(mean, std^2), independently; the best denoiser is linear."""

    def __init__(self, schedule, mean=0.0, std=1.0, prediction="eps"):
        super().__init__(schedule, prediction)
        self.mean, self.std = mean, std

    def x0(self, x, t):
        ab = self.schedule.alpha_bar[t].to(x.dtype)
        gain = ab.sqrt() * self.std**2 / (ab * self.std**2 + 1 - ab)
        return self.mean + gain * (x - ab.sqrt() * self.mean)

    def flow(self, x_T: Tensor) -> Tensor:
        """Where the exact probability flow (Song et al. 2021, score SDE, eq. 13) takes x_T: z-scores are kept."""
        ab = self.schedule.alpha_bar[-1]
        spread = (ab * self.std**2 + 1 - ab).sqrt()
        return self.mean + self.std * (x_T - ab.sqrt() * self.mean) / spread
