"""ContextUnet: the network of the course, 1,480,771 parameters.

    x (B, 3, 16, 16) -> init_conv (64, 16, 16) -> down1 (64, 8, 8) -> down2 (128, 4, 4) -> to_vec (128, 1, 1)
      out (3, 16, 16) <- up2 (64, 16, 16) <---- up1 (64, 8, 8) <---- up0 (128, 4, 4) <-------'
                          ^ joined with down1     ^ joined with down2

Its weights have the names and shapes that the short course gives them, so that files saved there load here.
"""

import copy
from itertools import pairwise
from types import MethodType

import torch
from torch import Tensor, nn
from torch.nn.utils import fuse_conv_bn_eval

from .devices import gains_from_bf16
from .language import gettext


class ResidualConvBlock(nn.Module):
    """Two 3×3 convolutions, each with BatchNorm and GELU: (B, in, H, W) -> (B, out, H, W).

    With `is_res` the input is added to the output. With in != out the first convolution's output takes its place: it
    has the right number of channels and is trained. The sum is divided by 1.414 to keep its variance.
    """

    def __init__(self, in_channels: int, out_channels: int, is_res: bool = False):
        super().__init__()
        self.is_res, self.same_channels = is_res, in_channels == out_channels
        self.conv1 = _conv_bn_gelu(in_channels, out_channels)
        self.conv2 = _conv_bn_gelu(out_channels, out_channels)

    def forward(self, x: Tensor) -> Tensor:
        x1 = self.conv1(x)
        x2 = self.conv2(x1)
        if not self.is_res:
            return x2
        return ((x if self.same_channels else x1) + x2) / 1.414


class UnetDown(nn.Module):
    """Two blocks, then half the height and width: (B, in, H, W) -> (B, out, H/2, W/2)."""

    def __init__(self, in_channels: int, out_channels: int):
        super().__init__()
        self.model = nn.Sequential(
            ResidualConvBlock(in_channels, out_channels),
            ResidualConvBlock(out_channels, out_channels),
            nn.MaxPool2d(2),
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.model(x)


class UnetUp(nn.Module):
    """Joins x with the skip connection, doubles height and width: two times (B, in/2, H, W) -> (B, out, 2H, 2W)."""

    def __init__(self, in_channels: int, out_channels: int):
        super().__init__()
        self.model = nn.Sequential(
            nn.ConvTranspose2d(in_channels, out_channels, 2, 2),
            ResidualConvBlock(out_channels, out_channels),
            ResidualConvBlock(out_channels, out_channels),
        )

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        return self.model(torch.cat((x, skip), dim=1))


class EmbedFC(nn.Module):
    """A small network from a vector to one number per channel: (B, in) -> (B, emb, 1, 1)."""

    def __init__(self, input_dim: int, emb_dim: int):
        super().__init__()
        self.input_dim = input_dim
        self.model = nn.Sequential(nn.Linear(input_dim, emb_dim), nn.GELU(), nn.Linear(emb_dim, emb_dim))

    def forward(self, x: Tensor) -> Tensor:
        return self.model(x.reshape(-1, self.input_dim))[:, :, None, None]


class ContextUnet(nn.Module):
    """The course's U-Net with time and context.

    in_channels: 3 for RGB. n_feat: channels of the widest layer, a multiple of 8. n_cfeat: length of the context.
    height: of the square pictures, a multiple of 4 from 8 to 64. prediction: what the answer means, "eps", "v" or "x0".
    ValueError for another n_feat or height.
    """

    def __init__(self, in_channels: int = 3, n_feat: int = 64, n_cfeat: int = 5, height: int = 16, prediction: str = "eps"):
        super().__init__()
        if n_feat < 8 or n_feat % 8:
            raise ValueError(gettext("n_feat must be a multiple of 8, not {n}.").format(n=n_feat))
        if height not in range(8, 65, 4):
            raise ValueError(gettext("height must be a multiple of 4 from 8 to 64, not {height}.").format(height=height))
        self.in_channels, self.n_feat, self.n_cfeat, self.height = in_channels, n_feat, n_cfeat, height
        self.prediction = prediction
        self.init_conv = ResidualConvBlock(in_channels, n_feat, is_res=True)
        self.down1 = UnetDown(n_feat, n_feat)
        self.down2 = UnetDown(n_feat, 2 * n_feat)
        self.to_vec = nn.Sequential(nn.AvgPool2d(height // 4), nn.GELU())
        self.timeembed1 = EmbedFC(1, 2 * n_feat)
        self.timeembed2 = EmbedFC(1, n_feat)
        self.contextembed1 = EmbedFC(n_cfeat, 2 * n_feat)
        self.contextembed2 = EmbedFC(n_cfeat, n_feat)
        self.up0 = nn.Sequential(
            nn.ConvTranspose2d(2 * n_feat, 2 * n_feat, height // 4, height // 4),
            nn.GroupNorm(8, 2 * n_feat),
            nn.ReLU(),
        )
        self.up1 = UnetUp(4 * n_feat, n_feat)
        self.up2 = UnetUp(2 * n_feat, n_feat)
        self.out = nn.Sequential(
            nn.Conv2d(2 * n_feat, n_feat, 3, 1, 1),
            nn.GroupNorm(8, n_feat),
            nn.ReLU(),
            nn.Conv2d(n_feat, in_channels, 3, 1, 1),
        )

    @property
    def settings(self) -> dict:
        """The arguments that make a network like this one: what a file of weights says of it."""
        return {name: getattr(self, name) for name in ("in_channels", "n_feat", "n_cfeat", "height", "prediction")}

    def forward(self, x: Tensor, t: Tensor, c: Tensor | None = None) -> Tensor:
        """x: (B, in_channels, height, height). t: (B,) times divided by T, in 0..1. c: (B, n_cfeat), or None for the
        null context, zeros. Returns the prediction, shaped like x."""
        if c is None:
            c = x.new_zeros(x.shape[0], self.n_cfeat)
        x = self.init_conv(x)
        down1 = self.down1(x)
        down2 = self.down2(down1)
        up0 = self.up0(self.to_vec(down2))
        up1 = self.up1(self.contextembed1(c) * up0 + self.timeembed1(t), down2)
        up2 = self.up2(self.contextembed2(c) * up1 + self.timeembed2(t), down1)
        return self.out(torch.cat((up2, x), dim=1))


def with_more_words(model: ContextUnet, n_cfeat: int) -> ContextUnet:
    """A copy with a longer context: the first words are as before, and the new ones say nothing yet."""
    wider, state = ContextUnet(**(model.settings | {"n_cfeat": n_cfeat})), model.state_dict()
    for name in ("contextembed1.model.0.weight", "contextembed2.model.0.weight"):
        state[name] = nn.functional.pad(state[name], (0, n_cfeat - model.n_cfeat))
    wider.load_state_dict(state)
    return wider.train(model.training)


def with_height(model: ContextUnet, height: int) -> ContextUnet:
    """A copy for pictures of another height. Only the kernel of up0 depends on it: that is stretched, all else is as before."""
    other, state = ContextUnet(**(model.settings | {"height": height})), model.state_dict()
    state["up0.0.weight"] = nn.functional.interpolate(state["up0.0.weight"], size=height // 4, mode="bilinear")
    other.load_state_dict(state)
    return other.train(model.training)


def for_drawing(model: nn.Module) -> nn.Module:
    """A copy of a network in eval mode that gives the same answers sooner, and can only draw.

    BatchNorm, then a fixed scale and shift for each channel, goes into the convolution before it. Where bf16 pays, the copy
    computes in it, and its answers have two to three right digits.
    """
    quick = copy.deepcopy(model)
    for block in quick.modules():
        if isinstance(block, nn.Sequential):
            for i, (first, second) in enumerate(pairwise(list(block))):
                if isinstance(first, nn.Conv2d) and isinstance(second, nn.BatchNorm2d) and not second.training:
                    block[i], block[i + 1] = fuse_conv_bn_eval(first, second), nn.Identity().eval()
    if gains_from_bf16(next(quick.parameters()).device):
        quick.forward = MethodType(_in_bf16, quick)
    return quick


def _in_bf16(model: nn.Module, x: Tensor, t: Tensor, c: Tensor | None = None) -> Tensor:
    with torch.autocast(x.device.type, torch.bfloat16):
        return type(model).forward(model, x, t, c).float()  # guidance multiplies differences: not in bf16


def _conv_bn_gelu(in_channels: int, out_channels: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(in_channels, out_channels, 3, 1, 1), nn.BatchNorm2d(out_channels), nn.GELU())
