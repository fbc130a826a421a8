"""Which weights a network takes over from one of another architecture."""

from __future__ import annotations

import torch
from torch import nn

from netwright import TaskShape
from netwright.core.decision_space import DecisionSpace
from netwright.core.inheriting import take_over
from netwright.spaces import Among, Chain, Darts, NasBench101

SHAPE = TaskShape((1, 8, 8), 10)
CHAIN = Chain(width=4, stages=1, most=3)


def chain(width, *blocks):
    labels = {"stage1/width": width, "stage1/depth": len(blocks)}
    for i, (operation, settings) in enumerate(blocks):
        name = f"stage1/depth/{i}/operation"
        labels[name] = operation
        labels |= {f"{name}/{operation}/{each}": value for each, value in settings.items()}
    return CHAIN.architecture(labels)


def both(space, parent, child, shape=SHAPE):
    torch.manual_seed(1)
    old = space.build(parent, shape)
    torch.manual_seed(2)
    return old, space.build(child, shape)


def inherited(space, parent, child, shape=SHAPE, **options):
    """The names of parameters that are the parent's afterwards, and the count."""
    old, new = both(space, parent, child, shape)
    before = {name: tensor.clone() for name, tensor in new.named_parameters()}
    count = take_over(space, old, new, parent, child, **options)
    changed = {name for name, tensor in new.named_parameters() if not torch.equal(tensor, before[name])}
    return changed, count, old, new


CONV = ("conv", {"kernel": 3})
WIDER = ("conv", {"kernel": 5})
MBCONV = ("mbconv", {"kernel": 3, "expansion": 3})


def test_the_same_architecture_takes_all_of_it():
    parent = chain(1.0, CONV, MBCONV)
    old, new = both(CHAIN, parent, parent)
    assert CHAIN.inherit(old, new, parent, parent) == sum(each.numel() for each in old.parameters())
    for name, tensor in new.state_dict().items():
        assert torch.equal(tensor, old.state_dict()[name])


def test_a_block_more_takes_all_but_that_block():
    changed, count, old, _new = inherited(CHAIN, chain(1.0, CONV), chain(1.0, CONV, MBCONV))
    assert count == sum(each.numel() for each in old.parameters())
    assert "stage1.0.body.0.weight" in changed and not any(name.startswith("stage1.1.") for name in changed)


def test_another_operation_begins_anew_though_shapes_are_alike():
    space = OneOfTwo()
    parent, child = space.architecture({"op": "a"}), space.architecture({"op": "b"})
    changed, count, *_ = inherited(space, parent, child, TaskShape((4,), 3))
    assert changed == {"2.weight", "2.bias"} and count == 4 * 3 + 3


class OneOfTwo(DecisionSpace):
    traced_shape = TaskShape((4,), 3)

    def network(self, choose, shape):
        options = {
            "a": lambda: nn.Sequential(nn.Linear(4, 4), nn.ReLU()),
            "b": lambda: nn.Sequential(nn.Linear(4, 4), nn.Tanh()),
        }
        return nn.Sequential(choose.one("op", options), nn.Identity(), nn.Linear(4, shape.classes))


def test_other_sizes_stay_as_they_are_or_take_the_common_part():
    parent, child = chain(1.0, CONV), chain(2.0, WIDER)
    changed, count, *_ = inherited(CHAIN, parent, child)
    assert not any("stage1" in name or "entry" in name for name in changed)
    changed, count, old, new = inherited(CHAIN, parent, child, overlap=True)
    convolutions = [
        [m for m in net.modules() if isinstance(m, nn.Conv2d) and m.kernel_size[0] > 1] for net in (old, new)
    ]
    small, large = convolutions[0][-1].weight, convolutions[1][-1].weight
    assert small.shape[2] == 3 and large.shape[2] == 5
    assert torch.equal(large[: small.shape[0], : small.shape[1], 1:4, 1:4], small)
    assert count == sum(each.numel() for each in old.parameters())
    smaller, _, old, new = inherited(CHAIN, child, parent, overlap=True)
    assert "entry1.0.0.weight" in smaller
    assert torch.equal(new.get_submodule("entry1.0.0").weight, old.get_submodule("entry1.0.0").weight[:4])


def test_an_edge_keeps_its_weights_where_another_source_went():
    space = Darts(cells=3, channels=4, nodes=2)
    labels = dict.fromkeys((f"{kind}/node0/{i}" for kind in ("normal", "reduce") for i in (0, 1)), "skip_connect")
    for kind in ("normal", "reduce"):
        labels |= {
            f"{kind}/node1/sources": (0, 1),
            f"{kind}/node1/0": "skip_connect",
            f"{kind}/node1/1": "sep_conv_3x3",
        }
    parent = space.architecture(labels)
    child = {**labels, "normal/node1/sources": (1, 2), "normal/node1/2": "max_pool_3x3"}
    del child["normal/node1/0"]
    shape = TaskShape((3, 16, 16), 10)
    child = space.architecture(child)
    _changed, count, old, new = inherited(space, parent, child, shape)
    assert count == sum(each.numel() for each in old.parameters())  # the operation on state 1 is now the first of two
    assert sum(each.numel() for each in new.parameters()) == count


def test_spaces_of_other_kinds_and_parts_of_spaces():
    space = NasBench101(channels=8, stacks=1, modules=1, vertices=4, edges=3)
    shape = TaskShape((3, 8, 8), 10)
    points = [space.at(i) for i in range(0, space.size, 7)]
    for where in (space, Among(space, points)):
        parent, child = where.parse(str(points[0])), where.parse(str(points[-1]))
        old, new = both(where, parent, child, shape)
        assert where.inherit(old, new, parent, child) > 0
        assert torch.equal(new[0][0].weight, old[0][0].weight)


def test_statistics_of_normalisations_come_with_their_weights():
    parent, child = chain(1.0, CONV), chain(1.0, CONV, CONV)
    old, new = both(CHAIN, parent, child)
    for module in old.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.fill_(0.25)
    CHAIN.inherit(old, new, parent, child)
    means = {float(m.running_mean.mean()) for m in new.modules() if isinstance(m, nn.BatchNorm2d)}
    assert means == {0.0, 0.25}
