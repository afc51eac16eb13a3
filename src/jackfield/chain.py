"""Chain: an error that leaves the client, with all that it is linked with, and what of them may be seen outside."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from types import GetSetDescriptorType, MemberDescriptorType, TracebackType
from typing import Any

from jackfield.errors import JackfieldError, PluginError
from jackfield.redaction import scrub, scrub_bytes

MAX_LINKS = 256
"""So many errors of one chain are kept: what cannot be looked at is let go."""
MAX_VALUES = 10_000
"""So many values are looked at in one chain; what is beyond is taken for a secret."""
DEPTH = 16
"""So deep is looked into arguments."""
GONE = "<not shown>"
GENERATORS = 0x20 | 0x80 | 0x200
"""Flags of code of generators, coroutines and asynchronous generators; ``inspect``, which has them, loads slowly."""


def scrub_chain(error: BaseException, spared: BaseException | None = None) -> BaseException:
    """Take known secrets out of an error, its causes and contexts, its group's members, and theirs; never fails.

    That is out of texts and bytes in their arguments, notes and attributes. The types stay, and so does the error
    itself, unless it is a group whose message had a secret: then one like it is returned.

    The frames of tracebacks hold headers and bodies, which tools that report errors would show. Our own errors lose
    them, with what they hide by ``from None``; those of others keep the places of functions without their variables,
    and those of generators in a note, for a generator's variables cannot be taken without ending it.

    Args:
        error: what leaves the client.
        spared: what the host was dealing with when it called: that, with all it is linked with, is the host's own.
    """
    return _Chain(spared).scrubbed(error)


def _linked(error: BaseException | None) -> set[int]:
    """The identities of an error and of all that it is linked with."""
    found: set[int] = set()
    waiting = [error]
    while waiting and len(found) < MAX_LINKS:
        link = waiting.pop()
        if link is not None and id(link) not in found:
            found.add(id(link))
            waiting += [link.__cause__, link.__context__]
    return found


class _Chain:
    def __init__(self, spared: BaseException | None) -> None:
        self._spared = _linked(spared)
        self._links: dict[int, BaseException] = {}
        self._waiting: list[BaseException] = []
        self._values = 0

    def scrubbed(self, error: BaseException) -> BaseException:
        root = self._admit(error)
        while self._waiting:
            link = self._waiting.pop()
            with suppress(Exception):  # of a class that minds its attributes
                _forget_frames(link)
            for name in ("__cause__", "__context__"):
                suppressed = link.__suppress_context__  # a new cause would set it
                self._change(link, name, self._admit)
                BaseException.__setattr__(link, "__suppress_context__", suppressed)
            own = vars(link)
            for name in list(own):
                try:
                    own[name] = self._value(own[name])
                except Exception:  # noqa: BLE001 - a value that cannot be looked at is not shown
                    own[name] = GONE
            for name in _members(type(link)):
                self._change(link, name, self._value)
        return error if root is None else root

    def _admit(self, error: BaseException | None) -> BaseException | None:
        """The error, or what stands in for it, as one that is looked at; None where there are too many."""
        if error is None or id(error) in self._links:
            return self._links.get(id(error))
        if id(error) in self._spared:
            return error
        if len(self._links) >= MAX_LINKS:
            return None
        try:
            link = _regrouped(error)
        except Exception:  # noqa: BLE001 - groups in groups without end
            return None
        self._links[id(error)] = self._links[id(link)] = link
        self._waiting.append(link)
        if isinstance(link, BaseExceptionGroup):
            for member in link.exceptions:
                self._admit(member)
        return link

    def _change(self, link: BaseException, name: str, change: Callable[[Any], Any]) -> None:
        with suppress(Exception):  # a member that has no value, or takes no other
            before = getattr(link, name)
            after = change(before)
            if after is not before:
                BaseException.__setattr__(link, name, after)  # its own may refuse

    def _value(self, value: Any, depth: int = DEPTH) -> Any:
        """A value without secrets: the same object where it has none."""
        if value is None or isinstance(value, bool | int | float | complex | type):
            return value
        self._values += 1
        if self._values > MAX_VALUES or not depth:
            return GONE
        if isinstance(value, BaseException):
            return self._admit(value) or GONE
        if isinstance(value, dict | list | tuple | set | frozenset):
            return self._items(value, depth - 1)
        return _text(value)

    def _items(self, value: Any, depth: int) -> Any:
        if isinstance(value, dict):
            pairs = {self._value(key, depth): self._value(value[key], depth) for key in value}
            unchanged = all(map(_is, pairs, value)) and all(map(_is, pairs.values(), value.values()))
            return value if unchanged else pairs
        items = [self._value(item, depth) for item in value]
        kind = next(kind for kind in (list, tuple, set, frozenset) if isinstance(value, kind))
        return value if all(map(_is, items, value)) else kind(items)


def _is(one: object, other: object) -> bool:
    return one is other


def _text(value: Any) -> Any:
    """A text or bytes without secrets; any other object, or, where its repr shows a secret, that without it."""
    if isinstance(value, str):
        return scrub(value)
    if isinstance(value, bytes | bytearray | memoryview):
        raw = bytes(value)
        return value if (clean := scrub_bytes(raw)) == raw else clean
    if type(value).__module__.partition(".")[0] == "jackfield":
        return value  # ours show none
    try:
        shown = repr(value)
    except Exception:  # noqa: BLE001 - of a half-made object: no one can be shown it
        return value
    return value if (hidden := scrub(shown)) == shown else hidden


def _members(kind: type) -> Iterator[str]:
    """The names of attributes that are not in ``vars``: of C, as ``args`` is, or of slots."""
    for base in kind.__mro__:
        for name, member in vars(base).items():
            if isinstance(member, GetSetDescriptorType | MemberDescriptorType) and not name.startswith("__"):
                yield name


def _forget_frames(link: BaseException) -> None:
    if isinstance(link, JackfieldError) and not isinstance(link, PluginError):
        link.__traceback__ = None
        if link.__suppress_context__:
            link.__context__ = link.__cause__
        return
    kept, places, entry = [], [], link.__traceback__
    while entry is not None:
        code = entry.tb_frame.f_code
        if code.co_flags & GENERATORS:
            places.append(f"{code.co_filename}:{entry.tb_lineno}, in {code.co_qualname}")
        else:
            kept.append(entry)
            with suppress(RuntimeError):  # it still runs
                entry.tb_frame.clear()
        entry = entry.tb_next
    last: TracebackType | None = None
    for entry in reversed(kept):
        last = TracebackType(last, entry.tb_frame, entry.tb_lasti, entry.tb_lineno)
    BaseException.__setattr__(link, "__traceback__", last)
    if places:
        link.add_note("by way of " + "; ".join(places))


def _regrouped(error: BaseException) -> BaseException:
    """The error; or a group like it, where its message, or one inside it, has a secret: a message cannot be changed."""
    if not isinstance(error, BaseExceptionGroup):
        return error
    members = [_regrouped(member) for member in error.exceptions]
    message = scrub(error.message)
    if message == error.message and all(map(_is, members, error.exceptions)):
        return error
    kinds = (type(error), ExceptionGroup, BaseExceptionGroup)
    group: BaseException = next(filter(None, (_made(kind, message, members) for kind in kinds)))
    group.__dict__.update(vars(error))
    group.__traceback__, group.__cause__, group.__context__ = error.__traceback__, error.__cause__, error.__context__
    group.__suppress_context__ = error.__suppress_context__
    return group


def _made(kind: Any, message: str, members: list[BaseException]) -> Any:
    """A group of a kind, or None where that wants other arguments."""
    try:
        return kind.__new__(kind, message, members)
    except Exception:  # noqa: BLE001 - whatever the author of the kind thought of
        return None
