"""A backend that takes what it is told to take, and a Redis database of each test's own."""

from __future__ import annotations

import secrets
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import attrs
import pytest
import redis as library

from jackfield.call import Call
from jackfield.engine import Engine
from jackfield.errors import CallError
from jackfield.flow import Deliver, Effect, Flow, Read, Send, Sleep
from jackfield.hookspecs import hookimpl
from jackfield.http import HttpRequest, Origin, split_url
from jackfield.models.chunks import CreateChatCompletionStreamResponse
from jackfield.models.request import CreateChatCompletionRequest
from jackfield.models.response import CreateChatCompletionResponse
from jackfield.secret import Secret
from jackfield.testing import Reply, ScriptedDriver, make_call, plan
from jackfield.wire import from_dict
from jackfield_limits import Budget, Concurrency, RateLimit

URL = "https://api.example.com/v1/chat/completions"


@attrs.frozen
class Act:
    """How one attempt goes.

    Attributes:
        usage: that the backend tells: as on the wire.
        text: that it says.
        error: that it fails with, after the text where it is a stream.
        during: done while it works.
    """

    usage: dict[str, Any] | None = None
    text: str = "Hello"
    error: Callable[[], Exception] | None = None
    during: Callable[[], object] = lambda: None


@attrs.define(eq=False)
class Backend:
    """Goes by its acts, the last of which holds for all further attempts."""

    acts: Sequence[Act] = (Act(),)
    asked: list[CreateChatCompletionRequest] = attrs.field(init=False, factory=list)
    origin: Origin = attrs.field(init=False, factory=lambda: split_url(URL)[0])

    @hookimpl
    def create_chat_completion(
        self, request: CreateChatCompletionRequest, call: Call
    ) -> Flow[CreateChatCompletionResponse | None]:
        act = self.acts[min(len(self.asked), len(self.acts) - 1)]
        self.asked.append(request)
        response = yield Send(HttpRequest("POST", URL, {}, b"{}"))
        yield Read(response, whole=True)
        act.during()
        if request.stream is True:
            yield from self._stream(act)
            return None
        if act.error is not None:
            raise act.error()
        message = {"role": "assistant", "content": act.text}
        data = {"choices": [{"message": message, "finish_reason": "stop"}], "usage": act.usage}
        return from_dict({name: value for name, value in data.items() if value}, CreateChatCompletionResponse)

    def _stream(self, act: Act) -> Flow[None]:
        yield Deliver([_chunk({"choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}}]})])
        for char in act.text:
            yield Deliver([_chunk({"choices": [{"index": 0, "delta": {"content": char}}]})])
        if act.error is not None:
            raise act.error()
        end: dict[str, Any] = {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
        yield Deliver([_chunk(end | ({"usage": act.usage} if act.usage else {}))], last=True)


def _chunk(data: dict[str, Any]) -> CreateChatCompletionStreamResponse:
    return from_dict(data, CreateChatCompletionStreamResponse)


@attrs.define(eq=False)
class Bench:
    """Makes calls through one middleware, on one clock.

    Attributes:
        layer: the middleware.
        backend: that answers.
        around: further layers of the host, outside of it.
        inside: further ones, inside of it.
        driver: whose clock it is.
    """

    layer: Any
    backend: Backend = attrs.field(factory=Backend)
    around: Sequence[object] = ()
    inside: Sequence[object] = ()
    driver: ScriptedDriver = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.driver = ScriptedDriver(lambda _: Reply())

    def call(self, content: str = "", **fields: Any) -> Any:
        """Make a call; its response. ``timeout`` and ``labels`` go to the call, all other fields are the request's."""
        engine, effect = self.begin(content, **fields)
        return self.driver.run(engine, effect)

    def begin(self, content: str = "", **fields: Any) -> tuple[Engine, Effect | None]:
        """Begin a call: its engine and first effect."""
        told = {"timeout": fields.pop("timeout", None), "labels": fields.pop("labels", {})}
        request = from_dict(
            {"model": "m", "messages": [{"role": "user", "content": content}], **fields}, CreateChatCompletionRequest
        )
        layers = plan(
            self.backend, middleware=[*self.around, self.layer, *self.inside], backends={"other": self.backend}
        )
        call = make_call(self.driver, model=request.model, stream=request.stream is True, **told)
        engine = Engine(layers, call)
        return engine, engine.begin_chat(request)

    def fails(self, content: str = "", **fields: Any) -> Any:
        """Make a call that fails; its error."""
        with pytest.raises(CallError) as caught:
            self.call(content, **fields)
        return caught.value

    def slept(self) -> float:
        """Seconds that were slept since this was last asked."""
        total = sum(self.driver.slept)
        self.driver.slept.clear()
        return total


@pytest.fixture
def act() -> type[Act]:
    """How an attempt goes."""
    return Act


@pytest.fixture
def backend() -> type[Backend]:
    """A provider that goes by its acts."""
    return Backend


@pytest.fixture
def bench() -> type[Bench]:
    """Makes calls."""
    return Bench


@attrs.define(eq=False)
class Busy:
    """A provider that takes some time for each call, and keeps how many there were at once.

    Attributes:
        seconds: for a call, or for each of the ten chunks of a stream.
        most: how many there were at once, at most.
    """

    seconds: float = 0.01
    most: int = attrs.field(init=False, default=0)
    done: int = attrs.field(init=False, default=0)
    _now: int = attrs.field(init=False, default=0)
    _lock: Any = attrs.field(init=False, repr=False, factory=threading.Lock)

    @hookimpl
    def create_chat_completion(self, request: CreateChatCompletionRequest) -> Flow[CreateChatCompletionResponse | None]:
        with self._lock:
            self._now += 1
            self.most = max(self.most, self._now)
        try:
            if request.stream is True:
                for at in range(10):
                    yield Sleep(self.seconds)
                    yield Deliver([_chunk({"choices": [{"index": 0, "delta": {"content": "x"}}]})], last=at == 9)
                return None
            yield Sleep(self.seconds)
            return CreateChatCompletionResponse(choices=[])
        finally:
            with self._lock:
                self._now -= 1
                self.done += 1


class Server:
    """A redis-server that is started, stopped and silenced."""

    def __init__(self, directory: Path) -> None:
        self.program = shutil.which("redis-server")
        if self.program is None:
            pytest.skip("redis-server is not installed")
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.url, self.directory = f"redis://127.0.0.1:{self.port}/0", directory
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and wait until it answers."""
        settings = {"--port": str(self.port), "--bind": "127.0.0.1", "--save": "", "--dir": str(self.directory)}
        words = [word for pair in settings.items() for word in pair]
        assert self.program is not None
        self.process = subprocess.Popen([self.program, *words], stdout=subprocess.DEVNULL)
        with library.Redis.from_url(self.url) as client:
            for _ in range(500):
                try:
                    client.ping()
                except library.ConnectionError:
                    time.sleep(0.02)
                else:
                    return
        raise RuntimeError("redis-server does not answer")

    def stop(self) -> None:
        """End it."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def silence(self) -> None:
        """Let it hang: connections are made, but nothing is answered any more."""
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """A redis-server of the test's own, started."""
    server = Server(tmp_path)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def url(redis: library.Redis, redis_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """A reference to the URL of the tests' server."""
    monkeypatch.setenv("LIMITS_REDIS_URL", redis_url)
    return "env:LIMITS_REDIS_URL"


@pytest.fixture(params=["rate-limit", "concurrency", "budget"])
def kind(request: pytest.FixtureRequest) -> str:
    """Each kind of limit."""
    return request.param


@pytest.fixture
def make_limit() -> Callable[..., Any]:
    """Makes a limit of a kind, in Redis, that is not reached soon."""

    def make(kind: str, url: str, **more: Any) -> Any:
        shared = {"name": "t", "redis": Secret(url), **more}
        if kind == "rate-limit":
            return RateLimit(tokens=1_000_000, window=3600, **shared)
        return Concurrency(5, **shared) if kind == "concurrency" else Budget(tokens=1_000_000, period="total", **shared)

    return make


class Sleeping:
    """Takes its time before it passes the request on."""

    @hookimpl
    def wrap_chat_completion(self, request: CreateChatCompletionRequest) -> Flow[CreateChatCompletionResponse]:
        yield Sleep(1)
        return (yield request)


@pytest.fixture
def sleeping() -> Sleeping:
    """A layer that takes its time."""
    return Sleeping()


@pytest.fixture
def busy() -> type[Busy]:
    """A provider that takes its time."""
    return Busy


@pytest.fixture
def redis(redis_url: str) -> Iterator[library.Redis]:
    """The tests' server, empty."""
    with library.Redis.from_url(redis_url, decode_responses=True) as client:
        client.flushdb()
        yield client
        client.flushdb()


@pytest.fixture
def password() -> str:
    """Of the user ``limits``; another one each time, so that none is known already."""
    return "pW-" + secrets.token_hex(12)


@pytest.fixture
def url_file(redis: library.Redis, redis_url: str, password: str, tmp_path: Path) -> str:
    """A reference to a URL with a password in it."""
    redis.acl_setuser(
        "limits", enabled=True, reset=True, passwords=[f"+{password}"], keys=["jackfield:*"], commands=["+@all"]
    )
    file = tmp_path / "url"
    file.write_text(redis_url.replace("redis://", f"redis://limits:{password}@") + "\n", encoding="utf-8")
    return f"file:{file}"
