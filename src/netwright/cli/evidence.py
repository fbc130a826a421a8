"""The commands that weigh scores and strategies against each other, and their options."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from netwright.cli.asked_evidence import Compared, CompareOptions, ProxiesOptions
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
from netwright.cli.taking import part, taking

if TYPE_CHECKING:
    from netwright.cli.method_settings import MethodSettings


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


@taking(CompareOptions)
def compare(options: CompareOptions) -> None:
    """Compare strategies at equal budget over many seeds: intervals, tests, plots and every raw number."""
    from netwright.cli.compare import Settings, Where, run
    from netwright.cli.methods import compare_methods, is_there

    if options.methods or is_there(options.folder):
        trust, as_json, quiet = options.trust, options.as_json, options.quiet
        compare_methods(_method_settings(options), options.folder, trust=trust, as_json=as_json, quiet=quiet)
        return
    _refuse_unless_methods(options)
    given = part(options, Compared)
    settings = Settings(**{**given, "strategies": (*options.strategies, *options.method), **options.read_as})
    where = Where(options.processes, options.executor, options.address)
    told = {"trust": options.trust, "as_json": options.as_json, "quiet": options.quiet}
    run(settings, options.folder, where, plots=options.plots, **told)


NOT_WITH_METHODS = {
    "tables": "--table",
    "metrics": "--metric",
    "objectives": "--objective",
    "reports": "--report",
    "names": "--name",
    "strategies": "--strategies",
    "method": "--method",
    "workers": "--workers",
    "seconds": "--seconds",
    "architecture": "--architecture",
    "fidelity": "--fidelity",
    "cost": "--cost",
    "processes": "--processes",
    "executor": "--executor",
    "address": "--address",
}


def _method_settings(options: CompareOptions) -> MethodSettings:
    """What a comparison of methods is asked. Raises ConfigurationError for options of the other sort."""
    from netwright.benchmarks.entrants import split_list
    from netwright.cli.method_settings import MethodSettings
    from netwright.core.errors import ConfigurationError

    for name, flag in NOT_WITH_METHODS.items():
        if getattr(options, name) not in (None, ()):
            raise ConfigurationError(f"{flag} is of comparisons of strategies; leave it out with --methods")
    if len(options.spaces) > 1:
        raise ConfigurationError("--methods takes one --space for all methods, or none for each method's own")
    number = options.evaluations
    if number is not None and number != int(number):
        raise ConfigurationError(f"--evaluations {number:g}: expected a whole number with --methods")
    return MethodSettings(
        methods=tuple(each for text in options.methods for each in split_list(text)),
        data=options.data,
        space=options.spaces[0] if options.spaces else None,
        budget=options.budget,
        evaluations=None if number is None else int(number),
        epochs=options.epochs,
        repeats=options.repeats,
        seed=options.seed,
        device=options.device,
        **options.read_as,
    )


def _refuse_unless_methods(options: CompareOptions) -> None:
    from netwright.core.errors import ConfigurationError

    for flag, given in (("--budget", options.budget), ("--device", options.device)):
        if given is not None:
            raise ConfigurationError(f"{flag} goes with --methods")


@taking(ProxiesOptions)
def proxies(options: ProxiesOptions) -> None:
    """Score random untrained networks for DATA with zero-cost proxies, beside parameters and FLOPs."""
    from netwright.cli.planning import plan_of_scoring
    from netwright.cli.proxies import score_networks
    from netwright.core.errors import ConfigurationError

    table, metric = options.table, options.metric
    if (table is None) != (metric is None):
        raise ConfigurationError("--table and --metric go together: a file, and its column of true scores")
    score_networks(
        plan_of_scoring(options),
        networks=options.networks,
        proxies=options.names,
        batch_size=options.batch_size,
        repeats=options.repeats,
        known=None if table is None or metric is None else (table, metric),
        to=options.csv,
        folder=options.folder,
        as_json=options.as_json,
        quiet=options.quiet,
    )
