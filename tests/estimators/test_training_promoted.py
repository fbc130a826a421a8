"""A promoted trial goes on from the checkpoint of the one below it, and ends with the bits of a straight training."""

from __future__ import annotations

from pathlib import Path

import pytest

import netwright as nw
import netwright.training.loop
from netwright.core.errors import ConfigurationError
from netwright.core.randomness import derived_seed
from netwright.core.trial import Proposal
from netwright.core.workplace import Workplace, at

SPACE = nw.spaces.Mlp()
FIRST = SPACE.at(5)
DIGITS = nw.tasks.open_task("digits", limit=200)


def made(**options) -> nw.estimators.Training:
    return nw.estimators.Training(SPACE, DIGITS, **{"epochs": 4, "device": "cpu", "batch_size": 50, **options})


def climbed(training, folder: Path, seed: int, shares=(0.25, 0.5, 1.0)):
    """The measurement of the last of these shares, and the epochs that each trained."""
    trained, found = [], None
    for share in shares:
        heard: list[float] = []
        with at(Workplace(folder, lambda entry, heard=heard: heard.append(entry["epoch"]))):
            found = training.estimate(Proposal(FIRST, fidelity=share), seed)
        trained.append(heard)
    return found, trained


def without_seconds(curve):
    return [{name: value for name, value in entry.items() if name != "seconds"} for entry in curve]


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"optimiser": "adamw", "learning_rate": 0.01, "schedule": "one_cycle", "average": 0.9},
        {"label_smoothing": 0.1, "warm_up": 0.5, "evaluate_every": 3},
    ],
)
def test_in_steps_it_is_the_straight_training_bit_for_bit(tmp_path: Path, options) -> None:
    training = made(**options)
    straight = training.estimate(Proposal(FIRST), 7)
    found, trained = climbed(training, tmp_path / "trial", 7)
    assert trained == [[1], [2], [3, 4]]
    assert found.metrics == straight.metrics
    if "evaluate_every" not in options:
        assert without_seconds(found.curve) == without_seconds(straight.curve)


def test_images_with_augmentation_and_dropped_paths(tmp_path: Path) -> None:
    space = nw.spaces.Darts(cells=2, channels=4, nodes=2)
    training = nw.estimators.Training(space, DIGITS, epochs=2, device="cpu", batch_size=100, drop_path=0.3, cutout=3)
    proposal = Proposal(space.at(11))
    straight = training.estimate(proposal, 3)
    with at(Workplace(tmp_path)):
        training.estimate(Proposal(space.at(11), fidelity=0.5), 3)
        found = training.estimate(proposal, 3)
    assert found.metrics == straight.metrics and without_seconds(found.curve) == without_seconds(straight.curve)


def test_where_the_folder_is_not_there_it_is_trained_from_the_start_with_the_same_result(tmp_path: Path) -> None:
    training = made()
    found, _ = climbed(training, tmp_path / "here", 7)
    with at(Workplace(tmp_path / "elsewhere")):
        elsewhere = training.estimate(Proposal(FIRST, fidelity=1.0), 7)
    assert elsewhere.metrics == found.metrics


def test_a_damaged_checkpoint_costs_time_only(tmp_path: Path) -> None:
    training = made()
    straight = training.estimate(Proposal(FIRST), 7)
    climbed(training, tmp_path, 7, (0.25, 0.5))
    for path in tmp_path.rglob("*.safetensors"):
        path.write_bytes(b"gone")
    with pytest.warns(UserWarning, match="passed over"), at(Workplace(tmp_path)):
        assert training.estimate(Proposal(FIRST), 7).metrics == straight.metrics


def test_a_share_of_the_epochs_has_the_schedule_of_the_full_training(tmp_path: Path) -> None:
    rates = [
        [entry["learning_rate"] for entry in made(fidelity=kind).estimate(Proposal(FIRST, fidelity=0.5), 0).curve]
        for kind in ("epochs", "annealed")
    ]
    full = [entry["learning_rate"] for entry in made().estimate(Proposal(FIRST), 0).curve]
    assert rates[0] == full[:2]
    assert len(rates[1]) == 2 and rates[1][-1] < rates[0][-1]
    assert made().can_continue and not made(fidelity="annealed").can_continue


def test_annealed_shares_are_trainings_of_their_own(tmp_path: Path) -> None:
    training = made(fidelity="annealed")
    straight = training.estimate(Proposal(FIRST), 7)
    found, trained = climbed(training, tmp_path, 7)
    assert trained == [[1], [1, 2], [1, 2, 3, 4]] and found.metrics == straight.metrics


def test_a_lower_share_does_not_take_what_a_higher_one_kept(tmp_path: Path) -> None:
    training = made()
    lower = training.estimate(Proposal(FIRST, fidelity=0.5), 7)
    found, _ = climbed(training, tmp_path, 7, (1.0, 0.5))
    assert found.metrics == lower.metrics and len(found.curve) == 2


@pytest.mark.parametrize("stored", [False, True])
def test_in_a_search_promoted_trials_train_only_what_is_missing(stored: bool, tmp_path: Path, monkeypatch) -> None:
    trained: list[int] = []
    real = nw.training.loop.Loop.train_epoch

    def counted(loop, epoch, deadline):
        trained.append(epoch)
        return real(loop, epoch, deadline)

    monkeypatch.setattr(nw.training.loop.Loop, "train_epoch", counted)
    training = made(epochs=3)
    search = nw.Search(nw.strategies.SuccessiveHalving(SPACE, candidates=3, least=1 / 3), training, seed=5)
    run = search.run(store=tmp_path if stored else None, preflight=False)
    assert trained == [0, 0, 0, 1, 2] and run.best.number == 3
    straight = training.estimate(Proposal(run.best.architecture), derived_seed(5, run.best.proposal.parent))
    assert run.best.metrics["val_loss"] == straight.metrics["val_loss"]


class Ticks:
    """Time that passes by a thousandth of a second whenever it is looked at."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        self.now += 0.001
        return self.now


@pytest.fixture
def ticks(monkeypatch: pytest.MonkeyPatch) -> Ticks:
    ticks = Ticks()
    for module in ("loop", "pacing", "progress"):
        monkeypatch.setattr(f"netwright.training.{module}.time", ticks)
    return ticks


SECONDS = {"seconds": 2.0, "schedule": "stable", "warm_up": 0.0, "average": 0.9}


def test_by_seconds_a_promoted_trial_goes_on_and_only_the_whole_one_decays(tmp_path: Path, ticks: Ticks) -> None:
    training = made(fidelity="seconds", **SECONDS)
    found, trained = climbed(training, tmp_path, 7, (0.25, 0.5))
    assert training.can_continue and trained[1][0] == trained[0][-1] + 1
    assert {entry["learning_rate"] for entry in found.curve} == {0.1}
    kept = training.kept(tmp_path, FIRST)
    whole, last = climbed(training, tmp_path, 7, (1.0,))
    assert last[0][0] == trained[1][-1] + 1 and whole.curve[-1]["learning_rate"] < 0.05
    assert kept is not None and training.kept(tmp_path, FIRST) == kept
    assert sum(entry["seconds"] for entry in found.curve) < 1.1


def test_seconds_are_meant_wherever_the_settings_have_them(ticks: Ticks) -> None:
    assert made(**SECONDS).fidelity == "seconds" and made(**SECONDS).share(0.3) == 0.3
    annealed = made(fidelity="annealed", **SECONDS).estimate(Proposal(FIRST, fidelity=0.25), 0)
    assert annealed.curve[-1]["learning_rate"] < 0.1
    with pytest.raises(ConfigurationError, match="found seconds = None; expected a number above 0"):
        made(fidelity="seconds")
