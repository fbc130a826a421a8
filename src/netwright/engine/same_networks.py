"""Whether a space still builds what it built when a run was made: its decisions, and digests of a few networks."""

from __future__ import annotations

import ast
import hashlib
import inspect
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from netwright.core.errors import UserError
from netwright.core.serial import parse_json
from netwright.store.numbers import to_json

if TYPE_CHECKING:
    from torch import nn

    from netwright.core.architecture import Architecture
    from netwright.core.space import Space
    from netwright.core.task import TaskShape
    from netwright.engine.search import Search

NETWORKS = "networks"  # the key under which it is kept with the run
SAMPLED = 6  # networks beside the first and the last

_BACK = "bring the earlier code of the space back, or begin a run of another name"


def networks_of(search: Search) -> dict[str, Any] | None:
    """What identifies the networks of a search, as JSON; None where none is built."""
    shape = _shape(search)
    if shape is None:
        return None
    decisions = [each.describe() for each in search.space.decisions]
    networks = {str(each): _described(search.space, each, shape) for each in _chosen(search.space)}
    return parse_json(to_json({"decisions": decisions, "networks": networks}))


def check_networks(name: str, before: object, search: Search) -> None:
    """UserError where the space offers or builds something else than when the run was made.

    A run that did not note its networks is taken on trust.
    """
    if not isinstance(before, dict):
        return
    now = networks_of(search)
    if now is None:
        return
    changes = list(_changed_decisions(before["decisions"], now["decisions"]))
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


def _shape(search: Search) -> TaskShape | None:
    """The shape of the task on which networks are measured, if any are."""
    stages = (search.estimator, *search.estimator.stages())
    return next((each.task.shape for each in stages if hasattr(each, "task")), None)  # pyright: ignore


def _chosen(space: Space) -> Sequence[Architecture]:
    rng = np.random.default_rng(0)
    found = [space.at(0), space.at(space.size - 1), *(space.sample(rng) for _ in range(SAMPLED))]
    return list(dict.fromkeys(found))


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
