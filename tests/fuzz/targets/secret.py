"""Secret references: any text is a reference or a ValueError, and what is read is shown by nothing.

Commands are never run, and only files of a directory of our own are read.
"""

from __future__ import annotations

import copy
import os
import pickle
import tempfile
from functools import cache

from fuzz.source import Source, tried
from jackfield.errors import ConfigError
from jackfield.secret import Secret, _program

PIECES = (
    "env:", "file:", "keyring:", "command:", "env", ":", "/", "NAME", "a/b", " ", "\t", "~", "'", '"', "\\", "\0", "\n", "=", "é",
    "\ud800", "op read x", "ENV:", "file:/", "../", "$HOME", "#",
)  # fmt: skip
CANARY = "fuzz-canary-"
ENDS = ("", "\n", "\r\n", " ", "\t", "é", "\0", "x", "\x7f", "\u2028", "\ud800")


def check(data: bytes) -> None:
    """The first byte chooses whether the rest makes a reference or the value that one leads to."""
    source = Source(data)
    kind = source.byte()
    if kind % 3 == 0:
        referred("".join(source.pick(PIECES) for _ in range(8) if not source.ended))
    elif kind % 3 == 1:
        referred(source.rest().decode("utf-8", "surrogateescape" if kind > 127 else "replace"))
    else:
        read(source)


def referred(reference: str) -> None:
    """A text that is a reference shows nothing else, and survives copying."""
    secret, error = tried((ValueError,), Secret, reference)
    if secret is None:
        assert str(error).startswith("expected a secret reference"), "the message may repeat a key"
        return
    assert secret.reference == reference, "the reference is another one"
    assert repr(secret) == str(secret) == f"Secret({reference!r})", "more than the reference is shown"
    assert pickle.loads(pickle.dumps(secret)) == secret == copy.deepcopy(secret), "a copy is another secret"
    kind, _, name = reference.partition(":")
    if kind == "command":
        tried((), _program, name)
    elif kind == "env":
        tried((ConfigError,), secret.read)


def read(source: Source) -> None:
    """A value is read whole, without the line end, or refused without a word of it."""
    start, end = source.pick((CANARY, "", "x")), source.pick(ENDS)
    value = start + source.text(source.count(20)) + end
    name = f"JACKFIELD_FUZZ_{source.count(3)}"
    if source.byte() % 2 and "\0" not in value and os.name == "posix":
        secret = Secret(f"env:{name}")
        raw = value.encode("utf-8", "surrogatepass")
        os.environb[name.encode()] = raw
    else:
        path = os.path.join(_directory(), name)
        with open(path, "wb") as file:
            file.write(value.encode("utf-8", "surrogatepass"))
        secret = Secret(f"file:{path}")
    told, error = tried((ConfigError,), secret.read)
    os.environ.pop(name, None)
    if told is None:
        assert not start or start == "x" or start not in str(error), "the error repeats the secret"
        assert error.__context__ is None or CANARY not in repr(error.__context__), "the context holds the secret"
        return
    assert told == value.removeprefix("\ufeff").strip(), "the value is another one"
    assert all(" " <= char <= "~" for char in told), "the value would break a header"
    assert CANARY not in repr(secret) + str(secret), "the secret is shown"


@cache
def _directory() -> str:
    return tempfile.mkdtemp(prefix="jackfield-fuzz-")
