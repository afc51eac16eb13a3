"""``jackfield chat``."""

from __future__ import annotations

import sys
from typing import Any

import click

from jackfield.cli.answer import Question, ask, refused, remark_dropped
from jackfield.cli.output import TextOut, json_text
from jackfield.cli.params import Field, ModelName, Seconds
from jackfield.cli.source import Source, source_options
from jackfield.errors import ValidationError
from jackfield.wire import build_request, to_json


@click.command()
@click.argument("prompt", required=False)
@click.option("-m", "--model", type=ModelName(), help="backend/model, or an alias; else the configuration's default.")
@click.option("--system", metavar="TEXT", help="The system message.")
@click.option("--json", "as_json", is_flag=True, help="Print the whole response as one JSON document.")
@click.option("--no-stream", is_flag=True, help="Print the answer when it is whole.")
@click.option(
    "-o",
    "--option",
    "fields",
    type=Field(),
    multiple=True,
    help="A parameter of the request, such as temperature=0.2; the value is read as JSON, else as text.",
)
@click.option("--timeout", type=Seconds(), help="Give up after so many seconds.")
@source_options
@click.pass_context
def chat(
    context: click.Context,
    prompt: str | None,
    model: str | None,
    system: str | None,
    *,
    as_json: bool,
    no_stream: bool,
    fields: tuple[tuple[str, Any], ...],
    timeout: float | None,
) -> None:
    """Ask a model and print its answer as it arrives.

    What is piped in is appended to PROMPT, or is the prompt. Without either, on a terminal, begins a session: /reset
    forgets what was said, /exit or Ctrl-D leaves, Ctrl-C interrupts an answer.
    """
    source = context.ensure_object(Source)
    stream = not (no_stream or as_json or dict(fields).get("n", 1) != 1)
    question = Question(model=model, fields=dict(fields), timeout=timeout, stream=stream)
    messages = [] if system is None else [{"role": "system", "content": system}]
    text = _prompt(prompt)
    _check(context, question, [*messages, {"role": "user", "content": text or ""}])
    if text is not None:
        _once(context, source, question, [*messages, {"role": "user", "content": text}], as_json=as_json)
        return
    if as_json or not sys.stdout.isatty():
        reason = "with --json" if as_json else "unless both input and output are a terminal"
        raise click.UsageError(f"a prompt is needed {reason}", context)
    from jackfield.cli.interactive import Session

    with source.client() as client:
        Session(client, question, messages).run()


def _once(context: click.Context, source: Source, question: Question, messages: list[Any], *, as_json: bool) -> None:
    with source.client() as client:
        if as_json:
            response = client.create_chat_completion(stream=False, **question.arguments(messages))
            json_text(to_json(response))
            remark_dropped(response)
        elif refused(ask(client, question, messages, TextOut())):
            context.exit(1)


def _prompt(prompt: str | None) -> str | None:
    """The argument with what is piped in; None where both are missing, and the input is a terminal."""
    if sys.stdin is None or sys.stdin.closed:  # started without one
        piped = ""
    elif sys.stdin.isatty():
        return prompt
    else:
        piped = _piped()
    text = "\n\n".join(part for part in (prompt, piped) if part)
    if not text:
        raise click.UsageError("the prompt is empty")
    return text


def _piped() -> str:
    try:
        return sys.stdin.buffer.read().decode("utf-8-sig").strip("\r\n")
    except UnicodeDecodeError:
        raise click.ClickException("what is piped in is not text in UTF-8") from None


def _check(context: click.Context, question: Question, messages: list[Any]) -> None:
    """Refuse a value that its parameter cannot have before anything is read or sent."""
    try:
        build_request({"messages": messages, "model": "", **question.fields})
    except ValidationError as error:
        raise click.UsageError(f"-o: {error}", context) from None
