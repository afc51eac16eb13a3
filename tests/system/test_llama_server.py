"""The server that other system tests stand on is what they take it for. Plain HTTP; nothing of jackfield."""

from __future__ import annotations

import json
import socket
from typing import Any

import pytest
import urllib3

from system.llama import LlamaServer
from system.tiny_model import REPLY

pytestmark = pytest.mark.system

PATIENCE = 60.0
"""Seconds to wait for an answer."""
HELLO = [{"role": "user", "content": "Hello."}]
ADD = {
    "type": "function",
    "function": {
        "name": "add",
        "description": "Add two numbers.",
        "parameters": {
            "type": "object",
            "properties": {"a": {"type": "number"}, "b": {"type": "number"}},
            "required": ["a", "b"],
            "additionalProperties": False,
        },
    },
}


def post(server: LlamaServer, body: Any, *, key: str | None = None) -> urllib3.BaseHTTPResponse:
    """A connection of its own for each request: the server closes those it kept without a word.

    urllib3 waits for 3 seconds where it is told nothing, and a machine of tests may be busy.
    """
    headers = {"Connection": "close"} | ({} if key is None else {"Authorization": f"Bearer {key}"})
    url = f"{server.base_url}/chat/completions"
    with urllib3.PoolManager(timeout=PATIENCE, retries=False) as pool:
        return pool.request("POST", url, json=body, headers=headers)


def events(response: urllib3.BaseHTTPResponse) -> list[str]:
    return [line.removeprefix("data: ") for line in response.data.decode().splitlines() if line]


def test_a_chat_is_answered_with_usage(llama_server: LlamaServer) -> None:
    """The tiny model says its one sentence, and the server counts tokens."""
    response = post(llama_server, {"model": llama_server.model, "messages": HELLO, "temperature": 0})

    answer = response.json()
    assert response.status == 200
    assert answer["choices"][0]["message"]["content"] == REPLY
    assert answer["choices"][0]["finish_reason"] == "stop"
    assert answer["model"] == "tiny"
    assert answer["usage"]["total_tokens"] == answer["usage"]["prompt_tokens"] + answer["usage"]["completion_tokens"]


def test_a_stream_is_server_sent_events_that_end_with_done(llama_server: LlamaServer) -> None:
    """The deltas are the sentence, then comes the usage that was asked for, then ``[DONE]``."""
    body = {"messages": HELLO, "temperature": 0, "stream": True, "stream_options": {"include_usage": True}}

    response = post(llama_server, body)

    *chunks, done = events(response)
    decoded = [json.loads(chunk) for chunk in chunks]
    text = "".join(choice["delta"].get("content") or "" for chunk in decoded for choice in chunk["choices"])
    assert response.headers["content-type"] == "text/event-stream"
    assert text == REPLY
    assert done == "[DONE]"
    assert decoded[-1]["choices"] == []
    assert decoded[-1]["usage"]["completion_tokens"] > 0


def test_tools_are_called_and_their_results_taken(llama_server: LlamaServer) -> None:
    """With tools the model calls one; with its result it speaks again."""
    body = {"messages": HELLO, "temperature": 0, "tools": [ADD]}

    message = post(llama_server, body).json()["choices"][0]["message"]
    call = message["tool_calls"][0]
    result = {"role": "tool", "tool_call_id": call["id"], "content": "42"}
    after = post(llama_server, {**body, "messages": [*HELLO, message, result]}).json()

    assert call["function"]["name"] == "add"
    assert json.loads(call["function"]["arguments"]).keys() == {"a", "b"}
    assert after["choices"][0]["message"]["content"] == REPLY


def test_a_json_schema_is_kept(llama_server: LlamaServer) -> None:
    """The grammar made of the schema leaves no other text."""
    schema = {"type": "object", "properties": {"colour": {"enum": ["red", "blue"]}}, "required": ["colour"]}
    form = {"type": "json_schema", "json_schema": {"name": "c", "schema": {**schema, "additionalProperties": False}}}

    answer = post(llama_server, {"messages": HELLO, "temperature": 0, "response_format": form}).json()

    assert json.loads(answer["choices"][0]["message"]["content"])["colour"] in {"red", "blue"}


@pytest.mark.parametrize("body", [{"messages": "Hello."}, {}, {"messages": HELLO, "temperature": "hot"}])
def test_a_malformed_request_is_a_400_with_an_error_object(llama_server: LlamaServer, body: Any) -> None:
    """Error bodies have the shape that the OpenAI API has."""
    response = post(llama_server, body)

    assert response.status == 400
    assert response.json()["error"]["message"]


def test_a_key_is_demanded_where_one_is_set(llama_server_with_key: LlamaServer) -> None:
    """Without the key, or with another, there is a 401; with it an answer."""
    body = {"messages": HELLO, "max_tokens": 1}

    answers = [
        post(llama_server_with_key, body, key=key).status for key in (None, "wrong", llama_server_with_key.api_key)
    ]

    assert answers == [401, 401, 200]


@pytest.mark.usefixtures("llama_server")  # skips where there is no engine
def test_the_server_ends_with_its_owner() -> None:
    """``close`` leaves no process, and nothing that listens."""
    with LlamaServer() as server:
        host = urllib3.util.parse_url(server.base_url)
        pid = server.process.pid

    assert server.process.returncode is not None
    assert pid > 0
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((host.host or "", host.port or 0), timeout=5)
