"""The gallery: a real run as the report shows it, each of its charts, and the pictures of docs/pictures."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from site_pages.sources import ROOT

if TYPE_CHECKING:
    from site_pages.gallery_run import Shown

FOLDER = ROOT / "docs" / "pictures"
REPORT = "gallery/report.html"


def page(run: Shown | None = None) -> str:
    """The page. run: what is shown; by default the small run of the gallery, which is made where it is not there."""
    run = run or _run()
    head = [
        "# Gallery",
        f"A small real run, made while this site was built:\n\n```console\n{run.command}\n```",
        f"[**Its report**]({REPORT}){{target=_blank}}, as `netwright report` writes it: one file that opens without a "
        "network. Each chart is also a file, by `netwright plot RUN NAME --to best.svg`, its data `--to best.csv`.",
    ]
    charts = [
        f"## {each.title}\n\n`netwright plot RUN {name}`\n\n![{each.description}](gallery/{name}.svg#only-light)"
        f"![{each.description}](gallery/{name}-dark.svg#only-dark)"
        for name, each in run.charts.items()
    ]
    return "\n\n".join([*head, *charts, *(_shown(path.name) for path in pictures())]) + "\n"


def files(run: Shown | None = None) -> dict[str, str]:
    """What the page links to, by where it stands in the site: the report, and each chart as SVG."""
    run = run or _run()
    light = {f"gallery/{name}.svg": each.svg() for name, each in run.charts.items()}
    dark = {f"gallery/{name}-dark.svg": each.themed("dark").svg() for name, each in run.charts.items()}
    return {REPORT: run.report, **light, **dark}


@cache
def _run() -> Shown:
    from site_pages.gallery_run import shown

    return shown()


def pictures() -> list[Path]:
    return sorted(path for path in FOLDER.glob("*") if path.suffix in (".svg", ".png")) if FOLDER.is_dir() else []


def _shown(name: str) -> str:
    title = name.rpartition(".")[0].replace("-", " ").replace("_", " ")
    return f"## {title.capitalize()}\n\n![{title}](pictures/{name})"
