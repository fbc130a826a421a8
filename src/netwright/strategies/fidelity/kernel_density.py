"""The model of BOHB: kernel densities of good and of bad architectures (Falkner et al. 2018; Bergstra et al. 2011)."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np

from netwright.core.architecture import Architecture
from netwright.core.checks import probability, whole_number
from netwright.core.decision_space import DecisionSpace
from netwright.core.errors import ConfigurationError
from netwright.core.space import Space
from netwright.core.trial import Proposal
from netwright.strategies.evolution.ranking import Population
from netwright.strategies.fidelity.source import Learner
from netwright.strategies.unseen import Unseen

if TYPE_CHECKING:
    from collections.abc import Sequence

    from netwright.core.decisions import DecisionTable, Point
    from netwright.core.trial import Trial


class KernelDensity(Learner):
    """Asks what is likely among the good architectures and unlikely among the others.

    The model is that of the highest fidelity with enough trials. The densities are products of Aitchison and Aitken's
    kernel (1976) over decisions, one kernel a trial; one that is not active counts as one option more. Failed trials
    are the worst.

    Defaults are those of HpBandSter; what differs: there the bandwidth follows from the variance of the options'
    indices, here from that of their indicators, which is the same for two options and does not depend on how more are
    numbered; nothing is asked twice by default.

    space: the one to search.
    good: share of the model's trials that count as good.
    least_points: that either density needs; by default one more than there are decisions.
    samples: drawn from the good density, of which the one with the largest ratio of densities is asked.
    random: share of proposals that are random.
    least_bandwidth: keeps options alive that no good one takes.
    repeats: whether an architecture may be asked twice.
    """

    needs: ClassVar[type[Space]] = DecisionSpace
    space: DecisionSpace

    def __init__(
        self,
        space: DecisionSpace,
        good: float = 0.15,
        least_points: int | None = None,
        samples: int = 64,
        random: float = 1 / 3,
        least_bandwidth: float = 1e-3,
        repeats: bool = False,
    ) -> None:
        self.space = space
        self.good = probability(self, "good", good)
        self.random = probability(self, "random", random)
        self.samples = whole_number(self, "samples", samples)
        self.least_points = None if least_points is None else whole_number(self, "least_points", least_points)
        if not probability(self, "least_bandwidth", least_bandwidth) > 0:
            raise ConfigurationError(
                f"KernelDensity: least_bandwidth is {least_bandwidth!r}; expected a number above 0"
            )
        self.least_bandwidth, self.repeats = least_bandwidth, repeats
        self._unseen = Unseen(space)
        self._levels: dict[float, _Level] = {}
        self._model: tuple[_Level, int, _Density, _Density] | None = None

    def ask(self, rng: np.random.Generator) -> Proposal:
        model = None if rng.random() < self.random else self._densities()
        found = None if model is None else self._likely(*model, rng)
        if found is None:
            found = self.space.sample(rng) if self.repeats else self._unseen.draw(rng)
        return Proposal(found)

    def tell(self, trial: Trial) -> None:
        self.learn(trial)

    def learn(self, trial: Trial) -> None:
        self._levels.setdefault(trial.share, _Level(self.space)).note(trial)

    def _densities(self) -> tuple[_Density, _Density] | None:
        """The densities of good and bad at the highest fidelity with enough trials of both; None without one."""
        points = self.least_points or len(self.space.decisions) + 1
        for fidelity in sorted(self._levels, reverse=True):
            level = self._levels[fidelity]
            if len(level) >= 2 * points:
                break
        else:
            return None
        if self._model is None or self._model[:2] != (level, len(level)):
            ordered = level.ordered()
            # Falkner et al. 2018, section 3.2: N_l = max(N_min, q N) points are good, the rest are not.
            split = max(points, int(self.good * len(ordered)))
            good, bad = (
                _Density(self.space.decisions, part, self.least_bandwidth)
                for part in (ordered[:split], ordered[split:])
            )
            self._model = level, len(level), good, bad
        return self._model[2:]

    def _likely(self, good: _Density, bad: _Density, rng: np.random.Generator) -> Architecture | None:
        """The best of the samples that was not asked yet; None where all were."""
        points = [self.space.decisions.complete(wanted, rng) for wanted in good.draw(self.samples, rng)]
        ratios = good.log(points) - bad.log(points)
        for place in np.argsort(-ratios, kind="stable").tolist():
            architecture = self.space.from_indices(points[place], check=False)
            if self._unseen.add(architecture) or self.repeats:
                return architecture
        return None


class _Level:
    """The trials of one fidelity."""

    def __init__(self, space: DecisionSpace) -> None:
        self.space = space
        self._results = Population()
        self._failed: list[Point] = []

    def __len__(self) -> int:
        return len(self._results) + len(self._failed)

    def note(self, trial: Trial) -> None:
        if trial.completed:
            self._results.put(trial)
        else:
            self._failed.append(self.space.indices(trial.architecture))

    def ordered(self) -> list[Point]:
        """The points, best first, those that failed last."""
        return [*(self.space.indices(trial.architecture) for trial in self._results.ordered()), *self._failed]


class _Density:
    """A kernel density over the points of a space. counts: options of each decision, "not active" being one more.

    With lambda_j the bandwidth of decision j and c_j its options, a kernel is the product over j of 1 - lambda_j where
    two points agree and lambda_j / (c_j - 1) where they do not (Aitchison and Aitken 1976).
    """

    def __init__(self, decisions: DecisionTable, points: Sequence[Point], least_bandwidth: float) -> None:
        self._sizes = np.array(decisions.sizes)
        self._counts = self._sizes + np.array([bool(each.conditions) for each in decisions])
        self._data = self._indices(points)
        n, d = self._data.shape
        # 1.06 sigma n^(-1 / (4 + d)), statsmodels' "normal_reference"; sigma^2 of an option's indicator, summed and
        # halved, which is p (1 - p) for two options.
        shares = [
            np.bincount(column, minlength=count) / n for column, count in zip(self._data.T, self._counts, strict=True)
        ]
        sigma = np.sqrt([(1 - share @ share) / 2 for share in shares])
        most = (self._counts - 1) / self._counts
        self.bandwidths = np.minimum(np.maximum(1.06 * sigma * n ** (-1 / (4 + d)), least_bandwidth), most)
        others = np.maximum(self._counts - 1, 1)
        self._log_other = np.log(np.where(self.bandwidths > 0, self.bandwidths, 1.0) / others)
        self._starts = np.cumsum(self._counts) - self._counts
        more = np.repeat(np.log1p(-self.bandwidths) - self._log_other, self._counts)
        self._agreement = more[:, None] * self._one_hot(self._data).T  # (options of all decisions, n)

    def _indices(self, points: Sequence[Point]) -> np.ndarray:
        """int64 (n, decisions): the option, or the number of options where the decision is not active."""
        found = np.array(points)
        return np.where(found < 0, self._sizes, found)

    def draw(self, count: int, rng: np.random.Generator) -> list[list[int]]:
        """Wishes for points: those of one datum each, some decisions drawn uniformly; -1 for what is not active."""
        data = self._data[rng.integers(len(self._data), size=count)]
        keep = rng.random(data.shape) < 1 - self.bandwidths
        drawn = np.where(keep, data, (rng.random(data.shape) * self._counts).astype(np.int64))
        return np.where(drawn == self._sizes, -1, drawn).tolist()

    def log(self, points: Sequence[Point]) -> np.ndarray:
        """float64 (n,): the logarithm of the density at each point."""
        # A kernel's logarithm is what all decisions give that differ, and more for each that agrees.
        total = self._log_other.sum() + self._one_hot(self._indices(points)) @ self._agreement
        most = total.max(axis=1, keepdims=True)
        return np.log(np.exp(total - most).mean(axis=1)) + most[:, 0]

    def _one_hot(self, indices: np.ndarray) -> np.ndarray:
        """float64 (n, options of all decisions)."""
        found = np.zeros((len(indices), self._counts.sum()))
        np.put_along_axis(found, indices + self._starts, 1.0, axis=1)
        return found
