"""Messages over the socket between a driver and its worker: eight bytes of length, then a kind and a body.

With the first byte of a message may come the descriptor of an open file, for the worker to have as well.
"""

from __future__ import annotations

import array
import os
import socket
import struct
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

_LENGTH = struct.Struct(">Q")
_CHUNK = 1 << 18
_AT_ONCE = 16  # pieces in one call of the system
_ROOM = socket.CMSG_SPACE(struct.calcsize("i"))  # for one descriptor


class Channel:
    """The driver's end. Neither sending nor receiving ever waits, so that no worker can hold the driver up."""

    def __init__(self, end: socket.socket) -> None:
        end.setblocking(False)
        self.end = end
        self._received = bytearray()
        self._unsent: deque[_Piece] = deque()

    @property
    def pending(self) -> bool:
        """Whether something waits until the worker has read what came before it."""
        return bool(self._unsent)

    def send(self, kind: bytes, body: bytes = b"", descriptor: int | None = None, owner: Any = None) -> None:
        """Send a message when there is room.

        owner: of the descriptor, which stays open while the owner is held.
        """
        self._unsent.append(_Piece(memoryview(_LENGTH.pack(len(body) + 1) + kind), descriptor, owner))
        if body:
            self._unsent.append(_Piece(memoryview(body)))

    def flush(self) -> None:
        """Send what the worker can take now. Raises OSError where it is gone."""
        unsent = self._unsent
        while unsent:
            try:
                sent = self.end.sendmsg(*self._next())
            except BlockingIOError:
                return
            unsent[0].descriptor = None
            while unsent and sent >= len(unsent[0].content):
                sent -= len(unsent.popleft().content)
            if sent:
                unsent[0].content = unsent[0].content[sent:]

    def _next(self) -> tuple[list[memoryview], list[tuple[int, int, Any]]]:
        """The next pieces, the first of them with its descriptor, and up to the next that has one."""
        first, *rest = list(self._unsent)[:_AT_ONCE]
        pieces = [first, *takewhile(lambda each: each.descriptor is None, rest)]
        contents = [each.content for each in pieces]
        if first.descriptor is None:
            return contents, []
        return contents, [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [first.descriptor]))]

    def receive(self) -> tuple[list[bytes], bool]:
        """The whole messages that have come in, and whether the other end is still open."""
        still_open = True
        while True:
            try:
                chunk = self.end.recv(_CHUNK)
            except BlockingIOError:
                break
            except OSError:
                chunk = b""
            if not chunk:
                still_open = False
                break
            self._received += chunk
            if len(chunk) < _CHUNK:
                break
        return self._whole(), still_open

    def _whole(self) -> list[bytes]:
        received, found, start = self._received, [], 0
        while len(received) - start >= _LENGTH.size:
            body = start + _LENGTH.size
            end = body + _LENGTH.unpack_from(received, start)[0]
            if len(received) < end:
                break
            found.append(bytes(received[body:end]))
            start = end
        del received[:start]
        return found

    def close(self) -> None:
        self._unsent.clear()
        self.end.close()


@dataclass(slots=True)
class _Piece:
    """A part of a message that waits to be sent."""

    content: memoryview
    descriptor: int | None = None
    owner: Any = None


def write(end: socket.socket, kind: bytes, body: bytes = b"") -> None:
    """Send one message from the worker's end, waiting until it is on its way."""
    end.sendall(_LENGTH.pack(len(body) + 1) + kind + body)


def read(end: socket.socket, received: Callable[[int], None] | None = None) -> bytes:
    """The next message at the worker's end.

    received: is told a descriptor that comes with it.

    Raises EOFError where the driver is gone.
    """
    return bytes(_exactly(end, _LENGTH.unpack(_exactly(end, _LENGTH.size, received))[0], received))


def _exactly(end: socket.socket, count: int, received: Callable[[int], None] | None) -> bytearray:
    found = bytearray(count)
    view = memoryview(found)
    while view:
        try:
            got, beside, *_ = end.recvmsg_into([view], _ROOM)
        except ConnectionError:
            got, beside = 0, []
        for descriptor in _descriptors(beside):
            (received or os.close)(descriptor)
        if not got:
            raise EOFError("the driver is gone")
        view = view[got:]
    return found


def _descriptors(beside: Sequence[tuple[int, int, bytes]]) -> list[int]:
    """The descriptors that came beside the bytes of a message."""
    found = array.array("i")
    for level, kind, content in beside:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
            found.frombytes(content[: len(content) - len(content) % found.itemsize])
    return found.tolist()
