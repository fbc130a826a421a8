"""Kinds of problems: what networks must answer, and how they are judged; one file a kind, which names it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

_FOLDER = Path(__file__).parent
_TEXTS = [path.read_text(encoding="utf-8") for path in sorted(_FOLDER.glob("[a-z]*.py"))]
METRIC_NAMES = tuple(dict.fromkeys(name for text in _TEXTS for name in re.findall(r'\bMetric\(\s*"(\w+)"', text)))
"""What the kinds of problems measure, without "val_"; problems of the user's own have others."""
SHARE_NAMES = frozenset(
    name for text in _TEXTS for name in re.findall(r'\bMetric\(\s*"(\w+)"[^()]*\bpercent=True', text)
)
"""Those that are shares from 0 to 1, which are shown in per cent."""

if TYPE_CHECKING:
    from netwright.problems.classification import *  # noqa: F403
    from netwright.problems.dense_classification import *  # noqa: F403
    from netwright.problems.forecast import *  # noqa: F403
    from netwright.problems.language import *  # noqa: F403
    from netwright.problems.regression import *  # noqa: F403
    from netwright.problems.several_labels import *  # noqa: F403
else:
    from netwright.core.on_demand import on_demand
    from netwright.core.public_names import declared

    _PLACES = declared(__name__, _FOLDER)
    __all__ = sorted(_PLACES)
    __getattr__, __dir__ = on_demand(__name__, _PLACES)
