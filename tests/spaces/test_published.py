"""Published networks by name, with the parameters that their authors' programs or papers give."""

import json

import pytest
import torch

from netwright.core.errors import ConfigurationError, InvalidArchitecture
from netwright.core.task import TaskShape
from netwright.spaces import Darts, NasNet, Recurrent, from_genotype, published, published_cells
from netwright.spaces.genotypes import read_genotype

CIFAR, IMAGENET = TaskShape((3, 32, 32), 10), TaskShape((3, 224, 224), 1000)
TEXT = TaskShape((35,), 10_000, vocabulary=10_000, dense=True)
AUXILIARY = 476_426  # of a cell that puts out four states of 144 channels

# Counted on the authors' model code: of DARTS, and of those who started from it.
COUNTED = {"nasnet_a": 3_830_950, "darts_v2": 3_349_342, "sdarts_rs_s3": 4_311_622}
# In millions, as papers and programs say, of networks without a second classifier.
SAID = {"nasnet_a_6_768": "3.3", "pnas": "3.2", "sgas_criterion1": "3.80", "sgas_criterion2": "4.09"}


def parameters(name: str, shape: TaskShape = CIFAR, *sizes: int, auxiliary: bool = False) -> int:
    space, architecture = published(name).made(*sizes, auxiliary=auxiliary)
    with torch.device("meta"):
        network = space.build(architecture, shape)
    return sum(each.numel() for each in network.parameters())


@pytest.mark.parametrize("name", COUNTED)
def test_parameters_are_those_of_the_authors_program(name):
    assert parameters(name) == COUNTED[name]


def test_the_second_classifier_is_that_of_the_authors_program():
    assert parameters("darts_v2", auxiliary=True) == COUNTED["darts_v2"] + AUXILIARY


@pytest.mark.parametrize("name", SAID)
def test_parameters_are_those_that_the_paper_gives(name):
    places = len(SAID[name].partition(".")[2])
    assert f"{parameters(name) / 1e6:.{places}f}" == SAID[name]


@pytest.mark.parametrize(("name", "millions"), [("darts_v2", 4.718752), ("sgas_criterion1", 5.285440)])
def test_imagenet_networks_have_a_stem_and_sizes_of_their_own(name, millions):
    assert published(name).sized(photographs=True) == (14, 48)
    assert parameters(name, IMAGENET, 14, 48) == round(millions * 1e6)


def test_a_recurrent_network_has_the_parameters_of_the_authors_program():
    # Embedding, tied with the answer and its bias; the entrance; eight nodes.
    by_hand = 10_000 * 850 + 10_000 + (2 * 850) * (2 * 850) + 8 * 850 * (2 * 850)
    assert parameters("darts_rnn_v2", TEXT) == by_hand == 22_960_000


@pytest.mark.parametrize("name", published_cells())
def test_every_cell_is_of_a_space_at_any_size_and_runs(name):
    cell = published(name)
    if cell.is_recurrent:
        space, architecture = cell.made(channels=4)
        assert isinstance(space, Recurrent)
        shape = TaskShape((5,), 6, vocabulary=6, dense=True)
        assert space.build(architecture, shape)(torch.randint(6, (2, 5))).shape == (2, 6, 5)
    else:
        space, architecture = cell.made(4, 4, auxiliary=True)
        assert isinstance(space, Darts | NasNet)
        network = space.build(architecture, TaskShape((1, 8, 8), 3))
        logits, auxiliary = network(torch.randn(2, 1, 8, 8))
        assert logits.shape == auxiliary.shape == (2, 3)
        (logits.sum() + auxiliary.sum()).backward()
    assert space.parse(str(architecture)) == architecture


def test_names_are_found_as_people_write_them_and_others_are_refused():
    assert published("DARTS-V2") is published("darts_v2")
    with pytest.raises(ConfigurationError, match="no published network 'darts_v3'; did you mean 'darts_v2'"):
        published("darts_v3")
    with pytest.raises(ConfigurationError, match="its network has 1 cell and no second classifier, found 3 cells"):
        published("enas_rnn").made(3)


def test_papers_are_those_of_the_catalogue():
    from netwright.catalogue.papers import papers

    known = {each.key for each in papers()}
    assert {each.paper for each in published_cells().values()} - {""} <= known


# The lists in which NASNet, PNASNet and ENAS are published.

NASNET = """
class NasNetANormalCell(NasNetABaseCell):
  def __init__(self, num_conv_filters):
    operations = ['separable_5x5_2', 'separable_3x3_2', 'separable_5x5_2', 'separable_3x3_2', 'avg_pool_3x3',
                  'none', 'avg_pool_3x3', 'avg_pool_3x3', 'separable_3x3_2', 'none']
    used_hiddenstates = [1, 0, 0, 0, 0, 0, 0]
    hiddenstate_indices = [0, 1, 1, 1, 0, 1, 1, 1, 0, 0]

class NasNetAReductionCell(NasNetABaseCell):
  def __init__(self, num_conv_filters):
    operations = ['separable_5x5_2', 'separable_7x7_2', 'max_pool_3x3', 'separable_7x7_2', 'avg_pool_3x3',
                  'separable_5x5_2', 'none', 'avg_pool_3x3', 'separable_3x3_2', 'max_pool_3x3']
    used_hiddenstates = [1, 1, 1, 0, 0, 0, 0]
    hiddenstate_indices = [0, 1, 0, 1, 0, 1, 3, 2, 2, 0]
"""
PNASNET = """
operations = ['separable_5x5_2', 'max_pool_3x3', 'separable_7x7_2', 'max_pool_3x3', 'separable_5x5_2',
              'separable_3x3_2', 'separable_3x3_2', 'max_pool_3x3', 'separable_3x3_2', 'none']
used_hiddenstates = [1, 1, 0, 0, 0, 0, 0]
hiddenstate_indices = [1, 1, 0, 0, 0, 0, 4, 0, 1, 0]
"""
ENAS = "0 2 0 0 0 4 0 1 0 4 1 1 1 0 0 1 0 2 1 1 1 0 1 0 0 3 0 2 1 1 3 1 1 0 0 4 0 3 1 1"


def test_lists_of_nasnet_are_read_as_they_stand_in_its_program():
    found, darts = read_genotype(NASNET), read_genotype(published("nasnet_a").genotype)
    assert [cell.nodes for cell in found.cells] == [cell.nodes for cell in darts.cells]  # from another program
    assert found.normal.output == (0, 2, 3, 4, 5, 6)  # with the output of the cell before the last
    assert found == read_genotype(published("nasnet_a_6_768").genotype)
    space, architecture = from_genotype(NASNET, 3, 4)
    assert space.parse(NASNET) == space.parse(str(architecture)) == architecture
    network = space.build(architecture, TaskShape((1, 8, 8), 2))
    assert network.cells[0].output == (0, 2, 3, 4, 5, 6)
    assert network(torch.randn(2, 1, 8, 8)).shape == (2, 2)


def test_a_single_cell_stands_for_both_as_in_pnas():
    found = read_genotype(PNASNET)
    assert found.normal == found.reduce
    assert found == read_genotype(published("pnas").genotype)  # which is from another program, in another form


def test_numbers_of_enas_are_read_in_every_form():
    found = read_genotype(ENAS)
    assert found.normal.nodes[0] == (("avg_pool_3x3", 0), ("sep_conv_3x3", 0))
    assert (found.normal.output, found.reduce.output) == ((2, 3, 4, 5, 6), (2, 4, 5, 6))
    numbers = [int(each) for each in ENAS.split()]
    split = {"normal": numbers[:20], "reduce": numbers[20:]}
    assert found == read_genotype(json.dumps(split)) == read_genotype(split) == read_genotype(str(numbers))
    assert found == read_genotype(published("enas").genotype)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (NASNET.replace("'none'", "'nonne'", 1), "there is no operation 'nonne'"),
        (NASNET.replace("separable_5x5_2", "separable_5x5_4", 1), "there is no operation 'separable_5x5_4'"),
        (NASNET.replace("[1, 0, 0, 0, 0, 0, 0]", "[1, 0, 0]", 1), "10 operations, 10 indices and 3 used states"),
        (NASNET.replace("used_hiddenstates", "used", 1), "2 of operations, 2 of hiddenstate_indices, 1 of used_hidd"),
        (
            PNASNET.replace("[1, 1, 0, 0, 0, 0, 4, 0, 1, 0]", "open('x')"),
            "hiddenstate_indices is not a list of literals",
        ),
        (PNASNET.replace("4, 0, 1, 0]", "6, 0, 1, 0]"), "node 3 of 'normal' reads state 6"),
        (ENAS.replace("0 2 0 0", "0 7 0 0", 1), "'normal' has operation 7; expected 0 to 4"),
        (ENAS.replace("0 2 0 0", "3 2 0 0", 1), "node 0 of 'normal' reads state 3"),
        (f"{ENAS} 1 0", "'normal' has 21 numbers; expected four a node"),
    ],
)
def test_what_is_wrong_in_lists_is_said(text, said):
    with pytest.raises(InvalidArchitecture, match=said):
        read_genotype(text)


def test_a_reduction_cell_cannot_join_its_inputs():
    with pytest.raises(ConfigurationError, match=r"cannot put out the states \[0, 3, 4, 5, 6\]"):
        from_genotype(NASNET.replace("[1, 1, 1, 0, 0, 0, 0]", "[1, 0, 1, 0, 0, 0, 0]"), 3, 4)
