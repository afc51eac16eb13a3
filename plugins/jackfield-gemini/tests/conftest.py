"""What the tests of Gemini's provider share: requests, what is sent for them, and recorded exchanges."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import attrs
import pytest

from jackfield.models import CreateChatCompletionRequest
from jackfield.testing import Reply, ScriptedDriver, make_call, plan, run_call
from jackfield.wire import from_dict
from jackfield_gemini import GeminiProvider

DATA = Path(__file__).parent / "data"
USER = [{"role": "user", "content": "Hello."}]


def request(**fields: Any) -> CreateChatCompletionRequest:
    """A request with these fields."""
    return from_dict({"model": "gemini-2.5-flash", "messages": USER, **fields}, CreateChatCompletionRequest)


def reply(recorded: Mapping[str, Any]) -> Reply:
    """A recorded answer, in the blocks in which it came."""
    if "json" in recorded:
        return Reply(recorded["status"], recorded["headers"], [json.dumps(recorded["json"]).encode()])
    return Reply(recorded["status"], recorded["headers"], [block.encode() for block in recorded["blocks"]])


@attrs.frozen
class Asked:
    """What came of one request.

    Attributes:
        response: the answer.
        chunks: those of a stream.
        body: what was sent.
        url: where to.
    """

    response: Any
    chunks: Any
    body: Any
    url: str


@pytest.fixture
def asked() -> Callable[..., CreateChatCompletionRequest]:
    """From fields to a request."""
    return request


@pytest.fixture
def sent() -> Callable[..., dict[str, Any]]:
    """From fields, and settings of the provider and fields of the call, to the body that is sent."""

    def make(
        settings: Mapping[str, Any] | None = None, call: Mapping[str, Any] | None = None, **fields: Any
    ) -> dict[str, Any]:
        provider = GeminiProvider(**(settings or {}))
        body: dict[str, Any] = json.loads(provider.encode(request(**fields), make_call(**(call or {}))).body)
        return body

    return make


@pytest.fixture
def ask() -> Callable[..., Asked]:
    """From a reply, and fields, to what comes of the call."""

    def make(answer: Reply, settings: Mapping[str, Any] | None = None, **fields: Any) -> Asked:
        driver = ScriptedDriver([answer])
        response = run_call(plan(GeminiProvider(**(settings or {}))), request(**fields), driver)
        (http_request,) = driver.requests
        return Asked(response, driver.delivered, json.loads(http_request.body), http_request.url)

    return make


@pytest.fixture
def recorded() -> Callable[[str], list[tuple[dict[str, Any], Reply]]]:
    """From the name of a recording to its requests and replies."""

    def read(name: str) -> list[tuple[dict[str, Any], Reply]]:
        content = json.loads((DATA / f"{name}.json").read_text(encoding="utf-8"))
        return [(each["request"], reply(each["response"])) for each in content["exchanges"]]

    return read


@pytest.fixture
def answered() -> Callable[..., Reply]:
    """From parts, and further members of the candidate, to a whole answer."""

    def make(*parts: Mapping[str, Any], finish: str | None = "STOP", **members: Any) -> Reply:
        return Reply.of_json(answer(parts, finish, **members))

    return make


@pytest.fixture
def streamed() -> Callable[..., Reply]:
    """From the parts of each event to a stream, whose last event tells why it ended."""

    def make(*events: list[Mapping[str, Any]], finish: str | None = "STOP", **members: Any) -> Reply:
        *first, last = events
        return Reply.of_events(*(answer(parts, None) for parts in first), answer(last, finish, **members), done=False)

    return make


def answer(parts: Any, finish: str | None, **members: Any) -> dict[str, Any]:
    """A GenerateContentResponse with one candidate."""
    candidate = {"content": {"parts": list(parts), "role": "model"}, "index": 0, **members}
    if finish is not None:
        candidate["finishReason"] = finish
    return {"candidates": [candidate], "modelVersion": "gemini-x", "responseId": "r-1"}
