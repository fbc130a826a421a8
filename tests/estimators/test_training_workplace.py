"""What Training makes of the place where it runs: checkpoints for another attempt, signs of life, smaller batches."""

from __future__ import annotations

from pathlib import Path

import pytest

import netwright as nw
from netwright.core.trial import Proposal
from netwright.core.workplace import Workplace, at

SPACE = nw.spaces.Mlp()
FIRST = next(iter(SPACE.enumerate()))


@pytest.fixture(scope="module")
def training() -> nw.estimators.Training:
    return nw.estimators.Training(SPACE, nw.tasks.digits(), epochs=3, device="cpu", batch_size=256)


def test_each_epoch_is_a_sign_of_life(training) -> None:
    heard: list[dict] = []
    with at(Workplace(report=lambda entry: heard.append(dict(entry)))):
        found = training.estimate(Proposal(FIRST), 0)
    assert [entry["epoch"] for entry in heard] == [1, 2, 3] and tuple(heard) == tuple(found.curve)


class Preempted(BaseException):
    pass


def test_a_second_attempt_goes_on_from_the_last_epoch(training, tmp_path: Path) -> None:
    whole = training.estimate(Proposal(FIRST), 0)
    heard: list[float] = []

    def hear(entry) -> None:
        heard.append(entry["epoch"])
        if heard == [1, 2]:
            raise Preempted

    with pytest.raises(Preempted), at(Workplace(tmp_path / "trial", hear)):
        training.estimate(Proposal(FIRST), 0)
    with at(Workplace(tmp_path / "trial", hear, attempt=2)):
        found = training.estimate(Proposal(FIRST), 0)
    assert heard == [1, 2, 3] and found.metrics == whole.metrics


def test_the_trained_network_is_kept_and_found_again(training, tmp_path: Path) -> None:
    from netwright.training import evaluate
    from netwright.training.progress import load_trained

    for name, changes in (("one", {"epochs": 1}), ("averaged", {"average": 0.9})):
        estimator, folder = training.replace(**changes), tmp_path / name
        assert estimator.kept(folder, FIRST) is None
        with at(Workplace(folder)):
            found = estimator.estimate(Proposal(FIRST), 0)
        kept = estimator.kept(folder, FIRST)
        assert kept is not None and training.replace(split_seed=5).kept(folder, FIRST) is None
        network = estimator.space.build(FIRST, estimator.task.shape)
        assert load_trained(network, kept) == estimator.settings.epochs
        data = estimator.task.search_data(estimator.split_seed, "cpu", estimator.validation)
        assert evaluate(network, data.held_out, data)["accuracy"] == found.metrics["val_accuracy"]


def test_half_a_batch_is_another_training(training, tmp_path: Path) -> None:
    half = training.replace(batch_size=128).estimate(Proposal(FIRST), 0)
    with at(Workplace(tmp_path)):
        training.estimate(Proposal(FIRST), 0)
    with at(Workplace(tmp_path, attempt=2, batch_share=0.5)):
        found = training.estimate(Proposal(FIRST), 0)
    assert found.metrics == half.metrics and len(list(tmp_path.iterdir())) == 2


def test_what_the_search_has_no_more_time_for_is_given_up(training) -> None:
    import time

    from netwright.core.executor import Job
    from netwright.executors.job import perform

    endless = training.replace(epochs=100_000)
    began = time.monotonic()
    outcome = perform(Job(0, Proposal(FIRST), 0, (endless,), seconds=0.5))
    assert (outcome.state, time.monotonic() - began < 20) == ("cancelled", True)
    assert "the time was up in epoch" in outcome.reason and outcome.measurement.curve == ()
