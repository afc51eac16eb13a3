"""The provider: a small model inside this process, for programs that must work without a key or a network."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import attrs

from jackfield.errors import APIError, NotFoundError, StreamInterruptedError
from jackfield.flow import Acquire, Deliver, Run
from jackfield.hookspecs import hookimpl
from jackfield.parameters import Fitting, OnUnsupported, Parameter
from jackfield_local.body import Defaults, Question, question
from jackfield_local.engine import Engine, EngineSettings
from jackfield_local.fetch import model_file
from jackfield_local.packaged import SMOLLM2
from jackfield_local.parameters import PARAMETERS

if TYPE_CHECKING:
    from jackfield.call import Call
    from jackfield.flow import Flow
    from jackfield.models.models import Model
    from jackfield.models.request import CreateChatCompletionRequest
    from jackfield.models.response import CreateChatCompletionResponse
    from jackfield_local.reply import ReplyReader

SLICE = 0.1
"""Seconds that one ``Run`` waits at most: so long a deadline, or a call that is closed, may go unnoticed."""
SHORT_ANSWERS = "You are a helpful assistant. Answer in one short sentence."
"""Without it the packaged model rambles: it finished 5 of 12 simple questions, with it 11."""


def _at_least(minimum: int) -> Any:
    def check(_: Any, attribute: attrs.Attribute[Any], value: int) -> None:
        if value < minimum:
            raise ValueError(f"{attribute.name}: expected at least {minimum}")

    return check


def _name(_: Any, attribute: attrs.Attribute[Any], value: str | None) -> None:
    if value is not None and not value.strip():
        raise ValueError(f"{attribute.name}: expected a name, got an empty text")


@attrs.define(eq=False)
class LocalProvider:
    """Answer from a language model inside this process, by llama.cpp. No key, no service; no network once it is there.

    The model is SmolLM2 (135 million parameters, 98 MB): enough to try things out, not to rely on. It is fetched on
    first use. ``model_path`` takes any other GGUF file. The model is loaded on first use, which takes about a second.

    Attributes:
        model_path: a GGUF file; None takes SmolLM2.
        model_name: under which the model of ``model_path`` is asked for; None takes the file's name without ``.gguf``.
        cache_dir: where SmolLM2 is kept; None takes the user's cache directory.
        threads: processor threads. More than one only helps where processors have nothing else to do.
        context: tokens of prompt and answer together, for each request.
        parallel: requests that are answered at the same time; others wait in line.
        system_prompt: for requests without a system or developer message and without tools. None takes one that asks
            SmolLM2 for short answers, and nothing for another model; an empty text is nothing.
        temperature: where the request gives none. None takes 0 for SmolLM2, and the engine's own for another model.
        max_tokens: most tokens of an answer, where the request gives no limit. None takes 512 for SmolLM2, and what
            the context holds for another model.
        on_unsupported: what becomes of a parameter that the engine has no way to take: ``error`` refuses the request,
            ``drop`` leaves the parameter out, and the attempt tells.
    """

    parameters: ClassVar[Mapping[str, Parameter]] = PARAMETERS

    model_path: str | None = attrs.field(default=None, validator=_name)
    model_name: str | None = attrs.field(default=None, validator=_name)
    cache_dir: str | None = attrs.field(default=None, validator=_name)
    threads: int = attrs.field(default=1, validator=_at_least(1))
    context: int = attrs.field(default=4096, validator=_at_least(256))
    parallel: int = attrs.field(default=1, validator=_at_least(1))
    system_prompt: str | None = None
    temperature: float | None = attrs.field(default=None, validator=attrs.validators.optional(attrs.validators.ge(0)))
    max_tokens: int | None = attrs.field(default=None, validator=attrs.validators.optional(_at_least(1)))
    on_unsupported: OnUnsupported = "error"
    _engine: Engine = attrs.field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        template = "smollm2.jinja" if self.model_path is None else None
        self._engine = Engine(
            EngineSettings(self._names()[0], self._find, template, self.threads, self.context, self.parallel)
        )

    @hookimpl
    def create_chat_completion(
        self, request: CreateChatCompletionRequest, call: Call
    ) -> Flow[CreateChatCompletionResponse | None]:
        """Generate an answer; for a stream deliver it as it is made.

        Raises:
            UnsupportedParameterError: the request asks for what the engine cannot do.
            BadRequestError: it is no request.
            ContextLengthExceededError: the messages do not fit ``context``.
            NotFoundError: the model has another name.
            ConfigError: the model cannot be fetched or loaded, or this machine cannot run it.
        """
        self._check_model(request.model)
        fitting = Fitting("the local engine", self.on_unsupported, call.attempt)
        asked = question(request, call.extra_body, fitting, self._defaults())
        try:
            return (yield from self._answer(asked, call, stream=request.stream is True))
        except APIError as error:
            if not call.committed or isinstance(error, StreamInterruptedError):
                raise
            raise StreamInterruptedError(
                f"the stream broke: {error.message}", partial=call.partial, code=error.code, type=error.type
            ) from None

    @hookimpl
    def list_models(self) -> list[Model]:
        """The one model of this backend; nothing is fetched or loaded for it."""
        from jackfield.models.models import Model as Entry  # not needed to chat

        return [Entry(id=self._names()[0], owned_by="jackfield-local")]

    @hookimpl
    def close(self) -> None:
        """Stop what is generated, and free the model."""
        self._engine.close()

    # -- the answer ----------------------------------------------------------------------------------------------

    def _answer(self, asked: Question, call: Call, *, stream: bool) -> Flow[CreateChatCompletionResponse | None]:
        """Generate. Each ``Run`` is short: deadlines are kept and calls can be closed, whatever the engine does."""
        from jackfield.fold import fold  # like reply, only where something is generated
        from jackfield_local.reply import ReplyReader

        gate = self._engine.gate
        yield Acquire(gate)
        generation = self._engine.generate(asked.body, gate)
        reply, whole = ReplyReader(asked), []
        try:
            while not generation.ended:
                pieces: list[bytes] = yield Run(generation.take, min(SLICE, call.time_left))
                chunks = reply.feed(pieces)
                if generation.ended:
                    chunks += reply.end()  # type: ignore[unreachable]  # taking the pieces may have ended it
                    _note(reply, call)
                if not stream:
                    whole += chunks
                elif chunks:
                    yield Deliver(chunks, last=generation.ended)
        finally:
            generation.stop()
        return None if stream else fold(whole)

    # -- the model -----------------------------------------------------------------------------------------------

    def _names(self) -> tuple[str, ...]:
        if self.model_name is not None:
            return (self.model_name,)
        return SMOLLM2.names if self.model_path is None else (Path(self.model_path).stem,)

    def _check_model(self, name: str) -> None:
        if name not in self._names():
            raise NotFoundError(
                f"the local backend has no model {name!r}; it has {', '.join(self._names())}",
                code="model_not_found",
                type="invalid_request_error",
                param="model",
                status_code=404,
            )

    def _defaults(self) -> Defaults:
        packaged = self.model_path is None
        return Defaults(
            system_prompt=(SHORT_ANSWERS if packaged else "") if self.system_prompt is None else self.system_prompt,
            temperature=0.0 if packaged and self.temperature is None else self.temperature,
            max_tokens=512 if packaged and self.max_tokens is None else self.max_tokens,
        )

    def _find(self, stopped: threading.Event) -> Path:
        if self.model_path is not None:
            return Path(self.model_path).expanduser()
        directory = None if self.cache_dir is None else Path(self.cache_dir).expanduser()
        return model_file(SMOLLM2, directory, stopped=stopped)


def _note(reply: ReplyReader, call: Call) -> None:
    """Enter what the engine told into the ledger."""
    attempt = call.attempt
    if attempt is not None:
        attempt.request_id, attempt.processing_ms = reply.id, reply.milliseconds
