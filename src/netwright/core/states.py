"""The states of a cell that make up its output."""

from __future__ import annotations


class States(tuple[int, ...]):
    """Numbers of states, ascending. What a network of all architectures joins may be open; its `number` is, too."""

    __slots__ = ()

    @property
    def number(self) -> int:
        """How many there are, to size the layers that read them: `len` would not know that it is open."""
        return len(self)
