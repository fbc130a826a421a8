"""NsgaNet: its networks against the authors' program, its text, and which bits give one network."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from netwright import TaskShape
from netwright.core.errors import ConfigurationError, InvalidArchitecture
from netwright.spaces import NsgaNet

PUBLISHED = "1-00-010-0111-10011-0|0-00-010-0101-11111-0|0-01-101-1011-10011-0"
IMAGES = TaskShape((3, 32, 32), 10)
SPACE = NsgaNet(nodes=(3, 3), widths=(2, 4))


def parameters(space: NsgaNet, text: str) -> int:
    return sum(each.numel() for each in space.build(space.parse(text), IMAGES).parameters())


def test_the_published_network_has_the_parameters_of_the_authors_program() -> None:
    # The program's own count is 3,370,250, with two 1x1 convolutions of 128 to 128 channels that it makes and never
    # uses, as the phases before have as many channels.
    assert parameters(NsgaNet(widths=(128, 128, 128), form="dense"), PUBLISHED) == 3_370_250 - 2 * 128 * 128
    assert parameters(NsgaNet(), PUBLISHED) == 1_342_634


def test_the_papers_space_has_48_bits() -> None:
    assert NsgaNet().size == 2**48
    assert str(NsgaNet().parse(PUBLISHED)) == PUBLISHED


def test_a_node_reads_what_is_connected_and_the_output_what_nobody_reads() -> None:
    network: Any = SPACE.build(SPACE.parse("0-11-1|1-00-0"), IMAGES)
    first, second = network.phase1, network.phase2
    assert first.reads == ((0,), (0,), (1, 2), (0, 3))  # nodes 1 and 2 the input, 3 both; the skip joins the input
    assert second.reads == ((0,), (1,), (2,))  # node 3 is connected to none
    assert not any(isinstance(each, nn.MaxPool2d) for each in (network[0], network[-1]))
    assert network(torch.randn(2, 3, 32, 32)).shape == (2, 10)


def test_a_phase_without_connections_is_left_out_and_the_next_one_takes_its_width() -> None:
    one, other = (SPACE.parse(text) for text in ("0-00-1|1-01-1", "1-01-1|0-00-0"))
    assert SPACE.key(one) == SPACE.key(other)
    assert str(SPACE.build(one, IMAGES)) == str(SPACE.build(other, IMAGES))
    empty = SPACE.build(SPACE.parse("0-00-0|0-00-1"), IMAGES)
    assert sum(each.numel() for each in empty.parameters()) == 3 * 10 + 10  # the average over places, and a layer


def test_what_has_one_key_has_as_many_parameters_and_renumbered_nodes_have_one() -> None:
    found: dict[object, set[int]] = {}
    texts = ["".join(bits) for bits in itertools.product("01", repeat=4)]
    for bits in texts:
        text = f"{bits[0]}-{bits[1:3]}-{bits[3]}|1-00-0"
        found.setdefault(SPACE.key(SPACE.parse(text)), set()).add(parameters(SPACE, text))
    assert all(len(each) == 1 for each in found.values())
    assert SPACE.key(SPACE.parse("1-00-1|1-00-0")) == SPACE.key(SPACE.parse("0-10-1|1-00-0"))
    assert SPACE.key(SPACE.parse("1-00-1|1-00-0")) != SPACE.key(SPACE.parse("1-00-0|1-00-0"))


def test_every_architecture_reads_back_from_its_bits() -> None:
    space, rng = NsgaNet(), np.random.default_rng(0)
    for _ in range(20):
        architecture = space.sample(rng)
        assert space.parse(str(architecture)) == architecture


@pytest.mark.parametrize("text", ["1-01-1", "1-01|1-01", "1-01-1|1-01-2", "nothing"])
def test_what_are_no_bits_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(InvalidArchitecture, match=r"expected bits, as '0-00-0\|0-00-0'"):
        SPACE.parse(text)


@pytest.mark.parametrize(
    "options", [{"nodes": ()}, {"nodes": (3, 4)}, {"nodes": (1, 4, 5)}, {"widths": (0, 1, 2)}, {"form": "wide"}]
)
def test_settings_that_make_no_space_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match="NsgaNet"):
        NsgaNet(**options)
