"""The options of the commands that have many, each typed once: name, kind, default and help.

A field of `Asked` is one of `plan.Plan` too, which a run remembers. Annotations are evaluated as they stand, since the
signatures of commands are made of them.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from netwright.cli import completing
from netwright.cli.asked_data import DataOptions
from netwright.cli.options import (
    RUNS,
    DataName,
    Directory,
    Json,
    OtherAddress,
    OtherCpus,
    OtherDevice,
    OtherExecutor,
    OtherGpus,
    OtherMemory,
    OtherStall,
    OtherTimeout,
    OtherWorkers,
    Quiet,
    RunName,
    Trust,
)
from netwright.cli.taking import After


@dataclass(frozen=True)
class Asked:
    """What a search is asked and its run remembers: options of `netwright search` and of the plan, by one name."""

    data: DataName
    space: Annotated[
        str | None,
        typer.Option(
            autocompletion=completing.spaces,
            help="chain by default for images, mlp for vectors: {space} or module:Class; options as "
            "darts:cells=4,channels=8.",
        ),
    ] = None
    recipe: Annotated[
        str | None,
        typer.Option(
            autocompletion=completing.recipes,
            help="A published method with shared weights, in place of a strategy: {search}.",
        ),
    ] = None
    trials: Annotated[int | None, typer.Option(help="Stop after so many trials.")] = None
    time: Annotated[str | None, typer.Option(help="Stop in time, final training included: 90s, 10m, 1h30m.")] = None
    target: Annotated[float | None, typer.Option(help="Stop when the objective reaches this.")] = None
    patience: Annotated[int | None, typer.Option(help="Stop after so many trials without improvement.")] = None
    training: Annotated[str, typer.Option(help="Training options, as learning_rate=0.05,batch_size=128.")] = ""
    seed: Annotated[int, typer.Option(help="Everything random follows from this number.")] = 0
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, ...")] = "auto"
    latency: Annotated[
        str | None,
        typer.Option(
            help="How latency_ms is measured: torch, compile or onnxruntime, as onnxruntime:threads=2,batch=8; by "
            "default torch in one thread. Or the board.csv of another device, see netwright profile."
        ),
    ] = None
    final_epochs: Annotated[
        int | None,
        typer.Option(
            help="Epochs for which the winner is trained on; 0: none; by default four times --epochs, as time allows."
        ),
    ] = None
    final_training: Annotated[
        str, typer.Option(help="Training options for the network that a recipe finds, whose --training is another's.")
    ] = ""
    final_seeds: Annotated[int, typer.Option(help="How often the winner is finally trained.")] = 3
    baselines: Annotated[bool, typer.Option(help="Train a random pick and a plain reference beside the winner.")] = True
    reference: Annotated[
        tuple[str, ...],
        typer.Option(
            help="A network of your own beside those of the space, as mine.py:build or module:Class; build(shape) or a "
            "class of nn.Module; may be repeated."
        ),
    ] = ()
    repeats: Annotated[
        int, typer.Option(help="Search so often, with one seed after the other; mean and spread are reported.")
    ] = 1
    random_search: Annotated[bool, typer.Option(help="Beside a recipe, search at random for as long as it took.")] = (
        True
    )
    workers: Annotated[
        int | None,
        typer.Option(
            help="How many trials run at once, each in a process of its own where more than one; if left out, 1, and "
            "as many as the default search decides on."
        ),
    ] = None
    trial_timeout: Annotated[str | None, typer.Option(help="End a trial that takes longer: 10m.")] = None
    stall_timeout: Annotated[
        str | None, typer.Option(help="End a trial that gives no sign of life, such as an epoch, for so long: 5m.")
    ] = None
    memory: Annotated[str | None, typer.Option(help="End a trial that takes more memory than this: 4g.")] = None
    auto_batch: Annotated[
        bool, typer.Option("--auto-batch", help="Try a trial that ran out of memory once more with half the batch.")
    ] = False
    executor: Annotated[
        str | None,
        typer.Option(
            autocompletion=completing.executors,
            help="Where trials run: inline (this process), processes, folder (any number of `netwright worker`, on any "
            "machine that sees the project directory) or ray; decided by the rest if left out.",
        ),
    ] = None
    address: Annotated[
        str | None,
        typer.Option(
            autocompletion=completing.addresses,
            help="Of a Ray cluster: auto or host:port; without it, one on this machine.",
        ),
    ] = None
    gpus_per_trial: Annotated[
        float | None, typer.Option(help="GPUs of each trial; several share one by a fraction: 0.25.")
    ] = None
    cpus_per_trial: Annotated[float | None, typer.Option(help="CPUs of each trial, on Ray.")] = None
    warm_start: Annotated[
        str | None, typer.Option(help="Begin with the random networks that this zero-cost proxy likes best: synflow.")
    ] = None
    warm_start_networks: Annotated[
        int, typer.Option(help="How many random networks it scores; the best tenth is begun with.")
    ] = 100


@dataclass(frozen=True)
class Watched:
    """Who looks on while a search runs, and who is told."""

    serve: Annotated[
        bool, typer.Option("--serve", help="Serve pages on it to this machine while it runs; the link is printed.")
    ] = False
    notify: Annotated[
        str | None,
        typer.Option(
            metavar="URL|COMMAND",
            help="An address or a command that is told, as JSON, when the run ends, and when it begins to fail.",
        ),
    ] = None


@dataclass(frozen=True)
class SearchOptions(Watched, DataOptions, Asked):
    """The options of `netwright search`."""

    strategy: Annotated[
        str | None,
        typer.Option(
            autocompletion=completing.strategies,
            help="auto by default, which decides everything itself: {strategy}, module:Class or module:function; "
            "options as evolution:population=20.",
        ),
        After("space"),
    ] = None
    method: Annotated[
        str | None,
        typer.Option(
            autocompletion=completing.methods,
            help="A published method of either sort, any that --strategy and --recipe have, or file.py:function; "
            "options as bananas:networks=3; what there is of whose paper: netwright papers.",
        ),
        After("recipe"),
    ] = None
    epochs: Annotated[
        int | None,
        typer.Option(
            help="Epochs for which each candidate is trained, by default fitted to data and time; or a recipe's shared "
            "weights."
        ),
        After("patience"),
    ] = None
    objective: Annotated[
        tuple[str, ...],
        typer.Option(
            help='Metric to improve, as val_accuracy or params:minimize, or "val_accuracy * (macs / 30M) ^ -0.07"; '
            "give several for a Pareto front."
        ),
        After("training"),
    ] = ()
    limit: Annotated[tuple[str, ...], typer.Option(help='A limit, as "params <= 500k".')] = ()
    max_params: Annotated[str | None, typer.Option(help="Most parameters, as 500k.")] = None
    max_macs: Annotated[str | None, typer.Option(help="Most multiply-adds for one example, as 50M.")] = None
    max_memory: Annotated[
        str | None, typer.Option(help="Most bytes of activations for one example, as 4M, 4MB or 512KiB.")
    ] = None
    operations_allowed: Annotated[
        Path | None,
        typer.Option(help="Refuse the space before the search where it needs ONNX operations that this file lacks."),
    ] = None
    name: Annotated[
        str | None,
        typer.Option(help="The run's name; by default made from data, space and strategy."),
        After("random_search"),
    ] = None
    directory: Directory = Path(RUNS)
    resume: Annotated[
        bool,
        typer.Option(
            "--resume", help="Go on with the run of this --name where there is one; what may change is taken from here."
        ),
    ] = False
    export: Annotated[Path | None, typer.Option(help="Export the result into this folder at the end.")] = None
    formats: Annotated[
        str,
        typer.Option(
            "--format", help="With --export, besides plain PyTorch: onnx, int8, torch-export, or several as onnx,int8."
        ),
    ] = "torch"
    trust: Annotated[Trust, After("warm_start_networks")] = False
    as_json: Json = False
    quiet: Quiet = False

    @property
    def amounts(self) -> dict[str, str | None]:
        """The limits that have options of their own, by option."""
        return {"--max-params": self.max_params, "--max-macs": self.max_macs, "--max-memory": self.max_memory}


@dataclass(frozen=True)
class GivenTraining:
    """Which network `netwright train` is asked for, and how it is trained."""

    network: Annotated[
        str,
        typer.Argument(
            metavar="NETWORK",
            autocompletion=completing.networks,
            help="A published one, as darts_v2, nasnet_a, enas_rnn, mobilenet_v2, fbnet_c; a .txt, .json or .py file "
            "with a cell, or the cell itself, as Genotype(...).",
        ),
    ]
    data: Annotated[
        str | None, typer.Option(help="The data, as netwright search takes them: digits, cifar10, a folder, a file.")
    ] = None
    cells: Annotated[int | None, typer.Option(help="How many cells; by default as published, 20 or 14.")] = None
    channels: Annotated[
        int | None, typer.Option(help="Channels of the first cells; by default as published, 36 or 48.")
    ] = None
    epochs: Annotated[int | None, typer.Option(help="Epochs; 600 by default, as published, or what fits --time.")] = (
        None
    )
    time: Annotated[str | None, typer.Option(help="Have it done in time, with fewer epochs: 90s, 10m, 1h30m.")] = None
    cutout: Annotated[int | None, typer.Option(help="Side in pixels; by default half of the images' side.")] = None
    auxiliary: Annotated[
        float | None, typer.Option(help="Weight of the second classifier's loss; 0 leaves it out; 0.4 by default.")
    ] = None
    drop_path: Annotated[
        float | None, typer.Option(help="Probability in the last epoch, risen from 0; 0.2 by default.")
    ] = None
    batch_size: Annotated[int | None, typer.Option(help="Examples in one step; 96 by default.")] = None
    training: Annotated[str, typer.Option(help="Further training options, as learning_rate=0.05,average=0.999.")] = ""
    seeds: Annotated[int, typer.Option(help="How often it is trained, with one seed after the other.")] = 1
    seed: Annotated[int, typer.Option(help="The first seed.")] = 0
    baselines: Annotated[bool, typer.Option(help="Train plain references and a random cell beside it.")] = False
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, ...")] = "auto"


@dataclass(frozen=True)
class TrainOptions(DataOptions, GivenTraining):
    """The options of `netwright train`."""

    name: Annotated[
        str | None,
        typer.Option(help="The run's name; by default made from data, space and network."),
        After("baselines"),
    ] = None
    directory: Directory = Path(RUNS)
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run of this --name where there is one.")] = (
        False
    )
    export: Annotated[Path | None, typer.Option(help="Export the result into this folder at the end.")] = None
    trust: Trust = False
    as_json: Json = False
    quiet: Quiet = False


@dataclass(frozen=True)
class Elsewhere:
    """Where trials run from now on."""

    workers: OtherWorkers = None
    executor: OtherExecutor = None
    address: OtherAddress = None
    trial_timeout: OtherTimeout = None
    stall_timeout: OtherStall = None
    memory: OtherMemory = None
    gpus_per_trial: OtherGpus = None
    cpus_per_trial: OtherCpus = None
    device: OtherDevice = None
    auto_batch: Annotated[
        bool | None, typer.Option(help="Whether a trial that ran out of memory is tried once more with half the batch.")
    ] = None


@dataclass(frozen=True)
class ResumeOptions(Watched, Elsewhere):
    """The options of `netwright resume`."""

    run: Annotated[RunName, After()] = None
    directory: Directory = Path(RUNS)
    trials: Annotated[int | None, typer.Option(help="Go on to so many trials in all.")] = None
    time: Annotated[str | None, typer.Option(help="Go on for so much longer.")] = None
    export: Annotated[Path | None, typer.Option(help="Export the result into this folder at the end.")] = None
    takeover: Annotated[
        bool,
        typer.Option("--takeover", help="Take over from a process on another machine that is known to be dead."),
        After("auto_batch"),
    ] = False
    trust: Trust = False
    as_json: Json = False
    quiet: Quiet = False


@dataclass(frozen=True)
class TrainedElsewhere:
    """Where final trainings run from now on."""

    workers: OtherWorkers = None
    executor: OtherExecutor = None
    address: OtherAddress = None
    memory: OtherMemory = None
    gpus_per_trial: OtherGpus = None
    cpus_per_trial: OtherCpus = None
    device: OtherDevice = None


@dataclass(frozen=True)
class FinalOptions(TrainedElsewhere):
    """The options of `netwright final`."""

    run: Annotated[RunName, After()] = None
    directory: Directory = Path(RUNS)
    trial: Annotated[int | None, typer.Option(help="The trial whose network is trained; by default the best.")] = None
    front: Annotated[
        int | None,
        typer.Option(help="Train so many networks of the front: its best, its knee, and those that stand for most."),
    ] = None
    epochs: Annotated[
        int | None, typer.Option(help="Go on from the network's weights for so many epochs more; by default none.")
    ] = None
    seeds: Annotated[int | None, typer.Option(help="How many trainings of the network, its own included.")] = None
    baselines: Annotated[
        bool | None, typer.Option(help="Train a random pick and plain references beside it; by default as searched.")
    ] = None
    trust: Annotated[Trust, After("device")] = False
    as_json: Json = False
    quiet: Quiet = False
