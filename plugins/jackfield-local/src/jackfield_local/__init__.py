"""jackfield-local: a provider that answers from a language model inside this very process, by llama.cpp."""

from __future__ import annotations

from jackfield_local.provider import LocalProvider

__all__ = ["LocalProvider"]
