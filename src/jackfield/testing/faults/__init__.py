"""The fault server: a service that fails in every known way, as the model name says, and counts what it received.

``with FaultServer() as server`` starts one in this process; ``python -m jackfield.testing.faults`` one of its own.
"""

from __future__ import annotations

from jackfield.testing.faults import bodies, encoding, framing, status, streams, transport
from jackfield.testing.faults.catalogue import FAULTS, GOOD, Exchange, Fault, fault, name_of, parse
from jackfield.testing.faults.dialect import Ask, Dialect, OpenAIDialect
from jackfield.testing.faults.doors import DOORS
from jackfield.testing.faults.ledger import Ledger, Received
from jackfield.testing.faults.mix import M20, Mix
from jackfield.testing.faults.server import FaultServer

_FILLED = (bodies, encoding, framing, status, streams, transport)
"""What registers the faults when it is imported."""

__all__ = [
    "DOORS",
    "FAULTS",
    "GOOD",
    "M20",
    "Ask",
    "Dialect",
    "Exchange",
    "Fault",
    "FaultServer",
    "Ledger",
    "Mix",
    "OpenAIDialect",
    "Received",
    "fault",
    "name_of",
    "parse",
]
