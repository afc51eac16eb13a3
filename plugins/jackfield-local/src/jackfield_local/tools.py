"""Tools: which of them a request offers, and calls that are certain.

Left to itself, the engine takes ``tool_choice`` for a hint. A call that is demanded is therefore had by grammar: the
model is told of the function, answers with JSON that the function's schema allows, and that is made a tool call.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping, Sequence
from typing import Any

import attrs

from jackfield_local.failure import bad_request

Tool = Mapping[str, Any]
_HEAD = re.compile(r'\s*\{\s*"name"\s*:\s*("(?:[^"\\]|\\.)*")\s*,\s*"arguments"\s*:\s*')


@attrs.frozen
class Choice:
    """What a request's ``tools`` and ``tool_choice`` come to.

    Attributes:
        offered: the tools that the model may call as it likes.
        demanded: the tools of which it has to call one; where there are any, nothing is ``offered``.
    """

    offered: tuple[Tool, ...] = ()
    demanded: tuple[Tool, ...] = ()


def choose(fields: Mapping[str, Any]) -> Choice:
    """Read ``tools``, which are functions, and ``tool_choice`` of a request.

    Raises:
        BadRequestError: ``tool_choice`` names none of them.
    """
    tools, choice = fields.get("tools") or (), fields.get("tool_choice")
    if isinstance(choice, Mapping) and choice.get("type") == "allowed_tools":
        allowed = choice.get("allowed_tools") or {}
        tools = [_find(tools, tool) for tool in allowed.get("tools") or ()]
        choice = allowed.get("mode", "auto")
    match choice:
        case None | "auto":
            return Choice(offered=tuple(tools))
        case "none":
            return Choice()
        case "required" if tools:
            return Choice(demanded=tuple(tools))
        case {"type": "function"}:
            return Choice(demanded=(_find(tools, choice),))
        case _:
            raise bad_request(
                "expected none, auto, or one of the functions in tools; the local engine knows no other", "tool_choice"
            )


def _find(tools: Sequence[Tool], named: Mapping[str, Any]) -> Tool:
    name = (named.get("function") or {}).get("name")
    for tool in tools:
        if tool["function"].get("name") == name:
            return tool
    raise bad_request(f"tools has no function named {name!r}", "tool_choice")


def instruction(demanded: Sequence[Tool]) -> str:
    """What to tell the model, as part of the system message, of the functions of which it has to call one."""
    functions = "\n".join(json.dumps(tool["function"], ensure_ascii=False) for tool in demanded)
    if len(demanded) == 1:
        return (
            f"Call this function for the user:\n{functions}\n\n"
            "Answer with nothing but the JSON object of its arguments."
        )
    return (
        f"Call one of these functions for the user:\n{functions}\n\nAnswer with nothing but one JSON object: "
        '{"name": the name of the function, "arguments": the object of its arguments}'
    )


def schema(demanded: Sequence[Tool]) -> dict[str, Any]:
    """The JSON Schema of that answer: the arguments of the one function, or name and arguments of one of several."""
    if len(demanded) == 1:
        return _parameters(demanded[0])
    calls = [
        {
            "type": "object",
            "properties": {"name": {"const": tool["function"]["name"]}, "arguments": _parameters(tool)},
            "required": ["name", "arguments"],
            "additionalProperties": False,
        }
        for tool in demanded
    ]
    return {"anyOf": calls}


def _parameters(tool: Tool) -> dict[str, Any]:
    return tool["function"].get("parameters") or {"type": "object", "properties": {}, "additionalProperties": False}


class Caller:
    """Turns the text of such an answer, as it comes, into the deltas of one tool call.

    Args:
        demanded: the tools that were demanded.
    """

    def __init__(self, demanded: Sequence[Tool]) -> None:
        self.called = False
        self._several = len(demanded) > 1
        self._name: str | None = None if self._several else demanded[0]["function"]["name"]
        self._held = ""
        self._begun = False

    def feed(self, text: str) -> list[dict[str, Any]]:
        """The entries of ``delta.tool_calls`` for more of the text; none where it tells nothing yet."""
        self._held += text
        if self._name is None:
            head = _HEAD.match(self._held)
            if head is None:
                return []
            self._name, self._held = json.loads(head[1]), self._held[head.end() :]
        if not self._several:
            return self._give(len(self._held))
        # The last brace belongs to the object around the arguments; it is known to be the last only at the end.
        body = self._held.rstrip()
        return self._give(len(body.removesuffix("}").rstrip()))

    def end(self, *, whole: bool) -> list[dict[str, Any]]:
        """What is left when the text has ended; ``whole`` tells that it was not cut off by a limit."""
        return [] if self._name is None or (whole and self._several) else self._give(len(self._held))

    def _give(self, length: int) -> list[dict[str, Any]]:
        part, self._held = self._held[:length], self._held[length:]
        if not self._begun:
            part = part.lstrip()
            self._begun = bool(part)
        if not self.called:
            self.called = True
            function = {"name": self._name, "arguments": part}
            return [{"index": 0, "id": "call_" + os.urandom(12).hex(), "type": "function", "function": function}]
        return [{"index": 0, "function": {"arguments": part}}] if part else []
