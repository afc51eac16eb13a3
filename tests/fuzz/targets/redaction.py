"""Redaction: no text makes the scrubber fail, none is longer afterwards, and no known secret is left in it."""

from __future__ import annotations

import base64
import json
import re
from functools import cache
from urllib.parse import quote, quote_plus

from fuzz.source import Source, tried
from jackfield.redaction import _Known

SECRETS = (
    "sk-fuzzcanary-0123456789abcdef", "fuzz/canary+with=signs&more", 'fuzz"canary\\quoted', "fuzzcanary with spaces",
    "eyJmdXp6Y2FuYXJ5.fuzzcanary-jwt.c2ln", "fuzzcanary-é-€", "fuzzcanary-abc", "fuzzcanary-abc-longer",
    "aaaafuzzcanaryaaaa", "FUZZCANARY%2Fpercent", "<fuzzcanary&xml>", "fuzzcanary\ttab",
)  # fmt: skip
BEGUN = re.compile(r"(%\s*.?|\\\w{0,9})\s*\Z")
"""The beginning of an escape, which would take the first letters of a secret behind it for its own."""
NOISE = (
    " ",
    "\n",
    "Bearer ",
    '{"key": "',
    '"}',
    "***",
    "*",
    "sk-",
    "=",
    "%",
    "\\",
    "\ud800",
    "\0",
    "é" * 40,
    "x" * 100,
)

KNOWN = _Known()
"""The secrets of this target alone; those of the process are other targets' too."""
scrub = KNOWN.scrub


@cache
def forms() -> dict[str, tuple[str, ...]]:
    """Each secret in the forms in which a text may repeat it; from the first time on all of them are known."""
    found = {}
    for secret in SECRETS:
        KNOWN.add(secret)
        raw = secret.encode()
        found[secret] = (
            secret,
            quote(secret, safe=""),
            quote_plus(secret),
            json.dumps(secret)[1:-1],
            json.dumps(secret, ensure_ascii=False)[1:-1],
            base64.b64encode(raw).decode().rstrip("="),
            base64.urlsafe_b64encode(raw).decode().rstrip("="),
        )
    return found


def check(data: bytes) -> None:
    """Bytes choose secrets, their forms, parts of them and what stands between."""
    source, known = Source(data), forms()
    parts, told = [], False
    for _ in range(40):
        if source.ended:
            break
        kind = source.byte() % 4
        if kind == 0:
            parts.append(source.pick(NOISE))
        elif kind == 1:
            parts.append(source.text(source.count(9)))
        else:
            form = source.pick(known[source.pick(SECRETS)])
            told = True
            if BEGUN.search("".join(parts)):
                parts.append(".")
            parts.append(form if kind == 2 else form[source.count(9) : -1 - source.count(9)])
    text = "".join(parts)
    clean, _ = tried((), scrub, text)
    assert len(clean) <= len(text), "the text has grown"
    assert not any(form in clean for several in known.values() for form in several), "a secret is left"
    assert scrub(clean) == clean, "scrubbed twice it is another text"
    assert told or clean == text, "what is no secret was taken away"
