"""A search on a disk without room: it frees what its own trials keep, then pauses with a message, then ends."""

from __future__ import annotations

from pathlib import Path

import pytest
from search_parts import Cell, Climbing, Noisy, Sampling

import netwright as nw
from netwright.core.estimator import Estimator
from netwright.core.trial import Measurement, Proposal
from netwright.core.workplace import workplace
from netwright.engine import Search
from netwright.engine.folders import Folders
from netwright.store import Store, room
from netwright.store.problems import NoRoom
from netwright.store.room import Room
from netwright.strategies.fidelity import Asha

DISK = 20_000_000  # bytes


class Keeping(Estimator):
    """Keeps as many bytes in its folder as it is told to, and takes long enough to be waited for."""

    metrics = ("val_accuracy", "there")
    continues = True

    def __init__(self, size: int) -> None:
        self.size = size

    def estimate(self, proposal: Proposal, seed: int) -> Measurement:
        folder = workplace().folder
        assert folder is not None
        there = folder.exists()
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "epoch-000001.state").write_bytes(bytes(self.size))
        return Measurement({"val_accuracy": proposal.candidate.point.count(4) / 6, "there": float(there)})


@pytest.fixture
def disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory that is full with 20 MB, of which a search leaves half."""

    def free(self: Room) -> int:
        return DISK - sum(path.stat().st_size for path in self.directory.rglob("*") if path.is_file())

    monkeypatch.setattr(Room, "free", free)
    monkeypatch.setattr(room, "PATIENCE", 20.0)  # should it not find room, this ends the test
    return tmp_path / "p"


@pytest.mark.filterwarnings("ignore:only ")
def test_a_search_frees_what_its_own_finished_trials_keep(disk: Path, recwarn: pytest.WarningsRecorder) -> None:
    """Each trial leaves less than the reserve; only after it is cleared there is room for the next."""
    run = Search(Sampling(Cell()), Keeping(12_000_000)).run(trials=6, store=disk, name="r")
    assert len(run.trials) == 6
    assert not [each for each in recwarn if "is paused" in str(each.message)]


@pytest.mark.filterwarnings("ignore:only ")
def test_what_could_be_gone_on_from_is_freed_before_a_search_pauses(
    disk: Path, recwarn: pytest.WarningsRecorder
) -> None:
    search = Search(Asha(Cell()), Keeping(1_500_000))
    run = search.run(trials=40, store=disk, name="r")
    assert len(run.trials) == 40 and not [each for each in recwarn if "is paused" in str(each.message)]
    promoted = [trial for trial in run.trials if trial.proposal.parent is not None]
    began_again = [trial for trial in promoted if not trial.metrics["there"]]
    assert promoted and len(began_again) < len(promoted)  # the worst went first


def test_the_worst_go_first_and_the_best_never(tmp_path: Path) -> None:
    folders = Folders(tmp_path, Asha(Cell()), keeps=True)
    folders._may_continue = lambda _: True
    run = nw.Search(Sampling(Cell()), Noisy()).run(trials=30)
    for trial in run.trials:
        (tmp_path / str(trial.number)).mkdir()
        folders.note(trial)
        folders.clear(trial.number)
    order = [trial.number for trial in sorted(run.trials, key=lambda trial: trial.scores)]
    left = 30
    while left > 1:
        folders.make_room()
        there = {int(path.name) for path in tmp_path.iterdir()}
        assert len(there) < left and there == set(order[-len(there) :])
        left = len(there)
    folders.make_room()
    assert [path.name for path in tmp_path.iterdir()] == [str(run.best.number)]


@pytest.mark.filterwarnings("ignore:only ")
def test_a_search_that_finds_no_room_pauses_with_a_message_then_ends_and_can_be_resumed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "PATIENCE", 1.2)
    search = Search(Climbing(Cell()), Noisy(0.0, 0.005), seed=1)
    with Store(tmp_path, min_free_disk=10**18) as store:
        with pytest.warns(UserWarning, match="the search is paused"), pytest.raises(NoRoom, match="has ended"):
            search.run(trials=20, store=store, name="r")
        assert (store.summary("r").state, len(store.read_run("r").trials) > 0) == ("interrupted", True)
        store.room.least = 0
        again = search.run(trials=20, store=store, name="r", resume=True)
    assert again.table() == search.run(trials=20).table()


def test_the_weights_of_a_parent_stay_until_its_children_have_ended(tmp_path: Path) -> None:
    class Forgetful(nw.strategies.RandomSearch):
        """Children inherit, and nothing that has ended is gone on from."""

        inherits = 0.5

        def may_continue(self, number: int) -> bool:
            return False

    space = nw.spaces.Chain()
    folders = Folders(tmp_path, Forgetful(space))
    folders.continuations.note(0, Proposal(space.at(0)))
    folders.continuations.note(1, Proposal(space.at(1), parent=0))
    for number in (0, 1):
        (tmp_path / str(number)).mkdir()
    folders.clear(0)
    assert (tmp_path / "0").exists(), "trial 1 has not begun from it yet"
    folders.clear(1)
    assert not list(tmp_path.iterdir())
