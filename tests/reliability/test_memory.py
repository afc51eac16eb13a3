"""What a server sends does not fill the memory: measured in a process of its own, as its peak of resident memory."""

from __future__ import annotations

import subprocess
import sys

import pytest

from jackfield.testing.faults import FaultServer, name_of

ROOM = 40
"""MiB that a call may add to the process, whatever comes."""
PROGRAM = """
import resource, sys, jackfield
url, model, cap, stream = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4] == "stream"
config = {"backends": {"b": {"provider": "openai", "base_url": url, "transport": {"max_response_bytes": cap}}}}
config["backends"]["b"]["timeout"] = {"idle": 3}
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
ask = [{"role": "user", "content": "x"}]
with jackfield.Client(config) as client:
    client.create_chat_completion(model="b/ok", messages=ask)
    with client.create_chat_completion(model="b/ok", messages=ask, stream=True) as warm:
        list(warm)
    before, outcome = peak(), "an answer"
    try:
        answer = client.create_chat_completion(model="b/" + model, messages=ask, stream=stream)
        for _ in answer if stream else ():
            pass
    except jackfield.JackfieldError as error:
        outcome = type(error).__name__
    print(outcome, peak() - before)
"""
MANY = 2**40


@pytest.mark.parametrize(
    ("model", "cap", "stream"),
    [
        (name_of("large", bytes=2**30), 2**24, "whole"),
        (name_of("large", bytes=2**28), MANY, "stream"),
        (name_of("bomb", bytes=2**29), 2**24, "whole"),
        (name_of("bomb", bytes=2**29), MANY, "stream"),
        (name_of("huge-line", bytes=2**28), MANY, "stream"),
        (name_of("huge-header", bytes=2**26), 2**24, "whole"),
    ],
    ids=str,
)
def test_memory_is_bounded(fault_server: FaultServer, model: str, cap: int, stream: str) -> None:
    """A gibibyte, a bomb, a line without end: at most 40 MiB more than before, and a typed error."""
    command = [sys.executable, "-c", PROGRAM, fault_server.url, model, str(cap), stream]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    outcome, grown = done.stdout.split()

    assert outcome in {"InvalidResponseError", "APIConnectionError", "APITimeoutError", "StreamInterruptedError"}
    assert int(grown) <= ROOM
