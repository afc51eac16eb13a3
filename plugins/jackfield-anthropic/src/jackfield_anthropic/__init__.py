"""jackfield provider for Anthropic's Messages API and every service that speaks it."""

from __future__ import annotations

from jackfield_anthropic.provider import AnthropicProvider

__all__ = ["AnthropicProvider"]
