"""AttentionUnet: the U-Net that most diffusion models grew from, small enough to read (Ho et al. 2020, appendix B).

    x (B, 1, 28, 28) -> stem (28, 28, 28) -> level 1 (28, 14, 14) -> level 2 (56, 7, 7) -> level 3 (112, 7, 7) -> middle
                                                                                                                     |
    out (1, 28, 28) <- last block <- level 1 (28, 28, 28) <- level 2 (28, 14, 14) <- level 3 (56, 7, 7) <------------'

Beside ContextUnet it has three ideas more: the time as waves of many lengths, convolutions with standardised weights beside
GroupNorm, and attention, which lets every pixel look at every other one.
"""

import math
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

GROUPS = 4  # of channels that are normalised together
HEADS, HEAD = 4, 32  # of attention, and the channels of each


class TimeWaves(nn.Module):
    """Times (B,) in 0..1 -> (B, width): sines and cosines of many wavelengths (Vaswani et al. 2017, section 3.5).

    Two times that lie close share the long waves and differ in the short ones, so that a network can tell them apart.
    """

    def __init__(self, width: int):
        super().__init__()
        self.width = width

    def forward(self, t: Tensor) -> Tensor:
        frequencies = torch.exp(-math.log(10_000) * torch.arange(self.width // 2, device=t.device) / (self.width // 2 - 1))
        angles = 1000 * t[:, None] * frequencies  # as if there were 1,000 times, whatever T is
        return torch.cat((angles.sin(), angles.cos()), dim=1)


class WeightStandardizedConv2d(nn.Conv2d):
    """A convolution whose filters have mean 0 and variance 1 whenever they are used (Qiao et al. 2019, eq. 5).

    GroupNorm then sees inputs of a steady size in small batches too.
    """

    def forward(self, x: Tensor) -> Tensor:
        return self._conv_forward(x, standardize(self.weight), self.bias)


def standardize(weight: Tensor, eps: float = 1e-5) -> Tensor:
    """Filters (out, in, h, w), each minus its mean and divided by its standard deviation."""
    mean = weight.mean((1, 2, 3), keepdim=True)
    variance = weight.var((1, 2, 3), correction=0, keepdim=True)
    return (weight - mean) * (variance + eps).rsqrt()


class ResnetBlock(nn.Module):
    """Two 3×3 convolutions with GroupNorm and SiLU, added to what came in: (B, in, H, W), (B, emb) -> (B, out, H, W).

    emb: time and context as one vector; it scales and shifts the channels between the two convolutions.
    """

    def __init__(self, in_channels: int, out_channels: int, emb: int):
        super().__init__()
        self.embed = nn.Linear(emb, 2 * out_channels)
        self.conv1 = WeightStandardizedConv2d(in_channels, out_channels, 3, padding=1)
        self.norm1 = nn.GroupNorm(GROUPS, out_channels)
        self.conv2 = WeightStandardizedConv2d(out_channels, out_channels, 3, padding=1)
        self.norm2 = nn.GroupNorm(GROUPS, out_channels)
        self.shortcut = nn.Conv2d(in_channels, out_channels, 1) if in_channels != out_channels else nn.Identity()

    def forward(self, x: Tensor, emb: Tensor) -> Tensor:
        scale, shift = self.embed(F.silu(emb))[:, :, None, None].chunk(2, dim=1)
        y = F.silu(self.norm1(self.conv1(x)) * (1 + scale) + shift)
        y = F.silu(self.norm2(self.conv2(y)))
        return self.shortcut(x) + y


class Attention(nn.Module):
    """Every pixel asks all pixels, and takes from each as much as its key fits the question: (B, C, H, W) -> the same.

    softmax(q k / sqrt(d)) v (Vaswani et al. 2017, eq. 1), in 4 heads. The cost grows with the square of the number of pixels.
    """

    def __init__(self, channels: int):
        super().__init__()
        self.qkv = nn.Conv2d(channels, 3 * HEADS * HEAD, 1, bias=False)
        self.out = nn.Conv2d(HEADS * HEAD, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = heads(self.qkv(x))
        weights = (q.mT @ k / HEAD**0.5).softmax(dim=-1)  # (B, HEADS, pixels that ask, pixels that are asked)
        return self.out(pixels(v @ weights.mT, x))


class LinearAttention(nn.Module):
    """Attention whose cost grows with the number of pixels alone: (B, C, H, W) -> the same (Shen et al. 2018, eq. 6).

    Keys and values of all pixels are first summed into one HEAD × HEAD table, which each pixel then reads.
    """

    def __init__(self, channels: int):
        super().__init__()
        self.qkv = nn.Conv2d(channels, 3 * HEADS * HEAD, 1, bias=False)
        self.out = nn.Sequential(nn.Conv2d(HEADS * HEAD, channels, 1), nn.GroupNorm(1, channels))

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = heads(self.qkv(x))
        q = q.softmax(dim=-2) / HEAD**0.5  # over the channels
        k = k.softmax(dim=-1)  # over the pixels
        table = v @ k.mT  # (B, HEADS, HEAD, HEAD)
        return self.out(pixels(table @ q, x))


def heads(qkv: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """(B, 3 × HEADS × HEAD, H, W) -> three times (B, HEADS, HEAD, H × W)."""
    return qkv.flatten(2).unflatten(1, (3, HEADS, HEAD)).unbind(1)


def pixels(x: Tensor, like: Tensor) -> Tensor:
    """(B, HEADS, HEAD, H × W) -> (B, HEADS × HEAD, H, W), H and W as those of `like`."""
    return x.flatten(1, 2).unflatten(2, like.shape[2:])


class Residual(nn.Module):
    """x + f(norm(x)): the input is normalised first (PreNorm), and what the layer finds is added to it."""

    def __init__(self, channels: int, layer: nn.Module):
        super().__init__()
        self.norm, self.layer = nn.GroupNorm(1, channels), layer

    def forward(self, x: Tensor) -> Tensor:
        return x + self.layer(self.norm(x))


class Down(nn.Module):
    """Half the height and width: each 2×2 square of pixels becomes one pixel of four times the channels, then `out`."""

    def __init__(self, in_channels: int, out_channels: int):
        super().__init__()
        self.conv = nn.Conv2d(4 * in_channels, out_channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(F.pixel_unshuffle(x, 2))


class Up(nn.Module):
    """Twice the height and width: every pixel four times, then a convolution."""

    def __init__(self, in_channels: int, out_channels: int):
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(F.interpolate(x, scale_factor=2, mode="nearest"))


class Level(nn.Module):
    """One level of the U, down or up: two blocks, attention, and a change of size.

    Down, the two blocks' outputs are kept for the way up. Up, each block is given one of them beside its input.
    """

    def __init__(self, channels: int, skip: int, emb: int, attention: nn.Module, resize: nn.Module):
        super().__init__()
        self.block1 = ResnetBlock(channels + skip, channels, emb)
        self.block2 = ResnetBlock(channels + skip, channels, emb)
        self.attention, self.resize = Residual(channels, attention), resize

    def down(self, x: Tensor, emb: Tensor, kept: list[Tensor]) -> Tensor:
        """(B, channels, H, W) -> smaller; appends two tensors to `kept`."""
        kept.append(x := self.block1(x, emb))
        kept.append(x := self.attention(self.block2(x, emb)))
        return self.resize(x)

    def up(self, x: Tensor, emb: Tensor, kept: list[Tensor]) -> Tensor:
        """(B, channels, H, W) -> larger; takes two tensors from `kept`."""
        x = self.block1(torch.cat((x, kept.pop()), dim=1), emb)
        x = self.block2(torch.cat((x, kept.pop()), dim=1), emb)
        return self.resize(self.attention(x))


class AttentionUnet(nn.Module):
    """A U-Net with attention, for pictures without or with a context.

    in_channels: 1 for grey pictures. n_feat: channels of the widest level, a multiple of 4. n_cfeat: length of the context.
    height: of the square pictures, a multiple of 4. prediction: what the answer means, "eps", "v" or "x0".
    """

    def __init__(self, in_channels: int = 1, n_feat: int = 28, n_cfeat: int = 10, height: int = 28, prediction: str = "v"):
        super().__init__()
        self.in_channels, self.n_feat, self.n_cfeat, self.height = in_channels, n_feat, n_cfeat, height
        self.prediction = prediction
        emb, widths = 4 * n_feat, (n_feat, n_feat, 2 * n_feat, 4 * n_feat)
        self.time = nn.Sequential(TimeWaves(n_feat), nn.Linear(n_feat, emb), nn.GELU(), nn.Linear(emb, emb))
        self.context = nn.Linear(n_cfeat, emb, bias=False)  # the null context adds nothing
        self.stem = nn.Conv2d(in_channels, n_feat, 7, padding=3)
        self.downs, self.ups = nn.ModuleList(), nn.ModuleList()
        for k, (wide, next_) in enumerate(pairwise(widths)):
            last = k == len(widths) - 2
            resize = nn.Conv2d(wide, next_, 3, padding=1) if last else Down(wide, next_)
            self.downs.append(Level(wide, 0, emb, LinearAttention(wide), resize))
            resize = nn.Conv2d(next_, wide, 3, padding=1) if k == 0 else Up(next_, wide)
            self.ups.insert(0, Level(next_, wide, emb, LinearAttention(next_), resize))
        self.middle1 = ResnetBlock(widths[-1], widths[-1], emb)
        self.middle_attention = Residual(widths[-1], Attention(widths[-1]))
        self.middle2 = ResnetBlock(widths[-1], widths[-1], emb)
        self.last = ResnetBlock(2 * n_feat, n_feat, emb)
        self.out = nn.Conv2d(n_feat, in_channels, 1)

    @property
    def settings(self) -> dict:
        """The arguments that make a network like this one: what a file of weights says of it."""
        return {name: getattr(self, name) for name in ("in_channels", "n_feat", "n_cfeat", "height", "prediction")}

    def forward(self, x: Tensor, t: Tensor, c: Tensor | None = None) -> Tensor:
        """x: (B, in_channels, height, height). t: (B,) times divided by T, in 0..1. c: (B, n_cfeat), or None for the
        null context, zeros. Returns the prediction, shaped like x."""
        emb = self.time(t)
        if c is not None:
            emb = emb + self.context(c)
        x = first = self.stem(x)
        kept = []
        for level in self.downs:
            x = level.down(x, emb, kept)
        x = self.middle2(self.middle_attention(self.middle1(x, emb)), emb)
        for level in self.ups:
            x = level.up(x, emb, kept)
        return self.out(self.last(torch.cat((x, first), dim=1), emb))
