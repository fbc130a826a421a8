"""`netwright search --serve`: the pages as a process of their own beside a search, which ends with it.

The socket is made here, so that the link can be said at once; the other process, which takes a while to start, gets it
as it is. It leaves the search as much of the machine as it wants.
"""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from netwright.cli.output import say

HOST = "127.0.0.1"
ENDING = 5.0  # seconds that the pages have to end


@contextmanager
def pages_beside(directory: Path, *, wanted: bool, aloud: bool) -> Generator[None]:
    """Inside, pages on the project are served to this machine. aloud: whether standard output may say so.

    Raises MissingExtra where what they need is not installed.
    """
    if not wanted:
        yield
        return
    from netwright.dashboard.serving import link, listening, require

    require()
    with contextlib.closing(listening(HOST, None)) as place:
        words = [sys.executable, "-P", "-m", "netwright.cli.pages_beside", str(directory), str(place.fileno())]
        pages = subprocess.Popen(  # noqa: S603 - this very program
            words, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, pass_fds=[place.fileno()], start_new_session=True
        )
        address = link(HOST, int(place.getsockname()[1]), "")
    say(f"pages on it while it runs: {address}", stream=sys.stdout if aloud else sys.stderr)
    try:
        yield
    finally:
        _end(pages)


def _end(pages: subprocess.Popen[bytes]) -> None:
    """Close what the pages read from, which ends them."""
    assert pages.stdin is not None
    with contextlib.suppress(OSError):
        pages.stdin.close()
    pages.terminate()
    try:
        pages.wait(ENDING)
    except subprocess.TimeoutExpired:
        pages.kill()
        pages.wait()


def main() -> None:
    """The other process: serve until nobody holds the other end of standard input."""
    from netwright.dashboard.serving import serve_at

    threading.Thread(target=_until_alone, daemon=True).start()
    with socket.socket(fileno=int(sys.argv[2])) as place:
        serve_at(place, Path(sys.argv[1]), HOST, "", (), control=False, ready=lambda _: None)


def _until_alone() -> None:
    """End this process when the search has, however it did."""
    sys.stdin.buffer.read()
    os._exit(0)


if __name__ == "__main__":
    main()
