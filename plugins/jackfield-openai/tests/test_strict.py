"""Services that refuse what they do not know in messages: what is left out for them, and what stands for it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from jackfield.call import Attempt
from jackfield.http import Backend
from jackfield.models import ChatCompletionRequestAssistantMessage
from jackfield.models.messages import ChatCompletionRequestToolMessage
from jackfield.testing import make_call
from jackfield.wire import build_request
from jackfield_openai import AzureProvider, OpenAIProvider
from jackfield_openai.preset import PresetName
from jackfield_openai.strict import AZURE as AZURES
from jackfield_openai.strict import GROQ, MISTRAL, OPENAI, PRIVATE, PRIVATE_OF_CALLS, Strict, settled

USER = {"role": "user", "content": "Hello.", "reasoning": "The host's own."}
CALL = {"id": "call_1", "type": "function", "function": {"name": "look", "arguments": "{}"}}
LONG = "chatcmpl-tool-" + "0a" * 16
AZURE = "https://r.openai.azure.com"


def sent(provider: Any, *messages: Any) -> tuple[list[Any], tuple[str, ...]]:
    """The messages that are sent after the user's, and what was left out."""
    call = make_call()
    call.attempts.append(Attempt(number=1, backend=Backend("b", "openai"), model="m"))
    request = build_request({"model": "m", "messages": [USER, *messages]})
    body = json.loads(provider.encode(request, call).body)
    return body["messages"][1:], call.attempts[0].dropped


def said(**fields: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": "Hi.", **fields}


@pytest.mark.parametrize("name", sorted(PRIVATE))
def test_a_private_field_is_left_out_and_told_of(name: str) -> None:
    """OpenAI would answer 400 to it; a null says nothing, and is not told of."""
    assert sent(OpenAIProvider(), said(**{name: "x"})) == ([said()], (f"messages[1].{name}",))
    assert sent(OpenAIProvider(), said(**{name: None})) == ([said()], ())


@pytest.mark.parametrize("name", sorted(PRIVATE_OF_CALLS))
def test_a_private_field_of_a_call_is_left_out_and_told_of(name: str) -> None:
    """Signatures are there, where the message itself has none."""
    message = said(tool_calls=[CALL, {**CALL, name: 1}])

    assert sent(OpenAIProvider(), message) == (
        [said(tool_calls=[CALL, CALL])],
        (f"messages[1].tool_calls[1].{name}",),
    )


def test_other_unknown_fields_pass() -> None:
    """They are the host's own, or newer than this; so are those of its own messages."""
    message = said(tomorrow=1, tool_calls=[{**CALL, "tomorrow": 2}])
    provider = OpenAIProvider()

    assert sent(provider, message) == ([message], ())
    request = build_request({"model": "m", "messages": [USER]})
    assert json.loads(provider.encode(request, make_call()).body)["messages"] == [USER]


@pytest.mark.parametrize(
    ("url", "strict"),
    [
        ("https://api.openai.com/v1", True),
        ("https://eu.api.openai.com/v1", True),
        ("https://notapi.openai.com.example/v1", False),
        ("https://myapi.openai.com/v1", False),
        ("http://localhost:8080/v1", False),
    ],
)
def test_a_service_that_is_not_known_takes_everything(url: str, strict: bool) -> None:
    """Whoever stands behind a URL may want it all back."""
    message = said(reasoning_content="Hm.", thinking_blocks=[])

    assert sent(OpenAIProvider(base_url=url), message)[0] == [said() if strict else message]


@pytest.mark.parametrize("version", [None, "2024-10-21"])
def test_azure_takes_back_what_it_found(version: str | None) -> None:
    """All else that is private is left out, whatever the version."""
    provider = AzureProvider(base_url=AZURE, api_version=version)

    assert sent(provider, said(context={}, reasoning="Hm.")) == ([said(context={})], ("messages[1].reasoning",))


def test_ids_that_are_too_long_are_replaced() -> None:
    """In the call and in its result, with what was made by hand too; ids that are taken stay."""
    results = [{"role": "tool", "tool_call_id": identity, "content": "1"} for identity in (LONG, "call_1")]

    (message, first, second), dropped = sent(OpenAIProvider(), said(tool_calls=[{**CALL, "id": LONG}, CALL]), *results)

    made = message["tool_calls"][0]["id"]
    assert first["tool_call_id"] == made != LONG
    assert len(made) == 40
    assert message["tool_calls"][1]["id"] == second["tool_call_id"] == "call_1"
    assert dropped == ()


def test_ids_of_mistral_have_nine_letters_and_digits() -> None:
    """https://docs.mistral.ai/capabilities/function_calling; two ids stay two."""
    ids = ["call_1", "call_2", "aB3dE6gH9"]
    calls = [{**CALL, "id": identity} for identity in ids]
    results = [{"role": "tool", "tool_call_id": identity, "content": "1"} for identity in ids]

    (message, *answers), _ = sent(OpenAIProvider(preset="mistral"), said(tool_calls=calls), *results)

    made = [call["id"] for call in message["tool_calls"]]
    assert made == [answer["tool_call_id"] for answer in answers]
    assert [len(identity) for identity in made] == [9, 9, 9]
    assert all(identity.isalnum() for identity in made)
    assert len(set(made)) == 3
    assert made[2] == ids[2]


@pytest.mark.parametrize(
    ("name", "taken"), [("sea.look:now", "sea_look_now"), ("", "_"), ("a" * 65, "a" * 64), ("look-1_b", "look-1_b")]
)
def test_names_that_are_not_taken_are_replaced(name: str, taken: str) -> None:
    """Gemini takes dots and colons, and any model may call what there is not."""
    call = {**CALL, "function": {"name": name, "arguments": "{}"}}

    (message,), _ = sent(OpenAIProvider(), said(tool_calls=[call]))

    assert message["tool_calls"][0]["function"] == {"name": taken, "arguments": "{}"}


@pytest.mark.parametrize("preset", ["groq", "mistral"])
@pytest.mark.parametrize(
    ("fields", "content", "told"),
    [
        ({"content": None, "refusal": "No."}, "No.", ()),
        ({"content": "Hi.", "refusal": "No."}, "Hi.", ("messages[1].refusal",)),
        ({"content": None, "audio": {"id": "a", "transcript": "Hello."}}, "Hello.", ("messages[1].audio",)),
        ({"refusal": "No.", "audio": {"id": "a", "transcript": "Hm."}}, "No.", ("messages[1].audio",)),
        ({"content": "Hi.", "audio": {"id": "a"}}, "Hi.", ("messages[1].audio",)),
        ({"content": "Hi.", "refusal": None, "audio": None}, "Hi.", ()),
    ],
)
def test_what_a_service_has_no_field_for_is_content(
    preset: PresetName, fields: dict[str, Any], content: str, told: tuple[str, ...]
) -> None:
    """The model said it, in whatever form."""
    provider = OpenAIProvider(preset=preset)

    assert sent(provider, {"role": "assistant", **fields}) == ([said(content=content)], told)


def test_groq_takes_its_own_thoughts_only() -> None:
    """Models there that do not think refuse ``reasoning``, and a conversation may come to them from one that does."""
    provider = OpenAIProvider(preset="groq")

    assert sent(provider, said(reasoning="Hm.")) == ([said(reasoning="Hm.")], ())
    assert sent(provider, said(reasoning_content="Hm.")) == ([said()], ("messages[1].reasoning_content",))


def test_deepseek_gets_thoughts_with_every_call() -> None:
    """Without the field it refuses the request, also where another model called, which told of no thoughts."""
    provider = OpenAIProvider(preset="deepseek")

    (called, spoken), _ = sent(provider, said(tool_calls=[CALL]), said())

    assert called == said(tool_calls=[CALL], reasoning_content="")
    assert spoken == said()
    assert sent(provider, said(tool_calls=[CALL], reasoning="Hm."))[0][0]["reasoning_content"] == "Hm."


def test_calls_of_other_kinds_stay() -> None:
    """A custom tool's, and one of a kind that is not known, which may have no id."""
    custom = {"type": "custom", "id": LONG, "custom": {"name": "f", "input": "x"}}
    dance = {"type": "dance", "steps": 3}

    (message,), dropped = sent(OpenAIProvider(), said(tool_calls=[custom, dance]))

    assert message["tool_calls"][0] == {**custom, "id": message["tool_calls"][0]["id"]}
    assert len(message["tool_calls"][0]["id"]) == 40
    assert message["tool_calls"][1] == dance
    assert dropped == ()


@pytest.mark.parametrize("preset", ["groq", "mistral"])
def test_a_call_of_a_custom_tool_is_that_of_a_function(preset: PresetName) -> None:
    """With one text; neither of the two has another kind of tools."""
    called = {"name": "f", "input": 'a "word"', "own": 1, "null": None}
    custom = {"id": "aB3dE6gH9", "type": "custom", "custom": called, "caller": {}}

    (message,), dropped = sent(OpenAIProvider(preset=preset), said(tool_calls=[custom]))

    function = {"name": "f", "arguments": '{"input":"a \\"word\\""}'}
    assert message["tool_calls"] == [{"id": "aB3dE6gH9", "type": "function", "function": function}]
    assert dropped == ("messages[1].tool_calls[0].caller", "messages[1].tool_calls[0].custom.own")


@pytest.mark.parametrize("strict", [OPENAI, AZURES, GROQ, MISTRAL], ids=["openai", "azure", "groq", "mistral"])
def test_a_request_without_any_of_it_is_not_copied(strict: Strict) -> None:
    """Which is nearly every one; and without an attempt nothing is entered."""
    call = {**CALL, "id": "aB3dE6gH9"}
    result = {"role": "tool", "tool_call_id": "aB3dE6gH9", "content": "1"}
    plain = build_request({"model": "m", "messages": [USER, said(tool_calls=[call]), result, said()]})
    moved = build_request({"model": "m", "messages": [said(reasoning_details=[1])]})

    assert settled(plain, strict, make_call()) is plain
    assert settled(moved, strict, make_call()) == build_request({"model": "m", "messages": [said()]})


@pytest.mark.parametrize(("strict", "identity"), [(OPENAI, LONG), (GROQ, LONG + LONG), (MISTRAL, "call_1")])
def test_an_id_that_is_not_taken_is_the_same_with_and_without_its_call(strict: Strict, identity: str) -> None:
    """The host may have cut the history between a call and its result."""
    result = {"role": "tool", "tool_call_id": identity, "content": "1"}
    whole, cut = (
        settled(build_request({"model": "m", "messages": messages}), strict, make_call())
        for messages in ([USER, said(tool_calls=[{**CALL, "id": identity}]), result], [USER, result])
    )

    assert whole.messages[-1] == cut.messages[-1]
    assert cut.messages[-1] == ChatCompletionRequestToolMessage(content="1", tool_call_id=strict.id(identity))
    assert strict.id(identity) != identity


def test_messages_that_the_host_made_itself_are_looked_at_too() -> None:
    """Values, not only what came as JSON."""
    message = ChatCompletionRequestAssistantMessage(content="Hi.", extra={"reasoning_details": []})
    result = ChatCompletionRequestToolMessage(content="1", tool_call_id="call_1")

    messages, dropped = sent(OpenAIProvider(), message, result)

    assert messages == [said(), {"role": "tool", "content": "1", "tool_call_id": "call_1"}]
    assert dropped == ("messages[1].reasoning_details",)
