"""What strategies have in common whose children may begin from their parents' trained weights."""

from __future__ import annotations

from typing import Any

from netwright.core.checks import share
from netwright.core.errors import ConfigurationError


def inherited_share(owner: object, inherit: bool, child_share: float) -> float:
    """What `Strategy.inherits` is; ConfigurationError for a share of the training without anything inherited."""
    if not inherit and child_share != 1:
        raise ConfigurationError(
            f"{type(owner).__name__}: child_share={child_share!r} is for children that inherit; give inherit=True, too"
        )
    found = share(owner, "child_share", child_share)
    return found if inherit else 0.0


def without_inheritance(configuration: dict[str, Any]) -> dict[str, Any]:
    """A strategy's configuration as it was before children could inherit, where they do not."""
    arguments = dict(configuration["arguments"])
    if not arguments.get("inherit"):
        arguments.pop("inherit", None)
        arguments.pop("child_share", None)
    return {**configuration, "arguments": arguments}
