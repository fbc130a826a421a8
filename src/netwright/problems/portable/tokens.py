"""Answers of a language model: how well it foresees a text, and texts that go on."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

VOCABULARY: tuple[str, ...]
UNIT: str
STREAMS: int
FEWEST: int  # windows of each stream
respond: Callable[[nn.Module, Any], Tensor]
responses: Callable[[nn.Module, Any, int], list[Tensor]]
printable: Callable[[str], str]
whole_number: Callable[[str], int]

seen: dict[str, list[Tensor]] = {}
used: list[nn.Module] = []


def predict(network: nn.Module, raw: Any, batch_size: int = 256) -> list[float]:
    """The perplexity of each window of tokens, from its second token on.

    network: gives logits (n, vocabulary, length).
    raw: windows as `prepared` takes them, or a text.
    batch_size: windows at a time.
    """
    return [each for part in _parts(network, raw, batch_size) for each in part]


def _parts(network: nn.Module, raw: Any, batch_size: int) -> Any:
    start = 0
    for outputs in responses(network, raw, batch_size):
        yield _perplexities(outputs, raw[start : start + len(outputs)])
        start += len(outputs)


def _perplexities(outputs: Tensor, tokens: Any) -> list[float]:
    wanted = torch.as_tensor(tokens).long()[:, 1:]
    return F.cross_entropy(outputs[:, :, :-1], wanted, reduction="none").mean(1).exp().tolist()


def perplexity(network: nn.Module, tokens: Tensor, following: Tensor) -> float:
    """That of a whole text, as it is judged while training: in parallel streams whose states are carried on.

    tokens, following: int64 (n, length): windows in the order of the text, and what follows on each token.
    """
    count = len(tokens)
    streams = max(1, min(STREAMS, count // FEWEST))
    length = -(-count // streams)
    device = next(network.parameters()).device
    layers: list[Any] = [each for each in network.modules() if hasattr(each, "carries")]
    total = 0.0
    with torch.inference_mode():
        for start in range(length):
            for each in layers:
                each.carries, each.state = True, each.state if start else None
            rows = torch.arange(start, count, length)
            outputs = network(tokens[rows].to(device)).float().cpu()
            total += float(F.cross_entropy(outputs, following[rows], reduction="none").double().sum())
    for each in layers:
        each.carries, each.state = False, None
    return math.exp(total / following.numel())


@torch.inference_mode()
def continued(network: nn.Module, tokens: Tensor, count: int, seed: int = 0) -> Tensor:
    """So many tokens that go on behind these, (length,), drawn by their probabilities from the last ones alone."""
    generator = torch.Generator().manual_seed(seed)
    device, window, found = next(network.parameters()).device, len(tokens), tokens
    for _ in range(count):
        outputs = network(found[-window:][None].to(device)).float().cpu()[0, :, -1]
        outputs[0] = -math.inf if UNIT != "bytes" else outputs[0]  # nobody writes an unknown token
        found = torch.cat((found, torch.multinomial(outputs.softmax(0), 1, generator=generator)))
    return found[window:]


def as_text(tokens: Tensor) -> str:
    """Tokens as they are written."""
    if UNIT == "bytes":
        return bytes(tokens.tolist()).decode("utf-8", errors="replace")
    return (" " if UNIT == "words" else "").join(VOCABULARY[each] for each in tokens.tolist())


def options(parser: argparse.ArgumentParser) -> None:
    """What the command line offers beside the files."""
    what = f"go on behind the last file by so many {UNIT}"
    parser.add_argument("--generate", type=whole_number, metavar="N", help=what)


def answers(
    network: nn.Module, inputs: Any, names: Sequence[tuple[str, str]], asked: argparse.Namespace
) -> list[dict[str, Any]]:
    """The perplexity of each window; what is said of a whole file is said at the end."""
    used[:] = [network]
    for (path, _), row in zip(names, inputs, strict=True):
        seen.setdefault(path, []).append(torch.as_tensor(row).long())
    return [{"perplexity": each} for each in _perplexities(respond(network, inputs), inputs)]


def line(answer: dict[str, Any]) -> str:
    """Nothing: people read what is said of the whole file."""
    return ""


def closing(asked: argparse.Namespace) -> list[str]:
    """The perplexity of each file, and a text that goes on behind the last one."""
    found: list[str] = []
    rows = torch.zeros(0, 1)
    behind: dict[str, int] = globals().get("following_tokens", {})
    for path, windows in seen.items():
        rows = torch.stack(windows)
        flat = rows.flatten()
        last = behind.get(path)
        following = torch.cat((flat[1:], torch.tensor([int(flat[0]) if last is None else last]))).view_as(rows)
        value = perplexity(used[0], rows, following)
        bits = "" if UNIT == "words" else f", {math.log2(value):.4f} bits each"
        found.append(f"{printable(path)}: perplexity {value:.4f} over {following.numel():,} {UNIT}{bits}")
    if asked.generate and used:
        found.append(as_text(continued(used[0], rows[-1], asked.generate)))
    seen.clear()
    return [] if asked.json else found
