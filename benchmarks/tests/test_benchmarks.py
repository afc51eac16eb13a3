"""The harness: its server sends what it says, its arithmetic is right, and a run ends with a report."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import urllib3

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).parents[1]


@pytest.fixture
def base_url() -> Iterator[str]:
    """A running mock server."""
    from processes import Cores, Server

    with Server(Cores()) as url:
        yield url


def post(url: str, model: str, *, key: str | None = None) -> urllib3.BaseHTTPResponse:
    """One request to the mock server."""
    from payloads import KEY

    headers = {"Authorization": f"Bearer {KEY if key is None else key}"}
    body = json.dumps({"messages": [], "model": model}).encode()
    return urllib3.request("POST", url + "/chat/completions", body=body, headers=headers, retries=False)


def event_data(response: urllib3.BaseHTTPResponse) -> list[bytes]:
    """What the events of a stream hold."""
    return [event.removeprefix(b"data: ") for event in response.data.split(b"\n\n") if event]


@pytest.mark.parametrize("model", ["stream-70-250", "single-5-300", "paced-5-100"])
def test_stream_has_the_events_and_characters_that_its_model_names(base_url: str, model: str) -> None:
    """A stream has as many events as asked for, ends with [DONE], and its content has the announced length."""
    from payloads import parse_model

    *events, done = event_data(post(base_url, model))
    chunks = [json.loads(event) for event in events]
    shape = parse_model(model)

    assert done == b"[DONE]"
    assert len(events) == shape.events
    assert {len(event) for event in events} == {shape.size - len("data: \n\n")}
    content = "".join(chunk["choices"][0]["delta"].get("content", "") for chunk in chunks)
    assert len(content) == shape.characters


def test_answer_is_the_one_that_clients_are_checked_against(base_url: str) -> None:
    """The answer to a call is the text that every client must return."""
    from payloads import ANSWER

    assert json.loads(post(base_url, "answer").data)["choices"][0]["message"]["content"] == ANSWER


@pytest.mark.parametrize(("model", "key", "status"), [("answer", "wrong", 401), ("nothing", None, 400)])
def test_server_refuses_what_is_not_asked_rightly(base_url: str, model: str, key: str | None, status: int) -> None:
    """A client that sends no token, or asks for what there is not, is not measured by accident."""
    assert post(base_url, model, key=key).status == status


def test_server_has_one_path(base_url: str) -> None:
    """Any other path is not found."""
    assert urllib3.request("GET", base_url + "/models", retries=False).status == 404


def test_conversation_has_twenty_messages_and_three_tools() -> None:
    """The large request is what the report says it is."""
    from payloads import conversation

    fields = conversation()

    assert (len(fields["messages"]), len(fields["tools"])) == (20, 3)


def results(*samples: tuple[str, int, float, float | None]) -> Any:
    """Results of the kind ``call`` with these clients, rounds, values and neighbours."""
    from report import Results, Sample

    return Results([Sample("call", client, number, value, 0.5, beside) for client, number, value, beside in samples])


def test_ratio_is_the_median_of_the_ratios_to_the_neighbours() -> None:
    """Each value is divided by that of the baseline beside it, not by the baseline's median."""
    found = results(
        ("urllib3", 0, 1.0, None),
        ("jackfield", 0, 2.0, 1.0),
        ("urllib3", 1, 4.0, None),
        ("jackfield", 1, 4.0, 4.0),
        ("urllib3", 2, 2.0, None),
        ("jackfield", 2, 3.0, 2.0),
    )

    baseline, row = found.rows("call")

    assert (baseline.client, baseline.value, baseline.low, baseline.high) == ("urllib3", 2.0, 0.5, 2.0)
    assert (row.client, row.value, row.ratio, row.low, row.high, row.rounds) == ("jackfield", 3.0, 1.5, 1.0, 2.0, 3)
    assert row.rate == 2.0


@pytest.mark.parametrize(("value", "broken"), [(1.3, True), (1.2, False)])
def test_promise_is_missed_only_above_its_limit(value: float, broken: bool) -> None:
    """The limit of a sync call is 1.25 times hand-written code."""
    from report import missed, table

    found = results(("urllib3", 0, 1.0, None), ("jackfield", 0, value, 1.0))

    assert missed(found) is broken
    assert any(line.endswith("at most 1.25: missed") for line in table(found)) is broken


def test_promise_against_a_peer_compares_the_same_round() -> None:
    """A target against another client than the baseline divides values of one round."""
    from catalogue import Target

    found = results(
        ("peer", 0, 4.0, 1.0), ("peer", 1, 8.0, 1.0), ("jackfield", 0, 1.0, 1.0), ("jackfield", 1, 1.0, 1.0)
    )

    assert found.ratios(Target("call", "jackfield", 1.0, against="peer")) == [0.25, 0.125]


def test_run_prints_a_table_and_writes_its_samples(tmp_path: Path) -> None:
    """A run with the hand-written client alone measures workers and fresh interpreters and says what it found."""
    file = tmp_path / "found.json"
    arguments = ["--quick", "--rounds", "1", "--kinds", "first,call,chunk,memory", "--clients", "urllib3"]
    done = subprocess.run(
        [sys.executable, str(HERE / "run.py"), *arguments, "--json", str(file)],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    found = json.loads(file.read_text(encoding="utf-8"))

    assert "µs/call" in done.stdout
    assert {"first", "call", "chunk", "memory"} == {sample["kind"] for sample in found["samples"]}
    assert all(sample["value"] > 0 for sample in found["samples"])
    assert found["broken"] == []


def test_client_that_is_not_there_is_named_and_the_run_goes_on(tmp_path: Path) -> None:
    """An interpreter without the library breaks that client only."""
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\nexec {sys.executable} -S "$@"\n', encoding="utf-8")
    python.chmod(0o755)
    arguments = ["--quick", "--rounds", "1", "--kinds", "call", "--clients", "litellm", "--python", f"litellm={python}"]
    done = subprocess.run(
        [sys.executable, str(HERE / "run.py"), *arguments], capture_output=True, text=True, check=True, timeout=120
    )

    assert "could not be measured: ModuleNotFoundError" in done.stdout
