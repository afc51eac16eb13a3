"""The echo provider: always the same answer to the same request."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine_fakes import ask, heard, said
from jackfield import BadRequestError
from jackfield.fold import fold
from jackfield.models import (
    ChatCompletionRequestMessageContentPartText,
    ChatCompletionRequestSystemMessage,
    ChatCompletionRequestUserMessage,
    CompletionUsage,
    CreateChatCompletionRequest,
)
from jackfield.testing import Echo, ScriptedDriver, plan, run_call


def stream_of(echo, request):
    """The response and the chunks of a stream."""
    driver = ScriptedDriver()
    return run_call(plan(echo), request, driver), driver.delivered


def test_it_answers_with_the_last_text_of_the_user():
    """Messages of others and earlier ones do not matter."""
    messages = [
        ChatCompletionRequestSystemMessage(content="be kind"),
        ChatCompletionRequestUserMessage(content="one"),
        ChatCompletionRequestUserMessage(content="two three"),
        ChatCompletionRequestSystemMessage(content="last"),
    ]
    response = run_call(plan(Echo(prefix="> ")), CreateChatCompletionRequest(messages=messages, model="m"))
    assert said(response) == "> two three"
    assert (response.id, response.model, response.created) == ("chatcmpl-echo-4", "m", 1700000000)
    assert response.choices[0].finish_reason == "stop"
    assert response.usage == CompletionUsage(prompt_tokens=6, completion_tokens=3, total_tokens=9)


def test_parts_of_a_message_are_joined():
    """Text parts are the text of a message."""
    parts = [ChatCompletionRequestMessageContentPartText(text=text) for text in ("a ", "b")]
    request = CreateChatCompletionRequest(messages=[ChatCompletionRequestUserMessage(content=parts)], model="m")
    assert said(run_call(plan(Echo()), request)) == "a b"


def test_without_a_user_message_there_is_no_answer():
    """A request that asks nothing is refused as a backend would refuse it."""
    request = CreateChatCompletionRequest(messages=[], model="m")
    with pytest.raises(BadRequestError, match="expected one of the user") as caught:
        run_call(plan(Echo()), request)
    assert (caught.value.status_code, caught.value.param) == (400, "messages")


@pytest.mark.parametrize("field", ["max_tokens", "max_completion_tokens"])
@pytest.mark.parametrize("stream", [False, True])
def test_an_answer_is_cut_to_the_tokens_allowed(field, stream):
    """A token is a word; an answer that is cut says so."""
    request = CreateChatCompletionRequest(
        messages=[ChatCompletionRequestUserMessage(content="a b c")], model="m", stream=stream, **{field: 2}
    )
    response = run_call(plan(Echo()), request)
    assert (said(response), response.choices[0].finish_reason) == ("a b", "length")
    assert response.usage.completion_tokens == 2


def test_a_stream_has_role_words_finish_reason_and_usage():
    """The shape of the stream is that of OpenAI's."""
    _, chunks = stream_of(Echo(), ask("why is it", stream=True))
    deltas = [chunk.choices[0].delta for chunk in chunks[:-1]]
    assert (deltas[0].role, deltas[0].content) == ("assistant", "")
    assert [delta.content for delta in deltas[1:]] == ["why ", "is ", "it", None]
    assert chunks[-2].choices[0].finish_reason == "stop"
    assert chunks[-1].choices == ()
    assert chunks[-1].usage.total_tokens == 6
    assert {chunk.id for chunk in chunks} == {"chatcmpl-echo-1"}


def test_chunks_may_be_of_a_fixed_size():
    """``chunk_size`` counts characters."""
    _, chunks = stream_of(Echo(chunk_size=2), ask("abcde", stream=True))
    assert [heard([chunk]) for chunk in chunks if heard([chunk])] == ["ab", "cd", "e"]
    with pytest.raises(ValueError, match="chunk_size"):
        Echo(chunk_size=-1)


@given(st.text(), st.integers(0, 3))
def test_a_stream_tells_the_same_as_a_whole_answer(text, chunk_size):
    """Streaming changes nothing but the form."""
    echo = Echo(chunk_size=chunk_size)
    whole = run_call(plan(echo), ask(text))
    response, chunks = stream_of(echo, ask(text, stream=True))
    assert heard(chunks) == said(whole) == text
    assert response == fold(chunks) == whole


def test_models_are_listed_by_their_names():
    """The names are a setting."""
    assert [model.id for model in Echo().list_models()] == ["echo"]
    assert [(model.id, model.owned_by) for model in Echo(models=["a"]).list_models()] == [("a", "jackfield")]
