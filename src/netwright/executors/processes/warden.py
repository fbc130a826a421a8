"""A small process that outlives its driver by a moment: when the driver is gone, however it went, it kills the process
groups of the driver's workers, also those whose code holds the interpreter and whose children ignore requests to end.

It is run by its path and uses the standard library only. The driver tells it "+PID" and "-PID", a line each.
"""

import contextlib
import os
import signal
import sys


def main() -> None:
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    groups: set[int] = set()
    with os.fdopen(int(sys.argv[1])) as lines:
        for line in lines:
            (groups.add if line[0] == "+" else groups.discard)(int(line[1:]))
    for group in groups:
        with contextlib.suppress(OSError):
            os.killpg(group, signal.SIGKILL)


if __name__ == "__main__":
    main()
