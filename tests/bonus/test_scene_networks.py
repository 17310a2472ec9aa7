"""The network of the scenes, the classifiers that judge and guide it, and the scores."""

import pytest
import torch
from common import ROOT, load_script
from torch import nn
from torchvision.models import resnet18

from diffusion_lab import collect, load_model, sample_ddim
from diffusion_lab.bonus.attention_unet import Attention
from diffusion_lab.bonus.scene_judge import (
    ClassifierGuided,
    Hits,
    SceneClassifier,
    hits,
    load_course_judge,
    load_scene_classifier,
)
from diffusion_lab.bonus.scene_unet import SceneUnet
from diffusion_lab.bonus.scenes import LABELS
from diffusion_lab.schedules import cosine
from diffusion_lab.weights import NETWORKS

pytestmark = pytest.mark.bonus
WEIGHTS = ROOT / "weights"


# ------------------------------------------------------------------ guidance by a classifier, in a world that is known


class TwoPlaces(nn.Module):
    """Each pixel is N(MEAN, 1) where its label is 1, else N(-MEAN, 1), both equally often; answers with the exact v."""

    MEAN = 1.5

    def __init__(self, schedule, prediction="v"):
        super().__init__()
        self.alpha_bar = schedule.alpha_bar
        self.in_channels, self.height, self.n_cfeat, self.prediction = 1, 2, 4, prediction
        self.told = []

    def parts(self, x, t):
        ab = self.alpha_bar[(t * (len(self.alpha_bar) - 1)).round().long()].to(x)[:, None, None, None]
        return ab.sqrt(), (1 - ab).sqrt()

    def posterior(self, x, t):
        """The logits of p(label = 1 | x_t): x_t is N(a MEAN, 1) or N(-a MEAN, 1)."""
        return 2 * self.parts(x, t)[0] * self.MEAN * x

    def forward(self, x, t, c=None):
        self.told.append(c)
        a, b = self.parts(x, t)
        share = self.posterior(x, t).sigmoid() if c is None else c.reshape(x.shape)
        mean = (2 * share - 1) * self.MEAN
        x0 = mean + a * (x - a * mean)
        return a * (x - a * x0) / b - b * x0


class Posterior(nn.Module):
    """The exact classifier of this world."""

    def __init__(self, world):
        super().__init__()
        self.world = world

    def forward(self, x, t):
        return self.world.posterior(x, t).flatten(1), None


@pytest.mark.parametrize("T", [40, 300])
@pytest.mark.parametrize("scale", [0.0, 1.0, 2.5])
def test_an_exact_classifier_leads_to_exactly_what_the_labels_mean(T, scale):
    schedule = cosine(T)
    world = TwoPlaces(schedule)
    guided = ClassifierGuided(world, Posterior(world), schedule.alpha_bar, scale).eval()
    g = torch.Generator().manual_seed(T)
    x = torch.randn(6, 1, 2, 2, generator=g, dtype=torch.float64)
    t = torch.tensor([1, 3, T // 3, T // 2, T - 5, T - 2], dtype=torch.float64) / T
    c = torch.rand(6, 4, generator=g, dtype=torch.float64).round()
    c[:, 0] = 1  # no label at all would be a null context
    u, told = world(x, t), world(x, t, c)
    assert (u - told).abs().max() > 0.1
    world.told.clear()
    with torch.no_grad():  # as samplers call it
        answer = guided(x, t, c)
    assert world.told == [None] and not answer.requires_grad
    torch.testing.assert_close(answer, u + scale * (told - u), rtol=1e-9, atol=1e-9)
    both = ClassifierGuided(world, Posterior(world), schedule.alpha_bar, scale, told=True).eval()
    torch.testing.assert_close(both(x, t, c), told + scale * (told - u), rtol=1e-9, atol=1e-9)


def test_a_guided_network_goes_into_every_sampler():
    schedule = cosine(60)
    world = TwoPlaces(schedule)
    guided = ClassifierGuided(world, Posterior(world), schedule.alpha_bar, 1.0).eval()
    c = torch.eye(4).repeat(3, 1)
    start = torch.randn(12, 1, 2, 2, generator=torch.Generator().manual_seed(0))
    made, wanted = (
        collect(sample_ddim(net, schedule, 12, c, steps=12, start=start, clip=False)).images for net in (guided, world.eval())
    )
    torch.testing.assert_close(made, wanted, rtol=1e-3, atol=1e-3)


def test_a_null_context_is_answered_without_a_gradient_so_that_guidance_multiplies_the_scale():
    schedule = cosine(60)
    world = TwoPlaces(schedule)
    guided = ClassifierGuided(world, Posterior(world), schedule.alpha_bar, 0.5, told=True).eval()
    g = torch.Generator().manual_seed(0)
    x, c = torch.randn(5, 1, 2, 2, generator=g, dtype=torch.float64), torch.eye(4, dtype=torch.float64)[[0, 1, 2, 3, 0]]
    t = torch.full((5,), 0.5, dtype=torch.float64)
    nothing = torch.zeros_like(c)
    u, told = world(x, t, nothing), world(x, t, c)
    answers = guided(torch.cat((x, x)), torch.cat((t, t)), torch.cat((nothing, c)))  # as `believe` calls it
    lead = told - world(x, t)
    torch.testing.assert_close(answers, torch.cat((u, told + 0.5 * lead)), rtol=1e-9, atol=1e-9)
    assert torch.equal(guided(x, t, nothing), u)


def test_a_network_that_predicts_something_else_is_refused():
    world = TwoPlaces(cosine(40), "eps")
    with pytest.raises(ValueError, match="predicts eps"):
        ClassifierGuided(world, Posterior(world), world.alpha_bar, 1.0)


# ------------------------------------------------------------------ the scores


class Said(nn.Module):
    """A judge that says what is given; the first pixel of a picture is its row, in 1,000ths."""

    def __init__(self, labels, counts):
        super().__init__()
        self.labels, self.counts, self.largest = labels, counts, 0.0

    def forward(self, x):
        self.largest = max(self.largest, x.abs().max().item())
        row = (x[:, 0, 0, 0] * 1000).round().long()
        return self.labels[row], self.counts[row]


def pictures(n):
    return (torch.arange(n) / 1000)[:, None, None, None].expand(-1, 3, 2, 2)


def wishes(*sets, labels=5):
    return torch.stack([torch.zeros(labels).index_fill(0, torch.tensor(one), 1) for one in sets])


def scored(labels, counts, asked):
    judge = Said(torch.tensor(labels), torch.nn.functional.one_hot(torch.tensor(counts), 6).float())
    return hits(judge, pictures(len(labels)), asked)


def test_hits_are_counted_over_all_labels_exact_sets_and_numbers_over_scenes():
    asked = wishes([2], [0, 1, 4], [3, 4], [0])
    labels = [
        [-3.0, -1.0, 2.0, -9.0, -4.0],  # right in all
        [-2.0, 3.0, -1.0, 1.0, -5.0],  # of 0, 1, 4 the top three hold 1 alone, and 3 is above 0.5
        [-7.0, -6.0, -5.0, -1.0, 4.0],  # both on top, but 3 is below 0.5
        [1.0, -1.0, -1.0, -1.0, 2.0],  # another is likelier
    ]
    assert scored(labels, [1, 2, 2, 1], asked) == Hits(top_k=4 / 7, exact=1 / 4, count=3 / 4)


def test_what_was_not_asked_for_makes_a_set_wrong_and_one_half_is_not_above_one_half():
    labels = [[5.0, 1.0, -1.0], [5.0, 0.0, -1.0], [5.0, -1.0, 0.0], [0.0, -1.0, -1.0]]
    assert scored(labels, [1] * 4, wishes([0], [0], [0], [0], labels=3)) == Hits(1.0, 2 / 4, 1.0)


def test_of_equals_the_smaller_number_comes_first_and_no_more_than_k_count():
    equal = [[0.5] * 24]
    first, last, both = (scored(equal, [1], wishes(one, labels=24)).top_k for one in ([0], [23], [0, 23]))
    assert (first, last, both) == (1.0, 0.0, 0.5)
    assert scored([[1.0, 2.0, 2.0, 0.0, 2.0]], [1], wishes([1, 4])).top_k == 0.5  # 1 and 2 come before 4


def test_each_picture_is_judged_by_its_own_wish_in_any_number():
    g = torch.Generator().manual_seed(0)
    n = 602  # more than the judge is shown at a time
    k = torch.arange(n) % 3 + 1
    labels = torch.randn(n, 24, generator=g)
    asked = (labels >= labels.sort(dim=1, descending=True).values.gather(1, k[:, None] - 1)).float()
    judge = Said(torch.where(asked > 0, labels.abs() + 1, -labels.abs() - 1), torch.nn.functional.one_hot(k, 6).float())
    assert hits(judge, pictures(n), asked) == Hits(1.0, 1.0, 1.0)
    shifted = hits(judge, pictures(n), asked.roll(1, 0))
    assert shifted.top_k < 0.25 and shifted.exact < 0.05 and shifted.count == 0.0


def test_the_judge_sees_pictures_within_their_range():
    judge = Said(torch.zeros(1, 5), torch.zeros(1, 6))
    image = torch.full((1, 3, 2, 2), -7.0)
    image[0, 0, 0, 0] = 0
    hits(judge, image, wishes([0]))
    assert judge.largest == 1.0


# ------------------------------------------------------------------ the classifiers and their files


@pytest.mark.parametrize(("labels", "width", "noisy"), [(24, 32, False), (7, 8, True)])
def test_a_classifier_comes_back_from_its_file(tmp_path, labels, width, noisy):
    torch.manual_seed(0)
    model = SceneClassifier(labels, width, noisy).eval()
    path = tmp_path / "one.pt"
    torch.save({"model": model.state_dict()}, path)
    again = load_scene_classifier(path)
    x, t = torch.randn(3, 3, 64, 64), torch.tensor([0.1, 0.5, 0.9])
    named, counted = again(x, t)
    assert (named.shape, counted.shape) == ((3, labels), (3, 6)) and again.noisy is noisy
    assert torch.equal(named, model(x, t)[0]) and torch.equal(counted, model(x, t)[1])
    assert not again.training and not any(p.requires_grad for p in again.parameters())
    assert torch.equal(again(x, 1 - t)[0], named) is not noisy  # only a noisy one looks at the time


def test_a_file_of_something_else_is_refused_in_a_sentence(tmp_path):
    for name, state in (("empty", {}), ("other", {"model": {"body.0.0.weight": torch.zeros(4, 3, 3, 3)}})):
        torch.save(state, tmp_path / name)
        for load in (load_scene_classifier, load_course_judge):
            with pytest.raises(ValueError, match=f"{name} holds no .*: give [^.]*\\.p[^.]*\\.$"):
                load(tmp_path / name)
            with pytest.raises(FileNotFoundError, match="does not exist"):
                load(tmp_path / "missing.pt")


@pytest.fixture(scope="module")
def real():
    """48 held-out scenes: images, labels."""
    draw = load_script(ROOT / "data" / "scenes" / "draw.py")
    sets, seeds = (part[:48] for part in draw.label_sets("held_out"))
    images = torch.from_numpy(draw.render_many(sets, seeds, 1)).permute(0, 3, 1, 2).float() / 127.5 - 1
    return images, torch.stack([torch.zeros(24).index_fill(0, torch.tensor(labels), 1) for labels in sets])


def test_the_judge_names_real_scenes(real):
    images, asked = real
    judge = load_scene_classifier("scene_judge")
    assert hits(judge, images, asked) == Hits(1.0, 1.0, 1.0)
    assert hits(judge, images, asked.roll(3, 0)).top_k < 0.25  # the same numbers of objects, others
    assert hits(judge, images, asked.roll(1, 0)).count == 0.0  # one, two, three objects in turn
    assert hits(judge, images.flip(1), asked).top_k < 0.7  # red and blue change places


def test_the_guide_knows_the_more_the_less_noise_there_is(real):
    images, asked = real
    guide, schedule = load_scene_classifier("scene_guide"), cosine(500)
    g = torch.Generator().manual_seed(0)
    found = []
    for t in (50, 350, 500):
        ab = schedule.alpha_bar[t].float()
        x = ab.sqrt() * images + (1 - ab).sqrt() * torch.randn(images.shape, generator=g)
        labels, _ = guide(x, torch.full((len(x),), t / 500))
        found.append(torch.nn.functional.binary_cross_entropy_with_logits(labels, asked).item())
    assert found[0] < 0.05 and found[0] < found[1] < found[2] < 0.35  # 0.29 is what knowing nothing but the shares costs


class Exercise(nn.Module):
    """The judge of the exercise, as its evaluator.py builds it and scores with it."""

    def __init__(self):
        super().__init__()
        self.resnet18 = resnet18()
        self.resnet18.fc = nn.Sequential(nn.Linear(512, 24), nn.Sigmoid())
        self.eval()

    def accuracy(self, images, asked):
        right = total = 0
        for out, wish in zip(self.resnet18(images), asked, strict=True):
            k = int(wish.sum())
            right += len({*out.topk(k).indices.tolist()} & {*wish.topk(k).indices.tolist()})
            total += k
        return right / total


@torch.no_grad()
def test_the_judge_of_the_exercise_scores_as_its_own_program_does(tmp_path):
    torch.manual_seed(0)
    exercise = Exercise()
    exercise.resnet18.fc[0].weight.mul_(3)
    torch.save({"model": exercise.resnet18.state_dict(), "accuracy": 0.99}, tmp_path / "checkpoint.pth")
    judge = load_course_judge(tmp_path / "checkpoint.pth")
    images = torch.rand(9, 3, 64, 64) * 2 - 1
    labels, counts = judge(images)
    shares = exercise.resnet18(images)
    torch.testing.assert_close(labels.sigmoid(), shares)
    assert counts.argmax(1).tolist() == (shares > 0.5).sum(1).clamp(max=5).tolist() and not judge.training
    order = labels.argsort(1, descending=True)
    asked = torch.zeros(9, 24)
    for row, (wish, likely) in enumerate(zip(asked, order, strict=True)):
        wish[likely[: row % 3 + 1] if row % 2 else likely[1 : row % 3 + 2]] = 1  # some right, some half right
    found = hits(judge, images, asked)
    assert found.top_k == pytest.approx(exercise.accuracy(images, asked)) and 0.3 < found.top_k < 0.9


# ------------------------------------------------------------------ the network


@pytest.mark.parametrize(("n_feat", "n_cfeat", "height", "channels"), [(8, 24, 64, 3), (12, 5, 32, 1)])
def test_the_network_answers_in_the_shape_of_its_pictures(n_feat, n_cfeat, height, channels):
    torch.manual_seed(0)
    model = SceneUnet(channels, n_feat, n_cfeat, height, "eps").eval()
    x, t, c = torch.randn(3, channels, height, height), torch.tensor([0.2, 0.5, 0.9]), torch.eye(n_cfeat)[:3]
    with torch.no_grad():
        answer = model(x, t, c)
        assert answer.shape == x.shape
        torch.testing.assert_close(model(x[1:2], t[1:2], c[1:2]), answer[1:2], rtol=1e-4, atol=1e-5)  # alone as with others
        assert torch.equal(model(x, t), model(x, t, torch.zeros_like(c)))
        for other in ((x, t, c.roll(1, 0)), (x, t.roll(1), c), (x.roll(1, 3), t, c)):
            assert (model(*other) - answer).abs().mean(dim=(1, 2, 3)).min() > 1e-3
    settings = {"in_channels": channels, "n_feat": n_feat, "n_cfeat": n_cfeat, "height": height, "prediction": "eps"}
    assert model.settings == settings
    again = SceneUnet(**settings)
    again.load_state_dict(model.state_dict())


@torch.no_grad()
def test_every_level_attends_and_folded_pixels_are_answered_each_for_itself():
    torch.manual_seed(0)
    model = SceneUnet(3, 8).eval()
    x, t = torch.randn(1, 3, 64, 64), torch.tensor([0.5])
    answer = model(x, t)
    attentions = [part for part in model.modules() if isinstance(part, Attention)]
    assert len(attentions) == 6  # three levels, down and up
    for attention in attentions:
        bias, attention.out.bias = attention.out.bias, nn.Parameter(attention.out.bias + torch.arange(8.0))
        assert (model(x, t) - answer).abs().max() > 1e-3
        attention.out.bias = bias
    moved = x.clone()
    moved[0, :, 20, 30] += 1  # one pixel, in the folded square of rows 20 to 23, columns 28 to 31
    change = (model(moved, t) - answer)[0].abs().sum(0)
    near = change[16:28, 24:36]  # the square and those around it
    assert near.mean() > 2 * change.mean() and near.std() > 0.1 * near.mean()


def test_the_shipped_network_loads_and_listens():
    model, schedule = load_model(WEIGHTS / "scene_unet.pt")
    assert type(model) is SceneUnet and NETWORKS["SceneUnet"] == ".bonus.scene_unet"
    assert model.words.words == LABELS and (schedule.name, schedule.T) == ("cosine", 500) and model.prediction == "v"
    assert model.sampling == ("ddpm", 50, 3.0) and (WEIGHTS / "scene_unet.pt").stat().st_size < 10_000_000
    c = torch.zeros(2, 24)
    c[0, LABELS.index("red sphere")] = c[1, LABELS.index("cyan cylinder")] = 1
    walk = sample_ddim(model, schedule, 2, c, 2.0, torch.Generator().manual_seed(0), steps=8)
    red, cyan = collect(walk).images
    colours = [image.flatten(1)[:, (image.amax(0) - image.amin(0)).flatten().topk(60).indices].mean(1) for image in (red, cyan)]
    assert colours[0].argmax() == 0 and colours[1].argmin() == 0
