"""What every exported `model.py` does with its network: load it, predict with it, and answer on the command line.

The text of the functions below goes into that file as it stands, behind the network's own code and the code of the
task's preparation, which define the names that are only announced here.
"""

from __future__ import annotations

import argparse
import difflib
import glob
import hashlib
import io
import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from torch import Tensor, nn

CLASS_NAMES: tuple[str, ...]
ENDINGS: tuple[str, ...]
INPUT_SHAPE: tuple[int, ...]
MEAN: tuple[float, ...]
STD: tuple[float, ...]
WEIGHTS_SHA256: str
build: Callable[[], nn.Module]
read: Callable[[Path], tuple[list[str], Any]]
prepared: Callable[[Any], Tensor]


def load(weights: str | Path | None = None, device: str = "cpu", check: bool = True) -> nn.Module:
    """The trained network, ready to predict.

    weights: by default weights.safetensors beside this file.
    check: raise ValueError unless these are the weights that came with this file; pass False for weights that you
        trained on.
    """
    path = Path(weights) if weights is not None else Path(__file__).resolve().with_name("weights.safetensors")
    content = path.read_bytes()
    if check and hashlib.sha256(content).hexdigest() != WEIGHTS_SHA256:
        raise ValueError(f"{path} is damaged, or not the file that came with this model")
    network = build()
    network.load_state_dict(safetensors.torch.load(content))
    return network.to(device).eval()


def preprocess(raw: Any) -> Tensor:
    """Examples as their user has them, whatever `prepared` takes, as the network's input."""
    return normalised(prepared(raw))


def normalised(inputs: Tensor) -> Tensor:
    """What `prepared` gives, uint8 images or float32 vectors (n, *INPUT_SHAPE), as the network's input."""
    if tuple(inputs.shape[1:]) != INPUT_SHAPE:
        raise ValueError(f"expected examples of the shape {INPUT_SHAPE}, found {tuple(inputs.shape[1:])}")
    sides = (1, -1, 1, 1) if inputs.dim() == 4 else (1, -1)
    mean, std = (torch.tensor(each, dtype=torch.float64).view(sides) for each in (MEAN, STD))
    scale, shift = 1 / std, -mean / std
    scale = scale / 255 if inputs.dtype == torch.uint8 else scale
    return inputs.float() * scale.float().to(inputs.device) + shift.float().to(inputs.device)


@torch.inference_mode()
def predict(network: nn.Module, raw: Any, batch_size: int = 256) -> list[tuple[str, float]]:
    """The most probable class of each example, and its probability.

    network: gives logits (n, classes).
    raw: examples as their user has them.
    batch_size: by default 256, on a GPU more, as far as they fit.
    """
    best = probabilities(network, raw, batch_size).max(1)
    return [(CLASS_NAMES[i], p) for p, i in zip(best.values.tolist(), best.indices.tolist(), strict=True)]


@torch.inference_mode()
def probabilities(network: nn.Module, raw: Any, batch_size: int = 256) -> Tensor:
    """The probability of every class, (n, classes), in the order of CLASS_NAMES, on the CPU."""
    batches = (raw[start : start + batch_size] for start in range(0, len(raw), batch_size))
    found = [_probabilities_of(network, prepared(batch)) for batch in batches]
    return torch.cat(found) if found else torch.zeros(0, len(CLASS_NAMES))


def _probabilities_of(network: nn.Module, inputs: Tensor) -> Tensor:
    device = next((each.device for each in network.parameters()), torch.device("cpu"))
    return network(normalised(inputs).to(device)).float().softmax(1).cpu()


def main(arguments: Sequence[str] | None = None) -> int:
    """Answer on the command line. Gives the exit code: 0 done, 1 some files were left out, 2 nothing was predicted."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a terminal that lacks a letter gets its number
    asked = _command_line().parse_args(arguments)
    try:
        network = load(device=asked.device)
    except Exception as problem:
        _complain(_in_words(problem))
        return 2
    command = _Command(network, len(CLASS_NAMES) if asked.json and not asked.top else asked.top or 3, asked.json)
    try:
        for named in asked.files:
            command.take(named)
        command.answer()
        sys.stdout.flush()
    except BrokenPipeError:  # whoever read the answers has enough of them
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return min(command.failed, 1 if command.answered else 2)


def _command_line() -> argparse.ArgumentParser:
    """The options."""
    about = (__doc__ or "").replace("%", "%%")
    codes = "exit codes: 0 done, 1 some files were left out, 2 nothing was predicted; messages go to standard error"
    lines = argparse.RawDescriptionHelpFormatter
    parser = _Parser(prog="model.py", description=about, epilog=codes, formatter_class=lines)
    what = f'files, folders (searched for {", ".join(ENDINGS)}) and patterns such as "new/*{ENDINGS[0]}"'
    parser.add_argument("files", nargs="+", metavar="FILE", help=what)
    parser.add_argument("--json", action="store_true", help="one JSON object a line for each example, with every class")
    parser.add_argument("--top", type=_count, metavar="K", help="how many classes of each example; 3 by default")
    parser.add_argument("--device", default="cpu", help="cpu by default; cuda for a GPU")
    return parser


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> Any:
        """One line in place of two."""
        self.exit(2, f"model.py: {message}; see model.py --help\n")


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number from 1 on, found {text!r}")
    return int(text)


class _Command:
    """Reads files, predicts many examples at a time, and prints what was found in the order of the files."""

    def __init__(self, network: nn.Module, top: int, as_json: bool) -> None:
        self.network, self.top, self.as_json = network, min(top, len(CLASS_NAMES)), as_json
        self.failed = self.answered = 0
        self.waiting: list[tuple[str, str]] = []
        self.inputs: list[Tensor] = []

    def take(self, named: str) -> None:
        """Predict the examples of every file that an argument stands for; what cannot be used is said, not raised."""
        try:
            paths = _files(named)
        except (OSError, ValueError) as problem:
            self.leave_out(named, problem)
            return
        for path in paths:
            self.take_file(path)

    def take_file(self, path: Path) -> None:
        try:
            names, raw = read(path)
            inputs = prepared(raw)
            normalised(inputs[:1])
        except Exception as problem:
            self.leave_out(str(path), problem)
            return
        self.waiting += [(str(path), name) for name in names]
        self.inputs.append(inputs)
        if len(self.waiting) >= 256:
            self.answer()

    def leave_out(self, what: str, problem: Exception) -> None:
        self.answer()  # so that messages and answers keep their order
        self.failed = 2
        _complain(f"{what}: {_in_words(problem)}")

    @torch.inference_mode()
    def answer(self) -> None:
        """Predict what was read and print it."""
        names, inputs = iter(self.waiting), torch.cat(self.inputs) if self.inputs else torch.zeros(0)
        self.waiting, self.inputs = [], []
        for batch in inputs.split(256) if len(inputs) else ():
            best = _probabilities_of(self.network, batch).topk(self.top)
            for values, places in zip(best.values.tolist(), best.indices.tolist(), strict=True):
                found = [(CLASS_NAMES[i], p) for p, i in zip(values, places, strict=True)]
                print(self.line(*next(names), found))
                self.answered += 1

    def line(self, path: str, name: str, found: list[tuple[str, float]]) -> str:
        if self.as_json:
            best = {"class": found[0][0], "probability": found[0][1], "probabilities": dict(found)}
            return json.dumps({"file": path, "example": name, **best})
        own = Path(path).name
        where = path + name[len(own) :] if name.startswith(own) else path if name in ("", path) else f"{path}, {name}"
        return f"{_printable(where)}: {', '.join(f'{_printable(each)} ({p:.1%})' for each, p in found)}"


def _files(named: str) -> list[Path]:
    """The files that an argument of the command line stands for; ValueError where there are none."""
    path = Path(named).expanduser()
    if path.is_dir():
        return _in_folder(path)
    if path.exists():
        return [path]
    matching = [Path(each) for each in sorted(glob.glob(str(path), recursive=True))]
    if not matching:
        raise ValueError(_not_there(path))
    return [file for each in matching for file in (_in_folder(each) if each.is_dir() else [each])]


def _in_folder(folder: Path) -> list[Path]:
    found = [each for each in sorted(folder.rglob("*")) if _belongs(each.relative_to(folder)) and each.is_file()]
    if not found:
        raise ValueError(f"no file in this folder ends with {', '.join(ENDINGS)}")
    return found


def _belongs(path: Path) -> bool:
    hidden = any(part.startswith(".") or part == "__MACOSX" for part in path.parts)
    return not hidden and path.name.lower().endswith(ENDINGS)


def _not_there(path: Path) -> str:
    if glob.has_magic(str(path)):
        return "no file matches this pattern"
    beside = os.listdir(path.parent) if path.parent.is_dir() else []
    close = difflib.get_close_matches(path.name, beside, n=1)
    return "there is no such file or folder" + (f"; did you mean {path.with_name(close[0])}?" if close else "")


def _in_words(problem: Exception) -> str:
    """One line that says what is wrong."""
    if isinstance(problem, ModuleNotFoundError) and problem.name:
        package = {"PIL": "pillow"}.get(problem.name.partition(".")[0], problem.name.partition(".")[0])
        return f"needs {package}, which is not installed: pip install {package}"
    text = problem.strerror if isinstance(problem, OSError) and problem.strerror else str(problem)
    text = " ".join(text.split())
    if isinstance(problem, ValueError | OSError) and text:
        return text
    return f"{type(problem).__name__}: {text}" if text else type(problem).__name__


def _printable(text: str) -> str:
    """Text on one line: line breaks and invisible characters as their codes."""
    return "".join(each if each.isprintable() else ascii(each)[1:-1] for each in text)


def _complain(text: str) -> None:
    print(f"model.py: {_printable(text)}", file=sys.stderr)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
