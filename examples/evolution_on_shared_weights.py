"""Train shared weights on random paths, then search on them with regularized evolution; and take the network out."""

import tempfile

import netwright as nw

task = nw.tasks.digits()
space = nw.spaces.NasBench201(channels=4, cells=1)

with tempfile.TemporaryDirectory() as project:
    trained = nw.methods.random_weight_sharing(space, task, epochs=1).run(store=project, name="paths")
    print("best of random paths:", trained.best.architecture, trained.best.metrics["val_accuracy"])

    weights = nw.estimators.SharedWeights(space, task, trained=f"{project}/shared/paths")
    strategy = nw.strategies.RegularizedEvolution(space, population=5, tournament=2)
    run = nw.Search(strategy, weights, constraints=["params <= 20k"]).run(trials=10)
    print("best of evolution:", run.best.architecture, run.best.metrics["val_accuracy"])

    network = weights.extract(run.best.architecture)  # a plain module with its share of the weights
    print(sum(parameter.numel() for parameter in network.parameters()), "parameters")
