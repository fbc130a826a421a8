"""JSON that any reader takes: numbers that JSON does not have are null, and named beside it."""

from __future__ import annotations

import json
import math
from typing import Any

from fastapi.responses import Response

NONFINITE = "nonfinite"


class Answer(Response):
    """A value as JSON. Where an object holds NaN or an infinity there is null, and its `nonfinite` says which."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        return json.dumps(plain(content), allow_nan=False, separators=(",", ":"), ensure_ascii=False).encode(
            "utf-8", "backslashreplace"
        )


def plain(value: Any) -> Any:
    """The value with null for numbers that are not finite; each object names its own under "nonfinite"."""
    if isinstance(value, dict):
        found = {str(name): plain(each) for name, each in value.items()}
        odd = {str(name): _name(each) for name, each in value.items() if _is_odd(each)}
        return {**found, NONFINITE: odd} if odd else found
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    if _is_odd(value):
        return None
    return value.item() if hasattr(value, "item") else value


def _is_odd(value: Any) -> bool:
    return isinstance(value, float) and not math.isfinite(value)


def _name(value: float) -> str:
    return "nan" if math.isnan(value) else ("inf" if value > 0 else "-inf")
