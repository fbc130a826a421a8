"""The OpenAPI description of the answers in JSON: what comes when all is well, and every refusal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

LISTS = ("/api/runs/{name}/charts",)  # what answers with a list; everything else with an object
REFUSED = {"type": "object", "required": ["error"], "properties": {"error": {"type": "string"}}}
REFUSALS: Mapping[str, str] = {
    "400": "An address or a host that is none of ours",
    "401": "The token is missing",
    "403": "Asked by another site's page, or this server only shows",
    "404": "There is nothing of this name",
    "405": "No such method",
    "409": "The run is not in a state for it",
    "413": "Too much was sent",
    "415": "Something else than JSON was sent",
    "422": "Not understood",
    "503": "Too many requests at once, no answer in time, or the project cannot be read now",
}


def describe(made: FastAPI) -> None:
    """Give the application its description, which is made when it is first asked for."""

    def openapi() -> dict[str, Any]:
        if made.openapi_schema is None:
            told = get_openapi(title=made.title, version=made.version, description=made.description, routes=made.routes)
            for path, operations in told["paths"].items():
                for operation in operations.values():
                    operation["responses"] = _responses(operation["responses"], is_list=path in LISTS)
            parts = told.get("components", {}).get("schemas", {})
            for unused in ("HTTPValidationError", "ValidationError"):
                parts.pop(unused, None)
            made.openapi_schema = told
        return made.openapi_schema

    made.openapi = openapi


def _responses(found: Mapping[str, Any], *, is_list: bool) -> dict[str, Any]:
    """What an operation may answer."""
    good = {"type": "array", "items": {"type": "object"}} if is_list else {"type": "object"}
    done = {status: _answer(each["description"], good) for status, each in found.items() if status.startswith("2")}
    return {**done, **{status: _answer(words, REFUSED) for status, words in REFUSALS.items()}}


def _answer(words: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"description": words, "content": {"application/json": {"schema": schema}}}
