"""jackfield-limits: middleware that keep calls within a rate, a number at a time, and a budget."""

from __future__ import annotations

from jackfield_limits.budget import Budget
from jackfield_limits.concurrency import Concurrency
from jackfield_limits.rate_limit import RateLimit

__all__ = ["Budget", "Concurrency", "RateLimit"]
