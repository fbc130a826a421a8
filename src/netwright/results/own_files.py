"""Compares what an exported model answers to the user's own files with its answers to the examples they stand for."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from netwright.core.errors import NetwrightError

TOLERANCE = 1e-3  # of the largest number of its kind


class NotReproduced(NetwrightError):
    """The exported files do not give what the network gave; nothing was written."""


def compared_answers(answered: Mapping[str, Any], most: int) -> tuple[Mapping[str, Any], ...]:
    """What was printed for each of the user's own files, after checking that it is what the network says.

    answered: "printed" by `model.py --json`, its exit "code" and "complaints", and for as many test examples the
        "expected" answers and the "lines" that people read.
    most: how many test examples the files stand for.

    Raises NotReproduced.
    """
    answers = tuple(json.loads(line) for line in answered["printed"].splitlines() if line.startswith("{"))
    complaint = answered["complaints"].strip().removeprefix("model.py: ").splitlines()[:1]
    if answered["code"] or not answers:
        what = complaint[0] if complaint else "it printed nothing"
        raise NotReproduced(f"the exported model does not predict the test examples' own files: {what}")
    if len(answers) > most:
        raise NotReproduced(f"the test examples' own files hold more than the {most:,} examples they stand for")
    expected = [dict(_flat(each)) for each in answered["expected"]]
    scales = _scales(expected)
    for place, answer in enumerate(answers):
        own = {path: each for path, each in _flat(answer) if path not in (("file",), ("example",))}
        if not _alike(own, expected[place], scales):
            raise NotReproduced(_differs(answer, own, expected[place], answered["lines"][place]))
    return answers


_Path = tuple[str, ...]


def _flat(value: Any, path: _Path = ()) -> Iterator[tuple[_Path, Any]]:
    """Each number and text of an answer, by where it stands."""
    if isinstance(value, Mapping):
        named: Mapping[str, Any] = value  # pyright: ignore[reportUnknownVariableType]
        for name, each in named.items():
            yield from _flat(each, (*path, name))
    elif isinstance(value, list):
        several: list[Any] = value  # pyright: ignore[reportUnknownVariableType]
        for place, each in enumerate(several):
            yield from _flat(each, (*path, str(place)))
    else:
        yield path, value


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _scales(answers: Sequence[Mapping[_Path, Any]]) -> dict[str, float]:
    """The largest number below each name of the answers."""
    found: dict[str, float] = {}
    for path, value in (each for answer in answers for each in answer.items() if _is_number(each[1])):
        found[path[0]] = max(found.get(path[0], 1e-9), abs(value))
    return found


def _alike(found: Mapping[_Path, Any], expected: Mapping[_Path, Any], scales: Mapping[str, float]) -> bool:
    if found.keys() != expected.keys():
        return False
    return all(
        abs(found[path] - value) <= TOLERANCE * scales[path[0]]
        if _is_number(value) and _is_number(found[path])
        else found[path] == value
        for path, value in expected.items()
    )


def _differs(answer: Mapping[str, Any], own: Mapping[_Path, Any], expected: Mapping[_Path, Any], line: str) -> str:
    """What is said of the first file whose answer is another one."""
    where = answer["file"] + (f" ({answer['example']})" if answer["example"] not in ("", answer["file"]) else "")
    first, right = next(iter(own.values()), ""), next(iter(expected.values()), "")
    said = f"{first!r} for {where}, where the network says {right!r}"
    if first == right:
        said = f"something else for {where} than the network, {line}"
    return f"the exported model says {said}: the file is prepared in another way than the test example was"
