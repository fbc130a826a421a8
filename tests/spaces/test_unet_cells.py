import numpy as np
import pytest
import torch

from netwright.core.architecture import Mixture
from netwright.core.errors import ConfigurationError, InvalidArchitecture, UserError
from netwright.core.task import TaskShape
from netwright.networks.cells import Cell
from netwright.networks.counting import count
from netwright.networks.u_shape import NORMAL, UpAndDown, doubling, halving
from netwright.networks.unet import unet
from netwright.results.network_source import write_source
from netwright.spaces import EncoderDecoder, UNetCells
from netwright.spaces.unet_cells import PUBLISHED, convolution_cells, levels_of
from netwright.supernets import Supernet

SMALL = UNetCells(depth=2, channels=4, nodes=2)
SHAPE = TaskShape((1, 32, 32), 2, dense=True)


def test_size_by_hand():
    down = (6 * 6) * (6 * 6 + 2 * 6 * 5) * (6 * 6 + 4 * 6 * 5 + 5 * 5)
    up = (5 * 4) * (5 * 4 + 5 * 5 + 4 * 5) * (3 * 4 * 5 + 3 * 5 * 5)
    assert UNetCells().size == down * up == 109_781_568_000


def test_inputs_of_a_cell_are_halved_or_doubled_and_inner_states_are_kept():
    offered = {each.name: (each.options, each.soft) for each in SMALL.decisions}
    assert offered["down/node1/0"] == offered["down/node1/1"] == (tuple(halving(3)), ())
    assert offered["up/node1/1"] == (tuple(doubling(3)), ())
    hard = tuple(label for label in NORMAL if label != "none")
    assert offered["down/node1/2"] == offered["up/node1/0"] == offered["up/node1/2"] == (hard, ("none",))


@pytest.mark.parametrize("sides", [(8, 8), (32, 48), (37, 51)])
@pytest.mark.parametrize("space", [SMALL, UNetCells(channels=4, doubles=True), EncoderDecoder(cells=3, channels=4)])
def test_there_is_an_answer_for_every_pixel_whatever_the_sides(space, sides):
    network = space.build(space.sample(np.random.default_rng(0)), TaskShape((3, *sides), 5, dense=True))
    assert network(torch.randn(2, 3, *sides)).shape == (2, 5, *sides)


def test_what_is_not_dense_is_refused_with_what_to_use_in_its_place():
    for space in (SMALL, EncoderDecoder(cells=3, channels=4)):
        architecture = space.sample(np.random.default_rng(0))
        with pytest.raises(UserError, match="one an image; use a space such as residual"):
            space.build(architecture, TaskShape((3, 32, 32), 5))
        with pytest.raises(UserError, match="for images with masks, but the task's examples are vectors"):
            space.build(architecture, TaskShape((7,), 5))


def test_small_images_have_fewer_levels():
    assert [levels_of(TaskShape((1, side, 512), 2, dense=True), 4) for side in (8, 16, 32, 64, 128)] == [1, 1, 2, 3, 4]


def test_the_mixture_of_all_gives_the_same_fused_and_one_by_one():
    generator = torch.Generator().manual_seed(0)
    weights = {
        each.name: torch.rand(len(each.options) + len(each.soft), generator=generator)
        for each in SMALL.decisions
        if each.kind != "sources"
    }
    torch.manual_seed(0)
    fused = Supernet(SMALL, SHAPE)
    alone = Supernet(SMALL, SHAPE, fused=False)
    alone.load_state_dict(fused.state_dict())
    x = torch.randn(2, 1, 32, 32, generator=generator)
    assert torch.allclose(fused(x, Mixture(weights)), alone(x, Mixture(weights)), atol=1e-3)
    partial = Supernet(SMALL, SHAPE, partial_channels=2)
    assert partial(x, Mixture(weights)).shape == (2, 2, 32, 32)


def test_edges_of_few_operations_have_no_advantage_in_a_mixture():
    weights = {
        each.name: torch.full((count,), 1 / count)
        for each in SMALL.decisions
        if each.kind != "sources" and (count := len(each.options) + len(each.soft))
    }
    weights["up/node1/2"] = torch.tensor([0.3, 0.2, 0.2, 0.1, 0.1, 0.1])
    weights["up/node1/0"] = torch.tensor([0.1, 0.27, 0.2, 0.2, 0.13, 0.1])
    found = SMALL.discretize(Mixture(weights)).decisions
    assert found["up/node1/sources"] == (0, 2)  # 6 x 0.3 and 6 x 0.27 are more than 4 x 1/4
    assert found["up/node1/0"] == "cweight"


def test_the_published_cells_are_of_the_space():
    space = UNetCells(channels=4)
    architecture = space.from_cells(*PUBLISHED[3])
    assert space.parse(str(architecture)) == architecture
    assert architecture.decisions["up/node2/sources"] == (1, 3)
    assert architecture.decisions["down/node2/0"] == "down_conv"
    for nodes, cells in PUBLISHED.items():
        assert len(UNetCells(nodes=nodes).from_cells(*cells).decisions) == 2 * (2 * nodes + nodes - 1)
    with pytest.raises(InvalidArchitecture, match="6 readings, expected two for each of 2 nodes"):
        SMALL.from_cells(*PUBLISHED[3])
    with pytest.raises(InvalidArchitecture, match="reads state 0 twice"):
        UNetCells(nodes=1).from_cells([("down_conv", 0), ("down_conv", 0)], PUBLISHED[3][1][:2])


@pytest.mark.parametrize("nodes", [1, 2, 3, 5])
def test_in_cells_of_convolutions_one_reads_each_node_but_the_last(nodes):
    space = UNetCells(depth=1, channels=2, nodes=nodes)
    known = space.known(SHAPE)
    assert list(known)[1:] == (["cells of NAS-Unet (2019)"] if nodes in (2, 3) else [])
    found = known["cells of 3x3 convolutions"].decisions
    read = {name: label for name, label in found.items() if not name.endswith("sources")}
    for kind in ("down", "up"):
        for node in range(nodes - 1):
            assert read[f"{kind}/node{node + 1}/{node + 2}"] == "conv"
    assert len(read) == 4 * nodes
    assert all(len(cell) == 2 * nodes for cell in convolution_cells(nodes))


def test_a_network_of_the_usual_space_has_at_most_half_of_the_parameters_of_a_small_u_net():
    shape = TaskShape((1, 128, 128), 2, dense=True)
    most = count(unet(1, shape.head(8), width=8), shape.input).params / 2
    for architecture in UNetCells().known(shape).values():
        assert count(UNetCells().build(architecture, shape), shape.input).params < most


def test_two_convolutions_read_the_image_at_its_full_resolution_before_it_is_halved():
    image = torch.zeros(1, 1, 32, 32)
    image[..., 16, 16] = 1.0
    for deep, reach in ((True, 2), (False, 0)):  # pixels to either side that a state of full resolution sees
        space = UNetCells(channels=4, deep_stem=deep)
        network = space.build(next(iter(space.known(SHAPE).values())), SHAPE).eval()
        (body,) = [each for each in network.modules() if isinstance(each, UpAndDown)]
        seen = (body.first(image) != body.first(torch.zeros_like(image))).any(1)[0].nonzero() - 16
        assert (seen.min(), seen.max()) == (-reach, reach)
        reads = next(each for each in body.second.modules() if isinstance(each, torch.nn.Conv2d)).in_channels
        assert reads == (12 if deep else 1)


@pytest.mark.parametrize(("dilation", "reached"), [(1, 1.0), (2, 0.25), (3, 1.0), (4, 0.25), (5, 1.0)])
def test_an_even_dilation_reads_and_writes_a_fourth_of_the_pixels(dilation, reached):
    torch.manual_seed(0)
    image = torch.randn(1, 1, 32, 32, requires_grad=True)
    down = next(each for each in halving(dilation)["down_dil_conv"](1).modules() if isinstance(each, torch.nn.Conv2d))
    (read,) = torch.autograd.grad(down(image).square().sum(), image)
    raised = doubling(dilation)["up_dil_conv"](1)
    up = next(each for each in raised.modules() if isinstance(each, torch.nn.ConvTranspose2d))
    written = up(image)
    assert down(image).shape[2:] == (16, 16) and written.shape[2:] == (64, 64)
    middle = slice(8, 24)
    assert (read[..., middle, middle] != 0).double().mean() == reached
    assert (written[..., middle, middle] != 0).double().mean() == reached


def test_the_dilation_of_what_halves_and_doubles_is_that_of_the_space():
    cells = [("down_dil_conv", 0), ("down_dil_conv", 1)], [("dil_conv", 0), ("up_dil_conv", 1)]
    for space in (UNetCells(depth=1, channels=2, nodes=1), UNetCells(depth=1, channels=2, nodes=1, dilation=2)):
        network = space.build(space.from_cells(*cells), SHAPE)
        layers = [each for each in network.modules() if isinstance(each, (torch.nn.Conv2d, torch.nn.ConvTranspose2d))]
        dilated = [(each.stride[0], each.dilation[0]) for each in layers if each.dilation[0] > 1]
        assert dilated == [(2, space.dilation)] * 2 + [(1, 2), (2, space.dilation)] * 2
    with pytest.raises(ConfigurationError, match="dilation of at least 1, found 0"):
        UNetCells(dilation=0)


def read(cell: Cell) -> list[torch.Tensor]:
    """Something that a cell may read: of the channels that it expects, the first with twice the resolution."""
    layers = [each for each in cell.modules() if isinstance(each, torch.nn.Conv2d)][:2]
    return [torch.zeros(2, layer.in_channels, 8 * (2 - i), 8 * (2 - i)) for i, layer in enumerate(layers)]


def test_each_level_has_twice_the_channels_of_the_one_above_unless_told_otherwise():
    for doubles, widths in ((True, [8, 16, 16, 8, 4]), (False, [4] * 5)):
        space = UNetCells(depth=2, channels=4, doubles=doubles)
        network = space.build(next(iter(space.known(SHAPE).values())), SHAPE)
        (body,) = [each for each in network.modules() if isinstance(each, UpAndDown)]
        cells = [each for way in (body.down, body.up) for each in way if isinstance(each, Cell)]
        assert [cell(*read(cell)).shape[1] for cell in cells] == [3 * width for width in widths]


def test_the_code_of_a_network_stands_alone_and_has_no_line_without_effect():
    network = SMALL.build(SMALL.sample(np.random.default_rng(1)), TaskShape((1, 37, 33), 2, dense=True)).eval()
    source = write_source(network, torch.zeros(2, 1, 37, 33))
    assert "netwright" not in source.code
    assert "==" not in source.code
    scope: dict = {}
    exec("import torch\nfrom torch import nn, Tensor\nimport torch.nn.functional as F\n" + source.code, scope)
    built = scope["build"]().eval()
    built.load_state_dict(source.tensors)
    x = torch.randn(3, 1, 37, 33)
    assert torch.equal(built(x), network(x))


def test_settings_that_cannot_be():
    for name, value in (("depth", 0), ("channels", 1), ("nodes", 0), ("nodes", 9)):
        with pytest.raises(ConfigurationError, match="found"):
            UNetCells().replace(**{name: value})
    with pytest.raises(ConfigurationError, match="reductions from 1 to cells - 1 = 2, found 3"):
        EncoderDecoder(cells=3, reductions=3)
    with pytest.raises(ConfigurationError, match="no second classifier"):
        EncoderDecoder(auxiliary=True)
