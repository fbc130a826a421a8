"""How the well-known networks fared that a search began with, beside the network that it hands over."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from netwright.core.problem import Breakdown
from netwright.results.metric_words import number

if TYPE_CHECKING:
    from netwright.core.architecture import Architecture
    from netwright.core.objective import Objective
    from netwright.core.task import TaskShape
    from netwright.core.trial import Trial
    from netwright.results.searched import FinishedRun as Run

TITLE = "How the well-known networks fared"


def fared(run: Run, winner: Trial, shape: TaskShape) -> Breakdown | None:
    """A row for each well-known network that ran: how much of the training it had, and its score beside the winner's.

    run: as `Search.run` or `Search.load` gives it.
    winner: the trial whose network is handed over.
    shape: of the task.

    None where none of them ran.
    """
    names = _names(run, shape)
    latest: dict[Architecture, Trial] = {}
    for each in run.trials:
        if not each.proposal.is_round and each.architecture in names and _further(each, latest.get(each.architecture)):
            latest[each.architecture] = each
    if not latest:
        return None
    objective = run.search.objectives[0]
    ours = {each.share: each for each in run.trials if _of(each, winner.architecture)}
    rows = [_row(names[found], trial, ours, objective, winner) for found, trial in latest.items()]
    headings = ("well-known network", "share of the training", objective.metric, "the winner's then")
    told = _guarantee(names, latest, objective, winner) + _ahead(run, names, objective, winner)
    return Breakdown(TITLE, told, headings, tuple(rows))


def _names(run: Run, shape: TaskShape) -> dict[Architecture, str]:
    """The well-known networks by their architecture: as the search was told, and as the space calls them."""
    try:
        space = run.search.space
        found = {each: name for name, each in space.known(shape).items()}
    except Exception:  # of a space of the user's own, which may raise anything; the report must not be lost
        found = {}
    for each in run.trials:
        memo = each.proposal.memo
        if isinstance(memo, Mapping) and memo.get("known") and not each.proposal.is_round:
            found[each.architecture] = str(memo["known"])
    return found


def _further(trial: Trial, before: Trial | None) -> bool:
    """Whether a trial says more of its network than the one before: a score, by more of the training."""
    if before is None:
        return True
    return trial.completed and (not before.completed or trial.share >= before.share)


def _of(trial: Trial, winner: Architecture) -> bool:
    return trial.completed and not trial.proposal.is_round and trial.architecture == winner


def _row(
    name: str, trial: Trial, ours: Mapping[float, Trial], objective: Objective, winner: Trial
) -> tuple[str, str, str, str]:
    told = f"{name} (handed over)" if trial.architecture == winner.architecture else name
    if not trial.completed:
        return told, "", trial.state if trial.state != "infeasible" else "breaks a limit", ""
    same = ours.get(trial.share)
    return told, f"{100 * trial.share:.3g} %", _text(trial, objective), "" if same is None else _text(same, objective)


def _text(trial: Trial, objective: Objective) -> str:
    value = trial.metrics.get(objective.metric)
    return "" if value is None else number(objective.metric, value)


def _guarantee(
    names: Mapping[Architecture, str], latest: Mapping[Architecture, Trial], objective: Objective, winner: Trial
) -> str:
    """The score of what is handed over, and that of the best well-known network that ran."""
    ran = [each for each in latest.values() if each.completed and each.scores]
    score = f"{objective.metric} of what is handed over: {_text(winner, objective)}"
    if not ran:
        return f"{score}; no well-known network came to a score."
    best = max(ran, key=lambda each: (each.scores[0], each.share))
    name = names[best.architecture]
    if best.architecture == winner.architecture:
        return f"{score}; it is the best well-known network that ran, {name}."
    told = f"{score}; of the best well-known network that ran, {name}: {_text(best, objective)}"
    if winner.scores and winner.scores[0] < best.scores[0]:
        why = "after less of the training" if best.share < winner.share else "on the validation examples"
        return f"{told}, which was ahead {why}."
    return f"{told}."


def _ahead(run: Run, names: Mapping[Architecture, str], objective: Objective, winner: Trial) -> str:
    """The best of the other networks that scored higher than what is handed over, and why it is not."""
    better = [
        each
        for each in run.trials
        if each.completed and not each.proposal.is_round and each.scores and winner.scores
        if each.scores[0] > winner.scores[0] and each.architecture not in names
    ]
    if not better:
        return ""
    best = max(better, key=lambda each: each.scores[0])
    why = "after less of the training" if best.share < winner.share else "too little ahead to mean anything"
    return f" Trial {best.number} scored {_text(best, objective)}, {why}."
