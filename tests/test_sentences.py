"""What people type wrongly, and the sentence that each of these gets."""

import os
from pathlib import Path

import numpy as np
import pytest
from common import ROOT
from PIL import Image

from diffusion_lab import Run, TrainConfig, load_path
from diffusion_lab.__main__ import main

INPUTS = ROOT / "tests" / "inputs"
QUICK = ["--batch", "4", "--warmup", "1", "--device", "cpu", "--precision", "fp32", "--updates", "1", "--out", "w.pt"]
GIVE = "give a file that `train` wrote."
KINDS = "give a picture, a folder, a table (CSV, JSON), an .npy or an .npz."
JOINS = 'prompts read "a", "and", "not" and the like otherwise: rename it.'


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.save("a.npy", np.random.default_rng(0).integers(0, 256, (8, 16, 16, 3), dtype=np.uint8))
    Image.open(INPUTS / "plain.png").save("plain.png")
    Path("link").symlink_to("nowhere")


def sentence(capsys, *arguments):
    """The last line that a refused command says, after the name of the program."""
    try:
        status = main(list(arguments))
    except SystemExit as left:
        status = left.code
    assert status == 2
    return capsys.readouterr().err.strip().splitlines()[-1].removeprefix("diffusion_lab: ")


def table(text, name="t.csv"):
    Path(name).write_text(text)
    return ["train", "--data", name, "--preview", "look.png"]


def folder(*names):
    for name in names:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Image.open("plain.png").save(name)
    return ["train", "--data", names[0].split("/")[0], "--preview", "look.png"]


def labels(array, *more):
    np.save("a_labels.npy", array)
    return ["train", "--data", "a.npy", "--preview", "look.png", *more]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["sample", "--weights", ".", "--out", "a.png"], f". is a folder: {GIVE}"),
        (["words", "--weights", "none.pt"], f"none.pt does not exist: {GIVE}"),
        (["words", "--weights", "link"], f"link is a link that leads to nothing (nowhere): {GIVE}"),
        (["words", "--weights", "/dev/null"], f"/dev/null is no regular file: {GIVE}"),
        (["train", "--data", "link", *QUICK], f"link is a link that leads to nothing (nowhere): {KINDS}"),
        (
            ["train", "--data", "https://example.org/a.png", *QUICK],
            f"https:/example.org/a.png is a web address, and nothing is fetched: save it here, and {KINDS}",
        ),
        (["train", "--data", "c:/sprites", *QUICK], f"c:/sprites does not exist: {KINDS}"),  # of Windows, and no address
        (["train", "--data", "a.npy", "--out", "o/"], "--out: must be the name of a file, not 'o/'."),
        (["train", "--data", "a.npy", "--out", ""], "--out: must be the name of a file, not ''."),
        (
            ["sample", "-blue", "--out", "a.png"],
            '-blue is no option of this command; if it is a word that you do not want, write "not blue".',
        ),
        (
            ["sample", "slime", "-navy", "--out", "a.png"],
            "-n: must be a whole number from 1 to 2,048 (all are drawn at once, in memory), not 'avy'; "
            'if it is a word that you do not want, write "not" before it.',
        ),
        (
            ["sample", "-n", "1e3", "--out", "a.png"],
            "-n: must be a whole number from 1 to 2,048 (all are drawn at once, in memory), not '1e3'.",
        ),
        (["sample", "--colums", "4", "--out", "a.png"], "unrecognized arguments: --colums"),
        (
            ["train", "--data", "a.npy", "--from", "context_unet", "--n-feat", "8", *QUICK],
            "--n-feat 8 does not fit --from context_unet, whose n_feat is 80: leave --n-feat out, or begin without --from.",
        ),
        (
            ["train", "--data", "a.npy", "--from", "context_unet", "--prediction", "eps", *QUICK],
            "--prediction eps does not fit --from context_unet, which predicts v: "
            "leave --prediction out, or begin without --from.",
        ),
    ],
)
def test_an_option_that_cannot_be(arguments, expected, capsys):
    assert sentence(capsys, *arguments) == expected


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (
            lambda: table("https://example.org/a.png,cat\nplain.png,dog\n"),
            "t.csv names web addresses (https://example.org/a.png), and nothing is fetched: save the pictures beside it.",
        ),
        (
            lambda: table("plain.png,cat\n./plain.png,dog\n"),
            "t.csv names plain.png twice, with other words: write it once, with all its words.",
        ),
        (
            lambda: table('[{"file": "plain.png", "words": "dog"}, {"file": "plain.png", "words": "cat"}]', "t.json"),
            "t.json names plain.png twice, with other words: write it once, with all its words.",
        ),
        (lambda: folder("d/not/a.png"), f"The name 'not' cannot be a word: {JOINS}"),
        (lambda: folder("d/The/a.png"), f"The name 'The' cannot be a word: {JOINS}"),
        (lambda: table("plain.png,and\n"), f"The name 'and' cannot be a word: {JOINS}"),
        (lambda: labels(np.array(["no"] * 8)), f"The name 'no' cannot be a word: {JOINS}"),
        (lambda: labels(np.arange(8) % 2, "--names", "cat,with"), f"The name 'with' cannot be a word: {JOINS}"),
        (
            lambda: labels(np.arange(8) % 2, "--names", "cat,Cat"),
            "the words 'cat' and 'Cat' would be read as the same: rename one.",
        ),
        (
            lambda: labels(np.full((8, 3), -1.5)),
            "a_labels.npy holds labels from -1.5 to -1.5, which are no weights of words: "
            "give a 1 for each word that a sprite has, 0 for the others, and at most 2.",
        ),
    ],
)
def test_what_the_training_would_refuse_the_preview_refuses(make, expected, capsys):
    assert sentence(capsys, *make()) == expected
    assert not Path("look.png").exists()


def test_a_picture_that_a_table_names_twice_alike_is_one(capsys):
    Image.open("plain.png").crop((0, 0, 16, 16)).save("one.png")
    assert main(table("one.png,Red cat\n./one.png,cat red\n")) == 0
    assert "left out of 2 tiles: 1 repeated" in capsys.readouterr().out


def test_an_unknown_word_of_own_weights_names_their_list(capsys):
    Run(TrainConfig(updates=1, n_feat=8, T=2), "cpu", words=("cat", "dog")).export("w.pt")
    said = sentence(capsys, "sample", "bird", "--weights", "w.pt", "--out", "a.png")
    where = "python -m diffusion_lab words, with the same --weights, lists all."
    assert said == f'"bird" is not a word of this network; the nearest are "dog" and "kitten": {where}'


def test_labels_between_0_and_1_are_taken_as_weights_and_that_is_said():
    weights = np.eye(8, 5)
    weights[3, 3] = 0.25
    np.save("a_labels.npy", weights)
    read = load_path("a.npy")
    how = 'they are learned as weights of words, as in "0.25 spell"; if they are something else, leave them out.'
    assert read.warnings == [f"a_labels.npy holds labels other than 0 and 1 (0.25 to 0.25), for 1 of its sprites: {how}"]
    assert np.array_equal(read.contexts, weights.astype(np.float32))
    np.save("a_labels.npy", np.eye(8, 5))  # one-hot numbers, as the course's, need no warning
    assert load_path("a.npy").warnings == []
    np.save("a_labels.npy", np.zeros((8, 5)))
    assert "all labels are 0, and say nothing" in load_path("a.npy").notes


def test_what_is_no_file_in_a_folder_is_said_as_what_it_is():
    folder("d/a.png")
    os.mkfifo("d/pipe.png")
    Path("d/lost.png").symlink_to("nowhere")
    np.save("d/b.npy", np.zeros(3))
    notes = load_path("d").notes
    left = "lost.png is a link that leads to nothing (nowhere), pipe.png is no regular file, 1 of another kind (b.npy)"
    assert f"left out: {left}" in notes and "to read an array, give the array itself: --data d/b.npy" in notes


def test_the_folder_that_one_stands_in_can_be_read(capsys):
    assert main(["train", "--data", ".", "--n-feat", "8", *QUICK]) == 0
    assert ".: 12 sprites of 16×16 from 1 picture" in capsys.readouterr().out


@pytest.mark.parametrize("schedule", ["linear", "cosine"])
def test_one_step_from_noise_to_sprite_is_said(schedule, capsys):
    assert main(["train", "--data", "a.npy", "--n-feat", "8", "--T", "1", "--schedule", schedule, *QUICK]) == 0
    said = "with T = 1 there is one step from noise to sprite, which can only draw the mean of all: take more, as --T 500"
    assert said in capsys.readouterr().out.splitlines()
