"""Training with fidelity "folds": pooled answers, only missing folds, and refusals where folds are out of place."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

import netwright as nw
import netwright.training.loop
from netwright.core.errors import ConfigurationError, DataError, UserError
from netwright.core.randomness import derived_seed
from netwright.core.task import Examples
from netwright.core.trial import Proposal
from netwright.core.workplace import Workplace, at
from netwright.tasks.splits import folded
from netwright.training import predict, seeded, train

SPACE = nw.spaces.Mlp()
FIRST = SPACE.at(5)


def table(count: int = 30, **options) -> nw.tasks.Task:
    inputs = torch.randn(count, 4, generator=torch.Generator().manual_seed(0))
    labels = (inputs[:, 0] + 0.3 * inputs[:, 1] > 0).long()
    return nw.tasks.Task("table", Examples(inputs, labels), Examples(inputs[:5], labels[:5]), "ab", **options)


def made(task: nw.tasks.Task | None = None, **options) -> nw.estimators.Training:
    own = {"fidelity": "folds", "epochs": 2, "batch_size": 8, "device": "cpu", "threads": 1, "folds": 3}
    return nw.estimators.Training(SPACE, task or table(), **{**own, **options})


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The seeds of the trainings of which an epoch was trained, an entry each."""
    found: list[int] = []
    real = nw.training.loop.Loop.train_epoch

    def counted(loop, epoch, deadline):
        found.append(loop.seed)
        return real(loop, epoch, deadline)

    monkeypatch.setattr(nw.training.loop.Loop, "train_epoch", counted)
    return found


def test_metrics_are_of_the_answers_to_all_folds_together() -> None:
    training, task = made(), table()
    found = training.estimate(Proposal(FIRST), 7)
    right, losses = [], []
    for fold in range(3):
        data = task.fold_data(fold, 3, 0)
        seed = derived_seed(7, fold)
        with seeded(seed):
            network = SPACE.build(FIRST, task.shape)
        result = train(network, data, training.settings, seed)
        outputs = predict(network, data.held_out, data, precision=result.precision, threads=result.threads)
        right += (outputs.argmax(1) == data.held_out.targets).tolist()
        losses += torch.nn.functional.cross_entropy(outputs, data.held_out.targets, reduction="none").tolist()
    assert len(right) == 30
    assert found.metrics["val_accuracy"] == pytest.approx(np.mean(right))
    assert found.metrics["val_loss"] == pytest.approx(np.mean(losses), rel=1e-5)
    assert [entry["epoch"] for entry in found.curve] == [1, 2] and 0 < found.metrics["train_loss"] < 2
    assert set(found.metrics) == set(training.metrics)


def test_a_promoted_trial_trains_the_folds_that_are_missing(tmp_path: Path, trained: list[int]) -> None:
    training = made()
    straight = training.estimate(Proposal(FIRST), 7)
    trained.clear()
    with at(Workplace(tmp_path)):
        lower = training.estimate(Proposal(FIRST, fidelity=1 / 3), 7)
        assert trained == [derived_seed(7, 0)] * 2
        trained.clear()
        found = training.estimate(Proposal(FIRST), 7)
    assert trained == [derived_seed(7, fold) for fold in (1, 1, 2, 2)]
    assert found.metrics == straight.metrics != lower.metrics
    assert training.can_continue and not training.keeps
    assert [training.share(each) for each in (0.01, 0.5, None)] == pytest.approx([1 / 3, 2 / 3, 1.0])


def test_what_a_fold_answered_is_checked(tmp_path: Path, trained: list[int]) -> None:
    training = made()
    with at(Workplace(tmp_path)):
        whole = training.estimate(Proposal(FIRST), 7)
        (answers,) = tmp_path.glob("*/fold-2/epoch-000001.safetensors")
        answers.write_bytes(b"something else")
        trained.clear()
        with pytest.warns(UserWarning, match="passed over"):
            assert training.estimate(Proposal(FIRST), 7).metrics == whole.metrics
        assert trained == [derived_seed(7, 1)] * 2
        trained.clear()
        made(epochs=1).estimate(Proposal(FIRST), 7)  # another training takes nothing of it
        assert len(trained) == 3


def test_a_trial_that_was_killed_goes_on_in_its_fold(tmp_path: Path, trained: list[int]) -> None:
    class Killed(Exception):
        pass

    def kill(entry) -> None:
        if len(trained) == 3:
            raise Killed

    training = made()
    straight = training.estimate(Proposal(FIRST), 7)
    trained.clear()
    with at(Workplace(tmp_path, kill)), pytest.raises(Killed):
        training.estimate(Proposal(FIRST), 7)
    with at(Workplace(tmp_path)):
        assert training.estimate(Proposal(FIRST), 7).metrics == straight.metrics
    assert len(trained) == 6


def test_in_a_search_folds_are_added_to_the_best(trained: list[int]) -> None:
    search = nw.Search(nw.strategies.SuccessiveHalving(SPACE, candidates=3, least=1 / 3), made(), seed=5)
    run = search.run(preflight=False)
    assert len(trained) == 2 * (3 + 2) and run.best.number == 3


def test_where_nothing_else_is_at_hand_all_folds_end_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    class Ticks:
        now = 0.0

        def monotonic(self) -> float:
            self.now += 0.01
            return self.now

    ticks = Ticks()
    for module in ("training.loop", "training.pacing", "estimators.training"):
        monkeypatch.setattr(f"netwright.{module}.time", ticks)
    with at(Workplace(ends=30.0, settles=True)):
        found = made(seconds=100.0).estimate(Proposal(FIRST), 7)
    assert 25 < ticks.now < 31 and found.metrics["trained_steps"] > 10


def test_folds_are_out_of_place_where_the_order_or_a_split_is_given() -> None:
    for options, match in (
        ({"validation": [1, 2, 3]}, "has validation examples of its own .* fidelity 'folds' is not for them"),
        ({"by_time": True}, "in the order of time"),
    ):
        with pytest.raises(UserError, match=match):
            made(table(**options))
    with pytest.raises(ConfigurationError, match="folds is 1; expected a whole number of at least 2"):
        made(folds=1)


def test_folds_share_classes_evenly_keep_groups_whole_and_take_everything_once() -> None:
    strata = np.repeat([0, 1, 2], [20, 9, 2])
    found = folded(strata, 4, 3, 1)
    assert sorted(np.concatenate(found).tolist()) == list(range(31))
    assert {len(each) for each in found} == {7, 8}
    assert all(np.bincount(strata[each], minlength=3)[0] == 5 for each in found)
    assert [each.tolist() for each in found] == [each.tolist() for each in folded(strata, 4, 3, 1)]
    assert [each.tolist() for each in found] != [each.tolist() for each in folded(strata, 4, 4, 1)]
    groups = np.arange(31) // 3
    parts = folded(strata, 4, 3, 1, groups)
    assert sorted(np.concatenate(parts).tolist()) == list(range(31))
    owners = [set(groups[each].tolist()) for each in parts]
    assert sum(map(len, owners)) == 11 and max(map(len, parts)) - min(map(len, parts)) <= 3
    with pytest.raises(DataError, match="12 folds need at least 12 groups, found 11"):
        folded(strata, 12, 3, 1, groups)
