"""The shared weights while they are trained: supernet, optimiser, and where in the data they are."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn

from netwright.core.architecture import Architecture, Mixture
from netwright.core.carrying import Stream
from netwright.core.decision_space import DecisionSpace
from netwright.core.errors import UserError
from netwright.core.estimator import LEFT, OF_BLOCK
from netwright.core.members import each_answer, mean_loss, one_answer
from netwright.core.pace import place
from netwright.core.problem import Problem, length
from netwright.core.randomness import derived_seed
from netwright.core.space import Space
from netwright.core.task import Augmentation, Data, Examples, TaskShape
from netwright.core.trees import moved
from netwright.core.trial import Measurement, Proposal
from netwright.estimators.sharing.angles import Angles
from netwright.estimators.sharing.curvature import Curvature
from netwright.estimators.sharing.distilling import Teacher
from netwright.estimators.sharing.easy_classes import among_easiest, easiest_first
from netwright.estimators.sharing.habits import Habits
from netwright.estimators.sharing.hypergradient import constant, second_order
from netwright.estimators.sharing.minibatches import Minibatch, Minibatches, both_halves
from netwright.estimators.sharing.stages import Stage
from netwright.supernets import InSupernet, SharedNetwork, Sharing
from netwright.supernets.fusion import is_fused, unfused
from netwright.supernets.preparing import set_skip_dropout
from netwright.supernets.shared_network import laid_out
from netwright.training import TrainingSettings, seeded
from netwright.training.arithmetic import arithmetic, has_tf32
from netwright.training.augmentation import Normalisation
from netwright.training.balance import balanced
from netwright.training.evaluation import on_device
from netwright.training.optimisers import build_optimiser, drop_path_probability, learning_rate, set_learning_rate
from netwright.training.precision import Precision, multiply_adds, needs_channels_first
from netwright.training.randomness import seed_generators
from netwright.training.showing import show_examples
from netwright.training.strength import changes
from netwright.training.threads import choose_threads, using_threads

_AT_A_TIME = 4096  # examples
_NUMBERS = 1 << 24  # of their answers
_INITIAL, _LAYERS = 3, 4  # what a derived seed is for, beside the two orders of minibatches


class Weights:
    """One run of weight training. `step` counts training minibatches, `probes` those of validation."""

    def __init__(
        self,
        stages: tuple[Stage, ...],
        data: Data,
        shape: TaskShape,
        settings: TrainingSettings,
        seed: int,
        device: torch.device,
        *,
        habits: Habits = Habits(),  # noqa: B008 - an immutable value
        sharing: Sharing = InSupernet(),  # noqa: B008 - an immutable value
    ) -> None:
        self.stages, self.settings, self.seed, self.device = stages, settings, seed, device
        self.habits, self.order = habits, habits.order
        self.shape, self.sharing, self.problem = shape, sharing, data.problem
        self._layers_seed = 0
        example = Normalisation.of(data, device)(moved(data.train.batch(0, 2), device))
        self.stage, self._example, self._data = -1, example, data
        self._rates = [
            settings if each.learning_rate is None else settings.replace(learning_rate=each.learning_rate)
            for each in stages
        ]
        self.precision = Precision("float32", shape.is_image)
        self._start_stage(0)
        counts = self._counts(example)
        self.precision = self._chosen_precision()
        self.threads = choose_threads(counts, settings, device)
        normalise = Normalisation.of(data, device, self.precision.channels_last)
        self.normalise = normalise
        first, second = both_halves(seed)
        augmentation = changes(data, settings)
        examples = balanced(on_device(data.train, device), settings.balance)
        self.held_out = on_device(data.held_out, device)
        self.training = Minibatches(examples, data.problem, settings.batch_size, normalise, augmentation, first)
        probed = augmentation if habits.augment_probes else Augmentation()
        self.validation = Minibatches(self.held_out, data.problem, settings.batch_size, normalise, probed, second)
        self.step = self.probes = 0
        self._easy = self._of_easy_classes(examples)
        self._curve: tuple[Architecture | Mixture, Curvature] | None = None
        self.total = sum(stage.epochs for stage in stages) * self.training.in_a_pass
        self._batch: Minibatch | None = None
        self._accumulated = 0
        self._distances: Mapping[str, Tensor] = {}  # by block, of the last minibatch
        self.teacher = Teacher(self) if habits.distillation else None
        self.sums = torch.zeros(6, device=device, dtype=torch.float64)
        self.chance = by_chance(self.problem, self.held_out)
        self._lay_out()

    # Stages and epochs.

    def _start_stage(self, number: int) -> None:
        """New weights and a new optimiser."""
        self.stage = self._drawn_for = number
        self._angles: Angles | None = None
        network = self.supernet = self._drawn(number)
        self.streams = {name: Stream(network) for name in ("training", "validation")} if self.problem.continues else {}
        self.drop_paths = [module for module in network.modules() if hasattr(module, "drop_path_probability")]
        self.optimiser = build_optimiser(network, self.settings, self.habits.decay_all)
        self.parameters = [each for group in self.optimiser.param_groups for each in group["params"]]

    def _drawn(self, number: int) -> SharedNetwork:
        """The network with which a stage begins: the same whenever it is drawn."""
        with seeded(derived_seed(self.seed, _INITIAL, number), self.device):
            dropout = any(stage.skip_dropout for stage in self.stages)
            network = self.sharing.network(
                *(self.stages[number].space, self.shape),
                drop_path=self.settings.drop_path > 0,
                skip_dropout=dropout,
                twice=self.order == "exact",
            )
        network = network.to(self.device).train()
        show_examples(network, self._data, self.device)
        return network

    def _lay_out(self) -> None:
        """Bring the weights into their memory order, and give each one its momentum.

        A weight may meet its first gradient after others; momentum from zero is then the same as none.
        """
        if self.precision.channels_last:
            self.supernet.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
        if isinstance(self.optimiser, torch.optim.SGD) and self.settings.momentum:
            for weight in self.parameters:
                self.optimiser.state[weight]["momentum_buffer"] = torch.zeros_like(weight)

    def _of_easy_classes(self, training: Examples) -> list[tuple[Tensor | None, Tensor | None]]:
        """For each stage which training and which validation examples are of its classes; nothing where all are."""
        if all(stage.classes == 1 for stage in self.stages):
            return []
        order = easiest_first(training, self.shape.outputs)
        halves = training.targets, self.held_out.targets
        return [
            (among_easiest(halves[0], order, stage.classes), among_easiest(halves[1], order, stage.classes))
            for stage in self.stages
        ]

    def _counts(self, example: Tensor) -> dict[nn.Module, float]:
        """Multiply-adds of the layers of one network, by which precision and threads are chosen on CPU."""
        if self.device.type != "cpu":
            return {}
        space: Space = self.stages[0].space
        with seeded(0):
            network = space.build(_one(space), self.shape)
        return multiply_adds(network, example)

    def _chosen_precision(self) -> Precision:
        """As the settings say. "auto" is TF32 on GPUs that have it, but float32 where differences are taken."""
        dtype, last = self.settings.precision, self.settings.channels_last
        if dtype == "auto":
            dtype = "tf32" if self.order == 1 and has_tf32(self.device) else "float32"
        last = self._channels_last() if last == "auto" else last
        unsafe = needs_channels_first(self.supernet, self._example, self.device, dtype, held=False)
        return Precision(dtype, last and not unsafe)

    def _channels_last(self) -> bool:
        """For images; not on a GPU where operations are fused, because what they come down to (depthwise convolutions,
        normalisations, products of matrices with a row a channel) has its fast form there in channels-first.
        """
        return self.shape.is_image and (self.device.type == "cpu" or not is_fused(self.supernet))

    def arithmetic(self) -> Any:
        """The context in which the device computes as the settings say."""
        return arithmetic(self.device, self.precision.dtype, deterministic=self.settings.deterministic)

    def go_to(self, stage: int) -> None:
        """Make the networks of this stage, as if it had begun."""
        if stage == self.stage:
            return
        if stage == self.stage + 1 and self.stages[stage].goes_on:
            self.stage = stage
            return
        self._start_stage(stage)
        self._lay_out()

    @property
    def steps(self) -> int:
        """Training steps in one epoch."""
        return self.training.in_a_pass

    @property
    def is_over(self) -> bool:
        """Whether the training is done."""
        return self.step >= self.total

    @property
    def epoch(self) -> int:
        """Whole epochs done."""
        return self.step // self.steps

    def end_soon(self) -> None:
        """The next training step is the last one."""
        self.total = min(self.total, self.step + 1)

    def _enter_epoch(self) -> None:
        """Before the first step of an epoch: the next stage where one begins, and the rates of the epoch."""
        epoch, number, before = self.epoch, 0, 0
        while number + 1 < len(self.stages) and epoch >= before + self.stages[number].epochs:
            before += self.stages[number].epochs
            number += 1
        self.go_to(number)
        stage = self.stages[number]
        self.set_rates(epoch - before, stage)
        if self._easy:
            for batches, kept in zip((self.training, self.validation), self._easy[number], strict=True):
                batches.only(kept)

    def set_rates(self, epoch: int, stage: Stage) -> None:
        """Drop path rises linearly over all epochs, or stays; dropout on skip connections follows the stage."""
        if stage.skip_dropout:
            set_skip_dropout(self.supernet, stage.skip_dropout_in(epoch))
        constant = self.habits.drop_path == "constant"
        probability = self.settings.drop_path if constant else drop_path_probability(self.settings, self.epoch)
        for module in self.drop_paths:
            module.drop_path_probability = probability  # pyright: ignore

    @property
    def rate(self) -> float:
        """The learning rate of the next step; each stage has a schedule of its own."""
        before = sum(stage.epochs for stage in self.stages[: self.stage]) * self.steps
        epochs = self.stages[self.stage].epochs
        done = place(self.habits.pace, self.step - before, self.steps, epochs)
        return learning_rate(self._rates[self.stage], done, epochs * self.steps)

    # Rounds.

    @contextmanager
    def running(self, proposal: Proposal) -> Generator[None]:
        """Threads of one round, and the generators from which dropout draws, the same for the same minibatch."""
        again = proposal.again and self.probes > 0
        self._layers_seed = derived_seed(self.seed, _LAYERS, self.step, self.probes - again)
        with using_threads(self.threads), seeded(self._layers_seed, self.device), self.arithmetic():
            yield

    def round(self, proposal: Proposal) -> Measurement:
        """Carry out one round of any purpose."""
        if proposal.along is None:
            self._curve = None
        if proposal.purpose == "angle":
            return self._turned(proposal.candidate)  # of the weights as they are, before another stage begins
        if self.step % self.steps == 0 and not self.is_over and self._batch is None:
            self._enter_epoch()
        if proposal.purpose == "probe":
            return self._probe(proposal)
        if self.is_over:
            raise UserError(
                f"the shared weights were trained for all of their {self.total // self.steps} epochs; give more epochs "
                "to train further"
            )
        if proposal.purpose == "rehearse":
            settled = self.supernet.settled() if self.habits.rehearsals == "evaluation" else nullcontext()
            with settled, self._training_pass(moves=False):
                return self._measured(proposal.candidate, self.upcoming())
        return self._train(proposal.candidate, last=proposal.purpose == "train")

    def upcoming(self) -> Minibatch:
        """The minibatch of the next training step."""
        if self._batch is None:
            self._batch = self.training(self.step)
        return self._batch

    def _training_pass(self, *, moves: bool) -> AbstractContextManager[None]:
        """The context of a pass over the upcoming training minibatch; the last one over it `moves` on."""
        if not self.streams:
            return nullcontext()
        if self.step % self.training.in_a_pass == 0:
            self.streams["training"].restart()
        return self.streams["training"].next(moves=moves)

    def _validation_pass(self, proposal: Proposal | None = None) -> AbstractContextManager[None]:
        """The context of a pass over the present validation minibatch, which a proposal may ask for again."""
        if not self.streams:
            return nullcontext()
        if proposal is not None and proposal.again:
            return self.streams["validation"].again()
        if (self.probes - 1) % self.validation.in_a_pass == 0:
            self.streams["validation"].restart()
        return self.streams["validation"].next()

    def _train(self, candidate: Architecture | Mixture, *, last: bool) -> Measurement:
        candidate, leaves = self._detached(candidate)
        with self.supernet.moving(), self._training_pass(moves=last):
            loss, outputs = self.loss(candidate, self.upcoming())
        if self.teacher is not None:
            loss = loss + self.habits.distillation * self.teacher.loss(candidate, outputs)
        loss.backward()
        score = self._score(outputs, self.upcoming().targets)
        gradient = {name: torch.zeros_like(leaf) if leaf.grad is None else leaf.grad for name, leaf in leaves.items()}
        self._accumulated += 1
        if last:
            self._update()
        self.sums[0:3] += torch.stack((loss.detach().double(), score.double(), torch.ones_like(score).double()))
        return self._measurement(loss.detach(), score, gradient)

    def _update(self) -> None:
        """One step of the optimiser with all gradients that were accumulated."""
        clip = self.settings.gradient_clip
        if clip is not None:
            nn.utils.clip_grad_norm_(self.parameters, clip)
        rate = self.rate
        set_learning_rate(self.optimiser, rate)
        self.optimiser.step()
        self._accumulated = 0
        self.step += 1
        self._batch = None
        if self._angles is not None:
            self._angles.forget()
        self._follow(rate / (1 - self.settings.momentum))
        self.optimiser.zero_grad()

    def _follow(self, pull: float) -> None:
        """What becomes of the network after a step; what the optimiser keeps of a weight gets smaller as it does."""
        ends_epoch = self.step % self.steps == 0 or self.is_over
        share = self.step / self.total
        cuts = self.supernet.after_step(pull, share, ends_epoch=ends_epoch, steps=self.total)
        for weight, cut in cuts.items():
            kept = self.optimiser.state[weight]
            for name, each in kept.items():
                if isinstance(each, Tensor) and each.dim() == weight.dim():
                    kept[name] = laid_out(each.index_select(cut.axis, cut.kept), weight)

    def _turned(self, candidate: Architecture | Mixture) -> Measurement:
        """The angle between the weights of an architecture and those with which they began."""
        if isinstance(candidate, Mixture):
            raise UserError("angles are those of an architecture's weights; expected one, found a mixture")
        if self._angles is None:
            self._angles = Angles(self._drawn(self._drawn_for), self.supernet)
        return Measurement({"angle": self._angles.of(candidate), **self._where()})

    def _probe(self, proposal: Proposal) -> Measurement:
        if not proposal.again or not self.probes:
            self.probes += 1
        batch = self.validation(self.probes - 1)
        if proposal.along is not None:
            return self._curved(proposal, batch)
        if self.order != 1 and isinstance(proposal.candidate, Mixture) and not proposal.again and not self.is_over:
            candidate, leaves = self._detached(proposal.candidate)
            if leaves:
                return self._answered(candidate, leaves, batch)
        with nullcontext() if proposal.again else self.supernet.moving(), self._validation_pass(proposal):
            found = self._measured(proposal.candidate, batch, smoothing=0.0)
        if not proposal.again:
            loss, score = cast("Tensor", found.metrics["loss"]), cast("Tensor", found.metrics["score"])
            self.sums[3:6] += torch.stack((loss.double(), score.double(), torch.ones_like(loss).double()))
        return found

    def _measured(
        self, candidate: Architecture | Mixture, batch: Minibatch, smoothing: float | None = None
    ) -> Measurement:
        """Loss and score, and the gradient by those mixture weights that ask for theirs; no weight's."""
        candidate, leaves = self._detached(candidate)
        for parameter in self.parameters:
            parameter.requires_grad_(False)
        try:
            with torch.set_grad_enabled(bool(leaves)):
                loss, outputs = self.loss(candidate, batch, smoothing=smoothing)
            # A mixture whose active options are all zero moves nothing, so that its loss has no gradient.
            known = bool(leaves) and loss.requires_grad
            found = torch.autograd.grad(loss, [*leaves.values()], allow_unused=True) if known else [None] * len(leaves)
        finally:
            for parameter in self.parameters:
                parameter.requires_grad_(True)
        gradient = {
            name: torch.zeros_like(leaf) if each is None else each
            for (name, leaf), each in zip(leaves.items(), found, strict=True)
        }
        return self._measurement(loss.detach(), self._score(outputs, batch.targets), gradient)

    def _answered(self, candidate: Mixture, leaves: dict[str, Tensor], batch: Minibatch) -> Measurement:
        """The gradient when the weights answer by one step on the upcoming training minibatch."""
        seen: list[Tensor] = []

        def validation() -> Tensor:
            with self._validation_pass():
                loss, outputs = self.loss(candidate, batch, smoothing=0.0)
            seen.append(outputs.detach())
            return loss

        def training() -> Tensor:
            seed_generators(self._layers_seed, self.device)  # differences need the same dropout each time
            with self.supernet.moving(), self._training_pass(moves=False):
                return self.loss(candidate, self.upcoming())[0]

        found, loss = second_order(
            training,
            validation,
            self.parameters,
            [*leaves.values()],
            self._virtual_step,
            self.rate,
            exact=self.order == "exact",
        )
        score = self._score(seen[0], batch.targets)
        self.sums[3:6] += torch.stack((loss.double(), score.double(), torch.ones_like(loss).double()))
        return self._measurement(loss, score, dict(zip(leaves, found, strict=True)))

    def _curved(self, proposal: Proposal, batch: Minibatch) -> Measurement:
        """How the gradient changes along a direction. Asked with one mixture in a row, they share a graph."""
        assert proposal.along is not None
        if self._curve is None or self._curve[0] is not proposal.candidate:
            self._curve = None
            candidate, leaves = self._detached(proposal.candidate)
            with constant(self.parameters), unfused(self.supernet), self._validation_pass(proposal):
                curvature = Curvature(lambda: self.loss(candidate, batch, precise=True, smoothing=0.0)[0], leaves)
            self._curve = proposal.candidate, curvature
        curvature = self._curve[1]
        return self._measurement(curvature.loss, curvature.loss.new_tensor(0), curvature.along(proposal.along))

    def _virtual_step(self, gradients: list[Tensor]) -> None:
        """What a step of the optimiser with momentum and weight decay would do to the weights."""
        known = dict(zip(self.parameters, gradients, strict=True))
        for group in self.optimiser.param_groups:
            weights = group["params"]
            buffers = [self.optimiser.state.get(each, {}).get("momentum_buffer") for each in weights]
            torch._foreach_mul_(weights, 1 - self.rate * group["weight_decay"])  # pyright: ignore
            torch._foreach_add_(weights, [known[each] for each in weights], alpha=-self.rate)  # pyright: ignore
            if None not in buffers:
                torch._foreach_add_(weights, buffers, alpha=-self.rate * group["momentum"])  # pyright: ignore

    def _detached(self, candidate: Architecture | Mixture) -> tuple[Any, dict[str, Tensor]]:
        """The candidate apart from the asker's graph, and those of its weights whose gradient is asked for."""
        if not isinstance(candidate, Mixture):
            return candidate, {}
        weights = {
            name: each.detach().to(self.device, non_blocking=True).requires_grad_(each.requires_grad)
            for name, each in candidate.weights.items()
        }
        leaves = {name: each for name, each in weights.items() if each.requires_grad}
        return Mixture(weights, candidate.active), leaves

    def loss(
        self,
        candidate: Architecture | Mixture,
        batch: Minibatch,
        *,
        precise: bool = False,
        smoothing: float | None = None,
    ) -> tuple[Tensor, Tensor]:
        """The problem's loss on one minibatch, with that of an auxiliary head where there is one; and the outputs.

        Where the network has a lesson of its own, the loss is that of the lesson.

        precise: in the precision of the weights.
        smoothing: of the labels; None for that of the weight training.
        """
        inputs, targets, weights = batch
        with nullcontext() if precise else self.precision.autocast(self.device):
            lesson = self.supernet.lesson(inputs, candidate)
            output = self.supernet(inputs, candidate) if lesson is None else lesson.outputs
        self._distances = {} if lesson is None else lesson.distances
        if lesson is not None:
            return torch.stack([*lesson.losses.values()]).sum(), in_full(lesson.outputs)
        outputs, auxiliary = output if isinstance(output, tuple) else (output, None)
        outputs = each_answer(in_full, outputs)
        smoothing = self.settings.label_smoothing if smoothing is None else smoothing
        loss = mean_loss(self.problem, outputs, targets, smoothing, weights)
        if auxiliary is not None:
            extra = mean_loss(self.problem, in_full(auxiliary), targets, smoothing, weights)
            loss = loss + self.settings.auxiliary_weight * extra
        return loss, one_answer(outputs)

    def _score(self, outputs: Tensor, targets: Any) -> Tensor:
        return self.problem.score(outputs.detach(), targets)

    def _measurement(self, loss: Tensor, score: Tensor, gradient: Mapping[str, Tensor]) -> Measurement:
        metrics: dict[str, Any] = {
            "loss": loss,
            "score": score,
            self.problem.score_name: score,
            **self._where(),
            **{f"{OF_BLOCK}{name}": each for name, each in self._distances.items()},
        }
        if self.step % self.steps == 0 or self.is_over:
            metrics |= {f"{LEFT}{name}": value for name, value in self.supernet.left().items()}
        return Measurement(metrics, gradient or None)

    def _where(self) -> dict[str, float]:
        """How far the training is."""
        return {"progress": self.step / self.total, "epoch": float(self.epoch), "steps": float(self.steps)}


def _one(space: Space) -> Architecture:
    """An architecture from the middle of the space; of one without numbers the first that is drawn."""
    if isinstance(space, DecisionSpace):
        return space.at(space.size // 2)
    return space.sample(np.random.default_rng(0))


def by_chance(problem: Problem, held_out: Examples) -> float | None:
    """What the main metric comes to for the best answer that looks at no input; None where none is known."""
    known = problem.constant(held_out.targets)
    if known is None:
        return None
    tally, answer = problem.tally(), known[1].to(held_out.device)
    most = max(1, min(_AT_A_TIME, _NUMBERS // answer.numel()))
    with torch.no_grad():
        for start in range(0, len(held_out), most):
            targets = held_out.batch_targets(start, start + most)
            tally.add(answer.expand(length(targets), *answer.shape), targets)
    return tally.figures()[problem.main.name]


def in_full(outputs: Tensor) -> Tensor:
    """Outputs of half precision in float32; others as they are, so that float64 stays what it is."""
    return outputs.float() if outputs.dtype in (torch.bfloat16, torch.float16) else outputs
