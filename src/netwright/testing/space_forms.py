"""Rules for what an architecture is written as: text, JSON, numbers, pickles."""

from __future__ import annotations

import copy
import json
import pickle
from typing import TYPE_CHECKING, Any

import numpy as np

from netwright.core.decision_space import DecisionSpace
from netwright.core.errors import InvalidArchitecture
from netwright.testing.rules import must_not_raise, must_raise, require

if TYPE_CHECKING:
    from collections.abc import Sequence

    from netwright.core.architecture import Architecture
    from netwright.core.space import Space


def space_is_its_configuration(space: Space) -> None:
    with must_not_raise("configuration"):
        json.dumps(space.configuration(), allow_nan=False)
    twin = space.replace()
    require(twin == space and twin.id == space.id, f"{space!r} made again from its arguments is another space")
    require(_pickled(space, "the space") == space, "the space pickled and read is not equal to itself")


def text_reads_back(space: Space, drawn: Sequence[Architecture]) -> None:
    for architecture in drawn:
        for form, text in (("to_json()", architecture.to_json()), ("str()", str(architecture))):
            with must_not_raise(f"parse of {form}, {text!r},"):
                read = space.parse(text)
            require(read == architecture, f"parse of {form} gave {read} for {architecture}")
        (part, data), *_ = space.record(architecture).items()
        with must_not_raise(f"architecture({part})"):
            again = space.architecture(data)
        require(again == architecture, f"architecture({part}) gave {again} for {architecture}")
    _injective(drawn, str, "str")


def foreign_architectures_are_refused(space: Space, drawn: Sequence[Architecture]) -> None:
    record = json.loads(drawn[0].to_json())
    text = json.dumps({**record, "space": "another-v1-00000000"})
    must_raise("parse of another space's architecture", InvalidArchitecture, lambda: space.parse(text))
    if isinstance(space, DecisionSpace):
        labels: dict[str, Any] = {**record["decisions"], "no such decision": 1}
        must_raise("parse of an unknown decision", InvalidArchitecture, lambda: space.parse(json.dumps(labels)))
    for text in ("null", "{}", "[[]]", '"no such architecture"', "[-1, 1e300]"):
        try:
            space.validate(space.parse(text))
        except InvalidArchitecture:
            continue
        except Exception as problem:
            raise AssertionError(f"parse of {text} raised {problem!r}, expected InvalidArchitecture") from problem


def values_compare(space: Space, drawn: Sequence[Architecture]) -> None:
    for architecture in drawn:
        with must_not_raise("parse of to_json()"):
            copy = space.parse(architecture.to_json())
        require(hash(copy) == hash(architecture), f"equal architectures have different hashes: {architecture}")
        require(_pickled(architecture, "an architecture") == architecture, f"pickled and read, {architecture} differs")
    turned = list(reversed(drawn))
    require(sorted(drawn) == sorted(turned), "the order of architectures depends on where they stood before")


def encoding_is_injective(space: DecisionSpace, drawn: Sequence[Architecture]) -> None:
    with must_not_raise("encode"):
        vectors = [space.encode(each) for each in drawn]
    shapes = {vector.shape for vector in vectors}
    require(len(shapes) == 1 and len(next(iter(shapes))) == 1, f"encode gave shapes {shapes}, expected one length")
    require(all(vector.dtype == np.float32 for vector in vectors), "encode must give float32")
    _injective(drawn, lambda each: space.encode(each).tobytes(), "encode")


def tokens_read_back(space: DecisionSpace, drawn: Sequence[Architecture]) -> None:
    lengths = {len(space.tokens(each)) for each in drawn}
    require(len(lengths) == 1, f"tokens gave sequences of lengths {sorted(lengths)}, expected one length")
    for architecture in drawn:
        with must_not_raise("from_tokens(tokens(...))"):
            again = space.from_tokens(space.tokens(architecture))
        require(again == architecture, f"from_tokens(tokens(...)) gave {again} for {architecture}")


def _injective(drawn: Sequence[Architecture], form: Any, name: str) -> None:
    distinct, forms = len(set(drawn)), len({form(each) for each in drawn})
    require(forms == distinct, f"{name} gave {forms} different values for {distinct} different architectures")


def _pickled(value: Any, what: str) -> Any:
    """The value taken apart as pickle does it, for another process, and put together again."""
    with must_not_raise(f"pickling {what}"):
        pickle.dumps(value)
        return copy.deepcopy(value)
