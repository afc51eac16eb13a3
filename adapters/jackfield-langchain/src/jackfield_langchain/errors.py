"""Errors: jackfield's own, as they are; the one that LangChain's programs act on is LangChain's too."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from langchain_core.exceptions import ContextOverflowError

from jackfield.errors import ContextLengthExceededError


class ContextOverflow(ContextLengthExceededError, ContextOverflowError):  # noqa: N818 - both of its bases end in Error
    """The prompt does not fit the model's context window; an error of jackfield and of LangChain at once."""

    @classmethod
    def of(cls, error: ContextLengthExceededError) -> ContextOverflow:
        """The same error, with its attempts and whatever else it tells."""
        same = cls.__new__(cls, *error.args)
        same.args = error.args
        same.__dict__.update(error.__dict__)
        return same


@contextmanager
def both() -> Iterator[None]:
    """Raise a prompt that was too long as ``ContextOverflow``, everything else as it is."""
    try:
        yield
    except ContextOverflow:
        raise
    except ContextLengthExceededError as error:
        raise ContextOverflow.of(error).with_traceback(error.__traceback__) from error.__cause__
