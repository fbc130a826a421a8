"""A classifier whose network is searched for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin
from sklearn.utils import column_or_1d
from sklearn.utils.multiclass import check_classification_targets

from netwright.sklearn.estimator import NetworkEstimator, as_array
from netwright.sklearn.tasks import Asked


class NetworkClassifier(ClassifierMixin, NetworkEstimator):
    """A network that is searched for, and says the class of each example.

    time: of the whole fit, final training included: "90s", "10m", "1h30m" or seconds; None without a limit, for which
        `trials` is needed.
    trials: stop after so many.
    epochs: for which each candidate is trained; with time, and no strategy, candidates race by the clock unless it is
        given.
    final_epochs: for which the best network is trained on, 0 for none; by default four times a candidate's. Without
        `epochs` and `strategy` it is handed over as the race has left it, or trained anew on all examples once.
    limits: what the network must keep, as "params <= 500k".
    objective: what is made good; the accuracy on validation examples by default.
    space: of networks, by name with options ("mlp", "chain:width=32") or a `Space`; what suits the data by default.
    strategy: by name or a `Strategy`; by default the race of `netwright search`, or evolution with `epochs`.
    training: options of `TrainingSettings`, such as {"learning_rate": 0.05}.
    class_weight: "balanced" for classes that count alike however many examples they have, or a weight by class.
    validation: share of the examples that candidates are compared on; a tenth to a fifth by default.
    directory: of the project that keeps the run, for `netwright show` and others; by default a temporary one that is
        removed with the model.
    device: "auto", "cpu", "cuda", ...
    random_state: all that is random follows from it.
    n_jobs: how many trials run at once, each in a process of its own; -1 for one a core.
    verbose: whether progress is shown.
    """

    def __init__(
        self,
        time: str | float | None = "5m",
        *,
        trials: int | None = None,
        epochs: int | None = None,
        final_epochs: int | None = None,
        limits: str | Sequence[str] = (),
        objective: Any = None,
        space: Any = None,
        strategy: Any = None,
        training: Mapping[str, Any] | None = None,
        class_weight: str | Mapping[Any, float] | None = None,
        validation: float | None = None,
        directory: str | Path | None = None,
        device: str = "auto",
        random_state: Any = None,
        n_jobs: int | None = None,
        verbose: int | bool = False,
    ) -> None:
        self.time = time
        self.trials = trials
        self.epochs = epochs
        self.final_epochs = final_epochs
        self.limits = limits
        self.objective = objective
        self.space = space
        self.strategy = strategy
        self.training = training
        self.class_weight = class_weight
        self.validation = validation
        self.directory = directory
        self.device = device
        self.random_state = random_state
        self.n_jobs = n_jobs
        self.verbose = verbose

    def predict(self, X: Any) -> NDArray[Any]:
        """The most probable class of each example, (n,).

        X: examples as `fit` was given them.
        """
        best = self.predict_proba(X).argmax(axis=1)
        return self.classes_[best]

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """The probability of each class, (n, classes), in the order of `classes_`.

        X: examples as `fit` was given them.
        """
        return as_array(self._outputs(X).double().softmax(1))

    def predict_log_proba(self, X: Any) -> NDArray[np.float64]:
        """The logarithm of `predict_proba`.

        X: examples as `fit` was given them.
        """
        return as_array(self._outputs(X).double().log_softmax(1))

    def _asked(self, y: Any, rows: NDArray[np.bool_] | None) -> Asked:
        y = column_or_1d(y, warn=True)
        check_classification_targets(y)
        y = y if rows is None else y[rows]
        self.classes_, codes = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            only = ", ".join(map(repr, self.classes_.tolist()))
            raise ValueError(f"a classifier needs at least 2 classes, but y holds 1 class: {only}")
        names = [str(each) for each in self.classes_.tolist()]
        return Asked(codes, names, "classification", {"class_weights": self._class_weights()})

    def _class_weights(self) -> Any:
        """As a problem takes them: a number each, in the order of the classes."""
        given = self.class_weight
        if not isinstance(given, Mapping):
            return given
        classes = self.classes_.tolist()
        unknown = [each for each in given if each not in classes]
        if unknown:
            raise ValueError(f"class_weight names {unknown[0]!r}, but the classes are {classes}")
        return tuple(float(given.get(each, 1.0)) for each in classes)

    def _facts(self) -> dict[str, Any]:
        return {"classes": self.classes_.tolist(), "type": self.classes_.dtype.str}

    def _know(self, facts: Mapping[str, Any]) -> None:
        kind = facts["type"]
        self.classes_ = np.array(facts["classes"], dtype=object if kind.endswith("O") else kind)
