"""Message: the blocks of an answer to a message in OpenAI's words, from which the same blocks can be made again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from jackfield.models import ChatCompletionAnnotation
from jackfield.models.response import ChatCompletionResponseMessage, URLCitation
from jackfield.models.toolcalls import ChatCompletionMessageToolCall, FunctionCall
from jackfield.wire import to_json
from jackfield_anthropic.request.assistant import BLOCKS, THINKING
from jackfield_anthropic.request.block import Block

THOUGHTS = ("thinking", "redacted_thinking")
_RANKS = {"thinking": 0, "redacted_thinking": 0, "text": 1, "tool_use": 2}
"""The order in which a message that is given back makes blocks of its thoughts, its text and its calls."""
_CALL = {"type", "id", "name", "input"}


def message_of(blocks: Sequence[Block]) -> ChatCompletionResponseMessage:
    """The message that blocks tell."""
    calls = [_call(block) for block in blocks if block["type"] == "tool_use"]
    return ChatCompletionResponseMessage(
        content=_joined(blocks, "text") or None,
        reasoning_content=_joined(blocks, "thinking") or None,
        tool_calls=calls or None,
        annotations=_annotations(blocks) or None,
        extra=extra(blocks),
    )


def extra(blocks: Sequence[Block]) -> dict[str, Any]:
    """What the fields of a message do not tell: thoughts with their signatures, and all blocks where that is needed."""
    thoughts = [block for block in blocks if block["type"] in THOUGHTS]
    return {**({THINKING: thoughts} if thoughts else {}), **({} if _told(blocks) else {BLOCKS: list(blocks)})}


def call_extra(block: Mapping[str, Any]) -> dict[str, Any]:
    """The members of a call's block that OpenAI's calls do not have."""
    return {name: value for name, value in block.items() if name not in _CALL}


def _annotations(blocks: Sequence[Block]) -> list[ChatCompletionAnnotation]:
    """The citations of all blocks of text."""
    found: list[ChatCompletionAnnotation] = []
    start = 0
    for block in blocks:
        if block["type"] == "text":
            found += citations(block, start)
            start += len(block["text"])
    return found


def citations(block: Mapping[str, Any], start: int) -> list[ChatCompletionAnnotation]:
    """The citations of a block of text whose first character is at ``start`` of the answer."""
    return [_annotation(one, start, start + len(block["text"])) for one in block.get("citations") or ()]


def _annotation(citation: Mapping[str, Any], start: int, end: int) -> ChatCompletionAnnotation:
    """A page of the web as OpenAI tells it; places in documents under the service's own names."""
    rest = {name: value for name, value in citation.items() if name not in ("type", "url", "title")}
    if citation.get("type") != "web_search_result_location":
        own = {"start_index": start, "end_index": end, **rest}
        if "title" in citation:
            own["title"] = citation["title"]
        return ChatCompletionAnnotation(type=str(citation.get("type", "citation")), extra=own)
    title = citation.get("title")
    page = URLCitation(
        start_index=start,
        end_index=end,
        url=str(citation.get("url", "")),
        title=title if isinstance(title, str) else None,
        extra=rest,
    )
    return ChatCompletionAnnotation(url_citation=page)


def _call(block: Block) -> ChatCompletionMessageToolCall:
    function = FunctionCall(name=block["name"], arguments=to_json(block["input"]))
    return ChatCompletionMessageToolCall(id=block["id"], function=function, extra=call_extra(block))


def _joined(blocks: Sequence[Block], kind: str) -> str:
    return "".join(block[kind] for block in blocks if block["type"] == kind)


def _told(blocks: Sequence[Block]) -> bool:
    """Whether thoughts, text and calls, in this order, are all that there is."""
    ranks = [_RANKS.get(block["type"], -1) for block in blocks]
    texts = [block for block in blocks if block["type"] == "text"]
    return (
        -1 not in ranks
        and ranks == sorted(ranks)
        and len(texts) <= 1
        and all(set(t) <= {"type", "text"} for t in texts)
    )
