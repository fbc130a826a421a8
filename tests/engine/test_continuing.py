"""Trials that go on from earlier ones: one seed, one folder, and what becomes of it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from search_parts import Cell, Shuffled

import netwright as nw
from netwright.core.estimator import Estimator
from netwright.core.trial import Measurement, Proposal, Trial
from netwright.core.workplace import workplace
from netwright.engine.folders import Continuations
from netwright.strategies.fidelity import Asha, Hyperband, SuccessiveHalving

CELL = Cell()


class Stepwise(Estimator):
    """Counts in its folder what was done there; metrics say how much of it was there already, and the seed."""

    metrics = ("val_accuracy", "there", "seed", "folders")
    can_continue = True

    def __init__(self, trouble: float = 0.0) -> None:
        self.trouble = trouble

    def estimate(self, proposal: Proposal, seed: int) -> Measurement:
        folder, share = workplace().folder, proposal.fidelity or 1.0
        assert folder is not None
        note = folder / "share"
        there = float(note.read_text()) if note.exists() else 0.0
        folder.mkdir(parents=True, exist_ok=True)
        note.write_text(str(share))
        rng = np.random.default_rng(seed)
        if rng.random() < self.trouble * share:
            raise RuntimeError("by chance")
        accuracy = proposal.candidate.point.count(4) / 6 * share + 0.01 * rng.random()
        number = float(len(list(folder.parent.iterdir())))
        return Measurement({"val_accuracy": accuracy, "there": there, "seed": float(seed % 2**50), "folders": number})


def chains(run: nw.Run) -> list[tuple[Trial, Trial]]:
    """Each promoted trial with the one that it goes on from."""
    trials = {trial.number: trial for trial in run.trials}
    return [(trial, trials[trial.proposal.parent]) for trial in run.trials if trial.proposal.parent is not None]


@pytest.mark.parametrize("strategy", [SuccessiveHalving(CELL), Hyperband(CELL), Asha(CELL)])
@pytest.mark.parametrize("stored", [False, True])
def test_a_promoted_trial_has_the_seed_and_the_folder_of_the_one_below(strategy, stored, tmp_path: Path) -> None:
    run = nw.Search(strategy, Stepwise()).run(trials=70, store=tmp_path if stored else None)
    found = chains(run)
    assert len(found) > 10
    for trial, below in found:
        assert trial.architecture == below.architecture
        assert trial.proposal.fidelity == pytest.approx(3 * below.proposal.fidelity)
        assert trial.metrics["seed"] == below.metrics["seed"]
        assert trial.metrics["there"] == below.proposal.fidelity
    new = [trial for trial in run.trials if trial.proposal.parent is None]
    assert len({trial.metrics["seed"] for trial in new}) == len(new) and {trial.metrics["there"] for trial in new} == {
        0
    }
    assert not list(tmp_path.glob("trials/*"))


def test_successive_halving_keeps_no_more_folders_than_can_be_promoted() -> None:
    run = nw.Search(SuccessiveHalving(CELL, candidates=81, least=1 / 81), Stepwise()).run()
    lowest = [trial.metrics["folders"] for trial in run.trials[:81]]
    assert max(lowest) == 27 + 1  # and that of the trial itself
    assert run.trials[-1].metrics["folders"] == 1


def test_asha_keeps_the_folders_of_the_best_alone() -> None:
    run = nw.Search(Asha(CELL, least=1 / 3), Stepwise()).run(trials=230)
    assert 20 < max(trial.metrics["folders"] for trial in run.trials) <= 64 + 1


@pytest.mark.parametrize("make", [Hyperband, Asha, lambda space: Hyperband(space, overlapping=True)])
def test_with_several_workers_and_trouble(make, tmp_path: Path) -> None:
    search = nw.Search(make(CELL), Stepwise(trouble=0.3), seed=3)
    run = search.run(trials=120, executor=Shuffled(4), store=tmp_path)
    found = chains(run)
    assert len(found) > 10 and run.counts["error"] > 0
    assert all(below.completed for _, below in found)
    assert all(trial.metrics["there"] == below.proposal.fidelity for trial, below in found if trial.completed)
    numbers = [trial.proposal.parent for trial, _ in found]
    assert len(set(numbers)) == len(numbers), "a trial was promoted twice"


class Stopped(BaseException):
    pass


@pytest.mark.parametrize("make", [SuccessiveHalving, Hyperband, Asha])
def test_a_resumed_run_still_has_what_may_be_promoted(make, tmp_path: Path) -> None:
    search = nw.Search(make(CELL), Stepwise(), seed=1)
    whole = search.run(trials=45)

    def stop(trial: Trial) -> None:
        if trial.number == 30:
            raise Stopped

    with pytest.raises(Stopped):
        search.run(trials=45, store=tmp_path, on_trial=stop)
    (tmp_path / "trials" / search_name(tmp_path) / "999").mkdir()
    run = search.run(trials=45, store=tmp_path, resume=True)
    rest = [[{**row, "metrics": without_folders(row["metrics"])} for row in each.table()] for each in (whole, run)]
    assert rest[0] == rest[1]
    assert not list(tmp_path.glob("trials/*"))


def search_name(directory: Path) -> str:
    return next((directory / "trials").iterdir()).name


def without_folders(metrics: Mapping[str, float]) -> dict[str, float]:
    return {name: value for name, value in metrics.items() if name != "folders"}


def test_only_the_same_architecture_at_a_higher_fidelity_goes_on() -> None:
    a, b = CELL.at(1), CELL.at(2)
    asked = [
        Proposal(a, fidelity=0.25),
        Proposal(a, fidelity=0.5, parent=0),
        Proposal(a, parent=1),
        Proposal(b, fidelity=0.5, parent=0),  # another architecture: an edit
        Proposal(a, fidelity=0.25, parent=0),  # no higher: asked once more
        Proposal(a, parent=2),  # the same at full fidelity
    ]
    chain = Continuations()
    for number, proposal in enumerate(asked):
        chain.note(number, proposal)
    assert [chain.first(number) for number in range(6)] == [0, 0, 0, 3, 4, 5]
    assert [chain.is_latest(number) for number in range(6)] == [False, False, True, True, True, True]
