"""Usage: what the attempts of a call took, those that failed included. Pure functions of values."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import attrs

from jackfield.call import Attempt
from jackfield.models.response import CompletionUsage, CreateChatCompletionResponse
from jackfield_limits.estimate import Estimate, tokens


@attrs.frozen
class Usage:
    """Tokens of one attempt.

    Attributes:
        prompt: of the prompt that were neither read from a cache nor written to one.
        cached: of the prompt that were read from a cache.
        written: of the prompt that were written to a cache.
        completion: of the answer, thoughts included.
    """

    prompt: int
    cached: int
    written: int
    completion: int

    @property
    def total(self) -> int:
        """All of them."""
        return self.prompt + self.cached + self.written + self.completion


def usages(
    attempts: Sequence[Attempt], guess: Estimate, response: CreateChatCompletionResponse | None
) -> Iterator[tuple[Attempt, Usage]]:
    """What each attempt took, or may have taken; attempts that took nothing are left out.

    - Where the backend told its usage, that.
    - Of a success without it: the prompt by its size, the answer by the size of its text.
    - Of a failure after which the backend may charge: the same of what had arrived; where nothing had, the estimate.

    Args:
        attempts: in their order.
        guess: what the request was expected to take.
        response: that the last of them came to, if it succeeded.
    """
    for attempt in attempts:
        told = _told(attempt.usage)
        if told is not None:
            yield attempt, told
        elif attempt.outcome == "success" or attempt.maybe_billed:
            answer = response if attempt is attempts[-1] and attempt.outcome == "success" else _arrived(attempt)
            yield attempt, Usage(guess.prompt, 0, 0, guess.completion if answer is None else _text(answer))


def _told(usage: CompletionUsage | None) -> Usage | None:
    """What the backend told; what it counts only in the total was thoughts. None where it told nothing."""
    if usage is None:
        return None
    details = usage.prompt_tokens_details
    prompt, completion = _count(usage.prompt_tokens), _count(usage.completion_tokens)
    completion += max(0, _count(usage.total_tokens) - prompt - completion)
    if not prompt + completion:
        return None
    cached = min(prompt, 0 if details is None else _count(details.cached_tokens))
    written = min(prompt - cached, 0 if details is None else _count(details.cache_write_tokens))
    return Usage(prompt - cached - written, cached, written, completion)


def _count(value: int | None) -> int:
    return max(0, value or 0)


def _arrived(attempt: Attempt) -> CreateChatCompletionResponse | None:
    """What had arrived of a stream; None where no text had."""
    folder = attempt.folder
    if folder is None or folder.empty:
        return None
    answer = folder.whole()
    return answer if _text(answer) else None


def _text(response: CreateChatCompletionResponse) -> int:
    """Tokens of the texts of an answer."""
    said = (
        (message.content, message.refusal, message.reasoning_content, message.reasoning, message.tool_calls)
        for message in (choice.message for choice in response.choices)
    )
    return tokens(tuple(said))
