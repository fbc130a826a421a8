"""A network as the program that torch.export writes, for runtimes that are made from it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from netwright.core.errors import UserError
from netwright.core.trees import first, mapped
from netwright.runtimes.onnx_file import difference, in_words, predicting, quiet


def write_program(network: nn.Module, example: Any, path: str | Path) -> float:
    """Write a network, as it predicts, by `torch.export.save`, and compare what is read again with the network.

    network: gives one tensor; it is left in the mode it was in.
    example: a batch of at least two inputs, (n, ...), or several under names.
    path: of the file, whose name ends with ".pt2".

    Gives the largest difference of any output. Raises UserError, in one line, where the network cannot be followed for
    batches of any size; NotTheSame where the file gives other outputs.
    """
    path = Path(path)
    with predicting(network):
        try:
            with quiet():
                torch.export.save(torch.export.export(network, (example,), dynamic_shapes=(_any_size(example),)), path)
                again = torch.export.load(path).module()
        except Exception as problem:
            path.unlink(missing_ok=True)
            raise UserError(f"{type(network).__name__} has no form of torch.export: {in_words(problem)}") from problem
        batches = [example, mapped(lambda each: torch.cat((each, each[:1])), example)]
        return max(difference(again(batch).float(), network(batch).float()) for batch in batches)


def _any_size(example: Any) -> Any:
    """The first axis of each input may have any size; they have the same."""
    batch = torch.export.Dim("batch", min=2, max=1 << 16)
    if isinstance(example, Mapping):
        return {name: {0: batch} for name in example}
    assert len(first(example))
    return {0: batch}
