"""Logging: the middleware, which decides what is logged and when."""

from __future__ import annotations

import logging
from typing import Any, Literal

import attrs

from jackfield.call import Attempt, Call
from jackfield.flow import Flow
from jackfield.hookspecs import hookimpl
from jackfield.models.request import CreateChatCompletionRequest
from jackfield.models.response import CreateChatCompletionResponse
from jackfield_logging.fields import attempt_fields, end_fields, request_content, response_content, start_fields

LEVELS = {"DEBUG": 10, "INFO": 20, "WARNING": 30, "ERROR": 40, "CRITICAL": 50}


def _name(_: Any, attribute: attrs.Attribute[str], value: Any) -> None:
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"{attribute.name}: expected the name of a logger")


def _level(_: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
    if not isinstance(value, str) or value not in LEVELS:
        raise ValueError(f"{attribute.name}: expected one of {', '.join(LEVELS)}")


def _flag(_: Any, attribute: attrs.Attribute[bool], value: Any) -> None:
    if not isinstance(value, bool):
        raise ValueError(f"{attribute.name}: expected true or false")  # noqa: TRY004 - how settings fail


def _characters(_: Any, attribute: attrs.Attribute[int], value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ValueError(f"{attribute.name}: expected a whole number of at least 1")


@attrs.define(eq=False)
class Logging:
    """Log when a call starts, how each attempt ended, and how the call ended, by the standard library's ``logging``.

    One record each, in one line whatever the content, with its values in ``extra``. Failures are warnings. An attempt
    is logged once its outcome comes to this layer: below ``retry``, as soon as it ended; above it, together with the
    others when all have ended.

    Attributes:
        logger: name of the logger.
        level: of records that tell of no failure; failures have at least ``WARNING``.
        content: also log what is asked and answered.
        max_content: how many characters of it, for question and answer each.
    """

    logger: str = attrs.field(default="jackfield", validator=_name)
    level: Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"] = attrs.field(default="INFO", validator=_level)
    content: bool = attrs.field(default=False, validator=_flag)
    max_content: int = attrs.field(default=2048, validator=_characters)
    _log: logging.Logger = attrs.field(init=False, repr=False)
    _usual: int = attrs.field(init=False, repr=False)
    _failure: int = attrs.field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        self._log = logging.getLogger(self.logger)
        self._usual = LEVELS[self.level]
        self._failure = max(self._usual, logging.WARNING)

    @hookimpl
    def wrap_chat_completion(
        self, request: CreateChatCompletionRequest, call: Call
    ) -> Flow[CreateChatCompletionResponse]:
        """Pass the request inward once, and log."""
        began, before = call.clock(), len(call.attempts)
        if self._log.isEnabledFor(self._usual):
            self._started(request, call)
        try:
            response: CreateChatCompletionResponse = yield request
        except BaseException as error:
            self._ended(request, call, call.attempts[before:], began, error)
            raise
        self._ended(request, call, call.attempts[before:], began, response)
        return response

    def _started(self, request: CreateChatCompletionRequest, call: Call) -> None:
        fields = start_fields(request, call)
        if self.content:
            fields["request_messages"] = request_content(request, self.max_content)
        self._write(self._usual, "chat completion started: %s", (fields["model_name"],), fields)

    def _ended(
        self,
        request: CreateChatCompletionRequest,
        call: Call,
        attempts: list[Attempt],
        began: float,
        outcome: CreateChatCompletionResponse | BaseException,
    ) -> None:
        for attempt in attempts:
            self._attempt(attempt, call)
        level = self._failure if isinstance(outcome, Exception) else self._usual
        if not self._log.isEnabledFor(level):
            return
        fields = end_fields(request, call, attempts, began, outcome)
        if self.content and isinstance(outcome, CreateChatCompletionResponse):
            fields["response_messages"] = response_content(outcome, self.max_content)
        words = (fields["duration"], fields["error"] or fields["outcome"])
        self._write(level, "chat completion ended after %.3f s: %s", words, fields)

    def _attempt(self, attempt: Attempt, call: Call) -> None:
        level = self._failure if attempt.outcome == "error" else self._usual
        if not self._log.isEnabledFor(level):
            return
        fields = attempt_fields(attempt, call)
        words = (attempt.number, fields["backend"], fields["error"] or attempt.outcome)
        self._write(level, "chat completion attempt %d at %s ended: %s", words, fields)

    def _write(self, level: int, message: str, words: tuple[Any, ...], fields: dict[str, Any]) -> None:
        """Have the logger handle a record with ``fields`` as its ``extra``."""
        log = self._log
        record = log.makeRecord(log.name, level, __file__, 0, message, words, None, "wrap_chat_completion")
        # ``Logger.log`` would look for its caller, which is always this one, and compare each field's name with all
        # that are taken, which a test does: that takes as long as making the record.
        vars(record).update(fields)
        log.handle(record)
