"""The page of what `--json` prints, and how a printed value is held against it."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from reference_pages.json_fields import COMMANDS, FIGURES, TRIAL, Fields, below
from reference_pages.markdown import code, page, table

KINDS = {
    "text": "text",
    "number": "a number",
    "count": "a whole number from 0",
    "share": "from 0 to 1",
    "seconds": "seconds",
    "bytes": "bytes",
    "time": "ISO 8601 with milliseconds, in UTC",
    "flag": "true or false",
    "path": "a path, relative as it was given",
    "any": "as said",
}
SHARED = {"figures": FIGURES, "trial": TRIAL}  # described once; commands have them under some name
Path = tuple[str, ...]


def json_page() -> str:
    return page(
        "What `--json` prints",
        "One JSON value on standard output, and nothing else there; progress and notes go to standard error. A "
        "number that JSON does not have (NaN, infinity) is null. Fields may be added in any release; what becomes "
        "of those there are is said in [versions](../versions.md). In a path `[]` stands for the entries of a list "
        "and `*` for a name that differs, of a metric or a run for example; `?` behind a kind means that null is "
        "possible.",
        table(["kind", "meaning"], [[code(name), meaning] for name, meaning in KINDS.items()]),
        *(f"## {name}\n\n{_about(name)}\n\n{_table(fields)}" for name, fields in SHARED.items()),
        *(f"## netwright {name}\n\n{_table(_short(fields))}" for name, fields in COMMANDS.items()),
    )


def _about(name: str) -> str:
    told = {
        "figures": (
            "What a final training found: `final` of `search` and `resume`, `report.figures` of `show`, `figures` "
            "of `final` and `export`."
        ),
        "trial": "One trial: the entries of `trials` of `show`, and what `show --trial` prints.",
    }
    return told[name]


def _short(fields: Fields) -> Fields:
    """The fields with one line in place of those that are described once for all commands."""
    kept = dict(fields)
    for name, group in SHARED.items():
        first = next(iter(group))
        for prefix in [path.removesuffix(first) for path in fields if path.endswith(first)]:
            if all(f"{prefix}{path}" in fields for path in group):
                kept = {path: told for path, told in kept.items() if path not in below(prefix, group)}
                place = prefix.rstrip(".") or "..."
                kind, meaning = kept.get(place, ("any", ""))
                kept[place] = kind, f"[{name}](#{name})" + (f"; {meaning}" if meaning else "")
    return kept


def _table(fields: Fields) -> str:
    rows = [[code(path), kind, meaning.replace("(not always) ", "")] for path, (kind, meaning) in fields.items()]
    return table(["field", "kind", "meaning"], rows)


def leaves(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Every value that is no list and no object, and every empty list, with the keys that lead there."""
    if isinstance(value, dict) and value:
        for name, each in value.items():
            yield from leaves(each, (*path, name))
    elif isinstance(value, list) and value:
        for each in value:
            yield from leaves(each, (*path, "[]"))
    elif isinstance(value, list):
        yield (*path, "[]"), None
    elif not isinstance(value, dict):
        yield path, value


def described(path: Path, fields: Fields) -> str | None:
    """The path of the fields that this one is; None where there is none. The one with most names fits best."""
    fitting = [each for each in fields if _fits(path, _keys(each))]
    if path[-1:] == ("[]",):  # an empty list
        fitting += [each for each in fields if _fits(path, _keys(each)[: len(path)])]
    return max(fitting, key=lambda each: [key not in ("*", "**") for key in _keys(each)], default=None)


def unseen(seen: set[str], fields: Fields) -> list[str]:
    """Fields that every run has, and that none of those seen is, nor lies below."""
    above = {path for path in fields for each in seen if each.startswith((f"{path}.", f"{path}["))}
    return [path for path, (_, meaning) in fields.items() if path not in seen | above and "(not always)" not in meaning]


def is_of(kind: str, value: Any) -> bool:
    """Whether a printed value is of the kind that is said."""
    if value is None:
        return kind.endswith("?") or kind == "any"
    return _CHECKS[kind.rstrip("?")](value)


def _keys(path: str) -> Path:
    """`a.b[].*` as ("a", "b", "[]", "*"); names may hold blanks."""
    return tuple(each for part in path.split(".") for each in re.findall(r"\[\]|[^\[\]]+", part))


def _fits(path: Path, keys: Path) -> bool:
    if keys and keys[-1] == "**":
        return len(path) >= len(keys) - 1 and _fits(path[: len(keys) - 1], keys[:-1])
    same = len(path) == len(keys)
    return same and all((key == "*" and name != "[]") or key == name for name, key in zip(path, keys, strict=True))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_count(value: Any) -> bool:
    return _is_number(value) and value >= 0 and float(value).is_integer()


def _is_time(value: Any) -> bool:
    try:
        return datetime.fromisoformat(value).utcoffset() is not None
    except (TypeError, ValueError):
        return False


_CHECKS = {
    "text": lambda value: isinstance(value, str),
    "path": lambda value: isinstance(value, str),
    "number": _is_number,
    "count": _is_count,
    "bytes": _is_count,
    "seconds": lambda value: _is_number(value) and value >= 0,
    "share": lambda value: _is_number(value) and 0 <= value <= 1,
    "time": _is_time,
    "flag": lambda value: isinstance(value, bool),
    "any": lambda value: True,
}
