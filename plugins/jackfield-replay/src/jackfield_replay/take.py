"""Take: an exchange while it goes on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs

from jackfield.call import Call
from jackfield.errors import CallError
from jackfield.http import HttpRequest, HttpResponse
from jackfield_replay.clean import Cleaner
from jackfield_replay.exchange import DECIMALS, Exchange, Failure, Request, Response, block, shown


@attrs.define(eq=False)
class Take:
    """What is known so far of an exchange, with its secrets.

    Attributes:
        request: what was asked.
        response: what was answered, as soon as its head has come.
        ended: nothing more will come of it.
    """

    request: HttpRequest
    response: HttpResponse | None = None
    ended: bool = False
    _clock: Callable[[], float] = attrs.field(kw_only=True)
    _backend: str | None = attrs.field(kw_only=True)
    _model: str | None = attrs.field(kw_only=True)
    _last: float = attrs.field(init=False)
    _after: float = attrs.field(init=False, default=0.0)
    _blocks: list[tuple[float, bytes]] = attrs.field(init=False, factory=list)
    _failure: tuple[CallError, float] | None = attrs.field(init=False, default=None)

    def __attrs_post_init__(self) -> None:
        self._last = self._clock()

    @classmethod
    def of(cls, request: HttpRequest, call: Call) -> Take:
        """The take of a request that is about to be sent; the call is not kept with it."""
        attempt = call.attempt
        backend = None if attempt is None else attempt.backend.name
        model = None if attempt is None else attempt.model or None
        return cls(request, clock=call.clock, backend=backend, model=model)

    def answered(self, response: HttpResponse) -> None:
        """The head of the answer has come."""
        self.response, self._after = response, self._passed()

    def came(self, data: bytes) -> None:
        """A block of the body has come, or, where there is nothing in it, its end."""
        if data:
            self._blocks.append((self._passed(), data))
        else:
            self.ended = True

    def failed(self, error: CallError) -> None:
        """It failed."""
        self.ended = True
        self._failure = error, self._passed()

    @property
    def worth_keeping(self) -> bool:
        """Whether anything is known of what came of it."""
        return self.response is not None or self._failure is not None

    def exchange(self, clean: Cleaner) -> Exchange:
        """The exchange, as it is written: without secrets."""
        asked = self.request
        headers = clean.of_request(asked.headers)
        request = Request(
            method=asked.method,
            url=clean.url(asked.url),
            headers=headers,
            withheld=clean.withheld(asked.headers, headers),
            **(shown(clean.body(asked.body)) if asked.body else {}),
        )
        failure = None if self._failure is None else Failure.of(*self._failure)
        end: Any = "failed" if failure else "whole" if self.ended else "left"
        return Exchange(
            backend=self._backend and clean.text(self._backend),
            model=self._model and clean.text(self._model),
            request=request,
            response=None if self.response is None else self._answer(self.response, clean),
            end=end,
            failure=failure,
        )

    def _answer(self, response: HttpResponse, clean: Cleaner) -> Response:
        headers = clean.of_answer(response.headers)
        return Response(
            status=response.status,
            after=self._after,
            headers=headers,
            withheld=clean.withheld(response.headers, headers),
            blocks=[block(data, after) for after, data in clean.blocks(self._blocks)],
        )

    def _passed(self) -> float:
        """Seconds since something came of it."""
        now = self._clock()
        passed, self._last = now - self._last, now
        return round(max(passed, 0.0), DECIMALS)
