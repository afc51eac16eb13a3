"""Failure: what went wrong, in one line, as ``llm`` and click show it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import click
import llm


class FailedError(llm.ModelError, click.ClickException):
    """A model could not be asked, or did not answer; its cause is jackfield's error, where there is one.

    It is click's too, since ``llm chat`` catches nothing: click tells it in a line, where it would be a traceback.
    """


@contextmanager
def told() -> Iterator[None]:
    """Raise jackfield's errors as ``FailedError``: what went wrong, where, and the id of the request.

    Raises:
        FailedError: of a ``JackfieldError``.
    """
    from jackfield import JackfieldError

    try:
        yield
    except JackfieldError as error:
        raise FailedError(line(error)) from error


def line(error: Exception | str) -> str:
    """The text, an error's or a service's, on one line, without known secrets and harmless on a terminal."""
    from jackfield import JackfieldError
    from jackfield.cli.output import harmless
    from jackfield.cli.output import told as message

    text = message(error) if isinstance(error, JackfieldError) else str(error) or type(error).__name__
    lines = [part.strip() for part in text.splitlines() if part.strip()]
    return harmless("; ".join(lines).replace(":; ", ": "), one_line=True)
