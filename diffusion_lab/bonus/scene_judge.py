"""Which objects are in a scene? The classifier that judges samples, the one that can guide them, and the scores.

judge = load_scene_classifier("scene_judge")
hits(judge, images, asked)         # Hits(top_k=..., exact=..., count=...)
"""

from pathlib import Path
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..doctor import import_torchvision
from ..files import read_state
from ..language import gettext
from ..sprites import packaged_file
from ..steps import at
from ..weights import BAD_VALUES

COUNTS = 6  # a scene may hold 0 to 5 objects
SHIPPED = ("scene_judge", "scene_guide")


class SceneClassifier(nn.Module):
    """Which of the labels a scene has, and how many objects: (B, 3, 64, 64) in [-1, 1] to logits (B, labels), (B, 6).

    noisy: it is told the time too, and looks at scenes with noise: such a one can guide a sampler.
    """

    def __init__(self, labels: int = 24, width: int = 32, noisy: bool = False):
        super().__init__()
        self.noisy = noisy

        def block(inside: int, outside: int, stride: int) -> nn.Sequential:
            convolution = nn.Conv2d(inside, outside, 3, stride, 1, bias=False)
            return nn.Sequential(convolution, nn.BatchNorm2d(outside), nn.SiLU())

        self.body = nn.Sequential(
            block(3 + noisy, width, 2),  # 32×32
            block(width, 2 * width, 1),
            block(2 * width, 3 * width, 2),  # 16×16
            block(3 * width, 3 * width, 1),
            block(3 * width, 4 * width, 2),  # 8×8
            block(4 * width, 4 * width, 1),
            block(4 * width, 6 * width, 1),
        )
        self.head = nn.Linear(12 * width, labels + COUNTS)

    def forward(self, x: Tensor, t: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """x: (B, 3, 64, 64). t: (B,) times divided by T, for a noisy one."""
        if self.noisy:
            x = torch.cat((x, t.to(x)[:, None, None, None].expand(-1, 1, *x.shape[2:])), dim=1)
        places = self.body(x)
        logits = self.head(torch.cat((places.mean((2, 3)), places.amax((2, 3))), dim=1))
        return logits[:, :-COUNTS], logits[:, -COUNTS:]


def load_scene_classifier(name: str | Path) -> SceneClassifier:
    """ "scene_judge", which judges, "scene_guide", which guides, or the path of another such file; in eval mode.

    Raises FileNotFoundError, another OSError or ValueError, one sentence each.
    """
    path = packaged_file("weights", f"{name}.pt") if name in SHIPPED else Path(name)
    state = read_state(path)
    try:
        weights = state["model"]
        width, inside = weights["body.0.0.weight"].shape[:2]
        model = SceneClassifier(len(weights["head.weight"]) - COUNTS, width, noisy=inside == 4)
        model.load_state_dict(weights)
    except BAD_VALUES as error:
        told = gettext("{path} holds no SceneClassifier: give a file that weights/make_scenes.py wrote.")
        raise ValueError(told.format(path=path)) from error
    return model.eval().requires_grad_(False)


class CourseJudge(nn.Module):
    """The classifier that the exercise judges with: a ResNet18 (He et al. 2016) with one number for each label.

    Answers as SceneClassifier. It knows no number of objects: that is how many labels are above 0.5, at most 5.
    """

    def __init__(self, resnet: nn.Module):
        super().__init__()
        self.resnet = resnet

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """x: (B, 3, 64, 64) in [-1, 1]. Returns logits (B, labels), and (B, 6), 1 for the number of objects, else 0."""
        labels = self.resnet(x)
        counts = (labels > 0).sum(1).clamp(max=COUNTS - 1)
        return labels, F.one_hot(counts, COUNTS).to(labels)


def load_course_judge(path: str | Path) -> CourseJudge:
    """The judge of the exercise's checkpoint.pth, for `hits`; in eval mode.

    The file: {"model": the state_dict of torchvision's ResNet18 with fc = Sequential(Linear(512, 24), Sigmoid())}. The sigmoid
    is left out here: logits order the labels alike, and 0.5 becomes 0. Raises as `load_scene_classifier`.
    """
    resnet, state = import_torchvision().models.resnet18(), read_state(path)
    try:
        weights = state["model"]
        resnet.fc = nn.Sequential(nn.Linear(512, len(weights["fc.0.weight"])))
        resnet.load_state_dict(weights)
    except BAD_VALUES as error:
        told = gettext("{path} holds no ResNet18 as the exercise has it: give the exercise's checkpoint.pth.")
        raise ValueError(told.format(path=path)) from error
    return CourseJudge(resnet).eval().requires_grad_(False)


class Hits(NamedTuple):
    """What `hits` finds, shares from 0 to 1."""

    top_k: float  # of all labels asked for, those among the k likeliest of their scene, k the number asked for
    exact: float  # scenes whose labels above 0.5 are those asked for, no more and no less
    count: float  # scenes with as many objects as were asked for


@torch.no_grad()
def hits(judge: SceneClassifier, images: Tensor, asked: Tensor) -> Hits:
    """images: (B, 3, H, W) in [-1, 1]. asked: (B, labels) of 0 and 1, at least one 1 in each row."""
    asked = asked.to(images.device) > 0
    parts = [judge(part) for part in images.clamp(-1, 1).split(250)]
    labels, counts = (torch.cat(column) for column in zip(*parts, strict=True))
    k = asked.sum(1)
    rank = labels.argsort(dim=1, descending=True, stable=True).argsort(dim=1)  # 0 for the likeliest
    top = (rank < k[:, None]) & asked
    exact = ((labels > 0) == asked).all(1)
    return Hits(top.sum().item() / k.sum().item(), exact.double().mean().item(), (counts.argmax(1) == k).double().mean().item())


class ClassifierGuided(nn.Module):
    """A network that a classifier leads to the labels (Dhariwal & Nichol 2021, algorithm 2), for every sampler.

    The score of x_t given labels is the score of x_t plus the gradient of log p(labels | x_t). In v, with which the network
    answers here, that adds -s sqrt(1 - alpha_bar) / sqrt(alpha_bar) times the gradient.

    scale: s. told: whether the network is told the labels too; they then count more than once, as with a scale above 1.
    A null context is answered without a gradient, so that a sampler's own guidance can be added: it multiplies the scale.
    """

    def __init__(self, model: nn.Module, guide: SceneClassifier, alpha_bar: Tensor, scale: float, told: bool = False):
        super().__init__()
        if model.prediction != "v":
            raise ValueError(f"The classifier's gradient is added to v here, and the network predicts {model.prediction}.")
        self.model, self.guide, self.alpha_bar, self.scale, self.told = model, guide, alpha_bar, scale, told
        self.in_channels, self.height, self.n_cfeat, self.prediction = model.in_channels, model.height, model.n_cfeat, "v"

    def forward(self, x: Tensor, t: Tensor, c: Tensor) -> Tensor:
        """x: (B, 3, H, W). t: (B,) times divided by T. c: (B, labels) of 0 and 1."""
        asked = c.any(dim=1)
        with torch.enable_grad():
            x_t = x[asked].detach().requires_grad_()
            labels, _ = self.guide(x_t, t[asked])
            likelihood = -F.binary_cross_entropy_with_logits(labels, c[asked], reduction="sum")
            gradient = torch.zeros_like(x)
            gradient[asked] = torch.autograd.grad(likelihood, x_t)[0]
        step = (t * (len(self.alpha_bar) - 1)).round().long()
        odds = ((1 - self.alpha_bar) / self.alpha_bar).sqrt()
        return self.model(x, t, c if self.told else None) - self.scale * at(odds, step.to(odds.device), x) * gradient
