"""The key: the same request has the same one, and no other has."""

from __future__ import annotations

import json
from typing import Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jackfield.hookspecs import hookimpl
from jackfield.http import Backend, Origin
from jackfield.models.messages import ChatCompletionRequestUserMessage
from jackfield.models.request import CreateChatCompletionRequest
from jackfield.plan import Layer, Route
from jackfield.secret import Secret
from jackfield.testing import make_call
from jackfield.wire import build_request, from_dict, to_dict
from jackfield_cache import Cache
from jackfield_cache.key import DELIVERY, canonical, digest, fingerprint

FUNCTION = {"name": "f", "parameters": {"type": "object", "properties": {"a": {}, "b": {}}}}
SAMPLES: dict[str, list[Any]] = {
    "messages": [
        [{"role": "user", "content": "Why?"}],
        [{"role": "user", "content": "Why ?"}],
        [{"role": "system", "content": "Why?"}],
        [{"role": "user", "content": [{"type": "text", "text": "Why?"}]}],
        [{"role": "user", "content": [{"type": "text", "text": "Why?", "x_new": 1}]}],
        [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://a.test/1"}}]}],
        [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://a.test/2"}}]}],
        [{"role": "user", "content": "Why?", "name": "a"}],
        [{"role": "user", "content": "Why?", "x_new": None}],
        [{"role": "user", "content": "Why?"}, {"role": "assistant", "content": "So."}],
        [{"role": "assistant", "content": "So."}, {"role": "user", "content": "Why?"}],
        [{"role": "oracle", "content": "Why?"}],
    ],
    "audio": [None, {"voice": "ash", "format": "mp3"}, {"voice": "ash", "format": "wav"}],
    "frequency_penalty": [None, 0, 1.5],
    "function_call": ["none", "auto", {"name": "f"}],
    "functions": [[FUNCTION], [FUNCTION, FUNCTION]],
    "logit_bias": [None, {}, {"1": 2}, {"1": 3}],
    "logprobs": [None, False, True],
    "max_completion_tokens": [None, 1, 2],
    "max_tokens": [None, 1, 2],
    "metadata": [None, {}, {"a": "1"}, {"a": "2"}],
    "modalities": [None, [], ["text"]],
    "moderation": [None, {"model": "m"}, {"model": "n"}],
    "n": [None, 1, 2],
    "parallel_tool_calls": [False, True],
    "prediction": [None, {"type": "content", "content": "a"}, {"type": "content", "content": "b"}],
    "presence_penalty": [None, 0, 1.5],
    "prompt_cache_key": [None, "a", "b"],
    "prompt_cache_options": [{}, {"mode": "explicit"}],
    "prompt_cache_retention": [None, "24h"],
    "reasoning_effort": [None, "low", "high"],
    "response_format": [
        {"type": "text"},
        {"type": "json_object"},
        {"type": "json_schema", "json_schema": {"name": "s", "schema": {"properties": {"a": {}, "b": {}}}}},
        {"type": "json_schema", "json_schema": {"name": "s", "schema": {"properties": {"b": {}, "a": {}}}}},
    ],
    "safety_identifier": [None, "a", "b"],
    "seed": [None, 0, 1],
    "service_tier": [None, "flex"],
    "stop": [None, "a", ["a"], ["a", "b"], ["b", "a"]],
    "store": [None, False, True],
    "temperature": [None, 0, 0.5],
    "tool_choice": ["none", "auto", {"type": "function", "function": {"name": "f"}}],
    "tools": [[], [{"type": "function", "function": FUNCTION}], [{"type": "oracle"}]],
    "top_logprobs": [0, 1],
    "top_p": [None, 0, 0.5],
    "user": ["a", "b"],
    "verbosity": [None, "low"],
    "web_search_options": [{}, {"search_context_size": "low"}],
}
"""For each field of a request values that are not the same; that it is left out is one more, but for the messages."""
PLACE = ("backend", "m")


def key(request: CreateChatCompletionRequest, place: Any = PLACE, **call: Any) -> Any:
    return digest(request, make_call(**call), place, ())


def ask(**fields: Any) -> CreateChatCompletionRequest:
    return build_request({"model": "m", "messages": SAMPLES["messages"][0], **fields})


def test_every_field_has_samples():
    """A field that is new in the schema is looked at here, or says how the answer comes."""
    assert set(CreateChatCompletionRequest.__wire_fields__) - DELIVERY - {"model"} == set(SAMPLES)


@pytest.mark.parametrize("name", SAMPLES)
def test_each_value_of_a_field_is_another_question(name: str):
    """No two values of a field have one key, nor has a value that of a request without it."""
    requests = [ask(**{name: value}) for value in SAMPLES[name]]
    if name != "messages":
        requests.append(ask())
    keys = [key(request) for request in requests]

    assert None not in keys
    assert len(set(keys)) == len(keys)


def test_fields_are_not_mistaken_for_each_other():
    """One value in two fields makes two questions."""
    keys = [key(ask(**{name: value})) for name in SAMPLES if name != "messages" for value in SAMPLES[name]]

    assert len(set(keys)) == len(keys)


def test_unknown_fields_count():
    """What jackfield does not know is a part of the question all the same."""
    data = {"model": "m", "messages": SAMPLES["messages"][0]}
    keys = [
        key(from_dict({**data, **new}, CreateChatCompletionRequest))
        for new in ({}, {"x": 1}, {"x": 2}, {"y": 1}, {"x": None})
    ]

    assert len(set(keys)) == 5


def test_a_field_stands_before_an_unknown_one_of_its_name():
    """As it is sent."""
    one, other = (attrs.evolve(ask(seed=seed), extra={"seed": 1}) for seed in (2, 3))

    assert key(one) == key(ask(seed=2))
    assert key(one) != key(other)


@pytest.mark.parametrize(
    "fields",
    [
        {"stream": True},
        {"stream": False},
        {"stream": None},
        {"stream": True, "stream_options": None},
        {"stream": True, "stream_options": {"include_usage": True}},
        {"stream": True, "stream_options": {"include_usage": False, "include_obfuscation": True}},
    ],
    ids=str,
)
def test_how_the_answer_comes_does_not_count(fields: dict[str, Any]):
    """A request for a stream is the same question."""
    assert key(ask(**fields)) == key(ask())


def test_unknown_options_of_a_stream_count():
    """Nobody knows what they do."""
    keys = {key(ask(stream_options=options)) for options in ({}, {"x": 1}, {"x": 2})}

    assert len(keys) == 3


def test_dicts_and_values_are_the_same():
    """A message may be given as a value or as a dict, its fields in any order."""
    value = ChatCompletionRequestUserMessage(content="Why?", name="a")
    dicts: list[Any] = [
        {"role": "user", "content": "Why?", "name": "a"},
        {"name": "a", "content": "Why?", "role": "user"},
    ]
    keys = {key(ask(messages=[message])) for message in [value, *dicts]}
    keys.add(key(from_dict(to_dict(ask(messages=[value])), CreateChatCompletionRequest)))

    assert len(keys) == 1


def test_the_order_of_fields_of_the_api_does_not_count():
    """Nor of those that jackfield does not know; of tools, formats and the request itself either."""
    one = {"type": "function", "function": {"name": "f", "strict": True}, "x": 1, "y": 2}
    other = {"y": 2, "x": 1, "function": {"strict": True, "name": "f"}, "type": "function"}

    assert key(ask(tools=[one], seed=1, top_p=1)) == key(ask(top_p=1, seed=1, tools=[other]))


@pytest.mark.parametrize(("one", "other"), [(1, 1.0), (0, 0.0), (0, -0.0), (2, 2.0)])
def test_numbers_are_the_same_with_and_without_a_fraction(one: float, other: float):
    """1 and 1.0 are one number."""
    assert key(ask(temperature=one)) == key(ask(temperature=other))


@pytest.mark.parametrize(
    ("one", "other"), [(1, True), (0, False), (0, None), ("", None), ("1", 1), ([], {}), (0, ""), ({}, None)]
)
def test_values_of_other_types_are_not_the_same(one: Any, other: Any):
    """Where Python takes them for equal, too."""
    assert key(ask(), extra_body={"x": one}) != key(ask(), extra_body={"x": other})


def test_large_numbers_are_not_rounded():
    """Two whole numbers that are one as a fraction are two here."""
    assert key(ask(seed=2**53)) != key(ask(seed=2**53 + 1))


def test_what_the_call_sends_besides_counts():
    """Extra headers and the extra body are a part of the question, each for itself."""
    abouts: list[dict[str, Any]] = [
        {},
        {"extra_headers": {"x": "1"}},
        {"extra_headers": {"x": "2"}},
        {"extra_headers": {"y": "1"}},
        {"extra_body": {"x": "1"}},
        {"extra_body": {"x": {"a": 1, "b": 2}}},
        {"extra_body": {"x": {"b": 2, "a": 1}}},
    ]
    keys = {key(ask(), **about) for about in abouts}

    assert len(keys) == len(abouts)
    one, other = (dict.fromkeys(names, "1") for names in ("xy", "yx"))
    assert key(ask(), extra_headers=one) == key(ask(), extra_headers=other)


def test_labels_count_only_where_they_are_named():
    """Tenants are told apart by the labels that the setting names; none is another than an empty one."""
    calls = [make_call(labels=labels) for labels in ({}, {"t": ""}, {"t": "1"}, {"t": "2"})]

    assert len({digest(ask(), call, PLACE, ("t",)) for call in calls}) == 4
    assert len({digest(ask(), call, PLACE, ()) for call in calls}) == 1
    assert digest(ask(), calls[0], PLACE, ("t", "u")) != digest(ask(), calls[0], PLACE, ("t",))


@pytest.mark.parametrize(
    "value", [float("nan"), float("inf"), object(), b"x", {1: 2}, {"x": {1, 2}}, 10**5000], ids=lambda _: ""
)
def test_what_is_no_json_has_no_key(value: Any):
    """Such a request is not looked up."""
    assert key(ask(), extra_body={"x": value}) is None


def test_what_is_nested_too_deeply_has_no_key():
    """It is for the provider to refuse."""
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]

    assert key(ask(), extra_body={"x": deep}) is None


def test_the_place_counts():
    """One request to two backends, or two models, makes two questions."""
    places = [("a", "m"), ("b", "m"), ("a", "n"), ("am", ""), None]

    assert len({key(ask(), place) for place in places}) == len(places)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)


def _written(value: Any) -> str:
    """A text that two values have in common only if they are one JSON value, by another way than the key's."""
    if isinstance(value, bool) or value is None:
        return json.dumps(value)
    if isinstance(value, int | float):
        from fractions import Fraction

        return str(Fraction(value))
    if isinstance(value, str):
        return json.dumps(value)
    if isinstance(value, list):
        return f"[{','.join(map(_written, value))}]"
    return f"{{{','.join(f'{json.dumps(name)}:{_written(item)}' for name, item in value.items())}}}"


@settings(deadline=None, max_examples=300)  # other processes may want the processor
@given(JSON, JSON)
def test_two_values_have_one_key_only_if_they_are_the_same(one: Any, other: Any):
    """Of any two JSON values, anywhere in a request."""
    same = _written(one) == _written(other)

    assert (key(ask(), extra_body={"x": one}) == key(ask(), extra_body={"x": other})) is same
    assert (key(_unknown(one)) == key(_unknown(other))) is same


def _unknown(value: Any) -> CreateChatCompletionRequest:
    message = {"role": "user", "content": "Why?", "x_new": value}
    return from_dict({"model": "m", "messages": [message]}, CreateChatCompletionRequest)


@settings(deadline=None)  # other processes may want the processor
@given(
    st.dictionaries(st.sampled_from(sorted(SAMPLES)), st.integers(0, 20)), st.sampled_from(sorted(SAMPLES)), st.data()
)
def test_to_change_one_field_is_to_ask_another_question(fields: dict[str, int], changed: str, data: st.DataObject):
    """Whatever else is in the request, and whichever field it is."""
    given_fields = {name: SAMPLES[name][at % len(SAMPLES[name])] for name, at in fields.items()}
    others = [value for value in SAMPLES[changed] if changed not in given_fields or value != given_fields[changed]]
    other = data.draw(st.sampled_from(others))
    if changed == "messages" and changed not in given_fields and other == SAMPLES["messages"][0]:
        return

    assert key(ask(**given_fields)) != key(ask(**{**given_fields, changed: other}))


def test_keys_stay_what_they_are():
    """What was stored by this version is found by the next; where it cannot be, ``FORMAT`` is another."""
    request = ask(temperature=0.0, tools=[{"type": "function", "function": FUNCTION}], user="ü")

    wanted = "fd5407407ab6d506a8706d71e677f956a6fe1504bcc3084f79e5c5ba8732f488"
    assert key(request, extra_headers={"x": "1"}) == wanted


def test_enumerations_are_their_values():
    """A subclass of text or number is written as what it is."""
    from enum import IntEnum, StrEnum

    text, number = StrEnum("Text", {"A": "a"}), IntEnum("Number", {"ONE": 1})

    assert canonical([text.A, number.ONE, True]) == ["a", 1, True]
    assert json.dumps(canonical([text.A, number.ONE])) == '["a", 1]'


@attrs.define(eq=False)
class Provider:
    base: str = "a"
    token: Secret = attrs.field(factory=lambda: Secret("env:TOKEN"))
    seen: int = attrs.field(init=False, default=0)
    _seen: list[int] = attrs.field(init=False, factory=list)

    @hookimpl
    def create_chat_completion(self, request):
        raise AssertionError


def _route(
    provider: Any = None,
    *,
    name: str = "b",
    kind: str = "p",
    origin: Origin | None = None,
    chat: tuple[Any, ...] = (),
    http: tuple[Any, ...] = (),
) -> Route:
    def layer(plugin: Any) -> Layer:
        return Layer("x#0", plugin, "this program", {})

    backend = Backend(name, kind, origin)
    return Route(backend, layer(provider or Provider()), tuple(map(layer, chat)), tuple(map(layer, http)))


def test_the_fingerprint_of_a_backend_has_what_makes_its_answers():
    """Its name, provider, origin, settings, and layers with theirs: each makes it another backend."""

    @attrs.define(eq=False)
    class Layered:
        word: str = "a"

    routes = [
        _route(),
        _route(name="c"),
        _route(kind="q"),
        _route(origin=Origin("https", "a.test", 443)),
        _route(origin=Origin("https", "a.test", 8443)),
        _route(Provider(base="b")),
        _route(Provider(token=Secret("env:OTHER"))),
        _route(chat=(Layered(),)),
        _route(chat=(Layered("b"),)),
        _route(http=(Layered(),)),
        _route(chat=(Layered(), Layered("b"))),
    ]

    assert len({fingerprint(route, Cache) for route in routes}) == len(routes)


def test_the_fingerprint_of_a_backend_does_not_change_by_itself():
    """What a plugin keeps is none of its settings, and those of the cache make no other answer."""
    used = Provider()
    used._seen.append(1)
    used.seen = 1

    assert fingerprint(_route(used), Cache) == fingerprint(_route(), Cache)
    assert fingerprint(_route(chat=(Cache(ttl=1),)), Cache) == fingerprint(_route(), Cache)


def test_no_secret_is_in_a_fingerprint(monkeypatch: pytest.MonkeyPatch):
    """A credential that is renewed leaves answers where they are."""
    provider = Provider()
    before = fingerprint(_route(provider), Cache)
    monkeypatch.setenv("TOKEN", "a-long-secret-token")
    provider.token.read()

    assert fingerprint(_route(provider), Cache) == before
