"""Series of a user's own files, read by an exported model as the training data was."""

import numpy as np
import pytest
import torch
from exported import module_of, own_inputs

from netwright.tasks import forecast, open_task, series

HEAD = "@problemName Hills\n@equalLength {equal}\n@classLabel true up down\n@data\n"


def ts(folder, lengths, equal="false", gap=False):
    lines = []
    for i, times in enumerate(lengths):
        channels = [",".join(f"{i + 0.1 * t:.4f}" for t in range(times)), ",".join(str(t * i) for t in range(times))]
        lines.append(f"{':'.join(channels)}:{'up' if i % 2 else 'down'}")
    lines[3] = f"?{lines[3][lines[3].index(',') :]}" if gap else lines[3]
    (folder / "hills.ts").write_text(HEAD.format(equal=equal) + "\n".join(lines) + "\n")
    return folder / "hills.ts"


def table(folder, header=True, change=lambda lines: lines):
    lines = [f"r{i},{t},{i + t / 4},{t * t},{'up' if i % 2 else 'down'}" for t in range(4) for i in range(12)]
    head = "id,time,a,b,kind\n" if header else ""
    (folder / "rows.csv").write_text(head + "\n".join(change(lines)) + "\n")
    return folder / "rows.csv"


def days(folder, change=lambda lines: lines):
    first = np.datetime64("2024-01-01")
    lines = [f"{first + t};{t / 7:.4f}".replace(".", ",") + f";{t % 7}" for t in range(120)]
    (folder / "days.csv").write_text("day;count;week\n" + "\n".join(change(lines)) + "\n")
    return folder / "days.csv"


def reader(task, folder):
    return module_of(task.preparation, folder / "reader")


def assert_same(task, folder):
    found = own_inputs(task, folder)
    assert torch.equal(found, task.test.inputs)


@pytest.mark.parametrize(
    ("lengths", "options"),
    [
        ([5] * 12, {}),
        ([4 + i % 3 for i in range(12)], {}),
        ([4 + i % 3 for i in range(12)], {"unequal": "cut"}),
        ([4 + i % 3 for i in range(12)], {"unequal": "pad"}),
    ],
)
def test_ts_files_become_what_was_tested(tmp_path, lengths, options):
    task = series(ts(tmp_path, lengths), **options)
    assert_same(task, tmp_path)
    assert_same(series(ts(tmp_path, [5] * 12, gap=True), test=ts(tmp_path, [5] * 12, gap=True)), tmp_path)


def test_a_ts_file_needs_no_class(tmp_path):
    task = series(ts(tmp_path, [5] * 12))
    (tmp_path / "new.ts").write_text("@data\n1,2,3,4,5:0,0,0,0,1\n1,2,3,4,5:0,0,0,0,1:down\n")
    names, found = reader(task, tmp_path).read(tmp_path / "new.ts")
    assert names == ["line 2", "line 3"] and np.array_equal(*found)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("1,2,3\n", "no line @data"),
        ("@data\n", "no series"),
        ("@data\n1,2,3,4,5:up\n", "line 2: its channels|line 2: could not"),
        ("@data\n1,2:1,2:1,2:up\n", "line 2: 4 parts"),
        ("@data\n1,2,x,4,5:1,2,3,4,5:up\n", "line 2: could not"),
        ("@data\n1,2,3:1,2,3:up\n", "line 2 has 3 times; expected 5"),
        ("@data\n1,2,3,4,?:1,2,3,4,5:up\n", "line 2 lacks a value"),
        ("@data\n1,2,3,4,inf:1,2,3,4,5:up\n", "line 2 holds an infinite"),
    ],
)
def test_ts_files_that_a_model_cannot_read(tmp_path, text, said):
    module = reader(series(ts(tmp_path, [5] * 12)), tmp_path)
    (tmp_path / "new.ts").write_text(text)
    with pytest.raises(ValueError, match=said) as problem:
        module.read(tmp_path / "new.ts")
    assert "\n" not in str(problem.value)


def test_lengths_that_were_not_trained_on(tmp_path):
    lengths = [4 + i % 3 for i in range(12)]
    for done, said, fit in (("pad", "7 times; expected at most 6", 2), ("cut", "2 times; expected at least 4", 7)):
        module = reader(series(ts(tmp_path, lengths), unequal=done), tmp_path)
        with pytest.raises(ValueError, match=said):
            module.prepared([np.zeros((2, 9 - fit))])
        assert len(module.prepared([np.zeros((2, fit))])) == 1


@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize("channels", [1, 3])
def test_arrays_of_series(tmp_path, last, channels):
    x = np.random.default_rng(0).normal(size=(24, channels, 20))
    given = x[:, 0] if channels == 1 else np.moveaxis(x, 1, 2) if last else x
    np.savez(tmp_path / "a.npz", x=given, y=np.arange(24) % 2)
    task = series(tmp_path / "a.npz")
    assert_same(task, tmp_path)
    module = reader(task, tmp_path)
    assert module.prepared(module.read(tmp_path / "a.npz")[1]).shape == (24, channels, 20)
    np.save(tmp_path / "short.npy", given[:, :2])
    with pytest.raises(ValueError, match="expected"):
        module.prepared(module.read(tmp_path / "short.npy")[1])


@pytest.mark.parametrize("header", [True, False])
def test_tables_with_a_row_a_time(tmp_path, header):
    names = {"series": "id", "target": "kind", "time_column": "time"}
    task = series(table(tmp_path, header), **(names if header else {"series": 0, "target": -1, "time_column": 1}))
    assert_same(task, tmp_path)
    module = reader(task, tmp_path)
    without = table(tmp_path, header, lambda lines: [each.rpartition(",")[0] for each in lines])
    without.write_text(without.read_text().replace(",kind", ""))
    names, found = module.read(without)
    assert names == [f"r{i}" for i in range(12)] and module.prepared(found).shape == (12, 2, 4)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda text: "", "is empty"),
        (lambda text: text.replace(",b,", ",c,"), "lacks 'b' among its columns"),
        (lambda text: text.replace("r0,0,0.0", "r0,0,high"), "line 2: 'high' in the column 'a' is no number"),
        (lambda text: text.replace("r0,0,0.0", "r0,0,"), "line 2: 'a' is missing; no training series"),
        (lambda text: text.replace("r0,0,", "r0,9,"), "line 14: 'time' does not ascend within the series 'r0'"),
        (lambda text: text.replace("r1,0,1.0,0,up\n", ""), "series 'r1' has 3 times; expected 4"),
        (lambda text: text.replace("r0,0,0.0,0,down", "r0,0,0.0"), "line 2: 3 columns, but expected 5"),
    ],
)
def test_tables_that_a_model_cannot_read(tmp_path, change, said):
    path = table(tmp_path)
    module = reader(series(path, series="id", target="kind", time_column="time"), tmp_path)
    path.write_text(change(path.read_text()))
    with pytest.raises(ValueError, match=said):
        module.read(path)


def test_a_forecast_goes_on_from_the_last_rows(tmp_path):
    options = {"horizon": 2, "window": 5, "target": "count", "time_column": "day"}
    task = open_task(str(days(tmp_path)), **options)
    assert_same(task, tmp_path)
    module = reader(task, tmp_path)
    names, found = module.read(tmp_path / "days.csv")
    assert names == ["after 2024-04-29"]
    assert found[0][0] == pytest.approx([t / 7 for t in range(115, 120)], abs=1e-4)
    turned, again = module.read(days(tmp_path, lambda lines: lines[::-1]))
    assert turned == names and np.array_equal(again[0], found[0])
    assert_same(forecast(days(tmp_path, lambda lines: lines[::-1]), **options), tmp_path)
    assert_same(forecast(days(tmp_path), horizon=2, window=5, drop=["day"], limit=110), tmp_path)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda lines: lines[:4], "holds 4 rows; a forecast goes on from 5"),
        (lambda lines: [*lines[:-2], lines[-1]], "line 120: '2024-04-29' in the column 'day' is not one step behind"),
        (lambda lines: [*lines[:-2], lines[-1], lines[-2]], "line 121: 'day' does not ascend"),
        (lambda lines: ["2024-01-01;many;1", *lines[1:]], "line 2: 'many' in the column 'count' is no number"),
        (lambda lines: [*lines[:-1], "2024-04-29;;1"], "line 121: 'count' is missing"),
        (lambda lines: [*lines[:-1], "soon;1;1"], "line 121: 'soon' in the column 'day' is no time"),
    ],
)
def test_rows_that_a_forecast_cannot_go_on_from(tmp_path, change, said):
    module = reader(forecast(days(tmp_path), horizon=2, window=5, time_column="day"), tmp_path)
    with pytest.raises(ValueError, match=said):
        module.read(days(tmp_path, change))
