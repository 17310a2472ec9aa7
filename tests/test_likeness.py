"""How near samples are to the sprites that a network was trained on."""

import pytest
import torch

from diffusion_lab import ContextUnet, likeness
from diffusion_lab.likeness import compare, copies_while_training, table
from diffusion_lab.schedules import cosine


def pictures(n, seed=0, side=8):
    return torch.rand(n, 3, side, side, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def test_copies_are_found_and_others_are_not():
    data = pictures(40)
    copied = data[:6] + 0.02 * pictures(6, 1)
    samples, own = compare(torch.cat([copied, pictures(18, 2)]), data)
    assert samples.copies == 0.25 and own.copies == 0 and own.near <= 0.05
    assert samples.near >= 0.25 and compare(data[:6] + 0.02 * pictures(6, 1), data)[0].near == 1


def test_a_sprite_that_occurs_twice_is_no_second_neighbour():
    data = pictures(20)
    assert compare(data[:4], torch.cat([data, data]))[0].copies == 1


def test_distances_and_colours_are_what_they_say():
    data = torch.tensor([-1.0, 0.0, 1.0]).reshape(1, 3, 1, 1).expand(3, 3, 8, 8).clone()
    data[1] += 0.5
    data[2] -= 0.25
    samples, own = compare(data[:1] * 0 + 0.5, data.clamp(-1, 1))
    assert samples.mean == pytest.approx((191.25,) * 3) and samples.spread == pytest.approx((0, 0, 0))
    expected = (data.clamp(-1, 1) + 1).flatten(2).transpose(0, 1).flatten(1) * 127.5
    assert own.mean == pytest.approx(expected.mean(1).tolist()) and own.spread == pytest.approx(expected.std(1).tolist())
    nearest = min((data[k].clamp(-1, 1) - 0.5).square().mean().sqrt().item() for k in range(3))
    assert samples.nearest == pytest.approx(nearest, rel=1e-5)


@pytest.mark.parametrize(("n", "known"), [(1, [False, False]), (2, [True, False]), (3, [True, True])])
def test_few_sprites_leave_figures_out(n, known):
    samples, own = compare(pictures(5, 3), pictures(n))
    assert [samples.copies is not None, samples.near is not None] == known
    lines = table(samples, own).splitlines()[1:3]
    assert [line.split()[-2] != "-" for line in lines] == known


@pytest.mark.parametrize(("images", "message"), [(pictures(2, 0, 12), "give --tile"), (pictures(2) * torch.nan, "not finite")])
def test_other_sizes_and_no_numbers_are_refused(images, message):
    with pytest.raises(ValueError, match=message):
        compare(images, pictures(4))


def test_while_training_the_network_is_asked_for_the_descriptions_of_the_data(monkeypatch):
    data, contexts, calls = pictures(3, 0, 16), torch.eye(5)[:3], []

    def spy(model, schedule, n, context, guidance, generator, *, steps):
        calls.append((n, context, guidance, steps))
        yield type("S", (), {"t": 0, "x": data[torch.arange(n) % 3] + 0.01})

    monkeypatch.setitem(likeness.SAMPLERS, "ddim", spy)
    model = ContextUnet(n_feat=8).eval()
    assert copies_while_training(model, cosine(20), data, contexts, 7, 4) == 1
    ((n, context, guidance, steps),) = calls
    assert (n, guidance, steps) == (4, 1.0, 7) and torch.equal(context, contexts[[0, 1, 2, 0]])
