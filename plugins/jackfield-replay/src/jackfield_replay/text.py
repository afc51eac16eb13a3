"""Text: an exchange as a document of YAML, and back. A document ends with a line of three dots."""

from __future__ import annotations

import re
from typing import Any

import msgspec
import yaml  # type: ignore[import-untyped]  # its stubs are a distribution of their own

from jackfield_replay.exchange import Exchange

END = b"\n...\n"
"""The end of a document. Nothing in one looks like it: texts of more than one line are indented, or escaped."""
HEAD = b"""\
# HTTP exchanges, recorded by jackfield-replay. Credentials were taken out; what was asked and answered is all here.
jackfield-recording: 1
...
"""
UNFOLDED = 2**31 - 1
"""Characters of a line: lines are not folded."""
VERSION = "jackfield-recording"
_READABLE = re.compile("[\n -~\u00a0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010fffe]*")
"""Characters that a reader, and every reader of YAML, sees as they are."""
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Dumper(getattr(yaml, "CSafeDumper", yaml.SafeDumper)):  # type: ignore[misc]  # the same
    def ignore_aliases(self, data: Any) -> bool:
        """Whether a value is written anew wherever it stands: always."""
        del data
        return True


def _text(dumper: _Dumper, value: str) -> Any:
    style = None if _READABLE.fullmatch(value) else '"'
    if style is None and "\n" in value:
        style = "|"
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(str, _text)


def write(exchange: Exchange) -> bytes:
    """The document of an exchange, with its end."""
    data = msgspec.to_builtins(exchange)
    text = yaml.dump(data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=UNFOLDED, explicit_start=True)
    document: bytes = text.encode()
    # Some write the end by themselves, where the last text is open-ended.
    return document if document.endswith(END) else document + END[1:]


def read(document: bytes) -> Exchange:
    """The exchange in a document.

    Raises:
        ValueError: it is none; the message names the place in it.
    """
    try:
        return msgspec.convert(load(document), Exchange)
    except msgspec.ValidationError as error:
        raise ValueError(str(error)) from None


def load(document: bytes) -> Any:
    """The values in a document.

    Raises:
        ValueError: it is not YAML.
    """
    try:
        return yaml.load(document, Loader=_Loader)  # noqa: S506 - a safe one
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        where = "" if mark is None else f" (line {mark.line + 1} of it)"
        raise ValueError(f"not YAML{where}") from None


def split(data: bytes) -> tuple[list[bytes], bytes]:
    """The documents of a file, without their ends, and what follows the last end: a document that is not whole."""
    *documents, rest = (b"\n" + data.replace(b"\r\n", b"\n")).split(END)
    return [document.lstrip(b"\n") + b"\n" for document in documents], rest.lstrip(b"\n")
