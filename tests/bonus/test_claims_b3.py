"""What B3 and the cards say of stored figures: each sentence would be seen here if new figures made it false."""

import json

import numpy as np
import pytest
from PIL import Image

from diffusion_lab.sprites import packaged_file

pytestmark = pytest.mark.bonus


def stored(name):
    return json.loads(packaged_file("weights", f"{name}.json").read_text(encoding="utf-8"))


def compared(figure):
    """{kind: (seed 0, seed 1)}"""
    found = {}
    for line in sorted(stored("fashion_compared")["samples"], key=lambda line: line["seed"]):
        found[line["kind"]] = (*found.get(line["kind"], ()), line[figure])
    return found


def apart(a, b):
    """Does one lie above the other by more than the seeds of either differ?"""
    return max(min(a) - max(b), min(b) - max(a)) > max(max(a) - min(a), max(b) - min(b))


def test_each_was_trained_with_two_seeds_and_has_a_row_of_pictures():
    assert {kind: len(seeds) for kind, seeds in compared("ratio").items()} == dict.fromkeys(
        ("l2", "l1", "huber", "times the root"), 2
    )
    tiles = np.asarray(Image.open(packaged_file("weights", "fashion_compared.png")))
    assert tiles.shape == (4 * 28, 10 * 28) and tiles.dtype == np.uint8 and stored("fashion_compared")["n"] == 1000


def test_all_are_far_from_good_and_l1_is_ahead_by_more_than_chance():
    ratio, precision = compared("ratio"), compared("precision")
    assert min(min(seeds) for seeds in ratio.values()) > 10
    assert apart(ratio["l1"], ratio["l2"]) and max(ratio["l1"]) < min(ratio["l2"])
    assert apart(precision["l1"], precision["l2"]) and min(precision["l1"]) > max(precision["l2"])


@pytest.mark.parametrize(
    ("kind", "figures"), [("huber", ("ratio", "precision", "as asked")), ("times the root", ("ratio", "as asked"))]
)
def test_huber_and_the_mistaken_standardisation_are_like_the_square_but_for_chance(kind, figures):
    assert not any(apart(compared(figure)[kind], compared(figure)["l2"]) for figure in figures)


def test_what_is_apart_by_more_than_two_seeds_is_told_from_what_is_not():
    assert apart((1.0, 1.1), (2.0, 2.2)) and apart((2.0, 2.2), (1.0, 1.1))
    assert not apart((1.0, 2.0), (2.5, 2.6)) and not apart((1.0, 2.0), (1.5, 1.6))


def test_the_shipped_network_is_as_the_last_section_says():
    real, samples = stored("fashion")["real"], {line["guidance"]: line for line in stored("fashion")["samples"]}
    assert samples[1.0]["confidence"] < real["confidence"] < samples[1.5]["confidence"]
    assert samples[1.5]["as asked"] > samples[1.0]["as asked"] and samples[1.5]["ratio"] > samples[1.0]["ratio"] > 1
    assert real["confidence"] - samples[None]["confidence"] > 0.03 and samples[None]["ratio"] > 3
