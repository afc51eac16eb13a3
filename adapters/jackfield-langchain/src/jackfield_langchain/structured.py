"""Structured output: what to ask a backend for, and how its answer becomes a value."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any, Literal, cast

from langchain_core.exceptions import ModelRefusalError, OutputParserException
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.messages.ai import add_ai_message_chunks
from langchain_core.messages.content import RefusalContentBlock
from langchain_core.output_parsers import JsonOutputParser, PydanticOutputParser
from langchain_core.output_parsers.openai_tools import JsonOutputKeyToolsParser, PydanticToolsParser
from langchain_core.output_parsers.transform import BaseCumulativeTransformOutputParser
from langchain_core.outputs import ChatGeneration
from langchain_core.runnables import AddableDict, Runnable, RunnableGenerator, RunnableSequence
from langchain_core.utils.json import parse_json_markdown
from langchain_core.utils.pydantic import is_basemodel_subclass

from jackfield_langchain.answer import arguments_of
from jackfield_langchain.shapes import function_of, missed

_Parser = BaseCumulativeTransformOutputParser[Any]
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


def parser_of(schema: Any, method: Method) -> RunnableSequence[Any, Any]:
    """What makes a value of an answer: of the class, where the schema is one of pydantic's, else a dict.

    It raises what no parser would notice: a refusal, and an answer that was cut short, which may be JSON all the same.
    """
    is_class = isinstance(schema, type) and is_basemodel_subclass(schema)
    parser: _Parser
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
    return RunnableSequence(RunnableGenerator(checked.each, checked.aeach), parser)


def with_raw(model: Runnable[Any, Any], parser: RunnableSequence[Any, Any]) -> Runnable[Any, Any]:
    """The answer, the value, and what was wrong with it, as ``raw``, ``parsed`` and ``parsing_error``."""

    def each(messages: Iterator[BaseMessage]) -> Iterator[AddableDict]:
        yield from _Raw(parser).each(messages)

    async def aeach(messages: AsyncIterator[BaseMessage]) -> AsyncIterator[AddableDict]:
        async for told in _Raw(parser).aeach(messages):
            yield told

    return model | RunnableGenerator(each, aeach)


class _Raw:
    """The pieces of one answer, what they are so far, and at the end what it is, or why it is nothing.

    Attributes:
        parser: what makes the value of the whole.
        answer: what has come.
        value: what was last told of the value.
    """

    def __init__(self, parser: RunnableSequence[Any, Any]) -> None:
        self.parser = parser
        self.answer: BaseMessage | None = None
        self.value: Any = None

    def each(self, messages: Iterator[BaseMessage]) -> Iterator[AddableDict]:
        for message in messages:
            yield from self._next(message)
        yield self._end()

    async def aeach(self, messages: AsyncIterator[BaseMessage]) -> AsyncIterator[AddableDict]:
        async for message in messages:
            for told in self._next(message):
                yield told
        yield self._end()

    def _next(self, message: BaseMessage) -> Iterator[AddableDict]:
        yield AddableDict(raw=message)
        if not isinstance(message, AIMessageChunk):
            self.answer = message
            return
        self.answer = message if self.answer is None else add_ai_message_chunks(self.answer, message)  # type: ignore[arg-type]  # all are chunks
        value = self._part(self.answer)
        if value is not None and value != self.value:
            self.value = value
            yield AddableDict(parsed=value)

    def _part(self, answer: BaseMessage) -> Any:
        """What a parser makes of a part; None where that is nothing yet, or what is wrong is told at the end."""
        parser = cast("_Parser", self.parser.last)
        with contextlib.suppress(OutputParserException, ModelRefusalError, ValueError):
            return parser.parse_result([ChatGeneration(message=answer)], partial=True)
        return None

    def _end(self) -> AddableDict:
        try:
            value = self.parser.invoke(self.answer)
        except Exception as error:  # noqa: BLE001 - whatever is wrong with the answer is told
            return AddableDict(parsed=None, parsing_error=error)
        told = {} if value == self.value and value is not None else {"parsed": value}
        return AddableDict(**told, parsing_error=None)


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
