import pytest
import torch
from torch import fx, nn

from netwright.networks.cells import Cell, CellNetwork, DenseCell, PairSum, ReductionBlock, preprocessing
from netwright.networks.heads import (
    auxiliary_classifier,
    image_stem,
    photograph_second_stem,
    photograph_stem,
    pooled_classifier,
)
from netwright.networks.operations import FactorizedReduce, operation


class Read(nn.Module):
    """Twice one state."""

    def __init__(self, state: int) -> None:
        super().__init__()
        self.state = state

    def forward(self, states):
        return 2 * states[self.state]


def test_a_dense_cell_gives_its_last_node():
    x = torch.randn(1, 2, 3, 3)
    torch.testing.assert_close(DenseCell([Read(0), Read(1), Read(0)])(x), 2 * x)
    torch.testing.assert_close(DenseCell([Read(0), Read(1), Read(2)])(x), 8 * x)


def test_a_cell_joins_its_output_states_in_order():
    older, newer = torch.randn(1, 2, 3, 3), torch.randn(1, 2, 3, 3)
    cell = Cell((nn.Identity(), nn.Identity()), [Read(0), PairSum(Read(1), Read(2))], (3, 2))
    torch.testing.assert_close(cell(older, newer), torch.cat([2 * newer + 4 * older, 2 * older], 1))


def test_preprocessing_brings_both_inputs_to_one_shape():
    first, second = preprocessing(6, 10, 4, after_reduction=True)
    assert isinstance(first, FactorizedReduce)
    assert first(torch.randn(2, 6, 8, 8)).shape == second(torch.randn(2, 10, 4, 4)).shape == (2, 4, 4, 4)


@pytest.mark.parametrize("extent", [1, 2, 7, 8])
def test_a_reduction_block_halves_the_resolution_rounded_up(extent):
    assert ReductionBlock(3, 6)(torch.randn(2, 3, extent, extent)).shape == (2, 6, -(-extent // 2), -(-extent // 2))


def network(auxiliary: bool) -> CellNetwork:
    cells = [Cell(preprocessing(6, 6, 3, False), [Read(0), Read(1)], (2, 3)) for _ in range(3)]
    second = auxiliary_classifier(6, 5, (8, 8)) if auxiliary else None
    return CellNetwork(image_stem(3, 6), nn.Identity(), cells, pooled_classifier(6, 5), second, 1)


def test_the_auxiliary_classifier_speaks_in_training_only():
    x = torch.randn(2, 3, 8, 8)
    logits, auxiliary_logits = network(auxiliary=True)(x)
    assert logits.shape == auxiliary_logits.shape == (2, 5)
    assert network(auxiliary=True).eval()(x).shape == (2, 5)
    assert network(auxiliary=False)(x).shape == (2, 5)


@pytest.mark.parametrize("resolution", [(8, 8), (7, 7), (1, 1), (2, 3), (14, 14), (5, 9)])
def test_the_auxiliary_classifier_works_at_any_resolution(resolution):
    assert auxiliary_classifier(4, 10, resolution)(torch.randn(2, 4, *resolution)).shape == (2, 10)


def test_the_stem_for_photographs_divides_the_resolution_by_4_then_by_2():
    older = photograph_stem(3, 8)(torch.randn(2, 3, 64, 48))
    assert older.shape == (2, 8, 16, 12)
    assert photograph_second_stem(8)(older).shape == (2, 8, 8, 6)


class OneLevel(fx.Tracer):
    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        return True


@pytest.mark.parametrize(
    ("module", "inputs"),
    [
        (operation("skip_connect", 4, 2), (torch.randn(2, 4, 7, 7),)),
        (operation("none", 4, 2), (torch.randn(2, 4, 8, 8),)),
        (operation("sep_conv_3x3", 4, drop_path=True), (torch.randn(2, 4, 8, 8),)),
        (ReductionBlock(3, 6), (torch.randn(2, 3, 8, 8),)),
        (DenseCell([Read(0), Read(1)]), (torch.randn(2, 3, 8, 8),)),
        (
            Cell(preprocessing(6, 6, 3, False), [Read(0), PairSum(Read(1), Read(0))], (2, 3)),
            (torch.randn(2, 6, 8, 8), torch.randn(2, 6, 8, 8)),
        ),
        (network(auxiliary=True), (torch.randn(2, 3, 8, 8),)),
        (pooled_classifier(6, 5, normalise=True), (torch.randn(2, 6, 8, 8),)),
    ],
)
def test_modules_can_be_traced_one_level_at_a_time(module, inputs):
    module.eval()
    traced = fx.GraphModule(module, OneLevel().trace(module))
    torch.testing.assert_close(traced(*inputs), module(*inputs))
