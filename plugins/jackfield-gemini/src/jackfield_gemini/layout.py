"""Layout: how the parts of an answer stood, so that the message, given back as history, makes the same parts again.

A message has one text, one text of thoughts and its calls; an answer has parts in any order, some of them signed. Where
the one does not tell the other, the layout goes with the message: the parts, with the number of its characters in place
of each text, the number of each call in place of the call, and all else as it came.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Part = dict[str, Any]
SIGNATURE = "thoughtSignature"


class Layout:
    """The layout of one answer, while its parts come."""

    def __init__(self) -> None:
        self.parts: list[Part] = []
        self._calls = 0
        self._signature: str | None = None

    def text(self, part: Mapping[str, Any]) -> None:
        """Take a text, or a text of thoughts.

        What has no signature is one with what came before, if that has none either; an empty text says nothing.
        """
        length = len(part["text"])
        kept = {key: value for key, value in part.items() if key != "thought" or value} | {"text": length}
        signature = part.get(SIGNATURE)
        if signature is not None and "thought" not in kept:
            self._signature = signature
        before = self.parts[-1] if self.parts else {}
        if _is_plain(kept):
            if not length:
                return
            if _is_plain(before) and before.get("thought") == kept.get("thought"):
                before["text"] += length
                return
        self.parts.append(kept)

    def call(self, part: Mapping[str, Any]) -> None:
        """Take a call of a function."""
        kept = {key: value for key, value in part.items() if key not in {"text", "thought"}}
        self.parts.append(kept | {"functionCall": self._calls})
        self._calls += 1

    def other(self, part: Mapping[str, Any]) -> None:
        """Take any other part."""
        self.parts.append(dict(part))

    def told(self) -> dict[str, Any]:
        """What a message tells besides its fields: the signature of its text, and the layout where it is needed."""
        signed = {} if self._signature is None else {"thought_signature": self._signature}
        return signed if self.parts == self._usual() else {**signed, "parts": self.parts}

    def _usual(self) -> list[Part]:
        """The layout that a message has which does not tell."""
        thoughts = sum(part["text"] for part in self.parts if _is_text(part) and "thought" in part)
        text = sum(part["text"] for part in self.parts if _is_text(part) and "thought" not in part)
        calls = [part for part in self.parts if "functionCall" in part]
        plain = [{key: value for key, value in call.items() if key in {"functionCall", SIGNATURE}} for call in calls]
        return _usual(thoughts, text, self._signature, plain)


def _is_text(part: Mapping[str, Any]) -> bool:
    return isinstance(part.get("text"), int)


def _is_plain(part: Mapping[str, Any]) -> bool:
    return "text" in part and part.keys() <= {"text", "thought"}


def _usual(thoughts: Any, text: Any, signature: str | None, calls: Sequence[Part]) -> list[Part]:
    parts: list[Part] = [{"text": thoughts, "thought": True}] if thoughts else []
    if text or signature is not None:
        parts.append({"text": text} if signature is None else {"text": text, SIGNATURE: signature})
    return [*parts, *calls]


def parts_of(thoughts: str, text: str, calls: Sequence[Part], google: Mapping[str, Any]) -> list[Part]:
    """The parts of a message that the model said.

    Args:
        thoughts: its text of thoughts.
        text: its text.
        calls: a part for each of its calls.
        google: what ``Layout.told`` told of it; a layout that does not fit the texts is passed over, for then the host
            has changed them.
    """
    layout = google.get("parts")
    if isinstance(layout, Sequence) and all(isinstance(part, Mapping) for part in layout):
        restored = _restored(layout, thoughts, text, calls)
        if restored is not None:
            return restored
    signature = google.get("thought_signature")
    return _usual(thoughts, text, signature if isinstance(signature, str) else None, calls)


def _restored(
    layout: Sequence[Mapping[str, Any]], thoughts: str, text: str, calls: Sequence[Part]
) -> list[Part] | None:
    """The parts by a layout; None where it does not fit. Thoughts may be missing: hosts often leave them out."""
    parts: list[Part] = []
    left = {True: thoughts, False: text}
    order = [part["functionCall"] for part in layout if "functionCall" in part]
    if order != list(range(len(calls))):
        return None
    for part in layout:
        if "functionCall" in part:
            parts.append({**part, **calls[part["functionCall"]]})
        elif "text" in part:
            thought, length = bool(part.get("thought")), part["text"]
            if thought and length and not thoughts:
                continue
            rest = left[thought]
            if not (_is_text(part) and 0 <= length <= len(rest)):
                return None
            parts.append({**part, "text": rest[:length]})
            left[thought] = rest[length:]
        else:
            parts.append(dict(part))
    return None if any(left.values()) else parts
