"""The configuration of jackfield under measurement, as an operator would write it."""

from __future__ import annotations

from typing import Any

LAYERS: list[dict[str, Any]] = [{"use": "logging"}, {"use": "retry"}]


def config(base_url: str, layers: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    """A configuration with one backend, ``mock``, its bearer token from the environment, and host layers."""
    bearer = {"use": "bearer", "token": "env:BENCH_KEY"}
    backend = {"provider": "openai", "base_url": base_url, "middleware": [bearer]}
    host = LAYERS if layers is None else layers
    return {"backends": {"mock": backend}, "middleware": host, "default_model": "mock/m"}
