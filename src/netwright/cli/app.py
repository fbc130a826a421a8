"""The commands and their options. What they do is in one file a command, imported when the command runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from netwright.cli import completing
from netwright.cli.asked import Elsewhere, FinalOptions, ResumeOptions, SearchOptions, TrainedElsewhere, TrainOptions
from netwright.cli.evidence import audit, compare, proxies
from netwright.cli.help import NamingCommand
from netwright.cli.options import RUNS, Directory, Json, Quiet, RunName, Trust
from netwright.cli.taking import part, taking

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
@taking(SearchOptions)
def search(options: SearchOptions) -> None:
    """Search for a network for DATA, train the winner and set it beside a random pick and a plain reference."""
    from netwright.cli.again import go_on_again, stored
    from netwright.cli.planning import plan_of_search
    from netwright.cli.refusals import refuse_early
    from netwright.cli.search import begin
    from netwright.cli.watching import watched

    plan, directory, name, export = plan_of_search(options), options.directory, options.name, options.export
    told = {"as_json": options.as_json, "quiet": options.quiet}
    if options.resume and (before := stored(directory, name, plan, trust=options.trust)) is not None:
        with watched(options, directory):
            go_on_again(before, plan, directory, str(name), export, **told)
        return
    refuse_early(plan, directory, options.amounts, name, export)
    with watched(options, directory):
        begin(plan, directory, name, export, **told)


@app.command(cls=NamingCommand)
@taking(TrainOptions)
def train(options: TrainOptions) -> None:
    """Train a published NETWORK, or a cell of your own, as its authors do, test it and keep it for export."""
    from netwright.cli.again import go_on_again, stored
    from netwright.cli.planning import plan_of_training
    from netwright.cli.refusals import refuse_early
    from netwright.cli.search import begin

    plan, directory, name, export = plan_of_training(options), options.directory, options.name, options.export
    told = {"as_json": options.as_json, "quiet": options.quiet}
    if options.resume and (before := stored(directory, name, plan, trust=options.trust)) is not None:
        go_on_again(before, plan, directory, str(name), export, **told)
        return
    refuse_early(plan, directory, {}, name, export)
    begin(plan, directory, name, export, **told)


@app.command()
@taking(ResumeOptions)
def resume(options: ResumeOptions) -> None:
    """Go on with an interrupted or killed RUN, or take a finished one further."""
    from netwright.cli.resuming import go_on
    from netwright.cli.watching import watched

    told = {"trust": options.trust, "as_json": options.as_json, "quiet": options.quiet}
    elsewhere = part(options, Elsewhere)
    asked = (options.directory, options.run, options.trials, options.time, options.export)
    with watched(options, options.directory):
        go_on(*asked, elsewhere, takeover=options.takeover, **told)


@app.command()
def steer(
    run: RunName = None,
    directory: Directory = Path(RUNS),
    workers: Annotated[int | None, typer.Option(help="How many trials run at once from now on.")] = None,
    trials: Annotated[int | None, typer.Option(help="How many trials there are in all.")] = None,
    time: Annotated[str | None, typer.Option(help="How long the search takes in all: 2h.")] = None,
    limit: Annotated[
        list[str],
        typer.Option("--limit", metavar="TEXT", help="Set a limit, in place of one on that metric: 'params <= 50k'."),
    ] = [],  # noqa: B006
    lift: Annotated[
        list[str], typer.Option("--lift", metavar="METRIC", help="Lift the limits on a metric, or the limit given.")
    ] = [],  # noqa: B006
    pause: Annotated[bool, typer.Option("--pause", help="Begin no trial until it is continued.")] = False,
    go_on: Annotated[bool, typer.Option("--continue", help="Begin trials again.")] = False,
    stop: Annotated[bool, typer.Option("--stop", help="End the search after the trials that run.")] = False,
    architecture: Annotated[
        str | None, typer.Option("--try", metavar="TEXT", help="Try this architecture next: its text or its JSON.")
    ] = None,
) -> None:
    """Ask something of a running search: more workers, trials or time, other limits, a pause, an end."""
    from netwright.cli.steer import requests, steer_run

    words = {"pause": pause, "continue": go_on, "stop": stop}
    steer_run(directory, run, requests(workers, trials, time, limit, lift, architecture, **words))


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


@app.command(cls=NamingCommand)
def profile(
    space: Annotated[
        str,
        typer.Argument(
            metavar="SPACE",
            autocompletion=completing.spaces,
            help="Whose networks are meant: {space} or module:Class; options as chain:width=8.",
        ),
    ],
    to: Annotated[Path, typer.Option("--to", help="The zip file to write.")] = Path("board.zip"),
    data: Annotated[str | None, typer.Option(help="Data whose examples have the shape that is meant.")] = None,
    shape: Annotated[str, typer.Option(help="Or the shape of one example: channels,height,width.")] = "3,32,32",
    classes: Annotated[int, typer.Option(help="How many classes there are, beside --shape.")] = 10,
    networks: Annotated[int, typer.Option(help="How many whole networks are timed.")] = 16,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Write what is to be timed on another device: operations, networks, and a program that needs only ONNX Runtime."""
    from netwright.cli.profile import profile as write

    write(space, to, data, shape, classes, networks, as_json=as_json, quiet=quiet)


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
    front: Annotated[
        bool, typer.Option("--front", help="Show the whole front of several objectives, its knee and the limits.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Show RUN: its settings, its trials, what was found and what it cost."""
    from netwright.cli.show import show_run, show_trial

    if trial is None:
        show_run(directory, run, as_json=as_json, only_front=front)
    else:
        show_trial(directory, run, trial, as_json=as_json)


@app.command(cls=NamingCommand)
def draw(
    what: Annotated[
        str | None,
        typer.Argument(
            metavar="WHAT",
            help="A run (its best trial, or RUN:7), by default the latest; a published network, as darts_v2 or "
            "mobilenet_v2; a genotype or JSON; or a file with one, as an export's architecture.json.",
            autocompletion=completing.drawn,
        ),
    ] = None,
    to: Annotated[
        Path | None, typer.Option("--to", help="A file that ends in .svg, .png or .pdf; by default NAME.svg.")
    ] = None,
    directory: Directory = Path(RUNS),
    trial: Annotated[int | None, typer.Option(help="Of the run; the best one by default.")] = None,
    against: Annotated[
        str | None,
        typer.Option(help="Draw the difference from this one: anything that WHAT may be, or a trial's number."),
    ] = None,
    network: Annotated[
        bool, typer.Option("--network", help="The whole network, with what each part gives and costs.")
    ] = False,
    latency: Annotated[
        bool, typer.Option("--latency", help="The whole network with the time that each part takes on this machine.")
    ] = False,
    space: Annotated[
        str | None,
        typer.Option(
            autocompletion=completing.spaces,
            help="Whose architecture JSON is, where it does not say: {space}; options as chain:width=8.",
        ),
    ] = None,
    shape: Annotated[
        str | None, typer.Option(help="Of one example, as 3,32,32; by default that of the run's data.")
    ] = None,
    theme: Annotated[str, typer.Option(help="auto (as the reader prefers), light, dark or print.")] = "auto",
    small: Annotated[bool, typer.Option("--small", help="A thumbnail without text.")] = False,
    as_json: Json = False,
) -> None:
    """Draw an architecture, its whole network, or what differs between two."""
    from netwright.cli.draw import draw as write

    which = {"trial": trial, "against": against, "network": network, "latency": latency, "space": space}
    write(what, directory, to, **which, shape=shape, theme=theme, small=small, as_json=as_json)


@app.command()
def report(
    run: RunName = None,
    to: Annotated[Path, typer.Option("--to", help="The file; an earlier report there is replaced.")] = Path(
        "report.html"
    ),
    directory: Directory = Path(RUNS),
    rate: Annotated[
        float | None, typer.Option(help="What an hour of device time costs, in any currency, to be shown as well.")
    ] = None,
    note: Annotated[
        list[str], typer.Option(metavar="TEXT", help="A line of your own below the first screen; repeatable.")
    ] = [],  # noqa: B006
    overwrite: Annotated[bool, typer.Option("--yes", help="Replace a file that is no earlier report.")] = False,
    quiet: Quiet = False,
) -> None:
    """Write RUN as one page that opens without a network: what was found, how sure that is, at which cost."""
    from netwright.cli.report import write_report

    write_report(directory, run, to, rate=rate, notes=note, overwrite=overwrite, quiet=quiet)


@app.command()
def plot(
    run: RunName = None,
    chart: Annotated[
        str | None,
        typer.Argument(
            metavar="CHART",
            help="As front or curves, or your own: file.py:function; all are listed if left out.",
            autocompletion=completing.charts,
        ),
    ] = None,
    to: Annotated[
        Path | None,
        typer.Option("--to", help="The file: .svg, .png, .pdf, .csv, .json, .vl.json or .html; the table if left out."),
    ] = None,
    theme: Annotated[str, typer.Option(help="light, dark or print.")] = "light",
    settings: Annotated[
        list[str] | None, typer.Option("--set", help="A setting of the chart, as x=params; repeatable.")
    ] = None,
    listed: Annotated[bool, typer.Option("--list", help="List the charts and what each answers.")] = False,
    directory: Directory = Path(RUNS),
) -> None:
    """Draw CHART of RUN as a file, or print what it shows as a table."""
    from netwright.cli.plot import plot

    plot(directory, run, chart, to, theme, settings or [], listed=listed)


@app.command()
def export(
    run: RunName = None,
    to: Annotated[Path, typer.Option("--to", help="A new or empty folder.")] = Path("best"),
    directory: Directory = Path(RUNS),
    formats: Annotated[
        str,
        typer.Option(
            "--format", help="Written besides plain PyTorch: onnx, int8, torch-export, or several as onnx,int8."
        ),
    ] = "torch",
    trial: Annotated[
        int | None, typer.Option(help="The trial whose network it is; by default the best one, or the one trained.")
    ] = None,
    within: Annotated[
        list[str],
        typer.Option("--at", help='The best network that keeps this limit, as "params <= 50k"; may be repeated.'),
    ] = [],  # noqa: B006
    front: Annotated[
        bool, typer.Option("--front", help="Every network of the front, each into a folder of its own.")
    ] = False,
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

    which = {"trial": trial, "within": within, "front": front}
    options = {"formats": formats, **which, "train": train, "overwrite": overwrite, "trust": trust}
    export_result(directory, run, to, **options, as_json=as_json, quiet=quiet)


@app.command()
@taking(FinalOptions)
def final(options: FinalOptions) -> None:
    """Train RUN's network for longer, and add further seeds and baselines that are missing."""
    from netwright.cli.export import train_finally

    train_finally(
        *(options.directory, options.run),
        trial=options.trial,
        front=options.front,
        epochs=options.epochs,
        seeds=options.seeds,
        baselines=options.baselines,
        elsewhere=part(options, TrainedElsewhere),
        trust=options.trust,
        as_json=options.as_json,
        quiet=options.quiet,
    )


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
def demo(
    time: Annotated[str, typer.Option(help="For the search: 45s, 5m.")] = "45s",
    seed: Annotated[int, typer.Option(help="Everything random follows from this number.")] = 0,
    directory: Annotated[Path, typer.Option("--dir", help="The project directory.")] = Path("demo-runs"),
    to: Annotated[Path, typer.Option("--to", help="A new or empty folder for the result.")] = Path("demo-best"),
    quiet: Quiet = False,
) -> None:
    """Search on the built-in digits for a network with few parameters, and set it beside one without that limit."""
    from netwright.cli.demo import demonstrate

    demonstrate(time, seed, directory, to, quiet=quiet)


@app.command()
def serve(
    directory: Directory = Path(RUNS),
    host: Annotated[
        str, typer.Option(help="Where the server listens; by anything but this machine a token and a name are needed.")
    ] = "127.0.0.1",
    port: Annotated[int | None, typer.Option(help="By default the first free one from 8400.")] = None,
    token: Annotated[
        str | None,
        typer.Option(
            metavar="TOKEN|auto",
            help="What callers must know, auto for a new one; better in the environment, as NETWRIGHT_TOKEN. By "
            "default none on this machine, a new one elsewhere.",
        ),
    ] = None,
    allowed: Annotated[
        list[str],
        typer.Option("--allowed-host", metavar="NAME", help="A further name that the server is called by; repeatable."),
    ] = [],  # noqa: B006
    control: Annotated[
        bool, typer.Option("--allow-control", help="Let the pages pause, stop and steer searches, and take notes.")
    ] = False,
    chart: Annotated[
        list[str],
        typer.Option(metavar="FILE.py:FUNCTION", help="A chart of your own beside the others; repeatable."),
    ] = [],  # noqa: B006
    rate: Annotated[
        float, typer.Option(help="What an hour of device time costs, in any money: it is shown beside the time.")
    ] = 0.0,
    open_browser: Annotated[bool, typer.Option("--open", help="Open a browser.")] = False,
    quiet: Quiet = False,
) -> None:
    """Show a project in a browser: its runs, live while searches write to it."""
    from netwright.cli.serve import serve_pages

    asked = (directory, host, port, token, tuple(allowed))
    serve_pages(*asked, control=control, charts=chart, rate=rate, open_browser=open_browser, quiet=quiet)


@app.command()
def doctor(directory: Directory = Path(RUNS), as_json: Json = False) -> None:
    """Check this machine: versions, devices, SQLite, disk, and whether the project directory can be used."""
    from netwright.cli.doctor import examine

    raise typer.Exit(examine(directory, as_json=as_json))


@app.command()
def clean(directory: Directory = Path(RUNS), as_json: Json = False) -> None:
    """Remove what a project keeps only to save time: decoded images, which are made again where they are wanted."""
    from netwright.cli.db import clean

    clean(directory, as_json=as_json)


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
