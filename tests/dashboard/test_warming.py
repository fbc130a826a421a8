"""What is made ahead of pages gives way to them, and one page's reading holds up no other run's."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import pytest
from page_parts import RUN, filled

from netwright.charts import bundle
from netwright.dashboard import traffic, warming
from netwright.dashboard.project import Project, Unknown
from netwright.dashboard.rules import Rules
from netwright.dashboard.site import Site
from netwright.dashboard.traffic import Traffic


def test_what_is_made_ahead_waits_until_nobody_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(traffic, "QUIET", 0.1)
    seen, quiet = Traffic(), threading.Event()
    waiting = threading.Thread(target=lambda: (seen.wait_for_quiet(), quiet.set()), daemon=True)
    with seen.answering() as under_way:
        waiting.start()
        assert under_way == 1 and not quiet.wait(0.3)
    assert not quiet.wait(0.04)  # the next request of the same page may be on its way
    assert quiet.wait(2)


def test_what_never_comes_to_rest_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(traffic, "LONGEST", 0.1)
    seen, began = Traffic(), time.monotonic()
    with seen.answering():
        seen.wait_for_quiet()
    assert time.monotonic() - began < 2


def test_answers_of_the_same_time_share_what_was_used(monkeypatch: pytest.MonkeyPatch) -> None:
    used = iter((0.0, 10.0, 10.0, 14.0, 14.0, 20.0, 20.0, 30.0, 99.0))  # seconds of the processor at each look
    monkeypatch.setattr(time, "process_time", lambda: next(used))
    seen = Traffic()
    with seen.answering():  # from 10 to 14 alone, to 20 with another
        first = seen.share()
        with seen.answering():
            second = seen.share()
            assert seen.share() - second == 3.0
        assert seen.share() - first == 4.0 + 3.0 + 10.0  # the other has ended at 20


def test_the_latest_run_is_read_before_anybody_asks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(traffic, "QUIET", 0.0)
    for name in ("altair", "_drawings", "_charts_library"):
        monkeypatch.setattr(warming, name, lambda: None)
    site = Site(Project(filled(tmp_path)), Rules())
    warming.warm_up(site)
    with site.project.run(RUN) as data:
        assert {"metrics", "scores", "choices"} <= data.__dict__.keys()
    site.project.close()


def test_reading_one_run_holds_up_nothing_else(tmp_path: Path) -> None:
    filled(tmp_path, 4, "other")
    project, inside, leave = Project(filled(tmp_path)), threading.Event(), threading.Event()

    def read_long() -> None:
        with project.run(RUN):
            inside.set()
            leave.wait(20)

    thread = threading.Thread(target=read_long, daemon=True)
    thread.start()
    assert inside.wait(5)
    done = threading.Event()

    def ask() -> None:
        with project.run("other") as data:
            assert len(data) == 4 and project.sequence(RUN) > 0
        done.set()

    threading.Thread(target=ask, daemon=True).start()
    assert done.wait(5)
    leave.set()
    thread.join(5)
    project.close()


def test_a_run_that_is_not_there_pushes_none_out(tmp_path: Path) -> None:
    project = Project(filled(tmp_path))
    with project.run(RUN) as before:
        pass
    for number in range(20):
        with pytest.raises(Unknown), project.run(f"none-{number}"):
            pass
    with project.run(RUN) as after:
        assert after is before
    project.close()


def test_another_database_in_the_same_place_is_seen_and_the_old_one_read_to_its_end(tmp_path: Path) -> None:
    project = Project(filled(tmp_path / "runs", 5))
    with project.run(RUN) as data:
        (tmp_path / "runs").rename(tmp_path / "before")
        filled(tmp_path / "runs", 9)
        assert len(project.runs()) == 1
        assert len(data.curve(1)) == 3  # of the project that lies elsewhere now
    with project.run(RUN) as data:
        assert len(data) == 9
    project.close()


def test_the_charts_library_is_made_by_another_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = "def javascript_bundle(snippet):\n    import os\n    return f'{os.getpid()} {snippet} é' + ' ' * 600_000\n"
    (tmp_path / "vl_convert.py").write_text(fake)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    made = bundle._made_apart("snippet")  # pyright: ignore[reportPrivateUsage]
    number, snippet, letter = made.split()
    assert int(number) != os.getpid() and (snippet, letter) == ("snippet", "é")
    (tmp_path / "vl_convert.py").write_text("raise ImportError\n")
    assert bundle._made_apart("snippet") == ""  # pyright: ignore[reportPrivateUsage]
