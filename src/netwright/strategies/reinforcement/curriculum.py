"""A controller for which one operation after the other is opened (Guo et al. 2020, "CNAS")."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from netwright.core.checks import part
from netwright.core.decision_space import DecisionSpace
from netwright.core.space import Space
from netwright.strategies.fetching import fetched
from netwright.strategies.reinforcement.controller import Controller, Learning
from netwright.strategies.reinforcement.policy import each_question
from netwright.strategies.rounds import Rounds, Script, probe, train

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from netwright.core.architecture import Architecture
    from netwright.core.decisions import Label
    from netwright.core.sequence import DecisionSequence
    from netwright.strategies.reinforcement.policy import Policy


def in_random_order(sequence: DecisionSequence, rng: np.random.Generator) -> list[Label]:
    """The operations that a space has: the first one, then the others in random order.

    sequence: the questions of the space.
    rng: what the order is drawn from.
    """
    found = list(
        dict.fromkeys(option for each in each_question(sequence) if each.role == "operation" for option in each.options)
    )
    return [*found[:1], *(found[1:][place] for place in rng.permutation(max(0, len(found) - 1)))]


def opened(sequence: DecisionSequence, operations: Sequence[Label]) -> NDArray[np.bool_]:
    """For each question, (questions, most options), what may be taken while these operations are open.

    sequence: the questions of the space.
    operations: that are open; a question that has none of them is open, as are those that are about something else.
    """
    found = np.ones((sequence.questions, sequence.width), dtype=bool)
    for each in each_question(sequence):
        may = [option in operations for option in each.options]
        if each.role == "operation" and any(may):
            found[each.index, : len(may)] = may
    return found


class CurriculumController(Rounds):
    """Trains shared weights and a controller in stages, each of which opens an operation more; the controller stays.

    A stage begins with paths that are drawn uniformly from what is open, so that the weights of what is new catch up.
    Then each step of the weights takes what the controller draws, and another draw is scored on a validation minibatch,
    by which the controller learns. In the end stands what the controller finds likeliest.

    space: the one to search.
    policy: how the controller draws; None for `Lstm()`.
    learning: how it learns; None for `Learning()`.
    warm_up: the share of a stage in which paths are uniform; 20 of 60 epochs in the authors' program.
    """

    needs: ClassVar[type[Space]] = DecisionSpace

    def __init__(
        self,
        space: DecisionSpace,
        policy: Policy | None = None,
        learning: Learning | None = None,
        warm_up: float = 1 / 3,
    ) -> None:
        self.space = space
        self.warm_up = part(self, "warm_up", warm_up)
        self.controller = Controller(space, policy, learning)
        self.order: list[Label] = []

    def script(self, rng: np.random.Generator) -> Script:
        controller = self.controller
        self.order = self.order or in_random_order(controller.sequence, rng)
        stage, done = divmod(min(self.progress.share, 1 - 1e-9) * max(1, len(self.order)), 1)
        allowed = opened(controller.sequence, self.order[: int(stage) + 1])
        if done < self.warm_up:
            yield train(controller.uniform(rng, allowed))
            return
        yield train(controller.draw(rng, allowed).architecture)
        told = yield probe(controller.draw(rng, allowed).architecture)
        (reward,) = fetched([told.metrics["score"]])
        if math.isfinite(reward):
            controller.learn([told.architecture], [reward], allowed=allowed)

    def result(self) -> Architecture:
        return self.controller.likeliest()

    def figures(self) -> Mapping[str, float]:
        return {"reward": self.controller.baseline.value or 0.0}
