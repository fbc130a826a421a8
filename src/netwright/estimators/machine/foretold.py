"""The latency that is foretold, as a cost: of each option of each decision, and so of a mixture on average."""

from __future__ import annotations

import operator
from collections import defaultdict
from collections.abc import Hashable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol, cast

import numpy as np

from netwright.core.architecture import Content
from netwright.core.decision_space import DecisionSpace
from netwright.core.decisions import INACTIVE, Point
from netwright.core.roles import HasCostTerms
from netwright.estimators.cost_sums import SUMMED
from netwright.estimators.costs import Amounts, CostModel, ModelledCosts
from netwright.estimators.every_option import EveryLayer
from netwright.networks.executed import Execution

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from netwright.core.architecture import Architecture
    from netwright.core.space import Space
    from netwright.core.task import TaskShape
    from netwright.runtimes.machine import Place

PROVIDES = ("obj.latency", "obj.expected_cost")

MEASURED, FORETOLD = "latency_ms", "latency_predicted_ms"
TIMING = 15.0  # seconds for the operations of all options; those that are left are told from others of their kind
CHECKED = 4  # random networks on which it is seen whether options or parts add up
EXACT = 1e-9  # relative difference between sums of the same numbers
NEARLY, MOST = 0.1, 0.9  # relative error up to which options and parts count as adding up, and for which share of them
FEW = 300  # architectures over which a mean is taken where each network must be built


class Foretells(Protocol):
    """What foretells latencies from operations.

    followed: the operations of an architecture, `Followed`.
    times: of single operations, `OperationTimes`.
    fit: what makes them the time of a network, `Fit`.
    """

    space: Any
    followed: Any
    times: Any
    fit: Any
    networks: Space
    shape: TaskShape
    place: Place

    def of(self, architecture: Architecture) -> float:
        """Milliseconds of an architecture of the networks alone."""
        ...

    def meet(self, execution: Execution, seconds: float) -> None:
        """Time operations that were not met before, for so many seconds at most."""
        ...


class ForetoldLatency(ModelledCosts):
    """Milliseconds that networks are foretold to take to answer.

    Where a space says that its options or parts add up, so do their operations, but for those between them (the sum of
    the inputs of a node, of which there are fewer where one is nothing). What these differ by from one network to
    another is put down to the options by least squares, and taken for a sum where that errs by 10 % at most on nine in
    ten of the networks to which it was not fitted.

    source: what foretells them.
    """

    metrics = (MEASURED,)

    def __init__(self, source: Foretells) -> None:
        self.source, self.space = source, source.space

    def figures(self, architecture: Architecture) -> dict[str, float]:
        """Milliseconds of an architecture."""
        return {MEASURED: self.model(self.content(architecture))[0]}

    @property
    def model(self) -> CostModel:
        return self._model

    @cached_property
    def _model(self) -> OfOptions | OfParts | OfNetworks:
        space, whole = self.networks, OfNetworks(self.source)
        if isinstance(space, DecisionSpace) and getattr(space, "additive_cost", False):
            if not hasattr(space, "cost_frame"):
                found = OfOptions(self.source, space, whole)
                return found if found.error <= NEARLY else whole
        elif isinstance(space, DecisionSpace) and isinstance(space, HasCostTerms):
            parts = OfParts(self.source, space, whole)
            return parts if parts.error <= NEARLY else whole
        return whole


class OfNetworks:
    """Each network followed by itself."""

    summed = FEW
    parts = None

    def __init__(self, source: Foretells) -> None:
        self._source = source

    def __call__(self, content: Content) -> tuple[float]:
        return (self._source.of(self._source.networks.from_content(content, check=False)),)


class OfOptions:
    """What each option of each decision adds. error: a relative one that one in ten of random networks exceeds."""

    summed = SUMMED

    def __init__(self, source: Foretells, space: DecisionSpace, whole: OfNetworks) -> None:
        layers = EveryLayer(space, source.shape)
        execution = layers.executed(source.place.batch)
        source.meet(execution, TIMING)
        prices: dict[str, float] = defaultdict(float)
        for layer, each in zip(execution.layers, execution.operations, strict=True):
            prices[layer] += source.times.price(each, source.fit)
        self._space, self._options = space, layers.options(prices, 0.0, operator.add)
        self._rest = 0.0
        self.error = self._settle(whole)

    @property
    def parts(self) -> tuple[Amounts, list[list[Amounts]]]:
        return (self._rest,), [[(ms,) for ms in options] for options in self._options]

    def __call__(self, content: Content) -> tuple[float]:
        point: Point = content
        chosen = zip(point, self._options, strict=True)
        return (self._rest + sum(options[option] for option, options in chosen if option != INACTIVE),)

    def _settle(self, whole: OfNetworks) -> float:
        """Find what the rest of a network takes, and put down to the options what it differs by."""
        points, rests, wanted = self._differences(whole, CHECKED)
        if np.ptp(rests) > EXACT * wanted.max():
            free = 1 + sum(len(each) - 1 for each in self._options)
            points, rests, _ = self._differences(whole, 2 * free)
            self._share_out(points, rests)
            _, rests, wanted = self._differences(whole, free, seed=2)
            return float(np.quantile(np.abs(rests) / wanted, MOST))
        self._rest = float(np.median(rests))
        return 0.0

    def _differences(
        self, whole: OfNetworks, count: int, seed: int = 1
    ) -> tuple[list[Point], NDArray[np.float64], NDArray[np.float64]]:
        """Random networks, what each takes beyond its options, and in all."""
        rng = np.random.default_rng(seed)
        points = [self._space.indices(self._space.sample(rng)) for _ in range(count)]
        wanted = np.array([whole(point)[0] for point in points])
        return points, wanted - [self(point)[0] for point in points], wanted

    def _share_out(self, points: Sequence[Point], rests: NDArray[np.float64]) -> None:
        places = [(i, k) for i, options in enumerate(self._options) for k in range(len(options))]
        chosen = np.array([[1.0, *(point[i] == k for i, k in places)] for point in points])
        found = np.linalg.lstsq(chosen, rests, rcond=None)[0].tolist()
        self._rest = found[0]
        for (i, k), ms in zip(places, found[1:], strict=True):
            self._options[i][k] += ms


class OfParts:
    """The sum of the space's own parts, each followed once. error: as of `OfOptions`."""

    summed = SUMMED
    parts = None

    def __init__(self, source: Foretells, space: DecisionSpace, whole: OfNetworks) -> None:
        assert isinstance(space, HasCostTerms)
        self._source, self._terms = source, space.cost_terms
        self._known: dict[Hashable, float] = {}
        self._rest, rng = 0.0, np.random.default_rng(1)
        points = [space.indices(space.sample(rng)) for _ in range(CHECKED)]
        wanted = [whole(point)[0] for point in points]
        self._rest = float(np.median([ms - self(point)[0] for point, ms in zip(points, wanted, strict=True)]))
        self.error = max(abs(self(point)[0] - ms) / ms for point, ms in zip(points, wanted, strict=True))

    def __call__(self, content: Content) -> tuple[float]:
        return (self._rest + sum(self._of(term) for term in self._terms(cast("Point", content))),)

    def _of(self, term: Hashable) -> float:
        if term not in self._known:
            source = self._source
            self._known[term] = sum(source.times.price(each, source.fit) for each in source.followed.part(term))
        return self._known[term]
