"""Failures: jackfield's own errors, never a success; streams that are left; secrets that are not told."""

from __future__ import annotations

import asyncio
import logging

import attrs
import pytest
from jackfield_langchain import ChatJackfield, ContextOverflow
from langchain_core.exceptions import ContextOverflowError
from langchain_core.load import dumps
from langchain_core.tracers import BaseTracer
from test_answers import ways

import jackfield
from conftest import KEY


@ways
@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ("status?code=401", jackfield.AuthenticationError),
        ("status?code=429&retry-after=2", jackfield.RateLimitError),
        ("status?code=500", jackfield.InternalServerError),
        ("html", jackfield.InvalidResponseError),
    ],
)
def test_errors_are_jackfields(model, ask, fault, kind):
    """As they are, with their attempts."""
    with pytest.raises(kind) as caught:
        ask(model, "Hi", model=f"one/{fault}")

    assert [attempt.backend.name for attempt in caught.value.attempts] == ["one"]


@pytest.mark.parametrize("name", ["stream", "astream"])
@pytest.mark.parametrize("fault", ["cut", "error", "eof?at=400", "reset?at=400"])
def test_a_cut_stream_raises(model, name, fault):
    """After what had come; there is no last chunk, which would tell of an end."""
    seen = []

    async def awaited():
        async for chunk in model.astream("one two three four", model=f"one/{fault}"):
            seen.append(chunk)  # noqa: PERF401 - what comes before the error counts

    def read():
        for chunk in model.stream("one two three four", model=f"one/{fault}"):
            seen.append(chunk)  # noqa: PERF402 - as above

    with pytest.raises(jackfield.APIError):
        read() if name == "stream" else asyncio.run(awaited())

    assert all(chunk.chunk_position is None and "finish_reason" not in chunk.response_metadata for chunk in seen)


def test_a_cut_stream_is_no_answer_of_invoke(config):
    """A model that streams underneath does not take a part for the whole."""
    with pytest.raises(jackfield.StreamInterruptedError):
        ChatJackfield(model="one/cut", config=config, streaming=True).invoke("one two three four")


@pytest.mark.parametrize("way", ["closed", "dropped", "awaited", "cancelled"])
def test_a_stream_that_is_left_is_closed(model, service, way):
    """The service sees the client leave, whichever way it goes."""

    async def awaited():
        async for _ in model.astream("Hello you", model="one/break?events=3&how=stall"):
            break

    async def cancelled():
        async def read():
            async for _ in model.astream("Hello you", model="one/break?events=3&how=stall"):
                begun.set()

        begun = asyncio.Event()
        task = asyncio.create_task(read())
        await begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    if way in ("awaited", "cancelled"):
        asyncio.run(awaited() if way == "awaited" else cancelled())
    else:
        stream = model.stream("Hello you", model="one/break?events=3&how=stall")
        next(stream)
        if way == "closed":
            stream.close()
        del stream

    assert service.ledger.requests[0].left.wait(20)


@attrs.define(eq=False)
class Refusing:
    """A middleware that fails as a service does whose model has too small a window."""

    @jackfield.hookimpl
    def wrap_chat_completion(self, request, call):
        raise jackfield.ContextLengthExceededError("too long")
        yield request


@ways
def test_a_prompt_that_is_too_long_is_langchains_error_too(config, ask):
    """An error of both, so that programs which shorten the conversation do."""
    config["middleware"] = [{"use": "refusing"}]
    client = jackfield.Client(config, plugins={"refusing": Refusing})
    async_client = jackfield.AsyncClient(config, plugins={"refusing": Refusing})
    with client, pytest.raises(ContextOverflowError) as caught:
        ask(ChatJackfield(client=client, async_client=async_client), "Hi")

    assert isinstance(caught.value, ContextOverflow)
    assert isinstance(caught.value, jackfield.ContextLengthExceededError)
    assert "too long" in str(caught.value)


@pytest.mark.parametrize(
    "arguments", [{"api_key": KEY}, {"openai_api_key": KEY}, {"base_url": KEY}, {"config": {"k": KEY}, "client": KEY}]
)
def test_what_is_refused_is_not_shown(arguments):
    """An argument that does not belong here may be a key: the error names it without its value."""
    with pytest.raises(ValueError, match="ChatJackfield") as caught:
        ChatJackfield(**arguments)

    assert KEY not in str(caught.value)


@pytest.mark.parametrize(
    "name",
    [
        *("extra_headers", "extra_body", "labels", "messages", "stream", "model", "temperature", "stop", "timeout"),
        *("max_tokens", "max_completion_tokens", "api_key", "openai_api_key", "base_url", "x_auth_token"),
    ],
)
def test_what_has_a_place_of_its_own_is_no_field_besides(config, name):
    """It would be dropped without a word, or win over the argument, and a key in it be shown."""
    with pytest.raises(ValueError, match=f"model_kwargs: .*{name}") as caught:
        ChatJackfield(config=config, model_kwargs={name: {"x-tenant": KEY}})

    assert KEY not in str(caught.value)


@ways
@pytest.mark.parametrize("name", ["api_key", "openai_api_key", "base_url", "x_auth_token", "extra_headers"])
def test_no_trace_has_a_key_that_is_given_with_a_call(model, ask, name):
    """It is refused where it would not be used; headers, which are sent, are not in keys of caches either."""
    runs = []

    class Traced(BaseTracer):
        def _persist_run(self, run):
            runs.append(run.model_dump_json(exclude={"parent_run"}, fallback=str))

    given = {name: {"x-tenant": KEY + "-own"} if name == "extra_headers" else KEY + "-own"}
    traced = model.with_config(callbacks=[Traced()])
    if name == "extra_headers":
        ask(traced, "Hi", **given)
        runs.append(model._get_llm_string(**given))
    else:
        with pytest.raises(TypeError, match=name):
            ask(traced, "Hi", **given)

    assert len(runs) == {"x_auth_token": 1, "extra_headers": 2}.get(name, 0)
    assert [text for text in runs if KEY in text] == []


@ways
def test_no_trace_has_a_key_that_is_set_later(model, ask):
    """A copy is not validated when it is made; it is before anything is told of a run."""
    runs = []

    class Traced(BaseTracer):
        def _persist_run(self, run):
            runs.append(run)

    copied = model.model_copy(update={"model_kwargs": {"api_key": KEY}})
    with pytest.raises(ValueError, match="model_kwargs: api_key") as caught:
        ask(copied.with_config(callbacks=[Traced()]), "Hi")

    assert runs == []
    assert KEY not in str(caught.value)


def test_keys_are_never_told(config, service, caplog):
    """Not by repr, dumps, traces, keys of caches, nor by errors, even where the service repeats them.

    Nor is anything else of the configuration.
    """
    runs = []

    class Traced(BaseTracer):
        def _persist_run(self, run):
            runs.append(run.model_dump_json(exclude={"parent_run"}, fallback=str))

    model = ChatJackfield(config=config, extra_headers={"x-tenant": KEY + "-own"}, model="one/ok")
    with caplog.at_level(logging.DEBUG):
        model.invoke("Hi", config={"callbacks": [Traced()]})
        with pytest.raises(jackfield.AuthenticationError) as caught:
            model.invoke("Hi", model="one/echo-key", config={"callbacks": [Traced()]})
    told = [repr(model), str(model), dumps(model), model.model_dump_json(), str(model.asdict()), *runs]
    told += [repr(caught.value), str(caught.value), caplog.text, str(model._get_llm_string())]

    assert service.ledger.keys[f"Bearer {KEY}"] == 2
    assert service.ledger.requests[0].headers["x-tenant"] == KEY + "-own"
    assert len(runs) == 2
    assert [text for text in told if KEY in text or "ONE_KEY" in text or service.url in text] == []
