"""jackfield providers for OpenAI's chat completions: OpenAI, Azure, and every service that speaks their protocol."""

from __future__ import annotations

from jackfield_openai.azure import AzureProvider
from jackfield_openai.provider import OpenAIProvider

__all__ = ["AzureProvider", "OpenAIProvider"]
