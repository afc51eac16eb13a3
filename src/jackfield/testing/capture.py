"""Capture: everything that is logged, warned of or printed while it is open."""

from __future__ import annotations

import logging
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from types import TracebackType
from typing import Any, Self

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime"}
"""Attributes that every record has; any other came by ``extra``."""


class Capture:
    """A context manager that keeps log records of all loggers at every level, warnings, stdout and stderr.

    All of it goes on to where it would have gone, and a warning that is an error stays one. Loggers that are made
    meanwhile and set a level or stop propagation themselves are kept as far as they let records pass. What another
    process prints is not seen.
    """

    def __init__(self) -> None:
        self._texts: list[tuple[str, str]] = []
        self._undo = ExitStack()
        self._handler = _Handler(self._texts)

    def texts(self) -> Iterator[tuple[str, str]]:
        """What was kept, in order: the sink (``log ...``, ``warning``, ``stdout`` or ``stderr``), and the text.

        Each piece that a stream was given is a text; at the end, all that it was given is one more.
        """
        kept = list(self._texts)
        yield from kept
        for stream in ("stdout", "stderr"):
            yield stream, "".join(text for sink, text in kept if sink == stream)

    def __enter__(self) -> Self:
        with ExitStack() as undo:
            self._loggers(undo)
            self._warnings(undo)
            for name in ("stdout", "stderr"):
                original = getattr(sys, name)
                undo.callback(setattr, sys, name, original)
                setattr(sys, name, _Tee(original, partial(self._keep, name)))
            self._undo = undo.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._undo.close()

    def _keep(self, sink: str, text: str) -> None:
        self._texts.append((sink, text))

    def _loggers(self, undo: ExitStack) -> None:
        root = logging.getLogger()
        found = [logger for logger in root.manager.loggerDict.values() if isinstance(logger, logging.Logger)]
        undo.callback(logging.disable, root.manager.disable)
        logging.disable(logging.NOTSET)
        for logger in [root, *found]:
            undo.callback(logger.setLevel, logger.level)
            undo.callback(setattr, logger, "disabled", logger.disabled)
            logger.disabled = False
            if logger is root or logger.level != logging.NOTSET:
                logger.setLevel(logging.NOTSET + 1)
            if logger is root or not logger.propagate:
                undo.callback(logger.removeHandler, self._handler)
                logger.addHandler(self._handler)

    def _warnings(self, undo: ExitStack) -> None:
        original = warnings.showwarning

        def show(message: Warning | str, category: type[Warning], *place: Any, **more: Any) -> None:
            self._texts.append(("warning", f"{category.__name__}: {message}"))
            original(message, category, *place, **more)

        undo.callback(setattr, warnings, "showwarning", original)
        setattr(warnings, "showwarning", show)  # noqa: B010 - an assignment would need its exact signature


class _Handler(logging.Handler):
    def __init__(self, texts: list[tuple[str, str]]) -> None:
        super().__init__(logging.NOTSET)
        self._texts = texts

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a record, as it is now: what it tells of may change."""
        extra = {name: value for name, value in vars(record).items() if name not in _STANDARD}
        try:
            self._texts.append((f"log {record.name}", logging.Formatter("%(name)s %(message)s").format(record)))
        except Exception:  # noqa: BLE001 - of a record whose arguments do not fit: as other handlers do
            self.handleError(record)
        self._texts.append((f"log args {record.name}", repr(record.args)))
        self._texts.append((f"log extra {record.name}", repr(extra)))


class _Tee:
    """A stream that tells of what it is given, and passes it on."""

    def __init__(self, stream: Any, tell: Callable[[str], None]) -> None:
        self._stream, self._tell = stream, tell

    def write(self, data: Any) -> Any:
        self._tell(data if isinstance(data, str) else bytes(data).decode("utf-8", "replace"))
        return self._stream.write(data)

    def writelines(self, lines: Any) -> None:
        for line in lines:
            self.write(line)

    @property
    def buffer(self) -> _Tee:
        return _Tee(self._stream.buffer, self._tell)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
