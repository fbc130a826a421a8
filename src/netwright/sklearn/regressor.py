"""A regression whose network is searched for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import RegressorMixin
from sklearn.utils import check_array

from netwright.sklearn.estimator import NetworkEstimator, as_array, column_names
from netwright.sklearn.tasks import Asked


class NetworkRegressor(RegressorMixin, NetworkEstimator):
    """A network that is searched for, and says a number, or several, for each example.

    time: of the whole fit, final training included: "90s", "10m", "1h30m" or seconds; None without a limit, for which
        `trials` is needed.
    trials: stop after so many.
    epochs: for which each candidate is trained; with time, and no strategy, candidates race by the clock unless it is
        given.
    final_epochs: for which the best network is trained on, 0 for none; by default four times a candidate's. Without
        `epochs` and `strategy` it is handed over as the race has left it, or trained anew on all examples once.
    limits: what the network must keep, as "params <= 500k".
    objective: what is made good; R² on validation examples by default.
    space: of networks, by name with options ("mlp", "chain:width=32") or a `Space`; what suits the data by default.
    strategy: by name or a `Strategy`; by default the race of `netwright search`, or evolution with `epochs`.
    training: options of `TrainingSettings`, such as {"learning_rate": 0.05}.
    loss: "squared", "absolute", "huber", or "quantile", whose middle level is then predicted.
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
        loss: str = "squared",
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
        self.loss = loss
        self.validation = validation
        self.directory = directory
        self.device = device
        self.random_state = random_state
        self.n_jobs = n_jobs
        self.verbose = verbose

    def predict(self, X: Any) -> NDArray[np.float64]:
        """The number of each example, (n,), or the numbers, (n, numbers), where `fit` was given several.

        X: examples as `fit` was given them.
        """
        outputs = self._outputs(X)
        module = self._answers.module
        levels = module.LEVELS or (0.5,)
        middle = min(range(len(levels)), key=lambda place: abs(levels[place] - 0.5))
        numbers = as_array(module.quantiles(outputs)[:, :, middle])
        return numbers[:, 0] if self._is_one else numbers

    def _asked(self, y: Any, rows: NDArray[np.bool_] | None) -> Asked:
        values = check_array(y, ensure_2d=False, dtype="float64", input_name="y")
        self._is_one = values.ndim == 1
        values = values.reshape(len(values), -1)
        values = values if rows is None else values[rows]
        return Asked(values, column_names(y, values.shape[1]), "regression", {"loss": self.loss})

    def _facts(self) -> dict[str, Any]:
        return {"one": self._is_one}

    def _know(self, facts: Mapping[str, Any]) -> None:
        self._is_one = bool(facts["one"])

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
