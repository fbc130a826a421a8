"""What do five networks side by side predict better than one? R² or accuracy on test examples, over splits.

    python benchmarks/side_by_side.py [TABLE.csv:COLUMN ...] [--splits 3] [--epochs 30] [--networks 5] [--smallest]

The first well-known network of the space that tables are searched in is trained by the usual settings on all but the
test examples, from other first weights for each split, alone and as several whose mean answer predicts. Without a
table: diabetes, breast cancer and wine of scikit-learn.
"""

from __future__ import annotations

import argparse
import csv as csv_files
import statistics
import tempfile
from collections.abc import Sequence
from pathlib import Path

from sklearn import datasets

from netwright.networks.committee import Committee
from netwright.spaces import Tables
from netwright.tasks import Task, csv
from netwright.training import TrainingSettings, seeded, train
from netwright.training.usual import usual

BUNDLED = ("diabetes", "breast_cancer", "wine")


def bundled(name: str, folder: Path) -> tuple[Path, str]:
    """A set of scikit-learn as a file, and its column of answers."""
    found = getattr(datasets, f"load_{name}")()
    answers = found.target if name == "diabetes" else found.target_names[found.target]
    path = folder / f"{name}.csv"
    with path.open("w", newline="") as file:
        rows = ([*row, answer] for row, answer in zip(found.data, answers, strict=True))
        csv_files.writer(file).writerows(
            [[*(f"feature {place}" for place in range(found.data.shape[1])), "answer"], *rows]
        )
    return path, "answer"


def tested(task: Task, networks: int, epochs: int, seed: int) -> float:
    """The task's first metric on the test examples."""
    space = Tables()
    architecture = next(iter(space.known(task.shape).values()))
    settings = TrainingSettings(epochs=epochs, **usual(task.shape, task.problem, len(task.train)))
    with seeded(seed):
        built = [space.build(architecture, task.shape) for _ in range(networks)]
    network = built[0] if networks == 1 else Committee(built)
    result = train(network, task.final_data("cpu"), settings.replace(evaluate_every=epochs), seed)
    return result.metrics[f"val_{task.problem.metrics[0].name}"]  # what is held out here are the test examples


def summary(name: str, values: Sequence[float]) -> str:
    spread = statistics.stdev(values) if len(values) > 1 else 0.0
    return f"{name} {statistics.mean(values):.4f} ± {spread:.4f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("tables", nargs="*", help="TABLE.csv:COLUMN")
    for name, default in (("splits", 3), ("epochs", 30), ("networks", 5)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--smallest", action="store_true")
    arguments = parser.parse_args()
    if arguments.smallest:
        arguments.splits = arguments.epochs = 1
    with tempfile.TemporaryDirectory() as folder:
        names = BUNDLED[:1] if arguments.smallest else BUNDLED
        given = [(Path(path), column) for path, _, column in (each.rpartition(":") for each in arguments.tables)]
        for path, column in given or [bundled(name, Path(folder)) for name in names]:
            tasks = [
                csv(path, target=column, test_share=0.3, categories="ordinal", split_seed=seed)
                for seed in range(arguments.splits)
            ]
            found = {
                networks: [tested(task, networks, arguments.epochs, seed) for seed, task in enumerate(tasks)]
                for networks in (1, arguments.networks)
            }
            metric = tasks[0].problem.metrics[0].name
            alone, several = found.values()
            gained = [more - one for one, more in zip(alone, several, strict=True)]
            rows = (summary("one", alone), summary(f"of {arguments.networks}", several), summary("paired gain", gained))
            print(f"{path.stem:16} {metric:10} {'   '.join(rows)}   n = {arguments.splits} splits", flush=True)


if __name__ == "__main__":
    main()
