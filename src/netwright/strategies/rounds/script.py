"""The base of methods that are written as a script of rounds, and what runs the script."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Self

from netwright.core.decision_space import DecisionSpace
from netwright.core.errors import ConfigurationError, StopSearch
from netwright.core.space import Space
from netwright.core.strategy import RoundStrategy
from netwright.core.trial import Proposal
from netwright.strategies.rounds.asking import Talk
from netwright.strategies.rounds.keeping import kept, restore
from netwright.strategies.rounds.progress import Progress

if TYPE_CHECKING:
    import numpy as np

    from netwright.core.architecture import Architecture
    from netwright.core.objective import Constraint
    from netwright.core.strategy import Figures
    from netwright.core.trial import Trial
    from netwright.strategies.rounds.asking import Make

Script = Talk[None]
"""What `Rounds.script` is."""
OVER = "the weight training is over"
TRAINING = ("train", "accumulate", "rehearse")  # rounds for which there is no training minibatch after the last step


class Conversation:
    """Runs one script of rounds after the other: `ask` gives the next proposal, `tell` goes on with the answer.

    begin: gives the next script. Between two scripts, `is_between` holds, and nothing of a script needs to be kept.
    """

    def __init__(self, begin: Callable[[np.random.Generator], Script]) -> None:
        self._begin = begin
        self._script: Script | None = None
        self._next: Make | None = None
        self.is_pending = False

    @property
    def is_between(self) -> bool:
        return self._script is None

    def ask(self, rng: np.random.Generator) -> Proposal | None:
        """The next proposal; None where a script ended without one."""
        if self._script is None:
            self._script = self._begin(rng)
            self._next = next(self._script, None)
        if self._next is None:
            self._script = None
            return None
        self.is_pending = True
        return self._next(rng)

    def cut(self) -> None:
        """End the script that is under way where it stands, in place of what it has just asked."""
        assert self._script is not None
        self._script.close()
        self._script, self._next, self.is_pending = None, None, False

    def tell(self, trial: Trial) -> None:
        assert self._script is not None
        self.is_pending = False
        try:
            self._next = self._script.send(trial)
        except StopIteration:
            self._script = self._next = None


class Rounds(RoundStrategy):
    """A method that trains shared weights, written as a script of rounds; all else follows.

    A subclass gives `script`, and `mixture` or `result`. The script is begun again and again until the weights are
    trained; then the result is evaluated, and the search ends.

    What a method knows lives in its attributes. They are kept each epoch, once the script that was under way has come
    to its end, and given back when a search is resumed: numbers, text, tensors, NumPy arrays, architectures, mixtures,
    lists, tuples, sets and dicts of them, and what has `state_dict` and `load_state_dict` (`Logits`, `Categoricals`, an
    optimiser or a module of PyTorch) and was made by the constructor. Anything else is refused. What lives in the
    script's own variables is gone at its end.

    closes: whether the result is evaluated in the end; False for what trains weights on which another one searches.
    """

    needs: ClassVar[type[Space]] = DecisionSpace
    space: DecisionSpace

    bounded: bool = True
    closes: bool = True
    _run: _Run
    _known: tuple[Figures, tuple[Constraint, ...]] | None = None

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        self = super().__new__(cls, *args, **kwargs)
        object.__setattr__(self, "_run", _Run(self))
        return self

    @abstractmethod
    def script(self, rng: np.random.Generator) -> Script:
        """The rounds of one turn, such as `told = yield probe(...)`, then `yield train(...)`.

        rng: what the turn draws from.
        """

    def result(self) -> Architecture:
        """The architecture that was found by now; by default the one that the mixture stands for."""
        mixture = self.mixture()
        if mixture is None:
            raise ConfigurationError(f"{type(self).__name__} has no mixture; give it a method result() -> Architecture")
        return self.space.discretize(mixture)

    def know(self, figures: Figures, limits: Sequence[Constraint] = ()) -> None:
        self._known = figures, tuple(limits)

    def keeps(self, architecture: Architecture) -> bool:
        """Whether an architecture keeps the limits of the search on what is known without training."""
        if self._known is None or not self._known[1]:
            return True
        figures, limits = self._known
        found = figures(architecture)
        return all(each.holds(found) for each in limits)

    @property
    def progress(self) -> Progress:
        """How far the weight training is."""
        return self._run.progress

    @property
    def is_over(self) -> bool:
        """Whether no script is begun any more: the weights are trained, or `end` was called."""
        return self.progress.share >= 1.0 or bool(self._run.ended)

    def end(self, why: str) -> None:
        """Train no further: when the script has come to its end, the result is evaluated.

        why: in one line.
        """
        self._run.ended = why

    # What the engine asks.

    def ask(self, rng: np.random.Generator) -> Proposal | None:
        return self._run.ask(rng)

    def tell(self, trial: Trial) -> None:
        self._run.tell(trial)

    @property
    def is_between(self) -> bool:
        return self._run.talk.is_between

    def recommend(self, trials: Sequence[Trial]) -> Architecture:
        return self.within_limits(self.result())

    def state_dict(self) -> Mapping[str, Any]:
        return {"attributes": kept(self), "run": self._run.state_dict()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        restore(self, state["attributes"])
        self._run.load_state_dict(state["run"])


class _Run:
    """Where one search by a method stands: its script, the progress of the training, and why it ended."""

    def __init__(self, owner: Rounds) -> None:
        self._owner = owner
        self.talk = Conversation(owner.script)
        self.progress = Progress()
        self.ended = ""
        self._closed = False  # the result was asked
        self._proven = -1  # the epoch at which it was last looked whether the state can be given to a fresh object
        self._epochs = 0  # that ended while the script under way goes on
        self._accumulated = False

    def ask(self, rng: np.random.Generator) -> Proposal | None:
        if self.talk.is_pending:
            return None
        if not self.progress.epoch:
            self._prove()
        if not (self.talk.is_between and self._owner.is_over):
            proposal = self.talk.ask(rng)
            if proposal is not None and proposal.purpose in TRAINING and self.progress.share >= 1.0:
                self.talk.cut()
            elif proposal is not None:
                return proposal
            elif not self.ended:
                raise ConfigurationError(f"{self._name}.script asked nothing; expected a `yield train(...)` at least")
        if self._closed or not self._owner.closes:
            raise StopSearch(self.ended or OVER)
        self._closed = True
        return Proposal(self._owner.within_limits(self._owner.result()))

    def tell(self, trial: Trial) -> None:
        if not self.talk.is_pending:
            return  # the result's evaluation
        before = self.progress.epoch
        if trial.proposal.is_round:
            self.progress.note(trial)
        self.talk.tell(trial)
        self._require_kept(trial, self.progress.epoch > before)

    def _prove(self) -> None:
        """ConfigurationError where what the method knows cannot be kept: looked at first, and after the first epoch."""
        epoch = min(self.progress.epoch, 1)
        if self._proven < epoch:
            self._owner.replace().load_state_dict(self._owner.state_dict())
            self._proven = epoch

    def _require_kept(self, trial: Trial, ended_epoch: bool) -> None:
        """Refuse a script whose state could not be kept."""
        if trial.proposal.is_round:
            self._accumulated = trial.proposal.purpose == "accumulate" or (
                self._accumulated and trial.proposal.purpose != "train"
            )
        self._epochs = 0 if self.talk.is_between else self._epochs + ended_epoch
        if self.talk.is_between:
            self._prove()
        if self._epochs > 1:
            raise ConfigurationError(
                f"{self._name}.script went on through the ends of two epochs, and what its own variables hold cannot "
                "be kept; let it end after a step of the weights (it is begun again), and keep in attributes what lasts"
            )
        if self._accumulated and self.talk.is_between:
            raise ConfigurationError(f"{self._name}.script ended after accumulate(...); expected train(...) after it")

    @property
    def _name(self) -> str:
        return type(self._owner).__name__

    def state_dict(self) -> dict[str, Any]:
        return {"progress": self.progress.state_dict(), "ended": self.ended, "closed": self._closed}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.progress.load_state_dict(state["progress"])
        self.ended, self._closed = str(state.get("ended", "")), bool(state["closed"])
