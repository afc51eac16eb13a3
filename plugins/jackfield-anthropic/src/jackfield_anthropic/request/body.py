"""Body: what ``POST /messages`` is sent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import attrs

from jackfield.wire import request_fields, to_dict
from jackfield_anthropic.answer_tool import JsonBy, with_answer_tool
from jackfield_anthropic.parameters import PARAMETERS
from jackfield_anthropic.request.conversation import Conversation, LaterSystem
from jackfield_anthropic.request.options import (
    metadata,
    most_tokens,
    sampling,
    service_tier,
    stop_sequences,
    streaming,
)
from jackfield_anthropic.request.output import Display, Thinking, answer_format, no_more_than_known, thinking
from jackfield_anthropic.request.tools import tool_fields

if TYPE_CHECKING:
    from jackfield.models import CreateChatCompletionRequest
    from jackfield.parameters import Fitting


@attrs.frozen
class Manner:
    """How a backend wants to be asked, as far as its settings say.

    Attributes:
        max_tokens: where the request does not say.
        later_system: where system messages after the first turn go.
        thinking: how the model is told to think.
        thinking_display: whether its thoughts are told.
        json_by: how the model is held to a form of its answer.
    """

    max_tokens: int
    later_system: LaterSystem
    thinking: Thinking
    thinking_display: Display | None
    json_by: JsonBy


def body(
    request: CreateChatCompletionRequest, manner: Manner, fitting: Fitting, extra: Mapping[str, Any]
) -> dict[str, Any]:
    """The body for a request; its unknown fields are the service's own, and those of ``extra`` win over all.

    Raises:
        UnsupportedParameterError: something in the request cannot be said.
    """
    unsaid = fitting.unsaid(request, PARAMETERS)
    plain = to_dict(request)
    asked = {name: plain[name] for name in request_fields() if plain.get(name) is not None and name not in unsaid}
    most = most_tokens(asked, manner.max_tokens, fitting)
    conversation = Conversation(manner.later_system, fitting)
    conversation.add(asked["messages"])
    return {
        "model": asked["model"],
        "max_tokens": most,
        **conversation.fields(),
        **_tools(asked, manner, fitting),
        **_output(asked, most, manner, fitting),
        **sampling(asked, fitting),
        **stop_sequences(asked, fitting),
        **metadata(asked, fitting),
        **service_tier(asked, fitting),
        **streaming(asked, fitting),
        **request.extra,
        **extra,
    }


def _tools(asked: Mapping[str, Any], manner: Manner, fitting: Fitting) -> dict[str, Any]:
    """``tools`` and ``tool_choice``."""
    fields = tool_fields(asked, fitting)
    return with_answer_tool(fields, asked, fitting) if manner.json_by == "tool" else fields


def _output(asked: Mapping[str, Any], most: int, manner: Manner, fitting: Fitting) -> dict[str, Any]:
    """``thinking`` and ``output_config``."""
    no_more_than_known(asked, fitting)
    thought, effort = thinking(asked, most, manner.thinking, manner.thinking_display, fitting)
    form = answer_format(asked, fitting) if manner.json_by == "format" else None
    config = {**({} if effort is None else {"effort": effort}), **({} if form is None else {"format": form})}
    return {
        **({} if thought is None else {"thinking": thought}),
        **({"output_config": config} if config else {}),
    }
