"""Stored completions, as OpenAI's clients ask for them."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ClassVar

import attrs
import pytest

from jackfield import Deliver, Run, hookimpl
from jackfield.event import decode_chunk
from jackfield.models import ChatCompletionChoice, ChatCompletionResponseMessage, CreateChatCompletionResponse
from jackfield.wire import encode
from jackfield_gateway.settings import GatewaySettings

PATH = "/v1/chat/completions"
MESSAGES = [{"role": "user", "content": "hello"}]


@attrs.define(eq=False)
class Numbered:
    """Answers with the last message, each time under another id."""

    _numbers: object = attrs.field(init=False, repr=False, factory=itertools.count)

    @hookimpl
    def create_chat_completion(self, request, call):
        """The answer itself: nothing is sent."""
        message = ChatCompletionResponseMessage(content=request.messages[-1].content)
        choice = ChatCompletionChoice(index=0, finish_reason="stop", message=message)
        id_ = f"chatcmpl-{next(self._numbers)}"
        return CreateChatCompletionResponse(id=id_, created=1, model=request.model, choices=[choice])


@attrs.define(eq=False)
class Same:
    """Answers always under one id, in chunks where it is asked to; between two of them it meets others."""

    meet: ClassVar[Callable[[], object]] = staticmethod(int)

    @hookimpl
    def create_chat_completion(self, request, call):
        """The answer itself: nothing is sent."""
        if call.stream:
            yield Deliver([part("a")])
            yield Run(self.meet)
            yield Deliver([part("b", "stop")])
            return None
        choice = ChatCompletionChoice(
            index=0, finish_reason="stop", message=ChatCompletionResponseMessage(content="ab")
        )
        return CreateChatCompletionResponse(id="chatcmpl-same", created=1, model=request.model, choices=[choice])


def part(content, finish=None):
    """A chunk as it comes from a service."""
    choice = {"index": 0, "delta": {"content": content}, "finish_reason": finish}
    return decode_chunk(encode({"id": "chatcmpl-same", "created": 1, "model": "a", "choices": [choice]}))


@pytest.fixture
def ask(gateway):
    """A gateway with three completions, each of another id."""
    plugins = {"numbered": Numbered}
    asker = gateway(backends={"n": {"provider": "numbered"}}, models={"fast": "n/a"}, plugins=plugins)
    for number in range(3):
        told = asker.chat("fast", store=True, metadata={"number": str(number), "all": "yes"})
        assert told.status == 200
    return asker


def ids(told) -> list[str]:
    """The ids of a list."""
    return [one["id"] for one in told.json["data"]]


def test_what_was_stored_is_listed_in_its_order(ask):
    """Oldest first, or newest; page by page."""
    whole = ask(PATH)
    assert whole.json["object"] == "list"
    assert len(ids(whole)) == 3
    assert (whole.json["first_id"], whole.json["last_id"], whole.json["has_more"]) == (
        ids(whole)[0],
        ids(whole)[-1],
        False,
    )
    assert ids(ask(f"{PATH}?order=desc")) == ids(whole)[::-1]
    first = ask(f"{PATH}?limit=2")
    assert (ids(first), first.json["has_more"]) == (ids(whole)[:2], True)
    rest = ask(f"{PATH}?limit=2&after={first.json['last_id']}")
    assert (ids(rest), rest.json["has_more"]) == (ids(whole)[2:], False)


def test_lists_are_narrowed_by_model_and_metadata(ask):
    """All pairs have to be there."""
    assert len(ids(ask(f"{PATH}?model=fast"))) == 3
    assert ids(ask(f"{PATH}?model=other")) == []
    assert len(ids(ask(f"{PATH}?metadata%5Ball%5D=yes"))) == 3
    assert len(ids(ask(f"{PATH}?metadata%5Ball%5D=yes&metadata%5Bnumber%5D=1"))) == 1
    assert ids(ask(f"{PATH}?metadata[number]=9")) == []
    odd = ask.chat("fast", store=True, metadata={"k [x]": "a&b", "a]": "c"}).json["id"]
    assert ids(ask(f"{PATH}?metadata[k+[x]]=a%26b&metadata[a]]=c")) == [odd]


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=101",
        "limit=x",
        "order=up",
        "what=1",
        "limit=1&limit=2",
        "metadata=1",
        "metadata[]=1",
        "metadata[a][b]=1",
        "metadata[a]=1&metadata[a]=2",
    ],
)
def test_a_question_that_cannot_be_meant_is_refused(ask, query):
    """Nothing is silently left out."""
    assert ask(f"{PATH}?{query}").status == 400


def test_one_is_retrieved_with_its_metadata(ask):
    """And with the answer as it was given."""
    id_ = ids(ask(PATH))[1]
    told = ask(f"{PATH}/{id_}").json
    assert (told["id"], told["metadata"]) == (id_, {"number": "1", "all": "yes"})
    assert told["choices"][0]["message"]["content"] == "hello"


def test_the_messages_of_one_are_listed(ask):
    """Each with an id of its own."""
    id_ = ids(ask(PATH))[0]
    told = ask(f"{PATH}/{id_}/messages").json
    assert [(one["id"], one["role"], one["content"]) for one in told["data"]] == [(f"{id_}-0", "user", "hello")]
    assert ids(ask(f"{PATH}/{id_}/messages?after={id_}-0")) == []
    assert ask(f"{PATH}/{id_}/messages?after=none").status == 404


def test_content_in_parts_is_listed_apart(gateway):
    """Clients read ``content`` as a text or null; what was left out is null."""
    ask = gateway(backends={"n": {"provider": "numbered"}}, models={"fast": "n/a"}, plugins={"numbered": Numbered})
    parts = [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]
    called = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    asked = [
        {"role": "user", "content": parts},
        {"role": "assistant", "tool_calls": [called], "function_call": None},
        *MESSAGES,
    ]
    assert ask.chat("fast", store=True, messages=asked).status == 200
    one, two, three = ask(f"{PATH}/chatcmpl-0/messages").json["data"]
    assert (one["content"], one["content_parts"], one["refusal"]) == (None, parts, None)
    assert (two["content"], two["content_parts"], two["tool_calls"]) == (None, None, [called])
    assert not {"function_call", "audio"} & two.keys()
    assert (three["content"], three["content_parts"]) == ("hello", None)


def test_metadata_is_changed(ask):
    """To other pairs, or to none."""
    id_ = ids(ask(PATH))[0]
    assert ask(f"{PATH}/{id_}", {"metadata": {"a": "b"}}).json["metadata"] == {"a": "b"}
    assert ask(f"{PATH}/{id_}", {"metadata": None}).json["metadata"] is None
    assert ask(f"{PATH}/{id_}").json["metadata"] is None


@pytest.mark.parametrize(
    "body", [{}, {"metadata": 1}, {"metadata": {"a": 1}}, {"metadata": {}, "x": 1}, {"metadata": {"a": "x" * 513}}]
)
def test_metadata_that_does_not_fit_is_refused(ask, body):
    """With 400; nothing is changed."""
    id_ = ids(ask(PATH))[0]
    assert ask(f"{PATH}/{id_}", body).status == 400
    assert ask(f"{PATH}/{id_}").json["metadata"] == {"number": "0", "all": "yes"}


def test_one_is_deleted(ask):
    """Once; clients say that they send JSON, and send none."""
    id_ = ids(ask(PATH))[0]
    told = ask(f"{PATH}/{id_}", method="DELETE", headers={"content-type": "application/json"})
    assert told.json == {"object": "chat.completion.deleted", "id": id_, "deleted": True}
    for method in ("GET", "DELETE"):
        assert ask(f"{PATH}/{id_}", method=method).status == 404
    assert len(ids(ask(PATH))) == 2


def test_all_are_deleted_by_who_deletes_what_he_lists(ask):
    """As a loop over the list of OpenAI's clients does it, page by page."""
    after, deleted = "", 0
    while page := ids(ask(f"{PATH}?limit=1{after}")):
        assert ask(f"{PATH}/{page[0]}", method="DELETE").status == 200
        after, deleted = f"&after={page[0]}", deleted + 1
    assert (deleted, ids(ask(PATH))) == (3, [])


@pytest.mark.parametrize("stream", [False, True])
def test_two_answers_of_one_id_are_two(gateway, stream):
    """A cache gives one twice, and some services have one id for all: the second is told and kept under another."""
    ask = gateway(backends={"n": {"provider": "same"}}, models={"fast": "n/a"}, plugins={"same": Same})
    told = [ask.chat("fast", store=True, stream=stream, metadata={"n": str(number)}) for number in range(3)]
    answers = [one.events[:-1] if stream else [one.json] for one in told]
    own = [{part["id"] for part in answer} for answer in answers]
    assert own[0] == {"chatcmpl-same"}
    assert [len(one) for one in own] == [1, 1, 1]
    assert ids(ask(PATH)) == [one for names in own for one in names]
    assert [one["metadata"]["n"] for one in ask(PATH).json["data"]] == ["0", "1", "2"]
    assert len(set(ids(ask(PATH)))) == 3


def test_streams_of_one_id_at_once_are_both_kept(gateway):
    """Neither was there when the other began."""
    ask = gateway(backends={"n": {"provider": "same"}}, models={"fast": "n/a"}, plugins={"same": Same})
    together = threading.Barrier(2)
    Same.meet = staticmethod(together.wait)
    try:
        with ThreadPoolExecutor(2) as pool:
            told = list(pool.map(lambda _: ask.chat("fast", store=True, stream=True), range(2)))
    finally:
        Same.meet = staticmethod(int)
    assert [one.events[-1] for one in told] == ["[DONE]", "[DONE]"]
    assert len(set(ids(ask(PATH)))) == 2


def test_a_stream_is_stored_too(gateway):
    """As the answer that its chunks make."""
    ask = gateway(backends={"echo": {"provider": "echo"}}, models={})
    assert ask.chat("echo/a", store=True, stream=True).events[-1] == "[DONE]"
    (one,) = ask(PATH).json["data"]
    assert one["choices"][0]["message"]["content"] == "hello"


def test_what_was_not_to_be_stored_is_not(gateway, service):
    """And the service is not asked to store what the gateway stores."""
    ask = gateway()
    ask.chat("fast")
    ask.chat("fast", store=True)
    assert len(ids(ask(PATH))) == 1
    assert all(b'"store"' not in one.body for one in service.ledger.requests)


def test_metadata_of_what_is_stored_here_stays_here(gateway, service):
    """OpenAI refuses it where it is not asked to store; what is not stored is the service's matter."""
    ask = gateway()
    for stream in (False, True):
        assert ask.chat("fast", store=True, stream=stream, metadata={"a": "b"}).status == 200
    assert all(b'"metadata"' not in one.body for one in service.ledger.requests)
    assert ask(PATH).json["data"][0]["metadata"] == {"a": "b"}
    ask.chat("fast", metadata={"a": "b"})
    assert b'"metadata"' in service.ledger.requests[-1].body


def test_metadata_that_does_not_fit_is_refused_before_the_service_is_asked(gateway, service):
    """As where it is changed: else nobody would check it."""
    told = gateway().chat("fast", store=True, metadata={"a": "x" * 513})
    assert (told.status, told.error["code"], told.error["param"]) == (400, "invalid_value", "metadata")
    assert not service.ledger.requests


def test_messages_of_unknown_roles_are_listed_whatever_they_hold(ask):
    """What a role of tomorrow has for content or speech is nobody's to judge here."""
    strange = [{"role": "new", "content": [None, {"type": ["a"]}]}, {"role": "new", "content": "x", "audio": 5}]
    id_ = ask.chat("fast", store=True, messages=[*strange, *MESSAGES]).json["id"]
    told = ask(f"{PATH}/{id_}/messages")
    assert told.status == 200
    assert [one["content"] for one in told.json["data"]] == [None, "x", "hello"]


def test_it_outlives_the_gateway(gateway, tmp_path):
    """In the file that the settings name, which nobody else may read."""
    settings = GatewaySettings(keys="never", store=f"sqlite:{tmp_path / 'new' / 'g.db'}")
    assert gateway(settings).chat("fast", store=True).status == 200
    assert len(ids(gateway(settings)(PATH))) == 1
    assert (tmp_path / "new" / "g.db").stat().st_mode & 0o077 == 0


def test_content_in_parts_stands_apart(ask):
    """OpenAI's list has the parts of text and pictures beside the content, which is a text or null."""
    parts = [
        {"type": "text", "text": "hello"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}},
        {"type": "input_audio", "input_audio": {"data": "AA==", "format": "wav"}},
    ]
    calls = [{"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}]
    sent = [
        {"role": "user", "content": parts},
        {"role": "assistant", "tool_calls": calls},
        {"role": "tool", "tool_call_id": "call_1", "content": "1"},
        {"role": "user", "content": "hi"},
    ]
    id_ = ask.chat("fast", store=True, messages=sent).json["id"]
    told = ask(f"{PATH}/{id_}/messages").json["data"]
    assert [(one["content"], one["content_parts"], one["refusal"]) for one in told] == [
        (None, parts[:2], None),
        (None, None, None),
        ("1", None, None),
        ("hi", None, None),
    ]
    assert told[1]["tool_calls"] == calls
