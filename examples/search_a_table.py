"""A table of known results as an estimator: regularized evolution against the best that the table holds."""

import numpy as np

import netwright as nw

space = nw.spaces.NasBenchMacro()
rng = np.random.default_rng(0)
architectures = list(space.enumerate())
blocks = np.array([each.point for each in architectures])
columns = {  # stands for a file: nw.estimators.Table(space, "results.csv", cost="train_time")
    "arch": [str(each) for each in architectures],
    "accuracy": 85 + blocks @ np.linspace(0.2, 0.8, 8) + rng.normal(0, 0.3, len(blocks)),
    "train_time": 60.0 + 20.0 * blocks.sum(axis=1),
}
table = nw.estimators.Table(space, columns, cost="train_time", coverage="complete")
print(table.report)

search = nw.Search(nw.strategies.RegularizedEvolution(space), table, objective="accuracy", seed=0)
run = search.run(trials=500)
regret = table.best("accuracy") - run.best.metrics["accuracy"]
hours = sum(trial.metrics["cost_seconds"] for trial in run.trials) / 3600
print(f"{run.best.architecture}: {regret:.2f} below the best of the table, after {hours:.1f} hours of training saved")
