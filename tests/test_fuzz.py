"""Inputs that nobody thought of: none ends in a trace, each refusal is one sentence, and nothing that was there is changed.

By default a few of each kind, always the same; `pytest -n 0 -m fuzz tests/test_fuzz.py` tries many more.
"""

import contextlib
import io
import json
import os
import tempfile
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from diffusion_lab import Cut, Run, TrainConfig, commands, load_model, load_path
from diffusion_lab.__main__ import main

FEW, MANY = 25, 400
HOW = {"deadline": None, "derandomize": True, "database": None, "suppress_health_check": list(HealthCheck)}


def tried(body, *strategies):
    """The test twice: with a few inputs, and, marked, with many."""

    @pytest.mark.parametrize("examples", [FEW, pytest.param(MANY, marks=pytest.mark.fuzz)])
    def test(examples):
        settings(max_examples=examples, **HOW)(given(*strategies)(body))()

    return test


def contents(folder):
    return {path: path.read_bytes() for path in Path(folder).rglob("*") if path.is_file() and not path.is_symlink()}


def one_sentence(act, folder, *kinds):
    """What `act` gives, or None if it is refused in a sentence; either way nothing in the folder changes."""
    before = contents(folder)
    try:
        return act()
    except kinds as error:
        text = str(error)
        assert text and "\n" not in text and len(text) < 2000, text
    finally:
        assert contents(folder) == before


def damaged(data, places):
    """Bytes with some of them changed, and, where the first place says so, without their end."""
    data = bytearray(data)
    for place, value in places:
        if data:
            data[place % len(data)] = value
    cut = places[0][0] % 4 == 0 if places else False
    return bytes(data[: len(data) // 2] if cut else data)


PLACES = st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), max_size=4)
SIZES = st.sampled_from([1, 8, 15, 16, 17, 18, 24, 28, 32, 33, 34, 48, 50, 64, 67, 80, 256])
MODES = st.sampled_from(["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16"])
FORMATS = st.sampled_from(["PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF", "PPM"])
CUTS = st.fixed_dictionaries(
    {},
    optional={
        "tile": st.tuples(st.integers(-1, 70), st.integers(-1, 70)) | st.sampled_from([(16, 16), (32, 32), (16, 28)]),
        "pad": st.integers(0, 70) | st.sampled_from([16, 28, 32]),
        "spacing": st.integers(-1, 5),
        "margin": st.integers(-1, 5),
        "background": st.sampled_from(["white", "navy", "#102030", "transparent", "", "no colour", "#12"]),
    },
)


def picture(width, height, mode, kind, seed):
    a = np.random.default_rng(seed).integers(0, 4, (height, width, 4), dtype=np.uint8) * 85
    image = Image.fromarray(a, "RGBA")
    image = Image.fromarray(a[..., 0].astype(np.uint16) * 257) if mode == "I;16" else image.convert("RGB").convert(mode[:4])
    file = io.BytesIO()
    try:
        image.save(file, kind)
    except (OSError, ValueError, KeyError):  # not every format has every mode
        image.convert("RGB").save(file, kind)
    return file.getvalue()


def read(path, cut=None, names=()):
    found = load_path(path, Cut(**(cut or {})), names)
    n, side = found.images.shape[:2]
    assert found.images.shape == (n, side, side, 3) and found.images.dtype == np.uint8 and n and side in range(8, 65, 4)
    assert found.contexts.shape == (n, len(found.words)) and np.isfinite(found.contexts).all()
    assert found.notes and all("\n" not in line for line in found.notes + found.warnings)
    return found


def pictures(width, height, mode, kind, seed, places, cut):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.png"
        path.write_bytes(damaged(picture(width, height, mode, kind, seed), places))
        one_sentence(lambda: read(path, cut), folder, ValueError, OSError)


test_pictures = tried(pictures, SIZES, SIZES, MODES, FORMATS, st.integers(0, 99), PLACES, CUTS)

NAMES = st.text(
    st.characters(exclude_characters="/\0", exclude_categories=["Cs", "Cc", "Zl", "Zp"]), min_size=1, max_size=12
).filter(lambda name: name not in (".", "..") and len(name.encode()) < 200)
FILES = st.tuples(
    st.lists(NAMES, max_size=3),
    st.sampled_from([".png", ".PNG", ".gif", ".csv", ".json", ".txt", "", ".npy"]),
    st.integers(0, 5),
    PLACES,
)


def folders(files, cut):
    with tempfile.TemporaryDirectory() as folder:
        for names, suffix, seed, places in files:
            path = Path(folder, *names, f"{seed}{suffix}")
            with contextlib.suppress(OSError):  # a name may be a file already
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(damaged(picture(16, 16 * (seed + 1), "RGBA", "PNG", seed), places))
        one_sentence(lambda: read(folder, cut), folder, ValueError, OSError)


test_folders = tried(folders, st.lists(FILES, max_size=6), CUTS)

TEXTS = st.text(max_size=60) | st.sampled_from(
    ["a.png,red dragon", "file,words\na.png,3", '{"a.png": "x"}', '[{"file": "a.png"}]']
)
JSONS = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(
            st.sampled_from(["a.png", "file", "words", "frames", "frame", "meta", "image", "x", "y", "w", "h", "sourceSize"]),
            inner,
        )
    ),
)


def tables(text, told, suffix):
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "a.png").write_bytes(picture(32, 32, "RGBA", "PNG", 1))
        path = Path(folder) / f"a{suffix}"
        path.write_text(text if told is None else json.dumps(told), "utf-8", errors="replace")
        for each in (path, path.with_name("a.png")):
            one_sentence(lambda each=each: read(each), folder, ValueError, OSError)


test_tables = tried(tables, TEXTS, JSONS, st.sampled_from([".csv", ".json", ".tsv"]))

SHAPES = st.lists(st.sampled_from([0, 1, 2, 3, 4, 5, 8, 15, 16, 24]), max_size=5).map(tuple)
GOOD = st.sampled_from([(3, 16, 16, 3), (3, 3, 16, 16), (3, 16, 16), (16, 16, 3), (3, 16, 16, 4), (3, 24, 16, 1)])
TYPES = st.sampled_from(["u1", "i1", "u2", "i8", "f2", "f4", "f8", "c8", "?", "U3", "S2", "M8[s]"])
SCALES = st.sampled_from([0.0, 1.0, -1.0, 2.0, 255.0, 1e30, float("nan"), float("inf")])


def array(shape, kind, scale, seed):
    a = np.random.default_rng(seed).random(shape) * scale
    with np.errstate(all="ignore"):
        return (
            a.astype(int).astype(kind)
            if kind[0] in "MUS" and np.isfinite(a).all()
            else a.astype(kind if kind[0] != "M" else "f8")
        )


def arrays(image, label, labelled, archive, names, places):
    with tempfile.TemporaryDirectory() as folder, np.errstate(all="ignore"):
        path = Path(folder) / ("a.npz" if archive else "a.npy")
        if archive:
            np.savez(path, images=array(*image), labels=array(*label))
        else:
            np.save(path, array(*image))
            if labelled:
                np.save(path.with_name("a_labels.npy"), array(*label))
        path.write_bytes(damaged(path.read_bytes(), places))
        one_sentence(lambda: read(path, None, names), folder, ValueError, OSError)


ARRAY = st.tuples(SHAPES | GOOD, TYPES, SCALES, st.integers(0, 9))
LABEL = st.tuples(st.sampled_from([(3,), (3, 5), (3, 1), (2,), (), (3, 2, 2), (0,)]), TYPES, SCALES, st.integers(0, 9))
test_arrays = tried(
    arrays, ARRAY, LABEL, st.booleans(), st.booleans(), st.lists(st.text(max_size=3), max_size=3).map(tuple), PLACES
)


@pytest.fixture(scope="module", autouse=True)
def _files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("fuzz")
    run = Run(TrainConfig(updates=3, batch=2, n_feat=8), "cpu")
    list(run.advance(torch.rand(4, 3, 16, 16), torch.eye(5)[:4], until=1))
    run.save(folder / "w.ckpt")
    run.export(folder / "w.pt")
    KNOWN.update({suffix: (folder / f"w{suffix}").read_bytes() for suffix in (".pt", ".ckpt")})
    KNOWN["states"] = {suffix: torch.load(folder / f"w{suffix}", weights_only=True) for suffix in (".pt", ".ckpt")}


KNOWN = {}
VALUES = st.sampled_from(
    [None, True, -5, 0, 3, 10**12, 10**400, 0.5, float("nan"), float("inf"), "", "cosine", "\n", [], [1], {}, torch.zeros(3)]
)
WHERE = [
    *((part,) for part in ("kind", "format", "network", "schedule", "words", "sampling", "model", "ema", "config", "step")),
    *((part,) for part in ("optimizer", "generator", "draws", "order", "data", "losses", "recent", "history")),
    *(("network", "settings", name) for name in ("n_feat", "n_cfeat", "height", "in_channels", "prediction")),
    *(("sampling", name) for name in ("sampler", "steps", "guidance")),
    *(("words", name) for name in ("words", "descriptions", "counts")),
    *(("schedule", name) for name in ("name", "alpha_bar")),
    *(("config", name) for name in ("updates", "batch", "lr", "T", "n_feat", "seed", "ema", "flip", "precision", "schedule")),
    ("network", "class"),
    ("model", "out.3.bias"),
    ("optimizer", "state"),
]


def replaced(state, where, value):
    first, *rest = where
    if not isinstance(state, dict):
        return state
    return state | {first: replaced(state.get(first), rest, value) if rest else value}


def weights(suffix, places, where, value):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"w{suffix}"
        if where is None:
            path.write_bytes(damaged(KNOWN[suffix], places))
        else:
            torch.save(replaced(KNOWN["states"][suffix], where, value), path)
        one_sentence(lambda: load_model(path), folder, ValueError, OSError)
        if suffix == ".ckpt":
            one_sentence(lambda: Run.load(path, "cpu"), folder, ValueError, OSError)


test_weights = tried(weights, st.sampled_from([".pt", ".ckpt"]), PLACES, st.none() | st.sampled_from(WHERE), VALUES)

TEXT = st.sampled_from(
    ["", "0", "-1", "1", "2", "3", "16", "16x28", "32", "1e30", "nan", "inf", "10" * 20, "cosine", "linear", "red", "ü", "a,b",
     "v", "a.png", "w.pt", "w.ckpt", "out.pt", "mine.npy", ".", "/dev/null", "nowhere/x", "n" * 300, "\n", "x\0y", "*", "white"]
)  # fmt: skip
OPTIONS = st.sampled_from(
    ["--data", "--out", "--from", "--resume", "--tile", "--pad", "--spacing", "--margin", "--background", "--names", "--flip",
     "--shift", "--hue", "--updates", "--batch", "--lr", "--warmup", "--weight-decay", "--ema", "--context-dropout",
     "--word-dropout", "--prediction", "--schedule", "--T", "--n-feat", "--seed", "--precision", "--checkpoint-every",
     "--film-every", "--preview", "-n", "--columns", "--scale", "--guidance", "--steps", "--sampler", "--eta", "--frames",
     "--hold", "--seconds", "--weights", "--no-words", "red", "not", "0.5", "--help"]
)  # fmt: skip
FLAGS = ("--resume", "--flip", "--no-words", "--help", "red", "not", "0.5")


class NoDiary:
    """Stands in for the work: nothing is trained."""

    def __init__(self, *_):
        pass

    def __enter__(self):
        raise ValueError("no work here")

    def __exit__(self, *_):
        pass


def options(command, given_options):
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setattr(commands, "Diary", NoDiary)
        patch.setattr(commands, "SAMPLERS", dict.fromkeys(commands.SAMPLERS, lambda *_, **__: iter(())))
        patch.setattr(commands, "compare", lambda *_, **__: NoDiary().__enter__())
        for name in ("w.pt", "w.ckpt"):
            Path(name).write_bytes(KNOWN[Path(name).suffix])
        Path("a.png").write_bytes(picture(64, 48, "RGBA", "PNG", 3))
        np.save("mine.npy", array((3, 16, 16, 3), "f4", 1.0, 1))
        before = contents(".")
        arguments = [command, *(part for name, text in given_options for part in ([name] if name in FLAGS else [name, text]))]
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                status = main(arguments)
            except SystemExit as left:
                status = left.code or 0
        assert status in (0, 2) and "Traceback" not in err.getvalue(), (arguments, err.getvalue())
        after = contents(".")
        assert {path: after.get(path) for path in before} == before, arguments
        assert not [name for name in os.listdir() if name.endswith((".part", ".lock"))]


test_options = tried(
    options, st.sampled_from(["train", "sample", "evaluate", "words"]), st.lists(st.tuples(OPTIONS, TEXT), max_size=6)
)
