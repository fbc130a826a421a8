"""One training under way: its epochs, steps and measurements. `netwright.training.trainer` starts it."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from typing import Any

import torch
from torch import Tensor, nn

from netwright.core.alone import at_work
from netwright.core.carrying import Stream
from netwright.core.errors import Diverged
from netwright.core.members import each_answer, mean_loss, one_answer
from netwright.core.memory_use import peak_on
from netwright.core.task import Data
from netwright.core.trained import PASSES, SECONDS, STEPS
from netwright.training import progress
from netwright.training.augmentation import Batches, Normalisation
from netwright.training.average import WeightAverage
from netwright.training.balance import balanced
from netwright.training.batches import augmentation_generator, layers_seed
from netwright.training.best import Best
from netwright.training.changing import mixed_loss
from netwright.training.evaluation import evaluation_batch, measure, on_device, require_examples
from netwright.training.fresh_statistics import BATCHES, has_statistics, take_fresh_statistics
from netwright.training.laying import Layout
from netwright.training.optimisers import build_optimiser, drop_path_probability, learning_rate, set_learning_rate
from netwright.training.pacing import Clock
from netwright.training.part import BeforeDecay
from netwright.training.precision import Precision
from netwright.training.randomness import seed_generators
from netwright.training.result import Epoch, GivenUp, OutOfTime, TrainingResult
from netwright.training.settings import TrainingSettings
from netwright.training.strength import changes
from netwright.training.walk import Walk

RECENT_EPOCHS = 3
FORWARD = 1 / 3
"""Of a training step takes a pass without gradients."""
FRESH = 2**31
"""The number of the pass from which batches for statistics of averaged weights are drawn."""
STEPS_BETWEEN_LOOKS = 50
"""Steps between two looks at the losses on devices where looking means waiting; on CPU every step is looked at."""


class Loop:
    """One training under way. `curve` has an entry for each epoch done."""

    def __init__(
        self,
        network: nn.Module,
        data: Data,
        settings: TrainingSettings,
        seed: int,
        device: torch.device,
        precision: Precision,
    ) -> None:
        self.network, self.settings, self.seed, self.device, self.precision = network, settings, seed, device, precision
        self.examples, self.held_out = on_device(data.train, device), on_device(data.held_out, device)
        require_examples(self.held_out)
        self.examples = balanced(self.examples, settings.balance)
        self.problem = data.problem
        self.evaluated = evaluation_batch(self.held_out, device, data.problem)
        self.augmentation = changes(data, settings)
        self.normalise = Normalisation.of(data, device, precision.channels_last)
        self.layout = Layout.of(data.problem, len(self.examples), settings.batch_size)
        self.stream = Stream(network) if self.layout.continues else None
        self.steps = self.layout.steps
        if settings.steps_per_epoch is not None:
            self.steps = min(self.steps, settings.steps_per_epoch)
        self.optimiser = build_optimiser(network, settings)
        self.average = None if settings.average is None else WeightAverage(network, settings.average)
        self.refreshes = settings.fresh_statistics and self.average is not None and has_statistics(network)
        self.compiled: Callable[..., Any] = torch.compile(network) if settings.compile else network
        self.autocast = precision.autocast(device)
        self.trainable = [parameter for parameter in network.parameters() if parameter.requires_grad]
        self.drop_path = [module for module in network.modules() if hasattr(module, "drop_path_probability")]
        self.look_every = _looks(device)
        self.weights: Tensor | None = None  # of the examples of the batch that is trained on
        self.curve: list[Epoch] = []
        self.metrics: dict[str, float] = {}
        self.earlier_seconds = 0.0
        self.until = settings.epochs
        self.anneal_by: float | None = None
        self.give_up_at: float | None = None
        self.settles = self.settled = self.decays = False
        self.position, self.pace = 0.0, 1 / settings.epochs  # of the schedule, from 0 to 1; what an epoch adds to it
        self.clock: Clock | None = None
        self.steps_done = 0
        self.is_whole = True  # whether it ends where its settings say, not before
        self.plateau: float | None = None  # epochs done, or seconds spent, when patience was over
        self.judged_on = None if data.problem.dense else len(self.held_out)
        self.best = Best(data.problem.main, settings.keep_best, self.judged_on)
        self.before_decay: BeforeDecay | None = None
        passes = self.layout.steps if settings.seconds is not None else self.steps
        self.walk = Walk(data.problem, passes, self.layout.size, self._batches)

    def run(
        self,
        saved: progress.Saved,
        on_epoch: Callable[[Epoch], None] | None,
        deadline: float | None,
        first_epoch_deadline: float | None,
    ) -> TrainingResult:
        began = time.monotonic()
        saved.restore(self)
        self._start(began)
        stopped = "epochs"
        while not self._is_over():
            epoch = len(self.curve)
            epoch_began = time.monotonic()
            self._hurry(epoch, epoch_began)
            entry = self.train_epoch(epoch, first_epoch_deadline if not self.curve else None)
            self.position += self.pace
            now = time.monotonic()
            last = epoch + 1 == self.until if self.clock is None else self.clock.is_over()
            if not last and deadline is not None and now + self._expected(now - epoch_began) > deadline:
                last, stopped = True, "deadline"
            if self.settled:
                last, stopped = True, "deadline"
            self._finish_epoch(entry, last, epoch_began)
            if not last and self.before_decay is None and self._is_out_of_patience():
                last = not ((self.is_whole or self.settings.part_decay) and self._begin_decay())
            if self.before_decay is None:
                saved.store(self, last, self.earlier_seconds + time.monotonic() - began)
            if on_epoch is not None:
                on_epoch(dict(entry))
            if last:
                break
            if self.clock is not None and not self.decays and self.clock.is_at_part():
                self.clock.parted = True
                self.before_decay = BeforeDecay(self, self.clock.spent())
        curve = tuple(self.curve)
        self._keep_before_decay(saved)
        self._leave_judged_weights()
        self.network.eval()
        return TrainingResult(
            metrics=self._judged_metrics(),
            curve=curve,
            seconds=self.earlier_seconds + time.monotonic() - began,
            epochs=len(curve),
            stopped=self._stopped(stopped),
            precision=self.precision.dtype,
            channels_last=self.precision.channels_last,
            threads=torch.get_num_threads(),
            device=str(self.device),
            peak_memory=peak_on(str(self.device)),
            notes=tuple(saved.notes),
        )

    def _keep_before_decay(self, saved: progress.Saved) -> None:
        """Where the decay of a part was gone through, leave the training as it was before it, to be continued."""
        if self.before_decay is not None:
            self.before_decay.put_back(self)
            saved.store(self, True, self.before_decay.seconds)

    def _start(self, began: float) -> None:
        """Make the plan of this sitting, from what an earlier one left."""
        if self.clock is not None:
            self.clock.start(self.earlier_seconds, began)
            if self.anneal_by is not None:
                self.clock.bring_forward(self.anneal_by)
        if self.is_whole:
            self._begin_decay()

    def _is_over(self) -> bool:
        """Whether nothing is left to train; a training by the clock takes at least one step."""
        if self.plateau is not None and not self.decays:
            return True
        if self.clock is None:
            return len(self.curve) >= self.until
        return bool(self.curve) and self.clock.is_over()

    def _is_out_of_patience(self) -> bool:
        """Whether the last measurement was one too many without a better one, in a phase that patience may end."""
        settings = self.settings
        if settings.patience is None or self.best.since < settings.patience or self.plateau is not None:
            return False
        position = self.position if self.clock is None else self.clock.position
        if settings.schedule == "stable" and position >= 1 - settings.decay:
            return False
        self.plateau = len(self.curve) if self.clock is None else self.clock.spent()
        return True

    def _begin_decay(self) -> bool:
        """Let the rate of a stable schedule fall from here on, for its share of all that was; whether it does."""
        settings, plateau = self.settings, self.plateau
        if plateau is None or self.decays or settings.schedule != "stable" or not 0 < settings.decay < 1:
            return False
        self.decays, stable = True, 1 - settings.decay
        if self.clock is not None:
            self.clock.shorten(plateau / stable)
            return True
        left = max(1, min(round(plateau * settings.decay / stable), self.until - len(self.curve)))
        self.until, self.position, self.pace = len(self.curve) + left, stable, settings.decay / left
        return True

    def _leave_judged_weights(self) -> None:
        """Give the network the weights that are judged and returned."""
        if self.best.weights is not None:
            self.network.load_state_dict(dict(self.best.weights))
        elif self.average is not None:
            self.average.exchange()

    def _judged_metrics(self) -> dict[str, float]:
        """Of the weights that are returned, and where it cannot be told beforehand how long they were trained."""
        settings, best = self.settings, self.best
        metrics, steps, seconds = dict(self.metrics), self.steps_done, self._spent
        if settings.keep_best and best.metrics is not None:
            metrics, steps, seconds = dict(best.metrics), best.steps, best.seconds
        if not settings.varies:
            return metrics
        by_clock = {} if self.clock is None else {SECONDS: seconds}
        return {**metrics, STEPS: float(steps), PASSES: steps / self.layout.steps, **by_clock}

    @property
    def _spent(self) -> float:
        """Seconds of training and measuring so far; 0 where the training is not by the clock."""
        return 0.0 if self.clock is None else self.clock.spent()

    def _stopped(self, stopped: str) -> Any:
        if self.plateau is not None:
            return "patience"
        return "deadline" if self.hurried else stopped

    @property
    def hurried(self) -> bool:
        """Whether the schedule ends earlier than was planned."""
        return self.pace != 1 / self.settings.epochs or (self.clock is not None and self.clock.is_shortened)

    def _hurry(self, epoch: int, now: float) -> None:
        """Bring the schedule to its end in fewer epochs where those left would not fit before `anneal_by`."""
        if self.anneal_by is None or not self.curve or self.clock is not None:
            return
        seconds = [entry["seconds"] for entry in self.curve[-RECENT_EPOCHS:]]
        fitting = max(1, int((self.anneal_by - now) / max(sum(seconds) / len(seconds), 1e-9)))
        if fitting < self.until - epoch:
            self.until, self.pace = epoch + fitting, (1 - self.position) / fitting

    def _expected(self, training_seconds: float) -> float:
        return max(training_seconds, self.curve[-1]["seconds"] if self.curve else 0.0)

    def _finish_epoch(self, entry: Epoch, last: bool, began: float) -> None:
        """Measures where it is due, and adds the entry to the curve."""
        epoch = int(entry["epoch"])
        if last or epoch % self.settings.evaluate_every == 0:
            measured = self._timed_measurement(entry)
            if not math.isfinite(measured["val_loss"]):
                raise self._diverged("held-out loss", epoch, self.steps, measured["val_loss"])
            entry |= measured
        entry["seconds"] = time.monotonic() - began
        self.curve.append(entry)
        self.metrics |= _metrics(entry)

    def _timed_measurement(self, entry: Epoch) -> dict[str, float]:
        began = 0.0 if self.clock is None else time.monotonic()
        measured = self.measure_held_out(entry)
        if self.clock is not None:
            self.clock.measuring = time.monotonic() - began
        return measured

    def measure_held_out(self, entry: Epoch) -> dict[str, float]:
        """Loss and accuracy on the held-out examples, of the averaged weights where there is an average.

        entry: of the curve, for which it is measured.
        """
        with self.average.in_place() if self.average is not None else nullcontext():
            if self.refreshes:
                take_fresh_statistics(self.network, self._fresh_batches(), self.autocast)
            found = measure(self.network, self.held_out, self.problem, self.normalise, self.precision, self.evaluated)
            measured = {f"val_{name}": value for name, value in found.items()}
            if math.isfinite(measured["val_loss"]):
                aside, metrics = self.before_decay is not None, _metrics({**entry, **measured})
                self.best.note(metrics, self.steps_done, self.network.state_dict, seconds=self._spent, aside=aside)
        return measured

    def train_epoch(self, epoch: int, deadline: float | None) -> Epoch:
        """One pass over the training examples; the losses stay on the device until it is looked at.

        Where the time to settle comes within it, the pass ends there, and the entry says after how many steps.
        """
        clock, device, walk = self.clock, self.device, self.walk
        seed_generators(layers_seed(self.seed, epoch), device)
        self._drop_paths(epoch)
        if clock is None:
            walk.begin(epoch)
        else:
            clock.begin()
            walk.note()
        losses: list[Tensor] = []
        rate, looked, began = 0.0, 0, time.monotonic()
        self.network.train()
        while True:
            done = len(losses)
            rate = self._rate(epoch, done) if clock is None else clock.rate()
            set_learning_rate(self.optimiser, rate)
            batch, self.weights = walk.next(), walk.weights
            with at_work():
                loss, outputs = self.step(*batch)
            losses.append(loss)
            walk.answered(outputs)
            done += 1
            if done - looked == self.look_every:
                self._look(losses, looked, epoch)
                looked = done
                if deadline is not None and time.monotonic() > deadline:
                    raise OutOfTime(f"the time was over after {done}{self._of_steps} of the first epoch")
                if self._time_is_up(epoch, done, began):
                    break
            if done == self.steps if clock is None else self._is_due(clock, done, began):
                break
        self._look(losses, looked, epoch)
        self.steps_done += done
        seen, lost, watched = walk.totals(torch.stack(losses))
        total, *found = torch.stack([lost, *watched.values()]).tolist()
        entry = {
            "epoch": epoch + 1,
            "train_loss": total / seen,
            **{f"train_{name}": value / seen for name, value in zip(watched, found, strict=True)},
            "learning_rate": rate,
        }
        return entry if done == self.steps and clock is None else {**entry, "steps": done}

    def _batches(self, number: int) -> tuple[Batches, int]:
        """The batches of one pass, and how many examples are in its order."""
        repeats = self.settings.repeats
        order = self.layout.order(len(self.examples), self.seed, number, self.device, repeats)
        if self.stream is not None:
            self.stream.restart()
        generator = augmentation_generator(self.seed, number, self.device)
        batches = Batches(self.examples, order, self.normalise, self.augmentation, generator, self.problem.void)
        return batches, len(order)

    def _fresh_batches(self) -> Iterator[Any]:
        """Inputs of the same few batches each time, drawn as those of a pass that no training comes to."""
        size, count = self.layout.size, min(BATCHES, self.layout.steps)
        order = self.layout.order(len(self.examples), self.seed, FRESH, self.device)[: size * count]
        generator = augmentation_generator(self.seed, FRESH, self.device)
        batches = Batches(self.examples, order, self.normalise, self.augmentation, generator, self.problem.void)
        for number in range(count):
            yield batches(number * size, (number + 1) * size)[0]

    def _drop_paths(self, epoch: int) -> None:
        """Drop path rises with the epochs, or with the share of the time that is spent."""
        probability = drop_path_probability(self.settings, epoch)
        if self.clock is not None:
            probability = self.settings.drop_path * self.clock.position
        for module in self.drop_path:
            module.drop_path_probability = probability  # pyright: ignore

    def _rate(self, epoch: int, done: int) -> float:
        """The learning rate of an epoch's next step."""
        settings, step = self.settings, float(epoch * self.steps + done)
        if self.hurried:
            step = self.position * settings.epochs * self.steps + done * (self.pace * settings.epochs)
        return learning_rate(settings, step, settings.epochs * self.steps)

    def _is_due(self, clock: Clock, done: int, began: float) -> bool:
        if self.settings.steps_per_epoch is not None and done >= self.settings.steps_per_epoch:
            return True
        return clock.is_due(self._measuring(done, time.monotonic() - began))

    def _measuring(self, done: int, seconds: float) -> float:
        """Seconds that a measurement will take, by those of so many steps."""
        batches = len(self.held_out) / self.settings.batch_size
        if self.refreshes:
            batches += min(BATCHES, self.layout.steps)
        return FORWARD * seconds / done * batches

    @property
    def _of_steps(self) -> str:
        return " steps" if self.clock is not None else f" of {self.steps} steps"

    def _time_is_up(self, epoch: int, done: int, began: float) -> bool:
        """Whether the training settles with the steps that it has done, so that it is measured in time; or GivenUp."""
        if self.give_up_at is None or (done == self.steps and self.clock is None):
            return False
        now = time.monotonic()
        if not self.settles:
            if now > self.give_up_at:
                raise GivenUp(
                    f"the time was up in epoch {epoch + 1}, step {done}{self._of_steps.removesuffix(' steps')}"
                )
            return False
        if self.clock is not None:
            return False  # it ends by then in any case
        self.settled = now + self._measuring(done, now - began) > self.give_up_at
        return self.settled

    def step(self, inputs: Any, targets: Any) -> tuple[Tensor, Tensor]:
        """One step of the optimiser. Loss and outputs as they were before it, without gradient, on the device."""
        settings = self.settings
        with self.autocast, nullcontext() if self.stream is None else self.stream.next():
            output = self.compiled(inputs)
        outputs, auxiliary = output if isinstance(output, tuple) else (output, None)
        outputs = each_answer(Tensor.float, outputs)
        loss = self._loss(outputs, targets)
        if auxiliary is not None:
            loss = loss + settings.auxiliary_weight * self._loss(auxiliary.float(), targets)
        self.optimiser.zero_grad()
        loss.backward()
        if settings.gradient_clip is not None:
            nn.utils.clip_grad_norm_(self.trainable, settings.gradient_clip)
        self.optimiser.step()
        if self.average is not None:
            self.average.update()
        return loss.detach(), one_answer(outputs).detach()

    def _loss(self, outputs: Any, targets: Any) -> Tensor:
        smoothing = self.settings.label_smoothing

        def of(targets: Any, weights: Tensor | None) -> Tensor:
            return mean_loss(self.problem, outputs, targets, smoothing, weights)

        return mixed_loss(of, targets, self.weights)

    def _look(self, losses: list[Tensor], start: int, epoch: int) -> None:
        """Raise Diverged where one of these losses, from `start` on, is not finite."""
        recent = losses[start:]
        if not recent or math.isfinite((recent[0] if len(recent) == 1 else torch.stack(recent).sum()).item()):
            return
        for step, loss in enumerate(losses[start:], start + 1):
            if not math.isfinite(loss.item()):
                raise self._diverged("loss", epoch + 1, step, loss.item())

    def _diverged(self, what: str, epoch: int, step: int, value: float) -> Diverged:
        reason = f"{what} {value} in epoch {epoch}, step {step}{self._of_steps.removesuffix(' steps')}"
        problem = Diverged(f"{reason}; a smaller learning rate or gradient_clip may help", self.metrics, self.curve)
        problem.epoch, problem.step = epoch, step  # pyright: ignore[reportAttributeAccessIssue]
        return problem


def _metrics(entry: Epoch) -> dict[str, float]:
    return {name: value for name, value in entry.items() if name.startswith(("train_", "val_"))}


def _looks(device: torch.device) -> int:
    return 1 if device.type == "cpu" else STEPS_BETWEEN_LOOKS
