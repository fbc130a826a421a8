"""The test examples that the winner answers worst, as pictures where they are any."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from netwright.charts.chart import Chart, Drawn, altair
from netwright.charts.finalists import figures_of
from netwright.charts.run_data import RunData
from netwright.core.wording import shortened

ACROSS = 6  # pictures in a row
SIDE, CAPTION = 64, 44  # pixels of a picture, and of the lines below it
LONGEST = 16  # characters of a line below a picture
LONGEST_LABEL = 40
LONGEST_ABOUT = 80


def applies(data: RunData) -> str:
    figures = figures_of(data)
    if figures is None:
        return "nothing was trained finally yet"
    return "" if figures.get("worst") else "the report names no examples: it is of an earlier version, or of a text"


def draw(data: RunData) -> Drawn:
    """Pictures with what they are and what they are taken for, the worst first; of others a bar of the loss each."""
    figures = figures_of(data)
    assert figures is not None
    found = figures["worst"]
    pictures = all(each["picture"] for each in found)
    rows = [_row(each, place) for place, each in enumerate(found)]
    chart = _pictures(len(rows)) if pictures else _bars(max(row["loss"] for row in rows))
    note = f"The {len(rows)} of {figures['test_examples']:,} test examples with the highest loss, counted from 0, "
    note += f"with the weights of seed {figures.get('exported_seed', 0)}."
    note += " Behind the arrow: what the winner answers." + (
        "" if pictures else " In brackets: which it is, and its loss."
    )
    right = sum(row["right"] for row in rows)
    note += (
        f" {right} of them {'is' if right == 1 else 'are'} answered rightly, but hardly so{' (grey)' * pictures}."
        if right
        else ""
    )
    hidden: dict[str, str] = dict.fromkeys(
        ("picture", "column", "line", "label", "about", "right", "first", "second"), ""
    )
    return Drawn(chart, {"worst": rows}, note, heads=hidden)


def _row(example: Mapping[str, Any], place: int) -> dict[str, Any]:
    cells = ", ".join(f"{name} {cell}" for name, cell in example["row"].items())
    what = example["file"] or cells or example["text"]
    said = [each for each in (example["asked"], example["answered"]) if each]
    return {
        "example": example["number"],
        "is": example["asked"],
        "answered": example["answered"],
        "loss": example["loss"],
        "what it is": what,
        "picture": example["picture"],
        "column": place % ACROSS,
        "line": place // ACROSS,
        "label": f"{shortened(' → '.join(said), LONGEST_LABEL)} ({example['number']}: {example['loss']:.3g})",
        "right": example["answered"].startswith(f"{example['asked']} ("),
        "about": shortened(what, LONGEST_ABOUT),
        "first": shortened(said[0] if said else str(example["number"]), LONGEST),
        "second": shortened(f"→ {said[1]}" if len(said) > 1 else "", LONGEST),
    }


def _tips(alt: Any) -> Sequence[Any]:
    return ["example:Q", "is:N", "answered:N", alt.Tooltip("loss:Q", format=".3g"), "what it is:N"]


def _pictures(count: int) -> Any:
    """A grid of pictures, with what each is and what it is taken for below it."""
    alt = altair()
    lines = -(-count // ACROSS)
    x = alt.X("column:Q", axis=None, scale=alt.Scale(domain=[-0.5, ACROSS - 0.5], nice=False))
    y = alt.Y("line:Q", axis=None, scale=alt.Scale(domain=[lines - 0.5, -0.5], nice=False))
    base = alt.Chart(alt.NamedData("worst")).encode(x=x, y=y, tooltip=_tips(alt))
    shown = base.mark_image(width=SIDE, height=SIDE, yOffset=-CAPTION / 2, aspect=True).encode(url="picture:N")
    colour = alt.condition("datum.right", alt.value("role:quiet"), alt.value("role:best"))
    words = [
        base.mark_text(dy=SIDE / 2 - CAPTION / 2 + 10 + 14 * number, fontSize=11).encode(
            text=f"{name}:N", color=alt.value(role) if isinstance(role, str) else role
        )
        for number, (name, role) in enumerate((("first", "role:ink"), ("second", colour)))
    ]
    return alt.layer(shown, *words).properties(width=ACROSS * 104, height=lines * (SIDE + CAPTION + 8))


def _bars(largest: float) -> Any:
    """A bar of the loss each, with what it is behind it."""
    alt = altair()
    base = alt.Chart(alt.NamedData("worst")).encode(
        y=alt.Y("label:N", sort=None, title=None, axis=alt.Axis(labelLimit=420, domain=False, ticks=False)),
        x=alt.X("loss:Q", axis=None, scale=alt.Scale(domain=[0, 3.2 * largest])),
        tooltip=_tips(alt),
    )
    bars = base.mark_bar(color="role:best", height=12)
    words = base.mark_text(align="left", dx=6, color="role:quiet", fontSize=11, limit=380).encode(text="about:N")
    return alt.layer(bars, words).properties(width=560, height=alt.Step(22))


CHART = Chart("worst", "Worst examples", "Which examples does the winner answer worst?", draw, applies)
