"""One-shot methods as scripts: what is asked of shared weights in one turn, round by round (docs/adding/method.md)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netwright.strategies.rounds.asking import accumulate, angle, evaluate, probe, rehearse, train
from netwright.strategies.rounds.script import Rounds, Script

if TYPE_CHECKING:
    from netwright.strategies.paths.categorical import Categoricals
    from netwright.strategies.rounds.logits import Logits

__all__ = [
    "Categoricals",
    "Logits",
    "Rounds",
    "Script",
    "accumulate",
    "angle",
    "evaluate",
    "probe",
    "rehearse",
    "train",
]

if not TYPE_CHECKING:
    from netwright.core.on_demand import on_demand  # what needs torch is imported when it is asked for

    __getattr__, __dir__ = on_demand(
        __name__,
        {
            "Categoricals": "netwright.strategies.paths.categorical:Categoricals",
            "Logits": "netwright.strategies.rounds.logits:Logits",
        },
    )

PROVIDES = ("search.bilevel", "super.path")
