"""Outbound: what is written, and how a client that is gone, or does not read, ends its request."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import attrs
import pytest

from jackfield_gateway.inbound import ClientLeftError, Inbound
from jackfield_gateway.outbound import Outbound, Reply, sweep
from jackfield_gateway.settings import Limits

PEER = ("127.0.0.1", 50_000)


@attrs.define(eq=False)
class Wire:
    """A client: what was sent to it, when it leaves, and whether it reads."""

    sent: list[dict[str, object]] = attrs.field(factory=list)
    left: asyncio.Event = attrs.field(factory=asyncio.Event)
    reads: asyncio.Event = attrs.field(factory=asyncio.Event)

    async def receive(self) -> dict[str, object]:
        """The message of its end."""
        await self.left.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: dict[str, object]) -> None:
        """Take a message, when it reads."""
        await self.reads.wait()
        self.sent.append(message)

    def outbound(self, method: str = "POST") -> Outbound:
        """An answer to it."""
        scope = {"type": "http", "method": method, "headers": [], "query_string": b"", "client": PEER}
        return Outbound(Inbound(scope, self.receive, self.send, Limits()))  # type: ignore[arg-type]  # plain dicts


def wire(*, reads: bool = True) -> Wire:
    """A client; to be made within a loop."""
    made = Wire()
    if reads:
        made.reads.set()
    return made


def test_a_reply_is_a_head_and_a_body():
    """With its length and the id of the request."""

    async def main() -> None:
        client = wire()
        answer = client.outbound()
        await answer.reply(Reply(b"{}", 201, headers={"retry-after": "1"}))
        head, body = client.sent
        headers = dict(head["headers"])  # type: ignore[call-overload]  # a list of pairs
        assert (head["status"], answer.status, answer.started) == (201, 201, True)
        assert headers.pop(b"x-request-id").startswith(b"req_")
        assert headers == {b"content-type": b"application/json", b"content-length": b"2", b"retry-after": b"1"}
        assert body == {"type": "http.response.body", "body": b"{}"}

    asyncio.run(main())


def test_head_is_answered_without_a_body():
    """And with the length that it would have. RFC 9110, section 9.3.2."""

    async def main() -> None:
        client = wire()
        await client.outbound("HEAD").reply(Reply(b"{}"))
        assert (b"content-length", b"2") in client.sent[0]["headers"]  # type: ignore[operator]  # a list of pairs
        assert client.sent[1]["body"] == b""

    asyncio.run(main())


def test_pieces_leave_others_their_turn():
    """A send that does not block does not suspend either."""

    async def main() -> int:
        client, turns = wire(), 0

        async def other() -> None:
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0)

        task = asyncio.create_task(other())
        answer = client.outbound()
        await answer.start(200, {})
        for _ in range(100):
            await answer.write(b"x")
        await answer.end()
        task.cancel()
        return turns

    assert asyncio.run(main()) >= 100


async def _left_while(work: Callable[[Outbound], object], client: Wire) -> None:
    answer = client.outbound()
    asyncio.get_running_loop().call_later(0.01, client.left.set)
    async with answer.watched():
        await work(answer)  # type: ignore[misc]  # awaitable


def test_a_client_that_leaves_calls_off_what_is_done_for_it():
    """Whatever it waits for; the task goes on behind it as if it had never been cancelled."""

    async def main() -> int:
        with pytest.raises(ClientLeftError):
            await _left_while(lambda _: asyncio.sleep(60), wire())
        await asyncio.sleep(0)
        task = asyncio.current_task()
        assert task is not None
        return task.cancelling()

    assert asyncio.run(main()) == 0


def test_nothing_is_written_to_a_client_that_left():
    """The server would swallow it without a word, and a stream would run to its end for nobody."""

    async def write(answer: Outbound) -> None:
        while True:
            try:
                await answer.write(b"x")
            except asyncio.CancelledError:
                continue

    with pytest.raises(ClientLeftError):
        asyncio.run(asyncio.wait_for(_left(write), 20))


async def _left(work: Callable[[Outbound], object]) -> None:
    await _left_while(work, wire())


def test_who_is_cancelled_from_elsewhere_is_cancelled():
    """It is not taken for a client that left."""

    async def main() -> None:
        client = wire()

        async def one() -> None:
            async with client.outbound().watched():
                await asyncio.sleep(60)

        task = asyncio.create_task(one())
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())


def test_a_request_can_be_ended_for_a_reason():
    """Which comes out of it in place of the cancellation; once, and only while it runs."""

    async def main() -> None:
        answer = wire().outbound()
        answer.leave(RuntimeError("before it runs: nothing"))
        asyncio.get_running_loop().call_later(0.01, answer.leave, ValueError("the first"))
        asyncio.get_running_loop().call_later(0.01, answer.leave, RuntimeError("the second"))
        with pytest.raises(ValueError, match="the first"):
            async with answer.watched():
                await asyncio.sleep(60)
        answer.leave(RuntimeError("after it: nothing"))
        await asyncio.sleep(0)

    asyncio.run(main())


def test_what_ends_well_leaves_no_task_behind():
    """The one that waits for the client's end is called off."""

    async def main() -> None:
        async with wire().outbound().watched():
            await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(main())


def test_a_client_that_does_not_read_is_cut():
    """After the time that it has; one that reads is not."""

    async def main() -> None:
        cut: list[tuple[str, int]] = []
        stalled, reading = wire(reads=False), wire()
        answers = [stalled.outbound(), reading.outbound()]
        sweeper = asyncio.create_task(sweep(lambda: answers, 0.1, cut.append))

        async def write(answer: Outbound, times: int) -> None:
            async with answer.watched():
                for _ in range(times):
                    await answer.write(b"x")
                    await asyncio.sleep(0.02)

        fast = asyncio.create_task(write(answers[1], 20))
        with pytest.raises(ClientLeftError):
            await asyncio.wait_for(write(answers[0], 1), 20)
        await fast
        assert cut == [PEER]
        sweeper.cancel()

    asyncio.run(main())
