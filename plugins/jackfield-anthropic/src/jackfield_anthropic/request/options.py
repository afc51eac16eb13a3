"""Options: the parameters of a request that are one value, each to what the Messages API calls it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jackfield.parameters import Fitting

Asked = Mapping[str, Any]
"""The fields of a request, as JSON, without nulls."""
_TIERS = {"auto": "auto", "default": "standard_only", "standard_only": "standard_only"}


def most_tokens(asked: Asked, default: int, fitting: Fitting) -> int:
    """``max_tokens``, which the format demands."""
    old: int = asked.get("max_tokens", default)
    most: int = asked.get("max_completion_tokens", old)
    if "max_tokens" in asked and old != most:
        fitting.leave_out("max_tokens")  # deprecated: the other one stands
    return most


def sampling(asked: Asked, fitting: Fitting) -> dict[str, Any]:
    """``temperature`` and ``top_p``."""
    told = {name: asked[name] for name in ("temperature", "top_p") if name in asked}
    if told.get("temperature", 0) > 1:
        fitting.lacks("temperature", "give at most 1")
        del told["temperature"]
    return told


def stop_sequences(asked: Asked, fitting: Fitting) -> dict[str, Any]:
    """``stop_sequences``; the service refuses one that is only white space."""
    stop = asked.get("stop", ())
    words = (
        [(f"stop[{number}]", word) for number, word in enumerate(stop)]
        if not isinstance(stop, str)
        else [("stop", stop)]
    )
    for path, word in words:
        if not word.strip():
            fitting.lacks(path, "give a text that is not only white space")
    kept = [word for _, word in words if word.strip()]
    return {"stop_sequences": kept} if kept else {}


def metadata(asked: Asked, fitting: Fitting) -> dict[str, Any]:
    """``metadata``, which holds the id of the host's user and nothing else."""
    pairs = dict(asked.get("metadata", {}))
    own = pairs.pop("user_id", None)
    for lost in fitting.others(pairs, (), "metadata"):
        fitting.lacks(lost, "leave it out: only `user_id` is taken")
    names = [asked[name] for name in ("safety_identifier", "user") if name in asked]
    if len(set(names)) > 1:
        fitting.lacks("user", "give `safety_identifier` alone")
    user = (names or [own])[0]
    if own is not None and own != user:
        fitting.leave_out("metadata.user_id")
    return {} if user is None else {"metadata": {"user_id": user}}


def service_tier(asked: Asked, fitting: Fitting) -> dict[str, Any]:
    """``service_tier``: ``default`` is called ``standard_only``."""
    tier = asked.get("service_tier")
    if tier is not None and tier not in _TIERS:
        fitting.lacks("service_tier", "give `auto` or `default`")
    return {"service_tier": _TIERS[tier]} if tier in _TIERS else {}


def streaming(asked: Asked, fitting: Fitting) -> dict[str, Any]:
    """``stream``; the usage comes anyhow."""
    for name, value in asked.get("stream_options", {}).items():
        if name != "include_usage" and value:
            fitting.lacks(f"stream_options.{name}", "leave it out")
    return {"stream": True} if asked.get("stream") else {}
