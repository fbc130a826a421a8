from __future__ import annotations

import csv
from contextlib import closing

import pytest
from torch import nn

from netwright.benchmarks.auditing import KEPT, audit
from netwright.core.decision_space import DecisionSpace
from netwright.core.errors import DataError, UserError
from netwright.engine import Search
from netwright.estimators import Training
from netwright.estimators.shared_weights import SharedWeights
from netwright.executors import Processes
from netwright.results.audit import Audit, audit_lines
from netwright.store import Store
from netwright.strategies import RandomSearch
from netwright.strategies.paths import TrainThenSearch, UniformPaths
from netwright.tasks import open_task


class Two(DecisionSpace):
    """Two layers of four channels, each one of three operations: nine networks."""

    def network(self, choose, shape):
        def operations():
            return {
                "conv": lambda: nn.Sequential(nn.Conv2d(4, 4, 3, padding=1, bias=False), nn.BatchNorm2d(4), nn.ReLU()),
                "point": lambda: nn.Sequential(nn.Conv2d(4, 4, 1, bias=False), nn.BatchNorm2d(4), nn.ReLU()),
                "pool": lambda: nn.AvgPool2d(3, 1, 1),
            }

        return nn.Sequential(
            nn.Conv2d(shape.channels, 4, 3, padding=1),
            *[choose.one(f"layer{k}", operations()) for k in range(2)],
            *(nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(16, shape.classes)),
        )


SPACE = Two()


@pytest.fixture(scope="module")
def task():
    return open_task("digits", limit=200)


def search(task):
    estimator = SharedWeights(SPACE, task, epochs=2, batch_size=20, device="cpu")
    return Search(TrainThenSearch(UniformPaths(SPACE), RandomSearch(SPACE), 2), estimator)


@pytest.fixture(scope="module")
def project(task, tmp_path_factory):
    place = tmp_path_factory.mktemp("audited")
    search(task).run(store=place, name="shared")
    return place


@pytest.fixture
def run(task, project):
    return search(task).load(project, "shared")


def table(path, change=lambda rows: rows):
    rows = [{"index": k, "arch": str(each), "accuracy": 50 + k} for k, each in enumerate(SPACE.enumerate())]
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, ("index", "arch", "accuracy"))
        writer.writeheader()
        writer.writerows(change(rows))
    return path


def test_trainings_by_two_workers_give_what_one_process_does(task):
    """The shared weights score in this process, wherever networks are trained alone."""
    audits = []
    with closing(Processes(2, threads=1)) as workers:
        for executor in (None, workers):
            alone = search(task).run(name="shared")
            audits.append(audit(alone, networks=5, epochs=1, seed=3, batch_size=50, executor=executor))
    first, second = audits
    assert first.random == second.random and first.recommended == second.recommended
    assert len({each.true for each in first.random}) > 1 and first.agreements == second.agreements


def test_networks_are_scored_both_ways_and_an_interrupted_audit_goes_on(run, project, task):
    trained = []

    def stop(line):
        if line.startswith("trained"):
            trained.append(line)
        if len(trained) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        audit(run, networks=5, epochs=1, seed=3, on_progress=stop, batch_size=50)
    began = len(trained)
    found = audit(
        search(task).load(project, "shared"), networks=5, epochs=1, seed=3, on_progress=trained.append, batch_size=50
    )
    after = [line for line in trained[began:] if line.startswith("trained")]
    assert 1 <= len(after) <= 3 and began == 3  # of five or six
    assert len({each.architecture for each in found.random}) == 5
    assert found.agreements[0].n == 5 and found.k == 1
    assert found.recommended is not None and found.recommended.recommended
    assert found.recommended.architecture == str(run.best.architecture)
    assert found.recommended.shared == run.best.metrics["val_accuracy"]
    assert found.seconds[1] > 0
    with Store.open_readonly(project) as store:
        assert store.names() == ["shared", next(each for each in store.names() if each.startswith("shared-audit-"))]
        assert Audit.from_json(store.document("shared", KEPT)) == found
    assert any("recommended" in line for line in audit_lines(found))


def test_shared_scores_are_those_of_the_trained_weights(run, project, task, tmp_path):
    found = audit(run, networks=9, table=table(tmp_path / "known.csv"), metric="accuracy")
    alone = SharedWeights(SPACE, task, device="cpu", trained=str(project / "shared" / "shared"))
    by_name = {each.architecture: each.shared for each in found.random}
    assert len(by_name) == 9
    for trial in Search(RandomSearch(SPACE), alone).run(trials=9).trials:
        assert by_name[str(trial.architecture)] == pytest.approx(trial.metrics["val_accuracy"], abs=1e-6)


def test_true_scores_may_come_from_a_table(run, tmp_path):
    found = audit(run, networks=6, table=table(tmp_path / "known.csv"), metric="accuracy")
    ranks = {str(each): 50 + k for k, each in enumerate(SPACE.enumerate())}
    assert all(each.true == ranks[each.architecture] for each in found.random)
    assert found.true_metric == "accuracy in known.csv" and found.seconds[1] == 0
    again = audit(run, networks=6, table=table(tmp_path / "known.csv"), metric="accuracy")
    assert [each.architecture for each in again.random] == [each.architecture for each in found.random]
    other = audit(run, networks=6, table=table(tmp_path / "known.csv"), metric="accuracy", seed=1)
    assert [each.architecture for each in other.random] != [each.architecture for each in found.random]


def test_what_a_table_lacks_is_said(run, tmp_path):
    with pytest.raises(UserError, match=r"no column 'acuracy'; did you mean 'accuracy'"):
        audit(run, table=table(tmp_path / "a.csv"), metric="acuracy")
    with pytest.raises(UserError, match="no score for"):
        audit(run, networks=9, table=table(tmp_path / "b.csv", lambda rows: rows[:4]), metric="accuracy")
    with pytest.raises(DataError, match="not a table of scores"):
        audit(run, table=table(tmp_path / "c.csv"), metric="arch")
    with pytest.raises(DataError, match="cannot be read"):
        audit(run, table=tmp_path / "none.csv", metric="accuracy")
    with pytest.raises(UserError, match="give metric"):
        audit(run, table=table(tmp_path / "d.csv"))


def test_a_run_without_shared_weights_has_nothing_to_audit(task):
    plain = Search(RandomSearch(SPACE), Training(SPACE, task, epochs=1, device="cpu")).run(trials=1)
    with pytest.raises(UserError, match="nothing to audit"):
        audit(plain)


def test_a_run_in_memory_can_be_audited(task, tmp_path):
    run = search(task).run()
    found = audit(run, networks=4, table=table(tmp_path / "known.csv"), metric="accuracy")
    assert found.agreements[0].n == 4
    assert run.kept(KEPT) == found.as_json()
