"""Two objectives: accurate and small. The front holds every network that no other beats in both."""

import netwright as nw

space = nw.spaces.Chain()
search = nw.Search(
    nw.strategies.RegularizedEvolution(space, population=5, tournament=2),
    nw.estimators.Training(space, nw.tasks.digits(), epochs=1),
    objective=["val_accuracy", "params"],
    seed=0,
)
run = search.run(trials=10)
for trial in run.front:
    print(f"{trial.metrics['val_accuracy']:.3f} with {trial.metrics['params']:,.0f} parameters: {trial.architecture}")
