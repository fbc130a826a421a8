"""The examples of the highest loss are found, in the words of the user's data, with a small look at each."""

from __future__ import annotations

import base64
import io
import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import netwright as nw
from netwright.core.problem import Problem
from netwright.core.task import Examples
from netwright.problems import Classification, Regression, SeveralLabels
from netwright.problems.dense_classification import DenseClassification
from netwright.results.figures import Contender, Figures, WorstExample
from netwright.results.report_parts import worst
from netwright.results.worst_examples import MOST, worst_examples
from netwright.tasks import from_labelled_texts


def task(inputs: torch.Tensor, targets: torch.Tensor, problem: Problem) -> nw.Task:
    return nw.Task("t", Examples(inputs, targets), Examples(inputs, targets), problem)


def test_the_highest_losses_of_classes_come_first_and_pictures_are_those_of_the_examples() -> None:
    """The reference is the cross entropy of each, sorted by NumPy; ties keep their order."""
    draws = np.random.default_rng(0)
    images = torch.from_numpy(draws.integers(0, 256, (50, 3, 8, 8)).astype(np.uint8))
    labels = torch.from_numpy(draws.integers(0, 3, 50))
    outputs = torch.from_numpy(draws.normal(0, 2, (50, 3)).astype(np.float32))
    outputs[7] = outputs[3] = torch.tensor([-9.0, 9.0, 0.0])
    labels[7] = labels[3] = 0
    found = worst_examples(outputs, task(images, labels, Classification(("a", "b", "c"))))
    exact = outputs.double().numpy()
    losses = np.log(np.exp(exact).sum(1)) - exact[np.arange(50), labels.numpy()]
    assert [each.number for each in found] == np.argsort(-losses, kind="stable")[:MOST].tolist()
    np.testing.assert_allclose([each.loss for each in found], sorted(losses)[::-1][:MOST], rtol=1e-6)
    assert (found[0].number, found[0].asked, found[0].answered) == (3, "a", "b (100 %)")
    for each in found:
        png = base64.b64decode(each.picture.removeprefix("data:image/png;base64,"))
        seen = np.asarray(Image.open(io.BytesIO(png)))
        assert seen.shape == (32, 32, 3) and len(each.picture) < 4000
        np.testing.assert_array_equal(seen[::4, ::4].transpose(2, 0, 1), images[each.number].numpy())


def test_a_large_picture_is_kept_small() -> None:
    images = torch.randint(0, 256, (4, 1, 300, 150), dtype=torch.uint8)
    found = worst_examples(torch.zeros(4, 2), task(images, torch.tensor([0, 1, 0, 1]), Classification(("a", "b"))))
    sizes = {Image.open(io.BytesIO(base64.b64decode(each.picture.partition(",")[2]))).size for each in found}
    assert sizes == {(32, 64)} and [each.number for each in found] == [0, 1, 2, 3]


def test_a_series_is_drawn_as_a_line_for_each_channel() -> None:
    rising = torch.stack([torch.linspace(0, 5, 40), torch.full((40,), 3.0)])
    falling = torch.stack([torch.linspace(5, 0, 40), torch.full((40,), float("nan"))])
    shared = task(torch.stack([rising, falling] * 2), torch.tensor([0, 1] * 2), Classification(("up", "down")))
    found = {each.number: each for each in worst_examples(torch.zeros(4, 2), shared)}
    seen = {
        number: np.asarray(Image.open(io.BytesIO(base64.b64decode(each.picture.partition(",")[2])))).astype(int)
        for number, each in found.items()
    }
    blue = {number: (each[..., 2] - each[..., 0] > 100) for number, each in seen.items()}
    rows = {number: [np.flatnonzero(each[:, column]).mean() for column in (5, 58)] for number, each in blue.items()}
    assert seen[0].shape == (64, 64, 3) and rows[0][0] > 50 > 14 > rows[0][1] and rows[1][0] < 14 < 50 < rows[1][1]
    orange = {number: (each[..., 0] - each[..., 2] > 100).sum() for number, each in seen.items()}
    assert orange[0] > 30 and orange[1] == 0 and max(len(each.picture) for each in found.values()) < 4000


def test_numbers_are_said_in_the_users_units_and_answers_that_are_none_are_left_out() -> None:
    problem = Regression(["price"], centre=[100.0], scale=[10.0], unit="USD")
    targets = torch.tensor([[0.0], [1.0], [-1.0]], dtype=torch.float64)
    outputs = torch.tensor([[0.0], [4.0], [float("nan")]])
    found = worst_examples(outputs, task(torch.zeros(3, 2), targets, problem))
    assert [(each.number, each.asked, each.answered) for each in found] == [
        (1, "110.00 USD", "140.00 USD"),
        (0, "100.00 USD", "100.00 USD"),
    ]


def test_labels_and_masks_are_said_in_words() -> None:
    labels = SeveralLabels(["red", "round"])
    assert labels.in_words(torch.tensor([[1.0, -1.0]]), torch.tensor([[0, 1]], dtype=torch.uint8)) == ("round", "red")
    masks = DenseClassification(("no", "yes"))
    outputs = torch.stack([torch.ones(2, 2), torch.tensor([[2.0, 0.0], [0.0, 0.0]])])[None]
    asked = torch.tensor([[[1, 1], [0, 255]]], dtype=torch.uint8)
    assert masks.in_words(outputs, asked) == ("", "66.7 % of the pixels right")


def test_rows_and_texts_are_those_of_the_users_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [f"{n * 7 % 23 + 0.5},{'x' if n % 3 else 'y z'},{'in' if n % 2 else 'out'}" for n in range(60)]
    table = tmp_path / "people.csv"
    table.write_text("age,city,where\n" + "\n".join(rows) + "\n")
    made = nw.tasks.open_task(str(table), target="where")
    outputs = torch.zeros(len(made.test), 2)
    outputs[4] = torch.tensor([99.0, -99.0]) if int(made.test.targets[4]) == 1 else torch.tensor([-99.0, 99.0])
    found = worst_examples(outputs, made)[0]
    assert found.number == 4 and set(found.row) == {"age", "city", "where"}
    assert ",".join(found.row.values()) in rows and found.row["where"] == found.asked
    assert float(found.row["age"]) in made.test.inputs[4].tolist()
    table.unlink()
    assert worst_examples(outputs, made)[0].row == {}, "a file that is gone stops nobody"
    texts = tmp_path / "texts"
    for name in ("bad", "good"):
        (texts / name).mkdir(parents=True)
        for number in range(20):
            (texts / name / f"{number}.txt").write_text(f"{name} words of text {number}")
    monkeypatch.setattr(from_labelled_texts, "_KEPT", 1)  # of those that an export takes along
    made = nw.tasks.open_task(str(texts))
    found = worst_examples(torch.zeros(len(made.test), 2), made)
    assert len(found) > 1 and all(each.text.startswith(f"{each.asked} words of text") for each in found)


def test_the_report_has_a_table_of_them_and_figures_are_read_as_they_were_written() -> None:
    found = (
        WorstExample(3, 2.5, "cat", "dog (90 %)", file="/photos/cats/3.jpg"),
        WorstExample(9, 1.5, "dog", "cat (70 %)", row={"age": "7"}),
    )
    winner = Contender("found network", (0.9,), (0,))
    figures = Figures("t", "a", winner, (), 100, 0, worst=found)
    again = Figures.from_json(json.loads(json.dumps(figures.as_json())))
    assert [asdict(each) for each in again.worst] == [asdict(each) for each in found]
    table = worst(again)
    assert table is not None and table.headings == ("test example", "is", "answered", "loss", "what it is")
    assert table.rows[0] == ("3", "cat", "dog (90 %)", "2.5", "/photos/cats/3.jpg") and table.rows[1][-1] == "age 7"
    assert worst(Figures("t", "a", winner, (), 100, 0)) is None
