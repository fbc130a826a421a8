"""References that take no network, tuned by cross-validation for as long as there is time."""

from __future__ import annotations

import math
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas
from sklearn.base import clone
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import ParameterSampler, cross_val_score
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from worth_parts.judging import points
from worth_parts.references import Asked

MOST_CATEGORIES = 200  # of a column, beyond which its texts are numbered by how frequent they are
LONGEST = 8  # tokens that are looked back on
SETTINGS_TRIED = 400  # at most
TREES: dict[str, list[Any]] = {
    "learning_rate": [0.02, 0.05, 0.1, 0.2],
    "max_leaf_nodes": [7, 15, 31, 63],
    "min_samples_leaf": [5, 10, 20, 50],
    "l2_regularization": [0.0, 0.1, 1.0, 10.0],
    "max_features": [0.5, 1.0],
}


def trees(asked: Asked) -> tuple[float, int]:
    """Histogram gradient boosting: as it comes, and with random settings beside it, the best by cross-validation."""
    inputs, targets, new, truth = rows(asked)
    kind = HistGradientBoostingClassifier if asked.kind == "classes" else HistGradientBoostingRegressor
    model = kind(max_iter=1000, early_stopping=True, n_iter_no_change=20, random_state=asked.seed)
    if isinstance(inputs, pandas.DataFrame):
        model.set_params(categorical_features="from_dtype")
    plain = kind(random_state=asked.seed, categorical_features=model.categorical_features)
    drawn = [
        clone(model).set_params(**each) for each in ParameterSampler(TREES, SETTINGS_TRIED, random_state=asked.seed)
    ]
    best = best_of([plain, model, *drawn], inputs, targets, asked)
    return points(asked.kind, truth, best.fit(inputs, targets).predict(new).tolist()), len(truth)


def words(asked: Asked) -> tuple[float, int]:
    """Logistic regression on words and pairs of words by how telling they are."""
    inputs, targets, new, truth = texts(asked)
    models = [
        make_pipeline(
            TfidfVectorizer(ngram_range=(1, longest), min_df=least, sublinear_tf=True),
            LogisticRegression(C=strength, max_iter=1000),
        )
        for longest, least, strength in (
            (1, 1, 1),
            (2, 2, 10),
            (2, 1, 3),
            (2, 1, 10),
            (2, 1, 30),
            (1, 1, 10),
            (3, 1, 10),
        )
    ]
    best = best_of(models, inputs, targets, asked)
    return points(asked.kind, truth, best.fit(inputs, targets).predict(new).tolist()), len(truth)


def neighbours(asked: Asked) -> tuple[float, int]:
    """The nearest series, of as many as cross-validation likes best."""
    from worth_parts.trained_references import read

    task = read(asked)
    data = task.final_data("cpu")
    inputs, new = (each.batch(0, len(each)).flatten(1).numpy() for each in (data.train, data.held_out))
    targets, truth = (each.batch_targets(0, len(each)).numpy().ravel() for each in (data.train, data.held_out))
    kind = KNeighborsClassifier if asked.kind == "classes" else KNeighborsRegressor
    models = [
        make_pipeline(*scaled, kind(count, p=power))
        for scaled in ((), (StandardScaler(),))
        for power in (2, 1)
        for count in (1, 3, 5, 10, 20)
        if count < len(inputs) / 2
    ]
    best = best_of(models, inputs, targets, asked)
    return points(asked.kind, truth.tolist(), best.fit(inputs, targets).predict(new).tolist()), len(truth)


def best_of(models: Sequence[Any], inputs: Any, targets: Any, asked: Asked) -> Any:
    """The model with the best cross-validation, of those for which there is time; the last fit is left time too.

    models: in the order in which they are tried.
    inputs, targets: to fit to.
    asked: with the time.
    """
    folds = 5 if len(inputs) < 2000 else 3
    found: list[tuple[float, Any]] = []
    longest = 0.0
    for each in models:
        if found and asked.left < longest * (1 + 2 / folds):
            break
        began = time.monotonic()
        found.append((float(np.mean(cross_val_score(clone(each), inputs, targets, cv=folds))), each))
        longest = max(longest, time.monotonic() - began)
    return max(found, key=lambda each: each[0])[1]


def rows(asked: Asked) -> tuple[Any, Any, Any, list[Any]]:
    """Inputs and answers to fit to, inputs to answer, and their answers, of a table or of arrays."""
    if asked.given.endswith(".npz"):
        with np.load(asked.given) as held, np.load(asked.labelled) as new:
            known, other = held["x"].reshape(len(held["x"]), -1), new["x"].reshape(len(new["x"]), -1)
            return known, held["y"], other, new["y"].tolist()
    given, held = table(asked, asked.given), table(asked, asked.labelled)
    target = target_of(asked)
    inputs, new = given.drop(columns=target), held.drop(columns=target)
    for name in [*inputs.columns]:
        if not pandas.api.types.is_numeric_dtype(inputs[name]) or not pandas.api.types.is_numeric_dtype(new[name]):
            inputs[name], new[name] = _categories(inputs[name].astype(str), new[name].astype(str))
    return inputs, given[target].to_numpy(), new, held[target].tolist()


def _categories(known: pandas.Series, new: pandas.Series) -> tuple[pandas.Series, pandas.Series]:
    """Texts as categories; where there are many, as their rank by how frequent they are."""
    frequent = known.value_counts().index
    if len(frequent) <= MOST_CATEGORIES:
        kind = pandas.CategoricalDtype(frequent)
        return known.astype(kind), new.astype(kind)
    ranks = {text: place for place, text in enumerate(frequent)}
    return known.map(ranks), new.map(ranks)


def table(asked: Asked, path: str) -> pandas.DataFrame:
    """A table as pandas reads it, without what is to be left out."""
    options = asked.options
    named = options.get("header", "yes") == "yes"
    separator = {"tab": "\t", "space": r"\s+"}.get(options.get("delimiter", ","), options.get("delimiter", ","))
    found = pandas.read_csv(path, header=0 if named else None, sep=separator, skipinitialspace=True, na_values="?")
    dropped = [each for each in (*options.get("drop", "").split(";"), options.get("group_column", "")) if each]
    return found.drop(columns=[each if named else int(each) for each in dropped])


def target_of(asked: Asked) -> Any:
    """The name or number of the column that is asked for."""
    text = asked.options["target_column"]
    return text if asked.options.get("header", "yes") == "yes" else int(text)


def texts(asked: Asked) -> tuple[list[str], Any, list[str], list[Any]]:
    """Texts and classes to fit to, texts to answer, and their classes."""
    if Path(asked.labelled).is_dir():
        parts = [sorted((Path(asked.labelled) / part).rglob("*.txt")) for part in ("train", "test")]
        (known, classes), (new, truth) = (
            ([each.read_text() for each in files], [each.parent.name for each in files]) for files in parts
        )
        return known, np.array(classes), new, truth
    named = asked.options.get("header", "yes") == "yes"
    columns = [each if named else int(each) for each in asked.options["text_column"].split(";")]
    found = [table(asked, path) for path in (asked.given, asked.labelled)]
    (known, new) = ([" ".join(map(str, row)) for row in each[columns].to_numpy()] for each in found)
    return known, found[0][target_of(asked)].to_numpy(), new, found[1][target_of(asked)].tolist()


def counts(asked: Asked) -> tuple[float, int]:
    """What follows on the last characters, by counts of Witten and Bell (1991) up to eight characters back."""
    if asked.options.get("tokens", "characters") != "characters":
        raise SystemExit("worth: counts are of characters only")
    text, new = Path(asked.given).read_text(), Path(asked.labelled).read_text()
    border = round(0.9 * len(text))
    lengths = {back: _bits(_counted(text[:border], back), text[border:], back) for back in range(2, LONGEST + 1)}
    back = min(lengths, key=lambda each: lengths[each])
    return -_bits(_counted(text, back), new, back), len(new)


def _counted(text: str, back: int) -> dict[str, Counter[str]]:
    """How often each character follows on the characters before it, of every length up to so many."""
    found: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for place, character in enumerate(text):
        for length in range(min(back, place) + 1):
            found[text[place - length : place]][character] += 1
    return found


def _bits(counted: dict[str, Counter[str]], text: str, back: int) -> float:
    """Bits a character of a text, of which the first characters are seen without what is before them."""
    totals = {context: sum(each.values()) for context, each in counted.items()}
    first, bits = 1 / (len(counted[""]) + 1), 0.0
    for place, character in enumerate(text):
        share = first
        for length in range(min(back, place) + 1):
            context = text[place - length : place]
            if context not in totals:
                break
            seen = counted[context]
            share = (seen[character] + len(seen) * share) / (totals[context] + len(seen))
        bits -= math.log2(share)
    return bits / len(text)
