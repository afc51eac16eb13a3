"""``jackfield explain``."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import click

from jackfield.cli.output import document, emit, harmless, left_out
from jackfield.cli.params import Field, ModelName
from jackfield.cli.source import Source, source_options
from jackfield.redaction import scrub

if TYPE_CHECKING:
    from jackfield.explain.views import Explanation, HttpView, Layer, Setting, Step

STEP = "  "
PROMPT = "Hello"


@click.command()
@click.argument("prompt", default=PROMPT)
@click.option("-m", "--model", type=ModelName(), help="backend/model, or an alias; else the configuration's default.")
@click.option("--system", metavar="TEXT", help="The system message.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.option("--stream", is_flag=True, help="Explain a call that asks for a stream.")
@click.option("-o", "--option", "fields", type=Field(), multiple=True, help="A parameter of the request; see chat -o.")
@source_options
@click.pass_context
def explain(
    context: click.Context,
    prompt: str,
    model: str | None,
    system: str | None,
    *,
    as_json: bool,
    stream: bool,
    fields: tuple[tuple[str, Any], ...],
) -> None:
    """Show what a call would pass and send, without sending it; without PROMPT one that says Hello.

    From the outermost layer to the provider: each with its settings and where they were written, the name of the model
    resolved, and the HTTP request. Secrets are not read: they stand as references. A setting without a place has its
    default.
    """
    from jackfield.explain.explain import explain as explained
    from jackfield.registry import Registry

    messages = [] if system is None else [{"role": "system", "content": system}]
    asked: dict[str, Any] = {"messages": [*messages, {"role": "user", "content": prompt}], **dict(fields)}
    if stream:
        asked["stream"] = True
    explanation = explained(context.ensure_object(Source).load(), Registry(), model, asked)
    if as_json:
        document(explanation.plain())
    else:
        emit("".join(f"{harmless(scrub(line), one_line=True)}\n" for line in _lines(explanation)))


def _lines(explanation: Explanation) -> Iterator[str]:
    """The onion as a tree: what stands inside stands further right."""
    yield _configuration(explanation)
    for step in explanation.trail:
        yield f"{step.name} = {step.value}{_several(step)}{_place(step)}"
    depth = 0
    for layer in explanation.host:
        yield from _indented(depth, _layer(layer))
        depth += 1
    yield from _indented(depth, [f"backend {explanation.backend}", *_settings(explanation.limits)])
    depth += 1
    for layer in explanation.own:
        yield from _indented(depth, _layer(layer))
        depth += 1
    yield from _indented(depth, _layer(explanation.provider, "provider "))
    yield from _indented(depth + 1, _sent(explanation))


def _several(step: Step) -> str:
    """That a layer takes another name than the one that is followed, too."""
    return f", one of {len(step.one_of)}: {', '.join(step.one_of)}" if len(step.one_of) > 1 else ""


def _indented(depth: int, lines: Iterable[str]) -> Iterator[str]:
    return (STEP * depth + line for line in lines)


def _configuration(explanation: Explanation) -> str:
    files = " and ".join(map(_near, explanation.files)) or "no file"
    return f"configuration: {files}" + (f", profile {explanation.profile}" if explanation.profile else "")


def _layer(layer: Layer, kind: str = "") -> Iterator[str]:
    around = f", around {' and '.join(layer.around)}" if layer.around else ""
    yield f"{kind}{layer.name} ({layer.plugin} of {layer.distribution}{around})"
    yield from _settings(layer.settings)


def _settings(settings: Iterable[Setting]) -> Iterator[str]:
    return (f"{STEP}{STEP}{setting.name} = {_text(setting.value)}{_place(setting)}" for setting in settings)


def _text(value: Any) -> str:
    return "none" if value is None else json.dumps(value, ensure_ascii=False)


def _place(setting: Setting) -> str:
    """Where a value was written, for a person."""
    place = setting.place
    if place is None:
        return ""
    line = "" if place.line is None else f":{place.line}"
    profile = f", profile {place.path.split('.')[1]}" if place.path.startswith("profiles.") else ""
    return f"  ({_near(place.file or 'the program')}{line}{profile})"


def _near(file: str) -> str:
    """A path below the working directory without it."""
    relative = os.path.relpath(file) if os.path.isabs(file) else file
    return file if relative.startswith(os.pardir) else relative


def _sent(explanation: Explanation) -> Iterator[str]:
    rehearsal = explanation.rehearsal
    if rehearsal.before is not None:
        yield "asks first:"
        yield from _indented(1, _http(rehearsal.before))
    if rehearsal.request is not None:
        yield "sends:"
        yield from _indented(1, _http(rehearsal.request))
    if rehearsal.dropped:
        yield left_out(rehearsal.dropped)
    if rehearsal.note is not None:
        yield f"({rehearsal.note})"


def _http(request: HttpView) -> Iterator[str]:
    yield f"{request.method} {request.url}"
    for name, value in request.headers.items():
        yield f"{name}: {value}"
    body = request.body if isinstance(request.body, str) else json.dumps(request.body, ensure_ascii=False, indent=2)
    yield from body.splitlines()
