"""Logprobs: the probabilities of tokens, from Gemini's form to OpenAI's."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import zip_longest
from typing import Any

from jackfield.models.logprobs import ChatCompletionLogprobs, ChatCompletionTokenLogprob, TopLogprob
from jackfield_gemini.answer import without

UNLIKELY = -9999.0
"""What OpenAI writes for a probability that is hardly one; here: that is not told."""
_READ = frozenset({"chosenCandidates", "topCandidates"})
_TOKEN = frozenset({"token", "logProbability"})


def logprobs(result: Mapping[str, Any] | None) -> ChatCompletionLogprobs | None:
    """The log probabilities by a ``logprobsResult``; None without one."""
    if not result:
        return None
    chosen, tops = result.get("chosenCandidates") or [], result.get("topCandidates") or []
    return ChatCompletionLogprobs(
        extra=without(result, _READ),
        content=[
            ChatCompletionTokenLogprob(
                token=token.get("token") or "",
                logprob=_probability(token),
                extra=without(token, _TOKEN),
                top_logprobs=[
                    TopLogprob(token=each.get("token") or "", logprob=_probability(each), extra=without(each, _TOKEN))
                    for each in (top or {}).get("candidates") or ()
                ],
            )
            for token, top in zip_longest(chosen, tops[: len(chosen)])
        ],
    )


def _probability(token: Mapping[str, Any]) -> float:
    value = token.get("logProbability")
    return UNLIKELY if value is None else value
