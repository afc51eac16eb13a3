"""The provider: its settings, where requests go, headers, the list of models, and the package."""

from __future__ import annotations

import json
import re
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import attrs
import pytest

from jackfield import AsyncClient, Client
from jackfield.config.place import Place
from jackfield.construct import construct
from jackfield.errors import BadRequestError, InvalidResponseError
from jackfield.provider import HttpProvider
from jackfield.redaction import scrub
from jackfield.testing import Reply, ScriptedDriver, make_call, run_flow
from jackfield.wire import to_dict
from jackfield_gemini import GeminiProvider
from jackfield_gemini.model import family

BASE = "https://generativelanguage.googleapis.com/v1beta"
VERTEX = "https://europe-west1-aiplatform.googleapis.com/v1/projects/p/locations/europe-west1"
README = Path(__file__).parents[1] / "README.md"
MODEL = {
    "name": "models/gemini-2.5-flash", "version": "001", "displayName": "Gemini 2.5 Flash", "inputTokenLimit": 1048576, "outputTokenLimit": 65536,
    "supportedGenerationMethods": ["generateContent", "countTokens", "createCachedContent", "batchGenerateContent"], "temperature": 1, "thinking": True,
}  # fmt: skip


@pytest.mark.parametrize(
    ("base_url", "model", "url"),
    [
        (BASE, "gemini-2.5-flash", f"{BASE}/models/gemini-2.5-flash:generateContent"),
        (f"{BASE}/", "models/gemini-2.5-flash", f"{BASE}/models/gemini-2.5-flash:generateContent"),
        (BASE, "tunedModels/mine-1", f"{BASE}/tunedModels/mine-1:generateContent"),
        (BASE, "a b?c#d&e=f:g@h%2e", f"{BASE}/models/a%20b%3Fc%23d%26e%3Df%3Ag%40h%252e:generateContent"),
        (BASE, "models/a/b", f"{BASE}/models/a/b:generateContent"),
        (BASE, "a/b", f"{BASE}/models/a%2Fb:generateContent"),
        (BASE, "größe", f"{BASE}/models/gr%C3%B6%C3%9Fe:generateContent"),
        (f"{BASE}?a=b", "m", f"{BASE}/models/m:generateContent?a=b"),
        (
            f"{VERTEX}/publishers/google",
            "gemini-3.5-flash",
            f"{VERTEX}/publishers/google/models/gemini-3.5-flash:generateContent",
        ),
        (VERTEX, "endpoints/123", f"{VERTEX}/endpoints/123:generateContent"),
        (VERTEX, "publishers/google/models/m", f"{VERTEX}/publishers/google/models/m:generateContent"),
    ],
)
def test_the_name_of_the_model_is_part_of_the_path(asked: Any, base_url: str, model: str, url: str) -> None:
    """Quoted, so that it stays a name; a stream is asked for as one."""
    provider = GeminiProvider(base_url=base_url)

    assert provider.encode(asked(model=model), make_call()).url == url
    streamed = provider.encode(asked(model=model, stream=True), make_call()).url
    assert (
        streamed == url.replace(":generateContent", ":streamGenerateContent") + ("&" if "?" in url else "?") + "alt=sse"
    )


@pytest.mark.parametrize(
    "model",
    ["", ".", "..", "models/", "models/..", "models/../files", "tunedModels/./x", "publishers/google//x", "a\ud800"],
)
def test_a_name_that_leads_elsewhere_is_refused(asked: Any, model: str) -> None:
    """The key would go with the request."""
    with pytest.raises(BadRequestError) as caught:
        GeminiProvider().encode(asked(model=model), make_call())

    assert (caught.value.param, caught.value.stage) == ("model", "not_sent")


@pytest.mark.parametrize(
    ("base_url", "secret"),
    [
        (f"{BASE}?key=canary-key", "canary-key"),
        (f"{BASE}?alt=json&KEY=canary-key", "canary-key"),
        (f"{BASE}?access_token=canary-key", "canary-key"),
        (f"{BASE}?key=", "nothing"),
        ("generativelanguage.googleapis.com", "nothing"),
        ("https://me:canary-key@a.example", "canary-key"),
        (f"{BASE}#x", "nothing"),
    ],
)
def test_a_base_url_with_a_key_or_that_is_none_is_refused_at_its_setting(base_url: str, secret: str) -> None:
    """URLs stand in logs: the remedy is a header; and what is refused is not repeated."""
    made, faults = construct(GeminiProvider, {"base_url": base_url}, Place("a.toml", 3, "backends.a"))

    assert made is None
    assert [(fault.path, secret in fault.expected) for fault in faults] == [("backends.a.base_url", False)]
    if "key" in base_url.lower().partition("?")[2] or "token" in base_url:
        assert "x-goog-api-key, by the middleware header" in faults[0].expected


@pytest.mark.parametrize(
    ("settings", "path"),
    [
        ({"safety_settings": {"HARASSMENT": "OFF"}}, "safety_settings"),
        ({"safety_settings": {"HARM_CATEGORY_HARASSMENT": ""}}, "safety_settings"),
        ({"on_unsupported": "ignore"}, "on_unsupported"),
        ({"headers": {"X-Goog-Api-Key": "canary"}}, "headers"),
        ({"include_thoughts": "yes"}, "include_thoughts"),
    ],
)
def test_a_setting_that_is_none_is_refused(settings: dict[str, Any], path: str) -> None:
    """At load, with what was expected."""
    made, faults = construct(GeminiProvider, settings, Place("a.toml", 3, "backends.a"))

    assert made is None
    assert [fault.path for fault in faults] == [f"backends.a.{path}"]
    assert "canary" not in faults[0].expected


def test_headers_of_the_call_win_over_those_of_the_backend_and_these_over_the_usual(asked: Any) -> None:
    """No credential among them: that is a middleware's."""
    provider = GeminiProvider(headers={"User-Agent": "mine", "X-Title": "a", "X-Kind": "b"})
    call = make_call(extra_headers={"x-title": "c"})

    whole, streamed = provider.encode(asked(), call), provider.encode(asked(stream=True), call)

    expected = {
        "accept": "application/json",
        "accept-encoding": "identity",
        "content-type": "application/json",
        "user-agent": "mine",
        "x-title": "c",
        "x-kind": "b",
    }
    assert dict(whole.headers) == expected
    assert dict(streamed.headers) == {**expected, "accept": "text/event-stream"}
    assert dict(provider.encode_models(call).headers) == {
        name: value for name, value in expected.items() if name != "content-type"
    }


def test_a_key_in_a_plain_header_is_scrubbed_from_every_text() -> None:
    """It belongs to a middleware, but is a key all the same."""
    provider = GeminiProvider(headers={"X-Subscription-Key": "canary-ggg-777"})

    assert scrub("wrong key canary-ggg-777") == "wrong key ***"
    assert "canary" not in repr(provider)


def test_the_body_is_the_same_for_the_same_request(asked: Any) -> None:
    """Caches of prompts and of answers go by bytes."""
    first = GeminiProvider().encode(asked(seed=1, temperature=0), make_call())

    assert GeminiProvider().encode(asked(temperature=0, seed=1), make_call()).body == first.body


# -- models ----------------------------------------------------------------------------------------------------------


def test_models_that_answer_are_listed() -> None:
    """By the names that a request takes; what no field stands for is kept."""
    others = [{"name": "models/embed", "supportedGenerationMethods": ["embedContent"]}, {"name": "tunedModels/mine"}]
    driver = ScriptedDriver([Reply.of_json({"models": [MODEL, *others]})])
    provider = GeminiProvider(base_url=f"{BASE}?a=b")

    models = run_flow(provider.list_models(make_call(driver)), driver=driver)

    (request,) = driver.requests
    assert (request.method, request.url, request.body) == ("GET", f"{BASE}/models?a=b&pageSize=1000", b"")
    assert [model.id for model in models] == ["gemini-2.5-flash", "tunedModels/mine"]
    assert to_dict(models[0]) == {
        "id": "gemini-2.5-flash", "created": 0, "object": "model", "owned_by": "google", **{name: value for name, value in MODEL.items() if name != "name"},
    }  # fmt: skip


@pytest.mark.parametrize("body", [{}, [], {"models": {}}, {"models": [5]}, {"models": [{}]}, {"models": [{"name": 5}]}])
def test_a_list_of_models_that_is_none_is_an_invalid_response(body: Any) -> None:
    """Vertex AI lists none here."""
    driver = ScriptedDriver([Reply.of_json(body)])

    with pytest.raises(InvalidResponseError, match="models"):
        run_flow(GeminiProvider().list_models(make_call(driver)), driver=driver)


@pytest.mark.parametrize(
    ("name", "version", "new"),
    [
        ("gemini-2.5-flash", (2, 5), False),
        ("gemini-2.0-flash-001", (2, 0), False),
        ("models/gemini-3-flash-preview", (3, 0), True),
        ("publishers/google/models/gemini-3.10-pro", (3, 10), True),
        ("gemini-10", (10, 0), True),
        ("gemini-flash-latest", None, True),
        ("gemma-3-27b-it", None, False),
        ("learnlm-2.0", None, False),
    ],
)
def test_the_family_is_told_by_the_name(name: str, version: tuple[int, int] | None, new: bool) -> None:
    """An alias without a version is new."""
    assert (family(name).version, family(name).new) == (version, new)


# -- a host ----------------------------------------------------------------------------------------------------------


def test_a_refused_request_fails_alike_in_both_clients() -> None:
    """Before a connection is made."""
    config = {"backends": {"g": {"provider": "gemini", "base_url": "http://127.0.0.1:1"}}}
    fields: dict[str, Any] = {
        "model": "g/m",
        "messages": [{"role": "user", "content": "Hello."}],
        "logit_bias": {"1": 1},
    }
    errors: list[Any] = []

    with Client(config) as client, pytest.raises(Exception, match="logit_bias") as caught:
        client.create_chat_completion(**fields)
    errors.append(caught.value)

    async def ask() -> None:
        async with AsyncClient(config) as client:
            await client.create_chat_completion(**fields)

    import asyncio

    with pytest.raises(Exception, match="logit_bias") as caught:
        asyncio.run(ask())
    errors.append(caught.value)

    assert [(type(error).__name__, error.param, len(error.attempts)) for error in errors] == [
        ("UnsupportedParameterError", "logit_bias", 1)
    ] * 2


# -- the package -----------------------------------------------------------------------------------------------------


def test_the_entry_point_leads_to_the_class() -> None:
    """Configuration says ``provider = "gemini"``."""
    (point,) = entry_points(group="jackfield.providers", name="gemini")

    assert point.load() is GeminiProvider
    assert issubclass(GeminiProvider, HttpProvider)


def test_the_readme_lists_every_setting_with_its_default() -> None:
    """The table is the class, neither more nor less."""
    table = README.read_text(encoding="utf-8").partition("| setting |")[2].partition("\n\n")[0]
    rows = dict(re.findall(r"^\| `(\w+)` \| (.+?) \|", table, re.MULTILINE))

    assert rows == {field.alias: written(field.default) for field in attrs.fields(GeminiProvider) if field.init}


def written(default: Any) -> str:
    """A default as the table has it."""
    if isinstance(default, attrs.Factory):  # type: ignore[arg-type]  # a class, for all that its stub says
        return "none"
    return f"`{json.dumps(default).strip(chr(34))}`"


def test_examples_of_the_readme_are_good_configurations(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each by itself."""
    import tomllib

    monkeypatch.setenv("GEMINI_API_KEY", "canary")
    examples = re.findall(r"^```toml\n(.*?)^```$", README.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)

    assert len(examples) == 2
    for example in examples:
        Client(config=tomllib.loads(example)).close()


@pytest.mark.parametrize(
    ("base_url", "end"),
    [
        ("https://generativelanguage.googleapis.com/v1beta/models", "/models"),
        ("https://generativelanguage.googleapis.com/v1beta/models/gemini-x:generateContent", ":generateContent"),
    ],
)
def test_a_base_url_that_is_a_whole_address_is_refused(base_url: str, end: str) -> None:
    """The provider adds the end, and the service would say no more than 404."""
    with pytest.raises(ValueError, match=f"^base_url: expected a URL without {end} at its end"):
        GeminiProvider(base_url=base_url)
