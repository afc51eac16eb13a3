"""Balance: one of several models, for each request."""

from __future__ import annotations

import os
import threading
from collections.abc import Collection, Iterator, Mapping
from typing import Any, Literal

import attrs

from jackfield.call import Call
from jackfield.flow import Flow
from jackfield.hookspecs import hookimpl
from jackfield.models.base import replaced
from jackfield.models.request import CreateChatCompletionRequest
from jackfield.models.response import CreateChatCompletionResponse
from jackfield_routing.checks import entry, is_name, is_whole
from jackfield_routing.rendezvous import meeting
from jackfield_routing.wheel import Wheel

MOST = 1_000_000
"""The greatest weight."""


def _tables(_: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
    if not isinstance(value, Mapping) or not value or not all(map(is_name, value)):
        raise ValueError(f"{attribute.name}: expected a table from names of models to tables of weights")
    for number, (name, weights) in enumerate(value.items(), start=1):
        place = entry(number, name)
        if not isinstance(weights, Mapping) or not all(map(is_name, weights)) or not any(weights.values()):
            raise ValueError(f"{attribute.name}: expected names of models for {place}, with their weights, one above 0")
        if not all(is_whole(weight, 0, MOST) for weight in weights.values()):
            raise ValueError(f"{attribute.name}: expected weights for {place} that are whole numbers from 0 to {MOST}")


def _way(_: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
    if not isinstance(value, str) or value not in {"weight", "least-in-flight"}:
        raise ValueError(f"{attribute.name}: expected weight or least-in-flight")


def _label(_: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
    if value is not None and not is_name(value):
        raise ValueError(f"{attribute.name}: expected the name of a label")


@attrs.define(eq=False)
class Balance:
    """Share requests out among models, by their weights, by what each is doing, or by a label of the call.

    It passes each request inward once, and judges no failure: that is for ``fallback`` and ``circuit-breaker``.

    Attributes:
        models: for each name that a request may have when it comes here, a table from the models that stand behind it
            to their weights. A model of weight 0 is not asked.
        by: weight, each in its turn, as often as its weight says; or least-in-flight, the one with the fewest
            unfinished requests for its weight.
        sticky: name of a label; calls with the same value of it go to the same model, whatever ``by`` says.
    """

    models: Mapping[str, Mapping[str, int]] = attrs.field(validator=_tables)
    by: Literal["weight", "least-in-flight"] = attrs.field(default="weight", validator=_way)
    sticky: str | None = attrs.field(default=None, validator=_label)
    _wheels: dict[str, Wheel] = attrs.field(init=False, repr=False)
    _in_flight: dict[str, int] = attrs.field(init=False, repr=False)
    _process: int = attrs.field(init=False, repr=False, factory=os.getpid)
    _lock: threading.Lock = attrs.field(init=False, repr=False, factory=threading.Lock)

    def __attrs_post_init__(self) -> None:
        self._wheels = {name: Wheel(weights) for name, weights in self.models.items()}
        self._in_flight = {model: 0 for weights in self.models.values() for model in weights}

    @property
    def model_names(self) -> Iterator[tuple[tuple[str | int, ...], str]]:
        """The names that it asks for, by their places in its settings."""
        for name, weights in self.models.items():
            yield from ((("models", name, model), model) for model in weights)

    @property
    def model_groups(self) -> Collection[str]:
        """The names that it replaces by others."""
        return self.models.keys()

    @hookimpl
    def wrap_chat_completion(
        self, request: CreateChatCompletionRequest, call: Call
    ) -> Flow[CreateChatCompletionResponse]:
        """Pass the request inward, under the name of the model that is chosen; a stream is in flight until it ends."""
        response: CreateChatCompletionResponse
        weights = self.models.get(request.model)
        if weights is None:
            response = yield request
            return response
        model = self._take(request.model, weights, call)
        try:
            response = yield replaced(request, "model", model)
        finally:
            with self._lock:
                self._in_flight[model] -= 1
        return response

    def _take(self, name: str, weights: Mapping[str, int], call: Call) -> str:
        """Choose a model, and count a request for it."""
        value = "" if self.sticky is None else str(call.labels.get(self.sticky, ""))
        met = meeting(value, weights) if value else None
        with self._lock:
            if self._process != os.getpid():  # what flies in another process does not land in its fork
                self._process, self._in_flight = os.getpid(), dict.fromkeys(self._in_flight, 0)
            model = self._choose(name, weights) if met is None else met
            self._in_flight[model] += 1
            return model

    def _choose(self, name: str, weights: Mapping[str, int]) -> str:
        if self.by == "weight":
            return self._wheels[name].turn()
        loads = {model: self._in_flight[model] / weight for model, weight in weights.items() if weight}
        least = min(loads.values())
        return self._wheels[name].turn(model for model, load in loads.items() if load == least)
