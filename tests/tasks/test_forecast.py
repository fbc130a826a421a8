import numpy as np
import pytest

from netwright.cli.fitting import Fitted, said
from netwright.cli.plan import Plan
from netwright.core.errors import DataError, UserError
from netwright.results.reference_models import references
from netwright.tasks import forecast, from_configuration, open_task
from netwright.training.timing import Pace

ROWS = 120


def table(folder, change=lambda lines: lines):
    lines = [f"{np.datetime64('2024-01-01') + t},{t},{t % 7},note" for t in range(ROWS)]
    (folder / "days.csv").write_text("day,count,week,text\n" + "\n".join(change(lines)) + "\n")
    return str(folder / "days.csv")


def opened(folder, **options):
    return open_task(table(folder), **{"horizon": 3, "window": 5, "time_column": "day", "target": "count", **options})


def numbers(problem, examples):
    """What is asked for, in the user's units."""
    return examples.targets.numpy() * np.array(problem.scale) + np.array(problem.centre)


def test_windows_are_followed_by_what_is_asked_for(tmp_path):
    task = opened(tmp_path)
    assert task.shape.input == (2, 5) and task.shape.is_series and task.shape.outputs == 3
    assert task.train.inputs[0].tolist() == [[0, 1, 2, 3, 4], [0, 1, 2, 3, 4]]
    assert numbers(task.problem, task.train)[0] == pytest.approx([5, 6, 7])
    assert from_configuration(task.configuration()).fingerprint == task.fingerprint


def test_nothing_of_one_part_is_seen_in_another(tmp_path):
    task = opened(tmp_path)
    data = task.search_data(0)
    rows = [set(), set(), set()]
    for seen, examples in zip(rows, (data.train, data.held_out, task.test), strict=True):
        seen |= set(examples.inputs[:, 0].flatten().int().tolist())
        seen |= set(numbers(task.problem, examples).round().astype(int).flatten().tolist())
    train, validation, test = rows
    assert max(train) < min(validation) and max(validation) < min(test) and max(test) == ROWS - 1
    assert not train & validation and not validation & test


def test_validation_is_said_as_it_is(tmp_path):
    task = opened(tmp_path)
    held_out = len(task.search_data(0).held_out)
    assert task.validation.tolist() == list(range(len(task.train) - held_out, len(task.train)))
    assert f"{held_out} to validate on (the last ones before the test)" in " ".join(task.describe())
    plan = Plan("days", space="series")
    found = Fitted(Pace(0.1, 0.0, 0.0), 1000, 1.0, None)
    assert f"on {held_out} validation examples" in " ".join(said(plan, found, task, asked=False))


def test_several_targets_are_separated_by_commas(tmp_path):
    task = opened(tmp_path, target="week, count")
    assert task.fingerprint == opened(tmp_path, target=["week", "count"]).fingerprint
    assert task.problem.names[0] == "week +1" and task.shape.outputs == 6


def test_a_window_is_called_by_the_time_it_ends_at(tmp_path):
    task = opened(tmp_path)
    looks = task.preparation.looks([3, 0])
    day = np.datetime64("2024-01-01")
    ends = [day + int(task.test.inputs[i, 0, -1]) for i in (3, 0)]
    assert looks == [{"file": f"behind day {each}"} for each in ends]
    plain = opened(tmp_path, time_column=None).preparation.looks([3, 0])
    assert plain == [{"file": f"behind line {int((each - day).astype(int)) + 2}"} for each in ends]


def test_each_column_has_one_line(tmp_path):
    assert "forecast: the next 3 values of 'count' from 5 to" in opened(tmp_path).describe()[1]
    several = opened(tmp_path, target=["week", "count"]).describe()
    assert several[1] == "forecast: the next 3 values of each of 2, 'week', 'count'"
    assert [each.split(" from")[0] for each in several[2:4]] == ["'week'", "'count'"]


GAPS = {
    "a day that is missing": (
        lambda lines: lines[:9] + lines[10:],
        "line 11: 'day' goes from 2024-01-09 to 2024-01-11",
    ),
    "a half day": (lambda lines: [*lines[:9], "2024-01-09 12:00,9,1,note", *lines[9:]], "line 11: 'day' goes from"),
}


@pytest.mark.parametrize("gap", GAPS)
def test_steps_that_differ_are_refused(tmp_path, gap):
    change, line = GAPS[gap]
    options = {"horizon": 3, "window": 5, "time_column": "day", "target": "count"}
    for path in (table(tmp_path, change), table(tmp_path, lambda lines: change(lines)[::-1])):
        with pytest.raises(DataError, match="goes from") as problem:
            forecast(path, **options)
        assert "gaps='allow'" in refused(problem)
        assert forecast(path, gaps="allow", **options).shape.outputs == 3
    with pytest.raises(DataError, match=line):
        forecast(table(tmp_path, change), **options)


def test_months_are_even_steps(tmp_path):
    months = [f"{np.datetime64('2010-01') + t}-01,{t},{t % 7},note" for t in range(ROWS)]
    task = forecast(table(tmp_path, lambda _: months), horizon=3, window=5, time_column="day", target="count")
    assert task.train.inputs[0, 0].tolist() == [0, 1, 2, 3, 4]


def test_several_targets_and_all_columns(tmp_path):
    task = opened(tmp_path, target=["week", "count"])
    assert task.problem.names[:4] == ("week +1", "week +2", "week +3", "count +1")
    assert numbers(task.problem, task.train)[0] == pytest.approx([5, 6, 0, 5, 6, 7])
    assert opened(tmp_path, target=None).shape.outputs == 6


def test_what_needs_no_network_is_told(tmp_path):
    found = " ".join(opened(tmp_path, season=7, target="week").notes)
    assert "the value 7 rows before is off by 0 " in found
    assert "the last value again is off by" in found
    assert "the last value again is off by 2 " in " ".join(opened(tmp_path).notes)  # by 1, 2 and 3


def refused(problem):
    assert "\n" not in str(problem.value)
    return str(problem.value)


def test_tables_that_cannot_be_forecast(tmp_path):
    with pytest.raises(DataError, match="too few") as problem:
        opened(tmp_path, window=90)
    assert "smaller window" in refused(problem)
    with pytest.raises(DataError, match="'note' in the column 'text' is no number") as problem:
        opened(tmp_path, target="text")
    refused(problem)
    with pytest.raises(UserError, match="no column 'counts'") as problem:
        opened(tmp_path, target="counts")
    refused(problem)
    with pytest.raises(DataError, match="line 4: 'day' does not ascend") as problem:
        forecast(
            table(tmp_path, lambda lines: [lines[0], lines[2], lines[1], *lines[3:]]), horizon=2, time_column="day"
        )
    refused(problem)
    gap = table(tmp_path, lambda lines: [lines[0].replace(",0,0,", ",,0,"), *lines[1:]])
    with pytest.raises(DataError, match="line 2: 'count' is missing") as problem:
        forecast(gap, horizon=2, time_column="day", target="week")
    refused(problem)


def test_rows_with_the_last_first_are_turned(tmp_path):
    task = forecast(table(tmp_path, lambda lines: lines[::-1]), horizon=1, window=4, time_column="day", target="count")
    assert task.train.inputs[0, 0].tolist() == [0, 1, 2, 3]


def test_references_that_take_no_network(tmp_path):
    task = opened(tmp_path, target="week", season=5)
    last, seasonal, *_ = references(task)
    assert (last.name, seasonal.name) == ("the last value", "the value 5 before")
    truth = numbers(task.problem, task.test)
    week = task.test.inputs[:, 1].numpy()
    for reference, guess in ((last, np.repeat(week[:, -1:], 3, 1)), (seasonal, week[:, :3])):
        found = reference.fit(task, None).others["mae"][0]
        assert found == pytest.approx(np.abs(truth - guess).mean(), rel=1e-5)
