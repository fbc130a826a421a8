"""After training, everything goes by the problem: references, verdicts, errors, and what an exported model answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from generated import import_file
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import average_precision_score, mean_absolute_error, r2_score

from netwright import spaces
from netwright.core.objective import Objective, leading
from netwright.core.problem import Metric
from netwright.core.task import Examples
from netwright.problems import Classification, Regression, SeveralLabels
from netwright.problems.language import Language
from netwright.results import Contender, Figures, difference, export, figures_of, references, report_lines, train_final
from netwright.results.instead import lines_instead
from netwright.results.own_files import NotReproduced, compared_answers
from netwright.results.plain_references import constant
from netwright.results.resampling import standard_error
from netwright.results.verdict import verdict
from netwright.tasks.task import Task
from netwright.training import TrainingSettings

SETTINGS = TrainingSettings(epochs=1, batch_size=64, learning_rate=0.01, precision="float32")
RMSE = Metric("rmse", "minimize", unit="USD", label="RMSE")


def vectors(count: int = 300) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(count, 5)) * [1, 2, 3, 4, 5] + 7


def task_of(problem: Any, targets: np.ndarray, split: int = 200) -> Task:
    """A task of vectors whose targets are in the user's units."""
    problem = problem.fitted(targets[:split])
    inputs, stored = torch.tensor(vectors(), dtype=torch.float32), torch.as_tensor(problem.stored(targets))
    return Task("toy", Examples(inputs[:split], stored[:split]), Examples(inputs[split:], stored[split:]), problem)


@pytest.fixture(scope="module")
def prices() -> Task:
    noise = np.random.default_rng(1).normal(size=(300, 2))
    targets = vectors() @ np.random.default_rng(2).normal(size=(5, 2)) * 1000 + 50_000 + 800 * noise
    return task_of(Regression(["price", "rent"], unit="USD"), targets)


@pytest.fixture(scope="module")
def labelled() -> Task:
    targets = (vectors() + np.random.default_rng(3).normal(size=(300, 5)) > 8).astype("u1")
    targets[:, 4] = 0  # a label that no example has
    targets[250, 4] = 1
    return task_of(SeveralLabels(["a", "b", "c", "d", "never"]), targets)


def standardised(task: Task) -> tuple[np.ndarray, np.ndarray]:
    train, test = (each.inputs.double().numpy() for each in (task.train, task.test))
    return (train - train.mean(0)) / train.std(0), (test - train.mean(0)) / train.std(0)


def fitted(task: Task, name: str) -> Contender:
    found = next(each for each in references(task) if each.name == name)
    assert found.fit is not None
    return found.fit(task, None)


def test_a_ridge_regression_is_that_of_scikit_learn_in_the_units_of_the_data(prices: Task) -> None:
    found, (train, test) = fitted(prices, "ridge regression"), standardised(prices)
    problem: Any = prices.problem
    told = problem.in_units(torch.tensor(Ridge().fit(train, prices.train.targets.numpy()).predict(test))).numpy()
    truth = problem.in_units(prices.test.targets).numpy()
    assert found.values[0] == pytest.approx(r2_score(truth, told), abs=1e-5) and found.values[0] > 0.8
    assert found.others["mae"][0] == pytest.approx(mean_absolute_error(truth, told), rel=1e-5)
    assert found.fixed and found.params == 12 and found.macs == 10


def test_of_quantiles_a_reference_gives_its_one_number_for_each(prices: Task) -> None:
    problem = prices.problem.replace(loss="quantile")
    found = fitted(Task("q", prices.train, prices.test, problem), "ridge regression")
    assert found.values[0] == pytest.approx(fitted(prices, "ridge regression").values[0])


def test_each_label_has_a_logistic_regression_of_its_own(labelled: Task) -> None:
    found, (train, test) = fitted(labelled, "logistic regression a label"), standardised(labelled)
    truth = labelled.test.targets.numpy()
    own = [
        average_precision_score(truth[:, i], LogisticRegression().fit(train, column).predict_proba(test)[:, 1])
        for i, column in enumerate(labelled.train.targets.numpy().T[:4])
    ]
    never = average_precision_score(truth[:, 4], np.zeros(100))
    assert found.values[0] == pytest.approx(np.mean([*own, never]), abs=2e-3)


def test_of_texts_numbers_and_labels_have_linear_models_of_their_words() -> None:
    """As scikit-learn makes them of the counts of words."""
    rng = np.random.default_rng(5)
    words = rng.integers(0, 12, (300, 9))
    counts = np.stack([(words == word).sum(1) for word in range(12)], 1)
    weighing = TfidfTransformer(sublinear_tf=True).fit(counts[:200])
    train, test = (weighing.transform(each) for each in (counts[:200], counts[200:]))

    def of(problem: Any, targets: np.ndarray) -> Task:
        problem = problem.fitted(targets[:200])
        stored = torch.as_tensor(problem.stored(targets))
        parts = [Examples(torch.tensor(words)[part], stored[part]) for part in (slice(200), slice(200, 300))]
        return Task("words", *parts, problem, vocabulary=12)

    stars = of(Regression(["stars"]), (counts[:, 1] - counts[:, 2] + rng.normal(0, 0.3, 300))[:, None])
    predicted = Ridge().fit(train, stars.train.targets.numpy()).predict(test)
    score = r2_score(stars.test.targets.numpy(), predicted.reshape(stars.test.targets.shape))
    assert fitted(stars, "ridge regression").values[0] == pytest.approx(score, abs=1e-5)
    assert score > 0.5
    labels = of(SeveralLabels(["one", "two"]), (counts[:, 3:5] > 1).astype("u1"))
    truth = (counts[:, 3:5] > 1).astype("u1")
    own = [
        average_precision_score(
            truth[200:, i],
            LogisticRegression(C=10.0, max_iter=200).fit(train, truth[:200, i]).predict_proba(test)[:, 1],
        )
        for i in range(2)
    ]
    assert fitted(labels, "logistic regression a label").values[0] == pytest.approx(np.mean(own), abs=1e-3)
    assert "Ridge()).fit(texts, numbers)" in "\n".join(lines_instead("ridge regression", stars))
    assert lines_instead("logistic regression a label", labels) == ()


def test_which_references_there_are_goes_by_what_is_asked_for(prices: Task, labelled: Task) -> None:
    classes = task_of(Classification(["x", "y"]), np.arange(300) % 2)
    images = Examples(torch.zeros(20, 3, 32, 32, dtype=torch.uint8), torch.arange(20) % 2)
    tokens = Examples(torch.zeros(20, 6, dtype=torch.int64), torch.arange(20) % 2)
    found = [
        [each.name for each in references(task)]
        for task in (
            *(prices, labelled, classes, Task("i", images, images, ["x", "y"])),
            Task("t", tokens, tokens, ["x", "y"], vocabulary=3),
        )
    ]
    assert found == [
        ["ridge regression", "boosted trees", "MLP of width 128"],
        ["logistic regression a label", "boosted trees", "MLP of width 128"],
        ["logistic regression", "boosted trees", "MLP of width 128"],
        ["logistic regression", "ResNet-20"],
        ["logistic regression"],
    ]


@pytest.mark.parametrize("kind", ["prices", "classes"])
def test_boosted_trees_find_what_no_linear_model_does(kind: str) -> None:
    x = vectors()
    bent = (x[:, 0] - 7) * (x[:, 1] - 7)
    classes = task_of(Classification("ab"), (bent > 0).astype("i8"))
    task = task_of(Regression(["y"]), bent[:, None]) if kind == "prices" else classes
    linear, trees = (each.fit(task, None) for each in references(task) if each.fit is not None)
    assert trees.values[0] > linear.values[0] + 0.2


def test_what_follows_on_what_is_counted_as_by_hand() -> None:
    text = torch.tensor(np.random.default_rng(0).choice(3, 5 * 64 + 1, p=[0.6, 0.3, 0.1])).int()
    inputs, targets = text[:-1].view(-1, 64), text[1:].view(-1, 64)
    task = Task(
        "t", Examples(inputs[:3], targets[:3]), Examples(inputs[3:], targets[3:]), Language("abc"), vocabulary=3
    )
    (reference,) = references(task)
    assert reference.name == "trigram frequencies" and reference.fit is not None

    def counted(*before: int) -> list[int]:
        found = [0, 0, 0]
        for row, after in zip(inputs[:3].tolist(), targets[:3].tolist(), strict=True):
            for place in range(len(before) - 1, 64):
                if tuple(row[place - len(before) + 1 : place + 1]) == before:
                    found[after[place]] += 1
        return found

    def probability(token: int, *before: int) -> float:
        counts = counted(*before) if before else [each + 1e-3 for each in counted()]
        if not before:
            return counts[token] / sum(counts)
        different = max(1, sum(each > 0 for each in counts))
        return (counts[token] + different * probability(token, *before[1:])) / (sum(counts) + different)

    def counted_once(row: list[int], after: list[int]) -> float:
        told = [probability(after[0], row[0])]
        told += [probability(after[i], row[i - 1], row[i]) for i in range(1, 64)]
        return -float(np.log(told).sum())

    lost = sum(counted_once(*each) for each in zip(inputs[3:].tolist(), targets[3:].tolist(), strict=True))
    assert reference.fit(task, None).values[0] == pytest.approx(np.exp(lost / 128), rel=1e-5)


def test_texts_are_told_apart_by_their_tokens() -> None:
    labels = np.arange(80) % 2
    tokens = np.random.default_rng(0).integers(2, 10, (80, 6))
    tokens[np.arange(80), np.random.default_rng(1).integers(0, 6, 80)] = labels  # one token says it, at any place
    split = [Examples(torch.tensor(tokens[part]), torch.tensor(labels[part])) for part in (slice(50), slice(50, None))]
    (reference,) = references(Task("t", *split, ["x", "y"], vocabulary=10))
    assert reference.fit is not None
    found = reference.fit(Task("t", *split, ["x", "y"], vocabulary=10), 0.05)
    assert reference.name == "logistic regression" and found.values[0] > 0.95 and found.params == 11


def test_the_answer_that_looks_at_no_input_is_measured_on_the_test_split(prices: Task) -> None:
    found = constant(prices)
    assert found is not None and found.name == "always the mean" and found.fixed
    problem: Any = prices.problem
    truth = problem.in_units(prices.test.targets).numpy()
    mean = problem.in_units(prices.train.targets).numpy().mean(0)
    assert found.others["mae"][0] == pytest.approx(np.abs(truth - mean).mean(), rel=1e-5)


def test_the_error_by_the_choice_of_examples_is_that_of_resampling_them(prices: Task) -> None:
    class Mean(Regression):
        @property
        def metrics(self) -> tuple[Metric, ...]:
            return (Metric("mae", "minimize"),)

    problem, truth = Mean(["y"]), torch.tensor(vectors(), dtype=torch.float64)[:, :1]
    outputs = torch.full((300, 1), 7.0)
    off = (truth - 7).abs()
    assert standard_error(problem, problem.main, outputs, truth) == pytest.approx(float(off.std() / 300**0.5), rel=0.2)
    assert standard_error(problem, problem.main, outputs[:5], truth[:5]) is None
    assert standard_error(problem, problem.main, outputs.expand(300, 100_000), truth) is None  # would take too long


def of(metric: Metric, winner: float, others: Mapping[str, float], **more: Any) -> Figures:
    rows = tuple(Contender(name, (value,)) for name, value in others.items())
    return Figures("toy", "{}", Contender("found network", (winner,), (0,)), rows, 200, 0, metrics=(metric,), **more)


def test_where_small_is_good_verdicts_and_differences_say_so() -> None:
    beaten = of(RMSE, 50.0, {"ridge regression": 40.0}, error=2.0)
    assert (
        verdict(beaten)
        == "Ridge regression is better than this network: RMSE 40.00 USD on the test split against 50.00 USD."
    )
    near = of(RMSE, 41.0, {"ridge regression": 40.0}, error=2.0)
    assert verdict(near).startswith("This network is no better than ridge regression, which has RMSE 40.00 USD")
    best = of(RMSE, 30.0, {"ridge regression": 40.0, "always the mean": 90.0}, chance=90.0, constant="always the mean")
    assert verdict(best) == "" and not any("always the mean" in line for line in report_lines(best)[4:])
    useless = of(RMSE, 89.0, {"always the mean": 90.0}, chance=90.0, constant="always the mean", error=3.0)
    text = "RMSE 89.00 USD on the test split, where always naming the mean gives 90.00 USD"
    said = "200 test examples do not tell this network from an answer that looks at no input"
    assert verdict(useless) == f"{said}: {text}."
    pair = Contender("a", (30.0, 31.0), (0, 1)), Contender("b", (40.0,))
    found = difference(*pair, larger_is_better=False)
    assert found.value == -9.5 and found.better and not found.worse and found.ahead
    assert difference(*pair).worse
    assert any("gives RMSE a standard error of 2 USD" in each for each in report_lines(beaten))
    assert any("is not known" in each for each in report_lines(best))


def test_figures_of_before_are_read() -> None:
    described = of(Metric("accuracy", percent=True, of_examples=True), 0.5, {"x": 0.25}).as_json()
    for name in ("metrics", "constant", "error", "confusion", "breakdown", "standard_error"):
        described.pop(name)
    for row in (described["winner"], *described["baselines"]):
        assert row.pop("values") == row["accuracies"]
        row.pop("others")
    found = Figures.from_json(described)
    assert found.winner.values == (0.5,) and found.baselines[0].values == (0.25,) and found.main.name == "accuracy"
    assert "50.00 %" in report_lines(found)[1]


def taken_home(task: Task, folder: Path) -> tuple[Any, Figures, torch.Tensor]:
    space = spaces.Mlp()
    final = train_final(space, space.sample(np.random.default_rng(0)), task, SETTINGS, seeds=(0,))
    figures = figures_of(final, task)
    done = export(folder / "best", final.network, final.architecture, space, task, figures, reported=final.outputs)
    assert done.verified_examples == 100
    return import_file(done.model), figures, final.outputs


@pytest.mark.slow
def test_numbers_are_answered_in_their_own_units(prices: Task, tmp_path: Path) -> None:
    model, figures, outputs = taken_home(prices, tmp_path)
    problem: Any = prices.problem
    expected = problem.in_units(outputs).tolist()
    answers = model.predict(model.load(), prices.test.inputs)
    assert [list(each) for each in answers] == [["price", "rent"]] * 100
    assert [list(each.values()) for each in answers] == [pytest.approx(each, rel=1e-4) for each in expected]
    assert figures.constant == "always the mean" and figures.error is not None and not figures.classes
    page = (tmp_path / "best" / "README.md").read_text()
    assert "Test R²" in page and "always the mean" in page and "`numbers`" in page and "USD" in page


@pytest.mark.slow
def test_labels_are_answered_above_a_threshold(
    labelled: Task, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model, _, outputs = taken_home(labelled, tmp_path)
    named = model.predict(model.load(), labelled.test.inputs)
    names = ["a", "b", "c", "d", "never"]
    assert named == [[name for name, each in zip(names, row, strict=True) if each > 0] for row in outputs.tolist()]
    np.save(tmp_path / "new.npy", labelled.test.inputs[:2].numpy())
    assert model.main([str(tmp_path / "new.npy"), "--threshold", "0"]) == 0
    assert all(line.count("%") == 5 for line in capsys.readouterr().out.splitlines())
    with pytest.raises(SystemExit):
        model.main([str(tmp_path / "new.npy"), "--threshold", "2"])
    assert "expected a number from 0 to 1, found '2'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("printed", "words"),
    [
        (
            '{"file": "f", "example": "", "numbers": {"y": 105.0}}',
            "the exported model says 105.0 for f, where the netw",
        ),
        (
            '{"file": "f", "example": "row 1", "class": "b", "p": 1.0}',
            "'b' for f \\(row 1\\), where the network says 100",
        ),
    ],
)
def test_an_answer_that_is_another_one_names_its_file(printed: str, words: str) -> None:
    answered = {
        "printed": printed,
        "code": 0,
        "complaints": "",
        "expected": [{"numbers": {"y": 100.0}}],
        "lines": ["y 100"],
    }
    with pytest.raises(NotReproduced, match=words):
        compared_answers(answered, 1)
    close = {**answered, "printed": '{"file": "f", "example": "", "numbers": {"y": 100.05}}'}
    assert len(compared_answers(close, 1)) == 1


def test_the_metric_that_was_searched_for_leads(labelled: Task) -> None:
    space = spaces.Mlp()
    final = train_final(space, space.at(0), labelled, SETTINGS, seeds=(0, 1))
    rows = [fitted(labelled, "logistic regression a label")]
    plain, found = (figures_of(final, labelled, rows, lead=lead) for lead in ("", "f1_macro"))
    assert plain.main.name == "mean_average_precision" and found.main.name == "f1_macro"
    assert found.winner.values == plain.winner.others["f1_macro"]
    assert found.winner.others["mean_average_precision"] == plain.winner.values
    assert found.baselines[0].values == plain.baselines[0].others["f1_macro"]
    assert found.chance == plain.baselines[-1].others["f1_macro"][0]
    assert found.differences[0].value == pytest.approx(found.winner.mean - found.baselines[0].mean)
    assert {each.name for each in found.metrics} == {each.name for each in plain.metrics}
    assert found.error != plain.error and "test macro F1  n" in "\n".join(report_lines(found))
    older = replace(rows[0], others={})  # as an earlier version left it
    assert figures_of(final, labelled, [older], lead="f1_macro").main == plain.main


def test_of_several_objectives_the_first_that_is_measured_on_examples_leads() -> None:
    problem = Classification("ab")
    asked = [Objective.parse(each) for each in ("params:minimize", "val_loss:minimize", "val_accuracy")]
    assert leading(asked, problem).name == "loss" and leading(asked[:1], problem).name == "accuracy"
    assert leading([Objective.parse("loss:minimize"), *asked], problem) == leading(asked, problem)
    assert leading([Objective.parse("train_loss:minimize")], problem).name == "accuracy"
