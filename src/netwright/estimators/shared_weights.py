"""Measures candidates with weights that all of them share, and trains those weights round by round."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, cast

import torch
from torch import nn

from netwright.core.alone import at_work
from netwright.core.architecture import Architecture, Mixture
from netwright.core.checks import part, whole_number
from netwright.core.closest import largest
from netwright.core.decision_space import DecisionSpace
from netwright.core.errors import ConfigurationError, Diverged, UserError
from netwright.core.estimator import Estimator, RoundEstimator
from netwright.core.kinds import expect
from netwright.core.memory_use import peak_of_process, peak_on
from netwright.core.objective import Constraint
from netwright.core.pace import Pace
from netwright.core.placing import chosen_device
from netwright.core.space import Space
from netwright.core.spelling import spelled
from netwright.core.strategy import Decoder
from netwright.core.task import Data
from netwright.core.trial import Measurement, Proposal
from netwright.core.warning import warn
from netwright.core.workplace import workplace
from netwright.estimators.cost import Cost
from netwright.estimators.costs import Costs
from netwright.estimators.first_network import require_runs
from netwright.estimators.machine import behind
from netwright.estimators.sharing import alarms
from netwright.estimators.sharing.habits import Habits
from netwright.estimators.sharing.hypergradient import Order
from netwright.estimators.sharing.keeping import fill, keep_network, snapshot_of, state_of
from netwright.estimators.sharing.leading import Leading
from netwright.estimators.sharing.scoring import recalibrated, totals
from netwright.estimators.sharing.settings import SETTINGS, require_followed
from netwright.estimators.sharing.stages import stages_of
from netwright.estimators.sharing.weights import Weights
from netwright.estimators.signature import with_training_settings
from netwright.estimators.terms import Term, terms_of, with_terms
from netwright.supernets.sharing import Sharing, supernet_of
from netwright.tasks import Task
from netwright.training import TrainingSettings, checkpoint
from netwright.training.out_of_memory import out_of_memory_reported, reset_peak_memory
from netwright.training.threads import using_threads
from netwright.training.usual import of_masks

PROVIDES = ("est.oneshot",)

GAP_BATCHES = 4  # validation minibatches on which mixture and rounded architecture are compared each epoch


class SharedWeights(RoundEstimator):
    """Holds the weights of all networks of a space at once, by default in a supernet; each is judged with its share.

    Rounds of purpose "train" move the weights; "evaluate" gives loss and accuracy on the validation examples without
    moving anything. Order of examples, initial weights and everything else random follow from the search's seed.

    space: whose networks share the weights; one without decisions where `weights` takes any.
    task: what they learn.
    settings: how the weights are trained; any field of TrainingSettings may be given by name beside it. The defaults
        are those of DARTS; `precision` "auto" is TF32 on a GPU that has it, and float32 elsewhere and for other orders
        than 1.
    order: what a mixture's gradient on a probe is: 1, that of the validation loss with the weights as they are; 2, with
        weights that answer by one step, by a finite difference (Liu et al. 2019, section 2.3); "exact", the same by
        differentiating twice, unfused.
    split: share of the training examples held out as validation examples.
    split_seed: gives the split.
    affine, normalise_pooling, partial_channels, kernel_transform, fused, recompute, merged, group_series: see
        `netwright.supernets.Supernet`.
    weights: what gives the weights in place of the plain supernet: one in other forms, as
        `InSupernet([PartialChannels(4)])`, for which the options before it are short, or a giver of one's own
        (`netwright.supernets.Sharing`).
    terms: what is added to the loss that rounds are told, and to its gradient by mixture weight, as
        `[ExpectedCost("macs", 0.1), Entropy(0.01)]` or "0.1*macs+0.01*entropy" (`netwright.estimators.terms`); the
        shared weights train without them, and the curvature is that of the loss alone.
    recalibrate: training minibatches from which the statistics of an architecture's batch normalisations are taken
        before it is scored; 0 uses those of each validation batch.
    stages: dicts with "epochs", changes to the space's settings, "skip_dropout" with "warm_up" (Chen et al. 2019), and
        "learning_rate"; each begins with new weights, unless it has "goes_on". With "classes" it trains and probes on
        the easiest share of the classes alone.
    alarms: whether each epoch also compares the mixture with the architecture it stands for, on 4 minibatches.
    decay_all: whether biases, and scales and shifts of normalisation, decay, too.
    augment_probes: whether the validation minibatches of probes are augmented as those of training are; evaluations
        never are, and no probe smooths labels.
    pace: whether the learning rate moves by "epoch" or by "step"; "auto" is by epoch from 10 epochs on.
    drop_path_shape: "rising" from 0 to `drop_path`, or "constant".
    rehearsals: the mode in which the loss on the upcoming training minibatch is measured while nothing is trained:
        "training", or "evaluation", in which nothing is dropped and normalisation is by running statistics, which
        trainings and probes of mixtures move.
    distillation: weight of the loss by which each network that is trained follows the answers of the largest one on the
        same minibatch, with the weights as they are: the cross entropy of classes, the squared distance of other
        answers. The largest takes the largest of all sizes, and the first of other options.
    hand_over: whether a network that was scored is kept with its share of the weights and the statistics it was scored
        with (of one minibatch at least), so that what is found leaves the search as it is; a final training then goes
        on from there, by default for no epoch.
    trained: a run in the present project, or the folder of its shared weights; they are then only evaluated, on the
        validation examples that they were trained without, in the form in which they were trained.
    final_settings: of the training of the network that is found, whose epochs are chosen elsewhere; None for
        the defaults of TrainingSettings, and of masks what suits them (`netwright.training.usual.of_masks`).
    device: where it computes: "auto", "cpu", "cuda", or one by number, as "cuda:1".

    An epoch's measurement: train_loss, train_accuracy, probe_loss, probe_accuracy, epoch, peak_memory, `val_examples`,
    `accuracy_by_chance` (that of always naming the commonest class of the validation examples), and of a mixture
    its `entropy` (1 uniform, 0 decided), `parameter_free` (share of the chosen operations with nothing to learn) and
    `parameter_free_by_chance`, `mixture_accuracy`, `rounded_accuracy` and `discretisation_gap` between them; under a
    limit the `expected_macs`, `expected_params`, `expected_activation_memory` or `expected_latency_ms` of it.

    Raises ConfigurationError for options outside what is allowed and for those the space's structure forbids,
    UserError for a space whose networks cannot share weights.
    """

    @with_training_settings(SETTINGS)
    def __init__(
        self,
        space: Space,
        task: Task,
        *,
        settings: TrainingSettings | None = None,
        order: Order = 1,
        split: float = 0.5,
        split_seed: int = 0,
        affine: bool = False,
        normalise_pooling: bool = False,
        partial_channels: int = 1,
        kernel_transform: bool = False,
        fused: bool = True,
        recompute: bool = False,
        weights: Sharing | None = None,
        terms: str | Sequence[Term] = (),
        merged: bool = False,
        group_series: bool = False,
        recalibrate: int = 0,
        stages: Sequence[Mapping[str, Any]] = (),
        alarms: bool = True,
        decay_all: bool = True,
        augment_probes: bool = True,
        pace: Pace = "auto",
        drop_path_shape: Literal["rising", "constant"] = "rising",
        rehearsals: Literal["training", "evaluation"] = "training",
        distillation: float = 0.0,
        hand_over: bool = False,
        trained: str | None = None,
        final_settings: TrainingSettings | None = None,
        device: str = "auto",
        **overrides: Any,
    ) -> None:
        self.needs = DecisionSpace if weights is None else weights.needs
        self.space, self.task = expect(space, self.needs.__name__, "SharedWeights: space"), task
        self.settings = (settings or SETTINGS).replace(**overrides)
        self.habits = Habits(order, decay_all, augment_probes, pace, drop_path_shape, rehearsals, distillation)
        self.hand_over = hand_over
        self.order: Order = order
        self.validation, self.split_seed = split, split_seed
        self.recalibrate, self.alarms, self.trained = recalibrate, alarms, trained
        self.device = chosen_device(device)
        self._check(partial_channels)
        self.stages_of_training = stages_of(space, self.settings.epochs, stages)
        self.settings = self.settings.replace(epochs=sum(stage.epochs for stage in self.stages_of_training))
        self.form: dict[str, Any] = {
            "affine": affine,
            "normalise_pooling": normalise_pooling,
            "partial_channels": partial_channels,
            "kernel_transform": kernel_transform,
            "fused": fused and order != "exact",
            "recompute": recompute,
        }
        self.form |= {name: True for name, on in {"merged": merged, "group_series": group_series}.items() if on}
        if rehearsals == "evaluation":
            self.form["running_statistics"] = True
        self.sharing, self.terms = self._sharing(weights), terms_of(terms)
        final = final_settings or TrainingSettings(**of_masks(task.shape, len(task.train)))
        self.final_settings = final.replace(epochs=self.settings.epochs)
        self.leading = Leading(self.cost, task.shape, self.terms, shrinks=self.sharing.shrinks)
        self._weights: Weights | None = None
        self._unwritten: Path | None = None
        self._free: Mapping[str, frozenset[str]] = {}
        self._ended_epoch = False
        self._arguments = {
            **{name: value for name, value in self._arguments.items() if name not in self.settings.arguments},
            "settings": self.settings,
            "stages": [dict(stage) for stage in stages],
        }
        require_runs(space, task.shape)

    def _check(self, partial_channels: int) -> None:
        part(self, "split", self.validation)
        whole_number(self, "partial_channels", partial_channels)
        whole_number(self, "recalibrate", self.recalibrate, 0)
        require_followed(self.settings, self.order)

    def configuration(self) -> dict[str, Any]:
        """As JSON, without what does not change the measurement."""
        described = super().configuration()
        for name in ("fused", "recompute"):
            del described["arguments"][name]
        for name in ("weights", "terms", "distillation", "hand_over", "final_settings"):
            if not described["arguments"][name]:
                del described["arguments"][name]
        return described

    @cached_property
    def cost(self) -> Cost:
        """What an architecture costs on this task, as a network of its own."""
        return Cost(self.space, self.task.shape)

    @property
    def split(self) -> float:
        """The share of the examples that is held out for validation, by the name of the argument."""
        return self.validation

    def within(self, limits: Sequence[Constraint], stages: Sequence[Estimator] = ()) -> Decoder:
        """Add a `Limit` for each of these to the loss of the trainings to come; what decodes a mixture under them.

        Limits on latency go by the stage that foretells it. Where the expected cost of a mixture over the space is not
        known, it is that of networks drawn from it; where not all decisions may be combined, limits are kept when it is
        decoded only.
        """
        return self.leading.within(limits, stages)

    def mean_step(self, limits: Sequence[Constraint], stages: Sequence[Estimator] = ()) -> float:
        """How long a training step takes on average, as a share of the first: less where weights leave."""
        if not self.sharing.shrinks:
            return 1.0
        costs, told = self.leading.costs_of(limits, stages)
        full = costs.figures(largest(cast("DecisionSpace", self.space)))
        upper = [each for each in told if each.metric in costs.metrics and each.relation == "<="]
        return self.sharing.mean_step(min((each.limit / full[each.metric] for each in upper), default=1.0))

    @property
    def costs(self) -> Costs:
        """What networks cost: `cost`, and bytes and latency where limits or terms of the training are on them."""
        return self.leading.costs

    def measuring(self, *names: str) -> Estimator:
        return behind(self._measuring(names), self.space, self.task.shape, names)

    def _measuring(self, names: Sequence[str]) -> SharedWeights:
        task = self.task.measuring(*names)
        if task is self.task:
            return self
        found = self.replace(task=task)
        if self._weights is not None:
            found._weights, self._weights.problem = self._weights, task.problem
        return found

    def stages(self) -> Sequence[Estimator]:
        return self.cost, self

    @cached_property
    def _data(self) -> Data:
        return self.task.search_data(self.split_seed, self.device, self.validation)

    # Training.

    @property
    def weights(self) -> Weights:
        """The weights as they are; UserError before there are any."""
        if self._weights is None and self.trained is not None:
            self._weights = self._loaded(self.trained)
        if self._weights is None:
            raise UserError(
                "these shared weights were never trained: search with "
                + spelled("a strategy that trains them, or give trained=RUN with the name of a run that did")
            )
        return self._weights

    def forget(self) -> None:
        self._weights = None

    def begin(self, seed: int) -> None:
        if self.trained is not None:
            raise UserError("weights that were trained by another run are evaluated only; leave `trained` out")
        reset_peak_memory(self.device)
        with self._reported():
            self._weights = self._made(seed)
        for term in self.leading.added:
            term.begin(self._weights.total)
        self._ended_epoch = False

    def _sharing(self, given: Sharing | None) -> Sharing:
        """What gives the weights: what was given, or the supernet that the options describe."""
        if given is None:
            return supernet_of(self.form)
        if supernet_of({**self.form, "fused": True}).forms or not self._arguments["fused"]:
            forms = supernet_of(self.form).forms
            raise ConfigurationError(
                f"SharedWeights: weights = {given!r} beside options that describe a supernet; expected "
                f"weights=InSupernet({list(forms)}), or these options alone"
            )
        self.form = {"weights": given.configuration()}
        return given

    def _made(self, seed: int) -> Weights:
        made = Weights(
            *(self.stages_of_training, self._data, self.task.shape, self.settings, seed, self.device),
            habits=self.habits,
            sharing=self.sharing,
        )
        self._free = made.supernet.parameter_free()
        if self.leading.kept:
            made.supernet.keep_within(self.costs.figures, self.leading.kept)
        return made

    def _reported(self) -> Any:
        """The context in which running out of memory is said as such."""
        network = self._weights.supernet if self._weights is not None else nn.Identity()
        return out_of_memory_reported(network, self._data.train, self.settings.batch_size, self.device)

    def advance(self, proposal: Proposal) -> Measurement:
        weights = self.weights
        if self.trained is not None:
            raise UserError(
                f"the shared weights of {self.trained!r} are trained; strategies that train their own need an "
                "estimator without `trained`"
            )
        before = weights.step
        with self._reported(), weights.running(proposal), at_work():
            found = weights.round(proposal)
        self._ended_epoch = weights.step > before and (weights.step % weights.steps == 0 or weights.is_over)
        if not self.leading.added or proposal.along is not None:
            return found
        return with_terms(found, proposal.candidate, self.leading.added, self.costs)

    def end_soon(self) -> None:
        self.weights.end_soon()

    @property
    def metrics(self) -> tuple[str, ...]:  # pyright: ignore[reportIncompatibleVariableOverride]
        return ("val_loss", *(f"val_{each.name}" for each in self.task.problem.metrics))

    @property
    def epoch_ended(self) -> bool:
        return self._ended_epoch

    def epoch(self, mixture: Mixture | None) -> Measurement:
        self._ended_epoch = False
        weights = self.weights
        train_loss, train_score, trained, probe_loss, probe_score, probed = weights.sums.tolist()
        weights.sums.zero_()
        name, main = weights.problem.score_name, weights.problem.main.name
        metrics = {"train_loss": train_loss / trained, f"train_{name}": train_score / trained}
        if probed:
            metrics |= {"probe_loss": probe_loss / probed, f"probe_{name}": probe_score / probed}
        for name in ("train_loss", "probe_loss"):
            if not math.isfinite(metrics.get(name, 0.0)):
                raise Diverged(
                    f"{name} {metrics[name]} in epoch {weights.epoch} of the shared weights; a smaller learning rate "
                    "or gradient_clip may help",
                    metrics,
                )
        if mixture is not None:
            metrics |= self._watched(mixture)
            metrics |= {f"expected_{name}": float(self.costs.expected(mixture)[name]) for name in self.leading.limited}
        metrics |= {"val_examples": float(len(weights.held_out))}
        if weights.chance is not None:
            metrics[f"{main}_by_chance"] = weights.chance
        peak = peak_on(str(self.device)) if self.device.type == "cuda" else peak_of_process()
        metrics |= {"epoch": float(weights.epoch), "peak_memory": float(peak or 0)}
        return Measurement(metrics)

    def _watched(self, mixture: Mixture) -> dict[str, float]:
        """The alarms' numbers for the mixture that the strategy stands for."""
        architecture = self.space.discretize(mixture)
        found = {
            "entropy": alarms.entropy(mixture),
            "parameter_free": alarms.parameter_free(architecture, self._free),
            "parameter_free_by_chance": alarms.parameter_free_by_chance(self.space, self._free),
        }
        if self.alarms and self.weights.supernet.mixes:
            most = GAP_BATCHES * self.weights.validation.size
            main = self.weights.problem.main
            mixed = self._scored(self._placed(mixture), most)[f"val_{main.name}"]
            alone = self._scored(architecture, most)[f"val_{main.name}"]
            gap = mixed - alone if main.larger_is_better else alone - mixed
            found |= {f"mixture_{main.name}": mixed, f"rounded_{main.name}": alone, "discretisation_gap": gap}
        return found

    def _placed(self, mixture: Mixture) -> Mixture:
        weights = {name: each.detach().to(self.device, non_blocking=True) for name, each in mixture.weights.items()}
        return Mixture(weights, mixture.active)

    # Evaluating.

    def estimate(self, proposal: Proposal, seed: int) -> Measurement:
        """Loss and accuracy of an architecture or a mixture on the validation examples, with the weights as they are.

        A fidelity below 1 takes that share of the validation examples, always the same ones. Raises UserError where
        there are no weights, OutOfMemory.
        """
        weights, candidate = self.weights, proposal.candidate
        share = proposal.share
        if not 0 < share <= 1:
            raise UserError(f"fidelity is a share of the validation examples, above 0 and at most 1, found {share!r}")
        most = max(2, math.ceil(share * len(weights.held_out) - 1e-9))
        with self._reported():
            if self.hand_over and isinstance(candidate, Architecture):
                return Measurement(self._handed_over(candidate, most))
            return Measurement(
                self._scored(self._placed(candidate) if isinstance(candidate, Mixture) else candidate, most)
            )

    def _scored(self, candidate: Architecture | Mixture, most: int) -> dict[str, float]:
        weights = self.weights
        with using_threads(weights.threads), weights.arithmetic(), torch.no_grad():
            if isinstance(candidate, Architecture) and self.recalibrate:
                return self._recalibrated(candidate, most)[1]
            return totals(weights, lambda inputs: weights.supernet(inputs, candidate), most)

    def _recalibrated(self, architecture: Architecture, most: int) -> tuple[nn.Module, dict[str, float]]:
        """The network of an architecture with fresh statistics, and what it scores."""
        network = recalibrated(self.weights, architecture, max(1, self.recalibrate))
        return network, totals(self.weights, network, most, network)

    def _handed_over(self, architecture: Architecture, most: int) -> dict[str, float]:
        """The scores of an architecture, whose network is kept in the workplace."""
        weights, folder = self.weights, workplace().folder
        with using_threads(weights.threads), weights.arithmetic(), torch.no_grad():
            network, found = self._recalibrated(architecture, most)
        if folder is not None:
            keep_network(folder / self._kept_as(architecture), network, weights.epoch)
        return found

    @property
    def keeps(self) -> bool:
        return self.hand_over

    def kept(self, folder: Path, architecture: Architecture) -> Path | None:
        found = folder / self._kept_as(architecture)
        return found if self.hand_over and found.is_dir() else None

    def _kept_as(self, architecture: Architecture) -> str:
        return f"{architecture.digest[:16]}-shared"

    def extract(self, architecture: Architecture) -> nn.Module:
        """The stand-alone network of an architecture with copies of its shared weights."""
        return self.weights.supernet.extract(architecture)

    # Keeping.

    def save(self, folder: Path, number: int, companion: Mapping[str, Any]) -> None:
        weights = self.weights
        state = {
            **state_of(weights),
            "companion": dict(companion),
            "terms": [dict(term.state_dict()) for term in self.leading.added],
        }
        facts = {
            "space": repr(weights.stages[weights.stage].space),
            "form": self.form,
            "seed": weights.seed,
            "settings": json.loads(json.dumps(dict(self.settings.arguments))),
            "data": self.task.fingerprint,
            "split": [self.validation, self.split_seed],
        }
        try:
            checkpoint.save(folder, checkpoint.Snapshot(number, weights.supernet.state_dict(), state, facts))
        except OSError as problem:
            if folder != self._unwritten:
                warn(
                    f"the shared weights are not kept in {folder}: {problem.strerror or problem}; the search goes on, "
                    "and would resume from the last ones that were kept"
                )
            self._unwritten = folder

    def load(self, folder: Path, highest: int) -> tuple[int, Mapping[str, Any]] | None:
        snapshot, notes = checkpoint.newest(folder, self.device, highest)
        for note in notes:
            warn(note)
        if snapshot is None:
            return None
        self._weights = self._made(snapshot.facts["seed"])
        fill(self._weights, snapshot)
        for term, state in zip(self.leading.added, snapshot.state.get("terms", ()), strict=False):
            term.begin(self._weights.total)
            term.load_state_dict(state)
        self._ended_epoch = False
        return snapshot.epoch, snapshot.state["companion"]

    def _take_form(self, form: Mapping[str, Any], trained: str) -> None:
        """Share the weights as the run did that trained them; UserError where this estimator cannot."""
        if "weights" in form or "weights" in self.form:
            if form != self.form:
                raise UserError(
                    f"the weights of {trained!r} were given by {form.get('weights', 'a supernet')}, but this estimator "
                    f"has weights = {self._arguments['weights']!r}; expected those of the run"
                )
            return
        self.form = {**form, "fused": self.form["fused"], "recompute": False}
        self.sharing = supernet_of(self.form)

    def _loaded(self, trained: str) -> Weights:
        """The weights of another run, in the form in which that run trained them."""
        places = [stage.space for stage in self.stages_of_training]
        snapshot = snapshot_of(trained, self.device, places, self.task)
        # The same examples as then: others may have trained these weights.
        self.validation, self.split_seed = snapshot.facts["split"]
        vars(self).pop("_data", None)
        self._take_form(snapshot.facts["form"], trained)
        made = self._made(snapshot.facts["seed"])
        fill(made, snapshot, evaluated_only=True)
        return made
