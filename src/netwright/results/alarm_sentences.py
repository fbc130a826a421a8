"""What epochs of shared weights, and scores on them, say about how far to trust a search, in sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import sqrt

from netwright.results.metric_words import is_share

LARGE_GAP = 0.1  # of a metric from 0 to 1; of what has no such bounds, as a share of its value
UNDECIDED = 0.9  # of the largest entropy
GROWTH, WINDOW = 1.3, 4  # of the dominant eigenvalue, against so many checks before (Zela et al. 2020, section 5.2)
GROWN = 0.05  # of an alarm's size
LEVEL = 0.05  # of the test whether the best of several candidates is better than chance
FEWEST = 10  # candidates whose spread is looked at

Epoch = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Alarm:
    """subject: what it is about, the same as long as it lasts.
    size: how bad it is; growth by 0.05 is said again.
    """

    subject: str
    text: str
    size: float = 0.0


class Raised:
    """Which alarms were said: each is said when it is raised, and again whenever it has grown."""

    def __init__(self) -> None:
        self._sizes: dict[str, float] = {}

    def news(self, alarms: Sequence[Alarm]) -> list[Alarm]:
        """Those of the alarms that are to be said now; the ones that are gone are forgotten."""
        grown = [
            each
            for each in alarms
            if each.subject not in self._sizes or each.size >= self._sizes[each.subject] + GROWN - 1e-9
        ]
        kept = {each.subject: self._sizes.get(each.subject, each.size) for each in alarms}
        self._sizes = {**kept, **{each.subject: each.size for each in grown}}
        return grown


def alarm_lines(epochs: Sequence[Epoch], scores: Sequence[float] = ()) -> list[str]:
    """One sentence for each alarm that the last of these epochs, or the candidates' scores on its weights, raise."""
    return [each.text for each in (*alarms_of(epochs), *alarms_of_candidates(epochs, scores))]


# Of the epochs.


def alarms_of(epochs: Sequence[Epoch]) -> list[Alarm]:
    """The alarms that the last of these epochs raises; epochs are what each one measured, in order."""
    if not epochs:
        return []
    last = epochs[-1]
    found = (_parameter_free(last), _gap(last), _undecided(last), _eigenvalue(epochs))
    return [each for each in found if each]


def _parameter_free(epoch: Epoch) -> Alarm | None:
    """Collapse: most of the way from what chance gives to nothing but operations without parameters."""
    share, chance = epoch.get("parameter_free", 0.0), epoch.get("parameter_free_by_chance", 0.0)
    if share < (1 + chance) / 2 or share <= chance:
        return None
    text = (
        f"{share:.0%} of the chosen operations have nothing to learn ({chance:.0%} by chance): the search is "
        "collapsing to skip connections, pooling or zeros, and what it finds may be worse than a random pick"
    )
    return Alarm("collapse", text, share)


def _gap(epoch: Epoch) -> Alarm | None:
    """Rounding the mixture costs much of the main metric, whatever that is."""
    name = next((each.removeprefix("mixture_") for each in epoch if each.startswith("mixture_")), "")
    gap = epoch.get("discretisation_gap", 0.0)
    if not name or gap < LARGE_GAP * max(1.0, abs(epoch[f"mixture_{name}"])):
        return None
    percent = is_share(name)
    mixed, rounded = (f"{epoch[f'{which}_{name}']:{'.1%' if percent else '.4g'}}" for which in ("mixture", "rounded"))
    loss = f"{100 * gap:.0f} points" if percent else f"{gap:.3g}"
    named = f"{mixed} {name.replace('_', ' ')}" if percent else f"{name.replace('_', ' ')} {mixed}"
    text = (
        f"rounding the mixture ({named}) to the architecture it stands for ({rounded}) loses {loss}: the shared "
        "weights fit the mixture, not this architecture; good and bad ones lose as much, so how it does when trained "
        "alone is not known from this"
    )
    return Alarm("rounding", text, gap)


def _undecided(epoch: Epoch) -> Alarm | None:
    entropy = epoch.get("entropy", 0.0)
    if entropy < UNDECIDED:
        return None
    text = (
        f"the mixture is almost uniform (entropy {entropy:.0%} of the largest): small differences decide what is "
        "chosen; whether they decide well is not known from this"
    )
    return Alarm("uniform", text)


def _eigenvalue(epochs: Sequence[Epoch]) -> Alarm | None:
    values = [each["eigenvalue"] for each in epochs if "eigenvalue" in each]
    if len(values) <= WINDOW or values[-1] <= GROWTH * values[-1 - WINDOW] or values[-1 - WINDOW] <= 0:
        return None
    factor = values[-1] / values[-1 - WINDOW]
    text = (
        f"the dominant eigenvalue of the architecture's Hessian grew {factor:.1f}-fold over {WINDOW} checks, to "
        f"{values[-1]:.3g}: the solution is sharp, and rounding it will cost accuracy"
    )
    return Alarm("eigenvalue", text, factor / 10)  # said again for each half that it is higher


# Of the candidates.


def alarms_of_candidates(epochs: Sequence[Epoch], scores: Sequence[float]) -> list[Alarm]:
    """The alarms that the accuracies of architectures on the trained weights raise, given the validation examples.

    epochs: of which the last names how many examples there are, and which accuracy chance gives; without them, as where
        something else than an accuracy is measured, nothing can be said.
    """
    last = epochs[-1] if epochs else {}
    examples, chance = last.get("val_examples", 0.0), last.get("accuracy_by_chance", 0.0)
    if not scores or not examples or not 0 < chance < 1:
        return []
    found = _at_chance(scores, examples, chance) or _alike(scores, examples)
    return [found] if found else []


def _at_chance(scores: Sequence[float], examples: float, chance: float) -> Alarm | None:
    """The best of so many candidates that are no better than chance would be no lower in 1 of 20 cases."""
    from statistics import NormalDist  # slow to import

    quantile = NormalDist().inv_cdf((1 - LEVEL) ** (1 / len(scores)))
    best = max(scores)
    if best > chance + quantile * sqrt(chance * (1 - chance) / examples):
        return None
    many = len(scores) > 1
    text = (
        f"{f'none of {len(scores):,} candidates is' if many else 'the architecture is not'} told from chance on the "
        f"shared weights ({'best ' if many else ''}{best:.1%} of {examples:,.0f} validation examples, {chance:.1%} by "
        f"chance): {'such scores say nothing of the architectures' if many else 'such a score says nothing of it'}"
    )
    return Alarm("chance", text)


def _alike(scores: Sequence[float], examples: float) -> Alarm | None:
    """Candidates that differ by no more than one network does between draws of the validation examples."""
    if len(scores) < FEWEST:
        return None
    mean = sum(scores) / len(scores)
    spread = sqrt(sum((each - mean) ** 2 for each in scores) / len(scores))
    drawn = sqrt(mean * (1 - mean) / examples)
    if spread > drawn:
        return None
    text = (
        f"the {len(scores):,} candidates score alike on the shared weights: their accuracies spread by "
        f"{100 * spread:.1f} points, and that of a single network by {100 * drawn:.1f} from one draw of "
        f"{examples:,.0f} validation examples to the next, so that which one is best may be chance"
    )
    return Alarm("alike", text)
