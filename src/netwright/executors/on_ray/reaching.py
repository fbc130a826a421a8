"""Does a cluster answer at an address, and does it let this process in? Asked before Ray is, which takes minutes to
give up and keeps the reason to itself."""

from __future__ import annotations

import contextlib
import socket
from typing import Any

from netwright.core.errors import ConfigurationError, UserError
from netwright.executors.on_ray.tokens import mode

MOST = 500  # characters of what Ray says
CONNECTING = 10.0  # seconds that a host has to take a connection
TOKEN = "~/.ray/auth_token, in the file that RAY_AUTH_TOKEN_PATH names, or in RAY_AUTH_TOKEN"  # noqa: S105 - no token
START = "start one with: ray start --head --port=6379"


def require_answer(address: str, errors: Any) -> str | None:
    """Where the cluster of this address is; UserError that says why it cannot be joined.

    errors: Ray's exceptions.

    address: host:port, or "auto", for which it may be None. What only Ray understands, such as ray://host:port, is left
        to it.
    """
    if "://" in address:
        return address
    place = _found_here() if address == "auto" else address
    if place is None:
        return None
    _require_listener(place, *_parts(place))
    try:
        _ask(place)
    except errors.AuthenticationError:
        raise UserError(_refused(place)) from None
    except errors.RayError:
        raise UserError(f"something listens at {place}, but it does not answer as the head of a Ray cluster") from None
    return place


def because(address: str | None, problem: BaseException) -> UserError:
    """The error to raise where Ray could not join or start a cluster: what it says, in one line."""
    reason = " ".join(str(problem).split())[:MOST] or type(problem).__name__
    if "version mismatch" in reason.lower():
        return UserError(f"{reason}; all nodes and this process need the same versions of Ray and Python")
    if address in (None, "local"):
        return UserError(f"Ray could not be started on this machine: {reason}")
    where = "on this machine" if address == "auto" else f"at {address!r}"
    return UserError(f"no Ray cluster {where}: {reason}; {START}")


def _found_here() -> str | None:
    """Where Ray thinks that the head of this machine's cluster is; None where it does not say."""
    with contextlib.suppress(Exception):  # no official part of Ray; without it, Ray itself is asked to join
        from ray._private.services import canonicalize_bootstrap_address

        return canonicalize_bootstrap_address("auto")
    return None


def _parts(place: str) -> tuple[str, int]:
    host, _, port = place.rpartition(":")
    if not host or not port.isdigit() or not 0 < int(port) < 65536:
        raise ConfigurationError(f"the address {place!r} of a Ray cluster: expected auto, or host:port as head:6379")
    return host.strip("[]"), int(port)


def _require_listener(place: str, host: str, port: int) -> None:
    try:
        socket.create_connection((host, port), CONNECTING).close()
    except socket.gaierror:
        raise UserError(f"no Ray cluster at {place}: there is no host of the name {host!r}") from None
    except TimeoutError:
        raise UserError(f"no Ray cluster at {place}: the host does not answer within {CONNECTING:g} s") from None
    except ConnectionRefusedError:
        raise UserError(f"no Ray cluster at {place}: nothing listens at port {port} of {host}; {START}") from None
    except OSError as problem:
        raise UserError(f"no Ray cluster at {place}: {problem.strerror or problem}") from None


def _ask(place: str) -> None:
    """Connect as Ray does, and let go again; an error of Ray's where the head refuses or is none."""
    try:
        from ray._raylet import (  # pyright: ignore[reportMissingImports]
            AuthenticationTokenLoader,  # pyright: ignore[reportAttributeAccessIssue]
            GcsClient,  # pyright: ignore[reportAttributeAccessIssue]
        )
    except ImportError:  # no official part of Ray
        return
    with contextlib.suppress(TypeError, AttributeError):
        if _with_token() and not AuthenticationTokenLoader.instance().has_token(ignore_auth_mode=True):
            raise UserError(f"RAY_AUTH_MODE is 'token', but there is no token here; have the cluster's in {TOKEN}")
        GcsClient(address=place)


def _with_token() -> bool:
    return mode() == "token"


def _refused(place: str) -> str:
    if not _with_token():
        return (
            f"the Ray cluster at {place} wants a token, but RAY_AUTH_MODE is not 'token' here; "
            f"export RAY_AUTH_MODE=token, and have the cluster's token in {TOKEN}"
        )
    return f"the Ray cluster at {place} refused the token of this process; have the cluster's token in {TOKEN}"
