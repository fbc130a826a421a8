"""What networks must answer and how they are judged: one value that goes with a task's data.

Training, shared weights, scores without training, checks before a search, final tests and exports know only this. A new
kind of problem is a class with four things: the numbers that a network answers with (`outputs`), its metrics, the loss
of each example, and what the metrics come to (`judge`). The rest has defaults that a kind may sharpen.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

from netwright.core.configuration import Configured
from netwright.core.errors import DataError, UserError, nearest
from netwright.core.trees import first

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

    from netwright.core.task import TaskShape

_SCORES = frozenset({"r2", "cohen_kappa", "mcc"})
_ABSURD = 100  # ten thousand percent: MAPE divides by the truth, which may be 0


@dataclass(frozen=True, slots=True)
class Metric:
    """A number that says how good answers are.

    name: such as "accuracy"; on validation examples a search calls it "val_accuracy", a final test "test_accuracy".
    direction: whether it is to be large or small.
    percent: whether it is a share from 0 to 1, which is shown in per cent.
    unit: what stands behind the number, such as "USD"; nothing where it has none.
    label: what people call it, such as "mean IoU"; by default its name in words.
    of_examples: whether it is the share of the examples that are answered rightly, so that its error by the choice of
        examples is that of a share.
    """

    name: str
    direction: Literal["maximize", "minimize"] = "maximize"
    percent: bool = False
    unit: str = ""
    label: str = ""
    of_examples: bool = False

    @property
    def words(self) -> str:
        """What people call it."""
        return self.label or self.name.replace("_", " ")

    @property
    def larger_is_better(self) -> bool:
        return self.direction == "maximize"

    def text(self, value: float, spread: float | None = None) -> str:
        """The value as people read it, with "± spread" where there is one."""
        if self.percent:
            return f"{_percent(value)} %" + ("" if spread is None else f" ± {_percent(spread)}")
        behind = f" {self.unit}" if self.unit else ""
        write = score_text if is_score(self.name) else amount
        return write(value) + ("" if spread is None else f" ± {write(spread)}") + behind

    def difference(self, value: float) -> str:
        """How far one value lies from another, with its sign: points of a share, else in the metric's own unit."""
        if self.percent:
            return f"{100 * value:+.2f} points"
        return f"{'+' if value >= 0 else '-'}{amount(abs(value))}" + (f" {self.unit}" if self.unit else "")


def _percent(value: float) -> str:
    """A share in percent; what no share can be, as that of a truth next to 0, in three digits."""
    return f"{100 * value:.2f}" if abs(value) < _ABSURD else f"{100 * value:.3g}"


def is_score(name: str) -> bool:
    """Whether a metric is 1 at best and about 0 where nothing was learnt. name: without "val_" and the like."""
    return name.partition("_of_")[0] in _SCORES


def score_text(value: float) -> str:
    """A score to four places: what is next to nothing is 0."""
    return f"{round(value, 4) + 0.0:.4g}"


def amount(value: float) -> str:
    """A number of any size with about four digits."""
    size = abs(value)
    if size >= 1000:
        return f"{value:,.0f}"
    return f"{value:.2f}" if size >= 10 else f"{value:.4g}"


@dataclass(frozen=True, slots=True)
class Breakdown:
    """What answers to test examples come to for each label, number or the like: a table of a report.

    title: such as "Each label".
    text: a sentence that says what is shown.
    headings: of the columns.
    rows: as text, a cell a heading.
    """

    title: str
    text: str
    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    @classmethod
    def from_json(cls, described: Mapping[str, Any] | None) -> Breakdown | None:
        """The table of its fields as JSON."""
        if described is None:
            return None
        rows = tuple(tuple(each) for each in described["rows"])
        return cls(described["title"], described["text"], tuple(described["headings"]), rows)


class Tally(ABC):
    """Judges answers batch by batch. Everything stays on the device until `figures`, which waits for it once.

    weighs: whether it takes what each example counts; where it does not, all count alike.
    """

    weighs: bool = False

    @abstractmethod
    def add(self, outputs: Tensor, targets: Any, weights: Tensor | None = None) -> None:
        """Take the answers to a batch of examples.

        outputs: what a network gave, float32 (n, outputs) or (n, outputs, *places).
        targets: what was asked for, as `Examples` hold it.
        weights: what each example counts, float32 (n,); given only to a tally that `weighs`.
        """

    @abstractmethod
    def figures(self) -> dict[str, float]:
        """The loss, and each metric of the problem, over all examples that were added."""


class Watch:
    """Follows an epoch of training at little cost; this one follows nothing.

    A problem whose metric is cheap gives one of its own (`Problem.watch`).
    """

    def add(self, start: int, stop: int, outputs: Tensor) -> None:
        """Take the answers to the examples at places `start` to before `stop` of the epoch's order."""

    def totals(self, seen: int) -> dict[str, Tensor]:
        """Sums over the first `seen` places, float64, by the name of their metric; each is divided by `seen`."""
        return {}


class Problem(Configured, ABC):
    """What networks must answer, and how they are judged: immutable, told by its constructor's arguments.

    kind: in a word, as in "regression".
    score_name: what `score` is, as in "accuracy".
    watched: what `watch` adds up, such as "accuracy".
    network_of: what a trained network is, before what its examples are, as in "A classifier of".
    answered: what it says of an example, in the plural, as in "classes".
    smooths: whether its loss knows label smoothing.
    weighs: whether `judge` takes a third argument, what each example counts (n,); the loss is weighed in any case.
    continues: whether each example goes on where the one before ends, as the windows of a text do: they are then laid
        in parallel streams, not shuffled, and what a network carries goes from one batch to the next.
    outputs: numbers in one answer.
    dense: whether there is an answer at each place (pixel, time, token) of an example.
    void: what stands in targets for a place that is not asked for, where targets lie at the places of the inputs,
        (n, *places), and are moved as these are. None for other targets.
    measured: which of the `further` metrics are measured, too.
    metrics: what is measured on validation and test examples; the first is what a search improves unless it is told
        otherwise, and what reports show.
    """

    kind: ClassVar[str] = "problem"
    network_of: ClassVar[str] = "A network for"
    answered: ClassVar[str] = "answers"
    smooths: ClassVar[bool] = False
    weighs: ClassVar[bool] = False
    continues: ClassVar[bool] = False
    score_name: ClassVar[str] = "score"
    watched: ClassVar[tuple[str, ...]] = ()
    dense: bool = False
    void: int | None = None
    measured: Sequence[str] = ()

    @property
    @abstractmethod
    def outputs(self) -> int: ...

    @property
    @abstractmethod
    def metrics(self) -> tuple[Metric, ...]: ...

    @abstractmethod
    def loss(self, outputs: Tensor, targets: Any) -> Tensor:
        """What training makes small, (n,): one number an example.

        outputs: of a network, float32 (n, outputs) or (n, outputs, *places).
        targets: as `Examples` hold them.
        """

    def judge(self, outputs: Tensor, targets: Any) -> Mapping[str, Any]:
        """Each metric by its name, over all examples at once; numbers or tensors of one number.

        Needed unless `tally` is given. outputs, targets: as of `loss`, of a whole split.
        """
        raise NotImplementedError(
            f"{type(self).__name__} says neither how it judges (judge) nor how it adds up (tally)"
        )

    def tally(self) -> Tally:
        """What judges a split batch by batch; by default all answers are kept and then judged at once."""
        return Collected(self)

    def mean_loss(self, outputs: Tensor, targets: Any, smoothing: float = 0.0) -> Tensor:
        """The mean loss of a batch, a tensor of one number.

        smoothing: of labels (Szegedy et al. 2016), for problems that know it.
        """
        return self.loss(outputs, targets).mean()

    def weighted_loss(self, outputs: Tensor, targets: Any, weights: Tensor, smoothing: float = 0.0) -> Tensor:
        """The mean loss of a batch whose examples count differently, a tensor of one number.

        weights: what each counts, (n,), 1 on average over all training examples.
        smoothing: as of `mean_loss`.
        """
        return (self.loss(outputs, targets) * weights).mean()

    def score(self, outputs: Tensor, targets: Any) -> Tensor:
        """How good the answers to one minibatch are, a tensor of one number, larger is better.

        What strategies of weight sharing are rewarded with; by default exp(-loss), the inverse of a perplexity.
        """
        return (-self.mean_loss(outputs, targets)).exp()

    def watch(self, targets: Any) -> Watch:
        """What follows an epoch of training whose targets, in its order, are these."""
        return Watch()

    # Data.

    def fitted(self, targets: Any) -> Self:
        """The problem as it is for these training targets, such as with their scale; by default the same.

        targets: in the user's units, arrays.
        """
        return self

    def stored(self, targets: Any) -> Any:
        """Targets in the user's units as `Examples` hold them, arrays; by default the same."""
        return targets

    def check(self, targets: Any, which: str) -> None:
        """Raise DataError where these cannot be targets of this problem.

        targets: of a whole split, on the CPU.
        which: of which split, in a word, for the message.
        """

    def require(self, targets: Any, least: int, why: str) -> None:
        """Raise DataError where there are fewer than `least` examples of what needs so many; `why` says what for."""
        if length(targets) < least:
            raise DataError(f"at least {least} examples are needed ({why}), found {length(targets)}")

    def strata(self, targets: Any) -> NDArray[np.int64]:
        """By what splits are drawn, (n,): each number keeps its share in both parts. By default all are alike."""
        import numpy as np

        return np.zeros(length(targets), dtype=np.int64)

    def describe(self, targets: Any) -> Sequence[str]:
        """What is asked for, a line each; the first stands beside what the examples are.

        targets: of the training examples.
        """
        return (self.kind,)

    def in_words(self, outputs: Tensor, targets: Any) -> tuple[str, str]:
        """What is asked for and what is answered, of one example; by default nothing is said.

        outputs, targets: as of `loss`, of a single example.
        """
        return "", ""

    def constant(self, targets: Any) -> tuple[str, Tensor] | None:
        """The best answer that looks at no input, and its name, as in "always the mean"; None where there is none.

        targets: of the training examples. The answer has the shape of one example's, (outputs,) or (outputs, *places).
        """
        return None

    def breakdown(self, outputs: Tensor, targets: Any) -> Breakdown | None:
        """What these answers come to for each label, number or the like, where a report is to say so.

        outputs, targets: as of `loss`, of test examples, on the CPU.
        """
        return None

    def signature(self, shape: TaskShape) -> str:
        """What tells apart equal numbers that are asked for otherwise; a part of the data's fingerprint."""
        return repr((shape, self.replace(measured=()) if self.measured else self))

    # Metrics.

    @property
    def main(self) -> Metric:
        """The metric that a search improves unless it is told otherwise."""
        return self.metrics[0]

    @property
    def further(self) -> Mapping[str, Metric]:
        """Metrics that are measured only where they are asked for, by their name."""
        return {}

    def measuring(self, *names: str) -> Problem:
        """The same problem, measuring these metrics too; UserError for one that it does not know.

        A problem with `further` metrics takes an argument `measured`, the names of those that it measures.
        """
        own = {each.name for each in self.metrics}
        for name in names:
            if name not in own and name not in self.further:
                raise UserError(f"{self.kind} has no metric {name!r}{nearest(name, [*own, *self.further])}")
        more = [name for name in dict.fromkeys(names) if name not in own]
        return self.replace(measured=(*self.measured, *more)) if more else self

    def metric(self, name: str) -> Metric:
        """The metric of this name, with or without "val_" or "test_" before it; the loss is one, too."""
        plain = name.removeprefix("val_").removeprefix("test_").removeprefix("train_")
        if plain == "loss":
            return Metric("loss", "minimize")
        found = {**self.further, **{each.name: each for each in self.metrics}}
        if plain not in found:
            raise UserError(f"{self.kind} has no metric {plain!r}{nearest(plain, found)}")
        return found[plain]

    # Answers, in the words of the user's data.

    def constants(self) -> Mapping[str, Any]:
        """Names in capitals that `code` uses, and their values; see `Preparation.constants`."""
        return {}

    def code(self) -> str:
        """Python text, its imports first, by which an exported `model.py` answers; by default its plain outputs.

        It may import the standard library, torch and what its preparation needs, and stands in a module of
        `netwright.problems.portable`, where tests reach it. It defines five names:

        `predict(network, raw, batch_size=256)`: the answers to examples as their user has them, for Python.
        `options(parser)`: adds what the command line offers to an `argparse.ArgumentParser`; `--json` is there.
        `answers(network, inputs, names, asked) -> list[dict]`: an object that JSON can hold for each example. inputs:
        up to 256 examples as `prepared` gives them; names: of each its file and its name there; asked: the options. It
        may give the network the examples in parts, or one after the other, and write files, such as masks.
        `line(answer) -> str`: one of these objects as people read it, on one line.
        `closing(asked) -> list[str]`: lines behind all answers, as of what all examples come to together.

        It may use these of `results.command_frame`, announced as `respond: Callable[..., Tensor]`:
        `respond(network, inputs) -> Tensor`: what the network gives for prepared examples, on the CPU.
        `responses(network, raw, batch_size) -> list[Tensor]`: the same for raw examples, batch by batch.
        `how_many`, `some` and `joined` of examples, `printable(text)`, and `whole_number(text)` for an option.
        """
        import inspect

        from netwright.core import plain_answers

        return inspect.getsource(plain_answers)


class Collected(Tally):
    """Keeps all answers of a split, and has the problem judge them at once."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.weighs = problem.weighs
        self.losses: list[Tensor] = []
        self.outputs: list[Tensor] = []
        self.targets: list[Any] = []
        self.weights: list[Tensor] = []

    def add(self, outputs: Tensor, targets: Any, weights: Tensor | None = None) -> None:
        losses = self.problem.loss(outputs, targets).double()
        self.losses.append((losses if weights is None else losses * weights).sum())
        self.outputs.append(outputs)
        self.targets.append(targets)
        if weights is not None:
            self.weights.append(weights.double())

    def figures(self) -> dict[str, float]:
        import torch

        from netwright.core.trees import joined

        outputs = torch.cat(self.outputs)
        weights = torch.cat(self.weights) if self.weights else None
        more = () if weights is None else (weights,)
        found = self.problem.judge(outputs, joined(self.targets), *more)
        missing = [each.name for each in self.problem.metrics if each.name not in found]
        if missing:
            raise DataError(f"{type(self.problem).__name__}.judge gave no {missing[0]!r}{nearest(missing[0], found)}")
        values = {each.name: found[each.name] for each in self.problem.metrics}
        total = len(outputs) if weights is None else weights.sum()
        return waited({"loss": torch.stack(self.losses).sum() / total, **values})


def waited(values: Mapping[str, Any]) -> dict[str, float]:
    """Numbers and tensors of one number as numbers, waiting for the device once."""
    import torch

    tensors: dict[str, Any] = {name: each for name, each in values.items() if isinstance(each, torch.Tensor)}
    if tensors:
        there = next(iter(tensors.values())).device
        flat = torch.stack([each.detach().double().reshape(()).to(there) for each in tensors.values()])
        numbers: list[float] = flat.tolist()  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
        values = {**values, **dict(zip(tensors, numbers, strict=True))}
    return {name: float(each) for name, each in values.items()}


def length(targets: Any) -> int:
    """How many examples there are targets of."""
    return len(first(targets))
