"""Explain: what a call would pass and send, told without sending it or reading a secret."""

from __future__ import annotations

import os
from typing import Any

import attrs
import pytest

import jackfield
from jackfield import Acquire, ConfigError, Gate, HttpResponse, Run, Secret, Send, Sleep
from jackfield.config.load import load
from jackfield.explain.explain import explain
from jackfield.explain.views import Explanation
from jackfield.redaction import remember
from jackfield.registry import Registry

CANARY = "sk-canary-explain-0123456789"
URL = "https://api.example/v1"
BEARER = {"use": "bearer", "token": "env:EXPLAIN_KEY"}


@attrs.define(eq=False)
class Stands:
    """A layer around HTTP exchanges that does one thing first."""

    first: Any = None
    secrets: dict[str, Secret] = attrs.field(factory=dict)
    several: tuple[Secret, ...] = ()
    words: tuple[str, ...] = ("plain",)
    besides: Any = None
    _state: Any = attrs.field(default=None, init=False)

    @jackfield.hookimpl
    def wrap_http(self, http_request, call):
        if isinstance(self.first, BaseException):
            raise self.first
        if self.first is not None:
            yield self.first
        held = [*self.secrets.values(), *self.several]
        told = [""] * len(held) + ([] if self.besides is None else [self.besides])
        for place, secret in enumerate(held):
            told[place] = yield from secret.reveal()
        return (yield http_request.with_headers({"x-told": " ".join(told)}))


@attrs.define(eq=False)
class Answers:
    """A layer that answers every exchange by itself."""

    @jackfield.hookimpl
    def wrap_http(self, http_request, call):
        return HttpResponse(500, {}, http_request, None)
        yield


PLUGINS = {"stands": Stands, "answers": Answers}


OAUTH2 = {
    "use": "oauth2",
    "token_url": "https://login.example/token",
    "client_id": "me",
    "client_secret": "env:EXPLAIN_KEY",
}


def told(
    config: Any, model: str | None = None, *, profile: str | None = None, environ=None, **fields: Any
) -> Explanation:
    fields.setdefault("messages", [{"role": "user", "content": "Hello"}])
    registry = Registry(PLUGINS)
    loaded = load(config, profile=profile, environ=environ or {}, installed=registry)
    return explain(loaded, registry, model, fields)


def config(*layers: dict[str, Any], **more: Any) -> dict[str, Any]:
    backend = {"provider": "openai", "base_url": URL, "middleware": list(layers)}
    return {"default_model": "fast", "models": {"fast": "main/m"}, "backends": {"main": backend}, **more}


def test_the_request_is_the_one_that_would_be_sent_and_no_secret_is_read(monkeypatch):
    """The credential stands as its reference; that it is there at all tells that the layer would send it."""
    monkeypatch.setenv("EXPLAIN_KEY", CANARY)
    explanation = told(config(BEARER), stream=True, temperature=0.5)
    request = explanation.rehearsal.request
    assert (request.method, request.url) == ("POST", f"{URL}/chat/completions")
    assert request.headers["authorization"] == "Bearer <env:EXPLAIN_KEY>"
    assert request.headers["accept"] == "text/event-stream"
    assert request.body["model"] == "m"
    assert request.body["temperature"] == 0.5
    assert request.body["stream_options"] == {"include_usage": True}
    assert explanation.rehearsal.note is None
    assert CANARY not in str(explanation.plain())


def test_a_missing_secret_is_no_hindrance():
    """What it is, is not asked."""
    assert told(config({"use": "bearer", "token": "file:/nowhere/key"})).rehearsal.request is not None


@pytest.mark.parametrize("provider", ["openai", "azure", "anthropic", "gemini"])
def test_the_request_shows_no_more_than_the_settings(provider, monkeypatch):
    """What a setting would mask, for its name, its length or its look, is masked where it would be sent too."""
    monkeypatch.setenv("EXPLAIN_KEY", CANARY)
    backend = {
        "provider": provider,
        "base_url": "https://api.example?sig=long-canary-0123456789&v=2&x=0123456789-canary-0123456789",
        "headers": {"x-own": "sk-proj-canary-0123456789", "x-team": "blue"},
        "middleware": [BEARER],
    }
    explanation = told({"default_model": "main/m", "backends": {"main": backend}})
    request = explanation.rehearsal.request
    assert "sig=***&v=2&x=***" in request.url
    assert (request.headers["x-own"], request.headers["x-team"]) == ("***", "blue")
    assert request.headers["authorization"] == "Bearer <env:EXPLAIN_KEY>"
    assert "canary" not in str(explanation.plain())


def test_what_is_known_for_a_secret_is_masked_beside_a_reference_too():
    """A header may hold both."""
    remember(CANARY)
    layer = {"use": "stands", "secrets": {"a": "env:EXPLAIN_KEY"}, "besides": CANARY}
    request = told(config(layer)).rehearsal.request
    assert request.headers["x-told"] == "<env:EXPLAIN_KEY> ***"


def test_secrets_in_tables_and_arrays_stand_as_references_too(monkeypatch):
    """Also those that a program gave by value."""
    layer = {
        "use": "stands",
        "secrets": {"a": "env:EXPLAIN_KEY", "b": Secret.of(CANARY)},
        "several": ["command:print key"],
    }
    request = told(config(layer)).rehearsal.request
    assert request.headers["x-told"] == "<env:EXPLAIN_KEY> <value> <command:print key>"


def test_what_a_layer_would_ask_first_is_told():
    """An endpoint of tokens, say; then the layers' part of the request is missing, which is told too."""
    oauth2 = {
        "use": "oauth2",
        "token_url": "https://login.example/token",
        "client_id": "me",
        "client_secret": "env:EXPLAIN_KEY",
        "client_auth": "body",
    }
    rehearsal = told(config(oauth2)).rehearsal
    assert rehearsal.before.url == "https://login.example/token"
    assert "client_secret=<env:EXPLAIN_KEY>" in rehearsal.before.body
    assert rehearsal.request.url == f"{URL}/chat/completions"
    assert "authorization" not in rehearsal.request.headers
    assert "asks something else first" in rehearsal.note
    plain = told(config(oauth2)).plain()
    assert plain["asked_first"]["method"] == "POST"
    assert plain["note"] == rehearsal.note


def test_a_choice_is_shown_though_its_setting_is_called_like_a_secret():
    """``client_auth`` says how the client shows who it is."""
    layer = told(config({**OAUTH2, "client_auth": "body"})).own[0]
    assert {setting.name: setting.value for setting in layer.settings}["client_auth"] == "body"


def test_an_encoded_reference_is_shown_as_it_was(monkeypatch):
    """User and password in ``Basic``; what is no such thing stays masked."""
    monkeypatch.setenv("EXPLAIN_KEY", CANARY)
    assert told(config(OAUTH2)).rehearsal.before.headers["authorization"] == "Basic me:<env:EXPLAIN_KEY>"
    backend = {"provider": "openai", "base_url": URL, "headers": {"x-one": "Basic bWU6eA==", "x-two": "Basic ?"}}
    request = told({"default_model": "main/m", "backends": {"main": backend}}).rehearsal.request
    assert (request.headers["x-one"], request.headers["x-two"]) == ("***", "***")


@pytest.mark.parametrize(
    ("first", "note"),
    [
        (Run(print), "a layer wants to Run first"),
        (Sleep(3), "a layer wants to Sleep first"),
        (KeyError("x"), "KeyError: 'x'"),
        (ConfigError("no such thing"), "ConfigError: no such thing"),
    ],
)
def test_what_cannot_be_known_is_told(first, note):
    """Nothing is done for a rehearsal; what the provider sends is shown without what the layers add."""
    rehearsal = told(config({"use": "stands", "first": first})).rehearsal
    assert rehearsal.note.startswith(note)
    assert rehearsal.note.endswith("what layers add to the request is not shown")
    assert rehearsal.request.url == f"{URL}/chat/completions"


def test_a_gate_is_passed():
    """No one else waits at it."""
    rehearsal = told(config({"use": "stands", "first": Acquire(Gate(1))})).rehearsal
    assert rehearsal.note is None
    assert "x-told" in rehearsal.request.headers


def test_a_layer_that_answers_by_itself_is_told():
    """As a recording does: what comes of its answer is the provider's affair."""
    note = told(config({"use": "answers"})).rehearsal.note
    assert "what layers add" in note


def test_a_layer_of_its_own_request_is_no_json():
    """Its body is shown as text."""
    send = Send(jackfield.HttpRequest("POST", "https://other.example/", {}, b"a=b"))
    assert told(config({"use": "stands", "first": send})).rehearsal.before.body == "a=b"


def test_a_backend_in_this_process_sends_nothing():
    """It is told, and nothing of it is begun."""
    explanation = told({"default_model": "echo/any", "backends": {"echo": {"provider": "echo"}}})
    assert explanation.rehearsal.request is None
    assert "in this process" in explanation.rehearsal.note
    assert explanation.plain()["request"] is None


def test_the_layers_stand_in_the_order_of_the_onion():
    """The host's outside; each with what it stands around, and all its settings."""
    explanation = told(config(BEARER, middleware=[{"use": "logging", "level": "DEBUG"}, {"use": "retry"}]))
    assert [layer.name for layer in explanation.host] == ["logging#0", "retry#1"]
    assert [layer.name for layer in explanation.own] == ["bearer#2"]
    assert explanation.own[0].around == ("HTTP exchanges",)
    assert explanation.provider.plugin == "OpenAIProvider"
    settings = {setting.name: setting for setting in explanation.host[0].settings}
    assert settings["level"].value == "DEBUG"
    assert settings["content"].value is False
    assert settings["content"].place is None
    assert "_uniform" not in {setting.name for setting in explanation.host[1].settings}
    values = {setting.name: setting.value for setting in explanation.provider.settings}
    assert values["organization"] is None


def test_every_value_has_its_source(tmp_path):
    """File and line, profile, environment, or the plugin's default."""
    path = tmp_path / "jackfield.toml"
    path.write_text(
        'default_model = "fast"\n'
        "[models]\n"
        'fast = "main/m"\n'
        "[backends.main]\n"
        'provider = "openai"\n'
        f'base_url = "{URL}"\n'
        "timeout = { total = 30 }\n"
        "[[middleware]]\n"
        'use = "retry"\n'
        "[profiles.slow.backends.main]\n"
        'organization = "o"\n'
    )
    environ = {"JACKFIELD__MIDDLEWARE__RETRY__MAX_ATTEMPTS": "5"}
    plain = told(path, profile="slow", environ=environ).plain()

    def source(layer: list[dict[str, Any]], name: str) -> dict[str, Any]:
        return next(setting["source"] for setting in layer if setting["name"] == name)

    assert plain["files"] == [str(path)]
    assert plain["profile"] == "slow"
    assert plain["names"][0]["source"] == {"kind": "file", "file": str(path), "line": 1, "path": "default_model"}
    provider = plain["provider"]["settings"]
    assert source(provider, "base_url")["line"] == 6
    assert source(provider, "organization") == {
        "kind": "profile",
        "file": str(path),
        "line": 11,
        "path": "profiles.slow.backends.main.organization",
    }
    retry = plain["middleware"][0]["settings"]
    assert source(retry, "max_attempts")["kind"] == "environment"
    assert source(retry, "max_attempts")["file"] == "JACKFIELD__MIDDLEWARE__RETRY__MAX_ATTEMPTS"
    assert source(retry, "max_retry_after") == {"kind": "default"}
    assert source(plain["limits"], "timeout.total")["line"] == 7
    assert source(plain["limits"], "timeout.idle") == {"kind": "default"}


def test_a_programs_mapping_and_the_built_in_default_are_sources_too():
    """Neither is a file."""
    mapping = told(config()).plain()
    assert mapping["names"][0]["source"]["kind"] == "program"
    environ = {"OPENAI_API_KEY": CANARY, "OPENAI_MODEL": "m"}
    built_in = told(None, environ=environ).plain()
    assert built_in["names"][0]["source"]["kind"] == "environment"
    provider = {setting["name"]: setting["source"]["kind"] for setting in built_in["provider"]["settings"]}
    assert provider["base_url"] == "built-in"
    assert CANARY not in str(built_in)


@pytest.mark.parametrize(
    ("environ", "value", "variable"),
    [
        ({"HTTPS_PROXY": "http://me:canary@p:1"}, "http://***@p:1", "HTTPS_PROXY"),
        ({"all_proxy": "http://p:1", "https_proxy": "p:1"}, "http://p:1", "https_proxy"),
        ({"ALL_PROXY": "http://p:1", "HTTP_PROXY": "http://q:1"}, "http://p:1", "ALL_PROXY"),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "api.example"}, None, None),
    ],
)
def test_a_proxy_of_the_environment_is_told(environ, value, variable, monkeypatch):
    """It is in force where the configuration has none."""
    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    for name, text in environ.items():
        monkeypatch.setenv(name, text)
    limits = {setting.name: setting for setting in told(config()).limits}
    place = limits["transport.proxy"].place
    assert (limits["transport.proxy"].value, place and place.file) == (value, variable)
    own = {**config(), "backends": {"main": {"provider": "openai", "transport": {"proxy": "http://own:2"}}}}
    assert {setting.name: setting.value for setting in told(own).limits}["transport.proxy"] == "http://own:2"


@pytest.mark.parametrize(
    ("model", "trail"),
    [
        (None, [("default_model", "fast"), ("fast", "quick"), ("quick", "main/m")]),
        ("quick", [("quick", "main/m")]),
        ("main/x", []),
        ("bare", [("bare", "main/bare")]),
    ],
)
def test_the_name_of_the_model_is_followed_to_its_backend(model, trail):
    """Each step with the place that says so."""
    explanation = told({**config(), "models": {"fast": "quick", "quick": "main/m"}}, model)
    assert [(step.name, step.value) for step in explanation.trail] == trail


SHARED = {"use": "balance", "models": {"sh": {"main/a": 2, "quick": 1}}}


def test_a_name_that_a_layer_shares_out_is_followed_to_the_first_of_its_models():
    """As a call may be; that there are others is told, and where."""
    explanation = told(
        {**config(middleware=[SHARED]), "models": {"sh": "main/never", "fast": "sh", "quick": "main/q"}}, "sh"
    )
    assert [(step.name, step.value, step.one_of) for step in explanation.trail] == [
        ("sh", "main/a", ("main/a", "quick"))
    ]
    assert (explanation.backend, explanation.model) == ("main", "a")
    assert explanation.plain()["names"][0]["source"]["path"] == 'middleware[0].models.sh."main/a"'
    turned = {**SHARED, "models": {"sh": {"quick": 1, "main/a": 2}}}
    explanation = told(
        {**config(middleware=[turned]), "default_model": "sh", "models": {"sh": "main/x", "quick": "main/q"}}
    )
    assert [(step.name, step.value) for step in explanation.trail] == [
        ("default_model", "sh"),
        ("sh", "quick"),
        ("quick", "main/q"),
    ]
    assert explanation.model == "q"


@pytest.mark.parametrize("layers", [[], [{"use": "stands", "first": Run(print)}], [OAUTH2]])
def test_what_the_provider_leaves_out_is_told(layers):
    """A format may have no words for it, and be allowed to drop it; layers change nothing of that."""
    backend = {"provider": "anthropic", "base_url": URL, "on_unsupported": "drop", "middleware": layers}
    explanation = told({"default_model": "main/m", "backends": {"main": backend}}, seed=3)
    assert explanation.rehearsal.dropped == ("seed",)
    assert explanation.plain()["left_out"] == ["seed"]
    assert told(config()).plain()["left_out"] == []


def test_a_name_that_leads_nowhere_and_a_faulty_configuration_are_errors():
    """With all faults, as everywhere."""
    with pytest.raises(ConfigError, match="no model is named"):
        told({"backends": {"echo": {"provider": "echo"}}})
    with pytest.raises(ConfigError, match="unknown setting"):
        told(config({"use": "bearer", "token": "env:X", "colour": 1}))
