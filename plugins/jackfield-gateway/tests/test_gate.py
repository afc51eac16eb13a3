"""Gate: how many run, how many wait, and that no place is lost."""

from __future__ import annotations

import asyncio
import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackfield_gateway.gate import Gate
from jackfield_gateway.refusal import Refusal
from jackfield_gateway.settings import Limits


async def turns(times: int = 5) -> None:
    """Let everything go on that can."""
    for _ in range(times):
        await asyncio.sleep(0)


def came_in(task: asyncio.Task[None]) -> bool:
    """Whether it has a place: otherwise it was called off, or told to come again."""
    if task.cancelled():
        return False
    assert task.exception() is None or isinstance(task.exception(), Refusal)
    return task.exception() is None


def test_more_than_the_queue_takes_are_told_to_come_again():
    """With 429 and when."""

    async def main() -> None:
        gate = Gate(Limits(concurrency=1, queue=1))
        await gate.enter()
        waiting = asyncio.create_task(gate.enter())
        await turns()
        with pytest.raises(Refusal) as refused:
            await gate.enter()
        assert (refused.value.status, refused.value.code) == (429, "queue_full")
        assert int(refused.value.headers["retry-after"]) > 0
        gate.leave()
        await waiting
        assert (gate.running, gate.waiting) == (1, 0)

    asyncio.run(main())


def test_those_that_wait_come_in_their_order():
    """First come, first served; a newcomer does not overtake them."""

    async def main() -> list[int]:
        gate, order = Gate(Limits(concurrency=1)), []

        async def one(number: int) -> None:
            await gate.enter()
            order.append(number)
            await turns()
            gate.leave()

        await asyncio.gather(*map(one, range(6)))
        assert gate.running == 0
        return order

    assert asyncio.run(main()) == [0, 1, 2, 3, 4, 5]


def test_who_waited_too_long_is_told_and_gives_up_its_turn():
    """The next one gets it."""

    async def main() -> None:
        gate = Gate(Limits(concurrency=1, queue_wait=0.02))
        await gate.enter()
        with pytest.raises(Refusal, match="try again"):
            await gate.enter()
        assert gate.waiting == 0
        gate.leave()
        await gate.enter()
        assert gate.running == 1

    asyncio.run(main())


def test_a_turn_that_is_called_off_as_a_place_becomes_free():
    """It ends as one that was called off, and the place is kept for the next."""

    async def main() -> None:
        gate = Gate(Limits(concurrency=1))
        await gate.enter()
        waiting = asyncio.create_task(gate.enter())
        await turns()
        waiting.cancel()
        gate.leave()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert (gate.running, gate.waiting) == (0, 0)

    asyncio.run(main())


def test_new_limits_count_though_others_wait():
    """More places let in those that wait at once; with fewer, nobody comes in until enough have left."""

    async def main() -> list[int]:
        gate = Gate(Limits(concurrency=2))
        for _ in range(2):
            await gate.enter()
        waiting = [asyncio.create_task(gate.enter()) for _ in range(4)]
        seen = []
        for limits in (Limits(concurrency=3), Limits(concurrency=1)):
            gate.limits = limits
            await turns()
            seen.append(gate.running)
        for _ in range(3):
            gate.leave()
            await turns()
            seen.append(gate.running)
        assert gate.waiting == 2
        for task in waiting:
            task.cancel()
        return seen

    assert asyncio.run(main()) == [3, 3, 2, 1, 1]


@given(st.lists(st.sampled_from(["enter", "leave", "cancel", "turn"]), max_size=60))
def test_no_place_is_lost_or_doubled(moves):
    """Whatever comes, goes and is called off: as many run as hold a place, and nobody waits beside a free one."""

    async def main() -> None:
        gate = Gate(Limits(concurrency=2, queue=4))
        tasks: list[asyncio.Task[None]] = []
        inside = 0
        for move in moves:
            if move == "enter":
                tasks.append(asyncio.create_task(gate.enter()))
            elif move == "cancel" and tasks:
                tasks[len(tasks) // 2].cancel()
            elif move == "leave" and inside:
                gate.leave()
                inside -= 1
            if move == "turn":
                await turns()
            done = [task for task in tasks if task.done()]
            for task in done:
                tasks.remove(task)
                inside += came_in(task)
        await turns()
        inside += sum(came_in(task) for task in tasks if task.done())
        waiting = [task for task in tasks if not task.done()]
        assert gate.running == inside <= 2
        assert gate.waiting == len(waiting)
        assert not waiting or inside == 2
        for task in waiting:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        assert gate.waiting == 0

    asyncio.run(main())
