"""Help that names everything the catalogue has, looked up when it is shown."""

from __future__ import annotations

import re
from typing import Any

from typer.core import TyperCommand

WHOLE = "\N{NON-BREAKING HYPHEN}"  # in a name while lines are broken
_NAMES = re.compile(r"\{(space|strategy|search|method)\}")


class NamingCommand(TyperCommand):
    """A command in whose options' help `{space}`, `{strategy}`, `{search}` and `{method}` stand for all their names."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        for each in self.params:
            told = filled(getattr(each, "help", None))
            each.help = told and told.replace("-", WHOLE)  # pyright: ignore[reportAttributeAccessIssue]
        super().format_help(ctx, formatter)
        formatter.buffer[:] = [each.replace(WHOLE, "-") for each in formatter.buffer]


def filled(text: str | None) -> str | None:
    """The help with the names of each kind that it speaks of."""
    from netwright.catalogue.reading import shipped

    return None if text is None else _NAMES.sub(lambda found: ", ".join(sorted(shipped(found[1]))), text)  # pyright: ignore
