"""Attachments: images, sound and PDF files as parts of a message."""

from __future__ import annotations

from typing import Any

from llm_jackfield.failure import FailedError

IMAGES = frozenset({"image/png", "image/jpeg", "image/webp", "image/gif"})
SOUND = {
    "audio/wav": "wav",
    "audio/x-wav": "wav",
    "audio/wave": "wav",
    "audio/mpeg": "mp3",
    "audio/mp3": "mp3",
}
"""Types of sound, by what the wire calls their format."""
PDF = "application/pdf"
TYPES = IMAGES | SOUND.keys() | {PDF}
"""All types that can be said; whether a model takes them, its backend knows."""


def part(attachment: Any, detail: str | None) -> dict[str, Any]:
    """The part of a message that is an attachment.

    Only an image that has a URL and nothing else is left for the backend to fetch; all else is sent as it is.

    Args:
        attachment: an ``llm.Attachment``, whose content is read, or fetched, by ``llm``.
        detail: how closely to look at an image.

    Raises:
        FailedError: it is of a type that cannot be said.
    """
    kind = attachment.resolve_type() or "unknown"
    if kind in IMAGES:
        url = attachment.url or _data_url(attachment, kind)
        return {"type": "image_url", "image_url": {"url": url} if detail is None else {"url": url, "detail": detail}}
    if kind in SOUND:
        return {"type": "input_audio", "input_audio": {"data": attachment.base64_content(), "format": SOUND[kind]}}
    if kind == PDF:
        file = {"filename": f"{attachment.id()}.pdf", "file_data": _data_url(attachment, kind)}
        return {"type": "file", "file": file}
    raise FailedError(f"attachments of type {kind} cannot be sent; only {', '.join(sorted(TYPES))}")


def _data_url(attachment: Any, kind: str) -> str:
    return f"data:{kind};base64,{attachment.base64_content()}"
