"""Whatever the service does wrong, a client of the gateway is told in OpenAI's shape, and never that all is well."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any
from urllib.parse import urlsplit

import pytest

from jackfield.testing.faults import FaultServer, OpenAIDialect
from jackfield.testing.faults.cases import Case, cases
from jackfield_gateway import running

pytestmark = pytest.mark.long

CASES = cases(OpenAIDialect())
LIMITS = {"timeout": {"total": 5, "connect": 5, "first_byte": 1, "idle": 1}}
SHAPE = {"message", "type", "param", "code"}


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """Of a gateway in front of a service that fails as the model name says."""
    with ExitStack() as stack:
        service = stack.enter_context(FaultServer())
        backend = {"provider": "openai", "base_url": f"{service.url}/v1", **LIMITS}
        yield stack.enter_context(running({"backends": {"b": backend}}))


def told(url: str, case: Case) -> tuple[int, dict[str, str], bytes]:
    """What is answered: status, headers and body."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)
    body = {"model": f"b/{case.model}", "messages": [{"role": "user", "content": "hi"}], "stream": case.stream}
    try:
        connection.request("POST", "/v1/chat/completions", json.dumps(body), {"content-type": "application/json"})
        answer = connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
    finally:
        connection.close()


def error_of(case: Case, status: int, body: bytes) -> Any:
    """The error that a client finds, by the status or, in a stream, in the last event; None where all is well."""
    if status != 200:
        return json.loads(body)["error"]
    if not case.stream:
        assert json.loads(body)["object"] == "chat.completion"
        return None
    *before, last = [event.removeprefix(b"data: ") for event in body.split(b"\n\n") if event]
    assert all(b'"error"' not in event[:9] and event != b"[DONE]" for event in before)
    return None if last == b"[DONE]" else json.loads(last)["error"]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_each_fault_of_a_service_is_told(url, case):
    """A failure is one in the client's eyes too, good answers pass, and none of it is a fault of the gateway's."""
    status, headers, body = told(url, case)
    error = error_of(case, status, body)
    assert headers["x-request-id"].startswith("req_")
    assert (error is not None) == bool(case.expected)
    if error is not None:
        assert error.keys() == SHAPE
        assert error["message"]
        assert error["code"] != "internal_error"
        assert urlsplit(url).hostname not in error["message"]
