"""What passes through the gateway unchanged, both ways: fields, numbers, texts, and what is told beside the body."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import attrs
import pytest

from jackfield_gateway import running

CHAT = "/v1/chat/completions"
NUMBERS = {
    "big": b"123456789012345678901234567890",
    "negative": b"-9007199254740993",
    "float": b"0.1",
    "tiny": b"5e-324",
    "whole float": b"1.0",
    "third": b"0.3333333333333333",
}
"""Numbers that some readers change."""
TEXTS = {"null": rb'"a\u0000b"', "pair": rb'"\ud83d\ude00"', "slash": rb'"<\/script>"'}


@attrs.define(eq=False)
class Service:
    """Answers as a test says.

    Attributes:
        url: of it.
        answer: the body of its next answers.
        kind: content type of those.
        headers: beside it.
        bodies: that it was sent.
    """

    url: str = ""
    answer: bytes = b""
    kind: str = "application/json"
    headers: dict[str, str] = attrs.field(factory=dict)
    bodies: list[bytes] = attrs.field(factory=list)


@pytest.fixture
def plain() -> Iterator[Service]:
    """A service that answers as a test says."""
    service = Service()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            service.bodies.append(self.rfile.read(int(self.headers["content-length"])))
            self.send_response(200)
            for name, value in {"content-type": service.kind, **service.headers}.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(service.answer)))
            self.end_headers()
            self.wfile.write(service.answer)

        def log_message(self, *_: Any) -> None:
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=[0.02])
        thread.start()
        service.url = f"http://127.0.0.1:{server.server_port}"
        try:
            yield service
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def ask(plain, asker) -> Iterator[Any]:
    """Asks a gateway in front of it."""
    backend = {"provider": "openai", "base_url": f"{plain.url}/v1"}
    with running({"backends": {"b": backend}}) as url:
        yield asker(url)


MESSAGE = b'{"role":"assistant","content":"hi","refusal":null,"x_deep":{"z":1,"a":[2,{"b":VALUE}]}}'
WHOLE = (
    b'{"x_first":VALUE,"id":"c","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"x_c":VALUE,'
    b'"message":' + MESSAGE + b',"finish_reason":"stop","logprobs":null}],"x_last":{"b":VALUE,"a":VALUE}}'
)
CHUNK = (
    b'{"x_first":VALUE,"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,'
    b'"delta":{"content":"hi","x_deep":VALUE},"finish_reason":"stop"}],"x_last":{"b":VALUE,"a":VALUE}}'
)
REQUEST = (
    b'{"model":"b/m","messages":[{"role":"user","content":"hi","x_deep":{"z":VALUE,"a":VALUE}}],"stream":STREAM,'
    b'"x_last":{"b":VALUE,"a":[VALUE]}}'
)


def told(data: bytes) -> Any:
    """JSON in which 1.0 is not 1."""
    return json.loads(data, parse_float=lambda text: ("float", float(text)))


@pytest.mark.parametrize("value", [*NUMBERS.values(), *TEXTS.values()])
def test_unknown_fields_of_an_answer_pass(ask, plain, value):
    """At each depth, with each number as it was."""
    plain.answer = WHOLE.replace(b"VALUE", value)
    answer = ask(CHAT, REQUEST.replace(b"VALUE", b"1").replace(b"STREAM", b"false"))
    assert answer.status == 200
    sent, come = told(plain.answer), told(answer.body)
    assert {name: come[name] for name in sent} == sent
    assert json.dumps([come["x_last"]]) == json.dumps([sent["x_last"]])


@pytest.mark.parametrize("value", [*NUMBERS.values(), *TEXTS.values()])
def test_chunks_pass_to_the_byte(ask, plain, value):
    """Where nobody looks into them."""
    plain.kind = "text/event-stream"
    chunk = CHUNK.replace(b"VALUE", value)
    plain.answer = b"data: " + chunk + b"\n\ndata: [DONE]\n\n"
    answer = ask(CHAT, REQUEST.replace(b"VALUE", b"1").replace(b"STREAM", b"true"))
    assert answer.body == plain.answer


@pytest.mark.parametrize("stream", [b"false", b"true"])
@pytest.mark.parametrize("value", [*NUMBERS.values(), *TEXTS.values()])
def test_unknown_fields_of_a_request_pass(ask, plain, value, stream):
    """At each depth, with each number as it was, and members in their order: some models read schemas in it."""
    body = REQUEST.replace(b"VALUE", value).replace(b"STREAM", stream)
    ask(CHAT, body)
    sent, come = told(body), told(plain.bodies[-1])
    assert come["messages"] == sent["messages"]
    assert come["x_last"] == sent["x_last"]
    assert json.dumps([come["messages"], come["x_last"]]) == json.dumps([sent["messages"], sent["x_last"]])


@pytest.mark.parametrize("value", [b"1e400", b"-1e400", rb'"\ud800"', b"NaN", b"Infinity", b"9" * 5000, b"01", b"1."])
def test_what_nobody_can_pass_on_is_refused(ask, plain, value):
    """Never changed in silence: not to null, not to a word that is no JSON, not to another sign."""
    answer = ask(CHAT, REQUEST.replace(b"VALUE", value).replace(b"STREAM", b"false"))
    if answer.status == 400:
        assert not plain.bodies
    else:  # it passed as it was
        assert value in plain.bodies[-1]
    plain.answer = WHOLE.replace(b"VALUE", value)
    answer = ask(CHAT, REQUEST.replace(b"VALUE", b"1").replace(b"STREAM", b"false"))
    assert (answer.status, answer.error["code"]) == (502, "backend_invalid_response") or value in answer.body


def test_a_tool_keeps_the_order_of_its_schema(ask, plain):
    """Models fill parameters in it."""
    plain.answer = WHOLE.replace(b"VALUE", b"1")
    properties = {name: {"type": "string"} for name in ("zeta", "alpha", "mid")}
    function = {"name": "f", "parameters": {"type": "object", "properties": properties, "required": ["zeta"]}}
    tools = [{"type": "function", "function": function}]
    assert ask.chat("b/m", tools=tools).status == 200
    assert json.dumps(json.loads(plain.bodies[-1])["tools"]) == json.dumps(tools)


def test_headers_of_a_service_do_not_pass(ask, plain):
    """They are about another connection, another origin, another account."""
    plain.answer = WHOLE.replace(b"VALUE", b"1")
    plain.headers = {
        "set-cookie": "a=evil",
        "access-control-allow-origin": "evil",
        "openai-organization": "evil",
        "x-request-id": "evil",
        "location": "evil",
        "strict-transport-security": "evil",
    }
    answer = ask.chat("b/m")
    assert answer.status == 200
    assert "evil" not in repr(answer.headers)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("wait", "header"), [("7", "7"), ("0.2", "1")])
def test_the_wait_that_a_service_asks_for_passes(gateway, wait, header, stream):
    """Before a stream as well."""
    answer = gateway().chat(f"b/status?code=429&retry-after={wait}", stream=stream)
    assert (answer.status, answer.headers["retry-after"]) == (429, header)
