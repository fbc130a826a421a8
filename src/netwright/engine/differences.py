"""What differs between two configurations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

_SHOWN = 6


def differences(before: Any, now: Any, path: str = "") -> Iterator[str]:
    """One line for each value that is not the same, with the path to it."""
    if isinstance(before, Mapping) and isinstance(now, Mapping):
        for name in dict.fromkeys((*before, *now)):
            yield from differences(
                before.get(name, _Absent), now.get(name, _Absent), f"{path}.{name}" if path else name
            )
    elif isinstance(before, list) and isinstance(now, list) and len(before) == len(now):
        for i, (first, second) in enumerate(zip(before, now, strict=True)):
            yield from differences(first, second, f"{path}[{i}]")
    elif (before is _Absent and now is None) or (before is None and now is _Absent):
        return  # an option that came later, and means nothing by its default
    elif path.endswith("class") and _same_class(before, now):
        return
    elif before != now or type(before) is not type(now):
        yield f"{path or 'value'}: was {_shown(before)}, now {_shown(now)}"


def _same_class(before: Any, now: Any) -> bool:
    """Whether both name one class of this package ("netwright.spaces.cells:Cells"), in whichever file it lies."""
    own, other = (str(each).partition(":") for each in (before, now))
    return all(each[0].startswith("netwright.") for each in (own, other)) and own[2] == other[2]


class _Absent:
    """Stands for a value that is not there."""


def listed(before: Any, now: Any, ignored: str = "") -> str:
    """The first few differences in one sentence; empty where there are none. ignored: an argument that may differ."""
    lines = (line.replace("arguments.", "") for line in differences(before, now))
    found = [line for line in lines if not ignored or not line.partition(": ")[0].endswith(f".{ignored}")]
    more = f"; and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    return "; ".join(found[:_SHOWN]) + more


def _shown(value: Any) -> str:
    text = "absent" if value is _Absent else repr(value)
    return text if len(text) <= 80 else text[:77] + "..."
