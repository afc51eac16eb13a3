"""What is replayed is what was recorded, whatever the service did: for every fault that there is."""

from __future__ import annotations

from typing import Any

import pytest

from jackfield.testing.faults import DOORS, OpenAIDialect
from jackfield.testing.faults.cases import Case, cases
from jackfield_replay import load_tape

SHORT = {"connect": 0.3, "first_byte": 0.3, "idle": 0.3, "total": 1.0}
LONG = {"connect": 10.0, "first_byte": 20.0, "idle": 20.0, "total": 40.0}
CASES = cases(OpenAIDialect())


ASK = [{"role": "user", "content": "hello"}]


def ask(made: Any, case: Case) -> Any:
    return made.ask(model=f"test/{case.model}", messages=ASK, stream=case.stream)


@pytest.mark.long
@pytest.mark.parametrize("slow", [False, True], ids=["fast", "slow"])
def test_a_fault_is_replayed_as_it_was(mode, slow, file, server, host, seen):
    """The host gets the same values and errors, and the provider the same blocks, without a network."""
    chosen = [case for case in CASES if case.slow is slow]
    backend = {"timeout": SHORT if slow else LONG, "transport": {"max_response_bytes": 2**20}}
    live, replayed = [], []
    lived: list[Any] = []
    again: list[Any] = []
    with host(mode, {"use": "record", "file": str(file)}, server.url, backend=backend, blocks=lived) as made:
        live = [seen(ask(made, case)) for case in chosen]
    asked = len(server.ledger.requests)
    layer = {"use": "replay", "file": str(file), "unused": "error"}
    with host(mode, layer, server.url, backend=backend, blocks=again) as made:
        replayed = [seen(ask(made, case)) for case in chosen]

    assert [str(case) for case, a, b in zip(chosen, live, replayed, strict=True) if a != b] == []
    assert again == lived
    assert len(load_tape(str(file))[0]) == len(chosen)
    assert len(server.ledger.requests) == asked
    assert any(error for error, *_ in live)


@pytest.mark.parametrize("door", DOORS)
def test_a_connection_that_fails_is_replayed_as_it_was(mode, door, file, server, host, seen):
    """Class, code, stage and words of the error are the same."""
    backend = {"timeout": {**SHORT, "total": 20.0}}
    with host(mode, {"use": "record", "file": str(file)}, server.door(door), backend=backend) as made:
        live = seen(ask(made, Case("ok", False, ())))
    layer = {"use": "replay", "file": str(file), "unused": "error"}
    with host(mode, layer, server.door(door), backend=backend) as made:
        replayed = seen(ask(made, Case("ok", False, ())))

    assert replayed == live
    assert server.ledger.connections.total() <= 1
    assert (live[0] is None) == (door in {"plain", "other"})
