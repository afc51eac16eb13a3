"""A provider that makes one exchange, and a backend behind it that knows some credentials."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs
import pytest

from jackfield.call import Call
from jackfield.flow import Flow, Read, Send
from jackfield.hookspecs import hookimpl
from jackfield.http import HttpRequest, Origin, split_url
from jackfield.models.request import CreateChatCompletionRequest
from jackfield.models.response import CreateChatCompletionResponse
from jackfield.testing import Reply, ScriptedDriver, plan, run_call
from jackfield.wire import from_dict

REQUEST = from_dict({"model": "m", "messages": [{"role": "user", "content": "Hello."}]}, CreateChatCompletionRequest)


@attrs.define(eq=False)
class Exchange:
    """Sends one request; the id of the response is the status of the answer."""

    base_url: str = "https://api.example.com/v1"
    send_to: str | None = None

    @property
    def origin(self) -> Origin:
        return split_url(self.base_url)[0]

    @hookimpl
    def create_chat_completion(self, request: Any, call: Call) -> Flow[CreateChatCompletionResponse]:
        url = f"{self.send_to or self.base_url}/chat/completions"
        response = yield Send(HttpRequest("POST", url, {"content-type": "application/json"}, b"{}"))
        yield Read(response, whole=True)
        return CreateChatCompletionResponse(id=str(response.status), choices=[])


@attrs.define(eq=False)
class Bench:
    """Makes calls through middleware; ``accepted`` are the values of ``header`` that the backend takes.

    ``endpoint`` answers what is sent to the token endpoint.
    """

    provider: Exchange = attrs.field(factory=Exchange)
    header: str = "authorization"
    accepted: set[str] = attrs.field(factory=set)
    endpoint: Callable[[HttpRequest], Reply | BaseException] | None = None
    driver: ScriptedDriver = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.driver = ScriptedDriver(self.answer)

    def answer(self, request: HttpRequest) -> Reply | BaseException:
        if self.endpoint is not None and request.origin.host.startswith("login"):
            return self.endpoint(request)
        return Reply(200 if request.headers.get(self.header) in self.accepted else 401, {}, [b"{}"])

    def call(self, layer: object, **fields: Any) -> str:
        """The status that the provider saw."""
        identifier: str = run_call(plan(self.provider, backend_middleware=[layer]), REQUEST, self.driver, **fields).id
        return identifier

    def sent(self, host: str = "api.example.com") -> list[str | None]:
        """The credentials that were sent to a host, in order."""
        return [request.headers.get(self.header) for request in self.driver.requests if request.origin.host == host]

    def all_released(self) -> bool:
        """Whether the connection of each answer was given back."""
        return not self.driver.unreleased


@pytest.fixture
def bench() -> Bench:
    """A backend at api.example.com that accepts nothing yet."""
    return Bench()
