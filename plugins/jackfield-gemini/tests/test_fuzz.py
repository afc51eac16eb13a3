"""Whatever JSON a service sends, and whatever a history holds: an answer, or an error of jackfield's own."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from jackfield.errors import APIError, ValidationError
from jackfield.models import CreateChatCompletionRequest
from jackfield.testing import make_call
from jackfield.wire import encode, from_dict
from jackfield_gemini import GeminiProvider
from jackfield_gemini.reader import GeminiReader

ATOMS = (
    st.none()
    | st.booleans()
    | st.integers(-1, 3)
    | st.text("aé👋\x00", max_size=2)
    | st.sampled_from(["STOP", "SAFETY", "OTHER"])
)
ANY = st.recursive(
    ATOMS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text("ab", max_size=1), inner, max_size=2),
    max_leaves=4,
)


def objects(**members: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """An object with some of these members, or now and then something else."""
    return st.fixed_dictionaries({}, optional=members) | ATOMS


PART = objects(
    text=ATOMS, thought=ATOMS, thoughtSignature=ATOMS, functionCall=objects(name=ATOMS, id=ATOMS, args=ANY), inlineData=objects(mimeType=ATOMS, data=ATOMS),
    executableCode=ANY, own=ANY,
)  # fmt: skip
CANDIDATE = objects(
    index=ATOMS, content=objects(parts=st.lists(PART, max_size=3) | ATOMS, role=ATOMS), finishReason=ATOMS, finishMessage=ATOMS,
    logprobsResult=objects(chosenCandidates=st.lists(objects(token=ATOMS, logProbability=ATOMS), max_size=2), topCandidates=ANY), own=ANY,
)  # fmt: skip
DETAILS = st.lists(objects(modality=ATOMS, tokenCount=ATOMS), max_size=2)
ANSWER = objects(
    candidates=st.lists(CANDIDATE, max_size=2) | ATOMS, promptFeedback=objects(blockReason=ATOMS, blockReasonMessage=ATOMS),
    usageMetadata=objects(promptTokenCount=ATOMS, totalTokenCount=ATOMS, serviceTier=ATOMS, promptTokensDetails=DETAILS),
    responseId=ATOMS, modelVersion=ATOMS, createTime=ATOMS, error=ANY,
)  # fmt: skip


@settings(deadline=None)  # the machine may be busy
@given(content=ANSWER)
def test_an_answer_of_any_shape_is_one_or_is_told_to_be_none(content: Any) -> None:
    """And what is an answer can be written again."""
    try:
        response = GeminiProvider().decode(json.dumps(content).encode())
    except (APIError, ValidationError):
        return
    assert encode(response)


@settings(deadline=None)  # the machine may be busy
@given(contents=st.lists(ANSWER, max_size=3), choices=st.integers(1, 2), usage=st.booleans())
def test_a_stream_of_any_shape_is_one_or_is_told_to_be_none(contents: list[Any], choices: int, usage: bool) -> None:
    """And what are chunks can be written again."""
    reader = GeminiReader(2**20, choices=choices, include_usage=usage)
    chunks = []
    try:
        for content in contents:
            chunks += reader.feed(b"data: " + json.dumps(content).encode() + b"\r\n\r\n")
        chunks += reader.end()
    except APIError:
        pass
    assert [encode(chunk) for chunk in chunks].count(b"") == 0


GOOGLE = objects(
    thought_signature=ATOMS, parts=st.lists(objects(text=ATOMS, functionCall=ATOMS, thought=ATOMS, own=ANY), max_size=3)
)
ASSISTANT = st.fixed_dictionaries(
    {"role": st.just("assistant")},
    optional={"content": st.none() | st.text(max_size=3), "reasoning_content": st.none() | st.text(max_size=3), "extra_content": objects(google=GOOGLE)},
)  # fmt: skip


@settings(deadline=None)  # the machine may be busy
@given(message=ASSISTANT)
def test_a_history_of_any_shape_can_be_sent(message: Any) -> None:
    """It may come from anywhere; no text of it is lost."""
    fields = {"model": "gemini-3.5-flash", "messages": [{"role": "user", "content": "A"}, message]}
    request = from_dict(fields, CreateChatCompletionRequest)

    contents = json.loads(GeminiProvider().encode(request, make_call()).body)["contents"]

    parts = [part for content in contents[1:] for part in content["parts"]]
    said = "".join(part["text"] for part in parts if "text" in part and not part.get("thought"))
    assert said == (message.get("content") or "")
