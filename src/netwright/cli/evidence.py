"""The commands that weigh scores and strategies against each other, and their options."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from netwright.cli.options import (
    RUNS,
    Address,
    Cpus,
    Directory,
    Gpus,
    Json,
    Memory,
    Quiet,
    Timeout,
    Trust,
    Where,
    Workers,
)


def audit(
    run: Annotated[
        str | None,
        typer.Argument(metavar="RUN", help="A run with shared weights; the latest one of them if left out."),
    ] = None,
    directory: Directory = Path(RUNS),
    networks: Annotated[int, typer.Option(help="How many random networks to draw.")] = 20,
    epochs: Annotated[int, typer.Option(help="Epochs for which each network is trained alone.")] = 10,
    time: Annotated[str | None, typer.Option(help="Stop training networks after so long.")] = None,
    table: Annotated[
        Path | None, typer.Option(help="A CSV file of known results, in place of training: column arch, and --metric.")
    ] = None,
    metric: Annotated[str | None, typer.Option(help="The table's column of true scores.")] = None,
    seed: Annotated[int, typer.Option(help="Which networks are drawn.")] = 0,
    workers: Workers = 1,
    executor: Where = None,
    address: Address = None,
    trial_timeout: Timeout = None,
    memory: Memory = None,
    gpus_per_trial: Gpus = None,
    cpus_per_trial: Cpus = None,
    trust: Trust = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Ask how well the shared weights of RUN rank networks: against training each alone, or a table."""
    from netwright.cli.audit import audit_run

    audit_run(
        *(directory, run),
        networks=networks,
        epochs=epochs,
        time=time,
        table=table,
        metric=metric,
        seed=seed,
        where={
            "workers": workers,
            "executor": executor,
            "address": address,
            "trial_timeout": trial_timeout,
            "memory": memory,
            "gpus_per_trial": gpus_per_trial,
            "cpus_per_trial": cpus_per_trial,
        },
        trust=trust,
        as_json=as_json,
        quiet=quiet,
    )


def compare(
    space: Annotated[
        list[str] | None, typer.Option(help="The space that a table is about: {space} or module:Class.")
    ] = None,
    table: Annotated[
        list[str] | None,
        typer.Option(help="A table of known results: .csv, .json or .parquet; options as table.csv:repeat=seed."),
    ] = None,
    metric: Annotated[
        list[str] | None, typer.Option(help="The column to search by; for several tasks several, each with a --report.")
    ] = None,
    report: Annotated[
        list[str] | None, typer.Option(help="The column to report of what was found; the metric itself if left out.")
    ] = None,
    name: Annotated[list[str] | None, typer.Option(help="What each task is called; by default its report.")] = None,
    strategies: Annotated[
        list[str] | None,
        typer.Option(help="As random,evolution:population=20,my_file.py:MyStrategy, of {strategy}; may be repeated."),
    ] = None,
    method: Annotated[
        list[str] | None, typer.Option(help="A published method beside them, as bananas:networks=3; may be repeated.")
    ] = None,
    evaluations: Annotated[float | None, typer.Option(help="Budget of a search: so many full evaluations.")] = None,
    seconds: Annotated[
        str | None, typer.Option(help="Budget of a search: 12000, 3h; simulated with --table, real with --data.")
    ] = None,
    repeats: Annotated[int | None, typer.Option(help="Searches of each strategy on each task; 20 by default.")] = None,
    seed: Annotated[int | None, typer.Option(help="The seed of the first repeat; 0 by default.")] = None,
    workers: Annotated[int | None, typer.Option(help="Evaluations at once in simulated time; needs --cost.")] = None,
    architecture: Annotated[str | None, typer.Option(help="The table's column of architectures; arch.")] = None,
    fidelity: Annotated[str | None, typer.Option(help="The table's column of the training budget, as epochs.")] = None,
    cost: Annotated[str | None, typer.Option(help="The table's column of seconds.")] = None,
    data: Annotated[
        str | None, typer.Option(help="Train networks on this data (digits, a folder, ...) in place of a table.")
    ] = None,
    epochs: Annotated[int | None, typer.Option(help="With --data: epochs of a candidate; 5 by default.")] = None,
    folder: Annotated[
        Path, typer.Option(help="Where it is kept; an interrupted comparison goes on there, and may be added to.")
    ] = Path("netwright-comparison"),
    processes: Annotated[int | None, typer.Option(help="Searches at once; by default one for each core.")] = None,
    executor: Where = None,
    address: Address = None,
    plots: Annotated[bool, typer.Option(help="Write plots as SVG and PDF.")] = True,
    trust: Trust = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Compare strategies at equal budget over many seeds: intervals, tests, plots and every raw number."""
    from netwright.cli.compare import Settings, run
    from netwright.cli.compare import Where as Place

    settings = Settings(
        strategies=(*(strategies or ()), *(method or ())),
        spaces=tuple(space or ()),
        tables=tuple(table or ()),
        metrics=tuple(metric or ()),
        reports=tuple(report or ()),
        names=tuple(name or ()),
        architecture=architecture,
        fidelity=fidelity,
        cost=cost,
        data=data,
        epochs=epochs,
        evaluations=evaluations,
        seconds=seconds,
        repeats=repeats,
        seed=seed,
        workers=workers,
    )
    where = Place(processes, executor, address)
    run(settings, folder, where, plots=plots, trust=trust, as_json=as_json, quiet=quiet)


def proxies(
    data: Annotated[
        str, typer.Argument(help="digits, cifar10, mnist, a folder of class folders, a .npz or .csv file.")
    ],
    space: Annotated[str | None, typer.Option(help="As for search, darts:cells=4: {space} or module:Class.")] = None,
    networks: Annotated[int, typer.Option(help="How many random networks to score.")] = 100,
    names: Annotated[
        str | None, typer.Option("--proxies", help="As synflow,snip,naswot; all of them if left out.")
    ] = None,
    batch_size: Annotated[int, typer.Option(help="Examples of a minibatch.")] = 64,
    repeats: Annotated[int, typer.Option(help="Initialisations over which each score is averaged.")] = 1,
    table: Annotated[
        Path | None, typer.Option(help="A table of true scores, to rank against: column arch, and --metric.")
    ] = None,
    metric: Annotated[str | None, typer.Option(help="The table's column of true scores.")] = None,
    seed: Annotated[int, typer.Option(help="Which networks are drawn, and their weights.")] = 0,
    csv: Annotated[Path | None, typer.Option(help="Write every score into this new file.")] = None,
    data_dir: Annotated[Path | None, typer.Option(help="Where the files of cifar10 or mnist lie.")] = None,
    examples: Annotated[int | None, typer.Option(help="Read so many examples of the data only.")] = None,
    image_size: Annotated[int | None, typer.Option(help="Resize a folder's images to this many pixels a side.")] = None,
    target_column: Annotated[str | None, typer.Option(help="The column of a .csv file that holds the class.")] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, ...")] = "auto",
    workers: Workers = 1,
    executor: Where = None,
    address: Address = None,
    trial_timeout: Timeout = None,
    memory: Memory = None,
    gpus_per_trial: Gpus = None,
    cpus_per_trial: Cpus = None,
    folder: Annotated[
        Path, typer.Option(help="With --executor folder: where work is shared; netwright worker FOLDER takes some.")
    ] = Path("netwright-proxies"),
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Score random untrained networks for DATA with zero-cost proxies, beside parameters and FLOPs."""
    from netwright.cli.plan import Plan
    from netwright.cli.proxies import score_networks
    from netwright.core.errors import ConfigurationError

    if (table is None) != (metric is None):
        raise ConfigurationError("--table and --metric go together: a file, and its column of true scores")
    options: dict[str, Any] = {"limit": examples, "size": image_size, "target": target_column}
    plan = Plan(
        data=data,
        data_dir=str(data_dir) if data_dir else None,
        data_options={key: value for key, value in options.items() if value is not None},
        space=space,
        seed=seed,
        device=device,
        workers=workers,
        executor=executor,
        address=address,
        trial_timeout=trial_timeout,
        memory=memory,
        gpus_per_trial=gpus_per_trial,
        cpus_per_trial=cpus_per_trial,
    )
    score_networks(
        plan,
        networks=networks,
        proxies=names,
        batch_size=batch_size,
        repeats=repeats,
        known=None if table is None or metric is None else (table, metric),
        to=csv,
        folder=folder,
        as_json=as_json,
        quiet=quiet,
    )
