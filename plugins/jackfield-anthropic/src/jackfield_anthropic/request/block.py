"""Blocks: the pieces of content of the Messages API, and what all kinds of them have in common."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

Block: TypeAlias = dict[str, Any]
"""A content block, as JSON."""

_ID = re.compile(r"[a-zA-Z0-9_-]+")


def text_block(text: str) -> Block:
    """A block of text."""
    return {"type": "text", "text": text}


def kind_of(block: Mapping[str, Any]) -> str:
    """The type of a block or a delta; empty where it is no text."""
    kind = block.get("type")
    return kind if isinstance(kind, str) else ""


def is_blank(block: Mapping[str, Any]) -> bool:
    """Whether a block is text that says nothing; the service refuses such a block."""
    return block.get("type") == "text" and not str(block.get("text", "")).strip()


def said(blocks: Iterable[Block]) -> list[Block]:
    """The blocks without those that say nothing."""
    return [block for block in blocks if not is_blank(block)]


def call_id(identity: str) -> str:
    """The id of a tool call, in the characters that the service takes: the same id always gives the same.

    Ids of other services may hold others; these are replaced, and a hash keeps ids apart.
    """
    if _ID.fullmatch(identity):
        return identity
    return f"{re.sub(r'[^a-zA-Z0-9_-]', '_', identity)}_{hashlib.sha256(identity.encode()).hexdigest()[:12]}"
