"""Scores without training on tokens: those that move the inputs are refused, the others follow the problem's loss."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from netwright.core.errors import ConfigurationError
from netwright.core.task import Examples
from netwright.core.trial import Proposal
from netwright.estimators.zero_cost import ZeroCost
from netwright.problems.classification import Classification
from netwright.spaces.recurrent import Recurrent
from netwright.tasks import Task


def tokens(count: int) -> Examples:
    generator = torch.Generator().manual_seed(0)
    return Examples(torch.randint(7, (count, 5), generator=generator), torch.arange(count) % 2)


TASK = Task("words", tokens(40), tokens(10), Classification("ab"), vocabulary=7)


@pytest.mark.parametrize("proxy", ["synflow", "jacob_cov", "zen"])
def test_scores_that_move_the_inputs_are_refused_for_tokens(proxy: str) -> None:
    with pytest.raises(ConfigurationError, match=f"{proxy} needs inputs that are numbers, but words has tokens"):
        ZeroCost(Recurrent(nodes=2, channels=4), TASK, proxy)


def test_scores_of_gradients_are_computed_for_tokens() -> None:
    space = Recurrent(nodes=2, channels=4)
    found = ZeroCost(space, TASK, ("grad_norm", "snip"), batch_size=8, device="cpu")
    proposal = Proposal(space.sample(np.random.default_rng(0)))
    first, other = (found.estimate(proposal, seed=each).metrics for each in (0, 1))
    assert first["grad_norm"] > 0 and first["snip"] > 0 and first != other
