"""Leaks: whether a secret, or a piece of it, stands in a text; and all texts that an error can show.

For tests of plugins and hosts. Nothing here knows how jackfield scrubs: a scanner that shared the code of what it
checks would prove nothing.
"""

from __future__ import annotations

import base64
import codecs
import pickle
import re
import traceback
from collections.abc import Iterator
from pathlib import PurePath
from typing import Any
from urllib.parse import unquote, unquote_plus

from jackfield.testing.capture import Capture

__all__ = ["Capture", "artefacts", "leaks"]

_BREAK = re.compile(r"(?:[\r\n\v\f\x85\u2028\u2029]|\\+[rn])[ \t]*")
_BASE64 = re.compile(r"[A-Za-z0-9+/]{4,}")
_JSON_ESCAPE = re.compile(r'\\+(u[0-9a-fA-F]{4}|["\\/bfnrt])')
_REPR_ESCAPE = re.compile(r"\\+(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|['\"\\nrt])")
_LETTERS = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_TESTS = re.compile(r"test_.*|.*_test\.py|conftest\.py")
DEPTH = 64
"""So many exceptions of one chain are looked at."""


def leaks(text: str | bytes, secret: str, slice_length: int = 8) -> list[str]:
    """The forms in which a secret, or any slice of it, stands in a text; empty where it is clean.

    Args:
        text: what could be seen.
        secret: the whole secret.
        slice_length: characters of a piece that is a leak; a secret that is shorter is looked for as a whole.

    Returns:
        Of ``plain``, ``url`` (percent-encoded, whatever characters are), ``json``, ``repr`` (escaped so), ``base64``
        (of either alphabet, also inside of what was encoded) and ``split`` (any of these, with line breaks in it),
        those that were found.
    """
    if isinstance(text, bytes):
        text = text.decode("utf-8", "replace")
    pieces = _slices(secret, slice_length)
    found = _forms(text, pieces)
    joined = _BREAK.sub("", text)
    if joined != text and not found and _forms(joined, [_BREAK.sub("", piece) for piece in pieces]):
        found.append("split")
    return found


def _slices(secret: str, length: int) -> list[str]:
    return sorted({secret[start : start + length] for start in range(max(1, len(secret) - length + 1))})


def _forms(text: str, pieces: list[str]) -> list[str]:
    views = list(_views(text))
    found = ["plain"] if any(piece in text for piece in pieces) else []
    hidden = [piece for piece in pieces if piece and piece not in text]
    found += dict.fromkeys(form for form, view in views if any(piece in view for piece in hidden))
    raw = [piece.encode("utf-8", "surrogatepass") for piece in pieces]
    if any(_in_base64(view, raw) for view in {text, *(view for _, view in views)}):
        found.append("base64")
    return found


def _views(text: str) -> Iterator[tuple[str, str]]:
    """What a reader makes of a text who undoes one way to write it."""
    yield "url", unquote(text)
    yield "url", unquote_plus(text)
    yield "json", _JSON_ESCAPE.sub(_unescaped, text)
    shown = _REPR_ESCAPE.sub(_unescaped, text)
    yield "repr", shown
    yield "repr", shown.encode("latin-1", "replace").decode("utf-8", "replace")  # of bytes


def _unescaped(escape: re.Match[str]) -> str:
    word = escape[1]
    if word[0] in "xuU":
        number = int(word[1:], 16)
        return chr(number) if number <= 0x10FFFF else word
    return _LETTERS.get(word, word)


def _in_base64(text: str, pieces: list[bytes]) -> bool:
    """Whether a piece is in what any run of base64 in the text stands for, wherever in the run that begins."""
    least = -(-min(map(len, pieces)) * 4 // 3)  # characters that a piece takes
    runs = [run for run in _BASE64.findall(text.replace("-", "+").replace("_", "/")) if len(run) >= least]
    return any(piece in decoded for start in range(4) for decoded in [_decoded(runs, start)] for piece in pieces)


def _decoded(runs: list[str], start: int) -> bytes:
    """What runs of base64 stand for, from their character ``start`` on; whatever is too much at the end is left out."""
    parts = [run[start:] for run in runs]
    return b"\n".join([base64.b64decode(part[: len(part) - (len(part) % 4 == 1)] + "==") for part in parts])


def artefacts(error: BaseException) -> Iterator[tuple[str, str]]:
    """Everything that an error can show, and that tools which report errors do show: the sink's name, and its text.

    Of the error, its cause, its context and its group's members, and of theirs in turn: ``str``, ``repr``, ``args``,
    ``vars``, notes, the pickle (where it can be pickled), the traceback, and the locals of its frames, but for those of
    tests, which hold the secret that they look for.
    """
    yield "traceback", "".join(traceback.format_exception(error))
    links = [("error", error)]
    seen: set[int] = set()
    while links and len(seen) < DEPTH:
        name, link = links.pop()
        if id(link) in seen:
            continue
        seen.add(id(link))
        yield from ((f"{name}: {sink}", text) for sink, text in _shown(link))
        links += [
            (f"{name}.{attribute}", other)
            for attribute in ("__cause__", "__context__")
            if isinstance(other := getattr(link, attribute), BaseException)
        ]
        if isinstance(link, BaseExceptionGroup):
            links += [(f"{name}.exceptions[{place}]", member) for place, member in enumerate(link.exceptions)]


def _shown(error: BaseException) -> Iterator[tuple[str, str]]:
    yield "str", str(error)
    yield "repr", repr(error)
    yield "args", f"{error.args!r} {' '.join(_strings(error.args))}"
    yield "vars", f"{vars(error)!r} {' '.join(_strings(vars(error)))}"
    yield "notes", "\n".join(map(str, getattr(error, "__notes__", ())))
    yield "traceback", "".join(traceback.format_exception(error, chain=False))
    yield from _locals(error)
    try:
        pickled = pickle.dumps(error)
    except Exception:  # noqa: BLE001 - what cannot be pickled is no sink
        return
    yield "pickle", pickled.decode("utf-8", "replace")


def _locals(error: BaseException) -> Iterator[tuple[str, str]]:
    for frame, line in traceback.walk_tb(error.__traceback__):
        code = frame.f_code
        if _is_test(code.co_filename):
            continue
        for name, value in frame.f_locals.items():
            yield f"local {name} of {code.co_name}, line {line}", _repr(value)


def _is_test(file: str) -> bool:
    """Whether a frame's file is one of tests, or of the kit that runs them."""
    path, kit = PurePath(file), PurePath(__file__).parent
    near = {parent.name for parent in path.parents[:3]}
    return "tests" in near or _TESTS.fullmatch(path.name) is not None or kit in path.parents


def _repr(value: Any) -> str:
    try:
        return repr(value)
    except Exception as error:  # noqa: BLE001 - of a half-made object
        return f"<{type(value).__name__}: {type(error).__name__}>"


def _strings(value: Any, depth: int = 8) -> Iterator[str]:
    """Texts and bytes in a value as they are, which its repr may show with escapes."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, bytes | bytearray):
        yield codecs.decode(bytes(value), "utf-8", "replace")
    elif depth and isinstance(value, dict):
        for key, member in value.items():
            yield from _strings(key, depth - 1)
            yield from _strings(member, depth - 1)
    elif depth and isinstance(value, list | tuple | set | frozenset):
        for member in value:
            yield from _strings(member, depth - 1)
