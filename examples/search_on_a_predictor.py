"""Fit a predictor to a few measured networks, search on what it predicts, and measure what it recommends."""

import numpy as np

import netwright as nw

space = nw.spaces.NasBench201()
cost = nw.estimators.Cost(space, nw.TaskShape((3, 32, 32), 10))


def measured(architecture):  # a quick stand-in for training: parameters, in thousands
    return cost.estimate(nw.Proposal(architecture), 0).metrics["params"] / 1000


rng = np.random.default_rng(0)
known = [space.sample(rng) for _ in range(60)]
predictor = nw.predictors.best(space)
predictor.fit(known, [measured(each) for each in known])

strategy = nw.strategies.RegularizedEvolution(space, population=20, tournament=5)
run = nw.Search(strategy, nw.estimators.Predicted(predictor), "predicted:maximize").run(trials=200)
found = run.best.metrics
print(f"{run.best.architecture}: predicted {found['predicted']:.0f} ± {found['deviation']:.0f}", end=", ")
print(f"measured {measured(run.best.architecture):.0f}; best of the 60 known {max(map(measured, known)):.0f}")
