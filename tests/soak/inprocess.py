"""InProcess: a backend without a network, which fails by the same model names as the fault server."""

from __future__ import annotations

import threading
from collections import Counter
from typing import Any
from urllib.parse import parse_qs

import attrs

from jackfield import hookimpl
from jackfield.errors import InternalServerError
from jackfield.models import CreateChatCompletionRequest, CreateChatCompletionResponse
from jackfield.wire import from_dict


@attrs.define(eq=False)
class Hits:
    """The requests that came, by model and by what they ask."""

    by_model: Counter[str] = attrs.field(factory=Counter)
    by_text: Counter[str] = attrs.field(factory=Counter)
    _lock: threading.Lock = attrs.field(factory=threading.Lock, init=False)

    def add(self, model: str, text: str) -> int:
        """Count a request; how many of the same there were."""
        with self._lock:
            self.by_model[model] += 1
            self.by_text[model + text] += 1
            return self.by_text[model + text]


def in_process(hits: Hits) -> type:
    """The class of a provider that knows ``ok``, and ``status`` with its arguments ``code`` and ``first``."""

    @attrs.define(eq=False)
    class InProcess:
        @hookimpl
        def create_chat_completion(self, request: CreateChatCompletionRequest, call: Any) -> Any:
            text = request.messages[-1].content
            time = hits.add(request.model, text)
            name, _, query = request.model.partition("?")
            arguments = {key: int(values[0]) for key, values in parse_qs(query).items()}
            if name == "status" and time <= arguments.get("first", time):
                raise InternalServerError("told to fail", status_code=arguments["code"])
            message = {"role": "assistant", "content": text, "refusal": None}
            choice = {"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}
            head = {"id": "x", "object": "chat.completion", "created": 1, "model": request.model}
            return from_dict({**head, "choices": [choice]}, CreateChatCompletionResponse)

    return InProcess
