"""Source: where the bytes of an image or a file are, in the words of the Messages API."""

from __future__ import annotations

import base64
from typing import Any
from urllib.parse import unquote, unquote_to_bytes

IMAGES = ("image/jpeg", "image/png", "image/gif", "image/webp")
"""Media types of images that the service takes."""
PDF = "application/pdf"
_TEXTS = ("application/json", "application/xml", "application/x-yaml")
_MAGIC = {"JVBERi": PDF, "iVBORw": "image/png", "/9j/": "image/jpeg", "R0lGOD": "image/gif", "UklGR": "image/webp"}
"""How the base64 of files begins."""
_TEXT_SUFFIXES = ("csv", "html", "json", "log", "md", "rst", "toml", "tsv", "txt", "xml", "yaml", "yml")
_SUFFIXES = {"pdf": PDF, **dict.fromkeys(_TEXT_SUFFIXES, "text/plain")}


def url_source(url: str) -> dict[str, Any] | None:
    """The source of an image at a URL; None where the service takes no such URL or kind of image."""
    if is_web(url):
        return {"type": "url", "url": url}
    media, data = split_data(url) or ("", "")
    return {"type": "base64", "media_type": media, "data": data} if media in IMAGES else None


def is_web(url: str) -> bool:
    """Whether a URL is one that the service itself can fetch."""
    return url.lower().startswith(("http://", "https://"))


def split_data(url: str) -> tuple[str, str] | None:
    """Media type and base64 of a ``data:`` URL (RFC 2397); None where it is none."""
    if url[:5].lower() != "data:" or "," not in url:
        return None
    head, _, data = url[5:].partition(",")
    media, *parameters = (piece.strip().lower() for piece in head.split(";"))
    if "base64" not in parameters:
        data = base64.b64encode(unquote_to_bytes(data)).decode()
    elif "%" in data:
        data = unquote(data)
    return {"image/jpg": "image/jpeg", "": "text/plain"}.get(media, media), data


def guess(data: str, filename: str) -> str:
    """The media type of a file in bare base64, by its first bytes or its name; empty where neither tells."""
    magic = next((media for start, media in _MAGIC.items() if data.startswith(start)), "")
    return magic or _SUFFIXES.get(filename.rpartition(".")[2].lower(), "")


def file_source(media: str, data: str) -> dict[str, Any] | None:
    """The source of a document or an image in base64; None where the service takes no such file."""
    if media in (PDF, *IMAGES):
        return {"type": "base64", "media_type": media, "data": data}
    if not media.startswith("text/") and media not in _TEXTS:
        return None
    try:
        text = base64.b64decode(data, validate=True).decode()
    except ValueError:  # no base64, or no UTF-8
        return None
    return {"type": "text", "media_type": "text/plain", "data": text}
