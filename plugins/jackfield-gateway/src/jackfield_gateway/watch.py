"""Watch: the gateway's own layer, around all that is configured. It takes down, and changes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from jackfield.errors import JackfieldError
from jackfield.hookspecs import hookimpl
from jackfield_gateway.metrics import Metrics
from jackfield_gateway.record import MESSAGE, Record
from jackfield_gateway.recorder import Recorder
from jackfield_gateway.refusal import refusal_of
from jackfield_gateway.tokens import tokens

if TYPE_CHECKING:
    from jackfield.call import Call
    from jackfield.flow import Flow
    from jackfield.models import CreateChatCompletionRequest, CreateChatCompletionResponse


@attrs.define(eq=False)
class Watch:
    """Takes each call down.

    Attributes:
        recorder: of the last calls.
        metrics: of all.
    """

    recorder: Recorder = attrs.field(factory=Recorder)
    metrics: Metrics = attrs.field(factory=Metrics)

    @hookimpl
    def wrap_chat_completion(
        self, request: CreateChatCompletionRequest, call: Call
    ) -> Flow[CreateChatCompletionResponse]:
        """Note how the call begins and ends."""
        if call.trace is None:
            call.trace = []
        record = self.recorder.add(call, request)
        try:
            response: CreateChatCompletionResponse = yield request
        except Exception as error:
            record.error = (type(error).__name__, _message(error), refusal_of(error).status)
            self._end(record, "error", call.partial)
            raise
        except BaseException:
            self._end(record, "cancelled", call.partial)
            raise
        record.usage = tokens(response.usage)
        self._end(record, "success", response)
        return response

    def _end(self, record: Record, state: str, response: CreateChatCompletionResponse | None) -> None:
        self.recorder.end(record, state, response)
        self.metrics.call(record)


def _message(error: Exception) -> str:
    """What the core has scrubbed; what other programs say is not known to be fit to be kept."""
    return error.message[:MESSAGE] if isinstance(error, JackfieldError) else ""
