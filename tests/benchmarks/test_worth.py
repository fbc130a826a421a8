"""The parts of benchmarks/worth.py: what is held out, how answers are judged, what is kept, and what is said of it."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy import stats
from sklearn.metrics import jaccard_score, r2_score

import worth
from worth_parts import fitted_references, judging, summary, trained_references
from worth_parts.contenders import SEARCHES, Cell, command, contenders_of, kind_of
from worth_parts.diagram import draw, groups
from worth_parts.references import Asked
from worth_parts.running import RESULTS, Outcome, keep, stored, verdict
from worth_parts.sets import DataSet, sets_of
from worth_parts.splitting import held_out, split

DRAWS = np.random.default_rng(0)


def table(folder: Path, rows: int = 60) -> DataSet:
    values = DRAWS.normal(size=(rows, 3)).round(4)
    path = folder / "flowers.csv"
    with path.open("w", newline="") as file:
        lines = [[*row, "abc"[place % 3]] for place, row in enumerate(values.tolist())]
        csv.writer(file).writerows([["one", "two", "three", "kind"], *lines])
    return DataSet("flowers", path, {"target_column": "kind"})


def pictures(folder: Path, masks: bool = False) -> DataSet:
    for number in range(12):
        pixels = DRAWS.integers(0, 256, (16, 16)).astype(np.uint8)
        place = folder / "images" if masks else folder / "ab"[number % 2]
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(place / f"{number}.png")
        if masks:
            (folder / "masks").mkdir(exist_ok=True)
            Image.fromarray((pixels > 128).astype(np.uint8)).save(folder / "masks" / f"{number}.png")
    return DataSet(folder.name, folder)


def series(folder: Path) -> DataSet:
    path = folder / "waves_TRAIN.ts"
    head = ["# said of it", "@problemName waves", "@univariate true", "@classLabel true a b", "@data"]
    for part in ("TRAIN", "TEST"):
        lines = [",".join(map(str, DRAWS.normal(size=20).round(3))) + ":" + "ab"[place % 2] for place in range(8)]
        (folder / f"waves_{part}.ts").write_text("\n".join([*head, *lines, ""]))
    return DataSet("waves", path)


def arrays(folder: Path) -> DataSet:
    path = folder / "numbers.npz"
    np.savez(path, x=DRAWS.normal(size=(40, 4)), y=DRAWS.normal(size=40))
    return DataSet("numbers", path)


def texts(folder: Path) -> DataSet:
    path = folder / "texts.csv"
    with path.open("w", newline="") as file:
        lines = [[["bad", "good"][place % 2], f"it is {'a good' if place % 2 else 'a bad'} one"] for place in range(40)]
        csv.writer(file).writerows([["kind", "text"], *lines])
    return DataSet("texts", path, {"target_column": "kind", "text_column": "text"})


def prose(folder: Path) -> DataSet:
    (folder / "book.txt").write_text("so it goes on and on. " * 40)
    return DataSet("book", folder / "book.txt")


KINDS = {
    "vectors": table,
    "images": lambda folder: pictures(folder / "photos"),
    "masks": lambda folder: pictures(folder / "cells", masks=True),
    "series": series,
    "tokens": texts,
    "language": prose,
}


def asked(data: DataSet, folder: Path, name: str) -> Asked:
    parts = split(data, folder / "parts", 0, 0.25)
    described = {"given": str(parts.given), "labelled": str(parts.labelled), "kind": parts.kind, "seconds": 0.0}
    return Asked({**described, "reference": name, "options": dict(data.options), "seed": 0})


# What is held out.


def test_a_share_of_each_class_is_held_out_and_never_all_of_one() -> None:
    labels = ["a"] * 40 + ["b"] * 8 + ["c"]
    chosen = held_out(labels, np.random.default_rng(0), 0.25)
    assert [sum(chosen[:40]), sum(chosen[40:48]), chosen[48]] == [10, 2, False]
    assert (held_out(labels, np.random.default_rng(1), 0.25) != chosen).any()


def test_of_a_table_the_held_out_rows_are_neither_given_nor_asked_with_their_answers(tmp_path: Path) -> None:
    data = table(tmp_path)
    parts = split(data, tmp_path / "parts", 0, 0.25)
    lines = {name: getattr(parts, name).read_text().splitlines() for name in ("given", "asked", "labelled")}
    assert lines["given"][0] == "one,two,three,kind" and lines["asked"][0] == "one,two,three"
    assert len(lines["given"]) == 46 and not set(lines["given"][1:]) & set(lines["labelled"])
    assert [f"{row},{answer}" for row, answer in zip(lines["asked"][1:], parts.truth.values(), strict=True)] == (
        lines["labelled"][1:]
    )
    again = split(data, tmp_path / "parts", 0, 0.25)
    assert again == parts


def test_where_columns_have_no_names_an_answer_that_tells_nothing_stands_in_for_the_true_one(tmp_path: Path) -> None:
    data = table(tmp_path)
    data.path.write_text("\n".join(data.path.read_text().splitlines()[1:]))
    parts = split(replace(data, options={"target_column": "3", "header": "no"}), tmp_path / "parts", 0, 0.25)
    assert len({line.split(",")[3] for line in parts.asked.read_text().splitlines()}) == 1
    assert set(parts.truth.values()) == {"a", "b", "c"}


@pytest.mark.parametrize("kind", [each for each in KINDS if each != "language"])
def test_every_example_is_given_or_asked(kind: str, tmp_path: Path) -> None:
    data = KINDS[kind](tmp_path)
    assert kind_of(data) == kind
    one, other = (split(data, tmp_path / str(seed), seed, 0.25) for seed in (0, 1))
    count = {"vectors": 60, "images": 12, "masks": 12, "series": 16, "tokens": 40}[kind]
    assert (
        len(one.truth) == len(other.truth) == {"vectors": 15, "images": 4, "masks": 3, "series": 4, "tokens": 10}[kind]
    )
    if one.given.is_dir():
        given = [each for each in one.given.rglob("*.png") if each.parent.name != "masks"]
        assert len(given) + len(one.truth) == count and len([*one.asked.iterdir()]) == len(one.truth)
    else:
        held = [len(each.read_text().splitlines()) for each in (one.given, one.labelled)]
        assert sum(held) - 2 * (4 if kind == "series" else 1) == count


def test_options_are_typed_as_the_command_line_has_them(tmp_path: Path) -> None:
    path = table(tmp_path).path
    (data,) = sets_of(f"some={path},target_column=kind,header=no,words=500")
    assert data.flags() == ["--target-column", "kind", "--no-header", "--data-option", "words=500"]
    (tmp_path / "worth.toml").write_text('[flowers]\npath = "flowers.csv"\ntarget_column = "kind"\n')
    assert sets_of(str(tmp_path)) == [DataSet("flowers", path, {"target_column": "kind"})]
    with pytest.raises(SystemExit, match="there is no nowhere"):
        sets_of("nowhere")


# How answers are judged.


def test_points_are_those_of_scikit_learn() -> None:
    truth, found = DRAWS.normal(size=50), DRAWS.normal(size=50)
    assert judging.points("numbers", truth.tolist(), found.tolist()) == pytest.approx(100 * r2_score(truth, found))
    assert judging.points("classes", ["a", 1, 2.0, "b"], ["a", "1.0", "2", "a"]) == 75
    with pytest.raises(judging.NoAnswer):
        judging.points("classes", ["a"], [])
    one, other = (DRAWS.integers(0, 3, (2, 8, 8)) for _ in range(2))
    expected = 100 * jaccard_score(one.ravel(), other.ravel(), average="macro")
    assert judging.overlap([*one], [*other]) == pytest.approx(expected)


def exported(folder: Path, lines: str) -> Path:
    """What stands for an exported folder: a model.py that answers with these lines."""
    folder.mkdir()
    (folder / "model.py").write_text(f"import json, sys, pathlib\nfiles = sys.argv[2:]\n{lines}\n")
    return folder


def test_a_model_is_judged_by_what_it_answers_to_the_files(tmp_path: Path) -> None:
    parts = split(table(tmp_path), tmp_path / "parts", 0, 0.25)
    answer = 'for line in pathlib.Path(files[0]).read_text().splitlines()[1:]: print(json.dumps({"class": "a"}))'
    share = 100 * [*parts.truth.values()].count("a") / len(parts.truth)
    assert judging.judged(exported(tmp_path / "one", answer), parts, tmp_path) == pytest.approx(share)
    with pytest.raises(judging.NoAnswer, match="ended with 3"):
        judging.judged(exported(tmp_path / "other", "sys.exit(3)"), parts, tmp_path)


def test_files_are_told_apart_by_their_names_not_by_their_order(tmp_path: Path) -> None:
    parts = split(pictures(tmp_path / "photos"), tmp_path / "parts", 0, 0.25)
    truth = json.dumps(parts.truth)
    answer = (
        f"for name, answer in reversed({truth}.items()): print(json.dumps(dict([('file', name), ('class', answer)])))"
    )
    assert judging.judged(exported(tmp_path / "best", answer), parts, tmp_path) == 100


# References.


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("trees", "vectors"),
        ("mlp", "vectors"),
        ("words", "tokens"),
        ("neighbours", "series"),
        ("series_resnet", "series"),
        ("resnet", "images"),
        ("unet", "masks"),
        ("counts", "language"),
    ],
)
def test_a_reference_gives_a_score_however_little_time_there_is(name: str, kind: str, tmp_path: Path) -> None:
    source = trained_references if hasattr(trained_references, name) else fitted_references
    score, examples = getattr(source, name)(asked(KINDS[kind](tmp_path), tmp_path, name))
    assert examples > 0 and (-5 < score < 0 if kind == "language" else -100 <= score <= 100)


def test_trees_take_numbers_from_arrays_and_words_tell_texts_apart(tmp_path: Path) -> None:
    score, examples = fitted_references.trees(asked(arrays(tmp_path), tmp_path, "trees"))
    assert examples == 10 and score <= 100
    assert fitted_references.words(asked(texts(tmp_path), tmp_path / "texts", "words"))[0] == 100


def test_each_contender_has_a_command_with_the_same_time(tmp_path: Path) -> None:
    data = table(tmp_path)
    parts = split(data, tmp_path / "parts", 0, 0.25)
    for who in contenders_of(data):
        words = command(Cell(data.name, who, 3), data, parts, tmp_path, 45.0)
        assert str(parts.given) in " ".join(words)
        if who in SEARCHES:
            assert words[words.index("--time") + 1] == "45s" and words[words.index("--seed") + 1] == "3"
            assert str(parts.asked) not in words and str(parts.labelled) not in words
        else:
            assert json.loads(words[-1])["seconds"] == 45.0


# What is kept.


def outcome(data: str, who: str, seed: int, score: float | None, **more) -> Outcome:
    return Outcome(data, who, seed, 45.0, 2, "classes", score, **{"seconds": 40.0, "working": 36.0, **more})


def test_a_line_that_was_cut_off_is_passed_over_and_the_next_begins_a_new_one(tmp_path: Path) -> None:
    keep(outcome("a", "auto", 0, 1.0), tmp_path)
    with (tmp_path / RESULTS).open("a") as file:
        file.write('{"data": "a", "conten')
    keep(outcome("a", "auto", 1, 2.0), tmp_path)
    keep(outcome("a", "auto", 0, 3.0), tmp_path)
    assert [(each.seed, each.score) for each in stored(tmp_path)] == [(0, 3.0), (1, 2.0)]


def test_a_killed_comparison_goes_on_and_failed_cells_are_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    data, ran = table(tmp_path), []

    def pretended(cell, data, parts, folder, seconds, threads):
        if len(ran) == 3:
            raise KeyboardInterrupt
        ran.append(cell)
        failed = "it broke" if cell.contender == "random" and len(ran) < 3 else ""
        return Outcome(cell.data, cell.contender, cell.seed, seconds, threads, "classes", 90.0, failed=failed)

    monkeypatch.setattr(worth, "carried_out", pretended)
    words = [f"flowers={data.path},target_column=kind", "--to", str(tmp_path / "to"), "--seeds", "1", "--threads", "2"]
    with pytest.raises(KeyboardInterrupt):
        worth.main(words)
    assert [each.contender for each in ran] == ["auto", "random", "evolution"]
    ran.clear()
    worth.main([*words, "--dry-run"])
    assert "5 cells on 1 data sets, 3 of them left: about 0:15:30" in capsys.readouterr().out and not ran
    worth.main(words)
    assert [each.contender for each in ran] == ["random", "trees", "mlp"]
    assert "| auto | 90.00 | 1 |" in (tmp_path / "to" / "worth.md").read_text()


# What is said.


def compared(sets: int = 14) -> list[Outcome]:
    """`auto` two points ahead of random search and three behind the trees, with a spread of one over seeds."""
    means = {"auto": 80.0, "random": 78.0, "evolution": 70.0, "trees": 83.0, "mlp": 60.0}
    return [
        outcome(f"set{number}", who, seed, mean + (seed - 1) * (1 + 0.1 * number) * (1 if who == "auto" else 0.5))
        for number in range(sets)
        for who, mean in means.items()
        for seed in range(3)
    ]


def test_the_page_counts_wins_by_the_margin_and_tests_over_the_sets() -> None:
    page = summary.written(compared(), None)
    p = stats.wilcoxon(np.full(14, 2.0)).pvalue
    assert f"| random | 14 | 14 | 0 | 0 | +2.00 | {p:.3g} |" in page
    assert f"| best reference | 14 | 0 | 0 | 14 | -3.00 | {p:.3g} |" in page
    assert "without the report saying so: set0 (by 3.00, 3 reports)" in page
    assert "| auto | 80.00 ± 0.58 | 3 | 89 % | 80 % | 0 of 3 |" in page
    assert "Average ranks over 14 data sets: best reference 1.00, auto 2.00, random 3.00, evolution 4.00" in page


def test_a_report_that_says_so_is_heard(tmp_path: Path) -> None:
    said = "**Boosted trees is better than this network: 83 % on the test split against 80 %.**"
    (tmp_path / "README.md").write_text(f"# A network for flowers\n\n{said}\n\nTest accuracy\n")
    assert verdict(tmp_path / "README.md") == said.strip("*")
    outcomes = [replace(each, said=said.strip("*")) if each.contender == "auto" else each for each in compared(2)]
    assert "without the report saying so: none" in summary.written(outcomes, None)


def test_the_difference_that_counts_is_that_of_the_paper() -> None:
    assert summary.critical_difference(4, 14) == pytest.approx(1.25, abs=0.005)  # Demšar 2006, section 3.2.4
    assert summary.critical_difference(2, 10) == pytest.approx(1.960 * (6 / 60) ** 0.5, abs=0.001)


def test_a_bar_goes_over_those_that_are_not_told_apart(tmp_path: Path) -> None:
    ranks = np.array([1.0, 1.5, 2.4, 4.0])
    assert groups(ranks, 1.0) == [(0, 1), (1, 2)]
    assert groups(ranks, 2.0) == [(0, 2), (2, 3)] and groups(ranks, 0.1) == []
    pytest.importorskip("vl_convert")
    draw(["a", "b", "c", "d"], ranks, 1.0, tmp_path / "ranks.svg")
    assert "c (2.40)" in (tmp_path / "ranks.svg").read_text()
