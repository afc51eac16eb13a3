"""Routes: what is there, what is not, and what pages of allowed origins are told."""

from __future__ import annotations

import attrs
import pytest

from jackfield import hookimpl
from jackfield.errors import APIConnectionError
from jackfield_gateway.settings import GatewaySettings

OPEN = GatewaySettings(keys="never", store="sqlite::memory:", origins=("https://app.example",))
FROM = {"origin": "https://app.example", "sec-fetch-site": "cross-site"}


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/nowhere"), ("POST", "/v1/completions"), ("GET", "/v1"), ("GET", "/v1/models/"), ("GET", "//")],
)
def test_what_is_not_there_is_told_in_the_same_shape(gateway, method, path):
    """Clients read the error of a 404, too."""
    told = gateway(OPEN)(path, method=method)
    assert told.status == 404
    assert told.error.keys() == {"message", "type", "param", "code"}


@pytest.mark.parametrize(("path", "allow"), [("/healthz", "GET, HEAD, OPTIONS"), ("/v1/models", "GET, HEAD, OPTIONS")])
def test_a_method_that_is_not_there_is_refused(gateway, path, allow):
    """With those that are. RFC 9110, section 15.5.6."""
    told = gateway(OPEN)(path, method="DELETE")
    assert (told.status, told.headers["allow"], told.error["code"]) == (405, allow, "method_not_allowed")


def test_a_head_is_a_get_without_its_body(gateway):
    """With the length of it."""
    ask = gateway(OPEN)
    head, get = ask("/healthz", method="HEAD"), ask("/healthz")
    assert (head.status, head.body, head.headers["content-length"]) == (200, b"", str(len(get.body)))


def test_a_page_that_is_allowed_may_read(gateway):
    """The browser asks before, and is told with each answer, refusals included."""
    ask = gateway(OPEN)
    asked = {**FROM, "access-control-request-method": "POST", "access-control-request-headers": "authorization"}
    before = ask("/v1/chat/completions", method="OPTIONS", headers=asked)
    assert (before.status, before.headers["access-control-allow-headers"]) == (204, "authorization")
    assert "POST" in before.headers["access-control-allow-methods"]
    for path in ("/v1/models", "/nowhere"):
        assert ask(path, headers=FROM).headers["access-control-allow-origin"] == "https://app.example"


def test_other_pages_are_told_nothing(gateway):
    """Neither before nor after."""
    ask = gateway(OPEN)
    for method in ("OPTIONS", "GET"):
        told = ask("/v1/models", method=method, headers={"origin": "https://evil.example"})
        assert told.status == 403
        assert not [name for name in told.headers if name.startswith("access-control")]
    plain = ask("/v1/models", method="OPTIONS")
    assert not [name for name in plain.headers if name.startswith("access-control")]


def test_names_of_the_configuration_are_models_too(gateway):
    """They stand before those of the backends, and each can be asked for by name."""
    ask = gateway(OPEN)
    listed = [one["id"] for one in ask("/v1/models").json["data"]]
    assert listed[0] == "fast"
    assert ask("/v1/models/fast").json["id"] == "fast"
    assert ask(f"/v1/models/{listed[-1]}").json["id"] == listed[-1]
    assert ask("/v1/models/none").error["code"] == "model_not_found"


def test_a_backend_that_does_not_answer_hides_no_other(gateway, service):
    """What it has is missing from the list; its failure is in the log."""
    down = {"provider": "openai", "base_url": "http://127.0.0.1:9/v1"}
    up = {"provider": "openai", "base_url": f"{service.url}/v1"}
    listed = [one["id"] for one in gateway(OPEN, backends={"b": up, "down": down})("/v1/models").json["data"]]
    assert any(name.startswith("b/") for name in listed)
    assert not any(name.startswith("down/") for name in listed)
    told = gateway(OPEN, backends={"down": down}, models={})("/v1/models")
    assert (told.status, told.error["code"]) == (502, "backend_unreachable")


def test_backends_that_do_not_answer_are_asked_no_more_often(gateway):
    """Else each client would wait for them, and behind the clients before it."""
    asked = []

    @attrs.define(eq=False)
    class Down:
        @hookimpl
        def create_chat_completion(self, request, call):
            raise NotImplementedError

        @hookimpl
        def list_models(self, call):
            asked.append(call)
            raise APIConnectionError("nobody listens")

    ask = gateway(OPEN, backends={"down": {"provider": "down"}}, models={}, plugins={"down": Down})
    told = [ask("/v1/models").error["code"] for _ in range(3)]
    assert told == ["backend_unreachable"] * 3
    assert len(asked) == 1
