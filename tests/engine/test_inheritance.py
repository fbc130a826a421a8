"""Children begin from their parents' trained weights, wherever they run and however often the search was stopped."""

from __future__ import annotations

import shutil
import warnings
from pathlib import Path

import pytest

import netwright as nw
from netwright.core.errors import ConfigurationError
from netwright.core.randomness import derived_seed
from netwright.core.trial import Proposal
from netwright.core.workplace import Parent, Workplace, at
from netwright.executors import Processes

SPACE = nw.spaces.Chain(width=4, stages=1, most=2)
PARENT = SPACE.parse(
    '{"stage1/width":1.0,"stage1/depth":1,"stage1/depth/0/operation":"conv","stage1/depth/0/operation/conv/kernel":3}'
)
CHILD = next(each for each in SPACE.neighbors(PARENT) if each["stage1/depth"] == 2)


@pytest.fixture(scope="module")
def task():
    return nw.tasks.digits(limit=200)


@pytest.fixture(scope="module")
def training(task):
    return nw.estimators.Training(SPACE, task, epochs=8, batch_size=64, device="cpu")


def params(architecture):
    return sum(each.numel() for each in SPACE.build(architecture, nw.TaskShape((1, 8, 8), 10)).parameters())


def measured(training, folder, parent):
    with at(Workplace(folder, parent=parent)):
        return training.estimate(Proposal(CHILD, parent=3), 7)


@pytest.fixture(scope="module")
def parents(training, tmp_path_factory):
    folder = tmp_path_factory.mktemp("parent")
    with at(Workplace(folder)):
        training.estimate(Proposal(PARENT), 11)
    return folder


def test_a_child_begins_from_its_parents_weights_for_a_share_of_the_epochs(training, parents, tmp_path: Path) -> None:
    first = measured(training, tmp_path / "a", Parent(PARENT, 11, parents, 0.5))
    assert first.metrics["inherited_params"] == params(PARENT) < params(CHILD) and len(first.curve) == 4
    again = measured(training, tmp_path / "b", Parent(PARENT, 11, parents, 0.5))
    assert again.metrics == first.metrics
    assert training.kept(tmp_path / "a", CHILD) is not None
    anew = measured(training, tmp_path / "c", None)
    assert "inherited_params" not in anew.metrics and len(anew.curve) == 8
    assert first.curve[0]["train_loss"] < anew.curve[0]["train_loss"]


def test_a_child_that_was_begun_goes_on_though_its_parent_is_gone(training, parents, tmp_path: Path) -> None:
    whole = measured(training, tmp_path / "whole", Parent(PARENT, 11, parents))
    gone = tmp_path / "parent"
    shutil.copytree(parents, gone)

    class Preempted(BaseException):
        pass

    def stop(entry) -> None:
        raise Preempted

    with pytest.raises(Preempted), at(Workplace(tmp_path / "again", stop, parent=Parent(PARENT, 11, gone))):
        training.estimate(Proposal(CHILD, parent=3), 7)
    shutil.rmtree(gone)
    again = measured(training, tmp_path / "again", Parent(PARENT, 11, gone))
    assert again.metrics == whole.metrics


@pytest.mark.parametrize("harm", ["removed", "changed", "another seed", "nowhere"])
def test_where_the_parents_files_are_no_more_the_child_begins_anew_and_says_so(
    training, parents, harm: str, tmp_path: Path
) -> None:
    gone = tmp_path / "parent"
    shutil.copytree(parents, gone)
    if harm == "removed":
        shutil.rmtree(gone)
    if harm == "changed":
        for path in gone.rglob("*.safetensors"):
            path.write_bytes(path.read_bytes()[:-4] + b"evil")
    place = None if harm == "nowhere" else gone
    with pytest.warns(UserWarning, match="are gone: its child begins anew"):
        found = measured(training, tmp_path / "child", Parent(PARENT, 12 if harm == "another seed" else 11, place, 0.5))
    anew = measured(training, tmp_path / "anew", None)
    assert found.metrics == {**anew.metrics, "inherited_params": 0.0}


# In a search.


def search(training, **options) -> nw.Search:
    strategy = nw.strategies.RegularizedEvolution(
        SPACE, population=3, tournament=2, inherit=True, child_share=0.5, **options
    )
    return nw.Search(strategy, training, seed=1)


@pytest.fixture(scope="module")
def whole(training, tmp_path_factory):
    return search(training).run(trials=7, store=tmp_path_factory.mktemp("whole"))


def test_the_children_of_a_search_say_what_they_inherited(whole) -> None:
    for trial in whole.trials:
        child = trial.proposal.parent is not None
        assert ("inherited_params" in trial.metrics) is child is (trial.number >= 3)
        assert len(trial.measurement.curve) == (4 if child else 8)
        assert trial.metrics.get("inherited_params", 1) > 0


def test_a_child_of_a_search_can_be_trained_again_from_what_its_parent_kept(training, whole, tmp_path: Path) -> None:
    kept = {each.number: whole.weights(each) for each in whole.trials}
    child = next(each for each in reversed(whole.trials) if kept.get(each.proposal.parent))
    parent = whole.trials[child.proposal.parent]
    seeds = [derived_seed(1, each.number) for each in (parent, child)]
    place = Parent(parent.architecture, seeds[0], kept[parent.number].parent, 0.5)
    with at(Workplace(tmp_path, parent=place)):
        again = training.estimate(child.proposal, seeds[1])
    assert {name: child.metrics[name] for name in again.metrics} == again.metrics


def test_the_living_keep_their_networks_and_nobody_else(whole) -> None:
    living = {each.number for each in whole.trials[-3:]}
    kept = {each.number for each in whole.trials if whole.weights(each) is not None}
    assert living <= kept <= living | {whole.best.number}


def test_a_search_in_two_sessions_finds_the_same(training, whole, tmp_path: Path) -> None:
    search(training).run(trials=4, store=tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        run = search(training).run(trials=7, store=tmp_path, resume=True)
    assert run.table() == whole.table()


def test_a_search_that_was_interrupted_in_a_child_finds_the_same(training, whole, tmp_path: Path, monkeypatch) -> None:
    calls: list[int] = []
    plain = nw.estimators.Training.estimate

    def estimate(self, proposal, seed):
        calls.append(seed)
        if len(calls) == 5:
            raise KeyboardInterrupt
        return plain(self, proposal, seed)

    monkeypatch.setattr(nw.estimators.Training, "estimate", estimate)
    with pytest.raises(KeyboardInterrupt):
        search(training).run(trials=7, store=tmp_path)
    run = search(training).run(trials=7, store=tmp_path, resume=True)
    assert run.table() == whole.table()


def test_workers_inherit_as_the_search_itself_does(training, whole) -> None:
    run = search(training).run(trials=5, executor=Processes(1))
    assert run.table() == whole.table()[:5]


def test_local_search_inherits_from_where_it_stands(training) -> None:
    strategy = nw.strategies.LocalSearch(SPACE, inherit=True, child_share=0.5)
    run = nw.Search(strategy, training, seed=2).run(trials=4)
    assert "inherited_params" not in run.trials[0].metrics
    assert all(each.metrics["inherited_params"] > 0 for each in run.trials[1:])


def test_where_nothing_is_trained_it_is_said_that_children_inherit_nothing() -> None:
    scored = nw.estimators.Function(lambda architecture: len(architecture.decisions), "score")
    strategy = nw.strategies.RegularizedEvolution(SPACE, population=3, inherit=True)
    with pytest.warns(UserWarning, match="keeps no trained networks, so that children inherit nothing"):
        run = nw.Search(strategy, scored, "score").run(trials=5)
    assert len(run.trials) == 5


def test_without_inheritance_nothing_changes(training) -> None:
    plain = nw.strategies.RegularizedEvolution(SPACE, population=3)
    assert plain.inherits == 0 and not plain.may_continue(0)
    assert set(plain.configuration()["arguments"]) == {"space", "population", "tournament", "identity", "repeats"}
    assert search(training).strategy.configuration()["arguments"]["child_share"] == 0.5


def test_a_share_without_inheritance_is_refused() -> None:
    for kind in (nw.strategies.RegularizedEvolution, nw.strategies.LocalSearch):
        with pytest.raises(ConfigurationError, match="give inherit=True, too"):
            kind(SPACE, child_share=0.5)
        with pytest.raises(ConfigurationError, match="a share above 0 and at most 1"):
            kind(SPACE, inherit=True, child_share=0)
