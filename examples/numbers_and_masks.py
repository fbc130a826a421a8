"""Two problems that are no class for an image: a number for each row, in its unit, and a class for each pixel."""

import numpy as np
from sklearn.datasets import load_diabetes

import netwright as nw

rows, progression = load_diabetes(return_X_y=True)
task = nw.tasks.arrays(rows, progression)
space = nw.spaces.Mlp()
search = nw.Search(
    nw.strategies.RegularizedEvolution(space, population=4, tournament=2),
    nw.estimators.Training(space, task, epochs=3, device="cpu"),
    objective="mae",  # in the unit of the targets; R² unless something is asked for
)
run = search.run(trials=5)
print(task.problem, run.best.metrics["val_mae"])

rng = np.random.default_rng(0)
images = rng.integers(0, 100, (40, 1, 16, 16)).astype(np.uint8)
masks = np.zeros((40, 16, 16), np.uint8)
for image, mask in zip(images, masks, strict=True):
    row, column = rng.integers(0, 10, 2)
    image[0, row : row + 6, column : column + 6] += 120
    mask[row : row + 6, column : column + 6] = 1
task = nw.tasks.arrays(images, masks)
space = nw.spaces.UNetCells(channels=4, nodes=2, depth=2)
search = nw.Search(nw.strategies.RandomSearch(space), nw.estimators.Training(space, task, epochs=3, device="cpu"))
run = search.run(trials=1)
print(task.problem, run.best.metrics["val_mean_iou"])
