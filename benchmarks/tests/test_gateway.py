"""The comparison of gateways: it notices what is lost, its arithmetic is right, and a thousand streams are whole."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    pass

HERE = Path(__file__).parents[1]


def stream(count: int) -> list[bytes]:
    """The events of a stream of the mock server, and its end."""
    from mock_server import events
    from payloads import Shape

    return [*events(Shape("paced", count)), b"data: [DONE]\n\n"]


def test_a_whole_stream_is_taken() -> None:
    """As the mock server sends it."""
    from load import look

    look(b"".join(stream(7)), "paced-7-1")


@pytest.mark.parametrize("harm", ["lost", "doubled", "swapped", "no end"])
def test_a_stream_that_is_not_whole_is_noticed(harm: str) -> None:
    """Whatever it lacks."""
    from load import Wrong, look

    told = stream(7)
    if harm == "lost":
        del told[3]
    elif harm == "doubled":
        told.insert(3, told[3])
    elif harm == "swapped":
        told[2], told[3] = told[3], told[2]
    else:
        del told[-1]
    with pytest.raises(Wrong):
        look(b"".join(told), "paced-7-1")


def one_round(latency: dict[str, float], rate: dict[str, float]) -> dict[str, dict[str, float]]:
    """What a round found, the same for both kinds."""
    figures = {"latency": latency, "rate": rate}
    return {
        name: {f"{kind} {what}": values[name] for kind in ("call", "stream") for what, values in figures.items()}
        for name in latency
    }


@pytest.mark.parametrize(
    ("mine", "rate", "memory", "missed"),
    [(0.0015, 1000, 50, 0), (0.0025, 1000, 50, 2), (0.0015, 900, 50, 2), (0.0015, 1000, 60, 1)],
)
def test_a_promise_is_judged_by_its_ratio(mine: float, rate: float, memory: int, missed: int) -> None:
    """The mock's own latency is taken off both: 1.5 ms beside 10.5 are a tenth of what the other adds."""
    from gateway import judge

    found = one_round(
        {"direct": 0.0005, "jackfield": mine, "litellm": 0.0105}, {"direct": 9e9, "jackfield": rate, "litellm": 100}
    )
    verdicts = judge({"rounds": [found], "memory": {"jackfield": memory, "litellm": 200}})

    assert [kept for kept, _ in verdicts].count(False) == missed


def measured(tmp_path: Path, *arguments: str) -> Any:
    """What a run of the program wrote."""
    told = tmp_path / "told.json"
    command = [sys.executable, "gateway.py", "--json", str(told), *arguments]
    done = subprocess.run(command, cwd=HERE, capture_output=True, text=True, timeout=250, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(told.read_text(encoding="utf-8"))


def test_a_run_without_a_rival_measures_streams(tmp_path: Path) -> None:
    """A first look, in seconds."""
    told = measured(tmp_path, "--streams", "20", "--events", "2", "--spread", "0.2")

    assert told["streams"]["count"] == 20
    assert 0 < told["streams"]["median"] <= told["streams"]["p99"]


def test_no_other_litellm_than_the_pinned_one_is_run(tmp_path: Path) -> None:
    """Its version is asked of the interpreter, and it is not started."""
    from gateways import litellm
    from processes import Broken, Cores

    python = tmp_path / "python"
    python.write_text("#!/bin/sh\necho 1.107.0\n")
    python.chmod(0o755)
    with (
        pytest.raises(Broken, match=r"its version is 1\.107\.0"),
        litellm("http://127.0.0.1:1/v1", str(tmp_path), Cores(), python=str(python), models=["answer"]),
    ):
        pass


@pytest.mark.long
@pytest.mark.skipif(
    resource.getrlimit(resource.RLIMIT_NOFILE)[1] < 4096, reason="this system lets nobody open so many connections"
)
def test_a_thousand_streams_at_one_event_a_second_lose_nothing(tmp_path: Path) -> None:
    """Through one worker: every event of each, once and in order, and its end. The program fails where one is not whole."""
    told = measured(tmp_path, "--streams", "1000", "--events", "10", "--spread", "2")

    assert told["streams"]["count"] == 1000
