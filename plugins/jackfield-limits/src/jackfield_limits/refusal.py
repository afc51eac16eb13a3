"""Refusals: the errors that limits raise before anything is sent."""

from __future__ import annotations

from jackfield.errors import RateLimitError

LOWER = "set a lower max_completion_tokens, a lower expected_output for requests without one"
"""How a call comes to be expected to use less."""


def refusal(kind: str, name: str | None, text: str, code: str, retry_after: float | None = None) -> RateLimitError:
    """A refusal of this program's own: no status, since no backend was asked; ``retry`` does not wait for it.

    Args:
        kind: of the limit, in words.
        name: of the limit, where it has one.
        text: what is used up.
        code: ``local_rate_limit``, ``local_concurrency_limit`` or ``budget_exceeded``.
        retry_after: seconds after which another call may pass; None where that is not known.
    """
    title = kind if name is None else f"{kind} {name}"
    return RateLimitError(f"{title}: {text}", code=code, stage="not_sent", retry_after=retry_after, should_retry=False)
