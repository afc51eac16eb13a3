"""Types of options."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import CompletionItem

if TYPE_CHECKING:
    from jackfield.cli.source import Source

OWN = {"messages": "PROMPT and --system", "model": "-m", "stream": "--no-stream"}
"""Fields of a request that have options of their own."""


class Field(click.ParamType):  # type: ignore[type-arg]  # generic only since click 8.5
    """A parameter of the request: ``name=value``, the value as JSON where it parses as JSON, else as text."""

    name = "name=value"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, Any]:
        """Name and value. Fails for a name that no request has."""
        from jackfield.config.hints import did_you_mean
        from jackfield.wire import request_fields

        name, equals, text = value.partition("=")
        if not equals:
            self.fail(f"{value!r} is not of the form name=value", param, ctx)
        if name in OWN:
            self.fail(f"{name!r} is set by {OWN[name]}", param, ctx)
        if name not in request_fields():
            hint = did_you_mean(name, _settable())
            self.fail(f"no parameter is named {name!r}" + (f"; {hint}" if hint else ""), param, ctx)
        return name, _json_or_text(text)

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:  # noqa: ARG002 - click's signature
        """The names, each with its ``=``."""
        return [CompletionItem(f"{name}=") for name in _settable() if name.startswith(incomplete)]


class Seconds(click.ParamType):  # type: ignore[type-arg]  # generic only since click 8.5
    """A number of seconds above 0."""

    name = "seconds"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The number. Fails for what is none, not above 0, or more than clocks and locks take."""
        from jackfield.config.check import MAX_SECONDS

        try:
            seconds = float(value)
        except ValueError:
            self.fail(f"{value!r} is not a number of seconds", param, ctx)
        if not 0 < seconds <= MAX_SECONDS:
            self.fail(f"{value!r} is not above 0 and at most {MAX_SECONDS:.0f}", param, ctx)
        return seconds


class ModelName(click.ParamType):  # type: ignore[type-arg]  # generic only since click 8.5
    """The name of a model: ``backend/model`` or an alias."""

    name = "model"

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:  # noqa: ARG002 - click's signature
        """The aliases and backends of the configuration; no backend is asked for its models."""
        from jackfield.cli.source import Source

        source: Source = ctx.ensure_object(Source)
        settings = source.load().settings
        names = [*settings.models, *(f"{backend}/" for backend in settings.backends)]
        return [CompletionItem(name) for name in names if name.startswith(incomplete)]


def _settable() -> list[str]:
    from jackfield.wire import request_fields

    return sorted(set(request_fields()) - set(OWN))


def _json_or_text(text: str) -> Any:
    try:
        return json.loads(text, parse_constant=_no_json)
    except (ValueError, RecursionError):
        return text


def _no_json(name: str) -> Any:
    raise ValueError(name)
