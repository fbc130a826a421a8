"""Which of two is better on the same test examples, what a report says first, and what to type instead."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from netwright.core.problem import Metric
from netwright.core.task import Examples
from netwright.problems import Classification, Regression, SeveralLabels
from netwright.results import Contender, Figures, difference, readme, references, report_lines
from netwright.results.instead import lines_instead
from netwright.results.plain_references import boosted_trees
from netwright.results.resampling import paired_interval
from netwright.results.verdict import better_one, verdict
from netwright.tasks import csv
from netwright.tasks.task import Task

ACCURACY = Classification(["a", "b"]).main
RMSE = Metric("rmse", "minimize", unit="USD", label="RMSE")


def answers(right: np.ndarray) -> torch.Tensor:
    """Logits of two classes; the first is right everywhere, and answered where `right` says so."""
    return torch.tensor(np.stack([right, ~right], axis=1).astype("f4"))


class TestIntervals:
    problem = Classification(["a", "b"])

    def interval(self, ours: np.ndarray, theirs: np.ndarray) -> tuple[float, float]:
        targets = torch.zeros(len(ours), dtype=torch.int64)
        value = float(ours.mean() - theirs.mean())
        found = paired_interval(self.problem, ACCURACY, [answers(ours)], [answers(theirs)], targets, value)
        assert found is not None
        return found

    def test_it_is_that_of_mcnemar(self) -> None:
        ours, theirs = np.ones(1000, dtype=bool), np.ones(1000, dtype=bool)
        ours[:40], theirs[20:90] = False, False  # 20 that only they answer, 50 that only we do
        low, high = self.interval(ours, theirs)
        error = ((20 + 50) / 1000**2 - 0.03**2 / 1000) ** 0.5
        assert (high - low) / 2 == pytest.approx(1.962 * error + 0.001, rel=0.2)
        assert (high + low) / 2 == pytest.approx(0.03) and low > 0

    def test_what_both_find_hard_counts_for_neither(self) -> None:
        hard = np.random.default_rng(0).random(400) < 0.4
        theirs = ~hard
        ours = theirs.copy()
        ours[np.flatnonzero(hard)[:12]] = True
        assert self.interval(ours, theirs)[0] > 0, "3 points, where either alone has an error of 2.4"

    @pytest.mark.parametrize(("more", "shown"), [(3, False), (5, False), (8, True)])
    def test_a_handful_of_examples_shows_nothing(self, more: int, shown: bool) -> None:
        theirs, ours = np.ones(400, dtype=bool), np.ones(400, dtype=bool)
        theirs[:more] = False
        assert (self.interval(ours, theirs)[0] > 0) is shown

    def test_equal_answers_differ_by_nothing(self) -> None:
        right = np.random.default_rng(0).random(100) < 0.5
        low, high = self.interval(right, right)
        assert low == pytest.approx(-high) and high <= 0.01

    def test_too_few_examples_show_nothing(self) -> None:
        few = answers(np.ones(5, dtype=bool))
        assert paired_interval(self.problem, ACCURACY, [few], [few], torch.zeros(5, dtype=torch.int64), 0.0) is None


def figures(winner: float, metric: Metric = ACCURACY, **rivals: tuple[float, float]) -> Figures:
    """rivals: by name, the value and half of the interval."""
    found = [
        Contender(name.replace("_", " "), (value,), paired=(winner - value - half, winner - value + half))
        for name, (value, half) in rivals.items()
    ]
    return Figures("t", "a", Contender("found network", (winner,), (0,)), tuple(found), 400, 0, metrics=(metric,))


def test_the_first_line_says_which_is_better_and_by_how_much() -> None:
    worse = figures(0.72, boosted_trees=(0.741, 0.007), logistic_regression=(0.7, 0.01))
    assert verdict(worse) == "Boosted trees are better here by 2.10 points (1.40 to 2.80): use them instead."
    assert better_one(worse) == "boosted trees" and report_lines(worse)[0] == verdict(worse)
    assert "**Boosted trees are better here" in readme(worse, {}, [])
    better = figures(0.8, **{"ResNet-8": (0.77, 0.02)})
    assert verdict(better) == "The found network is better than ResNet-8 by 3.00 points (1.00 to 5.00)."
    short = replace(
        better.baselines[0], name="boosted trees", seeds=(), note="stopped by the time after 9 of 100 trees"
    )
    assert verdict(replace(better, baselines=(short,))) == (
        "The found network is better than boosted trees (stopped by the time after 9 of 100 trees) by 3.00 points "
        "(1.00 to 5.00)."
    )
    both = figures(0.8, boosted_trees=(0.77, 0.02), logistic_regression=(0.6, 0.05))
    assert verdict(both) == (
        "The found network is better than both references: by 3.00 points (1.00 to 5.00) than the best of them, "
        "boosted trees."
    )
    level = figures(0.8, boosted_trees=(0.79, 0.02))
    assert verdict(level) == (
        "No difference from boosted trees that these 400 test examples could show: the found network is 1.00 points "
        "ahead (95 % interval -1.00 to +3.00)."
    )
    assert better_one(level) is better_one(better) is None


def test_smaller_may_be_better() -> None:
    assert verdict(figures(120.0, RMSE, ridge_regression=(100.0, 5.0))) == (
        "Ridge regression is better here by 20.00 USD (15.00 to 25.00): use it instead."
    )
    assert verdict(figures(90.0, RMSE, ridge_regression=(100.0, 5.0))) == (
        "The found network is better than ridge regression by 10.00 USD (5 to 15.00)."
    )


def test_what_seeds_show_must_be_shown_by_the_examples_too() -> None:
    seeds, fixed = Contender("w", (0.90, 0.901, 0.902), (0, 1, 2)), Contender("b", (0.89,))
    assert difference(seeds, fixed).better
    unsure = difference(seeds, Contender("b", (0.89,), paired=(-0.01, 0.032)))
    assert not unsure.better and unsure.interval is not None and unsure.whole == (-0.01, 0.032)
    again = Figures.from_json(figures(0.8, boosted_trees=(0.7, 0.1)).as_json())
    assert again.baselines[0].paired == pytest.approx((0.0, 0.2)) and again.differences[0].paired is not None


@pytest.fixture
def houses(tmp_path: Path) -> Task:
    """Numbers that hang on which of many texts a row has, and on nothing else."""
    rng = np.random.default_rng(0)
    streets = rng.integers(12, size=400)
    lines = [
        "street,size,price",
        *(f"s{each},{rng.normal():.3f},{(each * 7) % 12 + rng.normal() / 9:.3f}" for each in streets),
    ]
    (tmp_path / "houses.csv").write_text("\n".join(lines))
    return csv(tmp_path / "houses.csv", target="price", problem="regression")


def test_boosted_trees_take_the_columns_as_they_are(houses: Task) -> None:
    from sklearn.ensemble import HistGradientBoostingRegressor

    assert houses.shape.columns == (12, 1)
    found = boosted_trees(houses)
    columns = [(each.inputs[:, :12].argmax(1), each.inputs[:, 12]) for each in (houses.train, houses.test)]
    train, test = (np.stack(each, axis=1) for each in columns)
    model = HistGradientBoostingRegressor(categorical_features=[0], random_state=0)
    told = model.fit(train, houses.train.targets.numpy().reshape(-1)).predict(test)
    tally = houses.problem.tally()
    tally.add(torch.tensor(told[:, None]).float(), houses.test.targets)
    assert found.mean == pytest.approx(tally.figures()[houses.problem.main.name], abs=0.01) and found.note == ""
    assert len(found.outputs) == len(houses.test)


def test_little_time_is_kept(houses: Task) -> None:
    assert "of 100 trees" in boosted_trees(houses, seconds=1e-6).note


def test_labels_have_boosted_trees_of_their_own() -> None:
    x = np.random.default_rng(0).normal(size=(300, 4)).astype("f4")
    y = torch.tensor(np.stack([x[:, 0] * x[:, 1] > 0, x[:, 2] > 0, np.zeros(300)], axis=1).astype("u1"))
    task = Task(
        "t",
        *(Examples(torch.tensor(x[p]), y[p]) for p in (slice(200), slice(200, 300))),
        SeveralLabels(["p", "q", "n"]),
    )
    found = boosted_trees(task)
    assert ((found.outputs > 0).float() == task.test.targets).float().mean() > 0.9


def waves(count: int) -> Examples:
    """Series with a bump of one of two widths, anywhere."""
    rng = np.random.default_rng(count)
    classes, places = rng.integers(2, size=count), rng.integers(10, 50, size=count)
    times = np.arange(64)
    bumps = np.exp(-(((times - places[:, None]) / np.where(classes, 2.0, 5.0)[:, None]) ** 2))
    noisy = bumps + 0.1 * rng.normal(size=bumps.shape)
    return Examples(torch.tensor(noisy[:, None], dtype=torch.float32), torch.tensor(classes))


def test_series_are_told_apart_wherever_the_difference_is() -> None:
    task = Task("waves", waves(60), waves(80), ["wide", "narrow"])
    offered = {each.name: each.fit for each in references(task) if each.fit is not None}
    found = {name: fit(task, 3.0) for name, fit in offered.items()}
    assert list(found) == ["logistic regression", "random convolutions", "nearest neighbour"]
    assert found["random convolutions"].mean > 0.95 > found["logistic regression"].mean
    assert found["nearest neighbour"].note == "by dynamic time warping" and found["nearest neighbour"].mean > 0.7
    assert "loss" not in found["random convolutions"].others
    numbers = Regression(["width"]).fitted(np.full((60, 1), 1.0))
    asked = Task("w", *(Examples(e.inputs, e.targets[:, None].float()) for e in (task.train, task.test)), numbers)
    by_number = next(each for each in references(asked) if each.name == "random convolutions")
    assert by_number.fit is not None and by_number.fit(asked, 3.0).mean > 0.7


def test_what_to_type_instead_runs(houses: Task, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pandas")
    monkeypatch.chdir(houses.preparation.source.path.parent)  # pyright: ignore[reportOptionalMemberAccess, reportAttributeAccessIssue]
    for name in ("boosted trees", "ridge regression"):
        lines = lines_instead(name, houses)
        assert "rows = pd.read_csv('houses.csv')" in lines
        there: dict[str, object] = {}
        code = compile(
            "\n".join(lines).replace("predict(new)", "score(x, y)").replace("model.score", "score = model.score"),
            name,
            "exec",
        )
        exec(code, there)
        assert there["score"] > 0.5, name  # pyright: ignore[reportOperatorIssue]
    page = readme(
        Figures("t", "a", Contender("w", (0.5,)), (), 9, 0, instead=lines_instead("boosted trees", houses)), {}, []
    )
    assert "## What to type instead\n\n```python\nimport pandas as pd\n" in page
    assert lines_instead("random pick", houses) == ()
