"""A computation as operations that read and write banks of memory (Brock et al. 2018, "SMASH", section 3.1).

States that are alive at the same time lie in different banks. What is summed is written to one bank; what is put side
by side stays in several, from which a layer then reads.
"""

from __future__ import annotations

from dataclasses import dataclass

from netwright.estimators.hypernetworks.computation import INPUT, OUTPUT, UNREACHED, Computation

SUMS = ("add", "iadd", "sub")
TOGETHER = ("cat", "concat")
COPY = "copy"


@dataclass(frozen=True, slots=True)
class Operation:
    """Reads banks, computes, and writes to a bank.

    node: whose layer it is, by number; that of the sum where a state is added to one as it is.
    label: of the layer.
    reads: the banks side by side that it reads, each with its number of channels.
    writes: the bank.
    """

    node: int
    label: str
    reads: tuple[tuple[int, int], ...]
    writes: int


def operations(computation: Computation) -> list[Operation]:
    """The operations of a network, in the order in which they run."""
    return _Laid(computation).operations()


class _Laid:
    """The states of a computation, laid into banks."""

    def __init__(self, computation: Computation) -> None:
        self.nodes, self.readers = computation.nodes, computation.readers
        self.weighted = {each.node for each in computation.weights}
        self.homes = [self._home(number) for number in range(len(self.nodes))]
        self.banks = self._allocated()

    def operations(self) -> list[Operation]:
        found: list[Operation] = []
        for number, node in enumerate(self.nodes):
            if node.name in SUMS:
                found += [
                    Operation(number, COPY, self._read(source), self.banks[self.homes[number]])
                    for source in node.sources
                    if self.homes[source] != self.homes[number]
                ]
            if number in self.weighted or node.name not in (*SUMS, *TOGETHER, INPUT, OUTPUT, UNREACHED):
                sources = (number,) if node.name in SUMS else node.sources
                reads = tuple(each for source in sources for each in self._read(source))
                found.append(Operation(number, node.label, reads, self.banks.get(self.homes[number], 0)))
        return found

    def _home(self, number: int) -> int:
        """The node that names the state to which this one's output belongs: the last of the sums that it flows into."""
        while True:
            readers, node = self.readers[number], self.nodes[number]
            one = len(readers) == 1 and self.nodes[readers[0]].name in SUMS
            if not one or node.name in (*TOGETHER, INPUT):
                return number
            number = readers[0]

    def _read(self, number: int) -> tuple[tuple[int, int], ...]:
        """The banks in which what this node gives lies, with their channels."""
        node = self.nodes[number]
        if node.name in TOGETHER and number not in self.weighted:
            return tuple(each for source in node.sources for each in self._read(source))
        return ((self.banks.get(self.homes[number], 0), node.channels),)

    def _allocated(self) -> dict[int, int]:
        """By state its bank: the first that is free from when it is first written until it is last read."""
        begins: dict[int, int] = {}
        ends: dict[int, int] = {}
        for number in range(len(self.nodes)):
            home = self.homes[number]
            begins.setdefault(home, number)
            ends[home] = max(ends.get(home, 0), self._last_read(number))
        found: dict[int, int] = {}
        for home in sorted(begins, key=lambda each: begins[each]):
            taken = {found[each] for each in found if ends[each] >= begins[home]}
            found[home] = next(bank for bank in range(len(taken) + 1) if bank not in taken)
        return found

    def _last_read(self, number: int) -> int:
        """The last node that reads what this node gives, also side by side with others."""
        readers = self.readers[number]
        together = [self._last_read(each) for each in readers if self.nodes[each].name in TOGETHER]
        return max((*readers, *together), default=number)
