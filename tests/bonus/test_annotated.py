"""The annotated DDPM's functions against the package's, and the known mistakes of its lineage: each would be seen here."""

import gzip
import struct
from itertools import islice

import numpy as np
import pytest
import tomllib
import torch
from common import ROOT
from PIL import Image
from torch.utils.data import DataLoader

from diffusion_lab import collect, sample_ddim
from diffusion_lab.bonus.annotated import (
    LOSSES,
    Garments,
    endless,
    fold,
    p_losses,
    p_sample,
    p_sample_loop,
    sample,
    to_picture,
    to_tensor,
    unfold,
)
from diffusion_lab.bonus.attention_unet import AttentionUnet
from diffusion_lab.bonus.fashion import FILES, IMAGES, LABELS, load_fashion
from diffusion_lab.schedules import cosine, quadratic
from diffusion_lab.sprites import packaged_file
from diffusion_lab.training import diffusion_loss

pytestmark = pytest.mark.bonus


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    return AttentionUnet(n_feat=8, n_cfeat=4, height=8).eval().requires_grad_(False)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


# ------------------------------------------------------------------ sampling


@pytest.mark.parametrize("context", [None, torch.eye(4)[[0, 2, 1]]])
def test_sample_is_ddim_with_eta_1_and_all_steps_bit_for_bit(model, context):
    schedule = cosine(12)
    walk = collect(sample_ddim(model, schedule, 3, context, generator=seeded(), steps=12, eta=1.0))
    x = torch.randn(3, 1, 8, 8, generator=(generator := seeded()))
    pictures = p_sample_loop(model, schedule, x, context, generator)
    assert torch.equal(torch.stack(pictures), walk.frames)
    assert torch.equal(sample(model, schedule, 3, context, seeded()), walk.images)


class Believes(torch.nn.Module):
    """A network that always believes in the same picture."""

    prediction = "x0"

    def __init__(self, x0):
        super().__init__()
        self.x0 = x0

    def forward(self, x, t, c=None):
        return self.x0.expand_as(x)


def test_a_step_draws_from_the_posterior_by_bayes_rule():
    """Two Gaussian clues to x at t - 1: from x0, and from x_t. Their product has precisions added."""
    schedule, t = cosine(40), 17
    ab, ab_prev = schedule.alpha_bar[t], schedule.alpha_bar[t - 1]
    alpha = ab / ab_prev
    x_t, z, x0 = torch.randn(5, 1, 2, 2), torch.randn(5, 1, 2, 2), torch.tensor(0.4)
    precisions = 1 / (1 - ab_prev), alpha / (1 - alpha)
    mean = (precisions[0] * ab_prev.sqrt() * x0 + precisions[1] * x_t / alpha.sqrt()) / sum(precisions)
    expected = mean + sum(precisions) ** -0.5 * z
    assert torch.allclose(p_sample(Believes(x0), schedule, x_t, t, None, z), expected.float(), atol=1e-5)


def test_the_belief_is_clipped_before_the_step():
    """Mistake: x0 never clipped. The last step gives the belief itself, so it shows."""
    x_t = torch.randn(2, 1, 4, 4)
    assert torch.equal(p_sample(Believes(torch.tensor(3.0)), cosine(40), x_t, 1, None, 0 * x_t), torch.ones(2, 1, 4, 4))


# ------------------------------------------------------------------ losses


def test_the_square_is_the_packages_loss_and_the_others_are_written_out(model):
    x0, c, t, eps = torch.randn(3, 1, 8, 8), torch.eye(4)[:3], torch.tensor([3, 40, 12]), torch.randn(3, 1, 8, 8)
    schedule = cosine(40)
    assert torch.allclose(p_losses(model, x0, c, t, eps, schedule), diffusion_loss(model, x0, c, t, eps, schedule))
    a, b = torch.tensor([0.3, -2.0, 0.0]), torch.zeros(3)
    assert LOSSES["l1"](a, b).item() == pytest.approx(2.3 / 3)
    assert LOSSES["huber"](a, b).item() == pytest.approx((0.5 * 0.09 + 1.5) / 3)
    assert p_losses(model, x0, c, t, eps, schedule, "l1") != p_losses(model, x0, c, t, eps, schedule, "huber")


# ------------------------------------------------------------------ pictures


def test_a_picture_becomes_a_tensor_and_comes_back():
    cat = Image.open(packaged_file("data", "fashion/chelsea.png"))
    x = to_tensor(cat)
    assert x.shape == (3, 128, 128) and x.min() >= -1 and x.max() <= 1 and x.std() > 0.2
    assert np.array_equal(np.asarray(to_picture(x)), np.asarray(cat))
    assert to_picture(x[:1]).mode == "L"


@pytest.mark.parametrize(("value", "level"), [(-1.0, 0), (0.0, 128), (1.0, 255), (1.3, 255), (-1.02, 0), (9.0, 255)])
def test_what_lies_outside_is_clipped_before_it_becomes_a_byte(value, level):
    """Mistake: astype(uint8) without clipping, which keeps the last eight bits: 1.3 would be 37."""
    assert np.asarray(to_picture(torch.full((1, 2, 2), value))).tolist() == [[level] * 2] * 2


def test_folded_pictures_hold_the_same_numbers_square_by_square():
    x = torch.rand(3, 1, 28, 28) * 2 - 1
    folded = fold(x)
    assert folded.shape == (3, 4, 16, 16) and torch.equal(unfold(folded), x)
    assert torch.equal(folded[:, :, 1, 1], x[:, 0, :2, :2].flatten(1))  # the first square inside the frame
    edge = torch.cat([folded[:, :, [0, -1]].flatten(), folded[..., [0, -1]].flatten()])
    assert (edge == -1).all() and folded.sum() == pytest.approx(x.sum().item() - 3 * (32**2 - 28**2), rel=1e-4)


def test_quadratic_takes_roots_not_squares():
    beta = 1 - quadratic(300).alpha_bar[1:] / quadratic(300).alpha_bar[:-1]
    assert torch.allclose(beta.sqrt().diff(), beta.sqrt().diff()[0].expand(299), atol=1e-9)
    assert beta[0].item() == pytest.approx(1e-4) and beta[-1].item() == pytest.approx(0.02)


# ------------------------------------------------------------------ data


def test_garments_are_flipped_about_half_the_time_and_told_by_their_context():
    images = -torch.ones(400, 1, 28, 28)
    images[..., :14] = 1.0
    labels = torch.arange(400) % 10
    torch.manual_seed(0)
    items = [Garments(images, labels)[k] for k in range(400)]
    bright_left = torch.tensor([x[0, 0, 0] > 0.9 for x, _ in items])
    assert 150 < bright_left.sum() < 250
    assert all(
        torch.allclose(x, image) or torch.allclose(x, image.flip(2)) for (x, _), image in zip(items, images, strict=True)
    )
    assert torch.equal(torch.stack([c for _, c in items]), torch.eye(10)[labels])


def test_batches_are_counted_on_over_all_passes():
    """Mistake: a counter that restarts at each pass of 469 batches never reaches 1,000."""
    loader = DataLoader(torch.arange(469), batch_size=1)
    counted = [number for number, _ in islice(endless(loader), 2001)]
    assert counted == list(range(1, 2002)) and [n for n in counted if n % 1000 == 0] == [1000, 2000]


def write_idx(folder, images, labels, packed, split="train"):
    """The two files of a split as the set has them."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, values, kind in (("images-idx3", images, IMAGES), ("labels-idx1", labels, LABELS)):
        data = struct.pack(f">{1 + values.ndim}I", kind, *values.shape) + values.tobytes()
        path = folder / f"{FILES[split]}-{name}-ubyte{'.gz' if packed else ''}"
        path.write_bytes(gzip.compress(data) if packed else data)


@pytest.mark.parametrize(
    ("inside", "packed"), [("", True), ("", False), ("FashionMNIST/raw", False), ("FashionMNIST/raw", True)]
)
@pytest.mark.parametrize("split", ["train", "test"])
def test_the_set_is_read_from_a_folder_of_idx_files_or_torchvisions(tmp_path, inside, packed, split):
    r = np.random.default_rng(0)
    images, labels = r.integers(0, 256, (7, 28, 28)).astype(np.uint8), r.integers(0, 10, 7).astype(np.uint8)
    write_idx(tmp_path / inside, images, labels, packed, split)
    x, y = load_fashion(split, tmp_path)
    assert x.shape == (7, 1, 28, 28) and x.dtype == torch.float32 and y.tolist() == labels.tolist()
    assert np.array_equal(((x + 1) * 127.5).round().numpy()[:, 0], images) and x.min() >= -1 and x.max() <= 1


def test_torchvision_reads_the_shipped_part_as_we_do(tmp_path):
    from torchvision.datasets.mnist import read_image_file

    raw = gzip.decompress(packaged_file("data", "fashion/t10k-images-idx3-ubyte.gz").read_bytes())
    (tmp_path / "images").write_bytes(raw)
    theirs = read_image_file(tmp_path / "images")
    ours, labels = load_fashion("test")
    assert torch.equal(((ours[:, 0] + 1) * 127.5).round().byte(), theirs)
    assert labels.bincount().tolist() == [50] * 10
    images, labels = load_fashion()
    assert images.shape == (2000, 1, 28, 28) and labels.bincount().tolist() == [200] * 10
    assert len({image.numpy().tobytes() for image in torch.cat([images, ours])}) == 2500  # none comes twice


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda f: (f / "train-images-idx3-ubyte").unlink(), "holds no train-images-idx3-ubyte: give the folder"),
        (lambda f: (f / "train-labels-idx1-ubyte").write_bytes(b"abc"), "is no whole idx file: take a fresh copy"),
        (lambda f: (f / "train-labels-idx1-ubyte").open("ab").write(b"x"), "is no whole idx file: take a fresh copy"),
        (lambda f: write_idx(f, np.zeros((7, 28, 28), np.uint8), np.zeros(6, np.uint8), False), "do not belong together"),
        (lambda f: write_idx(f, np.zeros((7, 28, 28), np.uint8), np.full(7, 10, np.uint8), False), "do not belong together"),
        (lambda f: write_idx(f, np.zeros((7, 28, 27), np.uint8), np.zeros(7, np.uint8), False), "do not belong together"),
    ],
)
def test_what_is_wrong_with_the_files_is_said_in_a_sentence(tmp_path, spoil, message):
    write_idx(tmp_path, np.zeros((7, 28, 28), np.uint8), np.zeros(7, np.uint8), False)
    spoil(tmp_path)
    with pytest.raises((FileNotFoundError, ValueError), match=message):
        load_fashion("train", tmp_path)


def test_another_split_is_refused():
    with pytest.raises(ValueError, match="split must be train or test, not 'held_out'"):
        load_fashion("held_out")


def test_the_wheel_carries_what_the_notebook_reads():
    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["hatch"]["build"]["targets"]["wheel"]
    carried = set(wheel["only-include"])  # paths: a pattern would match nothing, and say nothing
    assert all((ROOT / path).exists() for path in carried)
    garments = {path.relative_to(ROOT).as_posix() for path in (ROOT / "data" / "fashion").glob("*.gz")}
    weights = {f"weights/fashion{end}" for end in ("_unet.pt", "_classifier.pt", ".json", "_compared.json", "_compared.png")}
    assert len(garments) == 4 and garments | weights | {"data/fashion/chelsea.png"} <= carried
