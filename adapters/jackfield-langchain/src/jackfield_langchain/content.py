"""Content: the blocks of a LangChain message, to the parts of a message of OpenAI's API."""

from __future__ import annotations

import mimetypes
from collections.abc import Callable, Iterable, Mapping
from typing import Any

Part = dict[str, Any]

NOT_SENT = frozenset(
    {
        "code_interpreter_call",
        "function_call",
        "input_json_delta",
        "invalid_tool_call",
        "reasoning",
        "reasoning_content",
        "redacted_thinking",
        "server_tool_call",
        "server_tool_call_chunk",
        "server_tool_result",
        "thinking",
        "tool_call",
        "tool_call_chunk",
        "tool_use",
    }
)
"""Blocks that tell what other fields of a message tell, or that only the service which made them understands."""
_FORMATS = {"mpeg": "mp3", "mpga": "mp3", "x-wav": "wav", "wave": "wav", "vnd.wave": "wav", "x-flac": "flac"}
"""Formats of sound in OpenAI's words, by the MIME subtypes that have other ones."""
_KEPT = ("cache_control", "prompt_cache_breakpoint")
"""Members of a block that ask the service to cache the prompt up to it."""


def content_of(content: str | Iterable[str | Mapping[str, Any]]) -> str | list[Part]:
    """The content of a message as the wire has it.

    Blocks of LangChain's standard, of v0 too, and of Anthropic's format become parts of OpenAI's; those in
    ``NOT_SENT`` are left out; what is not known goes as it is, for the backend may know it.

    Raises:
        ValueError: a block of media has its data where OpenAI's format has no place for it.
    """
    if isinstance(content, str):
        return content
    return [part for block in content if (part := _part(block)) is not None]


def _part(block: str | Mapping[str, Any]) -> Part | None:
    if isinstance(block, str):
        return {"type": "text", "text": block}
    kind = str(block.get("type", ""))
    if kind in NOT_SENT:
        return None
    if kind == "non_standard":
        return dict(block["value"])
    make = _MAKERS.get(kind)
    part = None if make is None else make(block)
    return dict(block) if part is None else part | _kept(block)


def _kept(block: Mapping[str, Any]) -> Part:
    extras = block.get("extras")
    told = {**(extras if isinstance(extras, Mapping) else {}), **block}
    return {name: told[name] for name in _KEPT if name in told}


def _text(block: Mapping[str, Any]) -> Part:
    return {"type": "text", "text": block["text"]}


def _image_url(block: Mapping[str, Any]) -> Part:
    url = block["image_url"]
    return {"type": "image_url", "image_url": {"url": url} if isinstance(url, str) else dict(url)}


def _image(block: Mapping[str, Any]) -> Part:
    url = _source(block) or block.get("url") or _data_url(block)
    if url is None:
        raise ValueError("an image block: expected its url, or base64 and mime_type")
    detail = _extra(block, "detail")
    return {"type": "image_url", "image_url": {"url": url} if detail is None else {"url": url, "detail": detail}}


def _audio(block: Mapping[str, Any]) -> Part:
    data, mime = _data(block), block.get("mime_type")
    if data is None or mime is None:
        raise ValueError("an audio block: expected base64 and mime_type")
    subtype = str(mime).partition(";")[0].rpartition("/")[2]
    return {"type": "input_audio", "input_audio": {"data": data, "format": _FORMATS.get(subtype, subtype)}}


def _video(block: Mapping[str, Any]) -> Part:
    url = block.get("url") or _data_url(block)
    if url is None:
        raise ValueError("a video block: expected its url, or base64 and mime_type")
    return {"type": "video_url", "video_url": {"url": url}}


def _file(block: Mapping[str, Any]) -> Part | None:
    if isinstance(block.get("file"), Mapping):  # OpenAI's own
        return {"type": "file", "file": dict(block["file"])}
    if block.get("source_type") == "text" and "text" in block:
        return _text(block)
    told = _told(block)
    if told is not None:
        return {"type": "text", "text": told}
    identity = block.get("file_id") or (block.get("id") if block.get("source_type") == "id" else None)
    source = block.get("source")
    if isinstance(source, Mapping) and source.get("type") == "file":
        identity = source.get("file_id")
    if identity:
        return {"type": "file", "file": {"file_id": identity}}
    data = _source(block) or _data_url(block) or block.get("url")
    if data is None:
        raise ValueError("a file block: expected base64 and mime_type, file_id or url")
    return {"type": "file", "file": {"filename": _filename(block, data), "file_data": data}}


def _filename(block: Mapping[str, Any], data: str) -> str:
    """Its name, which OpenAI demands with the content."""
    name = block.get("filename") or _extra(block, "filename") or _extra(block, "name") or block.get("title")
    if name:
        return str(name)
    mime = data[5:].partition(";")[0] if data.startswith("data:") else str(block.get("mime_type", ""))
    return "file" + (mimetypes.guess_extension(mime) or "")


def _refusal(block: Mapping[str, Any]) -> Part:
    return {"type": "refusal", "refusal": block.get("refusal", "")}


def _data(block: Mapping[str, Any]) -> str | None:
    """Base64, as v1 has it, or v0."""
    data = block.get("base64") or (block.get("data") if block.get("source_type") == "base64" else None)
    return None if data is None else str(data)


def _data_url(block: Mapping[str, Any]) -> str | None:
    data, mime = _data(block), block.get("mime_type")
    return None if data is None or mime is None else f"data:{mime};base64,{data}"


def _source(block: Mapping[str, Any]) -> str | None:
    """The URL that a block of Anthropic's format tells."""
    source = block.get("source")
    if not isinstance(source, Mapping):
        return None
    if source.get("type") == "base64":
        return f"data:{source.get('media_type')};base64,{source.get('data')}"
    url = source.get("url")
    return url if isinstance(url, str) else None


def _told(block: Mapping[str, Any]) -> str | None:
    """The text of a document of Anthropic's format, if it is one of text only."""
    source = block.get("source")
    if not isinstance(source, Mapping):
        return None
    if source.get("type") == "text":
        return str(source.get("data", ""))
    if source.get("type") != "content":
        return None
    parts = source.get("content") or ()
    if isinstance(parts, str):
        return parts
    if not all(isinstance(part, Mapping) and part.get("type") == "text" for part in parts):
        raise ValueError("a document block: expected its content to be text")
    return "\n".join(str(part.get("text", "")) for part in parts)


def _extra(block: Mapping[str, Any], name: str) -> Any:
    for place in ("extras", "metadata"):
        extras = block.get(place)
        if isinstance(extras, Mapping) and extras.get(name) is not None:
            return extras[name]
    return block.get(name)


_MAKERS: Mapping[str, Callable[[Mapping[str, Any]], Part | None]] = {
    "audio": _audio,
    "document": _file,
    "file": _file,
    "image": _image,
    "image_url": _image_url,
    "refusal": _refusal,
    "text": _text,
    "text-plain": lambda block: _text(block) if "text" in block else _file(block),
    "video": _video,
}
