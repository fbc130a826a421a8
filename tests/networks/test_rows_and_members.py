"""Rows of a table as features, and several members in one network."""

import pytest
import torch

from netwright.networks.columns import Rows
from netwright.networks.counting import count
from netwright.networks.members import Answers, Scaled
from netwright.networks.numbers import Numbers

COLUMNS = (1, 2, 3, 1)


def row(number, two, three, last):
    """A row in which the categories hold these texts, by their place; None for one that is not known."""
    cells = [number] + [float(i == two) for i in range(2)] + [float(i == three) for i in range(3)] + [last]
    return torch.tensor([cells])


def standardised(x):
    return (x - torch.tensor([0.0, 0.9, 0.1, 0.5, 0.01, 0.4, 0.0])) / torch.tensor([1.0, 0.3, 0.3, 0.5, 0.1, 0.5, 1.0])


@pytest.mark.parametrize("size", [1, 2, 3])
def test_categories_are_zero_or_one_or_looked_up_however_they_are_scaled(size):
    rows = Rows(COLUMNS, Numbers(2, 4), size)
    assert (rows.few is not None, rows.many is not None) == (size > 1, size < 3)
    given = torch.cat([row(0.5, two, three, 1.0) for two in (0, 1, None) for three in (0, 1, 2, None)])
    found = rows(standardised(given))
    assert torch.equal(found[:, 4:], rows(given)[:, 4:]) and found.shape[1] == sum(rows.blocks)
    assert len({tuple(each) for each in found[:, 4:].tolist()}) == 12


def test_texts_that_are_not_known_have_features_of_their_own_or_none():
    rows = Rows(COLUMNS, Numbers(2, 4), 2)
    first, second = rows.many.table.weight[0], rows.many.table.weight[3]
    assert rows.many.table.num_embeddings == 4
    assert torch.equal(rows(row(0.0, 0, None, 0.0))[0, -2:], first)
    assert torch.equal(rows(row(0.0, 0, 2, 0.0))[0, -2:], second)
    assert torch.equal(rows(row(0.0, None, 0, 0.0))[0, 4:6], torch.zeros(2))


def test_numbers_are_fitted_to_their_own_columns():
    rows = Rows(COLUMNS, Numbers(2, 2), 2)
    rows.look_at(torch.cat([row(float(i), 0, 0, 10.0 * i) for i in range(5)]))
    assert rows.numbers.centre.tolist() == [2.0, 20.0] and rows.numbers.left.tolist() == [[0, 2], [0, 20]]


def test_rows_of_categories_alone_and_of_numbers_alone():
    assert Rows((2, 3), None, 1)(torch.ones(4, 5)).shape == (4, 2)
    assert Rows((1, 1), Numbers(2, 4), 1)(torch.ones(4, 2)).shape == (4, 4)


def test_members_scale_the_features_of_a_column_alike_at_first():
    weight = Scaled(3, [2, 1, 3]).weight
    assert weight.shape == (3, 6)
    assert torch.equal(weight[:, 0], weight[:, 1]) and torch.equal(weight[:, 3], weight[:, 5])
    assert len({round(each, 6) for each in weight.flatten().tolist()}) == 9


def test_members_answer_each_while_training_and_by_their_mean_afterwards():
    scaled, head = Scaled(4, [1] * 5), Answers(4, 5, 2)
    x = torch.randn(6, 5)
    answers = head(scaled(x))
    by_hand = [(x * scaled.weight[k]) @ head.weight[k] + head.bias[k] for k in range(4)]
    assert isinstance(answers, list)
    for answer, expected in zip(answers, by_hand, strict=True):
        assert torch.allclose(answer, expected, atol=1e-6)
    assert torch.allclose(head.eval()(scaled(x)), torch.stack(by_hand).mean(0), atol=1e-6)


def test_multiply_adds_of_embeddings_and_members_are_counted():
    network = torch.nn.Sequential(Scaled(4, [1] * 5), torch.nn.Linear(5, 7), Answers(4, 7, 2))
    assert count(network, (5,)).macs == 4 * 5 * 7 + 4 * 7 * 2
    assert count(network, (5,)).params == 4 * 5 + 5 * 7 + 7 + 4 * (7 * 2 + 2)
