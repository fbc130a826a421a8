"""Runs the pages: a socket, the link to print, and the server until it is interrupted."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from netwright.core.errors import MissingExtra, UserError
from netwright.dashboard.rules import MOST_AT_ONCE, is_loopback, rules_for

if TYPE_CHECKING:
    from netwright.charts import Chart

PORT = 8400
PORTS = 20  # tried one after the other where no port was asked for
KINDNESS = 10  # by which this process gives way to others: a search beside it comes first


def serve(
    directory: Path,
    host: str,
    port: int | None,
    token: str,
    allowed: tuple[str, ...],
    *,
    control: bool,
    charts: Mapping[str, Chart] | None = None,
    rate: float = 0.0,
    ready: Callable[[str], object],
) -> None:
    """Serve the pages on a project until the process is interrupted.

    port: None for the first free one from 8400; 0 for any.
    token: that callers must know; empty for none on this machine, and for a new one elsewhere.
    charts: of the user's own, by name.
    rate: of an hour of a device; 0 says nothing of money.
    ready: is told the link, with the token in it, once the server listens.

    Raises MissingExtra without the extra `dashboard`, UserError for a host that cannot be listened at.
    """
    require()
    with contextlib.closing(listening(host, port)) as place:
        serve_at(place, directory, host, token, allowed, control=control, charts=charts, rate=rate, ready=ready)


def serve_at(
    place: socket.socket,
    directory: Path,
    host: str,
    token: str,
    allowed: tuple[str, ...],
    *,
    control: bool,
    charts: Mapping[str, Chart] | None = None,
    rate: float = 0.0,
    ready: Callable[[str], object],
) -> None:
    """The same at a socket that listens already."""
    import uvicorn

    from netwright.dashboard.application import make_application

    chosen = int(place.getsockname()[1])
    rules = replace(rules_for(host, chosen, token, allowed, control=control), rate=rate)
    application: Any = make_application(directory, rules, charts=charts, warm=True)
    config = uvicorn.Config(
        application,
        log_level="warning",
        access_log=False,
        server_header=False,
        limit_concurrency=4 * MOST_AT_ONCE,
        timeout_keep_alive=15,
        ws="none",
    )
    with contextlib.suppress(OSError):
        os.nice(KINDNESS)
    ready(link(host, chosen, rules.token, allowed))
    with contextlib.suppress(KeyboardInterrupt):
        uvicorn.Server(config).run(sockets=[place])


def require() -> None:
    """MissingExtra where something that the pages need is not installed."""
    from importlib.util import find_spec

    for module in ("fastapi", "uvicorn", "jinja2", "altair", "vl_convert"):
        if find_spec(module) is None:
            raise MissingExtra(module, "dashboard")


def link(host: str, port: int, token: str, allowed: tuple[str, ...] = ()) -> str:
    """The address to open in a browser."""
    name = host if is_loopback(host) else (allowed[0] if allowed else host)
    name = f"[{name}]" if ":" in name and not name.startswith("[") else name
    return f"http://{name}:{port}/" + (f"?token={token}" if token else "")


def listening(host: str, port: int | None) -> socket.socket:
    """A socket that listens, so that the port is known before the link is told."""
    if port is not None:
        return _bound(host, port)
    for each in range(PORT, PORT + PORTS):
        with contextlib.suppress(_Taken):
            return _bound(host, each)
    return _bound(host, 0)


class _Taken(UserError):
    """Another process listens there."""


def _bound(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    place = socket.socket(family, socket.SOCK_STREAM)
    place.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        place.bind((host.strip("[]"), port))
        place.listen(128)
    except OSError as problem:
        place.close()
        kind = _Taken if problem.errno == errno.EADDRINUSE else UserError
        raise kind(f"nothing can listen at {host}:{port}: {problem.strerror or problem}") from None
    return place
