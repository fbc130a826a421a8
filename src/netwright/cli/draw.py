"""`netwright draw`: an architecture, a whole network, or the difference of two, as a picture."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from netwright.cli.drawn import Meant, meant
from netwright.cli.output import say, say_json
from netwright.core.errors import UserError, nearest

if TYPE_CHECKING:
    from netwright.core.task import TaskShape
    from netwright.drawings import Drawing

SUFFIXES = (".svg", ".png", ".pdf")


def draw(
    what: str | None,
    directory: Path,
    to: Path | None,
    *,
    trial: int | None = None,
    against: str | None = None,
    network: bool = False,
    latency: bool = False,
    space: str | None = None,
    shape: str | None = None,
    theme: str = "auto",
    small: bool = False,
    as_json: bool = False,
) -> None:
    """Write the picture, and say in words what is on it."""
    suffix = ".svg" if to is None else to.suffix.lower()
    if suffix not in SUFFIXES:
        raise UserError(f"--to {to}: expected a file that ends in {', '.join(SUFFIXES)}{nearest(suffix, SUFFIXES)}")
    found = meant(what, directory, trial, space)
    size = _shape(shape, found)
    if against is not None:
        drawn = _difference(found, _other(against, directory, what, space), size, small=small)
    elif network or latency:
        drawn = _network(found, size, latency=latency, small=small)
    else:
        drawn = _decided(found, size, small=small)
    path = to or Path(f"{found.name}.svg")
    _write(drawn, path, suffix, theme)
    if as_json:
        say_json({"file": str(path), "title": drawn.picture.title, "description": drawn.picture.description})
        return
    told = drawn.picture.description.split("; ")
    say(drawn.picture.title, *[f"  {each}" for each in told], f"written to {path}")


def _shape(text: str | None, found: Meant) -> TaskShape | None:
    """The shape that was asked for, or the one of the data that the architecture was found on."""
    from netwright.core.task import TaskShape

    if text is None:
        return found.shape
    try:
        sizes = tuple(int(each) for each in text.split(","))
    except ValueError:
        raise UserError(f"--shape {text}: expected whole numbers, as 3,32,32") from None
    traced = found.shape or found.architecture.space.traced_shape
    return TaskShape(sizes, traced.outputs, vocabulary=traced.vocabulary, dense=traced.dense)


def _other(against: str, directory: Path, what: str | None, space: str | None) -> Meant:
    """The second architecture; a mere number is a trial of the first one's run."""
    if against.isdigit():
        run = what if what is None or ":" not in what else what.rpartition(":")[0]
        return meant(run, directory, int(against), space)
    return meant(against, directory, None, space)


def _difference(first: Meant, second: Meant, shape: TaskShape | None, *, small: bool) -> Drawing:
    from netwright.drawings import draw_difference

    title = f"from {second.title} to {first.title}"
    return draw_difference(second.architecture, first.architecture, shape, title=title, small=small)


def _decided(found: Meant, shape: TaskShape | None, *, small: bool) -> Drawing:
    from netwright.drawings import draw_architecture

    return draw_architecture(found.architecture.space, found.architecture, shape, title=found.title, small=small)


def _network(found: Meant, shape: TaskShape | None, *, latency: bool, small: bool) -> Drawing:
    import torch

    from netwright.drawings import draw_network
    from netwright.drawings.timing import latencies_of

    wanted = shape or found.architecture.space.traced_shape
    with torch.device("cpu" if latency else "meta"):
        network = found.architecture.space.build(found.architecture, wanted)
    spent = latencies_of(network, wanted.example(1)) if latency else None
    return draw_network(network, wanted.input, title=f"the network of {found.title}", latencies=spent, small=small)


def _write(drawn: Drawing, path: Path, suffix: str, theme: str) -> None:
    fixed = "light" if theme == "auto" else theme
    content = {
        ".svg": lambda: drawn.svg(theme).encode(),
        ".png": lambda: drawn.png(fixed),
        ".pdf": lambda: drawn.pdf("print" if theme == "auto" else theme),
    }[suffix]()
    try:
        path.write_bytes(content)
    except OSError as problem:
        raise UserError(f"{path} cannot be written: {problem.strerror}") from None
