"""Checks of the gateway that schemathesis makes besides its own; it loads this file where it runs."""

from __future__ import annotations

import json
import os
import threading
from typing import Any

import jsonschema
import requests
import schemathesis

_own = threading.local()


@schemathesis.check
def whole_stream(ctx: Any, response: Any, case: Any) -> None:
    """Each event of a stream is a chunk, and the last is ``[DONE]``; one that failed ends with an error."""
    if not response.headers.get("content-type", [""])[0].startswith("text/event-stream"):
        return
    *lines, end = response.content.decode("utf-8").split("\n\n")
    assert end == "", f"the last event has no end: {end!r}"
    data = [line.removeprefix("data: ") for line in lines]
    assert data[-1] == "[DONE]", f"the last event is {data[-1]!r}"
    described = case.operation.schema.raw_schema
    checker = jsonschema.Draft202012Validator(
        {"$ref": "#/components/schemas/CreateChatCompletionStreamResponse", "components": described["components"]}
    )
    for one in data[:-1]:
        checker.validate(json.loads(one))


@schemathesis.check
def still_ready(ctx: Any, response: Any, case: Any) -> None:
    """The gateway takes requests after this one."""
    if not hasattr(_own, "session"):
        _own.session = requests.Session()
        _own.session.trust_env = False
    told = _own.session.get(os.environ["GATEWAY_READY"], timeout=30)
    assert (told.status_code, told.json()) == (200, {"status": "ready"})


@schemathesis.check
def error_of_openai(ctx: Any, response: Any, case: Any) -> None:
    """Whatever is refused is told as clients read it, even where the description says nothing of it."""
    if response.status_code < 400 or response.request.method == "HEAD":
        return
    error = json.loads(response.content)["error"]
    assert error.keys() == {"message", "type", "param", "code"}
    assert response.headers["x-request-id"][0].startswith("req_")


@schemathesis.hook
def map_body(ctx: Any, body: Any) -> Any:
    """Whole numbers as such: a schema's ``integer`` has 1.0 in it, which neither OpenAI nor jackfield takes for one."""
    if isinstance(body, dict):
        return {name: map_body(ctx, value) for name, value in body.items()}
    if isinstance(body, list):
        return [map_body(ctx, value) for value in body]
    return int(body) if isinstance(body, float) and body.is_integer() else body
