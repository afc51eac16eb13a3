"""What is asked and what is answered: the same for every client, and known to both ends of the wire.

The name of the model chooses the answer of the mock server:

=====================  ======================================================================================
``answer``             one JSON document of about 700 bytes
``stream-N-SIZE``      N events of SIZE bytes, many in one HTTP chunk, as fast as the client takes them
``single-N-SIZE``      the same with one HTTP chunk an event, which is how most servers flush
``paced-N-RATE``       N events of 250 bytes, RATE in a second, one HTTP chunk each
``held``               one event, then silence until the client hangs up
=====================  ======================================================================================

The first event of a stream has the role, the last the finish reason; all between have one word.
"""

from __future__ import annotations

from typing import Any, NamedTuple

KEY = "bench-key-0123456789abcdef"
"""What every client must send as a bearer token; the server answers 401 without it."""

WORDS = (" wanders", " lantern", " harbour", " granite", " whisper", " meadows", " compass", " thunder")
"""What streams are made of, one a chunk in turn, all of one length; litellm refuses a stream that repeats one word."""

ANSWER = "".join(WORDS) * 4
EVENT_SIZE = 250

SYSTEM = {"role": "system", "content": "You are a helpful assistant that answers in one paragraph."}
SMALL: dict[str, Any] = {
    "messages": [SYSTEM, {"role": "user", "content": "Why is the sky blue, and why are sunsets red?"}]
}
"""Fields of a small request."""


class Shape(NamedTuple):
    """What a model name of the mock server stands for."""

    kind: str
    events: int = 0
    size: int = EVENT_SIZE
    rate: float = 0.0

    @property
    def characters(self) -> int:
        """How many characters of content a client must have read at the end of the stream."""
        return max(self.events - 2, 0) * len(WORDS[0])


def parse_model(model: str) -> Shape:
    """The shape of the answer that a model name asks for.

    Raises:
        ValueError: no such model.
    """
    kind, *numbers = model.split("-")
    match kind, numbers:
        case "answer", []:
            return Shape(kind)
        case "held", []:
            return Shape(kind, events=1)
        case (("stream" | "single"), [count, size]):
            return Shape(kind, int(count), int(size))
        case "paced", [count, rate]:
            return Shape(kind, int(count), rate=float(rate))
    raise ValueError(f"no such model: {model!r}")


def conversation() -> dict[str, Any]:
    """Fields of a large request: 20 messages, among them calls of tools and their results, and 3 tools."""
    messages: list[dict[str, Any]] = [SYSTEM]
    for turn in range(4):
        call_id = f"call_{turn:024d}"
        arguments = f'{{"city": "Lisbon", "days": {turn + 1}, "unit": "celsius"}}'
        call = {"id": call_id, "type": "function", "function": {"name": "get_forecast", "arguments": arguments}}
        messages += [
            {"role": "user", "content": f"And what about the next {turn + 1} days?" + ANSWER[:80]},
            {"role": "assistant", "content": None, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": call_id, "content": '{"high": 24.5, "low": 15.0, "rain": 0.1}'},
            {"role": "assistant", "content": "It will be mild and mostly dry." + ANSWER[:160]},
        ]
    question = [{"type": "text", "text": "Put it all together."}, {"type": "text", "text": "One paragraph, please."}]
    messages += [
        {"role": "user", "content": "Thank you."},
        {"role": "assistant", "content": "You are welcome."},
        {"role": "user", "content": question},
    ]
    return {"messages": messages, "tools": [_tool(name) for name in ("get_forecast", "find_city", "book_train")]}


def _tool(name: str) -> dict[str, Any]:
    properties = {
        "city": {"type": "string", "description": "Name of the city, in English."},
        "days": {"type": "integer", "minimum": 1, "maximum": 14},
        "unit": {"type": "string", "enum": ["celsius", "fahrenheit"]},
    }
    parameters = {"type": "object", "properties": properties, "required": ["city"], "additionalProperties": False}
    function = {"name": name, "description": "Ask the service and return JSON.", "parameters": parameters}
    return {"type": "function", "function": function}
