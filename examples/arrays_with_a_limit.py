"""Your own arrays, a hard limit on parameters, and the result as a folder of plain PyTorch."""

import numpy as np

import netwright as nw

rng = np.random.default_rng(0)
labels = rng.integers(0, 3, size=600)
images = rng.normal(0, 0.3, size=(600, 1, 12, 12)) + labels[:, None, None, None] * np.eye(12)

task = nw.tasks.arrays(images, labels)
space = nw.spaces.Chain()
search = nw.Search(
    nw.strategies.RegularizedEvolution(space, population=4, tournament=2),
    nw.estimators.Training(space, task, epochs=1),
    objective="val_accuracy",
    constraints=["params <= 60k"],
    seed=0,
)
run = search.run(trials=8)
print(run.counts)
print(run.best.architecture, dict(run.best.metrics))
exported = run.export("best", final_epochs=2, final_seeds=1, baselines=False)
print(exported)
