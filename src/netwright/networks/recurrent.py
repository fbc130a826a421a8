"""Recurrent layers whose cell is a graph of highway steps, and the network around them (Liu et al. 2019).

A layer that carries its state from one window of a text to the next has two plain attributes: `carries`, whether it
does so at the moment, and `state`, what it goes on from (None for zeros). See `netwright.core.carrying`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor, nn

INITIAL = 0.04  # weights are drawn from -0.04 to 0.04, as the authors of DARTS have it


class LockedDropout(nn.Module):
    """Drops the same features of an example at all of its times (Gal and Ghahramani 2016).

    p: probability of dropping.

    `redraw` draws for the examples of a window; until then every call drops the same.
    """

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p
        self.mask: Tensor | None = None

    def redraw(self, examples: int, features: int, like: Tensor) -> None:
        """Draw anew for so many examples and features, in the place and precision of `like`."""
        kept = torch.rand(examples, features, device=like.device) >= self.p
        self.mask = kept.to(like.dtype) / (1 - self.p)

    def forward(self, x: Tensor) -> Tensor:
        """x: (n, features) or (n, length, features)."""
        if not self.training or self.mask is None or self.p == 0:
            return x
        return x * (self.mask if x.dim() == 2 else self.mask.unsqueeze(1))

    def extra_repr(self) -> str:
        return f"p={self.p}"


class Highway(nn.Module):
    """s + c (f(h) - s), with (c, h) = s W and c through a sigmoid: how far a state becomes a new one.

    linear: W, from the features of a state to twice as many; the options of one node share it.
    activation: f.
    dropout: of what W reads.
    """

    def __init__(self, linear: nn.Module, activation: nn.Module, dropout: nn.Module) -> None:
        super().__init__()
        self.dropout = dropout
        self.linear = linear
        self.activation = activation

    def forward(self, state: Tensor) -> Tensor:
        gate, new = self.linear(self.dropout(state)).chunk(2, -1)
        return state + gate.sigmoid() * (self.activation(new) - state)


class RecurrentCell(nn.Module):
    """One time step: the input and the state before join in state 0, each node makes one more of them.

    channels: of the input and of every state.
    nodes: modules that take the list of the states so far.
    output: the states whose mean is the new state.
    input_dropout, state_dropout: of the input and of the state before, as they are joined.
    """

    def __init__(
        self,
        channels: int,
        nodes: Iterable[nn.Module],
        output: Sequence[int],
        input_dropout: nn.Module,
        state_dropout: nn.Module,
    ) -> None:
        super().__init__()
        self.input_dropout, self.state_dropout = input_dropout, state_dropout
        self.entrance = nn.Linear(2 * channels, 2 * channels, bias=False)
        self.nodes = nn.ModuleList(nodes)
        self.output = output

    def entered(self, x: Tensor, before: Tensor) -> Tensor:
        """State 0: (n, channels)."""
        joined = torch.cat((self.input_dropout(x), self.state_dropout(before)), -1)
        gate, new = self.entrance(joined).chunk(2, -1)
        return before + gate.sigmoid() * (new.tanh() - before)

    def forward(self, x: Tensor, before: Tensor) -> Tensor:
        """x: (n, channels), the input at one time. before: (n, channels), the state; gives the next one."""
        states = [self.entered(x, before)]
        for node in self.nodes:
            states.append(node(states))
        return torch.stack([states[i] for i in self.output]).mean(0)


class Recurrence(nn.Module):
    """Runs a cell over all times, from zeros or from where the window before ended.

    cell: takes the input at one time and the state before, both (n, channels); gives the next state.
    """

    def __init__(self, cell: nn.Module) -> None:
        super().__init__()
        self.cell = cell
        self.carries = False
        self.state: Tensor | None = None

    def forward(self, x: Tensor) -> Tensor:
        """x: (n, length, channels); gives all states, (n, length, channels)."""
        state = x.new_zeros(x.shape[0], x.shape[2]) if self.state is None else self.state[: x.shape[0]]
        states = []
        for now in x.unbind(1):
            state = self.cell(now, state)
            states.append(state)
        if self.carries:
            self.state = state.detach()
        return torch.stack(states, 1)


class WordDropout(nn.Embedding):
    """An embedding of which whole words are dropped in training, in all places alike (Gal and Ghahramani 2016).

    words, channels: how many there are, and features of each.
    p: probability of dropping a word.
    """

    def __init__(self, words: int, channels: int, p: float) -> None:
        super().__init__(words, channels)
        self.p = p

    def forward(self, input: Tensor) -> Tensor:
        found = super().forward(input)
        if not self.training or self.p == 0:
            return found
        kept = torch.rand(self.num_embeddings, device=found.device) >= self.p
        return found * (kept[input].unsqueeze(-1) / (1 - self.p)).to(found.dtype)


class RecurrentNetwork(nn.Module):
    """Embedding, dropout, recurrence, dropout and head.

    embedding: takes tokens (n, length), gives (n, length, channels).
    recurrence: takes and gives (n, length, channels).
    head: takes all states and the tokens.
    input_dropout, output_dropout: before and after the recurrence.
    """

    def __init__(
        self,
        embedding: nn.Module,
        recurrence: nn.Module,
        head: nn.Module,
        input_dropout: nn.Module,
        output_dropout: nn.Module,
    ) -> None:
        super().__init__()
        self.embedding, self.recurrence, self.head = embedding, recurrence, head
        self.input_dropout, self.output_dropout = input_dropout, output_dropout

    def forward(self, tokens: Tensor) -> Tensor:
        x = self.embedding(tokens)
        if self.training:
            self._redraw(x)
        return self.head(self.output_dropout(self.recurrence(self.input_dropout(x))), tokens)

    def _redraw(self, x: Tensor) -> None:
        for module in self.modules():
            if isinstance(module, LockedDropout):
                module.redraw(x.shape[0], x.shape[2], x)


class NextToken(nn.Module):
    """Logits of the next token at each place, (n, vocabulary, length), from features (n, length, channels).

    channels: of the features.
    vocabulary: how many tokens there are.
    """

    def __init__(self, channels: int, vocabulary: int) -> None:
        super().__init__()
        self.linear = nn.Linear(channels, vocabulary)

    def forward(self, features: Tensor, tokens: Tensor) -> Tensor:
        return self.linear(features).transpose(1, 2)


class OneAnswer(nn.Module):
    """One answer for a text, from its features; token 0, with which texts are filled in front, is left out.

    channels: of the features.
    outputs: numbers in the answer.
    last: whether it is a linear layer of the last features, not of their mean.
    """

    def __init__(self, channels: int, outputs: int, *, last: bool = False) -> None:
        super().__init__()
        self.linear = nn.Linear(channels, outputs)
        self.last = last

    def forward(self, features: Tensor, tokens: Tensor) -> Tensor:
        """features: (n, length, channels). tokens: (n, length)."""
        if self.last:
            return self.linear(features[:, -1])
        there = (tokens != 0).unsqueeze(-1).to(features.dtype)
        return self.linear((features * there).sum(1) / there.sum(1).clamp(min=1))


def drawn_small(network: nn.Module) -> nn.Module:
    """The network with all weights of linear layers and embeddings drawn from -0.04 to 0.04, and biases of zero."""
    for module in network.modules():
        if isinstance(module, (nn.Linear, nn.Embedding)):
            nn.init.uniform_(module.weight, -INITIAL, INITIAL)
            if isinstance(module, nn.Linear) and module.bias is not None:
                nn.init.zeros_(module.bias)
    return network
