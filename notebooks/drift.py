"""What makes a translation refused: each way in which it can be out of step with its master. See translation.py."""

import ast
import re

from translation import MARK, WIDTH, Translation, short_hash, tokens, translate, translated_code


def problems(notebook: dict, translation: Translation) -> list[str]:
    """What in a translation is out of step with the master, one sentence each. notebook: the English master, read."""
    sources = {cell["id"]: "".join(cell["source"]) for cell in notebook["cells"]}
    code = {cell["id"] for cell in notebook["cells"] if cell["cell_type"] == "code"}
    known = {english: other for pairs in translation.strings.values() for english, other in pairs.items()}
    found = []
    for id, source in sources.items():
        if id in code:
            found += [f"{id}: {problem}" for problem in _code_problems(source, translation.strings.get(id, {}), known)]
        elif id not in translation.texts:
            found.append(f"{id} is not translated")
        else:
            found += [f"{id}: {problem}" for problem in _text_problems(source, *translation.texts[id], known)]
    found += [f"{id} is left over: the master has no such text" for id in translation.texts if id not in set(sources) - code]
    found += [f"the strings of {id} are left over: the master has no such code" for id in translation.strings if id not in code]
    for id, after, text in translation.added:
        if id in sources or after not in sources:
            found.append(f"{id} stands after {after}: its id must be new, and the master must have that cell")
        found += [f"{id}: {problem}" for problem in _wide(text)]
    if not found:
        for cell in translate(notebook, translation)["cells"]:
            found += [f"{cell['id']}: {problem}" for problem in _wide("".join(cell["source"])) if cell["id"] in code]
    return found


def _text_problems(english: str, remembered: str, text: str, known: dict[str, str]) -> list[str]:
    if MARK in text:
        return ["it waits for a translator"]
    found = [] if remembered == short_hash(english) else ["it translates an older English text: run notebooks/translation.py"]
    return found + _wide(text) + _unlike(english, text, known)


def _unlike(english: str, text: str, known: dict[str, str]) -> list[str]:
    """Formulas, code, links, numbers and headings that are not the same in a text and its translation."""
    found = []
    for what, (wanted, got) in _kept(english, text, known).items():
        if wanted != got:
            less, more = _without(wanted, got), _without(got, wanted)
            found.append(f"other {what}: missing {less}, too many {more}" if less + more else f"other {what}: {got}")
    return found


def _kept(english: str, other: str, known: dict[str, str]) -> dict[str, tuple[list[str], list[str]]]:
    """What a translation must keep, as it is in both texts. Where the code says "red" in Spanish, a text does so, too."""
    first, second = _parts(english), _parts(other)
    for quote in "'\"":
        spelled = {a[1:-1]: b[1:-1] for a, b in known.items() if a[0] == quote}
        first["code"] = [spelled.get(code, known.get(code, code)) for code in first["code"]]
        second["code"] = [spelled.get(code, known.get(code, code)) for code in second["code"]]
    return {
        what: (first[what], second[what]) if what == "headings" else (sorted(first[what]), sorted(second[what]))
        for what in first
    }


def _parts(text: str) -> dict[str, list[str]]:
    parts = {}
    for what, pattern in (
        ("code", r"```.*?```|`[^`\n]+`"),
        ("formulas", r"\$\$.*?\$\$|\$[^$]+\$"),
        ("links", r"\]\([^)\s]*\)|https?://[^\s)>]*"),
        ("tags", r"<[^>]+>"),
    ):
        parts[what] = [part.strip("`") for part in re.findall(pattern, text, re.DOTALL)]
        text = re.sub(pattern, " ", text, flags=re.DOTALL)
    parts["formulas"] = [re.sub(r"\s+", " ", re.sub(r"\\text\{[^}]*\}", "", formula)) for formula in parts["formulas"]]
    parts["numbers"] = re.findall(r"\d[\d,]*(?:\.\d+)?", re.sub(r",(?!\d)", " ", text))
    parts["headings"] = re.findall(r"^#+(?= )", text, re.MULTILINE)
    parts["rows and items"] = [mark[:1] for mark in re.findall(r"^ *(?:\||[-*] |\d+\. )", text, re.MULTILINE)]
    return parts


def _without(first: list[str], second: list[str]) -> list[str]:
    left = list(first)
    for value in second:
        if value in left:
            left.remove(value)
    return left


def _wide(text: str) -> list[str]:
    """Lines over 128 columns; rows of tables cannot be broken."""
    return [
        f"a line has {len(line)} columns: {line[:40]!r}" for line in text.splitlines() if len(line) > WIDTH and line[0] != "|"
    ]


def _code_problems(english: str, pairs: dict[str, str], known: dict[str, str]) -> list[str]:
    texts = {token.text: token for token in tokens(english)}
    found = [f"{text} is not translated" for text, token in texts.items() if token.has_words and text not in pairs]
    found += [f"{text} is left over: the code has no such piece" for text in pairs if text not in texts]
    waiting = [f"{text} waits for a translator" for text in pairs.values() if MARK in text]
    if waiting:
        return found + waiting
    for text, other in pairs.items():
        found += [f"{other}: {problem}" for problem in _unlike(text, other, known)]
    try:
        if skeleton(english) != skeleton(translated_code(english, pairs)):
            found.append("its code differs, strings and comments aside: f-strings must keep what stands in their braces")
    except SyntaxError as error:
        found.append(f"its code cannot be read any more: {error}")
    return found


def skeleton(code: str) -> str:
    """Code without its comments, docstrings and what its strings say. What f-strings fill in stays, in alphabetical order."""
    return ast.dump(_Bare().visit(ast.parse(code)))


class _Bare(ast.NodeTransformer):
    def visit_Constant(self, node: ast.Constant) -> ast.Constant:
        """Called for each constant."""
        return ast.Constant("") if isinstance(node.value, str) else node

    def visit_JoinedStr(self, node: ast.JoinedStr) -> ast.JoinedStr:
        """Called for each f-string."""
        filled = [self.visit(value) for value in node.values if isinstance(value, ast.FormattedValue)]
        return ast.JoinedStr(sorted(filled, key=ast.dump))

    def visit_FormattedValue(self, node: ast.FormattedValue) -> ast.FormattedValue:
        """Called for what f-strings fill in: its format (".2f") is kept."""
        return ast.FormattedValue(self.visit(node.value), node.conversion, node.format_spec)
