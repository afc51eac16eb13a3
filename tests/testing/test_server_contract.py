"""ServerContract: a good server passes every check, and each way of being broken is named in one line."""

from __future__ import annotations

import inspect
import json

import pytest

from jackfield.testing import Endpoint, ServerContract
from jackfield.testing.contract.wire import RawReply
from jackfield.testing.faults import Ask, FaultServer, OpenAIDialect, name_of


class TestGoodServer(ServerContract):
    """A server without faults."""

    @pytest.fixture
    def endpoint(self, fault_server: FaultServer) -> Endpoint:
        return Endpoint(fault_server.url, "ok", timeout=5)


class TestServerWithKey(ServerContract):
    """One that asks for a key, too."""

    @pytest.fixture
    def endpoint(self, fault_server: FaultServer) -> Endpoint:
        return Endpoint(fault_server.url, name_of("unauthorised", key="sk-right"), key="sk-right", timeout=5)


@pytest.mark.parametrize(
    ("model", "check", "line"),
    [
        ("cut", "stream", "ended its stream after 2 chunks without a terminal signal"),
        (name_of("variant", name="no-done"), "done", "sent no `[DONE]`"),
        (name_of("variant", name="no-finish"), "done", "gave no finish_reason"),
        (name_of("variant", name="no-usage"), "usage_of_a_stream", "told the usage None"),
        (name_of("break", how="eof"), "stream", "broke off: "),
        ("short-length", "answer", "broke off: "),
        (name_of("reset", at=0), "answer", "broke off: "),
        ("short-chunk", "stream", "broke off: "),
        ("large", "answer", "broke off: more than "),
        ("stall?at=0", "answer", "broke off: "),
        ("html", "answer", "gave the content type 'text/html'"),
        ("json-for-stream", "stream", "gave the content type 'application/json'"),
        (name_of("json", hazard="list"), "answer", "answered b'[]'"),
        (name_of("json", hazard="utf-8"), "answer", 'answered b\'{"id": "\\xff\\xfe"'),
        (name_of("json", hazard="no-choices"), "answer", 'answered {"id": "x", "choices": []}'),
        ("error-200", "answer", "told of an error: "),
        ("error", "stream", "told of an error in event 3"),
        (name_of("damaged", how="utf-8"), "stream", 'sent b\'{"choices"'),
        (name_of("damaged", how="number"), "stream", "sent b'42' as event 3"),
        (name_of("damaged", how="types"), "stream", 'sent b\'{"choices": "none"}\' as event 3'),
        ("status", "answer", "answered 500 "),
        ("html", "unknown_model", "answered 200 "),
        (name_of("echo-key", form="plain"), "wrong_key", "repeated the key"),
        ("ok", "wrong_key", "answered 200 "),
        (name_of("status", code=401, body="html"), "wrong_key", "answered b'<html>"),
    ],
)
def test_broken_server_is_named_in_one_line(fault_server: FaultServer, model: str, check: str, line: str) -> None:
    """The line says which server did what, and what the protocol is."""
    endpoint = Endpoint(fault_server.url, model, key="sk-right", timeout=1)
    contract = _Unasked() if check == "unknown_model" else ServerContract()

    with pytest.raises(pytest.fail.Exception) as failure:
        getattr(contract, f"test_{check}")(endpoint)

    assert str(failure.value).startswith(f"{fault_server.url} {line}")
    assert "; the protocol: " in str(failure.value)
    assert "\n" not in str(failure.value)


class _Unasked(ServerContract):
    """Asks for the endpoint's own model, whatever the check wants."""

    def _ask(self, endpoint: Endpoint, **fields: object) -> object:
        return super()._ask(endpoint, **{**fields, "model": endpoint.model})


@pytest.mark.parametrize(
    ("said", "check", "line"),
    [
        (
            {"object": "chat.completion", "id": "x", "choices": [{"message": {"content": None}}]},
            "answer",
            "gave the message",
        ),
        (
            {"object": "chat.completion", "id": "x", "choices": [{"message": {"content": "x"}}]},
            "answer",
            "gave finish_reason None",
        ),
        (
            {
                "object": "chat.completion",
                "id": "x",
                "choices": [{"message": {"content": "x"}, "finish_reason": "eos"}],
            },
            "answer",
            "gave finish_reason 'eos' (a whole answer); the protocol: it tells why it ended: stop, length, ",
        ),
        ({"object": "list", "id": "x", "choices": [{}]}, "answer", 'answered {"object": "list"'),
    ],
)
def test_broken_answer_is_named(said: dict[str, object], check: str, line: str) -> None:
    """Whatever an answer lacks is told."""
    with FaultServer(_Saying(said)) as server, pytest.raises(pytest.fail.Exception) as failure:
        getattr(ServerContract(), f"test_{check}")(Endpoint(server.url, "ok", timeout=5))

    assert str(failure.value).startswith(f"{server.url} {line}")


def calls(*names: str, index: int | None = None, arguments: str = "{}") -> list[bytes]:
    """The events of a stream that calls functions."""
    pieces = [
        {
            "index": number if index is None else index,
            "id": f"c{number}",
            "function": {"name": name, "arguments": arguments},
        }
        for number, name in enumerate(names)
    ]
    chunk = {"object": "chat.completion.chunk", "choices": [{"index": 0, "delta": {"tool_calls": pieces}}]}
    return [json.dumps(chunk).encode(), b"[DONE]"]


WITHOUT_INDEX = calls("weather")[0].replace(b'{"index": 0, "id"', b'{"id"')
END = b'{"object": "chat.completion.chunk", "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}'


@pytest.mark.parametrize("check", ["stream", "done", "usage_of_a_stream"])
@pytest.mark.parametrize(
    ("events", "line"),
    [
        ([END.replace(b"stop", b"eos"), b"[DONE]"], "gave finish_reason 'eos' (a stream); "),
        ([END, END + b"\n" + END, b"[DONE]"], "sent no empty line after event 2 (a stream); "),
        ([END + b"\n[DONE]"], "sent no empty line after event 1 (a stream); "),
    ],
)
def test_broken_stream_is_named(events: list[bytes], line: str, check: str) -> None:
    """Whichever check reads the stream tells what is wrong with its events."""
    with FaultServer(_Saying({}, events)) as server, pytest.raises(pytest.fail.Exception) as failure:
        getattr(ServerContract(), f"test_{check}")(Endpoint(server.url, "ok", timeout=5))

    assert str(failure.value).startswith(f"{server.url} {line}")


@pytest.mark.parametrize(
    ("events", "line"),
    [
        (calls("weather", "weather", index=0), "gave two calls the index 0"),
        ([WITHOUT_INDEX, b"[DONE]"], "gave a piece of a call the index None"),
        (calls("time"), "called {'id': 'c0', 'name': 'time'"),
        (calls("weather", arguments="[]"), "called {'id': 'c0', 'name': 'weather', 'arguments': '[]'}"),
        (calls(), "called no function"),
    ],
)
def test_broken_call_of_a_function_is_named(events: list[bytes], line: str) -> None:
    """Calls that no one could carry out are told."""
    with FaultServer(_Saying({}, events)) as server, pytest.raises(pytest.fail.Exception) as failure:
        ServerContract().test_tool(Endpoint(server.url, "ok", timeout=5), stream=True)

    assert str(failure.value).startswith(f"{server.url} {line}")


@pytest.mark.parametrize("start", [b"", b"data: " + END + b"\r\n\r\n"], ids=["only", "last"])
@pytest.mark.parametrize("data", [END + b"\n", END, b"[DONE]\r\n"])
def test_event_that_no_empty_line_ends_is_named(start: bytes, data: bytes) -> None:
    """The last one too: a reader that keeps to the format never sees it."""
    reply = RawReply(200, "text/event-stream", start + b"data: " + data)
    number = 2 if start else 1
    with pytest.raises(pytest.fail.Exception, match=rf"^http://x sent no empty line after event {number} \(a stream\)"):
        ServerContract()._stream(Endpoint("http://x", "ok"), reply)


@pytest.mark.parametrize(
    "model",
    [
        *(name_of("sse", form=form) for form in ("bom", "comments", "only-fields", "no-space", "multi-line")),
        *(name_of("lines", end=end) for end in ("lf", "cr", "crlf", "mixed")),
    ],
)
def test_stream_in_any_form_of_its_format_is_good(fault_server: FaultServer, model: str) -> None:
    """What the format of events allows is nothing to be named."""
    contract, endpoint = ServerContract(), Endpoint(fault_server.url, model, timeout=5)
    contract.test_stream(endpoint)
    contract.test_done(endpoint)


def test_stream_without_choices_is_named() -> None:
    """Chunks that say nothing are told."""
    said = _Saying({}, [b'{"object": "chat.completion.chunk"}', b"[DONE]"])
    with FaultServer(said) as server, pytest.raises(pytest.fail.Exception, match="sent no choice"):
        ServerContract().test_stream(Endpoint(server.url, "ok", timeout=5))


@pytest.mark.parametrize(("answer", "line"), [(b"{}", "answered 200 b'{}'"), (None, "answered b'[]'")])
def test_request_that_is_none_and_is_taken_is_named(answer: bytes | None, line: str) -> None:
    """A server that answers what is no request, or refuses it without an error object, is told."""
    with FaultServer(_Taking(answer)) as server, pytest.raises(pytest.fail.Exception) as failure:
        ServerContract().test_request_that_is_none(Endpoint(server.url, "ok", timeout=5), b"{")

    assert str(failure.value).startswith(f"{server.url} {line}")


def test_what_the_server_cannot_do_is_skipped(fault_server: FaultServer) -> None:
    """Declared limits skip their checks."""

    class Limited(ServerContract):
        tools = knows_models = False

    endpoint = Endpoint(fault_server.url, "ok", timeout=5)
    for check in ("test_unknown_model", "test_wrong_key"):
        with pytest.raises(pytest.skip.Exception):
            getattr(Limited(), check)(endpoint)
    with pytest.raises(pytest.skip.Exception):
        Limited().test_tool(endpoint, stream=False)


def test_endpoint_has_to_be_written() -> None:
    """A subclass without the fixture is told what it lacks, and a key is not in the repr of an endpoint."""
    assert "sk-right" not in repr(Endpoint("http://127.0.0.1:1", "m", key="sk-right"))
    with pytest.raises(pytest.fail.Exception, match="write the fixture `endpoint`"):
        inspect.unwrap(ServerContract.endpoint)(ServerContract())


class _Saying(OpenAIDialect):
    """Says what it is told to say."""

    def __init__(self, said: dict[str, object], events: list[bytes] = []) -> None:  # noqa: B006 - never changed
        self.said, self.streamed = said, events

    def whole(self, ask: Ask) -> bytes:
        return json.dumps(self.said).encode()

    def events(self, ask: Ask) -> list[bytes]:
        return self.streamed


class _Taking(OpenAIDialect):
    """Takes every request; or refuses each with a list."""

    def __init__(self, answer: bytes | None) -> None:
        self.answer = answer

    def ask(self, method: str, target: str, body: bytes) -> Ask | None:
        if self.answer is None:
            raise ValueError("no")
        return Ask("ok")

    def whole(self, ask: Ask) -> bytes:
        return self.answer or b""

    def error(self, status: int, message: str) -> bytes:
        return b"[]"
