"""jackfield-replay: middleware that record HTTP exchanges into a readable file, and answer from it."""

from __future__ import annotations

from jackfield_replay.errors import RecordingError, ReplayMissError
from jackfield_replay.exchange import Block, Exchange, Failure, Request, Response
from jackfield_replay.record import Record
from jackfield_replay.replay import Replay
from jackfield_replay.tape import load_tape

__all__ = [
    "Block",
    "Exchange",
    "Failure",
    "Record",
    "RecordingError",
    "Replay",
    "ReplayMissError",
    "Request",
    "Response",
    "load_tape",
]
