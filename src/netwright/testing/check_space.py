"""The contract of a space as one executable check."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netwright.core.decision_space import DecisionSpace
from netwright.core.kinds import kinds_checked
from netwright.core.space import Space
from netwright.testing import space_forms, space_networks, space_points, space_sequence
from netwright.testing.rules import require

if TYPE_CHECKING:
    from collections.abc import Sequence

    from netwright.core.architecture import Architecture
    from netwright.core.task import TaskShape


@kinds_checked
def check_space(
    space: Space,
    shape: TaskShape | None = None,
    *,
    samples: int = 20,
    networks: int = 3,
    device: str = "cpu",
    seed: int = 0,
) -> None:
    """Raise AssertionError, which names the rule and how it was broken, unless this is a space as meant here.

    space: to check.
    shape: the task to build for; by default the shape that the space is traced for.
    samples: random architectures to try the rules on.
    networks: how many of them to build in full and run forward and backward on `device`.
    device: where these run: "cpu", "cuda", or one by number, as "cuda:1".
    seed: everything random follows from it.
    """
    require(samples >= 2, f"samples is {samples}; at least 2 are needed")
    shape = shape or space.traced_shape
    if isinstance(space, DecisionSpace):
        space_networks.decisions_do_not_depend_on_the_task(space, shape)
    space_forms.space_is_its_configuration(space)

    drawn = space_points.samples_are_valid_and_repeatable(space, samples, seed)
    space_forms.values_compare(space, drawn)
    if isinstance(space, DecisionSpace):
        _check_points(space, drawn, seed)
    else:
        space_points.changes_are_valid_and_repeatable(space, drawn, seed)
    space_points.canonical_is_idempotent(space, drawn)

    space_forms.text_reads_back(space, drawn)
    space_forms.foreign_architectures_are_refused(space, drawn)
    if isinstance(space, DecisionSpace):
        space_forms.encoding_is_injective(space, drawn)
        space_forms.tokens_read_back(space, drawn)
        space_sequence.answers_lead_to_each_architecture_once(space, drawn, seed)
        space_networks.network_asks_the_active_decisions(space, drawn, shape)
    if type(space).graph is not Space.graph:
        space_networks.graph_is_consistent(space, drawn)
    known = space_points.known_are_its_own(space, shape)
    space_networks.networks_are_plain_and_run(space, known[:networks], shape, device, seed)
    space_networks.networks_are_plain_and_run(space, drawn[:networks], shape, device, seed)


def _check_points(space: DecisionSpace, drawn: Sequence[Architecture], seed: int) -> None:
    space_points.size_counts_and_at_numbers(space, seed)
    space_points.mutation_changes_one_decision(space, drawn, seed)
    space_points.neighbors_are_what_mutation_reaches(space, drawn, seed)
    space_points.crossover_inherits(space, drawn, seed)
