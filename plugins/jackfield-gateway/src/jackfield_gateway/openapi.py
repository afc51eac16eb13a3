"""GET /openapi.json: what the gateway answers, as an OpenAPI description of version 3.1.

It is for clients' generators, for documentation, and for tests that ask what a description allows. The schemas are made
of the classes that read and write the wire. The paths under ``/inspector`` are the page's own and are left out.
"""

from __future__ import annotations

import functools
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from jackfield.models import (
    CreateChatCompletionRequest,
    CreateChatCompletionResponse,
    CreateChatCompletionStreamResponse,
    ErrorResponse,
    Model,
    ModelList,
)
from jackfield.wire import encode
from jackfield_gateway import metrics
from jackfield_gateway.chat import STEERING
from jackfield_gateway.outbound import Reply
from jackfield_gateway.schemas import HOME, Schema, Schemas
from jackfield_gateway.stored import MOST, NAME, PAIRS, VALUE

if TYPE_CHECKING:
    from jackfield_gateway.gateway import Gateway
    from jackfield_gateway.inbound import Inbound

JSON = "application/json"
PLACE = (400, 403, 421, 431)
"""Refusals of where a request comes from, and of how it is made, which each operation has."""
KEY = (*PLACE, 401, 503)
"""Those of an operation that wants a key."""
BODY = (*KEY, 408, 413, 415)
BACKEND = (404, 409, 422, 429, 502, 504)
"""Those that come of what a backend answers; its other statuses from 400 pass as well."""
WORDS = {
    400: "The request is not what it has to be.",
    401: "No valid key of this gateway was given.",
    403: "A page of another origin asks, or the key may not do this.",
    404: "There is none, or the key may not use it.",
    408: "The body did not come in time.",
    409: "The backend refused: a conflict.",
    413: "The body is too large.",
    415: "The body is not JSON by its content type.",
    421: "The host's name is not the gateway's.",
    422: "The backend refused the request's content.",
    429: "A limit of the key, the gateway or the backend.",
    431: "The headers are too large.",
    502: "The backend cannot be reached, or answered with what is no answer.",
    503: "The gateway is shutting down, or its store does not answer.",
    504: "The backend did not answer in time.",
}


def description(*, keys: bool) -> dict[str, Any]:
    """The description.

    Args:
        keys: whether the gateway demands one.
    """
    schemas = Schemas()
    paths = _paths(schemas)
    for cls in (CreateChatCompletionStreamResponse, ErrorResponse):
        schemas.of(cls)
    components = {name: schemas.components[name] for name in sorted(schemas.components)}
    asked = components["CreateChatCompletionRequest"]
    asked["properties"] |= dict.fromkeys(sorted(STEERING), False)  # what would steer a server is refused
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "jackfield gateway",
            "version": version("jackfield-gateway"),
            "description": "OpenAI's chat completions, in front of whatever jackfield is configured for.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "security": [{"key": []}] if keys else [],
        "paths": paths,
        "components": {
            "schemas": components | _own(),
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer", "description": "A key of the gateway."}},
            "headers": {
                "x-request-id": {
                    "required": True,
                    "description": "Of the request.",
                    "schema": _text("^req_[0-9a-f]{32}$"),
                }
            },
        },
    }


async def describe(gateway: Gateway, _: Inbound) -> Reply:
    """GET /openapi.json."""
    return Reply(encoded(keys=await gateway.ring.demanded()))


@functools.cache
def encoded(*, keys: bool) -> bytes:
    """The description as JSON, made once: it takes milliseconds, and anybody may ask."""
    return encode(description(keys=keys))


def _paths(schemas: Schemas) -> dict[str, Any]:
    whole, model, models = (schemas.of(cls) for cls in (CreateChatCompletionResponse, Model, ModelList))
    chat, one = "/v1/chat/completions", "/v1/chat/completions/{id}"
    id_ = _parameter("id", {"type": "string", "minLength": 1}, "path", required=True)
    page = [
        _parameter("limit", {"type": "integer", "minimum": 1, "maximum": MOST, "default": 20}),
        _parameter("order", {"type": "string", "enum": ["asc", "desc"], "default": "asc"}),
        _parameter("after", {"type": "string"}),
    ]
    narrow = [
        _parameter("model", {"type": "string"}),
        {**_parameter("metadata", _pairs()), "style": "deepObject", "explode": True},
    ]
    return {
        chat: {
            "get": _operation(
                "listChatCompletions",
                "Stored completions.",
                _ref("ChatCompletionList"),
                (*KEY, 404),  # where there is nothing of the id ``after``
                [*page, *narrow],
            ),
            "post": _create(schemas, whole),
        },
        one: {
            "parameters": [id_],
            "get": _operation("getChatCompletion", "A stored completion.", whole, (*KEY, 404)),
            "post": _operation("updateChatCompletion", "Change the metadata of one.", whole, (*BODY, 404))
            | {"requestBody": _body(_ref("UpdateChatCompletionRequest"))},
            "delete": _operation("deleteChatCompletion", "Delete one.", _ref("ChatCompletionDeleted"), (*KEY, 404)),
        },
        f"{one}/messages": {
            "parameters": [id_],
            "get": _operation(
                "getChatCompletionMessages",
                "The messages that one answered.",
                _ref("ChatCompletionMessageList"),
                (*KEY, 404),
                page,
            ),
        },
        "/v1/models": {"get": _operation("listModels", "The names that the client may use.", models, (*KEY, *BACKEND))},
        "/v1/models/{model}": {
            "parameters": [_parameter("model", {"type": "string", "minLength": 1}, "path", required=True)],
            "get": _operation("retrieveModel", "One of them; its name may have slashes.", model, (*KEY, *BACKEND)),
        },
        "/healthz": {"get": _open("health", "Whether it runs.", {"ok"})},
        "/readyz": {"get": _ready()},
        "/metrics": {"get": _metrics()},
        "/openapi.json": {
            "get": _operation("describe", "This description.", {"type": "object"}, (*PLACE, 503)) | {"security": []}
        },
    }


def _create(schemas: Schemas, whole: Schema) -> dict[str, Any]:
    made = _operation("createChatCompletion", "Ask a model.", whole, (*BODY, *BACKEND))
    made["requestBody"] = _body(schemas.of(CreateChatCompletionRequest))
    answer = made["responses"]["200"]
    answer["description"] = (
        "The answer. With `stream`, events whose data are each a CreateChatCompletionStreamResponse, and `[DONE]` after"
        " the last; where it fails on the way, an ErrorResponse is the last."
    )
    answer["content"]["text/event-stream"] = {"schema": {"type": "string"}}
    given = {"id": "$response.body#/id"}
    answer["links"] = {  # where it was asked for with `store`
        name: {"operationId": name, "parameters": given}
        for name in ("getChatCompletion", "updateChatCompletion", "deleteChatCompletion", "getChatCompletionMessages")
    }
    return made


def _ready() -> dict[str, Any]:
    made = _open("ready", "Whether it takes requests.", {"ready"})
    told = {"anyOf": [_status({"draining"}), _ref("ErrorResponse")]}
    made["responses"]["503"] = _answer("It drains, or its store takes nothing.", told, 503)
    return made


def _metrics() -> dict[str, Any]:
    made = _operation("metrics", "Counts and times, in Prometheus's text format.", {"type": "string"}, KEY)
    content = made["responses"]["200"]["content"]
    content[metrics.TYPE] = content.pop(JSON)
    return made


def _open(id_: str, summary: str, words: set[str]) -> dict[str, Any]:
    return _operation(id_, summary, _status(words), PLACE) | {"security": []}


def _status(words: set[str]) -> Schema:
    return {"type": "object", "required": ["status"], "properties": {"status": {"enum": sorted(words)}}}


def _operation(
    id_: str, summary: str, answer: Schema, refusals: tuple[int, ...], parameters: list[Schema] | None = None
) -> dict[str, Any]:
    failed = {str(status): _answer(WORDS[status], _ref("ErrorResponse"), status) for status in sorted(refusals)}
    made: dict[str, Any] = {
        "operationId": id_,
        "summary": summary,
        "responses": {"200": _answer(summary, answer), **failed},
    }
    return made | ({"parameters": parameters} if parameters else {})


def _answer(words: str, schema: Schema, status: int = 200) -> dict[str, Any]:
    headers: dict[str, Any] = {"x-request-id": {"$ref": "#/components/headers/x-request-id"}}
    if status == 401:
        headers["www-authenticate"] = {"required": True, "schema": {"const": "Bearer"}}
    if status in {429, 503}:
        headers["retry-after"] = {
            "description": "Seconds, where they are known.",
            "schema": {"type": "integer", "minimum": 0},
        }
    return {"description": words, "headers": headers, "content": {JSON: {"schema": schema}}}


def _body(schema: Schema) -> dict[str, Any]:
    return {"required": True, "content": {JSON: {"schema": schema}}}


def _parameter(name: str, schema: Schema, place: str = "query", *, required: bool = False) -> Schema:
    return {"name": name, "in": place, "required": required, "schema": schema}


def _ref(name: str) -> Schema:
    return {"$ref": f"{HOME}{name}"}


def _text(pattern: str) -> Schema:
    return {"type": "string", "pattern": pattern}


def _pairs() -> Schema:
    return {"type": "object", "propertyNames": _text(r"^[^\[]+$"), "additionalProperties": {"type": "string"}}


def _list(items: Schema) -> Schema:
    ends = {"type": ["string", "null"]}
    fields = {"object": {"const": "list"}, "data": {"type": "array", "items": items}, "first_id": ends, "last_id": ends}
    return _exact({**fields, "has_more": {"type": "boolean"}})


def _exact(properties: Schema, **more: Any) -> Schema:
    return {"type": "object", "required": list(properties), "properties": properties, **more}


def _own() -> dict[str, Schema]:
    """Schemas of what stored completions have besides, as OpenAI names them."""
    text = {"type": "string"}
    pairs = {
        "type": ["object", "null"],
        "maxProperties": PAIRS,
        "propertyNames": {"maxLength": NAME},
        "additionalProperties": {"type": "string", "maxLength": VALUE},
    }
    words, parts = {"type": ["string", "null"]}, {"type": ["array", "null"], "items": {"type": "object"}}
    message = _exact({"id": text, "role": text, "content": words, "refusal": words, "content_parts": parts})
    deleted = {"object": {"const": "chat.completion.deleted"}, "id": text, "deleted": {"const": True}}
    return {
        "ChatCompletionList": _list(_ref("CreateChatCompletionResponse")),
        "ChatCompletionMessageList": _list(message),
        "ChatCompletionDeleted": _exact(deleted),
        "UpdateChatCompletionRequest": _exact({"metadata": pairs}, additionalProperties=False),
    }
