"""Messages over the socket between a driver and its worker: eight bytes of length, then a kind and a body."""

from __future__ import annotations

import socket
import struct
from collections import deque
from itertools import islice

_LENGTH = struct.Struct(">Q")
_CHUNK = 1 << 18
_AT_ONCE = 16  # pieces in one call of the system


class Channel:
    """The driver's end. Neither sending nor receiving ever waits, so that no worker can hold the driver up."""

    def __init__(self, end: socket.socket) -> None:
        end.setblocking(False)
        self.end = end
        self._received = bytearray()
        self._unsent: deque[memoryview] = deque()

    @property
    def pending(self) -> bool:
        """Whether something waits until the worker has read what came before it."""
        return bool(self._unsent)

    def send(self, kind: bytes, body: bytes = b"") -> None:
        self._unsent.append(memoryview(_LENGTH.pack(len(body) + 1) + kind))
        if body:
            self._unsent.append(memoryview(body))

    def flush(self) -> None:
        """Send what the worker can take now. Raises OSError where it is gone."""
        unsent = self._unsent
        while unsent:
            try:
                sent = self.end.sendmsg(list(islice(unsent, _AT_ONCE)))
            except BlockingIOError:
                return
            while unsent and sent >= len(unsent[0]):
                sent -= len(unsent.popleft())
            if sent:
                unsent[0] = unsent[0][sent:]

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


def write(end: socket.socket, kind: bytes, body: bytes = b"") -> None:
    """Send one message from the worker's end, waiting until it is on its way."""
    end.sendall(_LENGTH.pack(len(body) + 1) + kind + body)


def read(end: socket.socket) -> bytes:
    """The next message at the worker's end. Raises EOFError where the driver is gone."""
    return bytes(_exactly(end, _LENGTH.unpack(_exactly(end, _LENGTH.size))[0]))


def _exactly(end: socket.socket, count: int) -> bytearray:
    found = bytearray(count)
    view = memoryview(found)
    while view:
        try:
            got = end.recv_into(view)
        except ConnectionError:
            got = 0
        if not got:
            raise EOFError("the driver is gone")
        view = view[got:]
    return found
