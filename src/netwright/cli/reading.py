"""Reads the data that a command was given; files that cannot be read are listed in one of their own."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING

from netwright.core.errors import DataError
from netwright.core.wording import as_cell

if TYPE_CHECKING:
    from netwright.cli.plan import Plan
    from netwright.tasks.task import Task


def read_task(plan: Plan, directory: Path | None) -> Task:
    """The data; where files of it cannot be read, all of them are listed in a new file.

    directory: of the project beside which large examples are kept, if there is one.
    """
    from netwright.tasks import BadFiles

    try:
        return plan.make_task(directory)
    except BadFiles as problem:
        listed = Path("bad_files.csv")
        if listed.exists():
            raise
        with listed.open("w", newline="") as file:
            csv.writer(file).writerows(
                [("file", "reason"), *((as_cell(str(path)), as_cell(str(why))) for path, why in problem.files)]
            )
        raise DataError(f"{problem.marked}; all are listed in {listed}") from problem
