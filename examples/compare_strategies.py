"""Compare three strategies on a table of known results; the report says which are told apart, and by what test."""

import numpy as np

import netwright as nw

space = nw.spaces.NasBench201()
rng = np.random.default_rng(0)
architectures = list(space.enumerate())
quality = np.array([sum(option in (1, 3) for option in each.point) for each in architectures])
table = nw.estimators.Table(
    space,
    {
        "arch": [str(each) for each in architectures],
        "valid": 80 + 2 * quality + rng.normal(0, 1.5, len(architectures)),  # what a short training would say
        "test": 85 + 1.5 * quality + rng.normal(0, 0.5, len(architectures)),  # what is reported of the best one
    },
)
found = nw.benchmarks.compare(
    ["random", "evolution:population=20,tournament=5", "local"],
    nw.benchmarks.BenchmarkProblem(table, metric="valid", report="test"),
    evaluations=100,
    repeats=10,
)
print(found)
