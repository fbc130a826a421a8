"""The network that `netwright train` is asked for: a published one by name, or a cell of the user's own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from netwright.core.errors import ConfigurationError, CorruptStore, UserError, nearest
from netwright.spaces.cells import PHOTOGRAPH
from netwright.spaces.genotypes import is_genotype
from netwright.spaces.mobile import published_mobile
from netwright.spaces.mobile_known import KnownMobile, known_mobile
from netwright.spaces.published import Published, published, published_cells

if TYPE_CHECKING:
    from netwright.core.architecture import Architecture
    from netwright.core.decision_space import DecisionSpace
    from netwright.core.task import TaskShape

LONGEST = 1_000_000  # bytes of a file that a cell is read from


@dataclass(frozen=True)
class GivenNetwork:
    """What is trained, as the plan of a run remembers it.

    name: of the published cell or mobile network, or of the file of a cell of the user's own.
    genotype: of one of the user's own, in any of the forms that are read; empty for a published one.
    cells, channels: None for as many as published.
    auxiliary: whether images are classified a second time after two thirds of the cells.
    """

    name: str
    genotype: str = ""
    cells: int | None = None
    channels: int | None = None
    auxiliary: bool = True

    @classmethod
    def named(cls, text: str, cells: int | None, channels: int | None, *, auxiliary: bool) -> GivenNetwork:
        """The network that a command line names.

        text: a published name, a file that holds a cell, or the cell itself.

        Raises ConfigurationError for what is none of these, InvalidArchitecture for a cell that cannot be read.
        """
        name, genotype = _own(text)
        found = cls(name, genotype, cells, channels, auxiliary)
        if found.mobile is None:
            found.cell.made()
            return found
        for option, value in (("--cells", cells), ("--channels", channels)):
            if value is not None:
                raise ConfigurationError(
                    f"{option} {value}: {name} is a whole network, which has no cells; leave it out"
                )
        return cls(name, auxiliary=False)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> GivenNetwork:
        """The network of a stored plan; CorruptStore where it was written by something else."""
        kinds = {"name": str, "genotype": str, "cells": int | None, "channels": int | None, "auxiliary": bool}
        if not isinstance(data, Mapping) or not data.get("name") or not set(data) <= set(kinds):
            raise CorruptStore(f"the run's plan holds no network that can be read: {str(data)[:80]}")
        for name, value in data.items():
            if not isinstance(value, kinds[name]):
                raise CorruptStore(f"the run's plan holds a network whose {name} is {str(value)[:80]!r}")
        return cls(**data)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @cached_property
    def mobile(self) -> KnownMobile | None:
        """The mobile network that it is; None for a cell."""
        return None if self.genotype else known_mobile().get(self.name)

    @property
    def whose(self) -> str:
        """Authors and year; empty where nobody is known."""
        return self.cell.whose if self.mobile is None else self.mobile.whose

    @property
    def is_recurrent(self) -> bool:
        """Whether it is a network for texts."""
        return self.mobile is None and self.cell.is_recurrent

    @cached_property
    def cell(self) -> Published:
        """The cell, whoever made it."""
        return Published(self.name, self.genotype) if self.genotype else published(self.name)

    def made(self, shape: TaskShape) -> tuple[DecisionSpace, Architecture]:
        """The space and the architecture for examples of this shape.

        shape: of the task.

        Raises UserError for data of another kind than the network is for, ConfigurationError for sizes that cannot be.
        """
        self._check_kind(shape)
        if self.mobile is not None:
            return published_mobile(self.name)
        photographs = shape.is_image and min(shape.height, shape.width) >= PHOTOGRAPH
        cells, channels = self.cell.sized(photographs=photographs)
        sizes = cells if self.cells is None else self.cells, channels if self.channels is None else self.channels
        return self.cell.made(*sizes, auxiliary=self.auxiliary and not self.cell.is_recurrent)

    def _check_kind(self, shape: TaskShape) -> None:
        fits = shape.is_tokens if self.is_recurrent else shape.is_image and not shape.dense
        if not fits:
            kinds = "texts" if self.is_recurrent else "images with a class, labels or numbers each"
            alike = [name for name, each in published_cells().items() if each.is_recurrent] if shape.is_tokens else []
            hint = f"; for texts there are {', '.join(alike)}" if alike else ""
            found = "images with masks" if shape.is_image and shape.dense else shape.kind
            raise UserError(f"{self.name} is a network for {kinds}, but the data are {found}{hint}")


def _own(text: str) -> tuple[str, str]:
    """Name and genotype; the genotype is empty for a published name."""
    if is_genotype(text) or text.lstrip().startswith("{"):
        return "own cell", text
    path = Path(text)
    if path.suffix in (".txt", ".json", ".py") or path.is_file():
        return path.stem, _read(path)
    name = text.strip().lower().replace("-", "_")
    if name in known_mobile():
        return name, ""
    if name in published_cells():
        return published(text).name, ""
    hint = nearest(name, [*published_cells(), *known_mobile()])
    own = "Your own: a .txt, .json or .py file with a cell, or Genotype(...)"
    raise ConfigurationError(f"there is no published network {text!r}{hint} {own}")


def _read(path: Path) -> str:
    try:
        if path.stat().st_size > LONGEST:
            raise UserError(f"{path} is larger than {LONGEST:,} bytes; expected a file with one cell")
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as problem:
        why = problem.strerror if isinstance(problem, OSError) else "it is no text"
        raise UserError(f"{path} cannot be read: {why}") from None
