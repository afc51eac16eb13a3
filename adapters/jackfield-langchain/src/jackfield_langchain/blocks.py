"""Blocks: our answers as LangChain's standard content blocks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from langchain_core.messages import AIMessage, AIMessageChunk
from langchain_core.messages.block_translators import register_translator
from langchain_core.messages.content import ContentBlock

from jackfield_langchain.request import PROVIDER, THOUGHTS


def blocks_of(message: AIMessage) -> list[ContentBlock]:
    """Thoughts, text with its citations, calls, sound and refusal of a message, in this order."""
    told = message.additional_kwargs
    found: list[dict[str, Any]] = []
    thoughts = next((told[name] for name in THOUGHTS if isinstance(told.get(name), str) and told[name]), None)
    if isinstance(message.content, str):
        if message.content or (isinstance(message, AIMessageChunk) and told.get("annotations")):
            found.append(_text(message.content, told.get("annotations")))
    else:
        # LangChain's own reading of blocks, without looking for a translator again.
        plain = message.model_copy(update={"response_metadata": {}, "tool_calls": [], "additional_kwargs": {}})
        found += cast("list[dict[str, Any]]", plain.content_blocks)
    kinds = {block["type"] for block in found}
    if thoughts is not None and "reasoning" not in kinds:
        found.insert(0, {"type": "reasoning", "reasoning": thoughts})
    if kinds.isdisjoint({"tool_call", "tool_call_chunk"}):
        found += _calls(message)
    if isinstance(told.get("audio"), Mapping):
        found.append(_sound(told["audio"]))
    if told.get("refusal") and "refusal" not in kinds:
        found.append({"type": "refusal", "refusal": told["refusal"]})
    return cast("list[ContentBlock]", found)


def _text(text: str, annotations: Any) -> dict[str, Any]:
    pages = [one["url_citation"] for one in annotations or () if isinstance(one.get("url_citation"), Mapping)]
    cited = [
        {
            "type": "citation",
            **{name: page[name] for name in ("url", "title", "start_index", "end_index") if page.get(name) is not None},
        }
        for page in pages
    ]
    return {"type": "text", "text": text, **({"annotations": cited} if cited else {})}


def _calls(message: AIMessage) -> list[dict[str, Any]]:
    if isinstance(message, AIMessageChunk) and message.chunk_position != "last":
        # LangChain numbers the other blocks of a stream from 0 on, and joins blocks of one number.
        return [
            {**piece, "type": "tool_call_chunk", "index": f"lc_call_{piece['index']}"}
            for piece in message.tool_call_chunks
        ]
    calls = [
        {"type": "tool_call", "name": call["name"], "args": call["args"], "id": call["id"]}
        for call in message.tool_calls
    ]
    return calls + [{**call, "type": "invalid_tool_call"} for call in message.invalid_tool_calls]


def _sound(audio: Mapping[str, Any]) -> dict[str, Any]:
    extras = {name: audio[name] for name in ("id", "transcript", "expires_at") if audio.get(name)}
    return {"type": "audio", "base64": audio.get("data", ""), "extras": extras}


register_translator(PROVIDER, blocks_of, blocks_of)
