"""Scripts that each run in a process of their own, without each taking seconds to import torch.

python tests/prepared.py

imports what the library builds on, and nothing of the library; then it forks a child for each line of JSON on its
standard input, [["path of a script", "an argument"], "folder to run it in", "file for what it prints", "file for its
errors"], and writes the child's exit code. It starts no thread and computes nothing, so that a child is as a fresh
interpreter.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import runpy
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

WHAT_TAKES_LONG = (
    "torch",
    "safetensors.torch",
    "scipy.optimize",
    "scipy.stats",
    "sklearn.ensemble",
    "sklearn.linear_model",
)


class Done(NamedTuple):
    """How a script ended."""

    returncode: int
    stdout: str
    stderr: str


class Prepared:
    """The process that forks. place: a folder for what scripts print."""

    def __init__(self, process: subprocess.Popen[str], place: Path) -> None:
        self._process, self._place = process, place

    def run(self, script: Path, *arguments: object, folder: Path) -> Done:
        out, err = self._place / "stdout", self._place / "stderr"
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None and stdout is not None
        stdin.write(json.dumps([[*map(str, (script, *arguments))], *map(str, (folder, out, err))]) + "\n")
        stdin.flush()
        code = stdout.readline()
        assert code, "the process that runs scripts has ended"
        return Done(int(code), out.read_text(encoding="utf-8"), err.read_text(encoding="utf-8"))


@contextmanager
def prepared() -> Iterator[Prepared]:
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    environment = {**os.environ, "PYTHONIOENCODING": "utf-8"}
    with (
        tempfile.TemporaryDirectory() as place,
        subprocess.Popen([sys.executable, __file__], env=environment, **pipes) as process,
    ):
        try:
            yield Prepared(process, Path(place))
        finally:
            process.kill()


def main() -> None:
    for each in WHAT_TAKES_LONG:
        importlib.import_module(each)
    gc.freeze()  # so that children do not copy what they never change
    for line in sys.stdin:
        words, folder, out, err = json.loads(line)
        child = os.fork()
        if child == 0:
            _become(folder, out, err)
            sys.argv, sys.path[0] = words, str(Path(words[0]).parent)
            runpy.run_path(words[0], run_name="__main__")
            return
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


def _become(folder: str, out: str, err: str) -> None:
    """Take a folder and files for the standard streams."""
    os.chdir(folder)
    for number, name, mode in ((0, os.devnull, os.O_RDONLY), (1, out, os.O_WRONLY), (2, err, os.O_WRONLY)):
        opened = os.open(name, mode | (os.O_CREAT | os.O_TRUNC if number else 0))
        os.dup2(opened, number)
        os.close(opened)


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        main()
