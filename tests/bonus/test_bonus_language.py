"""What the bonus notebooks' checks and modules say in Spanish."""

import ast
import re
from collections import Counter

import numpy as np
import pytest
import torch
from common import ROOT, load_script
from torch import nn

from diffusion_lab import checks
from diffusion_lab.bonus import anatomy, fashion, scenes
from diffusion_lab.checks import b2, b2_scores, b3, b4, b4_network
from diffusion_lab.checks.compare import Refused
from diffusion_lab.language import gettext

pytestmark = pytest.mark.bonus

catalogues = load_script(ROOT / "notebooks" / "catalogues.py")
BY_NAME = {exercise.name: exercise for exercise in checks.BONUS}
FILE = catalogues.LOCALE / "es" / "bonus.po"


# What looks the same in all languages: x[1], .sqrt(), sqrt(1 - alpha), dim=-1, q @ k.mT, b**2
CODE = r"[\w.]+\[[^\]]*\]+|\.\w+\([^)]*\)|sqrt\([^)]*\)|\w+=-?\w+|\b\w @ [\w.]+|\w+\*\*\d"


def test_the_code_in_a_message_stays_as_it_is():
    entries = catalogues.polib.pofile(str(FILE))
    changed = [(code, entry.msgstr) for entry in entries for code in re.findall(CODE, entry.msgid) if code not in entry.msgstr]
    assert changed == [] and sum(bool(re.search(CODE, entry.msgid)) for entry in entries) > 80


@pytest.mark.parametrize("name", BY_NAME)
def test_no_two_mistakes_of_an_exercise_have_the_same_hint(name, spanish):
    hints = Counter(gettext(hint) for hint in BY_NAME[name].mistakes)
    assert [hint for hint, times in hints.items() if times > 1] == [] and not set(hints) & set(BY_NAME[name].mistakes)


@pytest.mark.parametrize(
    ("name", "mistake", "said"),
    [
        (
            "B1.2",
            lambda x_t, data, t, alpha_bar: checks.B1_2.right(x_t, data, t, alpha_bar).T,
            "La tabla está traspuesta: va una fila por cada punto con ruido y una columna por cada dato.",
        ),
        ("B2.1", lambda x, slope: slope * (x > 0), "Esta es la pendiente de ReLU: 1 donde x es mayor que 0 y, si no, 0."),
        (
            "B2.3",
            b2.in_order((0, 2, 1)),
            "El segundo resultado es v: devuelve w, m, v en este orden.",
        ),
        (
            "B3.1",
            lambda x0, beta, t, eps: b3.jump(x0, 1 - beta, t, eps),
            "Multiplicaste las betas: multiplica 1 - beta.",
        ),
        (
            "B4.5",
            lambda x_t, eps, gradient, t, alpha_bar, scale: b4_network.lead(x_t, eps, gradient, t, alpha_bar, 1 + scale),
            "Usaste scale más 1: aquí scale = 1 es el propio gradiente.",
        ),
    ],
)
def test_the_hint_of_a_mistake_names_it_in_spanish(name, mistake, said, monkeypatch):
    hint = BY_NAME[name].check(mistake).message
    monkeypatch.setenv("DIFFUSION_LAB_LANGUAGE", "es")
    assert gettext(hint) == said


def test_labels_of_parts_are_spanish_but_for_names(spanish, monkeypatch):
    said = {name: [label for label, _ in e.results(e.right, e.cases())[0]] for name, e in BY_NAME.items()}
    assert said["B4.2"] == ["la tabla de los rayos que dan en la esfera", "la fila de distancias"]
    assert said["B3.5"][:2] == ["hay T + 1 números", "el primer número es 1"]
    monkeypatch.setenv("DIFFUSION_LAB_LANGUAGE", "en")
    for name, exercise in BY_NAME.items():
        english = [label for label, _ in exercise.results(exercise.right, exercise.cases())[0]]
        assert [label for label in english if label in said[name] and label and not label.isidentifier()] == []


@pytest.mark.parametrize(
    ("run", "answer", "inputs", "said"),
    [
        (b2.three_tensors, lambda: (1, 2), (), "Debe devolver tres tensores: w, m, v."),
        (b2_scores.a_number, lambda table: table * torch.nan, (torch.ones(1),), "El resultado es nan: una clase que"),
        (b3.properties, lambda T: "x", (3,), "Debe devolver los números alpha_bar, pero devolvió str."),
        (
            b3.properties,
            lambda T: torch.ones(2, 2),
            (3,),
            "Debe devolver una fila de T + 1 números, pero devolvió la forma (2, 2).",
        ),
        (b3.properties, lambda T: torch.ones(3) * 1j, (3,), "Debe devolver números reales, pero los devolvió complejos."),
        (b4.where_and_how_far, lambda *inputs: torch.ones(2), b4.aimed(0, 30, 0.9, False), "pero devolvió la forma (2,)."),
        (b4.where_and_how_far, lambda *inputs: 3, b4.aimed(0, 30, 0.9, False), "Debe devolver un tensor de 30 distancias, una"),
        (b4_network.as_pair, lambda: (1, 2, 3), (), "Debe devolver dos tensores, x0 y eps, pero devolvió 3."),
    ],
)
def test_what_cannot_be_compared_is_refused_in_spanish(run, answer, inputs, said, spanish):
    with pytest.raises(Refused, match=re.escape(said)):
        run(answer, *inputs)


def test_errors_of_the_readers_are_spanish(tmp_path, spanish):
    (tmp_path / "train.json").write_text('{"0.png": ["red cube"], "1.png": []}', encoding="utf-8")
    for read, error, said in (
        (lambda: fashion.load_fashion("all"), ValueError, "split debe ser train o test, no 'all'."),
        (
            lambda: fashion.load_fashion(folder=tmp_path),
            FileNotFoundError,
            f"{tmp_path} no contiene train-images-idx3-ubyte: indica la carpeta con los archivos de Fashion-MNIST, "
            "comprimidos o no.",
        ),
        (
            lambda: scenes.label_vector(["red ball"]),
            ValueError,
            "los nombres: 'red ball' no es ninguno de los 24 objetos; escribe un color y una forma, 'red sphere'.",
        ),
        (
            lambda: scenes.load_scenes(tmp_path),
            FileNotFoundError,
            f"A {tmp_path} le faltan 2 de 2 imágenes, la primera es 0.png: vuelve a descomprimir la carpeta.",
        ),
    ):
        with pytest.raises(error) as raised:
            read()
        assert str(raised.value) == said


def test_words_in_drawings_are_spanish_and_names_of_layers_stay(spanish):
    above, below, *_ = anatomy.footprints({"Conv2d, 3×3": nn.Conv2d(1, 1, 3), "stride=2": nn.Conv2d(1, 1, 3, stride=2)}).axes
    assert above.get_title() == "Conv2d, 3×3\nde 7×7 a 5×5" and below.get_title() == "stride=2\nde 7×7 a 3×3"
    assert above.get_ylabel() == "salida"
    (cube,) = anatomy.cubes({"BatchNorm1d": nn.BatchNorm1d(6)}).axes
    assert [text.get_text() for text in cube.texts] == ["canales", "posiciones", "lote"]
    (steps,) = anatomy.graph(nn.Sequential(nn.GELU()), torch.randn(1, 2)).axes
    words = [text.get_text() for text in steps.texts]
    assert "entrada" in words and "salida" in words and "GELU" in words and not {"input", "output"} & set(words)


def test_garments_keep_their_names_and_have_spanish_ones(spanish):
    assert fashion.GARMENTS[0] == "T-shirt" and gettext(fashion.GARMENTS[0]) == "camiseta"
    assert np.unique([gettext(name) for name in fashion.GARMENTS]).size == len(fashion.GARMENTS)


SPEAKING = sorted([*(catalogues.PACKAGE / "bonus").glob("*.py"), *(catalogues.PACKAGE / "checks").glob("b*.py")])
BY_HAND = {
    "f'The {place} result is {what}: return w, m, v in this order.'",  # of B2.3, which the catalogue has one by one
    # B4 shows this class as it stands: there the notebook's translation has it.
    """f"The classifier's gradient is added to v here, and the network predicts {model.prediction}.\"""",
}


@pytest.mark.parametrize("path", SPEAKING, ids=[path.name for path in SPEAKING])
def test_no_sentence_is_raised_or_filled_in_before_it_is_translated(path):
    nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    raised = [a for n in nodes if isinstance(n, ast.Raise) and isinstance(n.exc, ast.Call) for a in n.exc.args]
    early = [a for a in raised if isinstance(a, ast.Constant | ast.JoinedStr)]
    for filled in (n for n in nodes if isinstance(n, ast.JoinedStr)):
        if any(isinstance(part, ast.Constant) and re.search("[a-z] ", part.value) for part in filled.values):
            early.append(filled)
    assert [text for text in map(ast.unparse, early) if text not in BY_HAND] == []
