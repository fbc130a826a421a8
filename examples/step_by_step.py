"""Strategies that build architectures step by step, on a made-up score: how many layers do what they should."""

import netwright as nw
from netwright.strategies import MonteCarloTreeSearch, ProgressiveBeam, RandomSearch, TreeParzen
from netwright.testing.small_spaces import Layers

space = Layers(most=6)


def score(architecture):
    wanted = {"depth/0/layer": "dense", "depth/1/layer": "narrow", "depth/2/layer": "dense", "depth/3/layer": "skip"}
    chosen = architecture.decisions
    return {"accuracy": sum(chosen.get(name) == label for name, label in wanted.items()) / 4}


for make in (RandomSearch, TreeParzen, MonteCarloTreeSearch, lambda s: ProgressiveBeam(s, beam=10)):
    found = []
    for seed in range(3):
        run = nw.Search(make(space), nw.estimators.Function(score), objective="accuracy", seed=seed).run(trials=60)
        found.append(run.best.metrics["accuracy"])
    print(f"{type(make(space)).__name__:22} {sum(found) / 3:.2f}")
