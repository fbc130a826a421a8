"""The final training: on everything but the test split, once a seed, each judged once on the test split."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from netwright.core.errors import NetwrightError, TrialFailed, UserError
from netwright.core.kinds import kinds_checked
from netwright.core.memory_use import peak_of_process
from netwright.core.problem import Metric
from netwright.core.roles import chosen_training
from netwright.core.task import Data
from netwright.networks.counting import count_predicting
from netwright.results.figures import Contender
from netwright.results.hardware import hardware
from netwright.training import OutOfTime, TrainingResult, TrainingSettings, seeded, train
from netwright.training.evaluation import evaluate_keeping
from netwright.training.progress import load_trained

if TYPE_CHECKING:
    from netwright.core.architecture import Architecture
    from netwright.core.space import Space
    from netwright.tasks.task import Task

OnEpoch = Callable[[int, Mapping[str, float]], None]
DENSE_KEPT = 1 << 24  # bytes of outputs that are kept of a test, where there is an answer at each place
MONITORED = 256
"""Training examples that stand in for held-out ones, so that the test split is not looked at while training."""


@dataclass(frozen=True)
class Trained:
    """One training and its test.

    seed: of the training.
    test: the loss and each metric of the problem on the test split, by name.
    seconds: training and testing, wall-clock.
    epochs: that were trained; by the clock (`TrainingSettings.seconds`), trainings of so many seconds.
    stopped: "epochs" when all were done, "deadline" when another would not have fitted.
    precision: in which it computed.
    channels_last: whether images lay with their channels last.
    threads: that PyTorch computed with.
    device: the name of the one that computed.
    peak_memory: bytes, of the device where it tells.
    notes: what a reader must know.
    """

    seed: int
    test: Mapping[str, float]
    seconds: float
    epochs: int
    stopped: str
    precision: str
    channels_last: bool
    threads: int
    device: str
    peak_memory: int | None
    notes: tuple[str, ...]

    @classmethod
    def from_json(cls, described: Mapping[str, Any]) -> Trained:
        """The training of its fields, or of those of earlier versions, which had classes only."""
        own = {**described, "notes": tuple(described["notes"])}
        if "test" not in own:
            own["test"] = {name: own.pop(f"test_{name}") for name in ("accuracy", "loss")}
        return cls(**own)


@dataclass(frozen=True, eq=False)
class FinalResult:
    """An architecture trained finally with several seeds.

    architecture: that was trained.
    settings: of each training.
    trainings: one for each seed that ended well.
    params: numbers of the network.
    macs: multiply-adds for one example.
    network: the one of `exported_seed`, the first seed that was trained to the end (never the best on the test split),
        on the CPU in eval mode.
    outputs: what it gave for the test split, float32 on the CPU, on `device`; where answers are dense for as many of
        the first test examples as 16 MiB hold.
    main: the metric that contenders are compared by.
    device: on which it was trained, as cpu or cuda:0.
    failed: seeds without a result, and why.
    hardware: device, threads and versions.
    """

    architecture: Architecture
    settings: TrainingSettings
    trainings: tuple[Trained, ...]
    params: int
    macs: int
    network: nn.Module
    outputs: Tensor
    main: Metric
    device: str
    failed: Mapping[int, str]
    hardware: Mapping[str, Any]

    @property
    def exported_seed(self) -> int:
        return self.trainings[0].seed

    @property
    def seconds(self) -> float:
        return sum(each.seconds for each in self.trainings)

    def contender(self, name: str = "found network") -> Contender:
        return contender(name, self.trainings, self.params, self.macs, self.main)


@kinds_checked
def train_final(
    space: Space,
    architecture: Architecture,
    task: Task,
    settings: TrainingSettings,
    *,
    seeds: Sequence[int] = (0, 1, 2),
    device: torch.device | str = "cpu",
    directory: str | Path | None = None,
    on_epoch: OnEpoch | None = None,
    deadline: float | None = None,
    others: Sequence[Architecture] = (),
) -> FinalResult:
    """Train an architecture on everything but the test split, and test it once a seed.

    space: of the architecture.
    architecture: that is trained.
    task: with its test split.
    settings: how to train, but for what an architecture has chosen itself (`WithTraining`).
    seeds: of the trainings, none twice.
    device: as "cpu", "cuda" or "cuda:0".
    directory: checkpoints go there, from which an interrupted final training continues.
    on_epoch: called with the seed and the entry of the curve.
    deadline: in `time.monotonic()` seconds; the time left is shared among the seeds left. A seed that fails is left out
        and named; raises TrialFailed where all do, UserError for repeated or no seeds.
    others: what equal searches with other seeds found; each is trained with a seed of its own after the first, so that
        there are as many seeds as architectures.
    """
    check_seeds(seeds)
    each_seed = [architecture, *others] if others else [architecture] * len(seeds)
    builds = {
        seed: lambda found=found: space.build(found, task.shape) for seed, found in zip(seeds, each_seed, strict=True)
    }
    chosen = [settings.replace(**chosen_training(space, each)) for each in each_seed]
    # What was found must not be lost for a first epoch that takes longer than the time left.
    options = Options(device, None if directory is None else Path(directory), on_epoch, deadline, whole_epoch=True)
    made, failed = train_each(builds, task, dict(zip(seeds, chosen, strict=True)), options)
    first = made[0]
    cost = count_predicting(first.network, task.shape.input)
    return FinalResult(
        architecture=architecture,
        settings=chosen[0],
        trainings=tuple(each.record for each in made),
        params=cost.params,
        macs=cost.macs,
        network=first.network,
        outputs=first.outputs,
        main=task.problem.main,
        device=str(device),
        failed=failed,
        hardware=hardware(device),
    )


@dataclass(frozen=True)
class Options:
    """Where and how long to train; see `train_final`.

    whole_epoch: of the first seed, even where it takes longer.
    """

    device: torch.device | str = "cpu"
    directory: Path | None = None
    on_epoch: OnEpoch | None = None
    deadline: float | None = None
    whole_epoch: bool = False


@dataclass(frozen=True, eq=False)
class Tested:
    """A trained network on the CPU, its record, and its outputs for the test split, see `FinalResult`."""

    record: Trained
    network: nn.Module
    outputs: Tensor
    shape: tuple[int, ...]  # of one example


def train_each(
    builds: Mapping[int, Callable[[], nn.Module]],
    task: Task,
    settings: Mapping[int, TrainingSettings],
    options: Options,
) -> tuple[list[Tested], dict[int, str]]:
    """Train and test one network a seed: those that succeed, and why the others did not.

    builds, settings: by seed. The time left is shared among the seeds left.
    Raises TrialFailed where none succeeds.
    """
    data = task.final_data(options.device)
    done: list[Tested] = []
    failed: dict[int, str] = {}
    for place, (seed, build) in enumerate(builds.items()):
        deadline = _share(options.deadline, len(builds) - place)
        try:
            with seeded(seed):
                network = build()
            done.append(
                train_and_test(
                    *(network, data, settings[seed], seed),
                    device=options.device,
                    checkpoint=None if options.directory is None else options.directory / f"seed-{seed}",
                    on_epoch=_of_seed(options.on_epoch, seed),
                    deadline=deadline,
                    whole_epoch=options.whole_epoch,
                )
            )
            options = replace(options, whole_epoch=False)  # there is a result now
        except TrialFailed as problem:
            failed[seed] = f"{problem.state}: {one_line(problem)}"
    if not done:
        raise TrialFailed(f"no final training succeeded; the first one ended with {next(iter(failed.values()))}")
    return done, failed


def train_and_test(
    network: nn.Module,
    data: Data,
    settings: TrainingSettings,
    seed: int,
    *,
    device: torch.device | str,
    epochs: int | None = None,
    begun: int = 0,
    checkpoint: Path | None = None,
    on_epoch: Callable[[dict[str, float]], None] | None = None,
    deadline: float | None = None,
    whole_epoch: bool = False,
    anneal_by: float | None = None,
    give_up_at: float | None = None,
    notes: Sequence[str] = (),
) -> Tested:
    """Train one network and look at the test split once.

    epochs: those of the settings by default; 0 tests the network as it is.
    begun: epochs that it was trained for before; by the clock (`TrainingSettings.seconds`), trainings.
    checkpoint: the folder of this training's.
    deadline, whole_epoch, anneal_by, give_up_at: as of `Options` and of `train`; a training that is given up leaves the
        network as its last checkpoint has it, or as it was.
    """
    began, used, stopped = time.monotonic(), begun, "epochs"
    chosen: dict[str, Any] = {"precision": "float32", "channels_last": False, "threads": torch.get_num_threads()}
    chosen |= {"device": str(device), "peak_memory": None}
    if epochs != 0:
        before = {name: tensor.clone() for name, tensor in network.state_dict().items()} if begun else None
        try:
            result = _trained(
                network,
                data,
                settings,
                seed,
                device,
                checkpoint,
                on_epoch,
                anneal_by,
                give_up_at,
                deadline,
                whole_epoch,
            )
            used, stopped = begun + (result.epochs if settings.seconds is None else 1), result.stopped
            chosen = {name: getattr(result, name) for name in chosen}
            notes = (*notes, *result.notes)
        except TrialFailed as problem:
            used, stopped = _saved(network, before, begun, checkpoint, problem), "deadline"
            notes = (*notes, f"the final training did not come to its end ({one_line(problem)})")
    figures, outputs = evaluate_keeping(
        network, data.held_out, data, device=device, threads=chosen["threads"], keep=_kept(data)
    )
    trained = Trained(
        seed=seed,
        test=figures,
        seconds=time.monotonic() - began,
        epochs=used,
        stopped=stopped,
        notes=tuple(notes),
        **{**chosen, "peak_memory": chosen["peak_memory"] or peak_of_process()},
    )
    return Tested(trained, network.cpu().eval(), outputs, data.held_out.shape[1:])


def _kept(data: Data) -> int:
    """Of how many test examples the outputs are kept."""
    if not data.problem.dense:
        return len(data.held_out)
    numbers = data.problem.outputs * math.prod(data.held_out.shape[2:] or data.held_out.shape[1:])
    return max(1, DENSE_KEPT // (4 * numbers))


def _trained(
    network: nn.Module,
    data: Data,
    settings: TrainingSettings,
    seed: int,
    device: torch.device | str,
    checkpoint: Path | None,
    on_epoch: Callable[[dict[str, float]], None] | None,
    anneal_by: float | None,
    give_up_at: float | None,
    deadline: float | None,
    whole_epoch: bool,
) -> TrainingResult:
    """One final training; training examples stand in for held-out ones while it goes on."""
    unseen = data.train.part(0, MONITORED)
    return train(
        network,
        replace(data, held_out=unseen),
        settings.replace(evaluate_every=settings.epochs, patience=None, keep_best=False, part_decay=False),
        seed,
        device=device,
        checkpoint=checkpoint,
        on_epoch=on_epoch,
        deadline=deadline,
        first_epoch_deadline=math.inf if whole_epoch else None,
        anneal_by=anneal_by,
        give_up_at=give_up_at,
    )


def _saved(
    network: nn.Module, before: Mapping[str, Tensor] | None, begun: int, checkpoint: Path | None, problem: TrialFailed
) -> int:
    """Give the network the best weights that a training which failed has left; the epochs behind them.

    Raises the problem where there are none: no epoch was done, and there was nothing before it.
    """
    late = isinstance(problem, OutOfTime) and checkpoint is not None
    epochs = load_trained(network, checkpoint) if late else None  # pyright: ignore[reportArgumentType]
    if epochs is not None:
        return begun + epochs
    if before is None:
        raise problem
    network.load_state_dict(dict(before))
    return begun


def one_line(problem: Exception) -> str:
    """The reason as one line; what netwright did not raise itself also says what it is."""
    text = " ".join(str(problem).partition("\n")[0].split())
    return text if isinstance(problem, NetwrightError) else f"{type(problem).__name__}: {text}".removesuffix(": ")


def contender(
    name: str, trainings: Sequence[Trained], params: float | None, macs: float | None, main: Metric, note: str = ""
) -> Contender:
    measured = {each: tuple(t.test[each] for t in trainings) for each in trainings[0].test if each != main.name}
    return Contender(
        name,
        tuple(each.test[main.name] for each in trainings),
        tuple(each.seed for each in trainings),
        params,
        macs,
        sum(each.seconds for each in trainings),
        note,
        measured,
    )


def check_seeds(seeds: Sequence[int]) -> None:
    if not seeds or len(set(seeds)) < len(seeds):
        raise UserError(f"a final training needs at least one seed, each once, found {list(seeds)}")


def _of_seed(on_epoch: OnEpoch | None, seed: int) -> Callable[[dict[str, float]], None] | None:
    return None if on_epoch is None else lambda entry: on_epoch(seed, entry)


def _share(deadline: float | None, left: int) -> float | None:
    if deadline is None:
        return None
    now = time.monotonic()
    return now + max(0.0, deadline - now) / left
