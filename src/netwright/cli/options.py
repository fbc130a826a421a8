"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

RUNS = "netwright-runs"
Directory = Annotated[Path, typer.Option("--dir", help="The project directory, where runs are kept.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print the outcome only.")]
RunName = Annotated[str | None, typer.Argument(metavar="RUN", help="The run's name; the latest one if left out.")]
