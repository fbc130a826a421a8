"""`netwright profile`: what is to be timed on a device that is somewhere else, as a file to take there."""

from __future__ import annotations

from pathlib import Path

from netwright.catalogue import construct, load, split
from netwright.cli.output import say, say_json
from netwright.core.errors import ConfigurationError
from netwright.core.task import TaskShape


def profile(
    space: str, to: Path, data: str | None, shape: str, classes: int, networks: int, *, as_json: bool, quiet: bool
) -> None:
    """Write the profile of a space, and say how it is used."""
    from netwright.estimators.machine.profile import write_profile
    from netwright.tasks import open_task

    if networks < 4:
        raise ConfigurationError(f"--networks {networks}: expected 4 or more, since a fit to fewer says nothing")
    found = open_task(data).shape if data else TaskShape(_shape(shape), classes)
    name, options = split(space)
    networks_of = construct(load("space", name), options=options).fitted(found)
    made = write_profile(networks_of, found, to, networks)
    if as_json:
        say_json({"file": str(made.path), "operations": made.operations, "networks": made.networks})
        return
    if quiet:
        return
    lacks = f" (ONNX has nothing like {', '.join(made.left_out)})" if made.left_out else ""
    say(
        f"{made.path}: {made.operations} operations and {made.networks} networks of {networks_of.name} for examples of "
        f"{'x'.join(map(str, found.input))}{lacks}",
        f"on the device: unzip {made.path.name} -d board && python board/run.py    # needs numpy and onnxruntime",
        f'then here: netwright search {data or "DATA"} --space {space} --latency board.csv --limit "latency_ms <= 20"',
    )


def _shape(text: str) -> tuple[int, ...]:
    """The shape of one example, as 3,32,32 or 3x32x32."""
    parts = text.replace("x", ",").split(",")
    if not all(each.strip().isdigit() and int(each) > 0 for each in parts):
        raise ConfigurationError(f"--shape {text}: expected whole numbers, as 3,32,32 of images or 20 of vectors")
    return tuple(map(int, parts))
