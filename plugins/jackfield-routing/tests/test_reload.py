"""What a circuit breaker knows when the configuration is taken anew."""

from __future__ import annotations

from typing import Any

import pytest

from jackfield import APIConnectionError, Client, InternalServerError
from jackfield.testing.faults import FaultServer, name_of

ASK: dict[str, Any] = {"messages": [{"role": "user", "content": "hello"}]}


def config(url: str, **more: Any) -> dict[str, Any]:
    """One backend at a URL, whose circuit stays open for long."""
    return {
        "default_model": f"b/{name_of('status', code=503)}",
        "backends": {"b": {"provider": "openai", "base_url": url}},
        "middleware": [{"use": "circuit-breaker", "min_calls": 1, "open_for": 300}],
        **more,
    }


def test_a_backend_that_leads_elsewhere_now_has_another_circuit(fault_server: FaultServer) -> None:
    """What was open for the former one is not for this; where nothing of it was changed, it is kept."""
    with Client(config(fault_server.url)) as client:
        with pytest.raises(InternalServerError):
            client.create_chat_completion(**ASK)
        client.reload(config(fault_server.url, models={"other": "b/x"}))
        with pytest.raises(APIConnectionError, match="circuit of 'b/status"):
            client.create_chat_completion(**ASK)
        client.reload(config(fault_server.url.replace("127.0.0.1", "localhost")))
        with pytest.raises(InternalServerError):
            client.create_chat_completion(**ASK)
    assert len(fault_server.ledger.requests) == 2
