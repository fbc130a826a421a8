"""A search behind scikit-learn's interface: in a pipeline, cross-validated, exported and loaded again."""

import sys
import tempfile
from pathlib import Path

from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import cross_val_score, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import QuantileTransformer

from netwright.sklearn import NetworkClassifier

time = sys.argv[1] if len(sys.argv) > 1 else "8s"


def main() -> None:
    frame, kind = load_breast_cancer(return_X_y=True, as_frame=True)
    train, test, known, truth = train_test_split(frame, kind, stratify=kind, random_state=0)

    model = NetworkClassifier(time=time, limits=["params <= 50k"], random_state=0).fit(train, known)
    print(f"{model.run.name}: {len(model.run.trials)} trials, test accuracy {model.score(test, truth):.3f}")

    little = NetworkClassifier(space="mlp", trials=1, epochs=20, final_epochs=0, random_state=0)
    scores = cross_val_score(make_pipeline(QuantileTransformer(n_quantiles=100), little), train, known, cv=3)
    print(f"one network of twenty epochs, cross-validated: {scores.mean():.3f}")

    with tempfile.TemporaryDirectory() as folder:
        model.export(Path(folder, "best"))
        loaded = NetworkClassifier.load(Path(folder, "best"))
        assert (loaded.predict(test) == model.predict(test)).all()


if __name__ == "__main__":
    main()
