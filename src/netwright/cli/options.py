"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from netwright.cli import completing

RUNS = "netwright-runs"
Directory = Annotated[Path, typer.Option("--dir", help="The project directory, where runs are kept.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print the outcome only.")]
RunName = Annotated[
    str | None,
    typer.Argument(metavar="RUN", help="The run's name; the latest one if left out.", autocompletion=completing.runs),
]
Workers = Annotated[
    int, typer.Option(help="How many networks at once, each in a process of its own where more than one.")
]
Where = Annotated[
    str | None,
    typer.Option("--executor", help="Where they run: inline (this process), processes or ray; by default as fits."),
]
Address = Annotated[
    str | None, typer.Option(help="Of a Ray cluster: auto or host:port; without it, one on this machine.")
]
