"""The report of a run: the first screen for who decides, the last for who checks; it has all that `show` says."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from netwright.charts import CHARTS
from netwright.charts.figure import Figure
from netwright.core.errors import NetwrightError
from netwright.core.wording import shortened
from netwright.dashboard.facts import facts_of, plan_of
from netwright.dashboard.report import evidence
from netwright.dashboard.report.command import command_of
from netwright.dashboard.report.document import document, still
from netwright.dashboard.report.first_screen import first_screen
from netwright.dashboard.stored_space import space_of
from netwright.results.alarm_sentences import alarm_lines
from netwright.results.figures import Figures

if TYPE_CHECKING:
    from netwright.charts.run_data import RunData
    from netwright.core.space import Space

PARTS = {
    "evidence": ("finalists", "confusion", "worst", "data"),
    "failures": ("failures",),
}  # charts, by where they stand
APART = ("runs",)  # of several runs, which a report of one does not show
STILLS = 2  # charts that are there without scripts, too
SCORE = "val_accuracy"
WIDE = 480  # pixels; a drawing of more, wider than high, has a line of the page to itself


def report_of(data: RunData, *, rate: float | None = None, notes: Sequence[str] = ()) -> str:
    """The report as the text of one HTML file.

    data: the run.
    rate: what an hour of device time costs, to be shown beside the time.
    notes: lines of the user's own, which stand below the first screen.

    Raises MissingExtra without the extra `dashboard`.
    """
    facts, figures, space = facts_of(data), figures_of(data), space_of(data)
    drawn = figures_drawn(data)
    first = [drawn[name] for name in _firsts(data, figures, drawn)]
    parts = {part: [drawn[each] for each in names if each in drawn] for part, names in PARTS.items()}
    parts = {part: [each for each in found if each not in first] for part, found in parts.items()}
    placed = [each for found in (first, *parts.values()) for each in found]
    place = _chosen(data, facts.best)
    drawing = _drawing(data, space, place)
    return document(
        "report.html",
        list(drawn.values()),
        data=data,
        facts=facts,
        screen=first_screen(data, facts, figures, space, rate),
        drawing=drawing,
        wide=_is_wide(drawing),
        architecture=_architecture(data, figures, place),
        number=None if place is None else int(data.numbers[place]),
        first=first,
        stills={each.name: still(each) for each in first[:STILLS]},
        others=[each for each in drawn.values() if each not in placed],
        parts=parts,
        drawn=drawn,
        empty=[f"{chart.title}: {why}" for chart, why in _empty(data, drawn)],
        ahead=evidence.front(data, facts),
        comparison=evidence.comparison(figures) if figures else None,
        findings=evidence.findings(figures) if figures else [],
        details=evidence.details(figures) if figures else [],
        understood=figures.data if figures else (),
        instead=figures.instead if figures else (),
        failures=evidence.failures(data),
        trials=evidence.trials(data, facts),
        settings=evidence.settings(data, figures),
        unmeasured=evidence.unmeasured(data, figures),
        repeatable=evidence.repeatable(data),
        command=command_of(plan_of(data)),
        alarms=_alarms(data),
        lines=_lines(data),
        notes=notes,
    )


def figures_of(data: RunData) -> Figures | None:
    """What the final training measured; None where there was none."""
    report = data.documents.get("report")
    return Figures.from_json(report["figures"]) if isinstance(report, dict) and report.get("figures") else None


def figures_drawn(data: RunData) -> dict[str, Figure]:
    """Every chart that has something to say of this run."""
    charts = {name: chart for name, chart in CHARTS.items() if name not in APART and not chart.applies(data)}
    found = {name: chart.figure(data) for name, chart in charts.items()}
    return {name: each for name, each in found.items() if not each.empty}


def _empty(data: RunData, drawn: Mapping[str, Figure]) -> list[tuple[Any, str]]:
    """The charts that have nothing to say of this run, and why."""
    left = [chart for name, chart in CHARTS.items() if name not in drawn and name not in APART]
    return [(chart, chart.applies(data) or "nothing to draw") for chart in left]


def _firsts(data: RunData, figures: Figures | None, drawn: Mapping[str, Figure]) -> list[str]:
    """The charts of the first screen: what it is beside, which one to take, or whether the search pays."""
    beside = figures is not None and len(figures.baselines) > bool(figures.constant)
    several = len(data.objectives) > 1
    wanted = [*(("front",) * several), *(("finalists",) * beside), *(("best",) * (not several and not beside))]
    return [name for name in wanted if name in drawn] or [name for name in ("best", "mixture") if name in drawn][:1]


def _chosen(data: RunData, best: int | None) -> int | None:
    """The place of the trial that was handed over, or of the best one."""
    number = (data.documents.get("final") or {}).get("trial")
    places = np.flatnonzero(data.numbers == number) if isinstance(number, int) else []
    return int(places[0]) if len(places) else best


def _drawing(data: RunData, space: Space | None, place: int | None) -> str:
    """The winner's architecture as SVG; empty where it cannot be drawn."""
    stored = None if place is None else data.architectures[place]
    if space is None or stored is None:
        return ""
    from netwright.drawings import draw_architecture

    (content,) = (part for key, part in stored.items() if key != "space")
    try:
        return draw_architecture(space, space.architecture(content)).svg("light")
    except (NetwrightError, ValueError, KeyError):
        return ""


def _is_wide(drawing: str) -> bool:
    """Whether a drawing needs the width of the page to be read."""
    found = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', drawing[:2000])
    return found is not None and float(found[1]) > WIDE and float(found[1]) > float(found[2])


def _architecture(data: RunData, figures: Figures | None, place: int | None) -> str:
    if figures:
        return figures.architecture
    return "" if place is None else shortened(data.texts[place], 4000)


def _alarms(data: RunData) -> list[str]:
    """What epochs of shared weights say of how far to trust the search."""
    epochs = [
        place for place, purpose in enumerate(data.purposes) if purpose == "train" and data.states[place] == "completed"
    ]
    if not epochs:
        return []
    told = [
        {name: float(each[place]) for name, each in data.metrics.items() if not np.isnan(each[place])}
        for place in epochs
    ]
    scores = data.metrics.get(SCORE)
    known = [] if scores is None else [float(each) for each in scores[data.completed] if not np.isnan(each)]
    return alarm_lines(told, known)


def _lines(data: RunData) -> list[str]:
    report = data.documents.get("report")
    return report.get("lines", []) if isinstance(report, dict) else []
