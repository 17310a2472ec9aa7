"""What L2 says of its pictures and numbers: the cells are run as they stand in the master, and what they find is compared."""

import pytest
import torch
from common import ROOT, load_script

from diffusion_lab import load_sprites, to_tensors
from diffusion_lab.schedules import cosine, linear
from diffusion_lab.steps import at, perturb, target, to_x0_eps

build = load_script(ROOT / "notebooks" / "build.py")


@pytest.fixture(scope="module")
def lab():
    """(Sprite, noise): how much of both is in each picture of the cell about the skips, and in beliefs told a wrong time."""
    cells = {cell["id"]: "".join(cell["source"]) for cell in build.read_master(build.MASTERS / "L2_Training.md")["cells"]}
    space = {}
    exec(cells["c01-65df47"], space)
    space["perturb"] = perturb
    space["show"] = space["print"] = lambda *things, **more: None
    exec(cells["c19-87c365"], space)
    x_t, c, rows = space["x_t"], space["c"], space["rows"]
    for told in (50, 150, 300):
        with torch.no_grad():
            output = space["shipped"](x_t, torch.full((len(x_t),), told / space["T"]), c)
        rows[f"told {told}"] = to_x0_eps(space["shipped"].prediction, output, x_t, 150, space["alpha_bar"])[0]
    return {name: space["how_much"](picture, space["x0"], space["eps"]) for name, picture in rows.items()}


def test_a_belief_is_the_sprite_and_no_noise(lab):
    assert lab["belief"] == pytest.approx([1, 0], abs=0.05) and lab["told 150"] == lab["belief"]


def test_without_the_16x16_skip_the_noise_stays_and_the_sprite_not_the_noise_is_too_strong(lab):
    (_, before), (sprite, after) = lab["t = 150"], lab["no 16x16 skip"]
    assert 0.75 * before < after < before and sprite > 1.25


def test_without_the_4x4_skip_little_changes_and_without_the_8x8_skip_colours_are_pale(lab):
    assert lab["no 4x4 skip"] == pytest.approx(lab["belief"], abs=0.05)
    assert lab["no 8x8 skip"][0] < 0.9 and lab["no 8x8 skip"][1] > 0.05


def test_told_too_early_a_time_it_takes_away_too_much_noise_told_too_late_too_little(lab):
    assert lab["told 50"][1] < -0.15 and lab["told 300"][1] > 0.15


def test_the_linear_schedule_leaves_8_percent_of_sprites_that_are_brighter_than_grey_and_cosine_nothing():
    assert linear().alpha_bar[-1].sqrt().item() == pytest.approx(0.08, abs=0.005)
    assert cosine().alpha_bar[-1].sqrt().item() < 0.001
    assert to_tensors(load_sprites())[0].mean() > 0.1


def test_an_equal_error_of_the_answer_explodes_at_large_t_for_eps_and_for_no_other():
    """What the plot of section 8 shows: the sprite is eps divided by a small factor."""
    alpha_bar, t = cosine().alpha_bar, torch.tensor([10, 250, 450])
    x0, eps, slip = (torch.randn(3, 3, 16, 16, generator=torch.Generator().manual_seed(k)) for k in range(3))
    x_t = perturb(x0, t, eps, alpha_bar)
    size = {}
    for prediction in ("eps", "x0", "v"):
        answer = target(prediction, x0, t, eps, alpha_bar) + 0.1 * slip
        size[prediction] = (to_x0_eps(prediction, answer, x_t, t, alpha_bar)[0] - x0).flatten(1).std(1) / 0.1
    factor = (at((1 - alpha_bar).sqrt(), t, x0) / at(alpha_bar.sqrt(), t, x0)).flatten()
    torch.testing.assert_close(size["eps"], factor.float(), rtol=0.1, atol=0.01)
    assert size["eps"][2] > 5 and size["x0"].min() > 0.9 and size["x0"].max() < 1.1
    assert size["v"].max() < 1.1 and size["v"][0] < 0.1  # small errors at small t almost for free
