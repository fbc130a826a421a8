"""Metrics by their names, as people read them: shares in per cent, counts short, the rest in four digits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from netwright.core.problem import is_score, score_text
from netwright.core.wording import amount
from netwright.problems import SHARE_NAMES

_OF = ("val_", "test_", "train_", "probe_", "mixture_", "rounded_")
_COUNTS = ("params", "macs", "activation_memory")
_BYTES = ("size", "size_int8", "peak_memory", "peak_memory_int8")


def is_share(metric: str) -> bool:
    """Whether a metric is a share from 0 to 1, by its name; stored runs know no more of it.

    metric: as in a trial, with or without "val_" and the like before it.
    """
    plain = _plain(metric)
    return plain.partition("_of_")[0] in SHARE_NAMES or plain.endswith("accuracy")


def _plain(metric: str) -> str:
    """The metric's name without what says on which examples it was measured."""
    return next((metric.removeprefix(each) for each in _OF if metric.startswith(each)), metric)


def number(metric: str, value: float) -> str:
    """A metric for a person.

    metric: its name.
    """
    if is_share(metric):
        return f"{100 * value:.2f} %"
    if metric.endswith("_ms"):
        return f"{value:.3g} ms"
    if metric in _BYTES:
        return byte_text(value)
    if is_score(_plain(metric)):
        return score_text(value)
    return amount(value) if metric.removeprefix("expected_") in _COUNTS else f"{value:.4g}"


def byte_text(value: float) -> str:
    """Bytes as people say them: 812 B, 57.3 kB, 1.2 MB."""
    short = amount(value)
    letter = short[-1] if short[-1].isalpha() else ""
    return f"{short.removesuffix(letter)} {letter.lower() if letter == 'k' else letter}B"


def metrics_text(metrics: Mapping[str, float], names: Iterable[str]) -> str:
    """Those of the named metrics that were measured, in one line."""
    return "  ".join(f"{name} {number(name, metrics[name])}" for name in names if name in metrics)
