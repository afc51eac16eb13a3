"""The parameters that are one value, and the table of all of them."""

from __future__ import annotations

from typing import Any

import pytest

from jackfield.errors import UnsupportedParameterError
from jackfield.parameters import Parameter
from jackfield.wire import request_fields
from jackfield_anthropic import AnthropicProvider

BARE = {"model": "m", "max_tokens": 16000, "messages": [{"role": "user", "content": "Hello."}]}


def test_a_chat_is_what_it_says_and_nothing_else(sent):
    """Not even a null."""
    assert sent() == BARE
    assert sent(temperature=None, stop=None, stream=False, user="") == {**BARE, "metadata": {"user_id": ""}}


@pytest.mark.parametrize(
    ("fields", "wanted"),
    [
        ({"max_tokens": 5}, {"max_tokens": 5}),
        ({"max_completion_tokens": 6}, {"max_tokens": 6}),
        ({"max_completion_tokens": 6, "max_tokens": 5}, {"max_tokens": 6}),
        ({"temperature": 0.5, "top_p": 0.9}, {"temperature": 0.5, "top_p": 0.9}),
        ({"temperature": 1}, {"temperature": 1}),
        ({"stop": "END"}, {"stop_sequences": ["END"]}),
        ({"stop": ["a", "b"]}, {"stop_sequences": ["a", "b"]}),
        ({"stop": []}, {}),
        ({"user": "u"}, {"metadata": {"user_id": "u"}}),
        ({"safety_identifier": "s"}, {"metadata": {"user_id": "s"}}),
        ({"safety_identifier": "s", "user": "s"}, {"metadata": {"user_id": "s"}}),
        ({"metadata": {"user_id": "m"}}, {"metadata": {"user_id": "m"}}),
        ({"metadata": {"user_id": "m"}, "user": "u"}, {"metadata": {"user_id": "u"}}),
        ({"metadata": {}}, {}),
        ({"service_tier": "auto"}, {"service_tier": "auto"}),
        ({"service_tier": "default"}, {"service_tier": "standard_only"}),
        ({"stream": True}, {"stream": True}),
        ({"stream": True, "stream_options": {"include_usage": True}}, {"stream": True}),
        ({"n": 1, "logprobs": False, "store": False, "modalities": ["text"]}, {}),
    ],
)
def test_what_has_another_name_is_said_by_it(sent, fields, wanted):
    """What asks for nothing special is left out."""
    assert sent(**fields) == {**BARE, **wanted}


@pytest.mark.parametrize(
    ("fields", "paths", "rest"),
    [
        ({"temperature": 1.5}, ("temperature",), {}),
        ({"stop": " \n"}, ("stop",), {}),
        ({"stop": ["a", "\n"]}, ("stop[1]",), {"stop_sequences": ["a"]}),
        ({"service_tier": "flex"}, ("service_tier",), {}),
        ({"metadata": {"a": "b", "user_id": "u"}}, ("metadata.a",), {"metadata": {"user_id": "u"}}),
        ({"safety_identifier": "s", "user": "u"}, ("user",), {"metadata": {"user_id": "s"}}),
        ({"stream_options": {"include_obfuscation": True}}, ("stream_options.include_obfuscation",), {}),
        ({"stream_options": {"own": 1}}, ("stream_options.own",), {}),
        ({"response_format": {"type": "text", "own": 1}}, ("response_format.own",), {}),
        ({"n": 2, "seed": 7}, ("n", "seed"), {}),
        ({"logit_bias": {"1": 2}}, ("logit_bias",), {}),
        ({"functions": [{"name": "f"}], "function_call": "auto"}, ("function_call", "functions"), {}),
        ({"modalities": ["text", "audio"], "audio": {"voice": "ash", "format": "wav"}}, ("audio", "modalities"), {}),
        ({"verbosity": "low"}, ("verbosity",), {}),
        ({"web_search_options": {}}, ("web_search_options",), {}),
        (
            {"prompt_cache_key": "k", "prompt_cache_retention": "24h"},
            ("prompt_cache_key", "prompt_cache_retention"),
            {},
        ),
        ({"prediction": {"type": "content", "content": "x"}}, ("prediction",), {}),
    ],
)
def test_what_cannot_be_said_is_refused_or_left_out_and_told_of(sent, dropped, fields, paths, rest):
    """Before anything is sent, with its path; the rest of the request goes."""
    with pytest.raises(UnsupportedParameterError) as caught:
        sent(**fields)

    assert caught.value.param in paths
    assert dropped(**fields) == ({**BARE, **rest}, paths)


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"max_completion_tokens": 6, "max_tokens": 5}, "max_tokens"),
        ({"metadata": {"user_id": "m"}, "user": "u"}, "metadata.user_id"),
    ],
)
def test_of_two_ways_to_say_one_thing_the_other_is_told(attempted, fields, path):
    """Nothing is refused for it: the newer one stands."""
    assert attempted(**fields)[1].dropped == (path,)
    assert attempted(max_tokens=5, max_completion_tokens=5)[1].dropped == ()
    assert attempted(max_tokens=5)[1].dropped == attempted(user="u")[1].dropped == ()


def test_the_table_has_every_field_of_a_request():
    """With a note wherever a field is not taken as it is."""
    table: dict[str, Any] = dict(AnthropicProvider.parameters)

    assert set(table) == set(request_fields())
    assert all(isinstance(value, Parameter) for value in table.values())
    assert [name for name, value in table.items() if (value.taken == "yes") != (value.note == "")] == []


NEVER_NULL = {"function_call", "functions", "prompt_cache_options", "top_logprobs", "web_search_options"}
REFUSED = [name for name, value in AnthropicProvider.parameters.items() if value.taken == "no"]


@pytest.mark.parametrize("name", [name for name in REFUSED if name not in NEVER_NULL])
def test_a_null_asks_for_nothing(sent, name):
    """A field that the format does not have may be null."""
    assert sent(**{name: None}) == BARE


def test_fields_of_the_services_own_go_as_they_are(sent):
    """Those of the call win, also over what was translated."""
    call = {"extra_body": {"top_k": 5, "max_tokens": 3, "metadata": None}}

    assert sent({}, call, user="u", top_k=4, container="c") == {
        **BARE, "top_k": 5, "max_tokens": 3, "metadata": None, "container": "c"
    }  # fmt: skip


def test_the_body_is_the_same_for_the_same_request(attempted):
    """Caches of prompts go by bytes."""
    fields: dict[str, Any] = {"tools": [{"type": "function", "function": {"name": "f"}}], "stop": ["a"], "user": "u"}

    assert list(attempted(**fields)[0].items()) == list(attempted(**dict(reversed(fields.items())))[0].items())
