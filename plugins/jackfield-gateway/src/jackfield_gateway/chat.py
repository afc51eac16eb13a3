"""POST /v1/chat/completions: the request to the client of jackfield, its answer or chunks to whoever asked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import attrs

from jackfield.models import UNSET, CreateChatCompletionRequest
from jackfield.wire import encode
from jackfield_gateway.outbound import Reply
from jackfield_gateway.refusal import Refusal, no_model
from jackfield_gateway.stored import check_metadata, free_id, keep
from jackfield_gateway.tokens import tokens

if TYPE_CHECKING:
    from jackfield.models import CreateChatCompletionResponse, CreateChatCompletionStreamResponse
    from jackfield_gateway.gateway import Gateway
    from jackfield_gateway.inbound import Inbound
    from jackfield_gateway.key import Key
    from jackfield_gateway.outbound import Outbound
    from jackfield_gateway.quota import Admission

STEERING = frozenset({
    "api_base", "api_key", "api_version", "base_url", "custom_llm_provider", "default_headers", "deployment_id",
    "extra_body", "extra_headers", "extra_query", "fallbacks", "headers", "http_client", "mock_response",
    "num_retries", "organization", "project", "proxy", "timeout",
})  # fmt: skip
"""Fields by which servers of other makes are steered: they pass to none. Whatever else is unknown does."""
CHOOSING = frozenset({"model_list", "models", "preset", "route"})
"""Fields by which services that stand for others take another model: none passes where not every name may be used."""
EVENTS = {
    "content-type": "text/event-stream; charset=utf-8",
    "cache-control": "no-cache",
    "x-accel-buffering": "no",  # a proxy in between shall hand chunks on as they come
}
DONE = b"data: [DONE]\n\n"


async def chat(gateway: Gateway, inbound: Inbound, outbound: Outbound) -> None:
    """Answer a chat completion, whole or as server-sent events.

    Raises:
        Refusal: the request may not pass.
        JackfieldError: it failed, before anything was sent.
        ClientLeftError: nobody waits for it any more; the call was cancelled.
    """
    request = checked(gateway, inbound, await inbound.json(CreateChatCompletionRequest))
    async with outbound.watched():
        await gateway.gate.enter()
        try:
            if request.store:
                await gateway.health.check()  # better told before the service has worked than after
            admission = await gateway.quota.admit(inbound.key)
            try:
                await _answer(gateway, inbound, outbound, request, admission)
            finally:
                admission.settle(None)  # where it has not been settled
        finally:
            gateway.gate.leave()


def checked(gateway: Gateway, inbound: Inbound, request: CreateChatCompletionRequest) -> CreateChatCompletionRequest:
    """The request, if it may pass.

    Raises:
        Refusal: the model is none that the client may use (404, as OpenAI tells it), or a field would steer or cannot
            be kept (400).
    """
    for name in request.extra:
        if name in STEERING or (name in CHOOSING and gateway.restricts(inbound.key)):
            raise Refusal(400, f"unknown parameter: {name}", code="unknown_parameter", param=name)
    if not gateway.serves(request.model, inbound.key):
        raise no_model()
    if request.store and request.metadata:
        check_metadata(request.metadata)
    return request


async def _answer(
    gateway: Gateway,
    inbound: Inbound,
    outbound: Outbound,
    request: CreateChatCompletionRequest,
    admission: Admission,
) -> None:
    asked = _asked(request, inbound.key)
    options: dict[str, Any] = {"labels": _labels(inbound)}
    if request.stream:
        await _stream(gateway, inbound, outbound, request, asked, options, admission)
        return
    response = await gateway.client.create_chat_completion(asked, stream=False, **options)
    admission.settle(_tokens(response))
    if request.store:
        response = await keep(gateway, inbound, request, response)
    await outbound.reply(Reply(encode(response)))


def _asked(request: CreateChatCompletionRequest, key: Key | None) -> CreateChatCompletionRequest:
    """What the client of jackfield is asked for it."""
    changes: dict[str, Any] = {}
    if request.store:
        changes = {"store": UNSET, "metadata": UNSET}  # this is the store; OpenAI takes metadata for its own only
    options = request.stream_options
    if options and options.include_usage is not True and key is not None and key.limits.tokens:
        changes["stream_options"] = UNSET  # else nobody tells what the prompt took; left alone, backends ask for it
    return attrs.evolve(request, **changes) if changes else request


async def _stream(
    gateway: Gateway,
    inbound: Inbound,
    outbound: Outbound,
    request: CreateChatCompletionRequest,
    asked: CreateChatCompletionRequest,
    options: dict[str, Any],
    admission: Admission,
) -> None:
    stream = gateway.client.create_chat_completion(asked, stream=True, **options)
    async with stream:
        await outbound.start(200, EVENTS)
        used = 0  # of a stream that breaks off nobody tells the tokens; few chunks have less than one
        id_: str | None = None  # under which it is stored, which the chunks tell
        try:
            async for block in stream.blocks():
                used += len(block)
                if request.store and id_ is None:
                    id_ = await free_id(gateway, inbound, block[0].id)
                await outbound.write(events(block if id_ is None else _under(id_, block)))
            response = stream.response
            used = _tokens(response) or used
        finally:
            admission.settle(used)
        if request.store:
            await keep(gateway, inbound, request, attrs.evolve(response, id=id_ or ""))
        await outbound.end(DONE)


def _under(
    id_: str, chunks: Sequence[CreateChatCompletionStreamResponse]
) -> Sequence[CreateChatCompletionStreamResponse]:
    """The chunks with that id."""
    return [chunk if chunk.id == id_ else attrs.evolve(chunk, id=id_) for chunk in chunks]


def events(chunks: Sequence[CreateChatCompletionStreamResponse]) -> bytes:
    """Chunks as server-sent events (WHATWG HTML, section 9.2); one that nobody changed as the bytes that came."""
    return b"".join(
        [b"data: %b\n\n" % (_lines(chunk.raw) if chunk.raw is not None else encode(chunk)) for chunk in chunks]
    )


def _lines(data: bytes) -> bytes:
    """The text of an event with ``data: `` before each of its lines but the first."""
    return data if b"\n" not in data else b"\ndata: ".join(data.splitlines())


def _labels(inbound: Inbound) -> dict[str, str]:
    key = inbound.key
    own = {"request_id": inbound.id}
    return own if key is None else {**own, "key": key.id, "key_label": key.label}


def _tokens(response: CreateChatCompletionResponse) -> int | None:
    told = tokens(response.usage)
    return None if told is None else told.taken
