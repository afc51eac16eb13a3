"""Subject: the plugin that is proved, what it declares, and how it fails."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import lru_cache
from typing import Any, NoReturn

import attrs

from jackfield.config.place import Places
from jackfield.construct import construct
from jackfield.drivers.scripted import Answer
from jackfield.errors import Fault
from jackfield.hooks import HookFinder
from jackfield.http import HttpRequest
from jackfield.registry import MIDDLEWARE, Registry
from jackfield.secret import Secret
from jackfield.testing.contract.middleware.patience import Pulse
from jackfield.testing.contract.middleware.source import TEXT
from jackfield.testing.contract.verdict import fail, one_line

PLACE = Places().place(("middleware", 0))


def told(error: BaseException) -> str:
    """An exception in a few words."""
    return one_line(f"{type(error).__name__}({str(error)!r})" if str(error) else type(error).__name__, 160)


@lru_cache(maxsize=16)
def _look(cls: type) -> tuple[str | None, frozenset[str]]:
    """What is wrong with a class, or None, and the hooks that it implements."""
    (found,) = Registry({"subject": cls}).find(MIDDLEWARE, "subject") or (None,)
    wrong = "is no middleware" if found is None else found.check()
    return wrong, frozenset() if wrong else frozenset(HookFinder()(cls.__name__.lower(), cls))


@attrs.frozen(eq=False)
class Subject:
    """A middleware, as its author gives it to the kit.

    Attributes:
        cls: its class.
        settings: its settings, as in its TOML table.
        repeats, answers, changes_request, changes_answer, changes_outcome, text: see ``MiddlewareContract``.
        service: answers what it sends by itself.
        opened: instances that have to be closed.
        pulse: of the calls of a check.
    """

    cls: type
    settings: Mapping[str, Any]
    repeats: bool = False
    answers: bool = False
    changes_request: bool = False
    changes_answer: bool = False
    changes_outcome: bool = False
    text: str = TEXT
    service: Callable[[HttpRequest], Answer | None] = lambda _: None
    opened: list[Any] = attrs.field(init=False, factory=list)
    pulse: Pulse = attrs.field(init=False, factory=Pulse)

    @property
    def name(self) -> str:
        """Of the class."""
        return self.cls.__name__

    @property
    def in_host(self) -> bool:
        """Whether it may stand among the middleware of the host."""
        return not getattr(self.cls, "backend_only", False)

    @property
    def loads(self) -> bool:
        """Whether the loader takes the class."""
        return _look(self.cls)[0] is None

    @property
    def hooks(self) -> frozenset[str]:
        """The hooks that it implements; fails the test where the loader does not take the class."""
        wrong, hooks = _look(self.cls)
        if wrong is not None:
            self.fail(
                f"does not load: {wrong}",
                wants="the loader takes the class: an attrs class with eq=False, whose hooks are known",
            )
        return hooks

    @property
    def others(self) -> Mapping[str, Any]:
        """Other settings: only those without a default, if that is enough."""
        needed = {field.alias for field in attrs.fields(self.cls) if field.default is attrs.NOTHING}
        required = {name: value for name, value in self.settings.items() if name in needed}
        return self.settings if self.try_make(required)[0] is None else required

    @property
    def secrets(self) -> dict[str, Secret]:
        """Its settings that are secrets, by name, as a new instance has them."""
        instance = self.make()
        values = {field.name: getattr(instance, field.name, None) for field in attrs.fields(self.cls)}
        return {name: value for name, value in values.items() if isinstance(value, Secret)}

    def try_make(self, settings: Mapping[str, Any]) -> tuple[Any, list[Fault]]:
        """An instance made by the loader of configurations, or None, and what is wrong with the settings."""
        instance, faults = construct(self.cls, settings, PLACE)
        if instance is not None and "close" in self.hooks:
            self.opened.append(instance)
        return instance, faults

    def make(self, settings: Mapping[str, Any] | None = None) -> Any:
        """An instance with its settings, or with others."""
        assert self.hooks  # noqa: S101 - fails by itself where the loader would not take the class
        instance, faults = self.try_make(self.settings if settings is None else settings)
        if instance is None:
            text = "; ".join(fault.expected for fault in faults)
            self.fail(f"cannot be made with the settings of the test: {text}", wants="its settings are sound")
        return instance

    def close(self, instance: Any) -> None:
        """Close an instance as a client does, once."""
        self.opened.remove(instance)
        instance.close()

    def close_all(self) -> None:
        """Close what is left; what comes of it is looked at by a check of its own."""
        for instance in list(self.opened):
            with suppress(Exception):
                self.close(instance)

    def fail(self, did: str, where: str = "", *, wants: str) -> NoReturn:
        """Fail the test by one line.

        Args:
            did: what the plugin did, after its name.
            where: in the call.
            wants: what the contract wants instead.
        """
        fail(self.name, did, where, wants)
