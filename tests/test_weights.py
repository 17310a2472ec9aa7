"""Files of weights: what they say of themselves, what is made of it, and what is told of other files."""

import inspect
import json
import os
import struct

import pytest
import torch

from diffusion_lab import ContextUnet, Run, TrainConfig, collect, load_model, weights
from diffusion_lab.files import read_state
from diffusion_lab.samplers import SAMPLERS
from diffusion_lab.schedules import linear, sigmoid
from diffusion_lab.sprites import CLASSES, colours, load_words, packaged_file, to_uint8
from diffusion_lab.weights import Sampling, VersionError, history, save
from diffusion_lab.words import Vocabulary

WORDS = Vocabulary.of(("dragon", "red", "fried egg"), torch.tensor([[1.0, 1, 0], [0, 0, 1], [1, 1, 0]]))
HISTORY = {"updates": 3, "losses": [0.5, 0.25], "config": {"updates": 3}}


def network(seed=0, prediction="v", n_cfeat=3, **more):
    """A small network in eval mode that differs from a new one in BatchNorm's statistics, too."""
    torch.manual_seed(seed)
    model = ContextUnet(n_feat=8, n_cfeat=n_cfeat, prediction=prediction, **more)
    model(torch.randn(8, 3, model.height, model.height), torch.rand(8), torch.rand(8, n_cfeat))
    return model.eval()


def same_answers(a, b):
    x, t, c = torch.randn(2, 3, a.height, a.height), torch.tensor([0.2, 1]), torch.rand(2, a.n_cfeat)
    with torch.no_grad():
        return torch.allclose(a(x, t, c), b(x, t, c), rtol=1e-4, atol=1e-5)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "w.pt"


@pytest.fixture
def ours(path):
    save(path, network(), sigmoid(30), WORDS, Sampling("dpmpp_2m", 7, 2.5), HISTORY)
    return path


# ------------------------------------------------------------------ files that describe themselves


@pytest.mark.parametrize("prediction", ["eps", "v", "x0"])
def test_what_is_saved_is_what_is_loaded(prediction, path):
    saved, schedule = network(1, prediction, height=8), sigmoid(30)
    save(path, saved, schedule, WORDS, Sampling("dpmpp_2m", 7, 2.5), HISTORY)
    model, loaded = load_model(path)
    assert model.settings == saved.settings and model.prediction == prediction and model.height == 8
    for name, tensor in saved.state_dict().items():
        assert torch.equal(model.state_dict()[name], tensor), name
    assert same_answers(model, saved)
    assert not model.training and not any(p.requires_grad for p in model.parameters())
    assert loaded.name == "sigmoid" and torch.equal(loaded.alpha_bar, schedule.alpha_bar)
    assert model.words.words == WORDS.words
    assert torch.equal(model.words.descriptions, WORDS.descriptions) and torch.equal(model.words.counts, WORDS.counts)
    assert model.words.counts.tolist() == [1, 2] and model.sampling == Sampling("dpmpp_2m", 7, 2.5)
    assert history(path) == HISTORY


def test_a_schedule_is_loaded_as_it_is_and_not_made_again_from_its_name(path):
    own = weights.Schedule("cosine", torch.tensor([1, 0.5, 0.1], dtype=torch.float64))
    save(path, network(), own, WORDS, Sampling(steps=2), {})
    assert load_model(path)[1].alpha_bar.tolist() == [1, 0.5, 0.1]


@pytest.mark.parametrize("name", ["context_unet", "few_steps"])
def test_the_networks_of_the_package_load_by_name_and_draw_as_they_are_meant_to(name):
    model, schedule = load_model(name)
    how = model.sampling
    assert model.words.words == load_words()[1] and len(model.words.descriptions) > 100 and how.steps <= schedule.T
    assert int(model.words.counts.sum()) == len(load_words()[0])  # it has seen each sprite of the training set
    assert history(weights.weights_path(name))["updates"] > 1000
    c, _ = model.words.contexts("red potion", 8, torch.Generator().manual_seed(0))
    g = torch.Generator().manual_seed(0)
    images = collect(SAMPLERS[how.sampler](model, schedule, 8, c, how.guidance, g, steps=how.steps)).images
    found, words = colours(to_uint8(images))
    assert images.shape == (8, 3, 16, 16) and found[:, words.index("red")].sum() >= 7


def test_without_a_name_it_is_the_first_of_the_package():
    assert weights.weights_path() == weights.weights_path("context_unet") == packaged_file("weights", "context_unet.pt")
    assert weights.weights_path("few_steps") == packaged_file("weights", "few_steps.pt")
    assert weights.weights_path("mine.pt").name == "mine.pt"


def test_a_checkpoint_loads_as_its_average(path):
    run = Run(TrainConfig(n_feat=8, updates=4, batch=2), words=WORDS.words, sampling=Sampling("ddpm", 9, 1.0))
    images, contexts = torch.rand(4, 3, 16, 16), torch.eye(3)[[0, 1, 1, 2]]
    for _ in run.advance(images, contexts):
        pass
    run.save(path)
    model, _ = load_model(path)
    assert torch.equal(model.out[3].bias, run.ema.model.out[3].bias)
    assert not torch.equal(model.out[3].bias, run.model.out[3].bias)
    assert model.words.words == WORDS.words and sorted(model.words.counts.tolist()) == [1, 1, 2]
    assert model.sampling == Sampling("ddpm", 9, 1.0)


class Tiny(torch.nn.Module):
    """A network of another class, as the bonus notebooks have."""

    in_channels, height, prediction, settings = 3, 16, "v", {"n_cfeat": 3}

    def __init__(self, n_cfeat):
        super().__init__()
        self.n_cfeat = n_cfeat
        self.layer = torch.nn.Conv2d(3, 3, 1)

    def forward(self, x, t, c=None):
        return self.layer(x)


def test_a_network_of_another_class_is_found_in_the_table_and_nowhere_else(path, monkeypatch):
    save(path, Tiny(3), linear(30), WORDS, Sampling(), {})
    with pytest.raises(ValueError, match='under "network" is damaged, or unknown'):
        load_model(path)
    monkeypatch.setitem(weights.NETWORKS, "Tiny", __name__)
    assert type(load_model(path)[0]) is Tiny


# ------------------------------------------------------------------ damaged descriptions


def changed(state, where, value):
    """A copy of nested dictionaries with another value in one place."""
    first, *rest = where
    return state | {first: changed(state[first], rest, value) if rest else value}


BAD_TABLE = torch.ones(3, dtype=torch.float64)
DAMAGES = {
    "network": [
        (("network",), None),
        (("network", "class"), "Linear"),
        (("network", "class"), ["ContextUnet"]),
        (("network", "settings", "n_feat"), "8"),
        (("network", "settings", "n_feat"), 9),
        (("network", "settings", "n_feat"), -8),
        (("network", "settings", "height"), 16.5),
        (("network", "settings", "prediction"), "noise"),
        (("network", "settings", "colour"), 1),
        (("network", "settings"), [1]),
    ],
    "schedule": [
        (("schedule",), "cosine"),
        (("schedule", "T"), 30),
        (("schedule", "name"), 3),
        (("schedule", "alpha_bar"), 500),
        (("schedule", "alpha_bar"), [1.0, 0.5]),
        (("schedule", "alpha_bar"), BAD_TABLE),
        (("schedule", "alpha_bar"), linear(30).alpha_bar.float()),
        (("schedule", "alpha_bar"), torch.tensor([1, torch.nan, 0.1]).double()),
    ],
    "words": [
        (("words",), ["dragon"]),
        (("words", "words"), [1, 2, 3]),
        (("words", "words"), ["dragon", "red"]),
        (("words", "words"), 3),
        (("words", "descriptions"), None),
        (("words", "descriptions"), WORDS.descriptions[:, :2]),
        (("words", "descriptions"), WORDS.descriptions.float()),
        (("words", "counts"), torch.tensor([1, -2])),
        (("words", "counts"), torch.tensor([1])),
        (("words", "counts"), [1, 2]),
        (("words",), {"words": ["a dog"], "descriptions": torch.zeros(0, 1).bool(), "counts": torch.zeros(0).long()}),
    ],
    "sampling": [
        (("sampling",), None),
        (("sampling", "sampler"), "euler"),
        (("sampling", "sampler"), ["ddim"]),
        (("sampling", "steps"), 0),
        (("sampling", "steps"), 31),
        (("sampling", "steps"), 2.0),
        (("sampling", "guidance"), float("nan")),
        (("sampling", "guidance"), "much"),
        (("sampling", "eta"), 1.0),
    ],
}


@pytest.mark.parametrize(("part", "where", "value"), [(part, *damage) for part in DAMAGES for damage in DAMAGES[part]])
def test_a_field_of_a_wrong_type_is_one_sentence(part, where, value, ours):
    torch.save(changed(torch.load(ours, weights_only=True), where, value), ours)
    with pytest.raises(ValueError, match=f'under "{part}" is damaged, or unknown to this package: take a fresh copy') as caught:
        load_model(ours)
    assert str(ours) in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize("part", [*DAMAGES])
def test_a_missing_part_is_one_sentence(part, ours):
    state = torch.load(ours, weights_only=True)
    del state[part]
    torch.save(state, ours)
    with pytest.raises(ValueError, match=f'w\\.pt says under "{part}" is damaged'):
        load_model(ours)


def test_nothing_is_imported_that_a_file_names(ours, monkeypatch):
    imported = []
    monkeypatch.setattr(weights, "import_module", lambda *names: imported.append(names))
    for name in ("os", "os.system", "diffusion_lab.unet", ".doctor", "antigravity"):
        torch.save(changed(torch.load(ours, weights_only=True), ("network", "class"), name), ours)
        with pytest.raises(ValueError, match='under "network"'):
            load_model(ours)
    assert not imported


def test_weights_of_another_size_are_refused(ours):
    for setting in ({"n_feat": 16}, {"height": 32}, {"in_channels": 1}):
        state = torch.load(ours, weights_only=True)
        state["network"]["settings"] |= setting
        torch.save(state, ours.with_name("other.pt"))
        with pytest.raises(ValueError, match=r"other\.pt holds weights of another network"):
            load_model(ours.with_name("other.pt"))


@pytest.mark.parametrize("state", [{}, None, 3, {"out.3.weight": 1}, network(n_cfeat=4).state_dict()])
def test_weights_that_do_not_fit_the_description_are_refused(state, ours):
    torch.save(torch.load(ours, weights_only=True) | {"model": state}, ours)
    with pytest.raises(ValueError, match=r"w\.pt holds weights of another network"):
        load_model(ours)


# ------------------------------------------------------------------ other people's files


@pytest.mark.parametrize("shape", [{}, {"n_feat": 16}, {"height": 32}, {"n_cfeat": 7, "n_feat": 8, "in_channels": 1}])
def test_a_state_dict_of_the_course_loads(shape, path):
    torch.manual_seed(2)
    theirs = ContextUnet(**shape).eval()
    torch.save(theirs.state_dict(), path)
    model, schedule = load_model(path)
    assert model.settings == theirs.settings and model.prediction == "eps"
    assert schedule.name == "linear" and torch.equal(schedule.alpha_bar, linear(500).alpha_bar)
    names = ("word 1", "word 2", "word 3", "word 4", "word 5", "word 6", "word 7")
    assert model.words.words == (names if "n_cfeat" in shape else CLASSES) and model.sampling == Sampling()
    c = model.words.contexts(f"{model.words.words[0]} + 0.6 {model.words.words[2]}", 2)[0]
    x, t = torch.randn(2, theirs.in_channels, theirs.height, theirs.height), torch.ones(2)
    with torch.no_grad():
        torch.testing.assert_close(model(x, t, c), theirs(x, t, c), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("prefix", ["", "module.", "_orig_mod.", "_orig_mod.module.", "module._orig_mod."])
@pytest.mark.parametrize("wrapper", [None, "state_dict", "model_state_dict", "model"])
def test_a_wrapped_state_dict_loads(prefix, wrapper, path):
    theirs = network(3, "eps", n_cfeat=5)
    state = {prefix + name: tensor for name, tensor in theirs.state_dict().items()}
    torch.save(state if wrapper is None else {"epoch": 31, wrapper: state}, path)
    assert same_answers(load_model(path)[0], theirs)


class Unsafe:
    """What a weights file must not be able to run."""

    def __reduce__(self):
        return (os.system, ("touch harm",))


def cut(path, share):
    save(path, network(), linear(30), WORDS, Sampling(), {})
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])


def safetensors(path):
    about = json.dumps({"out.3.bias": {"dtype": "F32", "shape": [3], "data_offsets": [0, 12]}}).encode()
    path.write_bytes(struct.pack("<Q", len(about)) + about + bytes(12))


def format_1(path):
    """As this package wrote it before files described themselves."""
    config = {"steps": 1, "T": 500, "schedule": "linear", "prediction": "v", "n_feat": 8}
    torch.save(
        {"kind": "diffusion_lab weights", "config": config, "step": 1, "model": network(n_cfeat=5).state_dict()},
        path,
    )


POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1\nsize 9669825\n"
OTHERS = {
    "missing": (lambda path: None, "does not exist: give a file that `train` wrote"),
    "a folder": (lambda path: path.mkdir(), "is a folder: give a file that `train` wrote"),
    "empty": (lambda path: path.write_bytes(b""), "is empty; take a fresh copy"),
    "text": (lambda path: path.write_text("hello"), "is truncated or no weights file"),
    "cut": (lambda path: cut(path, 0.5), "is truncated: its end is missing"),
    "cut early": (lambda path: cut(path, 0.01), "is truncated: its end is missing"),
    "pointer": (lambda path: path.write_text(POINTER), "is only a pointer of Git LFS to the weights: run `git lfs pull`"),
    "web page": (lambda path: path.write_text("\n<!DOCTYPE html>\n<html><body>404"), "is a web page, not the file"),
    "old web page": (lambda path: path.write_text("<HTML><body>Sign in"), "is a web page, not the file"),
    "safetensors": (safetensors, "is a safetensors file: read it with safetensors.torch.load_file"),
    "whole network": (lambda path: torch.save(network(), path), r"not opened: save its state_dict\(\) instead"),
    "old whole network": (
        lambda path: torch.save(network(), path, _use_new_zipfile_serialization=False),
        r"not opened: save its state_dict\(\) instead",
    ),
    "harmful": (lambda path: torch.save({"a": Unsafe()}, path), r"not opened: save its state_dict\(\) instead"),
    "format 1": (format_1, "was written by another version of diffusion_lab"),
    "format 3": (
        lambda path: torch.save({"kind": "diffusion_lab weights", "format": 3}, path),
        "was written by another version of diffusion_lab: train again, take a fresh copy, or update the package",
    ),
    "classifier": (
        lambda path: path.write_bytes(packaged_file("weights", "label_classifier.pt").read_bytes()),
        "holds a classifier, which cannot draw: give weights of a network",
    ),
    "list": (lambda path: torch.save([1, 2], path), "holds no network's weights"),
    "a tensor": (lambda path: torch.save(torch.ones(3), path), "holds no network's weights"),
    "foreign": (lambda path: torch.save({"w": torch.ones(3)}, path), "weights of another network"),
    "numbers for names": (lambda path: torch.save({1: torch.ones(3)}, path), "weights of another network"),
    "linear": (lambda path: torch.save(torch.nn.Linear(2, 2).state_dict(), path), "weights of another network"),
    "odd width": (
        lambda path: torch.save(network().state_dict() | {"out.3.weight": torch.ones(3, 9, 3, 3)}, path),
        "weights of another network",
    ),
    "no tensor": (lambda path: torch.save(network().state_dict() | {"out.3.weight": 1}, path), "weights of another network"),
    "one is missing": (
        lambda path: torch.save({k: v for k, v in network().state_dict().items() if k != "out.3.bias"}, path),
        "weights of another network",
    ),
}


@pytest.mark.parametrize("other", [*OTHERS])
def test_other_files_are_refused_in_one_sentence(other, path, monkeypatch):
    monkeypatch.chdir(path.parent)
    make, message = OTHERS[other]
    make(path)
    with pytest.raises((ValueError, FileNotFoundError), match=message) as caught:
        load_model(path)
    assert str(path) in str(caught.value) and "\n" not in str(caught.value) and str(caught.value).endswith(".")
    assert not (path.parent / "harm").exists()


def test_a_safetensors_file_is_known_by_its_name_too(tmp_path):
    (tmp_path / "w.safetensors").write_bytes(bytes(100))
    with pytest.raises(ValueError, match=r"w\.safetensors is a safetensors file"):
        load_model(tmp_path / "w.safetensors")


def test_other_versions_have_an_error_of_their_own(path):
    format_1(path)
    with pytest.raises(VersionError):
        load_model(path)


def test_a_file_that_must_not_be_read_is_one_sentence(ours, monkeypatch):
    def no(*arguments, **more):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("builtins.open", no)
    with pytest.raises(OSError, match=r"w\.pt could not be read \(Permission denied\); change its permissions") as caught:
        read_state(ours)
    assert "\n" not in str(caught.value)


def test_files_are_opened_without_running_what_is_in_them():
    assert "weights_only=True" in inspect.getsource(read_state)
