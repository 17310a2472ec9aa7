"""SceneUnet: a ContextUnet of three levels with attention, for scenes of 64×64 pixels with many labels.

    x (B, 3, 64, 64) -> stem (96, 16, 16) -> level 1 (96, 8, 8) -> level 2 (96, 4, 4) -> level 3 -> middle
      out (3, 64, 64) <- level 1 (96, 16, 16) <- level 2 (96, 8, 8) <---------------- level 3 <----'

The stem folds each square of 4×4 pixels into the 48 channels of one point, so that all further work is done at 16×16: about
the cost of the sprite network. Time and labels are one vector that scales and shifts the channels of every block; attention at
every level tells the objects of each other, and keeps where they are.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .attention_unet import Attention, Down, Level, ResnetBlock, TimeWaves, Up

LEVELS = 3
PATCH = 4  # pixels of a side that the stem folds into one point


class SceneUnet(nn.Module):
    """A U-Net for scenes, told by a vector of labels.

    in_channels: 3 for RGB. n_feat: channels of the first level, a multiple of 4. n_cfeat: the number of labels. height: of the
    square pictures, a multiple of 16. prediction: what the answer means, "eps", "v" or "x0".
    """

    def __init__(self, in_channels: int = 3, n_feat: int = 96, n_cfeat: int = 24, height: int = 64, prediction: str = "v"):
        super().__init__()
        self.in_channels, self.n_feat, self.n_cfeat, self.height = in_channels, n_feat, n_cfeat, height
        self.prediction = prediction
        folded, emb = in_channels * PATCH**2, 2 * n_feat
        self.time = nn.Sequential(TimeWaves(n_feat), nn.Linear(n_feat, emb), nn.GELU(), nn.Linear(emb, emb))
        self.context = nn.Sequential(nn.Linear(n_cfeat, emb), nn.GELU(), nn.Linear(emb, emb))
        self.stem = nn.Conv2d(folded, n_feat, 3, padding=1)
        self.downs, self.ups = nn.ModuleList(), nn.ModuleList()
        for level in range(LEVELS):
            last, first = level == LEVELS - 1, level == 0
            down, up = Down(n_feat, n_feat), Up(n_feat, n_feat)
            self.downs.append(Level(n_feat, 0, emb, Attention(n_feat), nn.Identity() if last else down))
            self.ups.insert(0, Level(n_feat, n_feat, emb, Attention(n_feat), nn.Identity() if first else up))
        self.middle = ResnetBlock(n_feat, n_feat, emb)
        self.last = ResnetBlock(2 * n_feat, n_feat, emb)
        self.out = nn.Conv2d(n_feat, folded, 3, padding=1)

    @property
    def settings(self) -> dict:
        """The arguments that make a network like this one: what a file of weights says of it."""
        return {name: getattr(self, name) for name in ("in_channels", "n_feat", "n_cfeat", "height", "prediction")}

    def forward(self, x: Tensor, t: Tensor, c: Tensor | None = None) -> Tensor:
        """x: (B, in_channels, height, height). t: (B,) times divided by T, in 0..1. c: (B, n_cfeat), or None for the
        null context, zeros. Returns the prediction, shaped like x."""
        if c is None:
            c = x.new_zeros(x.shape[0], self.n_cfeat)
        emb = self.time(t) + self.context(c)
        x = first = self.stem(F.pixel_unshuffle(x, PATCH))
        kept = []
        for level in self.downs:
            x = level.down(x, emb, kept)
        x = self.middle(x, emb)
        for level in self.ups:
            x = level.up(x, emb, kept)
        return F.pixel_shuffle(self.out(self.last(torch.cat((x, first), dim=1), emb)), PATCH)
