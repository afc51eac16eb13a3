"""A program may end at any time: with open streams, with threads amid a call, with calls in its last handlers."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import time

import pytest

import fakeserver
from fakeserver import STREAM_HEAD, Exchange, chunked, event
from lifecycle.scene import connections, echo, until

PATIENCE = 9.0
"""Seconds for a whole program; most of them are for a busy machine to start it. A call that finds no connection takes 10."""
HEAD = """
    import asyncio, atexit, sys, threading, time
    import jackfield

    CONFIG = {"default_model": "main/m", "backends": {"main": {"provider": "openai", "base_url": sys.argv[1]}}}

    def ask(text):
        return {"messages": [{"role": "user", "content": text}]}

    def whole():
        assert client.create_chat_completion(**ask("hello")).choices[0].message.content == "hello"

    def begin():
        global stream
        stream = client.create_chat_completion(**ask("stuck"), stream=True)
        next(stream)

    async def awhole():
        response = await client.create_chat_completion(**ask("hello"))
        assert response.choices[0].message.content == "hello"

    async def abegin():
        global stream
        stream = client.create_chat_completion(**ask("stuck"), stream=True)
        await anext(stream)

    def run(main):
        async def patient():
            asyncio.get_running_loop().slow_callback_duration = 60  # the first call imports what it needs
            await main()
        asyncio.run(patient())
"""
SYNC = {
    "open stream": "begin()",
    "closed client": "begin(); client.close()",
    "idle connection": "whole()",
    "thread amid a slow call": """
        def slow():
            client.create_chat_completion(**ask("slow"))
            whole()
        threading.Thread(target=slow).start()
    """,
    "daemon thread amid a stream": """
        def read():
            begin()
            next(stream)
        threading.Thread(target=read, daemon=True).start()
        while not globals().get("stream"):
            time.sleep(0.01)
    """,
    "sys.exit amid a stream": """
        with client.create_chat_completion(**ask("stuck"), stream=True) as stream:
            for chunk in stream:
                sys.exit(0)
    """,
    "call in a handler": "atexit.register(whole)",
    "stream in a handler": "atexit.register(begin)",
    "call in the last handler": "whole()",
    "stream in the last handler": "whole()",
}
FIRST = {
    "call in the last handler": "atexit.register(lambda: whole())",
    "stream in the last handler": "atexit.register(lambda: begin())",
}
"""What is registered before anything else is called after anything else."""
ASYNC = {
    "open stream": "run(abegin)",
    "closed client": """
        async def main():
            await abegin()
            await client.close()
        run(main)
    """,
    "stream left by break": """
        async def main():
            async for chunk in client.create_chat_completion(**ask("stuck"), stream=True):
                break
        run(main)
    """,
    "task amid a call": """
        async def main():
            global task
            task = asyncio.create_task(client.create_chat_completion(**ask("slow")))
            await asyncio.sleep(0.05)
        run(main)
    """,
    "thread amid a call": "threading.Thread(target=run, args=(awhole,)).start()",
    "call in a handler": "atexit.register(run, awhole)",
    "stream in a handler": "atexit.register(run, abegin)",
}


def script(exchange: Exchange) -> bool | None:
    """Echo; some answers are slow, some never end."""
    text = exchange.json["messages"][-1]["content"]
    if text == "stuck":
        exchange.send(STREAM_HEAD + chunked(event("a")))
        exchange.closed_within(PATIENCE)
        return False
    if text == "slow":
        exchange.wait(0.5)
    echo(exchange)
    return None


def ends(code: str) -> None:
    """A program ends soon, as if nothing had happened, and nothing of it stays with the server."""
    with fakeserver.serving(script) as server:
        command = [sys.executable, "-X", "dev", "-W", "error", "-c", textwrap.dedent(HEAD) + code, server.url]
        before = time.monotonic()
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
        assert time.monotonic() - before < PATIENCE
        assert server.exchanges
        assert until(lambda: connections(server) == 0)


@pytest.mark.parametrize("name", SYNC)
def test_a_program_may_end_at_any_time(name: str) -> None:
    """No hang, no warning, no word: with development mode and warnings as errors."""
    ends(FIRST.get(name, "") + "\nclient = jackfield.Client(CONFIG)\n" + textwrap.dedent(SYNC[name]))


@pytest.mark.parametrize("name", ASYNC)
def test_an_asynchronous_program_may_end_at_any_time(name: str) -> None:
    """The same with event loops, in asyncio's debug mode."""
    ends("\nclient = jackfield.AsyncClient(CONFIG)\n" + textwrap.dedent(ASYNC[name]))
