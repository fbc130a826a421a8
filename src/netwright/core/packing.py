"""What a strategy remembers, as JSON and the arrays beside it, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import numpy as np

ARRAY = "array"  # stands in the JSON for the array of that number


def packed(value: Any) -> tuple[Any, dict[str, np.ndarray]]:
    """The value with numbers in place of its arrays, for JSON, and the arrays by number."""
    arrays: dict[str, np.ndarray] = {}
    return _plain(value, arrays), arrays


def unpacked(value: Any, arrays: Mapping[str, np.ndarray]) -> Any:
    """The value that was packed; its tuples as lists."""
    if isinstance(value, dict):
        parts = cast("dict[str, Any]", value)
        if parts.keys() == {ARRAY}:
            return arrays[parts[ARRAY]]
        return {key: unpacked(each, arrays) for key, each in parts.items()}
    return [unpacked(each, arrays) for each in cast("list[Any]", value)] if isinstance(value, list) else value


def _plain(value: Any, arrays: dict[str, np.ndarray]) -> Any:
    if isinstance(value, np.ndarray):
        number = str(len(arrays))
        arrays[number] = np.ascontiguousarray(cast("np.ndarray", value))
        return {ARRAY: number}
    if isinstance(value, Mapping):
        return {key: _plain(each, arrays) for key, each in cast("Mapping[str, Any]", value).items()}
    if isinstance(value, (list, tuple)):
        return [_plain(each, arrays) for each in cast("list[Any]", value)]
    return value
