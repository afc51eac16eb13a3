"""Everything that can be seen of calls that fail while all around repeat a key."""

from __future__ import annotations

import logging
import pickle
import sys
import warnings
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import attrs

from both import ASK, Async, Sync
from fakeserver import STREAM_HEAD, Exchange, chunked, event, reply, serving
from jackfield import hookimpl
from jackfield.flow import Run
from jackfield.http import Backend, HttpRequest, Transport
from jackfield.redaction import remember
from jackfield.secret import Secret
from jackfield.testing.leaks import Capture, artefacts
from keys import echo

Sinks = dict[str, list[str]]
WAYS = ("value", "key", "os", "chained", "noted", "attributes", "group", "contract", "config", "closing")
"""How the careless plugin fails."""


class DetailedError(Exception):
    """An error with attributes, as libraries have them."""

    def __init__(self, token: str) -> None:
        super().__init__(f"refused {token}")
        self.request = {"headers": {"authorization": f"Bearer {token}".encode()}}


def fail(way: str, token: str) -> None:
    """Fail as a plugin does that thinks of no one."""
    if way == "value":
        raise ValueError(f"bad {token}", token.encode())
    if way == "key":
        raise KeyError(token)
    if way == "os":
        raise FileNotFoundError(2, "No such file", f"/tmp/{token}")
    if way == "chained":
        try:
            raise DetailedError(token)
        except DetailedError as error:
            raise RuntimeError(echo(token)) from error
    if way == "noted":
        error = LookupError("it failed")
        error.add_note(f"with {token}")
        raise error
    if way == "attributes":
        raise DetailedError(token)
    if way == "group":
        raise ExceptionGroup(f"all of {token}", [ValueError(token), OSError(5, token)])


@attrs.define(eq=False)
class Careless:
    """A middleware that puts a key into whatever it raises, by the label ``way``."""

    token: Secret = attrs.field(converter=lambda value: Secret(value) if isinstance(value, str) else value)

    @hookimpl
    def wrap_chat_completion(self, request: Any, call: Any) -> Any:
        """Fail."""
        way = call.labels.get("way", "")
        held = yield Run(lambda: self.token._value or "")
        warnings.warn(f"careless: {call!r} {self!r}", stacklevel=1)
        fail(way, held)
        if way == "contract":
            yield held
        if way == "config":
            try:
                yield attrs.evolve(request, model=f"main-{held}/x")
            except BaseException as error:
                raise ValueError(held) from error
        try:
            response = yield request
        except BaseException:
            if way == "closing":
                yield from _stubborn(request, held)
            raise
        return response


def _stubborn(request: Any, token: str) -> Any:
    """Go on when it is over, and complain at being closed."""
    try:
        yield request
    except GeneratorExit:
        raise ValueError(f"closing with {token}") from None


def echoing(key: str) -> Any:
    """A service that repeats the key in every part of its failures, by what it is asked."""
    text = echo(key)
    head = key.strip() if _sendable(key) else quote(key)

    def script(exchange: Exchange) -> bool:
        way = exchange.headers.get("x-way", "401")
        if way == "stream":
            exchange.send(STREAM_HEAD + chunked(event("partial")))
            error = {"error": {"message": text, "code": key, "type": key, "param": key}}
            exchange.send(chunked(event(**error)), chunked(b""))
        elif way == "cut":
            exchange.send(STREAM_HEAD + chunked(event("partial")))
            return False
        elif way == "slow":
            exchange.send(STREAM_HEAD + chunked(event("partial")))
            while not exchange.closed_within(0.02) and not exchange.server.closing.is_set():
                pass
            return False
        elif way == "html":
            exchange.send(reply(f"<p>{text}</p>".encode(), "502 Bad Gateway", content_type="text/html"))
        elif way == "redirect":
            exchange.send(reply(b"", "307 No", location=f"https://{'x' * 9}/{head}?key={head}"))
        elif way == "garbage":
            exchange.send(f"HTTP/1.1 {head}\r\n{head}\r\n\r\n".encode())
            return False
        elif way == "invalid":
            exchange.send(reply({"choices": text, "id": key, "model": [key]}))
        else:
            error = {"message": text, "code": key, "type": key, "param": key}
            headers = {"x_request_id": head, "x_ratelimit_limit": head, "x_other": f"a {head}", "set_cookie": head}
            exchange.send(reply({"error": error}, "401 Unauthorized", **headers))
        return True

    return script


ANSWERS = ("401", "html", "redirect", "garbage", "invalid")
STREAMS = ("stream", "cut")


def seen(key: str, directory: Path) -> Sinks:
    """The texts of each sink, after both clients have failed in all ways."""
    sinks: Sinks = defaultdict(list)
    remember(key)
    with Capture() as capture:
        for mode in (Sync, Async):
            with serving(echoing(key)) as server:
                _calls(mode, server.url, key, directory, sinks)
    for sink, text in capture.texts():
        own = sink.startswith("log") and " jackfield" in sink
        name = "jackfield's log" if own else "other logs" if sink.startswith("log") else sink
        sinks[name].append(text)
    return sinks


def _calls(mode: Any, url: str, key: str, directory: Path, sinks: Sinks) -> None:
    client = mode(_config(url, key, directory), {"careless": Careless})
    if mode is Async:
        client.loop.call_soon_threadsafe(_debug, client.loop)
    try:
        for way in WAYS[:-1]:
            _failing(lambda way=way: client.call(labels={"way": way}), sinks)
        for way in ANSWERS:
            headers = {"x-way": way, "x-auth-token": key.strip() if _sendable(key) else "t"}
            _failing(lambda headers=headers: client.call(extra_headers=headers), sinks)
            _failing(lambda way=way: client.models("main"), sinks)
        for way in STREAMS:
            _failing(lambda way=way: client.stream(extra_headers={"x-way": way}).text(), sinks)
        stream = client.stream(extra_headers={"x-way": "slow"}, labels={"way": "closing"})
        stream.next()
        stream.close()
        sinks["faults"].append("\n".join(stream.stream.call.faults))
        _failing(lambda: stream.stream.response, sinks)
        _reprs(client, sinks)
    finally:
        client.close()
        client.end()


def _debug(loop: Any) -> None:
    loop.set_debug(True)
    loop.slow_callback_duration = 0.0


def _config(url: str, key: str, directory: Path) -> dict[str, Any]:
    file = directory / "key"
    file.write_text(key, encoding="utf-8")
    bearer = {"use": "bearer", "token": f"file:{file}"}
    careless = {"use": "careless", "token": _held(key)}
    main = {
        "provider": "openai",
        "base_url": f"{url}?token={quote(key.strip())}",
        "middleware": [bearer] if _sendable(key) else [],
    }
    return {
        "default_model": "main/m",
        "backends": {"main": main},
        "middleware": [{"use": "logging", "level": "DEBUG", "content": True}, careless],
    }


def _sendable(key: str) -> bool:
    return key.strip().isascii() and key.strip().isprintable()


def _held(key: str) -> Secret:
    secret = Secret("env:CARELESS")
    secret._value = key
    return secret


def _failing(call: Any, sinks: Sinks) -> None:
    try:
        call()
    except BaseException as error:
        for name, text in artefacts(error):
            sinks[_sink(name)].append(text)
        try:
            raise RuntimeError("host") from error
        except RuntimeError as host:
            logging.getLogger("host").exception("it failed: %r", error)
            sinks["host's traceback"] += [text for name, text in artefacts(host) if "traceback" in name]
        for attempt in getattr(error, "attempts", ()):
            sinks["attempts"] += [repr(attempt), str(attempt.error), str(attempt.headers), str(attempt.rate_limit)]
            sinks["attempts as dicts"].append(repr(attrs.asdict(attempt)))
            sinks["pickled attempts"].append(pickle.dumps(attempt).decode("utf-8", "replace"))
    else:
        raise AssertionError("the call went well")


def _sink(name: str) -> str:
    if name == "traceback" or name.endswith("traceback"):
        return "traceback"
    link, _, sink = name.partition(": ")
    sink = "locals" if sink.startswith("local ") else sink
    return f"error's {sink}" if link == "error" else f"linked errors' {sink}"


def _reprs(client: Any, sinks: Sinks) -> None:
    session = client.client._session
    plan = session.plan
    texts = [client.client, session, session.settings, plan, plan.routes, plan.layers]
    texts += [*session.settings.backends.values(), *session.settings.middleware]
    texts += [layer.plugin for layer in plan.layers if hasattr(layer, "plugin")]
    texts += [repr(route.backend) for route in plan.routes.values()]
    sinks["reprs"] += [repr(text) for text in texts]


def argv(key: str, directory: Path) -> Iterator[str]:
    """The command lines of a process that is started to read the key, as it sees itself."""
    file, told = directory / "in", directory / "argv"
    file.write_text(key, encoding="utf-8")
    code = "import sys; open(sys.argv[2], 'w').write(repr(sys.orig_argv)); print(open(sys.argv[1]).read())"
    program = directory / "program.py"
    program.write_text(code, encoding="utf-8")
    Secret(f"command:'{sys.executable}' '{program}' '{file}' '{told}'").read()
    yield told.read_text(encoding="utf-8")


def values(key: str) -> Iterator[str]:
    """Values of ours that hold a key, as they are shown."""
    proxy = f"http://user:{quote(key.strip(), safe='')}@proxy.example:3128"
    transport = Transport(proxy=proxy)
    backend = Backend("b", "p", transport=transport)
    request = HttpRequest("POST", f"https://api.example/v1?key={quote(key)}", {"x-key": key}, key)
    for value in (transport, backend, request, Secret.of(key.strip()) if _sendable(key) else ""):
        yield repr(value)
        yield str(value)
    yield repr(attrs.asdict(transport))
    yield repr(attrs.asdict(backend))
    yield pickle.dumps(transport).decode("utf-8", "replace")
    yield pickle.dumps(backend).decode("utf-8", "replace")
    yield repr(ASK)
