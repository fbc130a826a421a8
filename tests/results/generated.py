"""Writes a network's code to a file, imports it, and compares the two networks."""

from __future__ import annotations

import ast
import importlib.util
import itertools
import sys
from pathlib import Path
from types import ModuleType

import torch
from torch import Tensor, nn

from netwright.core.task import Examples
from netwright.problems import Classification
from netwright.results.baking import plain_copy
from netwright.results.model_file import Inputs, model_file
from netwright.results.network_source import Source, write_source
from netwright.results.plain_preparation import Plain

_numbers = itertools.count()


def import_file(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"generated_model_{next(_numbers)}", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def inputs_for(shape: tuple[int, ...], classes: int = 3) -> Inputs:
    names = [f"class {i}" for i in range(classes)]
    plain = Plain(Examples(torch.zeros(0, *shape), torch.zeros(0)))
    return Inputs(shape, Classification(names), [0.5] * shape[0], [0.25] * shape[0], plain)


def unsettle(network: nn.Module, seed: int = 0) -> nn.Module:
    """Give normalisation layers running statistics that matter, and every parameter another value."""
    generator = torch.Generator().manual_seed(seed)
    for parameter in network.parameters():
        parameter.data += 0.1 * torch.randn(parameter.shape, generator=generator, dtype=parameter.dtype)
    for name, buffer in network.named_buffers():
        if name.endswith("running_mean"):
            buffer.copy_(torch.randn(buffer.shape, generator=generator))
        if name.endswith("running_var"):
            buffer.copy_(torch.rand(buffer.shape, generator=generator) + 0.5)
    return network.eval()


def text_of(source: Source, shape: tuple[int, ...]) -> str:
    return model_file(source, inputs_for(shape), "0" * 64)


def remake(network: nn.Module, shape: tuple[int, ...], folder: Path, example: Tensor | None = None) -> nn.Module:
    """The network made again from its code, after checking that it is the same: keys, outputs, and what it imports."""
    network = unsettle(network)
    source = write_source(network, torch.randn(2, *shape) if example is None else example)
    text = text_of(source, shape)
    path = folder / f"model_{next(_numbers)}.py"
    path.write_text(text, encoding="utf-8")
    imported = {alias.name.partition(".")[0] for alias in _imports(text)}
    assert imported <= {*sys.stdlib_module_names, "safetensors", "torch", "numpy"}
    made = import_file(path).build().eval()
    made.load_state_dict(source.tensors)
    assert set(source.left_out) | set(made.state_dict()) >= set(plain_copy(network).state_dict())
    for batch in (1, 3):
        x = torch.randn(batch, *shape)
        with torch.no_grad():
            assert_same(network(x.clone()), made(x.clone()))
    return made


def _imports(text: str) -> list[ast.alias]:
    found: list[ast.alias] = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            found += node.names
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0
            found.append(ast.alias(node.module or ""))
    return found


def assert_same(first: object, second: object) -> None:
    if isinstance(first, Tensor):
        assert isinstance(second, Tensor)
        torch.testing.assert_close(second, first, rtol=0, atol=1e-6)
        return
    assert isinstance(first, tuple | list) and isinstance(second, tuple | list) and len(first) == len(second)
    for one, other in zip(first, second, strict=True):
        assert_same(one, other)
