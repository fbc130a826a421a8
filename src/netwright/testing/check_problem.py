"""The contract of a problem as one executable check."""

from __future__ import annotations

import json
import math
from typing import Any

from netwright.core.kinds import kinds_checked
from netwright.core.problem import Metric, Problem, length
from netwright.core.trees import mapped
from netwright.testing.rules import global_randomness_untouched, must_not_raise, require


@kinds_checked
def check_problem(problem: Problem, targets: Any, *, places: tuple[int, ...] = (), seed: int = 0) -> None:
    """Raise AssertionError, which names the rule and how it was broken, unless this is a problem as meant here.

    problem: what is asked for.
    targets: of at least 8 examples, as `Examples` hold them, on the CPU.
    places: pixels, times or tokens of an example's answer, where the problem is dense.
    seed: of the random answers that are judged.
    """
    import torch

    require(length(targets) >= 8, f"targets are of {length(targets)} examples; at least 8 are needed")
    with must_not_raise("check of good targets"):
        problem.check(targets, "training")
    generator = torch.Generator().manual_seed(seed)
    shape = (length(targets), problem.outputs, *(places if problem.dense else ()))
    outputs = torch.randn(shape, generator=generator)
    _is_its_arguments(problem)
    _metrics_are_told_apart(problem)
    with global_randomness_untouched("loss, score or tally"):
        _loss_is_of_each_example(problem, outputs, targets)
        _score_is_a_number(problem, outputs, targets)
        _batches_change_nothing(problem, outputs, targets)
    _splits_and_words(problem, targets)
    _constant_is_an_answer(problem, targets, shape[1:])


def _is_its_arguments(problem: Problem) -> None:
    again = problem.replace()
    require(repr(again) == repr(problem), f"{problem!r} made again from its arguments is {again!r}")
    json.dumps(problem.configuration(), allow_nan=False)


def _metrics_are_told_apart(problem: Problem) -> None:
    require(problem.outputs >= 1, f"outputs is {problem.outputs}; a network answers with at least one number")
    require(problem.metrics, "metrics is empty; the first one is what a search improves")
    require(all(isinstance(each, Metric) for each in problem.metrics), "metrics holds what is no Metric")
    names = [each.name for each in problem.metrics]
    require(len({*names, "loss"}) == len(names) + 1, f"metrics are called {names}; each once, and none 'loss'")
    require(
        all(each.isidentifier() for each in names), f"metrics are called {names}; expected names such as 'f1_macro'"
    )
    require(problem.metric(f"val_{names[0]}") == problem.main, "metric('val_...') does not give the metric")


def _loss_is_of_each_example(problem: Problem, outputs: Any, targets: Any) -> None:
    asked = outputs.clone().requires_grad_()
    loss = problem.loss(asked, targets)
    expected = (len(outputs),)
    require(
        tuple(loss.shape) == expected, f"loss has the shape {tuple(loss.shape)}; expected {expected}, one an example"
    )
    require(bool(loss.isfinite().all()), f"loss of random answers is not finite: {loss.tolist()[:4]}")
    require(loss.requires_grad, "loss has no gradient by the outputs")
    mean = problem.mean_loss(asked, targets)
    mean.backward()
    require(mean.dim() == 0, f"mean_loss has the shape {tuple(mean.shape)}; expected one number")
    require(bool(asked.grad.isfinite().all()), "the gradient of mean_loss is not finite")
    alone = float(problem.loss(outputs[3:4], mapped(lambda each: each[3:4], targets)))
    among = float(loss[3].detach())
    require(_near(alone, among), f"an example's loss is {alone} alone, {among} in a batch")


def _score_is_a_number(problem: Problem, outputs: Any, targets: Any) -> None:
    score = problem.score(outputs, targets)
    require(score.dim() == 0 and math.isfinite(score), f"score is {score}; expected one finite number")


def _batches_change_nothing(problem: Problem, outputs: Any, targets: Any) -> None:
    """A split is judged alike whole and in batches, down to one example."""
    found = [_tallied(problem, outputs, targets, size) for size in (len(outputs), 3, 1)]
    wanted = {"loss", *(each.name for each in problem.metrics)}
    require(wanted <= set(found[0]), f"figures lacks {sorted(wanted - set(found[0]))}; it has {sorted(found[0])}")
    for figures in found[1:]:
        for name in wanted:
            require(
                _near(figures[name], found[0][name]), f"{name} is {found[0][name]} of all, {figures[name]} in batches"
            )
    mean = float(problem.loss(outputs, targets).double().mean())
    require(_near(found[0]["loss"], mean), f"figures give the loss {found[0]['loss']}, the mean of loss is {mean}")


def _tallied(problem: Problem, outputs: Any, targets: Any, size: int) -> dict[str, float]:
    tally = problem.tally()
    for start in range(0, len(outputs), size):
        part = slice(start, start + size)
        tally.add(outputs[part], mapped(lambda each, part=part: each[part], targets))
    with must_not_raise("figures"):
        return tally.figures()


def _splits_and_words(problem: Problem, targets: Any) -> None:
    strata = problem.strata(targets)
    require(
        strata.shape == (length(targets),) and strata.dtype.kind == "i",
        f"strata has the shape {strata.shape} and the type {strata.dtype}; expected whole numbers ({length(targets)},)",
    )
    lines = list(problem.describe(targets))
    require(lines and all(isinstance(each, str) and each for each in lines), f"describe gave {lines}; expected texts")


def _constant_is_an_answer(problem: Problem, targets: Any, shape: tuple[int, ...]) -> None:
    constant = problem.constant(targets)
    if constant is None:
        return
    name, answer = constant
    require(tuple(answer.shape) == shape, f"constant has the shape {tuple(answer.shape)}; expected {shape}")
    require(bool(answer.isfinite().all()), f"{name} is not finite: {answer}")
    require(isinstance(name, str) and name, f"constant is called {name!r}; expected a few words")


def _near(first: float, second: float) -> bool:
    same = math.isnan(first) and math.isnan(second)
    return same or math.isclose(first, second, rel_tol=1e-5, abs_tol=1e-6)
