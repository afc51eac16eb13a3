"""One answer while it is made: the engine's thread puts it in, a flow takes it out."""

from __future__ import annotations

import queue
import threading

from jackfield.errors import APIConnectionError


class Generation:
    """What the engine says to one request, piece by piece.

    Attributes:
        ended: it ended well, and all of it was taken.
        pieces: how many the engine has given so far, taken or not.
    """

    def __init__(self) -> None:
        self.ended = False
        self.pieces = 0
        self._queue: queue.SimpleQueue[bytes | BaseException | None] = queue.SimpleQueue()
        self._error: BaseException | None = None
        self._stopped = threading.Event()
        self._orphaned = False

    # -- the flow's side -----------------------------------------------------------------------------------------

    def take(self, seconds: float) -> list[bytes]:
        """Everything that is there; where nothing is, wait for it, at most ``seconds``. Empty when they are over.

        Raises:
            Exception: what went wrong in the engine's thread.
        """
        if self._orphaned:
            raise APIConnectionError("the process was forked while the local engine answered", code="reset")
        pieces: list[bytes] = []
        while not self.ended and self._error is None:
            try:
                piece = self._queue.get(not pieces, max(seconds, 0.0))
            except queue.Empty:
                break
            if isinstance(piece, bytes):
                pieces.append(piece)
            else:
                self.ended, self._error = piece is None, piece
        if self._error is not None and not pieces:
            raise self._error
        return pieces

    def stop(self) -> None:
        """Have the engine give up at the next token, or the next part of a long prompt. Never blocks."""
        self._stopped.set()

    # -- the engine's side ---------------------------------------------------------------------------------------

    @property
    def stopped(self) -> bool:
        """Whether anyone still waits for the answer."""
        return self._stopped.is_set()

    def put(self, piece: bytes) -> bool:
        """The engine's callback: True makes it give up."""
        if not self._stopped.is_set():
            self.pieces += 1
            self._queue.put(piece)
        return self._stopped.is_set()

    def end(self, error: BaseException | None = None) -> None:
        """Nothing more will come; with ``error``, because of that."""
        self._queue.put(error)

    def orphan(self) -> None:
        """In a forked child: the thread that made the answer stayed with the parent."""
        self._orphaned = True
