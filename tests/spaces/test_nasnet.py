import numpy as np
import pytest
import torch

from netwright.core.building import Builder, EdgeSum
from netwright.core.errors import ConfigurationError, InvalidArchitecture
from netwright.core.task import TaskShape
from netwright.networks.counting import count
from netwright.networks.operations import OPERATIONS, Zero
from netwright.spaces import NasNet
from netwright.supernets import Supernet

EVERYTHING = tuple(OPERATIONS)
SMALL = NasNet(cells=3, channels=2, nodes=3, operations=EVERYTHING)


def test_sizes():
    """Each of a node's two inputs takes any earlier state and any operation."""
    for operations, number in (("nasnet", 13), ("amoebanet", 8), ("pnas", 8), ("enas", 5)):
        space = NasNet(operations=operations)
        assert len(space.operations) == number
        if operations == "enas":
            one_cell = (2 * 3 * 4 * 5 * 6) ** 2 * number**10
            assert space.size == one_cell**2


@pytest.mark.parametrize("shape", [TaskShape((1, 8, 8), 10), TaskShape((3, 7, 5), 2), TaskShape((1, 1, 1), 3)], ids=str)
@pytest.mark.parametrize("output", ["loose", "all", ((4, 3), (2,))], ids=str)
def test_samples_run_forward_and_backward(shape, output):
    rng, space = np.random.default_rng(0), SMALL.replace(output=output, auxiliary=output == "all")
    for _ in range(12):
        network = space.build(space.sample(rng), shape)
        outputs = network(torch.randn(2, *shape.input))
        outputs = outputs if isinstance(outputs, tuple) else (outputs,)
        sum(each.square().sum() for each in outputs).backward()
        assert all(each.grad is None or torch.isfinite(each.grad).all() for each in network.parameters())
        assert network.eval()(torch.randn(1, *shape.input)).shape == (1, shape.classes)


def test_the_output_joins_the_states_that_no_node_reads():
    space = NasNet(cells=2, channels=2, nodes=3, operations="enas")
    labels = {
        "normal": [
            ("skip_connect", 0),
            ("skip_connect", 0),
            ("skip_connect", 2),
            ("avg_pool_3x3", 2),
            *[("skip_connect", 1)] * 2,
        ],
        "reduce": [
            ("skip_connect", 0),
            ("skip_connect", 1),
            ("skip_connect", 2),
            ("avg_pool_3x3", 2),
            *[("skip_connect", 3)] * 2,
        ],
    }
    architecture = space.from_genotype({**labels, "normal_concat": [3, 4], "reduce_concat": [4]})
    network = space.build(architecture, TaskShape((3, 8, 8), 4))
    assert [each.output for each in network.cells] == [(3, 4), (4,)]
    assert [each.sources for each in network.cells[0].nodes] == [(0, 0), (2, 2), (1, 1)]
    everything = space.replace(output="all")
    network = everything.build(everything.at(0), TaskShape((3, 8, 8), 4))
    assert [each.output for each in network.cells] == [(2, 3, 4), (2, 3, 4)]


def test_a_node_sums_its_two_operations():
    torch.manual_seed(0)
    space = NasNet(cells=2, channels=2, nodes=1, operations=("skip_connect", "max_pool_3x3"))
    text = "Genotype(normal=[('skip_connect', 1), ('max_pool_3x3', 1)], normal_concat=[2], "
    text += "reduce=[('skip_connect', 0), ('skip_connect', 1)], reduce_concat=[2])"
    cell = space.build(space.parse(text), TaskShape((3, 8, 8), 4)).cells[0]
    older, newer = torch.randn(2, 6, 8, 8), torch.randn(2, 6, 8, 8)
    read = cell.preprocess1(newer)
    expected = read + torch.nn.functional.max_pool2d(read, 3, 1, 1)
    torch.testing.assert_close(cell(older, newer), expected)


def test_none_is_left_out_of_sums():
    space = NasNet(cells=2, channels=2, nodes=1, operations=("none", "skip_connect"))
    text = "Genotype(normal=[('none', 0), ('skip_connect', 1)], normal_concat=[2], "
    text += "reduce=[('none', 0), ('none', 1)], reduce_concat=[2])"
    network = space.build(space.parse(text), TaskShape((3, 8, 8), 4))
    assert network.cells[0].nodes[0].sources == (1,)
    assert [type(each) for each in network.cells[1].nodes[0].operations] == [Zero]
    assert space.parse(text) == space.parse(str(space.parse(text)))


class Mixed(EdgeSum):
    """What a network of all architectures puts in place of a sum."""


class Everything(Builder):
    def edges(self, *args, **kwargs):
        plain = super().edges(*args, **kwargs)
        return Mixed(plain.sources, plain.operations)


def test_sums_that_are_more_than_plain_are_kept_whole():
    architecture = SMALL.sample(np.random.default_rng(0))
    network = SMALL.network(Everything(architecture.decisions, SMALL.decisions.places), TaskShape((3, 8, 8), 4))
    assert sum(isinstance(each, Mixed) for each in network.modules()) == 3 * 3 * 2
    assert network(torch.randn(2, 3, 8, 8)).shape == (2, 4)


def test_the_twin_that_is_traced_asks_the_same_decisions():
    class OwnTwin(NasNet):
        def tracing_twin(self):
            return self

    space = NasNet(nodes=(2, 3), operations="enas", output="all")
    assert [each.describe() for each in OwnTwin(*space.arguments.values()).decisions] == [
        each.describe() for each in space.decisions
    ]


def test_costs_add_up_where_the_frame_is_the_same():
    """Changing the operations of two edges at once changes the cost by the sum of both changes."""
    shape, rng = TaskShape((3, 16, 16), 10), np.random.default_rng(0)
    for output in ("loose", "all"):
        space = NasNet(cells=2, channels=4, nodes=2, operations="enas", output=output)
        assert space.additive_cost

        def cost(decisions, space=space):
            with torch.device("meta"):
                counted = count(space.build(space.architecture(decisions), shape), shape.input)
            return np.array([counted.params, counted.macs])

        for _ in range(3):
            decisions = space.sample(rng).decisions
            first, second = rng.choice([name for name, label in decisions.items() if isinstance(label, str)], 2, False)
            one, other = {first: "sep_conv_5x5"}, {second: "max_pool_3x3"}
            base = cost(decisions)
            both = cost({**decisions, **one, **other}) - base
            assert (both == cost({**decisions, **one}) + cost({**decisions, **other}) - 2 * base).all()


def test_the_frame_of_the_costs_is_the_number_of_output_states():
    rng = np.random.default_rng(0)
    for _ in range(50):
        architecture = SMALL.sample(rng)
        genotype = SMALL.genotype(architecture)
        expected = (len(genotype["normal_concat"]), len(genotype["reduce_concat"]))
        assert SMALL.cost_frame(architecture.point) == expected
    everything = SMALL.replace(output="all")
    assert everything.cost_frame(everything.at(0).point) == ()


def test_text_and_json_round_trips():
    rng = np.random.default_rng(0)
    for space in (SMALL, NasNet(nodes=2, operations=("none",)), NasNet(nodes=(3, 1), operations="pnas", output="all")):
        for _ in range(20):
            architecture = space.sample(rng)
            assert space.parse(str(architecture)) == architecture
            assert space.parse(architecture.to_json()) == architecture
            assert space.from_genotype(space.genotype(architecture)) == architecture


def test_repeated_mutation_reaches_every_neighbour_and_nothing_else():
    space, rng = NasNet(nodes=1, operations=("skip_connect", "sep_conv_3x3", "none")), np.random.default_rng(0)
    architecture = space.sample(rng)
    neighbours = set(space.neighbors(architecture))
    assert len(neighbours) == 4 * (2 + 3)  # two other operations, or the other state with any operation
    assert {space.mutate(architecture, rng) for _ in range(800)} == neighbours


def test_the_order_of_two_inputs_does_not_matter():
    space, rng = NasNet(nodes=2, operations="enas"), np.random.default_rng(0)
    for _ in range(20):
        architecture = space.sample(rng)
        genotype = space.genotype(architecture)
        turned = {**genotype}
        for kind in ("normal", "reduce"):
            turned[kind] = [genotype[kind][i] for i in (1, 0, 3, 2)]
        canonical = space.canonical(architecture)
        assert space.canonical(space.from_genotype(turned)) == canonical == space.canonical(canonical)
        for kind in ("normal", "reduce"):
            for i in (0, 2):
                assert sorted(space.genotype(canonical)[kind][i : i + 2]) == sorted(genotype[kind][i : i + 2])


def test_graph():
    space = NasNet(nodes=2, operations="enas")
    architecture = space.sample(np.random.default_rng(3))
    genotype, graph = space.genotype(architecture), space.graph(architecture)
    assert [each.name for each in graph.nodes[:4]] == ["normal/input0", "normal/input1", "normal/node0", "normal/node1"]
    names = ["input0", "input1", "node0", "node1"]
    for kind, edges in (("normal", graph.edges[:4]), ("reduce", graph.edges[4:])):
        expected = [(f"{kind}/{names[source]}", label) for label, source in genotype[kind]]
        assert [(each.source, each.operation) for each in edges] == expected
        assert [each.target for each in edges] == [f"{kind}/node0"] * 2 + [f"{kind}/node1"] * 2


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"output": "lose"}, "cannot put out 'lose'"),
        ({"output": ((2,), (7,))}, "states 2 to 6"),
        ({"output": ((2,), ())}, "cannot put out the states"),
        ({"output": ((2, 2), (2,))}, "cannot put out the states"),
        ({"operations": "pnass"}, "did you mean 'pnas'"),
        ({"nodes": 25}, "nodes from 1 to 24"),
    ],
)
def test_refused_settings(arguments, expected):
    with pytest.raises(ConfigurationError, match=expected):
        NasNet(**arguments)


def test_another_output_than_the_space_gives_is_refused():
    assert NasNet(nodes=2, output=((3, 2), (2,))) == NasNet(nodes=2, output=((2, 3), (2,)))
    space = NasNet(nodes=1, operations="enas", output="all")
    text = str(NasNet(nodes=2, operations="enas").at(0))
    with pytest.raises(InvalidArchitecture, match="has 2 nodes, but this space's cells have 1"):
        space.parse(text)
    with pytest.raises(InvalidArchitecture, match=r"'normal_concat' is \[2, 3\], but this space's cells put out \[3\]"):
        NasNet(nodes=2, operations="enas", output=((3,), (3,))).parse(text)


ASNG = NasNet(operations="enas", projected=True)
OF_ITS_PROGRAM = [  # parameters as the program of Akimoto et al. (2019) counts them, with scales and shifts
    (
        "Genotype(normal=[('sep_conv_5x5', 0), ('avg_pool_3x3', 1), ('sep_conv_3x3', 1), ('max_pool_3x3', 1), "
        "('skip_connect', 3), ('sep_conv_5x5', 0), ('skip_connect', 1), ('avg_pool_3x3', 2), ('avg_pool_3x3', 4), "
        "('avg_pool_3x3', 0)], normal_concat=[5, 6], reduce=[('sep_conv_5x5', 0), ('max_pool_3x3', 1), "
        "('sep_conv_3x3', 2), ('avg_pool_3x3', 1), ('skip_connect', 3), ('sep_conv_5x5', 2), ('max_pool_3x3', 4), "
        "('sep_conv_3x3', 4), ('avg_pool_3x3', 2), ('skip_connect', 0)], reduce_concat=[5, 6])",
        215802,
    ),
    (
        "Genotype(normal=[('sep_conv_3x3', 0), ('avg_pool_3x3', 0), ('max_pool_3x3', 2), ('sep_conv_5x5', 0), "
        "('sep_conv_5x5', 0), ('sep_conv_3x3', 3), ('sep_conv_5x5', 4), ('sep_conv_3x3', 3), ('avg_pool_3x3', 1), "
        "('max_pool_3x3', 2)], normal_concat=[5, 6], reduce=[('sep_conv_5x5', 0), ('avg_pool_3x3', 1), "
        "('max_pool_3x3', 2), ('sep_conv_5x5', 2), ('avg_pool_3x3', 1), ('max_pool_3x3', 0), ('skip_connect', 4), "
        "('avg_pool_3x3', 2), ('avg_pool_3x3', 1), ('sep_conv_3x3', 2)], reduce_concat=[3, 5, 6])",
        289722,
    ),
]


@pytest.mark.parametrize(("text", "params"), OF_ITS_PROGRAM)
def test_projected_cells_have_the_parameters_of_asng_nas(text, params):
    shape = TaskShape((3, 32, 32), 10)
    with torch.device("meta"):
        network = ASNG.build(ASNG.parse(text), shape)
    assert sum(each.numel() for each in network.parameters()) == params
    assert [each.projection[1].out_channels for each in network.cells] == [16, 16, 32, 32, 32, 64, 64, 64]


def test_projected_cells_share_weights():
    space = NasNet(cells=3, channels=2, nodes=3, operations="enas", projected=True)
    torch.manual_seed(0)
    shape, rng = TaskShape((3, 8, 8), 4), np.random.default_rng(0)
    supernet = Supernet(space, shape)
    kernel = supernet.network.cells[0].projection[1].weight
    assert kernel.shape[:2] == (2, 6)  # of three nodes
    x = torch.randn(4, 3, 8, 8)
    for _ in range(4):
        architecture = space.sample(rng)
        alone = supernet.extract(architecture)
        torch.testing.assert_close(supernet(x, architecture), alone(x), rtol=1e-4, atol=1e-5)
        joined = [state - 2 for state in space.genotype(architecture)["normal_concat"]]
        torch.testing.assert_close(
            alone.cells[0].projection[1].weight.flatten(1), kernel.view(2, 3, 2)[:, joined].flatten(1)
        )
