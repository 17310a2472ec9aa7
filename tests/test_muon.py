"""Muon: the orthogonal step, its size, and AdamW for what is no kernel."""

import pytest
import torch

from diffusion_lab import ContextUnet, Run, TrainConfig
from diffusion_lab.muon import Muon, orthogonalise
from diffusion_lab.weights import VersionError


@pytest.mark.parametrize("shape", [(3, 8, 40), (2, 40, 8), (1, 16, 16)])
def test_orthogonalise_keeps_the_directions_and_evens_out_their_strengths(shape):
    g = torch.Generator().manual_seed(0)
    u, _, vt = torch.linalg.svd(torch.randn(shape, generator=g), full_matrices=False)
    strengths = torch.logspace(0, -1, u.shape[-1])  # ten to one
    result = orthogonalise(7 * u * strengths @ vt)
    inside = u.mT @ result @ vt.mT
    values = inside.diagonal(dim1=-2, dim2=-1)
    assert result.shape == shape and values.min() > 0.65 and values.max() < 1.25
    torch.testing.assert_close(inside, torch.diag_embed(values), atol=1e-4, rtol=0)


def test_the_kernels_inside_are_muons_and_all_else_is_adams():
    model = ContextUnet(n_feat=8)
    names = {id(p): name for name, p in model.named_parameters()}
    muon, adam = ({names[id(p)] for p in group["params"]} for group in Muon(model, 1e-2).param_groups)
    convolutions = {name for name, p in model.named_parameters() if p.ndim == 4}
    assert convolutions - muon == {"init_conv.conv1.0.weight", "out.3.weight"}  # they touch the picture
    assert muon < convolutions and muon | adam == set(names.values()) and not muon & adam


def test_what_is_no_kernel_moves_as_with_torchs_adamw():
    torch.manual_seed(0)
    ours, theirs = torch.nn.Linear(6, 4), torch.nn.Linear(6, 4)
    theirs.load_state_dict(ours.state_dict())
    a, b = Muon(ours, 0.05, 0.1), torch.optim.AdamW(theirs.parameters(), 0.05, weight_decay=0.1)
    for _ in range(4):
        x = torch.randn(8, 6)
        for model, optimizer in ((ours, a), (theirs, b)):
            optimizer.zero_grad()
            model(x).square().mean().backward()
            optimizer.step()
    torch.testing.assert_close(ours.weight, theirs.weight)
    torch.testing.assert_close(ours.bias, theirs.bias)


def test_a_kernels_steps_follow_the_formula():
    torch.manual_seed(0)
    layer = torch.nn.Conv2d(8, 16, 3, bias=False).to(memory_format=torch.channels_last)
    optimizer, lr, decay = Muon(layer, 0.05, 0.1), 0.05, 0.1
    expected, mean = layer.weight.detach().clone(), torch.zeros_like(layer.weight)
    for _ in range(3):
        gradient = torch.randn_like(layer.weight)
        layer.weight.grad = gradient.clone()
        optimizer.step()
        mean = 0.95 * mean + 0.05 * gradient
        ahead = 0.05 * gradient + 0.95 * mean
        straight = orthogonalise(ahead.reshape(1, 16, 72))[0].reshape(16, 8, 3, 3)
        step = 0.2 * 72**0.5 * straight
        assert step.square().mean().sqrt().item() == pytest.approx(0.2, rel=0.25)  # about the size of Adam's
        expected = (1 - lr * decay) * expected - lr * step
        torch.testing.assert_close(layer.weight.detach(), expected)


def test_kernels_of_one_shape_do_not_mix():
    torch.manual_seed(0)
    both = torch.nn.Sequential(torch.nn.Conv2d(8, 8, 3, bias=False), torch.nn.Conv2d(8, 8, 3, bias=False))
    alone = torch.nn.Conv2d(8, 8, 3, bias=False)
    alone.load_state_dict(both[1].state_dict())
    gradients = torch.randn(2, 8, 8, 3, 3)
    for p, gradient in zip([*both.parameters(), alone.weight], [*gradients, gradients[1]], strict=True):
        p.grad = gradient.clone()
    Muon(both, 0.1).step()
    Muon(alone, 0.1).step()
    torch.testing.assert_close(both[1].weight, alone.weight)


def test_a_weight_without_gradient_stays():
    model = ContextUnet(n_feat=8)
    before = {name: p.clone() for name, p in model.named_parameters()}
    model.up2.model[0].weight.grad = torch.randn_like(model.up2.model[0].weight)
    Muon(model, 0.1).step()
    moved = {name for name, p in model.named_parameters() if not torch.equal(p, before[name])}
    assert moved == {"up2.model.0.weight"}


def test_a_learning_rate_in_a_tensor_gives_exactly_what_a_number_gives():
    torch.manual_seed(0)
    by_number = ContextUnet(n_feat=8)
    by_tensor = ContextUnet(n_feat=8)
    by_tensor.load_state_dict(by_number.state_dict())
    lr = torch.tensor(0.0)
    a, b = Muon(by_number, 0.0, 0.1), Muon(by_tensor, lr, 0.1)
    for value in (0.0625, 0.03125, 0.015625):  # powers of two: the same in float32 and float64
        for group in a.param_groups:
            group["lr"] = value
        lr.fill_(value)  # as a run does: the optimiser keeps the tensor and reads it at each step
        for p, q in zip(by_number.parameters(), by_tensor.parameters(), strict=True):
            p.grad = torch.randn_like(p)
            q.grad = p.grad.clone()
        a.step(), b.step()
        assert all(torch.equal(p, q) for p, q in zip(by_number.parameters(), by_tensor.parameters(), strict=True))


class Mixed(torch.nn.Module):
    """A network that says which of its weights are matrices: a linear layer and a 1×1 kernel, but not the 3×3 one."""

    def __init__(self):
        super().__init__()
        self.linear, self.one = torch.nn.Linear(12, 20), torch.nn.Conv2d(10, 6, 1)
        self.three = torch.nn.Conv2d(8, 8, 3)

    def matrices(self):
        return [self.one.weight, self.linear.weight]


def test_a_network_may_name_its_matrices_itself():
    torch.manual_seed(0)
    model = Mixed()
    muon, adam = Muon(model, 0.05, 0.1).param_groups
    assert {id(p) for p in muon["params"]} == {id(model.linear.weight), id(model.one.weight)}
    assert len(adam["params"]) == 4 and any(p is model.three.weight for p in adam["params"])
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    gradients = {name: torch.randn_like(p) for name, p in model.named_parameters()}
    for name, p in model.named_parameters():
        p.grad = gradients[name].clone()
    Muon(model, 0.05, 0.1).step()
    for name, p in model.named_parameters():
        if name in ("linear.weight", "one.weight"):
            nesterov = (0.05 + 0.95 * 0.05) * gradients[name]
            straight = orthogonalise(nesterov.flatten(1)[None])[0].reshape(p.shape)
            step = 0.2 * max(p.shape[:2]) ** 0.5 * straight
        else:
            step = gradients[name].sign()  # Adam's first
        torch.testing.assert_close(p.detach(), (1 - 0.05 * 0.1) * before[name] - 0.05 * step, rtol=1e-4, atol=1e-5)


def test_a_checkpoint_of_another_optimiser_is_refused_in_one_sentence(tmp_path):
    run = Run(TrainConfig(updates=2, batch=2, n_feat=8))
    run.optimizer = torch.optim.AdamW(run.model.parameters())
    run.save(tmp_path / "old.ckpt")
    with pytest.raises(VersionError, match="another version of diffusion_lab; begin the training again"):
        Run.load(tmp_path / "old.ckpt")
