"""The table of services: what each is asked, what it is spared, and that its row is whole."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, get_args

import attrs
import pytest

import jackfield
from jackfield.config.place import Place
from jackfield.construct import construct
from jackfield.errors import UnsupportedParameterError
from jackfield.http import split_url
from jackfield.testing import Reply, ScriptedDriver, make_call, plan, run_call
from jackfield.testing.faults import FaultServer, OpenAIDialect
from jackfield.wire import build_request
from jackfield_openai import OpenAIProvider
from jackfield_openai.deviations import only
from jackfield_openai.fields import FIELDS
from jackfield_openai.preset import PresetName
from jackfield_openai.presets import PRESETS

USER = {"role": "user", "content": "Hello."}
TOOL = {"type": "function", "function": {"name": "add", "parameters": {"type": "object", "properties": {}}}}
VALUES: dict[str, Any] = {
    "audio": {"voice": "alloy", "format": "wav"},
    "frequency_penalty": 0.5,
    "function_call": "none",
    "functions": [{"name": "f"}],
    "logit_bias": {"1": 5},
    "logprobs": True,
    "max_completion_tokens": 7,
    "max_tokens": 9,
    "messages": [USER],
    "metadata": {"a": "b"},
    "modalities": ["text", "audio"],
    "model": "m",
    "moderation": {"model": "m"},
    "n": 2,
    "parallel_tool_calls": False,
    "prediction": {"type": "content", "content": "x"},
    "presence_penalty": 0.5,
    "prompt_cache_key": "k",
    "prompt_cache_options": {"mode": "explicit"},
    "prompt_cache_retention": "24h",
    "reasoning_effort": "high",
    "response_format": {"type": "json_object"},
    "safety_identifier": "s",
    "seed": 3,
    "service_tier": "priority",
    "stop": "END",
    "store": True,
    "stream": True,
    "stream_options": {"include_usage": True},
    "temperature": 0.5,
    "tool_choice": "required",
    "tools": [TOOL],
    "top_logprobs": 2,
    "top_p": 0.5,
    "user": "u",
    "verbosity": "low",
    "web_search_options": {},
}
"""Of each field a value that asks for something."""
KEYED = {name for name, preset in PRESETS.items() if preset.key is not None}


def asked(**fields: Any) -> Any:
    return build_request({"model": "m", "messages": [USER], **fields})


def body(name: str, request: Any, **settings: Any) -> dict[str, Any]:
    """What the service is sent."""
    sent: dict[str, Any] = json.loads(OpenAIProvider(preset=name, **settings).encode(request, make_call()).body)  # type: ignore[arg-type]  # a name of the table
    return sent


# -- the table -------------------------------------------------------------------------------------------------------


def test_type_checkers_know_the_names() -> None:
    """The literal type is the keys of the table, in order."""
    assert get_args(PresetName) == tuple(sorted(PRESETS))


def test_every_field_has_a_value_here() -> None:
    """So that no deviation goes untested."""
    assert tuple(sorted(VALUES)) == FIELDS


@pytest.mark.parametrize("name", PRESETS)
def test_a_row_is_whole(name: str) -> None:
    """A URL without a slash at its end, sources over https, a variable's name, fields that there are."""
    preset = PRESETS[name]
    local = preset.base_url.startswith("http://localhost:")

    assert split_url(preset.base_url)[0].secure
    assert not preset.base_url.endswith("/")
    assert (preset.key is None) == local
    assert local or re.fullmatch(r"[A-Z]+_(API_KEY|TOKEN)", preset.key or "")
    assert preset.sources
    assert all(source.startswith("https://") for source in preset.sources)
    assert {*preset.parameters, *preset.renamed, *preset.arrays} <= set(FIELDS)
    assert all(parameter.taken == "yes" or parameter.note for parameter in preset.parameters.values())
    assert all(note.endswith(".") for note in preset.notes)
    refused = {field for field, parameter in preset.parameters.items() if parameter.taken == "no"}
    assert refused.isdisjoint({"messages", "model", "stream", *preset.renamed, *preset.arrays})


def test_a_list_of_what_is_taken_names_fields_only() -> None:
    """A misspelt one would be refused in silence."""
    with pytest.raises(ValueError, match=r"no field of a request: maxtokens$"):
        only("model", "maxtokens")


# -- a backend of it -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", PRESETS)
def test_the_preset_gives_the_url(name: str) -> None:
    """Of chat completions and of the models; a base_url of the settings stands above it."""
    provider = OpenAIProvider(preset=name)  # type: ignore[arg-type]  # a name of the table

    assert provider.encode(asked(), make_call()).url == f"{PRESETS[name].base_url}/chat/completions"
    assert provider.encode_models(make_call()).url == f"{PRESETS[name].base_url}/models"
    mine = OpenAIProvider(preset=name, base_url="http://127.0.0.1:9/x")  # type: ignore[arg-type]  # a name of the table
    assert mine.encode(asked(), make_call()).url == "http://127.0.0.1:9/x/chat/completions"


@pytest.mark.parametrize("name", sorted(KEYED))
def test_four_lines_of_toml_make_a_backend(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The key is bound to the service's own origin."""
    key = PRESETS[name].key
    monkeypatch.setenv(str(key), "sk-123456789")
    backend = {"provider": "openai", "preset": name, "middleware": [{"use": "bearer", "token": f"env:{key}"}]}

    jackfield.Client(config={"backends": {"a": backend}}).close()


def test_a_preset_that_is_not_there_is_a_fault_at_its_place() -> None:
    """With the names that there are, in a file and in a program."""
    made, (fault,) = construct(OpenAIProvider, {"preset": "grok"}, Place("a.toml", 3, "backends.a"))

    assert made is None
    assert fault.path == "backends.a.preset"
    assert "'groq'" in fault.expected
    with pytest.raises(ValueError, match=r"^preset: expected one of .*, groq, "):
        OpenAIProvider(preset="grok")  # type: ignore[arg-type]  # what is tested


# -- what is sent ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("field", VALUES)
@pytest.mark.parametrize("name", PRESETS)
def test_each_field_is_sent_renamed_or_refused_as_the_table_says(name: str, field: str) -> None:
    """And nothing else is in the body."""
    preset = PRESETS[name]
    parameter = preset.parameters.get(field)
    request = asked(**{field: VALUES[field]})
    if parameter is not None and parameter.taken == "no":
        with pytest.raises(UnsupportedParameterError) as caught:
            body(name, request, include_usage=False)
        assert (caught.value.param, caught.value.stage) == (field, "not_sent")
        assert caught.value.message.startswith(f"{field}: {preset.title} has no way to say it; {parameter.note}")
        assert body(name, request, include_usage=False, on_unsupported="drop") == body(
            name, asked(), include_usage=False
        )
        return
    own = preset.renamed.get(field, field)
    value = [VALUES[field]] if field in preset.arrays else VALUES[field]
    expected: dict[str, Any] = {**preset.defaults, "model": "m", "messages": [USER], own: value}
    if field == "stream_options" and not preset.stream_options:
        del expected[field]

    assert body(name, request, include_usage=False) == expected


@pytest.mark.parametrize("name", PRESETS)
def test_what_asks_for_nothing_special_is_refused_by_none(name: str) -> None:
    """One program runs on all of them."""
    plain = {
        "n": 1,
        "tool_choice": "auto",
        "parallel_tool_calls": True,
        "store": False,
        "logprobs": False,
        "seed": None,
    }

    assert body(name, asked(**plain, temperature=0, max_completion_tokens=5))["temperature"] == 0


@pytest.mark.parametrize("name", [name for name, preset in PRESETS.items() if preset.renamed])
def test_of_two_limits_the_current_one_stands(name: str) -> None:
    """``max_tokens`` is the deprecated one; a null says nothing."""
    assert body(name, asked(max_completion_tokens=5, max_tokens=9))["max_tokens"] == 5
    assert body(name, asked(max_completion_tokens=None, max_tokens=9))["max_tokens"] == 9
    assert "max_completion_tokens" not in body(name, asked(max_completion_tokens=5))


@pytest.mark.parametrize("name", PRESETS)
def test_the_usage_of_a_stream_is_asked_for_where_that_is_taken(name: str) -> None:
    """And nowhere else, whatever the setting says."""
    wanted = {"include_usage": True} if PRESETS[name].stream_options else None

    assert body(name, asked(stream=True)).get("stream_options") == wanted
    assert "stream_options" not in body(name, asked(stream=True), include_usage=False)


@pytest.mark.parametrize("include_usage", [True, False])
@pytest.mark.parametrize("name", PRESETS)
def test_the_usage_of_a_stream_comes_with_the_last_chunk(name: str, include_usage: bool) -> None:
    """Also where it comes unasked."""
    head = {"id": "c", "created": 1, "model": "m"}
    choices = [{"index": 0, "delta": {"content": "Hi"}, "finish_reason": "stop"}]
    usage = {**head, "choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}}
    driver = ScriptedDriver([Reply.of_events({**head, "choices": choices}, usage)])

    run_call(plan(OpenAIProvider(preset=name, include_usage=include_usage)), asked(stream=True), driver)  # type: ignore[arg-type]  # a name of the table

    assert [(len(chunk.choices), chunk.usage.total_tokens) for chunk in driver.delivered] == [(1, 3)]  # type: ignore[union-attr]  # it is there


# -- messages --------------------------------------------------------------------------------------------------------

HISTORY = [
    {"role": "developer", "content": "Be nice."},
    {"role": "user", "content": "Hello.", "name": "ann"},
    {"role": "assistant", "content": "Hi.", "reasoning_content": "Hm."},
    {"role": "assistant", "content": [{"type": "text", "text": "Hi."}], "reasoning": "Hm."},
    {"role": "assistant", "content": "Hi.", "reasoning_content": None},
]


def test_a_role_that_a_service_does_not_know_has_its_old_name() -> None:
    """``system`` says the same."""
    for name in ("cerebras", "deepseek", "mistral", "together"):
        assert body(name, asked(messages=HISTORY[:1]))["messages"] == [{"role": "system", "content": "Be nice."}]
    assert body("vllm", asked(messages=HISTORY[:1]))["messages"] == HISTORY[:1]


def test_a_field_of_a_message_that_a_service_refuses_is_refused_by_its_path() -> None:
    """Or dropped, and the attempt tells; the name of a function's result is not one of those."""
    with pytest.raises(UnsupportedParameterError) as caught:
        body("groq", asked(messages=HISTORY))
    assert caught.value.param == "messages[1].name"

    seen: list[Any] = []

    @attrs.define(eq=False, slots=False)
    class Keep(OpenAIProvider):
        def encode(self, request: Any, call: Any) -> Any:
            seen.append(call)
            return super().encode(request, call)

    results = [
        {"role": "function", "name": "f", "content": "1"},
        {"role": "tool", "tool_call_id": "a", "content": "1", "name": "f"},
    ]
    answer = {"index": 0, "message": {"role": "assistant", "content": "x"}, "finish_reason": "stop"}
    driver = ScriptedDriver([Reply.of_json({"id": "a", "created": 1, "model": "m", "choices": [answer]})])
    run_call(plan(Keep(preset="groq", on_unsupported="drop")), asked(messages=[*HISTORY, *results], store=True), driver)

    assert seen[0].attempts[0].dropped == ("messages[2].reasoning_content", "store", "messages[1].name")
    sent = json.loads(driver.requests[0].body)["messages"]
    assert [message.get("name") for message in sent] == [None] * 5 + ["f", "f"]


def test_reasoning_goes_back_to_mistral_as_it_came() -> None:
    """As a part of the content: a field of its own would be refused."""
    thinking = {"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]}
    said = {"type": "text", "text": "Hi."}

    messages = body("mistral", asked(messages=HISTORY), on_unsupported="drop")["messages"]

    assert [message["content"] for message in messages[2:]] == [[thinking, said], [thinking, said], "Hi."]
    assert all(message.keys().isdisjoint({"reasoning", "reasoning_content"}) for message in messages)


@pytest.mark.parametrize(
    "name", [name for name, one in PRESETS.items() if one.thoughts not in {None, "content"} and one.strict is None]
)
def test_reasoning_goes_back_in_the_field_that_the_service_has_for_it(name: str) -> None:
    """Wherever it came from: Cerebras refuses a field that it does not know, DeepSeek demands its own."""
    place = PRESETS[name].thoughts

    messages = body(name, asked(messages=[*HISTORY[2:], {"role": "assistant", "content": "x", "reasoning": ""}]))[
        "messages"
    ]

    thoughts = [
        {key: message[key] for key in ("reasoning", "reasoning_content") if key in message} for message in messages
    ]
    assert thoughts == [{place: "Hm."}, {place: "Hm."}, {}, {}]


def test_reasoning_goes_back_as_it_came_where_nothing_is_known() -> None:
    """Without a preset, and to services that do not say."""
    assert body("huggingface", asked(messages=HISTORY))["messages"] == HISTORY
    provider = OpenAIProvider(base_url="https://llm.example.com/v1")
    assert json.loads(provider.encode(asked(messages=HISTORY), make_call()).body)["messages"] == HISTORY


def test_an_empty_array_of_tools_is_not_sent() -> None:
    """It says nothing, and Mistral refuses it."""
    assert "tools" not in body("mistral", asked(tools=[]))


def test_the_services_own_fields_stand_above_everything() -> None:
    """In the request, and above that in ``extra_body``."""
    own = asked()
    own = attrs.evolve(own, extra={"context_length_exceeded_behavior": "truncate", "top_k": 5})
    provider = OpenAIProvider(preset="fireworks")

    assert body("fireworks", asked())["context_length_exceeded_behavior"] == "error"
    sent = json.loads(provider.encode(own, make_call(extra_body={"top_k": 6, "max_tokens": 1})).body)
    assert sent == {
        "model": "m", "messages": [USER], "context_length_exceeded_behavior": "truncate", "top_k": 6, "max_tokens": 1
    }  # fmt: skip


# -- against a server ------------------------------------------------------------------------------------------------


class Strict(OpenAIDialect):
    """A service that takes what one preset's documentation lists, and refuses all else."""

    def __init__(self, name: str) -> None:
        preset = PRESETS[name]
        refused = {field for field, parameter in preset.parameters.items() if parameter.taken == "no"}
        unknown = {field for field, own in preset.renamed.items() if own != field}
        unknown |= set() if preset.stream_options else {"stream_options"}
        self.known = {*FIELDS, *preset.renamed.values(), *preset.defaults} - refused - unknown

    def ask(self, method: str, target: str, body: bytes) -> Any:
        """What is asked, of a request without an unknown field."""
        ask = super().ask(method, target, body)
        if ask is not None and not json.loads(body).keys() <= self.known:
            raise ValueError("extra_forbidden")
        return ask


@pytest.mark.parametrize("name", PRESETS)
def test_a_server_that_is_as_strict_as_the_table_takes_every_request(name: str) -> None:
    """Everything that can be asked is asked, with what cannot be said dropped; whole and as a stream."""
    fields: Mapping[str, Any] = {
        key: value for key, value in VALUES.items() if key not in {"model", "messages", "stream", "n", "tools"}
    }
    with FaultServer(Strict(name)) as server:
        backend = {"provider": "openai", "preset": name, "base_url": server.url, "on_unsupported": "drop"}
        with jackfield.Client(config={"backends": {"a": backend}}) as client:
            response = client.create_chat_completion(model="a/ok", messages=[USER], **fields)
            assert response.choices[0].message.content == "Hello."
            del fields["stream_options"]  # type: ignore[attr-defined]  # it is a dict
            with client.create_chat_completion(model="a/ok", messages=[USER], stream=True, **fields) as stream:
                assert "".join(chunk.choices[0].delta.content or "" for chunk in stream) == "Hello."
            assert stream.response.usage is not None
        assert len(server.ledger.of("ok")) == 2
