"""What the shell offers when a name is begun: spaces, strategies, recipes, runs. Nothing here imports PyTorch."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import typer

_NAME = re.compile(r"[A-Za-z0-9._-]+")  # of a run; a shell reads what is offered, and gets nothing else


def _beginning(names: Iterable[str], begun: str) -> list[str]:
    return sorted(name for name in names if name.startswith(begun))


def spaces(incomplete: str) -> list[str]:
    from netwright.catalogue import names

    return _beginning(names("space"), incomplete)


def strategies(incomplete: str) -> list[str]:
    from netwright.catalogue import names

    return _beginning(names("strategy"), incomplete)


def methods(incomplete: str) -> list[str]:
    from netwright.catalogue import names

    return _beginning({*names("method"), *names("strategy")}, incomplete)


def charts(incomplete: str) -> list[str]:
    from netwright.charts import CHARTS

    return _beginning(CHARTS, incomplete)


def recipes(incomplete: str) -> list[str]:
    from netwright.catalogue import names

    return _beginning(names("search"), incomplete)


def networks(incomplete: str) -> list[str]:
    """The published networks, read without importing the spaces that they are of."""
    import json
    import re

    from netwright.catalogue.reading import ROOM

    cells = json.loads((ROOM / "spaces" / "published_cells.json").read_text(encoding="utf-8"))
    text = (ROOM / "spaces" / "mobile_known.py").read_text(encoding="utf-8")
    return _beginning([*cells, *re.findall(r'KnownMobile\(\s*"(\w+)"', text)], incomplete)


def drawn(context: typer.Context, incomplete: str) -> list[str]:
    """The runs of the project directory, and the published networks."""
    return [*runs(context, incomplete), *networks(incomplete)]


def executors(incomplete: str) -> list[str]:
    from netwright.cli.workers import EXECUTORS

    return _beginning(EXECUTORS, incomplete)


def executors_or_none(incomplete: str) -> list[str]:
    return _beginning([*executors(""), "none"], incomplete)


def addresses(incomplete: str) -> list[str]:
    return _beginning(["auto"], incomplete)


def addresses_or_none(incomplete: str) -> list[str]:
    return _beginning(["auto", "none"], incomplete)


def none(incomplete: str) -> list[str]:
    """The word that lifts an option of a stored run."""
    return _beginning(["none"], incomplete)


def runs(context: typer.Context, incomplete: str) -> list[str]:
    """The runs of the project directory that the line names so far; none where there is no such directory."""
    from netwright.core.errors import NetwrightError
    from netwright.store import Store

    try:
        with Store.open_readonly(Path(context.params.get("directory") or "netwright-runs")) as store:
            return _beginning(filter(_NAME.fullmatch, store.names()), incomplete)
    except (NetwrightError, OSError):
        return []
