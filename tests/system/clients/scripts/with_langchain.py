"""langchain-openai."""

from __future__ import annotations

from typing import Any

import openai
from langchain_openai import ChatOpenAI
from pydantic import BaseModel
from say import BROKEN, HELLO, QUICKLY, TOO_LONG, TOOL, held, leaving, linger, say


class City(BaseModel):
    """What the answer shall be."""

    city: str
    country: str


def chat(model: str = "tiny", **settings: Any) -> ChatOpenAI:
    return ChatOpenAI(model=model, max_retries=0, **settings)


def usage(told: Any) -> list[int]:
    return [told["input_tokens"], told["output_tokens"], told["total_tokens"]]


def plain() -> dict[str, Any]:
    message = chat().invoke(HELLO)
    return {
        "text": message.content,
        "finish": message.response_metadata["finish_reason"],
        "usage": usage(message.usage_metadata),
    }


def stream() -> dict[str, Any]:
    chunks = list(chat(stream_usage=True).stream(HELLO))
    whole = sum(chunks[1:], chunks[0])
    return {
        "pieces": [chunk.content for chunk in chunks if chunk.content],
        "finish": whole.response_metadata["finish_reason"],
        "usage": usage(whole.usage_metadata),
    }


def tools() -> dict[str, Any]:
    model = chat().bind_tools([TOOL])
    message = model.invoke(HELLO)
    (call,) = message.tool_calls
    result = {"role": "tool", "tool_call_id": call["id"], "content": "sunny"}
    return {"call": [call["name"], call["args"]], "then": model.invoke([*HELLO, message, result]).content}


def streamed_tools() -> dict[str, Any]:
    chunks = list(chat().bind_tools([TOOL]).stream(HELLO))
    (call,) = sum(chunks[1:], chunks[0]).tool_calls
    return {"call": [call["name"], call["args"]]}


def schema() -> dict[str, Any]:
    parsed = chat().with_structured_output(City, method="json_schema").invoke(HELLO)
    return {"parsed": parsed.model_dump()}


def abort() -> dict[str, Any]:
    chunks = chat().stream(held("abort"))
    next(chunks)
    told = leaving()
    chunks.close()
    return told


def give_up() -> dict[str, Any]:
    try:
        chat(timeout=QUICKLY).invoke(held("give-up"))
    except openai.APITimeoutError:
        return leaving()
    return {}


def refused(messages: Any = HELLO, **settings: Any) -> dict[str, Any]:
    chat(**settings).invoke(messages)
    return {}


say("abort", abort)
say("give up", give_up)
say("plain", plain)
say("stream", stream)
say("tools", tools)
say("streamed tools", streamed_tools)
say("schema", schema)
say("401", lambda: refused(api_key="jf-wrong"))
say("404", lambda: refused(model="nothing"))
say("400", lambda: refused(extra_body=BROKEN))
say("400 of the backend", lambda: refused(TOO_LONG))
linger()
