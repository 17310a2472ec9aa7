"""The U-Net with attention: each block against another way to write it, and what the whole must be."""

import math

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from diffusion_lab import ContextUnet, load_model
from diffusion_lab.bonus.attention_unet import (
    HEAD,
    HEADS,
    Attention,
    AttentionUnet,
    Down,
    LinearAttention,
    Residual,
    ResnetBlock,
    TimeWaves,
    Up,
    WeightStandardizedConv2d,
    heads,
    pixels,
    standardize,
)
from diffusion_lab.bonus.fashion import load_fashion
from diffusion_lab.samplers import believe
from diffusion_lab.sprites import packaged_file
from diffusion_lab.steps import perturb

pytestmark = pytest.mark.bonus


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)


def filled(module):
    """A module with no zeros and no ones in its weights, so that nothing is hidden."""
    for p in module.parameters():
        nn.init.normal_(p, std=0.3)
    return module.eval().requires_grad_(False)


def test_heads_and_pixels_are_each_others_inverse_and_keep_the_channels_of_a_head_together():
    qkv = torch.randn(2, 3 * HEADS * HEAD, 3, 5)
    q, k, v = heads(qkv)
    assert q.shape == (2, HEADS, HEAD, 15)
    assert torch.equal(torch.cat([pixels(part, qkv) for part in (q, k, v)], dim=1), qkv)
    assert torch.equal(k[1, 2, 7], qkv[1, HEADS * HEAD + 2 * HEAD + 7].flatten())


def test_attention_is_torchs_own():
    layer, x = filled(Attention(12)), torch.randn(2, 12, 4, 4)
    q, k, v = (part.mT for part in heads(layer.qkv(x)))
    by_torch = F.scaled_dot_product_attention(q, k, v).mT
    assert torch.allclose(layer(x), layer.out(pixels(by_torch, x)), atol=1e-5)


def test_linear_attention_is_the_sum_written_out():
    """Shen et al. 2018: each pixel reads, weighted by its question, sums over all pixels of softmaxed keys times values."""
    layer, x = filled(LinearAttention(12)), torch.randn(2, 12, 3, 3)
    q, k, v = heads(layer.qkv(x))
    q, k = q.softmax(dim=2) / HEAD**0.5, k.softmax(dim=3)
    shares = torch.einsum("bhdi,bhdj->bhij", q, k)  # pixels that ask, pixels that are asked: n^2 of them
    assert torch.allclose(layer(x), layer.out(pixels(torch.einsum("bhij,bhej->bhei", shares, v), x)), atol=1e-5)


@pytest.mark.parametrize("layer", [Attention, LinearAttention])
def test_attention_reaches_across_the_picture_and_knows_no_order(layer):
    layer, x = filled(layer(8)), torch.randn(1, 8, 4, 4)
    moved = x.clone()
    moved[..., 0, 0] += 3
    assert (layer(moved) - layer(x))[..., 3, 3].abs().max() > 1e-4
    shuffle = torch.randperm(16)
    mixed = x.flatten(2)[..., shuffle].unflatten(2, (4, 4))
    assert torch.allclose(layer(mixed).flatten(2), layer(x).flatten(2)[..., shuffle], atol=1e-5)


def test_filters_have_mean_0_and_variance_1_when_used():
    """The mistake of a copy, a product with the root, gives other variances: tried here too, so that the test can fail."""
    weight = torch.randn(5, 4, 3, 3) * torch.tensor([0.01, 0.1, 1.0, 3.0, 10.0])[:, None, None, None] + 2
    ours = standardize(weight, eps=0.0)
    assert torch.allclose(ours.mean((1, 2, 3)), torch.zeros(5), atol=1e-4)
    assert torch.allclose(ours.var((1, 2, 3), correction=0), torch.ones(5), atol=1e-4)
    multiplied = (weight - weight.mean((1, 2, 3), keepdim=True)) * weight.var((1, 2, 3), correction=0, keepdim=True).sqrt()
    assert not torch.allclose(multiplied.var((1, 2, 3), correction=0), torch.ones(5), atol=0.5)


def test_a_standardised_convolution_forgets_the_size_and_the_mean_of_its_filters():
    conv, x = WeightStandardizedConv2d(3, 4, 3, padding=1), torch.randn(2, 3, 6, 6)
    before = conv(x)
    with torch.no_grad():
        conv.weight.mul_(7).add_(2)
    assert (
        torch.allclose(conv(x), before, rtol=1e-2, atol=1e-2) and conv.weight.mean() > 1
    )  # the weight itself is left as it is


def test_times_become_waves():
    waves = TimeWaves(8)(torch.tensor([0.0, 0.001, 0.5]))
    frequencies = [10_000 ** (-k / 3) for k in range(4)]
    assert torch.equal(waves[0], torch.tensor([0.0] * 4 + [1.0] * 4))
    assert torch.allclose(waves[1], torch.tensor([*(math.sin(f) for f in frequencies), *(math.cos(f) for f in frequencies)]))
    assert torch.allclose(waves[:, :4] ** 2 + waves[:, 4:] ** 2, torch.ones(3, 4), atol=1e-4)


def test_neighbouring_times_of_300_are_told_apart():
    waves = TimeWaves(28)(torch.arange(301) / 300)
    assert torch.cdist(waves, waves).fill_diagonal_(torch.inf).min() > 0.3


def test_a_block_adds_to_its_input_and_hears_the_embedding():
    block, x, emb = filled(ResnetBlock(8, 8, 16)), torch.randn(2, 8, 5, 5), torch.randn(2, 16)
    out = block(x, emb)
    assert (block(x, emb + 1) - out).abs().max() > 1e-3
    for p in (block.norm2.weight, block.norm2.bias):
        p.zero_()  # then the second half gives 0
    assert torch.equal(block(x, emb), x)


def test_the_embedding_scales_and_shifts_between_the_convolutions():
    block, x, emb = filled(ResnetBlock(4, 8, 16)), torch.randn(2, 4, 5, 5), torch.randn(2, 16)
    numbers = F.linear(F.silu(emb), block.embed.weight, block.embed.bias)[..., None, None]
    y = F.silu(block.norm1(block.conv1(x)) * (1 + numbers[:, :8]) + numbers[:, 8:])
    expected = F.conv2d(x, block.shortcut.weight, block.shortcut.bias) + F.silu(block.norm2(block.conv2(y)))
    assert torch.allclose(block(x, emb), expected, atol=1e-6)


def test_a_residual_normalises_first_and_adds():
    layer, x = Residual(6, nn.Conv2d(6, 6, 1)), 100 + 5 * torch.randn(2, 6, 3, 3)
    inside = (x - x.mean((1, 2, 3), keepdim=True)) / x.std((1, 2, 3), keepdim=True, correction=0)
    assert torch.allclose(layer(x), x + layer.layer(inside), atol=1e-3)


def test_down_keeps_every_pixel_and_up_repeats_each():
    down, up, x = Down(1, 4), Up(1, 1), torch.arange(16.0).reshape(1, 1, 4, 4)
    with torch.no_grad():
        down.conv.weight.copy_(torch.eye(4)[..., None, None])
        down.conv.bias.zero_()
        up.conv.weight.zero_()[..., 1, 1] = 1
        up.conv.bias.zero_()
    assert down(x)[0, :, 0, 1].tolist() == [2, 3, 6, 7]
    assert up(x)[0, 0, :2, :4].tolist() == [[0, 0, 1, 1], [0, 0, 1, 1]]


@pytest.mark.parametrize("settings", [{}, {"in_channels": 3, "n_feat": 16, "n_cfeat": 4, "height": 16, "prediction": "eps"}])
def test_the_network_gives_back_the_shape_and_says_its_settings(settings):
    model = AttentionUnet(**settings)
    x = torch.randn(2, model.in_channels, model.height, model.height)
    assert model(x, torch.rand(2)).shape == x.shape
    assert model.settings == AttentionUnet(**model.settings).settings and settings.items() <= model.settings.items()


def test_the_default_network_has_two_million_numbers():
    assert sum(p.numel() for p in AttentionUnet().parameters()) == 2_022_721


def test_the_null_context_is_none_and_each_picture_is_alone():
    model = filled(AttentionUnet(n_feat=8, n_cfeat=3, height=8))
    x, t, c = torch.randn(3, 1, 8, 8), torch.rand(3), torch.eye(3)
    assert torch.equal(model(x, t), model(x, t, torch.zeros(3, 3)))
    assert torch.allclose(model(x, t, c)[1:2], model(x[1:2], t[1:2], c[1:2]), rtol=1e-3)
    for k in range(3):
        assert (model(x, t, c) - model(x, t))[k].abs().max() > 1e-4, "each word must be heard"
    assert (model(x, t) - model(x, t + 0.1)).abs().max() > 1e-4


def test_every_weight_takes_part():
    model = AttentionUnet(n_feat=8, n_cfeat=3, height=8)
    model(torch.randn(2, 1, 8, 8), torch.rand(2), torch.eye(3)[:2]).square().sum().backward()
    silent = [name for name, p in model.named_parameters() if p.grad is None or not p.grad.any()]
    assert silent == []


def test_the_shipped_network_takes_noise_away():
    """A noisy garment's belief is many times nearer to it than the noisy picture is."""
    model, schedule = load_model(packaged_file("weights", "fashion_unet.pt"))
    images, labels = load_fashion("test")
    assert not isinstance(model, ContextUnet) and len(model.words.words) == 10
    x0, c = images[:8], F.one_hot(labels[:8], 10).float()
    x_t = perturb(x0, 90, torch.randn(x0.shape), schedule.alpha_bar)
    belief, _ = believe(model, schedule, x_t, 90, c)
    assert (belief - x0).square().mean() < 0.1 * (x_t - x0).square().mean()
