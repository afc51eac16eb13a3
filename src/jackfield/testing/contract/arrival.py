"""Arrival: a request with more than a question, and what of it came to the service."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jackfield.testing.contract.bench import Bench
from jackfield.testing.faults.dialect import TellsRequests

REQUEST: Mapping[str, Any] = {
    "messages": [
        {"role": "system", "content": "Answer as a friend."},
        {"role": "user", "content": "What is two and two?"},
        {"role": "assistant", "content": "Four."},
        {"role": "user", "content": "And three and three?"},
    ],
    "temperature": 0.25,
    "stop": ["END", "STOP"],
    "n": 2,
}


def arrived(bench: Bench, dialect: TellsRequests, fields: Mapping[str, Any], limit: str) -> None:
    """Fail the test unless the service got what the host gave; ``limit`` names the field with the most tokens."""
    wanted = {
        "messages": [(message["role"], message["content"]) for message in fields["messages"]],
        "temperature": fields["temperature"],
        "max_completion_tokens": fields[limit],
        "stop": fields["stop"],
        "n": fields["n"],
        "tools": [tool["function"]["name"] for tool in fields.get("tools", ())],
    }
    requests = bench.server.ledger.of("ok")
    if not requests:
        bench.fail("sent no request", f"a request with {limit}", "a call sends one")
    told = dialect.told(requests[-1].body)
    for name, value in wanted.items():
        if name in told and told[name] != value:
            given = limit if name == "max_completion_tokens" else name
            bench.fail(f"sent {told[name]!r} for {given}", f"a request with {limit}", f"the host gave {value!r}")
