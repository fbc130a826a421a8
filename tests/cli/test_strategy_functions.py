"""A strategy on the command line may be a function that makes one."""

from __future__ import annotations

import json

import pytest

from netwright import catalogue
from netwright.catalogue.arguments import construct
from netwright.cli.plan import Plan
from netwright.core.errors import ConfigurationError
from netwright.spaces import NasBench201
from netwright.strategies import RandomSearch
from netwright.strategies.bayesian import BayesianOptimization, MutationsOfBest, UpperConfidenceBound

SPACE = NasBench201(channels=4, cells=1)


def made(text: str):
    return Plan("digits", trials=40, strategy=text).make_strategy(SPACE)


def test_options_are_read_as_the_function_declares_them() -> None:
    strategy = made("gp:batch=2,kernel=matern,acquisition=UpperConfidenceBound(3),candidates=30")
    assert isinstance(strategy, BayesianOptimization) and strategy.batch == 2
    assert repr(strategy.acquisition) == repr(UpperConfidenceBound(3))
    assert repr(strategy.candidates) == repr(MutationsOfBest(30, random=9))
    assert "Matern52" in repr(strategy.predictor)


def test_an_unknown_option_brings_the_nearest() -> None:
    with pytest.raises(ConfigurationError, match="gp has no option 'kernle'; did you mean 'kernel'"):
        made("gp:kernle=matern")
    with pytest.raises(ConfigurationError, match="expected int"):
        made("gp:batch=many")


def test_a_function_of_a_file(tmp_path) -> None:
    path = tmp_path / "functions_for_the_catalogue.py"
    path.write_text(
        "import netwright as nw\n"
        "def mine(space, uniform_over='decisions'): return nw.strategies.RandomSearch(space, uniform_over)\n"
        "def wrong(space): return 7\n"
    )
    strategy = made(f"{path}:mine:uniform_over=architectures")
    assert isinstance(strategy, RandomSearch) and strategy.arguments["uniform_over"] == "architectures"
    with pytest.raises(ConfigurationError, match="'wrong' made a int; expected a strategy"):
        construct(catalogue.load("strategy", f"{path}:wrong"), SPACE, options={})
    with pytest.raises(ConfigurationError, match="no space class 'mine'"):
        catalogue.load("space", f"{path}:mine")


def test_a_stored_plan_makes_the_same_strategy_again() -> None:
    plan = Plan("digits", trials=40, strategy="bananas:networks=3,quick=true").resolved()
    again = Plan.from_json(json.loads(json.dumps(plan.to_json())))
    assert repr(again.make_strategy(SPACE)) == repr(plan.make_strategy(SPACE))
    assert "networks=3" in repr(plan.make_strategy(SPACE))
