"""B2: the list of concepts leads to cells that show them, and what its prose says its cells print."""

import importlib.util
import json
import re

import pytest
import tomllib
from common import ROOT, load_script

pytestmark = pytest.mark.bonus

build = load_script(ROOT / "notebooks" / "build.py")
LAB = next(lab for lab in build.SHELF if lab.name == "bonus/B2_PyTorch")
CELLS = {cell["id"]: cell for cell in json.loads(LAB.notebook.read_text(encoding="utf-8"))["cells"]}
SOURCE = {id: "".join(cell["source"]) for id, cell in CELLS.items()}
ROWS = re.findall(r"^\| \[([\w-]+)\]\(#cell-id=([\w-]+)\) \| (.*) \|$", SOURCE["end"], flags=re.MULTILINE)
CONCEPTS = [(id, concept) for _, id, concepts in ROWS for concept in concepts.split(", ")]
ASKED = """
autograd.Function Parameter Module Sequential ModuleList ModuleDict ParameterList ParameterDict children modules
named_parameters apply to(torch.float64) train() eval() torch.save prune.global_unstructured quantised Linear Identity
Bilinear LazyLinear Conv2d ConvTranspose2d fold unfold MaxPool2d MaxUnpool2d ReflectionPad2d BatchNorm Dropout RNN LSTM
GRU RNNCell TransformerEncoder TransformerDecoder MultiheadAttention Embedding sparse=True PixelShuffle Sigmoid summary
graph validation epoch step MSELoss L1Loss HuberLoss cross_entropy nll_loss MultiMarginLoss hinge SGD momentum nesterov
ASGD Adagrad Adadelta RMSprop Adam AdamW Adamax NAdam RAdam SparseAdam Muon param_groups foreach fused StepLR
MultiStepLR ExponentialLR CosineAnnealingLR ReduceLROnPlateau ChainedScheduler SWALR AveragedModel update_bn
ConfusionMatrix Accuracy Precision Recall F1Score ROC AUROC micro macro compute() reset() MetricCollection device
tm.Metric R2Score Perplexity BLEUScore WordErrorRate click-through RetrievalHitRate RetrievalMRR torcheval add_scalar
add_histogram add_images add_figure add_text add_graph add_embedding add_pr_curve torch.profiler EventAccumulator MLflow
Neptune Comet SageMaker Kubeflow
""".split()


def printed(id):
    """What a cell wrote in the committed notebook."""
    return "".join("".join(output.get("text", "")) for output in CELLS[id]["outputs"])


@pytest.mark.parametrize(("id", "concept"), CONCEPTS, ids=lambda value: str(value))
def test_a_concept_occurs_in_the_cell_that_the_list_names(id, concept):
    assert concept in SOURCE[id]


def test_the_list_names_each_cell_once_as_its_link_and_all_that_was_asked_for():
    assert all(name == id for name, id, _ in ROWS) and len({id for _, id, _ in ROWS}) == len(ROWS)
    assert set(ASKED) - {concept for _, concept in CONCEPTS} == set()
    assert "mean bias" in dict((c, i) for i, c in CONCEPTS) and "Weights & Biases" in dict((c, i) for i, c in CONCEPTS)


@pytest.mark.parametrize(
    ("id", "text", "outputs"),
    [
        ("branches-text", ("28×28", "30×30"), ("[(28, 28), (30, 30)]", "right: (1, 16, 32, 32)")),
        ("classes-text", ("0.775", "0.368", "0.255"), ("log2           0.368", "cross_entropy  0.255", "0.744 where p is 1")),
        ("hinge-text", ("MultiLabelMarginLoss",), ("class 0           0.967", "[1, 0, 0]    0.000", "RuntimeError")),
        ("walk-text", ("apply(f())",), ("0: True", "missing 1 required positional argument")),
        ("modes-text", ("*activations*",), ("activations? False", "buffer changed? True", "parameter changed? False")),
        ("loop-text", ("optimiser computes the gradients",), ("slope changed: False | weight changed: True",)),
        ("modules-text", ("plain Python list",), ("is the list found? False",)),
        ("life-text", ("mean of the batches",), ("wrong: mean of the batches 0.593", "right: compute()           0.827")),
    ],
)
def test_a_mistake_is_shown_beside_what_is_right(id, text, outputs):
    after = list(SOURCE)[list(SOURCE).index(id) + 1]
    assert "Mistake:" in SOURCE[id] and all(words in SOURCE[id] for words in text)
    assert all(words in printed(after) for words in outputs), printed(after)


def test_the_test_set_is_asked_once_after_an_epoch_was_chosen_by_the_validation_set():
    assert [id for id in SOURCE if "x_test" in SOURCE[id]] == ["data", "confusion"]
    shares, chosen = re.search(r"\(validation\): ([\d. ]+) \| kept: epoch (\d+)", printed("loop")).groups()
    shares = [float(share) for share in shares.split()]
    assert shares[int(chosen) - 1] == max(shares)
    assert f"validation {max(shares):.3f}, test 0." in printed("confusion")  # the weights of that epoch were kept


def test_a_lazy_layer_says_the_shape_of_its_weight():
    assert "LazyLinear: UninitializedParameter becomes (4, 6)" in printed("linear")


def test_eval_mode_counts_outside_production_too():
    right, wrong = (float(share) for share in re.findall(r"mode:\s+([\d.]+)", printed("eval-mode")))
    assert right > 0.95 and wrong < 0.5


def test_the_activations_within_0_and_1_are_those_that_the_text_names():
    alt = re.search(r'alt="([^"]*)"', "".join(CELLS["activations"]["outputs"][0]["data"]["text/html"]))[1]
    assert "Only Sigmoid and Hardsigmoid, in red, stay within 0 and 1" in alt


def test_tiny_examples_have_the_answers_that_the_table_finds_by_hand():
    said = printed("own-metric") + printed("texts")
    for answer in ("click-through 0.4", "hit rate 0.667", "reciprocal rank 0.583", "mean square 1.33", "R2 -1", "perplexity 8"):
        assert answer in said
    assert "word error rate 0.167" in said and re.search(r"BLEU ([\d.]+), by hand \1$", said, flags=re.MULTILINE)


def test_all_that_was_written_for_tensorboard_was_read_back():
    said = printed("tb-read")
    for name in ("'sprites', 'a figure'", "weights/first layer", "loss/train", "loss/validation", "accuracy/validation"):
        assert name in said
    assert "'spell', 'notes/text_summary'" in said and re.search(r"graph\s+True", said)
    assert "as written: True" in said and "traces written: 1" in printed("profiler")


def test_without_its_packages_the_first_cell_says_the_line_to_run(monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "torchmetrics" else find(name))
    with pytest.raises(ModuleNotFoundError, match=r"also needs torchmetrics: run  %pip install torchmetrics tensorboard"):
        exec(SOURCE["imports"], {})


def test_the_extra_and_the_tested_set_have_both_packages():
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    assert any(entry.startswith("torchmetrics>=") for entry in extras["bonus"])
    assert "diffusion-lab[tensorboard]" in extras["bonus"]  # its version stands in one place
    pinned = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    assert re.search(r"^torchmetrics==", pinned, flags=re.MULTILINE) and re.search(
        r"^tensorboard==", pinned, flags=re.MULTILINE
    )
