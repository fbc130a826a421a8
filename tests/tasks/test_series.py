import numpy as np
import pytest

from netwright.core.errors import DataError, UserError
from netwright.tasks import from_configuration, open_task, series

N = 24


@pytest.fixture
def arrays():
    rng = np.random.default_rng(0)
    y = np.arange(N) % 2
    x = rng.normal(size=(N, 3, 20)) + y[:, None, None]
    return x, y


def saved(folder, name="a.npz", **given):
    np.savez(folder / name, **given)
    return folder / name


def refused(problem):
    assert "\n" not in str(problem.value)
    return str(problem.value)


@pytest.mark.parametrize("turned", [False, True])
def test_arrays_of_series_are_told_from_pictures_and_turned(tmp_path, arrays, turned):
    x, y = arrays
    file = saved(tmp_path, x=np.moveaxis(x, 1, 2) if turned else x, y=y)
    task = open_task(str(file))
    assert task.shape.input == (3, 20) and task.shape.is_series
    assert task.problem.kind == "classification"
    assert task.train.inputs[0].numpy() == pytest.approx(x[kept(task, x)], abs=1e-6)
    assert any("if it is the other way" in each for each in task.notes)
    assert from_configuration(task.configuration()).fingerprint == task.fingerprint


def kept(task, x):
    first = task.train.inputs[0].numpy()
    return int(np.abs(x - first).reshape(len(x), -1).sum(1).argmin())


def test_pictures_stay_pictures(tmp_path):
    file = saved(tmp_path, x=np.zeros((N, 8, 9), np.float32), y=np.arange(N) % 2)
    assert open_task(str(file)).shape.is_image


def test_numbers_are_told_from_classes(tmp_path, arrays):
    x, _ = arrays
    task = series(saved(tmp_path, x=x, y=x.mean((1, 2))))
    assert task.problem.kind == "regression"
    both = series(saved(tmp_path, "b.npz", x=x, y=x.mean(2)[:, :2]))
    assert both.shape.outputs == 2
    asked = series(saved(tmp_path, "c.npz", x=x, y=np.arange(N) % 2), problem="regression")
    assert asked.problem.kind == "regression"


def test_a_test_split_of_ones_own(tmp_path, arrays):
    x, y = arrays
    names = np.array(["up", "down"])[y]
    task = series(saved(tmp_path, x_train=x[:16], y_train=names[:16], x_test=x[16:], y_test=names[16:]))
    assert len(task.test) == 8
    assert [task.class_names[each] for each in task.test.targets] == names[16:].tolist()
    with pytest.raises(DataError, match="left"):
        series(saved(tmp_path, x_train=x[:16], y_train=names[:16], x_test=x[16:], y_test=np.array(["left"] * 8)))


TS = """# a comment
@problemName Hills
@univariate false
@equalLength {equal}
@classLabel true up down
@data
"""


def ts(folder, lines, equal="true"):
    (folder / "hills.ts").write_text(TS.format(equal=equal) + "\n".join(lines) + "\n")
    return folder / "hills.ts"


def row(i, times=5):
    channel = ",".join(str(i + t) for t in range(times))
    return f"{channel}:{channel}:{'up' if i % 2 else 'down'}"


def test_ts_files(tmp_path):
    task = open_task(str(ts(tmp_path, [row(i) for i in range(12)])))
    assert task.shape.input == (2, 5)
    assert task.class_names == ("down", "up")


def test_missing_values_are_filled_and_said(tmp_path):
    lines = [row(i) for i in range(12)]
    lines = [each.replace(f"{i + 2}", "?") for i, each in enumerate(lines)]
    task = series(ts(tmp_path, lines))
    assert task.shape.input == (3, 5)
    assert set(task.train.inputs[:, 2].unique().tolist()) == {0.0, 1.0}
    assert any("missing values" in each for each in task.notes)


def test_unequal_lengths_are_filled_where_the_file_says_so(tmp_path):
    lines = [row(i, 4 + i % 3) for i in range(12)]
    task = series(ts(tmp_path, lines, equal="false"))
    assert task.shape.input == (3, 6)
    mask = task.train.inputs[:, 2]
    assert (mask[:, :4] == 1).all() and not mask.all()
    assert any("4 to 6 times" in each for each in task.notes)


def test_a_series_shorter_than_the_others_is_told(tmp_path):
    lines = [row(i, 4 if i == 7 else 5) for i in range(12)]
    with pytest.raises(DataError, match="line 14 has 4 times, most have 5") as problem:
        series(ts(tmp_path, lines))
    assert "unequal='pad'" in refused(problem)
    assert series(ts(tmp_path, lines), unequal="cut").shape.input == (2, 4)
    assert series(ts(tmp_path, lines), unequal="pad").shape.input == (3, 5)


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (["1,2:3:up"], "different lengths"),
        (["1,x:1,2:up"], "expected numbers"),
        (["1,2:1,2:up", "1,2:up"], "line 8: 1 channels"),
        ([], "no series"),
    ],
)
def test_ts_files_that_cannot_be_read(tmp_path, lines, said):
    with pytest.raises(DataError, match=said) as problem:
        series(ts(tmp_path, lines))
    refused(problem)


def rows(folder, change=lambda lines: lines):
    lines = [f"{i},{t},{i + t},{t * t},{'up' if i % 2 else 'down'}" for i in range(12) for t in range(4)]
    (folder / "rows.csv").write_text("id,time,a,b,kind\n" + "\n".join(change(lines)) + "\n")
    return str(folder / "rows.csv")


def test_a_table_with_a_row_a_time(tmp_path):
    task = open_task(rows(tmp_path), series="id", target="kind", time_column="time")
    assert task.shape.input == (2, 4)
    assert task.train.inputs[:, 1].unique(dim=0).tolist() == [[0.0, 1.0, 4.0, 9.0]]


def test_tables_that_cannot_be_read(tmp_path):
    with pytest.raises(DataError, match="line 3: 'time' does not ascend") as problem:
        series(
            rows(tmp_path, lambda lines: [lines[1], lines[0], *lines[2:]]),
            series="id",
            target="kind",
            time_column="time",
        )
    refused(problem)
    with pytest.raises(DataError, match="has 2 values of 'kind'") as problem:
        series(rows(tmp_path, lambda lines: [lines[0].replace("down", "up"), *lines[1:]]), series="id", target="kind")
    refused(problem)
    with pytest.raises(DataError, match="series '5' has 3 times") as problem:
        series(rows(tmp_path, lambda lines: lines[:20] + lines[21:]), series="id", target="kind", time_column="time")
    refused(problem)
    with pytest.raises(UserError, match="which column"):
        series(rows(tmp_path), target="kind")


def test_a_series_is_called_by_its_line_or_its_group(tmp_path):
    lines = "".join(f"{','.join(str(i + t / 8) for t in range(8))}:{'ab'[i % 2]}\n" for i in range(20))
    (tmp_path / "a.ts").write_text(f"@problemname a\n@classlabel true a b\n@data\n{lines}")
    task = open_task(str(tmp_path / "a.ts"))
    first = [int(each) for each in task.test.inputs[:, 0, 0].tolist()]
    assert task.preparation.looks(range(len(first))) == [{"file": f"a.ts, line {i + 4}"} for i in first]
    rows = "".join(f"s{i},{t},{i + t / 8},{'ab'[i % 2]}\n" for i in range(20) for t in range(8))
    (tmp_path / "a.csv").write_text(f"who,t,value,kind\n{rows}")
    task = open_task(str(tmp_path / "a.csv"), series="who", time_column="t", target="kind")
    first = [int(each) for each in task.test.inputs[:, 0, 0].tolist()]
    assert task.preparation.looks(range(len(first))) == [{"file": f"who s{i}"} for i in first]
