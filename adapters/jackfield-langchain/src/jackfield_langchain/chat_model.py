"""ChatJackfield: a LangChain chat model, answered by the backends of a jackfield configuration."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from typing import Any, Self

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.language_models.base import LangSmithParams
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable
from pydantic import ConfigDict, Field, model_validator

from jackfield.aclient import AsyncClient
from jackfield.client import Client
from jackfield_langchain import blocks  # noqa: F401 - it has LangChain read our answers
from jackfield_langchain.answer import chat_result
from jackfield_langchain.arguments import digest_of_headers, misplaced, shown, wrong_kwargs
from jackfield_langchain.chunks import Chunks
from jackfield_langchain.clients import Clients
from jackfield_langchain.errors import both
from jackfield_langchain.request import PROVIDER, wire_message
from jackfield_langchain.structured import Method, parser_of, response_format, tool_name, with_raw
from jackfield_langchain.tools import Tool, ToolChoice, wire_choice, wire_tools


class ChatJackfield(BaseChatModel):
    """A chat model over ``jackfield.Client`` and ``jackfield.AsyncClient``.

    May be used from many threads, and on many event loops. Errors are jackfield's own; see ``ContextOverflow``.

    Attributes:
        model_name: argument ``model``: ``backend/model``, an alias, or None for the default of the configuration.
        config: path of a TOML file, a mapping of the same shape, or None to search; as for ``jackfield.Client``.
        config_profile: name of a profile of the configuration (LangChain calls what a model can do its ``profile``).
        client, async_client: clients of the host's own, in place of a configuration; they are shared and never closed.
        temperature, max_tokens, stop: fields of each request; ``stop`` of a call wins.
        timeout: seconds for a whole call, with all its attempts and the whole stream.
        streaming: whether ``invoke`` streams too.
        model_kwargs: other fields of each request, by OpenAI's names; none that has an argument of its own here.
        labels: metadata of the host, for logs and metrics of jackfield.
        extra_headers: sent besides; they are never shown.
        extra_body: members of the JSON body besides, which traces and keys of caches show; those of a call win.
        clients: of this model and its copies; made here.

    Raises:
        ValueError: an argument is unknown, or does not belong here.
    """

    # What is refused may be a key, or hold one: errors do not show it.
    model_config = ConfigDict(
        arbitrary_types_allowed=True, extra="forbid", populate_by_name=True, hide_input_in_errors=True
    )

    model_name: str | None = Field(default=None, alias="model")
    config: Any = Field(default=None, exclude=True, repr=False)
    config_profile: str | None = None
    client: Client | None = Field(default=None, exclude=True, repr=False)
    async_client: AsyncClient | None = Field(default=None, exclude=True, repr=False)
    temperature: float | None = None
    max_tokens: int | None = None
    timeout: float | None = None
    stop: str | list[str] | None = Field(default=None, alias="stop_sequences")
    streaming: bool = False
    model_kwargs: dict[str, Any] = Field(default_factory=dict)
    labels: dict[str, str] | None = None
    extra_headers: dict[str, str] | None = Field(default=None, exclude=True, repr=False)
    extra_body: dict[str, Any] | None = Field(default=None, exclude=True, repr=False)
    clients: Clients = Field(default_factory=Clients, exclude=True, repr=False)

    @model_validator(mode="before")
    @classmethod
    def _only_what_belongs_here(cls, values: Any) -> Any:
        if isinstance(values, Mapping) and (wrong := misplaced(values)):
            raise ValueError(wrong)
        return values

    @model_validator(mode="after")
    def _with_clients(self) -> Self:
        given = (self.client, self.async_client)
        if given != (None, None) and (self.config is not None or self.config_profile is not None):
            raise ValueError("client: expected clients or a configuration, got both")
        self._params()
        self._mine()
        return self

    # -- what LangChain asks of a chat model -------------------------------------------------------------------------

    @property
    def _llm_type(self) -> str:
        return "jackfield-chat"

    @property
    def _identifying_params(self) -> dict[str, Any]:
        """The request's fields and which configuration; the key of caches, shown in traces."""
        return {**self._params(), **digest_of_headers(self.extra_headers), **self._mine().identity()}

    def _get_invocation_params(self, stop: list[str] | None = None, **kwargs: Any) -> dict[str, Any]:
        return super()._get_invocation_params(stop=stop, **shown(kwargs))

    def _get_llm_string(self, stop: list[str] | None = None, **kwargs: Any) -> str:
        # LangChain's own has what was given with the call in plain text besides.
        return str(sorted(self._get_invocation_params(stop=stop, **kwargs).items()))

    def _combine_llm_outputs(self, llm_outputs: list[dict[str, Any] | None]) -> dict[str, Any]:
        """Tokens of all prompts of one ``generate``."""
        told = [output["token_usage"] for output in llm_outputs if output and "token_usage" in output]
        names = ("prompt_tokens", "completion_tokens", "total_tokens")
        return {"token_usage": {name: sum(usage.get(name) or 0 for usage in told) for name in names}} if told else {}

    def _get_ls_params(self, stop: list[str] | None = None, **kwargs: Any) -> LangSmithParams:
        told = super()._get_ls_params(stop=stop, **kwargs)
        told["ls_provider"] = PROVIDER
        if stops := stop or self.stop:
            told["ls_stop"] = [stops] if isinstance(stops, str) else stops
        return told

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        fields = self._fields(messages, stop, run_manager, kwargs)
        with both():
            return chat_result(self._mine().client().create_chat_completion(stream=False, **fields))

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        fields = self._fields(messages, stop, run_manager, kwargs)
        with both():
            return chat_result(await self._mine().async_client().create_chat_completion(stream=False, **fields))

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        fields, chunks = _one_answer(self._fields(messages, stop, run_manager, kwargs)), Chunks()
        with both(), self._mine().client().create_chat_completion(stream=True, **fields) as stream:
            for one in stream:
                for chunk in chunks.next(one):
                    if run_manager is not None:
                        run_manager.on_llm_new_token(chunk.text, chunk=chunk)
                    yield chunk
            yield from chunks.end(stream.response)

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        fields, chunks = _one_answer(self._fields(messages, stop, run_manager, kwargs)), Chunks()
        with both():
            async with self._mine().async_client().create_chat_completion(stream=True, **fields) as stream:
                async for one in stream:
                    for chunk in chunks.next(one):
                        if run_manager is not None:
                            await run_manager.on_llm_new_token(chunk.text, chunk=chunk)
                        yield chunk
                for chunk in chunks.end(stream.response):
                    yield chunk

    # -- tools and structured output ---------------------------------------------------------------------------------

    def bind_tools(
        self,
        tools: Sequence[Tool],
        *,
        tool_choice: ToolChoice = None,
        strict: bool | None = None,
        parallel_tool_calls: bool | None = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """A model that may call tools.

        Args:
            tools: dicts, classes, functions or tools of LangChain.
            tool_choice: ``any`` (or True), ``auto``, ``none``, the name of a tool, or a dict as the wire has it.
            strict: whether the backend holds arguments to their schema; None leaves it to the backend.
            parallel_tool_calls: whether several may be called at once; None leaves it to the backend.
            kwargs: other fields of the request.

        Raises:
            ValueError: ``tool_choice`` names no tool that is bound.
        """
        wired = wire_tools(tools, strict)
        choice = wire_choice(tool_choice, wired)
        chosen = {"tool_choice": choice, "parallel_tool_calls": parallel_tool_calls}
        return self.bind(tools=wired, **{name: value for name, value in chosen.items() if value is not None}, **kwargs)

    def with_structured_output(
        self,
        schema: dict[str, Any] | type | None = None,
        *,
        method: Method = "json_schema",
        include_raw: bool = False,
        strict: bool | None = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, Any]:
        """A model that answers with a value of a schema.

        Args:
            schema: a class of pydantic, a ``TypedDict``, a JSON Schema or a tool; with ``json_mode`` it may be None.
            method: how the backend is asked: ``json_schema``, ``function_calling``, or ``json_mode`` (the prompt has to
                tell the shape).
            include_raw: answer with a dict of ``raw``, ``parsed`` and ``parsing_error``, in place of raising that.
            strict: as for ``bind_tools``; not with ``json_mode``.
            kwargs: other fields of the request.

        Raises:
            ValueError: there is no such method, no schema, or ``strict`` with ``json_mode``.

        When the answer comes: ``ModelRefusalError`` where the model refused, ``OutputParserException`` where the answer
        was cut short, does not have the shape, or with ``function_calling`` is no call of the tool.
        """
        if method not in ("json_schema", "function_calling", "json_mode"):
            raise ValueError(f"method: expected json_schema, function_calling or json_mode, got {method!r}")
        if schema is None and method != "json_mode":
            raise ValueError(f"schema: expected one, for {method} cannot do without")
        if strict is not None and method == "json_mode":
            raise ValueError("strict: expected None with json_mode")
        traced = schema if method != "json_schema" else wire_tools([schema], None)[0]  # type: ignore[list-item]  # it is no None here
        told = {"kwargs": {"method": method, "strict": strict}, "schema": traced}
        if method == "function_calling":
            assert schema is not None  # noqa: S101 - as was looked at
            model = self.bind_tools(
                [schema],
                tool_choice=tool_name(schema),
                strict=strict,
                parallel_tool_calls=False,
                ls_structured_output_format=told,
                **kwargs,
            )
        else:
            model = self.bind(
                response_format=response_format(schema, method, strict), ls_structured_output_format=told, **kwargs
            )
        parser = parser_of(schema, method)
        return with_raw(model, parser) if include_raw else model | parser

    # -- connections -------------------------------------------------------------------------------------------------

    def _mine(self) -> Clients:
        """The clients of the configuration that this model has now: it may have been set later, or in a copy."""
        given = (self.client, self.async_client)
        self.clients = self.clients.of(self.config, self.config_profile, given)
        return self.clients

    def close(self) -> None:
        """Close the synchronous client that was made here; copies of this model share it."""
        self._mine().close()

    async def aclose(self) -> None:
        """Close both clients that were made here; copies of this model share them."""
        await self._mine().aclose()

    # -- the request -------------------------------------------------------------------------------------------------

    def _params(self) -> dict[str, Any]:
        if wrong := wrong_kwargs(self.model_kwargs):  # they may have been set later, or in a copy
            raise ValueError(f"model_kwargs: {wrong}")
        told = {
            "model": self.model_name,
            "temperature": self.temperature,
            "max_completion_tokens": self.max_tokens,
            "stop": self.stop or None,
            "timeout": self.timeout,
            "extra_body": self.extra_body,
            **self.model_kwargs,
        }
        return {name: value for name, value in told.items() if value is not None}

    def _fields(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None,
        run_manager: CallbackManagerForLLMRun | AsyncCallbackManagerForLLMRun | None,
        given: Mapping[str, Any],
    ) -> dict[str, Any]:
        """The arguments of ``create_chat_completion``; those of a call win over those of the model."""
        own = _current(given)
        for name in ("stream", "ls_structured_output_format"):
            own.pop(name, None)
        if isinstance(own.get("response_format"), type):
            own["response_format"] = response_format(own["response_format"], "json_schema", None)
        fields = {**self._params(), **own}
        if stop is not None:
            fields["stop"] = stop
        if fields.get("stop") == []:
            del fields["stop"]
        labels = {**(self.labels or {}), **(own.get("labels") or {})}
        if run_manager is not None:
            labels.setdefault("langchain_run_id", str(run_manager.run_id))
        headers = {**(self.extra_headers or {}), **(own.get("extra_headers") or {})}
        if body := {**(self.extra_body or {}), **(own.get("extra_body") or {})}:
            fields["extra_body"] = body
        return {
            **fields,
            "labels": labels,
            "extra_headers": headers,
            "messages": [wire_message(message) for message in messages],
        }


def _current(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Fields of a request, the limit of tokens under its present name only: backends refuse both at once."""
    own = dict(fields)
    if "max_tokens" in own:
        own["max_completion_tokens"] = own.pop("max_tokens")
    return own


def _one_answer(fields: dict[str, Any]) -> dict[str, Any]:
    if fields.get("n") not in (None, 1):
        raise ValueError("n: expected 1, for a stream of LangChain has one answer")
    return fields
