"""The names of the command line's options beside those of Python, and messages that speak of them."""

from __future__ import annotations

import ast
import re
import shlex

from netwright.core.errors import marked
from netwright.core.spelling import respelled

FLAGS = {
    "architecture": "--architecture",
    "categories": "--categories",
    "class_weights": "--class-weights",
    "cost": "--cost",
    "data_dir": "--data-dir",
    "decoded": "--decoded",
    "delimiter": "--delimiter",
    "device": "--device",
    "dice": "--dice",
    "drop": "--drop",
    "fidelity": "--fidelity",
    "gpus_per_trial": "--gpus-per-trial",
    "group_column": "--group-column",
    "header": "--header",
    "ignore": "--ignore",
    "layout": "--layout",
    "limit": "--examples",
    "loss": "--loss",
    "most_categories": "--most-categories",
    "nan": "--nan",
    "objective": "--objective",
    "overwrite": "--yes",
    "problem": "--problem",
    "separator": "--separator",
    "size": "--image-size",
    "skip_bad": "--skip-bad",
    "target": "--target-column",
    "test": "--test",
    "text": "--text-column",
    "tile": "--tile",
    "time": "--time",
    "time_column": "--time-column",
    "tokens": "--tokens",
    "trials": "--trials",
    "validation": "--validation",
    "weight_column": "--weight-column",
    "window": "--window",
    "workers": "--workers",
}
LIMITS = {"params": "--max-params", "macs": "--max-macs", "activation_memory": "--max-memory"}
PHRASES = {
    "executors.Inline()": "--workers 1 --executor inline",
    "a strategy that trains them, or give trained=RUN with the name of a run that did": "--recipe, which trains them",
    "one worker, or give the estimator trained=RUN, the name of a run that trained them": "--workers 1",
    "resume=True": "netwright resume",
    "store=DIRECTORY": "--dir DIRECTORY",
    "Store(directory, takeover=True)": "netwright resume --takeover",
}


OF_A_TABLE = frozenset(("curve", "duplicates", "metrics", "missing", "repeat", "coverage"))
"""Options that stand behind the file of --table."""
OF_DATA = frozenset(("empty", "gaps", "horizon", "length", "season", "series", "unequal", "words"))
"""Options of how data is read that have no flag of their own."""


def in_flags(told: BaseException | str) -> str:
    """The text of an error, or one for people, with the command line's options in place of Python's."""
    return respelled(marked(told), _flag)


def _flag(code: str) -> str:
    """One piece of Python as a flag; unchanged where the command line has nothing like it."""
    if code.startswith("the same call: "):
        return "the same command"
    limit = re.fullmatch(r"(\w+) (<=|>=) (\S+)", code)
    if limit is not None:
        metric, relation, amount = limit.groups()
        known = metric in LIMITS and relation == "<="
        return f"{LIMITS[metric]} {amount}" if known else f"--limit {shlex.quote(code)}"
    name, _, value = code.partition("=")
    if name in OF_A_TABLE and code not in PHRASES:
        return f"--table FILE:{name}={ast.literal_eval(value) if value else name.upper()}"
    if name in OF_DATA:
        return f"--data-option {name}={ast.literal_eval(value) if value else name.upper()}"
    if code in PHRASES or name not in FLAGS:
        return PHRASES.get(code, code)
    if not value:
        return FLAGS[name]
    given = ast.literal_eval(value)
    if isinstance(given, bool):
        return FLAGS[name] if given else FLAGS[name].replace("--", "--no-", 1)
    values = given if isinstance(given, list | tuple) else [given]
    return " ".join(f"{FLAGS[name]} {shlex.quote(str(each))}" for each in values)
