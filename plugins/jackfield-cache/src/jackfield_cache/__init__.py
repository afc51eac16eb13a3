"""jackfield-cache: a middleware that answers the same request from what was answered before."""

from __future__ import annotations

from jackfield_cache.cache import Cache

__all__ = ["Cache"]
