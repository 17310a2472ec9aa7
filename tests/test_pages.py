"""The static site, in English and in Spanish: every link leads somewhere, every picture says what it shows, and each page leads
to the same page in the other language. And the Spanish guide, which says what README.md says."""

import json
import re
from html import escape

import pytest
from common import ROOT, load_script

pages = load_script(ROOT / "notebooks" / "pages.py")
ENGLISH, SPANISH = pages.LANGUAGES
GLOSSARIES = [language.glossary for language in pages.LANGUAGES]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    pages.make(folder, False)
    return folder


def test_the_site_is_whole(site):
    assert pages.problems(site) == []
    made = sorted(path.relative_to(site).as_posix() for path in site.rglob("*.html"))
    assert made == sorted(pages.page_of(name) for name in (*pages.TEXTS, *pages.LABS, *GLOSSARIES))


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


def read_menu(site, page):
    """What the menu of a page says: {text: (link, "" for the page itself, and its attributes)}."""
    menu = re.search(r"<nav .*?</nav>", (site / page).read_text(encoding="utf-8"))[0]
    return {text: (re.search(r'href="(.*?)"', tag), tag) for tag, text in re.findall(r"<a (.*?)>(.*?)</a>", menu)}


def test_each_page_is_in_its_language_and_leads_to_the_same_page_in_the_other(site):
    same = {"index.html": "notebooks/es/index.html", "glossary.html": "glossary.es.html"}
    for lab in pages.build.NOTEBOOKS:
        if (ROOT / f"notebooks/es/{lab.name}.ipynb").exists():
            same[f"notebooks/{lab.name}.html"] = f"notebooks/es/{lab.name}.html"
    back = {spanish: english for english, spanish in same.items()}
    for path in site.rglob("*.html"):
        page = path.relative_to(site).as_posix()
        text, menu = path.read_text(encoding="utf-8"), read_menu(site, page)
        code, here, there = ("es", "Español", "English") if page in back else ("en", "English", "Español")
        assert f'<html lang="{code}">' in text, page
        link, about = menu[there]
        to = back.get(page) or same.get(page, "notebooks/es/index.html")
        assert (path.parent / link[1]).resolve() == (site / to).resolve(), page
        assert f'lang="{"en" if code == "es" else "es"}"' in about
        assert menu[here][0] is None and 'aria-current="true"' in menu[here][1]


def test_menus_and_titles_are_in_the_pages_language(site):
    labs = [lab for lab in pages.build.NOTEBOOKS if (ROOT / f"notebooks/es/{lab.name}.ipynb").exists()]
    wanted = {
        "data/index.html": ["English", "Español", "Diffusion Lab", *(lab.title for lab in pages.build.NOTEBOOKS), "Glossary"],
        "glossary.es.html": ["English", "Español", "Diffusion Lab", *(lab.title_es for lab in labs), "Glosario"],
    }
    for page, names in wanted.items():
        assert list(read_menu(site, page)) == names
    titles = {"glossary.es.html": "Glosario", "notebooks/es/index.html": "Diffusion Lab en español"}
    titles |= {f"notebooks/es/{lab.name}.html": lab.title_es for lab in labs}
    for page, title in titles.items():
        assert f"<title>{title}</title>" in (site / page).read_text(encoding="utf-8")
    for lab in labs:
        notebook = json.loads((ROOT / f"notebooks/es/{lab.name}.ipynb").read_text(encoding="utf-8"))
        assert "".join(notebook["cells"][0]["source"]).startswith(f"# {lab.title_es}:")


def lab_with(*lines):
    """A notebook with these lines, of which the last stands below the table of words."""
    return {"cells": [{"source": [f"{line}\n" for line in lines]}]}


def test_the_glossary_has_the_words_of_all_labs_in_order():
    after = "\n## After\n| no | word |"
    one = lab_with(f"{ENGLISH.words}lab", "| Term | Means |", "|---|---|", "| time | how much noise |", after)
    two = lab_with(
        f"{ENGLISH.words}lab", "| Term | Means |", "|---|---|", "| Belief | a *guess* |", "| $v$ | a mixture |", after
    )
    first, second, *_ = ENGLISH.labs
    text = pages.glossary(ENGLISH, {first: one, second: two}).splitlines()
    assert text[0] == "# Glossary" and text[4:] == [
        "| Term | Means | Lab |",
        "|---|---|---|",
        "| Belief | a *guess* | [L2](notebooks/L2_Training.html) |",
        "| time | how much noise | [L1](notebooks/L1_Sampling.html) |",
        "| $v$ | a mixture | [L2](notebooks/L2_Training.html) |",
    ]


def test_each_lab_has_words_in_its_glossary(site):
    for language in pages.LANGUAGES:
        links = pages.Links((site / language.glossary).read_text(encoding="utf-8")).links
        for lab in language.labs:
            assert links.count(pages.page_of(lab)) > 5, lab  # one is the menu's


def test_the_spanish_glossary_sorts_letters_with_accents_where_they_belong(monkeypatch):
    rows = ["| paso rápido | cinco |", "| paso | uno |", "| época | dos |", "| **EDO** | tres |", "| estimación | cuatro |"]
    lab = lab_with("## Palabras de este cuaderno", "| Término | Qué es |", "|:--|---|", *rows)
    path = "notebooks/es/L1_Sampling.ipynb"
    monkeypatch.setitem(pages.LABS, path, "L1 Muestreo")
    text = pages.glossary(SPANISH, {path: lab}).splitlines()
    assert text[0] == "# Glosario" and text[4] == "| Término | Significa | Laboratorio |"
    assert [row.split("|")[1].strip() for row in text[6:]] == ["**EDO**", "época", "estimación", "paso", "paso rápido"]
    assert text[7] == "| época | dos | [L1](notebooks/es/L1_Sampling.html) |"


def test_the_spanish_guide_says_what_the_readme_and_labs_toml_say():
    home, guide = ((ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "notebooks/es/README.md"))
    rows = re.findall(r"^\| \[(.*)\]\((.*)\.ipynb\) \|.*\| (.*) \|$", guide, flags=re.MULTILINE)
    times = re.findall(r"^\| \[.*\]\(notebooks/(.*)\.ipynb\) \|.*\| (.*) \|$", home, flags=re.MULTILINE)
    assert rows == [(lab.title_es, *row) for lab, row in zip(pages.build.NOTEBOOKS, times, strict=True)]
    commands = [
        re.findall(r"^(?:python3 |python -m diffusion_lab train|python notebooks).*", text, re.MULTILINE)
        for text in (home, guide)
    ]
    commands = [[line for line in lines if "--out fresh.pt" not in line and "--solutions" not in line] for lines in commands]
    assert len(commands[0]) == 5
    assert [line.replace("notebooks/es/", "notebooks/") for line in commands[1]] == commands[0]


@pytest.mark.parametrize(
    ("planted", "message"),
    [
        ('<a href="nowhere.html">', "index.html: nowhere.html leads nowhere"),
        ('<a href="notebooks/build%20er.py">', "index.html: notebooks/build%20er.py leads nowhere"),
        ('<img src="missing.png" alt="a picture of a knight">', "index.html: missing.png leads nowhere"),
        ('<a href="weights/index.html#nothing">', "index.html: weights/index.html#nothing leads to no place in that page"),
        (
            '<a href="notebooks/es/index.html#gu%C3%ADa">',
            "index.html: notebooks/es/index.html#gu%C3%ADa leads to no place in that page",
        ),
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
