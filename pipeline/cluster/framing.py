"""Frames of Kafka's protocol, read from the socket straight into a buffer of their own size.

asyncio's StreamReader would copy what comes twice more, which is what a mirror spends most of its time on. A connection
logs in with aiokafka's reader; then this protocol takes the transport over (`BrokerConnection.connect`).
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from struct import Struct
from typing import Protocol

from pipeline.cluster.buffers import of_this_thread

_SIZE = Struct(">i")
LARGEST_FRAME = 2**31 - 1
WAKE_BYTES = 512 << 10
"""Of a large frame, how much has to have come before it is looked at again (SO_RCVLOWAT): each look costs the loop as
much as copying some ten kilobytes, and a broker sends no more than that at a time."""


class Socket(Protocol):
    """What asyncio's transports give of their socket."""

    def setsockopt(self, level: int, name: int, value: int, /) -> None: ...


class FrameProtocol(asyncio.BufferedProtocol):
    """Hands each frame to `deliver`, and everything about the connection's end to the protocol it took over from."""

    def __init__(
        self,
        before: asyncio.Protocol,
        deliver: Callable[[memoryview], None],
        broken: Callable[[Exception], None],
        patient: Socket | None = None,
    ) -> None:
        """`patient`: the socket, where frames lie in it as they are (without TLS), to be woken less often."""
        self._before = before
        self._deliver = deliver
        self._broken = broken
        self._size = memoryview(bytearray(_SIZE.size))
        self._target = self._size
        self._buffers = of_this_thread()
        self._filled = 0
        self._socket = patient
        self._wakes_at = 1

    def get_buffer(self, sizehint: int) -> memoryview:
        return self._target[self._filled :]

    def buffer_updated(self, nbytes: int) -> None:
        self._filled += nbytes
        missing = len(self._target) - self._filled
        try:
            if missing:
                self._wake_after(missing)
                return
            complete, self._filled = self._target, 0
            if complete is self._size:
                self._target = self._buffers.take(_frame_size(complete))
                if len(self._target):
                    self._wake_after(len(self._target))
                    return
                complete = self._target
            self._target = self._size
            self._wake_after(1)
            self._deliver(complete)
        except Exception as error:
            self._broken(error)

    def _wake_after(self, missing: int) -> None:
        """Let the loop sleep until a good part of what is missing of the frame has come; never until more than that."""
        wanted = min(missing, WAKE_BYTES) if len(self._target) > WAKE_BYTES else 1
        if self._socket is not None and wanted != self._wakes_at:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, wanted)
            self._wakes_at = wanted

    def eof_received(self) -> bool | None:
        self._broken(ConnectionResetError("the broker has hung up"))
        return None

    def connection_lost(self, error: Exception | None) -> None:
        self._broken(error or ConnectionResetError("the connection is closed"))
        self._before.connection_lost(error)

    def pause_writing(self) -> None:
        self._before.pause_writing()

    def resume_writing(self) -> None:
        self._before.resume_writing()


class Frame:
    """A frame as decoders read it: what they use of a BytesIO, without its copy."""

    __slots__ = ("_bytes", "_position")

    def __init__(self, frame: bytes | memoryview) -> None:
        self._bytes = frame
        self._position = 0

    def getvalue(self) -> bytes | memoryview:
        return self._bytes

    def tell(self) -> int:
        return self._position

    def seek(self, position: int, /) -> None:
        self._position = position


def _frame_size(head: memoryview) -> int:
    size: int = _SIZE.unpack(head)[0]
    if not 0 <= size <= LARGEST_FRAME:
        raise ValueError(f"a frame of {size} bytes")
    return size
