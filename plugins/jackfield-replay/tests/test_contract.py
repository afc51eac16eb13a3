"""Both middleware keep the contract of middleware."""

from __future__ import annotations

import pytest

from jackfield.testing import MiddlewareContract
from jackfield_replay import Record, Replay


@pytest.mark.long
class TestRecord(MiddlewareContract):
    """It looks on, and changes nothing."""

    @pytest.fixture
    def middleware(self, tmp_path):
        return Record, {"file": str(tmp_path / "tape.yaml"), "mask": ["nothing-like-this"]}


@pytest.mark.long
class TestReplay(MiddlewareContract):
    """It answers what goes over HTTP by itself, and from an empty recording with a failure."""

    answers = True
    changes_outcome = True

    @pytest.fixture
    def middleware(self, tmp_path):
        file = tmp_path / "tape.yaml"
        file.write_text("jackfield-recording: 1\n...\n")
        return Replay, {"file": str(file)}
