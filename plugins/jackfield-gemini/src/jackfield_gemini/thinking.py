"""Thinking: how long a model is to think, by its generation, and whether it tells what it thought."""

from __future__ import annotations

from typing import Any

from jackfield.parameters import Fitting
from jackfield_gemini.model import Family

BUDGETS = {"minimal": 1024, "low": 1024, "medium": 8192, "high": 24576}
"""Tokens for Gemini 2.5, as Google's own service takes OpenAI's words (https://ai.google.dev/gemini-api/docs/openai)."""
LEVELS = frozenset({"minimal", "low", "medium", "high"})
_PARAM = "reasoning_effort"


def thinking(effort: str | None, family: Family, fitting: Fitting, *, include_thoughts: bool) -> dict[str, Any]:
    """The ``thinkingConfig`` for a request; empty where there is nothing to say.

    Args:
        effort: ``reasoning_effort`` of the request.
        family: of the model.
        fitting: takes an effort that the model cannot be told.
        include_thoughts: ask for summaries of the thoughts.

    Raises:
        UnsupportedParameterError: the model cannot be told this effort.
    """
    config: dict[str, Any] = {"includeThoughts": True} if include_thoughts else {}
    return config if effort is None else config | _amount(effort, family, fitting)


def _amount(effort: str, family: Family, fitting: Fitting) -> dict[str, Any]:
    if effort == "none":
        if family.thinks_by_budget and not family.pro:
            return {"thinkingBudget": 0}
        if not family.never_thinks:
            fitting.lacks(_PARAM, "give minimal or low: this model cannot be kept from thinking")
        return {}
    if effort not in LEVELS:
        fitting.lacks(_PARAM, f"give {', '.join(BUDGETS)}")
        return {}
    if family.never_thinks:
        fitting.lacks(_PARAM, "ask Gemini 2.5 or newer: this model does not think")
        return {}
    if family.thinks_by_budget:
        return {"thinkingBudget": BUDGETS[effort]}
    return {"thinkingLevel": "low" if effort == "minimal" and not _knows_minimal(family) else effort}


def _knows_minimal(family: Family) -> bool:
    """Flash up to 3.6 and Flash-Lite; the others refuse it, and their least is low."""
    return family.lite or (not family.pro and family.version is not None and family.version <= (3, 6))
