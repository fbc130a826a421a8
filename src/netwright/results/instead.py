"""What to type in place of a network that something simpler is better than: a few lines, for the data that it was."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from netwright.tasks.table_columns import Columns

if TYPE_CHECKING:
    from netwright.tasks.task import Task

_ARRAYS = ("# x: examples as rows of numbers, y: what is asked for", "# new: further examples")
_MODELS: Mapping[str, Mapping[str, tuple[str, str]]] = {
    "boosted trees": {
        "classification": ("ensemble", "HistGradientBoostingClassifier"),
        "regression": ("ensemble", "HistGradientBoostingRegressor"),
        "several labels": ("ensemble", "HistGradientBoostingClassifier"),
    },
    "logistic regression": {"classification": ("linear_model", "LogisticRegression")},
    "logistic regression a label": {"several labels": ("linear_model", "LogisticRegression")},
    "ridge regression": {"regression": ("linear_model", "Ridge")},
}
_OF_WORDS = {
    "logistic regression": ("LogisticRegression", "LogisticRegression(C=10)", "classes"),
    "ridge regression": ("Ridge", "Ridge()", "numbers"),
}
_SERIES = {"classification": "classification", "regression": "regression"}


def lines_instead(name: str, task: Task) -> tuple[str, ...]:
    """Lines of Python that fit this reference to the user's own file, and answer new examples; none where it has none.

    name: of the reference.
    task: with its problem, and its configuration, which says where the data are.
    """
    kind = task.problem.kind
    if name == "random convolutions" and kind in _SERIES:
        return _of_series(kind)
    if task.shape.is_tokens:
        return _of_texts(task, *_OF_WORDS[name]) if name in _OF_WORDS else ()
    if name.startswith("ResNet-") and task.shape.is_image:
        return _residual(name, task)
    model = _MODELS.get(name, {}).get(kind)
    return () if model is None else _of_numbers(name, *model, task)


def _of_numbers(name: str, module: str, model: str, task: Task) -> tuple[str, ...]:
    """A model of scikit-learn, with the columns of a table as they are."""
    trees, table = name == "boosted trees", task.preparation if isinstance(task.preparation, Columns) else None
    imports = [f"from sklearn.{module} import {model}"]
    made = f'{model}(categorical_features="from_dtype")' if trees and table else f"{model}()"
    wrapper = "MultiOutputRegressor" if task.problem.kind == "regression" else "MultiOutputClassifier"
    if _several(task) and model != "Ridge":
        imports, made = [f"from sklearn.multioutput import {wrapper}", *imports], f"{wrapper}({made})"
    if not trees:
        imports += ["from sklearn.pipeline import make_pipeline", "from sklearn.preprocessing import StandardScaler"]
        made = f"make_pipeline(StandardScaler(), {made})"
    read = [*imports, "", *_ARRAYS] if table is None else _read(table, task, imports, as_categories=trees)
    return (*read, f"model = {made}.fit(x, y)", "model.predict(new)")


def _several(task: Task) -> bool:
    targets = task.train.targets
    return task.problem.kind in ("regression", "several labels") and targets.ndim > 1 and targets.shape[1] > 1


def _read(table: Columns, task: Task, imports: Sequence[str], *, as_categories: bool) -> list[str]:
    """Lines that read a table; its texts become categories, or columns of 0 and 1."""
    arguments, names = task.configuration()["arguments"], [name for name, _ in table.targets]
    left_out = (*_listed(arguments.get("drop")), *_listed(arguments.get("group_column")))
    dropped = [*names, *left_out, *_listed(arguments.get("time_column"))]
    options = "" if table.delimiter == "," else f", sep={table.delimiter!r}"
    texts = [
        'texts = x.select_dtypes(exclude="number").columns',
        'x[texts] = x[texts].astype("category")  # the same categories for new rows',
    ]
    return [
        "import pandas as pd",
        *imports,
        "",
        f"rows = pd.read_csv({table.source.path.name!r}{options})",
        f"x, y = rows.drop(columns={dropped!r}), rows[{(names[0] if len(names) == 1 else names)!r}]",
        *(texts if as_categories else ["x = pd.get_dummies(x)"]),
    ]


def _listed(value: Any) -> list[str]:
    return [] if not value else [value] if isinstance(value, str) else [str(each) for each in value]


def _of_texts(task: Task, model: str, made: str, asked: str) -> tuple[str, ...]:
    arguments = task.configuration()["arguments"]
    column, target = arguments.get("text"), arguments.get("target")
    read = [f"# texts, {asked}: of the examples; new: further texts"]
    if isinstance(target, str) and len(_listed(column)) == 1:
        read = [
            f"rows = pd.read_csv({Path(str(arguments['path'])).name!r})",
            f"texts, {asked} = rows[{_listed(column)[0]!r}], rows[{target!r}]",
        ]
    return (
        *(["import pandas as pd"] if len(read) > 1 else []),
        "from sklearn.feature_extraction.text import TfidfVectorizer",
        f"from sklearn.linear_model import {model}",
        "from sklearn.pipeline import make_pipeline",
        "",
        *read,
        f"model = make_pipeline(TfidfVectorizer(sublinear_tf=True), {made}).fit(texts, {asked})",
        "model.predict(new)",
    )


def _of_series(kind: str) -> tuple[str, ...]:
    name = "RocketClassifier" if kind == "classification" else "RocketRegressor"
    return (
        f"from aeon.{kind}.convolution_based import {name}  # pip install aeon",
        "",
        "# x: series as (n, channels, length), y: what is asked for; new: further series",
        f"model = {name}(n_kernels=1000).fit(x, y)",
        "model.predict(new)",
    )


def _residual(name: str, task: Task) -> tuple[str, ...]:
    return (
        "from netwright.networks.resnet import resnet",
        "",
        f"network = resnet({tuple(task.shape.input)}, {task.shape.outputs}, {name.removeprefix('ResNet-')})",
        "# and train it as the settings below say",
    )
