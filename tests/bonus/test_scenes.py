"""The scenes: who is in them, and the reader of folders in the exercise's form."""

import json
from collections import Counter
from itertools import combinations

import numpy as np
import pytest
from common import ROOT, load_script
from PIL import Image

from diffusion_lab.bonus.scenes import LABELS, label_vector, load_lists, load_scenes

pytestmark = pytest.mark.bonus

FOLDER = ROOT / "data" / "scenes"
draw = load_script(FOLDER / "draw.py")


def as_set(labels):
    return frozenset(int(label) for label in labels)


# ------------------------------------------------------------------ labels


def test_the_labels_are_numbered_as_in_the_exercise():
    places = {"gray cube": 0, "red cube": 1, "blue cube": 2, "yellow cube": 7, "gray sphere": 8, "red sphere": 9}
    places |= {"green sphere": 11, "brown cylinder": 20, "purple cylinder": 21, "cyan cylinder": 22, "yellow cylinder": 23}
    assert {name: LABELS.index(name) for name in places} == places and len(set(LABELS)) == 24
    assert draw.NAMES == LABELS
    assert json.loads((FOLDER / "objects.json").read_text()) == dict(zip(LABELS, range(24), strict=True))


def test_a_label_vector_has_a_one_for_each_object():
    vector = label_vector(["red sphere", "gray cube"])
    assert vector.dtype == np.float32 and vector.shape == (24,) and np.flatnonzero(vector).tolist() == [0, 9]
    assert vector.sum() == 2 and label_vector([]).sum() == 0
    for wrong in (["pink cube"], ["red"], "red sphere", 3, [9]):
        with pytest.raises(ValueError, match="write"):
            label_vector(wrong)


# ------------------------------------------------------------------ who is together with whom


@pytest.fixture(scope="module")
def training():
    return [as_set(labels) for labels in draw.label_sets("train")[0]]


def test_training_has_one_two_or_three_objects_equally_often_and_each_object_often(training):
    assert Counter(map(len, training)) == {1: 6003, 2: 6003, 3: 6003}
    often = Counter(label for labels in training for label in labels)
    assert set(often) == set(range(24)) and min(often.values()) > 1300 and max(often.values()) < 1700


def test_unseen_pairs_are_in_no_scene_of_training_or_held_out(training):
    sets = [as_set(label_vector(names).nonzero()[0]) for names in load_lists(FOLDER / "unseen.json")]
    pairs, triples = sets[:60], sets[60:]
    assert set(map(len, pairs)) == {2} and set(map(len, triples)) == {3} and len(set(sets)) == 120
    assert set(Counter(label for pair in pairs for label in pair).values()) == {5}  # each label alike
    assert all(sum(pair < triple for pair in pairs) == 1 for triple in triples)
    together = {frozenset(pair) for labels in training for pair in combinations(labels, 2)}
    assert not together & set(pairs)
    assert len(together) == 276 - 60  # all other pairs are there
    held_out = [as_set(labels) for labels in draw.label_sets("held_out")[0]]
    assert len(held_out) == 2000 and not {frozenset(p) for labels in held_out for p in combinations(labels, 2)} & set(pairs)


def test_test_holds_known_sets_and_new_test_holds_new_sets_of_known_pairs(training):
    known, pairs = set(training), {frozenset(pair) for labels in training for pair in combinations(labels, 2)}
    test = [as_set(label_vector(names).nonzero()[0]) for names in load_lists(FOLDER / "test.json")]
    new = [as_set(label_vector(names).nonzero()[0]) for names in load_lists(FOLDER / "new_test.json")]
    assert len(set(test)) == 32 and set(test) <= known and Counter(map(len, test)) == {1: 8, 2: 12, 3: 12}
    assert len(set(new)) == 32 and not set(new) & known and set(map(len, new)) == {3}
    assert all(frozenset(pair) in pairs for labels in new for pair in combinations(labels, 2))
    assert set(Counter(label for labels in new for label in labels).values()) == {4}
    assert set(Counter(label for labels in test for label in labels).values()) <= {2, 3, 4}
    assert not set(new) & {as_set(labels) for labels in draw.label_sets("held_out")[0]}


def test_the_splits_share_no_scene_and_their_json_is_the_exercises():
    train, held_out = (draw.label_sets(split)[1] for split in ("train", "held_out"))
    assert (len(train), len(held_out)) == (18_009, 2_000) and not set(train) & set(held_out)
    content = json.loads(draw.split_json("train"))
    assert len(content) == 18_009 and all(set(names) <= set(LABELS) for names in content.values())
    assert list(content)[7] == "CLEVR_train_000007.png"
    assert content["CLEVR_train_000007.png"] == [LABELS[label] for label in draw.label_sets("train")[0][7]]


def test_the_files_are_what_the_program_makes():
    assert draw.check() == 0


# ------------------------------------------------------------------ folders


@pytest.fixture
def iclevr(tmp_path):
    """A folder as the exercise has it: iclevr/ with RGBA files of 320×240, JSON files beside it."""
    (tmp_path / "iclevr").mkdir()
    wide = np.zeros((240, 320, 4), np.uint8)
    wide[..., 3] = 255
    wide[:, :160, 0] = wide[:, 160:, 2] = 200  # red on the left, blue on the right
    wide[:30, :, 1] = 250  # a green band at the top: 8 rows of 64
    Image.fromarray(wide).save(tmp_path / "iclevr" / "CLEVR_train_000001_0.png")
    wide[:, 300:, 3] = 0  # a transparent band at the right: 4 columns of 64
    Image.fromarray(wide).save(tmp_path / "iclevr" / "CLEVR_train_000000_0.png")
    content = {"CLEVR_train_000001_0.png": ["cyan cube"], "CLEVR_train_000000_0.png": ["red sphere", "yellow cylinder"]}
    (tmp_path / "train.json").write_text(json.dumps(content))
    (tmp_path / "objects.json").write_bytes((FOLDER / "objects.json").read_bytes())
    return tmp_path


def test_a_folder_of_the_exercise_is_squashed_not_cropped(iclevr):
    images, labels, names = load_scenes(iclevr)
    assert images.shape == (2, 64, 64, 3) and images.dtype == np.uint8
    assert names == ["CLEVR_train_000001_0.png", "CLEVR_train_000000_0.png"]  # in the order of train.json
    assert labels.dtype == np.float32 and [row.nonzero()[0].tolist() for row in labels] == [[6], [9, 23]]
    assert (images[0, 10:, :30] == (200, 0, 0)).all() and (images[0, 10:, 34:] == (0, 0, 200)).all()
    assert (images[0, :6, :, 1] == 250).all() and (images[0, 10:, :, 1] == 0).all()
    assert (images[1, :, 62:] == 255).all() and (images[1, 10:, 34:58] == (0, 0, 200)).all()  # transparent is white


def test_shrinking_averages_and_does_not_pick_pixels(iclevr):
    fine = np.zeros((240, 320, 3), np.uint8)
    fine[:, ::2] = 255
    Image.fromarray(fine).save(iclevr / "iclevr" / "CLEVR_train_000001_0.png")
    image = load_scenes(iclevr).images[0, :, 2:-2].astype(int)
    assert np.abs(image - 127).max() < 20


def test_pictures_of_64_pixels_pass_as_they_are_from_either_folder(iclevr):
    picture = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    for name in ("CLEVR_train_000000_0.png", "CLEVR_train_000001_0.png"):
        Image.fromarray(picture).save(iclevr / "iclevr" / name)
    assert (load_scenes(iclevr / "iclevr").images == picture).all()
    (iclevr / "train.json").rename(iclevr / "iclevr" / "held_out.json")
    assert (load_scenes(iclevr, "held_out").images == picture).all()


def test_errors_are_sentences(iclevr):
    def wrong(error, match, file, text):
        before = (iclevr / file).read_text()
        (iclevr / file).write_text(text)
        with pytest.raises(error, match=match) as raised:
            load_scenes(iclevr)
        assert str(raised.value).count(". ") == 0 and str(raised.value).endswith(".")
        (iclevr / file).write_text(before)

    wrong(ValueError, "pink cube", "train.json", '{"CLEVR_train_000000_0.png": ["pink cube"]}')
    wrong(ValueError, "lists of names", "train.json", '{"CLEVR_train_000000_0.png": "red cube"}')
    wrong(ValueError, "names no pictures", "train.json", "[]")
    wrong(ValueError, "is no JSON", "train.json", "{")
    wrong(FileNotFoundError, "lacks 1 of 2 pictures", "train.json", '{"CLEVR_train_000000_0.png": [], "2.png": []}')
    wrong(ValueError, "otherwise than LABELS", "objects.json", json.dumps(dict(zip(LABELS[::-1], range(24), strict=True))))
    with pytest.raises(FileNotFoundError, match=r"has no test\.json"):
        load_scenes(iclevr, "test")
    (iclevr / "iclevr" / "CLEVR_train_000000_0.png").write_bytes(b"no picture")
    with pytest.raises(ValueError, match="cannot be read"):
        load_scenes(iclevr)
    with pytest.raises(FileNotFoundError, match="does not exist"):
        load_lists(iclevr / "test.json")
    with pytest.raises(ValueError, match="holds no list"):
        load_lists(iclevr / "train.json")


def test_scenes_written_as_a_folder_come_back_pixel_for_pixel(tmp_path, monkeypatch):
    monkeypatch.setattr(draw, "SPLITS", {"train": range(4), "held_out": range(18_009, 18_011)})
    draw.write_folder(tmp_path)
    for split, n in (("train", 4), ("held_out", 2)):
        sets, seeds = draw.label_sets(split)
        images, labels, names = load_scenes(tmp_path, split)
        assert (images == draw.render_many(sets, seeds)).all() and len(images) == len(names) == n
        assert [as_set(row.nonzero()[0]) for row in labels] == [as_set(labels) for labels in sets]
    assert len(load_lists(tmp_path / "test.json")) == 32
