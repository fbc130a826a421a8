"""What is compared on: data as netwright reads them, each with the options that a person would type."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

LISTED = "worth.toml"
FLAGS = (
    *("target_column", "text_column", "nan", "layout", "image_size", "delimiter", "tokens", "window", "categories"),
    *("problem", "time_column", "group_column", "separator", "class_weights", "loss", "examples", "tile", "ignore"),
    *("drop", "dice", "skip_bad"),
)
REPEATED = ("text_column", "drop")


@dataclass(frozen=True)
class DataSet:
    """One data set.

    name: as tables call it.
    path: a file or folder that `netwright search` reads.
    options: of the command, without hyphens: `target_column`, `nan`, ...; `header` is yes or no; others go to
        `--data-option`. Several values of one option are separated by `;`.
    """

    name: str
    path: Path
    options: Mapping[str, str] = field(default_factory=dict)

    def flags(self) -> list[str]:
        """The options as they are typed."""
        found: list[str] = []
        for name, value in self.options.items():
            if name == "header":
                found += ["--header" if value == "yes" else "--no-header"]
            elif name in FLAGS:
                values = value.split(";") if name in REPEATED else [value]
                found += [word for each in values for word in ("--" + name.replace("_", "-"), each)]
            else:
                found += ["--data-option", f"{name}={value}"]
        return found

    def read(self, **more: object) -> dict[str, object]:
        """The options as `netwright.tasks.open_task` takes them, with more beside them."""
        named = {"target_column": "target", "text_column": "text", "image_size": "size", "time_column": "time"}
        named |= {"group_column": "groups", "examples": "limit"}
        found: dict[str, object] = {named.get(name, name): value for name, value in self.options.items()}
        if "header" in found:
            found["header"] = found["header"] == "yes"
        for name in REPEATED:
            if (there := named.get(name, name)) in found:
                found[there] = tuple(str(found[there]).split(";"))
        return {**found, **more}


def sets_of(text: str) -> list[DataSet]:
    """The data sets that one argument names.

    text: a path; `NAME=PATH,OPTION=VALUE,...`; or a folder with a `worth.toml` that has a table for each set.

    Raises SystemExit with one line for a path that does not exist.
    """
    place = Path(text)
    if place.is_dir() and (place / LISTED).exists():
        listed = tomllib.loads((place / LISTED).read_text())
        return [_listed(place, name, dict(each)) for name, each in listed.items()]
    if not place.exists() and "=" in text:
        named, *options = text.split(",")
        name, _, path = named.partition("=")
        return [_checked(DataSet(name, Path(path), dict(_pair(each) for each in options)))]
    return [_checked(DataSet(place.stem, place))]


def _listed(folder: Path, name: str, options: dict[str, object]) -> DataSet:
    path = folder / str(options.pop("path", name))
    return _checked(DataSet(name, path, {key: str(value) for key, value in options.items()}))


def _pair(text: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not sign:
        raise SystemExit(f"worth: {text!r} is no option; expected OPTION=VALUE, as target_column=income")
    return name, value


def _checked(data: DataSet) -> DataSet:
    if not data.path.exists():
        raise SystemExit(f"worth: there is no {data.path}; expected a path, NAME=PATH,OPTION=VALUE, or a {LISTED}")
    return data
