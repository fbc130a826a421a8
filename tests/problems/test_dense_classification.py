import numpy as np
import pytest
import torch
import torch.nn.functional as F
from sklearn.metrics import accuracy_score, f1_score, jaccard_score

from netwright.core.errors import ConfigurationError, DataError
from netwright.problems.dense_classification import VOID, DenseClassification, confusion, iou_and_dice
from netwright.testing import check_problem

NAMES = ("sky", "road", "car")


def random(shape=(5, 6, 7), classes=3, void=0.1, seed=0):
    generator = torch.Generator().manual_seed(seed)
    targets = torch.randint(classes, shape, generator=generator).to(torch.uint8)
    targets[torch.rand(shape, generator=generator) < void] = VOID
    return torch.randn(shape[0], classes, *shape[1:], generator=generator), targets


def figures(problem, outputs, targets, batch=2):
    tally = problem.tally()
    for start in range(0, len(outputs), batch):
        tally.add(outputs[start : start + batch], targets[start : start + batch])
    return tally.figures()


@pytest.mark.parametrize("shape", [(5, 6, 7), (4, 30), (3, 4, 5, 6)])  # images, tokens or times, volumes
def test_metrics_are_those_of_scikit_learn_over_all_places(shape):
    outputs, targets = random(shape)
    asked = targets != VOID
    true, given = targets[asked].numpy(), outputs.argmax(1)[asked].numpy()
    found = figures(DenseClassification(NAMES), outputs, targets)
    assert found["mean_iou"] == pytest.approx(jaccard_score(true, given, average="macro"), abs=1e-9)
    assert found["dice"] == pytest.approx(f1_score(true, given, average="macro"), abs=1e-9)
    assert found["pixel_accuracy"] == pytest.approx(accuracy_score(true, given), abs=1e-9)
    each = iou_and_dice(confusion(outputs.argmax(1), targets, 3).double())
    assert np.allclose(each[0], jaccard_score(true, given, average=None))
    assert np.allclose(each[1], f1_score(true, given, average=None))


def test_a_class_that_occurs_nowhere_is_no_part_of_the_means():
    outputs, targets = random(classes=2)
    outputs = torch.cat([outputs, outputs[:, :1] - 100], 1)
    true, given = (each[targets != VOID] for each in (targets, outputs.argmax(1)))
    found = figures(DenseClassification(NAMES), outputs, targets)
    assert found["mean_iou"] == pytest.approx(jaccard_score(true, given, average="macro"), abs=1e-9)


def test_by_hand():
    """Two images of two pixels: one hit each, one car taken for road, one void."""
    targets = torch.tensor([[[0, 2]], [[1, VOID]]], dtype=torch.uint8)
    outputs = F.one_hot(torch.tensor([[[0, 1]], [[1, 2]]]), 3).permute(0, 3, 1, 2).float()
    found = figures(DenseClassification(NAMES), outputs, targets)
    assert found["mean_iou"] == pytest.approx((1 + 1 / 2 + 0) / 3)
    assert found["dice"] == pytest.approx((1 + 2 / 3 + 0) / 3)
    assert found["pixel_accuracy"] == pytest.approx(2 / 3)


def test_the_loss_of_an_example_is_the_mean_over_its_places_that_are_asked_for():
    outputs, targets = random()
    each = F.cross_entropy(outputs, targets.long(), ignore_index=VOID, reduction="none")
    expected = torch.stack([one[of != VOID].mean() for one, of in zip(each, targets, strict=True)])
    problem = DenseClassification(NAMES)
    assert torch.allclose(problem.loss(outputs, targets), expected)
    assert torch.allclose(problem.mean_loss(outputs, targets), expected.mean())
    assert figures(problem, outputs, targets)["loss"] == pytest.approx(float(expected.mean()))
    nothing = torch.full_like(targets, VOID)
    assert problem.loss(outputs, nothing).abs().max() == 0


def test_balanced_weights_are_1_in_the_mean_and_count_each_class_alike():
    outputs, targets = random(void=0.0)
    targets[targets == 2] = 0
    targets[0, 0, 0] = 2
    problem = DenseClassification(NAMES, class_weights="balanced").fitted(targets.numpy())
    weights = torch.tensor(problem.class_weights)
    counts = torch.bincount(targets.flatten(), minlength=3)
    assert torch.allclose(weights * counts, torch.full((3,), targets.numel() / 3))
    each = F.cross_entropy(outputs, targets.long(), weights, reduction="none")
    assert torch.allclose(problem.loss(outputs, targets), each.flatten(1).mean(1))


def test_a_share_of_the_loss_may_be_dice():
    outputs, targets = random(shape=(1, 2, 2), classes=2, void=0.0)
    shares = outputs.softmax(1)[0]
    parts = [(2 * shares[c][targets[0] == c].sum() + 1) / (shares[c].sum() + (targets == c).sum() + 1) for c in (0, 1)]
    whole = DenseClassification(NAMES[:2], dice=1).loss(outputs, targets)
    assert whole.item() == pytest.approx(float(1 - (parts[0] + parts[1]) / 2), abs=1e-6)
    half, none = (DenseClassification(NAMES[:2], dice=share).loss(outputs, targets) for share in (0.5, 0.0))
    assert half.item() == pytest.approx(float((whole + none) / 2), abs=1e-6)
    void = torch.full_like(targets, VOID)
    assert torch.isfinite(DenseClassification(NAMES[:2], dice=1).loss(outputs, void)).all()


def test_the_constant_answer_is_the_most_frequent_class_of_the_training_places():
    _, targets = random(void=0.3)
    targets[:, 0] = 1
    problem = DenseClassification(NAMES)
    name, answer = problem.constant(targets)
    counts = torch.bincount(targets.flatten(), minlength=256)[:3].double()
    assert name == "always the most frequent class" and answer.shape == (3, 6, 7)
    assert torch.allclose(answer[:, 2, 3].exp().double(), counts / counts.sum(), atol=1e-6)
    assert (answer.argmax(0) == 1).all()


def test_what_is_said_of_the_data():
    targets = torch.zeros(4, 10, 10, dtype=torch.uint8)
    targets[:, 0, 0], targets[:, 1, :5], targets[:, 9] = 2, 1, VOID
    lines = DenseClassification(NAMES).describe(targets)
    assert lines[0] == "a class for each pixel, 3 classes: 'sky' 93.3%, 'road' 5.6%, 'car' 1.1% of the training pixels"
    assert "'road', 'car' are rare" in lines[1] and "class_weights='balanced'" in lines[1].replace("\x1f", "")


def test_the_rarest_class_is_on_both_sides_of_a_split_where_it_can_be():
    targets = torch.zeros(40, 4, 4, dtype=torch.uint8)
    targets[:, 0], targets[::4, 1, 1] = 1, 2
    assert DenseClassification(NAMES).strata(targets).tolist() == [1, 0, 0, 0] * 10
    assert not DenseClassification(NAMES).strata(targets[:20]).any()


@pytest.mark.parametrize(
    ("targets", "message"),
    [
        (torch.zeros(3, 4, 4), "must be torch.uint8 of the shape"),
        (torch.zeros(3, dtype=torch.uint8), "must be torch.uint8 of the shape"),
        (torch.full((3, 4, 4), 3, dtype=torch.uint8), r"lie outside 0\.\.2"),
        (torch.full((3, 4, 4), VOID, dtype=torch.uint8), "every pixel is left out"),
    ],
)
def test_targets_that_cannot_be(targets, message):
    with pytest.raises(DataError, match=message):
        DenseClassification(NAMES).check(targets, "training")


def test_a_report_shows_each_class():
    outputs, targets = random(void=0.0)
    found = DenseClassification(NAMES).breakdown(outputs, targets)
    scores = f1_score(targets.flatten(), outputs.argmax(1).flatten(), average=None)
    assert [row[0] for row in found.rows] == list(NAMES)
    assert [row[3] for row in found.rows] == [f"{100 * each:.2f} %" for each in scores]


@pytest.mark.parametrize("settings", [{}, {"dice": 0.5, "class_weights": (1, 2, 3)}])
def test_it_keeps_the_contract(settings):
    _, targets = random((12, 4, 5))
    check_problem(DenseClassification(NAMES, **settings), targets, places=(4, 5))


def test_settings_that_cannot_be():
    for settings in ({"class_weights": (1, 2)}, {"class_weights": (1, 0, 2)}, {"dice": 2.0}, {"values": (0, 0, 1)}):
        with pytest.raises(ConfigurationError):
            DenseClassification(NAMES, **settings)
    with pytest.raises(ConfigurationError, match="2 to 255 classes of pixels, found 1"):
        DenseClassification(NAMES[:1])
