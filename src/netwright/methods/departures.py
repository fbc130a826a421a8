"""What sets a recipe, as the command line names it, apart from the paper and the program whose name it has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from netwright.engine.rounds import round_estimator

if TYPE_CHECKING:
    from netwright.core.strategy import Strategy
    from netwright.engine.search import Search


def departure(recipe: str) -> str:
    """What sets a recipe ("snas:epochs=3") apart from its authors' program, to follow "this is"; "" where nothing does.

    Said is what changes what a search finds or costs; each recipe's docstring says the rest.
    """
    return _SAID.get(recipe.partition(":")[0], "")


def shortened(recipe: str, search: Search) -> str:
    """In what a search of fewer steps than the paper's has other settings than the paper; "" where in nothing.

    What the recipe was given ("darts:architecture_rate=0.001") is not spoken of.
    """
    from netwright.recipes.weight_sharing import training_steps

    estimator: Any = round_estimator(search.estimator)
    steps, (name, _, given) = training_steps(estimator), recipe.partition(":")
    said = [*_faster(given, search.strategy, steps), *_fewer(name, given, search.strategy), *_statistics(given, search)]
    return f"{steps:,} steps are fewer than the paper's, so {', '.join(said)}" if said else ""


def _faster(given: str, strategy: Strategy, steps: int) -> list[str]:
    from netwright.recipes.weight_sharing import PUBLISHED_STEPS
    from netwright.strategies.differentiable import Adam, Differentiable

    if "architecture_rate" in given or steps >= PUBLISHED_STEPS or not isinstance(strategy, Differentiable):
        return []
    optimiser = strategy.optimiser
    return [f"logits learn at {optimiser.learning_rate:.2g}"] if isinstance(optimiser, Adam) else []


def _fewer(name: str, given: str, strategy: Strategy) -> list[str]:
    from netwright.recipes.single_path import EVALUATIONS
    from netwright.strategies.paths import Screening, TrainThenSearch

    most = EVALUATIONS.get(name, 0)
    asked = any(each in given for each in ("population", "generations", "evaluations", "candidates"))
    if asked or not isinstance(strategy, TrainThenSearch):
        return []
    inner = strategy.search
    count = inner.candidates if isinstance(inner, Screening) else strategy.evaluations
    return [f"{count:,} architectures are scored, not {most:,}"] if count < most else []


def _statistics(given: str, search: Search) -> list[str]:
    from netwright.recipes.single_path import STATISTICS

    estimator: Any = round_estimator(search.estimator)
    images = estimator.recalibrate * estimator.settings.batch_size
    everything = len(estimator.task.train) * (1 - estimator.split)
    if "recalibrate" in given or not images or images >= min(STATISTICS, everything):
        return []
    return [f"statistics for each are of {images:,} images, not {STATISTICS:,}"]


_SAID: Mapping[str, str] = {
    "snas": "SNAS without its penalty on resources",
    "data-nas": "DATA that keeps one operation a decision in the end, where its program may keep several",
    "dsnas": "DSNAS without its progressive early stop and its penalty on operations",
    "proxylessnas": "ProxylessNAS without its penalty on latency, which compares two paths as the paper does, where "
    "its program takes all of them",
    "xnas": "XNAS with constants that are a guess, as its program is not public",
    "sgas": "SGAS with minibatches of one size, which grow with each decision in its program",
    "dropnas": "DropNAS with one step of the optimiser for loss and decay, where its program takes two",
    "single-path-one-shot": "SPOS on paths that are uniform in the decisions, where its program makes their "
    "multiply-adds uniform",
    "fairnas": "FairNAS as its paper describes it, with a number of generations of our own; its program is not public",
    "one-shot": "one-shot search with a dropout rate, epochs and evaluations of our own",
    "random-weight-sharing": "random search with weight sharing that looks at candidates once, where its program does "
    "so anew for each 10,000 training steps",
    "mdenas": "MDENAS as its paper describes it, as its program is not public",
}
