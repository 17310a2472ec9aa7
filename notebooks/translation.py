"""Translations of the masters: what stands in masters/es/, and how it is kept in step with the English masters.

    python notebooks/translation.py [es/L1_Sampling ...]     bring translations up to date: all, or these

A translation holds no code. For each text of the master it has a text, which remembers by a short hash what it translates:

    <!-- #region id="c08-e31dbc" of="1f0c22d9" -->
    ## 1. Añadir ruido
    <!-- #endregion -->

and for each cell of code its comments, docstrings and strings, each pair in the order English, Spanish. What stays as it is,
since it is a key or a name, stands behind a =:

    ```strings id="c54-ba447a"
    "known"
    "dado"

    = "eps"
    ```

A text with after="c08-e31dbc" instead of of="..." stands in the translation alone, after that cell. The program puts in what
is missing and what has changed, in English and marked with @@: translate it, and take the @@ away. What is left over it takes
out. `build.py --check` refuses what is out of step.
"""

import argparse
import ast
import hashlib
import io
import json
import re
import subprocess
import sys
import textwrap
import tokenize
from dataclasses import dataclass, field
from pathlib import Path

from diffusion_lab.files import write_safely

MARK = "@@"  # what waits for a translator
WIDTH = 128
TEXT = re.compile(r'<!-- #region id="([^"]+)" (of|after)="([^"]*)" -->\n(.*?)\n<!-- #endregion -->', re.DOTALL)
STRINGS = re.compile(r'^```strings id="([^"]+)"\n(.*?)^```$', re.DOTALL | re.MULTILINE)
FOR_MACHINES = re.compile(r"### (BEGIN|END) SOLUTION|# (noqa|fmt:|type:)")  # comments that no one translates
KINDS = {tokenize.COMMENT: "comment", tokenize.STRING: "string"}
FSTRING = tuple(getattr(tokenize, name, None) for name in ("FSTRING_START", "FSTRING_END"))  # since Python 3.12


class Drift(ValueError):
    """What cannot be read in a translation, in one sentence."""


@dataclass(frozen=True)
class Token:
    """A comment or a string of Python code. text: as it stands there, without the indentation of its later lines."""

    kind: str
    text: str
    begin: int
    end: int
    indent: int

    @property
    def has_words(self) -> bool:
        """Is there anything that a person could read?"""
        if self.kind == "comment":
            return not FOR_MACHINES.match(self.text) and bool(re.search(r"[^\W\d_]", self.text))
        return any(re.search(r"[^\W\d_]", text) for text in _literals(ast.parse(self.text, mode="eval").body))


@dataclass
class Translation:
    """A file of masters/es/, read. texts: (hash, text) by the cell's id. added: (id, after which cell, text). strings: by the
    cell's id, what becomes of each piece of English code; the piece itself, if it stays."""

    texts: dict[str, tuple[str, str]] = field(default_factory=dict)
    added: list[tuple[str, str, str]] = field(default_factory=list)
    strings: dict[str, dict[str, str]] = field(default_factory=dict)


def short_hash(text: str) -> str:
    """What a translation remembers of the English text."""
    return hashlib.sha256(text.strip().encode()).hexdigest()[:8]


def tokens(code: str) -> list[Token]:
    """The comments and strings of Python code, in order."""
    starts, found, depth, outer = [0], [], 0, (0, 0)
    for line in code.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    for token in tokenize.generate_tokens(io.StringIO(code).readline):
        if token.type == FSTRING[0]:
            depth += 1
            outer = token.start if depth == 1 else outer
        depth -= (ends := token.type == FSTRING[1])
        if depth == 0 and (ends or token.type in KINDS):
            begin = outer if ends else token.start
            a, b, indent = starts[begin[0] - 1] + begin[1], starts[token.end[0] - 1] + token.end[1], begin[1]
            text = re.sub(rf"\n {{{indent}}}", "\n", code[a:b]) if indent else code[a:b]
            found.append(Token(KINDS.get(token.type, "string"), text, a, b, indent))
    return found


def read(path: Path) -> Translation:
    """A translation from its file. Drift: the file holds something else, or a piece twice."""
    translation, name = Translation(), path.name
    content = path.read_text(encoding="utf-8") if path.exists() else ""
    rest = TEXT.sub("", STRINGS.sub("", content)).strip()
    if rest:
        raise Drift(f"{name}: {rest.splitlines()[0]!r} belongs to no piece: see the top of notebooks/translation.py")
    seen = set()
    for id, how, what, text in TEXT.findall(content):
        if "<!-- #region" in text:
            raise Drift(f"{name}: <!-- #endregion --> is missing after {id}")
        if id in seen:
            raise Drift(f"{name}: {id} is translated twice")
        seen.add(id)
        if how == "of":
            translation.texts[id] = what, text
        else:
            translation.added.append((id, what, text))
    for id, block in STRINGS.findall(content):
        if id in translation.strings:
            raise Drift(f"{name}: the strings of {id} stand there twice")
        translation.strings[id] = _pairs(block, f"{name}: the strings of {id}")
    return translation


def _pairs(block: str, where: str) -> dict[str, str]:
    found, waiting = {}, None
    try:
        pieces = tokens(block)
    except (tokenize.TokenError, IndentationError) as error:
        raise Drift(f"{where} cannot be read: {error}") from error
    rest, last = "", 0
    for piece in pieces:
        rest, last = rest + block[last : piece.begin], piece.end
    rest = re.sub(r"[\s,=]+", " ", rest + block[last:]).strip()
    if rest:
        raise Drift(f"{where}: {rest} is neither a string nor a comment")
    stays = [block[: piece.begin].rpartition("\n")[2].lstrip().startswith("=") for piece in pieces]
    for piece, same in zip(pieces, stays, strict=True):
        if same or waiting is not None:
            english = piece if same else waiting
            if english.text in found:
                raise Drift(f"{where}: {english.text} stands there twice")
            if piece.kind != english.kind:
                raise Drift(f"{where}: {english.text} is a {english.kind}, and {piece.text} is not")
            found[english.text], waiting = piece.text, None
        else:
            waiting = piece
    if waiting is not None:
        raise Drift(f"{where}: {waiting.text} has no translation")
    return found


def translate(notebook: dict, translation: Translation) -> dict:
    """The master as a notebook in the other language; what has no translation stays in English."""
    cells = []
    for cell in notebook["cells"]:
        source, id = "".join(cell["source"]), cell["id"]
        if cell["cell_type"] == "code":
            new = translated_code(source, translation.strings.get(id, {}))
        else:
            new = translation.texts.get(id, ("", source))[1]
        cells.append(cell | {"source": new.splitlines(keepends=True)})
        for own, after, text in translation.added:
            if after == id:
                cells.append({"cell_type": "markdown", "id": own, "metadata": {}, "source": text.splitlines(keepends=True)})
    return formatted(notebook | {"cells": cells})


def translated_code(code: str, pairs: dict[str, str]) -> str:
    """Code with its comments, docstrings and strings replaced as `pairs` says."""
    for token in reversed(tokens(code)):
        new = pairs.get(token.text, token.text).replace("\n", "\n" + " " * token.indent)
        code = code[: token.begin] + re.sub(r"\n +(?=\n)", "\n", new) + code[token.end :]
    return code


def formatted(notebook: dict) -> dict:
    """The notebook as `ruff format` writes it: other strings have other lengths, so lines break elsewhere."""
    whole = notebook | {"metadata": {"language_info": {"name": "python"}}, "nbformat": 4, "nbformat_minor": 5}
    command = [sys.executable, "-m", "ruff", "format", "--quiet", f"--line-length={WIDTH}", "--stdin-filename=a.ipynb", "-"]
    done = subprocess.run(command, input=json.dumps(whole), capture_output=True, encoding="utf-8")
    if done.returncode:
        raise Drift(f"the translated code cannot be read: {done.stderr.strip()}")
    sources = [cell["source"] for cell in json.loads(done.stdout)["cells"]]
    cells = [cell | {"source": source} for cell, source in zip(notebook["cells"], sources, strict=True)]
    return notebook | {"cells": cells}


def _literals(node: ast.expr) -> list[str]:
    """All that a string says, what stands in an f-string's braces included, formats left out."""
    if isinstance(node, ast.Constant):
        return [node.value] if isinstance(node.value, str) else []
    children = [child for child in ast.iter_child_nodes(node) if child is not getattr(node, "format_spec", None)]
    return [text for child in children for text in _literals(child)]


def updated(notebook: dict, translation: Translation) -> str:
    """The translation's file with all pieces of the master, in its order: what is missing and what has changed is marked."""
    blocks = []
    for cell in notebook["cells"]:
        id, english = cell["id"], "".join(cell["source"])
        if cell["cell_type"] == "code":
            had = translation.strings.get(id, {})
            pieces = {token.text: had.get(token.text) for token in tokens(english) if token.has_words or token.text in had}
            if pieces:
                blocks.append(f'```strings id="{id}"\n{_as_pairs(pieces)}\n```')
        else:
            remembered, text = translation.texts.get(id, ("", ""))
            if not text:
                text = f"{MARK}\n{english}"
            elif remembered != short_hash(english):
                text = f"{MARK} The English text is now:\n{english}\n{MARK} The translation was:\n{text}"
            blocks.append(_region(id, "of", short_hash(english), text))
        blocks += [_region(own, "after", after, text) for own, after, text in translation.added if after == id]
    return "\n\n".join(blocks) + "\n"


def _region(id: str, how: str, what: str, text: str) -> str:
    return f'<!-- #region id="{id}" {how}="{what}" -->\n{text}\n<!-- #endregion -->'


def _as_pairs(pieces: dict[str, str | None]) -> str:
    """The pairs of a cell, and then what stays, which is one line, broken where it is too long."""
    blocks, stays = [], [english for english, other in pieces.items() if english == other]
    for english, other in pieces.items():
        if other is None:
            quote = re.match(r"#|[A-Za-z]*(\"\"\"|'''|\"|')", english).end()
            other = english[:quote] + MARK + english[quote:]
        if english != other:
            blocks.append(f"{english}\n{other}")
    lines = []
    for piece in stays:
        fits = lines and "\n" not in piece and len(lines[-1]) + len(piece) + 2 <= WIDTH
        if fits and "#" not in (piece[0], lines[-1][2]):  # a comment ends its line
            lines[-1] += f", {piece}"
        else:
            lines.append(f"= {piece}")
    return "\n\n".join([*blocks, *(["\n".join(lines)] if lines else [])])


def main() -> int:
    """See the top of this file."""
    import build  # it imports this module

    parser = argparse.ArgumentParser(description=textwrap.dedent(__doc__), formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("notebooks", nargs="*", default=[lab.name for lab in build.SPANISH])
    for name in parser.parse_args().notebooks:
        for path, master in build.pieces_of(build.named(name)):
            path.parent.mkdir(parents=True, exist_ok=True)
            text = updated(master, read(path))
            write_safely(path, lambda file, text=text: file.write(text.encode()))
            print(f"{path.name}: {text.count('<!-- #region') + text.count('```strings')} pieces, {text.count(MARK)} marked")
    return 0


if __name__ == "__main__":
    sys.exit(main())
