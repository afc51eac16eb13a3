"""Wire values from JSON: taken whole and written back the same, or refused by a short ValidationError."""

from __future__ import annotations

import json
import pickle
from typing import Any

from fuzz.documents import document
from fuzz.source import Source, tried
from jackfield import models
from jackfield.errors import ValidationError
from jackfield.models import WireValue
from jackfield.wire import from_json, to_dict, to_json

CLASSES: tuple[type[WireValue], ...] = (
    models.CreateChatCompletionRequest,
    models.CreateChatCompletionResponse,
    models.CreateChatCompletionStreamResponse,
    models.Model,
    models.ChatCompletionRequestAssistantMessage,
    models.ChatCompletionRequestUserMessage,
    models.ChatCompletionResponseMessage,
    models.CompletionUsage,
)
LONGEST_MESSAGE = 2**16
DEEP = 200
"""Brackets of a document that surely can be read and written."""


def check(data: bytes) -> None:
    """The first byte chooses a class, the second whether the rest is JSON or chooses it."""
    source = Source(data)
    cls, kind = source.pick(CLASSES), source.byte()
    text = source.rest() if kind % 4 == 3 else document(source, cls)
    value, error = tried((ValidationError,), from_json, text, cls)
    if value is None:
        assert len(str(error)) <= LONGEST_MESSAGE, "the message has the size of the document"
        return
    assert isinstance(value, cls), "another class was made"
    written, error = tried((ValidationError,), to_json, value)
    if text.count(b"[") + text.count(b"{") > DEEP:  # then it is also a matter of how deep Python is already
        return
    assert written is not None, f"what was read cannot be written: {error}"
    tried((), repr, value)
    again = from_json(written, cls)
    assert again == value, "the value is not read as it was written"
    assert to_json(again) == written, "the same value is written in two ways"
    assert _same(json.loads(written), to_dict(value)), "JSON and dict do not say the same"
    assert pickle.loads(pickle.dumps(value)) == value, "pickle makes another value"
    decoded, _ = tried((ValidationError,), from_json, text.decode("utf-8", "replace"), cls)
    assert decoded == value, "text and bytes are read in two ways"
    for name, item in json.loads(text).items():
        assert item is None or name in to_dict(value), "a field was lost"


def _same(one: Any, other: Any) -> bool:
    """Whether two plain values are equal, True and 1 being different."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
