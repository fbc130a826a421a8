"""What all samplers of paths have in common: they train shared weights, step by step, until the training is over."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from netwright.core.architecture import Architecture
from netwright.core.decision_space import DecisionSpace
from netwright.core.errors import StopSearch
from netwright.core.space import Space, frozen
from netwright.core.strategy import RoundStrategy
from netwright.core.trial import Proposal

if TYPE_CHECKING:
    import numpy as np

    from netwright.core.architecture import Mixture
    from netwright.core.trial import Trial

OVER = "the weight training is over"


class PathSampler(RoundStrategy):
    """Says on which candidates the shared weights are trained; it learns nothing from how they do.

    Raises StopSearch once the training is over. It recommends nothing: `TrainThenSearch` hands over to who does.
    """

    needs: ClassVar[type[Space]] = DecisionSpace
    space: DecisionSpace

    bounded: ClassVar[bool] = True

    def __init__(self, space: DecisionSpace) -> None:
        self.space = space
        self.progress = 0.0  # share of the weight training that is done
        self._left: list[Architecture | Mixture] = []  # of the step under way

    @abstractmethod
    def step(self, rng: np.random.Generator) -> Sequence[Architecture | Mixture]:
        """The candidates whose gradients add up to one step of the shared weights; at least one."""

    def ask(self, rng: np.random.Generator) -> Proposal:
        if self.progress >= 1:
            raise StopSearch(OVER)
        if not self._left:
            self._left = list(self.step(rng))
        candidate = self._left.pop(0)
        return Proposal(candidate, "accumulate" if self._left else "train")

    def tell(self, trial: Trial) -> None:
        if trial.proposal.purpose == "train":
            self.progress = trial.metrics["progress"]

    def state_dict(self) -> Mapping[str, Any]:
        left = [each.content for each in self._left if isinstance(each, Architecture)]
        assert len(left) == len(self._left), "a step of several mixtures cannot be interrupted"
        return {"progress": self.progress, "left": left}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.progress = float(state["progress"])
        self._left = [self.space.from_content(frozen(each), check=False) for each in state["left"]]
