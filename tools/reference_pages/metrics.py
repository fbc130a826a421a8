"""The page of metrics, objectives and limits: each form that a user can write, read by the code that reads it."""

from __future__ import annotations

from netwright.core.objective import LESS_IS_BETTER, Constraint, Objective
from netwright.core.problem import Metric, Problem
from netwright.estimators.zero_cost import PROXIES
from netwright.problems import Classification, DenseClassification, Language, Regression, SeveralLabels
from reference_pages.markdown import code, page, table

METRICS = {
    "val_accuracy": ("share 0..1", "validation examples whose class was found", "Training, SharedWeights"),
    "val_balanced_accuracy": ("share 0..1", "the mean over the classes of the share that is found of each", "Training"),
    "val_loss": ("nats", "cross-entropy on the validation examples", "Training, SharedWeights"),
    "train_accuracy": ("share 0..1", "examples of the last epoch whose class was found while training", "Training"),
    "train_loss": ("nats", "mean loss of the last epoch, with label smoothing and auxiliary head", "Training"),
    "params": ("count", "numbers in the network's parameters", "Cost, with every search"),
    "macs": ("count", "multiply-adds for one example", "Cost, with every search"),
    "activation_memory": ("bytes", "outputs of the layers for one example, in float32", "Cost, with every search"),
    "predicted": ("that of the examples", "the predictor's mean", "Predicted"),
    "deviation": ("that of the examples", "the predictor's standard deviation", "Predicted"),
    "cost_seconds": ("seconds", "what the trial costs in simulated time", "Table with `cost`"),
}
"""Metric -> unit, meaning, what measures it."""
EPOCHS = {
    "epoch": ("count", "of the training of the shared weights, from 1"),
    "train_loss": ("nats", "of the epoch's training rounds"),
    "train_accuracy": ("share 0..1", "of the epoch's training rounds"),
    "probe_loss": ("nats", "of the epoch's rounds on validation minibatches"),
    "probe_accuracy": ("share 0..1", "of the epoch's rounds on validation minibatches"),
    "entropy": ("0..1", "of the mixture: 1 uniform, 0 decided"),
    "parameter_free": ("share 0..1", "of the chosen operations that have nothing to learn"),
    "parameter_free_by_chance": ("share 0..1", "the same of a random architecture"),
    "mixture_accuracy": ("share 0..1", "of the mixture on four validation minibatches"),
    "rounded_accuracy": ("share 0..1", "of the architecture that it stands for, on the same"),
    "discretisation_gap": ("share", "mixture_accuracy minus rounded_accuracy"),
    "eigenvalue": ("none", "the Hessian's dominant one, where a monitor watches it (RobustDARTS)"),
    "val_examples": ("count", "validation examples that architectures are scored on"),
    "accuracy_by_chance": ("share 0..1", "of always naming the commonest class of the validation examples"),
    "peak_memory": ("bytes", "of the device, or of the process on the CPU"),
}
"""What an epoch of shared weights measures, in `show --json` with the purpose "train"."""
OBJECTIVES = (
    *("val_accuracy", "params", "val_loss", "params:minimize", "params:min", "my_score:maximize", "my_score:max"),
    *("latency_ms", "naswot", "cost_seconds"),
)
LIMITS = (
    *("params <= 500k", "macs <= 50M", "activation_memory <= 4MB", "activation_memory <= 512 KiB", "params<=1.5e6"),
    *("val_accuracy >= 0.9", "naswot >= 20"),
)


KINDS: dict[str, Problem] = {
    "a class for each example": Classification("abcdef"),
    "a class for each pixel": DenseClassification(("a", "b")),
    "the next token of a text": Language("ab"),
    "numbers": Regression(("y",)),
    "several labels": SeveralLabels(("a", "b")),
}


def metrics_page() -> str:
    said = {name: (proxy.__doc__ or "").strip().split("\n")[0] for name, proxy in PROXIES.items()}
    words = ", ".join(code(each) for each in sorted(LESS_IS_BETTER))
    return page(
        "Metrics, objectives and limits",
        "An objective names a metric and a direction, a limit a metric and an amount. Any metric that the estimator "
        "measures may be named, your own included; an unknown one is refused before the search, with the nearest "
        "name.",
        "## Metrics",
        table(["metric", "unit", "meaning", "measured by"], [[code(n), *rest] for n, rest in METRICS.items()]),
        "What is asked for decides what `Training` and `SharedWeights` measure on validation examples, as `val_` and "
        "the metric's name; `val_` may be left out. The first of each kind is what a search improves unless it is told "
        "otherwise. Others are measured where an objective or a limit names them.",
        table(["asked for", "metric", "better", "measured"], [row for kind in KINDS for row in _measured(kind)]),
        "A function or a table of yours measures what its numbers or columns are called ([tables](../tables.md)). "
        "On the command line an objective or a limit may also name a zero-cost proxy, which is then measured before "
        "the training; of all of them larger is better:",
        table(["proxy", "what it is"], [[code(name), text] for name, text in said.items()]),
        "An epoch of shared weights measures, as far as it applies:",
        table(["metric", "unit", "meaning"], [[code(name), *rest] for name, rest in EPOCHS.items()]),
        "## Objectives",
        "`--objective` on the command line, `objective=` in Python: text, an `nw.Objective`, or several of them for "
        "a Pareto front. Without a direction, a name is minimised where one of its words is one of "
        + words
        + "; every other is "
        "maximised. Words are parted by anything but letters: `latency_ms` has two.",
        table(["written", "metric", "direction"], [_objective(each) for each in OBJECTIVES]),
        "`--target` is in the metric's own unit: `--objective val_loss --target 0.2` stops at 0.2 or below.",
        "## Limits",
        "`--limit` on the command line, `constraints=[...]` in Python. `k`, `M`, `G` and `T` are thousands, "
        "millions, 10⁹ and 10¹², with a `B` behind them as well; `KiB`, `MiB`, `GiB` and `TiB` are powers of 1,024; "
        "capitals do not matter; `B` alone is 10⁹. `--max-params`, `--max-macs` and `--max-memory` take the amount "
        "alone, and stand for `params`, `macs` and `activation_memory`. Limits on what is known before the training "
        "end a trial as `infeasible` before it costs any.",
        table(["written", "metric", "relation", "amount"], [_limit(each) for each in LIMITS]),
    )


def _measured(kind: str) -> list[list[str]]:
    problem = KINDS[kind]
    always = {each.name for each in problem.metrics}
    further = [each for each in problem.further.values() if each.name not in always]
    return [_metric(kind, each, "always") for each in problem.metrics] + [
        _metric(kind, each, "where it is named") for each in further
    ]


def _metric(kind: str, metric: Metric, when: str) -> list[str]:
    name = (
        code(metric.name) if metric.words == metric.name.replace("_", " ") else f"{code(metric.name)} ({metric.words})"
    )
    return [kind, name, "larger" if metric.larger_is_better else "smaller", when]


def _objective(text: str) -> list[str]:
    read = Objective.parse(text)
    return [code(text), code(read.metric), read.direction]


def _limit(text: str) -> list[str]:
    read = Constraint.parse(text)
    return [code(text), code(read.metric), code(read.relation), f"{read.limit:,.6g}"]
