"""Choice: one answer while its parts come, in one piece or as a stream."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from jackfield.errors import ValidationError
from jackfield.wire import to_json
from jackfield_gemini.answer import without
from jackfield_gemini.ending import Ending
from jackfield_gemini.identity import made
from jackfield_gemini.layout import SIGNATURE, Layout

_READ = frozenset({"content", "index", "logprobsResult"})
_PIECEMEAL = frozenset({"partialArgs", "willContinue"})
_CODE = "executableCode"
_BLOB, _DATA = frozenset({"inlineData"}), frozenset({"data"})
_SILENT = frozenset({"text", "thought", SIGNATURE})


@attrs.frozen
class Call:
    """A call of a function in an answer.

    Attributes:
        number: of the call in its choice.
        id: the service's, or one that was made.
        name: of the function.
        arguments: JSON text.
        extra: what goes with it besides: its signature.
    """

    number: int
    id: str
    name: str
    arguments: str
    extra: Mapping[str, Any]


@attrs.define(eq=False)
class Added:
    """What one piece adds to a choice.

    Attributes:
        text, thoughts: None where there is none.
        audio: pieces of sound in base64.
        sound: what is told of the sound besides: its type.
        calls: of functions.
    """

    text: str | None = None
    thoughts: str | None = None
    audio: list[str] = attrs.field(factory=list)
    sound: dict[str, Any] = attrs.field(factory=dict)
    calls: list[Call] = attrs.field(factory=list)

    @property
    def empty(self) -> bool:
        """Whether it adds nothing that a host is given."""
        return not (self.text or self.thoughts or self.audio or self.calls)


class Choice:
    """One of the candidates.

    Args:
        index: of the choice.

    Attributes:
        extra: the members of the candidate that OpenAI's choice has no field for, of each name the last.
    """

    def __init__(self, index: int) -> None:
        self.index = index
        self.extra: dict[str, Any] = {}
        self._layout = Layout()
        self._empty, self._calls = True, 0
        self._reason: str | None = None
        self._message: str | None = None
        self._runs = False

    def take(self, candidate: Mapping[str, Any], response_id: str) -> Added:
        """Take the next piece.

        Args:
            candidate: as it came.
            response_id: of the answer, of which ids of calls are made.

        Raises:
            ValidationError: a call has no name, or comes in pieces.
        """
        self.extra |= without(candidate, _READ)
        added = Added()
        told = (candidate.get("content") or {}).get("parts") or ()
        parts = [{name: value for name, value in part.items() if value is not None} for part in told]
        for part in parts:
            self._part(part, response_id, added)
        self._empty = self._empty and added.empty
        if reason := candidate.get("finishReason"):
            self._reason, self._message = reason, candidate.get("finishMessage")
        elif any(part.get("text") or part.keys() - _SILENT for part in parts):
            self._reason = None  # it goes on after all, as it does when the service runs code
        return added

    @property
    def ended(self) -> bool:
        """Whether it tells why it ended. Code that is to be run has ended nothing: what it prints is yet to come."""
        return self._reason is not None and not (self._runs and self._reason == "STOP")

    @property
    def ending(self) -> Ending:
        """How it ended."""
        return Ending(self._reason or "", self._message, empty=self._empty, called=self._calls > 0)

    @property
    def told(self) -> dict[str, Any]:
        """What the message tells besides its fields, so that it makes the same parts again."""
        google = self._layout.told()
        return {"extra_content": {"google": google}} if google else {}

    def _part(self, part: Mapping[str, Any], response_id: str, added: Added) -> None:
        call = part.get("functionCall")
        text = part.get("text")
        if text:
            self._runs = False
        if text is not None:
            self._text(part if call is None else {"text": text}, added)
        if call is not None:
            added.calls.append(self._call(part, call, response_id))
        elif text is None:
            self._other(part, added)

    def _text(self, part: Mapping[str, Any], added: Added) -> None:
        self._layout.text(part)
        if part.get("thought"):
            added.thoughts = (added.thoughts or "") + part["text"]
        else:
            added.text = (added.text or "") + part["text"]

    def _call(self, part: Mapping[str, Any], call: Mapping[str, Any], response_id: str) -> Call:
        if not call.get("name"):
            raise ValidationError("functionCall.name: expected the name of a function")
        if not _PIECEMEAL.isdisjoint(call):
            raise ValidationError("functionCall: expected a whole call; do not set streamFunctionCallArguments")
        number, signature = self._calls, part.get(SIGNATURE)
        self._calls += 1
        self._layout.call(part)
        extra = {} if signature is None else {"extra_content": {"google": {"thought_signature": signature}}}
        identity = call.get("id") or made(response_id, self.index, number)
        return Call(number, identity, call["name"], to_json(call.get("args") or {}), extra)

    def _other(self, part: Mapping[str, Any], added: Added) -> None:
        blob = part.get("inlineData") or {}
        if (blob.get("mimeType") or "").startswith("audio/"):
            added.audio.append(blob.get("data") or "")
            added.sound |= {**without(part, _BLOB), **without(blob, _DATA)}
        elif part:
            self._runs = _CODE in part
            self._layout.other(part)
