"""Frames from real sockets, in whatever pieces they come, on both event loops."""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
from collections.abc import Awaitable, Callable, Sequence
from struct import pack

import pytest
import uvloop

from pipeline.cluster.framing import WAKE_BYTES, FrameProtocol

LOOPS = [asyncio.new_event_loop, uvloop.new_event_loop]
Written = Callable[[asyncio.StreamWriter], Awaitable[None]]


class Received:
    """A connection to a server that sends what it likes; the frames and what ended them."""

    def __init__(self, frames: int) -> None:
        self.frames: list[bytes] = []
        self.ends: list[Exception] = []
        self._wanted = frames
        self._over = asyncio.Event()

    def deliver(self, frame: memoryview) -> None:
        self.frames.append(bytes(frame))
        if len(self.frames) == self._wanted:
            self._over.set()

    def broken(self, error: Exception) -> None:
        self.ends.append(error)
        self._over.set()

    async def read(self, write: Written, *, is_patient: bool = True) -> int:
        """Take every frame, or the connection's end; returns how many bytes the socket waits for after the last."""

        served = asyncio.Event()

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await write(writer)
            with contextlib.suppress(ConnectionError):
                await reader.read()
            writer.close()
            served.set()

        async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
            loop = asyncio.get_running_loop()
            transport, _ = await loop.create_connection(asyncio.Protocol, *server.sockets[0].getsockname())
            bare = transport.get_extra_info("socket")
            transport.pause_reading()
            transport.set_protocol(
                FrameProtocol(asyncio.Protocol(), self.deliver, self.broken, bare if is_patient else None)
            )
            transport.resume_reading()
            try:
                async with asyncio.timeout(20):
                    await self._over.wait()
                found: int = bare.getsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT)
                return found
            finally:
                transport.abort()
                await served.wait()


def in_pieces(frames: Sequence[bytes], sizes: Sequence[int]) -> Written:
    """Write frames, cut into pieces of these sizes in turn, a moment apart."""

    async def write(writer: asyncio.StreamWriter) -> None:
        stream = b"".join(pack(">i", len(frame)) + frame for frame in frames)
        at = turn = 0
        while at < len(stream):
            size = sizes[turn % len(sizes)]
            writer.write(stream[at : at + size])
            await writer.drain()
            await asyncio.sleep(0)
            at, turn = at + size, turn + 1

    return write


@pytest.mark.parametrize("new_loop", LOOPS)
@pytest.mark.parametrize("is_patient", [True, False])
@pytest.mark.parametrize("seed", range(5))
def test_frames_of_all_sizes_come_whole_and_in_order(
    new_loop: Callable[[], asyncio.AbstractEventLoop], is_patient: bool, seed: int
) -> None:
    chance = random.Random(seed)
    lengths = [0, 1, 4, WAKE_BYTES - 1, WAKE_BYTES, WAKE_BYTES + 1, 3 * WAKE_BYTES + 7, 100, 0, 5 * WAKE_BYTES]
    chance.shuffle(lengths)
    frames = [chance.randbytes(length) for length in lengths]
    pieces = [chance.choice((3, 5_000, 100_000, WAKE_BYTES, 1 << 20)) for _ in range(20)]

    async def run() -> tuple[list[bytes], int]:
        received = Received(len(frames))
        return received.frames, await received.read(in_pieces(frames, [1, *pieces]), is_patient=is_patient)

    with asyncio.Runner(loop_factory=new_loop) as runner:
        found, wakes_at = runner.run(run())
    assert found == frames
    assert wakes_at == 1, "the next frame may be short"


@pytest.mark.parametrize("new_loop", LOOPS)
def test_the_last_byte_of_a_large_frame_is_not_waited_for_in_vain(
    new_loop: Callable[[], asyncio.AbstractEventLoop],
) -> None:
    frame = bytes(4 * WAKE_BYTES)

    async def write(writer: asyncio.StreamWriter) -> None:
        writer.write(pack(">i", len(frame)) + frame[:-1])
        await writer.drain()
        transport: asyncio.WriteTransport = writer.transport
        while transport.get_write_buffer_size():
            await asyncio.sleep(0.001)
        writer.write(b"\0")

    async def run() -> list[bytes]:
        received = Received(1)
        await received.read(write)
        return received.frames

    with asyncio.Runner(loop_factory=new_loop) as runner:
        assert runner.run(run()) == [frame]


@pytest.mark.parametrize("new_loop", LOOPS)
def test_a_connection_that_ends_inside_a_large_frame_is_noticed(
    new_loop: Callable[[], asyncio.AbstractEventLoop],
) -> None:
    """Fewer bytes than the socket waits for are left, and no more will come."""

    async def write(writer: asyncio.StreamWriter) -> None:
        writer.write(pack(">i", 4 * WAKE_BYTES) + bytes(WAKE_BYTES + 10))
        await writer.drain()
        writer.close()

    async def run() -> list[Exception]:
        received = Received(1)
        await received.read(write)
        return received.ends

    with asyncio.Runner(loop_factory=new_loop) as runner:
        assert isinstance(runner.run(run())[0], ConnectionResetError)
