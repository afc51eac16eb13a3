"""Options: what ``-o`` takes; what is not given is left to the backend."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

import llm
from pydantic import AfterValidator, BeforeValidator, Field

OWN = frozenset({"messages", "model", "stream", "stream_options", "n", "tools", "functions", "function_call"})
"""Fields of a request that are ``llm``'s and this plugin's own to say."""


def _object(value: Any) -> Any:
    """An object out of JSON text: the command line knows only texts."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except json.JSONDecodeError:
        raise ValueError("expected a JSON object") from None


def _others(value: dict[str, Any]) -> dict[str, Any]:
    wrong = sorted(OWN.intersection(value))
    if wrong:
        raise ValueError(f"expected no {', '.join(wrong)}: these come from llm")
    wrong = sorted(Options.model_fields.keys() & value)
    if wrong:
        raise ValueError(f"expected no {', '.join(wrong)}: give it as -o {wrong[0]}")
    return value


def _biases(value: dict[str, Any]) -> dict[str, Any]:
    for token, bias in value.items():
        if isinstance(bias, bool) or not isinstance(bias, int | float) or not -100 <= bias <= 100:
            raise ValueError(f"{token}: expected a number from -100 to 100")
    return value


JsonObject = Annotated[dict[str, Any], BeforeValidator(_object)]


class Options(llm.Options):
    """Fields of ``CreateChatCompletionRequest`` under their own names, and four that are none.

    Attributes:
        json_object, image_detail: as those of llm's own models.
        timeout: seconds.
        extra: further fields of the request; unknown ones are sent in the body.
    """

    temperature: float | None = Field(default=None, ge=0, le=2, description="The higher, the more random: 0 to 2")
    top_p: float | None = Field(default=None, ge=0, le=1, description="Share of the probability that is considered")
    max_tokens: int | None = Field(default=None, ge=1, description="Most tokens to generate")
    max_completion_tokens: int | None = Field(
        default=None, ge=1, description="Most tokens to generate, those of reasoning included"
    )
    frequency_penalty: float | None = Field(
        default=None, ge=-2, le=2, description="Above 0, tokens are the less likely the more often they came"
    )
    presence_penalty: float | None = Field(
        default=None, ge=-2, le=2, description="Above 0, tokens that came before are less likely"
    )
    stop: str | None = Field(default=None, description="Text at which the answer ends")
    seed: int | None = Field(default=None, description="Asks for the same answer again")
    logit_bias: Annotated[JsonObject, AfterValidator(_biases)] | None = Field(
        default=None, description='JSON object: for each token id -100 to 100, as {"1712": -100}'
    )
    reasoning_effort: str | None = Field(default=None, description="How long to think, as low, medium, high")
    verbosity: str | None = Field(default=None, description="How long the answer is to be: low, medium, high")
    service_tier: str | None = Field(default=None, description="How urgent, and at what price")
    parallel_tool_calls: bool | None = Field(default=None, description="Whether several tools may be called at once")
    json_object: bool | None = Field(
        default=None, description="Answer with a JSON object; the prompt must mention JSON"
    )
    image_detail: Literal["auto", "low", "high"] | None = Field(
        default=None, description="How closely to look at images: auto, low, high"
    )
    timeout: float | None = Field(default=None, gt=0, description="Seconds for the whole call, retries included")
    extra: Annotated[JsonObject, AfterValidator(_others)] | None = Field(
        default=None,
        description="JSON object: further fields of the request; unknown ones go into the body as they are",
    )
