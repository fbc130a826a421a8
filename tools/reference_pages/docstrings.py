"""Reads docstrings of this project's form: a plain sentence, paragraphs, and of each parameter `name: what it is.`"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

from netwright.core.configuration import Configured, constructor
from netwright.training import TrainingSettings

PLACES = (
    *("netwright.strategies", "netwright.strategies.fidelity", "netwright.spaces", "netwright.tasks"),
    *("netwright.supernets", "netwright.estimators", "netwright.predictors", "netwright.training"),
)  # where an object lies that a docstring names without its module
COMMON = {
    "space": "the space whose architectures are meant",
    "task": "the data",
    "seed": "everything random follows from it",
    "device": '"auto", "cpu", "cuda", "cuda:1", ...',
    "epochs": "of the training of the shared weights",
    "settings": "any training setting and any option of `SharedWeights`, by name",
}  # what these names mean wherever a docstring says nothing else
_NAMES = re.compile(r"(?:(?<=[.;:)\"`] )|^)((?:\w+(?:, | and ))*\w+): ")
_AFTER = re.compile(
    r"(?<=[.;)]) (?:Raises|Defaults are|Published|The default augmentation|The other options|Each item|All count) "
)
_ELSEWHERE = re.compile(r"(?:as in|see|those of) `(?:\w+\.)*(\w+)`\.?")


def parameters(described: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    """What a function or a constructor takes, by name."""
    if not isinstance(described, type):
        return dict(inspect.signature(described).parameters)
    found = constructor(described) if issubclass(described, Configured) else inspect.signature(described)
    return {} if described.__init__ is object.__init__ else dict(found.parameters)


def paragraphs(text: str | None) -> list[str]:
    """Each paragraph on one line; lists stay as they are."""
    blocks = re.split(r"\n\s*\n", inspect.cleandoc(text or ""))
    return [each if each.startswith("- ") else " ".join(each.split()) for each in blocks if each.strip()]


def lines(described: Callable[..., Any]) -> dict[str, str]:
    """What the docstrings say of each parameter, those of base classes included."""
    known = parameters(described)
    found: dict[str, str] = {}
    for text in _texts(described):
        for paragraph in paragraphs(text):
            found = {**_lines(paragraph, known), **found}
    common = {name: text for name, text in COMMON.items() if name in known}
    return {name: _resolved(name, text) for name, text in {**common, **found}.items()}


def missing(described: Callable[..., Any]) -> list[str]:
    """Parameters of which no docstring says anything."""
    said = lines(described)
    return [name for name in parameters(described) if not said.get(name)]


def summary(described: Callable[..., Any]) -> str:
    """The plain sentence that the object's own docstring begins with; empty where it has none."""
    own = vars(described).get("__doc__") if isinstance(described, type) else described.__doc__
    return (paragraphs(own) or [""])[0]


def prose(described: Callable[..., Any]) -> list[str]:
    """The paragraphs after the first one, without what they say of parameters."""
    known = parameters(described)
    kept = [_without_lines(each, known) for each in paragraphs(described.__doc__)[1:]]
    return [each for each in kept if each]


def _texts(described: Callable[..., Any]) -> list[str]:
    if not isinstance(described, type):
        return [described.__doc__ or ""]
    own = [each.__doc__ or "" for each in described.__mro__ if each.__module__.startswith("netwright")]
    trains = "TrainingSettings" in str(getattr(parameters(described).get("settings"), "annotation", ""))
    return [*own, TrainingSettings.__doc__ or ""] if trains else own


def _places(paragraph: str, known: Mapping[str, Any]) -> list[re.Match[str]]:
    """Where a paragraph begins to speak of parameters."""
    return [each for each in _NAMES.finditer(paragraph) if set(_split(each[1])) <= set(known)]


def _split(names: str) -> list[str]:
    return re.split(r", | and ", names)


def _lines(paragraph: str, known: Mapping[str, Any]) -> dict[str, str]:
    places = _places(paragraph, known)
    ends = [*(each.start() for each in places[1:]), len(paragraph)]
    texts = [_AFTER.split(paragraph[each.end() : end])[0] for each, end in zip(places, ends, strict=False)]
    return {
        name: text.strip().rstrip(".;") for each, text in zip(places, texts, strict=True) for name in _split(each[1])
    }


def _without_lines(paragraph: str, known: Mapping[str, Any]) -> str:
    places = _places(paragraph, known)
    if not places:
        return paragraph
    after = _AFTER.search(paragraph, places[-1].end())
    return f"{paragraph[: places[0].start()]}{paragraph[after.start() + 1 :] if after else ''}".strip()


def _resolved(name: str, text: str) -> str:
    """What another object says of this parameter, where the text only names that one."""
    match = _ELSEWHERE.fullmatch(text)
    if match is None:
        return text
    for place in PLACES:
        other = getattr(import_module(place), match[1], None)
        if callable(other) and name in parameters(other):
            return lines(other).get(name, text)
    return text
