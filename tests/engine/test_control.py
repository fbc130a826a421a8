"""What a person asks of a search while it runs is done between trials, written down, and repeated by a resume."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import pytest
from search_parts import Cell, Climbing, Noisy

from netwright.core.errors import UserError
from netwright.core.trial import Trial
from netwright.engine import Interrupted, Search, control
from netwright.engine.control import BY_HAND, Control, send, waiting
from netwright.store import Store

SPACE = Cell()


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control, "EVERY", 0.0)


def search() -> Search:
    return Search(Climbing(SPACE), Noisy(0.0, 0.02), seed=3)


def told(directory: Path) -> list[dict[str, object]]:
    """What the events say of requests."""
    with Store.open_readonly(directory) as store:
        return [each["data"] for each in store.events("r") if each["type"] == control.EVENT]


def test_a_search_is_stopped_after_the_trials_that_run(tmp_path: Path) -> None:
    def stop(trial: Trial) -> None:
        if trial.number == 4:
            send(tmp_path, "r", {"ask": "stop"})

    run = search().run(trials=1000, store=tmp_path, name="r", on_trial=stop)
    assert run.stopped == "stopped by hand" and 5 <= len(run.trials) < 1000
    assert [each["asked"] for each in told(tmp_path)] == [{"ask": "stop"}]
    assert waiting(tmp_path, "r") == []


def test_how_many_trials_there_are_is_changed_while_it_runs(tmp_path: Path) -> None:
    def more(trial: Trial) -> None:
        if trial.number == 2:
            send(tmp_path, "r", {"ask": "stops", "trials": 30})

    run = search().run(trials=25, store=tmp_path, name="r", on_trial=more)
    assert run.stopped == "30 trials done"
    assert told(tmp_path)[0]["done"] == "the search ends after 30 trials"


def test_nothing_begins_while_it_is_paused(tmp_path: Path) -> None:
    paused: list[float] = []

    def pause(trial: Trial) -> None:
        if trial.number == 3:
            send(tmp_path, "r", {"ask": "pause"})
            threading.Timer(0.6, send, (tmp_path, "r", {"ask": "continue"})).start()
            paused.append(time.monotonic())
        if trial.number > 4 and len(paused) == 1:
            paused.append(time.monotonic())

    run = search().run(trials=12, store=tmp_path, name="r", on_trial=pause)
    assert len(run.trials) == 12
    assert paused[1] - paused[0] > 0.4
    assert [each["asked"]["ask"] for each in told(tmp_path)] == ["pause", "continue"]  # type: ignore[index]


def test_a_pause_does_not_outlast_the_time_of_the_search(tmp_path: Path) -> None:
    def pause(trial: Trial) -> None:
        send(tmp_path, "r", {"ask": "pause"})

    began = time.monotonic()
    run = search().run(time=1.0, store=tmp_path, name="r", on_trial=pause)
    assert run.stopped.startswith("time is up") and time.monotonic() - began < 5


def test_an_architecture_that_is_put_in_is_tried_and_the_strategy_is_not_told(tmp_path: Path) -> None:
    wanted = SPACE.at(7)

    def put_in(trial: Trial) -> None:
        if trial.number == 8:
            send(tmp_path, "r", {"ask": "try", "architecture": wanted.to_json()})
            send(tmp_path, "r", {"ask": "try", "architecture": "nonsense"})
        if trial.number == 14:
            raise KeyboardInterrupt

    with pytest.raises(Interrupted):
        search().run(trials=25, store=tmp_path, name="r", on_trial=put_in)
    resumed = search().run(trials=25, store=tmp_path, name="r", resume=True)
    mine = [each for each in resumed.trials if each.proposal.memo == BY_HAND]
    assert [each.architecture for each in mine] == [wanted] and mine[0].completed
    assert mine[0].number not in [each.number for each in resumed.strategy.trials]  # type: ignore[attr-defined]
    assert len(resumed.trials) == 25
    said = [str(each["done"]) for each in told(tmp_path)]
    assert said[0].startswith("it is tried next") and said[1].startswith("refused: ")


def test_where_no_more_can_be_had_at_most_as_many_run_at_once_as_was_asked() -> None:
    mine = Control(None, "r", SPACE.parse)
    assert mine.slots(4) == 4
    assert mine._workers({"count": 2}) == "at most 2 at once from now on" and mine.slots(4) == 2
    with pytest.raises(UserError, match="resume r --workers 9"):
        mine._workers({"count": 9})
    assert mine.slots(4) == 2


@pytest.mark.skipif(os.name != "posix", reason="worker processes need process groups")
def test_workers_come_and_go_between_trials_and_it_is_remembered(tmp_path: Path) -> None:
    asked = {3: 2, 9: 1, 13: 3}

    def resize(trial: Trial) -> None:
        if trial.number in asked:
            send(tmp_path, "r", {"ask": "workers", "count": asked[trial.number], "by": "me"})

    run = search().run(trials=25, store=tmp_path, name="r", on_trial=resize)
    assert len(run.trials) == 25 and all(each.completed for each in run.trials)
    assert [str(each["done"]).partition(" with")[0] for each in told(tmp_path)] == [
        "2 workers",
        "1 worker",
        "3 workers",
    ]
    assert {each["by"] for each in told(tmp_path)} == {"me"}
    with Store.open_readonly(tmp_path) as store:
        places = {each.trial: each.place.partition(" (")[0] for each in store.attempts("r")}
        assert store.document("r", control.STEERED) == {"workers": 3}
    assert not any(places.get(number) for number in range(3)), "the first ones ran in this process"
    assert {places[number] for number in range(20, 25)} <= {"worker 0", "worker 1", "worker 2"}
    again = search().run(trials=25, store=tmp_path, name="r", resume=True)
    assert again.table() == run.table()


def test_workers_that_cannot_have_the_search_are_refused_and_it_goes_on_as_it_was(tmp_path: Path) -> None:
    class Local(Noisy):
        pass

    def resize(trial: Trial) -> None:
        if trial.number == 2:
            send(tmp_path, "r", {"ask": "workers", "count": 2})

    run = Search(Climbing(SPACE), Local(0.0, 0.02), seed=3).run(trials=8, store=tmp_path, name="r", on_trial=resize)
    assert len(run.trials) == 8 and str(told(tmp_path)[0]["done"]).startswith("refused: ")


@pytest.mark.parametrize(
    "request_",
    [
        {"ask": "delete"},
        {},
        {"ask": "stops"},
        {"ask": "stops", "trials": -1},
        {"ask": "stops", "time": "soon"},
        {"ask": "workers"},
        {"ask": "workers", "count": 0},
        {"ask": "workers", "count": True},
    ],
)
def test_what_cannot_be_done_is_refused_with_a_reason(request_: dict[str, object]) -> None:
    with pytest.raises(UserError, match=r"expected|cannot be asked|without|not understood"):
        control._require(request_)


def test_files_that_are_no_requests_are_refused_and_those_of_before_removed(tmp_path: Path) -> None:
    Store(tmp_path).close()
    folder = tmp_path / "control" / "r"
    folder.mkdir(parents=True)
    old = folder / "0.json"
    old.write_text('{"ask": "stop"}')

    def put(trial: Trial) -> None:
        if trial.number == 1:
            (folder / "1.json").write_text("[" * 10_000)
            (folder / "2.json").write_bytes(b"\xff")
            (folder / "3.json").symlink_to("/etc/passwd")

    run = search().run(trials=25, store=tmp_path, name="r", on_trial=put)
    assert run.stopped == "25 trials done" and list(folder.iterdir()) == []
    assert all(str(each["done"]).startswith("refused") for each in told(tmp_path)) and len(told(tmp_path)) == 3


def test_so_many_requests_wait_and_no_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control, "MOST", 2)
    for _ in range(2):
        send(tmp_path, "r", {"ask": "pause"})
    with pytest.raises(UserError, match="wait for run 'r'"):
        send(tmp_path, "r", {"ask": "pause"})
    with pytest.raises(UserError):
        send(tmp_path, "../r", {"ask": "pause"})
