"""What the example for SLURM asks of netwright and Ray on an allocation, with stand-ins for all of their commands."""

from __future__ import annotations

import itertools
import os
import shlex
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "examples" / "slurm" / "search.sbatch"
STANDS_IN = {
    "scontrol": "echo node1; echo node2",
    "srun": 'echo "srun $*" >> "$LOG"; while [[ $1 == --* ]]; do shift; done; exec "$@"',
    "ray": '[ "$1" = status ] && exit 0; exec sleep 60',
    "netwright": """if [ "$1" = show ]; then [ -e "$COMMAND" ]; exit; fi  # a run is there once it was begun
until [ "$(wc -l < "$LOG")" -ge 2 ]; do sleep 0.05; done
printf "%q " "$@" > "$COMMAND"
""",
}


def submitted(folder: Path, *arguments: str, **variables: str) -> tuple[int, list[str], str, str]:
    """Exit code, the words that netwright was called with, the steps of srun, and standard error."""
    place = folder / "bin"
    place.mkdir(exist_ok=True)
    for name, text in STANDS_IN.items():
        (place / name).write_text(f"#!/bin/bash\n{text}\n")
        (place / name).chmod(0o755)
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("RAY_", "SLURM_"))}
    environment = {
        **inherited,
        "PATH": f"{place}{os.pathsep}{os.environ['PATH']}",
        "LOG": str(folder / "srun.log"),
        "COMMAND": str(folder / "command"),
        "SLURM_JOB_ID": "4711",
        "SLURM_JOB_NODELIST": "node[1-2]",
        "SLURM_JOB_NUM_NODES": "2",
        "SLURM_CPUS_PER_TASK": "8",
        "RUN": "r",
        "RUNS": "runs",
        **variables,
    }
    done = subprocess.run(
        ["bash", SCRIPT, *arguments], env=environment, cwd=folder, capture_output=True, text=True, timeout=120
    )
    command, log = folder / "command", folder / "srun.log"  # with both nodes, for netwright waits for them
    words = shlex.split(command.read_text()) if command.exists() else []
    return done.returncode, words, log.read_text() if log.exists() else "", done.stderr


def option(words: list[str], name: str) -> str:
    """The value that counts: the last one."""
    return [value for key, value in itertools.pairwise(words) if key == name][-1]


@pytest.mark.parametrize(
    ("variables", "arguments", "workers", "share"),
    [
        ({}, [], "16", "0"),
        ({"SLURM_GPUS_ON_NODE": "4"}, [], "8", "1"),
        ({"SLURM_GPUS_ON_NODE": "4"}, ["--gpus-per-trial", "0.25"], "32", "0.25"),
        ({"SLURM_GPUS_ON_NODE": "4"}, ["--gpus-per-trial=0.1"], "80", "0.1"),
        ({"SLURM_GPUS_ON_NODE": "4"}, ["--gpus-per-trial", "2"], "4", "2"),
        ({"SLURM_GPUS_ON_NODE": "4"}, ["--gpus-per-trial", "0"], "16", "0"),
        ({"SLURM_GPUS_ON_NODE": "4"}, ["--workers", "3"], "3", "1"),
        ({"SLURM_GPUS_ON_NODE": "1", "WORKERS": "5"}, ["--gpus-per-trial", "0.5"], "5", "0.5"),
    ],
)
def test_workers_and_gpus_follow_from_the_allocation(
    tmp_path: Path, variables: dict[str, str], arguments: list[str], workers: str, share: str
) -> None:
    code, words, steps, err = submitted(tmp_path, "digits", *arguments, **variables)
    assert code == 0, err
    assert (option(words, "--workers"), option(words, "--gpus-per-trial")) == (workers, share)
    assert option(words, "--executor") == "ray" and option(words, "--address") == "node1:6379"
    gpus = variables.get("SLURM_GPUS_ON_NODE", "0")
    assert steps.count(f"--num-gpus={gpus}") == 2 and ("--gpus-per-node=4" in steps) == (gpus == "4")


def test_a_trial_that_needs_more_gpus_than_there_are_is_refused(tmp_path: Path) -> None:
    for variables in ({}, {"SLURM_GPUS_ON_NODE": "2"}):
        code, words, steps, err = submitted(tmp_path, "digits", "--gpus-per-trial", "4", **variables)
        assert code == 2 and not words and not steps
        assert "--gpus-per-trial 4: the nodes of this job have" in err and "sbatch --gpus-per-node=N" in err


def test_arguments_are_passed_on_each_time_and_none_resumes(tmp_path: Path) -> None:
    given = ["my data", "--trials", "50", "--limit", "params <= 5k"]
    _, words, _, _ = submitted(tmp_path, *given)
    assert words[: len(given) + 4] == ["search", *given, "--name", "r", "--resume"]
    _, words, _, _ = submitted(tmp_path)
    assert words == ["resume", "r", "--dir", "runs", "--executor", "ray", "--address", "node1:6379"]
    _, words, _, _ = submitted(tmp_path, "my data", "--trials", "60", SLURM_GPUS_ON_NODE="4")
    assert "--workers" not in words and "--gpus-per-trial" not in words, "a run that was begun has both"
    _, words, _, _ = submitted(tmp_path, "my data", "--gpus-per-trial", "0.5", SLURM_GPUS_ON_NODE="4")
    assert (option(words, "--workers"), option(words, "--gpus-per-trial")) == ("16", "0.5")
    _, words, _, _ = submitted(tmp_path, WORKERS="7")
    assert option(words, "--workers") == "7" and "--gpus-per-trial" not in words
