"""What L3 says about guidance, words and sums of words is so."""

import copy
import json
from functools import cache

import pytest
import torch
from torch.nn.functional import normalize

from diffusion_lab import CLASSES, collect, load_model, load_sprites, load_words, sample_ddim, sample_dpmpp_2m, to_tensors
from diffusion_lab.points import Cloud, moons
from diffusion_lab.sprites import colours, packaged_file, to_uint8
from diffusion_lab.steps import guide, perturb, target
from diffusion_lab.unet import for_drawing

load_model = cache(load_model)


@pytest.fixture(scope="module")
def network():
    """The network for drawing, its words, and its schedule."""
    model, schedule = load_model()
    return for_drawing(model), model.words, schedule


def draw(network, contexts, s=2.0, **more):
    model, _, schedule = network
    start = torch.randn(len(contexts), 3, 16, 16, generator=torch.Generator().manual_seed(1))
    return list(sample_dpmpp_2m(model, schedule, len(contexts), contexts, s, start=start, **more))


def sums(network, *signed):
    return sum(sign * network[1].context(word) for sign, word in signed)


def has(images, colour):
    """Which pictures have a colour, by the rule on pixels."""
    found, names = colours(to_uint8(images))
    return found[:, names.index(colour)]


def test_guidance_in_an_exact_world_is_not_truer_it_leaves_out_what_is_not_typical():
    points, moon = moons()
    schedule = load_model()[1]
    real = (points + 0.16 * torch.randn(points.shape, generator=torch.Generator().manual_seed(1)))[moon == 0]
    right, reached = {}, {}
    for s in (0, 1, 3):
        world = Cloud(points, schedule, moon, spread=0.16)
        guided = copy.copy(world)
        guided.forward = lambda x, t, c, world=world, s=s: guide(world(x, t), world(x, t, c), s)
        generator = torch.Generator().manual_seed(0)
        walk = sample_ddim(guided, schedule, 100, torch.tensor([1.0, 0.0]), 1.0, generator, steps=20, clip=False)
        made = collect(walk).images.flatten(1).double()
        odds = (-torch.cdist(made, points).square() / (2 * 0.16**2)).softmax(1)
        right[s] = (odds[:, moon == 0].sum(1) > 0.5).double().mean().item()
        reached[s] = (torch.cdist(real, made).amin(1) < 0.15).double().mean().item()
    assert abs(right[0] - 0.5) < 0.15 and 0.85 < right[1] < 1 and right[3] == 1
    assert reached[1] > 0.85 and reached[3] < reached[1] - 0.2


def test_with_strong_guidance_the_early_beliefs_are_too_strong_and_the_sprites_are_not(network):
    held_out, _ = to_tensors(load_sprites("held_out"))
    asked = torch.stack([network[1].context(name) for name in (*CLASSES, "hero")])
    for clip in (True, False):
        states = draw(network, asked, 8.0, clip=clip)
        assert states[-1].x.std() < 1.05 * held_out.std()
        assert (states[-1].x.abs() > 1.05).float().mean() < 0.03
    early = next(state for state in states if state.t <= 400)  # the last walk is the one without clipping
    assert early.x0.std() > 1.05 * held_out.std() and (early.x0.abs() > 1.05).float().mean() > 0.1


def test_words_help_where_there_is_much_noise_and_more_words_help_more(network):
    model, words, schedule = network
    held_out, _ = to_tensors(load_sprites("held_out"))
    index = torch.randperm(len(held_out), generator=torch.Generator().manual_seed(1))[:40]
    x0, all_words = held_out[index], torch.from_numpy(load_words("held_out")[0])[index]
    eps = torch.randn(x0.shape, generator=torch.Generator().manual_seed(2))
    classes = torch.where(torch.arange(len(words.words)) < 5, all_words, 0.0)

    def falls(context, t):
        def error(c):
            with torch.no_grad():
                answer = model(perturb(x0, t, eps, schedule.alpha_bar), torch.full((len(x0),), t / schedule.T), c)
            return (answer - target("v", x0, t, eps, schedule.alpha_bar)).square().mean().item()

        return 1 - error(context) / error(None)

    assert falls(classes, 150) < 0.03 < falls(classes, 450) < falls(all_words, 450)
    assert falls(all_words, 150) < falls(all_words, 450)


def test_what_the_stored_figures_say_about_guidance():
    stored = json.loads(packaged_file("weights", "evaluation.json").read_text())
    of = {e["guidance"]: e for e in stored if (e["weights"], e["sampler"], e["steps"]) == ("context_unet", "dpmpp_2m", 12)}
    one, two, eight = of[1.0]["samples"], of[2.0]["samples"], of[8.0]["samples"]
    assert two["precision"] > one["precision"] + 0.01 and two["colour"] > one["colour"] and two["kind"] > one["kind"]
    assert eight["precision"] < one["precision"] and eight["ratio"] > 1 > two["ratio"]
    assert eight["kind"] <= two["kind"] and eight["colour"] <= two["colour"]
    assert abs(one["recall"] - two["recall"]) < 0.02 and abs(one["recall"] - eight["recall"]) < 0.02
    assert of[1.0]["unseen"] < of[2.0]["unseen"] < of[8.0]["unseen"]


def columns():
    model, _ = load_model()
    return torch.cat([model.contextembed1.model[0].weight, model.contextembed2.model[0].weight]).T.detach()


def test_near_words_are_of_things_with_like_outlines_also_between_classes():
    words, table = load_model()[0].words.words, normalize(columns())
    first, last = words.index("knight"), words.index("red")
    cosines = table[first:last] @ table[first:last].T
    held_out, classes = to_tensors(load_sprites("held_out"))
    has_words = torch.from_numpy(load_words("held_out")[0])
    of_kind = [has_words[:, k] == 1 for k in range(first, last)]
    outlines = torch.stack([(held_out[which].amin(dim=1) < 0.8).float().mean(dim=0).flatten() for which in of_kind])
    class_of = torch.stack([classes[which].sum(dim=0) for which in of_kind]).argmax(dim=1)
    other = torch.triu(class_of[:, None] != class_of)
    both = torch.stack([cosines[other], torch.cdist(outlines, outlines)[other]])
    assert torch.corrcoef(both)[0, 1] < -0.4

    def near(word):
        return [words[first + k] for k in cosines[words.index(word) - first].argsort(descending=True)[1:6]]

    assert {"princess", "priest"} <= set(near("king")) and near("cat")[0] == "dog"
    assert "aubergine" in near("sword") and near("slime")[0] == "hamburger"


def test_a_sum_of_columns_lies_nearest_to_the_words_that_were_put_in():
    model, _ = load_model()
    words, table = model.words, columns()
    for a, b, c in (("mage", "hero", "side_facing"), ("king", "hero", "food"), ("strawberry", "red", "blue")):
        total = (words.context(a) - words.context(b) + words.context(c)) @ table
        nearest = [words.words[k] for k in (normalize(table) @ normalize(total, dim=0)).topk(3).indices]
        assert nearest[0] == a and (a != "mage" or nearest[2] == "wizard")


def test_a_strawberry_is_blue_by_a_sum_of_words_and_not_by_a_prompt(network):
    prompt = sums(network, (1, "strawberry"), (1, "blue")).repeat(4, 1)
    for negative in (None, network[1].context("red")):
        x = draw(network, prompt, negative=negative)[-1].x
        assert has(x, "red").all() and not has(x, "blue").any()
    x = draw(network, sums(network, (1, "strawberry"), (-1, "red"), (1, "blue")).repeat(4, 1))[-1].x
    assert has(x, "blue").all() and not has(x, "red").any()
    strawberries = network[1].descriptions[:, network[1].words.index("strawberry")]
    assert network[1].descriptions[strawberries][:, network[1].words.index("red")].all()
