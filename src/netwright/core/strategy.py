"""A search strategy answers two calls; it does not loop, sleep, train, save or print.

Some can do more, and say so by what they derive from: `Remembering`, `RoundStrategy`. `Wrapper` is for those made of
another one; whether such a one can do more depends on what it wraps, which `in_role` knows.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, TypeVar, cast

from netwright.core.configuration import Configured
from netwright.core.decision_space import DecisionSpace
from netwright.core.errors import SearchFailed
from netwright.core.objective import fittest
from netwright.core.space import Space

if TYPE_CHECKING:
    import numpy as np

    from netwright.core.architecture import Architecture, Mixture
    from netwright.core.objective import Constraint
    from netwright.core.trial import Proposal, Trial

R = TypeVar("R", bound="Strategy")


Figures = Callable[["Architecture"], Mapping[str, float]]
"""What is known of an architecture without training it, as its parameters and multiply-adds."""


class Decoder(Protocol):
    """Knows which architectures keep the limits of a search, and which of them a mixture stands for."""

    def holds(self, architecture: Architecture) -> bool:
        """Whether an architecture keeps the limits."""
        ...

    def decode(self, mixture: Mixture) -> Architecture:
        """The architecture that a mixture stands for within the limits, or the nearest to them."""
        ...


class Strategy(Configured, ABC):
    """Decides what to try next. A deterministic function of its configuration, the generators and what it was told.

    bounded: whether it ends by itself, so that a search needs no other stop; a class's or an object's, by default not.
    continues: whether it asks of a trial at a low fidelity again at a higher one; by default not.
    keeps_time: whether it plans the time of the search itself, whose trials then end by when that is up with what they
        have; by default not.
    measures_whole: whether what a trial of any fidelity measures could be handed over, so that all are compared; by
        default not.
    inherits: where a proposal that names a parent begins from its weights though the architecture differs, the share of
        the full training that it then takes; 0, by default, where it begins anew.
    adopts: whether it is told what was tried where that was another architecture than it asked about, since the latter
        breaks a limit (`Proposal.instead_of`); by default it is told as if its own had been tried.
    """

    needs: ClassVar[type[Space]] = Space  # the kind of spaces that it searches

    space: Space
    bounded: bool = False
    continues: bool = False
    keeps_time: bool = False
    measures_whole: bool = False
    inherits: float = 0.0
    adopts: bool = False

    @abstractmethod
    def ask(self, rng: np.random.Generator) -> Proposal | None:
        """The next proposal; None where it must first be told of a pending trial.

        Draws only from `rng`, and only during this call. Raises StopSearch where there is nothing more to ask.
        """

    @abstractmethod
    def tell(self, trial: Trial) -> None:
        """Takes note of how a trial ended: exactly once an ask, failed trials included, in any order."""

    def know(self, figures: Figures, limits: Sequence[Constraint] = ()) -> None:
        """Takes note of how to look up what is known without training; called before anything is asked.

        figures: the metrics of an architecture that a search counts or foretells; fewer where it does neither.
        limits: of the search on these.
        """

    def judge_anew(self, trials: Mapping[int, Trial]) -> None:
        """Takes note of trials that it was told of and that are judged otherwise, since a limit was changed meanwhile.

        Called between asks and tells, with all of its trials that have ended, by number. By default it learns of limits
        from the trials to come; one that builds on the best that it knows had better forget those that break them.
        """

    def recommend(self, trials: Sequence[Trial]) -> Architecture:
        """The architecture to hand to the user; by default the best completed trial's.

        trials: those of the highest fidelity that was measured; with `measures_whole` the last of each candidate.
        """
        completed = [trial for trial in trials if trial.completed]
        if not completed:
            raise SearchFailed(f"none of the {len(trials)} trials completed, so there is nothing to recommend")
        return fittest(completed).architecture

    def may_continue(self, number: int) -> bool:
        """Whether a later proposal may have this trial, which has ended, as the parent that it goes on from.

        What the trial kept on disk stays until this is False. A proposal goes on from its parent where both have one
        architecture and the parent's fidelity is lower, and begins from its weights where the strategy `inherits`.
        """
        return False

    def may_recommend(self, number: int) -> bool:
        """Whether this trial, which has ended, may be the one that `recommend` is about, though another scores better.

        What it kept on disk stays like that of the best.
        """
        return False


class Remembering(Strategy):
    """A strategy whose asks take long: what they led to is kept now and then, so that resume need not ask all again."""

    @abstractmethod
    def memory(self) -> Mapping[str, Any] | None:
        """All that it knows, as NumPy arrays and what JSON holds, in dicts and lists; None where asking again is cheap.

        Called between asks and tells, while trials may be pending.
        """

    @abstractmethod
    def remember(self, memory: Mapping[str, Any]) -> None:
        """Go on from what `memory` gave, exactly as that strategy would have; called of a fresh one only."""


class RoundStrategy(Strategy):
    """A strategy that trains shared weights, by rounds.

    Rounds are not kept one by one, so it gives its state each epoch.

    led: whether what shares the weights leads it within the limits of a search, as it does those that have a mixture.
    """

    needs: ClassVar[type[Space]] = DecisionSpace
    led: bool = False
    _decoder: Decoder | None = None

    @abstractmethod
    def state_dict(self) -> Mapping[str, Any]:
        """All that it learnt, as tensors and plain values in dicts and lists."""

    @abstractmethod
    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from what `state_dict` gave, exactly as the strategy that gave it would have."""

    @property
    def is_between(self) -> bool:
        """Whether `state_dict` is all there is to keep now; where it is not, the state is kept when it next is."""
        return True

    def mixture(self) -> Mixture | None:
        """The mixture that it now stands for; None where it has none. Recorded each epoch, and watched for alarms."""
        return None

    def keep_within(self, decoder: Decoder) -> None:
        """Keep the limits of a search in what is asked and recommended in the end; called before anything is asked."""
        self._decoder = decoder

    def within_limits(self, found: Architecture) -> Architecture:
        """What was found; where it breaks a limit of the search, what a mixture stands for within the limits."""
        if self._decoder is None or self._decoder.holds(found):
            return found
        mixture = self.around(found)
        return found if mixture is None else self._decoder.decode(mixture)

    def around(self, found: Architecture) -> Mixture | None:
        """The mixture of which the nearest to what was found is decoded; by default the strategy's own."""
        return self.mixture()

    @property
    def left(self) -> Space:
        """The space as far as it is still searched, for who searches on the trained weights; by default all of it."""
        return self.space

    @property
    def probes_behind_epoch(self) -> int:
        """Validation rounds that it asks behind each epoch, beside those of its steps; so a time can be planned."""
        return 0

    def figures(self) -> Mapping[str, float]:
        """Numbers to record with each epoch of weight sharing, such as a temperature or an eigenvalue."""
        return {}


class Wrapper(RoundStrategy, Remembering):
    """A strategy made of another one: what it does not say itself, that one says.

    strategy: the other one.
    """

    def __init__(self, strategy: Strategy) -> None:
        self.strategy, self.space = strategy, strategy.space
        self.needs = strategy.needs  # pyright: ignore[reportAttributeAccessIssue]
        self.bounded, self.continues, self.inherits = strategy.bounded, strategy.continues, strategy.inherits
        self.keeps_time = strategy.keeps_time
        self.measures_whole, self.adopts = strategy.measures_whole, strategy.adopts
        self.led = isinstance(strategy, RoundStrategy) and strategy.led

    def know(self, figures: Figures, limits: Sequence[Constraint] = ()) -> None:
        self.strategy.know(figures, limits)

    def judge_anew(self, trials: Mapping[int, Trial]) -> None:
        self.strategy.judge_anew(trials)

    def recommend(self, trials: Sequence[Trial]) -> Architecture:
        return self.strategy.recommend(trials)

    def may_continue(self, number: int) -> bool:
        return self.strategy.may_continue(number)

    def may_recommend(self, number: int) -> bool:
        return self.strategy.may_recommend(number)

    def memory(self) -> Mapping[str, Any] | None:
        inner = in_role(self.strategy, Remembering)
        return None if inner is None else inner.memory()

    def remember(self, memory: Mapping[str, Any]) -> None:
        cast("Remembering", self.strategy).remember(memory)

    def keep_within(self, decoder: Decoder) -> None:
        self._rounds.keep_within(decoder)

    @property
    def _rounds(self) -> RoundStrategy:
        return cast("RoundStrategy", self.strategy)

    def state_dict(self) -> Mapping[str, Any]:
        return self._rounds.state_dict()

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self._rounds.load_state_dict(state)

    @property
    def is_between(self) -> bool:
        return self._rounds.is_between

    def mixture(self) -> Mixture | None:
        return mixture_of(self.strategy)

    def figures(self) -> Mapping[str, float]:
        return self._rounds.figures()


def untold(strategy: Strategy) -> Strategy:
    """A strategy of the same settings that was told nothing."""
    inner = {name: untold(value) for name, value in strategy.arguments.items() if isinstance(value, Strategy)}
    return strategy.replace(**inner)


def on_space(strategy: Strategy, space: Space) -> Strategy:
    """A strategy of the same settings on another space, told nothing."""
    inner = {name: on_space(value, space) for name, value in strategy.arguments.items() if isinstance(value, Strategy)}
    return strategy.replace(**inner, **({"space": space} if "space" in strategy.arguments else {}))


def in_role(strategy: Strategy, role: type[R]) -> R | None:
    """The strategy, where it and all that it wraps are of this kind; None where they are not."""
    inner = strategy
    while isinstance(inner, Wrapper):
        inner = inner.strategy
    return cast("R", strategy) if isinstance(inner, role) else None


def is_led(strategy: Strategy) -> bool:
    """Whether what shares the weights leads a strategy within the limits of a search."""
    rounds = in_role(strategy, RoundStrategy)
    return rounds is not None and (rounds.led or rounds.mixture() is not None)


def mixture_of(strategy: Strategy) -> Mixture | None:
    """The mixture that a strategy now stands for; None where it has none."""
    rounds = in_role(strategy, RoundStrategy)
    return None if rounds is None else rounds.mixture()
