"""Who may ask the server for what: hosts, token, and whether anything may be changed."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import secrets
from dataclasses import dataclass
from urllib.parse import urlsplit

from netwright.core.errors import UserError

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
MOST_BYTES = 1_000_000  # of what is sent to the server in one request
MOST_SECONDS = 30.0  # for one answer
MOST_AT_ONCE = 32  # requests


@dataclass(frozen=True, slots=True)
class Rules:
    """What every request must keep.

    hosts: names by which the server may be called, as a browser writes them, without ports.
    token: what a caller must know; empty where the server can only be reached from this machine.
    control: whether a running search may be paused, stopped and so on, and notes be taken.
    port: on which the server listens; part of the name of its cookie.
    rate: of an hour of a device, in whatever money; 0 says nothing of money.
    """

    hosts: frozenset[str] = frozenset(LOOPBACK)
    token: str = ""
    control: bool = False
    port: int = 0
    rate: float = 0.0

    @property
    def cookie(self) -> str:
        """The cookie's name: cookies of one host are seen by the servers at all of its ports."""
        return f"netwright-{self.port}"

    @property
    def session(self) -> str:
        """What the cookie holds in place of the token."""
        return hmac.new(self.token.encode(), b"netwright session", hashlib.sha256).hexdigest()

    def knows_host(self, header: str) -> bool:
        """Whether a Host header, with or without a port, names this server."""
        return header.isascii() and host_of(header) in self.hosts

    def is_token(self, given: str) -> bool:
        return bool(self.token) and hmac.compare_digest(given.encode(), self.token.encode())

    def is_session(self, given: str) -> bool:
        return bool(self.token) and hmac.compare_digest(given.encode(), self.session.encode())


def host_of(header: str) -> str:
    """The name in a Host header, in small letters; empty for one that is none."""
    if any(each in header for each in "@/\\?# \t"):
        return ""
    try:
        parts = urlsplit(f"//{header}")
        _ = parts.port
    except ValueError:
        return ""
    name = parts.hostname or ""
    return f"[{name}]" if ":" in name else name


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches a server that listens there."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def rules_for(host: str, port: int, token: str, allowed: tuple[str, ...], *, control: bool) -> Rules:
    """The rules of a server that listens at a host.

    token: as given; empty for none, which makes one where others than this machine reach the server.
    allowed: further names by which it is called.

    Raises UserError where others reach it and no name was given by which they do.
    """
    names = {host_of(each) or each for each in allowed}
    if is_loopback(host):
        return Rules(frozenset({*LOOPBACK, *names}), token, control, port)
    if not names:
        raise UserError(
            f"{host} is reached by others than this machine; say by which name they call it, as --allowed-host "
            "pages.example.org"
        )
    return Rules(frozenset({*LOOPBACK, *names}), token or secrets.token_urlsafe(32), control, port)
