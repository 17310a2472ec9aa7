"""The perfect network of a finite set: what one would believe who knows all its pictures by heart, and nothing else.

model = Exact(images, schedule)                                  # for the samplers, as a trained network
collect(sample_ddim(model, schedule, 16, steps=50)).images       # pictures of the set, and no others
"""

import torch
from torch import Tensor, nn

from ..schedules import Schedule

AT_ONCE = 64  # noisy pictures that are compared with the whole set at once: more only want more memory


def weights(x_t: Tensor, data: Tensor, alpha_bar: Tensor) -> Tensor:
    """(B, N): how probable it is that picture n of the set stands behind x_t, all N being equally frequent.

    By Bayes a softmax over the set of -|x_t - sqrt(alpha_bar) x_n|^2 / (2 (1 - alpha_bar)). In numbers the exponents reach
    thousands, where exp is 0; the softmax takes away the largest first, so that no 0 / 0 comes out.
    x_t: (B, ...), data: (N, ...), of one shape behind the first. alpha_bar: (B,), one for each x_t, in (0, 1).
    """
    x, m = x_t.flatten(1).double(), data.flatten(1).double()
    ab = alpha_bar.double()[:, None]
    far = ab * m.square().sum(1) - 2 * ab.sqrt() * (x @ m.T)  # |x_t|^2 is the same for all n: the softmax does not see it
    return (-far / (2 * (1 - ab))).softmax(1)


class Exact(nn.Module):
    """The exact denoiser of a set: the mean of its pictures, weighted as `weights` says. It learns nothing.

    Called and sampled as a network that predicts x0; a context is not heard.
    """

    def __init__(self, data: Tensor, schedule: Schedule):
        """data: (N, C, H, H). schedule: of which t / T is a time."""
        super().__init__()
        self.in_channels, self.height, self.n_cfeat, self.prediction = data.shape[1], data.shape[2], 1, "x0"
        self.data, self.alpha_bar = data.flatten(1).double(), schedule.alpha_bar
        self.eval()

    def forward(self, x: Tensor, t: Tensor, c: Tensor | None = None) -> Tensor:
        """The mean x0 at x (B, C, H, H), at the times t (B,) in (0, 1]."""
        share = self.alpha_bar[(t * (len(self.alpha_bar) - 1)).round().long()]
        parts = zip(x.split(AT_ONCE), share.split(AT_ONCE), strict=True)
        return torch.cat([weights(part, self.data, ab) @ self.data for part, ab in parts]).reshape(x.shape).to(x.dtype)
