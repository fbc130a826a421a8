"""The contract of a strategy that trains shared weights: it is asked and told as the engine would, and interrupted."""

from __future__ import annotations

import io
import zlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from netwright.core.architecture import Architecture, Mixture
from netwright.core.decision_space import with_decisions
from netwright.core.errors import StopSearch
from netwright.core.kinds import kinds_checked
from netwright.core.randomness import Generators, derived_seed
from netwright.core.strategy import RoundStrategy, in_role
from netwright.core.trial import Measurement, Proposal, Trial
from netwright.testing.conversation import same_proposal
from netwright.testing.rules import global_randomness_untouched, must_not_raise, require
from netwright.testing.small_spaces import Layers

if TYPE_CHECKING:
    from netwright.core.decision_space import DecisionSpace
    from netwright.core.strategy import Strategy
    from netwright.testing.check_strategy import Make

Place = tuple[int, int, int, int]  # asked, the number of the next trial, steps done, rounds since the last trial

MOST = 5_000  # rounds and trials after which a strategy that should end has not


@kinds_checked
def check_round_strategy(
    make: Make, space: DecisionSpace | None = None, *, epochs: int = 4, steps: int = 5, seed: int = 0
) -> None:
    """Raise AssertionError, which names the rule and how it was broken, unless this strategy trains shared weights.

    make: gives a fresh strategy for a space.
    space: what to try it on; by default a small one with conditional decisions.
    epochs, steps: of the training, which is made up: losses and gradients follow from the candidates alone.
    seed: everything random follows from it.
    """
    space = space or Layers()
    whole = Training(make(space), epochs, steps, seed).hold()
    require(whole.trained == epochs * steps or whole.ended_early, "the strategy ended before the weights were trained")
    require(whole.trials, "the strategy ended without asking for any architecture to be evaluated")
    require(whole.kept, "state: never was the strategy where it can go on from, so that no epoch's state would be kept")
    with must_not_raise("recommend"):
        found = whole.strategy.recommend(whole.trials)
    require(isinstance(found, Architecture), f"recommend gave {found!r}, expected an architecture")
    space.validate(found)
    for place, state in whole.kept.items():
        again = Training(make(space), epochs, steps, seed, start=place)
        with must_not_raise("load_state_dict"):
            again.strategy.load_state_dict(state)
        goes_on_alike(whole, again.hold(), place)


def goes_on_alike(whole: Training, again: Training, place: Place) -> None:
    expected = whole.asked[place[0] :]
    require(
        len(expected) == len(again.asked) and all(map(same_proposal, expected, again.asked)),
        f"state: a fresh strategy with the state of trial {place[1]} asked otherwise than the one that went on",
    )


class Training:
    """The rounds and trials of one search; `kept` holds the strategy's state after each epoch.

    start: where it goes on from.
    """

    def __init__(self, strategy: Strategy, epochs: int, steps: int, seed: int, *, start: Place = (0, 0, 0, 0)) -> None:
        rounds = in_role(strategy, RoundStrategy)
        require(rounds is not None, f"{type(strategy).__name__} is no RoundStrategy, whose state is kept each epoch")
        assert rounds is not None
        self.strategy = rounds
        self.asked: list[Proposal] = []
        self.trials: list[Trial] = []
        self.kept: dict[Place, Any] = {}
        self._unkept = False
        self.ended_early = False
        self._before, self._number, self.trained, self._round = start
        self._epochs, self._steps = epochs, steps
        self._generators = Generators(seed)

    def hold(self) -> Training:
        for _ in range(MOST):
            self._settle()
            try:
                with global_randomness_untouched("ask"), must_not_raise("ask", StopSearch):
                    proposal = self.strategy.ask(self._generators(self._number, self._round))
            except StopSearch:
                self.ended_early = self.trained < self._epochs * self._steps
                return self
            require(
                isinstance(proposal, Proposal), lambda found=proposal: f"ask gave {found!r} though no trial is pending"
            )
            assert proposal is not None
            self.asked.append(_copied(proposal))
            if proposal.is_round:
                self._carry_out(proposal)
            else:
                self._evaluate(proposal)
        raise AssertionError(f"the strategy did not end within {MOST:,} rounds and trials")

    def _carry_out(self, proposal: Proposal) -> None:
        total = self._epochs * self._steps
        trains = proposal.purpose in ("train", "accumulate", "rehearse")
        require(not (trains and self.trained == total), f"ask gave {proposal.purpose!r} after progress was 1")
        self.trained += proposal.purpose == "train"
        self._round += 1
        loss, gradient = _made_up(proposal)
        metrics: dict[str, Any] = {
            "loss": loss,
            "angle": float(loss),
            "score": 1 - loss,
            "accuracy": 1 - loss,
            "progress": self.trained / total,
            "epoch": float(self.trained // self._steps),
            "steps": float(self._steps),
        }
        with global_randomness_untouched("tell"), must_not_raise("tell of a round"):
            self.strategy.tell(Trial(self._number, proposal, "completed", Measurement(metrics, gradient)))
        if proposal.purpose == "train" and self.trained % self._steps == 0:
            self._end_epoch()

    def _end_epoch(self) -> None:
        with must_not_raise("mixture, figures or state_dict"):
            mixture, figures = self.strategy.mixture(), self.strategy.figures()
        require(
            all(isinstance(each, (int, float)) for each in figures.values()), f"figures gave {figures}: not numbers"
        )
        if mixture is not None:
            space = with_decisions(self.strategy, self.strategy.space)
            space.validate(space.discretize(mixture))
        self._number, self._round = self._number + 1, 0
        self._unkept = True

    def _settle(self) -> None:
        """Keep the state after an epoch, once the strategy says that it can go on from there."""
        if not self._unkept or not self.strategy.is_between:
            return
        with must_not_raise("state_dict"):
            state = self.strategy.state_dict()
        require(isinstance(state, Mapping), f"state_dict gave {state!r}, but rounds cannot be replayed from a log")
        place = (self._before + len(self.asked), self._number, self.trained, self._round)
        self.kept[place] = _through_a_file(state)
        self._unkept = False

    def _evaluate(self, proposal: Proposal) -> None:
        score = 1 - float(_made_up(proposal)[0])
        trial = Trial(self._number, proposal, "completed", Measurement({"val_accuracy": score}), (score,))
        self._number, self._round = self._number + 1, 0
        self.trials.append(trial)
        with global_randomness_untouched("tell"), must_not_raise("tell"):
            self.strategy.tell(trial)


def _made_up(proposal: Proposal) -> tuple[Tensor, Mapping[str, Tensor] | None]:
    """A loss from 0 to 1 and gradients that follow from the candidate."""
    candidate = proposal.candidate
    if isinstance(candidate, Architecture):
        return torch.tensor(derived_seed(zlib.crc32(candidate.to_json().encode())) / 2**63), None
    require(
        isinstance(candidate, Mixture), lambda: f"ask proposed {candidate!r}, expected an Architecture or a Mixture"
    )
    wanted, along = {name: each.detach() for name, each in candidate.weights.items()}, proposal.along
    loss = torch.stack([(each.double() * torch.arange(len(each))).sum() for each in wanted.values()]).mean().sigmoid()
    gradient = {
        name: torch.linspace(-0.1, 0.1, len(each)) + 0.01 * each if along is None else 0.01 * along[name]
        for name, each in wanted.items()
        if candidate.weights[name].requires_grad
    }
    return loss.float(), gradient or None


def _copied(proposal: Proposal) -> Proposal:
    """The proposal as it was asked, whatever the strategy does to its tensors later."""
    candidate = proposal.candidate
    if isinstance(candidate, Mixture):
        weights = {name: each.detach().clone() for name, each in candidate.weights.items()}
        candidate = Mixture(weights, dict(candidate.active))
    return Proposal(candidate, proposal.purpose, proposal.fidelity, proposal.parent, proposal.again)


def _through_a_file(state: object) -> Any:
    """The state after it was written and read as the engine does: tensors and plain values only."""
    buffer = io.BytesIO()
    torch.save(state, buffer)
    buffer.seek(0)
    with must_not_raise("reading the state back (tensors and plain values in dicts and lists)"):
        return torch.load(buffer, weights_only=True)
