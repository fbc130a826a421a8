"""The forms in which public code passes cells around, each with cells that were published in it.

AutoDL-Projects (Dong 2019): a tuple a node, `connectN` and `connects`, among them GDAS (Dong and Yang 2019) and SETN
(2019). pt.darts: a list a node. Fair DARTS (Chu et al. 2020): edges with the node they lead to, and logs with weights.
"""

import json

import numpy as np
import pytest
import torch

from netwright.core.errors import InvalidArchitecture
from netwright.core.task import TaskShape
from netwright.spaces import Darts, NasNet, from_genotype
from netwright.spaces.genotypes import read_genotype

AUTODL = {
    "NASNet": """NASNet = Genotype(
  normal = [
    (('sep_conv_5x5', 1), ('sep_conv_3x3', 0)),
    (('sep_conv_5x5', 0), ('sep_conv_3x3', 0)),
    (('avg_pool_3x3', 1), ('skip_connect', 0)),
    (('avg_pool_3x3', 0), ('avg_pool_3x3', 0)),
    (('sep_conv_3x3', 1), ('skip_connect', 1)),
  ],
  normal_concat = [2, 3, 4, 5, 6],
  reduce = [
    (('sep_conv_5x5', 1), ('sep_conv_7x7', 0)),
    (('max_pool_3x3', 1), ('sep_conv_7x7', 0)),
    (('avg_pool_3x3', 1), ('sep_conv_5x5', 0)),
    (('skip_connect', 3), ('avg_pool_3x3', 2)),
    (('sep_conv_3x3', 2), ('max_pool_3x3', 1)),
  ],
  reduce_concat = [4, 5, 6],
  connectN=None, connects=None,
)""",
    "PNASNet": """PNASNet = Genotype(
  normal = [
    (('sep_conv_5x5', 0), ('max_pool_3x3', 0)),
    (('sep_conv_7x7', 1), ('max_pool_3x3', 1)),
    (('sep_conv_5x5', 1), ('sep_conv_3x3', 1)),
    (('sep_conv_3x3', 4), ('max_pool_3x3', 1)),
    (('sep_conv_3x3', 0), ('skip_connect', 1)),
  ],
  normal_concat = [2, 3, 4, 5, 6],
  reduce = [
    (('sep_conv_5x5', 0), ('max_pool_3x3', 0)),
    (('sep_conv_7x7', 1), ('max_pool_3x3', 1)),
    (('sep_conv_5x5', 1), ('sep_conv_3x3', 1)),
    (('sep_conv_3x3', 4), ('max_pool_3x3', 1)),
    (('sep_conv_3x3', 0), ('skip_connect', 1)),
  ],
  reduce_concat = [2, 3, 4, 5, 6],
  connectN=None, connects=None,
)""",
    "DARTS_V1": """DARTS_V1 = Genotype(
  normal=[
    (('sep_conv_3x3', 1), ('sep_conv_3x3', 0)), # step 1
    (('skip_connect', 0), ('sep_conv_3x3', 1)), # step 2
    (('skip_connect', 0), ('sep_conv_3x3', 1)), # step 3
    (('sep_conv_3x3', 0), ('skip_connect', 2))  # step 4
  ],
  normal_concat=[2, 3, 4, 5],
  reduce=[
    (('max_pool_3x3', 0), ('max_pool_3x3', 1)), # step 1
    (('skip_connect', 2), ('max_pool_3x3', 0)), # step 2
    (('max_pool_3x3', 0), ('skip_connect', 2)), # step 3
    (('skip_connect', 2), ('avg_pool_3x3', 0))  # step 4
  ],
  reduce_concat=[2, 3, 4, 5],
  connectN=None, connects=None,
)""",
    "DARTS_V2": """DARTS_V2 = Genotype(
  normal=[
    (('sep_conv_3x3', 0), ('sep_conv_3x3', 1)), # step 1
    (('sep_conv_3x3', 0), ('sep_conv_3x3', 1)), # step 2
    (('sep_conv_3x3', 1), ('skip_connect', 0)), # step 3
    (('skip_connect', 0), ('dil_conv_3x3', 2))  # step 4
  ],
  normal_concat=[2, 3, 4, 5],
  reduce=[
    (('max_pool_3x3', 0), ('max_pool_3x3', 1)), # step 1
    (('skip_connect', 2), ('max_pool_3x3', 1)), # step 2
    (('max_pool_3x3', 0), ('skip_connect', 2)), # step 3
    (('skip_connect', 2), ('max_pool_3x3', 1))  # step 4
  ],
  reduce_concat=[2, 3, 4, 5],
  connectN=None, connects=None,
)""",
    "SETN": """SETN = Genotype(
  normal=[
    (('skip_connect', 0), ('sep_conv_5x5', 1)),
    (('sep_conv_5x5', 0), ('sep_conv_3x3', 1)),
    (('sep_conv_5x5', 1), ('sep_conv_5x5', 3)),
    (('max_pool_3x3', 1), ('conv_3x1_1x3', 4))],
  normal_concat=[2, 3, 4, 5],
  reduce=[
    (('sep_conv_3x3', 0), ('sep_conv_5x5', 1)),
    (('avg_pool_3x3', 0), ('sep_conv_5x5', 1)),
    (('avg_pool_3x3', 0), ('sep_conv_5x5', 1)),
    (('avg_pool_3x3', 0), ('skip_connect', 1))],
  reduce_concat=[2, 3, 4, 5],
  connectN=None, connects=None
)""",
    "GDAS_V1": """GDAS_V1 = Genotype(
  normal=[
    (('skip_connect', 0), ('skip_connect', 1)),
    (('skip_connect', 0), ('sep_conv_5x5', 2)),
    (('sep_conv_3x3', 3), ('skip_connect', 0)),
    (('sep_conv_5x5', 4), ('sep_conv_3x3', 3))],
  normal_concat=[2, 3, 4, 5],
  reduce=[
    (('sep_conv_5x5', 0), ('sep_conv_3x3', 1)),
    (('sep_conv_5x5', 2), ('sep_conv_5x5', 1)),
    (('dil_conv_5x5', 2), ('sep_conv_3x3', 1)),
    (('sep_conv_5x5', 0), ('sep_conv_5x5', 1))],
  reduce_concat=[2, 3, 4, 5],
  connectN=None, connects=None
)""",
}
PT_DARTS = """Genotype(
    normal=[[('sep_conv_3x3', 0), ('sep_conv_3x3', 1)], [('sep_conv_3x3', 1), ('dil_conv_3x3', 2)],
            [('sep_conv_3x3', 1), ('sep_conv_3x3', 2)], [('sep_conv_3x3', 1), ('dil_conv_3x3', 4)]],
    normal_concat=range(2, 6),
    reduce=[[('max_pool_3x3', 0), ('max_pool_3x3', 1)], [('max_pool_3x3', 0), ('skip_connect', 2)],
            [('max_pool_3x3', 0), ('skip_connect', 2)], [('max_pool_3x3', 0), ('skip_connect', 2)]],
    reduce_concat=range(2, 6))"""
WEIGHTED = """DARTS_EXP1_RE1 = Genotype(normal=[('skip_connect', 0, 0.2386), ('sep_conv_3x3', 1, 0.2340),
                                  ('dil_conv_3x3', 2, 0.3028), ('sep_conv_3x3', 0, 0.2745),
                                  ('dil_conv_3x3', 3, 0.3016), ('skip_connect', 0, 0.2737),
                                  ('dil_conv_5x5', 4, 0.3499), ('dil_conv_3x3', 3, 0.2212)], normal_concat=range(2, 6),
                         reduce= [('avg_pool_3x3', 0, 0.2173), ('skip_connect', 1, 0.1925),
                                  ('skip_connect', 2, 0.2302), ('max_pool_3x3', 0, 0.1860),
                                  ('skip_connect', 2, 0.3068), ('skip_connect', 3, 0.2695),
                                  ('skip_connect', 2, 0.2690), ('avg_pool_3x3', 0, 0.2323)],
                         reduce_concat=range(2, 6))"""
FAIR = {  # millions of parameters of the CIFAR-10 network as its authors give them, the auxiliary classifier among them
    "a": (
        """FairDARTS_a = Genotype(normal=[('sep_conv_3x3', 2, 0), ('sep_conv_5x5', 2, 1), ('max_pool_3x3', 4, 0),
        ('sep_conv_3x3', 5, 0)], normal_concat=range(2, 6), reduce=[('max_pool_3x3', 2, 0), ('avg_pool_3x3', 2, 1),
        ('avg_pool_3x3', 3, 0), ('dil_conv_5x5', 3, 1), ('avg_pool_3x3', 4, 0), ('sep_conv_5x5', 4, 1),
        ('skip_connect', 5, 0), ('skip_connect', 5, 1)], reduce_concat=range(2, 6))""",
        2.83,
    ),
    "d": (
        """FairDARTS_d = Genotype(normal=[('sep_conv_3x3', 2, 0), ('sep_conv_5x5', 2, 1), ('dil_conv_3x3', 3, 1),
        ('max_pool_3x3', 3, 0), ('dil_conv_3x3', 4, 0), ('dil_conv_3x3', 4, 1), ('sep_conv_3x3', 5, 0),
        ('dil_conv_5x5', 5, 1)], normal_concat=range(2, 6), reduce=[('max_pool_3x3', 2, 0), ('sep_conv_5x5', 2, 1),
        ('avg_pool_3x3', 3, 0), ('dil_conv_5x5', 3, 2), ('dil_conv_3x3', 4, 3), ('avg_pool_3x3', 4, 0),
        ('avg_pool_3x3', 5, 0), ('skip_connect', 5, 3)], reduce_concat=range(2, 6))""",
        3.84,
    ),
    "g": (
        """FairDARTS_g = Genotype(normal=[('sep_conv_3x3', 2, 0), ('sep_conv_3x3', 2, 1), ('skip_connect', 4, 3),
        ('sep_conv_5x5', 4, 1), ('dil_conv_3x3', 5, 0), ('sep_conv_3x3', 5, 1)], normal_concat=range(2, 6),
        reduce=[('avg_pool_3x3', 2, 1), ('skip_connect', 2, 0), ('skip_connect', 3, 2), ('max_pool_3x3', 3, 1),
        ('sep_conv_5x5', 4, 3), ('max_pool_3x3', 4, 0), ('dil_conv_3x3', 5, 1), ('dil_conv_3x3', 5, 4)],
        reduce_concat=range(2, 6))""",
        3.375,
    ),
}
EVERY = {**AUTODL, "pt.darts": PT_DARTS, "weights": WEIGHTED, **{name: text for name, (text, _) in FAIR.items()}}


def parameters(text: str, auxiliary: bool = False) -> int:
    space, architecture = from_genotype(text, auxiliary=auxiliary)
    with torch.device("meta"):
        network = space.build(architecture, TaskShape((3, 32, 32), 10))
    return sum(each.numel() for each in network.parameters())


@pytest.mark.parametrize("name", EVERY)
def test_cells_as_they_stand_in_public_code_are_read_and_their_networks_run(name):
    space, architecture = from_genotype(EVERY[name], cells=3, channels=4)
    assert space.parse(EVERY[name]) == architecture == space.parse(str(architecture))
    network = space.build(architecture, TaskShape((1, 8, 8), 10))
    network(torch.randn(2, 1, 8, 8)).sum().backward()


@pytest.mark.parametrize(("name", "size"), [("NASNet", 3_830_950), ("DARTS_V1", 3_169_414), ("DARTS_V2", 3_349_342)])
def test_they_are_the_cells_that_the_flat_form_gives(name, size):
    assert parameters(AUTODL[name]) == size  # as counted on the code of the authors of DARTS


@pytest.mark.parametrize(("text", "millions"), FAIR.values(), ids=FAIR)
def test_networks_of_edges_have_the_parameters_that_their_authors_give(text, millions):
    assert int(parameters(text, auxiliary=True) / 1e4) == int(millions * 100)


def test_a_tuple_a_node_is_the_flat_list():
    read = read_genotype(AUTODL["SETN"])
    assert read.normal.nodes[3] == (("max_pool_3x3", 1), ("conv_3x1_1x3", 4))
    assert from_genotype(AUTODL["PNASNet"])[0] == NasNet(20, 36, operations="amoebanet", output="all")
    assert type(from_genotype(AUTODL["DARTS_V2"])[0]) is Darts


def test_nodes_without_an_edge_are_left_out_and_nodes_with_one_add_nothing_more():
    normal = read_genotype(FAIR["a"][0]).normal
    assert normal.nodes == (
        (("sep_conv_3x3", 0), ("sep_conv_5x5", 1)),
        (("max_pool_3x3", 0), ("none", 0)),
        (("sep_conv_3x3", 0), ("none", 0)),
    )
    assert normal.output == (2, 3, 4)
    reads_missing = read_genotype(FAIR["g"][0]).normal  # node 4 reads node 3, which has no edge
    assert reads_missing.nodes[1] == (("sep_conv_5x5", 1), ("none", 0))


def dictionary(number):
    """What the search of AutoDL-Projects returns and prints; its weights are numbers of `number`."""
    flat = read_genotype(AUTODL["GDAS_V1"])
    cells = dict(zip(("normal", "reduce"), flat.cells, strict=True))
    return {
        **{
            kind: [tuple((name, state, number(0.25)) for name, state in block) for block in cell.nodes]
            for kind, cell in cells.items()
        },
        **{f"{kind}_concat": [2, 3, 4, 5] for kind in cells},
    }


@pytest.mark.parametrize("number", [float, np.float32, np.float64, torch.tensor], ids=lambda each: each.__name__)
def test_dictionaries_with_weights_are_read_as_data_and_as_they_are_printed(number):
    record = dictionary(number)
    expected = read_genotype(AUTODL["GDAS_V1"])
    assert read_genotype(record) == read_genotype(repr(record)) == read_genotype(f"best = {record!r}") == expected
    assert read_genotype(repr(record).replace("'", '"')) == expected
    assert read_genotype(json.dumps(dictionary(float))) == expected


def test_further_parts_must_say_that_there_is_nothing_further():
    text = AUTODL["SETN"]
    assert read_genotype(text.replace("connectN=None", "layout='cell'")) == read_genotype(text)
    for part, found in (("connectN=3", "'connectN'.* is 3"), ("layout='raw_weights'", "'layout'.*'raw_weights'")):
        with pytest.raises(InvalidArchitecture, match=found):
            read_genotype(text.replace("connectN=None", part))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("(('skip_connect', 0), ('sep_conv_5x5', 1))", "(('skip_connect', 0),) * 3", "not a list of literals"),
        ("('skip_connect', 0), ('sep_conv_5x5', 1)", "('skip_connect', 0), " * 3, "node 0 of 'normal' has 3 readings"),
        ("('skip_connect', 0), ('sep_conv_5x5', 1)", "", r"node 0 of 'normal' has \(\)"),
        ("('skip_connect', 0)", "('skip_connect', 0, 'x')", r"expected a pair \(operation, state\)"),
        ("('skip_connect', 0)", "('skip_connect', 2)", "node 0 of 'normal' reads state 2; it may read 0 to 1"),
        ("('skip_connect', 0)", "('skip_conect', 0)", "did you mean 'skip_connect'"),
        ("('skip_connect', 0)", "open('x')", "not a list of literals"),
    ],
)
def test_what_is_wrong_in_a_node_is_said_with_the_node(old, new, said):
    with pytest.raises(InvalidArchitecture, match=said):
        read_genotype(AUTODL["SETN"].replace(old, new, 1))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("('max_pool_3x3', 4, 0)", "('max_pool_3x3', 4, 4)", "state 4 of 'normal' reads state 4"),
        ("('max_pool_3x3', 4, 0)", "('max_pool_3x3', 4, -1)", "state 4 of 'normal' reads state -1"),
        ("('max_pool_3x3', 4, 0)", "('max_pool_3x3', 2, 0)", "node 0 of 'normal' has 3 readings"),
        ("normal_concat=range(2, 6)", "normal_concat=[3]", "'normal_concat' should list states"),
    ],
)
def test_what_is_wrong_in_edges_is_said_with_the_state(old, new, said):
    with pytest.raises(InvalidArchitecture, match=said):
        read_genotype(FAIR["a"][0].replace(old, new, 1))
