"""Media: images, sound, film and files, as the parts of a message that hold or name them."""

from __future__ import annotations

from base64 import b64encode
from typing import Any
from urllib.parse import unquote_to_bytes, urlsplit

_ALIASES = {"image/jpg": "image/jpeg"}
"""Names that are in use, and that the service refuses."""
_BY_EXTENSION = {
    "aac": "audio/aac",
    "aiff": "audio/aiff",
    "flac": "audio/flac",
    "mp3": "audio/mp3",
    "ogg": "audio/ogg",
    "wav": "audio/wav",
    "css": "text/css",
    "csv": "text/csv",
    "html": "text/html",
    "json": "application/json",
    "md": "text/md",
    "pdf": "application/pdf",
    "txt": "text/plain",
    "xml": "text/xml",
    "gif": "image/gif",
    "heic": "image/heic",
    "heif": "image/heif",
    "jpeg": "image/jpeg",
    "jpg": "image/jpeg",
    "png": "image/png",
    "webp": "image/webp",
    "3gp": "video/3gpp",
    "avi": "video/avi",
    "flv": "video/x-flv",
    "mov": "video/mov",
    "mp4": "video/mp4",
    "mpeg": "video/mpeg",
    "mpg": "video/mpg",
    "webm": "video/webm",
    "wmv": "video/wmv",
}
"""What the service takes (https://ai.google.dev/gemini-api/docs/file-input-methods); no file is asked for more."""


def inline(mime_type: str, data: str) -> dict[str, Any]:
    """A part that holds what it shows.

    Args:
        mime_type: as ``image/png``.
        data: in base64.
    """
    return {"inlineData": {"mimeType": _ALIASES.get(mime_type, mime_type), "data": data}}


def of_data_url(url: str) -> dict[str, Any] | None:
    """The part for a ``data:`` URL (RFC 2397); None where it is none."""
    head, comma, data = url.partition(",")
    if not comma or head[:5].lower() != "data:":
        return None
    mime_type, *options = head[5:].split(";")
    if "base64" not in {option.strip().lower() for option in options}:
        data = b64encode(unquote_to_bytes(data)).decode()
    return inline(mime_type.strip().lower() or "text/plain", data)


def of_url(url: str) -> dict[str, Any] | None:
    """The part for a URL: one with the data, or one that the service can fetch; None where it can not.

    The service fetches by ``https:``, and from Google's own storage by ``gs:``.
    """
    if url[:5].lower() == "data:":
        return of_data_url(url)
    if not url.startswith(("https://", "gs://")):
        return None
    mime_type = type_of(_file(url))
    return {"fileData": {"fileUri": url, **({} if mime_type is None else {"mimeType": mime_type})}}


def type_of(filename: str) -> str | None:
    """The type of a file by its extension; None where that does not tell."""
    return _BY_EXTENSION.get(filename.rpartition(".")[2].lower())


def _file(url: str) -> str:
    try:
        return urlsplit(url).path
    except ValueError:  # the service will tell what is wrong with it
        return ""
