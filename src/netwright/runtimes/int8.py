"""An ONNX file whose weights, and activations where that fits, are whole numbers of eight bits."""

from __future__ import annotations

import contextlib
import io
import logging
import math
import tempfile
import warnings
from collections.abc import Generator, Iterator, Mapping
from pathlib import Path
from typing import Any, cast

from netwright.core.errors import UserError
from netwright.core.trees import first, mapped
from netwright.runtimes.onnx_file import require_onnx

WAYS = ("static", "static without outliers", "dynamic")
"""How the range of an activation is found: the widest of the calibration examples, that of 99.99 % of their values, or
anew in each batch."""
PERCENTILE = 99.99
CALIBRATION_BATCH = 32
_LINEAR = ["MatMul", "Gemm", "LSTM", "Gather"]


def write_int8(source: str | Path, path: str | Path, calibration: Any, way: str = "static") -> None:
    """Write the eight-bit form of an ONNX file (post-training quantisation, Jacob et al. 2018).

    Weights have a scale for each output channel. Activations have one scale each, found by way of `way`; the file then
    holds pairs of QuantizeLinear and DequantizeLinear, which runtimes of devices read, too.

    source: an ONNX file in float32.
    path: of the new file.
    calibration: batches are made of these inputs as the network takes them, a tensor (n, ...) or several under names.
    way: one of `WAYS`.

    Raises UserError where nothing in the file has a form of eight bits, and MissingExtra without the extra `onnx`.
    """
    require_onnx()
    if way not in WAYS:
        raise UserError(f"quantisation {way!r}: expected one of {', '.join(WAYS)}")
    with tempfile.TemporaryDirectory(prefix="netwright-int8-") as place, _quiet():
        prepared = Path(place, "prepared.onnx")
        try:
            _prepare(Path(source), prepared)
            if way == "dynamic":
                _dynamic(prepared, Path(path))
            else:
                _static(prepared, Path(path), calibration, way)
        except Exception as problem:
            Path(path).unlink(missing_ok=True)
            words = " ".join(str(problem).split())[:200] or type(problem).__name__
            raise UserError(f"{Path(source).name} has no {way} form of eight bits: {words}") from problem
    _check_smaller(Path(source), Path(path))


def _prepare(source: Path, to: Path) -> None:
    """Shapes are written into the file, and what never changes is computed, which quantisation builds on."""
    from onnxruntime.quantization.shape_inference import quant_pre_process

    quant_pre_process(str(source), str(to), skip_symbolic_shape=True)


def _static(source: Path, to: Path, calibration: Any, way: str) -> None:
    from onnxruntime import quantization

    usual = quantization.CalibrationMethod
    quantization.quantize_static(
        str(source),
        str(to),
        cast("quantization.CalibrationDataReader", _Batches(source, calibration)),
        quant_format=quantization.QuantFormat.QDQ,
        per_channel=True,
        activation_type=quantization.QuantType.QInt8,
        weight_type=quantization.QuantType.QInt8,
        calibrate_method=usual.MinMax if way == "static" else usual.Percentile,
        extra_options={"CalibPercentile": PERCENTILE} if way != "static" else {},
    )


def _dynamic(source: Path, to: Path) -> None:
    from onnxruntime import quantization

    # Convolutions whose activations are sized anew in each batch are slower than float32 ones in ONNX Runtime.
    quantization.quantize_dynamic(
        str(source), str(to), per_channel=True, weight_type=quantization.QuantType.QInt8, op_types_to_quantize=_LINEAR
    )


class _Batches:
    """Calibration examples as ONNX Runtime asks for them."""

    def __init__(self, source: Path, calibration: Any) -> None:
        import onnx

        names = [each.name for each in onnx.load(str(source), load_external_data=False).graph.input]
        self._batches = _fed(calibration, names)

    def get_next(self) -> dict[str, Any] | None:
        return next(self._batches, None)


def _fed(calibration: Any, names: list[str]) -> Iterator[dict[str, Any]]:
    for start in range(0, len(first(calibration)), CALIBRATION_BATCH):
        batch = mapped(lambda each, start=start: each[start : start + CALIBRATION_BATCH].numpy(), calibration)
        given: Mapping[str, Any] = batch if isinstance(batch, Mapping) else {names[0]: batch}
        yield {name: each for name, each in given.items() if name in names}


def in_eight_bits(path: str | Path) -> float:
    """The share of a network's weights, numbers of one axis left out, that are whole numbers of eight bits.

    path: of an ONNX file.
    """
    import onnx

    weights = [each for each in onnx.load(str(path)).graph.initializer if len(each.dims) > 1]
    eight = {onnx.TensorProto.INT8, onnx.TensorProto.UINT8}
    small = sum(math.prod(each.dims) for each in weights if each.data_type in eight)
    return small / max(1, sum(math.prod(each.dims) for each in weights))


def _check_smaller(source: Path, path: Path) -> None:
    """UserError where no weight has become smaller."""
    import onnx

    if not in_eight_bits(path):
        path.unlink()
        kinds = ", ".join(sorted({node.op_type for node in onnx.load(str(source)).graph.node}))
        raise UserError(f"nothing in {source.name} has a form of eight bits; it computes {kinds}")


@contextlib.contextmanager
def _quiet() -> Generator[None]:
    """Without what ONNX Runtime advises on the way."""
    before = logging.root.manager.disable
    logging.disable(logging.ERROR)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
