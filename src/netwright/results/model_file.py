"""The text of `model.py`: a network's code together with what turns raw inputs into its own, and back into classes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from netwright.core.task import TaskShape
from netwright.results.expressions import Expression, Listing, Text, constant, layout
from netwright.results.source import Source

PER_LINE = 8


@dataclass(frozen=True)
class Inputs:
    """What the network is for. mean, std: one number a channel or feature; images are first scaled to 0..1."""

    shape: TaskShape
    class_names: Sequence[str]
    mean: Sequence[float]
    std: Sequence[float]


def model_file(source: Source, inputs: Inputs, weights_sha256: str) -> str:
    """The whole file. It imports torch, safetensors and the standard library; numpy or Pillow only to read a file."""
    parts = [
        _images(inputs) if inputs.shape.is_image else _vectors(inputs),
        _constants(inputs, weights_sha256),
        *source.classes,
        _build(source),
        _LOAD,
        _PREPROCESS_IMAGES if inputs.shape.is_image else _PREPROCESS_VECTORS,
        _PREDICT,
        _READ_IMAGES if inputs.shape.is_image else _READ_VECTORS,
        _MAIN,
    ]
    body = "\n\n".join(part.strip("\n") + "\n" for part in parts[1:])
    return f"{parts[0]}\n{_imports(body)}\n{body}"


def _images(inputs: Inputs) -> str:
    channels, height, width = inputs.shape.input
    kind = {1: "grey", 3: "RGB"}.get(channels, f"{channels}-channel")
    return f'''"""A classifier of {kind} images of {height}x{width} pixels, in plain PyTorch.

From Python: `predict(load(), images)` for uint8 images (n, {channels}, {height}, {width}).
From the command line: `python model.py FILE...` for image files (with Pillow) and .npy arrays (with numpy).
"""
'''


def _vectors(inputs: Inputs) -> str:
    return f'''"""A classifier of vectors of {inputs.shape.features} features, in plain PyTorch.

From Python: `predict(load(), vectors)` for numbers (n, {inputs.shape.features}).
From the command line: `python model.py FILE...` for .npy arrays (with numpy).
"""
'''


def _imports(body: str) -> str:
    lines = ["from __future__ import annotations\n"]
    lines += ["import hashlib"] + (["import math"] if re.search(r"\bmath\.", body) else []) + ["import sys"]
    lines += ["from collections import OrderedDict"] if "OrderedDict(" in body else []
    lines += ["from pathlib import Path\n", "import safetensors.torch", "import torch"]
    lines += ["import torch.nn.functional as F"] if re.search(r"\bF\.", body) else []
    return "\n".join([*lines, "from torch import Tensor, nn"]) + "\n"


def _constants(inputs: Inputs, weights_sha256: str) -> str:
    values = {
        "INPUT_SHAPE": inputs.shape.input,
        "CLASS_NAMES": tuple(map(str, inputs.class_names)),
        "MEAN": tuple(map(float, inputs.mean)),
        "STD": tuple(map(float, inputs.std)),
        "WEIGHTS_SHA256": weights_sha256,
    }
    return "\n".join(f"{name} = {_wrapped(value, len(name) + 3)}" for name, value in values.items())


def _wrapped(value: object, used: int) -> str:
    """A constant, a long tuple with several items a line."""
    if not isinstance(value, tuple) or len(constant(value)) + used < 110:
        return constant(value)
    rows: list[Expression] = [
        Text(", ".join(map(constant, value[i : i + PER_LINE]))) for i in range(0, len(value), PER_LINE)
    ]
    return layout(Listing(tuple(rows), "()"), 0, 200)


def _build(source: Source) -> str:
    body = "".join(f"    {line}\n" for line in source.build)
    return f'def build() -> nn.Module:\n    """The network with untrained weights."""\n{body}'


_LOAD = '''
def load(weights: str | Path | None = None, device: str = "cpu", check: bool = True) -> nn.Module:
    """The trained network, ready to predict.

    weights: by default weights.safetensors beside this file. check: raise ValueError unless these are the weights
    that came with this file; pass False for weights that you trained on.
    """
    path = Path(weights) if weights is not None else Path(__file__).resolve().with_name("weights.safetensors")
    content = path.read_bytes()
    if check and hashlib.sha256(content).hexdigest() != WEIGHTS_SHA256:
        raise ValueError(f"{path} is damaged, or not the file that came with this model")
    network = build()
    network.load_state_dict(safetensors.torch.load(content))
    return network.to(device).eval()
'''

_PREPROCESS_IMAGES = '''
def preprocess(images: Tensor) -> Tensor:
    """uint8 images (n, *INPUT_SHAPE) with values 0..255 as the network's input."""
    if images.dtype != torch.uint8 or tuple(images.shape[1:]) != INPUT_SHAPE:
        raise ValueError(f"expected uint8 images (n, {INPUT_SHAPE}), found {images.dtype} {tuple(images.shape)}")
    mean, std = (torch.tensor(each, dtype=torch.float64).view(1, -1, 1, 1) for each in (MEAN, STD))
    scale, shift = (1 / std / 255).float(), (-mean / std).float()
    return images.float() * scale.to(images.device) + shift.to(images.device)
'''

_PREPROCESS_VECTORS = '''
def preprocess(vectors: Tensor) -> Tensor:
    """Vectors (n, *INPUT_SHAPE) as the network's input."""
    if tuple(vectors.shape[1:]) != INPUT_SHAPE:
        raise ValueError(f"expected vectors (n, {INPUT_SHAPE[0]}), found {tuple(vectors.shape)}")
    mean, std = (torch.tensor(each, dtype=torch.float64).view(1, -1) for each in (MEAN, STD))
    scale, shift = (1 / std).float(), (-mean / std).float()
    return vectors.float() * scale.to(vectors.device) + shift.to(vectors.device)
'''

_PREDICT = '''
@torch.inference_mode()
def predict(network: nn.Module, inputs: Tensor, batch_size: int = 256) -> list[tuple[str, float]]:
    """The most probable class of each input, and its probability."""
    found = []
    for batch in inputs.split(batch_size):
        probabilities = network(preprocess(batch)).float().softmax(1)
        best = probabilities.max(1)
        found += [(CLASS_NAMES[i], p) for p, i in zip(best.values.tolist(), best.indices.tolist(), strict=True)]
    return found
'''

_READ_IMAGES = '''
def read(path: str) -> Tensor:
    """An image file, or an array of images (n, *INPUT_SHAPE), as uint8 (n, *INPUT_SHAPE)."""
    import numpy

    if path.endswith(".npy"):
        return torch.from_numpy(numpy.load(path)).view(-1, *INPUT_SHAPE)
    from PIL import Image

    channels, height, width = INPUT_SHAPE
    with Image.open(path) as image:
        array = numpy.array(image.convert("L" if channels == 1 else "RGB").resize((width, height)))
    return torch.from_numpy(array).view(height, width, channels).permute(2, 0, 1)[None]
'''

_READ_VECTORS = '''
def read(path: str) -> Tensor:
    """An array of vectors (n, *INPUT_SHAPE) from a .npy file."""
    import numpy

    return torch.from_numpy(numpy.load(path)).view(-1, *INPUT_SHAPE)
'''

_MAIN = """
if __name__ == "__main__":
    if not sys.argv[1:]:
        sys.exit(__doc__)
    network = load()
    for path in sys.argv[1:]:
        for name, probability in predict(network, read(path)):
            print(f"{path}: {name} ({probability:.1%})")
"""
