"""The text of `predict.py`: what `model.py` does, for ONNX files, with ONNX Runtime and numpy in place of PyTorch."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from functools import cache

from netwright.results import command_frame, numpy_tensors
from netwright.results.merging import Piece, piece
from netwright.results.model_file import Inputs, together, whole

NAME = "predict.py"


def predict_file(inputs: Inputs, models: Mapping[str, str]) -> str:
    """The whole file. It imports onnxruntime, numpy, the standard library, and Pillow where files are pictures.

    inputs: what the network is for.
    models: names of the ONNX files beside it with their SHA-256, the one that is used by default first.
    """
    return whole(inputs, {"MODELS": dict(models)}, _tensors(), _frame(), NAME)


@cache
def _tensors() -> Piece:
    return piece(inspect.getsource(numpy_tensors))


@cache
def _frame() -> Piece:
    from netwright.results import onnx_frame  # which imports onnxruntime

    return together(piece(inspect.getsource(onnx_frame)), piece(inspect.getsource(command_frame)))
