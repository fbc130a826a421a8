"""Does a Ray cluster let in everybody who reaches its ports? Who is let in can run code on every node, and in a driver.

Ray knows tokens since 2.52. Whoever wants a cluster without one says so as Ray itself has it: RAY_AUTH_MODE=disabled.
"""

from __future__ import annotations

import ipaddress
import os
import socket
import subprocess
import sys
from pathlib import Path

from netwright.core.errors import UserError
from netwright.core.warning import warn

MODE = "RAY_AUTH_MODE"
OLDEST = (2, 52)
MAKE = "make a token with: ray get-auth-token --generate, and start the cluster anew with RAY_AUTH_MODE=token"
PATIENCE = 60.0  # seconds that a stranger is given to be turned away
_STRANGER = "import sys; from ray._raylet import GcsClient; GcsClient(address=sys.argv[1])"


def require_version(version: str) -> None:
    """UserError for a Ray from before tokens."""
    if too_old(version):
        raise UserError(f"Ray {version} is from before tokens, which keep others out of a cluster: install 'ray>=2.52'")


def too_old(version: str) -> bool:
    """Whether a version of Ray knows no tokens."""
    numbers = [int(each) for each in version.split(".")[:2] if each.isdigit()]
    return tuple(numbers) < OLDEST


def mode() -> str:
    """What RAY_AUTH_MODE says, in lower case; empty where it says nothing."""
    return os.environ.get(MODE, "").strip().lower()


def is_here() -> bool:
    """Whether this process has a token, be it in the environment or in a file; it is not read."""
    named = os.environ.get("RAY_AUTH_TOKEN_PATH")
    file = Path(named) if named else Path(os.path.expanduser("~"), ".ray", "auth_token")
    return bool(os.environ.get("RAY_AUTH_TOKEN")) or file.is_file()


def ask_for_token_by_default() -> None:
    """A cluster that this process starts has a token, unless the user said otherwise; before Ray is imported."""
    if not mode():
        os.environ[MODE] = "token"
    elif mode() == "disabled":
        warn(f"{MODE} is 'disabled': whoever reaches this machine can run code through the Ray that is started here")


def require_protected(place: str) -> None:
    """UserError for a cluster elsewhere that lets in everybody, a warning for one behind the loopback address.

    place: host:port, or an address that only Ray understands. It has let this process in.
    """
    if mode() == "disabled" or not _is_open(place):
        return
    found = f"the Ray cluster at {place} asks for no token: whoever reaches its ports can run code on it, and here"
    if not _is_loopback(place):
        raise UserError(f"{found}; {MAKE}. To join it all the same: export {MODE}=disabled")
    warn(f"{found}; {MAKE}")


def _is_open(place: str) -> bool:
    """Whether a stranger is let in: this process, where it has shown no token, or else one that is sent for that."""
    if not mode():
        return True
    if "://" in place:
        return False  # nothing but Ray itself can ask there
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RAY_AUTH_")}
    try:
        done = subprocess.run(  # noqa: S603  # our own interpreter and code
            [sys.executable, "-P", "-c", _STRANGER, place],
            env={**environment, MODE: "disabled"},
            capture_output=True,
            timeout=PATIENCE,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def _is_loopback(place: str) -> bool:
    host = place.rpartition("://")[2].rpartition(":")[0].strip("[]")
    try:
        found = {each[4][0] for each in socket.getaddrinfo(host, None)}
    except OSError:
        return False
    return all(ipaddress.ip_address(str(each).partition("%")[0]).is_loopback for each in found)
