"""The labs and the READMEs as a static site, for reading without running, and the playground, which draws in the browser.

English and Spanish pages stand side by side; each leads to the same page in the other language, where there is one.

    python notebooks/pages.py FOLDER        make it; exit 1 if a link leads nowhere or a picture has no alternative text

Any web server can show the folder (`python -m http.server`); `index.html` also opens from the disk, the playground does not.
All that the pages load lies in the folder. What they need of other people (MathJax for the formulas, the playground's runtime)
comes from npm; without npm the labs are still made, and it is said what is missing. Links to other sites are not followed.
"""

import argparse
import json
import shutil
import sys
import unicodedata
from dataclasses import dataclass
from html import escape
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import build
import nbformat
import playground
from jinja2 import DictLoader
from nbconvert import HTMLExporter
from nbconvert.filters import markdown2html

ROOT = Path(__file__).resolve().parent.parent
TEXTS = (
    "README.md",
    "notebooks/README.md",
    "notebooks/es/README.md",
    "data/README.md",
    "data/fashion/README.md",
    "data/scenes/README.md",
    "weights/README.md",
)
FOLDING = """
{%- extends 'lab/index.html.j2' -%}
{%- block html_head_js -%}{%- endblock -%}
{%- block html_head_js_mermaidjs -%}{%- endblock -%}
{%- block html_head_js_mathjax -%}{{ resources.formulas }}{%- endblock -%}
{%- block input_group -%}
{%- if 'folded' in cell.metadata.get('tags', []) -%}
<details class="folded"><summary>{{ cell.source.splitlines()[0].removeprefix('# @title ') | escape }}</summary>
{{ super() }}</details>
{%- else -%}{{ super() }}{%- endif -%}
{%- endblock -%}
"""  # a folded cell opens with a click, as in JupyterLab; no scripts of other hosts
FORMULAS = """<script>
window.MathJax = {
  tex: { inlineMath: [["$", "$"], ["\\\\(", "\\\\)"]], tags: "ams", processEscapes: true },
  options: { enableMenu: false },
};
</script><script async src="%s"></script>"""


@dataclass(frozen=True)
class Language:
    """What the site says in a language, and where: its code, its name there, its first page, its notebooks' folder and titles.

    The glossary is a page made of the tables under the heading in each lab that begins as `words` does.
    """

    code: str
    name: str
    home: str
    folder: str
    titles: dict[str, str]
    menu_label: str
    glossary: str
    glossary_title: str
    glossary_head: str
    words: str
    playground_title: str

    @property
    def labs(self) -> dict[str, str]:
        """The notebooks that there are: {path: title}."""
        paths = {f"{self.folder}/{name}.ipynb": title for name, title in self.titles.items()}
        return {path: title for path, title in paths.items() if (ROOT / path).exists()}

    def menu(self, with_playground: bool) -> dict[str, tuple[str, str]]:
        """The pages that each page leads to: a name that they have in all languages -> (path, title)."""
        labs = {path.removeprefix(self.folder): (path, title) for path, title in self.labs.items()}
        found = {"home": (self.home, "Diffusion Lab")} | labs | {"glossary": (self.glossary, self.glossary_title)}
        return found | ({"playground": (playground.PAGES[self.code], self.playground_title)} if with_playground else {})


ENGLISH = Language(
    code="en",
    name="English",
    home="README.md",
    folder="notebooks",
    titles={lab.name: lab.title for lab in build.NOTEBOOKS},
    menu_label="Labs",
    glossary="glossary.html",
    glossary_title="Glossary",
    glossary_head="The words of the labs, and the labs that explain them.\n\n| Term | Means | Lab |\n|---|---|---|",
    words="## Words of this ",
    playground_title="Playground",
)
SPANISH = Language(
    code="es",
    name="Español",
    home="notebooks/es/README.md",
    folder="notebooks/es",
    titles={lab.name: lab.title_es for lab in build.NOTEBOOKS},
    menu_label="Laboratorios",
    glossary="glossary.es.html",
    glossary_title="Glosario",
    glossary_head="Las palabras de los laboratorios, y el laboratorio que explica cada una.\n\n"
    "| Término | Significa | Laboratorio |\n|---|---|---|",
    words="## Palabras de este ",
    playground_title="Zona de pruebas",
)
LANGUAGES = (ENGLISH, SPANISH)
LABS = ENGLISH.labs | SPANISH.labs
STYLE = """
body { margin: 0; } img { max-width: 100%; height: auto; }
.site { font: 16px/1.6 system-ui, sans-serif; color: #1d1d1f; background: #fff; }
.site main { max-width: 46rem; margin: 0 auto; padding: 1rem; }
.site table { border-collapse: collapse; display: block; overflow-x: auto; }
.site td, .site th { border-bottom: 1px solid #d0d0d5; padding: .3rem .7rem; text-align: left; vertical-align: top; }
.site pre { background: #f5f5f7; padding: .8rem; overflow-x: auto; } .site a { color: #0a58ca; }
.site :not(pre) > code { overflow-wrap: anywhere; }
details.folded > summary { margin-left: 6rem; color: #5b6472; cursor: pointer; }
details.folded > summary { font: 14px/1.6 system-ui, sans-serif; }
.anchor-link { visibility: hidden; } :hover > .anchor-link { visibility: visible; }
nav.labs { font: 15px/2 system-ui, sans-serif; padding: .3rem 1rem; background: #1d1d1f; }
@media (max-width: 40rem) { nav.labs { overflow-x: auto; white-space: nowrap; } }
nav.labs a { color: #fff; margin-right: 1.2rem; display: inline-block; }
nav.labs [aria-current] { font-weight: bold; text-decoration: none; }
nav.labs .languages { float: right; margin-left: 1.2rem; color: #fff; } nav.labs .languages a { margin: 0; }
@media (max-width: 40rem) { nav.labs .languages { float: none; margin: 0 1.2rem 0 0; } }
"""


def page_of(path: str) -> str:
    """Where a file of the repository stands in the site: its own page for a text or a lab, else as it is."""
    if path.endswith("README.md"):
        return path.removesuffix("README.md") + "index.html"
    return path.removesuffix(".ipynb") + ".html" if path in LABS else path


def language_of(name: str) -> Language:
    """The language of a file of the repository, or of the site."""
    pages = playground.PAGES[SPANISH.code], SPANISH.glossary
    return SPANISH if name in pages or name.startswith(f"{SPANISH.folder}/") else ENGLISH


def navigation(here: str, with_playground: bool) -> str:
    """The links to all pages of its language, as seen from the page `here`, and to the same page in the other languages."""
    up, spoken = "../" * here.count("/"), language_of(here)
    menu = spoken.menu(with_playground)
    same = next((name for name, (path, _) in menu.items() if page_of(path) == here), "home")
    switch = []
    for language in LANGUAGES:
        other = language.menu(with_playground)
        path, _ = other.get(same, other["home"])
        about = f'lang="{language.code}"' + (' aria-current="true"' if language is spoken else f' href="{up}{page_of(path)}"')
        switch.append(f'<a hreflang="{language.code}" {about}>{language.name}</a>')
    current = {here: ' aria-current="page"'}
    items = (f'<a href="{up}{page_of(p)}"{current.get(page_of(p), "")}>{escape(name)}</a>' for p, name in menu.values())
    links = f'<span class="languages">{" | ".join(switch)}</span>{"".join(items)}'
    return f'<style>{STYLE}</style><nav class="labs" aria-label="{spoken.menu_label}">{links}</nav>'


class Links(HTMLParser):
    """What a page holds: links and sources, ids, and pictures without alternative text."""

    def __init__(self, text: str):
        super().__init__()
        self.links, self.ids, self.silent = [], set(), 0
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list):
        """Called by `feed` for each tag."""
        found = dict(attributes)
        self.links += [found[name] for name in ("href", "src") if found.get(name) and tag != "link"]
        self.ids |= {found[name] for name in ("id", "name") if found.get(name)}
        self.silent += tag == "img" and len(found.get("alt") or "") < 10


def local(link: str) -> bool:
    """Whether a link stays within the site."""
    return not urlsplit(link).scheme and not link.startswith("//")


def point_to_pages(text: str, here: Path) -> str:
    """The page's text with its links to labs and READMEs leading to their pages."""
    for link in {link for link in Links(text).links if local(link)}:
        path, hash_, anchor = link.partition("#")
        target = (here.parent / unquote(path)).resolve()
        if path and target.is_relative_to(ROOT):
            name = target.relative_to(ROOT).as_posix()
            if name in TEXTS or name in LABS:
                page = path[: len(path) - len(target.name)] + Path(page_of(name)).name
                text = text.replace(f'"{escape(link)}"', f'"{page}{hash_}{anchor}"')
    return text


def formulas(here: str) -> str:
    """What draws the formulas of the page `here`."""
    return FORMULAS % ("../" * here.count("/") + playground.FORMULAS)


def render(name: str, with_playground: bool) -> str:
    """One page as HTML."""
    source, here = ROOT / name, page_of(name)
    language, menu = language_of(name).code, navigation(here, with_playground)
    if name in LABS:
        notebook = nbformat.read(source, as_version=4)
        notebook.metadata.title = LABS[name]
        loaders = [DictLoader({"folding.html.j2": FOLDING})]
        exporter = HTMLExporter(template_file="folding.html.j2", extra_loaders=loaders, language_code=language)
        text, _ = exporter.from_notebook_node(notebook, {"formulas": formulas(here) if with_playground else ""})
        start = text.index(">", text.index("<body")) + 1
        text = text[:start] + menu + text[start:]
    else:
        text = text_page(source.read_text(encoding="utf-8"), language, menu)
    return point_to_pages(text, source)


def text_page(markdown: str, language: str, menu: str, more: str = "") -> str:
    """A page of text as HTML; its first line is its title. more: for its head."""
    head = more + '<meta charset="utf-8"><meta name="viewport" content="width=device-width">'
    title = escape(markdown.splitlines()[0].lstrip("# "))
    body = f'<body class="site">{menu}<main>{markdown2html(markdown)}</main></body>'
    return f'<!DOCTYPE html><html lang="{language}"><head>{head}<title>{title}</title></head>{body}</html>\n'


def glossary(language: Language, notebooks: dict[str, dict]) -> str:
    """The words of all labs in alphabetical order, as Markdown. notebooks: each lab's, by its path."""
    rows = []
    for path, notebook in notebooks.items():
        for cell in notebook["cells"]:
            _, _, after = "".join(cell["source"]).partition(language.words)
            table = [line for line in after.partition("\n## ")[0].splitlines() if line.startswith("|")]
            for line in table[2:]:  # below the table's head and its rule
                rows.append(f"{line.rstrip().rstrip('|')}| [{LABS[path].split()[0]}]({page_of(path)}) |")
    table = "\n".join(sorted(rows, key=_alphabetical))
    return f"# {language.glossary_title}\n\n{language.glossary_head}\n{table}\n"


def _alphabetical(row: str) -> str:
    """What rows are sorted by, their terms: a letter with an accent stands where it stands without one."""
    letters = unicodedata.normalize("NFD", row.strip("|* $`\\").partition("|")[0].strip().lower())
    return "".join(letter for letter in letters if not unicodedata.combining(letter))


def make(folder: Path, with_playground: bool):
    """Write all pages, and the repository's files that they lead to. The playground needs npm's packages."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in (*TEXTS, *LABS):
        text = render(name, with_playground)
        out = folder / page_of(name)
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(text, encoding="utf-8")
        for link in filter(local, Links(text).links):
            path = ((ROOT / name).parent / unquote(urlsplit(link).path)).resolve()
            if path.is_file() and path.is_relative_to(ROOT):
                copy = folder / path.relative_to(ROOT)
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, copy)

    for language in LANGUAGES:
        notebooks = {name: json.loads((ROOT / name).read_text(encoding="utf-8")) for name in language.labs}
        menu, more = navigation(language.glossary, with_playground), formulas(language.glossary) if with_playground else ""
        text = text_page(glossary(language, notebooks), language.code, menu, more)
        (folder / language.glossary).write_text(text, encoding="utf-8")
    if with_playground:
        playground.make(folder, {code: navigation(page, True) for code, page in playground.PAGES.items()})


def problems(folder: Path) -> list[str]:
    """Dead links and pictures without alternative text, one sentence each."""
    pages = {path.resolve(): Links(path.read_text(encoding="utf-8")) for path in sorted(folder.rglob("*.html"))}
    found = []
    for path, page in pages.items():
        where = path.relative_to(folder.resolve()).as_posix()
        if page.silent:
            found.append(f"{where}: {page.silent} pictures have no alternative text")
        for link in sorted(set(filter(local, page.links))):
            parts = urlsplit(link)
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if target.is_dir():
                target /= "index.html"
            if not target.is_file():
                found.append(f"{where}: {link} leads nowhere")
            elif parts.fragment and target in pages and not {parts.fragment, unquote(parts.fragment)} & pages[target].ids:
                found.append(f"{where}: {link} leads to no place in that page")
    return found


def main() -> int:
    """See the top of this file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    missing = playground.fetch_packages()
    make(folder, not missing)
    found = problems(folder)
    print("\n".join([f"{folder}: {len(list(folder.rglob('*.html')))} pages", *filter(None, [missing]), *found]))
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
