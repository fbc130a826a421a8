"""Two stages: shared weights are trained first, then an ordinary strategy searches with them (Bender et al. 2018)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from netwright.core.checks import whole_number
from netwright.core.errors import ConfigurationError, StopSearch
from netwright.core.space import Space
from netwright.core.strategy import RoundStrategy, Strategy, in_role, mixture_of, on_space
from netwright.strategies.paths.replayed import Replayed
from netwright.strategies.paths.top_evolution import MOST_INFEASIBLE

if TYPE_CHECKING:
    import numpy as np

    from netwright.core.architecture import Architecture, Mixture
    from netwright.core.objective import Constraint
    from netwright.core.strategy import Figures
    from netwright.core.trial import Proposal, Trial


class TrainThenSearch(RoundStrategy):
    """Asks `train` until it raises StopSearch, then `search`, which evaluates architectures on the trained weights.

    train: a sampler of paths, or whatever else moves shared weights.
    search: any strategy; it searches what `train` has left of the space.
    evaluations: at most so many architectures are evaluated by `search`, which may end earlier by itself. Those that
        break a limit before are not counted, up to 50 for each that is.

    Raises ConfigurationError where the two do not have the same space, or `train` asks for no rounds.
    """

    needs: ClassVar[type[Space]] = Space  # what the two of them need is looked at, too
    bounded: ClassVar[bool] = True

    def __init__(self, train: Strategy, search: Strategy, evaluations: int = 1000) -> None:
        if train.space is not search.space and train.space.id != search.space.id:
            raise ConfigurationError(
                f"TrainThenSearch: {type(train).__name__} trains on {train.space.id}, but {type(search).__name__} "
                f"searches {search.space.id}; expected one space"
            )
        trains = in_role(train, RoundStrategy)
        if trains is None:
            raise ConfigurationError(
                f"TrainThenSearch: train is {train!r}, which trains nothing; expected UniformPaths(...)"
            )
        self.train, self.search = trains, search
        self.space = train.space
        self.evaluations = whole_number(self, "evaluations", evaluations)
        self._trained = False
        self._asked = self._infeasible = 0  # evaluations, and what broke a limit before
        self._second = Replayed(search)
        self._known: tuple[Figures, Sequence[Constraint]] | None = None

    def ask(self, rng: np.random.Generator) -> Proposal | None:
        if not self._trained:
            try:
                return self.train.ask(rng)
            except StopSearch:
                self._hand_over()
        if self._asked == self.evaluations:
            raise StopSearch(f"the {self.evaluations:,} evaluations on the trained weights are done")
        proposal = self._second.ask(rng)
        self._asked += proposal is not None and not proposal.is_round
        return proposal

    def tell(self, trial: Trial) -> None:
        if self._trained:
            if trial.state == "infeasible" and self._infeasible < MOST_INFEASIBLE * self.evaluations:
                self._infeasible += 1
                self._asked -= 1
            self._second.tell(trial)
        else:
            self.train.tell(trial)

    def _hand_over(self) -> None:
        """From training to searching, in what is left of the space."""
        self._trained, left = True, self.train.left
        if left is not self.space:
            self.search = on_space(self.search, left)
            self._second = Replayed(self.search)
            if self._known is not None:
                self.search.know(*self._known)

    def know(self, figures: Figures, limits: Sequence[Constraint] = ()) -> None:
        self._known = figures, limits
        self.train.know(figures, limits)
        self.search.know(figures, limits)

    def recommend(self, trials: Sequence[Trial]) -> Architecture:
        return self.search.recommend(trials)

    def mixture(self) -> Mixture | None:
        return mixture_of(self.search) if self._trained else self.train.mixture()

    def figures(self) -> Mapping[str, float]:
        return self._second.figures() if self._trained else self.train.figures()

    @property
    def is_between(self) -> bool:
        return self._second.is_between if self._trained else self.train.is_between

    def state_dict(self) -> Mapping[str, Any]:
        return {
            "train": self.train.state_dict(),
            "trained": self._trained,
            "asked": self._asked,
            "infeasible": self._infeasible,
            "search": self._second.state_dict(),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.train.load_state_dict(state["train"])
        self._trained, self._asked = bool(state["trained"]), int(state["asked"])
        self._infeasible = int(state.get("infeasible", 0))
        self._second.load_state_dict(state["search"])
