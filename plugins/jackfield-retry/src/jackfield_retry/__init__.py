"""jackfield-retry: a middleware that tries again after a failure that may pass."""

from __future__ import annotations

from jackfield_retry.retry import Retry

__all__ = ["Retry"]
