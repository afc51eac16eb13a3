"""Messages: the chain that ``llm`` hands over, as messages of a request."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import llm
from llm.parts import AttachmentPart, Part, ReasoningPart, TextPart, ToolCallPart, ToolResultPart

from llm_jackfield import attachments, metadata

Wire = dict[str, Any]


def messages(chain: Sequence[llm.Message], detail: str | None) -> list[Wire]:
    """All messages of a chain, in their order.

    A system message that says again what the last one said is left out, for ``llm`` says it in each turn. What other
    plugins' services did by themselves, and what their models drew, has no place in a chat completion and is left out.

    Args:
        chain: the whole conversation, ``prompt.messages``.
        detail: how closely to look at images.
    """
    wire: list[Wire] = []
    system, calls = None, _Calls()
    for place, message in enumerate(chain):
        if message.role == "system":
            text = _text(message.parts)
            if text and text != system:
                wire.append({"role": "system", "content": text})
                system = text
        elif message.role == "tool":
            wire += _results(message.parts, calls)
            wire += _shown(message.parts, chain[place + 1 : place + 2], detail)
        elif message.role == "assistant":
            wire += _assistant(message.parts, calls)
        elif content := _content(message.parts, detail):
            wire.append({"role": message.role, "content": content})
    return wire


class _Calls:
    """Ids for the calls, and their results, that another plugin's model made without any."""

    def __init__(self) -> None:
        self._count = 0
        self._open: list[tuple[str, str]] = []

    def made(self, part: ToolCallPart) -> str:
        """The id of a call."""
        if part.tool_call_id:
            return part.tool_call_id
        self._count += 1
        identity = f"call_{self._count}"
        self._open.append((part.name, identity))
        return identity

    def answered(self, part: ToolResultPart) -> str:
        """The id of the call that a result is of: of that name, the first that has none yet."""
        if part.tool_call_id:
            return part.tool_call_id
        for number, (name, identity) in enumerate(self._open):
            if name == part.name:
                del self._open[number]
                return identity
        return ""


def _text(parts: Iterable[Part]) -> str:
    return "".join(part.text for part in parts if isinstance(part, TextPart))


def _content(parts: Sequence[Part], detail: str | None) -> str | list[Wire]:
    """Text where there is nothing else, else parts; empty where there is nothing at all."""
    shown = [part for part in parts if isinstance(part, AttachmentPart) and part.attachment]
    if not shown:
        return _text(parts)
    content: list[Wire] = []
    for part in parts:
        if isinstance(part, TextPart) and part.text:
            content.append({"type": "text", "text": part.text})
        elif isinstance(part, AttachmentPart) and part.attachment:
            content.append(attachments.part(part.attachment, detail))
    return content


def _assistant(parts: Sequence[Part], ids: _Calls) -> Iterator[Wire]:
    own = metadata.kept([part for part in parts if not isinstance(part, ToolCallPart)])
    text = _text(parts)
    message: Wire = {"role": "assistant", **own.get("message", {})}
    if text and text != message.get("refusal"):  # a refusal is the text that llm was told
        message["content"] = text
    if thoughts := own.get("thoughts"):
        message[thoughts] = "".join(part.text for part in parts if isinstance(part, ReasoningPart))
    calls = [_call(part, ids) for part in parts if isinstance(part, ToolCallPart) and not part.server_executed]
    if calls:
        message["tool_calls"] = calls
    if len(message) > 1:
        yield message


def _call(part: ToolCallPart, ids: _Calls) -> Wire:
    function = {"name": part.name, "arguments": json.dumps(part.arguments, ensure_ascii=False)}
    return {**metadata.kept([part]), "type": "function", "id": ids.made(part), "function": function}


def _results(parts: Iterable[Part], ids: _Calls) -> Iterator[Wire]:
    for part in parts:
        if isinstance(part, ToolResultPart) and not part.server_executed:
            output = part.output or (f"Error: {part.exception}" if part.exception else "")
            yield {"role": "tool", "tool_call_id": ids.answered(part), "content": output}


def _shown(parts: Iterable[Part], following: Sequence[llm.Message], detail: str | None) -> Iterator[Wire]:
    """What tools showed, as the user's message: a tool's own can hold text only.

    Args:
        parts: results of tools.
        following: the next message, in which ``llm`` mostly has put the same; it is not said twice.
        detail: how closely to look at images.
    """
    there: list[Any] = [part for message in following for part in message.parts if isinstance(part, AttachmentPart)]
    said = {part.attachment.id() for part in there if part.attachment}
    shown = [item for part in parts if isinstance(part, ToolResultPart) for item in part.attachments]
    content = [attachments.part(item, detail) for item in shown if item.id() not in said]
    if content:
        yield {"role": "user", "content": content}
