"""Probabilities of tokens.

``float | int``, since msgspec makes a float of an int where only float is named.
"""

from __future__ import annotations

from jackfield.models.base import Array, WireValue, always_written, wire

__all__ = ["ChatCompletionLogprobs", "ChatCompletionTokenLogprob", "TopLogprob"]


@wire(kw_only=True)
class TopLogprob(WireValue):
    """One of the likeliest tokens at a place. OpenAI API schema ``ChatCompletionTokenLogprob.top_logprobs[]``.

    Attributes:
        token: its text.
        logprob: natural logarithm of its probability; -9999.0 means very unlikely.
        bytes: of its text in UTF-8, since a token may be part of a character.
    """

    token: str
    logprob: float | int
    bytes: Array[int] | None = always_written()


@wire(kw_only=True)
class ChatCompletionTokenLogprob(WireValue):
    """A token of the answer. OpenAI API schema ``ChatCompletionTokenLogprob``.

    Attributes:
        token: its text.
        logprob: natural logarithm of its probability; -9999.0 means very unlikely.
        bytes: of its text in UTF-8, since a token may be part of a character.
        top_logprobs: the likeliest tokens at its place.
    """

    token: str
    logprob: float | int
    bytes: Array[int] | None = always_written()
    top_logprobs: Array[TopLogprob] = ()


@wire(kw_only=True)
class ChatCompletionLogprobs(WireValue):
    """The tokens of an answer. OpenAI API schema ``CreateChatCompletionResponse.choices[].logprobs``.

    Attributes:
        content, refusal: of the text of that name; None where there is none.
    """

    content: Array[ChatCompletionTokenLogprob] | None = always_written()
    refusal: Array[ChatCompletionTokenLogprob] | None = always_written()
