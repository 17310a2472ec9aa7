"""Helpers of several tests."""

import importlib.util
import json
import random
import re
import shutil
import sys
from pathlib import Path

from diffusion_lab.checks.exercise import SOLUTIONS

ROOT = Path(__file__).parent.parent
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)  # a browser, or None


def load_script(path):
    """Import a program that is not part of the package. It may import its neighbours."""
    if str(path.parent) not in sys.path:
        sys.path.insert(0, str(path.parent))
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module


def refused(exercise, answer, words):
    """Assert that an exercise's check refuses an answer, in these words (a pattern); with "" in numbers, and only then."""
    verdict = exercise.check(answer)
    pattern = words or r"Asked: .* For .* (has|is) .*\d.*, expected .*\d"
    assert verdict.status == "not yet" and verdict.message.startswith("Asked: ") == pattern.startswith("Asked: ")
    assert re.search(pattern, verdict.message), verdict.message


def solved(imported, name, edits=None):
    """The function in solutions.json that solves an exercise.

    imported: what its notebook imports, {name: thing}. edits: what is written in it in another way.
    """
    code = json.loads(SOLUTIONS.read_text(encoding="utf-8"))[name]
    for old, new in (edits or {}).items():
        assert old in code
        code = code.replace(old, new)
    space = dict(imported)
    exec(code, space)
    return space[next(key for key in space if key not in imported and key != "__builtins__")]


def read_or_refused(vocabularies, bits, tries):
    """Assert that a vocabulary reads texts put together of these bits as a prompt with possible weights, or says why not."""
    chance, read = random.Random(5), 0
    for _ in range(tries):
        text = chance.choice(["", " "]).join(chance.choices(bits, k=chance.randint(1, 6)))
        for vocabulary in vocabularies:
            try:
                wanted, unwanted = vocabulary.prompt(text)
            except ValueError as error:
                assert str(error).endswith(".")
                continue
            read += 1
            assert 0 <= wanted.min() and wanted.max() <= 2 and (unwanted is None or 0 < unwanted.max() <= 2)
    assert read > 50  # or this would be a test of refusals only
