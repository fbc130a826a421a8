"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from netwright.cli import completing

RUNS = "netwright-runs"
DataName = Annotated[
    str,
    typer.Argument(
        help="digits, cifar10, mnist; a folder of class folders, of images with masks or with labels.csv, or of texts; "
        "a .npz file of arrays, masks or series, a .csv table, a .txt text, a .ts file of series; or module:name."
    ),
]
Directory = Annotated[Path, typer.Option("--dir", help="The project directory, where runs are kept.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print the outcome only.")]
Trust = Annotated[
    bool,
    typer.Option(
        "--trust", help="Run the code that the directory itself names, without being asked; look at it first."
    ),
]
RunName = Annotated[
    str | None,
    typer.Argument(metavar="RUN", help="The run's name; the latest one if left out.", autocompletion=completing.runs),
]
Workers = Annotated[
    int, typer.Option(help="How many networks at once, each in a process of its own where more than one.")
]
Where = Annotated[
    str | None,
    typer.Option(
        "--executor",
        autocompletion=completing.executors,
        help="Where they run: inline (this process), processes, folder or ray; by default as fits.",
    ),
]
Address = Annotated[
    str | None,
    typer.Option(
        autocompletion=completing.addresses,
        help="Of a Ray cluster: auto or host:port; without it, one on this machine.",
    ),
]
Memory = Annotated[str | None, typer.Option(help="End one that takes more memory than this: 4g.")]
Timeout = Annotated[str | None, typer.Option("--trial-timeout", help="End one that takes longer: 10m.")]
Gpus = Annotated[float | None, typer.Option(help="GPUs of each; several share one by a fraction: 0.25.")]
Cpus = Annotated[float | None, typer.Option(help="CPUs of each, on Ray.")]

# The same for a run that has them already: what is not given stays, and "none" lifts it.
OtherWorkers = Annotated[int | None, typer.Option(help="How many run at once from now on; by default as before.")]
OtherExecutor = Annotated[
    str | None,
    typer.Option(
        autocompletion=completing.executors_or_none,
        help="Where they run from now on: inline (this process), processes, folder or ray; none: as fits the rest. "
        "Options that it does not know are dropped.",
    ),
]
OtherAddress = Annotated[
    str | None,
    typer.Option(
        autocompletion=completing.addresses_or_none,
        help="Of a Ray cluster: auto or host:port; none: one on this machine.",
    ),
]
OtherTimeout = Annotated[
    str | None,
    typer.Option("--trial-timeout", autocompletion=completing.none, help="End a trial that takes longer; none: never."),
]
OtherStall = Annotated[
    str | None,
    typer.Option(
        "--stall-timeout",
        autocompletion=completing.none,
        help="End a trial that gives no sign of life for so long; none: never.",
    ),
]
OtherMemory = Annotated[
    str | None,
    typer.Option(autocompletion=completing.none, help="Most memory of each, as 4g; none: as much as there is."),
]
OtherGpus = Annotated[
    str | None,
    typer.Option(metavar="NUMBER", autocompletion=completing.none, help="GPUs of each, as 0.25; none: as by default."),
]
OtherCpus = Annotated[
    str | None,
    typer.Option(metavar="NUMBER", autocompletion=completing.none, help="CPUs of each, on Ray; none: as by default."),
]
OtherDevice = Annotated[str | None, typer.Option("--device", help="auto, cpu, cuda, ...; by default as before.")]
