"""Scores of untrained networks: a performance estimate for the price of one minibatch (Abdelfattah et al. 2021)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import cached_property

import torch

from netwright.core.architecture import Architecture
from netwright.core.checks import whole_number
from netwright.core.errors import ConfigurationError, DataError, Diverged, UserError, nearest
from netwright.core.estimator import Estimator
from netwright.core.placing import chosen_device
from netwright.core.space import Space
from netwright.core.task import Data, Examples
from netwright.core.trees import mapped
from netwright.core.trial import Measurement, Proposal
from netwright.core.workplace import workplace
from netwright.estimators.cost import Cost
from netwright.estimators.devices import refuse_what_cannot_fit
from netwright.estimators.first_network import require_runs
from netwright.estimators.zero_cost.fisher import Fisher
from netwright.estimators.zero_cost.grad_norm import GradNorm
from netwright.estimators.zero_cost.grasp import Grasp
from netwright.estimators.zero_cost.jacob_cov import JacobCov
from netwright.estimators.zero_cost.naswot import Naswot
from netwright.estimators.zero_cost.passes import scores
from netwright.estimators.zero_cost.proxy import Proxy
from netwright.estimators.zero_cost.snip import Snip
from netwright.estimators.zero_cost.synflow import SynFlow
from netwright.estimators.zero_cost.zen import Zen
from netwright.estimators.zero_cost.zico import ZiCo
from netwright.tasks import Task
from netwright.training.augmentation import Normalisation
from netwright.training.precision import needs_channels_first
from netwright.training.randomness import seeded

PROXIES: Mapping[str, type[Proxy]] = {
    "grad_norm": GradNorm,
    "snip": Snip,
    "grasp": Grasp,
    "synflow": SynFlow,
    "fisher": Fisher,
    "jacob_cov": JacobCov,
    "naswot": Naswot,
    "zen": Zen,
    "zico": ZiCo,
}
BASELINES = ("params", "macs")
LEAST_BATCH = 2


class ZeroCost(Estimator):
    """Scores an architecture's network with random weights, on one minibatch of the training examples.

    space: the space whose architectures are meant.
    task: whose examples are taken.
    proxies: names in `PROXIES`, each a metric of that name of which larger is better; also "params" and "macs". What
        they have in common is computed once. `stages` measures parameters and multiply-adds (`Cost`) beside them in any
        case: a score that ranks networks no better than these tells nothing new.
    batch_size: of the minibatch, at most half of the training examples.
    repeats: initialisations over which scores are averaged.
    data_seed: which examples, the same for all architectures; "zico" takes a second minibatch.
    split_seed, validation: of the task's split, as in `Training`.
    device: where it computes: "auto", "cpu", "cuda", or one by number, as "cuda:1".

    Initial weights follow from the seed of the estimate. A score that is not finite, as of a network whose output does
    not depend on its input, ends the trial as diverged; the others are kept with it.
    Raises ConfigurationError for unknown proxies and numbers below what is needed, DataError for fewer than 4 examples.
    """

    def __init__(
        self,
        space: Space,
        task: Task,
        proxies: Sequence[str] = ("synflow",),
        batch_size: int = 64,
        *,
        repeats: int = 1,
        data_seed: int = 0,
        split_seed: int = 0,
        validation: float = 0.1,
        device: str = "auto",
    ) -> None:
        self.space, self.task = space, task
        self.proxies = known_proxies((proxies,) if isinstance(proxies, str) else proxies)
        self.metrics = self.proxies
        self.batch_size = whole_number(self, "batch_size", batch_size, LEAST_BATCH)
        self.repeats = whole_number(self, "repeats", repeats, 1)
        self.data_seed, self.split_seed, self.validation = data_seed, split_seed, validation
        self.device = chosen_device(device)
        self._arguments = {**self._arguments, "proxies": self.proxies}
        self._refuse_tokens()
        require_runs(space, task.shape)

    def _refuse_tokens(self) -> None:
        if not self.task.shape.is_tokens:
            return
        moving = [name for name in self.proxies if name in PROXIES and PROXIES[name].of_numbers]
        if moving:
            others = ", ".join(name for name, proxy in PROXIES.items() if not proxy.of_numbers)
            raise ConfigurationError(
                f"ZeroCost: {', '.join(moving)} needs inputs that are numbers, but {self.task.name} has tokens; for "
                f"these there are {others}"
            )

    @cached_property
    def cost(self) -> Cost:
        return Cost(self.space, self.task.shape)

    def stages(self) -> Sequence[Estimator]:
        return self.cost, self

    def estimate(self, proposal: Proposal, seed: int) -> Measurement:
        """Score the candidate; the proposal's fidelity changes nothing.

        Raises Diverged where a score is not finite, OutOfMemory, and UserError for a mixture.
        """
        if not isinstance(proposal.candidate, Architecture):
            raise UserError("ZeroCost scores architectures; a mixture of all options has no score of its own")
        found = self.scores(proposal.candidate, seed)
        bad = {name: value for name, value in found.items() if not math.isfinite(value)}
        if bad:
            kept = {name: value for name, value in found.items() if name not in bad}
            raise Diverged(", ".join(f"{name} is {value}" for name, value in bad.items()), kept)
        return Measurement(found)

    def scores(self, architecture: Architecture, seed: int = 0) -> dict[str, float]:
        """Every score by name, also those that are not finite; averaged over `repeats` initialisations."""
        cost = self.cost.figures(architecture)
        found = {name: float(cost[name]) for name in self.proxies if name in BASELINES}
        names = [name for name in self.proxies if name in PROXIES]
        if names:
            refuse_what_cannot_fit(cost["params"], cost["activation_memory"], self._batch, self.device)
            every = [self._once(architecture, names, seed + k) for k in range(self.repeats)]
            found |= {name: sum(each[name] for each in every) / self.repeats for name in names}
        return {name: found[name] for name in self.proxies}

    def _once(self, architecture: Architecture, names: Sequence[str], seed: int) -> dict[str, float]:
        with seeded(seed):
            network = self.space.build(architecture, self.task.shape)
        first, second = self._minibatches(self._batch)
        network = network.to(self.device)
        safe = not needs_channels_first(network, first.inputs, self.device)
        if first.inputs.dim() == 4 and safe:  # most kernels for convolutions are faster so
            network = network.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
        made = {name: PROXIES[name]() for name in names}
        return scores(network, first, made, second=second, seed=seed, loss=self.task.problem.mean_loss)

    @property
    def _batch(self) -> int:
        """The size of a minibatch; smaller where an attempt before this one ran out of memory."""
        return max(LEAST_BATCH, workplace().share_of_batch(self.batch_size))

    def _minibatches(self, size: int) -> tuple[Examples, Examples]:
        first, second = self._drawn
        return tuple(Examples(each.inputs[:size], mapped(lambda t: t[:size], each.targets)) for each in (first, second))  # pyright: ignore

    def require_examples(self) -> None:
        """Raises DataError where there are too few training examples for two minibatches."""
        self._size(self.task.search_data(self.split_seed, "cpu", self.validation))

    def _size(self, data: Data) -> int:
        size = min(self.batch_size, len(data.train) // 2)
        if size < LEAST_BATCH:
            raise DataError(f"ZeroCost: {len(data.train)} training examples are too few for two minibatches")
        return size

    @cached_property
    def _drawn(self) -> tuple[Examples, Examples]:
        """Two minibatches of different examples, normalised, on the device."""
        data = self.task.search_data(self.split_seed, self.device, self.validation)
        size = self._size(data)
        generator = torch.Generator().manual_seed(self.data_seed)
        places = torch.randperm(len(data.train), generator=generator)[: 2 * size].to(self.device)
        inputs = Normalisation.of(data, self.device)(data.train.choose(places).inputs)
        targets = data.train.choose(places).targets
        halves = (mapped(lambda each, part=part: each[part], targets) for part in (slice(size), slice(size, None)))
        return Examples(inputs[:size], next(halves)), Examples(inputs[size:], next(halves))


def known_proxies(names: Sequence[str]) -> tuple[str, ...]:
    """The names, each once; ConfigurationError where there is none, or one that is not known."""
    if not names:
        raise ConfigurationError(f"ZeroCost needs at least one proxy of {', '.join((*PROXIES, *BASELINES))}")
    for name in names:
        if name not in PROXIES and name not in BASELINES:
            raise ConfigurationError(f"there is no zero-cost proxy {name!r}{nearest(name, (*PROXIES, *BASELINES))}")
    return tuple(dict.fromkeys(names))
