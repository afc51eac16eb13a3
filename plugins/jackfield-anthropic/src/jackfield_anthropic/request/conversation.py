"""Conversation: messages to the ``system`` and the ``messages`` of the Messages API.

What the format demands (https://platform.claude.com/docs/en/, agents-and-tools/tool-use/handle-tool-calls and
build-with-claude/mid-conversation-system-messages): all results of the calls of a turn stand in the next user turn,
before anything else; a later system message stands after a user turn.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from jackfield_anthropic.request.assistant import assistant_blocks
from jackfield_anthropic.request.block import Block, call_id, said, text_block
from jackfield_anthropic.request.part import content_blocks

if TYPE_CHECKING:
    from jackfield.parameters import Fitting

Message = Mapping[str, Any]
LaterSystem = Literal["system", "user", "top"]
"""What becomes of a system message after the first turn."""
_KNOWN = {"role", "content", "name", "cache_control", "tool_call_id"}


class Conversation:
    """Puts together the turns of a conversation, message by message.

    Args:
        later_system: where system messages after the first turn go: into a turn of their own, into the user's turn, or
            to the first ones.
        fitting: takes what cannot be said.
    """

    def __init__(self, later_system: LaterSystem, fitting: Fitting) -> None:
        self._later = later_system
        self._fitting = fitting
        self._system: list[Block] = []
        self._turns: list[dict[str, Any]] = []
        self._held: list[tuple[list[Block], dict[str, Any]]] = []
        """Later system messages and their unknown fields, until the user's turn has ended."""
        self._function_id = ""

    def add(self, messages: Sequence[Message]) -> None:
        """Take the messages of a request, as JSON.

        Raises:
            UnsupportedParameterError: something in them cannot be said.
        """
        for number, message in enumerate(messages):
            self._add(message, number)
        self._release()

    def fields(self) -> dict[str, Any]:
        """``system``, where there is any, and ``messages``."""
        system = {"system": _short(_joined(self._system))} if self._system else {}
        return {**system, "messages": [_turn(turn) for turn in self._turns]}

    def _add(self, message: Message, number: int) -> None:
        role, path = message["role"], f"messages[{number}]"
        if role in ("system", "developer"):
            self._instruct(message, path)
        elif role == "user":
            self._append("user", self._content(message, path), _besides(message))
        elif role in ("tool", "function"):
            self._append("user", [self._result(message, path)])
        elif role == "assistant":
            self._release()
            self._function_id = f"function_{number}"
            blocks = assistant_blocks(message, path, self._function_id, self._fitting)
            self._append("assistant", _cached(blocks, message))
        else:
            self._release()
            self._turns.append({"content": [], **message})

    def _content(self, message: Message, path: str) -> list[Block]:
        if message.get("name") is not None:
            self._fitting.lacks(f"{path}.name", "write it into the text")
        blocks = content_blocks(message["content"], f"{path}.content", self._fitting)
        return _cached(said(blocks) or blocks, message)  # where nothing is said, the service shall tell

    def _instruct(self, message: Message, path: str) -> None:
        blocks, besides = said(self._content(message, path)), _besides(message)
        if self._turns and self._later == "system":
            self._held.append((blocks, besides))
            return
        for lost in self._fitting.others(besides, (), path):
            self._fitting.lacks(lost, "leave it out")
        if self._turns and self._later == "user":
            self._append("user", [_tagged(block) for block in blocks])
        else:
            self._system += blocks

    def _result(self, message: Message, path: str) -> Block:
        """The result of a call; unknown fields of the message, such as ``is_error``, are the block's own."""
        if message["role"] == "tool" and message.get("name") is not None:
            self._fitting.leave_out(f"{path}.name")  # the call tells it
        identity = self._function_id if message["role"] == "function" else message["tool_call_id"]
        blocks = said(content_blocks(message["content"], f"{path}.content", self._fitting))
        block: Block = {"type": "tool_result", "tool_use_id": call_id(identity)}
        if blocks:
            block["content"] = _short(blocks)
        return block | _besides(message) | _cache(message)

    def _append(self, role: str, blocks: list[Block], besides: Mapping[str, Any] | None = None) -> None:
        if not blocks:
            return
        if not self._turns or self._turns[-1]["role"] != role:
            self._turns.append({"role": role, "content": []})
        self._turns[-1]["content"] += blocks
        self._turns[-1] |= besides or {}

    def _release(self) -> None:
        """End the user's turn: what was held comes after it."""
        held, self._held = self._held, []
        for blocks, besides in held:
            self._append("system", blocks, besides)


def _besides(message: Message) -> dict[str, Any]:
    return {name: value for name, value in message.items() if name not in _KNOWN}


def _cache(message: Message) -> dict[str, Any]:
    return {name: value for name, value in message.items() if name == "cache_control"}


def _cached(blocks: list[Block], message: Message) -> list[Block]:
    """The blocks; a ``cache_control`` of the whole message stands at the last of them."""
    if blocks and "cache_control" in message:
        blocks[-1] = {**blocks[-1], **_cache(message)}
    return blocks


def _tagged(block: Block) -> Block:
    return {**block, "text": f"<system>\n{block.get('text', '')}\n</system>"}


def _turn(turn: Mapping[str, Any]) -> dict[str, Any]:
    """A turn with results first, and its content as text where it is nothing else."""
    content = turn["content"]
    if isinstance(content, list):
        content = _short(sorted(content, key=lambda block: block.get("type") != "tool_result"))
    return {**turn, "content": content}


def _short(blocks: list[Block]) -> str | list[Block]:
    (only,) = blocks if len(blocks) == 1 else ({},)
    return only["text"] if only.keys() == {"type", "text"} else blocks


def _joined(system: list[Block]) -> list[Block]:
    """Plain texts as one: not every server of this format puts anything between two."""
    if any(block.keys() != {"type", "text"} for block in system):
        return system
    return [text_block("\n\n".join(block["text"] for block in system))]
