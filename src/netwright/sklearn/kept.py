"""What an exported folder says of the estimator that it came from, beside the network's own files: `estimator.json`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from netwright.core.serial import parse_json
from netwright.results.exporting import read_architecture
from netwright.sklearn.answers import Answers

if TYPE_CHECKING:
    from netwright.sklearn.estimator import NetworkEstimator

FILE = "estimator.json"
FORMAT = 1


@dataclass(frozen=True, eq=False)
class Described:
    """What a folder holds.

    facts: what is known of targets and examples.
    features: how many there are.
    names: of the features, where they have some.
    """

    answers: Answers
    parameters: dict[str, Any]
    facts: dict[str, Any]
    features: int
    names: list[str] | None
    architecture: str


def write(folder: Path, model: NetworkEstimator, facts: dict[str, Any]) -> None:
    """Describe a model in the folder that its network was exported to."""
    names = getattr(model, "feature_names_in_", None)
    described = {
        "format": FORMAT,
        "estimator": type(model).__name__,
        "parameters": {name: value for name, value in model.get_params().items() if _is_plain(value)},
        "features": model.n_features_in_,
        "feature_names": None if names is None else names.tolist(),
        "facts": facts,
    }
    (folder / FILE).write_text(json.dumps(described, indent=2) + "\n", encoding="utf-8", newline="\n")


def read(folder: Path, kind: type) -> Described:
    """What a folder says; ValueError where it was not exported by an estimator of this kind."""
    path = folder / FILE
    if not path.is_file():
        raise ValueError(f"{folder} holds no {FILE}; expected a folder that {kind.__name__}.export wrote")
    found = parse_json(path.read_text(encoding="utf-8"))
    if found["estimator"] != kind.__name__:
        raise ValueError(
            f"{folder} holds a {found['estimator']}, no {kind.__name__}: {found['estimator']}.load reads it"
        )
    return Described(
        Answers.of_folder(folder),
        dict(found["parameters"]),
        dict(found["facts"]),
        found["features"],
        found["feature_names"],
        read_architecture(folder)["text"],
    )


def _is_plain(value: Any) -> bool:
    """Whether JSON gives the value back as it is."""
    if isinstance(value, (list, tuple)):
        return all(map(_is_plain, value))
    return value is None or isinstance(value, (bool, int, float, str))
