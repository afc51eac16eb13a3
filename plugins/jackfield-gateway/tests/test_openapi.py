"""The description of the gateway: valid, whole, and of one mind with what reads and writes the wire."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from typing import Any

import jsonschema
import pytest
from openapi_spec_validator import validate

from jackfield.errors import ValidationError
from jackfield.models import CreateChatCompletionRequest
from jackfield.wire import from_dict, request_fields
from jackfield_gateway.app import CHAT, HANDLERS
from jackfield_gateway.chat import STEERING
from jackfield_gateway.openapi import description, encoded
from jackfield_gateway.schemas import Schemas
from jackfield_gateway.settings import GatewaySettings

MESSAGES = [{"role": "user", "content": "hi"}]
OWN = {"/healthz", "/readyz"}


@pytest.fixture(scope="module")
def described() -> dict[str, Any]:
    """The description of a gateway that demands keys."""
    return description(keys=True)


def fits(described: dict[str, Any], name: str, value: Any) -> bool:
    """Whether a value has the shape of a component."""
    schema = {"$ref": f"#/components/schemas/{name}", "components": described["components"]}
    return bool(jsonschema.Draft202012Validator(schema).is_valid(value))


@pytest.mark.parametrize("keys", [False, True])
def test_it_is_valid(keys):
    """By the schema of OpenAPI 3.1."""
    validate(description(keys=keys))


def test_every_component_is_a_schema(described):
    """Of JSON Schema, draft 2020-12, as OpenAPI 3.1 has it."""
    for schema in described["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)


def test_each_path_is_described(described):
    """But for those of the page."""
    served = {(method.lower(), path.replace(":path", "")) for method, path, _, _ in HANDLERS} | {("post", CHAT)}
    served = {one for one in served if not one[1].startswith("/inspector")} | {("get", path) for path in OWN}
    told = {(method, path) for path, item in described["paths"].items() for method in item if method != "parameters"}
    assert told == served


@pytest.mark.parametrize(("keys", "security"), [("never", []), ("always", [{"key": []}])])
def test_it_is_told_to_everyone(gateway, keys, security):
    """Without a key, and with the word whether one is needed for the rest."""
    told = gateway(GatewaySettings(keys=keys, store="sqlite::memory:"))("/openapi.json")
    assert told.status == 200
    assert told.json == description(keys=keys == "always")
    assert told.json["security"] == security


def test_what_a_store_that_fails_comes_to_is_described(gateway, described, tmp_path):
    """For those operations too that need no key."""
    path = tmp_path / "g.db"
    ask = gateway(GatewaySettings(store=f"sqlite:{path}"))
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("DROP TABLE gateway_keys")
        other.execute("DROP TABLE gateway_counts")
        told = {one: ask(one) for one in ("/readyz", "/openapi.json", "/v1/models")}
    assert {one.status for one in told.values()} == {503}
    for one, answer in told.items():
        schema = described["paths"][one]["get"]["responses"]["503"]["content"]["application/json"]["schema"]
        jsonschema.validate(answer.json, {**schema, "components": described["components"]})


def test_it_is_made_once():
    """Anybody may ask, and making it takes milliseconds in which nobody else is answered."""
    assert encoded(keys=False) is encoded(keys=False)


def test_the_request_has_all_fields_and_those_that_steer_are_refused(described):
    """Others may stand beside them."""
    asked = described["components"]["schemas"]["CreateChatCompletionRequest"]
    assert asked["properties"].keys() == set(request_fields()) | STEERING
    assert asked["required"] == ["messages", "model"]
    whole = {"model": "m", "messages": MESSAGES}
    assert fits(described, "CreateChatCompletionRequest", {**whole, "top_k": 3})
    for name in STEERING:
        assert not fits(described, "CreateChatCompletionRequest", {**whole, name: "x"})


PART = {"type": "text", "text": "a"}
FIELDS: list[dict[str, Any]] = [
    {"messages": []}, {"messages": {}}, {"messages": [1]}, {"messages": [{"content": "a"}]}, {"temperature": None},
    {"temperature": 1}, {"temperature": "1"}, {"top_logprobs": None}, {"tools": None}, {"n": 1.5}, {"n": True},
    {"stop": "a"}, {"stop": ["a"]}, {"stop": [1]}, {"stop": None}, {"stream": "true"}, {"tool_choice": "auto"},
    {"tool_choice": {"type": "function", "function": {"name": "f"}}}, {"tool_choice": {"type": "function"}},
    {"tool_choice": {"type": "new"}}, {"tool_choice": 1}, {"response_format": {"type": "json_schema"}},
    {"response_format": {"type": "json_object"}}, {"response_format": {"type": "new", "x": 1}}, {"logit_bias": {"5": 1}},
    {"logit_bias": {"5": 1.5}}, {"metadata": {"a": "b"}}, {"metadata": {"a": 1}}, {"metadata": None}, {"user": None},
    {"messages": [{"role": "new"}]}, {"messages": [{"role": "user"}]}, {"messages": [{"role": "user", "content": None}]},
    {"messages": [{"role": "assistant"}]}, {"messages": [{"role": "tool", "content": "a"}]},
    {"messages": [{"role": "user", "content": [PART]}]}, {"messages": [{"role": "user", "content": [{"type": "new"}]}]},
    {"messages": [{"role": "user", "content": [{"type": "text"}]}]}, {"messages": [{"role": "user", "content": ["a"]}]},
    {"tools": [{"type": "function", "function": {"name": "f"}}]}, {"tools": [{"type": "function"}]},
    {"audio": {"voice": {"id": "v"}, "format": "wav"}}, {"audio": {"voice": 1, "format": "wav"}}, {"audio": {}},
    {"web_search_options": {"user_location": None}}, {"moderation": {"model": "m", "policy": None}}, {"verbosity": 1},
]  # fmt: skip


@pytest.mark.parametrize("fields", FIELDS, ids=json.dumps)
def test_what_is_described_is_what_is_taken(described, fields):
    """The schema and the class that is read agree."""
    asked = {"model": "m", "messages": MESSAGES, **fields}
    try:
        from_dict(asked, CreateChatCompletionRequest)
    except ValidationError:
        taken = False
    else:
        taken = True
    assert fits(described, "CreateChatCompletionRequest", asked) is taken


@pytest.mark.parametrize("stream", [False, True])
def test_an_answer_has_the_shape_that_is_described(gateway, described, stream):
    """Whole, and each chunk of it; errors too."""
    ask = gateway()
    told = ask.chat("fast", stream=stream)
    if stream:
        assert all(fits(described, "CreateChatCompletionStreamResponse", one) for one in told.events[:-1])
    else:
        assert fits(described, "CreateChatCompletionResponse", told.json)
        assert not fits(described, "CreateChatCompletionResponse", {**told.json, "choices": None})
    assert fits(described, "ErrorResponse", ask.chat("none").json)
    assert fits(described, "ModelList", ask("/v1/models").json)


def test_what_json_has_not_has_no_schema():
    """It would be a fault of the program."""
    with pytest.raises(TypeError, match="no type of the wire"):
        Schemas().of(bytes)
