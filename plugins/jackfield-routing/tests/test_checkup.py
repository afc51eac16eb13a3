"""A checkup takes the names of models in the settings for what they are."""

from __future__ import annotations

from typing import Any

import pytest

from jackfield.checkup import Scope, checkup


@pytest.mark.parametrize(
    "layer",
    [
        {"use": "fallback", "models": {"a/x": ["b/y"]}},
        {"use": "balance", "models": {"fast": {"a/x": 1, "b/y": 1}}},
        {"use": "circuit-breaker", "groups": [["a/x", "b/y"]]},
    ],
    ids=lambda layer: str(layer["use"]),
)
def test_a_valid_configuration_has_no_faults(layer: dict[str, Any]) -> None:
    """Its models lead to backends that the checkup looks at one by one."""
    backends = {"a": {"provider": "echo"}, "b": {"provider": "echo"}}
    rows = checkup({"backends": backends, "middleware": [layer]}, scope=Scope(offline=True))

    assert [row for row in rows if row.status == "failed"] == []
