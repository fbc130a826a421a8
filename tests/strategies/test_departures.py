"""What is said of strategies that are not the method of the paper whose name they have."""

from __future__ import annotations

import pytest

from netwright.catalogue import shipped
from netwright.methods.departures import _SAID, departure


@pytest.mark.parametrize(
    ("strategy", "said"),
    [
        ("bananas", "quick=false"),
        ("bananas:networks=3", "quick=false"),
        ("nao:quick=true", "50 random architectures"),
        ("nao: quick=True, epochs=3", "50 random architectures"),
        ("evolution:tournament=5,population=20,repeats=false", "population of 20 and samples of 5"),
        ("harmonica", "2 stages of 100"),
        ("nasbot", "every 5 trials"),
        ("auto-keras:batch=1", "embedding"),
        ("npenas", "isomorphism"),
    ],
)
def test_what_is_not_the_papers_is_said(strategy, said):
    assert said in departure(strategy)


@pytest.mark.parametrize(
    "strategy", ["bananas:quick=false", "nao", "nao:epochs=10", "evolution", "random", "harmonica:samples=300,stages=3"]
)
def test_of_what_is_the_papers_nothing_is_said(strategy):
    assert not departure(strategy)


def test_learning_after_each_trial_as_in_the_paper_is_no_departure():
    assert "trials" in departure("nasbot") and "trials" not in departure("nasbot:batch=1")


def test_only_known_strategies_are_spoken_of():
    assert set(_SAID) <= {*shipped("strategy"), *shipped("search")}
