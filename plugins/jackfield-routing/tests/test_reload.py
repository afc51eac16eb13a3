"""What a circuit breaker knows when the configuration is taken anew."""

from __future__ import annotations

from typing import Any

import pytest

from jackfield import APIConnectionError, Client, InternalServerError
from jackfield.http import Origin
from jackfield.testing import plan, run_call
from jackfield.testing.faults import FaultServer, name_of
from jackfield_routing import CircuitBreaker

ASK: dict[str, Any] = {"messages": [{"role": "user", "content": "hello"}]}

FORMER, LATTER = Origin("https", "former.example.com", 443), Origin("https", "latter.example.com", 443)


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


def test_a_call_on_the_former_configuration_leaves_the_circuit_of_the_latter_alone(failing, ask):
    """It may begin an attempt after the reload, at the former origin; what is open for the latter stays open."""
    layer = CircuitBreaker(min_calls=1)
    former = plan(failing(origin=FORMER), middleware=[layer])
    down = failing(always="503", origin=LATTER)
    latter = plan(down, middleware=[layer])
    with pytest.raises(InternalServerError):
        run_call(latter, ask())

    assert run_call(former, ask()).id == "m"
    with pytest.raises(APIConnectionError, match="the circuit of 'test/m' is open"):
        run_call(latter, ask())

    assert down.models == ["m"]


def test_what_is_open_at_a_former_origin_keeps_no_other_of_its_group_closed(failing, ask):
    """The one that leads elsewhere now is closed there, so another one may be refused."""
    layer = CircuitBreaker(min_calls=1, groups=[["m", "other/n"]])
    down = failing(always="503")
    with pytest.raises(InternalServerError):
        run_call(plan(failing("503", origin=FORMER), middleware=[layer], backends={"other": down}), ask())
    latter = plan(failing(origin=LATTER), middleware=[layer], backends={"other": down})

    with pytest.raises(InternalServerError):
        run_call(latter, ask("other/n"))
    with pytest.raises(APIConnectionError, match="the circuit of 'other/n' is open"):
        run_call(latter, ask("other/n"))

    assert down.models == ["n"]
