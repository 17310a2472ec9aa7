"""The drawings of B2 show what the layers do: known layers have known footprints, cubes, and graphs."""

import pytest
import torch
from matplotlib.patches import FancyArrowPatch, Polygon, Rectangle
from torch import nn

from diffusion_lab.bonus import anatomy
from diffusion_lab.bonus.anatomy import cubes, depends, footprints, graph, sees
from diffusion_lab.bonus.panels import curves, panels, table_of
from diffusion_lab.unet import ResidualConvBlock
from diffusion_lab.viz import ACCENT

pytestmark = pytest.mark.bonus

FOOTPRINTS = [  # layer, the rows of the input that make up row 1 of the output
    (nn.Conv2d(1, 1, 3), [1, 2, 3]),
    (nn.Conv2d(1, 1, 3, padding=1), [0, 1, 2]),
    (nn.Conv2d(1, 1, 3, stride=2), [2, 3, 4]),
    (nn.Conv2d(1, 1, 3, dilation=2), [1, 3, 5]),
    (nn.AvgPool2d(2), [2, 3]),
    (nn.ConvTranspose2d(1, 1, 2, 2), [0]),
]


@pytest.mark.parametrize(("layer", "rows"), FOOTPRINTS)
def test_an_output_depends_on_what_its_layers_kernel_covers(layer, rows):
    x = torch.rand(1, 1, 7, 7)
    found = depends(layer, x, (0, 0, 1, 1))[0, 0]
    wanted = torch.zeros(7, dtype=torch.bool)
    wanted[rows] = True
    assert torch.equal(found, wanted[:, None] & wanted)
    assert not x.requires_grad


@pytest.mark.parametrize(("layer", "rows"), FOOTPRINTS)
def test_the_drawn_footprint_is_that_one(layer, rows):
    above, below = footprints({"a": layer}).axes
    stamp = 4 if isinstance(layer, nn.ConvTranspose2d) else 1  # a larger output: what one number of the input is stamped on
    for axis, count in ((above, stamp), (below, len(rows) ** 2)):
        red = [patch for patch in axis.patches if isinstance(patch, Rectangle) and is_red(patch)]
        assert len(red) == count
    made = layer(torch.zeros(1, 1, 7, 7)).shape[2]
    assert len(below.patches) == 49 and len(above.patches) == made**2
    assert above.get_title() == f"a\n7×7 to {made}×{made}"


def is_red(patch):
    from matplotlib.colors import to_hex

    return to_hex(patch.get_facecolor()) == ACCENT


SHARED = [  # layer; what it uses together: of 4 pictures, 6 channels, 6 places
    (nn.BatchNorm1d(6), (slice(None), 5, slice(None))),
    (nn.LayerNorm((6, 6)), (0, slice(None), slice(None))),
    (nn.InstanceNorm1d(6), (0, 5, slice(None))),
    (nn.GroupNorm(2, 6), (0, slice(3, 6), slice(None))),
    (nn.GroupNorm(6, 6), (0, 5, slice(None))),
]


@pytest.mark.parametrize(("layer", "place"), SHARED)
def test_a_normalisation_uses_these_numbers_together(layer, place):
    x = torch.randn(4, 6, 6, generator=torch.Generator().manual_seed(1))
    wanted = torch.zeros(4, 6, 6, dtype=torch.bool)
    wanted[place] = True
    assert torch.equal(depends(layer.train(), x, (0, 5, 5)), wanted)


def test_a_cube_shows_three_faces_and_the_shared_numbers_in_red():
    (axis,) = cubes({"BatchNorm": nn.BatchNorm1d(6)}).axes
    cells = [patch for patch in axis.patches if isinstance(patch, Polygon)]
    assert len(cells) == 6 * 6 + 6 * 4 + 6 * 4
    assert sum(map(is_red, cells)) == 6 + 4 + 24  # in front a column, above a row, at the side all
    assert axis.get_title() == "BatchNorm"


def test_who_sees_whom():
    diagonal, triangle = torch.eye(8), torch.ones(8, 8).tril()
    lstm, both = nn.LSTM(8, 8, batch_first=True), nn.LSTM(8, 8, batch_first=True, bidirectional=True)
    conv = nn.Conv1d(8, 8, 3, padding=1)
    assert torch.equal(sees(nn.Linear(8, 5)), diagonal)
    assert torch.equal(sees(lambda x: lstm(x)[0]), triangle)
    assert torch.equal(sees(lambda x: both(x)[0]), torch.ones(8, 8))
    assert torch.equal(sees(lambda x: conv(x.mT).mT), torch.ones(8, 8).tril(1).triu(-1))


def test_a_graph_has_a_box_for_each_step_and_an_arrow_for_each_tensor():
    block = ResidualConvBlock(8, 8, is_res=True).eval()
    (axis,) = graph(block, torch.randn(1, 8, 16, 16)).axes
    said = [text.get_text() for text in axis.texts]
    steps = ["input", *["Conv2d", "BatchNorm2d", "GELU"] * 2, "+", "÷ 1.414", "output"]
    assert [text for text in said if text in steps] == steps
    assert {"conv1.0", "conv2.2"} <= set(said) and said.count("8×16×16") == len(steps)
    arrows = [patch for patch in axis.patches if isinstance(patch, FancyArrowPatch)]
    assert len(arrows) == len(steps) - 1 + 1  # one after the other, and the skip
    assert sum(patch.get_linestyle() == "--" for patch in arrows) == 1


def test_a_graph_without_a_skip_has_no_bent_arrow():
    (axis,) = graph(nn.Sequential(nn.Linear(3, 4), nn.ReLU()), torch.randn(1, 3)).axes
    arrows = [patch for patch in axis.patches if isinstance(patch, FancyArrowPatch)]
    assert len(arrows) == 3 and not any(patch.get_linestyle() == "--" for patch in arrows)


def test_panels_show_sprites_as_they_are_and_numbers_around_a_white_zero():
    sprite = torch.full((3, 4, 4), -1.0)
    sprite[0] = 1.0
    first, second, third = panels({"a": sprite, "b": torch.tensor([[0.0, -2.0], [1.0, 0.5]]), "c": torch.ones(3)}, 2).axes
    assert (first.images[0].get_array()[0, 0] == (255, 0, 0)).all()
    assert second.images[0].get_clim() == (-2, 2) and third.images[0].get_array().shape == (3, 1)
    white, blue, red = (second.images[0].to_rgba(value) for value in (0.0, -2.0, 2.0))
    assert min(white[:3]) > 0.98 and blue[2] > blue[0] and red[0] > red[2]
    assert [axis.get_title() for axis in (first, second, third)] == ["a", "b", "c"]


def test_panels_write_numbers_where_they_are_asked_to():
    (axis,) = panels({"a": torch.tensor([[7.0, 0.25]])}, numbers=True).axes
    assert [text.get_text() for text in axis.texts] == ["7", "0.25"]


def test_panels_of_zeros_are_white():
    (axis,) = panels({"a": torch.zeros(2, 2)}).axes
    assert min(axis.images[0].to_rgba(0.0)[:3]) > 0.98


def test_curves_have_one_plot_each_and_hide_the_rest():
    axes = curves({name: (range(3), [0, 1, k]) for k, name in enumerate("abcd")}, columns=3).axes
    assert [axis.get_title() for axis in axes[:4]] == list("abcd") and len(axes) == 6
    assert [axis.axison for axis in axes] == [True] * 4 + [False] * 2
    assert list(axes[2].lines[0].get_ydata()) == [0, 1, 2]


def test_a_table_is_aligned_and_shortens_numbers():
    assert table_of([("a", "b"), ("name", 0.123456), ("n", 3)], (6, 8)) == "a            b\nname     0.123\nn            3"


def test_nothing_in_the_drawings_names_a_normalisation():
    """They ask autograd: a cube of a layer that PyTorch changes would change with it."""
    source = open(anatomy.__file__, encoding="utf-8").read()
    assert not any(f"nn.{name}" in source for name in ("BatchNorm", "LayerNorm", "GroupNorm", "Conv2d"))
