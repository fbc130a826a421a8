"""What a table of known results refuses, and by what it is known again."""

import csv
import itertools
import json
import os
import pickle

import numpy as np
import pytest

from netwright.core.errors import ConfigurationError, DataError, TrialFailed, UserError
from netwright.core.trial import Proposal
from netwright.engine.search import Search
from netwright.estimators import Table
from netwright.spaces import NasBench201, NasBenchMacro
from netwright.strategies import RandomSearch

SPACE = NasBenchMacro()  # 6,561 architectures of eight digits
TEXTS = ["00000000", "01201221", "22222222", "11111111"]
COLUMNS = {"arch": TEXTS, "accuracy": [50.0, 90.5, 94.0, 92.25], "train_time": [10.0, 20.0, 40.0, 30.0]}
CURVE = np.array([[1.0, 2, 3, 4], [5, 6, 7, 8]])
TWO = {"arch": ["11111111", "22222222"], "test": [40.0, 80.0], "seconds": [100.0, 200.0]}


def proposal(text):
    return Proposal(SPACE.parse(text))


def written(path, columns):
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))
    return path


# What is refused.


def refused(columns, tmp_path, said, **options):
    """The file's row in the message of a CSV table, and the same reason for columns in memory."""
    path = written(tmp_path / "results.csv", columns)
    with pytest.raises(DataError) as found:
        Table(SPACE, path, **options)
    assert "results.csv" in str(found.value)
    for each in said:
        assert each in str(found.value), str(found.value)
    with pytest.raises(DataError):
        Table(SPACE, columns, **options)


def changed(name, row, value):
    cells = list(COLUMNS[name])
    cells[row] = value
    return {**COLUMNS, name: cells}


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        (changed("arch", 2, "2222222x"), ["line 4", "'2222222x'", "8 digits"]),
        (changed("arch", 2, TEXTS[0]), ["line 4", "'00000000'", "line 2 already", "repeat="]),
        (changed("accuracy", 1, "nan"), ["line 3", "'nan' in column 'accuracy'", "missing='skip'"]),
        (changed("accuracy", 1, ""), ["line 3", "is missing or NaN"]),
        (changed("accuracy", 1, "inf"), ["line 3", "'inf'", "no finite number"]),
        (changed("accuracy", 3, "9O.5"), ["line 5", "'9O.5'", "no finite number"]),
    ],
)
def test_a_wrong_row_is_named_with_its_value(columns, said, tmp_path):
    metrics = None if said[1] != "'9O.5'" else "accuracy"
    refused(columns, tmp_path, said, metrics=metrics)


CELL = "|none~0|+|none~0|none~1|+|skip_connect~0|none~1|none~2|"
OTHER = CELL.replace("skip_connect", "nor_conv_3x3")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        # bars stand within the cells, and must not be taken for what separates columns
        (f"arch,valid\n{CELL},1\n{OTHER},2,3\n", "line 3: 3 columns between commas, but line 1 has 2"),
        (f'arch,valid\n"{CELL},1\n{OTHER},2\n', "lines 2 to 3 (one row, unless a quotation mark is not closed): 1 col"),
        (f"{CELL},1\n{OTHER},2\n", "' begins with one: architecture='|none~0|"),
        (f'arch,valid\n{CELL},"93,5"\n{OTHER},"94,1"\n', "valid begins with '93,5'"),
        (f"arch,valid\n{CELL},1_000\n", "line 2: '1_000' in column 'valid' is no finite number"),
        (f"cell,valid\n{CELL},1\n", "the column 'cell' begins with one: architecture='cell'"),
    ],
)
def test_what_is_wrong_with_a_file_of_cells_is_named(content, said, tmp_path):
    path = tmp_path / "cells.csv"
    path.write_text(content)
    with pytest.raises(DataError) as found:
        Table(NasBench201(), path, metrics="valid" if "1_000" in content else None)
    assert said in str(found.value)


def test_one_misprint_among_many_numbers_is_no_column_of_text(tmp_path):
    texts = ["".join(each) for each in itertools.islice(itertools.product("012", repeat=8), 40)]
    columns = {"arch": texts, "accuracy": [*map(str, range(39)), "9O.5"]}
    refused(columns, tmp_path, ["line 41", "'9O.5'"])


def test_a_table_of_another_space_is_refused(tmp_path):
    cells = [str(NasBench201().at(i)) for i in range(4)]
    refused({**COLUMNS, "arch": cells}, tmp_path, ["line 2", "made for another space", SPACE.id])
    foreign = [NasBench201().at(i).to_json() for i in range(4)]
    refused({**COLUMNS, "arch": foreign}, tmp_path, ["belongs to space 'nasbench201"])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"metrics": ["acuracy"]}, ["no column 'acuracy'", "did you mean 'accuracy'"]),
        ({"architecture": "cell"}, ["no column 'cell'", "architecture="]),
        ({"fidelity": "epochs"}, ["no column 'epochs' for the fidelity"]),
        ({"cost": "time"}, ["no column 'time' for the cost", "train_time"]),
        ({"repeat": "seed"}, ["no column 'seed'"]),
        ({"curve": {"a": "epoch_"}}, ["epoch_1, epoch_2"]),
        ({"coverage": "complete"}, ["has no row for", "are missing"]),
        ({"curve": {"a": np.zeros((3, 2))}}, ["(3, 2)", "(4 rows, epochs)"]),
    ],
)
def test_a_missing_column_is_named_with_the_nearest(options, said, tmp_path):
    refused(COLUMNS, tmp_path, said, **options)


@pytest.mark.parametrize(
    "options",
    [{"missing": "drop"}, {"duplicates": "last"}, {"coverage": "all"}, {"curve": True}, {"metrics": []}, {"curve": 3}],
)
def test_options_that_do_not_fit_are_refused(options):
    with pytest.raises(ConfigurationError):
        Table(SPACE, COLUMNS, **options)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", ""),
        ("a.csv", "arch,accuracy\n"),
        ("a.csv", "arch,accuracy,accuracy\n11111111,1,2\n"),
        ("a.csv", "arch,accuracy\n11111111,1\n22222222\n"),
        ("a.json", "{"),
        ("a.json", "[]"),
        ("a.json", "3"),
        ("a.json", '[{"arch": "11111111", "a": 1}, {"arch": "22222222"}]'),
        ("a.json", '{"11111111": 1.0, "22222222": true}'),
        ("a.json", '{"arch": ["11111111"], "a": [1, 2]}'),
        ("a.json", '[{"arch": "11111111", "arch": "22222222", "a": 1}]'),
        ("a.json", '[{"arch": "11111111", "a": NaN}]'),
        ("a.jsonl", '{"arch": "11111111", "a": 1}\n{"arch": }\n'),
        ("a.parquet", "no parquet"),
        ("a.xlsx", "11111111"),
        ("a.json", "[" * 20_000),
    ],
)
def test_damaged_files_are_refused(name, content, tmp_path):
    (tmp_path / name).write_text(content)
    with pytest.raises(DataError, match=rf"a\.{name.partition('.')[2]}"):
        Table(SPACE, tmp_path / name)


def test_what_is_no_table_is_refused(tmp_path):
    for source in (3, {}, {"arch": TEXTS, "accuracy": [1.0]}, {"arch": [], "a": []}, tmp_path, tmp_path / "no.csv"):
        with pytest.raises((UserError, DataError)):
            Table(SPACE, source)


def test_rows_with_gaps_may_be_left_out():
    table = Table(SPACE, changed("accuracy", 1, float("nan")), missing="skip")
    assert len(table.architectures) == 3
    assert table.report.skipped == 1
    with pytest.raises(TrialFailed):
        table.estimate(proposal(TEXTS[1]), 0)


# By what it is known again.


def synthetic():
    texts = [str(each) for each in SPACE.enumerate()]
    return {"arch": texts, "accuracy": np.random.default_rng(0).normal(size=len(texts))}


def test_the_content_identifies_a_table(tmp_path):
    path = written(tmp_path / "results.csv", COLUMNS)
    table = Table(SPACE, path)
    described = table.configuration()["arguments"]
    assert described["source"] == {"name": "results.csv", "sha256": table.fingerprint}
    (tmp_path / "elsewhere").mkdir()
    moved = tmp_path / "elsewhere" / "results.csv"
    moved.write_bytes(path.read_bytes())
    assert Table(SPACE, moved).configuration() == table.configuration()
    arrays = [Table(SPACE, {**COLUMNS, "accuracy": [50.0, 90.5, 94.0, last]}) for last in (92.25, 92.25, 92.5)]
    assert arrays[0].configuration() == arrays[1].configuration() != arrays[2].configuration()
    assert "InMemory(arch, accuracy, train_time)" in repr(arrays[0])
    json.dumps(arrays[0].configuration(), allow_nan=False)


def test_the_content_of_curves_identifies_a_table_too(tmp_path):
    np.savez(tmp_path / "curves.npz", accuracy=CURVE)
    given = {"array": CURVE, "npz": str(tmp_path / "curves.npz")}
    before = {name: Table(SPACE, TWO, curve={"a": curve}).configuration() for name, curve in given.items()}
    np.savez(tmp_path / "curves.npz", accuracy=CURVE + 1)
    given["array"] = CURVE + 1
    after = {name: Table(SPACE, TWO, curve={"a": curve}) for name, curve in given.items()}
    for name, table in after.items():
        assert table.configuration() != before[name]
        assert table.estimate(proposal("11111111"), 0).metrics["a"] == 5.0
        json.dumps(table.configuration(), allow_nan=False)


def test_a_resumed_run_refuses_a_changed_table(tmp_path):
    columns = synthetic()
    path = written(tmp_path / "results.csv", columns)

    def run(trials, resume):
        search = Search(RandomSearch(SPACE), Table(SPACE, path), objective="accuracy", seed=0)
        return search.run(trials=trials, store=tmp_path / "store", name="run", resume=resume)

    run(2, False)
    assert len(run(4, True).trials) == 4
    written(path, {**columns, "accuracy": columns["accuracy"] + 1.0})
    with pytest.raises(UserError, match=r"run 'run' was made with other settings: estimator.source.sha256"):
        run(6, True)


def test_a_pickled_table_reads_its_file_again(tmp_path):
    path = written(tmp_path / "results.csv", COLUMNS)
    here = os.getcwd()
    os.chdir(tmp_path)
    try:
        table = Table(SPACE, "results.csv", cost="train_time")
    finally:
        os.chdir(here)
    sent = pickle.dumps(table)
    assert len(sent) < 1000
    again = pickle.loads(sent)
    assert again.configuration() == table.configuration()
    assert again.estimate(proposal("11111111"), 0).metrics == {"accuracy": 92.25, "cost_seconds": 30.0}
    written(path, {**COLUMNS, "accuracy": [1.0, 2.0, 3.0, 4.0]})
    os.utime(path, ns=(1, 1))
    assert Table(SPACE, path).best("accuracy") == 4.0
    arrays = Table(SPACE, TWO, curve={"a": CURVE})
    assert pickle.loads(pickle.dumps(arrays)).configuration() == arrays.configuration()
