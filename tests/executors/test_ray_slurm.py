"""The example for SLURM with stand-ins for its commands: what the script does on an allocation, on this machine.

The stand-ins know no nodes: every `srun` runs its command here. What is tested is the order of things, the options
that are passed on, the token, the search and its exit code, and that nothing goes on running.
"""

from __future__ import annotations

import importlib.util
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from netwright.store import Store

SCRIPT = Path(__file__).parents[2] / "examples" / "slurm" / "search.sbatch"
SBATCH = """#!/bin/bash
# Runs the script as the first node of an allocation would, with what its #SBATCH lines ask for in the environment.
export SLURM_JOB_ID=4711 SLURM_JOB_NODELIST='node[1-2]' SLURM_JOB_NUM_NODES=2 SLURM_CPUS_PER_TASK=2
script=$1; shift
grep -q '^#SBATCH --nodes=' "$script" || exit 64
exec bash "$script" "$@"
"""
SCONTROL = """#!/bin/bash
[ "$1 $2 $3" = "show hostnames node[1-2]" ] || exit 64
echo 127.0.0.1; echo 127.0.0.1
"""
SRUN = """#!/bin/bash
echo "$@" >> "$SRUN_LOG"
while [[ $1 == --* ]]; do shift; done
exec "$@"
"""

pytestmark = [
    pytest.mark.ray,
    pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="the extra `ray` is not installed"),
]


@pytest.fixture
def allocation(tmp_path: Path) -> Iterator[dict[str, str]]:
    """The environment of a machine with SLURM."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name, text in (("sbatch", SBATCH), ("scontrol", SCONTROL), ("srun", SRUN)):
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("RAY_", "SLURM_"))}
    with tempfile.TemporaryDirectory(prefix="ray-", ignore_cleanup_errors=True) as short:  # names of sockets are short
        yield {
            **inherited,
            "PATH": os.pathsep.join([str(folder), str(Path(sys.executable).parent), os.environ["PATH"]]),
            "SRUN_LOG": str(tmp_path / "srun.log"),
            "PORT": str(port),
            "RUN": "r",
            "RUNS": str(tmp_path / "runs"),
            "WORKERS": "1",
            "RAY_START_OPTIONS": "--object-store-memory=100000000 --include-log-monitor=false",
            "RAY_TMPDIR": short,
        }


def finished(command: list[str], environment: dict[str, str], folder: Path) -> subprocess.CompletedProcess[str]:
    """Run to the end, or end the whole group after four minutes."""
    with subprocess.Popen(
        command,
        env=environment,
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            found = process.communicate(timeout=240)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGTERM)
            time.sleep(5)  # Ray's own processes end with those that started them
            os.killpg(process.pid, signal.SIGKILL)
            raise
    return subprocess.CompletedProcess(command, process.returncode, *found)


@pytest.mark.slow
def test_a_search_on_an_allocation(allocation: dict[str, str], tmp_path: Path) -> None:
    command = ["sbatch", str(SCRIPT), "digits", "--space", "chain", "--strategy", "random"]
    command += ["--trials", "2", "--epochs", "1", "--examples", "60", "--final-epochs", "0", "--no-baselines"]
    done = finished(command, allocation, tmp_path)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-3000:]
    with Store.open_readonly(tmp_path / "runs") as store:
        trials = store.read_run("r").trials
        places = {each.place for trial in trials for each in store.attempts("r", trial.number)}
    assert [trial.state for trial in trials] == ["completed"] * 2
    assert all(place.startswith(f"{socket.gethostname()}-") for place in places)
    head, worker = (tmp_path / "srun.log").read_text().splitlines()
    assert "ray start --head" in head and f"--port={allocation['PORT']}" in head and "--num-cpus=2" in head
    assert f"ray start --address=127.0.0.1:{allocation['PORT']}" in worker
    assert ended(allocation["PORT"]), "a part of Ray still runs"
    again = finished([*command, "--trials", "3"], allocation, tmp_path)  # of an option given twice the last one counts
    assert again.returncode == 0 and "3 trials done" in again.stdout, again.stdout[-2000:] + again.stderr[-3000:]
    other = finished([*command, "--seed", "9"], allocation, tmp_path)
    assert other.returncode == 2 and "--seed was 0 and is 9" in other.stderr, other.stderr[-3000:]


def ended(port: str) -> bool:
    """Whether nobody listens at the head's port any more, after a moment at the latest."""
    end = time.monotonic() + 20
    while time.monotonic() < end:
        with socket.socket() as caller:
            if caller.connect_ex(("127.0.0.1", int(port))):
                return True
        time.sleep(0.1)
    return False
