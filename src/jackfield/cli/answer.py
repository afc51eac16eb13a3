"""One call, its text on stdout as it arrives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import attrs

from jackfield.cli.output import TextOut, left_out, say

if TYPE_CHECKING:
    from jackfield.client import Client
    from jackfield.models.response import ChatCompletionChoice, CreateChatCompletionResponse

Message = Any
"""A message as a dict, or of one of the classes of ``jackfield.models``."""
ENDED_WELL = frozenset({"stop", "tool_calls", "function_call"})


@attrs.frozen
class Question:
    """What is asked besides the messages.

    Attributes:
        model: ``backend/model`` or an alias; None takes the configuration's default.
        fields: other parameters of the request.
        timeout: seconds for the whole call; None leaves it to the configuration.
        stream: whether the answer is wanted as it is made.
    """

    model: str | None = None
    fields: Mapping[str, Any] = attrs.field(factory=dict)
    timeout: float | None = None
    stream: bool = True

    def arguments(self, messages: Sequence[Message]) -> dict[str, Any]:
        """The arguments of ``create_chat_completion``, without ``stream``."""
        model = {} if self.model is None else {"model": self.model}
        return {"messages": list(messages), "timeout": self.timeout, **model, **self.fields}


def ask(client: Client, question: Question, messages: Sequence[Message], out: TextOut) -> CreateChatCompletionResponse:
    """Ask, and write the answer's text to ``out``; remarks on it go to stderr.

    Raises:
        JackfieldError: the call failed; what had arrived has been written, and its line ended.
    """
    try:
        response = (
            _streamed(client, question, messages, out) if question.stream else _whole(client, question, messages, out)
        )
    finally:
        out.end()
    remark_dropped(response)
    _remark(response.choices)
    return response


def remark_dropped(response: CreateChatCompletionResponse) -> None:
    """Tell on stderr what the backend was not asked, since its format has no way to say it."""
    call = response.call
    assert call is not None  # noqa: S101 - a client returned it
    dropped = [name for attempt in call.attempts for name in attempt.dropped]
    if dropped:
        say(left_out(dropped))


def _streamed(
    client: Client, question: Question, messages: Sequence[Message], out: TextOut
) -> CreateChatCompletionResponse:
    with client.create_chat_completion(stream=True, **question.arguments(messages)) as stream:
        for chunk in stream:
            for choice in chunk.choices:
                if choice.index == 0 and choice.delta.content:
                    out.write(choice.delta.content)
        response: CreateChatCompletionResponse = stream.response
    return response


def _whole(
    client: Client, question: Question, messages: Sequence[Message], out: TextOut
) -> CreateChatCompletionResponse:
    response: CreateChatCompletionResponse = client.create_chat_completion(stream=False, **question.arguments(messages))
    for choice in response.choices:
        if choice.message.content:
            out.end()
            out.write(choice.message.content)
    return response


def _remark(choices: Sequence[ChatCompletionChoice]) -> None:
    """Tell on stderr what the text alone does not show."""
    for choice in choices:
        if choice.message.refusal:
            say(f"The model refused: {choice.message.refusal}")
        if choice.message.tool_calls:
            say("The model called tools; --json shows them.")
        if choice.finish_reason is not None and choice.finish_reason not in ENDED_WELL:
            say(f"The answer ended early: {choice.finish_reason}")
    if not choices:
        say("The backend gave no answer.")


def refused(response: CreateChatCompletionResponse) -> bool:
    """Whether there is no answer: none was given, or the model refused."""
    return all(choice.message.refusal and not choice.message.content for choice in response.choices)
