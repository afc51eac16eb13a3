"""openai-python, the versions 2 and 3."""

from __future__ import annotations

import json
from typing import Any

import openai
from pydantic import BaseModel
from say import BROKEN, HELLO, QUICKLY, TOO_LONG, TOOL, held, leaving, linger, say

client = openai.OpenAI(max_retries=0)
create = client.chat.completions.create


class City(BaseModel):
    """What the answer shall be."""

    city: str
    country: str


def usage(told: Any) -> list[int]:
    return [told.prompt_tokens, told.completion_tokens, told.total_tokens]


def plain() -> dict[str, Any]:
    response = create(model="tiny", messages=HELLO)
    (choice,) = response.choices
    return {
        "text": choice.message.content,
        "finish": choice.finish_reason,
        "usage": usage(response.usage),
        "request_id": response._request_id,
    }


def stream() -> dict[str, Any]:
    chunks = list(create(model="tiny", messages=HELLO, stream=True, stream_options={"include_usage": True}))
    choices = [chunk.choices[0] for chunk in chunks if chunk.choices]
    pieces = [choice.delta.content for choice in choices if choice.delta.content]
    return {"pieces": pieces, "finish": choices[-1].finish_reason, "usage": usage(chunks[-1].usage)}


def tools() -> dict[str, Any]:
    message = create(model="tiny", messages=HELLO, tools=[TOOL]).choices[0].message
    (call,) = message.tool_calls
    result = {"role": "tool", "tool_call_id": call.id, "content": "sunny"}
    then = create(model="tiny", messages=[*HELLO, message, result], tools=[TOOL]).choices[0].message.content
    return {"call": [call.function.name, json.loads(call.function.arguments)], "then": then}


def streamed_tools() -> dict[str, Any]:
    with client.chat.completions.stream(model="tiny", messages=HELLO, tools=[TOOL]) as events:
        (call,) = events.until_done().get_final_completion().choices[0].message.tool_calls
    return {"call": [call.function.name, json.loads(call.function.arguments)]}


def schema() -> dict[str, Any]:
    parsed = client.chat.completions.parse(model="tiny", messages=HELLO, response_format=City).choices[0].message.parsed
    return {"parsed": parsed.model_dump()}


def abort() -> dict[str, Any]:
    chunks = create(model="tiny", messages=held("abort"), stream=True)
    next(iter(chunks))
    told = leaving()
    chunks.close()
    return told


def give_up() -> dict[str, Any]:
    try:
        create(model="tiny", messages=held("give-up"), timeout=QUICKLY)
    except openai.APITimeoutError:
        return leaving()
    return {}


def refused(key: str | None = None, **fields: Any) -> dict[str, Any]:
    asked: Any = {"model": "tiny", "messages": HELLO, **fields}
    (client if key is None else client.with_options(api_key=key)).chat.completions.create(**asked)
    return {}


say("abort", abort)
say("give up", give_up)
say("plain", plain)
say("stream", stream)
say("tools", tools)
say("streamed tools", streamed_tools)
say("schema", schema)
say("401", lambda: refused(key="jf-wrong"))
say("404", lambda: refused(model="nothing"))
say("400", lambda: refused(extra_body=BROKEN))
say("400 of the backend", lambda: refused(messages=TOO_LONG))
linger()
