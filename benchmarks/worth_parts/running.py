"""One cell after the other, each in a process of its own; what has finished is a line of a file."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from worth_parts.contenders import SEARCHES, Cell, command
from worth_parts.judging import NoAnswer, judged, standard_error
from worth_parts.sets import DataSet
from worth_parts.splitting import Split

RESULTS = "results.jsonl"
LATE = 1.5  # times its time, and a minute, after which a competitor is ended
HERE = Path(__file__).parents[1]


@dataclass(frozen=True)
class Outcome:
    """What came of a cell.

    data, contender, seed: which.
    limit: seconds that it was given. threads: likewise.
    kind: of answers.
    score: in points; None where it failed.
    error: of the score by the choice of the held-out examples, 0 where that is not known.
    seconds: of the wall clock, from the start of its process to its end.
    working: of them training and evaluation, as far as it says.
    said: the first thing that its report says, where that is against it.
    failed: why; empty where it did not.
    """

    data: str
    contender: str
    seed: int
    limit: float
    threads: int
    kind: str
    score: float | None
    error: float = 0.0
    seconds: float = 0.0
    working: float | None = None
    said: str = ""
    failed: str = ""

    @property
    def place(self) -> tuple[str, str, int, float, int]:
        return self.data, self.contender, self.seed, self.limit, self.threads


def stored(folder: Path) -> list[Outcome]:
    """What a folder has of earlier cells; a cut line is passed over, and of two of one cell the later counts."""
    path, found = folder / RESULTS, {}
    for line in path.read_text().splitlines() if path.exists() else []:
        try:
            each = Outcome(**json.loads(line))
        except ValueError:
            continue
        found[each.place] = each
    return list(found.values())


def keep(outcome: Outcome, folder: Path) -> None:
    """Add a line, which begins a new one where the last was cut off."""
    path = folder / RESULTS
    before = path.read_bytes() if path.exists() else b"\n"
    with path.open("a") as file:
        file.write(("" if before.endswith(b"\n") else "\n") + json.dumps(asdict(outcome)) + "\n")
        file.flush()
        os.fsync(file.fileno())


def carried_out(cell: Cell, data: DataSet, split: Split, folder: Path, seconds: float, threads: int) -> Outcome:
    """Run a competitor and judge what it hands over.

    cell: who, on what, with which seed.
    data, split: to compete on.
    folder: for its files, emptied before.
    seconds: that it may take.
    threads: that it may compute with.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    began = time.monotonic()
    code = _run(command(cell, data, split, folder, seconds), folder, LATE * seconds + 60, threads)
    took = time.monotonic() - began
    known: dict[str, Any] = {"limit": seconds, "threads": threads, "kind": split.kind, "seconds": round(took, 2)}
    try:
        if code != 0:
            raise NoAnswer(_last_words(folder, code))
        found = _of_search(split, folder) if cell.contender in SEARCHES else _of_reference(folder, split)
    except (NoAnswer, OSError, ValueError, KeyError) as problem:
        return Outcome(cell.data, cell.contender, cell.seed, score=None, failed=str(problem)[:400], **known)
    return Outcome(cell.data, cell.contender, cell.seed, **known, **found)


def _run(words: list[str], folder: Path, most: float, threads: int) -> int:
    """The exit code of a command whose output goes into files; it is ended with its children when it takes too long."""
    names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
    paths = os.pathsep.join(each for each in (str(HERE), os.environ.get("PYTHONPATH", "")) if each)
    environment = {**os.environ, **dict.fromkeys(names, str(threads)), "PYTHONPATH": paths}
    with (folder / "output").open("w") as output, (folder / "errors").open("w") as errors:
        process = subprocess.Popen(words, stdout=output, stderr=errors, env=environment, start_new_session=True)
        try:
            return process.wait(most)
        except subprocess.TimeoutExpired:
            errors.write(f"ended after {most:.0f} s\n")
            return -signal.SIGKILL
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def _last_words(folder: Path, code: int) -> str:
    lines = (folder / "errors").read_text().strip().splitlines()
    return f"exit code {code}: {lines[-1] if lines else 'it said nothing'}"


def _of_reference(folder: Path, split: Split) -> dict[str, Any]:
    found = json.loads((folder / "output").read_text().splitlines()[-1])
    error = standard_error(split.kind, found["score"], found["examples"])
    return {"score": found["score"], "error": error, "working": round(found["training"], 2)}


def _of_search(split: Split, folder: Path) -> dict[str, Any]:
    score = judged(folder / "best", split, folder)
    told = json.loads((folder / "output").read_text())
    error = standard_error(split.kind, score, len(split.truth))
    return {"score": score, "error": error, "working": working(told), "said": verdict(folder / "best" / "README.md")}


def working(told: dict[str, Any]) -> float:
    """Seconds of training and evaluation: of the trials, of the final trainings, and of the references.

    told: what the command printed with `--json`.
    """
    final = told["final"]
    trained = final["search"].get("seconds in trials", 0.0) + sum(final["training"].get("seconds") or [])
    return round(trained + sum(each["seconds"] for each in final["baselines"]), 2)


def verdict(readme: Path) -> str:
    """What the report of an export says first, where it does not speak for the network: the one line in bold."""
    lines = [each for each in readme.read_text().splitlines()[:6] if each.startswith("**") and each.endswith("**")]
    return lines[0].strip("*") if lines else ""
