"""The translations of what the package says: locale/es/*.po, which people edit, and diffusion_lab.mo, which Python reads.

    python notebooks/catalogues.py             bring the .po files up to date with the code, and write the .mo
    python notebooks/catalogues.py --check     say what is missing, left over or wrong; exit 1 if anything is

A message is what stands in gettext("...") or later("...") in the package, and each exercise's task, hint and mistakes. New
ones come without a translation: write it between the quotes of msgstr. What the code no longer says is taken out.
"""

import argparse
import ast
import re
import string
import sys

import polib

from diffusion_lab import checks
from diffusion_lab.checks.exercise import Exercise
from diffusion_lab.files import write_safely
from diffusion_lab.language import LOCALE

PACKAGE = LOCALE.parent
HEAD = {"Content-Type": "text/plain; charset=UTF-8", "Content-Transfer-Encoding": "8bit", "MIME-Version": "1.0"}
MOST = 120  # letters in a line of a .po file


def file_of(source: str) -> str:
    """The .po file for the messages of a source file, "checks/l1.py"."""
    folder, _, name = source.rpartition("/")
    if name == "words.py":
        return "words"
    if folder == "bonus" or (folder == "checks" and name.startswith("b")):
        return "bonus"
    return "labs" if folder == "checks" else "package"


def messages() -> dict[str, dict[str, list[str]]]:
    """For each .po file its messages, in the order of the code, each with the source files that say it."""
    found = {"package": {}, "words": {}, "labs": {}, "bonus": {}}
    for path in sorted(PACKAGE.rglob("*.py")):
        source = path.relative_to(PACKAGE).as_posix()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("gettext", "later"):
                if isinstance(node.args[0], ast.Constant):
                    found[file_of(source)].setdefault(node.args[0].value, []).append(source)
    for exercise in (value for value in vars(checks).values() if isinstance(value, Exercise)):
        file = "labs" if exercise.name.startswith("L") else "bonus"
        for message in (exercise.task, exercise.nudge, *exercise.mistakes):
            found[file].setdefault(message, []).append(exercise.name)
    return found


def gaps(message: str) -> list[str]:
    """The names, with formats, that are filled in: "{t:.2f}"."""
    return sorted(f"{name}!{conversion}:{form}" for _, name, form, conversion in string.Formatter().parse(message) if name)


def numbers(message: str) -> list[str]:
    """The numbers of a message."""
    return sorted(re.findall(r"\d+(?:\.\d+)?", message))


def updated(language: str, name: str, wanted: dict[str, list[str]]) -> polib.POFile:
    """A .po file with the messages that are wanted, in this order, and the translations that it had."""
    path = LOCALE / language / f"{name}.po"
    had = {entry.msgid: entry.msgstr for entry in polib.pofile(str(path))} if path.exists() else {}
    file = polib.POFile(wrapwidth=MOST)
    file.metadata = {"Language": language} | HEAD
    for message, sources in wanted.items():
        where = [(source, "") for source in dict.fromkeys(sources)]
        file.append(polib.POEntry(msgid=message, msgstr=had.get(message, ""), occurrences=where))
    return file


def compiled(files: list[polib.POFile]) -> bytes:
    """All files as one .mo."""
    whole = polib.POFile()
    whole.metadata = files[0].metadata
    whole.extend({entry.msgid: entry for file in files for entry in file if entry.msgstr}.values())
    return whole.to_binary()


def problems(language: str) -> list[str]:
    """What is wrong with the catalogues of a language, one sentence each."""
    found, files = [], []
    for name, wanted in messages().items():
        path = LOCALE / language / f"{name}.po"
        has = polib.pofile(str(path), wrapwidth=MOST) if path.exists() else polib.POFile()
        files.append(has)
        where, had = f"locale/{language}/{name}.po", {entry.msgid: entry.msgstr for entry in has}
        found += [f"{where}: {message!r} is missing: run notebooks/catalogues.py" for message in wanted if message not in had]
        found += [f"{where}: {message!r} is left over: run notebooks/catalogues.py" for message in had if message not in wanted]
        for message, translation in had.items():
            if not translation:
                found.append(f"{where}: {message!r} is not translated")
            elif gaps(message) != gaps(translation):
                found.append(f"{where}: {translation!r} has other gaps than {message!r}")
            elif numbers(message) != numbers(translation):
                found.append(f"{where}: {translation!r} has other numbers than {message!r}")
    made = LOCALE / language / "LC_MESSAGES" / "diffusion_lab.mo"
    if not found and (not made.exists() or made.read_bytes() != compiled(files)):
        found.append(f"locale/{language}/LC_MESSAGES/diffusion_lab.mo does not follow: run notebooks/catalogues.py")
    return found


def main() -> int:
    """See the top of this file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    only_check, found = parser.parse_args().check, []
    for language in sorted(path.name for path in LOCALE.iterdir() if path.is_dir()):
        if not only_check:
            files = {name: updated(language, name, wanted) for name, wanted in messages().items()}
            for name, file in files.items():
                text = f"{file}".encode()
                write_safely(LOCALE / language / f"{name}.po", lambda out, text=text: out.write(text))
            binary = compiled(list(files.values()))
            (LOCALE / language / "LC_MESSAGES").mkdir(exist_ok=True)
            write_safely(LOCALE / language / "LC_MESSAGES" / "diffusion_lab.mo", lambda out, text=binary: out.write(text))
        found += problems(language)
    print("\n".join(found), end="\n" * bool(found))
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
