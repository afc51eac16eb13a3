"""Events to chunks: what servers do besides, and what is wrong."""

from __future__ import annotations

import json
from typing import Any

import pytest

from jackfield.errors import (
    APIError,
    ContextLengthExceededError,
    InternalServerError,
    InvalidResponseError,
    RateLimitError,
)
from jackfield.fold import fold
from jackfield_anthropic.reader import MessagesReader


def event(kind: str, **members: Any) -> bytes:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **members})}\n\n".encode()


def start(**members: Any) -> bytes:
    return event("message_start", message={"id": "msg_1", "model": "m", "content": [], **members})


def begun(index: int, kind: str = "text", **members: Any) -> bytes:
    return event("content_block_start", index=index, content_block={"type": kind, **members})


def delta(index: int, kind: str, **members: Any) -> bytes:
    return event("content_block_delta", index=index, delta={"type": kind, **members})


def end(reason: str | None = "end_turn", **members: Any) -> bytes:
    return event("message_delta", delta={"stop_reason": reason}, **members)


STOP = event("message_stop")


# -- what servers do besides -----------------------------------------------------------------------------------------


def test_counts_are_those_up_to_now(read):
    """Overwritten and never added; a null says nothing, and neither does an event without usage."""
    usage = {"input_tokens": 0, "cache_read_input_tokens": 5, "output_tokens": 1}
    last = {"input_tokens": 7, "cache_read_input_tokens": None, "output_tokens": 9}

    response = fold(read(start(usage=usage), end(None), end(usage=last), STOP))

    assert (response.usage.prompt_tokens, response.usage.completion_tokens) == (12, 9)
    assert fold(read(start(), end(), STOP)).usage is None
    assert [chunk.usage for chunk in read(start(), end(), STOP, usage_apart=True)] == [None]


def test_blocks_may_overlap(read):
    """Each delta goes to its own block, and late ends do no harm."""
    stream = [start(), begun(0, "thinking", thinking=""), begun(1, text=""), begun(2, "tool_use", id="t", name="f"),
              delta(1, "text_delta", text="a"), delta(0, "thinking_delta", thinking="b"),
              delta(2, "input_json_delta", partial_json="{}"), delta(0, "signature_delta", signature=""),
              *(event("content_block_stop", index=index) for index in (2, 0, 1, 7)), end("tool_use"), STOP]  # fmt: skip

    message = fold(read(*stream)).choices[0].message

    assert (message.content, message.reasoning_content) == ("a", "b")
    assert message.tool_calls[0].function.arguments == "{}"
    assert message.extra == {"thinking_blocks": [{"type": "thinking", "thinking": "b", "signature": ""}]}


def test_a_block_may_begin_with_all_that_it_has(read):
    """As some gateways send it; a second block at the same index ends the first."""
    stream = [start(), begun(0, "thinking", thinking="b"), begun(0, text="a"),
              begun(1, "tool_use", id="t", name="f", input={"x": 1}), end("tool_use"), STOP]  # fmt: skip

    message = fold(read(*stream)).choices[0].message

    assert (message.content, message.reasoning_content) == ("a", "b")
    assert message.tool_calls[0].function.arguments == '{"x":1}'


def test_a_call_at_the_index_of_another_ends_it(read):
    """Some servers give every block the same."""
    calls = [begun(0, "tool_use", id=name, name=name, input={"x": name}) for name in "ab"]

    message = fold(read(start(), *calls, end("tool_use"), STOP)).choices[0].message

    assert [(call.id, call.function.arguments) for call in message.tool_calls] == [
        ("a", '{"x":"a"}'),
        ("b", '{"x":"b"}'),
    ]


def test_what_the_end_of_a_block_tells_comes_at_its_end():
    """And not at that of the message: the arguments of a call without any, citations."""
    reader, stop = MessagesReader(2**20), event("content_block_stop", index=0)
    cited = delta(0, "citations_delta", citation={"type": "page_location"})

    reader.feed(start() + begun(0, "tool_use", id="t", name="f"))
    (arguments,) = reader.feed(stop)
    (text,) = reader.feed(begun(0, text="a") + cited)
    (note,) = reader.feed(stop)

    assert arguments.choices[0].delta.tool_calls[0].function.arguments == "{}"
    assert (text.choices[0].delta.content, text.choices[0].delta.annotations) == ("a", None)
    assert note.choices[0].delta.annotations[0].type == "page_location"


def test_the_end_of_the_message_ends_the_answer():
    """Whether or not the model told why."""
    reader = MessagesReader(2**20)
    reader.feed(start() + begun(0, text="a") + STOP)

    assert (reader.done, reader.whole) == (True, True)


def test_arguments_that_were_cut_are_given_as_they_came(read):
    """The most tokens may be reached in the middle of a call."""
    stream = [start(), begun(0, "thinking", thinking=""), begun(1, "tool_use", id="t", name="f"), begun(2, text="."),
              delta(1, "input_json_delta", partial_json='{"x": '), end("max_tokens"), STOP]  # fmt: skip

    response = fold(read(*stream))

    assert response.choices[0].finish_reason == "length"
    assert response.choices[0].message.tool_calls[0].function.arguments == '{"x": '
    assert response.choices[0].message.extra["content_blocks"][1]["input"] == {"invalid_json": '{"x": '}


def test_events_and_deltas_that_are_not_known_are_passed_over(read):
    """The format says that more may come; what they add to a block is kept."""
    stream = [start(), event("news", x=1), b"event: other\ndata: no JSON\n\n", begun(0, "novel", n=1, s="a", m=[1]),
              delta(0, "novel_delta", s="b", n=2, m="x", z=None), end(), STOP]  # fmt: skip

    message = fold(read(*stream)).choices[0].message

    assert message.content is None
    assert message.extra["content_blocks"] == [{"type": "novel", "n": 2, "s": "ab", "m": "x"}]


def test_citations_come_after_those_with_which_a_block_began(read):
    """Also between others that are not known, and to the text that came before and after."""
    pages = [{"type": "page_location", "n": number} for number in range(4)]
    cited = [delta(0, "citations_delta", citation=page) for page in pages]
    stream = [begun(0, text="a", citations=pages[:1]), cited[1], delta(0, "text_delta", text="b"), cited[2],
              delta(0, "novel_delta", x=1), cited[3]]  # fmt: skip

    message = fold(read(start(), *stream, end(), STOP)).choices[0].message

    assert message.content == "ab"
    assert message.extra["content_blocks"] == [{"type": "text", "text": "ab", "citations": pages, "x": 1}]


@pytest.mark.parametrize("citation", [None, "page", [1]])
def test_a_citation_of_a_text_is_an_object(read, citation):
    """The answer is not what the format says."""
    with pytest.raises(InvalidResponseError, match="citation: expected an object"):
        read(start(), begun(0, text="a"), delta(0, "citations_delta", citation=citation), end(), STOP)


def test_citations_of_a_block_that_has_something_else_under_that_name_are_a_list(read):
    """Documents have an object there; what comes is kept, and nothing breaks."""
    response = fold(
        read(start(), begun(0, "document", citations=5), delta(0, "citations_delta", citation={"a": 1}), end(), STOP)
    )

    assert response.choices[0].message.extra["content_blocks"] == [{"type": "document", "citations": [{"a": 1}]}]


def test_the_end_of_the_stream_may_be_missing(read):
    """The model has told why it ended, so nothing of the answer is; neither does ``[DONE]`` do harm."""
    stream = start() + begun(0, text="a") + end()

    assert fold(read(stream)).choices[0].finish_reason == "stop"
    assert fold(read(stream, b"data: [DONE]\n\n")).choices[0].message.content == "a"


def test_nothing_is_given_before_the_first_block():
    """Until then another try is possible: a service may be overloaded right after its first event."""
    reader = MessagesReader(2**20)

    assert reader.feed(start()) == []
    assert reader.feed(event("ping")) == []
    assert len(reader.feed(begun(0, text="") + delta(0, "text_delta", text="a"))) == 1


def test_unknown_members_of_the_message_are_kept(read):
    """Whichever event tells them."""
    stream = [start(container={"id": "c"}, x=None), end(input_transformations=[1], y=None), STOP]

    assert fold(read(*stream)).extra == {"container": {"id": "c"}, "input_transformations": [1]}


# -- what is wrong ---------------------------------------------------------------------------------------------------

OVERLOADED = {"type": "overloaded_error", "message": "Overloaded"}


@pytest.mark.parametrize(
    ("told", "kind", "code"),
    [
        (event("error", error=OVERLOADED), InternalServerError, None),
        (event("error", error={"details": None, **OVERLOADED}, request_id="req_1"), InternalServerError, None),
        (b'data: {"type":"error","error":{"type":"rate_limit_error","message":"slow"}      }\n\n', RateLimitError, None),
        (event("error", error={"type": "timeout_error", "message": "late"}), InternalServerError, None),
        (event("error", error={"type": "new_error", "message": "?"}), APIError, None),
        (b'event: error\ndata: {"code":500,"message":"gone","type":"server_error"}\n\n', InternalServerError, "500"),
        (
            event("error", error={"type": "invalid_request_error", "message": "prompt is too long: 9 tokens > 8 maximum"}),
            ContextLengthExceededError,
            "context_length_exceeded",
        ),
        (b"event: error\ndata: upstream connect error\n\n", APIError, None),
    ],
)  # fmt: skip
def test_an_error_in_a_stream_is_typed(told, kind, code):
    """As the service, gateways and llama.cpp tell it; what came before is given first."""
    reader = MessagesReader(2**20)
    with pytest.raises(APIError) as caught:
        reader.feed(start() + told)
    assert type(caught.value) is kind
    assert caught.value.code == code

    later = MessagesReader(2**20)
    assert len(later.feed(start() + begun(0, text="a") + told + STOP)) == 1
    assert type(later.failure) is kind
    assert not later.whole


@pytest.mark.parametrize(
    "bad",
    [
        begun(0, text="a"),
        delta(0, "text_delta", text="a"),
        start() + delta(3, "text_delta", text="a"),
        start() + begun(0, text=7),
        start() + begun(0, "tool_use", id="t"),
        start() + begun(0, "tool_use", id="t", name="f", input=[]),
        start() + begun(0, text="") + delta(0, "text_delta"),
        start() + begun(0, text="") + delta(0, "text_delta", text=[1]),
        start() + begun(0, text="") + delta(0, "unheard_of", text=7),
        start() + event("content_block_start", index=0),
        start() + event("content_block_start", index="a", content_block={"type": "text"}),
        start() + event("message_delta", delta={"stop_reason": 7}),
        start() + event("message_delta", delta={"stop_reason": "end_turn"}, usage={"output_tokens": "many"}),
        start(usage={"input_tokens": 1.5}),
        start(content="none"),
        start() + b"data: {}\n\n",
        start() + b"data: 42\n\n",
        start() + b'data: {"type":\n\n',
        STOP,
        end() + STOP,
    ],
)
def test_what_is_no_event_of_the_format_is_refused(read, bad):
    """And not given to fail in the host."""
    with pytest.raises(InvalidResponseError):
        read(bad, end(), STOP)


def test_a_line_that_is_too_long_is_refused():
    """The reader takes its limit from the backend."""
    with pytest.raises(InvalidResponseError):
        MessagesReader(20).feed(b"data: " + b"x" * 30)
