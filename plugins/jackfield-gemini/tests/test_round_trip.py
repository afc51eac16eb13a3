"""A message of an answer, given back as history, makes the parts that it was made of, with their signatures."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jackfield.models import CreateChatCompletionRequest
from jackfield.testing import Reply, ScriptedDriver, make_call, plan, run_call
from jackfield.wire import from_dict, to_dict
from jackfield_gemini import GeminiProvider
from jackfield_gemini.layout import parts_of

DATA = Path(__file__).parent / "data"
NAMES = [
    path.stem
    for path in sorted(DATA.glob("*.json"))
    if not path.stem.startswith(("error_", "blocked", "safety", "length"))
]
USER = {"role": "user", "content": "Hello."}
SIGNATURE = st.fixed_dictionaries({}, optional={"thoughtSignature": st.sampled_from(["s1", "s2"])})


def with_signature(part: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    return st.tuples(part, SIGNATURE).map(lambda both: both[0] | both[1])


TEXT: st.SearchStrategy[Any] = st.fixed_dictionaries({"text": st.text(max_size=3)}, optional={"thought": st.booleans()})
NAMED = st.fixed_dictionaries(
    {"name": st.sampled_from("fg"), "args": st.sampled_from([{}, {"a": [1, None]}, {"ü": "👋"}])},
    optional={"id": st.just("call_1")},
)
CALL: st.SearchStrategy[Any] = st.fixed_dictionaries(
    {"functionCall": NAMED}, optional={"partMetadata": st.just({"a": 1})}
)
OTHER = st.sampled_from([
    {"executableCode": {"language": "PYTHON", "code": "1"}}, {"codeExecutionResult": {"outcome": "OUTCOME_OK"}},
    {"inlineData": {"mimeType": "image/png", "data": "aWNvbg=="}}, {"text": "x", "partMetadata": {"a": 1}}, {"toolCall": {"id": "t"}},
])  # fmt: skip
PARTS = st.lists(with_signature(TEXT | CALL | OTHER), max_size=6)


def plainly(parts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The parts without what says nothing: empty texts, ``thought: false``, and where an unsigned text was cut."""
    plain: list[dict[str, Any]] = []
    for part in parts:
        kept = {name: value for name, value in part.items() if (name, value) != ("thought", False)}
        if set(kept) <= {"text", "thought"}:
            if not kept["text"]:
                continue
            if plain and set(plain[-1]) == set(kept):
                plain[-1] = {**plain[-1], "text": plain[-1]["text"] + kept["text"]}
                continue
        plain.append(kept)
    return plain


def event(parts: list[Any], finish: str | None) -> dict[str, Any]:
    candidate = {
        "content": {"parts": parts, "role": "model"},
        "index": 0,
        **({"finishReason": finish} if finish else {}),
    }
    return {"candidates": [candidate], "responseId": "r"}


def message_of(reply: Reply, *, stream: bool) -> Any:
    """The message of the answer that a reply tells."""
    request = from_dict(
        {"model": "gemini-2.5-flash", "messages": [USER], "stream": stream}, CreateChatCompletionRequest
    )
    return run_call(plan(GeminiProvider()), request, ScriptedDriver([reply])).choices[0].message


def given_back(message: Any) -> list[Any]:
    """The parts that are sent for a message of the history."""
    request = from_dict({"model": "gemini-2.5-flash", "messages": [USER, message, USER]}, CreateChatCompletionRequest)
    contents = json.loads(GeminiProvider().encode(request, make_call()).body)["contents"]
    return contents[1]["parts"] if contents[1:] and contents[1]["role"] == "model" else []


@settings(deadline=None)  # the machine may be busy
@given(parts=PARTS, stream=st.booleans())
def test_any_parts_come_back(parts: list[Any], stream: bool) -> None:
    """Whole or as a stream, as a value or as plain JSON."""
    parts = [*parts, {"text": "."}]  # nothing at all would be no message
    events = [event([part], None) for part in parts[:-1]]
    reply = (
        Reply.of_events(*events, event(parts[-1:], "STOP"), done=False)
        if stream
        else Reply.of_json(event(parts, "STOP"))
    )

    message = message_of(reply, stream=stream)

    assert given_back(message) == plainly(parts)
    assert given_back(json.loads(json.dumps(to_dict(message)))) == plainly(parts)


@settings(deadline=None)  # the machine may be busy
@given(parts=PARTS)
def test_a_stream_makes_the_message_that_the_whole_answer_makes(parts: list[Any]) -> None:
    """Part by part, or at once."""
    parts = [*parts, {"text": "."}]

    whole = message_of(Reply.of_json(event(parts, "STOP")), stream=False)
    streamed = message_of(
        Reply.of_events(*(event([part], None) for part in parts), event([], "STOP"), done=False), stream=True
    )

    assert to_dict(streamed) == to_dict(whole)


@pytest.mark.parametrize("name", NAMES)
def test_recorded_parts_come_back(name: str) -> None:
    """Of real answers."""
    for exchange in json.loads((DATA / f"{name}.json").read_text(encoding="utf-8"))["exchanges"]:
        response = exchange["response"]
        events = [json.loads(block[6:]) for block in response.get("blocks", ())] or [response["json"]]
        parts = [part for each in events for part in each["candidates"][0].get("content", {}).get("parts", ())]

        assert given_back(exchange["told"]["choices"][0]["message"]) == plainly(parts)


def test_a_message_that_the_host_changed_is_made_of_its_fields() -> None:
    """The layout does not fit any more; the signature of a text is not given to another one's place."""
    parts = [{"text": "A"}, {"executableCode": {"code": "1"}}, {"text": "B", "thoughtSignature": "s"}]
    message = to_dict(message_of(Reply.of_json(event(parts, "STOP")), stream=False))

    assert given_back(message) == parts
    assert given_back({**message, "content": "A, and B"}) == [{"text": "A, and B", "thoughtSignature": "s"}]
    assert given_back({**message, "content": "A"}) == [{"text": "A", "thoughtSignature": "s"}]
    assert given_back(
        {**message, "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": ""}}]}
    ) == [
        {"text": "AB", "thoughtSignature": "s"},
        {"functionCall": {"name": "f", "args": {}, "id": "c"}},
    ]


def test_thoughts_that_the_host_left_out_are_left_out() -> None:
    """Many hosts keep none; all the rest stands where it stood."""
    parts = [{"text": "T", "thought": True}, {"functionCall": {"name": "f", "args": {}}}, {"text": "A"}]
    message = to_dict(message_of(Reply.of_json(event(parts, "STOP")), stream=False))
    del message["reasoning_content"]

    assert given_back(message) == parts[1:]


@pytest.mark.parametrize(
    "layout",
    [
        [{"text": 99}],
        [{"text": -1}, {"text": 2}],
        [{"functionCall": 0}],
        [{"text": 1}, {"functionCall": "0"}],
        [],
        "AB",
        [{"text": 1}, {"text": True}],
        [{"text": "B"}, {"text": 1}],
        [{"text": None}, {"text": 1}],
    ],
)
def test_a_layout_that_is_none_is_passed_over(layout: Any) -> None:
    """A history may come from anywhere."""
    assert parts_of("", "A", [], {"parts": layout}) == [{"text": "A"}]
