"""Translations of the masters: read, put together, and refused where they are out of step."""

import pytest
from common import ROOT, load_script

translation = load_script(ROOT / "notebooks" / "translation.py")
drift = load_script(ROOT / "notebooks" / "drift.py")

ENGLISH = {
    "a-text": "## 1. Noise\n\n"
    "At $t = 5$ the *noise* $\\text{is}$ half, see [L2](L2_Training.ipynb):\n\n- `red` works;\n- 3 do not.",
    "setup": "1",
    "code-a": '''\
def draw(name, n):
    """Show n sprites.

    name: a word.
    """
    ### BEGIN SOLUTION
    label = f"{n} of {name}: {1 / n:.2f}"  # what stands above it
    return show(name, key="eps", label=label)
    ### END SOLUTION


draw("red", 2)''',
    "code-b": "print(1)",
}
FILE = '''\
<!-- #region id="a-text" of="{hash}" -->
## 1. Ruido

En $t = 5$ el *ruido* $\\text{{es}}$ la mitad (mira [L2](L2_Training.ipynb)):

- `rojo` sirve;
- 3 no sirven.
<!-- #endregion -->

<!-- #region id="more" after="code-a" -->
Solo en español.
<!-- #endregion -->

```strings id="code-a"
"""Show n sprites.

name: a word.
"""
"""Muestra n sprites.

name: una palabra.
"""

f"{{n}} of {{name}}: {{1 / n:.2f}}"
f"{{name}}, {{n}} veces: {{1 / n:.2f}}"

# what stands above it
# lo que se lee encima

"red"
"rojo"

= "eps"
```
'''.format(hash=translation.short_hash(ENGLISH["a-text"]))


@pytest.fixture
def master():
    """The English master, read."""
    kinds = {"a-text": "markdown"}
    return {
        "cells": [
            {"id": id, "cell_type": kinds.get(id, "code"), "metadata": {}, "source": source.splitlines(keepends=True)}
            | ({} if id in kinds else {"outputs": [], "execution_count": None})
            for id, source in ENGLISH.items()
        ],
        "metadata": {},
        "nbformat": 4,
        "nbformat_minor": 5,
    }


@pytest.fixture
def read(tmp_path):
    """A function that reads a translation's text."""

    def read(text):
        path = tmp_path / "L9_Test.md"
        path.write_text(text, encoding="utf-8")
        return translation.read(path)

    return read


def sources(notebook):
    return {cell["id"]: "".join(cell["source"]) for cell in notebook["cells"]}


def test_a_translation_in_step_gives_the_notebook_in_the_other_language(master, read):
    assert drift.problems(master, read(FILE)) == []
    got = sources(translation.translate(master, read(FILE)))
    assert list(got) == ["a-text", "setup", "code-a", "more", "code-b"]
    assert got["more"] == "Solo en español."
    assert got["a-text"].startswith("## 1. Ruido\n\nEn $t = 5$ el *ruido*")
    assert (
        got["code-a"]
        == '''\
def draw(name, n):
    """Muestra n sprites.

    name: una palabra.
    """
    ### BEGIN SOLUTION
    label = f"{name}, {n} veces: {1 / n:.2f}"  # lo que se lee encima
    return show(name, key="eps", label=label)
    ### END SOLUTION


draw("rojo", 2)'''
    )


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ('of="', 'of="0', "a-text: it translates an older English text: run notebooks/translation.py"),
        ('id="a-text"', 'id="b-text"', "a-text is not translated"),
        ('id="a-text"', 'id="b-text"', "b-text is left over: the master has no such text"),
        ('strings id="code-a"', 'strings id="code-c"', "the strings of code-c are left over: the master has no such code"),
        ("la mitad", "@@ la mitad", "a-text: it waits for a translator"),
        ("t = 5", "t = 6", "a-text: other formulas: missing ['$t = 5$'], too many ['$t = 6$']"),
        ("$\\text{es}$", "", "a-text: other formulas: missing ['$$'], too many []"),
        ("`rojo`", "rojo", "a-text: other code: missing ['rojo'], too many []"),
        ("`rojo`", "`verde`", "a-text: other code: missing ['rojo'], too many ['verde']"),
        ("L2_Training.ipynb", "L3_Context.ipynb", "a-text: other links: missing ['](L2_Training.ipynb)'], too many ['](L3_"),
        ("- 3 no", "- 4 no", "a-text: other numbers: missing ['3'], too many ['4']"),
        ("- 3 no", "3 no", "a-text: other rows and items: missing ['-'], too many []"),
        ("## 1. Ruido", "### 1. Ruido", "a-text: other headings: missing ['##'], too many ['###']"),
        ("el *ruido*", "el *ruido*" + " muy" * 40, "a-text: a line has 234 columns"),
        ("Solo en español.", "Solo " * 30 + ".", "more: a line has 151 columns"),
        ('after="code-a"', 'after="code-c"', "more stands after code-c: its id must be new"),
        ('"red"\n"rojo"\n\n', "", 'code-a: "red" is not translated'),
        ('= "eps"', "", 'code-a: "eps" is not translated'),
        ('= "eps"', '= "eps", "x0"', 'code-a: "x0" is left over: the code has no such piece'),
        ('"rojo"', '"@@rojo"', 'code-a: "@@rojo" waits for a translator'),
        ("# what stands above it\n# lo", "# what stood above it\n# lo", "code-a: # what stands above it is not translated"),
        ("{n} veces", "{m} veces", "code-a: its code differs, strings and comments aside"),
        ("{1 / n:.2f}\"\n\n#", "{1 / n:.3f}\"\n\n#", "code-a: its code differs, strings and comments aside"),
        ('"rojo"', 'f"rojo"', "code-a: its code differs, strings and comments aside"),
        ("lo que se lee encima", "lo que se lee encima " * 6, "code-a: a line has 174 columns"),
    ],
)  # fmt: skip
def test_each_kind_of_drift_is_refused(master, read, old, new, problem):
    assert old in FILE
    found = drift.problems(master, read(FILE.replace(old, new, 1)))
    assert any(sentence.startswith(problem) for sentence in found), found


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("<!-- #endregion -->\n\n<", "<!-- #endregion -->\n\nstray\n\n<", "'stray' belongs to no piece"),
        ("<!-- #endregion -->\n\n<", "\n\n<", "<!-- #endregion --> is missing after a-text"),
        ('id="more"', 'id="a-text"', "a-text is translated twice"),
        ('= "eps"', '"eps"', 'the strings of code-a: "eps" has no translation'),
        ('= "eps"', '= "red"', 'the strings of code-a: "red" stands there twice'),
        ('"rojo"', "# rojo", 'the strings of code-a: "red" is a string, and # rojo is not'),
        ('"rojo"', '"rojo', 'the strings of code-a: "rojo is neither a string nor a comment'),
        ('"rojo"', '"rojo" + x', "the strings of code-a: + x is neither a string nor a comment"),
        ('name: una palabra.\n"""', "name: una palabra.", "the strings of code-a cannot be read: "),
    ],
)
def test_what_cannot_be_read_is_said(read, old, new, problem):
    with pytest.raises(translation.Drift, match=r"^L9_Test\.md: ") as error:
        read(FILE.replace(old, new, 1))
    assert problem in str(error.value)


def test_bringing_up_to_date_changes_nothing_in_a_translation_in_step(master, read):
    text = translation.updated(master, read(FILE))
    assert drift.problems(master, read(text)) == []
    assert translation.updated(master, read(text)) == text
    assert translation.translate(master, read(text)) == translation.translate(master, read(FILE))


def test_bringing_up_to_date_marks_what_is_missing_or_changed_and_drops_what_is_left_over(master, read):
    master["cells"][0]["source"] = [ENGLISH["a-text"].replace("half", "a half").replace("## 1. Noise", "## 1. The noise")]
    master["cells"][2]["source"] = ENGLISH["code-a"].replace('"red"', '"blue"').splitlines(keepends=True)
    text = translation.updated(master, read(FILE))
    assert "@@ The English text is now:\n## 1. The noise\n" in text and "@@ The translation was:\n## 1. Ruido\n" in text
    assert '"blue"\n"@@blue"' in text and "rojo" not in text.partition("strings")[2]
    assert drift.problems(master, read(text)) == [
        "a-text: it waits for a translator",
        'code-a: "@@blue" waits for a translator',
    ]
    fresh = translation.updated(master, translation.Translation())
    assert fresh.count("@@") == 6


def test_what_stays_is_written_so_that_it_can_be_read_again(master, read):
    master["cells"][2]["source"] = ["f('a', 'b')  # Why x0\n", "g('c')  # x\n", "h('d', 'e')"]
    stays = {piece: piece for piece in ("'a'", "'b'", "# Why x0", "'c'", "# x", "'d'", "'e'")}
    text = translation.updated(master, translation.Translation(strings={"code-a": stays}))
    assert read(text).strings["code-a"] == stays
    assert "\n= 'd', 'e'\n" in text


def test_strings_and_comments_of_code_are_found_whole():
    code = "f(f\"{a['x']} z\", r'\\d', 'a' 'b')  # why\n"
    assert [token.text for token in translation.tokens(code)] == ["f\"{a['x']} z\"", "r'\\d'", "'a'", "'b'", "# why"]
    assert [token.has_words for token in translation.tokens("f'{a:.2f}' '5' f'{a[\"x\"]}' 'ñ' # noqa: E501\n# 1")] == [
        False,
        False,
        True,
        True,
        False,
        False,
    ]
