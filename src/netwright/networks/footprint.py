"""What a network takes on a device: bytes of its file, and of memory while it answers one example."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence

from torch import Tensor, nn

from netwright.networks.cells import CellNetwork
from netwright.networks.executed import Execution, executed

PROVIDES = ("obj.cost",)

FLOAT32, INT8 = 4, 1
IN_PLACE = frozenset(
    (
        *("relu", "relu6", "hardtanh", "leaky_relu", "elu", "gelu", "silu", "hardswish", "hardsigmoid", "sigmoid"),
        *("tanh", "softmax", "clamp", "dropout", "batch_norm", "layer_norm", "group_norm", "instance_norm"),
        *("add", "radd", "iadd", "sub", "rsub", "isub", "mul", "rmul", "imul", "div", "truediv", "neg", "sqrt", "pow"),
    )
)  # what computes number by number, so that it can write over an input that nothing else reads later
_TRAINING_ONLY = "num_batches_tracked"
_ALIGNED = 8  # bytes, of the header of a safetensors file


def file_size(network: nn.Module) -> int:
    """Bytes of the network's weights in float32, as the file `weights.safetensors` of an export holds them.

    network: on any device, the meta device included. Counts of batches and the second classifier of a network of cells,
        which only training needs, are left out; a tensor that several layers share is kept once.
    """
    kept = dict(_kept(network))
    return 8 + _header(kept) + sum(map(_bytes, kept.values()))


def int8_size(network: nn.Module) -> int:
    """Bytes of the network's weights where they are quantised to 8 bits, as a device holds them in its flash.

    Matrices and kernels take a byte a number and a float32 scale for each output (int8 by channel, as ONNX Runtime and
    TensorFlow Lite quantise); a batch normalisation is folded into the layer before it, of which a bias of 32 bits
    remains; all else stays in 32 bits. What the file of a runtime holds of the graph comes on top.

    network: as of `file_size`, with what that leaves out left out here, too.
    """
    folded = [name for name, part in network.named_modules() if isinstance(part, _BATCH_NORMS)]
    return sum(_int8_bytes(name, each, folded) for name, each in _kept(network))


def layer_sizes(network: nn.Module, named: Callable[[str], str] = str) -> dict[str, tuple[int, int, int]]:
    """What each layer adds to `file_size`, as data and as its entries in the header, and to `int8_size`.

    named: from a tensor's name to the one that the file gives it, by whose length an entry grows.
    """
    folded = [name for name, part in network.named_modules() if isinstance(part, _BATCH_NORMS)]
    found: dict[str, tuple[int, int, int]] = {}
    for name, tensor in _kept(network):
        layer = name.rpartition(".")[0]
        data, header, in_flash = found.get(layer, (0, 0, 0))
        header += len(json.dumps({named(name): _described(tensor, 0, _USUAL)}, separators=(",", ":")))
        found[layer] = data + _bytes(tensor), header, in_flash + _int8_bytes(name, tensor, folded)
    return found


_USUAL = 1_000_000  # a place in a file, for its number of digits
_BATCH_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)


def _int8_bytes(name: str, tensor: Tensor, folded: Sequence[str]) -> int:
    owner, _, own = name.rpartition(".")
    if owner in folded:
        return FLOAT32 * tensor.numel() if own == "running_mean" else 0
    if not tensor.is_floating_point():
        return tensor.nbytes
    if tensor.dim() < 2:
        return FLOAT32 * tensor.numel()
    return tensor.numel() + FLOAT32 * tensor.shape[0]


def peak_memory(network: nn.Module, shape: Sequence[int], width: int = FLOAT32) -> int:
    """The most bytes of inputs, activations and outputs that must be held at once to answer one example.

    Operations are carried out in the network's order; each tensor is held from where it is written to where it is read
    last. What computes number by number (activations, normalisations, sums) writes over an input that is read for the
    last time, as runtimes for devices do. Weights, which such devices keep in flash, are not counted (see `file_size`),
    nor is workspace of the kernels.

    network: on any device; it stays as it is.
    shape: of one example.
    width: bytes of a number, 4 for float32 and 1 for int8; what is no decimal number, as a token, keeps its own.
    """
    return peak_of(executed(network, shape), width)


def peak_of(execution: Execution, width: int = FLOAT32) -> int:
    """As `peak_memory`, of what was followed already."""
    memory = _Memory(execution, width)
    live = [0] * (len(execution.operations) + 1)
    for place, size in memory.sizes.items():
        for step in range(memory.written[place], memory.read[place] + 1):
            live[step] += size
    return max(live)


class _Memory:
    """By piece of memory: its bytes, the operation that writes it first, and the one that reads it last.

    Operations count from 1; the input is there before, and answers are held to the end.
    """

    def __init__(self, execution: Execution, width: int = FLOAT32) -> None:
        self._width = width
        self._weights = {_storage(each) for each in execution.weights}
        self._same: dict[int, int] = {}  # memory that is written over -> by which name it goes
        self._last = _last_reads(execution)
        self.sizes, self.written, self.read = dict[int, int](), dict[int, int](), dict[int, int]()
        self._note(execution.example, 0)
        for step, operation in enumerate(execution.operations, 1):
            inputs = [_storage(each) for each in operation.inputs]
            for each in inputs:
                self._touch(each, step)
            for each in operation.outputs:
                over = self._written_over(inputs, each, step) if operation.name in IN_PLACE else None
                if over is not None and _storage(each) not in (*self._same, *self.sizes):
                    self._same[_storage(each)] = over
                self._note(each, step)
        for each in execution.answers:
            self._touch(_storage(each), len(execution.operations))

    def _written_over(self, inputs: Iterable[int], output: Tensor, step: int) -> int | None:
        """The memory of an input of the same size that is read for the last time here."""
        for each in inputs:
            place = self._same.get(each, each)
            if self._last.get(each) == step and self.sizes.get(place) == self._bytes(output):
                return place
        return None

    def _note(self, tensor: Tensor, step: int) -> None:
        own = _storage(tensor)
        place = self._same.get(own, own)
        if own not in self._weights and place not in self.sizes:
            self.sizes[place] = self._bytes(tensor)
            self.written[place] = self.read[place] = step
        self._touch(own, step)

    def _bytes(self, tensor: Tensor) -> int:
        """Of the memory that the tensor lies in, or of the tensor where that is repeated along an axis."""
        held = tensor.untyped_storage().nbytes()
        return held // tensor.element_size() * self._width if tensor.is_floating_point() else held

    def _touch(self, storage: int, step: int) -> None:
        place = self._same.get(storage, storage)
        if place in self.read:
            self.read[place] = max(self.read[place], step)


def _last_reads(execution: Execution) -> dict[int, int]:
    """By memory, the operation that reads it last; one more than there are for what comes out."""
    found: dict[int, int] = {}
    for step, operation in enumerate(execution.operations, 1):
        found.update((_storage(each), step) for each in operation.inputs)
    found.update((_storage(each), len(execution.operations) + 1) for each in execution.answers)
    return found


def _storage(tensor: Tensor) -> int:
    """What tells apart the memory of two living tensors, on the meta device too."""
    return tensor.untyped_storage()._cdata


def _kept(network: nn.Module) -> Iterable[tuple[str, Tensor]]:
    second = isinstance(network, CellNetwork) and network.auxiliary is not None
    seen: set[int] = set()
    for name, tensor in network.state_dict(keep_vars=True).items():
        training_only = name.endswith(_TRAINING_ONLY) or (second and name.startswith("auxiliary."))
        if not training_only and id(tensor) not in seen:
            seen.add(id(tensor))
            yield name, tensor


def _header(kept: dict[str, Tensor]) -> int:
    """Bytes of the header of a safetensors file, which names each tensor, its shape and its place."""
    described: dict[str, object] = {"__metadata__": {"format": "pt"}}
    place = 0
    for name, tensor in sorted(kept.items()):
        end = place + _bytes(tensor)
        described[name] = _described(tensor, place, end)
        place = end
    length = len(json.dumps(described, separators=(",", ":")).encode())
    return -(-length // _ALIGNED) * _ALIGNED


def _described(tensor: Tensor, begin: int, end: int) -> dict[str, object]:
    return {"dtype": "F32", "shape": list(tensor.shape), "data_offsets": [begin, end]}


def _bytes(tensor: Tensor) -> int:
    return FLOAT32 * tensor.numel() if tensor.is_floating_point() else tensor.nbytes
