"""The text of `model.py`: a network's code, the code that prepares raw examples, and what is done with both."""

from __future__ import annotations

import inspect
import math
import pprint
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

from netwright.core.preparation import Preparation
from netwright.core.problem import Problem
from netwright.results import command_frame, torch_frame
from netwright.results.merging import Piece, joined_imports, piece
from netwright.results.network_source import Source

NETWORK_IMPORTS = (
    "import math",
    "from collections import OrderedDict",
    "import torch",
    "import torch.nn.functional as F",
    "from torch import Tensor, nn",
)


@dataclass(frozen=True)
class Inputs:
    """What the network is for.

    shape: of one example; under names where it has several inputs.
    problem: what it answers.
    mean, std: one number a channel or feature; images are first scaled to 0..1. None for inputs that are taken as they
        are; under names where an example has several.
    """

    shape: Any
    problem: Problem
    mean: Any
    std: Any
    preparation: Preparation


def model_file(source: Source, inputs: Inputs, weights_sha256: str) -> str:
    """The whole file. It imports torch, safetensors and the standard library, and what the preparation imports."""
    return whole(inputs, {"WEIGHTS_SHA256": weights_sha256}, piece(_code(source)), _frame())


def whole(inputs: Inputs, own: Mapping[str, Any], network: Piece, using: Piece, program: str = "model.py") -> str:
    """The text of a file that predicts.

    own: further constants.
    network: what the network is.
    using: what is done with it.
    program: the name of the file.
    """
    reading, answering = piece(inputs.preparation.code()), piece(inputs.problem.code())
    check_names(reading, network, answering, using)
    constants = _constants(inputs, {**own, "PROGRAM": program})
    parts = [constants, reading.text, network.text, answering.text, using.text]
    body = "\n\n".join(part.strip("\n") + "\n" for part in parts)
    lines = [*reading.imports, *network.imports, *answering.imports, *using.imports]
    if program != "model.py":  # which brings arrays of its own under PyTorch's names
        lines = [each for each in lines if each.split()[1].partition(".")[0] not in ("torch", "safetensors")]
    imports = joined_imports(lines, body, partial(_required, program))
    return f"{_opening(inputs, program)}\n{imports}\n\n{body}"


def reserved_names(preparation: Preparation, problem: Problem) -> frozenset[str]:
    """Names that stand in `model.py` beside the network, so that none of its classes may have them."""
    pieces = piece(preparation.code()), piece(problem.code()), _frame()
    imported = {line.split()[-1].partition(".")[0] for each in pieces for line in each.imports}
    names = {name for each in pieces for name in each.names}
    return frozenset({*names, *preparation.constants(), *problem.constants(), *_OWN_CONSTANTS, *imported})


_OWN_CONSTANTS = ("INPUT_SHAPE", "MEAN", "STD", "WEIGHTS_SHA256", "PROGRAM", "importlib", "_needed", "_missing")


@cache
def _frame() -> Piece:
    return together(piece(inspect.getsource(torch_frame)), piece(inspect.getsource(command_frame)))


def together(*pieces: Piece) -> Piece:
    """Pieces one behind the other."""
    check_names(*pieces)
    imports = tuple(line for each in pieces for line in each.imports)
    names = frozenset(name for each in pieces for name in each.names)
    return Piece(imports, names, "\n\n".join(each.text for each in pieces if each.text))


def check_names(*pieces: Piece) -> None:
    seen: set[str] = set()
    for each in pieces:
        assert not seen & each.names, f"model.py would define {', '.join(sorted(seen & each.names))} twice"
        seen |= each.names


def _required(program: str, packages: Sequence[str]) -> str:
    """Code that says which packages are missing, on the command line only; a program that imports it gets the error."""
    names = [{"PIL": "pillow"}.get(each, each) for each in packages]
    return _REQUIRED.format(program=program, packages=dict(zip(packages, names, strict=True)), python=PYTHON)


PYTHON = (3, 11)
_REQUIRED = """\
if __name__ == "__main__":
    _needed = {packages!r}
    _missing = " ".join(name for module, name in _needed.items() if importlib.util.find_spec(module) is None)
    if sys.version_info < {python!r}:
        print("{program}: needs Python {python[0]}.{python[1]}; this is", sys.version.split()[0], file=sys.stderr)
        sys.exit(2)
    if _missing:
        print("{program}: missing packages; get them with: pip install", _missing, file=sys.stderr)
        sys.exit(2)"""


def _code(source: Source) -> str:
    body = "".join(f"    {line}\n" for line in source.build)
    build = f'def build() -> nn.Module:\n    """The network with untrained weights."""\n{body}'
    return "\n\n".join(["\n".join(NETWORK_IMPORTS) + "\n", *source.classes, build])


def _opening(inputs: Inputs, program: str) -> str:
    """The docstring, which is also what `--help` says."""
    preparation, problem = inputs.preparation, inputs.problem
    form = "plain PyTorch" if program == "model.py" else "ONNX files"
    paragraphs = [
        f"{problem.network_of} {preparation.describe()}, in {form}.",
        preparation.needs(),
        "From Python: `predict(load(), examples)`, with examples as `prepared` takes them.",
        f"From the command line: `python {program} FILE...` prints the {problem.answered} of the examples in files.",
    ]
    lines = [line for each in paragraphs if each for line in textwrap.wrap(_inert(each), 112)]
    return '"""' + "\n".join([lines[0], "", *lines[1:]]) + '\n"""\n'


def _inert(text: str) -> str:
    """Text that cannot end a docstring or mean anything else in it."""
    shown = "".join(each if each.isprintable() else ascii(each)[1:-1] for each in text)
    return shown.replace("\\", "\\\\").replace('"', "'")


def _constants(inputs: Inputs, own: Mapping[str, Any]) -> str:
    values: dict[str, Any] = dict(inputs.preparation.constants())
    values |= {"INPUT_SHAPE": inputs.shape, **inputs.problem.constants()}
    values |= {"MEAN": _each(inputs.mean, float), "STD": _each(inputs.std, lambda each: float(each) or 1.0)}
    values |= own
    return "".join(f"{name} = {_written(value, len(name) + 3)}\n" for name, value in values.items())


def _each(numbers: Any, function: Callable[[Any], float]) -> Any:
    """The same of every number, of none, or of those under each name."""
    if isinstance(numbers, Mapping):
        named: Mapping[str, Any] = numbers  # pyright: ignore[reportUnknownVariableType]
        return {name: _each(own, function) for name, own in named.items()}
    return None if numbers is None else tuple(map(function, numbers))


def _written(value: Any, used: int) -> str:
    """A constant as code, a long one over several lines."""
    lines = pprint.pformat(_plain(value), width=112 - used, compact=True, sort_dicts=False)
    return lines.replace("\n", "\n" + " " * used)


class _Number(float):
    """A number that no literal stands for."""

    def __repr__(self) -> str:
        return f'float("{float(self)}")'


def _plain(value: Any) -> Any:
    """The value made of Python's own types only, so that nothing else gets into the code; TypeError for other types."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else _Number(value)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, str):
        return str(value)
    if isinstance(value, tuple):
        return tuple(map(_plain, value))
    if isinstance(value, list):
        return list(map(_plain, value))
    if isinstance(value, Mapping):
        return {_plain(key): _plain(each) for key, each in value.items()}
    raise TypeError(f"a {type(value).__name__} cannot be written as a constant")
