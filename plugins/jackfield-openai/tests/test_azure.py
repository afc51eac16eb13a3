"""Azure OpenAI: where requests go, what versions take, and what is made of recorded answers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import jackfield
from jackfield.config.place import Place
from jackfield.construct import construct
from jackfield.errors import (
    APIError,
    AuthenticationError,
    BadRequestError,
    ContentFilterError,
    NotFoundError,
    RateLimitError,
    UnsupportedParameterError,
)
from jackfield.redaction import remember, scrub
from jackfield.testing import Reply, ScriptedDriver, make_call, plan, run_call, run_flow
from jackfield.testing.faults import FaultServer
from jackfield.wire import build_request
from jackfield_openai import AzureProvider

DATA = Path(__file__).parent / "data" / "azure"
ENDPOINT = "https://example.openai.azure.com"
DEVELOPER = {"role": "developer", "content": "Be nice."}


def asked(**fields: Any) -> Any:
    return build_request({"model": "my-gpt", "messages": [{"role": "user", "content": "Hi."}], **fields})


def sent(request: Any, **settings: Any) -> dict[str, Any]:
    """The body for a request."""
    made: dict[str, Any] = json.loads(
        AzureProvider(**{"base_url": ENDPOINT, **settings}).encode(request, make_call()).body
    )
    return made


def recorded(name: str, status: int = 200, **headers: str) -> Reply:
    return Reply.of_json(json.loads((DATA / name).read_text(encoding="utf-8")), status, **headers)


def streamed(name: str, **fields: Any) -> tuple[Any, list[Any]]:
    """The response and the chunks of a recorded stream."""
    driver = ScriptedDriver([Reply(headers={"content-type": "text/event-stream"}, blocks=[(DATA / name).read_bytes()])])
    response = run_call(plan(AzureProvider(ENDPOINT)), asked(stream=True, **fields), driver)
    return response, list(driver.delivered)


def failed(reply: Reply) -> APIError:
    with pytest.raises(APIError) as caught:
        run_call(plan(AzureProvider(ENDPOINT)), asked(), ScriptedDriver([reply]))
    return caught.value


# -- where it goes ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("base_url", "version", "chat", "models"),
    [
        (ENDPOINT, None, "/openai/v1/chat/completions", "/openai/v1/models"),
        (f"{ENDPOINT}/", "v1", "/openai/v1/chat/completions", "/openai/v1/models"),
        (
            ENDPOINT,
            "preview",
            "/openai/v1/chat/completions?api-version=preview",
            "/openai/v1/models?api-version=preview",
        ),
        (
            ENDPOINT,
            "2024-10-21",
            "/openai/deployments/my-gpt/chat/completions?api-version=2024-10-21",
            "/openai/models?api-version=2024-10-21",
        ),
        (
            f"{ENDPOINT}/team/?a=1",
            "2025-04-01-preview",
            "/team/openai/deployments/my-gpt/chat/completions?a=1&api-version=2025-04-01-preview",
            "/team/openai/models?a=1&api-version=2025-04-01-preview",
        ),
    ],
)
def test_the_version_decides_the_endpoint(base_url: str, version: str | None, chat: str, models: str) -> None:
    """With a date that of the deployment, else the one for all; a gateway's path and query are kept."""
    provider = AzureProvider(base_url, api_version=version)

    assert provider.encode(asked(), make_call()).url == ENDPOINT + chat
    assert provider.encode_models(make_call()).url == ENDPOINT + models


@pytest.mark.parametrize(
    ("model", "quoted"), [("a b", "a%20b"), ("a/../b", "a%2F..%2Fb"), ("a?b#c%", "a%3Fb%23c%25"), ("ü", "%C3%BC")]
)
def test_the_name_of_a_deployment_is_quoted(model: str, quoted: str) -> None:
    """No name leads anywhere else."""
    request = AzureProvider(ENDPOINT, api_version="2024-10-21").encode(asked(model=model), make_call())

    assert request.url == f"{ENDPOINT}/openai/deployments/{quoted}/chat/completions?api-version=2024-10-21"
    assert json.loads(request.body)["model"] == model


@pytest.mark.parametrize("model", ["", ".", "..", "a\ud800"])
def test_a_deployment_that_leads_elsewhere_is_refused(model: str) -> None:
    """The key would go with the request."""
    with pytest.raises(BadRequestError, match=r"^model: "):
        AzureProvider(ENDPOINT, api_version="2024-10-21").encode(asked(model=model), make_call())


@pytest.mark.parametrize(
    ("settings", "path"),
    [
        ({"base_url": f"{ENDPOINT}/openai/v1/"}, "base_url"),
        ({"base_url": f"{ENDPOINT}/openai/deployments/x?api-version=1"}, "base_url"),
        ({"base_url": f"{ENDPOINT}/x/chat/completions/?a=1"}, "base_url"),
        ({"base_url": "example.openai.azure.com"}, "base_url"),
        ({"base_url": ENDPOINT, "api_version": "2024-10"}, "api_version"),
        ({"base_url": ENDPOINT, "api_version": "2024-10-21&x=y"}, "api_version"),
        ({"base_url": ENDPOINT, "headers": {"api-key": "canary"}}, "headers"),
    ],
)
def test_settings_that_cannot_work_are_refused_at_their_place(settings: dict[str, Any], path: str) -> None:
    """Before anything is sent."""
    made, faults = construct(AzureProvider, settings, Place("a.toml", 3, "backends.a"))

    assert made is None
    assert [fault.path for fault in faults] == [f"backends.a.{path}"]
    assert "canary" not in str(faults)


@pytest.mark.parametrize(
    ("middleware", "header", "value"),
    [
        ({"use": "header", "name": "api-key", "value": "env:KEY"}, "api-key", "sk-123456789"),
        ({"use": "bearer", "token": "env:KEY"}, "authorization", "Bearer sk-123456789"),
    ],
)
def test_a_call_goes_to_the_deployment_with_its_key(
    middleware: dict[str, str], header: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the configuration has it."""
    monkeypatch.setenv("KEY", "sk-123456789")
    with FaultServer() as server:
        backend = {
            "provider": "azure",
            "base_url": server.url.removesuffix("/v1"),
            "api_version": "2024-10-21",
            "middleware": [middleware],
        }
        with jackfield.Client(config={"backends": {"a": backend}}) as client:
            response = client.create_chat_completion(model="a/ok", messages=[{"role": "user", "content": "Hello."}])
        (received,) = server.ledger.requests

    assert response.choices[0].message.content == "Hello."
    assert received.target == "/openai/deployments/ok/chat/completions?api-version=2024-10-21"
    assert received.headers[header] == value


def test_a_key_in_the_query_of_a_gateway_is_scrubbed() -> None:
    """It stands where it should not, and is a key all the same."""
    AzureProvider(f"{ENDPOINT}?subscription-key=canary-ggg-777")

    assert scrub("canary-ggg-777") == "***"


# -- what versions take ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("version", "field", "value", "taken"),
    [
        ("2024-08-01-preview", "parallel_tool_calls", False, False),
        ("2024-09-01-preview", "max_completion_tokens", 5, True),
        ("2024-09-01", "max_completion_tokens", 5, True),
        ("2024-10-21", "parallel_tool_calls", False, True),
        ("2024-10-21", "reasoning_effort", "low", False),
        ("2024-12-01-preview", "reasoning_effort", "low", True),
        ("2024-10-21", "store", True, False),
        ("2024-12-01-preview", "prediction", {"type": "content", "content": "x"}, False),
        ("2025-01-01-preview", "prediction", {"type": "content", "content": "x"}, True),
        (None, "reasoning_effort", "low", True),
        ("preview", "verbosity", "low", True),
        ("2024-10-21", "verbosity", "low", True),
    ],
)
def test_a_version_is_not_asked_for_what_it_does_not_know(
    version: str | None, field: str, value: Any, taken: bool
) -> None:
    """The error says since when; what is not documented is the service's to judge."""
    request = asked(**{field: value})
    if taken:
        assert sent(request, api_version=version)[field] == value
        return
    with pytest.raises(
        UnsupportedParameterError, match=rf"^{field}: Azure.*{version}.*set api_version to 202\d-"
    ) as caught:
        sent(request, api_version=version)
    assert caught.value.param == field
    assert field not in sent(request, api_version=version, on_unsupported="drop")


@pytest.mark.parametrize("on_unsupported", ["error", "drop"])
@pytest.mark.parametrize("version", ["2024-02-01", "2024-06-01", "2024-08-01-preview"])
def test_an_old_version_gets_the_limit_of_an_answer_by_its_old_name(version: str, on_unsupported: str) -> None:
    """An answer without the limit that the host set would cost what it did not want to pay."""
    body = sent(asked(max_completion_tokens=5), api_version=version, on_unsupported=on_unsupported)

    assert body["max_tokens"] == 5
    assert "max_completion_tokens" not in body


@pytest.mark.parametrize(
    ("version", "options", "role"),
    [
        ("2024-06-01", None, "system"),
        ("2024-10-21", {"include_usage": True}, "system"),
        ("2024-12-01-preview", {"include_usage": True}, "developer"),
        (None, {"include_usage": True}, "developer"),
    ],
)
def test_an_old_version_is_spared_what_it_would_refuse(version: str | None, options: Any, role: str) -> None:
    """The usage of a stream that the host did not ask for, and a role that came later."""
    body = sent(asked(stream=True, messages=[DEVELOPER]), api_version=version)

    assert body.get("stream_options") == options
    assert body["messages"][0]["role"] == role


def test_usage_that_the_host_asks_an_old_version_for_is_refused() -> None:
    """Nothing is lost without a word."""
    with pytest.raises(UnsupportedParameterError, match=r"^stream_options: "):
        sent(asked(stream=True, stream_options={"include_usage": True}), api_version="2024-06-01")


# -- recorded answers ------------------------------------------------------------------------------------------------


def test_an_answer_keeps_what_the_filter_says() -> None:
    """Of the prompt and of each choice."""
    response = run_call(plan(AzureProvider(ENDPOINT)), asked(), ScriptedDriver([recorded("whole.json")]))

    assert response.choices[0].message.content == "Hello!"
    assert response.extra["prompt_filter_results"][0]["content_filter_results"]["jailbreak"]["detected"] is False
    assert response.choices[0].extra["content_filter_results"]["hate"]["severity"] == "safe"


def test_a_stream_has_a_choice_in_every_chunk() -> None:
    """What is told of the prompt comes with the first, the usage with the last."""
    response, chunks = streamed("stream-default.txt")

    assert [len(chunk.choices) for chunk in chunks] == [1, 1, 1]
    assert chunks[0].extra["prompt_filter_results"][0]["prompt_index"] == 0
    assert chunks[0].id == "chatcmpl-7rAJvsS1QQCDuZYDDdQuMJVMV3x3N"
    assert chunks[1].choices[0].extra["content_filter_results"]["hate"]["severity"] == "safe"
    assert chunks[-1].usage.total_tokens == 17
    assert response.choices[0].message.content == "Color is a subjective perception"
    assert (response.id, response.model, response.created) == (chunks[0].id, "gpt-4o", 1692905411)
    assert response.extra["prompt_filter_results"]


def test_a_host_that_asks_for_usage_gets_the_stream_as_it_is() -> None:
    """With the chunks that have no choice."""
    _, chunks = streamed("stream-default.txt", stream_options={"include_usage": True})

    assert [len(chunk.choices) for chunk in chunks] == [0, 1, 1, 1, 0]


def test_annotations_between_and_after_the_text_do_not_disturb_it() -> None:
    """They have no delta, and the last one comes after the finish reason."""
    response, chunks = streamed("stream-async-filter.txt")

    assert response.choices[0].message.content == "Color is"
    assert response.choices[0].finish_reason == "stop"
    assert [chunk.choices[0].extra.get("content_filter_offsets", {}).get("end_offset") for chunk in chunks] == [
        None, None, 198, None, None, 571
    ]  # fmt: skip
    assert chunks[0].extra["prompt_annotations"]


def test_a_stream_that_is_blocked_ends_with_its_reason() -> None:
    """What had come is an answer, and its finish reason tells that it is not all."""
    response, _ = streamed("stream-blocked.txt")

    assert (response.choices[0].message.content, response.choices[0].finish_reason) == ("Color", "content_filter")
    assert response.choices[0].extra["content_filter_results"]["protected_material_text"]["filtered"] is True


def test_a_blocked_prompt_is_an_error_that_names_what_was_found() -> None:
    """And keeps what the service said."""
    error = failed(recorded("prompt-blocked.json", 400, apim_request_id="r-1"))

    assert isinstance(error, ContentFilterError)
    assert str(error).startswith("HTTP 400: The response was filtered due to the prompt triggering")
    assert str(error).endswith("(found: hate high, jailbreak)")
    assert (error.code, error.param, error.status_code, error.request_id) == ("content_filter", "prompt", 400, "r-1")
    assert "innererror" in (error.body_excerpt or "")


@pytest.mark.parametrize(
    "inner", [None, [], "x", {}, {"content_filter_results": []}, {"content_filter_results": {"hate": 1}},
              {"content_filter_results": {"hate": {"filtered": False}}}]
)  # fmt: skip
def test_a_filter_that_does_not_say_what_it_found_is_an_error_all_the_same(inner: Any) -> None:
    """Whatever shape its details have."""
    error = failed(
        Reply.of_json({"error": {"message": "filtered", "code": "content_filter", "innererror": inner}}, 400)
    )

    assert isinstance(error, ContentFilterError)
    assert str(error) == "HTTP 400: filtered"


def test_what_a_filter_names_is_scrubbed_and_short() -> None:
    """It comes from outside."""
    remember("canary-fff-666")
    results = {"canary-fff-666": {"filtered": True}, "x" * 2000: {"filtered": True}}
    body = {"error": {"message": "m", "code": "content_filter", "innererror": {"content_filter_results": results}}}

    text = str(failed(Reply.of_json(body, 400)))

    assert "found: ***, xxx" in text
    assert len(text) < 400


@pytest.mark.parametrize(
    ("name", "status", "kind", "code", "words"),
    [
        ("unauthorized.json", 401, AuthenticationError, None, "audience is incorrect"),
        ("wrong-key.json", 401, AuthenticationError, "401", "invalid subscription key"),
        ("no-deployment.json", 404, NotFoundError, "DeploymentNotFound", "wait a moment"),
        ("no-path.json", 404, NotFoundError, "404", "Resource not found"),
    ],
)
def test_failures_have_their_class_and_words(
    name: str, status: int, kind: type[APIError], code: Any, words: str
) -> None:
    """With or without an error object, and with a code that is a number in text."""
    error = failed(recorded(name, status))

    assert isinstance(error, kind)
    assert error.code == code
    assert words in str(error)


def test_a_rate_limit_says_how_long_to_wait() -> None:
    """In milliseconds, if both are told."""
    error = failed(recorded("rate-limit.json", 429, retry_after_ms="32500", retry_after="33"))

    assert isinstance(error, RateLimitError)
    assert error.retry_after == 32.5


def test_models_are_listed_without_an_owner() -> None:
    """What else is told of them is kept."""
    driver = ScriptedDriver([recorded("models.json")])
    provider = AzureProvider(ENDPOINT, api_version="2024-10-21")

    (model,) = run_flow(provider.list_models(make_call(driver)), driver=driver)

    assert model.id == "gpt-4o-2024-08-06"
    assert model.extra["capabilities"]["chat_completion"] is True
