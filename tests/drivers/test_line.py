"""Lines: connections of the event loop whose bytes are taken as they come."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable

import pytest

from jackfield.drivers.answer import BLOCK
from jackfield.drivers.line import BUFFER, Line


def on_a_line(play: Callable[[Line, socket.socket], Awaitable[None]]) -> None:
    """Play with a line and the socket at its other end."""

    async def main() -> None:
        loop = asyncio.get_running_loop()
        here, there = socket.socketpair()
        here.setblocking(False)
        transport, line = await loop.create_connection(lambda: Line(loop, memoryview(bytearray(BUFFER))), sock=here)
        with there:
            try:
                await asyncio.wait_for(play(line, there), 10)
            finally:
                transport.abort()
                await asyncio.sleep(0)

    asyncio.run(main())


def test_bytes_are_given_in_order_and_then_the_end():
    """In blocks that are not too large, whether they came before they were asked for or after."""

    async def play(line: Line, there: socket.socket) -> None:
        line.take()
        there.sendall(b"a" * 10)
        assert await line.receive() == b"a" * 10
        sent = bytes(range(256)) * 150  # 38,400 bytes
        there.sendall(sent)
        await asyncio.sleep(0.05)
        blocks = [await line.receive()]
        there.sendall(b"more")
        await asyncio.sleep(0.05)
        while len(b"".join(blocks)) < len(sent) + 4:
            blocks.append(await line.receive())
        assert b"".join(blocks) == sent + b"more"
        assert max(map(len, blocks)) == BLOCK
        assert line.here() == b""
        there.close()
        assert await line.receive() == b""
        assert await line.receive() == b""

    on_a_line(play)


def test_a_server_is_stopped_until_its_bytes_are_wanted():
    """No more is held than a few blocks, and nothing of it is lost; also where the server leaves meanwhile."""

    async def play(line: Line, there: socket.socket) -> None:
        line.take()
        there.setblocking(False)
        sent = 0
        for _ in range(200):
            try:
                sent += there.send(b"x" * BUFFER)
            except BlockingIOError:
                await asyncio.sleep(0.005)
        held = len(line._received)
        assert 2 * BUFFER < held < sent
        assert not line.transport.is_reading()
        there.close()
        got = 0
        while block := await line.receive():
            got += len(block)
        assert got == sent

    on_a_line(play)


def test_what_came_before_a_break_is_given_and_then_the_break():
    """A reset is no end."""

    async def play(line: Line, there: socket.socket) -> None:
        line.take()
        line.data_received(b"data")
        line.connection_lost(ConnectionResetError())
        line.data_received(b"late")
        assert await line.receive() == b"datalate"
        with pytest.raises(ConnectionResetError):
            await line.receive()

    on_a_line(play)


def test_a_stopped_line_that_broke_gives_what_it_has():
    """There is nothing left to start again."""

    async def play(line: Line, there: socket.socket) -> None:
        line.take()
        line.data_received(b"x" * (2 * BUFFER + 1))
        line.connection_lost(None)
        line.data_received(b"x" * (2 * BUFFER + 1))
        blocks = list(iter(line.here, b""))
        assert len(b"".join(blocks)) == 4 * BUFFER + 2

    on_a_line(play)


def test_what_no_one_asked_for_ends_the_connection():
    """Between two exchanges a server has nothing to say; the next answer must not be an old one."""

    async def play(line: Line, there: socket.socket) -> None:
        line.take()
        line.leave()
        there.sendall(b"HTTP/1.1 200 OK\r\n")
        while line.is_connected():
            await asyncio.sleep(0.005)
        assert line.should_close
        line.data_received(b"still")
        assert line.here() == b""

    on_a_line(play)


def test_a_wait_that_is_given_up_leaves_the_line_in_order():
    """Bytes that come when nobody waits any more are the next one's."""

    async def play(line: Line, there: socket.socket) -> None:
        line.take()
        waiting = asyncio.create_task(line.receive())
        await asyncio.sleep(0)
        there.sendall(b"a")
        await asyncio.sleep(0.05)
        waiting.cancel()
        assert await asyncio.gather(waiting, return_exceptions=True) == [b"a"]
        waiting = asyncio.create_task(line.receive())
        await asyncio.sleep(0)
        waiting.cancel()
        line.data_received(b"b")
        await asyncio.gather(waiting, return_exceptions=True)
        assert await line.receive() == b"b"

    on_a_line(play)


def test_the_end_of_a_line_that_was_aborted_is_no_end():
    """What came before is given; an answer that ends with its connection must not look whole."""

    async def play(line: Line, there: socket.socket) -> None:
        assert line.fresh
        line.take()
        assert not line.fresh
        there.sendall(b"part")
        await asyncio.sleep(0.05)
        assert not line.drained
        line.abort()
        assert await line.receive() == b"part"
        assert line.drained
        with pytest.raises(ConnectionResetError):
            await line.receive()
        line.abort()

    on_a_line(play)
