"""The loss of several members is the mean of what each would have by itself."""

import pytest
import torch

from netwright.core.members import each_answer, mean_loss, one_answer
from netwright.problems.classification import Classification
from netwright.problems.regression import Regression

TARGETS = torch.tensor([0, 1, 1, 2])


@pytest.mark.parametrize("weights", [None, (1.0, 2.0, 5.0)])
def test_each_member_is_judged_by_itself(weights):
    problem = Classification(("a", "b", "c"), class_weights=weights)
    answers = [torch.randn(4, 3) for _ in range(3)]
    alone = torch.stack([problem.mean_loss(each, TARGETS, 0.1) for each in answers])
    assert torch.allclose(mean_loss(problem, answers, TARGETS, 0.1), alone.mean())
    assert not torch.allclose(mean_loss(problem, one_answer(answers), TARGETS, 0.1), alone.mean())


def test_numbers_too():
    problem, targets = Regression(("price",)), torch.randn(4, 1)
    answers = [torch.randn(4, 1) for _ in range(2)]
    assert torch.allclose(mean_loss(problem, answers, targets), ((torch.stack(answers) - targets) ** 2).mean())


def test_one_answer_is_itself():
    answer = torch.randn(4, 3)
    assert one_answer(answer) is answer and each_answer(torch.Tensor.double, answer).dtype is torch.float64
    assert torch.equal(one_answer([answer, 3 * answer]), 2 * answer)
