"""litellm, the library."""

from __future__ import annotations

import json
from typing import Any

import litellm
from pydantic import BaseModel
from say import BASE_URL, BROKEN, HELLO, KEY, QUICKLY, TOO_LONG, TOOL, held, leaving, linger, say


class City(BaseModel):
    """What the answer shall be."""

    city: str
    country: str


def create(model: str = "tiny", key: str = KEY, **fields: Any) -> Any:
    asked = {"messages": HELLO, **fields}
    return litellm.completion(f"openai/{model}", api_base=BASE_URL, api_key=key, num_retries=0, max_retries=0, **asked)


def usage(told: Any) -> list[int]:
    return [told.prompt_tokens, told.completion_tokens, told.total_tokens]


def plain() -> dict[str, Any]:
    response = create()
    (choice,) = response.choices
    return {"text": choice.message.content, "finish": choice.finish_reason, "usage": usage(response.usage)}


def stream() -> dict[str, Any]:
    chunks = list(create(stream=True, stream_options={"include_usage": True}))
    choices = [chunk.choices[0] for chunk in chunks if chunk.choices]
    pieces = [choice.delta.content for choice in choices if choice.delta.content]
    (finish,) = {choice.finish_reason for choice in choices} - {None}
    return {"pieces": pieces, "finish": finish, "usage": usage(chunks[-1].usage)}


def tools() -> dict[str, Any]:
    message = create(tools=[TOOL]).choices[0].message
    (call,) = message.tool_calls
    result = {"role": "tool", "tool_call_id": call.id, "content": "sunny"}
    then = create(messages=[*HELLO, message, result], tools=[TOOL]).choices[0].message.content
    return {"call": [call.function.name, json.loads(call.function.arguments)], "then": then}


def streamed_tools() -> dict[str, Any]:
    whole = litellm.stream_chunk_builder(list(create(tools=[TOOL], stream=True)), messages=HELLO)
    (call,) = whole.choices[0].message.tool_calls
    return {"call": [call.function.name, json.loads(call.function.arguments)]}


def schema() -> dict[str, Any]:
    text = create(response_format=City).choices[0].message.content
    return {"parsed": City.model_validate_json(text).model_dump()}


def abort() -> dict[str, Any]:
    chunks = create(messages=held("abort"), stream=True)
    next(chunks)
    told = leaving()
    chunks.completion_stream.close()  # its own stream has no close, and lets go only when it is collected
    return told


def give_up() -> dict[str, Any]:
    try:
        create(messages=held("give-up"), timeout=QUICKLY)
    except litellm.Timeout:
        return leaving()
    return {}


say("abort", abort)
say("give up", give_up)
say("plain", plain)
say("stream", stream)
say("tools", tools)
say("streamed tools", streamed_tools)
say("schema", schema)
say("401", lambda: create(key="jf-wrong"))
say("404", lambda: create(model="nothing"))
say("400", lambda: create(extra_body=BROKEN))
say("400 of the backend", lambda: create(messages=TOO_LONG))
linger()
