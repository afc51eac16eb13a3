"""Watch: the gateway's own layer, around all that is configured. It takes down, and changes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from jackfield.hookspecs import hookimpl
from jackfield_gateway.metrics import Metrics
from jackfield_gateway.recorder import Recorder
from jackfield_gateway.refusal import refusal_of

if TYPE_CHECKING:
    from jackfield.call import Call
    from jackfield.flow import Flow
    from jackfield.models import (
        CreateChatCompletionRequest,
        CreateChatCompletionResponse,
    )
    from jackfield_gateway.record import Record


@attrs.define(eq=False)
class Watch:
    """Takes each call down.

    Attributes:
        recorder: of the last calls.
        metrics: of all.
    """

    recorder: Recorder
    metrics: Metrics

    @hookimpl
    def wrap_chat_completion(
        self, request: CreateChatCompletionRequest, call: Call
    ) -> Flow[CreateChatCompletionResponse]:
        """Note how the call begins and ends."""
        call.trace = []
        record = self.recorder.add(call)
        if self.recorder.content:
            record.request = request
        try:
            response: CreateChatCompletionResponse = yield request
        except Exception as error:
            record.error = (type(error).__name__, _message(error), refusal_of(error).status)
            self._end(record, "error")
            raise
        except BaseException:
            self._end(record, "cancelled")
            raise
        record.usage = response.usage
        if self.recorder.content:
            record.response = response
        self._end(record, "success")
        return response

    def _end(self, record: Record, state: str) -> None:
        record.state, record.duration = state, record.call.elapsed
        self.metrics.call(record)
        self.recorder.tell(record)


def _message(error: Exception) -> str:
    from jackfield.errors import JackfieldError

    return error.message if isinstance(error, JackfieldError) else ""
