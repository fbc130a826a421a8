"""ENAS: a controller that learns on weights which all networks share, for cells, whole networks and recurrent cells."""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from netwright.core.errors import UserError
from netwright.methods.weight_sharing import Scale, resolved

if TYPE_CHECKING:
    from netwright.core.decision_space import DecisionSpace
    from netwright.engine.search import Search
    from netwright.tasks.task import Task

__all__ = ["enas", "enas_macro", "enas_rnn"]

PAPERS = {
    "enas": (
        "netwright search DATA --method enas",
        "the attention by which its controller chooses inputs, and the smaller tanh constant of its operations",
    ),
    "enas_workshop": (
        "netwright search DATA --method enas-macro",
        "the attention by which its controller chooses what is joined",
    ),
}
SPACES = {
    "enas": "nasnet:cells=5,channels=8,nodes=5,operations=enas,projected=true",
    "enas_macro": "enas-macro:channels=16",
    "enas_rnn": "recurrent:nodes=11,output=loose",
}

CODE: Mapping[str, Any] = {
    "split": lambda scale: max(0.1, min(0.2, 1000 / scale.examples)),
    "learning_rate": 0.05,
    "minimum_learning_rate": 0.0005,
    "nesterov": True,
    "gradient_clip": 5.0,
    "affine": True,
    "stages": lambda scale: restarts(scale.epochs),
}
"""The weight training of the authors' program for images: SGD with Nesterov's momentum, cosines that begin anew."""
FIRST_CYCLE = 10  # epochs until the learning rate begins anew for the first time; each time it takes twice as long
EPOCHS_WITH_THE_FIRST_RATE = 0.1  # share of the training of recurrent cells before the rate decays
DECAY, DECAYING_EPOCHS = 0.96, 150  # of that rate in each epoch, where there are so many


def enas(
    space: DecisionSpace,
    task: Task,
    *,
    epochs: int = 150,
    steps: int | None = None,
    samples: int = 10,
    candidates: int = 10,
    rate: float = 3.5e-3,
    seed: int = 0,
    device: str = "auto",
    **settings: Any,
) -> Search:
    """ENAS for cells (Pham et al. 2018): an LSTM draws what shared weights train on, and learns from what they score.

    Defaults are those of the authors' program: a rate that falls from 0.05 to 0.0005 by cosines of 10, 20, 40 and 80
    epochs, and behind each epoch steps of the controller by REINFORCE. Shorter trainings have fewer cosines, of lengths
    that double, too. Published on CIFAR-10: 2.89 % test error with 4.6 M parameters and cutout, in 0.45 GPU days. Left
    out are the attention by which its controller chooses inputs, the smaller tanh constant of its operations, and the
    auxiliary classifier, which `--space nasnet:auxiliary=true` adds.

    space: the one to search; on the command line ENAS's cells, 5 of 8 channels, in the authors' program 8 of 20.
    task: the data.
    epochs: of the training of the shared weights; 150 in the authors' program.
    steps: of the controller behind each epoch; None for 30 to 281 steps of the weights, as in the authors' program.
    samples: networks of one step of the controller; 10 in the authors' program.
    candidates: networks that are evaluated in the end; 10 in the authors' program.
    rate: of the controller's Adam; 0.0035 in the authors' program.
    seed: everything random follows from it.
    device: "auto", "cpu", "cuda", "cuda:1", ...
    settings: any training setting and any option of `SharedWeights`, by name.
    """
    _require_images("enas", task)
    from netwright.strategies.reinforcement import Learning, Lstm, SharedController

    found = resolved(task, epochs, {**CODE, "batch_size": 160, "weight_decay": 2e-4}, settings)
    count = _as_many(found.scale, 30, 281) if steps is None else steps
    policy = Lstm(64, tanh_constant=1.1, sharing="options")
    learning = Learning(learning_rate=rate, baseline=0.99, entropy=1e-4)
    strategy = SharedController(space, policy, learning, count, samples, candidates)
    return found.search(strategy, seed=seed, device=device)


def enas_macro(
    space: DecisionSpace,
    task: Task,
    *,
    epochs: int = 310,
    steps: int | None = None,
    samples: int = 20,
    candidates: int = 10,
    rate: float = 1e-3,
    seed: int = 0,
    device: str = "auto",
    **settings: Any,
) -> Search:
    """ENAS for whole networks (Pham et al. 2018): layers with an operation and any earlier layers joined.

    Defaults are those of the authors' program: cosines of 10 to 160 epochs, and a penalty on the distance of skip
    connections from a probability of 0.4. Published on CIFAR-10: 4.23 % test error with 21.3 M parameters, 3.87 % with
    38 M. Left out is the attention by which its controller chooses what is joined.

    space: the one to search; on the command line `enas-macro` of 16 channels, in the authors' program of 36.
    task: the data.
    epochs: of the training of the shared weights; 310 in the authors' program.
    steps: of the controller behind each epoch; None for 50 to 351 steps of the weights, as in the authors' program.
    samples: networks of one step of the controller; 20 in the authors' program.
    candidates: networks that are evaluated in the end; 10 in the authors' program.
    rate: of the controller's Adam; 0.001 in the authors' program.
    seed: everything random follows from it.
    device: "auto", "cpu", "cuda", "cuda:1", ...
    settings: any training setting and any option of `SharedWeights`, by name.
    """
    _require_images("enas-macro", task)
    from netwright.strategies.reinforcement import Learning, Lstm, SharedController

    found = resolved(task, epochs, {**CODE, "batch_size": 128, "weight_decay": 5e-4}, settings)
    count = _as_many(found.scale, 50, 351) if steps is None else steps
    learning = Learning(
        learning_rate=rate, baseline=0.99, entropy=1e-4, skip_weight=0.8 * _links(space), skip_target=0.4
    )
    strategy = SharedController(
        space, Lstm(64, tanh_constant=1.5, sharing="options"), learning, count, samples, candidates
    )
    return found.search(strategy, seed=seed, device=device)


def enas_rnn(
    space: DecisionSpace,
    task: Task,
    *,
    epochs: int = 150,
    steps: int | None = None,
    samples: int = 1,
    candidates: int = 10,
    rate: float = 3.5e-4,
    seed: int = 0,
    device: str = "auto",
    **settings: Any,
) -> Search:
    """ENAS for recurrent cells (Pham et al. 2018): the controller is rewarded with 80 / perplexity.

    The weights train by SGD at 20, which decays by 0.96 in each epoch behind the first tenth, and no gradient is longer
    than 0.25, as in the paper. The numbers of the controller's steps are those of the program that the paper's list
    names (carpedm20/ENAS-pytorch). Published on Penn Treebank: test perplexity 55.8. Left out are the penalties on
    the sizes and the changes of states.

    space: the one to search; on the command line `recurrent` with 11 nodes.
    task: a text.
    epochs: of the training of the shared weights; 150 in the paper.
    steps: of the controller behind each epoch; None for 2,000 to 400 steps of the weights, as in that program.
    samples: networks of one step of the controller; 1 in that program.
    candidates: networks that are evaluated in the end.
    rate: of the controller's Adam; 0.00035 in the paper.
    seed: everything random follows from it.
    device: "auto", "cpu", "cuda", "cuda:1", ...
    settings: any training setting and any option of `SharedWeights`, by name.
    """
    if not task.shape.is_tokens or not task.shape.dense:
        raise UserError(
            f"enas-rnn finds recurrent cells for the next token of a text, but the task is {_named(task)}; use enas"
        )
    from netwright.strategies.reinforcement import Learning, Lstm, SharedController

    published = {
        "split": 0.1,
        "batch_size": 64,
        "learning_rate": 20.0,
        "minimum_learning_rate": 0.0,
        "schedule": "constant",
        "momentum": 0.0,
        "weight_decay": 1e-7,
        "gradient_clip": 0.25,
        "stages": lambda scale: decaying(scale.epochs, float(scale["learning_rate"])),
    }
    found = resolved(task, epochs, published, settings)
    count = _as_many(found.scale, 2000, 400) if steps is None else steps
    policy = Lstm(100, temperature=5.0, tanh_constant=2.5, sharing="options")
    learning = Learning(learning_rate=rate, baseline=0.95, entropy=1e-4)
    strategy = SharedController(space, policy, learning, count, samples, candidates, reward="perplexity")
    return found.search(strategy, seed=seed, device=device)


def restarts(epochs: int) -> list[dict[str, Any]]:
    """Stages of the weight training, each with a cosine of its own and twice as long as the one before.

    epochs: of all; 150 are 10, 20, 40 and 80, 310 are these and 160. Of others there are as many as would fit at these
        lengths, at least one, stretched to so many epochs in all.
    """
    count = max(1, int(math.log2(epochs / FIRST_CYCLE + 1) + 1e-9))
    ends = [round(epochs * (2**number - 1) / (2**count - 1)) for number in range(count + 1)]
    lengths = [after - before for before, after in pairwise(ends)]
    return [{"epochs": length, **({"goes_on": True} if number else {})} for number, length in enumerate(lengths)]


def decaying(epochs: int, rate: float) -> list[dict[str, Any]]:
    """Stages of an epoch each in which the rate decays, behind a first one in which it stays.

    epochs: of all.
    rate: of the first stage; in the end it has come down as far as in the paper's 150 epochs.
    """
    first = max(1, round(EPOCHS_WITH_THE_FIRST_RATE * epochs))
    factor = DECAY ** (DECAYING_EPOCHS / epochs)
    rates = [rate * factor**number for number in range(1, epochs - first + 1)]
    return [{"epochs": first}, *({"epochs": 1, "learning_rate": each, "goes_on": True} for each in rates)]


def _as_many(scale: Scale, steps: int, weight_steps: int) -> int:
    """Steps of the controller behind an epoch, for the steps that the weights have in one.

    steps: in a paper, whose epochs have `weight_steps`.
    """
    return max(1, round(steps * scale.steps / weight_steps))


def _links(space: DecisionSpace) -> float:
    """Connections that a layer decides on, in the mean: over layers the authors take the mean, and in each the sum."""
    names = [each.name.rpartition("/")[0] for each in space.decisions if each.kind == "link"]
    return len(names) / max(1, len(set(names)))


def _require_images(method: str, task: Task) -> None:
    if task.shape.is_tokens:
        raise UserError(f"{method} finds networks for images, but the task is {_named(task)}; use enas-rnn")


def _named(task: Task) -> str:
    return (
        f"one answer for {task.shape.kind}" if not task.shape.dense else f"an answer at each place of {task.shape.kind}"
    )
