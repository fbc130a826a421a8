"""Builds the network of one architecture: each hole filled with the chosen option, nothing of the search left in it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from torch import Tensor, nn

from netwright.core.choose import Choose, Offered, offered
from netwright.core.errors import InvalidArchitecture
from netwright.core.routes import NEXT, Routes, block_name, block_number, led_on
from netwright.core.rules import Rule, Said, at_once

if TYPE_CHECKING:
    from netwright.core.decisions import Label


class EdgeSum(nn.Module):
    """The sum of one operation on each of some earlier states: a node of a cell.

    Takes the list of the cell's states so far; `sources[k]` is the state that `operations[k]` reads.
    """

    def __init__(self, sources: Iterable[int], operations: Iterable[nn.Module]) -> None:
        super().__init__()
        self.sources = tuple(sources)
        self.operations = nn.ModuleList(operations)

    def forward(self, states: Sequence[Tensor]) -> Tensor:
        total: Tensor | None = None
        for source, operation in zip(self.sources, self.operations, strict=True):
            result = operation(states[source])
            total = result if total is None else total + result
        assert total is not None
        return total


class Builder(Choose):
    """Answers every question with what the architecture decided."""

    def __init__(self, labels: Mapping[str, Label], known: Collection[str]) -> None:
        super().__init__()
        self._labels = labels
        self._known = known
        self.asked: set[str] = set()
        self._said: dict[str, Said] = {}
        self._taken: dict[str, Any] = {}

    def allow(self, name: str, rule: Rule) -> None:
        self._said.setdefault(self.full_name(name), Said(self.full_name(name), tuple(self._path), rule))

    def one(
        self, name: str, options: Mapping[str, Callable[[], nn.Module]], *, soft: Collection[str] = ()
    ) -> nn.Module:
        label = self._decided(name, [each for each in options if each not in soft])
        with self.scope(name), self.scope(label):
            return options[label]()

    def value(self, name: str, options: Sequence[Any]) -> Any:
        return self._decided(name, options)

    def route(self, routes: Routes) -> nn.Module:
        row: list[nn.Module] = []
        number = 0
        while number < len(routes.following):
            with self.scope(block_name(number)):
                row.append(routes.block(number))
            row.append(led_on(self, routes, number))
            number = block_number(self._taken[self.full_name(f"{block_name(number)}/{NEXT}")])
        return nn.Sequential(*row)

    def where(self, name: str, labels: Collection[Any], then: Callable[[], None]) -> None:
        if self._taken[self.full_name(name)] in labels:
            then()

    def repeat(self, name: str, least: int, most: int, make: Callable[[int], nn.Module]) -> nn.Module:
        made: list[nn.Module] = []
        for i in range(self._decided(name, range(least, most + 1))):
            with self.scope(name), self.scope(str(i)):
                made.append(make(i))
        return nn.Sequential(*made)

    def edges(
        self,
        name: str,
        sources: Sequence[int],
        keep: int | None,
        options: Offered,
        *,
        soft: Collection[str] = (),
    ) -> EdgeSum:
        operations: list[nn.Module] = []
        with self.scope(name):
            everything = keep is None or keep == len(sources)
            kept = tuple(sorted(sources)) if everything else self._decided("sources", ())
            for source in kept:
                makers = offered(options, source)
                label = self._decided(str(source), [each for each in makers if each not in soft])
                with self.scope(str(source)), self.scope(label):
                    operations.append(makers[label](source))
        return EdgeSum(kept, operations)

    def _decided(self, name: str, options: Collection[Any]) -> Any:
        full = self.full_name(name)
        self._taken[full] = self._answer(full, options)
        return self._taken[full]

    def _answer(self, full: str, options: Collection[Any]) -> Any:
        if len(options) == 1:
            only = next(iter(options))
            return self._offered(full, only, options) if full in self._labels else only
        if full not in self.asked and full in self._said and full in self._labels:
            self._require_allowed(self._said[full], options)
        self.asked.add(full)
        if full in self._labels:
            return self._offered(full, self._labels[full], options)
        if full in self._known:
            raise InvalidArchitecture(
                f"the network asks for decision {full!r}, which was not found active for this architecture; "
                "`network` must not let what was chosen decide in plain Python what else is asked, but for one value "
                "in a plain if"
            )
        raise InvalidArchitecture(
            f"the network asks for decision {full!r}, which was not asked when the space was traced; "
            "`network` must ask for the same decisions whatever the task's shape"
        )

    def _require_allowed(self, said: Said, options: Collection[Any]) -> None:
        """InvalidArchitecture where the rule says something else than when the space was traced."""
        answers = {name: label for name, label in self._labels.items() if name in self.asked}
        left = said.labels(at_once(answers, said), [*options])
        if self._labels[said.name] not in left:
            raise InvalidArchitecture(
                f"decision {said.name!r} is {self._labels[said.name]!r}, but its rule leaves {list(left)} here; a rule "
                "may depend on nothing but the answers before it, not on the task's shape"
            )

    def _offered(self, full: str, label: Any, options: Collection[Any]) -> Any:
        """The label that was decided; InvalidArchitecture where the network does not offer it."""
        decided = self._labels[full]
        if label != decided or (options and decided not in options):
            raise InvalidArchitecture(
                f"decision {full!r} is {decided!r}, but the network offers {list(options)} here; a decision must offer "
                "the same options whatever the task's shape and whatever else was chosen"
            )
        return label

    def require_all_asked(self) -> None:
        """InvalidArchitecture where the network was written down without asking for something that was decided."""
        ignored = [name for name in self._labels if name not in self.asked]
        if ignored:
            raise InvalidArchitecture(
                f"the network does not ask for decision {ignored[0]!r}, so that architectures which differ in it alone "
                "would be the same network; ask for it always, or inside an option of choose.one"
            )
