"""The commands and their options. What they do is in one file a command, imported when the command runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from netwright.cli import completing
from netwright.cli.evidence import audit, compare, proxies
from netwright.cli.help import NamingCommand
from netwright.cli.options import (
    RUNS,
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

app = typer.Typer(
    name="netwright",
    help="Finds neural network architectures: from your data and a limit to a trained network in plain PyTorch.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _version(asked: bool) -> None:
    if asked:
        from netwright.version import __version__

        typer.echo(f"netwright {__version__}")
        raise typer.Exit()


@app.callback()
def options(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print it.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
) -> None:
    """Finds neural network architectures: from your data and a limit to a trained network in plain PyTorch."""


@app.command(cls=NamingCommand)
def search(
    data: Annotated[
        str, typer.Argument(help="digits, cifar10, mnist, a folder of class folders, a .npz or .csv file.")
    ],
    space: Annotated[
        str | None,
        typer.Option(
            autocompletion=completing.spaces,
            help="chain by default for images, mlp for vectors: {space} or module:Class; options as "
            "darts:cells=4,channels=8.",
        ),
    ] = None,
    strategy: Annotated[
        str | None,
        typer.Option(
            autocompletion=completing.strategies,
            help="evolution by default: {strategy}, module:Class or module:function; options as "
            "evolution:population=20.",
        ),
    ] = None,
    recipe: Annotated[
        str | None,
        typer.Option(
            autocompletion=completing.recipes,
            help="A published method with shared weights, in place of a strategy: {search}.",
        ),
    ] = None,
    method: Annotated[
        str | None,
        typer.Option(
            autocompletion=completing.methods,
            help="A published method of either sort, any that --strategy and --recipe have, or file.py:function; "
            "options as bananas:networks=3; what there is of whose paper: netwright papers.",
        ),
    ] = None,
    trials: Annotated[int | None, typer.Option(help="Stop after so many trials.")] = None,
    time: Annotated[str | None, typer.Option(help="Stop in time, final training included: 90s, 10m, 1h30m.")] = None,
    target: Annotated[float | None, typer.Option(help="Stop when the objective reaches this.")] = None,
    patience: Annotated[int | None, typer.Option(help="Stop after so many trials without improvement.")] = None,
    epochs: Annotated[
        int | None,
        typer.Option(
            help="Epochs for which each candidate is trained, by default fitted to data and time; or a recipe's shared "
            "weights."
        ),
    ] = None,
    training: Annotated[str, typer.Option(help="Training options, as learning_rate=0.05,batch_size=128.")] = "",
    objective: Annotated[
        list[str] | None,
        typer.Option(
            help='Metric to improve, as val_accuracy or params:minimize, or "val_accuracy * (macs / 30M) ^ -0.07"; '
            "give several for a Pareto front."
        ),
    ] = None,
    limit: Annotated[list[str] | None, typer.Option(help='A limit, as "params <= 500k".')] = None,
    max_params: Annotated[str | None, typer.Option(help="Most parameters, as 500k.")] = None,
    max_macs: Annotated[str | None, typer.Option(help="Most multiply-adds for one example, as 50M.")] = None,
    max_memory: Annotated[
        str | None, typer.Option(help="Most bytes of activations for one example, as 4M, 4MB or 512KiB.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Everything random follows from this number.")] = 0,
    data_dir: Annotated[Path | None, typer.Option(help="Where the files of cifar10 or mnist lie.")] = None,
    examples: Annotated[
        int | None, typer.Option(help="Use so many examples of the data, drawn evenly over the classes.")
    ] = None,
    image_size: Annotated[int | None, typer.Option(help="Resize a folder's images to this many pixels a side.")] = None,
    target_column: Annotated[str | None, typer.Option(help="The column of a .csv file that holds the class.")] = None,
    test: Annotated[Path | None, typer.Option(help="A second .csv or .npz file, with the test split.")] = None,
    drop: Annotated[list[str] | None, typer.Option(help="Leave this column of a table out; repeatable.")] = None,
    categories: Annotated[
        str | None, typer.Option(help="Texts of a table as 0/1 features or as numbers: one-hot (default) or ordinal.")
    ] = None,
    header: Annotated[
        bool | None, typer.Option("--header/--no-header", help="Whether a table's first row names its columns.")
    ] = None,
    delimiter: Annotated[
        str | None, typer.Option(help="What separates a table's columns: ';', tab, space, ...; found out if left out.")
    ] = None,
    skip_bad: Annotated[
        str | None,
        typer.Option(help="Leave out images that cannot be read: up to 3%, or a number; 1% where none is given."),
    ] = None,
    nan: Annotated[
        str | None, typer.Option(help="What to do with missing numbers: error, impute-median or drop.")
    ] = None,
    layout: Annotated[
        str | None, typer.Option(help="Of pictures in a .npz file: channels-first or channels-last; seen if left out.")
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, ...")] = "auto",
    final_epochs: Annotated[
        int | None,
        typer.Option(
            help="Epochs for which the winner is trained on; 0: none; by default four times --epochs, as time allows."
        ),
    ] = None,
    final_seeds: Annotated[int, typer.Option(help="How often the winner is finally trained.")] = 3,
    baselines: Annotated[
        bool, typer.Option(help="Train a random pick and a plain reference beside the winner.")
    ] = True,
    repeats: Annotated[
        int, typer.Option(help="Search so often, with one seed after the other; mean and spread are reported.")
    ] = 1,
    random_search: Annotated[
        bool, typer.Option(help="Beside a recipe, search at random for as long as it took.")
    ] = True,
    name: Annotated[
        str | None, typer.Option(help="The run's name; by default made from data, space and strategy.")
    ] = None,
    directory: Directory = Path(RUNS),
    resume: Annotated[
        bool,
        typer.Option(
            "--resume", help="Go on with the run of this --name where there is one; what may change is taken from here."
        ),
    ] = False,
    export: Annotated[Path | None, typer.Option(help="Export the result into this folder at the end.")] = None,
    workers: Annotated[
        int, typer.Option(help="How many trials run at once, each in a process of its own where more than one.")
    ] = 1,
    trial_timeout: Annotated[str | None, typer.Option(help="End a trial that takes longer: 10m.")] = None,
    stall_timeout: Annotated[
        str | None, typer.Option(help="End a trial that gives no sign of life, such as an epoch, for so long: 5m.")
    ] = None,
    memory: Annotated[str | None, typer.Option(help="End a trial that takes more memory than this: 4g.")] = None,
    auto_batch: Annotated[
        bool, typer.Option("--auto-batch", help="Try a trial that ran out of memory once more with half the batch.")
    ] = False,
    executor: Annotated[
        str | None,
        typer.Option(
            autocompletion=completing.executors,
            help="Where trials run: inline (this process), processes, folder (any number of `netwright worker`, on any "
            "machine that sees the project directory) or ray; decided by the rest if left out.",
        ),
    ] = None,
    address: Annotated[
        str | None,
        typer.Option(
            autocompletion=completing.addresses,
            help="Of a Ray cluster: auto or host:port; without it, one on this machine.",
        ),
    ] = None,
    gpus_per_trial: Annotated[
        float | None, typer.Option(help="GPUs of each trial; several share one by a fraction: 0.25.")
    ] = None,
    cpus_per_trial: Annotated[float | None, typer.Option(help="CPUs of each trial, on Ray.")] = None,
    warm_start: Annotated[
        str | None, typer.Option(help="Begin with the random networks that this zero-cost proxy likes best: synflow.")
    ] = None,
    warm_start_networks: Annotated[
        int, typer.Option(help="How many random networks it scores; the best tenth is begun with.")
    ] = 100,
    trust: Trust = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Search for a network for DATA, train the winner and set it beside a random pick and a plain reference."""
    from netwright.cli.again import go_on_again, stored
    from netwright.cli.methods import sorted_out
    from netwright.cli.plan import Plan
    from netwright.cli.refusals import refuse_early
    from netwright.cli.search import begin
    from netwright.core.errors import ConfigurationError

    if method:
        recipe, strategy = sorted_out(method, recipe, strategy)
    if recipe and strategy:
        raise ConfigurationError(f"--recipe {recipe} brings its own strategy; leave out --strategy {strategy}")
    if recipe and warm_start:
        raise ConfigurationError(f"--recipe {recipe} begins with its shared weights; leave out --warm-start")
    limits = [*(limit or ())]
    for metric, most in (("params", max_params), ("macs", max_macs), ("activation_memory", max_memory)):
        limits += [f"{metric} <= {most}"] if most else []
    options: dict[str, Any] = {
        "limit": examples,
        "size": image_size,
        "target": target_column,
        "skip_bad": skip_bad,
        "nan": nan,
        "test": str(test) if test else None,
        "drop": drop or None,
        "categories": categories,
        "header": header,
        "delimiter": delimiter,
        "layout": layout,
    }
    plan = Plan(
        data=data,
        data_dir=str(data_dir) if data_dir else None,
        data_options={key: value for key, value in options.items() if value is not None},
        space=space,
        strategy=strategy or "evolution",
        epochs=None if recipe else epochs,
        shared_epochs=epochs if recipe else None,
        recipe=recipe,
        repeats=repeats,
        random_search=random_search,
        training=training,
        objectives=tuple(objective or ("val_accuracy",)),
        limits=tuple(limits),
        trials=trials,
        time=time,
        target=target,
        patience=patience,
        seed=seed,
        device=device,
        final_epochs=final_epochs,
        final_seeds=final_seeds,
        baselines=baselines,
        workers=workers,
        executor=executor,
        trial_timeout=trial_timeout,
        stall_timeout=stall_timeout,
        memory=memory,
        address=address,
        gpus_per_trial=gpus_per_trial,
        cpus_per_trial=cpus_per_trial,
        auto_batch=auto_batch,
        warm_start=warm_start,
        warm_start_networks=warm_start_networks,
    )
    amounts = {"--max-params": max_params, "--max-macs": max_macs, "--max-memory": max_memory}
    if resume and (before := stored(directory, name, plan, trust=trust)) is not None:
        go_on_again(before, plan, directory, str(name), export, as_json=as_json, quiet=quiet)
        return
    refuse_early(plan, directory, amounts, name, export)
    begin(plan, directory, name, export, as_json=as_json, quiet=quiet)


@app.command()
def resume(
    run: RunName = None,
    directory: Directory = Path(RUNS),
    trials: Annotated[int | None, typer.Option(help="Go on to so many trials in all.")] = None,
    time: Annotated[str | None, typer.Option(help="Go on for so much longer.")] = None,
    export: Annotated[Path | None, typer.Option(help="Export the result into this folder at the end.")] = None,
    workers: OtherWorkers = None,
    executor: OtherExecutor = None,
    address: OtherAddress = None,
    trial_timeout: OtherTimeout = None,
    stall_timeout: OtherStall = None,
    memory: OtherMemory = None,
    gpus_per_trial: OtherGpus = None,
    cpus_per_trial: OtherCpus = None,
    device: OtherDevice = None,
    auto_batch: Annotated[
        bool | None, typer.Option(help="Whether a trial that ran out of memory is tried once more with half the batch.")
    ] = None,
    takeover: Annotated[
        bool, typer.Option("--takeover", help="Take over from a process on another machine that is known to be dead.")
    ] = False,
    trust: Trust = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Go on with an interrupted or killed RUN, or take a finished one further."""
    from netwright.cli.resuming import go_on

    elsewhere = {
        "workers": workers,
        "executor": executor,
        "address": address,
        "trial_timeout": trial_timeout,
        "stall_timeout": stall_timeout,
        "memory": memory,
        "gpus_per_trial": gpus_per_trial,
        "cpus_per_trial": cpus_per_trial,
        "device": device,
        "auto_batch": auto_batch,
    }
    options = {"takeover": takeover, "trust": trust, "as_json": as_json, "quiet": quiet}
    go_on(directory, run, trials, time, export, elsewhere, **options)


@app.command()
def worker(
    run: Annotated[
        str | None,
        typer.Argument(
            metavar="RUN",
            help="The run's name, or the folder in which work is shared; the only run that does so if left out.",
            autocompletion=completing.runs,
        ),
    ] = None,
    directory: Directory = Path(RUNS),
    workers: Annotated[
        int, typer.Option(help="How many trials this worker takes at once; they share the memory of the data.")
    ] = 1,
    threads: Annotated[
        int | None, typer.Option(help="Threads of each trial; by default the cores that this process may use.")
    ] = None,
    idle: Annotated[str, typer.Option(help="End after so long without work, or without a driver.")] = "10m",
    trust: Trust = False,
    quiet: Quiet = False,
) -> None:
    """Carry out trials of RUN, which is driven elsewhere with --executor folder; start any number, anywhere."""
    from netwright.cli.worker import work

    work(directory, run, workers=workers, threads=threads, idle=idle, trust=trust, quiet=quiet)


@app.command()
def runs(directory: Directory = Path(RUNS), as_json: Json = False) -> None:
    """List the runs of a project directory."""
    from netwright.cli.show import list_runs

    list_runs(directory, as_json=as_json)


@app.command()
def show(
    run: RunName = None,
    directory: Directory = Path(RUNS),
    trial: Annotated[
        int | None,
        typer.Option(help="Show this trial with its attempts, its curve, and its traceback and log if it failed."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Show RUN: its settings, its trials, what was found and what it cost."""
    from netwright.cli.show import show_run, show_trial

    if trial is None:
        show_run(directory, run, as_json=as_json)
    else:
        show_trial(directory, run, trial, as_json=as_json)


@app.command()
def export(
    run: RunName = None,
    to: Annotated[Path, typer.Option("--to", help="A new or empty folder.")] = Path("best"),
    directory: Directory = Path(RUNS),
    trial: Annotated[
        int | None, typer.Option(help="The trial whose network it is; by default the best one, or the one trained.")
    ] = None,
    train: Annotated[
        bool, typer.Option("--train", help="Train the network first where that was not done, without being asked.")
    ] = False,
    overwrite: Annotated[bool, typer.Option("--yes", help="Replace an earlier export in that folder.")] = False,
    trust: Trust = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Write RUN's trained network as plain PyTorch and check that it gives the reported predictions."""
    from netwright.cli.export import export_result

    options = {"trial": trial, "train": train, "overwrite": overwrite, "trust": trust}
    export_result(directory, run, to, **options, as_json=as_json, quiet=quiet)


@app.command()
def final(
    run: RunName = None,
    directory: Directory = Path(RUNS),
    trial: Annotated[int | None, typer.Option(help="The trial whose network is trained; by default the best.")] = None,
    epochs: Annotated[
        int | None, typer.Option(help="Go on from the network's weights for so many epochs more; by default none.")
    ] = None,
    seeds: Annotated[int | None, typer.Option(help="How many trainings of the network, its own included.")] = None,
    baselines: Annotated[
        bool | None, typer.Option(help="Train a random pick and plain references beside it; by default as searched.")
    ] = None,
    workers: OtherWorkers = None,
    executor: OtherExecutor = None,
    address: OtherAddress = None,
    memory: OtherMemory = None,
    gpus_per_trial: OtherGpus = None,
    cpus_per_trial: OtherCpus = None,
    device: OtherDevice = None,
    trust: Trust = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Train RUN's network for longer, and add further seeds and baselines that are missing."""
    from netwright.cli.export import train_finally

    elsewhere = {
        "workers": workers,
        "executor": executor,
        "address": address,
        "memory": memory,
        "gpus_per_trial": gpus_per_trial,
        "cpus_per_trial": cpus_per_trial,
        "device": device,
    }
    options = {"trial": trial, "epochs": epochs, "seeds": seeds, "baselines": baselines, "elsewhere": elsewhere}
    train_finally(directory, run, **options, trust=trust, as_json=as_json, quiet=quiet)


for command in (audit, compare, proxies):
    app.command(cls=NamingCommand)(command)


@app.command()
def papers(
    missing: Annotated[bool, typer.Option("--missing", help="Only those that lack something.")] = False,
    block: Annotated[str | None, typer.Option(help="Only those that need this block, as super.path.")] = None,
    as_json: Json = False,
) -> None:
    """List the published methods: the command that runs each, or what it lacks."""
    from netwright.cli.papers import list_papers

    list_papers(missing=missing, block=block, as_json=as_json)


@app.command()
def doctor(directory: Directory = Path(RUNS), as_json: Json = False) -> None:
    """Check this machine: versions, devices, SQLite, disk, and whether the project directory can be used."""
    from netwright.cli.doctor import examine

    raise typer.Exit(examine(directory, as_json=as_json))


db = typer.Typer(no_args_is_help=True, help="Check, copy or recover what a project directory stores.")
app.add_typer(db, name="db")


@db.command("check")
def db_check(directory: Directory = Path(RUNS), as_json: Json = False) -> None:
    """Read everything that is stored, checkpoints included, and say what is not as it was written."""
    from netwright.cli.db import check

    raise typer.Exit(check(directory, as_json=as_json))


@db.command("backup")
def db_backup(
    directory: Directory = Path(RUNS),
    to: Annotated[Path | None, typer.Option("--to", help="A new file; by default one among the backups.")] = None,
    as_json: Json = False,
) -> None:
    """Copy the database, whole even while a search writes to it (with --to)."""
    from netwright.cli.db import back_up

    back_up(directory, to, as_json=as_json)


@db.command("recover")
def db_recover(
    directory: Directory = Path(RUNS),
    to: Annotated[Path | None, typer.Option("--to", help="A new directory; by default beside the old one.")] = None,
    as_json: Json = False,
) -> None:
    """Write a new project directory with everything that is left whole; the old one is not touched."""
    from netwright.cli.db import recover

    recover(directory, to, as_json=as_json)
