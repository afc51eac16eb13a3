"""A process may fork while its clients have connections, a watchdog and a stream."""

from __future__ import annotations

import asyncio
import copy
import os
import pickle
import subprocess
import sys
import textwrap
from typing import Any

import pytest

import fakeserver
import jackfield
from both import config
from fakeserver import Exchange
from lifecycle.scene import ask, echo, until, words

HEAD = """
    import asyncio, multiprocessing, os, sys, threading
    import jackfield

    URL = sys.argv[1]
    CONFIG = {"default_model": "main/m", "backends": {"main": {"provider": "openai", "base_url": URL}}}

    def ask(text):
        return [{"role": "user", "content": text}]

    def whole(client, text):
        assert client.create_chat_completion(messages=ask(text)).choices[0].message.content == text

    async def awhole(client, text):
        assert (await client.create_chat_completion(messages=ask(text))).choices[0].message.content == text

    def said(chunks):
        return "".join(choice.delta.content or "" for chunk in chunks for choice in chunk.choices)

    def in_child(function):
        # Its own end is that of a program: handlers, finalizers, garbage.
        sys.stdout.flush()
        child = os.fork()
        if child:
            return child
        function()
        sys.exit(0)

    def ended(child):
        assert os.waitpid(child, 0)[1] == 0
"""
SYNC = """
    client = jackfield.Client(CONFIG)
    whole(client, "parent before")
    with client.create_chat_completion(messages=ask("parent s t r e a m"), stream=True) as stream:
        first = next(stream)
        watched = {thread.name for thread in threading.enumerate()}
        assert "jackfield-watchdog" in watched

        def child():
            whole(client, "child")
            threads = [threading.Thread(target=whole, args=(client, f"child {n}")) for n in range(4)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            try:
                next(stream)
            except RuntimeError as error:
                assert "another process" in str(error)
            else:
                raise AssertionError
            stream.close()
            with client.create_chat_completion(messages=ask("child stream"), stream=True) as own:
                assert said(own) == "child stream "
            client.close()

        pid = in_child(child)
        whole(client, "parent meanwhile")
        ended(pid)
        ended(in_child(lambda: None))
        assert said([first, *stream]) == "parent s t r e a m "
    whole(client, "parent after")
    client.close()
    print("fine")
"""
TOGETHER = """
    import jackfield.client
    client = jackfield.Client(CONFIG)
    whole(client, "parent")

    def child():
        make, meet, drivers = jackfield.client.SyncDriver, threading.Barrier(2, timeout=20), []

        def made():
            try:
                meet.wait(5)
            except threading.BrokenBarrierError:
                pass  # only one comes here, which is as good
            return make()

        jackfield.client.SyncDriver = made
        threads = [threading.Thread(target=lambda: drivers.append(client._current())) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        one, other = drivers
        assert one is other is client._current()
        whole(client, "child")
        client.close()

    ended(in_child(child))
    client.close()
    print("fine")
"""
ASYNC = """
    client = jackfield.AsyncClient(CONFIG)

    async def begin():
        await awhole(client, "parent before")
        stream = await client.create_chat_completion(messages=ask("parent s t r e a m"), stream=True)
        return stream, await anext(stream)

    def child():
        async def own():
            await awhole(client, "child")
            try:
                await anext(stream)
            except RuntimeError as error:
                assert "another event loop" in str(error)
            else:
                raise AssertionError
            await stream.close()
            async with client.create_chat_completion(messages=ask("child stream"), stream=True) as mine:
                assert said([chunk async for chunk in mine]) == "child stream "
            await client.close()
        asyncio.run(own())
        os._exit(0)  # what asyncio itself left open in the parent, it would complain of

    async def rest():
        await awhole(client, "parent meanwhile")
        assert said([first, *[chunk async for chunk in stream]]) == "parent s t r e a m "
        await awhole(client, "parent after")
        await client.close()

    with asyncio.Runner() as runner:
        stream, first = runner.run(begin())
        ended(in_child(child))
        runner.run(rest())
    print("fine")
"""


def slowly(exchange: Exchange) -> None:
    """Echo, with a pause between the words of a stream."""
    if not exchange.json.get("stream"):
        echo(exchange)
        return
    exchange.send(fakeserver.STREAM_HEAD)
    for word in words(exchange.json["messages"][-1]["content"]):
        exchange.send(fakeserver.chunked(fakeserver.event(word)), 0.05)
    exchange.send(*map(fakeserver.chunked, (fakeserver.event(finish="stop"), fakeserver.DONE, b"")))


def run(code: str, url: str) -> None:
    """A program of its own, that says it is fine, and nothing else."""
    program = textwrap.dedent(HEAD) + textwrap.dedent(code)
    command = [sys.executable, "-W", "error", "-W", "ignore::DeprecationWarning", "-c", program, url]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "fine\n", "")


def texts(exchanges: list[Exchange]) -> dict[int, set[str]]:
    """For each connection whose calls it carried: the parent's or the child's."""
    carried: dict[int, set[str]] = {}
    for exchange in exchanges:
        who = exchange.json["messages"][-1]["content"].split()[0]
        carried.setdefault(id(exchange.sock), set()).add(who)
    return carried


@pytest.mark.parametrize("code", [SYNC, ASYNC], ids=["sync", "async"])
def test_parent_and_child_of_a_fork_share_no_connection(code: str) -> None:
    """Calls and streams of both go on, each on connections of its own; the child cannot harm the parent's stream."""
    with fakeserver.serving(slowly) as server:
        run(code, server.url)
        carried = texts(server.exchanges)
    assert all(len(who) == 1 for who in carried.values())
    assert set.union(*carried.values()) == {"parent", "child"}


def test_threads_that_come_first_in_a_child_share_its_driver() -> None:
    """However many find at once that the parent's is not theirs."""
    with fakeserver.serving(echo) as server:
        run(TOGETHER, server.url)


LEFT = """
    import gc
    {begin}

    def child():
        global client, loop
        {how}
        gc.collect()
        sys.stderr.flush()
        os._exit(0)  # what asyncio itself left open in the parent, it would complain of

    ended(in_child(child))
    {end}
    print("fine")
"""
LEFT_SYNC = 'client, loop = jackfield.Client(CONFIG), None; whole(client, "parent")', "client.close()"
_ASKED = 'loop.run_until_complete(awhole(client, "parent"))'
LEFT_ASYNC = (
    f"client, loop = jackfield.AsyncClient(CONFIG), asyncio.new_event_loop(); {_ASKED}",
    "loop.run_until_complete(client.close()); loop.close()",
)


@pytest.mark.parametrize(("begin", "end"), [LEFT_SYNC, LEFT_ASYNC], ids=["sync", "async"])
@pytest.mark.parametrize("how", ["del client, loop", "client.me = client; del client, loop"])
def test_a_child_that_lets_go_of_a_client_does_not_free_what_its_parent_has(begin: str, end: str, how: str) -> None:
    """Whether it dropped it, or the collector found it: nothing is closed there, and nothing is warned of."""
    with fakeserver.serving(echo) as server:
        run(LEFT.format(begin=begin, end=end, how=how), server.url)


def test_what_belongs_to_another_process_is_left_alone() -> None:
    """A child cannot read its parent's stream; closing and dropping it do nothing."""
    with fakeserver.serving(slowly) as server, jackfield.Client(config(server)) as client:
        stream = client.create_chat_completion(messages=ask("a b c"), stream=True)
        next(stream)
        driver = client._driver
        driver.process = 0
        with pytest.raises(RuntimeError, match="another process"):
            next(stream)
        stream.close()
        stream.__del__()
        client.__del__()
        assert driver.watchdog._chores == []
        driver.process = os.getpid()
        assert len(list(Rest(stream))) == 3


class Rest:
    """The chunks that are left of a stream, after a ``close`` that did nothing but forget those that were here."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def __iter__(self) -> Any:
        while self._stream._more():
            yield from self._stream._block


def test_an_asynchronous_stream_of_another_process_is_left_alone() -> None:
    """The same."""

    async def main(server: Any) -> None:
        async with jackfield.AsyncClient(config(server)) as client:
            stream = await client.create_chat_completion(messages=ask("a b c"), stream=True)
            (driver,) = client._drivers.values()
            driver.process = 0
            with pytest.raises(RuntimeError, match="another event loop"):
                await stream._more()
            await stream.close()
            stream.__del__()
            await asyncio.sleep(0)
            assert len(driver.live) == 1
            driver.process = os.getpid()
            assert not stream._live.engine.done

    with fakeserver.serving(slowly) as server:
        asyncio.run(main(server))


POOL = """
    def work(text):
        whole(client, text)
        with client.create_chat_completion(messages=ask(text), stream=True) as stream:
            assert said(stream) == text + " "
        return os.getpid()

    client = jackfield.Client(CONFIG)
    whole(client, "parent")
    with multiprocessing.get_context("fork").Pool(2) as pool:
        assert os.getpid() not in pool.map(work, ["child"] * 8)
    whole(client, "parent")
    client.close()
    print("fine")
"""


def test_workers_of_a_forked_pool_use_the_inherited_client() -> None:
    """``multiprocessing`` with its method ``fork``: each worker connects anew."""
    with fakeserver.serving(echo) as server:
        run(POOL, server.url)
        carried = texts(server.exchanges)
    assert all(len(who) == 1 for who in carried.values())


@pytest.mark.parametrize("method", [pickle.dumps, copy.copy, copy.deepcopy])
def test_a_client_cannot_be_copied_to_another_process(method: Any) -> None:
    """As ``spawn`` would: what is told says what to do instead."""
    with fakeserver.serving(echo) as server:
        with jackfield.Client(config(server)) as client:
            client.create_chat_completion(messages=ask("a"))
            with pytest.raises(TypeError, match="a Client cannot be copied or pickled: make one in each process"):
                method(client)

        async def main() -> None:
            async with jackfield.AsyncClient(config(server)) as client:
                await client.create_chat_completion(messages=ask("a"))
                with pytest.raises(TypeError, match="an AsyncClient cannot be copied or pickled"):
                    method(client)

        asyncio.run(main())
    assert until(lambda: not [thread for thread in server.threads if thread.is_alive()])


def test_a_process_that_was_spawned_makes_a_client_of_its_own(tmp_path: Any) -> None:
    """What goes to it is the configuration; a client as an argument is refused where it is given."""
    program = tmp_path / "program.py"
    program.write_text(textwrap.dedent(HEAD) + textwrap.dedent(SPAWN), encoding="utf-8")
    with fakeserver.serving(echo) as server:
        command = [sys.executable, str(program), server.url]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "fine\n", "")


SPAWN = """
    def work(text):
        with jackfield.Client(CONFIG) as client:
            whole(client, text)

    if __name__ == "__main__":
        spawn = multiprocessing.get_context("spawn")
        with jackfield.Client(CONFIG) as client:
            whole(client, "parent")
            try:
                spawn.Process(target=whole, args=(client, "child")).start()
            except TypeError as error:
                assert "make one in each process" in str(error)
            process = spawn.Process(target=work, args=("child",))
            process.start()
            process.join()
            assert process.exitcode == 0
        print("fine")
"""
