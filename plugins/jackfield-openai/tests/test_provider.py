"""OpenAI's dialect: what is sent, and what is made of the answers; without a network."""

from __future__ import annotations

import json
import re
from importlib.metadata import entry_points, version
from pathlib import Path
from typing import Any

import attrs
import pytest

from jackfield.config.place import Place
from jackfield.construct import construct
from jackfield.errors import (
    AuthenticationError,
    InvalidResponseError,
    JackfieldError,
    NotFoundError,
    RateLimitError,
    StreamInterruptedError,
)
from jackfield.models import CreateChatCompletionRequest
from jackfield.provider import HttpProvider
from jackfield.redaction import scrub
from jackfield.testing import Reply, ScriptedDriver, make_call, plan, run_call, run_flow
from jackfield.wire import from_dict
from jackfield_openai import AzureProvider, OpenAIProvider

MESSAGES = [{"role": "user", "content": "Hello."}]
README = Path(__file__).parents[1] / "README.md"
ANSWER = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1,
    "model": "m-2026",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hi.", "mood": "good"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3},
    "service": "fast",
}  # fmt: skip
USAGE = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}


def asked(**fields: Any) -> CreateChatCompletionRequest:
    return from_dict({"model": "m", "messages": MESSAGES, **fields}, CreateChatCompletionRequest)


def sent(provider: OpenAIProvider | None = None, *, call: dict[str, Any] | None = None, **fields: Any) -> Any:
    """The HTTP request for a request with these fields."""
    return (provider or OpenAIProvider()).encode(asked(**fields), make_call(**(call or {})))


def body(http_request: Any) -> dict[str, Any]:
    decoded: dict[str, Any] = json.loads(http_request.body)
    return decoded


def chunk(content: str | None = None, *, finish: str | None = None, index: int = 0, **fields: Any) -> dict[str, Any]:
    delta = {} if content is None else {"content": content}
    choices = [{"index": index, "delta": delta, "finish_reason": finish}]
    return {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": choices, **fields}


def streamed(*data: Any, provider: OpenAIProvider | None = None, done: bool = True, **fields: Any) -> tuple[Any, Any]:
    """The response and the chunks of a stream with these events."""
    driver = ScriptedDriver([Reply.of_events(*data, done=done)])
    response = run_call(plan(provider or OpenAIProvider()), asked(stream=True, **fields), driver)
    return response, driver.delivered


# -- the request -----------------------------------------------------------------------------------------------------


def test_a_chat_is_posted_under_the_base_url() -> None:
    """Method, URL and body; nothing is sent that was not set."""
    request = sent(temperature=0.5)

    assert (request.method, request.url) == ("POST", "https://api.openai.com/v1/chat/completions")
    assert body(request) == {"messages": MESSAGES, "model": "m", "temperature": 0.5}


def test_the_body_is_the_same_for_the_same_request() -> None:
    """Caches of prompts and of answers go by bytes."""
    assert sent(seed=1, temperature=0).body == sent(temperature=0, seed=1).body


@pytest.mark.parametrize(
    ("base_url", "url"),
    [
        ("http://127.0.0.1:8080/v1", "http://127.0.0.1:8080/v1/chat/completions"),
        ("http://127.0.0.1:8080/v1/", "http://127.0.0.1:8080/v1/chat/completions"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080/chat/completions"),
        ("http://127.0.0.1:8080/", "http://127.0.0.1:8080/chat/completions"),
        ("https://a.example/v1?api-version=2", "https://a.example/v1/chat/completions?api-version=2"),
        ("https://a.example/v1//?a=1&b=2", "https://a.example/v1/chat/completions?a=1&b=2"),
        ("https://[::1]:9/x%20y", "https://[::1]:9/x%20y/chat/completions"),
    ],
)
def test_the_base_url_may_have_a_path_a_slash_and_a_query(base_url: str, url: str) -> None:
    """Gateways put their version or deployment there."""
    provider = OpenAIProvider(base_url=base_url)

    assert sent(provider).url == url
    assert provider.encode_models(make_call()).url == url.replace("/chat/completions", "/models")


@pytest.mark.parametrize(
    "base_url", ["api.openai.com/v1", "ftp://a.example", "", "https://me:secret@a.example", "https://a.example/v1#x", "https://a.example/\n"]
)  # fmt: skip
def test_a_base_url_that_is_none_is_refused_at_its_setting(base_url: str) -> None:
    """At load, and without repeating what may hold a password."""
    made, faults = construct(OpenAIProvider, {"base_url": base_url}, Place("a.toml", 3, "backends.a"))

    assert made is None
    assert [(fault.path, "secret" in fault.expected) for fault in faults] == [("backends.a.base_url", False)]


def test_headers_say_what_is_sent_and_what_is_taken() -> None:
    """No compression is asked for: it would hold back the events of a stream."""
    assert dict(sent().headers) == {
        "accept": "application/json",
        "accept-encoding": "identity",
        "content-type": "application/json",
        "user-agent": f"jackfield/{version('jackfield')}",
    }
    assert sent(stream=True).headers["accept"] == "text/event-stream"


def test_organization_and_project_are_sent_where_they_are_set() -> None:
    """With every request, the list of models included."""
    provider = OpenAIProvider(organization="org-1", project="proj_2")

    for request in (sent(provider), provider.encode_models(make_call())):
        assert request.headers["openai-organization"] == "org-1"
        assert request.headers["openai-project"] == "proj_2"
    assert not {"openai-organization", "openai-project"} & sent().headers.keys()


def test_headers_of_the_call_win_over_those_of_the_backend_and_these_over_the_usual() -> None:
    """Whatever the case in which the configuration writes them."""
    provider = OpenAIProvider(headers={"User-Agent": "mine", "X-Title": "a", "X-Kind": "b"})

    request = sent(provider, call={"extra_headers": {"x-title": "c"}})

    assert request.headers["user-agent"] == "mine"
    assert request.headers["x-title"] == "c"
    assert request.headers["x-kind"] == "b"
    assert provider.encode_models(make_call(extra_headers={"x-title": "c"})).headers["x-title"] == "c"


@pytest.mark.parametrize(
    ("where", "name", "value", "secret"),
    [
        ("headers", "X-Subscription-Key", "canary-ccc-333", "canary-ccc-333"),
        ("query", "key", "canary-eee-555", "canary-eee-555"),
    ],
)
def test_credentials_in_plain_settings_are_scrubbed_from_every_text(
    where: str, name: str, value: str, secret: str
) -> None:
    """They belong to an auth middleware, but a key that stands elsewhere is a key all the same."""
    settings: dict[str, Any] = {"headers": {name: value}} if where == "headers" else {}
    if where == "query":
        settings = {"base_url": f"https://a.example/v1?{name}={value}&api-version=2024-10-21"}

    sent(OpenAIProvider(**settings))

    assert scrub(f"wrong key {secret}") == "wrong key ***"
    assert JackfieldError(f"wrong key {secret}").message == "wrong key ***"
    assert scrub("version 2024-10-21, title") == "version 2024-10-21, title"


@pytest.mark.parametrize("name", ["Authorization", "api-key", "X-API-Key", "cookie"])
def test_a_credential_is_no_plain_header(name: str) -> None:
    """In the settings it would be sent to any origin, in clear, and stand in the file."""
    with pytest.raises(ValueError, match=f"headers: {name} is a credential") as caught:
        OpenAIProvider(headers={name: "canary"})
    assert "canary" not in str(caught.value)


def test_members_of_extra_body_are_added_and_win() -> None:
    """What another server understands goes beside what OpenAI does."""
    request = sent(temperature=0, call={"extra_body": {"top_k": 5, "temperature": 1}})

    assert body(request) == {"messages": MESSAGES, "model": "m", "temperature": 1, "top_k": 5}


@pytest.mark.parametrize(
    ("include_usage", "fields", "options"),
    [
        (True, {"stream": True}, {"include_usage": True}),
        (True, {"stream": True, "stream_options": None}, {"include_usage": True}),
        (True, {"stream": True, "stream_options": {"include_usage": False}}, {"include_usage": False}),
        (True, {"stream": True, "stream_options": {"include_usage": True, "own": [1]}}, {"include_usage": True, "own": [1]}),
        (False, {"stream": True}, ...),
        (True, {"stream": False}, ...),
        (True, {}, ...),
    ],
)  # fmt: skip
def test_usage_is_asked_for_in_streams_unless_the_host_says_otherwise(
    include_usage: bool, fields: dict[str, Any], options: Any
) -> None:
    """The host's own options are left alone, and a server that refuses them can be spared."""
    request = sent(OpenAIProvider(include_usage=include_usage), **fields)

    assert body(request).get("stream_options", ...) == options


# -- the answer ------------------------------------------------------------------------------------------------------


def test_a_whole_answer_becomes_a_response_with_all_that_was_said() -> None:
    """Fields that the schema does not know are kept; the ledger has what the head told."""
    reply = Reply.of_json(ANSWER, x_request_id="req_1", openai_processing_ms="7", x_ratelimit_remaining_requests="9")
    seen: list[Any] = []

    @attrs.define(eq=False)
    class Keep(OpenAIProvider):
        def encode(self, request: Any, call: Any) -> Any:
            seen.append(call)
            return super().encode(request, call)

    response = run_call(plan(Keep()), asked(), ScriptedDriver([reply]))

    (attempt,) = seen[0].attempts
    assert response.choices[0].message.content == "Hi."
    assert response.choices[0].message.extra["mood"] == "good"
    assert response.extra["service"] == "fast"
    assert response.usage.total_tokens == 3
    assert (attempt.status_code, attempt.request_id, attempt.processing_ms) == (200, "req_1", 7.0)
    assert attempt.rate_limit == {"remaining-requests": "9"}


def test_an_answer_of_the_wrong_shape_names_the_path() -> None:
    """Wrong types are not let through to fail in the host."""
    with pytest.raises(InvalidResponseError, match=r"choices"):
        run_call(plan(OpenAIProvider()), asked(), ScriptedDriver([Reply.of_json({**ANSWER, "choices": "none"})]))


@pytest.mark.parametrize(
    ("status", "error", "kind"),
    [
        (401, {"message": "no", "code": "invalid_api_key"}, AuthenticationError),
        (404, {"message": "no", "code": "model_not_found"}, NotFoundError),
        (429, {"message": "no", "code": "insufficient_quota"}, RateLimitError),
    ],
)
def test_a_failure_becomes_the_error_that_its_status_names(status: int, error: Any, kind: type[Exception]) -> None:
    """With the service's own words, code and request id."""
    driver = ScriptedDriver([Reply.of_json({"error": error}, status, x_request_id="req_2")])

    with pytest.raises(kind) as caught:
        run_call(plan(OpenAIProvider()), asked(), driver)

    assert (caught.value.code, caught.value.request_id) == (error["code"], "req_2")  # type: ignore[attr-defined]  # an APIError
    assert driver.unreleased == []


# -- streams ---------------------------------------------------------------------------------------------------------


def test_usage_that_the_host_did_not_ask_for_comes_with_the_last_choice() -> None:
    """Hosts that read ``choices[0]`` of every chunk never meet one without."""
    usage = {**chunk(), "choices": [], "usage": USAGE}

    response, chunks = streamed(chunk("Hi"), chunk("."), chunk(finish="stop"), usage)

    assert [len(one.choices) for one in chunks] == [1, 1, 1]
    assert chunks[-1].usage.total_tokens == 3
    assert response.usage.total_tokens == 3
    assert response.choices[0].message.content == "Hi."


def test_usage_that_the_host_asked_for_comes_as_it_was_sent() -> None:
    """As OpenAI documents it: a last chunk without choices."""
    usage = {**chunk(), "choices": [], "usage": USAGE}

    response, chunks = streamed(chunk("Hi", finish="stop"), usage, stream_options={"include_usage": True})

    assert [len(one.choices) for one in chunks] == [1, 0]
    assert response.usage.total_tokens == 3


def test_a_stream_of_several_choices_is_whole_when_all_of_them_are() -> None:
    """``n`` of the request tells how many there will be; ``[DONE]`` may be missing."""
    first, second = chunk("a", finish="stop"), chunk("b", index=1, finish="stop")

    response, _ = streamed(first, second, done=False, n=2)

    assert [choice.message.content for choice in response.choices] == ["a", "b"]
    with pytest.raises(StreamInterruptedError):
        streamed(first, done=False, n=2)


def test_a_stream_without_its_terminal_signal_is_no_answer() -> None:
    """What had come is in the error."""
    with pytest.raises(StreamInterruptedError) as caught:
        streamed(chunk("Hi"), done=False)

    assert caught.value.partial is not None
    assert caught.value.partial.choices[0].message.content == "Hi"


def test_a_line_of_a_stream_that_is_too_long_is_refused() -> None:
    """The reader takes its limit from the backend."""
    reader = OpenAIProvider().reader(asked(stream=True), 20)

    with pytest.raises(InvalidResponseError):
        reader.feed(b"data: " + b"x" * 30)


# -- models ----------------------------------------------------------------------------------------------------------


def test_models_are_listed_with_the_same_headers() -> None:
    """GET, no body, and the backend's own names."""
    listing = {"object": "list", "data": [{"id": "a", "object": "model", "created": 1, "owned_by": "x"}]}
    driver = ScriptedDriver([Reply.of_json(listing)])
    provider = OpenAIProvider(organization="org-1")

    models = run_flow(provider.list_models(make_call(driver)), driver=driver)

    (request,) = driver.requests
    assert [model.id for model in models] == ["a"]
    assert (request.method, request.url, request.body) == ("GET", "https://api.openai.com/v1/models", b"")
    assert request.headers["openai-organization"] == "org-1"


def test_a_list_of_models_that_is_none_is_an_invalid_response() -> None:
    """Not every compatible server has this path."""
    driver = ScriptedDriver([Reply.of_json({"models": []})])

    with pytest.raises(InvalidResponseError):
        run_flow(OpenAIProvider().list_models(make_call(driver)), driver=driver)


# -- the package -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "kind"), [("openai", OpenAIProvider), ("azure", AzureProvider)])
def test_the_entry_points_lead_to_the_classes(name: str, kind: type[Any]) -> None:
    """Configuration says ``provider = "openai"``."""
    (point,) = entry_points(group="jackfield.providers", name=name)

    assert point.load() is kind
    assert issubclass(kind, HttpProvider)


@pytest.mark.parametrize("kind", [OpenAIProvider, AzureProvider])
def test_the_readme_lists_every_setting_with_its_default(kind: type[Any]) -> None:
    """Each table is the class, neither more nor less."""
    section = README.read_text(encoding="utf-8").partition(f"\n## {kind.__name__.removesuffix('Provider').lower()}\n")[
        2
    ]
    rows = dict(re.findall(r"^\| `(\w+)` \| (.+?) \|", section.partition("\n## ")[0], re.MULTILINE))
    made = kind() if kind is OpenAIProvider else kind(base_url="https://a.example")
    required = {field.name for field in attrs.fields(kind) if field.default is attrs.NOTHING and field.init}

    assert rows == {
        field.alias: "required" if field.name in required else written(getattr(made, field.name))
        for field in attrs.fields(kind)
        if field.init
    }


def written(default: Any) -> str:
    """A default as the table has it."""
    return f"`{json.dumps(default).strip(chr(34))}`" if default not in (None, {}) else "none"


@pytest.mark.parametrize(
    ("base_url", "end"),
    [
        ("https://api.openai.com/v1/chat/completions", "/chat/completions"),
        ("https://api.openai.com/v1/models/", "/v1/models"),
    ],
)
def test_a_base_url_that_is_a_whole_address_is_refused(base_url: str, end: str) -> None:
    """The provider adds the end, and the service would say no more than 404."""
    with pytest.raises(ValueError, match=f"^base_url: expected a URL without {end} at its end"):
        OpenAIProvider(base_url=base_url)
