"""Bayesian optimisation with four evaluations at once: a Gaussian process on the graphs of the networks."""

import netwright as nw
from netwright.predictors.gaussian_process import GaussianProcess
from netwright.predictors.kernels import WeisfeilerLehman
from netwright.strategies.bayesian import BayesianOptimization, MutationsOfBest, ThompsonSampling

space = nw.spaces.NasBench201(channels=4, cells=1)


def score(architecture: nw.Architecture) -> float:
    """Stands for a training: convolutions are good, and a skip connection beside them."""
    operations = list(architecture.decisions.values())
    return operations.count("nor_conv_3x3") + 1.5 * ("skip_connect" in operations)


strategy = BayesianOptimization(
    space,
    GaussianProcess(space, WeisfeilerLehman(space)),
    ThompsonSampling(),
    MutationsOfBest(50),
    batch=4,
)
run = nw.Search(strategy, nw.estimators.Function(score), objective="score").run(trials=40)
print("best:", run.best.architecture, run.best.metrics["score"])

# A paper's method by its name.
run = nw.Search(nw.methods.bananas(space), nw.estimators.Function(score), objective="score").run(trials=40)
print("BANANAS:", run.best.architecture, run.best.metrics["score"])
