"""What the cells of a table are read as: amounts, dates, times, yes and no, codes and categories."""

import numpy as np
import pytest
import torch
from exported_tables import features

from netwright import tasks
from netwright.core.errors import DataError

ROWS = 60


def table(folder, cells, *, delimiter=",", encoding="utf-8"):
    """A file with a column of these cells, one of plain numbers that differ, and a class."""
    path = folder / "table.csv"
    rows = [f"{cells(i)}{delimiter}{1000 + i * 37 % 101}{delimiter}{'ab'[i % 7 < 3]}" for i in range(ROWS)]
    path.write_bytes(("\n".join([f"x{delimiter}other{delimiter}kind", *rows]) + "\n").encode(encoding))
    return path


def first_column(task):
    """Its numbers in the order of the file, which the other column tells."""
    inputs = torch.cat([task.train.inputs, task.test.inputs]).double()
    order = {1000 + i * 37 % 101: i for i in range(ROWS)}
    rows = sorted(range(len(inputs)), key=lambda row: order[int(inputs[row, -1])])
    return inputs[rows, 0].numpy() + task.preparation.specs[0]["offset"]


def day(text):
    return int(np.datetime64(text, "D").astype(int))


NUMBERS = [
    ("45,310", lambda i: f'"{i * 1234:,}"', lambda i: i * 1234, ",", "commas marking thousands"),
    ("45,310.25", lambda i: f'"{i * 1234 + 0.25:,.2f}"', lambda i: i * 1234 + 0.25, ",", "commas marking thousands"),
    ("1,234 and 980", lambda i: f"{i * 123:,}", lambda i: i * 123, ";", "commas marking thousands"),
    ("1.234,5", lambda i: f"{i * 1234:,}".replace(",", ".") + ",5", lambda i: i * 1234 + 0.5, ";", "points marking"),
    ("1 234,5", lambda i: f"{i * 1234:,}".replace(",", " ") + ",5", lambda i: i * 1234 + 0.5, ";", "spaces marking"),
    ("no-break", lambda i: f"{i * 1234:,}".replace(",", "\u202f"), lambda i: i * 1234, ",", "spaces marking"),
    ("1'234.50", lambda i: f"{i * 1234:,}".replace(",", "'") + ".50", lambda i: i * 1234 + 0.5, ",", "apostrophes"),
    ("decimal commas", lambda i: f"{i},25", lambda i: i + 0.25, ";", "decimal sign is a comma"),
    ("decimal commas in quotes", lambda i: f'"{i},25"', lambda i: i + 0.25, ",", "decimal sign is a comma"),
    ("41.3%", lambda i: f"{i}.5%", lambda i: i + 0.5, ",", "percentages"),
    ("41,3 %", lambda i: f"{i},5 %", lambda i: i + 0.5, ";", "percentages"),
    ("$1,200.50", lambda i: f'"${i * 1000 + 0.5:,.2f}"', lambda i: i * 1000 + 0.5, ",", "amounts in $"),
    ("-$5", lambda i: f"-${i}" if i % 2 else f"${i}", lambda i: -i if i % 2 else i, ",", "amounts in $"),
    ("$-5", lambda i: f"$-{i}" if i % 2 else f"${i}", lambda i: -i if i % 2 else i, ",", "amounts in $"),
    ("€ 3.99", lambda i: f"€ {i}.99", lambda i: i + 0.99, ",", "amounts in €"),
    ("3,99 €", lambda i: f"{i},99 €", lambda i: i + 0.99, ";", "amounts in €"),
    ("1.200,50 EUR", lambda i: f"1.{i:03d},50 EUR", lambda i: 1000.5 + i, ";", "amounts in EUR"),
    ("(1,200)", lambda i: f'"({i},200)"' if i % 2 else i, lambda i: -(i * 1000 + 200) if i % 2 else i, ",", "brackets"),
    (
        "($ 1,200)",
        lambda i: f'"($ {i},200)"' if i % 2 else f"$ {i}",
        lambda i: -i * 1000 - 200 if i % 2 else i,
        ",",
        "$",
    ),
    ("minus sign", lambda i: f"\u2212{i}.5", lambda i: -i - 0.5, ",", ""),
    ("plus", lambda i: f"+{i * 3}", lambda i: i * 3, ",", ""),
    ("1E-3", lambda i: f"{i}E-1", lambda i: i / 10, ",", ""),
    (".5 and 5.", lambda i: f".{i}" if i % 2 else f"{i}.", lambda i: float(f"0.{i}") if i % 2 else i, ",", ""),
    ("30 digits", lambda i: str(10**30 + i * 10**28), lambda i: 1e30 + i * 1e28, ",", ""),
    ("0 among padded decimals", lambda i: f"00{i}.5", lambda i: i + 0.5, ",", ""),
]


@pytest.mark.parametrize(("cells", "value", "delimiter", "note"), [e[1:] for e in NUMBERS], ids=[e[0] for e in NUMBERS])
def test_numbers_as_people_write_them(cells, value, delimiter, note, tmp_path):
    task = tasks.csv(table(tmp_path, cells, delimiter=delimiter), target="kind")
    assert task.shape.input == (2,) and note in " | ".join(task.notes)
    assert np.allclose(first_column(task), [value(i) for i in range(ROWS)], rtol=1e-6)
    assert torch.equal(features(task, tmp_path / "own"), task.test.inputs)


DATES = [
    ("2020-03-01", lambda i: np.datetime64("2020-01-01") + i, "day", ""),
    ("2020/3/1", lambda i: f"2020/{i % 12 + 1}/1", "year", ""),
    ("31/12/2020", lambda i: f"{i % 31 + 1}/12/2020", "december", "the day first"),
    ("12/31/2020", lambda i: f"12/{i % 31 + 1}/2020", "december", "the month first"),
    ("31.12.20", lambda i: f"{i % 31 + 1:02d}.12.20", "december", "the day first"),
    ("31-Dec-2020", lambda i: f"{i % 31 + 1}-Dec-2020", "december", "dates as days"),
    ("December 31, 2020", lambda i: f'"December {i % 31 + 1}, 2020"', "december", "dates as days"),
    ("Thu 31 Dec 2020", lambda i: f"Thu {i % 31 + 1} Dec 2020", "december", "dates as days"),
]


@pytest.mark.parametrize(("cells", "kind", "note"), [e[1:] for e in DATES], ids=[e[0] for e in DATES])
def test_dates_are_days(cells, kind, note, tmp_path):
    task = tasks.csv(table(tmp_path, cells), target="kind")
    expected = {
        "day": lambda i: day("2020-01-01") + i,
        "year": lambda i: day(f"2020-{i % 12 + 1:02d}-01"),
        "december": lambda i: day(f"2020-12-{i % 31 + 1:02d}"),
    }[kind]
    assert np.allclose(first_column(task), [expected(i) for i in range(ROWS)])
    assert note in " | ".join(task.notes)
    assert torch.equal(features(task, tmp_path / "own"), task.test.inputs)


@pytest.mark.parametrize(
    ("cells", "hours"),
    [
        (lambda i: f"2020-12-31T10:{i:02d}:30", lambda i: 10 + i / 60 + 30 / 3600),
        (lambda i: f"2020-12-31 10:{i:02d}:30.250Z", lambda i: 10 + i / 60 + 30.25 / 3600),
        (lambda i: f"2020-12-31T10:{i:02d}+02:00", lambda i: 8 + i / 60),
        (lambda i: f"31/12/2020 10:{i:02d} PM", lambda i: 22 + i / 60),
        (lambda i: f"2021-01-0{1 + i % 2}T00:{i:02d}-0130", lambda i: 24 * (1 + i % 2) + 1.5 + i / 60),
    ],
)
def test_dates_with_times_and_zones(cells, hours, tmp_path):
    task = tasks.csv(table(tmp_path, cells), target="kind")
    expected = [day("2020-12-31") + hours(i) / 24 for i in range(ROWS)]
    assert np.allclose(first_column(task), expected, atol=1e-6, rtol=0)
    assert torch.equal(features(task, tmp_path / "own"), task.test.inputs)


def test_an_ambiguous_order_is_said(tmp_path):
    task = tasks.csv(table(tmp_path, lambda i: f"{i % 12 + 1}/{i % 11 + 1}/2020"), target="kind")
    assert any("the month first (the other way fits, too)" in note for note in task.notes)
    task = tasks.csv(table(tmp_path, lambda i: f"{i % 12 + 1}.{i % 11 + 1}.2020", delimiter=";"), target="kind")
    assert any("the day first (the other way fits, too)" in note for note in task.notes)


def test_times_are_hours(tmp_path):
    task = tasks.csv(table(tmp_path, lambda i: f"{i % 12 + 1}:{i:02d} {'AM' if i % 2 else 'PM'}"), target="kind")
    expected = [(i % 12 + 1) % 12 + (0 if i % 2 else 12) + i / 60 for i in range(ROWS)]
    assert np.allclose(first_column(task), expected) and "times as hours" in " ".join(task.notes)
    assert torch.equal(features(task, tmp_path / "own"), task.test.inputs)


@pytest.mark.parametrize("pair", [("true", "false"), ("TRUE", "FALSE"), ("Yes", "No"), ("y", "n"), ("T", "F")])
def test_yes_and_no_are_one_number(pair, tmp_path):
    task = tasks.csv(table(tmp_path, lambda i: pair[i % 3 > 0]), target="kind")
    assert first_column(task).tolist() == [float(i % 3 == 0) for i in range(ROWS)]
    assert torch.equal(features(task, tmp_path / "own"), task.test.inputs)


@pytest.mark.parametrize(
    ("cells", "texts"),
    [
        (lambda i: f"{i % 4 * 1111:05d}", ("00000", "01111", "02222", "03333")),
        (lambda i: f"{i % 3}-{i % 3 + 4}", ("0-4", "1-5", "2-6")),
        (lambda i: f"10-{i % 3}-12", ("10-0-12", "10-1-12", "10-2-12")),
        (lambda i: f"1.{i % 3}.10", ("1.0.10", "1.1.10", "1.2.10")),
        (lambda i: f"192.168.0.{i % 3}", ("192.168.0.0", "192.168.0.1", "192.168.0.2")),
        (lambda i: f"({i % 2})", ("(0)", "(1)")),
        (lambda i: f"{i % 3}/3", ("0/3", "1/3", "2/3")),
        (lambda i: "$€"[i % 2] + "5", ("$5", "€5")),
        (lambda i: ["yes", "no", "maybe"][i % 3], ("maybe", "no", "yes")),
        (lambda i: ["yes", "no", ""][i % 3], ("(missing)", "no", "yes")),
        (lambda i: f"A{i % 3}", ("A0", "A1", "A2")),
        (lambda i: f'"{i % 3},{i % 3},2"', ("0,0,2", "1,1,2", "2,2,2")),
        (lambda i: ["inf", "1"][i % 2], ("1", "inf")),
        (lambda i: f"1_{i % 3}", ("1_0", "1_1", "1_2")),
    ],
)
def test_false_friends_of_numbers_are_categories(cells, texts, tmp_path):
    task = tasks.csv(table(tmp_path, cells), target="kind")
    assert task.preparation.specs[0]["texts"] == texts
    assert torch.equal(features(task, tmp_path / "own"), task.test.inputs)


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        (lambda i: "7.5kg" if i == 3 else i, r"holds numbers, but 1 of 60 are none \(line 5: '7.5kg'\)"),
        (
            lambda i: "31/02/2020" if i == 3 else f"{i % 28 + 1}/12/2020",
            r"holds dates, but 1 of 60 .*line 5: '31/02/2020'",
        ),
        (lambda i: "n. a." if i == 3 else f"${i}", r"holds amounts in \$, but 1 of 60.*drop=\['x'\]"),
        (lambda i: "25:99" if i == 3 else f"10:{i:02d}", "holds times, but 1 of 60"),
    ],
)
def test_a_few_other_texts_are_typing_errors(cells, message, tmp_path):
    with pytest.raises(DataError, match=message):
        tasks.csv(table(tmp_path, cells), target="kind")


@pytest.mark.parametrize("gap", ["", "NA", "#DIV/0!", "#N/A", "<NA>", "-", "null", " ? ", "NaT"])
def test_gaps_as_other_programs_write_them(gap, tmp_path):
    path = table(tmp_path, lambda i: gap if i == 5 else i)
    with pytest.raises(DataError, match=r"lacks 1 numbers, the first at \(line 7, 'x'\); nan='impute-median'"):
        tasks.csv(path, target="kind")
    task = tasks.csv(path, target="kind", nan="impute-median")
    assert first_column(task)[5] == np.median([i for i in range(ROWS) if i != 5])
    assert torch.equal(features(task, tmp_path / "own"), task.test.inputs)


def test_large_numbers_keep_what_tells_them_apart(tmp_path):
    task = tasks.csv(table(tmp_path, lambda i: 1_600_000_000 + i), target="kind")
    assert first_column(task).tolist() == [1_600_000_000 + i for i in range(ROWS)]
    assert torch.equal(features(task, tmp_path / "own"), task.test.inputs)
