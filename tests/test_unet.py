"""ContextUnet: the course's names and shapes, and what each input does."""

import pytest
import torch
from worlds import lively

from diffusion_lab import ContextUnet, load_model
from diffusion_lab.unet import ResidualConvBlock, for_drawing, with_height, with_more_words


@pytest.fixture(scope="module")
def unet():
    torch.manual_seed(0)
    return ContextUnet().eval()


def test_names_and_shapes_are_the_courses(unet):
    state = unet.state_dict()
    assert len(state) == 156
    assert sum(p.numel() for p in unet.parameters()) == 1_480_771
    assert {name.split(".")[0] for name in state} == {
        *("init_conv", "down1", "down2", "timeembed1", "timeembed2", "contextembed1", "contextembed2"),
        *("up0", "up1", "up2", "out"),
    }
    shapes = {
        "init_conv.conv1.0.weight": (64, 3, 3, 3),
        "down1.model.0.conv1.1.running_mean": (64,),
        "down2.model.0.conv1.0.weight": (128, 64, 3, 3),
        "down2.model.1.conv2.1.num_batches_tracked": (),
        "timeembed1.model.0.weight": (128, 1),
        "contextembed2.model.2.weight": (64, 64),
        "up0.0.weight": (128, 128, 4, 4),
        "up1.model.0.weight": (256, 64, 2, 2),
        "up2.model.2.conv2.0.weight": (64, 64, 3, 3),
        "out.0.weight": (64, 128, 3, 3),
        "out.3.bias": (3,),
    }
    assert {name: tuple(state[name].shape) for name in shapes} == shapes


def test_the_answer_has_the_pictures_shape_at_every_size():
    for channels, height in ((3, 16), (1, 8), (3, 32)):
        unet = ContextUnet(channels, 16, 7, height).eval()
        assert unet(torch.zeros(2, channels, height, height), torch.zeros(2), torch.zeros(2, 7)).shape == (
            2,
            channels,
            height,
            height,
        )


def test_its_settings_make_a_network_of_the_same_shapes():
    unet = ContextUnet(1, 16, 7, 8, "x0")
    assert unet.settings == {"in_channels": 1, "n_feat": 16, "n_cfeat": 7, "height": 8, "prediction": "x0"}
    assert ContextUnet(**unet.settings).load_state_dict(unet.state_dict())


def test_more_words_change_the_two_embeddings_of_the_context_only(unet):
    more = ContextUnet(n_cfeat=123).state_dict()
    other = [name for name, tensor in unet.state_dict().items() if tensor.shape != more[name].shape]
    assert list(more) == list(unet.state_dict()) and other == [f"contextembed{k}.model.0.weight" for k in (1, 2)]


def test_each_word_changes_the_answer_and_each_by_itself():
    unet, x = lively(ContextUnet(n_feat=8, n_cfeat=9)), torch.randn(1, 3, 16, 16).expand(10, -1, -1, -1)
    with torch.no_grad():
        answers = unet(x, torch.full((10,), 0.5), torch.cat([torch.zeros(1, 9), torch.eye(9)])).flatten(1)
    apart = torch.cdist(answers.double(), answers.double(), compute_mode="donot_use_mm_for_euclid_dist")
    assert (apart + 9 * torch.eye(10)).min() > 0.3


def test_no_context_is_the_null_context(unet):
    x, t = torch.randn(2, 3, 16, 16), torch.rand(2)
    assert torch.equal(unet(x, t), unet(x, t, torch.zeros(2, 5)))
    assert not torch.equal(unet(x, t), unet(x, t, torch.ones(2, 5)))


def test_time_changes_the_answer(unet):
    x = torch.randn(2, 3, 16, 16)
    assert not torch.equal(unet(x, torch.zeros(2)), unet(x, torch.ones(2)))


def test_a_residual_block_with_new_channels_adds_its_own_first_convolution():
    torch.manual_seed(0)
    block = ResidualConvBlock(3, 8, is_res=True).eval()
    x = torch.randn(2, 3, 4, 4)
    x1 = block.conv1(x)
    torch.testing.assert_close(block(x), (x1 + block.conv2(x1)) / 1.414)
    assert torch.equal(block(x), block(x))  # a convolution made anew in forward would differ from call to call


def test_a_residual_block_with_equal_channels_adds_its_input():
    torch.manual_seed(0)
    block = ResidualConvBlock(8, 8, is_res=True).eval()
    x = torch.randn(2, 8, 4, 4)
    torch.testing.assert_close(block(x), (x + block.conv2(block.conv1(x))) / 1.414)


def test_every_parameter_is_trained():
    unet = ContextUnet(n_feat=16)
    unet(torch.randn(4, 3, 16, 16), torch.rand(4), torch.rand(4, 5)).square().mean().backward()
    without = [name for name, p in unet.named_parameters() if p.grad is None or p.grad.abs().sum() == 0]
    # a convolution's bias before BatchNorm is removed again by the mean; its gradient is rounding, but it is there
    assert not [name for name in without if not name.endswith(".0.bias")]


def test_the_copy_for_drawing_gives_the_same_answers_without_batchnorm(monkeypatch):
    model, _ = load_model()
    x, t, c = torch.randn(4, 3, 16, 16), torch.rand(4), torch.rand(4, model.n_cfeat)
    for bf16, digits in ((False, 1e-4), (True, 0.1)):
        monkeypatch.setattr("diffusion_lab.unet.gains_from_bf16", lambda device, bf16=bf16: bf16)
        quick = for_drawing(model)
        assert not any(isinstance(part, torch.nn.BatchNorm2d) for part in quick.modules())
        with torch.no_grad():
            answer, other = quick(x, t, c), model(x, t, c)
        assert answer.dtype == torch.float32 and torch.allclose(answer, other, rtol=0, atol=digits)
        assert torch.allclose(answer, other, rtol=0, atol=1e-4) != bf16  # it does compute in bf16
        convolutions = [part for part in quick.modules() if isinstance(part, torch.nn.Conv2d)]
        assert all(part.weight.is_contiguous(memory_format=torch.channels_last) for part in convolutions)
    assert sum(isinstance(part, torch.nn.BatchNorm2d) for part in model.modules()) == 18  # the original keeps its own


def test_a_network_with_more_words_answers_the_old_ones_as_before():
    torch.manual_seed(0)
    model = ContextUnet(n_feat=8, n_cfeat=3).eval()
    wider = with_more_words(model, 5)
    x, t, c = torch.randn(2, 3, 16, 16).double(), torch.rand(2).double(), torch.rand(2, 3).double()
    model.double(), wider.double()  # a longer sum is rounded otherwise on some processors: by 1e-8 in single precision
    with torch.no_grad():
        answer = model(x, t, c)
        for new in (torch.zeros(2, 2), torch.ones(2, 2)):  # the new ones say nothing yet
            assert torch.allclose(wider(x, t, torch.cat([c, new], 1)), answer, rtol=0, atol=1e-12)
    assert (wider.n_cfeat, wider.training, model.n_cfeat) == (5, False, 3)
    wider(x, t, torch.ones(2, 5).double()).sum().backward()
    assert all((layer.model[0].weight.grad[:, 3:] != 0).any() for layer in (wider.contextembed1, wider.contextembed2))


@pytest.mark.parametrize("height", [8, 28, 32])
def test_a_network_of_another_height_has_the_same_weights_but_for_a_stretched_kernel(height):
    torch.manual_seed(0)
    model = ContextUnet(n_feat=8).eval()
    with torch.no_grad():
        model.up0[0].weight[0, 0] = torch.linspace(0, 3, 4)[:, None]  # rises from row to row
    other, old = with_height(model, height), model.state_dict()
    new = other.state_dict()
    assert other.height == height and all(torch.equal(new[name], old[name]) for name in old if name != "up0.0.weight")
    kernel = new["up0.0.weight"][0, 0]
    assert kernel.shape == (height // 4, height // 4)
    torch.testing.assert_close(kernel, kernel[:, :1].expand_as(kernel))
    torch.testing.assert_close(kernel[:, 0].mean(), torch.tensor(1.5))
    assert (kernel[:, 0].diff() >= 0).all()
    assert other(torch.randn(1, 3, height, height), torch.rand(1)).shape == (1, 3, height, height)
    assert all(torch.equal(value, old[name]) for name, value in with_height(model, 16).state_dict().items())


@pytest.mark.parametrize(
    "wrong", [{"n_feat": 0}, {"n_feat": -8}, {"n_feat": 12}, {"height": 10}, {"height": 4}, {"height": 68}]
)
def test_sizes_that_cannot_be_are_refused(wrong):
    with pytest.raises(ValueError, match=f"{next(iter(wrong))} must be a multiple"):
        ContextUnet(**wrong)


@pytest.mark.parametrize("height", [8, 12, 28, 64])
def test_pictures_of_any_multiple_of_4_pass(height):
    assert ContextUnet(n_feat=8, height=height)(torch.randn(2, 3, height, height), torch.rand(2)).shape[-2:] == (height, height)
