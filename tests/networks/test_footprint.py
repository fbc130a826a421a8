"""Bytes of a network's file and of its memory, beside files that were written and counts by hand."""

import pytest
import safetensors.torch
import torch
from torch import Tensor, nn

from netwright.networks.footprint import file_size, int8_size, peak_memory
from netwright.runtimes.onnx_file import write_onnx


def chain() -> nn.Module:
    return nn.Sequential(
        *(nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 4, 3, padding=1)),
        *(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 10)),
    )


def test_the_file_has_the_size_that_safetensors_writes():
    network = chain()
    kept = {name: each for name, each in network.state_dict().items() if not name.endswith("num_batches_tracked")}
    assert file_size(network) == len(safetensors.torch.save(kept, {"format": "pt"}))


def test_eight_bits_a_weight_with_a_scale_for_each_output_and_folded_normalisations():
    # 3 x 8 x 9 and 8 x 4 x 9 weights of convolutions, 4 x 10 of the last layer, of 8, 4 and 10 outputs; biases of those
    # and of the folded normalisation, in 32 bits.
    assert int8_size(chain()) == 216 + 288 + 40 + 4 * (8 + 4 + 10) + 4 * (8 + 4 + 10) + 4 * 8
    with torch.device("meta"):
        assert int8_size(chain()) == 216 + 288 + 40 + 8 * (8 + 4 + 10) + 4 * 8


def test_the_eight_bit_size_is_what_quantised_weights_take_in_a_file(tmp_path):
    """Beside ONNX Runtime's own quantisation: the int8 tensors, their scales, and biases of 32 bits."""
    onnx = pytest.importorskip("onnx")
    quantization = pytest.importorskip("onnxruntime.quantization")
    network = chain().eval()
    written = write_onnx(network, torch.rand(2, 3, 16, 16), tmp_path / "float.onnx").path

    class Examples(quantization.CalibrationDataReader):
        left = 4

        def get_next(self):
            self.left -= 1
            name = onnx.load(str(written)).graph.input[0].name
            return {name: torch.rand(2, 3, 16, 16).numpy()} if self.left >= 0 else None

    quantization.quantize_static(str(written), str(tmp_path / "int8.onnx"), Examples(), per_channel=True)
    stored = onnx.load(str(tmp_path / "int8.onnx")).graph.initializer
    held = sum(len(onnx.numpy_helper.to_array(each).tobytes()) for each in stored if each.dims and each.dims[0] > 1)
    # per channel there are a zero point, and a scale and a zero point of each bias, too; but none is folded twice
    assert 216 + 288 + 40 < int8_size(network) < held < 1.5 * int8_size(network)


def test_double_precision_counts_as_float32_and_a_shared_tensor_once():
    first, second = nn.Linear(4, 4, bias=False), nn.Linear(4, 4, bias=False)
    apart = file_size(nn.Sequential(first, second))
    second.weight = first.weight
    shared = file_size(nn.Sequential(first, second))
    assert apart - shared >= 4 * 16
    assert file_size(nn.Sequential(first, second).double()) == shared


def test_a_chain_holds_the_input_and_the_output_of_its_largest_layer():
    # 3 x 256 and 8 x 256 numbers at the first convolution, 8 x 256 and 4 x 256 at the second; BN and ReLU in place.
    assert peak_memory(chain(), (3, 16, 16)) == 4 * 256 * (8 + 4)


class Residual(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(4, 4, 3, padding=1), nn.Conv2d(4, 4, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.second(torch.relu(self.first(x)))


def test_what_a_skip_needs_later_is_held_meanwhile():
    # At the second convolution: the input, which the sum needs, what the first one gave, and what the second gives.
    assert peak_memory(Residual(), (4, 8, 8)) == 4 * 64 * (4 + 4 + 4)


class Twice(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([torch.relu(x), torch.sigmoid(x)], 1)


def test_what_is_read_again_is_not_written_over():
    # x and relu(x) live when the sigmoid writes over x; then both parts, and what they are joined to.
    assert peak_memory(Twice(), (2, 4, 4)) == 4 * 16 * (2 + 2 + 4)


def test_the_network_stays_as_it_is_and_may_be_on_the_meta_device():
    network = chain().train()
    before = {name: each.clone() for name, each in network.state_dict().items()}
    peak = peak_memory(network, (3, 16, 16))
    assert network.training and all(torch.equal(each, before[name]) for name, each in network.state_dict().items())
    with torch.device("meta"):
        assert (peak_memory(chain(), (3, 16, 16)), file_size(chain())) == (peak, file_size(network))


def test_recurrent_layers_are_followed():
    class Reader(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.cell, self.head = nn.LSTM(5, 7, batch_first=True), nn.Linear(7, 2)

        def forward(self, x: Tensor) -> Tensor:
            return self.head(self.cell(x)[0][:, -1])

    # At the LSTM: 6 x 5 numbers in, 6 x 7 out, 7 of each last state, and the 2 x 7 zeros it begins with.
    assert 4 * (30 + 42) <= peak_memory(Reader(), (6, 5)) <= 4 * (30 + 42 + 4 * 7)


def test_in_eight_bits_activations_take_a_quarter_and_tokens_what_they_took():
    assert peak_memory(chain(), (3, 16, 16), 1) == 256 * (8 + 4)
    embedding = nn.Sequential(nn.Embedding(10, 6), nn.Flatten(), nn.Linear(30, 2))

    class Tokens(nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = embedding

        def forward(self, x):
            return self.layers(x.long())

    floats, bits = (peak_memory(Tokens(), (5,), width) for width in (4, 1))
    assert floats == 4 * 30 + max(8 * 5, 4 * 2) and bits == 30 + max(8 * 5, 2)
