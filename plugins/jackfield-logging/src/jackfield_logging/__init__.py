"""jackfield-logging: a middleware that logs calls and their attempts, one line and one set of fields each."""

from __future__ import annotations

from jackfield_logging.middleware import Logging

__all__ = ["Logging"]
