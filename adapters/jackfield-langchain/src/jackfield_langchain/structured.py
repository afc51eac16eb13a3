"""Structured output: what to ask a backend for, and how its answer becomes a value."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator, Mapping
from operator import itemgetter
from typing import Any, Literal

from langchain_core.exceptions import ModelRefusalError, OutputParserException
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.messages.ai import add_ai_message_chunks
from langchain_core.messages.content import RefusalContentBlock
from langchain_core.output_parsers import JsonOutputParser, PydanticOutputParser
from langchain_core.output_parsers.openai_tools import JsonOutputKeyToolsParser, PydanticToolsParser
from langchain_core.runnables import Runnable, RunnableGenerator, RunnableMap, RunnablePassthrough
from langchain_core.utils.json import parse_json_markdown
from langchain_core.utils.pydantic import is_basemodel_subclass

from jackfield_langchain.answer import arguments_of
from jackfield_langchain.shapes import function_of, missed

Method = Literal["json_schema", "function_calling", "json_mode"]
_CUT = {"length": "it was cut short at the limit of tokens", "content_filter": "the content filter cut it short"}


def tool_name(schema: Any) -> str:
    """The name under which a schema is a tool."""
    return str(function_of(schema)["name"])


def response_format(schema: Any, method: Method, strict: bool | None) -> dict[str, Any]:
    """What the request asks for: JSON, or JSON by a schema."""
    if method == "json_mode":
        return {"type": "json_object"}
    function = function_of(schema, strict)
    function["schema"] = function.pop("parameters", {})
    return {"type": "json_schema", "json_schema": function}


def parser_of(schema: Any, method: Method) -> Runnable[Any, Any]:
    """What makes a value of an answer: of the class, where the schema is one of pydantic's, else a dict.

    It raises what no parser would notice: a refusal, and an answer that was cut short, which may be JSON all the same.
    """
    is_class = isinstance(schema, type) and is_basemodel_subclass(schema)
    parser: Runnable[Any, Any]
    if method == "function_calling":
        parser = (
            PydanticToolsParser(tools=[schema], first_tool_only=True)
            if is_class
            else JsonOutputKeyToolsParser(key_name=tool_name(schema), first_tool_only=True)
        )
    else:
        parser = PydanticOutputParser(pydantic_object=schema) if is_class else JsonOutputParser()
    shape = {} if is_class or schema is None else function_of(schema).get("parameters", {})
    checked = _Checked(parser, tool_name(schema) if method == "function_calling" else None, shape)
    return RunnableGenerator(checked.each, checked.aeach) | parser


def with_raw(model: Runnable[Any, Any], parser: Runnable[Any, Any]) -> Runnable[Any, Any]:
    """The answer, the value, and what was wrong with it, as ``raw``, ``parsed`` and ``parsing_error``."""
    parsed = RunnablePassthrough.assign(parsed=itemgetter("raw") | parser, parsing_error=lambda _: None)
    failed = RunnablePassthrough.assign(parsed=lambda _: None)
    return RunnableMap({"raw": model}) | parsed.with_fallbacks([failed], exception_key="parsing_error")


class _Checked:
    """Lets an answer, whole or in chunks, through; raises what no parser would notice.

    Attributes:
        parser: what comes after it.
        tool: name of the tool that has to be called, or None where the answer is text.
        shape: the JSON Schema of the value; empty where the parser sees to it.
    """

    def __init__(self, parser: Runnable[Any, Any], tool: str | None, shape: Mapping[str, Any]) -> None:
        self.parser, self.tool, self.shape = parser, tool, shape

    def each(self, messages: Iterator[BaseMessage]) -> Iterator[BaseMessage]:
        seen: list[BaseMessage] = []
        for message in messages:
            _check(message)
            seen.append(message)
            yield message
        self._end(seen)

    async def aeach(self, messages: AsyncIterator[BaseMessage]) -> AsyncIterator[BaseMessage]:
        seen: list[BaseMessage] = []
        async for message in messages:
            _check(message)
            seen.append(message)
            yield message
        self._end(seen)

    def _end(self, seen: list[BaseMessage]) -> None:
        """Look at the whole: parsers of streams give nothing for what they cannot read, and None for no call."""
        chunks = [message for message in seen if isinstance(message, AIMessageChunk)]
        answer = add_ai_message_chunks(chunks[0], *chunks[1:]) if chunks else seen[-1]
        value = _value(answer.text) if self.tool is None else _arguments(answer, self.tool)
        if why := missed(value, self.shape):
            raise OutputParserException(f"the answer has not the shape: {why}", llm_output=json.dumps(value))
        if chunks and isinstance(answer, AIMessage):
            self.parser.invoke(AIMessage(answer.text, tool_calls=answer.tool_calls))


def _value(text: str) -> Any:
    """The JSON that a text is, in a code fence or not: LangChain would repair it, and leave out what comes after it."""
    try:
        return parse_json_markdown(text.strip(), parser=lambda written: json.loads(written, strict=False))
    except ValueError as error:
        raise OutputParserException(f"the answer is no JSON: {error}", llm_output=text) from error


def _arguments(answer: BaseMessage, tool: str) -> dict[str, Any]:
    """The arguments with which the tool is called; of a stream as they were written, for LangChain repairs them."""
    if isinstance(answer, AIMessageChunk):
        written = [piece["args"] for piece in answer.tool_call_chunks if piece["name"] == tool]
    elif isinstance(answer, AIMessage):
        if called := [call["args"] for call in answer.tool_calls if call["name"] == tool]:
            return called[0]
        written = [bad["args"] for bad in answer.invalid_tool_calls if bad["name"] == tool]
    else:
        written = []
    if not written:
        raise OutputParserException(f"the model did not call the tool {tool!r}")
    arguments = arguments_of(written[0] or "")
    if arguments is None:
        raise OutputParserException(f"the arguments of {tool!r} are no JSON object", llm_output=str(written[0]))
    return arguments


def _check(message: BaseMessage) -> None:
    if refusal := message.additional_kwargs.get("refusal"):
        raise ModelRefusalError.from_refusal(
            RefusalContentBlock(type="refusal", refusal=str(refusal)), raw_message=message
        )
    reason = message.response_metadata.get("finish_reason")
    if reason in _CUT:
        raise OutputParserException(f"the answer is not whole: {_CUT[reason]}", llm_output=str(message.text))
