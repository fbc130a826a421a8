"""Stands before every route: who asks, from where, how much, and with which headers the answer goes out."""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
from collections.abc import Awaitable, Callable, MutableMapping
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qsl, urlencode

from netwright.dashboard.rules import MOST_AT_ONCE, MOST_BYTES, MOST_SECONDS, Rules
from netwright.dashboard.traffic import Traffic

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

LOG = logging.getLogger("netwright.dashboard")
SAFE = ("GET", "HEAD")
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "x-frame-options": "DENY",
    "cache-control": "no-store",
}
_STRANGE = (b"%2f", b"%5c", b"%00", b"%25", b"\\", b"//")  # in a path: nothing of ours has them


class Refused(Exception):
    """What is answered instead. status: of HTTP. text: one line for a person."""

    def __init__(self, status: int, text: str, **headers: str) -> None:
        super().__init__(text)
        self.status, self.text, self.headers = status, text, headers


class Guard:
    """The application behind rules that hold for every route, those that don't exist included."""

    def __init__(self, application: Application, rules: Rules, traffic: Traffic | None = None) -> None:
        self._application, self._rules = application, rules
        self._traffic = traffic or Traffic()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._application(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            with self._traffic.answering() as under_way:
                await self._answer(scope, receive, _with_headers(send, self._traffic), under_way)

    async def _answer(self, scope: Scope, receive: Receive, send: Send, under_way: int) -> None:
        answered = _Answered(send)
        try:
            if under_way > MOST_AT_ONCE:
                raise Refused(503, "too many requests at once; try again", **{"retry-after": "1"})
            check(scope, self._rules)
            async with asyncio.timeout(MOST_SECONDS):
                await self._application(scope, _given(await _body(scope, receive), receive), answered)
        except Refused as refused:
            await _say(answered, scope, refused)
        except TimeoutError:
            await _say(answered, scope, Refused(503, f"no answer within {MOST_SECONDS:.0f} seconds"))
        except Exception:
            number = secrets.token_hex(4)
            LOG.exception("error %s at %s", number, scope["path"][:200])
            await _say(answered, scope, Refused(500, f"something went wrong; the log of the server has it as {number}"))


def check(scope: Scope, rules: Rules) -> None:
    """Refused where a request breaks one of the rules; its body is not read yet."""
    path = scope.get("raw_path", b"").lower()
    if any(each in path for each in _STRANGE) or any(ord(each) < 32 for each in scope["path"]):
        raise Refused(400, "this address is none of ours")
    host = _one(scope, b"host")
    if not rules.knows_host(host):
        raise Refused(400, "this host name is not one of those that the server was given; see --allowed-host")
    _check_origin(scope, host)
    _check_token(scope, rules)
    if scope["method"] not in SAFE:
        _check_change(scope, rules)


def _check_origin(scope: Scope, host: str) -> None:
    """Refuse what another site's page asks for; a link on one may be followed."""
    origin, site = _one(scope, b"origin"), _one(scope, b"sec-fetch-site")
    if origin and origin not in (f"http://{host}", f"https://{host}"):
        raise Refused(403, "this request comes from a page of another site")
    followed = scope["method"] in SAFE and _one(scope, b"sec-fetch-mode") == "navigate"
    if site not in ("", "same-origin", "none") and not followed:
        raise Refused(403, "this request comes from a page of another site")


def _check_change(scope: Scope, rules: Rules) -> None:
    """Refuse a request that changes something but where it surely comes from our pages, or from who knows the token."""
    if scope["method"] != "POST":
        raise Refused(405, f"{scope['method'][:20]} is not answered", allow="GET, HEAD, POST")
    if not rules.control:
        raise Refused(403, "this server only shows; start it with --allow-control to change anything")
    if _one(scope, b"content-type").partition(";")[0].strip().lower() != "application/json":
        raise Refused(415, "expected application/json")
    vouched = _one(scope, b"origin") or _one(scope, b"sec-fetch-site") or _bearer(scope)
    if not vouched:
        raise Refused(403, "this request does not say which page it comes from")


def _check_token(scope: Scope, rules: Rules) -> None:
    """Refuse who does not know the token; one in the address is exchanged for a cookie at once."""
    if not rules.token or rules.is_token(_bearer(scope)) or rules.is_session(_cookie(scope, rules.cookie)):
        return
    query = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
    given = dict(query).get("token", "")
    if not rules.is_token(given):
        raise Refused(401, "open the address with ?token=... that the server printed when it began")
    rest = urlencode([(name, value) for name, value in query if name != "token"])
    place = scope["raw_path"].decode("latin-1") + (f"?{rest}" if rest else "")
    kept = f"{rules.cookie}={rules.session}; Path=/; HttpOnly; SameSite=Lax"
    raise Refused(303, "", location=place, **{"set-cookie": kept})


def _one(scope: Scope, name: bytes) -> str:
    """The value of a header; empty where there is none. Refused where it stands there twice."""
    found = [value for key, value in scope["headers"] if key == name]
    if len(found) > 1:
        raise Refused(400, f"the header {name.decode()} was given {len(found)} times")
    return found[0].decode("latin-1") if found else ""


def _bearer(scope: Scope) -> str:
    kind, _, value = _one(scope, b"authorization").partition(" ")
    return value.strip() if kind.lower() == "bearer" else ""


def _cookie(scope: Scope, name: str) -> str:
    try:
        found = SimpleCookie(_one(scope, b"cookie")).get(name)
    except CookieError:
        return ""
    return "" if found is None else found.value


async def _body(scope: Scope, receive: Receive) -> bytes:
    """What is sent with a request, read before anything acts on it."""
    if scope["method"] in SAFE:
        return b""
    length = _one(scope, b"content-length")
    if length.isdigit() and int(length) > MOST_BYTES:
        raise Refused(413, f"more than {MOST_BYTES:,} bytes")
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
        if len(body) > MOST_BYTES:
            raise Refused(413, f"more than {MOST_BYTES:,} bytes")
    return body


def _given(body: bytes, receive: Receive) -> Receive:
    """What an application receives of a body that was read; after it, whatever else comes."""
    told = False

    async def next_message() -> Message:
        nonlocal told
        if told:
            return await receive()
        told = True
        return {"type": "http.request", "body": body, "more_body": False}

    return next_message


class _Answered:
    """Passes an answer on, and knows whether it has begun."""

    def __init__(self, send: Send) -> None:
        self._send, self.begun = send, False

    async def __call__(self, message: Message) -> None:
        self.begun = self.begun or message["type"] == "http.response.start"
        await self._send(message)


def _with_headers(send: Send, traffic: Traffic) -> Send:
    """The same, with the headers that every answer has; one that a route set itself stays.

    Server-Timing says what processor time the answer took: a page asks the less often the more it costs.
    """
    began = traffic.share()

    async def dressed(message: Message) -> None:
        if message["type"] == "http.response.start":
            given = list(message.get("headers", ()))
            there = {name.lower() for name, _ in given}
            cost = {"server-timing": f"app;dur={1000 * (traffic.share() - began):.1f}"}
            every = (HEADERS | cost).items()
            more = [(name.encode(), value.encode()) for name, value in every if name.encode() not in there]
            message = {**message, "headers": [*given, *more]}
        await send(message)

    return dressed


async def _say(answered: _Answered, scope: Scope, refused: Refused) -> None:
    """Answer in one plain line, as JSON where that is spoken; nothing where an answer is on its way already."""
    if answered.begun:
        return
    spoken = scope["path"].startswith("/api/")
    line = json.dumps({"error": refused.text}) if spoken else f"{refused.text}\n"
    body = b"" if scope["method"] == "HEAD" else line.encode()
    kind = "application/json" if spoken else "text/plain; charset=utf-8"
    headers = {"content-type": kind, "content-length": str(len(body)), **refused.headers}
    pairs = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
    await answered({"type": "http.response.start", "status": refused.status, "headers": pairs})
    await answered({"type": "http.response.body", "body": body})
