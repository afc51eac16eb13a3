"""Stored completions: GET, POST and DELETE below /v1/chat/completions. OpenAI API reference, "Chat completions"."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import attrs

from jackfield.models import UNSET, CreateChatCompletionRequest, CreateChatCompletionResponse
from jackfield.wire import encode, parse, to_dict
from jackfield_gateway.outbound import Reply
from jackfield_gateway.refusal import Refusal
from jackfield_gateway.store import Completion

if TYPE_CHECKING:
    from jackfield_gateway.gateway import Gateway
    from jackfield_gateway.inbound import Inbound

MOST = 100
PARTS = ("text", "image_url")
PAIRS, NAME, VALUE = 16, 64, 512
"""How many pairs metadata may have, and how long names and values may be."""


@attrs.frozen
class Page:
    """Which part of a list is asked for.

    Attributes:
        limit: how many, 1 to 100.
        order: ``asc`` or ``desc``.
        after: id of the one before the first.
        model: only of that model.
        metadata: only with these pairs.
    """

    limit: int = 20
    order: str = "asc"
    after: str | None = None
    model: str | None = None
    metadata: Mapping[str, str] = attrs.field(factory=dict)


def check_metadata(pairs: Any) -> None:
    """Raise ``Refusal`` unless these are pairs that a stored completion may have."""
    fits = (
        isinstance(pairs, Mapping)
        and len(pairs) <= PAIRS
        and all(len(name) <= NAME and isinstance(value, str) and len(value) <= VALUE for name, value in pairs.items())
    )
    if not fits:
        raise Refusal(
            400,
            f"metadata: expected null or {PAIRS} pairs of texts at most, names up to {NAME} and values up to {VALUE}",
            code="invalid_value",
            param="metadata",
        )


async def keep(
    gateway: Gateway, inbound: Inbound, request: CreateChatCompletionRequest, response: CreateChatCompletionResponse
) -> CreateChatCompletionResponse:
    """Store an answer that was asked for with ``store``; returns it, under another id where it has none of its own."""
    metadata = None if request.metadata is UNSET else request.metadata
    messages = encode([to_dict(message) for message in request.messages]).decode()
    if not response.id:
        response = attrs.evolve(response, id=new_id())
    while True:
        text = encode(response).decode()
        one = Completion(response.id, request.model, text, messages, metadata)
        if await gateway.store.save(_owner(inbound), one):
            return response
        response = attrs.evolve(response, id=new_id())  # caches give one answer twice, and some services one id


async def free_id(gateway: Gateway, inbound: Inbound, id_: str) -> str:
    """The id under which an answer can be stored: its own, or another where it has none or that is taken."""
    taken = not id_ or await gateway.store.has_completion(_owner(inbound), id_)
    return new_id() if taken else id_


def new_id() -> str:
    """The id of an answer, as OpenAI's look."""
    return f"chatcmpl-{secrets.token_hex(16)}"


async def list_completions(gateway: Gateway, inbound: Inbound) -> Reply:
    """GET /v1/chat/completions. Raises ``Refusal``."""
    page = _page(inbound, {"model", "metadata"})
    found = await gateway.store.completions(
        _owner(inbound),
        after=page.after,
        descending=page.order == "desc",
        limit=page.limit + 1,
        model=page.model,
        metadata=page.metadata,
    )
    if found is None:
        raise _unknown_place()
    return _listed([_shown(one) for one in found], page.limit)


async def retrieve(gateway: Gateway, inbound: Inbound) -> Reply:
    """GET /v1/chat/completions/{id}. Raises ``Refusal``."""
    return Reply(encode(_shown(await _one(gateway, inbound))))


async def messages(gateway: Gateway, inbound: Inbound) -> Reply:
    """GET /v1/chat/completions/{id}/messages. Raises ``Refusal``."""
    page = _page(inbound, set())
    one = await _one(gateway, inbound)
    told = [{**_told(message), "id": f"{one.id}-{number}"} for number, message in enumerate(parse(one.messages))]
    if page.order == "desc":
        told.reverse()
    if page.after is not None:
        ids = [message["id"] for message in told]
        if page.after not in ids:
            raise _unknown_place()
        told = told[ids.index(page.after) + 1 :]
    return _listed(told[: page.limit + 1], page.limit)


async def update(gateway: Gateway, inbound: Inbound) -> Reply:
    """POST /v1/chat/completions/{id}: its metadata. Raises ``Refusal``."""
    metadata = _metadata(await inbound.json(dict[str, Any]))
    one = await gateway.store.set_metadata(_owner(inbound), inbound.parameters["id"], metadata)
    if one is None:
        raise _missing()
    return Reply(encode(_shown(one)))


async def delete(gateway: Gateway, inbound: Inbound) -> Reply:
    """DELETE /v1/chat/completions/{id}. Raises ``Refusal``."""
    id_ = inbound.parameters["id"]
    if not await gateway.store.delete(_owner(inbound), id_):
        raise _missing()
    return Reply(encode({"object": "chat.completion.deleted", "id": id_, "deleted": True}))


def _owner(inbound: Inbound) -> str:
    return "" if inbound.key is None else inbound.key.id


async def _one(gateway: Gateway, inbound: Inbound) -> Completion:
    one = await gateway.store.completion(_owner(inbound), inbound.parameters["id"])
    if one is None:
        raise _missing()
    return one


def _told(message: Mapping[str, Any]) -> dict[str, Any]:
    """A message of a request as the list has it: content in parts stands apart, the kinds of it that the list knows."""
    told: dict[str, Any] = {"content": None, "refusal": None, **message, "content_parts": None}
    if isinstance(told["content"], list):
        parts = [part for part in told["content"] if isinstance(part, dict) and part.get("type") in PARTS]
        told["content"], told["content_parts"] = None, parts
    if told.get("function_call") is None:  # null is allowed in a request, and not here
        told.pop("function_call", None)
    audio = told.get("audio")
    if not isinstance(audio, dict) or "data" not in audio:  # a reference to speech, which is not kept here
        told.pop("audio", None)
    return told


def _shown(one: Completion) -> dict[str, Any]:
    response: dict[str, Any] = parse(one.response)
    return {**response, "metadata": None if one.metadata is None else dict(one.metadata)}


def _listed(items: Sequence[Mapping[str, Any]], limit: int) -> Reply:
    """A page of a list; one item more than its limit tells that there are others."""
    shown = items[:limit]
    return Reply(
        encode(
            {
                "object": "list",
                "data": list(shown),
                "first_id": shown[0]["id"] if shown else None,
                "last_id": shown[-1]["id"] if shown else None,
                "has_more": len(items) > limit,
            }
        )
    )


def _page(inbound: Inbound, more: set[str]) -> Page:
    fields: dict[str, Any] = {}
    metadata: dict[str, str] = {}
    for name, value in inbound.query:
        pair = "metadata" in more and name.startswith("metadata[") and name.endswith("]")
        pair = pair and name != "metadata[]" and "][" not in name  # so arrays and trees are written: no pair is meant
        known = pair or name in {"limit", "order", "after", *(more - {"metadata"})}
        if not known or name in fields or (pair and name[9:-1] in metadata):
            raise Refusal(
                400, f"unknown or repeated parameter: {name[:NAME]}", code="unknown_parameter", param=name[:NAME]
            )
        if pair:
            metadata[name[9:-1]] = value
        else:
            fields[name] = _read(name, value)
    return Page(**fields, metadata=metadata)


def _read(name: str, value: str) -> Any:
    if name == "limit":
        if not (value.isascii() and value.isdecimal() and len(value) <= 3 and 1 <= int(value) <= MOST):
            raise Refusal(400, f"limit: expected a whole number from 1 to {MOST}", code="invalid_value", param=name)
        return int(value)
    if name == "order" and value not in {"asc", "desc"}:
        raise Refusal(400, "order: expected asc or desc", code="invalid_value", param=name)
    return value


def _metadata(body: Mapping[str, Any]) -> Mapping[str, str] | None:
    """What an update says. Raises ``Refusal``."""
    for name in body:
        if name != "metadata":
            raise Refusal(400, f"unknown parameter: {name[:NAME]}", code="unknown_parameter", param=name[:NAME])
    pairs: Any = body.get("metadata", UNSET)
    if pairs is None:
        return None
    check_metadata(pairs)
    return dict(pairs)


def _unknown_place() -> Refusal:
    """Not an empty page: who asks by a wrong id would believe to have seen all."""
    return Refusal(404, "after: there is nothing of that id in this list", code="not_found", param="after")


def _missing() -> Refusal:
    return Refusal(404, "there is no stored completion of that id", code="not_found", param="id")
