"""Differences against an independent calculation, and words that claim no more than the numbers."""

from __future__ import annotations

from dataclasses import replace

import pytest
from scipy import stats

from netwright.results import ClassRecall, Contender, Figures, difference, report_lines
from netwright.results.final_report import difference_text, escaped, points, readme, verdict


def contender(name: str, *accuracies: float, fixed: bool = False) -> Contender:
    return Contender(name, accuracies, () if fixed else tuple(range(len(accuracies))), 1000, 2000, 3.0)


def figures(winner: Contender, *baselines: Contender, **more) -> Figures:
    return Figures("toy", "{}", winner, baselines, 200, 0, **more)


def test_the_interval_is_that_of_welch() -> None:
    a, b = (0.91, 0.93, 0.95), (0.80, 0.84)
    found = difference(contender("w", *a), contender("b", *b))
    own = stats.ttest_ind(a, b, equal_var=False).confidence_interval(0.95)
    assert found.value == pytest.approx(0.11)
    assert found.interval == pytest.approx((own.low, own.high))


def test_a_baseline_without_randomness_is_a_fixed_number() -> None:
    a = (0.91, 0.93, 0.95)
    found = difference(contender("w", *a), contender("b", 0.90, fixed=True))
    own = stats.ttest_1samp(a, 0.90).confidence_interval(0.95)
    assert found.interval == pytest.approx((own.low - 0.90, own.high - 0.90))
    assert difference(contender("w", 0.9), contender("b", 0.8, fixed=True)).interval is None


@pytest.mark.parametrize(
    ("winner", "baseline", "words"),
    [
        ((0.95, 0.951, 0.952), (0.80, 0.801, 0.802), "better than a random pick: +15.00 points, 95 % interval"),
        ((0.95, 0.90), (0.92, 0.91), "not better than a random pick: difference +1.00 points, 95 % interval"),
        ((0.80, 0.801, 0.802), (0.95, 0.951, 0.952), "worse than a random pick: difference -15.00 points"),
        ((0.9,), (0.8,), "may be chance"),
        ((0.8,), (0.9,), "not better than a random pick: difference -10.00 points, n = 1 and 1"),
        ((0.9, 0.9), (0.9, 0.9), "not better than a random pick: difference +0.00 points"),
    ],
)
def test_words_follow_the_interval(winner, baseline, words) -> None:
    text = difference_text(difference(contender("found network", *winner), contender("random pick", *baseline)))
    assert words in text
    assert text.startswith(words.split(" ")[0]) or "chance" in words


def test_lines_line_up_and_say_what_is_missing() -> None:
    lines = report_lines(
        figures(contender("found network", 0.5), contender("x", 0.25, 0.35), skipped={"ResNet": "no images"})
    )
    assert lines[1].split() == ["found", "network", "50.00", "%", "1", "1,000", "2,000", "3.0"]
    assert "30.00 % ± 7.07" in lines[2]
    assert {len(line) for line in lines[:3]} == {len(lines[0])}
    assert "ResNet was not run: no images." in lines
    assert any("one of the 200 test examples is 0.5 points" in line.lower() for line in lines)


def test_markdown_cannot_be_broken_by_names() -> None:
    assert escaped("a|b\n# c `d` <e>") == "a\\|b \\# c \\`d\\` &lt;e&gt;"
    page = readme(figures(contender("a|b", 0.5), search={"strategy": "x\n\n# y"}), {}, ["checked"])
    assert "\n# y" not in page and "| a\\|b | 50.00 % |" in page


def figures_with(winner: float, references: dict[str, float], chance: float | None = 0.25) -> Figures:
    return Figures(
        task="t",
        architecture="a",
        winner=Contender("found network", (winner,), (0,)),
        baselines=tuple(Contender(name, (value,), ()) for name, value in references.items()),
        test_examples=400,
        exported_seed=0,
        chance=chance,
    )


def test_a_result_at_the_level_of_chance_is_called_that_in_the_first_line() -> None:
    # A quarter by chance, on 400 examples: a standard error of 2.2 points.
    assert "no better than chance: 28.00 %" in report_lines(figures_with(0.28, {"logistic regression": 0.2}))[0]
    assert verdict(figures_with(0.31, {"logistic regression": 0.2})) == ""
    assert verdict(figures_with(0.28, {}, chance=None)) == ""


def test_one_point_is_one_point_and_no_points_are_level() -> None:
    lines = report_lines(figures_with(0.5, {"logistic regression": 0.4}))
    assert any("standard error of 2.5 points" in each for each in lines)
    assert [points(each) for each in (0.01, 0.0101, 0.005, 0.1)] == ["1 point", "1 point", "0.5 points", "10 points"]
    same = figures_with(0.72, {})
    alike = Contender("ResNet-20", (0.720001,), (0,), paired=(-0.03, 0.03))
    assert "the found network is level (95 % interval" in verdict(replace(same, baselines=(alike,)))


def test_a_result_below_a_reference_is_called_that_in_the_first_line() -> None:
    below = report_lines(figures_with(0.72, {"logistic regression": 0.8, "ResNet-20": 0.9, "random pick": 0.95}))[0]
    assert below == "ResNet-20 is better than this network: 90.00 % on the test split against 72.00 %."
    near = report_lines(figures_with(0.89, {"ResNet-20": 0.9}))[0]
    assert near.startswith("This network is no better than ResNet-20, which has 90.00 %")
    assert "better than this network" in readme(figures_with(0.72, {"ResNet-20": 0.9}), {}, [])
    assert Figures.from_json(figures_with(0.7, {}).as_json()) == figures_with(0.7, {})


def test_of_uneven_classes_each_is_told_the_least_found_first() -> None:
    classes = (ClassRecall("good", 90, 0.9), ClassRecall("bad | worse", 10, 0.2), ClassRecall("unseen", 0, None))
    found = figures(contender("found network", 0.83), classes=classes)
    assert found.balanced_accuracy == pytest.approx(0.55)
    assert Figures.from_json(found.as_json()) == found
    lines = report_lines(found)
    assert lines[-2].split() == ["bad", "|", "worse", "20.00", "%", "10"] and lines[-1].startswith("good")
    assert any("balanced accuracy, 55.00 % with the weights of seed 0." in each for each in lines)
    text = readme(found, {}, [])
    assert "## Each class" in text and "| bad \\| worse | 20.00 % | 10 |" in text
    assert "## Each class" not in readme(figures(contender("w", 0.5)), {}, [])


def test_of_many_classes_those_found_least_are_shown_and_json_has_all() -> None:
    classes = tuple(ClassRecall(f"c{number}", 5, number / 100) for number in range(100))
    found = figures(contender("w", 0.5), classes=classes)
    lines = report_lines(found)
    assert "of 100 classes the 20 that are found least" in "\n".join(lines) and lines[-1].startswith("c19")
    assert len(found.as_json()["classes"]) == 100
