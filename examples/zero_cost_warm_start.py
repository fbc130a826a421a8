"""Score untrained networks, begin evolution with the best, and train only what the score puts in the upper half."""

import netwright as nw
from netwright.estimators.zero_cost import best_of_random

task = nw.tasks.digits(limit=300)
space = nw.spaces.NasBench201(channels=4, cells=1)
scores = nw.estimators.ZeroCost(space, task, ("synflow",), batch_size=16)

best = best_of_random(space, scores, count=30, keep=4)
print("best of 30 by SynFlow:", best[0])

training = nw.estimators.Training(space, task, epochs=1)
filtered = nw.estimators.Filter(training, scores, keep=0.5, sample=30)
strategy = nw.strategies.WarmStart(nw.strategies.RegularizedEvolution(space, population=4, tournament=2), best)
run = nw.Search(strategy, filtered).run(trials=8)
print("trained:", run.counts["completed"], "refused:", run.counts.get("infeasible", 0))
print("best:", run.best.architecture, run.best.metrics["val_accuracy"])
