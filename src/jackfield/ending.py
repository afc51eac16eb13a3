"""Ending: what took a call down, and what the host gets in the end."""

from __future__ import annotations

from jackfield.errors import CallCancelled, DeadlineExceededError, PluginError, StreamInterruptedError


class Ending:
    """How a call ends, as far as that is known.

    Attributes:
        cancelled: what is thrown into the layers of a call that was taken down, else None.
        expired: the error of its deadline, once that has passed.
    """

    __slots__ = ("_instead", "cancelled", "expired")

    def __init__(self) -> None:
        self.cancelled: CallCancelled | None = None
        self.expired: DeadlineExceededError | None = None
        self._instead: BaseException | None = None

    def cancel(self, instead: BaseException | None) -> CallCancelled:
        """Take the call down; ``instead`` is what the host gets in place of what the layers do."""
        self.cancelled, self._instead = CallCancelled(), instead
        return self.cancelled

    def expire(self) -> DeadlineExceededError:
        """Note that the deadline has passed."""
        self.expired = DeadlineExceededError()
        return self.expired

    def taken_down(self, raised: BaseException, where: object) -> BaseException:
        """What goes outward for what was raised. What is no ``Exception`` takes the call down and is the host's."""
        if isinstance(raised, Exception):
            return raised
        if isinstance(raised, CallCancelled):
            return PluginError(f"{where}: raised CallCancelled, which only the engine may")
        if self._instead is None or isinstance(self._instead, Exception):
            self._instead = raised  # an interrupt goes before whatever closes the call, the first before later ones
        if self.cancelled is None:
            self.cancelled = CallCancelled()
        return self.cancelled

    def error(self, error: BaseException) -> BaseException:
        """What the host gets for what the outermost layer raised."""
        if self.cancelled is None:
            return error
        return StreamInterruptedError("closed by the host") if self._instead is None else self._instead
