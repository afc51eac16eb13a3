"""Onion: a plan with the plugin at some position, between layers of the kit that pass everything on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import attrs

from jackfield.call import Call
from jackfield.flow import Flow
from jackfield.hookspecs import hookimpl
from jackfield.http import HttpRequest, HttpResponse
from jackfield.models.request import CreateChatCompletionRequest
from jackfield.models.response import CreateChatCompletionResponse
from jackfield.plan import Plan
from jackfield.testing.contract.middleware.source import Source
from jackfield.testing.contract.middleware.subject import Subject
from jackfield.testing.contract.middleware.tape import Tape
from jackfield.testing.driver import plan

POSITIONS: Mapping[str, tuple[str, str]] = {
    "alone": ("S", ""),
    "outermost": ("SPP", "P"),
    "between others": ("PSP", "P"),
    "innermost": ("PPS", ""),
    "twice": ("SPS", ""),
    "beside itself with other settings": ("SO", ""),
    "in host and backend": ("S", "S"),
    "alone in a backend": ("", "S"),
    "between others in a backend": ("P", "PSP"),
    "twice in a backend": ("P", "SS"),
    "beside itself with other settings in a backend": ("", "SO"),
}
"""Layers of the host and of the backend, outermost first: S is the plugin, O the same with nothing but its required
settings, P a layer of the kit."""


@attrs.define(eq=False)
class Passing:
    """Passes everything on."""

    @hookimpl
    def wrap_chat_completion(
        self, request: CreateChatCompletionRequest, call: Call
    ) -> Flow[CreateChatCompletionResponse]:
        """Pass the request on."""
        del call
        response: CreateChatCompletionResponse = yield request
        return response

    @hookimpl
    def wrap_http(self, http_request: HttpRequest, call: Call) -> Flow[HttpResponse]:
        """Pass the exchange on."""
        del call
        response: HttpResponse = yield http_request
        return response

    @hookimpl
    def on_chunk(self) -> None:
        """Leave the chunk."""


def fits(subject: Subject, position: str) -> bool:
    """Whether the plugin may stand there."""
    return subject.in_host or not {"S", "O"} & set(POSITIONS[position][0])


def usual(subject: Subject) -> str:
    """Where it stands unless the check is about positions."""
    return "between others" if subject.in_host else "between others in a backend"


@attrs.define(eq=False)
class Onion:
    """Layers around a source.

    Attributes:
        subject: whose plugin is in it.
        position: where.
        plan: of calls through it.
        tape: what the plugin's hooks do.
        source: what answers.
        instances: of the plugin.
        now: seconds on the clock of its calls.
    """

    subject: Subject
    position: str
    plan: Plan
    tape: Tape
    source: Source
    instances: list[Any]
    now: float = 1000.0


def onion(
    subject: Subject,
    source: Source | None = None,
    *,
    position: str | None = None,
    outside: Sequence[object] = (),
    instance: object = None,
    tape: Tape | None = None,
) -> Onion:
    """An onion with new instances of the plugin.

    Args:
        subject: the plugin.
        source: what answers; one that answers well unless told.
        position: a name of ``POSITIONS``; the usual one unless told.
        outside: layers of the host that stand outside of all others.
        instance: stands for the first that would be made.
        tape: that records; one of its own unless told.
    """
    source = Source(text=subject.text) if source is None else source
    position = usual(subject) if position is None else position
    tape = Tape(subject) if tape is None else tape
    instances: list[Any] = []

    def layer(letter: str) -> Any:
        if letter == "P":
            return Passing()
        first = instance is not None and not instances
        settings = subject.settings if letter == "S" else subject.others
        instances.append(instance if first else subject.make(settings))
        return instances[-1]

    host, own = ([layer(letter) for letter in letters] for letters in POSITIONS[position])
    made = plan(
        source,
        middleware=[*outside, *host],
        backend_middleware=own,
        backends={"other": source},
    )
    for one in made.layers:
        if any(one.plugin is known for known in instances):
            tape.tap(one)
    return Onion(subject, position, made, tape, source, instances)
