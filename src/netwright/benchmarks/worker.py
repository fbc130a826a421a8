"""A worker process of a comparison: it reads the tables once, then searches until nobody asks any more."""

from __future__ import annotations

import gc
import os
import signal
import sys
from multiprocessing.connection import Connection
from pathlib import Path

_COLLECTIONS = 50_000, 20, 20  # a search makes many small objects and hardly any cycles


def main() -> None:
    """What the pool starts: the arguments are the socket's descriptor and the driver's process id."""
    descriptor, parent = int(sys.argv[1]), int(sys.argv[2])
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    from netwright.executors.processes.process_worker import die_with

    die_with(parent)
    os.set_inheritable(descriptor, False)
    _serve(Connection(descriptor))


def _serve(driver: Connection) -> None:
    from netwright.executors.processes.process_worker import import_file

    try:
        sys.path[:] = driver.recv()
        try:
            for name, path in driver.recv().items():
                import_file(name, Path(path))
            work = driver.recv()
        except (EOFError, OSError):
            return
        except Exception as problem:  # whatever an import of the user's raises
            driver.send(f"{type(problem).__name__}: {problem}")
            return
        driver.send(None)
        gc.freeze()  # the tables stay as they are: no collection need look through them
        gc.set_threshold(*_COLLECTIONS)
        while True:
            driver.send(work.cell(*driver.recv()))
    except (EOFError, OSError):
        return  # nobody asks any more
