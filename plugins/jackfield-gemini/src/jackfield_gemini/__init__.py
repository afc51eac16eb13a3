"""jackfield provider for Google's Gemini models: generateContent and streamGenerateContent, in their own format."""

from __future__ import annotations

from jackfield_gemini.provider import GeminiProvider

__all__ = ["GeminiProvider"]
