"""A network of your own as a contender of a search: trained, counted and compared as those of the space are."""

from torch import nn

import netwright as nw


def build(shape):
    return nn.Sequential(
        nn.Conv2d(shape.channels, 16, 3, padding=1),
        nn.BatchNorm2d(16),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(2),
        nn.Flatten(),
        nn.Linear(64, shape.outputs),
    )


task = nw.tasks.digits()
space = nw.spaces.Beside(nw.spaces.Chain(), {"mine": build})
estimator = nw.estimators.Training(space, task, epochs=2)
strategy = nw.strategies.WarmStart(nw.strategies.RandomSearch(space), list(space.known(task.shape).values()))
run = nw.Search(strategy, estimator, constraints=["params <= 100k"]).run(trials=4)
for trial in run.trials:
    if trial.completed:
        print(f"{trial.metrics['val_accuracy']:.3f}  {trial.metrics['params']:>7,.0f}  {trial.architecture}"[:90])
