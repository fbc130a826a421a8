"""What the classifier and the regressor share: from examples to a task, to a run, to a network that answers."""

from __future__ import annotations

import shutil
import tempfile
import time
import weakref
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Self, cast

import numpy as np
from joblib import effective_n_jobs
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.exceptions import NotFittedError
from sklearn.utils import check_consistent_length, check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data
from torch import Tensor

from netwright.engine import Run, parse_duration
from netwright.results import Exported, conclude
from netwright.results.exporting import files_of
from netwright.sklearn import kept
from netwright.sklearn.answers import Answers
from netwright.sklearn.given import Table, chosen, given
from netwright.sklearn.searching import Wanted, searched
from netwright.sklearn.tasks import Asked, counting, task_of

SEEDS = 2**31 - 1
LEAST = 6  # examples: two each to train, to validate and to test on


class Ended:
    """The run of a model, and the project in which it lies.

    run: that has ended.
    directory: of the project; a temporary one goes with its model.
    """

    def __init__(self, run: Run, directory: Path, *, temporary: bool) -> None:
        self.run, self.directory = run, directory
        if temporary:
            weakref.finalize(self, shutil.rmtree, directory, ignore_errors=True)


class NetworkEstimator(BaseEstimator):
    """A network that is searched for: see `NetworkClassifier` and `NetworkRegressor`, which are made of this."""

    # The parameters of both.
    time: str | float | None
    trials: int | None
    epochs: int | None
    final_epochs: int | None
    limits: Any
    objective: Any
    space: Any
    strategy: Any
    training: Mapping[str, Any] | None
    validation: float | None
    directory: str | Path | None
    device: str
    random_state: Any
    n_jobs: int | None
    verbose: int | bool
    # What is known after `fit`.
    n_features_in_: int
    feature_names_in_: NDArray[Any]
    architecture_: str

    @abstractmethod
    def _asked(self, y: Any, rows: NDArray[np.bool_] | None) -> Asked:
        """What the targets ask for, those that the mask keeps; sets what is known of them from `fit` on."""

    @abstractmethod
    def _facts(self) -> dict[str, Any]:
        """What is known of the targets, as JSON."""

    @abstractmethod
    def _know(self, facts: Mapping[str, Any]) -> None:
        """Take over what `_facts` gave."""

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Search for a network on these examples, and train it.

        X: a data frame, or an array (n, features); images (n, height, width), (n, height, width, channels) or
            (n, channels, height, width).
        y: what is asked for of each example.
        sample_weight: what each example counts in the loss and the metrics, (n,), at least 0; 1 each by default. Those
            of weight 0 are left out.

        Raises ValueError and TypeError for what cannot be used, SearchFailed where no network was found.
        """
        began = time.monotonic()
        wanted = self._wanted()
        x = given(X)
        validate_data(self, X, y, skip_check_array=True)
        check_consistent_length(x, y)
        rows, weights = counting(sample_weight, len(x))
        x, asked = chosen(x, rows), replace(self._asked(y, rows), weights=weights)
        if len(x) < LEAST:
            raise ValueError(f"at least {LEAST} examples are needed, found n_samples={len(x)}")
        folder = Path(tempfile.mkdtemp(prefix="netwright-")) if self.directory is None else Path(self.directory)
        try:
            task = task_of(x, asked, wanted.seed, folder)
            found = searched(task, wanted.after(time.monotonic() - began), folder)
            self._answers = Answers(files_of(found.network, task))
        except BaseException:
            if self.directory is None:
                shutil.rmtree(folder, ignore_errors=True)
            raise
        self._shape = None if isinstance(x, Table) else x.shape[1:]
        self._ended: Ended | None = Ended(found.run, folder, temporary=self.directory is None)
        self.architecture_ = str(found.run.best.architecture)
        return self

    def _wanted(self) -> Wanted:
        return Wanted(
            space=self.space,
            strategy=self.strategy,
            seconds=None if self.time is None else parse_duration(self.time),
            trials=self.trials,
            epochs=self.epochs,
            final_epochs=self.final_epochs,
            limits=(self.limits,) if isinstance(self.limits, str) else tuple(self.limits),
            objective=self.objective,
            validation=self.validation,
            training=dict(self.training or {}),
            device=self.device,
            seed=_seed(self.random_state),
            workers=effective_n_jobs(self.n_jobs),  # pyright: ignore[reportArgumentType]
            progress=bool(self.verbose),
        )

    # Answers.

    def _outputs(self, X: Any) -> Tensor:
        """What the network gives for these examples, once they are known to be like those of `fit`."""
        check_is_fitted(self, "_answers")
        x = given(X, table=self._shape is None)
        if not isinstance(x, Table):
            self._check_shape(x.shape[1:])
        validate_data(self, X, skip_check_array=True, reset=False)
        return self._answers.outputs(x.rows() if isinstance(x, Table) else x)

    def _check_shape(self, shape: tuple[int, ...]) -> None:
        """ValueError unless examples have the shape of those of `fit`; of vectors scikit-learn says so."""
        if self._shape is not None and shape != self._shape and max(len(shape), len(self._shape)) > 1:
            raise ValueError(f"X holds examples of the shape {shape}, but those of fit had the shape {self._shape}")

    @property
    def run(self) -> Run:
        """The run behind the model: its trials, its best one, the store that keeps it."""
        check_is_fitted(self, "_answers")
        if self._ended is None:
            raise NotFittedError(
                f"this {type(self).__name__} was loaded or copied: its run is with the model that was fitted; a run "
                "whose `directory` was named is there, see `netwright runs`"
            )
        return self._ended.run

    # What is kept.

    def export(self, directory: str | Path, *, overwrite: bool = False) -> Exported:
        """Write the network as plain PyTorch, with its weights, a report and what `load` needs.

        directory: that is written: new, empty, or an earlier export.
        overwrite: replace an earlier export.
        """
        concluded = conclude(self.run, final_seeds=1, baselines=False, train=False)
        exported = concluded.export(directory, overwrite=overwrite)
        kept.write(exported.directory, self, {**self._facts(), "shape": self._shape})
        return exported

    @classmethod
    def load(cls, directory: str | Path) -> Self:
        """The fitted model of a folder that `export` wrote; it predicts as it did there, and has no run.

        directory: that was exported. Its `model.py` is run, so load only folders that you trust.

        Raises ValueError for another folder, and where its files are damaged.
        """
        described = kept.read(Path(directory), cls)
        model = cls(**described.parameters)
        model._answers = described.answers
        model._ended = None
        model._shape = described.facts["shape"] and tuple(described.facts["shape"])
        model.architecture_ = described.architecture
        model.n_features_in_ = described.features
        if described.names is not None:
            model.feature_names_in_ = np.array(described.names, dtype=object)
        model._know(described.facts)
        return model

    def __getstate__(self) -> dict[str, Any]:
        """Without the run, which stays where its store is."""
        state = cast("dict[str, Any]", super().__getstate__())
        return {**state, "_ended": None} if "_ended" in state else state

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.three_d_array = True
        tags.target_tags.required = True
        return tags


def _seed(random_state: Any) -> int:
    """The seed of the search: the number itself, or one that is drawn."""
    if isinstance(random_state, (int, np.integer)) and not isinstance(random_state, bool):
        return int(random_state)
    return int(check_random_state(random_state).randint(SEEDS))


def column_names(y: Any, count: int) -> list[str]:
    """The names of several numbers that are asked for: those of a data frame's columns, where they differ."""
    names = [str(each) for each in getattr(y, "columns", ())]
    if len(names) == count and len(set(names)) == count:
        return names
    return ["target"] if count == 1 else [f"target {i + 1}" for i in range(count)]


def as_array(tensor: Tensor) -> NDArray[np.float64]:
    """A tensor as float64."""
    return tensor.double().numpy()
