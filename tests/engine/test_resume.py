"""A run is a log: stopped anywhere and resumed, it ends as it would have. Kills: tests/faults."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages

import numpy as np
import pytest
from search_parts import Cell, Climbing, Counting, Listing, Noisy, Sampling, Shuffled

import netwright
from netwright.core.architecture import Mixture
from netwright.core.configuration import Configured
from netwright.core.errors import CorruptStore, UserError
from netwright.core.estimator import Estimator
from netwright.core.trial import Measurement, Proposal, Trial
from netwright.engine import Interrupted, Search
from netwright.estimators import Stack
from netwright.store import Store
from netwright.strategies import Generational, GeneticAlgorithm
from netwright.tasks import arrays

WORKER = """
import sys
sys.path.insert(0, sys.argv[1])
from search_parts import Cell, Climbing, Noisy
from netwright.engine import Search
search = Search(Climbing(Cell()), Noisy(float(sys.argv[4]), float(sys.argv[5])), seed=int(sys.argv[3]))
from netwright.estimators import Stack
from netwright.store import Store
from netwright.tasks import arrays
with Store(sys.argv[2]) as store:
    search.run(trials=int(sys.argv[6]), store=store, name="r", resume="r" in store.names(),
               on_trial=lambda trial: print(trial.number, trial.state, flush=True))
"""


def arguments(directory: Path, seed: int, trouble: float, seconds: float, trials: int) -> list[str]:
    here = str(Path(__file__).parent)
    return [sys.executable, "-c", WORKER, here, *map(str, (directory, seed, trouble, seconds, trials))]


def test_the_order_of_asks_and_tells_is_kept_with_many_slots(tmp_path: Path) -> None:
    """A strategy that is rebuilt from the log is told in the order in which it was told."""
    search = Search(Climbing(Cell()), Noisy(0.3), seed=5)

    def stop(trial: Trial) -> None:
        order.append(trial.number)
        if len(order) == 70:
            raise KeyboardInterrupt

    order: list[int] = []
    with pytest.raises(Interrupted) as caught:
        search.run(trials=100, store=tmp_path / "p", name="r", executor=Shuffled(4), on_trial=stop)
    assert order != sorted(order)
    assert [trial.number for trial in caught.value.run.strategy.trials][: len(order)] == order
    resumed = search.run(trials=100, store=tmp_path / "p", name="r", resume=True, executor=Shuffled(4, seed=9))
    assert [trial.number for trial in resumed.strategy.trials][: len(order)] == order
    assert len(resumed.trials) == 100
    assert search.load(tmp_path / "p").table() == resumed.table()


def test_trials_that_were_under_way_are_begun_again_with_the_same_seed(tmp_path: Path) -> None:
    class Stubborn(Noisy):
        fail = True

        def estimate(self, proposal: Proposal, seed: int) -> Measurement:
            seeds.append(seed)
            if len(seeds) == 8:
                raise KeyboardInterrupt
            return super().estimate(proposal, seed)

    seeds: list[int] = []
    search = Search(Climbing(Cell()), Stubborn())
    with pytest.raises(Interrupted, match=r"after 7 trials; go on with: search.run\(trials=") as caught:
        search.run(trials=12, store=tmp_path / "p", name="r")
    assert len(caught.value.run.trials) == 7 and caught.value.exit_code == 130
    with Store.open_readonly(tmp_path / "p") as store:
        run = store.read_run("r")
        assert run.summary.state == "interrupted" and run.counts["running"] == 1
    resumed = search.run(trials=12, store=tmp_path / "p", name="r", resume=True)
    assert seeds[7] == seeds[8] and len(set(seeds)) == 12
    with Store.open_readonly(tmp_path / "p") as store:
        assert [trial.attempt for trial in store.read_run("r").trials] == [1] * 7 + [2] + [1] * 4
    assert resumed.table() == Search(Climbing(Cell()), Noisy()).run(trials=12).table()


def test_a_finished_run_can_go_on(tmp_path: Path) -> None:
    search = Search(Climbing(Cell()), Noisy(), seed=2)
    search.run(trials=10, store=tmp_path / "p")
    again = search.run(trials=10, store=tmp_path / "p", resume=True)
    assert len(again.trials) == 10
    longer = search.run(trials=25, store=tmp_path / "p", resume=True)
    assert longer.table() == search.run(trials=25).table() and longer.name == "cell-climbing-1"


def test_patience_counts_across_a_resume(tmp_path: Path) -> None:
    search = Search(Listing(Cell(edges=3)), Counting())
    search.run(trials=9, store=tmp_path / "p", name="r")
    resumed = search.run(patience=40, store=tmp_path / "p", name="r", resume=True)
    assert resumed.table() == search.run(patience=40).table()


def test_time_counts_across_a_resume(tmp_path: Path) -> None:
    search = Search(Climbing(Cell()), Noisy(seconds=0.05))
    search.run(trials=8, store=tmp_path / "p", name="r")
    resumed = search.run(time=0.2, store=tmp_path / "p", name="r", resume=True)
    assert len(resumed.trials) in (8, 9) and "time is up" in resumed.stopped


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"seed": 1}, r"seed: was 0, now 1"),
        ({"objective": "params"}, r"objective\[0\]: was 'val_accuracy:maximize', now 'params:minimize'"),
        ({"strategy": Climbing(Cell(), population=7)}, r"strategy.population: was 6, now 7"),
        ({"strategy": Climbing(Cell(operations=4))}, r"strategy.space.operations: was 5, now 4"),
        ({"estimator": Noisy(0.5)}, r"estimator.trouble: was 0.0, now 0.5"),
        ({"strategy": Sampling(Cell())}, r"strategy.class: was 'search_parts:Climbing'"),
        ({"constraints": "params <= 5"}, r"constraints: was \[\], now"),
    ],
)
def test_other_settings_are_refused_with_what_differs(tmp_path: Path, changed: dict, message: str) -> None:
    search = Search(Climbing(Cell()), Noisy())
    search.run(trials=3, store=tmp_path / "p", name="r")
    with pytest.raises(UserError, match=message):
        search.replace(**changed).run(trials=5, store=tmp_path / "p", name="r", resume=True)


def test_a_class_of_the_package_may_lie_in_another_file_than_it_did(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    search = Search(GeneticAlgorithm(Cell(), 4, survivor=Generational()), Noisy())
    for cls, file in ((GeneticAlgorithm, "netwright.strategies.genetic"), (Generational, "netwright.strategies.dying")):
        monkeypatch.setattr(cls, "__module__", file)
    search.run(trials=6, store=tmp_path / "p", name="r")
    monkeypatch.undo()
    resumed = search.run(trials=12, store=tmp_path / "p", name="r", resume=True)
    assert resumed.table() == search.run(trials=12).table()
    with pytest.raises(UserError, match=r"strategy.survivor.class: was 'netwright.strategies.dying:Generational'"):
        search.replace(strategy=GeneticAlgorithm(Cell(), 4)).load(tmp_path / "p", "r")


def test_the_name_of_a_class_of_the_package_says_which_one_it_is() -> None:
    """So that it is the same one wherever its file lies: no two of one role have one name."""
    for module in walk_packages(netwright.__path__, "netwright."):
        if not module.name.endswith("__main__"):
            import_module(module.name)
    own = {(role(cls).__name__, cls.__qualname__, cls.__module__) for cls in subclasses(Configured) if is_own(cls)}
    found = Counter(each[:2] for each in own)  # a module that another test imported anew counts once
    assert len(found) > 100 and set(found.values()) == {1}


def subclasses(cls: type) -> set[type]:
    return {cls}.union(*(subclasses(each) for each in cls.__subclasses__())) - {Configured}


def is_own(cls: type) -> bool:
    return cls.__module__.startswith("netwright.")


def role(cls: type) -> type:
    """The class just below `Configured` from which this one comes."""
    return next(each for each in cls.__mro__ if Configured in each.__bases__)


def test_a_strategy_that_proposes_something_else_is_refused(tmp_path: Path) -> None:
    class Fickle(Sampling):
        early = True

        def ask(self, rng: np.random.Generator) -> Proposal:
            if not self.early and len(self.told) == 4:
                rng.random()
            return super().ask(rng)

    search = Search(Fickle(Cell()), Noisy())
    search.run(trials=8, store=tmp_path / "p", name="r")
    Fickle.early = False
    with pytest.raises(UserError, match=r"another version. The strategy proposed \{.*\} as trial 4 then, and"):
        search.run(trials=9, store=tmp_path / "p", name="r", resume=True)


def test_a_log_with_gaps_is_corrupt(tmp_path: Path) -> None:
    search = Search(Sampling(Cell()), Noisy())
    search.run(trials=8, store=tmp_path / "p", name="r")
    connection = sqlite3.connect(tmp_path / "p" / "netwright.db")
    with connection:
        connection.execute("DELETE FROM trials WHERE number = 3")
    connection.close()
    with pytest.raises(CorruptStore, match=r"has gaps|were written"):
        search.run(trials=9, store=tmp_path / "p", name="r", resume=True)


def test_runs_that_exist_are_not_reused_and_those_that_do_not_are_named(tmp_path: Path) -> None:
    search = Search(Sampling(Cell()), Counting())
    assert search.run(trials=2, store=tmp_path / "p").name == "cell-sampling-1"
    assert search.run(trials=2, store=tmp_path / "p").name == "cell-sampling-2"
    with pytest.raises(UserError, match="exists already"):
        search.run(trials=2, store=tmp_path / "p", name="cell-sampling-1")
    with pytest.raises(UserError, match="did you mean 'cell-sampling-1'"):
        search.run(trials=2, store=tmp_path / "p", name="cell-samplin-1", resume=True)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_leaves_a_run_that_can_be_resumed(tmp_path: Path, number: int, code: int) -> None:
    script = WORKER.replace(
        "with Store", "from netwright.engine import Interrupted\nimport contextlib, os\nwith Store"
    ).replace("    search.run(", "    try:\n      search.run(") + (
        "    except Interrupted as stop:\n      print(stop, stop.exit_code, flush=True); os._exit(stop.exit_code)\n"
    )
    command = arguments(tmp_path / "p", 1, 0.0, 0.02, 1000)
    command[2] = script
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    lines = [process.stdout.readline() for _ in range(5)]
    assert lines[0] == "0 completed\n"
    process.send_signal(number)
    rest = process.stdout.read().splitlines()
    process.stdout.close()
    assert process.wait(timeout=10) == code
    assert "go on with: search.run(" in rest[-1] and rest[-1].endswith(str(code))
    with Store.open_readonly(tmp_path / "p") as store:
        run = store.read_run("r")
    assert run.summary.state == "interrupted"
    assert sum(trial.completed for trial in run.trials) == len(lines) + len(rest) - 1


def test_signal_handlers_are_put_back() -> None:
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    Search(Sampling(Cell()), Counting()).run(trials=3)
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


class Mixing(Climbing):
    """Follows the gradient of a mixture: holds tensors, and is rebuilt from the log all the same."""

    def ask(self, rng: np.random.Generator) -> Proposal:
        import torch

        weights = self.trials[-1].measurement.gradient if self.trials else {}
        start = torch.tensor(rng.random(5), dtype=torch.float32)
        return Proposal(Mixture({"edge0": (weights or {}).get("edge0", start) * 0.5 + start}))

    def tell(self, trial: Trial) -> None:
        self.trials.append(trial)


class Steps(Estimator):
    def estimate(self, proposal: Proposal, seed: int) -> Measurement:
        assert isinstance(proposal.candidate, Mixture)
        weights = proposal.candidate.weights["edge0"]
        return Measurement({"val_accuracy": weights.sum()}, gradient={"edge0": weights.sin()})


def test_mixtures_and_gradients_are_stored_exactly(tmp_path: Path) -> None:
    search = Search(Mixing(Cell()), Steps())
    search.run(trials=6, store=tmp_path / "p", name="r")
    resumed = search.run(trials=12, store=tmp_path / "p", name="r", resume=True)
    assert resumed.table() == search.run(trials=12).table()
    gradient = resumed.trials[3].measurement.gradient
    expected = search.run(trials=12).trials[3].measurement.gradient
    assert gradient is not None and expected is not None
    assert gradient["edge0"].equal(expected["edge0"]) and gradient["edge0"].dtype == expected["edge0"].dtype


def test_what_is_kept_with_a_run_is_found_again(tmp_path: Path) -> None:
    search = Search(Sampling(Cell()), Counting())
    with Store(tmp_path / "p") as store:
        run = search.run(trials=2, store=store, name="r", notes={"argv": ["a", 1]})
        run.keep("finals", {"accuracy": [0.9, 0.91]})
        assert run.kept("finals") == {"accuracy": [0.9, 0.91]}
    run.keep("finals", {"accuracy": [0.95]})
    assert search.load(tmp_path / "p", "r").kept("finals") == {"accuracy": [0.95]}
    with Store.open_readonly(tmp_path / "p") as store:
        assert store.document("r", "notes") == {"argv": ["a", 1]}
        assert store.document("r", "nothing") is None
    memory = search.run(trials=1)
    memory.keep("a", 1)
    assert (memory.kept("a"), memory.kept("b")) == (1, None)


def test_a_killed_driver_leaves_its_run_to_be_seen_as_interrupted(tmp_path: Path) -> None:
    process = subprocess.Popen(arguments(tmp_path / "p", 1, 0.0, 0.02, 1000), stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    process.stdout.readline()
    with Store.open_readonly(tmp_path / "p") as store:
        assert store.summary("r").state == "running" and store.summary("r").driven
    process.kill()
    process.wait()
    process.stdout.close()
    deadline = time.monotonic() + 5
    with Store.open_readonly(tmp_path / "p") as store:
        while store.summary("r").driven and time.monotonic() < deadline:
            time.sleep(0.01)
        assert store.summary("r").state == "interrupted" and not store.summary("r").driven


class OnTask(Noisy):
    """A stage that measures on a task."""

    def __init__(self, task) -> None:
        super().__init__()
        self.task = task


def test_a_run_is_not_resumed_or_read_with_other_data(tmp_path) -> None:
    inputs, labels = np.arange(80, dtype="float32").reshape(40, 2), np.arange(40) % 2

    def search(inputs):
        return Search(Sampling(Cell()), Stack(Counting(), OnTask(arrays(inputs, labels))))

    search(inputs).run(trials=3, store=tmp_path, name="a")
    assert len(search(inputs.copy()).run(trials=5, store=tmp_path, name="a", resume=True).trials) == 5
    changed = inputs.copy()
    changed[7, 1] += 1
    with pytest.raises(UserError, match="the data changed since run 'a' was made"):
        search(changed).run(trials=7, store=tmp_path, name="a", resume=True)
    with pytest.raises(UserError, match="the data changed since run 'a' was made"):
        search(changed).load(tmp_path, "a")
    assert len(search(inputs).load(tmp_path, "a").trials) == 5


class Greedy(Counting):
    """Says that it took another amount of memory and time whenever it is asked."""

    def estimate(self, proposal: Proposal, seed: int) -> Measurement:
        found = super().estimate(proposal, seed)
        return Measurement({**found.metrics, "peak_memory": time.monotonic(), "latency": time.monotonic()})


def test_what_the_system_measured_is_in_no_table_that_a_resumed_run_must_equal(tmp_path: Path) -> None:
    search = Search(Sampling(Cell()), Greedy(), seed=3)
    search.run(trials=4, store=tmp_path, name="r")
    resumed = search.run(trials=9, store=tmp_path, name="r", resume=True)
    assert resumed.table() == search.run(trials=9).table()
    assert set(resumed.table()[0]["metrics"]) == {"val_accuracy", "params"}
