"""How well shared weights rank networks: their scores beside true ones (Yu et al. 2020; Yang et al. 2020)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np

from netwright.core.correlation import Statistic, bootstrap, kendall, spearman

LEAST = 3  # networks below which there are no statistics
FEW = 10  # networks below which an interval by resampling them cannot be trusted


@dataclass(frozen=True, slots=True)
class Scored:
    """One network.

    shared: its score with the shared weights.
    true: its own, None where that could not be had.
    """

    architecture: str
    shared: float
    true: float | None
    recommended: bool = False
    note: str = ""


@dataclass(frozen=True, slots=True)
class Agreement:
    """A statistic over n networks.

    interval: 95 %, by the bootstrap over networks.
    chance: its value without any.
    """

    name: str
    value: float
    interval: tuple[float, float]
    chance: float
    n: int

    @property
    def verdict(self) -> str:
        """Against chance: "better", "worse", "chance" where the interval includes it, "few" below ten networks."""
        if self.n < FEW:
            return "few"
        low, high = self.interval
        return "better" if low > self.chance else "worse" if high < self.chance else "chance"


@dataclass(frozen=True)
class Audit:
    """Shared scores beside true ones.

    random: drawn from the space.
    recommended: by the run, in no statistic.

    It was chosen by its shared score, so that it would flatter them.

    shared_metric, true_metric: what the two columns are.
    seconds: what either cost.
    larger_is_better: of the two.
    """

    run: str
    random: tuple[Scored, ...]
    recommended: Scored | None
    shared_metric: str
    true_metric: str
    seconds: tuple[float, float] = (0.0, 0.0)
    seed: int = 0
    larger_is_better: tuple[bool, bool] = (True, True)

    @property
    def pairs(self) -> tuple[np.ndarray, np.ndarray]:
        """float64 (n,) each: shared and true scores of the random networks that have both, so that larger is better."""
        both = [(each.shared, each.true) for each in self.random if each.true is not None]
        found = np.array(both, dtype=np.float64).reshape(-1, 2) * self.signs
        return found[:, 0], found[:, 1]

    @property
    def signs(self) -> tuple[float, float]:
        """By what shared and true scores are multiplied so that larger is better."""
        shared, true = self.larger_is_better
        return (1.0 if shared else -1.0), (1.0 if true else -1.0)

    @property
    def k(self) -> int:
        """How many count as the top: a quarter, at least one."""
        return max(1, len(self.pairs[0]) // 4)

    @cached_property
    def agreements(self) -> tuple[Agreement, ...]:
        """Kendall's tau-b, Spearman's rho and the overlap of the top k; empty below three networks."""
        shared, true = self.pairs
        n, k = len(shared), self.k
        if n < LEAST:
            return ()
        statistics: dict[str, tuple[Statistic, float]] = {
            "Kendall tau-b": (kendall, 0.0),
            "Spearman rho": (spearman, 0.0),
            f"top-{k} overlap": (partial(top_overlap, k=k), k / n),
        }
        return tuple(
            Agreement(name, float(statistic(shared, true)), bootstrap(statistic, shared, true, self.seed), chance, n)
            for name, (statistic, chance) in statistics.items()
        )

    def as_json(self) -> dict[str, Any]:
        """Every figure as JSON."""
        described = {
            **asdict(self),
            "k": self.k,
            "agreements": [{**asdict(each), "verdict": each.verdict} for each in self.agreements],
            "sentences": sentences(self),
        }
        return json.loads(json.dumps(_finite(described)))

    @classmethod
    def from_json(cls, described: Mapping[str, Any]) -> Audit:
        """The audit that `as_json` described."""
        recommended = described["recommended"]
        return cls(
            *(described["run"], tuple(Scored(**each) for each in described["random"])),
            *(None if recommended is None else Scored(**recommended),),
            *(described["shared_metric"], described["true_metric"], tuple(described["seconds"]), described["seed"]),
            tuple(described.get("larger_is_better", (True, True))),
        )


def top_overlap(first: np.ndarray, second: np.ndarray, k: int) -> Any:
    """The share of the k largest of one that are among the k largest of the other.

    Values that are equal at the border belong to the top in part, so that constant scores give k / n.
    """
    return np.minimum(_membership(first, k), _membership(second, k)).sum(-1) / k


def _membership(values: np.ndarray, k: int) -> np.ndarray:
    border = np.sort(values, axis=-1)[..., -k, None]
    above, at = values > border, values == border
    return above + at * (k - above.sum(-1, keepdims=True)) / at.sum(-1, keepdims=True)


# Words.


def audit_lines(audit: Audit) -> list[str]:
    """The audit for a terminal: the networks by their true score, the statistics, and what they say."""
    head = ["", "shared", "rank", "true", "rank", "architecture"]
    lines = _aligned([head, *_rows(audit)])
    figures = [["", "value", "95 % interval", "chance", "n"]]
    figures += [
        [each.name, f"{each.value:.2f}", _interval(each), f"{each.chance:.2f}", str(each.n)]
        for each in audit.agreements
    ]
    columns = f"shared: {audit.shared_metric} with the shared weights; true: {audit.true_metric}"
    return [*lines, "", columns, "", *(_aligned(figures) if audit.agreements else []), "", *sentences(audit)]


def sentences(audit: Audit) -> list[str]:
    """What the audit says, in plain words that claim no more than it shows."""
    found: list[str] = []
    if audit.agreements:
        found += [_ranking(audit.agreements[0]), _top(audit)]
    else:
        found += [f"Nothing can be said of {len(audit.pairs[0])} networks; at least {LEAST} are needed."]
    found += [_standing(audit)] if audit.recommended is not None and audit.recommended.true is not None else []
    failed = [each for each in (*audit.random, audit.recommended) if each is not None and each.true is None]
    if failed:
        have = "network has" if len(failed) == 1 else "networks have"
        found.append(f"{len(failed)} {have} no true score: {failed[0].note or 'unknown'}.")
    shared, true = audit.seconds
    found.append(f"Scoring with the shared weights took {shared:.1f} s, the true scores {true:.1f} s.")
    return found


def _ranking(tau: Agreement) -> str:
    measured = f"Kendall tau-b {tau.value:.2f}, 95 % interval {_interval(tau)}, n = {tau.n}"
    if np.isnan(tau.value):
        return f"The shared weights do not tell these networks apart: all scores are equal (n = {tau.n})."
    if tau.verdict == "few":
        return f"{tau.n} networks are too few to tell how well the shared weights rank them ({measured})."
    if tau.verdict == "chance":
        return f"The shared weights rank networks no better than chance: the interval includes 0 ({measured})."
    if tau.verdict == "worse":
        return f"The shared weights rank networks the wrong way round ({measured})."
    pairs = 50 * (1 + tau.value)
    return f"Of two networks the shared weights put the better one first in about {pairs:.0f} % of cases ({measured})."


def _top(audit: Audit) -> str:
    top, k = audit.agreements[2], audit.k
    which = "the best" if k == 1 else f"the best {k}"
    beyond = {"better": "more than", "worse": "less than"}.get(top.verdict, "not clearly more than")
    return (
        f"Of {which} of {top.n} by true score, {100 * top.value:.0f} % are {which} by shared weights too; chance would "
        f"give {100 * top.chance:.0f} %, and this is {beyond} that (95 % interval {100 * top.interval[0]:.0f} to "
        f"{100 * top.interval[1]:.0f} %)."
    )


def _standing(audit: Audit) -> str:
    """Where the recommended network stands among the random ones."""
    recommended = audit.recommended
    assert recommended is not None and recommended.true is not None
    (shared, true), (sign, true_sign) = audit.pairs, audit.signs
    better = int((true > true_sign * recommended.true).sum()), int((shared > sign * recommended.shared).sum())
    return (
        f"The network that the run recommends is at least as good as {len(true) - better[0]} of the {len(true)} random "
        f"ones by true score, and as {len(shared) - better[1]} of them by shared weights."
    )


def _rows(audit: Audit) -> list[list[str]]:
    everyone = [*audit.random, *([audit.recommended] if audit.recommended else [])]
    sign, true_sign = audit.signs
    shared = sign * np.array([each.shared for each in everyone])
    true = true_sign * np.array([np.nan if each.true is None else each.true for each in everyone])
    ordered = sorted(range(len(everyone)), key=lambda i: (everyone[i].true is None, -np.nan_to_num(true[i])))
    return [
        [
            "recommended" if everyone[i].recommended else "random",
            f"{everyone[i].shared:.4f}",
            str(1 + int((shared > shared[i]).sum())),
            "-" if everyone[i].true is None else f"{everyone[i].true:.4f}",
            "-" if everyone[i].true is None else str(1 + int((true > true[i]).sum())),
            everyone[i].architecture,
        ]
        for i in ordered
    ]


def _finite(value: Any) -> Any:
    """The same with None for what JSON has no number for."""
    if isinstance(value, dict):
        return {key: _finite(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(each) for each in value]
    return None if isinstance(value, float) and not np.isfinite(value) else value


def _interval(found: Agreement) -> str:
    return f"{found.interval[0]:.2f} to {found.interval[1]:.2f}"


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Columns below each other: the first and the last to the left, numbers to the right."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    last = len(widths) - 1 if rows[0][-1] == "architecture" else -1
    return [
        "  ".join(
            cell.ljust(width) if column in (0, last) else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
