"""A resumed run does not ask again what its strategy remembers, and goes on as it would have without the break."""

from __future__ import annotations

import shutil
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from search_parts import Cell, Noisy, Shuffled

import netwright
from netwright.core.space import Space
from netwright.core.strategy import Strategy
from netwright.core.trial import Proposal, Trial
from netwright.engine import Interrupted, Search
from netwright.engine.memory import FOLDER, Memory
from netwright.methods import alphax
from netwright.methods import bayesian as named
from netwright.predictors.gaussian_process import GaussianProcess
from netwright.predictors.gaussian_process import gaussian_process as processes
from netwright.predictors.mlp import MlpEnsemble
from netwright.strategies import WarmStart
from netwright.strategies.latent import LatentGradient
from netwright.strategies.latent import latent_gradient as latent
from netwright.strategies.progressive import ProgressiveBeam
from netwright.strategies.tpe import TreeParzen
from netwright.strategies.tree_search import MonteCarloTreeSearch

MAKE: dict[str, Callable[[Space], Strategy]] = {
    "gp": lambda space: named.gp(space, initial=6, batch=3),
    "bananas": lambda space: named.bananas(space, initial=6, batch=4),
    "npenas": lambda space: named.npenas(space, initial=6, batch=3),
    "gp-nas": lambda space: named.gp_nas(space, initial=6, batch=3, candidates=40),
    "nao": lambda space: LatentGradient(space, 8, 4, epochs=2, again=2, hidden=8, embedding=4, width=8, steps=5),
}

OTHERS: dict[str, Callable[[Space], Strategy]] = {
    "tpe": lambda space: TreeParzen(space, startup=6),
    "pnas": lambda space: ProgressiveBeam(space, beam=7, idle=("op0",)),
    "mcts": lambda space: MonteCarloTreeSearch(space, halve="all"),
    "alphax": lambda space: alphax(space, refit=9, simulations=3),
    "warm gp": lambda space: WarmStart(MAKE["gp"](space), [space.at(7 * k) for k in range(9)]),
}
"""What they learn for an ask is less than they remember, or is learnt once more."""


@pytest.fixture
def fits(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A name for each time that a model learns."""
    found: list[str] = []

    def counted(owner: object, name: str) -> None:
        method = getattr(owner, name)

        def learn(*arguments, **options):
            found.append(name)
            return method(*arguments, **options)

        monkeypatch.setattr(owner, name, learn)

    counted(MlpEnsemble, "fit")
    counted(processes, "learn")
    counted(latent, "fit")
    return found


@pytest.fixture
def always(monkeypatch: pytest.MonkeyPatch) -> None:
    """The memory is kept after every ask, however quick it was."""
    monkeypatch.setattr(Memory, "look", Memory.settle)


def broken_off(search: Search, store: Path, after: int, trials: int, **options: object) -> None:
    """Interrupt a run when so many trials were told."""
    told: list[int] = []

    def stop(trial: Trial) -> None:
        told.append(trial.number)
        if len(told) == after:
            raise KeyboardInterrupt

    with pytest.raises(Interrupted):
        search.run(trials=trials, store=store, name="r", on_trial=stop, **options)


@pytest.mark.parametrize("name", MAKE)
def test_what_was_learnt_before_is_not_learnt_again(tmp_path: Path, fits: list[str], name: str) -> None:
    search = Search(MAKE[name](Cell()), Noisy(0.2), seed=3)
    whole = search.run(trials=45)
    assert len(fits) > 3
    search.run(trials=31, store=tmp_path, name="r")
    fits.clear()
    search.run(trials=31, store=tmp_path, name="r", resume=True)
    assert search.load(tmp_path).table() == whole.table()[:31]
    assert not fits
    resumed = search.run(trials=45, store=tmp_path, name="r", resume=True)
    assert resumed.table() == whole.table()
    replayed = len(fits)
    fits.clear()
    search.run(trials=45)
    assert 0 < replayed < len(fits) / 2


@pytest.mark.parametrize("name", [*MAKE, *OTHERS])
@pytest.mark.usefixtures("always")
def test_many_breaks_with_trials_under_way_change_nothing(tmp_path: Path, name: str) -> None:
    search = Search({**MAKE, **OTHERS}[name](Cell()), Noisy(0.2), seed=4)
    broken_off(search, tmp_path, 11, 60, executor=Shuffled(4))
    for trials in (19, 20, 34, 47):
        search.run(trials=trials, store=tmp_path, name="r", resume=True, executor=Shuffled(4, seed=trials))
    remembered = search.run(trials=60, store=tmp_path, name="r", resume=True, executor=Shuffled(4, seed=7))
    shutil.rmtree(tmp_path / FOLDER)
    assert search.load(tmp_path).table() == remembered.table()  # replay asks everything, and checks what is proposed


@pytest.mark.usefixtures("always")
def test_a_memory_of_trials_that_are_not_in_the_log_is_passed_over(tmp_path: Path) -> None:
    """As after a loss of power: the memory has come to the disk, and the last trials have not."""
    search = Search(MAKE["gp"](Cell()), Noisy(), seed=5)
    search.run(trials=20, store=tmp_path / "short", name="r")
    search.run(trials=26, store=tmp_path / "long", name="r")
    shutil.rmtree(tmp_path / "short" / FOLDER)
    shutil.copytree(tmp_path / "long" / FOLDER, tmp_path / "short" / FOLDER)
    resumed = search.run(trials=30, store=tmp_path / "short", name="r", resume=True)
    assert resumed.table() == search.run(trials=30).table()


class Drifting(Noisy):
    """Another score each time that it is asked."""

    calls = 0

    def estimate(self, proposal: Proposal, seed: int):
        Drifting.calls += 1
        return super().estimate(proposal, seed + Drifting.calls)


@pytest.mark.usefixtures("always")
def test_a_memory_of_other_outcomes_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Drifting, "calls", 0)
    search = Search(MAKE["gp"](Cell()), Drifting(), seed=5)
    search.run(trials=20, store=tmp_path / "first", name="r")
    search.run(trials=20, store=tmp_path / "second", name="r")
    shutil.rmtree(tmp_path / "first" / FOLDER)
    shutil.copytree(tmp_path / "second" / FOLDER, tmp_path / "first" / FOLDER)
    resumed = search.run(trials=24, store=tmp_path / "first", name="r", resume=True)
    shutil.rmtree(tmp_path / "first" / FOLDER)
    assert search.load(tmp_path / "first").table() == resumed.table()


def test_another_version_asks_everything_again(
    tmp_path: Path, fits: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    search = Search(MAKE["bananas"](Cell()), Noisy(), seed=1)
    search.run(trials=30, store=tmp_path, name="r")
    before = len(fits)
    fits.clear()
    monkeypatch.setattr("netwright.engine.memory.__version__", "0.0.0")
    search.run(trials=30, store=tmp_path, name="r", resume=True)
    assert len(fits) == before


def test_a_damaged_memory_is_passed_over(tmp_path: Path, fits: list[str]) -> None:
    search = Search(MAKE["bananas"](Cell()), Noisy(), seed=1)
    search.run(trials=30, store=tmp_path, name="r")
    before = len(fits)
    fits.clear()
    for path in (tmp_path / FOLDER / "r").glob("*.safetensors"):
        path.write_bytes(path.read_bytes()[:-1] + b"?")
    resumed = search.run(trials=34, store=tmp_path, name="r", resume=True)
    assert len(fits) > before and resumed.table() == search.run(trials=34).table()


def test_a_strategy_that_failed_within_a_call_is_not_remembered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    search = Search(MAKE["gp"](Cell()), Noisy(), seed=1)
    plan = GaussianProcess.predict
    monkeypatch.setattr(Memory, "look", lambda memory: None)

    def fails(self, architectures):
        if len(self.fitted()) > 20:
            raise KeyboardInterrupt
        return plan(self, architectures)

    with monkeypatch.context() as patch, pytest.raises(Interrupted):
        patch.setattr(GaussianProcess, "predict", fails)
        search.run(trials=30, store=tmp_path, name="r")
    assert not list((tmp_path / FOLDER).rglob("*.json"))
    resumed = search.run(trials=30, store=tmp_path, name="r", resume=True)
    assert resumed.table() == search.run(trials=30).table()


def test_a_place_that_cannot_be_written_to_costs_time_only(tmp_path: Path) -> None:
    search = Search(MAKE["gp"](Cell()), Noisy(), seed=1)
    search.run(trials=12, store=tmp_path, name="r")
    shutil.rmtree(tmp_path / FOLDER)
    (tmp_path / FOLDER).write_text("a file where the folder should be")
    resumed = search.run(trials=20, store=tmp_path, name="r", resume=True)
    assert resumed.table() == search.run(trials=20).table()


def test_quick_strategies_keep_nothing(tmp_path: Path) -> None:
    search = Search(netwright.strategies.RandomSearch(Cell()), Noisy())
    search.run(trials=20, store=tmp_path, name="r")
    assert not (tmp_path / FOLDER).exists()


def test_scores_of_every_kind_come_back(tmp_path: Path, fits: list[str]) -> None:
    """Infinite scores and several objectives are remembered as they are."""

    def scored(architecture):
        number = zlib.crc32(architecture.to_json().encode())
        return -np.inf if number % 7 == 0 else float(number % 1000)

    estimator = netwright.estimators.Function(scored, "score")
    search = Search(MAKE["nao"](Cell()), estimator, "score", seed=2)
    search.run(trials=21, store=tmp_path, name="r")
    fits.clear()
    search.run(trials=21, store=tmp_path, name="r", resume=True)
    assert not fits
    assert search.run(trials=30, store=tmp_path, name="r", resume=True).table() == search.run(trials=30).table()
