"""The networks of a person's own that `--reference` names, beside the space of a search."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from netwright.catalogue.loading import own
from netwright.core.errors import ConfigurationError

if TYPE_CHECKING:
    from netwright.core.space import Space


def beside(space: Space, references: Sequence[str]) -> Space:
    """The space with these networks beside it.

    references: as file.py:function.

    Raises ConfigurationError for a space without decisions, one that is named twice, and code that does not import.
    """
    from netwright.core.decision_space import DecisionSpace
    from netwright.spaces.beside import Beside

    if not isinstance(space, DecisionSpace):
        raise ConfigurationError(
            f"--reference {references[0]}: the space {space.name!r} has no decisions, so nothing can be put beside it; "
            "take another --space"
        )
    return Beside(space, {name: own("reference", each) for name, each in named(references).items()})


def named(references: Sequence[str]) -> dict[str, str]:
    """What each is called: as its file or module, and with the function where several share it.

    references: as file.py:function.
    """
    repeated = next((each for each, count in Counter(references).items() if count > 1), None)
    if repeated is not None:
        raise ConfigurationError(f"--reference {repeated} is given twice")
    names = {each: Path(each.rpartition(":")[0]).name.removesuffix(".py").rpartition(".")[2] for each in references}
    count = Counter(names.values())
    found = {name if count[name] == 1 else f"{name}:{each.rpartition(':')[2]}": each for each, name in names.items()}
    if len(found) < len(names):
        raise ConfigurationError(f"--reference {' '.join(references)}: two would be called alike; rename one file")
    return found


def owned(space: Space) -> list[str]:
    """The architectures that stand for a person's own networks, with which a search begins."""
    from netwright.core.roles import bringing

    own_networks = bringing(space)
    return [] if own_networks is None else [str(own_networks.own(name)) for name in own_networks.networks]
