"""Facts of NAS-Bench-Macro (Su et al. 2021)."""

import pytest
import torch

from netwright.core.errors import InvalidArchitecture
from netwright.core.task import TaskShape
from netwright.estimators import Cost
from netwright.spaces import NasBenchMacro

COLOUR = TaskShape((3, 32, 32), 10)
SPACE = NasBenchMacro()


def test_there_are_6561_and_3969_differ():
    assert SPACE.size == 6_561
    assert len({SPACE.canonical(each) for each in SPACE.enumerate()}) == 9 * 21 * 21


def test_the_digits_are_the_blocks_in_order():
    architecture = SPACE.parse("01201221")
    assert list(architecture.decisions.values())[:3] == ["identity", "mb3_k3", "mb6_k5"]
    assert str(architecture) == "01201221"
    assert SPACE.parse(architecture.to_json()) == architecture
    assert str(SPACE.canonical(SPACE.parse("01001020"))) == "01010020"


@pytest.mark.parametrize("text", ["0120122", "012012213", "3" * 8, "abc"])
def test_what_is_no_architecture_is_refused(text):
    with pytest.raises(InvalidArchitecture, match="8 digits"):
        SPACE.parse(text)


def test_parameters_by_hand():
    """Convolutions without bias, two numbers a channel of normalisation, 1,280 channels before the classifier."""

    def normalised(inputs, outputs, kernel, groups=1):
        return inputs * outputs * kernel**2 // groups + 2 * outputs

    def layer(digit, inputs, outputs):
        if digit == "0":
            return 0 if inputs == outputs else normalised(inputs, outputs, 1)
        kernel, expansion = {"1": (3, 3), "2": (5, 6)}[digit]
        wide = inputs * expansion
        return normalised(inputs, wide, 1) + normalised(wide, wide, kernel, wide) + normalised(wide, outputs, 1)

    for text in ("00000000", "12012012", "22222222"):
        widths = [32, 64, 64, 128, 128, 128, 256, 256, 256]
        expected = normalised(3, 32, 3) + normalised(256, 1280, 1) + 1280 * 10 + 10
        expected += sum(layer(digit, widths[i], widths[i + 1]) for i, digit in enumerate(text))
        with torch.device("meta"):
            network = SPACE.build(SPACE.parse(text), COLOUR)
        assert sum(each.numel() for each in network.parameters()) == expected
        assert Cost(SPACE, COLOUR).figures(SPACE.parse(text))["params"] == expected


def test_the_resolution_is_halved_three_times():
    network = NasBenchMacro(channels=4).build(SPACE.parse("00000000"), COLOUR)
    assert network[:9](torch.randn(2, 3, 32, 32)).shape == (2, 32, 4, 4)
