"""What every exported `model.py` or `predict.py` does with its network: predict, and answer on the command line.

The text of the functions below goes into that file as it stands, behind the network's own code or what loads it, the
code of the task's preparation and that of its problem, which define the names that are only announced here.
"""

from __future__ import annotations

import argparse
import difflib
import glob
import io
import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

ENDINGS: tuple[str, ...]
INPUT_SHAPE: Any
MEAN: Any
STD: Any
PROGRAM: str  # the name of the file
read: Callable[[Path], tuple[list[str], Any]]
prepared: Callable[[Any], Any]
respond: Callable[[nn.Module, Any], Tensor]
loading_options: Callable[[argparse.ArgumentParser], None]
loaded: Callable[[argparse.Namespace], nn.Module]
options: Callable[[argparse.ArgumentParser], None]
answers: Callable[[nn.Module, Any, Sequence[tuple[str, str]], argparse.Namespace], list[dict[str, Any]]]
line: Callable[[dict[str, Any]], str]
closing: Callable[[argparse.Namespace], list[str]]


def preprocess(raw: Any) -> Any:
    """Examples as their user has them, whatever `prepared` takes, as the network's input."""
    return normalised(prepared(raw))


def normalised(inputs: Any) -> Any:
    """What `prepared` gives, a tensor (n, *INPUT_SHAPE) or several under names, as the network's input."""
    if isinstance(inputs, dict):
        return {name: _normalised(each, INPUT_SHAPE[name], MEAN[name], STD[name]) for name, each in inputs.items()}
    return _normalised(inputs, INPUT_SHAPE, MEAN, STD)


def _normalised(inputs: Tensor, shape: tuple[int, ...], means: Any, stds: Any) -> Tensor:
    """uint8 images are first scaled to 0..1; what has no means, such as tokens, is taken as it is."""
    if tuple(inputs.shape[1:]) != shape:
        raise ValueError(f"expected examples of the shape {shape}, found {tuple(inputs.shape[1:])}")
    if means is None:
        return inputs.long()
    sides = (1, -1, *[1] * (inputs.dim() - 2))
    mean, std = (torch.tensor(each, dtype=torch.float64).view(sides) for each in (means, stds))
    scale, shift = 1 / std, -mean / std
    scale = scale / 255 if inputs.dtype == torch.uint8 else scale
    return inputs.float() * scale.float().to(inputs.device) + shift.float().to(inputs.device)


def responses(network: nn.Module, raw: Any, batch_size: int = 256) -> list[Tensor]:
    """What the network gives for examples as their user has them, a batch at a time, on the CPU."""
    count = how_many(raw)
    return [respond(network, prepared(some(raw, start, start + batch_size))) for start in range(0, count, batch_size)]


def how_many(inputs: Any) -> int:
    """How many examples these are: rows of a tensor, an array or a list, or of several under names."""
    return len(next(iter(inputs.values()))) if isinstance(inputs, dict) else len(inputs)


def some(inputs: Any, start: int, stop: int) -> Any:
    """The examples from place `start` to before `stop`."""
    if isinstance(inputs, dict):
        return {name: each[start:stop] for name, each in inputs.items()}
    return inputs[start:stop]


def joined(parts: Sequence[Any]) -> Any:
    """Examples of several files as those of one; a list of pictures stays one."""
    if isinstance(parts[0], list):
        return [each for part in parts for each in part]
    if isinstance(parts[0], dict):
        return {name: torch.cat([each[name] for each in parts]) for name in parts[0]}
    return torch.cat(list(parts))


def main(arguments: Sequence[str] | None = None) -> int:
    """Answer on the command line. Gives the exit code: 0 done, 1 some files were left out, 2 nothing was predicted."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a terminal that lacks a letter gets its number
    asked = _command_line().parse_args(arguments)
    try:
        network = loaded(asked)
    except Exception as problem:
        _complain(_in_words(problem))
        return 2
    command = _Command(network, asked)
    try:
        for named in asked.files:
            command.take(named)
        command.answer()
        for each in closing(asked) if command.answered else ():
            print(each)
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
    parser = _Parser(prog=PROGRAM, description=about, epilog=codes, formatter_class=lines)
    what = f'files, folders (searched for {", ".join(ENDINGS)}) and patterns such as "new/*{ENDINGS[0]}"'
    parser.add_argument("files", nargs="+", metavar="FILE", help=what)
    parser.add_argument("--json", action="store_true", help="one JSON object a line for each example")
    options(parser)
    loading_options(parser)
    return parser


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> Any:
        """One line in place of two."""
        self.exit(2, f"{PROGRAM}: {message}; see {PROGRAM} --help\n")


def whole_number(text: str) -> int:
    """A whole number from 1 on, as an option."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number from 1 on, found {text!r}")
    return int(text)


class _Command:
    """Reads files, predicts many examples at a time, and prints what was found in the order of the files."""

    def __init__(self, network: nn.Module, asked: argparse.Namespace) -> None:
        self.network, self.asked = network, asked
        self.failed = self.answered = 0
        self.waiting: list[tuple[str, str]] = []
        self.inputs: list[Any] = []

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
            if not isinstance(inputs, list):  # of pictures of any size, which are looked at one by one
                normalised(some(inputs, 0, 1))
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

    def answer(self) -> None:
        """Predict what was read and print it."""
        names, inputs = self.waiting, joined(self.inputs) if self.inputs else None
        self.waiting, self.inputs = [], []
        for start in range(0, len(names), 256):
            batch = names[start : start + 256]
            found = answers(self.network, some(inputs, start, start + 256), batch, self.asked)
            for (path, name), each in zip(batch, found, strict=True):
                self.answered += 1
                if self.asked.json or line(each):  # what has no line of its own is told at the end
                    print(self.line(path, name, each))

    def line(self, path: str, name: str, found: dict[str, Any]) -> str:
        if self.asked.json:
            return json.dumps({"file": path, "example": name, **found})
        own = Path(path).name
        where = path + name[len(own) :] if name.startswith(own) else path if name in ("", path) else f"{path}, {name}"
        return f"{printable(where)}: {line(found)}"


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


def printable(text: str) -> str:
    """Text on one line: line breaks and invisible characters as their codes."""
    return "".join(each if each.isprintable() else ascii(each)[1:-1] for each in text)


def _complain(text: str) -> None:
    print(f"{PROGRAM}: {printable(text)}", file=sys.stderr)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
