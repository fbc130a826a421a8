from __future__ import annotations

import json

import pytest
from free_search import Cell, search

from netwright.core.errors import ConfigurationError, InvalidArchitecture, StopSearch
from netwright.core.randomness import Generators
from netwright.strategies.listed import Listed

SPACE = Cell()


def test_the_list_is_asked_in_order_and_then_ends():
    wanted = [SPACE.at(k) for k in (7, 3, 7)]
    strategy = Listed(SPACE, [wanted[0], str(wanted[1]), wanted[2].to_json()])
    assert [each.architecture for each in search(strategy, 3)] == wanted
    with pytest.raises(StopSearch, match="all 3 architectures"):
        strategy.ask(Generators(0)(3))
    again = strategy.replace()
    assert [each.architecture for each in search(again, 3)] == wanted
    assert json.loads(json.dumps(strategy.configuration())) == again.configuration()


def test_what_cannot_be_asked_is_said_at_once():
    with pytest.raises(ConfigurationError, match="at least one"):
        Listed(SPACE, [])
    with pytest.raises(ConfigurationError, match="in a list"):
        Listed(SPACE, "text")
    with pytest.raises(InvalidArchitecture):
        Listed(SPACE, ['{"edge0":"z"}'])
