"""Service: what answers the HTTP requests of a trial, and the driver that goes by the onion's clock."""

from __future__ import annotations

from collections.abc import Sequence

from jackfield.drivers.scripted import Answer, Reply, ScriptedDriver
from jackfield.http import HttpRequest
from jackfield.testing.contract.middleware.onion import Onion
from jackfield.testing.contract.middleware.source import URL
from jackfield.testing.contract.middleware.tape import FLOWS


class Service:
    """A script: answers the HTTP requests of the source, and has the author's test answer those of the plugin.

    Args:
        onion: whose plugin it is.
        statuses: of the answers to the source, in order; the last one holds for all further ones. An exception is
            raised in place of an answer.
    """

    def __init__(self, onion: Onion, statuses: Sequence[int | BaseException] = (200,)) -> None:
        self.onion, self._statuses = onion, statuses
        self.sent: list[HttpRequest] = []

    def __call__(self, http_request: HttpRequest) -> Answer:
        """The answer to a request."""
        if http_request.url != URL and not self.onion.subject.changes_request:
            self._check_moved(http_request)
            return self._of_test(http_request)
        self.sent.append(http_request)
        status = self._statuses[min(len(self.sent), len(self._statuses)) - 1]
        return status if isinstance(status, BaseException) else Reply(status, blocks=[b"."] * 3)

    def _check_moved(self, http_request: HttpRequest) -> None:
        """Fail where it is the provider's request, which a layer around the exchange sends elsewhere."""
        passed = (one for passage in self.onion.tape.passages if passage.hook == FLOWS[1] for one in passage.inward)
        if any(one is http_request for one in passed):
            self.onion.subject.fail(
                f"moved the provider's request to {http_request.url}",
                f"wrap_http, {self.onion.subject.pulse.place}",
                wants="a request goes where its backend is; what changes it on purpose declares changes_request = True",
            )

    def _of_test(self, http_request: HttpRequest) -> Answer:
        answer = self.onion.subject.service(http_request)
        if answer is None:
            self.onion.subject.fail(
                f"sent {http_request.method} {http_request.url}",
                self.onion.subject.pulse.place,
                wants="a test says what comes back for what the middleware sends itself: override service",
            )
        return answer


class KitDriver(ScriptedDriver):
    """A scripted driver whose clock is that of all calls of an onion, and never goes back.

    Args:
        service: what answers.
    """

    def __init__(self, service: Service) -> None:
        self._onion = service.onion
        super().__init__(service)

    @property
    def now(self) -> float:
        """Seconds on the clock."""
        return self._onion.now

    @now.setter
    def now(self, seconds: float) -> None:
        self._onion.now = max(self._onion.now, seconds)
