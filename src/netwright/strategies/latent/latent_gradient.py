"""Neural architecture optimisation (Luo et al. 2018): gradient ascent where architectures are encoded."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import torch

from netwright.core.architecture import Architecture
from netwright.core.checks import not_negative, positive, probability, whole_number
from netwright.core.decision_space import DecisionSpace
from netwright.core.space import Space
from netwright.core.strategy import Remembering
from netwright.core.trial import Proposal
from netwright.strategies.joint import settled
from netwright.strategies.latent.fitting import fit
from netwright.strategies.latent.model import EncoderPredictorDecoder
from netwright.strategies.latent.vocabulary import Vocabulary
from netwright.strategies.rewards import Rewards
from netwright.strategies.told import noted, recalled
from netwright.strategies.unseen import Unseen

if TYPE_CHECKING:
    from netwright.core.decisions import Point
    from netwright.core.trial import Trial

_MOST_INT = 2**31
_AT_ONCE = 5  # steps that are decoded together


class LatentGradient(Remembering):
    """Encodes the best architectures, moves them up the gradient of the predicted score, and decodes new ones.

    It begins with `initial` random architectures. Then, a round: encoder, predictor and decoder learn from all that was
    evaluated; the best `seeds` architectures are encoded, moved by eta = `step`, 2 `step`, ... times the gradient and
    decoded, `steps` times or until `new` architectures came out that were not asked. A round asks what came out, or one
    random architecture where nothing did. Only valid architectures are decoded: of each decision's tokens, the
    likeliest.

    The defaults are those of the authors' program for searches without weight sharing (NAO/cnn/epd: `train.sh`, and the
    steps 10, 20 and 30 of its README) after the paper's 600 random architectures; below 600 evaluations it is random
    search. That program reads three tokens of its own space in one step of the encoder, and its exchange of a block's
    two inputs multiplies the examples in spaces that have such symmetries: neither is done here.

    A fit passes over all trials in each epoch, so its time is in proportion to them; what was measured is in the guide
    to Bayesian optimisation.

    No architecture is asked twice, until SpaceExhausted. `ask` gives None while a round waits for pending trials. The
    model learns scores scaled to 0..1, of several objectives their mean; trials that did not complete are left out.

    space: the one to search.
    initial: random architectures first; 600 in the paper.
    new: architectures of each round, at most.
    seeds: how many of the best are encoded.
    step: the smallest eta.
    steps: how many etas there are.
    epochs: of a fit.
    again: epochs of every later fit, which then goes on from the last weights; None: each round learns anew.
    hidden: size of the two LSTMs' states.
    embedding: size of the encoder's embedding.
    layers: of the predictor.
    width: of the predictor's layers.
    dropout: of the encoder's states.
    trade_off: lambda in lambda MSE + (1 - lambda) NLL.
    rate: learning rate of Adam.
    decay: weight decay of Adam.
    batch: examples in a minibatch.
    """

    needs: ClassVar[type[Space]] = DecisionSpace
    space: DecisionSpace

    def __init__(
        self,
        space: DecisionSpace,
        initial: int = 600,
        new: int = 300,
        seeds: int = 100,
        step: float = 10.0,
        steps: int = 3,
        epochs: int = 1000,
        again: int | None = None,
        hidden: int = 96,
        embedding: int = 32,
        layers: int = 0,
        width: int = 100,
        dropout: float = 0.1,
        trade_off: float = 0.8,
        rate: float = 1e-3,
        decay: float = 1e-4,
        batch: int = 50,
    ) -> None:
        self.space = space
        self.initial = whole_number(self, "initial", initial)
        self.new = whole_number(self, "new", new)
        self.seeds = whole_number(self, "seeds", seeds)
        self.step = positive(self, "step", step)
        self.steps = whole_number(self, "steps", steps)
        self.epochs = whole_number(self, "epochs", epochs)
        self.again = None if again is None else whole_number(self, "again", again, least=0)
        self.hidden = whole_number(self, "hidden", hidden)
        self.embedding = whole_number(self, "embedding", embedding)
        self.layers = whole_number(self, "layers", layers, least=0)
        self.width = whole_number(self, "width", width)
        self.dropout = probability(self, "dropout", dropout)
        self.trade_off = probability(self, "trade_off", trade_off)
        self.rate, self.decay = not_negative(self, "rate", rate), not_negative(self, "decay", decay)
        self.batch = whole_number(self, "batch", batch)
        self._unseen = Unseen(space)
        self._rewards = Rewards()
        self._completed: list[Trial] = []
        self._left = self.initial  # of this round
        self._pending = 0
        self._queue: list[Proposal] = []  # the next one last
        self._vocabulary: Vocabulary | None = None
        self._model: EncoderPredictorDecoder | None = None

    def ask(self, rng: np.random.Generator) -> Proposal | None:
        if not self._left:
            if self._pending:
                return None
            self._queue = self._generated(rng)[::-1] if len(self._completed) > 1 else []
            self._left = len(self._queue) or 1
        proposal = self._queue.pop() if self._queue else Proposal(self._unseen.draw(rng))
        self._left -= 1
        self._pending += 1
        return proposal

    def tell(self, trial: Trial) -> None:
        self._pending -= 1
        self._rewards.see(trial)
        if trial.completed:
            self._completed.append(trial)

    def memory(self) -> Mapping[str, Any]:
        weights = {} if self._model is None or self.again is None else self._model.state_dict()
        return {
            "told": noted(self._completed, self.space),
            "unseen": self._unseen.memory(),
            "left": self._left,
            "pending": self._pending,
            "queue": [[list(_point(each)), each.parent] for each in self._queue],
            "model": {name: each.numpy() for name, each in weights.items()},
        }

    def remember(self, memory: Mapping[str, Any]) -> None:
        self._completed = recalled(memory["told"], self.space)
        for trial in self._completed:
            self._rewards.see(trial)
        self._unseen.remember(memory["unseen"])
        self._left, self._pending = memory["left"], memory["pending"]
        self._queue = [
            Proposal(self.space.from_indices(tuple(point), check=False), parent=each) for point, each in memory["queue"]
        ]
        if memory["model"]:
            self._vocabulary = Vocabulary(self.space.decisions)
            with _own_generator(0):
                self._model = self._fresh(self._vocabulary)
            self._model.load_state_dict({name: torch.from_numpy(each) for name, each in memory["model"].items()})
            self._model.eval()

    def _generated(self, rng: np.random.Generator) -> list[Proposal]:
        """A round (Algorithm 1): learn, then decode new architectures from the best, up to `new`."""
        if not len(self.space.decisions):
            return []
        self._vocabulary = vocabulary = self._vocabulary or Vocabulary(self.space.decisions)
        model = self._learnt(vocabulary, int(rng.integers(_MOST_INT)))
        best = sorted(self._completed, key=lambda trial: -self._rewards.of(trial))[: self.seeds]
        with torch.no_grad():
            tokens = torch.tensor(
                [vocabulary.encode(self.space.indices(trial.architecture)) for trial in best], device="cpu"
            )
            states = model.encode(tokens)
            gradient = model.gradient(states)
            found: list[Proposal] = []
            for first in range(1, self.steps + 1, _AT_ONCE):
                numbers = range(first, min(first + _AT_ONCE, self.steps + 1))
                moved = [model.moved(states, gradient, self.step * number) for number in numbers]
                points = model.read(torch.cat(moved), vocabulary)
                self._keep_new(points, best * len(moved), found, rng)
                if len(found) == self.new:
                    break
        return found

    def _keep_new(
        self, points: Sequence[Point], parents: Sequence[Trial], found: list[Proposal], rng: np.random.Generator
    ) -> None:
        """Adds those that are allowed, or the nearest that are listed, and were not asked, up to `new`."""
        for trial, point in zip(parents, points, strict=True):
            if len(found) == self.new:
                return
            near = settled(self.space.decisions, point, rng)
            if near is not None and self._unseen.add(architecture := self.space.from_indices(near, check=False)):
                found.append(Proposal(architecture, parent=trial.number))

    def _learnt(self, vocabulary: Vocabulary, seed: int) -> EncoderPredictorDecoder:
        """The model after learning from all completed trials."""
        with _own_generator(seed):
            model, epochs = self._model, self.again
            if model is None or epochs is None:
                model, epochs = self._fresh(vocabulary), self.epochs
            fit(
                model,
                [vocabulary.encode(self.space.indices(trial.architecture)) for trial in self._completed],
                self._rewards.each(self._completed),
                epochs=epochs,
                batch=self.batch,
                trade_off=self.trade_off,
                rate=self.rate,
                decay=self.decay,
            )
        self._model = model
        return model

    def _fresh(self, vocabulary: Vocabulary) -> EncoderPredictorDecoder:
        """A model that has learnt nothing, from torch's current generator."""
        sizes = self.hidden, self.embedding, self.layers, self.width
        with torch.device("cpu"):
            return EncoderPredictorDecoder(vocabulary.size, *sizes, self.dropout)


def _point(proposal: Proposal) -> Point:
    assert isinstance(proposal.candidate, Architecture)
    return proposal.candidate.content


@contextmanager
def _own_generator(seed: int) -> Generator[None]:
    """Inside, torch draws from a generator of its own on the CPU; outside, its global one has not moved."""
    with torch.random.fork_rng(devices=[]), torch.enable_grad():
        torch.default_generator.manual_seed(seed)
        yield
