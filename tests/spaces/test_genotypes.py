"""Published cells as facts, with the parameters of their CIFAR-10 networks of 20 cells and 36 channels.

Cells: the authors' public code of DARTS (Liu et al. 2019), which also holds NASNet-A (Zoph et al. 2018) and AmoebaNet-A
(Real et al. 2019), and of P-DARTS (Chen et al. 2019), PC-DARTS (Xu et al. 2020) and SNAS (Xie et al. 2019). Parameters:
counted on the DARTS authors' model, without and with its auxiliary classifier.
"""

import json
import random
from collections import namedtuple

import numpy as np
import pytest
import torch

from netwright.core.errors import InvalidArchitecture, UserError
from netwright.core.task import TaskShape
from netwright.spaces import Darts, NasNet, from_genotype
from netwright.spaces.genotypes import read_genotype

Pairs = list[tuple[str, int]]


def pairs(text: str) -> Pairs:
    short = {"sep": "sep_conv_", "dil": "dil_conv_", "max": "max_pool_", "avg": "avg_pool_"}
    read: Pairs = []
    for each in text.split():
        label, _, state = each.partition("~")
        if label[:3] in short:
            label = f"{short[label[:3]]}{label[3:]}x{label[3:]}"
        read.append(({"skip": "skip_connect", "7x1": "conv_7x1_1x7"}.get(label, label), int(state)))
    return read


def cells(normal: str, normal_concat: list[int], reduce: str, reduce_concat: list[int]) -> dict:
    return {
        "normal": pairs(normal),
        "normal_concat": normal_concat,
        "reduce": pairs(reduce),
        "reduce_concat": reduce_concat,
    }


ALL = [2, 3, 4, 5]
PUBLISHED = {
    "nasnet_a": (
        cells(
            "sep5~1 sep3~0 sep5~0 sep3~0 avg3~1 skip~0 avg3~0 avg3~0 sep3~1 skip~1",
            [2, 3, 4, 5, 6],
            "sep5~1 sep7~0 max3~1 sep7~0 avg3~1 sep5~0 skip~3 avg3~2 sep3~2 max3~1",
            [4, 5, 6],
        ),
        NasNet,
        (3_830_950, 4_288_944),
    ),
    "amoebanet_a": (
        cells(
            "avg3~0 max3~1 sep3~0 sep5~2 sep3~0 avg3~3 sep3~1 skip~1 skip~0 avg3~1",
            [4, 5, 6],
            "avg3~0 sep3~1 max3~0 sep7~2 sep7~0 avg3~1 max3~0 max3~1 7x1~0 sep3~5",
            [3, 4, 6],
        ),
        NasNet,
        (3_145_078, 3_603_072),
    ),
    "nsga_net": (  # the parameters are those of the authors' program with 20 cells of 36 channels
        cells(
            "skip~0 max3~0 dil5~0 max3~0 dil5~1 sep3~3 max3~1 sep5~3 sep3~1 sep3~0",
            [2, 4, 5, 6],
            "avg3~0 sep3~1 dil3~1 max3~0 skip~2 dil5~1 skip~2 avg3~1 dil5~1 dil3~1",
            [3, 4, 5, 6],
        ),
        NasNet,
        (3_442_870, 3_919_296),
    ),
    "darts_v1": (
        cells(
            "sep3~1 sep3~0 skip~0 sep3~1 skip~0 sep3~1 sep3~0 skip~2",
            ALL,
            "max3~0 max3~1 skip~2 max3~0 max3~0 skip~2 skip~2 avg3~0",
            ALL,
        ),
        Darts,
        (3_169_414, 3_645_840),
    ),
    "darts_v2": (
        cells(
            "sep3~0 sep3~1 sep3~0 sep3~1 sep3~1 skip~0 skip~0 dil3~2",
            ALL,
            "max3~0 max3~1 skip~2 max3~1 max3~0 skip~2 skip~2 max3~1",
            ALL,
        ),
        Darts,
        (3_349_342, 3_825_768),
    ),
    "pdarts": (
        cells(
            "skip~0 dil3~1 skip~0 sep3~1 sep3~1 sep3~3 sep3~0 dil5~4",
            ALL,
            "avg3~0 sep5~1 sep3~0 dil5~2 max3~0 dil3~1 dil3~1 dil5~3",
            ALL,
        ),
        Darts,
        (3_433_798, 3_910_224),
    ),
    "pc_darts_cifar": (
        cells(
            "sep3~1 skip~0 sep3~0 dil3~1 sep5~0 sep3~1 avg3~0 dil3~1",
            ALL,
            "sep5~1 max3~0 sep5~1 sep5~2 sep3~0 sep3~3 sep3~1 sep3~2",
            ALL,
        ),
        Darts,
        (3_634_678, 4_111_104),
    ),
    "snas_mild": (
        cells(
            "sep3~0 sep3~1 skip~0 dil3~1 skip~0 skip~1 skip~0 sep3~1",
            ALL,
            "max3~0 max3~1 max3~1 skip~2 max3~1 skip~2 max3~0 dil5~2",
            ALL,
        ),
        Darts,
        (2_661_382, 3_137_808),
    ),
}


def alike(first: dict, second: dict) -> bool:
    """Whether two genotypes are the same but for the order within a node."""

    def normal_form(genotype: dict) -> list:
        nodes = {kind: [tuple(each) for each in genotype[kind]] for kind in ("normal", "reduce")}
        blocks = [sorted(readings[i : i + 2]) for readings in nodes.values() for i in range(0, len(readings), 2)]
        return [*blocks, sorted(genotype["normal_concat"]), sorted(genotype["reduce_concat"])]

    return normal_form(first) == normal_form(second)


@pytest.mark.parametrize("name", PUBLISHED)
@pytest.mark.parametrize("auxiliary", [False, True])
def test_published_networks_have_the_published_parameters(name, auxiliary):
    genotype, kind, parameters = PUBLISHED[name]
    space, architecture = from_genotype(genotype, auxiliary=auxiliary)
    assert type(space) is kind
    with torch.device("meta"):
        network = space.build(architecture, TaskShape((3, 32, 32), 10))
    assert sum(each.numel() for each in network.parameters()) == parameters[auxiliary]


def test_the_published_imagenet_network_has_the_published_parameters():
    """The ImageNet network of DARTS (second order): 14 cells, 48 channels, 4.718752 million parameters."""
    space, architecture = from_genotype(PUBLISHED["darts_v2"][0], cells=14, channels=48)
    with torch.device("meta"):
        network = space.build(architecture, TaskShape((3, 224, 224), 1000))
    assert sum(each.numel() for each in network.parameters()) == 4_718_752


def as_text(genotype: dict) -> str:
    return "Genotype(" + ", ".join(f"{name}={value!r}" for name, value in genotype.items()) + ")"


@pytest.mark.parametrize("name", PUBLISHED)
def test_every_form_is_read_and_written(name):
    genotype = PUBLISHED[name][0]
    space, architecture = from_genotype(genotype, cells=3, channels=4)
    assert alike(space.genotype(architecture), genotype)
    text = as_text(genotype)
    ranged = text.replace("[2, 3, 4, 5]", "range(2, 6)").replace("[2, 3, 4, 5, 6]", "list(range(2, 7))")
    for form in (text, ranged, json.dumps(genotype), json.dumps({"cells": genotype}), f"\n {text} "):
        assert space.parse(form) == architecture
        assert from_genotype(form, 3, 4) == (space, architecture)
    assert from_genotype({"cells": genotype, "source": "a paper"}, 3, 4) == (space, architecture)
    assert json.loads(json.dumps(space.genotype(architecture))) == space.genotype(architecture)
    network = space.build(architecture, TaskShape((1, 8, 8), 10))
    network(torch.randn(2, 1, 8, 8)).sum().backward()


def test_any_cells_of_this_form_find_a_space():
    """Random cells of 1 to 6 nodes, with equal inputs, `none`, and every kind of output."""
    rng = random.Random(0)
    operations = [
        "none",
        "skip_connect",
        "max_pool_3x3",
        "sep_conv_3x3",
        "dil_conv_5x5",
        "conv_7x1_1x7",
        "nor_conv_1x1",
    ]
    found = set()
    for case in range(40):
        allowed = rng.sample(operations, rng.randint(1, 4)) if case % 2 else ["skip_connect", "sep_conv_3x3"]
        genotype: dict = {}
        for kind in ("normal", "reduce"):
            nodes = rng.randint(1, 6)
            blocks = [
                rng.sample(range(i + 2), 2) if case % 4 == 0 else rng.choices(range(i + 2), k=2) for i in range(nodes)
            ]
            genotype[kind] = [(rng.choice(allowed), source) for block in blocks for source in block]
            states = list(range(2, nodes + 2))
            rng.shuffle(states)
            genotype[f"{kind}_concat"] = states if case % 3 else states[: rng.randint(1, nodes)]
        space, architecture = from_genotype(genotype, cells=3, channels=2)
        found.add(type(space).__name__)
        assert alike(space.genotype(architecture), genotype)
        assert space.parse(str(architecture)) == architecture
        network = space.build(architecture, TaskShape((1, 8, 8), 10))
        network(torch.randn(2, 1, 8, 8)).sum().backward()
    assert found == {"Darts", "NasNet"}


def test_operations_are_the_smallest_published_set_that_has_them():
    genotype = PUBLISHED["darts_v2"][0]
    assert from_genotype(genotype)[0] == Darts(20, 36)
    more = {**genotype, "normal": [("sep_conv_7x7", 0), *genotype["normal"][1:]]}
    assert "sep_conv_7x7" in from_genotype(more)[0].operations
    assert from_genotype(PUBLISHED["amoebanet_a"][0])[0] == NasNet(20, 36, operations="amoebanet")


GOOD = PUBLISHED["darts_v1"][0]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"recurrent": [["tanh", 0]]}, "is a recurrent cell"),
        ({"normal": GOOD["normal"][:-1]}, "'normal' should list two"),
        ({"normal": []}, "'normal' should list two"),
        ({"normal": "sep_conv_3x3"}, "'normal' should list two"),
        ({"normal": GOOD["normal"] * 100}, "has 400 nodes; at most 24"),
        ({"reduce": [("sep_conv_3x4", 0), *GOOD["reduce"][1:]]}, "node 0 of 'reduce'.*did you mean 'sep_conv_3x3'"),
        ({"reduce": [("os.system", 0), *GOOD["reduce"][1:]]}, "there is no operation 'os.system'"),
        ({"reduce": [(["skip_connect"], 0), *GOOD["reduce"][1:]]}, "there is no operation"),
        ({"reduce": [("skip_connect", 2), *GOOD["reduce"][1:]]}, "reads state 2; it may read 0 to 1"),
        ({"reduce": [("skip_connect", -1), *GOOD["reduce"][1:]]}, "reads state -1"),
        ({"reduce": [("skip_connect", True), *GOOD["reduce"][1:]]}, "reads state True"),
        ({"reduce": ["skip_connect", *GOOD["reduce"][1:]]}, "expected a pair"),
        ({"normal_concat": []}, "'normal_concat' should list states"),
        ({"normal_concat": 3}, "'normal_concat' should list states"),
        ({"normal_concat": [1, 2]}, "'normal_concat' lists 1; the nodes of this cell are states 2 to 5"),
        ({"normal_concat": [2, 2]}, "lists state 2 twice"),
        ({"normal_cat": [2]}, "no part 'normal_cat'; did you mean 'normal_concat'"),
    ],
)
def test_wrong_cells_are_refused_by_name(change, expected):
    for form in ({**GOOD, **change}, json.dumps({**GOOD, **change})):
        with pytest.raises(InvalidArchitecture, match=expected):
            from_genotype(form)
    with pytest.raises(InvalidArchitecture, match=expected):
        Darts().parse(as_text({**GOOD, **change}))


@pytest.mark.parametrize(
    ("text", "error", "expected"),
    [
        ("Genotype(normal=[", InvalidArchitecture, "cannot be read"),
        ("Genotype([], [])", InvalidArchitecture, "names each of its parts"),
        ("Genotype(normal=__import__('os').system('true'))", InvalidArchitecture, "not a list of literals"),
        ("Genotype(normal=range(2, 10**9))", InvalidArchitecture, "not a list of literals"),
        ("Genotype(normal=" + "[" * 50_000, InvalidArchitecture, "cannot be read"),
        ("Genotype(normal=" + "[" * 200_000, InvalidArchitecture, "at most 100,000"),
        ("Genotypes(normal=1)", InvalidArchitecture, "expected Genotype"),
        ('{"normal": [}', UserError, "not valid JSON, line 1"),
        ("[1]", InvalidArchitecture, "object with 'normal' and 'reduce'"),
    ],
)
def test_broken_text_is_refused(text, error, expected):
    with pytest.raises(error, match=expected):
        from_genotype(text)


def test_long_ranges_are_not_unrolled():
    with pytest.raises(InvalidArchitecture, match="states 2 to 5"):
        from_genotype(as_text(GOOD).replace("[2, 3, 4, 5]", "range(2, 1000000000000)"))


def test_missing_parts_are_named():
    with pytest.raises(InvalidArchitecture, match="has no 'reduce'"):
        from_genotype({"normal": GOOD["normal"], "normal_concat": ALL})


def test_the_genotype_reads_back():
    read = read_genotype(GOOD)
    assert read_genotype(str(read)) == read == read_genotype(read.to_dict())
    assert from_genotype(namedtuple("Genotype", GOOD)(**GOOD)) == from_genotype(GOOD)


@pytest.mark.parametrize("before", ["DARTS_V2 = ", "genotypes.", "X = utils.genotypes.", "\n DARTS = "])
def test_genotypes_are_read_as_they_stand_in_files(before: str) -> None:
    expected = read_genotype(PUBLISHED["nasnet_a"][0])
    assert read_genotype(f"{before}{expected}") == expected
    space, architecture = from_genotype(f"{before}{expected}")
    assert space.parse(f"{before}{expected}") == architecture


@pytest.mark.parametrize("text", ["Genotype()()", "Genotype", "A = B = 3", "X = Genotype(); Y = Genotype()"])
def test_other_statements_are_no_genotypes(text: str) -> None:
    with pytest.raises(UserError):
        read_genotype(text)


def test_states_may_be_numbers_of_numpy() -> None:
    plain = PUBLISHED["nasnet_a"][0]
    given = {
        name: [np.int64(each) if isinstance(each, int) else (each[0], np.int64(each[1])) for each in part]
        for name, part in plain.items()
    }
    assert read_genotype(given) == read_genotype(plain)
    json.dumps(read_genotype(given).to_dict())
    with pytest.raises(InvalidArchitecture, match="reads state True"):
        read_genotype({**plain, "normal": [("sep_conv_3x3", True), *plain["normal"][1:]]})
