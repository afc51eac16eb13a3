"""Request: what jackfield is asked, out of a prompt of ``llm``."""

from __future__ import annotations

from typing import Any

import llm

from llm_jackfield.failure import FailedError
from llm_jackfield.messages import messages


def asked(name: str, prompt: llm.Prompt) -> dict[str, Any]:
    """The arguments of ``create_chat_completion``, but for ``stream``.

    Files and URLs that are attached are read.

    Args:
        name: of the model, as jackfield knows it.
        prompt: with the whole conversation.

    Raises:
        FailedError: an attachment cannot be said, or the answer is to have two formats.
    """
    from jackfield.models.request import CreateChatCompletionRequest

    options = {option: value for option, value in prompt.options if value is not None}
    extra = options.pop("extra", {})
    fields: dict[str, Any] = {"model": name, "messages": messages(prompt.messages, options.pop("image_detail", None))}
    if options.pop("json_object", False):
        fields["response_format"] = {"type": "json_object"}
    if prompt.schema:
        schema = {"name": "output", "schema": prompt.schema}
        fields["response_format"] = {"type": "json_schema", "json_schema": schema}
    if "response_format" in fields and "response_format" in extra:
        raise FailedError("extra: expected no response_format: the schema, or json_object, says it")
    if prompt.tools:
        fields["tools"] = [_tool(tool) for tool in prompt.tools]
    known = CreateChatCompletionRequest.__wire_fields__
    fields |= options | {field: value for field, value in extra.items() if field in known}
    body = {field: value for field, value in extra.items() if field not in known}
    return {**fields, "extra_body": body} if body else fields


def _tool(tool: Any) -> dict[str, Any]:
    function = {"name": tool.name, "parameters": tool.input_schema}
    if tool.description:
        function["description"] = tool.description
    return {"type": "function", "function": function}
