"""The options of the commands that compare and score, each typed once: name, kind, default and help.

As in `asked`, annotations are evaluated as they stand.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from netwright.cli.asked_data import DataOptions
from netwright.cli.options import (
    Address,
    Cpus,
    DataName,
    Gpus,
    Json,
    Memory,
    Quiet,
    Timeout,
    Trust,
    Where,
    Workers,
)
from netwright.cli.taking import After


@dataclass(frozen=True)
class Scoring:
    """What `netwright proxies` has in common with the plan of a search."""

    data: DataName
    space: Annotated[str | None, typer.Option(help="As for search, darts:cells=4: {space} or module:Class.")] = None
    seed: Annotated[int, typer.Option(help="Which networks are drawn, and their weights.")] = 0
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, ...")] = "auto"
    workers: Workers = 1
    executor: Where = None
    address: Address = None
    trial_timeout: Timeout = None
    memory: Memory = None
    gpus_per_trial: Gpus = None
    cpus_per_trial: Cpus = None


@dataclass(frozen=True)
class ProxiesOptions(DataOptions, Scoring):
    """The options of `netwright proxies`."""

    networks: Annotated[int, typer.Option(help="How many random networks to score."), After("space")] = 100
    names: Annotated[str | None, typer.Option("--proxies", help="As synflow,snip,naswot; all of them if left out.")] = (
        None
    )
    batch_size: Annotated[int, typer.Option(help="Examples of a minibatch.")] = 64
    repeats: Annotated[int, typer.Option(help="Initialisations over which each score is averaged.")] = 1
    table: Annotated[
        Path | None, typer.Option(help="A table of true scores, to rank against: column arch, and --metric.")
    ] = None
    metric: Annotated[str | None, typer.Option(help="The table's column of true scores.")] = None
    csv: Annotated[Path | None, typer.Option(help="Write every score into this new file."), After("seed")] = None
    folder: Annotated[
        Path,
        typer.Option(help="With --executor folder: where work is shared; netwright worker FOLDER takes some."),
        After("cpus_per_trial"),
    ] = Path("netwright-proxies")
    as_json: Json = False
    quiet: Quiet = False


@dataclass(frozen=True)
class Compared:
    """What a comparison is asked and its folder remembers; None and empty for what was left out."""

    spaces: Annotated[
        tuple[str, ...], typer.Option("--space", help="The space that a table is about: {space} or module:Class.")
    ] = ()
    tables: Annotated[
        tuple[str, ...],
        typer.Option(
            "--table", help="A table of known results: .csv, .json or .parquet; options as table.csv:repeat=seed."
        ),
    ] = ()
    metrics: Annotated[
        tuple[str, ...],
        typer.Option(
            "--metric",
            help="The column to search by, or a combination: 'val_accuracy * (macs / 30M) ^ -0.07'; for several tasks "
            "several, each with a --report.",
        ),
    ] = ()
    objectives: Annotated[
        tuple[str, ...],
        typer.Option(
            "--objective",
            help="In place of --metric, two and more: strategies search for a front, and are compared by its "
            "hypervolume; as latency_ms:minimize.",
        ),
    ] = ()
    reference_point: Annotated[
        str | None,
        typer.Option(
            help="With --objective: from where hypervolume is measured, a number each in its unit, as 50,2M; the worst "
            "that is measured, if left out."
        ),
    ] = None
    reports: Annotated[
        tuple[str, ...],
        typer.Option("--report", help="The column to report of what was found; the metric itself if left out."),
    ] = ()
    names: Annotated[
        tuple[str, ...], typer.Option("--name", help="What each task is called; by default its report.")
    ] = ()
    strategies: Annotated[
        tuple[str, ...],
        typer.Option(help="As random,evolution:population=20,my_file.py:MyStrategy, of {strategy}; may be repeated."),
    ] = ()
    evaluations: Annotated[float | None, typer.Option(help="Budget of a search: so many full evaluations.")] = None
    seconds: Annotated[
        str | None, typer.Option(help="Budget of a search: 12000, 3h; simulated with --table, real with --data.")
    ] = None
    repeats: Annotated[int | None, typer.Option(help="Searches of each strategy on each task; 20 by default.")] = None
    seed: Annotated[int | None, typer.Option(help="The seed of the first repeat; 0 by default.")] = None
    workers: Annotated[int | None, typer.Option(help="Evaluations at once in simulated time; needs --cost.")] = None
    architecture: Annotated[str | None, typer.Option(help="The table's column of architectures; arch.")] = None
    fidelity: Annotated[str | None, typer.Option(help="The table's column of the training budget, as epochs.")] = None
    cost: Annotated[str | None, typer.Option(help="The table's column of seconds.")] = None
    data: Annotated[
        str | None, typer.Option(help="Train networks on this data (digits, a folder, ...) in place of a table.")
    ] = None
    epochs: Annotated[int | None, typer.Option(help="With --data: epochs of a candidate; 5 by default.")] = None
    latency: Annotated[
        str | None,
        typer.Option(
            help="With --data: how latency_ms is measured, or a board.csv of a device, as of netwright search."
        ),
    ] = None


@dataclass(frozen=True)
class CompareOptions(DataOptions, Compared):
    """The options of `netwright compare`."""

    methods: Annotated[
        tuple[str, ...],
        typer.Option(
            help="With --data, in place of strategies: whole methods of either sort, as amoebanet,enas,darts, each "
            "with a final training, beside random search at equal cost; may be repeated."
        ),
        After("data"),
    ] = ()
    budget: Annotated[
        str | None,
        typer.Option(help="With --methods: time of each search with its final training: 10m; or --evaluations."),
    ] = None
    device: Annotated[str | None, typer.Option(help="With --methods: auto, cpu, cuda, cuda:1, ...")] = None
    method: Annotated[
        tuple[str, ...],
        typer.Option(help="A published method beside them, as bananas:networks=3; may be repeated."),
        After("strategies"),
    ] = ()
    folder: Annotated[
        Path,
        typer.Option(help="Where it is kept; an interrupted comparison goes on there, and may be added to."),
        After("epochs"),
    ] = Path("netwright-comparison")
    processes: Annotated[int | None, typer.Option(help="Searches at once; by default one for each core.")] = None
    executor: Where = None
    address: Address = None
    plots: Annotated[bool, typer.Option(help="Write plots as SVG and PDF.")] = True
    trust: Trust = False
    as_json: Json = False
    quiet: Quiet = False
