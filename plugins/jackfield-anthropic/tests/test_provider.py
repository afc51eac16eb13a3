"""The provider: URLs, headers, settings, and whole calls without a network."""

from __future__ import annotations

import json
from importlib.metadata import entry_points, version
from typing import Any

import attrs
import pytest

from jackfield.config.place import Place
from jackfield.construct import construct
from jackfield.errors import (
    APIError,
    InternalServerError,
    InvalidResponseError,
    StreamInterruptedError,
    UnsupportedParameterError,
)
from jackfield.models import CreateChatCompletionRequest
from jackfield.redaction import scrub
from jackfield.testing import Reply, ScriptedDriver, make_call, plan, run_call, run_flow
from jackfield.wire import from_dict
from jackfield_anthropic import AnthropicProvider

STREAM = {"content-type": "text/event-stream"}


def asked(**fields: Any) -> CreateChatCompletionRequest:
    messages = [{"role": "user", "content": "Hello."}]
    return from_dict({"model": "m", "messages": messages, **fields}, CreateChatCompletionRequest)


@attrs.define(eq=False)
class Keep(AnthropicProvider):
    """Keeps its calls."""

    calls: list[Any] = attrs.field(factory=list)

    def encode(self, request: Any, call: Any) -> Any:
        self.calls.append(call)
        return super().encode(request, call)


# -- the request -----------------------------------------------------------------------------------------------------


def test_a_chat_is_posted_under_the_base_url():
    """With what the service wants to be told, and no compression: it would hold back the events of a stream."""
    request = AnthropicProvider().encode(asked(), make_call())

    assert (request.method, request.url) == ("POST", "https://api.anthropic.com/v1/messages")
    assert dict(request.headers) == {
        "accept": "application/json",
        "accept-encoding": "identity",
        "anthropic-version": "2023-06-01",
        "content-type": "application/json",
        "user-agent": f"jackfield/{version('jackfield')}",
    }
    assert AnthropicProvider().encode(asked(stream=True), make_call()).headers["accept"] == "text/event-stream"


@pytest.mark.parametrize(
    ("base_url", "url"),
    [
        ("http://127.0.0.1:8080/v1", "http://127.0.0.1:8080/v1/messages"),
        ("http://127.0.0.1:8080/v1/", "http://127.0.0.1:8080/v1/messages"),
        ("https://a.example/anthropic/v1?a=b", "https://a.example/anthropic/v1/messages?a=b"),
    ],
)
def test_the_base_url_may_have_a_path_a_slash_and_a_query(base_url, url):
    """Gateways put the service under a path."""
    provider = AnthropicProvider(base_url=base_url)
    listed = url.replace("/messages", "/models")

    assert provider.encode(asked(), make_call()).url == url
    assert provider.encode_models(make_call()).url == f"{listed}{'&' if '?' in url else '?'}limit=1000"


def test_headers_of_the_call_win_over_those_of_the_settings():
    """Betas and version are headers too."""
    provider = AnthropicProvider(
        betas=["a-1", "b-2"], version="2023-01-01", headers={"X-Title": "t", "User-Agent": "mine"}
    )

    request = provider.encode(asked(), make_call(extra_headers={"x-title": "c"}))
    models = provider.encode_models(make_call())

    assert request.headers["anthropic-beta"] == models.headers["anthropic-beta"] == "a-1,b-2"
    assert (request.headers["anthropic-version"], request.headers["user-agent"]) == ("2023-01-01", "mine")
    assert (request.headers["x-title"], models.headers["x-title"]) == ("c", "t")


def test_what_cannot_be_said_is_refused_before_anything_is_sent():
    """And what is dropped stands in the attempt."""
    driver = ScriptedDriver([])
    with pytest.raises(UnsupportedParameterError, match=r"^seed: anthropic has no way to say it") as caught:
        run_call(plan(AnthropicProvider()), asked(seed=7), driver)
    assert (caught.value.stage, driver.requests) == ("not_sent", [])

    provider = Keep(on_unsupported="drop")
    with pytest.raises(APIError):
        run_call(plan(provider), asked(seed=7), ScriptedDriver([Reply.of_json({}, 500)]))
    assert provider.calls[0].attempts[0].dropped == ("seed",)


# -- the settings ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"base_url": "api.anthropic.com"}, "http"),
        ({"base_url": "https://me:canary@a.example"}, "password"),
        ({"max_tokens": 0}, "expected at least 1"),
        ({"on_unsupported": "canary"}, "error"),
        ({"later_system": "canary"}, "system"),
        ({"thinking": "canary"}, "adaptive"),
        ({"thinking_display": "canary"}, "summarized"),
        ({"headers": {"X-API-Key": "canary"}}, "is a credential"),
        ({"betas": "canary"}, "array"),
        ({"max_token": 5}, ""),
    ],
)
def test_a_setting_that_does_not_fit_is_refused_at_its_place(settings, expected):
    """At load, and without repeating what may be a secret."""
    made, faults = construct(AnthropicProvider, settings, Place("a.toml", 3, "backends.a"))

    (fault,) = faults
    assert made is None
    assert fault.path.startswith(f"backends.a.{next(iter(settings))}")
    assert expected in fault.expected
    assert "canary" not in str(fault)


@pytest.mark.parametrize("name", ["on_unsupported", "later_system", "thinking", "thinking_display", "json_by"])
def test_a_choice_that_is_none_is_refused_in_a_program_too(name):
    """With the words that it takes."""
    with pytest.raises(ValueError, match=f"^{name}: expected one of ") as caught:
        AnthropicProvider(**{name: "canary"})
    assert "canary" not in str(caught.value)


def test_the_settings_are_taken_as_a_file_gives_them():
    """All of them."""
    settings = {"base_url": "http://127.0.0.1/v1", "max_tokens": 9, "on_unsupported": "drop", "later_system": "user",
                "thinking": "budget", "thinking_display": "omitted", "version": "v", "betas": ["b"], "headers": {"a": "b"}}  # fmt: skip
    made, faults = construct(AnthropicProvider, settings, Place("a.toml", 3, "backends.a"))

    assert faults == []
    assert {name: getattr(made, name) for name in settings} == settings


def test_credentials_in_plain_settings_are_scrubbed_from_every_text():
    """They belong to an auth middleware, but a key that stands elsewhere is a key all the same."""
    AnthropicProvider(
        base_url="https://a.example/v1?key=canary-fff-666", headers={"X-Subscription-Key": "canary-ggg-777"}
    )

    assert scrub("wrong key canary-fff-666 canary-ggg-777") == "wrong key *** ***"


# -- whole calls -----------------------------------------------------------------------------------------------------


def test_a_whole_answer_comes_with_its_ledger(data):
    """The id of the exchange and the limits of rates are in the head."""
    headers = {"content-type": "application/json", "request-id": "req_1", "anthropic-ratelimit-requests-remaining": "9"}
    provider = Keep()

    response = run_call(plan(provider), asked(), ScriptedDriver([Reply(200, headers, [data("thinking.json")])]))

    (attempt,) = provider.calls[0].attempts
    assert response.choices[0].message.content == "It is 21."
    assert (attempt.outcome, attempt.request_id, attempt.usage) == ("success", "req_1", response.usage)
    assert attempt.rate_limit == {"requests-remaining": "9"}


def test_a_stream_comes_chunk_by_chunk(data):
    """And its response is made of them."""
    stream = data("tools.sse")
    driver = ScriptedDriver([Reply(200, STREAM, [stream[:700], stream[700:]])])

    response = run_call(plan(AnthropicProvider()), asked(stream=True), driver)

    assert "".join(chunk.choices[0].delta.content or "" for chunk in driver.delivered) == "Let me look."
    assert [call.function.name for call in response.choices[0].message.tool_calls] == ["get_weather", "get_time"]
    assert response.usage.prompt_tokens == 2025
    assert driver.unreleased == []


def test_usage_comes_as_the_host_asked_for_it(data):
    """Merged into the last chunk unless there is a chunk for it."""
    for options, choices in ((None, 1), ({"include_usage": False}, 1), ({"include_usage": True}, 0)):
        driver = ScriptedDriver([Reply(200, STREAM, [data("text.sse")])])
        run_call(plan(AnthropicProvider()), asked(stream=True, stream_options=options), driver)

        assert len(driver.delivered[-1].choices) == choices
        assert driver.delivered[-1].usage.total_tokens == 40


def test_a_service_that_is_overloaded_after_its_first_event_may_be_asked_again(data):
    """Nothing was committed; the error is that of the status 529."""
    start = data("text.sse").split(b"\n\n")[0] + b"\n\n"
    error = b'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}\n\n'
    provider = Keep()

    with pytest.raises(InternalServerError, match="Overloaded"):
        run_call(plan(provider), asked(stream=True), ScriptedDriver([Reply(200, STREAM, [start + error])]))

    assert not provider.calls[0].committed


def test_a_stream_that_breaks_tells_what_had_come(data):
    """It is no answer."""
    stream = data("text.sse")
    cut = stream[: stream.index(b'"message_delta"') - 20]

    with pytest.raises(StreamInterruptedError) as caught:
        run_call(plan(AnthropicProvider()), asked(stream=True), ScriptedDriver([Reply(200, STREAM, [cut])]))

    assert caught.value.partial is not None
    assert caught.value.partial.choices[0].message.content == "Hello! Grüße, 世界 👋"


@pytest.mark.parametrize(
    "body", [{"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}, {}]
)
def test_an_answer_that_is_none_is_an_error(body):
    """Though its status is 200."""
    with pytest.raises((InternalServerError, InvalidResponseError)):
        run_call(plan(AnthropicProvider()), asked(), ScriptedDriver([Reply.of_json(body)]))


def test_models_are_listed_with_the_same_headers(data):
    """GET, no body."""
    driver = ScriptedDriver([Reply(200, {"content-type": "application/json"}, [data("llama_models.json")])])

    models = run_flow(AnthropicProvider().list_models(make_call(driver)), driver=driver)

    (request,) = driver.requests
    assert [model.id for model in models] == ["tiny"]
    assert (request.method, request.url, request.body) == ("GET", "https://api.anthropic.com/v1/models?limit=1000", b"")
    assert request.headers["anthropic-version"] == "2023-06-01"


def test_a_conversation_with_tools_goes_on(data):
    """The message of the reply and the results of its calls are the next request."""
    replies = [Reply(200, {}, [data(f"{name}.json")]) for name in ("tools", "text")]
    driver, provider = ScriptedDriver(replies), AnthropicProvider()
    first = run_call(plan(provider), asked(), driver).choices[0].message
    results = [{"role": "tool", "tool_call_id": call.id, "content": call.function.name} for call in first.tool_calls]
    request = from_dict({"model": "m", "messages": [*asked().messages, first, *results]}, CreateChatCompletionRequest)

    response = run_call(plan(provider), request, driver)

    assert json.loads(driver.requests[1].body)["messages"] == [
        {"role": "user", "content": "Hello."},
        {"role": "assistant", "content": json.loads(data("tools.json"))["content"]},
        {"role": "user", "content": [
            {"type": "tool_result", "tool_use_id": "toolu_01", "content": "get_weather"},
            {"type": "tool_result", "tool_use_id": "toolu_02", "content": "get_time"},
        ]},
    ]  # fmt: skip
    assert response.choices[0].message.content == "Hello! Grüße, 世界 👋"


# -- the package -----------------------------------------------------------------------------------------------------


def test_the_package_publishes_the_provider():
    """Under the name that the configuration uses."""
    (found,) = entry_points(group="jackfield.providers", name="anthropic")

    assert found.load() is AnthropicProvider


@pytest.mark.parametrize(
    ("base_url", "end"),
    [
        ("https://api.anthropic.com/v1/messages", "/messages"),
        ("https://api.anthropic.com/v1/models", "/models"),
    ],
)
def test_a_base_url_that_is_a_whole_address_is_refused(base_url, end):
    """The provider adds the end, and the service would say no more than 404."""
    with pytest.raises(ValueError, match=f"^base_url: expected a URL without {end} at its end"):
        AnthropicProvider(base_url=base_url)
