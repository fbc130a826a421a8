"""A network that goes down to a low resolution and up again is drawn as a U."""

from __future__ import annotations

import itertools
from xml.etree import ElementTree

import numpy as np
import pytest
from torch import nn

from netwright.drawings import Drawing, draw_network
from netwright.drawings.layout import laid_out
from netwright.drawings.sizes import SMALL, USUAL
from netwright.drawings.u_shape import way_up
from netwright.networks.blocks import ClassifierHead, conv_bn
from netwright.networks.unet import unet
from netwright.spaces import UNetCells


def drawn() -> Drawing:
    return draw_network(unet(3, nn.Conv2d(8, 2, 1), width=8, depth=3), (3, 32, 32))


def test_lines_across_are_level_and_the_way_up_stands_on_the_right() -> None:
    found = drawn()
    (panel,), (laid,) = found.picture.panels, found.panels
    up = way_up(panel)
    assert max(laid.spots[name].x for name in laid.spots if name not in up) < min(laid.spots[name].x for name in up)
    across = [way for way in laid.ways if way.heading == "right"]
    assert len(across) == 3 and all(way.bends[0][1] == pytest.approx(way.bends[-1][1]) for way in across)
    for way in laid.ways:
        source, target = laid.spots[way.line.source], laid.spots[way.line.target]
        if way.line.source in up:
            assert way.heading == "up" and source.y > target.y
            assert way.bends[0][1] == pytest.approx(source.y - source.height / 2)
            assert way.bends[-1][1] == pytest.approx(target.y + target.height / 2)
        elif way.line.target not in up:
            assert way.heading == "down" and source.y < target.y


@pytest.mark.parametrize("style", [USUAL, SMALL])
def test_nothing_overlaps_and_every_line_is_there(style: object) -> None:
    space = UNetCells(channels=2, depth=2)
    network = space.build(space.sample(np.random.default_rng(0)), space.traced_shape)
    for panel in (drawn().picture.panels[0], draw_network(network, (1, 32, 32)).picture.panels[0]):
        assert way_up(panel)
        laid = laid_out(panel, style)  # pyright: ignore[reportArgumentType]
        assert [way.line for way in laid.ways] == list(panel.lines) and set(laid.spots) == {b.name for b in panel.boxes}
        for a, b in itertools.combinations(laid.spots.values(), 2):
            assert abs(a.x - b.x) >= (a.width + b.width) / 2 or abs(a.y - b.y) >= (a.height + b.height) / 2


def test_other_networks_are_no_u() -> None:
    classifier = nn.Sequential(*[conv_bn(3 if k == 0 else 8, 8, 3, stride=2) for k in range(4)], ClassifierHead(8, 5))
    hourglass = nn.Sequential(conv_bn(3, 8, 3, stride=2), conv_bn(8, 8, 3, stride=2), nn.Upsample(scale_factor=4))
    for network in (classifier, hourglass):
        assert not way_up(draw_network(network, (3, 32, 32)).picture.panels[0])


def test_arrows_point_where_the_lines_go() -> None:
    svg = drawn().svg("light")
    heads = [each.get("d") or "" for each in ElementTree.fromstring(svg).iter() if each.get("class") == "nw-head"]
    ends = {end: sum(head.endswith(end) for head in heads) for end in ("-7h7z", "3.5 7h7z", "-3.5v7z")}
    assert all(ends.values()) and len(heads) == len(drawn().picture.panels[0].lines)
