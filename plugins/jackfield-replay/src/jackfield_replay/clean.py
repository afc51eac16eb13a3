"""Clean: what of an exchange may be written. Secrets are taken out by their value, headers are kept by their name."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

import attrs
import msgspec

from jackfield.call import PRIVATE_HEADERS
from jackfield.failure import REQUEST_ID, number
from jackfield.redaction import MASK, scrub, scrub_bytes
from jackfield.sensitive import SENSITIVE, names_secret

KEPT_OF_REQUEST = frozenset({"accept", "content-type", "anthropic-version", "anthropic-beta", "openai-beta"})
KEPT_OF_ANSWER = frozenset(
    {"content-type", "location", "openai-processing-ms", "retry-after", "retry-after-ms", "x-should-retry", *REQUEST_ID}
)
"""Headers that are looked at. Where a body ends and how it was packed is no longer true of a recording."""
KEPT_PREFIXES = ("x-ratelimit-", "anthropic-ratelimit-")
_PAIR = re.compile(r"(?<=[?&])([^=&#]+)=([^&#]*)")
_USER = re.compile(r"(?<=//)[^/?#@]*@")


@attrs.frozen(eq=False)
class Cleaner:
    """Takes secrets out of what is to be written.

    Attributes:
        patterns: what else is masked, wherever it stands.
    """

    patterns: Sequence[re.Pattern[str]] = ()

    def text(self, text: str) -> str:
        """A text without them."""
        for pattern in self.patterns:
            text = pattern.sub(MASK, text)
        return scrub(text)

    def octets(self, data: bytes) -> bytes:
        """Bytes without them."""
        if self.patterns:
            text = data.decode("utf-8", "surrogateescape")
            for pattern in self.patterns:
                text = pattern.sub(MASK, text)
            data = text.encode("utf-8", "surrogateescape")
        return scrub_bytes(data)

    def body(self, data: bytes) -> bytes:
        """The body of a request without them; JSON stays JSON, though not to the blank where there was a secret."""
        clean = self.octets(data)
        if clean == data:
            return data
        try:
            return msgspec.json.encode(self._value(msgspec.json.decode(data)))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return clean

    def _value(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {self.text(name): self._value(member) for name, member in value.items()}
        if isinstance(value, list):
            return [self._value(member) for member in value]
        return self.text(value) if isinstance(value, str) else value

    def url(self, url: str) -> str:
        """A URL without them, and without the values of a query that are named like one."""
        return _PAIR.sub(_masked, self.text(url))

    def blocks(self, blocks: Iterable[tuple[float, bytes]]) -> list[tuple[float, bytes]]:
        """The blocks of a body without them: the fewest are joined that have a secret across their bounds."""
        kept = [(after, data) for after, data in blocks if data]
        if not kept:
            return []
        whole = self.octets(b"".join(data for _, data in kept))
        for join in (lambda found: found, self._joined, _one):
            joined = join(kept)
            clean = [(after, self.octets(data)) for after, data in joined]
            if b"".join(data for _, data in clean) == whole:
                break
        return clean

    def _joined(self, blocks: list[tuple[float, bytes]]) -> list[tuple[float, bytes]]:
        joined = blocks[:1]
        for after, data in blocks[1:]:
            before, last = joined[-1]
            if self.octets(last + data) == self.octets(last) + self.octets(data):
                joined.append((after, data))
            else:
                joined[-1] = before + after, last + data
        return joined

    def of_request(self, headers: Mapping[str, str]) -> dict[str, str]:
        """The headers of a request that are written."""
        return self._kept(headers, KEPT_OF_REQUEST.__contains__)

    def of_answer(self, headers: Mapping[str, str]) -> dict[str, str]:
        """The headers of an answer that are written; its date only where another one counts from it."""
        kept = self._kept(headers, lambda name: name in KEPT_OF_ANSWER or name.startswith(KEPT_PREFIXES))
        if "location" in kept:
            kept["location"] = _USER.sub("", kept["location"].partition("?")[0])
        if "retry-after" in kept and number(kept["retry-after"]) is None and headers.get("date"):
            kept["date"] = self.text(headers["date"])
        return kept

    def _kept(self, headers: Mapping[str, str], keep: Callable[[str], bool]) -> dict[str, str]:
        named = sorted((name.lower(), value) for name, value in headers.items())
        return {name: self.text(value) for name, value in named if keep(name)}

    def withheld(self, headers: Mapping[str, str], kept: Collection[str]) -> list[str]:
        """The names of those not kept whose values are nobody's business."""
        names = sorted({name.lower() for name in headers}.difference(kept))
        return [self.text(name) for name in names if _is_private(name)]


def _is_private(name: str) -> bool:
    return name in SENSITIVE or name in PRIVATE_HEADERS or names_secret(name)


def _one(blocks: list[tuple[float, bytes]]) -> list[tuple[float, bytes]]:
    return [(sum(after for after, _ in blocks), b"".join(data for _, data in blocks))]


def _masked(pair: re.Match[str]) -> str:
    return f"{pair[1]}={MASK if names_secret(pair[1]) else pair[2]}"
