"""The estimators on data of every kind, in scikit-learn's own tools, and in their exported form."""

from __future__ import annotations

import gc
import pickle
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_diabetes, load_digits, load_iris
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from netwright.results import check_target
from netwright.sklearn import NetworkClassifier, NetworkRegressor
from netwright.store import Store

pandas = pytest.importorskip("pandas")
LITTLE: dict[str, Any] = {"trials": 1, "epochs": 4, "final_epochs": 0, "space": "mlp", "random_state": 0}
X, Y = load_iris(return_X_y=True)
SPECIES = np.array(["setosa", "versicolor", "virginica"])


@pytest.fixture(scope="module")
def iris() -> NetworkClassifier:
    return NetworkClassifier(**LITTLE).fit(X, SPECIES[Y])


def frame() -> Any:
    kinds = pandas.Categorical(np.where(X[:, 3] > 1, "wide", None))
    made = pandas.DataFrame({"length": X[:, 2], "size": np.where(X[:, 0] > 6, "big", "small"), "petal": kinds})
    made["seen"] = pandas.Timestamp("2024-02-01") + pandas.to_timedelta(X[:, 1].round(), unit="D")
    made.loc[::7, "length"] = np.nan
    return made


def test_classes_of_any_kind_come_back_as_they_were(iris: NetworkClassifier) -> None:
    assert iris.classes_.tolist() == sorted(SPECIES) and set(iris.predict(X)) <= set(SPECIES)
    assert iris.score(X, SPECIES[Y]) > 0.7
    truth = X[:, 2] > 3
    model = NetworkClassifier(**LITTLE).fit(X, truth)
    assert model.classes_.tolist() == [False, True] and model.predict(X[:3]).dtype == bool
    assert model.score(X, truth) > 0.9


def test_it_predicts_what_validation_measured(iris: NetworkClassifier) -> None:
    training = iris.run.search.estimator
    held_out = training.task.search_data(training.split_seed, "cpu", training.validation).held_out
    raw = held_out.inputs.numpy()  # nothing was subtracted from columns this small
    right = (iris.predict(raw) == SPECIES[held_out.targets.numpy()]).mean()
    assert right == pytest.approx(iris.run.best.metrics["val_accuracy"])


def test_a_frame_with_texts_dates_and_gaps() -> None:
    table = frame()
    model = NetworkClassifier(**{**LITTLE, "epochs": 20}).fit(table, SPECIES[Y])
    assert model.feature_names_in_.tolist() == list(table.columns)
    assert model.score(table, SPECIES[Y]) > 0.7
    one = pandas.DataFrame({"length": [None], "size": ["huge"], "petal": [None], "seen": [pandas.NaT]})
    assert model.predict_proba(one).sum() == pytest.approx(1)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda table: table[["size", "length", "petal", "seen"]], "same order"),
        (lambda table: table.drop(columns="petal"), "now missing:\n- petal"),
        (lambda table: table.assign(more=1), "unseen at fit time:\n- more"),
    ],
)
def test_columns_are_checked_by_name(change: Any, said: str) -> None:
    model = NetworkClassifier(**{**LITTLE, "epochs": 1}).fit(frame(), Y)
    with pytest.raises(ValueError, match=said):
        model.predict(change(frame()))


def test_names_that_a_table_would_change_are_followed() -> None:
    table = frame().rename(columns={"length": " target ", "size": ""})
    model = NetworkClassifier(**{**LITTLE, "epochs": 1}).fit(table, Y)
    assert len(model.predict(table)) == len(table)


def test_an_array_of_objects_with_texts_is_a_table() -> None:
    rows = [[float(a), "big" if b > 6 else "small"] for a, b in X[:, [2, 0]]]
    model = NetworkClassifier(**{**LITTLE, "epochs": 10}).fit(np.array(rows, dtype=object), Y)
    assert model.n_features_in_ == 2 and model.score(rows, Y) > 0.6


@pytest.mark.parametrize("shape", [(-1, 8, 8), (-1, 8, 8, 1)])
def test_images(shape: tuple[int, ...]) -> None:
    images, digits = load_digits(return_X_y=True)
    images = images[:200].reshape(shape) / 16
    model = NetworkClassifier(**{**LITTLE, "epochs": 2, "space": "chain"}).fit(images, digits[:200])
    assert model.score(images, digits[:200]) > 0.2
    with pytest.raises(ValueError, match="examples of the shape"):
        model.predict(images[:, :, :7])


def test_several_numbers() -> None:
    x, y = load_diabetes(return_X_y=True)
    both = pandas.DataFrame({"up": y, "down": -y})
    model = NetworkRegressor(**{**LITTLE, "epochs": 10}).fit(x, both)
    assert model.predict(x).shape == (len(x), 2)
    assert model.score(x, both) > 0.2
    assert model.run.search.estimator.task.problem.names == ("up", "down")


def test_quantiles_answer_with_their_middle() -> None:
    x, y = load_diabetes(return_X_y=True)
    model = NetworkRegressor(**{**LITTLE, "epochs": 10}, loss="quantile").fit(x, y)
    assert 0.3 < (model.predict(x) > y).mean() < 0.7


def test_class_weights_go_by_class() -> None:
    rare = X[:, 2] > 6
    plain, heavy = (
        NetworkClassifier(**{**LITTLE, "epochs": 3}, class_weight=weight).fit(X, rare)
        for weight in (None, {True: 30.0})
    )
    assert heavy.predict_proba(X)[:, 1].mean() > plain.predict_proba(X)[:, 1].mean()
    with pytest.raises(ValueError, match="class_weight names 'red'"):
        NetworkClassifier(**LITTLE, class_weight={"red": 2}).fit(X, rare)


def test_in_the_tools_of_scikit_learn() -> None:
    little = NetworkClassifier(**{**LITTLE, "epochs": 2})
    assert len(cross_val_score(make_pipeline(StandardScaler(), clone(little)), X, Y, cv=2)) == 2
    found = GridSearchCV(little, {"space": ["mlp"], "training": [None, {"learning_rate": 0.01}]}, cv=2).fit(X, Y)
    assert found.best_estimator_.score(X, Y) > 0.3


def test_the_same_seed_gives_the_same_model(iris: NetworkClassifier) -> None:
    again = NetworkClassifier(**LITTLE).fit(X, SPECIES[Y])
    other = NetworkClassifier(**{**LITTLE, "random_state": 1}).fit(X, SPECIES[Y])
    assert np.array_equal(again.predict_proba(X), iris.predict_proba(X))
    assert not np.array_equal(other.predict_proba(X), iris.predict_proba(X))


@pytest.fixture(scope="module")
def exported(iris: NetworkClassifier, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return iris.export(tmp_path_factory.mktemp("exported") / "best").directory


def test_an_export_predicts_as_the_model_does(iris: NetworkClassifier, exported: Path) -> None:
    loaded = NetworkClassifier.load(exported)
    assert np.array_equal(loaded.predict_proba(X), iris.predict_proba(X))
    assert loaded.classes_.tolist() == iris.classes_.tolist() and loaded.epochs == iris.epochs
    assert check_target(exported, overwrite=True) == exported
    with pytest.raises(NotFittedError, match="its run is with the model that was fitted"):
        _ = loaded.run


def test_a_folder_of_something_else_is_refused(exported: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"NetworkClassifier\.load reads it"):
        NetworkRegressor.load(exported)
    with pytest.raises(ValueError, match=r"holds no estimator\.json"):
        NetworkClassifier.load(tmp_path)


def test_damaged_weights_are_found(exported: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(exported, tmp_path / "copy")
    weights = copy / "weights.safetensors"
    whole = weights.read_bytes()
    weights.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    with pytest.raises(ValueError, match=r"copy/weights\.safetensors is damaged"):
        NetworkClassifier.load(copy)


def test_a_table_comes_back_from_its_export(tmp_path: Path) -> None:
    model = NetworkClassifier(**{**LITTLE, "random_state": np.random.RandomState(0)}).fit(frame(), Y)
    model.export(tmp_path / "best")
    loaded = NetworkClassifier.load(tmp_path / "best")
    assert np.array_equal(loaded.predict(frame()), model.predict(frame()))
    assert loaded.random_state is None and loaded.trials == 1  # what JSON cannot hold is left out
    with pytest.raises(ValueError, match="now missing"):
        loaded.predict(frame().drop(columns="size"))


def test_a_copy_predicts_without_the_run(iris: NetworkClassifier) -> None:
    copy = pickle.loads(pickle.dumps(iris))
    assert np.array_equal(copy.predict(X), iris.predict(X))
    with pytest.raises(NotFittedError):
        _ = copy.run


def test_the_run_is_an_ordinary_one_of_its_project(tmp_path: Path) -> None:
    model = NetworkClassifier(**LITTLE, directory=tmp_path / "runs").fit(frame(), Y)
    with Store.open_readonly(tmp_path / "runs") as store:
        assert store.names() == [model.run.name] and store.summary(model.run.name).state == "finished"
    del model
    gc.collect()
    assert (tmp_path / "runs" / "netwright.db").exists()


def test_a_temporary_project_goes_with_its_model() -> None:
    model = NetworkClassifier(**LITTLE).fit(X, Y)
    directory = model.run.store_directory
    assert directory is not None and directory.exists()
    del model
    gc.collect()
    assert not directory.exists()


def test_a_fit_that_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with pytest.raises(ValueError, match="Known"):
        NetworkClassifier(**{**LITTLE, "space": "none such"}).fit(X, Y)
    assert not list(tmp_path.iterdir())


def test_too_few_examples_and_classes_are_named() -> None:
    with pytest.raises(ValueError, match="n_samples=5"):
        NetworkClassifier(**LITTLE).fit(X[:5], Y[48:53])
    with pytest.raises(ValueError, match="at least 2 classes"):
        NetworkClassifier(**LITTLE).fit(X[:20], Y[:20])


def test_weights_of_examples_move_the_model() -> None:
    rare = X[:, 2] > 6
    heavy = np.where(rare, 40.0, 1.0)
    plain, weighted = (
        NetworkClassifier(**{**LITTLE, "epochs": 3}).fit(frame(), rare, sample_weight=weights)
        for weights in (None, heavy)
    )
    assert weighted.predict_proba(frame())[:, 1].mean() > plain.predict_proba(frame())[:, 1].mean()
    assert weighted.n_features_in_ == 4


def test_an_example_of_no_weight_is_as_if_it_were_not_there() -> None:
    left = np.r_[np.zeros(50), np.ones(100)]
    model = NetworkClassifier(**LITTLE).fit(X, SPECIES[Y], sample_weight=left)
    assert model.classes_.tolist() == ["versicolor", "virginica"]
    assert np.array_equal(model.predict_proba(X), NetworkClassifier(**LITTLE).fit(X[50:], Y[50:]).predict_proba(X))


@pytest.mark.slow
def test_trials_run_side_by_side() -> None:
    model = NetworkClassifier(**{**LITTLE, "trials": 2}, n_jobs=2).fit(X, Y)
    assert len(model.run.trials) == 2 and model.score(X, Y) > 0.6


def test_the_default_search_is_the_race_and_ends_in_time() -> None:
    model = NetworkClassifier(time="3s", trials=2, random_state=0).fit(X, Y)
    assert "race" in model.run.name and len(model.run.trials) <= 2
