"""Scripts that each run in a process of their own, without each taking seconds to import torch.

python tests/prepared.py

imports what the library builds on, and nothing of the library; then it forks a child for each line of JSON on its
standard input, ["path of a script", "folder to run it in", "file for what it prints", "file for its errors"], and
writes the child's exit code. It starts no thread and computes nothing, so that a child is as a fresh interpreter.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import runpy
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

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

    code: int
    stdout: str
    stderr: str


class Prepared:
    """The process that forks."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def run(self, script: Path, folder: Path) -> Done:
        out, err = folder / "stdout.txt", folder / "stderr.txt"
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None and stdout is not None
        stdin.write(json.dumps([*map(str, (script, folder, out, err))]) + "\n")
        stdin.flush()
        code = stdout.readline()
        assert code, "the process that runs scripts has ended"
        return Done(int(code), out.read_text(), err.read_text())


@contextmanager
def prepared() -> Iterator[Prepared]:
    command = [sys.executable, __file__]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield Prepared(process)
        finally:
            process.kill()


def main() -> None:
    for each in WHAT_TAKES_LONG:
        importlib.import_module(each)
    for line in sys.stdin:
        script, folder, out, err = json.loads(line)
        child = os.fork()
        if child == 0:
            _become(folder, out, err)
            sys.argv, sys.path[0] = [script], str(Path(script).parent)
            runpy.run_path(script, run_name="__main__")
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
