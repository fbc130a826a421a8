"""Train a network that makes the weights of others, then search graphs of layers with the weights that it makes."""

import netwright as nw
from netwright.estimators.hypernetworks import GraphHypernetwork
from netwright.strategies.paths import TrainThenSearch, UniformPaths

task = nw.tasks.digits(limit=400)
space = nw.spaces.FreeGraph(widths=(8,), most=4)  # it has no decisions, so that a supernet could not hold it

weights = nw.estimators.SharedWeights(
    space, task, weights=GraphHypernetwork(width=16), optimiser="adamw", learning_rate=3e-3, batch_size=20, epochs=10
)
evolution = nw.strategies.RegularizedEvolution(space, population=6, tournament=2)
run = nw.Search(TrainThenSearch(UniformPaths(space), evolution, evaluations=15), weights).run()
print("found with made weights:", run.best.architecture, run.best.metrics["val_accuracy"])

network = weights.extract(run.best.architecture)  # a plain module with the weights that were made for it
print(sum(parameter.numel() for parameter in network.parameters()), "parameters")
