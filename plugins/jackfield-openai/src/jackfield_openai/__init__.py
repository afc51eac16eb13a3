"""jackfield provider for OpenAI's chat completions and every service that speaks their protocol."""

from __future__ import annotations

from jackfield_openai.provider import OpenAIProvider

__all__ = ["OpenAIProvider"]
