"""A space of which some options have been dropped: the same networks, but for those that take them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, TypeVar

from netwright.core.errors import ConfigurationError
from netwright.core.joint_table import JointTable
from netwright.core.ruled import RuledTable
from netwright.core.rules import Rule, Said

if TYPE_CHECKING:
    from netwright.core.decision_space import DecisionSpace

S = TypeVar("S", bound="DecisionSpace")


def require_free(owner: object, space: DecisionSpace) -> None:
    """ConfigurationError, which names the owner's class, for a space in which not all decisions may be combined."""
    if isinstance(space.decisions, JointTable):
        raise ConfigurationError(
            f"{type(owner).__name__} drops options, but in {space.name!r} what a decision may take depends on others; "
            "expected a space whose decisions may be combined at will, as mobile, darts or nasbench201"
        )


def narrowed(space: S, left: Mapping[str, Sequence[int]]) -> S:
    """The space with only these options of some decisions: it draws, changes, lists and counts what takes no other.

    space: whose decisions may be combined at will.
    left: by decision the numbers of the options that are left, one at least; all of those that it does not name.

    Its id and its architectures are those of the space itself, so that estimators take them as they are.
    """
    said = {name: [Said(name, (), _rule(space, name, options))] for name, options in left.items()}
    found = object.__new__(type(space))
    vars(found).update({**vars(space), "id": space.id, "decisions": RuledTable(space.decisions, said)})
    vars(found).pop("_asked_in_order", None)
    return found


def _rule(space: DecisionSpace, name: str, options: Sequence[int]) -> Rule:
    labels = [space.decisions[space.decisions.places[name]].options[k] for k in options]
    return lambda _: labels
