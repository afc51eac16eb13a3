"""Assistant: what the model answered before, to the blocks that it answered with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from jackfield.wire import call_arguments, spoken
from jackfield_anthropic.request.block import Block, call_id, said, text_block
from jackfield_anthropic.request.part import content_blocks

if TYPE_CHECKING:
    from jackfield.parameters import Fitting

THINKING = "thinking_blocks"
"""The unknown field of a message that keeps its thoughts, with their signatures."""
BLOCKS = "content_blocks"
"""The unknown field of a message that keeps all its blocks, where its other fields do not tell all of them."""
_TOLD = {
    "role",
    "content",
    "refusal",
    "name",
    "tool_calls",
    "function_call",
    "cache_control",
    THINKING,
    BLOCKS,
}
_FUNCTION = {"name", "arguments", "input"}
_CALL = ("cache_control", "caller")
"""Members of a call that are the service's own."""


def assistant_blocks(message: Mapping[str, Any], path: str, function_id: str, fitting: Fitting) -> list[Block]:
    """The blocks of an assistant message: its thoughts first, then what it said, then its calls.

    A message that keeps all its blocks gives these again, unless its text or its calls were changed since.

    Args:
        message: as JSON.
        path: of it in the request.
        function_id: the id that a deprecated ``function_call`` gets.
        fitting: takes what cannot be said.

    Raises:
        UnsupportedParameterError: a part, a call or a field cannot be said.
    """
    _leave_out(message, path, fitting)
    texts = content_blocks(message.get("content"), f"{path}.content", fitting)
    texts += [text_block(words) for words in (message.get("refusal"), spoken(message.get("audio") or {})) if words]
    calls = _calls(message, path, function_id, fitting)
    kept = _kept(message, BLOCKS)
    if kept and _same(kept, [*texts, *calls]):
        return said(kept)
    if kept:
        fitting.leave_out(f"{path}.{BLOCKS}")
    return [*_kept(message, THINKING), *said(texts), *calls]


def _kept(message: Mapping[str, Any], name: str) -> list[Block]:
    kept = message.get(name)
    return [dict(block) for block in kept if isinstance(block, dict)] if isinstance(kept, list) else []


def _leave_out(message: Mapping[str, Any], path: str, fitting: Fitting) -> None:
    if message.get("name") is not None:
        fitting.lacks(f"{path}.name", "leave it out")
    # Thoughts without a signature, sound, and what other services add to answers.
    known = {*_TOLD, "reasoning_content"} if message.get(THINKING) else _TOLD
    for lost in fitting.others(message, known, path):
        fitting.leave_out(lost)


def _calls(message: Mapping[str, Any], path: str, function_id: str, fitting: Fitting) -> list[Block]:
    calls = [
        block
        for number, call in enumerate(message.get("tool_calls") or ())
        if (block := _call(call, f"{path}.tool_calls[{number}]", fitting)) is not None
    ]
    if message.get("function_call"):
        calls.append(_used(function_id, message["function_call"]))
        _leave_out_of(message["function_call"], f"{path}.function_call", fitting)
    return calls


def _call(call: Mapping[str, Any], path: str, fitting: Fitting) -> Block | None:
    kind = call.get("type")
    if kind == "function":
        block = _used(call["id"], call["function"])
    elif kind == "custom":
        block = _used(call["id"], {"name": call["custom"]["name"]}) | {"input": {"input": call["custom"]["input"]}}
    else:
        fitting.lacks(path, "leave it out")
        return None
    for lost in fitting.others(call, ("type", "id", kind, *_CALL), path):
        fitting.leave_out(lost)
    _leave_out_of(call[kind], f"{path}.{kind}", fitting)
    return block | {name: call[name] for name in _CALL if name in call}


def _leave_out_of(function: Mapping[str, Any], path: str, fitting: Fitting) -> None:
    for lost in fitting.others(function, _FUNCTION, path):
        fitting.leave_out(lost)


def _used(identity: str, function: Mapping[str, Any]) -> Block:
    return {
        "type": "tool_use",
        "id": call_id(identity),
        "name": function["name"],
        "input": call_arguments(function.get("arguments", "")),
    }


def _same(kept: list[Block], told: list[Block]) -> bool:
    """Whether the blocks that a message keeps say what its text and its calls say."""
    return _gist(kept) == _gist(told)


def _gist(blocks: list[Block]) -> tuple[str, list[tuple[Any, ...]]]:
    text = "".join(str(block.get("text", "")) for block in blocks if block.get("type") == "text")
    calls = [block for block in blocks if block.get("type") == "tool_use"]
    return text, [(call.get("id"), call.get("name"), call.get("input")) for call in calls]
