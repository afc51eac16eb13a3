"""jackfield-routing: middleware that choose who answers: a fallback, a balance of load, a circuit breaker."""

from __future__ import annotations

from jackfield_routing.balance import Balance
from jackfield_routing.breaker import CircuitBreaker
from jackfield_routing.fallback import Fallback

__all__ = ["Balance", "CircuitBreaker", "Fallback"]
