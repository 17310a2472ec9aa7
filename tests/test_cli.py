"""The command line, as a user calls it: in a process of its own where that matters, else through main()."""

import hashlib
import json
import os
import subprocess
import sys
import types
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from common import ROOT
from PIL import Image

from diffusion_lab import ContextUnet, Run, State, TrainConfig, commands, diary, doctor, load_model, load_words, sprites, viz
from diffusion_lab.__main__ import main
from diffusion_lab.devices import gains_from_bf16
from diffusion_lab.metrics import Evaluation, Scores
from diffusion_lab.samplers import SAMPLERS


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    path = tmp_path_factory.mktemp("weights") / "w.pt"
    run = Run(TrainConfig(updates=1, n_feat=16))
    with torch.no_grad():  # a new network hardly hears the context; this one does
        for name, p in run.ema.model.named_parameters():
            if "contextembed" in name:
                p.mul_(30)
    run.export(path)
    return path


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def sample(weights, *more):
    return main(["sample", "--weights", str(weights), "-n", "4", "--steps", "3", *more])


def refused(capsys, *arguments):
    """The one sentence with which a command line is refused."""
    try:
        status = main(list(arguments))
    except SystemExit as left:  # so argparse refuses
        status = left.code
    said = capsys.readouterr()
    assert status == 2 and said.out == "" and len(said.err.strip().splitlines()) == 1, said
    return said.err.strip()


@pytest.fixture
def asked(monkeypatch):
    """What samplers are asked for: spies that draw nothing stand in their place."""
    calls = []

    def spy(name):
        def sampler(model, schedule, n, context=None, guidance=1.0, generator=None, *, negative=None, steps, **more):
            calls.append(types.SimpleNamespace(**locals(), sampler=name))
            for t in range(steps, -1, -1):
                x = torch.rand(n, 3, 16, 16)
                yield State(t, x, -x)

        return sampler

    for name in SAMPLERS:
        monkeypatch.setitem(SAMPLERS, name, spy(name))
    return calls


def test_the_same_seed_writes_the_same_bytes(weights, tmp_path):
    for name in ("a.gif", "a.png"):
        assert sample(weights, "hero", "--out", name) == 0
        first = (tmp_path / name).read_bytes()
        assert sample(weights, "hero", "--out", name) == 0
        assert (tmp_path / name).read_bytes() == first
        assert sample(weights, "hero", "--out", name, "--seed", "1") == 0
        assert (tmp_path / name).read_bytes() != first


def test_a_png_is_the_sheet_and_a_gif_the_film(weights, tmp_path):
    assert sample(weights, "--out", "a.png") == 0 and sample(weights, "--out", "a.gif") == 0
    assert Image.open(tmp_path / "a.png").size == (4 * 69, 4 * 18)
    assert Image.open(tmp_path / "a.gif").n_frames == 4


def test_sampler_guidance_prompt_and_eta_change_the_result(weights, tmp_path):
    pictures = set()
    variants = [
        ["hero"],
        ["food"],
        ["hero + 0.5 food"],
        ["hero", "not food"],
        [],
        ["hero", "--guidance", "4"],
        ["hero", "--eta", "1"],
        ["hero", "--sampler", "ddpm"],
        ["hero", "--sampler", "dpmpp_2m"],
    ]
    for options in variants:
        assert sample(weights, "--out", "a.png", *options) == 0
        pictures.add((tmp_path / "a.png").read_bytes())
    assert len(pictures) == len(variants)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--out", "a.png"], "by few_steps, ddim, 4 steps, guidance 1,"),
        (["red potion", "--out", "a.PNG"], ' of "red potion" by few_steps, ddim, 4 steps, guidance 1,'),
        (["--out", "a.png", "--steps", "2"], "by few_steps, ddim, 2 steps, guidance 1,"),
        (["--out", "a.png", "--steps", "5"], "by context_unet, dpmpp_2m, 5 steps, guidance 2,"),
        (["slime, not green", "--out", "a.png"], "by context_unet, dpmpp_2m, 12 steps, guidance 2,"),
        (["--out", "a.png", "--guidance", "3"], "by context_unet, dpmpp_2m, 12 steps, guidance 3,"),
        (["--out", "a.png", "--sampler", "ddim"], "by context_unet, ddim, 25 steps, guidance 2,"),
        (["--out", "a.png", "--sampler", "ddpm"], "by context_unet, ddpm, 500 steps, guidance 2,"),
        (["--out", "a.png", "--weights", "context_unet"], "by context_unet, dpmpp_2m, 12 steps, guidance 2,"),
        (["--out", "a.png", "--weights", "few_steps"], "by few_steps, ddim, 4 steps, guidance 1,"),
        (["--out", "a.gif"], "by context_unet, dpmpp_2m, 31 steps, guidance 2,"),
        (["--out", "a.gif", "--steps", "7"], "by context_unet, dpmpp_2m, 7 steps, guidance 2,"),
        (["--out", "a.gif", "--sampler", "ddpm"], "by context_unet, ddpm, 500 steps, guidance 2,"),
        (["--out", "a.gif", "--weights", "few_steps"], "by few_steps, ddim, 4 steps, guidance 1,"),
    ],
)
def test_the_network_and_its_settings_suit_what_is_asked_for(arguments, said, asked, capsys):
    assert main(["sample", "-n", "2", "--seed", "5", *arguments]) == 0
    out, (call,) = capsys.readouterr().out, asked
    assert out.startswith(f"{arguments[arguments.index('--out') + 1]}: 2 sprites") and out.endswith(f"{said} seed 5\n")
    assert f"{call.sampler}, {call.steps} steps, guidance {call.guidance:g}," in said
    assert (call.schedule.T == 4) == ("few_steps" in said)


def test_a_film_has_32_frames(asked, tmp_path):
    for options in ([], ["--sampler", "ddpm"], ["--steps", "45"], ["--steps", "9"]):
        assert main(["sample", "-n", "1", "--out", "a.gif", *options]) == 0
        assert Image.open(tmp_path / "a.gif").n_frames == (10 if "9" in options else 32)


def test_words_become_contexts_and_what_is_excluded_a_negative_one(asked):
    assert main(["sample", "slime", "not", "green", "-n", "9", "--out", "a.png"]) == 0  # quotes may be left out
    assert main(["sample", "-n", "9", "--out", "a.png"]) == 0
    words = load_model()[0].words
    potion, mixture = asked
    assert (potion.context @ words.context("slime") == 1).all() and (potion.context @ words.context("green") == 0).all()
    assert torch.equal(potion.negative, words.context("green"))
    assert mixture.negative is None and torch.equal(mixture.context, words.random(9, torch.Generator().manual_seed(0)))


def test_what_knows_no_words_is_sampled_without(weights, asked):
    """Weights of the course know five words and no descriptions: without a prompt they are asked for nothing."""
    torch.save(ContextUnet().state_dict(), "course.pt")
    for prompt in ([], ["hero"], ["not hero"]):
        assert main(["sample", *prompt, "--weights", "course.pt", "-n", "2", "--out", "a.png"]) == 0
    nothing, hero, other = asked
    assert not other.context.any() and other.negative.tolist() == [1, 0, 0, 0, 0] and other.guidance == 1.5
    assert nothing.context is None and nothing.guidance == 1
    assert hero.context.tolist() == [[1, 0, 0, 0, 0]] * 2 and hero.guidance == 1.5


def test_the_options_of_a_film(weights, tmp_path):
    options = ["--columns", "2", "--scale", "3", "--seconds", "4", "--hold", "2", "--background", "#102030"]
    assert sample(weights, "--out", "a.gif", *options) == 0
    with Image.open(tmp_path / "a.gif") as film:
        assert film.size == (3 * 35, 3 * 35) and film.info["duration"] == 1000
        assert film.convert("RGB").getpixel((0, 0)) == (16, 32, 48)
        film.seek(3)
        assert film.info["duration"] == 3000


def test_frames_show_the_noise_the_belief_or_both(weights, tmp_path):
    first = {}
    for frames in ("noisy", "believed", "both"):
        assert sample(weights, "--out", "a.gif", "--frames", frames) == 0
        with Image.open(tmp_path / "a.gif") as film:
            first[frames] = np.asarray(film.convert("RGB")).astype(int)
    wide = first["noisy"].shape[1]
    assert first["both"].shape[1] == 2 * wide + 4 * viz.PANEL_GAP
    assert abs(first["both"][:, :wide] - first["noisy"]).mean() < 8  # but for the palette, which all share
    assert abs(first["both"][:, -wide:] - first["believed"]).mean() < 8
    assert abs(first["noisy"] - first["believed"]).mean() > 20


def test_a_png_may_have_another_background_too(weights, tmp_path):
    assert sample(weights, "--out", "a.png", "--background", "transparent", "--columns", "1", "--scale", "1") == 0
    picture = Image.open(tmp_path / "a.png")
    assert picture.mode == "RGBA" and picture.size == (18, 69) and picture.getpixel((0, 0))[3] == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--out", "a.jpg"], "--out: must end in .gif (the film) or .png"),
        ([], "required: --out"),
        (["--out", "a.png", "--steps", "0"], "--steps: must be a whole number from 1, not '0'"),
        (["--out", "a.png", "--steps", "501"], "--steps: these weights have a schedule of 500 steps"),
        (["--out", "a.png", "-n", "0"], "-n: must be a whole number from 1 to 2,048"),
        (["--out", "a.png", "-n", "-5"], "-n: must be a whole number from 1 to 2,048"),
        (["--out", "a.png", "-n", "1000000000"], "(all are drawn at once, in memory), not '1000000000'"),
        (["--out", "a.png", "-n", "1.5"], "-n: must be a whole number"),
        (["--out", "a.png", "-n", "2000", "--columns", "1"], "72×136,004 pixels is too large (at most 65,535 a side"),
        (["--out", "a.gif", "-n", "2000", "--scale", "8", "--columns", "32"], "4,360×8,576 pixels is too large"),
        (["--out", "a.gif", "-n", "900", "--frames", "both", "--columns", "900"], "122,432×72 pixels is too large"),
        (["--out", "a.png", "--eta", "2"], "--eta: must be a number from 0 to 1, not '2'"),
        (["--out", "a.png", "--eta", "1", "--sampler", "ddpm"], "--eta belongs to --sampler ddim"),
        (["--out", "a.png", "--weights", "none.pt"], "none.pt does not exist"),
        (["--out", "a.png", "--guidance", "nan"], "--guidance: must be a number from 0 to 100, not 'nan'"),
        (["--out", "a.png", "--seed", "-1"], "--seed: must be a whole number from 0"),
        (["--out", "a.png", "--seed", str(2**63)], "--seed: must be a whole number from 0"),
        (["--out", "nowhere/a.png"], "nowhere/a.png could not be written"),
        (["--out", "a.png", "--seconds", "2"], "--seconds is for a film"),
        (["--out", "a.png", "--frames", "both"], "--frames is for a film"),
        (["--out", "a.gif", "--background", "no colour"], "--background: 'no colour' is no colour"),
        (["--out", "a.png", "--sampler", "euler"], "--sampler: invalid choice: 'euler' (choose from"),
        (["--out", "a.png", "unicorn"], '"unicorn" is not a word of this network; the nearest are'),
        (["--out", "a.png", "hero", "not hero"], '"hero" is both wanted and excluded'),
        (["--out", "a.png", "hero, not food", "--guidance", "1"], '"not" needs a guidance above 1: give a larger'),
        (["--out", "a.png", "hero, not food", "--guidance", "0.5"], '"not" needs a guidance above 1: give a larger'),
        (["--out", "a.png", "slime, not red", "--weights", "few_steps", "--steps", "4"], "give --weights context_unet"),
        (["--out", "a.png", "--weights", "few_steps", "--guidance", "2", "--steps", "4"], "--guidance is already in these"),
    ],
)
def test_bad_input_is_one_sentence_before_any_work(weights, options, message, capsys, asked):
    assert message in refused(capsys, "sample", "--weights", str(weights), "-n", "4", "--steps", "3", *options)
    assert asked == []


def test_an_out_that_is_a_folder_is_refused_before_the_work(weights, tmp_path, capsys, asked):
    (tmp_path / "a.png").mkdir()
    assert "a.png could not be written (it is a folder)" in refused(capsys, "sample", "--out", "a.png")
    assert asked == []


def test_a_failed_write_keeps_the_old_file(weights, tmp_path, monkeypatch, capsys):
    assert sample(weights, "--out", "a.png") == 0
    before = (tmp_path / "a.png").read_bytes()

    def read_only(source, target):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "replace", read_only)
    assert sample(weights, "--out", "a.png", "--seed", "1") == 2
    assert "a.png could not be written (Permission denied)" in capsys.readouterr().err
    assert (tmp_path / "a.png").read_bytes() == before and os.listdir(tmp_path) == ["a.png"]


# ------------------------------------------------------------------ evaluate


@pytest.fixture
def judged(monkeypatch):
    """What metrics.evaluate is called with; it draws nothing."""
    calls = []
    scores = Scores(4.0, 1.25, 0.5, 0.9, 0.8, 0.7, 0.6, (0.1, 0.2, 0.3, 0.4, 0.5), 0.55, 0.45, 0.02, 0.03)

    def spy(model, schedule, **settings):
        calls.append((model, schedule, settings))
        return Evaluation(scores, scores._replace(ratio=1.0, kind=0.98), 0.35, 12.3)

    monkeypatch.setattr(commands, "compare", spy)
    return calls


@pytest.mark.parametrize(
    ("options", "settings"),
    [
        ([], {"sampler": "dpmpp_2m", "steps": 12, "guidance": 2.0, "n": 1000, "batch": 100, "asked": True, "eta": None}),
        (["--weights", "few_steps"], {"sampler": "ddim", "steps": 4, "guidance": 1.0}),
        (["--sampler", "ddim", "--eta", "1", "--steps", "9"], {"sampler": "ddim", "steps": 9, "guidance": 2.0, "eta": 1.0}),
        (["--no-words"], {"guidance": 1.0, "asked": False}),
        (["-n", "320", "--batch", "7", "--seed", "3"], {"n": 320, "batch": 7, "seed": 3}),
    ],
)
def test_evaluate_samples_as_the_weights_are_meant_to_be(options, settings, judged):
    assert main(["evaluate", *options]) == 0
    ((_, schedule, given),) = judged
    assert {name: given[name] for name in settings} == settings
    assert schedule.T == (4 if "few_steps" in options else 500)


def test_evaluate_prints_a_table_and_writes_all_figures(weights, tmp_path, capsys, judged):
    assert main(["evaluate", "--weights", str(weights), "-n", "320", "--steps", "1", "--out", "e.json"]) == 0
    table = {line[:36].strip(): line[36:].split() for line in capsys.readouterr().out.splitlines()}
    assert table["ratio to real sprites"] == ["1.25", "1.00"] and table["side_facing"] == ["0.500", "0.500"]
    assert table["class as asked"] == ["0.300", "0.300"] and table["kind as asked"] == ["0.550", "0.980"]
    assert table["colours as asked"] == ["0.450", "0.450"] and table["kind and colours, pairs never seen"] == ["0.350"]
    figures = json.loads((tmp_path / "e.json").read_text())
    command = figures["command"]
    assert command.pop("sha256") == hashlib.sha256(weights.read_bytes()).hexdigest() and command.pop("eta") is None
    assert command.pop("precision") == ("bf16" if gains_from_bf16(torch.device("cpu")) else "fp32")
    wanted = {"weights": "w.pt", "sampler": "ddim", "steps": 1, "guidance": 1.5, "n": 320, "asked": True, "seed": 0}
    assert command == wanted | {"batch": 100}
    assert figures["samples"]["ratio"] == 1.25 and figures["held_out"]["kind"] == 0.98 and figures["unseen"] == 0.35


def test_evaluate_of_five_classes_from_end_to_end(weights, tmp_path, capsys):
    assert main(["evaluate", "--weights", str(weights), "-n", "320", "--sampler", "dpmpp_2m", "--steps", "1"]) == 0
    table, figures = capsys.readouterr().out, json.loads((tmp_path / "scores.json").read_text())
    assert f"{figures['samples']['ratio']:.2f}" in table and "side_facing" in table and "pairs never seen" not in table
    assert (
        figures["samples"]["ratio"] > 5
        and figures["held_out"]["ratio"] == pytest.approx(1)
        and figures["samples"]["kind"] is None
    )


def test_evaluate_refuses_a_network_for_other_pictures(tmp_path, capsys):
    torch.save(ContextUnet(height=32).state_dict(), tmp_path / "large.pt")
    assert "was trained on other sprites than the package's" in refused(
        capsys, "evaluate", "--weights", "large.pt", "-n", "320"
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["-n", "100"], "-n: must be a whole number from 320 to 1,000, not '100'"),
        (["--batch", "0"], "--batch: must be a whole number from 1"),
        (["--sampler", "ddpm", "--eta", "1"], "--eta belongs to --sampler ddim"),
        (["--steps", "501"], "--steps: these weights have a schedule of 500 steps"),
        (["--guidance", "nan"], "--guidance: must be a number"),
        (["--no-words", "--guidance", "2"], "--guidance needs words"),
        (["--weights", "few_steps", "--guidance", "2"], "--guidance is already in these weights"),
        (["--out", "nowhere/a.json"], "could not be written"),
        (["--out", "."], "could not be written"),
    ],
)
def test_bad_evaluations_are_one_sentence_before_any_work(options, message, capsys, judged):
    assert message in refused(capsys, "evaluate", *options)
    assert judged == []


# ------------------------------------------------------------------ words


def test_words_are_listed_with_their_counts_in_columns_that_fit(capsys, monkeypatch):
    listed = {}
    for columns in (40, 120):
        monkeypatch.setenv("COLUMNS", str(columns))
        assert main(["words"]) == 0
        lines = capsys.readouterr().out.splitlines()
        assert columns - 30 < max(map(len, lines)) <= columns
        listed[columns] = {part.strip() for line in lines for part in line.split("  ") if part.strip()}
    contexts, words = load_words()
    counts = {f"{word} {int(count):,}" for word, count in zip(words, contexts.sum(0), strict=True)}
    assert listed[40] == listed[120] == counts


def test_words_of_own_weights_and_of_weights_without_descriptions(weights, data, capsys):
    assert train(data, "--updates", "1", "--out", "w.pt") == 0
    capsys.readouterr()
    for path, expected in (("w.pt", "hero 0"), (str(weights), "hero")):
        assert main(["words", "--weights", path]) == 0
        assert capsys.readouterr().out.split("  ")[0] == expected
    assert "nothing.pt does not exist" in refused(capsys, "words", "--weights", "nothing.pt")


# ------------------------------------------------------------------ train


@pytest.fixture
def data(tmp_path):
    np.save(tmp_path / "mine.npy", np.random.default_rng(0).integers(0, 256, (8, 16, 16, 3), dtype=np.uint8))
    return str(tmp_path / "mine.npy")


def train(data, *more):
    return main(["train", "--data", data, "--batch", "4", "--warmup", "1", "--device", "cpu", *more])


def test_train_writes_weights_that_sample(data, tmp_path):
    assert train(data, "--updates", "2", "--out", "w.pt", "--film-every", "2") == 0
    assert sample(tmp_path / "w.pt", "--out", "a.png") == 0
    assert sorted(os.listdir(tmp_path)) == ["a.png", "mine.npy", "w.pt", "w.pt.film.png"]
    assert Image.open(tmp_path / "w.pt.film.png").size == (2 * (20 * 17 + 1), 2 * 18)


def test_the_film_has_a_row_for_each_moment_also_of_a_run_that_goes_on(data, tmp_path, monkeypatch):
    def rows(out="w.pt"):
        with Image.open(tmp_path / f"{out}.film.png") as film:
            return np.split(np.asarray(film.convert("RGB")), film.height // 36)

    options = ["--n-feat", "8", "--film-every", "2", "--checkpoint-every", "3"]
    assert train(data, "--updates", "9", *options, "--out", "whole.pt") == 0
    whole, options = rows("whole.pt"), [*options, "--out", "w.pt"]
    assert len(whole) == 4 and not any(np.array_equal(a, b) for a, b in pairwise(whole))
    learn = Run._learn

    def stopped(run, *batch):
        if run.step == 6:  # after the second row; the checkpoint is older
            raise KeyboardInterrupt
        return learn(run, *batch)

    monkeypatch.setattr(Run, "_learn", stopped)
    assert train(data, "--updates", "9", *options) == 130 and len(rows()) == 2
    monkeypatch.setattr(Run, "_learn", learn)
    assert train(data, "--updates", "9", *options, "--resume") == 0
    assert all(np.array_equal(a, b) for a, b in zip(rows(), whole, strict=True))


def test_train_from_begins_with_the_given_weights(data, tmp_path):
    """With a learning rate that is next to nothing they hardly move; a new network is elsewhere."""
    assert train(data, "--updates", "1", "--out", "a.pt", "--seed", "7") == 0
    assert train(data, "--updates", "1", "--out", "b.pt", "--lr", "1e-12", "--from", "a.pt") == 0
    assert train(data, "--updates", "1", "--out", "c.pt", "--lr", "1e-12") == 0
    a, b, c = (load_model(tmp_path / name)[0].init_conv.conv1[0].weight for name in ("a.pt", "b.pt", "c.pt"))
    torch.testing.assert_close(a, b, rtol=0, atol=1e-6)
    assert (a - c).abs().max() > 0.01


def test_train_compiles_the_network_when_asked(data, tmp_path, monkeypatch):
    compiled = []

    def stand_in(network):  # the real one takes a minute
        calls = []
        network.register_forward_hook(lambda *_: calls.append(1))
        compiled.append((network, calls))
        return network

    monkeypatch.setattr(torch, "compile", stand_in)
    assert train(data, "--updates", "2", "--out", "a.pt") == 0
    assert compiled == []
    assert train(data, "--updates", "2", "--out", "b.pt", "--compile") == 0
    ((network, calls),) = compiled
    assert network.n_feat == 64 and len(calls) == 2
    a, b = (load_model(tmp_path / name)[0].state_dict() for name in ("a.pt", "b.pt"))
    assert all(torch.equal(a[name], b[name]) for name in a)


def test_train_from_goes_on_with_what_the_weights_are(data, tmp_path):
    """Their width, prediction, schedule and words, and how they are sampled; other settings stay free."""
    options = ["--n-feat", "8", "--prediction", "eps", "--schedule", "cosine", "--T", "40"]
    assert train(data, "--updates", "1", "--out", "a.pt", *options) == 0
    assert train(data, "--updates", "1", "--out", "b.pt", "--from", "a.pt", "--T", "50") == 0
    model, schedule = load_model(tmp_path / "b.pt")
    assert (model.n_feat, model.prediction, schedule.name, schedule.T) == (8, "eps", "cosine", 50)
    assert train(data, "--updates", "1", "--out", "c.pt", "--from", "context_unet") == 0
    model, _ = load_model(tmp_path / "c.pt")
    assert model.words.words == load_words()[1] and model.sampling == load_model()[0].sampling


def test_train_from_is_refused_where_it_cannot_be(data, capsys):
    assert train(data, "--updates", "1", "--out", "a.pt", "--prediction", "eps") == 0
    capsys.readouterr()
    more = ["train", "--data", data, "--batch", "4", "--out", "b.pt"]
    assert "--prediction v does not fit --from a.pt, which predicts eps" in refused_with_notes(
        capsys, *more, "--from", "a.pt", "--prediction", "v"
    )
    assert "--from is for starting a run" in refused_with_notes(capsys, *more, "--from", "a.pt", "--resume")
    assert "take context_unet" in refused_with_notes(capsys, *more, "--from", "few_steps")


@pytest.fixture
def small(monkeypatch):
    """The sprite set, but 40 of its sprites: its words are what counts here."""
    rows = slice(0, 19010, 480)
    contexts, words = load_words()
    images = sprites.load_sprites().images[rows]
    monkeypatch.setattr(commands, "load_sprites", lambda: sprites.Sprites(images, contexts[rows, :5]))
    monkeypatch.setattr(commands, "load_words", lambda: (contexts[rows], words))
    return contexts[rows], words


def test_the_sprite_set_is_learned_with_its_words_and_filmed_by_descriptions(small, tmp_path, monkeypatch):
    calls = []

    def spy(model, schedule, n, context, guidance, generator, *, steps):
        calls.append((n, context, guidance, steps))
        yield State(0, torch.zeros(n, 3, 16, 16), None)

    monkeypatch.setitem(SAMPLERS, "ddim", spy)
    options = ["--updates", "2", "--batch", "4", "--n-feat", "8", "--film-every", "1", "--out", "w.pt", "--device", "cpu"]
    assert main(["train", *options]) == 0
    contexts, words = small
    known = load_model(tmp_path / "w.pt")[0].words
    assert known.words == words and known.counts.sum() == len(contexts)
    (n, first, guidance, steps), (_, second, *_) = calls
    assert (n, guidance, steps) == (20, 1.5, 25) and torch.equal(first, second)
    assert {tuple(row) for row in first.tolist()} <= {tuple(row) for row in contexts.tolist()} and len(first.unique(dim=0)) > 5


def test_a_film_of_sprites_without_words_asks_for_nothing(data, monkeypatch):
    calls = []

    def spy(model, schedule, n, context, guidance, generator, *, steps):
        calls.append((context, guidance))
        yield State(0, torch.zeros(n, 3, 16, 16), None)

    monkeypatch.setitem(SAMPLERS, "ddim", spy)
    assert train(data, "--updates", "1", "--out", "w.pt", "--film-every", "1") == 0
    assert calls == [(None, 1.0)] and diary.FILM == 20


def test_words_that_the_weights_do_not_know_are_said_and_learned(small, capsys, tmp_path):
    run = Run(TrainConfig(updates=1, batch=4, n_feat=8), words=("zither", "knights"))
    run.export(tmp_path / "music.pt")
    arguments = ["train", "--from", "music.pt", "--updates", "1", "--batch", "4", "--out", "w.pt", "--lr", "1e-9"]
    assert main(arguments) == 0
    contexts, words = small
    used = [word for word, column in zip(words, contexts.T, strict=True) if column.any() and word != "knight"]
    assert f"music.pt does not know {len(used)} of these words ({', '.join(used[:5])} and" in capsys.readouterr().out
    model, _ = load_model(tmp_path / "w.pt")
    assert model.words.words == ("zither", "knights", *used)
    old, _ = load_model(tmp_path / "music.pt")
    x, t, c = torch.randn(2, 3, 16, 16), torch.tensor([0.3, 0.9]), torch.tensor([[1.0, 0], [0, 1]])
    wider = torch.nn.functional.pad(c, (0, len(used)))
    torch.testing.assert_close(model.init_conv.conv1[0].weight, old.init_conv.conv1[0].weight, rtol=0, atol=1e-6)
    assert model.contextembed1.model[0].weight[:, 2:].abs().max() < 1e-6  # the new ones say nothing yet
    assert (model(x, t, wider) - old(x, t, c)).abs().max() < 0.2 * old(x, t, c).std()  # BatchNorm has seen one batch


class Writer:
    """Stands in for TensorBoard's SummaryWriter, and keeps what it is given."""

    def __init__(self, folder):
        Writer.last = self
        self.folder, self.scalars, self.images, self.closed = folder, [], [], False

    def add_scalar(self, name, value, step):
        self.scalars.append((name, step, value))

    def add_image(self, name, image, step, dataformats):
        self.images.append((name, step, image.shape, dataformats))

    def close(self):
        self.closed = True


def test_train_logs_for_tensorboard(data, monkeypatch):
    module = types.ModuleType("torch.utils.tensorboard")
    module.SummaryWriter = Writer
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", module)
    assert train(data, "--updates", "50", "--out", "w.pt", "--film-every", "50", "--log", "runs", "--n-feat", "8") == 0
    names = [(name, step) for name, step, _ in Writer.last.scalars]
    assert names == [("loss", 50), ("learning rate", 50)] and all(value > 0 for *_, value in Writer.last.scalars)
    assert Writer.last.folder == Path("runs")
    assert Writer.last.images == [("sprites", 50, (36, 682, 3), "HWC")] and Writer.last.closed


def test_the_log_is_closed_when_the_training_is_stopped(data, monkeypatch):
    class Stopped(Writer):
        def add_scalar(self, *_):
            raise KeyboardInterrupt

    module = types.ModuleType("torch.utils.tensorboard")
    module.SummaryWriter = Stopped
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", module)
    assert train(data, "--updates", "50", "--out", "w.pt", "--log", "runs", "--n-feat", "8") == 130
    assert Writer.last.closed


def test_logging_without_tensorboard_says_what_to_install(data, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    assert train(data, "--updates", "1", "--out", "w.pt", "--log", "runs") == 2
    assert "pip install tensorboard" in capsys.readouterr().err


KILLED = """
import os, sys
from diffusion_lab import Run
from diffusion_lab.__main__ import main
save = Run.save
def save_and_die(run, path):
    save(run, path)
    if run.step == 5:
        os._exit(9)  # as suddenly as SIGKILL: no handler, no finally
Run.save = save_and_die
main(["train", "--data", sys.argv[1], "--out", "cut.pt", "--batch", "4", "--warmup", "1", "--device", "cpu",
      "--updates", "9", "--checkpoint-every", "5"])
"""


def test_a_killed_training_goes_on_where_it_stopped(data, tmp_path):
    """A sudden death after the first checkpoint, then --resume: the weights are those of an undisturbed run, bit for bit."""
    assert train(data, "--updates", "9", "--out", "whole.pt") == 0
    environment = os.environ | {"OMP_NUM_THREADS": str(torch.get_num_threads())}  # sums depend on how many threads add
    killed = subprocess.run([sys.executable, "-c", KILLED, data], cwd=tmp_path, env=environment, capture_output=True)
    assert killed.returncode == 9, killed.stderr.decode()
    assert (tmp_path / "cut.pt.ckpt").exists() and not (tmp_path / "cut.pt").exists()
    assert main(["train", "--data", data, "--out", "cut.pt", "--resume", "--device", "cpu"]) == 0
    assert not (tmp_path / "cut.pt.ckpt").exists()
    whole, cut = (torch.load(tmp_path / name, weights_only=True)["model"] for name in ("whole.pt", "cut.pt"))
    assert all(torch.equal(whole[name], cut[name]) for name in whole)


def test_an_unfinished_run_is_not_overwritten(data, tmp_path, capsys):
    Run(TrainConfig(updates=4, batch=4)).save(tmp_path / "w.pt.ckpt")
    before = (tmp_path / "w.pt.ckpt").read_bytes()
    assert train(data, "--updates", "2", "--out", "w.pt") == 2
    assert "w.pt.ckpt is an unfinished run: add --resume" in capsys.readouterr().err
    assert (tmp_path / "w.pt.ckpt").read_bytes() == before


def test_resume_refuses_other_settings(data, tmp_path, capsys):
    Run(TrainConfig(updates=4, batch=4)).save(tmp_path / "w.pt.ckpt")
    assert main(["train", "--data", data, "--out", "w.pt", "--resume", "--lr", "0.1"]) == 2
    assert "--lr differs from that of w.pt.ckpt" in capsys.readouterr().err


def test_resume_refuses_other_data(data, tmp_path, capsys):
    run = Run(TrainConfig(updates=4, batch=4), torch.device("cpu"))
    next(run.advance(torch.zeros(8, 3, 16, 16), torch.zeros(8, 5)))
    run.save(tmp_path / "w.pt.ckpt")
    assert main(["train", "--data", data, "--out", "w.pt", "--resume", "--device", "cpu"]) == 2
    assert "not the sprites that the run began with" in capsys.readouterr().err
    assert (tmp_path / "w.pt.ckpt").exists()


def test_any_name_of_the_weights_is_kept(data, tmp_path):
    assert train(data, "--updates", "1", "--out", "w.ckpt") == 0
    assert sorted(os.listdir(tmp_path)) == ["mine.npy", "w.ckpt"]


def test_a_missing_device_is_one_sentence(data, capsys, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert "--device: 'cuda' is not available here" in refused(capsys, "train", "--data", data, "--device", "cuda")


# ------------------------------------------------------------------ own sprites

INPUTS = ROOT / "tests" / "inputs"
QUICK = ["--updates", "2", "--batch", "4", "--warmup", "1", "--n-feat", "8", "--device", "cpu"]


def test_own_words_go_into_the_weights_and_can_be_drawn(tmp_path, capsys, asked):
    assert main(["train", "--data", str(INPUTS / "words"), *QUICK, "--out", "w.pt"]) == 0
    said = capsys.readouterr().out
    assert "12 sprites of 16×16 from 12 pictures" in said and "4 words: dragon (8), green (4), red (4), wizard (4)" in said
    assert main(["sample", "red", "dragon", "--weights", "w.pt", "-n", "3", "--out", "a.png"]) == 0
    (call,) = asked
    assert call.context.tolist() == [[1, 0, 1, 0]] * 3 and load_model("w.pt")[0].words.counts.tolist() == [4, 4, 4]


def test_pictures_of_32_are_trained_drawn_and_compared(tmp_path, capsys):
    data = ["--data", str(INPUTS / "size32"), "--tile", "32"]
    assert main(["train", *data, *QUICK, "--out", "w.pt", "--film-every", "1"]) == 0
    assert load_model("w.pt")[0].height == 32 and Image.open("w.pt.film.png").size == (2 * (20 * 33 + 1), 2 * 2 * 34)
    assert main(["sample", "--weights", "w.pt", "-n", "4", "--steps", "2", "--scale", "1", "--out", "a.gif"]) == 0
    assert Image.open("a.gif").size == (4 * 33 + 1, 34)
    capsys.readouterr()
    assert main(["evaluate", *data, "--weights", "w.pt", "-n", "6", "--steps", "2", "--out", "e.json"]) == 0
    table, figures = capsys.readouterr().out, json.loads((tmp_path / "e.json").read_text())
    assert "no Fréchet distance" in table and set(figures) == {"command", "seconds", "samples", "data"}
    real = np.stack([np.asarray(Image.open(INPUTS / "size32" / f"{k}.png").convert("RGB")) for k in range(8)])
    assert figures["data"]["mean"] == pytest.approx(real.mean((0, 1, 2)), abs=0.1)
    assert figures["data"]["copies"] == 0 and figures["samples"]["nearest"] > 0.1
    wrong = refused(capsys, "evaluate", "--data", str(INPUTS / "size32"), "--weights", "w.pt", "-n", "6")
    assert "fit two ways" in wrong
    assert main(["evaluate", "--data", str(INPUTS / "plain.png"), "--weights", "w.pt", "-n", "6"]) == 2
    assert "These weights draw 32×32 and the sprites are 16×16" in capsys.readouterr().err


def test_evaluate_of_other_data_says_so(tmp_path, capsys):
    assert main(["train", "--data", str(INPUTS / "plain.png"), *QUICK, "--out", "w.pt"]) == 0
    capsys.readouterr()
    assert "w.pt was trained on other sprites than the package's" in refused(
        capsys, "evaluate", "--weights", "w.pt", "-n", "320"
    )


def test_a_preview_shows_the_first_sprites_with_their_words_and_trains_nothing(tmp_path, capsys):
    assert main(["train", "--data", str(INPUTS / "words"), "--preview", "look.png"]) == 0
    assert "look.png: all 12; nothing was trained" in capsys.readouterr().out
    assert sorted(os.listdir(tmp_path)) == ["look.png"]
    picture = np.asarray(Image.open("look.png"))
    first = np.asarray(Image.open(INPUTS / "words" / "dragon" / "green" / "0.png").convert("RGBA"))
    shown = picture[8 : 8 + 96 : 6, 8 : 8 + 96 : 6]
    assert np.array_equal(shown[first[..., 3] == 255], first[..., :3][first[..., 3] == 255])
    assert (picture[108:118, 8:100] != picture[108, 8]).any()  # its words
    assert "--preview shows your own sprites" in refused(capsys, "train", "--preview", "look.png")


@pytest.mark.parametrize("command", ["train", "evaluate"])
@pytest.mark.parametrize(
    "option", [["--tile", "32"], ["--pad", "32"], ["--spacing", "1"], ["--names", "a"], ["--background", "red"]]
)
def test_options_about_own_sprites_without_any_are_refused(command, option, capsys):
    assert f"{option[0]} is about your own sprites: give them with --data" in refused(capsys, command, *option)


def test_what_is_doubtful_is_warned_of(tmp_path, capsys):
    assert main(["train", "--data", str(INPUTS / "white_on_transparent.png"), *QUICK, "--out", "w.pt"]) == 0
    assert "warning: all 8 sprites vanish in the background (white)" in capsys.readouterr().err


def test_names_of_classes_become_words(tmp_path):
    data = ["--data", str(INPUTS / "ints.npy"), "--names", "knight, slime,apple,egg"]
    assert main(["train", *data, *QUICK, "--out", "w.pt"]) == 0
    assert load_model("w.pt")[0].words.words == ("knight", "slime", "apple", "egg")


def test_flips_shifts_and_turns_of_the_command_line_reach_the_run(tmp_path):
    options = ["--flip", "--shift", "2", "--hue", "30"]
    assert main(["train", "--data", str(INPUTS / "plain.png"), *QUICK, "--out", "w.pt", *options]) == 0
    config = torch.load("w.pt", weights_only=True)["history"]["config"]
    assert (config["flip"], config["shift"], config["hue"]) == (True, 2, 30.0)


@pytest.mark.parametrize(("more", "said"), [([], ""), (["--schedule", "linear"], "goes on with linear with T = 500")])
def test_another_schedule_than_that_of_the_weights_is_said(more, said, tmp_path, capsys):
    data = ["train", "--data", str(INPUTS / "plain.png"), *QUICK]
    assert main([*data, "--schedule", "cosine", "--out", "a.pt"]) == 0
    capsys.readouterr()
    assert main([*data, "--from", "a.pt", "--out", "b.pt", *more]) == 0
    out = capsys.readouterr().out
    assert said in out and ("it must learn other noise first" in out) == bool(more)
    assert load_model("b.pt")[1].name == ("linear" if more else "cosine")


@pytest.mark.parametrize(("schedule", "T", "said"), [("linear", 50, "leaves 78% of"), ("linear", 500, ""), ("cosine", 50, "")])
def test_a_schedule_that_leaves_much_of_the_sprite_is_said(schedule, T, said, capsys):
    data = ["train", "--data", str(INPUTS / "plain.png"), *QUICK, "--schedule", schedule, "--T", str(T)]
    assert main([*data, "--out", "a.pt"]) == 0
    out = capsys.readouterr().out
    assert said in out and ("take --schedule cosine" in out) == bool(said)


def test_weights_of_another_size_begin_a_network_of_the_sprites_size(capsys):
    data = ["train", *QUICK, "--lr", "1e-9"]
    assert main([*data, "--data", str(INPUTS / "plain.png"), "--out", "a.pt"]) == 0
    assert main([*data, "--data", str(INPUTS / "size32"), "--tile", "32", "--from", "a.pt", "--out", "b.pt"]) == 0
    assert "a.pt draws 16×16: its weights begin a network of 32×32" in capsys.readouterr().out
    small, large = (load_model(name)[0] for name in ("a.pt", "b.pt"))
    assert large.height == 32
    torch.testing.assert_close(large.init_conv.conv1[0].weight, small.init_conv.conv1[0].weight, rtol=0, atol=1e-6)


def refused_with_notes(capsys, *arguments):
    """As `refused`, where what was read has been said already."""
    assert main(list(arguments)) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    return line


@pytest.mark.parametrize(("share", "warned"), [(0.5, True), (0.1, False)])
def test_a_network_that_begins_to_copy_is_warned_of_once(share, warned, tmp_path, capsys, monkeypatch):
    calls = []
    monkeypatch.setattr(diary, "LOOK_EVERY", 2)
    monkeypatch.setattr(diary, "copies_while_training", lambda *arguments: calls.append(arguments) or share)
    options = ["train", "--data", str(INPUTS / "plain.png"), *QUICK, "--out", "w.pt"]
    options[options.index("--updates") + 1] = "6"
    assert main(options) == 0
    told = capsys.readouterr().err
    assert told.count("after 2 updates 50% of 32 drawn sprites are copies of one of yours") == warned
    assert len(calls) == (1 if warned else 3)
    assert main([*options[:-1], "one.pt", "--data", str(INPUTS / "rgba.png")]) == 0 and len(calls) == (1 if warned else 3)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--updates", "0"], "updates must be a whole number from 1"),
        (["--batch", "1000000000"], "batch must be a whole number from 2 to 65,536"),
        (["--weight-decay", "nan"], "weight_decay must be a finite number"),
        (["--n-feat", "20"], "n_feat must be a multiple of 8"),
        (["--seed", "-1"], "seed must be a whole number from 0"),
        (["--T", "1000000000000"], "T must be a whole number from 1 to 10,000"),
        (["--tile", "big"], "--tile: must be a side in pixels, as 16, or width and height, as 16x28, not 'big'"),
        (["--background", "transparent"], "--background: the network draws colours and no transparency"),
        (["--preview", "a.jpg"], "--preview must end in .png"),
        (["--prediction", "noise"], "prediction must be one of eps, v, x0"),
        (["--out", "nowhere/w.pt"], "could not be written"),
        (["--out", "."], "could not be written (it is a folder)"),
        (["--checkpoint-every", "0"], "--checkpoint-every: must be a whole number from 1, not '0'"),
        (["--film-every", "-1"], "--film-every: must be a whole number from 0, not '-1'"),
        (["--lr", "inf"], "lr must be a finite number"),
        (["--data", "nothing"], "nothing does not exist"),
        (["--resume"], "sprites.pt.ckpt is not there, so there is nothing to go on with"),
    ],
)
def test_bad_training_input_is_one_sentence_and_a_non_zero_exit(data, options, message, capsys):
    arguments = ["train", "--data", data, "--batch", "4", "--warmup", "1", "--device", "cpu", *options]
    try:
        status = main(arguments)
    except SystemExit as left:
        status = left.code
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert status == 2 and message in line


# ------------------------------------------------------------------ doctor


def lines(capsys):
    return {line.split(": ")[0][7:]: line for line in capsys.readouterr().out.strip().splitlines()}


def test_doctor_is_content_here(capsys):
    assert main(["doctor"]) == 0
    found = lines(capsys)
    names = ["python", "packages", "torch and torchvision", "device", "data", "weights", "write access", "this moment"]
    assert list(found) == names
    assert all(line.startswith("[OK]   ") for line in found.values())
    assert "21600 sprites in 5 classes" in found["data"] and "2,338,803 parameters" in found["weights"]


def test_doctor_turns_a_mismatched_torchvision_into_what_to_do(capsys, monkeypatch):
    def mismatched(name):
        raise RuntimeError("operator torchvision::nms does not exist\nmore lines")

    monkeypatch.setattr(doctor.importlib, "import_module", mismatched)
    assert main(["doctor"]) == 1
    line = lines(capsys)["torch and torchvision"]
    assert line.startswith("[FAIL] ") and "does not fit torch" in line and "operator torchvision::nms does not exist" in line
    assert "pip install torch==" in line


def test_doctor_sees_changed_files_a_missing_package_and_a_read_only_folder(capsys, monkeypatch, tmp_path):
    changed = {"hero.png", "context_unet.pt"}
    for name in changed:
        (tmp_path / name).write_bytes(b"other")
    real = sprites.packaged_file

    def other(folder, name):
        return tmp_path / name if name in changed else real(folder, name)

    monkeypatch.setattr(sprites, "packaged_file", other)
    monkeypatch.setattr(doctor, "PACKAGES", {"numpy": "numpy", "no-such-package": "nothing"})

    def read_only(dir):
        raise PermissionError(13, "Permission denied", dir)

    monkeypatch.setattr(doctor.tempfile, "NamedTemporaryFile", read_only)
    assert main(["doctor"]) == 1
    found = lines(capsys)
    failed = {name for name, line in found.items() if line.startswith("[FAIL] ")}
    assert failed == {"packages", "data", "weights", "write access"}
    assert "data/hero.png is not the file that was published" in found["data"]
    assert "weights/context_unet.pt is not the file that was published" in found["weights"]
    assert "no-such-package is not installed; run: pip install -r requirements.txt" in found["packages"]


@pytest.mark.parametrize("broken", ["torch", "numpy", "tqdm"])
def test_doctor_runs_where_a_package_cannot_be_imported(broken, tmp_path):
    """A module of that name that fails, first on the path, in a process of its own."""
    (tmp_path / f"{broken}.py").write_text("raise ImportError('broken on purpose')")
    paths = os.pathsep.join([str(tmp_path), str(ROOT)])
    done = subprocess.run(
        [sys.executable, "-m", "diffusion_lab", "doctor"],
        env=os.environ | {"PYTHONPATH": paths},
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    assert done.returncode == 1 and "Traceback" not in done.stderr, done.stderr
    assert len(done.stdout.strip().splitlines()) == 8 and "broken on purpose" in done.stdout
