"""Which architecture a command line means: a run's, a published one, or one that is given as JSON or in a file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from netwright.core.errors import ConfigurationError, UserError, nearest
from netwright.core.serial import parse_json

if TYPE_CHECKING:
    from netwright.core.architecture import Architecture
    from netwright.core.space import Space
    from netwright.core.task import TaskShape

LONGEST = 1_000_000  # bytes of a file that an architecture is read from
SPACE_HINT = "say whose it is with --space, as --space chain:width=8"


@dataclass(frozen=True)
class Meant:
    """What is to be drawn.

    architecture: with its space.
    title: what it is, in a few words.
    name: for a file.
    shape: of the data that it was found on; None where nothing says.
    """

    architecture: Architecture
    title: str
    name: str
    shape: TaskShape | None = None


def meant(what: str | None, directory: Path, trial: int | None, space: str | None) -> Meant:
    """The architecture that a text means.

    what: a run's name (the latest run for None), with a trial as NAME:7; a published network; JSON; or a file.
    trial: of the run; the best one by default.
    space: whose architecture JSON is, where it does not say.

    Raises UserError with the nearest where there is nothing of the name.
    """
    from netwright.spaces.genotypes import is_genotype

    if what is not None and (what.lstrip().startswith(("{", "[")) or is_genotype(what)):
        return _written(what, space, "an architecture", "architecture")
    if what is not None and (path := Path(what)).is_file():
        return _written(_read(path), space, path.name, path.stem)
    if what is not None and _published(what):
        return _of_publication(what)
    if what is not None and space is not None:
        return _written(what, space, "an architecture", "architecture")
    return _of_run(what, directory, trial)


def _read(path: Path) -> str:
    if path.stat().st_size > LONGEST:
        raise UserError(f"{path} is larger than {LONGEST:,} bytes; expected a file with one architecture")
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise UserError(f"{path} is no text; expected JSON, a genotype, or an export's architecture.json") from None


# Published.


def _published(text: str) -> bool:
    from netwright.spaces.mobile_known import known_mobile
    from netwright.spaces.published import published_cells

    name = text.strip().lower().replace("-", "_")
    return name in published_cells() or name in known_mobile()


def _of_publication(text: str) -> Meant:
    from netwright.cli.given_network import GivenNetwork

    given = GivenNetwork.named(text, None, None, auxiliary=False)
    whose = f" ({given.whose})" if given.whose else ""
    if given.mobile is not None:
        from netwright.spaces.mobile import published_mobile

        found = published_mobile(given.name)[1]
    else:
        found = given.cell.made()[1]
    return Meant(found, f"{given.name}{whose}", given.name)


# Written down.


def _written(text: str, space: str | None, title: str, name: str) -> Meant:
    """One that is written down: a genotype, an export's file, or JSON of a space that it names or that is named."""
    from netwright.spaces.genotypes import is_genotype

    if space is not None:
        return Meant(_named(space).parse(text), title, name)
    data: Any = text if is_genotype(text) else parse_json(text)
    if is_genotype(data):
        from netwright.spaces.published import Published

        return Meant(Published("", text).made()[1], title, name)
    if not isinstance(data, Mapping):
        raise UserError(f"{title} is no JSON object; {SPACE_HINT}")
    if "architecture" in data and isinstance(data.get("space"), Mapping):
        return _exported(data, title, name)
    return Meant(_by_identity(data).parse(text), title, name)


def _exported(data: Mapping[str, Any], title: str, name: str) -> Meant:
    """What `netwright export` wrote."""
    from netwright.catalogue.stored import stored_space

    space = stored_space(data["space"])
    shape = _export_shape(data.get("task"), space)
    return Meant(space.parse(json.dumps(data["architecture"])), f"the network of {title}", name, shape)


def _export_shape(task: Any, space: Space) -> TaskShape | None:
    from netwright.core.task import TaskShape

    if not isinstance(task, Mapping) or not isinstance(task.get("input_shape"), list) or space.traced_shape.vocabulary:
        return None
    classes = task.get("class_names")
    outputs = len(classes) if isinstance(classes, list) and classes else 1
    return TaskShape(tuple(task["input_shape"]), outputs, dense=space.traced_shape.dense)


def _named(text: str) -> Space:
    from netwright.catalogue import construct, load, split

    name, options = split(text)
    return construct(load("space", name), options=options)


def _by_identity(data: Mapping[str, Any]) -> Space:
    """The space that JSON names by its id, at its default settings."""
    from netwright.catalogue import construct, load, names

    identity = str(data.get("space", ""))
    called = identity.rpartition("-v")[0]
    if not called:
        raise UserError(f"the architecture does not say of which space it is; {SPACE_HINT}")
    for each in names("space"):
        if each.replace("-", "") == called.replace("-", ""):
            try:
                space = construct(load("space", each), options={})
            except ConfigurationError:
                continue
            if space.id == identity:
                return space
            raise UserError(f"the architecture is of {identity}, of other settings than {each} has; {SPACE_HINT}")
    raise UserError(f"there is no space {called!r}{nearest(called, names('space'))} {SPACE_HINT}")


# Of a run.


def _of_run(what: str | None, directory: Path, trial: int | None) -> Meant:
    from netwright.catalogue.stored import stored_space
    from netwright.cli.show import named
    from netwright.core.task import TaskShape
    from netwright.store import Store

    if what is not None and not (directory / "netwright.db").exists() and not directory.is_dir():
        raise UserError(_nothing(what, []))
    with Store.open_readonly(directory) as store:
        run, number = _run_and_trial(what, store.names(), trial)
        name = named(store, run)
        summary, kept = store.summary(name), store.document(name, "networks")
        best = _best(store, name) if number is None else number
        found = next((each for each in store.read_trials(name) if each.number == best), None)
    if found is None:
        raise UserError(f"run {name!r} has no {'trial that completed' if best is None else f'trial {best}'}")
    if found.architecture is None:
        raise UserError(f"trial {best} of {name!r} is a step of weight sharing, which has no architecture")
    space = stored_space(summary.configuration, summary.space)
    shape = TaskShape.from_json(kept["shape"]) if kept and "shape" in kept else None
    told = f"trial {best} of {name}" + (", the best" if number is None else "")
    return Meant(space.parse(found.text), told, f"{name}-trial-{best}", shape)


def _best(store: Any, name: str) -> int | None:
    best, chosen = store.best(name), store.document(name, "planned")
    return chosen[0] if chosen else None if best is None else best.number


def _run_and_trial(what: str | None, known: list[str], trial: int | None) -> tuple[str | None, int | None]:
    """The name of a run, and the number of a trial where one is meant."""
    if what is None or what in known:
        return what, trial
    name, _, number = what.rpartition(":")
    if name in known and number.isdigit():
        return name, int(number)
    raise UserError(_nothing(what, known))


def _nothing(what: str, runs: list[str]) -> str:
    from netwright.spaces.mobile_known import known_mobile
    from netwright.spaces.published import published_cells

    known = [*runs, *published_cells(), *known_mobile()]
    return f"{what!r} is no run here, no published network, no file and no JSON{nearest(what, known)}"
