"""Alarms of searches by shared weights: when they are raised, said again, and what they can and cannot tell."""

from __future__ import annotations

import numpy as np
import pytest

from netwright.cli.progress import Display
from netwright.core.architecture import Architecture
from netwright.core.objective import Objective
from netwright.core.trial import Measurement, Proposal, Trial
from netwright.results.alarm_sentences import Alarm, Raised, alarm_lines, alarms_of, alarms_of_candidates
from netwright.spaces import NasBench201

SPACE = NasBench201()
EPOCH = {"epoch": 1.0, "train_loss": 1.0, "train_accuracy": 0.5, "val_examples": 400.0, "accuracy_by_chance": 0.1}


def gap(points: float) -> dict[str, float]:
    return {**EPOCH, "mixture_accuracy": 0.9, "rounded_accuracy": 0.9 - points, "discretisation_gap": points}


def scores(mean: float, spread: float, count: int = 50) -> list[float]:
    return [float(each) for each in mean + spread * np.random.default_rng(0).standard_normal(count)]


def test_an_alarm_is_said_once_and_again_when_it_has_grown() -> None:
    raised = Raised()
    said = [bool(raised.news(alarms_of([gap(points)]))) for points in (0.73, 0.75, 0.77, 0.78, 0.80, 0.83, 0.60)]
    assert said == [True, False, False, True, False, True, False]


def test_an_alarm_that_was_gone_is_said_anew() -> None:
    raised = Raised()
    said = [bool(raised.news(alarms_of([gap(points)]))) for points in (0.3, 0.05, 0.3)]
    assert said == [True, False, True]


def test_each_alarm_grows_by_itself() -> None:
    raised = Raised()
    raised.news([Alarm("a", "", 0.1), Alarm("b", "", 0.1)])
    assert raised.news([Alarm("a", "", 0.12), Alarm("b", "", 0.2)]) == [Alarm("b", "", 0.2)]


def test_uniform_and_rounding_say_what_they_do_not_tell() -> None:
    lines = alarm_lines([{**gap(0.4), "entropy": 0.95}])
    assert len(lines) == 2 and all("not known from this" in line for line in lines)


def test_candidates_at_chance_are_said_to_be() -> None:
    (found,) = alarms_of_candidates([EPOCH], scores(0.1, 0.01))
    assert found.subject == "chance"
    assert "none of 50 candidates" in found.text and "400 validation examples, 10.0% by chance" in found.text
    (one,) = alarms_of_candidates([EPOCH], [0.12])
    assert "the architecture is not told from chance" in one.text


def test_a_lucky_best_of_many_is_still_chance() -> None:
    """Of 1,000 scores of 400 examples at chance the best lies near 15 %, which alone would be better than chance."""
    rng = np.random.default_rng(1)
    lucky = [float(each) / 400 for each in rng.binomial(400, 0.1, 1000)]
    assert max(lucky) > 0.14
    assert [each.subject for each in alarms_of_candidates([EPOCH], lucky)] == ["chance"]
    assert alarms_of_candidates([EPOCH], [max(lucky)]) == []


def test_candidates_that_spread_less_than_a_draw_of_the_examples_are_alike() -> None:
    """At 60 % and 400 examples one network's accuracy varies by sqrt(0.24 / 400) = 2.4 points."""
    (found,) = alarms_of_candidates([EPOCH], scores(0.6, 0.015))
    assert found.subject == "alike" and "2.4 from one draw of 400 validation examples" in found.text
    assert alarms_of_candidates([EPOCH], scores(0.6, 0.05)) == []
    more = {**EPOCH, "val_examples": 10_000.0}
    assert alarms_of_candidates([more], scores(0.6, 0.015)) == []


def test_few_candidates_and_runs_without_shared_weights_are_left_alone() -> None:
    assert alarms_of_candidates([EPOCH], [0.6] * 9) == []
    assert alarms_of_candidates([], scores(0.1, 0.01)) == []
    assert alarms_of_candidates([{"epoch": 1.0}], scores(0.1, 0.01)) == []


def trial(number: int, metrics: dict[str, float], purpose: str = "evaluate") -> Trial:
    architecture: Architecture = SPACE.at(number)
    score = (metrics["val_accuracy"],) if "val_accuracy" in metrics else ()
    return Trial(number, Proposal(architecture, purpose), "completed", Measurement(metrics), score)  # pyright: ignore


def test_a_search_says_at_its_end_what_its_candidates_are_worth(capsys: pytest.CaptureFixture[str]) -> None:
    with Display([Objective.parse("val_accuracy")], None, None, quiet=False) as display:
        display(trial(0, EPOCH, "train"))
        for number, score in enumerate(scores(0.1, 0.005, 12), start=1):
            display(trial(number, {"val_accuracy": score}))
        assert "warning" not in capsys.readouterr().out
    assert "warning: none of 12 candidates is told from chance" in capsys.readouterr().out


def test_a_growing_gap_is_printed_again(capsys: pytest.CaptureFixture[str]) -> None:
    display = Display([Objective.parse("val_accuracy")], None, None, quiet=False)
    for number, points in enumerate((0.73, 0.74, 0.78)):
        display(trial(number, gap(points), "train"))
    told = [line for line in capsys.readouterr().out.splitlines() if "warning" in line]
    assert ["loses 73 points" in told[0], "loses 78 points" in told[1], len(told)] == [True, True, 2]
