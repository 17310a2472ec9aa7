"""The package answers in the language that was asked for, and its catalogues are in step with what it says."""

import ast
import json
import re

import polib
import pytest
import torch
from common import ROOT, load_script

from diffusion_lab import checks, language
from diffusion_lab.checks import exercise as exercises
from diffusion_lab.steps import guide, perturb

CATALOGUES = load_script(ROOT / "notebooks" / "catalogues.py")
LOCALE = language.LOCALE
SPANISH = {path.stem: polib.pofile(str(path)) for path in sorted((LOCALE / "es").glob("*.po"))}
BY_NAME = {exercise.name: exercise for exercise in checks.EXERCISES}


# The language


@pytest.mark.parametrize("asked", [None, "", "en"])
def test_english_is_what_stands_in_the_code(monkeypatch, asked):
    monkeypatch.delenv("DIFFUSION_LAB_LANGUAGE", raising=False)
    if asked is not None:
        monkeypatch.setenv("DIFFUSION_LAB_LANGUAGE", asked)
    assert language.language() == "en" and language.gettext("the loss") == "the loss"


def test_a_message_without_a_translation_stays_english_and_nothing_stays_nothing(spanish):
    assert language.gettext("No catalogue has this.") == "No catalogue has this." and language.gettext("") == ""


def test_an_unknown_language_is_refused_in_one_sentence(monkeypatch):
    monkeypatch.setenv("DIFFUSION_LAB_LANGUAGE", "fr")
    sentence = r"^DIFFUSION_LAB_LANGUAGE is 'fr', and there is no such language here: choose one of en, es\.$"
    for act in (language.language, lambda: language.gettext("the loss"), lambda: str(checks.L1_1.check(perturb))):
        with pytest.raises(ValueError, match=sentence):
            act()


def test_the_language_is_read_at_each_call(spanish, monkeypatch):
    verdict = checks.L1_1.check(perturb)
    assert str(verdict) == "Ejercicio L1.1: correcto."
    monkeypatch.setenv("DIFFUSION_LAB_LANGUAGE", "en")
    assert str(verdict) == "Exercise L1.1: right."


# Verdicts in Spanish


def one_value_wrong(x0, t, eps, alpha_bar):
    x_t = perturb(x0, t, eps, alpha_bar)
    x_t.flatten()[7] = 50
    return x_t


def nothing_written(*inputs):
    raise NotImplementedError("Ejercicio L3.3: escribe esta función.")


def changes_its_input(x0, t, eps, alpha_bar):
    x0.copy_(perturb(x0, t, eps, alpha_bar))
    return x0.clone()


def changed_and_wrong(x0, t, eps, alpha_bar):
    x0.mul_(2)
    return one_value_wrong(x0, t, eps, alpha_bar)


def not_shared_out(model, x, t, c, s):
    return guide(model(x[:1], t), model(x, t, c), s)


def fifth(answer, step, start, pairs, alpha_bar):
    return [answer(start, 0.5)]


VERDICTS = [
    ("L1.1", perturb, "Ejercicio L1.1: correcto."),
    (
        "L1.1",
        lambda x0, t, eps, alpha_bar: perturb(x0, t, -eps, alpha_bar),
        "Ejercicio L1.1: todavía no. El ruido se resta: hay que sumarlo.",
    ),
    (
        "L1.1",
        one_value_wrong,
        "Ejercicio L1.1: todavía no. Se pide: x_t, los sprites x0 con el ruido eps en el tiempo t. Para x0 de forma "
        "(2, 3, 16, 16), t = 37, eps de forma (2, 3, 16, 16), un programa de ruido con T = 300: tu resultado tiene 50 en "
        f"[0, 0, 0, 7], se esperaba {perturb(*BY_NAME['L1.1'].cases()[0]).flatten()[7]:.4g}; valores distintos: 1 de 1536.",
    ),
    ("L1.1", changed_and_wrong, " de 1536. Además, cambiaste el propio x0: crea uno nuevo."),
    (
        "L1.1",
        changes_its_input,
        "Ejercicio L1.1: todavía no. Los valores son correctos, pero cambiaste el propio x0: crea uno nuevo.",
    ),
    ("L1.1", lambda x0, t, eps, alpha_bar: x0[0], "Debe devolver la forma (2, 3, 16, 16), pero devolvió (3, 16, 16)."),
    (
        "L1.1",
        lambda x0, t, eps, alpha_bar: None,
        "todavía no. Debe devolver un tensor, pero devolvió NoneType.",
    ),
    ("L1.1", lambda x0, t, eps, alpha_bar: 1.5, "Debe devolver un tensor, pero devolvió un solo número, sin forma."),
    ("L1.1", lambda x0, t, eps, alpha_bar: True, "Debe devolver un tensor, pero devolvió un único sí o no."),
    ("L1.1", lambda x0, t, eps, alpha_bar: x0.long(), "Debe devolver torch.float32, pero devolvió torch.int64."),
    ("L1.1", lambda x0, t, eps, alpha_bar: x0 / 0 * 0, "contiene nan: ¿hay 0 / 0, o la raíz de un número negativo?"),
    (
        "L1.1",
        lambda x0, t, eps, alpha_bar: -perturb(x0, t, eps, alpha_bar),
        "Ejercicio L1.1: todavía no. El signo está mal: tu resultado es lo esperado con el signo contrario.",
    ),
    ("L1.1", lambda x0, t, eps, alpha_bar: 2.5 * perturb(x0, t, eps, alpha_bar), "no. Tu resultado es 2.5 veces lo esperado."),
    (
        "L1.1",
        lambda x0, t, eps, alpha_bar: perturb(x0, 50, eps, alpha_bar),
        "Tu resultado no cambia cuando cambia t: usa el argumento t, no un valor fijo.",
    ),
    (
        "L1.1",
        lambda x0, t, eps, alpha_bar: perturb(x0, t, torch.randn_like(eps), alpha_bar),
        "salen dos resultados distintos: no generes ruido propio, todo el ruido llega como argumento.",
    ),
    (
        "L1.3",
        lambda x_t, eps, t, t_prev, alpha_bar, z: BY_NAME["L1.3"].right(x_t, eps, t, max(t_prev, 1), alpha_bar, z),
        " de 768. (Es correcto para x_t de forma (2, 3, 16, 16), eps de forma (2, 3, 16, 16), t = 210, "
        "t_prev = 209, un programa de ruido con T = 300, z de forma (2, 3, 16, 16).)",
    ),
    (
        "L2.3",
        lambda *batch: BY_NAME["L2.3"].right(*batch) + 1,
        "t = [37, 150, 260], eps de forma (3, 3, 8, 8), schedule con T = 300: la pérdida es 5.475, se esperaba 4.475.",
    ),
    (
        "L3.2",
        lambda c, p, generator: c * (torch.rand((len(c), 1), generator=generator) >= torch.linspace(2 * p, 0, len(c))[:, None]),
        "Para c de forma (20, 5), p = 0.15: no se cumple esto: cada fila se oculta tantas veces como las demás.",
    ),
    (
        "L3.3",
        lambda u, c, s: u + s(c - u),
        "Ejercicio L3.3: todavía no. Tu función se detuvo con TypeError: 'float' object is not callable. ¿Falta un * delante "
        "de un paréntesis? (La entrada era u de forma (2, 3, 16, 16), c de forma (2, 3, 16, 16), s = 2.5.)",
    ),
    (
        "L3.3",
        nothing_written,
        "Ejercicio L3.3: sin hacer todavía. Escribe la función y vuelve a ejecutar esta celda.",
    ),
    (
        "L3.4",
        not_shared_out,
        "se detuvo con ValueError: x tiene 1 elementos, t tiene 3, c no tiene ninguno: todos deben ser iguales. (La entrada",
    ),
    (
        "L4.2",
        lambda T, n: [(T, 0.5)],
        "Los tiempos son números enteros, índices de alpha_bar, pero 0.5 no lo es: usa round().",
    ),
    ("L4.3", fifth, "índices de alpha_bar, pero 0.5 no lo es: la red recibe el propio t, no t / T."),
    (
        "L4.5",
        lambda steps, errors: BY_NAME["L4.5"].right(steps, sorted(errors, reverse=True)),
        "Ejercicio L4.5: todavía no. Se pide: el orden p, con errores que bajan como el número de pasos elevado a -p. Para "
        "steps = [5, 15, 25, 90], errors = [0.21, 0.013, 0.016, 0.0003]: tu resultado es 2.219, se esperaba 2.194. (Es "
        "correcto para steps = [10, 20, 40, 80, 160], errors = [0.095, 0.041, 0.011, 0.0052, 0.0013].)",
    ),
]


@pytest.mark.parametrize(("name", "answer", "said"), VERDICTS, ids=[f"{v[0]} {i}" for i, v in enumerate(VERDICTS)])
def test_a_verdict_is_spanish(spanish, name, answer, said):
    verdict = str(BY_NAME[name].check(answer))
    assert (verdict == said) if said.startswith("Ejercicio") else (said in verdict), verdict


@pytest.mark.parametrize("name", BY_NAME)
def test_each_mistake_is_named_in_spanish_by_its_own_hint(spanish, name):
    """Above all where the mark of a mistake is a text, which is Spanish itself."""
    for hint, mistake in BY_NAME[name].mistakes.items():
        assert str(BY_NAME[name].check(mistake)) == f"Ejercicio {name}: todavía no. {language.gettext(hint)}"


def test_in_a_notebook_a_verdict_is_spanish_too_and_its_status_is_not(spanish):
    verdict = checks.L1_1.check(lambda x0, t, eps, alpha_bar: perturb(x0, t, -eps, alpha_bar))
    assert "<b>Ejercicio L1.1: todavía no.</b> El ruido se resta: hay que sumarlo.</div>" in verdict._repr_html_()
    assert verdict.status == "not yet" and not verdict
    assert "<b>Ejercicio L1.1: correcto.</b>" in checks.L1_1.check(perturb)._repr_html_()
    assert "<b>Ejercicio L3.3: sin hacer todavía.</b>" in checks.L3_3.check(nothing_written)._repr_html_()


def test_strictly_a_wrong_answer_raises_in_spanish(spanish, monkeypatch):
    monkeypatch.setenv("DIFFUSION_LAB_STRICT", "1")
    with pytest.raises(AssertionError, match=r"^Ejercicio L3\.3: sin hacer todavía\. Escribe la función y vuelve a ejecutar"):
        checks.L3_3.check(nothing_written)


@pytest.mark.parametrize("asked", ["en", "es"])
@pytest.mark.parametrize("text", ["Exercise L1.1: write this function.", "Ejercicio L1.1: escribe esta función."])
def test_a_stub_is_known_in_both_languages(spanish, monkeypatch, asked, text):
    def stub(*inputs):
        raise NotImplementedError(text)

    monkeypatch.setenv("DIFFUSION_LAB_LANGUAGE", asked)
    assert checks.L1_1.check(stub).status == "not done yet"


def test_hints_are_spanish(spanish):
    nudge = "La ecuación de arriba, con alpha_bar[t] y .sqrt(). Los cuadrados de los dos factores suman 1."
    assert repr(checks.L1_1.hint()) == nudge
    assert all(exercise.hint() != exercise.nudge for exercise in checks.EXERCISES)


def test_a_solution_has_spanish_comments_where_there_are_such(spanish, monkeypatch, tmp_path):
    monkeypatch.setattr(exercises, "SOLUTIONS", tmp_path / "solutions.json")
    exercises.SOLUTIONS.write_text(json.dumps({"L1.1": "a  # one", "L1.2": "b  # two"}), encoding="utf-8")
    assert str(checks.L1_1.solution()) == "a  # one"
    (tmp_path / "solutions_es.json").write_text(json.dumps({"L1.1": "a  # número"}, ensure_ascii=False), encoding="utf-8")
    assert [repr(checks.L1_1.solution()), repr(checks.L1_2.solution())] == ["a  # número", "b  # two"]
    monkeypatch.setenv("DIFFUSION_LAB_LANGUAGE", "en")
    assert repr(checks.L1_1.solution()) == "a  # one"


# Translations


def told_alike(exercise, translate):
    """Hints of an exercise's mistakes that another mistake of it has, too, once they are translated."""
    translated = [translate(hint) for hint in exercise.mistakes]
    return {hint for hint in translated if translated.count(hint) > 1}


@pytest.mark.parametrize("name", BY_NAME)
def test_no_two_mistakes_of_an_exercise_have_the_same_hint_in_spanish(spanish, name):
    assert told_alike(BY_NAME[name], language.gettext) == set()


def test_two_mistakes_with_the_same_hint_are_found():
    one, other = list(checks.L1_1.mistakes)[1:3]
    assert told_alike(checks.L1_1, {one: "Aquí hay un error.", other: "Aquí hay un error."}.get) >= {"Aquí hay un error."}


def test_every_message_is_translated_with_the_same_gaps_and_numbers():
    assert CATALOGUES.problems("es") == []


def test_a_message_of_several_catalogues_is_translated_alike():
    said = {}
    for entry in (entry for file in SPANISH.values() for entry in file if entry.msgstr):
        said.setdefault(entry.msgid, set()).add(entry.msgstr)
    assert {message: ways for message, ways in said.items() if len(ways) > 1} == {}


@pytest.fixture
def small(monkeypatch, tmp_path):
    """A catalogue of two messages, in step with what is said. Returns a function that writes another .po file in its place."""
    said = {"labs": {"{label} is 1 or {x:.2f}.": ["checks/l1.py"], "the loss": ["L2.3"]}}
    monkeypatch.setattr(CATALOGUES, "LOCALE", tmp_path)
    monkeypatch.setattr(CATALOGUES, "messages", lambda: said)
    (tmp_path / "es" / "LC_MESSAGES").mkdir(parents=True)

    def write(translations):
        file = polib.POFile()
        file.metadata = CATALOGUES.HEAD
        file.extend(polib.POEntry(msgid=message, msgstr=text) for message, text in translations.items())
        file.save(str(tmp_path / "es" / "labs.po"))
        return CATALOGUES.compiled([file])

    mo = write({"{label} is 1 or {x:.2f}.": "{label} es 1 o {x:.2f}.", "the loss": "la pérdida"})
    (tmp_path / "es" / "LC_MESSAGES" / "diffusion_lab.mo").write_bytes(mo)
    return write


PLANTED = [
    ({"the loss": "la pérdida"}, "'{label} is 1 or {x:.2f}.' is missing: run notebooks/catalogues.py"),
    (
        {"{label} is 1 or {x:.2f}.": "{label} es 1 o {x:.2f}.", "the loss": ""},
        "'the loss' is not translated",
    ),
    (
        {"{label} is 1 or {x:.2f}.": "{label} es 1 o {x:.2f}.", "the loss": "la pérdida", "old": "vieja"},
        "'old' is left over: run notebooks/catalogues.py",
    ),
    (
        {"{label} is 1 or {x:.2f}.": "{label} es 1 o {x:.3f}.", "the loss": "la pérdida"},
        "'{label} es 1 o {x:.3f}.' has other gaps than '{label} is 1 or {x:.2f}.'",
    ),
    (
        {"{label} is 1 or {x:.2f}.": "La etiqueta es 1 o {x:.2f}.", "the loss": "la pérdida"},
        "'La etiqueta es 1 o {x:.2f}.' has other gaps than '{label} is 1 or {x:.2f}.'",
    ),
    (
        {"{label} is 1 or {x:.2f}.": "{label} es 2 o {x:.2f}.", "the loss": "la pérdida"},
        "'{label} es 2 o {x:.2f}.' has other numbers than '{label} is 1 or {x:.2f}.'",
    ),
]


@pytest.mark.parametrize(("translations", "problem"), PLANTED)
def test_what_is_wrong_in_a_catalogue_is_said(small, translations, problem):
    assert CATALOGUES.problems("es") == []
    small(translations)
    assert CATALOGUES.problems("es") == [f"locale/es/labs.po: {problem}"]


def test_a_binary_that_does_not_follow_is_said(small):
    small({"{label} is 1 or {x:.2f}.": "{label} vale 1 o {x:.2f}.", "the loss": "la pérdida"})
    stale = "locale/es/LC_MESSAGES/diffusion_lab.mo does not follow: run notebooks/catalogues.py"
    assert CATALOGUES.problems("es") == [stale]
    (CATALOGUES.LOCALE / "es" / "LC_MESSAGES" / "diffusion_lab.mo").unlink()
    assert CATALOGUES.problems("es") == [stale]


def test_the_program_keeps_translations_takes_out_what_is_left_over_and_writes_the_binary(small, monkeypatch, capsys):
    small({"old": "vieja", "the loss": "la pérdida"})
    monkeypatch.setattr("sys.argv", ["catalogues.py", "--check"])
    assert CATALOGUES.main() == 1 and "'old' is left over" in capsys.readouterr().out
    monkeypatch.setattr("sys.argv", ["catalogues.py"])
    assert CATALOGUES.main() == 1
    assert capsys.readouterr().out == "locale/es/labs.po: '{label} is 1 or {x:.2f}.' is not translated\n"
    entries = polib.pofile(str(CATALOGUES.LOCALE / "es" / "labs.po"))
    assert [(entry.msgid, entry.msgstr) for entry in entries] == [("{label} is 1 or {x:.2f}.", ""), ("the loss", "la pérdida")]
    mo = polib.mofile(str(CATALOGUES.LOCALE / "es" / "LC_MESSAGES" / "diffusion_lab.mo"))
    assert {entry.msgid: entry.msgstr for entry in mo} == {"the loss": "la pérdida"}


# What the checks say goes through gettext

CHECKS = ROOT / "diffusion_lab" / "checks"
SPOKEN = sorted(path for path in CHECKS.glob("*.py") if path.name != "__init__.py")
KEYS = {"not yet", "not done yet", "not callable"}  # two states of a verdict, and words of Python's


def texts_of(node):
    """The nodes of a call, or of what begins with a docstring, whose text may stand in the code."""
    if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and isinstance(node.body[0], ast.Expr):
        return [node.body[0].value]
    called = node.func.id if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) else ""
    if called == "Exercise":  # its task, mistakes and nudge are translated where they are shown
        parts = list(ast.walk(node.args[4]))
        hints = [hint for part in parts if isinstance(part, ast.Dict) for hint in part.keys]
        return [node.args[1], *hints, *(part.key for part in parts if isinstance(part, ast.DictComp)), node.args[5]]
    return [arg for arg in node.args if isinstance(arg, ast.Constant)] if called in ("gettext", "later") else []


def not_through_gettext(source):
    """The texts in a module's code that look like words for people, and that nobody translates."""
    nodes = list(ast.walk(ast.parse(source)))
    fine = [part for node in nodes for text in texts_of(node) for part in ast.walk(text)]
    parts = [part for node in nodes if isinstance(node, ast.JoinedStr) for part in node.values]
    found = []
    for node in nodes:
        if isinstance(node, ast.JoinedStr):
            text = "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in parts:
            text = node.value if " " in node.value else ""  # a name has no blank
        else:
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Refused":
                found += [given.id for given in node.args if isinstance(given, ast.Name) and given.id.isupper()]
            continue
        words = re.search(r"(^|[ (])[A-Za-z]{2,}[,:;.]?( |$)", text) and not text.startswith("<")
        if words and node not in fine and text not in KEYS:
            found.append(text)
    return found


@pytest.mark.parametrize("path", SPOKEN, ids=[path.name for path in SPOKEN])
def test_all_words_for_students_go_through_gettext(path):
    assert not_through_gettext(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ('return f"{name} of shape {shape}"', "{} of shape {}"),
        ('raise Refused("It should return two things.")', "It should return two things."),
        ('raise Refused(f"It returned {kind}.")', "It returned {}."),
        ("raise Refused(NOT_PAIRED)", "NOT_PAIRED"),
        ('found = {"the loss": 1}', "the loss"),
        ('whole(t, "use round().")', "use round()."),
        ('gettext(f"It returned {kind}.")', "It returned {}."),
        ('said += f" (It is right for {case}.)"', " (It is right for {}.)"),
    ],
)
def test_a_text_that_is_not_translated_is_found(code, text):
    assert not_through_gettext(f'def f():\n    """Some words."""\n    {code}\n') == [text]
