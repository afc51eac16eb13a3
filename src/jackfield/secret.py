"""Secrets: held by reference, read late, never shown.

A reference names where a secret is: ``env:NAME``, ``file:/path``, ``keyring:service/user``, ``command:program args``.
What has been read is remembered by value, so that it can be taken out of any text: see ``jackfield.redaction``.
"""

from __future__ import annotations

import os
import shlex
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from jackfield.redaction import remember

if TYPE_CHECKING:
    from jackfield.flow import Flow

EXTRA = "pip install 'jackfield[keyring]'"
"""What a message says where a keyring cannot be read for want of it."""
COMMAND_TIMEOUT = 30.0
"""Seconds that a ``command:`` may take."""


def _error(message: str) -> Exception:
    from jackfield.errors import ConfigError  # errors are scrubbed by this module

    return ConfigError(message)


def _read_env(name: str) -> str:
    try:
        return os.environ[name]
    except (KeyError, UnicodeEncodeError):  # half of a surrogate pair: no variable can have this name
        raise _error(f"environment variable {name} is not set") from None


def _read_file(path: str) -> str:
    try:
        with open(os.path.expanduser(path), encoding="utf-8-sig") as file:
            return file.read()
    except (OSError, ValueError) as error:  # UnicodeDecodeError, or a name that no file can have
        failure = type(error).__name__
    # Outside of the handler: an exception's context must not hold what was read.
    raise _error(f"secret file {path} cannot be read: {failure}")


def _read_keyring(entry: str) -> str:
    try:
        import keyring
    except ImportError:
        raise _error(f"keyring: references need the extra: {EXTRA}") from None
    service, _, user = entry.rpartition("/")
    try:
        value: str | None = keyring.get_password(service, user)
    except Exception as error:  # noqa: BLE001 - backends of keyring raise what they like
        failure = f"the keyring cannot be read: {type(error).__name__}"
    else:
        if value is not None:
            return value
        failure = f"the keyring has no entry {entry}"
    raise _error(failure)


def _read_command(command: str) -> str:
    import subprocess

    try:
        done = subprocess.run(  # noqa: S603 - the operator's own command, no shell
            shlex.split(command),
            stdin=subprocess.DEVNULL,  # the host's input is not the command's to read
            capture_output=True,
            encoding="utf-8",
            timeout=COMMAND_TIMEOUT,
            check=False,
        )
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        failure = f"failed: {type(error).__name__}"
    else:
        if done.returncode == 0:
            return done.stdout
        failure = f"ended with exit code {done.returncode}"
    # Outside of the handler: an exception's context must not hold what was written so far.
    raise _error(f"secret command {_program(command)!r} {failure}")


def _program(command: str) -> str:
    """The first word of a command: its arguments may be secrets themselves."""
    try:
        return shlex.split(command)[0]
    except ValueError:
        return command.split(maxsplit=1)[0]


_SOURCES: dict[str, Callable[[str], str]] = {
    "env": _read_env,
    "file": _read_file,
    "keyring": _read_keyring,
    "command": _read_command,
}
SOURCES = tuple(_SOURCES)
"""What a reference begins with, before its colon."""
EXPECTED = "a secret reference: env:NAME, file:/path, keyring:service/user or command:program"


class Secret:
    """A secret by reference. Its repr, str, pickle and copies show the reference, never the value.

    Args:
        reference: ``env:NAME``, ``file:PATH``, ``keyring:SERVICE/USER`` or ``command:PROGRAM ARGS``.

    Raises:
        ValueError: the reference has no known source. The message does not repeat it, for it may be a key.
    """

    __slots__ = ("_failure", "_lock", "_reads", "_value", "reference")

    def __init__(self, reference: str) -> None:
        source, _, name = reference.partition(":")
        if source not in _SOURCES or not name.strip() or (source == "keyring" and not all(name.rpartition("/"))):
            raise ValueError(f"expected {EXPECTED}")
        self.reference = reference
        self._value: str | None = None
        self._failure: str | None = None
        self._reads = 0
        self._lock = threading.Lock()

    @classmethod
    def of(cls, value: str) -> Secret:
        """A secret that a program holds already; it has no reference and cannot be read anew."""
        secret = cls("env:value")
        secret.reference, secret._value = "value", _clean(value, "value")
        return secret

    def reveal(self, *, fresh: bool = False) -> Flow[str]:
        """Flow: the secret's value, read once, or again with ``fresh``. A source that may block is read by ``Run``.

        Who asks while it is being read gets what comes of that, also a failure: a slow command runs once.

        Raises:
            ConfigError: the source has no such secret, or its value cannot stand in a header.
        """
        if self._value is not None and (not fresh or self.reference == "value"):
            remember(self._value)  # what is in use is not forgotten
            return self._value
        if self.reference.startswith("env:"):
            return self.read()
        from jackfield.flow import Run  # flow.py is only needed where something blocks

        value: str = yield Run(self.read)
        return value

    def read(self) -> str:
        """Read the value now, blocking, and have it scrubbed from every text from now on.

        Raises:
            ConfigError: as for ``reveal``.
        """
        reads = self._reads
        with self._lock:
            if self.reference != "value" and reads == self._reads:
                self._read()
            if self._failure is not None:
                raise _error(self._failure)
            assert self._value is not None  # noqa: S101 - set by ``_read`` or ``of``
            return self._value

    def _read(self) -> None:
        from jackfield.errors import ConfigError  # errors are scrubbed by this module

        source, _, name = self.reference.partition(":")
        # For those who wait, on KeyboardInterrupt.
        self._failure = f"secret {_named(self.reference)} was not read to its end"
        try:
            self._value = _clean(_SOURCES[source](name), self.reference)
            self._failure = None
        except ConfigError as error:
            self._failure = error.message
        finally:
            self._reads += 1

    def __repr__(self) -> str:
        return f"Secret({self.reference!r})"

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, Secret) and self.reference == other.reference != "value")

    def __hash__(self) -> int:
        return hash(self.reference)

    def __copy__(self) -> Secret:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Secret:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        if self.reference == "value":
            raise TypeError("a secret given by value cannot be pickled; use a reference")
        return (Secret, (self.reference,))


def _named(reference: str) -> str:
    """A reference as messages may show it: a command without its arguments, which may be secrets themselves."""
    source, colon, name = reference.partition(":")
    return f"command:{_program(name)}" if colon and source == "command" else reference


def _clean(value: str, reference: str) -> str:
    """Strip the line end that files and commands leave; refuse what would break a header, without showing it."""
    remember(value)
    value = value.strip()
    remember(value)
    if not value:
        raise _error(f"secret {_named(reference)} is empty")
    bad = next((i for i, char in enumerate(value) if not " " <= char <= "~"), None)
    if bad is not None:
        raise _error(
            f"secret {_named(reference)} has a character at position {bad + 1} that cannot be sent in a header "
            "(a line break, a control character or a letter outside ASCII)"
        )
    return value
