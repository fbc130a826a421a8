"""Kill -9 of the driver at random moments, for any strategy: the final table is that of a run without a stop.

python tests/faults/driver_kills.py --cases RegularizedEvolution,"recipe asng" --seeds 2 --kills 3 [--steered]

With --steered a child is asked for other limits while it searches; the run without a stop then has them changed at the
places in the log at which they were.

Prints one line of JSON a case and seed. This process imports everything once and forks a child for each attempt;
itself it opens no store, starts no thread and trains nothing, so that a child begins as a new driver
would. A child says on a pipe which trials were acknowledged: none may be so twice, which is how a loss would be seen.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import random
import select
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import torch

sys.path.insert(0, str(Path(__file__).parent))
from every_search import Case, cases, limited, storm

from netwright.core.trial import Trial
from netwright.engine import control
from netwright.engine.limits import ChangingLimits
from netwright.store import Store
from netwright.store.checking import check

LONGEST = 120.0  # seconds that any attempt may take
RUN = "r"


@dataclass
class Ended:
    """What one case of one seed came to. codes: how each attempt ended, as subprocess.Popen.returncode says it."""

    case: str
    seed: int
    trials: int = 0
    kills: int = 0
    equal: bool = False
    twice: list[int] = field(default_factory=list)
    leftovers: list[str] = field(default_factory=list)
    codes: list[int] = field(default_factory=list)
    seconds: float = 0.0
    trouble: str = ""

    @property
    def good(self) -> bool:
        return self.equal and not self.twice and not self.leftovers and not self.trouble


def kill_and_resume(name: str, case: Case, seed: int, kills: int, directory: Path, *, steered: bool = False) -> Ended:
    """Drive a search of this seed with up to `kills` kills, and compare it with the same search left alone.

    steered: whether it is asked for other limits meanwhile.
    """
    dice = random.Random(f"{name} {seed}")
    start = time.monotonic()
    ended = Ended(name, seed)
    whole = attempt(lambda say: _alone(case, seed, directory / "whole.json"))
    expected = max(1, len(json.loads((directory / "whole.json").read_text())))
    acknowledged: list[int] = []
    while not ended.trouble:
        moment = None
        if ended.kills < kills:
            left = max(1, expected - len(set(acknowledged)))
            moment = _moment(dice, math.ceil(left / (kills - ended.kills)), whole.seconds / expected)
        found = attempt(lambda say: _driven(case, seed, directory, say, steered=steered), moment)
        acknowledged += found.said
        ended.codes.append(found.code)
        ended.kills += found.code == -signal.SIGKILL
        if found.code == -signal.SIGKILL and (directory / "project" / "netwright.db").exists():
            ended.trouble = _damage(directory / "project", acknowledged)
        if found.code == 0 or ended.trouble:
            break
        if found.code != -signal.SIGKILL or moment is None:
            ended.trouble = f"attempt {len(ended.codes)} ended with {found.code}, after {found.seconds:.1f} s"
    if steered and not ended.trouble:
        attempt(lambda say: _alone(case, seed, directory / "whole.json", directory / "project"))
    ended.twice = [number for number, count in Counter(acknowledged).items() if count > 1]
    if not ended.trouble:
        table, left_alone = ((directory / each).read_text() for each in ("table.json", "whole.json"))
        ended.equal, ended.trials = table == left_alone, len(json.loads(table))
    ended.leftovers = sorted(str(each.relative_to(directory)) for each in directory.rglob("*.tmp*"))
    ended.seconds = round(time.monotonic() - start, 2)
    return ended


def _damage(project: Path, acknowledged: list[int]) -> str:
    """What is wrong with a project whose driver was killed; empty where nothing is."""
    report = check(project)
    if report.problems:
        return f"after a kill: {report.problems[0]}"
    missing = len(set(acknowledged)) - report.trials
    return f"after a kill: {missing} acknowledged trials are gone" if missing > 0 else ""


class Moment(NamedTuple):
    """When to kill: so many seconds after so many trials were acknowledged in this attempt."""

    trials: int
    delay: float


def _moment(dice: random.Random, trials: int, seconds: float) -> Moment:
    """One time in five while the driver has hardly begun; otherwise within so many trials, each of so many seconds.

    Trials are counted, and not the time of the whole, so that as many kills find a driver alive on any machine.
    """
    if dice.random() < 0.2:
        return Moment(0, dice.uniform(0, 0.05))
    return Moment(dice.randrange(trials), dice.uniform(0, seconds))


# What a child does.


def _alone(case: Case, seed: int, path: Path, project: Path | None = None) -> None:
    """The table of a run that nobody stops. project: where limits were changed, which changes here as well."""
    if project is not None:
        with Store.open_readonly(project) as store:
            changes = store.present_limits(RUN).changes
        if len(changes) < len(ASKED):
            raise RuntimeError(f"limits were changed {len(changes)} times only")
        ChangingLimits.changes = property(lambda _: changes, lambda _limits, _value: None)  # type: ignore[assignment]
    path.write_text(json.dumps(case.make(seed).run(**case.stop).table()))


ASKED = {9: {"set": "val_accuracy >= 0.3"}, 21: {"set": "params <= 300"}, 33: {"lift": "val_accuracy"}}


def _driven(case: Case, seed: int, directory: Path, say: Callable[[int], None], *, steered: bool = False) -> None:
    asked = dict(ASKED) if steered else {}
    control.EVERY = 0.0

    def acknowledged(trial: Trial) -> None:
        say(trial.number)
        for number in [each for each in asked if each <= trial.number]:
            control.send(directory / "project", RUN, {"ask": "limits", **asked.pop(number)})

    with Store(directory / "project") as store:
        resume = RUN in store.names()
        for number in list(asked)[: len(store.present_limits(RUN).changes) if resume else 0]:
            del asked[number]
        run = case.make(seed).run(**case.stop, store=store, name=RUN, resume=resume, on_trial=acknowledged)
    (directory / "table.json").write_text(json.dumps(run.table()))


# Children.


@dataclass
class Attempt:
    code: int
    said: list[int]
    seconds: float


def attempt(work: Callable[[Callable[[int], None]], None], moment: Moment | None = None) -> Attempt:
    """Fork a child that does the work, and kill it at this moment if it still lives then."""
    start = time.monotonic()
    ear, mouth = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(ear)
        _in_child(work, mouth)
    os.close(mouth)
    heard, over, reached, killed = b"", start + LONGEST, False, False
    while True:  # the pipe ends with the child
        if moment is not None and not reached and heard.count(b"\n") >= moment.trials:
            reached, over = True, time.monotonic() + moment.delay
        if select.select([ear], [], [], None if killed else max(over - time.monotonic(), 0.0))[0]:
            part = os.read(ear, 65536)
            if not part:
                break
            heard += part
        if not killed and time.monotonic() >= over:
            os.kill(child, signal.SIGKILL)
            killed = True
    os.close(ear)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    said = [int(each) for each in heard.decode().split("\n")[:-1]]
    return Attempt(code, said, time.monotonic() - start)


def _in_child(work: Callable[[Callable[[int], None]], None], mouth: int) -> None:
    """Do the work and end; nothing of the parent's goes on here."""
    code = 1
    try:
        torch.set_num_threads(1)
        work(lambda number: _written(mouth, number))
        code = 0
    except BaseException:
        traceback.print_exc(limit=-3)
        sys.stderr.flush()
    finally:
        os._exit(code)


def _written(mouth: int, number: int) -> None:
    os.write(mouth, f"{number}\n".encode())


# From the command line.


def soak(names: list[str] | None, seeds: range, kills: int, *, steered: bool = False) -> Iterator[Ended]:
    """Every case, or those that are named, with every seed."""
    known = {**cases(), **storm(), **limited()}
    for name in names or cases():
        for seed in seeds:
            directory = Path(tempfile.mkdtemp(prefix="driver-kills-"))
            try:
                yield kill_and_resume(name, known[name], seed, kills, directory, steered=steered)
            finally:
                shutil.rmtree(directory, ignore_errors=True)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", help="names with commas between them; all by default")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--kills", type=int, default=3, help="the most kills in one search")
    parser.add_argument("--steered", action="store_true", help="change limits while the searches run")
    options = parser.parse_args(arguments)
    names = options.cases.split(",") if options.cases else None
    good = True
    for ended in soak(names, range(options.seeds), options.kills, steered=options.steered):
        good = good and ended.good
        print(json.dumps(_line(ended)), flush=True)
    return 0 if good else 1


def _line(ended: Ended) -> dict[str, Any]:
    return {**asdict(ended), "good": ended.good}


if __name__ == "__main__":
    sys.exit(main())
