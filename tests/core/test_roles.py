"""A part of a search has a role by having what the role names, and the search acts on that."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

import netwright as nw
from netwright.core.executor import Quarantines
from netwright.core.roles import (
    ChecksMemory,
    HasWidth,
    HoldsOut,
    OfSpace,
    Trainer,
    TrainsAlone,
    TrainsFinally,
    fingerprint_of,
    space_of,
    task_of,
)
from netwright.executors import Inline
from netwright.spaces import Chain, Mlp, NasBench201

DIGITS = nw.tasks.digits()


class Plain(nw.Estimator):
    def estimate(self, proposal: nw.Proposal, seed: int) -> nw.Measurement:
        return nw.Measurement({"score": 0.0})


class Placed(Plain):
    def __init__(self, space: nw.Space, fingerprint: object = "abc") -> None:
        self.space = space
        self.task = SimpleNamespace(fingerprint=fingerprint)


def test_an_estimator_of_nothing_has_no_role() -> None:
    plain = Plain()
    assert not any(isinstance(plain, role) for role in (OfSpace, Trainer, TrainsAlone, TrainsFinally, ChecksMemory))
    assert (space_of(plain), task_of(plain), fingerprint_of(plain), plain.device) == (None, None, None, "")


def test_those_that_ship_have_theirs() -> None:
    training = nw.estimators.Training(NasBench201(channels=4), DIGITS)
    shared = nw.estimators.SharedWeights(NasBench201(channels=4), DIGITS)
    assert isinstance(training, TrainsAlone) and isinstance(training, ChecksMemory)
    assert not isinstance(training, TrainsFinally) and isinstance(shared, TrainsFinally)
    assert isinstance(shared, Trainer) and shared.trained is None
    assert isinstance(training, HoldsOut) and isinstance(shared, HoldsOut) and shared.validation == shared.split == 0.5
    assert fingerprint_of(training) == DIGITS.fingerprint and space_of(training) is training.space
    assert isinstance(Chain(), HasWidth) and not isinstance(Mlp(), HasWidth)
    assert not isinstance(Inline(), Quarantines)


@pytest.mark.parametrize("fingerprint", [None, 7])
def test_what_is_no_fingerprint_identifies_no_data(fingerprint: object) -> None:
    assert fingerprint_of(Placed(Chain(), fingerprint)) is None
    assert fingerprint_of(Placed(Chain())) == "abc"


def test_a_space_is_none_unless_it_is_one() -> None:
    assert space_of(SimpleNamespace(space="chain")) is None
    with pytest.raises(nw.NetwrightError, match=r"measures networks of chain"):
        nw.Search(nw.strategies.RandomSearch(Mlp()), Placed(Chain()), "score")


class Former(Plain):
    @property
    def continues(self) -> bool:
        return True


class Constant(Former):
    continues = False


def test_what_can_continue_is_understood_by_its_former_name() -> None:
    assert (Plain().can_continue, Former().can_continue, Constant().can_continue) == (False, True, False)
