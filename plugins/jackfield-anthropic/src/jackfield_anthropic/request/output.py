"""Output: the form of the answer, and how long the model thinks about it.

Sources: https://platform.claude.com/docs/en/build-with-claude/ structured-outputs, effort, adaptive-thinking and
extended-thinking.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from jackfield_anthropic.request.schema import fitted

if TYPE_CHECKING:
    from jackfield.parameters import Fitting

Thinking = Literal["auto", "adaptive", "budget"]
"""How a model is told to think: by an effort, or by a number of tokens; or what its name tells."""
Display = Literal["summarized", "omitted"]
"""Whether a model's thoughts are told."""
LEAST = 1024
"""Tokens of thinking that the service takes at least."""
SHARES = {"minimal": 0.1, "low": 0.2, "medium": 0.5, "high": 0.8, "xhigh": 0.95, "max": 0.95}
"""Of the most tokens, how many are for thinking, where the model is told a number."""
_FORM = {"type", "json_schema"}
_SCHEMA = {"name", "description", "schema", "strict"}
_OLD = re.compile(r"claude-(?:v?[123]\b|instant)|claude-[a-z]+-4(?:[-.][015])?(?![-.]?\d(?:\D|$))(?!\d)")
"""Models up to 4.5, which know no adaptive thinking; there will be no more of them."""


def no_more_than_known(asked: Mapping[str, Any], fitting: Fitting) -> None:
    """Refuse unknown members of ``response_format``: there is no place for them.

    Raises:
        UnsupportedParameterError: it has one.
    """
    form = asked.get("response_format", {})
    for path, members, known in (
        ("response_format", form, _FORM),
        ("response_format.json_schema", form.get("json_schema", {}), _SCHEMA),
    ):
        for lost in fitting.others(members, known, path):
            fitting.lacks(lost, "leave it out")


def answer_format(asked: Mapping[str, Any], fitting: Fitting) -> dict[str, Any] | None:
    """The ``format`` of ``output_config``; None for text.

    Raises:
        UnsupportedParameterError: the service cannot be held to the form.
    """
    form = asked.get("response_format", {"type": "text"})
    schema = form["json_schema"].get("schema") if form["type"] == "json_schema" else None
    if schema is None:
        if form["type"] != "text":
            fitting.lacks("response_format", "give a `json_schema` with a schema, or set `json_by`")
        return None
    made = fitted(schema, "response_format.json_schema.schema", fitting)
    if form["json_schema"].get("description"):
        made.setdefault("description", form["json_schema"]["description"])
    return {"type": "json_schema", "schema": made}


def thinking(
    asked: Mapping[str, Any], most: int, way: Thinking, display: Display | None, fitting: Fitting
) -> tuple[dict[str, Any] | None, str | None]:
    """What ``reasoning_effort`` asks for: ``thinking``, and the ``effort`` of ``output_config``.

    Args:
        asked: the request.
        most: tokens of the answer, those of thinking included.
        way: by which the model is told.
        display: whether its thoughts are told: ``summarized``, ``omitted``, or None for the model's own way.
        fitting: takes what cannot be said.

    Raises:
        UnsupportedParameterError: there are too few tokens to think.
    """
    effort = asked.get("reasoning_effort")
    shown = {} if display is None else {"display": display}
    if effort is None:
        return None, None
    if effort == "none":
        return {"type": "disabled"}, None
    if way == "adaptive" or (way == "auto" and not _OLD.search(asked["model"])):
        return {"type": "adaptive", **shown}, {"minimal": "low"}.get(effort, effort)
    if most <= LEAST or effort not in SHARES:
        fitting.lacks("reasoning_effort", f"allow more than {LEAST} tokens, and give one of {', '.join(SHARES)}")
        return None, None
    return {"type": "enabled", "budget_tokens": max(LEAST, int(SHARES[effort] * most)), **shown}, None
