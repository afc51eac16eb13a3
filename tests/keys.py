"""Keys of the shapes that services have, and the ways in which texts from outside repeat one."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from urllib.parse import quote, quote_plus

_LONG = "".join(f"{number * 7919 % 65521:04x}" for number in range(1, 126))
PEM = """-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgevZzL1gdAFr88hb2
OF/2NxApJCzGCEDdfSp6VQO30hyhRANCAAQRWz+jn65BtOMvdyHKcvjBeBSDZH2r
1RTwjmYSi9R/zpBnuQ4EiMnCqfMPWiZqB4QdbAd0E7oH50VpuZ1P087G
-----END PRIVATE KEY-----
"""
JWT = (
    "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJjYW5hcnktNGFjMSIsImV4cCI6MTkxNjIzOTAyMn0"
    ".KMUFsIDTnFmyG3nMiGM6H9FNFUROf3wh7SmqJp-QV30"
)
KEYS = {
    "openai": "sk-R4nd0mC4n4ryR4nd0mC4n4ryT3BlbkFJ",
    "openai project": "sk-proj-c4N_aRy-4ac1dGhpcyBpcyBub3QgYSBrZXkT3BlbkFJ_4ac1-xYz09",
    "anthropic": "sk-ant-api03-c4N_aRy-4ac1-VGhpc0lzTm90QUtleUZvclJlYWw_2b-AAbbCCddEEff-QQ",
    "google": "AIzaSyC4n4ry_4ac1-9f8e7d6c5b4a39281706f",
    "azure": "4ac1c4a4a7f00d5e9b8a7c6d5e4f3a2b",
    "aws": "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
    "jwt": JWT,
    "pem": PEM,
    "basic-auth url": "pa55:w0rd@c4n4ry/4ac1",
    "trailing newline": "nl-c4n4ry-4ac1-0815\n",
    "non-ascii": "ключ-kéy-4ac1-密钥",
    "8 characters": "q7Rz!w2K",
    "500 characters": _LONG,
    "json-special": 'c4"n4\\ry/4a\tc1&<k>é',
    "percent": "100%41c4n4ry%2F4ac1",
    "with blanks": "correct horse battery 4ac1",
}
"""By shape; none is anybody's."""
SENDABLE = [name for name, key in KEYS.items() if key.strip().isascii() and key.strip().isprintable()]
"""Shapes of keys that a header can carry."""


def parts(key: str) -> list[str]:
    """What of a key is secret: of one in PEM the lines between those that all have."""
    lines = [line for line in key.splitlines() if not line.startswith("-----")]
    return lines if "-----" in key else [key.strip()]


def encoded(text: str) -> str:
    """The text in base64."""
    return base64.b64encode(text.encode()).decode()


def wrapped(text: str, width: int = 11, end: str = "\n") -> str:
    """The text in lines."""
    return end.join(text[start : start + width] for start in range(0, len(text), width))


FORMS: dict[str, Callable[[str], str]] = {
    "plain": lambda key: key,
    "url": lambda key: quote(key, safe=""),
    "url in lower case": lambda key: "".join(
        char if char.isascii() and char.isalnum() else quote(char, safe="").lower() for char in key
    ),
    "url, other characters": lambda key: quote(key, safe='/+&"'),
    "url, all of it": lambda key: "".join(f"%{byte:02x}" for byte in key.encode()),
    "url of a url": lambda key: quote(quote(key)),
    "form": quote_plus,
    "json": lambda key: json.dumps(key)[1:-1],
    "json in UTF-8": lambda key: json.dumps(key, ensure_ascii=False)[1:-1],
    "json with escaped slashes": lambda key: json.dumps(key)[1:-1].replace("/", "\\/"),
    "json, all of it": lambda key: key.encode("utf-16-be").hex("~", 2).replace("~", "\\u").join(["\\u", ""]),
    "json in json": lambda key: json.dumps(json.dumps(key))[3:-3],
    "repr": lambda key: repr(key)[1:-1],
    "ascii": lambda key: ascii(key)[1:-1],
    "repr of bytes": lambda key: repr(key.encode())[2:-1],
    "repr of json": lambda key: repr(json.dumps(key))[2:-2],
    "json of a url": lambda key: json.dumps(quote(key, safe=""))[1:-1].replace("/", "\\/"),
}
"""How the characters of a key are written, by name."""
ENCODED: dict[str, Callable[[str], str]] = {
    "base64": encoded,
    "base64url": lambda key: base64.urlsafe_b64encode(key.encode()).decode(),
    "base64 after one": lambda key: encoded(f"a{key}b"),
    "base64 after two": lambda key: encoded(f"ab{key}c"),
    "base64 of a header": lambda key: encoded(f"user:{key}"),
    "base64url after two": lambda key: base64.urlsafe_b64encode(f"??{key}>>".encode()).decode(),
    "base64 in a url": lambda key: quote(encoded(f"user:{key}"), safe=""),
}
"""How it is encoded, alone or with what stands around it."""
SPLITS: dict[str, Callable[[str, int], str]] = {
    "whole": lambda text, _: text,
    "LF": wrapped,
    "CR": lambda text, width: wrapped(text, width, "\r"),
    "CRLF and blanks": lambda text, width: wrapped(text, width, "\r\n \t "),
    "empty lines": lambda text, width: wrapped(text, width, "\n\n"),
    "escaped": lambda text, width: json.dumps(wrapped(text, width), ensure_ascii=False)[1:-1],
}
"""How its lines are broken."""


def echo(key: str) -> str:
    """A text that repeats a key in every way, as a careless service would."""
    ways = {**FORMS, **ENCODED}
    lines = [f"{name}: <{way(key)}>" for name, way in ways.items()]
    lines += [
        f"{name} {way}: <{split(ways[way](key), 13)}>" for name, split in SPLITS.items() for way in ("plain", "url")
    ]
    return "; ".join([*lines, f"base64 in lines: <{wrapped(encoded(f'user:{key}'), 76)}>"])
