"""Whole networks: what flows where, what each part costs, and how far it is opened up."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from netwright.core.task import TaskShape
from netwright.drawings import Panel, draw_architecture, draw_network
from netwright.drawings.columns import MOST_LINES
from netwright.drawings.layers_named import name_of
from netwright.drawings.steps import INPUT, steps_of
from netwright.networks.blocks import Residual, conv_bn, mbconv_block
from netwright.networks.counting import count
from netwright.networks.operations import OPERATIONS, operation
from netwright.spaces import Chain, Darts, GeneticCnn, Mlp, Mobile, NasBench201, Recurrent, Texts, UNet
from netwright.spaces import Residual as Residuals


class Branched(nn.Module):
    """Two ways that meet in a sum, then a pooling that is a function."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.left, self.right = conv_bn(3, 4, 3), conv_bn(4, 4, 1), nn.Identity()
        self.last = nn.Linear(4, 2)

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x)
        x = self.left(x) + self.right(x)
        return self.last(F.adaptive_avg_pool2d(x, 1).flatten(1))


def only(drawn: object) -> Panel:
    (panel,) = drawn.picture.panels  # type: ignore[attr-defined]
    return panel


def test_steps_are_read_as_the_network_runs() -> None:
    steps = steps_of(nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Dropout(0.5), nn.Linear(4, 2)), (3,))
    assert [(step.owner, step.reads, step.shape) for step in steps.steps] == [
        ("0", (INPUT,), (4,)),
        ("1", (0,), (4,)),
        ("3", (1,), (2,)),
    ]
    assert steps.last == (2,)


def test_ways_meet_where_they_are_added_and_what_does_nothing_is_no_box() -> None:
    panel = only(draw_network(Branched(), (3, 8, 8)))
    titles = {box.name: box.title for box in panel.boxes}
    lines = {(titles[line.source], titles[line.target]) for line in panel.lines}
    assert {("conv 3×3", "conv 1×1"), ("conv 3×3", "+"), ("conv 1×1", "+"), ("linear", "output")} <= lines
    assert "identity" not in titles.values()


def test_costs_are_those_that_are_counted() -> None:
    space = Darts(cells=6, channels=4)
    network = space.build(space.sample(np.random.default_rng(0)), TaskShape((3, 16, 16), 5))
    drawn = draw_network(network, (3, 16, 16))
    whole = count(network, (3, 16, 16))
    facts = [dict(box.facts) for box in only(drawn).boxes]
    for name, value in (("parameters", whole.params), ("multiply-adds", whole.macs)):
        assert sum(int(each.get(name, "0").replace(",", "")) for each in facts) == value
    assert f"{whole.params:,} parameters" in drawn.picture.notes[0]


def test_the_network_stays_as_it_is() -> None:
    network = Branched()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    network.train()
    draw_network(network, (3, 8, 8))
    assert network.training and all(torch.equal(before[name], value) for name, value in network.state_dict().items())
    assert not network.first._forward_hooks and network(torch.zeros(2, 3, 8, 8)).shape == (2, 2)


def test_large_parts_are_opened_until_there_are_enough_boxes() -> None:
    space = Darts(cells=6, channels=4)
    network = space.build(space.sample(np.random.default_rng(0)), TaskShape((3, 16, 16), 5))
    few, many = (len(only(draw_network(network, (3, 16, 16), most=most)).boxes) for most in (12, 200))
    assert few <= 14 and 50 < many <= 202


def test_a_part_that_is_gone_through_several_times_is_one_box() -> None:
    space = Recurrent()
    panel = only(draw_network(space.build(space.sample(np.random.default_rng(0)), space.traced_shape), (4,)))
    assert [box.title for box in panel.boxes if box.kind == "block"] == ["recurrence"]


@pytest.mark.parametrize("space", [Mlp(), Residuals(), Mobile(), GeneticCnn(), UNet(), Texts()], ids=lambda s: s.name)
def test_every_space_can_be_drawn_and_every_box_lies_between_input_and_output(space: object) -> None:
    architecture = space.sample(np.random.default_rng(1))  # type: ignore[attr-defined]
    panel = draw_architecture(space, architecture).picture.panels[0]  # type: ignore[arg-type]
    sources, targets = {line.source for line in panel.lines}, {line.target for line in panel.lines}
    assert {box.name for box in panel.boxes} - targets <= {"input"}
    assert {box.name for box in panel.boxes} - sources <= {"output"}


def test_a_long_chain_becomes_columns_in_which_nothing_overlaps() -> None:
    network = nn.Sequential(*[Residual(nn.Sequential(conv_bn(8, 8, 3), conv_bn(8, 8, 3))) for _ in range(50)])
    drawn = draw_network(network, (8, 16, 16), most=60)
    (laid,) = drawn.panels
    assert len(laid.spots) >= 52 and laid.height < 1300 and laid.width < 1.8 * laid.height
    spots = list(laid.spots.values())
    for a, b in ((a, b) for i, a in enumerate(spots) for b in spots[i + 1 :]):
        assert abs(a.x - b.x) >= (a.width + b.width) / 2 or abs(a.y - b.y) >= (a.height + b.height) / 2
    for way in laid.ways:
        source, target = laid.spots[way.line.source], laid.spots[way.line.target]
        assert way.bends[0][1] == pytest.approx(source.y + source.height / 2)
        assert way.bends[-1][1] == pytest.approx(target.y - target.height / 2)
    assert MOST_LINES == 3


def test_what_an_operation_costs_is_summed_over_its_cells() -> None:
    space, shape = NasBench201(channels=4, cells=2), TaskShape((3, 16, 16), 5)
    architecture = space.parse("|nor_conv_3x3~0|+|none~0|none~1|+|nor_conv_1x1~0|none~1|skip_connect~2|")
    drawn = draw_architecture(space, architecture, shape)
    details = {box.title: dict(box.facts) for box in only(drawn).boxes}
    widths = (4, 8, 16)
    assert int(details["conv 3×3"]["parameters"].replace(",", "")) == sum(2 * (9 * w * w + 2 * w) for w in widths)
    assert int(details["conv 1×1"]["parameters"].replace(",", "")) == sum(2 * (w * w + 2 * w) for w in widths)
    assert details["conv 3×3"]["gives"] == "4×16×16"


def test_latencies_are_shown_where_they_are_given() -> None:
    drawn = draw_network(Branched(), (3, 8, 8), latencies={"first.0": 0.5, "last": 0.25})
    details = {box.title: box.details for box in only(drawn).boxes}
    assert details["conv 3×3"][0].endswith("0.5 ms") and "0.75 ms" in drawn.picture.notes[-1]


@pytest.mark.parametrize(
    ("label", "name"),
    [
        ("sep_conv_3x3", "sep conv 3×3"),
        ("dil_conv_5x5", "dil conv 5×5"),
        ("max_pool_3x3", "max pool 3×3"),
        ("nor_conv_1x1", "conv 1×1"),
    ],
)
def test_a_module_is_called_as_the_operation_it_is(label: str, name: str) -> None:
    assert label in OPERATIONS and name_of(operation(label, 8, 1)) == name


def test_blocks_have_the_names_of_their_patterns() -> None:
    assert name_of(mbconv_block(8, 5, 6)) == "inverted 5×5 ×6"
    assert name_of(conv_bn(3, 8, 3, stride=2)) == "conv 3×3 /2"
    assert name_of(Residual(conv_bn(8, 8, 3))) == "residual conv 3×3"


def test_networks_of_others_are_drawn() -> None:
    layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
    panel = only(draw_network(nn.TransformerEncoder(layer, 2, enable_nested_tensor=False), (5, 8)))
    titles = [box.title for box in panel.boxes]
    assert titles.count("multihead attention") == 2 and titles.count("linear") == 4 and titles.count("+") == 4


def test_the_decided_part_of_a_chain_has_shapes_and_costs() -> None:
    space = Chain()
    architecture = space.sample(np.random.default_rng(0))
    boxes = only(draw_architecture(space, architecture, TaskShape((3, 32, 32), 10))).boxes
    assert all(any("params" in each for each in box.details) for box in boxes if box.kind != "input")
