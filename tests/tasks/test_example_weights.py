"""What each example counts, from arrays and files to the loss and the metrics."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.metrics import accuracy_score, balanced_accuracy_score, mean_absolute_error, r2_score
from torch import nn

from netwright.core.errors import DataError, UserError
from netwright.core.problem import Problem
from netwright.core.task import Examples
from netwright.problems.classification import Classification
from netwright.problems.regression import Regression
from netwright.tasks import Task, arrays, csv, npz
from netwright.training import TrainingSettings, evaluate, train

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 3))
Y = np.tile([0, 1, 2], 20)
WEIGHTS = RNG.uniform(0.1, 3, size=60)


def weighted(task: Task) -> dict[bytes, float]:
    """The weight of each example, by its inputs."""
    found: dict[bytes, float] = {}
    for each in (task.train, task.test):
        weights = each.batch_weights(0, len(each))
        assert weights is not None
        rows = zip(each.inputs.numpy(), weights.tolist(), strict=True)
        found |= {inputs.tobytes(): weight for inputs, weight in rows}
    return found


def test_weights_stay_with_their_examples() -> None:
    task = arrays(X, Y, weights=WEIGHTS)
    found = weighted(task)
    expected = WEIGHTS / WEIGHTS.mean()
    given = [found[row.tobytes()] for row in X.astype(np.float32)]
    assert given == pytest.approx(expected.tolist())
    held_out = task.search_data(0).held_out
    assert {row.tobytes() for row in held_out.inputs.numpy()} < set(found)
    some = held_out.part(1, 3).choose(torch.tensor([1]))
    weights = some.batch_weights(0, 1)
    assert weights is not None and weights.item() == pytest.approx(found[some.inputs.numpy()[0].tobytes()])


def test_weights_travel_to_other_processes() -> None:
    task = pickle.loads(pickle.dumps(arrays(X, Y, weights=WEIGHTS)))
    assert weighted(task) == weighted(arrays(X, Y, weights=WEIGHTS))


def test_all_alike_are_as_if_there_were_none() -> None:
    task = arrays(X, Y, weights=np.full(60, 7.0))
    assert task.train.stored_weights is None and task.fingerprint == arrays(X, Y).fingerprint
    assert arrays(X, Y, weights=WEIGHTS).fingerprint != task.fingerprint


def test_weights_of_files(tmp_path: Path) -> None:
    np.savez(tmp_path / "data.npz", x=X, y=Y, heavy=WEIGHTS)
    rows = "\n".join(f"{a},{b},{w},{'abc'[y]}" for (a, b, _), w, y in zip(X, WEIGHTS, Y, strict=True))
    (tmp_path / "data.csv").write_text(f"first,second,heavy,kind\n{rows}\n")
    task = npz(tmp_path / "data.npz", weight_column="heavy")
    assert weighted(task) == weighted(arrays(X, Y, weights=WEIGHTS))
    table = csv(tmp_path / "data.csv", target="kind", weight_column="heavy")
    assert table.shape.features == 2
    assert sorted(weighted(table).values()) == pytest.approx(sorted((WEIGHTS / WEIGHTS.mean()).tolist()), rel=1e-6)


def test_a_weight_that_is_missing_is_named_with_its_line(tmp_path: Path) -> None:
    rows = "".join(f"{a},{'' if i == 4 else 1},{y}\n" for i, (a, y) in enumerate(zip(X[:, 0], Y, strict=True)))
    (tmp_path / "data.csv").write_text(f"first,heavy,kind\n{rows}")
    with pytest.raises(DataError, match="'heavy' is to hold numbers, found '' in line 6"):
        csv(tmp_path / "data.csv", target="kind", weight_column="heavy")


@pytest.mark.parametrize(
    ("weights", "said"),
    [
        (-WEIGHTS, "at least 0, found -"),
        (WEIGHTS[:5], r"one for each of the 60 examples; found float64 \(5,\)"),
        (np.zeros(60), "nothing to learn"),
        (["a"] * 60, "are numbers"),
    ],
)
def test_weights_that_are_none(weights: object, said: str) -> None:
    with pytest.raises(DataError, match=said):
        arrays(X, Y, weights=weights)


def test_masks_have_no_weights() -> None:
    pictures = np.zeros((8, 8, 8), dtype=np.uint8)
    pictures[:, :4] = 200
    with pytest.raises(UserError, match="not for masks"):
        arrays(pictures, (pictures > 0).astype(int), weights=np.ones(8))


class Fixed(nn.Module):
    """Answers each example with numbers that stand in its inputs."""

    def __init__(self) -> None:
        super().__init__()
        self.unused = nn.Parameter(torch.zeros(1))

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        return inputs


def figures(problem: Problem, targets: torch.Tensor) -> dict[str, float]:
    """Of fixed answers to weighted examples."""
    outputs = torch.from_numpy(X[:, : problem.outputs].astype(np.float32))
    examples = Examples(outputs, targets, weights=torch.from_numpy(WEIGHTS.astype(np.float32)))
    tally = problem.tally()
    for start in (0, 25, 50):
        examples.tell(tally, outputs[start : start + 25], start, start + 25)
    return tally.figures()


def test_metrics_of_classes_are_those_of_scikit_learn() -> None:
    found = figures(Classification(("a", "b", "c")), torch.from_numpy(Y))
    answers = X.argmax(1)
    assert found["accuracy"] == pytest.approx(accuracy_score(Y, answers, sample_weight=WEIGHTS))
    assert found["balanced_accuracy"] == pytest.approx(balanced_accuracy_score(Y, answers, sample_weight=WEIGHTS))
    each = nn.functional.cross_entropy(torch.from_numpy(X), torch.from_numpy(Y), reduction="none").numpy()
    assert found["loss"] == pytest.approx(np.average(each, weights=WEIGHTS), rel=1e-5)


def test_metrics_of_numbers_are_those_of_scikit_learn() -> None:
    truth = X[:, :2] + RNG.normal(size=(60, 2))
    found = figures(Regression(("up", "down")), torch.from_numpy(truth))
    answers = X[:, :2]
    assert found["r2"] == pytest.approx(r2_score(truth, answers, sample_weight=WEIGHTS), rel=1e-5)
    assert found["mae"] == pytest.approx(mean_absolute_error(truth, answers, sample_weight=WEIGHTS), rel=1e-5)
    each = ((truth - answers) ** 2).mean(1)
    assert found["loss"] == pytest.approx(np.average(each, weights=WEIGHTS), rel=1e-5)


def test_a_step_with_weights_is_the_step_with_repeated_examples() -> None:
    """In one batch of all examples the gradient of a weight 3 is that of the example three times."""
    settings = TrainingSettings(epochs=1, batch_size=400, learning_rate=0.1, threads=1)
    whole = np.tile([1, 2, 3], 20)[RNG.permutation(60)]
    networks = []
    for x, y, weights in ((X, Y, whole), (np.repeat(X, whole, axis=0), np.repeat(Y, whole), None)):
        inputs, targets = torch.from_numpy(x.astype(np.float32)), torch.from_numpy(y)
        even = None if weights is None else torch.from_numpy((weights / weights.mean()).astype(np.float32))
        task = Task("t", Examples(inputs, targets, weights=even), Examples(inputs, targets), ("a", "b", "c"))
        torch.manual_seed(0)
        networks.append(nn.Linear(3, 3))
        plain = task.final_data().__class__(
            Examples(inputs, targets, weights=even), Examples(inputs, targets), [0.0] * 3, [1.0] * 3, task.problem
        )
        train(networks[-1], plain, settings, 0)
    assert torch.allclose(networks[0].weight, networks[1].weight, atol=1e-6)
    torch.manual_seed(0)
    assert not torch.allclose(networks[0].weight, nn.Linear(3, 3).weight, atol=1e-3)


def test_evaluation_weighs() -> None:
    task = arrays(X, Y, weights=WEIGHTS)
    data = task.final_data()
    found = evaluate(Fixed(), data.held_out, data)
    weights = data.held_out.batch_weights(0, len(data.held_out))
    assert weights is not None
    inputs = (data.held_out.inputs - torch.tensor(data.mean)) / torch.tensor(data.std)
    right = (inputs.argmax(1) == data.held_out.targets).double()
    assert found["accuracy"] == pytest.approx(float(right @ weights.double() / weights.double().sum()))
