"""OpenBlock: one block of a stream while its deltas come."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from jackfield.models.chunks import ChatCompletionMessageToolCallChunk, FunctionCallDelta
from jackfield.wire import call_arguments, to_json
from jackfield_anthropic.message import call_extra, citations
from jackfield_anthropic.request.block import Block, kind_of
from jackfield_anthropic.response import checked

Fields = dict[str, Any]
"""Fields of a delta of OpenAI's; empty where there is nothing to tell."""
_EMPTY = {"text": {"text": ""}, "thinking": {"thinking": ""}}
_PIECES = {"text_delta": "text", "thinking_delta": "thinking", "signature_delta": "signature"}
"""Kinds of deltas, and the member of the block that each adds to."""
_TOLD = {"text": "content", "thinking": "reasoning_content"}
"""Kinds of blocks whose pieces are told, and the field of OpenAI's in which."""


class OpenBlock:
    """Puts together a block, and tells its pieces in OpenAI's words.

    Args:
        begun: the block as it began.
        number: which call of the message it is, if it is one.

    Attributes:
        is_call: whether it is a call of a tool of the host.

    Raises:
        msgspec.ValidationError: it is not what its kind is.
    """

    def __init__(self, begun: Mapping[str, Any], number: int) -> None:
        self._block: Block = checked({**_EMPTY.get(kind_of(begun), {}), **begun})
        self.is_call = self._block["type"] == "tool_use"
        self._number = number
        self._json: list[str] = []
        self._pieces: dict[str, list[str]] = {}  # that are not in the block yet: to add each would copy all before it
        self._cited: list[Any] = []

    @property
    def block(self) -> Block:
        """It, as far as it has come."""
        for name, pieces in self._pieces.items():
            self._block[name] = "".join([self._block.get(name, ""), *pieces])
        self._pieces.clear()
        return self._block

    @property
    def length(self) -> int:
        """Characters that it adds to the answer's text."""
        return len(self.block["text"]) if self.block["type"] == "text" else 0

    def begin(self) -> Fields:
        """What its beginning tells."""
        if self.is_call:
            function = FunctionCallDelta(name=self.block["name"], arguments="")
            return self._call(id=self.block["id"], type="function", function=function, extra=call_extra(self.block))
        kind = self.block["type"]
        return {_TOLD[kind]: self.block[kind]} if kind in _TOLD and self.block[kind] else {}

    def add(self, delta: Mapping[str, Any]) -> Fields:
        """What a delta tells; members of kinds that are not known are added to the block's own.

        Raises:
            msgspec.ValidationError: a piece is no text, a citation no object, or the block not what its kind is.
        """
        kind = kind_of(delta)
        if kind == "input_json_delta":
            return self._add_json(_text(delta, "partial_json"))
        if kind == "citations_delta":
            self._cite(delta.get("citation"))
            return {}
        name = _PIECES.get(kind)
        if name is None:
            self._add_unknown(delta)
            return {}
        piece = _text(delta, name)
        if name in self._block:
            _text(self._block, name)
        self._pieces.setdefault(name, []).append(piece)
        return {_TOLD[name]: piece} if piece and name == self._block["type"] else {}

    def end(self, start: int) -> Fields:
        """What its end tells: citations, and the arguments of a call where no piece of them came.

        Args:
            start: characters of the answer's text before it.
        """
        if self.block["type"] == "text":
            found = citations(self.block, start)
            return {"annotations": found} if found else {}
        text = "".join(self._json)
        if text:
            self.block["input"] = call_arguments(text)
        elif self.is_call:
            return self._call(function=FunctionCallDelta(arguments=to_json(self.block["input"])))
        return {}

    def _cite(self, citation: Any) -> None:
        if self._block["type"] == "text" and not isinstance(citation, dict):
            raise msgspec.ValidationError("citation: expected an object")
        had = self._block.get("citations")
        if had is not self._cited:  # the block's own from now on: to make it anew for each would copy all before it
            self._block["citations"] = self._cited = list(had) if isinstance(had, list) else []
        self._cited.append(citation)

    def _add_unknown(self, delta: Mapping[str, Any]) -> None:
        block = dict(self.block)
        for name, value in delta.items():
            if name != "type" and value is not None:
                had = block.get(name)
                block[name] = had + value if isinstance(had, str) and isinstance(value, str) else value
        self._block = checked(block)

    def _add_json(self, piece: str) -> Fields:
        self._json.append(piece)
        return self._call(function=FunctionCallDelta(arguments=piece)) if piece and self.is_call else {}

    def _call(self, **fields: Any) -> Fields:
        return {"tool_calls": [ChatCompletionMessageToolCallChunk(index=self._number, **fields)]}


class AnswerBlock(OpenBlock):
    """A call of the tool that stands for an answer in JSON: its arguments are told as the text of the answer."""

    def __init__(self, begun: Mapping[str, Any], number: int) -> None:
        super().__init__(begun, number)
        self._input = self.block["input"]
        self._block = {"type": "text", "text": ""}
        self.is_call = False

    def begin(self) -> Fields:
        """Nothing: the name of the tool is none of the host's."""
        return {}

    def add(self, delta: Mapping[str, Any]) -> Fields:
        """The next piece of the answer."""
        if delta.get("type") != "input_json_delta":
            return {}
        return super().add({"type": "text_delta", "text": delta.get("partial_json")})

    def end(self, start: int) -> Fields:
        """The whole answer, where no piece of it came."""
        del start
        return {} if self.block["text"] else super().add({"type": "text_delta", "text": to_json(self._input)})


def _text(delta: Mapping[str, Any], name: str) -> str:
    value = delta.get(name)
    if not isinstance(value, str):
        raise msgspec.ValidationError(f"{name}: expected text")
    return value
