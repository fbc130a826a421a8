"""check_strategy accepts what is right, and finds each way of being wrong."""

from __future__ import annotations

import random

import numpy as np
import pytest
import torch

from netwright.core.architecture import Mixture
from netwright.core.errors import SpaceExhausted, StopSearch
from netwright.core.strategy import Strategy
from netwright.core.trial import Proposal
from netwright.strategies import RandomSearch
from netwright.testing import check_strategy
from netwright.testing.small_spaces import Layers


class Draws(Strategy):
    """Independent random draws: as little as a strategy can be."""

    def __init__(self, space):
        self.space = space
        self.told = []

    def ask(self, rng):
        return Proposal(self.space.sample(rng))

    def tell(self, trial):
        self.told.append(trial)


def test_right_strategies_pass():
    check_strategy(Draws)
    check_strategy(Draws, Layers(3), trials=20)
    check_strategy(RandomSearch, exhausts=True)


class FollowsAMixture(Draws):
    """Asks for a mixture and moves along the gradient that it is told."""

    def __init__(self, space):
        super().__init__(space)
        self.weights = {each.name: torch.zeros(len(each.options)) for each in space.decisions}

    def ask(self, rng):
        return Proposal(Mixture({name: weight.softmax(0) for name, weight in self.weights.items()}))

    def tell(self, trial):
        if trial.completed:
            for name, gradient in trial.measurement.gradient.items():
                self.weights[name] = self.weights[name] - gradient

    def recommend(self, trials):
        return self.space.discretize(Mixture(self.weights))


def test_strategies_over_mixtures_pass():
    check_strategy(FollowsAMixture, trials=20)


class MixtureWithHiddenRandomness(FollowsAMixture):
    def ask(self, rng):
        noise = float(np.random.default_rng().random())
        return Proposal(Mixture({name: weight + noise for name, weight in self.weights.items()}))


class OwnRandomness(Draws):
    def ask(self, rng):
        return Proposal(self.space.sample(np.random.default_rng()))


class GlobalNumpy(Draws):
    def ask(self, rng):
        np.random.rand()  # noqa: NPY002
        return super().ask(rng)


class GlobalPython(Draws):
    def tell(self, trial):
        random.random()


class GlobalTorch(Draws):
    def ask(self, rng):
        torch.rand(1)
        return super().ask(rng)


class KeepsTheGenerator(Draws):
    def ask(self, rng):
        self.rng = rng
        return super().ask(rng)

    def tell(self, trial):
        self.rng.random()


class ChangesWhatItIsTold(Draws):
    def tell(self, trial):
        trial.scores = (0.0,)
        super().tell(trial)


class Blocks(Draws):
    def ask(self, rng):
        return super().ask(rng) if len(self.told) % 10 else None


class NoProposal(Draws):
    def ask(self, rng):
        return self.space.sample(rng)


class NoArchitecture(Draws):
    def ask(self, rng):
        return Proposal("an architecture")


class Foreign(Draws):
    def ask(self, rng):
        return Proposal(Layers(4).sample(rng))


class WrongFidelity(Draws):
    def ask(self, rng):
        return Proposal(self.space.sample(rng), fidelity=2.0)


class WrongPurpose(Draws):
    def ask(self, rng):
        return Proposal(self.space.sample(rng), purpose="guess")


class ParentUnknown(Draws):
    def ask(self, rng):
        return Proposal(self.space.sample(rng), parent=10_000)


class StumblesOverFailures(Draws):
    def tell(self, trial):
        self.best = max(getattr(self, "best", 0.0), trial.scores[0])


class StumblesOverOneState(Draws):
    def tell(self, trial):
        if trial.state == "lost":
            raise KeyError(trial.state)


class OneObjective(Draws):
    def tell(self, trial):
        if trial.completed:
            (self.score,) = trial.scores


class InOrderOnly(Draws):
    def tell(self, trial):
        if self.told and trial.number < self.told[-1].number:
            raise RuntimeError("too late")
        super().tell(trial)


class StateOutside(Draws):
    seen: list = []  # noqa: RUF012 - shared on purpose

    def ask(self, rng):
        StateOutside.seen.append(1)
        return Proposal(self.space.at(len(StateOutside.seen) % self.space.size))


class NotOnlyItsArguments(Draws):
    def __init__(self, space, settings=None):
        super().__init__(space)
        self.settings = {"rank": 0} if settings is None else settings

    def ask(self, rng):
        self.settings["rank"] += 1
        return Proposal(self.space.at(self.settings["rank"] % self.space.size))


class RecommendsTheFirst(Draws):
    def recommend(self, trials):
        return trials[0].architecture


class RecommendsNothing(Draws):
    def recommend(self, trials):
        return None


class RecommendsFromNothing(Draws):
    def recommend(self, trials):
        return super().recommend(trials) if trials else self.space.at(0)


class OtherSpace(Draws):
    def __init__(self, space):
        super().__init__(Layers(2))


class WantsToVary(Draws):
    def ask(self, rng):
        first = Proposal(self.space.sample(rng))
        return Proposal(next(self.space.neighbors(first.candidate)))


class NotJson(Draws):
    def __init__(self, space, rate=float("nan")):
        super().__init__(space)


class EndsAtOnce(Draws):
    def ask(self, rng):
        raise StopSearch("no wish to search")


class AsksTwice(Draws):
    pass


class StopsEarly(RandomSearch):
    def ask(self, rng):
        self.count = getattr(self, "count", 0) + 1
        if self.count > 10:
            raise SpaceExhausted("enough")
        return super().ask(rng)


class EndsOtherwise(RandomSearch):
    def ask(self, rng):
        try:
            return super().ask(rng)
        except SpaceExhausted as end:
            raise StopSearch("done") from end


@pytest.mark.parametrize(
    ("make", "message", "exhausts"),
    [
        (OwnRandomness, "replay: a fresh strategy", False),
        (MixtureWithHiddenRandomness, "replay: a fresh strategy", False),
        (GlobalNumpy, "ask changed the global random generator of numpy", False),
        (GlobalPython, "tell changed the global random generator of Python", False),
        (GlobalTorch, "ask changed the global random generator of torch", False),
        (KeepsTheGenerator, "tell drew from the generator", False),
        (ChangesWhatItIsTold, "tell changed the trial's scores", False),
        (Blocks, "ask gave None though no trial is pending", False),
        (NoProposal, "expected a Proposal or None", False),
        (NoArchitecture, "expected an Architecture or a Mixture", False),
        (Foreign, "validate of the proposed architecture raised", False),
        (WrongFidelity, "fidelity 2.0", False),
        (WrongPurpose, "unknown purpose 'guess'", False),
        (ParentUnknown, "parent 10000", False),
        (StumblesOverFailures, "tell of a trial that ended .* raised IndexError", False),
        (StumblesOverOneState, "ended 'lost' raised KeyError", False),
        (OneObjective, "raised ValueError", False),
        (InOrderOnly, "raised RuntimeError: too late", False),
        (StateOutside, "replay: a fresh strategy", False),
        (lambda space: NotOnlyItsArguments(space, {"rank": 0}), "made again from its arguments", False),
        (RecommendsTheFirst, "but the best trial's architecture is", False),
        (RecommendsNothing, "expected an architecture", False),
        (RecommendsFromNothing, "recommend of no trials raised nothing", False),
        (OtherSpace, "strategy.space is not the space", False),
        (WantsToVary, "ask raised StopIteration", False),
        (NotJson, "configuration raised ValueError", False),
        (EndsAtOnce, "recommend raised SearchFailed", False),
        (AsksTwice, "an architecture was asked twice", True),
        (StopsEarly, "10 of 20 architectures", True),
        (EndsOtherwise, "expected SpaceExhausted", True),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_wrong_strategies_are_found(make, message, exhausts):
    with pytest.raises(AssertionError, match=message):
        check_strategy(make, exhausts=exhausts)
