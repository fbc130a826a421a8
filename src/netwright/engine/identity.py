"""What identifies a run: its name, its settings, its data, and the networks that its space builds."""

from __future__ import annotations

import ast
import hashlib
import inspect
import re
import sys
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from netwright.core.configuration import as_json, constructor
from netwright.core.decision_space import DecisionSpace
from netwright.core.errors import UserError
from netwright.core.estimator import Estimator
from netwright.core.roles import Named, Shaped, fingerprint_of, task_of
from netwright.core.serial import parse_json
from netwright.core.strategy import Strategy
from netwright.store.numbers import to_json
from netwright.version import __version__

if TYPE_CHECKING:
    from torch import nn

    from netwright.core.architecture import Architecture
    from netwright.core.space import Space
    from netwright.core.task import TaskShape
    from netwright.engine.search import Search
    from netwright.store.store import Store

NETWORKS = "networks"  # the key under which the networks are kept with the run, and the shape that they are for
DATA = "data"  # and the fingerprints of its data
SAMPLED = 6  # networks beside the first and the last

_ALLOWED = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_SHOWN = 6  # differences
_BACK = "bring the earlier code of the space back, or begin a run of another name"


def note_identity(store: Store, name: str, search: Search) -> None:
    """Make the run in the store, with what says later whether a search is the same."""
    data, networks = fingerprints(search.estimator), networks_of(search)
    store.create_run(name, search.space.id, search.configuration(), __version__)
    if data:
        store.keep(name, DATA, data)
    if networks is not None:
        store.keep(name, NETWORKS, networks)


def check_identity(store: Store, name: str, search: Search) -> None:
    """UserError, with what differs, where the run was made with other settings, other data or another space."""
    check_settings(name, store.summary(name).configuration, search.configuration())
    check_data(name, store.document(name, DATA), fingerprints(search.estimator))
    check_networks(name, store.document(name, NETWORKS), search)


def as_begun(store: Store, name: str, search: Search) -> Search:
    """The search with the limits that the run began with, where it has those to which they were changed since."""
    present = store.present_limits(name)
    now = {each.exactly for each in search.limits}
    if present.changed and now == {each.exactly for each in present.limits}:
        return search.replace(constraints=present.begun)
    return search


# Its name.


def check_name(name: str) -> str:
    """The name itself; UserError unless it can stand in a table, a path and a command."""
    if not isinstance(name, str) or not _ALLOWED.fullmatch(name):
        raise UserError(
            f"{name!r} cannot be the name of a run; expected letters, digits, '.', '_' and '-', at most 100, "
            "beginning with a letter or digit"
        )
    return name


def next_name(strategy: Strategy, estimator: Estimator, taken: Iterable[str], method: str = "") -> str:
    """Task, space and strategy (or `method`) with the next free number: "digits-chain-evolution-1"."""
    task = next((name for stage in estimator.stages() if (name := _task_name(stage))), "")
    parts = [task, strategy.space.name, method or _kebab(type(strategy).__name__)]
    stem = "-".join(cleaned for part in parts if (cleaned := _clean(part)))[:90] or "run"
    numbers = [int(each[len(stem) + 1 :]) for each in taken if re.fullmatch(rf"{re.escape(stem)}-\d+", each)]
    return f"{stem}-{max(numbers, default=0) + 1}"


def _task_name(stage: Estimator) -> str:
    task = task_of(stage)
    return str(task.name or "") if isinstance(task, Named) else ""


def _kebab(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", name)


def _clean(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


# Its settings.


def check_settings(name: str, before: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    """UserError with the differences where a run was made with other settings; the device is no part of what it is."""
    different = listed(before, parse_json(to_json(now)), ignored="device")
    if different:
        raise UserError(f"run {name!r} was made with other settings: {different}")


def listed(before: Any, now: Any, ignored: str = "") -> str:
    """The first few differences in one sentence; empty where there are none. ignored: an argument that may differ."""
    lines = (line.replace("arguments.", "") for line in differences(before, now))
    found = [line for line in lines if not ignored or not line.partition(": ")[0].endswith(f".{ignored}")]
    more = f"; and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    return "; ".join(found[:_SHOWN]) + more


def differences(before: Any, now: Any, path: str = "") -> Iterator[str]:
    """One line for each value that is not the same, with the path to it.

    An option that came later is the same as its default, which is what was done before there was a choice.
    """
    if isinstance(before, Mapping) and isinstance(now, Mapping):
        before = {**before, "arguments": _with_later(before, now)} if "arguments" in before else before
        for name in dict.fromkeys((*before, *now)):
            yield from differences(
                before.get(name, _Absent), now.get(name, _Absent), f"{path}.{name}" if path else name
            )
    elif isinstance(before, list) and isinstance(now, list) and len(before) == len(now):
        for i, (first, second) in enumerate(zip(before, now, strict=True)):
            yield from differences(first, second, f"{path}[{i}]")
    elif (before is _Absent and now is None) or (before is None and now is _Absent):
        return  # an option that came later, and means nothing by its default
    elif before is _Absent and path.endswith(".shape.columns"):
        return  # was not written down; the data, which say it, are compared by themselves
    elif path.endswith("class") and _same_class(before, now):
        return
    elif before != now or type(before) is not type(now):
        yield f"{path or 'value'}: was {_shown(before)}, now {_shown(now)}"


def _with_later(before: Mapping[str, Any], now: Mapping[str, Any]) -> Any:
    """The arguments of before, and by their defaults those that the class of now has beside them."""
    own, module_and_class = before["arguments"], str(now.get("class"))
    if not isinstance(own, Mapping) or not _same_class(before.get("class"), module_and_class):
        return own
    module, _, name = module_and_class.partition(":")
    cls = getattr(sys.modules.get(module), name, None)
    known = constructor(cls).parameters if isinstance(cls, type) else {}
    later = {each.name: as_json(each.default) for each in known.values() if each.default is not each.empty}
    return {**{name: value for name, value in later.items() if name in now.get("arguments", {})}, **own}


def _same_class(before: Any, now: Any) -> bool:
    """Whether both name one class of this package ("netwright.spaces.cells:Cells"), in whichever file it lies."""
    own, other = (str(each).partition(":") for each in (before, now))
    return all(each[0].startswith("netwright.") for each in (own, other)) and own[2] == other[2]


class _Absent:
    """Stands for a value that is not there."""


def _shown(value: Any) -> str:
    text = "absent" if value is _Absent else repr(value)
    return text if len(text) <= 80 else text[:77] + "..."


# Its data.


def check_data(name: str, before: object, now: Sequence[str]) -> None:
    """UserError where a run was made with other data; a run that did not note its data is taken on trust."""
    if isinstance(before, list) and before != list(now):
        raise UserError(
            f"the data changed since run {name!r} was made, so that its trials cannot be compared with new ones; "
            "bring the earlier data back, or begin a run of another name"
        )


def fingerprints(estimator: Estimator) -> list[str]:
    """What identifies the data of every task that the estimator and its stages measure on, each once."""
    found = map(fingerprint_of, (estimator, *estimator.stages()))
    return list(dict.fromkeys(each for each in found if each is not None))


# Its networks.


def check_networks(name: str, before: object, search: Search) -> None:
    """UserError where the space offers or builds something else than when the run was made.

    A run that did not note its networks is taken on trust.
    """
    if not isinstance(before, dict):
        return
    now = networks_of(search)
    if now is None:
        return
    changes = list(_changed(before["decisions"], now["decisions"]))
    if changes:
        raise UserError(f"run {name!r} cannot be resumed: the space changed: {'; '.join(changes[:4])}; {_BACK}")
    for text, then in before["networks"].items():
        found = now["networks"].get(text)
        if found is not None and found["digest"] != then["digest"]:
            what = "with other layers" if found["params"] == then["params"] else f"of {found['params']:,} parameters"
            raise UserError(
                f"run {name!r} cannot be resumed: the space builds another network for {text}, {what}; it had "
                f"{then['params']:,} parameters when the run was made; {_BACK}"
            )


def networks_of(search: Search) -> dict[str, Any] | None:
    """What identifies the networks of a search, as JSON; None where none is built."""
    shape = _shape(search)
    if shape is None:
        return None
    networks = {str(each): _described(search.space, each, shape) for each in _chosen(search.space)}
    told = {"decisions": search.space.described(), "networks": networks, "shape": shape.as_json()}
    return parse_json(to_json(told))


def _shape(search: Search) -> TaskShape | None:
    """The shape of the task on which networks are measured, if any are."""
    tasks = (task_of(each) for each in (search.estimator, *search.estimator.stages()))
    return next((each.shape for each in tasks if isinstance(each, Shaped)), None)


def _chosen(space: Space) -> Sequence[Architecture]:
    rng = np.random.default_rng(0)
    ends = [space.at(0), space.at(space.size - 1)] if isinstance(space, DecisionSpace) else []
    return list(dict.fromkeys([*ends, *(space.sample(rng) for _ in range(SAMPLED))]))


def _described(space: Space, architecture: Architecture, shape: TaskShape) -> dict[str, Any]:
    """Parameters, and a digest of all modules with their settings, shapes and own code; of the error if any."""
    import torch

    try:
        with torch.device("meta"), torch.random.fork_rng(devices=[]):
            network = space.build(architecture, shape)
        lines = list(_lines(network))
        params = sum(each.numel() for each in network.parameters())
    except Exception as problem:  # it costs a trial, as it did
        lines, params = [type(problem).__name__], 0
    return {"params": params, "digest": hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]}


def _lines(network: nn.Module) -> Iterator[str]:
    """What a network is made of, one line a module, parameter and buffer."""
    for name, module in network.named_modules():
        yield f"{name} {type(module).__qualname__} {module.extra_repr()} {_own_code(type(module))}"
    for name, tensor in (*network.named_parameters(), *network.named_buffers()):
        yield f"{name} {tuple(tensor.shape)} {tensor.dtype}"


def _own_code(kind: type) -> str:
    """The forward pass of a class of the user's, without comments and layout; empty for those of libraries."""
    if kind.__module__.partition(".")[0] in ("torch", "netwright"):
        return ""
    try:
        return ast.unparse(ast.parse(textwrap.dedent(inspect.getsource(kind.forward))))  # pyright: ignore
    except (OSError, TypeError, SyntaxError, AttributeError):
        return ""


def _changed(before: Any, now: Any) -> Iterator[str]:
    """What differs between two descriptions of a space, one line each."""
    if (
        isinstance(before, list)
        and isinstance(now, list)
        and all(isinstance(each, Mapping) for each in [*before, *now])
    ):
        yield from _changed_decisions(before, now)
    elif before != now:
        yield from differences(before, now, "space")


def _changed_decisions(before: Sequence[Mapping[str, Any]], now: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """What differs between two lists of decisions, one line each."""
    old, new = ({each["name"]: each for each in decisions} for decisions in (before, now))
    for name in dict.fromkeys((*old, *new)):
        if name not in new:
            yield f"decision {name!r} is gone"
        elif name not in old:
            yield f"decision {name!r} is new, with the options {_listed(new[name]['options'])}"
        elif old[name] != new[name]:
            yield f"decision {name!r} {_change(old[name], new[name])}"


def _change(old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    added = [each for each in new["options"] if each not in old["options"]]
    gone = [each for each in old["options"] if each not in new["options"]]
    parts = [f"has the new option {_listed(added)}"] if added else []
    parts += [f"no longer offers {_listed(gone)}"] if gone else []
    if parts:
        return " and ".join(parts)
    return "lists its options in another order" if old["options"] != new["options"] else "is asked under other answers"


def _listed(options: Sequence[Any]) -> str:
    return ", ".join(map(repr, options[:6])) + (f" and {len(options) - 6} more" if len(options) > 6 else "")
