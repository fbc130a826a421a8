"""Spaces and a search with a free estimator, for trying strategies on."""

from __future__ import annotations

from torch import nn

from netwright.core.decision_space import DecisionSpace
from netwright.core.randomness import Generators
from netwright.core.trial import Measurement, Trial


class Cell(DecisionSpace):
    """Independent choices: `edges` of them, five operations each, as in NAS-Bench-201."""

    edges: int = 6

    def network(self, choose, shape):
        operations = dict.fromkeys("abcde", nn.Identity)
        return nn.Sequential(*[choose.one(f"edge{k}", operations) for k in range(self.edges)])


class Nested(DecisionSpace):
    """An unlikely deep half: "rich" is drawn as often as "poor", but holds nearly all architectures."""

    def network(self, choose, shape):
        def rich():
            return nn.Sequential(*[choose.one(f"part{k}", {"x": nn.Identity, "y": nn.Flatten}) for k in range(6)])

        return choose.one("kind", {"poor": nn.Identity, "rich": rich})


class Sorted(Cell):
    """Two edges in whichever order give the same network: the canonical form has them sorted."""

    edges: int = 2

    def canonical(self, architecture):
        return self.from_tokens(sorted(self.tokens(architecture)))


class Single(DecisionSpace):
    def network(self, choose, shape):
        return nn.Identity()


def count_a(architecture):
    """A score with one best architecture and no other local optimum: how often the first option is taken."""
    return (float(sum(option == 0 for option in architecture.point)),)


def search(strategy, trials, score=count_a, seed=0, slots=1, state=lambda architecture: "completed"):
    """Ask and tell like the engine; trials are told in the order they were asked."""
    generators, told, pending, number = Generators(seed), [], [], 0
    while len(told) < trials:
        while len(pending) < slots and number < trials:
            proposal = strategy.ask(generators(number))
            if proposal is None:
                break
            pending.append((number, proposal))
            number += 1
        trial = trial_of(*pending.pop(0), score, state)
        strategy.tell(trial)
        told.append(trial)
    return told


def trial_of(number, proposal, score=count_a, state=lambda architecture: "completed"):
    ended = state(proposal.candidate)
    scores = score(proposal.candidate) if ended == "completed" else ()
    return Trial(number, proposal, ended, Measurement({}), scores)
