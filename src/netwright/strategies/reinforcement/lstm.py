"""An LSTM that answers one question after the other (Zoph and Le 2017; Pham et al. 2018)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from netwright.core.checks import one_of, positive, whole_number
from netwright.strategies.reinforcement.policy import Answers, Policy, PolicyNetwork, Sharing, Stepper, groups

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from netwright.core.sequence import DecisionSequence, Question


class Lstm(Policy):
    """Each answer is embedded and is the LSTM's next input; from its state a softmax answers the next question.

    With the temperature T and the constant c the softmax is of c tanh(x / T) in place of x, which keeps early answers
    from becoming certain (Bello et al. 2017; Pham et al. 2018). Sources are chosen by a softmax each, where the papers'
    programs attend to the states at the nodes.

    hidden: units of each layer; 35 in NAS-RL, 100 in NASNet and ENAS.
    layers: of the LSTM; 2 in NAS-RL, 1 in NASNet and ENAS.
    temperature: T above; 5 in ENAS.
    tanh_constant: c above; 2.5 in ENAS, None for the identity.
    deviation: weights are drawn uniformly between minus and plus this; 0.08 in NAS-RL, 0.1 in NASNet and ENAS.
    sharing: "question" has embeddings and a softmax for each question, "options" one for all questions of a role that
        have the same options, as ENAS has for the operations of its nodes.
    """

    def __init__(
        self,
        hidden: int = 100,
        layers: int = 1,
        temperature: float = 1.0,
        tanh_constant: float | None = None,
        deviation: float = 0.1,
        sharing: Sharing = "question",
    ) -> None:
        self.hidden = whole_number(self, "hidden", hidden)
        self.layers = whole_number(self, "layers", layers)
        self.temperature = positive(self, "temperature", temperature)
        self.tanh_constant = positive(self, "tanh_constant", tanh_constant, none=True)
        self.deviation = positive(self, "deviation", deviation)
        self.sharing: Sharing = one_of(self, "sharing", sharing, ("question", "options"))

    def network(self, sequence: DecisionSequence) -> LstmNetwork:
        return LstmNetwork(self, groups(sequence, self.sharing), sequence.width)


class LstmNetwork(PolicyNetwork):
    """The network of an `Lstm`.

    policy: its configuration.
    groups: (questions,), the softmax that answers each question.
    width: the most options of a question.
    """

    def __init__(self, policy: Lstm, groups: NDArray[np.int64], width: int) -> None:
        super().__init__()
        self.policy, self.width = policy, width
        count = int(groups.max(initial=0)) + 1
        self.group = groups
        self.numbers = torch.from_numpy(groups)
        self.embedding = nn.Parameter(torch.zeros(1 + count * width, policy.hidden))  # row 0 is before the first answer
        size = policy.hidden
        recurrent = nn.LSTM(size, size, policy.layers, batch_first=True, device="meta")  # draws nothing
        self.recurrent = recurrent.to_empty(device="cpu")
        self.weight = nn.Parameter(torch.zeros(count, width, policy.hidden))
        self.bias = nn.Parameter(torch.zeros(count, width))

    @torch.no_grad()
    def reset(self, rng: np.random.Generator) -> None:
        for each in self.parameters():
            limit = self.policy.deviation
            each.copy_(torch.from_numpy(rng.uniform(-limit, limit, tuple(each.shape))))
        self.bias.zero_()

    def forward(self, answers: Answers) -> Tensor:
        group = self.numbers[answers.questions]
        rows = 1 + group * self.width + answers.tokens
        before = torch.cat([torch.zeros_like(rows[:, :1]), rows[:, :-1]], dim=1)
        states = self.recurrent(self.embedding[before])[0]
        return self._bounded((self.weight[group] @ states.unsqueeze(3)).squeeze(3) + self.bias[group])

    def _bounded(self, scores: Tensor) -> Tensor:
        scores = scores / self.policy.temperature
        constant = self.policy.tanh_constant
        return scores if constant is None else constant * scores.tanh()

    def stepper(self) -> LstmStepper:
        return LstmStepper(self)


class LstmStepper(Stepper):
    """Follows the LSTM answer by answer, in NumPy on the same weights.

    network: whose weights.
    """

    def __init__(self, network: LstmNetwork) -> None:
        self._network, self._policy = network, network.policy
        arrays = {name: each.detach().numpy() for name, each in network.named_parameters()}
        self._embedding, self._weight, self._bias = (arrays[name] for name in ("embedding", "weight", "bias"))
        names = ("weight_ih_l", "weight_hh_l", "bias_ih_l", "bias_hh_l")
        self._layers = [
            tuple(arrays[f"recurrent.{name}{layer}"] for name in names) for layer in range(network.policy.layers)
        ]
        zeros: NDArray[np.floating] = np.zeros(network.policy.hidden, dtype=self._weight.dtype)
        self._states = [(zeros, zeros) for _ in self._layers]
        self._row = 0

    def scores(self, question: Question) -> NDArray[np.floating]:
        state = self._embedding[self._row]
        for layer, weights in enumerate(self._layers):
            state, memory = _step(state, *self._states[layer], *weights)
            self._states[layer] = state, memory
        group, size = self._network.group[question.index], len(question.options)
        scores = (self._weight[group, :size] @ state + self._bias[group, :size]) / self._policy.temperature
        constant = self._policy.tanh_constant
        return scores if constant is None else constant * np.tanh(scores)

    def answered(self, question: Question, option: int) -> None:
        self._row = 1 + int(self._network.group[question.index]) * self._network.width + option


def _step(
    inputs: NDArray[np.floating],
    state: NDArray[np.floating],
    memory: NDArray[np.floating],
    input_weight: NDArray[np.floating],
    state_weight: NDArray[np.floating],
    input_bias: NDArray[np.floating],
    state_bias: NDArray[np.floating],
) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    """The next state and memory of a layer; the gates stand in the order of PyTorch's LSTM."""
    gates = input_weight @ inputs + input_bias + state_weight @ state + state_bias
    size = len(state)
    opened = 0.5 * np.tanh(0.5 * gates) + 0.5  # the logistic function of all, used of three
    memory = opened[size : 2 * size] * memory + opened[:size] * np.tanh(gates[2 * size : 3 * size])
    return opened[3 * size :] * np.tanh(memory), memory
