"""ASHA: many networks for one epoch, the better ones for three, the best for nine; promoted ones go on, not again."""

from collections import Counter

import netwright as nw

space = nw.spaces.Mlp()
estimator = nw.estimators.Training(space, nw.tasks.digits(), epochs=9, device="cpu")
strategy = nw.strategies.Asha(space, least=1 / 9)
run = nw.Search(strategy, estimator, seed=0).run(trials=20)
epochs = Counter(round(9 * trial.proposal.fidelity) for trial in run.trials)
for length in sorted(epochs):
    print(f"{epochs[length]} trials of {length} epochs")
print(f"{run.best.architecture}: {run.best.metrics['val_accuracy']:.3f} after {len(run.best.measurement.curve)} epochs")
