"""Evolution of networks that grow from nothing: pairs of which the loser dies, and children that inherit weights."""

import netwright as nw
from netwright.strategies import GeneticAlgorithm, NobodyDies, NoCrossover, OneKind, PairwiseTournament, Simple

task = nw.tasks.open_task("digits", limit=400)
space = nw.spaces.LargeScale()
growth = OneKind({"insert-convolution": 3, "alter-number-of-channels": 3, "add-skip": 1, "alter-learning-rate": 1})
strategy = GeneticAlgorithm(
    space,
    4,
    PairwiseTournament(),
    NoCrossover(),
    growth,
    NobodyDies(),
    beginning=Simple(mutations=6),
    inherit=True,
)
search = nw.Search(strategy, nw.estimators.Training(space, task, epochs=3, batch_size=16), seed=0)
run = search.run(trials=10)
for trial in run.trials:
    inherited = int(trial.metrics.get("inherited_params", 0))
    print(trial.number, trial.proposal.parent, f"{trial.metrics['val_accuracy']:.2f}", f"{inherited} inherited")
print(run.best.architecture)
