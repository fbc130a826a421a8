"""The command that began a run or a comparison, made again of what that remembers."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

USUAL: Mapping[str, Any] = {
    "training": "",
    "device": "auto",
    "final_seeds": 3,
    "baselines": True,
    "repeats": 1,
    "random_search": True,
    "workers": 1,
    "auto_batch": False,
    "warm_start_networks": 100,
    "strategy": "auto",
}  # what the options of `netwright search` are where they are left out; None for all others
OPTIONS = {"objectives": "objective", "limits": "limit", "shared_epochs": "epochs"}  # of another name than in a plan
DATA_OPTIONS = {
    "limit": "examples",
    "size": "image-size",
    "target": "target-column",
    "text": "text-column",
    **{
        name: name.replace("_", "-")
        for name in (
            *("problem", "loss", "separator", "group_column", "weight_column", "time_column", "test", "validation"),
            *("drop", "categories", "header", "delimiter", "skip_bad", "tile", "ignore", "class_weights", "dice"),
            *("decoded", "most_categories", "nan", "layout", "tokens", "window"),
        )
    },
}  # how data is read; what has no option of its own is a --data-option
_OPTIONS = (
    *("space", "strategy", "recipe", "trials", "time", "target", "patience", "epochs", "shared_epochs", "training"),
    *("objectives", "limits", "latency", "final_epochs", "final_seeds", "baselines", "reference", "repeats"),
    *("random_search", "workers", "trial_timeout", "stall_timeout", "memory", "auto_batch", "executor", "address"),
    *("gpus_per_trial", "cpus_per_trial", "warm_start", "warm_start_networks", "device", "data_dir"),
)


def command_of(plan: Mapping[str, Any]) -> str:
    """The command line; empty for a search from Python, and for the training of a network without a search.

    plan: as the run remembers it.
    """
    given = plan.get("given") or plan
    if not isinstance(given.get("data"), str) or not given["data"] or plan.get("network"):
        return ""
    words = ["netwright", "search", given["data"]]
    for name in (each for each in _OPTIONS if each != "strategy" or not given.get("recipe")):
        words += _words(name, given.get(name))
    for name, value in (given.get("data_options") or {}).items():
        words += _data_words(name, value)
    return shlex.join([*words, "--seed", str(given.get("seed", 0))])


COMPARED = {
    "spaces": "space",
    "tables": "table",
    "metrics": "metric",
    "objectives": "objective",
    "reports": "report",
    "names": "name",
}


def comparison_command(settings: Mapping[str, Any], folder: str) -> str:
    """The command line of a comparison; empty for one from Python.

    settings: as its folder keeps them.
    folder: where it is kept.
    """
    words = ["netwright", "compare"]
    for name, value in settings.items():
        if value not in (None, "", [], (), {}) and name != "data_options":
            words += _typed(COMPARED.get(name, name).replace("_", "-"), value)
    for name, value in (settings.get("data_options") or {}).items():
        words += _data_words(name, value)
    return shlex.join([*words, "--folder", folder]) if settings else ""


def _words(name: str, value: Any) -> list[str]:
    """One option, as it is typed; nothing where it was left out."""
    if value in (None, "", [], ()) or value == USUAL.get(name):
        return []
    return _typed(OPTIONS.get(name, name).replace("_", "-"), value)


def _data_words(name: str, value: Any) -> list[str]:
    """An option of how data is read."""
    if name in DATA_OPTIONS:
        return _typed(DATA_OPTIONS[name], value)
    return ["--data-option", f"{name}={value}"]


def _typed(option: str, value: Any) -> list[str]:
    if isinstance(value, bool):
        return [f"--{option}" if value else f"--no-{option}"]
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [word for each in value for word in (f"--{option}", str(each))]
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e6:
        return [f"--{option}", f"{value:g}"]
    return [f"--{option}", str(value)]
