"""The static site: every link leads somewhere, every picture says what it shows, and the check sees it if not."""

import json
import re
import sys
from html import escape

import pytest
from common import ROOT, load_script

sys.path.insert(0, str(ROOT / "notebooks"))  # pages.py imports build.py, its neighbour
pages = load_script(ROOT / "notebooks" / "pages.py")


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    pages.make(folder, False)
    return folder


def test_the_site_is_whole(site):
    assert pages.problems(site) == []
    made = sorted(path.relative_to(site).as_posix() for path in site.rglob("*.html"))
    assert made == sorted(pages.page_of(name) for name in (*pages.TEXTS, *pages.LABS, pages.GLOSSARY))


def test_links_between_files_of_the_repository_lead_to_pages(site):
    home = pages.Links((site / "index.html").read_text(encoding="utf-8")).links
    assert {"notebooks/L1_Sampling.html", "notebooks/index.html", "weights/index.html"} <= set(home)
    assert not any(link.endswith((".ipynb", ".md")) for link in home)
    assert "../index.html" in pages.Links((site / "notebooks" / "L1_Sampling.html").read_text(encoding="utf-8")).links


def test_a_folded_cell_opens_with_a_click_and_shows_its_title(site):
    text = (site / "notebooks" / "L1_Sampling.html").read_text(encoding="utf-8")
    cells = json.loads((ROOT / "notebooks" / "L1_Sampling.ipynb").read_text(encoding="utf-8"))["cells"]
    folded = [cell for cell in cells if "folded" in cell["metadata"].get("tags", [])]
    titles = re.findall(r'<details class="folded"><summary>(.*?)</summary>', text)
    assert folded and titles == [
        escape("".join(cell["source"]).splitlines()[0].removeprefix("# @title "), quote=False) for cell in folded
    ]


def test_the_glossary_has_the_words_of_all_labs_in_order():
    (first, one), (second, two) = (
        (path, {"cells": [{"source": ["## Words of this lab\n", *rows, "\n", "## After\n", "| no | word |\n"]}]})
        for path, rows in zip(
            pages.LABS,
            (
                ["| Term | Means |\n", "|---|---|\n", "| time | how much noise |\n"],
                ["| Belief | a *guess* |\n", "| $v$ | a mixture |\n"],
            ),
            strict=False,
        )
    )
    rows = pages.glossary({first: one, second: two}).splitlines()[6:]
    assert rows == [
        "| Belief | a *guess* | [L2](notebooks/L2_Training.html) |",
        "| time | how much noise | [L1](notebooks/L1_Sampling.html) |",
        "| $v$ | a mixture | [L2](notebooks/L2_Training.html) |",
    ]


@pytest.mark.parametrize(
    ("planted", "message"),
    [
        ('<a href="nowhere.html">', "index.html: nowhere.html leads nowhere"),
        ('<a href="notebooks/build%20er.py">', "index.html: notebooks/build%20er.py leads nowhere"),
        ('<img src="missing.png" alt="a picture of a knight">', "index.html: missing.png leads nowhere"),
        ('<a href="weights/index.html#nothing">', "index.html: weights/index.html#nothing leads to no place in that page"),
        ('<img src="data:,">', "index.html: 1 pictures have no alternative text"),
        ('<img src="data:," alt="">', "index.html: 1 pictures have no alternative text"),
    ],
)
def test_the_check_sees_each_fault(site, planted, message):
    home = site / "index.html"
    text = home.read_text(encoding="utf-8")
    home.write_text(text.replace("</main>", planted + "</main>"), encoding="utf-8")
    try:
        assert pages.problems(site) == [message]
    finally:
        home.write_text(text, encoding="utf-8")


def test_links_to_other_sites_are_left_alone(site):
    home = site / "index.html"
    text = home.read_text(encoding="utf-8")
    home.write_text(text + '<a href="https://example.org/x"><a href="mailto:a@b.c"><a href="//example.org">', encoding="utf-8")
    try:
        assert pages.problems(site) == []
    finally:
        home.write_text(text, encoding="utf-8")
