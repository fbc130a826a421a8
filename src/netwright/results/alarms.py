"""What the epochs of a search by shared weights say about how far to trust it, in sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

LARGE_GAP = 0.1  # of accuracy
UNDECIDED = 0.9  # of the largest entropy
GROWTH, WINDOW = 1.3, 4  # of the dominant eigenvalue, against so many epochs before (Zela et al. 2020, section 5.2)

Epoch = Mapping[str, float]


def alarm_lines(epochs: Sequence[Epoch]) -> list[str]:
    """One sentence for each alarm that the last of these epochs raises; epochs are what each one measured, in order."""
    if not epochs:
        return []
    last = epochs[-1]
    found = (_parameter_free(last), _gap(last), _undecided(last), _eigenvalue(epochs))
    return [each for each in found if each]


def _parameter_free(epoch: Epoch) -> str:
    """Collapse: most of the way from what chance gives to nothing but operations without parameters."""
    share, chance = epoch.get("parameter_free", 0.0), epoch.get("parameter_free_by_chance", 0.0)
    if share < (1 + chance) / 2 or share <= chance:
        return ""
    return (
        f"{share:.0%} of the chosen operations have nothing to learn ({chance:.0%} by chance): the search is "
        "collapsing to skip connections, pooling or zeros, and what it finds may be worse than a random pick"
    )


def _gap(epoch: Epoch) -> str:
    gap = epoch.get("discretisation_gap", 0.0)
    if gap < LARGE_GAP:
        return ""
    return (
        f"rounding the mixture ({epoch['mixture_accuracy']:.1%} accuracy) to the architecture it stands for "
        f"({epoch['rounded_accuracy']:.1%}) loses {100 * gap:.0f} points: the shared weights say little about it"
    )


def _undecided(epoch: Epoch) -> str:
    if epoch.get("entropy", 0.0) < UNDECIDED:
        return ""
    return (
        f"the mixture is almost uniform (entropy {epoch['entropy']:.0%} of the largest): small differences decide what "
        "is chosen"
    )


def _eigenvalue(epochs: Sequence[Epoch]) -> str:
    values = [each["eigenvalue"] for each in epochs if "eigenvalue" in each]
    if len(values) <= WINDOW or values[-1] <= GROWTH * values[-1 - WINDOW] or values[-1 - WINDOW] <= 0:
        return ""
    return (
        f"the dominant eigenvalue of the architecture's Hessian grew {values[-1] / values[-1 - WINDOW]:.1f}-fold in "
        f"{WINDOW} epochs, to {values[-1]:.3g}: the solution is sharp, and rounding it will cost accuracy"
    )
