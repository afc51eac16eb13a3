"""Answer: what a provider's answer has to hold besides its text."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from jackfield.testing.contract.bench import Bench
from jackfield.testing.contract.host import Outcome
from jackfield.testing.faults.dialect import tool_call
from jackfield.wire import to_dict

FUNCTIONS = ("weather", "time")
"""What the service calls, each once."""
TOOLS = [{"type": "function", "function": {"name": name, "parameters": {}}} for name in FUNCTIONS]


def complete(bench: Bench, outcome: Outcome, place: str) -> None:
    """Fail the test unless an answer tells its finish reason, its usage and its attempt."""
    response: Any = outcome.response
    if response.choices[0].finish_reason != "stop":
        bench.fail(f"says finish_reason={response.choices[0].finish_reason!r}", place, "it is 'stop'")
    if response.usage is None or response.usage.total_tokens != 8:
        bench.fail(f"says usage={response.usage!r}", place, "the tokens that the service told of: 3 and 5")
    (attempt,) = response.call.attempts
    if (attempt.outcome, attempt.status_code, attempt.exchanges) != ("success", 200, 1):
        bench.fail(
            f"left {attempt.outcome}, {attempt.status_code}, {attempt.exchanges} exchanges in the ledger",
            place,
            "one attempt, with its status and its exchange",
        )


def called(bench: Bench, outcome: Outcome, place: str) -> None:
    """Fail the test unless an answer calls each of ``FUNCTIONS`` as the service did, and says that it ends for that."""
    response: Any = outcome.response
    calls = response.choices[0].message.tool_calls or ()
    wanted = [tool_call(number, name) for number, name in enumerate(FUNCTIONS)]
    told, named = [(call.id, call.function.name) for call in calls], [(identity, name) for identity, name, _ in wanted]
    if told != named:
        bench.fail(f"gave the calls {told}", place, f"the service called {named}")
    for call, (identity, _, arguments) in zip(calls, wanted, strict=True):
        if _parsed(call.function.arguments) != json.loads(arguments):
            did = f"gave the arguments {call.function.arguments!r} of {identity}"
            bench.fail(did, place, f"the service gave {arguments!r}")
    if response.choices[0].finish_reason != "tool_calls" and "no-finish" not in place:
        bench.fail(f"says finish_reason={response.choices[0].finish_reason!r}", place, "it is 'tool_calls'")


def kept(bench: Bench, outcome: Outcome, choices: int, fields: Mapping[str, Any]) -> None:
    """Fail the test unless an answer has that many choices, and these fields."""
    response: Any = outcome.response
    answer, given = to_dict(response), len(response.choices)
    if given != choices:
        bench.fail(f"gave {given} of {choices} choices", f"n={choices}", "an answer has as many as were asked for")
    for name, value in fields.items():
        if answer.get(name) != value:
            bench.fail(f"gave {name}={answer.get(name)!r}", f"n={choices}", f"the service gave {value!r}")


def _parsed(arguments: str) -> Any:
    try:
        return json.loads(arguments)
    except ValueError:
        return None
