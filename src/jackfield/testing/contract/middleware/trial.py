"""Trial: one call through an onion, driven effect by effect, the kit playing the host."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import attrs
import pytest

from jackfield.call import Call
from jackfield.drivers.scripted import ScriptedDriver
from jackfield.engine import Engine
from jackfield.flow import Effect
from jackfield.models.messages import ChatCompletionRequestUserMessage
from jackfield.models.request import CreateChatCompletionRequest
from jackfield.testing.contract.middleware.answers import ASKED, USUAL
from jackfield.testing.contract.middleware.onion import Onion, onion
from jackfield.testing.contract.middleware.service import KitDriver, Service
from jackfield.testing.contract.middleware.source import SIZE, WELL, Act, Source
from jackfield.testing.contract.middleware.subject import Subject

MODES = ("whole", "streamed")
CALL: dict[str, Any] = {
    "timeout": 500.0,
    "labels": {"job": "contract"},
    "extra_headers": {"x-extra": "kept"},
    "extra_body": {"x_body": {"kept": [1, 2]}},
}
"""What the host says of each call besides the request."""


def ask(
    text: str = "why?", *, mode: str = "whole", model: str = "test/m", **fields: Any
) -> CreateChatCompletionRequest:
    """A request with fields of many kinds."""
    return CreateChatCompletionRequest(
        messages=[ChatCompletionRequestUserMessage(content=text)],
        model=model,
        stream=mode == "streamed",
        temperature=0.5,
        metadata={"customer": "c-1"},
        extra={"x_request": {"kept": [1, 2]}},
        **fields,
    )


@attrs.define(eq=False)
class Trial:
    """One call.

    Attributes:
        onion: what it goes through.
        where: what the check does, for messages.
        request: of the host.
        driver: performs its effects.
        engine: of the call.
        effect: the next one; None once the call has ended.
        done: effects that were performed.
        told: what the host says of the call besides the request.
    """

    onion: Onion
    where: str
    request: CreateChatCompletionRequest
    driver: ScriptedDriver = attrs.field()
    engine: Engine = attrs.field(init=False)
    effect: Effect | None = attrs.field(init=False)
    done: int = attrs.field(init=False, default=0)
    told: dict[str, Any] = attrs.field(init=False)

    @driver.default
    def _driver(self) -> ScriptedDriver:
        return KitDriver(Service(self.onion))

    def __attrs_post_init__(self) -> None:
        request = self.request
        self._goes_on()
        call = Call(
            clock=self.driver.clock,
            model=request.model,
            stream=request.stream is True,
            **copy.deepcopy(CALL),
        )
        self.told = {name: copy.deepcopy(getattr(call, name)) for name in ("model", "stream", *CALL)}
        self.engine = Engine(self.onion.plan, call)
        self.effect = self.engine.begin_chat(request)

    @property
    def call(self) -> Call:
        """The call."""
        return self.engine.call

    @property
    def mode(self) -> str:
        """``whole`` or ``streamed``."""
        return MODES[self.request.stream is True]

    @property
    def place(self) -> str:
        """Where in which call, for messages."""
        return f"{self.mode} call, {self.onion.position}{', ' if self.where else ''}{self.where}"

    def step(self) -> None:
        """Perform one effect."""
        assert self.effect is not None, "the call has ended"  # noqa: S101 - a mistake of the kit
        self.done += 1
        self._goes_on()
        self.effect = self.driver.step(self.engine, self.effect)

    def _goes_on(self) -> None:
        self.onion.subject.pulse.beat(self.place)

    def on(self, effects: int) -> bool:
        """Perform so many effects, if there are as many; whether the call still goes on."""
        while self.effect is not None and self.done < effects:
            self.step()
        return self.effect is not None

    def until_chunks(self, chunks: int) -> None:
        """Go on until the host has so many chunks, or the call has ended."""
        while self.effect is not None and len(self.driver.delivered) < chunks:
            self.step()

    def run(self) -> Any:
        """Go on to the end; the outcome."""
        while self.effect is not None:
            self.step()
        return self.outcome

    def cancel(self) -> Any:
        """The host leaves; the outcome."""
        self.engine.cancel()
        self.effect = None
        return self.outcome

    def expire(self) -> Any:
        """Let the time of the call be over, and go on to the end; the outcome."""
        self.driver.now = self.call.deadline
        return self.run()

    @property
    def outcome(self) -> Any:
        """What the host gets: a response, or the exception that is raised."""
        try:
            return self.engine.result()
        except pytest.fail.Exception:
            raise
        except BaseException as error:  # noqa: BLE001 - looked at by the check
            return error


def trial(
    subject: Subject,
    mode: str,
    where: str = "",
    *,
    acts: Sequence[Act] = (WELL,),
    size: int = SIZE,
    form: str = USUAL,
    **around: Any,
) -> Trial:
    """A call through a new onion that has begun.

    Args:
        subject: the plugin.
        mode: ``whole`` or ``streamed``.
        where: what the check does, for messages.
        acts: how the attempts go, in order.
        size: characters in each piece of a stream.
        form: of the answer.
        around: of ``onion``: where the plugin stands, between what, and what records it.
    """
    source = Source(text=subject.text, size=size, acts=acts, form=form)
    return Trial(onion(subject, source, **around), where, ask(mode=mode, **ASKED.get(form, {})))
