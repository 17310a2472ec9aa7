"""What the package shows in a lab in Spanish: labels, the prompt box, drawings, what was read, and errors."""

import ast
import html
import inspect
import io
import shutil

import numpy as np
import pytest
import torch
from common import ROOT
from PIL import Image
from test_diagrams import DRAWN
from test_notebook_views import View, flat, network, network_of_words, still, widgets_in

from diffusion_lab import (
    Cut,
    TrainConfig,
    Vocabulary,
    collect,
    controls,
    diagrams,
    load_model,
    load_path,
    load_sprites,
    notebook,
    sample_ddim,
    sample_dpmpp_2m,
)
from diffusion_lab.distances import frechet_distance
from diffusion_lab.notebook import (
    context_mixer,
    live_mixer,
    noise_slider,
    prompt_box,
    sampler_comparison,
    show,
    trajectory_slider,
)
from diffusion_lab.samplers import State
from diffusion_lab.schedules import Schedule, cosine
from diffusion_lab.steps import to_x0_eps
from diffusion_lab.training import Run, check_pairs
from diffusion_lab.unet import ContextUnet
from diffusion_lab.viz import gif, grid, sheet_size, strip
from diffusion_lab.weights import Sampling

INPUTS = ROOT / "tests" / "inputs"
SIX = torch.zeros(6, 3, 16, 16)


pytestmark = pytest.mark.usefixtures("spanish")


@pytest.fixture
def shown(monkeypatch):
    """What is displayed, in order."""
    things = []
    monkeypatch.setattr(notebook, "display", things.append)
    return things


STATES = [State(t, flat(0, b=2), flat(0, b=2)) for t in (9, 0)]
VIEWS = {
    "trajectory_slider": (lambda: trajectory_slider(STATES), ["momento"]),
    "noise_slider": (lambda: noise_slider(network(), cosine(), flat(0)), ["sprite", "tiempo t"]),
    "context_mixer": (
        lambda: context_mixer(network_of_words(), cosine(), n=1, steps=1),
        ["héroe", "no héroe", "comida", "hechizo", "de perfil", "guía", "semilla"],
    ),
    "live_mixer": (
        lambda: live_mixer(network_of_words(), cosine(2), n=1),
        ["héroe", "no héroe", "comida", "hechizo", "de perfil", "semilla"],
    ),
    "sampler_comparison": (
        lambda: sampler_comparison(network_of_words(), cosine(), n=1, prompts=("food",)),
        ["pasos", "semilla"],
    ),
    "prompt_box": (
        lambda: prompt_box(network_of_words(), cosine(), "comida", n=1),
        ["prompt", "semilla", "fuerza", "Dibujar otros"],
    ),
}
ALTERNATIVES = {
    "trajectory_slider": "2 sprites en momentos desde t = 9 hasta 0; debajo de cada uno, lo que la red estima.",
    "noise_slider": "Un sprite, el mismo con ruido en t = 200, y el sprite que estima la red.",
    "context_mixer": "1 sprites para el contexto héroe, guía 2, semilla 0: los deslizadores en su primera posición.",
    "live_mixer": "1 sprites para el contexto héroe, semilla 0: los deslizadores en su primera posición.",
    "sampler_comparison": "Tres filas de 1 sprites hechos en 5 pasos: con grano los de DDPM, limpios los de DDIM y 2M.",
    "prompt_box": "1 sprites para el prompt “comida”, semilla 0. Una descripción de los datos, para todos: comida roja.",
}


@pytest.mark.parametrize("name", VIEWS)
def test_controls_and_alternative_texts_are_spanish(name, shown):
    make, labels = VIEWS[name]
    make()
    view = View(shown[0])
    assert list(view.controls) == labels
    assert f'alt="{ALTERNATIVES[name]}"' in html.unescape(shown[1].data)
    assert view.texts[-1].value == "<small>Debajo, para quien solo lee: la primera imagen.</small>"


def test_the_room_for_labels_is_enough(shown):
    for make, _ in VIEWS.values():
        make()
    labels = {w.description for box in shown[::2] for w in widgets_in(box) if getattr(w, "description", "")}
    assert max(map(len, labels - {"Dibujar otros"})) <= len("side_facing")  # the longest label in English


def test_a_slider_with_a_spanish_label_moves_its_word(shown, monkeypatch):
    model = network_of_words()
    heard = []
    model.register_forward_pre_hook(lambda _, inputs: heard.append(inputs[2].clone()))
    context_mixer(model, cosine(), n=1, steps=1)
    monkeypatch.setenv("DIFFUSION_LAB_LANGUAGE", "en")  # its label is then no word
    View(shown[0]).controls["de perfil"].value = 0.7
    expected = model.words.context("hero") + 0.7 * model.words.context("side_facing")
    assert torch.allclose(heard[-1][1], expected)


def test_a_person_s_own_words_keep_their_names(shown):
    model = network(2)
    model.words = Vocabulary.of(("bicho", "rock"), torch.zeros(0, 2))
    context_mixer(model, cosine(), n=1, steps=1)
    assert list(View(shown[0]).controls) == ["bicho", "rock", "guía", "semilla"]


def drawn_by_the_box(shown, prompts):
    """The pictures of a prompt box: of the first prompt with seed 0, and of all with seed 3."""
    shown.clear()
    prompt_box(network_of_words(), cosine(), prompts[0], n=4)
    view = View(shown[0])
    field, seed, *_ = view.controls.values()
    pictures = [view.picture]
    seed.value = 3
    for prompt in prompts:
        field.value = prompt
        assert view.complaint == ""
        pictures.append(view.picture)
    return pictures


def test_the_same_prompt_and_seed_give_the_same_sprites_as_in_english(shown, monkeypatch):
    english = ["knight", "blue knight", "knight, not red", "hero + 0.6 food"]
    in_spanish = drawn_by_the_box(shown, english)
    assert in_spanish == drawn_by_the_box(
        shown, ["un caballero", "caballero azul", "caballeros, no rojos", "héroe + 0.6 comida"]
    )
    monkeypatch.setenv("DIFFUSION_LAB_LANGUAGE", "en")
    assert in_spanish == drawn_by_the_box(shown, english) and len(set(in_spanish)) == 5


def test_the_prompt_box_says_in_spanish_what_it_understood(shown):
    prompt_box(network_of_words(), cosine(), "caballero", n=8)
    view = View(shown[0])
    assert "Descripciones de los datos, en orden de lectura:<ol" in view.said and "<li>caballero azul" in view.said
    for prompt, text in (
        ("comida azul", "Tal cual, porque ningún sprite de los datos es así: <b>comida azul</b>"),
        ("héroe + 0.6 comida", "Tal cual, porque ningún sprite de los datos es así: <b>0.6 comida + héroe</b>"),
        ("comida roja", "Una descripción de los datos, para todos: <b>comida roja</b>"),
        ("caballeros, no rojos", "Una descripción de los datos, sin rojo, para todos: <b>caballero azul, héroe</b>"),
        (
            "comida azul, sin caballeros",
            "Tal cual, sin caballero, porque ningún sprite de los datos es así: <b>comida azul</b>",
        ),
        ("comida, ni héroe ni azul", "Una descripción de los datos, sin héroe ni azul, para todos: <b>comida roja</b>"),
    ):
        view.controls["prompt"].value = prompt
        assert text in view.said and view.complaint == "", prompt


def test_the_button_and_the_complaints_are_spanish(shown, monkeypatch):
    prompt_box(network_of_words(), cosine(), "caballero", n=2)
    view = View(shown[0])
    assert view.controls["Dibujar otros"].tooltip == "Dibuja otra vez este prompt, con la semilla siguiente"
    view.controls["Dibujar otros"].click()
    assert view.controls["semilla"].value == 1
    view.controls["prompt"].value, view.controls["fuerza"].value = "caballero, no rojo", 0.5
    assert ">“sin rojo” necesita una fuerza mayor que 1: quítalo o mueve el deslizador.</div>" in view.complaint
    with monkeypatch.context() as broken:
        broken.setattr(notebook, "png", lambda picture: {}["x"])
        view.controls["fuerza"].value = 3.0
    assert "Esto no se pudo dibujar. KeyError: 'x'" in view.complaint
    shown.clear()
    prompt_box(network_of_words(Sampling("ddim", 4, 1.0)), cosine(4), "caballero", n=1)
    view = View(shown[0])
    view.controls["prompt"].value = "caballero, no rojo"
    assert ">“sin rojo” necesita guía, y esta red ya la lleva en sus pesos: quítalo.</div>" in view.complaint


def test_five_numbers_without_data_are_told_as_they_stand(shown):
    prompt_box(network(), cosine(), "", n=1)
    assert "Tal cual: <b>cualquier cosa</b>" in View(shown[0]).said


def test_the_first_prompt_is_a_red_potion_in_the_language_of_the_lab(shown, monkeypatch):
    model = network(2)
    model.words = Vocabulary.of(("potion", "red"), torch.zeros(0, 2))
    for language, prompt in (("es", "poción roja"), ("en", "red potion")):
        monkeypatch.setenv("DIFFUSION_LAB_LANGUAGE", language)
        shown.clear()
        prompt_box(model, cosine(), n=1)
        field, *_ = View(shown[0]).controls.values()
        assert field.value == prompt and prompt in shown[1].data


def test_the_still_picture_of_a_run_has_spanish_labels(shown):
    trajectory_slider(STATES, scale=2)
    assert "t = 0: arriba x_t, abajo el x0 estimado" in View(shown[0]).said
    expected = strip(torch.zeros(2, 4, 3, 16, 16), [9, 0], 10, 1, ["imagen", "estimación"] * 2)
    assert Image.open(io.BytesIO(still(shown))).size == expected.size != strip(torch.zeros(2, 4, 3, 16, 16), [9, 0], 10, 1).size


ERRORS = [
    (lambda: show(grid(SIX), alt=" "), "alt debe decir qué muestra la imagen."),
    (lambda: trajectory_slider([]), "no hay estados que mirar: da list(sampler)."),
    (
        lambda: context_mixer(network(3), cosine()),
        "la red no tiene palabras: toma una de load_model, o pon un Vocabulary en model.words.",
    ),
    (lambda: diagrams.guidance(2.0, SIX, "zorro"), "guidance necesita cuatro imágenes, no 6."),
    (lambda: sample_ddim(network(), cosine(), 2, steps=501), "steps debe ser un número entero de 1 a 500, no 501."),
    (lambda: sample_ddim(network(), cosine(), 0), "n debe ser un número entero a partir de 1, no 0."),
    (
        lambda: sample_ddim(network(), cosine(), 2, torch.zeros(3)),
        "context debe tener la forma (5,) o (2, 5), no (3,).",
    ),
    (
        lambda: sample_ddim(network(), cosine(), 2, guidance=2.0),
        "guidance necesita un contexto hacia el que guiar: da context=, o deja guidance en 1.",
    ),
    (
        lambda: sample_dpmpp_2m(network(), cosine(), 2, eta=0.5),
        "eta debe ser un número de 0 a 1, y 0 en todos los muestreadores menos DDIM, no 0.5.",
    ),
    (
        lambda: sample_ddim(network(), cosine(), 2, start=torch.zeros(2, 3, 8, 8)),
        "start debe tener la forma (2, 3, 16, 16), no (2, 3, 8, 8).",
    ),
    (
        lambda: sample_ddim(network(), cosine(), 2, negative=torch.zeros(5)),
        "negative necesita un contexto y una guía distinta de 1: con 1, la respuesta sin contexto no cuenta.",
    ),
    (
        lambda: sample_ddim(network().train(), cosine(), 2),
        "La red está en modo de entrenamiento, en el que un sprite depende de los demás de su lote: llama a model.eval().",
    ),
    (
        lambda: collect(iter(())),
        "al muestreador no le queda nada: crea uno nuevo para cada collect.",
    ),
    (
        lambda: Schedule("mine", torch.tensor([1.0, 1.0], dtype=torch.float64)),
        "alpha_bar debe empezar en 1, bajar en cada paso y quedar por encima de 0.",
    ),
    (
        lambda: to_x0_eps("y", SIX, SIX, 1, cosine().alpha_bar),
        "prediction debe ser uno de estos valores: eps, v, x0; no puede ser 'y'.",
    ),
    (
        lambda: load_sprites("test"),
        "split debe ser uno de estos valores: train, held_out, unseen, all; no puede ser 'test'.",
    ),
    (lambda: load_model("nada.pt"), "nada.pt no existe: indica un archivo que haya escrito `train`."),
    (lambda: load_model("."), ". es una carpeta: indica un archivo que haya escrito `train`."),
    (lambda: ContextUnet(n_feat=12), "n_feat debe ser un múltiplo de 8, no 12."),
    (
        lambda: grid(SIX[0]),
        "las imágenes deben ser (B, 3, H, W) en [-1, 1] o uint8 (B, H, W, 3), no float32 (3, 16, 16).",
    ),
    (lambda: grid(SIX, columns=3, labels=["a"]), "Hay 2 filas y 1 etiquetas; tiene que haber el mismo número."),
    (lambda: strip(SIX[:, None], [1, 2]), "Hay 6 fotogramas y 2 tiempos; tiene que haber el mismo número."),
    (
        lambda: gif(SIX[:, None], background="verdoso"),
        '\'verdoso\' no es un color: da un nombre en inglés ("navy"), "#rrggbb" o "transparent".',
    ),
    (
        lambda: sheet_size(10**6, 8, 4),
        "Una imagen de 548×8,500,004 píxeles es demasiado grande (como máximo 65,535 por lado y 32 millones en total): "
        "pide menos sprites, una escala menor u otras columnas.",
    ),
    (
        lambda: frechet_distance(torch.zeros(5, 32), torch.zeros(500, 32)),
        "5 sprites son muy pocos para 32 características: toma 320 o más.",
    ),
    (lambda: check_pairs(SIX, torch.zeros(3, 5)), "Hay 6 imágenes y 3 contextos; tiene que haber el mismo número."),
    (lambda: TrainConfig(updates=1.5), "updates debe ser un número entero, no 1.5."),
    (lambda: TrainConfig(T=0), "T debe ser un número entero de 1 a 10,000, no 0."),
    (
        lambda: TrainConfig(batch=1),
        "batch debe ser un número entero de 2 a 65,536, no 1: BatchNorm necesita varios sprites para calcular medias.",
    ),
    (lambda: TrainConfig(lr=20), "lr debe ser un número mayor que 0 y de 10 como máximo, no 20.0."),
    (
        lambda: Run(TrainConfig(n_feat=8), "cpu").start_from(ContextUnet(n_feat=8)),
        "Estos pesos predicen eps, y el entrenamiento debe aprender v: pon prediction en eps.",
    ),
    (lambda: Cut(tile=(16, 28)), "Las figuras de 16×28 píxeles no son cuadradas: añade --pad 28."),
    (
        lambda: load_path("nada"),
        "nada no existe: indica una imagen, una carpeta, una tabla (CSV, JSON), un .npy o un .npz.",
    ),
    (
        lambda: load_path(INPUTS / "figures_16x28.png"),
        f"{INPUTS / 'figures_16x28.png'} mide 64×28 píxeles, que no se dividen en casillas de 16×16; "
        "si sus figuras son de 16×28, añade --pad 28.",
    ),
]


@pytest.mark.parametrize(("do", "sentence"), ERRORS, ids=[sentence[:40] for _, sentence in ERRORS])
def test_what_a_student_does_wrong_is_said_in_spanish(do, sentence, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises((ValueError, OSError)) as error:
        do()
    assert str(error.value) == sentence


def test_what_was_read_is_told_in_spanish(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("mixed", "words"):
        shutil.copytree(INPUTS / name, name)
    for name in ("plain.png", "blank_tiles.png", "white_on_transparent.png"):
        shutil.copy(INPUTS / name, name)
    silent = "sin palabras; se dan con los nombres de las carpetas, una tabla o etiquetas"
    assert load_path("plain.png").notes == ["plain.png: 12 sprites de 16×16, de 1 imagen (casillas: 16×16, 4 × 3)", silent]
    assert load_path("blank_tiles.png").notes[1] == (
        "se dejan fuera, de 25 casillas: 11 de color blanco, 1 de un solo color (#828282), 1 por repetición"
    )
    assert load_path("white_on_transparent.png").warnings == [
        "los 8 sprites se confunden con el fondo (white): elige otro con --background, como --background navy."
    ]
    assert load_path("mixed").notes == [
        "mixed: 7 sprites de 16×16, de 5 imágenes (casillas: 7 × 16×16, 1 × 1)",
        "se dejan fuera: 1 por no poderse leer (broken.png está dañado o le falta el final), "
        "1 de otro tipo (notes.txt), __MACOSX",
        "mixed/e.gif: 3 fotogramas",
        silent,
    ]
    assert load_path("words").notes[1:] == [
        "se dejan fuera: loose.png, que está fuera de las carpetas y por eso sin palabras: muévelo a una",
        "4 palabras: dragon (8), green (4), red (4), wizard (4)",
    ]


def test_what_was_read_of_an_array_is_told_in_spanish(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.save("a.npy", np.random.default_rng(0).integers(0, 256, (8, 16, 16, 3), dtype=np.uint8))
    assert load_path("a.npy").notes == ["a.npy: 8 sprites de 16×16", "sin etiquetas: no hay ningún a_labels.npy"]
    np.save("a_labels.npy", np.eye(8, 5) / 2)
    read = load_path("a.npy")
    words = "5 palabras: hero (1), non_hero (1), food (1), spell (1), side_facing (1); 3 sprites sin palabras"
    assert read.notes == ["a.npy: 8 sprites de 16×16", "etiquetas de a_labels.npy", words]
    assert read.warnings == [
        "a_labels.npy contiene etiquetas distintas de 0 y 1 (de 0.5 a 0.5), en 5 de sus sprites: se aprenden como pesos de "
        "palabras, como en “0.5 hero”; si son otra cosa, quítalas."
    ]
    np.save("a_labels.npy", np.arange(3))
    with pytest.raises(
        ValueError, match=r"a_labels\.npy tiene 3 etiquetas para 8 sprites; tiene que haber tantas como sprites"
    ):
        load_path("a.npy")


def literals(node, names):
    """The texts with letters in an expression that do not go through gettext; `names`: what was assigned to names."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "gettext":
        return []
    if isinstance(node, ast.Constant):
        return [node.value] if isinstance(node.value, str) and any(map(str.isalpha, node.value)) else []
    if isinstance(node, ast.Name):
        others = {name: value for name, value in names.items() if name != node.id}
        return [text for value in names.get(node.id, []) for text in literals(value, others)]
    if isinstance(node, ast.Subscript):
        return literals(node.value, names)  # a key is no label
    return [text for child in ast.iter_child_nodes(node) for text in literals(child, names)]


SHOWN = ("description", "tooltip", "alt")  # arguments that a student reads
FIRST = {"slider": 0, "Drawing": 1, "write": 3, "box": 5}  # and where these functions have one


def untranslated(source):
    """Texts that a student would read in English: in labels, alternative texts, and what is written into drawings."""
    found = []
    tree = ast.parse(source)
    for function in (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)):
        names = {}
        for node in ast.walk(function):
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                names.setdefault(node.targets[0].id, []).append(node.value)
        for node in (node for node in ast.walk(function) if isinstance(node, ast.Call)):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            read = [keyword.value for keyword in node.keywords if keyword.arg in SHOWN]
            if called in FIRST and len(node.args) > FIRST[called]:
                read.append(node.args[FIRST[called]])
            if called == "_show_with_controls":
                read.append(node.args[2])
            found += [text for value in read for text in literals(value, names)]
    return sorted(set(found))


@pytest.mark.parametrize("module", [notebook, controls])
def test_no_label_is_written_past_the_translations(module):
    assert untranslated(inspect.getsource(module)) == []


def test_a_label_that_is_written_past_the_translations_is_found():
    source = """
def view(n, word):
    name = "moment"
    told = f"{n} sprites"
    slider("guidance", 1.0, 8.0)
    ipywidgets.IntSlider(0, description=name)
    ipywidgets.Button(description=gettext("Draw"), tooltip="Again " + word)
    show(picture, alt=told.format(n=n))
    _show_with_controls([], draw, gettext("{n} here") if n else "none")
    write(axis, 0, 0, gettext("noise"))
    return Drawing(png, labels["x"])
"""
    assert untranslated(source) == [" sprites", "Again ", "guidance", "moment", "none"]


SAME = {  # what is written alike in both languages: formulas, and names of layers and of models
    "chain": {"$x_{0}$", "$x_{50}$", "$x_{150}$", "$x_{300}$", "$x_{500}$"},
    "unet": {
        *("init_conv", "down1", "down2", "to_vec", "up0", "up1", "up2", "out"),
        *("64 × 16×16", "64 × 8×8", "128 × 4×4", "$x_t$\n3 × 16×16"),
    },
    "guidance": {"u", "c", "u + s (c − u),  s = 2"},
    "distillation": {"$x_s$"},
    "four_ways": {"GAN", "VAE", "real"},
}


@pytest.mark.parametrize("name", DRAWN)
def test_all_words_of_a_drawing_are_translated(name, monkeypatch):
    def texts():
        return {text.get_text() for text in DRAWN[name]().axes[0].texts if text.get_text()} - {"“fox”"}

    spanish = texts()
    monkeypatch.setenv("DIFFUSION_LAB_LANGUAGE", "en")
    assert spanish & texts() == SAME[name]


def test_the_labels_of_distillation():
    texts = {text.get_text() for text in DRAWN["distillation"]().axes[0].texts}
    assert texts - {""} == {
        "$x_t$ con ruido",
        "respuesta $\\tilde{x}$",
        "$x_s$",
        "su estimación",
        "diferencia",
        "red\nalumna",
        "red maestra\n(fija)",
        "red crítica",
        "otra vez\nruido",
        "cambia los pesos de la red alumna",
        "se entrena con las respuestas de la red alumna",
    }
