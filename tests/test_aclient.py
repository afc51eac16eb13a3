"""What is the asynchronous client's own: tasks, cancellation, event loops."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Coroutine, Iterator
from typing import Any

import attrs
import pytest

import fakeserver
import jackfield
from both import ASK, config, recorders, said
from fakeserver import EVENTS, Server, answer, event, in_pieces, stuck_after
from jackfield import AsyncClient, Run, Sleep, hookimpl


@pytest.fixture
def server() -> Iterator[Server]:
    with fakeserver.serving(answer) as server:
        yield server


def run(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """What a coroutine comes to; nothing may complain on the loop."""
    complaints: list[Any] = []

    async def main() -> Any:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
        return await coroutine

    result = asyncio.run(main())
    gc.collect()
    assert not complaints
    return result


async def until(condition: Any, seconds: float = 5.0) -> bool:
    """Whether the condition comes true within the time."""
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        await asyncio.sleep(0.005)
    return bool(condition())


@pytest.fixture
def recorded(server):
    """Configuration and plugins with recording layers, and what they kept."""
    outer, inner, around, within = recorders()
    layers = {"middleware": [{"use": "outer"}], "backend": {"middleware": [{"use": "inner"}]}}

    def outcomes() -> list[str]:
        assert around.outcomes == within.outcomes
        return around.outcomes

    return config(server, **layers), {"outer": outer, "inner": inner}, outcomes


def test_a_stream_may_be_entered_awaited_or_just_read(server):
    """All three begin it, once."""

    async def main() -> None:
        async with AsyncClient(config(server)) as client:
            async with client.create_chat_completion(messages=ASK, stream=True) as stream:
                assert await stream is stream
                assert "".join([said(chunk) async for chunk in stream]) == "abc"
                assert stream.response.usage.total_tokens == 7
            assert len(server.exchanges) == 1
            stream = await client.create_chat_completion(messages=ASK, stream=True)
            assert [said(chunk) async for chunk in stream] == ["a", "b", "c", ""]
            assert len([chunk async for chunk in client.create_chat_completion(messages=ASK, stream=True)]) == 4
            assert await anext(stream, None) is None
            await stream.aclose()

    run(main())
    assert len(server.exchanges) == 3


def test_a_stream_that_never_began_is_no_call(server):
    """It asks for nothing, tells so, and does not begin once it was closed."""

    async def main() -> None:
        async with AsyncClient(config(server)) as client:
            stream = client.create_chat_completion(messages=ASK, stream=True)
            for attribute in ("call", "response"):
                with pytest.raises(RuntimeError, match="has not begun"):
                    getattr(stream, attribute)
            await stream.close()
            with pytest.raises(jackfield.StreamInterruptedError, match="before it began"):
                await stream
            del stream

    run(main())
    assert not server.exchanges


def test_a_request_that_asks_for_a_stream_gives_one(server):
    """``stream`` of a request value counts where none is given besides."""
    from jackfield.models import CreateChatCompletionRequest

    async def main() -> None:
        request = jackfield.from_dict({"messages": ASK, "model": "main/m", "stream": True}, CreateChatCompletionRequest)
        async with AsyncClient(config(server)) as client:
            assert len([chunk async for chunk in client.create_chat_completion(request)]) == 4
            response = await client.create_chat_completion(request, stream=False)
            assert response.choices[0].message.content == "hello"

    run(main())


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_a_cancelled_task_ends_its_call_once(server, recorded, stream):
    """``CancelledError`` comes out unchanged; each layer sees the call cancelled; the connection is closed."""
    configuration, plugins, outcomes = recorded
    server.script, seen = stuck_after(event("a"))

    async def main() -> None:
        async with AsyncClient(configuration, plugins=plugins) as client:

            async def work() -> None:
                if stream:
                    async with client.create_chat_completion(messages=ASK, stream=True) as chunks:
                        async for _ in chunks:
                            pass
                else:
                    await client.create_chat_completion(messages=ASK)

            task = asyncio.create_task(work())
            await until(lambda: server.exchanges)
            await asyncio.sleep(0.1)
            task.cancel("enough")
            with pytest.raises(asyncio.CancelledError, match="enough"):
                await task
            assert await until(lambda: seen, 1.0)
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.2):
                    await work()
            assert outcomes() == ["CallCancelled"] * 2

    run(main())


def test_cancelling_who_closes_a_whole_stream_is_not_swallowed(server):
    """What ``close`` still waits for can be cancelled, and the task is."""
    server.script, _ = stuck_after(event("a") + event(finish="stop"))

    async def main() -> None:
        async with AsyncClient(config(server)) as client:
            stream = await client.create_chat_completion(messages=ASK, stream=True)
            await anext(stream)
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.1):
                    await stream.close()

    run(main())


def test_many_tasks_share_a_client(server, recorded):
    """Sixty-four tasks with calls and streams: each its own answer, each layer one outcome for each."""
    configuration, plugins, outcomes = recorded

    async def main() -> None:
        async with AsyncClient(configuration, plugins=plugins) as client:

            async def work(name: int) -> None:
                for turn in range(5):
                    text = f"{name}-{turn}"
                    response = await client.create_chat_completion(messages=[{"role": "user", "content": text}])
                    assert response.choices[0].message.content == text
                    async with client.create_chat_completion(messages=ASK, stream=True) as stream:
                        assert "".join([said(chunk) async for chunk in stream]) == "abc"

            await asyncio.gather(*(work(name) for name in range(64)))
            assert outcomes() == ["response"] * 640

    run(main())
    assert server.accepted <= 64


def test_a_client_outlives_its_event_loop(server):
    """Three loops one after the other: a client connects anew on each, and leaves nothing open on the last."""
    client = AsyncClient(config(server))
    for turn in range(3):
        response = run(client.create_chat_completion(messages=ASK))
        assert response.choices[0].message.content == "hello"
        assert server.accepted == turn + 1
    run(client.close())
    with pytest.raises(jackfield.ClientClosedError):
        run(client.create_chat_completion(messages=ASK))


def test_a_loop_that_ends_takes_standing_streams_down(server, recorded):
    """A stream that was left open when its loop ended is cancelled for its layers, its connection closed."""
    configuration, plugins, outcomes = recorded
    server.script, seen = stuck_after(event("a"))
    client = AsyncClient(configuration, plugins=plugins)

    async def main() -> Any:
        stream = await client.create_chat_completion(messages=ASK, stream=True)
        await anext(stream)
        return stream

    stream = run(main())
    assert outcomes() == ["CallCancelled"]
    del stream
    run(client.close())
    assert run(until(lambda: bool(seen)))


def test_a_loop_that_was_closed_hard_is_let_go(server, recorded):
    """Without the loop's shutdown nothing can be awaited on it: the calls are taken down when another loop comes."""
    configuration, plugins, outcomes = recorded
    server.script, _ = stuck_after(event("a"))
    client = AsyncClient(configuration, plugins=plugins)

    async def begin() -> Any:
        stream = await client.create_chat_completion(messages=ASK, stream=True)
        await anext(stream)
        return stream

    loop = asyncio.new_event_loop()
    stream = loop.run_until_complete(begin())
    (transport,) = [stream._live.engine._stack.frames[-1].owned[0].body._connection.transport]
    sock = transport.get_extra_info("socket").dup()
    with pytest.warns(ResourceWarning):
        loop.close()
        server.script = answer
        assert run(client.create_chat_completion(messages=ASK)).choices
        assert outcomes() == ["CallCancelled", "response"]
        del stream, transport
        gc.collect()
    sock.close()
    run(client.close())


def test_two_loops_may_use_one_client_at_once(server):
    """Each has connections of its own; closing on one ends what runs on the other."""
    server.script, _ = stuck_after(event("a"))
    client = AsyncClient(config(server))
    errors: list[Any] = []

    async def standing() -> None:
        async with client.create_chat_completion(messages=ASK, stream=True) as stream:
            await anext(stream)
            idle = await client.create_chat_completion(messages=ASK, stream=True)
            try:
                await anext(stream)
            except jackfield.JackfieldError as error:
                errors.append(error)
            with pytest.raises(jackfield.ClientClosedError):
                await anext(idle)
                await anext(idle)

    other = threading.Thread(target=lambda: run(standing()))
    other.start()

    async def main() -> None:
        await until(lambda: len(server.exchanges) == 2)
        await asyncio.sleep(0.1)
        await client.close()

    run(main())
    other.join(5)
    assert [type(error) for error in errors] == [jackfield.ClientClosedError]


def test_context_variables_of_layers_stay_in_the_call(server):
    """What a layer sets never leaks into the host's task, between chunks neither."""
    variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable", default="unset")
    seen: list[str] = []

    @attrs.define(eq=False)
    class Sets:
        @hookimpl
        def wrap_chat_completion(self, request, call):
            variable.set("layer")
            yield Sleep(0.001)
            seen.append(variable.get())
            seen.append((yield Run(variable.get)))
            return (yield request)

    async def main() -> None:
        variable.set("host")
        async with AsyncClient(config(server, middleware=[{"use": "sets"}]), plugins={"sets": Sets}) as client:
            async for _ in client.create_chat_completion(messages=ASK, stream=True):
                assert variable.get() == "host"

    run(main())
    assert seen == ["layer"] * 2


def test_a_stream_dropped_before_the_loop_turns_is_cancelled(server, recorded):
    """The loop that drove a stream takes its call down, soon after the stream became garbage."""
    configuration, plugins, outcomes = recorded
    server.script, seen = stuck_after(event("a"))

    async def main() -> None:
        async with AsyncClient(configuration, plugins=plugins) as client:
            stream = await client.create_chat_completion(messages=ASK, stream=True)
            del stream
            gc.collect()
            assert await until(lambda: seen, 1.0)
            assert outcomes() == ["CallCancelled"]

    run(main())


FORK = """
    import asyncio, os, sys
    import jackfield

    config = {"backends": {"main": {"provider": "openai", "base_url": sys.argv[1]}}}
    ask = {"messages": [{"role": "user", "content": "hello"}], "model": "main/m"}

    client = jackfield.AsyncClient(config)

    async def begin():
        stream = await client.create_chat_completion(**ask, stream=True)
        await anext(stream)
        await client.create_chat_completion(**ask)
        return stream

    async def own():
        response = await client.create_chat_completion(**ask)
        assert response.choices[0].message.content == "hello"
        await client.close()

    async def rest(stream):
        assert len([chunk async for chunk in stream]) == 3
        await client.create_chat_completion(**ask)
        await client.close()

    with asyncio.Runner() as runner:
        stream = runner.run(begin())
        child = os.fork()
        if child == 0:
            try:
                asyncio.run(own())
            except BaseException as error:
                print(f"child: {error!r}", flush=True)
                os._exit(1)
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        runner.run(rest(stream))
    print("fine")
"""


def test_a_client_can_be_used_after_a_fork(server):
    """The child connects anew on a loop of its own; the parent's connections, its stream too, are unharmed."""

    def script(exchange: Any) -> None:
        if exchange.json.get("stream"):
            in_pieces(EVENTS, 0.1)(exchange)
        else:
            answer(exchange)

    server.script = script
    program = [sys.executable, "-W", "error", "-c", textwrap.dedent(FORK), server.url]
    done = subprocess.run(program, capture_output=True, text=True, timeout=60, check=False)
    assert (done.stdout, done.stderr) == ("fine\n", "")


MISSING = """
    import sys

    class Block:
        def find_spec(self, name, path=None, target=None):
            if name.partition(".")[0] == "aiohttp":
                raise ModuleNotFoundError(f"No module named {name!r}", name=name)

    sys.meta_path.insert(0, Block())
    import jackfield
    jackfield.Client({"backends": {"e": {"provider": "echo"}}}).close()
    try:
        jackfield.AsyncClient({"backends": {"e": {"provider": "echo"}}})
    except jackfield.ConfigError as error:
        print(error)
"""


def test_a_missing_extra_is_told_by_name():
    """Without aiohttp the synchronous client works, and the asynchronous one says what to install."""
    program = [sys.executable, "-c", textwrap.dedent(MISSING)]
    done = subprocess.run(program, capture_output=True, text=True, timeout=60, check=False)
    assert done.stderr == ""
    assert "pip install 'jackfield[async]'" in done.stdout
    assert "aiohttp" in done.stdout


def test_a_run_function_on_a_loop_that_ends_does_no_harm(server):
    """The loop ends while a worker is busy: the call is cancelled, the worker's result goes nowhere."""

    @attrs.define(eq=False)
    class Slow:
        @hookimpl
        def wrap_chat_completion(self, request, call):
            yield Run(time.sleep, 0.4)
            return (yield request)

    client = AsyncClient(config(server, middleware=[{"use": "slow"}]), plugins={"slow": Slow})

    async def main() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await client.create_chat_completion(messages=ASK)

    run(main())
    run(client.close())
    assert not server.exchanges


def test_what_was_inherited_over_a_fork_is_left_alone(server):
    """A client of another process gets a driver of its own, and does nothing to the old one."""

    async def main() -> None:
        async with AsyncClient(config(server)) as client:
            await client.create_chat_completion(messages=ASK)
            (old,) = client._drivers.values()
            client._process = 0
            await client.create_chat_completion(messages=ASK)
            assert old not in client._drivers.values()
            await old.close()

    run(main())
    assert server.accepted == 2


def test_a_driver_that_cannot_be_imported_names_the_extra(monkeypatch):
    """The error says what to install."""
    monkeypatch.setitem(sys.modules, "jackfield.drivers.aio", None)
    with pytest.raises(jackfield.ConfigError, match=r"pip install 'jackfield\[async\]'"):
        AsyncClient({"backends": {"e": {"provider": "echo"}}})


def test_a_stream_whose_chunks_are_all_dropped_ends_at_once():
    """Also where the first of them is asked for before the stream was entered."""

    @attrs.define(eq=False)
    class Drops:
        @hookimpl
        def on_chunk(self, chunk):
            return ()

    configuration = {"backends": {"e": {"provider": "echo"}}, "default_model": "e/m", "middleware": [{"use": "drops"}]}

    async def main() -> list[Any]:
        async with AsyncClient(configuration, plugins={"drops": Drops}) as client:
            stream = client.create_chat_completion(messages=ASK, stream=True)
            return [await anext(stream, None), [chunk async for chunk in stream]]

    assert asyncio.run(main()) == [None, []]
