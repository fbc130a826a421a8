"""What lies in a shared folder: written whole, claimed once, and believed only after a look."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from folder_parts import parts

from netwright.core.errors import UserError
from netwright.core.executor import Job, Outcome
from netwright.core.objective import Constraint
from netwright.core.trial import Measurement, Proposal
from netwright.core.workplace import Parent
from netwright.executors.folder import folder_files as files
from netwright.executors.folder import messages
from netwright.executors.folder.folder_files import Unreadable
from netwright.executors.folder.folder_session import Pulse, Session, begin, end
from netwright.executors.folder.messages import Kit, job_from_json, job_to_json, outcome_from_json, outcome_to_json

SPACE = parts.Cell()
KIT = Kit(SPACE, (parts.Noisy(),))


def test_a_file_is_whole_private_and_takes_the_place_of_a_link(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_text("precious")
    shared = tmp_path / "shared"
    shared.mkdir()
    (shared / "job").symlink_to(outside)
    files.write(shared, "job", {"number": 3})
    assert outside.read_text() == "precious" and not (shared / "job").is_symlink()
    assert files.read(shared / "job") == {"number": 3} and files.names(shared) == ["job"]
    assert (shared / "job").stat().st_mode & 0o777 == 0o600


def test_what_is_being_written_is_seen_by_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "rename", lambda *_: (_ for _ in ()).throw(OSError(errno.EIO, "no server")))
    with pytest.raises(OSError, match="no server"):
        files.write(tmp_path, "job", {})
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b'{"a": 1, "a": 2}', "twice"),
        (b'{"a": NaN}', "not a number"),
        (b'{"a": 1', "not valid JSON"),
        (b"\xff\xfe", "not text"),
        (b"[1]", "list in place of an object"),
        (b"[" * 100_000, "nested too deeply|not valid"),
        (b" " * 10_000_001, "bytes"),
        (b"", "not valid JSON"),
    ],
)
def test_what_cannot_be_read_is_said(tmp_path: Path, content: bytes, found: str) -> None:
    (tmp_path / "job").write_bytes(content)
    with pytest.raises(Unreadable, match=found):
        files.read(tmp_path / "job")


def test_links_folders_and_pipes_are_not_read(tmp_path: Path) -> None:
    (tmp_path / "target").write_text("{}")
    (tmp_path / "link").symlink_to(tmp_path / "target")
    os.mkfifo(tmp_path / "pipe")
    for name in ("link", "pipe"):
        with pytest.raises(Unreadable):
            files.read(tmp_path / name)
    with pytest.raises(Unreadable, match="links are not followed"):
        (tmp_path / "folder").symlink_to(tmp_path)
        files.require_folder(tmp_path / "folder")


def test_a_rename_whose_answer_got_lost_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that has renamed, and is asked again, finds nothing to rename."""
    usual = os.rename

    def answered_wrongly(source: Path, target: Path) -> None:
        usual(source, target)
        raise FileNotFoundError(errno.ENOENT, "no such file")

    (tmp_path / "job").write_text("{}")
    monkeypatch.setattr(os, "rename", answered_wrongly)
    assert files.move(tmp_path / "job", tmp_path / "job@me")
    monkeypatch.setattr(os, "rename", usual)
    assert not files.move(tmp_path / "job", tmp_path / "job@other")


RACE = """
import os, sys, time
from pathlib import Path
from netwright.executors.folder import folder_files as files
folder, own = Path(sys.argv[1]), sys.argv[2]
(folder / f"ready-{own}").touch()
while not (folder / "go").exists():
    time.sleep(0.001)
while names := files.names(folder / "jobs"):
    for name in names:
        if files.move(folder / "jobs" / name, folder / "claims" / f"{name}@{own}"):
            print(name)
"""


def test_of_eight_that_claim_each_job_has_one(tmp_path: Path) -> None:
    jobs = {f"{number:03d}" for number in range(300)}
    (tmp_path / "jobs").mkdir()
    (tmp_path / "claims").mkdir()
    for name in jobs:
        files.write(tmp_path / "jobs", name, {})
    command = [sys.executable, "-c", RACE, str(tmp_path)]
    racers = [subprocess.Popen([*command, str(each)], stdout=subprocess.PIPE, text=True) for each in range(8)]
    while len(list(tmp_path.glob("ready-*"))) < 8:
        assert not any(each.poll() for each in racers)
    (tmp_path / "go").touch()
    won = [each.communicate()[0].split() for each in racers]
    assert sorted(name for each in won for name in each) == sorted(jobs)
    claims = {each.partition("@")[::2] for each in files.names(tmp_path / "claims")}
    assert claims == {(name, str(own)) for own, names in enumerate(won) for name in names}


# Jobs and outcomes.


def made_job(root: Path, **changes: object) -> Job:
    proposal = Proposal(SPACE.at(77), fidelity=0.5, parent=3)
    limits = (Constraint("params", 5e5), Constraint("val_accuracy", 0.5, ">="))
    parent = Parent(SPACE.at(76), 2**63 + 4, root / "trials" / "run" / "3", 0.75)
    own = 2, root / "trials" / "run" / "7", 0.5, 0.25, 12.5
    whole = Job(7, proposal, 2**63 + 5, KIT.stages, limits, *own, parent=parent)
    return replace(whole, **changes)  # type: ignore[arg-type]


def test_a_job_comes_back_as_it_was(tmp_path: Path) -> None:
    job = made_job(tmp_path)
    told = json.loads(json.dumps(job_to_json(job, tmp_path), allow_nan=False))
    assert job_from_json(told, KIT, tmp_path, messages.limits_of(told)) == job
    elsewhere = job_from_json(told, KIT, Path("/as/this/machine/calls/it"), ())
    assert elsewhere.folder == Path("/as/this/machine/calls/it/trials/run/7")
    assert elsewhere.parent is not None and elsewhere.parent.folder == Path("/as/this/machine/calls/it/trials/run/3")


def test_a_job_of_a_driver_that_knew_no_inheritance_begins_anew(tmp_path: Path) -> None:
    told = job_to_json(made_job(tmp_path, parent=None), tmp_path)
    assert told.pop("inherits") is None
    assert job_from_json(told, KIT, tmp_path, messages.limits_of(told)) == made_job(tmp_path, parent=None)


def test_a_folder_beside_the_project_is_not_sent(tmp_path: Path) -> None:
    assert job_to_json(made_job(tmp_path, folder=Path("/tmp/other")), tmp_path)["folder"] is None


def test_a_mixture_cannot_be_sent(tmp_path: Path) -> None:
    from netwright.core.architecture import Mixture

    with pytest.raises(UserError, match="a mixture cannot be sent through a folder"):
        job_to_json(made_job(tmp_path, proposal=Proposal(Mixture({}))), tmp_path)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("folder", "../../etc"),
        ("folder", "/etc"),
        ("folder", "leads-out/x"),
        ("folder", "a\0b"),
        ("folder", 3),
        ("inherits", 3),
        ("inherits", {}),
        ("inherits", {"architecture": {"edge0": "op9"}, "seed": 1, "folder": None, "share": 1.0}),
        ("inherits", {"architecture": None, "seed": 1, "folder": None, "share": 1.0}),
        ("seed", -1),
        ("seed", 1.5),
        ("seed", True),
        ("number", None),
        ("attempt", 0),
        ("fidelity", 2),
        ("fidelity", 10**400),
        ("batch_share", "half"),
        ("seconds", -1),
        ("parent", "first"),
        ("architecture", {"edge0": "op9"}),
        ("architecture", ["op1"]),
        ("architecture", {}),
        ("limits", [["params", "few", "<="]]),
        ("limits", [["params", 3.0, "=="]]),
        ("limits", "none"),
    ],
)
def test_a_job_that_nobody_would_write_is_refused(tmp_path: Path, name: str, value: object) -> None:
    (tmp_path / "leads-out").symlink_to("/")
    told = {**job_to_json(made_job(tmp_path), tmp_path), name: value}
    with pytest.raises(Unreadable):
        job_from_json(told, KIT, tmp_path, messages.limits_of(told))


def test_an_outcome_comes_back_as_it_was() -> None:
    found = Measurement(
        {"loss": float("nan"), "params": 12.0, "a": float("-inf")}, None, ({"loss": 1.5}, {"loss": 0.1})
    )
    outcome = Outcome(7, "diverged", found, 1.25, "cpu", "why", "trace", 2, "here", 1000, "log α", 3)
    told = json.loads(json.dumps(outcome_to_json(outcome), allow_nan=False))
    again = outcome_from_json(told, 7, 2)
    assert repr(again.measurement.metrics) == repr({"loss": float("nan"), "params": 12.0, "a": float("-inf")})
    assert replace(again, measurement=found) == outcome and list(again.measurement.curve) == list(found.curve)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("state", "fine"),
        ("state", None),
        ("metrics", []),
        ("metrics", {"a": "many"}),
        ("metrics", {"a": 10**400}),
        ("curve", {}),
        ("curve", [1]),
        ("seconds", "soon"),
        ("reason", None),
        ("log", "x" * 30_001),
        ("peak_memory", -5),
        ("threads", "2"),
    ],
)
def test_an_outcome_that_no_worker_would_write_is_refused(name: str, value: object) -> None:
    with pytest.raises(Unreadable):
        outcome_from_json({**outcome_to_json(Outcome(0, "completed")), name: value}, 0, 1)


# Sessions.


def opened(queue: Path) -> Session:
    return begin(queue, work={"kind": "x"}, limits={}, levels=1, patience=5.0)


def test_a_new_session_clears_the_one_before(tmp_path: Path) -> None:
    queue = tmp_path / "project" / "queue"
    first = opened(queue)
    files.write(first.folder(queue) / "jobs", "000001-1-0123456789abcdef", {})
    second = opened(queue)
    assert Session.read(queue) == second and first.id != second.id
    assert set(files.names(queue)) == {"session.json", f"session-{second.id}"}
    assert second.root(queue) == tmp_path / "project"
    assert {path.stat().st_mode & 0o777 for path in [queue, second.folder(queue), *second.folder(queue).iterdir()]} == {
        0o700
    }
    end(queue)
    assert Session.read(queue) == replace(second, state="ended")
    end(tmp_path / "nothing")


def test_a_folder_with_other_things_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("...")
    with pytest.raises(UserError, match=r"holds other files \(thesis.tex\)"):
        opened(tmp_path)
    with pytest.raises(UserError, match="is no folder"):
        opened(tmp_path / "thesis.tex")
    assert os.listdir(tmp_path) == ["thesis.tex"]


@pytest.mark.parametrize(
    "change",
    [{"format": 2}, {"session": "../../x"}, {"state": "on"}, {"levels": -1}, {"patience": "long"}, {"work": 3}],
)
def test_a_session_that_no_driver_would_write_is_refused(tmp_path: Path, change: dict[str, object]) -> None:
    opened(tmp_path)
    files.write(tmp_path, "session.json", {**files.read(tmp_path / "session.json"), **change})
    with pytest.raises(Unreadable):
        Session.read(tmp_path)


def test_a_pulse_counts_its_own_looks_only() -> None:
    pulse = Pulse()
    pulse.look("a", 100.0)
    assert not pulse.alive and pulse.silent == 0
    pulse.look("a", 101.0)
    pulse.look(None, 102.0)
    assert pulse.silent == 2.0 and not pulse.alive
    pulse.look("b", 103.0)
    assert pulse.silent == 0 and pulse.alive
    pulse.look("b", 5000.0)  # this process itself was stopped for long
    assert pulse.silent <= 5 and not pulse.gone
    impatient = Pulse(patience=1.0)
    for second in range(9):
        assert not impatient.gone
        impatient.look("a", 100.0 * second)
    impatient.look("a", 900.0)
    assert impatient.gone  # by several looks that agree
